//! What stands in the files, and what happens without them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::Place;
use crate::harness::{SECRET, emulator, run_at, run_in};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn base64(bytes: &[u8]) -> [String; 2] {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
    [STANDARD_NO_PAD.encode(bytes), URL_SAFE_NO_PAD.encode(bytes)]
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// How a text could be found in a file: as it is, or encoded.
fn spellings(text: &str) -> Vec<String> {
    let mut spellings = vec![text.to_owned(), hexadecimal(text.as_bytes())];
    // Wherever it begins, some of it is encoded in one of three ways.
    for skip in 0..3 {
        spellings.extend(base64(&text.as_bytes()[skip..]));
    }
    // The end of an encoded text depends on what follows.
    spellings
        .iter_mut()
        .for_each(|spelling| spelling.truncate(spelling.len() - 2));
    spellings
}

#[test]
fn files_are_private_and_say_nothing() {
    let place = Place::new();
    // What others would be allowed to do is not left to the umask.
    let script = format!(
        "umask 000; exec '{}' token",
        env!("CARGO_BIN_EXE_prove-token")
    );
    let output = std::process::Command::new("sh")
        .args(["-c", &script])
        .env_clear()
        .env("HOME", place.home())
        .env("MY_SECRET", SECRET)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let token = String::from_utf8(output.stdout).unwrap();
    place.run_with("canary-wrong", &["token"]).outcome();
    assert_eq!(mode(&place.cache()), 0o700);
    let needles: Vec<_> = [
        SECRET,
        token.trim_end(),
        "canary-wrong",
        "the-client",
        "127.0.0.1",
    ]
    .into_iter()
    .flat_map(spellings)
    .collect();
    let mut files = 0;
    for entry in fs::read_dir(place.cache()).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{path:?}");
        let name = path.file_name().unwrap().to_str().unwrap();
        let text = format!(
            "{name} {}",
            String::from_utf8_lossy(&fs::read(&path).unwrap())
        );
        let lower = text.to_lowercase();
        for needle in &needles {
            assert!(
                !text.contains(needle) && !lower.contains(needle),
                "{needle} in {path:?}"
            );
        }
        files += 1;
    }
    assert!(files >= 2, "a key and a token at least");
}

#[test]
fn the_folder_is_that_of_the_xdg_specification() {
    let place = Place::new();
    let elsewhere = place.home().join("elsewhere");
    let run = || {
        place
            .run(&["token"])
            .env("XDG_CACHE_HOME", elsewhere.to_str().unwrap())
    };
    let token = run().outcome().success();
    assert!(elsewhere.join("prove-token").is_dir() && !place.cache().exists());
    assert_eq!(run().outcome().success(), token);
    place.assert_requests(1);
    let relative = place.run(&["token"]).env("XDG_CACHE_HOME", "relative");
    relative.outcome().success();
    assert!(place.cache().is_dir() && !place.home().join("relative").exists());
}

/// The token is printed, and one notice says why it is not kept.
#[test]
fn an_unusable_folder_costs_a_notice_and_no_token() {
    let once = |place: &Place, words: &str| {
        for _ in 0..2 {
            let outcome = place.run(&["token"]).outcome();
            assert_eq!(outcome.stderr.matches("not kept").count(), 1, "{outcome:?}");
            assert!(outcome.stderr.contains(words), "{words}: {outcome:?}");
            outcome.success();
        }
        place.assert_requests(2);
        let quiet = place.run(&["token", "-q"]).outcome();
        assert_eq!(quiet.stderr, "");
    };
    let open = Place::new();
    fs::create_dir_all(open.cache()).unwrap();
    fs::set_permissions(open.cache(), fs::Permissions::from_mode(0o755)).unwrap();
    once(&open, "0755");
    let file = Place::new();
    fs::write(file.home().join(".cache"), "").unwrap();
    once(&file, ".cache");
    let link = Place::new();
    fs::create_dir_all(link.cache().parent().unwrap()).unwrap();
    std::os::unix::fs::symlink("nowhere", link.cache()).unwrap();
    once(&link, "cache folder");
}

#[test]
fn without_a_home_nothing_is_kept() {
    let place = Place::new();
    let config = place.home().join("config.toml");
    fs::copy(
        place.home().join(".config/prove-token/config.toml"),
        &config,
    )
    .unwrap();
    for _ in 0..2 {
        let outcome = run_in(
            place.home(),
            &["token", "--config", config.to_str().unwrap()],
        )
        .without_env("HOME")
        .env("MY_SECRET", SECRET)
        .outcome();
        assert!(
            outcome
                .stderr
                .contains("HOME is not an absolute path, or not set; tokens are not kept"),
            "{outcome:?}"
        );
        outcome.success();
    }
    place.assert_requests(2);
}

#[test]
fn memory_and_none_write_nothing() {
    for (store, words) in [("memory", "it is \"memory\""), ("none", "it is \"none\"")] {
        let place = Place::new();
        place.configure(&format!("[cache]\nstore = \"{store}\"\n"));
        place.token();
        place.token();
        place.run(&["call", "/v3/nowhere"]).outcome();
        place.assert_requests(3);
        assert!(!place.cache().exists());
        let refusal = place.run(&["token", "--cached-only"]).outcome().failure(10);
        assert!(refusal.contains(words), "{refusal}");
        place.assert_requests(3);
    }
}

#[test]
fn tokens_of_the_built_in_emulator_are_not_kept() {
    let home = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let run = run_in(home.path(), &["token", "--environment", "emulator"]);
        run.outcome().success();
    }
    assert!(!home.path().join(".cache").exists());
    // A running one outlives the command, and so do its tokens.
    let emulator = prove_token_emulator::Emulator::builder().start().unwrap();
    for _ in 0..2 {
        run_in(home.path(), &["token", "--environment", "emulator"])
            .env("PROVE_EMULATOR", emulator.url())
            .outcome()
            .success();
    }
    assert_eq!(emulator.token_requests(), 1);
}

#[test]
fn a_miss_is_told_by_its_reason() {
    let emulator = emulator().start().unwrap();
    let outcome = run_at(&emulator, &["token", "-v"]).outcome();
    let words = "no token that is kept can be used: absent";
    assert_eq!(outcome.stderr.matches(words).count(), 1, "{outcome:?}");
    assert!(
        !outcome.stderr.contains("renewal."),
        "defaults are no news: {outcome:?}"
    );
    let json = run_at(&emulator, &["token", "-v", "--log-format", "json"]).outcome();
    let expected = "{\"event\":\"store_missed\",\"reason\":\"absent\"}";
    assert!(json.stderr.lines().any(|line| line == expected), "{json:?}");
}
