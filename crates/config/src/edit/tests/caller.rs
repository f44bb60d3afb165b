//! Callers in the file.

use super::*;
use crate::service::HandsOut;

/// Another one for each name.
fn hash(name: &str) -> [u8; 32] {
    [name.bytes().fold(0, u8::wrapping_add); 32]
}

fn caller(name: &str) -> NewCaller {
    NewCaller::new(name, hash(name), ["a"])
}

fn block(name: &str) -> String {
    let hash: String = hash(name).map(|byte| format!("{byte:02x}")).concat();
    format!(
        "[[service.callers]]\nname = \"{name}\"\nkey_hash = \"sha256:{hash}\"\nprofiles = [\"a\"]\n"
    )
}

#[test]
fn a_caller_is_added_where_callers_are() {
    let add = || Edit::new().add_caller(caller("new"));
    let file = FILE.replace("# the end\n", "");
    // At the end, if there is nothing of the service yet.
    assert_eq!(edited(&file, add()), format!("{file}\n{}", block("new")));
}

#[test]
fn its_table_is_printed_as_it_is_written() {
    let mut proxied = caller("new");
    assert_eq!(proxied.to_toml(), block("new"));
    proxied.hands_out = HandsOut::Proxy;
    assert_eq!(proxied.to_toml(), block("new") + "hands_out = \"proxy\"\n");
    let text = edited(FILE, Edit::new().add_caller(proxied));
    assert!(text.contains("hands_out = \"proxy\"\n"), "{text}");
}

#[test]
fn the_others_stay_as_they_are() {
    let service = format!(
        "{FILE}\n[service] # of the host\nlisten = [\"127.0.0.1:7878\"]\n\n# pays\n{}\
         [[service.callers.allow]]\nmethods = [\"GET\"]\n\n# last\n{}\n[[service.sinks]]\n\
         profile = \"a\"\npath = \"/run/token\"\n",
        block("one"),
        block("two"),
    );
    let added = edited(&service, Edit::new().add_caller(caller("three")));
    let expected = service.replace(
        &format!("{}\n", block("two")),
        &format!("{}\n{}\n", block("two"), block("three")),
    );
    assert_eq!(added, expected);
    assert_eq!(edited(&added, Edit::new().remove_caller("three")), service);
    let removed = edited(&service, Edit::new().remove_caller("one"));
    assert!(
        !removed.contains("# pays") && !removed.contains("allow"),
        "{removed}"
    );
    assert!(
        removed.contains("# last") && removed.contains("# of the host"),
        "{removed}"
    );
}

#[test]
fn callers_in_line_stay_in_line() {
    let hash = "cd".repeat(32);
    for service in [
        format!("callers = [{{ name = \"x\", key_hash = \"sha256:{hash}\", profiles = [\"a\"] }}]"),
        "callers = []".to_owned(),
    ] {
        let text = format!("{FILE}[service]\n{service}\n");
        let added = edited(&text, Edit::new().add_caller(caller("new")));
        assert!(added.contains("name = \"new\""), "{added}");
        assert!(!added.contains("[[service.callers]]"), "{added}");
        edited(&added, Edit::new().remove_caller("new"));
    }
    let text = format!("service = {{ }}\n{FILE}");
    let added = edited(&text, Edit::new().add_caller(caller("new")));
    edited(&added, Edit::new().remove_caller("new"));
}

/// A service that listens on TCP has to have a caller, and this is how it gets one.
#[test]
fn a_caller_may_be_all_that_a_file_lacked() {
    let lacks = format!("{FILE}[service]\nlisten = [\"127.0.0.1:0\"]\n");
    let text = edited(&lacks, Edit::new().add_caller(caller("new")));
    assert_eq!(text, format!("{lacks}\n{}", block("new")));
    let more = lacks.replace("listen", "colour = 1\nlisten");
    let words = refusal(&more, Edit::new().add_caller(caller("new")));
    assert!(words.contains("2 problems"), "{words}");
    let wrong = NewCaller::new("new", [0; 32], ["none"]);
    let words = refusal(&lacks, Edit::new().add_caller(wrong));
    assert!(words.contains("no profile has this name"), "{words}");
}

#[test]
fn what_would_not_be_accepted_is_not_written() {
    let file = format!(
        "{FILE}[service]\nlisten = [\"127.0.0.1:0\"]\n{}",
        block("one")
    );
    for (edit, words) in [
        (
            Edit::new().add_caller(caller("one")),
            "there is already a caller \"one\" (remove it first, or choose another name)",
        ),
        (
            Edit::new().remove_caller("on"),
            "there is no caller \"on\" (did you mean one?)",
        ),
        (
            Edit::new().remove_caller("one"),
            "service: listens on TCP and has no caller with a key (add one with prove-tokend \
             caller add, or listen on a Unix socket alone)",
        ),
        (
            Edit::new().add_caller(caller("Not a name")),
            "service.callers[1].name: not a name for a caller (use up to 64 of a-z, 0-9, -, _ \
             and ., not beginning with a dot)",
        ),
        (
            Edit::new().add_caller(NewCaller::new("two", [0; 32], ["none"])),
            "service.callers[1].profiles: no profile has this name (there are: a, b)",
        ),
    ] {
        assert_eq!(refusal(&file, edit), words);
    }
}
