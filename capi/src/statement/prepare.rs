//! Preparing statements.
//!
//! A text that needs a collation which is not registered is prepared again after the application was asked for it.
//!
//! Spec: C/C++ Interface, "Compiling An SQL Statement", "Collation Needed Callbacks".

use std::ffi::{CString, c_char, c_int, c_uint, c_void};
use std::ptr;

use kernite::engine::btree::encoding::next_utf8;
use kernite::engine::vdbe::Error;

use super::sqlite3_stmt;
use crate::boundary::{code, store, text_of_len, wide, wide_len};
use crate::connection::error::{narrowed, shown_message, widened};
use crate::connection::hook::CollationNeeded;
use crate::connection::{Entered, enter, sqlite3};
use crate::constant::*;
use crate::library;
use crate::value::encoding_code;

/// How a text is prepared.
#[derive(Clone, Copy, Default)]
pub(crate) struct Flags {
    /// By one of the old functions.
    pub(crate) is_old: bool,
    /// `SQLITE_PREPARE_…`
    pub(crate) bits: c_uint,
}

/// Prepares the first statement of a text. Gives it, unless there is none, and where the next begins.
///
/// # Errors
/// The code, extended; the connection has the message.
pub(crate) fn prepare_text(
    db: &Entered<'_>,
    sql: &[u8],
    flags: Flags,
) -> Result<(Option<*mut sqlite3_stmt>, usize), c_int> {
    let mut asked_for: Vec<Vec<u8>> = Vec::new();
    loop {
        match db.raw().prepare(sql) {
            Ok((statement, end)) => {
                db.error.clear();
                let handle = statement.map(|mut engine| {
                    if flags.is_old {
                        engine.keep_schema();
                    }
                    sqlite3_stmt::new(db, engine, flags.is_old)
                });
                return Ok((handle, end));
            }
            Err(error) => {
                if let Some(name) = missing_collation(&error)
                    && !asked_for.contains(&name)
                    && ask_for_collation(db, &name)
                {
                    asked_for.push(name);
                    continue;
                }
                let offset = db.raw().last_error().and_then(|(_, _, offset)| offset);
                db.error.fail(&error);
                db.error.set_offset(offset);
                if flags.bits & SQLITE_PREPARE_DONT_LOG as c_uint == 0 {
                    let message = [&shown_message(&error)[..], b" in \"", sql, b"\""].concat();
                    library::log::write(error.code(), &message);
                }
                return Err(error.code());
            }
        }
    }
}

/// Where the next statement begins after one that could not be compiled.
fn failed_end(db: &Entered<'_>, sql: &[u8]) -> usize {
    db.raw().failed_end().map_or(sql.len(), |end| end.min(sql.len()))
}

/// The collation that an error says is missing.
fn missing_collation(error: &Error) -> Option<Vec<u8>> {
    let Error::Message { message, .. } = error else { return None };
    message.strip_prefix("no such collation sequence: ").map(|name| name.as_bytes().to_vec())
}

/// Asks the application for a collation; `false` if there is nobody to ask.
fn ask_for_collation(db: &Entered<'_>, name: &[u8]) -> bool {
    let encoding = encoding_code(db.raw().encoding());
    // SAFETY: the application's functions with their own arguments; the name lives for the call.
    unsafe {
        match db.callbacks.collation_needed.get() {
            None => return false,
            Some(CollationNeeded::Narrow(callback, data)) => {
                let name = CString::new(name).unwrap_or_default();
                callback(data.0, db.as_ptr(), encoding, name.as_ptr());
            }
            Some(CollationNeeded::Wide(callback, data)) => {
                callback(data.0, db.as_ptr(), encoding, widened(name).as_ptr().cast());
            }
        }
    }
    true
}

/// # Safety
/// `sql` is NULL, or has a NUL or `len` bytes; result pointers are NULL or writable.
unsafe fn prepare(
    db: *mut sqlite3,
    sql: *const c_char,
    len: c_int,
    flags: Flags,
    out: *mut *mut sqlite3_stmt,
    tail: *mut *const c_char,
) -> c_int {
    code(|| {
        if out.is_null() {
            return library::misuse(line!());
        }
        // SAFETY: by the caller.
        unsafe {
            out.write(ptr::null_mut());
            let (Some(db), Some(text)) = (enter(db), text_of_len(sql, len)) else {
                return library::misuse(line!());
            };
            if db.raw().is_in_use() {
                return db.fail(SQLITE_MISUSE, "the connection is in use");
            }
            if text.len() > db.raw().limit(SQLITE_LIMIT_SQL_LENGTH as usize, -1) as usize {
                store(tail, sql);
                return db.fail(SQLITE_TOOBIG, "statement too long");
            }
            match prepare_text(&db, text, flags) {
                Ok((statement, end)) => {
                    out.write(statement.unwrap_or(ptr::null_mut()));
                    store(tail, sql.add(end.min(text.len())));
                    SQLITE_OK
                }
                Err(rc) => {
                    store(tail, sql.add(failed_end(&db, text)));
                    db.error.shown(rc)
                }
            }
        }
    })
}

/// # Safety
/// As for [`prepare`], in UTF-16.
unsafe fn prepare16(
    db: *mut sqlite3,
    sql: *const c_void,
    len: c_int,
    flags: Flags,
    out: *mut *mut sqlite3_stmt,
    tail: *mut *const c_void,
) -> c_int {
    code(|| {
        if out.is_null() {
            return library::misuse(line!());
        }
        // SAFETY: by the caller.
        unsafe {
            out.write(ptr::null_mut());
            let Some(db) = enter(db) else { return library::misuse(line!()) };
            if db.raw().is_in_use() {
                return db.fail(SQLITE_MISUSE, "the connection is in use");
            }
            if sql.is_null() {
                return library::misuse(line!());
            }
            let most =
                usize::try_from(len).map_or_else(|_| wide_len(sql.cast()), |len| bounded(sql.cast(), len));
            let Some(text) = wide(sql, most as c_int) else { return library::misuse(line!()) };
            let narrow = narrowed(text);
            let (rc, end) = match prepare_text(&db, &narrow, flags) {
                Ok((statement, end)) => {
                    out.write(statement.unwrap_or(ptr::null_mut()));
                    (SQLITE_OK, end)
                }
                Err(rc) => (rc, failed_end(&db, &narrow)),
            };
            store(tail, sql.cast::<u8>().add(wide_offset(&narrow, end)).cast());
            db.error.shown(rc)
        }
    })
}

/// Bytes before the first NUL character, at most `len`.
///
/// # Safety
/// So many bytes are there, or a NUL character.
unsafe fn bounded(text: *const u8, len: usize) -> usize {
    let mut at = 0;
    // SAFETY: by the caller.
    while at + 1 < len && unsafe { *text.add(at) != 0 || *text.add(at + 1) != 0 } {
        at += 2;
    }
    at
}

/// Where in UTF-16 text the place `end` of its UTF-8 form is, in bytes.
fn wide_offset(narrow: &[u8], end: usize) -> usize {
    let (mut at, mut wide) = (0, 0);
    while at < end.min(narrow.len()) {
        match next_utf8(narrow, &mut at) {
            Some(0x1_0000..) => wide += 4,
            Some(_) => wide += 2,
            None => break,
        }
    }
    wide
}

/// Compiles the first statement of a text, of old: a step that fails tells only `SQLITE_ERROR`.
///
/// # Safety
/// `db` is NULL or a connection; `sql` has a NUL, or `len` bytes where that is not negative; `out` is writable, `tail` NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_prepare(
    db: *mut sqlite3,
    sql: *const c_char,
    len: c_int,
    out: *mut *mut sqlite3_stmt,
    tail: *mut *const c_char,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { prepare(db, sql, len, Flags { is_old: true, bits: 0 }, out, tail) }
}

/// Compiles the first statement of a text.
///
/// # Safety
/// As for `sqlite3_prepare`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_prepare_v2(
    db: *mut sqlite3,
    sql: *const c_char,
    len: c_int,
    out: *mut *mut sqlite3_stmt,
    tail: *mut *const c_char,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { prepare(db, sql, len, Flags::default(), out, tail) }
}

/// Compiles the first statement of a text, with flags (`SQLITE_PREPARE_…`).
///
/// # Safety
/// As for `sqlite3_prepare`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_prepare_v3(
    db: *mut sqlite3,
    sql: *const c_char,
    len: c_int,
    flags: c_uint,
    out: *mut *mut sqlite3_stmt,
    tail: *mut *const c_char,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { prepare(db, sql, len, Flags { is_old: false, bits: flags }, out, tail) }
}

/// As `sqlite3_prepare`, in UTF-16; `len` is in bytes.
///
/// # Safety
/// As for `sqlite3_prepare`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_prepare16(
    db: *mut sqlite3,
    sql: *const c_void,
    len: c_int,
    out: *mut *mut sqlite3_stmt,
    tail: *mut *const c_void,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { prepare16(db, sql, len, Flags { is_old: true, bits: 0 }, out, tail) }
}

/// As `sqlite3_prepare_v2`, in UTF-16; `len` is in bytes.
///
/// # Safety
/// As for `sqlite3_prepare`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_prepare16_v2(
    db: *mut sqlite3,
    sql: *const c_void,
    len: c_int,
    out: *mut *mut sqlite3_stmt,
    tail: *mut *const c_void,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { prepare16(db, sql, len, Flags::default(), out, tail) }
}

/// As `sqlite3_prepare_v3`, in UTF-16; `len` is in bytes.
///
/// # Safety
/// As for `sqlite3_prepare`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_prepare16_v3(
    db: *mut sqlite3,
    sql: *const c_void,
    len: c_int,
    flags: c_uint,
    out: *mut *mut sqlite3_stmt,
    tail: *mut *const c_void,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { prepare16(db, sql, len, Flags { is_old: false, bits: flags }, out, tail) }
}
