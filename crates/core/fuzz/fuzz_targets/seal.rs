//! Nothing opens but what was sealed, unaltered.
#![no_main]

use std::sync::LazyLock;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use prove_token::store::{Entry, StoreKey, ends};
use prove_token::{ClientSecret, fuzzing};

const ENDS: Duration = Duration::from_secs(1_700_000_000);

static SECRET: LazyLock<ClientSecret> =
    LazyLock::new(|| ClientSecret::new("canary-9b1e").expect("a secret"));

fuzz_target!(|input: &[u8]| {
    assert_eq!(open(input), None);

    // The first half is sealed, the second says what is done to it.
    let (plain, edits) = input.split_at(input.len() / 2);
    let whole = fuzzing::seal(&key(), Entry::Token, &SECRET, ENDS, plain).expect("not too large");
    assert_eq!(open(&whole).as_deref(), Some(plain));
    assert_eq!(ends(&whole), Some(ENDS));

    let edited = edit(&whole, edits);
    assert!(edited == whole || open(&edited).is_none());

    // Behind a header that is right.
    let header = whole.len() - plain.len() - 16;
    let forged = [&whole[..header], input].concat();
    assert!(forged == whole || open(&forged).is_none());
});

fn key() -> StoreKey {
    StoreKey::from([7; 32])
}

fn open(sealed: &[u8]) -> Option<Vec<u8>> {
    fuzzing::open(&key(), Entry::Token, &SECRET, sealed)
}

/// Flips bits at places that two bytes name, by a third; what is left over is cut off
/// the end, or put there.
fn edit(whole: &[u8], edits: &[u8]) -> Vec<u8> {
    let mut edited = whole.to_vec();
    let (places, rest) = edits.as_chunks::<3>();
    for [high, low, bits] in places {
        let place = usize::from(u16::from_be_bytes([*high, *low])) % edited.len();
        edited[place] ^= bits;
    }
    match rest {
        [] => {}
        [cut] => edited.truncate(edited.len().saturating_sub(usize::from(*cut))),
        more => edited.extend_from_slice(more),
    }
    edited
}
