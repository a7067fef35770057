//! A small seeded generator for the backends that decide at random but must decide the same again.
//!
//! SplitMix64: one multiply-xor chain over a counter. Every seed is good, streams of nearby seeds are unrelated.
//!
//! Never: secrets, or the randomness that SQL sees on a real machine (that is [`crate::Io::fill_random`]).
//! Spec: Steele, Lea, Flood: "Fast splittable pseudorandom number generators" (OOPSLA 2014).

/// A stream of numbers that its seed decides.
#[derive(Clone, Debug)]
pub struct SeededRandom {
    state: u64,
}

impl SeededRandom {
    /// The stream of `seed`.
    pub fn new(seed: u64) -> SeededRandom {
        SeededRandom { state: seed }
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.state;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// A number below `bound`; 0 where `bound` is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        // The bias of a modulo is below 2^-40 for any bound that a test uses.
        self.next_u64().checked_rem(bound as u64).unwrap_or(0) as usize
    }

    /// Fills `out`.
    pub fn fill(&mut self, out: &mut [u8]) {
        for chunk in out.chunks_mut(8) {
            let word = self.next_u64().to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first numbers of the reference implementation for seed 1234567.
    #[test]
    fn the_stream_is_that_of_splitmix64() {
        let mut random = SeededRandom::new(1_234_567);
        let first: Vec<u64> = (0..3).map(|_| random.next_u64()).collect();
        assert_eq!(first, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn below_reaches_every_value_and_none_beyond() {
        let mut random = SeededRandom::new(7);
        let mut seen = [false; 5];
        (0..200).for_each(|_| seen[random.below(5)] = true);
        assert!(seen.iter().all(|&hit| hit));
        assert_eq!(random.below(0), 0);
    }
}
