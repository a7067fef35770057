//! SQLite's texts for result codes, and the message of an error: one table for the Rust API, the C API and the shell.

use std::ffi::CStr;

use kernite_btree::Error as StorageError;
use kernite_vdbe::Error;

/// `sqlite3_errstr`: the text of a result code. Extended codes have that of their class, but for three.
pub fn text(extended_code: i32) -> &'static str {
    c_text(extended_code).to_str().unwrap_or_default()
}

/// As [`text`], for C.
pub fn c_text(extended_code: i32) -> &'static CStr {
    const ABORT_ROLLBACK: i32 = 516;
    match extended_code {
        ABORT_ROLLBACK => return c"abort due to ROLLBACK",
        100 => return c"another row available",
        101 => return c"no more rows available",
        _ => {}
    }
    match extended_code & 0xff {
        0 => c"not an error",
        1 => c"SQL logic error",
        3 => c"access permission denied",
        4 => c"query aborted",
        5 => c"database is locked",
        6 => c"database table is locked",
        7 => c"out of memory",
        8 => c"attempt to write a readonly database",
        9 => c"interrupted",
        10 => c"disk I/O error",
        11 => c"database disk image is malformed",
        12 => c"unknown operation",
        13 => c"database or disk is full",
        14 => c"unable to open database file",
        15 => c"locking protocol",
        17 => c"database schema has changed",
        18 => c"string or blob too big",
        19 => c"constraint failed",
        20 => c"datatype mismatch",
        21 => c"bad parameter or other API misuse",
        23 => c"authorization denied",
        25 => c"column index out of range",
        26 => c"file is not a database",
        27 => c"notification message",
        28 => c"warning message",
        _ => c"unknown error",
    }
}

/// The message that `sqlite3_errmsg` gives for an error.
pub fn message(error: &Error) -> String {
    own_message(error).unwrap_or_else(|| text(error.code()).to_owned())
}

/// The message of an error that has one beside the text of its code.
pub fn own_message(error: &Error) -> Option<String> {
    match error {
        Error::Message { message, .. } => Some(message.clone()),
        // A refusal names the feature; SQLite has no text for it.
        Error::Storage(StorageError::Unsupported(_)) | Error::Program { .. } => Some(error.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extended_codes_have_the_text_of_their_class() {
        assert_eq!(text(2067), "constraint failed");
        assert_eq!(text(516), "abort due to ROLLBACK");
        assert_eq!(text(16 << 8 | 10), "disk I/O error");
    }
}
