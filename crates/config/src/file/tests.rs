//! Tests of reading a configuration file.

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

const CANARY: &str = "canary-4d1f";

/// Every key of the file, each with a value that it may hold.
const FULL: &str = r#"version = 1
default_profile = "acme"

[profiles.prove]
environment = "uat-us"
client_id = "abc123"
client_secret = { command = ["printer", "--field", "secret"], timeout = "20s" }

[profiles.acme]
token_endpoint = "https://idp.example.com/oauth2/token"
api_base = "https://api.example.com"
client_id = { env = "ACME_ID" }
client_secret = { file = "acme-secret", allow_insecure_mode = true }
client_authentication = "client_secret_basic"
scope = ["read", "write"]
accept_narrower_scope = true
audience = "https://api.example.com"
resource = "https://api.example.com/v1"
parameters = { tenant = "t1" }
ca_file = "acme.pem"
proxy = "https://proxy.example.com:3128"
connect_timeout = "500ms"
attempt_timeout = "5s"
flight_timeout = "1m"

[profiles.acme.renewal]
default_lifetime = "10m"

[profiles."dotted.name"]
environment = "emulator"
client_id = { file = "/etc/id" }
client_secret = { env = "DOTTED_SECRET" }

[cache]
store = "none"
"#;

/// A folder with a configuration file in it.
struct Fixture {
    folder: TempDir,
}

impl Fixture {
    fn new(text: impl AsRef<[u8]>) -> Self {
        let fixture = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        std::fs::write(fixture.path(), text).unwrap();
        // The umask of whoever runs the tests must not matter.
        fixture.set_mode(0o600);
        fixture
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("config.toml")
    }

    #[cfg(unix)]
    fn set_mode(&self, mode: u32) {
        use std::os::unix::fs::PermissionsExt as _;
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(self.path(), permissions).unwrap();
    }

    #[cfg(not(unix))]
    fn set_mode(&self, _: u32) {}
}

fn load(text: impl AsRef<[u8]>) -> Result<Config, Error> {
    Config::load(&Fixture::new(text).path())
}

/// The problems of a text: `line:column key: message (hint)`.
fn problems(text: &str) -> Vec<String> {
    let error = load(text).expect_err(text);
    assert_eq!(error.kind(), prove_token::ErrorKind::Configuration);
    error
        .problems()
        .iter()
        .map(|problem| {
            let place = problem.place.as_ref().expect("a place");
            format!(
                "{}:{} {}: {} ({})",
                place.line,
                place.column,
                problem.key.as_deref().unwrap_or("-"),
                problem.message,
                problem.hint.as_deref().unwrap_or("-"),
            )
        })
        .collect()
}

/// As [`problems`], of a profile that is right but for these lines, which begin
/// at line 4.
fn problems_of_profile(lines: &str) -> Vec<String> {
    problems(&format!(
        "version = 1\n[profiles.p]\nenvironment = \"uat-us\"\n{lines}\n"
    ))
}

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
            ("dotted.name", false, 29),
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
        acme.default_lifetime.is_some(),
    ];
    assert_eq!(given, [true; 16]);
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
         is kept (use { env = \"NAME\" }, { file = \"/path\" } or { command = [\"program\", \
         \"argument\"] }; if this was the real secret, consider it exposed)",
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
        ["2:1 zzz: unknown key (known here: version, cache, default_profile, profiles)"]
    );
    // No slip leads to a key that is refused.
    for slip in ["rate_limits = 1", "client_secret = { keyrin = \"x\" }"] {
        let found = problems_of_profile(slip);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("unknown key (known here: "), "{found:?}");
        assert!(!found[0].contains("rate_limit,") && !found[0].contains("keyring"));
    }
}

#[test]
fn what_has_no_effect_yet_is_refused_by_name() {
    let not_supported =
        "not supported in this version (remove it: a setting without effect would mislead)";
    for (lines, place) in [
        ("rate_limit = 24", "4:1 profiles.p.rate_limit"),
        (
            "client_secret = { keyring = \"prove\" }",
            "4:19 profiles.p.client_secret.keyring",
        ),
        (
            "client_secret = { credential = \"prove\" }",
            "4:19 profiles.p.client_secret.credential",
        ),
        ("[service]\nlisten = []", "4:2 service"),
        ("[[service.callers]]\nname = \"x\"", "4:3 service"),
    ] {
        assert_eq!(
            problems_of_profile(lines),
            [format!("{place}: {not_supported}")]
        );
    }
    assert_eq!(
        problems_of_profile("[cache]\nstore = \"file\""),
        [
            "5:9 cache.store: the file store is not supported in this version \
          (use \"memory\" or \"none\")"
        ]
    );
}

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
        "4:17 profiles.p.client_secret: names no source (name one of env, file or command)",
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
        "4:40 profiles.p.client_secret.timeout: has an effect on a command only",
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
        "2:1 profiles.p: client_secret.timeout is longer than flight_timeout (the command has \
         26s, and the whole token request, of which it is a part, 25s: raise flight_timeout as \
         well)",
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
        "4:32 profiles.p.renewal.default_lifetime: out of range: from 1s to 1day",
    ),
    (
        "renewal = { jitter = 3 }",
        "4:13 profiles.p.renewal.jitter: unknown key (known here: default_lifetime)",
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
fn syntax_errors_have_a_place_and_no_text_of_the_file() {
    let found = problems("version = 1\n[profiles.a]\nclient_id = \"abc\nscope = [\n");
    assert!(!found.is_empty());
    assert!(found[0].starts_with("3:"), "{found:?}");
    assert!(found[0].contains("not TOML: "), "{found:?}");
    let twice = problems("version = 1\nversion = 1\n");
    assert!(
        twice[0].starts_with("2:1 -: not TOML: duplicate key"),
        "{twice:?}"
    );
}

#[test]
fn no_value_of_a_file_is_repeated() {
    let broken = [
        "\"@\"",
        "@",
        "\"@",
        "'@",
        "'''@",
        "\"\"\"@",
        "\"@\" @",
        "\"@\"@",
        "\"\\@\"",
        "[\"@\"]",
        "[\"@\"",
        "[@]",
        "{ x = \"@\" }",
        "{ x = \"@\"",
        "{ x = @ }",
        "{ env = \"@ @\" }",
        "\n@",
        "\"@\\u0000\"",
        "\"@\u{7}\"",
        "\"https://u:@@h/\"",
        "\"https://h/?@\"",
        "\"~/@\"",
        "0@",
        "1979-05-27@",
        "{ command = [\"@\", 1] }",
        "{ command = \"@\" }",
        "{ keyring = \"@\" }",
    ];
    let lines: Vec<&str> = FULL.lines().collect();
    let mut refused = 0;
    for (index, line) in lines.iter().enumerate() {
        let Some((key, _)) = line.split_once(" = ") else {
            continue;
        };
        for value in broken {
            let changed = format!("{key} = {}", value.replace('@', CANARY));
            let mut text = lines.clone();
            text[index] = &changed;
            let Err(error) = load(text.join("\n")) else {
                continue;
            };
            refused += 1;
            let core = prove_token::Error::from(error.clone());
            let shown = format!("{error} {error:?} {core} {core:?} {:?}", core.hint());
            assert!(!shown.contains(CANARY), "{changed}: {shown}");
        }
    }
    assert!(refused > 400, "{refused}");
}

#[test]
fn what_may_be_secret_is_not_in_debug() {
    let text = FULL
        .replace("\"t1\"", &format!("{CANARY:?}"))
        .replace("\"secret\"", &format!("{CANARY:?}"));
    assert_eq!(text.matches(CANARY).count(), 2);
    let config = load(text).unwrap();
    let shown = format!("{config:?} {config:#?}");
    assert!(!shown.contains(CANARY), "{shown}");
}

#[test]
fn a_literal_secret_is_refused_in_every_spelling() {
    for literal in ["\"@\"", "'@'", "\"\"\"@\"\"\"", "[\"@\"]", "12345", "true"] {
        let line = format!("client_secret = {}", literal.replace('@', CANARY));
        let found = problems_of_profile(&line);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("4:17 profiles.p.client_secret: a secret does not stand"));
        assert!(!found[0].contains(CANARY));
    }
}

#[test]
fn a_deep_document_is_refused_and_not_overflowing() {
    for open in ["[", "{a=", "{a=["] {
        let text = format!("version = 1\na = {}", open.repeat(100_000));
        assert!(load(text).is_err());
    }
}

#[test]
fn what_is_not_text_is_refused() {
    let error = load(b"version = 1\n# \xff".as_slice()).unwrap_err();
    assert!(error.to_string().ends_with("is not valid UTF-8"), "{error}");
    let error = load("#".repeat(1024 * 1024 + 1)).unwrap_err();
    assert!(
        error.to_string().ends_with("is larger than 1024 KiB"),
        "{error}"
    );
}

#[test]
fn a_missing_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none.toml");
    let error = Config::load(&path).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("the configuration file {} does not exist", path.display())
    );
    assert!(error.hint().is_some());
}

#[cfg(unix)]
#[test]
fn a_file_that_others_can_write_is_refused() {
    let fixture = Fixture::new("version = 1\n");
    for mode in [0o622, 0o602, 0o620, 0o666] {
        fixture.set_mode(mode);
        let error = Config::load(&fixture.path()).unwrap_err();
        assert!(error.to_string().contains("can be written by other users"));
        let path = fixture.path();
        assert_eq!(
            error.hint(),
            Some(&*format!("run: chmod go-w {}", path.display()))
        );
    }
    for mode in [0o600, 0o644, 0o444] {
        fixture.set_mode(mode);
        assert!(Config::load(&fixture.path()).is_ok(), "{mode:o}");
    }
}

#[test]
fn the_named_file_comes_first() {
    let env: Env = [
        ("PROVE_TOKEN_CONFIG", "/from/variable"),
        ("HOME", "/home/x"),
    ]
    .into_iter()
    .collect();
    let flag = Path::new("/from/flag");
    let found = Config::find(Some(flag), &env).unwrap();
    assert_eq!(found.as_deref(), Some(flag));
    let found = Config::find(None, &env).unwrap();
    assert_eq!(found.as_deref(), Some(Path::new("/from/variable")));
    let empty: Env = [("PROVE_TOKEN_CONFIG", "")].into_iter().collect();
    let error = Config::find(None, &empty).unwrap_err();
    assert_eq!(error.to_string(), "PROVE_TOKEN_CONFIG is set, but empty");
}

#[test]
fn the_file_of_the_user_is_found() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join(".config").join("prove-token");
    std::fs::create_dir_all(&folder).unwrap();
    let env: Env = [("HOME", home.path())].into_iter().collect();
    let path = folder.join("config.toml");
    assert_eq!(Config::search_path(&env).first(), Some(&path));
    assert_ne!(Config::find(None, &env).unwrap(), Some(path.clone()));
    std::fs::write(&path, "").unwrap();
    assert_eq!(Config::find(None, &env).unwrap(), Some(path));
}

#[cfg(unix)]
#[test]
fn folders_follow_the_xdg_specification() {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt as _;
    let first = |variables: &[(&str, &str)]| {
        let env: Env = variables.iter().copied().collect();
        Config::search_path(&env).remove(0).display().to_string()
    };
    let home = ("HOME", "/home/x");
    let of_home = "/home/x/.config/prove-token/config.toml";
    assert_eq!(first(&[home]), of_home);
    assert_eq!(
        first(&[home, ("XDG_CONFIG_HOME", "/xdg")]),
        "/xdg/prove-token/config.toml"
    );
    assert_eq!(first(&[home, ("XDG_CONFIG_HOME", "relative")]), of_home);
    assert_eq!(first(&[home, ("XDG_CONFIG_HOME", "")]), of_home);
    assert_eq!(first(&[]), "/etc/prove-token/config.toml");
    let foreign = OsString::from_vec(b"/home/\xff".to_vec());
    let env: Env = [("HOME", foreign.clone())].into_iter().collect();
    let expected = Path::new(&foreign).join(".config/prove-token/config.toml");
    assert_eq!(Config::search_path(&env)[0], expected);
}

proptest! {
    /// Whatever a file holds, reading it ends with an answer.
    #[test]
    fn any_text_is_judged(text in "[\\[\\]{}=.\"'#a-c0-9 \n\\\\-]{0,200}") {
        let _ = load(format!("version = 1\n{text}"));
    }

    /// Each line of the full file replaced by anything.
    #[test]
    fn any_value_is_judged(index in 0_usize..40, value in "\\PC{0,40}") {
        let lines: Vec<&str> = FULL.lines().collect();
        let index = index % lines.len();
        let key = lines[index].split_once(" = ").map_or("x", |(key, _)| key);
        let changed = format!("{key} = {value}");
        let mut text = lines.clone();
        text[index] = &changed;
        if let Err(error) = load(text.join("\n")) {
            prop_assert!(!error.problems().is_empty());
            prop_assert!(error.problems().iter().all(|problem| problem.place.is_some()));
        }
    }
}
