//! Incremental blobs: reading and writing parts of a value in place.
//!
//! Spec: C/C++ Interface, "Open A BLOB For Incremental I/O".

use std::cell::RefCell;
use std::ffi::{c_char, c_int, c_void};
use std::ptr;

use kernite::connection::raw::Blob;
use kernite::engine::vdbe::Error;

use crate::boundary::{code, text};
use crate::connection::open::free_if_unused;
use crate::connection::{Entered, enter, sqlite3};
use crate::constant::*;
use crate::library::misuse;
use crate::sqlite3_int64;

/// An open blob.
pub struct sqlite3_blob {
    db: *mut sqlite3,
    engine: RefCell<Blob>,
}

/// Opens a value of a row of a table: a blob or text. `flags` other than 0: for writing too.
///
/// # Safety
/// `db` is NULL or a connection; names are C strings, the database's may be NULL; `out` is writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_blob_open(
    db: *mut sqlite3,
    database: *const c_char,
    table: *const c_char,
    column: *const c_char,
    rowid: sqlite3_int64,
    flags: c_int,
    out: *mut *mut sqlite3_blob,
) -> c_int {
    code(|| {
        if out.is_null() {
            return misuse(line!());
        }
        // SAFETY: the caller's contract.
        unsafe {
            out.write(ptr::null_mut());
            let (Some(entered), Some(table), Some(column)) = (enter(db), text(table), text(column)) else {
                return misuse(line!());
            };
            match Blob::open(entered.raw(), text(database), table, column, rowid, flags != 0) {
                Ok(engine) => {
                    entered.users.set(entered.users.get() + 1);
                    out.write(Box::into_raw(Box::new(sqlite3_blob { db, engine: RefCell::new(engine) })));
                    entered.exit(Ok(()))
                }
                Err(error) => entered.exit(Err(error)),
            }
        }
    })
}

/// Runs `body` on an open blob.
///
/// # Safety
/// `blob` is NULL or an open blob.
unsafe fn with(blob: *mut sqlite3_blob, body: impl FnOnce(&mut Blob, &Entered<'_>) -> c_int) -> c_int {
    code(|| {
        // SAFETY: by the caller; a connection with blobs is not freed.
        let Some(blob) = (unsafe { blob.as_ref() }) else { return misuse(line!()) };
        // SAFETY: as above.
        let entered = unsafe { (*blob.db).enter() };
        match blob.engine.try_borrow_mut() {
            Ok(mut engine) => body(&mut engine, &entered),
            Err(_) => misuse(line!()),
        }
    })
}

/// Moves an open blob to another row.
///
/// # Safety
/// `blob` is NULL or an open blob. So for all functions here.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_blob_reopen(blob: *mut sqlite3_blob, rowid: sqlite3_int64) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { with(blob, |engine, db| db.exit(engine.reopen(rowid))) }
}

/// Closes a blob. NULL is nothing.
///
/// # Safety
/// As for `sqlite3_blob_reopen`; it is not used any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_blob_close(blob: *mut sqlite3_blob) -> c_int {
    if blob.is_null() {
        return SQLITE_OK;
    }
    code(|| {
        // SAFETY: the caller's contract.
        unsafe {
            let sqlite3_blob { db, engine } = *Box::from_raw(blob);
            let rc = {
                let entered = (*db).enter();
                let rc = entered.exit(engine.into_inner().close());
                entered.users.set(entered.users.get() - 1);
                rc
            };
            free_if_unused(db);
            rc
        }
    })
}

/// How many bytes the blob has; 0 for one that is not good any more.
///
/// # Safety
/// As for `sqlite3_blob_reopen`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_blob_bytes(blob: *mut sqlite3_blob) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { blob.as_ref() }.map_or(0, |blob| {
        blob.engine.try_borrow().map_or(0, |engine| match engine.is_open() {
            true => c_int::try_from(engine.len()).unwrap_or(c_int::MAX),
            false => 0,
        })
    })
}

/// Runs `body` on the part of an open blob that the interface names: offset and length.
///
/// # Safety
/// `blob` is NULL or an open blob.
unsafe fn with_part(
    blob: *mut sqlite3_blob,
    (offset, len): (c_int, c_int),
    body: impl FnOnce(&mut Blob, u64, usize) -> Result<(), Error>,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe {
        with(blob, |engine, db| {
            let (Ok(offset), Ok(len)) = (u64::try_from(offset), usize::try_from(len)) else {
                return db.error.set(SQLITE_ERROR);
            };
            if offset + len as u64 > engine.len() {
                return db.error.set(SQLITE_ERROR);
            }
            if !engine.is_open() {
                return db.error.set(SQLITE_ABORT);
            }
            db.exit(body(engine, offset, len))
        })
    }
}

/// Reads `len` bytes from `offset` on.
///
/// # Safety
/// As for `sqlite3_blob_reopen`; `out` has room for them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_blob_read(
    blob: *mut sqlite3_blob,
    out: *mut c_void,
    len: c_int,
    offset: c_int,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe {
        with_part(blob, (offset, len), |engine, offset, len| {
            let bytes = engine.read(offset, len)?;
            ptr::copy_nonoverlapping(bytes.as_ptr(), out.cast(), bytes.len());
            Ok(())
        })
    }
}

/// Writes `len` bytes from `offset` on. The blob keeps its size.
///
/// # Safety
/// As for `sqlite3_blob_reopen`; `bytes` has so many.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_blob_write(
    blob: *mut sqlite3_blob,
    bytes: *const c_void,
    len: c_int,
    offset: c_int,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe {
        with_part(blob, (offset, len), |engine, offset, len| {
            engine.write(offset, std::slice::from_raw_parts(bytes.cast(), len))
        })
    }
}
