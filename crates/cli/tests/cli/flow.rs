//! The tutorial's whole flow with `call`: each answer names the next command, and pauses
//! that the API asks for are made.

use prove_token_emulator::{Emulator, Fault};
use snapbox::str;

use crate::harness::{Outcome, emulator, run, run_at, run_in};

const START: &str = r#"{"flowType":"mobile","phoneNumber":"2001001695"}"#;

fn at(emulator: &Emulator, args: &[&str]) -> Outcome {
    run(args).env("PROVE_EMULATOR", emulator.url()).outcome()
}

/// The words of a command as a shell would split it.
fn words(line: &str) -> Vec<String> {
    let script = format!("for word in {line}; do printf '%s\\n' \"$word\"; done");
    let output = std::process::Command::new("sh")
        .args(["-c", &script])
        .output()
        .unwrap();
    let words = String::from_utf8(output.stdout).unwrap();
    words.lines().map(str::to_owned).collect()
}

/// Each command is the one that the answer before told to run.
#[cfg(unix)]
#[test]
fn the_tutorial_goes_from_step_to_step() {
    let emulator = Emulator::builder().start().unwrap();
    let first = format!(
        "prove-token --environment emulator call POST /v3/start --follow-next -d '{START}'"
    );
    let home = tempfile::tempdir().unwrap();
    let (mut line, mut steps) = (first, Vec::new());
    loop {
        let command = words(&line);
        let args: Vec<&str> = command.iter().skip(1).map(String::as_str).collect();
        steps.push(
            args.iter()
                .find(|arg| arg.starts_with("/v3/"))
                .unwrap()
                .to_string(),
        );
        let outcome = run_in(home.path(), &args)
            .env("PROVE_EMULATOR", emulator.url())
            .outcome();
        assert_eq!(outcome.code, Some(0), "{outcome:?}");
        assert!(!outcome.stderr.contains("authToken"), "{outcome:?}");
        let next = outcome
            .stderr
            .lines()
            .next()
            .unwrap()
            .strip_prefix("next: ")
            .unwrap()
            .to_owned();
        if next == "nothing, the flow is done" {
            break;
        }
        // What the person has to add.
        line = next.replace(r#"{"correlationId""#, r#"{"dob":"1981-01","correlationId""#);
        line = line.replace(
            r#""firstName":"","lastName":"""#,
            r#""firstName":"Milo","lastName":"Pinson""#,
        );
    }
    assert_eq!(
        steps,
        ["/v3/start", "/v3/validate", "/v3/challenge", "/v3/complete"]
    );
    assert_eq!(emulator.token_requests(), 1, "and one token for all of it");
}

#[test]
fn a_pause_that_the_api_asks_for_is_made() {
    let busy = |status| {
        Fault::status(status)
            .header("Retry-After", "0")
            .path("/v3/start")
    };
    let emulator = emulator()
        .fault(busy(429))
        .fault(busy(503))
        .start()
        .unwrap();
    let outcome = run_at(&emulator, &["call", "/v3/start", "-d", START, "--retry"]).outcome();
    outcome.transcript(0, str![[r#"{"authToken":"[TOKEN]","correlationId":"[..]","next":{"v3-validate":"/v3/validate"}}"#]], str![[r#"
the API answered with status 429: trying again in 250ms
the API answered with status 503: trying again in 250ms

"#]]);
}

#[test]
fn a_pause_that_is_too_long_is_not_begun() {
    let busy = Fault::status(429)
        .header("Retry-After", "600")
        .path("/v3/start")
        .times(0);
    let emulator = emulator().fault(busy).start().unwrap();
    let call = ["call", "/v3/start", "-d", START];
    run_at(&emulator, &call).outcome().transcript(
        8,
        str![[r#"{"message":"Too Many Requests"}"#]],
        str![[r#"
error: the API answered with status 429
hint: the API asks to wait 10m: --retry does

"#]],
    );
    run_at(&emulator, &[&call[..], &["--retry"]].concat())
        .outcome()
        .transcript(
            8,
            str![[r#"{"message":"Too Many Requests"}"#]],
            str![[r#"
error: the API answered with status 429
hint: the API asks to wait 10m: raise --timeout to allow it

"#]],
        );
    let without = Fault::status(503).path("/v3/start").times(0);
    let emulator = crate::harness::emulator().fault(without).start().unwrap();
    run_at(&emulator, &[&call[..], &["--retry"]].concat())
        .outcome()
        .transcript(
            7,
            str![[r#"{"message":"Service Unavailable"}"#]],
            str![[r#"
error: the API answered with status 503
hint: the fault is on the API's side: try again later

"#]],
        );
}

#[test]
fn mistakes_are_explained_by_proves_codes() {
    let emulator = Emulator::builder().start().unwrap();
    let call = |path, data| {
        at(
            &emulator,
            &[
                "call",
                "POST",
                path,
                "-d",
                data,
                "--environment",
                "emulator",
                "--follow-next",
            ],
        )
    };
    call("/v3/start", "{").transcript(
        6,
        str![[r#"{"code":8001,"message":"invalid JSON"}"#]],
        str![[r#"
error: the API answered with status 400, code 8001
hint: the request is malformed: valid JSON under 4 KB, with the field that the message names

"#]],
    );
    call("/v3/validate", r#"{"correlationId":"nope"}"#).transcript(
        6,
        str![[r#"{"code":8008,"message":"invalid correlation ID"}"#]],
        str![[r#"
error: the API answered with status 400, code 8008
hint: the correlation ID is not known: start again with /v3/start

"#]],
    );
    call("/start", START).transcript(6, str![[r#"{"message":"Forbidden"}"#]], str![[r#"
error: the API answered with status 403
hint: compare method and path with the operation's reference; the API base is http://127.0.0.1:[PORT]

"#]]);
    at(
        &emulator,
        &[
            "call",
            "https://evil.example/v3/start",
            "--environment",
            "emulator",
        ],
    )
    .transcript(
        2,
        str![],
        str![[r#"
error: the path is a whole URL
hint: give the path alone, such as /v3/start; the host is the profile's API base

"#]],
    );
}
