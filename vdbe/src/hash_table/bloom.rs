//! Bloom filters: "certainly not there" for the keys of an automatic index.
//!
//! Text counts by its type alone: what is equal depends on a collation that the filter does not know.
//!
//! Never: deletion.

use crate::register::{Register, Tag};

use super::hash::{hash, mix};

/// The filter.
#[derive(Debug)]
pub(crate) struct Bloom {
    bits: Vec<u64>,
}

impl Bloom {
    /// An empty filter of about `size_bytes` bytes.
    pub(crate) fn new(size_bytes: usize) -> Bloom {
        Bloom { bits: vec![0; size_bytes.div_ceil(8).max(1).next_power_of_two()] }
    }

    /// The hash of a key: equal for keys that are equal under any collation.
    pub(crate) fn hash(key: &[Register]) -> u64 {
        let mut state = 0;
        for register in key {
            let word = match register.tag() {
                Tag::Integer => register.number as u64,
                // 2.0 equals 2.
                Tag::Real => f64::from_bits(register.number as u64) as i64 as u64,
                Tag::Text => 1 << 62,
                Tag::Blob => hash(register.bytes(), register.zero_tail()),
                Tag::Null | Tag::Internal => 1 << 61,
            };
            state = mix(state, word);
        }
        state
    }

    #[inline]
    fn place(&self, hash: u64) -> (usize, u64) {
        (hash as usize >> 6 & (self.bits.len() - 1), 1 << (hash & 63))
    }

    /// Adds a key.
    #[inline]
    pub(crate) fn add(&mut self, hash: u64) {
        let (word, bit) = self.place(hash);
        self.bits[word] |= bit;
    }

    /// Whether the key may have been added; `false` is certain.
    #[inline]
    pub(crate) fn may_have(&self, hash: u64) -> bool {
        let (word, bit) = self.place(hash);
        self.bits[word] & bit != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn integer(number: i64) -> [Register; 1] {
        let mut register = Register::null();
        register.set_integer(number);
        [register]
    }

    #[test]
    fn what_was_added_is_found_and_little_else() {
        let mut filter = Bloom::new(1000);
        (0..1000).for_each(|number| filter.add(Bloom::hash(&integer(number))));
        assert!((0..1000).all(|number| filter.may_have(Bloom::hash(&integer(number)))));
        let wrong = (1000..11_000).filter(|&number| filter.may_have(Bloom::hash(&integer(number)))).count();
        assert!(wrong < 2500, "{wrong} of 10000 wrongly found");
        let mut real = Register::null();
        real.set_real(7.0);
        assert!(filter.may_have(Bloom::hash(&[real])));
    }
}
