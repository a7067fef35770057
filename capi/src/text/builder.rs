//! Strings that grow: `sqlite3_str`.
//!
//! After an error (no memory, too long) the string is empty and stays so; `sqlite3_str_errcode` tells.
//!
//! Spec: C/C++ Interface, "Dynamic String Object".

use std::ffi::{c_char, c_int};
use std::ptr;

use kernite::engine::vdbe::function::builtin::printf::TooLong;

use crate::boundary::{guard, text};
use crate::connection::{self, sqlite3};
use crate::constant::*;
use crate::memory;

/// A string that grows.
pub struct sqlite3_str {
    bytes: Vec<u8>,
    len_max: usize,
    error: c_int,
}

impl sqlite3_str {
    /// Lets `append` add text up to a limit.
    pub(crate) fn append_with(&mut self, append: impl FnOnce(usize, &mut Vec<u8>) -> Result<(), TooLong>) {
        if self.error == SQLITE_OK && append(self.len_max, &mut self.bytes).is_err() {
            self.bytes = Vec::new();
            self.error = SQLITE_TOOBIG;
        }
    }

    fn append(&mut self, more: &[u8]) {
        self.append_with(|limit, out| {
            if out.len() + more.len() >= limit {
                return Err(TooLong);
            }
            out.extend_from_slice(more);
            Ok(())
        });
    }

    /// What it holds.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Empties it and forgets an error.
    pub(crate) fn clear(&mut self) {
        self.bytes = Vec::new();
        self.error = SQLITE_OK;
    }

    pub(crate) fn error(&self) -> c_int {
        self.error
    }
}

/// A new string. The limits are those of a connection, or the library's.
///
/// # Safety
/// `db` is NULL or a connection.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_str_new(db: *mut sqlite3) -> *mut sqlite3_str {
    guard(ptr::null_mut(), || {
        // SAFETY: the caller's contract.
        let limit = unsafe { connection::handle(db) }
            .map_or(1_000_000_000, |db| db.raw().limit(SQLITE_LIMIT_LENGTH as usize, -1));
        let len_max = usize::try_from(limit).unwrap_or(0);
        Box::into_raw(Box::new(sqlite3_str { bytes: Vec::new(), len_max, error: SQLITE_OK }))
    })
}

/// Ends a string and gives its text, to be freed with `sqlite3_free`; NULL if it is empty or there was an error.
///
/// # Safety
/// `str` is NULL or came from `sqlite3_str_new`, and is not used any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_str_finish(str: *mut sqlite3_str) -> *mut c_char {
    guard(ptr::null_mut(), || {
        if str.is_null() {
            return ptr::null_mut();
        }
        // SAFETY: the caller's contract.
        let str = unsafe { Box::from_raw(str) };
        if str.bytes.is_empty() { ptr::null_mut() } else { memory::copy_of(&str.bytes, 1).cast() }
    })
}

/// Ends a string and throws its text away.
///
/// # Safety
/// As for `sqlite3_str_finish`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_str_free(str: *mut sqlite3_str) {
    guard((), || {
        if !str.is_null() {
            // SAFETY: the caller's contract.
            drop(unsafe { Box::from_raw(str) });
        }
    });
}

/// Appends `len` bytes; a negative `len`: up to a NUL.
///
/// # Safety
/// `str` came from `sqlite3_str_new`; `more` has that many bytes or a NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_str_append(str: *mut sqlite3_str, more: *const c_char, len: c_int) {
    guard((), || {
        // SAFETY: the caller's contract.
        unsafe {
            let Some(str) = str.as_mut() else { return };
            match usize::try_from(len) {
                Ok(0) => {}
                Ok(len) if !more.is_null() => str.append(std::slice::from_raw_parts(more.cast(), len)),
                _ => str.append(text(more).unwrap_or_default()),
            }
        }
    });
}

/// Appends a C string.
///
/// # Safety
/// `str` came from `sqlite3_str_new`; `more` is a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_str_appendall(str: *mut sqlite3_str, more: *const c_char) {
    // SAFETY: the caller's contract.
    unsafe { sqlite3_str_append(str, more, -1) }
}

/// Appends a byte `count` times.
///
/// # Safety
/// `str` came from `sqlite3_str_new`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_str_appendchar(str: *mut sqlite3_str, count: c_int, byte: c_char) {
    guard((), || {
        // SAFETY: the caller's contract.
        let Some(str) = (unsafe { str.as_mut() }) else { return };
        let count = usize::try_from(count).unwrap_or(0);
        str.append_with(|limit, out| {
            if out.len() + count >= limit {
                return Err(TooLong);
            }
            out.resize(out.len() + count, byte as u8);
            Ok(())
        });
    });
}

/// Empties a string; an error is forgotten.
///
/// # Safety
/// `str` came from `sqlite3_str_new`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_str_reset(str: *mut sqlite3_str) {
    guard((), || {
        // SAFETY: the caller's contract.
        if let Some(str) = unsafe { str.as_mut() } {
            str.clear();
        }
    });
}

/// Cuts a string to `len` bytes, if it is longer.
///
/// # Safety
/// `str` came from `sqlite3_str_new`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_str_truncate(str: *mut sqlite3_str, len: c_int) {
    guard((), || {
        // SAFETY: the caller's contract.
        if let (Some(str), Ok(len)) = (unsafe { str.as_mut() }, usize::try_from(len)) {
            str.bytes.truncate(len);
        }
    });
}

/// `SQLITE_NOMEM`, `SQLITE_TOOBIG` or `SQLITE_OK`.
///
/// # Safety
/// `str` is NULL or came from `sqlite3_str_new`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_str_errcode(str: *mut sqlite3_str) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { str.as_ref() }.map_or(SQLITE_NOMEM, sqlite3_str::error)
}

/// How many bytes it has.
///
/// # Safety
/// As for `sqlite3_str_errcode`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_str_length(str: *mut sqlite3_str) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { str.as_ref() }.map_or(0, |str| str.bytes().len() as c_int)
}

/// Its text with a NUL behind it, until the string changes; NULL if it is empty.
///
/// # Safety
/// As for `sqlite3_str_errcode`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_str_value(str: *mut sqlite3_str) -> *mut c_char {
    guard(ptr::null_mut(), || {
        // SAFETY: the caller's contract.
        let Some(str) = (unsafe { str.as_mut() }) else { return ptr::null_mut() };
        if str.bytes.is_empty() {
            return ptr::null_mut();
        }
        // The NUL lies behind the string's end, where the next append overwrites it.
        str.bytes.push(0);
        str.bytes.pop();
        str.bytes.as_mut_ptr().cast()
    })
}
