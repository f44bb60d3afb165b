//! APIs that cannot be reached: whose fault it is, in the status, in `Proxy-Status`, and
//! in words.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;

use prove_token_emulator::{Emulator, Fault};
use rcgen::{CertificateParams, CertifiedIssuer, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::harness::{KEY, Reply, Service, Setup, emulator};
use crate::upstream::{Upstream, answer, head};

fn get(service: &Service) -> Reply {
    service.get("/proxy/local/x")
}

#[track_caller]
fn expect(reply: &Reply, status: u16, error: &str, proxy_error: &str) -> String {
    let body = reply.expect(status);
    assert_eq!(body["error"], error, "{body}");
    let expected = format!("prove-token; error={proxy_error}");
    assert_eq!(reply.header("proxy-status"), Some(&*expected), "{body}");
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert!(body["request_id"].is_string());
    body["error_description"].as_str().unwrap().to_owned()
}

#[test]
fn nobody_there() {
    let emulator = emulator().start().unwrap();
    let closed = {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let service = Setup::to_api(&emulator, &closed, "").start();
    let said = expect(&get(&service), 502, "connect", "connection_refused");
    assert!(
        !said.contains("127.0.0.1"),
        "the caller knows no address: {said}"
    );
    assert_eq!(get(&service).json()["retryable"], true);

    let service = Setup::to_api(&emulator, "https://prove-token.invalid", "").start();
    expect(&get(&service), 502, "connect", "dns_error");
}

#[test]
fn no_connection_in_time() {
    let emulator = emulator().start().unwrap();
    // The kernel accepts, and nobody answers.
    let silent = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let api = format!("https://{}", silent.local_addr().unwrap());
    let service = Setup::to_api(&emulator, &api, "connect_timeout = \"100ms\"\n").start();
    expect(&get(&service), 504, "timeout", "connection_timeout");
}

/// An API whose answers have these headers, and this behind them, and then end.
fn framed(headers: &'static str, body: &'static str) -> Upstream {
    Upstream::start(move |_, _| {
        format!("HTTP/1.1 200 OK\r\nConnection: close\r\n{headers}\r\n{body}").into_bytes()
    })
}

#[test]
fn the_length_of_an_answer_is_the_one_that_it_was_read_by() {
    let emulator = emulator().start().unwrap();
    let chunked = "a\r\n0123456789\r\n0\r\n\r\n";
    for lengths in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: Chunked\r\nContent-Length: 50\r\n",
    ] {
        let api = framed(lengths, chunked);
        let reply = get(&Setup::to_api(&emulator, &api.url(), "").start());
        assert_eq!(
            (reply.status, &*reply.body),
            (200, "A\r\n0123456789\r\n0\r\n\r\n")
        );
        assert_eq!(reply.header("content-length"), None, "{lengths}");
    }
    let api = framed("Content-Length: 5, 5\r\n", "01234");
    let reply = get(&Setup::to_api(&emulator, &api.url(), "").start());
    assert_eq!(
        (reply.header("content-length"), &*reply.body),
        (Some("5"), "01234")
    );
}

#[test]
fn an_answer_in_a_coding_that_nobody_asked_for_is_none() {
    let emulator = emulator().start().unwrap();
    for coding in ["gzip, chunked", "chunked, identity", "gzip"] {
        let headers = format!("Transfer-Encoding: {coding}\r\n").leak();
        let api = framed(headers, "5\r\n01234\r\n0\r\n\r\n");
        let service = Setup::to_api(&emulator, &api.url(), "").start();
        expect(&get(&service), 502, "protocol", "http_protocol_error");
    }
}

/// A certificate authority, its PEM file in the home of a service.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    /// The line of a profile that trusts it.
    fn trusted(&self, folder: &std::path::Path) -> String {
        let path = folder.join("ca.pem");
        std::fs::write(&path, self.0.pem()).unwrap();
        format!("ca_file = \"{}\"\n", path.display())
    }

    /// An API of this name, which is behind a HTTP proxy if there is to be one first.
    fn api(&self, name: &str, behind_proxy: bool) -> Upstream {
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let config = Arc::new(config);
        Upstream::raw(move |mut stream| {
            let mut through = String::new();
            if behind_proxy {
                through = head(&mut stream);
                stream.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").unwrap();
            }
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut tls = StreamOwned::new(connection, stream);
            let mut first = [0; 4];
            // Without trust there comes nothing.
            if tls.read_exact(&mut first).is_ok() {
                assert_eq!(&first, b"GET ");
                let rest = head(&mut tls);
                let protocol = tls.conn.alpn_protocol().map(<[u8]>::to_vec);
                let told = format!("{through}|{rest}|{protocol:?}");
                let has_token = rest.contains("Bearer eyJ");
                let told = told
                    .replace(KEY, "")
                    .replace("Bearer ", "")
                    .replace("eyJ", "");
                tls.write_all(&answer(
                    "200 OK",
                    "Connection: close\r\n",
                    &format!("{has_token}|{told}"),
                ))
                .unwrap();
                tls.conn.send_close_notify();
                let _ = tls.flush();
            }
        })
    }
}

fn at(emulator: &Emulator, api: &str, lines: &str) -> Service {
    Setup::to_api(emulator, api, lines).start()
}

#[test]
fn tls_trusts_what_the_profile_trusts() {
    let (emulator, folder) = (emulator().start().unwrap(), tempfile::tempdir().unwrap());
    let authority = Authority::new();
    let trusted = authority.trusted(folder.path());
    let good = authority.api("localhost", false);
    let url = format!("https://localhost:{}", good.port());
    let reply = get(&at(&emulator, &url, &trusted));
    assert_eq!(reply.status, 200, "{reply:?}");
    assert!(reply.body.starts_with("true|"), "{reply:?}");
    assert!(
        reply
            .body
            .ends_with("Some([104, 116, 116, 112, 47, 49, 46, 49])"),
        "{reply:?}"
    );

    let other_folder = tempfile::tempdir().unwrap();
    let other = Authority::new().trusted(other_folder.path());
    let foreign = get(&at(&emulator, &url, &other));
    expect(&foreign, 502, "connect", "tls_certificate_error");
    assert_eq!(foreign.json()["retryable"], false);

    let elsewhere = authority.api("elsewhere.example", false);
    let url = format!("https://localhost:{}", elsewhere.port());
    let wrong_name = get(&at(&emulator, &url, &trusted));
    expect(&wrong_name, 502, "connect", "tls_certificate_error");

    let plain = Upstream::start(|_, _| answer("200 OK", "", "plain"));
    let url = format!("https://localhost:{}", plain.port());
    let no_tls = get(&at(&emulator, &url, &trusted));
    assert_eq!(no_tls.expect(502)["error"], "connect");
    assert!(plain.seen().is_empty(), "no byte of HTTP was sent");
}

#[test]
fn a_http_proxy_sees_the_name_and_nothing_else() {
    let (emulator, folder) = (emulator().start().unwrap(), tempfile::tempdir().unwrap());
    let authority = Authority::new();
    let trusted = authority.trusted(folder.path());
    let api = authority.api("api.example", true);
    let lines = format!("proxy = \"{}\"\n{trusted}", api.url());
    let reply = get(&at(&emulator, "https://api.example", &lines));
    assert_eq!(reply.status, 200, "{reply:?}");
    let through = reply.body.split('|').nth(1).unwrap();
    assert!(
        through.starts_with("CONNECT api.example:443 HTTP/1.1\r\n"),
        "{through}"
    );
    assert!(!through.contains("Authorization"), "{through}");

    let refusing = Upstream::raw(|mut stream| {
        head(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n");
    });
    let lines = format!("proxy = \"{}\"\n{trusted}", refusing.url());
    let refused = get(&at(&emulator, "https://api.example", &lines));
    let said = expect(&refused, 502, "connect", "destination_unavailable");
    assert!(said.contains("HTTP proxy"), "{said}");
}

#[test]
fn a_ca_file_that_is_none_ends_the_start() {
    let (emulator, folder) = (emulator().start().unwrap(), tempfile::tempdir().unwrap());
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, "no certificate").unwrap();
    let lines = format!("ca_file = \"{}\"\n", path.display());
    let output = Setup::to_api(&emulator, "https://api.example", &lines)
        .command()
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("profile local") && said.contains("CA file"),
        "{said}"
    );
}

#[test]
fn a_token_that_cannot_be_had_is_the_providers_fault() {
    let emulator = emulator().start().unwrap();
    emulator.inject(Fault::status(401).times(9));
    let api = Upstream::start(|_, _| answer("200 OK", "", ""));
    let service = at(&emulator, &api.url(), "");
    let refused = get(&service);
    expect(
        &refused,
        502,
        "credentials_rejected",
        "proxy_internal_error",
    );
    assert_eq!(refused.json()["upstream_status"], 401);
    assert_eq!(api.connections(), 0);
}

#[test]
fn what_is_over_the_limit_of_the_provider_is_told_to_come_back() {
    let emulator = emulator().start().unwrap();
    let api = Upstream::start(|_, _| answer("200 OK", "", "fine"));
    let service = at(&emulator, &api.url(), "rate_limit = 1\n");
    let replies: Vec<_> = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..12).map(|_| scope.spawn(|| get(&service))).collect();
        let mut callers = callers.into_iter();
        callers
            .by_ref()
            .map(|caller| caller.join().unwrap())
            .collect()
    });
    let (served, refused): (Vec<_>, Vec<_>) =
        replies.into_iter().partition(|reply| reply.status == 200);
    assert!(!served.is_empty() && !refused.is_empty());
    for reply in &refused {
        expect(reply, 503, "rate_limited", "proxy_internal_error");
        assert_eq!(reply.header("retry-after"), Some("1"));
    }
    assert_eq!(
        api.seen().len(),
        served.len(),
        "none that was refused was sent"
    );
}
