//! Beside a process that stays: with the built-in emulator, which ends with it, and with a
//! broker, which does as well.

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use snapbox::str;

use super::WAIT;
use crate::harness::{Run, run};

/// What makes our process stay.
const WAYS: [&[&str]; 2] = [&[], &["--broker"]];

fn exec(options: &[&str], words: &[&str]) -> Run {
    let flags = ["exec", "--environment", "emulator"];
    run(&[&flags, options, &["--"], words].concat()).env("PATH", "/usr/bin:/bin")
}

#[test]
fn the_program_finds_the_emulator() {
    let binary = env!("CARGO_BIN_EXE_prove-token");
    let script = format!(
        "echo $PROVE_EMULATOR; '{binary}' call /v3/start -d \
         '{{\"flowType\":\"mobile\",\"phoneNumber\":\"2001001695\"}}' --environment emulator \
         | grep -c correlationId"
    );
    exec(&[], &["sh", "-c", &script]).outcome().transcript(
        0,
        str![[r#"
http://127.0.0.1:[PORT]
1

"#]],
        str![],
    );
}

#[test]
fn its_end_comes_out() {
    for way in WAYS {
        exec(way, &["sh", "-c", "exit 3"])
            .outcome()
            .transcript(3, str![], str![]);
        exec(way, &["sh", "-c", "kill -USR1 $$"])
            .outcome()
            .transcript(138, str![], str![]);
        exec(way, &["no-such-program"]).outcome().transcript(
            127,
            str![],
            str![[r#"
error: no-such-program was not found
hint: name a program on PATH or by its path; no shell is involved

"#]],
        );
        exec(way, &["/"]).outcome().transcript(
            126,
            str![],
            str![[r#"
error: / cannot be run: permission denied
hint: see whether it may be executed, and for this machine: ls -l shows the former

"#]],
        );
    }
}

#[test]
fn signals_are_passed_on() {
    for way in WAYS {
        let mut running = exec(way, &["sh", "-c", WAIT]).start();
        let id = running.stdout_line();
        assert_ne!(id, running.id().as_raw_nonzero().to_string());
        for (signal, said) in [
            (Signal::HUP, "HUP"),
            (Signal::INT, "INT"),
            (Signal::HUP, "HUP"),
        ] {
            running.signal(signal);
            assert_eq!(running.stdout_line(), said);
        }
        running.signal(Signal::TERM);
        running.outcome().transcript(
            9,
            str![[r#"
TERM

"#]],
            str![],
        );
    }
}

#[test]
fn both_stop_and_go_on() {
    for way in WAYS {
        let mut running = exec(way, &["sh", "-c", WAIT]).group().start();
        let id = running.stdout_line();
        running.signal(Signal::TSTP);
        // It stops when the program has.
        let status = waitid(WaitId::Pid(running.id()), WaitIdOptions::STOPPED).unwrap();
        assert!(status.is_some_and(|status| status.stopped()));
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        assert!(status.contains("State:\tT"), "{status}");
        running.signal(Signal::CONT);
        running.signal(Signal::TERM);
        assert_eq!(running.outcome().code, Some(9));
    }
}

/// Where no shell could continue them, the kernel stops nobody, and so do we.
#[test]
fn without_a_shell_they_go_on() {
    for way in WAYS {
        let mut running = exec(way, &["sh", "-c", WAIT])
            .below(&["setsid", "--wait"])
            .start();
        let id = running.stdout_line();
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        let parent = status.lines().find_map(|line| line.strip_prefix("PPid:\t"));
        let parent = Pid::from_raw(parent.unwrap().parse().unwrap()).unwrap();
        kill_process(parent, Signal::TSTP).unwrap();
        kill_process(parent, Signal::TERM).unwrap();
        assert_eq!(running.outcome().code, Some(9));
    }
}

/// Ctrl-C reaches every process of a terminal's foreground; passed on as well, it would
/// be two.
#[test]
fn a_signal_of_the_terminal_comes_once() {
    const AT_TERMINAL: &str = r#"
import os, pty, sys
seen = b""
def until(words):
    global seen
    while words not in seen:
        seen += os.read(terminal, 1024)
child, terminal = pty.fork()
if child == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
until(b"up\r\n")
os.write(terminal, b"\x03")
until(b"INT\r\n")
os.kill(child, 15)
until(b"TERM\r\n")
print(seen.count(b"INT\r\n"), os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"#;
    let script = WAIT.replace("echo $$", "echo up");
    for way in WAYS {
        exec(way, &["sh", "-c", &script])
            .below(&["python3", "-c", AT_TERMINAL])
            .outcome()
            .transcript(
                0,
                str![[r#"
1 9

"#]],
                str![],
            );
    }
}
