use super::*;
use crate::file::Config;

const HASH: &str = "sha256:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

/// What `sha256sum` makes of a variable that is not set.
const OF_NOTHING: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn inspect(service: &str) -> Config {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    let text =
        format!("version = 1\n[profiles.acme]\nenvironment = \"emulator\"\n[service]\n{service}");
    std::fs::write(&path, text).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    Config::inspect(&path).unwrap()
}

#[test]
fn everything_is_read() {
    let config = inspect(&format!(
        "listen = [\"unix:/run/prove-token/s.sock\", \"127.0.0.1:7878\", \"tls:0.0.0.0:7443\"]\n\
         admin_listen = \"127.0.0.1:7879\"\nhealth_listen = \"0.0.0.0:7880\"\n\
         tls = {{ certificate_file = \"/c.pem\", key_file = \"k.pem\" }}\n\
         [[service.callers]]\nname = \"billing\"\nkey_hash = \"{HASH}\"\nprofiles = [\"acme\"]\n\
         hands_out = \"proxy\"\nrate_limit = 50\n\
         allow = [{{ methods = [\"POST\"], paths = [\"/v3/*\"] }}]\n\
         [[service.callers]]\nname = \"batch\"\nuid = 1001\nprofiles = [\"acme\"]\n\
         [[service.sinks]]\nprofile = \"acme\"\npath = \"/run/acme/token\"\nmode = \"0640\"\n\
         group = \"acme\"\n"
    ));
    assert_eq!(config.problems(), []);
    let service = config.service().unwrap();
    assert_eq!(service.listen.len(), 3);
    assert!(service.admin_listen.as_ref().unwrap().is_private());
    assert!(!service.health_listen.as_ref().unwrap().is_private());
    assert!(service.tls.as_ref().unwrap().key_file.ends_with("k.pem"));
    let [billing, batch] = service.callers.as_slice() else {
        panic!("{:?}", service.callers);
    };
    assert!(matches!(billing.identity, Identity::KeyHash(hash) if hash[..3] == [0, 0x11, 0x22]));
    assert_eq!(
        (billing.hands_out, billing.rate_limit),
        (HandsOut::Proxy, Some(50))
    );
    assert_eq!(billing.allow[0].paths, ["/v3/*"]);
    assert_eq!(
        (batch.identity, batch.hands_out),
        (Identity::Uid(1001), HandsOut::Token)
    );
    let sink = &service.sinks[0];
    assert_eq!((sink.mode, sink.group.as_deref()), (0o640, Some("acme")));
    assert!(
        !format!("{service:?}").contains("112233"),
        "not even a hash is shown"
    );
}

fn caller() -> String {
    format!("[[service.callers]]\nname = \"a\"\nkey_hash = \"{HASH}\"\nprofiles = [\"acme\"]\n")
}

/// Lines of `[service]`, and the words about them.
#[track_caller]
fn assert_refused(cases: impl IntoIterator<Item = (String, &'static str)>) {
    for (text, words) in cases {
        let config = inspect(&text);
        let problems: Vec<_> = config.problems().iter().map(ToString::to_string).collect();
        let is_told = problems.iter().any(|problem| problem.contains(words));
        assert!(is_told, "{text}: {problems:?}");
        assert!(
            !format!("{:?}", config.problems()).contains("canary"),
            "{problems:?}"
        );
    }
}

#[test]
fn an_unsafe_or_half_written_service_is_refused_by_name() {
    let caller = caller();
    assert_refused([
        (
            "listen = [\"0.0.0.0:7878\"]\n".to_owned() + &caller,
            "plain text where other machines",
        ),
        (
            "listen = [\"127.0.0.1:7878\"]\n".to_owned(),
            "no caller with a key",
        ),
        (
            "listen = [\"tls:0.0.0.0:7443\"]\n".to_owned() + &caller,
            "has no certificate",
        ),
        (
            "listen = [\"localhost:7878\"]\n".to_owned(),
            "not an address to listen on",
        ),
        ("listen = [\"unix:relative\"]\n".to_owned(), "not absolute"),
        (
            "admin_listen = \"0.0.0.0:7879\"\n".to_owned(),
            "neither a loopback",
        ),
        (
            "admin_listen = \"tls:127.0.0.1:7879\"\n".to_owned(),
            "have no TLS",
        ),
        (
            "health_listen = \"tls:0.0.0.0:7880\"\n".to_owned(),
            "have no TLS",
        ),
        (
            "tls = { certificate_file = \"/c\" }\n".to_owned(),
            "has no key_file",
        ),
    ]);
}

#[test]
fn a_half_written_caller_or_sink_is_refused_by_name() {
    let caller = caller();
    assert_refused([
        (caller.replace(HASH, "canary-key"), "not the hash of a key"),
        (
            caller.replace(HASH, "sha256:canary"),
            "not the hash of a key",
        ),
        (caller.replace("acme", "acne"), "no profile has this name"),
        (caller.replace("[\"acme\"]", "[]"), "names no profile"),
        (
            caller.replace("\"a\"", "\"A b\""),
            "not a name for a caller",
        ),
        (caller.replace("name = \"a\"\n", ""), "has no name"),
        (
            caller.replace("profiles = [\"acme\"]\n", ""),
            "has no profiles",
        ),
        (caller.clone() + "uid = 0\n", "more than one of key_hash"),
        (caller.replace("key_hash", "uid"), "expected an integer"),
        (
            caller.replace(&format!("key_hash = \"{HASH}\"\n"), ""),
            "neither key_hash, uid nor gid",
        ),
        (
            caller.clone() + "rate_limit = 0\n",
            "not between 1 and 1000000",
        ),
        (
            caller.clone() + "hands_out = \"tokens\"\n",
            "not one of the known values",
        ),
        (
            caller.clone() + "allow = [{ methods = [\"post\"] }]\n",
            "not well-formed",
        ),
        (
            caller.clone() + "allow = [{ paths = [\"/v3/*/x\"] }]\n",
            "not well-formed",
        ),
        (
            caller.clone() + "allow = [{ paths = [\"/v3/../x\"] }]\n",
            "not well-formed",
        ),
        (
            caller.clone() + "allow = [{ path = [\"/v3\"] }]\n",
            "unknown key",
        ),
        (caller.clone() + &caller, "two callers are named a"),
        (
            "[[service.sinks]]\nprofile = \"acme\"\npath = \"/t\"\nmode = \"0644\"\n".to_owned(),
            "not one of the known values",
        ),
        (
            "[[service.sinks]]\nprofile = \"acme\"\n".to_owned(),
            "has no path",
        ),
        ("listens = []\n".to_owned(), "unknown key"),
    ]);
}

#[test]
fn rights_that_are_more_than_they_read_like_are_refused() {
    let caller = caller();
    let by_user = caller.replace(&format!("key_hash = \"{HASH}\""), "uid = 1001");
    assert_refused([
        (caller.clone() + "allow = []\n", "allows nothing"),
        (
            caller.clone() + "allow = [{ methods = [], paths = [\"/v3/*\"] }]\n",
            "methods: names none",
        ),
        (
            caller.clone() + "allow = [{ methods = [\"GET\"], paths = [] }]\n",
            "paths: names none",
        ),
        (
            caller.replace(HASH, OF_NOTHING),
            "the hash of no key at all",
        ),
        (
            caller.clone() + &caller.replace("\"a\"", "\"b\""),
            "a and b are known alike",
        ),
        (
            by_user.clone() + &by_user.replace("\"a\"", "\"b\""),
            "a and b are known alike",
        ),
    ]);
}
