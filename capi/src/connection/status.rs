//! Counters of a connection: `sqlite3_db_status`.
//!
//! Spec: C/C++ Interface, "Database Connection Status".

use std::ffi::c_int;

use super::{Entered, sqlite3, with};
use crate::boundary::store;
use crate::constant::*;
use crate::sqlite3_int64;

/// A counter and its highest value.
fn read(db: &Entered<'_>, counter: c_int, reset: bool) -> Option<(i64, i64)> {
    Some(match counter {
        // No lookaside memory, no memory counted by kind.
        SQLITE_DBSTATUS_LOOKASIDE_USED
        | SQLITE_DBSTATUS_LOOKASIDE_HIT
        | SQLITE_DBSTATUS_LOOKASIDE_MISS_SIZE
        | SQLITE_DBSTATUS_LOOKASIDE_MISS_FULL
        | SQLITE_DBSTATUS_SCHEMA_USED
        | SQLITE_DBSTATUS_STMT_USED
        | SQLITE_DBSTATUS_TEMPBUF_SPILL => (0, 0),
        SQLITE_DBSTATUS_CACHE_USED | SQLITE_DBSTATUS_CACHE_USED_SHARED => (0, 0),
        SQLITE_DBSTATUS_CACHE_HIT
        | SQLITE_DBSTATUS_CACHE_MISS
        | SQLITE_DBSTATUS_CACHE_WRITE
        | SQLITE_DBSTATUS_CACHE_SPILL => {
            let _ = reset;
            (0, 0)
        }
        SQLITE_DBSTATUS_DEFERRED_FKS => (i64::from(db.raw().has_deferred_violations()), 0),
        _ => return None,
    })
}

/// The value of a counter (`SQLITE_DBSTATUS_…`) and the highest that it had.
///
/// # Safety
/// `db` is NULL or a connection; the result pointers are writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_db_status64(
    db: *mut sqlite3,
    counter: c_int,
    current: *mut sqlite3_int64,
    highest: *mut sqlite3_int64,
    reset: c_int,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe {
        with(db, |db| {
            if current.is_null() || highest.is_null() {
                return crate::library::misuse(line!());
            }
            match read(db, counter, reset != 0) {
                Some((now, most)) => {
                    store(current, now);
                    store(highest, most);
                    SQLITE_OK
                }
                None => SQLITE_ERROR,
            }
        })
    }
}

/// As `sqlite3_db_status64`, in 32 bits.
///
/// # Safety
/// As for `sqlite3_db_status64`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_db_status(
    db: *mut sqlite3,
    counter: c_int,
    current: *mut c_int,
    highest: *mut c_int,
    reset: c_int,
) -> c_int {
    let (mut now, mut most) = (0, 0);
    // SAFETY: the caller's contract; the pointers are of this function.
    unsafe {
        let rc = sqlite3_db_status64(db, counter, &raw mut now, &raw mut most, reset);
        if rc == SQLITE_OK {
            store(current, now as c_int);
            store(highest, most as c_int);
        }
        rc
    }
}
