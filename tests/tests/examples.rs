//! Every example of the core runs to success against the emulator, and shows no secret
//! and no token.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use prove_token_emulator::Emulator;
use prove_token_tests::canary::{self, CLIENT_ID, SECRET};
use prove_token_tests::{emulator, tls};

const LIFETIME: &str = "a token that lives for 3600s\n";

/// An example, where the tests' build of it is, and what it prints.
const EXAMPLES: [(&str, &str, &str); 8] = [
    (
        "quick_start",
        env!("CARGO_BIN_EXE_example_quick_start"),
        LIFETIME,
    ),
    (
        "blocking",
        env!("CARGO_BIN_EXE_example_blocking"),
        "four threads have worked\n",
    ),
    (
        "reqwest_middleware",
        env!("CARGO_BIN_EXE_example_reqwest_middleware"),
        "the API answered 200 OK\n",
    ),
    (
        "tower",
        env!("CARGO_BIN_EXE_example_tower"),
        "the API answered 200 OK\n",
    ),
    (
        "many_tenants",
        env!("CARGO_BIN_EXE_example_many_tenants"),
        "",
    ),
    (
        "custom_secret_source",
        env!("CARGO_BIN_EXE_example_custom_secret_source"),
        LIFETIME,
    ),
    (
        "custom_store",
        env!("CARGO_BIN_EXE_example_custom_store"),
        "the second client found the first one's token\n",
    ),
    (
        "custom_transport",
        env!("CARGO_BIN_EXE_example_custom_transport"),
        LIFETIME,
    ),
];

/// Runs an example, which must succeed, and returns what it printed.
fn run(example: &str, arguments: &[&str]) -> String {
    let (_, program, expected) = EXAMPLES.iter().find(|(name, ..)| *name == example).unwrap();
    let trusted = file("authority.pem", &tls::authority().pem());
    let output = Command::new(program)
        .args(arguments)
        // A machine without a trust store can run the tests all the same.
        .env("SSL_CERT_FILE", trusted)
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{example}: {said}");
    assert_eq!(canary::leak(&printed), None, "{example}: {printed}");
    assert_eq!(said, "", "{example}");
    if !expected.is_empty() {
        assert_eq!(printed, *expected, "{example}");
    }
    printed
}

fn file(name: &str, content: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("examples");
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join(format!("{name}-{:?}", std::thread::current().id()));
    fs::write(&path, content).unwrap();
    path
}

fn secret_file() -> String {
    file("secret", SECRET).to_str().unwrap().to_owned()
}

fn start() -> Emulator {
    emulator::builder().start().unwrap()
}

#[test]
fn one_token_costs_one_request() {
    for example in ["quick_start", "blocking", "custom_store"] {
        let emulator = start();
        run(
            example,
            &[&emulator.token_endpoint(), CLIENT_ID, &secret_file()],
        );
        assert_eq!(emulator.token_requests(), 1, "{example}");
    }
}

#[test]
fn the_integrations_call_the_api_with_a_token() {
    for example in ["reqwest_middleware", "tower"] {
        let emulator = start();
        let (endpoint, api) = (emulator.token_endpoint(), emulator.url());
        run(example, &[&endpoint, api, CLIENT_ID, &secret_file()]);
        let requests = emulator.requests();
        let started = requests.iter().find(|seen| seen.path == "/v3/start");
        assert_eq!(
            started.unwrap().client_authentication,
            "bearer",
            "{example}"
        );
    }
}

#[test]
fn many_tenants_have_a_token_each() {
    let emulator = Emulator::builder()
        .client(CLIENT_ID, SECRET)
        .client("another", SECRET)
        .start()
        .unwrap();
    let (endpoint, secret) = (emulator.token_endpoint(), secret_file());
    let arguments = [&endpoint, CLIENT_ID, &secret, "another", &secret];
    let printed = run("many_tenants", &arguments);
    assert_eq!(printed.lines().count(), 4, "{printed}");
    assert_eq!(emulator.token_requests(), 2);
}

#[test]
fn a_secret_source_and_a_transport_of_the_users_own_are_used() {
    let emulator = start();
    let endpoint = emulator.token_endpoint();
    let json = serde_json::json!({ "client_secret": SECRET }).to_string();
    let json = file("secret.json", &json);
    run(
        "custom_secret_source",
        &[&endpoint, CLIENT_ID, json.to_str().unwrap()],
    );
    let key = file("key", "a key\n");
    let key = key.to_str().unwrap();
    run(
        "custom_transport",
        &[&endpoint, CLIENT_ID, &secret_file(), key],
    );
    let requests = emulator.requests();
    let with_key = |index: usize| {
        let mut names = requests[index].headers.iter().map(|(name, _)| name);
        names.any(|name| name == "x-gateway-key")
    };
    assert_eq!((with_key(0), with_key(1)), (false, true));
}

/// A wrong call of an example says how it is called.
#[test]
fn an_example_names_its_arguments() {
    for (example, program, _) in EXAMPLES {
        let output = Command::new(program).output().unwrap();
        assert!(!output.status.success(), "{example}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("the arguments are TOKEN_ENDPOINT"), "{said}");
    }
}

/// A new example needs its row above, and so is run.
#[test]
fn every_example_is_run_and_listed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/core/examples");
    let listed = fs::read_to_string(folder.join("README.md")).unwrap();
    let files = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let examples = files.filter(|path| path.extension().is_some_and(|ending| ending == "rs"));
    let names: BTreeSet<String> = examples
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    let run: BTreeSet<String> = EXAMPLES.map(|(name, ..)| name.to_owned()).into();
    assert_eq!(names, run);
    for name in names {
        assert!(listed.contains(&format!("| `{name}` |")), "{name}");
    }
}
