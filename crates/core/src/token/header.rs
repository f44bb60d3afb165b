//! `Authorization: Bearer …`, ready to clone from any thread.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::HeaderValue;
use zeroize::Zeroizing;

/// How many threads can take a header without sharing a reference count.
const COPIES: usize = 8;

/// The header value, made at first use, once per thread (up to [`COPIES`]).
///
/// Cloning a `HeaderValue` counts references. One counter for all threads costs
/// three to ten times more as soon as two of them really run, so each thread
/// clones a value with a counter of its own; the text is shared.
#[derive(Default)]
pub(super) struct HeaderCopies([Copied; COPIES]);

#[derive(Default)]
struct Copied {
    header: OnceLock<HeaderValue>,
    /// Whether some thread makes it, or has. Nobody waits for that thread: it may exist
    /// only in the parent of a forked child, which would wait for ever.
    is_claimed: AtomicBool,
}

impl HeaderCopies {
    pub(super) fn get(&self, text: &Arc<Zeroizing<String>>) -> HeaderValue {
        let copied = &self.0[thread_number() % COPIES];
        match copied.header.get() {
            Some(header) => header.clone(),
            None => copied.make(text),
        }
    }
}

impl Copied {
    /// One that is kept, for whoever comes first; the others get one of their own.
    #[cold]
    fn make(&self, text: &Arc<Zeroizing<String>>) -> HeaderValue {
        let bytes = Bytes::from_owner(HeaderText(Arc::clone(text)));
        let mut header = HeaderValue::from_maybe_shared(bytes)
            .expect("a token is visible ASCII, as wire ensures");
        header.set_sensitive(true);
        if !self.is_claimed.swap(true, Ordering::Relaxed) {
            // It is empty: only who claimed it fills it.
            let _ = self.header.set(header.clone());
        }
        header
    }
}

/// The alignment puts the counter that `Bytes` keeps in front of it on a cache
/// line (and its prefetched neighbour) of its own.
#[repr(align(128))]
struct HeaderText(Arc<Zeroizing<String>>);

impl AsRef<[u8]> for HeaderText {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// A small number of the calling thread: the first has 0, the next 1 …
fn thread_number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    const UNSET: usize = usize::MAX;
    thread_local! {
        static NUMBER: Cell<usize> = const { Cell::new(UNSET) };
    }
    NUMBER.with(|number| {
        if number.get() == UNSET {
            number.set(NEXT.fetch_add(1, Ordering::Relaxed));
        }
        number.get()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_share_the_text_but_no_counter() {
        let text = Arc::new(Zeroizing::new("Bearer canary".to_owned()));
        let copies = HeaderCopies::default();
        let here = copies.get(&text);
        // Numbers repeat after so many threads: one of two others differs from ours.
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| assert_eq!(copies.get(&text).as_bytes().as_ptr(), text.as_ptr()));
            }
        });
        let made = copies
            .0
            .iter()
            .filter(|copy| copy.header.get().is_some())
            .count();
        assert!(made >= 2, "threads made copies of their own");
        assert!(here.is_sensitive());
    }

    /// As a child finds it that was forked while another thread made the header.
    #[test]
    fn nobody_waits_for_a_header_that_is_being_made() {
        let text = Arc::new(Zeroizing::new("Bearer canary".to_owned()));
        let copies = HeaderCopies::default();
        for copied in &copies.0 {
            copied.is_claimed.store(true, Ordering::Relaxed);
        }
        let header = copies.get(&text);
        assert!(header.is_sensitive() && header == "Bearer canary");
        assert!(copies.0.iter().all(|copied| copied.header.get().is_none()));
    }
}
