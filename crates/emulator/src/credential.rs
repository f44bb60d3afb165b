//! Who may ask for tokens, and how they prove it.

use std::collections::HashMap;
use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::form::{Form, decode_value};

/// The registered clients. Only digests of the secrets are kept.
pub(crate) struct Clients(HashMap<Vec<u8>, Client>);

struct Client {
    id: String,
    /// Several while one is being rotated.
    secrets: Vec<Digest>,
}

type Digest = [u8; 32];

/// What a request presented to authenticate itself, and what came of it.
#[derive(Clone, Debug)]
pub(crate) struct Presented {
    /// An RFC 8414 method name, `bearer`, `multiple` or `none`.
    pub(crate) authentication: &'static str,
    /// The registered client, if it authenticated.
    pub(crate) client_id: Option<String>,
}

impl Clients {
    pub(crate) fn new(clients: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(
            clients
                .into_iter()
                .map(|(id, secret)| {
                    let client = Client {
                        secrets: vec![sha256(secret.as_bytes())],
                        id: id.clone(),
                    };
                    (id.into_bytes(), client)
                })
                .collect(),
        )
    }

    /// With further secrets, by the ids of their clients.
    pub(crate) fn with_secrets(
        mut self,
        secrets: impl IntoIterator<Item = (String, String)>,
    ) -> Self {
        for (id, secret) in secrets {
            if let Some(client) = self.0.get_mut(id.as_bytes()) {
                client.secrets.push(sha256(secret.as_bytes()));
            }
        }
        self
    }

    /// Judges the credentials of a token request: those of the body, or those
    /// of HTTP Basic. Both at once are a mistake of the client (RFC 6749 §2.3).
    pub(crate) fn judge(&self, authorization: Option<&[u8]>, form: &Form) -> Presented {
        let basic = authorization.and_then(basic_credentials);
        let (authentication, client_id) = match (basic, form.get("client_secret")) {
            (Some(_), Some(_)) => ("multiple", None),
            (Some(basic), None) => self.judge_basic(&basic),
            (None, Some(secret)) => {
                let id = form.get("client_id").unwrap_or_default();
                let client = self.authenticate(id.as_bytes(), secret.as_bytes());
                ("client_secret_post", client)
            }
            (None, None) => ("none", None),
        };
        Presented {
            authentication,
            client_id: client_id.map(str::to_owned),
        }
    }

    /// RFC 6749 §2.3.1 encodes both halves first; many clients do not. Both are
    /// understood, the standard's form first.
    fn judge_basic(&self, credentials: &[u8]) -> (&'static str, Option<&str>) {
        let Some(colon) = credentials.iter().position(|byte| *byte == b':') else {
            return ("client_secret_basic", None);
        };
        let (id, secret) = (&credentials[..colon], &credentials[colon + 1..]);
        if let (Ok(id), Ok(secret)) = (str::from_utf8(id), str::from_utf8(secret))
            && let Some(client) = self.authenticate(&decode_value(id), &decode_value(secret))
        {
            return ("client_secret_basic", Some(client));
        }
        match self.authenticate(id, secret) {
            Some(client) => ("client_secret_basic_raw", Some(client)),
            None => ("client_secret_basic", None),
        }
    }

    /// The client's id if `secret` is one of its secrets. An unknown id takes as long
    /// as a known one, and digests of one length are compared in constant time.
    fn authenticate(&self, id: &[u8], secret: &[u8]) -> Option<&str> {
        let (client, given) = (self.0.get(id), sha256(secret));
        let expected = client.map_or(&[[0; 32]][..], |client| &client.secrets);
        let is_secret = |digest: &Digest| verify_slices_are_equal(digest, &given).is_ok();
        let equal = expected.iter().filter(|digest| is_secret(digest)).count() > 0;
        client.filter(|_| equal).map(|client| client.id.as_str())
    }
}

impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.values().map(|client| &client.id))
            .finish()
    }
}

/// The credential part of an `Authorization` value of `scheme`, whose name may
/// be in any case.
pub(crate) fn scheme_credentials<'a>(value: &'a [u8], scheme: &str) -> Option<&'a [u8]> {
    let (name, rest) = value.split_at_checked(scheme.len())?;
    let rest = rest.strip_prefix(b" ")?.trim_ascii();
    name.eq_ignore_ascii_case(scheme.as_bytes()).then_some(rest)
}

/// `id:secret` of an HTTP Basic value; empty, and so never valid, if its base64
/// is broken.
fn basic_credentials(value: &[u8]) -> Option<Vec<u8>> {
    let encoded = scheme_credentials(value, "Basic")?;
    Some(BASE64_STANDARD.decode(encoded).unwrap_or_default())
}

fn sha256(bytes: &[u8]) -> Digest {
    let mut result = [0; 32];
    result.copy_from_slice(digest(&SHA256, bytes).as_ref());
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_has_two_secrets_while_one_is_rotated() {
        let pair = |id: &str, secret: &str| (id.to_owned(), secret.to_owned());
        let clients = Clients::new([pair("id", "old"), pair("other", "x")]);
        let clients = clients.with_secrets([pair("id", "new"), pair("nobody", "x")]);
        for (secret, expected) in [("old", Some("id")), ("new", Some("id")), ("x", None)] {
            assert_eq!(clients.authenticate(b"id", secret.as_bytes()), expected);
        }
    }

    fn clients() -> Clients {
        Clients::new([
            ("plain".into(), "CANARY-secret".into()),
            ("odd id".into(), "a+b %41&ü:".into()),
        ])
    }

    fn basic(credentials: &str) -> String {
        format!("basic {}", BASE64_STANDARD.encode(credentials))
    }

    fn judged(authorization: Option<&str>, body: &str) -> (&'static str, Option<String>) {
        let presented = clients().judge(
            authorization.map(str::as_bytes),
            &Form::parse(body.as_bytes()),
        );
        (presented.authentication, presented.client_id)
    }

    #[test]
    fn the_body_authenticates() {
        let body = "client_id=plain&client_secret=CANARY-secret";
        assert_eq!(
            judged(None, body),
            ("client_secret_post", Some("plain".into()))
        );
        let encoded = "client_id=odd+id&client_secret=a%2Bb+%2541%26%C3%BC%3A";
        assert_eq!(
            judged(None, encoded),
            ("client_secret_post", Some("odd id".into()))
        );
    }

    #[test]
    fn a_wrong_secret_or_id_does_not() {
        for body in [
            "client_id=plain&client_secret=CANARY-secret%20",
            "client_id=plain&client_secret=CANARY",
            "client_id=nobody&client_secret=CANARY-secret",
            "client_id=odd+id&client_secret=CANARY-secret",
            "client_secret=CANARY-secret",
        ] {
            assert_eq!(judged(None, body), ("client_secret_post", None), "{body}");
        }
        assert_eq!(judged(None, "client_id=plain"), ("none", None));
    }

    #[test]
    fn basic_is_read_encoded_first_then_raw() {
        let encoded = basic("odd+id:a%2Bb+%2541%26%C3%BC%3A");
        assert_eq!(
            judged(Some(&encoded), ""),
            ("client_secret_basic", Some("odd id".into()))
        );
        let raw = basic("odd id:a+b %41&ü:");
        assert_eq!(
            judged(Some(&raw), ""),
            ("client_secret_basic_raw", Some("odd id".into()))
        );
    }

    #[test]
    fn broken_basic_values_are_refused() {
        for value in ["Basic", "Basic ?", &basic("plain"), &basic("plain:wrong")] {
            assert_eq!(judged(Some(value), "").1, None, "{value}");
        }
    }

    #[test]
    fn two_methods_at_once_are_none() {
        let value = basic("plain:CANARY-secret");
        let body = "client_id=plain&client_secret=CANARY-secret";
        assert_eq!(judged(Some(&value), body), ("multiple", None));
    }

    #[test]
    fn debug_shows_ids_only() {
        let text = format!("{:?}", clients());
        assert!(text.contains("plain"));
        assert!(!text.contains("CANARY"));
    }
}
