//! A register: one value at run time, with its buffer kept from row to row.
//!
//! ```text
//! tag      NULL | integer | real | text | blob | internal (accumulator, rowset, frame)
//! flags    zero tail, subtype, bound, integer stored as real, cleared null
//! number   i64, or the bits of an f64; for a zero-tail blob the number of zeros
//! payload  own buffer (kept when a number overwrites the value) or shared bytes
//! ```
//!
//! Always true: text is in the database's encoding; setting a number or NULL keeps the buffer's memory, so that a scan does
//! not allocate.
//!
//! Never: pages. Page bytes are copied in.

use std::any::Any;
use std::sync::Arc;

use kernite_btree::ValueRef;

use crate::function::Accumulator;

/// What a register holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tag {
    #[default]
    Null,
    Integer,
    Real,
    Text,
    Blob,
    /// Machine-internal: aggregate accumulator, rowset, saved frame. NULL to everybody else.
    Internal,
}

/// Properties beside the value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags(pub u8);

impl Flags {
    /// The blob is followed by `number` zero bytes that are not in the buffer.
    pub const ZERO_TAIL: u8 = 1;
    /// `subtype` is set.
    pub const SUBTYPE: u8 = 2;
    /// The value came from a bound parameter (`sqlite3_value_frombind`).
    pub const FROM_BIND: u8 = 4;
    /// An integer that stands for a real (column of REAL affinity stored as integer).
    pub const INT_REAL: u8 = 8;
    /// A NULL that equals no other NULL in OP_Found and the like.
    pub const CLEARED: u8 = 16;

    /// Whether all bits of `bits` are set.
    #[inline]
    pub const fn has(self, bits: u8) -> bool {
        self.0 & bits == bits
    }
}

/// Bytes or an object behind a register.
#[derive(Debug, Default)]
pub enum Payload {
    #[default]
    None,
    /// The register's own buffer.
    Own(Vec<u8>),
    /// Bytes with another owner: a large blob, a foreign pointer with a destructor.
    Shared(Arc<dyn SharedBytes>),
    /// An aggregate under way.
    Accumulator(Box<Accumulator>),
    /// Machine-internal objects (rowsets), and pointers passed between functions (`sqlite3_bind_pointer`).
    Object(Box<dyn Any + Send>),
}

/// Bytes with an owner that is told (by drop) when they are not needed any more.
pub trait SharedBytes: Send + Sync + std::fmt::Debug {
    /// The bytes; the same at every call.
    fn bytes(&self) -> &[u8];
}

/// One value at run time.
#[derive(Debug, Default)]
pub struct Register {
    pub(crate) tag: Tag,
    pub(crate) flags: Flags,
    pub(crate) subtype: u8,
    pub(crate) number: i64,
    pub(crate) payload: Payload,
}

impl Register {
    /// A NULL register.
    pub const fn null() -> Register {
        Register { tag: Tag::Null, flags: Flags(0), subtype: 0, number: 0, payload: Payload::None }
    }

    /// What the register holds.
    #[inline]
    pub fn tag(&self) -> Tag {
        self.tag
    }

    /// The value, borrowed. A zero tail is not part of the bytes: expand it first where it matters.
    #[inline]
    pub fn value(&self) -> ValueRef<'_> {
        match self.tag {
            Tag::Integer => ValueRef::Integer(self.number),
            Tag::Real => ValueRef::Real(f64::from_bits(self.number as u64)),
            Tag::Text => ValueRef::Text(self.bytes()),
            Tag::Blob => ValueRef::Blob(self.bytes()),
            Tag::Null | Tag::Internal => ValueRef::Null,
        }
    }

    /// The payload's bytes; empty for numbers and NULL.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        match &self.payload {
            Payload::Own(bytes) => bytes,
            Payload::Shared(owner) => owner.bytes(),
            _ => &[],
        }
    }

    /// Sets NULL, keeping the buffer.
    #[inline]
    pub fn set_null(&mut self) {
        self.reset(Tag::Null);
    }

    /// Sets an integer, keeping the buffer.
    #[inline]
    pub fn set_integer(&mut self, value: i64) {
        self.reset(Tag::Integer);
        self.number = value;
    }

    /// Sets a real; a NaN becomes NULL, as in SQLite.
    #[inline]
    pub fn set_real(&mut self, value: f64) {
        if value.is_nan() {
            return self.set_null();
        }
        self.reset(Tag::Real);
        self.number = value.to_bits() as i64;
    }

    /// Sets text, copying into the register's buffer.
    #[inline]
    pub fn set_text(&mut self, text: &[u8]) {
        self.set_bytes(Tag::Text, text);
    }

    /// Sets a blob, copying into the register's buffer.
    #[inline]
    pub fn set_blob(&mut self, blob: &[u8]) {
        self.set_bytes(Tag::Blob, blob);
    }

    /// Sets any value, copying.
    #[inline]
    pub fn set(&mut self, value: ValueRef<'_>) {
        match value {
            ValueRef::Null => self.set_null(),
            ValueRef::Integer(number) => self.set_integer(number),
            ValueRef::Real(number) => self.set_real(number),
            ValueRef::Text(text) => self.set_text(text),
            ValueRef::Blob(blob) => self.set_blob(blob),
        }
    }

    /// The register's own buffer, emptied, to be filled and then declared with `tag` by the caller (`Text` or `Blob`).
    #[inline]
    pub fn buffer(&mut self, tag: Tag) -> &mut Vec<u8> {
        self.reset(tag);
        if !matches!(self.payload, Payload::Own(_)) {
            self.payload = Payload::Own(Vec::new());
        }
        match &mut self.payload {
            Payload::Own(bytes) => {
                bytes.clear();
                bytes
            }
            _ => unreachable!("the payload was just made a buffer"),
        }
    }

    #[inline]
    fn set_bytes(&mut self, tag: Tag, bytes: &[u8]) {
        self.buffer(tag).extend_from_slice(bytes);
    }

    /// Sets the tag and clears everything beside the value; objects are dropped, buffers kept.
    #[inline]
    fn reset(&mut self, tag: Tag) {
        self.tag = tag;
        self.flags = Flags(0);
        self.subtype = 0;
        if matches!(self.payload, Payload::Accumulator(_) | Payload::Object(_) | Payload::Shared(_)) {
            self.payload = Payload::None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_keeps_the_buffer_for_the_next_text() {
        let mut register = Register::null();
        register.set_text(&[b'x'; 1000]);
        register.set_integer(7);
        assert_eq!(register.value(), ValueRef::Integer(7));
        let Payload::Own(kept) = &register.payload else { panic!("the buffer went away") };
        assert!(kept.capacity() >= 1000);
    }

    #[test]
    fn a_nan_is_stored_as_null() {
        let mut register = Register::null();
        register.set_real(f64::NAN);
        assert_eq!(register.value(), ValueRef::Null);
    }
}
