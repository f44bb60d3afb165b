//! What no request may be, before anybody looks at what it wants: ambiguous, forwarded,
//! from a browser, or for another host.

use http::header::{HOST, HeaderMap, HeaderName, ORIGIN};
use http::uri::Authority;
use http::{StatusCode, Uri, Version};

use crate::peer::Peer;
use crate::reply::Refusal;

/// The names that almost every request has: they take no parsing.
const USUAL_NAMES: [&str; 3] = ["127.0.0.1", "localhost", "[::1]"];

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Refuses what must not be served, whoever asks.
pub(crate) fn check(
    peer: &Peer,
    version: Version,
    uri: &Uri,
    headers: &HeaderMap,
) -> Result<(), Refusal> {
    let host = match is_plainly_local(uri, headers) {
        true => None,
        false => Some(host(version, uri, headers)?),
    };
    foreign(headers)?;
    match (peer, host) {
        // Whoever connects in plain text by TCP may have been led here by a name.
        (Peer::Tcp, Some(host)) if !is_local(&host) => Err(Refusal::new(
            StatusCode::MISDIRECTED_REQUEST,
            "misdirected_request",
            "this service is for requests to this machine",
        )
        .hint("use 127.0.0.1 or localhost as the host")),
        _ => Ok(()),
    }
}

/// Whether nothing more is to be found out about the host, as with almost every request:
/// this machine, by one header and in plain letters.
fn is_plainly_local(uri: &Uri, headers: &HeaderMap) -> bool {
    let mut given = headers.get_all(HOST).iter();
    let (Some(host), None, None) = (given.next(), given.next(), uri.authority()) else {
        return false;
    };
    let is_port = |port: &[u8]| matches!(port.len(), 1..=5) && port.iter().all(u8::is_ascii_digit);
    USUAL_NAMES.iter().any(|name| {
        let rest = host.as_bytes().strip_prefix(name.as_bytes());
        rest.is_some_and(|rest| match rest {
            [] => true,
            [b':', port @ ..] => is_port(port),
            _ => false,
        })
    })
}

/// The one host that the request is for.
fn host(version: Version, uri: &Uri, headers: &HeaderMap) -> Result<Authority, Refusal> {
    let mut given = headers.get_all(HOST).iter();
    let host = match (given.next(), given.next()) {
        (Some(_), Some(_)) => return Err(Refusal::bad_request("there are two Host headers")),
        (Some(host), None) => Authority::try_from(host.as_bytes()).ok(),
        (None, _) if version == Version::HTTP_2 => uri.authority().cloned(),
        (None, _) => return Err(Refusal::bad_request("there is no Host header")),
    };
    let host = host.filter(|host| !host.as_str().contains('@'));
    let host = host.ok_or_else(|| Refusal::bad_request("the Host header is not a host"))?;
    match uri.authority() {
        Some(authority) if *authority != host => Err(Refusal::bad_request(
            "the request line and the Host header differ",
        )),
        _ => Ok(host),
    }
}

/// Whether a request for `host` can reach this machine and no other: it is an address of
/// loopback, which no name service decides on, or `localhost`. With its port or without: a
/// forwarded port is another one.
fn is_local(host: &Authority) -> bool {
    let name = host.host();
    let address = name.trim_start_matches('[').trim_end_matches(']');
    let address = address.parse::<std::net::IpAddr>();
    name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

/// Refuses the headers of whoever forwards requests of others, for it must not lend them
/// its rights, and those of web pages, which have no business here. Names with an underscore
/// are read as other names behind some servers.
fn foreign(headers: &HeaderMap) -> Result<(), Refusal> {
    // Looked at once, one after another: to find each by its name takes longer.
    for (name, value) in headers {
        let is_foreign = || *value != "none" && *value != "same-origin";
        let is_of_page = *name == ORIGIN || (*name == SEC_FETCH_SITE && is_foreign());
        if is_of_page {
            return Err(Refusal::new(
                StatusCode::FORBIDDEN,
                "forbidden",
                "web pages may not use this service",
            ));
        }
        let name = name.as_str();
        let forwards =
            name == "forwarded" || name == "x-real-ip" || name.starts_with("x-forwarded");
        if forwards || name.contains('_') {
            return Err(Refusal::bad_request(
                "a header says that the request was forwarded, or has a name with an underscore",
            )
            .hint("connect to the service without a proxy in between"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_of_loopback_is_this_machine() {
        let is_local = |host: &str| is_local(&host.parse().unwrap());
        for host in ["127.0.0.1", "127.0.0.2:7878", "[::1]:7878", "LocalHost:1"] {
            assert!(is_local(host), "{host}");
        }
        for host in [
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "0.0.0.0",
            "[::]",
            "10.0.0.1",
            "127.1",
            "2130706433",
        ] {
            assert!(!is_local(host), "{host}");
        }
    }
}
