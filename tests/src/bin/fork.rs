//! Forks while other threads use a client, and uses the client in the children.
//!
//! Prints one line per child that did not do its work: nothing at all is good.

#[cfg(unix)]
fn main() {
    fork::run();
}

#[cfg(not(unix))]
fn main() {}

#[cfg(unix)]
mod fork {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use prove_token::blocking::TokenClient;
    use prove_token::{AccessTokenRequest, Clock as _, SystemClock};
    use prove_token_tests::{client, emulator};

    /// Enough to meet a fork in the middle of most things a thread does.
    const CHILDREN: u32 = 30;

    /// A child that has not ended by then never will: it takes milliseconds.
    const HUNG: Duration = Duration::from_secs(10);

    pub(super) fn run() {
        let emulator = emulator::builder().rate_limit(0).start().expect("a port");
        // Without the watch over the log: its own lock is not made for forks.
        let client = prove_token::TokenClient::builder(emulator::endpoint(&emulator))
            .credentials(client::client_id(), client::client_secret())
            .build_blocking()
            .expect("the settings are good");
        client.access_token().expect("a token");
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for thread in 0..2 {
                let (client, stop) = (&client, &stop);
                scope.spawn(move || keep_busy(client, thread, stop));
            }
            for child in 0..CHILDREN {
                if let Some(problem) = in_a_child(|| work(&client, child)) {
                    println!("child {child}: {problem}");
                }
            }
            stop.store(true, Ordering::Relaxed);
        });
    }

    /// Takes every lock there is: cached tokens, new keys, requests on the wire.
    fn keep_busy(client: &TokenClient, thread: usize, stop: &AtomicBool) {
        for number in 0_usize.. {
            if stop.load(Ordering::Relaxed) {
                return;
            }
            let request = AccessTokenRequest::new().audience(format!("{thread} {}", number % 500));
            let token = client.access_token_with(&request).expect("a token");
            token.authorization_header();
            if number % 50 == 0 {
                client.invalidate(&token);
            }
        }
    }

    /// A token from the cache, one of a key that the parent uses, and a new one.
    fn work(client: &TokenClient, child: u32) {
        let cached = client.access_token().expect("a cached token");
        cached.authorization_header();
        let known = AccessTokenRequest::new().audience("0 1");
        client
            .access_token_with(&known)
            .expect("a token of a known key");
        let new = AccessTokenRequest::new().audience(format!("child {child}"));
        client
            .access_token_with(&new)
            .expect("a token of a new key");
    }

    /// Runs `work` in a forked child; says what went wrong.
    fn in_a_child(work: impl FnOnce()) -> Option<String> {
        let started = SystemClock.now().boot;
        // SAFETY: the child runs ordinary code before it ends, which glibc and the
        // BSDs allow for what they guard at a fork (memory, threads); that the rest
        // is fit for it is what is tested. It ends without running destructors.
        #[expect(unsafe_code, reason = "there is no safe fork")]
        let child = unsafe { libc::fork() };
        if child == 0 {
            let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).is_ok();
            // SAFETY: it takes an integer and does not return.
            #[expect(unsafe_code, reason = "the parent's destructors are not the child's")]
            unsafe {
                libc::_exit(i32::from(!done))
            }
        }
        let mut status = 0;
        loop {
            // SAFETY: `status` outlives the call.
            #[expect(unsafe_code, reason = "the child was not made by std")]
            let ended = unsafe { libc::waitpid(child, &raw mut status, libc::WNOHANG) };
            if ended == child {
                return (status != 0).then(|| format!("ended with status {status}"));
            }
            if SystemClock.now().boot - started > HUNG {
                // SAFETY: it is our own child, not yet waited for.
                #[expect(unsafe_code, reason = "the child was not made by std")]
                unsafe {
                    libc::kill(child, libc::SIGKILL);
                    libc::waitpid(child, &raw mut status, 0);
                }
                return Some("hung".to_owned());
            }
            std::thread::yield_now();
        }
    }
}
