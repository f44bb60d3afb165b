//! What processes and threads may do.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// As much as this process may have of it, and those that it starts.
pub(crate) fn allow_most(resource: Resource) {
    let maximum = getrlimit(resource).maximum;
    let most = Rlimit {
        current: maximum,
        maximum,
    };
    setrlimit(resource, most).unwrap();
}

/// A user who is not root, where root runs the tests and can be anybody.
pub(crate) fn another_user() -> Option<u32> {
    const NOBODY: u32 = 65534;
    rustix::process::geteuid().is_root().then_some(NOBODY)
}

/// Does `act` in a thread of this user, or of whoever runs the tests.
#[cfg(target_os = "linux")]
pub(crate) fn as_user<T: Send>(user: Option<u32>, act: impl FnOnce() -> T + Send) -> T {
    use rustix::process::{Gid, Uid};
    use rustix::thread::{set_thread_gid, set_thread_groups, set_thread_uid};
    let act = || {
        if let Some(uid) = user {
            // These concern the thread alone.
            set_thread_groups(&[]).unwrap();
            set_thread_gid(Gid::from_raw(uid)).unwrap();
            set_thread_uid(Uid::from_raw(uid)).unwrap();
        }
        act()
    };
    std::thread::scope(|scope| scope.spawn(act).join().unwrap())
}
