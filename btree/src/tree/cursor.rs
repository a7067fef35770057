//! A cursor: a position in a tree, the path that leads there, and what it remembers of the entry.
//!
//! ```text
//! path[0] = (root frame, child taken) … path[depth-1] = (parent frame, child taken)    frame, index = the page it stands on
//! ```
//!
//! The cell under a cursor is decoded when the cursor lands on it, so that `rowid` and `entry` cost a load. A cursor of a table
//! tree stands on leaves only; one of an index tree also on cells of interior pages.
//!
//! Frames stay where they are as long as nothing is evicted, and eviction happens between operations only, after the frames of all paths
//! were pinned ([`Cursor::pin`]). So moving costs no pin counting.
//!
//! Always true of a cursor on an entry: `frame`, `count`, `leaf` and `cell` tell what is on the page, whose bytes have not
//! changed since except through this cursor. Whoever changes a tree first saves the other cursors on it (`save.rs`).
//!
//! Never: writing pages.

use std::sync::Arc;

use kernite_io::ready;

use crate::btree::{Entry, TreeKind};
use crate::collation::KeyInfo;
use crate::error::{Damage, Error};
use crate::page_no::PageNo;
use crate::pager::{FrameId, PageKind, Pager};
use crate::tree::cell::{self, CellInfo};
use crate::tree::change::Path;
use crate::tree::geometry::Geometry;
use crate::tree::page;
use crate::tree::payload::OverflowMemo;
use crate::{CursorId, Step};

/// Most levels of a tree. A tree of more would have more than 2^31 pages even at the worst fan-out, so it is a cycle.
pub(crate) const DEPTH_MAX: usize = 20;

/// What a cursor's position is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Points nowhere.
    Nowhere,
    /// On an entry.
    OnEntry,
    /// On a neighbour of the entry that it was left on, which is gone: see [`Cursor::skip`]. The neighbour's cell may not be decoded.
    Neighbour,
    /// The key is saved; the tree may have changed since.
    Saved,
    /// Every use gives the error in [`Cursor::fault`].
    Fault,
}

/// A page above the one on which the cursor stands, and which of its children was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Level {
    pub frame: FrameId,
    pub index: u32,
}

const NO_LEVEL: Level = Level { frame: FrameId(0), index: 0 };

/// A position in a tree.
pub(crate) struct Cursor {
    pub generation: u32,
    pub state: State,
    /// Whether the page on which the cursor stands is a leaf.
    pub leaf: bool,
    /// On the last entry of the tree, for sure.
    pub at_last: bool,
    /// Another cursor may be on the same tree.
    pub shared: bool,
    pub write: bool,
    /// In use by its owner; a slot without one waits for reuse.
    pub open: bool,
    /// A handle for incremental blob I/O: a change of its row ends it.
    pub incremental_blob: bool,
    /// In state `Neighbour` (or `Saved` after it): whether the neighbour comes before (-1) or after (1) the entry that is gone.
    pub skip: i8,
    pub kind: TreeKind,
    /// Seeks that shall not look at the present leaf first.
    pub patience: u8,
    /// Seeks in a row that looked there in vain.
    pub misses: u8,
    /// Seeks by rowid in a row that ended on another leaf of the same parent.
    pub strayed: u8,
    /// The last seek by key met an entry that equals it.
    pub equal_seen: bool,
    /// Number of levels above the page on which the cursor stands.
    pub depth: u8,
    /// The cell on which the cursor stands.
    pub index: u32,
    /// Cells on its page.
    pub count: u32,
    /// Where the cell pointers of its page start.
    pub cells_at: u32,
    pub frame: FrameId,
    pub cell: CellInfo,
    pub root: PageNo,
    pub path: [Level; DEPTH_MAX],
    pub key: Option<Arc<KeyInfo>>,
    /// State `Saved`: the rowid of the entry.
    pub saved_rowid: i64,
    /// State `Saved`: the record of the entry of an index tree.
    pub saved_key: Vec<u8>,
    pub fault: Option<Error>,
    pub overflow: OverflowMemo,
    /// Entries counted so far by a count under way.
    pub counted: Option<u64>,
    /// When the cursor was closed, on an entry. `None` while it is open, or where it was on none.
    left: Option<Moment>,
}

/// A state of all trees and of the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// [`crate::tree::trees::Trees::changes`].
    pub changes: u64,
    /// [`Pager::residence`].
    pub residence: u64,
}

/// Damage found on the page in `frame`.
#[cold]
pub(crate) fn damaged(pager: &Pager, frame: FrameId, damage: Damage) -> Error {
    Error::corrupt(pager.page_no(frame), damage)
}

/// Makes a B-tree page resident and its header decoded.
#[inline]
pub(crate) fn load(pager: &mut Pager, page: PageNo, geometry: &Geometry) -> Step<FrameId> {
    let frame = ready!(pager.get(page));
    if pager.header(frame).kind == PageKind::Unknown {
        decode_header(pager, frame, geometry)?;
    }
    Ok(Some(frame))
}

#[inline(never)]
fn decode_header(pager: &mut Pager, frame: FrameId, geometry: &Geometry) -> Result<(), Error> {
    let no = pager.page_no(frame);
    let header =
        page::decode(pager.page(frame), no, geometry).map_err(|damage| Error::corrupt(no, damage))?;
    pager.set_header(frame, header);
    Ok(())
}

impl Cursor {
    /// A cursor that points nowhere.
    pub fn new(generation: u32, root: PageNo, key: Option<Arc<KeyInfo>>, write: bool) -> Cursor {
        Cursor {
            generation,
            state: State::Nowhere,
            leaf: false,
            at_last: false,
            shared: false,
            write,
            open: true,
            incremental_blob: false,
            skip: 0,
            kind: if key.is_some() { TreeKind::Index } else { TreeKind::Table },
            patience: 0,
            misses: 0,
            strayed: 0,
            equal_seen: false,
            depth: 0,
            index: 0,
            count: 0,
            cells_at: 0,
            frame: NO_LEVEL.frame,
            cell: CellInfo::default(),
            root,
            path: [NO_LEVEL; DEPTH_MAX],
            key,
            saved_rowid: 0,
            saved_key: Vec::new(),
            fault: None,
            overflow: OverflowMemo::default(),
            counted: None,
            left: None,
        }
    }

    /// Opens the cursor anew. One that was left on an entry of the same tree, and nothing has changed since, is there still: statements
    /// that follow each other mostly work at the same place.
    fn reopen(&mut self, root: PageNo, key: Option<&Arc<KeyInfo>>, write: bool, now: Moment) {
        let kind = if key.is_some() { TreeKind::Index } else { TreeKind::Table };
        let stays = self.left.take() == Some(now) && self.root == root && self.kind == kind;
        if !stays {
            self.reset();
            self.patience = 0;
            self.misses = 0;
            self.strayed = 0;
        }
        self.fault = None;
        self.open = true;
        self.write = write;
        self.kind = kind;
        self.root = root;
        // Counting references is dear where it happens for each statement: the same key is kept.
        if self.key.as_ref().map(Arc::as_ptr) != key.map(Arc::as_ptr) {
            self.key = key.cloned();
        }
    }

    /// Whether the tree's keys are rowids.
    #[inline]
    pub fn is_table(&self) -> bool {
        self.kind == TreeKind::Table
    }

    /// Pins every frame of the path, so that an eviction spares them; undone by [`Cursor::unpin`].
    pub fn pin(&self, pager: &mut Pager) {
        self.for_each_frame(|frame| pager.pin(frame));
    }

    /// Takes the pins of [`Cursor::pin`] back.
    pub fn unpin(&self, pager: &mut Pager) {
        self.for_each_frame(|frame| pager.unpin(frame));
    }

    fn for_each_frame(&self, mut visit: impl FnMut(FrameId)) {
        if matches!(self.state, State::OnEntry | State::Neighbour) || self.counted.is_some() {
            for level in &self.path[..usize::from(self.depth)] {
                visit(level.frame);
            }
            visit(self.frame);
        }
    }

    /// Points nowhere from here on.
    pub fn reset(&mut self) {
        self.state = State::Nowhere;
        self.skip = 0;
        self.counted = None;
        self.at_last = false;
        self.overflow.clear();
    }

    /// Every use fails with `error` from here on.
    pub fn fail(&mut self, error: Error) {
        self.reset();
        self.state = State::Fault;
        self.fault = Some(error);
    }

    /// The rowid of the entry.
    #[inline]
    pub fn rowid(&self) -> Result<i64, Error> {
        if self.state != State::OnEntry {
            return Err(self.not_on_entry());
        }
        Ok(self.cell.rowid)
    }

    /// The entry's payload.
    #[inline]
    pub fn entry<'p>(&self, pager: &'p Pager) -> Result<Entry<'p>, Error> {
        if self.state != State::OnEntry {
            return Err(self.not_on_entry());
        }
        let local = self.cell.local_payload(pager.page(self.frame));
        Ok(Entry { local, len: u64::from(self.cell.payload_len) })
    }

    /// Why the entry of this cursor cannot be had.
    #[cold]
    pub fn not_on_entry(&self) -> Error {
        match &self.fault {
            Some(fault) => fault.clone(),
            None => Error::Unsupported("reading through a cursor that is on no entry"),
        }
    }

    /// Stands on the root, or on its only child where page 1 has no cells. `false`: the tree is empty.
    #[inline]
    pub fn go_to_root(&mut self, pager: &mut Pager, geometry: &Geometry) -> Step<bool> {
        if self.state == State::Fault {
            return Err(self.not_on_entry());
        }
        self.state = State::Nowhere;
        self.at_last = false;
        self.depth = 0;
        // A database without pages has an empty schema table.
        if self.root == PageNo::ONE && pager.page_count() == 0 {
            return Ok(Some(false));
        }
        let frame = ready!(load(pager, self.root, geometry));
        if pager.header(frame).kind.is_table() != self.is_table() {
            return Err(Error::corrupt(self.root, Damage::BadPageKind));
        }
        self.enter_page(frame, pager);
        if self.count > 0 {
            return Ok(Some(true));
        }
        if self.leaf {
            return Ok(Some(false));
        }
        // Only page 1 may have a right child alone: its file header leaves less room than the child's cells need.
        if self.root != PageNo::ONE {
            return Err(Error::corrupt(self.root, Damage::BadHeader));
        }
        ready!(self.go_to_child(0, pager, geometry));
        Ok(Some(true))
    }

    /// Goes down to child `index` of the page on which the cursor stands, which is not a leaf.
    #[inline]
    pub fn go_to_child(&mut self, index: u32, pager: &mut Pager, geometry: &Geometry) -> Step<()> {
        let child = ready!(load_child(pager, self.frame, index, self.is_table(), geometry));
        if usize::from(self.depth) + 1 >= DEPTH_MAX {
            return Err(damaged(pager, self.frame, Damage::TreeTooDeep));
        }
        self.path[usize::from(self.depth)] = Level { frame: self.frame, index };
        self.depth += 1;
        self.enter_page(child, pager);
        Ok(Some(()))
    }

    /// Stands on a page of the tree, before its first cell. The path to it is the caller's matter.
    #[inline]
    pub fn enter_page(&mut self, frame: FrameId, pager: &Pager) {
        let header = pager.header(frame);
        self.frame = frame;
        self.leaf = header.kind.is_leaf();
        self.count = header.count();
        self.cells_at = u32::from(header.cells_at);
        self.index = 0;
    }

    /// Decodes the cell `index` of the present page: the cursor is on that entry.
    ///
    /// Inlined into its callers, so that the decoded fields go from registers to the cursor. By way of a returned struct they would be
    /// stored narrow and loaded wide, which costs more than the decoding.
    #[inline(always)]
    pub fn land(&mut self, index: u32, pager: &Pager, geometry: &Geometry) -> Result<(), Error> {
        let (bytes, header) = (pager.page(self.frame), pager.header(self.frame));
        if index >= header.count() {
            // Another tree shares the page in a damaged file, and took cells away.
            return Err(self.lose(pager, Damage::DoubleUse));
        }
        let at = page::cell_offset(bytes, header, index as usize);
        let parsed = if self.is_table() {
            cell::table_leaf(bytes, at, geometry)
        } else {
            cell::index(bytes, at, if self.leaf { 0 } else { 4 }, geometry)
        };
        match parsed {
            Ok(cell) => {
                self.cell = cell;
                self.index = index;
                self.state = State::OnEntry;
                Ok(())
            }
            Err(damage) => Err(self.lose(pager, damage)),
        }
    }

    /// The cell on which the cursor was about to land is damaged.
    #[cold]
    fn lose(&mut self, pager: &Pager, damage: Damage) -> Error {
        self.state = State::Nowhere;
        damaged(pager, self.frame, damage)
    }

    /// Stands on the page at the end of a path, on no cell yet.
    pub fn take_path(&mut self, path: &Path, pager: &Pager) {
        self.path = path.levels;
        self.depth = path.depth as u8;
        self.enter_page(path.here().frame, pager);
    }
}

/// Makes child `index` of an interior page resident and checks that it can be one: a page of the same tree, not empty.
#[inline]
pub(crate) fn load_child(
    pager: &mut Pager,
    parent: FrameId,
    index: u32,
    table: bool,
    geometry: &Geometry,
) -> Step<FrameId> {
    let child = match page::child_at(pager.page(parent), pager.header(parent), index as usize) {
        Ok(child) => child,
        Err(damage) => return Err(damaged(pager, parent, damage)),
    };
    let frame = ready!(load(pager, child, geometry));
    let header = pager.header(frame);
    if header.cell_count == 0 || header.kind.is_table() != table {
        return Err(Error::corrupt(child, Damage::BadPageKind));
    }
    Ok(Some(frame))
}

/// All cursors of one database of one connection. Ids are checked by generation.
#[derive(Default)]
pub(crate) struct CursorSlab {
    cursors: Vec<Cursor>,
}

/// So many cursors are made before a closed one is taken for another tree: it may still be at a good place in its own.
const FAMILIAR: usize = 8;

impl CursorSlab {
    /// Opens a cursor on the tree at `root`.
    pub fn open(&mut self, root: PageNo, key: Option<&Arc<KeyInfo>>, write: bool, now: Moment) -> CursorId {
        let mut shared = false;
        let (mut familiar, mut vacant) = (None, None);
        for (index, other) in self.cursors.iter_mut().enumerate() {
            if other.root != root {
                vacant = if other.open { vacant } else { Some(index) };
            } else if other.open {
                other.shared = true;
                shared = true;
            } else {
                familiar = Some(index);
            }
        }
        let found = if self.cursors.len() < FAMILIAR { familiar } else { familiar.or(vacant) };
        let index = found.unwrap_or(self.cursors.len());
        match self.cursors.get_mut(index) {
            Some(cursor) => {
                cursor.reopen(root, key, write, now);
                cursor.shared = shared;
                CursorId { index: index as u32, generation: cursor.generation }
            }
            None => {
                let mut cursor = Cursor::new(0, root, key.cloned(), write);
                cursor.shared = shared;
                self.cursors.push(cursor);
                CursorId { index: index as u32, generation: 0 }
            }
        }
    }

    /// Closes a cursor; closing one twice does nothing.
    pub fn close(&mut self, id: CursorId, now: Moment) {
        if let Ok(cursor) = self.get_mut(id) {
            cursor.open = false;
            cursor.left = (cursor.state == State::OnEntry && cursor.counted.is_none()).then_some(now);
            cursor.overflow.clear();
            cursor.generation = cursor.generation.wrapping_add(1);
        }
    }

    /// The cursor with this id.
    #[inline]
    pub fn get(&self, id: CursorId) -> Result<&Cursor, Error> {
        match self.cursors.get(id.index as usize) {
            Some(cursor) if cursor.generation == id.generation => Ok(cursor),
            _ => Err(stale()),
        }
    }

    /// The cursor with this id, for moving.
    #[inline]
    pub fn get_mut(&mut self, id: CursorId) -> Result<&mut Cursor, Error> {
        match self.cursors.get_mut(id.index as usize) {
            Some(cursor) if cursor.generation == id.generation => Ok(cursor),
            _ => Err(stale()),
        }
    }

    /// All open cursors.
    pub fn iter(&self) -> impl Iterator<Item = &Cursor> {
        self.cursors.iter().filter(|cursor| cursor.open)
    }

    /// All open cursors, for moving, with their place in the slab.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (u32, &mut Cursor)> {
        (0..).zip(&mut self.cursors).filter(|(_, cursor)| cursor.open)
    }
}

#[cold]
fn stale() -> Error {
    Error::Unsupported("using a closed cursor")
}
