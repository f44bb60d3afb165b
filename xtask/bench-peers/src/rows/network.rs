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
    let server = Server::start(Answer {
        status,
        delay: DELAY,
        ..Answer::default()
    })?;
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let (mut last, mut requests) = ([Vec::new(), Vec::new()], [0, 0]);
    let mut channel = Vec::new();
    let mut bare = Vec::new();
    for _ in 0..HERDS {
        bare.push(runtime.block_on(bare_request(&server))?);
        channel.push(runtime.block_on(last_of_a_channel(sizes[1]))?);
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
    let subject = format!("last of {} on a tokio watch", sizes[1]);
    figure::print(row, &subject, median(channel), "ms");
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
    request(&client, &server.url()).await?;
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

/// As many tasks on a channel that nothing but a timer fills: what tokio itself takes to
/// start them and to wake them.
async fn last_of_a_channel(size: usize) -> Outcome<f64> {
    let start = Instant::now();
    let (fill, filled) = tokio::sync::watch::channel(false);
    let waits: Vec<_> = (0..size)
        .map(|_| {
            let mut filled = filled.clone();
            tokio::spawn(async move { filled.wait_for(|filled| *filled).await.is_ok() })
        })
        .collect();
    tokio::spawn(async move {
        tokio::time::sleep(DELAY).await;
        fill.send_replace(true);
        fill.closed().await;
    });
    drop(filled);
    for wait in waits {
        wait.await?;
    }
    Ok(milliseconds(start))
}

/// Row 6: a request of its own for each call, on a connection that is kept.
pub fn one_request() -> Outcome<()> {
    let server = Server::start(Answer::default())?;
    let url = server.url();
    let current_thread = || Builder::new_current_thread().enable_all().build();
    let runtimes: [Runtime; 3] = [current_thread()?, current_thread()?, current_thread()?];
    let client = ours::of(&url)?.build()?;
    let near = ours::of(&url)?.runtime(runtimes[1].handle().clone());
    let near = near.build()?;
    let reqwest = reqwest::Client::new();
    let mut times = [Vec::new(), Vec::new(), Vec::new()];
    for number in 0..WARM_UP + REQUESTS {
        let measured = [
            microseconds(&runtimes[0], our_request(&client))?,
            microseconds(&runtimes[1], our_request(&near))?,
            microseconds(&runtimes[2], request(&reqwest, &url))?,
        ];
        if number >= WARM_UP {
            times
                .iter_mut()
                .zip(measured)
                .for_each(|(all, one)| all.push(one));
        }
    }
    let subjects = [
        "prove-token",
        "prove-token, on the caller's runtime",
        "bare reqwest",
    ];
    for (subject, times) in subjects.into_iter().zip(times) {
        figure::print("6", subject, median(times), "µs");
    }
    Ok(())
}

async fn our_request(client: &TokenClient) -> Outcome<()> {
    client
        .request_access_token(&AccessTokenRequest::new())
        .await?;
    Ok(())
}

/// What anybody writes who has no client: the form out, the whole answer in.
async fn request(client: &reqwest::Client, url: &str) -> Outcome<()> {
    client.post(url).form(&FORM).send().await?.bytes().await?;
    Ok(())
}

fn microseconds(runtime: &Runtime, work: impl Future<Output = Outcome<()>>) -> Outcome<f64> {
    let start = Instant::now();
    runtime.block_on(work)?;
    Ok(milliseconds(start) * 1e3)
}

fn milliseconds(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e3
}
