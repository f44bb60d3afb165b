//! Randomness: the only file that draws a number.

use crate::error::{Error, ErrorKind};

/// A number in `[0, 1)`, from the operating system's generator, which a forked
/// child does not share with its parent.
pub(crate) fn unit() -> f64 {
    // Without random numbers, jitter is merely missing.
    bytes().map_or(0.5, |bytes| {
        f64::from(u32::from_le_bytes(bytes)) / (f64::from(u32::MAX) + 1.0)
    })
}

/// Bytes fit for keys, from the same generator.
///
/// # Errors
///
/// `Internal` if the operating system gives none: nothing may be made up in their
/// place.
pub(crate) fn bytes<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| {
        Error::new(
            ErrorKind::Internal,
            "the operating system gives no random bytes",
        )
    })?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    #[test]
    fn numbers_differ_and_stay_in_range() {
        let numbers: Vec<_> = (0..100).map(|_| super::unit()).collect();
        assert!(numbers.iter().all(|number| (0.0..1.0).contains(number)));
        assert!(numbers.iter().any(|number| *number != numbers[0]));
    }

    #[test]
    fn bytes_differ() {
        let drawn: HashSet<[u8; 16]> = (0..100).map(|_| super::bytes().unwrap()).collect();
        assert_eq!(drawn.len(), 100);
    }
}
