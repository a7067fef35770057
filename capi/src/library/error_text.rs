//! What result codes are called in English.
//!
//! Spec: C/C++ Interface, "Error Codes And Messages" (`sqlite3_errstr`).

use std::ffi::{CStr, c_char, c_int};

use crate::constant::*;

/// The text of a result code; an extended one has its primary code's text.
pub(crate) fn error_text(code: c_int) -> &'static CStr {
    match code {
        SQLITE_ABORT_ROLLBACK => return c"abort due to ROLLBACK",
        SQLITE_ROW => return c"another row available",
        SQLITE_DONE => return c"no more rows available",
        _ => {}
    }
    match code & 0xff {
        SQLITE_OK => c"not an error",
        SQLITE_ERROR => c"SQL logic error",
        SQLITE_PERM => c"access permission denied",
        SQLITE_ABORT => c"query aborted",
        SQLITE_BUSY => c"database is locked",
        SQLITE_LOCKED => c"database table is locked",
        SQLITE_NOMEM => c"out of memory",
        SQLITE_READONLY => c"attempt to write a readonly database",
        SQLITE_INTERRUPT => c"interrupted",
        SQLITE_IOERR => c"disk I/O error",
        SQLITE_CORRUPT => c"database disk image is malformed",
        SQLITE_NOTFOUND => c"unknown operation",
        SQLITE_FULL => c"database or disk is full",
        SQLITE_CANTOPEN => c"unable to open database file",
        SQLITE_PROTOCOL => c"locking protocol",
        SQLITE_SCHEMA => c"database schema has changed",
        SQLITE_TOOBIG => c"string or blob too big",
        SQLITE_CONSTRAINT => c"constraint failed",
        SQLITE_MISMATCH => c"datatype mismatch",
        SQLITE_MISUSE => c"bad parameter or other API misuse",
        SQLITE_AUTH => c"authorization denied",
        SQLITE_RANGE => c"column index out of range",
        SQLITE_NOTADB => c"file is not a database",
        SQLITE_NOTICE => c"notification message",
        SQLITE_WARNING => c"warning message",
        _ => c"unknown error",
    }
}

/// The text of a result code.
#[unsafe(no_mangle)]
pub extern "C" fn sqlite3_errstr(code: c_int) -> *const c_char {
    error_text(code).as_ptr()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extended_codes_have_the_text_of_their_primary_code() {
        assert_eq!(error_text(SQLITE_IOERR_SHORT_READ), c"disk I/O error");
        assert_eq!(error_text(SQLITE_ABORT_ROLLBACK), c"abort due to ROLLBACK");
        assert_eq!(error_text(SQLITE_DONE), c"no more rows available");
        assert_eq!(error_text(102), c"unknown error");
        assert_eq!(error_text(-1), c"unknown error");
    }
}
