//! The profile of variables.

use super::*;

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
