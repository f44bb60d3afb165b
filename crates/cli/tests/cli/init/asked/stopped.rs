//! Whoever stops on the way has changed nothing.

use super::{files, init};
use crate::harness::{ID, SECRET, emulator};

#[test]
fn whoever_stops_after_a_rejection_has_changed_nothing() {
    let home = tempfile::tempdir().unwrap();
    let emulator = emulator().start().unwrap();
    let endpoint = emulator.token_endpoint();
    let args = ["acme", "--token-endpoint", &endpoint, "--keep", "file"];
    let mut terminal = init(home.path(), 80, &args);
    terminal.expect("Client id");
    terminal.answer(ID);
    terminal.expect_hidden("Client secret");
    terminal.answer("canary-wrong");
    terminal.expect("Go on?");
    terminal.answer("");
    terminal.expect("Number or name");
    terminal.answer("stop");
    let ended = terminal.end();
    assert_eq!(ended.code, Some(4), "{ended:?}");
    assert!(
        ended.text.contains("hint: nothing was written"),
        "{ended:?}"
    );
    assert_eq!(files(home.path()), []);
}

#[test]
fn ctrl_c_at_any_question_writes_nothing_and_gives_the_terminal_back() {
    for question in ["Number or name", "Client id", "Client secret", "Name of"] {
        let home = tempfile::tempdir().unwrap();
        let mut terminal = init(home.path(), 80, &["--keep", "file"]);
        terminal.expect("Number or name");
        if question != "Number or name" {
            terminal.answer("1");
            terminal.expect("Client id");
        }
        if ["Client secret", "Name of"].contains(&question) {
            terminal.answer(ID);
            terminal.expect_hidden("Client secret");
        }
        if question == "Name of" {
            terminal.answer(SECRET);
            terminal.expect("Name of the profile");
        }
        if question == "Client secret" {
            terminal.press("canary-half");
        }
        terminal.press("\u{3}");
        let ended = terminal.end();
        assert_eq!(ended.code, Some(130), "{question}: {ended:?}");
        assert!(ended.shows_what_is_typed, "{question}: {ended:?}");
        assert_eq!(files(home.path()), [], "{question}");
    }
}

/// Ctrl-\ and Ctrl-Z would leave a terminal that shows nothing to whoever comes next.
#[test]
fn no_other_key_leaves_the_secret_in_the_middle() {
    let home = tempfile::tempdir().unwrap();
    let args = ["--keep", "file", "--environment", "uat-eu"];
    let mut terminal = init(home.path(), 80, &args);
    terminal.expect("Client id");
    terminal.answer(ID);
    terminal.expect_hidden("Client secret");
    terminal.press("\u{1c}\u{1a}");
    terminal.answer(SECRET);
    terminal.expect("Name of the profile");
    assert!(terminal.shows_what_is_typed());
    terminal.press("\u{3}");
    assert_eq!(terminal.end().code, Some(130));
}

#[test]
fn a_signal_at_the_secret_gives_the_terminal_back() {
    for (signal, code) in [("TERM", 143), ("HUP", 129), ("INT", 130)] {
        let home = tempfile::tempdir().unwrap();
        let mut terminal = init(
            home.path(),
            80,
            &["--keep", "file", "--environment", "uat-eu"],
        );
        terminal.expect("Client id");
        terminal.answer(ID);
        terminal.expect_hidden("Client secret");
        let pid = terminal.pid().to_string();
        let sent = std::process::Command::new("kill")
            .args(["-s", signal, &pid])
            .status();
        assert!(sent.unwrap().success());
        let ended = terminal.end();
        assert_eq!(ended.code, Some(code), "{ended:?}");
        assert!(ended.shows_what_is_typed, "{ended:?}");
        assert_eq!(files(home.path()), []);
    }
}

#[test]
fn the_end_of_the_input_is_no_answer() {
    let home = tempfile::tempdir().unwrap();
    let mut terminal = init(home.path(), 80, &["--environment", "uat-us"]);
    terminal.expect("Client id");
    terminal.press("\u{4}");
    let ended = terminal.end();
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(
        ended.text.contains("the input ended at a question"),
        "{ended:?}"
    );
    assert_eq!(files(home.path()), []);
}
