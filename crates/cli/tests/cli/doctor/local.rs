//! What is wrong on this machine.

use std::fs;
use std::path::Path;

use snapbox::str;

use super::{assert_finding, doctor, findings};
use crate::harness::{ID, SECRET, emulator, run, run_in};

#[test]
fn a_broken_file_is_told_whole() {
    let config = "version = 1\n[profiles.acme]\nenvironmnet = \"uat-us\"\nclient_id = 7\n";
    run(&["doctor", "acme"])
        .config(config)
        .outcome()
        .transcript(3, str![[r#"
profile acme
  [x]  configuration  [HOME]/.config/prove-token/config.toml:3:1: profiles.acme.environmnet: unknown key
                      -> did you mean environment?
  [x]  configuration  [HOME]/.config/prove-token/config.toml:4:13: profiles.acme.client_id: expected a string, { env = /u2026 } or { file = /u2026 }, found an integer
  [ok] its folder     [HOME]/.config/prove-token: mode 0700
  [-]  profile        not tried: the configuration comes first
  [ok] variables      none that matters is set
  [-]  secret         not tried: there is no profile to try
  [-]  address        not tried: there is no profile to try
  [-]  name           not tried: there is no profile to try
  [-]  connection     not tried: there is no profile to try
  [-]  encryption     not tried: there is no profile to try
  [-]  token          not tried: there is no profile to try
  [-]  clock          not tried: there is no profile to try
  [ok] store          [HOME]/.cache/prove-token is made when a token is first kept
  sent: no token request


"#]], str![[r#"
error: 2 of 13 checks failed; begin with configuration.file of the profile acme

"#]]);
}

#[test]
fn without_any_profile_the_first_step_is_told() {
    let findings = findings(run(&["doctor", "--json"]), 3);
    assert_finding(
        &findings,
        "configuration.file",
        "not_tried",
        &["there is no file"],
    );
    let words = ["no profile is chosen", "PROVE_CLIENT_ID"];
    assert_finding(&findings, "configuration.profile", "failed", &words);
    assert_finding(&findings, "endpoint.token", "not_tried", &["no profile"]);
}

#[test]
fn without_a_secret_the_way_is_looked_at() {
    let emulator = emulator().start().unwrap();
    let endpoint = emulator.token_endpoint();
    let run = doctor(&endpoint, "", &["--json"]).without_env("MY_SECRET");
    let report = findings(run, 5);
    assert_finding(
        &report,
        "secret.source",
        "failed",
        &["MY_SECRET is not set"],
    );
    assert_finding(&report, "network.tcp", "ok", &["IPv4"]);
    let words = ["there is no secret to send"];
    assert_finding(&report, "endpoint.token", "not_tried", &words);
    // Nor is one needed that the profile does not even name.
    let config = format!(
        "version = 1\n[profiles.acme]\ntoken_endpoint = \"{endpoint}\"\nclient_id = \"{ID}\"\n"
    );
    let run = self::run(&["doctor", "acme", "--json"]).config(&config);
    let report = findings(run, 3);
    let words = ["has no client secret", "--client-secret-file"];
    assert_finding(&report, "configuration.profile", "failed", &words);
    assert_finding(&report, "secret.source", "not_tried", &["names none"]);
    assert_finding(&report, "network.tcp", "ok", &["IPv4"]);
    assert_eq!(emulator.token_requests(), 0);
}

#[test]
fn a_command_is_not_run_offline() {
    let config = format!(
        "version = 1\n[profiles.acme]\nenvironment = \"uat-us\"\nclient_id = \"{ID}\"\n\
         client_secret = {{ command = [\"touch\", \"ran\"] }}\n"
    );
    let home = tempfile::tempdir().unwrap();
    let run = run_in(home.path(), &["doctor", "acme", "--offline", "--json"]).config(&config);
    let findings = findings(run, 0);
    assert_finding(
        &findings,
        "secret.source",
        "not_tried",
        &["the command touch"],
    );
    assert!(!home.path().join("ran").exists());
}

#[test]
fn the_built_in_emulator_runs_to_be_asked_alone() {
    let doctor = |more: &[&str]| {
        let args = [&["doctor", "--environment", "emulator", "--json"], more].concat();
        findings(run(&args), 0)
    };
    let report = doctor(&[]);
    assert_finding(&report, "endpoint.token", "ok", &["granted in"]);
    assert_finding(&report, "secret.source", "ok", &["the public one"]);
    // No command reads a file for it, so a broken one is nothing to it.
    let args = ["doctor", "--environment", "emulator", "--json"];
    let report = findings(run(&args).config("version = 7"), 0);
    assert_finding(&report, "configuration.file", "not_tried", &["not read"]);
    let report = doctor(&["--offline"]);
    assert_finding(&report, "endpoint.token", "not_tried", &["--offline"]);
    assert_finding(&report, "secret.source", "not_tried", &["its own"]);
    assert_finding(&report, "endpoint.address", "not_tried", &["when it runs"]);
}

#[test]
fn colour_is_an_addition_and_requests_are_told_of_on_demand() {
    let emulator = emulator().start().unwrap();
    let outcome = doctor(&emulator.token_endpoint(), "", &["--color", "always", "-v"]).outcome();
    assert!(outcome.stderr.contains("> POST http://"), "{outcome:?}");
    let painted = outcome.success();
    assert!(
        painted.contains("\u{1b}[32m[ok]\u{1b}[0m token"),
        "{painted}"
    );
    let outcome = doctor(&emulator.token_endpoint(), "", &[]).outcome();
    assert!(!outcome.success().contains('\u{1b}'));
}

#[cfg(unix)]
mod modes {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    /// A profile with its secret in `home/secret`.
    fn config(endpoint: &str, more: &str) -> String {
        format!(
            "version = 1\ndefault_profile = \"acme\"\n[profiles.acme]\n\
             token_endpoint = \"{endpoint}\"\nclient_id = \"{ID}\"\n\
             client_secret = {{ file = \"../../secret\"{more} }}\n"
        )
    }

    #[test]
    fn a_secret_that_others_can_read() {
        let emulator = emulator().start().unwrap();
        let home = tempfile::tempdir().unwrap();
        let doctor = |more: &str| {
            let run = run_in(home.path(), &["doctor", "--json"])
                .config(&config(&emulator.token_endpoint(), more))
                .file("secret", SECRET);
            set_mode(&home.path().join("secret"), 0o644);
            run
        };
        let report = findings(doctor(""), 5);
        let words = ["can be read by every user (mode 0644)", "run: chmod 600"];
        assert_finding(&report, "secret.source", "failed", &words);
        assert_eq!(emulator.token_requests(), 0);
        let report = findings(doctor(", allow_insecure_mode = true"), 0);
        let words = ["allow_insecure_mode", "chmod 600"];
        assert_finding(&report, "configuration.exceptions", "warning", &words);
        assert_finding(&report, "secret.source", "ok", &["mode 0644"]);
    }

    #[test]
    fn a_configuration_that_others_can_write() {
        let home = tempfile::tempdir().unwrap();
        let run = run_in(home.path(), &["doctor", "--json"]).config(&config("http://[::1]:1/", ""));
        let folder = home.path().join(".config/prove-token");
        set_mode(&folder.join("config.toml"), 0o660);
        set_mode(&folder, 0o770);
        let report = findings(run, 3);
        let words = ["can be written by other users (mode 0660)", "chmod go-w"];
        assert_finding(&report, "configuration.file", "failed", &words);
        let words = ["mode 0770", "others can put another file there"];
        assert_finding(&report, "configuration.folder", "warning", &words);
    }

    #[test]
    fn a_store_that_others_can_read() {
        let emulator = emulator().start().unwrap();
        let home = tempfile::tempdir().unwrap();
        let run = |args: &[&str]| {
            run_in(home.path(), args)
                .config(&config(&emulator.token_endpoint(), ""))
                .file("secret", SECRET)
        };
        run(&["token"]).outcome().success();
        let report = findings(run(&["doctor", "--json"]), 0);
        assert_finding(&report, "store.folder", "ok", &["mode 0700", "locks work"]);
        assert_finding(&report, "store.entries", "ok", &["1 of all profiles"]);
        assert_finding(&report, "store.token", "ok", &["it opens, and lives 59m"]);
        let cache = home.path().join(".cache/prove-token");
        let left = cache.join(format!("{}.tmp", "a".repeat(32)));
        fs::File::create(&left)
            .and_then(|file| file.set_modified(std::time::UNIX_EPOCH))
            .unwrap();
        set_mode(&left, 0o600);
        let other = run(&["doctor", "--json", "--offline"]).file("secret", "canary-other");
        let report = findings(other, 0);
        let words = ["1 half-written file", "purge --all"];
        assert_finding(&report, "store.entries", "warning", &words);
        let words = ["sealed with another secret", "purge acme"];
        assert_finding(&report, "store.token", "warning", &words);
        set_mode(&cache, 0o755);
        run(&["doctor", "--offline"])
            .outcome()
            .transcript(3, str![[r#"
profile acme
  [ok] configuration  [HOME]/.config/prove-token/config.toml is valid: 1 profile, mode 0600
  [ok] its folder     [HOME]/.config/prove-token: mode 0700
  [ok] profile        tokens of http://127.0.0.1:[PORT]; chosen by [HOME]/.config/prove-token/config.toml:2:19
  [ok] exceptions     none: nothing unsafe is allowed
  [ok] variables      none that matters is set
  [ok] secret         in the file [HOME]/.config/prove-token/../../secret, mode 0600
  [ok] secret's form  no stray characters
  [ok] client id      nothing odd
  [ok] address        http://127.0.0.1:[PORT]/token, plain http on this machine alone
  [-]  name           not tried: --offline
  [-]  connection     not tried: --offline
  [-]  encryption     not tried: --offline
  [-]  token          not tried: --offline
  [-]  clock          not tried: --offline
  [x]  store          the cache folder [HOME]/.cache/prove-token is accessible to others (mode 0755)
                      -> run chmod 700 [HOME]/.cache/prove-token, as its owner; or remove it: it holds nothing that cannot be had again
  sent: no token request


"#]], str![[r#"
error: 1 of 15 checks failed; begin with store.folder of the profile acme

"#]]);
        fs::remove_dir_all(&cache).unwrap();
        fs::write(&cache, "").unwrap();
        let report = findings(run(&["doctor", "--json"]), 1);
        assert_finding(&report, "store.folder", "failed", &["XDG_CACHE_HOME"]);
        assert_finding(&report, "endpoint.token", "ok", &["granted"]);
    }
}
