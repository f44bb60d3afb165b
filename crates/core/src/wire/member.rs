//! Single members of a token endpoint's JSON object, read strictly.
//!
//! No message repeats a value: it may be the token.

use std::time::Duration;

use serde_json::Value;

use crate::renewal::LONGEST_LIFETIME;
use crate::scope::Scope;
use crate::secret::Secret;

/// The most characters an access token may have.
const LONGEST_TOKEN: usize = 16 * 1024;

/// What is wrong with a member: `expires_in is not a number`, say.
pub(super) type Fault = &'static str;

/// `access_token`: visible ASCII (it must fit a header), at most 16 KiB.
pub(super) fn access_token(value: Option<Value>) -> Result<Secret, Fault> {
    let Some(value) = value else {
        return Err("access_token is missing");
    };
    let Value::String(text) = value else {
        return Err("access_token is not a string");
    };
    let token = Secret::new(text);
    let text = token.expose_secret();
    if text.is_empty() {
        Err("access_token is empty")
    } else if text.len() > LONGEST_TOKEN {
        Err("access_token is longer than 16 KiB")
    } else if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Err("access_token holds characters that a header cannot carry")
    } else {
        Ok(token)
    }
}

/// `token_type`: `Bearer` in any case (RFC 6749 §5.1, RFC 6750).
pub(super) fn token_type(value: Option<&Value>) -> Result<(), Fault> {
    match value {
        None => Err("token_type is missing"),
        Some(Value::String(kind)) if kind.eq_ignore_ascii_case("bearer") => Ok(()),
        Some(Value::String(_)) => Err("token_type is not Bearer"),
        Some(_) => Err("token_type is not a string"),
    }
}

/// A lifetime in seconds: a number, or a string that holds one; fractions are
/// dropped, more than a day is a day. `None` if it is missing or null.
pub(super) fn lifetime(value: Option<&Value>) -> Result<Option<Duration>, Fault> {
    let seconds = match value {
        None => return Ok(None),
        Some(Value::Number(number)) => number.as_f64(),
        Some(Value::String(text)) => number(text),
        Some(_) => None,
    };
    let seconds = seconds.ok_or("expires_in is not a number of seconds")?;
    if seconds < 1.0 {
        return Err("expires_in is not positive: the token has already ended");
    }
    let longest = LONGEST_LIFETIME.as_secs_f64();
    Ok(Some(Duration::from_secs_f64(seconds.floor().min(longest))))
}

/// Digits with an optional fraction and exponent; not Rust's `inf` and `nan`.
fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    let starts_like_a_number = text
        .trim_start_matches(['-', '+'])
        .starts_with(|first: char| first.is_ascii_digit());
    let parsed = starts_like_a_number.then(|| text.parse::<f64>().ok())?;
    parsed.filter(|number| number.is_finite())
}

/// `scope`: space-separated scope tokens; `None` if it is missing.
pub(super) fn scope(value: Option<&Value>) -> Result<Option<Scope>, Fault> {
    match value {
        None => Ok(None),
        Some(Value::String(text)) => text.parse().map(Some).map_err(|_| "scope is malformed"),
        Some(_) => Err("scope is not a string"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lifetimes() {
        let day = 86_400;
        for (value, seconds) in [
            (json!(3600), 3600),
            (json!("3600"), 3600),
            (json!(3599.7), 3599),
            (json!(1e3), 1000),
            (json!(1e20), day),
            (json!(9_223_372_036_854_775_808_u64), day),
            (json!(u64::MAX), day),
            (json!("1e20"), day),
            (json!(" 60 "), 60),
            (json!(1), 1),
        ] {
            assert_eq!(
                lifetime(Some(&value)),
                Ok(Some(Duration::from_secs(seconds))),
                "{value}"
            );
        }
        assert_eq!(lifetime(None), Ok(None));
        for value in [
            json!(true),
            json!({}),
            json!([]),
            json!("abc"),
            json!(""),
            json!("inf"),
            json!("nan"),
            json!("infinity"),
            json!("-inf"),
            json!("1e999"),
            json!(0),
            json!(-1),
            json!("0"),
            json!(0.9),
            json!(i64::MIN),
        ] {
            assert!(lifetime(Some(&value)).is_err(), "{value}");
        }
    }

    #[test]
    fn scopes() {
        assert_eq!(scope(None), Ok(None));
        assert_eq!(scope(Some(&json!("b a"))), Ok(Some("a b".parse().unwrap())));
        for bad in [json!(["a"]), json!(1), json!("a\"b")] {
            assert!(scope(Some(&bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn tokens() {
        for good in ["a", "~", "a.b-c_d~e+f/g==", &"x".repeat(LONGEST_TOKEN)] {
            assert!(access_token(Some(json!(good))).is_ok());
        }
        let long = "x".repeat(LONGEST_TOKEN + 1);
        for bad in ["", "a b", "a\r", "a\n", "a\0", "a\t", "a\u{7f}", "ä", &long] {
            assert!(access_token(Some(json!(bad))).is_err(), "{bad:?}");
        }
        for bad in [json!(1), json!({}), json!(["a"]), json!(true)] {
            assert!(access_token(Some(bad)).is_err());
        }
        assert!(access_token(None).is_err());
    }
}
