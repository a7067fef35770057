//! Changesets: walking through recorded changes. Not built: every function fails and names itself.
//!
//! Spec: The Session Extension.

use std::ffi::{c_char, c_int, c_uchar, c_void};
use std::ptr;

use super::sqlite3_changeset_iter;
use crate::boundary::store;
use crate::library::log::missing;
use crate::value::sqlite3_value;

/// Not built: fails with an error that names it.
///
/// # Safety
/// Result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3changeset_concat(
    _a: c_int,
    _a_: *mut c_void,
    _b: c_int,
    _b_: *mut c_void,
    _pn_out: *mut c_int,
    out: *mut *mut c_void,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { store(out, ptr::null_mut()) };
    missing("sqlite3changeset_concat")
}

/// Not built: fails with an error that names it.
///
/// # Safety
/// Result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3changeset_concat_strm(
    _input_a: Option<unsafe extern "C" fn(*mut c_void, *mut c_void, *mut c_int) -> c_int>,
    _in_a: *mut c_void,
    _input_b: Option<unsafe extern "C" fn(*mut c_void, *mut c_void, *mut c_int) -> c_int>,
    _in_b: *mut c_void,
    _output: Option<unsafe extern "C" fn(*mut c_void, *const c_void, c_int) -> c_int>,
    _out: *mut c_void,
) -> c_int {
    missing("sqlite3changeset_concat_strm")
}

/// Not built: fails with an error that names it.
///
/// # Safety
/// Result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3changeset_conflict(
    _iter: *mut sqlite3_changeset_iter,
    _val: c_int,
    value: *mut *mut sqlite3_value,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { store(value, ptr::null_mut()) };
    missing("sqlite3changeset_conflict")
}

/// Not built: fails with an error that names it.
///
/// # Safety
/// Result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3changeset_finalize(_iter: *mut sqlite3_changeset_iter) -> c_int {
    missing("sqlite3changeset_finalize")
}

/// Not built: fails with an error that names it.
///
/// # Safety
/// Result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3changeset_fk_conflicts(
    _iter: *mut sqlite3_changeset_iter,
    _pn_out: *mut c_int,
) -> c_int {
    missing("sqlite3changeset_fk_conflicts")
}

/// Not built: fails with an error that names it.
///
/// # Safety
/// Result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3changeset_invert(
    _input: c_int,
    _input_: *const c_void,
    _pn_out: *mut c_int,
    out: *mut *mut c_void,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { store(out, ptr::null_mut()) };
    missing("sqlite3changeset_invert")
}

/// Not built: fails with an error that names it.
///
/// # Safety
/// Result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3changeset_invert_strm(
    _input: Option<unsafe extern "C" fn(*mut c_void, *mut c_void, *mut c_int) -> c_int>,
    _input_: *mut c_void,
    _output: Option<unsafe extern "C" fn(*mut c_void, *const c_void, c_int) -> c_int>,
    _out: *mut c_void,
) -> c_int {
    missing("sqlite3changeset_invert_strm")
}

/// Not built: fails with an error that names it.
///
/// # Safety
/// Result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3changeset_new(
    _iter: *mut sqlite3_changeset_iter,
    _val: c_int,
    value: *mut *mut sqlite3_value,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { store(value, ptr::null_mut()) };
    missing("sqlite3changeset_new")
}

/// Not built: fails with an error that names it.
///
/// # Safety
/// Result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3changeset_next(_iter: *mut sqlite3_changeset_iter) -> c_int {
    missing("sqlite3changeset_next")
}

/// Not built: fails with an error that names it.
///
/// # Safety
/// Result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3changeset_old(
    _iter: *mut sqlite3_changeset_iter,
    _val: c_int,
    value: *mut *mut sqlite3_value,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { store(value, ptr::null_mut()) };
    missing("sqlite3changeset_old")
}

/// Not built: fails with an error that names it.
///
/// # Safety
/// Result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3changeset_op(
    _iter: *mut sqlite3_changeset_iter,
    _pz_tab: *mut *const c_char,
    _pn_col: *mut c_int,
    _op: *mut c_int,
    _pb_indirect: *mut c_int,
) -> c_int {
    missing("sqlite3changeset_op")
}

/// Not built: fails with an error that names it.
///
/// # Safety
/// Result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3changeset_pk(
    _iter: *mut sqlite3_changeset_iter,
    pab_pk: *mut *mut c_uchar,
    _pn_col: *mut c_int,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { store(pab_pk, ptr::null_mut()) };
    missing("sqlite3changeset_pk")
}

/// Not built: fails with an error that names it.
///
/// # Safety
/// Result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3changeset_start(
    pp: *mut *mut sqlite3_changeset_iter,
    _changeset: c_int,
    _changeset_: *mut c_void,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { store(pp, ptr::null_mut()) };
    missing("sqlite3changeset_start")
}

/// Not built: fails with an error that names it.
///
/// # Safety
/// Result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3changeset_start_strm(
    pp: *mut *mut sqlite3_changeset_iter,
    _input: Option<unsafe extern "C" fn(*mut c_void, *mut c_void, *mut c_int) -> c_int>,
    _input_: *mut c_void,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { store(pp, ptr::null_mut()) };
    missing("sqlite3changeset_start_strm")
}

/// Not built: fails with an error that names it.
///
/// # Safety
/// Result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3changeset_start_v2(
    pp: *mut *mut sqlite3_changeset_iter,
    _changeset: c_int,
    _changeset_: *mut c_void,
    _flags: c_int,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { store(pp, ptr::null_mut()) };
    missing("sqlite3changeset_start_v2")
}

/// Not built: fails with an error that names it.
///
/// # Safety
/// Result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3changeset_start_v2_strm(
    pp: *mut *mut sqlite3_changeset_iter,
    _input: Option<unsafe extern "C" fn(*mut c_void, *mut c_void, *mut c_int) -> c_int>,
    _input_: *mut c_void,
    _flags: c_int,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { store(pp, ptr::null_mut()) };
    missing("sqlite3changeset_start_v2_strm")
}
