//! Randomness for jitter: the only file that draws a number.

/// A number in `[0, 1)`, from the operating system's generator, which a forked
/// child does not share with its parent.
pub(crate) fn unit() -> f64 {
    let mut bytes = [0; 4];
    // Without random numbers, jitter is merely missing.
    if aws_lc_rs::rand::fill(&mut bytes).is_err() {
        return 0.5;
    }
    f64::from(u32::from_le_bytes(bytes)) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    #[test]
    fn numbers_differ_and_stay_in_range() {
        let numbers: Vec<_> = (0..100).map(|_| super::unit()).collect();
        assert!(numbers.iter().all(|number| (0.0..1.0).contains(number)));
        assert!(numbers.iter().any(|number| *number != numbers[0]));
    }
}
