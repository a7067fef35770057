//! What the operating system refused, and which call it was.

/// The call that failed. Decides the extended result code (`SQLITE_IOERR_READ`, `_WRITE`, …).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IoOp {
    Read,
    ShortRead,
    Write,
    Sync,
    SyncDir,
    Truncate,
    Length,
    Stat,
    Open,
    Remove,
    Canonical,
    Lock,
    Unlock,
    CheckReservedLock,
    ShmOpen,
    ShmSize,
    ShmMap,
    ShmLock,
    Close,
    Random,
    Wait,
}

/// An error of the world outside. Says nothing of what the engine wanted with the bytes.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IoError {
    /// A call failed. `errno` is the operating system's number, 0 where a backend made the error itself.
    #[error("{op:?} of {len} bytes at offset {offset} failed (errno {errno})")]
    Failed { op: IoOp, offset: u64, len: usize, errno: i32 },
    /// Another process or connection holds a conflicting lock. `SQLITE_BUSY`.
    #[error("the lock is held by another")]
    Busy,
    /// No space is left on the device or the quota is used up. `SQLITE_FULL`.
    #[error("no space left")]
    Full,
    /// The file cannot be opened: absent, a directory, no permission. `SQLITE_CANTOPEN`.
    #[error("cannot open the file (errno {errno})")]
    CannotOpen { errno: i32, is_directory: bool },
    /// No permission for what was asked of an open file. `SQLITE_PERM`/`SQLITE_READONLY`.
    #[error("permission denied")]
    Permission,
    /// Memory could not be had. `SQLITE_NOMEM`.
    #[error("out of memory")]
    NoMemory,
    /// Shared memory cannot be used on this file (no write permission for `-shm`, or a file system without `mmap`).
    #[error("shared memory cannot be used")]
    NoSharedMemory,
    /// The `-shm` may only be read, and no process that could make it valid has it open: what it holds may be left from
    /// before a crash. `SQLITE_READONLY_CANTINIT`.
    #[error("read-only shared memory that nobody made valid")]
    ShmNotInitialised,
    /// The simulated process was killed: from this call on its calls have no effect.
    #[error("the process is dead")]
    Dead,
}

impl IoError {
    /// A failed call on a file, with the operating system's reason.
    pub fn os(op: IoOp, offset: u64, len: usize, errno: i32) -> IoError {
        IoError::Failed { op, offset, len, errno }
    }
}
