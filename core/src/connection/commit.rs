//! Commit and rollback over all databases of a connection.
//!
//! ```text
//! Start ─> [Locks ─> SuperName ─> SuperCreate] ─> Prepare ─> [SuperRemove] ─> Finish ─> EndReads ─> over
//! ```
//!
//! | stage         | what holds when it begins                                                                       |
//! |---------------|-------------------------------------------------------------------------------------------------|
//! | `SuperName`   | nobody reads any of the files: from here on no lock is in the way                                 |
//! | `Prepare`     | databases below `db` are durable but for the end of their journals                                |
//! | `SuperRemove` | all are; each journal names the super-journal, and removing that file commits them all at once    |
//! | `Finish`      | the transaction is committed; databases below `db` have ended their journals                      |
//!
//! A super-journal is made only when several files with rollback journals are written; its name is in each of them, so that recovery
//! knows that they belong together. Once it is removed the transaction is committed, and an error in ending a journal is nobody's: the
//! journal counts for nothing. As long as a journal may name it, only a rollback of all databases takes it away.
//!
//! Spec: Atomic Commit In SQLite, "Multi-file Commit"; Database File Format, "The Rollback Journal".

use std::sync::Arc;

use kernite_btree::pager::{CreateSuper, RemoveSuper};
use kernite_btree::{Btree, Error as StorageError, JournalMode, Synchronous, TransactionKind};
use kernite_io::{Completion, IoError, Outstanding, Pending, ready};
use kernite_vdbe::host::Storage;
use kernite_vdbe::{Error, Step};

use super::host::HostState;
use super::virtual_table::Outside;

/// A commit under way.
#[derive(Default)]
pub(crate) struct Commit {
    stage: Stage,
    /// The next database of the stage.
    db: usize,
    super_journal: Option<SuperJournal>,
    /// The database's journal could not be ended, and the pager is being brought back to order.
    is_tidying: bool,
    outstanding: Outstanding,
}

impl Commit {
    /// What this script waits for.
    pub(crate) fn outstanding(&self) -> impl Iterator<Item = &Outstanding> {
        let journal = self.super_journal.as_ref();
        let steps = journal.map(|journal| [journal.create.outstanding(), journal.remove.outstanding()]);
        std::iter::once(&self.outstanding).chain(steps.into_iter().flatten())
    }

    /// Forgets what is over of that.
    pub(crate) fn forget_done(&mut self) {
        self.outstanding.prune();
        if let Some(journal) = &mut self.super_journal {
            journal.create.forget_done();
            journal.remove.forget_done();
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Start,
    Locks,
    SuperName,
    SuperCreate,
    Prepare,
    SuperRemove,
    Finish,
    EndReads,
}

/// The file that binds several journals together.
struct SuperJournal {
    path: Vec<u8>,
    /// The journals that it binds.
    journals: Vec<Vec<u8>>,
    stat: Option<Arc<Completion<Option<kernite_io::FileStat>>>>,
    create: CreateSuper,
    remove: RemoveSuper,
}

/// A rollback under way.
#[derive(Default)]
pub(crate) struct Rollback {
    db: usize,
    is_under_way: bool,
    /// A super-journal that journals may name until they are rolled back.
    super_journal: Option<Vec<u8>>,
    /// What went wrong first.
    error: Option<Error>,
}

/// Waits for what a backend queued.
fn poll<T>(
    slot: &mut Option<Arc<Completion<T>>>,
    outstanding: &mut Outstanding,
    start: impl FnOnce() -> Pending<T>,
) -> Result<Option<T>, Error> {
    let completion = match slot {
        Some(completion) => completion,
        None => match start() {
            Pending::Done(result) => return result.map(Some).map_err(io_error),
            Pending::Queued(completion) => {
                outstanding.track(&completion);
                slot.insert(completion)
            }
        },
    };
    match completion.take() {
        None => Ok(None),
        Some(result) => {
            *slot = None;
            outstanding.prune();
            result.map(Some).map_err(io_error)
        }
    }
}

fn io_error(error: IoError) -> Error {
    Error::Storage(StorageError::from(error))
}

/// Whether a database has something to write.
fn is_writing(btree: &Btree) -> bool {
    btree.transaction().is_some_and(|kind| kind != TransactionKind::Read)
}

/// Whether a database's journal can name a super-journal, and has to for several files to commit as one.
fn needs_super_journal(btree: &Btree) -> bool {
    is_writing(btree)
        && !btree.path().is_empty()
        && btree.synchronous() != Synchronous::Off
        && matches!(btree.journal_mode(), JournalMode::Delete | JournalMode::Persist | JournalMode::Truncate)
}

impl HostState {
    /// Commits all databases that are written, and ends the read transactions that nobody needs.
    pub(crate) fn commit_all(&mut self, storage: &mut Storage) -> Step<()> {
        if self.has_only_read(storage) {
            return self.end_reads(storage, &mut 0);
        }
        let mut commit = std::mem::take(&mut self.commit);
        match self.advance_commit(storage, &mut commit) {
            Ok(None) => {
                self.commit = commit;
                Ok(None)
            }
            Ok(done) => Ok(done),
            Err(error) => {
                if let Some(journal) = commit.super_journal {
                    match commit.stage {
                        Stage::SuperCreate => drop(self.io.remove(&journal.path, false)),
                        Stage::Prepare | Stage::SuperRemove => {
                            self.rollback.super_journal = Some(journal.path)
                        }
                        _ => {}
                    }
                }
                Err(error)
            }
        }
    }

    /// Whether this is the end of a transaction, not yet begun, that nobody has to be told of: all that it did was to read.
    fn has_only_read(&self, storage: &Storage) -> bool {
        self.commit.stage == Stage::Start
            && self.vtabs.is_empty()
            && self.outside_done.is_none()
            && !storage.databases.iter().flatten().any(is_writing)
            && !self.databases.iter().any(|database| database.schema_changed)
    }

    fn advance_commit(&mut self, storage: &mut Storage, commit: &mut Commit) -> Step<()> {
        loop {
            match commit.stage {
                Stage::Start => {
                    ready!(self.tell_tables(Outside::Sync));
                    let bound = storage.databases.iter().flatten().filter(|btree| needs_super_journal(btree));
                    let main_has_file = storage
                        .databases
                        .first()
                        .and_then(Option::as_ref)
                        .is_some_and(|btree| !btree.path().is_empty());
                    commit.stage =
                        if main_has_file && bound.count() > 1 { Stage::Locks } else { Stage::Prepare };
                }
                Stage::Locks => {
                    while let Some(slot) = storage.databases.get_mut(commit.db) {
                        if let Some(btree) = slot.as_mut().filter(|btree| needs_super_journal(btree)) {
                            ready!(btree.begin(TransactionKind::Exclusive));
                        }
                        commit.db += 1;
                    }
                    commit.db = 0;
                    commit.stage = Stage::SuperName;
                }
                Stage::SuperName => ready!(self.name_super_journal(storage, commit)),
                Stage::SuperCreate => {
                    if let Some(SuperJournal { path, journals, create, .. }) = &mut commit.super_journal {
                        let journals: Vec<&[u8]> = journals.iter().map(Vec::as_slice).collect();
                        ready!(create.step(&self.io, path, &journals));
                        *create = CreateSuper::default(); // closes the file
                    }
                    commit.stage = Stage::Prepare;
                }
                Stage::Prepare => {
                    let name = commit.super_journal.as_ref().map(|journal| journal.path.clone());
                    if kernite_io::planted!(SuperJournalRemovedEarly)
                        && let Some(journal) = &mut commit.super_journal
                    {
                        ready!(journal.remove.step(&self.io, &journal.path));
                    }
                    while let Some(slot) = storage.databases.get_mut(commit.db) {
                        if let Some(btree) = slot.as_mut().filter(|btree| is_writing(btree)) {
                            let name = name.as_deref().filter(|_| needs_super_journal(btree));
                            let name = name
                                .filter(|_| commit.db == 0 || !kernite_io::planted!(SuperJournalNotNamed));
                            ready!(btree.commit_prepare(name));
                        }
                        commit.db += 1;
                    }
                    commit.db = 0;
                    commit.stage = Stage::SuperRemove;
                }
                Stage::SuperRemove => {
                    if let Some(journal) = &mut commit.super_journal {
                        ready!(journal.remove.step(&self.io, &journal.path));
                    }
                    commit.stage = Stage::Finish;
                }
                Stage::Finish => {
                    while let Some(slot) = storage.databases.get_mut(commit.db) {
                        if let Some(btree) = slot.as_mut().filter(|btree| is_writing(btree)) {
                            ready!(finish(btree, commit.super_journal.is_some(), &mut commit.is_tidying));
                            if let Some(database) = self.databases.get_mut(commit.db) {
                                database.committed_frames = btree.take_committed_wal_frames();
                                database.commits += 1;
                            }
                        }
                        commit.db += 1;
                    }
                    self.databases.iter_mut().for_each(|database| database.schema_changed = false);
                    commit.db = 0;
                    commit.stage = Stage::EndReads;
                }
                Stage::EndReads => {
                    ready!(self.end_reads(storage, &mut commit.db));
                    ready!(self.tell_tables(Outside::Commit));
                    return Ok(Some(()));
                }
            }
        }
    }

    /// Ends read transactions, unless a statement beside the one that ends still reads.
    fn end_reads(&mut self, storage: &mut Storage, db: &mut usize) -> Step<()> {
        if self.vm.readers > 1 {
            return Ok(Some(()));
        }
        while let Some(slot) = storage.databases.get_mut(*db) {
            if let Some(btree) = slot.as_mut().filter(|btree| btree.transaction().is_some()) {
                ready!(btree.end_read());
            }
            *db += 1;
        }
        Ok(Some(()))
    }

    /// Finds a name that no file has: the main database's with `-mj` and random digits.
    fn name_super_journal(&mut self, storage: &Storage, commit: &mut Commit) -> Step<()> {
        let main = storage.databases.first().and_then(Option::as_ref).map_or(&[][..], Btree::path);
        let journal = commit.super_journal.get_or_insert_with(|| SuperJournal {
            path: Vec::new(),
            journals: Vec::new(),
            stat: None,
            create: CreateSuper::default(),
            remove: RemoveSuper::default(),
        });
        loop {
            if journal.path.is_empty() {
                let mut random = [0u8; 4];
                self.io.fill_random(&mut random);
                let random = u32::from_le_bytes(random);
                // A 9 stands in the third place from the end, so that 8.3 file systems see a suffix of their own.
                let suffix = format!("-mj{:06X}9{:02X}", (random >> 8) & 0xff_ffff, random & 0xff);
                journal.path = [main, suffix.as_bytes()].concat();
            }
            let start = || self.io.stat(&journal.path);
            let known = ready!(poll(&mut journal.stat, &mut commit.outstanding, start));
            if known.is_none() {
                break;
            }
            journal.path.clear();
        }
        for btree in storage.databases.iter().flatten().filter(|btree| needs_super_journal(btree)) {
            journal.journals.push([btree.path(), b"-journal"].concat());
        }
        commit.stage = Stage::SuperCreate;
        Ok(Some(()))
    }

    /// Rolls back all databases. Schemas that were changed are read again.
    pub(crate) fn rollback_all(&mut self, storage: &mut Storage) -> Step<()> {
        if !self.rollback.is_under_way {
            self.rollback.is_under_way = true;
            self.commit = Commit::default();
        }
        let schema_changed = self.databases.iter().any(|database| database.schema_changed);
        while let Some(slot) = storage.databases.get_mut(self.rollback.db) {
            if let Some(btree) = slot.as_mut().filter(|btree| btree.transaction().is_some()) {
                match btree.rollback(!schema_changed) {
                    Ok(None) => return Ok(None),
                    Ok(Some(())) => {}
                    // The pager has let go of everything; the other databases have to be rolled back all the same.
                    Err(error) => {
                        self.rollback.error.get_or_insert(error.into());
                    }
                }
            }
            self.rollback.db += 1;
        }
        let mut db = 0;
        match self.end_reads(storage, &mut db) {
            Ok(None) => return Ok(None),
            Ok(Some(())) => {}
            Err(error) => {
                self.rollback.error.get_or_insert(error);
            }
        }
        ready!(self.tell_tables(Outside::Rollback));
        let Rollback { super_journal, error, .. } = std::mem::take(&mut self.rollback);
        if let Some(path) = super_journal.filter(|_| error.is_none()) {
            // Whoever played a journal back that names it has removed it already.
            drop(self.io.remove(&path, false));
        }
        self.rolled_back = true;
        self.drop_changed_schemas();
        self.databases.iter_mut().for_each(|database| database.schema_changed = false);
        error.map_or(Ok(Some(())), Err)
    }
}

/// Ends a database's part of a commit. Where the removal of a super-journal has committed it, whatever fails here does not undo that.
fn finish(btree: &mut Btree, is_committed: bool, is_tidying: &mut bool) -> Step<()> {
    if !*is_tidying {
        match btree.commit_finish() {
            Err(_) if is_committed => *is_tidying = true,
            outcome => return Ok(outcome?),
        }
    }
    let outcome = btree.rollback(false);
    *is_tidying = matches!(outcome, Ok(None));
    Ok(outcome.unwrap_or(Some(())))
}
