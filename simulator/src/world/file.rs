//! Open files of the simulated world, as [`kernite_io::File`].
//!
//! Never: a lock that waits, or a buffer that changes while it is lent: a write looks at its bytes again when it completes.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use kernite_io::{
    Buffer, DeviceTraits, File, FileControl, FileId, IoError, IoOp, IoSlice, LockLevel, Pending,
    SharedMemory, ShmLockMode, ShmRegion, ShmSlots,
};

use crate::trace::Call;

use super::disk::FileNo;
use super::flight::{About, Claim, Landed, Landing, hash_of};
use super::state::{State, World};

/// One open file.
pub(super) struct SimFile {
    world: Arc<World>,
    process: usize,
    handle: u64,
    file: FileNo,
    locking: bool,
    immutable: bool,
    /// The level of a handle that takes no locks.
    unlocked_level: AtomicU8,
    shm: Mutex<Option<Arc<SimShm>>>,
}

const LEVELS: [LockLevel; 5] =
    [LockLevel::None, LockLevel::Shared, LockLevel::Reserved, LockLevel::Pending, LockLevel::Exclusive];

impl SimFile {
    pub(super) fn new(
        world: Arc<World>,
        process: usize,
        handle: u64,
        file: FileNo,
        locking: bool,
        immutable: bool,
    ) -> SimFile {
        SimFile {
            world,
            process,
            handle,
            file,
            locking,
            immutable,
            unlocked_level: AtomicU8::new(0),
            shm: Mutex::default(),
        }
    }

    fn about(&self, place: u64, len: usize) -> About {
        About { file: self.file, place, len: len as u64 }
    }

    fn submit_write(&self, at: u64, slices: Vec<IoSlice>, then_sync: bool) -> Pending<()> {
        let (process, handle) = (self.process, self.handle);
        let len: usize = slices.iter().map(|slice| slice.bytes().len()).sum();
        let claim = (len > 0).then(|| Claim { file: self.file, range: at..at.saturating_add(len as u64) });
        let hash = hash_of(&slices);
        self.world.submit(
            process,
            Call::Write,
            self.about(at, len),
            claim,
            String::new,
            move |state, landing| {
                if hash_of(&slices) != hash {
                    state.violations.push(format!(
                        "p{process}: the bytes of a write at {at} changed while they were lent"
                    ));
                }
                let mut bytes = Vec::with_capacity(len);
                slices.iter().for_each(|slice| bytes.extend_from_slice(slice.bytes()));
                let change = match landing {
                    Landing::Whole => state.write(handle, at, &bytes)?,
                    Landing::Part => {
                        let kept = state.some_sectors(process, at, &bytes).to_vec();
                        state.write(handle, at, &kept)?
                    }
                    Landing::Not => return Err(IoError::Dead),
                };
                if then_sync && landing == Landing::Whole {
                    // Its own write it covers, others that are under way it does not.
                    let excluded = state.changes_in_flight();
                    state.sync(handle, change, &excluded)?;
                }
                Ok(Landed { value: (), change: Some(change) })
            },
        )
    }

    fn call<T>(
        &self,
        call: Call,
        place: u64,
        run: impl FnOnce(&mut State) -> Result<T, IoError>,
    ) -> Result<T, IoError> {
        let mut state = self.world.point(self.process, call, self.about(place, 0), String::new)?;
        run(&mut state)
    }
}

impl File for SimFile {
    fn read(&self, at: u64, mut buffer: Buffer) -> Pending<(Buffer, usize)> {
        let handle = self.handle;
        let about = self.about(at, buffer.len());
        self.world.submit(self.process, Call::Read, about, None, String::new, move |state, _| {
            let count = state.read(handle, at, buffer.make_mut())?;
            Ok((buffer, count).into())
        })
    }

    fn write(&self, at: u64, slices: Vec<IoSlice>) -> Pending<()> {
        self.submit_write(at, slices, false)
    }

    fn write_then_sync(&self, at: u64, slices: Vec<IoSlice>) -> Pending<()> {
        self.submit_write(at, slices, true)
    }

    fn sync(&self, _data_only: bool) -> Pending<()> {
        let handle = self.handle;
        // What had completed when the sync was submitted: everything there, but for what is still in flight.
        let (horizon, excluded) = {
            let state = self.world.lock();
            (state.disk.changes(), state.changes_in_flight())
        };
        self.world.submit(
            self.process,
            Call::Sync,
            self.about(0, 0),
            None,
            String::new,
            move |state, landing| {
                if landing == Landing::Whole {
                    state.sync(handle, horizon, &excluded)?;
                }
                Ok(().into())
            },
        )
    }

    fn truncate(&self, len_bytes: u64) -> Pending<()> {
        let handle = self.handle;
        let claim = Some(Claim { file: self.file, range: len_bytes..u64::MAX });
        self.world.submit(
            self.process,
            Call::Truncate,
            self.about(len_bytes, 0),
            claim,
            String::new,
            move |state, landing| {
                if landing != Landing::Whole {
                    return Err(IoError::Dead);
                }
                let change = state.truncate(handle, len_bytes)?;
                Ok(Landed { value: (), change: Some(change) })
            },
        )
    }

    fn len(&self) -> Pending<u64> {
        let handle = self.handle;
        self.world.submit(self.process, Call::Length, self.about(0, 0), None, String::new, move |state, _| {
            Ok(state.len(handle)?.into())
        })
    }

    fn id(&self) -> FileId {
        FileId { device: 1, inode: self.file }
    }

    fn lock(&self, want: LockLevel) -> Result<(), IoError> {
        if !self.locking {
            self.unlocked_level.store(want as u8, Ordering::Relaxed);
            return Ok(());
        }
        self.call(Call::Lock, want as u64, |state| state.lock(self.process, self.handle, want))
    }

    fn lock_level(&self) -> LockLevel {
        if !self.locking {
            return LEVELS[usize::from(self.unlocked_level.load(Ordering::Relaxed)).min(4)];
        }
        let mut state = self.world.lock();
        state.locks(self.handle, IoOp::Lock).map_or(LockLevel::None, |(locks, holder)| locks.level(holder))
    }

    fn reserved(&self) -> Result<bool, IoError> {
        if !self.locking {
            return Ok(false);
        }
        self.call(Call::Reserved, 0, |state| state.reserved(self.process, self.handle))
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
        if let Some(open) = shm.as_ref().filter(|open| open.open.load(Ordering::Relaxed)) {
            return Ok(Arc::clone(open) as Arc<dyn SharedMemory>);
        }
        self.call(Call::ShmMap, 0, |state| state.shm_attach(self.handle))?;
        let open = Arc::new(SimShm {
            world: Arc::clone(&self.world),
            process: self.process,
            handle: self.handle,
            file: self.file,
            read_only,
            open: AtomicBool::new(true),
        });
        *shm = Some(Arc::clone(&open));
        Ok(open)
    }

    fn still_linked(&self) -> Result<bool, IoError> {
        self.call(Call::Stat, 0, |state| {
            let path = state.handle(self.handle, IoOp::Stat)?.path.clone();
            Ok(path.is_some_and(|path| state.disk.find(&path) == Some(self.file)))
        })
    }
}

impl Drop for SimFile {
    fn drop(&mut self) {
        // Closing never fails; of a dead process it has happened already.
        if let Ok(mut state) = self.world.point(self.process, Call::Close, self.about(0, 0), String::new) {
            state.close(self.handle);
        }
    }
}

/// The wal-index as one handle sees it.
struct SimShm {
    world: Arc<World>,
    process: usize,
    handle: u64,
    file: FileNo,
    read_only: bool,
    open: AtomicBool,
}

impl SimShm {
    fn call<T>(
        &self,
        call: Call,
        slots: ShmSlots,
        run: impl FnOnce(&mut State) -> Result<T, IoError>,
    ) -> Result<T, IoError> {
        let about = About { file: self.file, place: u64::from(slots.first), len: u64::from(slots.count) };
        let mut state = self.world.point(self.process, call, about, String::new)?;
        run(&mut state)
    }
}

impl SharedMemory for SimShm {
    fn region(&self, index: usize, extend: bool) -> Result<Option<Arc<dyn ShmRegion>>, IoError> {
        let slots = ShmSlots { first: index as u8, count: 0 };
        let region = self.call(Call::ShmMap, slots, |state| {
            state.shm_region(self.handle, index, extend && !self.read_only)
        })?;
        Ok(region.map(|region| region as Arc<dyn ShmRegion>))
    }

    fn lock(&self, slots: ShmSlots, mode: ShmLockMode) -> Result<(), IoError> {
        self.call(Call::ShmLock, slots, |state| state.shm_lock(self.handle, slots, mode))
    }

    fn unlock(&self, slots: ShmSlots, _mode: ShmLockMode) -> Result<(), IoError> {
        self.call(Call::ShmUnlock, slots, |state| state.shm_unlock(self.handle, slots))
    }

    fn barrier(&self) {
        // A point like the others: what lies on both sides of a barrier is where processes meet.
        let _ = self.call(Call::ShmBarrier, ShmSlots { first: 0, count: 0 }, |_| Ok(()));
    }

    fn read_only(&self) -> bool {
        self.read_only
    }

    fn close(&self, _delete: bool) -> Result<(), IoError> {
        if self.open.swap(false, Ordering::Relaxed) {
            self.call(Call::ShmClose, ShmSlots { first: 0, count: 0 }, |state| {
                state.shm_close(self.handle);
                Ok(())
            })?;
        }
        Ok(())
    }
}

impl Drop for SimShm {
    fn drop(&mut self) {
        let _ = SharedMemory::close(self, false);
    }
}
