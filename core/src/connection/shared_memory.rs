//! Databases in memory that the connections of a process share by name.
//!
//! `file:name?mode=memory&cache=shared` and `file:/name?vfs=memdb` lead to a file of a memory world that hangs off the process. The file is
//! there as long as a connection has a [`Seat`] at it; the last one takes it away. Nothing of it reaches a disk, and a crash leaves nothing.
//!
//! Connections lock the whole database as they would a file's, where SQLite's shared cache locks tables: so a lock in the way is
//! `SQLITE_BUSY`, which busy handlers wait for. With `cache=shared` the log is a WAL, so that nobody who reads stops one who writes.
//!
//! Spec: "In-Memory Databases"; Uniform Resource Identifiers.

use std::sync::{Arc, Mutex, PoisonError};

use kernite_io::memory::GuestIo;
use kernite_io::{HashMap, Io, MemoryIo, Process, SharedIo};

/// What stands behind a database's name in the names of the files beside it.
const COMPANIONS: [&[u8]; 3] = [b"", b"-journal", b"-wal"];

/// The shared databases of a process.
pub(crate) struct SharedMemory {
    files: MemoryIo,
    /// The files, for connections of the process.
    io: SharedIo,
    /// Connections by database.
    users: Mutex<HashMap<Vec<u8>, usize>>,
}

/// How a shared database was asked for. The two kinds have names of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SharedName {
    /// `mode=memory&cache=shared`
    Cache(Vec<u8>),
    /// `vfs=memdb`, with a name that begins with a slash.
    Memdb(Vec<u8>),
}

impl SharedName {
    fn path(&self) -> Vec<u8> {
        match self {
            SharedName::Cache(name) => [b"/cache/", &name[..]].concat(),
            SharedName::Memdb(name) => [b"/memdb", &name[..]].concat(),
        }
    }
}

impl SharedMemory {
    /// Those of `process`.
    pub(crate) fn of(process: &Process) -> Arc<SharedMemory> {
        process.shared_with(|host| {
            let files = MemoryIo::new();
            let io: SharedIo = Arc::new(GuestIo::new(files.clone(), Arc::clone(host)));
            SharedMemory { files, io, users: Mutex::default() }
        })
    }

    /// The world that the files are in.
    pub(crate) fn io(&self) -> &SharedIo {
        &self.io
    }

    /// A place at the database of this name.
    pub(crate) fn join(self: &Arc<Self>, name: &SharedName) -> Seat {
        let path = name.path();
        *self.users.lock().unwrap_or_else(PoisonError::into_inner).entry(path.clone()).or_default() += 1;
        Seat { shared: Arc::clone(self), path }
    }
}

/// A connection's place at a shared database.
pub(crate) struct Seat {
    shared: Arc<SharedMemory>,
    path: Vec<u8>,
}

impl Seat {
    /// The database's file.
    pub(crate) fn path(&self) -> &[u8] {
        &self.path
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut users = self.shared.users.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(count) = users.get_mut(&self.path) else { return };
        *count -= 1;
        if *count == 0 {
            users.remove(&self.path);
            for companion in COMPANIONS {
                // The files of a memory world are gone at once.
                let _ = self.shared.files.remove(&[&self.path[..], companion].concat(), false);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use kernite_btree::ValueRef;
    use kernite_io::{MemoryIo, Process};

    use super::super::OpenFlags;
    use super::super::raw::Connection;

    fn open(process: &Arc<Process>, name: &str) -> Connection {
        Connection::open(process, name.as_bytes(), OpenFlags::default()).unwrap()
    }

    fn count(connection: &Connection) -> Result<i64, String> {
        let (statement, _) =
            connection.prepare(b"SELECT count(*) FROM t").map_err(|error| error.to_string())?;
        let mut statement = statement.unwrap();
        assert!(statement.step().map_err(|error| error.to_string())?);
        match statement.row()[0].value() {
            ValueRef::Integer(count) => Ok(count),
            other => Err(format!("{other:?}")),
        }
    }

    #[test]
    fn connections_with_one_name_see_one_database_until_the_last_is_gone() {
        let process = Arc::new(Process::new(Arc::new(MemoryIo::new())));
        for name in ["file:a?mode=memory&cache=shared", "file::memory:?cache=shared", "file:/a?vfs=memdb"] {
            let (a, b) = (open(&process, name), open(&process, name));
            a.execute_batch(b"CREATE TABLE t(x); INSERT INTO t VALUES(1)").unwrap();
            b.execute_batch(b"INSERT INTO t VALUES(2)").unwrap();
            assert_eq!(count(&a), Ok(2), "{name}");
            drop(a);
            assert_eq!(count(&b), Ok(2), "{name}");
            assert_eq!(b.path(0), b"");
            drop(b);
            assert_eq!(count(&open(&process, name)), Err("no such table: t".into()), "{name}");
        }
    }

    #[test]
    fn a_reader_sees_what_was_committed_and_a_second_writer_is_told_to_wait() {
        let process = Arc::new(Process::new(Arc::new(MemoryIo::new())));
        let name = "file:b?mode=memory&cache=shared";
        let (a, b) = (open(&process, name), open(&process, name));
        a.execute_batch(b"CREATE TABLE t(x); BEGIN; INSERT INTO t VALUES(1)").unwrap();
        assert_eq!(count(&b), Ok(0));
        assert_eq!(b.execute_batch(b"INSERT INTO t VALUES(2)").unwrap_err().code(), 5);
        a.execute_batch(b"COMMIT").unwrap();
        b.execute_batch(b"INSERT INTO t VALUES(2)").unwrap();
        assert_eq!(count(&a), Ok(2));
    }

    #[test]
    fn private_names_share_nothing() {
        let process = Arc::new(Process::new(Arc::new(MemoryIo::new())));
        for name in [":memory:", "file:c?mode=memory", "file:?mode=memory&cache=shared", "file:c?vfs=memdb"] {
            let (a, b) = (open(&process, name), open(&process, name));
            a.execute_batch(b"CREATE TABLE t(x)").unwrap();
            assert_eq!(count(&b), Err("no such table: t".into()), "{name}");
        }
    }

    #[test]
    fn an_attached_database_may_be_shared() {
        let process = Arc::new(Process::new(Arc::new(MemoryIo::new())));
        let name = "file:d?mode=memory&cache=shared";
        let (a, b) = (open(&process, ":memory:"), open(&process, name));
        a.execute_batch(
            format!("ATTACH '{name}' AS s; CREATE TABLE s.t(x); INSERT INTO s.t VALUES(1)").as_bytes(),
        )
        .unwrap();
        assert_eq!(count(&b), Ok(1));
        a.execute_batch(b"DETACH s").unwrap();
        drop(b);
        assert_eq!(count(&open(&process, name)), Err("no such table: t".into()));
    }
}
