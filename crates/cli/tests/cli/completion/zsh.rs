//! In zsh, with its line editor on a pseudo-terminal: what is typed, and what becomes of
//! it at the tabulator.
#![cfg(unix)]

use super::Desk;

/// The line after somebody typed `line` and pressed the key that completes it.
fn completed(desk: &Desk, line: &str) -> String {
    // `TMOUT` ends a shell that nobody talks to, should the key not arrive.
    let inner = "PROMPT=; TMOUT=60; autoload -U compinit; compinit -u -D\n\
         source <(prove-token completion zsh)\n\
         finish() { zle complete-word; print -r -- \"$BUFFER\" >~/line; exit }\n\
         zle -N finish; bindkey '^T' finish\n";
    std::fs::write(desk.path().join(".inner"), inner).unwrap();
    std::fs::write(desk.path().join(".typed"), line).unwrap();
    let script = "zmodload zsh/zpty\nzpty z zsh -f -i\nzpty -w z 'source ~/.inner'\n\
         zpty -n -w z \"$(<~/.typed)\"$'\\x14'\nwhile zpty -r z output; do :; done\nprint -r -- \"$(<~/line)\"";
    let lines = desk.script("zsh", &["-f"], script);
    lines.trim_end_matches('\n').to_owned()
}

#[test]
fn words_values_and_profiles_are_completed() {
    let desk = Desk::new();
    let path = desk.path().join("bin/prove-token").display().to_string();
    for (line, whole) in [
        ("prove-token tok", "prove-token token "),
        ("prove-token token pr", "prove-token token prove-uat "),
        ("~/bin/prove-token -p pr", "~/bin/prove-token -p prove-uat "),
        (&format!("{path} token a"), &format!("{path} token acme ")),
        (
            "prove-token exec -- prove-tok",
            "prove-token exec -- prove-token ",
        ),
        (
            "prove-token --environment=uat-e",
            "prove-token --environment=uat-eu ",
        ),
        (
            "prove-token --config my",
            "prove-token --config my\\ conf.toml ",
        ),
        (
            "prove-token --config=my",
            "prove-token --config=my\\ conf.toml ",
        ),
        (
            "prove-token --config my\\ conf.toml token o",
            "prove-token --config my\\ conf.toml token other ",
        ),
        (
            "prove-token --config /nowhere token o",
            "prove-token --config /nowhere token o",
        ),
    ] {
        assert_eq!(completed(&desk, line), whole, "{line}");
    }
}

/// As a file of `$fpath`, where the script is the function's body.
#[test]
fn the_script_is_a_function_file_too() {
    let desk = Desk::new();
    let script = "mkdir ~/.zfunc; prove-token completion zsh >~/.zfunc/_prove-token\n\
         fpath=(~/.zfunc $fpath); autoload -U compinit; compinit -u -D\n\
         print -r -- $_comps[prove-token]; autoload +X _prove-token && print loaded";
    assert_eq!(
        desk.script("zsh", &["-f"], script),
        "_prove-token\nloaded\n"
    );
}
