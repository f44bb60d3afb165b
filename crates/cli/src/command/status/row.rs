//! How one profile stands.

use std::time::{Duration, SystemTime};

use prove_token::store::MissReason;
use prove_token::{AccessToken, Clock as _, ErrorKind, SystemClock, TokenStatus};
use prove_token_config::{Profile, Store, Target};
use serde_json::{Value, json};

use super::Candidate;
use crate::command::Context;
use crate::failure::Failure;
use crate::session::Session;
use crate::times;

/// A profile, and what is known of its token.
pub(super) struct Row {
    pub(super) name: String,
    pub(super) is_default: bool,
    /// The environment, or the host of the token endpoint.
    pub(super) place: String,
    /// Where the secret is kept, in words.
    pub(super) secret: String,
    pub(super) kept: Kept,
    /// What failed last, or what is wrong with the profile.
    pub(super) failure: Option<Failure>,
}

/// What is known of the token that is kept.
pub(super) enum Kept {
    /// It was opened, and can be used.
    Usable { life: Life, renewal_in: Duration },
    /// It was not opened, for which the secret is needed: when it ends, as its entry
    /// says.
    Closed { until: SystemTime },
    /// There is none that can be used; perhaps for a reason.
    Nothing(Option<MissReason>),
    /// A run's token ends with it.
    Fleeting(Store),
}

/// How much of a life is left.
#[derive(Clone, Copy)]
pub(super) struct Life {
    pub(super) left: Duration,
    pub(super) whole: Duration,
    ends: SystemTime,
}

impl Life {
    fn of(token: &AccessToken) -> Self {
        Self {
            left: token.expires_in(),
            whole: token.lifetime(),
            ends: token.expires_at(),
        }
    }
}

impl Row {
    /// Looks at the profile. The secret is read where that runs no command, or if
    /// `reads_all`.
    pub(super) fn of(
        candidate: Candidate,
        reads_all: bool,
        context: &Context,
    ) -> Result<Self, Failure> {
        let mut row = Self {
            name: candidate.name,
            is_default: candidate.is_default,
            place: String::new(),
            secret: String::new(),
            kept: Kept::Nothing(None),
            failure: None,
        };
        match candidate.profile {
            Ok(profile) => row.look(profile, reads_all, context)?,
            Err(error) => row.failure = Some(error.into()),
        }
        Ok(row)
    }

    fn look(
        &mut self,
        profile: Profile,
        reads_all: bool,
        context: &Context,
    ) -> Result<(), Failure> {
        self.place = place(&profile);
        self.secret = secret(&profile);
        if profile.store != Store::File {
            self.kept = Kept::Fleeting(profile.store);
            self.failure = profile
                .store_problem
                .clone()
                .map(|problem| Failure::new(ErrorKind::Configuration, problem.to_string()));
            return Ok(());
        }
        let may_read = reads_all || !profile.reads_secret_slowly();
        let session = Session::open(profile, context.global.timeout, context)?;
        if !may_read {
            let until = session.stored_until()?;
            let lives = until.filter(|until| !left_until(*until).is_zero());
            self.kept = lives.map_or(Kept::Nothing(None), |until| Kept::Closed { until });
            return Ok(());
        }
        match session.status() {
            Ok(status) => self.take(status),
            // Asked to end, it looks at no other.
            Err(failure) if failure.is_interruption() => return Err(failure),
            Err(failure) => self.failure = Some(failure),
        }
        Ok(())
    }

    fn take(&mut self, status: TokenStatus) {
        self.failure = status.failure.map(Failure::from);
        self.kept = match (status.token, status.renewal_in) {
            (Some(token), Some(renewal_in)) => Kept::Usable {
                life: Life::of(&token),
                renewal_in,
            },
            _ => Kept::Nothing(status.missed.filter(|reason| *reason != MissReason::Absent)),
        };
    }

    /// Whether there is a token with at least so much to live, as far as that is known.
    pub(super) fn lives_for(&self, least: Duration) -> bool {
        let left = match &self.kept {
            Kept::Usable { life, .. } => life.left,
            Kept::Closed { until } => left_until(*until),
            Kept::Nothing(_) | Kept::Fleeting(_) => return false,
        };
        left >= least
    }

    pub(super) fn to_json(&self) -> Value {
        let mut object = json!({
            "profile": self.name,
            "default": self.is_default,
            "environment": self.place,
            "secret": self.secret,
            "failure": self.failure.as_ref().map(Failure::to_json),
        });
        match &self.kept {
            Kept::Usable { life, renewal_in } => {
                object["token"] = token(life.ends, life.left);
                object["token"]["lifetime"] = json!(life.whole.as_secs());
                object["token"]["verified"] = json!(true);
                object["renewal_in"] = json!(renewal_in.as_secs());
            }
            Kept::Closed { until } => {
                object["token"] = token(*until, left_until(*until));
                object["token"]["verified"] = json!(false);
            }
            Kept::Nothing(reason) => {
                object["token"] = Value::Null;
                object["missed"] = json!(reason.map_or("absent", MissReason::as_str));
            }
            Kept::Fleeting(store) => {
                object["token"] = Value::Null;
                object["store"] = json!(store.as_str());
            }
        }
        object
    }
}

fn token(ends: SystemTime, left: Duration) -> Value {
    let epoch = times::epoch(ends);
    json!({
        "expires_in": left.as_secs(),
        "expires_at": epoch,
        "expires_at_rfc3339": i64::try_from(epoch).ok().and_then(times::rfc3339),
    })
}

pub(super) fn left_until(end: SystemTime) -> Duration {
    let now = SystemTime::UNIX_EPOCH + SystemClock.now().wall;
    end.duration_since(now).unwrap_or_default()
}

fn place(profile: &Profile) -> String {
    match &profile.target {
        Target::Environment(environment) => environment.as_str().to_owned(),
        Target::Emulator { .. } => "emulator".to_owned(),
        _ => {
            let origin = profile
                .token_endpoint
                .as_ref()
                .map(|endpoint| endpoint.origin());
            let origin = origin.unwrap_or_default();
            origin.trim_start_matches("https://").to_owned()
        }
    }
}

/// The row of `config show`, which says where the secret is.
fn secret(profile: &Profile) -> String {
    let rows = profile.explain();
    let row = rows.into_iter().find(|row| row.key == "client_secret");
    row.map_or_else(String::new, |row| row.value)
}
