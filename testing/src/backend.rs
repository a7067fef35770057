//! Where Kernite's files are while a script runs: on disk, in memory, or on a disk that answers late.

use std::sync::Arc;

use kernite_io::{AccessMode, Buffer, FileKind, Io, IoSlice, LateIo, MemoryIo, OpenFlags, Process, SharedIo};

use crate::engine::{Engine, Failure, Kernite, Outcome};

/// A kind of world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// The operating system's files, in a folder that goes with the database.
    Syscall,
    /// Files in memory.
    Memory,
    /// Files in memory whose every operation completes later than it was asked for, in an order that a seed decides.
    Late,
    /// No file at all.
    NoFile,
}

impl Backend {
    /// All of them.
    pub const ALL: [Backend; 4] = [Backend::Syscall, Backend::Memory, Backend::Late, Backend::NoFile];
}

/// A fresh database, and the folder that it is in.
pub struct Fresh {
    // Closed before its folder goes.
    database: Kernite,
    _folder: Option<tempfile::TempDir>,
}

impl Fresh {
    /// An empty database. `seed` decides when late operations complete.
    pub fn new(backend: Backend, seed: u64) -> Fresh {
        let in_world = |io| Fresh {
            database: Kernite::in_world(io, "/fresh.db").expect("a fresh database opens"),
            _folder: None,
        };
        match backend {
            Backend::NoFile => Fresh { database: Kernite::memory(), _folder: None },
            Backend::Memory => in_world(Arc::new(MemoryIo::new())),
            Backend::Late => in_world(Arc::new(LateIo::new(Arc::new(MemoryIo::new()), seed))),
            Backend::Syscall => {
                let folder = tempfile::tempdir().expect("a temporary folder");
                let mut database = Kernite::open(&folder.path().join("fresh.db"));
                // What survives a power failure is no question here.
                assert_eq!(database.run_all("PRAGMA synchronous=OFF"), None);
                Fresh { database, _folder: Some(folder) }
            }
        }
    }
}

impl Engine for Fresh {
    fn run(&mut self, sql: &str) -> Outcome {
        self.database.run(sql)
    }

    fn run_all(&mut self, sql: &str) -> Option<Failure> {
        self.database.run_all(sql)
    }
}

/// Puts a file into a world, whatever was there.
pub fn put_file(io: &MemoryIo, path: &str, bytes: &[u8]) {
    let mut flags = OpenFlags::new(FileKind::MainDb, AccessMode::ReadWrite);
    flags.create = true;
    let file = io.open(Some(path.as_bytes()), flags).settle(io).expect("a file in memory opens").file;
    file.truncate(0).settle(io).expect("a file in memory is cut");
    if !bytes.is_empty() {
        file.write(0, vec![IoSlice::whole(Buffer::copy_of(bytes))]).settle(io).expect("memory is written");
    }
}

/// The bytes of a file of a world; `None` where there is none.
pub fn get_file(io: &MemoryIo, path: &str) -> Option<Vec<u8>> {
    let len = io.stat(path.as_bytes()).settle(io).expect("memory can be asked")?.len_bytes as usize;
    let flags = OpenFlags::new(FileKind::MainDb, AccessMode::ReadOnly);
    let file = io.open(Some(path.as_bytes()), flags).settle(io).expect("a file in memory opens").file;
    if len == 0 {
        return Some(Vec::new());
    }
    let (buffer, count) = file.read(0, Buffer::zeroed(len)).settle(io).expect("memory is read");
    assert_eq!(count, len);
    Some(buffer.to_vec())
}

/// A process of its own on a world.
pub fn process_on(io: SharedIo) -> Arc<Process> {
    Arc::new(Process::new(io))
}
