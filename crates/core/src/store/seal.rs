//! An entry sealed: encrypted, and bound to its slot. Pure, but for the random salt.
//!
//! ```text
//! magic 7 | version 1 | ends 8 | salt 32 | nonce 12 | ciphertext | tag 16
//! ```
//!
//! AES-256-GCM, by a key that HKDF-SHA256 derives from the client secret and the salt.
//! The associated data is everything before the ciphertext, the kind of the entry and
//! the slot's key. So an entry opens with the secret it was sealed with, in its own
//! place, unaltered, or not at all.

use std::time::Duration;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use zeroize::Zeroizing;

use super::{Entry, LARGEST_ENTRY, StoreKey};
use crate::credentials::ClientSecret;
use crate::error::{Error, ErrorKind};
use crate::random;

const MAGIC: [u8; 8] = *b"prvtokn\x01";
const ENDS: usize = MAGIC.len();
const SALT: usize = ENDS + 8;
const NONCE: usize = SALT + 32;

/// The bytes before the ciphertext.
pub(crate) const HEADER: usize = NONCE + 12;

const TAG: usize = 16;

/// Keeps keys for other purposes apart, should the secret ever serve one.
const PURPOSE: &[u8] = b"prove-token store entry";

/// Why an entry does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Defect {
    /// Too short to be an entry, or larger than one may be.
    Length,
    /// Not an entry, or one of another version of the format.
    Version,
    /// Altered, of another slot, or sealed with another secret.
    Seal,
}

/// Seals `plain` for its place. `ends` is the wall time, since 1970, from which it is
/// worth nothing; it can be read without the secret.
///
/// # Errors
///
/// `Internal` if the entry would be larger than [`LARGEST_ENTRY`], or there are no
/// random bytes.
pub(crate) fn seal(
    key: &StoreKey,
    entry: Entry,
    secret: &ClientSecret,
    ends: Duration,
    plain: &[u8],
) -> Result<Vec<u8>, Error> {
    let length = HEADER + plain.len() + TAG;
    if length > LARGEST_ENTRY {
        return Err(unsealable("it is too large"));
    }
    let ends = u64::try_from(ends.as_millis()).unwrap_or(u64::MAX);
    let mut sealed = Vec::with_capacity(length);
    sealed.extend_from_slice(&MAGIC);
    sealed.extend_from_slice(&ends.to_le_bytes());
    sealed.extend_from_slice(&random::bytes::<{ HEADER - SALT }>()?);
    let header = header_of(&sealed).ok_or_else(|| unsealable("its header is incomplete"))?;
    sealed.extend_from_slice(plain);
    let tag = cipher(&header, secret)
        .seal_in_place_separate_tag(
            nonce(&header),
            Aad::from(associated(&header, key, entry)),
            &mut sealed[HEADER..],
        )
        .map_err(|_| unsealable("the cipher refused it"))?;
    sealed.extend_from_slice(tag.as_ref());
    Ok(sealed)
}

/// What was sealed for this place.
pub(crate) fn open(
    key: &StoreKey,
    entry: Entry,
    secret: &ClientSecret,
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Defect> {
    if sealed.len() < HEADER + TAG || sealed.len() > LARGEST_ENTRY {
        return Err(Defect::Length);
    }
    let header = header_of(sealed).ok_or(Defect::Version)?;
    let mut plain = Zeroizing::new(sealed[HEADER..].to_vec());
    let length = cipher(&header, secret)
        .open_in_place(
            nonce(&header),
            Aad::from(associated(&header, key, entry)),
            &mut plain,
        )
        .map_err(|_| Defect::Seal)?
        .len();
    plain.truncate(length);
    Ok(plain)
}

/// When a sealed entry ends: the wall time, since 1970, from which it is worth
/// nothing. `None` if it is no entry of this version.
///
/// It is read from the clear start of the entry (60 bytes are enough), so it serves
/// to tidy up and to inform: only a client that opens the entry knows that nobody
/// changed it.
pub fn ends(sealed: &[u8]) -> Option<Duration> {
    let header = header_of(sealed)?;
    let ends = header[ENDS..SALT].try_into().ok()?;
    Some(Duration::from_millis(u64::from_le_bytes(ends)))
}

/// The header, if it is one of this version.
fn header_of(sealed: &[u8]) -> Option<[u8; HEADER]> {
    let header: &[u8; HEADER] = sealed.first_chunk()?;
    header.starts_with(&MAGIC).then_some(*header)
}

/// Each entry has a key of its own, by its salt.
fn cipher(header: &[u8; HEADER], secret: &ClientSecret) -> LessSafeKey {
    let key: UnboundKey = Salt::new(HKDF_SHA256, &header[SALT..NONCE])
        .extract(secret.expose_secret().as_bytes())
        .expand(&[PURPOSE], &AES_256_GCM)
        .expect("a key is shorter than what HKDF can give")
        .into();
    LessSafeKey::new(key)
}

fn nonce(header: &[u8; HEADER]) -> Nonce {
    Nonce::try_assume_unique_for_key(&header[NONCE..]).expect("the rest of the header is a nonce")
}

fn associated(header: &[u8; HEADER], key: &StoreKey, entry: Entry) -> [u8; HEADER + 33] {
    let mut data = [0; HEADER + 33];
    data[..HEADER].copy_from_slice(header);
    data[HEADER] = match entry {
        Entry::Token => 1,
        Entry::Failure => 2,
    };
    data[HEADER + 1..].copy_from_slice(key.as_bytes());
    data
}

fn unsealable(why: &str) -> Error {
    Error::new(
        ErrorKind::Internal,
        format!("the entry cannot be sealed: {why}"),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ENDS_AT: Duration = Duration::from_millis(1_700_000_000_123);
    const PLAIN: &[u8] = b"canary.token.77aa";

    fn key(byte: u8) -> StoreKey {
        StoreKey::from_digest([byte; 32])
    }

    fn secret(text: &str) -> ClientSecret {
        ClientSecret::new(text).unwrap()
    }

    fn sealed() -> Vec<u8> {
        seal(&key(1), Entry::Token, &secret("s"), ENDS_AT, PLAIN).unwrap()
    }

    fn opened(sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Defect> {
        open(&key(1), Entry::Token, &secret("s"), sealed)
    }

    #[test]
    fn it_opens_in_its_own_place_with_its_own_secret() {
        let sealed = sealed();
        assert_eq!(opened(&sealed).unwrap().as_slice(), PLAIN);
        assert_eq!(ends(&sealed), Some(ENDS_AT));
        for (key, entry, secret) in [
            (key(2), Entry::Token, secret("s")),
            (key(1), Entry::Failure, secret("s")),
            (key(1), Entry::Token, secret("S")),
        ] {
            let outcome = open(&key, entry, &secret, &sealed);
            assert_eq!(outcome.unwrap_err(), Defect::Seal, "{entry:?}");
        }
    }

    #[test]
    fn it_does_not_open_when_it_is_cut_or_lengthened() {
        let mut sealed = sealed();
        for length in 0..sealed.len() {
            let defect = opened(&sealed[..length]).unwrap_err();
            let short = length < HEADER + TAG;
            let expected = if short { Defect::Length } else { Defect::Seal };
            assert_eq!(defect, expected, "{length}");
            // What tidies up reads the start alone.
            assert_eq!(ends(&sealed[..length]).is_some(), length >= HEADER);
        }
        sealed.push(0);
        assert_eq!(opened(&sealed).unwrap_err(), Defect::Seal);
    }

    #[test]
    fn it_does_not_open_when_any_bit_is_flipped() {
        let sealed = sealed();
        for at in 0..sealed.len() {
            for bit in 0..8 {
                let mut flipped = sealed.clone();
                flipped[at] ^= 1 << bit;
                let in_magic = at < MAGIC.len();
                let expected = if in_magic {
                    Defect::Version
                } else {
                    Defect::Seal
                };
                assert_eq!(opened(&flipped).unwrap_err(), expected, "byte {at}");
                assert_eq!(ends(&flipped).is_none(), in_magic);
            }
        }
    }

    #[test]
    fn two_seals_of_one_text_have_nothing_in_common() {
        let (one, other) = (sealed(), sealed());
        assert_eq!(one[..SALT], other[..SALT]);
        let alike = one[SALT..].iter().zip(&other[SALT..]);
        // By chance one byte in 256 is.
        assert!(alike.filter(|(a, b)| a == b).count() < 20);
    }

    #[test]
    fn neither_the_secret_nor_the_text_shows() {
        let (canary, wrong) = (secret("canary-9b1e"), secret("s"));
        let sealed = seal(&key(1), Entry::Token, &canary, ENDS_AT, PLAIN).unwrap();
        let holds = |part: &[u8]| sealed.windows(part.len()).any(|window| window == part);
        assert!(!holds(b"canary"));
        assert!(!holds(&[1; 32]), "the slot's key");
        let other = open(&key(1), Entry::Token, &wrong, &sealed);
        assert!(!format!("{other:?}").contains("canary"));
    }

    #[test]
    fn the_largest_entry_is_64_kib() {
        let most = LARGEST_ENTRY - HEADER - TAG;
        let seal = |length| {
            seal(
                &key(1),
                Entry::Token,
                &secret("s"),
                ENDS_AT,
                &vec![7; length],
            )
        };
        let sealed = seal(most).unwrap();
        assert_eq!(sealed.len(), LARGEST_ENTRY);
        assert_eq!(opened(&sealed).unwrap().len(), most);
        assert_eq!(seal(most + 1).unwrap_err().kind(), ErrorKind::Internal);
        let larger = [sealed.as_slice(), &[0]].concat();
        assert_eq!(opened(&larger).unwrap_err(), Defect::Length);
    }

    #[test]
    fn an_end_in_the_farthest_future_is_kept() {
        let sealed = seal(&key(1), Entry::Failure, &secret("s"), Duration::MAX, b"").unwrap();
        assert_eq!(ends(&sealed), Some(Duration::from_millis(u64::MAX)));
        let plain = open(&key(1), Entry::Failure, &secret("s"), &sealed).unwrap();
        assert!(plain.is_empty());
    }

    proptest! {
        #[test]
        fn any_text_goes_round(plain: Vec<u8>, digest: [u8; 32], ends_at: u64, text in "\\PC+") {
            let (key, secret) = (StoreKey::from_digest(digest), secret(&text));
            let at = Duration::from_millis(ends_at);
            let sealed = seal(&key, Entry::Failure, &secret, at, &plain).unwrap();
            prop_assert_eq!(ends(&sealed), Some(at));
            let opened = open(&key, Entry::Failure, &secret, &sealed).unwrap();
            prop_assert_eq!(opened.as_slice(), plain.as_slice());
        }

        #[test]
        fn no_other_bytes_open(bytes: Vec<u8>, begun: bool) {
            let start = if begun { sealed()[..HEADER].to_vec() } else { Vec::new() };
            let bytes = [start, bytes].concat();
            prop_assert!(opened(&bytes).is_err());
        }
    }
}
