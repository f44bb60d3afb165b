//! The commands for callers: a key is shown once, and works as soon as it is shown.

use std::process::{Command, Output};

use crate::harness::{Service, Setup, emulator, write_private};

fn run(setup: &Setup, args: &[&str]) -> Output {
    setup.subcommand(args).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn get(service: &Service, key: &str) -> u16 {
    let bearer = format!("Bearer {key}");
    let reply = service.request("GET", "/v1/token/local", &[("Authorization", &bearer)], "");
    reply.status
}

#[test]
fn a_key_is_shown_once_and_works_until_its_caller_is_removed() {
    let emulator = emulator().start().unwrap();
    let service = Setup::new(&emulator).start();
    let mark = service.said().len();
    let added = run(
        &service.setup,
        &["caller", "add", "shop", "--profile", "local"],
    );
    assert!(added.status.success(), "{added:?}");
    let (key, words) = (text(&added.stdout), text(&added.stderr));
    let key = key.strip_suffix('\n').unwrap();
    let random = key.strip_prefix("ptk_").unwrap();
    assert_eq!(random.len(), 43);
    assert!(
        random
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
    );
    let config = std::fs::read_to_string(service.home().join("config.toml")).unwrap();
    assert!(words.contains("added the caller shop"), "{words}");
    assert!(
        !words.contains(random) && !config.contains(random),
        "{words}"
    );
    service.wait_for("reloaded: caller shop added", mark);
    assert_eq!(get(&service, key), 200);
    assert_eq!(get(&service, &format!("{key}x")), 401);

    let mark = service.said().len();
    let removed = run(&service.setup, &["caller", "remove", "shop"]);
    assert!(
        removed.status.success() && removed.stdout.is_empty(),
        "{removed:?}"
    );
    service.wait_for("reloaded: caller shop removed", mark);
    assert_eq!(get(&service, key), 401);
    let (_, said) = service.stop();
    assert!(!said.contains(random), "{said}");
}

#[test]
fn the_lines_are_printed_for_a_file_that_is_not_to_be_written() {
    let emulator = emulator().start().unwrap();
    let setup = Setup::new(&emulator);
    let before = std::fs::read_to_string(setup.config()).unwrap();
    let args = [
        "caller",
        "add",
        "shop",
        "--profile",
        "local",
        "--hands-out",
        "proxy",
        "--print",
    ];
    let printed = run(&setup, &args);
    assert!(printed.status.success(), "{printed:?}");
    let after = std::fs::read_to_string(setup.home.path().join("config.toml")).unwrap();
    assert_eq!(after, before);
    // The key alone is on standard output: KEY=$(…) is safe.
    let key = text(&printed.stdout);
    assert_eq!(key.lines().count(), 1);
    let words = text(&printed.stderr);
    assert!(!words.contains(key.trim()), "{words}");
    let (_, block) = words.split_once("\n\n").unwrap();
    let setup = setup.service(block);
    let service = setup.start();
    // A caller of the proxy is known, and gets no token.
    assert_eq!(get(&service, key.trim()), 403);
    assert_eq!(get(&service, "ptk_other"), 401);
}

#[test]
fn callers_are_listed_without_their_keys() {
    let emulator = emulator().start().unwrap();
    let setup = Setup::new(&emulator).service(
        "[[service.callers]]\nname = \"by-uid\"\nuid = 7\nprofiles = [\"local\"]\nrate_limit = 5\n",
    );
    setup.config();
    let listed = text(&run(&setup, &["caller", "list"]).stdout);
    assert_eq!(
        listed,
        "CALLER   KNOWN BY  HANDS OUT  LIMIT  PROFILES\n\
         billing  key       token      -      local\n\
         by-uid   uid 7     token      5/s    local\n"
    );
    let json = run(&setup, &["caller", "list", "-o", "json"]).stdout;
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(json["callers"][1]["known_by"], "uid 7");
    assert!(!json.to_string().contains("sha256"), "{json}");
}

#[test]
fn mistakes_are_told_and_change_nothing() {
    let emulator = emulator().start().unwrap();
    let setup = Setup::new(&emulator);
    let before = std::fs::read_to_string(setup.config()).unwrap();
    for (args, code, words) in [
        (
            &["caller", "add", "billing", "--profile", "local"][..],
            3,
            "there is already a caller",
        ),
        (
            &["caller", "add", "x", "--profile", "lokal"],
            3,
            "did you mean local?",
        ),
        (
            &["caller", "add", "X y", "--profile", "local"],
            3,
            "not a name for a caller",
        ),
        (&["caller", "add", "x"], 2, "--profile"),
        (
            &["caller", "remove", "bill"],
            3,
            "there is no caller \"bill\"",
        ),
        (
            &["caller", "remove", "billing"],
            3,
            "listens on TCP and has no caller with a key",
        ),
        (&["caller"], 2, "add"),
    ] {
        let output = run(&setup, args);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
        assert!(said.contains(words), "{args:?}: {said}");
        assert!(output.stdout.is_empty(), "{args:?}");
        assert_eq!(
            std::fs::read_to_string(setup.home.path().join("config.toml")).unwrap(),
            before
        );
    }
}

#[test]
fn a_key_that_nobody_could_read_is_not_left_behind() {
    let emulator = emulator().start().unwrap();
    let setup = Setup::new(&emulator);
    let before = std::fs::read_to_string(setup.config()).unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command: Command = setup.subcommand(&["caller", "add", "x", "--profile", "local"]);
    let output = command.stdout(writer).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = text(&output.stderr);
    assert!(said.contains("the caller was removed again"), "{said}");
    let path = setup.home.path().join("config.toml");
    assert_eq!(
        std::fs::read_to_string(path).unwrap().trim_end(),
        before.trim_end()
    );
}

#[test]
fn the_first_caller_takes_the_place_of_the_owner() {
    let emulator = emulator().start().unwrap();
    let setup = Setup::new(&emulator).without_service();
    let path = setup.home.path().join("config.toml");
    write_private(&path, "");
    setup.config();
    let added = run(&setup, &["caller", "add", "x", "--profile", "local"]);
    let said = text(&added.stderr);
    assert!(
        added.status.success() && said.contains("note: from now on callers alone"),
        "{said}"
    );
}

/// What the hint says to somebody who listens on TCP and has no caller yet.
#[test]
fn the_first_caller_makes_a_configuration_good() {
    let emulator = emulator().start().unwrap();
    let setup = Setup::new(&emulator)
        .without_service()
        .service("listen = [\"127.0.0.1:0\"]\n");
    let refused = setup.command().arg("--check-config").output().unwrap();
    let said = text(&refused.stderr);
    assert!(
        said.contains("add one with prove-tokend caller add"),
        "{said}"
    );
    let added = run(&setup, &["caller", "add", "shop", "--profile", "local"]);
    assert!(added.status.success(), "{added:?}");
    let good = run(&setup, &["--check-config"]);
    assert!(good.status.success(), "{good:?}");
}
