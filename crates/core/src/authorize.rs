//! Calls to an API with a token: which request may carry it, which answer rejects
//! it, and what then.
//!
//! Two integrations do all of it for a client of HTTP:
//!
//! - `authorize::reqwest_middleware::BearerAuth`, with the feature
//!   `reqwest-middleware`;
//! - `authorize::tower::BearerAuthLayer`, with the feature `tower`.
//!
//! Both put the token into each request to the one API they are made for, in place
//! of any `Authorization` header that is there, and let all other requests pass as
//! they are. On a 401 they tell [`TokenClient::invalidate`](crate::TokenClient::invalidate),
//! ask for a token again and send the request once more, if
//!
//! - the answer [`rejects_token`],
//! - there is a copy of the request, its body included (a body that streams is never
//!   collected to have one),
//! - and the token is not the same as before: of a new one that is rejected at once,
//!   the client keeps what it has for 30 s.
//!
//! The answer to the second request is final. Replaying is safe for any method: an API
//! that answers 401 has not done what it was asked for.
//!
//! For other clients of HTTP, the two functions here are the rules.

#[cfg(any(feature = "reqwest-middleware", feature = "tower"))]
mod bearer;
mod challenge;
#[cfg(feature = "reqwest-middleware")]
pub mod reqwest_middleware;
#[cfg(feature = "tower")]
pub mod tower;

use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, StatusCode, Uri};

use crate::endpoint::Endpoint;

/// Whether a request to `target` may carry a token that is meant for `api`: only if
/// both have the same origin (scheme, host and port). The paths do not matter.
///
/// A target without scheme or authority, or with user info, may not: nobody can tell
/// where it leads.
///
/// ```
/// use prove_token::authorize::may_carry_token;
/// let api = "https://api.example.com/v3".parse()?;
/// assert!(may_carry_token(&api, &"https://api.example.com/v2/me".parse()?));
/// assert!(!may_carry_token(&api, &"https://api.example.com.evil.example/".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn may_carry_token(api: &Endpoint, target: &Uri) -> bool {
    let (Some(scheme), Some(authority)) = (target.scheme_str(), target.authority()) else {
        return false;
    };
    // As most requests spell it; an origin has one spelling.
    if let Some(rest) = api.origin().strip_prefix(scheme)
        && rest.strip_prefix("://") == Some(authority.as_str())
    {
        return true;
    }
    let origin = format!("{scheme}://{authority}").parse::<Endpoint>();
    origin.is_ok_and(|target| target.origin() == api.origin())
}

/// Whether an answer of an API says that the token is no good any more, so that
/// another one may help: status 401, unless a `Bearer` challenge in
/// `WWW-Authenticate` names an `error` other than `invalid_token` (RFC 6750 §3.1).
///
/// The body is not asked: APIs differ there, and Prove says `{"code":8002}`.
///
/// ```
/// use http::{HeaderMap, StatusCode, header::WWW_AUTHENTICATE};
/// use prove_token::authorize::rejects_token;
/// let mut headers = HeaderMap::new();
/// assert!(rejects_token(StatusCode::UNAUTHORIZED, &headers));
/// headers.insert(WWW_AUTHENTICATE, r#"Bearer error="insufficient_scope""#.parse()?);
/// assert!(!rejects_token(StatusCode::UNAUTHORIZED, &headers));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn rejects_token(status: StatusCode, headers: &HeaderMap) -> bool {
    if status != StatusCode::UNAUTHORIZED {
        return false;
    }
    let fields = headers.get_all(WWW_AUTHENTICATE).iter();
    let errors = challenge::bearer_errors(fields.map(http::HeaderValue::as_bytes));
    errors.iter().all(|error| error == b"invalid_token")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may(api: &str, target: &str) -> bool {
        may_carry_token(&api.parse().unwrap(), &target.parse().unwrap())
    }

    #[test]
    fn the_origin_decides_however_it_is_spelled() {
        for target in [
            "https://api.example.com/",
            "https://api.example.com/v9/me?x=1",
            "https://API.example.com:443/v3/start",
            "HTTPS://api.example.com/v3",
        ] {
            assert!(may("https://api.example.com/v3", target), "{target}");
        }
        assert!(may("http://127.0.0.1:8080", "http://127.0.0.1:8080/v3"));
        assert!(may("https://[2001:db8::1]:1", "https://[2001:DB8:0::1]:1/"));
    }

    #[test]
    fn no_other_target_gets_a_token() {
        for target in [
            "http://api.example.com/v3",
            "http://api.example.com:443/v3",
            "https://api.example.com:8443/v3",
            "https://api.example.com./v3",
            "https://api.example.com.evil.example/v3",
            "https://evil.example/api.example.com",
            "https://example.com/v3",
            "https://api.example.com@evil.example/v3",
            "https://evil.example@api.example.com/v3",
            "https://api.example.com:99999/v3",
            "https://xn--pi-7ja.example.com/v3",
            "/v3/start",
            "api.example.com:443",
            "*",
        ] {
            assert!(!may("https://api.example.com/v3", target), "{target}");
        }
        assert!(!may("http://127.0.0.1:8080", "http://127.0.0.1:8081/"));
        assert!(!may("http://127.0.0.1", "https://127.0.0.1:80/"));
    }

    fn rejects(status: u16, challenges: &[&'static str]) -> bool {
        let mut headers = HeaderMap::new();
        for challenge in challenges {
            headers.append(WWW_AUTHENTICATE, challenge.parse().unwrap());
        }
        rejects_token(StatusCode::from_u16(status).unwrap(), &headers)
    }

    #[test]
    fn a_401_rejects_the_token_unless_another_error_is_named() {
        assert!(rejects(401, &[]));
        assert!(rejects(401, &["Bearer"]));
        assert!(rejects(401, &[r#"Bearer error="invalid_token""#]));
        assert!(rejects(401, &[r#"DPoP error="use_dpop_nonce", Bearer"#]));
        assert!(!rejects(401, &[r#"Bearer error="insufficient_scope""#]));
        assert!(!rejects(
            401,
            &["Basic", r#"bearer error="invalid_request""#]
        ));
        assert!(
            !rejects(
                401,
                &[r#"Bearer error="invalid_token", Bearer error="invalid_request""#]
            ),
            "one other error is enough"
        );
    }

    #[test]
    fn no_other_status_rejects_a_token() {
        for status in [200, 400, 402, 403, 407, 419, 429, 500] {
            assert!(!rejects(status, &[r#"Bearer error="invalid_token""#]));
        }
    }

    proptest::proptest! {
        /// Whatever is accepted leads to the API by the parser that reqwest uses.
        #[test]
        fn what_gets_a_token_is_of_the_same_origin_to_the_other_parser(
            target in r"(https|http)://[aA1.:@\[\]%\\]{1,6}(:[0-9]{1,5})?(/[a-z%\\@.]{0,4})?",
            api in r"(https|http)://(a|127\.0\.0\.1|1\.1\.1\.1)(:(80|443|1))?",
        ) {
            if let (Ok(api), Ok(uri)) = (api.parse::<Endpoint>(), target.parse::<Uri>())
                && may_carry_token(&api, &uri)
            {
                let url = reqwest::Url::parse(&target).unwrap();
                assert_eq!(url.origin().ascii_serialization(), api.origin());
            }
        }
    }
}
