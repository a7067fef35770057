//! What the values of pragmas mean: numbers and words, leniently read.
//!
//! Never: errors. What is not understood means the default.

use kernite_vdbe::value::parse;

/// A 32-bit integer at the start of the text, decimal or hexadecimal; `None` where there is none or it does not fit.
pub(super) fn int32(text: &[u8]) -> Option<i32> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        _ => (false, text),
    };
    if let [b'0', b'x' | b'X', rest @ ..] = digits
        && rest.first().is_some_and(u8::is_ascii_hexdigit)
    {
        let count = rest.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let value = parse::literal(&digits[..count + 2])?;
        return i32::try_from(value).ok().filter(|_| !negative);
    }
    if !digits.first()?.is_ascii_digit() {
        return None;
    }
    let (value, _) = parse::integer(digits);
    i32::try_from(if negative { -value } else { value }).ok()
}

/// The same, 0 where there is none.
pub(super) fn int32_or_zero(text: &[u8]) -> i32 {
    int32(text).unwrap_or(0)
}

/// A 64-bit integer, decimal or hexadecimal, and nothing else.
pub(super) fn int64(text: &[u8]) -> Option<i64> {
    parse::literal(text)
}

/// OFF, ON, FULL and EXTRA as numbers from 0 to 3; a number is itself.
pub(super) fn level(text: &[u8], otherwise: u8) -> u8 {
    if text.first().is_some_and(u8::is_ascii_digit) {
        return int32_or_zero(text) as u8;
    }
    let is = |word: &str| text.eq_ignore_ascii_case(word.as_bytes());
    match () {
        () if is("on") || is("yes") || is("true") || is("normal") => 1,
        () if is("off") || is("no") || is("false") => 0,
        () if is("full") => 2,
        () if is("extra") => 3,
        () => otherwise,
    }
}

/// A switch.
pub(super) fn boolean(text: &[u8], otherwise: bool) -> bool {
    if text.first().is_some_and(u8::is_ascii_digit) {
        return int32_or_zero(text) != 0;
    }
    match level(text, 9) {
        0 => false,
        1 if !text.eq_ignore_ascii_case(b"normal") => true,
        _ => otherwise,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_prefixes_and_have_to_fit() {
        assert_eq!(int32(b"12abc"), Some(12));
        assert_eq!(int32(b"-5"), Some(-5));
        assert_eq!(int32(b"0x10"), Some(16));
        assert_eq!(int32(b"2147483648"), None);
        assert_eq!(int32(b"abc"), None);
        assert_eq!(int32(b""), None);
    }

    #[test]
    fn booleans_know_words_and_numbers() {
        for yes in ["1", "on", "YES", "true", "7"] {
            assert!(boolean(yes.as_bytes(), false), "{yes}");
        }
        for no in ["0", "off", "No", "FALSE"] {
            assert!(!boolean(no.as_bytes(), true), "{no}");
        }
        assert!(boolean(b"full", true) && !boolean(b"full", false));
    }
}
