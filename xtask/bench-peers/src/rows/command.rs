//! Rows 8 and 9: the command, from its start to its end.

pub mod program;

use std::path::Path;

use self::program::{Program, Scratch};
use crate::figure::{self, Outcome};
use crate::server::{Answer, Server};

const ROUNDS: usize = 150;
/// So slow a program needs fewer.
const SLOW_ROUNDS: usize = 15;
const FIRST_TOKENS: usize = 60;

/// Row 8: a token that an earlier run has left.
pub fn kept_token(command: &Path) -> Outcome<()> {
    let (server, broker) = (
        Server::start(Answer::default())?,
        Server::start(Answer::default())?,
    );
    let scratch = Scratch::new()?;
    let ours = scratch.prove_token(command, &server.url())?;
    let hello = scratch.program(&scratch.install(&beside("hello")?)?);
    // Leaves the token that the others find.
    ours.run()?;
    let programs = [("prove-token", &ours), ("clap hello", &hello)];
    let curl = program::find("curl").map(|path| scratch.curl(&path, &broker.url()));
    let programs: Vec<_> = programs
        .into_iter()
        .chain(curl.as_ref().map(|curl| ("curl", curl)))
        .collect();
    program::print_times("8", &programs, ROUNDS)?;
    if curl.is_none() {
        figure::missing("8", "curl", "peer missing");
    }
    match program::find_aws() {
        Some(path) => {
            let programs = [("aws configure get", &scratch.aws(&path)?)];
            program::print_times("8", &programs, SLOW_ROUNDS)?;
        }
        None => figure::missing("8", "aws configure get", "peer missing"),
    }
    let peak = beside("peak")?;
    figure::print("8", "peak memory", ours.peak(&peak)?, "MB");
    figure::print("8", "peak memory of clap hello", hello.peak(&peak)?, "MB");
    match server.take_requests() {
        1 => Ok(()),
        count => Err(format!("the token was requested {count} times").into()),
    }
}

/// Row 9: a token that has to be requested over https, with the certificates of one file
/// and with the system's.
pub fn first_token(command: &Path) -> Outcome<()> {
    let authority = program::Authority::new()?;
    let server = Server::start(Answer {
        tls: Some(authority.server_config()?),
        ..Answer::default()
    })?;
    let scratch = Scratch::new()?;
    let ours = scratch.prove_token(command, &server.url())?;
    let Some(curl) = program::find("curl").map(|path| scratch.curl(&path, &server.url())) else {
        figure::missing("9", "curl, CA file", "peer missing");
        figure::missing("9", "curl, system roots", "peer missing");
        return Ok(());
    };
    let file = scratch.write("ca.pem", &authority.certificate())?;
    let (ours_file, curl_file) = (
        ours.clone().with("--ca-file", &file).forgetting(),
        curl.clone().with("--cacert", &file),
    );
    let unkept = ours
        .clone()
        .with("--ca-file", &file)
        .with_flag("--no-cache");
    let mut programs = vec![
        ("prove-token, CA file", &ours_file),
        ("prove-token, CA file, not kept", &unkept),
        ("curl, CA file", &curl_file),
    ];
    let with_system = with_system_roots(&scratch, &authority, [ours.forgetting(), curl])?;
    match &with_system {
        Some([ours, curl]) => {
            programs.push(("prove-token, system roots", ours));
            programs.push(("curl, system roots", curl));
        }
        None => figure::missing("9", "prove-token, system roots", "no file of system roots"),
    }
    program::print_times("9", &programs, FIRST_TOKENS)
}

/// The programs with the system's certificates and ours, by the variable that both read.
fn with_system_roots(
    scratch: &Scratch,
    authority: &program::Authority,
    programs: [Program; 2],
) -> Outcome<Option<[Program; 2]>> {
    let Some(roots) = program::system_roots() else {
        return Ok(None);
    };
    let roots = scratch.write("roots.pem", &(roots + &authority.certificate()))?;
    Ok(Some(programs.map(|program| {
        program.with_variable("SSL_CERT_FILE", &roots)
    })))
}

/// A program that was built with this one.
fn beside(name: &str) -> Outcome<std::path::PathBuf> {
    Ok(std::env::current_exe()?.with_file_name(name))
}
