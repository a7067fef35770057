//! Slots: the cursors of a program, by kind.
//!
//! ```text
//! Tree       a cursor of a database's b-tree          Sorter   rows being sorted
//! Ephemeral  a place in a store of this frame         Groups   hash aggregation
//! Pseudo     one row, a record in a register          Virtual  a cursor of a virtual table
//! ```
//!
//! A row is decoded lazily: [`RowCache`] remembers how far its header was read. Whatever moves the cursor, or may have changed its row,
//! forgets that.
//!
//! Never: instructions. Those stand in the families' files.

use std::cmp::Ordering;
use std::sync::Arc;

use kernite_btree::record::{RecordHeader, Values};
use kernite_btree::{
    Btree, CursorId, CursorPosition, Damage, Entry, Error as StorageError, KeyInfo, LeafWalk, SeekOutcome,
    ValueRef,
};
use kernite_io::ready;

use crate::hash_table::Groups;
use crate::host::Storage;
use crate::op::{Cursor, IntsId, Reg};
use crate::sorter::Sorter;
use crate::vtab;
use crate::{Error, Step};

use super::ephemeral::EphemeralCursor;

/// A cursor of a program.
#[derive(Default)]
pub(super) enum Slot {
    #[default]
    Closed,
    /// A cursor of a b-tree, or one that was closed and is kept for being opened again ([`TreeCursor::is_open`]).
    Tree(TreeCursor),
    Ephemeral(EphemeralCursor),
    Pseudo(PseudoCursor),
    Sorter(Box<SorterCursor>),
    Groups(Box<Groups>),
    Virtual(Box<VirtualCursor>),
}

/// How far the row under a cursor is decoded.
#[derive(Default)]
pub(super) struct RowCache {
    pub(super) header: RecordHeader,
    /// `header` belongs to the row.
    pub(super) known: bool,
    /// The header's bytes, where they do not all lie on the page.
    pub(super) spilled: Vec<u8>,
}

impl RowCache {
    /// The row is another one.
    #[inline(always)]
    pub(super) fn forget(&mut self) {
        self.known = false;
    }
}

/// A cursor of a b-tree.
///
/// A scan leaves the b-tree's own cursor behind and walks its leaf ([`LeafWalk`]). The walk's entry is then the cursor's row, and
/// [`TreeCursor::settle`] brings the b-tree's cursor there before it is used for anything else.
pub(super) struct TreeCursor {
    pub(super) id: CursorId,
    /// A closed one stands on the null row, and its `id` is stale.
    pub(super) is_open: bool,
    /// Ahead of the b-tree's cursor, or on it.
    pub(super) walk: Option<LeafWalk>,
    /// When the walk was last seen to show what is stored ([`super::Run::epoch`]).
    checked: u64,
    /// The row is gone, and the b-tree's cursor stands on the one that came after it.
    passed: bool,
    /// The write count at the last move by the b-tree's cursor to a next row.
    moved_at: u64,
    pub(super) key: Option<Arc<KeyInfo>>,
    pub(super) db: u8,
    /// By rowid; else an index.
    pub(super) is_table: bool,
    /// It stands on no row: all columns are NULL.
    pub(super) null_row: bool,
    /// The seek to `target` has been put off.
    pub(super) deferred: bool,
    pub(super) target: i64,
    /// The index cursor that answers some columns while the seek is put off, and which (0: none).
    pub(super) substitute: Option<(Cursor, IntsId)>,
    pub(super) row: RowCache,
    /// Where the last seek came to rest, for an insert that follows.
    pub(super) seek_result: Option<SeekOutcome>,
    pub(super) seek_hit: u16,
    /// All seeks are for equality (`OPFLAG_SEEKEQ`).
    pub(super) seek_equal: bool,
    pub(super) sequence: i64,
    pub(super) root: u32,
}

impl TreeCursor {
    pub(super) fn new(
        id: CursorId,
        db: u8,
        root: u32,
        key: Option<Arc<KeyInfo>>,
        seek_equal: bool,
    ) -> TreeCursor {
        TreeCursor {
            id,
            is_open: true,
            walk: None,
            checked: 0,
            moved_at: u64::MAX,
            passed: false,
            db,
            is_table: key.is_none(),
            key,
            null_row: true,
            deferred: false,
            target: 0,
            substitute: None,
            row: RowCache::default(),
            seek_result: None,
            seek_hit: 0,
            seek_equal,
            sequence: 0,
            root,
        }
    }

    /// Opens the cursor again, on the tree on which it was.
    pub(super) fn reopen(&mut self, id: CursorId, seek_equal: bool) {
        self.id = id;
        self.is_open = true;
        self.moved(false);
        self.checked = 0;
        self.moved_at = u64::MAX;
        self.target = 0;
        self.substitute = None;
        self.seek_result = None;
        self.seek_hit = 0;
        self.seek_equal = seek_equal;
        self.sequence = 0;
    }

    /// The cursor was moved; `on_row`: to a row.
    #[inline(always)]
    pub(super) fn moved(&mut self, on_row: bool) {
        self.null_row = !on_row;
        self.deferred = false;
        self.passed = false;
        self.walk = None;
        self.row.forget();
    }

    /// A row was written or deleted through the cursor.
    #[inline]
    pub(super) fn written(&mut self) {
        self.walk = None;
        self.deferred = false;
        self.seek_result = None;
        self.row.forget();
    }

    /// The entry of the walk, if it is known to show what is stored.
    #[inline(always)]
    pub(super) fn walked_entry(&mut self, epoch: u64) -> Option<(Entry<'_>, &mut RowCache)> {
        match &self.walk {
            Some(walk) if self.checked == epoch => Some((walk.entry(), &mut self.row)),
            _ => None,
        }
    }

    /// The rowid of the walk's entry, if that is known to show what is stored.
    #[inline(always)]
    pub(super) fn walked_rowid(&self, epoch: u64) -> Option<i64> {
        match &self.walk {
            Some(walk) if self.checked == epoch => Some(walk.rowid()),
            _ => None,
        }
    }

    /// Notes it where the walk shows what is stored.
    #[inline]
    pub(super) fn check_walk(&mut self, btree: &Btree, epoch: u64) {
        if self.walk.as_ref().is_some_and(|walk| walk.version() == btree.write_count()) {
            self.checked = epoch;
        }
    }

    /// The entry under the cursor, where it can be had without I/O and without moving the b-tree's cursor.
    #[inline]
    pub(super) fn entry_at_hand<'a>(
        walk: &'a Option<LeafWalk>,
        id: CursorId,
        btree: &'a Btree,
    ) -> Option<Entry<'a>> {
        match walk {
            Some(walk) if walk.version() == btree.write_count() => Some(walk.entry()),
            Some(_) => None,
            None => btree.entry(id).ok(),
        }
    }

    /// Goes to the next row by the walk, if it is known to show what is stored and has one.
    #[inline(always)]
    pub(super) fn next_by_walk(&mut self, epoch: u64) -> bool {
        if self.checked == epoch
            && let Some(walk) = &mut self.walk
            && walk.advance()
        {
            self.row.forget();
            return true;
        }
        false
    }

    /// Goes to the next row; whether there is one.
    #[inline(never)]
    pub(super) fn next(&mut self, btree: &mut Btree, epoch: u64) -> Step<bool> {
        if let Some(walk) = &mut self.walk
            && walk.version() == btree.write_count()
        {
            self.checked = epoch;
            if walk.advance() {
                self.row.forget();
                return Ok(Some(true));
            }
        }
        if self.walk.is_some() {
            ready!(self.end_walk(btree));
        }
        if self.passed {
            self.moved(true);
            return Ok(Some(true));
        }
        let found = ready!(btree.next(self.id));
        self.moved(found);
        // Whoever writes between two rows would copy the page for every row: only a scan undisturbed walks.
        let version = btree.write_count();
        if found && self.moved_at == version {
            self.walk = btree.walk_leaf(self.id);
            self.checked = epoch;
        }
        self.moved_at = version;
        Ok(Some(found))
    }

    /// Brings the b-tree's cursor to the row of the walk, or to a neighbour where that row is gone; whether it is there.
    #[cold]
    fn end_walk(&mut self, btree: &mut Btree) -> Step<bool> {
        let Some(walk) = &self.walk else { return Ok(Some(true)) };
        let outcome = if walk.version() == btree.write_count() {
            btree.stand_on(self.id, walk)?;
            SeekOutcome::At(Ordering::Equal)
        } else {
            match &self.key {
                None => ready!(btree.seek_rowid(self.id, walk.rowid())),
                Some(key) => {
                    let values: Result<Vec<ValueRef<'_>>, Damage> = Values::new(walk.entry().local)
                        .and_then(|values| values.take(key.columns.len()).collect());
                    ready!(btree.seek_key(self.id, &values.map_err(damaged)?, Ordering::Equal))
                }
            }
        };
        self.walk = None;
        self.passed = outcome == SeekOutcome::At(Ordering::Greater);
        self.row.forget();
        Ok(Some(outcome == SeekOutcome::At(Ordering::Equal)))
    }

    /// Makes sure that the cursor stands where it says: does a seek that was put off, finds its row again after a change made through
    /// another cursor. Afterwards it is on an entry or `null_row`.
    #[inline(always)]
    pub(super) fn settle(&mut self, btree: &mut Btree) -> Step<()> {
        if !self.deferred && self.walk.is_none() && (self.null_row || btree.is_on_entry(self.id)) {
            return Ok(Some(()));
        }
        self.settle_slowly(btree)
    }

    /// As [`TreeCursor::settle`] for who only reads the row: a walk that shows what is stored goes on.
    #[inline(always)]
    pub(super) fn settle_to_read(&mut self, btree: &mut Btree) -> Step<()> {
        match &self.walk {
            Some(walk) if !self.deferred && walk.version() == btree.write_count() => Ok(Some(())),
            _ => self.settle(btree),
        }
    }

    #[inline(never)]
    fn settle_slowly(&mut self, btree: &mut Btree) -> Step<()> {
        if self.deferred {
            let outcome = ready!(btree.seek_rowid(self.id, self.target));
            if outcome != SeekOutcome::At(Ordering::Equal) {
                // The index names a row that is not in the table.
                return Err(corrupt());
            }
            self.moved(true);
            return Ok(Some(()));
        }
        if self.walk.is_some() {
            self.null_row = !ready!(self.end_walk(btree));
            return Ok(Some(()));
        }
        self.row.forget();
        if ready!(btree.restore(self.id)) != CursorPosition::Same {
            self.null_row = true;
        }
        Ok(Some(()))
    }
}

/// One row that lies in a register.
pub(super) struct PseudoCursor {
    pub(super) content: Reg,
    pub(super) null_row: bool,
    pub(super) row: RowCache,
}

/// Rows being sorted.
pub(super) struct SorterCursor {
    pub(super) sorter: Sorter,
    pub(super) sequence: i64,
}

/// A cursor of a virtual table, or the intention to open one.
pub(super) struct VirtualCursor {
    /// `None` until it is opened. It is dropped before its table.
    pub(super) cursor: Option<Box<dyn vtab::TableCursor>>,
    pub(super) table: Arc<dyn vtab::Table>,
    pub(super) null_row: bool,
}

impl Slot {
    /// Closes the cursor.
    #[inline]
    pub(super) fn close(&mut self, storage: &mut Storage) {
        let is_open = match self {
            Slot::Closed => false,
            Slot::Tree(tree) => tree.is_open,
            _ => true,
        };
        if is_open {
            self.close_open(storage);
        }
    }

    fn close_open(&mut self, storage: &mut Storage) {
        match self {
            Slot::Closed => {}
            Slot::Tree(tree) => {
                tree.is_open = false;
                if let Some(Some(btree)) = storage.databases.get_mut(usize::from(tree.db)) {
                    btree.close_cursor(tree.id);
                }
                tree.moved(false);
            }
            Slot::Virtual(_) => {
                if let Slot::Virtual(open) = std::mem::take(self)
                    && !open.table.runs_inline()
                {
                    storage.closed.push(open);
                }
            }
            _ => *self = Slot::Closed,
        }
    }
}

/// The b-tree of a database.
#[inline(always)]
pub(super) fn btree(storage: &mut Storage, db: u8) -> Result<&mut Btree, Error> {
    match storage.databases.get_mut(usize::from(db)) {
        Some(Some(btree)) => Ok(btree),
        _ => Err(no_database()),
    }
}

#[cold]
fn no_database() -> Error {
    Error::message("unknown database")
}

/// An index does not fit its table.
#[cold]
pub(super) fn corrupt() -> Error {
    Error::Storage(StorageError::Corrupt { page: None, damage: Damage::RowidOrder })
}

/// An instruction met a cursor of a kind that it cannot work on: a bug of the code generator.
#[cold]
pub(super) fn wrong_kind() -> Error {
    Error::Program { at: 0, what: "cursor of the wrong kind, or not open" }
}

/// A record that does not read.
#[cold]
pub(super) fn damaged(damage: Damage) -> Error {
    Error::Storage(StorageError::Corrupt { page: None, damage })
}
