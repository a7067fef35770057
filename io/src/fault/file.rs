//! Files and shared memory of a faulty world.
//!
//! Never: giving back a lock of its own accord. The dead give nothing back; their locks go with the handles of the world below.

use std::sync::Arc;

use crate::buffer::{Buffer, IoSlice};
use crate::completion::Pending;
use crate::error::{IoError, IoOp};
use crate::file::{
    DeviceTraits, File, FileControl, FileId, FileKind, LockLevel, SharedMemory, ShmLockMode, ShmRegion,
    ShmSlots,
};
use crate::world::SharedIo;

use super::plan::{Ledger, Outcome};
use super::{strike, strike_now};

/// One open file.
pub(super) struct FaultFile {
    io: SharedIo,
    ledger: Arc<Ledger>,
    inner: Arc<dyn File>,
    kind: FileKind,
}

/// The first `keep` bytes of `slices`.
fn prefix(slices: Vec<IoSlice>, keep: usize) -> Vec<IoSlice> {
    let mut left = keep;
    let mut kept = Vec::with_capacity(slices.len());
    for mut slice in slices {
        let count = slice.bytes().len().min(left);
        slice.range.end = slice.range.start + count;
        left -= count;
        if count > 0 {
            kept.push(slice);
        }
    }
    kept
}

impl FaultFile {
    pub(super) fn new(io: SharedIo, ledger: Arc<Ledger>, inner: Arc<dyn File>, kind: FileKind) -> FaultFile {
        FaultFile { io, ledger, inner, kind }
    }

    fn decide(&self, op: IoOp) -> Option<Outcome> {
        self.ledger.decide(op, Some(self.kind))
    }

    fn queued<T>(&self, op: IoOp, run: impl FnOnce() -> Pending<T>) -> Pending<T> {
        strike(&*self.io, self.decide(op), &self.ledger, run)
    }

    fn now<T>(&self, op: IoOp, run: impl FnOnce() -> Result<T, IoError>) -> Result<T, IoError> {
        strike_now(&*self.io, self.decide(op), &self.ledger, run)
    }

    /// Writes what there is room for.
    fn write_within_room(&self, at: u64, slices: Vec<IoSlice>) -> Pending<()> {
        if !self.ledger.has_limit() {
            return self.inner.write(at, slices);
        }
        let len = match self.inner.len().settle(&*self.io) {
            Ok(len) => len,
            Err(error) => return Pending::err(error),
        };
        let count: usize = slices.iter().map(|slice| slice.bytes().len()).sum();
        let growth = at.saturating_add(count as u64).saturating_sub(len);
        let missing = growth - self.ledger.take_room(growth);
        if missing == 0 {
            return self.inner.write(at, slices);
        }
        let keep = count.saturating_sub(usize::try_from(missing).unwrap_or(usize::MAX));
        match self.inner.write(at, prefix(slices, keep)).settle(&*self.io) {
            Ok(()) => Pending::err(IoError::Full),
            Err(error) => Pending::err(error),
        }
    }

    fn truncate_within_room(&self, len_bytes: u64) -> Pending<()> {
        if !self.ledger.has_limit() {
            return self.inner.truncate(len_bytes);
        }
        let len = match self.inner.len().settle(&*self.io) {
            Ok(len) => len,
            Err(error) => return Pending::err(error),
        };
        let growth = len_bytes.saturating_sub(len);
        let taken = self.ledger.take_room(growth);
        if taken < growth {
            self.ledger.give_room(taken);
            return Pending::err(IoError::Full);
        }
        self.ledger.give_room(len.saturating_sub(len_bytes));
        self.inner.truncate(len_bytes)
    }
}

impl File for FaultFile {
    fn read(&self, at: u64, buffer: Buffer) -> Pending<(Buffer, usize)> {
        self.queued(IoOp::Read, || self.inner.read(at, buffer))
    }

    fn write(&self, at: u64, slices: Vec<IoSlice>) -> Pending<()> {
        match self.decide(IoOp::Write) {
            None => self.write_within_room(at, slices),
            Some(Outcome::ShortWrite { keep_bytes, error }) => {
                let _ = self.inner.write(at, prefix(slices, keep_bytes)).settle(&*self.io);
                Pending::err(error)
            }
            outcome => strike(&*self.io, outcome, &self.ledger, || self.inner.write(at, slices)),
        }
    }

    fn write_then_sync(&self, at: u64, slices: Vec<IoSlice>) -> Pending<()> {
        match self.write(at, slices).settle(&*self.io) {
            Ok(()) => self.sync(true),
            Err(error) => Pending::err(error),
        }
    }

    fn sync(&self, data_only: bool) -> Pending<()> {
        self.queued(IoOp::Sync, || self.inner.sync(data_only))
    }

    fn truncate(&self, len_bytes: u64) -> Pending<()> {
        self.queued(IoOp::Truncate, || self.truncate_within_room(len_bytes))
    }

    fn len(&self) -> Pending<u64> {
        self.queued(IoOp::Length, || self.inner.len())
    }

    fn id(&self) -> FileId {
        self.inner.id()
    }

    fn lock(&self, want: LockLevel) -> Result<(), IoError> {
        let op = if want >= self.inner.lock_level() { IoOp::Lock } else { IoOp::Unlock };
        self.now(op, || self.inner.lock(want))
    }

    fn lock_level(&self) -> LockLevel {
        self.inner.lock_level()
    }

    fn reserved(&self) -> Result<bool, IoError> {
        self.now(IoOp::CheckReservedLock, || self.inner.reserved())
    }

    fn device(&self) -> DeviceTraits {
        self.inner.device()
    }

    fn prefetch(&self, at: u64, len: usize) {
        self.inner.prefetch(at, len);
    }

    fn control(&self, op: FileControl) {
        if !self.ledger.is_dead() {
            self.inner.control(op);
        }
    }

    fn shm(&self, read_only: bool) -> Result<Arc<dyn SharedMemory>, IoError> {
        let inner = self.now(IoOp::ShmOpen, || self.inner.shm(read_only))?;
        let (io, ledger) = (Arc::clone(&self.io), Arc::clone(&self.ledger));
        Ok(Arc::new(FaultShm { io, ledger, inner, kind: self.kind }))
    }

    fn still_linked(&self) -> Result<bool, IoError> {
        self.now(IoOp::Stat, || self.inner.still_linked())
    }
}

/// One connection's wal-index.
struct FaultShm {
    io: SharedIo,
    ledger: Arc<Ledger>,
    inner: Arc<dyn SharedMemory>,
    kind: FileKind,
}

impl FaultShm {
    fn now<T>(&self, op: IoOp, run: impl FnOnce() -> Result<T, IoError>) -> Result<T, IoError> {
        strike_now(&*self.io, self.ledger.decide(op, Some(self.kind)), &self.ledger, run)
    }

    fn unless_dead<T>(&self, run: impl FnOnce() -> Result<T, IoError>) -> Result<T, IoError> {
        if self.ledger.is_dead() { Err(IoError::Dead) } else { run() }
    }
}

impl SharedMemory for FaultShm {
    fn region(&self, index: usize, extend: bool) -> Result<Option<Arc<dyn ShmRegion>>, IoError> {
        self.now(IoOp::ShmMap, || self.inner.region(index, extend))
    }

    fn lock(&self, slots: ShmSlots, mode: ShmLockMode) -> Result<(), IoError> {
        self.now(IoOp::ShmLock, || self.inner.lock(slots, mode))
    }

    fn unlock(&self, slots: ShmSlots, mode: ShmLockMode) -> Result<(), IoError> {
        self.unless_dead(|| self.inner.unlock(slots, mode))
    }

    fn barrier(&self) {
        self.inner.barrier();
    }

    fn read_only(&self) -> bool {
        self.inner.read_only()
    }

    fn close(&self, delete: bool) -> Result<(), IoError> {
        self.unless_dead(|| self.inner.close(delete))
    }
}
