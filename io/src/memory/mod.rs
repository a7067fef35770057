//! A world that lives in memory: files by name, locks, shared memory, timers.
//!
//! For databases that no disk holds but several connections share, and for tests: the content outlives its handles as long
//! as a name leads to it, and an unlinked file lives on in its handles, as POSIX has it. Handles are kept apart as
//! processes are: two of one file conflict by SQLite's rules.
//!
//! The world of [`MemoryIo::new`] has the machine's clock and randomness. That of [`MemoryIo::deterministic`] has its own,
//! from a seed: waiting makes its clock jump, so no test ever sleeps.
//!
//! Directories are not kept: any absolute path is a name. Syncing does nothing, since nothing can be lost.
//!
//! Rooms: `content` (the bytes of a file), `file` (handles and locks), `shm` (the wal-index), `guest` (its files for connections of another world).
//! Never: a file outside the process.

mod content;
mod file;
mod guest;
mod shm;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use crate::completion::{Outstanding, Pending};
use crate::error::{IoError, IoOp};
use crate::file::{AccessMode, FileId, OpenFlags, OpenOutcome};
#[cfg(unix)]
use crate::host::Host;
use crate::levels::LevelTable;
use crate::seeded::SeededRandom;
use crate::timers::{Clock, Timers};
use crate::world::{FileStat, Instant, Io, WallTime};

pub use guest::GuestIo;

use content::Content;
use file::MemoryFile;
use shm::SharedState;

/// Where a deterministic clock starts: 2024-01-01T00:00:00Z.
const EPOCH_MS: i64 = 1_704_067_200_000;

/// What a look at a deterministic clock costs. Not 0: a loop that waits for time to pass has to end.
const LOOK_NS: u64 = 1_000;

/// A file, whether a name leads to it or not.
struct Inode {
    id: FileId,
    content: RwLock<Content>,
    /// Stands for missing write permission.
    read_only: AtomicBool,
    locks: Mutex<LevelTable>,
    shared: Mutex<SharedState>,
}

/// Where time and randomness come from.
enum Source {
    #[cfg(unix)]
    Host(Host),
    Seeded {
        elapsed_ns: AtomicU64,
        random: Mutex<SeededRandom>,
    },
}

impl Clock for Source {
    fn now(&self) -> Instant {
        match self {
            #[cfg(unix)]
            Source::Host(host) => host.now(),
            Source::Seeded { elapsed_ns, .. } => {
                Instant(elapsed_ns.fetch_add(LOOK_NS, Ordering::Relaxed) + LOOK_NS)
            }
        }
    }

    fn jump(&self, at: Instant) -> bool {
        match self {
            #[cfg(unix)]
            Source::Host(_) => false,
            Source::Seeded { elapsed_ns, .. } => {
                elapsed_ns.fetch_max(at.0, Ordering::Relaxed);
                true
            }
        }
    }
}

struct World {
    names: Mutex<BTreeMap<Vec<u8>, Arc<Inode>>>,
    made: AtomicU64,
    timers: Timers,
    source: Source,
}

impl World {
    fn names(&self) -> MutexGuard<'_, BTreeMap<Vec<u8>, Arc<Inode>>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn new_inode(&self) -> Arc<Inode> {
        let inode = self.made.fetch_add(1, Ordering::Relaxed) + 1;
        Arc::new(Inode {
            id: FileId { device: 0, inode },
            content: RwLock::default(),
            read_only: AtomicBool::new(false),
            locks: Mutex::default(),
            shared: Mutex::default(),
        })
    }

    /// The file that `path` shall lead to by `flags`, made where that is asked for.
    fn find_or_create(&self, path: Option<&[u8]>, flags: &OpenFlags) -> Result<Arc<Inode>, IoError> {
        let cannot = |errno| IoError::CannotOpen { errno, is_directory: false };
        let Some(path) = path else { return Ok(self.new_inode()) };
        let mut names = self.names();
        let inode = match names.get(path) {
            Some(_) if flags.create && flags.exclusive => return Err(cannot(libc::EEXIST)),
            Some(inode) => Arc::clone(inode),
            None if flags.create => {
                let inode = self.new_inode();
                names.insert(path.to_vec(), Arc::clone(&inode));
                inode
            }
            None => return Err(cannot(libc::ENOENT)),
        };
        if flags.delete_on_close {
            names.remove(path);
        }
        Ok(inode)
    }
}

/// A world in memory. Clones are the same world.
#[derive(Clone)]
pub struct MemoryIo {
    world: Arc<World>,
}

#[cfg(unix)]
impl Default for MemoryIo {
    fn default() -> MemoryIo {
        MemoryIo::new()
    }
}

impl MemoryIo {
    /// An empty world with the machine's clock and randomness.
    #[cfg(unix)]
    pub fn new() -> MemoryIo {
        MemoryIo::with_source(Source::Host(Host::default()))
    }

    /// An empty world whose time and randomness `seed` decides.
    pub fn deterministic(seed: u64) -> MemoryIo {
        let random = Mutex::new(SeededRandom::new(seed));
        MemoryIo::with_source(Source::Seeded { elapsed_ns: AtomicU64::new(0), random })
    }

    fn with_source(source: Source) -> MemoryIo {
        let world =
            World { names: Mutex::default(), made: AtomicU64::new(0), timers: Timers::default(), source };
        MemoryIo { world: Arc::new(world) }
    }

    /// Takes the write permission of the file at `path` away, or gives it back; handles that are open keep theirs. Whether there
    /// was such a file.
    pub fn set_read_only(&self, path: &[u8], read_only: bool) -> bool {
        match self.world.names().get(path) {
            Some(inode) => {
                inode.read_only.store(read_only, Ordering::Relaxed);
                true
            }
            None => false,
        }
    }

    /// All names, in order.
    pub fn paths(&self) -> Vec<Vec<u8>> {
        self.world.names().keys().cloned().collect()
    }

    /// A world of its own with the same files: what a crash that loses nothing would leave. Locks, handles and shared memory
    /// stay behind.
    pub fn snapshot(&self, seed: u64) -> MemoryIo {
        let copy = MemoryIo::deterministic(seed);
        for (path, inode) in self.world.names().iter() {
            let twin = copy.world.new_inode();
            *twin.content.write().unwrap_or_else(PoisonError::into_inner) =
                inode.content.read().unwrap_or_else(PoisonError::into_inner).clone();
            copy.world.names().insert(path.clone(), twin);
        }
        copy
    }
}

impl Io for MemoryIo {
    fn open(&self, path: Option<&[u8]>, flags: OpenFlags) -> Pending<OpenOutcome> {
        let inode = match self.world.find_or_create(path, &flags) {
            Ok(inode) => inode,
            Err(error) => return Pending::err(error),
        };
        let permitted = !inode.read_only.load(Ordering::Relaxed);
        let writable = match flags.access {
            AccessMode::ReadOnly => false,
            AccessMode::ReadWriteOrReadOnly => permitted,
            AccessMode::ReadWrite if permitted => true,
            AccessMode::ReadWrite => {
                return Pending::err(IoError::CannotOpen { errno: libc::EACCES, is_directory: false });
            }
        };
        let path = path.filter(|_| !flags.delete_on_close);
        let file = MemoryFile::new(Arc::clone(&self.world), inode, path, writable, &flags);
        Pending::ok(OpenOutcome { file: Arc::new(file), read_only: !writable })
    }

    fn stat(&self, path: &[u8]) -> Pending<Option<FileStat>> {
        Pending::ok(self.world.names().get(path).map(|inode| FileStat {
            id: inode.id,
            len_bytes: inode.content.read().unwrap_or_else(PoisonError::into_inner).len(),
            is_directory: false,
            mode: if inode.read_only.load(Ordering::Relaxed) { 0o444 } else { 0o644 },
        }))
    }

    fn canonical(&self, path: &[u8]) -> Result<Vec<u8>, IoError> {
        crate::path::canonical(path, || Ok(Vec::new()), |_| Ok(None))
    }

    fn remove(&self, path: &[u8], _sync_dir: bool) -> Pending<bool> {
        Pending::ok(self.world.names().remove(path).is_some())
    }

    fn sync_dir(&self, _path: &[u8]) -> Pending<()> {
        Pending::ok(())
    }

    fn timer(&self, at: Instant) -> Pending<()> {
        self.world.timers.add(at, &self.world.source)
    }

    fn now(&self) -> WallTime {
        match &self.world.source {
            #[cfg(unix)]
            Source::Host(host) => host.wall_time(),
            Source::Seeded { elapsed_ns, .. } => {
                let elapsed_ms = elapsed_ns.load(Ordering::Relaxed) / 1_000_000;
                WallTime(EPOCH_MS.saturating_add_unsigned(elapsed_ms))
            }
        }
    }

    fn monotonic(&self) -> Instant {
        self.world.source.now()
    }

    fn fill_random(&self, out: &mut [u8]) {
        match &self.world.source {
            #[cfg(unix)]
            Source::Host(host) => host.fill_random(out),
            Source::Seeded { random, .. } => {
                random.lock().unwrap_or_else(PoisonError::into_inner).fill(out);
            }
        }
    }

    fn env(&self, name: &str) -> Option<Vec<u8>> {
        match &self.world.source {
            #[cfg(unix)]
            Source::Host(host) => host.env(name),
            Source::Seeded { .. } => None,
        }
    }

    fn local_offset(&self, at: WallTime) -> Option<i64> {
        match &self.world.source {
            #[cfg(unix)]
            Source::Host(host) => host.local_offset(at),
            Source::Seeded { .. } => Some(0),
        }
    }

    fn process_id(&self) -> u32 {
        match &self.world.source {
            #[cfg(unix)]
            Source::Host(_) => std::process::id(),
            Source::Seeded { .. } => 1,
        }
    }

    fn flush(&self) {}

    fn wait(&self, outstanding: &Outstanding, until: Option<Instant>) -> Result<(), IoError> {
        self.world.timers.wait(outstanding, until, &self.world.source)
    }

    fn name(&self) -> &'static str {
        "memory"
    }
}

/// A write through a handle that may only read. `EBADF`, as the system says it.
fn not_writable(op: IoOp, offset: u64, len: usize) -> IoError {
    IoError::os(op, offset, len, libc::EBADF)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::FileKind;

    #[test]
    fn a_seed_decides_time_and_randomness() {
        let run = |seed| {
            let io = MemoryIo::deterministic(seed);
            let mut bytes = [0; 16];
            io.fill_random(&mut bytes);
            io.timer(Instant(5_000_000_000)).settle(&io).unwrap();
            (bytes, io.monotonic(), io.now())
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1).0, run(2).0);
        assert_eq!(run(1).2, WallTime(EPOCH_MS + 5_000));
    }

    #[test]
    fn a_snapshot_goes_its_own_way() {
        let io = MemoryIo::deterministic(1);
        let mut flags = OpenFlags::new(FileKind::MainDb, AccessMode::ReadWrite);
        flags.create = true;
        let file = io.open(Some(b"/a"), flags).settle(&io).unwrap().file;
        file.truncate(10).settle(&io).unwrap();
        let copy = io.snapshot(2);
        file.truncate(20).settle(&io).unwrap();
        assert_eq!(copy.stat(b"/a").settle(&copy).unwrap().unwrap().len_bytes, 10);
        assert_eq!(copy.paths(), [b"/a".to_vec()]);
    }

    #[test]
    fn a_file_without_write_permission_opens_for_reading_only() {
        let io = MemoryIo::deterministic(1);
        let mut flags = OpenFlags::new(FileKind::MainDb, AccessMode::ReadWriteOrReadOnly);
        flags.create = true;
        assert!(!io.open(Some(b"/a"), flags).settle(&io).unwrap().read_only);
        assert!(io.set_read_only(b"/a", true) && !io.set_read_only(b"/b", true));
        let opened = io.open(Some(b"/a"), flags).settle(&io).unwrap();
        assert!(opened.read_only && opened.file.truncate(1).settle(&io).is_err());
        flags.access = AccessMode::ReadWrite;
        assert!(matches!(io.open(Some(b"/a"), flags).settle(&io), Err(IoError::CannotOpen { .. })));
    }
}
