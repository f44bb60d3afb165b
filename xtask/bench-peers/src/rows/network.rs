//! Rows 4 to 6: herds that find no token, and one request at a time, over loopback.

use std::time::{Duration, Instant};

use prove_token::{AccessTokenRequest, RetryPolicy, TokenClient};
use tokio::runtime::{Builder, Runtime};

use crate::figure::{self, Outcome};
use crate::meter::median;
use crate::ours;
use crate::server::{Answer, Server};

/// How long the endpoint of a herd takes.
const DELAY: Duration = Duration::from_millis(50);
const HERDS: usize = 15;
const REQUESTS: usize = 3000;
/// Those before the connection is there and code and data are in the caches.
const WARM_UP: usize = 100;

/// The form that our client sends.
const FORM: [(&str, &str); 3] = [
    ("grant_type", "client_credentials"),
    ("client_id", "bench-client"),
    ("client_secret", "bench-secret"),
];

/// Row 4: many tasks, and no token.
pub fn herd() -> Outcome<()> {
    herds("4", 200, [1000, 10_000])
}

/// Row 5: many tasks, and an endpoint that fails.
pub fn failing_herd() -> Outcome<()> {
    herds("5", 500, [100, 1000])
}

fn herds(row: &str, status: u16, sizes: [usize; 2]) -> Outcome<()> {
    let delay = DELAY;
    let server = Server::start(Answer {
        status,
        delay,
        ..Answer::default()
    })?;
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let (mut last, mut requests) = ([Vec::new(), Vec::new()], [0, 0]);
    let mut bare = Vec::new();
    for _ in 0..HERDS {
        bare.push(runtime.block_on(bare_request(&server))?);
        for (index, size) in sizes.into_iter().enumerate() {
            let client = ours::of(&server.url())?
                .retry(RetryPolicy::default().attempts(1))
                .build()?;
            server.take_requests();
            let succeeds = status == 200;
            last[index].push(runtime.block_on(last_caller(client, size, succeeds))?);
            requests[index] = requests[index].max(server.take_requests());
        }
    }
    figure::print(row, "bare reqwest", median(bare), "ms");
    for ((size, last), requests) in sizes.into_iter().zip(last).zip(requests) {
        let subject = format!("last of {size}");
        figure::print(row, &subject, median(last), "ms");
        figure::print(row, &format!("requests of {size}"), requests as f64, "");
    }
    Ok(())
}

/// How long one request takes on a new connection, in milliseconds.
async fn bare_request(server: &Server) -> Outcome<f64> {
    let client = reqwest::Client::new();
    let start = Instant::now();
    let response = client.post(server.url()).form(&FORM).send().await?;
    response.bytes().await?;
    Ok(milliseconds(start))
}

/// How long it takes until the last of so many tasks has its token or its error, in
/// milliseconds.
async fn last_caller(client: TokenClient, size: usize, succeeds: bool) -> Outcome<f64> {
    let start = Instant::now();
    let call = |client: TokenClient| async move { client.access_token().await.is_ok() };
    let calls: Vec<_> = (0..size)
        .map(|_| tokio::spawn(call(client.clone())))
        .collect();
    for call in calls {
        if call.await? != succeeds {
            return Err("a caller got something else than the endpoint's answer".into());
        }
    }
    Ok(milliseconds(start))
}

/// Row 6: a request of its own for each call, on a connection that is kept.
pub fn one_request() -> Outcome<()> {
    let server = Server::start(Answer::default())?;
    let current_thread = || Builder::new_current_thread().enable_all().build();
    let (ours, bare): (Runtime, Runtime) = (current_thread()?, current_thread()?);
    let client = ours::of(&server.url())?.build()?;
    let reqwest = reqwest::Client::new();
    let request = AccessTokenRequest::new();
    let (mut our_times, mut bare_times) = (Vec::new(), Vec::new());
    for number in 0..WARM_UP + REQUESTS {
        let start = Instant::now();
        ours.block_on(client.request_access_token(&request))?;
        let our_time = milliseconds(start) * 1e3;
        let start = Instant::now();
        bare.block_on(async {
            let response = reqwest.post(server.url()).form(&FORM).send().await?;
            response.bytes().await
        })?;
        let bare_time = milliseconds(start) * 1e3;
        if number >= WARM_UP {
            our_times.push(our_time);
            bare_times.push(bare_time);
        }
    }
    figure::print("6", "prove-token", median(our_times), "µs");
    figure::print("6", "bare reqwest", median(bare_times), "µs");
    Ok(())
}

fn milliseconds(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e3
}
