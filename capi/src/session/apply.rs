//! Applying changesets. Not built: every function fails and names itself.
//!
//! Spec: The Session Extension.

use std::ffi::{c_char, c_int, c_void};
use std::ptr;

use super::sqlite3_changeset_iter;
use crate::boundary::store;
use crate::connection::{sqlite3, with};

/// Not built: fails with an error that names it.
///
/// # Safety
/// Result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3changeset_apply(
    db: *mut sqlite3,
    _changeset: c_int,
    _changeset_: *mut c_void,
    _filter: Option<unsafe extern "C" fn(*mut c_void, *const c_char) -> c_int>,
    _conflict: Option<unsafe extern "C" fn(*mut c_void, c_int, *mut sqlite3_changeset_iter) -> c_int>,
    _ctx: *mut c_void,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { with(db, |db| db.missing("sqlite3changeset_apply")) }
}

/// Not built: fails with an error that names it.
///
/// # Safety
/// Result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3changeset_apply_strm(
    db: *mut sqlite3,
    _input: Option<unsafe extern "C" fn(*mut c_void, *mut c_void, *mut c_int) -> c_int>,
    _input_: *mut c_void,
    _filter: Option<unsafe extern "C" fn(*mut c_void, *const c_char) -> c_int>,
    _conflict: Option<unsafe extern "C" fn(*mut c_void, c_int, *mut sqlite3_changeset_iter) -> c_int>,
    _ctx: *mut c_void,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { with(db, |db| db.missing("sqlite3changeset_apply_strm")) }
}

/// Not built: fails with an error that names it.
///
/// # Safety
/// Result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3changeset_apply_v2(
    db: *mut sqlite3,
    _changeset: c_int,
    _changeset_: *mut c_void,
    _filter: Option<unsafe extern "C" fn(*mut c_void, *const c_char) -> c_int>,
    _conflict: Option<unsafe extern "C" fn(*mut c_void, c_int, *mut sqlite3_changeset_iter) -> c_int>,
    _ctx: *mut c_void,
    rebase: *mut *mut c_void,
    _pn_rebase: *mut c_int,
    _flags: c_int,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { store(rebase, ptr::null_mut()) };
    // SAFETY: the caller's contract.
    unsafe { with(db, |db| db.missing("sqlite3changeset_apply_v2")) }
}

/// Not built: fails with an error that names it.
///
/// # Safety
/// Result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3changeset_apply_v2_strm(
    db: *mut sqlite3,
    _input: Option<unsafe extern "C" fn(*mut c_void, *mut c_void, *mut c_int) -> c_int>,
    _input_: *mut c_void,
    _filter: Option<unsafe extern "C" fn(*mut c_void, *const c_char) -> c_int>,
    _conflict: Option<unsafe extern "C" fn(*mut c_void, c_int, *mut sqlite3_changeset_iter) -> c_int>,
    _ctx: *mut c_void,
    rebase: *mut *mut c_void,
    _pn_rebase: *mut c_int,
    _flags: c_int,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { store(rebase, ptr::null_mut()) };
    // SAFETY: the caller's contract.
    unsafe { with(db, |db| db.missing("sqlite3changeset_apply_v2_strm")) }
}

/// Not built: fails with an error that names it.
///
/// # Safety
/// Result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3changeset_apply_v3(
    db: *mut sqlite3,
    _changeset: c_int,
    _changeset_: *mut c_void,
    _filter: Option<unsafe extern "C" fn(*mut c_void, *mut sqlite3_changeset_iter) -> c_int>,
    _conflict: Option<unsafe extern "C" fn(*mut c_void, c_int, *mut sqlite3_changeset_iter) -> c_int>,
    _ctx: *mut c_void,
    rebase: *mut *mut c_void,
    _pn_rebase: *mut c_int,
    _flags: c_int,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { store(rebase, ptr::null_mut()) };
    // SAFETY: the caller's contract.
    unsafe { with(db, |db| db.missing("sqlite3changeset_apply_v3")) }
}

/// Not built: fails with an error that names it.
///
/// # Safety
/// Result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3changeset_apply_v3_strm(
    db: *mut sqlite3,
    _input: Option<unsafe extern "C" fn(*mut c_void, *mut c_void, *mut c_int) -> c_int>,
    _input_: *mut c_void,
    _filter: Option<unsafe extern "C" fn(*mut c_void, *mut sqlite3_changeset_iter) -> c_int>,
    _conflict: Option<unsafe extern "C" fn(*mut c_void, c_int, *mut sqlite3_changeset_iter) -> c_int>,
    _ctx: *mut c_void,
    rebase: *mut *mut c_void,
    _pn_rebase: *mut c_int,
    _flags: c_int,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { store(rebase, ptr::null_mut()) };
    // SAFETY: the caller's contract.
    unsafe { with(db, |db| db.missing("sqlite3changeset_apply_v3_strm")) }
}
