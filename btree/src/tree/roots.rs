//! Whole trees: making one, emptying one, dropping one.
//!
//! A tree of any size is emptied by a loop of bounded changes. First its root becomes an empty leaf, so that the tree is
//! consistent and empty at once; then the subtrees, which nothing points to any more, are freed page by page, and the overflow chains of their
//! cells a few dozen pages at a time. [`Eraser`] keeps the position in between.
//!
//! Under auto_vacuum the roots of all trees lie before all other pages, so that the end of the file never holds one: a new
//! root takes the place after the last one, whose page is moved away; a dropped one is filled by the last one.
//!
//! Spec: Database File Format, "B-tree Pages", "Pointer Map or Ptrmap Pages".

use kernite_io::ready;

use crate::Step;
use crate::btree::TreeKind;
use crate::error::{Damage, Error};
use crate::page_no::PageNo;
use crate::pager::{PageKind, Pager};
use crate::tree::chain::CHAIN_PAGES_PER_CHANGE;
use crate::tree::change::Change;
use crate::tree::cursor::load;
use crate::tree::freelist::Want;
use crate::tree::page::{self, FILE_HEADER_SIZE, put_u32, u32_at};
use crate::tree::pointer_map::Owner;
use crate::tree::trees::Trees;
use crate::tree::{cell, change};

/// Offset of "largest root page" in the file header.
const LARGEST_ROOT_AT: usize = 52;

/// Pages that one change frees at most, chains not counted.
const PAGES_PER_CHANGE: usize = 32;

/// The freeing of a tree's pages, as far as it got.
#[derive(Debug)]
pub(crate) struct Eraser {
    root: PageNo,
    /// Pages of the tree that are not freed yet, subtrees below them included.
    pages: Vec<PageNo>,
    /// Overflow chains and their lengths.
    chains: Vec<(PageNo, u32)>,
    /// Entries in the pages that were visited.
    entries: u64,
}

impl Trees {
    /// Makes an empty tree and gives its root.
    pub fn create_tree(&mut self, pager: &mut Pager, kind: TreeKind) -> Step<PageNo> {
        self.changes += 1;
        let kind = match kind {
            TreeKind::Table => PageKind::TableLeaf,
            TreeKind::Index => PageKind::IndexLeaf,
        };
        self.refresh(pager);
        if ready!(change::has_pointer_map(pager)) {
            // A page may have to make way for the root, under any cursor.
            ready!(self.save_all(pager, None));
        }
        Change::run(pager, &self.geometry, &mut self.work, |change| {
            let (root, frame) = if change.auto_vacuum {
                ready!(change.make_room_for_root())
            } else {
                ready!(change.allocate(Want::Near(Some(PageNo::ONE))))
            };
            let geometry = change.geometry;
            let (bytes, header) = change.pager.write_with_header(frame)?;
            *header = page::format_empty(bytes, root, kind, geometry);
            Ok(Some(root))
        })
    }

    /// Deletes all entries of a tree; how many there were.
    pub fn clear_tree(&mut self, pager: &mut Pager, root: PageNo) -> Step<u64> {
        self.changes += 1;
        let started = matches!(&self.eraser, Some(eraser) if eraser.root == root);
        if !started {
            self.refresh(pager);
            ready!(self.save_all(pager, Some(root)));
            self.end_blob_handles(root, None);
            let eraser =
                ready!(Change::run(pager, &self.geometry, &mut self.work, |change| change.empty_root(root)));
            self.eraser = Some(eraser);
        }
        loop {
            let Some(eraser) = &mut self.eraser else { return Ok(Some(0)) };
            if eraser.pages.is_empty() && eraser.chains.is_empty() {
                let entries = eraser.entries;
                self.eraser = None;
                return Ok(Some(entries));
            }
            // The position moves on only when the change is done.
            let mut next = Eraser { root, pages: Vec::new(), chains: Vec::new(), entries: 0 };
            let result =
                Change::run(pager, &self.geometry, &mut self.work, |change| change.erase(eraser, &mut next));
            match result {
                Ok(Some((pages, chains))) => {
                    eraser.pages.truncate(eraser.pages.len() - pages);
                    eraser.chains.truncate(eraser.chains.len() - chains);
                    eraser.pages.append(&mut next.pages);
                    eraser.chains.append(&mut next.chains);
                    eraser.entries += next.entries;
                    ready!(self.safe_point(pager));
                }
                Ok(None) => return Ok(None),
                Err(error) => {
                    self.eraser = None;
                    return Err(error);
                }
            }
        }
    }

    /// Frees all pages of a tree, whose cursors have to be closed. Under auto_vacuum the tree with the last root moves into the
    /// gap: its old root then.
    pub fn drop_tree(&mut self, pager: &mut Pager, root: PageNo) -> Step<Option<PageNo>> {
        self.changes += 1;
        if root == PageNo::ONE {
            return Err(Error::corrupt(root, Damage::BadPageNumber));
        }
        if self.cursors.iter().any(|cursor| cursor.root == root) {
            return Err(Error::Locked);
        }
        if self.dropping != Some(root) {
            ready!(self.clear_tree(pager, root));
            self.dropping = Some(root);
        }
        if ready!(change::has_pointer_map(pager)) {
            ready!(self.save_all(pager, None));
        }
        let moved = Change::run(pager, &self.geometry, &mut self.work, |change| {
            if change.auto_vacuum {
                change.close_root_gap(root)
            } else {
                ready!(change.free_page(root));
                Ok(Some(None))
            }
        });
        if !matches!(moved, Ok(None)) {
            self.dropping = None;
        }
        moved
    }
}

impl Change<'_> {
    /// Makes the root an empty leaf and lists what was below it.
    fn empty_root(&mut self, root: PageNo) -> Step<Eraser> {
        let frame = ready!(load(self.pager, root, self.geometry));
        let mut eraser = Eraser { root, pages: Vec::new(), chains: Vec::new(), entries: 0 };
        ready!(self.list_below(root, &mut eraser));
        let kind = self.pager.header(frame).kind.with_leaf(true);
        let geometry = self.geometry;
        let (bytes, header) = self.pager.write_with_header(frame)?;
        *header = page::format_empty(bytes, root, kind, geometry);
        Ok(Some(eraser))
    }

    /// Lists a page's children and the chains of its cells, and counts its entries.
    fn list_below(&mut self, page_no: PageNo, eraser: &mut Eraser) -> Step<()> {
        let frame = ready!(load(self.pager, page_no, self.geometry));
        let header = *self.pager.header(frame);
        let bytes = self.pager.page(frame);
        let cells = usize::from(header.cell_count);
        let damaged = |damage| Error::corrupt(page_no, damage);
        if !header.kind.is_leaf() {
            for index in 0..=cells {
                eraser.pages.push(page::child_at(bytes, &header, index).map_err(damaged)?);
            }
        }
        if header.kind != PageKind::TableInterior {
            eraser.entries += cells as u64;
            for index in 0..cells {
                let cell = cell::parse_at(bytes, &header, index, self.geometry).map_err(damaged)?;
                if cell.overflows() {
                    let first = cell.first_overflow(bytes).map_err(damaged)?;
                    eraser.chains.push((first, cell.overflow_pages(self.geometry)));
                }
            }
        }
        Ok(Some(()))
    }

    /// Frees some pages from the ends of the eraser's lists, and lists in `next` what comes in their place. How many of either list are done.
    fn erase(&mut self, eraser: &Eraser, next: &mut Eraser) -> Step<(usize, usize)> {
        let mut budget = CHAIN_PAGES_PER_CHANGE;
        let mut chains = 0;
        for &(first, len) in eraser.chains.iter().rev() {
            if budget == 0 {
                break;
            }
            chains += 1;
            let now = len.min(budget);
            budget -= now;
            if let Some(rest) = ready!(self.free_chain(first, len, now)) {
                next.chains.push(rest);
            }
        }
        if chains > 0 {
            return Ok(Some((0, chains)));
        }
        let some = &eraser.pages[eraser.pages.len().saturating_sub(PAGES_PER_CHANGE)..];
        self.pager.read_ahead(some);
        for &page in some {
            ready!(self.list_below(page, next));
            ready!(self.free_page(page));
        }
        Ok(Some((some.len(), 0)))
    }

    /// The largest root page, from the file header.
    pub fn largest_root(&mut self) -> Step<u32> {
        let one = ready!(self.pager.get(PageNo::ONE));
        Ok(Some(u32_at(self.pager.page(one), LARGEST_ROOT_AT)))
    }

    /// Enters the largest root page in the file header.
    pub fn set_largest_root(&mut self, root: u32) -> Step<()> {
        const { assert!(LARGEST_ROOT_AT + 4 <= FILE_HEADER_SIZE) };
        let one = ready!(self.pager.get(PageNo::ONE));
        put_u32(self.pager.write(one)?, LARGEST_ROOT_AT, root);
        Ok(Some(()))
    }

    /// Enters in the pointer map that a page is a root.
    pub fn note_root(&mut self, root: PageNo) -> Step<()> {
        self.set_owner(root, Owner::Root)
    }
}
