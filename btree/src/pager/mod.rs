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
//! In memory: `frame_table` (page number to frame), `cache` (frames and buffers), `change` (micro-transactions), `savepoint` (levels) and `images`, `read` (pages that are not resident). On disk: `files`, `header` (the first 100 bytes of the file), `log` (the seam), `journal`, `wal`.
//! Scripts: `begin`, `commit`, `rollback`, `spill`, `close`; `script` owns the one under way, `waiter` what it waits for. `settings`: what pragmas set.

mod begin;
mod cache;
mod change;
mod close;
mod commit;
mod files;
mod frame_table;
mod header;
mod images;
mod journal;
mod log;
mod read;
mod rollback;
mod savepoint;
mod script;
mod settings;
mod spill;
#[cfg(test)]
mod trial;
mod vacuum_copy;
mod waiter;
mod wal;

use std::sync::Arc;

use kernite_io::{Buffer, File, HashSet, SharedIo};

use crate::page_no::PageNo;
use crate::{AutoVacuum, CheckpointOutcome, Error, OpenOptions};
use cache::Cache;
use change::Change;
use files::{Files, files};
use header::FileHeader;
use read::{QueuedRead, Thrash};
use savepoint::Savepoints;
use script::Script;
use settings::Settings;
use waiter::Waiter;

pub use journal::super_journal::{CreateSuper, RemoveSuper};

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

/// What is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    None,
    Read,
    Write,
}

/// The write transaction under way.
#[derive(Default)]
struct Transaction {
    /// Pages of the database when it began.
    page_count: u32,
    /// The fewest pages that it ever had since.
    lowest_page_count: u32,
    /// Pages that the database file has room for.
    file_pages: u32,
    /// Pages of the database file were overwritten, or frames appended to the WAL.
    file_written: bool,
    /// The first half of the commit is over.
    prepared: bool,
    /// The change counter was moved on.
    counted: bool,
    /// The file header as this transaction leaves it.
    header: Option<FileHeader>,
    /// The file is another database's image.
    image: Option<vacuum_copy::Image>,
}

/// The pages of one database as one connection sees them.
pub struct Pager {
    cache: Cache,
    change: Change,
    savepoints: Savepoints,
    /// Pages in the database as this transaction sees it.
    page_count: u32,
    /// `page_count`, or 0 where every `get` has to take the slow way (error state, tests that force misses).
    reachable: u32,
    /// No page past this one is resident.
    highest_page: u32,
    reserved: u8,
    max_page_count: u32,
    state: State,
    /// Why the cache cannot be trusted: an error that a rollback has to follow.
    error: Option<Error>,
    transaction: Transaction,
    settings: Settings,
    /// `None` for a private database.
    files: Option<Box<Files>>,
    /// Where a private database may spill to a file: the world to open it in, and the file.
    temp_io: Option<SharedIo>,
    temp: Option<Arc<dyn File>>,
    wait: Waiter,
    /// Where the file header was read to last, for the next time.
    header_buffer: Option<Buffer>,
    reads: Vec<QueuedRead>,
    script: Option<Script>,
    /// An operation waits for a page: its next run must not evict what it has before it gets there. So many more times the pager does
    /// not trim its cache; bounded, as an operation may be given up.
    trims_to_skip: u32,
    thrash: Thrash,
    /// The backend queues reads, so that reading ahead pays.
    queues: bool,
    /// Pages that became freelist leaves in this transaction, so that a reuse knows that they had content.
    freed: HashSet<PageNo>,
    data_version: u32,
    /// A transaction has seen the file: whatever differs from then on, others did.
    was_read: bool,
    /// Pages of a copy under way that are done.
    copied: u32,
    /// What the last checkpoint came to.
    checkpointed: CheckpointOutcome,
    /// `writable_schema`: a file that is shorter than its header says is taken as it is.
    trust_short_file: bool,
    /// The wal-index is never written (`readonly_shm`).
    read_only_shm: bool,
    /// `SQLITE_FCNTL_PERSIST_WAL`.
    keep_wal: bool,
    /// The file header still says WAL, but the WAL is gone: on the way to a rollback mode.
    leaving_wal: bool,
    /// `SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE`.
    no_checkpoint_on_close: bool,
    /// How a database without pages will be made.
    new_auto_vacuum: AutoVacuum,
    new_file_wal: bool,
    /// Tests: pages that were missed once in this operation.
    force_miss: Option<HashSet<PageNo>>,
}

/// Page size of a database that is made, unless another was set.
const PAGE_SIZE_DEFAULT: usize = 4096;

impl Pager {
    /// A pager for `options`, not open yet. A database without a path is private to the connection and needs no [`Pager::open`].
    pub fn new(io: &SharedIo, options: &OpenOptions) -> Pager {
        let mut pager = Pager::private(PAGE_SIZE_DEFAULT, 0);
        if options.path.is_none() && !options.memory {
            pager.temp_io = Some(Arc::clone(io));
            pager.apply_cache_size();
        }
        pager
    }

    fn private(page_size: usize, reserved: u8) -> Pager {
        Pager {
            cache: Cache::new(page_size),
            change: Change::default(),
            savepoints: Savepoints::default(),
            page_count: 0,
            reachable: 0,
            highest_page: 0,
            reserved,
            max_page_count: PAGE_COUNT_MAX,
            state: State::None,
            error: None,
            transaction: Transaction::default(),
            settings: Settings::default(),
            files: None,
            temp_io: None,
            temp: None,
            wait: Waiter::default(),
            header_buffer: None,
            reads: Vec::new(),
            script: None,
            trims_to_skip: 0,
            thrash: Thrash::default(),
            queues: false,
            freed: HashSet::default(),
            data_version: 1,
            was_read: false,
            copied: 0,
            checkpointed: CheckpointOutcome { busy: false, log_frames: -1, checkpointed_frames: -1 },
            trust_short_file: false,
            read_only_shm: false,
            keep_wal: false,
            leaving_wal: false,
            no_checkpoint_on_close: false,
            new_auto_vacuum: AutoVacuum::None,
            new_file_wal: false,
            force_miss: None,
        }
    }

    /// A database in memory with its first page made and a write transaction open, for tests.
    ///
    /// `page_size` is a power of two from 512 to 65536, of which `reserved` bytes are kept free on each page.
    pub fn memory(page_size: usize, reserved: u8, auto_vacuum: AutoVacuum) -> Result<Pager, Error> {
        let mut pager = Pager::private(page_size, reserved);
        pager.new_auto_vacuum = auto_vacuum;
        pager.begin(crate::TransactionKind::Write)?;
        Ok(pager)
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
        self.highest_page = self.highest_page.max(page_count);
        self.transaction.lowest_page_count = self.transaction.lowest_page_count.min(page_count);
        let slow = self.force_miss.is_some() || self.error.is_some();
        self.reachable = if slow { 0 } else { page_count };
    }

    #[inline]
    fn is_writing(&self) -> bool {
        self.state == State::Write
    }

    /// The transaction under way.
    pub fn transaction(&self) -> Option<crate::TransactionKind> {
        match self.state {
            State::None => None,
            State::Read => Some(crate::TransactionKind::Read),
            State::Write => Some(crate::TransactionKind::Write),
        }
    }

    /// From here on changes belong to a write transaction. All locks are held.
    fn start_write_transaction(&mut self) {
        self.state = State::Write;
        self.transaction = Transaction {
            page_count: self.page_count,
            lowest_page_count: self.page_count,
            file_pages: self.page_count,
            ..Transaction::default()
        };
        self.cache.keep_stamps_from = self.savepoints.next_number();
        match self.files.as_mut().map(|files| &mut files.log) {
            None => self.open_base_level(),
            Some(log::Log::Wal(_)) => {}
            Some(log::Log::Rollback(journal)) => {
                journal.page_count = self.page_count;
                if self.settings.journal_mode != crate::JournalMode::Off {
                    self.open_journal_level();
                }
            }
        }
    }

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

    /// A number that changes whenever a page left its frame or was put back as it had been: frames noted under another number may
    /// hold something else.
    #[inline]
    pub fn residence(&self) -> u64 {
        self.cache.generation
    }

    /// Whether the cache is above its budget, or work that was left behind has to be driven on: checked at the start of each operation, which
    /// then calls [`Pager::trim`].
    #[inline]
    pub fn over_budget(&self) -> bool {
        self.cache.is_over_budget() || self.script.is_some()
    }

    /// A number that changes whenever another connection changed this file, as far as a transaction here has seen it.
    pub fn data_version(&self) -> u32 {
        self.data_version
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
