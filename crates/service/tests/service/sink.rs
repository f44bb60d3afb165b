//! Sinks: files that hold the current token, whatever happens around them.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::harness::{SECRET, Service, Setup, emulator, write_private};

fn sink(path: &Path, more: &str) -> String {
    format!(
        "[[service.sinks]]\nprofile = \"local\"\npath = \"{}\"\n{more}\n",
        path.display()
    )
}

fn token(service: &Service) -> String {
    let token = service.get("/v1/token/local").expect(200)["access_token"].clone();
    token.as_str().unwrap().to_owned()
}

/// Waits until the file holds the current token, alone on a line.
fn until_current(service: &Service, path: &Path) {
    service.until("the token in the file", |service| {
        let held = std::fs::read_to_string(path).ok()?;
        (held == token(service) + "\n").then_some(())
    });
}

#[test]
fn a_file_holds_the_token_and_then_the_next_one() {
    let emulator = emulator().rate_limit(0).start().unwrap();
    let setup = Setup::new(&emulator);
    let [plain, group]: [PathBuf; 2] = ["plain", "group"].map(|name| setup.home.path().join(name));
    let gid = rustix::process::getegid().as_raw();
    let service = setup
        .service(&sink(&plain, ""))
        .service(&sink(
            &group,
            &format!("mode = \"0640\"\ngroup = \"{gid}\""),
        ))
        .start();
    for path in [&plain, &group] {
        until_current(&service, path);
    }
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode(&plain), mode(&group)), (0o600, 0o640));
    assert_eq!(std::fs::metadata(&group).unwrap().gid(), gid);
    let inode = std::fs::metadata(&plain).unwrap().ino();

    let id = service.get("/v1/token/local").json()["token_id"].clone();
    let body = serde_json::json!({ "token_id": id }).to_string();
    let key = format!("Bearer {}", crate::harness::KEY);
    let headers = [
        ("Content-Type", "application/json"),
        ("Authorization", &*key),
    ];
    let rejected = service.request("POST", "/v1/token/local/reject", &headers, &body);
    assert_eq!(rejected.expect(200)["rejected"], true);
    until_current(&service, &plain);
    assert_ne!(
        std::fs::metadata(&plain).unwrap().ino(),
        inode,
        "replaced, not written into"
    );
    let (_, said) = service.stop();
    assert!(
        said.contains(&format!("the token of local is in {}", plain.display())),
        "{said}"
    );
}

#[test]
fn a_file_that_is_as_it_should_be_is_left_alone() {
    let emulator = emulator().start().unwrap();
    let setup = Setup::new(&emulator);
    let path = setup.home.path().join("token");
    let service = setup.service(&sink(&path, "")).start();
    until_current(&service, &path);
    let before = std::fs::metadata(&path).unwrap();
    let service = service.into_setup().start();
    until_current(&service, &path);
    // Another sink of the same token begins later, and this one is not written for it.
    let other = service.home().join("other");
    let mark = service.said().len();
    service.reconfigure(|text| text + &sink(&other, ""));
    service.wait_for("reloaded: sink ", mark);
    until_current(&service, &other);
    assert_eq!(std::fs::metadata(&path).unwrap().ino(), before.ino());
    let (_, said) = service.stop();
    assert!(
        !said.contains(&format!("is in {}", path.display())),
        "{said}"
    );
}

#[test]
fn a_file_that_cannot_be_written_is_told_and_tried_again() {
    let emulator = emulator().start().unwrap();
    let setup = Setup::new(&emulator);
    let folder = setup.home.path().join("later");
    let path = folder.join("token");
    let service = setup.service(&sink(&path, "")).start();
    let words = format!("the token of local cannot be put into {}", path.display());
    let mark = service.wait_for(&words, 0);
    service.get("/v1/token/local").expect(200);
    std::fs::create_dir(&folder).unwrap();
    service.wait_for("the token of local is in", mark);
    until_current(&service, &path);
}

#[test]
fn a_sink_ends_with_its_lines() {
    let emulator = emulator().start().unwrap();
    let setup = Setup::new(&emulator);
    let path = setup.home.path().join("token");
    let service = setup.service(&sink(&path, "")).start();
    until_current(&service, &path);
    let mark = service.said().len();
    service.reconfigure(|text| text.split_once("[[service.sinks]]").unwrap().0.to_owned());
    service.wait_for("reloaded: sink ", mark);
    std::fs::remove_file(&path).unwrap();
    let id = service.get("/v1/token/local").json()["token_id"].clone();
    let body = serde_json::json!({ "token_id": id }).to_string();
    let key = format!("Bearer {}", crate::harness::KEY);
    let headers = [
        ("Content-Type", "application/json"),
        ("Authorization", &*key),
    ];
    service
        .request("POST", "/v1/token/local/reject", &headers, &body)
        .expect(200);
    assert_ne!(service.get("/v1/token/local").json()["token_id"], id);
    assert!(!path.exists());
}

#[test]
fn a_sink_takes_the_place_of_no_other_file() {
    let emulator = emulator().start().unwrap();
    for (name, words) in [
        ("secret", "a file that the service reads"),
        ("secret-by-another-name", "a file that the service reads"),
        ("real", "a file that the service reads"),
        ("config.toml", "a file that the service reads"),
        ("folder/../config.toml", "a file that the service reads"),
        ("folder/../token", "two sinks are of the file"),
    ] {
        let setup = Setup::new(&emulator);
        let home = setup.home.path().to_owned();
        std::fs::create_dir(home.join("folder")).unwrap();
        let secret = home.join("secret");
        write_private(&secret, SECRET);
        std::fs::hard_link(&secret, home.join("secret-by-another-name")).unwrap();
        write_private(&home.join("real"), SECRET);
        std::os::unix::fs::symlink("real", home.join("link")).unwrap();
        let setup = setup
            .file_profile("other", &emulator, &secret)
            .file_profile("linked", &emulator, &home.join("link"))
            .service(&sink(&home.join("token"), ""))
            .service(&sink(&home.join(name), ""));
        let output = setup.command().arg("--check-config").output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(3), "{name}: {said}");
        assert!(said.contains(words), "{said}");
    }
}
