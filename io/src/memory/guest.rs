//! Files in memory for a connection that lives in another world.
//!
//! A connection waits in one world only. So a database in memory that stands beside its other databases takes nothing but its files from
//! the memory world; timers, clocks, randomness and waiting are those of the connection's own.
//!
//! Never: a completion of the memory world's own. Its files answer at once.

use super::MemoryIo;
use crate::completion::{Outstanding, Pending};
use crate::error::IoError;
use crate::file::{OpenFlags, OpenOutcome};
use crate::world::{FileStat, Instant, Io, SharedIo, WallTime};

/// The files of one world, everything else of another.
pub struct GuestIo {
    files: MemoryIo,
    host: SharedIo,
}

impl GuestIo {
    /// The files of `files`, for connections that wait in `host`.
    pub fn new(files: MemoryIo, host: SharedIo) -> GuestIo {
        GuestIo { files, host }
    }
}

impl Io for GuestIo {
    fn open(&self, path: Option<&[u8]>, flags: OpenFlags) -> Pending<OpenOutcome> {
        self.files.open(path, flags)
    }

    fn stat(&self, path: &[u8]) -> Pending<Option<FileStat>> {
        self.files.stat(path)
    }

    fn canonical(&self, path: &[u8]) -> Result<Vec<u8>, IoError> {
        self.files.canonical(path)
    }

    fn remove(&self, path: &[u8], sync_dir: bool) -> Pending<bool> {
        self.files.remove(path, sync_dir)
    }

    fn sync_dir(&self, path: &[u8]) -> Pending<()> {
        self.files.sync_dir(path)
    }

    fn timer(&self, at: Instant) -> Pending<()> {
        self.host.timer(at)
    }

    fn now(&self) -> WallTime {
        self.host.now()
    }

    fn monotonic(&self) -> Instant {
        self.host.monotonic()
    }

    fn fill_random(&self, out: &mut [u8]) {
        self.host.fill_random(out);
    }

    fn env(&self, name: &str) -> Option<Vec<u8>> {
        self.host.env(name)
    }

    fn local_offset(&self, at: WallTime) -> Option<i64> {
        self.host.local_offset(at)
    }

    fn process_id(&self) -> u32 {
        self.host.process_id()
    }

    fn flush(&self) {
        self.host.flush();
    }

    fn wait(&self, outstanding: &Outstanding, until: Option<Instant>) -> Result<(), IoError> {
        self.host.wait(outstanding, until)
    }

    fn name(&self) -> &'static str {
        "memory"
    }
}
