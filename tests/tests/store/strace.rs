//! Killed, or refused by the kernel, at every system call of a save.
//!
//! `cargo xtask test` names these tests as skipped where strace is missing or may not
//! trace.

use std::collections::HashMap;
use std::process::Output;

use super::*;

const HOUR: Duration = Duration::from_secs(3600);

/// What is there before the save.
type Before = fn(&Fixture, Duration);

const BEFORE: [(&str, Before); 3] = [
    ("nothing", |_, _| {}),
    ("an entry", |fixture, now| fixture.save(1, now).unwrap()),
    ("a damaged key", |fixture, now| {
        fixture.save(1, now).unwrap();
        fs::write(fixture.store.folder().join("key"), "damaged").unwrap();
    }),
];

/// A system call: its name, and which one of that name in the process it is. strace
/// counts them so.
#[derive(Debug)]
struct Call {
    name: String,
    number: usize,
}

/// Saves entry 2 below strace with these options.
fn save_below(fixture: &Fixture, options: &[&str], now: Duration) -> Output {
    Command::new("strace")
        .args(["-f", "-qqq"])
        .args(options)
        .args(["--", "sh", "-c", "umask 000; exec \"$0\" \"$@\"", HELPER])
        .args(fixture.arguments(&["save", "0", "2"], now))
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn inject(fixture: &Fixture, call: &Call, what: &str, now: Duration) -> Output {
    let Call { name, number } = call;
    let inject = format!("inject={name}:{what}:when={number}");
    save_below(fixture, &["-o", "/dev/null", "-e", &inject], now)
}

/// The calls of a save, from the first that names the folder to the one that tells of
/// success.
fn calls(before: Before) -> Vec<Call> {
    let (fixture, now) = (Fixture::new(), now());
    before(&fixture, now);
    let trace = fixture.store.folder().with_extension("trace");
    let output = save_below(&fixture, &["-o", trace.to_str().unwrap()], now);
    assert_eq!(said(&output), "done");
    let text = fs::read_to_string(trace).unwrap();
    let folder = format!("\"{}\"", fixture.store.folder().display());
    let mut numbers = HashMap::<&str, usize>::new();
    let mut begun = false;
    let mut calls = Vec::new();
    for line in text.lines() {
        // "123 openat(AT_FDCWD, …", and "123 +++ exited" at the end.
        let (_, call) = line.trim_start().split_once(char::is_whitespace).unwrap();
        let Some((name, arguments)) = call.trim_start().split_once('(') else {
            continue;
        };
        let number = numbers.entry(name).or_default();
        *number += 1;
        begun |= arguments.contains(&folder) && name == "openat";
        if begun && name == "write" && arguments.starts_with("1,") {
            return calls;
        }
        if begun {
            let (name, number) = (name.to_owned(), *number);
            calls.push(Call { name, number });
        }
    }
    panic!("no whole save in {text}");
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout)
        .trim_end()
        .to_owned()
}

/// What is found after the save came to grief, and that the next one sets it right.
/// Returns how many files were half written.
fn check(fixture: &Fixture, before: &str, now: Duration) -> usize {
    let half_written = fixture.half_written();
    let loaded = fixture.store.load(&key(0), Entry::Token);
    match loaded.map(|content| content.map(|content| number(&content))) {
        Ok(None | Some(Some(2))) => {}
        Ok(Some(Some(1))) => assert_eq!(before, "an entry"),
        Ok(torn) => panic!("{before}: a torn entry: {torn:?}"),
        Err(error) => assert_eq!(before, "a damaged key", "{error}"),
    }
    // By then nobody can still be writing what was left.
    fixture.save(3, now + 2 * HOUR).unwrap();
    assert_eq!(fixture.number(0), Some(3));
    assert_eq!(fixture.half_written(), 0);
    half_written
}

#[test]
fn an_entry_is_the_old_one_the_new_one_or_a_miss_wherever_its_save_is_killed() {
    for (name, before) in BEFORE {
        let mut half_written = 0;
        for call in calls(before) {
            let (fixture, now) = (Fixture::new(), now());
            before(&fixture, now);
            let output = inject(&fixture, &call, "signal=KILL", now);
            assert!(!output.status.success(), "{name}: {call:?} was not reached");
            assert_eq!(said(&output), "", "{name}: {call:?}");
            half_written += check(&fixture, name, now);
        }
        assert!(
            half_written > 0,
            "{name}: it was never killed while it wrote"
        );
    }
}

#[test]
fn a_save_that_is_refused_any_call_fails_cleanly_or_does_without() {
    const ERRORS: [&str; 4] = ["ENOSPC", "EIO", "EROFS", "EDQUOT"];
    // Some have another name on some machines.
    const REFUSED: [&str; 13] = [
        "openat",
        "statx",
        "read",
        "write",
        "fchmod",
        "renameat",
        "renameat2",
        "linkat",
        "unlinkat",
        "getdents64",
        "mkdir",
        "mkdirat",
        "flock",
    ];
    for (name, before) in BEFORE {
        let mut failures = 0;
        let mut calls = calls(before);
        calls.retain(|call| REFUSED.contains(&call.name.as_str()));
        for (error, call) in ERRORS.iter().cycle().zip(calls) {
            let (fixture, now) = (Fixture::new(), now());
            before(&fixture, now);
            let output = inject(&fixture, &call, &format!("error={error}"), now);
            let told = said(&output);
            assert!(
                output.status.success(),
                "{name}: {call:?} {error}: {output:?}"
            );
            match told.as_str() {
                "done" => assert_eq!(fixture.number(0), Some(2), "{name}: {call:?}"),
                "unavailable" => failures += 1,
                other => panic!("{name}: {call:?} {error}: {other}"),
            }
            let half_written = check(&fixture, name, now);
            assert!(
                half_written == 0 || call.name == "unlinkat",
                "{name}: {call:?}"
            );
        }
        assert!(failures > 3, "{name}: {failures}");
    }
}

#[test]
fn a_file_system_without_links_has_a_key_nevertheless() {
    let (fixture, now) = (Fixture::new(), now());
    let call = Call {
        name: "linkat".to_owned(),
        number: 1,
    };
    let output = inject(&fixture, &call, "error=EPERM", now);
    assert_eq!(said(&output), "done");
    assert_eq!(fixture.number(0), Some(2));
    assert_eq!(fixture.half_written(), 0);
}

#[test]
fn a_file_system_without_locks_gives_no_lease() {
    for error in ["ENOLCK", "EOPNOTSUPP", "EIO"] {
        let (fixture, now) = (Fixture::new(), now());
        let inject = format!("inject=flock:error={error}");
        let output = Command::new("strace")
            .args(["-f", "-qqq", "-o", "/dev/null", "-e", &inject, "--", HELPER])
            .args(fixture.arguments(&["lease", "0"], now))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert_eq!(said(&output), "unavailable", "{error}");
    }
}
