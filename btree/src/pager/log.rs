//! The log seam: which version of page N a transaction sees, and what becomes of the pages that it changed.
//!
//! Two kinds: the rollback journal (pages change in the database file, old ones are kept in the journal until the commit) and the WAL (pages
//! are appended, the database file changes at a checkpoint). A third can be added here without touching the layers above.
//!
//! Never: frames, savepoints, B-trees.

use std::sync::Arc;

use kernite_io::File;

use super::journal::Journal;
use super::wal::Wal;
use crate::Error;
use crate::page_no::PageNo;

/// The kind of log in force.
pub(super) enum Log {
    Rollback(Journal),
    Wal(Box<Wal>),
}

/// Where a page's bytes are, as the transaction sees them.
pub(super) enum Located {
    Database,
    /// At this byte offset of the WAL.
    Wal(Arc<dyn File>, u64),
}

impl Log {
    /// The rollback journal. In WAL mode there is none: an error, and a bug of the caller.
    pub(super) fn journal(&mut self) -> Result<&mut Journal, Error> {
        match self {
            Log::Rollback(journal) => Ok(journal),
            Log::Wal(_) => Err(Error::Unsupported("a rollback journal in WAL mode")),
        }
    }

    /// The WAL, where that is the log in force.
    #[inline]
    pub(super) fn wal(&mut self) -> Option<&mut Wal> {
        match self {
            Log::Rollback(_) => None,
            Log::Wal(wal) => Some(wal),
        }
    }

    #[inline]
    pub(super) fn is_wal(&self) -> bool {
        matches!(self, Log::Wal(_))
    }

    /// Where `page` is to be read.
    #[inline]
    pub(super) fn locate(&mut self, page: PageNo) -> Result<Located, Error> {
        match self {
            Log::Rollback(_) => Ok(Located::Database),
            Log::Wal(wal) => wal.locate(page),
        }
    }
}
