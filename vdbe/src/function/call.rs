//! What a built-in scalar function sees of its call, and how it reads arguments and gives its result.
//!
//! Text in registers is in the database's encoding; functions think in UTF-8. The views made here cost nothing in a UTF-8
//! database: text is borrowed from the register, and a result is built in the register's own buffer.

use std::any::Any;
use std::borrow::Cow;
use std::cmp::Ordering;

use kernite_btree::encoding::{utf8_to_utf16, utf16_to_utf8};
use kernite_btree::record::compare_values;
use kernite_btree::{Collation, Encoding, ValueRef};

use super::FunctionDef;
use super::builtin::like::Pattern;
use crate::error::Error;
use crate::host::Host;
use crate::register::{Flags, Register, Tag};
use crate::value::{Number, number, render};

/// `SQLITE_TOOBIG`.
const TOO_BIG: i32 = 18;

/// What an inline function sees of its call.
pub struct Call<'a> {
    pub function: &'a FunctionDef,
    pub arguments: &'a [Register],
    /// Holds NULL when the call begins.
    pub result: &'a mut Register,
    pub encoding: Encoding,
    /// Collation set by the CollSeq before the call.
    pub collation: &'a Collation,
    /// Data kept between calls for constant arguments, by argument (`sqlite3_set_auxdata`); compiled LIKE patterns too.
    pub auxdata: &'a mut AuxData,
    /// Bit i: argument i is constant within the statement.
    pub constant_mask: u32,
    pub host: &'a mut dyn Host,
    /// `sqlite3_limit(SQLITE_LIMIT_LENGTH)`.
    pub length_max: usize,
    pub purity: Purity,
}

/// Where a call stands, as far as its result has to stay the same (`OP_PureFunc`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Purity {
    /// Anywhere: the result may depend on the clock.
    #[default]
    Any,
    CheckConstraint,
    GeneratedColumn,
    Index,
}

/// Per call site: one slot an argument.
#[derive(Default)]
pub struct AuxData {
    pub slots: Vec<Option<Box<dyn Any + Send>>>,
    /// What LIKE or GLOB made of a constant pattern. Where it is there, the call is one of these two.
    pub(crate) pattern: Option<Box<Pattern>>,
}

impl AuxData {
    /// The slot of an argument.
    #[inline]
    pub fn slot(&mut self, argument: usize) -> &mut Option<Box<dyn Any + Send>> {
        if self.slots.len() <= argument {
            self.slots.resize_with(argument + 1, || None);
        }
        &mut self.slots[argument]
    }
}

/// What `sqlite3_value_numeric_type` makes of an argument.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Numeric {
    Null,
    Number(Number),
    /// Text that is no number, or a blob.
    Other,
}

/// A register's text in UTF-8: numbers as they show, blobs as if they were text. `None` for NULL.
#[inline]
pub fn text_of(register: &Register, encoding: Encoding) -> Option<Cow<'_, [u8]>> {
    match register.tag() {
        Tag::Text if !encoding.is_utf16() => Some(Cow::Borrowed(register.bytes())),
        Tag::Null | Tag::Internal => None,
        _ => Some(other_text(register, encoding)),
    }
}

fn other_text(register: &Register, encoding: Encoding) -> Cow<'_, [u8]> {
    if let Some(number) = register.shown_number() {
        let mut text = Vec::with_capacity(render::NUMBER_LEN_MAX);
        render::push_number(number, Encoding::Utf8, &mut text);
        return Cow::Owned(text);
    }
    let bytes = bytes_of(register);
    if encoding.is_utf16() {
        let mut text = Vec::new();
        utf16_to_utf8(&bytes, encoding, &mut text);
        return Cow::Owned(text);
    }
    bytes
}

/// The bytes of text or blob, zero tail included; empty for the rest.
#[inline]
pub fn bytes_of(register: &Register) -> Cow<'_, [u8]> {
    match register.value() {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) if register.zero_tail() == 0 => Cow::Borrowed(bytes),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            let mut owned = bytes.to_vec();
            owned.resize(bytes.len() + register.zero_tail() as usize, 0);
            Cow::Owned(owned)
        }
        _ => Cow::Borrowed(&[]),
    }
}

/// Compares two registers' values, zero tails included. NULL equals NULL and is less than everything else.
#[inline]
pub fn compare(left: &Register, right: &Register, collation: &Collation, encoding: Encoding) -> Ordering {
    if left.zero_tail() | right.zero_tail() == 0 {
        return compare_values(left.value(), right.value(), collation, encoding);
    }
    compare_zero_tailed(left, right, collation, encoding)
}

fn compare_zero_tailed(
    left: &Register,
    right: &Register,
    collation: &Collation,
    encoding: Encoding,
) -> Ordering {
    match (left.tag(), right.tag()) {
        (Tag::Blob, Tag::Blob) => bytes_of(left).cmp(&bytes_of(right)),
        // Their classes decide.
        _ => compare_values(left.value(), right.value(), collation, encoding),
    }
}

/// A register as a number, where it is one without loss.
#[inline]
pub fn numeric_of(register: &Register, encoding: Encoding) -> Numeric {
    match register.value() {
        ValueRef::Integer(integer) if register.flags.has(Flags::INT_REAL) => {
            Numeric::Number(Number::Real(integer as f64))
        }
        ValueRef::Integer(integer) => Numeric::Number(Number::Integer(integer)),
        ValueRef::Real(real) => Numeric::Number(Number::Real(real)),
        ValueRef::Null => Numeric::Null,
        ValueRef::Text(text) => {
            number::from_affinity(text, encoding, false).map_or(Numeric::Other, Numeric::Number)
        }
        ValueRef::Blob(_) => Numeric::Other,
    }
}

impl<'a> Call<'a> {
    /// An argument; `None` where there are fewer.
    #[inline]
    pub fn argument(&self, index: usize) -> Option<&'a Register> {
        self.arguments.get(index)
    }

    /// An argument's value; NULL where there are fewer.
    #[inline]
    pub fn value(&self, index: usize) -> ValueRef<'a> {
        self.arguments.get(index).map_or(ValueRef::Null, Register::value)
    }

    /// Whether an argument is NULL or missing.
    #[inline]
    pub fn is_null(&self, index: usize) -> bool {
        self.arguments.get(index).is_none_or(Register::is_null)
    }

    /// An argument as UTF-8 text; `None` for NULL.
    #[inline]
    pub fn text(&self, index: usize) -> Option<Cow<'a, [u8]>> {
        text_of(self.arguments.get(index)?, self.encoding)
    }

    /// An argument as an integer, as `sqlite3_value_int64` gives it.
    #[inline]
    pub fn integer(&self, index: usize) -> i64 {
        number::to_integer(self.value(index), self.encoding)
    }

    /// An argument as a real, as `sqlite3_value_double` gives it.
    #[inline]
    pub fn real(&self, index: usize) -> f64 {
        number::to_real(self.value(index), self.encoding)
    }

    /// An argument as a number, where it is one without loss.
    #[inline]
    pub fn numeric(&self, index: usize) -> Numeric {
        self.arguments.get(index).map_or(Numeric::Null, |register| numeric_of(register, self.encoding))
    }

    /// Gives UTF-8 text as the result.
    #[inline]
    pub fn set_text(&mut self, text: &[u8]) -> Result<(), Error> {
        self.check_len(text.len() as u64)?;
        set_text(self.result, text, self.encoding);
        Ok(())
    }

    /// Gives UTF-8 text that `build` writes as the result.
    #[inline]
    pub fn build_text(&mut self, build: impl FnOnce(&mut Vec<u8>)) -> Result<(), Error> {
        build(self.result.buffer(Tag::Text));
        self.finish_text()
    }

    /// The result's buffer holds UTF-8 text: checks its length and converts it to the database's encoding.
    pub fn finish_text(&mut self) -> Result<(), Error> {
        self.check_len(self.result.bytes().len() as u64)?;
        if self.encoding.is_utf16() {
            let text = self.result.bytes().to_vec();
            set_text(self.result, &text, self.encoding);
        }
        Ok(())
    }

    /// Gives another register's value as the result, subtype included.
    #[inline]
    pub fn set_value(&mut self, value: &Register) {
        self.result.copy_from(value);
    }

    /// An error where a string or blob of `len` bytes is too long.
    #[inline]
    pub fn check_len(&self, len: u64) -> Result<(), Error> {
        if len > self.length_max as u64 { Err(too_big()) } else { Ok(()) }
    }

    /// An error where the result has to stay the same: `date('now')` in an index, and the like.
    pub fn require_impure(&self) -> Result<(), Error> {
        let place = match self.purity {
            Purity::Any => return Ok(()),
            Purity::CheckConstraint => "a CHECK constraint",
            Purity::GeneratedColumn => "a generated column",
            Purity::Index => "an index",
        };
        Err(Error::message(format!("non-deterministic use of {}() in {place}", self.function.name)))
    }
}

/// Sets `register` to UTF-8 `text` in `encoding`.
#[inline]
pub fn set_text(register: &mut Register, text: &[u8], encoding: Encoding) {
    if encoding.is_utf16() {
        utf8_to_utf16(text, encoding, register.buffer(Tag::Text));
    } else {
        register.set_text(text);
    }
}

/// "string or blob too big".
#[cold]
pub fn too_big() -> Error {
    Error::with_code(TOO_BIG, "string or blob too big")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_that_are_not_in_memory_take_part_in_comparisons() {
        let (mut zeros, mut blob) = (Register::null(), Register::null());
        zeros.set_zeros(3);
        for (bytes, expected) in
            [(&[0, 0][..], Ordering::Greater), (&[0, 0, 0], Ordering::Equal), (&[0, 1], Ordering::Less)]
        {
            blob.set_blob(bytes);
            assert_eq!(compare(&zeros, &blob, &Collation::Binary, Encoding::Utf8), expected);
        }
        blob.set_text(b"z");
        assert_eq!(compare(&zeros, &blob, &Collation::Binary, Encoding::Utf8), Ordering::Greater);
    }
}
