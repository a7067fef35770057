//! The `Io` trait: one value that stands for a whole world.
//!
//! Never: per-file state (that is `file`), SQLite's naming of journals (that is the pager's).

use std::sync::Arc;

use crate::completion::{Outstanding, Pending};
use crate::error::IoError;
use crate::file::{FileId, OpenFlags, OpenOutcome};

/// A point on the monotonic clock, in nanoseconds since an arbitrary start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(pub u64);

/// Wall-clock time: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WallTime(pub i64);

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileStat {
    pub id: FileId,
    pub len_bytes: u64,
    pub is_directory: bool,
    /// Unix permission bits, so that journals get those of their database. 0 where a backend has none.
    pub mode: u32,
}

/// A world: files by path, time, randomness, waiting. Paths are bytes, as the operating system has them.
pub trait Io: Send + Sync {
    /// Opens a file. A `None` path makes a temporary file that is unlinked at once.
    fn open(&self, path: Option<&[u8]>, flags: OpenFlags) -> Pending<OpenOutcome>;

    /// What `path` leads to, or `None` where nothing is there.
    fn stat(&self, path: &[u8]) -> Pending<Option<FileStat>>;

    /// Absolute path with symbolic links resolved, as SQLite's `xFullPathname` gives it; the file need not exist.
    fn canonical(&self, path: &[u8]) -> Result<Vec<u8>, IoError>;

    /// Removes a file; `Ok(false)` where it was not there. With `sync_dir` the removal is durable when this completes.
    fn remove(&self, path: &[u8], sync_dir: bool) -> Pending<bool>;

    /// Makes the directory entries beside `path` durable.
    fn sync_dir(&self, path: &[u8]) -> Pending<()>;

    /// A timer that completes at `at`.
    fn timer(&self, at: Instant) -> Pending<()>;

    /// Wall-clock time.
    fn now(&self) -> WallTime;

    /// Monotonic time.
    fn monotonic(&self) -> Instant;

    /// Fills `out` with random bytes.
    fn fill_random(&self, out: &mut [u8]);

    /// An environment variable, or `None`.
    fn env(&self, name: &str) -> Option<Vec<u8>>;

    /// Seconds to add to UTC for local time at `at` (`localtime` modifier); `None` where the backend cannot tell.
    fn local_offset(&self, at: WallTime) -> Option<i64>;

    /// The identity of the operating system's process, so that a child after fork is recognised.
    fn process_id(&self) -> u32;

    /// Submits everything queued so far as one batch. Called once whenever a step yields.
    fn flush(&self);

    /// Returns when one of `outstanding` is done or `until` has come. Spurious returns are allowed.
    fn wait(&self, outstanding: &Outstanding, until: Option<Instant>) -> Result<(), IoError>;

    /// A short name for messages (`unix`, `memory`, `late`).
    fn name(&self) -> &'static str;
}

/// A world shared by all who live in it.
pub type SharedIo = Arc<dyn Io>;
