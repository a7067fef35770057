//! Closing a database.
//!
//! ```text
//! Rollback -> Exclusive --others are there-----------------> Unmap -> gone
//!                 '-- last one: Checkpoint -> RemoveIndex -> RemoveWal -^
//! ```
//!
//! Whoever gets the EXCLUSIVE lock is the last connection to a WAL database: it copies everything into the database file and removes WAL and
//! index. It does not where the file was renamed or removed under it: another database may be at that path by now.
//!
//! Nothing that fails here is lost: a WAL that stays is recovered by the next connection.
//! Spec: "Write-Ahead Logging", "Checkpointing", "The WAL File".

use kernite_io::{LockLevel, ready};

use super::files::files;
use super::log::Log;
use super::rollback::Rollback;
use super::script::Script;
use super::wal::checkpoint::Checkpoint;
use super::{Pager, State};
use crate::{CheckpointMode, Step};

enum At {
    Start,
    Rollback(Box<Rollback>),
    Exclusive,
    Checkpoint(Box<Checkpoint>),
    RemoveWal,
    Cut,
    Unmap,
}

/// The script.
pub(super) struct Close {
    at: At,
}

impl Close {
    pub(super) fn step(&mut self, pager: &mut Pager) -> Step<()> {
        loop {
            self.at = match &mut self.at {
                At::Start if pager.state == State::Write => At::Rollback(Box::new(Rollback::new())),
                At::Start => At::Exclusive,
                At::Rollback(rollback) => match rollback.step(pager) {
                    Ok(None) => return Ok(None),
                    Ok(Some(())) => At::Exclusive,
                    Err(_) => {
                        pager.give_up_transaction();
                        At::Exclusive
                    }
                },
                At::Exclusive => Self::exclusive(pager),
                At::Checkpoint(checkpoint) => match checkpoint.step(pager) {
                    Ok(None) => return Ok(None),
                    Ok(Some(())) if pager.keep_wal => At::Cut,
                    Ok(Some(())) => Self::remove_index(pager),
                    Err(_) if kernite_io::planted!(LogRemovedUncopied) => Self::remove_index(pager),
                    Err(_) => At::Unmap,
                },
                At::RemoveWal => {
                    let (files, wait) = files(&mut pager.files, &mut pager.wait)?;
                    if let Ok(None) = wait.removed(|| files.io.remove(&files.wal_path, false)) {
                        return Ok(None);
                    }
                    At::Unmap
                }
                At::Cut => {
                    let limited = pager.settings.journal_size_limit >= 0;
                    let (files, wait) = files(&mut pager.files, &mut pager.wait)?;
                    if let (true, Log::Wal(wal)) = (limited, &files.log)
                        && let Ok(None) = wait.unit(|| wal.file.truncate(0))
                    {
                        return Ok(None);
                    }
                    At::Unmap
                }
                At::Unmap => {
                    pager.let_go();
                    return Ok(Some(()));
                }
            };
        }
    }

    fn exclusive(pager: &mut Pager) -> At {
        pager.release_read();
        let checkpoints = !pager.no_checkpoint_on_close;
        let Some(files) = &mut pager.files else { return At::Unmap };
        let Log::Wal(wal) = &mut files.log else { return At::Unmap };
        if !checkpoints
            || files.main.lock(LockLevel::Exclusive).is_err()
            || !files.main.still_linked().unwrap_or(false)
        {
            return At::Unmap;
        }
        wal.enter_exclusive();
        At::Checkpoint(Box::new(Checkpoint::new(CheckpointMode::Passive)))
    }

    fn remove_index(pager: &mut Pager) -> At {
        match pager.files.as_mut().and_then(|files| files.log.wal()) {
            Some(wal) => {
                // An index that stays is never trusted: the next connection builds its own.
                let _ = wal.index.close(true);
                At::RemoveWal
            }
            None => At::Unmap,
        }
    }
}

impl Pager {
    /// Closes everything. An open transaction is rolled back. The last connection to a WAL database checkpoints it and removes the WAL.
    pub fn close(&mut self) -> Step<()> {
        if self.files.is_none() {
            self.let_go();
            return Ok(Some(()));
        }
        ready!(
            self.drive(|| Script::Close(Close { at: At::Start }), |left| matches!(left, Script::Close(_)))
        );
        Ok(Some(()))
    }

    /// Passes a hint to the file; whether it is open.
    pub fn control(&mut self, op: kernite_io::FileControl) -> bool {
        if let kernite_io::FileControl::PersistWal(keep) = op {
            self.set_keep_wal(keep);
        }
        let Some(files) = &self.files else { return false };
        files.main.control(op);
        true
    }

    /// Whether WAL and index stay when the last connection closes.
    pub fn keeps_wal(&self) -> bool {
        self.keep_wal
    }

    /// Whether overwriting one range of the file damages nothing outside it.
    pub fn is_powersafe(&self) -> bool {
        self.files.as_ref().is_none_or(|files| files.main.device().powersafe_overwrite)
    }

    /// Keeps WAL and index when the last connection closes (`SQLITE_FCNTL_PERSIST_WAL`).
    pub fn set_keep_wal(&mut self, keep: bool) {
        self.keep_wal = keep;
    }

    /// Does not checkpoint when the last connection closes (`SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE`).
    pub fn set_no_checkpoint_on_close(&mut self, on: bool) {
        self.no_checkpoint_on_close = on;
    }

    fn let_go(&mut self) {
        self.state = State::None;
        self.close_levels();
        self.reset_cache();
        self.cache.drop_free();
        self.set_page_count_raw(0);
        self.temp = None;
        if let Some(mut files) = self.files.take() {
            if let Log::Wal(wal) = &mut files.log {
                // The mapping goes with the handle in any case.
                let _ = wal.index.close(false);
            }
            files.unlock(LockLevel::None);
        }
    }
}
