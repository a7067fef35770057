//! Errors at run time, with SQLite's result code and text.

use kernite_btree::Error as StorageError;

/// SQLite's primary and extended result codes, as numbers (`SQLITE_CONSTRAINT_UNIQUE` = 2067).
pub type ResultCode = i32;

/// An error that ends a statement.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The storage engine failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Any error with SQLite's code and finished text (constraint failures, RAISE, user functions, `out of range`…).
    #[error("{message}")]
    Message { code: ResultCode, message: String },
    /// A program that breaks the machine's rules: a bug of ours, reported instead of a panic.
    #[error("malformed program at {at}: {what}")]
    Program { at: u32, what: &'static str },
}

impl Error {
    /// An error with SQLite's generic code 1 (`SQLITE_ERROR`).
    pub fn message(message: impl Into<String>) -> Error {
        Error::Message { code: 1, message: message.into() }
    }

    /// An error with a code of its own.
    pub fn with_code(code: ResultCode, message: impl Into<String>) -> Error {
        Error::Message { code, message: message.into() }
    }
}
