//! Tests of how the layers come together.

use std::path::{Path, PathBuf};
use std::time::Duration;

use proptest::prelude::*;
use prove_token::{ClientId, ClientSecret, Endpoint, Environment, Scope, Secret};

use super::*;
use crate::address::Target;
use crate::file::Store;
use crate::overrides::SecretOverride;
use crate::profile::Row;
use crate::setting::{EnvironmentName, Origin};

const CANARY: &str = "canary-7b02";

const FILE: &str = r#"version = 1
[profiles.prove]
environment = "uat-us"
client_id = "prove-id"
client_secret = { env = "FILE_SECRET" }

[profiles.acme]
token_endpoint = "https://idp.example.com/token"
api_base = "https://api.example.com"
client_id = "acme-id"
client_secret = { env = "FILE_SECRET" }
client_authentication = "client_secret_basic"
scope = ["read"]
audience = "https://api.example.com"
parameters = { pin = "canary-7b02" }
accept_narrower_scope = true
resource = "https://api.example.com/v1"
ca_file = "/acme.pem"
proxy = "https://proxy.example.com:3128"

[profiles.bare]
environment = "prod-us"

[profiles.local]
environment = "emulator"
"#;

fn config(text: &str) -> Config {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("config.toml");
    std::fs::write(&path, text).expect("a file");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("a mode");
    }
    Config::load(&path).expect("a good file")
}

fn env(variables: &[(&str, &str)]) -> Env {
    variables.iter().copied().collect()
}

fn profile(name: &str) -> Overrides {
    Overrides {
        profile: Some(name.to_owned()),
        ..Overrides::default()
    }
}

fn secret(text: &str) -> Option<SecretOverride> {
    Some(SecretOverride::Value(
        ClientSecret::new(text).expect("a secret"),
    ))
}

fn endpoint(address: &str) -> Endpoint {
    address.parse().expect("an endpoint")
}

fn resolve(overrides: &Overrides, variables: &[(&str, &str)]) -> Result<Profile, Error> {
    Profile::from_config(overrides, &env(variables), Some(&config(FILE)))
}

/// The only problem of resolving.
fn problem(overrides: &Overrides, variables: &[(&str, &str)]) -> Problem {
    let error = resolve(overrides, variables).expect_err("a problem");
    assert_eq!(error.problems().len(), 1, "{error:?}");
    error.problems()[0].clone()
}

/// Whether the credentials have something to do with `name`: `Debug` of a source
/// names its variable or file.
fn names(profile: &Profile, name: &str) -> bool {
    let credentials = profile.credentials.as_ref().expect("credentials");
    format!("{credentials:?}").contains(name)
}

/// Whether the credentials hold the secret that a flag gave.
fn is_given(profile: &Profile) -> bool {
    row(profile, "client_secret").origin == Origin::Flag
        && !names(profile, "FILE_SECRET")
        && !names(profile, "PROVE_CLIENT_SECRET")
}

fn row<'p>(profile: &'p Profile, key: &str) -> &'p Row {
    let mut rows = profile.explain().iter();
    rows.find(|row| row.key == key).expect(key)
}

const ENV_PROFILE: [(&str, &str); 2] = [
    ("PROVE_CLIENT_ID", "env-id"),
    ("PROVE_CLIENT_SECRET", "env-secret"),
];

// Which profile.

#[test]
fn the_profile_is_chosen_by_flag_variable_implicitly_or_by_default() {
    let with_default =
        config(&FILE.replace("version = 1", "version = 1\ndefault_profile = \"acme\""));
    let named = ("PROVE_TOKEN_PROFILE", "prove");
    for (flag, named_by_variable, client_id, expected, origin) in [
        (Some("local"), true, true, "local", Origin::Flag),
        (
            None,
            true,
            true,
            "prove",
            Origin::Variable("PROVE_TOKEN_PROFILE"),
        ),
        (
            None,
            false,
            true,
            "env",
            Origin::Variable("PROVE_CLIENT_ID"),
        ),
    ] {
        let mut variables = Vec::new();
        variables.extend(named_by_variable.then_some(named));
        variables.extend(client_id.then_some(ENV_PROFILE).into_iter().flatten());
        let overrides = Overrides {
            profile: flag.map(str::to_owned),
            ..Overrides::default()
        };
        let profile = Profile::from_config(&overrides, &env(&variables), Some(&with_default));
        let profile = profile.unwrap();
        assert_eq!(
            (profile.name.as_str(), profile.chosen_by),
            (expected, origin)
        );
    }
    let profile = Profile::from_config(&Overrides::default(), &env(&[]), Some(&with_default));
    let profile = profile.unwrap();
    assert_eq!(profile.name, "acme");
    assert!(matches!(profile.chosen_by, Origin::File(place) if place.line == 2));
}

#[test]
fn flags_alone_make_a_profile() {
    let overrides = Overrides {
        environment: Some(EnvironmentName::Prove(Environment::ProdEu)),
        client_id: Some(ClientId::new("id").unwrap()),
        client_secret: secret(CANARY),
        ..Overrides::default()
    };
    for config in [None, Some(&config(FILE))] {
        let profile = Profile::from_config(&overrides, &env(&[]), config).unwrap();
        assert_eq!(profile.name, "flags");
        assert_eq!(profile.target, Target::Environment(Environment::ProdEu));
        let credentials = profile.credentials.as_ref().unwrap();
        assert_eq!(credentials.client_id().as_str(), "id");
        assert!(!format!("{profile:?}").contains(CANARY));
    }
    let without_id = Overrides {
        client_id: None,
        ..overrides.clone()
    };
    assert_eq!(
        problem(&without_id, &[]).hint.as_deref(),
        Some("give --client-id")
    );
    let without_secret = Overrides {
        client_secret: None,
        ..overrides
    };
    let problem = problem(&without_secret, &[("PROVE_CLIENT_SECRET", "x")]);
    assert_eq!(
        problem.message,
        "the profile \"flags\" has no client secret"
    );
}

#[test]
fn an_unknown_profile_is_answered_with_what_there_is() {
    let unknown = problem(&profile("porve"), &[]);
    assert_eq!(unknown.message, "there is no profile \"porve\"");
    assert!(
        unknown
            .hint
            .unwrap()
            .starts_with("did you mean prove? (in ")
    );
    let stranger = problem(&profile("zzz"), &[]).hint.unwrap();
    assert!(stranger.starts_with("there are: acme, bare, local, prove (in "));
    let named = problem(&Overrides::default(), &[("PROVE_TOKEN_PROFILE", "zzz")]);
    assert_eq!(
        named.to_string(),
        "PROVE_TOKEN_PROFILE: there is no profile \"zzz\""
    );
    let bad = problem(&profile("a\u{1b}[31m"), &[]);
    assert_eq!(bad.message, "this is not a name for a profile");
}

#[test]
fn no_choice_is_answered_with_the_next_step() {
    let error = Profile::from_config(&Overrides::default(), &env(&[]), None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no profile is chosen, and none is configured"
    );
    assert!(
        error
            .hint()
            .unwrap()
            .ends_with("prove-token token --environment emulator")
    );
    let listed = problem(&Overrides::default(), &[]);
    assert!(listed.hint.unwrap().ends_with(": acme, bare, local, prove"));
    let half = problem(&Overrides::default(), &[("PROVE_CLIENT_SECRET", "x")]);
    assert!(
        half.message
            .contains("PROVE_CLIENT_SECRET is set, but PROVE_CLIENT_ID is not")
    );
}

#[test]
fn credentials_by_flag_without_an_address_are_answered_with_the_flag_to_add() {
    let id = Overrides {
        client_id: Some(ClientId::new("id").unwrap()),
        ..Overrides::default()
    };
    let file = Overrides {
        client_secret: Some(SecretOverride::File("/run/secret".into())),
        ..Overrides::default()
    };
    for overrides in [id, file] {
        for variables in [&[][..], &[("PROVE_ENVIRONMENT", "uat-us")]] {
            let problem = problem(&overrides, variables);
            assert_eq!(
                problem.message,
                "no profile is chosen, and no flag says where the tokens come from"
            );
            assert_eq!(
                problem.hint.as_deref(),
                Some("add --environment uat-us (or --token-endpoint URL)")
            );
        }
    }
}

// The profile of variables.

#[test]
fn variables_make_the_profile_env() {
    let made = resolve(&Overrides::default(), &ENV_PROFILE).unwrap();
    assert_eq!(made.target, Target::Environment(Environment::UatUs));
    assert!(names(&made, "PROVE_CLIENT_SECRET"), "{made:?}");
    let variables = [
        ("PROVE_CLIENT_ID", "id"),
        ("PROVE_CLIENT_SECRET_FILE", "/run/secret"),
        ("PROVE_ENVIRONMENT", "prod-eu"),
    ];
    let made = resolve(&Overrides::default(), &variables).unwrap();
    assert_eq!(made.target, Target::Environment(Environment::ProdEu));
    assert!(names(&made, "/run/secret"), "{made:?}");
    assert_eq!(
        row(&made, "environment").origin.to_string(),
        "PROVE_ENVIRONMENT"
    );
}

#[test]
fn a_bad_variable_is_named_and_its_value_is_not() {
    let id = ("PROVE_CLIENT_ID", "id");
    let secret = ("PROVE_CLIENT_SECRET", "x");
    for (variables, message) in [
        (
            vec![("PROVE_CLIENT_ID", "")],
            "PROVE_CLIENT_ID is set, but empty",
        ),
        (
            vec![id, ("PROVE_CLIENT_SECRET", "")],
            "PROVE_CLIENT_SECRET is set, but empty",
        ),
        (
            vec![id, ("PROVE_CLIENT_SECRET_FILE", "")],
            "PROVE_CLIENT_SECRET_FILE is set, but empty",
        ),
        (
            vec![id, secret, ("PROVE_CLIENT_SECRET_FILE", "/x")],
            "PROVE_CLIENT_SECRET and PROVE_CLIENT_SECRET_FILE are both set",
        ),
        (
            vec![id, secret, ("PROVE_ENVIRONMENT", CANARY)],
            "PROVE_ENVIRONMENT: the value is not an environment",
        ),
        (
            vec![("PROVE_CLIENT_ID", " canary-7b02"), secret],
            "PROVE_CLIENT_ID: the client id has white space around it",
        ),
        (
            vec![id],
            "client_secret: the profile \"env\" has no client secret",
        ),
    ] {
        let problem = problem(&Overrides::default(), &variables);
        assert_eq!(problem.to_string(), message);
        assert!(!format!("{problem:?}").contains(CANARY), "{problem:?}");
    }
    let near = problem(
        &Overrides::default(),
        &[id, secret, ("PROVE_ENVIRONMENT", "prod-su")],
    );
    assert_eq!(near.hint.as_deref(), Some("did you mean prod-us?"));
}

#[test]
fn variables_touch_no_other_profile() {
    let mut variables = ENV_PROFILE.to_vec();
    variables.push(("PROVE_ENVIRONMENT", "prod-eu"));
    let made = resolve(&profile("prove"), &variables).unwrap();
    assert_eq!(made.target, Target::Environment(Environment::UatUs));
    let credentials = made.credentials.as_ref().unwrap();
    assert_eq!(credentials.client_id().as_str(), "prove-id");
    assert!(names(&made, "FILE_SECRET"), "{made:?}");
    let error = resolve(&profile("bare"), &variables).unwrap_err();
    let missing: Vec<_> = error
        .problems()
        .iter()
        .map(|problem| problem.key.as_deref())
        .collect();
    assert_eq!(missing, [Some("client_id"), Some("client_secret")]);
}

// A secret goes only to the place it was given for.

#[test]
fn a_flag_that_leads_elsewhere_needs_a_secret_of_its_own() {
    let elsewhere = [
        Overrides {
            environment: Some(EnvironmentName::Prove(Environment::ProdUs)),
            ..profile("acme")
        },
        Overrides {
            token_endpoint: Some(endpoint("https://evil.example/token")),
            ..profile("acme")
        },
        Overrides {
            api_base: Some(endpoint("https://evil.example")),
            ..profile("acme")
        },
        Overrides {
            api_base: Some(endpoint("https://evil.example")),
            ..profile("prove")
        },
        Overrides {
            environment: Some(EnvironmentName::Prove(Environment::ProdUs)),
            ..profile("env")
        },
    ];
    for overrides in elsewhere {
        let has_other_issuer =
            overrides.environment.is_some() || overrides.token_endpoint.is_some();
        let error = resolve(&overrides, &ENV_PROFILE).unwrap_err();
        let refused: Vec<_> = error.problems().iter().map(ToString::to_string).collect();
        let name = overrides.profile.as_deref().unwrap();
        let mut expected = vec![format!(
            "client_secret: the client secret of the profile \"{name}\" is for another address"
        )];
        if has_other_issuer {
            let id = format!(
                "client_id: the client id of the profile \"{name}\" is for another address"
            );
            expected.insert(0, id);
            let hint = error.problems()[0].hint.as_deref().unwrap();
            assert!(hint.ends_with("give --client-id"), "{hint}");
        }
        assert_eq!(refused, expected, "{overrides:?}");
        let with_secret = Overrides {
            client_id: has_other_issuer.then(|| ClientId::new("other").unwrap()),
            client_secret: secret("other"),
            ..overrides
        };
        let made = resolve(&with_secret, &ENV_PROFILE).unwrap();
        assert!(is_given(&made), "{made:?}");
    }
}

/// The keys that are about an issuer: trust in it, and what it is asked for.
const OF_THE_ISSUER: [&str; 7] = [
    "client_authentication",
    "scope",
    "accept_narrower_scope",
    "audience",
    "resource",
    "parameters.pin",
    "ca_file",
];

#[test]
fn what_is_about_an_issuer_does_not_reach_another() {
    let to_prove = Overrides {
        environment: Some(EnvironmentName::Prove(Environment::ProdUs)),
        client_id: Some(ClientId::new("other").unwrap()),
        client_secret: secret("other"),
        ..profile("acme")
    };
    let made = resolve(&to_prove, &[]).unwrap();
    let of_file = |row: &&Row| matches!(row.origin, Origin::File(_));
    let kept: Vec<_> = made
        .explain()
        .iter()
        .filter(of_file)
        .map(|row| row.key.as_str())
        .collect();
    assert_eq!(kept, ["proxy"], "the proxy is of the network");
    assert_eq!(made.ca_file, None);
    assert!(!made.accept_narrower_scope);
    // What a flag gives, and what the certificates of the system are, holds.
    let with_flags = Overrides {
        scope: Some(Scope::new(["write"]).unwrap()),
        ..to_prove
    };
    let made = resolve(&with_flags, &[("SSL_CERT_FILE", "/system.pem")]).unwrap();
    assert_eq!(row(&made, "scope").value, "write");
    assert_eq!(made.ca_file.as_deref(), Some(Path::new("/system.pem")));
    // Another API base leaves the issuer the same.
    let moved_api = Overrides {
        api_base: Some(endpoint("https://other.example")),
        client_secret: secret("other"),
        ..profile("acme")
    };
    let made = resolve(&moved_api, &[]).unwrap();
    for key in OF_THE_ISSUER {
        assert!(of_file(&row(&made, key)), "{key}");
    }
}

#[test]
fn a_flag_that_says_the_same_changes_nothing() {
    for overrides in [
        Overrides {
            environment: Some(EnvironmentName::Prove(Environment::UatUs)),
            ..profile("prove")
        },
        Overrides {
            token_endpoint: Some(endpoint("https://idp.example.com/token")),
            api_base: Some(endpoint("https://api.example.com/")),
            ..profile("acme")
        },
        Overrides {
            token_endpoint: Some(endpoint("https://idp.example.com/token")),
            ..profile("acme")
        },
        Overrides {
            token_endpoint: Some(Environment::UatUs.token_endpoint()),
            ..profile("prove")
        },
    ] {
        let name = profile(overrides.profile.as_deref().unwrap());
        let plain = resolve(&name, &[]).unwrap();
        let made = resolve(&overrides, &[]).unwrap();
        assert!(names(&made, "FILE_SECRET"), "{made:?}");
        assert_eq!(
            (made.target, made.token_endpoint, made.api_base),
            (plain.target, plain.token_endpoint, plain.api_base)
        );
    }
    // And an API base beside it still leads elsewhere.
    let moved = Overrides {
        token_endpoint: Some(endpoint("https://idp.example.com/token")),
        api_base: Some(endpoint("https://evil.example")),
        ..profile("acme")
    };
    assert_eq!(problem(&moved, &[]).key.as_deref(), Some("client_secret"));
}

#[test]
fn extra_form_fields_stay_with_their_token_endpoint() {
    let here = resolve(&profile("acme"), &[]).unwrap();
    assert!(format!("{:?}", here.request).contains("pin"));
    let moved_api = Overrides {
        api_base: Some(endpoint("https://other.example")),
        client_secret: secret("other"),
        ..profile("acme")
    };
    assert!(format!("{:?}", resolve(&moved_api, &[]).unwrap().request).contains("pin"));
    let moved = Overrides {
        token_endpoint: Some(endpoint("https://other.example/token")),
        client_id: Some(ClientId::new("other").unwrap()),
        client_secret: secret("other"),
        ..profile("acme")
    };
    let moved = resolve(&moved, &[]).unwrap();
    assert!(!format!("{:?}", moved.request).contains("pin"));
    assert!(moved.explain().iter().all(|row| !row.key.contains("pin")));
    assert_eq!(
        moved.api_base, None,
        "the API base belonged to the other endpoint"
    );
}

#[test]
fn an_environment_and_a_token_endpoint_exclude_each_other() {
    let both = Overrides {
        environment: Some(EnvironmentName::Emulator),
        token_endpoint: Some(endpoint("https://x.example/token")),
        ..profile("prove")
    };
    let refused = problem(&both, &[]);
    assert_eq!(
        refused.message,
        "an environment and a token endpoint are given together"
    );
}

// The emulator.

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

// Values.

#[test]
fn presets_and_defaults_fill_the_rest() {
    let made = resolve(&profile("prove"), &[]).unwrap();
    assert_eq!(
        made.token_endpoint,
        Some(Environment::UatUs.token_endpoint())
    );
    assert_eq!(made.api_base, Some(Environment::UatUs.api_base()));
    assert_eq!(made.store, Store::Memory);
    assert_eq!(made.default_lifetime, Duration::from_secs(300));
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
        ("cache.store", "memory", "default"),
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
            "default_lifetime: out of range: from 1s to 1day",
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
            let mut rows = made.explain().iter();
            rows.find(|row| row.key == key).map_or("", |row| row.value.as_str())
        };
        prop_assert_eq!(shown("scope"), highest(0, "flag", "file", ""));
        prop_assert_eq!(shown("audience"), highest(1, "flag", "file", ""));
        let variable = if certificates { "/variable" } else { "" };
        prop_assert_eq!(shown("ca_file"), highest(2, "/flag", "/file", variable));
        let ca_file = made.ca_file.as_deref().unwrap_or(Path::new(""));
        prop_assert_eq!(ca_file, Path::new(shown("ca_file")));
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
