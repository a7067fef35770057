//! Rolling a transaction back.
//!
//! ```text
//! private database         images of the transaction's own level go back
//! file not written yet     changed frames are dropped; the journal, where it was opened, ends
//! file written             Playback of the journal file      mode MEMORY: Images -> Cut -> Sync
//! WAL                      frames appended since are forgotten
//! ```
//!
//! After an error that left the cache in doubt this is also what makes the pager usable again. Where the rollback itself fails, everything is let
//! go: the journal is hot, and whoever begins next plays it back.
//!
//! Spec: "Atomic Commit In SQLite", "Rollback".

use kernite_io::{IoSlice, LockLevel, ready};

use super::files::files;
use super::journal::end::End;
use super::journal::playback::Playback;
use super::log::Log;
use super::script::Script;
use super::wal;
use super::{Pager, State};
use crate::{Error, JournalMode, Step};

enum At {
    Start,
    Private,
    Playback(Playback),
    Images(usize),
    Cut,
    Sync,
    End(End),
    Wal(wal::write::Undo),
    Tidy,
}

/// The script.
pub(super) struct Rollback {
    at: At,
}

impl Rollback {
    pub(super) fn new() -> Rollback {
        Rollback { at: At::Start }
    }

    pub(super) fn step(&mut self, pager: &mut Pager) -> Step<()> {
        loop {
            self.at = match &mut self.at {
                At::Start => {
                    if pager.state != State::Write {
                        pager.error = None;
                        return Ok(Some(()));
                    }
                    Self::start(pager)?
                }
                At::Private => {
                    ready!(pager.restore_level(0));
                    At::Tidy
                }
                At::Playback(playback) => {
                    ready!(playback.step(pager));
                    At::Tidy
                }
                At::Images(next) => {
                    ready!(Self::write_images(pager, next));
                    At::Cut
                }
                At::Cut => {
                    let len = u64::from(pager.transaction.page_count) * pager.page_size() as u64;
                    let (files, wait) = files(&mut pager.files, &mut pager.wait)?;
                    ready!(wait.unit(|| files.main.truncate(len)));
                    At::Sync
                }
                At::Sync => {
                    if pager.settings.syncs() {
                        let (files, wait) = files(&mut pager.files, &mut pager.wait)?;
                        ready!(wait.unit(|| files.main.sync(true)));
                    }
                    At::Tidy
                }
                At::End(end) => {
                    ready!(end.step(pager));
                    At::Tidy
                }
                At::Wal(undo) => {
                    ready!(undo.step(pager));
                    At::Tidy
                }
                At::Tidy => {
                    pager.forget_transaction();
                    return Ok(Some(()));
                }
            };
        }
    }

    fn start(pager: &mut Pager) -> Result<At, Error> {
        pager.abort_change();
        let Some(files) = &mut pager.files else {
            return Ok(At::Private);
        };
        if let Log::Wal(_) = &files.log {
            return Ok(At::Wal(wal::write::Undo::new()));
        }
        Ok(match (pager.transaction.file_written, pager.settings.journal_mode) {
            (false, _) => At::End(End::new()),
            (true, JournalMode::Memory) => At::Images(0),
            // Nothing was kept: what the file holds is what there is.
            (true, JournalMode::Off) => return Err(Error::AbortRollback),
            (true, _) => At::Playback(Playback::new()),
        })
    }

    fn write_images(pager: &mut Pager, next: &mut usize) -> Step<()> {
        let page_bytes = pager.page_size() as u64;
        let (files, wait) = files(&mut pager.files, &mut pager.wait)?;
        loop {
            let Some(image) = files.log.journal()?.images.get(*next) else { return Ok(Some(())) };
            let at = u64::from(image.page.get() - 1) * page_bytes;
            let buffer = image.buffer.clone();
            let main = &files.main;
            ready!(wait.unit(|| main.write(at, vec![IoSlice::whole(buffer)])));
            *next += 1;
        }
    }
}

impl Pager {
    /// Rolls the transaction back; a read transaction stays open. Also takes the pager out of its error state.
    pub fn rollback(&mut self) -> Step<()> {
        self.drive(|| Script::Rollback(Rollback::new()), |left| matches!(left, Script::Rollback(_)))
    }

    /// The cache cannot be trusted any more: every access fails with `error` until the transaction is rolled back.
    #[cold]
    pub(super) fn enter_error_state(&mut self, error: &Error) {
        // Waiting for a lock is no damage.
        if self.state == State::Write && !matches!(error, Error::Busy) {
            self.error = Some(error.clone());
            self.set_page_count_raw(self.page_count);
        }
    }

    /// After a rollback: the database is as it was at the transaction's beginning.
    fn forget_transaction(&mut self) {
        let doubtful = self.transaction.file_written || self.error.is_some();
        self.error = None;
        self.close_levels();
        self.freed.clear();
        self.state = State::Read;
        self.cache.end_stamps();
        self.transaction.header = None;
        self.transaction.prepared = false;
        self.transaction.image = None;
        self.copied = 0;
        let before = self.transaction.page_count;
        if self.files.is_none() {
            self.set_page_count_raw(self.page_count);
            return;
        }
        let header = self.files.as_ref().and_then(|files| files.header);
        if doubtful {
            self.cache.clear();
        } else {
            for id in self.cache.take_dirty() {
                self.cache.detach(id);
            }
        }
        self.set_page_count_raw(before);
        self.drop_frames_past(before);
        let exclusive = self.settings.exclusive;
        let Some(files) = &mut self.files else { return };
        files.header = header;
        match &mut files.log {
            Log::Wal(wal) => wal.end_write(),
            Log::Rollback(journal) => {
                journal.reset(&mut self.cache);
                if !exclusive {
                    files.unlock(LockLevel::Shared);
                }
            }
        }
        self.apply_cache_size();
    }

    /// A rollback failed. Nothing in memory is kept; the next transaction finds the journal hot.
    #[cold]
    pub(super) fn give_up_transaction(&mut self) {
        self.close_levels();
        self.freed.clear();
        self.error = None;
        self.transaction = super::Transaction::default();
        self.cache.end_stamps();
        self.state = State::None;
        self.reset_cache();
        self.set_page_count_raw(0);
        let Some(files) = &mut self.files else { return };
        match &mut files.log {
            Log::Wal(wal) => {
                wal.end_write();
                wal.end_read();
            }
            Log::Rollback(journal) => {
                journal.reset(&mut self.cache);
                journal.file = None;
                files.unlock(LockLevel::None);
            }
        }
    }
}
