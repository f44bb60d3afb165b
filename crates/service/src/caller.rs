//! Who calls: by a key on TCP, by the kernel's word on the Unix socket.

use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use prove_token_config::{Caller, Identity};

use crate::peer::Peer;
use crate::reply::Refusal;

/// Everybody who may call.
#[derive(Debug, Default)]
pub(crate) struct Callers {
    known: Vec<Arc<Caller>>,
    /// Who may call without being named: the owner of the Unix socket, if there are no
    /// callers.
    owner: Option<Arc<Caller>>,
}

/// The name of the caller that is the service's own user.
const OWNER: &str = "owner";

impl Callers {
    /// `callers`; without any, the service's own user (`uid`) gets `profiles`.
    pub(crate) fn new(callers: &[Caller], uid: u32, profiles: &[String]) -> Self {
        let owner = || Caller::new(OWNER, Identity::Uid(uid), profiles.to_vec());
        Self {
            known: callers.iter().cloned().map(Arc::new).collect(),
            owner: callers.is_empty().then(|| Arc::new(owner())),
        }
    }

    /// Whether the kernel's word decides on the Unix socket, so that everybody may
    /// connect.
    pub(crate) fn are_told_by_the_kernel(&self) -> bool {
        !self.known.is_empty()
    }

    /// Who sent a request with these headers; one answer to whoever is not known.
    pub(crate) fn authenticate(
        &self,
        peer: &Peer,
        headers: &HeaderMap,
    ) -> Result<Arc<Caller>, Refusal> {
        let mut given = headers.get_all(AUTHORIZATION).iter();
        match (given.next(), given.next()) {
            (None, _) => self.by_peer(peer).ok_or_else(Refusal::unauthorized),
            (Some(_), Some(_)) => Err(Refusal::unauthorized()),
            (Some(value), None) => {
                let key = bearer(value.as_bytes()).ok_or_else(Refusal::unauthorized)?;
                self.by_key(key).ok_or_else(Refusal::unauthorized)
            }
        }
    }

    /// The caller of this name, if this is its key.
    pub(crate) fn by_name(&self, name: &str, key: &[u8]) -> Option<Arc<Caller>> {
        self.by_key(key).filter(|caller| caller.name == name)
    }

    /// Takes the same time whoever it is, and whether or not.
    fn by_key(&self, key: &[u8]) -> Option<Arc<Caller>> {
        let given = digest(&SHA256, key);
        let mut found = None;
        for caller in &self.known {
            if let Identity::KeyHash(hash) = &caller.identity
                && verify_slices_are_equal(hash, given.as_ref()).is_ok()
            {
                found = Some(Arc::clone(caller));
            }
        }
        found
    }

    /// The caller that the kernel says it is.
    pub(crate) fn by_peer(&self, peer: &Peer) -> Option<Arc<Caller>> {
        let credentials = peer.credentials()?;
        let is_meant = |caller: &&Arc<Caller>| match caller.identity {
            Identity::Uid(uid) => credentials.uid == uid,
            Identity::Gid(gid) => credentials.gid == gid,
            _ => false,
        };
        self.known.iter().chain(&self.owner).find(is_meant).cloned()
    }
}

/// The key of `Bearer KEY`.
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, key) = value.split_at_checked(7)?;
    let is_bearer = scheme.eq_ignore_ascii_case(b"bearer ");
    (is_bearer && !key.is_empty()).then(|| key.trim_ascii())
}
