//! auto_vacuum: giving free pages back to the file system by moving the file's last pages into them.
//!
//! FULL does it for all free pages at each commit, INCREMENTAL for as many as `PRAGMA incremental_vacuum` says. The pointer map
//! tells who points to the page that moves.
//!
//! Incremental steps leave a whole database each. The steps of a FULL commit do not: free pages past the coming end of the file are taken
//! off the freelist and dropped, and the freelist is emptied at last. So a commit that fails half-way is rolled back.
//!
//! Spec: Database File Format, "Pointer Map or Ptrmap Pages".

use kernite_io::ready;

use crate::Step;
use crate::error::{Damage, Error};
use crate::page_no::PageNo;
use crate::pager::{FrameId, PageHeader, Pager};
use crate::tree::cell;
use crate::tree::change::{self, Change};
use crate::tree::freelist::Want;
use crate::tree::geometry::Geometry;
use crate::tree::page::{self, put_u32, u32_at};
use crate::tree::pointer_map::{self, Owner};
use crate::tree::trees::Trees;

/// Offsets in the file header.
const FREELIST_AT: usize = 32;
const FREE_COUNT_AT: usize = 36;
const INCREMENTAL_AT: usize = 64;

/// Pages that one change of a full vacuum visits.
const PAGES_PER_CHANGE: u32 = 16;

/// A full vacuum under way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FullVacuum {
    /// Pages that the database will have.
    end: u32,
    /// The last page that has not been looked at.
    last: u32,
}

impl Geometry {
    /// Whether a page number is one that never holds content in a database with a pointer map.
    fn is_special(&self, number: u32) -> bool {
        number == self.lock_byte_page() || PageNo::new(number).is_some_and(|page| self.is_pointer_map(page))
    }

    /// How many pages a database of `pages` pages, of which `free` are free, has without these and the pointer-map pages that then
    /// describe nothing.
    fn size_without(&self, pages: u32, free: u32) -> Option<u32> {
        let entries = (self.usable / 5) as u32;
        let last_map = self.pointer_map_page(PageNo::new(pages)?)?.get();
        let maps = (i64::from(free) - i64::from(pages) + i64::from(last_map) + i64::from(entries))
            / i64::from(entries);
        let mut size = u32::try_from(i64::from(pages) - i64::from(free) - maps).ok()?;
        if pages > self.lock_byte_page() && size < self.lock_byte_page() {
            size = size.checked_sub(1)?;
        }
        while self.is_special(size) {
            size -= 1;
        }
        Some(size)
    }
}

/// What full vacuum does at a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Full,
    Incremental,
}

impl Trees {
    /// Before a commit: gives all free pages back where `auto_vacuum` is FULL. Does nothing in other databases.
    pub fn vacuum_at_commit(&mut self, pager: &mut Pager) -> Step<()> {
        self.refresh(pager);
        if self.full_vacuum.is_some() {
            // A spill that had to wait comes first: what changed under it would count as written. Only then: the script that waits
            // may be the commit's own, whose error is for the commit to tell.
            ready!(self.safe_point(pager));
        } else {
            let one = ready!(pager.get(PageNo::ONE));
            let full = ready!(change::has_pointer_map(pager)) && u32_at(pager.page(one), INCREMENTAL_AT) == 0;
            let free = u32_at(pager.page(one), FREE_COUNT_AT);
            if !full || free == 0 {
                return Ok(Some(()));
            }
            let pages = pager.page_count();
            let end = self.geometry.size_without(pages, free).filter(|&end| end <= pages);
            let Some(end) = end.filter(|_| free < pages && !self.geometry.is_special(pages)) else {
                return Err(Error::corrupt(PageNo::ONE, Damage::Freelist));
            };
            ready!(self.save_all(pager, None));
            self.changes += 1;
            self.full_vacuum = Some(FullVacuum { end, last: pages });
        }
        while let Some(vacuum) = self.full_vacuum {
            let result =
                Change::run(pager, &self.geometry, &mut self.work, |change| change.vacuum_some(vacuum));
            self.full_vacuum = match result {
                Ok(Some(next)) => next,
                Ok(None) => return Ok(None),
                Err(error) => {
                    self.full_vacuum = None;
                    return Err(error);
                }
            };
            ready!(self.safe_point(pager));
        }
        Ok(Some(()))
    }

    /// Gives one free page back, or a pointer-map page with it; `false` when there is nothing to give.
    pub fn incremental_vacuum_step(&mut self, pager: &mut Pager) -> Step<bool> {
        self.changes += 1;
        self.refresh(pager);
        if !ready!(change::has_pointer_map(pager)) {
            return Ok(Some(false));
        }
        let one = ready!(pager.get(PageNo::ONE));
        let free = u32_at(pager.page(one), FREE_COUNT_AT);
        if free == 0 {
            return Ok(Some(false));
        }
        let pages = pager.page_count();
        let end = self.geometry.size_without(pages, free).filter(|&end| end <= pages && free < pages);
        let Some(end) = end else { return Err(Error::corrupt(PageNo::ONE, Damage::Freelist)) };
        ready!(self.save_all(pager, None));
        ready!(Change::run(pager, &self.geometry, &mut self.work, |change| {
            if !change.geometry.is_special(pages) {
                ready!(change.vacate(pages, end, Mode::Incremental));
            }
            let mut last = pages - 1;
            while change.geometry.is_special(last) {
                last -= 1;
            }
            change.pager.set_page_count(last)?;
            Ok(Some(()))
        }));
        Ok(Some(true))
    }
}

impl Change<'_> {
    /// Goes on with a full vacuum: what is left of it.
    fn vacuum_some(&mut self, mut vacuum: FullVacuum) -> Step<Option<FullVacuum>> {
        for _ in 0..PAGES_PER_CHANGE {
            if vacuum.last <= vacuum.end {
                let one = ready!(self.pager.get(PageNo::ONE));
                let bytes = self.pager.write(one)?;
                put_u32(bytes, FREELIST_AT, 0);
                put_u32(bytes, FREE_COUNT_AT, 0);
                self.pager.set_page_count(vacuum.end)?;
                return Ok(Some(None));
            }
            if !self.geometry.is_special(vacuum.last) {
                ready!(self.vacate(vacuum.last, vacuum.end, Mode::Full));
            }
            vacuum.last -= 1;
        }
        Ok(Some(Some(vacuum)))
    }

    /// Makes page number `last` hold nothing: moves its content to a free page, of the first `end` ones if possible, or takes it off the freelist.
    fn vacate(&mut self, last: u32, end: u32, mode: Mode) -> Step<()> {
        let Some(page) = PageNo::new(last) else { return Ok(Some(())) };
        let owner = ready!(pointer_map::read(page, self.pager, self.geometry));
        match (owner, mode) {
            (Owner::Root, _) => return Err(Error::corrupt(page, Damage::PointerMap)),
            // The freelist will be emptied as a whole.
            (Owner::Free, Mode::Full) => return Ok(Some(())),
            (Owner::Free, Mode::Incremental) => {
                let (taken, _) = ready!(self.allocate(Want::Exactly(page)));
                if taken != page {
                    return Err(Error::corrupt(page, Damage::Freelist));
                }
                return Ok(Some(()));
            }
            _ => {}
        }
        let limit = PageNo::new(end).ok_or_else(|| Error::corrupt(page, Damage::Freelist))?;
        let pages = self.pager.page_count();
        let to = loop {
            let want = if mode == Mode::Full { Want::Near(None) } else { Want::AtMost(limit) };
            let (to, _) = ready!(self.allocate(want));
            if to.get() > pages || to == page {
                return Err(Error::corrupt(page, Damage::Freelist));
            }
            if to <= limit || mode == Mode::Incremental {
                break to;
            }
        };
        ready!(self.relocate(page, owner, to));
        Ok(Some(()))
    }

    /// Moves the content of `from` to the allocated page `to`, and makes what pointed to the old page point to the new one.
    fn relocate(&mut self, from: PageNo, owner: Owner, to: PageNo) -> Step<FrameId> {
        if from.get() < 3 {
            return Err(Error::corrupt(from, Damage::PointerMap));
        }
        let tree = matches!(owner, Owner::Root | Owner::Tree(_));
        let source = if tree { ready!(self.load(from)) } else { ready!(self.pager.get(from)) };
        let frame = ready!(self.pager.move_page(source, to));
        if tree {
            ready!(self.set_page_references(frame));
        } else {
            // An overflow page may have been looked at as something else, when it was in another use.
            let next = PageNo::new(u32_at(self.pager.page(frame), 0));
            self.pager.set_header(frame, PageHeader::default());
            if let Some(next) = next {
                ready!(self.set_owner(next, Owner::Chain(to)));
            }
        }
        match owner {
            Owner::Root | Owner::Free => {}
            Owner::Chain(before) => {
                let before_frame = ready!(self.pager.get(before));
                if u32_at(self.pager.page(before_frame), 0) != from.get() {
                    return Err(Error::corrupt(before, Damage::PointerMap));
                }
                put_u32(self.pager.write(before_frame)?, 0, to.get());
                ready!(self.set_owner(to, owner));
            }
            Owner::Cell(holder) | Owner::Tree(holder) => {
                let holder_frame = ready!(self.load(holder));
                let at = self.find_pointer(holder_frame, from, matches!(owner, Owner::Tree(_)))?;
                put_u32(self.pager.write(holder_frame)?, at, to.get());
                ready!(self.set_owner(to, owner));
            }
        }
        Ok(Some(frame))
    }

    /// Where on a B-tree page the pointer to `page` stands: of a cell to its child or (not `tree`) to its overflow chain, or to the right child.
    fn find_pointer(&self, holder: FrameId, page: PageNo, tree: bool) -> Result<usize, Error> {
        let header = *self.pager.header(holder);
        let bytes = self.pager.page(holder);
        for index in 0..usize::from(header.cell_count) {
            let offset = page::cell_offset(bytes, &header, index);
            let at = if tree {
                (!header.kind.is_leaf()).then_some(offset)
            } else {
                let cell = cell::parse(header.kind, bytes, offset, self.geometry)
                    .map_err(|damage| self.damaged(holder, damage))?;
                cell.overflows().then(|| cell.payload_at as usize + cell.local as usize)
            };
            if let Some(at) = at
                && at + 4 <= self.geometry.usable
                && u32_at(bytes, at) == page.get()
            {
                return Ok(at);
            }
        }
        if tree && !header.kind.is_leaf() && u32_at(bytes, header.at() + 8) == page.get() {
            return Ok(header.at() + 8);
        }
        Err(self.damaged(holder, Damage::PointerMap))
    }

    /// Makes the page after the last root free for a new root and gives it. Its content, if any, is moved away.
    pub fn make_room_for_root(&mut self) -> Step<(PageNo, FrameId)> {
        let largest = ready!(self.largest_root());
        if largest > self.pager.page_count() {
            return Err(Error::corrupt(PageNo::ONE, Damage::BadHeader));
        }
        let mut number = largest + 1;
        while number < 3 || self.geometry.is_special(number) {
            number += 1;
        }
        let Some(root) = PageNo::new(number) else { return Err(Error::Full) };
        let (page, mut frame) = ready!(self.allocate(Want::Exactly(root)));
        if page != root {
            let owner = ready!(pointer_map::read(root, self.pager, self.geometry));
            if matches!(owner, Owner::Root | Owner::Free) {
                return Err(Error::corrupt(root, Damage::PointerMap));
            }
            ready!(self.relocate(root, owner, page));
            frame = ready!(self.pager.get(root));
        }
        ready!(self.note_root(root));
        ready!(self.set_largest_root(number));
        Ok(Some((root, frame)))
    }

    /// Frees the root of an empty tree. The largest root moves into its place, so that roots stay together: its old number then.
    pub fn close_root_gap(&mut self, root: PageNo) -> Step<Option<PageNo>> {
        let largest = ready!(self.largest_root());
        let last = PageNo::new(largest).filter(|last| *last >= root);
        let last = last.ok_or_else(|| Error::corrupt(PageNo::ONE, Damage::BadHeader))?;
        let moved = if last == root {
            ready!(self.free_page(root));
            None
        } else {
            // The dropped root is given away and taken again, as the place for the one that moves.
            ready!(self.relocate_root(last, root));
            ready!(self.free_page(last));
            Some(last)
        };
        let mut number = largest - 1;
        while number > 1 && self.geometry.is_special(number) {
            number -= 1;
        }
        ready!(self.set_largest_root(number));
        Ok(Some(moved))
    }

    /// Copies root page `from` over the root page `to`, whose tree is dropped.
    fn relocate_root(&mut self, from: PageNo, to: PageNo) -> Step<()> {
        let source = ready!(self.load(from));
        let header = *self.pager.header(source);
        let bytes = self.pager.share(source);
        let target = ready!(self.pager.get(to));
        let (target_bytes, target_header) = self.pager.write_with_header(target)?;
        target_bytes.copy_from_slice(&bytes);
        *target_header = header;
        drop(bytes);
        ready!(self.set_page_references(target));
        self.note_root(to)
    }
}
