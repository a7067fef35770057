//! Switching journal modes.
//!
//! ```text
//! Look first, where the header was not read yet.
//! rollback -> rollback   set; from TRUNCATE or PERSIST the file is removed, under RESERVED, if nobody uses it
//! rollback -> WAL        Begin -> Stamp (versions 2) -> Prepare -> Finish      the next transaction opens the WAL
//! WAL -> rollback        Open -> Exclusive -> Checkpoint -> RemoveWal -> Begin -> Stamp (versions 1) -> Prepare -> Finish
//! ```
//!
//! The versions in the file header tell everybody which mode a database is in; changing them is a transaction with a rollback journal. Leaving the
//! WAL keeps the EXCLUSIVE lock from the checkpoint to the end, so nobody sees the file between the modes.
//!
//! An error in between rolls the header change back; the mode in force is then what the header says.
//! Spec: `PRAGMA journal_mode`; Database File Format, "File format version numbers".

use kernite_io::{LockLevel, ready};

use crate::page_no::PageNo;
use crate::pager::begin::Begin;
use crate::pager::commit::{Finish, Prepare};
use crate::pager::journal::Journal;
use crate::pager::log::Log;
use crate::pager::rollback::Rollback;
use crate::pager::script::Script;
use crate::pager::wal::checkpoint::Checkpoint;
use crate::pager::{Pager, State, files};
use crate::{CheckpointMode, Error, JournalMode, Step, TransactionKind};

enum At {
    Look(Begin),
    Start,
    ReadFirst(Begin),
    RemoveJournal,
    Open(Begin),
    Exclusive,
    Checkpoint(Box<Checkpoint>),
    RemoveWal,
    Begin(Begin),
    Stamp,
    Prepare(Prepare),
    Finish(Finish),
    Undo(Rollback, Error),
    Done,
}

/// The script.
pub(in crate::pager) struct SetMode {
    pub(in crate::pager) target: JournalMode,
    at: At,
    /// A read transaction was open before, and stays open.
    reading: bool,
    before: JournalMode,
}

impl SetMode {
    fn new(pager: &Pager, target: JournalMode) -> SetMode {
        let reading = pager.state == State::Read;
        SetMode {
            target,
            at: At::Look(Begin::new(TransactionKind::Read)),
            reading,
            before: pager.settings.journal_mode,
        }
    }

    pub(in crate::pager) fn step(&mut self, pager: &mut Pager) -> Step<()> {
        loop {
            match self.run(pager) {
                Err(error) if pager.state == State::Write && !matches!(self.at, At::Undo(..)) => {
                    self.at = At::Undo(Rollback::new(), error);
                }
                Err(error) => {
                    self.leave(pager);
                    return Err(error);
                }
                other => return other,
            }
        }
    }

    fn run(&mut self, pager: &mut Pager) -> Step<()> {
        loop {
            self.at = match &mut self.at {
                At::Look(begin) => {
                    ready!(begin.step(pager));
                    pager.release_read();
                    At::Start
                }
                At::Start => self.start(pager),
                At::ReadFirst(begin) => {
                    ready!(begin.step(pager));
                    At::RemoveJournal
                }
                At::RemoveJournal => ready!(Self::remove_journal(pager)),
                At::Open(begin) => {
                    ready!(begin.step(pager));
                    pager.release_read();
                    if pager.files.as_ref().is_some_and(|files| files.log.is_wal()) {
                        At::Exclusive
                    } else {
                        pager.settings.journal_mode = self.target;
                        At::Done
                    }
                }
                At::Exclusive => {
                    let (files, _) = files(&mut pager.files, &mut pager.wait)?;
                    if let Err(error) = files.lock_exclusive() {
                        files.unlock(LockLevel::Shared);
                        return Err(error);
                    }
                    if let Log::Wal(wal) = &mut files.log {
                        wal.enter_exclusive();
                    }
                    At::Checkpoint(Box::new(Checkpoint::new(CheckpointMode::Passive)))
                }
                At::Checkpoint(checkpoint) => {
                    let result = checkpoint.step(pager);
                    if result.is_err() {
                        Self::stay(pager);
                    }
                    ready!(result);
                    At::RemoveWal
                }
                At::RemoveWal => {
                    let (files, wait) = files(&mut pager.files, &mut pager.wait)?;
                    let removed = wait.removed(|| files.io.remove(&files.wal_path, false));
                    if removed.is_err() {
                        // The index is still open, so that the WAL can be gone on with.
                        Self::stay(pager);
                    }
                    ready!(removed);
                    let (files, _) = self::files(&mut pager.files, &mut pager.wait)?;
                    if let Some(wal) = files.log.wal() {
                        wal.index.close(true)?;
                    }
                    files.log = Log::Rollback(Journal::default());
                    files.header = None;
                    pager.settings.journal_mode = self.target;
                    pager.leaving_wal = true;
                    At::Begin(Begin::new(TransactionKind::Write))
                }
                At::Begin(begin) => {
                    ready!(begin.step(pager));
                    At::Stamp
                }
                At::Stamp => ready!(self.stamp(pager)),
                At::Prepare(prepare) => {
                    ready!(prepare.step(pager));
                    At::Finish(Finish::new())
                }
                At::Finish(finish) => {
                    ready!(finish.step(pager));
                    pager.settings.journal_mode = self.target;
                    At::Done
                }
                At::Undo(rollback, error) => {
                    let error = error.clone();
                    match rollback.step(pager) {
                        Ok(None) => return Ok(None),
                        Ok(Some(())) => {}
                        Err(_) => pager.give_up_transaction(),
                    }
                    if self.target == JournalMode::Wal {
                        pager.settings.journal_mode = self.before;
                    }
                    return Err(error);
                }
                At::Done => {
                    self.leave(pager);
                    return Ok(Some(()));
                }
            };
        }
    }

    /// Which way to go. Where the switch is not possible the mode stays as it is.
    fn start(&mut self, pager: &mut Pager) -> At {
        let now = pager.journal_mode();
        if self.target != JournalMode::Wal {
            // Who chooses a mode does not want the one that new files begin with.
            pager.new_file_wal = false;
        }
        let in_place = |mode| matches!(mode, JournalMode::Truncate | JournalMode::Persist);
        let changes = pager.has_changes();
        let Some(files) = &mut pager.files else {
            let in_memory = matches!(self.target, JournalMode::Memory | JournalMode::Off);
            if self.target != JournalMode::Wal && (in_memory || pager.temp_io.is_some()) {
                pager.settings.journal_mode = self.target;
            }
            return At::Done;
        };
        if now == self.target || changes {
            return At::Done;
        }
        if self.target == JournalMode::Wal {
            if files.immutable || (files.no_lock && !pager.settings.exclusive) {
                return At::Done;
            }
            // The journal of this one transaction is removed at its end, whatever the mode was.
            pager.settings.journal_mode = JournalMode::Delete;
            return At::Begin(Begin::new(TransactionKind::Write));
        }
        if now == JournalMode::Wal {
            return At::Open(Begin::new(TransactionKind::Read));
        }
        pager.settings.journal_mode = self.target;
        let exclusive = pager.settings.exclusive;
        if let Log::Rollback(journal) = &mut files.log
            && (!in_place(self.target) && !exclusive || !pager.settings.journal_has_file())
        {
            journal.file = None;
        }
        if in_place(now) && !in_place(self.target) && !exclusive {
            At::ReadFirst(Begin::new(TransactionKind::Read))
        } else {
            At::Done
        }
    }

    /// Removes the file that TRUNCATE or PERSIST left, where nobody is using it. An optimisation: whether it works does not matter.
    fn remove_journal(pager: &mut Pager) -> Step<At> {
        let (files, wait) = files(&mut pager.files, &mut pager.wait)?;
        if files.main.lock_level() < LockLevel::Reserved {
            // A hot journal must not be removed: the read transaction has looked for one, and under RESERVED nobody else makes one.
            if files.lock(LockLevel::Reserved).is_err() {
                return Ok(Some(At::Done));
            }
        }
        if let Ok(None) = wait.removed(|| files.io.remove(&files.journal_path, false)) {
            return Ok(None);
        }
        files.unlock(LockLevel::Shared);
        Ok(Some(At::Done))
    }

    fn stamp(&mut self, pager: &mut Pager) -> Step<At> {
        let version = if self.target == JournalMode::Wal { 2 } else { 1 };
        let frame = ready!(pager.get(PageNo::ONE));
        if pager.page(frame)[18..20] != [version, version] {
            let (bytes, _) = pager.write_in_place(frame)?;
            bytes[18..20].fill(version);
        }
        Ok(Some(At::Prepare(Prepare::new(None))))
    }

    /// The checkpoint failed, or the WAL cannot be removed: it stays.
    fn stay(pager: &mut Pager) {
        if let Some(files) = &mut pager.files
            && let Log::Wal(wal) = &mut files.log
            && !pager.settings.exclusive
            && wal.leave_exclusive()
        {
            files.unlock(LockLevel::Shared);
        }
    }

    fn leave(&mut self, pager: &mut Pager) {
        pager.leaving_wal = false;
        if !self.reading && pager.state != State::Write {
            pager.release_read();
        }
    }
}

impl Pager {
    /// The journal mode in force, as far as a transaction has seen it.
    pub fn journal_mode(&self) -> JournalMode {
        match &self.files {
            Some(files) if files.log.is_wal() => JournalMode::Wal,
            Some(files) if files.header.is_some_and(|header| header.wants_wal && !files.immutable) => {
                JournalMode::Wal
            }
            None if self.temp_io.is_none() && self.settings.journal_mode != JournalMode::Off => {
                JournalMode::Memory
            }
            _ => self.settings.journal_mode,
        }
    }

    /// Switches the journal mode where that is possible now; the mode in force afterwards. Into and out of WAL mode no transaction may be
    /// open. [`Error::Busy`] where another connection is in the way.
    pub fn set_journal_mode(&mut self, mode: JournalMode) -> Step<JournalMode> {
        let script = SetMode::new(self, mode);
        ready!(self.drive(
            || Script::SetMode(script),
            |left| matches!(left, Script::SetMode(set) if set.target == mode),
        ));
        Ok(Some(self.journal_mode()))
    }
}
