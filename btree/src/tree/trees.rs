//! The tree layer of one database of one connection: its cursors, and what their operations share.
//!
//! [`Trees`] is the half of [`crate::Btree`] that knows trees; the pager, the other half, is passed to every call.
//!
//! Always true: `geometry` is that of the pager's present page size.
//! Never: transactions, files.

use std::ops::Range;
use std::sync::Arc;

use kernite_io::ready;

use crate::Step;
use crate::btree::CursorId;
use crate::collation::KeyInfo;
use crate::error::Error;
use crate::page_no::PageNo;
use crate::pager::{FrameId, Pager};
use crate::tree::auto_vacuum::FullVacuum;
use crate::tree::cell::CellInfo;
use crate::tree::chain::LongChain;
use crate::tree::change::Workspace;
use crate::tree::cursor::{Cursor, CursorSlab, Moment, State};
use crate::tree::geometry::Geometry;
use crate::tree::integrity::IntegrityCheck;
use crate::tree::roots::Eraser;
use crate::tree::save;

/// Payloads longer than this are read piece by piece, in bytes.
const LARGE_READ: u64 = 256 * 1024;

/// A read of a large payload under way.
pub(crate) struct LargeRead {
    cursor: CursorId,
    range: Range<u64>,
    /// Where the row is: a cursor that stands elsewhere reads another one.
    row: (FrameId, CellInfo),
    bytes: Vec<u8>,
}

/// Cursors and buffers of one database.
#[derive(Default)]
pub(crate) struct Trees {
    pub cursors: CursorSlab,
    pub geometry: Geometry,
    pub work: Workspace,
    pub long_chain: LongChain,
    /// The clearing of a tree under way.
    pub eraser: Option<Eraser>,
    /// The tree that is being dropped and has been cleared.
    pub dropping: Option<PageNo>,
    pub full_vacuum: Option<FullVacuum>,
    /// Pages that an incremental vacuum that had to wait may still give back.
    pub vacuum_left: Option<u32>,
    pub integrity: Option<Box<IntegrityCheck>>,
    pub large_read: Option<LargeRead>,
    /// Open cursors that are incremental blob handles.
    pub blob_handles: u32,
    /// Counts what may have changed a tree.
    pub changes: u64,
}

impl Trees {
    /// Opens a cursor on the tree at `root`.
    pub fn open_cursor(
        &mut self,
        pager: &Pager,
        root: PageNo,
        key: Option<&Arc<KeyInfo>>,
        write: bool,
    ) -> CursorId {
        self.refresh(pager);
        self.cursors.open(root, key, write, self.moment(pager))
    }

    /// Closes a cursor.
    pub fn close_cursor(&mut self, pager: &Pager, id: CursorId) {
        self.set_incremental_blob(id, false);
        self.cursors.close(id, self.moment(pager));
    }

    /// While this stays the same, a position in a tree stays good.
    fn moment(&self, pager: &Pager) -> Moment {
        Moment { changes: self.changes, residence: pager.residence() }
    }

    /// Takes over the pager's page size, which may have changed between transactions.
    pub fn refresh(&mut self, pager: &Pager) {
        let (page_size, usable) = (pager.page_size(), pager.usable_size());
        if (self.geometry.page_size, self.geometry.usable) != (page_size, usable) {
            self.geometry = Geometry::new(page_size, usable);
        }
    }

    /// Makes a cursor an incremental blob handle, or an ordinary one again.
    pub fn set_incremental_blob(&mut self, id: CursorId, on: bool) {
        if let Ok(cursor) = self.cursors.get_mut(id)
            && cursor.incremental_blob != on
        {
            cursor.incremental_blob = on;
            self.blob_handles = if on { self.blob_handles + 1 } else { self.blob_handles.saturating_sub(1) };
        }
    }

    /// Before the tree of cursor `id` is written: saves the positions of all other cursors on it, and ends the blob handles on the row `rowid`.
    pub fn leave_others(&mut self, pager: &mut Pager, id: CursorId, rowid: Option<i64>) -> Step<()> {
        let root = self.cursors.get(id)?.root;
        let any =
            ready!(save::save_others(&mut self.cursors, Some(root), Some(id.index), pager, &self.geometry));
        if !any {
            self.cursors.get_mut(id)?.shared = false;
        }
        if self.blob_handles > 0
            && let Some(rowid) = rowid
        {
            self.end_blob_handles(root, Some(rowid));
        }
        Ok(Some(()))
    }

    /// Ends the incremental blob handles on a row, or on all rows of a table. Their positions are saved.
    pub fn end_blob_handles(&mut self, root: PageNo, rowid: Option<i64>) {
        for (_, cursor) in self.cursors.iter_mut() {
            let same_row = rowid.is_none_or(|rowid| cursor.saved_rowid == rowid);
            if cursor.incremental_blob && cursor.root == root && cursor.state == State::Saved && same_row {
                cursor.reset();
            }
        }
    }

    /// Saves the positions of all cursors, of one tree or of all: before pages change under them.
    pub fn save_all(&mut self, pager: &mut Pager, root: Option<PageNo>) -> Step<()> {
        ready!(save::save_others(&mut self.cursors, root, None, pager, &self.geometry));
        Ok(Some(()))
    }

    /// Before the transaction is rolled back: with `keep_readers` cursors that only read save their positions, all others fail with
    /// [`Error::AbortRollback`] from here on.
    pub fn leave_for_rollback(&mut self, pager: &mut Pager, keep_readers: bool) -> Step<()> {
        self.changes += 1;
        self.abandon();
        for (_, cursor) in self.cursors.iter_mut() {
            // A position that cannot be saved is lost; that is no reason not to roll back.
            let saved = match keep_readers && !cursor.write {
                true => match save::save(cursor, pager, &self.geometry) {
                    Ok(None) => return Ok(None),
                    Ok(Some(())) => true,
                    Err(_) => false,
                },
                false => false,
            };
            if !saved && cursor.state != State::Fault {
                cursor.fail(Error::AbortRollback);
            }
        }
        Ok(Some(()))
    }

    /// Before the changes since a savepoint are undone: saves all positions and forgets what was half done.
    pub fn leave_for_savepoint(&mut self, pager: &mut Pager) -> Step<()> {
        self.changes += 1;
        self.abandon();
        self.save_all(pager, None)
    }

    /// All cursors point nowhere: the transaction under which they had a position is over.
    pub fn reset_all(&mut self) {
        self.abandon();
        for (_, cursor) in self.cursors.iter_mut() {
            if cursor.state != State::Fault {
                cursor.reset();
            }
        }
    }

    /// Forgets the work of an operation that was not finished.
    fn abandon(&mut self) {
        self.long_chain = LongChain::None;
        self.eraser = None;
        self.dropping = None;
        self.full_vacuum = None;
        self.vacuum_left = None;
        self.integrity = None;
        self.large_read = None;
    }

    /// After one change or page of a long operation, before the next: lets the pager bring its cache within its budget. Never first thing in an
    /// operation, which may be a re-run for whose sake a page was read.
    #[inline(always)]
    pub fn safe_point(&self, pager: &mut Pager) -> Step<()> {
        if pager.over_budget() { self.trim(pager) } else { Ok(Some(())) }
    }

    #[cold]
    fn trim(&self, pager: &mut Pager) -> Step<()> {
        self.guard(pager, |pager| pager.trim())
    }

    /// Pins the frames of all cursors' paths while `evict` runs, so that it spares them.
    pub fn guard<T>(&self, pager: &mut Pager, evict: impl FnOnce(&mut Pager) -> T) -> T {
        self.cursors.iter().for_each(|cursor| cursor.pin(pager));
        let result = evict(pager);
        self.cursors.iter().for_each(|cursor| cursor.unpin(pager));
        result
    }

    /// Moves or asks a cursor.
    #[inline]
    pub fn with_cursor<T>(
        &mut self,
        id: CursorId,
        visit: impl FnOnce(&mut Cursor, &Geometry) -> Step<T>,
    ) -> Step<T> {
        visit(self.cursors.get_mut(id)?, &self.geometry)
    }

    /// Counts the entries of a cursor's tree. The cursor points nowhere afterwards.
    pub fn count(&mut self, pager: &mut Pager, id: CursorId) -> Step<u64> {
        loop {
            if let Some(total) =
                ready!(self.with_cursor(id, |cursor, geometry| cursor.count_some(pager, geometry)))
            {
                return Ok(Some(total));
            }
            ready!(self.safe_point(pager));
        }
    }

    /// Appends payload bytes under a cursor; see [`crate::Btree::read_payload`].
    #[inline]
    pub fn read_payload(
        &mut self,
        pager: &mut Pager,
        id: CursorId,
        range: Range<u64>,
        out: &mut Vec<u8>,
    ) -> Step<()> {
        if range.end.saturating_sub(range.start) > LARGE_READ {
            return self.read_large_payload(pager, id, range, out);
        }
        self.with_cursor(id, |cursor, geometry| cursor.read_payload(range, out, pager, geometry))
    }

    /// Reads a large payload piece by piece, so that its overflow pages need not be in memory all at once.
    #[cold]
    fn read_large_payload(
        &mut self,
        pager: &mut Pager,
        id: CursorId,
        range: Range<u64>,
        out: &mut Vec<u8>,
    ) -> Step<()> {
        let cursor = self.cursors.get(id)?;
        let row = (cursor.frame, cursor.cell);
        let mut read = match self.large_read.take() {
            Some(read) if (read.cursor, &read.range, read.row) == (id, &range, row) => read,
            _ => LargeRead { cursor: id, range: range.clone(), row, bytes: Vec::new() },
        };
        while read.bytes.len() as u64 != range.end - range.start {
            let at = range.start + read.bytes.len() as u64;
            let piece = at..range.end.min(at + LARGE_READ);
            let bytes = &mut read.bytes;
            let step = match self.with_cursor(id, |cursor, g| cursor.read_payload(piece, bytes, pager, g))? {
                Some(()) => self.safe_point(pager)?,
                None => None,
            };
            if step.is_none() {
                self.large_read = Some(read);
                return Ok(None);
            }
        }
        if out.is_empty() {
            *out = read.bytes;
        } else {
            out.append(&mut read.bytes);
        }
        Ok(Some(()))
    }

    /// Overwrites payload bytes under a cursor; see [`crate::Btree::write_payload`].
    pub fn write_payload(&mut self, pager: &mut Pager, id: CursorId, at: u64, bytes: &[u8]) -> Step<()> {
        self.changes += 1;
        if self.cursors.get(id)?.shared {
            ready!(self.leave_others(pager, id, None));
        }
        self.with_cursor(id, |cursor, geometry| cursor.write_payload(at, bytes, pager, geometry))
    }
}
