//! The format of the cases: what its README says is what is read.

use std::collections::BTreeMap;
use std::fs;

use prove_token_tests::canary::{CLIENT_ID, SECRET, TOKEN};
use prove_token_tests::wire::{Case, folder};

/// Where an unknown key is put in, to be told the known ones; and the heading of
/// the README that lists them.
const PLACES: [(&str, &str); 6] = [
    ("A case", r#"{"?":0}"#),
    ("`ask`", r#"{"about":"","ask":{"?":0}}"#),
    ("An answer", r#"{"about":"","answers":[{"?":0}]}"#),
    (
        "A part of a body",
        r#"{"about":"","answers":[{"status":200,"body_parts":[{"?":0}]}]}"#,
    ),
    (
        "`expect`",
        r#"{"about":"","answers":[],"requests":1,"expect":{"?":0}}"#,
    ),
    (
        "`response`",
        r#"{"about":"","answers":[],"requests":1,"expect":{"response":{"?":0}}}"#,
    ),
];

#[test]
fn the_readme_lists_exactly_the_keys_that_are_read() {
    let readme = readme_keys();
    for (heading, text) in PLACES {
        let error = Case::parse(text).unwrap_err();
        let (_, known) = error.split_once("expected").expect(&error);
        let mut known: Vec<_> = known.split('`').skip(1).step_by(2).collect();
        known.sort_unstable();
        assert!(!known.is_empty(), "{error}");
        let listed = readme.get(heading).cloned().unwrap_or_default();
        assert_eq!(listed, known, "the table below \"{heading}\"");
    }
    assert_eq!(readme.len(), PLACES.len(), "a table that nobody reads");
}

#[test]
fn the_readme_names_the_credentials_and_the_token() {
    let readme = fs::read_to_string(folder().join("README.md")).unwrap();
    for text in [CLIENT_ID, SECRET, TOKEN] {
        assert!(readme.contains(&format!("`{text}`")), "{text}");
    }
}

#[test]
fn contradictions_are_refused() {
    let case = |answer: &str, expect: &str| {
        let text =
            format!(r#"{{"about":"x","answers":[{answer}],"requests":1,"expect":{expect}}}"#);
        Case::parse(&text).map(|_| ())
    };
    let (plain, token) = (r#"{"status":200}"#, r#"{"lifetime":1}"#);
    assert_eq!(case(plain, token), Ok(()));
    for (answer, expect) in [
        ("", token),
        (plain, "{}"),
        (plain, r#"{"lifetime":1,"kind":"protocol"}"#),
        (plain, r#"{"lifetime":1,"says":["x"]}"#),
        (plain, r#"{"kind":"protocol","token":"x"}"#),
        (r#"{"status":200,"body":"","body_base64":""}"#, token),
        (r#"{"status":200,"body_base64":"?"}"#, token),
    ] {
        assert!(case(answer, expect).is_err(), "{answer} {expect}");
    }
}

/// The first column of each table of the README, sorted, by its heading.
fn readme_keys() -> BTreeMap<String, Vec<String>> {
    let readme = fs::read_to_string(folder().join("README.md")).unwrap();
    let mut keys: BTreeMap<_, Vec<_>> = BTreeMap::new();
    let mut heading = String::new();
    for line in readme.lines() {
        if let Some(text) = line.strip_prefix("## ") {
            heading = text.to_owned();
        } else if let Some(row) = line.strip_prefix("| `") {
            let key = row.split('`').next().unwrap();
            keys.entry(heading.clone())
                .or_default()
                .push(key.to_owned());
        }
    }
    keys.values_mut().for_each(|keys| keys.sort_unstable());
    keys
}
