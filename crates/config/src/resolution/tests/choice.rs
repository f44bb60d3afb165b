//! Which profile.

use super::*;

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
