//! "Did you mean": the known word nearest to an unknown one.

/// The known word that `word` is a slip of, if one is near.
pub(crate) fn suggestion<'k>(
    word: &str,
    known: impl IntoIterator<Item = &'k str>,
) -> Option<&'k str> {
    let word = word.to_lowercase().replace('_', "-");
    known
        .into_iter()
        .map(|known| {
            let spelled = known.replace('_', "-");
            (strsim::osa_distance(&word, &spelled), known)
        })
        .filter(|(distance, known)| *distance <= (known.len() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognized_and_strangers_are_not() {
        let known = ["client_id", "client_secret", "scope", "audience"];
        for (word, expected) in [
            ("clientid", Some("client_id")),
            ("client-secret", Some("client_secret")),
            ("Scope", Some("scope")),
            ("scopes", Some("scope")),
            ("adience", Some("audience")),
            ("tenant", None),
            ("", None),
        ] {
            assert_eq!(suggestion(word, known), expected, "{word}");
        }
    }
}
