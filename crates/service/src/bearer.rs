//! Local bearers: what the façade hands out in place of the token to callers that are
//! not to have it. The proxy accepts them, and nothing else does.
//!
//! A bearer is the caller's name, the profile it is for, its end, and a seal over these.
//! Each caller's sealing key is derived from the state key and from how the caller is
//! known, so a bearer outlives a restart, and dies when the caller is removed or gets
//! another key. Nothing is kept of the bearers themselves.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use prove_token::{Clock as _, SystemClock};
use prove_token_config::{Caller, HandsOut, Identity};
use zeroize::Zeroizing;

use crate::state::StateKey;

/// What a bearer begins with, and what is between its parts: no name has it.
const PREFIX: &str = "ptb1";
const BETWEEN: char = '~';

/// How long a bearer lives: as long as the token that it stands for, within these.
/// Official SDKs ask again for every call if it is a minute or less.
const SHORTEST: Duration = Duration::from_secs(300);
const LONGEST: Duration = Duration::from_secs(3600);

/// Makes and checks the bearers of all callers that get them.
pub(crate) struct Bearers {
    keys: BTreeMap<String, hmac::Key>,
    /// For names that nobody has: to refuse them takes as long.
    nobody: hmac::Key,
}

/// A bearer that is good now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bearer<'b> {
    /// The caller's name.
    pub(crate) caller: &'b str,
    /// The profile it is for; `None` for all that the caller may use.
    pub(crate) profile: Option<&'b str>,
}

impl Bearers {
    pub(crate) fn new(state: &StateKey, callers: &[Caller]) -> Self {
        let gets_them = |caller: &&Caller| caller.hands_out == HandsOut::Proxy;
        let key = |caller: &Caller| (caller.name.clone(), sealing_key(state, caller));
        Self {
            keys: callers.iter().filter(gets_them).map(key).collect(),
            nobody: hmac::Key::new(hmac::HMAC_SHA256, state.bytes()),
        }
    }

    /// A bearer for the caller of this name, and how long it lives, given how long the
    /// token does. `None` if the caller gets none.
    pub(crate) fn issue(
        &self,
        caller: &str,
        profile: Option<&str>,
        token: Duration,
    ) -> Option<(Zeroizing<String>, Duration)> {
        let key = self.keys.get(caller)?;
        let life = token.clamp(SHORTEST, LONGEST);
        let end = now().saturating_add(life.as_secs());
        let profile = profile.unwrap_or_default();
        let content = format!("{PREFIX}{BETWEEN}{caller}{BETWEEN}{profile}{BETWEEN}{end}");
        let seal = URL_SAFE_NO_PAD.encode(hmac::sign(key, content.as_bytes()));
        let bearer = Zeroizing::new(format!("{content}{BETWEEN}{seal}"));
        Some((bearer, Duration::from_secs(life.as_secs())))
    }

    /// What `text` stands for, if it is one of these bearers and has not ended.
    pub(crate) fn check<'b>(&self, text: &'b str) -> Option<Bearer<'b>> {
        let (content, seal) = text.rsplit_once(BETWEEN)?;
        let mut parts = content.split(BETWEEN);
        let mut part = || parts.next();
        let (prefix, caller, profile, end) = (part()?, part()?, part()?, part()?);
        if prefix != PREFIX || part().is_some() {
            return None;
        }
        let seal = URL_SAFE_NO_PAD.decode(seal).ok()?;
        let known = self.keys.get(caller);
        // In constant time.
        let is_good = hmac::verify(known.unwrap_or(&self.nobody), content.as_bytes(), &seal);
        is_good.ok()?;
        known?;
        let end: u64 = end.parse().ok()?;
        (now() < end).then_some(Bearer {
            caller,
            profile: Some(profile).filter(|profile| !profile.is_empty()),
        })
    }
}

/// The key for the bearers of one caller.
fn sealing_key(state: &StateKey, caller: &Caller) -> hmac::Key {
    /// As many bytes as a hash has.
    struct Length;

    impl KeyType for Length {
        fn len(&self) -> usize {
            32
        }
    }

    let identity = match caller.identity {
        Identity::KeyHash(hash) => [b"key", &hash[..]].concat(),
        Identity::Uid(uid) => [b"uid", &uid.to_be_bytes()[..]].concat(),
        Identity::Gid(gid) => [b"gid", &gid.to_be_bytes()[..]].concat(),
        _ => Vec::new(),
    };
    let secret = Salt::new(HKDF_SHA256, &identity).extract(state.bytes());
    let info = [b"prove-token local bearer 1 ", caller.name.as_bytes()];
    let mut key = Zeroizing::new([0; 32]);
    let expanded = secret
        .expand(&info, Length)
        .and_then(|okm| okm.fill(&mut *key));
    // Both fail for keys of another length alone.
    debug_assert!(expanded.is_ok());
    hmac::Key::new(hmac::HMAC_SHA256, &*key)
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemClock.coarse().wall.as_secs()
}

/// No key.
impl fmt::Debug for Bearers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bearers")
            .field("callers", &self.keys.keys())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: Duration = Duration::from_secs(1800);

    fn caller(name: &str, hash: u8) -> Caller {
        let mut caller = Caller::new(name, Identity::KeyHash([hash; 32]), vec!["a".into()]);
        caller.hands_out = HandsOut::Proxy;
        caller
    }

    fn bearers(state: u8, callers: &[Caller]) -> Bearers {
        Bearers::new(&StateKey::from([state; 32]), callers)
    }

    #[test]
    fn a_bearer_is_good_for_its_caller_across_restarts() {
        let (text, life) = bearers(1, &[caller("billing", 1)])
            .issue("billing", Some("a"), TOKEN)
            .unwrap();
        assert_eq!(life, TOKEN);
        let again = bearers(1, &[caller("other", 2), caller("billing", 1)]);
        let bearer = again.check(&text).unwrap();
        assert_eq!((bearer.caller, bearer.profile), ("billing", Some("a")));
        let (any, _) = again.issue("billing", None, TOKEN).unwrap();
        assert_eq!(again.check(&any).unwrap().profile, None);
    }

    #[test]
    fn it_dies_with_the_caller_its_key_and_the_state_key() {
        let (text, _) = bearers(1, &[caller("billing", 1)])
            .issue("billing", None, TOKEN)
            .unwrap();
        let mut gets_tokens = caller("billing", 1);
        gets_tokens.hands_out = HandsOut::Token;
        for (state, callers) in [
            (1, vec![]),
            (1, vec![caller("billing", 2)]),
            (1, vec![caller("other", 1)]),
            (1, vec![gets_tokens]),
            (2, vec![caller("billing", 1)]),
        ] {
            assert_eq!(bearers(state, &callers).check(&text), None);
        }
        let by_user = |uid| {
            let mut caller = Caller::new("billing", Identity::Uid(uid), vec![]);
            caller.hands_out = HandsOut::Proxy;
            bearers(1, &[caller])
        };
        let (text, _) = by_user(1).issue("billing", None, TOKEN).unwrap();
        assert!(by_user(1).check(&text).is_some() && by_user(2).check(&text).is_none());
    }

    #[test]
    fn no_part_of_it_can_be_changed() {
        let bearers = bearers(1, &[caller("billing", 1), caller("billing2", 1)]);
        let (text, _) = bearers.issue("billing", Some("a"), TOKEN).unwrap();
        for index in 0..text.len() {
            for other in ["x", "9", "~", ""] {
                let mut changed = text.to_string();
                changed.replace_range(index..=index, other);
                // The last character has bits that mean nothing.
                let is_same = changed == *text || index + 1 == text.len();
                assert!(is_same || bearers.check(&changed).is_none(), "{changed}");
            }
        }
        assert_eq!(bearers.check(&text.replace("billing", "billing2")), None);
        for odd in ["", "~", "~~~~", "ptb1~billing~~9999999999~", "ptk_key"] {
            assert_eq!(bearers.check(odd), None);
        }
    }

    #[test]
    fn its_life_is_the_tokens_within_limits_that_an_sdk_likes() {
        let bearers = bearers(1, &[caller("billing", 1)]);
        for (token, life) in [(0, 300), (90, 300), (1800, 1800), (86_400, 3600)] {
            let issued = bearers.issue("billing", None, Duration::from_secs(token));
            assert_eq!(issued.unwrap().1.as_secs(), life);
        }
        assert!(bearers.issue("nobody", None, TOKEN).is_none());
    }

    #[test]
    fn an_ended_one_is_refused() {
        let bearers = bearers(1, &[caller("billing", 1)]);
        let key = &bearers.keys["billing"];
        let sealed = |end: u64| {
            let content = format!("ptb1~billing~~{end}");
            let seal = URL_SAFE_NO_PAD.encode(hmac::sign(key, content.as_bytes()));
            format!("{content}~{seal}")
        };
        assert!(bearers.check(&sealed(now() + 60)).is_some());
        assert!(bearers.check(&sealed(now())).is_none());
        assert!(bearers.check(&sealed(0)).is_none());
    }

    #[test]
    fn debug_shows_no_key() {
        let shown = format!("{:?}", bearers(7, &[caller("billing", 1)]));
        assert_eq!(shown, r#"Bearers { callers: ["billing"], .. }"#);
    }
}
