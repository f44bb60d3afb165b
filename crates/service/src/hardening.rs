//! What the process does without, so that a secret in its memory stays there.

use prove_token::ErrorKind;
use rustix::fs::Mode;
use rustix::process::{Resource, Rlimit, setrlimit, umask};

use crate::failure::Failure;

/// No core dump, no look into the memory by other processes of the same user, and no
/// permission for anybody else on what it makes. For good, and programs that are started
/// from now on inherit the first and the last: it is for a process that does nothing but
/// serve.
///
/// # Errors
///
/// `Internal` if the system does not do it.
pub fn harden() -> Result<(), Failure> {
    hide_memory()?;
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    setrlimit(Resource::Core, none).map_err(|error| refused("core dumps", error))?;
    umask(Mode::RWXG | Mode::RWXO);
    Ok(())
}

/// As much of [`harden`] as a program that is started later does not inherit: on Linux
/// neither a core dump nor a look into the memory, elsewhere nothing.
///
/// A process that cannot be dumped owns its `/proc/self` no more: `/dev/stdout` and
/// `/dev/stderr` cannot be opened by name. What is open already is not touched, so logs
/// go where they went.
///
/// # Errors
///
/// `Internal` if the system does not do it.
pub fn hide_memory() -> Result<(), Failure> {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        set_dumpable_behavior(DumpableBehavior::NotDumpable)
            .map_err(|error| refused("memory dumps", error))?;
    }
    Ok(())
}

fn refused(what: &str, error: rustix::io::Errno) -> Failure {
    Failure::new(
        ErrorKind::Internal,
        format!(
            "{what} cannot be switched off: {}",
            std::io::Error::from(error).kind()
        ),
    )
}
