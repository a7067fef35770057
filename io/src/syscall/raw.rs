//! System calls with a safe interface: one function per call, errors as `errno`.
//!
//! `std::fs` does not do: it has no `fcntl` locks, no vectored positioned writes, and its metadata calls cost more than `fstat`.
//!
//! Always true: a call that a signal interrupted is made again; descriptors are closed when dropped, never inherited by
//! programs that this process starts, and never 0, 1 or 2.
//! Never: deciding what an error means; that is the caller's.

use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use libc::{c_int, c_short, off_t};

use crate::buffer::IoSlice;
use crate::file::FileId;

#[cfg(not(target_os = "linux"))]
use libc::{
    fstat as sys_fstat, ftruncate as sys_ftruncate, lstat as sys_lstat, pread as sys_pread,
    pwrite as sys_pwrite, pwritev as sys_pwritev, stat as sys_stat, stat as SysStat,
};
#[cfg(target_os = "linux")]
use libc::{
    fstat64 as sys_fstat, ftruncate64 as sys_ftruncate, lstat64 as sys_lstat, pread64 as sys_pread,
    pwrite64 as sys_pwrite, pwritev64 as sys_pwritev, stat64 as sys_stat, stat64 as SysStat,
};

/// The operating system's number of an error.
pub(super) type Errno = i32;

/// Slices of one vectored write. Half of Linux's IOV_MAX, so that the list needs no heap; a longer list is written in several calls.
pub(super) const SLICES_MAX: usize = 512;

fn last_errno() -> Errno {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

/// Makes `call` until no signal interrupts it. -1 is an error.
fn retry(mut call: impl FnMut() -> isize) -> Result<usize, Errno> {
    loop {
        if let Ok(value) = usize::try_from(call()) {
            return Ok(value);
        }
        match last_errno() {
            libc::EINTR => {}
            errno => return Err(errno),
        }
    }
}

fn retry_int(mut call: impl FnMut() -> c_int) -> Result<c_int, Errno> {
    retry(|| call() as isize).map(|value| value as c_int)
}

fn offset(at: u64) -> Result<i64, Errno> {
    i64::try_from(at).map_err(|_| libc::EFBIG)
}

/// Opens `path`. `mode` is for a file that this makes, before the umask.
///
/// A descriptor below 3 is given back and its number filled with `/dev/null`: a program that closed its standard output and
/// prints to it anyway would otherwise print into a database.
pub(super) fn open(path: &CStr, flags: c_int, mode: u32) -> Result<OwnedFd, Errno> {
    let open_once = |path: &CStr, flags: c_int| {
        let raw = retry_int(|| {
            // SAFETY: `path` is a C string for the time of the call.
            unsafe {
                libc::open(path.as_ptr(), flags | libc::O_CLOEXEC, libc::c_uint::from(mode as libc::mode_t))
            }
        })?;
        // SAFETY: the call above made this descriptor, and nobody else knows it.
        Ok::<OwnedFd, Errno>(unsafe { OwnedFd::from_raw_fd(raw) })
    };
    // Each turn fills one of three numbers for good.
    for _ in 0..3 {
        let fd = open_once(path, flags)?;
        if fd.as_raw_fd() > 2 {
            return Ok(fd);
        }
        if flags & libc::O_EXCL != 0 {
            unlink(path)?;
        }
        drop(fd);
        std::mem::forget(open_once(c"/dev/null", libc::O_RDONLY)?);
    }
    open_once(path, flags)
}

/// Reads once. 0 at the end of the file.
#[inline]
pub(super) fn read_at(fd: BorrowedFd<'_>, out: &mut [u8], at: u64) -> Result<usize, Errno> {
    let at = offset(at)?;
    // SAFETY: `out` is writable for its whole length during the call.
    retry(|| unsafe { sys_pread(fd.as_raw_fd(), out.as_mut_ptr().cast(), out.len(), at) })
}

/// Writes once, maybe less than all.
#[inline]
pub(super) fn write_at(fd: BorrowedFd<'_>, bytes: &[u8], at: u64) -> Result<usize, Errno> {
    let at = offset(at)?;
    // SAFETY: `bytes` is readable for its whole length during the call.
    retry(|| unsafe { sys_pwrite(fd.as_raw_fd(), bytes.as_ptr().cast(), bytes.len(), at) })
}

/// Writes up to [`SLICES_MAX`] slices in one call, maybe less than all; of the first, the bytes from `skip` on.
pub(super) fn write_slices_at(
    fd: BorrowedFd<'_>,
    slices: &[IoSlice],
    skip: usize,
    at: u64,
) -> Result<usize, Errno> {
    let at = offset(at)?;
    let mut list = [MaybeUninit::<libc::iovec>::uninit(); SLICES_MAX];
    let mut count = 0;
    for (entry, slice) in list.iter_mut().zip(slices) {
        let bytes = slice.bytes();
        let bytes = if count == 0 { bytes.get(skip..).unwrap_or_default() } else { bytes };
        entry.write(libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() });
        count += 1;
    }
    // SAFETY: the first `count` entries were just written and point into `slices`, which outlives the call; the kernel only
    // reads through them.
    retry(|| unsafe { sys_pwritev(fd.as_raw_fd(), list.as_ptr().cast(), count as c_int, at) })
}

/// Makes written data durable, and as much of the file's metadata as reading it back takes.
pub(super) fn sync_data(fd: BorrowedFd<'_>) -> Result<(), Errno> {
    #[cfg(target_os = "linux")]
    {
        // SAFETY: plain call on an open descriptor.
        retry_int(|| unsafe { libc::fdatasync(fd.as_raw_fd()) }).map(drop)
    }
    #[cfg(not(target_os = "linux"))]
    sync_all(fd)
}

/// Makes data and metadata durable.
pub(super) fn sync_all(fd: BorrowedFd<'_>) -> Result<(), Errno> {
    // There, `fsync` stops at the drive's own cache. Where a file system knows no better, it has to do.
    #[cfg(target_vendor = "apple")]
    // SAFETY: plain call on an open descriptor.
    if retry_int(|| unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_FULLFSYNC, 0) }).is_ok() {
        return Ok(());
    }
    // SAFETY: plain call on an open descriptor.
    retry_int(|| unsafe { libc::fsync(fd.as_raw_fd()) }).map(drop)
}

/// Cuts or extends a file.
pub(super) fn set_len(fd: BorrowedFd<'_>, len: u64) -> Result<(), Errno> {
    let len = offset(len)?;
    // SAFETY: plain call on an open descriptor.
    retry_int(|| unsafe { sys_ftruncate(fd.as_raw_fd(), len) }).map(drop)
}

/// Reserves room up to `len`, where the file system can.
pub(super) fn allocate(fd: BorrowedFd<'_>, len: u64) {
    #[cfg(target_os = "linux")]
    if let Ok(len) = offset(len) {
        // SAFETY: plain call on an open descriptor. Its result is of no interest: this is a hint.
        unsafe { libc::posix_fallocate64(fd.as_raw_fd(), 0, len) };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (fd, len);
}

/// Tells the kernel that a range will be read soon.
pub(super) fn will_need(fd: BorrowedFd<'_>, at: u64, len: usize) {
    let (Ok(at), Ok(len)) = (offset(at), i64::try_from(len)) else { return };
    #[cfg(target_os = "linux")]
    // SAFETY: plain call on an open descriptor. Its result is of no interest: this is a hint.
    unsafe {
        libc::posix_fadvise64(fd.as_raw_fd(), at, len, libc::POSIX_FADV_WILLNEED)
    };
    #[cfg(target_vendor = "apple")]
    {
        let range = libc::radvisory { ra_offset: at, ra_count: c_int::try_from(len).unwrap_or(c_int::MAX) };
        // SAFETY: the kernel reads `range` during the call only.
        unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_RDADVISE, &range) };
    }
    #[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
    let _ = (fd, at, len);
}

/// What the system says of a file.
#[derive(Clone, Copy)]
pub(super) struct Stat {
    pub(super) id: FileId,
    pub(super) len: u64,
    /// Permission bits.
    pub(super) mode: u32,
    pub(super) user: u32,
    pub(super) group: u32,
    pub(super) is_directory: bool,
    pub(super) is_link: bool,
}

fn stat_with(call: impl Fn(*mut SysStat) -> c_int) -> Result<Stat, Errno> {
    let mut raw = MaybeUninit::<SysStat>::zeroed();
    retry_int(|| call(raw.as_mut_ptr()))?;
    // SAFETY: zeroed is a valid value of this plain struct, and the call succeeded in filling it.
    let raw = unsafe { raw.assume_init() };
    let kind = raw.st_mode & libc::S_IFMT;
    #[allow(clippy::unnecessary_cast)] // The fields' types differ between systems.
    Ok(Stat {
        id: FileId { device: raw.st_dev as u64, inode: raw.st_ino as u64 },
        len: u64::try_from(raw.st_size).unwrap_or(0),
        mode: (raw.st_mode & 0o777) as u32,
        user: raw.st_uid as u32,
        group: raw.st_gid as u32,
        is_directory: kind == libc::S_IFDIR,
        is_link: kind == libc::S_IFLNK,
    })
}

/// Of an open file.
pub(super) fn stat_fd(fd: BorrowedFd<'_>) -> Result<Stat, Errno> {
    // SAFETY: the pointer is valid for writing during the call.
    stat_with(|raw| unsafe { sys_fstat(fd.as_raw_fd(), raw) })
}

/// Of what a path leads to.
pub(super) fn stat(path: &CStr) -> Result<Stat, Errno> {
    // SAFETY: both pointers are valid during the call.
    stat_with(|raw| unsafe { sys_stat(path.as_ptr(), raw) })
}

/// Of the last component itself, where that is a symbolic link.
pub(super) fn stat_link(path: &CStr) -> Result<Stat, Errno> {
    // SAFETY: both pointers are valid during the call.
    stat_with(|raw| unsafe { sys_lstat(path.as_ptr(), raw) })
}

/// What a symbolic link says. `ENAMETOOLONG` beyond 4096 bytes, the longest path there is.
pub(super) fn read_link(path: &CStr) -> Result<Vec<u8>, Errno> {
    let mut out = vec![0u8; 4097];
    let count = retry(|| {
        // SAFETY: `out` is writable for its whole length, and `path` a C string, during the call.
        unsafe { libc::readlink(path.as_ptr(), out.as_mut_ptr().cast(), out.len()) }
    })?;
    if count == out.len() {
        return Err(libc::ENAMETOOLONG);
    }
    out.truncate(count);
    Ok(out)
}

/// Removes a name.
pub(super) fn unlink(path: &CStr) -> Result<(), Errno> {
    // SAFETY: `path` is a C string during the call.
    retry_int(|| unsafe { libc::unlink(path.as_ptr()) }).map(drop)
}

/// Makes a directory. Fails with `EEXIST` where the name is taken.
pub(super) fn make_directory(path: &CStr) -> Result<(), Errno> {
    // SAFETY: `path` is a C string during the call.
    retry_int(|| unsafe { libc::mkdir(path.as_ptr(), 0o777) }).map(drop)
}

/// Removes an empty directory.
pub(super) fn remove_directory(path: &CStr) -> Result<(), Errno> {
    // SAFETY: `path` is a C string during the call.
    retry_int(|| unsafe { libc::rmdir(path.as_ptr()) }).map(drop)
}

/// Sets the times of a file to now.
pub(super) fn touch(path: &CStr) -> Result<(), Errno> {
    // SAFETY: `path` is a C string during the call; a null pointer stands for now.
    retry_int(|| unsafe { libc::utimes(path.as_ptr(), std::ptr::null()) }).map(drop)
}

/// Whether this user may do what `permissions` (`R_OK`, `W_OK`, `X_OK`, `F_OK`) says.
pub(super) fn may_access(path: &CStr, permissions: c_int) -> bool {
    // SAFETY: `path` is a C string during the call.
    retry_int(|| unsafe { libc::access(path.as_ptr(), permissions) }).is_ok()
}

/// Sets a file's permission bits.
pub(super) fn set_mode(fd: BorrowedFd<'_>, mode: u32) -> Result<(), Errno> {
    // SAFETY: plain call on an open descriptor.
    retry_int(|| unsafe { libc::fchmod(fd.as_raw_fd(), mode as libc::mode_t) }).map(drop)
}

/// Gives a file to a user and a group, where we are root.
pub(super) fn set_owner_as_root(fd: BorrowedFd<'_>, user: u32, group: u32) {
    // SAFETY: plain calls. A failure is of no interest: the owner then stays who made the file, as in SQLite.
    unsafe {
        if libc::geteuid() == 0 {
            libc::fchown(fd.as_raw_fd(), user, group);
        }
    }
}

/// Kind of a lock on a range of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ByteLock {
    Read,
    Write,
    None,
}

fn flock(lock: ByteLock, start: u64, len: u64) -> libc::flock {
    let kind = match lock {
        ByteLock::Read => libc::F_RDLCK,
        ByteLock::Write => libc::F_WRLCK,
        ByteLock::None => libc::F_UNLCK,
    };
    // SAFETY: zeroed is a valid value of this plain struct.
    let mut flock: libc::flock = unsafe { std::mem::zeroed() };
    flock.l_type = kind as c_short;
    flock.l_whence = libc::SEEK_SET as c_short;
    flock.l_start = start as off_t;
    flock.l_len = len as off_t;
    flock
}

/// Sets the process's lock on `len` bytes from `start` (0: to the end), without waiting.
pub(super) fn set_lock(fd: BorrowedFd<'_>, lock: ByteLock, start: u64, len: u64) -> Result<(), Errno> {
    let flock = flock(lock, start, len);
    // SAFETY: the kernel reads `flock` during the call only.
    retry_int(|| unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETLK, &flock) }).map(drop)
}

/// The lock of another process that keeps this one from `lock`, or `ByteLock::None`.
pub(super) fn conflicting_lock(
    fd: BorrowedFd<'_>,
    lock: ByteLock,
    start: u64,
    len: u64,
) -> Result<ByteLock, Errno> {
    let mut flock = flock(lock, start, len);
    // SAFETY: `flock` is valid for reading and writing during the call.
    retry_int(|| unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GETLK, &mut flock) })?;
    Ok(match c_int::from(flock.l_type) {
        kind if kind == libc::F_UNLCK as c_int => ByteLock::None,
        kind if kind == libc::F_RDLCK as c_int => ByteLock::Read,
        _ => ByteLock::Write,
    })
}

/// Bytes of a page of memory.
pub(super) fn page_size() -> usize {
    // SAFETY: plain call.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(size).unwrap_or(4096)
}
