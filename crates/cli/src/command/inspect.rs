//! `prove-token inspect`: what a JWT says about itself, read offline.

use std::io::{IsTerminal as _, Read as _};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::Args;
use prove_token::{Clock, ErrorKind, SystemClock};
use serde_json::{Map, Value, json};

use super::{Context, Run};
use crate::args::OutputFlags;
use crate::failure::Failure;
use crate::printable::printable;
use crate::times;

/// The most that is read of standard input.
const LONGEST_INPUT: u64 = 64 * 1024;

#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// The token, or - to read it from standard input (other users of the
    /// machine can see arguments)
    #[arg(default_value = "-", hide_default_value = true)]
    token: String,
    #[command(flatten)]
    output: OutputFlags,
}

impl Run for InspectArgs {
    fn wants_json(&self) -> bool {
        self.output.is_json()
    }

    fn run(&self, context: &Context) -> Result<(), Failure> {
        let given = match self.token.as_str() {
            "-" => read_stdin(context)?,
            token => token.to_owned(),
        };
        let jwt = decode(&given)?;
        let now = i64::try_from(SystemClock.now().wall.as_secs()).unwrap_or(i64::MAX);
        match self.output.is_json() {
            true => context.console.line(jwt.to_json(now).to_string()),
            false => context.console.line(jwt.to_text(now)),
        }
    }
}

fn read_stdin(context: &Context) -> Result<String, Failure> {
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        if context.global.no_input {
            return Err(Failure::usage("there is no token to decode")
                .hint("pipe it in, as in prove-token token | prove-token inspect"));
        }
        let notice = "paste the token, then press Enter and Ctrl-D";
        context.console.notice(notice);
    }
    let mut text = String::new();
    stdin
        .lock()
        .take(LONGEST_INPUT + 1)
        .read_to_string(&mut text)
        .map_err(|error| Failure::usage(format!("cannot read standard input: {}", error.kind())))?;
    if text.len() as u64 > LONGEST_INPUT {
        return Err(Failure::usage("standard input is longer than 64 KiB")
            .hint("a token alone is far shorter"));
    }
    Ok(text)
}

/// A decoded JWT. Its signature is neither checked nor kept.
struct Jwt {
    header: Map<String, Value>,
    claims: Map<String, Value>,
}

/// Accepts what people paste: with `Bearer`, with the header's name, with white
/// space around it.
fn decode(given: &str) -> Result<Jwt, Failure> {
    let token = given.trim();
    let token = strip_word(strip_word(token, "Authorization:"), "Bearer");
    let refuse = |what: &str| {
        Failure::new(ErrorKind::Protocol, format!("this is not a JWT: {what}")).hint(
            "a JWT has three base64url parts with dots between; other tokens are opaque, and only \
             their server can read them",
        )
    };
    let parts: Vec<_> = token.split('.').collect();
    let [header, claims, _signature] = parts.as_slice() else {
        let plural = if parts.len() == 1 { "" } else { "s" };
        return Err(refuse(&format!("it has {} part{plural}", parts.len())));
    };
    let part = |name: &str, text: &str| -> Result<Map<String, Value>, Failure> {
        let bytes = URL_SAFE_NO_PAD
            .decode(text)
            .map_err(|_| refuse(&format!("its {name} is not base64url")))?;
        serde_json::from_slice(&bytes)
            .map_err(|_| refuse(&format!("its {name} is not a JSON object")))
    };
    Ok(Jwt {
        header: part("header", header)?,
        claims: part("claims", claims)?,
    })
}

/// `text` without `word` at its start, in any case.
fn strip_word<'a>(text: &'a str, word: &str) -> &'a str {
    match text.get(..word.len()) {
        Some(start) if start.eq_ignore_ascii_case(word) => text[word.len()..].trim_start(),
        _ => text,
    }
}

impl Jwt {
    /// The claims that are times (RFC 7519 §4.1), with what they mean.
    fn times(&self) -> impl Iterator<Item = (&'static str, &'static str, i64)> {
        [("iat", "issued"), ("nbf", "valid from"), ("exp", "expires")]
            .into_iter()
            .filter_map(|(claim, meaning)| {
                let value = self.claims.get(claim)?;
                let seconds = value.as_i64().or_else(|| {
                    // Fractions are allowed; a time beyond any calendar is not one.
                    value
                        .as_f64()
                        .filter(|seconds| seconds.abs() < 1e15)
                        .map(|seconds| seconds as i64)
                })?;
                Some((claim, meaning, seconds))
            })
    }

    fn to_json(&self, now: i64) -> Value {
        let times: Map<_, _> = self
            .times()
            .map(|(claim, _, at)| {
                let seconds_from_now = at.saturating_sub(now);
                (
                    claim.to_owned(),
                    json!({"epoch": at, "rfc3339": times::rfc3339(at), "seconds_from_now": seconds_from_now}),
                )
            })
            .collect();
        json!({"header": self.header, "claims": self.claims, "times": times, "signature_verified": false})
    }

    fn to_text(&self, now: i64) -> String {
        let mut text = format!(
            "header\n{}\nclaims\n{}\n",
            block(&self.header),
            block(&self.claims)
        );
        let mut lines = Vec::new();
        for (claim, meaning, at) in self.times() {
            let meaning = if claim == "exp" && at <= now {
                "expired"
            } else {
                meaning
            };
            let date = times::rfc3339(at).unwrap_or_else(|| "never".to_owned());
            lines.push(format!(
                "  {claim}  {meaning} {} ({date})",
                times::relative(at, now)
            ));
        }
        if !lines.is_empty() {
            text.push_str("times\n");
            text.push_str(&lines.join("\n"));
            text.push('\n');
        }
        text.push_str("the signature was not checked: only the server's key could");
        text
    }
}

/// Indented JSON that a terminal cannot mistake for orders.
fn block(object: &Map<String, Value>) -> String {
    let json = serde_json::to_string_pretty(object).unwrap_or_default();
    format!("  {}", printable(&json).replace('\n', "\n  "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jwt(claims: &str) -> String {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        format!(
            "{}.{}.canary-signature",
            part(r#"{"alg":"HS256"}"#),
            part(claims)
        )
    }

    #[test]
    fn pasted_tokens_are_understood() {
        let token = jwt(r#"{"exp":100}"#);
        for given in [
            token.clone(),
            format!(" {token}\n"),
            format!("Bearer {token}"),
            format!("authorization: bearer {token}"),
        ] {
            assert_eq!(decode(&given).ok().unwrap().claims["exp"], 100);
        }
    }

    #[test]
    fn times_come_in_words() {
        let jwt = decode(&jwt(r#"{"iat":1700000000,"exp":1700003600.5}"#))
            .ok()
            .unwrap();
        let text = jwt.to_text(1_700_000_060);
        assert!(
            text.contains("iat  issued 1m ago (2023-11-14T22:13:20Z)"),
            "{text}"
        );
        assert!(text.contains("exp  expires in 59m"), "{text}");
        assert!(
            jwt.to_text(1_700_003_700)
                .contains("exp  expired 1m 40s ago")
        );
        assert_eq!(
            jwt.to_json(1_700_000_000)["times"]["exp"]["seconds_from_now"],
            3600
        );
    }

    #[test]
    fn terminals_get_no_orders() {
        let jwt = decode(&jwt("{\"a\":\"\u{9b}31m\u{202e}x\\u001b[2J\"}"))
            .ok()
            .unwrap();
        let text = jwt.to_text(0);
        assert!(
            text.chars().all(|c| c == '\n' || !c.is_control()),
            "{text:?}"
        );
        assert!(
            !text.contains('\u{202e}') && text.contains("\\u202e"),
            "{text}"
        );
    }

    #[test]
    fn what_is_no_jwt_is_not_repeated() {
        for bad in [
            "",
            "canary",
            "canary.x",
            "canary.x.y.z",
            "!!canary.e30.x",
            "e30.canary!.x",
            "Ww.e30.canary",
        ] {
            let failure = decode(bad).err().unwrap();
            assert!(!format!("{failure:?}").contains("canary"), "{failure:?}");
        }
    }

    #[test]
    fn the_signature_is_never_shown() {
        let jwt = decode(&jwt("{}")).ok().unwrap();
        assert!(
            !jwt.to_text(0).contains("canary") && !jwt.to_json(0).to_string().contains("canary")
        );
    }
}
