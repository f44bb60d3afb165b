//! The wire cases over a real connection, and the requests that are sent.

mod format;
mod request;

pub(crate) use request::FORM;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, UNIX_EPOCH};

use prove_token::{AccessToken, AccessTokenRequest, Clock, Error, SystemClock, TokenClient};
use prove_token_tests::canary::{self, TOKEN};
use prove_token_tests::client;
use prove_token_tests::http::{Request, Server, Then, answer};
use prove_token_tests::wire::{Answer, Case, Response, cases};

/// What reads well on one line of a log.
const LONGEST_TEXT: usize = 600;

/// All of them, each by its name: one that fails does not hide the others.
#[test]
fn every_case_comes_out_as_it_says() {
    let cases = cases();
    assert!(cases.len() > 400, "only {} cases were found", cases.len());
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    let work = || {
        while let Some((name, case)) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            let problems = match case {
                Ok(case) => run(case),
                Err(problem) => vec![format!("it cannot be read: {problem}")],
            };
            let lines = problems.iter().map(|problem| format!("{name}: {problem}"));
            failures.lock().unwrap().extend(lines);
        }
    };
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(work);
        }
    });
    let mut failures = failures.into_inner().unwrap();
    failures.sort();
    assert!(
        failures.is_empty(),
        "of {} wire cases, these went wrong:\n{}",
        cases.len(),
        failures.join("\n")
    );
}

/// A date is the one thing that cannot be data: it has to be near.
#[tokio::test]
async fn a_retry_after_date_soon_is_the_time_until_then() {
    // Dates have whole seconds: what is shown is a little less than 90 s away.
    let in_90_s = UNIX_EPOCH + SystemClock.now().wall + Duration::from_secs(90);
    let in_90_s = httpdate::fmt_http_date(in_90_s);
    let date = [("Retry-After", &*in_90_s)];
    let busy = answer(503, &date, "");
    let server = Server::playing(vec![busy], Then::KeepOpen);
    let client = client::client(server.endpoint());
    let error = client.access_token().await.unwrap_err();
    let wait = error.retry_after().unwrap();
    let range = Duration::from_secs(85)..=Duration::from_secs(90);
    assert!(range.contains(&wait), "{wait:?} for {in_90_s}");
    assert_eq!(server.requests().len(), 1);
}

/// What is wrong with the outcome of one case.
fn run(case: &Case) -> Vec<String> {
    let answers = case.answers.iter().map(Answer::to_bytes);
    let server = Server::playing(answers.collect(), Then::KeepOpen);
    let scope = case.ask.scope.parse().unwrap();
    let client = client::builder(server.endpoint())
        .request(AccessTokenRequest::new().scope(scope))
        .accept_narrower_scope(case.ask.accept_narrower_scope)
        .build()
        .unwrap();
    let outcome = ask(&client);
    let requests = server.requests();
    let mut problems = Vec::new();
    check(&mut problems, "requests", requests.len(), case.requests);
    for request in &requests {
        problems.extend(request_problems(request, &case.ask.scope));
    }
    match (&outcome, case.expect.lifetime) {
        (Ok(token), Some(_)) => problems.extend(token_problems(token, case)),
        (Err(error), None) => problems.extend(error_problems(error, case)),
        (Ok(_), None) => problems.push("a token came, where an error was expected".to_owned()),
        (Err(error), Some(_)) => problems.push(format!("a token was expected, not {error:?}")),
    }
    problems
}

fn ask(client: &TokenClient) -> Result<AccessToken, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(client.access_token())
}

/// Every request is the same: each field once, and no trace of earlier answers.
fn request_problems(request: &Request, scope: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let lines = request.head.lines().skip(1);
    let names = lines.filter_map(|line| line.split(':').next());
    let mut names: Vec<_> = names.map(str::to_ascii_lowercase).collect();
    names.sort();
    check(
        &mut problems,
        "header fields",
        names.join(" "),
        "accept accept-encoding content-length content-type host user-agent".to_owned(),
    );
    let mut body = FORM.to_owned();
    if !scope.is_empty() {
        body.push_str(&format!("&scope={}", scope.replace(' ', "+")));
    }
    check(&mut problems, "request body", &*request.body, &*body);
    problems
}

fn token_problems(token: &AccessToken, case: &Case) -> Vec<String> {
    let expect = &case.expect;
    let mut problems = Vec::new();
    let value = expect.token.as_deref().unwrap_or(TOKEN);
    let header = token.authorization_header();
    check(
        &mut problems,
        "lifetime",
        Some(token.lifetime()),
        expect.lifetime.map(Duration::from_secs),
    );
    check(&mut problems, "token", token.value(), value);
    check(
        &mut problems,
        "header",
        header.as_bytes(),
        format!("Bearer {value}").as_bytes(),
    );
    check(
        &mut problems,
        "scope",
        token.scope().map(ToString::to_string),
        expect.scope.clone(),
    );
    check(
        &mut problems,
        "refresh token and its life",
        (
            token.refresh_token().map(|token| token.expose_secret()),
            token.refresh_expires_in(),
        ),
        (
            expect.refresh_token.as_deref(),
            expect.refresh_expires_in.map(Duration::from_secs),
        ),
    );
    let shown = format!("{token:?} {header:?}");
    if canary::leak(&shown).is_some() {
        problems.push(format!("Debug shows the token: {shown}"));
    }
    problems
}

fn error_problems(error: &Error, case: &Case) -> Vec<String> {
    let expect = &case.expect;
    let mut problems = Vec::new();
    check(
        &mut problems,
        "kind",
        Some(error.kind().as_str()),
        expect.kind.as_deref(),
    );
    let last = case.answer(case.requests - 1).status;
    check(&mut problems, "status", error.http_status(), Some(last));
    check(
        &mut problems,
        "retryable",
        error.is_retryable(),
        expect.retryable,
    );
    check(
        &mut problems,
        "Retry-After",
        error.retry_after(),
        expect.retry_after.map(Duration::from_secs),
    );
    check(
        &mut problems,
        "error object",
        error.error_response().map(response),
        expect.response.clone(),
    );
    problems.extend(text_problems(error, case));
    problems
}

/// One bounded, printable line that says what it should, and no canary anywhere.
fn text_problems(error: &Error, case: &Case) -> Vec<String> {
    let mut problems: Vec<_> = canary::leak_of(error).into_iter().collect();
    let (text, hint) = (error.to_string(), error.hint().unwrap_or_default());
    for (what, shown, pieces) in [
        ("text", &*text, &case.expect.says),
        ("hint", hint, &case.expect.hints),
    ] {
        for piece in pieces.iter().filter(|piece| !shown.contains(&***piece)) {
            problems.push(format!("the {what} does not say {piece:?}: {shown:?}"));
        }
        if shown.chars().any(char::is_control) || shown.chars().count() > LONGEST_TEXT {
            problems.push(format!("the {what} is not one bounded line: {shown:?}"));
        }
    }
    if text.is_empty() || text.ends_with('.') {
        problems.push(format!("not the style of an error: {text:?}"));
    }
    problems
}

fn response(response: &prove_token::ErrorResponse) -> Response {
    Response {
        error: response.error.clone(),
        error_description: response.error_description.clone(),
        error_uri: response.error_uri.clone(),
        code: response.code,
        message: response.message.clone(),
    }
}

fn check<T: PartialEq + std::fmt::Debug>(
    problems: &mut Vec<String>,
    what: &str,
    got: T,
    expected: T,
) {
    if got != expected {
        problems.push(format!("{what}: expected {expected:?}, got {got:?}"));
    }
}
