//! Sessions: recording changes, and applying them elsewhere. Not built: every function fails and names itself.
//!
//! Spec: The Session Extension.

pub mod apply;
pub mod changegroup;
pub mod changeset;

use std::ffi::{c_char, c_int, c_void};
use std::ptr;

use crate::boundary::store;
use crate::connection::{sqlite3, with};
use crate::library::log::missing;
use crate::sqlite3_int64;

/// A recording of changes.
pub struct sqlite3_session {
    _private: [u8; 0],
}

/// A walk through a changeset.
pub struct sqlite3_changeset_iter {
    _private: [u8; 0],
}

/// Changesets that are combined.
pub struct sqlite3_changegroup {
    _private: [u8; 0],
}

/// Rebases changesets.
pub struct sqlite3_rebaser {
    _private: [u8; 0],
}

/// Not built: fails with an error that names it.
///
/// # Safety
/// Result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3session_attach(_session: *mut sqlite3_session, _tab: *const c_char) -> c_int {
    missing("sqlite3session_attach")
}

/// Not built: fails with an error that names it.
///
/// # Safety
/// Result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3session_changeset(
    _session: *mut sqlite3_session,
    _pn_changeset: *mut c_int,
    changeset: *mut *mut c_void,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { store(changeset, ptr::null_mut()) };
    missing("sqlite3session_changeset")
}

/// Not built: nothing can be handed to it; 0.
///
/// # Safety
/// Result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3session_changeset_size(_session: *mut sqlite3_session) -> sqlite3_int64 {
    0
}

/// Not built: fails with an error that names it.
///
/// # Safety
/// Result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3session_changeset_strm(
    _session: *mut sqlite3_session,
    _output: Option<unsafe extern "C" fn(*mut c_void, *const c_void, c_int) -> c_int>,
    _out: *mut c_void,
) -> c_int {
    missing("sqlite3session_changeset_strm")
}

/// Not built: fails with an error that names it.
///
/// # Safety
/// Result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3session_config(_op: c_int, _arg_: *mut c_void) -> c_int {
    missing("sqlite3session_config")
}

/// Not built: fails with an error that names it.
///
/// # Safety
/// Result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3session_create(
    db: *mut sqlite3,
    _db_: *const c_char,
    session: *mut *mut sqlite3_session,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { store(session, ptr::null_mut()) };
    // SAFETY: the caller's contract.
    unsafe { with(db, |db| db.missing("sqlite3session_create")) }
}

/// Not built: nothing can be handed to it.
///
/// # Safety
/// Result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3session_delete(_session: *mut sqlite3_session) {}

/// Not built: fails with an error that names it.
///
/// # Safety
/// Result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3session_diff(
    _session: *mut sqlite3_session,
    _from_db: *const c_char,
    _tbl: *const c_char,
    _pz_err_msg: *mut *mut c_char,
) -> c_int {
    missing("sqlite3session_diff")
}

/// Not built: fails with an error that names it.
///
/// # Safety
/// Result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3session_enable(_session: *mut sqlite3_session, _enable: c_int) -> c_int {
    missing("sqlite3session_enable")
}

/// Not built: fails with an error that names it.
///
/// # Safety
/// Result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3session_indirect(_session: *mut sqlite3_session, _indirect: c_int) -> c_int {
    missing("sqlite3session_indirect")
}

/// Not built: fails with an error that names it.
///
/// # Safety
/// Result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3session_isempty(_session: *mut sqlite3_session) -> c_int {
    missing("sqlite3session_isempty")
}

/// Not built: nothing can be handed to it; 0.
///
/// # Safety
/// Result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3session_memory_used(_session: *mut sqlite3_session) -> sqlite3_int64 {
    0
}

/// Not built: fails with an error that names it.
///
/// # Safety
/// Result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3session_object_config(
    _session: *mut sqlite3_session,
    _op: c_int,
    _arg_: *mut c_void,
) -> c_int {
    missing("sqlite3session_object_config")
}

/// Not built: fails with an error that names it.
///
/// # Safety
/// Result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3session_patchset(
    _session: *mut sqlite3_session,
    _pn_patchset: *mut c_int,
    patchset: *mut *mut c_void,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { store(patchset, ptr::null_mut()) };
    missing("sqlite3session_patchset")
}

/// Not built: fails with an error that names it.
///
/// # Safety
/// Result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3session_patchset_strm(
    _session: *mut sqlite3_session,
    _output: Option<unsafe extern "C" fn(*mut c_void, *const c_void, c_int) -> c_int>,
    _out: *mut c_void,
) -> c_int {
    missing("sqlite3session_patchset_strm")
}

/// Not built: nothing can be handed to it.
///
/// # Safety
/// Result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3session_table_filter(
    _session: *mut sqlite3_session,
    _filter: Option<unsafe extern "C" fn(*mut c_void, *const c_char) -> c_int>,
    _ctx: *mut c_void,
) {
}
