//! Whether text is a complete statement, and SQL's keywords.
//!
//! ```text
//! sqlite3_incomplete:  0..8  result code   8..16  what ends the statement   16..24  byte that closes what is open   32..64  parentheses
//! ```
//!
//! Spec: C/C++ Interface, "Determine If An SQL Statement Is Complete", "SQL Keyword Checking".

use std::ffi::{c_char, c_int, c_void};

use kernite::engine::btree::encoding::utf16_to_utf8;
use kernite::engine::parser::{self, Completeness, Missing};

use crate::boundary::{guard, store, text, wide};
use crate::constant::*;
use crate::value::NATIVE_UTF16;
use crate::{library, sqlite3_int64};

/// 1 if `sql` ends with a semicolon that ends a statement.
///
/// # Safety
/// `sql` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_complete(sql: *const c_char) -> c_int {
    guard(0, || {
        // SAFETY: the caller's contract.
        match unsafe { text(sql) } {
            Some(sql) => c_int::from(parser::complete(sql)),
            None => library::misuse(line!()),
        }
    })
}

/// As `sqlite3_complete`, of UTF-16.
///
/// # Safety
/// `sql` is NULL or UTF-16 text with a NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_complete16(sql: *const c_void) -> c_int {
    guard(0, || {
        // SAFETY: the caller's contract.
        let Some(sql) = (unsafe { wide(sql, -1) }) else { return library::misuse(line!()) };
        let mut narrow = Vec::new();
        utf16_to_utf8(sql, NATIVE_UTF16, &mut narrow);
        c_int::from(parser::complete(&narrow))
    })
}

/// What is missing from `sql`: `SQLITE_OK`, `SQLITE_EMPTY`, or fields as in the module's header.
///
/// # Safety
/// `sql` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_incomplete(sql: *const c_char) -> sqlite3_int64 {
    guard(0, || {
        // SAFETY: the caller's contract.
        let Some(sql) = (unsafe { text(sql) }) else { return library::misuse(line!()).into() };
        match parser::completeness(sql) {
            Completeness::Empty => SQLITE_EMPTY.into(),
            Completeness::Complete => SQLITE_OK.into(),
            Completeness::Incomplete { parentheses, open, missing } => {
                let missing = match missing {
                    Missing::Nothing => 0,
                    Missing::Semicolon => 1,
                    Missing::End => 2,
                    Missing::SemicolonEnd => 3,
                };
                i64::from(parentheses) << 32
                    | i64::from(open.unwrap_or(0)) << 16
                    | missing << 8
                    | i64::from(SQLITE_ERROR)
            }
        }
    })
}

/// How many keywords there are.
#[unsafe(no_mangle)]
pub extern "C" fn sqlite3_keyword_count() -> c_int {
    parser::keyword_count() as c_int
}

/// Keyword `index`, from 0. Its text does not end with a NUL.
///
/// # Safety
/// The result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_keyword_name(
    index: c_int,
    name: *mut *const c_char,
    len: *mut c_int,
) -> c_int {
    let Some(keyword) = usize::try_from(index).ok().and_then(parser::keyword_name) else {
        return SQLITE_ERROR;
    };
    // SAFETY: the caller's contract.
    unsafe {
        store(name, keyword.as_ptr().cast());
        store(len, keyword.len() as c_int);
    }
    SQLITE_OK
}

/// 1 if the `len` bytes at `name` are a keyword.
///
/// # Safety
/// `name` has that many bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_keyword_check(name: *const c_char, len: c_int) -> c_int {
    guard(0, || match usize::try_from(len) {
        Ok(len) if !name.is_null() => {
            // SAFETY: the caller's contract.
            c_int::from(parser::keyword_check(unsafe { std::slice::from_raw_parts(name.cast(), len) }))
        }
        _ => 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_told_in_fields() {
        // Seen of SQLite 3.54.1.
        for (sql, expected) in [
            (c"", 0x10),
            (c"  -- c", 0x2d_0001),
            (c"select 1;", 0),
            (c"select 1", 0x101),
            (c"select (1", 0x1_0000_0101),
            (c"select )", 0xffff_ffff_0000_0101_u64 as i64),
            (c"select '", 0x27_0101),
            (c"select [a", 0x5d_0101),
            (c"create trigger a begin select 1;", 0x201),
            (c"create trigger a begin select 1", 0x301),
            (c"select ((( '", 0x3_0027_0101),
            (c"select ( ; -- ", 0x2d_0001),
        ] {
            // SAFETY: a C string.
            assert_eq!(unsafe { sqlite3_incomplete(sql.as_ptr()) }, expected, "{sql:?}");
        }
    }

    #[test]
    fn keywords_are_found_by_number_and_by_name() {
        let (mut name, mut len) = (std::ptr::null(), 0);
        // SAFETY: the pointers are of this function; the text has that many bytes.
        unsafe {
            assert_eq!(sqlite3_keyword_name(0, &raw mut name, &raw mut len), SQLITE_OK);
            assert_eq!(sqlite3_keyword_check(name, len), 1);
            assert_eq!(sqlite3_keyword_check(c"selecta".as_ptr(), 6), 1);
            assert_eq!(sqlite3_keyword_check(c"selecta".as_ptr(), 7), 0);
            assert_eq!(
                sqlite3_keyword_name(sqlite3_keyword_count(), &raw mut name, &raw mut len),
                SQLITE_ERROR
            );
        }
    }
}
