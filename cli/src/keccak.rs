//! SHA-3.
//!
//! Spec: FIPS 202, "Keccak-p permutations" and "SHA-3 function specifications".

/// Lanes of the state.
const LANES: usize = 25;
const ROUNDS: [u64; 24] = [
    0x0000000000000001,
    0x0000000000008082,
    0x800000000000808a,
    0x8000000080008000,
    0x000000000000808b,
    0x0000000080000001,
    0x8000000080008081,
    0x8000000000008009,
    0x000000000000008a,
    0x0000000000000088,
    0x0000000080008009,
    0x000000008000000a,
    0x000000008000808b,
    0x800000000000008b,
    0x8000000000008089,
    0x8000000000008003,
    0x8000000000008002,
    0x8000000000000080,
    0x000000000000800a,
    0x800000008000000a,
    0x8000000080008081,
    0x8000000000008080,
    0x0000000080000001,
    0x8000000080008008,
];

fn permute(state: &mut [u64; LANES]) {
    for round in ROUNDS {
        let column = |x: usize| (0..5).fold(0, |sum, y| sum ^ state[x + 5 * y]);
        let columns: [u64; 5] = std::array::from_fn(column);
        for (lane, value) in state.iter_mut().enumerate() {
            let x = lane % 5;
            *value ^= columns[(x + 4) % 5] ^ columns[(x + 1) % 5].rotate_left(1);
        }
        // Rotation and movement of lanes, along the path that visits all but the first.
        let mut moved = *state;
        let (mut x, mut y) = (1, 0);
        for step in 0..24u32 {
            let (to_x, to_y) = (y, (2 * x + 3 * y) % 5);
            moved[to_x + 5 * to_y] = state[x + 5 * y].rotate_left((step + 1) * (step + 2) / 2 % 64);
            (x, y) = (to_x, to_y);
        }
        for (lane, value) in state.iter_mut().enumerate() {
            let (x, row) = (lane % 5, lane / 5 * 5);
            *value = moved[lane] ^ (!moved[(x + 1) % 5 + row] & moved[(x + 2) % 5 + row]);
        }
        state[0] ^= round;
    }
}

/// A digest in the making.
pub struct Sha3 {
    state: [u64; LANES],
    /// Bytes that are taken in between two permutations.
    rate: usize,
    taken: usize,
    digest_bytes: usize,
}

impl Sha3 {
    /// A digest of 224, 256, 384 or 512 bits.
    pub fn new(bits: usize) -> Sha3 {
        Sha3 { state: [0; LANES], rate: LANES * 8 - bits / 4, taken: 0, digest_bytes: bits / 8 }
    }

    fn take(&mut self, byte: u8) {
        self.state[self.taken / 8] ^= u64::from(byte) << (self.taken % 8 * 8);
    }

    /// Takes bytes in.
    pub fn update(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.take(byte);
            self.taken += 1;
            if self.taken == self.rate {
                permute(&mut self.state);
                self.taken = 0;
            }
        }
    }

    /// The digest in hexadecimal digits.
    pub fn finish(mut self) -> String {
        self.take(0x06);
        self.taken = self.rate - 1;
        self.take(0x80);
        permute(&mut self.state);
        let bytes = self.state.iter().flat_map(|lane| lane.to_le_bytes());
        bytes.take(self.digest_bytes).map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(bits: usize, text: &[u8]) -> String {
        let mut hash = Sha3::new(bits);
        hash.update(text);
        hash.finish()
    }

    // From the examples that accompany the standard.
    #[test]
    fn digests_are_those_of_the_standard() {
        assert_eq!(digest(224, b""), "6b4e03423667dbb73b6e15454f0eb1abd4597f9a1b078e3f5b5a6bc7");
        assert_eq!(digest(256, b"abc"), "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532");
    }

    #[test]
    fn text_longer_than_a_block_is_taken_in_whole() {
        assert_eq!(
            digest(256, &[0xa3; 200]),
            "79f38adec5c20307a98ef76e8324afbfd46cfd81b22e3973c65fa1bd9de31787"
        );
    }
}
