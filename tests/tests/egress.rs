//! The secret goes to the configured origin and nowhere else.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use prove_token::{Endpoint, ErrorKind, ProxyAddress};
use prove_token_tests::canary;
use prove_token_tests::client;
use prove_token_tests::http::{Server, Then, answer, granted};
use prove_token_tests::listener::Listener;
use prove_token_tests::tls::{self, Flaw};

use crate::wire::FORM;

/// Every header field by which a server sends a client elsewhere.
fn elsewhere(target: &str) -> Vec<(&str, &str)> {
    ["Location", "Content-Location", "Refresh", "Link", "URI"]
        .map(|name| (name, target))
        .to_vec()
}

#[tokio::test]
async fn no_redirect_is_followed_to_another_origin() {
    let other = Listener::silent();
    let target = format!("http://{}/token", other.authority());
    for status in 300..=308 {
        let redirect = answer(status, &elsewhere(&target), "");
        let server = Server::playing(vec![redirect], Then::KeepOpen);
        let client = client::client(server.endpoint());
        let error = client.access_token().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{status}");
        assert_eq!(error.http_status(), Some(status));
        assert_eq!(server.requests().len(), 1, "{status}");
    }
    assert_eq!(other.connections(), 0);
}

#[tokio::test]
async fn no_redirect_is_followed_within_the_origin() {
    for status in 300..=308 {
        for target in ["/other", "token", "?again", "//127.0.0.1/token"] {
            let redirect = answer(status, &elsewhere(target), "");
            let server = Server::playing(vec![redirect, granted(60)], Then::KeepOpen);
            let client = client::client(server.endpoint());
            assert!(client.access_token().await.is_err(), "{status} {target}");
            assert_eq!(server.requests().len(), 1, "{status} {target}");
        }
    }
}

#[tokio::test]
async fn no_redirect_leads_out_of_tls() {
    let other = Listener::silent();
    let target = format!("http://localhost:{}/token", other.port());
    for status in [301, 302, 303, 307, 308] {
        let redirect = answer(status, &elsewhere(&target), "");
        let server = tls::Server::start(tls::authority(), Flaw::None, redirect);
        let client = client::client(server.endpoint());
        assert!(client.access_token().await.is_err(), "{status}");
        assert_eq!(server.requests().len(), 1, "{status}");
    }
    assert_eq!(other.connections(), 0);
}

/// What `ask` prints for `endpoint` with every variable set that any client is
/// known to take a proxy from.
fn ask_with_proxy_variables(endpoint: &Endpoint, proxy: &Listener, key_log: &Path) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ask"));
    let address = format!("http://{}", proxy.authority());
    for name in ["http_proxy", "https_proxy", "all_proxy", "socks_proxy"] {
        command.env(name, &address);
        command.env(name.to_ascii_uppercase(), &address);
    }
    command.env_remove("no_proxy").env_remove("NO_PROXY");
    let mut child = command
        .env("SSLKEYLOGFILE", key_log)
        .arg(endpoint.as_str())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(tls::authority().pem().as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn proxy_variables_are_not_used() {
    let key_log = Path::new(env!("CARGO_TARGET_TMPDIR")).join("key-log");
    let proxy = Listener::silent();
    let plain = Server::playing(vec![granted(60)], Then::KeepOpen);
    let secure = tls::Server::start(tls::authority(), Flaw::None, granted(60));
    for endpoint in [plain.endpoint(), secure.endpoint()] {
        let printed = ask_with_proxy_variables(&endpoint, &proxy, &key_log);
        assert_eq!(printed, "granted\n", "{endpoint}");
    }
    assert_eq!(plain.requests().len(), 1);
    assert_eq!(secure.requests().len(), 1);
    assert_eq!(proxy.connections(), 0);
    // A variable of another kind, that would let others read along.
    assert!(fs::metadata(&key_log).is_err(), "{key_log:?} was written");
}

/// The positive control: a proxy that is asked for is used, and learns no more
/// than the host name.
#[tokio::test]
async fn a_configured_proxy_sees_the_host_name_alone() {
    let server = tls::Server::behind_proxy(tls::authority(), Flaw::WrongHost, granted(60));
    let proxy = format!("http://{}", server.listener().authority());
    let endpoint = "https://elsewhere.example/token".parse().unwrap();
    let client = client::builder(endpoint)
        .proxy(proxy.parse().unwrap())
        .build()
        .unwrap();
    client.access_token().await.unwrap();
    assert_eq!(server.requests().len(), 1);
    assert_eq!(server.requests()[0].body, FORM);
    let received = server.listener().received();
    let received = String::from_utf8_lossy(&received);
    assert!(received.starts_with("CONNECT elsewhere.example:443 HTTP/1.1\r\n"));
    assert_eq!(canary::leak(&received), None);
}

#[tokio::test]
async fn a_configured_proxy_is_not_used_for_loopback() {
    let proxy = Listener::silent();
    let address: ProxyAddress = format!("http://{}", proxy.authority()).parse().unwrap();
    let plain = Server::playing(vec![granted(60)], Then::KeepOpen);
    let secure = tls::Server::start(tls::authority(), Flaw::None, granted(60));
    let by_address = format!("https://127.0.0.1:{}/token", secure.listener().port());
    for endpoint in [
        plain.endpoint(),
        secure.endpoint(),
        by_address.parse().unwrap(),
    ] {
        let builder = client::builder(endpoint.clone()).proxy(address.clone());
        let outcome = builder.build().unwrap().access_token().await;
        assert!(outcome.is_ok(), "{endpoint}: {outcome:?}");
    }
    assert_eq!(proxy.connections(), 0);
}
