//! The boundary: what every function that C calls is wrapped in, and how C's strings come in and go out.
//!
//! A panic is a bug of ours. It ends here: a function that returns a result code gives `SQLITE_INTERNAL`, others give what
//! stands for nothing.
//!
//! Every pointer that C hands over is what the C interface says it has to be. That is the contract of all functions of this crate that
//! are `unsafe extern "C"`; the comments at their `unsafe` blocks call it "the caller's contract".

use std::ffi::{CStr, c_char, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::constant::SQLITE_INTERNAL;

/// Runs the body of a function that gives a result code.
#[inline(always)]
pub(crate) fn code(body: impl FnOnce() -> c_int) -> c_int {
    guard(SQLITE_INTERNAL, body)
}

/// Runs the body of a function; it gives `nothing` when there is a bug in it.
#[inline(always)]
pub(crate) fn guard<T>(nothing: T, body: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(nothing)
}

/// A C string; `None` for NULL.
///
/// # Safety
/// `text` is NULL or ends with a NUL byte, and stays as it is for `'a`.
pub(crate) unsafe fn text<'a>(text: *const c_char) -> Option<&'a [u8]> {
    if text.is_null() {
        return None;
    }
    // SAFETY: by the caller.
    Some(unsafe { CStr::from_ptr(text) }.to_bytes())
}

/// A C string with a length; a negative one: up to its NUL. With a length it also ends at a NUL before.
///
/// # Safety
/// As for [`text`]; with a length, that many bytes are readable up to a NUL.
pub(crate) unsafe fn text_of_len<'a>(text: *const c_char, len: c_int) -> Option<&'a [u8]> {
    if text.is_null() {
        return None;
    }
    // SAFETY: by the caller.
    unsafe {
        match usize::try_from(len) {
            Ok(most) => {
                let len = libc::strnlen(text, most);
                Some(std::slice::from_raw_parts(text.cast(), len))
            }
            Err(_) => Some(CStr::from_ptr(text).to_bytes()),
        }
    }
}

/// UTF-16 text in native byte order, as bytes, without its end; `bytes` < 0: up to the first NUL character.
///
/// # Safety
/// `text` is NULL or holds that many bytes, or ends with two NUL bytes; it stays as it is for `'a`.
pub(crate) unsafe fn wide<'a>(text: *const c_void, bytes: c_int) -> Option<&'a [u8]> {
    if text.is_null() {
        return None;
    }
    // SAFETY: by the caller.
    unsafe {
        let start: *const u8 = text.cast();
        let len = match usize::try_from(bytes) {
            Ok(len) => len & !1,
            Err(_) => wide_len(start),
        };
        Some(std::slice::from_raw_parts(start, len))
    }
}

/// Bytes before the first NUL character of UTF-16 text.
///
/// # Safety
/// The text has one.
pub(crate) unsafe fn wide_len(text: *const u8) -> usize {
    let mut len = 0;
    // SAFETY: no NUL character was passed.
    while unsafe { *text.add(len) != 0 || *text.add(len + 1) != 0 } {
        len += 2;
    }
    len
}

/// Puts `value` where `out` points, unless it is NULL.
///
/// # Safety
/// `out` is NULL or writable.
pub(crate) unsafe fn store<T>(out: *mut T, value: T) {
    if !out.is_null() {
        // SAFETY: by the caller.
        unsafe { out.write(value) };
    }
}

/// A destructor as C hands it over: NULL is `SQLITE_STATIC`, -1 is `SQLITE_TRANSIENT`.
pub type Destructor = Option<unsafe extern "C" fn(*mut c_void)>;

/// What a destructor argument says about who owns bytes.
#[derive(Clone, Copy)]
pub(crate) enum Owner {
    /// The bytes stay valid as long as needed.
    Static,
    /// The bytes have to be copied at once.
    Transient,
    /// The bytes are ours until we call this.
    Ours(unsafe extern "C" fn(*mut c_void)),
}

impl Owner {
    pub(crate) fn of(destructor: Destructor) -> Owner {
        match destructor {
            None => Owner::Static,
            Some(function) if function as usize == usize::MAX => Owner::Transient,
            Some(function) => Owner::Ours(function),
        }
    }

    /// Gives the bytes back.
    ///
    /// # Safety
    /// `bytes` is the pointer that came with this owner, and is not used afterwards.
    pub(crate) unsafe fn release(self, bytes: *const c_void) {
        if let Owner::Ours(function) = self {
            // SAFETY: by the caller.
            unsafe { function(bytes.cast_mut()) };
        }
    }
}

/// The application's pointer that comes with a callback. C code decides which threads may use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UserData(pub(crate) *mut c_void);

// SAFETY: the pointer is only handed back to the application's callback, which runs on the thread that the application calls us from.
unsafe impl Send for UserData {}
// SAFETY: as above.
unsafe impl Sync for UserData {}
