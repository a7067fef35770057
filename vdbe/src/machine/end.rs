//! How a statement ends: what of its work stays, what is undone, and what is counted.
//!
//! ```text
//! start ─> [rollback of everything] ─> [commit hook] ─> [commit] ─> [statement savepoint released or rolled back] ─> over
//! ```
//!
//! | stage       | what holds in it                                                                            |
//! |-------------|---------------------------------------------------------------------------------------------|
//! | `Decide`    | cursors are closed, frames unwound; nothing is undone or committed yet                        |
//! | `Hook`      | the commit hook has been called; a veto arrives as a failure                                  |
//! | `Commit`    | the host's script runs; until it is done nothing is visible to others                         |
//! | `Rollback`  | the host's script runs; the transaction will be gone                                          |
//! | `Savepoint` | databases below `db` have closed the statement savepoint                                      |
//! | `Account`   | storage is done; counters are set, the statement counts no more among those that run          |
//!
//! The rules are SQLite's: an error undoes the statement (ABORT), nothing (FAIL) or the transaction (ROLLBACK); I/O errors, a full
//! disk and lack of memory undo the transaction unless a statement savepoint can be undone in its place; in autocommit mode the last writer
//! commits.
//!
//! Never: how files are committed.

use kernite_btree::{Error as StorageError, TransactionKind};
use kernite_io::ready;

use crate::host::{Host, Storage};
use crate::op::{HaltCode, OnConflict, SavepointAction};
use crate::{Error, Step};

use super::slot::wrong_kind;
use super::transaction::TransactionEnd;
use super::{Event, Hook, Machine, Phase};

/// Primary result codes that rules speak of.
const BUSY: i32 = 5;
const NOMEM: i32 = 7;
const INTERRUPT: i32 = 9;
const IOERR: i32 = 10;
const FULL: i32 = 13;
const SCHEMA: i32 = 17;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Decide,
    Hook,
    Commit,
    Rollback,
    Savepoint,
    Account,
}

/// The end of a run, under way.
#[derive(Debug, Default)]
pub(super) struct Ending {
    stage: Stage,
    /// What the statement failed with.
    error: Option<Error>,
    action: OnConflict,
    /// What becomes of the statement savepoint.
    savepoint: Option<SavepointAction>,
    /// The next database whose statement savepoint is closed.
    db: usize,
    /// Nothing of the changes stays: they do not count.
    undone: bool,
    /// COMMIT, ROLLBACK or the release of the outermost savepoint asked for this end.
    transaction: Option<TransactionEnd>,
}

impl Machine {
    /// The run is to end, with or without an error.
    pub(super) fn start_ending(&mut self, error: Option<Error>, action: OnConflict) {
        self.ending = Ending { error, action, ..Ending::default() };
        self.phase = Phase::Ending;
    }

    /// The run is to end because the transaction does.
    pub(super) fn start_ending_transaction(&mut self, end: TransactionEnd) {
        self.ending = Ending { transaction: Some(end), ..Ending::default() };
        self.phase = Phase::Ending;
    }

    /// Brings the run to its end.
    pub(super) fn end(&mut self, storage: &mut Storage, host: &mut dyn Host) -> Step<Event> {
        loop {
            match self.ending.stage {
                Stage::Decide => self.decide(storage, host),
                Stage::Hook => {
                    self.ending.stage = Stage::Commit;
                    if host.state().hooks.commit && commits_a_write(storage) {
                        return Ok(Some(Event::Hook(Hook::Commit)));
                    }
                }
                Stage::Commit => {
                    if let Some(event) = ready!(self.commit(storage, host)) {
                        return Ok(Some(event));
                    }
                }
                Stage::Rollback => {
                    ready!(host.rollback(storage));
                    let state = host.state_mut();
                    state.close_savepoints();
                    state.clear_deferred();
                    state.autocommit = true;
                    self.run.savepoint = None;
                    self.ending.undone = true;
                    self.ending.stage = Stage::Account;
                }
                Stage::Savepoint => {
                    if let Err(error) = self.close_savepoint(storage, host) {
                        // A savepoint that cannot be closed takes the transaction with it.
                        self.ending.error.get_or_insert(error);
                        self.ending.stage = Stage::Rollback;
                    } else if self.ending.stage == Stage::Savepoint {
                        return Ok(None);
                    }
                }
                Stage::Account => return self.account(host),
            }
        }
    }

    /// Decides what is undone or committed.
    fn decide(&mut self, storage: &mut Storage, host: &mut dyn Host) {
        self.unwind(storage, host);
        self.frame.close_cursors(storage);
        if self.ending.error.is_some() {
            self.frame.abandon_groups();
        }
        self.run.part = 0;
        self.run.candidate = None;
        let flags = self.program.flags;
        let ending = &mut self.ending;
        if !flags.reads() {
            ending.stage = Stage::Account;
            return;
        }
        let code = ending.error.as_ref().map_or(0, |error| error.code() & 0xff);
        let is_special = matches!(code, NOMEM | IOERR | INTERRUPT | FULL);
        let mut roll_back_statement = false;
        if is_special && (!flags.read_only || code != INTERRUPT) {
            if matches!(code, NOMEM | FULL) && self.run.savepoint.is_some() {
                roll_back_statement = true;
            } else {
                ending.stage = Stage::Rollback;
                return;
            }
        }
        let keeps_changes = ending.error.is_none() || ending.action == OnConflict::Fail && !is_special;
        if keeps_changes && self.run.foreign_key_violations > 0 {
            *ending = Ending {
                error: Some(foreign_key_error()),
                transaction: ending.transaction,
                ..Ending::default()
            };
            return self.decide_failed_constraint(host);
        }
        let state = host.state();
        let is_last_writer = state.writers == u32::from(!flags.read_only && self.run.is_counted);
        if state.autocommit && is_last_writer {
            if keeps_changes {
                if state.deferred + state.deferred_immediate > 0 {
                    ending.error = Some(foreign_key_error());
                    ending.stage = if flags.read_only { Stage::Account } else { Stage::Rollback };
                } else {
                    ending.stage = Stage::Hook;
                }
            } else if code == SCHEMA && state.active > 1 {
                self.run.changes = 0;
                ending.stage = Stage::Account;
            } else {
                ending.stage = Stage::Rollback;
            }
        } else if roll_back_statement {
            ending.savepoint = Some(SavepointAction::Rollback);
            ending.stage = Stage::Savepoint;
        } else if ending.error.is_none() || ending.action == OnConflict::Fail {
            ending.savepoint = Some(SavepointAction::Release);
            ending.stage = Stage::Savepoint;
        } else if matches!(ending.action, OnConflict::Abort | OnConflict::Ignore | OnConflict::Replace) {
            ending.savepoint = Some(SavepointAction::Rollback);
            ending.stage = Stage::Savepoint;
        } else {
            ending.stage = Stage::Rollback;
        }
    }

    /// Immediate foreign keys are violated at the end: the statement is undone.
    fn decide_failed_constraint(&mut self, host: &mut dyn Host) {
        let state = host.state();
        let is_last_writer = state.writers == u32::from(!self.program.flags.read_only && self.run.is_counted);
        if state.autocommit && is_last_writer {
            self.ending.stage = Stage::Rollback;
        } else {
            self.ending.savepoint = Some(SavepointAction::Rollback);
            self.ending.stage = Stage::Savepoint;
        }
    }

    fn commit(&mut self, storage: &mut Storage, host: &mut dyn Host) -> Step<Option<Event>> {
        if let Some((error, _)) = self.run.failure.take() {
            // The commit hook said no.
            self.ending.error = Some(error);
            self.ending.stage = Stage::Rollback;
            return Ok(Some(None));
        }
        match host.commit(storage) {
            Ok(None) => return Ok(None),
            Ok(Some(())) => {
                let state = host.state_mut();
                state.clear_deferred();
                state.statement_savepoints = 0;
                self.run.savepoint = None;
                self.ending.stage = Stage::Account;
            }
            Err(error) if error.code() & 0xff == BUSY => {
                if !std::mem::take(&mut self.run.gave_up) {
                    return Ok(Some(Some(Event::Busy)));
                }
                if self.program.flags.read_only {
                    // COMMIT may be tried again: the transaction stays, the statement stands where it stood.
                    if let Some(end) = self.ending.transaction {
                        end.undo(host.state_mut());
                    }
                    self.ending = Ending::default();
                    self.phase = Phase::Running;
                    return Err(error);
                }
                self.ending.error = Some(error);
                self.ending.stage = Stage::Rollback;
            }
            Err(error) => {
                self.ending.error = Some(error);
                self.ending.stage = Stage::Rollback;
            }
        }
        Ok(Some(None))
    }

    /// Releases or rolls back the statement savepoint, database by database. The stage tells whether it is done.
    fn close_savepoint(&mut self, storage: &mut Storage, host: &mut dyn Host) -> Result<(), Error> {
        let Some(savepoint) = self.run.savepoint else {
            self.ending.undone = self.ending.savepoint == Some(SavepointAction::Rollback);
            self.ending.stage = Stage::Account;
            return Ok(());
        };
        let roll_back = self.ending.savepoint == Some(SavepointAction::Rollback);
        while let Some(slot) = storage.databases.get_mut(self.ending.db) {
            if let Some(btree) = slot
                && btree.transaction().is_some_and(|kind| kind != TransactionKind::Read)
            {
                if roll_back
                    && !kernite_io::planted!(StatementNotUndone)
                    && btree.savepoint_rollback(savepoint.index)?.is_none()
                {
                    return Ok(());
                }
                if btree.savepoint_release(savepoint.index)?.is_none() {
                    return Ok(());
                }
            }
            self.ending.db += 1;
        }
        let action = if roll_back { SavepointAction::Rollback } else { SavepointAction::Release };
        host.vtab_savepoint(action, savepoint.index)?;
        let state = host.state_mut();
        state.statement_savepoints = state.statement_savepoints.saturating_sub(1);
        if roll_back {
            state.deferred = savepoint.deferred;
            state.deferred_immediate = savepoint.deferred_immediate;
        }
        self.run.savepoint = None;
        self.ending.undone = roll_back;
        self.ending.stage = Stage::Account;
        Ok(())
    }

    fn account(&mut self, host: &mut dyn Host) -> Step<Event> {
        let flags = self.program.flags;
        let state = host.state_mut();
        if flags.counts_changes {
            state.set_changes(if self.ending.undone { 0 } else { self.run.changes });
        }
        self.run.changes = 0;
        if std::mem::take(&mut self.run.is_counted) {
            state.active = state.active.saturating_sub(1);
            state.readers = state.readers.saturating_sub(u32::from(flags.reads()));
            state.writers = state.writers.saturating_sub(u32::from(!flags.read_only));
        }
        if let Some(end) = self.ending.transaction.take()
            && self.ending.error.is_none()
        {
            end.finish(state);
        }
        self.phase = Phase::Over;
        match self.ending.error.take() {
            Some(error) => Err(error),
            None => Ok(Some(Event::Done)),
        }
    }
}

/// Whether any database has something to commit.
fn commits_a_write(storage: &Storage) -> bool {
    storage
        .databases
        .iter()
        .flatten()
        .any(|btree| btree.transaction().is_some_and(|kind| kind != TransactionKind::Read))
}

/// `FOREIGN KEY constraint failed`.
pub(super) fn foreign_key_error() -> Error {
    Error::with_code(HaltCode::ForeignKey.result_code(), "FOREIGN KEY constraint failed")
}

/// The error of a Halt instruction.
pub(super) fn halt_error(code: HaltCode, text: Option<&[u8]>) -> Error {
    let text = text.map(String::from_utf8_lossy);
    let kind = match code {
        HaltCode::NotNull => "NOT NULL",
        HaltCode::Unique | HaltCode::PrimaryKey | HaltCode::RowId => "UNIQUE",
        HaltCode::Check => "CHECK",
        HaltCode::ForeignKey => "FOREIGN KEY",
        HaltCode::Ok => return wrong_kind(),
        HaltCode::CorruptIndex => {
            return Error::with_code(code.result_code(), "database disk image is malformed");
        }
        _ => {
            let fallback = match code {
                HaltCode::Mismatch => "datatype mismatch",
                HaltCode::ReadOnly => "attempt to write a readonly database",
                HaltCode::Auth => "authorization denied",
                HaltCode::Error => "SQL logic error",
                _ => "constraint failed",
            };
            let text = text.map_or_else(|| fallback.to_owned(), |text| text.into_owned());
            return Error::with_code(code.result_code(), text);
        }
    };
    let message = match text {
        Some(text) => format!("{kind} constraint failed: {text}"),
        None => format!("{kind} constraint failed"),
    };
    Error::with_code(code.result_code(), message)
}

/// Whether an error is only that a lock is in the way.
pub(super) fn is_busy(error: &StorageError) -> bool {
    matches!(error, StorageError::Busy | StorageError::BusyRecovery)
}
