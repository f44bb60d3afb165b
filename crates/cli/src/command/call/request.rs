//! What a caller may decide of a request that carries the token: a path below the
//! profile's API base, and headers that are not the connection's.

use http::Uri;
use http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_LENGTH, HOST, HeaderMap, HeaderName, HeaderValue, TE,
    TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use prove_token::Endpoint;

use crate::failure::Failure;

/// Headers that say how a message is framed, where it goes and as whom: with
/// these in a caller's hands, two servers may read one request differently.
const RESERVED: [HeaderName; 8] = [
    AUTHORIZATION,
    CONNECTION,
    CONTENT_LENGTH,
    HOST,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// `path` below `base`. The token goes to the profile's own API and nowhere
/// else, so anything that could lead away is refused.
pub(super) fn uri(base: &Endpoint, path: &str) -> Result<Uri, Failure> {
    let refuse = |problem: &str| {
        Err(Failure::usage(format!("the path {problem}"))
            .hint(format!("write it below {base}, such as /v3/start")))
    };
    let (plain, query) = match path.split_once('?') {
        Some((plain, query)) => (plain, Some(query)),
        None => (path, None),
    };
    if plain.contains("://") {
        return Err(Failure::usage("the path is a whole URL")
            .hint("give the path alone, such as /v3/start; the host is the profile's API base"));
    }
    if plain.starts_with("//") || plain.contains(['\\', '@']) || path.contains('#') {
        return refuse("is not a plain path");
    }
    // Servers differ on whether these are separators and parent folders.
    let folded = plain.to_ascii_lowercase();
    if ["%2f", "%5c", "..;"].iter().any(|odd| folded.contains(odd)) {
        return refuse("has an escaped slash or backslash, or ..;");
    }
    let Ok(joined) = base.join(plain) else {
        return refuse("is not a plain path");
    };
    let address = match query {
        Some(query) if !query.is_empty() => format!("{joined}?{query}"),
        _ => joined.to_string(),
    };
    match address.parse() {
        Ok(uri) => Ok(uri),
        Err(_) => refuse("has a query that is not encoded"),
    }
}

/// `Name: value`, except for the headers that are not the caller's to set.
pub(super) fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once(':').ok_or("write it as \"Name: value\"")?;
    let name: HeaderName = name
        .trim()
        .parse()
        .map_err(|_| "the name is not a header name")?;
    if RESERVED.contains(&name) {
        return Err(format!("{name} is set by the command itself"));
    }
    if name.as_str().starts_with("proxy-") {
        return Err("headers for a proxy are not for the API".to_owned());
    }
    let value =
        HeaderValue::from_str(value.trim()).map_err(|_| "the value is not a header value")?;
    Ok((name, value))
}

/// Adds what the caller gave. The first of a name replaces our default; others of
/// that name are added to it.
pub(super) fn add(headers: &mut HeaderMap, given: &[(HeaderName, HeaderValue)]) {
    for (name, _) in given {
        headers.remove(name);
    }
    for (name, value) in given {
        headers.append(name, value.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_stays_below_the_base() {
        let base: Endpoint = "https://api.example.com/base".parse().unwrap();
        for (path, expected) in [
            ("/v3/start", "https://api.example.com/base/v3/start"),
            ("v3/start", "https://api.example.com/base/v3/start"),
            (
                "/v3/fetch?id=1&x=%20",
                "https://api.example.com/base/v3/fetch?id=1&x=%20",
            ),
            (
                "/v3/fetch?mail=a@b.example&next=https://c.example/%2f",
                "https://api.example.com/base/v3/fetch?mail=a@b.example&next=https://c.example/%2f",
            ),
        ] {
            assert_eq!(uri(&base, path).ok().unwrap().to_string(), expected);
        }
        for bad in [
            "https://evil.example/x",
            "//evil.example/x",
            "/@evil.example",
            "/a/../../b",
            "/%2e%2e/b",
            "/a%2Fb",
            "/a%2f..%2fb",
            "/a%5Cb",
            "/a/..;/b",
            "/a\\b",
            "/a#b",
            "/a?x#b",
            "/a b",
            "/a?b c",
        ] {
            assert_eq!(
                uri(&base, bad).err().map(|failure| failure.exit_code()),
                Some(2),
                "{bad}"
            );
        }
        let whole = uri(&base, "https://evil.example/x").err().unwrap();
        assert_eq!(
            whole.hints(),
            ["give the path alone, such as /v3/start; the host is the profile's API base"]
        );
    }

    #[test]
    fn headers() {
        assert!(header("X-Test: 1").is_ok());
        for bad in [
            "X-Test",
            "authorization: Bearer canary",
            "Host: canary",
            "Content-Length: 7",
            "Transfer-Encoding: chunked",
            "Connection: close",
            "TE: trailers",
            "Trailer: x",
            "Upgrade: h2c",
            "Proxy-Authorization: Basic canary",
            "Proxy-Connection: canary",
            "a b: canary",
            ": canary",
        ] {
            let words = header(bad).err().unwrap();
            assert!(!words.contains("canary"), "{words}");
        }
    }

    #[test]
    fn repeated_headers_are_all_sent() {
        let mut headers = HeaderMap::new();
        headers.insert("accept", HeaderValue::from_static("application/json"));
        let given =
            ["Accept: text/plain", "X-Tag: a", "x-tag: b"].map(|text| header(text).unwrap());
        add(&mut headers, &given);
        let all = |name| headers.get_all(name).iter().collect::<Vec<_>>();
        assert_eq!(all("accept"), ["text/plain"]);
        assert_eq!(all("x-tag"), ["a", "b"]);
    }
}
