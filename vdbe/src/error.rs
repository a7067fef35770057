//! Errors at run time, with SQLite's result code and text.

use kernite_btree::Error as StorageError;
use kernite_btree::error::ReadOnlyReason;
use kernite_io::{IoError, IoOp};

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

impl Error {
    /// SQLite's extended result code.
    pub fn code(&self) -> ResultCode {
        const INTERNAL: ResultCode = 2;
        match self {
            Error::Storage(error) => storage_code(error),
            Error::Message { code, .. } => *code,
            Error::Program { .. } => INTERNAL,
        }
    }
}

/// The extended result code of a storage error.
fn storage_code(error: &StorageError) -> ResultCode {
    const READONLY: ResultCode = 8;
    const UNSUPPORTED: ResultCode = 1;
    match error {
        StorageError::Corrupt { .. } => 11,
        StorageError::NotADatabase => 26,
        StorageError::Busy => 5,
        StorageError::BusyRecovery => 5 | 1 << 8,
        StorageError::BusySnapshot => 5 | 2 << 8,
        StorageError::Locked => 6,
        StorageError::ReadOnly(reason) => match reason {
            ReadOnlyReason::Plain => READONLY,
            ReadOnlyReason::Recovery => READONLY | 1 << 8,
            ReadOnlyReason::Rollback => READONLY | 3 << 8,
            ReadOnlyReason::Moved => READONLY | 4 << 8,
            ReadOnlyReason::Directory => READONLY | 6 << 8,
        },
        StorageError::Full => 13,
        StorageError::CannotOpen => 14,
        StorageError::NoMemory => 7,
        StorageError::TooBig => 18,
        StorageError::Interrupted => 9,
        StorageError::AbortRollback => 4 | 2 << 8,
        StorageError::Protocol => 15,
        StorageError::Io(error) => io_code(error),
        _ => UNSUPPORTED,
    }
}

/// `SQLITE_IOERR` with the extended code of the call.
fn io_code(error: &IoError) -> ResultCode {
    const IOERR: ResultCode = 10;
    let extended = match error {
        IoError::Failed { op, .. } => match op {
            IoOp::Read => 1,
            IoOp::ShortRead => 2,
            IoOp::Write => 3,
            IoOp::Sync => 4,
            IoOp::SyncDir => 5,
            IoOp::Truncate => 6,
            IoOp::Length | IoOp::Stat => 7,
            IoOp::Unlock => 8,
            IoOp::Remove => 10,
            IoOp::CheckReservedLock => 14,
            IoOp::Lock => 15,
            IoOp::Close => 16,
            IoOp::ShmOpen => 18,
            IoOp::ShmSize => 19,
            IoOp::ShmLock => 20,
            IoOp::ShmMap => 21,
            _ => 0,
        },
        _ => 0,
    };
    IOERR | extended << 8
}
