//! The pointer map: for every page of an auto_vacuum database, what it is and which page points to it.
//!
//! ```text
//! page 2, and every (usable / 5 + 1)-th after it:   entries of 5 bytes for the pages that follow:  kind:1 parent:4
//! ```
//!
//! It lets auto_vacuum move the last page of the file into a free one: the parent tells which pointer has to be changed.
//!
//! Always true after a change, in a database that has one: every page that is neither page 1, a pointer-map page nor the lock-byte
//! page has an entry that tells the truth.
//! Spec: Database File Format, "Pointer Map or Ptrmap Pages".

use kernite_io::ready;

use crate::Step;
use crate::error::{Damage, Error};
use crate::page_no::PageNo;
use crate::pager::{FrameId, PageKind, Pager};
use crate::tree::cell;
use crate::tree::change::Change;
use crate::tree::geometry::Geometry;
use crate::tree::page::{self, put_u32, u32_at};

/// What a page is, and who points to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// The root of a tree: only the schema points to it.
    Root,
    /// On the freelist.
    Free,
    /// First page of an overflow chain: a cell on this page points to it.
    Cell(PageNo),
    /// A later page of an overflow chain: this is the one before.
    Chain(PageNo),
    /// A B-tree page other than a root: this is its parent.
    Tree(PageNo),
}

impl Owner {
    fn encode(self) -> (u8, u32) {
        match self {
            Owner::Root => (1, 0),
            Owner::Free => (2, 0),
            Owner::Cell(page) => (3, page.get()),
            Owner::Chain(page) => (4, page.get()),
            Owner::Tree(page) => (5, page.get()),
        }
    }

    /// Decodes an entry; `None` where it is none of the five kinds. The first page of a chain whose cell is not placed yet has the
    /// parent 0, which no entry has that outlives its change.
    pub fn decode(kind: u8, parent: u32) -> Option<Owner> {
        match (kind, PageNo::new(parent)) {
            (1, _) => Some(Owner::Root),
            (2, _) => Some(Owner::Free),
            (3, Some(page)) => Some(Owner::Cell(page)),
            (4, Some(page)) => Some(Owner::Chain(page)),
            (5, Some(page)) => Some(Owner::Tree(page)),
            _ => None,
        }
    }
}

/// Reads the entry of `page`.
pub(crate) fn read(page: PageNo, pager: &mut Pager, geometry: &Geometry) -> Step<Owner> {
    let (map, at) = place(page, geometry)?;
    let frame = ready!(pager.get(map));
    let bytes = pager.page(frame);
    let kind = bytes.get(at).copied().unwrap_or_default();
    match Owner::decode(kind, u32_at(bytes, at + 1)) {
        Some(owner) => Ok(Some(owner)),
        None => Err(Error::corrupt(map, Damage::PointerMap)),
    }
}

/// The pointer-map page that has the entry of `page`, and the entry's offset there.
fn place(page: PageNo, geometry: &Geometry) -> Result<(PageNo, usize), Error> {
    geometry
        .pointer_map_page(page)
        .and_then(|map| Some((map, geometry.pointer_map_offset(map, page)?)))
        .ok_or_else(|| Error::corrupt(page, Damage::PointerMap))
}

/// The pages to which a cell points: its child, and the first page of its overflow chain.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct References {
    pub child: Option<PageNo>,
    pub chain: Option<PageNo>,
}

/// Finds the pages to which the cell at the start of `bytes` points, if it lay on a page of this kind.
pub(crate) fn references(kind: PageKind, bytes: &[u8], geometry: &Geometry) -> Result<References, Damage> {
    let parsed = cell::parse(kind, bytes, 0, geometry)?;
    let child = if kind.is_leaf() { None } else { PageNo::new(u32_at(bytes, 0)) };
    let chain = if parsed.overflows() { Some(parsed.first_overflow(bytes)?) } else { None };
    Ok(References { child, chain })
}

impl Change<'_> {
    /// Enters what `page` is. Nothing happens in a database without a pointer map.
    pub fn set_owner(&mut self, page: PageNo, owner: Owner) -> Step<()> {
        if !self.auto_vacuum {
            return Ok(Some(()));
        }
        let (map, at) = place(page, self.geometry)?;
        let frame = ready!(self.pager.get(map));
        let (kind, parent) = owner.encode();
        let bytes = self.pager.page(frame);
        if bytes.get(at) != Some(&kind) || u32_at(bytes, at + 1) != parent {
            let bytes = self.pager.write(frame)?;
            bytes[at] = kind;
            put_u32(bytes, at + 1, parent);
        }
        Ok(Some(()))
    }

    /// Enters that these pages belong to a cell on page `holder`.
    pub fn set_references(&mut self, references: References, holder: PageNo) -> Step<()> {
        if let Some(child) = references.child
            && !kernite_io::planted!(PointerMapParentStale)
        {
            ready!(self.set_owner(child, Owner::Tree(holder)));
        }
        if let Some(chain) = references.chain
            && !kernite_io::planted!(PointerMapChainStale)
        {
            ready!(self.set_owner(chain, Owner::Cell(holder)));
        }
        Ok(Some(()))
    }

    /// Enters that all children and chains of the cells on a page, which has got another number, belong to it.
    pub fn set_page_references(&mut self, frame: FrameId) -> Step<()> {
        if !self.auto_vacuum {
            return Ok(Some(()));
        }
        let holder = self.pager.page_no(frame);
        let header = *self.pager.header(frame);
        for index in 0..usize::from(header.cell_count) {
            let bytes = self.pager.page(frame);
            let at = page::cell_offset(bytes, &header, index);
            let found = match bytes.get(at..) {
                Some(cell) => references(header.kind, cell, self.geometry),
                None => Err(Damage::BadCellPointer),
            };
            let found = found.map_err(|damage| self.damaged(frame, damage))?;
            ready!(self.set_references(found, holder));
        }
        if !header.kind.is_leaf()
            && let Some(child) = page::right_child(self.pager.page(frame), &header)
        {
            ready!(self.set_owner(child, Owner::Tree(holder)));
        }
        Ok(Some(()))
    }
}
