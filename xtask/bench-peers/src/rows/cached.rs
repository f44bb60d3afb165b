//! Rows 1 to 3: a token that is at hand, and its header, on one thread and on two.

use std::hint::black_box;
use std::sync::RwLock;

use http::HeaderValue;
use prove_token::TokenClient;
use rustix::time::{ClockId, clock_gettime};
use tokio::runtime::Runtime;

use crate::figure::{self, Outcome};
use crate::meter::{self, Subject, at_once};
use crate::ours::{self, TOKEN_LENGTH};
use crate::peers::{Azure, Google, Smithy, Yup};

const ROUNDS: usize = 25;
const CALLS: u32 = 20_000;
/// Rounds with two threads: many, for on a busy machine few of them count.
const PAIRS: usize = 60;
/// Long enough for both threads to be under way, short enough to be left alone.
const CALLS_OF_A_PAIR: u32 = 100_000;

/// Row 1: from the call to the text of the token.
pub fn one_thread() -> Outcome<()> {
    let runtime = Runtime::new()?;
    let (client, google, azure, smithy, yup) = runtime.block_on(async {
        let client = fresh_client().await?;
        let (google, azure) = (Google::new().await?, Azure::new().await?);
        let (smithy, yup) = (Smithy::new().await?, Yup::new().await?);
        Outcome::Ok((client, google, azure, smithy, yup))
    })?;
    // Peers that look for a runtime find one.
    let _entered = runtime.enter();
    let text = RwLock::new("x".repeat(TOKEN_LENGTH));
    let subjects = [
        Subject::new("prove-token", |calls| ours::take(&client, calls)),
        Subject::new("google-cloud-auth", |calls| google.take(calls)),
        Subject::new("azure_identity", |calls| azure.take(calls)),
        Subject::new("aws-smithy-runtime", |calls| smithy.take(calls)),
        Subject::new("yup-oauth2", |calls| yup.take(calls)),
        Subject::new("RwLock<String> clone", |calls| take_locked(&text, calls)),
        Subject::new("two coarse clocks", read_clocks),
    ];
    let values = meter::cpu_per_call(&subjects, ROUNDS, CALLS);
    for (subject, value) in subjects.iter().zip(values) {
        figure::print("1", subject.name, value, "ns");
    }
    Ok(())
}

/// Row 2: the same from two threads that really run at the same time.
pub fn two_threads() -> Outcome<()> {
    let runtime = Runtime::new()?;
    let (client, google) =
        runtime.block_on(async { Outcome::Ok((fresh_client().await?, Google::new().await?)) })?;
    let _entered = runtime.enter();
    let subjects = [
        Subject::new("prove-token", |calls| ours::take(&client, calls)),
        Subject::new("google-cloud-auth", |calls| google.take(calls)),
    ];
    print_threads("2", &subjects);
    Ok(())
}

/// Row 3: the header of a token at hand, made and dropped.
pub fn header() -> Outcome<()> {
    let client = Runtime::new()?.block_on(fresh_client())?;
    static HEADER: HeaderValue = HeaderValue::from_static("Bearer static");
    let subjects = [
        Subject::new("prove-token", |calls| {
            let token = at_once(client.access_token()).expect("the token at hand");
            for _ in 0..calls {
                black_box(black_box(&token).authorization_header());
            }
        }),
        Subject::new("static HeaderValue clone", |calls| {
            for _ in 0..calls {
                black_box(black_box(&HEADER).clone());
            }
        }),
    ];
    print_threads("3", &subjects);
    Ok(())
}

fn print_threads(row: &str, subjects: &[Subject<'_>]) {
    let values = meter::one_and_two_threads(subjects, PAIRS, CALLS_OF_A_PAIR);
    for (subject, value) in subjects.iter().zip(values) {
        let two = format!("{}, 2 threads", subject.name);
        figure::print(row, subject.name, value.one, "ns");
        match value.two {
            Some(value) => figure::print(row, &two, value, "ns"),
            None => figure::missing(row, &two, "not measured: the machine is busy"),
        }
    }
}

/// A client with a token at hand.
async fn fresh_client() -> Outcome<TokenClient> {
    let client = ours::in_process()?.build()?;
    client.access_token().await?;
    Ok(client)
}

/// What a token at hand cannot cost less than.
fn read_clocks(calls: u32) {
    for _ in 0..calls {
        black_box(clock_gettime(ClockId::MonotonicCoarse));
        black_box(clock_gettime(ClockId::RealtimeCoarse));
    }
}

fn take_locked(text: &RwLock<String>, calls: u32) {
    for _ in 0..calls {
        let text = text.read().expect("never poisoned").clone();
        black_box(text.as_str());
    }
}
