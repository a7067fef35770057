//! One database file as one connection sees it: transactions, trees and cursors.
//!
//! This is the face that the machine and the code above talk to. Work is done in `tree/` and `pager/`; the methods for trees and
//! cursors stand in `tree/face.rs`.
//!
//! Always true: a cursor id is checked against its generation, so a stale one is an error and never another cursor;
//! a write through one cursor first saves the positions of all others on the same tree (they reseek when next used).

use std::cmp::Ordering;

use kernite_io::SharedIo;

use crate::pager::Pager;
use crate::tree::trees::Trees;
use crate::{Error, Step};

/// How a database is opened.
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    /// Canonical path; `None` for a private database (see `memory`).
    pub path: Option<Vec<u8>>,
    /// With no path: keep all pages in memory (`:memory:`) instead of a temporary file.
    pub memory: bool,
    pub read_only: bool,
    pub create: bool,
    pub immutable: bool,
    pub no_lock: bool,
    pub dot_file_lock: bool,
    /// Journal mode of a file made by this open: WAL for the Rust API, DELETE for the C API.
    pub new_file_wal: bool,
}

/// A position in a tree, owned by the [`Btree`]. Checked by generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CursorId {
    pub index: u32,
    pub generation: u32,
}

/// What a tree holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TreeKind {
    /// Rows by 64-bit rowid.
    Table,
    /// Keys only: indexes and WITHOUT ROWID tables.
    Index,
}

/// How far a transaction goes at its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TransactionKind {
    Read,
    Write,
    /// Write, with no reader beside it in rollback mode (`BEGIN EXCLUSIVE`).
    Exclusive,
}

/// 32-bit fields of the file header that SQL sees, numbered as in SQLite's `BTREE_*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meta {
    FreePageCount = 0,
    SchemaVersion = 1,
    FileFormat = 2,
    DefaultCacheSize = 3,
    LargestRootPage = 4,
    TextEncoding = 5,
    UserVersion = 6,
    IncrementalVacuum = 7,
    ApplicationId = 8,
}

/// `auto_vacuum`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AutoVacuum {
    #[default]
    None,
    Full,
    Incremental,
}

/// Where a seek came to rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeekOutcome {
    /// The tree is empty; the cursor points nowhere.
    Empty,
    /// The cursor's entry compares to the key sought like this: `Less` = the entry is smaller than the key.
    At(Ordering),
}

/// A row to insert.
#[derive(Clone, Copy, Debug)]
pub enum RowPayload<'a> {
    /// A table row: rowid, record bytes, and this many zero bytes after them (zeroblob tail).
    Table { rowid: i64, record: &'a [u8], zero_tail: u64 },
    /// An index key: the record.
    Index { record: &'a [u8] },
}

/// How to insert.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InsertFlags {
    /// The key is probably larger than all others.
    pub append: bool,
    /// The cursor was just moved to where the key belongs; this is how its entry compares to the key.
    pub seek_result: Option<SeekOutcome>,
    /// Leave the cursor on the inserted entry (else it may point nowhere).
    pub save_position: bool,
}

/// What `wal_checkpoint` does beyond copying what it can.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckpointMode {
    /// Copies what no reader needs any more; never waits.
    Passive,
    /// Waits for the writer, copies everything.
    Full,
    /// Full, and waits until the next writer can start the WAL over.
    Restart,
    /// Restart, and cuts the WAL file to zero bytes.
    Truncate,
}

/// What a checkpoint found and did. `-1` where the database is not in WAL mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckpointOutcome {
    /// A lock was in the way and not everything was done.
    pub busy: bool,
    /// Frames in the WAL.
    pub log_frames: i64,
    /// Of those, copied into the database.
    pub checkpointed_frames: i64,
}

/// `journal_mode`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum JournalMode {
    #[default]
    Delete,
    Persist,
    Off,
    Truncate,
    Memory,
    Wal,
}

/// `synchronous`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Synchronous {
    Off,
    Normal,
    #[default]
    Full,
    Extra,
}

/// The entry under a cursor.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// The part of the payload that lies on the page itself.
    pub local: &'a [u8],
    /// The whole payload's length; more than `local.len()` when it overflows.
    pub len: u64,
}

/// What became of a cursor whose tree was written through another cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CursorPosition {
    /// On the entry on which it was left.
    Same,
    /// That entry is gone; the cursor stands on a neighbour, and the next `next`/`previous` takes that into account.
    Moved,
    /// It points nowhere.
    Nowhere,
}

/// One attached database of one connection.
pub struct Btree {
    io: SharedIo,
    options: OpenOptions,
    pub(crate) pager: Pager,
    pub(crate) trees: Trees,
}

#[allow(unused_variables, missing_docs)]
impl Btree {
    // ---- life -------------------------------------------------------------------------------------------------
    /// A database that is not open yet. Touches nothing.
    pub fn new(io: SharedIo, options: OpenOptions) -> Btree {
        let pager = Pager::new(&io, &options);
        Btree { io, options, pager, trees: Trees::default() }
    }
    /// Opens the file (not the journal or WAL: the first transaction does). Again and again until done.
    pub fn open(&mut self) -> Step<()> {
        todo!()
    }
    /// Closes everything: rolls back an open transaction; the last connection to a WAL database checkpoints and removes the WAL.
    pub fn close(&mut self) -> Step<()> {
        todo!()
    }
    /// What this connection waits for after `Ok(None)`.
    pub fn outstanding(&self) -> &kernite_io::Outstanding {
        todo!()
    }

    // ---- transactions -----------------------------------------------------------------------------------------
    /// The transaction under way, if any.
    pub fn transaction(&self) -> Option<TransactionKind> {
        todo!()
    }
    /// Starts or upgrades a transaction. [`Error::Busy`] where a lock is in the way: nothing has changed, and the caller's busy handler decides.
    pub fn begin(&mut self, kind: TransactionKind) -> Step<()> {
        todo!()
    }
    /// First half of a commit: everything durable but the ending of the journal. With `super_journal` the journal names it.
    pub fn commit_prepare(&mut self, super_journal: Option<&[u8]>) -> Step<()> {
        todo!()
    }
    /// Second half: the commit point of a single file (journal ended, WAL published), locks down to what open read cursors need.
    pub fn commit_finish(&mut self) -> Step<()> {
        todo!()
    }
    /// Rolls back the whole transaction. With `keep_readers` other statements' read cursors survive (as after a ROLLBACK that changed no schema), else they fail with [`Error::AbortRollback`].
    pub fn rollback(&mut self, keep_readers: bool) -> Step<()> {
        todo!()
    }
    /// Ends a read transaction when no cursor needs it any more.
    pub fn end_read(&mut self) -> Step<()> {
        todo!()
    }
    /// Makes sure that `count` savepoints are open (statement savepoints are the innermost).
    pub fn savepoint_open(&mut self, count: usize) -> Step<()> {
        todo!()
    }
    /// Forgets savepoints `index` and newer, keeping their changes.
    pub fn savepoint_release(&mut self, index: usize) -> Step<()> {
        todo!()
    }
    /// Undoes everything since savepoint `index` was opened; it stays open, newer ones are gone.
    pub fn savepoint_rollback(&mut self, index: usize) -> Step<()> {
        todo!()
    }
    /// A number that changes whenever another connection changed this file (`data_version`). Reads the header.
    pub fn data_version(&mut self) -> Step<u32> {
        todo!()
    }

    // ---- settings (pragmas) -----------------------------------------------------------------------------------
    pub fn page_size(&self) -> u32 {
        todo!()
    }
    /// Takes effect on a database without pages, or at the next VACUUM.
    pub fn set_page_size(&mut self, size: u32, reserved: Option<u8>) -> Result<(), Error> {
        todo!()
    }
    pub fn auto_vacuum(&mut self) -> Step<AutoVacuum> {
        todo!()
    }
    pub fn set_auto_vacuum(&mut self, mode: AutoVacuum) -> Result<(), Error> {
        todo!()
    }
    pub fn journal_mode(&self) -> JournalMode {
        todo!()
    }
    /// Switches the mode where that is possible now; the mode in force afterwards.
    pub fn set_journal_mode(&mut self, mode: JournalMode) -> Step<JournalMode> {
        todo!()
    }
    pub fn synchronous(&self) -> Synchronous {
        todo!()
    }
    pub fn set_synchronous(&mut self, mode: Synchronous) {
        todo!()
    }
    /// `locking_mode=EXCLUSIVE` or not. Returns what is in force.
    pub fn set_exclusive_locking(&mut self, exclusive: bool) -> Step<bool> {
        todo!()
    }
    pub fn exclusive_locking(&self) -> bool {
        todo!()
    }
    /// Cache size as the pragma has it: pages, or KiB when negative.
    pub fn set_cache_size(&mut self, size: i32) {
        todo!()
    }
    /// `cache_spill`: pages above which dirty pages spill; 0 = never.
    pub fn set_spill(&mut self, pages: u32) {
        todo!()
    }
    pub fn secure_delete(&self) -> u8 {
        todo!()
    }
    pub fn set_secure_delete(&mut self, mode: u8) {
        todo!()
    }
    pub fn page_count(&mut self) -> Step<u32> {
        todo!()
    }
    pub fn max_page_count(&self) -> u32 {
        todo!()
    }
    pub fn set_max_page_count(&mut self, pages: u32) -> u32 {
        todo!()
    }
    pub fn journal_size_limit(&self) -> i64 {
        todo!()
    }
    pub fn set_journal_size_limit(&mut self, bytes: i64) {
        todo!()
    }
    pub fn checkpoint(&mut self, mode: CheckpointMode) -> Step<CheckpointOutcome> {
        todo!()
    }
    /// Frames in the WAL after the last commit of this connection, once (for the wal hook and auto-checkpoint); 0 when none.
    pub fn take_committed_wal_frames(&mut self) -> u32 {
        todo!()
    }
    pub fn is_read_only(&self) -> bool {
        todo!()
    }
    /// Path of the file, empty for a private database.
    pub fn path(&self) -> &[u8] {
        todo!()
    }
    /// Gives cached clean pages back.
    pub fn shrink(&mut self) {
        todo!()
    }
    /// Overwrites this database's content with that of `source` (VACUUM's copy-back). Needs a write transaction here, a read transaction there.
    pub fn copy_from(&mut self, source: &mut Btree) -> Step<()> {
        todo!()
    }
}

/// What an integrity check found.
#[derive(Clone, Debug, Default)]
pub struct IntegrityReport {
    /// SQLite's messages, without the trailing newline.
    pub messages: Vec<String>,
    /// Entries per root, in the order given.
    pub entry_counts: Vec<u64>,
}
