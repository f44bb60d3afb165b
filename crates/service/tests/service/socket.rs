//! The Unix socket among other users and other files.

use std::io::ErrorKind;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::{UnixListener, UnixStream};

use crate::harness::{Setup, another_user, as_user, emulator, raw};

const REQUEST: &[u8] = b"GET /v1/token/local HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
    Prove-Token-Request: true\r\n\r\n";

fn grant(form: &str) -> Vec<u8> {
    let length = form.len();
    format!(
        "POST /token HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\n\r\n{form}"
    )
    .into_bytes()
}

/// A caller who is this user, by a line of the configuration.
fn user(name: &str, rule: &str) -> String {
    format!("[[service.callers]]\nname = \"{name}\"\n{rule}\nprofiles = [\"local\"]\n")
}

/// On every way, and whatever name it gives itself.
#[test]
fn another_user_is_nobody() {
    let emulator = emulator().start().unwrap();
    let (own, other) = (rustix::process::geteuid().as_raw(), 4711);
    assert_ne!(own, other);
    let service = Setup::new(&emulator)
        .service(&user("other", &format!("uid = {other}")))
        .service(&user("others", &format!("gid = {other}")))
        .start();
    let proxied = b"GET /proxy/local/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let form = "grant_type=client_credentials&client_id=other";
    for request in [
        REQUEST,
        proxied,
        &grant(form),
        &grant("grant_type=client_credentials"),
    ] {
        raw(service.unix(), request).expect(401);
    }
    // That of the start, if it has come already.
    assert!(emulator.token_requests() <= 1);
}

/// The same socket as two users, one of whom is meant.
#[cfg(target_os = "linux")]
#[test]
fn each_user_has_its_own_rights() {
    let emulator = emulator().start().unwrap();
    let setup = Setup::new(&emulator);
    // Everybody finds the way to the socket.
    let home = setup.home.path();
    std::fs::set_permissions(home, std::fs::Permissions::from_mode(0o755)).unwrap();
    let meant = another_user().unwrap_or_else(|| rustix::process::geteuid().as_raw());
    let service = setup
        .service(&user("meant", &format!("uid = {meant}")))
        .start();
    let ask = || raw(service.unix(), REQUEST);
    as_user(another_user(), ask).expect(200);
    if another_user().is_some() {
        ask().expect(401);
    }
}

/// Without callers its owner alone may come, and the kernel sees to it.
#[cfg(target_os = "linux")]
#[test]
fn nobody_else_opens_the_socket_of_an_owner() {
    let emulator = emulator().start().unwrap();
    let setup = Setup::new(&emulator).without_service();
    let socket = setup.socket();
    let home = setup.home.path();
    std::fs::set_permissions(home, std::fs::Permissions::from_mode(0o755)).unwrap();
    let service = setup
        .service(&format!("listen = [\"unix:{}\"]\n", socket.display()))
        .start();
    let connect = || UnixStream::connect(&socket).map_err(|error| error.kind());
    raw(connect().unwrap(), REQUEST).expect(200);
    if let Some(uid) = another_user() {
        let refused = as_user(Some(uid), connect);
        assert_eq!(refused.unwrap_err(), ErrorKind::PermissionDenied);
    }
    drop(service);
}

#[test]
fn a_socket_that_was_put_in_its_place_is_left_alone() {
    let emulator = emulator().start().unwrap();
    let mut service = Setup::new(&emulator).start();
    let socket = service.setup.socket();
    std::fs::rename(&socket, socket.with_extension("old")).unwrap();
    let theirs = UnixListener::bind(&socket).unwrap();
    // Who is connected, or comes by the other way, does not notice.
    let old = UnixStream::connect(socket.with_extension("old")).unwrap();
    // Without a key: the request is read all the same.
    raw(old, REQUEST).expect(401);
    service.get("/v1/token/local").expect(200);
    service.signal("TERM");
    assert_eq!(service.child.wait().unwrap().code(), Some(0));
    assert!(socket.exists());
    theirs.set_nonblocking(true).unwrap();
    assert_eq!(theirs.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
}

/// A link may lead anywhere, and a moment later elsewhere.
#[test]
fn no_link_is_followed_to_a_socket() {
    let emulator = emulator().start().unwrap();
    let setup = Setup::new(&emulator);
    let elsewhere = setup.home.path().join("elsewhere.sock");
    for is_stale in [false, true] {
        let listener = UnixListener::bind(&elsewhere).unwrap();
        let _ = std::fs::remove_file(setup.socket());
        symlink(&elsewhere, setup.socket()).unwrap();
        let listener = (!is_stale).then_some(listener);
        let refused = setup.command().output().unwrap();
        assert_eq!(refused.status.code(), Some(3), "{refused:?}");
        assert!(setup.socket().is_symlink() && elsewhere.exists());
        drop(listener);
        std::fs::remove_file(&elsewhere).unwrap();
    }
}

/// Not at a reload either, when the mode follows the callers.
#[test]
fn no_mode_of_another_file_is_changed() {
    let emulator = emulator().start().unwrap();
    let setup = Setup::new(&emulator).without_service();
    let socket = setup.socket();
    let listen = format!("listen = [\"unix:{}\"]\n", socket.display());
    let service = setup.service(&listen).start();
    let private = service.home().join("private");
    let theirs = UnixListener::bind(&private).unwrap();
    let mode = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(&private, mode).unwrap();
    std::fs::rename(&socket, socket.with_extension("old")).unwrap();
    for (uid, is_link) in [("4711", true), ("4712", false)] {
        match is_link {
            true => symlink(&private, &socket).unwrap(),
            false => std::fs::rename(&private, &socket).unwrap(),
        }
        let mark = service.said().len();
        service.reconfigure(|text| {
            format!(
                "{text}{}",
                user(&format!("u{uid}"), &format!("uid = {uid}"))
            )
        });
        service.wait_for("prove-token.sock stays: another file is there", mark);
        service.wait_for(&format!("reloaded: caller u{uid} added"), mark);
        let metadata = std::fs::metadata(&socket).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
        std::fs::remove_file(&socket).unwrap();
    }
    drop(theirs);
}
