//! A change: the context in which pages are written together or not at all.
//!
//! Everything that needs more than one page in place (balance, overflow chains, freelist, pointer map) runs inside
//! [`Change::run`]. A page that is missing or a failure drops the whole change, and it is run again from its top or
//! reported; so code in here writes pages in any order and never cleans up after itself.
//!
//! Cells that do not fit their page wait in [`Workspace::waiting`] until a balance has found room for them.
//!
//! Always true between changes: no cell waits.
//! Spec: `design/io-steps.md`, "micro-transaction".

use kernite_io::{Buffer, ready};

use crate::Step;
use crate::error::{Damage, Error};
use crate::page_no::PageNo;
use crate::pager::{FrameId, Pager};
use crate::tree::cell::CellInfo;
use crate::tree::cursor::{Cursor, DEPTH_MAX, Level, damaged, load};
use crate::tree::geometry::Geometry;
use crate::tree::page::u32_at;
use crate::tree::siblings::CellRef;
use crate::tree::{cell, page, space};

/// Offset of "largest root page" in the file header: not 0 in a database with a pointer map.
const LARGEST_ROOT_AT: usize = 52;

/// What becomes of the bytes of deleted content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum SecureDelete {
    /// They stay until overwritten.
    #[default]
    Off,
    /// They are zeroed, and so are pages that become free.
    On,
    /// They are zeroed where the page is written anyway.
    Fast,
}

/// A cell for which its page has no room.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WaitingCell {
    /// The page on which it belongs.
    pub frame: FrameId,
    /// Its number among the page's cells, waiting ones counted.
    pub index: u32,
    /// Where its bytes are in [`Workspace::arena`].
    pub at: u32,
    pub size: u16,
}

/// Buffers that changes reuse.
#[derive(Default)]
pub(crate) struct Workspace {
    /// For closing the holes of a page.
    pub spare: Vec<u8>,
    /// Bytes of waiting cells and of dividers.
    pub arena: Vec<u8>,
    pub waiting: Vec<WaitingCell>,
    /// Cells that a balance distributes, and the pages that they come from.
    pub cells: Vec<CellRef>,
    pub sources: Vec<Buffer>,
    pub secure_delete: SecureDelete,
}

/// The levels from the root to the page that a change begins at.
#[derive(Clone, Copy)]
pub(crate) struct Path {
    /// `levels[depth]` is the page at hand and its cell; those above, the pages and children on the way.
    pub levels: [Level; DEPTH_MAX],
    pub depth: usize,
}

impl Path {
    /// The path of a cursor.
    pub fn of(cursor: &Cursor) -> Path {
        let depth = usize::from(cursor.depth);
        let mut levels = cursor.path;
        levels[depth] = Level { frame: cursor.frame, index: cursor.index };
        Path { levels, depth }
    }

    /// The page at hand.
    pub fn here(&self) -> Level {
        self.levels[self.depth]
    }
}

/// A change under way.
pub(crate) struct Change<'a> {
    pub pager: &'a mut Pager,
    pub geometry: &'a Geometry,
    pub work: &'a mut Workspace,
    /// Whether the database has a pointer map.
    pub auto_vacuum: bool,
}

/// Whether the database has a pointer map.
pub(crate) fn has_pointer_map(pager: &mut Pager) -> Step<bool> {
    let frame = ready!(pager.get(PageNo::ONE));
    Ok(Some(u32_at(pager.page(frame), LARGEST_ROOT_AT) != 0))
}

impl Change<'_> {
    /// Runs `body` as one change: all of its writes take effect when it is done, none when it has to wait or fails.
    pub fn run<T>(
        pager: &mut Pager,
        geometry: &Geometry,
        work: &mut Workspace,
        body: impl FnOnce(&mut Change<'_>) -> Step<T>,
    ) -> Step<T> {
        let auto_vacuum = ready!(has_pointer_map(pager));
        pager.begin_change();
        let mut change = Change { pager, geometry, work, auto_vacuum };
        let result = body(&mut change);
        change.work.sources.clear();
        let waits = matches!(result, Ok(None)) && kernite_io::planted!(ChangeKeptAtWait);
        if waits {
            change.work.waiting.clear();
        }
        if waits || matches!(result, Ok(Some(_))) {
            debug_assert!(change.work.waiting.is_empty(), "a cell has found no page");
            change.pager.commit_change();
        } else {
            change.pager.abort_change();
            change.work.waiting.clear();
        }
        change.work.arena.clear();
        result
    }

    /// Damage found on the page in `frame`.
    #[cold]
    pub fn damaged(&self, frame: FrameId, damage: Damage) -> Error {
        damaged(self.pager, frame, damage)
    }

    /// Makes a B-tree page resident.
    pub fn load(&mut self, page: PageNo) -> Step<FrameId> {
        load(self.pager, page, self.geometry)
    }

    /// Free bytes of a page, counted now where they were not.
    pub fn free_bytes(&mut self, frame: FrameId) -> Result<usize, Error> {
        let mut header = *self.pager.header(frame);
        let known = header.free_bytes;
        let free = space::ensure_counted(self.pager.page(frame), &mut header, self.geometry)
            .map_err(|damage| self.damaged(frame, damage))?;
        if known != header.free_bytes {
            self.pager.set_header(frame, header);
        }
        Ok(free)
    }

    /// Decodes cell `index` of a page.
    pub fn cell(&self, frame: FrameId, index: usize) -> Result<CellInfo, Error> {
        let header = self.pager.header(frame);
        if index >= usize::from(header.cell_count) {
            return Err(self.damaged(frame, Damage::BadCellPointer));
        }
        cell::parse_at(self.pager.page(frame), header, index, self.geometry)
            .map_err(|damage| self.damaged(frame, damage))
    }

    /// Removes cell `index`, which takes `size` bytes. Its overflow pages are the caller's matter.
    pub fn remove_cell(&mut self, frame: FrameId, index: usize, size: usize) -> Result<(), Error> {
        let wipe = self.work.secure_delete != SecureDelete::Off;
        let geometry = self.geometry;
        self.free_bytes(frame)?;
        let (bytes, header) = self.pager.write_with_header(frame)?;
        space::remove_cell(bytes, header, index, size, geometry, wipe)
            .map_err(|damage| self.damaged(frame, damage))
    }

    /// Puts bytes aside for a cell that may have to wait.
    pub fn keep(&mut self, parts: [&[u8]; 3]) -> (usize, usize) {
        let at = self.work.arena.len();
        for part in parts {
            self.work.arena.extend_from_slice(part);
        }
        // Padding of a cell that is shorter than a freeblock.
        let end = self.work.arena.len().max(at + 4);
        self.work.arena.resize(end, 0);
        (at, end - at)
    }

    /// Puts the cell that lies at `at` in the arena on a page as number `index`, or lets it wait where there is no room. Whether it
    /// found room.
    pub fn place_cell(
        &mut self,
        frame: FrameId,
        index: usize,
        (at, size): (usize, usize),
    ) -> Result<bool, Error> {
        let geometry = self.geometry;
        let free = self.free_bytes(frame)?;
        if size + 2 > free || self.waiting(frame).next().is_some() {
            self.work.waiting.push(WaitingCell {
                frame,
                index: index as u32,
                at: at as u32,
                size: size as u16,
            });
            return Ok(false);
        }
        let (bytes, header) = self.pager.write_with_header(frame)?;
        let spare = &mut self.work.spare;
        match space::insert_cell(bytes, header, index, size, geometry, spare) {
            Ok(to) => bytes[to..to + size].copy_from_slice(&self.work.arena[at..at + size]),
            Err(damage) => return Err(self.damaged(frame, damage)),
        }
        Ok(true)
    }

    /// Cells that wait for room on this page, in order.
    pub fn waiting(&self, frame: FrameId) -> impl Iterator<Item = WaitingCell> {
        self.work.waiting.iter().copied().filter(move |cell| cell.frame == frame)
    }

    /// Cells of a page, waiting ones counted.
    pub fn cell_count(&self, frame: FrameId) -> usize {
        usize::from(self.pager.header(frame).cell_count) + self.waiting(frame).count()
    }

    /// Points child `index` of an interior page to `child`.
    pub fn set_child(&mut self, frame: FrameId, index: usize, child: PageNo) -> Result<(), Error> {
        let (bytes, header) = self.pager.write_with_header(frame)?;
        let set = page::set_child_at(bytes, header, index, child);
        set.map_err(|damage| self.damaged(frame, damage))
    }
}
