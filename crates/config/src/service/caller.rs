//! Who may call the service, and what for.

use std::fmt;

use super::Problem;
use crate::document::{Item, Report, Section};
use crate::schema;

/// One of `[[service.callers]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Caller {
    /// Its name in logs, and its client id at the façade.
    pub name: String,
    /// How it is known.
    pub identity: Identity,
    /// The profiles whose tokens it gets; the first is the one of `POST /token`.
    pub profiles: Vec<String>,
    /// What it is given.
    pub hands_out: HandsOut,
    /// What it may call through the proxy. Empty: everything below the API base.
    pub allow: Vec<Rule>,
    /// Its requests in any second; more are answered with 429. `None`: no limit.
    pub rate_limit: Option<u32>,
}

impl Caller {
    /// A caller that gets tokens.
    pub fn new(name: impl Into<String>, identity: Identity, profiles: Vec<String>) -> Self {
        Self {
            name: name.into(),
            identity,
            profiles,
            hands_out: HandsOut::Token,
            allow: Vec::new(),
            rate_limit: None,
        }
    }
}

/// How a caller is known.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Identity {
    /// By a key, of which this is the SHA-256.
    KeyHash([u8; 32]),
    /// By the user of its process, on the Unix socket.
    Uid(u32),
    /// By the group of its process, on the Unix socket.
    Gid(u32),
}

/// A hash is no secret, but nobody's business either.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KeyHash(_) => f.write_str("KeyHash([redacted])"),
            Self::Uid(uid) => write!(f, "Uid({uid})"),
            Self::Gid(gid) => write!(f, "Gid({gid})"),
        }
    }
}

/// What a caller is given at the façade.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum HandsOut {
    /// `token`: the access token.
    #[default]
    Token,
    /// `proxy`: a local bearer that the proxy alone accepts; the access token stays in
    /// the service.
    Proxy,
}

/// What may be called through the proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rule {
    /// The methods; empty for all.
    pub methods: Vec<String>,
    /// Paths below the API base; a `*` at the end stands for any rest. Empty for all.
    pub paths: Vec<String>,
}

const NAME_HINT: &str = "use up to 64 of a-z, 0-9, -, _ and ., not beginning with a dot";

pub(super) fn read<'n>(
    section: &mut Section<'_>,
    profiles: impl Iterator<Item = &'n str> + Clone,
    report: &mut Report<'_>,
) -> Vec<Caller> {
    let Some(item) = section.take("callers") else {
        return Vec::new();
    };
    let mut callers: Vec<Caller> = Vec::new();
    for section in item.sections(report).unwrap_or_default() {
        let Some(caller) = one(section, profiles.clone(), report) else {
            continue;
        };
        if callers.iter().any(|other| other.name == caller.name) {
            let problem = Problem::new(format!("two callers are named {}", caller.name));
            item.note(problem.with_hint("give each a name of its own"), report);
        }
        // The rights of one of them would go for both.
        if let Some(other) = callers
            .iter()
            .find(|other| other.identity == caller.identity)
        {
            let problem = Problem::new(format!(
                "{} and {} are known alike",
                other.name, caller.name
            ));
            let hint = "give each a key, user or group of its own";
            item.note(problem.with_hint(hint), report);
        }
        callers.push(caller);
    }
    callers
}

fn one<'n>(
    mut section: Section<'_>,
    known: impl Iterator<Item = &'n str> + Clone,
    report: &mut Report<'_>,
) -> Option<Caller> {
    let (offset, key) = (section.offset(), section.key().to_owned());
    let name = section.take("name").and_then(|item| name(&item, report));
    let identity = identity(&mut section, report);
    let profiles = section
        .take("profiles")
        .and_then(|item| profiles(&item, known, report));
    let hands_out = section.take("hands_out").and_then(|item| {
        Some(match item.word(report)? {
            "proxy" => HandsOut::Proxy,
            _ => HandsOut::Token,
        })
    });
    let rate_limit = section
        .take("rate_limit")
        .and_then(|item| rate(&item, report));
    let allow = section.take("allow").map(|item| rules(&item, report));
    for (name, is_there) in [
        ("name", section.has("name")),
        ("profiles", section.has("profiles")),
    ] {
        if !is_there {
            report.note(
                offset,
                Problem::new(format!("has no {name}")).with_key(&*key),
            );
        }
    }
    section.finish(report);
    Some(Caller {
        hands_out: hands_out.unwrap_or_default(),
        allow: allow.unwrap_or_default(),
        rate_limit,
        ..Caller::new(name?, identity?, profiles?)
    })
}

fn name(item: &Item<'_>, report: &mut Report<'_>) -> Option<String> {
    let name = item.string(report)?;
    if !schema::is_profile_name(name) {
        item.note(
            Problem::new("not a name for a caller").with_hint(NAME_HINT),
            report,
        );
        return None;
    }
    Some(name.to_owned())
}

fn identity(section: &mut Section<'_>, report: &mut Report<'_>) -> Option<Identity> {
    let (offset, key) = (section.offset(), section.key().to_owned());
    let given: Vec<_> = ["key_hash", "uid", "gid"]
        .into_iter()
        .filter_map(|name| section.take(name))
        .collect();
    let [item] = given.as_slice() else {
        let message = match given.is_empty() {
            true => "has neither key_hash, uid nor gid",
            false => "has more than one of key_hash, uid and gid",
        };
        let hint = "keep one: a caller is known in one way; prove-tokend caller add makes a key";
        report.note(offset, Problem::new(message).with_key(key).with_hint(hint));
        return None;
    };
    if item.name() == "key_hash" {
        return key_hash(item, report).map(Identity::KeyHash);
    }
    let Ok(id) = u32::try_from(item.integer(report)?) else {
        item.note(Problem::new("not a numeric id"), report);
        return None;
    };
    Some(match item.name() {
        "uid" => Identity::Uid(id),
        _ => Identity::Gid(id),
    })
}

/// The hash of an empty key, which everybody has.
const OF_NOTHING: [u8; 32] = [
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
    0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
];

/// `sha256:` and 64 hexadecimal digits. What stands there may be a key by mistake, so it
/// is not repeated.
fn key_hash(item: &Item<'_>, report: &mut Report<'_>) -> Option<[u8; 32]> {
    let digits = item.string(report)?.strip_prefix("sha256:");
    let hash = digits
        .filter(|digits| digits.len() == 64)
        .and_then(|digits| {
            let mut hash = [0; 32];
            for (index, byte) in hash.iter_mut().enumerate() {
                let pair = digits.get(2 * index..2 * index + 2)?;
                *byte = u8::from_str_radix(pair, 16).ok()?;
            }
            Some(hash)
        });
    if hash == Some(OF_NOTHING) {
        let problem = Problem::new("the hash of no key at all").with_hint(
            "hash the key itself: what was hashed was empty, as a variable that is not set",
        );
        item.note(problem, report);
    }
    if hash.is_none() {
        let problem = Problem::new("not the hash of a key").with_hint(
            "copy the line that prove-tokend caller add --print prints: sha256: and 64 digits; \
             a key itself does not stand in this file",
        );
        item.note(problem, report);
    }
    hash
}

fn profiles<'n>(
    item: &Item<'_>,
    known: impl Iterator<Item = &'n str> + Clone,
    report: &mut Report<'_>,
) -> Option<Vec<String>> {
    let names = item.strings(report)?;
    if names.is_empty() {
        item.note(Problem::new("names no profile"), report);
    }
    for name in names
        .iter()
        .filter(|name| !known.clone().any(|known| known == **name))
    {
        let hint = schema::name_hint(name, known.clone());
        item.note(
            Problem::new("no profile has this name").with_hint(hint),
            report,
        );
    }
    Some(names.into_iter().map(str::to_owned).collect())
}

fn rate(item: &Item<'_>, report: &mut Report<'_>) -> Option<u32> {
    let number = item.integer(report)?;
    match u32::try_from(number) {
        Ok(rate @ 1..=1_000_000) => Some(rate),
        _ => {
            item.note(Problem::new("not between 1 and 1000000"), report);
            None
        }
    }
}

/// An empty list is no rule: it reads like nothing, and would allow everything.
fn rules(item: &Item<'_>, report: &mut Report<'_>) -> Vec<Rule> {
    let sections = item.sections(report);
    if sections.as_ref().is_some_and(Vec::is_empty) {
        let hint = "leave it out to allow everything below the API base";
        item.note(Problem::new("allows nothing").with_hint(hint), report);
    }
    let sections = sections.unwrap_or_default();
    let mut rules = Vec::new();
    for mut section in sections {
        let mut words = |name: &'static str, is_good: fn(&str) -> bool, hint: &str| {
            let Some(item) = section.take(name) else {
                return Vec::new();
            };
            let words = item.strings(report);
            if words.as_ref().is_some_and(Vec::is_empty) {
                item.note(
                    Problem::new("names none").with_hint("leave it out for all"),
                    report,
                );
            }
            let words = words.unwrap_or_default();
            if words.iter().any(|word| !is_good(word)) {
                item.note(Problem::new("not well-formed").with_hint(hint), report);
            }
            words.into_iter().map(str::to_owned).collect()
        };
        rules.push(Rule {
            methods: words("methods", is_method, "write methods as [\"GET\", \"POST\"]"),
            paths: words(
                "paths",
                is_path,
                "write paths as [\"/v3/start\", \"/v3/identity/*\"]",
            ),
        });
        section.finish(report);
    }
    rules
}

fn is_method(word: &str) -> bool {
    (1..=20).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// A star stands at the end alone, for there it can be read in one way.
fn is_path(path: &str) -> bool {
    let fixed = path.strip_suffix('*').unwrap_or(path);
    fixed.starts_with('/')
        && fixed
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !b"*?#%\\;".contains(&byte))
        && !fixed.split('/').any(|part| part == ".." || part == ".")
}
