//! The rollback journal: pages as they were, written before the database file is overwritten.
//!
//! ```text
//! change -> note (memory) -> Flush (journal file, synced) -> database pages -> End (the commit point)
//!                                                      \-> Playback: the pages go back, then End
//! ```
//!
//! Images are noted in memory, which cannot fail, and reach the file in one write, before the first database page does. In the modes
//! MEMORY and OFF there is no file: images stay in memory, or are not taken at all.
//!
//! Always true: no page of the database file is written in a transaction while an image of it is noted and not flushed.
//!
//! Rooms: `format` (the bytes), `write` (flushing), `end` (the commit point, mode by mode), `playback` (putting pages back),
//! `super_journal` (transactions over several files), `mode` (switching modes).

pub(super) mod end;
pub(super) mod format;
pub(super) mod mode;
pub(super) mod playback;
pub(super) mod super_journal;
pub(super) mod write;

use std::sync::Arc;

use kernite_io::{Buffer, File};

use super::cache::Cache;
use crate::page_no::PageNo;

/// A page as it was before the transaction.
pub(super) struct JournalImage {
    pub(super) page: PageNo,
    pub(super) buffer: Buffer,
}

/// The journal of one transaction, and the file where it is kept open.
#[derive(Default)]
pub(super) struct Journal {
    /// Open from the first flush to the end of the transaction; in exclusive locking mode longer.
    pub(super) file: Option<Arc<dyn File>>,
    /// Images that are not in the file.
    pub(super) images: Vec<JournalImage>,
    /// Pages of the database before the transaction.
    pub(super) page_count: u32,
    nonce: u32,
    /// Where the segment's header is.
    header_at: u64,
    /// Where the next record goes; 0 before the first header.
    end: u64,
    /// Records of the segment that are in the file.
    records: u32,
    /// The segment's header has no magic yet: until it is sealed the segment is not there.
    unsealed: bool,
    /// The segment's header was written and more records may follow it.
    segment_open: bool,
    /// All that was written was synced, as far as the mode asks for it.
    synced: bool,
    /// The file had this many bytes when it was opened: what lies behind our records is of an earlier transaction.
    stale_until: u64,
    /// Whether the file was there when the transaction began.
    pub(super) existed: bool,
    /// This connection made the file's directory entry durable, and has not removed the file since.
    directory_synced: bool,
    /// The journal names a super-journal.
    pub(super) has_super: bool,
}

impl Journal {
    /// Forgets the transaction. Keeps the file.
    pub(super) fn reset(&mut self, cache: &mut Cache) {
        for image in self.images.drain(..) {
            cache.recycle(image.buffer);
        }
        self.header_at = 0;
        self.end = 0;
        self.records = 0;
        self.unsealed = false;
        self.segment_open = false;
        self.synced = false;
        self.has_super = false;
    }

    /// Whether something of this transaction is in the file.
    pub(super) fn is_started(&self) -> bool {
        self.end > 0
    }
}
