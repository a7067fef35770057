//! Values as numbers: what an operand, a CAST, an affinity or a condition makes of text and blobs.
//!
//! There are four readings, and they differ on purpose, because they do in SQLite:
//! - affinity ([`from_affinity`]): only if all of the text is a number;
//! - CAST AS NUMERIC ([`from_cast`]): the longest prefix, preferably as integer;
//! - operands of arithmetic ([`operand`]): the longest prefix, as integer only if it looks like one;
//! - conversion to a given type ([`to_integer`], [`to_real`]): the longest prefix that fits the type.
//!
//! Text is in the database's encoding; a blob counts as such text.

use kernite_btree::{Encoding, ValueRef};

use super::parse::{self, IntegerText};

/// A number that is not NULL.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    Integer(i64),
    Real(f64),
}

impl Number {
    /// As a value.
    #[inline]
    pub fn value(self) -> ValueRef<'static> {
        match self {
            Number::Integer(number) => ValueRef::Integer(number),
            Number::Real(number) => ValueRef::Real(number),
        }
    }

    /// As a double.
    #[inline]
    pub fn to_real(self) -> f64 {
        match self {
            Number::Integer(number) => number as f64,
            Number::Real(number) => number,
        }
    }
}

/// The integer part of `real`, within the range of 64 bits.
#[inline]
pub fn truncate(real: f64) -> i64 {
    real as i64
}

/// The integer that equals `real`, if there is one; the two ends of the range are left out, where overflow would hide.
#[inline]
pub fn exact_integer(real: f64) -> Option<i64> {
    let integer = truncate(real);
    (integer as f64 == real && integer > i64::MIN && integer < i64::MAX).then_some(integer)
}

/// The integer that stands for `real` without any doubt: below 2^51 in magnitude.
#[inline]
fn safe_integer(real: f64) -> Option<i64> {
    const LIMIT: i64 = 1 << 51;
    let integer = truncate(real);
    (real == 0.0 || (integer as f64).to_bits() == real.to_bits() && (-LIMIT..LIMIT).contains(&integer))
        .then_some(integer)
}

/// An integer of at most 18 digits with nothing before or after it but a minus: most numbers in text are such.
#[inline]
fn short_integer(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    let mut value = 0i64;
    for &byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + i64::from(digit);
    }
    Some(if negative { -value } else { value })
}

/// The number that all of `text` is, if it is one. `prefer_integer`: a real that is whole becomes an integer, as in storing to a column
/// of numeric affinity; without it `1.0` stays real, as in comparing.
#[inline]
pub fn from_affinity(text: &[u8], encoding: Encoding, prefer_integer: bool) -> Option<Number> {
    if encoding == Encoding::Utf8
        && let Some(integer) = short_integer(text)
    {
        return Some(Number::Integer(integer));
    }
    let found = parse::real_in(text, encoding);
    if !found.any || !found.whole {
        return None;
    }
    if !found.fraction {
        if let Some(integer) = safe_integer(found.value) {
            return Some(Number::Integer(integer));
        }
        if let (integer, IntegerText::Whole) = parse::integer_in(text, encoding) {
            return Some(Number::Integer(integer));
        }
    }
    match exact_integer(found.value) {
        Some(integer) if prefer_integer => Some(Number::Integer(integer)),
        _ => Some(Number::Real(found.value)),
    }
}

/// The number at the start of `text`, as CAST AS NUMERIC has it; 0 if there is none.
pub fn from_cast(text: &[u8], encoding: Encoding) -> Number {
    let found = parse::real_in(text, encoding);
    if !found.fraction
        && let (integer, IntegerText::None | IntegerText::Whole | IntegerText::Prefix) =
            parse::integer_in(text, encoding)
    {
        return Number::Integer(integer);
    }
    safe_integer(found.value).map_or(Number::Real(found.value), Number::Integer)
}

/// The number that arithmetic takes `value` for; `None` for NULL.
#[inline]
pub fn operand(value: ValueRef<'_>, encoding: Encoding) -> Option<Number> {
    match value {
        ValueRef::Integer(number) => Some(Number::Integer(number)),
        ValueRef::Real(number) => Some(Number::Real(number)),
        ValueRef::Null => None,
        ValueRef::Text(text) | ValueRef::Blob(text) => Some(text_operand(text, encoding)),
    }
}

fn text_operand(text: &[u8], encoding: Encoding) -> Number {
    let found = parse::real_in(text, encoding);
    if !found.fraction {
        let fits = match parse::integer_in(text, encoding) {
            (integer, IntegerText::Whole) => Some(integer),
            (integer, IntegerText::None | IntegerText::Prefix) if !(found.any && found.whole) => {
                Some(integer)
            }
            _ => None,
        };
        if let Some(integer) = fits {
            return Number::Integer(integer);
        }
    }
    Number::Real(found.value)
}

/// `value` as an integer: reals lose their fraction, text and blobs count as far as they are an integer, NULL is 0. Numbers out of
/// range become the nearest.
#[inline]
pub fn to_integer(value: ValueRef<'_>, encoding: Encoding) -> i64 {
    match value {
        ValueRef::Integer(number) => number,
        ValueRef::Real(number) => truncate(number),
        ValueRef::Null => 0,
        ValueRef::Text(text) | ValueRef::Blob(text) => parse::integer_in(text, encoding).0,
    }
}

/// `value` as a real: text and blobs count as far as they are a number, NULL is 0.
#[inline]
pub fn to_real(value: ValueRef<'_>, encoding: Encoding) -> f64 {
    match value {
        ValueRef::Integer(number) => number as f64,
        ValueRef::Real(number) => number,
        ValueRef::Null => 0.0,
        ValueRef::Text(text) | ValueRef::Blob(text) => parse::real_in(text, encoding).value,
    }
}

/// `value` as a condition; `None` for NULL.
#[inline]
pub fn truth(value: ValueRef<'_>, encoding: Encoding) -> Option<bool> {
    match value {
        ValueRef::Integer(number) => Some(number != 0),
        ValueRef::Null => None,
        other => Some(to_real(other, encoding) != 0.0),
    }
}

#[cfg(test)]
mod tests {
    use super::Number::*;
    use super::*;

    const UTF8: Encoding = Encoding::Utf8;

    #[test]
    fn affinity_takes_the_whole_text_or_nothing() {
        // Taken from SQLite 3.54.1: typeof() and value of a NUMERIC column after INSERT.
        for (text, expected) in [
            ("12", Some(Integer(12))),
            (" 12 ", Some(Integer(12))),
            ("-0", Some(Integer(0))),
            ("1e3", Some(Integer(1000))),
            ("1.0", Some(Integer(1))),
            ("1.5", Some(Real(1.5))),
            ("9223372036854775807", Some(Integer(i64::MAX))),
            ("9223372036854775808", Some(Real(9223372036854775808.0))),
            ("9007199254740993", Some(Integer(9007199254740993))),
            ("9007199254740993.0", Some(Integer(9007199254740992))),
            ("1e400", Some(Real(f64::INFINITY))),
            ("0x10", None),
            ("1x", None),
            ("", None),
            (" ", None),
        ] {
            assert_eq!(from_affinity(text.as_bytes(), UTF8, true), expected, "{text:?}");
        }
        assert_eq!(from_affinity(b"1e3", UTF8, false), Some(Real(1000.0)));
    }

    #[test]
    fn a_cast_takes_the_longest_prefix() {
        // Taken from SQLite 3.54.1: CAST(x AS NUMERIC).
        for (text, expected) in [
            ("12abc", Integer(12)),
            ("1.5abc", Real(1.5)),
            ("1e3", Integer(1000)),
            ("9223372036854775808", Real(9223372036854775808.0)),
            ("1e17", Real(1e17)),
            ("abc", Integer(0)),
            ("", Integer(0)),
        ] {
            assert_eq!(from_cast(text.as_bytes(), UTF8), expected, "{text:?}");
        }
    }

    #[test]
    fn operands_are_integers_only_where_they_look_it() {
        // Taken from SQLite 3.54.1: typeof(x + 0).
        for (text, expected) in [
            ("12abc", Integer(12)),
            ("1e3", Real(1000.0)),
            ("1.0", Real(1.0)),
            ("abc", Integer(0)),
            ("9223372036854775808", Real(9223372036854775808.0)),
            ("9223372036854775808x", Real(9223372036854775808.0)),
        ] {
            assert_eq!(operand(ValueRef::Text(text.as_bytes()), UTF8), Some(expected), "{text:?}");
        }
        assert_eq!(operand(ValueRef::Null, UTF8), None);
    }

    #[test]
    fn conditions_look_at_the_real_value() {
        let truth = |value| truth(value, UTF8);
        assert_eq!(truth(ValueRef::Text(b"0.1")), Some(true));
        assert_eq!(truth(ValueRef::Text(b"abc")), Some(false));
        assert_eq!(truth(ValueRef::Text(b"1abc")), Some(true));
        assert_eq!(truth(ValueRef::Real(-0.0)), Some(false));
        assert_eq!(truth(ValueRef::Null), None);
    }
}
