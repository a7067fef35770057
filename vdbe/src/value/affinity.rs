//! Affinities: what a column or an expression would like its values to be.
//!
//! Applying an affinity converts only what loses nothing ([`apply`]); a CAST always converts ([`cast`]).
//!
//! Spec: Datatypes In SQLite, "Type Affinity"; "CAST expressions".

use kernite_btree::{Encoding, ValueRef};

use super::number;
use crate::register::{Flags, Register, Tag};

/// A type affinity, with SQLite's letter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Affinity {
    /// An expression without affinity.
    None = b'@',
    /// No conversion.
    #[default]
    Blob = b'A',
    /// Numbers become text.
    Text = b'B',
    /// Text that is a number becomes one, and whole reals become integers.
    Numeric = b'C',
    /// As `Numeric`; they differ under CAST.
    Integer = b'D',
    /// As `Numeric`; integers are shown as reals (the machine's `RealAffinity`).
    Real = b'E',
    /// Text that is a number becomes one; reals stay as they are (columns of subqueries and views).
    FlexNum = b'F',
}

impl Affinity {
    /// From SQLite's letter; anything else is [`Affinity::None`].
    #[inline]
    pub const fn from_letter(letter: u8) -> Affinity {
        match letter {
            b'A' => Affinity::Blob,
            b'B' => Affinity::Text,
            b'C' => Affinity::Numeric,
            b'D' => Affinity::Integer,
            b'E' => Affinity::Real,
            b'F' => Affinity::FlexNum,
            _ => Affinity::None,
        }
    }

    /// SQLite's letter.
    #[inline]
    pub const fn letter(self) -> u8 {
        self as u8
    }

    /// Whether text that is a number becomes one.
    #[inline]
    pub const fn is_numeric(self) -> bool {
        self as u8 >= b'C'
    }
}

/// Converts `register` where that loses nothing.
#[inline]
pub fn apply(register: &mut Register, affinity: Affinity, encoding: Encoding) {
    match register.tag {
        Tag::Integer if affinity == Affinity::Text => register.make_text(encoding),
        Tag::Integer if affinity.is_numeric() && affinity != Affinity::FlexNum => {
            register.flags.0 &= !Flags::INT_REAL
        }
        Tag::Text if affinity.is_numeric() => {
            if let Some(number) = number::from_affinity(register.bytes(), encoding, true) {
                register.set(number.value());
            }
        }
        Tag::Real if affinity == Affinity::Text => register.make_text(encoding),
        Tag::Real if affinity.is_numeric() && affinity != Affinity::FlexNum => {
            if let Some(integer) = number::exact_integer(f64::from_bits(register.number as u64)) {
                register.set_integer(integer);
            }
        }
        _ => {}
    }
}

/// Converts `register` whatever it loses. NULL stays NULL. Text that a blob becomes has whole UTF-16 units.
pub fn cast(register: &mut Register, to: Affinity, encoding: Encoding) {
    if matches!(register.tag, Tag::Null | Tag::Internal) {
        return;
    }
    match to {
        Affinity::Blob | Affinity::None => {
            register.make_text(encoding);
            register.retag(Tag::Blob);
        }
        Affinity::Text => {
            register.expand_zeros();
            register.make_text(encoding);
            if encoding.is_utf16() && register.bytes().len() % 2 == 1 {
                register.truncate_bytes(register.bytes().len() - 1);
            }
            register.retag(Tag::Text);
        }
        Affinity::Numeric | Affinity::FlexNum => {
            register.expand_zeros();
            if let ValueRef::Text(text) | ValueRef::Blob(text) = register.value() {
                let number = number::from_cast(text, encoding);
                register.set(number.value());
            }
        }
        Affinity::Integer => {
            let integer = number::to_integer(register.value(), encoding);
            register.set_integer(integer);
        }
        Affinity::Real => {
            let real = number::to_real(register.value(), encoding);
            register.set_real(real);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(value: ValueRef<'_>, affinity: Affinity) -> Register {
        let mut register = Register::null();
        register.set(value);
        apply(&mut register, affinity, Encoding::Utf8);
        register
    }

    #[test]
    fn numeric_affinity_converts_text_and_whole_reals() {
        use Affinity::*;
        use ValueRef as V;
        for (value, affinity, expected) in [
            (V::Text(b"1e2"), Integer, V::Integer(100)),
            (V::Text(b"1e2"), FlexNum, V::Integer(100)),
            (V::Real(3.0), Real, V::Integer(3)),
            (V::Real(3.0), FlexNum, V::Real(3.0)),
            (V::Real(3.5), Integer, V::Real(3.5)),
            (V::Real(9223372036854775808.0), Integer, V::Real(9223372036854775808.0)),
            (V::Real(-9223372036854775808.0), Integer, V::Real(-9223372036854775808.0)),
            (V::Blob(b"1"), Integer, V::Blob(b"1")),
            (V::Integer(5), Text, V::Text(b"5")),
            (V::Real(5.0), Text, V::Text(b"5.0")),
            (V::Text(b"5"), Blob, V::Text(b"5")),
            (V::Integer(5), Blob, V::Integer(5)),
        ] {
            assert_eq!(applied(value, affinity).value(), expected, "{value:?} {affinity:?}");
        }
    }

    #[test]
    fn a_cast_always_converts() {
        use Affinity::*;
        use ValueRef as V;
        for (value, to, expected) in [
            (V::Text(b"12abc"), Integer, V::Integer(12)),
            (V::Text(b"1e3"), Integer, V::Integer(1)),
            (V::Real(-1.9), Integer, V::Integer(-1)),
            (V::Real(1e30), Integer, V::Integer(i64::MAX)),
            (V::Blob(b"12"), Integer, V::Integer(12)),
            (V::Integer(3), Real, V::Real(3.0)),
            (V::Integer(3), Blob, V::Blob(b"3")),
            (V::Blob(b"ab"), Text, V::Text(b"ab")),
            (V::Real(1e100), Text, V::Text(b"1.0e+100")),
            (V::Text(b"0x10"), Numeric, V::Integer(0)),
            (V::Null, Text, V::Null),
        ] {
            let mut register = Register::null();
            register.set(value);
            cast(&mut register, to, Encoding::Utf8);
            assert_eq!(register.value(), expected, "{value:?} {to:?}");
        }
    }

    #[test]
    fn text_of_a_utf16_database_is_utf16() {
        let mut register = Register::null();
        register.set_integer(-12);
        apply(&mut register, Affinity::Text, Encoding::Utf16Be);
        assert_eq!(register.value(), ValueRef::Text(b"\0-\x001\x002"));
        apply(&mut register, Affinity::Integer, Encoding::Utf16Be);
        assert_eq!(register.value(), ValueRef::Integer(-12));
    }
}
