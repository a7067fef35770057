//! Moving a cursor step by step: first, last, next, previous; and counting entries.
//!
//! A step to another leaf builds the new path aside and commits it at the end, so that a cursor whose page was missing is
//! still on its entry when the step is run again. `next` on a leaf is a compare, a load of the cell pointer and the decoding
//! of the cell.
//!
//! Never: writing, comparing keys.

use kernite_io::ready;

use crate::Step;
use crate::error::Error;
use crate::page_no::PageNo;
use crate::pager::{FrameId, Pager};
use crate::tree::cursor::{Cursor, DEPTH_MAX, Level, State, damaged, load_child};
use crate::tree::geometry::Geometry;
use crate::tree::{cell, page};
use crate::{Damage, tree::save};

/// Leaves that are hinted at once when a scan goes to its next leaf.
const READ_AHEAD: u32 = 8;

/// Leaves that a count visits between two points where the cache may shrink.
const LEAVES_PER_COUNT: u32 = 64;

/// Which way a cursor moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Forward,
    Backward,
}

impl Cursor {
    /// Goes to the first entry; `false` when the tree is empty.
    pub fn first(&mut self, pager: &mut Pager, geometry: &Geometry) -> Step<bool> {
        if !ready!(self.go_to_root(pager, geometry)) {
            return Ok(Some(false));
        }
        while !self.leaf {
            ready!(self.go_to_child(0, pager, geometry));
        }
        self.land(0, pager, geometry)?;
        Ok(Some(true))
    }

    /// Goes to the last entry; `false` when the tree is empty.
    pub fn last(&mut self, pager: &mut Pager, geometry: &Geometry) -> Step<bool> {
        if self.state == State::OnEntry && self.at_last {
            return Ok(Some(true));
        }
        if !ready!(self.go_to_root(pager, geometry)) {
            return Ok(Some(false));
        }
        while !self.leaf {
            ready!(self.go_to_child(self.count, pager, geometry));
        }
        self.land(self.count - 1, pager, geometry)?;
        self.at_last = true;
        Ok(Some(true))
    }

    /// Goes to the next entry where that is an ordinary one on the same leaf. `false`: nothing has changed, ask [`Cursor::next`]. Scans
    /// spend their time here, so there are no errors to make and few registers to save.
    #[inline(always)]
    pub fn next_quick(&mut self, pager: &Pager, geometry: &Geometry) -> bool {
        let index = self.index + 1;
        if self.state != State::OnEntry || !self.leaf || index >= self.count {
            return false;
        }
        let bytes = pager.page(self.frame);
        let at = page::u16_at(bytes, (self.cells_at + 2 * index) as usize);
        let decoded = if self.is_table() {
            cell::table_leaf_quick(bytes, at, geometry)
        } else {
            cell::index_leaf_quick(bytes, at, geometry)
        };
        let Some(cell) = decoded else { return false };
        self.cell = cell;
        self.index = index;
        true
    }

    /// Goes to the next entry; `false` past the last one.
    pub fn next(&mut self, pager: &mut Pager, geometry: &Geometry) -> Step<bool> {
        if self.state == State::OnEntry && self.leaf && self.index + 1 < self.count {
            self.land(self.index + 1, pager, geometry)?;
            return Ok(Some(true));
        }
        self.step(Direction::Forward, pager, geometry)
    }

    /// Goes to the previous entry; `false` before the first one.
    #[inline]
    pub fn previous(&mut self, pager: &mut Pager, geometry: &Geometry) -> Step<bool> {
        if self.state == State::OnEntry && self.leaf && self.index > 0 {
            self.at_last = false;
            self.land(self.index - 1, pager, geometry)?;
            return Ok(Some(true));
        }
        self.step(Direction::Backward, pager, geometry)
    }

    #[inline(never)]
    fn step(&mut self, direction: Direction, pager: &mut Pager, geometry: &Geometry) -> Step<bool> {
        if matches!(self.state, State::Saved | State::Fault) {
            ready!(save::restore(self, pager, geometry));
        }
        match self.state {
            State::OnEntry => {}
            State::Neighbour => {
                let there = match direction {
                    Direction::Forward => self.skip > 0,
                    Direction::Backward => self.skip < 0,
                };
                if there {
                    self.land(self.index, pager, geometry)?;
                    self.skip = 0;
                    return Ok(Some(true));
                }
            }
            _ => return Ok(Some(false)),
        }
        let moved = match direction {
            Direction::Forward => ready!(self.advance(pager, geometry)),
            Direction::Backward => ready!(self.retreat(pager, geometry)),
        };
        self.skip = 0;
        self.at_last = false;
        if !moved {
            self.state = State::Nowhere;
        }
        Ok(Some(moved))
    }

    fn advance(&mut self, pager: &mut Pager, geometry: &Geometry) -> Step<bool> {
        if !self.leaf {
            let depth = self.depth;
            ready!(self.enter(depth, self.index + 1, Direction::Forward, pager, geometry));
            return Ok(Some(true));
        }
        if self.index + 1 < self.count {
            self.land(self.index + 1, pager, geometry)?;
            return Ok(Some(true));
        }
        let mut depth = self.depth;
        while depth > 0 {
            depth -= 1;
            let level = self.path[usize::from(depth)];
            if level.index < pager.header(level.frame).count() {
                if self.is_table() {
                    ready!(self.enter(depth, level.index + 1, Direction::Forward, pager, geometry));
                } else {
                    self.climb(depth, level.index, pager, geometry)?;
                }
                return Ok(Some(true));
            }
        }
        Ok(Some(false))
    }

    fn retreat(&mut self, pager: &mut Pager, geometry: &Geometry) -> Step<bool> {
        if !self.leaf {
            let depth = self.depth;
            ready!(self.enter(depth, self.index, Direction::Backward, pager, geometry));
            return Ok(Some(true));
        }
        if self.index > 0 {
            self.land(self.index - 1, pager, geometry)?;
            return Ok(Some(true));
        }
        let mut depth = self.depth;
        while depth > 0 {
            depth -= 1;
            let level = self.path[usize::from(depth)];
            if level.index > 0 {
                if self.is_table() {
                    ready!(self.enter(depth, level.index - 1, Direction::Backward, pager, geometry));
                } else {
                    self.climb(depth, level.index - 1, pager, geometry)?;
                }
                return Ok(Some(true));
            }
        }
        Ok(Some(false))
    }

    /// Goes up to cell `index` of the interior page on level `depth`, which is an entry of an index tree.
    fn climb(&mut self, depth: u8, index: u32, pager: &Pager, geometry: &Geometry) -> Result<(), Error> {
        self.depth = depth;
        self.enter_page(self.path[usize::from(depth)].frame, pager);
        self.land(index, pager, geometry)
    }

    /// Goes down through child `index` of the page on level `depth` to the first or last leaf entry below it.
    fn enter(
        &mut self,
        depth: u8,
        index: u32,
        direction: Direction,
        pager: &mut Pager,
        geometry: &Geometry,
    ) -> Step<()> {
        let depth = usize::from(depth);
        let top = if depth == usize::from(self.depth) { self.frame } else { self.path[depth].frame };
        let mut aside = [Level { frame: top, index }; DEPTH_MAX];
        let mut at = depth;
        let frame = loop {
            let Level { frame, index } = aside[at];
            hint_siblings(pager, frame, index, direction);
            let child = ready!(load_child(pager, frame, index, self.is_table(), geometry));
            let header = pager.header(child);
            if header.kind.is_leaf() {
                break child;
            }
            at += 1;
            if at + 1 >= DEPTH_MAX {
                return Err(damaged(pager, child, Damage::TreeTooDeep));
            }
            let index = if direction == Direction::Forward { 0 } else { header.count() };
            aside[at] = Level { frame: child, index };
        };
        self.path[depth..=at].copy_from_slice(&aside[depth..=at]);
        self.depth = at as u8 + 1;
        self.enter_page(frame, pager);
        let index = if direction == Direction::Forward { 0 } else { self.count - 1 };
        self.land(index, pager, geometry)?;
        Ok(Some(()))
    }

    /// Counts the entries of the tree, some leaves a call: `None` where there are more. The cursor points nowhere afterwards; while the count
    /// is under way it keeps the position.
    pub fn count_some(&mut self, pager: &mut Pager, geometry: &Geometry) -> Step<Option<u64>> {
        let mut leaves = 0;
        let mut total = match self.counted {
            Some(total) => total,
            None => {
                if !ready!(self.go_to_root(pager, geometry)) {
                    return Ok(Some(Some(0)));
                }
                self.counted = Some(0);
                0
            }
        };
        // In every round: the cursor stands on a page whose entries and subtrees up to `index` are counted.
        loop {
            if self.leaf {
                total += u64::from(self.count);
                self.counted = Some(total);
                let mut found = false;
                while self.depth > 0 {
                    self.depth -= 1;
                    let level = self.path[usize::from(self.depth)];
                    self.enter_page(level.frame, pager);
                    if level.index < self.count {
                        self.index = level.index + 1;
                        found = true;
                        break;
                    }
                    if !self.is_table() {
                        total += u64::from(self.count);
                        self.counted = Some(total);
                    }
                }
                if !found {
                    self.counted = None;
                    return Ok(Some(Some(total)));
                }
                leaves += 1;
                if leaves == LEAVES_PER_COUNT {
                    return Ok(Some(None));
                }
            }
            let index = self.index;
            hint_siblings(pager, self.frame, index, Direction::Forward);
            match self.go_to_child(index, pager, geometry) {
                Ok(Some(())) => {}
                Ok(None) => return Ok(None),
                Err(error) => {
                    self.counted = None;
                    return Err(error);
                }
            }
        }
    }

    /// A rough number of entries below the root, for the planner; -1 when unknown. The cursor has to be on an entry.
    pub fn row_count_estimate(&self, pager: &Pager) -> i64 {
        if self.state != State::OnEntry {
            return 0;
        }
        if !self.leaf {
            return -1;
        }
        self.path[..usize::from(self.depth)].iter().fold(i64::from(self.count), |product, level| {
            product.saturating_mul(i64::from(pager.header(level.frame).cell_count))
        })
    }
}

/// Tells the pager about the leaves that a scan wants next, every few leaves.
#[inline]
fn hint_siblings(pager: &mut Pager, parent: FrameId, index: u32, direction: Direction) {
    if index.is_multiple_of(READ_AHEAD) {
        hint(pager, parent, index, direction);
    }
}

fn hint(pager: &mut Pager, parent: FrameId, index: u32, direction: Direction) {
    let mut pages = [PageNo::ONE; READ_AHEAD as usize];
    let mut len = 0;
    let (bytes, header) = (pager.page(parent), pager.header(parent));
    for distance in 1..=READ_AHEAD {
        let sibling = match direction {
            Direction::Forward => index.checked_add(distance).filter(|&next| next <= header.count()),
            Direction::Backward => index.checked_sub(distance),
        };
        let Some(sibling) = sibling else { break };
        let Ok(page) = page::child_at(bytes, header, sibling as usize) else { break };
        pages[len] = page;
        len += 1;
    }
    if len > 0 {
        pager.read_ahead(&pages[..len]);
    }
}
