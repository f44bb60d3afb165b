//! The pages as a strict reader of them takes them.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::run_in;

/// Every page, in a folder that lasts as long as it is held.
fn pages() -> (tempfile::TempDir, Vec<PathBuf>) {
    let home = tempfile::tempdir().unwrap();
    let written = run_in(home.path(), &["man", "--dir", "pages"]).outcome();
    let paths: Vec<_> = written
        .success()
        .lines()
        .map(|line| home.path().join(line))
        .collect();
    assert!(paths.len() > 10, "{paths:?}");
    (home, paths)
}

fn mandoc(arguments: &[&str], page: &Path) -> String {
    let output = Command::new("mandoc").args(arguments).arg(page).output();
    let output = output.unwrap_or_else(|error| panic!("mandoc: {error}"));
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

#[test]
fn a_page_is_read_without_a_warning() {
    let (_home, paths) = pages();
    for path in paths {
        let words = mandoc(&["-T", "lint", "-W", "warning"], &path);
        // A date would be wrong as soon as somebody forgot it.
        let others: Vec<_> = words
            .lines()
            .filter(|line| !line.contains("missing date"))
            .collect();
        assert_eq!(others, [""; 0], "{}", path.display());
        assert!(std::fs::read_to_string(&path).unwrap().is_ascii());
    }
}

#[test]
fn a_page_shows_no_markup() {
    let (_home, paths) = pages();
    for path in paths {
        let shown = mandoc(&["-T", "utf8", "-O", "width=200"], &path);
        // Bold and underlined letters are struck twice.
        let mut text = String::new();
        for character in shown.chars() {
            match character {
                '\u{8}' => drop(text.pop()),
                other => text.push(other),
            }
        }
        for markup in ["\\", "`", "[u2", ".TP", ".SH"] {
            assert!(!text.contains(markup), "{markup} in {text}");
        }
        for heading in ["NAME", "SYNOPSIS", "EXIT STATUS", "SEE ALSO"] {
            let is_there = text.lines().any(|line| line == heading);
            assert!(is_there, "{heading} in {text}");
        }
        assert!(text.contains("128+N"), "{text}");
    }
}
