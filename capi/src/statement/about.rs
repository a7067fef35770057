//! About a statement: its text, its connection, what kind it is, what it has counted.
//!
//! Spec: C/C++ Interface, "Retrieving Statement SQL", "Determine If An SQL Statement Writes The Database", "Query The EXPLAIN Setting For A
//! Prepared Statement", "Prepared Statement Status".

use std::ffi::{c_char, c_int};
use std::ptr;

use kernite::connection::raw::Explain;

use super::{handle, sqlite3_stmt, with};
use crate::boundary::guard;
use crate::connection::{self, sqlite3};
use crate::constant::*;
use crate::memory;

impl sqlite3_stmt {
    /// The statement's text.
    pub(crate) fn sql(&self) -> &[u8] {
        &self.text[..self.text.len() - 1]
    }
}

/// The text of a statement, as it was prepared.
///
/// # Safety
/// `statement` is NULL or a statement. So for all functions here.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_sql(statement: *mut sqlite3_stmt) -> *const c_char {
    // SAFETY: the caller's contract.
    match unsafe { statement.as_ref() } {
        Some(statement) if !statement.is_old => statement.text.as_ptr().cast(),
        _ => ptr::null(),
    }
}

/// The text of a statement with its parameters' values in place, to be freed with `sqlite3_free`.
///
/// # Safety
/// As for `sqlite3_sql`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_expanded_sql(statement: *mut sqlite3_stmt) -> *mut c_char {
    guard(ptr::null_mut(), || {
        // SAFETY: the caller's contract.
        let Some(statement) = (unsafe { statement.as_ref() }) else { return ptr::null_mut() };
        let entered = statement.db().enter();
        let expanded = statement.expanded();
        let len_max = entered.raw().limit(SQLITE_LIMIT_LENGTH as usize, -1);
        if expanded.len() > usize::try_from(len_max).unwrap_or(0) {
            return ptr::null_mut();
        }
        memory::copy_of(&expanded, 1).cast()
    })
}

/// The connection of a statement.
///
/// # Safety
/// As for `sqlite3_sql`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_db_handle(statement: *mut sqlite3_stmt) -> *mut sqlite3 {
    // SAFETY: the caller's contract.
    unsafe { statement.as_ref() }.map_or(ptr::null_mut(), sqlite3_stmt::db_ptr)
}

/// The statement after `statement` in its connection's list; the first after NULL.
///
/// # Safety
/// `db` is NULL or a connection, `statement` NULL or one of its statements.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_next_stmt(
    db: *mut sqlite3,
    statement: *mut sqlite3_stmt,
) -> *mut sqlite3_stmt {
    // SAFETY: the caller's contract.
    unsafe {
        connection::ask(db, ptr::null_mut(), |db| match statement.as_ref() {
            Some(statement) => statement.next.get(),
            None => db.statements.get(),
        })
    }
}

/// 1 if a statement changes no database file by itself.
///
/// # Safety
/// As for `sqlite3_sql`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_stmt_readonly(statement: *mut sqlite3_stmt) -> c_int {
    // SAFETY: the caller's contract; nothing is called meanwhile.
    unsafe { statement.as_ref() }
        .map_or(1, |statement| c_int::from(unsafe { statement.engine() }.is_read_only()))
}

/// 1 for EXPLAIN, 2 for EXPLAIN QUERY PLAN, else 0.
///
/// # Safety
/// As for `sqlite3_sql`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_stmt_isexplain(statement: *mut sqlite3_stmt) -> c_int {
    // SAFETY: the caller's contract; nothing is called meanwhile.
    match unsafe { statement.as_ref() }.map(|statement| unsafe { statement.engine() }.explained()) {
        None | Some(Explain::No) => 0,
        Some(Explain::Program) => 1,
        Some(Explain::QueryPlan) => 2,
    }
}

/// Makes a statement one that runs (0), EXPLAIN (1) or EXPLAIN QUERY PLAN (2).
///
/// # Safety
/// As for `sqlite3_sql`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_stmt_explain(statement: *mut sqlite3_stmt, mode: c_int) -> c_int {
    // SAFETY: the caller's contract.
    unsafe {
        with(statement, |statement, db| {
            let mode = match mode {
                0 => Explain::No,
                1 => Explain::Program,
                2 => Explain::QueryPlan,
                _ => return SQLITE_ERROR,
            };
            if statement.is_old {
                return SQLITE_ERROR;
            }
            if statement.is_running.get() {
                return SQLITE_BUSY;
            }
            match statement.engine().set_explained(mode) {
                Ok(()) => SQLITE_OK,
                Err(error) => db.error.fail(&error),
            }
        })
    }
}

/// 1 while a run is under way.
///
/// # Safety
/// As for `sqlite3_sql`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_stmt_busy(statement: *mut sqlite3_stmt) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { statement.as_ref() }.map_or(0, |statement| c_int::from(statement.is_running.get()))
}

/// Of old: whether a statement has to be prepared again. They are, by themselves.
///
/// # Safety
/// As for `sqlite3_sql`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_expired(statement: *mut sqlite3_stmt) -> c_int {
    // SAFETY: the caller's contract; nothing is called meanwhile.
    match unsafe { statement.as_ref() } {
        None => 1,
        Some(statement) => {
            let _entered = statement.db().enter();
            // SAFETY: as above.
            c_int::from(unsafe { statement.engine() }.is_expired())
        }
    }
}

/// A counter of a statement (`SQLITE_STMTSTATUS_…`), which can be set back to 0.
///
/// # Safety
/// As for `sqlite3_sql`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_stmt_status(
    statement: *mut sqlite3_stmt,
    counter: c_int,
    reset: c_int,
) -> c_int {
    guard(0, || {
        // SAFETY: the caller's contract.
        let Some(statement) = (unsafe { handle(statement) }) else {
            crate::library::misuse(line!());
            return 0;
        };
        let _entered = statement.db().enter();
        // SAFETY: the lock is held, and nothing is called.
        unsafe { statement.engine() }.counter(counter, reset != 0) as c_int
    })
}
