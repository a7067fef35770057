//! Files of a late world.
//!
//! Never: a late lock. What the engine decides by locks it decides at once.

use std::sync::Arc;

use crate::buffer::{Buffer, IoSlice};
use crate::completion::Pending;
use crate::error::{IoError, IoOp};
use crate::file::{DeviceTraits, File, FileControl, FileId, LockLevel, SharedMemory};
use crate::world::SharedIo;

use super::loan::Loan;
use super::queue::{Claim, Queue};

/// One open file.
pub(super) struct LateFile {
    io: SharedIo,
    inner: Arc<dyn File>,
    queue: Arc<Queue>,
}

impl LateFile {
    pub(super) fn new(io: SharedIo, inner: Arc<dyn File>, queue: Arc<Queue>) -> LateFile {
        LateFile { io, inner, queue }
    }

    fn handles(&self) -> (SharedIo, Arc<dyn File>) {
        (Arc::clone(&self.io), Arc::clone(&self.inner))
    }

    fn claim(&self, start: u64, end: u64) -> Option<Claim> {
        (start < end).then(|| Claim { file: self.inner.id(), range: start..end })
    }

    fn write_claim(&self, at: u64, slices: &[IoSlice]) -> Option<Claim> {
        let len: usize = slices.iter().map(|slice| slice.bytes().len()).sum();
        self.claim(at, at.saturating_add(len as u64))
    }
}

impl File for LateFile {
    fn read(&self, at: u64, buffer: Buffer) -> Pending<(Buffer, usize)> {
        let (io, inner) = self.handles();
        self.queue.submit(IoOp::Read, move || inner.read(at, buffer).settle(&*io))
    }

    fn write(&self, at: u64, slices: Vec<IoSlice>) -> Pending<()> {
        let (io, inner) = self.handles();
        let (claim, loan) = (self.write_claim(at, &slices), Loan::new(IoOp::Write, at, &slices));
        self.queue.submit_checked(
            IoOp::Write,
            claim,
            move || inner.write(at, slices).settle(&*io),
            move |_| loan.assert_unchanged(),
        )
    }

    fn write_then_sync(&self, at: u64, slices: Vec<IoSlice>) -> Pending<()> {
        let (io, inner) = self.handles();
        let (claim, loan) = (self.write_claim(at, &slices), Loan::new(IoOp::Write, at, &slices));
        self.queue.submit_checked(
            IoOp::Write,
            claim,
            move || inner.write_then_sync(at, slices).settle(&*io),
            move |_| loan.assert_unchanged(),
        )
    }

    fn sync(&self, data_only: bool) -> Pending<()> {
        let (io, inner) = self.handles();
        self.queue.submit(IoOp::Sync, move || inner.sync(data_only).settle(&*io))
    }

    fn truncate(&self, len_bytes: u64) -> Pending<()> {
        let (io, inner) = self.handles();
        let claim = self.claim(len_bytes, u64::MAX);
        self.queue.submit_checked(
            IoOp::Truncate,
            claim,
            move || inner.truncate(len_bytes).settle(&*io),
            |_| {},
        )
    }

    fn len(&self) -> Pending<u64> {
        let (io, inner) = self.handles();
        self.queue.submit(IoOp::Length, move || inner.len().settle(&*io))
    }

    fn id(&self) -> FileId {
        self.inner.id()
    }

    fn lock(&self, want: LockLevel) -> Result<(), IoError> {
        self.inner.lock(want)
    }

    fn lock_level(&self) -> LockLevel {
        self.inner.lock_level()
    }

    fn reserved(&self) -> Result<bool, IoError> {
        self.inner.reserved()
    }

    fn device(&self) -> DeviceTraits {
        self.inner.device()
    }

    fn prefetch(&self, at: u64, len: usize) {
        self.inner.prefetch(at, len);
    }

    fn control(&self, op: FileControl) {
        self.inner.control(op);
    }

    fn shm(&self, read_only: bool) -> Result<Arc<dyn SharedMemory>, IoError> {
        self.inner.shm(read_only)
    }

    fn still_linked(&self) -> Result<bool, IoError> {
        self.inner.still_linked()
    }
}

impl Drop for LateFile {
    fn drop(&mut self) {
        // Operations in flight keep the file below open; its lock goes with the handle all the same.
        let _ = self.inner.lock(LockLevel::None);
    }
}
