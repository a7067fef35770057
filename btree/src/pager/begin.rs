//! Beginning a transaction: locks, recovery, what changed since the last one.
//!
//! ```text
//! Start -> JournalStat --there, nobody writes--> Empty -> Peek --not zero--> Hot -> Reopen -> Playback
//!   |          |                                   |        |                                     |
//!   |          '-----------------------------------+--------+---> Version <-----------------------'
//!   |                                                             |  changed
//!   |                                               done <- same -+---> WalStat -> Length -> (page 1 is version 2, or a WAL is there)
//!   '-- WAL ---------------------------------> WalRead <-------- WalOpen <-------------------'   '-> done
//!                                                '-> PageOne -> done
//! done -> Write: RESERVED (EXCLUSIVE) or the WAL's write lock
//! ```
//!
//! - `Hot`: an EXCLUSIVE lock, taken from SHARED without RESERVED in between, so that of two who find the journal one rolls back.
//! - `Version`: 16 bytes of the file header (change counter, size, freelist) tell whether the cache is still true. Where they do, neither the file's
//!   length nor the existence of a WAL is asked for: both can only change together with page 1.
//! - On failure everything that this script locked is unlocked again, except PENDING on an upgrade that found readers.
//!
//! Spec: "File Locking And Concurrency", "Reading a database file"; Database File Format, "File change counter".

use kernite_io::{AccessMode, Buffer, FileKind, LockLevel, OpenFlags, ready};

use super::files::files;
use super::header::{FileHeader, HEADER_BYTES};
use super::journal::playback::Playback;
use super::log::Log;
use super::wal;
use super::{Pager, State};
use crate::page_no::PageNo;
use crate::{Damage, Error, JournalMode, ReadOnlyReason, Step, TransactionKind};

enum At {
    Start,
    JournalStat,
    Empty,
    RemoveStale,
    Peek,
    PeekByte,
    Hot,
    Reopen,
    Playback(Playback),
    Version,
    WalStat(Buffer),
    Length(Buffer),
    RemoveWal,
    WalOpen(wal::open::Open),
    WalRead(wal::read::BeginRead),
    WalLength,
    PageOne,
    Write,
    Done,
}

/// The script.
pub(super) struct Begin {
    pub(super) kind: TransactionKind,
    at: At,
    /// What was under way before.
    before: Option<State>,
    peeked: Option<std::sync::Arc<dyn kernite_io::File>>,
    wal_exists: bool,
}

impl Begin {
    pub(super) fn new(kind: TransactionKind) -> Begin {
        Begin { kind, at: At::Start, before: None, peeked: None, wal_exists: false }
    }

    pub(super) fn step(&mut self, pager: &mut Pager) -> Step<()> {
        loop {
            self.at = match &mut self.at {
                At::Start => self.start(pager)?,
                At::JournalStat => ready!(Self::journal_stat(pager)),
                At::Empty => ready!(Self::empty(pager)),
                At::RemoveStale => ready!(Self::remove_stale(pager)),
                At::Peek => ready!(self.peek(pager)),
                At::PeekByte => ready!(self.peek_byte(pager)),
                At::Hot => Self::hot(pager)?,
                At::Reopen => ready!(Self::reopen(pager)),
                At::Playback(playback) => {
                    ready!(playback.step(pager));
                    Self::played_back(pager)?
                }
                At::Version => ready!(Self::version(pager)),
                At::WalStat(_) => ready!(self.wal_stat(pager)),
                At::Length(_) => ready!(self.length(pager)),
                At::RemoveWal => {
                    let (files, wait) = files(&mut pager.files, &mut pager.wait)?;
                    ready!(wait.removed(|| files.io.remove(&files.wal_path, false)));
                    self.wal_exists = false;
                    At::Write
                }
                At::WalOpen(open) => {
                    let wal = ready!(open.step(pager));
                    let (files, _) = files(&mut pager.files, &mut pager.wait)?;
                    files.log = Log::Wal(Box::new(wal));
                    files.header = None;
                    At::WalRead(wal::read::BeginRead::new(self.kind > TransactionKind::Read))
                }
                At::WalRead(read) => {
                    let changed = ready!(read.step(pager));
                    Self::wal_has_read(pager, changed)?
                }
                At::WalLength => ready!(Self::wal_length(pager)),
                At::PageOne => ready!(Self::page_one(pager)),
                At::Write => {
                    if pager.state == State::None {
                        pager.state = State::Read;
                    }
                    self.write(pager)?;
                    At::Done
                }
                At::Done => return Ok(Some(())),
            };
        }
    }

    /// Gives back what this script locked.
    pub(super) fn failed(&mut self, pager: &mut Pager) {
        if self.before.unwrap_or(State::None) == State::None {
            pager.release_read();
        }
    }

    fn start(&mut self, pager: &mut Pager) -> Result<At, Error> {
        if let Some(error) = &pager.error {
            return Err(error.clone());
        }
        let before = *self.before.get_or_insert(pager.state);
        if before != State::None {
            return Ok(At::Write);
        }
        let Some(files) = &mut pager.files else { return Ok(At::Write) };
        if files.log.is_wal() {
            return Ok(At::WalRead(wal::read::BeginRead::new(self.kind > TransactionKind::Read)));
        }
        if files.immutable {
            return Ok(if files.header.is_some() { At::Write } else { At::Version });
        }
        // A lock that was never given up: nobody can have written.
        if files.main.lock_level() >= LockLevel::Shared && files.header.is_some() {
            return Ok(At::Write);
        }
        files.lock(LockLevel::Shared)?;
        if kernite_io::planted!(SharedLockDropped) && self.kind == TransactionKind::Read {
            files.unlock(LockLevel::None);
        }
        Ok(At::JournalStat)
    }

    fn journal_stat(pager: &mut Pager) -> Step<At> {
        let (files, wait) = files(&mut pager.files, &mut pager.wait)?;
        let path = &files.journal_path;
        let found = ready!(wait.stat(|| files.io.stat(path)));
        files.log.journal()?.existed = found.is_some();
        let has_content = found.is_some_and(|found| found.len_bytes > 0);
        if has_content && files.main.lock_level() <= LockLevel::Shared && !files.main.reserved()? {
            return Ok(Some(At::Empty));
        }
        Ok(Some(At::Version))
    }

    /// A journal beside an empty database is left over from another database of that name, or undoes its making: it goes.
    fn empty(pager: &mut Pager) -> Step<At> {
        let (files, wait) = files(&mut pager.files, &mut pager.wait)?;
        let len = ready!(wait.length(|| files.main.len()));
        if len > 0 {
            return Ok(Some(At::Peek));
        }
        Ok(Some(if files.lock(LockLevel::Reserved).is_ok() { At::RemoveStale } else { At::Version }))
    }

    fn remove_stale(pager: &mut Pager) -> Step<At> {
        let exclusive = pager.settings.exclusive;
        let (files, wait) = files(&mut pager.files, &mut pager.wait)?;
        let path = &files.journal_path;
        // Tidying only: whether or not it can be removed, an empty database reads as empty.
        if let Ok(None) = wait.removed(|| files.io.remove(path, false)) {
            return Ok(None);
        }
        files.log.journal()?.existed = false;
        if !exclusive {
            files.unlock(LockLevel::Shared);
        }
        Ok(Some(At::Version))
    }

    fn peek(&mut self, pager: &mut Pager) -> Step<At> {
        let (files, wait) = files(&mut pager.files, &mut pager.wait)?;
        let flags = OpenFlags::new(FileKind::MainJournal, AccessMode::ReadOnly);
        let path = &files.journal_path;
        match wait.opened(|| files.io.open(Some(path), flags)) {
            Ok(Some(opened)) => {
                self.peeked = Some(opened.file);
                Ok(Some(At::PeekByte))
            }
            Ok(None) => Ok(None),
            // It may have gone meanwhile. Under the EXCLUSIVE lock we shall know.
            Err(Error::CannotOpen) => Ok(Some(At::Hot)),
            Err(error) => Err(error),
        }
    }

    /// A journal whose first byte is zero was ended in mode PERSIST.
    fn peek_byte(&mut self, pager: &mut Pager) -> Step<At> {
        let Some(file) = &self.peeked else { return Ok(Some(At::Hot)) };
        let (bytes, _) = ready!(pager.wait.bytes(|| file.read(0, Buffer::zeroed(1))));
        self.peeked = None;
        Ok(Some(if bytes.first() == Some(&0) { At::Version } else { At::Hot }))
    }

    fn hot(pager: &mut Pager) -> Result<At, Error> {
        let (files, _) = files(&mut pager.files, &mut pager.wait)?;
        if files.read_only {
            return Err(Error::ReadOnly(ReadOnlyReason::Rollback));
        }
        if !kernite_io::planted!(HotJournalWithoutLock) {
            files.lock_exclusive()?;
        }
        Ok(At::Reopen)
    }

    /// Under the lock: another may have rolled back and removed it before us.
    fn reopen(pager: &mut Pager) -> Step<At> {
        let (files, wait) = files(&mut pager.files, &mut pager.wait)?;
        let path = &files.journal_path;
        if ready!(wait.stat(|| files.io.stat(path))).is_some() {
            return Ok(Some(At::Playback(Playback::new(true))));
        }
        files.log.journal()?.existed = false;
        Ok(Some(Self::played_back(pager)?))
    }

    fn played_back(pager: &mut Pager) -> Result<At, Error> {
        let exclusive = pager.settings.exclusive;
        pager.reset_cache();
        let (files, _) = files(&mut pager.files, &mut pager.wait)?;
        if !exclusive {
            files.unlock(LockLevel::Shared);
        }
        Ok(At::Version)
    }

    fn version(pager: &mut Pager) -> Step<At> {
        let (bytes, len) = ready!(pager.read_header_bytes());
        let (files, _) = files(&mut pager.files, &mut pager.wait)?;
        let known = files.header.as_ref().map(|header| header.version);
        let from = if kernite_io::planted!(ChangeCounterIgnored) { 4 } else { 0 };
        if len == HEADER_BYTES && known.as_ref().is_some_and(|known| bytes[24 + from..40] == known[from..]) {
            pager.keep_header_buffer(bytes);
            return Ok(Some(At::Write));
        }
        // An empty file that was empty before has nothing to forget.
        if known.is_some() || len > 0 || pager.page_count > 0 {
            pager.see_change(Pager::reset_cache);
        }
        pager.was_read = true;
        if pager.files.as_ref().is_some_and(|files| files.immutable) {
            return Ok(Some(At::Length(bytes)));
        }
        Ok(Some(At::WalStat(bytes)))
    }

    fn wal_stat(&mut self, pager: &mut Pager) -> Step<At> {
        let (files, wait) = files(&mut pager.files, &mut pager.wait)?;
        self.wal_exists = ready!(wait.stat(|| files.io.stat(&files.wal_path))).is_some();
        if !self.wal_exists && pager.settings.journal_mode == JournalMode::Wal {
            pager.settings.journal_mode = JournalMode::Delete;
        }
        let At::WalStat(bytes) = std::mem::replace(&mut self.at, At::Done) else { return Ok(Some(At::Done)) };
        Ok(Some(At::Length(bytes)))
    }

    /// The header has changed, or is seen for the first time.
    fn length(&mut self, pager: &mut Pager) -> Step<At> {
        let (files, wait) = files(&mut pager.files, &mut pager.wait)?;
        let len = ready!(wait.length(|| files.main.len()));
        if len == 0 {
            pager.set_page_count_raw(0);
            return Ok(Some(if self.wal_exists { At::RemoveWal } else { At::Write }));
        }
        if self.wal_exists {
            return Ok(Some(At::WalOpen(wal::open::Open::new())));
        }
        let At::Length(bytes) = &self.at else { return Ok(Some(At::Done)) };
        let header = FileHeader::parse(bytes)?;
        if header.wants_wal && !files.immutable && !pager.leaving_wal {
            if files.no_lock && !pager.settings.exclusive {
                return Err(Error::CannotOpen);
            }
            return Ok(Some(At::WalOpen(wal::open::Open::new())));
        }
        pager.adopt_header(header, len.div_ceil(u64::from(header.page_bytes)))?;
        Ok(Some(At::Write))
    }

    fn wal_has_read(pager: &mut Pager, changed: bool) -> Result<At, Error> {
        let (files, _) = files(&mut pager.files, &mut pager.wait)?;
        if !changed && files.header.is_some() {
            return Ok(At::Write);
        }
        files.header = None;
        let Some(wal) = files.log.wal() else { return Ok(At::Done) };
        let (page_count, page_bytes) = (wal.page_count(), wal.page_bytes());
        if page_count == 0 {
            return Ok(At::WalLength);
        }
        pager.set_page_size_of_file(page_bytes);
        pager.set_page_count_raw(page_count);
        Ok(At::PageOne)
    }

    /// The WAL is empty: the database file tells how many pages there are.
    fn wal_length(pager: &mut Pager) -> Step<At> {
        let (files, wait) = files(&mut pager.files, &mut pager.wait)?;
        let len = ready!(wait.length(|| files.main.len()));
        let pages = len.div_ceil(pager.page_size() as u64);
        pager.set_page_count_raw(pages.min(u64::from(super::PAGE_COUNT_MAX)) as u32);
        Ok(Some(if len == 0 { At::Write } else { At::PageOne }))
    }

    fn page_one(pager: &mut Pager) -> Step<At> {
        let frame = ready!(pager.get(PageNo::ONE));
        let header = FileHeader::parse(pager.page(frame))?;
        let pages = u64::from(pager.page_count);
        let (files, _) = files(&mut pager.files, &mut pager.wait)?;
        let wal_pages = files.log.wal().map_or(0, |wal| wal.page_count());
        if header.page_bytes as usize != pager.page_size() {
            if wal_pages > 0 {
                return Err(Error::corrupt(PageNo::ONE, Damage::BadHeader));
            }
            pager.set_page_size_of_file(header.page_bytes);
            return Ok(Some(At::WalLength));
        }
        pager.adopt_header(header, pages)?;
        Ok(Some(At::Write))
    }

    fn write(&mut self, pager: &mut Pager) -> Result<(), Error> {
        if self.kind == TransactionKind::Read {
            return Ok(());
        }
        if pager.state == State::Write {
            if let Some(files) = &mut pager.files
                && self.kind == TransactionKind::Exclusive
                && !files.log.is_wal()
            {
                files.lock_exclusive()?;
            }
            return Ok(());
        }
        if let Some(files) = &mut pager.files {
            if files.read_only || files.header.as_ref().is_some_and(|header| header.read_only) {
                return Err(Error::ReadOnly(ReadOnlyReason::Plain));
            }
            match &mut files.log {
                Log::Rollback(_) => {
                    if !kernite_io::planted!(ReservedNotTaken) {
                        files.lock(LockLevel::Reserved)?;
                    }
                    if self.kind == TransactionKind::Exclusive {
                        files.lock_exclusive()?;
                    }
                }
                Log::Wal(wal) => {
                    if pager.settings.exclusive && !wal.index.exclusive {
                        files.main.lock(LockLevel::Exclusive)?;
                        wal.enter_exclusive();
                    }
                    wal.begin_write().map_err(|error| match error {
                        // Nobody has read in this snapshot yet: beginning again gets the newest.
                        Error::BusySnapshot if self.before == Some(State::None) => Error::Busy,
                        other => other,
                    })?;
                }
            }
        }
        pager.start_write_transaction();
        if pager.page_count == 0 {
            pager.format_first_page()?;
        }
        Ok(())
    }
}

impl Pager {
    /// Starts a transaction, or makes the one under way go as far as `kind`.
    ///
    /// [`Error::Busy`] where a lock is in the way: a transaction that this call would have started is not there, one that was is as it was.
    pub fn begin(&mut self, kind: TransactionKind) -> Step<()> {
        if self.script.is_none()
            && self.error.is_none()
            && (self.state == State::Write && kind != TransactionKind::Exclusive
                || self.state == State::Read && kind == TransactionKind::Read)
        {
            return Ok(Some(()));
        }
        if kind == TransactionKind::Read && self.read_same_snapshot() {
            return Ok(Some(()));
        }
        self.drive(
            || super::script::Script::Begin(Begin::new(kind)),
            |left| matches!(left, super::script::Script::Begin(begin) if begin.kind == kind),
        )
    }

    /// The usual beginning of a read in WAL mode: nobody wrote since the last one. Whether it was that; else the script has to look.
    fn read_same_snapshot(&mut self) -> bool {
        if self.state != State::None || self.script.is_some() || self.error.is_some() {
            return false;
        }
        let Some(files) = &mut self.files else { return false };
        let Log::Wal(wal) = &mut files.log else { return false };
        if files.header.is_none() || !wal.read_again() {
            return false;
        }
        self.state = State::Read;
        true
    }

    /// Ends a read transaction. Does nothing to a write transaction. A lock that cannot be given back is kept; that is no failure of the reader.
    pub fn end_read(&mut self) -> Step<()> {
        if self.state == State::Read {
            self.release_read();
        }
        Ok(Some(()))
    }

    /// Gives the read lock back, except in exclusive locking mode.
    pub(super) fn release_read(&mut self) {
        self.forget_reads();
        self.end_thrash();
        self.state = State::None;
        let Some(files) = &mut self.files else { return };
        match &mut files.log {
            Log::Wal(wal) => {
                wal.end_read();
                if !self.settings.exclusive && wal.index.exclusive && wal.leave_exclusive() {
                    files.unlock(LockLevel::Shared);
                }
            }
            Log::Rollback(journal) => {
                // In exclusive mode the locks stay, but not those of a transaction that could not be begun.
                if !self.settings.exclusive || files.header.is_none() {
                    journal.file = None;
                    files.unlock(LockLevel::None);
                }
            }
        }
    }

    /// Runs what a change by others makes necessary. What is seen for the first time is no change.
    pub(super) fn see_change(&mut self, forget: impl FnOnce(&mut Pager)) {
        let before = self.data_version;
        forget(self);
        if !std::mem::replace(&mut self.was_read, true) {
            self.data_version = before;
        }
    }

    /// The pages in the cache are not those of the file any more.
    pub(super) fn reset_cache(&mut self) {
        self.cache.clear();
        self.highest_page = 0;
        self.forget_reads();
        self.data_version = self.data_version.wrapping_add(1);
        if let Some(files) = &mut self.files {
            files.header = None;
        }
    }

    /// Takes the page size from the file or WAL.
    pub(super) fn set_page_size_of_file(&mut self, page_bytes: u32) {
        if page_bytes as usize != self.cache.page_size() {
            self.forget_reads();
            self.cache.set_page_size(page_bytes as usize);
            self.apply_cache_size();
        }
    }

    /// Makes a header that was read the one in force. `pages` is how many the file or the WAL has room for.
    pub(super) fn adopt_header(&mut self, header: FileHeader, pages: u64) -> Result<(), Error> {
        let promised = header.page_count.map_or(pages, u64::from);
        if promised > pages && !self.trust_short_file {
            return Err(Error::Corrupt { page: None, damage: Damage::ShortFile });
        }
        self.set_page_size_of_file(header.page_bytes);
        self.reserved = header.reserved;
        self.set_page_count_raw(promised.min(pages).min(u64::from(super::PAGE_COUNT_MAX)) as u32);
        if let Some(files) = &mut self.files {
            files.header = Some(header);
        }
        Ok(())
    }
}
