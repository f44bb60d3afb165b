//! A secret goes only to the place it was given for.

use super::*;

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
    let of_file = |row: &Row| matches!(row.origin, Origin::File(_));
    let kept: Vec<_> = made
        .explain()
        .into_iter()
        .filter(of_file)
        .map(|row| row.key)
        .collect();
    // The way there and the patience are not about the issuer.
    assert_eq!(kept, ["proxy", "renewal.attempts"]);
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
