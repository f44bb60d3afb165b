//! What the file says about the service: where it listens, who may call, and what it
//! writes to files.

mod address;
mod caller;
mod sink;

use std::path::PathBuf;

pub use self::address::ListenAddress;
pub use self::caller::{Caller, HandsOut, Identity, Rule};
pub use self::sink::ServiceSink;
use crate::document::{Item, Report, Section};
use crate::error::Problem;
use crate::schema;

/// The table `[service]`.
///
/// A front end may also make one by hand, from [`default`](Default::default).
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ServiceSettings {
    /// Where callers come. Default: a Unix socket in the service's run-time folder.
    pub listen: Vec<ListenAddress>,
    /// Where operators come: a Unix socket or loopback.
    pub admin_listen: Option<ListenAddress>,
    /// Where probes come, to look only.
    pub health_listen: Option<ListenAddress>,
    /// The certificate for `tls:` addresses.
    pub tls: Option<Tls>,
    /// Who may call. Without any, whoever the Unix socket's mode lets in: its owner.
    pub callers: Vec<Caller>,
    /// Files in which tokens are kept fresh.
    pub sinks: Vec<ServiceSink>,
}

/// A certificate and its key, both in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tls {
    /// The chain, the server's own certificate first.
    pub certificate_file: PathBuf,
    /// Its private key.
    pub key_file: PathBuf,
}

impl Tls {
    /// A pair of files.
    pub fn new(certificate_file: PathBuf, key_file: PathBuf) -> Self {
        Self {
            certificate_file,
            key_file,
        }
    }
}

/// Takes the table `[service]`, which may name the profiles of `is_profile`.
pub(crate) fn read<'n>(
    root: &mut Section<'_>,
    profiles: impl Iterator<Item = &'n str> + Clone,
    report: &mut Report<'_>,
) -> Option<ServiceSettings> {
    let item = root.take("service")?;
    let mut section = item.section(report)?;
    let settings = ServiceSettings {
        listen: addresses(&mut section, report),
        admin_listen: address(&mut section, "admin_listen", report),
        health_listen: address(&mut section, "health_listen", report),
        tls: section.take("tls").and_then(|item| tls(&item, report)),
        callers: caller::read(&mut section, profiles.clone(), report),
        sinks: sink::read(&mut section, profiles, report),
    };
    check(&item, &settings, report);
    section.finish(report);
    Some(settings)
}

fn addresses(section: &mut Section<'_>, report: &mut Report<'_>) -> Vec<ListenAddress> {
    let Some(item) = section.take("listen") else {
        return Vec::new();
    };
    let texts = item.strings(report).unwrap_or_default();
    let parsed = texts
        .into_iter()
        .filter_map(|text| listen(&item, text, report));
    parsed.collect()
}

fn address(
    section: &mut Section<'_>,
    name: &'static str,
    report: &mut Report<'_>,
) -> Option<ListenAddress> {
    let item = section.take(name)?;
    let text = item.string(report)?;
    listen(&item, text, report)
}

fn listen(item: &Item<'_>, text: &str, report: &mut Report<'_>) -> Option<ListenAddress> {
    text.parse()
        .map_err(|problem: Problem| item.note(problem, report))
        .ok()
}

fn tls(item: &Item<'_>, report: &mut Report<'_>) -> Option<Tls> {
    let mut section = item.section(report)?;
    let mut file = |name: &'static str| {
        let found = section.take(name);
        let path = found.as_ref().and_then(|item| schema::path(item, report));
        if found.is_none() {
            item.note(Problem::new(format!("has no {name}")), report);
        }
        path
    };
    let (certificate_file, key_file) = (file("certificate_file"), file("key_file"));
    section.finish(report);
    Some(Tls {
        certificate_file: certificate_file?,
        key_file: key_file?,
    })
}

/// What would open the service to people who are not meant.
fn check(item: &Item<'_>, settings: &ServiceSettings, report: &mut Report<'_>) {
    let admin = settings.admin_listen.as_ref();
    let health = settings.health_listen.as_ref();
    let any = |is: fn(&ListenAddress) -> bool| settings.listen.iter().any(is);
    let has_keys = settings
        .callers
        .iter()
        .any(|caller| matches!(caller.identity, Identity::KeyHash(_)));
    for (is_wrong, message, hint) in [
        (
            any(ListenAddress::is_public_and_plain),
            "listens in plain text where other machines can connect",
            "use tls:ADDRESS:PORT with a certificate, a loopback address, or a Unix socket",
        ),
        (
            admin.is_some_and(|admin| !admin.is_private()),
            "admin_listen is neither a loopback address nor a Unix socket",
            "operators come from this machine alone, as by ssh",
        ),
        (
            admin.into_iter().chain(health).any(ListenAddress::is_tls),
            "admin_listen and health_listen have no TLS",
            "write ADDRESS:PORT: they show no secret",
        ),
        (
            any(ListenAddress::is_tls) && settings.tls.is_none(),
            "listens with TLS and has no certificate",
            "add tls = { certificate_file = \"…\", key_file = \"…\" }",
        ),
        (
            any(|address| !address.is_unix()) && !has_keys,
            "listens on TCP and has no caller with a key",
            "add one with prove-tokend caller add, or listen on a Unix socket alone",
        ),
    ] {
        if is_wrong {
            item.note(Problem::new(message).with_hint(hint), report);
        }
    }
}

#[cfg(test)]
mod tests;
