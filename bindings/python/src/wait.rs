//! Waiting for the core on a thread of Python: without the GIL, and not deaf to Ctrl-C.

use std::pin::pin;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use pyo3::prelude::*;

/// How often the main thread looks for signals while it waits.
const TICK: Duration = Duration::from_millis(50);

/// Runs `future` to its end. Other threads of Python run meanwhile.
///
/// # Errors
///
/// What a signal handler raises, such as `KeyboardInterrupt`. A thread that would come back
/// after the interpreter's end is held by PyO3 until the process ends.
pub(crate) fn to_the_end<T: Send>(
    py: Python<'_>,
    future: impl Future<Output = T> + Send,
) -> PyResult<T> {
    let (bell, mut rung) = sync_channel(1);
    let waker = Waker::from(Arc::new(Bell(bell)));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    // What is there at once is worth no turn of the GIL.
    if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
        return Ok(output);
    }
    // Handlers run on the main thread alone, so that no other need wake up for them.
    let is_main = is_main_thread(py)?;
    loop {
        let polled = py.detach(|| {
            wait(&mut rung, is_main);
            future.as_mut().poll(&mut Context::from_waker(&waker))
        });
        match polled {
            Poll::Ready(output) => return Ok(output),
            Poll::Pending => py.check_signals()?,
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

fn is_main_thread(py: Python<'_>) -> PyResult<bool> {
    let module = py.import("prove_token._courier")?;
    module.call_method0("is_main_thread")?.extract()
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
