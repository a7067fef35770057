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

/// One attached database of one connection. Its methods are in two files: transactions and settings in `transact.rs`, trees and
/// cursors in `tree/face.rs`.
pub struct Btree {
    pub(crate) io: SharedIo,
    pub(crate) options: OpenOptions,
    pub(crate) pager: Pager,
    pub(crate) trees: Trees,
    /// See [`Btree::write_count`].
    pub(crate) writes: u64,
    pub(crate) known_meta: Option<KnownMeta>,
}

/// Header fields that were read, good as long as page 1 is in the frame in which it then was.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KnownMeta {
    pub schema_version: u32,
    pub file_format: u32,
    /// [`Pager::residence`].
    pub residence: u64,
}

/// What an integrity check found.
#[derive(Clone, Debug, Default)]
pub struct IntegrityReport {
    /// SQLite's messages, without the trailing newline.
    pub messages: Vec<String>,
    /// Entries per root, in the order given.
    pub entry_counts: Vec<u64>,
}
