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

use std::ops::Range;

use kernite_io::{Buffer, ready};

use crate::Step;
use crate::error::{Damage, Error};
use crate::page_no::PageNo;
use crate::pager::{FrameId, PageHeader, PageKind};
use crate::record::varint;
use crate::tree::cell;
use crate::tree::change::{Change, Path, SecureDelete, Workspace};
use crate::tree::cursor::damaged;
use crate::tree::distribute::{Groups, PAGES_MAX};
use crate::tree::freelist::Want;
use crate::tree::geometry::Geometry;
use crate::tree::page::{self, put_u16, put_u32, u32_at};
use crate::tree::pointer_map::{Owner, references};
use crate::tree::space;

/// Most pages that are balanced together.
const SIBLINGS: usize = 3;

/// In [`CellRef::source`]: the bytes are in the arena.
const ARENA: u8 = u8::MAX;

/// Where a cell is that a balance distributes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CellRef {
    /// Index into [`Workspace::sources`], or [`ARENA`].
    source: u8,
    /// Its size, or 0 where nobody has asked yet: a look at each cell of three pages would cost more than all else.
    size: u16,
    at: u32,
}

/// The buffer that has the cell.
fn source_of<'w>(cell: &CellRef, sources: &'w [Buffer], arena: &'w [u8]) -> &'w [u8] {
    match sources.get(usize::from(cell.source)) {
        Some(page) => page,
        None => arena,
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
    /// Which of the listed cells are on which sibling, waiting ones included.
    groups: Groups,
}

impl Change<'_> {
    /// Balances the page on level `level` of the path with its siblings.
    pub fn balance_siblings(&mut self, path: &Path, level: usize) -> Step<()> {
        let parent = path.levels[level - 1];
        let mut family = ready!(self.find_family(parent.frame, parent.index as usize));
        self.take_dividers(&mut family)?;
        self.collect_cells(&mut family)?;
        let space = self.geometry.usable - family.kind.header_size();
        let space = space + 2 * usize::from(kernite_io::planted!(BalanceOverfills));
        let mut groups = family.groups;
        let count = self.work.cells.len();
        groups
            .divide(count, space, |index| self.cell_size(family.kind, index))
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
        header.cell_count == 0 && groups.count == 1 && header.at() + groups.sum(0) <= space
    }

    /// The size of a listed cell.
    fn cell_size(&mut self, kind: PageKind, index: usize) -> Result<usize, Damage> {
        let work = &mut *self.work;
        let cell = work.cells.get_mut(index).ok_or(Damage::BadCellPointer)?;
        if cell.size == 0 {
            let page = work.sources.get(usize::from(cell.source)).ok_or(Damage::BadCellPointer)?;
            cell.size = cell::size(kind, page, cell.at as usize, self.geometry)? as u16;
        }
        Ok(usize::from(cell.size))
    }

    /// The bytes of a listed cell.
    fn cell_bytes(&mut self, kind: PageKind, index: usize) -> Result<&[u8], Damage> {
        let size = self.cell_size(kind, index)?;
        let cell = self.work.cells[index];
        let at = cell.at as usize;
        let source = source_of(&cell, &self.work.sources, &self.work.arena);
        source.get(at..at + size).ok_or(Damage::BadCellPointer)
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
            groups: Groups::default(),
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
            if waiting.index as usize == index {
                let child = PageNo::new(u32_at(&self.work.arena, waiting.at as usize));
                return child.ok_or_else(|| self.damaged(parent, Damage::BadPageNumber));
            }
            before += usize::from((waiting.index as usize) < index);
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
                .position(|cell| cell.frame == parent && cell.index as usize == index);
            family.dividers[place] = match found {
                Some(position) => {
                    let cell = self.work.waiting.remove(position);
                    (cell.at as usize, cell.size as usize)
                }
                None => {
                    let before = self.waiting(parent).filter(|cell| (cell.index as usize) < index).count();
                    let cell = self.cell(parent, index - before)?;
                    let at =
                        page::cell_offset(self.pager.page(parent), self.pager.header(parent), index - before);
                    let kept = self.keep_from(parent, at, cell.size as usize)?;
                    self.remove_cell(parent, index - before, cell.size as usize)?;
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
    fn collect_cells(&mut self, family: &mut Family) -> Result<(), Error> {
        self.work.cells.clear();
        self.work.sources.clear();
        let table_leaf = family.kind == PageKind::TableLeaf;
        family.groups = Groups::new(!table_leaf);
        for place in 0..family.count {
            let frame = family.frames[place];
            let taken = self.collect_page(place as u8, frame)?;
            family.groups.push(self.work.cells.len(), taken);
            self.work.sources.push(self.pager.share(frame));
            if place + 1 < family.count && !table_leaf {
                let (at, size) = family.dividers[place];
                let (at, size) = if family.kind.is_leaf() {
                    self.leaf_form(at, size)
                } else {
                    let right = page::right_child(self.pager.page(frame), self.pager.header(frame));
                    let right = right.map_or(0, PageNo::get);
                    if !kernite_io::planted!(RightChildLost) {
                        put_u32(&mut self.work.arena, at, right);
                    }
                    (at, size)
                };
                self.work.cells.push(CellRef { source: ARENA, at: at as u32, size: size as u16 });
            }
        }
        Ok(())
    }

    /// Lists the cells of one page, merged with those that wait for room on it: what they take with their pointers.
    fn collect_page(&mut self, source: u8, frame: FrameId) -> Result<usize, Error> {
        let header = *self.pager.header(frame);
        let cells = self.geometry.usable.checked_sub(header.kind.header_size());
        let Some(mut taken) = cells.and_then(|cells| cells.checked_sub(header.free_bytes as usize)) else {
            return Err(self.damaged(frame, Damage::FragmentCount));
        };
        let pointers = self.pager.page(frame).get(usize::from(header.cells_at)..header.cells_end());
        let pointers = pointers.unwrap_or_default();
        let work = &mut *self.work;
        let start = work.cells.len();
        work.cells.extend(pointers.chunks_exact(2).map(|pointer| CellRef {
            source,
            size: 0,
            at: u32::from(u16::from_be_bytes([pointer[0], pointer[1]])),
        }));
        // Waiting cells are few and in order, so each finds those before it in place.
        for waiting in work.waiting.iter().filter(|cell| cell.frame == frame) {
            let index = start + waiting.index as usize;
            if index > work.cells.len() {
                return Err(damaged(self.pager, frame, Damage::BadCellPointer));
            }
            work.cells.insert(index, CellRef { source: ARENA, size: waiting.size, at: waiting.at });
            taken += usize::from(waiting.size) + 2;
        }
        work.waiting.retain(|cell| cell.frame != frame);
        Ok(taken)
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
        self.write_page(family, root, cells.clone(), right)?;
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
                let divider = self.cell_bytes(family.kind, cells.end);
                PageNo::new(u32_at(divider.map_err(|damage| Error::corrupt(page, damage))?, 0))
            };
            self.write_page(family, frame, cells.clone(), right)?;
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

    /// Writes a page so that it has these cells and no others.
    fn write_page(
        &mut self,
        family: &Family,
        frame: FrameId,
        cells: Range<usize>,
        right: Option<PageNo>,
    ) -> Result<(), Error> {
        let no = self.pager.page_no(frame);
        let own = family.frames[..family.count].iter().position(|&sibling| sibling == frame);
        let kept = own.map_or(0..0, |place| {
            let before = family.groups.range(place);
            cells.start.max(before.start)..cells.end.min(before.end)
        });
        let written = match own {
            // Taking one cell off and putting one on costs as much as copying eight in a page that is filled anew, and leaves holes that
            // later inserts have to search.
            Some(place) if kept.len() * 8 > cells.len().max(family.groups.range(place).len()) * 7 => {
                self.edit_page(family, place, cells, kept)
            }
            _ => self.fill_page(family.kind, frame, cells),
        };
        written?;
        if let Some(right) = right {
            let (bytes, header) = self.pager.write_with_header(frame)?;
            put_u32(bytes, header.at() + 8, right.get());
        }
        debug_assert!(self.pager.header(frame).cell_count > 0 || no == PageNo::ONE || own.is_none());
        Ok(())
    }

    /// Writes a page from scratch.
    fn fill_page(&mut self, kind: PageKind, frame: FrameId, cells: Range<usize>) -> Result<(), Error> {
        let no = self.pager.page_no(frame);
        let geometry = self.geometry;
        let Workspace { cells: listed, sources, .. } = &mut *self.work;
        let measured = match listed.get_mut(cells.clone()) {
            Some(listed) => measure(kind, listed, sources, geometry),
            None => Err(Damage::BadCellPointer),
        };
        measured.map_err(|damage| Error::corrupt(no, damage))?;
        let (bytes, header) = self.pager.write_with_header(frame)?;
        *header = page::format_empty(bytes, no, kind, geometry);
        assemble(bytes, header, &self.work.cells[cells], self.work, geometry)
            .map_err(|damage| Error::corrupt(no, damage))
    }

    /// Takes the cells off sibling `place` that go elsewhere, and puts those on it that come from elsewhere. Cells in `kept` are there, but
    /// for waiting ones among them.
    fn edit_page(
        &mut self,
        family: &Family,
        place: usize,
        cells: Range<usize>,
        kept: Range<usize>,
    ) -> Result<(), Error> {
        let frame = family.frames[place];
        let kind = family.kind;
        let before = family.groups.range(place);
        let is_own = |cell: &CellRef| usize::from(cell.source) == place;
        let own =
            |cells: &[CellRef], range: Range<usize>| cells[range].iter().filter(|cell| is_own(cell)).count();
        let front = own(&self.work.cells, before.start..kept.start);
        let back = usize::from(self.pager.header(frame).cell_count);
        // From the end, so that the numbers of the cells before stay as they are.
        for (leaving, mut index) in [(kept.end..before.end, back), (before.start..kept.start, front)] {
            for cell in leaving.rev() {
                if is_own(&self.work.cells[cell]) {
                    index -= 1;
                    let size = self.cell_size(kind, cell).map_err(|damage| self.damaged(frame, damage))?;
                    self.remove_cell(frame, index, size)?;
                }
            }
        }
        for (slot, cell) in cells.enumerate() {
            if kept.contains(&cell) && is_own(&self.work.cells[cell]) {
                continue;
            }
            self.insert_listed(kind, frame, slot, cell)?;
        }
        Ok(())
    }

    /// Puts a listed cell on a page as number `slot`.
    fn insert_listed(
        &mut self,
        kind: PageKind,
        frame: FrameId,
        slot: usize,
        cell: usize,
    ) -> Result<(), Error> {
        let size = self.cell_size(kind, cell).map_err(|damage| self.damaged(frame, damage))?;
        let free = self.free_bytes(frame)?;
        let geometry = self.geometry;
        let (bytes, header) = self.pager.write_with_header(frame)?;
        if size + 2 > free || slot > usize::from(header.cell_count) {
            return Err(self.damaged(frame, Damage::FragmentCount));
        }
        let Workspace { cells, sources, arena, spare, .. } = &mut *self.work;
        let cell = cells[cell];
        let source = source_of(&cell, sources, arena).get(cell.at as usize..cell.at as usize + size);
        let placed = space::insert_cell(bytes, header, slot, size, geometry, spare);
        match (placed, source) {
            (Ok(to), Some(source)) => bytes[to..to + size].copy_from_slice(source),
            (Err(damage), _) => return Err(self.damaged(frame, damage)),
            (_, None) => return Err(self.damaged(frame, Damage::BadCellPointer)),
        }
        Ok(())
    }

    /// Enters in the pointer map what points to the children and chains of the cells that came to this page from another one.
    fn note_page(
        &mut self,
        family: &Family,
        frame: FrameId,
        cells: Range<usize>,
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
            let geometry = self.geometry;
            let found = self
                .cell_bytes(family.kind, index)
                .and_then(|bytes| references(family.kind, bytes, geometry))
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
            let back = 1 + usize::from(kernite_io::planted!(DividerOffByOne) && end > 2);
            let rowid = self
                .cell_bytes(kind, end - back)
                .and_then(|bytes| cell::rowid_only(bytes, 0, true))
                .map_err(|damage| Error::corrupt(page, damage))?;
            return Ok(self.keep_divider(child, rowid));
        }
        let bytes = self.cell_bytes(kind, end).map_err(|damage| Error::corrupt(page, damage))?;
        let (skip, size) = if kind.is_leaf() { (0, unpadded(bytes, bytes.len())) } else { (4, bytes.len()) };
        let divider = self.work.cells[end];
        let from = divider.at as usize;
        let start = self.work.arena.len();
        self.work.arena.extend_from_slice(&child);
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

/// Makes sure that the sizes of these cells are known.
fn measure(
    kind: PageKind,
    cells: &mut [CellRef],
    sources: &[Buffer],
    geometry: &Geometry,
) -> Result<(), Damage> {
    for cell in cells.iter_mut().filter(|cell| cell.size == 0) {
        let page = sources.get(usize::from(cell.source)).ok_or(Damage::BadCellPointer)?;
        cell.size = cell::size(kind, page, cell.at as usize, geometry)? as u16;
    }
    Ok(())
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
        let source = source_of(first, &work.sources, &work.arena);
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
