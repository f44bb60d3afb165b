//! Where a secret or a token may be sent.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use http::Uri;

use crate::error::{Error, ErrorKind};
use crate::text;

/// The address of a token endpoint, or the base address of an API.
///
/// It is `https`; only a loopback host (`localhost`, `127.0.0.0/8`, `[::1]`) may
/// be plain `http`. It has no user info, no query and no fragment, and is
/// spelled so that every URL parser reads it alike: a secret must not depend on
/// whose parser looks at it. Scheme and host are kept in lower case, the default
/// port is dropped.
///
/// ```
/// let endpoint: prove_token::Endpoint = "https://idp.example.com/oauth2/token".parse()?;
/// assert_eq!(endpoint.origin(), "https://idp.example.com");
/// assert!("http://idp.example.com/token".parse::<prove_token::Endpoint>().is_err());
/// # Ok::<(), prove_token::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Endpoint {
    text: String,
    /// The length of the origin at the start of `text`.
    origin: usize,
}

impl Endpoint {
    /// The whole address.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Scheme, host and port, without a trailing slash.
    pub fn origin(&self) -> &str {
        &self.text[..self.origin]
    }

    /// The path, with its leading slash; empty if the address has none.
    pub fn path(&self) -> &str {
        &self.text[self.origin..]
    }

    /// The host, without the brackets of an IPv6 address.
    pub fn host(&self) -> &str {
        let authority = self.origin().split_once("://").map_or("", |(_, rest)| rest);
        match authority.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or(rest),
            None => authority.split(':').next().unwrap_or(authority),
        }
    }

    /// Whether connections are encrypted.
    pub fn is_https(&self) -> bool {
        self.text.starts_with("https:")
    }

    /// Whether the host is this machine itself, by a name or address that never leaves
    /// it: `localhost`, `127.0.0.0/8` or `[::1]`.
    pub fn is_loopback(&self) -> bool {
        is_loopback(self.host()) || self.host() == "::1"
    }

    /// This address with `/segment` after its path.
    ///
    /// # Errors
    ///
    /// `Configuration` if the result is not an endpoint, as in parsing.
    pub fn join(&self, segment: &str) -> Result<Self, Error> {
        let base = self.text.trim_end_matches('/');
        format!("{base}/{}", segment.trim_start_matches('/')).parse()
    }
}

impl FromStr for Endpoint {
    type Err = Error;

    fn from_str(address: &str) -> Result<Self, Error> {
        parse(address, PlainHttp::LoopbackOnly).map_err(|problem| problem.into_error(address))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({})", self.text)
    }
}

/// The address of an HTTP proxy: `http://` or `https://`, a host, and a port if
/// it is not the scheme's own. It carries TLS connections that it cannot read;
/// connections to a loopback address never go through it.
///
/// ```
/// let proxy: prove_token::ProxyAddress = "http://proxy.example.com:3128".parse()?;
/// # Ok::<(), prove_token::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ProxyAddress(Endpoint);

impl ProxyAddress {
    /// The whole address.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl FromStr for ProxyAddress {
    type Err = Error;

    fn from_str(address: &str) -> Result<Self, Error> {
        let parsed = parse(address, PlainHttp::Anywhere).and_then(|proxy| match proxy.path() {
            "" => Ok(Self(proxy)),
            _ => Err(Problem("has a path", "a proxy is http://host:port")),
        });
        parsed.map_err(|problem| problem.into_error(address))
    }
}

/// Where an address may do without TLS.
#[derive(Clone, Copy)]
enum PlainHttp {
    LoopbackOnly,
    Anywhere,
}

/// What is wrong, and what to do.
struct Problem(&'static str, &'static str);

impl Problem {
    fn into_error(self, address: &str) -> Error {
        // User info may be a password, and a query may hold a secret: of an address
        // with an @, only the problem is shown, and of others what is before the ?.
        let plain = address.split(['?', '#']).next().unwrap_or_default();
        let shown = match address.contains('@') {
            true => "the address".to_owned(),
            false => format!("\"{}\"", text::line(plain, 120)),
        };
        Error::new(ErrorKind::Configuration, format!("{shown} {}", self.0)).with_hint(self.1)
    }
}

const MALFORMED: Problem = Problem(
    "is not a plain absolute URL",
    "write it as https://host/path, with only letters, digits and -._~ in the path",
);

const FRAGMENT: Problem = Problem("has a fragment", "leave out the # and what follows it");

const QUERY: Problem = Problem(
    "has a query",
    "leave out the ? and what follows it; extra form fields are request parameters",
);

const USER_INFO: Problem = Problem(
    "has user info before an @",
    "leave out the user info; the client id and secret are settings of their own",
);

const NOT_HTTPS: Problem = Problem(
    "is not https",
    "use https; plain http is for loopback addresses only",
);

const PORT_ZERO: Problem = Problem("has port 0", "name the port the server listens on");

fn parse(address: &str, plain: PlainHttp) -> Result<Endpoint, Problem> {
    // `Uri` drops a fragment without a word, so it is looked for first.
    if address.contains('#') {
        return Err(FRAGMENT);
    }
    if address.contains('?') {
        return Err(QUERY);
    }
    let uri: Uri = address.parse().map_err(|_| MALFORMED)?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err(MALFORMED);
    };
    if authority.as_str().contains('@') {
        return Err(USER_INFO);
    }
    let given = authority.host();
    let host = canonical(given);
    if !is_plain_host(&host) || !is_plain_path(uri.path()) {
        return Err(MALFORMED);
    }
    let default_port = match scheme {
        "https" => 443,
        "http" if is_loopback(&host) || matches!(plain, PlainHttp::Anywhere) => 80,
        _ => return Err(NOT_HTTPS),
    };
    let mut text = format!("{scheme}://{host}");
    let after_host = &authority.as_str()[given.len()..];
    if let Some(port) = port(after_host)?.filter(|port| *port != default_port) {
        text.push_str(&format!(":{port}"));
    }
    let origin = text.len();
    if uri.path() != "/" {
        text.push_str(uri.path());
    }
    Ok(Endpoint { text, origin })
}

/// Lower case, and an IPv6 address in its one spelling.
fn canonical(host: &str) -> String {
    let inner = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    match inner.and_then(|inner| inner.parse::<Ipv6Addr>().ok()) {
        Some(address) => format!("[{address}]"),
        None => host.to_ascii_lowercase(),
    }
}

/// Read here, because `Uri` takes a port above 65535 for no port at all.
fn port(after_host: &str) -> Result<Option<u16>, Problem> {
    let Some(digits) = after_host.strip_prefix(':') else {
        return Ok(None);
    };
    // Rust's parser would take a plus sign.
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(MALFORMED);
    }
    match digits.parse() {
        Ok(0) => Err(PORT_ZERO),
        Ok(port) => Ok(Some(port)),
        Err(_) => Err(MALFORMED),
    }
}

/// A DNS name, an IPv4 address, or an IPv6 address in brackets.
fn is_plain_host(host: &str) -> bool {
    if let Some(rest) = host.strip_prefix('[') {
        return rest
            .strip_suffix(']')
            .is_some_and(|address| address.parse::<Ipv6Addr>().is_ok());
    }
    // The limits of the DNS; a name beyond them is found nowhere.
    let labels_are_plain = host.split('.').all(|label| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    });
    // URL parsers read a last label that starts with a digit as a number of an
    // IPv4 address, in several spellings (0x7f.1, 127.1): only the plain one.
    let numeric = host
        .rsplit('.')
        .next()
        .is_some_and(|last| last.starts_with(|c: char| c.is_ascii_digit()));
    labels_are_plain && host.len() <= 253 && (!numeric || host.parse::<Ipv4Addr>().is_ok())
}

/// Unreserved characters, `%` escapes and `:`, `@`-free; no dot segments, which
/// some parsers would resolve.
fn is_plain_path(path: &str) -> bool {
    let characters = path
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"/-._~%:+,=!$&'()*;".contains(&byte));
    let dots = |segment: &str| {
        let segment = segment.to_ascii_lowercase().replace("%2e", ".");
        segment == "." || segment == ".."
    };
    characters && !path.split('/').any(dots)
}

/// Names and addresses that never leave this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host
            .parse::<Ipv4Addr>()
            .is_ok_and(|address| address.is_loopback())
        || host == "[::1]"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_addresses_are_kept_in_one_spelling() {
        for (given, kept) in [
            (
                "https://platform.uat.proveapis.com/token",
                "https://platform.uat.proveapis.com/token",
            ),
            ("HTTPS://Example.COM:443/Token", "https://example.com/Token"),
            ("https://example.com", "https://example.com"),
            ("https://example.com/", "https://example.com"),
            (
                "https://example.com:8443/a/b",
                "https://example.com:8443/a/b",
            ),
            ("http://127.0.0.1:80/token", "http://127.0.0.1/token"),
            ("http://localhost:8080/token", "http://localhost:8080/token"),
            ("http://[::1]:8080/token", "http://[::1]:8080/token"),
        ] {
            assert_eq!(given.parse::<Endpoint>().unwrap().as_str(), kept);
        }
    }

    #[test]
    fn bad_addresses_are_refused() {
        for bad in [
            "",
            "token",
            "/token",
            "example.com/token",
            "ftp://example.com/",
            "http://example.com/token",
            "http://127.0.0.1.example.com/",
            "http://localhost.example.com/",
            "http://0x7f.1/",
            "http://127.1/",
            "http://2130706433/",
            "https://user:pw@example.com/token",
            "https://example.com/token?x=1",
            "https://example.com/token#x",
            "https://example.com:0/",
            "https://example.com:/",
            "https://example.com:+8443/",
            "https://example.com:99999/",
            "https://exa mple.com/",
            "https://example.com\\@evil.example/",
            "https://example.com/a/../b",
            "https://example.com/a/%2e%2E/b",
            "https://example.com/a\\b",
            "https://[::1/",
            "https://[zz]/",
            "https://exämple.com/",
            "https://.com/",
            "https://example.com/token\n",
            "http://[::ffff:1.2.3.4]/",
            &format!("https://{}.example/", "x".repeat(64)),
            &format!("https://{}example/", "x.".repeat(124)),
        ] {
            let error = bad.parse::<Endpoint>().expect_err(bad);
            assert_eq!(error.kind(), ErrorKind::Configuration);
            assert!(error.hint().is_some());
        }
    }

    #[test]
    fn a_proxy_may_be_plain_but_has_no_path() {
        for good in [
            "http://proxy.example.com:3128",
            "https://proxy.example.com",
            "http://10.0.0.1:8080/",
        ] {
            assert!(good.parse::<ProxyAddress>().is_ok(), "{good}");
        }
        for bad in [
            "proxy:3128",
            "socks5://proxy",
            "http://u:p@proxy",
            "http://proxy/path",
        ] {
            assert!(bad.parse::<ProxyAddress>().is_err(), "{bad}");
        }
    }

    #[test]
    fn user_info_is_not_repeated() {
        let error = "https://id:canary-pw@example.com/token"
            .parse::<Endpoint>()
            .unwrap_err();
        assert!(!format!("{error} {error:?} {:?}", error.hint()).contains("canary"));
        assert_eq!(error.to_string(), "the address has user info before an @");
        for bad in [
            "https://example.com/token?client_secret=canary",
            "https://example.com/#canary",
        ] {
            let error = bad.parse::<Endpoint>().unwrap_err();
            assert!(!format!("{error:?}").contains("canary"), "{error:?}");
        }
    }

    #[test]
    fn parts() {
        let endpoint: Endpoint = "https://[2001:db8::1]:8443/base/token".parse().unwrap();
        assert_eq!(endpoint.origin(), "https://[2001:db8::1]:8443");
        assert_eq!(endpoint.host(), "2001:db8::1");
        assert_eq!(endpoint.path(), "/base/token");
        let base: Endpoint = "https://example.com/".parse().unwrap();
        assert_eq!(
            base.join("/token").unwrap().as_str(),
            "https://example.com/token"
        );
        assert!(base.join("/a?b").is_err());
    }

    /// Every URL parser must read an accepted address alike: compared with the
    /// one that reqwest uses.
    #[test]
    fn the_other_parser_agrees() {
        for address in [
            "https://a.b-c.example:8443/x/y~z",
            "http://[::1]:1/t",
            "http://127.0.0.1/t",
            "https://a_b.example/%41",
        ] {
            let ours: Endpoint = address.parse().unwrap();
            let theirs = reqwest::Url::parse(address).unwrap();
            assert_eq!(ours.origin(), theirs.origin().ascii_serialization());
            assert_eq!(ours.path(), theirs.path());
        }
    }

    proptest::proptest! {
        /// A secret must not depend on whose parser looks at its address.
        #[test]
        fn what_is_accepted_means_the_same_to_the_other_parser(
            address in r"(https|http)://[a-zA-Z0-9.\[\]:_%@\\-]{1,20}(:[0-9]{1,6})?(/[a-zA-Z0-9.%:;@\\~-]{0,6}){0,3}",
        ) {
            if let Ok(ours) = address.parse::<Endpoint>() {
                let theirs = reqwest::Url::parse(ours.as_str()).expect("accepted by both");
                assert_eq!(ours.host(), theirs.host_str().unwrap().trim_matches(['[', ']']));
                assert_eq!(ours.is_https(), theirs.scheme() == "https");
                assert_eq!(ours.path().trim_start_matches('/'), theirs.path().trim_start_matches('/'));
                assert_eq!(ours.as_str().parse::<Endpoint>().unwrap(), ours, "parsing is stable");
            }
        }
    }
}
