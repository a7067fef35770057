//! Finding bytes in bytes: the loops under LIKE, `instr` and `replace`.
//!
//! A [`Needle`] is looked for by its rarest byte, with the processor's vector instructions, and compared where that byte stands.
//!
//! Never: characters. UTF-8 needs none to be searched: no character's bytes occur inside another's.

/// Where `byte` first occurs.
#[inline]
pub fn find_byte(haystack: &[u8], byte: u8) -> Option<usize> {
    memchr::memchr(byte, haystack)
}

/// Where one of two bytes first occurs.
#[inline]
pub fn find_either(haystack: &[u8], one: u8, other: u8) -> Option<usize> {
    memchr::memchr2(one, other, haystack)
}

/// The text before its first NUL: what C code sees of it.
#[inline]
pub fn before_nul(text: &[u8]) -> &[u8] {
    match find_byte(text, 0) {
        Some(end) => &text[..end],
        None => text,
    }
}

/// Bytes to be looked for.
#[derive(Clone, Debug, Default)]
pub struct Needle {
    /// Lower-case where ASCII case does not count.
    bytes: Vec<u8>,
    ignore_case: bool,
    /// Where in `bytes` the byte is by which the search goes.
    anchor: usize,
}

impl Needle {
    /// A needle that ASCII letters of either case match, with `ignore_case`.
    pub fn new(bytes: &[u8], ignore_case: bool) -> Needle {
        let bytes: Vec<u8> = if ignore_case { bytes.to_ascii_lowercase() } else { bytes.to_vec() };
        let anchor = anchor_of(&bytes);
        Needle { bytes, ignore_case, anchor }
    }

    /// Its bytes.
    #[inline]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether it is empty, and so found everywhere.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Whether `haystack` starts with it.
    #[inline]
    pub fn starts(&self, haystack: &[u8]) -> bool {
        match haystack.get(..self.bytes.len()) {
            Some(start) if self.ignore_case => {
                start.iter().zip(&self.bytes).all(|(byte, own)| byte.to_ascii_lowercase() == *own)
            }
            Some(start) => start == self.bytes,
            None => false,
        }
    }

    /// Where it first occurs.
    #[inline]
    pub fn find(&self, haystack: &[u8]) -> Option<usize> {
        let Some(&anchor) = self.bytes.get(self.anchor) else { return Some(0) };
        let other = if self.ignore_case { anchor.to_ascii_uppercase() } else { anchor };
        find_by(haystack, self.bytes.len(), self.anchor, anchor, other, |start| self.starts(start))
    }
}

/// Where `needle` first occurs. Empty ones occur at 0.
#[inline]
pub fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    let at = anchor_of(needle);
    let Some(&anchor) = needle.get(at) else { return Some(0) };
    find_by(haystack, needle.len(), at, anchor, anchor, |start| start.starts_with(needle))
}

#[inline(always)]
fn find_by(
    haystack: &[u8],
    len: usize,
    anchor_at: usize,
    anchor: u8,
    other: u8,
    starts: impl Fn(&[u8]) -> bool,
) -> Option<usize> {
    let last = haystack.len().checked_sub(len)?;
    let mut at = 0;
    while at <= last {
        at += find_either(&haystack[at + anchor_at..last + anchor_at + 1], anchor, other)?;
        if starts(&haystack[at..]) {
            return Some(at);
        }
        at += 1;
    }
    None
}

/// The place of the byte that is likely to be the rarest in text.
fn anchor_of(bytes: &[u8]) -> usize {
    let frequency = |byte: &u8| {
        // English letters from the most to the least frequent, after the space.
        let order = b" etaoinsrhldcumfpgwybvkxjqz";
        let lower = byte.to_ascii_lowercase();
        match order.iter().position(|&letter| letter == lower) {
            Some(rank) => 40 - rank,
            None if byte.is_ascii_digit() => 20,
            None => 10,
        }
    };
    let rarest = |best: (usize, usize), (at, byte): (usize, &u8)| {
        let frequency = frequency(byte);
        if frequency < best.1 { (at, frequency) } else { best }
    };
    // The first sixteen do; a rarer byte later on is not worth looking for.
    bytes.iter().take(16).enumerate().fold((0, usize::MAX), rarest).0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn needles_are_found_where_a_plain_search_finds_them() {
        let haystack: Vec<u8> = (0..300u32).map(|i| b"abcaabXc"[(i * i % 7) as usize]).collect();
        for start in 0..haystack.len() {
            for len in [0, 1, 2, 3, 7] {
                let Some(needle) = haystack.get(start..start + len) else { continue };
                let plain = haystack.windows(len.max(1)).position(|window| window.starts_with(needle));
                assert_eq!(find(&haystack, needle), plain);
                assert_eq!(Needle::new(needle, false).find(&haystack), plain);
            }
        }
        assert_eq!(find(b"abc", b"abcd"), None);
        assert_eq!(find(b"", b""), Some(0));
        assert_eq!(find(b"", b"a"), None);
    }

    #[test]
    fn case_can_be_ignored() {
        let needle = Needle::new(b"WoRd", true);
        assert_eq!(needle.find(b"some wORDs"), Some(5));
        assert_eq!(needle.find(b"wor d"), None);
        assert!(needle.starts(b"WORDs"));
        assert!(!Needle::new(b"a", false).starts(b"A"));
    }

    #[test]
    fn a_byte_is_found_in_blocks_and_behind_them() {
        let mut haystack = [b'x'; 100];
        assert_eq!(find_byte(&haystack, 0), None);
        for at in [0, 31, 32, 63, 64, 99] {
            haystack[at] = 0;
            assert_eq!(find_byte(&haystack, 0), Some(at));
            assert_eq!(before_nul(&haystack).len(), at);
            haystack[at] = b'x';
        }
    }
}
