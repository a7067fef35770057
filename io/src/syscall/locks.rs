//! SQLite's lock bytes as POSIX locks, and lock directories for file systems without them.
//!
//! ```text
//! 0x40000000  PENDING    write: a writer waits for readers to leave; no new reader comes in
//!          +1 RESERVED   write: a writer has begun, readers go on
//!          +2 SHARED     read: a reader; write: the exclusive writer          (510 bytes, for systems that lock single bytes at random)
//! ```
//!
//! A reader has to see that nobody is pending, and then holds the shared range. SQLite holds the pending byte for reading while it
//! takes the shared range and then gives it back; we only ask about it, which is one call less and decides the same: a writer who
//! becomes pending between the two calls finds a reader that came just before it. It also never makes a second writer's try for the pending
//! byte fail for no reason.
//!
//! Never: counting handles (that is `levels`), waiting.
//! Spec: "File Locking And Concurrency In SQLite Version 3"; the database file format's "lock-byte page".

use std::ffi::{CStr, CString};
use std::os::fd::BorrowedFd;

use crate::error::{IoError, IoOp};
use crate::file::LockLevel;

use super::raw::{self, ByteLock, Errno};

const PENDING_BYTE: u64 = 0x4000_0000;
const RESERVED_BYTE: u64 = PENDING_BYTE + 1;
const SHARED_FIRST: u64 = PENDING_BYTE + 2;
const SHARED_SIZE: u64 = 510;

/// What a refused lock means: held by another, or something that trying again does not mend.
pub(super) fn lock_error(op: IoOp, errno: Errno) -> IoError {
    match errno {
        libc::EACCES | libc::EAGAIN | libc::ETIMEDOUT | libc::EBUSY | libc::EINTR | libc::ENOLCK => {
            IoError::Busy
        }
        libc::EPERM => IoError::Permission,
        _ => IoError::os(op, 0, 0, errno),
    }
}

fn set(fd: BorrowedFd<'_>, lock: ByteLock, start: u64, len: u64) -> Result<(), IoError> {
    raw::set_lock(fd, lock, start, len).map_err(|errno| lock_error(IoOp::Lock, errno))
}

/// A refused unlock is never "busy".
fn unset(fd: BorrowedFd<'_>, start: u64, len: u64) -> Result<(), IoError> {
    raw::set_lock(fd, ByteLock::None, start, len).map_err(|errno| IoError::os(IoOp::Unlock, start, 0, errno))
}

/// None to Shared.
pub(super) fn take_shared(fd: BorrowedFd<'_>) -> Result<(), IoError> {
    let pending = raw::conflicting_lock(fd, ByteLock::Read, PENDING_BYTE, 1);
    if pending.map_err(|errno| lock_error(IoOp::Lock, errno))? != ByteLock::None {
        return Err(IoError::Busy);
    }
    set(fd, ByteLock::Read, SHARED_FIRST, SHARED_SIZE)
}

/// Shared to Reserved.
pub(super) fn take_reserved(fd: BorrowedFd<'_>) -> Result<(), IoError> {
    set(fd, ByteLock::Write, RESERVED_BYTE, 1)
}

/// Reserved to Pending.
pub(super) fn take_pending(fd: BorrowedFd<'_>) -> Result<(), IoError> {
    set(fd, ByteLock::Write, PENDING_BYTE, 1)
}

/// To Exclusive.
pub(super) fn take_exclusive(fd: BorrowedFd<'_>) -> Result<(), IoError> {
    set(fd, ByteLock::Write, SHARED_FIRST, SHARED_SIZE)
}

/// From Exclusive, for the shared range.
pub(super) fn exclusive_to_shared(fd: BorrowedFd<'_>) -> Result<(), IoError> {
    let set = raw::set_lock(fd, ByteLock::Read, SHARED_FIRST, SHARED_SIZE);
    set.map_err(|errno| IoError::os(IoOp::Unlock, SHARED_FIRST, 0, errno))
}

/// Reserved and Pending.
pub(super) fn drop_writer(fd: BorrowedFd<'_>) -> Result<(), IoError> {
    unset(fd, PENDING_BYTE, 2)
}

/// Everything on the file.
pub(super) fn drop_all(fd: BorrowedFd<'_>) -> Result<(), IoError> {
    unset(fd, 0, 0)
}

/// Whether another process holds Reserved.
pub(super) fn reserved_elsewhere(fd: BorrowedFd<'_>) -> Result<bool, IoError> {
    raw::conflicting_lock(fd, ByteLock::Write, RESERVED_BYTE, 1)
        .map(|lock| lock != ByteLock::None)
        .map_err(|errno| IoError::os(IoOp::CheckReservedLock, RESERVED_BYTE, 0, errno))
}

/// A lock that is a directory `FILE.lock`: held by whoever made it, always exclusively.
pub(super) struct DotLock {
    path: CString,
}

impl DotLock {
    /// For the database at `path`.
    pub(super) fn new(path: &CStr) -> DotLock {
        let mut name = path.to_bytes().to_vec();
        name.extend_from_slice(b".lock");
        // A C string and a suffix have no NUL in between.
        DotLock { path: CString::new(name).unwrap_or_default() }
    }

    /// Moves from `mine` to `want`.
    pub(super) fn change(&self, mine: LockLevel, want: LockLevel) -> Result<(), IoError> {
        if want > mine && mine > LockLevel::None {
            // Holds it already. The time tells whoever finds the directory that its maker is alive.
            let _ = raw::touch(&self.path);
            Ok(())
        } else if want > mine {
            match raw::make_directory(&self.path) {
                Err(libc::EEXIST) => Err(IoError::Busy),
                made => made.map_err(|errno| lock_error(IoOp::Lock, errno)),
            }
        } else if want == LockLevel::None && mine > want {
            match raw::remove_directory(&self.path) {
                Err(libc::ENOENT) => Ok(()),
                gone => gone.map_err(|errno| IoError::os(IoOp::Unlock, 0, 0, errno)),
            }
        } else {
            Ok(())
        }
    }

    /// Whether another has it, asked by one who holds `mine`: there is only one holder.
    pub(super) fn reserved(&self, mine: LockLevel) -> bool {
        mine == LockLevel::None && raw::may_access(&self.path, libc::F_OK)
    }
}
