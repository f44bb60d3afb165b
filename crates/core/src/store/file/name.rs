//! What files are called: names that reveal nothing, and need no secret to be made.

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};

use super::folder::Folder;
use crate::random;
use crate::store::{Entry, StoreError, StoreErrorKind, StoreKey, lock};

/// The file that holds the key under which names are made.
const KEY: &str = "key";

/// Locked while that file is replaced.
const KEY_LOCK: &str = "key.lock";

const KEY_LENGTH: usize = 32;

/// How a half-written file ends; it begins with 32 hexadecimal digits.
const TEMPORARY: &str = ".tmp";

/// The names of one slot's files.
pub(super) struct Names(String);

impl Names {
    /// The names, or `None` if the folder has no key yet, and so no entries.
    pub(super) fn existing(
        folder: &Folder<'_>,
        slot: &StoreKey,
    ) -> Result<Option<Self>, StoreError> {
        Ok(read_key(folder)?.map(|key| Self::new(&key, slot)))
    }

    /// The names, under a key that is made if there is none, or none to be trusted.
    pub(super) fn ensured(folder: &Folder<'_>, slot: &StoreKey) -> Result<Self, StoreError> {
        let key = match read_key(folder) {
            Ok(Some(key)) => key,
            Ok(None) => make_key(folder)?,
            Err(error) if error.kind() == StoreErrorKind::Unavailable => return Err(error),
            Err(_) => replace_key(folder)?,
        };
        Ok(Self::new(&key, slot))
    }

    fn new(key: &[u8], slot: &StoreKey) -> Self {
        let tag = sign(&Key::new(HMAC_SHA256, key), slot.as_bytes());
        Self(hexadecimal(tag.as_ref()))
    }

    pub(super) fn entry(&self, entry: Entry) -> String {
        match entry {
            Entry::Token => format!("{}.token", self.0),
            Entry::Failure => format!("{}.failure", self.0),
        }
    }

    pub(super) fn lock(&self) -> String {
        format!("{}.lock", self.0)
    }

    pub(super) fn takeover(&self) -> String {
        format!("{}.takeover", self.0)
    }
}

/// What a name in the folder stands for, as far as it may be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Token,
    Failure,
    Temporary,
}

impl Kind {
    /// `None` for all that this store does not call so: the folder may hold files of
    /// its user's.
    pub(super) fn of(name: &str) -> Option<Self> {
        let (stem, extension) = name.split_once('.')?;
        let (kind, digits) = match extension {
            "token" => (Self::Token, 64),
            "failure" => (Self::Failure, 64),
            "tmp" => (Self::Temporary, 32),
            _ => return None,
        };
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        (stem.len() == digits && stem.bytes().all(is_digit)).then_some(kind)
    }
}

/// A name that nothing else has, for a file that is being written.
pub(super) fn temporary() -> Result<String, StoreError> {
    Ok(hexadecimal(&random_bytes::<16>()?) + TEMPORARY)
}

/// The folder's key, or `None` if it has none.
fn read_key(folder: &Folder<'_>) -> Result<Option<Vec<u8>>, StoreError> {
    match folder.read_linked(KEY)? {
        Some(key) if key.len() != KEY_LENGTH => {
            Err(folder.fault(StoreErrorKind::Damaged, KEY, "does not have its 32 bytes"))
        }
        key => Ok(key),
    }
}

/// Of several processes that make the first key at once, one succeeds in linking its
/// own into place, whole, and all read that one.
fn make_key(folder: &Folder<'_>) -> Result<Vec<u8>, StoreError> {
    let temporary = folder.write_temporary(&random_bytes::<KEY_LENGTH>()?)?;
    let linked = folder.link(&temporary, KEY);
    folder.remove(&temporary)?;
    if linked {
        require_key(folder)
    } else {
        // There are file systems without links.
        replace_key(folder)
    }
}

/// A key that cannot be used gives way to a new one; the entries under it are not
/// found any more. Only under a lock: a second process that saw the old key must not
/// replace the new one.
fn replace_key(folder: &Folder<'_>) -> Result<Vec<u8>, StoreError> {
    let file = folder.open_lock(KEY_LOCK)?;
    if !lock::lock(&file)? {
        let text = "is being replaced by another process";
        return Err(folder.fault(StoreErrorKind::Unavailable, KEY, text));
    }
    let key = match read_key(folder) {
        Ok(Some(key)) => Ok(key),
        _ => folder
            .replace(KEY, &random_bytes::<KEY_LENGTH>()?)
            .and_then(|()| require_key(folder)),
    };
    // A child that was forked meanwhile keeps the file open. There is nobody to tell.
    let _ = file.unlock();
    key
}

fn require_key(folder: &Folder<'_>) -> Result<Vec<u8>, StoreError> {
    let gone = || folder.fault(StoreErrorKind::Unavailable, KEY, "was removed meanwhile");
    read_key(folder)?.ok_or_else(gone)
}

fn random_bytes<const N: usize>() -> Result<[u8; N], StoreError> {
    random::bytes().map_err(|error| StoreError::new(StoreErrorKind::Unavailable, error.to_string()))
}

fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_nothing_and_follow_both_keys() {
        let slot = StoreKey::from_digest([7; 32]);
        let names = Names::new(&[1; 32], &slot);
        assert_eq!(Kind::of(&names.entry(Entry::Token)), Some(Kind::Token));
        assert_eq!(Kind::of(&names.entry(Entry::Failure)), Some(Kind::Failure));
        assert!(!names.lock().contains(&hexadecimal(&[7; 4])));
        assert_eq!(names.0, Names::new(&[1; 32], &slot).0);
        assert_ne!(names.0, Names::new(&[2; 32], &slot).0);
        let other = StoreKey::from_digest([8; 32]);
        assert_ne!(names.0, Names::new(&[1; 32], &other).0);
    }

    #[test]
    fn only_names_of_its_own_are_known() {
        assert_eq!(Kind::of(&temporary().unwrap()), Some(Kind::Temporary));
        let hex = "a".repeat(64);
        for name in [
            KEY.to_owned(),
            KEY_LOCK.to_owned(),
            format!("{hex}.lock"),
            format!("{hex}.takeover"),
            format!("{hex}.token.tmp"),
            format!("{}.token", "A".repeat(64)),
            format!("{}g.token", "a".repeat(63)),
            "id_rsa".to_owned(),
            "notes.tmp".to_owned(),
            ".token".to_owned(),
        ] {
            assert_eq!(Kind::of(&name), None, "{name}");
        }
    }
}
