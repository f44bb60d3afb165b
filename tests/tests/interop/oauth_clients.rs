//! PyPI's `authlib` and `requests-oauthlib` as clients, unmodified: to them the service is
//! an authorization server, of which they know the token URL, a name and a key.

use std::io::Write as _;
use std::process::{Command, Stdio};

use prove_token_tests::peer::folder;
use serde_json::{Value, json};

use super::broker::{Broker, KEY, NAME, emulator, served};

/// What becomes of each client, with this key.
fn calls(broker: &Broker, api: &str, key: &str, by_socket: bool) -> Vec<Value> {
    let peer = folder().join("oauth-clients");
    let mut child = Command::new(peer.join("venv/bin/python"))
        .arg(peer.join("calls.py"))
        // They would believe its proxies, and a `.netrc`.
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let settings = json!({
        "token_url": format!("{}/token", broker.address),
        "api": api,
        "client_id": NAME,
        "client_secret": key,
        "socket": by_socket.then(|| broker.socket()),
    });
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(settings.to_string().as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let lines = String::from_utf8(output.stdout).unwrap();
    assert!(!lines.contains(KEY), "{lines}");
    let lines = lines.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// That each one got a token with which its call succeeded.
#[track_caller]
fn assert_served(lines: &[Value], clients: usize) {
    // By Basic, and in the body.
    assert_eq!(lines.len(), 2 * clients, "{lines:?}");
    for line in lines {
        assert_eq!(line["token_type"], "Bearer", "{line}");
        assert!(line["expires_in"].as_u64() > Some(60), "{line}");
        assert_eq!(line["status"], 200, "{line}");
    }
}

#[test]
fn the_token_url_alone_makes_them_share_one_token() {
    let emulator = emulator();
    let broker = Broker::start(&emulator, "token");
    assert_served(&calls(&broker, emulator.url(), KEY, false), 3);
    assert_eq!((emulator.token_requests(), served(&emulator)), (1, 6));
}

#[test]
fn behind_the_proxy_they_never_have_the_real_one() {
    let emulator = emulator();
    let broker = Broker::start(&emulator, "proxy");
    let api = format!("{}/proxy/local", broker.address);
    assert_served(&calls(&broker, &api, KEY, true), 4);
    assert_eq!((emulator.token_requests(), served(&emulator)), (1, 8));
}

#[test]
fn a_wrong_key_is_told_in_words_that_they_know() {
    let emulator = emulator();
    let broker = Broker::start(&emulator, "token");
    let lines = calls(&broker, emulator.url(), "ptk_wrong", true);
    assert_eq!(lines.len(), 8);
    for line in lines {
        let said = line["error"].as_str().unwrap();
        assert_eq!(
            said, "invalid_client: no caller with this name and key",
            "{line}"
        );
    }
}
