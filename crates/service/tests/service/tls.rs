//! TLS: two protocols, a certificate that is replaced, and floods that end one
//! connection and nothing else.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, version};

use crate::harness::{KEY, Reply, Service, Setup, emulator, raw, write_private};

pub(crate) type Stream = StreamOwned<ClientConnection, TcpStream>;

/// A certificate that signed itself, written as a pair of files.
pub(crate) struct Pair {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
    der: CertificateDer<'static>,
}

pub(crate) fn pair(home: &Path) -> Pair {
    let key = KeyPair::generate().unwrap();
    let names = vec!["localhost".to_owned()];
    let certificate = CertificateParams::new(names)
        .unwrap()
        .self_signed(&key)
        .unwrap();
    let pair = Pair {
        certificate: home.join("cert.pem"),
        key: home.join("key.pem"),
        der: certificate.der().clone(),
    };
    write_private(&pair.certificate, &certificate.pem());
    write_private(&pair.key, &key.serialize_pem());
    pair
}

/// A service with TLS alone, and the port.
pub(crate) fn service(setup: Setup) -> (Service, Pair, u16) {
    let pair = pair(setup.home.path());
    let setup = setup
        .listen("tls:127.0.0.1:0")
        .tls(&pair.certificate, &pair.key);
    let service = setup.start();
    let port = port(&service);
    (service, pair, port)
}

/// The port for TLS.
pub(crate) fn port(service: &Service) -> u16 {
    let said = service.said();
    let (_, rest) = said.split_once("listening on tls:127.0.0.1:").unwrap();
    rest.split(' ').next().unwrap().parse().unwrap()
}

/// A connection that has shaken hands with the owner of `trusted`.
pub(crate) fn connect(port: u16, trusted: &Pair, protocols: &[&str]) -> io::Result<Stream> {
    connect_with(
        port,
        &trusted.der,
        protocols,
        &[&version::TLS13, &version::TLS12],
    )
}

fn connect_with(
    port: u16,
    trusted: &CertificateDer<'static>,
    protocols: &[&str],
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> io::Result<Stream> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(versions)
        .unwrap();
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = protocols
        .iter()
        .map(|name| name.as_bytes().to_vec())
        .collect();
    let name = ServerName::try_from("localhost").unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let socket = TcpStream::connect(("127.0.0.1", port))?;
    socket.set_read_timeout(Some(Duration::from_secs(20)))?;
    socket.set_write_timeout(Some(Duration::from_secs(20)))?;
    let mut stream = StreamOwned::new(connection, socket);
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    Ok(stream)
}

fn request(host: &str) -> Vec<u8> {
    format!(
        "GET /v1/token/local HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {KEY}\r\n\
         Prove-Token-Request: true\r\nConnection: close\r\n\r\n"
    )
    .into_bytes()
}

fn get(port: u16, pair: &Pair) -> Reply {
    raw(
        connect(port, pair, &["http/1.1"]).unwrap(),
        &request("localhost"),
    )
}

#[test]
fn a_caller_with_a_key_gets_its_token_by_either_version() {
    let emulator = emulator().start().unwrap();
    let (_service, pair, port) = service(Setup::new(&emulator));
    for (version, protocols) in [
        (&version::TLS12, &["http/1.1"][..]),
        (&version::TLS13, &["http/1.1", "h9"]),
        (&version::TLS13, &[]),
    ] {
        let stream = connect_with(port, &pair.der, protocols, &[version]).unwrap();
        raw(stream, &request("tokens.example.com")).expect(200);
    }
    let mut plain = TcpStream::connect(("127.0.0.1", port)).unwrap();
    plain.write_all(&request("localhost")).unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP"), "plain text is not understood");
}

#[test]
fn a_certificate_is_replaced_while_connections_are_open() {
    let emulator = emulator().start().unwrap();
    let (service, old, port) = service(Setup::new(&emulator));
    let open = connect(port, &old, &["http/1.1"]).unwrap();
    let mark = service.said().len();
    // The files are written one after the other: in between they are no pair.
    let new = pair(service.home());
    service.wait_for("certificate replaced", mark);
    get(port, &new).expect(200);
    assert!(
        connect(port, &old, &["http/1.1"]).is_err(),
        "the old one is not shown any more"
    );
    raw(open, &request("localhost")).expect(200);
    let mark = service.said().len();
    write_private(&new.key, "canary, no key");
    service.wait_for("not reloaded, the old configuration goes on: ", mark);
    service.wait_for("holds no private key that can be used", mark);
    get(port, &new).expect(200);
    let (_, said) = service.stop();
    assert!(!said.contains("PRIVATE"), "{said}");
}

#[test]
fn a_key_that_others_can_read_or_that_is_another_ones_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let emulator = emulator().start().unwrap();
    let start = |change: fn(&Path, &Pair)| {
        let setup = Setup::new(&emulator);
        let home = setup.home.path().to_owned();
        let pair = pair(&home);
        change(&home, &pair);
        let setup = setup
            .listen("tls:127.0.0.1:0")
            .tls(&pair.certificate, &pair.key);
        let output = setup.command().output().unwrap();
        assert_eq!(output.status.code(), Some(3), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let mode = |_: &Path, pair: &Pair| {
        let mode = std::fs::Permissions::from_mode(0o644);
        std::fs::set_permissions(&pair.key, mode).unwrap();
    };
    let said = start(mode);
    assert!(
        said.contains("key.pem can be read by every user (mode 0644)"),
        "{said}"
    );
    assert!(said.contains("hint: run: chmod 600 /"), "{said}");
    let said = start(|_, pair| {
        let other = KeyPair::generate().unwrap();
        write_private(&pair.key, &other.serialize_pem());
    });
    assert!(said.contains("is not that of the certificate in"), "{said}");
    assert!(start(|_, pair| write_private(&pair.certificate, "")).contains("holds no certificate"));
    assert!(start(|_, pair| std::fs::remove_file(&pair.key).unwrap()).contains("does not exist"));
}

/// A frame of HTTP/2.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
const PING: u8 = 6;
pub(crate) const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;

pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

/// A header that is written out.
pub(crate) fn literal(name: &str, value: &str) -> Vec<u8> {
    let text = |text: &str| {
        assert!(text.len() < 127);
        [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat()
    };
    [vec![0], text(name), text(value)].concat()
}

/// `GET path` with the key; the pseudo-headers come first.
pub(crate) fn head(path: &str) -> Vec<u8> {
    [
        vec![0x82, 0x87],
        literal(":authority", "localhost"),
        literal(":path", path),
        literal("authorization", &format!("Bearer {KEY}")),
        literal("prove-token-request", "true"),
    ]
    .concat()
}

/// A connection that speaks HTTP/2 so far.
pub(crate) fn http2(port: u16, pair: &Pair) -> Stream {
    let mut stream = connect(port, pair, &["h2", "http/1.1"]).unwrap();
    assert_eq!(stream.conn.alpn_protocol(), Some(&b"h2"[..]));
    stream
        .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        .unwrap();
    stream.write_all(&frame(SETTINGS, 0, 0, &[])).unwrap();
    stream
}

/// Whether the data of stream 1 is a token.
fn answers(stream: &mut Stream) -> bool {
    let mut body = Vec::new();
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).unwrap();
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        stream.read_exact(&mut payload).unwrap();
        let number = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        if number == 1 && head[3] == DATA {
            body.extend(payload);
        }
        if number == 1 && head[4] & END_STREAM != 0 {
            let text = String::from_utf8(body).unwrap();
            return text.contains("access_token");
        }
    }
}

#[test]
fn http2_is_spoken_to_who_wants_it() {
    let emulator = emulator().start().unwrap();
    let (service, pair, port) = service(Setup::new(&emulator));
    let mut stream = http2(port, &pair);
    let ask = frame(
        HEADERS,
        END_STREAM | END_HEADERS,
        1,
        &head("/v1/token/local"),
    );
    stream.write_all(&ask).unwrap();
    assert!(answers(&mut stream));
    // At the end of the service the connection is told to go.
    service.signal("TERM");
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    assert!(service.finish().contains("none cut off"));
}

/// Sends `next` until the other side has had enough of it.
fn flood(port: u16, pair: &Pair, first: &[u8], next: impl Fn(u32) -> Vec<u8>) -> bool {
    let mut stream = http2(port, pair);
    stream.write_all(first).unwrap();
    (0..200_000).any(|number| stream.write_all(&next(number)).is_err())
}

#[test]
fn floods_end_their_own_connection_alone() {
    let emulator = emulator().start().unwrap();
    let (service, pair, port) = service(Setup::new(&emulator));
    let path = "/v1/token/local";
    let reset = |number: u32| {
        let stream = 2 * number + 1;
        let open = frame(HEADERS, END_STREAM | END_HEADERS, stream, &head(path));
        [open, frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes())].concat()
    };
    assert!(flood(port, &pair, &[], reset), "rapid reset");
    let endless = |_| frame(CONTINUATION, 0, 1, &literal("x", &"y".repeat(100)));
    let first = frame(HEADERS, END_STREAM, 1, &head(path));
    assert!(flood(port, &pair, &first, endless), "CONTINUATION");
    let empty = |_| frame(CONTINUATION, 0, 1, &[]);
    assert!(flood(port, &pair, &first, empty), "empty CONTINUATION");
    let mut post = head("/v1/token/local/reject");
    post[0] = 0x83;
    post.extend(literal("content-type", "application/json"));
    let first = frame(HEADERS, END_HEADERS, 1, &post);
    assert!(
        flood(port, &pair, &first, |_| frame(DATA, 0, 1, &[])),
        "empty DATA"
    );
    let table = |_| frame(SETTINGS, 0, 0, &[0, 1, 0, 0, 16, 0]);
    assert!(
        flood(port, &pair, &[], table) || stands_still(&service),
        "SETTINGS"
    );
    let ping = |_| frame(PING, 0, 0, &[0; 8]);
    assert!(
        flood(port, &pair, &[], ping) || stands_still(&service),
        "PING"
    );
    get(port, &pair).expect(200);
    let (code, said) = service.stop();
    assert_eq!(code, Some(0), "{said}");
}

/// Who does not read the answers to its questions is not asked to send more: memory
/// stays bounded.
fn stands_still(service: &Service) -> bool {
    service.memory("VmRSS") < 64 * 1024
}
