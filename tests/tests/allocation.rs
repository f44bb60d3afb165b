//! A token that is served at once costs no allocation.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use prove_token::{AccessTokenRequest, CallOptions, RetryPolicy};
use prove_token_emulator::Fault;
use prove_token_tests::dial::Dial;
use prove_token_tests::{client, emulator};

/// Counts what each thread allocates.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

#[global_allocator]
static COUNTING: Counting = Counting;

// SAFETY: every call is handed on as it is; the counter neither allocates nor unwinds.
#[expect(unsafe_code, reason = "an allocator cannot be written without")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // A thread that ends has no counter any more, and is not looked at.
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// How often this thread allocates while it does `work` a hundred times.
fn allocations(mut work: impl FnMut()) -> u64 {
    let before = ALLOCATIONS.get();
    (0..100).for_each(|_| work());
    ALLOCATIONS.get() - before
}

/// The output of a call that does not wait.
fn at_once<T>(call: impl Future<Output = T>) -> T {
    match pin!(call).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the call waits"),
    }
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(black_box(Box::new(1)))), 100);
}

#[test]
fn fresh_tokens_are_served_without_one() {
    let emulator = emulator::builder().start().unwrap();
    let client = client::builder(emulator::endpoint(&emulator));
    let client = client.build_blocking().unwrap();
    let request = AccessTokenRequest::new().audience("another");
    client.access_token().unwrap().authorization_header();
    client.access_token_with(&request).unwrap();
    let calls = client.as_async();
    let fresh = allocations(|| {
        let token = at_once(calls.access_token()).unwrap();
        black_box((token.value(), token.authorization_header()));
    });
    let with = allocations(|| {
        drop(black_box(
            at_once(calls.access_token_with(&request)).unwrap(),
        ))
    });
    let blocking = allocations(|| drop(black_box(client.access_token().unwrap())));
    assert_eq!((fresh, with, blocking), (0, 0, 0));
}

/// With a renewal under way, or held back by a failure.
#[test]
fn tokens_that_are_renewed_are_served_without_one() {
    let (emulator, dial) = (emulator::builder().start().unwrap(), Dial::default());
    let client = client::builder(emulator::endpoint(&emulator))
        .clock(dial.clone())
        .retry(RetryPolicy::default().attempts(1))
        .build_blocking()
        .unwrap();
    client.access_token().unwrap();
    emulator.inject(Fault::status(503).times(0));
    dial.advance(Duration::from_secs(3600 - 700));
    // Starts the renewal, and waits for its failure.
    client.access_token().unwrap();
    let force = CallOptions::new().force(true);
    client.access_token_with_options(None, force).unwrap();
    let calls = client.as_async();
    let advisory = allocations(|| drop(black_box(at_once(calls.access_token()).unwrap())));
    assert_eq!(advisory, 0);
    assert_eq!(emulator.token_requests(), 2);
}
