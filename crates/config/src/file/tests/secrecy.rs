//! Nothing of a file is repeated that may be a secret.

use super::*;

#[test]
fn syntax_errors_have_a_place_and_no_text_of_the_file() {
    let found = problems("version = 1\n[profiles.a]\nclient_id = \"abc\nscope = [\n");
    assert!(!found.is_empty());
    assert!(found[0].starts_with("3:"), "{found:?}");
    assert!(found[0].contains("not TOML: "), "{found:?}");
    let twice = problems("version = 1\nversion = 1\n");
    assert!(
        twice[0].starts_with("2:1 -: not TOML: duplicate key"),
        "{twice:?}"
    );
}

#[test]
fn no_value_of_a_file_is_repeated() {
    let broken = [
        "\"@\"",
        "@",
        "\"@",
        "'@",
        "'''@",
        "\"\"\"@",
        "\"@\" @",
        "\"@\"@",
        "\"\\@\"",
        "[\"@\"]",
        "[\"@\"",
        "[@]",
        "{ x = \"@\" }",
        "{ x = \"@\"",
        "{ x = @ }",
        "{ env = \"@ @\" }",
        "\n@",
        "\"@\\u0000\"",
        "\"@\u{7}\"",
        "\"https://u:@@h/\"",
        "\"https://h/?@\"",
        "\"~/@\"",
        "0@",
        "1979-05-27@",
        "{ command = [\"@\", 1] }",
        "{ command = \"@\" }",
        "{ keyring = \"@\" }",
    ];
    let lines: Vec<&str> = FULL.lines().collect();
    let mut refused = 0;
    for (index, line) in lines.iter().enumerate() {
        let Some((key, _)) = line.split_once(" = ") else {
            continue;
        };
        for value in broken {
            let changed = format!("{key} = {}", value.replace('@', CANARY));
            let mut text = lines.clone();
            text[index] = &changed;
            let Err(error) = load(text.join("\n")) else {
                continue;
            };
            refused += 1;
            let core = prove_token::Error::from(error.clone());
            let shown = format!("{error} {error:?} {core} {core:?} {:?}", core.hint());
            assert!(!shown.contains(CANARY), "{changed}: {shown}");
        }
    }
    assert!(refused > 400, "{refused}");
}

#[test]
fn what_may_be_secret_is_not_in_debug() {
    let text = FULL
        .replace("\"t1\"", &format!("{CANARY:?}"))
        .replace("\"secret\"", &format!("{CANARY:?}"));
    assert_eq!(text.matches(CANARY).count(), 2);
    let config = load(text).unwrap();
    let shown = format!("{config:?} {config:#?}");
    assert!(!shown.contains(CANARY), "{shown}");
}

#[test]
fn a_literal_secret_is_refused_in_every_spelling() {
    for literal in ["\"@\"", "'@'", "\"\"\"@\"\"\"", "[\"@\"]", "12345", "true"] {
        let line = format!("client_secret = {}", literal.replace('@', CANARY));
        let found = problems_of_profile(&line);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("4:17 profiles.p.client_secret: a secret does not stand"));
        assert!(!found[0].contains(CANARY));
    }
}

#[test]
fn a_deep_document_is_refused_and_not_overflowing() {
    for open in ["[", "{a=", "{a=["] {
        let text = format!("version = 1\na = {}", open.repeat(100_000));
        assert!(load(text).is_err());
    }
}
