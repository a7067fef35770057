//! Beginning a read: a snapshot, and a read mark that protects it.
//!
//! ```text
//!            .---------- retry, later and later ----------.
//! Header -> Mark -> Check --somebody wrote or copied meanwhile--'   -> done
//!   '- not valid -> Recover
//! ```
//!
//! Mark 0 stands for "everything is in the database file": such a reader never looks into the WAL, and the next writer may start it over. Any
//! other mark is a frame number; a reader takes the largest that its snapshot allows, and moves one that nobody uses up to its own.
//!
//! Nothing that was read before the mark was locked may be believed: header and mark are compared again after that.
//!
//! Spec: "WAL-mode File Format", "Reader algorithm", "WAL Locks".

use kernite_io::{Instant, IoError, ShmLockMode, ready};

use super::Wal;
use super::index::{self, Index, IndexHeader, MARK_UNUSED, MARKS};
use super::recover::Recover;
use crate::pager::{Pager, files};
use crate::{Damage, Error, ReadOnlyReason, Step};

/// Frames by which a writer's mark may lag behind: a fraction of what an automatic checkpoint copies.
const MARK_LAG_MAX: u32 = 256;
/// Tries before the locking protocol is taken for broken; less than ten seconds in all.
const TRIES_MAX: u64 = 100;
/// Tries without a pause, and tries with the shortest one.
const TRIES_AT_ONCE: u64 = 5;
const TRIES_SHORT: u64 = 10;
/// The pause grows with the square of the tries beyond the short ones.
const PAUSE_UNIT_NS: u64 = 39_000;
const PAUSE_SHORT_NS: u64 = 1_000;

/// What one try to get a header or a mark came to.
pub(super) enum LoadedHeader {
    Done,
    Retry,
    /// The header is not valid, and the write lock is held to build it.
    Recover,
    /// The shared memory may only be read, and nobody is there to vouch for it.
    Unreliable,
}

use LoadedHeader as Try;

/// The pause before try `tries`, or `None` for none.
fn pause_ns(tries: u64) -> Option<u64> {
    match tries {
        0..=TRIES_AT_ONCE => None,
        _ if tries < TRIES_SHORT => Some(PAUSE_SHORT_NS),
        _ => Some((tries - 9) * (tries - 9) * PAUSE_UNIT_NS),
    }
}

/// A wait that is repeated longer and longer.
#[derive(Default)]
pub(in crate::pager) struct Patience {
    tries: u64,
    until: Option<Instant>,
}

impl Patience {
    /// Waits before the next try. [`Error::Protocol`] after too many.
    pub(in crate::pager) fn wait(&mut self, pager: &mut Pager) -> Step<()> {
        let (files, wait) = files(&mut pager.files, &mut pager.wait)?;
        let until = match self.until {
            Some(until) => until,
            None => {
                self.tries += 1;
                if self.tries > TRIES_MAX {
                    return Err(Error::Protocol);
                }
                let Some(pause) = pause_ns(self.tries) else { return Ok(Some(())) };
                let until = Instant(files.io.monotonic().0.saturating_add(pause));
                *self.until.insert(until)
            }
        };
        ready!(wait.unit(|| files.io.timer(until)));
        self.until = None;
        Ok(Some(()))
    }
}

enum At {
    Wait,
    Try,
    Recover(Recover),
}

/// The script. Its result: whether the snapshot is another than the last one.
pub(in crate::pager) struct BeginRead {
    at: At,
    patience: Patience,
    changed: bool,
    /// A write transaction begins.
    for_write: bool,
}

impl BeginRead {
    pub(in crate::pager) fn new(for_write: bool) -> BeginRead {
        BeginRead { at: At::Wait, patience: Patience::default(), changed: false, for_write }
    }

    pub(in crate::pager) fn step(&mut self, pager: &mut Pager) -> Step<bool> {
        loop {
            self.at = match &mut self.at {
                At::Wait => {
                    ready!(self.patience.wait(pager));
                    At::Try
                }
                At::Try => {
                    let wal = wal(pager)?;
                    let before = wal.header;
                    let outcome = wal.try_read(self.for_write)?;
                    if wal.header != before {
                        self.changed = true;
                        pager.snapshot_moved(&before);
                    }
                    match outcome {
                        Try::Done => return Ok(Some(self.changed)),
                        Try::Retry => At::Wait,
                        Try::Recover => At::Recover(Recover::new()),
                        Try::Unreliable => Self::alone(pager)?,
                    }
                }
                At::Recover(recover) => {
                    let result = recover.step(pager);
                    if result.is_err() {
                        wal(pager)?.leave_private_index();
                    }
                    if !matches!(result, Ok(None)) {
                        wal(pager)?.unlock_write_after_recovery();
                    }
                    ready!(result);
                    self.changed = true;
                    pager.reset_cache();
                    At::Try
                }
            };
        }
    }
}

impl BeginRead {
    fn alone(pager: &mut Pager) -> Result<At, Error> {
        let private = wal(pager)?.use_private_index()?;
        Ok(if private { At::Recover(Recover::new()) } else { At::Wait })
    }
}

/// The WAL in force.
pub(in crate::pager) fn wal(pager: &mut Pager) -> Result<&mut Wal, Error> {
    let (files, _) = files(&mut pager.files, &mut pager.wait)?;
    files.log.wal().ok_or(Error::Unsupported("a WAL operation in rollback mode"))
}

impl Wal {
    fn try_read(&mut self, for_write: bool) -> Result<Try, Error> {
        debug_assert!(self.read_mark.is_none());
        match self.load_header()? {
            Try::Done => {}
            other => return Ok(other),
        }
        self.lock_mark(true, for_write)
    }

    /// Locks a mark for the snapshot that this connection read last, where that is still the newest. Holds nothing where it is not, or where a lock
    /// is in the way.
    pub(in crate::pager) fn read_again(&mut self) -> bool {
        if self.index.exclusive {
            // Nobody else can have written.
            return self.header.is_known_version() && matches!(self.lock_mark(true, true), Ok(Try::Done));
        }
        let same = self.header.is_known_version() && self.index.live() == self.header;
        same && matches!(self.lock_mark(true, false), Ok(Try::Done))
    }

    /// Makes the published header the snapshot. `Recover`: it is not valid, and the write lock is held.
    pub(super) fn load_header(&mut self) -> Result<LoadedHeader, Error> {
        let mapped = match self.index.map(0, self.write_locked) {
            Err(Error::Io(IoError::ShmNotInitialised)) => return Ok(Try::Unreliable),
            mapped => mapped?,
        };
        let mut header = if mapped { self.index.read_header(&self.header) } else { None };
        if header.is_none() {
            if self.index.read_only() {
                return Err(Error::ReadOnly(ReadOnlyReason::Recovery));
            }
            // A writer may be in the middle of publishing: under its lock nobody is.
            if !self.write_locked {
                match self.index.lock(index::WRITE, ShmLockMode::Exclusive) {
                    Ok(()) => {}
                    Err(Error::Busy) => return self.writer_or_recovery(),
                    Err(error) => return Err(error),
                }
            }
            let mapped = self.index.map(0, true);
            if let Ok(true) = mapped {
                header = self.index.read_header(&self.header);
            }
            if mapped.is_ok() && header.is_none() {
                return Ok(Try::Recover);
            }
            self.unlock_write_after_recovery();
            mapped?;
        }
        let Some(header) = header else { return Ok(Try::Retry) };
        if !header.is_known_version() {
            return Err(Error::CannotOpen);
        }
        if !header.is_sane() {
            return Err(Error::Corrupt { page: None, damage: Damage::Wal });
        }
        if header != self.header {
            self.header = header;
            self.page_bytes = header.page_bytes();
        }
        Ok(Try::Done)
    }

    /// Makes an index of our own for one transaction, where the shared memory may only be read and nobody vouches for it. `false`: somebody
    /// does by now. While mark 0 is locked no checkpoint runs, so the frames that are there stay.
    fn use_private_index(&mut self) -> Result<bool, Error> {
        match self.index.lock(index::reader(0), ShmLockMode::Shared) {
            Ok(()) => {}
            Err(Error::Busy) => return Ok(false),
            Err(error) => return Err(error),
        }
        if !matches!(self.index.map(0, false), Err(Error::Io(IoError::ShmNotInitialised))) {
            self.index.unlock(index::reader(0), ShmLockMode::Shared);
            return Ok(false);
        }
        self.unreliable_index = Some(std::mem::replace(&mut self.index, Index::heap()));
        Ok(true)
    }

    /// Goes back to the shared memory, which is looked at afresh.
    pub(super) fn leave_private_index(&mut self) {
        if let Some(shared) = self.unreliable_index.take() {
            self.index = shared;
            self.index.unlock(index::reader(0), ShmLockMode::Shared);
            self.header = IndexHeader::default();
        }
    }

    /// Gives back the write lock that [`Wal::load_header`] took, unless it is that of a transaction.
    pub(super) fn unlock_write_after_recovery(&mut self) {
        if !self.write_locked {
            self.index.unlock(index::WRITE, ShmLockMode::Exclusive);
        }
    }

    /// Somebody holds the write lock and the header is not valid: a recovery, or a moment.
    fn writer_or_recovery(&self) -> Result<Try, Error> {
        match self.index.lock(index::RECOVER, ShmLockMode::Shared) {
            Ok(()) => {
                self.index.unlock(index::RECOVER, ShmLockMode::Shared);
                Ok(Try::Retry)
            }
            Err(Error::Busy) => Err(Error::BusyRecovery),
            Err(error) => Err(error),
        }
    }

    /// Locks a read mark for the snapshot. `may_skip_wal`: mark 0 will do where everything is in the database file. `old_will_do`: a mark
    /// behind the snapshot is not moved up.
    pub(super) fn lock_mark(&mut self, may_skip_wal: bool, old_will_do: bool) -> Result<LoadedHeader, Error> {
        let last = self.header.max_frame();
        if may_skip_wal && self.index.backfilled() == last {
            match self.index.lock(index::reader(0), ShmLockMode::Shared) {
                Ok(()) => {
                    self.index.barrier();
                    if self.index.live() != self.header && !kernite_io::planted!(WalMarkNotRechecked) {
                        self.index.unlock(index::reader(0), ShmLockMode::Shared);
                        return Ok(Try::Retry);
                    }
                    self.read_mark = Some(0);
                    return Ok(Try::Done);
                }
                Err(Error::Busy) => {}
                Err(error) => return Err(error),
            }
        }
        let Some(mark) = self.choose_mark(last, old_will_do)? else {
            return if self.index.read_only() {
                Err(Error::ReadOnly(ReadOnlyReason::Recovery))
            } else {
                Ok(Try::Retry)
            };
        };
        let frame = self.index.mark(mark);
        if frame > last || frame == MARK_UNUSED {
            return Ok(Try::Retry);
        }
        match self.index.lock(index::reader(mark), ShmLockMode::Shared) {
            Ok(()) => {}
            Err(Error::Busy) => return Ok(Try::Retry),
            Err(error) => return Err(error),
        }
        self.min_frame =
            self.index.backfilled().saturating_add(1 + u32::from(kernite_io::planted!(WalReadSkipsFirst)));
        self.index.barrier();
        let moved = self.index.mark(mark) != frame || self.index.live() != self.header;
        if moved && !kernite_io::planted!(WalMarkNotRechecked) {
            self.index.unlock(index::reader(mark), ShmLockMode::Shared);
            return Ok(Try::Retry);
        }
        self.read_mark = Some(mark);
        Ok(Try::Done)
    }

    /// The largest mark not past `last`; one that nobody uses is moved up to `last` where none is there.
    ///
    /// A writer does with an old one, which saves locking and unlocking a mark on each transaction: it only keeps a checkpoint that runs at
    /// the same time from copying the newest frames, and the writer is about to append newer ones anyway.
    fn choose_mark(&self, last: u32, old_will_do: bool) -> Result<Option<usize>, Error> {
        let mut best: Option<(usize, u32)> = None;
        for mark in 1..MARKS {
            let frame = self.index.mark(mark);
            if frame <= last && best.is_none_or(|(_, best)| best <= frame) {
                best = Some((mark, frame));
            }
        }
        let good = |(_, frame): (usize, u32)| {
            frame == last || (old_will_do && frame > 0 && last - frame < MARK_LAG_MAX)
        };
        if self.index.read_only() || best.is_some_and(good) {
            return Ok(best.map(|(mark, _)| mark));
        }
        for mark in 1..MARKS {
            match self.index.lock(index::reader(mark), ShmLockMode::Exclusive) {
                Ok(()) => {
                    self.index.set_mark(mark, last);
                    self.index.unlock(index::reader(mark), ShmLockMode::Exclusive);
                    return Ok(Some(mark));
                }
                Err(Error::Busy) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(best.map(|(mark, _)| mark))
    }
}

impl Pager {
    /// The snapshot is not the one that the cache is of. Where the same WAL only grew, the pages in its new frames are dropped and
    /// all others are still true; else everything is dropped.
    pub(super) fn snapshot_moved(&mut self, before: &index::IndexHeader) {
        let Ok(wal) = wal(self) else { return };
        let after = wal.header;
        let grew = before.max_frame() > 0
            && before.salt() == after.salt()
            && before.page_bytes() == after.page_bytes()
            && before.max_frame() <= after.max_frame()
            && after.max_frame() - before.max_frame() <= FRAMES_COMPARED_MAX;
        let pages =
            if grew { wal.index.pages(before.max_frame() + 1, after.max_frame()) } else { Ok(Vec::new()) };
        let Ok(pages) = pages else { return self.reset_cache() };
        if !grew || self.files.as_ref().is_none_or(|files| files.header.is_none()) {
            return self.reset_cache();
        }
        self.forget_reads();
        for page in pages.into_iter().skip(usize::from(kernite_io::planted!(WalCacheKeepsPage))) {
            if let Some(id) = crate::PageNo::new(page).and_then(|page| self.cache.table.lookup(page)) {
                self.cache.detach(id);
            }
        }
        self.data_version = self.data_version.wrapping_add(1);
        // The number of pages may be another: the next transaction looks at page 1 again.
        if let Some(files) = &mut self.files {
            files.header = None;
        }
    }
}

/// More new frames than this, and dropping the whole cache is as good.
const FRAMES_COMPARED_MAX: u32 = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end_before_ten_seconds() {
        assert_eq!(pause_ns(5), None);
        assert_eq!(pause_ns(6), Some(1_000));
        assert_eq!(pause_ns(10), Some(39_000));
        let total: u64 = (1..=TRIES_MAX).filter_map(pause_ns).sum();
        assert!(total < 10_000_000_000, "{total}");
    }
}
