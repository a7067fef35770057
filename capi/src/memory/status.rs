//! Counters of the process: `sqlite3_status`.
//!
//! The page cache counters stay 0: there is no fixed page memory to hand out.

use std::ffi::c_int;

use super::TALLY;
use crate::boundary::{code, store};
use crate::constant::*;
use crate::sqlite3_int64;

/// A counter and its highest value; `None` for an unknown one.
fn read(counter: c_int, reset: bool) -> Option<(i64, i64)> {
    Some(match counter {
        SQLITE_STATUS_MEMORY_USED => TALLY.bytes(reset),
        SQLITE_STATUS_MALLOC_COUNT => TALLY.counts(reset),
        SQLITE_STATUS_MALLOC_SIZE => (0, TALLY.largest(reset)),
        SQLITE_STATUS_PAGECACHE_USED
        | SQLITE_STATUS_PAGECACHE_OVERFLOW
        | SQLITE_STATUS_PAGECACHE_SIZE
        | SQLITE_STATUS_SCRATCH_USED
        | SQLITE_STATUS_SCRATCH_OVERFLOW
        | SQLITE_STATUS_SCRATCH_SIZE
        | SQLITE_STATUS_PARSER_STACK => (0, 0),
        _ => return None,
    })
}

/// The value of a counter and the highest that it had.
///
/// # Safety
/// The result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_status64(
    op: c_int,
    pCurrent: *mut sqlite3_int64,
    pHighwater: *mut sqlite3_int64,
    resetFlag: c_int,
) -> c_int {
    code(|| {
        if pCurrent.is_null() || pHighwater.is_null() {
            return crate::library::misuse(line!());
        }
        let Some((current, highest)) = read(op, resetFlag != 0) else {
            return crate::library::misuse(line!());
        };
        // SAFETY: the caller's contract.
        unsafe {
            store(pCurrent, current);
            store(pHighwater, highest);
        }
        SQLITE_OK
    })
}

/// As `sqlite3_status64`, in 32 bits.
///
/// # Safety
/// As for `sqlite3_status64`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_status(
    op: c_int,
    pCurrent: *mut c_int,
    pHighwater: *mut c_int,
    resetFlag: c_int,
) -> c_int {
    if pCurrent.is_null() || pHighwater.is_null() {
        return crate::library::misuse(line!());
    }
    let (mut current, mut highest) = (0, 0);
    // SAFETY: the pointers are of this function.
    let rc = unsafe { sqlite3_status64(op, &raw mut current, &raw mut highest, resetFlag) };
    if rc == SQLITE_OK {
        // SAFETY: the caller's contract.
        unsafe {
            store(pCurrent, current as c_int);
            store(pHighwater, highest as c_int);
        }
    }
    rc
}
