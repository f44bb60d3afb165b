//! Which keys there are, and that all problems come at once.

use super::*;

#[test]
fn every_key_is_read() {
    let fixture = Fixture::new(FULL);
    let config = Config::load(&fixture.path()).unwrap();
    assert_eq!(config.path(), fixture.path());
    assert_eq!(config.problems(), []);
    let entries: Vec<_> = config
        .profiles()
        .map(|entry| (entry.name, entry.is_default, entry.place.line))
        .collect();
    assert_eq!(
        entries,
        [
            ("acme", true, 9),
            ("dotted.name", false, 54),
            ("prove", false, 4)
        ]
    );
    assert_eq!(config.store.as_ref().unwrap().value, Store::None);
    let secrets: Vec<_> = config.secret_variables().collect();
    assert_eq!(secrets, ["DOTTED_SECRET"]);
    let acme = &config.profiles["acme"].settings;
    let given = [
        acme.token_endpoint.is_some(),
        acme.api_base.is_some(),
        acme.client_id.is_some(),
        acme.client_secret.is_some(),
        acme.client_authentication.is_some(),
        acme.scope.is_some(),
        acme.accept_narrower_scope.is_some(),
        acme.audience.is_some(),
        acme.resource.is_some(),
        acme.parameters.is_some(),
        acme.ca_file.is_some(),
        acme.proxy.is_some(),
        acme.connect_timeout.is_some(),
        acme.attempt_timeout.is_some(),
        acme.flight_timeout.is_some(),
        acme.rate_limit.is_some(),
    ];
    assert_eq!(given, [true; 16]);
    let missing: Vec<_> = acme
        .renewal
        .rows()
        .into_iter()
        .filter(|(.., origin)| *origin == crate::setting::Origin::Default)
        .collect();
    assert_eq!(missing, [], "every number of renewal is given");
    // A relative path starts at the folder of the file.
    let ca_file = &acme.ca_file.as_ref().unwrap().value;
    assert_eq!(*ca_file, fixture.folder.path().join("acme.pem"));
}

#[test]
fn all_problems_are_reported_at_once_in_order() {
    let found = problems(
        r#"version = 2
defualt_profile = "a"
[profiles.a]
enviroment = "uat-us"
scope = "read write"
client_secret = "hunter2"
[profiles.b]
environment = "prod"
accept_narrower_scope = "yes"
[cache]
store = 7
"#,
    );
    let expected = [
        "1:11 version: not a version known here (this version reads files with version = 1)",
        "2:1 defualt_profile: unknown key (did you mean default_profile?)",
        "4:1 profiles.a.enviroment: unknown key (did you mean environment?)",
        "5:9 profiles.a.scope: expected an array of strings, found a string \
         (write [\"read\", \"write\"])",
        "6:17 profiles.a.client_secret: a secret does not stand in this file, only where it \
         is kept (use { env = \"NAME\" }, { file = \"/path\" }, { command = [\"program\", \
         \"argument\"] }, { keyring = \"NAME\" } or { credential = \"NAME\" }; if this was the \
         real secret, consider it exposed)",
        "8:15 profiles.b.environment: not one of the known values \
         (use one of uat-us, prod-us, uat-eu, prod-eu, emulator)",
        "9:25 profiles.b.accept_narrower_scope: expected true or false, found a string (-)",
        "11:9 cache.store: expected a string, found an integer (-)",
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_consequence_is_not_reported_beside_its_cause() {
    for slip in [
        "enviroment = \"uat-us\"",
        "token-endpoint = \"https://idp.example\"",
    ] {
        let found = problems(&format!("version = 1\n[profiles.a]\n{slip}\n"));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("unknown key (did you mean "), "{found:?}");
    }
    let found = problems("version = 1\n[profiles.a]\ntenant = \"x\"\n");
    assert_eq!(
        found[0],
        "2:1 profiles.a: has neither an environment nor a token_endpoint \
         (add environment = \"uat-us\", or the token_endpoint of a provider)"
    );
}

#[test]
fn several_problems_are_counted_in_one_line() {
    let fixture = Fixture::new("version = 1\na = 1\nb = 2\n");
    let error = Config::load(&fixture.path()).unwrap_err();
    let path = fixture.path();
    assert_eq!(
        error.to_string(),
        format!("2 problems in {}", path.display())
    );
    std::fs::write(&path, "version = 1\na = 1\n").unwrap();
    let error = Config::load(&path).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("{}:2:1: a: unknown key", path.display())
    );
}

#[test]
fn a_version_is_demanded() {
    assert_eq!(
        problems(""),
        ["1:1 version: is missing (write version = 1 at the top of the file)"]
    );
    for (version, message) in [
        ("\"1\"", "expected an integer, found a string (-)"),
        ("99999999999999999999", "the number is out of range (-)"),
    ] {
        let found = problems(&format!("version = {version}"));
        assert_eq!(found, [format!("1:11 version: {message}")]);
    }
    for one in ["1", "0x1", "0b1", "+1"] {
        assert!(load(format!("version = {one}")).is_ok(), "{one}");
    }
}

#[test]
fn a_stranger_is_answered_with_what_is_known() {
    assert_eq!(
        problems("version = 1\nzzz = 1\n"),
        ["2:1 zzz: unknown key (known here: version, default_profile, profiles, cache, service)"]
    );
}
