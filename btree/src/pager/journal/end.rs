//! Ending the journal: the commit point of a transaction on one file, and the last step of a rollback.
//!
//! ```text
//! DELETE     Remove (EXTRA: with the directory synced)
//! TRUNCATE   Truncate -> Sync (not OFF)
//! PERSIST    Zero or Truncate -> Sync (not OFF) -> Limit -> Cut      also in exclusive locking mode, which keeps the file
//! ```
//!
//! TRUNCATE and PERSIST sync in NORMAL as well: the next journal is written into the same file, and what a power loss makes of two of them must not
//! look like one. DELETE makes the removal durable in NORMAL and FULL only where the database file is cut afterwards.
//!
//! Before: the database file is as the journal's end makes it (new pages or old ones), synced as far as the mode asks. After: the journal is not
//! hot, the transaction's notes are gone.
//!
//! Spec: "Atomic Commit In SQLite", "Deleting The Rollback Journal"; `PRAGMA journal_mode`, `PRAGMA journal_size_limit`.

use kernite_io::{Buffer, IoSlice, ready};

use super::format;
use crate::pager::{Pager, files};
use crate::{JournalMode, Step};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Start,
    Remove,
    Truncate,
    Zero,
    Sync,
    Limit,
    Cut(u64),
    Close,
}

/// The script.
pub(in crate::pager) struct End {
    at: At,
    /// Nothing of this journal is left in the file.
    emptied: bool,
}

impl End {
    pub(in crate::pager) fn new() -> End {
        End { at: At::Start, emptied: false }
    }

    pub(in crate::pager) fn step(&mut self, pager: &mut Pager) -> Step<()> {
        loop {
            self.at = match self.at {
                At::Start => Self::start(pager)?,
                At::Remove => ready!(Self::remove(pager)),
                At::Truncate => {
                    let (files, wait) = files(&mut pager.files, &mut pager.wait)?;
                    if let Some(file) = &files.log.journal()?.file {
                        ready!(wait.unit(|| file.truncate(0)));
                    }
                    self.emptied = true;
                    At::Sync
                }
                At::Zero => {
                    let (files, wait) = files(&mut pager.files, &mut pager.wait)?;
                    if let Some(file) = &files.log.journal()?.file {
                        let zeros = || vec![IoSlice::whole(Buffer::zeroed(format::HEADER_BYTES))];
                        ready!(wait.unit(|| file.write(0, zeros())));
                    }
                    At::Sync
                }
                At::Sync => ready!(Self::sync(pager)),
                At::Limit => ready!(Self::limit(pager)),
                At::Cut(len) => {
                    let (files, wait) = files(&mut pager.files, &mut pager.wait)?;
                    if let Some(file) = &files.log.journal()?.file {
                        ready!(wait.unit(|| file.truncate(len)));
                    }
                    At::Close
                }
                At::Close => {
                    let exclusive = pager.settings.exclusive;
                    let (files, _) = files(&mut pager.files, &mut pager.wait)?;
                    let journal = files.log.journal()?;
                    journal.reset(&mut pager.cache);
                    if self.emptied {
                        journal.forget_stale();
                    }
                    if !exclusive {
                        // Another connection may remove the file once we hold no lock.
                        journal.file = None;
                    }
                    return Ok(Some(()));
                }
            };
        }
    }

    fn start(pager: &mut Pager) -> Result<At, crate::Error> {
        let (mode, exclusive, limit) =
            (pager.settings.journal_mode, pager.settings.exclusive, pager.settings.journal_size_limit);
        let (files, _) = files(&mut pager.files, &mut pager.wait)?;
        let journal = files.log.journal()?;
        if journal.file.is_none() {
            return Ok(At::Close);
        }
        Ok(match mode {
            JournalMode::Truncate => At::Truncate,
            JournalMode::Persist => {
                if journal.has_super || limit == 0 {
                    At::Truncate
                } else {
                    At::Zero
                }
            }
            _ if exclusive && mode != JournalMode::Wal => {
                if journal.has_super || limit == 0 {
                    At::Truncate
                } else {
                    At::Zero
                }
            }
            _ => At::Remove,
        })
    }

    /// The database file is going to be cut, and the journal does not hold the pages that go: a journal that came back after a power loss
    /// could not restore them, so its end has to be durable first.
    fn before_cut(pager: &Pager) -> bool {
        let transaction = &pager.transaction;
        let cuts = pager.page_count < transaction.file_pages || transaction.image.is_some();
        pager.settings.syncs() && transaction.prepared && cuts
    }

    fn remove(pager: &mut Pager) -> Step<At> {
        let durable = pager.settings.syncs_directory_at_end() || Self::before_cut(pager);
        let durable = durable && !kernite_io::planted!(JournalRemovalNotDurable);
        let (files, wait) = files(&mut pager.files, &mut pager.wait)?;
        let path = &files.journal_path;
        let journal = files.log.journal()?;
        journal.file = None;
        ready!(wait.removed(|| files.io.remove(path, durable)));
        journal.directory_synced = false;
        Ok(Some(At::Close))
    }

    fn sync(pager: &mut Pager) -> Step<At> {
        let truncate_mode = pager.settings.journal_mode == JournalMode::Truncate;
        let wanted = pager.settings.syncs() && !kernite_io::planted!(JournalEndNotSynced);
        let limited = !truncate_mode && pager.settings.journal_size_limit > 0;
        let (files, wait) = files(&mut pager.files, &mut pager.wait)?;
        if wanted && let Some(file) = &files.log.journal()?.file {
            ready!(wait.unit(|| file.sync(true)));
        }
        Ok(Some(if limited { At::Limit } else { At::Close }))
    }

    fn limit(pager: &mut Pager) -> Step<At> {
        let limit = pager.settings.journal_size_limit.max(0) as u64;
        let (files, wait) = files(&mut pager.files, &mut pager.wait)?;
        let Some(file) = &files.log.journal()?.file else { return Ok(Some(At::Close)) };
        let len = ready!(wait.length(|| file.len()));
        Ok(Some(if len > limit { At::Cut(limit) } else { At::Close }))
    }
}
