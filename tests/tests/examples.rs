//! Each example of the core, run as its first lines say.

use std::process::Command;

use prove_token_emulator::{DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, Emulator};

/// Runs it against an emulator, and returns what it printed.
fn run(program: &str, path: &str, requests: usize) -> String {
    let emulator = Emulator::builder().start().unwrap();
    let output = Command::new(program)
        .arg(format!("{}{path}", emulator.url()))
        .args([DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{errors}");
    assert_eq!(emulator.token_requests(), requests);
    // The emulator's tokens are JWTs, and all of those begin alike.
    let shown = format!("{text}{errors}");
    assert!(
        !shown.contains(DEFAULT_CLIENT_SECRET) && !shown.contains("eyJ"),
        "{shown}"
    );
    text
}

#[test]
fn quick_start() {
    let text = run(env!("CARGO_BIN_EXE_example-quick-start"), "/token", 1);
    assert!(
        text.starts_with("a token for 35") || text.starts_with("a token for 3600"),
        "{text}"
    );
}

#[test]
fn blocking() {
    let text = run(env!("CARGO_BIN_EXE_example-blocking"), "/token", 1);
    assert_eq!(text, "8 threads, the same token: true\n");
}

#[test]
fn reqwest_middleware() {
    let text = run(env!("CARGO_BIN_EXE_example-reqwest-middleware"), "", 1);
    assert_eq!(text, "the API answers with status 200\n");
}

#[test]
fn tower() {
    let text = run(env!("CARGO_BIN_EXE_example-tower"), "", 1);
    assert_eq!(text, "the API answers with status 200\n");
}

#[test]
fn many_tenants() {
    let text = run(env!("CARGO_BIN_EXE_example-many-tenants"), "/token", 3);
    assert_eq!(text, "300 calls for 3 tenants, 3 tokens\n");
}

#[test]
fn custom_store() {
    let text = run(env!("CARGO_BIN_EXE_example-custom-store"), "/token", 1);
    assert_eq!(
        text,
        "the second client's token is from the store: true, and the same: true\n"
    );
}

/// Without its arguments, an example says what is missing.
#[test]
fn a_missing_argument_is_named() {
    let output = Command::new(env!("CARGO_BIN_EXE_example-quick-start"))
        .output()
        .unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(
        !output.status.success() && errors.contains("missing: the token endpoint"),
        "{errors}"
    );
}
