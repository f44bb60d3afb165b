//! Runs a command and prints the most memory it had, in kilobytes.
//!
//! A program of its own, for a process inherits the peak of the one that started it:
//! this one stays below all that it measures.

use std::process::{Command, Stdio};

#[expect(clippy::zombie_processes, reason = "wait4 waits for it below")]
fn main() {
    let mut words = std::env::args_os().skip(1);
    let program = words.next().expect("the command to run");
    let child = Command::new(program)
        .args(words)
        .stdout(Stdio::null())
        .spawn()
        .expect("the command starts");
    let (mut status, mut usage) = (0, std::mem::MaybeUninit::<libc::rusage>::zeroed());
    let process = libc::pid_t::try_from(child.id()).expect("a process id");
    // SAFETY: both pointers are to live values of the right type, and a rusage of
    // zeros is one.
    let (ended, usage) = unsafe {
        let ended = libc::wait4(process, &mut status, 0, usage.as_mut_ptr());
        (ended, usage.assume_init())
    };
    assert_eq!(ended, process, "the command is waited for");
    assert_eq!(status, 0, "the command succeeds");
    println!("{}", usage.ru_maxrss);
}
