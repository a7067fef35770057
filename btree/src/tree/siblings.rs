//! Balancing a page with its siblings: their cells, and those that wait for room, are divided anew among as many pages as they need.
//!
//! ```text
//! parent   … d0 d1 …              parent   … e0 e1 e2 …
//!         /  |  \          =>             /  |  |  \
//!        a   b   c                       p   q  r   s
//! ```
//!
//! Up to three neighbouring children of one parent take part. Their old bytes stay readable through shared buffers while the new pages are
//! written, so a cell is copied once, from its old place to its new one. The pages keep ascending numbers from left to right,
//! which makes scans read forward.
//!
//! When the root is left without a cell and one child, the child's cells move into the root, and the tree is one level lower.
//!
//! Always true afterwards: no cell of these pages waits; new dividers may wait for room in the parent.
//! Spec: none; the choice of siblings and the division are SQLite's.

use kernite_io::ready;

use crate::Step;
use crate::error::{Damage, Error};
use crate::page_no::PageNo;
use crate::pager::{FrameId, PageHeader, PageKind};
use crate::record::varint;
use crate::tree::cell;
use crate::tree::change::{Change, Path, SecureDelete, Workspace};
use crate::tree::distribute::{Groups, PAGES_MAX, distribute};
use crate::tree::freelist::Want;
use crate::tree::geometry::Geometry;
use crate::tree::page::{self, put_u16, u32_at};
use crate::tree::pointer_map::{Owner, references};

/// Most pages that are balanced together.
const SIBLINGS: usize = 3;

/// In [`CellRef::source`]: the bytes are in the arena.
const ARENA: u8 = u8::MAX;

/// Where the bytes of a cell are that a balance distributes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CellRef {
    /// Index into [`Workspace::sources`], or [`ARENA`].
    source: u8,
    at: u32,
    size: u16,
}

impl CellRef {
    fn bytes<'w>(&self, work: &'w Workspace) -> &'w [u8] {
        let source = match work.sources.get(usize::from(self.source)) {
            Some(page) => &page[..],
            None => &work.arena[..],
        };
        let at = self.at as usize;
        source.get(at..at + usize::from(self.size)).unwrap_or_default()
    }
}

/// The pages that are balanced together.
struct Family {
    parent: FrameId,
    /// Number of the first sibling among the parent's children.
    first: usize,
    count: usize,
    frames: [FrameId; SIBLINGS],
    pages: [PageNo; SIBLINGS],
    kind: PageKind,
    /// Cells of the parent between the siblings, in the arena.
    dividers: [(usize, usize); SIBLINGS - 1],
}

impl Change<'_> {
    /// Balances the page on level `level` of the path with its siblings.
    pub fn balance_siblings(&mut self, path: &Path, level: usize) -> Step<()> {
        let parent = path.levels[level - 1];
        let mut family = ready!(self.find_family(parent.frame, usize::from(parent.index)));
        self.take_dividers(&mut family)?;
        self.collect_cells(&family)?;
        let space = self.geometry.usable - family.kind.header_size();
        let sizes = self.work.cells.iter().map(|cell| usize::from(cell.size));
        let dividers_are_cells = family.kind != PageKind::TableLeaf;
        let groups = distribute(sizes, space, dividers_are_cells, &mut self.work.sums)
            .map_err(|damage| self.damaged(family.parent, damage))?;
        let is_root = level == 1;
        if is_root && self.fits_root(&family, &groups, space) {
            ready!(self.sink_into_root(&family));
        } else {
            ready!(self.rebuild(&family, &groups));
        }
        self.work.sources.clear();
        self.work.cells.clear();
        Ok(Some(()))
    }

    /// Whether the parent, the root, is left without cells and all cells of its only child fit there. Page 1 has less room than others.
    fn fits_root(&self, family: &Family, groups: &Groups, space: usize) -> bool {
        let header = self.pager.header(family.parent);
        let taken = self.work.sums.last().copied().unwrap_or_default();
        header.cell_count == 0 && groups.count == 1 && header.at() + taken <= space
    }

    /// Chooses the siblings around child `index` of `parent` and makes them resident.
    fn find_family(&mut self, parent: FrameId, index: usize) -> Step<Family> {
        let total = self.cell_count(parent);
        let (first, count) =
            if total < 2 { (0, total + 1) } else { (index.saturating_sub(1).min(total - 2), SIBLINGS) };
        let mut family = Family {
            parent,
            first,
            count,
            frames: [parent; SIBLINGS],
            pages: [PageNo::ONE; SIBLINGS],
            kind: PageKind::Unknown,
            dividers: [(0, 0); SIBLINGS - 1],
        };
        for place in 0..count {
            let page = self.logical_child(parent, first + place)?;
            let frame = ready!(self.load(page));
            let kind = self.pager.header(frame).kind;
            let strange = if place == 0 {
                kind.is_table() != self.pager.header(parent).kind.is_table()
            } else {
                kind != family.kind
            };
            if strange || frame == parent || family.frames[..place].contains(&frame) {
                return Err(Error::corrupt(page, Damage::DoubleUse));
            }
            self.free_bytes(frame)?;
            family.kind = kind;
            family.frames[place] = frame;
            family.pages[place] = page;
        }
        Ok(Some(family))
    }

    /// Child `index` of a page, where waiting cells count as if they were on it.
    fn logical_child(&self, parent: FrameId, index: usize) -> Result<PageNo, Error> {
        let mut before = 0;
        for waiting in self.waiting(parent) {
            if usize::from(waiting.index) == index {
                let child = PageNo::new(u32_at(&self.work.arena, waiting.at as usize));
                return child.ok_or_else(|| self.damaged(parent, Damage::BadPageNumber));
            }
            before += usize::from(usize::from(waiting.index) < index);
        }
        page::child_at(self.pager.page(parent), self.pager.header(parent), index - before)
            .map_err(|damage| self.damaged(parent, damage))
    }

    /// Takes the cells between the siblings out of the parent. None of the parent's cells waits afterwards.
    fn take_dividers(&mut self, family: &mut Family) -> Result<(), Error> {
        let parent = family.parent;
        for place in (0..family.count - 1).rev() {
            let index = family.first + place;
            let found = self
                .work
                .waiting
                .iter()
                .position(|cell| cell.frame == parent && usize::from(cell.index) == index);
            family.dividers[place] = match found {
                Some(position) => {
                    let cell = self.work.waiting.remove(position);
                    (cell.at as usize, usize::from(cell.size))
                }
                None => {
                    let before = self.waiting(parent).filter(|cell| usize::from(cell.index) < index).count();
                    let cell = self.cell(parent, index - before)?;
                    let at =
                        page::cell_offset(self.pager.page(parent), self.pager.header(parent), index - before);
                    let kept = self.keep_from(parent, at, usize::from(cell.size))?;
                    self.remove_cell(parent, index - before, usize::from(cell.size))?;
                    kept
                }
            };
        }
        // A waiting cell of the parent is always beside the page that is being balanced.
        if self.waiting(parent).next().is_some() {
            return Err(self.damaged(parent, Damage::BadCellPointer));
        }
        Ok(())
    }

    /// Copies bytes of a page to the arena.
    fn keep_from(&mut self, frame: FrameId, at: usize, size: usize) -> Result<(usize, usize), Error> {
        let start = self.work.arena.len();
        match self.pager.page(frame).get(at..at + size) {
            Some(bytes) => self.work.arena.extend_from_slice(bytes),
            None => return Err(self.damaged(frame, Damage::BadCellPointer)),
        }
        Ok((start, size))
    }

    /// Lists all cells of the siblings in order, waiting ones and dividers included.
    fn collect_cells(&mut self, family: &Family) -> Result<(), Error> {
        self.work.cells.clear();
        self.work.sources.clear();
        for place in 0..family.count {
            let frame = family.frames[place];
            self.collect_page(place as u8, frame)?;
            self.work.sources.push(self.pager.share(frame));
            if place + 1 < family.count && family.kind != PageKind::TableLeaf {
                let (at, size) = family.dividers[place];
                let divider = if family.kind.is_leaf() {
                    self.leaf_form(at, size)
                } else {
                    let right = page::right_child(self.pager.page(frame), self.pager.header(frame));
                    let right = right.map_or(0, PageNo::get);
                    self.work.arena[at..at + 4].copy_from_slice(&right.to_be_bytes());
                    (at, size)
                };
                self.work.cells.push(CellRef { source: ARENA, at: divider.0 as u32, size: divider.1 as u16 });
            }
        }
        Ok(())
    }

    /// Lists the cells of one page, merged with those that wait for room on it.
    fn collect_page(&mut self, source: u8, frame: FrameId) -> Result<(), Error> {
        let header = *self.pager.header(frame);
        let bytes = self.pager.page(frame);
        let mut index = 0;
        let mut logical = 0;
        let mut waiting = self.work.waiting.iter().filter(|cell| cell.frame == frame).peekable();
        loop {
            if let Some(cell) = waiting.next_if(|cell| usize::from(cell.index) == logical) {
                self.work.cells.push(CellRef { source: ARENA, at: cell.at, size: cell.size });
            } else if index < usize::from(header.cell_count) {
                let at = page::cell_offset(bytes, &header, index);
                let size = match cell::parse(header.kind, bytes, at, self.geometry) {
                    Ok(cell) => cell.size,
                    Err(damage) => return Err(self.damaged(frame, damage)),
                };
                self.work.cells.push(CellRef { source, at: at as u32, size });
                index += 1;
            } else {
                break;
            }
            logical += 1;
        }
        if waiting.next().is_some() {
            return Err(self.damaged(frame, Damage::BadCellPointer));
        }
        self.work.waiting.retain(|cell| cell.frame != frame);
        Ok(())
    }

    /// A divider as it looks on an index leaf: without its child pointer, padded where it is short.
    fn leaf_form(&mut self, at: usize, size: usize) -> (usize, usize) {
        if size >= 8 {
            return (at + 4, size - 4);
        }
        let start = self.work.arena.len();
        self.work.arena.extend_from_within(at + 4..at + size);
        self.work.arena.resize(start + 4, 0);
        (start, 4)
    }

    /// All cells fit in the root: it becomes a page of the siblings' kind, and they become free.
    fn sink_into_root(&mut self, family: &Family) -> Step<()> {
        let root = family.parent;
        let right = self.last_right_child(family);
        let cells = 0..self.work.cells.len();
        self.write_page(root, family.kind, cells.clone(), right)?;
        ready!(self.note_page(family, root, cells, right));
        for &page in &family.pages[..family.count] {
            ready!(self.free_page(page));
        }
        Ok(Some(()))
    }

    /// The child right of all cells of the siblings, which are interior pages; else `None`.
    fn last_right_child(&self, family: &Family) -> Option<PageNo> {
        let last = family.frames[family.count - 1];
        if family.kind.is_leaf() {
            return None;
        }
        page::right_child(self.pager.page(last), self.pager.header(last))
    }

    /// Writes the groups to pages and their dividers to the parent.
    fn rebuild(&mut self, family: &Family, groups: &Groups) -> Step<()> {
        let last_right = self.last_right_child(family);
        let pages = ready!(self.choose_pages(family, groups.count));
        let pages = &pages[..groups.count];
        let parent_no = self.pager.page_no(family.parent);
        for (place, &(page, frame)) in pages.iter().enumerate() {
            let cells = groups.range(place);
            let right = if family.kind.is_leaf() {
                None
            } else if place + 1 == groups.count {
                last_right
            } else {
                PageNo::new(u32_at(self.work.cells[cells.end].bytes(self.work), 0))
            };
            self.write_page(frame, family.kind, cells.clone(), right)?;
            ready!(self.note_page(family, frame, cells, right));
            ready!(self.set_owner(page, Owner::Tree(parent_no)));
        }
        self.set_child(family.parent, family.first, pages[groups.count - 1].0)?;
        for (place, &(page, _)) in pages[..groups.count - 1].iter().enumerate() {
            let divider = self.make_divider(family.kind, groups.range(place).end, page)?;
            ready!(self.place_divider(family.parent, family.first + place, divider));
        }
        for &page in family.pages.get(groups.count..family.count).unwrap_or_default() {
            ready!(self.free_page(page));
        }
        Ok(Some(()))
    }

    /// The pages for the groups, ascending: the siblings' own as far as they go, and fresh ones.
    fn choose_pages(&mut self, family: &Family, count: usize) -> Step<[(PageNo, FrameId); PAGES_MAX]> {
        let mut pages = [(PageNo::ONE, family.parent); PAGES_MAX];
        for place in 0..count {
            pages[place] = if place < family.count {
                (family.pages[place], family.frames[place])
            } else {
                ready!(self.allocate(Want::Near(Some(pages[place - 1].0))))
            };
        }
        pages[..count].sort_unstable_by_key(|&(page, _)| page);
        Ok(Some(pages))
    }

    /// Writes a page that has these cells and no others.
    fn write_page(
        &mut self,
        frame: FrameId,
        kind: PageKind,
        cells: std::ops::Range<usize>,
        right: Option<PageNo>,
    ) -> Result<(), Error> {
        let no = self.pager.page_no(frame);
        let geometry = self.geometry;
        let (bytes, header) = self.pager.write_with_header(frame)?;
        *header = page::format_empty(bytes, no, kind, geometry);
        if let Some(right) = right {
            page::put_u32(bytes, header.at() + 8, right.get());
        }
        assemble(bytes, header, &self.work.cells[cells], self.work, geometry)
            .map_err(|damage| Error::corrupt(no, damage))
    }

    /// Enters in the pointer map what points to the children and chains of the cells that came to this page from another one.
    fn note_page(
        &mut self,
        family: &Family,
        frame: FrameId,
        cells: std::ops::Range<usize>,
        right: Option<PageNo>,
    ) -> Step<()> {
        if !self.auto_vacuum {
            return Ok(Some(()));
        }
        let holder = self.pager.page_no(frame);
        for index in cells {
            let cell = self.work.cells[index];
            if family.pages.get(usize::from(cell.source)) == Some(&holder) {
                continue;
            }
            let found = references(family.kind, cell.bytes(self.work), self.geometry)
                .map_err(|damage| self.damaged(frame, damage))?;
            ready!(self.set_references(found, holder));
        }
        if let Some(right) = right {
            ready!(self.set_owner(right, Owner::Tree(holder)));
        }
        Ok(Some(()))
    }

    /// Makes the parent's cell for child `page`, whose group ends before cell `end`.
    fn make_divider(&mut self, kind: PageKind, end: usize, page: PageNo) -> Result<(usize, usize), Error> {
        let child = page.get().to_be_bytes();
        if kind == PageKind::TableLeaf {
            // The largest rowid of the child.
            let last = self.work.cells[end - 1];
            let rowid = cell::rowid_only(last.bytes(self.work), 0, true)
                .map_err(|damage| Error::corrupt(page, damage))?;
            return Ok(self.keep_divider(child, rowid));
        }
        let divider = self.work.cells[end];
        let from = divider.at as usize;
        let start = self.work.arena.len();
        self.work.arena.extend_from_slice(&child);
        let (skip, size) = if kind.is_leaf() {
            (0, unpadded(divider.bytes(self.work), usize::from(divider.size)))
        } else {
            (4, usize::from(divider.size))
        };
        match self.work.sources.get(usize::from(divider.source)) {
            Some(source) => self.work.arena.extend_from_slice(&source[from + skip..from + size]),
            None => self.work.arena.extend_from_within(from + skip..from + size),
        }
        Ok((start, self.work.arena.len() - start))
    }

    /// Puts an interior cell of a table into the arena: child and largest rowid.
    pub fn keep_divider(&mut self, child: [u8; 4], rowid: i64) -> (usize, usize) {
        let mut key = [0; varint::LEN_MAX];
        let len = varint::encode(rowid as u64, &mut key);
        self.keep([&child, &key[..len], &[]])
    }

    /// Places a divider in an interior page; the chain of its key then belongs to that page.
    pub fn place_divider(&mut self, parent: FrameId, index: usize, divider: (usize, usize)) -> Step<()> {
        let placed = self.place_cell(parent, index, divider)?;
        if placed && self.auto_vacuum {
            let kind = self.pager.header(parent).kind;
            let bytes = &self.work.arena[divider.0..divider.0 + divider.1];
            let found =
                references(kind, bytes, self.geometry).map_err(|damage| self.damaged(parent, damage))?;
            ready!(self.set_references(found, self.pager.page_no(parent)));
        }
        Ok(Some(()))
    }
}

/// The size of an index leaf cell without the padding that a short one has.
pub(crate) fn unpadded(cell: &[u8], size: usize) -> usize {
    match cell {
        [payload, ..] if size == 4 => (1 + usize::from(*payload)).min(4),
        _ => size,
    }
}

/// Fills an empty page with cells, the first one at the end of the page.
fn assemble(
    bytes: &mut [u8],
    header: &mut PageHeader,
    cells: &[CellRef],
    work: &Workspace,
    geometry: &Geometry,
) -> Result<(), Damage> {
    let mut top = geometry.usable;
    let mut slot = usize::from(header.cells_at);
    let lowest = slot + 2 * cells.len();
    let mut rest = cells;
    while let Some((first, more)) = rest.split_first() {
        // Cells that lie one below the other, as they will here, are copied at once.
        let mut low = first.at;
        let mut run = 1;
        for cell in more {
            if cell.source != first.source || cell.at + u32::from(cell.size) != low {
                break;
            }
            low = cell.at;
            run += 1;
        }
        let high = first.at as usize + usize::from(first.size);
        let from = low as usize;
        let len = high - from;
        if lowest + len > top {
            return Err(Damage::BadCellPointer);
        }
        top -= len;
        let source = match work.sources.get(usize::from(first.source)) {
            Some(page) => &page[..],
            None => &work.arena[..],
        };
        let source = source.get(from..high).ok_or(Damage::BadCellPointer)?;
        bytes[top..top + len].copy_from_slice(source);
        for cell in &rest[..run] {
            put_u16(bytes, slot, top + cell.at as usize - from);
            slot += 2;
        }
        rest = &rest[run..];
    }
    if work.secure_delete != SecureDelete::Off {
        bytes[lowest..top].fill(0);
    }
    header.cell_count = cells.len() as u16;
    header.free_bytes = (top - lowest) as u32;
    put_u16(bytes, header.at() + 3, cells.len());
    put_u16(bytes, header.at() + 5, top);
    Ok(())
}
