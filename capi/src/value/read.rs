//! Reading values: `sqlite3_value_…`.
//!
//! Spec: C/C++ Interface, "Obtaining SQL Values".

use std::ffi::{c_char, c_double, c_int, c_uchar, c_uint, c_void};
use std::ptr;

use kernite::engine::btree::Encoding;
use kernite::engine::vdbe::function::call::{Numeric, numeric_of};
use kernite::engine::vdbe::register::Tag;
use kernite::engine::vdbe::value::number::Number;

use super::{NATIVE_UTF16, address, encoding_code, of, pointer, sqlite3_value};
use crate::boundary::guard;
use crate::constant::*;
use crate::sqlite3_int64;

/// # Safety
/// As for [`of`].
unsafe fn text_in(value: *mut sqlite3_value, encoding: Encoding) -> *const c_void {
    guard(ptr::null(), || {
        // SAFETY: by the caller.
        unsafe { of(value) }
            .and_then(|value| value.text(encoding))
            .map_or(ptr::null(), |text| text.as_ptr().cast())
    })
}

/// The bytes of a blob; NULL for an empty one.
///
/// # Safety
/// `value` is NULL or a value that nobody else uses at the same time. What is handed out is good until the value is converted or goes away.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_value_blob(value: *mut sqlite3_value) -> *const c_void {
    guard(ptr::null(), || {
        // SAFETY: the caller's contract.
        unsafe { of(value) }.and_then(sqlite3_value::blob).map_or(ptr::null(), address)
    })
}

/// How many bytes `sqlite3_value_text` or `sqlite3_value_blob` have.
///
/// # Safety
/// As for `sqlite3_value_blob`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_value_bytes(value: *mut sqlite3_value) -> c_int {
    // SAFETY: the caller's contract.
    guard(0, || unsafe { of(value) }.map_or(0, |value| value.text_len(Encoding::Utf8) as c_int))
}

/// How many bytes `sqlite3_value_text16` has.
///
/// # Safety
/// As for `sqlite3_value_blob`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_value_bytes16(value: *mut sqlite3_value) -> c_int {
    // SAFETY: the caller's contract.
    guard(0, || unsafe { of(value) }.map_or(0, |value| value.text_len(NATIVE_UTF16) as c_int))
}

/// The value as a real.
///
/// # Safety
/// As for `sqlite3_value_blob`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_value_double(value: *mut sqlite3_value) -> c_double {
    // SAFETY: the caller's contract.
    guard(0.0, || unsafe { of(value) }.map_or(0.0, |value| value.real()))
}

/// The low 32 bits of the value as an integer.
///
/// # Safety
/// As for `sqlite3_value_blob`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_value_int(value: *mut sqlite3_value) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { sqlite3_value_int64(value) as c_int }
}

/// The value as an integer.
///
/// # Safety
/// As for `sqlite3_value_blob`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_value_int64(value: *mut sqlite3_value) -> sqlite3_int64 {
    // SAFETY: the caller's contract.
    guard(0, || unsafe { of(value) }.map_or(0, |value| value.integer()))
}

/// The pointer that came with the value, if it is of type `kind`; else NULL.
///
/// # Safety
/// As for `sqlite3_value_blob`; `kind` is a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_value_pointer(
    value: *mut sqlite3_value,
    kind: *const c_char,
) -> *mut c_void {
    guard(ptr::null_mut(), || {
        // SAFETY: the caller's contract.
        unsafe {
            match of(value).and_then(|value| value.register()) {
                Some(register) => pointer::get(register, kind),
                None => ptr::null_mut(),
            }
        }
    })
}

/// The value as text in UTF-8 with a NUL; NULL for NULL.
///
/// # Safety
/// As for `sqlite3_value_blob`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_value_text(value: *mut sqlite3_value) -> *const c_uchar {
    // SAFETY: the caller's contract.
    unsafe { text_in(value, Encoding::Utf8).cast() }
}

/// The value as text in UTF-16 of this machine with a NUL; NULL for NULL.
///
/// # Safety
/// As for `sqlite3_value_blob`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_value_text16(value: *mut sqlite3_value) -> *const c_void {
    // SAFETY: the caller's contract.
    unsafe { text_in(value, NATIVE_UTF16) }
}

/// The value as text in little-endian UTF-16 with a NUL; NULL for NULL.
///
/// # Safety
/// As for `sqlite3_value_blob`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_value_text16le(value: *mut sqlite3_value) -> *const c_void {
    // SAFETY: the caller's contract.
    unsafe { text_in(value, Encoding::Utf16Le) }
}

/// The value as text in big-endian UTF-16 with a NUL; NULL for NULL.
///
/// # Safety
/// As for `sqlite3_value_blob`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_value_text16be(value: *mut sqlite3_value) -> *const c_void {
    // SAFETY: the caller's contract.
    unsafe { text_in(value, Encoding::Utf16Be) }
}

/// The type of the value.
///
/// # Safety
/// As for `sqlite3_value_blob`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_value_type(value: *mut sqlite3_value) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { of(value) }.map_or(SQLITE_NULL, |value| value.type_code())
}

/// The type that the value has as a number, where it is text that looks like one; else its type.
///
/// # Safety
/// As for `sqlite3_value_blob`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_value_numeric_type(value: *mut sqlite3_value) -> c_int {
    guard(SQLITE_NULL, || {
        // SAFETY: the caller's contract.
        let Some(value) = (unsafe { of(value) }) else { return SQLITE_NULL };
        match value.register() {
            Some(register) if register.tag() == Tag::Text => match numeric_of(register, value.encoding()) {
                Numeric::Number(Number::Integer(_)) => SQLITE_INTEGER,
                Numeric::Number(Number::Real(_)) => SQLITE_FLOAT,
                _ => SQLITE_TEXT,
            },
            _ => value.type_code(),
        }
    })
}

/// Whether an UPDATE of a virtual table leaves this column as it is.
///
/// # Safety
/// As for `sqlite3_value_blob`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_value_nochange(value: *mut sqlite3_value) -> c_int {
    // SAFETY: the caller's contract.
    c_int::from(unsafe { of(value) }.is_some_and(|value| value.is_unchanged))
}

/// Whether the value came from a bound parameter.
///
/// # Safety
/// As for `sqlite3_value_blob`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_value_frombind(value: *mut sqlite3_value) -> c_int {
    // SAFETY: the caller's contract.
    let register = unsafe { of(value) }.and_then(|value| value.register());
    c_int::from(register.is_some_and(|register| register.is_bound()))
}

/// The encoding of the value's text.
///
/// # Safety
/// As for `sqlite3_value_blob`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_value_encoding(value: *mut sqlite3_value) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { of(value) }.map_or(SQLITE_UTF8, |value| encoding_code(value.encoding()))
}

/// The subtype of the value.
///
/// # Safety
/// As for `sqlite3_value_blob`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_value_subtype(value: *mut sqlite3_value) -> c_uint {
    // SAFETY: the caller's contract.
    let register = unsafe { of(value) }.and_then(|value| value.register());
    register.map_or(0, |register| register.subtype().into())
}

/// A copy of the value that stays until `sqlite3_value_free`; NULL for NULL. A pointer does not come along.
///
/// # Safety
/// As for `sqlite3_value_blob`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_value_dup(value: *const sqlite3_value) -> *mut sqlite3_value {
    guard(ptr::null_mut(), || {
        if value.is_null() {
            return ptr::null_mut();
        }
        // SAFETY: the caller's contract.
        let original = unsafe { of(value.cast_mut()) };
        let encoding = original.as_ref().map_or(Encoding::Utf8, |value| value.encoding());
        let mut copy = sqlite3_value::owned(encoding);
        if let Some(register) = original.as_ref().and_then(|value| value.register())
            && register.pointer().is_none()
        {
            copy.own_it(encoding).copy_from(register);
        }
        Box::into_raw(copy)
    })
}

/// Gives a copy of a value back. NULL is nothing.
///
/// # Safety
/// `value` is NULL or came from `sqlite3_value_dup`, and is not used any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_value_free(value: *mut sqlite3_value) {
    guard((), || {
        if !value.is_null() {
            // SAFETY: the caller's contract.
            drop(unsafe { Box::from_raw(value) });
        }
    });
}
