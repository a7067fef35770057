//! Hash maps whose order depends on their content alone.
//!
//! The standard maps seed their hasher from the operating system, so that two runs of one seed would iterate in
//! different orders. These use a fixed multiply-rotate hash: fast for the small integer keys that the engine has
//! (page numbers, ids), and the same on every run.
//!
//! Never: a defence against chosen keys. Tables keyed by users' bytes that can grow without bound (hash joins, hash
//! aggregation) bring their own hash function.

use std::hash::{BuildHasherDefault, Hasher};

/// A `std` map with a fixed hash function.
#[allow(clippy::disallowed_types)]
pub type HashMap<K, V> = std::collections::HashMap<K, V, BuildHasherDefault<FixedHasher>>;

/// A `std` set with a fixed hash function.
#[allow(clippy::disallowed_types)]
pub type HashSet<K> = std::collections::HashSet<K, BuildHasherDefault<FixedHasher>>;

/// Multiply-rotate hash over 8-byte words; deterministic, not resistant to chosen keys.
#[derive(Clone, Copy, Debug, Default)]
pub struct FixedHasher {
    state: u64,
}

/// An odd constant with bits spread evenly: the fractional part of the golden ratio.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

impl FixedHasher {
    #[inline]
    fn add(&mut self, word: u64) {
        self.state = (self.state.rotate_left(5) ^ word).wrapping_mul(SPREAD);
    }
}

impl Hasher for FixedHasher {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        let mut words = bytes.chunks_exact(8);
        for word in &mut words {
            self.add(u64::from_le_bytes(word.try_into().unwrap_or_default()));
        }
        let rest = words.remainder();
        if !rest.is_empty() {
            let mut last = [0u8; 8];
            last[..rest.len()].copy_from_slice(rest);
            self.add(u64::from_le_bytes(last));
        }
        self.add(bytes.len() as u64);
    }

    #[inline]
    fn write_u8(&mut self, value: u8) {
        self.add(u64::from(value));
    }

    #[inline]
    fn write_u16(&mut self, value: u16) {
        self.add(u64::from(value));
    }

    #[inline]
    fn write_u32(&mut self, value: u32) {
        self.add(u64::from(value));
    }

    #[inline]
    fn write_u64(&mut self, value: u64) {
        self.add(value);
    }

    #[inline]
    fn write_usize(&mut self, value: usize) {
        self.add(value as u64);
    }

    /// Folds the high bits down: hashbrown takes its bucket from the low bits and its tag from the top seven.
    #[inline]
    fn finish(&self) -> u64 {
        self.state ^ (self.state >> 32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hash::BuildHasher;

    #[test]
    fn equal_keys_hash_equal_in_two_maps() {
        let (a, b) = (HashMap::<u32, u32>::default(), HashMap::<u32, u32>::default());
        for key in 0u32..1000 {
            assert_eq!(a.hasher().hash_one(key), b.hasher().hash_one(key));
        }
    }

    #[test]
    fn consecutive_page_numbers_fill_buckets_evenly() {
        let map = HashMap::<u32, u32>::default();
        let mut buckets = [0u32; 64];
        for key in 0u32..6400 {
            buckets[(map.hasher().hash_one(key) & 63) as usize] += 1;
        }
        assert!(buckets.iter().all(|&n| (40..=180).contains(&n)), "{buckets:?}");
    }
}
