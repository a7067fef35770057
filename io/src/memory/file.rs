//! Handles of files in memory.
//!
//! Every handle is a holder of locks of its own, like a process of its own. Lock directories (`dot_file_lock`) are of no use where
//! all who see the file are in this world; such handles use the world's own locks.
//!
//! Never: queueing; every operation completes inside the call.

use std::sync::{Arc, Mutex, PoisonError, RwLockReadGuard, RwLockWriteGuard};

use crate::buffer::{Buffer, IoSlice};
use crate::completion::Pending;
use crate::error::{IoError, IoOp};
use crate::file::{DeviceTraits, File, FileControl, FileId, LockLevel, OpenFlags, SharedMemory};
use crate::levels::{HandleLevel, NoBytes};

use super::content::Content;
use super::shm::MemoryShm;
use super::{Inode, World, not_writable};

/// One open file.
pub(super) struct MemoryFile {
    world: Arc<World>,
    inode: Arc<Inode>,
    /// The name it was opened by, where it has one.
    path: Option<Vec<u8>>,
    writable: bool,
    /// Whether locks are taken at all (`nolock`, `immutable`: no).
    locking: bool,
    immutable: bool,
    level: HandleLevel,
    shm: Mutex<Option<Arc<MemoryShm>>>,
}

impl MemoryFile {
    pub(super) fn new(
        world: Arc<World>,
        inode: Arc<Inode>,
        path: Option<&[u8]>,
        writable: bool,
        flags: &OpenFlags,
    ) -> MemoryFile {
        MemoryFile {
            world,
            inode,
            path: path.map(<[u8]>::to_vec),
            writable,
            locking: !(flags.no_lock || flags.immutable),
            immutable: flags.immutable,
            level: HandleLevel::default(),
            shm: Mutex::default(),
        }
    }

    fn content(&self) -> RwLockReadGuard<'_, Content> {
        self.inode.content.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn content_mut(&self) -> RwLockWriteGuard<'_, Content> {
        self.inode.content.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl File for MemoryFile {
    fn read(&self, at: u64, mut buffer: Buffer) -> Pending<(Buffer, usize)> {
        let count = self.content().read(at, buffer.make_mut());
        Pending::ok((buffer, count))
    }

    fn write(&self, at: u64, slices: Vec<IoSlice>) -> Pending<()> {
        if !self.writable {
            let len = slices.iter().map(|slice| slice.bytes().len()).sum();
            return Pending::err(not_writable(IoOp::Write, at, len));
        }
        let mut content = self.content_mut();
        let mut at = at;
        for slice in &slices {
            if let Err(error) = content.write(at, slice.bytes()) {
                return Pending::err(error);
            }
            at += slice.bytes().len() as u64;
        }
        Pending::ok(())
    }

    fn write_then_sync(&self, at: u64, slices: Vec<IoSlice>) -> Pending<()> {
        self.write(at, slices)
    }

    fn sync(&self, _data_only: bool) -> Pending<()> {
        Pending::ok(())
    }

    fn truncate(&self, len_bytes: u64) -> Pending<()> {
        if !self.writable {
            return Pending::err(not_writable(IoOp::Truncate, len_bytes, 0));
        }
        Pending::Done(self.content_mut().set_len(len_bytes))
    }

    fn len(&self) -> Pending<u64> {
        Pending::ok(self.content().len())
    }

    fn id(&self) -> FileId {
        self.inode.id
    }

    fn lock(&self, want: LockLevel) -> Result<(), IoError> {
        if !self.locking {
            self.level.set(want);
            return Ok(());
        }
        let mut table = self.inode.locks.lock().unwrap_or_else(PoisonError::into_inner);
        let mut mine = self.level.get();
        let result = table.change(&mut mine, want, &NoBytes);
        self.level.set(mine);
        result
    }

    fn lock_level(&self) -> LockLevel {
        self.level.get()
    }

    fn reserved(&self) -> Result<bool, IoError> {
        let table = self.inode.locks.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(self.locking && table.has_writer())
    }

    fn device(&self) -> DeviceTraits {
        DeviceTraits { immutable: self.immutable, ..DeviceTraits::default() }
    }

    fn prefetch(&self, _at: u64, _len: usize) {}

    fn control(&self, _op: FileControl) {}

    fn shm(&self, read_only: bool) -> Result<Arc<dyn SharedMemory>, IoError> {
        if !self.locking {
            return Err(IoError::NoSharedMemory);
        }
        let mut shm = self.shm.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = shm.as_ref().filter(|open| open.is_open()) {
            return Ok(Arc::clone(open) as Arc<dyn SharedMemory>);
        }
        let handle = Arc::new(MemoryShm::open(Arc::clone(&self.inode), read_only));
        *shm = Some(Arc::clone(&handle));
        Ok(handle)
    }

    fn still_linked(&self) -> Result<bool, IoError> {
        let names = self.world.names();
        let linked = self.path.as_ref().and_then(|path| names.get(path));
        Ok(linked.is_some_and(|inode| inode.id == self.inode.id))
    }
}

impl Drop for MemoryFile {
    fn drop(&mut self) {
        // In memory, giving a lock back cannot fail.
        let _ = self.lock(LockLevel::None);
    }
}
