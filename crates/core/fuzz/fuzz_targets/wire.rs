//! Any answer of a token endpoint is judged: it brings a token that can be used as
//! one, or an error whose text is safe. The input is the status, a header field a
//! line, an empty line, and the body.
#![no_main]

use std::sync::LazyLock;

use http::{HeaderName, HeaderValue, Response, StatusCode};
use libfuzzer_sys::fuzz_target;
use prove_token::transport::{Body, LARGEST_BODY};
use prove_token::{ClientSecret, Endpoint, Error, Scope, Secret, fuzzing};

/// The secret of the wire cases, which echo it in many disguises.
const SECRET: &str = "p+o&s=t% ü~s3cret5e1f";

/// The part of it that no answer may bring into a text, with or without the rest.
const CORE: &str = "s3cret5e1f";

/// The longest token that is taken.
const LONGEST_TOKEN: usize = 16 * 1024;

/// More than any text of ours with the server's words in it.
const LONGEST_TEXT: usize = 1000;

struct Asked {
    endpoint: Endpoint,
    secret: ClientSecret,
    scope: Scope,
}

static ASKED: LazyLock<Asked> = LazyLock::new(|| Asked {
    endpoint: "https://idp.example.com/token"
        .parse()
        .expect("an endpoint"),
    secret: ClientSecret::new(SECRET).expect("a secret"),
    scope: "read".parse().expect("a scope"),
});

fuzz_target!(|input: &[u8]| {
    if let Some(answer) = answer(input) {
        match fuzzing::decode(&answer, &ASKED.endpoint, &ASKED.secret, &ASKED.scope) {
            Ok(token) => check_token(answer.status(), &token),
            Err(error) => check_error(&error),
        }
    }
});

/// The answer, if the input is one that HTTP can carry.
fn answer(input: &[u8]) -> Option<Response<Body>> {
    let end = input.windows(2).position(|pair| pair == b"\n\n")?;
    let (head, body) = (&input[..end], &input[end + 2..]);
    let mut lines = head.split(|byte| *byte == b'\n');
    let body = match body.get(..LARGEST_BODY) {
        Some(start) if start.len() < body.len() => Body::cut_off(start.to_vec()),
        _ => Body::new(body.to_vec()),
    };
    let mut answer = Response::new(body);
    *answer.status_mut() = StatusCode::from_bytes(lines.next()?).ok()?;
    for line in lines {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let name = HeaderName::from_bytes(&line[..colon]).ok()?;
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?;
        answer.headers_mut().append(name, value);
    }
    Some(answer)
}

fn check_token(status: StatusCode, token: &Secret) {
    let text = token.expose_secret();
    assert_eq!(status, StatusCode::OK);
    assert!(!text.is_empty() && text.len() <= LONGEST_TOKEN);
    assert!(text.bytes().all(|byte| byte.is_ascii_graphic()));
}

fn check_error(error: &Error) {
    let response = error.error_response().cloned().unwrap_or_default();
    let texts = [
        Some(error.to_string()),
        error.hint().map(str::to_owned),
        response.error,
        response.error_description,
        response.error_uri,
        response.message,
    ];
    for text in texts.into_iter().flatten() {
        assert!(!text.contains(char::is_control), "{text:?}");
        assert!(text.chars().count() <= LONGEST_TEXT, "{text:?}");
        assert!(!text.contains(CORE), "{text:?}");
    }
    assert!(!format!("{error:?}").contains(CORE));
}
