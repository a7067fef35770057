//! Errors of the public API.
//!
//! [`Error::SqliteFailure`] carries what SQLite would: the extended result code and the message. The other variants are mistakes in the use
//! of this API.

use kernite_vdbe::Error as EngineError;

use super::types::{FromSqlError, Type};
use crate::result_code;

/// Result of this API.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// SQLite's result code: the extended one, and the class that it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SqliteFailure {
    pub code: ErrorCode,
    pub extended_code: i32,
}

impl std::fmt::Display for SqliteFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "error code {}: {}", self.extended_code, result_code::text(self.extended_code))
    }
}

/// Primary result codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorCode {
    InternalMalfunction,
    PermissionDenied,
    OperationAborted,
    DatabaseBusy,
    DatabaseLocked,
    OutOfMemory,
    ReadOnly,
    OperationInterrupted,
    SystemIoFailure,
    DatabaseCorrupt,
    NotFound,
    DiskFull,
    CannotOpen,
    FileLockingProtocolFailed,
    SchemaChanged,
    TooBig,
    ConstraintViolation,
    TypeMismatch,
    ApiMisuse,
    NoLargeFileSupport,
    AuthorizationForStatementDenied,
    ParameterOutOfRange,
    NotADatabase,
    Unknown,
}

impl ErrorCode {
    fn of(extended_code: i32) -> ErrorCode {
        match extended_code & 0xff {
            2 => ErrorCode::InternalMalfunction,
            3 => ErrorCode::PermissionDenied,
            4 => ErrorCode::OperationAborted,
            5 => ErrorCode::DatabaseBusy,
            6 => ErrorCode::DatabaseLocked,
            7 => ErrorCode::OutOfMemory,
            8 => ErrorCode::ReadOnly,
            9 => ErrorCode::OperationInterrupted,
            10 => ErrorCode::SystemIoFailure,
            11 => ErrorCode::DatabaseCorrupt,
            12 => ErrorCode::NotFound,
            13 => ErrorCode::DiskFull,
            14 => ErrorCode::CannotOpen,
            15 => ErrorCode::FileLockingProtocolFailed,
            17 => ErrorCode::SchemaChanged,
            18 => ErrorCode::TooBig,
            19 => ErrorCode::ConstraintViolation,
            20 => ErrorCode::TypeMismatch,
            21 => ErrorCode::ApiMisuse,
            22 => ErrorCode::NoLargeFileSupport,
            23 => ErrorCode::AuthorizationForStatementDenied,
            25 => ErrorCode::ParameterOutOfRange,
            26 => ErrorCode::NotADatabase,
            _ => ErrorCode::Unknown,
        }
    }
}

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The engine failed: SQLite's code and message.
    #[error("{}", .1.as_deref().unwrap_or(result_code::text(.0.extended_code)))]
    SqliteFailure(SqliteFailure, Option<String>),
    /// `query_row` found no row.
    #[error("Query returned no rows")]
    QueryReturnedNoRows,
    /// There is no such column.
    #[error("Invalid column index: {0}")]
    InvalidColumnIndex(usize),
    /// There is no column of this name.
    #[error("Invalid column name: {0}")]
    InvalidColumnName(String),
    /// The column holds another type than was asked for.
    #[error("Invalid column type {2} at index: {0}, name: {1}")]
    InvalidColumnType(usize, String, Type),
    /// The value does not fit the type that was asked for.
    #[error("Conversion error from type {1} at index: {0}, {2}")]
    FromSqlConversionFailure(usize, Type, FromSqlError),
    /// An integer does not fit the type that was asked for.
    #[error("Integer {1} out of range at index {0}")]
    IntegralValueOutOfRange(usize, i64),
    /// There is no parameter of this name.
    #[error("Invalid parameter name: {0}")]
    InvalidParameterName(String),
    /// Another number of parameters was given than the statement has: given, wanted.
    #[error("Wrong number of parameters passed to query. Got {0}, needed {1}")]
    InvalidParameterCount(usize, usize),
    /// `execute` was used on a statement that returns rows.
    #[error("Execute returned results - did you mean to call query?")]
    ExecuteReturnedResults,
    /// More than one statement where one is wanted.
    #[error("Multiple statements provided")]
    MultipleStatement,
    /// A value cannot be turned into one that a database holds.
    #[error("{0}")]
    ToSqlConversionFailure(String),
    /// A user's function failed.
    #[error("{0}")]
    UserFunctionError(String),
}

impl Error {
    /// SQLite's primary result code, where the engine failed.
    pub fn sqlite_error_code(&self) -> Option<ErrorCode> {
        match self {
            Error::SqliteFailure(failure, _) => Some(failure.code),
            _ => None,
        }
    }

    /// SQLite's extended result code, where the engine failed.
    pub fn extended_code(&self) -> Option<i32> {
        match self {
            Error::SqliteFailure(failure, _) => Some(failure.extended_code),
            _ => None,
        }
    }
}

impl From<EngineError> for Error {
    fn from(error: EngineError) -> Error {
        let extended_code = error.code();
        let message = result_code::message(&error);
        Error::SqliteFailure(
            SqliteFailure { code: ErrorCode::of(extended_code), extended_code },
            Some(message),
        )
    }
}
