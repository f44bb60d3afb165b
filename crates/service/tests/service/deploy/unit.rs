//! The units for systemd.
//!
//! `cargo xtask test` names this as skipped where systemd-analyze is missing.

use std::process::{Command, Output};

use super::file;

/// Runs `systemd-analyze` with `args` on the units, in which the program is the one that
/// was built: it is looked for.
fn analyze(args: &[&str], name: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    for name in ["prove-tokend.service", "prove-tokend.socket"] {
        let program = env!("CARGO_BIN_EXE_prove-tokend");
        let unit = file(name).replace("/usr/bin/prove-tokend", program);
        std::fs::write(folder.path().join(name), unit).unwrap();
    }
    let mut command = Command::new("systemd-analyze");
    command
        .args(args)
        .arg(folder.path().join(name))
        .output()
        .unwrap()
}

#[test]
fn the_units_are_sound() {
    for name in ["prove-tokend.service", "prove-tokend.socket"] {
        let output = analyze(&["verify", "--man=no"], name);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{said}");
    }
}

/// A folder of the service is removed when it stops, with whatever is in it.
#[test]
fn the_socket_is_in_no_folder_that_goes_with_the_service() {
    let (service, socket) = (file("prove-tokend.service"), file("prove-tokend.socket"));
    let setting = |text: &str, name: &str| {
        let found = text.lines().find_map(|line| line.strip_prefix(name));
        found.unwrap().to_owned()
    };
    let folder = format!("/run/{}/", setting(&service, "RuntimeDirectory="));
    let socket = setting(&socket, "ListenStream=");
    assert!(!socket.starts_with(&folder), "{socket}");
}

/// A user that is made for the service has private folders, also below /run, where one that
/// is to be kept is among them: nobody else comes to a socket in it.
#[test]
fn callers_come_to_the_folder_of_the_socket() {
    let service = file("prove-tokend.service");
    let has = |setting: &str| service.lines().any(|line| line == setting);
    assert!(has("DynamicUser=yes") && has("RuntimeDirectoryMode=0755"));
    assert!(!service.contains("\nRuntimeDirectoryPreserve="));
}

/// The number of this start of the machine is in /proc/sys: without it tokens in the store
/// are judged by the wall clock alone.
#[test]
fn both_clocks_judge_the_tokens_of_the_store() {
    let service = file("prove-tokend.service");
    let has = |setting: &str| service.lines().any(|line| line == setting);
    assert!(!service.contains("\nProcSubset="));
    // What stays hidden, and what cannot be written.
    assert!(has("ProtectProc=invisible") && has("ProtectKernelTunables=yes"));
}

/// The last word on each system call counts.
#[test]
fn a_sink_can_be_given_to_its_group() {
    let service = file("prove-tokend.service");
    let filters = service
        .lines()
        .filter_map(|line| line.strip_prefix("SystemCallFilter="));
    let after = filters.skip_while(|filter| !filter.contains("~@privileged"));
    assert!(after.skip(1).any(|filter| filter == "fchown"));
}

/// Of systemd's ten grades of exposure, where ten is the worst.
#[test]
fn the_service_is_exposed_to_little() {
    let args = ["security", "--offline=true", "--no-pager", "--threshold=20"];
    let output = analyze(&args, "prove-tokend.service");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
}
