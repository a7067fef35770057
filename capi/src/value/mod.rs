//! Values as C programs see them: `sqlite3_value`.
//!
//! ```text
//! sqlite3_value ── register ──> a register of the machine (column, argument), or its own
//!               ── narrow, wide: text made for C, as long as the value is asked for in that form
//! ```
//!
//! A value is an object at a stable address. Text in UTF-8 is handed out where it lies, with a NUL put behind it; numbers, UTF-16 and text
//! of UTF-16 databases are made once, in the value's own buffers. Asking never changes the register.
//!
//! `read` has `sqlite3_value_…`, `text` how text is made, `result` `sqlite3_result_…`, `context` a call of a function, `pointer`
//! pointers passed between functions.
//!
//! Spec: C/C++ Interface, "Obtaining SQL Values", "Result Values From A Query".

pub mod context;
pub mod pointer;
pub mod read;
pub mod result;
pub mod text;

use std::ffi::{c_int, c_void};
use std::ptr;

use kernite::engine::btree::{Encoding, ValueRef};
use kernite::engine::vdbe::Register;
use kernite::engine::vdbe::register::Tag;
use kernite::engine::vdbe::value::number;

use crate::constant::*;

pub use context::sqlite3_context;

/// UTF-16 in the order of bytes of this machine.
pub(crate) const NATIVE_UTF16: Encoding =
    if cfg!(target_endian = "little") { Encoding::Utf16Le } else { Encoding::Utf16Be };

/// An encoding as C names it.
pub(crate) fn encoding_code(encoding: Encoding) -> c_int {
    match encoding {
        Encoding::Utf8 => SQLITE_UTF8,
        Encoding::Utf16Le => SQLITE_UTF16LE,
        Encoding::Utf16Be => SQLITE_UTF16BE,
    }
}

/// A value.
pub struct sqlite3_value {
    /// Where it is; NULL: it is NULL.
    register: *mut Register,
    /// Whether the register may have NULs put behind its bytes.
    is_ours: bool,
    encoding: Encoding,
    /// The register of a value that belongs to nobody else.
    own: Register,
    narrow: Made,
    wide: Made,
    /// `sqlite3_value_nochange`.
    pub(crate) is_unchanged: bool,
    /// Of the values of an IN: the one handed out last, and its place.
    pub(crate) list: Option<Box<(usize, Box<sqlite3_value>)>>,
}

/// Text made for C, with NULs behind it.
#[derive(Default)]
struct Made {
    is_made: bool,
    encoding: Encoding,
    bytes: Vec<u8>,
}

/// What a column or argument is where there is none. It is never written to.
pub(crate) struct Nothing(sqlite3_value);

// SAFETY: it is NULL: nothing is made from it, so that nothing in it changes.
unsafe impl Sync for Nothing {}

static NOTHING: Nothing = Nothing(sqlite3_value::new());

/// NULL, as a value that is always there.
pub(crate) fn nothing() -> *mut sqlite3_value {
    ptr::from_ref(&NOTHING.0).cast_mut()
}

impl sqlite3_value {
    /// NULL.
    pub(crate) const fn new() -> sqlite3_value {
        sqlite3_value {
            register: ptr::null_mut(),
            is_ours: false,
            encoding: Encoding::Utf8,
            own: Register::null(),
            narrow: Made { is_made: false, encoding: Encoding::Utf8, bytes: Vec::new() },
            wide: Made { is_made: false, encoding: Encoding::Utf8, bytes: Vec::new() },
            is_unchanged: false,
            list: None,
        }
    }

    /// Shows a register from here on.
    #[inline]
    pub(crate) fn show(&mut self, register: *mut Register, is_ours: bool, encoding: Encoding) {
        self.register = register;
        self.is_ours = is_ours;
        self.encoding = encoding;
        self.narrow.is_made = false;
        self.wide.is_made = false;
        self.is_unchanged = false;
    }

    /// Whether it shows this register.
    #[inline]
    pub(crate) fn shows(&self, register: *mut Register) -> bool {
        ptr::eq(self.register, register)
    }

    /// A value of its own, to be filled.
    pub(crate) fn owned(encoding: Encoding) -> Box<sqlite3_value> {
        let mut value = Box::new(sqlite3_value::new());
        value.own_it(encoding);
        value
    }

    /// Shows its own register from here on. The value must not move any more.
    pub(crate) fn own_it(&mut self, encoding: Encoding) -> &mut Register {
        let register = &raw mut self.own;
        self.show(register, true, encoding);
        &mut self.own
    }

    /// The register, unless the value is NULL because there is none.
    #[inline]
    pub(crate) fn register(&self) -> Option<&Register> {
        // SAFETY: whoever calls `show` keeps the register as long as the value is used.
        unsafe { self.register.as_ref() }
    }

    /// The encoding of its text.
    #[inline]
    pub(crate) fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Its type (`SQLITE_INTEGER`…).
    #[inline]
    pub(crate) fn type_code(&self) -> c_int {
        self.register().map_or(SQLITE_NULL, type_code)
    }

    /// As an integer.
    #[inline]
    pub(crate) fn integer(&self) -> i64 {
        self.register().map_or(0, |register| integer(register, self.encoding))
    }

    /// As a real.
    #[inline]
    pub(crate) fn real(&self) -> f64 {
        self.register().map_or(0.0, |register| real(register, self.encoding))
    }
}

/// The type of what a register holds.
#[inline]
pub(crate) fn type_code(register: &Register) -> c_int {
    match register.tag() {
        Tag::Integer if register.is_integer_real() => SQLITE_FLOAT,
        Tag::Integer => SQLITE_INTEGER,
        Tag::Real => SQLITE_FLOAT,
        Tag::Text => SQLITE_TEXT,
        Tag::Blob => SQLITE_BLOB,
        Tag::Null | Tag::Internal => SQLITE_NULL,
    }
}

/// A register as an integer.
#[inline]
pub(crate) fn integer(register: &Register, encoding: Encoding) -> i64 {
    match register.value() {
        ValueRef::Integer(integer) => integer,
        value => number::to_integer(value, encoding),
    }
}

/// A register as a real.
#[inline]
pub(crate) fn real(register: &Register, encoding: Encoding) -> f64 {
    match register.value() {
        ValueRef::Real(real) => real,
        value => number::to_real(value, encoding),
    }
}

/// The value behind a pointer; NULL is NULL.
///
/// # Safety
/// `value` is NULL or a value that is still there, and nobody else uses it at the same time.
#[inline]
pub(crate) unsafe fn of<'a>(value: *mut sqlite3_value) -> Option<&'a mut sqlite3_value> {
    if ptr::eq(value, nothing()) {
        return None;
    }
    // SAFETY: by the caller.
    unsafe { value.as_mut() }
}

/// The address of bytes for C: NULL for none at all.
pub(crate) fn address(bytes: &[u8]) -> *const c_void {
    if bytes.is_empty() { ptr::null() } else { bytes.as_ptr().cast() }
}
