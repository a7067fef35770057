//! Giving results: `sqlite3_result_…`.
//!
//! Text is stored in the database's encoding, which is why it is copied rather than kept.
//!
//! Spec: C/C++ Interface, "Setting The Result Of An SQL Function".

use std::ffi::{c_char, c_double, c_int, c_uchar, c_uint, c_void};

use kernite::engine::btree::Encoding;
use kernite::engine::btree::encoding::{convert, utf16_to_utf8};
use kernite::engine::vdbe::Register;
use kernite::engine::vdbe::register::Tag;

use super::{NATIVE_UTF16, of, pointer, sqlite3_context, sqlite3_value};
use crate::boundary::{Destructor, Owner, guard, wide_len};
use crate::constant::*;
use crate::library::error_text::error_text;
use crate::text::builder::{sqlite3_str, sqlite3_str_free};
use crate::{sqlite3_int64, sqlite3_uint64};

/// Text of C: where it is, how long, and in which encoding.
#[derive(Clone, Copy)]
pub(crate) struct Given {
    start: *const u8,
    len: usize,
    encoding: Encoding,
}

impl Given {
    /// # Safety
    /// With `len` < 0 the text has a NUL; else so many bytes.
    pub(crate) unsafe fn new(start: *const c_void, len: i64, encoding: Encoding) -> Given {
        let start: *const u8 = start.cast();
        let len = match usize::try_from(len) {
            Ok(len) if encoding.is_utf16() => len & !1,
            Ok(len) => len,
            // SAFETY: by the caller.
            Err(_) if encoding.is_utf16() => unsafe { wide_len(start) },
            // SAFETY: by the caller.
            Err(_) => unsafe { libc::strlen(start.cast()) },
        };
        Given { start, len, encoding }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Sets a register to it, in the encoding `to`. UTF-16 loses a byte order mark, which decides about its order.
    ///
    /// # Safety
    /// The bytes are there.
    pub(crate) unsafe fn store(&self, to: Encoding, register: &mut Register) {
        // SAFETY: by the caller.
        let bytes = unsafe { std::slice::from_raw_parts(self.start, self.len) };
        let (bytes, encoding) = match (self.encoding.is_utf16(), bytes) {
            (true, [0xff, 0xfe, rest @ ..]) => (rest, Encoding::Utf16Le),
            (true, [0xfe, 0xff, rest @ ..]) => (rest, Encoding::Utf16Be),
            _ => (bytes, self.encoding),
        };
        if encoding == to {
            register.set_text(bytes);
        } else {
            convert(bytes, encoding, to, register.buffer(Tag::Text));
        }
    }
}

/// An encoding that C names; UTF-8 for what is none.
pub(crate) fn encoding_of(code: c_int) -> Encoding {
    match code {
        SQLITE_UTF16 => NATIVE_UTF16,
        SQLITE_UTF16LE => Encoding::Utf16Le,
        SQLITE_UTF16BE => Encoding::Utf16Be,
        _ => Encoding::Utf8,
    }
}

/// Gives text as the result.
///
/// # Safety
/// As for [`Given::new`]; `destructor` takes `text`.
unsafe fn give_text(
    context: *mut sqlite3_context,
    text: *const c_void,
    len: i64,
    encoding: Encoding,
    destructor: Destructor,
) {
    guard((), || {
        let owner = Owner::of(destructor);
        // SAFETY: the caller's contract.
        unsafe {
            if let Some(context) = context.as_mut() {
                if text.is_null() {
                    context.result().set_null();
                } else {
                    let given = Given::new(text, len, encoding);
                    if given.len() > context.len_max {
                        too_big(context);
                    } else {
                        let to = context.encoding;
                        given.store(to, context.result());
                    }
                }
            }
            owner.release(text);
        }
    });
}

/// # Safety
/// `blob` is NULL or has so many bytes; `destructor` takes it.
unsafe fn give_blob(context: *mut sqlite3_context, blob: *const c_void, len: u64, destructor: Destructor) {
    guard((), || {
        let owner = Owner::of(destructor);
        // SAFETY: the caller's contract.
        unsafe {
            if let Some(context) = context.as_mut() {
                if len > context.len_max as u64 {
                    too_big(context);
                } else if blob.is_null() {
                    context.result().set_null();
                } else {
                    context.result().set_blob(std::slice::from_raw_parts(blob.cast(), len as usize));
                }
            }
            owner.release(blob);
        }
    });
}

fn too_big(context: &mut sqlite3_context) {
    context.fail(SQLITE_TOOBIG, error_text(SQLITE_TOOBIG).to_bytes());
}

/// Gives a blob.
///
/// # Safety
/// `context` is that of a call under way; `blob` has `len` bytes; `destructor` takes it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_result_blob(
    context: *mut sqlite3_context,
    blob: *const c_void,
    len: c_int,
    destructor: Destructor,
) {
    // SAFETY: the caller's contract.
    unsafe { give_blob(context, blob, u64::try_from(len).unwrap_or(0), destructor) }
}

/// As `sqlite3_result_blob`.
///
/// # Safety
/// As for `sqlite3_result_blob`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_result_blob64(
    context: *mut sqlite3_context,
    blob: *const c_void,
    len: sqlite3_uint64,
    destructor: Destructor,
) {
    // SAFETY: the caller's contract.
    unsafe { give_blob(context, blob, len, destructor) }
}

/// Runs `set` on the result of a call under way.
///
/// # Safety
/// `context` is NULL or that of a call under way.
unsafe fn with_result(context: *mut sqlite3_context, set: impl FnOnce(&mut Register)) {
    guard((), || {
        // SAFETY: by the caller.
        if let Some(context) = unsafe { context.as_mut() } {
            set(context.result());
        }
    });
}

/// Gives a real.
///
/// # Safety
/// `context` is that of a call under way.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_result_double(context: *mut sqlite3_context, real: c_double) {
    // SAFETY: the caller's contract.
    unsafe { with_result(context, |result| result.set_real(real)) }
}

/// Gives an integer.
///
/// # Safety
/// `context` is that of a call under way.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_result_int(context: *mut sqlite3_context, integer: c_int) {
    // SAFETY: the caller's contract.
    unsafe { with_result(context, |result| result.set_integer(integer.into())) }
}

/// Gives an integer.
///
/// # Safety
/// `context` is that of a call under way.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_result_int64(context: *mut sqlite3_context, integer: sqlite3_int64) {
    // SAFETY: the caller's contract.
    unsafe { with_result(context, |result| result.set_integer(integer)) }
}

/// Gives NULL.
///
/// # Safety
/// `context` is that of a call under way.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_result_null(context: *mut sqlite3_context) {
    // SAFETY: the caller's contract.
    unsafe { with_result(context, Register::set_null) }
}

/// Gives NULL with a pointer.
///
/// # Safety
/// `context` is that of a call under way; `kind` is a C string that stays; `destructor` takes `data`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_result_pointer(
    context: *mut sqlite3_context,
    data: *mut c_void,
    kind: *const c_char,
    destructor: Destructor,
) {
    // SAFETY: the caller's contract.
    unsafe { with_result(context, |result| pointer::set(result, data, kind, destructor)) }
}

/// Gives the result a subtype.
///
/// # Safety
/// `context` is that of a call under way.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_result_subtype(context: *mut sqlite3_context, subtype: c_uint) {
    // SAFETY: the caller's contract.
    unsafe { with_result(context, |result| result.set_subtype(subtype as u8)) }
}

/// Gives text in UTF-8.
///
/// # Safety
/// `context` is that of a call under way; `text` has `len` bytes, or a NUL where `len` < 0; `destructor` takes it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_result_text(
    context: *mut sqlite3_context,
    text: *const c_char,
    len: c_int,
    destructor: Destructor,
) {
    // SAFETY: the caller's contract.
    unsafe { give_text(context, text.cast(), len.into(), Encoding::Utf8, destructor) }
}

/// Gives text in an encoding.
///
/// # Safety
/// As for `sqlite3_result_text`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_result_text64(
    context: *mut sqlite3_context,
    text: *const c_char,
    len: sqlite3_uint64,
    destructor: Destructor,
    encoding: c_uchar,
) {
    let len = i64::try_from(len).unwrap_or(i64::MAX);
    // SAFETY: the caller's contract.
    unsafe { give_text(context, text.cast(), len, encoding_of(encoding.into()), destructor) }
}

/// Gives text in UTF-16 of this machine.
///
/// # Safety
/// As for `sqlite3_result_text`; `len` is in bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_result_text16(
    context: *mut sqlite3_context,
    text: *const c_void,
    len: c_int,
    destructor: Destructor,
) {
    // SAFETY: the caller's contract.
    unsafe { give_text(context, text, len.into(), NATIVE_UTF16, destructor) }
}

/// Gives text in little-endian UTF-16.
///
/// # Safety
/// As for `sqlite3_result_text16`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_result_text16le(
    context: *mut sqlite3_context,
    text: *const c_void,
    len: c_int,
    destructor: Destructor,
) {
    // SAFETY: the caller's contract.
    unsafe { give_text(context, text, len.into(), Encoding::Utf16Le, destructor) }
}

/// Gives text in big-endian UTF-16.
///
/// # Safety
/// As for `sqlite3_result_text16`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_result_text16be(
    context: *mut sqlite3_context,
    text: *const c_void,
    len: c_int,
    destructor: Destructor,
) {
    // SAFETY: the caller's contract.
    unsafe { give_text(context, text, len.into(), Encoding::Utf16Be, destructor) }
}

/// Gives the text of a string that grew: a copy (`SQLITE_COPY`), or all of it, after which the string is empty (`SQLITE_XFER`) or gone
/// (`SQLITE_FINISH`).
///
/// # Safety
/// `context` is that of a call under way; `str` came from `sqlite3_str_new`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_result_str(
    context: *mut sqlite3_context,
    str: *mut sqlite3_str,
    own: c_int,
) {
    guard((), || {
        // SAFETY: the caller's contract.
        let (Some(context), Some(known)) = (unsafe { (context.as_mut(), str.as_mut()) }) else { return };
        match known.error() {
            SQLITE_OK => {
                let text = known.bytes();
                // SAFETY: the bytes are the string's.
                unsafe {
                    let given = Given::new(text.as_ptr().cast(), text.len() as i64, Encoding::Utf8);
                    let to = context.encoding;
                    given.store(to, context.result());
                }
                if own != SQLITE_COPY {
                    known.clear();
                }
            }
            SQLITE_TOOBIG => too_big(context),
            error => context.fail(error, error_text(error).to_bytes()),
        }
        if own == SQLITE_FINISH {
            // SAFETY: the caller's contract: it is ours now.
            unsafe { sqlite3_str_free(str) };
        }
    });
}

/// Gives a value.
///
/// # Safety
/// `context` is that of a call under way; `value` is a value.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_result_value(context: *mut sqlite3_context, value: *mut sqlite3_value) {
    guard((), || {
        // SAFETY: the caller's contract.
        let (Some(context), value) = (unsafe { (context.as_mut(), of(value)) }) else { return };
        let to = context.encoding;
        match value.as_ref().and_then(|value| value.register().map(|register| (value.encoding(), register))) {
            None => context.result().set_null(),
            Some((from, register)) if register.tag() == Tag::Text && from != to => {
                convert(register.bytes(), from, to, context.result().buffer(Tag::Text));
            }
            Some((_, register)) => context.result().copy_from(register),
        }
    });
}

/// Gives a blob of zeros.
///
/// # Safety
/// `context` is that of a call under way.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_result_zeroblob(context: *mut sqlite3_context, len: c_int) {
    // SAFETY: the caller's contract.
    unsafe { sqlite3_result_zeroblob64(context, u64::try_from(len).unwrap_or(0)) };
}

/// As `sqlite3_result_zeroblob`; `SQLITE_TOOBIG` where that is too long.
///
/// # Safety
/// `context` is that of a call under way.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_result_zeroblob64(
    context: *mut sqlite3_context,
    len: sqlite3_uint64,
) -> c_int {
    guard(SQLITE_INTERNAL, || {
        // SAFETY: the caller's contract.
        let Some(context) = (unsafe { context.as_mut() }) else { return SQLITE_MISUSE };
        if len > context.len_max as u64 {
            too_big(context);
            return SQLITE_TOOBIG;
        }
        context.result().set_zeros(len);
        SQLITE_OK
    })
}

/// Fails with a message; NULL is none.
///
/// # Safety
/// `context` is that of a call under way; `message` is NULL, or has `len` bytes or a NUL where `len` < 0.
unsafe fn fail_with(context: *mut sqlite3_context, message: *const c_void, len: c_int, encoding: Encoding) {
    guard((), || {
        // SAFETY: the caller's contract.
        let Some(context) = (unsafe { context.as_mut() }) else { return };
        context.error = SQLITE_ERROR;
        context.message = (!message.is_null()).then(|| {
            // SAFETY: the caller's contract.
            let bytes = unsafe {
                let given = Given::new(message, len.into(), encoding);
                std::slice::from_raw_parts(given.start, given.len)
            };
            if encoding == Encoding::Utf8 {
                return bytes.to_vec();
            }
            let mut narrow = Vec::new();
            utf16_to_utf8(bytes, encoding, &mut narrow);
            narrow
        });
    });
}

/// Fails with a message in UTF-8.
///
/// # Safety
/// `context` is that of a call under way; `message` has `len` bytes, or a NUL where `len` < 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_result_error(
    context: *mut sqlite3_context,
    message: *const c_char,
    len: c_int,
) {
    // SAFETY: the caller's contract.
    unsafe { fail_with(context, message.cast(), len, Encoding::Utf8) }
}

/// Fails with a message in UTF-16 of this machine.
///
/// # Safety
/// As for `sqlite3_result_error`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_result_error16(
    context: *mut sqlite3_context,
    message: *const c_void,
    len: c_int,
) {
    // SAFETY: the caller's contract.
    unsafe { fail_with(context, message, len, NATIVE_UTF16) }
}

/// Fails because a string or blob is too long.
///
/// # Safety
/// `context` is that of a call under way.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_result_error_toobig(context: *mut sqlite3_context) {
    // SAFETY: the caller's contract.
    guard((), || {
        if let Some(context) = unsafe { context.as_mut() } {
            too_big(context)
        }
    });
}

/// Fails because there is no memory.
///
/// # Safety
/// `context` is that of a call under way.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_result_error_nomem(context: *mut sqlite3_context) {
    guard((), || {
        // SAFETY: the caller's contract.
        if let Some(context) = unsafe { context.as_mut() } {
            context.fail(SQLITE_NOMEM, error_text(SQLITE_NOMEM).to_bytes());
        }
    });
}

/// Fails with a code. A message that was given before stays.
///
/// # Safety
/// `context` is that of a call under way.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_result_error_code(context: *mut sqlite3_context, code: c_int) {
    guard((), || {
        // SAFETY: the caller's contract.
        if let Some(context) = unsafe { context.as_mut() } {
            // A function that fails with "no error" still fails.
            context.error = if code == SQLITE_OK { -1 } else { code };
        }
    });
}
