//! What is in the memory of the service stays there: it leaves no core, and shows itself
//! to no other process of its user.

use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::process::{Pid, Resource, getrlimit, prlimit};

use crate::harness::{SECRET, Service, Setup, allow_most, another_user, as_user, emulator};

/// Whether there is a core in `folder` that holds the secret.
fn has_core(folder: &Path) -> bool {
    let entries = std::fs::read_dir(folder).unwrap();
    let cores = entries.map(Result::unwrap).filter(|entry| {
        let name = entry.file_name();
        name.to_string_lossy().starts_with("core")
    });
    let mut cores = cores.map(|core| std::fs::read(core.path()).unwrap());
    cores.any(|core| {
        let secret = SECRET.as_bytes();
        core.windows(secret.len()).any(|window| window == secret)
    })
}

/// Sends `signal` until it ends. One that was not caused by the process itself is let
/// pass once by Rust.
fn end(service: &mut Service, signal: &str) -> ExitStatus {
    loop {
        service.signal(signal);
        if let Some(status) = service.child.try_wait().unwrap() {
            return status;
        }
        std::thread::yield_now();
    }
}

#[test]
fn it_leaves_no_core() {
    allow_most(Resource::Core);
    // Another program does, if this machine keeps cores at all, and where it ran.
    let folder = tempfile::tempdir().unwrap();
    let mut careless = Command::new("/bin/sh");
    careless.args(["-c", "kill -s ABRT $$"]).env_clear();
    careless.env("SECRET", SECRET).current_dir(folder.path());
    let ended = careless.status().unwrap();
    let are_cores_kept =
        ended.core_dumped() && std::fs::read_dir(folder.path()).unwrap().count() > 0;
    assert_eq!(has_core(folder.path()), are_cores_kept);

    let emulator = emulator().start().unwrap();
    for (signal, number) in [("ABRT", 6), ("SEGV", 11), ("TRAP", 5)] {
        let mut service = Setup::new(&emulator).start();
        service.get("/v1/token/local").expect(200);
        // Who is mighty enough gives it back what it gave up first. The rest must do.
        let pid = Pid::from_child(&service.child);
        let _ = prlimit(Some(pid), Resource::Core, getrlimit(Resource::Core));
        let ended = end(&mut service, signal);
        assert_eq!(ended.signal(), Some(number));
        assert!(!ended.core_dumped(), "{signal}: {ended}");
        assert!(!has_core(service.home()), "{signal}");
    }
}

#[test]
fn it_gives_up_what_a_core_needs() {
    allow_most(Resource::Core);
    let emulator = emulator().start().unwrap();
    let service = Setup::new(&emulator).start();
    let id = service.child.id();
    let limits = std::fs::read_to_string(format!("/proc/{id}/limits")).unwrap();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"))
        .unwrap();
    let core: Vec<_> = core.split_whitespace().collect();
    assert_eq!(core[4..6], ["0", "0"], "{core:?}");
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    assert!(
        status
            .lines()
            .any(|line| line.split_whitespace().eq(["Umask:", "0077"])),
        "{status}"
    );
}

/// A program like any other, of this user.
fn bystander(user: Option<u32>) -> Child {
    use std::os::unix::process::CommandExt as _;
    let mut command = Command::new("/bin/cat");
    command.env_clear().env("SECRET", SECRET);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    if let Some(uid) = user {
        command.uid(uid).gid(uid);
    }
    command.spawn().unwrap()
}

/// What a process of this user sees of another one: the beginning of each file, or why
/// not.
fn look(id: u32, user: Option<u32>) -> Vec<Result<String, ErrorKind>> {
    let act = || {
        let read = |name| {
            let mut file = std::fs::File::open(format!("/proc/{id}/{name}"))?;
            let mut text = [0; 64];
            let count = file.read(&mut text)?;
            Ok(String::from_utf8_lossy(&text[..count]).into_owned())
        };
        let files = ["environ", "maps", "auxv", "mem"];
        files.map(|name| read(name).map_err(|error: std::io::Error| error.kind()))
    };
    as_user(user, act).to_vec()
}

/// Whoever may read these may trace it as well: the kernel asks the same question.
#[test]
fn no_process_of_its_user_looks_into_it() {
    let user = another_user();
    let emulator = emulator().start().unwrap();
    let mut setup = Setup::new(&emulator);
    if let Some(uid) = user {
        setup = setup.user(uid);
    }
    let service = setup.start();
    service.get("/v1/token/local").expect(200);
    let id = service.child.id();
    let owner = std::fs::metadata(format!("/proc/{id}/environ")).unwrap();
    assert_eq!((owner.uid(), owner.gid()), (0, 0));
    for refused in look(id, user) {
        assert_eq!(refused.unwrap_err(), ErrorKind::PermissionDenied);
    }

    let mut bystander = bystander(user);
    // It answers once it is the program that it was started to be.
    bystander.stdin.as_ref().unwrap().write_all(b"x").unwrap();
    let mut answer = [0];
    let stdout = bystander.stdout.as_mut().unwrap();
    stdout.read_exact(&mut answer).unwrap();
    let seen = look(bystander.id(), user);
    bystander.kill().unwrap();
    bystander.wait().unwrap();
    assert!(seen[0].as_ref().unwrap().contains("canary"), "{seen:?}");
}
