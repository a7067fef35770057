//! Running SQL text at once: `sqlite3_exec` and `sqlite3_get_table`.
//!
//! Spec: C/C++ Interface, "One-Step Query Execution Interface", "Convenience Routines For Running Queries".

use std::ffi::{c_char, c_int, c_void};
use std::ptr;

use super::{Entered, enter, sqlite3};
use crate::boundary::{code, store, text};
use crate::constant::*;
use crate::library;
use crate::memory;
use crate::statement::prepare::{Flags, prepare_text};
use crate::statement::{column, sqlite3_stmt, step};

type Callback = unsafe extern "C" fn(*mut c_void, c_int, *mut *mut c_char, *mut *mut c_char) -> c_int;

/// Runs all statements of a text; `callback` is told each row as text, and ends it all by giving something else than 0.
///
/// # Safety
/// `db` is NULL or a connection; `sql` is NULL or a C string; `callback` may be called with `data`; `message` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_exec(
    db: *mut sqlite3,
    sql: *const c_char,
    callback: Option<unsafe extern "C" fn(*mut c_void, c_int, *mut *mut c_char, *mut *mut c_char) -> c_int>,
    data: *mut c_void,
    message: *mut *mut c_char,
) -> c_int {
    code(|| {
        // SAFETY: the caller's contract.
        let Some(db) = (unsafe { enter(db) }) else { return library::misuse(line!()) };
        db.error.clear();
        // SAFETY: the caller's contract.
        let rc = unsafe {
            let sql = text(sql).unwrap_or_default();
            run_all(&db, sql, callback.map(|callback| (callback, data)))
        };
        // SAFETY: the caller's contract.
        unsafe {
            if rc != SQLITE_OK && !message.is_null() {
                match memory::c_string(&db.error.message_bytes()) {
                    Ok(copy) => message.write(copy),
                    Err(rc) => {
                        message.write(ptr::null_mut());
                        return db.error.set(rc);
                    }
                }
            } else {
                store(message, ptr::null_mut());
            }
        }
        db.error.shown(rc)
    })
}

/// # Safety
/// The callback may be called with its argument.
unsafe fn run_all(db: &Entered<'_>, sql: &[u8], callback: Option<(Callback, *mut c_void)>) -> c_int {
    let mut rest = sql;
    while !rest.is_empty() {
        let (statement, end) = match prepare_text(db, rest, Flags::default()) {
            Ok(prepared) => prepared,
            Err(rc) => return rc,
        };
        if let Some(statement) = statement {
            // SAFETY: by the caller.
            let rc = unsafe { run_one(db, statement, callback) };
            if rc != SQLITE_OK {
                return rc;
            }
        }
        rest = rest.get(end..).unwrap_or_default();
        let space = rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        rest = &rest[space..];
    }
    SQLITE_OK
}

/// Runs one statement and finalises it.
///
/// # Safety
/// As for [`run_all`]; `statement` is new.
unsafe fn run_one(
    db: &Entered<'_>,
    statement: *mut sqlite3_stmt,
    callback: Option<(Callback, *mut c_void)>,
) -> c_int {
    // SAFETY: by the caller.
    unsafe {
        let mut columns = Row::default();
        loop {
            let rc = step::sqlite3_step(statement);
            if let Some((callback, data)) = callback
                && rc == SQLITE_ROW
            {
                columns.fill(statement);
                if callback(data, columns.count(), columns.values.as_mut_ptr(), columns.names.as_mut_ptr())
                    != 0
                {
                    step::sqlite3_finalize(statement);
                    return db.error.set(SQLITE_ABORT);
                }
            }
            if rc != SQLITE_ROW {
                return step::sqlite3_finalize(statement);
            }
        }
    }
}

/// A row as a callback is told it.
#[derive(Default)]
struct Row {
    names: Vec<*mut c_char>,
    values: Vec<*mut c_char>,
}

impl Row {
    /// # Safety
    /// `statement` is a statement.
    unsafe fn fill(&mut self, statement: *mut sqlite3_stmt) {
        // SAFETY: by the caller.
        unsafe {
            let count = column::sqlite3_column_count(statement);
            if self.names.is_empty() {
                self.names =
                    (0..count).map(|at| column::sqlite3_column_name(statement, at).cast_mut()).collect();
            }
            self.values.clear();
            self.values.extend(
                (0..count).map(|at| column::sqlite3_column_text(statement, at).cast_mut().cast::<c_char>()),
            );
            // Programs rely on a NULL behind the last value.
            self.values.push(ptr::null_mut());
        }
    }

    fn count(&self) -> c_int {
        self.names.len() as c_int
    }
}

/// A table under way.
struct Table {
    cells: Vec<*mut c_char>,
    rows: c_int,
    columns: c_int,
    rc: c_int,
    message: Option<&'static str>,
}

unsafe extern "C" fn add_row(
    table: *mut c_void,
    count: c_int,
    values: *mut *mut c_char,
    names: *mut *mut c_char,
) -> c_int {
    // SAFETY: `sqlite3_get_table` passes its table, and `sqlite3_exec` that many values and names.
    unsafe {
        let table = &mut *table.cast::<Table>();
        let texts = |from: *mut *mut c_char| (0..count as usize).map(move |at| *from.add(at));
        if table.rows == 0 && table.columns == 0 {
            table.columns = count;
            table.cells.extend(texts(names).map(|text| copy(text)));
        } else if table.columns != count {
            table.rc = SQLITE_ERROR;
            table.message = Some("sqlite3_get_table() called with two or more incompatible queries");
            return 1;
        }
        if !values.is_null() {
            table.cells.extend(texts(values).map(|text| copy(text)));
            table.rows += 1;
        }
        0
    }
}

/// # Safety
/// `cell` is NULL or a C string.
unsafe fn copy(cell: *mut c_char) -> *mut c_char {
    // SAFETY: by the caller.
    unsafe { text(cell) }.map_or(ptr::null_mut(), |cell| memory::copy_of(cell, 1).cast())
}

/// Runs a query and gives its rows, with the names of the columns first, as an array of text for `sqlite3_free_table`.
///
/// # Safety
/// As for `sqlite3_exec`; result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_get_table(
    db: *mut sqlite3,
    sql: *const c_char,
    result: *mut *mut *mut c_char,
    row_count: *mut c_int,
    column_count: *mut c_int,
    message: *mut *mut c_char,
) -> c_int {
    code(|| {
        if result.is_null() {
            return library::misuse(line!());
        }
        let mut table = Table { cells: Vec::new(), rows: 0, columns: 0, rc: SQLITE_OK, message: None };
        // SAFETY: the caller's contract.
        unsafe {
            store(result, ptr::null_mut());
            store(row_count, 0);
            store(column_count, 0);
            store(message, ptr::null_mut());
            let mut rc = sqlite3_exec(db, sql, Some(add_row), (&raw mut table).cast(), message);
            if table.rc != SQLITE_OK && rc & 0xff == SQLITE_ABORT {
                rc = table.rc;
                if !message.is_null() {
                    memory::release((*message).cast());
                    let text = table.message.unwrap_or_default();
                    *message = memory::c_string(text.as_bytes()).unwrap_or(ptr::null_mut());
                }
                if let Some(db) = enter(db) {
                    db.error.note_code(rc);
                }
            }
            // The first place counts all, for `sqlite3_free_table`.
            let all = table.cells.len() + 1;
            let array: *mut *mut c_char = memory::allocate((all * size_of::<*mut c_char>()) as u64).cast();
            if rc != SQLITE_OK || array.is_null() {
                table.cells.iter().for_each(|&cell| memory::release(cell.cast()));
                memory::release(array.cast());
                return if rc != SQLITE_OK { rc } else { SQLITE_NOMEM };
            }
            array.write(all as *mut c_char);
            ptr::copy_nonoverlapping(table.cells.as_ptr(), array.add(1), table.cells.len());
            store(result, array.add(1));
            store(row_count, table.rows);
            store(column_count, table.columns);
            SQLITE_OK
        }
    })
}

/// Frees a table. NULL is nothing.
///
/// # Safety
/// `table` is NULL or came from `sqlite3_get_table`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_free_table(table: *mut *mut c_char) {
    crate::boundary::guard((), || {
        if table.is_null() {
            return;
        }
        // SAFETY: the caller's contract.
        unsafe {
            let array = table.sub(1);
            let all = *array as usize;
            (1..all).for_each(|at| memory::release((*array.add(at)).cast()));
            memory::release(array.cast());
        }
    });
}
