//! What a person sees of the commands that need no server, whole.

use snapbox::str;

use crate::harness::{Outcome, run};

const PROFILES: &str = "version = 1\ndefault_profile = \"prove-uat\"\n\
    [profiles.prove-uat]\nenvironment = \"uat-us\"\nclient_id = \"abc123\"\n\
    client_secret = { env = \"PROVE_UAT_SECRET\" }\n\
    [profiles.local]\nenvironment = \"emulator\"\n";

const BROKEN: &str = "version = 1\n\
    [profiles.prove-uat]\nenvironmnet = \"uat-us\"\nclient_id = \"abc123\"\nclient_secret = \"canary\"\n\
    [profiles.local]\nenvironment = \"emulator\"\n";

fn with(config: &str, args: &[&str]) -> Outcome {
    run(args).config(config).outcome()
}

/// {"alg":"none"} and {"iss":"prove","exp":1700003600,"iat":1700000000}, unsigned.
const JWT: &str =
    "eyJhbGciOiJub25lIn0.eyJpc3MiOiJwcm92ZSIsImV4cCI6MTcwMDAwMzYwMCwiaWF0IjoxNzAwMDAwMDAwfQ.";

#[test]
fn inspect() {
    run(&["inspect"]).stdin(JWT).outcome().transcript(
        0,
        str![[r#"
header
  {
    "alg": "none"
  }
claims
  {
    "iss": "prove",
    "exp": 1700003600,
    "iat": 1700000000
  }
times
  iat  issued [..] ago (2023-11-14T22:13:20Z)
  exp  expired [..] ago (2023-11-14T23:13:20Z)
the signature was not checked: only the server's key could

"#]],
        str![],
    );
    run(&["inspect"])
        .stdin("an-opaque-canary")
        .outcome()
        .transcript(9, str![], str![[r#"
error: this is not a JWT: it has 1 part
hint: a JWT has three base64url parts with dots between; other tokens are opaque, and only their server can read them

"#]]);
    run(&["inspect", "-o", "json"])
        .stdin("a.b.c")
        .outcome()
        .transcript(9, str![], str![[r#"
{"error":"protocol","message":"this is not a JWT: its header is not base64url","exit_code":9,"retryable":false,"hint":"a JWT has three base64url parts with dots between; other tokens are opaque, and only their server can read them"}

"#]]);
}

#[test]
fn config_path_and_validate() {
    with(PROFILES, &["config", "path"]).transcript(
        0,
        str![[r#"
[HOME]/.config/prove-token/config.toml

"#]],
        str![],
    );
    with(PROFILES, &["config", "validate"]).transcript(
        0,
        str![[r#"
[HOME]/.config/prove-token/config.toml is valid: 2 profiles

"#]],
        str![],
    );
    with(BROKEN, &["config", "validate"]).transcript(3, str![], str![[r#"
error: 2 problems in [HOME]/.config/prove-token/config.toml
  [HOME]/.config/prove-token/config.toml:3:1: profiles.prove-uat.environmnet: unknown key (did you mean environment?)
  [HOME]/.config/prove-token/config.toml:5:17: profiles.prove-uat.client_secret: a secret does not stand in this file, only where it is kept (use { env = "NAME" }, { file = "/path" }, { command = ["program", "argument"] }, { keyring = "NAME" } or { credential = "NAME" }; if this was the real secret, consider it exposed)

"#]]);
    run(&["config", "path"]).outcome().transcript(
        3,
        str![],
        str![[r#"
error: there is no configuration file
hint: it would be found at [HOME]/.config/prove-token/config.toml or /etc/prove-token/config.toml
hint: prove-token init makes one; without it, set PROVE_CLIENT_ID and PROVE_CLIENT_SECRET, or use --environment emulator

"#]],
    );
}

#[test]
fn config_show() {
    with(PROFILES, &["config", "show", "--environment", "prod-eu"]).transcript(3, str![], str![[r#"
error: 2 problems in the settings
  client_id: the client id of the profile "prove-uat" is for another address (a flag leads to another issuer, which does not know it: give --client-id)
  client_secret: the client secret of the profile "prove-uat" is for another address (a flag leads elsewhere: give the secret for that address with it, by --client-secret-file or --client-secret-stdin)

"#]]);
    with(BROKEN, &["config", "show", "-p", "local"]).transcript(3, str![], str![[r#"
error: 2 problems in [HOME]/.config/prove-token/config.toml
  [HOME]/.config/prove-token/config.toml:3:1: profiles.prove-uat.environmnet: unknown key (did you mean environment?)
  [HOME]/.config/prove-token/config.toml:5:17: profiles.prove-uat.client_secret: a secret does not stand in this file, only where it is kept (use { env = "NAME" }, { file = "/path" }, { command = ["program", "argument"] }, { keyring = "NAME" } or { credential = "NAME" }; if this was the real secret, consider it exposed)

"#]]);
    let shown = run(&["config", "show"]).config(PROFILES);
    let shown = shown.env("XDG_CACHE_HOME", "/cache").outcome();
    shown.transcript(0, str![[r#"
profile prove-uat ([HOME]/.config/prove-token/config.toml:2:19)
  profile                          prove-uat                                     [HOME]/.config/prove-token/config.toml:2:19
  environment                      uat-us                                        [HOME]/.config/prove-token/config.toml:4:15
  token_endpoint                   https://platform.uat.proveapis.com/token      preset uat-us
  api_base                         https://platform.uat.proveapis.com            preset uat-us
  client_id                        abc123                                        [HOME]/.config/prove-token/config.toml:5:13
  client_secret                    in the environment variable PROVE_UAT_SECRET  [HOME]/.config/prove-token/config.toml:6:17
  client_authentication            client_secret_post                            default
  accept_narrower_scope            false                                         default
  connect_timeout                  3s                                            default
  attempt_timeout                  10s                                           default
  flight_timeout                   25s                                           default
  rate_limit                       24                                            preset uat-us
  renewal.advisory_percent         20                                            default
  renewal.advisory_limit           1h                                            default
  renewal.jitter_percent           10                                            default
  renewal.jitter_limit             5m                                            default
  renewal.mandatory_percent        10                                            default
  renewal.mandatory_limit          1m                                            default
  renewal.mandatory_wait           2s                                            default
  renewal.guard_percent            5                                             default
  renewal.guard_least              500ms                                         default
  renewal.guard_limit              10s                                           default
  renewal.default_lifetime         5m                                            default
  renewal.longest_lifetime         1day                                          default
  renewal.renewal_pause            5s                                            default
  renewal.renewal_pause_limit      1m                                            default
  renewal.failure_pause            1s                                            default
  renewal.failure_pause_limit      4s                                            default
  renewal.rejection_pause_least    1s                                            default
  renewal.rejection_pause_most     5s                                            default
  renewal.rejection_pause_limit    1m                                            default
  renewal.no_gain_pause            10s                                           default
  renewal.forced_renewal_interval  30s                                           default
  renewal.cool_down_limit          1h                                            default
  renewal.attempts                 3                                             default
  renewal.retry_base               200ms                                         default
  renewal.retry_cap                2s                                            default
  cache.store                      file, in /cache/prove-token                   default

"#]], str![]);
}

#[test]
fn profile_list_and_show() {
    with(PROFILES, &["profile", "list"]).transcript(
        0,
        str![[r#"
  local      ok  [HOME]/.config/prove-token/config.toml:7:1
* prove-uat  ok  [HOME]/.config/prove-token/config.toml:3:1

"#]],
        str![],
    );
    with(BROKEN, &["profile", "list"]).transcript(3, str![[r#"
  local      ok          [HOME]/.config/prove-token/config.toml:6:1
  prove-uat  2 problems  [HOME]/.config/prove-token/config.toml:2:1

"#]], str![[r#"
error: 2 problems in [HOME]/.config/prove-token/config.toml
  [HOME]/.config/prove-token/config.toml:3:1: profiles.prove-uat.environmnet: unknown key (did you mean environment?)
  [HOME]/.config/prove-token/config.toml:5:17: profiles.prove-uat.client_secret: a secret does not stand in this file, only where it is kept (use { env = "NAME" }, { file = "/path" }, { command = ["program", "argument"] }, { keyring = "NAME" } or { credential = "NAME" }; if this was the real secret, consider it exposed)

"#]]);
    with(PROFILES, &["profile", "show", "prove-uta"]).transcript(
        3,
        str![],
        str![[r#"
error: there is no profile "prove-uta"
hint: did you mean prove-uat? (in [HOME]/.config/prove-token/config.toml)

"#]],
    );
    with(PROFILES, &["profile", "show"]).transcript(
        2,
        str![],
        str![[r#"
error: <NAME> is missing
hint: usage: prove-token profile show <NAME>; --help says more

"#]],
    );
}

#[test]
fn purge() {
    with(PROFILES, &["purge"]).transcript(
        0,
        str![],
        str![[r#"
forgot 0 tokens

"#]],
    );
    with(PROFILES, &["purge", "prove-uta"]).transcript(
        3,
        str![],
        str![[r#"
error: there is no profile "prove-uta"
hint: did you mean prove-uat? (in [HOME]/.config/prove-token/config.toml)

"#]],
    );
    with(PROFILES, &["purge", "--all", "-p", "local"]).transcript(
        2,
        str![],
        str![[r#"
error: --all cannot be used with --profile <NAME>
hint: usage: prove-token purge --all [PROFILE]; --help says more

"#]],
    );
}

#[test]
fn emulator() {
    run(&["emulator", "--lifetime", "0"]).outcome().transcript(
        2,
        str![],
        str![[r#"
error: the value of --lifetime <SECONDS> is refused: it is not in 1..=86400
hint: --help says what there is

"#]],
    );
    run(&["emulator", "--client-id", "x"]).outcome().transcript(
        2,
        str![],
        str![[r#"
error: --client-secret-stdin is missing
hint: usage: prove-token emulator --client-id <ID> --client-secret-stdin; --help says more

"#]],
    );
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    run(&["emulator", "--port", &port])
        .outcome()
        .transcript(3, str![], str![[r#"
error: cannot listen on 127.0.0.1:[PORT] (address in use); choose another port, or 0 for any free one

"#]]);
}

/// Full, as a disk can be.
#[cfg(target_os = "linux")]
#[test]
fn a_result_that_cannot_be_written() {
    let home = tempfile::tempdir().unwrap();
    for args in [
        &["token", "--environment", "emulator"][..],
        &["token", "-h"],
    ] {
        let full = std::fs::File::options()
            .write(true)
            .open("/dev/full")
            .unwrap();
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_prove-token"))
            .args(args)
            .env_clear()
            .env("HOME", home.path())
            .stdout(full)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        let words = String::from_utf8(output.stderr).unwrap();
        assert_eq!(
            words,
            "error: cannot write to standard output: no storage space\n"
        );
    }
}

/// Whatever is missing, it is told in words: what listens for signals would panic.
#[cfg(target_os = "linux")]
#[test]
fn without_file_descriptors() {
    for most in 3..=16 {
        let limit = format!("ulimit -n {most}; exec \"$0\" \"$@\"");
        for args in [&["token"][..], &["call", "/v3/x"], &["doctor"]] {
            let outcome = run(&[args, &["--environment", "emulator"]].concat())
                .below(&["sh", "-c", &limit])
                .outcome();
            // With less than a few the system starts no program.
            assert_ne!(outcome.code, Some(101), "{most}: {outcome:?}");
        }
    }
}
