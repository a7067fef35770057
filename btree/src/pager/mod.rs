//! The pager: pages in memory, and how their changes become durable.
//!
//! A frame holds one page. A [`FrameId`] is a plain index; bytes are borrowed through the pager inside one function only,
//! so no guard or counter is touched per access. Eviction happens only between operations ([`Pager::trim`]), hence inside
//! an operation a frame that was got stays where it is; across operations a cursor pins the frames of its path.
//!
//! # Operations
//! A tree change is a micro-transaction: [`Pager::begin_change`], then any number of [`Pager::get`], [`Pager::write`] and
//! page allocations, then [`Pager::commit_change`], which cannot fail. When a step in between yields or fails, its caller
//! calls [`Pager::abort_change`]: every page is as it was before, the pages that were read stay resident, and the change is
//! run again from its top. The first `write` of a page in a change puts the old buffer aside and gives the change a
//! fresh copy; the buffer put aside is the undo image: restored on abort, and on commit handed to whoever is owed one (rollback
//! journal, savepoint), else recycled.
//!
//! A change that needs one resident page with room uses [`Pager::write_in_place`] instead, which copies an image only
//! where one is owed (the frame's stamp tells), and after which nothing may fail or yield.
#![allow(unused_variables, missing_docs, dead_code)]

use crate::page_no::PageNo;
use crate::{Error, Step};

/// A resident page. Valid until the operation that got it ends, or as long as it is pinned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FrameId(pub u32);

/// The decoded B-tree page header, kept beside a frame's bytes so that no visit decodes it again. `kind` is `Unknown` until the
/// tree layer has looked at the page ([`Pager::set_header`]); writing through the pager resets nothing: the tree layer keeps it true.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PageHeader {
    pub kind: PageKind,
    /// Where the B-tree header starts: 100 on page 1, else 0.
    pub start: u16,
    /// Offset of the cell pointer array.
    pub cells_at: u16,
    pub cell_count: u16,
    /// Free bytes on the page (gap + freeblocks + fragments), or `FREE_UNKNOWN` until counted.
    pub free_bytes: u32,
}

/// Kind of a B-tree page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PageKind {
    #[default]
    Unknown,
    TableInterior,
    TableLeaf,
    IndexInterior,
    IndexLeaf,
}

pub struct Pager {}

impl Pager {
    /// Page size and usable size (page size less reserved bytes) of the database under the present read transaction.
    pub fn page_size(&self) -> usize {
        todo!()
    }
    pub fn usable_size(&self) -> usize {
        todo!()
    }
    /// Pages in the database as this transaction sees it, changes included.
    pub fn page_count(&self) -> u32 {
        todo!()
    }
    /// Makes a page resident. Resident pages never yield. Beyond the end of the database: `Damage::BadPageNumber`.
    pub fn get(&mut self, page: PageNo) -> Step<FrameId> {
        todo!()
    }
    /// Like `get` for a page whose content will be overwritten whole (a freelist leaf, a fresh page): never reads; zeroed bytes where it was not resident.
    /// Inside a change the frame is already writable. Extends the database when `page` is just past its end.
    pub fn get_fresh(&mut self, page: PageNo) -> Result<FrameId, Error> {
        todo!()
    }
    /// Hints that these pages will be wanted soon; starts reads where the backend queues them.
    pub fn read_ahead(&mut self, pages: &[PageNo]) {
        todo!()
    }
    /// The page's bytes, `page_size` long.
    #[inline]
    pub fn page(&self, frame: FrameId) -> &[u8] {
        todo!()
    }
    #[inline]
    pub fn page_no(&self, frame: FrameId) -> PageNo {
        todo!()
    }
    #[inline]
    pub fn header(&self, frame: FrameId) -> &PageHeader {
        todo!()
    }
    #[inline]
    pub fn set_header(&mut self, frame: FrameId, header: PageHeader) {
        todo!()
    }
    pub fn pin(&mut self, frame: FrameId) {
        todo!()
    }
    pub fn unpin(&mut self, frame: FrameId) {
        todo!()
    }

    // ---- changes ----
    pub fn begin_change(&mut self) {
        todo!()
    }
    /// Bytes for writing, inside a change. The old bytes and header are put aside at the first call for a page.
    pub fn write(&mut self, frame: FrameId) -> Result<&mut [u8], Error> {
        todo!()
    }
    /// Bytes (writable) and header together, for code that updates both.
    pub fn write_with_header(&mut self, frame: FrameId) -> Result<(&mut [u8], &mut PageHeader), Error> {
        todo!()
    }
    /// The database ends after `page_count` pages from here on (auto_vacuum); undone by `abort_change`.
    pub fn set_page_count(&mut self, page_count: u32) -> Result<(), Error> {
        todo!()
    }
    /// The page's content does not matter any more (it became a freelist leaf): it need not be written or journalled again.
    pub fn forget_content(&mut self, frame: FrameId) {
        todo!()
    }
    /// Moves a page's bytes to another number (auto_vacuum relocation), inside a change.
    pub fn move_page(&mut self, from: FrameId, to: PageNo) -> Result<FrameId, Error> {
        todo!()
    }
    pub fn commit_change(&mut self) {
        todo!()
    }
    pub fn abort_change(&mut self) {
        todo!()
    }
    /// Prepares a resident page for a change that is made at once and cannot fail. Copies an image first where one is owed.
    pub fn write_in_place(&mut self, frame: FrameId) -> Result<(&mut [u8], &mut PageHeader), Error> {
        todo!()
    }

    // ---- between operations ----
    /// Whether the cache is above its budget: one load, checked at the start of each operation.
    #[inline]
    pub fn over_budget(&self) -> bool {
        todo!()
    }
    /// Evicts clean unpinned frames, and spills dirty ones where that is not enough.
    pub fn trim(&mut self) -> Step<()> {
        todo!()
    }
}
