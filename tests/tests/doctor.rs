//! The command's `doctor` before servers that are not what they should be: what is
//! said, and that the secret stays at home.

use std::io::Write as _;
use std::process::{Command, Stdio};

use prove_token_tests::canary::{self, CLIENT_ID, SECRET};
use prove_token_tests::http::{answer, granted};
use prove_token_tests::listener::{Connection, Listener};
use prove_token_tests::tls::{self, Authority, Flaw, Server};
use serde_json::Value;

use crate::tls::assert_no_http;

/// A report, after a look for canaries in all that was written.
struct Report(Value);

/// Runs it with the tests' authority as the CA file.
fn doctor(endpoint: &str, args: &[&str]) -> Report {
    let home = tempfile::tempdir().unwrap();
    let authority = home.path().join("ca.pem");
    std::fs::write(&authority, tls::authority().pem()).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_command"))
        .args(["doctor", "--json", "--client-secret-stdin"])
        .args(["--token-endpoint", endpoint, "--client-id", CLIENT_ID])
        .args(args)
        .env_clear()
        .env("HOME", home.path())
        .env("SSL_CERT_FILE", authority)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(SECRET.as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    for bytes in [&output.stdout, &output.stderr] {
        let text = String::from_utf8_lossy(bytes);
        assert_eq!(canary::leak(&text), None, "{text}");
    }
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let code = output.status.code().map(Value::from).unwrap();
    assert_eq!(report["exit_code"], code, "{report}");
    Report(report)
}

impl Report {
    fn of(&self, id: &str) -> Vec<&Value> {
        let findings = self.0["profiles"][0]["findings"].as_array().unwrap();
        findings
            .iter()
            .filter(|finding| finding["id"] == id)
            .collect()
    }

    #[track_caller]
    fn assert(&self, id: &str, status: &str, words: &[&str]) {
        let findings = self.of(id);
        let [finding] = findings[..] else {
            panic!("not one {id} in {:#}", self.0);
        };
        assert_eq!(finding["status"], status, "{:#}", self.0);
        for words in words {
            assert!(finding.to_string().contains(words), "{words}: {finding}");
        }
    }

    /// The server was not trusted for this reason, and nothing was asked of it.
    #[track_caller]
    fn assert_untrusted(&self, words: &[&str]) {
        assert_eq!(self.0["exit_code"], 7);
        self.assert("tls.handshake", "failed", words);
        self.assert("endpoint.token", "not_tried", &["is not trusted"]);
        assert_eq!(self.0["profiles"][0]["token_requests"], 0);
    }
}

#[test]
fn a_good_server_is_trusted_and_asked() {
    let server = Server::start(tls::authority(), Flaw::None, granted(3600));
    let report = doctor(server.endpoint().as_str(), &[]);
    assert_eq!(report.0["exit_code"], 0, "{:#}", report.0);
    let words = [
        "localhost is trusted: TLS 1.3, TLS13_AES",
        "1 certificate, in",
    ];
    report.assert("tls.handshake", "ok", &words);
    let words = [
        "for localhost, 127.0.0.1",
        "days left",
        "by CN=authority of the tests",
    ];
    report.assert("tls.certificate", "ok", &words);
    report.assert("network.tcp", "ok", &["IPv4 in"]);
    let words = ["SSL_CERT_FILE says whom to trust"];
    report.assert("configuration.variables", "ok", &words);
    report.assert("endpoint.repeat", "ok", &["the same token"]);
    assert_eq!(server.requests().len(), 2);
    assert_no_http(server.listener());
}

#[test]
fn a_certificate_that_ends_soon_is_a_warning() {
    let server = Server::start(tls::authority(), Flaw::EndsSoon, granted(3600));
    let report = doctor(server.endpoint().as_str(), &[]);
    assert_eq!(report.0["exit_code"], 0, "{:#}", report.0);
    report.assert("tls.certificate", "warning", &["9 days left"]);
    report.assert("endpoint.token", "ok", &[]);
}

#[test]
fn a_bad_certificate_is_described_and_told_nothing() {
    for (flaw, words, certificate) in [
        (
            Flaw::Expired,
            "the certificate is not valid now: expired",
            "failed",
        ),
        (Flaw::NotYetValid, "not valid before another", "failed"),
        (
            Flaw::WrongHost,
            "the certificate is not for localhost: it is for elsewhere.example",
            "ok",
        ),
    ] {
        let server = Server::start(tls::authority(), flaw, granted(60));
        let report = doctor(server.endpoint().as_str(), &[]);
        report.assert_untrusted(&[words]);
        report.assert("tls.certificate", certificate, &["issued by"]);
        assert!(server.requests().is_empty());
        assert_no_http(server.listener());
    }
}

#[test]
fn whoever_vouches_for_a_stranger_is_named() {
    for (name, words) in [
        (
            "Corporate Inspection CA",
            "issued by CN=Corporate Inspection CA, who is not trusted",
        ),
        (tls::TRUSTED, "somebody uses the name"),
    ] {
        let server = Server::start(&Authority::new(name), Flaw::None, granted(60));
        let report = doctor(server.endpoint().as_str(), &[]);
        report.assert_untrusted(&[words, "ca_file"]);
        assert!(server.requests().is_empty());
        assert_no_http(server.listener());
    }
}

#[test]
fn names_in_a_certificate_cannot_forge_a_line() {
    let stranger = Authority::new("x\n  [ok] token  granted\u{1b}[2J");
    let server = Server::start(&stranger, Flaw::None, granted(60));
    let report = doctor(server.endpoint().as_str(), &[]);
    let told = report.of("tls.handshake")[0]["message"].as_str().unwrap();
    assert!(!told.contains(['\n', '\u{1b}']), "{told}");
}

#[test]
fn a_server_without_tls_is_told_nothing() {
    let plain = Listener::start(|mut connection: Connection| {
        let bad = answer(400, &[], "");
        let mut hello = [0; 4096];
        if std::io::Read::read(&mut connection, &mut hello).is_ok()
            && connection.write_all(&bad).is_ok()
        {
            connection.finish();
        }
    });
    let report = doctor(tls::endpoint(&plain).as_str(), &[]);
    report.assert_untrusted(&["does not speak TLS", "check the port"]);
    assert_no_http(&plain);
}

#[test]
fn a_server_that_never_speaks_is_left_in_time() {
    let silent = Listener::silent();
    let report = doctor(tls::endpoint(&silent).as_str(), &["--timeout", "500ms"]);
    report.assert_untrusted(&["timeout"]);
    assert_no_http(&silent);
}

#[test]
fn the_way_through_a_proxy_is_gone() {
    let server = Server::behind_proxy(tls::authority(), Flaw::WrongHost, granted(3600));
    let proxy = format!("http://{}", server.listener().authority());
    let report = doctor("https://elsewhere.example/token", &["--proxy", &proxy]);
    assert_eq!(report.0["exit_code"], 0, "{:#}", report.0);
    report.assert(
        "network.proxy",
        "ok",
        &["opens the way to elsewhere.example:443"],
    );
    report.assert("tls.handshake", "ok", &["trusted"]);
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn a_proxy_that_wants_a_login_is_named() {
    let proxy = Listener::start(|mut connection: Connection| {
        let refusal = answer(407, &[], "");
        if prove_token_tests::http::read_request(&mut connection).is_ok()
            && connection.write_all(&refusal).is_ok()
        {
            connection.finish();
        }
    });
    let address = format!("http://{}", proxy.authority());
    let report = doctor("https://elsewhere.example/token", &["--proxy", &address]);
    report.assert("network.proxy", "failed", &["wants a login (407)"]);
    report.assert("tls.handshake", "not_tried", &["the proxy"]);
    report.assert("endpoint.token", "not_tried", &["the proxy"]);
    let received = String::from_utf8(proxy.received()).unwrap();
    assert_eq!(canary::leak(&received), None);
    assert!(!received.contains("POST"), "{received}");
}
