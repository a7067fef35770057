//! A connection of SQLite: SQL in, rows or an error out.
//!
//! Never: more of the C API than that takes.

use std::ffi::{CStr, CString, c_int};
use std::ptr;

use libsqlite3_sys as ffi;

use super::vfs::Vfs;
use crate::engine::{Manner, Rows, SqlError, Value};

/// An open connection.
pub struct Connection {
    db: *mut ffi::sqlite3,
}

// SAFETY: the library is built for threads, and a connection is used by one at a time.
unsafe impl Send for Connection {}

fn misuse(message: &str) -> SqlError {
    SqlError { code: ffi::SQLITE_MISUSE, message: message.into() }
}

impl Connection {
    /// Opens `path` on `vfs`, or on SQLite's own file system.
    pub fn open(path: &str, vfs: Option<&Vfs>) -> Result<Connection, SqlError> {
        let path = CString::new(path).map_err(|_| misuse("a NUL in a path"))?;
        let flags = ffi::SQLITE_OPEN_READWRITE | ffi::SQLITE_OPEN_CREATE;
        let mut db = ptr::null_mut();
        let vfs = vfs.map_or(ptr::null(), |vfs| vfs.name().as_ptr());
        // SAFETY: both texts live until the call returns; `db` is valid for writing.
        let result = unsafe { ffi::sqlite3_open_v2(path.as_ptr(), &mut db, flags, vfs) };
        let connection = Connection { db };
        if result != ffi::SQLITE_OK {
            return Err(connection.error(result));
        }
        // SAFETY: the connection is open.
        unsafe { ffi::sqlite3_extended_result_codes(db, 1) };
        // The bundled build turns foreign keys on; SQLite as it is delivered, and Kernite, do not.
        connection.run("PRAGMA foreign_keys=OFF", Manner::Whole)?;
        Ok(connection)
    }

    /// How long to wait for locks.
    pub fn busy_timeout(&self, milliseconds: u32) {
        // SAFETY: the connection is open.
        unsafe { ffi::sqlite3_busy_timeout(self.db, milliseconds as c_int) };
    }

    /// Whether no transaction is open.
    pub fn is_autocommit(&self) -> bool {
        // SAFETY: the connection is open.
        unsafe { ffi::sqlite3_get_autocommit(self.db) != 0 }
    }

    fn error(&self, result: c_int) -> SqlError {
        if self.db.is_null() {
            return SqlError { code: result, message: "out of memory".into() };
        }
        // SAFETY: the connection is open; the text is copied before anything else is called.
        let message = unsafe { CStr::from_ptr(ffi::sqlite3_errmsg(self.db)) }.to_string_lossy().into_owned();
        SqlError { code: result, message }
    }

    /// Runs one statement in some manner; it never waits.
    pub fn run(&self, sql: &str, manner: Manner) -> Result<Rows, SqlError> {
        let mut statement = ptr::null_mut();
        let length = c_int::try_from(sql.len()).map_err(|_| misuse("a statement of gigabytes"))?;
        // SAFETY: `sql` is valid for `length` bytes, `statement` for writing.
        let result = unsafe {
            ffi::sqlite3_prepare_v2(self.db, sql.as_ptr().cast(), length, &mut statement, ptr::null_mut())
        };
        if result != ffi::SQLITE_OK {
            return Err(self.error(result));
        }
        if statement.is_null() {
            return Ok(Rows::default());
        }
        let outcome = self.collect(statement, manner);
        // SAFETY: prepared above, and not used afterwards.
        unsafe { ffi::sqlite3_finalize(statement) };
        outcome
    }

    fn collect(&self, statement: *mut ffi::sqlite3_stmt, manner: Manner) -> Result<Rows, SqlError> {
        // SAFETY: the statement is prepared; names live until the next call on their column.
        let count = unsafe { ffi::sqlite3_column_count(statement) };
        let name = |column| unsafe {
            let name = ffi::sqlite3_column_name(statement, column);
            if name.is_null() { String::new() } else { CStr::from_ptr(name).to_string_lossy().into_owned() }
        };
        let names = (0..count).map(name).collect();
        let mut rows = Vec::new();
        loop {
            // SAFETY: the statement is prepared.
            match unsafe { ffi::sqlite3_step(statement) } {
                ffi::SQLITE_ROW => {
                    rows.push((0..count).map(|column| column_of(statement, column)).collect());
                    match manner {
                        Manner::Rows(n) if rows.len() >= n as usize => return Err(SqlError::given_up()),
                        // SAFETY: the connection is open.
                        Manner::Interrupt(n) if rows.len() == n as usize => unsafe {
                            ffi::sqlite3_interrupt(self.db);
                        },
                        _ => {}
                    }
                }
                ffi::SQLITE_DONE => break,
                result => return Err(self.error(result)),
            }
        }
        // SAFETY: statement and connection are open.
        let (read_only, changes, last_rowid) = unsafe {
            (
                ffi::sqlite3_stmt_readonly(statement) != 0,
                ffi::sqlite3_changes64(self.db),
                ffi::sqlite3_last_insert_rowid(self.db),
            )
        };
        Ok(Rows { names, rows, changes: if read_only { 0 } else { changes }, last_rowid })
    }
}

fn column_of(statement: *mut ffi::sqlite3_stmt, column: c_int) -> Value {
    // SAFETY: the statement stands on a row; bytes are copied before the next call on it.
    unsafe {
        let bytes = |data: *const u8| {
            let length = ffi::sqlite3_column_bytes(statement, column) as usize;
            if data.is_null() { Vec::new() } else { std::slice::from_raw_parts(data, length).to_vec() }
        };
        match ffi::sqlite3_column_type(statement, column) {
            ffi::SQLITE_INTEGER => Value::Integer(ffi::sqlite3_column_int64(statement, column)),
            ffi::SQLITE_FLOAT => Value::Real(ffi::sqlite3_column_double(statement, column)),
            ffi::SQLITE_TEXT => Value::Text(bytes(ffi::sqlite3_column_text(statement, column))),
            ffi::SQLITE_BLOB => Value::Blob(bytes(ffi::sqlite3_column_blob(statement, column).cast())),
            _ => Value::Null,
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // SAFETY: nothing uses the connection afterwards; statements were all finalised.
        unsafe { ffi::sqlite3_close(self.db) };
    }
}
