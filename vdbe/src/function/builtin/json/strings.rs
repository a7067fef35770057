//! Strings of JSON: which bytes need an escape, what escapes mean, and whether two labels are the same.

use kernite_btree::encoding::push_utf8;

use super::super::quote::HEX_LOWER;

/// What an escape that is none stands for.
pub const INVALID: u32 = 0x9_9999;

/// Whether a byte stands for itself in any string: no quote, backslash or control character.
#[inline]
pub const fn is_plain(byte: u8) -> bool {
    byte >= 0x20 && byte != b'"' && byte != b'\\' && byte != b'\''
}

/// Whether all are hexadecimal digits.
#[inline]
pub fn is_hex(digits: &[u8]) -> bool {
    digits.iter().all(u8::is_ascii_hexdigit)
}

/// The value of a digit, if it is one; else of its bits taken for one.
#[inline]
const fn hex(digit: u8) -> u32 {
    (digit as u32 + 9 * (digit as u32 >> 6 & 1)) & 15
}

fn hex4(digits: &[u8]) -> u32 {
    digits.iter().take(4).fold(0, |value, &digit| value << 4 | hex(digit))
}

/// Appends the escape of a control character.
pub fn push_control(byte: u8, out: &mut Vec<u8>) {
    match byte {
        0x08 => out.extend_from_slice(b"\\b"),
        b'\t' => out.extend_from_slice(b"\\t"),
        b'\n' => out.extend_from_slice(b"\\n"),
        0x0c => out.extend_from_slice(b"\\f"),
        b'\r' => out.extend_from_slice(b"\\r"),
        _ => {
            out.extend_from_slice(b"\\u00");
            out.extend_from_slice(&[HEX_LOWER[usize::from(byte >> 4)], HEX_LOWER[usize::from(byte & 15)]]);
        }
    }
}

/// Appends `text` as a JSON string, quotes included.
pub fn push_string(text: &[u8], out: &mut Vec<u8>) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    let mut rest = text;
    loop {
        let plain =
            rest.iter().position(|&byte| byte < 0x20 || byte == b'"' || byte == b'\\').unwrap_or(rest.len());
        out.extend_from_slice(&rest[..plain]);
        match rest.get(plain) {
            None => break,
            Some(&byte @ (b'"' | b'\\')) => out.extend_from_slice(&[b'\\', byte]),
            Some(&byte) => push_control(byte, out),
        }
        rest = &rest[plain + 1..];
    }
    out.push(b'"');
}

/// How many bytes of escaped line ends `text` begins with.
fn line_ends(text: &[u8]) -> usize {
    let mut at = 0;
    loop {
        at += match &text[at..] {
            [b'\\', b'\r', b'\n', ..] => 3,
            [b'\\', b'\n' | b'\r', ..] => 2,
            [b'\\', 0xe2, 0x80, 0xa8 | 0xa9, ..] => 4,
            _ => return at,
        };
    }
}

/// Reads one character of at most four bytes, leniently.
fn read_char(text: &[u8]) -> (u32, usize) {
    let first = text.first().copied().unwrap_or(0);
    let mut c = match first {
        0..0xc0 => return (u32::from(first), 1),
        0xc0..0xe0 => first & 0x1f,
        0xe0..0xf0 => first & 0x0f,
        0xf0..0xf8 => first & 0x07,
        0xf8..0xfc => first & 0x03,
        0xfc..0xfe => first & 0x01,
        _ => 0,
    } as u32;
    let mut len = 1;
    while let Some(byte) = text.get(len).filter(|&&byte| len < 4 && byte & 0xc0 == 0x80) {
        c = c << 6 | u32::from(byte & 0x3f);
        len += 1;
    }
    (c, len)
}

/// The character that the escape at the start of `text` (a backslash) stands for, or [`INVALID`], and how long it is.
pub fn unescape(text: &[u8]) -> (u32, usize) {
    let Some(&letter) = text.get(1) else { return (INVALID, text.len()) };
    match letter {
        b'u' => match (text.get(2..6), text.get(6..12)) {
            (None, _) => (INVALID, text.len()),
            (Some(high), Some([b'\\', b'u', low @ ..]))
                if hex4(high) & 0xfc00 == 0xd800 && hex4(low) & 0xfc00 == 0xdc00 =>
            {
                (((hex4(high) & 0x3ff) << 10) + (hex4(low) & 0x3ff) + 0x1_0000, 12)
            }
            (Some(digits), _) => (hex4(digits), 6),
        },
        b'b' => (0x08, 2),
        b'f' => (0x0c, 2),
        b'n' => (0x0a, 2),
        b'r' => (0x0d, 2),
        b't' => (0x09, 2),
        b'v' => (0x0b, 2),
        // No octal escapes.
        b'0' if text.get(2).is_some_and(u8::is_ascii_digit) => (INVALID, 2),
        b'0' => (0, 2),
        b'\'' | b'"' | b'/' | b'\\' => (u32::from(letter), 2),
        b'x' => match text.get(2..4) {
            Some(digits) => (hex(digits[0]) << 4 | hex(digits[1]), 4),
            None => (INVALID, text.len()),
        },
        0xe2 | b'\r' | b'\n' => {
            let skipped = line_ends(text);
            match text.get(skipped) {
                _ if skipped == 0 => (INVALID, text.len()),
                None => (0, text.len()),
                Some(b'\\') => {
                    let (c, len) = unescape(&text[skipped..]);
                    (c, skipped + len)
                }
                Some(_) => {
                    let (c, len) = read_char(&text[skipped..]);
                    (c, skipped + len)
                }
            }
        }
        _ => (INVALID, 2),
    }
}

/// Appends what escaped text stands for. Escapes that are none are left out.
pub fn push_unescaped(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    while let Some(at) = rest.iter().position(|&byte| byte == b'\\') {
        out.extend_from_slice(&rest[..at]);
        let (c, len) = unescape(&rest[at..]);
        if c != INVALID {
            push_utf8(c, out);
        }
        rest = &rest[at + len..];
    }
    out.extend_from_slice(rest);
}

/// Whether two labels are the same. A raw one has no escapes.
pub fn same_label(left: &[u8], left_raw: bool, right: &[u8], right_raw: bool) -> bool {
    if left_raw && right_raw {
        return left == right;
    }
    let (mut left, mut right) = (left, right);
    loop {
        let c = next(&mut left, left_raw);
        if c != next(&mut right, right_raw) {
            return false;
        }
        if c == 0 {
            return true;
        }
    }
}

/// Takes the next character of a label; 0 at its end.
fn next(label: &mut &[u8], raw: bool) -> u32 {
    let (c, len) = match label.first() {
        None => return 0,
        Some(b'\\') if !raw => unescape(label),
        Some(_) => read_char(label),
    };
    *label = &label[len..];
    c
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_the_same_however_they_are_escaped() {
        for (left, right, expected) in [
            (&b"abc"[..], &b"\\u0061bc"[..], true),
            (b"a\\\nbc", b"abc", true),
            (b"\\ud83d\\ude00", "😀".as_bytes(), true),
            (b"a\\x62c", b"abc", true),
            (b"\\u0061", b"b", false),
            (b"a", b"ab", false),
        ] {
            assert_eq!(same_label(left, false, right, false), expected);
        }
        assert!(!same_label(b"\\u0061", true, b"a", true));
    }

    #[test]
    fn strings_are_escaped_where_they_must() {
        let mut out = Vec::new();
        push_string(b"a\"b\\c'\x01\n\x7f", &mut out);
        assert_eq!(out, b"\"a\\\"b\\\\c'\\u0001\\n\x7f\"");
    }
}
