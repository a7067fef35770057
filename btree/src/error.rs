//! What can go wrong with a database file, classed by who has to act.

use kernite_io::{IoError, IoOp};

use crate::page_no::PageNo;

/// An error of the storage engine.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes break the file format; no caller's fault. `SQLITE_CORRUPT`.
    #[error("page {page:?} is malformed: {damage:?}")]
    Corrupt { page: Option<PageNo>, damage: Damage },
    /// The file is not a database, or encrypted. `SQLITE_NOTADB`.
    #[error("file is not a database")]
    NotADatabase,
    /// Another connection holds the lock; trying again may help. `SQLITE_BUSY`.
    #[error("database is locked")]
    Busy,
    /// A read transaction cannot become a write transaction because its snapshot is old. `SQLITE_BUSY_SNAPSHOT`.
    #[error("database is locked: the snapshot is old")]
    BusySnapshot,
    /// Another process is recovering the WAL. `SQLITE_BUSY_RECOVERY`.
    #[error("database is locked: recovery is under way")]
    BusyRecovery,
    /// A cursor of this connection stands in the way. `SQLITE_LOCKED`.
    #[error("database table is locked")]
    Locked,
    /// The file, or the connection, is read only. `SQLITE_READONLY`.
    #[error("attempt to write a readonly database")]
    ReadOnly(ReadOnlyReason),
    /// The database cannot grow, or the disk is full. `SQLITE_FULL`.
    #[error("database or disk is full")]
    Full,
    /// A file cannot be opened. `SQLITE_CANTOPEN`.
    #[error("unable to open database file")]
    CannotOpen,
    /// Memory could not be had. `SQLITE_NOMEM`.
    #[error("out of memory")]
    NoMemory,
    /// A string or blob is larger than allowed. `SQLITE_TOOBIG`.
    #[error("string or blob too big")]
    TooBig,
    /// The operation was interrupted. `SQLITE_INTERRUPT`.
    #[error("interrupted")]
    Interrupted,
    /// The statement's transaction was rolled back under this cursor. `SQLITE_ABORT_ROLLBACK`.
    #[error("abort due to ROLLBACK")]
    AbortRollback,
    /// The WAL or file uses a locking protocol that does not fit. `SQLITE_PROTOCOL`.
    #[error("locking protocol")]
    Protocol,
    /// The operating system refused. `SQLITE_IOERR` with the extended code of the operation.
    #[error(transparent)]
    Io(IoError),
    /// Not built; the text names the feature.
    #[error("{0} is not supported")]
    Unsupported(&'static str),
}

/// Why a database cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadOnlyReason {
    /// Opened read only, or the file has no write permission.
    Plain,
    /// The file was renamed or removed under us. `SQLITE_READONLY_DBMOVED`.
    Moved,
    /// A hot journal must be rolled back but cannot be. `SQLITE_READONLY_ROLLBACK`.
    Rollback,
    /// The WAL cannot be recovered without writing. `SQLITE_READONLY_RECOVERY`, `_CANTINIT`.
    Recovery,
    /// A journal cannot be made in the directory. `SQLITE_READONLY_DIRECTORY`.
    Directory,
}

/// What is wrong with the bytes. For messages and tests; every kind is `SQLITE_CORRUPT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Damage {
    BadHeader,
    BadPageNumber,
    BadPageKind,
    BadCellPointer,
    CellOutsidePage,
    FreeblockOutOfOrder,
    FragmentCount,
    PayloadTooLong,
    OverflowChain,
    TreeTooDeep,
    TreeTooShallow,
    Freelist,
    PointerMap,
    Record,
    ShortFile,
    RowidOrder,
    Journal,
    Wal,
    Schema,
    /// A page is in use twice, for example as a freelist leaf and in a tree.
    DoubleUse,
}

impl Error {
    /// Damage on a page.
    #[cold]
    pub fn corrupt(page: PageNo, damage: Damage) -> Error {
        Error::Corrupt { page: Some(page), damage }
    }
}

impl From<Damage> for Error {
    /// Damage found by code that does not know the page.
    #[cold]
    fn from(damage: Damage) -> Error {
        Error::Corrupt { page: None, damage }
    }
}

impl From<IoError> for Error {
    fn from(error: IoError) -> Error {
        match error {
            IoError::Busy => Error::Busy,
            IoError::Full => Error::Full,
            IoError::NoMemory => Error::NoMemory,
            IoError::CannotOpen { .. } => Error::CannotOpen,
            IoError::Failed { op: IoOp::Open, .. } => Error::CannotOpen,
            other => Error::Io(other),
        }
    }
}
