//! A desk for each profile, with what keeps it warm: made of the plan, kept through
//! reloads as far as nothing about it is different.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prove_token_config::Profile;
use prove_token_emulator::Emulator;
use tokio::task::JoinHandle;

use crate::chronicle::Chronicle;
use crate::desk::Desk;
use crate::failure::Failure;
use crate::lookout::Lookout;
use crate::plan::Source;
use crate::provider;

/// How long the first token of a new desk is waited for before callers are sent there.
const WARM_UP: Duration = Duration::from_secs(3);

/// Every desk, by the name of its profile.
#[derive(Clone, Debug, Default)]
pub(crate) struct Staff(BTreeMap<String, Arc<Member>>);

/// A desk and what it was made of.
#[derive(Debug)]
pub(crate) struct Member {
    profile: Profile,
    desk: Arc<Desk>,
    /// What is in the file of certificate authorities.
    authorities: Option<u64>,
    /// What was in the file of the secret; zero if there was none.
    secret: AtomicU64,
    /// Keeps the desk's token fresh.
    _keeper: Task,
}

/// Work that ends when nobody holds this any more.
#[derive(Debug)]
pub(crate) struct Task(JoinHandle<()>);

impl Staff {
    /// The staff for `profiles`: whoever is here and whose profile is the same stays,
    /// with client and token. Says in words who is new, and who is gone.
    ///
    /// # Errors
    ///
    /// `Configuration` if no client can be made of a profile, `Internal` if the emulator
    /// does not start. Nothing is changed then.
    pub(crate) fn for_profiles(
        &self,
        profiles: &[Profile],
        source: Option<&Source>,
        lookout: &Arc<Lookout>,
        emulator: &mut Option<Emulator>,
    ) -> Result<(Self, Vec<String>), Failure> {
        let (mut staff, mut changes) = (Self::default(), Vec::new());
        for profile in profiles {
            let name = &profile.name;
            let seen = source
                .map(|source| Seen::of(profile, source))
                .unwrap_or_default();
            let member = match self.0.get(name) {
                Some(member) if member.serves(profile, &seen) => Arc::clone(member),
                other => {
                    let what = if other.is_some() { "changed" } else { "added" };
                    changes.push(format!("profile {name} {what}"));
                    Arc::new(Member::new(profile, &seen, lookout, emulator)?)
                }
            };
            staff.0.insert(name.clone(), member);
        }
        let gone = self.0.keys().filter(|name| !staff.0.contains_key(*name));
        changes.extend(gone.map(|name| format!("profile {name} removed")));
        Ok((staff, changes))
    }

    /// Waits a moment for the first tokens of those who are not `old`: a caller who is
    /// sent from a warm desk to a cold one would have to.
    pub(crate) async fn warm_up(&self, old: &Self) {
        let is_old = |member: &&Arc<Member>| {
            let other = old.0.get(&member.profile.name);
            other.is_some_and(|other| Arc::ptr_eq(other, member))
        };
        let mut first = tokio::task::JoinSet::new();
        for member in self.0.values().filter(|member| !is_old(member)) {
            let client = member.desk.client.clone();
            first.spawn(async move { client.access_token().await.is_ok() });
        }
        // A failure is an event already, and is told to each caller.
        let all = async { while first.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(WARM_UP, all).await;
        first.detach_all();
    }

    /// Has each client read its secret anew, if the file of it holds another one, or if
    /// no file tells and `is_asked`. Says in words whose.
    pub(crate) fn renew_secrets(&self, source: &Source, is_asked: bool) -> Vec<String> {
        let mut changes = Vec::new();
        for member in self.0.values() {
            let now = Seen::of(&member.profile, source).secret;
            // One that is gone for a moment is not another one.
            let has_changed = now != 0 && member.secret.swap(now, Ordering::Relaxed) != now;
            if has_changed || (is_asked && member.profile.has_unwatched_secret()) {
                member.desk.client.credentials_changed();
                changes.push(format!("secret of {} read anew", member.profile.name));
            }
        }
        changes
    }

    /// The desks.
    pub(crate) fn desks(&self) -> BTreeMap<String, Arc<Desk>> {
        let desk =
            |(name, member): (&String, &Arc<Member>)| (name.clone(), Arc::clone(&member.desk));
        self.0.iter().map(desk).collect()
    }

    /// The desk of this profile.
    pub(crate) fn desk(&self, profile: &str) -> Option<&Arc<Desk>> {
        self.0.get(profile).map(|member| &member.desk)
    }
}

/// What is in the files of a profile; nothing, if nobody looks.
#[derive(Default)]
struct Seen {
    authorities: Option<u64>,
    /// Zero if there is none.
    secret: u64,
}

impl Seen {
    fn of(profile: &Profile, source: &Source) -> Self {
        let of = |path: &PathBuf| source.fingerprints.of(path);
        let secret = profile
            .watched_secret_file(&source.env)
            .as_ref()
            .and_then(of);
        Self {
            authorities: profile.ca_file.as_ref().and_then(of),
            secret: secret.map_or(0, |secret| secret.max(1)),
        }
    }
}

impl Member {
    fn new(
        profile: &Profile,
        seen: &Seen,
        lookout: &Arc<Lookout>,
        emulator: &mut Option<Emulator>,
    ) -> Result<Self, Failure> {
        let settled = provider::settle(profile, emulator)?;
        let chronicle = Chronicle::new(&settled.name, lookout);
        let hears = Arc::clone(&chronicle);
        let client = settled
            .client_builder(settled.transport()?.build())?
            .keep_warm(true)
            .on_event(move |event| hears.heard(event))
            .build()?;
        let desk = Arc::new(Desk::new(&settled, client, chronicle)?);
        let kept = Arc::clone(&desk);
        Ok(Self {
            profile: profile.clone(),
            authorities: seen.authorities,
            secret: AtomicU64::new(seen.secret),
            _keeper: Task::spawn(async move { kept.keep().await }),
            desk,
        })
    }

    fn serves(&self, profile: &Profile, seen: &Seen) -> bool {
        self.profile.is_same_as(profile) && self.authorities == seen.authorities
    }
}

impl Task {
    pub(crate) fn spawn(work: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(tokio::spawn(work))
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}
