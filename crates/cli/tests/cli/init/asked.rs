//! At a terminal.

mod stopped;

use std::fs;
use std::path::Path;

use snapbox::str;

use crate::harness::{ID, SECRET, emulator};
use crate::terminal::Terminal;

const CONFIG: &str = "config.toml";

fn init(home: &Path, columns: u16, args: &[&str]) -> Terminal {
    let all = [&["init", "--config", CONFIG][..], args].concat();
    Terminal::start(home, columns, &all)
}

/// The files below `home`, their contents and their modes, in order.
fn files(home: &Path) -> Vec<(String, u32)> {
    use std::os::unix::fs::MetadataExt as _;
    let mut found = Vec::new();
    let mut folders = vec![home.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let mode = path.metadata().unwrap().mode() & 0o7777;
            let name = path.strip_prefix(home).unwrap().to_str().unwrap();
            found.push((name.to_owned(), mode));
            if path.is_dir() {
                folders.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The emulator, chosen from the list, under the name that is proposed.
fn emulator_at(columns: u16) -> crate::terminal::Ended {
    let home = tempfile::tempdir().unwrap();
    let mut terminal = init(home.path(), columns, &[]);
    terminal.expect("Number or name");
    terminal.answer("6");
    terminal.expect("Number or name");
    terminal.answer("emulator");
    terminal.expect("Name of the profile");
    terminal.answer("Not A Name");
    terminal.expect("Name of the profile");
    terminal.answer("");
    terminal.expect("Go on?");
    terminal.answer("");
    let ended = terminal.end();
    assert_eq!(
        fs::read_to_string(home.path().join(CONFIG)).unwrap(),
        "version = 1\ndefault_profile = \"emulator\"\n\n\
         [profiles.emulator]\nenvironment = \"emulator\"\n"
    );
    ended
}

#[test]
fn the_environment_is_chosen_at_60_columns() {
    emulator_at(60).screen(
        0,
        str![[r#"
This makes a profile, with which prove-token gets access
tokens. Ctrl-C at any question leaves all as it is.
File: config.toml

Credentials are for one region and one tier, which
Prove's portal shows beside them.
Which environment are yours for?
  1  uat-us    US, Sandbox: test users only
  2  prod-us   US, Production
  3  uat-eu    Europe, Sandbox: test users only
  4  prod-eu   Europe, Production
  5  emulator  a local Prove inside the command; no account
Number or name [1]: 6
  type a number from 1 to 5, or a name
Number or name [1]: emulator
Name of the profile [emulator]: Not A Name
  not a name for a profile: use up to 64 of a-z, 0-9, -, _ a
nd ., not beginning with a dot
Name of the profile [emulator]:

This is to be written to config.toml:
  profile      emulator
  environment  emulator
  default      yes
Go on? [Y/n]:
requesting a token, to see whether the credentials work …
they do: a token for [LIFE]
wrote the profile "emulator" to config.toml
next:
  prove-token token
  prove-token call POST /v3/start -d @request.json

"#]],
    );
}

#[test]
fn the_environment_is_chosen_at_120_columns() {
    emulator_at(120).screen(
        0,
        str![[r#"
This makes a profile, with which prove-token gets access
tokens. Ctrl-C at any question leaves all as it is.
File: config.toml

Credentials are for one region and one tier, which
Prove's portal shows beside them.
Which environment are yours for?
  1  uat-us    US, Sandbox: test users only
  2  prod-us   US, Production
  3  uat-eu    Europe, Sandbox: test users only
  4  prod-eu   Europe, Production
  5  emulator  a local Prove inside the command; no account
Number or name [1]: 6
  type a number from 1 to 5, or a name
Number or name [1]: emulator
Name of the profile [emulator]: Not A Name
  not a name for a profile: use up to 64 of a-z, 0-9, -, _ and ., not beginning with a dot
Name of the profile [emulator]:

This is to be written to config.toml:
  profile      emulator
  environment  emulator
  default      yes
Go on? [Y/n]:
requesting a token, to see whether the credentials work …
they do: a token for [LIFE]
wrote the profile "emulator" to config.toml
next:
  prove-token token
  prove-token call POST /v3/start -d @request.json

"#]],
    );
}

/// Types the wrong secret first, and other slips.
fn typed_again(home: &Path, endpoint: &str) -> Terminal {
    let mut terminal = init(
        home,
        60,
        &["acme", "--token-endpoint", endpoint, "--keep", "file"],
    );
    terminal.expect("Client id");
    terminal.answer(" ");
    terminal.expect("Client id");
    terminal.answer(ID);
    terminal.expect_hidden("Client secret");
    terminal.answer("");
    terminal.expect_hidden("Client secret");
    terminal.answer("canary-wrong");
    terminal.expect("Go on?");
    terminal.answer("maybe");
    terminal.expect("Go on?");
    terminal.answer("y");
    terminal.expect("Number or name");
    assert_eq!(files(home), [], "nothing is written before");
    terminal.answer("again");
    terminal.expect("Client id");
    terminal.answer(ID);
    terminal.expect_hidden("Client secret");
    // Pasted with a space beside it.
    terminal.answer(&format!("{SECRET} "));
    terminal
}

#[test]
fn a_rejected_secret_is_typed_again_and_the_right_one_is_kept() {
    let home = tempfile::tempdir().unwrap();
    let emulator = emulator().start().unwrap();
    let endpoint = emulator.token_endpoint();
    let terminal = typed_again(home.path(), &endpoint);
    let mut ended = terminal.end();
    let port = emulator.url().rsplit(':').next().unwrap().to_owned();
    ended.text = ended.text.replace(&port, "[PORT]");
    ended.screen(
        0,
        str![[r#"
This makes a profile, with which prove-token gets access
tokens. Ctrl-C at any question leaves all as it is.
File: config.toml

Client id:
  the client id is empty
Client id: the-client
Client secret (it does not show):
  the client secret is empty
Client secret (it does not show):

This is to be written to config.toml:
  profile         acme
  token endpoint  http://127.0.0.1:[PORT]/token
  client id       the-client
  client secret   in the file secrets/acme
  default         yes
Go on? [Y/n]: maybe
  type y or n
Go on? [Y/n]: y
requesting a token, to see whether the credentials work …
They do not: http://127.0.0.1:[PORT]/token rejected the clien
t credentials (status 401, code 8002: not authorized)
hint: check the client id and secret for stray characters, a
nd that they belong to this server
What now?
  1  again  type the client id and the secret again
  2  keep   write the profile as it is
  3  stop   write nothing
Number or name [1]: again
Client id: the-client
Client secret (it does not show):
requesting a token, to see whether the credentials work …
they do: a token for [LIFE]
wrote the profile "acme" to config.toml
next:
  prove-token token

"#]],
    );
    let kept = fs::read_to_string(home.path().join("secrets/acme")).unwrap();
    assert_eq!(kept, SECRET);
    let private = [
        (".config.toml.lock", 0o600),
        ("config.toml", 0o600),
        ("secrets", 0o700),
        ("secrets/acme", 0o600),
    ];
    let private = private.map(|(name, mode)| (name.to_owned(), mode));
    assert_eq!(files(home.path()), private);
}

#[test]
fn a_profile_may_be_kept_though_nobody_answers() {
    let home = tempfile::tempdir().unwrap();
    // Nobody listens at this port.
    let args = [
        "acme",
        "--token-endpoint",
        "http://127.0.0.1:9/token",
        "--keep",
        "file",
    ];
    let mut terminal = init(home.path(), 80, &args);
    terminal.expect("Client id");
    terminal.answer(ID);
    terminal.expect_hidden("Client secret");
    terminal.answer(SECRET);
    terminal.expect("Go on?");
    terminal.answer("");
    terminal.expect("Number or name");
    terminal.answer("keep");
    let ended = terminal.end();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.text.contains("try once more"), "{ended:?}");
    assert!(home.path().join(CONFIG).exists());
}

#[test]
fn a_secret_in_a_variable_stays_with_its_owner() {
    let home = tempfile::tempdir().unwrap();
    let emulator = emulator().start().unwrap();
    let endpoint = emulator.token_endpoint();
    let mut terminal = init(home.path(), 80, &["acme", "--token-endpoint", &endpoint]);
    terminal.expect("Client id");
    terminal.answer(ID);
    terminal.expect_hidden("Client secret");
    terminal.answer(SECRET);
    terminal.expect("Number or name");
    // What cannot be had is not offered, and that is said.
    #[cfg(not(feature = "secret-service"))]
    terminal.expect_said("(the keyring of this system cannot be had: ");
    terminal.answer("env");
    terminal.expect("Name of the variable");
    terminal.answer("1st");
    terminal.expect("Name of the variable");
    terminal.answer("ACME_SECRET");
    terminal.expect("Go on?");
    terminal.answer("");
    let ended = terminal.end();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended.text.contains("set ACME_SECRET to the client secret"),
        "{ended:?}"
    );
    let text = fs::read_to_string(home.path().join(CONFIG)).unwrap();
    assert!(
        text.contains("client_secret = { env = \"ACME_SECRET\" }"),
        "{text}"
    );
    assert_eq!(files(home.path()).len(), 2);
}

#[test]
fn a_name_that_is_taken_and_the_default_are_asked_about() {
    let home = tempfile::tempdir().unwrap();
    for (name, default) in [("one", None), ("two", Some("y"))] {
        let mut terminal = init(home.path(), 80, &["--environment", "emulator"]);
        terminal.expect("Name of the profile");
        if default.is_some() {
            terminal.answer("one");
            terminal.expect("Name of the profile");
        }
        terminal.answer(name);
        if let Some(answer) = default {
            terminal.expect("Make it the default, in place of \"one\"?");
            terminal.answer(answer);
        }
        terminal.expect("Go on?");
        terminal.answer("");
        let ended = terminal.end();
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }
    let text = fs::read_to_string(home.path().join(CONFIG)).unwrap();
    assert!(text.contains("default_profile = \"two\""), "{text}");
}
