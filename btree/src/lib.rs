//! SQLite's file format: values and records as stored, pages, pager, logs and B-tree cursors.
//!
//! ```text
//! Btree ── cursors, tables and indexes, freelist, pointer map          (tree/)
//!   └ Pager ── frames, operations and their images, savepoints         (pager/)
//!       └ Log ── rollback journal | WAL: which version of page N       (pager/journal/, pager/wal/)
//!           └ kernite_io::Io
//! ```
//!
//! A [`Btree`] is one database file as one connection sees it. It owns everything below it; nothing is shared between
//! connections but what hangs off the [`kernite_io`] process value (the inode's WAL end, the page budget).
//!
//! Every method that may touch storage returns a [`Step`] and obeys the restart rule: after `Ok(None)` it is called
//! again with the same arguments, and until it is done it has changed nothing or keeps its progress in a struct it owns.
//!
//! Never: SQL, programs, schema names.
//! Spec: "Database File Format", "Write-Ahead Logging", "Atomic Commit In SQLite".
#![forbid(unsafe_code)]

pub mod btree;
pub mod collation;
pub mod encoding;
pub mod error;
pub mod page_no;
pub mod pager;
pub mod record;
mod transact;
pub mod tree;

pub use btree::{
    AutoVacuum, Btree, CheckpointMode, CheckpointOutcome, CursorId, CursorPosition, Entry, InsertFlags,
    IntegrityReport, JournalMode, Meta, OpenOptions, RowPayload, SeekOutcome, Synchronous, TransactionKind,
    TreeKind,
};
pub use collation::{Collate, Collation, KeyColumn, KeyInfo};
pub use encoding::Encoding;
pub use error::{Damage, Error, ReadOnlyReason};
pub use page_no::PageNo;
pub use pager::Pager;
pub use record::ValueRef;
pub use tree::LeafWalk;

/// What a storage function returns; see [`kernite_io::Step`].
pub type Step<T> = Result<Option<T>, Error>;
