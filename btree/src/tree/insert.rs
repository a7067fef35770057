//! Inserting a row or a key, or replacing the one that has its place.
//!
//! Three ways, the cheap ones first (and one before them all, `beside.rs`):
//! 1. The payload has the length of the one that it replaces: the bytes are overwritten where they lie.
//! 2. The cell fits its leaf and needs no overflow pages: it is written in place, straight from the caller's bytes. No change, no copy
//!    but the image that a savepoint is owed.
//! 3. Everything else is a change (`change.rs`), ended by a balance where the cell had to wait.
//!
//! After an insert that stayed on its leaf the cursor is on the new entry, so that a row appended next needs no seek.
//!
//! Spec: Database File Format, "B-tree Pages".

use std::cmp::Ordering;

use kernite_io::ready;

use crate::Step;
use crate::btree::{CursorId, InsertFlags, RowPayload, SeekOutcome};
use crate::error::{Damage, Error};
use crate::page_no::PageNo;
use crate::pager::Pager;
use crate::tree::cell::{CellHead, CellInfo};
use crate::tree::chain::{CHAIN_PAGES_PER_CHANGE, ChainBuilder, ChainTask, LongChain, Payload, too_short};
use crate::tree::change::{Change, Path, SecureDelete, Workspace};
use crate::tree::cursor::{Cursor, State, damaged};
use crate::tree::geometry::Geometry;
use crate::tree::pointer_map::Owner;
use crate::tree::trees::Trees;
use crate::tree::{page, space};

/// A row or key on its way into a tree.
#[derive(Clone, Copy)]
struct Row<'a> {
    /// The rowid, or the whole record of an index key: what its place is found by.
    rowid: Option<i64>,
    payload: Payload<'a>,
    head: CellHead,
}

/// Where the row belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    /// Its number on the cursor's page.
    index: u32,
    /// It replaces the cell that has this number.
    replaces: bool,
    /// All other entries of the tree come before it.
    at_end: bool,
}

impl Trees {
    /// Inserts through a cursor; see [`crate::Btree::insert`].
    pub fn insert(
        &mut self,
        pager: &mut Pager,
        id: CursorId,
        payload: RowPayload<'_>,
        flags: InsertFlags,
    ) -> Step<()> {
        self.changes += 1;
        if self.insert_beside(pager, id, payload, flags) {
            return Ok(Some(()));
        }
        if let LongChain::Freeing { task, .. } = self.long_chain {
            ready!(self.free_long_chain(pager));
            if task == insert_task(id, payload) {
                return Ok(Some(()));
            }
        }
        let cursor = self.cursors.get_mut(id)?;
        debug_assert!(cursor.write, "insert through a read cursor");
        if cursor.state == State::Fault {
            return Err(cursor.not_on_entry());
        }
        let (rowid, payload) = match payload {
            RowPayload::Table { rowid, record, zero_tail } => {
                (Some(rowid), Payload { bytes: record, zero_tail })
            }
            RowPayload::Index { record } => (None, Payload { bytes: record, zero_tail: 0 }),
        };
        if rowid.is_some() != cursor.is_table() {
            return Err(Error::corrupt(cursor.root, Damage::BadPageKind));
        }
        let len = payload.len();
        if len > i32::MAX as u64 {
            return Err(Error::TooBig);
        }
        let shared = cursor.shared;
        let root = cursor.root;
        if shared || self.blob_handles > 0 {
            ready!(self.leave_others(pager, id, rowid));
        }
        let cursor = self.cursors.get_mut(id)?;
        let geometry = &self.geometry;
        let head = CellHead::leaf(rowid, len, geometry);
        let row = Row { rowid, payload, head };
        let place = ready!(find_place(cursor, &row, flags, pager, geometry));
        debug_assert_eq!(cursor.root, root);
        if place.replaces && ready!(overwrite(cursor, payload, pager, geometry)) {
            return Ok(Some(()));
        }
        if !head.overflows
            && cursor.leaf
            && insert_in_place(cursor, &row, place, pager, geometry, &mut self.work)?
        {
            return Ok(Some(()));
        }
        self.insert_in_change(pager, id, &row, place, flags.save_position)
    }

    /// Inserts by a change.
    fn insert_in_change(
        &mut self,
        pager: &mut Pager,
        id: CursorId,
        row: &Row<'_>,
        place: Place,
        save_position: bool,
    ) -> Step<()> {
        let task = ChainTask { cursor: id, row: Some((row.rowid.unwrap_or_default(), row.payload.len())) };
        let chain = ready!(self.build_long_chain(pager, task, row));
        let cursor = self.cursors.get_mut(id)?;
        if chain.is_some() && cursor.state != State::OnEntry {
            // The tree is empty: a cursor on no entry holds on to no page, and the root may have been evicted between the chain's changes.
            ready!(cursor.go_to_root(pager, &self.geometry));
        }
        let mut path = Path::of(cursor);
        path.levels[path.depth].index = place.index;
        let (settled, left) = ready!(Change::run(pager, &self.geometry, &mut self.work, |change| change
            .insert(path, row, place.replaces, chain)));
        self.long_chain = LongChain::None;
        cursor.overflow.clear();
        match settled {
            Some(path) => {
                let end = path.here().index;
                cursor.take_path(&path, pager);
                cursor.land(end, pager, &self.geometry)?;
                cursor.at_last = place.at_end && cursor.leaf && cursor.index + 1 == cursor.count;
            }
            None => {
                cursor.state = State::Nowhere;
                cursor.at_last = false;
                if save_position {
                    remember(cursor, row);
                }
            }
        }
        if let Some((first, left)) = left {
            self.long_chain = LongChain::Freeing { task, first, left };
            return self.free_long_chain(pager);
        }
        Ok(Some(()))
    }

    /// Writes the overflow chain of a row for which one change is not enough. `None` where the change that places the cell will
    /// do it.
    fn build_long_chain(
        &mut self,
        pager: &mut Pager,
        task: ChainTask,
        row: &Row<'_>,
    ) -> Step<Option<PageNo>> {
        let len = row.payload.len();
        let rest = len - row.head.local as u64;
        if rest.div_ceil(self.geometry.overflow_capacity() as u64) <= u64::from(CHAIN_PAGES_PER_CHANGE) {
            return Ok(Some(None));
        }
        let mut built = match self.long_chain {
            LongChain::Building { task: begun, chain } if begun == task => chain,
            _ => ChainBuilder::new(row.head.local),
        };
        while !built.is_done(row.payload) {
            let result = Change::run(pager, &self.geometry, &mut self.work, |change| {
                change.extend_chain(built, row.payload, CHAIN_PAGES_PER_CHANGE)
            });
            match result {
                Ok(Some(chain)) => {
                    built = chain;
                    self.long_chain = LongChain::Building { task, chain };
                    ready!(self.safe_point(pager));
                }
                Ok(None) => return Ok(None),
                Err(error) => {
                    self.long_chain = LongChain::None;
                    return Err(error);
                }
            }
        }
        Ok(Some(built.first))
    }

    /// Frees what is left of a long chain, some pages a change.
    pub(super) fn free_long_chain(&mut self, pager: &mut Pager) -> Step<()> {
        while let LongChain::Freeing { task, first, left } = self.long_chain {
            let result = Change::run(pager, &self.geometry, &mut self.work, |change| {
                change.free_chain(first, left, CHAIN_PAGES_PER_CHANGE)
            });
            self.long_chain = match result {
                Ok(Some(Some((first, left)))) => LongChain::Freeing { task, first, left },
                Ok(Some(None)) => LongChain::None,
                Ok(None) => return Ok(None),
                Err(error) => {
                    self.long_chain = LongChain::None;
                    return Err(error);
                }
            };
            // Not when all is done: whoever is called again would not know what it had been about.
            if let LongChain::Freeing { .. } = self.long_chain {
                ready!(self.safe_point(pager));
            }
        }
        Ok(Some(()))
    }
}

/// What an insert of this row is known by.
#[cold]
fn insert_task(cursor: CursorId, payload: RowPayload<'_>) -> ChainTask {
    let row = match payload {
        RowPayload::Table { rowid, record, zero_tail } => (rowid, record.len() as u64 + zero_tail),
        RowPayload::Index { record } => (0, record.len() as u64),
    };
    ChainTask { cursor, row: Some(row) }
}

/// Finds where the row belongs, by what the caller knows or by a seek.
#[inline]
fn find_place(
    cursor: &mut Cursor,
    row: &Row<'_>,
    flags: InsertFlags,
    pager: &mut Pager,
    geometry: &Geometry,
) -> Step<Place> {
    let known = match flags.seek_result {
        // What the caller found holds only while the cursor is still there, on a leaf unless on the very key.
        Some(SeekOutcome::At(ordering))
            if cursor.state == State::OnEntry
                && (cursor.leaf || ordering == Ordering::Equal)
                && row.rowid.is_none_or(|rowid| cursor.cell.rowid.cmp(&rowid) == ordering) =>
        {
            Some(SeekOutcome::At(ordering))
        }
        _ => None,
    };
    let outcome = match known {
        Some(outcome) => outcome,
        None => {
            if flags.append && cursor.state != State::OnEntry {
                // The key most likely comes after the last one, which the seeks look at first.
                ready!(cursor.last(pager, geometry));
            }
            match row.rowid {
                Some(rowid) => ready!(cursor.seek_rowid(rowid, pager, geometry)),
                None => ready!(cursor.seek_record(row.payload.bytes, pager, geometry)),
            }
        }
    };
    let place = match outcome {
        SeekOutcome::Empty => Place { index: 0, replaces: false, at_end: true },
        SeekOutcome::At(Ordering::Equal) => {
            Place { index: cursor.index, replaces: true, at_end: cursor.at_last }
        }
        SeekOutcome::At(Ordering::Less) => {
            Place { index: cursor.index + 1, replaces: false, at_end: cursor.at_last }
        }
        SeekOutcome::At(Ordering::Greater) => Place { index: cursor.index, replaces: false, at_end: false },
    };
    debug_assert!(cursor.leaf || place.replaces);
    Ok(Some(place))
}

/// Overwrites the payload under the cursor with one of the same length; `false` where it has another one. Bytes that are equal
/// already are not written, so that an update that changes nothing makes no page dirty.
fn overwrite(
    cursor: &mut Cursor,
    payload: Payload<'_>,
    pager: &mut Pager,
    geometry: &Geometry,
) -> Step<bool> {
    if u64::from(cursor.cell.payload_len) != payload.len() {
        return Ok(Some(false));
    }
    if !cursor.cell.overflows() {
        let at = cursor.cell.payload_at as usize;
        let len = cursor.cell.local as usize;
        if payload.zero_tail == 0 && cursor.cell.local_payload(pager.page(cursor.frame)) == payload.bytes {
            return Ok(Some(true));
        }
        let (page, _) = pager.write_in_place(cursor.frame)?;
        payload.copy_to(0, &mut page[at..at + len]);
        return Ok(Some(true));
    }
    if payload.zero_tail > 0 {
        return Ok(Some(false));
    }
    ready!(cursor.write_payload(0, payload.bytes, pager, geometry));
    Ok(Some(true))
}

/// Inserts on the cursor's leaf without a change; `false` where there is no room, and nothing has changed.
#[inline]
fn insert_in_place(
    cursor: &mut Cursor,
    row: &Row<'_>,
    place: Place,
    pager: &mut Pager,
    geometry: &Geometry,
    work: &mut Workspace,
) -> Result<bool, Error> {
    let frame = cursor.frame;
    let mut header = *pager.header(frame);
    let size = row.head.size;
    let free = space::ensure_counted(pager.page(frame), &mut header, geometry)
        .map_err(|damage| damaged(pager, frame, damage))?;
    let index = place.index as usize;
    if place.replaces {
        let old = cursor.cell.size as usize;
        if cursor.cell.overflows() || free + old < size {
            return Ok(false);
        }
    } else if free < size + 2 {
        return Ok(false);
    }
    let wipe = work.secure_delete != SecureDelete::Off;
    let (page, kept) = pager.write_in_place(frame)?;
    *kept = header;
    let result = if place.replaces {
        space::remove_cell(page, kept, index, cursor.cell.size as usize, geometry, wipe)
            .and_then(|()| space::insert_cell(page, kept, index, size, geometry, &mut work.spare))
    } else {
        space::insert_cell(page, kept, index, size, geometry, &mut work.spare)
    };
    let count = kept.cell_count;
    let at = match result {
        Ok(at) => at,
        Err(damage) => {
            cursor.state = State::Nowhere;
            return Err(damaged(pager, frame, damage));
        }
    };
    let payload_at = at + row.head.write(&mut page[at..at + size]);
    row.payload.copy_to(0, &mut page[payload_at..payload_at + row.head.local]);
    cursor.cell = CellInfo {
        rowid: row.rowid.unwrap_or_default(),
        payload_len: row.head.local as u32,
        payload_at: payload_at as u32,
        local: row.head.local as u32,
        size: size as u32,
    };
    cursor.index = place.index;
    cursor.count = u32::from(count);
    cursor.state = State::OnEntry;
    cursor.at_last = place.at_end;
    Ok(true)
}

/// The cursor stands, once restored, on the row.
fn remember(cursor: &mut Cursor, row: &Row<'_>) {
    match row.rowid {
        Some(rowid) => cursor.saved_rowid = rowid,
        None => {
            cursor.saved_key.clear();
            cursor.saved_key.extend_from_slice(row.payload.bytes);
        }
    }
    cursor.skip = 0;
    cursor.state = State::Saved;
}

/// Where a cell is after a change, and the long chain that has to be freed after it.
type Inserted = (Option<Path>, Option<(PageNo, u32)>);

impl Change<'_> {
    /// Puts the row at the path's end, in place of the cell there if it `replaces` it. `chain` is its overflow chain, where that is
    /// written already.
    fn insert(&mut self, path: Path, row: &Row<'_>, replaces: bool, chain: Option<PageNo>) -> Step<Inserted> {
        let here = path.here();
        let (frame, index) = (here.frame, here.index as usize);
        let chain = match chain {
            None if row.head.overflows => {
                let start = ChainBuilder::new(row.head.local);
                let built = ready!(self.extend_chain(start, row.payload, u32::MAX));
                Some(built.first.ok_or_else(|| too_short(None))?)
            }
            known => known,
        };
        let mut left = None;
        let mut child = [0; 4];
        let interior = !self.pager.header(frame).kind.is_leaf();
        if replaces {
            let old = self.cell(frame, index)?;
            left = ready!(self.free_overflow(frame, &old));
            if interior {
                let kept = page::child_at(self.pager.page(frame), self.pager.header(frame), index)
                    .map_err(|damage| self.damaged(frame, damage))?;
                child = kept.get().to_be_bytes();
            }
            self.remove_cell(frame, index, old.size as usize)?;
        }
        let cell = self.keep_row(row, interior.then_some(child), chain);
        let placed = self.place_cell(frame, index, cell)?;
        if placed {
            if let Some(chain) = chain {
                ready!(self.set_owner(chain, Owner::Cell(self.pager.page_no(frame))));
            }
            return Ok(Some((Some(path), left)));
        }
        let balanced = ready!(self.balance(path));
        Ok(Some((balanced.settled, left)))
    }

    /// Writes the row's cell to the arena.
    fn keep_row(&mut self, row: &Row<'_>, child: Option<[u8; 4]>, chain: Option<PageNo>) -> (usize, usize) {
        let arena = &mut self.work.arena;
        let start = arena.len();
        if let Some(child) = child {
            arena.extend_from_slice(&child);
        }
        arena.extend_from_slice(row.head.bytes());
        let payload_at = arena.len();
        arena.resize(payload_at + row.head.local, 0);
        row.payload.copy_to(0, &mut arena[payload_at..]);
        if let Some(chain) = chain {
            arena.extend_from_slice(&chain.get().to_be_bytes());
        }
        if arena.len() - start < 4 {
            arena.resize(start + 4, 0);
        }
        (start, arena.len() - start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AutoVacuum;
    use crate::btree::TreeKind;
    use crate::tree::bed::{Bed, index_record};
    use crate::tree::page::u32_at;

    fn insert(bed: &mut Bed, cursor: CursorId, rowid: i64, record: &[u8]) {
        let row = RowPayload::Table { rowid, record, zero_tail: 0 };
        bed.run(|trees, pager| trees.insert(pager, cursor, row, InsertFlags::default())).expect("room");
    }

    fn table(page_size: usize) -> (Bed, CursorId) {
        let mut bed = Bed::new(page_size, 0, AutoVacuum::None, false);
        let root = bed.run(|trees, pager| trees.create_tree(pager, TreeKind::Table)).expect("room");
        let cursor = bed.trees.open_cursor(&bed.pager, root, None, true);
        (bed, cursor)
    }

    #[test]
    fn rows_in_order_of_their_rowids_fill_pages_wholly() {
        let (mut bed, cursor) = table(4096);
        let record = [2; 100];
        for rowid in 1..=10_000 {
            insert(&mut bed, cursor, rowid, &record);
        }
        // A row takes 1 + 2 or less + 100 bytes and a pointer of 2: 38 on a leaf of 4088 bytes.
        let leaves = 10_000u32.div_ceil(38);
        assert!(bed.pager.page_count() <= leaves + 4, "{} pages for {leaves} leaves", bed.pager.page_count());
    }

    #[test]
    fn index_keys_in_order_fill_pages_wholly() {
        let mut bed = Bed::new(1024, 0, AutoVacuum::None, false);
        let root = bed.run(|trees, pager| trees.create_tree(pager, TreeKind::Index)).expect("room");
        let info = std::sync::Arc::new(crate::KeyInfo {
            columns: vec![crate::KeyColumn::default(); 2],
            ..crate::KeyInfo::default()
        });
        let cursor = bed.trees.open_cursor(&bed.pager, root, Some(&info), true);
        for number in 0..5000 {
            let record = index_record(format!("{number:020}").as_bytes(), 1);
            let row = RowPayload::Index { record: &record };
            bed.run(|trees, pager| trees.insert(pager, cursor, row, InsertFlags::default())).expect("room");
        }
        // A key takes 1 + 23 bytes and a pointer of 2: 39 on a page of 1016 bytes, one of them lifted into the parent.
        let pages = 5000u32.div_ceil(39);
        assert!(bed.pager.page_count() < pages + 8, "{} pages for {pages}", bed.pager.page_count());
    }

    #[test]
    fn an_update_that_changes_nothing_does_not_write() {
        let (mut bed, cursor) = table(512);
        insert(&mut bed, cursor, 1, &[2; 40]);
        bed.run(|trees, pager| trees.save_all(pager, None)).expect("valid");
        bed.pager.savepoint_open(1).expect("memory");
        let frame = bed.pager.get(PageNo::new(2).expect("not zero")).expect("valid").expect("there");
        let before = bed.pager.share(frame);
        insert(&mut bed, cursor, 1, &[2; 40]);
        // A write would have found the buffer shared and taken another one.
        assert!(std::ptr::eq(&before[..], bed.pager.page(frame)));
        insert(&mut bed, cursor, 1, &[3; 40]);
        assert!(!std::ptr::eq(&before[..], bed.pager.page(frame)));
    }

    #[test]
    fn freed_pages_are_used_again_before_the_database_grows() {
        let (mut bed, cursor) = table(512);
        insert(&mut bed, cursor, 1, &[2; 20_000]);
        let pages = bed.pager.page_count();
        insert(&mut bed, cursor, 1, &[2; 10]);
        let free = |bed: &mut Bed| {
            let frame = bed.pager.get(PageNo::ONE).expect("valid").expect("there");
            u32_at(bed.pager.page(frame), 36)
        };
        assert_eq!(free(&mut bed), pages - 2);
        insert(&mut bed, cursor, 2, &[2; 15_000]);
        assert_eq!(bed.pager.page_count(), pages);
        assert!(free(&mut bed) < pages / 3);
    }
}
