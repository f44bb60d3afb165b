//! How the service starts, and what it refuses to start with.

use std::os::unix::fs::PermissionsExt as _;

use crate::harness::{ID, SECRET, Setup, assert_no_secret, emulator, raw, write_private};

#[test]
fn the_banner_says_what_listens_where_and_for_whom() {
    let emulator = emulator().start().unwrap();
    let setup = Setup::new(&emulator);
    let socket = setup.socket();
    let service = setup
        .service("[[service.callers]]\nname = \"sdk\"\nuid = 7\nprofiles = [\"local\"]\nhands_out = \"proxy\"\n")
        .start();
    let said = service.said();
    // The first token may be there before anybody listens.
    let is_banner = |line: &&str| !line.contains(" INFO ");
    let lines: Vec<_> = said.lines().filter(is_banner).collect();
    let endpoint = emulator.token_endpoint();
    assert!(
        lines[0].starts_with("prove-tokend 0.1.0, configured by /"),
        "{said}"
    );
    for line in [
        format!(
            "listening on unix:{} for callers by user, group or key",
            socket.display()
        ),
        format!(
            "listening on 127.0.0.1:{} for callers with a key, from this machine",
            service.port.unwrap()
        ),
        "caller billing (key) gets tokens of local".to_owned(),
        "caller sdk (uid 7) calls through the proxy with local".to_owned(),
        format!("profile local: tokens of {endpoint}, secret in the environment variable SECRET"),
    ] {
        assert!(lines.contains(&&*line), "{line} in {said}");
    }
    assert_eq!(*lines.last().unwrap(), "ready: 1 profile for 2 callers");
}

#[test]
fn without_callers_the_owner_alone_may_come() {
    let emulator = emulator().start().unwrap();
    let setup = Setup::new(&emulator).without_service();
    let runtime = setup.home.path().join("run");
    std::fs::create_dir(&runtime).unwrap();
    let service = setup
        .env("XDG_RUNTIME_DIR", runtime.to_str().unwrap())
        .start();
    let said = service.said();
    let uid = rustix::process::geteuid().as_raw();
    assert!(
        said.contains(&format!(
            "caller: this user alone (uid {uid}), for every profile"
        )),
        "{said}"
    );
    let socket = runtime.join("prove-token.sock");
    let mode = std::fs::metadata(&socket).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    let stream = std::os::unix::net::UnixStream::connect(&socket).unwrap();
    let request = b"GET /v1/token/local HTTP/1.1\r\nHost: x\r\nConnection: close\r\nProve-Token-Request: true\r\n\r\n";
    raw(stream, request).expect(200);
}

/// That it does not start, and says so in `words`.
#[track_caller]
fn assert_refused(setup: &Setup, words: &str) {
    for check in [false, true] {
        let mut command = setup.command();
        if check {
            command.arg("--check-config");
        }
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(3), "{words}: {said}");
        assert!(said.contains(words), "{words}: {said}");
        assert!(said.starts_with("error: "), "{words}: {said}");
        assert!(output.stdout.is_empty());
        assert_no_secret(&said);
    }
}

/// What an operator may have got wrong, and the words that say so.
#[test]
fn an_unsafe_configuration_refuses_to_start() {
    let emulator = emulator().start().unwrap();
    let fresh = || Setup::new(&emulator);
    let with_file = |name: &str, content: &str, mode: u32| {
        let setup = fresh();
        let path = setup.home.path().join(name);
        write_private(&path, content);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        (setup, path)
    };
    let (secret, path) = with_file("secret", SECRET, 0o644);
    let exposed = secret.file_profile("file", &emulator, &path);
    let (pair, path) = with_file("key.pem", "canary", 0o600);
    let tls = pair.listen("tls:127.0.0.1:0").tls(&path, &path);
    let open = fresh();
    let folder = open.home.path().join("open");
    std::fs::create_dir(&folder).unwrap();
    let open = open
        .without_service()
        .service(&format!("listen = [\"unix:{}/s\"]\n", folder.display()));
    assert_refused(&exposed, "can be read by every user (mode 0644)");
    assert_refused(&tls, "holds no certificate");
    // In one like /tmp, anybody can be there first.
    for mode in [0o777, 0o1777, 0o1775] {
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(mode)).unwrap();
        assert_refused(&open, "other users can write the folder");
    }
}

/// The same, of what the file says by itself.
#[test]
fn a_contradictory_configuration_refuses_to_start() {
    let emulator = emulator().start().unwrap();
    let fresh = || Setup::new(&emulator);
    let listen = |lines: &str| fresh().without_service().service(lines);
    let caller = "[[service.callers]]\nname = \"x\"\nprofiles = [\"local\"]\n";
    let sink = |lines: &str| {
        fresh().service(&format!(
            "[[service.sinks]]\nprofile = \"local\"\n{lines}\n"
        ))
    };
    for (setup, words) in [
        (
            listen("listen = [\"0.0.0.0:7878\"]\n"),
            "listens in plain text where other machines can connect",
        ),
        (
            listen("listen = [\"127.0.0.1:7878\"]\n"),
            "listens on TCP and has no caller with a key",
        ),
        (
            listen("admin_listen = \"0.0.0.0:7879\"\n"),
            "admin_listen is neither a loopback address nor a Unix socket",
        ),
        (
            listen("listen = [\"tls:0.0.0.0:7443\"]\n"),
            "listens with TLS and has no certificate",
        ),
        (
            listen("listen = [\"unix:relative\"]\n"),
            "the socket's path is not absolute",
        ),
        (listen("colour = 1\n"), "colour"),
        (
            listen(&format!(
                "listen = [\"unix:/run/a\", \"unix:/run/a\"]\n{caller}uid = 1\n"
            )),
            "unix:/run/a is to be listened on twice",
        ),
        (
            listen(&format!(
                "listen = [\"127.0.0.1:0\"]\n{caller}uid = 1\n{}key_hash = \"sha256:{}\"\n",
                caller.replace("\"x\"", "\"y\""),
                "a".repeat(64)
            )),
            "the caller x is known by its user or group",
        ),
        (sink("path = \"/dev/null\""), "is there and not a file"),
        (
            sink("path = \"/tmp/t\"\ngroup = \"no such group\""),
            "for a group that is not known",
        ),
        (
            sink("path = \"/tmp/t\"\nmode = \"0644\""),
            "mode: not one of the known values",
        ),
        (
            sink("path = \"/tmp/t\"\n[[service.sinks]]\nprofile = \"local\"\npath = \"/tmp/t\""),
            "two sinks are of the file /tmp/t",
        ),
        (listen(""), "there is no folder for the socket"),
        (
            fresh()
                .without_profiles()
                .without_service()
                .service("listen = []\n"),
            "no profile",
        ),
    ] {
        assert_refused(&setup, words);
    }
}

#[test]
fn a_good_configuration_is_said_to_be_good_and_nothing_is_begun() {
    let emulator = emulator().start().unwrap();
    let setup = Setup::new(&emulator).args(&["--check-config"]);
    let output = setup.command().output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(said.lines().count(), 1);
    assert!(
        said.contains("config.toml is good: 1 profile, 1 caller, listens on unix:/"),
        "{said}"
    );
    assert!(output.stderr.is_empty() && !setup.socket().exists());
    assert_eq!(emulator.token_requests(), 0);
    let both = setup
        .subcommand(&["--check-config", "caller", "list"])
        .output()
        .unwrap();
    assert_eq!(both.status.code(), Some(2), "{both:?}");
}

#[test]
fn what_is_not_safe_and_wanted_is_told() {
    let emulator = emulator().start().unwrap();
    let setup = Setup::new(&emulator);
    let path = setup.home.path().join("secret");
    write_private(&path, SECRET);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let service = setup
        .lines(&format!(
            "[profiles.loose]\ntoken_endpoint = \"{}\"\nclient_id = \"{ID}\"\n\
             client_secret = {{ file = \"{}\", allow_insecure_mode = true }}\n",
            emulator.token_endpoint(),
            path.display()
        ))
        .start();
    let said = service.said();
    assert!(
        said.contains("warning: allow_insecure_mode is set for the secret of loose"),
        "{said}"
    );
}
