//! The emulator.

use super::*;

#[test]
fn the_emulator_brings_its_own_credentials() {
    let emulator = Some(EnvironmentName::Emulator);
    for overrides in [
        profile("local"),
        Overrides {
            environment: emulator,
            ..Overrides::default()
        },
        Overrides {
            environment: emulator,
            ..profile("acme")
        },
        Overrides {
            environment: emulator,
            ..profile("env")
        },
    ] {
        let mut variables = Vec::new();
        if overrides.profile.as_deref() == Some("env") {
            variables.extend(ENV_PROFILE);
        }
        let made = resolve(&overrides, &variables).unwrap();
        assert_eq!(made.target, Target::Emulator { url: None });
        assert!(made.credentials.is_none());
        assert_eq!(
            (&made.token_endpoint, &made.api_base, &made.proxy),
            (&None, &None, &None)
        );
        let shown = format!("{made:?}");
        assert!(
            !shown.contains("FILE_SECRET") && !shown.contains("pin"),
            "{shown}"
        );
    }
}

#[test]
fn the_emulator_by_flag_needs_no_file_and_no_variables() {
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken.toml");
    std::fs::write(&broken, "not TOML").unwrap();
    let emulator = Overrides {
        environment: Some(EnvironmentName::Emulator),
        ..Overrides::default()
    };
    let files = [broken.clone(), folder.path().join("none.toml")];
    for file in files.map(|file| file.to_str().unwrap().to_owned()) {
        let mut variables = vec![
            ("PROVE_TOKEN_CONFIG", file.as_str()),
            ("PROVE_CLIENT_ID", "id"),
            ("PROVE_CLIENT_SECRET", ""),
            ("PROVE_ENVIRONMENT", "bad"),
        ];
        let made = Profile::resolve(&emulator, &env(&variables)).unwrap();
        assert_eq!(
            (made.name.as_str(), made.chosen_by),
            ("flags", Origin::Flag)
        );
        assert_eq!(made.target, Target::Emulator { url: None });
        // What asks for a profile or a file by name asks for the file.
        assert!(Profile::resolve(&Overrides::default(), &env(&variables)).is_err());
        for asking in [
            Overrides {
                config: Some(broken.clone()),
                ..emulator.clone()
            },
            Overrides {
                profile: Some("prove".to_owned()),
                ..emulator.clone()
            },
        ] {
            assert!(Profile::resolve(&asking, &env(&variables)).is_err());
        }
        variables.push(("PROVE_TOKEN_PROFILE", "prove"));
        assert!(Profile::resolve(&emulator, &env(&variables)).is_err());
    }
    // A file that was read for something else makes no difference.
    let made = resolve(&emulator, &ENV_PROFILE).unwrap();
    assert_eq!(made.name, "flags");
}

#[test]
fn a_running_emulator_is_used_where_the_emulator_is_meant() {
    let running = ("PROVE_EMULATOR", "http://127.0.0.1:8123");
    let made = resolve(&profile("local"), &[running]).unwrap();
    let url = endpoint("http://127.0.0.1:8123");
    assert_eq!(
        made.target,
        Target::Emulator {
            url: Some(url.clone())
        }
    );
    assert_eq!(
        made.token_endpoint,
        Some(endpoint("http://127.0.0.1:8123/token"))
    );
    assert_eq!(made.api_base, Some(url));
    // And nowhere else, good or bad.
    for other in ["http://127.0.0.1:8123", "nonsense"] {
        let made = resolve(&profile("prove"), &[("PROVE_EMULATOR", other)]).unwrap();
        assert_eq!(made.target, Target::Environment(Environment::UatUs));
    }
    for bad in [
        "",
        "nonsense",
        "127.0.0.1:8080",
        "https://canary-7b02.example",
        "http://canary-7b02.example",
        "http://127.0.0.1:1/canary-7b02",
        "https://127.0.0.1:1",
        "http://127.0.0.1.example:1",
    ] {
        let refused = problem(&profile("local"), &[("PROVE_EMULATOR", bad)]).to_string();
        match bad {
            "" => assert_eq!(refused, "PROVE_EMULATOR is set, but empty"),
            _ => assert_eq!(
                refused,
                "PROVE_EMULATOR is not the loopback address of an emulator"
            ),
        }
    }
}

#[test]
fn credentials_can_be_given_to_the_emulator() {
    let overrides = Overrides {
        client_id: Some(ClientId::new("mine").unwrap()),
        client_secret: secret(CANARY),
        ..profile("local")
    };
    let made = resolve(&overrides, &[]).unwrap();
    assert_eq!(made.credentials.unwrap().client_id().as_str(), "mine");
    let half = Overrides {
        client_secret: None,
        ..overrides
    };
    assert_eq!(problem(&half, &[]).key.as_deref(), Some("client_secret"));
}
