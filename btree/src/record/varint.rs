//! Variable-length integers: the only encoder and decoder of them in the project.
//!
//! ```text
//! 0xxxxxxx                                 7 bits in one byte
//! 1xxxxxxx 0xxxxxxx                       14 bits in two
//! ...                                      big-endian groups of seven, up to eight bytes
//! 1xxxxxxx × 8, then xxxxxxxx             64 bits in nine: the ninth byte counts whole
//! ```
//!
//! Most varints of a page (serial types, header lengths, payload sizes) take one byte, so that case comes first and inlines.
//!
//! Never: trust. A decoder gets exactly the bytes that it may read and says `None` when they end too early.
//! Spec: Database File Format, "A variable-length integer".

/// The longest encoding, in bytes.
pub const LEN_MAX: usize = 9;

/// Decodes the varint at the start of `bytes`: its value and its length in bytes. `None` when `bytes` ends inside it.
#[inline(always)]
pub fn decode(bytes: &[u8]) -> Option<(u64, usize)> {
    match *bytes {
        [a, ..] if a < 0x80 => Some((u64::from(a), 1)),
        [a, b, ..] if b < 0x80 => Some((u64::from(a & 0x7f) << 7 | u64::from(b), 2)),
        [a, b, c, ..] if c < 0x80 => {
            Some((u64::from(a & 0x7f) << 14 | u64::from(b & 0x7f) << 7 | u64::from(c), 3))
        }
        _ => decode_long(bytes),
    }
}

/// Decodes the varint at `*at` and moves `*at` past it.
#[inline(always)]
pub fn decode_at(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let (value, len) = decode(bytes.get(*at..)?)?;
    *at += len;
    Some(value)
}

#[inline]
fn decode_long(bytes: &[u8]) -> Option<(u64, usize)> {
    if let Some(word) = bytes.first_chunk::<8>() {
        let word = u64::from_be_bytes(*word);
        let ends = !word & 0x8080_8080_8080_8080;
        if ends != 0 {
            // All bytes at once: cut off those after the last one, then push the groups of seven bits together, pair by pair.
            let len = ends.leading_zeros() / 8 + 1;
            let groups = word >> (64 - 8 * len) & 0x7f7f_7f7f_7f7f_7f7f;
            let pairs = groups & 0x007f_007f_007f_007f | groups >> 1 & 0x3f80_3f80_3f80_3f80;
            let quads = pairs & 0x0000_3fff_0000_3fff | pairs >> 2 & 0x0fff_c000_0fff_c000;
            let value = quads & 0x0fff_ffff | quads >> 4 & 0x00ff_ffff_f000_0000;
            return Some((value, len as usize));
        }
    }
    decode_bytewise(bytes)
}

/// For the last bytes of a slice, and for varints of nine bytes.
#[inline(never)]
fn decode_bytewise(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0u64;
    for (index, &byte) in bytes.iter().take(LEN_MAX - 1).enumerate() {
        value = value << 7 | u64::from(byte & 0x7f);
        if byte < 0x80 {
            return Some((value, index + 1));
        }
    }
    let &last = bytes.get(LEN_MAX - 1)?;
    Some((value << 8 | u64::from(last), LEN_MAX))
}

/// How many bytes `value` takes.
#[inline]
pub const fn len(value: u64) -> usize {
    match 64 - value.leading_zeros() {
        0..=7 => 1,
        8..=14 => 2,
        bits if bits > 56 => LEN_MAX,
        bits => (bits as usize).div_ceil(7),
    }
}

/// Writes `value` to the start of `out` and returns its length. `out` has to have room for [`len`] bytes; where it has not,
/// nothing is written and 0 returned.
#[inline]
pub fn encode(value: u64, out: &mut [u8]) -> usize {
    if value < 0x80
        && let [first, ..] = out
    {
        *first = value as u8;
        return 1;
    }
    let mut bytes = [0; LEN_MAX];
    let len = encode_wide(value, &mut bytes);
    match out.get_mut(..len) {
        Some(out) => out.copy_from_slice(&bytes[..len]),
        None => return 0,
    }
    len
}

/// Appends `value` to `out`.
#[inline]
pub fn push(value: u64, out: &mut Vec<u8>) {
    if value < 0x80 {
        return out.push(value as u8);
    }
    let mut bytes = [0; LEN_MAX];
    let len = encode_wide(value, &mut bytes);
    out.extend_from_slice(&bytes[..len]);
}

/// Writes `value` to the start of `out` and returns its length. The bytes after it are overwritten, too: that saves a copy of a
/// length that the compiler does not know.
#[inline]
pub fn encode_wide(value: u64, out: &mut [u8; LEN_MAX]) -> usize {
    if value < 0x80 {
        out[0] = value as u8;
        return 1;
    }
    if value >= 1 << 56 {
        // Eight groups of seven bits, and a last byte that counts whole.
        let groups = spread(value >> 8) | 0x8080_8080_8080_8080;
        out[..8].copy_from_slice(&groups.to_be_bytes());
        out[8] = value as u8;
        return LEN_MAX;
    }
    let len = len(value);
    let groups = (spread(value) | 0x8080_8080_8080_8000) << (64 - 8 * len);
    out[..8].copy_from_slice(&groups.to_be_bytes());
    len
}

/// Pulls groups of seven bits apart, one to a byte.
#[inline]
fn spread(value: u64) -> u64 {
    let quads = value & 0x0fff_ffff | (value & 0x00ff_ffff_f000_0000) << 4;
    let pairs = quads & 0x0000_3fff_0000_3fff | (quads & 0x0fff_c000_0fff_c000) << 2;
    pairs & 0x007f_007f_007f_007f | (pairs & 0x3f80_3f80_3f80_3f80) << 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_length_survives_the_round_trip() {
        for shift in 0..64 {
            for value in
                [1u64 << shift, (1u64 << shift) - 1, u64::MAX >> shift, 0x9e37_79b9_7f4a_7c15 >> shift]
            {
                let mut out = Vec::new();
                push(value, &mut out);
                assert_eq!(out.len(), len(value));
                assert_eq!(decode(&out), Some((value, out.len())));
                let mut followed = out.clone();
                followed.extend_from_slice(&[0xff; 9]);
                assert_eq!(decode(&followed), Some((value, out.len())), "bytes that follow do not matter");
                let mut fixed = [0xee; LEN_MAX];
                assert_eq!(encode(value, &mut fixed), out.len());
                assert_eq!(&fixed[..out.len()], &out[..]);
                assert_eq!(decode(&out[..out.len() - 1]), None, "cut off");
            }
        }
    }

    #[test]
    fn boundaries_are_those_of_the_file_format() {
        for (value, bytes) in [
            (0x7f, &[0x7f][..]),
            (0x80, &[0x81, 0x00]),
            (0x3fff, &[0xff, 0x7f]),
            (0x4000, &[0x81, 0x80, 0x00]),
            (u64::MAX, &[0xff; 9]),
            ((1 << 56) - 1, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]),
            (1 << 56, &[0x80, 0xc0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00]),
        ] {
            let mut out = Vec::new();
            push(value, &mut out);
            assert_eq!(out, bytes);
        }
    }

    #[test]
    fn redundant_leading_groups_decode() {
        assert_eq!(decode(&[0x80, 0x80, 0x05]), Some((5, 3)));
        assert_eq!(decode(&[0x80; 9]), Some((0x80, 9)));
    }
}
