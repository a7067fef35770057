//! Deleting the entry under a cursor.
//!
//! An entry of a leaf that stays full enough, without overflow pages, is removed in place. Everything else is a change. An entry of an
//! interior page of an index is replaced by the one before it, which is the last of a leaf; then that leaf is one short.
//!
//! Afterwards the cursor stands on a neighbour, or remembers the key where a balance moved everything.
//!
//! Spec: Database File Format, "B-tree Pages".

use kernite_io::ready;

use crate::Step;
use crate::btree::CursorId;
use crate::error::{Damage, Error};
use crate::page_no::PageNo;
use crate::pager::Pager;
use crate::tree::chain::{ChainTask, LongChain};
use crate::tree::change::{Change, Path, SecureDelete, Workspace};
use crate::tree::cursor::{Cursor, DEPTH_MAX, Level, State, damaged};
use crate::tree::geometry::Geometry;
use crate::tree::page;
use crate::tree::trees::Trees;
use crate::tree::{save, space};

impl Trees {
    /// Whether a delete through the cursor waits while it frees a long chain; the entry is gone.
    pub fn is_deleting(&self, id: CursorId) -> bool {
        let own = ChainTask { cursor: id, row: None };
        matches!(self.long_chain, LongChain::Freeing { task, .. } if task == own)
    }

    /// Deletes through a cursor; see [`crate::Btree::delete`].
    pub fn delete(&mut self, pager: &mut Pager, id: CursorId, save_position: bool) -> Step<()> {
        self.changes += 1;
        if let LongChain::Freeing { task, .. } = self.long_chain {
            ready!(self.free_long_chain(pager));
            if task == (ChainTask { cursor: id, row: None }) && self.cursors.get(id)?.state != State::OnEntry
            {
                return Ok(Some(()));
            }
        }
        let cursor = self.cursors.get_mut(id)?;
        debug_assert!(cursor.write, "delete through a read cursor");
        if matches!(cursor.state, State::Saved | State::Fault) {
            ready!(save::restore(cursor, pager, &self.geometry));
        }
        match cursor.state {
            State::OnEntry => {}
            // The entry is gone already.
            State::Neighbour => return Ok(Some(())),
            _ => return Err(cursor.not_on_entry()),
        }
        if cursor.shared || self.blob_handles > 0 {
            let rowid = cursor.is_table().then_some(cursor.cell.rowid);
            ready!(self.leave_others(pager, id, rowid));
        }
        let cursor = self.cursors.get_mut(id)?;
        if delete_in_place(cursor, pager, &self.geometry, &mut self.work)? {
            return Ok(Some(()));
        }
        if save_position {
            // A balance may move the neighbours anywhere, so the key is read before.
            let len = u64::from(cursor.cell.payload_len);
            if !cursor.is_table() {
                let mut key = std::mem::take(&mut cursor.saved_key);
                key.clear();
                let read = cursor.read_payload(0..len, &mut key, pager, &self.geometry);
                cursor.saved_key = key;
                ready!(read);
            }
            cursor.saved_rowid = cursor.cell.rowid;
        }
        let path = Path::of(cursor);
        let (settled, left) =
            ready!(Change::run(pager, &self.geometry, &mut self.work, |change| change.delete(path)));
        cursor.overflow.clear();
        cursor.at_last = false;
        cursor.count = pager.header(cursor.frame).count();
        if settled && cursor.count > 0 {
            stand_beside(cursor);
        } else {
            cursor.skip = 0;
            cursor.state = if save_position { State::Saved } else { State::Nowhere };
        }
        if let Some((first, left)) = left {
            let task = ChainTask { cursor: id, row: None };
            self.long_chain = LongChain::Freeing { task, first, left };
            return self.free_long_chain(pager);
        }
        Ok(Some(()))
    }
}

/// Removes the entry from its leaf without a change; `false` where that would not do, and nothing has changed.
#[inline]
fn delete_in_place(
    cursor: &mut Cursor,
    pager: &mut Pager,
    geometry: &Geometry,
    work: &mut Workspace,
) -> Result<bool, Error> {
    // With the last entry of a page there is no neighbour to stand on, so the key has to be remembered.
    if !cursor.leaf || cursor.count < 2 || cursor.cell.overflows() {
        return Ok(false);
    }
    let frame = cursor.frame;
    let mut header = *pager.header(frame);
    let free = space::ensure_counted(pager.page(frame), &mut header, geometry)
        .map_err(|damage| damaged(pager, frame, damage))?;
    let size = cursor.cell.size as usize;
    if cursor.depth > 0 && (free + size + 2) * 3 > geometry.usable * 2 {
        return Ok(false);
    }
    let wipe = work.secure_delete != SecureDelete::Off;
    let (page, kept) = pager.write_in_place(frame)?;
    *kept = header;
    let result = space::remove_cell(page, kept, cursor.index as usize, size, geometry, wipe);
    cursor.count = kept.count();
    result.map_err(|damage| damaged(pager, frame, damage))?;
    stand_beside(cursor);
    Ok(true)
}

/// The cell under the cursor was removed, the others of its leaf are where they were: stands on the next one, or on the one before
/// where there is none. Mostly nobody asks for it, so it is decoded by who does.
fn stand_beside(cursor: &mut Cursor) {
    cursor.at_last = false;
    (cursor.index, cursor.skip) =
        if cursor.index < cursor.count { (cursor.index, 1) } else { (cursor.count - 1, -1) };
    cursor.state = State::Neighbour;
}

/// Whether the leaf's other cells are where they were, and the long chain that has to be freed after the change.
type Deleted = (bool, Option<(PageNo, u32)>);

impl Change<'_> {
    /// Deletes the cell at the path's end.
    fn delete(&mut self, path: Path) -> Step<Deleted> {
        let Level { frame, index } = path.here();
        let index = index as usize;
        let cell = self.cell(frame, index)?;
        let left = ready!(self.free_overflow(frame, &cell));
        if self.pager.header(frame).kind.is_leaf() {
            self.remove_cell(frame, index, cell.size as usize)?;
            let balanced = ready!(self.balance(path));
            return Ok(Some((balanced.settled.is_some(), left)));
        }
        let mut leaf = path;
        ready!(self.descend_to_predecessor(&mut leaf));
        self.replace_by_last(frame, index, cell.size as usize, leaf.here())?;
        ready!(self.note_replacement(frame, index));
        let balanced = ready!(self.balance(leaf));
        if balanced.depth > path.depth {
            ready!(self.balance(path));
        }
        Ok(Some((false, left)))
    }

    /// Lengthens a path that ends on an interior cell to the last cell before it, which is on a leaf.
    fn descend_to_predecessor(&mut self, path: &mut Path) -> Step<()> {
        loop {
            let Level { frame, index } = path.here();
            let header = *self.pager.header(frame);
            let child = page::child_at(self.pager.page(frame), &header, index as usize)
                .map_err(|damage| self.damaged(frame, damage))?;
            let child_frame = ready!(self.load(child));
            let child_header = *self.pager.header(child_frame);
            if path.depth + 1 >= DEPTH_MAX {
                return Err(self.damaged(frame, Damage::TreeTooDeep));
            }
            if child_header.kind.is_table() || child_header.cell_count == 0 {
                return Err(Error::corrupt(child, Damage::BadPageKind));
            }
            path.depth += 1;
            let leaf = child_header.kind.is_leaf();
            let index = if leaf { child_header.count() - 1 } else { child_header.count() };
            path.levels[path.depth] = Level { frame: child_frame, index };
            if leaf {
                return Ok(Some(()));
            }
        }
    }

    /// Removes interior cell `index` of `size` bytes and puts the leaf entry at `last` in its place, with the same child.
    fn replace_by_last(
        &mut self,
        frame: crate::pager::FrameId,
        index: usize,
        size: usize,
        last: Level,
    ) -> Result<(), Error> {
        let header = *self.pager.header(frame);
        let child = page::child_at(self.pager.page(frame), &header, index)
            .map_err(|damage| self.damaged(frame, damage))?;
        let last_index = last.index as usize;
        let last_size = self.cell(last.frame, last_index)?.size as usize;
        let kept = self.keep_leaf_cell(last.frame, last_index, last_size, child.get().to_be_bytes())?;
        self.remove_cell(last.frame, last_index, last_size)?;
        if !kernite_io::planted!(DividerLost) {
            self.remove_cell(frame, index, size)?;
            self.place_cell(frame, index, kept)?;
        }
        Ok(())
    }

    /// Enters in the pointer map that the chain of interior cell `index` belongs to its page now. Where the cell waits, the balance
    /// that places it does so.
    fn note_replacement(&mut self, frame: crate::pager::FrameId, index: usize) -> Step<()> {
        if !self.auto_vacuum || self.waiting(frame).next().is_some() {
            return Ok(Some(()));
        }
        let cell = self.cell(frame, index)?;
        if cell.overflows() {
            let chain =
                cell.first_overflow(self.pager.page(frame)).map_err(|damage| self.damaged(frame, damage))?;
            let holder = self.pager.page_no(frame);
            ready!(self.set_owner(chain, crate::tree::pointer_map::Owner::Cell(holder)));
        }
        Ok(Some(()))
    }
}
