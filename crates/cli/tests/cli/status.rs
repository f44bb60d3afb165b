//! `prove-token status`: how profiles stand, and nobody is asked.

use prove_token_emulator::{Emulator, Fault};
use serde_json::Value;
use snapbox::str;
use tempfile::TempDir;

use crate::harness::{ID, Run, SECRET, emulator, run, run_in};

/// A home with profiles of `emulator`, and what they need.
struct Desk {
    home: TempDir,
    config: String,
}

impl Desk {
    fn new(emulator: &Emulator) -> Self {
        let endpoint = emulator.token_endpoint();
        let at = |name: &str, secret: &str| {
            format!(
                "[profiles.{name}]\ntoken_endpoint = \"{endpoint}\"\nclient_id = \"{ID}\"\n\
                 client_secret = {secret}\n"
            )
        };
        let config = [
            "version = 1\ndefault_profile = \"main\"\n".to_owned(),
            at("main", "{ env = \"MAIN_SECRET\" }"),
            at("printed", "{ command = [\"cat\", \"/nowhere/secret\"] }"),
            at("unset", "{ env = \"NO_SECRET\" }"),
        ];
        Self {
            home: tempfile::tempdir().unwrap(),
            config: config.concat(),
        }
    }

    fn run(&self, args: &[&str]) -> Run {
        run_in(self.home.path(), args)
            .config(&self.config)
            .env("MAIN_SECRET", SECRET)
            .env("LANG", "C.UTF-8")
            .env("PATH", "/usr/bin:/bin")
    }
}

#[test]
fn a_look_asks_nobody_and_reads_no_command() {
    let emulator = emulator().start().unwrap();
    let desk = Desk::new(&emulator);
    desk.run(&["status"]).outcome().transcript(0, str![[r#"
  PROFILE  ENVIRONMENT             TOKEN                       RENEWAL  LAST FAILURE   SECRET
* main     http://127.0.0.1:[PORT]  ░░░░░░░░░░░░░░░░░░░░  none                          in the environment variable MAIN_SECRET
  printed  http://127.0.0.1:[PORT]  ░░░░░░░░░░░░░░░░░░░░  none                          printed by the command cat within 10s
  unset    http://127.0.0.1:[PORT]  ░░░░░░░░░░░░░░░░░░░░  none           secret source  in the environment variable NO_SECRET
! unset: the environment variable NO_SECRET is not set
  set NO_SECRET to the client secret

"#]], str![]);
    assert_eq!(emulator.connections(), 0);
    desk.run(&["token"]).outcome().success();
    desk.run(&["status", "main"])
        .outcome()
        .transcript(0, str![[r#"
  PROFILE  ENVIRONMENT             TOKEN [..] RENEWAL [..] LAST FAILURE  SECRET
  main     http://127.0.0.1:[PORT]  ████████████████████  [..] of 1h  in [..]  in the environment variable MAIN_SECRET

"#]], str![]);
    assert_eq!(emulator.token_requests(), 1);
}

#[test]
fn what_a_locale_cannot_show_is_drawn_in_ascii() {
    let emulator = emulator().start().unwrap();
    let desk = Desk::new(&emulator);
    desk.run(&["token"]).outcome().success();
    let shown = desk.run(&["status"]).env("LANG", "C").outcome().success();
    assert!(shown.is_ascii(), "{shown}");
    assert!(shown.contains("####################  "), "{shown}");
}

#[test]
fn a_secret_that_a_command_prints_is_read_when_asked_for() {
    let emulator = emulator().start().unwrap();
    let desk = Desk::new(&emulator);
    desk.run(&["status", "printed", "--read-secrets"])
        .outcome()
        .transcript(0, str![[r#"
  PROFILE  ENVIRONMENT             TOKEN                       RENEWAL  LAST FAILURE   SECRET
  printed  http://127.0.0.1:[PORT]  ░░░░░░░░░░░░░░░░░░░░  none           secret source  printed by the command cat within 10s
! printed: the secret command "cat" failed with exit status 1
  run the command by hand to see its messages, which are not shown here

"#]], str![]);
    let printing = desk.config.replace("/nowhere/secret", "secret");
    let run = |args: &[&str]| desk.run(args).config(&printing).file("secret", SECRET);
    run(&["token", "printed"]).outcome().success();
    run(&["status", "printed"])
        .outcome()
        .transcript(0, str![[r#"
  PROFILE  ENVIRONMENT             TOKEN [..] RENEWAL [..] LAST FAILURE  SECRET
  printed  http://127.0.0.1:[PORT]         [..] (not opened) [..]  printed by the command cat within 10s
! printed: the secret was not read, so the token was not opened; --read-secrets does both

"#]], str![]);
    run(&["status", "printed", "--read-secrets"])
        .outcome()
        .transcript(0, str![[r#"
  PROFILE  ENVIRONMENT             TOKEN [..] RENEWAL [..] LAST FAILURE  SECRET
  printed  http://127.0.0.1:[PORT]  ████████████████████  [..] of 1h  in [..]  printed by the command cat within 10s

"#]], str![]);
    assert_eq!(emulator.token_requests(), 1);
}

#[test]
fn the_last_failure_is_told_with_its_remedy() {
    let emulator = emulator().fault(Fault::status(401)).start().unwrap();
    let desk = Desk::new(&emulator);
    desk.run(&["token"]).outcome().failure(4);
    desk.run(&["-p", "main", "status"])
        .outcome()
        .transcript(0, str![[r#"
  PROFILE  ENVIRONMENT             TOKEN                       RENEWAL  LAST FAILURE          SECRET
  main     http://127.0.0.1:[PORT]  ░░░░░░░░░░░░░░░░░░░░  none           credentials rejected  in the environment variable MAIN_SECRET
! main: http://127.0.0.1:[PORT]/token rejected the client credentials (status 401, code 8002: not authorized)
  check the client id and secret for stray characters, and that they belong to this server
  wait [..] before the next try

"#]], str![]);
    desk.run(&["status", "main", "--check"])
        .outcome()
        .transcript(4, str![[r#"
  PROFILE  ENVIRONMENT             TOKEN                       RENEWAL  LAST FAILURE          SECRET
  main     http://127.0.0.1:[PORT]  ░░░░░░░░░░░░░░░░░░░░  none           credentials rejected  in the environment variable MAIN_SECRET
! main: http://127.0.0.1:[PORT]/token rejected the client credentials (status 401, code 8002: not authorized)
  check the client id and secret for stray characters, and that they belong to this server
  wait [..] before the next try

"#]], str![[r#"
error: the profile main has no usable token
hint: prove-token token requests one; a program that runs, or watch, keeps one

"#]]);
    assert_eq!(emulator.token_requests(), 1);
}

#[test]
fn monitoring_gets_an_exit_code_and_json() {
    let emulator = emulator().start().unwrap();
    let desk = Desk::new(&emulator);
    let check = |args: &[&str]| desk.run(&[&["status", "main", "--check"], args].concat());
    check(&[]).outcome().transcript(10, str![[r#"
  PROFILE  ENVIRONMENT             TOKEN                       RENEWAL  LAST FAILURE  SECRET
  main     http://127.0.0.1:[PORT]  ░░░░░░░░░░░░░░░░░░░░  none                         in the environment variable MAIN_SECRET

"#]], str![[r#"
error: the profile main has no usable token
hint: prove-token token requests one; a program that runs, or watch, keeps one

"#]]);
    desk.run(&["token"]).outcome().success();
    check(&["--min-validity", "50m"]).outcome().success();
    check(&["--min-validity", "2h"])
        .outcome()
        .transcript(10, str![[r#"
  PROFILE  ENVIRONMENT             TOKEN [..] RENEWAL [..] LAST FAILURE  SECRET
  main     http://127.0.0.1:[PORT]  ████████████████████  [..] of 1h  in [..]  in the environment variable MAIN_SECRET

"#]], str![[r#"
error: the profile main has no token that lives 2h
hint: prove-token token requests one; a program that runs, or watch, keeps one

"#]]);
    let json = desk.run(&["status", "--json"]).outcome().success();
    let json: Value = serde_json::from_str(&json).unwrap();
    let main = &json["profiles"][0];
    assert_eq!(main["profile"], "main");
    assert_eq!(main["default"], true);
    assert_eq!(main["token"]["lifetime"], 3600);
    assert_eq!(main["token"]["verified"], true);
    let (left, renewal) = (&main["token"]["expires_in"], &main["renewal_in"]);
    assert!(left.as_u64() > renewal.as_u64(), "{main}");
    // Of the same client at the same server, it has the same token.
    assert_eq!(json["profiles"][1]["token"]["verified"], false);
    assert_eq!(json["profiles"][2]["failure"]["error"], "secret_source");
    assert_eq!(json["profiles"][2]["failure"]["exit_code"], 5);
}

#[test]
fn what_is_not_kept_is_said_to_be() {
    let emulator = emulator().start().unwrap();
    let desk = Desk::new(&emulator);
    let config = format!("{}[cache]\nstore = \"none\"\n", desk.config);
    desk.run(&["status", "main"])
        .config(&config)
        .outcome()
        .transcript(0, str![[r#"
  PROFILE  ENVIRONMENT             TOKEN            RENEWAL  LAST FAILURE  SECRET
  main     http://127.0.0.1:[PORT]         not kept                         in the environment variable MAIN_SECRET

"#]], str![]);
    run(&["status"])
        .env("PROVE_CLIENT_ID", "x")
        .env("PROVE_CLIENT_SECRET", "canary")
        .env("PROVE_ENVIRONMENT", "emulator")
        .outcome()
        .transcript(0, str![[r#"
  PROFILE  ENVIRONMENT  TOKEN                      RENEWAL  LAST FAILURE  SECRET
* env      emulator            ends with each run                         in the environment variable PROVE_CLIENT_SECRET

"#]], str![]);
}

/// Every other command would fail: monitoring must not be told that all is well.
#[test]
fn what_variables_choose_is_there_even_if_it_cannot_be_used() {
    for (variable, value, name) in [
        ("PROVE_CLIENT_ID", "x", "env"),
        ("PROVE_TOKEN_PROFILE", "none", "none"),
    ] {
        let outcome = run(&["status", "--json", "--check"])
            .config("version = 1\n[profiles.one]\nenvironment = \"emulator\"\n")
            .env(variable, value)
            .outcome();
        assert_eq!(outcome.code, Some(3), "{outcome:?}");
        let failure = format!("the profile {name} has no usable token");
        assert!(outcome.stderr.contains(&failure), "{outcome:?}");
    }
}

#[test]
fn without_profiles_there_is_nothing_to_show() {
    run(&["status"]).outcome().transcript(3, str![], str![[r#"
error: no profile is chosen, and none is configured
hint: let prove-token init ask for what it takes, or set PROVE_CLIENT_ID and PROVE_CLIENT_SECRET; to try it without an account: prove-token token --environment emulator

"#]]);
    run(&["status", "none"])
        .config("version = 1\n[profiles.one]\nenvironment = \"emulator\"\n")
        .outcome()
        .transcript(
            3,
            str![],
            str![[r#"
error: there is no profile "none"
hint: did you mean one? (in [HOME]/.config/prove-token/config.toml)

"#]],
        );
    run(&["status", "--min-validity", "5m"])
        .outcome()
        .transcript(
            2,
            str![],
            str![[r#"
error: --check is missing
hint: usage: prove-token status --check --min-validity <TIME> [PROFILE]; --help says more

"#]],
        );
}

/// What a terminal shows of a profile whose token is not there, and of one whose token
/// was refused.
#[cfg(target_os = "linux")]
fn screen_at(columns: u16) -> crate::terminal::Ended {
    let emulator = emulator().fault(Fault::status(403)).start().unwrap();
    let home = tempfile::tempdir().unwrap();
    let config = format!(
        "version = 1\ndefault_profile = \"acme\"\n\
         [profiles.acme]\ntoken_endpoint = \"https://idp.example.com/token\"\n\
         client_id = \"me\"\nclient_secret = {{ file = \"/nowhere/secret\" }}\n\
         [profiles.refused]\ntoken_endpoint = \"{}\"\nclient_id = \"{ID}\"\n\
         client_secret = {{ command = [\"cat\", \"secret\"] }}\n",
        emulator.token_endpoint()
    );
    let run = run_in(home.path(), &["token", "refused"]);
    let run = run
        .config(&config)
        .file("secret", SECRET)
        .env("PATH", "/usr/bin:/bin");
    run.outcome().failure(6);
    let terminal =
        crate::terminal::Terminal::start(home.path(), columns, &["status", "--read-secrets"]);
    let mut ended = terminal.end();
    let port = emulator.url().rsplit_once(':').unwrap().1;
    let text = ended.text.replace(port, "[PRT]");
    // The pause before the next try is drawn.
    let lines = text
        .lines()
        .map(|line| match line.contains("before the next try") {
            true => "  wait [..] before the next try",
            false => line,
        });
    ended.text = lines.collect::<Vec<_>>().join("\n");
    ended
}

#[cfg(target_os = "linux")]
#[test]
fn a_narrow_terminal_gets_paragraphs() {
    screen_at(60).screen(
        0,
        str![[r#"
* acme  idp.example.com
    token    ░░░░░░░░░░░░░░░░░░░░  none
    failure  secret source
    secret   in the file /nowhere/secret
  refused  http://127.0.0.1:[PRT]
    token    ░░░░░░░░░░░░░░░░░░░░  none
    failure  request rejected
    secret   printed by the command cat within 10s
! acme: the secret file /nowhere/secret does not exist
  write the client secret to /nowhere/secret, or name
  another file
! refused: http://127.0.0.1:[PRT]/token refused the request
  (status 403: Forbidden)
  check the token endpoint's address, and that the client
  may use it
  wait [..] before the next try

"#]],
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_wide_terminal_gets_a_table() {
    screen_at(120).screen(
        0,
        str![[r#"
  PROFILE  ENVIRONMENT             TOKEN                       RENEWAL  LAST FAILURE
* acme     idp.example.com         ░░░░░░░░░░░░░░░░░░░░  none           secret source
  refused  http://127.0.0.1:[PRT]  ░░░░░░░░░░░░░░░░░░░░  none           request rejected
! acme: the secret file /nowhere/secret does not exist
  write the client secret to /nowhere/secret, or name another file
! refused: http://127.0.0.1:[PRT]/token refused the request (status 403: Forbidden)
  check the token endpoint's address, and that the client may use it
  wait [..] before the next try

"#]],
    );
}
