//! Rows 7 and 15: many keys, what they take up, and what finding one costs.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use prove_token::{AccessTokenRequest, TokenClient};
use tokio::runtime::Runtime;

use crate::figure::{self, Outcome};
use crate::meter::{self, Subject, at_once};
use crate::ours::{self, TOKEN_LENGTH};

const MANY: usize = 100_000;
const ROUNDS: usize = 15;
const CALLS: u32 = 50_000;
/// Callers at once while the cache is filled.
const CALLERS: usize = 64;

/// Row 7: the memory of each of many keys, and a hit among them.
pub fn many() -> Outcome<()> {
    let runtime = Runtime::new()?;
    // What is started once (the thread for requests, the first keys) is no key's own.
    filled(&runtime, &requests(1000))?;
    let requests = requests(MANY);
    let before = resident()?;
    let client = filled(&runtime, &requests)?;
    let per_key = (resident()? - before) / MANY as f64 - TOKEN_LENGTH as f64;
    figure::print("7", "beyond the token", per_key / 1e3, "kB");
    let subjects = [
        Subject::new("a hit among 100000", hits(&client, &requests)),
        Subject::new("access_token()", |calls| ours::take(&client, calls)),
    ];
    runtime.block_on(client.access_token())?;
    print_times("7", &subjects);
    Ok(())
}

/// Row 15: a hit as keys become more.
pub fn growing() -> Outcome<()> {
    let runtime = Runtime::new()?;
    let (one, thousand, all) = (requests(1), requests(1000), requests(MANY));
    let few = filled(&runtime, &one)?;
    let more = filled(&runtime, &thousand)?;
    let many = filled(&runtime, &all)?;
    print_times(
        "15",
        &[
            Subject::new("1 key", hits(&few, &one)),
            Subject::new("1000 keys", hits(&more, &thousand)),
            Subject::new("100000 keys", hits(&many, &all)),
        ],
    );
    Ok(())
}

fn print_times(row: &str, subjects: &[Subject<'_>]) {
    let values = meter::cpu_per_call(subjects, ROUNDS, CALLS);
    for (subject, value) in subjects.iter().zip(values) {
        figure::print(row, subject.name, value, "ns");
    }
}

/// Requests that differ by their audience, in random order: one that is asked for lies
/// nowhere near the one before it.
fn requests(count: usize) -> Vec<AccessTokenRequest> {
    let mut numbers: Vec<usize> = (0..count).collect();
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    for index in (1..count).rev() {
        // Knuth's generator: good enough to shuffle, and the same in each run.
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        numbers.swap(index, (state >> 33) as usize % (index + 1));
    }
    let request = |number| {
        let audience = format!("https://api.example.com/tenants/{number:06}");
        AccessTokenRequest::new().audience(audience)
    };
    numbers.into_iter().map(request).collect()
}

/// A client that has a token for each of the requests.
fn filled(runtime: &Runtime, requests: &[AccessTokenRequest]) -> Outcome<TokenClient> {
    let client = ours::in_process()?.max_tokens(2 * MANY).build()?;
    let share = requests.len().div_ceil(CALLERS);
    runtime.block_on(async {
        let fill = |requests: &[AccessTokenRequest]| {
            let (client, requests) = (client.clone(), requests.to_vec());
            tokio::spawn(async move {
                for request in &requests {
                    client.access_token_with(request).await?;
                }
                Ok::<_, prove_token::Error>(())
            })
        };
        let callers: Vec<_> = requests.chunks(share).map(fill).collect();
        for caller in callers {
            caller.await??;
        }
        Outcome::Ok(())
    })?;
    Ok(client)
}

/// Asks for one after another, from where the last round ended.
fn hits<'a>(
    client: &'a TokenClient,
    requests: &'a [AccessTokenRequest],
) -> impl Fn(u32) + Sync + 'a {
    let next = Arc::new(AtomicUsize::new(0));
    move |calls| {
        let mut index = next.load(Ordering::Relaxed);
        for _ in 0..calls {
            let token = at_once(client.access_token_with(&requests[index]));
            black_box(token.expect("the token at hand").value());
            index += 1;
            if index == requests.len() {
                index = 0;
            }
        }
        next.store(index, Ordering::Relaxed);
    }
}

/// The resident memory of this process, in bytes.
fn resident() -> Outcome<f64> {
    let pages = std::fs::read_to_string("/proc/self/statm")?;
    let pages = pages.split(' ').nth(1).ok_or("a line of other form")?;
    Ok(pages.parse::<f64>()? * rustix::param::page_size() as f64)
}
