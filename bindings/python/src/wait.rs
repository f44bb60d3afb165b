//! Waiting for the core on a thread of Python: without the GIL, and not deaf to Ctrl-C.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use pyo3::prelude::*;

/// How often the main thread looks for signals while it waits.
const TICK: Duration = Duration::from_millis(50);

/// Whether the interpreter is about to end.
static IS_ENDING: AtomicBool = AtomicBool::new(false);

/// Called when the interpreter is about to end.
#[pyfunction]
pub(crate) fn at_exit() {
    IS_ENDING.store(true, Ordering::Relaxed);
}

/// The output of `future`, if it has one at once. What it has begun goes on without it.
pub(crate) fn at_once<T>(future: impl Future<Output = T>) -> Option<T> {
    // A cached token needs no waker.
    let mut context = Context::from_waker(Waker::noop());
    match pin!(future).poll(&mut context) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

/// Runs `future` to its end. Other threads of Python run meanwhile.
///
/// # Errors
///
/// What a signal handler raises, such as `KeyboardInterrupt`.
pub(crate) fn to_the_end<T: Send>(
    py: Python<'_>,
    future: impl Future<Output = T> + Send,
) -> PyResult<T> {
    // Handlers run on the main thread alone, so that no other need wake up for them.
    let is_main = is_main_thread(py)?;
    let mut future = pin!(future);
    let (bell, mut rung) = sync_channel(1);
    let waker = Waker::from(Arc::new(Bell(bell)));
    loop {
        let output = py.detach(|| {
            let mut context = Context::from_waker(&waker);
            if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                return stay_away_at_the_end(is_main, Some(output));
            }
            wait(&mut rung, is_main);
            stay_away_at_the_end(is_main, None)
        });
        match output {
            Some(output) => return Ok(output),
            None => py.check_signals()?,
        }
    }
}

fn wait(rung: &mut Receiver<()>, is_main: bool) {
    // The sender is ours: neither call ends because it is gone.
    match is_main {
        true => drop(rung.recv_timeout(TICK)),
        false => drop(rung.recv()),
    }
}

/// Before 3.14 the interpreter ends a thread that comes back to it too late, by unwinding
/// the stack: through frames of Rust, where that ends the process in disorder. Such a
/// thread, which nobody waits for, ends with the process instead.
fn stay_away_at_the_end<T>(is_main: bool, output: T) -> T {
    while !is_main && IS_ENDING.load(Ordering::Relaxed) {
        thread::park();
    }
    output
}

fn is_main_thread(py: Python<'_>) -> PyResult<bool> {
    let threading = py.import("threading")?;
    let main = threading.call_method0("main_thread")?.getattr("ident")?;
    threading.call_method0("get_ident")?.eq(main)
}

/// Rings once, however often it is woken.
struct Bell(SyncSender<()>);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // Full: it rings already.
        let _ = self.0.try_send(());
    }
}
