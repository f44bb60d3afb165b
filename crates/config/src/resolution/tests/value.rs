//! Values, and the layers they come from.

use super::*;

#[test]
fn presets_and_defaults_fill_the_rest() {
    let made = resolve(&profile("prove"), &[]).unwrap();
    assert_eq!(
        made.token_endpoint,
        Some(Environment::UatUs.token_endpoint())
    );
    assert_eq!(made.api_base, Some(Environment::UatUs.api_base()));
    assert_eq!(made.renewal, prove_token::RenewalPolicy::default());
    assert_eq!(made.retry, prove_token::RetryPolicy::default());
    assert_eq!(made.timeouts.flight, Duration::from_secs(25));
    for (key, value, origin) in [
        (
            "token_endpoint",
            "https://platform.uat.proveapis.com/token",
            "preset uat-us",
        ),
        ("client_authentication", "client_secret_post", "default"),
        ("accept_narrower_scope", "false", "default"),
        ("connect_timeout", "3s", "default"),
        ("renewal.default_lifetime", "5m", "default"),
        ("rate_limit", "24", "preset uat-us"),
    ] {
        let row = row(&made, key);
        assert_eq!(
            (row.value.as_str(), row.origin.to_string().as_str()),
            (value, origin)
        );
    }
}

#[test]
fn flags_are_checked_like_the_file() {
    let second = Duration::from_secs(1);
    for (overrides, message) in [
        (
            Overrides {
                connect_timeout: Some(Duration::ZERO),
                ..profile("prove")
            },
            "connect_timeout: out of range: from 10ms to 5m",
        ),
        (
            Overrides {
                attempt_timeout: Some(second),
                ..profile("prove")
            },
            "connect_timeout is longer than attempt_timeout",
        ),
        (
            Overrides {
                default_lifetime: Some(Duration::MAX),
                ..profile("prove")
            },
            "default_lifetime: out of range",
        ),
        (
            Overrides {
                audience: Some(String::new()),
                ..profile("prove")
            },
            "audience: is empty or holds control characters",
        ),
        (
            Overrides {
                parameters: Some([("scope".to_owned(), Secret::new(CANARY))].into()),
                ..profile("prove")
            },
            "parameters: \"scope\" cannot be an extra request parameter",
        ),
    ] {
        let problem = problem(&overrides, &[]);
        assert_eq!(problem.to_string(), message);
        assert!(!format!("{problem:?} {overrides:?}").contains(CANARY));
    }
}

#[test]
fn a_client_id_is_read_where_it_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("id");
    std::fs::write(&path, "file-id\n").unwrap();
    let text = |source: &str| {
        format!(
            "version = 1\n[profiles.p]\nenvironment = \"uat-us\"\nclient_id = {{ {source} }}\n\
             client_secret = {{ env = \"S\" }}\n"
        )
    };
    let resolve = |source: &str, variables: &[(&str, &str)]| {
        Profile::from_config(&profile("p"), &env(variables), Some(&config(&text(source))))
    };
    let id = |profile: Profile| profile.credentials.unwrap().client_id().as_str().to_owned();
    let from_file = format!("file = {path:?}");
    assert_eq!(id(resolve(&from_file, &[]).unwrap()), "file-id");
    assert_eq!(
        id(resolve("env = \"ID\"", &[("ID", "env-id")]).unwrap()),
        "env-id"
    );
    for (source, variables, message) in [
        (
            "env = \"ID\"",
            vec![],
            "the environment variable ID is not set, or empty",
        ),
        (
            "env = \"ID\"",
            vec![("ID", "a\n")],
            "the client id holds control characters",
        ),
        (
            "file = \"/none/id\"",
            vec![],
            "the file /none/id does not exist",
        ),
    ] {
        let error = resolve(source, &variables).unwrap_err();
        let problem = &error.problems()[0];
        assert_eq!(problem.message, message);
        assert_eq!(problem.key.as_deref(), Some("client_id"));
        assert_eq!(problem.place.as_ref().map(|place| place.line), Some(4));
    }
}

#[test]
fn the_certificates_of_a_profile_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, "pem").unwrap();
    let overrides = Overrides {
        ca_file: Some(path.clone()),
        ..profile("prove")
    };
    let made = resolve(&overrides, &[]).unwrap();
    assert_eq!(
        made.ca_certificates().unwrap().as_deref(),
        Some(b"pem".as_slice())
    );
    std::fs::remove_file(&path).unwrap();
    let error = made.ca_certificates().unwrap_err();
    assert!(
        error.to_string().starts_with("ca_file: the file "),
        "{error}"
    );
    let made = resolve(&profile("prove"), &[("SSL_CERT_FILE", "/none")]).unwrap();
    let error = made.ca_certificates().unwrap_err();
    assert_eq!(
        error.to_string(),
        "SSL_CERT_FILE: the file /none does not exist"
    );
    assert_eq!(
        error.hint(),
        Some("name a file of certificates in PEM form, or unset SSL_CERT_FILE")
    );
    let error = resolve(&profile("acme"), &[])
        .unwrap()
        .ca_certificates()
        .unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with(": ca_file: the file /acme.pem does not exist"),
        "{error}"
    );
    assert!(error.problems()[0].place.is_some());
    let made = resolve(&profile("prove"), &[]).unwrap();
    assert_eq!(made.ca_certificates().unwrap(), None);
}

#[test]
fn no_row_shows_a_secret() {
    let overrides = Overrides {
        client_secret: secret(CANARY),
        ..profile("acme")
    };
    let made = resolve(&overrides, &[("FILE_SECRET", CANARY)]).unwrap();
    assert_eq!(row(&made, "client_secret").value, "[redacted]");
    assert_eq!(row(&made, "parameters.pin").value, "[redacted]");
    let made = resolve(&profile("acme"), &[("FILE_SECRET", CANARY)]).unwrap();
    assert_eq!(
        row(&made, "client_secret").value,
        "in the environment variable FILE_SECRET"
    );
    let shown = format!("{made:?} {made:#?} {:?}", made.explain());
    assert!(!shown.contains(CANARY), "{shown}");
}

#[test]
fn the_time_limit_of_a_command_is_shown_and_used() {
    let text = |more: &str| {
        format!(
            "version = 1\n[profiles.p]\nenvironment = \"uat-us\"\nclient_id = \"id\"\n\
             flight_timeout = \"2m\"\nclient_secret = {{ command = [\"sleep\", \"60\"]{more} }}\n"
        )
    };
    for (more, limit) in [("", "10s"), (", timeout = \"1m 30s\"", "1m 30s")] {
        let made = Profile::from_config(&profile("p"), &env(&[]), Some(&config(&text(more))));
        assert_eq!(
            row(&made.unwrap(), "client_secret").value,
            format!("printed by the command sleep within {limit}")
        );
    }
    // A flag can make the whole shorter than its part.
    let shorter = Overrides {
        flight_timeout: Some(Duration::from_secs(80)),
        ..profile("p")
    };
    let config = config(&text(", timeout = \"90s\""));
    let error = Profile::from_config(&shorter, &env(&[]), Some(&config)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "client_secret.timeout is longer than flight_timeout"
    );
}

#[test]
fn a_command_sees_no_secret_of_ours() {
    let config = config(FILE);
    let mut withheld: Vec<_> = crate::credential::withheld(Some(&config)).collect();
    withheld.dedup();
    assert_eq!(
        withheld,
        ["FILE_SECRET", "PROVE_CLIENT_SECRET", "PROVE_ACCESS_TOKEN"]
    );
}

#[test]
fn a_file_with_problems_makes_no_profile() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    std::fs::write(&path, format!("{FILE}\nunknown = 1\n")).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    let broken = Config::inspect(&path).unwrap();
    let resolved = Profile::from_config(&profile("prove"), &env(&[]), Some(&broken));
    assert_eq!(resolved.unwrap_err().problems().len(), 1);
    let overrides = Overrides {
        config: Some(path),
        ..profile("prove")
    };
    assert!(Profile::resolve(&overrides, &env(&[])).is_err());
}

proptest! {
    /// Every key comes from the highest layer that gives it.
    #[test]
    fn the_highest_layer_wins(
        flags in proptest::collection::vec(any::<bool>(), 6),
        file in proptest::collection::vec(any::<bool>(), 6),
        certificates in any::<bool>(),
    ) {
        let mut text = "version = 1\n[profiles.p]\nenvironment = \"uat-us\"\n\
            client_id = \"id\"\nclient_secret = { env = \"S\" }\n".to_owned();
        let lines = [
            "scope = [\"file\"]",
            "audience = \"file\"",
            "ca_file = \"/file\"",
            "connect_timeout = \"2s\"",
            "accept_narrower_scope = true",
            "client_authentication = \"client_secret_basic\"",
        ];
        for (line, given) in lines.iter().zip(&file) {
            if *given {
                text.push_str(line);
                text.push('\n');
            }
        }
        let overrides = Overrides {
            scope: flags[0].then(|| Scope::new(["flag"]).unwrap()),
            audience: flags[1].then(|| "flag".to_owned()),
            ca_file: flags[2].then(|| PathBuf::from("/flag")),
            connect_timeout: flags[3].then(|| Duration::from_secs(1)),
            accept_narrower_scope: flags[4].then_some(false),
            client_authentication: flags[5]
                .then_some(prove_token::ClientAuthentication::BasicRaw),
            ..profile("p")
        };
        let variables: &[_] = if certificates { &[("SSL_CERT_FILE", "/variable")] } else { &[] };
        let made = Profile::from_config(&overrides, &env(variables), Some(&config(&text))).unwrap();
        let highest = |index: usize, flag, file_value, default| {
            if flags[index] { flag } else if file[index] { file_value } else { default }
        };
        let shown = |key: &str| {
            let mut rows = made.explain().into_iter();
            rows.find(|row| row.key == key).map_or(String::new(), |row| row.value)
        };
        prop_assert_eq!(shown("scope"), highest(0, "flag", "file", ""));
        prop_assert_eq!(shown("audience"), highest(1, "flag", "file", ""));
        let variable = if certificates { "/variable" } else { "" };
        prop_assert_eq!(shown("ca_file"), highest(2, "/flag", "/file", variable));
        let ca_file = made.ca_file.as_deref().unwrap_or(Path::new(""));
        prop_assert_eq!(ca_file.display().to_string(), shown("ca_file"));
        prop_assert_eq!(shown("connect_timeout"), highest(3, "1s", "2s", "3s"));
        prop_assert_eq!(
            made.timeouts.connect.as_secs().to_string() + "s",
            shown("connect_timeout")
        );
        prop_assert_eq!(made.accept_narrower_scope, !flags[4] && file[4]);
        prop_assert_eq!(
            made.client_authentication.as_str(),
            highest(5, "client_secret_basic_raw", "client_secret_basic", "client_secret_post")
        );
        for (index, key) in ["scope", "audience", "ca_file", "connect_timeout"].iter().enumerate() {
            if let Some(row) = made.explain().iter().find(|row| row.key == *key) {
                prop_assert_eq!(row.origin == Origin::Flag, flags[index]);
            }
        }
    }

    /// Whatever the flags say, a secret of the file is used only if tokens come
    /// from where the profile says, and go where it says.
    #[test]
    fn a_secret_never_moves(
        name in prop::sample::select(vec!["prove", "acme", "env"]),
        environment in prop::option::of(prop::sample::select(vec![
            EnvironmentName::Prove(Environment::UatUs),
            EnvironmentName::Prove(Environment::ProdUs),
            EnvironmentName::Emulator,
        ])),
        token_endpoint in prop::option::of(prop::sample::select(vec![
            "https://idp.example.com/token", "https://platform.uat.proveapis.com/token",
            "https://evil.example/token",
        ])),
        api_base in prop::option::of(prop::sample::select(vec![
            "https://api.example.com", "https://platform.uat.proveapis.com",
            "https://evil.example",
        ])),
        with_secret in any::<bool>(),
        emulator in any::<bool>(),
    ) {
        let overrides = Overrides {
            environment,
            token_endpoint: token_endpoint.map(endpoint),
            api_base: api_base.map(endpoint),
            client_id: with_secret.then(|| ClientId::new("given").expect("an id")),
            client_secret: if with_secret { secret(CANARY) } else { None },
            ..profile(name)
        };
        let mut variables = ENV_PROFILE.to_vec();
        if emulator {
            variables.push(("PROVE_EMULATOR", "http://127.0.0.1:9"));
        }
        let (home_endpoint, home_api) = match name {
            "acme" => ("https://idp.example.com/token", "https://api.example.com"),
            _ => ("https://platform.uat.proveapis.com/token", "https://platform.uat.proveapis.com"),
        };
        let Ok(made) = resolve(&overrides, &variables) else {
            return Ok(());
        };
        let is_home = made.token_endpoint == Some(endpoint(home_endpoint))
            && made.api_base == Some(endpoint(home_api));
        let uses_own = made.credentials.is_some() && !is_given(&made);
        prop_assert!(is_home || !uses_own, "{:?}", made);
        let has_own_issuer = made.token_endpoint == Some(endpoint(home_endpoint));
        let sends_pin = format!("{:?}", made.request).contains("pin");
        prop_assert!(has_own_issuer || !sends_pin);
        prop_assert!(has_own_issuer || made.ca_file.is_none());
        if made.target.is_emulator() && !with_secret {
            prop_assert!(made.credentials.is_none());
        }
    }
}
