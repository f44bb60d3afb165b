//! `config schema`: every key that the configuration file may hold.

use snapbox::str;

use crate::harness::run;

#[test]
fn editors_get_the_committed_schema() {
    // A broken file is no obstacle: none is read.
    let printed = run(&["config", "schema"]).config("version = ").outcome();
    let committed = include_str!("../../../config/schema.json");
    assert_eq!(printed.success(), committed);
}

#[test]
fn people_get_a_list() {
    run(&["config", "schema", "-o", "text"])
        .outcome()
        .transcript(0, str![[r#"
version
    integer: 1; required
    The version of this format.
...
profiles.NAME.client_secret.until_reboot
    boolean (beside keyring); default: false
    Whether the entry is in the keyring of the Linux kernel, which forgets.
...
profiles.NAME.renewal.attempts
    integer, 1 to 10 tries; default: 3
    How often a token request is tried.
...
cache.store
    file | memory | none; default: file
    file: sealed, in a folder of the user's, for all processes (Unix only); memory: for the life of the process; none: each use of a token is a request.
...

"#]], str![]);
}

#[test]
fn what_it_has_no_use_for_is_refused() {
    run(&["config", "schema", "-o", "toml"])
        .outcome()
        .transcript(
            2,
            str![],
            str![[r#"
error: the value of --output <OUTPUT> is none of json, text
hint: --help says what there is

"#]],
        );
    run(&["config", "schema", "--profile", "p"])
        .outcome()
        .transcript(
            2,
            str![],
            str![[r#"
error: --profile has no effect here
hint: leave out --profile; --help says what there is

"#]],
        );
}
