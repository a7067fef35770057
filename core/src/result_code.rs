//! SQLite's texts for result codes, and the message of an error: one table for the Rust API, the C API and the shell.

use kernite_btree::Error as StorageError;
use kernite_vdbe::Error;

/// `sqlite3_errstr`: the text of a result code. Extended codes have that of their class, but for three.
pub fn text(extended_code: i32) -> &'static str {
    const ABORT_ROLLBACK: i32 = 516;
    match extended_code {
        ABORT_ROLLBACK => return "abort due to ROLLBACK",
        100 => return "another row available",
        101 => return "no more rows available",
        _ => {}
    }
    match extended_code & 0xff {
        0 => "not an error",
        1 => "SQL logic error",
        3 => "access permission denied",
        4 => "query aborted",
        5 => "database is locked",
        6 => "database table is locked",
        7 => "out of memory",
        8 => "attempt to write a readonly database",
        9 => "interrupted",
        10 => "disk I/O error",
        11 => "database disk image is malformed",
        12 => "unknown operation",
        13 => "database or disk is full",
        14 => "unable to open database file",
        15 => "locking protocol",
        17 => "database schema has changed",
        18 => "string or blob too big",
        19 => "constraint failed",
        20 => "datatype mismatch",
        21 => "bad parameter or other API misuse",
        22 => "large file support is disabled",
        23 => "authorization denied",
        25 => "column index out of range",
        26 => "file is not a database",
        27 => "notification message",
        28 => "warning message",
        _ => "unknown error",
    }
}

/// The message that `sqlite3_errmsg` gives for an error.
pub fn message(error: &Error) -> String {
    match error {
        Error::Message { message, .. } => message.clone(),
        // A refusal names the feature; SQLite has no text for it.
        Error::Storage(StorageError::Unsupported(_)) | Error::Program { .. } => error.to_string(),
        error => text(error.code()).to_owned(),
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
