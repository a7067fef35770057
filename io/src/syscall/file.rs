//! Open files: positioned reads and writes, syncs, locks.
//!
//! Every operation completes inside its call. There is one system call for each, where the kernel does all of it at once.
//!
//! Never: a seek (the descriptor's position belongs to nobody), a wait for a lock.

use std::ffi::CString;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::buffer::{Buffer, IoSlice};
use crate::completion::Pending;
use crate::error::{IoError, IoOp};
use crate::file::{DeviceTraits, File, FileControl, FileId, LockLevel, SharedMemory};
use crate::levels::{HandleLevel, LevelBytes};

use super::inode::InodeRef;
use super::locks::{self, DotLock};
use super::raw;
use super::shm::SyscallShm;

/// How a handle locks.
pub(super) enum Locking {
    /// POSIX locks, counted in the file's entry.
    Posix,
    /// A directory beside the file.
    Dot(DotLock),
    /// Not at all: `nolock`, `immutable`, and files that are no database.
    None,
}

/// One open file.
pub(super) struct SyscallFile {
    /// `None` only while dropped.
    fd: Option<OwnedFd>,
    writable: bool,
    /// As it was opened; `None` for temporary files.
    path: Option<CString>,
    /// Of a database.
    inode: Option<InodeRef>,
    locking: Locking,
    immutable: bool,
    level: HandleLevel,
    powersafe_overwrite: AtomicBool,
    /// Bytes by which the file grows; 0: by what is written.
    chunk_size: AtomicU64,
    shm: Mutex<Option<Arc<SyscallShm>>>,
}

impl SyscallFile {
    pub(super) fn new(
        fd: OwnedFd,
        writable: bool,
        path: Option<CString>,
        inode: Option<InodeRef>,
        locking: Locking,
        immutable: bool,
    ) -> SyscallFile {
        SyscallFile {
            fd: Some(fd),
            writable,
            path,
            inode,
            locking,
            immutable,
            level: HandleLevel::default(),
            powersafe_overwrite: AtomicBool::new(true),
            chunk_size: AtomicU64::new(0),
            shm: Mutex::default(),
        }
    }

    #[inline]
    fn fd(&self) -> BorrowedFd<'_> {
        match &self.fd {
            Some(fd) => fd.as_fd(),
            None => unreachable!("the descriptor goes with the file"),
        }
    }

    fn read_all(&self, at: u64, out: &mut [u8]) -> Result<usize, IoError> {
        let mut done = 0;
        while done < out.len() {
            let rest = &mut out[done..];
            match raw::read_at(self.fd(), rest, at.saturating_add(done as u64)) {
                Ok(0) => break,
                Ok(count) => done += count,
                Err(errno) => return Err(IoError::os(IoOp::Read, at, out.len(), errno)),
            }
        }
        out[done..].fill(0);
        Ok(done)
    }

    fn write_all(&self, at: u64, slices: &[IoSlice]) -> Result<(), IoError> {
        write_fully(at, slices, |slices, skip, at| match slices {
            [only] => raw::write_at(self.fd(), only.bytes().get(skip..).unwrap_or_default(), at),
            many => raw::write_slices_at(self.fd(), many, skip, at),
        })
    }

    fn sync_now(&self, data_only: bool) -> Result<(), IoError> {
        let synced = if data_only { raw::sync_data(self.fd()) } else { raw::sync_all(self.fd()) };
        synced.map_err(|errno| IoError::os(IoOp::Sync, 0, 0, errno))
    }

    fn set_len(&self, len: u64) -> Result<(), IoError> {
        let chunk = self.chunk_size.load(Ordering::Relaxed);
        let rounded = if chunk > 0 { len.checked_next_multiple_of(chunk).unwrap_or(len) } else { len };
        match raw::set_len(self.fd(), rounded) {
            Err(libc::ENOSPC | libc::EDQUOT) => Err(IoError::Full),
            done => done.map_err(|errno| IoError::os(IoOp::Truncate, rounded, 0, errno)),
        }
    }

    /// With a chunk size set, room for `len` bytes is reserved in whole chunks.
    fn size_hint(&self, len: u64) {
        let chunk = self.chunk_size.load(Ordering::Relaxed);
        let Some(rounded) = (chunk > 0).then(|| len.checked_next_multiple_of(chunk)).flatten() else {
            return;
        };
        if raw::stat_fd(self.fd()).is_ok_and(|stat| stat.len < rounded) {
            raw::allocate(self.fd(), rounded);
        }
    }

    /// Whether another process uses the wal-index at a moment when this one is about to lock the database for itself. It should not
    /// be possible; it happens where that process lost its locks on the database because something in it opened and closed
    /// the file. Then the wal-index must not be taken away under it.
    fn wal_index_is_used_elsewhere(&self) -> bool {
        let shm = self.shm.lock().unwrap_or_else(PoisonError::into_inner);
        shm.as_ref().is_some_and(|shm| shm.is_open_elsewhere())
    }
}

/// Calls `write_some(slices, bytes of the first that are written, place)` until all is written.
fn write_fully(
    at: u64,
    slices: &[IoSlice],
    mut write_some: impl FnMut(&[IoSlice], usize, u64) -> Result<usize, raw::Errno>,
) -> Result<(), IoError> {
    let (mut at, mut slices, mut skip) = (at, slices, 0);
    loop {
        // Also leaves out empty slices, of which a call could write nothing.
        while let Some((first, rest)) = slices.split_first()
            && skip >= first.bytes().len()
        {
            skip -= first.bytes().len();
            slices = rest;
        }
        if slices.is_empty() {
            return Ok(());
        }
        match write_some(slices, skip, at) {
            Ok(0) | Err(libc::ENOSPC | libc::EDQUOT) => return Err(IoError::Full),
            Ok(count) => {
                at = at.saturating_add(count as u64);
                skip += count;
            }
            Err(errno) => {
                let len = slices.iter().map(|slice| slice.bytes().len()).sum();
                return Err(IoError::os(IoOp::Write, at, len, errno));
            }
        }
    }
}

impl LevelBytes for SyscallFile {
    fn take_shared(&self) -> Result<(), IoError> {
        locks::take_shared(self.fd())
    }
    fn take_reserved(&self) -> Result<(), IoError> {
        if self.wal_index_is_used_elsewhere() {
            return Err(IoError::Busy);
        }
        locks::take_reserved(self.fd())
    }
    fn take_pending(&self) -> Result<(), IoError> {
        locks::take_pending(self.fd())
    }
    fn take_exclusive(&self) -> Result<(), IoError> {
        if self.wal_index_is_used_elsewhere() {
            return Err(IoError::Busy);
        }
        locks::take_exclusive(self.fd())
    }
    fn exclusive_to_shared(&self) -> Result<(), IoError> {
        locks::exclusive_to_shared(self.fd())
    }
    fn drop_writer(&self) -> Result<(), IoError> {
        locks::drop_writer(self.fd())
    }
    fn drop_all(&self) -> Result<(), IoError> {
        locks::drop_all(self.fd())
    }
}

impl File for SyscallFile {
    fn read(&self, at: u64, mut buffer: Buffer) -> Pending<(Buffer, usize)> {
        match self.read_all(at, buffer.make_mut()) {
            Ok(count) => Pending::ok((buffer, count)),
            Err(error) => Pending::err(error),
        }
    }

    fn write(&self, at: u64, slices: Vec<IoSlice>) -> Pending<()> {
        Pending::Done(self.write_all(at, &slices))
    }

    fn write_then_sync(&self, at: u64, slices: Vec<IoSlice>) -> Pending<()> {
        Pending::Done(self.write_all(at, &slices).and_then(|()| self.sync_now(true)))
    }

    fn sync(&self, data_only: bool) -> Pending<()> {
        Pending::Done(self.sync_now(data_only))
    }

    fn truncate(&self, len_bytes: u64) -> Pending<()> {
        Pending::Done(self.set_len(len_bytes))
    }

    fn len(&self) -> Pending<u64> {
        let stat = raw::stat_fd(self.fd());
        Pending::Done(stat.map(|stat| stat.len).map_err(|errno| IoError::os(IoOp::Length, 0, 0, errno)))
    }

    fn id(&self) -> FileId {
        match &self.inode {
            Some(inode) => inode.id(),
            // Nobody asks for a journal's but tests. No file has the device and inode 0.
            None => raw::stat_fd(self.fd()).map_or(FileId { device: 0, inode: 0 }, |stat| stat.id),
        }
    }

    fn lock(&self, want: LockLevel) -> Result<(), IoError> {
        let mut mine = self.level.get();
        if mine == want {
            return Ok(());
        }
        match (&self.locking, &self.inode) {
            (Locking::Posix, Some(inode)) => {
                let mut locks = inode.lock();
                let result = locks.table.change(&mut mine, want, self);
                self.level.set(mine);
                inode.close_deferred(&mut locks);
                result
            }
            (Locking::Dot(directory), _) => {
                directory.change(mine, want)?;
                self.level.set(want);
                Ok(())
            }
            (Locking::None | Locking::Posix, _) => {
                self.level.set(want);
                Ok(())
            }
        }
    }

    fn lock_level(&self) -> LockLevel {
        self.level.get()
    }

    fn reserved(&self) -> Result<bool, IoError> {
        match (&self.locking, &self.inode) {
            (Locking::Posix, Some(inode)) => {
                let locks = inode.lock();
                Ok(locks.table.has_writer() || locks::reserved_elsewhere(self.fd())?)
            }
            (Locking::Dot(directory), _) => Ok(directory.reserved(self.level.get())),
            (Locking::None | Locking::Posix, _) => Ok(false),
        }
    }

    fn device(&self) -> DeviceTraits {
        DeviceTraits {
            powersafe_overwrite: self.powersafe_overwrite.load(Ordering::Relaxed),
            immutable: self.immutable,
            ..DeviceTraits::default()
        }
    }

    fn prefetch(&self, at: u64, len: usize) {
        raw::will_need(self.fd(), at, len);
    }

    fn control(&self, op: FileControl) {
        match op {
            FileControl::SizeHint(len) => self.size_hint(len),
            FileControl::ChunkSize(bytes) => self.chunk_size.store(bytes, Ordering::Relaxed),
            FileControl::PowersafeOverwrite(promised) => {
                self.powersafe_overwrite.store(promised, Ordering::Relaxed);
            }
            // The pager decides about the `-wal`.
            FileControl::PersistWal(_) => {}
        }
    }

    fn shm(&self, read_only: bool) -> Result<Arc<dyn SharedMemory>, IoError> {
        let (Locking::Posix, Some(inode), Some(path)) = (&self.locking, &self.inode, &self.path) else {
            return Err(IoError::NoSharedMemory);
        };
        let mut shm = self.shm.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = shm.as_ref().filter(|open| open.is_open()) {
            return Ok(Arc::clone(open) as Arc<dyn SharedMemory>);
        }
        let handle = Arc::new(SyscallShm::open(inode.clone(), self.fd(), path, read_only)?);
        *shm = Some(Arc::clone(&handle));
        Ok(handle)
    }

    fn still_linked(&self) -> Result<bool, IoError> {
        let Some(path) = &self.path else { return Ok(false) };
        Ok(raw::stat(path).is_ok_and(|stat| stat.id == self.id()))
    }
}

impl Drop for SyscallFile {
    fn drop(&mut self) {
        // Nobody is left to tell of a failure; closing the descriptor drops what the system would not give back.
        let _ = self.lock(LockLevel::None);
        if let (Some(inode), Some(fd)) = (&self.inode, self.fd.take()) {
            inode.close(fd, self.writable);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A device that takes at most `step` bytes a call.
    fn written_by_steps_of(step: usize, slices: &[IoSlice]) -> Vec<u8> {
        let mut out = vec![0; 3];
        write_fully(3, slices, |slices, skip, at| {
            assert_eq!(at, out.len() as u64);
            let left: Vec<u8> = slices.iter().flat_map(|slice| slice.bytes().to_vec()).skip(skip).collect();
            assert!(!left.is_empty());
            out.extend(left.iter().take(step));
            Ok(left.len().min(step))
        })
        .unwrap();
        out.split_off(3)
    }

    #[test]
    fn short_writes_go_on_where_they_stopped() {
        let slice = |bytes: &[u8]| IoSlice::whole(Buffer::copy_of(bytes));
        let slices = [slice(b""), slice(b"abc"), slice(b""), slice(b"defgh"), slice(b"i"), slice(b"")];
        for step in 1..12 {
            assert_eq!(written_by_steps_of(step, &slices), b"abcdefghi");
        }
        assert!(matches!(write_fully(0, &slices, |_, _, _| Ok(0)), Err(IoError::Full)));
        let failed = write_fully(7, &slices, |_, _, _| Err(libc::EIO));
        assert!(matches!(failed, Err(IoError::Failed { offset: 7, len: 9, errno: libc::EIO, .. })));
    }
}
