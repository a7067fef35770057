//! What of virtual tables' neighbourhood is not built: shapes of R-Trees, values of changed rows. Each function fails with an error that
//! names it.
//!
//! Spec: The SQLite R*Tree Module; "The pre-update hook".

use std::ffi::{c_char, c_int, c_void};
use std::ptr;

use crate::abi::extension::{sqlite3_rtree_dbl, sqlite3_rtree_geometry, sqlite3_rtree_query_info};
use crate::boundary::{Destructor, store};
use crate::connection::{sqlite3, with};
use crate::value::sqlite3_value;

/// Registers a shape for R-Tree queries. Not built.
///
/// # Safety
/// As for `sqlite3_create_module`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_rtree_geometry_callback(
    db: *mut sqlite3,
    _name: *const c_char,
    _shape: Option<
        unsafe extern "C" fn(*mut sqlite3_rtree_geometry, c_int, *mut sqlite3_rtree_dbl, *mut c_int) -> c_int,
    >,
    _data: *mut c_void,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { with(db, |db| db.missing("sqlite3_rtree_geometry_callback")) }
}

/// Registers a shape for R-Tree queries with scores. Not built: `destructor` is told at once.
///
/// # Safety
/// As for `sqlite3_create_module`; `destructor` takes `data`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_rtree_query_callback(
    db: *mut sqlite3,
    _name: *const c_char,
    _shape: Option<unsafe extern "C" fn(*mut sqlite3_rtree_query_info) -> c_int>,
    data: *mut c_void,
    destructor: Destructor,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe {
        let rc = with(db, |db| db.missing("sqlite3_rtree_query_callback"));
        if let Some(destructor) = destructor {
            destructor(data);
        }
        rc
    }
}

/// A column of the row before the change, in a preupdate hook. Not built.
///
/// # Safety
/// `db` is NULL or a connection; `out` is NULL or writable. So for the functions that follow.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_preupdate_old(
    db: *mut sqlite3,
    _column: c_int,
    out: *mut *mut sqlite3_value,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe {
        store(out, ptr::null_mut());
        with(db, |db| db.missing("sqlite3_preupdate_old"))
    }
}

/// A column of the row after the change, in a preupdate hook. Not built.
///
/// # Safety
/// As for `sqlite3_preupdate_old`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_preupdate_new(
    db: *mut sqlite3,
    _column: c_int,
    out: *mut *mut sqlite3_value,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe {
        store(out, ptr::null_mut());
        with(db, |db| db.missing("sqlite3_preupdate_new"))
    }
}

/// How many columns the changed row has; outside a preupdate hook 0.
///
/// # Safety
/// As for `sqlite3_preupdate_old`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_preupdate_count(_db: *mut sqlite3) -> c_int {
    0
}

/// How many triggers deep the change is; outside a preupdate hook 0.
///
/// # Safety
/// As for `sqlite3_preupdate_old`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_preupdate_depth(_db: *mut sqlite3) -> c_int {
    0
}

/// Which column `sqlite3_blob_write` changes; -1 for any other change, and outside a preupdate hook.
///
/// # Safety
/// As for `sqlite3_preupdate_old`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_preupdate_blobwrite(_db: *mut sqlite3) -> c_int {
    -1
}
