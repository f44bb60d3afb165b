//! In elvish. What its editor offers scripts is there with an editor alone, so two of
//! its functions are stood in for.
#![cfg(unix)]

use super::Desk;
use crate::harness::run_in;

#[test]
fn words_values_and_profiles_are_offered() {
    let desk = Desk::new();
    let completion = run_in(desk.path(), &["completion", "elvish"])
        .outcome()
        .success();
    for (words, offers) in [
        ("prove-token tok", "token\n"),
        ("prove-token token ''", "acme\nprove-uat\n"),
        ("bin/prove-token token p", "prove-uat\n"),
        ("prove-token --environment=uat-e", "--environment=uat-eu\n"),
        ("prove-token exec -- ma", "sudo ma\n"),
        ("prove-token --config my", "files like my\n"),
        ("prove-token --config 'my conf.toml' token o", "other\n"),
    ] {
        let script = format!(
            "var edit: = (ns [&completion:=(ns [&arg-completer=[&]]) \
             &complete-filename~={{|w| put 'files like '$w }} &complete-dirname~={{|w| nop }} &complete-sudo~={{|@w| put $w[0]' '$w[1] }}])\n\
             {completion}\n$edit:completion:arg-completer[prove-token] {words} | to-lines"
        );
        assert_eq!(
            desk.script("elvish", &["-norc"], &script),
            offers,
            "{words}"
        );
    }
}
