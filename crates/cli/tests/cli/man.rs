//! `prove-token man`: the pages, as roff.

mod mandoc;

use snapbox::str;

use crate::harness::run;

#[test]
fn the_page_of_the_program_tells_all_that_is_common() {
    run(&["man"]).outcome().transcript(
        0,
        str![[r#"
.ie /n(.g .ds Aq /(aq
.el .ds Aq '
.TH PROVE/-TOKEN 1 "" "prove/-token [..]" "prove/-token Manual"
.SH NAME
...
.SH SYNOPSIS
/fBprove/-token/fR [OPTIONS] <COMMAND>
...
.SH COMMANDS
...
.SH "EXIT STATUS"
.TP
/fB0/fR
Success.
...
.TP
/fB1/fR
A defect of the library, or of the machine.
...
.SH ENVIRONMENT
...
.SH FILES
...
.SH EXAMPLES
...
.SH "SEE ALSO"
/fIhttps://github.com/prove/-token/prove/-token/fR, RFC 6749 section 4.4

"#]],
        str![],
    );
}

#[test]
fn a_command_of_a_command_has_a_page() {
    let page = run(&["man", "config", "schema"]).outcome().success();
    assert!(page.contains("prove\\-token config schema"), "{page}");
    assert!(
        page.contains(": json (A JSON Schema, with which editors"),
        "{page}"
    );
}

#[test]
fn what_there_is_no_page_of_is_refused() {
    run(&["man", "tokn"]).outcome().transcript(
        2,
        str![],
        str![[r#"
error: there is no such command
hint: there are: token, call, [..]

"#]],
    );
    run(&["man", "token", "--dir", "x"]).outcome().transcript(
        2,
        str![],
        str![[r#"
error: [COMMAND]... cannot be used with --dir <DIR>
hint: usage: prove-token man <COMMAND>...; --help says more

"#]],
    );
}

#[test]
fn a_package_gets_every_page() {
    run(&["man", "--dir", "a/b"]).outcome().transcript(
        0,
        str![[r#"
a/b/prove-token.1
a/b/prove-token-token.1
...
a/b/prove-token-man.1
...

"#]],
        str![],
    );
    run(&["man", "--dir", "file/below"])
        .file("file", "")
        .outcome()
        .transcript(
            1,
            str![],
            str![[r#"
error: cannot write file/below: not a directory
hint: name a folder that you can write to; it is made if there is none

"#]],
        );
}

/// A list in the notes stays one.
#[cfg(unix)]
#[test]
fn the_variables_of_a_broker_are_a_list() {
    let page = run(&["man", "exec"]).outcome().success();
    let item = ".TP\n\\fBPROVE_TOKEN_BROKER_KEY\\fR\nTheir client secret there";
    assert!(page.contains(item), "{page}");
}
