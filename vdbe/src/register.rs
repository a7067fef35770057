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

use kernite_btree::record::Field;
use kernite_btree::{Encoding, ValueRef};

use crate::function::Accumulator;
use crate::value::render;

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
    /// A whole real that a record stores as an integer (column of REAL affinity).
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
    /// Machine-internal objects (rowsets).
    Object(Box<dyn Any + Send>),
    /// A pointer passed between functions (`sqlite3_bind_pointer`); the value itself is NULL.
    Pointer(Arc<dyn Any + Send + Sync>),
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

    /// The payload's bytes. Only those of text and blobs mean anything: a number keeps the buffer of an older value.
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

    /// Sets the number that another register holds.
    #[inline]
    pub(crate) fn set_number_like(&mut self, other: &Register) {
        debug_assert!(matches!(other.tag, Tag::Integer | Tag::Real));
        self.reset(other.tag);
        self.number = other.number;
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

    /// Sets a blob of zeros that are not in memory until they are needed.
    #[inline]
    pub fn set_zeros(&mut self, count: u64) {
        self.buffer(Tag::Blob);
        self.number = count as i64;
        self.flags = Flags(Flags::ZERO_TAIL);
    }

    /// How many zeros follow the bytes.
    #[inline]
    pub fn zero_tail(&self) -> u64 {
        if self.flags.has(Flags::ZERO_TAIL) { self.number as u64 } else { 0 }
    }

    /// Length of text or blob in bytes, zero tail included.
    #[inline]
    pub fn len(&self) -> u64 {
        self.bytes_of_value().len() as u64 + self.zero_tail()
    }

    /// Whether the text or blob is empty; so are numbers and NULL.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether this is NULL (to SQL: machine-internal objects are).
    #[inline]
    pub fn is_null(&self) -> bool {
        matches!(self.tag, Tag::Null | Tag::Internal)
    }

    /// The subtype, 0 where there is none.
    #[inline]
    pub fn subtype(&self) -> u8 {
        if self.flags.has(Flags::SUBTYPE) { self.subtype } else { 0 }
    }

    /// Sets the subtype of the value.
    #[inline]
    pub fn set_subtype(&mut self, subtype: u8) {
        self.subtype = subtype;
        self.flags.0 |= Flags::SUBTYPE;
    }

    /// Copies value, subtype and zero tail of `other`. A machine-internal object does not come along.
    #[inline]
    pub fn copy_from(&mut self, other: &Register) {
        match (other.tag, &other.payload) {
            (Tag::Text | Tag::Blob, Payload::Own(bytes)) => self.set_bytes(other.tag, bytes),
            (Tag::Text | Tag::Blob, Payload::Shared(owner)) => {
                self.reset(other.tag);
                self.payload = Payload::Shared(owner.clone());
            }
            (_, Payload::Pointer(pointer)) => self.set_pointer(Arc::clone(pointer)),
            _ => self.set(other.value()),
        }
        self.number = other.number;
        self.flags = Flags(other.flags.0 & !(Flags::FROM_BIND | Flags::CLEARED));
        self.subtype = other.subtype;
    }

    /// Writes the zero tail of a blob into its buffer.
    pub fn expand_zeros(&mut self) {
        if self.flags.has(Flags::ZERO_TAIL) {
            let len = self.len() as usize;
            self.own_bytes().resize(len, 0);
            self.flags.0 &= !Flags::ZERO_TAIL;
            self.number = 0;
        }
    }

    /// Sets text or a blob (`tag`) whose bytes have another owner.
    pub fn set_shared(&mut self, tag: Tag, owner: Arc<dyn SharedBytes>) {
        debug_assert!(matches!(tag, Tag::Text | Tag::Blob));
        self.reset(tag);
        self.payload = Payload::Shared(owner);
    }

    /// Sets NULL with a pointer that functions can ask for.
    pub fn set_pointer(&mut self, pointer: Arc<dyn Any + Send + Sync>) {
        self.reset(Tag::Null);
        self.payload = Payload::Pointer(pointer);
    }

    /// The pointer that came with a NULL.
    pub fn pointer(&self) -> Option<&Arc<dyn Any + Send + Sync>> {
        match &self.payload {
            Payload::Pointer(pointer) if self.tag == Tag::Null => Some(pointer),
            _ => None,
        }
    }

    /// Whether the value came from a bound parameter.
    pub fn is_bound(&self) -> bool {
        self.flags.has(Flags::FROM_BIND)
    }

    /// Whether this integer is a real that has no fraction.
    #[inline]
    pub fn is_integer_real(&self) -> bool {
        self.tag == Tag::Integer && self.flags.has(Flags::INT_REAL)
    }

    /// Puts two NUL bytes behind the bytes of text or blob, where C programs look for them: the value does not change. `false` where
    /// the bytes have another owner, and nothing can be put behind them.
    #[inline]
    pub fn end_with_nul(&mut self) -> bool {
        let Payload::Own(bytes) = &mut self.payload else { return false };
        let len = bytes.len();
        bytes.extend_from_slice(&[0, 0]);
        bytes.truncate(len);
        true
    }

    /// The number as it shows in text: an integer that stands for a real is that real. `None` for the rest.
    #[inline]
    pub fn shown_number(&self) -> Option<ValueRef<'static>> {
        match self.tag {
            Tag::Integer if self.flags.has(Flags::INT_REAL) => Some(ValueRef::Real(self.number as f64)),
            Tag::Integer => Some(ValueRef::Integer(self.number)),
            Tag::Real => Some(ValueRef::Real(f64::from_bits(self.number as u64))),
            _ => None,
        }
    }

    /// Makes text of a number, in place. Text, blobs and NULL stay as they are.
    pub fn make_text(&mut self, encoding: Encoding) {
        if let Some(number) = self.shown_number() {
            render::push_number(number, encoding, self.buffer(Tag::Text));
        }
    }

    /// Declares the bytes of a text or blob to be the other one.
    pub(crate) fn retag(&mut self, tag: Tag) {
        debug_assert!(matches!(self.tag, Tag::Text | Tag::Blob) && matches!(tag, Tag::Text | Tag::Blob));
        self.tag = tag;
    }

    /// Cuts text or blob to `len` bytes.
    pub(crate) fn truncate_bytes(&mut self, len: usize) {
        self.own_bytes().truncate(len);
    }

    /// The bytes as the register's own, copied if they are shared.
    fn own_bytes(&mut self) -> &mut Vec<u8> {
        if !matches!(self.payload, Payload::Own(_)) {
            self.payload = Payload::Own(self.bytes().to_vec());
        }
        match &mut self.payload {
            Payload::Own(bytes) => bytes,
            _ => unreachable!("the payload was just made a buffer"),
        }
    }

    /// The bytes of text or blob; empty for the rest, whose buffer may hold an older value.
    #[inline]
    fn bytes_of_value(&self) -> &[u8] {
        if matches!(self.tag, Tag::Text | Tag::Blob) { self.bytes() } else { &[] }
    }

    #[inline]
    fn set_bytes(&mut self, tag: Tag, bytes: &[u8]) {
        self.buffer(tag).extend_from_slice(bytes);
    }

    /// Sets the tag and clears everything beside the value; objects are dropped, buffers kept.
    #[inline(always)]
    fn reset(&mut self, tag: Tag) {
        self.tag = tag;
        self.flags = Flags(0);
        self.subtype = 0;
        if matches!(
            self.payload,
            Payload::Accumulator(_) | Payload::Object(_) | Payload::Shared(_) | Payload::Pointer(_)
        ) {
            self.drop_object();
        }
    }

    #[cold]
    fn drop_object(&mut self) {
        self.payload = Payload::None;
    }
}

impl Field for Register {
    #[inline(always)]
    fn value(&self) -> ValueRef<'_> {
        match self.tag {
            Tag::Real if self.flags.has(Flags::INT_REAL) => {
                ValueRef::Integer(f64::from_bits(self.number as u64) as i64)
            }
            _ => Register::value(self),
        }
    }

    #[inline(always)]
    fn zero_tail(&self) -> u64 {
        Register::zero_tail(self)
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
    fn a_pointer_is_null_and_comes_along_with_copies() {
        let mut register = Register::null();
        register.set_pointer(Arc::new(7u32));
        let mut copy = Register::null();
        copy.set_integer(1);
        copy.copy_from(&register);
        assert!(copy.is_null());
        assert_eq!(copy.pointer().and_then(|pointer| pointer.downcast_ref::<u32>()), Some(&7));
        copy.set_null();
        assert!(copy.pointer().is_none());
    }

    #[test]
    fn text_is_ended_without_changing_it() {
        let mut register = Register::null();
        register.set_text(b"abc");
        assert!(register.end_with_nul());
        assert_eq!(register.value(), ValueRef::Text(b"abc"));
    }

    #[test]
    fn a_nan_is_stored_as_null() {
        let mut register = Register::null();
        register.set_real(f64::NAN);
        assert_eq!(register.value(), ValueRef::Null);
    }
}
