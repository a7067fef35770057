//! The wal-index in a file beside the database (`FILE-shm`), mapped by all who use it.
//!
//! ```text
//! byte 120 + slot   the eight slots, as POSIX locks on the -shm file
//! byte 128          dead-man switch: held for reading by every process that has the file open
//! ```
//!
//! Who finds the switch held by nobody is the first since the machine started or the last process died. What the file holds then
//! is worth nothing; the first takes the switch for writing, cuts the file, and keeps the switch for reading.
//!
//! Always true: one descriptor and one set of mappings per process (closing a second descriptor would drop the slots'
//! locks); a handle counts as one holder among those of this process.
//! Never: reading or writing what is in the regions.
//! Spec: "WAL-mode File Format", "The WAL-Index or shm file", "WAL Locks".

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering, fence};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::{IoError, IoOp};
use crate::file::{SharedMemory, ShmLockMode, ShmRegion, ShmSlots};
use crate::region::REGION_SIZE_BYTES;
use crate::slots::{HeldSlots, SlotBytes, SlotTable};

use super::inode::InodeRef;
use super::locks::lock_error;
use super::mapping::{MappedRegion, map};
use super::open::adopt_owner;
use super::raw::{self, ByteLock};

const SLOT_FIRST: u64 = 120;
const DEAD_MAN_SWITCH: u64 = 128;

/// Length that the first to open gives the file: shorter than any header, and not 0, so that a file cut by us can be told from
/// one cut by accident. SQLite does the same.
const FRESH_LEN: u64 = 3;

/// The wal-index of one file in this process.
pub(super) struct ShmNode {
    path: CString,
    read_only: bool,
    state: Mutex<NodeState>,
}

struct NodeState {
    /// `None` once the last handle closed.
    fd: Option<OwnedFd>,
    /// Whether the dead-man switch is held. Not yet, where the file may only be read and no writer has it open.
    switch_held: bool,
    slots: SlotTable,
    regions: Vec<Arc<MappedRegion>>,
}

/// Locks on slots, as other processes see them.
struct FileSlots<'fd>(BorrowedFd<'fd>);

impl SlotBytes for FileSlots<'_> {
    fn take(&self, slots: ShmSlots, mode: ShmLockMode) -> Result<(), IoError> {
        let lock = match mode {
            ShmLockMode::Shared => ByteLock::Read,
            ShmLockMode::Exclusive => ByteLock::Write,
        };
        raw::set_lock(self.0, lock, SLOT_FIRST + u64::from(slots.first), u64::from(slots.count))
            .map_err(|errno| lock_error(IoOp::ShmLock, errno))
    }

    fn give_back(&self, slots: ShmSlots) -> Result<(), IoError> {
        let start = SLOT_FIRST + u64::from(slots.first);
        raw::set_lock(self.0, ByteLock::None, start, u64::from(slots.count))
            .map_err(|errno| IoError::os(IoOp::ShmLock, start, 0, errno))
    }
}

fn closed(op: IoOp) -> IoError {
    IoError::os(op, 0, 0, libc::EBADF)
}

impl ShmNode {
    /// Opens the `-shm` of the database that is open as `database` under `path`. Makes it where it is absent and may be written.
    fn open(database: BorrowedFd<'_>, path: &CStr, read_only: bool) -> Result<ShmNode, IoError> {
        let owner = raw::stat_fd(database).map_err(|errno| IoError::os(IoOp::Stat, 0, 0, errno))?;
        let mut name = path.to_bytes().to_vec();
        name.extend_from_slice(b"-shm");
        // A C string and a suffix have no NUL in between.
        let path = CString::new(name).unwrap_or_default();
        let for_writing = if read_only {
            Err(libc::EACCES)
        } else {
            raw::open(&path, libc::O_RDWR | libc::O_CREAT | libc::O_NOFOLLOW, owner.mode)
        };
        let (fd, read_only) = match for_writing {
            Ok(fd) => {
                adopt_owner(fd.as_fd(), &owner);
                (fd, false)
            }
            Err(_) => (
                raw::open(&path, libc::O_RDONLY | libc::O_NOFOLLOW, 0)
                    .map_err(|errno| IoError::CannotOpen { errno, is_directory: errno == libc::EISDIR })?,
                true,
            ),
        };
        let mut state =
            NodeState { fd: Some(fd), switch_held: false, slots: SlotTable::default(), regions: Vec::new() };
        match state.take_switch(read_only) {
            // A reader may find a writer later.
            Ok(()) | Err(IoError::ShmNotInitialised) => {}
            Err(error) => return Err(error),
        }
        Ok(ShmNode { path, read_only, state: Mutex::new(state) })
    }

    fn state(&self) -> MutexGuard<'_, NodeState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether another process has the `-shm` open.
    fn is_open_elsewhere(&self) -> bool {
        let state = self.state();
        let Some(fd) = &state.fd else { return false };
        // Where the system cannot tell, somebody may.
        raw::conflicting_lock(fd.as_fd(), ByteLock::Write, DEAD_MAN_SWITCH, 1) != Ok(ByteLock::None)
    }
}

impl NodeState {
    /// Takes the dead-man switch, as the first or beside others.
    fn take_switch(&mut self, read_only: bool) -> Result<(), IoError> {
        if self.switch_held {
            return Ok(());
        }
        let Some(fd) = &self.fd else { return Err(closed(IoOp::ShmOpen)) };
        let refused = |errno| lock_error(IoOp::ShmLock, errno);
        let others =
            raw::conflicting_lock(fd.as_fd(), ByteLock::Write, DEAD_MAN_SWITCH, 1).map_err(refused)?;
        match others {
            // Somebody cuts the file at this moment. Waiting for the read lock here would do only if it never died first.
            ByteLock::Write => return Err(IoError::Busy),
            ByteLock::Read => {}
            ByteLock::None if read_only => return Err(IoError::ShmNotInitialised),
            ByteLock::None => {
                raw::set_lock(fd.as_fd(), ByteLock::Write, DEAD_MAN_SWITCH, 1).map_err(refused)?;
                raw::set_len(fd.as_fd(), FRESH_LEN)
                    .map_err(|errno| IoError::os(IoOp::ShmOpen, FRESH_LEN, 0, errno))?;
            }
        }
        raw::set_lock(fd.as_fd(), ByteLock::Read, DEAD_MAN_SWITCH, 1).map_err(refused)?;
        self.switch_held = true;
        Ok(())
    }

    /// Maps the `index`-th region and all before it. Whether it is there.
    fn map_to(&mut self, index: usize, extend: bool, read_only: bool) -> Result<bool, IoError> {
        if self.regions.len() > index {
            return Ok(true);
        }
        let Some(fd) = &self.fd else { return Err(closed(IoOp::ShmMap)) };
        let per_map = (raw::page_size() / REGION_SIZE_BYTES).max(1);
        let count = (index / per_map).checked_add(1).and_then(|maps| maps.checked_mul(per_map));
        let bytes = count.and_then(|count| count.checked_mul(REGION_SIZE_BYTES)).map(|bytes| bytes as u64);
        let (Some(count), Some(bytes)) = (count, bytes) else {
            return Err(IoError::os(IoOp::ShmSize, 0, 0, libc::EFBIG));
        };
        let len = raw::stat_fd(fd.as_fd()).map_err(|errno| IoError::os(IoOp::ShmSize, 0, 0, errno))?.len;
        if len < bytes {
            if !extend {
                return Ok(false);
            }
            fill_with_zeros(fd.as_fd(), len, bytes)?;
        }
        while self.regions.len() < count {
            let first = self.regions.len();
            let mapped = map(fd.as_fd(), first, per_map, !read_only);
            self.regions.extend(mapped.map_err(|errno| {
                IoError::os(IoOp::ShmMap, (first * REGION_SIZE_BYTES) as u64, REGION_SIZE_BYTES, errno)
            })?);
        }
        Ok(true)
    }
}

/// Grows a `-shm` with real bytes. Only growing its length would leave holes, and a full disk would then kill whoever first touches
/// one. Whoever grows it holds the write slot, so nobody else writes there.
fn fill_with_zeros(fd: BorrowedFd<'_>, from: u64, to: u64) -> Result<(), IoError> {
    const ZEROS: [u8; 4096] = [0; 4096];
    let mut at = from;
    while at < to {
        let count = (to - at).min(ZEROS.len() as u64) as usize;
        match raw::write_at(fd, &ZEROS[..count], at) {
            Ok(0) => return Err(IoError::os(IoOp::ShmSize, at, count, libc::ENOSPC)),
            Ok(written) => at += written as u64,
            Err(errno) => return Err(IoError::os(IoOp::ShmSize, at, count, errno)),
        }
    }
    Ok(())
}

/// One connection's view of a wal-index.
pub(super) struct SyscallShm {
    inode: InodeRef,
    node: Arc<ShmNode>,
    /// Changed under the mutex of the node only.
    held: AtomicU16,
    open: AtomicBool,
}

impl SyscallShm {
    /// Opens the `-shm`, or joins the handles of this process that have it open, and takes it as they have it.
    pub(super) fn open(
        inode: InodeRef,
        database: BorrowedFd<'_>,
        path: &CStr,
        read_only: bool,
    ) -> Result<SyscallShm, IoError> {
        let mut shared = inode.shm();
        let node = match &shared.node {
            Some(node) => Arc::clone(node),
            None => Arc::new(ShmNode::open(database, path, read_only)?),
        };
        shared.node = Some(Arc::clone(&node));
        shared.holders += 1;
        drop(shared);
        Ok(SyscallShm { inode, node, held: AtomicU16::new(0), open: AtomicBool::new(true) })
    }

    pub(super) fn is_open(&self) -> bool {
        self.open.load(Ordering::Acquire)
    }

    /// Whether another process has the `-shm` open.
    pub(super) fn is_open_elsewhere(&self) -> bool {
        self.is_open() && self.node.is_open_elsewhere()
    }

    fn with_slots(
        &self,
        change: impl FnOnce(&mut SlotTable, &mut HeldSlots, &FileSlots<'_>) -> Result<(), IoError>,
    ) -> Result<(), IoError> {
        let mut state = self.node.state();
        let NodeState { fd: Some(fd), slots, .. } = &mut *state else { return Err(closed(IoOp::ShmLock)) };
        if !self.is_open() {
            return Err(closed(IoOp::ShmLock));
        }
        let mut held = HeldSlots::from_bits(self.held.load(Ordering::Relaxed));
        let result = change(slots, &mut held, &FileSlots(fd.as_fd()));
        self.held.store(held.to_bits(), Ordering::Relaxed);
        result
    }
}

impl SharedMemory for SyscallShm {
    fn region(&self, index: usize, extend: bool) -> Result<Option<Arc<dyn ShmRegion>>, IoError> {
        if !self.is_open() {
            return Err(closed(IoOp::ShmMap));
        }
        let mut state = self.node.state();
        state.take_switch(self.node.read_only)?;
        if !state.map_to(index, extend, self.node.read_only)? {
            return Ok(None);
        }
        Ok(state.regions.get(index).map(|region| Arc::clone(region) as Arc<dyn ShmRegion>))
    }

    fn lock(&self, slots: ShmSlots, mode: ShmLockMode) -> Result<(), IoError> {
        self.with_slots(|table, held, bytes| table.take(held, slots, mode, bytes))
    }

    fn unlock(&self, slots: ShmSlots, mode: ShmLockMode) -> Result<(), IoError> {
        self.with_slots(|table, held, bytes| table.give_back(held, slots, mode, bytes))
    }

    fn barrier(&self) {
        fence(Ordering::SeqCst);
    }

    fn read_only(&self) -> bool {
        self.node.read_only
    }

    fn close(&self, delete: bool) -> Result<(), IoError> {
        let mut shared = self.inode.shm();
        if !self.is_open() {
            return Ok(());
        }
        let result = self.with_slots(|table, held, bytes| table.give_back_all(held, bytes));
        self.open.store(false, Ordering::Release);
        shared.holders -= 1;
        if shared.holders > 0 {
            return result;
        }
        shared.node = None;
        let mut state = self.node.state();
        if delete && !self.node.read_only {
            // While the switch is still held: who opens the name next makes a file of its own.
            let _ = raw::unlink(&self.node.path);
        }
        state.regions.clear();
        state.fd = None;
        result
    }
}

impl Drop for SyscallShm {
    fn drop(&mut self) {
        // Nobody is left to tell of a failure; closing the descriptor drops what the system would not give back.
        let _ = self.close(false);
    }
}
