//! An open file as the pager sees it: positioned I/O, SQLite's lock levels, shared memory for the wal-index.
//!
//! Lock levels and shared-memory slots are SQLite's, so that a SQLite process may work on the same file at the same
//! time. Locks never wait: a conflict is [`IoError::Busy`] at once.
//!
//! Never: page sizes, journal formats, retry policy.
//! Spec: "File Locking And Concurrency In SQLite Version 3", "WAL-mode File Format" (shm locks).

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicU32};

use crate::buffer::{Buffer, IoSlice};
use crate::completion::Pending;
use crate::error::IoError;

/// What a file is for. Backends may treat kinds differently (a temporary file need never be synced).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileKind {
    MainDb,
    MainJournal,
    Wal,
    SuperJournal,
    TempDb,
    TempJournal,
    /// Savepoint images that did not fit in memory, sorter runs.
    Transient,
}

/// Whether the caller wants to write, and what to do where that is not allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AccessMode {
    ReadOnly,
    ReadWrite,
    /// Read and write where permission allows, else read only; [`OpenOutcome::read_only`] tells.
    ReadWriteOrReadOnly,
}

/// How to open a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenFlags {
    pub kind: FileKind,
    pub access: AccessMode,
    /// Create the file if it is absent.
    pub create: bool,
    /// Fail if it exists. Only with `create`.
    pub exclusive: bool,
    /// Unlink at once: nobody else ever sees the file (temporary files). The path may then be `None` in [`crate::Io::open`].
    pub delete_on_close: bool,
    /// Refuse to follow a symbolic link in the last component.
    pub no_follow: bool,
    /// Take no locks and trust the file not to change (`immutable=1`).
    pub immutable: bool,
    /// Make no lock calls (`nolock=1`).
    pub no_lock: bool,
    /// Lock through `FILE.lock` directories as SQLite's `unix-dotfile` VFS.
    pub dot_file_lock: bool,
}

impl OpenFlags {
    /// Flags for `kind` and `access`, everything else off.
    pub fn new(kind: FileKind, access: AccessMode) -> OpenFlags {
        OpenFlags {
            kind,
            access,
            create: false,
            exclusive: false,
            delete_on_close: false,
            no_follow: false,
            immutable: false,
            no_lock: false,
            dot_file_lock: false,
        }
    }
}

/// What [`crate::Io::open`] gives.
pub struct OpenOutcome {
    pub file: Arc<dyn File>,
    /// Whether the file turned out to be writable.
    pub read_only: bool,
}

/// Identity of a file: two paths with the same id are the same file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId {
    pub device: u64,
    pub inode: u64,
}

/// SQLite's database lock levels, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LockLevel {
    None,
    Shared,
    Reserved,
    Pending,
    Exclusive,
}

/// What the device promises. Defaults are those of SQLite on Linux: 4096-byte sectors, powersafe overwrite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceTraits {
    /// Bytes that a torn write may damage beyond the range written, where `powersafe_overwrite` is false.
    pub sector_size_bytes: u32,
    /// Overwriting one range does not damage bytes outside it.
    pub powersafe_overwrite: bool,
    /// Appending extends the file only after the data is there.
    pub safe_append: bool,
    /// Writes of any size reach the device whole.
    pub atomic: bool,
    /// The file never changes while it is open.
    pub immutable: bool,
}

impl Default for DeviceTraits {
    fn default() -> DeviceTraits {
        DeviceTraits {
            sector_size_bytes: 4096,
            powersafe_overwrite: true,
            safe_append: false,
            atomic: false,
            immutable: false,
        }
    }
}

/// Hints and questions for a file that most backends ignore.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileControl {
    /// The file will grow to about this many bytes.
    SizeHint(u64),
    /// Grow in steps of this many bytes.
    ChunkSize(u64),
    /// Keep `-wal` and `-shm` when the last connection closes.
    PersistWal(bool),
    /// The application's promise about overwrites.
    PowersafeOverwrite(bool),
}

/// One open file. Every method may be called from any thread.
///
/// Dropping the last handle closes the file once nothing is in flight; POSIX advisory locks of the process survive as
/// long as another connection of it holds the file.
#[allow(clippy::len_without_is_empty)] // `len` is a system call: nobody asks twice.
pub trait File: Send + Sync {
    /// Reads `buffer.len()` bytes at `at`. Gives the buffer back with the number of bytes read, smaller at the end of the
    /// file; the rest of the buffer is zeroed.
    fn read(&self, at: u64, buffer: Buffer) -> Pending<(Buffer, usize)>;

    /// Writes the slices one after the other, beginning at `at`. Interrupted and short writes are continued inside.
    fn write(&self, at: u64, slices: Vec<IoSlice>) -> Pending<()>;

    /// [`File::write`], then [`File::sync`] of it, as one queued operation where the backend can.
    fn write_then_sync(&self, at: u64, slices: Vec<IoSlice>) -> Pending<()>;

    /// Makes durable all writes that had *completed* when this was called.
    fn sync(&self, data_only: bool) -> Pending<()>;

    /// Cuts or extends the file to `len_bytes`.
    fn truncate(&self, len_bytes: u64) -> Pending<()>;

    /// The file's length in bytes.
    fn len(&self) -> Pending<u64>;

    /// The identity of the open file.
    fn id(&self) -> FileId;

    /// Moves this handle's lock to `want`, as SQLite's `xLock`/`xUnlock` do: upward None→Shared→Reserved→(Pending→)Exclusive,
    /// downward to Shared or None. [`IoError::Busy`] where another holds a conflicting lock; a failed move to Exclusive may
    /// leave the handle at Pending, which `lock_level` tells.
    fn lock(&self, want: LockLevel) -> Result<(), IoError>;

    /// The lock level that this handle holds.
    fn lock_level(&self) -> LockLevel;

    /// Whether anyone holds a Reserved lock or higher.
    fn reserved(&self) -> Result<bool, IoError>;

    /// What the device promises.
    fn device(&self) -> DeviceTraits;

    /// Hints that `len` bytes at `at` will be read soon. Never fails.
    fn prefetch(&self, at: u64, len: usize);

    /// Passes a hint; unknown ones are ignored.
    fn control(&self, op: FileControl);

    /// The shared memory that belongs to this database file (`FILE-shm`), opened or created at the first call.
    /// `read_only` opens it without ever writing to it. Connections of one process share the mapping.
    fn shm(&self, read_only: bool) -> Result<Arc<dyn SharedMemory>, IoError>;

    /// Whether the path that was opened still leads to this file (`SQLITE_READONLY_DBMOVED`).
    fn still_linked(&self) -> Result<bool, IoError>;
}

/// A mapped 32 KiB region of the wal-index.
///
/// The handle keeps the mapping alive. Words are in native byte order, as in SQLite.
pub trait ShmRegion: Send + Sync {
    /// The region as 32-bit words.
    fn words(&self) -> &[AtomicU32];
    /// The same bytes as 16-bit words (hash slots).
    fn half_words(&self) -> &[AtomicU16];
}

/// A run of lock slots, `first .. first + count` within 0..8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShmSlots {
    pub first: u8,
    pub count: u8,
}

/// Kind of a shared-memory lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShmLockMode {
    Shared,
    Exclusive,
}

/// The wal-index of one database as one connection sees it: regions and eight lock slots.
///
/// Each handle is one holder: two handles of one process conflict with each other as two processes do.
pub trait SharedMemory: Send + Sync {
    /// The `index`-th region of 32 KiB. With `extend` the memory grows to hold it; without, `None` when it is not there yet.
    fn region(&self, index: usize, extend: bool) -> Result<Option<Arc<dyn ShmRegion>>, IoError>;

    /// Takes the slots in `mode`, or [`IoError::Busy`]. Slots already held by this handle in that mode are an error of the caller.
    fn lock(&self, slots: ShmSlots, mode: ShmLockMode) -> Result<(), IoError>;

    /// Gives the slots back.
    fn unlock(&self, slots: ShmSlots, mode: ShmLockMode) -> Result<(), IoError>;

    /// Orders all accesses before it against all after it, between processes.
    fn barrier(&self);

    /// Whether the memory may only be read (`-shm` without write permission).
    fn read_only(&self) -> bool;

    /// Unmaps; with `delete` removes the `-shm` file as well. Called by the last connection at close.
    fn close(&self, delete: bool) -> Result<(), IoError>;
}
