//! The freelist: pages in no use, kept in trunk pages, each with the numbers of many free leaf pages.
//!
//! ```text
//! page 1: first trunk:4 (at 32), free pages in all:4 (at 36)
//! trunk:  next trunk:4, leaves:4, leaf numbers:4 each
//! ```
//!
//! A leaf is taken and given without reading it. A trunk page is itself a free page: it is taken when its leaves are used up.
//! Without free pages the database grows; the lock-byte page is skipped, and where a pointer-map page falls due it is made first.
//!
//! A free page has no decoded B-tree header, so that one that has, and is on the freelist all the same, is known to be damage.
//!
//! Always true: the count on page 1 is the number of trunks and leaves.
//! Never: deciding when to give pages back to the file system (`auto_vacuum.rs`).
//! Spec: Database File Format, "The Freelist".

use kernite_io::ready;

use crate::Step;
use crate::error::{Damage, Error};
use crate::page_no::PageNo;
use crate::pager::{FrameId, PageHeader, PageKind};
use crate::tree::change::{Change, SecureDelete};
use crate::tree::page::{put_u32, u32_at};
use crate::tree::pointer_map::{self, Owner};

const FIRST_TRUNK_AT: usize = 32;
const FREE_COUNT_AT: usize = 36;
/// In a trunk page: where the number of leaves and the leaves stand.
const LEAF_COUNT_AT: usize = 4;
const LEAVES_AT: usize = 8;

/// Which page an allocation has to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    /// Any page, if possible near this one.
    Near(Option<PageNo>),
    /// This very page if it is free; else any.
    Exactly(PageNo),
    /// A page with this number or a lower one, if there is one on the freelist; else any.
    AtMost(PageNo),
}

impl Want {
    /// Whether `page` would satisfy a search.
    fn takes(self, page: PageNo) -> bool {
        match self {
            Want::Near(_) => true,
            Want::Exactly(wanted) => page == wanted,
            Want::AtMost(limit) => page <= limit,
        }
    }
}

#[cold]
fn broken(page: PageNo) -> Error {
    Error::corrupt(page, Damage::Freelist)
}

impl Change<'_> {
    fn header_page(&mut self) -> Step<FrameId> {
        self.pager.get(PageNo::ONE)
    }

    fn write_header_field(&mut self, one: FrameId, at: usize, value: u32) -> Result<(), Error> {
        put_u32(self.pager.write(one)?, at, value);
        Ok(())
    }

    /// Takes a page out of the freelist, or grows the database. The page is all zero and writable. [`Error::Full`] where the database may not grow.
    pub fn allocate(&mut self, want: Want) -> Step<(PageNo, FrameId)> {
        let one = ready!(self.header_page());
        let free = u32_at(self.pager.page(one), FREE_COUNT_AT);
        if free >= self.pager.page_count() {
            return Err(broken(PageNo::ONE));
        }
        if free == 0 {
            return self.extend();
        }
        let mut want = want;
        if let Want::Exactly(page) = want {
            // The pointer map tells at once whether the page is free.
            let is_free = page.get() <= self.pager.page_count()
                && ready!(pointer_map::read(page, self.pager, self.geometry)) == Owner::Free;
            if !is_free {
                want = Want::Near(Some(page));
            }
        }
        let (page, frame) = ready!(self.take(one, free, want));
        let taken = 1 - u32::from(kernite_io::planted!(FreelistCountWrong) && free > 1);
        self.write_header_field(one, FREE_COUNT_AT, free - taken)?;
        Ok(Some((page, frame)))
    }

    /// Takes a page out of the freelist, which has `free` pages.
    fn take(&mut self, one: FrameId, free: u32, want: Want) -> Step<(PageNo, FrameId)> {
        let mut previous: Option<FrameId> = None;
        let mut want = want;
        let mut visited = 0;
        loop {
            let next = match previous {
                None => u32_at(self.pager.page(one), FIRST_TRUNK_AT),
                Some(trunk) => u32_at(self.pager.page(trunk), 0),
            };
            let Some(trunk_no) = PageNo::new(next) else {
                // No page in all of the list is at or below the limit: any will do.
                if matches!(want, Want::AtMost(_)) && previous.is_some() {
                    (want, previous, visited) = (Want::Near(None), None, 0);
                    continue;
                }
                return Err(broken(PageNo::ONE));
            };
            visited += 1;
            if visited > free || trunk_no.get() > self.pager.page_count() {
                return Err(broken(trunk_no));
            }
            let trunk = ready!(self.pager.get(trunk_no));
            let leaves = u32_at(self.pager.page(trunk), LEAF_COUNT_AT) as usize;
            if leaves > self.geometry.trunk_capacity() {
                return Err(broken(trunk_no));
            }
            let take_trunk = match want {
                Want::Near(_) => leaves == 0,
                _ => want.takes(trunk_no),
            };
            if take_trunk {
                return self.take_trunk(one, previous, trunk_no, leaves);
            }
            if let Some(index) = self.choose_leaf(trunk, leaves, want) {
                return self.take_leaf(trunk, leaves, index);
            }
            previous = Some(trunk);
        }
    }

    /// The leaf of a trunk that satisfies `want` best.
    fn choose_leaf(&self, trunk: FrameId, leaves: usize, want: Want) -> Option<usize> {
        let bytes = self.pager.page(trunk);
        let leaf = |index: usize| u32_at(bytes, LEAVES_AT + 4 * index);
        match want {
            Want::Near(None) => (leaves > 0).then_some(0),
            Want::Near(Some(near)) => (0..leaves).min_by_key(|&index| leaf(index).abs_diff(near.get())),
            _ => (0..leaves).find(|&index| PageNo::new(leaf(index)).is_some_and(|page| want.takes(page))),
        }
    }

    fn take_leaf(&mut self, trunk: FrameId, leaves: usize, index: usize) -> Step<(PageNo, FrameId)> {
        let bytes = self.pager.page(trunk);
        let leaf = u32_at(bytes, LEAVES_AT + 4 * index);
        let page = match PageNo::new(leaf) {
            Some(page) if leaf >= 2 && leaf <= self.pager.page_count() => page,
            _ => return Err(self.damaged(trunk, Damage::Freelist)),
        };
        self.check_unused(page)?;
        let frame = ready!(self.pager.get_fresh(page));
        if frame == trunk {
            return Err(broken(page));
        }
        let bytes = self.pager.write(trunk)?;
        let last = u32_at(bytes, LEAVES_AT + 4 * (leaves - 1));
        put_u32(bytes, LEAVES_AT + 4 * index, last);
        if !kernite_io::planted!(FreelistDoubleUse) {
            put_u32(bytes, LEAF_COUNT_AT, leaves as u32 - 1);
        }
        Ok(Some((page, frame)))
    }

    /// Takes a trunk page itself; its first leaf becomes the trunk of the others.
    fn take_trunk(
        &mut self,
        one: FrameId,
        previous: Option<FrameId>,
        trunk_no: PageNo,
        leaves: usize,
    ) -> Step<(PageNo, FrameId)> {
        self.check_unused(trunk_no)?;
        let trunk = ready!(self.pager.get(trunk_no));
        let bytes = self.pager.page(trunk);
        let mut next = u32_at(bytes, 0);
        if leaves > 0 {
            let heir = u32_at(bytes, LEAVES_AT);
            let rest = bytes[LEAVES_AT + 4..LEAVES_AT + 4 * leaves].to_vec();
            let heir_no = match PageNo::new(heir) {
                Some(page) if heir >= 2 && heir <= self.pager.page_count() => page,
                _ => return Err(broken(trunk_no)),
            };
            self.check_unused(heir_no)?;
            let frame = ready!(self.pager.get_fresh(heir_no));
            if frame == trunk {
                return Err(broken(trunk_no));
            }
            let bytes = self.pager.write(frame)?;
            put_u32(bytes, 0, next);
            put_u32(bytes, LEAF_COUNT_AT, leaves as u32 - 1);
            bytes[LEAVES_AT..LEAVES_AT + rest.len()].copy_from_slice(&rest);
            next = heir;
        }
        match previous {
            Some(previous) => put_u32(self.pager.write(previous)?, 0, next),
            None => self.write_header_field(one, FIRST_TRUNK_AT, next)?,
        }
        let (bytes, header) = self.pager.write_with_header(trunk)?;
        bytes.fill(0);
        *header = PageHeader::default();
        Ok(Some((trunk_no, trunk)))
    }

    /// Grows the database by one page, and by the pointer-map page before it where one falls due.
    fn extend(&mut self) -> Step<(PageNo, FrameId)> {
        loop {
            let mut number = self.pager.page_count() + 1;
            if number == self.geometry.lock_byte_page() {
                number += 1;
            }
            let page = PageNo::new(number).ok_or(Error::Full)?;
            let frame = ready!(self.pager.get_fresh(page));
            if !(self.auto_vacuum && self.geometry.is_pointer_map(page)) {
                return Ok(Some((page, frame)));
            }
        }
    }

    /// Gives a page to the freelist. Its content is lost.
    pub fn free_page(&mut self, page: PageNo) -> Step<()> {
        let number = page.get();
        if number < 2 || number > self.pager.page_count() {
            return Err(Error::corrupt(page, Damage::BadPageNumber));
        }
        let one = ready!(self.header_page());
        let free = u32_at(self.pager.page(one), FREE_COUNT_AT);
        // More free pages than pages: pages are freed twice, as by a cycle in a damaged tree.
        if free >= self.pager.page_count() - 1 {
            return Err(broken(page));
        }
        ready!(self.set_owner(page, Owner::Free));
        if free != 0 {
            let first = u32_at(self.pager.page(one), FIRST_TRUNK_AT);
            let trunk_no =
                PageNo::new(first).filter(|trunk| trunk.get() <= self.pager.page_count() && *trunk != page);
            let trunk_no = trunk_no.ok_or_else(|| broken(PageNo::ONE))?;
            let trunk = ready!(self.pager.get(trunk_no));
            let leaves = u32_at(self.pager.page(trunk), LEAF_COUNT_AT) as usize;
            if leaves > self.geometry.trunk_capacity() {
                return Err(broken(trunk_no));
            }
            if leaves < self.geometry.trunk_fill() {
                ready!(self.drop_content(page));
                let bytes = self.pager.write(trunk)?;
                put_u32(bytes, LEAVES_AT + 4 * leaves, number);
                put_u32(bytes, LEAF_COUNT_AT, leaves as u32 + 1);
                self.write_header_field(one, FREE_COUNT_AT, free + 1)?;
                return Ok(Some(()));
            }
        }
        // No trunk, or the first one is full: the page becomes the first trunk.
        let next = if free == 0 { 0 } else { u32_at(self.pager.page(one), FIRST_TRUNK_AT) };
        let frame = ready!(self.pager.get(page));
        let wipe = self.work.secure_delete != SecureDelete::Off;
        let (bytes, header) = self.pager.write_with_header(frame)?;
        *header = PageHeader::default();
        if wipe {
            bytes.fill(0);
        }
        put_u32(bytes, 0, next);
        put_u32(bytes, LEAF_COUNT_AT, 0);
        let one_bytes = self.pager.write(one)?;
        put_u32(one_bytes, FIRST_TRUNK_AT, number);
        put_u32(one_bytes, FREE_COUNT_AT, free + 1);
        Ok(Some(()))
    }

    /// A page becomes a freelist leaf: its bytes do not matter any more, or have to go.
    fn drop_content(&mut self, page: PageNo) -> Step<()> {
        let frame = ready!(self.pager.get(page));
        let wipe = self.work.secure_delete == SecureDelete::On;
        if wipe || self.pager.header(frame).kind != PageKind::Unknown {
            let (bytes, header) = self.pager.write_with_header(frame)?;
            *header = PageHeader::default();
            if wipe {
                bytes.fill(0);
            }
        }
        if !wipe {
            self.pager.forget_content(frame);
        }
        Ok(Some(()))
    }

    /// Refuses a page of the freelist that is part of a tree: a cursor may be standing on it. Only a damaged database has one.
    fn check_unused(&mut self, page: PageNo) -> Result<(), Error> {
        match self.pager.resident_header(page) {
            Some(header) if header.kind != PageKind::Unknown => Err(Error::corrupt(page, Damage::DoubleUse)),
            _ => Ok(()),
        }
    }
}
