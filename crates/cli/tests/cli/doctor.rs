//! `doctor`: what a support engineer sees, by real causes.

mod local;
mod peer;
#[cfg(unix)]
mod service;

use std::net::{Ipv4Addr, TcpListener};

use prove_token_emulator::{Emulator, Fault};
use serde_json::Value;
use snapbox::str;

use self::peer::Peer;
use crate::harness::{ID, Run, SECRET, emulator, run, run_at, run_with};

/// A profile `acme` of `endpoint`, with its secret in a variable.
fn doctor(endpoint: &str, more: &str, args: &[&str]) -> Run {
    let config = format!(
        "version = 1\ndefault_profile = \"acme\"\n[profiles.acme]\ntoken_endpoint = \"{endpoint}\"\n\
         client_id = \"{ID}\"\nclient_secret = {{ env = \"MY_SECRET\" }}\n{more}\n"
    );
    run(&[&["doctor"], args].concat())
        .config(&config)
        .env("MY_SECRET", SECRET)
}

/// The findings of a run with `--json`, by id, after a look at the exit code.
#[track_caller]
fn findings(run: Run, code: i32) -> Vec<(String, Value)> {
    let outcome = run.outcome();
    assert_eq!(outcome.code, Some(code), "{outcome:?}");
    let report: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(report["exit_code"], code);
    let profiles = report["profiles"].as_array().unwrap();
    let findings = profiles[0]["findings"].as_array().unwrap();
    let id = |finding: &Value| finding["id"].as_str().unwrap().to_owned();
    findings
        .iter()
        .map(|finding| (id(finding), finding.clone()))
        .collect()
}

#[track_caller]
fn of<'a>(findings: &'a [(String, Value)], id: &str) -> &'a Value {
    let found = findings.iter().find(|(of, _)| of == id);
    &found
        .unwrap_or_else(|| panic!("no {id} in {findings:#?}"))
        .1
}

#[track_caller]
fn assert_finding(findings: &[(String, Value)], id: &str, status: &str, words: &[&str]) {
    let finding = of(findings, id);
    assert_eq!(finding["status"], status, "{finding}");
    for words in words {
        assert!(
            finding.to_string().contains(words),
            "{words:?} in {finding}"
        );
    }
}

#[test]
fn all_is_well() {
    let emulator = emulator().start().unwrap();
    doctor(&emulator.token_endpoint(), "", &[])
        .env("LANG", "C.UTF-8")
        .outcome()
        .transcript(0, str![[r#"
profile acme
  ✓ configuration  [HOME]/.config/prove-token/config.toml is valid: 1 profile, mode 0600
  ✓ its folder     [HOME]/.config/prove-token: mode 0700
  ✓ profile        tokens of http://127.0.0.1:[PORT]; chosen by [HOME]/.config/prove-token/config.toml:2:19
  ✓ exceptions     none: nothing unsafe is allowed
  ✓ variables      none that matters is set
  ✓ secret         in the environment variable MY_SECRET
  ✓ secret's form  no stray characters
  ✓ client id      nothing odd
  ✓ address        http://127.0.0.1:[PORT]/token, plain http on this machine alone
  – name           127.0.0.1 is an address already
  ✓ connection     127.0.0.1:[PORT]: IPv4 in [..]
  – encryption     plain http, which is for this machine alone
  ✓ token          granted in [..]
  ✓ style          client_secret_post works
  ✓ life           a token lives 1h
  – scope          none is asked for, and the server names none
  ✓ next token     a second request brings another token
  ✓ clock          as the server's
  ✓ store          [HOME]/.cache/prove-token is made when a token is first kept
  sent: 2 token requests, to http://127.0.0.1:[PORT]


"#]], str![]);
    assert_eq!(emulator.token_requests(), 2);
}

#[test]
fn a_wrong_secret_is_sent_once_by_each_style() {
    let emulator = emulator().start().unwrap();
    doctor(&emulator.token_endpoint(), "", &[])
        .env("MY_SECRET", "\"canary-wrong\"")
        .outcome()
        .transcript(4, str![[r#"
profile acme
  [ok] configuration  [HOME]/.config/prove-token/config.toml is valid: 1 profile, mode 0600
  [ok] its folder     [HOME]/.config/prove-token: mode 0700
  [ok] profile        tokens of http://127.0.0.1:[PORT]; chosen by [HOME]/.config/prove-token/config.toml:2:19
  [ok] exceptions     none: nothing unsafe is allowed
  [ok] variables      none that matters is set
  [ok] secret         in the environment variable MY_SECRET
  [!]  secret's form  it has a quotation mark at an end
                      -> copy it once more, and store it alone: such slips are the usual cause of a 401
  [ok] client id      nothing odd
  [ok] address        http://127.0.0.1:[PORT]/token, plain http on this machine alone
  [-]  name           127.0.0.1 is an address already
  [ok] connection     127.0.0.1:[PORT]: IPv4 in [..]
  [-]  encryption     plain http, which is for this machine alone
  [x]  token          http://127.0.0.1:[PORT]/token rejected the client credentials (status 401, code 8002: not authorized)
                      -> begin with what is odd above; then check the client id and secret for stray characters, and that they belong to this server
  [-]  style          rejected by client_secret_basic and client_secret_basic_raw as well: the style is not the cause
  [ok] clock          as the server's
  [ok] store          [HOME]/.cache/prove-token is made when a token is first kept
  sent: 3 token requests, to http://127.0.0.1:[PORT]


"#]], str![[r#"
error: 1 of 16 checks failed; begin with endpoint.token of the profile acme

"#]]);
    assert_eq!(emulator.token_requests(), 3);
    // Where both forms of Basic look alike, one will do.
    let emulator = self::emulator().start().unwrap();
    doctor(&emulator.token_endpoint(), "", &["--json"])
        .env("MY_SECRET", "canary-wrong")
        .outcome();
    assert_eq!(emulator.token_requests(), 2);
}

#[test]
fn the_best_known_mistake_is_named() {
    let emulator = emulator().start().unwrap();
    let endpoint = emulator.token_endpoint().replace("/token", "/v3/token");
    doctor(&endpoint, "", &[])
        .outcome()
        .transcript(6, str![[r#"
profile acme
  [ok] configuration  [HOME]/.config/prove-token/config.toml is valid: 1 profile, mode 0600
  [ok] its folder     [HOME]/.config/prove-token: mode 0700
  [ok] profile        tokens of http://127.0.0.1:[PORT]; chosen by [HOME]/.config/prove-token/config.toml:2:19
  [ok] exceptions     none: nothing unsafe is allowed
  [ok] variables      none that matters is set
  [ok] secret         in the environment variable MY_SECRET
  [ok] secret's form  no stray characters
  [ok] client id      nothing odd
  [!]  address        http://127.0.0.1:[PORT]/v3/token has /v3, which Prove's token endpoints have not
                      -> write token_endpoint = "http://127.0.0.1:[PORT]/token"
  [-]  name           127.0.0.1 is an address already
  [ok] connection     127.0.0.1:[PORT]: IPv4 in [..]
  [-]  encryption     plain http, which is for this machine alone
  [x]  token          http://127.0.0.1:[PORT]/v3/token refused the request (status 403: Forbidden)
                      -> the token endpoint has no /v3: use http://127.0.0.1:[PORT]/token
  [ok] clock          as the server's
  [ok] store          [HOME]/.cache/prove-token is made when a token is first kept
  sent: 1 token request, to http://127.0.0.1:[PORT]


"#]], str![[r#"
error: 1 of 15 checks failed; begin with endpoint.token of the profile acme

"#]]);
}

#[test]
fn nobody_listens() {
    let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = bound.local_addr().unwrap().port();
    drop(bound);
    let endpoint = format!("http://127.0.0.1:{port}/token");
    doctor(&endpoint, "", &[])
        .outcome()
        .transcript(7, str![[r#"
profile acme
  [ok] configuration  [HOME]/.config/prove-token/config.toml is valid: 1 profile, mode 0600
  [ok] its folder     [HOME]/.config/prove-token: mode 0700
  [ok] profile        tokens of http://127.0.0.1:[PORT]; chosen by [HOME]/.config/prove-token/config.toml:2:19
  [ok] exceptions     none: nothing unsafe is allowed
  [ok] variables      none that matters is set
  [ok] secret         in the environment variable MY_SECRET
  [ok] secret's form  no stray characters
  [ok] client id      nothing odd
  [ok] address        http://127.0.0.1:[PORT]/token, plain http on this machine alone
  [-]  name           127.0.0.1 is an address already
  [x]  connection     127.0.0.1:[PORT]: IPv4 fails: connection refused
                      -> nothing listens there: check the host and the port, or start the server
  [-]  encryption     not tried: there is no connection to 127.0.0.1:[PORT]
  [-]  token          not tried: there is no connection to 127.0.0.1:[PORT]
  [-]  clock          not tried: no answer came that could tell the time
  [ok] store          [HOME]/.cache/prove-token is made when a token is first kept
  sent: no token request


"#]], str![[r#"
error: 1 of 15 checks failed; begin with network.tcp of the profile acme

"#]]);
}

#[test]
fn a_name_that_does_not_resolve() {
    // RFC 6761 §6.4: there is no such name, and resolvers know.
    let endpoint = "https://prove-token.invalid/token";
    let findings = findings(doctor(endpoint, "", &["--json"]), 7);
    let words = ["prove-token.invalid", "check the spelling"];
    let finding = of(&findings, "network.dns");
    // A resolver that is not there at all takes its time to say so.
    let error = finding["error"].as_str().unwrap();
    assert!(["connect", "timeout"].contains(&error), "{finding}");
    if error == "connect" {
        assert_finding(&findings, "network.dns", "failed", &words);
    }
    for id in [
        "network.tcp",
        "tls.handshake",
        "endpoint.token",
        "clock.skew",
    ] {
        assert_finding(&findings, id, "not_tried", &["not tried: "]);
    }
    // What does not depend on it is looked at all the same.
    assert_finding(&findings, "secret.source", "ok", &["MY_SECRET"]);
}

#[test]
fn the_style_that_works_is_found() {
    let peer = Peer::accepting(|head| head.to_ascii_lowercase().contains("authorization: basic"));
    let report = findings(doctor(&peer.endpoint(), "", &["--json"]), 4);
    assert_finding(&report, "endpoint.token", "failed", &["invalid_client"]);
    let remedy = r#"client_authentication = \"client_secret_basic\" in the profile acme"#;
    let authentication = "endpoint.authentication";
    assert_finding(&report, authentication, "failed", &[remedy]);
    assert_finding(&report, "endpoint.lifetime", "warning", &["lives 30s"]);
    assert_finding(&report, "endpoint.scope", "ok", &["read"]);
    assert_finding(&report, "clock.skew", "not_tried", &["does not tell"]);
    assert_eq!(peer.requests().len(), 2);
    // The remedy is one.
    let line = "client_authentication = \"client_secret_basic\"";
    let report = findings(doctor(&peer.endpoint(), line, &["--json"]), 0);
    assert_finding(
        &report,
        authentication,
        "ok",
        &["client_secret_basic works"],
    );
    let repeat = "the same token again";
    assert_finding(&report, "endpoint.repeat", "ok", &[repeat]);
}

#[test]
fn a_clock_that_is_wrong() {
    let emulator = emulator()
        .fault(Fault::default().header("Date", "Tue, 15 Nov 1994 08:12:31 GMT"))
        .start()
        .unwrap();
    let run = doctor(&emulator.token_endpoint(), "", &["-o", "json"]);
    let findings = findings(run, 3);
    let words = ["ahead of the server", "by NTP"];
    assert_finding(&findings, "clock.skew", "failed", &words);
    assert_finding(&findings, "endpoint.token", "ok", &["granted"]);
}

#[test]
fn a_server_in_trouble_is_asked_once() {
    for (fault, code, words) in [
        (Fault::status(503), 7, "status 503"),
        (Fault::status(429), 8, "429"),
        (Fault::status(200).body("<html>"), 9, "JSON"),
    ] {
        let emulator = emulator().fault(fault.times(9)).start().unwrap();
        let run = doctor(&emulator.token_endpoint(), "", &["--json"]);
        let findings = findings(run, code);
        assert_finding(&findings, "endpoint.token", "failed", &[words]);
        assert_eq!(emulator.token_requests(), 1);
    }
}

#[test]
fn a_server_that_says_nothing_takes_no_longer_than_allowed() {
    let emulator = emulator().fault(Fault::silence()).start().unwrap();
    let args = ["--json", "--timeout", "500ms"];
    let findings = findings(doctor(&emulator.token_endpoint(), "", &args), 7);
    let words = ["--timeout are over", "timeout"];
    assert_finding(&findings, "endpoint.token", "failed", &words);
}

#[cfg(unix)]
#[test]
fn a_signal_ends_it() {
    let emulator = emulator().fault(Fault::silence()).start().unwrap();
    let running = doctor(&emulator.token_endpoint(), "", &[]).start();
    assert!(emulator.wait_for_requests(1, std::time::Duration::from_secs(20)));
    running.signal(rustix::process::Signal::INT);
    let words = running.outcome().failure(130);
    assert!(words.contains("interrupted"), "{words}");
}

#[test]
fn offline_nothing_is_sent() {
    let emulator = emulator().start().unwrap();
    let run = doctor(&emulator.token_endpoint(), "", &["--offline"]);
    run.outcome().transcript(0, str![[r#"
profile acme
  [ok] configuration  [HOME]/.config/prove-token/config.toml is valid: 1 profile, mode 0600
  [ok] its folder     [HOME]/.config/prove-token: mode 0700
  [ok] profile        tokens of http://127.0.0.1:[PORT]; chosen by [HOME]/.config/prove-token/config.toml:2:19
  [ok] exceptions     none: nothing unsafe is allowed
  [ok] variables      none that matters is set
  [ok] secret         in the environment variable MY_SECRET
  [ok] secret's form  no stray characters
  [ok] client id      nothing odd
  [ok] address        http://127.0.0.1:[PORT]/token, plain http on this machine alone
  [-]  name           not tried: --offline
  [-]  connection     not tried: --offline
  [-]  encryption     not tried: --offline
  [-]  token          not tried: --offline
  [-]  clock          not tried: --offline
  [ok] store          [HOME]/.cache/prove-token is made when a token is first kept
  sent: no token request


"#]], str![]);
    assert_eq!(emulator.connections(), 0);
    let outcome = run_without_proxy(&emulator).outcome().success();
    assert_eq!(emulator.connections(), 0);
    assert!(outcome.contains("sent: no token request"), "{outcome}");
}

/// By flags, with a proxy variable and a secret on standard input.
fn run_without_proxy(emulator: &Emulator) -> Run {
    run_at(emulator, &["doctor", "--offline"]).env("HTTPS_PROXY", "http://u:canary@x")
}

#[test]
fn every_profile_has_a_section() {
    let emulator = emulator().start().unwrap();
    let config = format!(
        "version = 1\n[profiles.one]\nenvironment = \"uat-us\"\nclient_id = \"x\"\n\
         client_secret = {{ env = \"NONE\" }}\n[profiles.two]\ntoken_endpoint = \"{}\"\n\
         client_id = \"{ID}\"\nclient_secret = {{ env = \"MY_SECRET\" }}\n",
        emulator.token_endpoint()
    );
    let run = run(&["doctor", "--all", "--offline", "--json"])
        .config(&config)
        .env("MY_SECRET", SECRET);
    let outcome = run.outcome();
    assert_eq!(outcome.code, Some(5), "{outcome:?}");
    let report: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let profiles = report["profiles"].as_array().unwrap();
    let told = |key: &str| {
        profiles
            .iter()
            .map(|of| of[key].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(told("profile"), ["one", "two"]);
    assert_eq!(told("status"), ["failed", "ok"]);
    let failure: Value = serde_json::from_str(&outcome.stderr).unwrap();
    assert_eq!(failure["error"], "secret_source");
}

#[test]
fn flags_are_looked_at_as_they_are_used() {
    let emulator = emulator().start().unwrap();
    let outcome = run_with(
        &emulator.token_endpoint(),
        emulator.url(),
        SECRET,
        &["doctor"],
    );
    let outcome = outcome.outcome().success();
    assert!(outcome.contains("profile flags"), "{outcome}");
    assert!(outcome.contains("given on standard input"), "{outcome}");
    for (name, value) in [
        ("acme", &[][..]),
        ("--client-id", &["x"]),
        ("--ca-file", &["x"]),
        ("--client-secret-stdin", &[]),
        ("--api-base", &["https://a.example"]),
    ] {
        let args = [&["doctor", "--all", name], value].concat();
        run(&args).outcome().failure(2);
    }
    run(&["doctor", "--json", "-o", "json"])
        .outcome()
        .failure(2);
}
