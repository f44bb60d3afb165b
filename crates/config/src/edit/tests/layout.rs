//! What is changed, and what stays.

use std::collections::BTreeSet;

use proptest::prelude::*;
use prove_token::{ClientAuthentication, Secret};

use super::*;
use crate::secret::SecretPlace;

#[test]
fn a_profile_is_added_behind_the_others_and_all_else_stays() {
    let expected = FILE.replace("\n[cache]", &format!("{}\n[cache]", table("c", "x")));
    assert_eq!(
        edited(FILE, Edit::new().add_profile("c", profile("x"))),
        expected
    );
}

#[test]
fn a_profile_is_replaced_where_it_stands() {
    let text = edited(FILE, Edit::new().replace_profile("a", profile("x")));
    let (start, rest) = FILE.split_once("[profiles.a]").unwrap();
    let (_, end) = rest.split_once("attempts = 2\n").unwrap();
    assert_eq!(text, format!("{start}{}{end}", &table("a", "x")[1..]));
    let added = edited(FILE, Edit::new().replace_profile("c", profile("x")));
    assert_eq!(
        added,
        edited(FILE, Edit::new().add_profile("c", profile("x")))
    );
}

#[test]
fn a_profile_is_removed_with_its_comment_and_all_else_stays() {
    let (start, rest) = FILE.split_once("\n# the real one").unwrap();
    let (_, end) = rest.split_once("{ env = \"B\" }\n").unwrap();
    let expected = format!("{start}{end}");
    assert_eq!(edited(FILE, Edit::new().remove_profile("b")), expected);
}

#[test]
fn without_the_default_profile_there_is_none() {
    let text = edited(FILE, Edit::new().remove_profile("a"));
    assert!(
        !text.contains("default_profile") && !text.contains("renewal"),
        "{text}"
    );
    assert!(
        text.starts_with("# Of the payments team.\nversion = 1\n"),
        "{text}"
    );
    assert!(
        text.contains("[profiles.b]") && text.ends_with("# the end\n"),
        "{text}"
    );
}

#[test]
fn the_default_is_set_changed_and_cleared() {
    let text = edited(FILE, Edit::new().use_profile("b"));
    assert_eq!(
        text,
        FILE.replace("default_profile = \"a\"", "default_profile = \"b\"")
    );
    let none = edited(FILE, Edit::new().use_no_profile());
    assert!(
        none.starts_with("# Of the payments team.\nversion = 1\n"),
        "{none}"
    );
    let again = edited(&none, Edit::new().use_profile("a"));
    let expected = none.replace("version = 1\n", "version = 1\ndefault_profile = \"a\"\n");
    assert_eq!(again, expected);
    assert_eq!(edited(&none, Edit::new().use_no_profile()), none);
}

#[test]
fn several_changes_are_one() {
    let edit = Edit::new().add_profile("c", profile("x")).use_profile("c");
    let text = edited(FILE, edit.remove_profile("b"));
    assert!(
        text.contains("default_profile = \"c\"  # the usual one"),
        "{text}"
    );
    let half = Edit::new()
        .add_profile("c", profile("x"))
        .use_profile("nobody");
    assert_eq!(
        refusal(FILE, half),
        "there is no profile \"nobody\" (there are: a, b, c)"
    );
}

#[test]
fn other_ways_of_writing_tables_are_edited_as_well() {
    for text in [
        "version = 1\nprofiles = { a = { environment = \"emulator\" } }\n",
        "version = 1\nprofiles.a.environment = \"emulator\"\n",
        "version = 1\n[profiles]\na.environment = \"emulator\"\n",
        "version = 1\n[profiles]\na = { environment = \"emulator\" } # one\n",
        "version = 1\n[profiles]\n",
        "version = 1\n",
    ] {
        let with_b = edited(text, Edit::new().add_profile("b", profile("x")));
        assert!(with_b.starts_with("version = 1\n"), "{with_b}");
        let again = edited(&with_b, Edit::new().replace_profile("b", profile("y")));
        assert!(
            again.contains("\"y\"") && !again.contains("\"x\""),
            "{again}"
        );
        edited(
            &again,
            Edit::new()
                .remove_profile("b")
                .add_profile("c", profile("x")),
        );
        if text.contains("emulator") {
            edited(text, Edit::new().use_profile("a"));
            edited(text, Edit::new().remove_profile("a"));
        }
    }
}

#[test]
fn lines_keep_their_ends() {
    let windows = FILE.replace('\n', "\r\n");
    let text = edited(&windows, Edit::new().add_profile("c", profile("x")));
    assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
    assert_eq!(
        text.replace("\r\n", "\n"),
        edited(FILE, Edit::new().add_profile("c", profile("x")))
    );
}

#[test]
fn every_key_is_written_as_the_reader_wants_it() {
    let url = |text: &str| text.parse().unwrap();
    let mut full = NewProfile::new(Issuer::TokenEndpoint(url("https://idp.example.com/token")));
    full.api_base = Some(url("https://api.example.com"));
    full.client_id = Some(ClientId::new("an \"id\"").unwrap());
    full.client_secret = Some(SecretPlace::File("/run/it's\\here".into()));
    full.client_authentication = Some(ClientAuthentication::Basic);
    full.scope = Some("read write".parse().unwrap());
    full.audience = Some("x\" = y".to_owned());
    full.resource = Some("https://api.example.com/v1".to_owned());
    full.ca_file = Some("/etc/ca.pem".into());
    full.proxy = Some("http://proxy.example.com:3128".parse().unwrap());
    let text = edited(
        "version = 1\n",
        Edit::new().add_profile("full", full.clone()),
    );
    assert_eq!(
        text,
        r#"version = 1

[profiles.full]
token_endpoint = "https://idp.example.com/token"
api_base = "https://api.example.com"
client_id = 'an "id"'
client_secret = { file = '''/run/it's\here''' }
client_authentication = "client_secret_basic"
scope = ["read", "write"]
audience = 'x" = y'
resource = "https://api.example.com/v1"
ca_file = "/etc/ca.pem"
proxy = "http://proxy.example.com:3128"
"#
    );
    let words = ["pass", "show", "prove"].map(Secret::new).to_vec();
    for place in [SecretPlace::Env("A".into()), SecretPlace::Command(words)] {
        full.client_secret = Some(place);
        edited(
            "version = 1\n",
            Edit::new().add_profile("full", full.clone()),
        );
    }
}

#[test]
fn what_the_reader_would_refuse_is_not_written() {
    let add = |name: &str, profile| Edit::new().add_profile(name, profile);
    assert_eq!(
        refusal(FILE, add("a", profile("x"))),
        "there is already a profile \"a\" (-)"
    );
    for (name, words) in [
        (
            "env",
            "profiles.env: this name is taken (\"env\" is made of variables or flags; choose another name)",
        ),
        (
            "",
            "profiles.\"\": not a name for a profile (use up to 64 of a-z, 0-9, -, _ and ., not beginning with a dot)",
        ),
    ] {
        assert_eq!(refusal(FILE, add(name, profile("x"))), words);
    }
    let mut odd = profile("x");
    odd.api_base = Some("https://api.example.com".parse().unwrap());
    assert_eq!(
        refusal(FILE, add("c", odd)),
        "profiles.c: api_base has no effect with the emulator (remove api_base)"
    );
    let mut odd = profile("x");
    odd.client_secret = Some(SecretPlace::Env("not a name".into()));
    assert_eq!(
        refusal(FILE, add("c", odd)),
        "profiles.c.client_secret.env: not the name of an environment variable \
         (write the name, of letters, digits and _, and not the value)"
    );
    for edit in [
        Edit::new().remove_profile("other"),
        Edit::new().use_profile("other"),
    ] {
        assert_eq!(
            refusal(FILE, edit),
            "there is no profile \"other\" (there are: a, b)"
        );
    }
    let large = format!("{FILE}#{}", "x".repeat(LIMIT as usize - FILE.len() - 5));
    let words = refusal(&large, add("c", profile("x")));
    assert!(words.contains("would be larger than 1024 KiB"), "{words}");
}

#[test]
fn a_file_with_problems_is_not_edited() {
    let broken = format!("{FILE}store = \"canary\"\nmore = 1\n");
    let fixture = Fixture::new(&broken);
    let error = Edit::new()
        .use_profile("b")
        .apply(&fixture.path())
        .unwrap_err();
    assert_eq!(fixture.text(), broken);
    assert!(
        error.problems()[0].to_string().contains("config.toml:"),
        "{error:?}"
    );
    assert!(!format!("{error:?}").contains("canary"), "{error:?}");
}

#[test]
fn no_text_of_an_edit_shows_the_arguments_of_a_command() {
    let mut odd = profile("x");
    let words = ["relative/program", "canary"].map(Secret::new).to_vec();
    odd.client_secret = Some(SecretPlace::Command(words));
    let edit = Edit::new().add_profile("c", odd);
    let words = refusal(FILE, edit.clone());
    assert!(words.contains("the program has a relative path"), "{words}");
    assert!(!format!("{words}{edit:?}").contains("canary"), "{edit:?}");
}

proptest! {
    /// Whatever text a key is given, it is that text that is read back: nothing of it
    /// becomes another key or another profile.
    #[test]
    fn a_value_stays_a_value(text in "[^\\p{C}]{1,20}", name in "[a-z0-9_-][a-z0-9_.-]{0,10}") {
        prop_assume!(!["env", "flags", "a", "b"].contains(&name.as_str()));
        let mut new = profile("x");
        new.audience = Some(text.clone());
        let fixture = Fixture::new(FILE);
        let config = Edit::new().add_profile(&name, new).apply(&fixture.path()).unwrap();
        let names: BTreeSet<_> = config.names().collect();
        prop_assert_eq!(names, BTreeSet::from(["a", "b", name.as_str()]));
        let audience = config.profiles[&name].settings.audience.as_ref();
        prop_assert_eq!(&audience.unwrap().value, &text);
    }
}
