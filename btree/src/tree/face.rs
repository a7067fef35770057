//! The half of [`Btree`] that is about trees and cursors: what the machine calls per row.
//!
//! Methods here check the cursor's id, let the pager trim its cache where that is due, and hand over. Trimming happens before an
//! operation, never inside one, and spares the pages on which cursors stand.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

use kernite_io::ready;

use crate::Step;
use crate::btree::{
    Btree, CursorId, CursorPosition, Entry, InsertFlags, IntegrityReport, KnownMeta, Meta, RowPayload,
    SeekOutcome, TreeKind,
};
use crate::collation::KeyInfo;
use crate::error::Error;
use crate::page_no::PageNo;
use crate::record::ValueRef;
use crate::tree::cursor::State;
use crate::tree::{meta, save};

impl Btree {
    /// Lets the pager bring its cache within its budget, before an operation.
    #[inline]
    fn begin_operation(&mut self) -> Step<()> {
        self.trees.safe_point(&mut self.pager)
    }

    // ---- header -----------------------------------------------------------------------------------------------
    /// A header field; needs a read transaction.
    pub fn meta(&mut self, field: Meta) -> Step<u32> {
        // Every statement asks for these two, which only `set_meta` and another page 1 change.
        if let Some(known) = &self.known_meta
            && known.residence == self.pager.residence()
        {
            match field {
                Meta::SchemaVersion => return Ok(Some(known.schema_version)),
                Meta::FileFormat => return Ok(Some(known.file_format)),
                _ => {}
            }
        }
        ready!(self.begin_operation());
        let value = ready!(meta::read(&mut self.pager, field));
        if matches!(field, Meta::SchemaVersion | Meta::FileFormat) && self.pager.page_count() > 0 {
            self.known_meta = Some(KnownMeta {
                schema_version: ready!(meta::read(&mut self.pager, Meta::SchemaVersion)),
                file_format: ready!(meta::read(&mut self.pager, Meta::FileFormat)),
                residence: self.pager.residence(),
            });
        }
        Ok(Some(value))
    }

    /// Sets a header field; needs a write transaction.
    pub fn set_meta(&mut self, field: Meta, value: u32) -> Step<()> {
        self.known_meta = None;
        ready!(self.begin_operation());
        meta::write(&mut self.pager, field, value)
    }

    /// Appends the bytes of a page to `out`, as this transaction sees it; needs a read transaction. The page that locks are on is all zeros.
    pub fn read_page(&mut self, page: PageNo, out: &mut Vec<u8>) -> Step<()> {
        ready!(self.begin_operation());
        if page == self.pager.lock_byte_page() {
            out.resize(out.len() + self.pager.page_size(), 0);
            return Ok(Some(()));
        }
        let frame = ready!(self.pager.get(page));
        out.extend_from_slice(self.pager.page(frame));
        Ok(Some(()))
    }

    // ---- trees ------------------------------------------------------------------------------------------------
    /// Makes an empty tree; its root page.
    pub fn create_tree(&mut self, kind: TreeKind) -> Step<PageNo> {
        self.writes += 1;
        ready!(self.begin_operation());
        self.trees.create_tree(&mut self.pager, kind)
    }

    /// Frees all pages of a tree; [`Error::Locked`] while a cursor is open on it. Under auto_vacuum the last root may move into the
    /// gap: then the root that moved (its old number), which is now at `root`.
    pub fn drop_tree(&mut self, root: PageNo) -> Step<Option<PageNo>> {
        self.writes += 1;
        ready!(self.begin_operation());
        self.trees.drop_tree(&mut self.pager, root)
    }

    /// Deletes all entries; how many there were (index trees: entries too).
    pub fn clear_tree(&mut self, root: PageNo) -> Step<u64> {
        self.writes += 1;
        ready!(self.begin_operation());
        self.trees.clear_tree(&mut self.pager, root)
    }

    // ---- cursors ----------------------------------------------------------------------------------------------
    /// Opens a cursor. `key` is `None` for a table tree. Never touches the disk.
    pub fn open_cursor(
        &mut self,
        root: PageNo,
        key: Option<&Arc<KeyInfo>>,
        write: bool,
    ) -> Result<CursorId, Error> {
        Ok(self.trees.open_cursor(&self.pager, root, key, write))
    }

    /// Closes a cursor; a stale id does nothing.
    pub fn close_cursor(&mut self, cursor: CursorId) {
        self.trees.close_cursor(&self.pager, cursor);
    }

    /// Makes a cursor point nowhere: there is no entry before or after it until it is moved anew.
    pub fn reset_cursor(&mut self, cursor: CursorId) {
        if let Ok(cursor) = self.trees.cursors.get_mut(cursor)
            && cursor.state != State::Fault
        {
            cursor.reset();
        }
    }

    /// First entry; `false` when the tree is empty.
    pub fn first(&mut self, cursor: CursorId) -> Step<bool> {
        ready!(self.begin_operation());
        let pager = &mut self.pager;
        self.trees.with_cursor(cursor, |cursor, geometry| cursor.first(pager, geometry))
    }

    /// Last entry; `false` when the tree is empty.
    pub fn last(&mut self, cursor: CursorId) -> Step<bool> {
        ready!(self.begin_operation());
        let pager = &mut self.pager;
        self.trees.with_cursor(cursor, |cursor, geometry| cursor.last(pager, geometry))
    }

    /// Next entry; `false` past the last one.
    #[inline]
    pub fn next(&mut self, cursor: CursorId) -> Step<bool> {
        if let Ok(cursor) = self.trees.cursors.get_mut(cursor)
            && cursor.next_quick(&self.pager, &self.trees.geometry)
        {
            return Ok(Some(true));
        }
        self.next_slowly(cursor)
    }

    #[inline(never)]
    fn next_slowly(&mut self, cursor: CursorId) -> Step<bool> {
        ready!(self.begin_operation());
        let pager = &mut self.pager;
        self.trees.with_cursor(cursor, |cursor, geometry| cursor.next(pager, geometry))
    }

    /// Previous entry; `false` before the first one.
    #[inline]
    pub fn previous(&mut self, cursor: CursorId) -> Step<bool> {
        ready!(self.begin_operation());
        let pager = &mut self.pager;
        self.trees.with_cursor(cursor, |cursor, geometry| cursor.previous(pager, geometry))
    }

    /// Seeks a rowid. Tries the leaf on which the cursor stands first.
    #[inline]
    pub fn seek_rowid(&mut self, cursor: CursorId, rowid: i64) -> Step<SeekOutcome> {
        ready!(self.begin_operation());
        let pager = &mut self.pager;
        self.trees.with_cursor(cursor, |cursor, geometry| cursor.seek_rowid(rowid, pager, geometry))
    }

    /// Seeks an index key of `key.len()` leading columns. Entries equal in all of them compare as `when_equal`
    /// (`Equal`: stop at any such entry; `Less`/`Greater`: treat such an entry as smaller/larger than the key, to land after/before them all).
    #[inline]
    pub fn seek_key(
        &mut self,
        cursor: CursorId,
        key: &[ValueRef<'_>],
        when_equal: Ordering,
    ) -> Step<SeekOutcome> {
        ready!(self.begin_operation());
        let pager = &mut self.pager;
        self.trees.with_cursor(cursor, |cursor, geometry| cursor.seek_key(key, when_equal, pager, geometry))
    }

    /// Whether the last [`Btree::seek_key`] of the cursor met an entry that equals the key in all of the key's columns. If it did, the entry
    /// above or below which it was sent by `when_equal` is one.
    #[inline]
    pub fn equal_seen(&self, cursor: CursorId) -> bool {
        self.trees.cursors.get(cursor).is_ok_and(|cursor| cursor.equal_seen)
    }

    /// Compares the entry under an index cursor with `key` (entry <=> key), `when_equal` as in `seek_key`.
    pub fn compare_key(
        &mut self,
        cursor: CursorId,
        key: &[ValueRef<'_>],
        when_equal: Ordering,
    ) -> Step<Ordering> {
        let pager = &mut self.pager;
        self.trees
            .with_cursor(cursor, |cursor, geometry| cursor.compare_key(key, when_equal, pager, geometry))
    }

    /// Whether the cursor stands on an entry and needs no `restore`. One load.
    #[inline]
    pub fn is_on_entry(&self, cursor: CursorId) -> bool {
        self.trees.cursors.get(cursor).is_ok_and(|cursor| cursor.state == State::OnEntry)
    }

    /// Brings a cursor back after its tree was written through another one.
    pub fn restore(&mut self, cursor: CursorId) -> Step<CursorPosition> {
        ready!(self.begin_operation());
        let pager = &mut self.pager;
        self.trees.with_cursor(cursor, |cursor, geometry| save::restore(cursor, pager, geometry))
    }

    /// Rowid of the entry. The cursor has to be on an entry.
    #[inline]
    pub fn rowid(&self, cursor: CursorId) -> Result<i64, Error> {
        self.trees.cursors.get(cursor)?.rowid()
    }

    /// The entry's payload. The cursor has to be on an entry; never yields.
    #[inline]
    pub fn entry(&self, cursor: CursorId) -> Result<Entry<'_>, Error> {
        self.trees.cursors.get(cursor)?.entry(&self.pager)
    }

    /// Appends payload bytes `range` (which may lie on overflow pages) to `out`. Unless it is done, `out` is as it was.
    #[inline]
    pub fn read_payload(&mut self, cursor: CursorId, range: Range<u64>, out: &mut Vec<u8>) -> Step<()> {
        self.trees.read_payload(&mut self.pager, cursor, range, out)
    }

    /// Overwrites payload bytes in place (incremental blob I/O).
    pub fn write_payload(&mut self, cursor: CursorId, at: u64, bytes: &[u8]) -> Step<()> {
        self.writes += 1;
        ready!(self.begin_operation());
        self.trees.write_payload(&mut self.pager, cursor, at, bytes)
    }

    /// Makes the cursor an incremental blob handle, which a change of its row through another cursor ends.
    pub fn set_incremental_blob(&mut self, cursor: CursorId, on: bool) {
        self.trees.set_incremental_blob(cursor, on);
    }

    /// Inserts or, where the key exists, replaces.
    #[inline]
    pub fn insert(&mut self, cursor: CursorId, payload: RowPayload<'_>, flags: InsertFlags) -> Step<()> {
        self.writes += 1;
        ready!(self.begin_operation());
        self.trees.insert(&mut self.pager, cursor, payload, flags)
    }

    /// Whether the entry under the cursor was deleted and only its long overflow chain is still being freed: [`Btree::delete`] has to be
    /// called again, although the cursor stands on no entry any more.
    #[inline]
    pub fn is_deleting(&self, cursor: CursorId) -> bool {
        self.trees.is_deleting(cursor)
    }

    /// Deletes the entry under the cursor. With `save_position` the cursor stays so that `next`/`previous` go on from there.
    #[inline]
    pub fn delete(&mut self, cursor: CursorId, save_position: bool) -> Step<()> {
        self.writes += 1;
        ready!(self.begin_operation());
        self.trees.delete(&mut self.pager, cursor, save_position)
    }

    /// Number of entries in the tree. The cursor points nowhere afterwards.
    pub fn count(&mut self, cursor: CursorId) -> Step<u64> {
        ready!(self.begin_operation());
        self.trees.count(&mut self.pager, cursor)
    }

    /// Rough number of rows for the planner (`sqlite3BtreeRowCountEst`), -1 when unknown. The cursor is on the first entry afterwards.
    pub fn row_count_estimate(&mut self, cursor: CursorId) -> Step<i64> {
        ready!(self.begin_operation());
        let pager = &mut self.pager;
        self.trees.with_cursor(cursor, |cursor, geometry| {
            ready!(cursor.first(pager, geometry));
            Ok(Some(cursor.row_count_estimate(pager)))
        })
    }

    /// Where the entry's payload starts in the file, in bytes (`sqlite_offset`); `None` when the cursor is on no entry.
    pub fn entry_offset(&self, cursor: CursorId) -> Option<u64> {
        let cursor = self.trees.cursors.get(cursor).ok()?;
        if cursor.state != State::OnEntry {
            return None;
        }
        let page = u64::from(self.pager.page_no(cursor.frame).get());
        Some((page - 1) * self.trees.geometry.page_size as u64 + u64::from(cursor.cell.payload_at))
    }

    /// Gives at most `pages` free pages (all when `None`) back to the file system.
    pub fn incremental_vacuum(&mut self, pages: Option<u32>) -> Step<()> {
        self.writes += 1;
        // A run that had to wait goes on with the pages that are left.
        let mut left = self.trees.vacuum_left.take().unwrap_or(pages.unwrap_or(u32::MAX));
        while left > 0 {
            let step = match self.begin_operation()? {
                Some(()) => self.trees.incremental_vacuum_step(&mut self.pager)?,
                None => None,
            };
            match step {
                Some(true) => left -= 1,
                Some(false) => break,
                None => {
                    self.trees.vacuum_left = Some(left);
                    return Ok(None);
                }
            }
        }
        Ok(Some(()))
    }

    /// Checks trees with these roots (0 = skip) and, unless `partial`, that every page is used exactly once. At most `max_errors` messages in SQLite's words,
    /// and for each root the number of entries.
    pub fn integrity_check(
        &mut self,
        roots: &[u32],
        partial: bool,
        max_errors: usize,
    ) -> Step<IntegrityReport> {
        ready!(self.begin_operation());
        self.trees.integrity_check(&mut self.pager, roots, partial, max_errors)
    }
}
