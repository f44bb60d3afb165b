//! What the tests of the file store put into it: entries that tell whether they are
//! whole.

use std::time::Duration;

use prove_token::store::StoreKey;

/// The slot of a number.
pub fn key(slot: u8) -> StoreKey {
    StoreKey::from([slot; 32])
}

/// An entry of several kilobytes that names itself in each byte, and by its length.
pub fn entry(number: u8) -> Vec<u8> {
    vec![number; 3000 + usize::from(number)]
}

/// The number of an entry, or `None` if it is not whole.
pub fn number(content: &[u8]) -> Option<u8> {
    let number = *content.first()?;
    (content == entry(number)).then_some(number)
}

/// Wall time from a count of milliseconds since 1970.
pub fn wall(milliseconds: &str) -> Option<Duration> {
    milliseconds.parse().ok().map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_torn_is_told_from_what_is_whole() {
        let whole = entry(7);
        assert_eq!(number(&whole), Some(7));
        assert_eq!(number(&whole[1..]), None);
        assert_eq!(number(&[&whole[..100], &entry(8)[100..]].concat()), None);
        assert_eq!(number(b""), None);
    }
}
