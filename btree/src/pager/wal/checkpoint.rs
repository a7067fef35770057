//! Checkpoints: copying frames into the database file.
//!
//! ```text
//! Lock -> Header -> Marks -> SyncWal -> Length -> (Read -> Write)* -> Truncate -> SyncDb -> Copied -> Restart -> Cut -> done
//! ```
//!
//! - `Marks`: frames that a reader's mark is behind must not be copied, since that reader takes older pages from the database file. A mark that
//!   nobody holds is moved out of the way.
//! - `SyncWal`: before a database page is overwritten the frame that replaces it is durable.
//! - `SyncDb`: before anybody may start the WAL over, what was copied is durable. Where readers held the copy back the WAL cannot be
//!   started over, and nothing need be synced.
//! - `Restart`: waits for nobody; whoever asked for more than PASSIVE is told `busy` and may try again.
//!
//! Holds throughout: the checkpoint slot; beyond PASSIVE the write slot; while copying, mark 0 exclusively, so that no reader relies on the
//! database file alone.
//!
//! Spec: "Write-Ahead Logging", "Checkpointing"; `sqlite3_wal_checkpoint_v2`.

use kernite_io::{Buffer, IoSlice, ShmLockMode, ready};

use super::format;
use super::index::{self, MARK_UNUSED, MARKS};
use super::read::{LoadedHeader, Patience, wal};
use super::recover::Recover;
use crate::page_no::PageNo;
use crate::pager::{Pager, State, files};
use crate::{CheckpointMode, CheckpointOutcome, Damage, Error, ReadOnlyReason, Step};

/// Pages in one write.
const RUN_MAX: usize = 64;
/// Bytes of frames in one read.
const READ_BYTES_MAX: usize = 256 * 1024;
/// How much longer than the pages it can have gained a database may get: the lock-byte page.
const GROWTH_SLACK_BYTES: u64 = 65536;

enum At {
    Lock,
    Header,
    Wait(Patience),
    Recover(Recover),
    Marks,
    SyncWal,
    Length,
    Read,
    Write,
    Truncate(u64),
    SyncDb,
    Copied,
    Restart,
    Cut,
    Done,
}

/// The script.
pub(in crate::pager) struct Checkpoint {
    pub(in crate::pager) mode: CheckpointMode,
    at: At,
    /// The write slot could not be had: it goes on as PASSIVE.
    demoted: bool,
    copying: bool,
    /// The last frame that may be copied.
    safe: u32,
    /// Pages and their newest frames, by page.
    items: Vec<(u32, u32)>,
    next: usize,
    run: Vec<IoSlice>,
    file_bytes: u64,
    patience: Option<Patience>,
}

impl Checkpoint {
    pub(in crate::pager) fn new(mode: CheckpointMode) -> Checkpoint {
        Checkpoint {
            mode,
            at: At::Lock,
            demoted: false,
            copying: false,
            safe: 0,
            items: Vec::new(),
            next: 0,
            run: Vec::new(),
            file_bytes: 0,
            patience: Some(Patience::default()),
        }
    }

    /// Leaves its result in `pager.checkpointed`.
    pub(in crate::pager) fn step(&mut self, pager: &mut Pager) -> Step<()> {
        let result = self.run(pager);
        if !matches!(result, Ok(None)) {
            self.unlock(pager);
        }
        result
    }

    fn run(&mut self, pager: &mut Pager) -> Step<()> {
        loop {
            self.at = match &mut self.at {
                At::Lock => self.lock(pager)?,
                At::Header => self.header(pager)?,
                At::Wait(patience) => {
                    ready!(patience.wait(pager));
                    self.patience = match std::mem::replace(&mut self.at, At::Header) {
                        At::Wait(patience) => Some(patience),
                        _ => None,
                    };
                    At::Header
                }
                At::Recover(recover) => {
                    let result = recover.step(pager);
                    if !matches!(result, Ok(None)) {
                        wal(pager)?.unlock_write_after_recovery();
                    }
                    ready!(result);
                    pager.reset_cache();
                    At::Header
                }
                At::Marks => self.marks(pager)?,
                At::SyncWal => {
                    if pager.settings.syncs() && !kernite_io::planted!(CheckpointLogNotSynced) {
                        let file = wal(pager)?.file.clone();
                        ready!(pager.wait.unit(|| file.sync(true)));
                    }
                    At::Length
                }
                At::Length => ready!(self.length(pager)),
                At::Read => ready!(self.read(pager)),
                At::Write => ready!(self.write(pager)),
                At::Truncate(len) => {
                    let len = *len;
                    let (files, wait) = files(&mut pager.files, &mut pager.wait)?;
                    ready!(wait.unit(|| files.main.truncate(len)));
                    At::SyncDb
                }
                At::SyncDb => {
                    if pager.settings.syncs() && !kernite_io::planted!(CheckpointDatabaseNotSynced) {
                        let (files, wait) = files(&mut pager.files, &mut pager.wait)?;
                        ready!(wait.unit(|| files.main.sync(true)));
                    }
                    At::Copied
                }
                At::Copied => {
                    let wal = wal(pager)?;
                    wal.index.set_backfilled(self.safe);
                    self.stop_copying(pager)?;
                    At::Restart
                }
                At::Restart => self.restart(pager)?,
                At::Cut => {
                    let file = wal(pager)?.file.clone();
                    ready!(pager.wait.unit(|| file.truncate(0)));
                    wal(pager)?.index.unlock(index::WAL_READERS, ShmLockMode::Exclusive);
                    At::Done
                }
                At::Done => {
                    self.report(pager)?;
                    return Ok(Some(()));
                }
            };
        }
    }

    fn lock(&mut self, pager: &mut Pager) -> Result<At, Error> {
        let wal = wal(pager)?;
        if wal.read_only || wal.index.read_only() {
            return Err(Error::ReadOnly(ReadOnlyReason::Plain));
        }
        wal.index.lock(index::CHECKPOINT, ShmLockMode::Exclusive)?;
        wal.checkpoint_locked = true;
        if self.mode != CheckpointMode::Passive {
            match wal.index.lock(index::WRITE, ShmLockMode::Exclusive) {
                Ok(()) => wal.write_locked = true,
                Err(Error::Busy) => self.demoted = true,
                Err(error) => return Err(error),
            }
        }
        Ok(At::Header)
    }

    fn header(&mut self, pager: &mut Pager) -> Result<At, Error> {
        let page_bytes = pager.page_size() as u32;
        let known = pager.files.as_ref().is_some_and(|files| files.header.is_some());
        let wal = wal(pager)?;
        let before = wal.header;
        let loaded = wal.load_header()?;
        let after = wal.header;
        if after != before {
            pager.snapshot_moved(&before);
            if !known && after.max_frame() > 0 {
                pager.set_page_size_of_file(after.page_bytes());
            } else if after.max_frame() > 0 && after.page_bytes() != page_bytes {
                return Err(Error::Corrupt { page: None, damage: Damage::Wal });
            }
        }
        match loaded {
            LoadedHeader::Done => Ok(At::Marks),
            LoadedHeader::Retry => Ok(At::Wait(self.patience.take().unwrap_or_default())),
            LoadedHeader::Recover => Ok(At::Recover(Recover::new())),
            LoadedHeader::Unreliable => Err(Error::ReadOnly(ReadOnlyReason::Recovery)),
        }
    }

    fn marks(&mut self, pager: &mut Pager) -> Result<At, Error> {
        let wal = wal(pager)?;
        let last = wal.header.max_frame();
        if wal.index.backfilled() >= last {
            return Ok(At::Restart);
        }
        self.safe = last;
        for mark in 1..MARKS {
            let frame = wal.index.mark(mark);
            if self.safe <= frame {
                continue;
            }
            match wal.index.lock(index::reader(mark), ShmLockMode::Exclusive) {
                Ok(()) => {
                    wal.index.set_mark(mark, if mark == 1 { self.safe } else { MARK_UNUSED });
                    wal.index.unlock(index::reader(mark), ShmLockMode::Exclusive);
                }
                Err(Error::Busy) if kernite_io::planted!(CheckpointPastReader) => {}
                Err(Error::Busy) => self.safe = frame,
                Err(error) => return Err(error),
            }
        }
        let backfilled = wal.index.backfilled();
        if backfilled >= self.safe {
            return Ok(At::Restart);
        }
        match wal.index.lock(index::reader(0), ShmLockMode::Exclusive) {
            Ok(()) => self.copying = true,
            Err(Error::Busy) => return Ok(At::Restart),
            Err(error) => return Err(error),
        }
        if wal.index.live().salt() != wal.header.salt() {
            // Started over since the header was read: there is nothing left to copy.
            self.stop_copying(pager)?;
            return Ok(At::Restart);
        }
        wal.index.set_attempted(self.safe);
        if kernite_io::planted!(CheckpointBackfillEarly) {
            wal.index.set_backfilled(self.safe);
        }
        let pages = wal.index.pages(backfilled + 1, last)?;
        let mut items: Vec<(u32, u32)> = pages.into_iter().zip(backfilled + 1..).collect();
        items.sort_unstable();
        // Of each page the newest frame; a page whose newest one must not be copied yet is left out.
        let (safe, page_count) = (self.safe, wal.header.page_count());
        let mut newest: Vec<(u32, u32)> = Vec::with_capacity(items.len());
        for item in items {
            match newest.last_mut() {
                Some(previous) if previous.0 == item.0 && kernite_io::planted!(CheckpointOlderFrame) => {}
                Some(previous) if previous.0 == item.0 => *previous = item,
                _ => newest.push(item),
            }
        }
        newest.retain(|&(page, frame)| frame <= safe && page > 0 && page <= page_count);
        self.items = newest;
        Ok(At::SyncWal)
    }

    fn length(&mut self, pager: &mut Pager) -> Step<At> {
        let page_bytes = pager.page_size() as u64;
        let (files, wait) = files(&mut pager.files, &mut pager.wait)?;
        self.file_bytes = ready!(wait.length(|| files.main.len()));
        let Some(wal) = files.log.wal() else { return Ok(Some(At::Done)) };
        let wanted = u64::from(wal.header.page_count()) * page_bytes;
        let possible = self.file_bytes + GROWTH_SLACK_BYTES + u64::from(wal.header.max_frame()) * page_bytes;
        if possible < wanted {
            return Err(Error::Corrupt { page: None, damage: Damage::Wal });
        }
        Ok(Some(At::Read))
    }

    /// The pages that go into the next write: neighbours in the database file.
    fn run_length(&self) -> usize {
        let rest = &self.items[self.next..];
        let Some(&(first, _)) = rest.first() else { return 0 };
        rest.iter().take(RUN_MAX).zip(first..).take_while(|((page, _), expected)| page == expected).count()
    }

    /// Gathers the pages of one run, from the cache where it has them: it is of this snapshot. Frames that follow each other are read together.
    fn read(&mut self, pager: &mut Pager) -> Step<At> {
        let wanted = self.run_length();
        if wanted == 0 {
            return self.copied(pager);
        }
        let page_bytes = pager.page_size();
        let frame_bytes = page_bytes + format::FRAME_HEADER_BYTES;
        while self.run.len() < wanted {
            let rest = &self.items[self.next + self.run.len()..self.next + wanted];
            let (page, frame) = rest[0];
            let resident = |page| PageNo::new(page).and_then(|page| pager.cache.table.lookup(page));
            if let Some(id) = resident(page) {
                self.run.push(IoSlice::whole(pager.cache.frame(id).buffer.clone()));
                continue;
            }
            let together = rest
                .iter()
                .take((READ_BYTES_MAX / frame_bytes).max(1))
                .zip(frame..)
                .take_while(|((page, frame), expected)| frame == expected && resident(*page).is_none())
                .count();
            let at = format::frame_at(frame, page_bytes as u32);
            let Some(buffer) = Buffer::try_zeroed(together * frame_bytes) else {
                return Err(Error::NoMemory);
            };
            let file = wal(pager)?.file.clone();
            let (buffer, len) = ready!(pager.wait.bytes(|| file.read(at, buffer)));
            if len < together * frame_bytes {
                return Err(Error::Corrupt { page: None, damage: Damage::Wal });
            }
            for index in 0..together {
                let start = index * frame_bytes + format::FRAME_HEADER_BYTES;
                self.run.push(IoSlice { buffer: buffer.clone(), range: start..start + page_bytes });
            }
        }
        Ok(Some(At::Write))
    }

    fn write(&mut self, pager: &mut Pager) -> Step<At> {
        let page_bytes = pager.page_size() as u64;
        let at = u64::from(self.items[self.next].0 - 1) * page_bytes;
        let run = &self.run;
        let (files, wait) = files(&mut pager.files, &mut pager.wait)?;
        let slices = || run.clone();
        ready!(wait.unit(|| files.main.write(at, slices())));
        self.next += run.len();
        self.file_bytes = self.file_bytes.max(at + run.len() as u64 * page_bytes);
        self.run.clear();
        Ok(Some(At::Read))
    }

    /// Everything that may be copied is.
    fn copied(&mut self, pager: &mut Pager) -> Step<At> {
        let page_bytes = pager.page_size() as u64;
        let wal = wal(pager)?;
        if self.safe != wal.index.live().max_frame() {
            return Ok(Some(At::Copied));
        }
        let wanted = u64::from(wal.header.page_count()) * page_bytes;
        Ok(Some(if self.file_bytes == wanted { At::SyncDb } else { At::Truncate(wanted) }))
    }

    fn restart(&mut self, pager: &mut Pager) -> Result<At, Error> {
        let (files, _) = files(&mut pager.files, &mut pager.wait)?;
        let Some(wal) = files.log.wal() else { return Ok(At::Done) };
        if self.demoted || self.mode == CheckpointMode::Passive {
            return Ok(At::Done);
        }
        if wal.index.backfilled() < wal.header.max_frame() {
            self.demoted = true; // busy: a reader holds the rest back
            return Ok(At::Done);
        }
        if self.mode == CheckpointMode::Full {
            return Ok(At::Done);
        }
        match wal.index.lock(index::WAL_READERS, ShmLockMode::Exclusive) {
            Ok(()) => {}
            Err(Error::Busy) => {
                self.demoted = true;
                return Ok(At::Done);
            }
            Err(error) => return Err(error),
        }
        if self.mode == CheckpointMode::Truncate {
            let mut salt = [0; 4];
            files.io.fill_random(&mut salt);
            wal.reset_index(salt);
            return Ok(At::Cut);
        }
        wal.index.unlock(index::WAL_READERS, ShmLockMode::Exclusive);
        Ok(At::Done)
    }

    fn report(&self, pager: &mut Pager) -> Result<(), Error> {
        let wal = wal(pager)?;
        let outcome = CheckpointOutcome {
            busy: self.demoted,
            log_frames: i64::from(wal.header.max_frame()),
            checkpointed_frames: i64::from(wal.index.backfilled()),
        };
        pager.checkpointed = outcome;
        Ok(())
    }

    fn stop_copying(&mut self, pager: &mut Pager) -> Result<(), Error> {
        if std::mem::take(&mut self.copying) {
            wal(pager)?.index.unlock(index::reader(0), ShmLockMode::Exclusive);
        }
        Ok(())
    }

    fn unlock(&mut self, pager: &mut Pager) {
        let cutting = matches!(self.at, At::Cut);
        // Without a WAL there is nothing to unlock.
        let _ = self.stop_copying(pager);
        if let Ok(wal) = wal(pager) {
            if cutting {
                wal.index.unlock(index::WAL_READERS, ShmLockMode::Exclusive);
            }
            if wal.pager_idle() {
                wal.end_write();
            }
            if std::mem::take(&mut wal.checkpoint_locked) {
                wal.index.unlock(index::CHECKPOINT, ShmLockMode::Exclusive);
            }
        }
    }
}

impl super::Wal {
    /// No transaction holds the write lock, since none is open while a checkpoint runs.
    fn pager_idle(&self) -> bool {
        self.read_mark.is_none()
    }
}

impl Pager {
    /// Copies frames into the database file. [`Error::Locked`] while a transaction is open here; [`Error::Busy`] while another connection
    /// runs a checkpoint. `busy` in the outcome: a writer or reader is in the way, and trying again may get further.
    pub fn checkpoint(&mut self, mode: CheckpointMode) -> Step<CheckpointOutcome> {
        use crate::pager::script::Script;
        if self.state != State::None {
            return Err(Error::Locked);
        }
        if !self.files.as_ref().is_some_and(|files| files.log.is_wal()) {
            return Ok(Some(CheckpointOutcome { busy: false, log_frames: -1, checkpointed_frames: -1 }));
        }
        ready!(self.drive(
            || Script::Checkpoint(Checkpoint::new(mode)),
            |left| matches!(left, Script::Checkpoint(checkpoint) if checkpoint.mode == mode),
        ));
        Ok(Some(self.checkpointed))
    }

    /// Frames in the WAL after the last commit of this connection, once; 0 when none.
    pub fn take_committed_wal_frames(&mut self) -> u32 {
        self.files.as_mut().and_then(|files| files.log.wal()).map_or(0, |wal| wal.take_committed_frames())
    }
}
