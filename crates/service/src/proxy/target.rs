//! What a request to the proxy is for: a profile, and a path below its API base that
//! every server reads alike.

use http::uri::PathAndQuery;
use http::{Method, StatusCode, Uri, Version};
use prove_token_config::{Caller, Rule};

use crate::reply::Refusal;

/// Where the proxy is.
const PREFIX: &str = "/proxy/";

/// `/proxy/{profile}{path}?{query}`, as it came.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target<'u> {
    pub(super) profile: &'u str,
    /// Empty, or with a leading slash.
    pub(super) path: &'u str,
    query: Option<&'u str>,
}

/// Whether this is a path of the proxy.
pub(crate) fn is_proxy(path: &str) -> bool {
    path.starts_with(PREFIX)
}

impl<'u> Target<'u> {
    /// Takes a request's target apart, if it is of the one form and has no tricks.
    pub(super) fn parse(uri: &'u Uri, version: Version) -> Result<Self, Refusal> {
        // In HTTP/2 both are fields of their own, and always there.
        let is_whole = uri.scheme().is_some() || uri.authority().is_some();
        if is_whole && version < Version::HTTP_2 {
            return Err(odd("the request line has a whole URL")
                .hint("send the path alone, as to any server that is not a forward proxy"));
        }
        let rest = uri.path().strip_prefix(PREFIX).unwrap_or_default();
        let length = rest.find('/').unwrap_or(rest.len());
        let (profile, path) = rest.split_at(length);
        if profile.is_empty() || !profile.bytes().all(is_of_name) {
            return Err(odd("the path does not name a profile").hint(HINT));
        }
        check(path)?;
        let query = uri.query();
        if !query
            .unwrap_or_default()
            .bytes()
            .all(|byte| byte.is_ascii_graphic())
        {
            return Err(odd("the query has a character that must be encoded"));
        }
        Ok(Self {
            profile,
            path,
            query,
        })
    }

    /// The target of the request to the API, whose base has the path `base`.
    pub(super) fn below(&self, base: &str) -> Result<PathAndQuery, Refusal> {
        let base = base.trim_end_matches('/');
        let query = self.query.map_or(0, |query| query.len() + 1);
        let mut target = String::with_capacity(base.len() + self.path.len() + query);
        target.push_str(base);
        target.push_str(self.path);
        if target.is_empty() {
            target.push('/');
        }
        if let Some(query) = self.query {
            target.push('?');
            target.push_str(query);
        }
        PathAndQuery::try_from(target).map_err(|_| odd("the path is not a path"))
    }

    /// Whether `caller` may do this.
    pub(super) fn allowed(&self, method: &Method, caller: &Caller) -> Result<(), Refusal> {
        let path = match self.path {
            "" => "/",
            path => path,
        };
        if caller.allow.is_empty() || caller.allow.iter().any(|rule| covers(rule, method, path)) {
            return Ok(());
        }
        // No rule has an escape; the star stands for it.
        let needed = match path.split_once('%') {
            Some((plain, _)) => format!("{plain}*"),
            None => path.to_owned(),
        };
        let name = &caller.name;
        Err(Refusal::new(
            StatusCode::FORBIDDEN,
            "forbidden",
            "no rule of this caller allows this method and path",
        )
        .hint(format!(
            "it takes {{ methods = [\"{method}\"], paths = [\"{needed}\"] }} in allow of the \
             caller {name}"
        )))
    }
}

const HINT: &str = "use /proxy/PROFILE/PATH, where PATH is below the profile's API base";

fn odd(description: &'static str) -> Refusal {
    Refusal::bad_request(description)
}

fn covers(rule: &Rule, method: &Method, path: &str) -> bool {
    let methods = &rule.methods;
    let paths = &rule.paths;
    (methods.is_empty() || methods.iter().any(|known| known == method.as_str()))
        && (paths.is_empty()
            || paths.iter().any(|known| match known.strip_suffix('*') {
                Some(start) => path.starts_with(start),
                None => path == known,
            }))
}

/// Of the name of a profile.
fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)
}

/// Refuses a path that some server, or some part of one, takes for another: rules are
/// judged on what is written, and the API decides on what it makes of that.
fn check(path: &str) -> Result<(), Refusal> {
    if !path.bytes().all(is_plain) {
        return Err(odd("the path has a character that must be encoded")
            .hint("write ; as %3B, @ as %40, and others likewise"));
    }
    let Some(path) = path.strip_prefix('/') else {
        return Ok(());
    };
    let mut segments = path.split('/').peekable();
    while let Some(segment) = segments.next() {
        if segment.is_empty() && segments.peek().is_some() {
            return Err(odd("the path has an empty segment"));
        }
        match segment.contains('%') {
            true => check_segment(&decoded(segment)?)?,
            false => check_segment(segment.as_bytes())?,
        }
    }
    Ok(())
}

/// Of RFC 3986 §3.3, but for what begins parameters or ends user info somewhere.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"/-._~!$&'()*+,=:%".contains(&byte)
}

fn check_segment(segment: &[u8]) -> Result<(), Refusal> {
    // Some servers cut parameters off first.
    let name = segment.split(|byte| *byte == b';').next();
    if matches!(name, Some(b"." | b"..")) {
        return Err(odd("the path has a dot segment"));
    }
    Ok(())
}

/// The bytes of a segment with escapes, if they are text without anything that ends a
/// segment or a path somewhere, or is an escape itself.
fn decoded(segment: &str) -> Result<Vec<u8>, Refusal> {
    let mut bytes = segment.bytes();
    let mut decoded = Vec::with_capacity(segment.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let mut digit = || char::from(bytes.next()?).to_digit(16);
        let (Some(high), Some(low)) = (digit(), digit()) else {
            return Err(odd("the path has a broken escape"));
        };
        let byte = u8::try_from(16 * high + low).unwrap_or_default();
        if byte.is_ascii_control() || matches!(byte, b'/' | b'\\') {
            return Err(odd(
                "the path has an encoded separator or control character",
            ));
        }
        decoded.push(byte);
    }
    let is_escape = |three: &[u8]| matches!(three, [b'%', high, low] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit());
    if decoded.windows(3).any(is_escape) {
        return Err(odd("the path is encoded twice"));
    }
    match std::str::from_utf8(&decoded) {
        Ok(_) => Ok(decoded),
        Err(_) => Err(odd("the path has escapes that are not UTF-8")),
    }
}

#[cfg(test)]
mod tests {
    use prove_token_config::Identity;

    use super::*;

    fn parse(uri: &str) -> Result<(String, String, Option<String>), StatusCode> {
        let uri: Uri = uri.parse().map_err(|_| StatusCode::BAD_REQUEST)?;
        let target = Target::parse(&uri, Version::HTTP_11).map_err(|refusal| refusal.status())?;
        let owned = (target.profile.to_owned(), target.path.to_owned());
        Ok((owned.0, owned.1, target.query.map(str::to_owned)))
    }

    fn sent(uri: &str, base: &str) -> String {
        let uri: Uri = uri.parse().unwrap();
        let target = Target::parse(&uri, Version::HTTP_11)
            .unwrap()
            .below(base)
            .unwrap();
        target.to_string()
    }

    #[test]
    fn the_rest_of_the_path_goes_below_the_base() {
        for (uri, base, target) in [
            ("/proxy/a/v3/start", "", "/v3/start"),
            ("/proxy/a/v3/start", "/", "/v3/start"),
            ("/proxy/a/start?x=1&y=//..", "/v3", "/v3/start?x=1&y=//.."),
            ("/proxy/a/start/", "/v3/", "/v3/start/"),
            ("/proxy/a", "", "/"),
            ("/proxy/a", "/v3", "/v3"),
            ("/proxy/a?x", "", "/?x"),
            ("/proxy/a?", "", "/?"),
            ("/proxy/a/", "/v3", "/v3/"),
            (
                "/proxy/a/%40me/caf%C3%A9/a%20b%3Bc",
                "",
                "/%40me/caf%C3%A9/a%20b%3Bc",
            ),
            (
                "/proxy/a/100%25/.../..a/.well-known",
                "",
                "/100%25/.../..a/.well-known",
            ),
        ] {
            assert_eq!(sent(uri, base), target, "{uri}");
        }
    }

    #[test]
    fn tricks_are_refused() {
        for path in [
            "..",
            ".",
            "../token",
            "a/../b",
            "a/..",
            "%2e%2e/a",
            "%2E./a",
            ".%2e",
            "a/%2e/b",
            "a%2fb",
            "a%2Fb",
            "a%5cb",
            "a%5Cb",
            "a\\b",
            "a%00",
            "a%0d%0ab",
            "a%7f",
            "/",
            "a//b",
            "//evil.example/a",
            "a;b",
            "..;/a",
            "..%3b/a",
            "%2e%2e%3Bx/a",
            "@evil.example/a",
            "a@evil.example",
            "%c0%ae%c0%ae/a",
            "%c0%af",
            "%e0%80%af",
            "%ff",
            "%",
            "%2",
            "%zz",
            "%252e%252e/a",
            "%25%32%65",
            "%%32e",
            "caf\u{e9}",
            "a|b",
            "a\"b",
            "{a}",
            "a^b",
            "a`b",
            "http://evil.example/",
            "a%09",
            "a%u002e",
        ] {
            let refused = parse(&format!("/proxy/a/{path}"));
            assert_eq!(refused, Err(StatusCode::BAD_REQUEST), "{path}");
        }
        for uri in [
            "/proxy/",
            "/proxy//a",
            "/proxy/a@evil.example/b",
            "/proxy/a:80/b",
            "/proxy/a%2eb/c",
            "/proxy/a;b/c",
            "/proxy/@evil.example",
            "http://127.0.0.1/proxy/a/b",
            "http://127.0.0.1.evil.example/proxy/a/b",
            "http://x@127.0.0.1/proxy/a/b",
        ] {
            assert_eq!(parse(uri), Err(StatusCode::BAD_REQUEST), "{uri}");
        }
    }

    #[test]
    fn an_http_2_request_names_its_host_beside_the_path() {
        let uri: Uri = "https://broker.example/proxy/a/b".parse().unwrap();
        let target = Target::parse(&uri, Version::HTTP_2).unwrap();
        assert_eq!((target.profile, target.path), ("a", "/b"));
    }

    fn rule(methods: &[&str], paths: &[&str]) -> Rule {
        let caller: Caller = caller_with(methods, paths);
        caller.allow[0].clone()
    }

    fn caller_with(methods: &[&str], paths: &[&str]) -> Caller {
        let lists = [("methods", methods), ("paths", paths)];
        let lists = lists.iter().filter(|(_, words)| !words.is_empty());
        // Strings are written there as here.
        let lists: Vec<_> = lists
            .map(|(name, words)| format!("{name} = {words:?}"))
            .collect();
        let text = format!(
            "version = 1\n[profiles.a]\nenvironment = \"emulator\"\n[[service.callers]]\n\
             name = \"billing\"\nuid = 1\nprofiles = [\"a\"]\n\
             allow = [{{ {} }}]\n",
            lists.join(", ")
        );
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        std::fs::write(&path, text).unwrap();
        let config = prove_token_config::Config::load(&path).unwrap();
        config.service().unwrap().callers[0].clone()
    }

    #[test]
    fn a_rule_covers_what_it_says() {
        let post = rule(&["POST"], &["/v3/start", "/v3/identity/*"]);
        let covered = |method: Method, path: &str| covers(&post, &method, path);
        assert!(covered(Method::POST, "/v3/start"));
        assert!(covered(Method::POST, "/v3/identity/"));
        assert!(covered(Method::POST, "/v3/identity/a/b"));
        assert!(!covered(Method::GET, "/v3/start"));
        assert!(!covered(Method::POST, "/v3/start/"));
        assert!(!covered(Method::POST, "/v3/identity"));
        assert!(!covered(Method::POST, "/v3/%73tart"));
        assert!(!covered(Method::POST, "/V3/start"));
        assert!(covers(&rule(&[], &["/*"]), &Method::DELETE, "/"));
        assert!(covers(&rule(&["GET"], &[]), &Method::GET, "/x"));
    }

    #[test]
    fn who_may_not_is_told_what_it_would_take() {
        let caller = caller_with(&["POST"], &["/v3/start"]);
        let hint = |uri: &str| {
            let uri: Uri = uri.parse().unwrap();
            let target = Target::parse(&uri, Version::HTTP_11).unwrap();
            let refusal = target.allowed(&Method::GET, &caller).unwrap_err();
            assert_eq!(refusal.status(), StatusCode::FORBIDDEN);
            format!("{refusal:?}")
        };
        let needed =
            r#"{ methods = [\"GET\"], paths = [\"/v3/fetch\"] } in allow of the caller billing"#;
        assert!(hint("/proxy/a/v3/fetch?x=1").contains(needed));
        assert!(hint("/proxy/a/v3/a%20b").contains(r#"paths = [\"/v3/a*\"]"#));
        let anything = Caller::new("x", Identity::Uid(1), vec![]);
        let uri: Uri = "/proxy/a/b".parse().unwrap();
        let target = Target::parse(&uri, Version::HTTP_11).unwrap();
        assert!(target.allowed(&Method::DELETE, &anything).is_ok());
    }
}
