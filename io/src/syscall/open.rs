//! Opening files: flags, permissions, owners, temporary files, canonical paths.
//!
//! A journal, WAL or `-shm` gets the permissions and, where we are root, the owner of its database: whoever may write the
//! database must be able to roll back its journal.
//!
//! Never: keeping anything; the entry of a file is made by `SyscallIo`.
//! Spec: "Temporary Files Used By SQLite", "Temporary File Storage Locations".

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;

use crate::error::{IoError, IoOp};
use crate::file::{AccessMode, FileKind, OpenFlags};
use crate::host::Host;
use crate::path::{self, database_of};

use super::raw::{self, Stat};

/// Permissions of a database that is made here, before the umask.
const DEFAULT_MODE: u32 = 0o644;

/// Permissions of files that nobody else is to see.
const PRIVATE_MODE: u32 = 0o600;

/// Tries to find a name for a temporary file that nobody has. Names have 64 random bits.
const NAME_TRIES_MAX: usize = 10;

/// A path as the system wants it. No file has a name with a NUL in it.
pub(super) fn c_path(path: &[u8]) -> Result<CString, IoError> {
    CString::new(path).map_err(|_| IoError::CannotOpen { errno: libc::ENOENT, is_directory: false })
}

/// Paths up to this long become C strings on the stack: transactions ask for the journal beside the database.
const STACK_PATH_MAX: usize = 384;

/// Calls `call` with a path as a C string; `None` where it cannot be one.
pub(super) fn with_c_path<T>(path: &[u8], call: impl FnOnce(&CStr) -> T) -> Option<T> {
    if path.len() >= STACK_PATH_MAX {
        return c_path(path).ok().map(|path| call(&path));
    }
    let mut bytes = [0; STACK_PATH_MAX];
    bytes[..path.len()].copy_from_slice(path);
    CStr::from_bytes_with_nul(&bytes[..=path.len()]).ok().map(call)
}

fn cannot_open(errno: raw::Errno) -> IoError {
    IoError::CannotOpen { errno, is_directory: errno == libc::EISDIR }
}

/// Opens the file at `path`. Whether it can be written.
pub(super) fn open_file(path: &CStr, flags: &OpenFlags) -> Result<(OwnedFd, bool), IoError> {
    let is_journal = matches!(flags.kind, FileKind::MainJournal | FileKind::Wal);
    let owner = (is_journal && flags.create)
        .then(|| database_of(path.to_bytes()))
        .flatten()
        .and_then(|database| raw::stat(&CString::new(database).ok()?).ok());
    let mode = match &owner {
        Some(owner) => owner.mode,
        None if flags.delete_on_close => PRIVATE_MODE,
        None => DEFAULT_MODE,
    };
    let no_follow = if flags.no_follow { libc::O_NOFOLLOW } else { 0 };
    let create = match (flags.create, flags.exclusive) {
        (true, true) => libc::O_CREAT | libc::O_EXCL | libc::O_NOFOLLOW,
        (true, false) => libc::O_CREAT,
        (false, _) => 0,
    };
    let opened = match flags.access {
        AccessMode::ReadOnly => Err(libc::EACCES),
        AccessMode::ReadWrite | AccessMode::ReadWriteOrReadOnly => {
            raw::open(path, libc::O_RDWR | no_follow | create, mode)
        }
    };
    let (fd, writable) = match (opened, flags.access) {
        (Ok(fd), _) => (fd, true),
        (Err(errno), AccessMode::ReadWrite) => return Err(cannot_open(errno)),
        // A directory, or nothing there: reading would get no further.
        (Err(errno @ (libc::EISDIR | libc::ENOENT | libc::EEXIST)), _) => return Err(cannot_open(errno)),
        (Err(_), _) => (raw::open(path, libc::O_RDONLY | no_follow, 0).map_err(cannot_open)?, false),
    };
    if let Some(owner) = owner.filter(|_| writable) {
        adopt_owner(fd.as_fd(), &owner);
    }
    if flags.delete_on_close {
        raw::unlink(path).map_err(|errno| IoError::os(IoOp::Remove, 0, 0, errno))?;
    }
    Ok((fd, writable))
}

/// Gives a file that is empty, so maybe just made, the permissions and owner of its database. What does not work is let be, as in
/// SQLite: the file serves its maker all the same.
pub(super) fn adopt_owner(fd: BorrowedFd<'_>, owner: &Stat) {
    let Ok(stat) = raw::stat_fd(fd) else { return };
    if stat.len == 0 && stat.mode != owner.mode {
        let _ = raw::set_mode(fd, owner.mode);
    }
    if (stat.user, stat.group) != (owner.user, owner.group) {
        raw::set_owner_as_root(fd, owner.user, owner.group);
    }
}

/// The first directory where temporary files can be made.
fn temporary_directory(host: &Host) -> Option<Vec<u8>> {
    let from_env = ["SQLITE_TMPDIR", "TMPDIR"].into_iter().filter_map(|name| host.env(name));
    let fixed = ["/var/tmp", "/usr/tmp", "/tmp", "."].into_iter().map(|path| path.as_bytes().to_vec());
    from_env.chain(fixed).find(|directory| {
        let Ok(path) = CString::new(directory.as_slice()) else { return false };
        raw::stat(&path).is_ok_and(|stat| stat.is_directory)
            && raw::may_access(&path, libc::W_OK | libc::X_OK)
    })
}

/// A file that has no name any more when this returns.
pub(super) fn open_temporary(host: &Host) -> Result<OwnedFd, IoError> {
    let directory = temporary_directory(host).ok_or(cannot_open(libc::ENOENT))?;
    let flags = libc::O_RDWR | libc::O_CREAT | libc::O_EXCL | libc::O_NOFOLLOW;
    for _ in 0..NAME_TRIES_MAX {
        let mut random = [0; 8];
        host.fill_random(&mut random);
        let name = format!("/kernite-{:016x}", u64::from_ne_bytes(random));
        let path = c_path(&[directory.as_slice(), name.as_bytes()].concat())?;
        match raw::open(&path, flags, PRIVATE_MODE) {
            Ok(fd) => {
                raw::unlink(&path).map_err(|errno| IoError::os(IoOp::Remove, 0, 0, errno))?;
                return Ok(fd);
            }
            Err(libc::EEXIST) => {}
            Err(errno) => return Err(cannot_open(errno)),
        }
    }
    Err(cannot_open(libc::EEXIST))
}

/// Makes the entries of the directory that holds `path` durable. Nothing happens where the directory cannot be opened, or the file
/// system has no such call: SQLite lets that be too.
pub(super) fn sync_directory_of(path: &[u8]) -> Result<(), IoError> {
    let directory = c_path(path::directory_of(path))?;
    let Ok(fd) = raw::open(&directory, libc::O_RDONLY | libc::O_DIRECTORY, 0) else { return Ok(()) };
    match raw::sync_all(fd.as_fd()) {
        Ok(()) | Err(libc::EINVAL | libc::ENOTSUP) => Ok(()),
        Err(errno) => Err(IoError::os(IoOp::SyncDir, 0, 0, errno)),
    }
}

/// The absolute path without symbolic links.
#[allow(clippy::disallowed_methods)]
pub(super) fn canonical(path: &[u8]) -> Result<Vec<u8>, IoError> {
    let refused = |error: std::io::Error| cannot_open(error.raw_os_error().unwrap_or(0));
    let cwd = || Ok(std::env::current_dir().map_err(refused)?.into_os_string().into_vec());
    path::canonical(path, cwd, |at| {
        let at = c_path(at)?;
        match raw::stat_link(&at) {
            Ok(stat) if stat.is_link => raw::read_link(&at).map(Some).map_err(cannot_open),
            Ok(_) | Err(libc::ENOENT) => Ok(None),
            Err(errno) => Err(cannot_open(errno)),
        }
    })
}
