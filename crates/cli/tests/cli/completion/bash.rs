//! In bash, which parts a line at equals signs.
#![cfg(unix)]

use super::Desk;

/// What bash offers after `words`, as its line editor has them; the last is typed.
fn offered(desk: &Desk, words: &[&str]) -> Vec<String> {
    let quoted: Vec<_> = words
        .iter()
        .map(|word| format!("$'{}'", word.replace('\'', "\\'")))
        .collect();
    let script = format!(
        "source <(prove-token completion bash)\ncomplete -p prove-token >/dev/null\n\
         COMP_WORDS=({}); COMP_CWORD={}; word=${{COMP_WORDS[COMP_CWORD]}}\n\
         [[ $word == = ]] && word=\n_prove_token \"${{COMP_WORDS[0]}}\" \"$word\" x\n\
         for offer in \"${{COMPREPLY[@]}}\"; do printf '%s\\n' \"$offer\"; done",
        quoted.join(" "),
        words.len() - 1,
    );
    let offers = desk.script("bash", &["--norc"], &script);
    offers.lines().map(str::to_owned).collect()
}

#[test]
fn words_values_and_profiles_are_offered() {
    let desk = Desk::new();
    let path = desk.path().join("bin/prove-token");
    let path = path.to_str().unwrap();
    for (words, offers) in [
        (&["prove-token", "tok"][..], &["token"][..]),
        (&["prove-token", "token", ""], &["acme", "prove-uat"]),
        (&[path, "token", "p"], &["prove-uat"]),
        (&["~/bin/prove-token", "token", "p"], &["prove-uat"]),
        (
            &["prove-token", "--environment", "=", "uat"],
            &["uat-us", "uat-eu"],
        ),
        (&["prove-token", "--profile", "="], &["acme", "prove-uat"]),
        (&["prove-token", "--config", "my"], &["my conf.toml"]),
        (&["prove-token", "--config", "=", "my"], &["my conf.toml"]),
        (
            &["prove-token", "--config", "'my conf.toml'", "token", "o"],
            &["other"],
        ),
        (
            &["prove-token", "--config", "=", "my\\\\ conf.toml", "-p", ""],
            &["acme", "other"],
        ),
        (
            &["prove-token", "exec", "--", "prove-tok"],
            &["prove-token"],
        ),
        (&["nowhere/prove-token", "token", ""], &[][..]),
    ] {
        assert_eq!(offered(&desk, words), offers, "{words:?}");
    }
}
