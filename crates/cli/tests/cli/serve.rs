//! The service by the command: as `prove-tokend` runs it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use prove_token_emulator::{Emulator, Fault};
use rustix::process::Signal;
use snapbox::str;

use crate::harness::{ID, Run, Running, SECRET, emulator, run, run_in};

/// The key of the caller of [`config`].
const KEY: &str = "ptk_canary-key-of-billing";

/// The profile `local` of `emulator`, a loopback port, and a caller.
fn config(emulator: &Emulator) -> String {
    format!(
        "version = 1\n[profiles.local]\ntoken_endpoint = \"{}\"\nclient_id = \"{ID}\"\n\
         client_secret = {{ env = \"MY_SECRET\" }}\n[service]\nlisten = [\"127.0.0.1:0\"]\n\
         [[service.callers]]\nname = \"billing\"\nprofiles = [\"local\"]\nkey_hash = \
         \"sha256:693d557f4cdf117ce4d473f287f6c5e35304ed5cd6b0591257ca248969e1537f\"\n",
        emulator.token_endpoint()
    )
}

fn serve(emulator: &Emulator, home: &Path, flags: &[&str]) -> Run {
    run_in(home, &[&["serve"], flags].concat())
        .config(&config(emulator))
        .env("MY_SECRET", SECRET)
}

/// What it says until a line holds `last`.
pub(crate) fn said_until(running: &mut Running, last: &str) -> Vec<String> {
    let mut said = Vec::new();
    loop {
        let line = running.stderr_line();
        assert!(!line.is_empty(), "no {last:?} in {said:#?}");
        said.push(line);
        if said.last().is_some_and(|line| line.contains(last)) {
            return said;
        }
    }
}

/// Where it listens for callers.
fn address(said: &[String]) -> String {
    let line = said
        .iter()
        .find_map(|line| line.split_once("listening on "));
    line.unwrap().1.split(' ').next().unwrap().to_owned()
}

/// Asks for a token; the answer comes by [`answer`].
fn ask(address: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!(
        "GET /v1/token/local HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Authorization: Bearer {KEY}\r\nProve-Token-Request: true\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    stream
}

fn answer(mut stream: TcpStream) -> String {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn it_says_what_listens_serves_and_ends_when_it_is_asked_to() {
    let emulator = emulator().start().unwrap();
    let home = tempfile::tempdir().unwrap();
    let mut running = serve(&emulator, home.path(), &[]).start();
    let said = said_until(&mut running, "ready");
    let at = address(&said);
    let banner: Vec<_> = said
        .iter()
        .filter(|line| !line.contains(" INFO "))
        .collect();
    let banner = banner
        .into_iter()
        .map(|line| format!("{line}\n"))
        .collect::<String>();
    let banner = banner.replace(home.path().to_str().unwrap(), "[HOME]");
    let banner = banner
        .replace(&at, "[ADDRESS]")
        .replace(emulator.url(), "[EMULATOR]");
    snapbox::assert_data_eq!(
        banner,
        str![[r#"
prove-tokend 0.1.0, configured by [HOME]/.config/prove-token/config.toml
listening on [ADDRESS] for callers with a key, from this machine
caller billing (key) gets tokens of local
profile local: tokens of [EMULATOR]/token, secret in the environment variable MY_SECRET
ready: 1 profile for 1 caller

"#]]
    );
    let answer = answer(ask(&at));
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    running.signal(Signal::HUP);
    said_until(&mut running, "reloaded");
    running.signal(Signal::TERM);
    let outcome = running.outcome();
    let said = &outcome.stderr;
    assert!(
        said.contains("ended: 1 connection accepted, none cut off"),
        "{said}"
    );
    assert_eq!(outcome.success(), "", "standard output stays empty");
}

#[test]
fn what_was_accepted_is_answered_after_sigterm() {
    let slow = Fault::token_member("slow", true).delay(Duration::from_secs(1));
    let emulator = emulator().fault(slow).start().unwrap();
    let home = tempfile::tempdir().unwrap();
    let mut running = serve(&emulator, home.path(), &["-v"]).start();
    let at = address(&said_until(&mut running, "ready"));
    let waiting = ask(&at);
    assert!(emulator.wait_for_requests(1, Duration::from_secs(20)));
    running.signal(Signal::TERM);
    said_until(&mut running, "finishing what was accepted");
    let answer = answer(waiting);
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert_eq!(running.outcome().code, Some(0));
}

#[test]
fn a_configuration_that_cannot_be_served_ends_with_3() {
    let emulator = emulator().start().unwrap();
    let home = tempfile::tempdir().unwrap();
    let public = config(&emulator).replace("127.0.0.1:0\"]", "0.0.0.0:0\"]");
    for format in ["text", "json"] {
        let outcome = run_in(home.path(), &["serve", "--log-format", format])
            .config(&public)
            .env("MY_SECRET", SECRET)
            .outcome();
        let said = outcome.failure(3);
        assert!(said.contains("listens in plain text where other machines can connect"));
        assert_eq!(said.starts_with('{'), format == "json", "{said}");
    }
    run(&["serve"]).outcome().transcript(3, str![], str![[r#"
error: no profile is chosen, and none is configured
hint: let prove-token init ask for what it takes, or set PROVE_CLIENT_ID and PROVE_CLIENT_SECRET; to try it without an account: prove-token token --environment emulator

"#]]);
    run(&["serve", "--config", "none.toml"])
        .outcome()
        .transcript(
            3,
            str![],
            str![[r#"
error: the configuration file none.toml does not exist
hint: check the path; prove-token config path shows where it is looked for

"#]],
        );
}

#[test]
fn the_flags_are_those_of_the_service() {
    let emulator = emulator().start().unwrap();
    let home = tempfile::tempdir().unwrap();
    let mut running = serve(&emulator, home.path(), &["-vv", "--log-format", "json"]).start();
    let said = said_until(&mut running, "ready");
    assert!(said.iter().all(|line| line.starts_with('{')), "{said:#?}");
    answer(ask(&address(&said)));
    let answered = said_until(&mut running, "answered");
    assert!(answered.last().unwrap().contains("/v1/token/{profile}"));
    running.signal(Signal::TERM);
    running.outcome().success();
    for (args, words) in [
        (
            &["serve", "-p", "local"][..],
            "--profile has no effect here",
        ),
        (
            &["serve", "--environment", "uat-us"],
            "--environment has no effect",
        ),
        (
            &["serve", "--timeout", "5s"],
            "--timeout has no effect here",
        ),
        (&["serve", "-q", "-v"], "cannot be used with"),
        (&["serve", "local"], "argument 2 is not expected here"),
        (&["token", "-vv"], "a second --verbose has no effect here"),
        (&["token", "-qq"], "a second --quiet has no effect here"),
    ] {
        let said = run(args).outcome();
        assert!(said.stderr.contains(words), "{args:?}: {said:?}");
        said.failure(2);
    }
}
