//! "Did you mean …?" for a mistyped word.

use crate::failure::Failure;

/// The failure for a word that is none of the known ones.
pub(crate) fn unknown(what: &str, word: &str, known: &[&str]) -> Failure {
    let hint = match nearest(word, known) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("known: {}", known.join(", ")),
    };
    Failure::Usage(format!("unknown {what} `{word}`; {hint}"))
}

/// The known word that a person most likely meant, if one is close enough.
fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    known
        .iter()
        .map(|name| (distance(word, name), *name))
        .filter(|(distance, name)| *distance <= 2 && *distance < name.len())
        .min()
        .map(|(_, name)| name)
}

/// The Levenshtein distance: insertions, deletions and replacements from `a` to `b`.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_levenshtein() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", "abc"), 0);
    }

    #[test]
    fn a_slip_is_corrected_and_a_stranger_is_shown_the_list() {
        let known = ["test", "check"];
        assert!(
            unknown("command", "chekc", &known)
                .to_string()
                .contains("did you mean `check`?")
        );
        assert!(
            unknown("command", "deploy", &known)
                .to_string()
                .contains("known: test, check")
        );
        assert_eq!(unknown("command", "tets", &known).exit_code(), 2);
    }
}
