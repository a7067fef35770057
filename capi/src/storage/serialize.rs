//! Databases as bytes in memory: `sqlite3_serialize`, `sqlite3_deserialize`.
//!
//! Spec: C/C++ Interface, "Serialize a database", "Deserialize a database".

use std::ffi::{c_char, c_int, c_uchar, c_uint};
use std::ptr;

use crate::boundary::store;
use crate::connection::database::number;
use crate::connection::{ask, sqlite3, with};
use crate::constant::*;
use crate::library::config;
use crate::memory;
use crate::sqlite3_int64;

/// The bytes of a database's file, as they would be on disk, to be freed with `sqlite3_free`; NULL for an empty one. With
/// `SQLITE_SERIALIZE_NOCOPY`, NULL: a database has no bytes in one piece.
///
/// # Safety
/// `db` is NULL or a connection; `name` is NULL or a C string; `size` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_serialize(
    db: *mut sqlite3,
    name: *const c_char,
    size: *mut sqlite3_int64,
    flags: c_uint,
) -> *mut c_uchar {
    // SAFETY: the caller's contract.
    unsafe {
        store(size, -1);
        ask(db, ptr::null_mut(), |db| {
            let Some(number) = number(db, name) else { return ptr::null_mut() };
            let mut serialized = db.raw().serialize(number);
            if serialized.as_ref().is_ok_and(Vec::is_empty) && db.raw().is_autocommit() {
                // A database without pages gets its first one.
                serialized = db
                    .raw()
                    .execute_batch(b"BEGIN IMMEDIATE; COMMIT")
                    .and_then(|()| db.raw().serialize(number));
            }
            match serialized {
                Ok(bytes) => {
                    store(size, bytes.len() as sqlite3_int64);
                    if bytes.is_empty() || flags & SQLITE_SERIALIZE_NOCOPY as c_uint != 0 {
                        return ptr::null_mut();
                    }
                    memory::copy_of(&bytes, 0).cast()
                }
                Err(error) => {
                    db.error.fail(&error);
                    ptr::null_mut()
                }
            }
        })
    }
}

/// Puts bytes in place of a database, in memory. The bytes are copied; with `SQLITE_DESERIALIZE_FREEONCLOSE` they are freed at once.
///
/// # Safety
/// `db` is NULL or a connection; `name` is NULL or a C string; `data` has `size` bytes, and is from `sqlite3_malloc` where it is to be
/// freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_deserialize(
    db: *mut sqlite3,
    name: *const c_char,
    data: *mut c_uchar,
    size: sqlite3_int64,
    capacity: sqlite3_int64,
    flags: c_uint,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe {
        let rc = with(db, |db| {
            // The temporary database cannot be replaced.
            let number = number(db, name).filter(|&number| number != 1);
            let Some(number) = number else { return db.error.set(SQLITE_ERROR) };
            if db.backups.get() > 0 {
                return db.error.set(SQLITE_BUSY);
            }
            let bytes = match usize::try_from(size) {
                Ok(size) if !data.is_null() => std::slice::from_raw_parts(data, size),
                _ => &[],
            };
            let read_only = flags & SQLITE_DESERIALIZE_READONLY as c_uint != 0;
            let bytes_max = match flags & SQLITE_DESERIALIZE_RESIZEABLE as c_uint != 0 {
                true => config::memory_database_max().max(size),
                false => capacity.max(size),
            };
            db.exit(db.raw().deserialize(number, bytes, u64::try_from(bytes_max).unwrap_or(0), read_only))
        });
        if flags & SQLITE_DESERIALIZE_FREEONCLOSE as c_uint != 0 {
            memory::release(data.cast());
        }
        rc
    }
}
