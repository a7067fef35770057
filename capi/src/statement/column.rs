//! Columns of the row at hand, and what is known of a statement's columns.
//!
//! Spec: C/C++ Interface, "Result Values From A Query", "Column Names In A Result Set", "Source Of Data In A Query Result", "Declared
//! Datatype Of A Query Result".

use std::ffi::{c_char, c_double, c_int, c_uchar, c_void};
use std::ptr;

use kernite::engine::btree::Encoding;

use super::names::Kind;
use super::sqlite3_stmt;
use crate::boundary::guard;
use crate::constant::*;
use crate::sqlite3_int64;
use crate::value::{NATIVE_UTF16, address, integer, nothing, real, sqlite3_value, type_code};

impl sqlite3_stmt {
    /// There is no such column, or no row: NULL, and the connection's error says so.
    #[cold]
    fn note_range(&self) {
        self.db().enter().error.set(SQLITE_RANGE);
    }

    /// The encoding of text in the row at hand.
    fn row_encoding(&self) -> Encoding {
        self.encoding.get()
    }
}

/// Reads a column of the row at hand.
///
/// # Safety
/// `statement` is NULL or a statement.
#[inline(always)]
unsafe fn read<T>(
    statement: *mut sqlite3_stmt,
    column: c_int,
    none: T,
    read: impl FnOnce(&kernite::engine::vdbe::Register, Encoding) -> T,
) -> T {
    // SAFETY: by the caller.
    let Some(statement) = (unsafe { statement.as_ref() }) else { return none };
    match statement.register(column) {
        Some(register) => read(register, statement.row_encoding()),
        None => {
            statement.note_range();
            none
        }
    }
}

/// Reads the value object of a column of the row at hand.
///
/// # Safety
/// As for [`read`].
#[inline(always)]
unsafe fn read_value<T: Copy>(
    statement: *mut sqlite3_stmt,
    column: c_int,
    none: T,
    read: impl FnOnce(&mut sqlite3_value) -> T,
) -> T {
    guard(none, || {
        // SAFETY: by the caller, who alone reads this statement's columns.
        unsafe {
            let Some(statement) = statement.as_ref() else { return none };
            match statement.value(column) {
                Some(value) => read(value),
                None => {
                    statement.note_range();
                    none
                }
            }
        }
    })
}

/// A blob's bytes; NULL for an empty one.
///
/// # Safety
/// `statement` is NULL or a statement; nobody else uses it at the same time. So for all functions here. What is handed out is good until
/// the statement is stepped, reset or finalised, or the column is asked for in another form.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_column_blob(statement: *mut sqlite3_stmt, column: c_int) -> *const c_void {
    // SAFETY: the caller's contract.
    unsafe { read_value(statement, column, ptr::null(), |value| value.blob().map_or(ptr::null(), address)) }
}

/// A column as a real.
///
/// # Safety
/// As for `sqlite3_column_blob`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_column_double(statement: *mut sqlite3_stmt, column: c_int) -> c_double {
    // SAFETY: the caller's contract.
    guard(0.0, || unsafe { read(statement, column, 0.0, real) })
}

/// The low 32 bits of a column as an integer.
///
/// # Safety
/// As for `sqlite3_column_blob`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_column_int(statement: *mut sqlite3_stmt, column: c_int) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { sqlite3_column_int64(statement, column) as c_int }
}

/// A column as an integer.
///
/// # Safety
/// As for `sqlite3_column_blob`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_column_int64(statement: *mut sqlite3_stmt, column: c_int) -> sqlite3_int64 {
    // SAFETY: the caller's contract.
    guard(0, || unsafe { read(statement, column, 0, integer) })
}

/// A column as text in UTF-8 with a NUL; NULL for NULL.
///
/// # Safety
/// As for `sqlite3_column_blob`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_column_text(statement: *mut sqlite3_stmt, column: c_int) -> *const c_uchar {
    // SAFETY: the caller's contract.
    unsafe {
        read_value(statement, column, ptr::null(), |value| {
            value.text(Encoding::Utf8).map_or(ptr::null(), <[u8]>::as_ptr)
        })
    }
}

/// A column as text in UTF-16 of this machine with a NUL; NULL for NULL.
///
/// # Safety
/// As for `sqlite3_column_blob`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_column_text16(statement: *mut sqlite3_stmt, column: c_int) -> *const c_void {
    // SAFETY: the caller's contract.
    unsafe {
        read_value(statement, column, ptr::null(), |value| {
            value.text(NATIVE_UTF16).map_or(ptr::null(), |text| text.as_ptr().cast())
        })
    }
}

/// The value object of a column, good as long as the row.
///
/// # Safety
/// As for `sqlite3_column_blob`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_column_value(
    statement: *mut sqlite3_stmt,
    column: c_int,
) -> *mut sqlite3_value {
    // SAFETY: the caller's contract.
    unsafe { read_value(statement, column, nothing(), ptr::from_mut) }
}

/// How many bytes `sqlite3_column_text` or `sqlite3_column_blob` have.
///
/// # Safety
/// As for `sqlite3_column_blob`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_column_bytes(statement: *mut sqlite3_stmt, column: c_int) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { read_value(statement, column, 0, |value| value.text_len(Encoding::Utf8) as c_int) }
}

/// How many bytes `sqlite3_column_text16` has.
///
/// # Safety
/// As for `sqlite3_column_blob`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_column_bytes16(statement: *mut sqlite3_stmt, column: c_int) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { read_value(statement, column, 0, |value| value.text_len(NATIVE_UTF16) as c_int) }
}

/// The type of a column.
///
/// # Safety
/// As for `sqlite3_column_blob`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_column_type(statement: *mut sqlite3_stmt, column: c_int) -> c_int {
    // SAFETY: the caller's contract.
    guard(SQLITE_NULL, || unsafe { read(statement, column, SQLITE_NULL, |register, _| type_code(register)) })
}

/// How many columns rows have.
///
/// # Safety
/// As for `sqlite3_column_blob`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_column_count(statement: *mut sqlite3_stmt) -> c_int {
    // SAFETY: the caller's contract; nothing is called meanwhile.
    guard(0, || {
        unsafe { statement.as_ref() }
            .map_or(0, |statement| unsafe { statement.engine() }.column_count() as c_int)
    })
}

/// How many columns the row at hand has; 0 if there is none.
///
/// # Safety
/// As for `sqlite3_column_blob`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_data_count(statement: *mut sqlite3_stmt) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { statement.as_ref() }.map_or(0, |statement| statement.row_len.get() as c_int)
}

/// # Safety
/// `statement` is NULL or a statement.
unsafe fn name(statement: *mut sqlite3_stmt, column: c_int, kind: Kind, wide: bool) -> *const c_void {
    guard(ptr::null(), || {
        // SAFETY: by the caller.
        let (Some(statement), Ok(column)) = (unsafe { statement.as_ref() }, usize::try_from(column)) else {
            return ptr::null();
        };
        let _entered = statement.db().enter();
        // SAFETY: the lock is held, and nothing is called.
        let columns = unsafe { statement.engine() }.columns().clone();
        statement.names.get(&columns, column, kind, wide)
    })
}

/// The name of a column; NULL if there is no such column.
///
/// # Safety
/// As for `sqlite3_column_blob`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_column_name(statement: *mut sqlite3_stmt, column: c_int) -> *const c_char {
    // SAFETY: the caller's contract.
    unsafe { name(statement, column, Kind::Name, false).cast() }
}

/// As `sqlite3_column_name`, in UTF-16.
///
/// # Safety
/// As for `sqlite3_column_blob`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_column_name16(statement: *mut sqlite3_stmt, column: c_int) -> *const c_void {
    // SAFETY: the caller's contract.
    unsafe { name(statement, column, Kind::Name, true) }
}

/// The declared type of the table column that a column shows; NULL if it shows none.
///
/// # Safety
/// As for `sqlite3_column_blob`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_column_decltype(
    statement: *mut sqlite3_stmt,
    column: c_int,
) -> *const c_char {
    // SAFETY: the caller's contract.
    unsafe { name(statement, column, Kind::DeclaredType, false).cast() }
}

/// As `sqlite3_column_decltype`, in UTF-16.
///
/// # Safety
/// As for `sqlite3_column_blob`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_column_decltype16(
    statement: *mut sqlite3_stmt,
    column: c_int,
) -> *const c_void {
    // SAFETY: the caller's contract.
    unsafe { name(statement, column, Kind::DeclaredType, true) }
}

/// The database of the table column that a column shows; NULL if it shows none.
///
/// # Safety
/// As for `sqlite3_column_blob`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_column_database_name(
    statement: *mut sqlite3_stmt,
    column: c_int,
) -> *const c_char {
    // SAFETY: the caller's contract.
    unsafe { name(statement, column, Kind::Database, false).cast() }
}

/// As `sqlite3_column_database_name`, in UTF-16.
///
/// # Safety
/// As for `sqlite3_column_blob`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_column_database_name16(
    statement: *mut sqlite3_stmt,
    column: c_int,
) -> *const c_void {
    // SAFETY: the caller's contract.
    unsafe { name(statement, column, Kind::Database, true) }
}

/// The table of the table column that a column shows; NULL if it shows none.
///
/// # Safety
/// As for `sqlite3_column_blob`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_column_table_name(
    statement: *mut sqlite3_stmt,
    column: c_int,
) -> *const c_char {
    // SAFETY: the caller's contract.
    unsafe { name(statement, column, Kind::Table, false).cast() }
}

/// As `sqlite3_column_table_name`, in UTF-16.
///
/// # Safety
/// As for `sqlite3_column_blob`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_column_table_name16(
    statement: *mut sqlite3_stmt,
    column: c_int,
) -> *const c_void {
    // SAFETY: the caller's contract.
    unsafe { name(statement, column, Kind::Table, true) }
}

/// The name of the table column that a column shows; NULL if it shows none.
///
/// # Safety
/// As for `sqlite3_column_blob`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_column_origin_name(
    statement: *mut sqlite3_stmt,
    column: c_int,
) -> *const c_char {
    // SAFETY: the caller's contract.
    unsafe { name(statement, column, Kind::Origin, false).cast() }
}

/// As `sqlite3_column_origin_name`, in UTF-16.
///
/// # Safety
/// As for `sqlite3_column_blob`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_column_origin_name16(
    statement: *mut sqlite3_stmt,
    column: c_int,
) -> *const c_void {
    // SAFETY: the caller's contract.
    unsafe { name(statement, column, Kind::Origin, true) }
}
