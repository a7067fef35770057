//! The content of a database as bytes: to memory, and from memory.
//!
//! A database made of bytes is a file in a memory world of its own. So whatever the bytes are, they are found out as those of any file
//! would be: when they are first read.
//!
//! Spec: C/C++ Interface, "Serialize a database", "Deserialize a database".

use std::sync::Arc;

use kernite_btree::{Btree, Error as StorageError, JournalMode, OpenOptions, PageNo, TransactionKind};
use kernite_io::{AccessMode, Buffer, FileKind, Io, IoError, IoSlice, MemoryIo, OpenFlags, SharedIo, ready};
use kernite_vdbe::Error;
use kernite_vdbe::op::Db;

use super::raw::Connection;
use super::schema::btree;
use super::state::{DatabaseState, State};
use super::wait::{block_on, block_on_lock};

/// `SQLITE_BUSY`
const BUSY: i32 = 5;
/// Where the file of a database made of bytes is, in its own world.
const PATH: &[u8] = b"/database";

fn number(db: usize) -> Db {
    Db(u8::try_from(db).unwrap_or(u8::MAX))
}

impl Connection {
    /// The bytes of a database's file, as a transaction that begins here sees it. None for a database that has no page yet.
    ///
    /// # Errors
    /// Those of reading.
    pub fn serialize(&self, db: usize) -> Result<Vec<u8>, Error> {
        self.with(|state| {
            let db = number(db);
            block_on(state, || {
                let mut state = state.borrow_mut();
                let State { storage, host, .. } = &mut *state;
                host.open_database(storage, db)
            })?;
            let began = btree(&mut state.borrow_mut().storage, db)?.transaction().is_none();
            if began {
                block_on_lock(state, || {
                    Ok(btree(&mut state.borrow_mut().storage, db)?.begin(TransactionKind::Read)?)
                })?;
            }
            let mut bytes = Vec::new();
            let mut next = 1;
            let outcome = block_on(state, || {
                let mut state = state.borrow_mut();
                let btree = btree(&mut state.storage, db)?;
                let last = ready!(btree.page_count());
                while next <= last
                    && let Some(page) = PageNo::new(next)
                {
                    ready!(btree.read_page(page, &mut bytes));
                    next += 1;
                }
                Ok(Some(()))
            });
            if began {
                block_on(state, || Ok(btree(&mut state.borrow_mut().storage, db)?.end_read()?))?;
            }
            outcome.map(|()| bytes)
        })
    }

    /// Sets how many bytes a database made of bytes may grow to (a negative number asks only). Gives what is in force; `None` for another
    /// kind of database.
    pub fn set_bytes_max(&self, db: usize, bytes_max: i64) -> Option<i64> {
        self.with(|state| {
            let mut state = state.borrow_mut();
            let State { storage, host, .. } = &mut *state;
            let btree = storage.databases.get_mut(db)?.as_mut().filter(|_| host.databases[db].is_bytes)?;
            let size = i64::from(btree.page_size());
            if bytes_max >= 0 {
                btree.set_max_page_count(u32::try_from(bytes_max / size).unwrap_or(u32::MAX).max(1));
            }
            Some(i64::from(btree.max_page_count()) * size)
        })
    }

    /// Puts bytes in place of a database. It may grow to `bytes_max`.
    ///
    /// # Errors
    /// `SQLITE_BUSY` while it is in use.
    pub fn deserialize(&self, db: usize, bytes: &[u8], bytes_max: u64, read_only: bool) -> Result<(), Error> {
        self.with(|state| {
            let io: SharedIo = Arc::new(MemoryIo::new());
            write_file(&*io, bytes).map_err(|error| Error::Storage(StorageError::from(error)))?;
            let options =
                OpenOptions { path: Some(PATH.to_vec()), read_only, create: true, ..OpenOptions::default() };
            let mut fresh = Btree::new(io, options);
            block_on(state, || Ok(fresh.open()?))?;
            if let Some(size) = page_size(bytes) {
                let pages = u32::try_from(bytes_max / size).unwrap_or(u32::MAX);
                fresh.set_max_page_count(pages.max(1));
            }
            {
                let state = state.borrow();
                let old = state.storage.databases.get(db).and_then(Option::as_ref);
                if old.is_some_and(|old| old.transaction().is_some()) {
                    return Err(Error::with_code(BUSY, "database is locked"));
                }
            }
            block_on(state, || {
                let mut state = state.borrow_mut();
                match state.storage.databases.get_mut(db) {
                    Some(Some(old)) => Ok(old.close()?),
                    _ => Ok(Some(())),
                }
            })?;
            {
                let mut state = state.borrow_mut();
                let State { storage, host, .. } = &mut *state;
                if let (Some(slot), Some(known)) = (storage.databases.get_mut(db), host.databases.get_mut(db))
                {
                    *slot = Some(fresh);
                    *known = DatabaseState { is_bytes: true, ..DatabaseState::default() };
                }
                host.unload_schema(number(db));
                host.expired += 1;
            }
            block_on(state, || {
                let mut state = state.borrow_mut();
                let State { storage, host, .. } = &mut *state;
                host.open_database(storage, number(db))
            })?;
            // There is no second process that a journal in a file could be for. Bytes that are no database are found out later.
            let _ = block_on(state, || {
                Ok(btree(&mut state.borrow_mut().storage, number(db))?
                    .set_journal_mode(JournalMode::Memory)?)
            });
            Ok(())
        })
    }
}

/// The page size that a database's bytes tell.
fn page_size(bytes: &[u8]) -> Option<u64> {
    match u16::from_be_bytes(bytes.get(16..18)?.try_into().ok()?) {
        0 => None,
        1 => Some(65536),
        size => Some(u64::from(size)),
    }
}

fn write_file(io: &dyn Io, bytes: &[u8]) -> Result<(), IoError> {
    let flags = OpenFlags { create: true, ..OpenFlags::new(FileKind::MainDb, AccessMode::ReadWrite) };
    let file = io.open(Some(PATH), flags).settle(io)?.file;
    if bytes.is_empty() {
        return Ok(());
    }
    file.write(0, vec![IoSlice::whole(Buffer::copy_of(bytes))]).settle(io)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernite_io::Process;

    fn connection() -> Connection {
        let process = Arc::new(Process::new(Arc::new(MemoryIo::new())));
        Connection::open(&process, b":memory:", crate::connection::OpenFlags::default()).unwrap()
    }

    #[test]
    fn a_database_goes_through_bytes_and_back() {
        let first = connection();
        first.execute_batch(b"CREATE TABLE t(a); INSERT INTO t VALUES(1), (2)").unwrap();
        let bytes = first.serialize(0).unwrap();
        assert_eq!(bytes.len(), 8192);
        let second = connection();
        second.deserialize(0, &bytes, u64::MAX, false).unwrap();
        second.execute_batch(b"INSERT INTO t VALUES(3)").unwrap();
        assert_eq!(second.changes(), 1);
        assert_ne!(second.serialize(0).unwrap(), bytes);
    }

    #[test]
    fn bytes_that_are_no_database_are_found_out_by_the_first_statement() {
        let connection = connection();
        connection.deserialize(0, &[7; 4096], u64::MAX, false).unwrap();
        assert_eq!(connection.execute_batch(b"SELECT * FROM sqlite_schema").unwrap_err().code(), 26);
    }
}
