//! Text to numbers, with SQLite's rules for what counts as a number.
//!
//! ```text
//! space* [+-] digits                                  an integer
//! space* [+-] (digits [. digits*] | . digits) [e [+-] digits]   a real
//! ```
//!
//! Both readers take the longest prefix that fits and say whether more than spaces follow. Space is the six ASCII spaces. A NUL ends
//! the text for the reader of reals, and is a stray byte for that of integers. Only the first 19 digits or so of a real count.
//! Hexadecimal is for literals in SQL text alone, never for values.
//!
//! UTF-16 text is narrowed to bytes up to the first unit that is not in Latin-1, which counts as a stray byte.

use std::borrow::Cow;

use kernite_btree::Encoding;

use super::decimal::from_decimal;

/// How much of a text an integer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum IntegerText {
    /// It does not start with digits; the value is 0.
    None,
    /// All of it, and it fits.
    Whole,
    /// Something follows.
    Prefix,
    /// Too large: the value is the nearest 64-bit integer.
    TooLarge,
    /// Exactly 2^63, which only fits when negated; the value is `i64::MAX`.
    TwoPow63,
}

/// Reads an integer.
pub fn integer(text: &[u8]) -> (i64, IntegerText) {
    let mut at = skip_spaces(text, 0);
    let negative = match text.get(at) {
        Some(b'-') => {
            at += 1;
            true
        }
        Some(b'+') => {
            at += 1;
            false
        }
        _ => false,
    };
    let first = at;
    while text.get(at) == Some(&b'0') {
        at += 1;
    }
    let significant = at;
    let mut magnitude = 0u64;
    while let Some(digit) = digit(text, at) {
        magnitude = magnitude.wrapping_mul(10).wrapping_add(digit);
        at += 1;
    }
    if at == first {
        return (0, IntegerText::None);
    }
    let whole = skip_spaces(text, at) == text.len();
    let status = if whole { IntegerText::Whole } else { IntegerText::Prefix };
    let digits = at - significant;
    // Nineteen digits stay below 2^64, so that the magnitude is right.
    match magnitude {
        _ if digits > 19 => (if negative { i64::MIN } else { i64::MAX }, IntegerText::TooLarge),
        0x8000_0000_0000_0000 if negative => (i64::MIN, status),
        0x8000_0000_0000_0000 => (i64::MAX, IntegerText::TwoPow63),
        0x8000_0000_0000_0001.. => (if negative { i64::MIN } else { i64::MAX }, IntegerText::TooLarge),
        _ if negative => (-(magnitude as i64), status),
        _ => (magnitude as i64, status),
    }
}

/// What a reader of reals found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RealText {
    /// The value of the longest prefix that is a number, else 0.
    pub value: f64,
    /// Some prefix is a number.
    pub any: bool,
    /// All of the text is a number, spaces apart.
    pub whole: bool,
    /// It has a point or an exponent.
    pub fraction: bool,
}

/// Reads a real.
pub fn real(text: &[u8]) -> RealText {
    // A significand this large takes no further digit.
    const FULL: u64 = (u64::MAX - 9) / 10;
    let nothing = RealText { value: 0.0, any: false, whole: false, fraction: false };
    let mut at = skip_spaces(text, 0);
    let negative = text.get(at) == Some(&b'-');
    if matches!(text.get(at), Some(b'-' | b'+')) {
        at += 1;
    }
    let (mut significand, mut exponent, mut any, mut fraction) = (0u64, 0i32, false, false);
    while let Some(digit) = digit(text, at) {
        any = true;
        at += 1;
        if significand < FULL {
            significand = significand * 10 + digit;
        } else {
            exponent = exponent.saturating_add(1);
        }
    }
    if text.get(at) == Some(&b'.') {
        at += 1;
        fraction = true;
        while let Some(digit) = digit(text, at) {
            any = true;
            at += 1;
            if significand < FULL {
                significand = significand * 10 + digit;
                exponent = exponent.saturating_sub(1);
            }
        }
    }
    if !any {
        return nothing;
    }
    if let Some(b'e' | b'E') = text.get(at) {
        let sign = text.get(at + 1).copied();
        let mut digits_at = at + 1 + usize::from(matches!(sign, Some(b'-' | b'+')));
        if digit(text, digits_at).is_some() {
            fraction = true;
            let mut power = 0i32;
            while let Some(digit) = digit(text, digits_at) {
                power = if power < 10_000 { power * 10 + digit as i32 } else { 10_000 };
                digits_at += 1;
            }
            exponent = exponent.saturating_add(if sign == Some(b'-') { -power } else { power });
            at = digits_at;
        }
    }
    let value = if significand == 0 { 0.0 } else { from_decimal(significand, exponent) };
    let end = skip_spaces(text, at);
    let whole = matches!(text.get(end), None | Some(0));
    RealText { value: if negative { -value } else { value }, any, whole, fraction }
}

/// An integer literal of SQL text, decimal or `0x…`: `None` when it does not fit in 64 bits (hexadecimal of up to 16 digits does, as
/// two's complement). `9223372036854775808` does not; the caller negates it if a minus stands before it.
pub fn literal(text: &[u8]) -> Option<i64> {
    if let [b'0', b'x' | b'X', digits @ ..] = text {
        let zeros = digits.iter().take_while(|&&digit| digit == b'0').count();
        let digits = &digits[zeros..];
        if digits.len() > 16 {
            return None;
        }
        return digits
            .iter()
            .try_fold(0u64, |value, &digit| Some(value << 4 | u64::from((digit as char).to_digit(16)?)))
            .map(|value| value as i64);
    }
    match integer(text) {
        (value, IntegerText::Whole) => Some(value),
        _ => None,
    }
}

#[inline]
fn digit(text: &[u8], at: usize) -> Option<u64> {
    match text.get(at) {
        Some(byte @ b'0'..=b'9') => Some(u64::from(byte - b'0')),
        _ => None,
    }
}

/// Whether `byte` is one of the six ASCII spaces.
#[inline]
pub const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

#[inline]
fn skip_spaces(text: &[u8], mut at: usize) -> usize {
    while text.get(at).is_some_and(|&byte| is_space(byte)) {
        at += 1;
    }
    at
}

/// The text as bytes that the readers take.
#[inline]
pub fn narrow(text: &[u8], encoding: Encoding) -> Cow<'_, [u8]> {
    match encoding {
        Encoding::Utf8 => Cow::Borrowed(text),
        Encoding::Utf16Le | Encoding::Utf16Be => Cow::Owned(narrow_utf16(text, encoding)),
    }
}

/// Reads a real from text in `encoding`. As in SQLite a character beyond Latin-1 leaves UTF-16 text without a fraction: the integer
/// before it counts.
#[inline]
pub fn real_in(text: &[u8], encoding: Encoding) -> RealText {
    let narrowed = narrow(text, encoding);
    let found = real(&narrowed);
    if encoding.is_utf16() && narrowed.last() == Some(&STRAY) {
        return RealText { any: true, whole: false, fraction: false, ..found };
    }
    found
}

/// Reads an integer from text in `encoding`.
#[inline]
pub fn integer_in(text: &[u8], encoding: Encoding) -> (i64, IntegerText) {
    integer(&narrow(text, encoding))
}

/// Stands for a character beyond Latin-1: neither a digit nor a space nor NUL.
const STRAY: u8 = 0xff;

fn narrow_utf16(text: &[u8], encoding: Encoding) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() / 2 + 1);
    for unit in text.chunks_exact(2) {
        let (high, low) = if encoding == Encoding::Utf16Le { (unit[1], unit[0]) } else { (unit[0], unit[1]) };
        out.push(if high == 0 { low } else { STRAY });
        if high != 0 {
            break;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_saturate_at_64_bits() {
        use IntegerText::*;
        for (text, expected) in [
            ("0", (0, Whole)),
            (" \t-12 \n", (-12, Whole)),
            ("+7", (7, Whole)),
            ("12x", (12, Prefix)),
            ("1.5", (1, Prefix)),
            ("12\0", (12, Prefix)),
            ("", (0, None)),
            ("-", (0, None)),
            ("x", (0, None)),
            ("0x10", (0, Prefix)),
            ("9223372036854775807", (i64::MAX, Whole)),
            ("9223372036854775808", (i64::MAX, TwoPow63)),
            ("-9223372036854775808", (i64::MIN, Whole)),
            ("-9223372036854775809", (i64::MIN, TooLarge)),
            ("00000000000000000000000000012", (12, Whole)),
            ("18446744073709551617", (i64::MAX, TooLarge)),
            ("-99999999999999999999999", (i64::MIN, TooLarge)),
        ] {
            assert_eq!(integer(text.as_bytes()), expected, "{text:?}");
        }
    }

    #[test]
    fn reals_take_the_longest_prefix() {
        for (text, value, any, whole, fraction) in [
            ("1", 1.0, true, true, false),
            ("1.", 1.0, true, true, true),
            (".5", 0.5, true, true, true),
            (" -1.5e2 ", -150.0, true, true, true),
            ("1e", 1.0, true, false, false),
            ("1e+", 1.0, true, false, false),
            ("1e5x", 1e5, true, false, true),
            (".", 0.0, false, false, false),
            ("", 0.0, false, false, false),
            ("-", 0.0, false, false, false),
            ("abc", 0.0, false, false, false),
            ("12\0x", 12.0, true, true, false),
            ("0e99999999999999", 0.0, true, true, true),
            ("1e99999999999999", f64::INFINITY, true, true, true),
            ("-1e-99999999999", -0.0, true, true, true),
            ("123456789012345678901234567890", 1.2345678901234568e29, true, true, false),
            ("0.00000000000000000000000000000000000000000000000012", 1.2e-49, true, true, true),
        ] {
            assert_eq!(real(text.as_bytes()), RealText { value, any, whole, fraction }, "{text:?}");
        }
    }

    #[test]
    fn hexadecimal_is_for_literals() {
        assert_eq!(literal(b"0x10"), Some(16));
        assert_eq!(literal(b"0xFFFFffffFFFFffff"), Some(-1));
        assert_eq!(literal(b"0x0000000000000000000001"), Some(1));
        assert_eq!(literal(b"0x10000000000000000"), None);
        assert_eq!(literal(b"9223372036854775808"), None);
        assert_eq!(literal(b"42"), Some(42));
    }
}
