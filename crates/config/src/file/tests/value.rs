//! What a key may hold.

use super::*;

/// One line of a profile, and how the only problem with it begins.
const WRONG_VALUES: &[(&str, &str)] = &[
    (
        "client_id = \"\"",
        "4:13 profiles.p.client_id: the client id is empty",
    ),
    (
        "client_id = 5",
        "4:13 profiles.p.client_id: expected a string, { env = … } or { file = … }, found an integer",
    ),
    (
        "client_id = {}",
        "4:13 profiles.p.client_id: names no source (name one of env or file)",
    ),
    (
        "client_id = { env = \"A B\" }",
        "4:21 profiles.p.client_id.env: not the name of an environment variable",
    ),
    (
        "client_secret = {}",
        "4:17 profiles.p.client_secret: names no source (name one of env, file, command, keyring or \
         credential)",
    ),
    (
        "client_secret = { env = \"A\", file = \"b\" }",
        "4:17 profiles.p.client_secret: names more than one source",
    ),
    (
        "client_secret = { fiel = \"b\" }",
        "4:19 profiles.p.client_secret.fiel: unknown key (did you mean file?)",
    ),
    (
        "client_secret = { env = \"A\", allow_insecure_mode = true }",
        "4:52 profiles.p.client_secret.allow_insecure_mode: has an effect on a file only",
    ),
    (
        "client_sceret = \"canary\"",
        "4:1 profiles.p.client_sceret: unknown key (did you mean client_secret? a secret does \
         not stand in this file, only where it is kept)",
    ),
    (
        "client_sceret = { env = \"A\" }",
        "4:1 profiles.p.client_sceret: unknown key (did you mean client_secret?)",
    ),
    (
        "client_secret = { env = \"A\", timeout = \"20s\" }",
        "4:40 profiles.p.client_secret.timeout: has an effect on a command or a keyring only",
    ),
    (
        "client_secret = { command = [\"a\"], timeout = \"999ms\" }",
        "4:46 profiles.p.client_secret.timeout: out of range: from 1s to 5m",
    ),
    (
        "client_secret = { command = [\"a\"], timeout = 20 }",
        "4:46 profiles.p.client_secret.timeout: expected a duration",
    ),
    (
        "client_secret = { command = [\"a\"], timeout = \"26s\" }",
        "2:1 profiles.p: client_secret.timeout is longer than flight_timeout (reading the \
         secret has 26s, and the whole token request, of which it is a part, 25s: raise \
         flight_timeout as well)",
    ),
    (
        "client_secret = { keyring = \"a\", timeout = \"26s\" }",
        "2:1 profiles.p: client_secret.timeout is longer than flight_timeout",
    ),
    (
        "client_secret = { keyring = \"a\", until_reboot = 1 }",
        "4:49 profiles.p.client_secret.until_reboot: expected true or false, found an integer",
    ),
    (
        "client_secret = { keyring = \"a\\nb\" }",
        "4:29 profiles.p.client_secret.keyring: holds control characters",
    ),
    (
        "client_secret = { keyring = true }",
        "4:29 profiles.p.client_secret.keyring: expected a string, found a boolean",
    ),
    (
        "client_secret = { file = \"a\", until_reboot = true }",
        "4:46 profiles.p.client_secret.until_reboot: has an effect on a keyring only",
    ),
    (
        "client_secret = { credential = \"../prove\" }",
        "4:32 profiles.p.client_secret.credential: not the name of a credential (write the name \
         that the unit's LoadCredential gives it, without a path",
    ),
    (
        "client_secret = { credential = \"prove\", allow_insecure_mode = true }",
        "4:63 profiles.p.client_secret.allow_insecure_mode: has an effect on a file only",
    ),
    (
        "client_secret = { keyrin = \"a\" }",
        "4:19 profiles.p.client_secret.keyrin: unknown key (did you mean keyring?)",
    ),
    (
        "client_secret = { file = \"~/s\" }",
        "4:26 profiles.p.client_secret.file: ~ is not expanded here",
    ),
    (
        "client_secret = { file = \"\" }",
        "4:26 profiles.p.client_secret.file: is empty",
    ),
    (
        "client_secret = { command = \"cat x\" }",
        "4:29 profiles.p.client_secret.command: expected an array of strings, found a string",
    ),
    (
        "client_secret = { command = [] }",
        "4:29 profiles.p.client_secret.command: the command is empty",
    ),
    (
        "client_secret = { command = [\"a\", 1] }",
        "4:29 profiles.p.client_secret.command: expected strings alone in the array",
    ),
    (
        "client_secret = { command = [\"./a\"] }",
        "4:29 profiles.p.client_secret.command: the program has a relative path",
    ),
    (
        "client_authentication = \"client_secret_basci\"",
        "4:25 profiles.p.client_authentication: not one of the known values (did you mean \"client_secret_basic\"?)",
    ),
    (
        "scope = [\"a b\"]",
        "4:9 profiles.p.scope: not a list of scope tokens",
    ),
    (
        "audience = \"a\\nb\"",
        "4:12 profiles.p.audience: holds control characters",
    ),
    (
        "parameters = { scope = \"x\" }",
        "4:24 profiles.p.parameters.scope: \"scope\" cannot be an extra request parameter",
    ),
    (
        "parameters = { a = 1 }",
        "4:20 profiles.p.parameters.a: expected a string, found an integer",
    ),
    (
        "api_base = \"http://example.com\"",
        "4:12 profiles.p.api_base: the value is not https",
    ),
    (
        "proxy = \"https://u:p@proxy.example\"",
        "4:9 profiles.p.proxy: the address has user info before an @",
    ),
    (
        "proxy = \"https://proxy.example/x\"",
        "4:9 profiles.p.proxy: the value has a path",
    ),
    (
        "connect_timeout = 3",
        "4:19 profiles.p.connect_timeout: expected a duration (write a number with its unit",
    ),
    (
        "connect_timeout = \"soon\"",
        "4:19 profiles.p.connect_timeout: not a duration",
    ),
    (
        "connect_timeout = \"0s\"",
        "4:19 profiles.p.connect_timeout: out of range: from 10ms to 5m",
    ),
    (
        "connect_timeout = \"11s\"",
        "2:1 profiles.p: connect_timeout is longer than attempt_timeout",
    ),
    (
        "token_endpoint = \"https://x.example/t\"",
        "2:1 profiles.p: has both an environment and a token_endpoint",
    ),
    (
        "renewal = { default_lifetime = \"25h\" }",
        "4:32 profiles.p.renewal.default_lifetime: out of range (default_lifetime takes 1s to ",
    ),
    (
        "renewal = { advisory_percent = 81, advisory_limit = \"1h\" }",
        "4:32 profiles.p.renewal.advisory_percent: out of range (advisory_percent takes 1 to \
         80 %)",
    ),
    (
        "renewal = { advisory_percent = -1 }",
        "4:32 profiles.p.renewal.advisory_percent: the number is out of range",
    ),
    (
        "renewal = { attempts = \"3\" }",
        "4:24 profiles.p.renewal.attempts: expected an integer, found a string",
    ),
    (
        "renewal = { mandatory_wait = 2 }",
        "4:30 profiles.p.renewal.mandatory_wait: expected a duration",
    ),
    (
        "renewal = { jitter = 3 }",
        "4:13 profiles.p.renewal.jitter: unknown key (known here: advisory_percent, ",
    ),
    (
        "rate_limit = 0",
        "4:14 profiles.p.rate_limit: the rate limit is out of range (it takes 1 to 10000 \
         requests a second)",
    ),
    (
        "rate_limit = 10_001",
        "4:14 profiles.p.rate_limit: the rate limit is out of range",
    ),
    (
        "rate_limit = \"24/s\"",
        "4:14 profiles.p.rate_limit: expected an integer, found a string",
    ),
    (
        "[cache]\nstore = \"disk\"",
        "5:9 cache.store: not one of the known values (use one of file, memory, none)",
    ),
    (
        "renewal = 3",
        "4:11 profiles.p.renewal: expected a table, found an integer",
    ),
];

#[test]
fn wrong_values_say_what_would_be_right() {
    for (line, message) in WRONG_VALUES {
        let found = problems_of_profile(line);
        assert_eq!(found.len(), 1, "{line}: {found:?}");
        assert!(found[0].starts_with(message), "{line}: {found:?}");
    }
}

#[test]
fn each_wrong_number_of_renewal_is_reported_where_it_stands() {
    let found = problems_of_profile(
        "[profiles.p.renewal]\nguard_limit = \"2m\"\nattempts = 0\nguard_percent = 5\n\
         jitter_percent = 21",
    );
    let places: Vec<_> = found
        .iter()
        .map(|line| line.split(": ").next().unwrap())
        .collect();
    assert_eq!(
        places,
        [
            "5:15 profiles.p.renewal.guard_limit",
            "6:12 profiles.p.renewal.attempts",
            "8:18 profiles.p.renewal.jitter_percent",
        ]
    );
}

#[test]
fn the_emulator_takes_no_settings_of_the_way_to_it() {
    let found = problems(
        "version = 1\n[profiles.p]\nenvironment = \"emulator\"\nca_file = \"x\"\n\
         api_base = \"https://x.example\"\n",
    );
    assert_eq!(
        found,
        [
            "2:1 profiles.p: api_base has no effect with the emulator (remove api_base)",
            "2:1 profiles.p: ca_file has no effect with the emulator (remove ca_file)",
        ]
    );
}

#[test]
fn profile_names_are_plain() {
    let long = "a".repeat(65);
    for name in ["A", "a/b", "", "a b", ".", "..", ".a", "ü", long.as_str()] {
        let found = problems(&format!(
            "version = 1\n[profiles.{name:?}]\nenvironment = \"uat-us\"\n"
        ));
        assert_eq!(found.len(), 1, "{name}: {found:?}");
        assert!(found[0].contains("not a name for a profile"), "{found:?}");
    }
    for name in ["env", "flags"] {
        let found = problems(&format!(
            "version = 1\n[profiles.{name}]\nenvironment = \"uat-us\"\n"
        ));
        assert!(found[0].contains("this name is taken"), "{found:?}");
    }
}

#[test]
fn the_default_profile_exists() {
    let found = problems(
        "version = 1\ndefault_profile = \"prove-uta\"\n\
         [profiles.prove-uat]\nenvironment = \"uat-us\"\n",
    );
    assert_eq!(
        found,
        ["2:19 default_profile: no profile has this name (did you mean prove-uat?)"]
    );
}

#[test]
fn a_broken_profile_leaves_the_others_in_view() {
    let fixture = Fixture::new(
        "version = 1\n[profiles.good]\nenvironment = \"uat-us\"\n\
         [profiles.goo]\nenvironment = \"mars\"\n\
         [profiles.\"g.x\"]\nenvironment = 1\n",
    );
    assert!(Config::load(&fixture.path()).is_err());
    let config = Config::inspect(&fixture.path()).unwrap();
    let found: Vec<_> = config
        .profiles()
        .map(|entry| (entry.name, entry.problems.len()))
        .collect();
    assert_eq!(found, [("g.x", 1), ("goo", 1), ("good", 0)]);
    assert_eq!(config.problems().len(), 2);
}

#[test]
fn an_entry_of_a_keyring_has_a_bounded_name() {
    let of = |length| {
        format!(
            "version = 1\n[profiles.p]\nenvironment = \"uat-us\"\nclient_secret = {{ keyring = \"{}\" }}",
            "n".repeat(length)
        )
    };
    assert!(load(of(200)).is_ok());
    let found = problems(&of(201));
    assert!(found[0].contains("is longer than 200 bytes"), "{found:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn the_keyring_that_forgets_has_no_time_limit() {
    assert_eq!(
        problems_of_profile(
            "client_secret = { keyring = \"a\", until_reboot = true, timeout = \"5s\" }"
        ),
        [
            "4:65 profiles.p.client_secret.timeout: the kernel's keyring answers at once: leave \
             it out (-)"
        ]
    );
}

#[cfg(not(target_os = "linux"))]
#[test]
fn the_keyring_that_forgets_is_linuxs() {
    let found = problems_of_profile("client_secret = { keyring = \"a\", until_reboot = true }");
    assert!(
        found[0].contains("only Linux has a keyring that forgets"),
        "{found:?}"
    );
}
