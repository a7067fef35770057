//! Balance: after an insert or delete, every page but the root is between one third and wholly full, and no cell waits.
//!
//! From the changed page upwards, a page that is overfull or too empty is put right, by the cheapest means:
//! - **append**: the new cell is the last of the tree's last leaf. It goes to a leaf of its own, and the full one stays full, so that
//!   sequential loading packs pages;
//! - **siblings**: the page and its neighbours are divided anew (`siblings.rs`);
//! - **deepen**: the root is overfull. Its cells move to a new child, which is then divided.
//!
//! Spec: none; thresholds are SQLite's.

use kernite_io::ready;

use crate::Step;
use crate::error::{Damage, Error};
use crate::page_no::PageNo;
use crate::pager::{FrameId, PageKind};
use crate::tree::change::{Change, Path, WaitingCell};
use crate::tree::cursor::{DEPTH_MAX, Level};
use crate::tree::freelist::Want;
use crate::tree::page::{self, put_u16, put_u32};
use crate::tree::pointer_map::{Owner, references};
use crate::tree::siblings::unpadded;

/// What a balance did.
pub(crate) struct Balanced {
    /// Where the cell at the path's end is, if the balance did not lose sight of it.
    pub settled: Option<Path>,
    /// The highest level that it looked at.
    pub depth: usize,
}

impl Change<'_> {
    /// Balances the page at the path's end and then its ancestors, as far as they need it.
    pub fn balance(&mut self, mut path: Path) -> Step<Balanced> {
        let mut settled = Some(path);
        loop {
            let Level { frame, .. } = path.here();
            let overfull = self.waiting(frame).next().is_some();
            if !overfull && self.free_bytes(frame)? * 3 <= self.geometry.usable * 2 {
                break;
            }
            if path.depth == 0 {
                if !overfull {
                    break;
                }
                ready!(self.deepen(&mut path));
                settled = None;
            }
            let level = path.depth;
            match if overfull { ready!(self.append_leaf(&path)) } else { None } {
                Some(appended) => {
                    path = appended;
                    settled = settled.and(Some(appended));
                }
                None => {
                    ready!(self.balance_siblings(&path, level));
                    settled = None;
                }
            }
            path.depth = level - 1;
            if self.waiting(path.here().frame).next().is_some() {
                settled = None;
            }
        }
        Ok(Some(Balanced { settled, depth: path.depth }))
    }

    /// Moves all cells of an overfull root to a new child. The path goes through it from here on.
    fn deepen(&mut self, path: &mut Path) -> Step<()> {
        let root = path.levels[0].frame;
        let root_no = self.pager.page_no(root);
        let (child_no, child) = ready!(self.allocate(Want::Near(Some(root_no))));
        let old = *self.pager.header(root);
        let old_bytes = self.pager.share(root);
        let geometry = self.geometry;
        let (start, end) = (old.at(), old.cells_end());
        let top = page::content_top(&old_bytes, &old);
        if top > geometry.usable || top < end {
            return Err(self.damaged(root, Damage::BadHeader));
        }
        let (bytes, header) = self.pager.write_with_header(child)?;
        bytes[..end - start].copy_from_slice(&old_bytes[start..end]);
        bytes[top..geometry.usable].copy_from_slice(&old_bytes[top..geometry.usable]);
        // The child has no file header: what that took on page 1 is free here.
        *header = old;
        header.start = 0;
        header.cells_at = old.cells_at - old.start;
        header.free_bytes = old.free_bytes + u32::from(old.start);
        for cell in self.work.waiting.iter_mut().filter(|cell| cell.frame == root) {
            cell.frame = child;
        }
        let (bytes, header) = self.pager.write_with_header(root)?;
        *header = page::format_empty(bytes, root_no, old.kind.with_leaf(false), geometry);
        put_u32(bytes, header.at() + 8, child_no.get());
        ready!(self.set_owner(child_no, Owner::Tree(root_no)));
        ready!(self.set_page_references(child));
        if path.depth + 1 >= DEPTH_MAX {
            return Err(self.damaged(root, Damage::TreeTooDeep));
        }
        path.levels[1] = Level { frame: child, index: path.levels[0].index };
        path.levels[0] = Level { frame: root, index: 0 };
        path.depth = 1;
        Ok(Some(()))
    }

    /// Where the one waiting cell of a leaf belongs after all cells of the tree: gives it a leaf of its own. The path to it; `None` where that is not the case.
    fn append_leaf(&mut self, path: &Path) -> Step<Option<Path>> {
        let level = path.depth;
        let Level { frame, .. } = path.levels[level];
        let Level { frame: parent, index: child_index } = path.levels[level - 1];
        let header = *self.pager.header(frame);
        let mut waiting = self.waiting(frame);
        let (Some(cell), None) = (waiting.next(), waiting.next()) else { return Ok(Some(None)) };
        drop(waiting);
        let parent_no = self.pager.page_no(parent);
        let last = header.kind.is_leaf()
            && cell.index == header.count()
            && child_index == self.pager.header(parent).count()
            && parent_no != PageNo::ONE
            && header.cell_count > 0;
        // In an index the full leaf's last entry goes up as the divider, so one has to be left.
        if !last
            || (header.kind == PageKind::IndexLeaf && !(header.cell_count > 1 && self.is_rightmost(path)))
        {
            return Ok(Some(None));
        }
        let full_no = self.pager.page_no(frame);
        let (page, fresh) = ready!(self.allocate(Want::Near(None)));
        self.move_waiting(cell, fresh, page, header.kind)?;
        ready!(self.set_page_references(fresh));
        ready!(self.set_owner(page, Owner::Tree(parent_no)));
        let last_index = usize::from(header.cell_count) - 1;
        let last_cell = self.cell(frame, last_index)?;
        let child = full_no.get().to_be_bytes();
        let divider = if header.kind == PageKind::TableLeaf {
            self.keep_divider(child, last_cell.rowid)
        } else {
            self.lift_last(frame, last_index, last_cell.size as usize, child)?
        };
        self.set_child(parent, child_index as usize, page)?;
        ready!(self.place_divider(parent, child_index as usize, divider));
        let mut appended = *path;
        appended.levels[level - 1].index += 1;
        appended.levels[level] = Level { frame: fresh, index: 0 };
        Ok(Some(Some(appended)))
    }

    /// Whether the path takes the last child everywhere.
    fn is_rightmost(&self, path: &Path) -> bool {
        path.levels[..path.depth].iter().all(|level| level.index == self.pager.header(level.frame).count())
    }

    /// Puts a waiting cell on a fresh leaf.
    fn move_waiting(
        &mut self,
        cell: WaitingCell,
        fresh: FrameId,
        page: PageNo,
        kind: PageKind,
    ) -> Result<(), Error> {
        let geometry = self.geometry;
        self.work.waiting.retain(|other| other.frame != cell.frame);
        let (bytes, header) = self.pager.write_with_header(fresh)?;
        *header = page::format_empty(bytes, page, kind, geometry);
        let size = cell.size as usize;
        if size + 2 > header.free_bytes as usize {
            return Err(self.damaged(fresh, Damage::PayloadTooLong));
        }
        let at = geometry.usable - size;
        bytes[at..geometry.usable]
            .copy_from_slice(&self.work.arena[cell.at as usize..cell.at as usize + size]);
        put_u16(bytes, usize::from(header.cells_at), at);
        put_u16(bytes, header.at() + 3, 1);
        put_u16(bytes, header.at() + 5, at);
        header.cell_count = 1;
        header.free_bytes -= (size + 2) as u32;
        Ok(())
    }

    /// Takes the last entry off an index leaf and makes it a cell of an interior page with this child.
    fn lift_last(
        &mut self,
        frame: FrameId,
        index: usize,
        size: usize,
        child: [u8; 4],
    ) -> Result<(usize, usize), Error> {
        let kept = self.keep_leaf_cell(frame, index, size, child)?;
        self.remove_cell(frame, index, size)?;
        Ok(kept)
    }

    /// Copies an entry of an index leaf to the arena as a cell of an interior page with this child.
    pub fn keep_leaf_cell(
        &mut self,
        frame: FrameId,
        index: usize,
        size: usize,
        child: [u8; 4],
    ) -> Result<(usize, usize), Error> {
        let bytes = self.pager.page(frame);
        let at = page::cell_offset(bytes, self.pager.header(frame), index);
        let Some(cell) = bytes.get(at..at + size) else {
            return Err(self.damaged(frame, Damage::BadCellPointer));
        };
        let start = self.work.arena.len();
        self.work.arena.extend_from_slice(&child);
        self.work.arena.extend_from_slice(&cell[..unpadded(cell, size)]);
        Ok((start, self.work.arena.len() - start))
    }

    /// Enters in the pointer map what a cell of the arena that was placed on a page points to.
    pub fn note_placed(&mut self, frame: FrameId, (at, size): (usize, usize)) -> Step<()> {
        if !self.auto_vacuum {
            return Ok(Some(()));
        }
        let kind = self.pager.header(frame).kind;
        let found = references(kind, &self.work.arena[at..at + size], self.geometry)
            .map_err(|damage| self.damaged(frame, damage))?;
        self.set_references(found, self.pager.page_no(frame))
    }
}
