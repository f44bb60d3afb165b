//! Rows 12, 13 and 15: the service's tokens, against nginx with a ready answer.

use std::path::Path;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use super::command::program;
use crate::daemon::{self, Daemon, Ours, Place};
use crate::figure::{self, Outcome};
use crate::load::{Load, Target};
use crate::meter::median;
use crate::server::{Answer, Server};

pub const CONNECTIONS: usize = 32;
const ROUNDS: usize = 9;
const REQUESTS: usize = 20_000;
const WARM_UP: usize = 4000;
/// How long each round of the steady load is.
const STEADY: Duration = Duration::from_secs(4);
const IDLE: usize = 1000;
/// Requests before the memory is looked at first, and in all.
const SETTLED: usize = 200_000;
const MANY: usize = 10_000_000;

/// Our service and nginx, side by side.
struct Both {
    ours: Ours,
    nginx: Option<(Daemon, Place)>,
    runtime: Runtime,
    _folder: TempDir,
    _server: Server,
}

impl Both {
    fn start(service: &Path) -> Outcome<Self> {
        daemon::make_room();
        let (folder, server) = (tempfile::tempdir()?, Server::start(Answer::default())?);
        let ours = Ours::start(service, folder.path(), &server, &server)?;
        let nginx = match program::find("nginx") {
            Some(program) => Some(ready_answer(&program, folder.path())?),
            None => None,
        };
        Ok(Self {
            ours,
            nginx,
            runtime: Builder::new_current_thread().enable_all().build()?,
            _folder: folder,
            _server: server,
        })
    }

    /// What callers of ours ask for: by key over TCP, by their user on the socket.
    fn ours(&self) -> [Target; 2] {
        let head = "Prove-Token-Request: true\r\nAccept: application/json\r\n";
        let with_key = format!("{head}Authorization: Bearer {}\r\n", self.ours.key);
        let (place, path) = (&self.ours.place, "/v1/token/bench");
        [
            Target::tcp(place, path, &with_key),
            Target::unix(place, path, head),
        ]
    }

    fn open(&self, target: &Target) -> Outcome<Load<'_>> {
        let mut load = Load::open(&self.runtime, target, CONNECTIONS)?;
        load.ask(WARM_UP)?;
        Ok(load)
    }
}

/// nginx with an answer as long as ours.
fn ready_answer(program: &Path, folder: &Path) -> Outcome<(Daemon, Place)> {
    let body = "x".repeat(1200);
    let server = format!(
        "server {{ LISTEN add_header Cache-Control no-store; location / {{ return 200 \"{body}\"; }} }}"
    );
    daemon::nginx(program, folder, &server)
}

/// Something that serves, how it is asked, and what it took.
pub struct Subject<'a> {
    pub name: &'static str,
    pub daemon: &'a Daemon,
    pub load: Load<'a>,
}

/// Prints the CPU time of each per request, in microseconds: in turn, and the medians.
pub fn print_cpu(row: &str, subjects: &mut [Subject<'_>], requests: usize) -> Outcome<()> {
    let mut samples = vec![Vec::with_capacity(ROUNDS); subjects.len()];
    for _ in 0..ROUNDS {
        for (subject, samples) in subjects.iter_mut().zip(&mut samples) {
            let before = subject.daemon.cpu()?;
            subject.load.ask(requests)?;
            samples.push((subject.daemon.cpu()? - before) / requests as f64 / 1e3);
        }
    }
    for (subject, samples) in subjects.iter().zip(samples) {
        figure::print(row, subject.name, median(samples), "µs");
    }
    Ok(())
}

/// Row 12: the CPU time of a token.
pub fn token_cpu(service: &Path) -> Outcome<()> {
    let both = Both::start(service)?;
    let mut subjects = Vec::new();
    let names = ["prove-tokend, TCP", "prove-tokend, Unix socket"];
    for (name, target) in names.into_iter().zip(both.ours()) {
        let (daemon, load) = (&both.ours.daemon, both.open(&target)?);
        subjects.push(Subject { name, daemon, load });
    }
    let names = ["nginx, TCP", "nginx, Unix socket"];
    match &both.nginx {
        Some((daemon, place)) => {
            let targets = [Target::tcp(place, "/", ""), Target::unix(place, "/", "")];
            for (name, target) in names.into_iter().zip(targets) {
                let load = both.open(&target)?;
                subjects.push(Subject { name, daemon, load });
            }
        }
        None => missing("12", &names),
    }
    print_cpu("12", &mut subjects, REQUESTS)
}

/// Row 13: how long the slowest of a hundred takes, at half of what the slower of the two
/// can do.
pub fn token_latency(service: &Path) -> Outcome<()> {
    let both = Both::start(service)?;
    let [tcp, _] = both.ours();
    let mut loads = vec![("prove-tokend, p99", both.open(&tcp)?)];
    match &both.nginx {
        Some((_, place)) => loads.push(("nginx, p99", both.open(&Target::tcp(place, "/", ""))?)),
        None => missing("13", &["nginx, p99"]),
    }
    let mut least = f64::INFINITY;
    for (_, load) in &mut loads {
        let start = Instant::now();
        load.ask(REQUESTS)?;
        least = least.min(REQUESTS as f64 / start.elapsed().as_secs_f64());
    }
    let mut slowest = vec![Vec::with_capacity(ROUNDS); loads.len()];
    for _ in 0..ROUNDS {
        for ((_, load), slowest) in loads.iter_mut().zip(&mut slowest) {
            let mut taken = load.latencies(least / 2.0, STEADY)?;
            taken.sort_by(f64::total_cmp);
            slowest.push(taken[taken.len() * 99 / 100]);
        }
    }
    for ((name, _), slowest) in loads.iter().zip(slowest) {
        figure::print("13", name, median(slowest), "µs");
    }
    Ok(())
}

/// Row 15: the service's memory, as connections and requests become more.
pub fn growing(service: &Path) -> Outcome<()> {
    let both = Both::start(service)?;
    let [tcp, unix] = both.ours();
    let daemon = &both.ours.daemon;
    let mut load = both.open(&unix)?;
    load.ask(SETTLED)?;
    let settled = daemon.resident()?;
    let mut idle = Load::open(&both.runtime, &tcp, IDLE)?;
    idle.ask(IDLE)?;
    figure::print("15", "1000 connections", daemon.resident()? - settled, "MB");
    drop(idle);
    // Those from before were the first to be given up, for there were more than may be.
    let mut load = both.open(&unix)?;
    let few = daemon.resident()?;
    load.ask(MANY)?;
    figure::print("15", "memory, few requests", few, "MB");
    figure::print("15", "memory, 10 million", daemon.resident()?, "MB");
    Ok(())
}

pub fn missing(row: &str, subjects: &[&str]) {
    for subject in subjects {
        figure::missing(row, subject, "peer missing");
    }
}
