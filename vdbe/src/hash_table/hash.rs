//! A hash of bytes: eight at a time, multiplied and folded, with a seed.
//!
//! The keys are users' data and the tables grow with them, so that the seed of a table that can grow without bound is random.
//!
//! Never: a stable format. Hashes are not stored.

const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
const SPREAD_MORE: u64 = 0xd6e8_feb8_6659_fd93;

/// Mixes a word into a state: the two halves of a wide product.
#[inline(always)]
pub(super) fn mix(state: u64, word: u64) -> u64 {
    let product = u128::from(state ^ word ^ SPREAD) * u128::from(word.rotate_left(32) ^ SPREAD_MORE);
    (product >> 64) as u64 ^ product as u64
}

/// Hash of `bytes` under `seed`.
#[inline]
pub(super) fn hash(bytes: &[u8], seed: u64) -> u64 {
    let mut state = seed ^ bytes.len() as u64;
    let mut words = bytes.chunks_exact(8);
    for word in &mut words {
        let word = word.first_chunk::<8>().map_or(0, |word| u64::from_le_bytes(*word));
        state = mix(state, word);
    }
    let rest = words.remainder();
    if !rest.is_empty() {
        let mut last = [0u8; 8];
        last[..rest.len()].copy_from_slice(rest);
        state = mix(state, u64::from_le_bytes(last));
    }
    mix(state, SPREAD)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn similar_keys_fill_buckets_evenly() {
        let mut buckets = [0u32; 64];
        for number in 0u64..6400 {
            buckets[hash(&number.to_be_bytes(), 1) as usize & 63] += 1;
        }
        assert!(buckets.iter().all(|&count| (50..=160).contains(&count)), "{buckets:?}");
    }
}
