//! Calls into Python from threads that are not Python's.
//!
//! Nothing that carries requests ever waits for the GIL: a job is put into a queue, and a
//! byte into a pipe, at which a daemon thread of Python reads. It is that thread that
//! calls (`_courier.py`), without a frame of Rust below it: one that the interpreter ends
//! at its own end, wherever it stands, as it does with any daemon thread.

use std::io::{PipeReader, PipeWriter, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwapOption;
use prove_token::Event as Told;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::call::Wake;
use crate::event::{Event, Listener};
use crate::secret::Answer;

/// So many events wait for a callback; more are dropped.
const MOST: usize = 1024;

/// For what takes no time: event loops are woken, callables of secrets are given a thread.
pub(crate) static WAKES: Lane = Lane::new("prove-token-wakes", usize::MAX);
/// For callbacks, which may take theirs.
pub(crate) static EVENTS: Lane = Lane::new("prove-token-events", MOST);

/// What is to be called.
pub(crate) enum Job {
    Wake(Arc<Wake>),
    Event(Arc<Listener>, Told),
    Secret(Arc<Py<PyAny>>, Answer),
}

/// A thread and its queue, of each process its own.
pub(crate) struct Lane {
    name: &'static str,
    most: usize,
    running: ArcSwapOption<Running>,
}

struct Running {
    process: u32,
    queue: Mutex<Vec<Job>>,
    pipe: PipeWriter,
}

impl Lane {
    const fn new(name: &'static str, most: usize) -> Self {
        Self {
            name,
            most,
            running: ArcSwapOption::const_empty(),
        }
    }

    /// Starts the thread, if this process has none yet.
    pub(crate) fn ensure(&self, py: Python<'_>) -> PyResult<()> {
        let seen = self.running.load();
        if seen.as_ref().is_some_and(|running| running.is_ours()) {
            return Ok(());
        }
        let (reader, pipe) = std::io::pipe()?;
        let made = Arc::new(Running {
            process: std::process::id(),
            queue: Mutex::default(),
            pipe,
        });
        let before = self
            .running
            .compare_and_swap(&seen, Some(Arc::clone(&made)));
        if before.as_ref().is_some_and(|running| running.is_ours()) {
            return Ok(());
        }
        // The parent's: its lock may be held by a thread that exists only there.
        std::mem::forget(before);
        let started = self.start(py, Courier(made), reader);
        if started.is_err() {
            // The next caller may have more luck.
            self.running.store(None);
        }
        started
    }

    fn start(&self, py: Python<'_>, courier: Courier, reader: PipeReader) -> PyResult<()> {
        let take = courier.into_pyobject(py)?.getattr("take")?;
        let module = py.import("prove_token._courier")?;
        module.call_method1("start", (self.name, into_raw(reader), take))?;
        Ok(())
    }

    /// Leaves a job to the thread. Without one, or with too many before it, the job is
    /// dropped, which whoever waits for it notices.
    pub(crate) fn push(&self, job: Job) {
        let running = self.running.load();
        let Some(running) = running.as_ref().filter(|running| running.is_ours()) else {
            return;
        };
        let mut queue = running.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.len() >= self.most {
            return;
        }
        queue.push(job);
        let is_first = queue.len() == 1;
        drop(queue);
        if is_first {
            // A pipe that holds a byte or two has room; it fails only at the process's end.
            let _ = (&running.pipe).write_all(&[0]);
        }
    }
}

impl Running {
    fn is_ours(&self) -> bool {
        self.process == std::process::id()
    }
}

/// Starts anew in a forked child what its parent had started.
#[pyfunction]
pub(crate) fn after_fork_in_child(py: Python<'_>) -> PyResult<()> {
    for lane in [&WAKES, &EVENTS] {
        if lane.running.load().is_some() {
            lane.ensure(py)?;
        }
    }
    Ok(())
}

/// A lane's queue, as its thread sees it.
#[pyclass(frozen, module = "prove_token._native")]
struct Courier(Arc<Running>);

#[pymethods]
impl Courier {
    /// Everything that is to be called, in order: tuples of a callable and its arguments.
    fn take(&self, py: Python<'_>) -> PyResult<Vec<Py<PyTuple>>> {
        let jobs = {
            let mut queue = self.0.queue.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *queue)
        };
        let calls = jobs.into_iter().map(|job| job.call(py));
        calls.filter_map(Result::transpose).collect()
    }
}

impl Job {
    fn call(self, py: Python<'_>) -> PyResult<Option<Py<PyTuple>>> {
        let call = match self {
            Self::Wake(wake) => wake.call(py)?,
            Self::Event(listener, told) => match Event::of(py, &told)? {
                None => return Ok(None),
                Some(event) => (listener.0.clone_ref(py), event).into_pyobject(py)?,
            },
            Self::Secret(read, answer) => {
                let ask = py.import("prove_token._courier")?.getattr("ask")?;
                (ask, read.clone_ref(py), answer).into_pyobject(py)?
            }
        };
        Ok(Some(call.unbind()))
    }
}

#[cfg(unix)]
fn into_raw(reader: PipeReader) -> i64 {
    use std::os::fd::IntoRawFd as _;
    reader.into_raw_fd().into()
}

#[cfg(windows)]
fn into_raw(reader: PipeReader) -> i64 {
    use std::os::windows::io::IntoRawHandle as _;
    reader.into_raw_handle() as i64
}
