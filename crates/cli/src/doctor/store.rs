//! Where tokens are kept between runs.

#[cfg(not(unix))]
use std::path::PathBuf;

use prove_token::ClientSecret;
use prove_token_config::{Env, Profile, Store, cache_folder};

use super::finding::{Check, Finding};
use super::limit::Limit;

pub(super) const FOLDER: Check = Check::new("store.folder", "store");
#[cfg(unix)]
const ENTRIES: Check = Check::new("store.entries", "kept tokens");
#[cfg(unix)]
const TOKEN: Check = Check::new("store.token", "own token");

/// Looks at the store of `profile`; with the secret, also at the token that is kept for
/// it. Nothing is kept, renewed or removed.
pub(super) async fn examine(
    profile: &Profile,
    secret: Option<&ClientSecret>,
    limit: &Limit,
) -> Vec<Finding> {
    if let Some(problem) = &profile.store_problem {
        let finding = FOLDER.warning(format!("{}; tokens are not kept", problem.message));
        return vec![finding.maybe_remedy(problem.hint.as_deref())];
    }
    if profile.store != Store::File {
        let word = profile.store.as_str();
        let sentence = format!("store = \"{word}\": nothing is kept between runs");
        return vec![FOLDER.idle(sentence)];
    }
    of_files(profile, secret, limit).await
}

/// As much as there is to see without a profile.
pub(super) async fn examine_folder(env: &Env, limit: &Limit) -> Vec<Finding> {
    match cache_folder(env) {
        Ok(folder) => folder_of_files(folder, limit).await,
        Err(error) => {
            let finding = FOLDER.warning(format!("{error}; tokens are not kept"));
            vec![finding.maybe_remedy(error.hint())]
        }
    }
}

#[cfg(not(unix))]
async fn folder_of_files(_: PathBuf, _: &Limit) -> Vec<Finding> {
    vec![FOLDER.idle("nothing is kept on this system")]
}

#[cfg(not(unix))]
async fn of_files(_: &Profile, _: Option<&ClientSecret>, _: &Limit) -> Vec<Finding> {
    vec![FOLDER.idle("nothing is kept on this system")]
}

#[cfg(unix)]
use self::files::{folder_of_files, of_files};

#[cfg(unix)]
mod files {
    use std::path::{Path, PathBuf};
    use std::time::{Duration, SystemTime};

    use prove_token::store::{FileStore, MissReason, StoreError, StoreErrorKind, StoreSurvey};
    use prove_token::transport::HttpTransport;
    use prove_token::{
        ClientSecret, Clock as _, Credentials, Error, ErrorKind, SystemClock, TokenClient,
        TokenStatus,
    };
    use prove_token_config::{Access, Profile};

    use super::super::finding::Finding;
    use super::super::limit::Limit;
    use super::{ENTRIES, FOLDER, TOKEN};
    use crate::times::{brief, epoch, relative};

    /// A local disk answers in milliseconds.
    const LOOKING: Duration = Duration::from_secs(5);

    pub(super) async fn of_files(
        profile: &Profile,
        secret: Option<&ClientSecret>,
        limit: &Limit,
    ) -> Vec<Finding> {
        let (profile, secret) = (profile.clone(), secret.cloned());
        let Some(path) = profile.cache_folder.clone() else {
            return Vec::new();
        };
        let look = move || {
            let mut findings = folder(&path);
            // What is kept can be looked at where the folder was in order.
            if findings.iter().any(|finding| finding.check == ENTRIES) {
                findings.push(own(&profile, secret.as_ref()));
            }
            findings
        };
        in_time(look, limit).await
    }

    pub(super) async fn folder_of_files(path: PathBuf, limit: &Limit) -> Vec<Finding> {
        in_time(move || folder(&path), limit).await
    }

    /// A network file system may hang.
    async fn in_time(
        look: impl FnOnce() -> Vec<Finding> + Send + 'static,
        limit: &Limit,
    ) -> Vec<Finding> {
        match limit.blocking(LOOKING, look).await {
            Ok((findings, _)) => findings,
            Err(cut) => {
                let finding =
                    FOLDER.failed(ErrorKind::Internal, format!("the folder hangs: {cut}"));
                vec![finding.remedy("set XDG_CACHE_HOME to a folder on a local disk")]
            }
        }
    }

    fn folder(path: &Path) -> Vec<Finding> {
        let store = FileStore::new(path);
        let survey = store
            .try_out()
            .and_then(|()| store.survey(SystemClock.now().wall));
        let shown = path.display();
        match survey {
            Err(error) => vec![broken(path, &error)],
            Ok(None) => vec![FOLDER.good(format!("{shown} is made when a token is first kept"))],
            Ok(Some(survey)) => {
                let access = Access::of(path);
                let access = access.map_or_else(String::new, |access| format!(" {access},"));
                let sentence = format!("{shown}:{access} can be written, and locks work");
                vec![FOLDER.good(sentence), entries(&survey)]
            }
        }
    }

    fn broken(path: &Path, error: &StoreError) -> Finding {
        let (kind, remedy) = match error.kind() {
            StoreErrorKind::Unsafe => (
                ErrorKind::Configuration,
                format!(
                    "run chmod 700 {0}, as its owner; or remove it: it holds nothing that cannot be had again",
                    path.display()
                ),
            ),
            _ => (
                ErrorKind::Internal,
                format!(
                    "see to {} and its parent; or set XDG_CACHE_HOME to a folder on a local disk",
                    path.display()
                ),
            ),
        };
        FOLDER.failed(kind, error.to_string()).remedy(remedy)
    }

    fn entries(survey: &StoreSurvey) -> Finding {
        let mut words = format!("{} of all profiles", survey.tokens);
        if survey.ended > 0 {
            words.push_str(&format!(", {} of them ended", survey.ended));
        }
        if let Some(oldest) = survey.oldest {
            words.push_str(&format!(", the oldest kept {} ago", brief(oldest)));
        }
        if survey.left_over == 0 {
            return ENTRIES.good(words);
        }
        ENTRIES
            .warning(format!("{words}; {} half-written files", survey.left_over))
            .remedy("they go with the next tokens that are kept, or by prove-token purge --all")
    }

    /// The token of this profile, as a command would find it.
    fn own(profile: &Profile, secret: Option<&ClientSecret>) -> Finding {
        let found = client(profile, secret).and_then(|client| match secret {
            Some(_) => client.stored_status(None).map(Found::Opened),
            None => client.stored_until(None).map(Found::Sealed),
        });
        match found {
            Ok(Found::Opened(status)) => opened(&profile.name, &status),
            Ok(Found::Sealed(Some(ends))) => {
                let now = SystemTime::UNIX_EPOCH + SystemClock.now().wall;
                let seconds = |time| i64::try_from(epoch(time)).unwrap_or(i64::MAX);
                let ends = relative(seconds(ends), seconds(now));
                TOKEN.not_tried(format!("it ends {ends}, and opens with the secret alone"))
            }
            Ok(Found::Sealed(None)) => TOKEN.idle("none is kept"),
            Err(error) => TOKEN.not_tried(error.to_string()),
        }
    }

    enum Found {
        Opened(TokenStatus),
        Sealed(Option<SystemTime>),
    }

    /// It never sends: the transport is for the builder's sake.
    fn client(profile: &Profile, secret: Option<&ClientSecret>) -> Result<TokenClient, Error> {
        let mut profile = profile.clone();
        if let (Some(credentials), Some(secret)) = (&profile.credentials, secret) {
            let id = credentials.client_id().clone();
            profile.credentials = Some(Credentials::new(id, secret.clone()));
        }
        profile
            .client_builder(HttpTransport::builder().build())?
            .background_renewal(false)
            .build()
    }

    fn opened(profile: &str, status: &TokenStatus) -> Finding {
        let failure = match &status.failure {
            None => String::new(),
            Some(failure) => format!("; the last request failed: {failure}"),
        };
        if let Some(token) = &status.token {
            let left = brief(token.expires_in());
            return TOKEN.good(format!("it opens, and lives {left}{failure}"));
        }
        match status.missed {
            None | Some(MissReason::Absent) => TOKEN.idle(format!("none is kept{failure}")),
            Some(MissReason::Expired) => {
                TOKEN.idle(format!("the one that is kept has ended{failure}"))
            }
            Some(reason) => TOKEN
                .warning(format!("it cannot be used: {}{failure}", words(reason)))
                .remedy(format!(
                    "the next token takes its place; prove-token purge {profile} removes it now"
                )),
        }
    }

    fn words(reason: MissReason) -> &'static str {
        match reason {
            MissReason::Damaged => "sealed with another secret, or altered since",
            MissReason::FromTheFuture => "from the future: a clock was set back",
            MissReason::Unsafe => "others could have written it",
            other => other.as_str(),
        }
    }

    #[cfg(test)]
    mod tests {
        use super::super::super::finding::Status;
        use super::*;

        #[test]
        fn left_overs_are_a_warning() {
            let mut survey = StoreSurvey::default();
            assert_eq!(entries(&survey).status, Status::Good);
            survey.tokens = 3;
            survey.ended = 1;
            survey.oldest = Some(Duration::from_secs(7260));
            survey.left_over = 2;
            let finding = entries(&survey);
            assert_eq!(finding.status, Status::Warning);
            let words = "3 of all profiles, 1 of them ended, the oldest kept 2h 1m ago; 2 half-written files";
            assert_eq!(finding.sentence, words);
        }

        #[test]
        fn a_token_that_does_not_open_is_explained() {
            let mut status = TokenStatus::default();
            assert_eq!(opened("x", &status).status, Status::NotTried);
            status.missed = Some(MissReason::Damaged);
            let finding = opened("x", &status);
            assert_eq!(finding.status, Status::Warning);
            assert!(finding.remedy.unwrap().contains("purge x"));
        }
    }
}
