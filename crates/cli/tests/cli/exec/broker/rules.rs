//! What a broker refuses, and what the command does: strangers, requests that no program
//! means, looks from outside, and flags.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use prove_token_emulator::Fault;
use snapbox::str;

use super::{CALL, Program, START, TOKEN, brokered};
use crate::exec::exec;
use crate::harness::{emulator, run};

/// Whoever is not the program is told the same, whatever is wrong.
#[test]
fn strangers_learn_nothing() {
    let emulator = emulator().start().unwrap();
    let program = Program::start(&emulator, &[]);
    let body = |answer: &str| answer.split_once("\r\n\r\n").unwrap().1.to_owned();
    let without_id = |answer: &str| {
        let text = body(answer);
        let (before, after) = text.split_once(r#""request_id":""#).unwrap();
        format!("{before}{}", after.split_once('"').unwrap().1)
    };
    let mut refusals = Vec::new();
    for head in [
        TOKEN.replace("Authorization: Bearer KEY\n", ""),
        TOKEN.replace("KEY", "KEYx"),
        TOKEN.replace("KEY", "ptk_of-nobody"),
        TOKEN.replace("Bearer KEY", "Bearer KEY\nAuthorization: Bearer KEY"),
        TOKEN.replace("Bearer KEY", "Basic KEY"),
        TOKEN.replace("flags", "another").replace("KEY", "ptk_x"),
    ] {
        let (status, answer) = program.ask(&head, "");
        assert_eq!(status, 401, "{head}: {answer}");
        refusals.push(without_id(&answer));
    }
    refusals.dedup();
    assert_eq!(refusals.len(), 1, "{refusals:#?}");
    assert_eq!(program.ask(&CALL.replace("KEY", "ptk_x"), START).0, 401);
    assert_eq!(program.end(), "", "nothing is said without --verbose");
}

#[test]
fn what_no_request_may_be_is_refused_with_the_key() {
    let emulator = emulator().start().unwrap();
    let program = Program::start(&emulator, &["--hands-out", "token"]);
    for (expected, from, to) in [
        (421, "Host: localhost", "Host: evil.example"),
        (403, "Prove", "Origin: http://localhost:3000\nProve"),
        (403, "Prove", "Sec-Fetch-Site: cross-site\nProve"),
        (400, "Prove-Token-Request: true", "Accept: */*"),
        (400, "Prove", "X-Forwarded-For: 1.2.3.4\nProve"),
        (400, "Host: localhost\n", ""),
        (404, "flags", "another"),
        (404, "/v1/token/flags", "/metrics"),
        (404, "/v1/token/flags", "/"),
        (200, "", ""),
    ] {
        let (status, answer) = program.ask(&TOKEN.replacen(from, to, 1), "");
        assert_eq!(status, expected, "{to}: {answer}");
    }
    program.end();
}

#[test]
fn the_process_is_hardened_once_the_program_runs() {
    let emulator = emulator().start().unwrap();
    let program = Program::start(&emulator, &[]);
    let id = program.running.id().as_raw_nonzero();
    let of_ours = |file: &str| std::fs::read_to_string(format!("/proc/{id}/{file}")).unwrap();
    let limits = of_ours("limits");
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"));
    let core: Vec<_> = core.unwrap().split_whitespace().collect();
    assert_eq!(core[4..6], ["0", "0"], "{core:?}");
    let status = of_ours("status");
    assert!(status.contains("Umask:\t0077"), "{status}");
    program.end();
}

/// Nobody but root may look into it: not even its own user, as whom the program runs.
#[test]
fn its_memory_is_hidden_from_its_own_user() {
    // Root may look anywhere, and so becomes nobody.
    const AS_A_USER: &str =
        "test $(id -u) != 0 || exec setpriv --reuid 65534 --clear-groups \"$@\"; exec \"$@\"";
    const LOOK: &str =
        "stat -c %u /proc/$PPID/environ; cat /proc/$PPID/environ >/dev/null 2>&1 && echo read";
    let home = tempfile::tempdir().unwrap();
    let binary = home.path().join("prove-token");
    std::fs::copy(env!("CARGO_BIN_EXE_prove-token"), &binary).unwrap();
    for path in [home.path(), &binary] {
        std::fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
    }
    let look = |options: &[&str]| {
        let mut command = Command::new("sh");
        command.args(["-c", AS_A_USER, "sh"]).arg(&binary);
        command.args(["exec", "--environment", "emulator"]);
        command.args(options).args(["--", "sh", "-c", LOOK]);
        let output = command.env("HOME", "/nonexistent").output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let beside_an_emulator = look(&[]);
    assert!(
        beside_an_emulator.ends_with("\nread\n"),
        "{beside_an_emulator}"
    );
    assert_eq!(look(&["--broker"]), "0\n");
}

#[test]
fn flags_that_say_nothing_about_a_broker_are_refused() {
    for (flags, words) in [
        (&["--broker", "--env", "A"][..], "cannot be used with"),
        (&["--broker", "--min-validity", "5m"], "cannot be used with"),
        (&["--broker", "--cached-only"], "cannot be used with"),
        (&["--broker", "--force"], "cannot be used with"),
        (&["--broker", "--no-cache"], "cannot be used with"),
        (&["--hands-out", "token"], "--broker is missing"),
        (&["--broker", "--hands-out", "x"], "none of token, proxy"),
    ] {
        let flags = [
            &["exec", "--environment", "emulator"],
            flags,
            &["--", "true"],
        ]
        .concat();
        let said = run(&flags).outcome().failure(125);
        assert!(said.contains(words), "{flags:?}: {said}");
    }
}

#[test]
fn a_program_that_would_get_nothing_is_not_started() {
    let emulator = emulator().start().unwrap();
    let words = ["echo", "started"];
    exec(&emulator, &["--broker"], &words)
        .outcome()
        .transcript(125, str![], str![[r#"
error: the profile flags has no API base, and a broker that hands out no token is for calls to the API
hint: give --api-base (api_base in the profile), or --hands-out token

"#]]);
    // With tokens it gets something; the API is not told of.
    let script = "echo ${PROVE_TOKEN_BROKER_API_BASE-unset}";
    let options = ["--broker", "--hands-out", "token"];
    exec(&emulator, &options, &["sh", "-c", script])
        .env(
            "PROVE_TOKEN_BROKER_API_BASE",
            "http://127.0.0.1:1/of-another-broker",
        )
        .outcome()
        .transcript(
            0,
            str![[r#"
unset

"#]],
            str![],
        );
    brokered(&emulator, &[], &words)
        .stdin("canary-wrong")
        .outcome()
        .transcript(125, str![], str![[r#"
error: http://127.0.0.1:[PORT]/token rejected the client credentials (status 401, code 8002: not authorized)
hint: check the client id and secret for stray characters, and that they belong to this server

"#]]);
    emulator.inject(Fault::silence());
    brokered(&emulator, &["--timeout", "1s"], &words)
        .outcome()
        .transcript(
            125,
            str![],
            str![[r#"
error: no result within 1s
hint: raise --timeout; --verbose shows where the time goes

"#]],
        );
}
