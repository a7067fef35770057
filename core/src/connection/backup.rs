//! Online backup: one database's pages copied over another's, a few at a time.
//!
//! The target is locked from the first step to the end, the source only while a step runs. When the source was changed in between, the copy
//! begins again. What was copied becomes the target's content when the last page is there, all at once.
//!
//! ```text
//! step: source read lock ─> target exclusive lock (first step) ─> pages… ─> [last page: schema cookie raised, commit]
//! ```
//!
//! Always true: a backup that is given up leaves the target as it was.
//!
//! Spec: C/C++ Interface, "Online Backup API".

use std::cell::RefCell;
use std::sync::Arc;

use kernite_btree::{Btree, JournalMode, Meta, OpenOptions, TransactionKind};
use kernite_io::ready;
use kernite_vdbe::op::Db;
use kernite_vdbe::{Error, Step};

use super::raw::Connection;
use super::schema::btree;
use super::state::State;
use super::wait::{block_on, block_on_lock};

/// `SQLITE_BUSY`, `SQLITE_READONLY`
const BUSY: i32 = 5;
const READONLY: i32 = 8;

/// A backup under way.
pub struct Backup {
    source: End,
    target: End,
    /// The target's schema cookie when it was locked; `None` before.
    locked: Option<u32>,
    /// The source's version that is being copied.
    version: Option<(u32, u64)>,
    /// Pages of the source that were copied.
    copied: u32,
    pages: u32,
    is_done: bool,
}

/// A database of a connection.
struct End {
    connection: Connection,
    db: Db,
}

impl Backup {
    /// A backup of a database over one of another connection. Touches nothing.
    ///
    /// # Errors
    /// `destination database is in use`.
    pub fn new(
        target: &Connection,
        target_db: usize,
        source: &Connection,
        source_db: usize,
    ) -> Result<Backup, Error> {
        if target.transaction_state(target_db) != 0 {
            return Err(Error::message("destination database is in use"));
        }
        let end = |connection: &Connection, db| End {
            connection: connection.clone(),
            db: Db(u8::try_from(db).unwrap_or(u8::MAX)),
        };
        Ok(Backup {
            source: end(source, source_db),
            target: end(target, target_db),
            locked: None,
            version: None,
            copied: 0,
            pages: 0,
            is_done: false,
        })
    }

    /// Pages of the source at the last step.
    pub fn page_count(&self) -> u32 {
        self.pages
    }

    /// Pages that are left to copy after the last step.
    pub fn remaining(&self) -> u32 {
        self.pages.saturating_sub(self.copied)
    }

    /// Copies at most so many pages; `true` when all is done.
    ///
    /// # Errors
    /// `SQLITE_BUSY` where a lock is in the way: the step can be tried again. `SQLITE_READONLY` where the page sizes differ and the target's
    /// cannot be changed.
    pub fn step(&mut self, pages: u32) -> Result<bool, Error> {
        if self.is_done {
            return Ok(true);
        }
        let (source, target) = (self.source.connection.clone(), self.target.connection.clone());
        source.with(|source| target.with(|target| self.step_between(source, target, pages)))
    }

    fn step_between(
        &mut self,
        source: &RefCell<State>,
        target: &RefCell<State>,
        pages: u32,
    ) -> Result<bool, Error> {
        let db = self.source.db;
        open(source, db)?;
        open(target, self.target.db)?;
        let transaction = btree(&mut source.borrow_mut().storage, db)?.transaction();
        if transaction.is_some_and(|kind| kind != TransactionKind::Read) {
            return Err(Error::with_code(BUSY, "database is locked"));
        }
        if transaction.is_none() {
            block_on_lock(source, || {
                Ok(btree(&mut source.borrow_mut().storage, db)?.begin(TransactionKind::Read)?)
            })?;
        }
        let outcome = self.copy(source, target, pages);
        if transaction.is_none() {
            block_on(source, || Ok(btree(&mut source.borrow_mut().storage, db)?.end_read()?))?;
        }
        outcome
    }

    fn copy(&mut self, source: &RefCell<State>, target: &RefCell<State>, pages: u32) -> Result<bool, Error> {
        self.lock_target(source, target)?;
        let version = {
            let mut state = source.borrow_mut();
            let commits = state.host.databases.get(usize::from(self.source.db.0)).map_or(0, |db| db.commits);
            let btree = btree(&mut state.storage, self.source.db)?;
            self.pages = block_ready(btree.page_count())?;
            (block_ready(btree.data_version())?, commits)
        };
        if self.version.replace(version).is_some_and(|known| known != version) {
            self.copied = 0;
            btree(&mut target.borrow_mut().storage, self.target.db)?.restart_copy();
        }
        let last = self.copied.saturating_add(pages).min(self.pages);
        block_on(target, || {
            let (mut from, mut to) = (source.borrow_mut(), target.borrow_mut());
            let from = btree(&mut from.storage, self.source.db)?;
            let to = btree(&mut to.storage, self.target.db)?;
            ready!(to.copy_up_to(from, last));
            Ok(Some(()))
        })?;
        self.copied = last;
        if last < self.pages {
            return Ok(false);
        }
        self.finish_copy(target)?;
        Ok(true)
    }

    /// Takes the target's lock, once. A target without pages gets the source's page size.
    fn lock_target(&mut self, source: &RefCell<State>, target: &RefCell<State>) -> Result<(), Error> {
        if self.locked.is_some() {
            return Ok(());
        }
        let db = self.target.db;
        let page_size = btree(&mut source.borrow_mut().storage, self.source.db)?.page_size();
        btree(&mut target.borrow_mut().storage, db)?.set_page_size(page_size, None)?;
        block_on_lock(target, || {
            Ok(btree(&mut target.borrow_mut().storage, db)?.begin(TransactionKind::Exclusive)?)
        })?;
        let cookie =
            block_on(target, || Ok(btree(&mut target.borrow_mut().storage, db)?.meta(Meta::SchemaVersion)?))?;
        self.locked = Some(cookie);
        let mut state = target.borrow_mut();
        let btree = btree(&mut state.storage, db)?;
        let is_fixed = btree.journal_mode() == JournalMode::Wal || btree.path().is_empty();
        if is_fixed && btree.page_size() != page_size {
            return Err(Error::with_code(READONLY, "attempt to write a readonly database"));
        }
        Ok(())
    }

    /// All pages are there: the target's connections are told by its cookie to read the schema again, and the copy is committed.
    fn finish_copy(&mut self, target: &RefCell<State>) -> Result<(), Error> {
        let db = self.target.db;
        let cookie = self.locked.unwrap_or_default().wrapping_add(1);
        let io = Arc::clone(&target.borrow().host.io);
        let on_target = |run: &mut dyn FnMut(&mut Btree) -> Step<()>| {
            block_on(target, || run(btree(&mut target.borrow_mut().storage, db)?))
        };
        if self.pages == 0 {
            // A source without pages is a database without tables.
            let page_size = btree(&mut target.borrow_mut().storage, db)?.page_size();
            let mut blank =
                Btree::new(io, OpenOptions { memory: true, create: true, ..OpenOptions::default() });
            block_on(target, || Ok(blank.open()?))?;
            blank.set_page_size(page_size, None)?;
            block_on(target, || Ok(blank.begin(TransactionKind::Write)?))?;
            on_target(&mut |btree| Ok(btree.copy_from(&mut blank)?))?;
        }
        on_target(&mut |btree| Ok(btree.set_meta(Meta::SchemaVersion, cookie)?))?;
        block_on_lock(target, || Ok(btree(&mut target.borrow_mut().storage, db)?.commit_prepare(None)?))?;
        on_target(&mut |btree| Ok(btree.commit_finish()?))?;
        self.is_done = true;
        on_target(&mut |btree| Ok(btree.end_read()?))?;
        let mut state = target.borrow_mut();
        state.host.unload_schema(db);
        state.host.expired += 1;
        Ok(())
    }

    /// Ends it. What was copied by a backup that is not done is undone.
    ///
    /// # Errors
    /// Those of undoing.
    pub fn finish(self) -> Result<(), Error> {
        let Backup { target, locked, is_done, .. } = self;
        if locked.is_none() || is_done {
            return Ok(());
        }
        target.connection.with(|state| {
            block_on(state, || {
                let mut state = state.borrow_mut();
                let btree = btree(&mut state.storage, target.db)?;
                if btree.transaction().is_some() {
                    ready!(btree.rollback(false));
                    ready!(btree.end_read());
                }
                Ok(Some(()))
            })
        })
    }
}

fn open(state: &RefCell<State>, db: Db) -> Result<(), Error> {
    block_on(state, || {
        let mut state = state.borrow_mut();
        let State { storage, host, .. } = &mut *state;
        host.open_database(storage, db)
    })
}

/// A step that never waits: the transaction's own numbers.
fn block_ready<T: Default>(step: kernite_btree::Step<T>) -> Result<T, Error> {
    Ok(step?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::OpenFlags;

    fn open(name: &[u8], process: &Arc<kernite_io::Process>) -> Connection {
        Connection::open(process, name, OpenFlags::default()).unwrap()
    }

    fn process() -> Arc<kernite_io::Process> {
        Arc::new(kernite_io::Process::new(Arc::new(kernite_io::MemoryIo::new())))
    }

    fn count(connection: &Connection) -> i64 {
        let (statement, _) = connection.prepare(b"SELECT count(*) FROM t").unwrap();
        let mut statement = statement.unwrap();
        statement.step().unwrap();
        match statement.row()[0].value() {
            kernite_btree::ValueRef::Integer(count) => count,
            _ => -1,
        }
    }

    const ROWS: &[u8] = b"CREATE TABLE t(a);
        INSERT INTO t WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c LIMIT 500) SELECT hex(zeroblob(50)) FROM c";

    #[test]
    fn pages_are_copied_a_few_at_a_time_and_appear_at_once() {
        let process = process();
        let (from, to, other) = (open(b"/a", &process), open(b"/b", &process), open(b"/b", &process));
        from.execute_batch(ROWS).unwrap();
        to.execute_batch(b"CREATE TABLE t(a)").unwrap();
        assert_eq!(count(&other), 0);
        let mut backup = Backup::new(&to, 0, &from, 0).unwrap();
        assert!(!backup.step(3).unwrap());
        assert_eq!(backup.remaining(), backup.page_count() - 3);
        while !backup.step(5).unwrap() {}
        assert_eq!(backup.remaining(), 0);
        backup.finish().unwrap();
        assert_eq!((count(&to), count(&other)), (500, 500));
    }

    #[test]
    fn a_source_that_changes_is_copied_again() {
        let process = process();
        let (from, to) = (open(b"/a", &process), open(b":memory:", &process));
        from.execute_batch(ROWS).unwrap();
        let mut backup = Backup::new(&to, 0, &from, 0).unwrap();
        assert!(!backup.step(10).unwrap());
        from.execute_batch(b"UPDATE t SET a = 1 WHERE rowid = 1; DELETE FROM t WHERE rowid = 2").unwrap();
        while !backup.step(7).unwrap() {}
        backup.finish().unwrap();
        assert_eq!(count(&to), 499);
    }

    #[test]
    fn a_backup_given_up_leaves_the_target_as_it_was() {
        let process = process();
        let (from, to) = (open(b"/a", &process), open(b"/b", &process));
        from.execute_batch(ROWS).unwrap();
        to.execute_batch(b"CREATE TABLE t(a); INSERT INTO t VALUES(1)").unwrap();
        let mut backup = Backup::new(&to, 0, &from, 0).unwrap();
        assert!(!backup.step(3).unwrap());
        backup.finish().unwrap();
        assert_eq!(count(&to), 1);
    }
}
