//! A program beside this process, which has to go on: an emulator or a broker ends with it.
//!
//! Both stay in one process group, so that a shell's job control treats them as one.

use std::fs::File;
use std::io;
use std::process::ExitStatus;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, getpgrp, getpid, kill_process, waitid};
use rustix::termios::tcgetpgrp;
use tokio::process::Child;
use tokio::signal::unix::SignalKind;

use crate::interrupt::Signals;

/// What is passed on.
const PASSED: [Signal; 8] = [
    Signal::HUP,
    Signal::INT,
    Signal::QUIT,
    Signal::TERM,
    Signal::USR1,
    Signal::USR2,
    Signal::TSTP,
    Signal::CONT,
];

/// Listens for the signals that [`follow`] passes on, from before the program starts, so
/// that none comes in between.
pub(super) fn listen() -> Signals {
    let kinds = PASSED.map(|signal| SignalKind::from_raw(signal.as_raw()));
    Signals::listen(kinds.into_iter().chain([SignalKind::child()]))
}

/// Waits for the end of `child`, passes on the signals that come meanwhile, and stands
/// still while it does.
pub(super) async fn follow(mut child: Child, mut signals: Signals) -> io::Result<ExitStatus> {
    loop {
        tokio::select! {
            ended = child.wait() => return ended,
            number = signals.next() => {
                let signal = PASSED.into_iter().find(|signal| signal.as_raw() == i32::from(number));
                let id = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
                match (signal, id) {
                    (Some(signal), Some(id)) => pass_on(signal, id),
                    (None, Some(id)) => stop_with(id),
                    (_, None) => {}
                }
            }
        }
    }
}

fn pass_on(signal: Signal, child: Pid) {
    // Ctrl-C, Ctrl-\, Ctrl-Z and a hang-up reach every process of the group that has the
    // terminal: a second one means more to many programs than the first.
    let is_of_terminal = [Signal::HUP, Signal::INT, Signal::QUIT, Signal::TSTP].contains(&signal);
    if !(is_of_terminal && has_terminal()) {
        // Nobody is left to tell if it has just ended.
        let _ = kill_process(child, signal);
    }
}

/// Stops this process, too, if `child` has stopped: whether it does is its own decision,
/// and that of the kernel, which lets nobody stop whom no shell would continue.
fn stop_with(child: Pid) {
    let options = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG;
    let has_stopped = waitid(WaitId::Pid(child), options);
    if has_stopped.is_ok_and(|status| status.is_some_and(|status| status.stopped())) {
        let _ = kill_process(getpid(), Signal::STOP);
    }
}

/// Whether our process group is the one that has the terminal.
fn has_terminal() -> bool {
    let terminal = File::open("/dev/tty").ok();
    let group = terminal.and_then(|terminal| tcgetpgrp(terminal).ok());
    group == Some(getpgrp())
}
