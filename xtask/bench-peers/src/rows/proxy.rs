//! Row 14: the API with the token added, against nginx that adds a header as long.

use std::path::Path;

use tokio::runtime::{Builder, Runtime};

use super::command::program;
use super::service::{CONNECTIONS, Subject, missing, print_cpu};
use crate::daemon::{self, Daemon, Ours, Place};
use crate::figure::{self, Outcome};
use crate::load::{Load, Target};
use crate::meter::median;
use crate::ours::TOKEN_LENGTH;
use crate::server::{Answer, Server};

const REQUESTS: usize = 10_000;
const WARM_UP: usize = 2000;
const STREAM: u64 = 1 << 30;
const STREAMS: usize = 3;

/// The CPU time of a small request and of a long answer, and the memory that one takes.
pub fn forwarded(service: &Path) -> Outcome<()> {
    daemon::make_room();
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let folder = tempfile::tempdir()?;
    let tokens = Server::start(Answer::default())?;
    // On the thread of whoever asks: none of the two ever sleeps, nor waits for the other.
    let api = Server::start_on(&runtime, Answer::default())?;
    let ours = Ours::start(service, folder.path(), &tokens, &api)?;
    let nginx = match program::find("nginx") {
        Some(program) => Some(passing(&program, folder.path(), api.origin())?),
        None => None,
    };
    let subjects = Pair {
        runtime: &runtime,
        ours: &ours,
        nginx: nginx.as_ref(),
    };
    subjects.small()?;
    subjects.long()
}

/// nginx that passes everything on, with a header as long as ours.
fn passing(program: &Path, folder: &Path, origin: String) -> Outcome<(Daemon, Place)> {
    let token = "x".repeat(TOKEN_LENGTH);
    let address = origin.trim_start_matches("http://");
    let server = format!(
        "upstream api {{ server {address}; keepalive {CONNECTIONS}; }}\n\
         server {{ LISTEN location / {{ proxy_pass http://api; proxy_http_version 1.1;\n\
         proxy_max_temp_file_size 0; proxy_set_header Connection \"\";\n\
         proxy_set_header Authorization \"Bearer {token}\"; }} }}"
    );
    daemon::nginx(program, folder, &server)
}

/// The two that are compared.
struct Pair<'a> {
    runtime: &'a Runtime,
    ours: &'a Ours,
    nginx: Option<&'a (Daemon, Place)>,
}

impl<'a> Pair<'a> {
    fn subjects(
        &self,
        names: [&'static str; 2],
        path: &str,
        lines: usize,
    ) -> Outcome<Vec<Subject<'a>>> {
        let subject = |name, daemon, target: &Target| {
            let load = Load::open(self.runtime, target, lines)?;
            Outcome::Ok(Subject { name, daemon, load })
        };
        let key = format!("Authorization: Bearer {}\r\n", self.ours.key);
        let target = Target::tcp(&self.ours.place, &format!("/proxy/bench{path}"), &key);
        let mut subjects = vec![subject(names[0], &self.ours.daemon, &target)?];
        match self.nginx {
            Some((daemon, place)) => {
                subjects.push(subject(names[1], daemon, &Target::tcp(place, path, &key))?);
            }
            None => missing("14", &names[1..]),
        }
        Ok(subjects)
    }

    fn small(&self) -> Outcome<()> {
        let names = ["prove-tokend, small", "nginx, small"];
        let mut subjects = self.subjects(names, "/v3/start", CONNECTIONS)?;
        for subject in &mut subjects {
            subject.load.ask(WARM_UP)?;
        }
        print_cpu("14", &mut subjects, REQUESTS)
    }

    fn long(&self) -> Outcome<()> {
        let names = ["prove-tokend, 1 GiB", "nginx, 1 GiB"];
        let path = format!("/length/{STREAM}");
        let mut subjects = self.subjects(names, &path, 1)?;
        let before = self.ours.daemon.resident()?;
        let mut samples = vec![Vec::new(); subjects.len()];
        for _ in 0..STREAMS {
            for (subject, samples) in subjects.iter_mut().zip(&mut samples) {
                let cpu = subject.daemon.cpu()?;
                subject.load.ask(1)?;
                samples.push((subject.daemon.cpu()? - cpu) / 1e6);
            }
        }
        for (subject, samples) in subjects.iter().zip(samples) {
            figure::print("14", subject.name, median(samples), "ms");
        }
        let grown = self.ours.daemon.peak()? - before;
        figure::print("14", "memory of 1 GiB", grown.max(0.0), "MB");
        Ok(())
    }
}
