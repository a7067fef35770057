//! The wal-index of a file in memory.
//!
//! Always true: while no handle that may write has it open the regions are gone, as a first opener truncates the `-shm` of
//! a file on disk; a handle that may only read then gets [`IoError::ShmNotInitialised`].
//! Never: outliving the last handle.

use std::sync::atomic::{AtomicBool, AtomicU16, Ordering, fence};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::{IoError, IoOp};
use crate::file::{SharedMemory, ShmLockMode, ShmRegion, ShmSlots};
use crate::region::HeapRegion;
use crate::slots::{HeldSlots, NoSlotBytes, SlotTable};

use super::Inode;

/// What the handles of one file share.
#[derive(Default)]
pub(super) struct SharedState {
    /// Handles that made the memory valid or found it so.
    attached: usize,
    regions: Vec<Arc<HeapRegion>>,
    slots: SlotTable,
}

#[derive(Default)]
struct Attachment {
    attached: bool,
    closed: bool,
}

/// One connection's view.
pub(super) struct MemoryShm {
    inode: Arc<Inode>,
    read_only: bool,
    /// Changed under the mutex of the shared state only.
    held: AtomicU16,
    attachment: Mutex<Attachment>,
    open: AtomicBool,
}

impl MemoryShm {
    pub(super) fn open(inode: Arc<Inode>, read_only: bool) -> MemoryShm {
        let shm = MemoryShm {
            inode,
            read_only,
            held: AtomicU16::new(0),
            attachment: Mutex::default(),
            open: AtomicBool::new(true),
        };
        let _ = shm.attach(&mut shm.shared());
        shm
    }

    pub(super) fn is_open(&self) -> bool {
        self.open.load(Ordering::Acquire)
    }

    fn shared(&self) -> MutexGuard<'_, SharedState> {
        self.inode.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Joins those who have the memory open, or makes it valid as the first.
    fn attach(&self, shared: &mut SharedState) -> Result<(), IoError> {
        let mut mine = self.attachment.lock().unwrap_or_else(PoisonError::into_inner);
        if mine.closed {
            return Err(IoError::os(IoOp::ShmMap, 0, 0, libc::EBADF));
        }
        if mine.attached {
            return Ok(());
        }
        if shared.attached == 0 {
            if self.read_only {
                return Err(IoError::ShmNotInitialised);
            }
            shared.regions.clear();
        }
        shared.attached += 1;
        mine.attached = true;
        Ok(())
    }

    fn with_slots(
        &self,
        change: impl FnOnce(&mut SlotTable, &mut HeldSlots) -> Result<(), IoError>,
    ) -> Result<(), IoError> {
        let mut shared = self.shared();
        if !self.is_open() {
            return Err(IoError::os(IoOp::ShmLock, 0, 0, libc::EBADF));
        }
        let mut held = HeldSlots::from_bits(self.held.load(Ordering::Relaxed));
        let result = change(&mut shared.slots, &mut held);
        self.held.store(held.to_bits(), Ordering::Relaxed);
        result
    }
}

impl SharedMemory for MemoryShm {
    fn region(&self, index: usize, extend: bool) -> Result<Option<Arc<dyn ShmRegion>>, IoError> {
        let mut shared = self.shared();
        self.attach(&mut shared)?;
        if extend && !self.read_only && shared.regions.len() <= index {
            shared.regions.resize_with(index + 1, Arc::default);
        }
        Ok(shared.regions.get(index).map(|region| Arc::clone(region) as Arc<dyn ShmRegion>))
    }

    fn lock(&self, slots: ShmSlots, mode: ShmLockMode) -> Result<(), IoError> {
        self.with_slots(|table, held| table.take(held, slots, mode, &NoSlotBytes))
    }

    fn unlock(&self, slots: ShmSlots, mode: ShmLockMode) -> Result<(), IoError> {
        self.with_slots(|table, held| table.give_back(held, slots, mode, &NoSlotBytes))
    }

    fn barrier(&self) {
        fence(Ordering::SeqCst);
    }

    fn read_only(&self) -> bool {
        self.read_only
    }

    fn close(&self, _delete: bool) -> Result<(), IoError> {
        if !self.is_open() {
            return Ok(());
        }
        let result = self.with_slots(|table, held| table.give_back_all(held, &NoSlotBytes));
        let mut shared = self.shared();
        let mut mine = self.attachment.lock().unwrap_or_else(PoisonError::into_inner);
        if mine.attached {
            shared.attached -= 1;
            if shared.attached == 0 {
                shared.regions.clear();
            }
        }
        *mine = Attachment { attached: false, closed: true };
        self.open.store(false, Ordering::Release);
        result
    }
}

impl Drop for MemoryShm {
    fn drop(&mut self) {
        // Giving slots back cannot fail without system calls.
        let _ = self.close(false);
    }
}
