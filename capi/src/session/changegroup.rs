//! Groups of changesets, and rebasing them. Not built: every function fails and names itself.
//!
//! Spec: The Session Extension.

use std::ffi::{c_char, c_double, c_int, c_void};
use std::ptr;

use super::{sqlite3_changegroup, sqlite3_changeset_iter, sqlite3_rebaser};
use crate::boundary::store;
use crate::connection::{sqlite3, with};
use crate::library::log::missing;
use crate::sqlite3_int64;

/// Not built: fails with an error that names it.
///
/// # Safety
/// Result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3changegroup_add(
    _changegroup: *mut sqlite3_changegroup,
    _data: c_int,
    _data_: *mut c_void,
) -> c_int {
    missing("sqlite3changegroup_add")
}

/// Not built: fails with an error that names it.
///
/// # Safety
/// Result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3changegroup_add_change(
    _changegroup: *mut sqlite3_changegroup,
    _arg1: *mut sqlite3_changeset_iter,
) -> c_int {
    missing("sqlite3changegroup_add_change")
}

/// Not built: fails with an error that names it.
///
/// # Safety
/// Result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3changegroup_add_strm(
    _changegroup: *mut sqlite3_changegroup,
    _input: Option<unsafe extern "C" fn(*mut c_void, *mut c_void, *mut c_int) -> c_int>,
    _input_: *mut c_void,
) -> c_int {
    missing("sqlite3changegroup_add_strm")
}

/// Not built: fails with an error that names it.
///
/// # Safety
/// Result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3changegroup_change_begin(
    _changegroup: *mut sqlite3_changegroup,
    _op: c_int,
    _tab: *const c_char,
    _indirect: c_int,
    _pz_err: *mut *mut c_char,
) -> c_int {
    missing("sqlite3changegroup_change_begin")
}

/// Not built: fails with an error that names it.
///
/// # Safety
/// Result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3changegroup_change_blob(
    _changegroup: *mut sqlite3_changegroup,
    _arg1: c_int,
    _arg2: c_int,
    _val: *const c_void,
    _val_: c_int,
) -> c_int {
    missing("sqlite3changegroup_change_blob")
}

/// Not built: fails with an error that names it.
///
/// # Safety
/// Result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3changegroup_change_double(
    _changegroup: *mut sqlite3_changegroup,
    _arg1: c_int,
    _arg2: c_int,
    _arg3: c_double,
) -> c_int {
    missing("sqlite3changegroup_change_double")
}

/// Not built: fails with an error that names it.
///
/// # Safety
/// Result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3changegroup_change_finish(
    _changegroup: *mut sqlite3_changegroup,
    _discard: c_int,
    _pz_err: *mut *mut c_char,
) -> c_int {
    missing("sqlite3changegroup_change_finish")
}

/// Not built: fails with an error that names it.
///
/// # Safety
/// Result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3changegroup_change_int64(
    _changegroup: *mut sqlite3_changegroup,
    _new: c_int,
    _col: c_int,
    _val: sqlite3_int64,
) -> c_int {
    missing("sqlite3changegroup_change_int64")
}

/// Not built: fails with an error that names it.
///
/// # Safety
/// Result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3changegroup_change_null(
    _changegroup: *mut sqlite3_changegroup,
    _arg1: c_int,
    _arg2: c_int,
) -> c_int {
    missing("sqlite3changegroup_change_null")
}

/// Not built: fails with an error that names it.
///
/// # Safety
/// Result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3changegroup_change_text(
    _changegroup: *mut sqlite3_changegroup,
    _arg1: c_int,
    _arg2: c_int,
    _val: *const c_char,
    _val_: c_int,
) -> c_int {
    missing("sqlite3changegroup_change_text")
}

/// Not built: fails with an error that names it.
///
/// # Safety
/// Result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3changegroup_config(
    _changegroup: *mut sqlite3_changegroup,
    _arg1: c_int,
    _arg_: *mut c_void,
) -> c_int {
    missing("sqlite3changegroup_config")
}

/// Not built: nothing can be handed to it.
///
/// # Safety
/// Result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3changegroup_delete(_changegroup: *mut sqlite3_changegroup) {}

/// Not built: fails with an error that names it.
///
/// # Safety
/// Result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3changegroup_new(pp: *mut *mut sqlite3_changegroup) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { store(pp, ptr::null_mut()) };
    missing("sqlite3changegroup_new")
}

/// Not built: fails with an error that names it.
///
/// # Safety
/// Result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3changegroup_output(
    _changegroup: *mut sqlite3_changegroup,
    _pn_data: *mut c_int,
    data: *mut *mut c_void,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { store(data, ptr::null_mut()) };
    missing("sqlite3changegroup_output")
}

/// Not built: fails with an error that names it.
///
/// # Safety
/// Result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3changegroup_output_strm(
    _changegroup: *mut sqlite3_changegroup,
    _output: Option<unsafe extern "C" fn(*mut c_void, *const c_void, c_int) -> c_int>,
    _out: *mut c_void,
) -> c_int {
    missing("sqlite3changegroup_output_strm")
}

/// Not built: fails with an error that names it.
///
/// # Safety
/// Result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3changegroup_schema(
    _changegroup: *mut sqlite3_changegroup,
    arg1: *mut sqlite3,
    _db: *const c_char,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { with(arg1, |db| db.missing("sqlite3changegroup_schema")) }
}

/// Not built: fails with an error that names it.
///
/// # Safety
/// Result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3rebaser_configure(
    _rebaser: *mut sqlite3_rebaser,
    _rebase: c_int,
    _rebase_: *const c_void,
) -> c_int {
    missing("sqlite3rebaser_configure")
}

/// Not built: fails with an error that names it.
///
/// # Safety
/// Result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3rebaser_create(new: *mut *mut sqlite3_rebaser) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { store(new, ptr::null_mut()) };
    missing("sqlite3rebaser_create")
}

/// Not built: nothing can be handed to it.
///
/// # Safety
/// Result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3rebaser_delete(_p: *mut sqlite3_rebaser) {}

/// Not built: fails with an error that names it.
///
/// # Safety
/// Result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3rebaser_rebase(
    _rebaser: *mut sqlite3_rebaser,
    _input: c_int,
    _input_: *const c_void,
    _pn_out: *mut c_int,
    out: *mut *mut c_void,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { store(out, ptr::null_mut()) };
    missing("sqlite3rebaser_rebase")
}

/// Not built: fails with an error that names it.
///
/// # Safety
/// Result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3rebaser_rebase_strm(
    _rebaser: *mut sqlite3_rebaser,
    _input: Option<unsafe extern "C" fn(*mut c_void, *mut c_void, *mut c_int) -> c_int>,
    _input_: *mut c_void,
    _output: Option<unsafe extern "C" fn(*mut c_void, *const c_void, c_int) -> c_int>,
    _out: *mut c_void,
) -> c_int {
    missing("sqlite3rebaser_rebase_strm")
}
