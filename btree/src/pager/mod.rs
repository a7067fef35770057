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
//!
//! # Rooms
//! `frame_table` (page number to frame), `cache` (frames and buffers), `change` (micro-transactions), `savepoint` (levels and
//! images), `header` (the first 100 bytes of the file).

mod cache;
mod change;
mod frame_table;
mod header;
mod savepoint;

use kernite_io::{Buffer, HashSet};

use crate::page_no::PageNo;
use crate::{AutoVacuum, Damage, Error, Step};
use cache::Cache;
use change::Change;
use savepoint::Savepoints;

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

/// [`PageHeader::free_bytes`] of a page whose free space was not counted yet.
pub const FREE_UNKNOWN: u32 = u32::MAX;

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

/// The first of the lock bytes; the page that holds it is never used for content.
const LOCK_BYTE: u64 = 0x4000_0000;
/// The largest page number that SQLite uses.
const PAGE_COUNT_MAX: u32 = 0xffff_fffe;

/// The pages of one database as one connection sees them.
pub struct Pager {
    cache: Cache,
    change: Change,
    savepoints: Savepoints,
    /// Pages in the database as this transaction sees it.
    page_count: u32,
    /// `page_count`, or 0 where every `get` has to take the slow way (error state, tests that force misses).
    reachable: u32,
    reserved: u8,
    max_page_count: u32,
    writing: bool,
    /// Pages that became freelist leaves in this transaction, so that a reuse knows that they had content.
    freed: HashSet<PageNo>,
    /// Tests: pages that were missed once in this operation.
    force_miss: Option<HashSet<PageNo>>,
}

impl Pager {
    /// A database in memory with its first page made and a write transaction open.
    ///
    /// `page_size` is a power of two from 512 to 65536, of which `reserved` bytes are kept free on each page.
    pub fn memory(page_size: usize, reserved: u8, auto_vacuum: AutoVacuum) -> Result<Pager, Error> {
        let mut pager = Pager {
            cache: Cache::new(page_size),
            change: Change::default(),
            savepoints: Savepoints::default(),
            page_count: 0,
            reachable: 0,
            reserved,
            max_page_count: PAGE_COUNT_MAX,
            writing: true,
            freed: HashSet::default(),
            force_miss: None,
        };
        pager.open_base_level();
        pager.format_first_page(auto_vacuum)?;
        Ok(pager)
    }

    /// A pager for `options`, not open yet.
    pub fn new(_io: &kernite_io::SharedIo, _options: &crate::OpenOptions) -> Pager {
        match Pager::memory(4096, 0, AutoVacuum::None) {
            Ok(pager) => pager,
            Err(error) => panic!("no memory for a page: {error}"),
        }
    }

    /// Page size of the database under the present read transaction, in bytes.
    #[inline]
    pub fn page_size(&self) -> usize {
        self.cache.page_size()
    }

    /// Page size less the reserved bytes.
    #[inline]
    pub fn usable_size(&self) -> usize {
        self.cache.page_size() - usize::from(self.reserved)
    }

    /// Pages in the database as this transaction sees it, changes included.
    #[inline]
    pub fn page_count(&self) -> u32 {
        self.page_count
    }

    /// The page that holds the lock bytes and never any content.
    #[inline]
    pub fn lock_byte_page(&self) -> PageNo {
        let number = LOCK_BYTE / self.cache.page_size() as u64 + 1;
        PageNo::new(number as u32).unwrap_or(PageNo::ONE)
    }

    fn set_page_count_raw(&mut self, page_count: u32) {
        self.page_count = page_count;
        self.reachable = if self.force_miss.is_some() { 0 } else { page_count };
    }

    #[inline]
    fn is_writing(&self) -> bool {
        self.writing
    }

    fn is_memory(&self) -> bool {
        true
    }

    /// Makes a page resident. Resident pages never yield. [`Damage::BadPageNumber`] beyond the end of the database and for the lock-byte page.
    #[inline]
    pub fn get(&mut self, page: PageNo) -> Step<FrameId> {
        if page.get() <= self.reachable
            && let Some(id) = self.cache.find(page)
        {
            return Ok(Some(id));
        }
        self.miss(page)
    }

    #[cold]
    fn miss(&mut self, page: PageNo) -> Step<FrameId> {
        if page.get() > self.page_count || page == self.lock_byte_page() {
            return Err(Error::corrupt(page, Damage::BadPageNumber));
        }
        if let Some(missed) = &mut self.force_miss
            && missed.insert(page)
        {
            return Ok(None);
        }
        if let Some(id) = self.cache.find(page) {
            return Ok(Some(id));
        }
        let buffer = self.cache.take_zeroed()?;
        Ok(Some(self.cache.install(page, buffer, self.savepoints.newest())))
    }

    /// Hints that these pages will be wanted soon; starts reads where the backend queues them.
    pub fn read_ahead(&mut self, _pages: &[PageNo]) {}

    /// The page's bytes, `page_size` long.
    #[inline]
    pub fn page(&self, frame: FrameId) -> &[u8] {
        &self.cache.frames[frame.0 as usize].buffer
    }

    /// Another handle on the page's bytes as they are: they stay readable while the page is written.
    #[inline]
    pub fn share(&self, frame: FrameId) -> Buffer {
        self.cache.frame(frame).buffer.clone()
    }

    /// The number of the page in this frame.
    #[inline]
    pub fn page_no(&self, frame: FrameId) -> PageNo {
        let page = self.cache.frame(frame).page_no;
        debug_assert!(page.is_some(), "vacant frame");
        page.unwrap_or(PageNo::ONE)
    }

    /// The decoded B-tree header.
    #[inline]
    pub fn header(&self, frame: FrameId) -> &PageHeader {
        &self.cache.frames[frame.0 as usize].header
    }

    /// The decoded B-tree header of a page if it is resident.
    #[inline]
    pub fn resident_header(&mut self, page: PageNo) -> Option<&PageHeader> {
        let frame = self.cache.find(page)?;
        Some(self.header(frame))
    }

    /// Remembers the decoded B-tree header of a page that was looked at.
    #[inline]
    pub fn set_header(&mut self, frame: FrameId, header: PageHeader) {
        self.cache.frames[frame.0 as usize].header = header;
    }

    /// Keeps a frame and its bytes where they are until [`Pager::unpin`]. Counted.
    #[inline]
    pub fn pin(&mut self, frame: FrameId) {
        self.cache.pin(frame);
    }

    /// Takes back one [`Pager::pin`].
    #[inline]
    pub fn unpin(&mut self, frame: FrameId) {
        self.cache.unpin(frame);
    }

    /// Whether the cache is above its budget: checked at the start of each operation, which then calls [`Pager::trim`].
    #[inline]
    pub fn over_budget(&self) -> bool {
        self.cache.is_over_budget()
    }

    /// Evicts clean unpinned frames, and spills dirty ones where that is not enough.
    pub fn trim(&mut self) -> Step<()> {
        Ok(Some(()))
    }

    /// Tests of restarts without I/O: from here on the first `get` of each page in an operation returns `Ok(None)` once. An
    /// operation ends with [`Pager::commit_change`] or [`Pager::forget_misses`].
    pub fn set_force_miss(&mut self, on: bool) {
        self.force_miss = on.then(HashSet::default);
        self.set_page_count_raw(self.page_count);
    }

    /// Tests: the operation under way is over; each page is missed again.
    pub fn forget_misses(&mut self) {
        if let Some(missed) = &mut self.force_miss {
            missed.clear();
        }
    }
}
