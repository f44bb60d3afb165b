//! How much time something takes: subjects in turn, round after round, and medians.

use std::hint;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use rustix::thread::{CpuSet, sched_setaffinity};
use rustix::time::{ClockId, clock_gettime};

/// Something that can be done so many times in a row, from any thread.
pub struct Subject<'a> {
    pub name: &'static str,
    pub calls: Box<dyn Fn(u32) + Sync + 'a>,
}

impl<'a> Subject<'a> {
    pub fn new(name: &'static str, calls: impl Fn(u32) + Sync + 'a) -> Self {
        Self {
            name,
            calls: Box::new(calls),
        }
    }
}

/// The CPU time per call of each subject, in nanoseconds.
pub fn cpu_per_call(subjects: &[Subject<'_>], rounds: usize, calls: u32) -> Vec<f64> {
    let mut samples = vec![Vec::with_capacity(rounds); subjects.len()];
    for _ in 0..rounds {
        for (subject, samples) in subjects.iter().zip(&mut samples) {
            let before = cpu();
            (subject.calls)(calls);
            samples.push((cpu() - before) / f64::from(calls));
        }
    }
    samples.into_iter().map(median).collect()
}

/// The CPU time per call of one subject, first on one thread and then on two that both
/// ran all the time; `None` if the machine was too busy for that.
pub struct Threads {
    pub one: f64,
    pub two: Option<f64>,
}

/// Below this part of the wall time a thread was not running all along.
const RUNNING: f64 = 0.9;
/// Fewer rounds say nothing.
const ENOUGH: usize = 10;

/// Measures each subject on one thread and on two, in turn.
pub fn one_and_two_threads(subjects: &[Subject<'_>], rounds: usize, calls: u32) -> Vec<Threads> {
    let mut one = vec![Vec::new(); subjects.len()];
    let mut two = vec![Vec::new(); subjects.len()];
    for _ in 0..rounds {
        for (index, subject) in subjects.iter().enumerate() {
            one[index].push(side_by_side(subject, calls, 1)[0].per_call);
            let pair = side_by_side(subject, calls, 2);
            if pair.iter().all(|sample| sample.running >= RUNNING) {
                two[index].push((pair[0].per_call + pair[1].per_call) / 2.0);
            }
        }
    }
    let pairs = one.into_iter().zip(two);
    pairs
        .map(|(one, two)| Threads {
            one: median(one),
            two: (two.len() >= ENOUGH).then(|| median(two)),
        })
        .collect()
}

struct Sample {
    per_call: f64,
    /// CPU time as part of wall time.
    running: f64,
}

/// Runs a subject on so many threads at once, each on a CPU of its own.
fn side_by_side(subject: &Subject<'_>, calls: u32, threads: usize) -> Vec<Sample> {
    let waiting = AtomicUsize::new(threads);
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads)
            .map(|cpu_number| {
                let waiting = &waiting;
                scope.spawn(move || {
                    stay_on(cpu_number);
                    // What a thread does once (its copy of a header) is not a call.
                    (subject.calls)(calls / 10 + 1);
                    waiting.fetch_sub(1, Ordering::AcqRel);
                    while waiting.load(Ordering::Acquire) > 0 {
                        hint::spin_loop();
                    }
                    let (before, start) = (cpu(), Instant::now());
                    (subject.calls)(calls);
                    let (used, passed) = (cpu() - before, start.elapsed().as_nanos() as f64);
                    Sample {
                        per_call: used / f64::from(calls),
                        running: used / passed,
                    }
                })
            })
            .collect();
        let join = |thread: std::thread::ScopedJoinHandle<'_, Sample>| {
            thread.join().expect("a subject does not panic")
        };
        running.into_iter().map(join).collect()
    })
}

fn stay_on(cpu_number: usize) {
    let mut cpus = CpuSet::new();
    cpus.set(cpu_number);
    // Where the CPU is not ours the thread runs elsewhere, and its rounds do not count
    // unless it ran all along.
    let _ = sched_setaffinity(None, &cpus);
}

/// The CPU time of the calling thread, in nanoseconds.
pub fn cpu() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

/// The output of a future that does not wait. Inlined, as an `.await` in a caller's own
/// function is.
#[inline(always)]
pub fn at_once<F: Future>(future: F) -> F::Output {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(future).poll(&mut context) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the token at hand was waited for"),
    }
}

/// The middle of the samples; of an even number, the mean of the middle two.
pub fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    let middle = samples.len() / 2;
    match samples.len() % 2 {
        0 => (samples[middle - 1] + samples[middle]) / 2.0,
        _ => samples[middle],
    }
}
