//! The text encoding of a database file, and the conversions between encodings.
//!
//! Text may hold any bytes. The conversions are SQLite's, invalid input included: a UTF-8 sequence is read leniently (any number
//! of continuation bytes, a lone continuation byte stands for itself) and becomes U+FFFD where it is overlong below U+0080 or a
//! surrogate; a surrogate in UTF-16 is paired with whatever unit follows it.
//!
//! Never: normalisation, locales.

/// How text is stored. The whole database has one encoding; registers and keys use it too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Encoding {
    #[default]
    Utf8,
    Utf16Le,
    Utf16Be,
}

impl Encoding {
    /// The number in the file header: 1, 2 or 3.
    pub const fn to_header(self) -> u32 {
        match self {
            Encoding::Utf8 => 1,
            Encoding::Utf16Le => 2,
            Encoding::Utf16Be => 3,
        }
    }

    /// From the file header. 0 is an empty database and reads as UTF-8.
    pub const fn from_header(number: u32) -> Option<Encoding> {
        match number {
            0 | 1 => Some(Encoding::Utf8),
            2 => Some(Encoding::Utf16Le),
            3 => Some(Encoding::Utf16Be),
            _ => None,
        }
    }

    /// Whether this is one of the two UTF-16 encodings.
    pub const fn is_utf16(self) -> bool {
        !matches!(self, Encoding::Utf8)
    }
}

/// Reads one character of `bytes` at `*at` as SQLite does and moves `*at` past it. `None` at the end.
#[inline]
pub fn next_utf8(bytes: &[u8], at: &mut usize) -> Option<u32> {
    let first = *bytes.get(*at)?;
    *at += 1;
    if first < 0xc0 {
        return Some(u32::from(first));
    }
    // How many low bits of the first byte count.
    let mut c = u32::from(match first {
        0xc0..=0xdf => first & 0x1f,
        0xe0..=0xef => first & 0x0f,
        0xf0..=0xf7 => first & 0x07,
        0xf8..=0xfb => first & 0x03,
        0xfc..=0xfd => first & 0x01,
        _ => 0,
    });
    while let Some(&byte) = bytes.get(*at)
        && byte & 0xc0 == 0x80
    {
        c = (c << 6).wrapping_add(u32::from(byte & 0x3f));
        *at += 1;
    }
    Some(if c < 0x80 || c & 0xffff_f800 == 0xd800 { 0xfffd } else { c })
}

/// Appends `c` in UTF-8; values beyond 21 bits lose their high bits.
#[inline]
pub fn push_utf8(c: u32, out: &mut Vec<u8>) {
    let tail = |shift: u32| 0x80 | (c >> shift & 0x3f) as u8;
    match c {
        0..0x80 => out.push(c as u8),
        0x80..0x800 => out.extend_from_slice(&[0xc0 | (c >> 6) as u8, tail(0)]),
        0x800..0x1_0000 => out.extend_from_slice(&[0xe0 | (c >> 12) as u8, tail(6), tail(0)]),
        _ => out.extend_from_slice(&[0xf0 | (c >> 18 & 7) as u8, tail(12), tail(6), tail(0)]),
    }
}

/// Appends `c` in UTF-16 in the byte order of `encoding`.
#[inline]
fn push_utf16(c: u32, encoding: Encoding, out: &mut Vec<u8>) {
    let mut unit = |unit: u32| {
        let unit = unit as u16;
        out.extend_from_slice(&if encoding == Encoding::Utf16Be {
            unit.to_be_bytes()
        } else {
            unit.to_le_bytes()
        });
    };
    if c <= 0xffff {
        unit(c);
    } else {
        unit(0xd800 | (c.wrapping_sub(0x1_0000) >> 10 & 0x3ff));
        unit(0xdc00 | c & 0x3ff);
    }
}

/// Appends UTF-8 `text` converted to UTF-16 in the byte order of `encoding`.
pub fn utf8_to_utf16(text: &[u8], encoding: Encoding, out: &mut Vec<u8>) {
    out.reserve(text.len() * 2);
    let mut at = 0;
    while let Some(c) = next_utf8(text, &mut at) {
        push_utf16(c, encoding, out);
    }
}

/// Appends UTF-16 `text` in the byte order of `encoding` converted to UTF-8. An odd byte at the end is left out.
pub fn utf16_to_utf8(text: &[u8], encoding: Encoding, out: &mut Vec<u8>) {
    out.reserve(text.len());
    for c in Utf16Chars::new(text, encoding) {
        push_utf8(c, out);
    }
}

/// Appends `text` converted from one encoding to another.
pub fn convert(text: &[u8], from: Encoding, to: Encoding, out: &mut Vec<u8>) {
    match (from, to) {
        _ if from == to => out.extend_from_slice(text),
        (Encoding::Utf8, _) => utf8_to_utf16(text, to, out),
        (_, Encoding::Utf8) => utf16_to_utf8(text, from, out),
        _ => out.extend(text.chunks_exact(2).flat_map(|unit| [unit[1], unit[0]])),
    }
}

/// How many bytes UTF-16 `text` takes in UTF-8.
pub fn utf8_len(text: &[u8], encoding: Encoding) -> usize {
    Utf16Chars::new(text, encoding)
        .map(|c| match c {
            0..0x80 => 1,
            0x80..0x800 => 2,
            0x800..0x1_0000 => 3,
            _ => 4,
        })
        .sum()
}

/// The characters of UTF-16 text, as code points.
#[derive(Clone, Debug)]
pub struct Utf16Chars<'a> {
    units: std::slice::ChunksExact<'a, u8>,
    big_endian: bool,
}

impl<'a> Utf16Chars<'a> {
    /// Of `text` in the byte order of `encoding`.
    pub fn new(text: &'a [u8], encoding: Encoding) -> Utf16Chars<'a> {
        Utf16Chars { units: text.chunks_exact(2), big_endian: encoding == Encoding::Utf16Be }
    }

    /// The bytes not read yet.
    pub fn rest(&self) -> usize {
        self.units.len() * 2
    }

    #[inline]
    fn unit(&mut self) -> Option<u32> {
        let &[a, b] = self.units.next()? else { return None };
        Some(u32::from(if self.big_endian { u16::from_be_bytes([a, b]) } else { u16::from_le_bytes([a, b]) }))
    }
}

impl Iterator for Utf16Chars<'_> {
    type Item = u32;

    #[inline]
    fn next(&mut self) -> Option<u32> {
        let first = self.unit()?;
        if first & 0xf800 != 0xd800 {
            return Some(first);
        }
        let Some(second) = self.unit() else { return Some(first) };
        Some((second & 0x3ff) + ((first & 0x3f) << 10) + (((first & 0x3c0) + 0x40) << 10))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to_utf16le(text: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        utf8_to_utf16(text, Encoding::Utf16Le, &mut out);
        out
    }

    #[test]
    fn valid_text_survives_both_ways() {
        let text = "aé€\u{1f600}\u{10ffff}\0z";
        let expected: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(to_utf16le(text.as_bytes()), expected);
        let mut back = Vec::new();
        utf16_to_utf8(&expected, Encoding::Utf16Le, &mut back);
        assert_eq!(back, text.as_bytes());
        let mut swapped = Vec::new();
        convert(&expected, Encoding::Utf16Le, Encoding::Utf16Be, &mut swapped);
        assert_eq!(swapped, text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>());
        assert_eq!(utf8_len(&swapped, Encoding::Utf16Be), text.len());
    }

    #[test]
    fn lone_surrogates_pair_with_what_follows() {
        // Taken from SQLite 3.54.1: CAST(x'…' AS TEXT) in a UTF-16LE database.
        for (utf16, utf8) in [
            (&[0x00, 0xd8][..], &[0xed, 0xa0, 0x80][..]),
            (&[0x00, 0xd8, 0x41, 0x00], &[0xf0, 0x90, 0x81, 0x81]),
            (&[0xff, 0xdb, 0x41, 0x00], &[0xf4, 0x8f, 0xb1, 0x81]),
            (&[0x41, 0x00, 0xff], b"A"),
        ] {
            let mut out = Vec::new();
            utf16_to_utf8(utf16, Encoding::Utf16Le, &mut out);
            assert_eq!(out, utf8);
        }
    }

    #[test]
    fn invalid_utf8_reads_as_in_sqlite() {
        // Taken from SQLite 3.54.1: CAST(? AS BLOB) in a UTF-16LE database, with the bytes bound as UTF-8.
        for (utf8, utf16) in [
            (&[0x80][..], &[0x80, 0x00][..]),
            (&[0xc0, 0x80], &[0xfd, 0xff]),
            (&[0xed, 0xa0, 0x80], &[0xfd, 0xff]),
            (&[0xef, 0xbf, 0xbf], &[0xff, 0xff]),
            (&[0xe3, 0x81, 0x82, 0xbf], &[0xc4, 0xda, 0xbf, 0xdc]),
            (&[0xf7, 0xbf, 0xbf, 0xbf], &[0xbf, 0xdb, 0xff, 0xdf]),
            (&[0xc3], &[0xfd, 0xff]),
            (&[0xe2, 0x82], &[0x82, 0x00]),
            (&[0xff, 0x41], &[0xfd, 0xff, 0x41, 0x00]),
        ] {
            assert_eq!(to_utf16le(utf8), utf16, "{utf8:x?}");
        }
    }
}
