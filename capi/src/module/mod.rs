//! Virtual tables that the application implements. Not built: registering one fails with an error that names the function.
//!
//! Spec: The Virtual Table Mechanism of SQLite.

use std::ffi::{c_char, c_int, c_void};
use std::ptr;

use crate::abi::extension::{sqlite3_rtree_dbl, sqlite3_rtree_geometry, sqlite3_rtree_query_info};
use crate::abi::module::{sqlite3_index_info, sqlite3_module};
use crate::boundary::{Destructor, store};
use crate::connection::{sqlite3, with};
use crate::constant::*;
use crate::library::log::missing;
use crate::value::sqlite3_value;
use crate::variadic::Arguments;

/// Registers a kind of virtual table. Not built.
///
/// # Safety
/// `db` is NULL or a connection; `name` is a C string; `module` stays as long as it is registered. So for all functions here.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_create_module(
    db: *mut sqlite3,
    name: *const c_char,
    module: *const sqlite3_module,
    data: *mut c_void,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { sqlite3_create_module_v2(db, name, module, data, None) }
}

/// Registers a kind of virtual table. Not built: `destructor` is told at once.
///
/// # Safety
/// As for `sqlite3_create_module`; `destructor` takes `data`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_create_module_v2(
    db: *mut sqlite3,
    _name: *const c_char,
    module: *const sqlite3_module,
    data: *mut c_void,
    destructor: Destructor,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe {
        let rc = with(db, |db| {
            // Removing what was never there succeeds.
            if module.is_null() { SQLITE_OK } else { db.missing("sqlite3_create_module") }
        });
        if let Some(destructor) = destructor {
            destructor(data);
        }
        rc
    }
}

/// Removes all kinds of virtual tables but those named. None is there.
///
/// # Safety
/// `db` is NULL or a connection.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_drop_modules(db: *mut sqlite3, _keep: *mut *const c_char) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { with(db, |_| SQLITE_OK) }
}

/// Declares the columns of a virtual table, in its `xCreate` or `xConnect`. Not built.
///
/// # Safety
/// As for `sqlite3_create_module`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_declare_vtab(db: *mut sqlite3, _declaration: *const c_char) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { with(db, |db| db.missing("sqlite3_declare_vtab")) }
}

/// The Rust half of `sqlite3_vtab_config`. Not built.
///
/// # Safety
/// `db` is NULL or a connection.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kernite_vtab_config(
    db: *mut sqlite3,
    _option: c_int,
    _arguments: *mut Arguments,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { with(db, |db| db.missing("sqlite3_vtab_config")) }
}

/// The conflict clause of the statement that changes a virtual table. Not built: the default one.
///
/// # Safety
/// None: the argument is not used.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_vtab_on_conflict(_db: *mut sqlite3) -> c_int {
    missing("sqlite3_vtab_on_conflict");
    SQLITE_ABORT
}

/// The collation of a constraint. Not built.
///
/// # Safety
/// None: the arguments are not used.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_vtab_collation(
    _info: *mut sqlite3_index_info,
    _constraint: c_int,
) -> *const c_char {
    missing("sqlite3_vtab_collation");
    ptr::null()
}

/// Whether rows may be left out or grouped. Not built.
///
/// # Safety
/// None: the argument is not used.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_vtab_distinct(_info: *mut sqlite3_index_info) -> c_int {
    missing("sqlite3_vtab_distinct");
    0
}

/// Whether a constraint is an IN that can be handed over as a whole. Not built.
///
/// # Safety
/// None: the arguments are not used.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_vtab_in(
    _info: *mut sqlite3_index_info,
    _constraint: c_int,
    _handle: c_int,
) -> c_int {
    missing("sqlite3_vtab_in");
    0
}

/// The first value of an IN. Not built.
///
/// # Safety
/// `out` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_vtab_in_first(
    _value: *mut sqlite3_value,
    out: *mut *mut sqlite3_value,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { store(out, ptr::null_mut()) };
    missing("sqlite3_vtab_in_first")
}

/// The next value of an IN. Not built.
///
/// # Safety
/// `out` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_vtab_in_next(
    _value: *mut sqlite3_value,
    out: *mut *mut sqlite3_value,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { store(out, ptr::null_mut()) };
    missing("sqlite3_vtab_in_next")
}

/// The right side of a constraint. Not built.
///
/// # Safety
/// `out` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_vtab_rhs_value(
    _info: *mut sqlite3_index_info,
    _constraint: c_int,
    out: *mut *mut sqlite3_value,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { store(out, ptr::null_mut()) };
    missing("sqlite3_vtab_rhs_value")
}

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
