//! Which headers go on, and which end here.

use http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_LENGTH, COOKIE, EXPECT, HOST, HeaderName,
    PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE, VIA,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Version};
use memchr::memmem;

use crate::reply::Refusal;
use crate::route::INTENT;

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");

/// About one connection, and not about the message (RFC 9110 §7.6.1).
const OF_CONNECTION: [HeaderName; 9] = [
    CONNECTION,
    KEEP_ALIVE,
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    PROXY_CONNECTION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// By which some servers take a request for another than rules were judged on.
const OVERRIDING: [HeaderName; 5] = [
    HeaderName::from_static("x-http-method-override"),
    HeaderName::from_static("x-http-method"),
    HeaderName::from_static("x-method-override"),
    HeaderName::from_static("x-original-url"),
    HeaderName::from_static("x-rewrite-url"),
];

/// The methods that go through, for those that do not.
const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

/// Refuses what no API call is: an answer to TRACE would hold the token, and a
/// connection that changed its protocol could not be watched any more.
pub(super) fn check(method: &Method, headers: &HeaderMap, has_rules: bool) -> Result<(), Refusal> {
    let shows_headers = *method == Method::TRACE || method.as_str() == "TRACK";
    if shows_headers || *method == Method::CONNECT {
        return Err(Refusal::method(METHODS));
    }
    // Some official SDKs offer it with every request and mean nothing by it.
    let is_offer = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"h2c");
    if !headers.get_all(UPGRADE).iter().all(is_offer) {
        let status = StatusCode::NOT_IMPLEMENTED;
        return Err(Refusal::new(
            status,
            "not_implemented",
            "the proxy does not change to another protocol",
        )
        .hint("leave out the Upgrade header; WebSockets need a connection of their own"));
    }
    if !has_one_length(headers) {
        return Err(Refusal::bad_request(
            "the length of the body is there twice, or is no number",
        ));
    }
    if has_rules && OVERRIDING.iter().any(|name| headers.contains_key(name)) {
        return Err(Refusal::bad_request(
            "a header asks for another method or path than the request line",
        ));
    }
    Ok(())
}

/// Whether a length, if there is one, goes on as every server reads it. HTTP/1 has no other
/// here; HTTP/2 takes one that is there twice, and an empty one for a body that is empty.
fn has_one_length(headers: &HeaderMap) -> bool {
    let mut given = headers
        .get_all(CONTENT_LENGTH)
        .iter()
        .map(HeaderValue::as_bytes);
    match (given.next(), given.next()) {
        (None, _) => true,
        (Some(length), None) => !length.is_empty() && length.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

/// Leaves what is meant for the API. The length stays, for a body keeps it; the
/// caller's own credentials go.
pub(super) fn to_api(headers: &mut HeaderMap, version: Version) {
    strip(headers);
    pass_by(headers, version);
    // It is answered here, as soon as the API takes the body.
    for name in [AUTHORIZATION, HOST, EXPECT, INTENT] {
        headers.remove(name);
    }
    join_cookies(headers);
}

/// Says that the message came through here, and by which version (RFC 9110 §7.6.3). The
/// name is the one of `Proxy-Status`, and of no machine.
fn pass_by(headers: &mut HeaderMap, version: Version) {
    let via = match version {
        Version::HTTP_2 => "2 prove-token",
        Version::HTTP_10 => "1.0 prove-token",
        _ => "1.1 prove-token",
    };
    headers.append(VIA, HeaderValue::from_static(via));
}

/// HTTP/2 may send them one by one, HTTP/1.1 may not (RFC 9113 §8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    let cookies = headers.get_all(COOKIE).iter();
    let cookies: Vec<_> = cookies.map(HeaderValue::as_bytes).collect();
    if cookies.len() > 1
        && let Ok(joined) = HeaderValue::from_bytes(&cookies.join(&b"; "[..]))
    {
        headers.insert(COOKIE, joined);
    }
}

/// Leaves an answer the one length that its body was read by, for the caller's connection goes
/// by it as well (RFC 9112 §6.3); `false` if the body is in a coding that nobody asked for,
/// and that would be lost with its name.
pub(super) fn settle_length(headers: &mut HeaderMap) -> bool {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    if let Some(coding) = codings.next() {
        let is_known =
            coding.as_bytes().eq_ignore_ascii_case(b"chunked") && codings.next().is_none();
        headers.remove(CONTENT_LENGTH);
        return is_known;
    }
    let mut lengths = headers
        .get_all(CONTENT_LENGTH)
        .iter()
        .map(HeaderValue::as_bytes);
    let first = lengths
        .next()
        .and_then(|length| length.split(|byte| *byte == b',').next());
    // They are all alike, or it would not be an answer.
    let length = first.map(|length| HeaderValue::from_bytes(length.trim_ascii()));
    if !has_one_length(headers)
        && let Some(Ok(length)) = length
    {
        headers.insert(CONTENT_LENGTH, length);
    }
    true
}

/// Leaves what is meant for the caller. An API that repeats the token to whom it takes for
/// its owner must not give it away, whatever it calls it.
pub(super) fn to_caller(headers: &mut HeaderMap, version: Version, token: &str) {
    strip(headers);
    pass_by(headers, version);
    let token = token.as_bytes();
    // Hardly any header is as long as a token.
    let repeats = |value: &HeaderValue| {
        value.len() >= token.len() && memmem::find(value.as_bytes(), token).is_some()
    };
    let repeating = headers.iter().filter(|(_, value)| repeats(value));
    let repeating: Vec<_> = repeating.map(|(name, _)| name.clone()).collect();
    for name in repeating {
        headers.remove(name);
    }
}

/// Removes what is about the connection, and what `Connection` says is.
fn strip(headers: &mut HeaderMap) {
    // Most messages have none of them, and few headers: to look at these once is quicker
    // than to look for each of those.
    if headers.keys().any(|name| OF_CONNECTION.contains(name)) {
        let named: Vec<_> = headers.get_all(CONNECTION).iter().flat_map(names).collect();
        for name in named.iter().chain(&OF_CONNECTION) {
            headers.remove(name);
        }
    }
}

/// The headers that a `Connection` header names. Without its length a body would be
/// framed anew, which is nobody's affair but ours.
fn names(value: &HeaderValue) -> impl Iterator<Item = HeaderName> {
    let words = value.as_bytes().split(|byte| *byte == b',');
    // The usual ones name no header.
    let words = words.map(<[u8]>::trim_ascii).filter(|word| {
        !word.eq_ignore_ascii_case(b"close") && !word.eq_ignore_ascii_case(b"keep-alive")
    });
    let names = words.filter_map(|word| HeaderName::from_bytes(word).ok());
    names.filter(|name| *name != CONTENT_LENGTH)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(lines: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            headers.append(name, value.parse().unwrap());
        }
        headers
    }

    fn names_of(headers: &HeaderMap) -> Vec<&str> {
        let mut names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn what_is_about_the_connection_or_the_caller_ends_here() {
        let mut headers = map(&[
            ("connection", "close, X-Mine"),
            ("connection", "authorization, host, Content-Length, @,,"),
            ("x-mine", "1"),
            ("keep-alive", "timeout=5"),
            ("proxy-connection", "keep-alive"),
            ("proxy-authorization", "Basic x"),
            ("te", "trailers"),
            ("trailer", "x"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("host", "127.0.0.1"),
            ("authorization", "Bearer key"),
            ("expect", "100-continue"),
            ("prove-token-request", "true"),
            ("content-length", "5"),
            ("content-type", "text/plain"),
            ("accept-encoding", "gzip"),
            ("traceparent", "00-1-2-01"),
            ("tracestate", "a=b"),
            ("cookie", "a=b"),
            ("cookie", "c=d"),
            ("via", "1.0 other"),
        ]);
        to_api(&mut headers, Version::HTTP_2);
        let left = [
            "accept-encoding",
            "content-length",
            "content-type",
            "cookie",
            "traceparent",
            "tracestate",
            "via",
        ];
        assert_eq!(names_of(&headers), left);
        assert_eq!(
            headers.get_all(COOKIE).iter().collect::<Vec<_>>(),
            ["a=b; c=d"]
        );
        assert_eq!(
            headers.get_all(VIA).iter().collect::<Vec<_>>(),
            ["1.0 other", "2 prove-token"]
        );
    }

    #[test]
    fn the_api_does_not_give_the_token_away() {
        let lines = [
            ("connection", "x-hop"),
            ("x-hop", "1"),
            ("set-cookie", "a=b"),
        ];
        let mut headers = map(&lines);
        headers.insert(AUTHORIZATION, "Bearer the-token".parse().unwrap());
        to_caller(&mut headers, Version::HTTP_11, "the-token");
        assert_eq!(names_of(&headers), ["set-cookie", "via"]);
        let mut headers = map(&[("authorization", "Bearer other")]);
        to_caller(&mut headers, Version::HTTP_11, "the-token");
        assert_eq!(names_of(&headers), ["authorization", "via"]);
    }

    fn status(method: &str, lines: &[(&str, &str)], has_rules: bool) -> Option<u16> {
        let method = method.parse().unwrap();
        let refused = check(&method, &map(lines), has_rules);
        refused.err().map(|refusal| refusal.status().as_u16())
    }

    #[test]
    fn what_no_api_call_is() {
        for method in ["TRACE", "TRACK", "CONNECT"] {
            assert_eq!(status(method, &[], false), Some(405));
        }
        assert_eq!(status("GET", &[("upgrade", "websocket")], false), Some(501));
        assert_eq!(status("GET", &[("upgrade", "h2c")], false), None);
        for lengths in [
            &[("content-length", "")][..],
            &[("content-length", "3, 3")],
            &[("content-length", "3"), ("content-length", "3")],
        ] {
            assert_eq!(status("POST", lengths, false), Some(400), "{lengths:?}");
        }
        assert_eq!(status("POST", &[("content-length", "3")], false), None);
        let trick = [("x-http-method-override", "DELETE")];
        assert_eq!(status("POST", &trick, true), Some(400));
        assert_eq!(status("POST", &trick, false), None);
        assert_eq!(status("PROPFIND", &[], true), None);
    }
}
