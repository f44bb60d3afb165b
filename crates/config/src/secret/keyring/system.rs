//! The keyring of the platform: the Secret Service, the Keychain, or the Credential
//! Manager. Each entry is asked for anew, so that no default of the process is set and
//! no connection outlives its use.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

#[cfg(target_os = "macos")]
use apple_native_keyring_store::keychain as platform;
use keyring_core::{CredentialStore, Entry, Error};
#[cfg(windows)]
use windows_native_keyring_store as platform;
#[cfg(all(unix, not(target_os = "macos")))]
use zbus_secret_service_keyring_store as platform;
use zeroize::Zeroizing;

use super::SERVICE;
use super::trouble::Trouble;
use crate::place::printable;

pub(super) fn check() -> Result<(), Trouble> {
    store().map(drop)
}

pub(super) fn read(name: &str) -> Result<Zeroizing<Vec<u8>>, Trouble> {
    let content = entry(name)?.get_secret().map_err(trouble)?;
    Ok(Zeroizing::new(content))
}

pub(super) fn save(name: &str, secret: &[u8]) -> Result<(), Trouble> {
    entry(name)?.set_secret(secret).map_err(trouble)
}

pub(super) fn remove(name: &str) -> Result<(), Trouble> {
    entry(name)?.delete_credential().map_err(trouble)
}

fn store() -> Result<Arc<CredentialStore>, Trouble> {
    let store = platform::Store::new().map_err(trouble)?;
    Ok(store)
}

fn entry(name: &str) -> Result<Entry, Trouble> {
    // What programs that show a keyring call the entry; the others have no such thing.
    let label = format!("prove-token: {name}");
    let label = HashMap::from([("label", label.as_str())]);
    let label = cfg!(all(unix, not(target_os = "macos"))).then_some(&label);
    store()?.build(SERVICE, name, label).map_err(trouble)
}

fn trouble(error: Error) -> Trouble {
    match error {
        Error::NoEntry => Trouble::Absent,
        Error::NoStorageAccess(_) => Trouble::Locked,
        Error::Ambiguous(_) => Trouble::Ambiguous,
        Error::TooLong(..) => Trouble::Full,
        Error::PlatformFailure(reason) => Trouble::Unreachable(one_line(&reason.to_string())),
        // Its other texts may hold what is in the entry.
        _ => Trouble::Unreachable("it gave an answer that is not understood".to_owned()),
    }
}

/// Foreign text on one bounded line.
fn one_line(text: &str) -> String {
    let text: String = text.chars().take(200).collect();
    printable(Path::new(&text))
}
