//! The keyring of the Linux kernel: it needs no program, asks nobody, and forgets at
//! the next start.
//!
//! Of its keyrings only the persistent one is reached by all processes of a user,
//! those of `cron` and of services among them. Linking it to the keyring of this thread
//! is what gives access, and puts off its end.

use linux_keyutils::{Key, KeyError, KeyRing, KeyRingIdentifier};
use zeroize::Zeroizing;

use super::SERVICE;
use super::trouble::Trouble;

/// The most that the kernel keeps in one key.
const LONGEST: usize = 32_767;

pub(super) fn check() -> Result<(), Trouble> {
    keyring().map(drop)
}

pub(super) fn read(name: &str) -> Result<Zeroizing<Vec<u8>>, Trouble> {
    let key = find(keyring()?, name)?;
    let mut content = Zeroizing::new(vec![0; LONGEST]);
    let length = key.read(&mut *content).map_err(trouble)?;
    content.truncate(length);
    Ok(content)
}

pub(super) fn save(name: &str, secret: &[u8]) -> Result<(), Trouble> {
    if secret.len() > LONGEST {
        return Err(Trouble::Full);
    }
    let added = keyring()?.add_key(&description(name), secret);
    added.map(drop).map_err(trouble)
}

pub(super) fn remove(name: &str) -> Result<(), Trouble> {
    let keyring = keyring()?;
    keyring.unlink_key(find(keyring, name)?).map_err(trouble)
}

fn keyring() -> Result<KeyRing, Trouble> {
    KeyRing::get_persistent(KeyRingIdentifier::Thread).map_err(|error| match error {
        KeyError::PermissionDenied | KeyError::AccessDenied => {
            Trouble::Unreachable("permission denied".to_owned())
        }
        KeyError::OperationNotSupported | KeyError::Unknown(_) => {
            Trouble::Unreachable("this kernel has none".to_owned())
        }
        other => trouble(other),
    })
}

fn find(keyring: KeyRing, name: &str) -> Result<Key, Trouble> {
    keyring.search(&description(name)).map_err(trouble)
}

fn description(name: &str) -> String {
    format!("{SERVICE}:{name}")
}

fn trouble(error: KeyError) -> Trouble {
    match error {
        KeyError::KeyDoesNotExist | KeyError::KeyRevoked | KeyError::KeyExpired => Trouble::Absent,
        KeyError::QuotaExceeded | KeyError::OutOfMemory => Trouble::Full,
        KeyError::PermissionDenied | KeyError::AccessDenied => Trouble::Locked,
        // Its names are plain words, and it repeats nothing that it was given.
        other => Trouble::Unreachable(format!("the kernel says {other:?}")),
    }
}
