//! Whether the credentials work, seen by requesting a token with them.

use prove_token::{AccessToken, ErrorKind};
use prove_token_config::{Overrides, Profile, SecretOverride};

use super::answers::Answers;
use super::plan::{Credentials, Plan};
use crate::failure::Failure;
use crate::printable::one_line;
use crate::prompt::{Choice, Prompt};
use crate::session::{Session, Wish};
use crate::times;

/// Requests a token, which is not kept, until that goes well or its owner goes on
/// without.
pub(super) fn run(answers: &Answers<'_>, plan: &mut Plan) -> Result<(), Failure> {
    let console = &answers.context.console;
    if let Some(variable) = not_set(answers, plan) {
        console.notice(&format!("{variable} is not set here: nothing was tried"));
        return Ok(());
    }
    loop {
        console.notice("requesting a token, to see whether the credentials work …");
        let failure = match request(answers, plan) {
            Ok(token) => {
                let left = times::brief(token.expires_in());
                console.notice(&format!("they do: a token for {left}"));
                return Ok(());
            }
            Err(failure) => failure,
        };
        // Ctrl-C is no answer of a server.
        let Some(prompt) = answers.prompt.filter(|_| !failure.is_interruption()) else {
            return Err(
                failure.hint("nothing was written; --no-try writes the profile without a test")
            );
        };
        match next(prompt, answers, &failure)? {
            Next::Again => {}
            Next::TypeAgain => type_again(answers, plan)?,
            Next::Keep => return Ok(()),
            Next::Stop => return Err(failure.hint("nothing was written")),
        }
    }
}

/// The variable of the secret, if it has no value to try.
fn not_set<'p>(answers: &Answers<'_>, plan: &'p Plan) -> Option<&'p str> {
    let variable = plan.variable()?;
    let is_given = plan.credentials.as_ref()?.secret.is_some();
    let is_set = answers.context.env.var_os(variable).is_some();
    (!is_given && !is_set).then_some(variable)
}

fn request(answers: &Answers<'_>, plan: &Plan) -> Result<AccessToken, Failure> {
    let config = plan.edit().preview(answers.path)?;
    let secret = plan
        .credentials
        .as_ref()
        .and_then(|credentials| credentials.secret.clone());
    let overrides = Overrides {
        profile: Some(plan.name.clone()),
        client_secret: secret.map(SecretOverride::Value),
        ..Overrides::default()
    };
    let context = answers.context;
    let profile = Profile::from_config(&overrides, &context.env, Some(&config))?;
    let wish = Wish {
        no_cache: true,
        ..Wish::default()
    };
    Session::open(profile, context.global.timeout, context)?.access_token(wish)
}

enum Next {
    Again,
    TypeAgain,
    Keep,
    Stop,
}

fn next(prompt: &Prompt, answers: &Answers<'_>, failure: &Failure) -> Result<Next, Failure> {
    let console = &answers.context.console;
    console.say(&format!("They do not: {}", one_line(failure.message())));
    for hint in failure.hints() {
        console.notice(&format!("hint: {hint}"));
    }
    let again = match failure.kind() {
        ErrorKind::CredentialsRejected => Choice {
            word: "again",
            meaning: "type the client id and the secret again",
        },
        _ => Choice {
            word: "again",
            meaning: "try once more",
        },
    };
    let keep = Choice {
        word: "keep",
        meaning: "write the profile as it is",
    };
    let stop = Choice {
        word: "stop",
        meaning: "write nothing",
    };
    let index = prompt.choice("What now?", &[again, keep, stop], Some(0))?;
    Ok(match (index, failure.kind()) {
        (0, ErrorKind::CredentialsRejected) => Next::TypeAgain,
        (0, _) => Next::Again,
        (1, _) => Next::Keep,
        _ => Next::Stop,
    })
}

fn type_again(answers: &Answers<'_>, plan: &mut Plan) -> Result<(), Failure> {
    if let Some(Credentials { id, secret, .. }) = &mut plan.credentials {
        *id = answers.ask_client_id()?;
        *secret = Some(answers.ask_secret()?);
    }
    Ok(())
}
