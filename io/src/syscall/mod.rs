//! The world of a unix machine, by plain system calls: every operation is over when its call returns.
//!
//! Only timers are ever queued. The blocking API pays nothing for the asynchronous one here: a read is one `pread`.
//!
//! Rooms: `raw` (the calls), `open` (flags, permissions, temporary files, paths), `file` (open files), `locks` (lock bytes and
//! lock directories), `inode` (what the handles of one file share), `shm` and `mapping` (the wal-index).
//!
//! Always true: no other `SyscallIo` of this process has one of our files open as a database (POSIX locks belong to the process, and only
//! one table can count them).
//! Never: a static, a thread, a signal handler.

mod file;
mod inode;
mod locks;
mod mapping;
mod open;
mod raw;
mod shm;

#[cfg(test)]
mod tests;

use std::os::fd::AsFd;
use std::sync::Arc;

use crate::completion::{Outstanding, Pending};
use crate::error::{IoError, IoOp};
use crate::file::{AccessMode, FileKind, OpenFlags, OpenOutcome};
use crate::host::Host;
use crate::timers::{Clock, Timers};
use crate::world::{FileStat, Instant, Io, WallTime};

use file::{Locking, SyscallFile};
use inode::InodeTable;
use locks::DotLock;
use open::c_path;

/// The machine's files, clock and randomness.
#[derive(Default)]
pub struct SyscallIo {
    host: Host,
    inodes: Arc<InodeTable>,
    timers: Timers,
}

impl SyscallIo {
    /// A world with nothing open. One per process, for the reason in the header.
    pub fn new() -> SyscallIo {
        SyscallIo::default()
    }

    fn open_now(&self, path: Option<&[u8]>, flags: &OpenFlags) -> Result<OpenOutcome, IoError> {
        let Some(path) = path else {
            let fd = open::open_temporary(&self.host)?;
            let file = SyscallFile::new(fd, true, None, None, Locking::None, false);
            return Ok(OpenOutcome { file: Arc::new(file), read_only: false });
        };
        let path = c_path(path)?;
        if flags.kind != FileKind::MainDb {
            let (fd, writable) = open::open_file(&path, flags)?;
            let path = Some(path).filter(|_| !flags.delete_on_close);
            let file = SyscallFile::new(fd, writable, path, None, Locking::None, flags.immutable);
            return Ok(OpenOutcome { file: Arc::new(file), read_only: !writable });
        }
        let wants_write = flags.access != AccessMode::ReadOnly;
        // A descriptor that waits for other handles' locks to go is as good as a new one, and one fewer of them waits then.
        let reused = (self.inodes.has_deferred() && !flags.exclusive && !flags.no_follow)
            .then(|| raw::stat(&path).ok())
            .flatten()
            .and_then(|stat| self.inodes.reuse(stat.id, wants_write));
        let (inode, fd, writable) = match reused {
            Some((inode, fd)) => (inode, fd, wants_write),
            None => {
                let (fd, writable) = open::open_file(&path, flags)?;
                let stat = raw::stat_fd(fd.as_fd());
                let id = stat.map_err(|errno| IoError::os(IoOp::Stat, 0, 0, errno))?.id;
                (self.inodes.enter(id), fd, writable)
            }
        };
        let locking = if flags.no_lock || flags.immutable {
            Locking::None
        } else if flags.dot_file_lock {
            Locking::Dot(DotLock::new(&path))
        } else {
            Locking::Posix
        };
        let path = Some(path).filter(|_| !flags.delete_on_close);
        let file = SyscallFile::new(fd, writable, path, Some(inode), locking, flags.immutable);
        Ok(OpenOutcome { file: Arc::new(file), read_only: !writable })
    }

    fn remove_now(path: &[u8], sync_dir: bool) -> Result<bool, IoError> {
        match raw::unlink(&c_path(path)?) {
            Ok(()) => {}
            Err(libc::ENOENT) => return Ok(false),
            Err(errno) => return Err(IoError::os(IoOp::Remove, 0, 0, errno)),
        }
        if sync_dir {
            open::sync_directory_of(path)?;
        }
        Ok(true)
    }

    fn stat_now(path: &[u8]) -> Result<Option<FileStat>, IoError> {
        // A path that no file can have leads to nothing.
        let Some(stat) = open::with_c_path(path, raw::stat) else { return Ok(None) };
        match stat {
            Ok(stat) => Ok(Some(FileStat {
                id: stat.id,
                len_bytes: stat.len,
                is_directory: stat.is_directory,
                mode: stat.mode,
            })),
            Err(libc::ENOENT | libc::ENOTDIR) => Ok(None),
            Err(errno) => Err(IoError::os(IoOp::Stat, 0, 0, errno)),
        }
    }
}

impl Io for SyscallIo {
    fn open(&self, path: Option<&[u8]>, flags: OpenFlags) -> Pending<OpenOutcome> {
        Pending::Done(self.open_now(path, &flags))
    }

    fn stat(&self, path: &[u8]) -> Pending<Option<FileStat>> {
        Pending::Done(SyscallIo::stat_now(path))
    }

    fn canonical(&self, path: &[u8]) -> Result<Vec<u8>, IoError> {
        open::canonical(path)
    }

    fn remove(&self, path: &[u8], sync_dir: bool) -> Pending<bool> {
        Pending::Done(SyscallIo::remove_now(path, sync_dir))
    }

    fn sync_dir(&self, path: &[u8]) -> Pending<()> {
        Pending::Done(open::sync_directory_of(path))
    }

    fn timer(&self, at: Instant) -> Pending<()> {
        self.timers.add(at, &self.host)
    }

    fn now(&self) -> WallTime {
        self.host.wall_time()
    }

    fn monotonic(&self) -> Instant {
        self.host.now()
    }

    fn fill_random(&self, out: &mut [u8]) {
        self.host.fill_random(out);
    }

    fn env(&self, name: &str) -> Option<Vec<u8>> {
        self.host.env(name)
    }

    fn local_offset(&self, at: WallTime) -> Option<i64> {
        self.host.local_offset(at)
    }

    fn process_id(&self) -> u32 {
        std::process::id()
    }

    fn flush(&self) {}

    fn wait(&self, outstanding: &Outstanding, until: Option<Instant>) -> Result<(), IoError> {
        self.timers.wait(outstanding, until, &self.host)
    }

    fn name(&self) -> &'static str {
        "unix"
    }
}
