//! The write-ahead log: changed pages are appended to a file of their own and copied into the database later.
//!
//! ```text
//! reader   snapshot := index header; read mark locked      page: newest frame in the snapshot, else the database file
//! writer   write lock -> frames appended -> synced (FULL) -> index entries -> header published
//! checkpoint   frames that no reader needs any more -> database file -> "backfilled" -> the next writer may start over
//! ```
//!
//! Always true while a read transaction is open: frames `min_frame..=header.max_frame` of the file are as the header says, and pages that are not
//! among them are in the database file as of the snapshot; the read mark's lock keeps checkpoints from going further.
//!
//! Rooms: `format` and `checksum` (the file), `index` (the shared memory), `open`, `read` (snapshots), `recover` (building the index
//! from the file), `write` (appending, undoing), `restart` (starting the file over), `checkpoint`.
//! Spec: "WAL-mode File Format"; "Write-Ahead Logging".

pub(super) mod checkpoint;
pub(super) mod checksum;
pub(super) mod format;
pub(super) mod index;
pub(super) mod open;
pub(super) mod read;
pub(super) mod recover;
pub(super) mod restart;
pub(super) mod write;

use std::sync::Arc;

use kernite_io::{File, ShmLockMode};

use super::log::Located;
use crate::page_no::PageNo;
use crate::{Error, ReadOnlyReason};
use index::{Index, IndexHeader};

/// The WAL of one database as one connection sees it.
pub(in crate::pager) struct Wal {
    pub(in crate::pager) file: Arc<dyn File>,
    pub(in crate::pager) index: Index,
    /// The shared memory, while `index` is a private one because nobody vouches for it.
    unreliable_index: Option<Index>,
    /// The snapshot; while writing, with the frames that the transaction appended.
    pub(in crate::pager) header: IndexHeader,
    /// The read mark that is locked.
    read_mark: Option<usize>,
    write_locked: bool,
    checkpoint_locked: bool,
    /// Older frames of the snapshot are in the database file already.
    min_frame: u32,
    /// Page size of the frames in the file; 0 where there are none.
    page_bytes: u32,
    /// Checksums are wrong from this frame on, since it was overwritten; 0 = none.
    rechecksum_from: u32,
    checkpoint_sequence: u32,
    /// The file was started over: it may be longer than it has to be.
    truncate_on_commit: bool,
    directory_synced: bool,
    read_only: bool,
    /// Frames in the WAL after this connection's last commit, until someone asks.
    committed_frames: u32,
    /// The commit frame of a prepared transaction is in the file.
    prepared: bool,
}

impl Wal {
    fn new(file: Arc<dyn File>, index: Index, read_only: bool) -> Wal {
        Wal {
            file,
            index,
            unreliable_index: None,
            header: IndexHeader::default(),
            read_mark: None,
            write_locked: false,
            checkpoint_locked: false,
            min_frame: 0,
            page_bytes: 0,
            rechecksum_from: 0,
            checkpoint_sequence: 0,
            truncate_on_commit: false,
            directory_synced: false,
            read_only,
            committed_frames: 0,
            prepared: false,
        }
    }

    /// Pages of the database in the snapshot, 0 where only the database file knows.
    pub(in crate::pager) fn page_count(&self) -> u32 {
        self.header.page_count()
    }

    /// Page size of the snapshot.
    pub(in crate::pager) fn page_bytes(&self) -> u32 {
        self.header.page_bytes()
    }

    /// Where the snapshot has `page`.
    #[inline]
    pub(in crate::pager) fn locate(&mut self, page: PageNo) -> Result<Located, Error> {
        let last = self.header.max_frame();
        if last == 0 || self.read_mark == Some(0) {
            return Ok(Located::Database);
        }
        let last = last + u32::from(kernite_io::planted!(WalReadPastSnapshot));
        Ok(match self.index.find(page, self.min_frame, last)? {
            Some(frame) => {
                let at = format::frame_at(frame, self.page_bytes) + format::FRAME_HEADER_BYTES as u64;
                Located::Wal(Arc::clone(&self.file), at)
            }
            None => Located::Database,
        })
    }

    /// Takes the write lock. [`Error::BusySnapshot`] where somebody wrote since the snapshot was taken.
    pub(in crate::pager) fn begin_write(&mut self) -> Result<(), Error> {
        if self.read_only || self.index.read_only() || self.unreliable_index.is_some() {
            return Err(Error::ReadOnly(ReadOnlyReason::Plain));
        }
        if self.write_locked {
            return Ok(());
        }
        if !kernite_io::planted!(WalWriteNotLocked) {
            self.index.lock(index::WRITE, ShmLockMode::Exclusive)?;
        }
        if self.index.live() != self.header && !kernite_io::planted!(WalSnapshotNotChecked) {
            self.index.unlock(index::WRITE, ShmLockMode::Exclusive);
            return Err(Error::BusySnapshot);
        }
        self.write_locked = true;
        Ok(())
    }

    /// Gives the write lock back.
    pub(in crate::pager) fn end_write(&mut self) {
        if std::mem::take(&mut self.write_locked) {
            self.index.unlock(index::WRITE, ShmLockMode::Exclusive);
        }
        self.rechecksum_from = 0;
        self.prepared = false;
        self.truncate_on_commit = false;
    }

    /// Gives the read mark back. The snapshot is kept for the comparison with the next one.
    pub(in crate::pager) fn end_read(&mut self) {
        self.end_write();
        if let Some(mark) = self.read_mark.take() {
            self.index.unlock(index::reader(mark), ShmLockMode::Shared);
        }
        self.leave_private_index();
    }

    /// Announces a prepared transaction: the commit point for everybody else.
    pub(in crate::pager) fn publish(&mut self) {
        if !std::mem::take(&mut self.prepared) {
            return;
        }
        self.header.count_change();
        self.index.write_header(&mut self.header);
        self.committed_frames = self.header.max_frame();
    }

    /// Frames in the WAL after the last commit here, once.
    pub(in crate::pager) fn take_committed_frames(&mut self) -> u32 {
        std::mem::take(&mut self.committed_frames)
    }

    /// Makes the index exclusive: the caller holds the EXCLUSIVE lock on the database, so no slot need be locked any more.
    pub(in crate::pager) fn enter_exclusive(&mut self) {
        if self.index.exclusive {
            return;
        }
        if let Some(mark) = self.read_mark {
            self.index.unlock(index::reader(mark), ShmLockMode::Shared);
        }
        if self.write_locked {
            self.index.unlock(index::WRITE, ShmLockMode::Exclusive);
        }
        self.index.exclusive = true;
    }

    /// Goes back to locking slots, while the EXCLUSIVE lock is still held. Whether it worked; an index on the heap cannot.
    pub(in crate::pager) fn leave_exclusive(&mut self) -> bool {
        if !self.index.exclusive || self.index.is_heap() {
            return false;
        }
        self.index.exclusive = false;
        if let Some(mark) = self.read_mark
            && self.index.lock(index::reader(mark), ShmLockMode::Shared).is_err()
        {
            self.index.exclusive = true;
        }
        !self.index.exclusive
    }
}
