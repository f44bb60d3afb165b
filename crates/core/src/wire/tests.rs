//! What the data-driven cases of `tests/fixtures/wire` cannot see: exact bytes,
//! and that texts stay clean. The cases themselves run over a real connection.

use std::time::Duration;

use http::header::{AUTHORIZATION, CONTENT_TYPE};
use proptest::strategy::Strategy;

use super::{Asked, Granted, decode, encode};
use crate::credentials::{ClientAuthentication, ClientId, ClientSecret};
use crate::endpoint::Endpoint;
use crate::error::{Error, ErrorKind};
use crate::redactor::Redactor;
use crate::request::AccessTokenRequest;
use crate::scope::Scope;
use crate::testing::{answer, endpoint};

const ODD: &str = "a+b & c=d%ü";

fn encoded(method: ClientAuthentication, id: &str) -> Result<(String, Option<String>), Error> {
    let request = AccessTokenRequest::new()
        .scope("b a".parse().unwrap())
        .audience("https://api.example.com")
        .resource("urn:x")
        .parameter("tenant", "t 1")
        .unwrap();
    let id = ClientId::new(id).unwrap();
    let secret = ClientSecret::new(ODD).unwrap();
    let http = encode(&endpoint(), method, &id, &secret, &request)?;
    assert_eq!(http.method(), "POST");
    assert_eq!(http.uri(), "https://idp.example.com/token");
    assert_eq!(
        http.headers()[CONTENT_TYPE],
        "application/x-www-form-urlencoded"
    );
    let header = http.headers().get(AUTHORIZATION);
    assert!(header.is_none_or(http::HeaderValue::is_sensitive));
    let body = String::from_utf8(http.body().expose_secret().to_vec()).unwrap();
    Ok((body, header.map(|value| value.to_str().unwrap().to_owned())))
}

#[test]
fn the_secret_is_encoded_once() {
    const REST: &str =
        "scope=a+b&audience=https%3A%2F%2Fapi.example.com&resource=urn%3Ax&tenant=t+1";
    let (body, header) = encoded(ClientAuthentication::RequestBody, "my id").unwrap();
    assert_eq!(
        body,
        format!(
            "grant_type=client_credentials&client_id=my+id&client_secret=a%2Bb+%26+c%3Dd%25%C3%BC&{REST}"
        )
    );
    assert_eq!(header, None);
    let (body, header) = encoded(ClientAuthentication::Basic, "my id").unwrap();
    assert_eq!(body, format!("grant_type=client_credentials&{REST}"));
    // my+id:a%2Bb+%26+c%3Dd%25%C3%BC
    assert_eq!(
        header.unwrap(),
        "Basic bXkraWQ6YSUyQmIrJTI2K2MlM0RkJTI1JUMzJUJD"
    );
    let (_, header) = encoded(ClientAuthentication::BasicRaw, "my id").unwrap();
    // my id:a+b & c=d%ü
    assert_eq!(header.unwrap(), "Basic bXkgaWQ6YStiICYgYz1kJcO8");
    let error = encoded(ClientAuthentication::BasicRaw, "my:id").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(encoded(ClientAuthentication::Basic, "my:id").is_ok());
}

fn judged(answer: &http::Response<crate::transport::Body>) -> Result<Granted, Error> {
    judged_from(&endpoint(), answer)
}

fn judged_from(
    endpoint: &Endpoint,
    answer: &http::Response<crate::transport::Body>,
) -> Result<Granted, Error> {
    decode(
        answer,
        &Asked {
            endpoint,
            scope: &Scope::default(),
            accept_narrower_scope: false,
            redactor: &Redactor::new(["canary-secret-5e1f"]),
            wall: Duration::from_secs(1_700_000_000),
        },
    )
}

/// Whatever is wrong with an answer, no text about it holds a piece of it that
/// may be a token, nor the secret it echoes.
#[test]
fn no_error_repeats_the_token_or_the_secret() {
    let token = r#""access_token":"canary-token-1234","token_type":"Bearer""#;
    for body in [
        format!("{{{token},\"expires_in\":true}}"),
        format!("{{{token},\"expires_in\":\"canary\"}}"),
        format!("{{{token},\"expires_in\":0}}"),
        format!("{{{token},{token}}}"),
        format!("{{{token}"),
        format!("{{{token}}}trailing"),
        format!("[{{{token}}}]"),
        r#""canary-token-1234""#.to_owned(),
        "canary-token-1234".to_owned(),
        r#"{"access_token":"canary token","token_type":"Bearer"}"#.to_owned(),
        r#"{"access_token":"x","token_type":"canary"}"#.to_owned(),
        format!("{{{token},\"error\":\"issued canary-token-1234\"}}"),
        format!("{{{token},\"message\":\"issued canary-token-1234\",\"error\":\"x\"}}"),
        r#"{"error":"canary-secret-5e1f","error_description":"canary-secret-5e1f"}"#.to_owned(),
    ] {
        for status in [200, 204, 302, 400, 401, 403, 429, 500, 503] {
            let error = judged(&answer(status, &body)).unwrap_err();
            let shown = format!(
                "{error} {error:?} {:?} {:?}",
                error.hint(),
                error.error_response()
            );
            assert!(!shown.contains("canary"), "{status} {body}: {shown}");
        }
    }
}

#[test]
fn a_good_answer_is_read_whole() {
    let body = r#"{"access_token":"abc","token_type":"bearer","expires_in":3600,"scope":"a b",
                   "refresh_token":"canary-refresh","refresh_expires_in":"7200","extra":{"x":[1]}}"#;
    let granted = judged(&answer(200, body)).unwrap();
    assert_eq!(granted.access_token.expose_secret(), "abc");
    assert_eq!(granted.expires_in, Some(Duration::from_secs(3600)));
    assert_eq!(granted.details.scope, Some("b a".parse().unwrap()));
    assert_eq!(
        granted
            .details
            .refresh_token
            .as_ref()
            .unwrap()
            .expose_secret(),
        "canary-refresh"
    );
    assert_eq!(
        granted.details.refresh_expires_in,
        Some(Duration::from_secs(7200))
    );
    assert!(!format!("{granted:?}").contains("canary"));
}

#[test]
fn a_scope_in_another_style_is_no_matter_if_none_was_asked_for() {
    let body = r#"{"access_token":"abc","token_type":"Bearer","scope":["a"]}"#;
    assert!(judged(&answer(200, body)).unwrap().details.scope.is_none());
}

/// serde reads an array as the members in their order, and must not be let to.
#[test]
fn an_array_of_the_members_is_no_answer() {
    let rest = ",null".repeat(8);
    let granting = format!(r#" ["canary-token-1234","Bearer",3600{rest}]"#);
    let error = judged(&answer(200, &granting)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert!(!error.is_retryable());
    let refusing = r#"[null,null,null,null,null,null,"invalid_client",null,null,null,null]"#;
    let error = judged(&answer(400, refusing)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RequestRejected);
    assert_eq!(error.error_response(), None);
}

#[test]
fn a_content_type_that_echoes_the_secret_is_cut() {
    let mut answer = answer(200, "?");
    let echo = "text/canary-secret-5e1f".parse().unwrap();
    answer.headers_mut().insert(CONTENT_TYPE, echo);
    let error = judged(&answer).unwrap_err();
    assert!(
        error.to_string().ends_with("sent as text/[redacted]"),
        "{error}"
    );
}

#[test]
fn errors_read_well() {
    for (status, body, text) in [
        (
            401,
            r#"{"code":8002,"message":"not authorized"}"#,
            "https://idp.example.com/token rejected the client credentials (status 401, code 8002: not authorized)",
        ),
        (
            400,
            r#"{"error":"invalid_scope","error_description":"no such scope"}"#,
            "https://idp.example.com/token refused the request (status 400: invalid_scope, no such scope)",
        ),
        (
            503,
            "<html>",
            "https://idp.example.com/token is not available (status 503)",
        ),
        (
            200,
            "<html>",
            "the answer of https://idp.example.com/token is not usable: it is not JSON from byte 0",
        ),
        (
            302,
            "",
            "https://idp.example.com/token answered with status 302, a redirect, which is never followed",
        ),
    ] {
        assert_eq!(judged(&answer(status, body)).unwrap_err().to_string(), text);
    }
}

#[test]
fn hints_name_the_usual_mistake() {
    let hint = |address: &str, status| {
        let error = judged_from(&address.parse().unwrap(), &answer(status, "")).unwrap_err();
        error.hint().unwrap_or_default().to_owned()
    };
    let uat = "https://platform.uat.proveapis.com/token";
    assert_eq!(
        hint(uat, 401),
        "check the client id and secret for stray characters; they work in one region and tier \
         only, and this is uat-us (US, Sandbox)"
    );
    assert_eq!(
        hint("https://platform.eu.proveapis.com/v3/token", 403),
        "the token endpoint has no /v3: use https://platform.eu.proveapis.com/token"
    );
    assert!(hint(uat, 302).contains("captive portal"));
    assert!(hint("https://idp.example.com/token", 302).contains("final address"));
    assert!(hint(uat, 403).contains("region and tier"));
    assert!(hint(uat, 503).contains("status.prove.com"));
    assert!(!hint("https://idp.example.com/token", 503).contains("prove"));
    assert!(hint("https://idp.example.com/token", 404).contains("address"));
}

proptest::proptest! {
    /// No answer makes the decoder panic, and no text about it is long, broken
    /// over lines, or holds a terminal's orders.
    #[test]
    fn any_answer_is_judged(
        status in 100_u16..1000,
        body in proptest::prop_oneof![
            proptest::collection::vec(proptest::num::u8::ANY, 0..200),
            r#"\{("(access_token|token_type|expires_in|scope|error|code|message)":("[a-zA-Z \\\\"]{0,9}"|-?[0-9]{1,20}|null|true|\[\]|\{\}),?){0,5}\}"#.prop_map(String::into_bytes),
        ],
        retry_after in "[0-9a-zA-Z:, -]{0,30}",
    ) {
        let mut response = http::Response::new(crate::transport::Body::new(body));
        *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
        if let Ok(value) = retry_after.parse() {
            response.headers_mut().insert(http::header::RETRY_AFTER, value);
        }
        match judged(&response) {
            Ok(granted) => {
                assert_eq!(status, 200);
                assert!(!granted.access_token.expose_secret().is_empty());
            }
            Err(error) => {
                let text = error.to_string();
                assert!(text.chars().count() < 800 && !text.chars().any(char::is_control), "{text:?}");
                assert!(error.retry_after().is_none_or(|wait| wait <= Duration::from_secs(3600)));
            }
        }
    }
}
