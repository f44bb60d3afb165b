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
service
    table
    What prove-tokend serves, where and to whom.
service.listen
    array of strings: an address to listen on: unix:/path, 127.0.0.1:[PORT] or tls:0.0.0.0:7443; default: prove-token.sock in RUNTIME_DIRECTORY or XDG_RUNTIME_DIR
    Where callers come; TCP beyond this machine has to be TLS.
service.admin_listen
    string: an address to listen on: unix:/path, 127.0.0.1:[PORT] or tls:0.0.0.0:7443
    Where operators come: a Unix socket or loopback.
service.health_listen
    string: an address to listen on: unix:/path, 127.0.0.1:[PORT] or tls:0.0.0.0:7443
    Where probes come, to look only: any address, without TLS.
service.tls
    table
    The certificate for tls: addresses.
service.tls.certificate_file
    string: a path, from the folder of this file; required
    The chain in PEM, the server's own certificate first.
service.tls.key_file
    string: a path, from the folder of this file; required
    Its private key in PEM, which nobody else can read.
service.callers
    array of tables
    Who may call; without any, whoever the Unix socket's mode lets in: its owner.
service.callers[].name
    string: up to 64 of a-z, 0-9, -, _ and ., not beginning with a dot; required
    Its name in logs, and its client id at POST /token.
service.callers[].key_hash
    string: sha256: and 64 hexadecimal digits (one of key_hash, uid, gid)
    The hash of its key; prove-tokend caller add makes both.
service.callers[].uid
    integer, 0 to 4294967295 (one of key_hash, uid, gid)
    The user of its process, on the Unix socket.
service.callers[].gid
    integer, 0 to 4294967295 (one of key_hash, uid, gid)
    The group of its process, on the Unix socket.
service.callers[].profiles
    array of strings: the name of a profile; required
    The profiles whose tokens it gets; the first is that of POST /token.
service.callers[].hands_out
    token | proxy; default: token
    token: access tokens; proxy: a local bearer that the proxy alone accepts, so that the access token stays in the service.
service.callers[].allow
    array of tables
    What it may call through the proxy; without it, everything below the API base.
service.callers[].allow[].methods
    array of strings: a method in capitals; default: all
    The methods that are allowed.
service.callers[].allow[].paths
    array of strings: a path below the API base; a * at its end stands for any rest; default: all
    The paths that are allowed.
service.callers[].rate_limit
    integer, 1 to 1000000 requests a second; default: no limit
    Its most requests, beyond which it is answered with 429.
service.sinks
    array of tables
    Files in which a profile's token is kept fresh.
service.sinks[].profile
    string: the name of a profile; required
    Whose token it holds.
service.sinks[].path
    string: a path, from the folder of this file; required
    The file.
service.sinks[].mode
    0600 | 0400 | 0640 | 0440; default: 0600
    Its mode.
service.sinks[].group
    string: the name of a group; default: that of the process
    Its group.

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
