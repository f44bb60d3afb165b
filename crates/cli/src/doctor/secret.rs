//! The client secret and the client id: whether they can be read, and what about them
//! looks like a slip. Neither is ever shown, nor how long it is.

use std::time::Duration;

use prove_token::{ClientId, ClientSecret, Credentials, ErrorKind};
use prove_token_config::{Access, Profile, Row};
use zeroize::Zeroizing;

use super::finding::{Check, Finding, Status};
use super::limit::Limit;
use crate::times::brief;

pub(super) const SOURCE: Check = Check::new("secret.source", "secret");
const FORM: Check = Check::new("secret.form", "secret's form");
const ID: Check = Check::new("client_id.form", "client id");

/// What was found, and the secret if it could be read.
pub(super) struct Examined {
    pub(super) findings: Vec<Finding>,
    pub(super) secret: Option<ClientSecret>,
    /// Whether something looks like a slip.
    pub(super) is_odd: bool,
}

/// Reads the secret; where that may ask somebody and nothing is to be sent, it is not.
pub(super) async fn examine(profile: &Profile, offline: bool, limit: &Limit) -> Examined {
    let Some(credentials) = &profile.credentials else {
        return alone(SOURCE.idle("the emulator brings its own"));
    };
    let place = place(profile);
    if offline && profile.reads_secret_slowly() {
        let why = format!("it is {place}, which may ask somebody");
        return alone(SOURCE.not_tried(why));
    }
    let (secret, took) = match read(credentials, profile, limit).await {
        Ok(read) => read,
        Err(finding) => return alone(finding),
    };
    let took = match profile.reads_secret_slowly() {
        true => format!(", in {}", brief(took)),
        false => String::new(),
    };
    let found = SOURCE.good(format!("{place}{took}"));
    let form = form(secret.expose_secret());
    let id = of_id(credentials.client_id(), &secret);
    Examined {
        is_odd: [&form, &id].iter().any(|odd| odd.status == Status::Warning),
        findings: vec![found, form, id],
        secret: Some(secret),
    }
}

/// There is nothing to read.
pub(super) fn none(why: &str) -> Examined {
    alone(SOURCE.not_tried(why))
}

fn alone(finding: Finding) -> Examined {
    Examined {
        findings: vec![finding],
        secret: None,
        is_odd: false,
    }
}

async fn read(
    credentials: &Credentials,
    profile: &Profile,
    limit: &Limit,
) -> Result<(ClientSecret, Duration), Finding> {
    let credentials = credentials.clone();
    let read = move || credentials.read_secret_blocking();
    match limit.blocking(profile.timeouts.flight, read).await {
        Ok((Ok(secret), took)) => Ok((secret, took)),
        Ok((Err(error), _)) => Err(SOURCE
            .failed(error.kind(), error.to_string())
            .maybe_remedy(error.hint())),
        Err(cut) => Err(SOURCE
            .failed(ErrorKind::Timeout, format!("{}: {cut}", place(profile)))
            .remedy("see what holds up the place the secret is kept in")),
    }
}

fn place(profile: &Profile) -> String {
    let row = profile.explain().into_iter();
    let row = row.into_iter().find(|row| row.key == "client_secret");
    let words = match row {
        Some(Row { value, .. }) if value == "[redacted]" => "given on standard input".to_owned(),
        Some(row) => row.value,
        None => "the public one of the emulator".to_owned(),
    };
    let access = profile.secret_file().and_then(|(path, _)| Access::of(path));
    match access {
        Some(access) => format!("{words}, {access}"),
        None => words,
    }
}

fn form(secret: &str) -> Finding {
    let oddities = oddities(secret);
    if oddities.is_empty() {
        return FORM.good("no stray characters");
    }
    FORM.warning(format!("it {}", oddities.join(", and ")))
        .remedy("copy it once more, and store it alone: such slips are the usual cause of a 401")
}

/// What somebody who copied a secret did not mean to copy.
fn oddities(secret: &str) -> Vec<&'static str> {
    let all = at_the_ends(secret).into_iter().chain(in_the_whole(secret));
    all.filter_map(|(is_so, what)| is_so.then_some(what))
        .collect()
}

fn at_the_ends(secret: &str) -> [(bool, &'static str); 5] {
    let quotes = [
        '"', '\'', '`', '\u{201c}', '\u{201d}', '\u{2018}', '\u{2019}',
    ];
    [
        (
            secret.starts_with('\u{feff}'),
            "begins with a byte order mark",
        ),
        (
            secret.starts_with(char::is_whitespace),
            "begins with white space",
        ),
        (
            secret.ends_with(char::is_whitespace),
            "ends with white space",
        ),
        (
            secret.starts_with(quotes) || secret.ends_with(quotes),
            "has a quotation mark at an end",
        ),
        (
            secret.ends_with("\\n") || secret.ends_with("\\r"),
            "ends with a line break in letters (\\n)",
        ),
    ]
}

fn in_the_whole(secret: &str) -> [(bool, &'static str); 5] {
    let lower = Zeroizing::new(secret.to_ascii_lowercase());
    let is_between = |start, end| secret.starts_with(start) && secret.ends_with(end);
    let unmarked = secret.strip_prefix('\u{feff}').unwrap_or(secret);
    [
        (
            unmarked.contains(is_invisible),
            "holds characters that cannot be seen",
        ),
        (
            lower.contains("client_secret=") || lower.contains("client_secret:"),
            "has its name in front",
        ),
        (is_between('{', '}'), "looks like JSON"),
        (
            is_between('<', '>') || lower.starts_with("your"),
            "looks like what stands for a secret in instructions",
        ),
        (is_percent_encoded(secret), "looks percent-encoded"),
    ]
}

fn is_invisible(character: char) -> bool {
    matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

/// Escapes, and none of the characters that they would be there for.
fn is_percent_encoded(text: &str) -> bool {
    let is_plain =
        |character: char| character.is_ascii_alphanumeric() || "-._~%".contains(character);
    let mut parts = text.split('%');
    let first = parts.next();
    let escapes = parts.all(|part| {
        let digits = part.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    });
    first.is_some_and(|first| first.len() < text.len()) && escapes && text.chars().all(is_plain)
}

fn of_id(id: &ClientId, secret: &ClientSecret) -> Finding {
    let (id, secret) = (id.as_str(), secret.expose_secret());
    let found = if id == secret {
        "it is the same as the secret"
    } else if looks_secret(id) && !looks_secret(secret) {
        "it is long and random, as a secret is: the two may have changed places"
    } else if id.starts_with(['"', '\'', '<']) || id.contains(is_invisible) {
        "it holds characters that are no part of a client id, such as quotation marks"
    } else {
        return ID.good("nothing odd");
    };
    ID.warning(found)
        .remedy("copy it once more: client_id is the public one of the two")
}

/// Longer than ids mostly are, and of all kinds of characters.
fn looks_secret(text: &str) -> bool {
    let has = |kind: fn(&u8) -> bool| text.as_bytes().iter().any(kind);
    text.len() >= 40
        && has(u8::is_ascii_lowercase)
        && has(u8::is_ascii_uppercase)
        && has(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_described_and_not_shown() {
        for (secret, oddity) in [
            ("canary ", "ends with white space"),
            ("\u{a0}canary", "begins with white space"),
            ("\"canary\"", "has a quotation mark at an end"),
            ("\u{201c}canary\u{201d}", "has a quotation mark at an end"),
            ("\u{feff}canary", "begins with a byte order mark"),
            ("can\u{200b}ary", "holds characters that cannot be seen"),
            ("canary\\n", "ends with a line break in letters (\\n)"),
            ("PROVE_CLIENT_SECRET=canary", "has its name in front"),
            ("{\"x\":\"canary\"}", "looks like JSON"),
            (
                "<canary>",
                "looks like what stands for a secret in instructions",
            ),
            ("canary%2B%3d", "looks percent-encoded"),
        ] {
            assert_eq!(oddities(secret), [oddity], "{secret:?}");
            let finding = form(secret);
            assert_eq!(finding.status, Status::Warning);
            assert!(!format!("{finding:?}").contains("canary"));
        }
    }

    #[test]
    fn odd_secrets_that_are_real_ones_are_left_alone() {
        for secret in [
            "s",
            "p+o&s=t% \u{fc}~s",
            "a%2",
            "%zz",
            "50%off",
            "a b",
            "x=",
            "{x",
        ] {
            assert_eq!(oddities(secret), Vec::<&str>::new(), "{secret:?}");
        }
    }

    #[test]
    fn an_id_that_may_be_the_secret_is_noticed() {
        let random = "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hI6kL9nO2q";
        let status = |id: &str, secret: &str| {
            let (id, secret) = (
                ClientId::new(id).unwrap(),
                ClientSecret::new(secret).unwrap(),
            );
            let finding = of_id(&id, &secret);
            assert!(!format!("{finding:?}").contains(random), "{finding:?}");
            finding.status
        };
        assert_eq!(status(random, "abc123"), Status::Warning);
        assert_eq!(status(random, random), Status::Warning);
        assert_eq!(status("\"abc\"", "x"), Status::Warning);
        let other = random.replace('a', "b");
        assert_eq!(status(random, &other), Status::Good, "both are long");
        assert_eq!(status("0f0e-uuid", random), Status::Good);
    }
}
