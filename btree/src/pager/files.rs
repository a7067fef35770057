//! The files of one database: opening the main file, the names of its companions, lock levels.
//!
//! ```text
//! NAME            the database        NAME-wal   write-ahead log
//! NAME-journal    rollback journal    NAME-shm   wal-index (the backend's)
//! ```
//!
//! Always true: `header` is that of the pages in the cache; `None` where they must not be trusted.
//! Never: what is in a journal or WAL.
//! Spec: "File Locking And Concurrency In SQLite Version 3".

use std::sync::Arc;

use kernite_io::{AccessMode, Buffer, File, FileKind, LockLevel, OpenFlags, Outstanding, SharedIo, ready};

use super::Pager;
use super::header::FileHeader;
use super::journal::Journal;
use super::log::Log;
use super::waiter::Waiter;
use crate::{Error, OpenOptions, Step};

/// Sector size where overwriting a range cannot damage what is beside it.
const SAFE_SECTOR_BYTES: u32 = 512;
const SECTOR_BYTES_MAX: u32 = 65536;

/// An open database file and what belongs to it.
pub(super) struct Files {
    pub(super) io: SharedIo,
    pub(super) main: Arc<dyn File>,
    pub(super) path: Vec<u8>,
    pub(super) journal_path: Vec<u8>,
    pub(super) wal_path: Vec<u8>,
    pub(super) read_only: bool,
    /// Nobody changes the file: no locks, no journal, no WAL.
    pub(super) immutable: bool,
    pub(super) no_lock: bool,
    /// Bytes that a torn write may damage at once: the unit to which journal headers are aligned.
    pub(super) sector_bytes: u32,
    pub(super) header: Option<FileHeader>,
    pub(super) log: Log,
}

/// The files and the waiter, which every script needs together.
pub(super) fn files<'a>(
    files: &'a mut Option<Box<Files>>,
    wait: &'a mut Waiter,
) -> Result<(&'a mut Files, &'a mut Waiter), Error> {
    match files {
        Some(files) => Ok((files, wait)),
        None => Err(Error::Unsupported("a file operation on a private database")),
    }
}

impl Files {
    /// Raises the lock on the main file to `want`, where it is lower.
    pub(super) fn lock(&self, want: LockLevel) -> Result<(), Error> {
        if self.immutable || self.main.lock_level() >= want {
            return Ok(());
        }
        Ok(self.main.lock(want)?)
    }

    /// Lowers the lock, where it is higher. A failure leaves a lock behind that is too high, never too low.
    pub(super) fn unlock(&self, to: LockLevel) {
        if !self.immutable && self.main.lock_level() > to {
            let _ = self.main.lock(to);
        }
    }

    /// Raises the lock to Exclusive. Busy leaves Pending behind, so that readers drain and the next try succeeds.
    pub(super) fn lock_exclusive(&self) -> Result<(), Error> {
        self.lock(LockLevel::Exclusive)
    }
}

fn sector_bytes(file: &dyn File) -> u32 {
    let device = file.device();
    if device.powersafe_overwrite {
        return SAFE_SECTOR_BYTES;
    }
    match device.sector_size_bytes {
        0..32 => SAFE_SECTOR_BYTES,
        size => size.min(SECTOR_BYTES_MAX).next_power_of_two(),
    }
}

fn with_suffix(path: &[u8], suffix: &[u8]) -> Vec<u8> {
    [path, suffix].concat()
}

impl Pager {
    /// Opens the database file. Reads nothing: the first transaction does.
    pub fn open(&mut self, io: &SharedIo, options: &OpenOptions) -> Step<()> {
        let Some(path) = &options.path else { return Ok(Some(())) };
        if self.files.is_some() {
            return Ok(Some(()));
        }
        let read_only = options.read_only || options.immutable;
        let flags = OpenFlags {
            create: options.create && !read_only,
            immutable: options.immutable,
            no_lock: options.no_lock,
            dot_file_lock: options.dot_file_lock,
            ..OpenFlags::new(
                FileKind::MainDb,
                if read_only { AccessMode::ReadOnly } else { AccessMode::ReadWriteOrReadOnly },
            )
        };
        let opened = ready!(self.wait.opened(|| io.open(Some(path), flags)));
        self.files = Some(Box::new(Files {
            io: Arc::clone(io),
            sector_bytes: sector_bytes(&*opened.file),
            main: opened.file,
            journal_path: with_suffix(path, b"-journal"),
            wal_path: with_suffix(path, b"-wal"),
            path: path.clone(),
            read_only: read_only || opened.read_only,
            immutable: options.immutable,
            no_lock: options.no_lock,
            header: None,
            log: Log::Rollback(Journal::default()),
        }));
        self.new_file_wal = options.new_file_wal;
        self.apply_cache_size();
        Ok(Some(()))
    }

    /// What a step that returned `Ok(None)` waits for.
    pub fn outstanding(&self) -> &Outstanding {
        &self.wait.outstanding
    }

    /// Forgets what is over of that.
    pub fn forget_done(&mut self) {
        self.wait.outstanding.prune();
    }

    /// Whether the database cannot be written.
    pub fn is_read_only(&self) -> bool {
        self.files.as_ref().is_some_and(|files| files.read_only)
    }

    /// The path, empty for a private database.
    pub fn path(&self) -> &[u8] {
        self.files.as_ref().map_or(&[], |files| &files.path)
    }

    /// The path of the rollback journal, for the list in a super-journal; `None` where this database's journal needs none
    /// (private, WAL, or a journal mode without a file).
    pub fn journal_path_for_super(&self) -> Option<&[u8]> {
        let files = self.files.as_ref()?;
        let named = matches!(files.log, Log::Rollback(_))
            && self.settings.journal_has_file()
            && self.settings.syncs()
            && self.has_changes();
        named.then_some(&files.journal_path)
    }

    /// Reads the first 100 bytes of the main file; how many there were. Who is done with the buffer gives it to
    /// [`Pager::keep_header_buffer`]: every transaction in a rollback mode begins with this read.
    pub(super) fn read_header_bytes(&mut self) -> Step<(Buffer, usize)> {
        let (files, wait) = files(&mut self.files, &mut self.wait)?;
        let kept = &mut self.header_buffer;
        wait.bytes(|| {
            let buffer = kept.take().unwrap_or_else(|| Buffer::zeroed(super::header::HEADER_BYTES));
            files.main.read(0, buffer)
        })
    }

    /// Keeps the buffer of a header for the next read.
    pub(super) fn keep_header_buffer(&mut self, buffer: Buffer) {
        self.header_buffer = Some(buffer);
    }
}
