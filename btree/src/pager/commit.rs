//! Committing, in two halves, so that a transaction over several files can end them together.
//!
//! ```text
//! Prepare:  Counter -> Neighbours -> Lock -> Flush -> Pages -> Extend -> Sync -> prepared       WAL: Frames
//! Finish:   End (the commit point) -> Truncate -> Tidy                                          WAL: published
//! ```
//!
//! - `Lock`: EXCLUSIVE. Busy ends the call with nothing changed; PENDING stays, so that readers drain and the next try gets through.
//! - `Flush`: the journal is durable before the first database page is written.
//! - `Sync`: the database is durable before the journal ends. From `End` on the new state is what a crash leaves.
//! - `Truncate`: the file is cut only after the commit point, since the journal does not hold the pages that were cut off.
//!
//! A transaction that changed nothing writes nothing.
//! Spec: "Atomic Commit In SQLite", "Single File Commit"; `design`: the order of effects.

use kernite_io::{IoSlice, LockLevel, ready};

use super::cache::{DIRTY, FORGOTTEN};
use super::files::files;
use super::header::{self, FileHeader};
use super::journal::end::End;
use super::journal::write::Flush;
use super::log::Log;
use super::script::Script;
use super::wal;
use super::{FrameId, Pager, State};
use crate::Step;
use crate::page_no::PageNo;

/// Pages in one write.
const RUN_MAX: usize = 256;

enum PrepareAt {
    Start,
    Counter,
    Neighbours(u32),
    Lock,
    Flush(Flush),
    Pages(WritePages),
    Extend,
    Sync,
    Frames(wal::write::WriteFrames),
    Done,
}

/// First half: everything is durable but the end of the journal.
pub(super) struct Prepare {
    at: PrepareAt,
    super_name: Option<Vec<u8>>,
}

impl Prepare {
    pub(super) fn new(super_name: Option<Vec<u8>>) -> Prepare {
        Prepare { at: PrepareAt::Start, super_name }
    }

    pub(super) fn step(&mut self, pager: &mut Pager) -> Step<()> {
        loop {
            self.at = match &mut self.at {
                PrepareAt::Start => {
                    if let Some(error) = &pager.error {
                        return Err(error.clone());
                    }
                    if pager.has_changes() && !pager.transaction.prepared {
                        PrepareAt::Counter
                    } else {
                        PrepareAt::Done
                    }
                }
                PrepareAt::Counter => {
                    ready!(pager.stamp_header());
                    if pager.files.is_none() {
                        PrepareAt::Done
                    } else if pager.files.as_ref().is_some_and(|files| files.log.is_wal()) {
                        PrepareAt::Frames(wal::write::WriteFrames::commit(pager))
                    } else {
                        PrepareAt::Neighbours(0)
                    }
                }
                PrepareAt::Neighbours(next) => {
                    ready!(pager.journal_neighbours(next));
                    PrepareAt::Lock
                }
                PrepareAt::Lock => {
                    let (files, _) = files(&mut pager.files, &mut pager.wait)?;
                    if !kernite_io::planted!(ExclusiveNotTaken) {
                        files.lock_exclusive()?;
                    }
                    PrepareAt::Flush(Flush::new(self.super_name.take()))
                }
                PrepareAt::Flush(flush) => {
                    ready!(flush.step(pager));
                    PrepareAt::Pages(WritePages::new(pager))
                }
                PrepareAt::Pages(pages) => {
                    ready!(pages.step(pager));
                    PrepareAt::Extend
                }
                PrepareAt::Extend => {
                    ready!(Self::extend(pager));
                    PrepareAt::Sync
                }
                PrepareAt::Sync => {
                    if pager.settings.syncs() && !kernite_io::planted!(JournalEndedBeforeSync) {
                        let (files, wait) = files(&mut pager.files, &mut pager.wait)?;
                        match wait.unit(|| files.main.sync(true)) {
                            Err(_) if kernite_io::planted!(SyncErrorSwallowed) => {}
                            Err(_) if kernite_io::planted!(SyncRetried) => {
                                ready!(wait.unit(|| files.main.sync(true)));
                            }
                            synced => ready!(synced),
                        }
                    }
                    pager.transaction.prepared = true;
                    PrepareAt::Done
                }
                PrepareAt::Frames(frames) => {
                    ready!(frames.step(pager));
                    pager.transaction.prepared = true;
                    PrepareAt::Done
                }
                PrepareAt::Done => return Ok(Some(())),
            };
        }
    }

    /// The last pages need not have been written (a freelist leaf, the lock-byte page), but the file has to hold them.
    fn extend(pager: &mut Pager) -> Step<()> {
        let page_bytes = pager.page_size() as u64;
        let mut pages = pager.page_count;
        if pages == pager.lock_byte_page().get() {
            pages -= 1;
        }
        if pages > pager.transaction.file_pages && !kernite_io::planted!(FileNotExtended) {
            let (files, wait) = files(&mut pager.files, &mut pager.wait)?;
            ready!(wait.unit(|| files.main.truncate(u64::from(pages) * page_bytes)));
            pager.transaction.file_pages = pages;
        }
        Ok(Some(()))
    }
}

enum FinishAt {
    Start,
    End(End),
    Truncate,
    Tidy,
}

/// Second half: the commit point, and the locks down.
pub(super) struct Finish {
    at: FinishAt,
}

impl Finish {
    pub(super) fn new() -> Finish {
        Finish { at: FinishAt::Start }
    }

    pub(super) fn step(&mut self, pager: &mut Pager) -> Step<()> {
        loop {
            self.at = match &mut self.at {
                FinishAt::Start => {
                    if pager.state != State::Write {
                        return Ok(Some(()));
                    }
                    match pager.files.as_mut().map(|files| &mut files.log) {
                        None => FinishAt::Tidy,
                        Some(Log::Wal(wal)) => {
                            if pager.transaction.prepared {
                                wal.publish();
                            }
                            FinishAt::Tidy
                        }
                        Some(Log::Rollback(_)) => {
                            if kernite_io::planted!(FileCutBeforeCommit) {
                                ready!(Self::truncate(pager));
                            }
                            FinishAt::End(End::new())
                        }
                    }
                }
                FinishAt::End(end) => {
                    if kernite_io::planted!(LockDroppedBeforeEnd) {
                        files(&mut pager.files, &mut pager.wait)?.0.unlock(LockLevel::Shared);
                    }
                    match end.step(pager) {
                        Err(_) if kernite_io::planted!(JournalEndErrorSwallowed) => {}
                        ended => ready!(ended),
                    }
                    FinishAt::Truncate
                }
                FinishAt::Truncate => {
                    // The transaction is committed: a file that cannot be cut is too long, which does no harm.
                    if let Ok(None) = Self::truncate(pager) {
                        return Ok(None);
                    }
                    FinishAt::Tidy
                }
                FinishAt::Tidy => {
                    pager.finish_transaction();
                    return Ok(Some(()));
                }
            };
        }
    }

    fn truncate(pager: &mut Pager) -> Step<()> {
        let page_bytes = pager.page_size() as u64;
        let own = u64::from(pager.page_count) * page_bytes;
        let len = pager.transaction.image.map_or(own, |image| image.bytes());
        if pager.transaction.prepared && len < u64::from(pager.transaction.file_pages) * page_bytes {
            let (files, wait) = files(&mut pager.files, &mut pager.wait)?;
            ready!(wait.unit(|| files.main.truncate(len)));
        }
        Ok(Some(()))
    }
}

/// Writes changed pages to the database file, in the order of their numbers, neighbours together.
pub(super) struct WritePages {
    pages: Vec<(PageNo, FrameId)>,
    next: usize,
}

impl WritePages {
    /// All pages that are dirty now.
    pub(super) fn new(pager: &Pager) -> WritePages {
        WritePages { pages: pager.dirty_pages(), next: 0 }
    }

    pub(super) fn step(&mut self, pager: &mut Pager) -> Step<()> {
        let page_bytes = pager.page_size() as u64;
        while self.next < self.pages.len() {
            let first = self.pages[self.next].0.get();
            let run = self.pages[self.next..]
                .iter()
                .take(RUN_MAX)
                .zip(first..)
                .take_while(|((page, _), expected)| page.get() == *expected)
                .count();
            let run = &self.pages[self.next..self.next + run];
            let lost = kernite_io::planted!(ChangedPageLost) && run.len() == 1 && first % 3 == 2;
            if lost {
                pager.cache.mark_clean(run[0].1);
                self.next += 1;
                continue;
            }
            // From here on the file is not the transaction's beginning any more.
            pager.transaction.file_written = true;
            let cache = &pager.cache;
            let slices =
                || run.iter().map(|&(_, id)| IoSlice::whole(cache.frame(id).buffer.clone())).collect();
            let (files, wait) = files(&mut pager.files, &mut pager.wait)?;
            let at = u64::from(first - 1) * page_bytes;
            match wait.unit(|| files.main.write(at, slices())) {
                Err(_) if kernite_io::planted!(WriteErrorSwallowed) => {}
                written => ready!(written),
            }
            let last = first + run.len() as u32 - 1;
            pager.transaction.file_pages = pager.transaction.file_pages.max(last);
            for &(_, id) in run {
                pager.cache.mark_clean(id);
            }
            self.next += run.len();
        }
        pager.cache.prune_dirty();
        Ok(Some(()))
    }
}

impl Pager {
    /// Whether the transaction changed anything.
    pub fn has_changes(&self) -> bool {
        self.state == State::Write
            && (!self.cache.dirty.is_empty()
                || self.page_count != self.transaction.page_count
                || self.transaction.file_written)
    }

    /// First half of a commit. With `super_journal` the rollback journal names it. [`crate::Error::Busy`] where readers are in the way: nothing
    /// has changed, and the commit can be tried again.
    pub fn commit_prepare(&mut self, super_journal: Option<&[u8]>) -> Step<()> {
        let name = super_journal.map(<[u8]>::to_vec);
        self.drive(|| Script::Prepare(Prepare::new(name)), |left| matches!(left, Script::Prepare(_)))
    }

    /// Second half: the commit point of a single file; afterwards a read transaction is open. On an error the transaction has to be rolled back, and
    /// whether it was committed is known when it is read again.
    pub fn commit_finish(&mut self) -> Step<()> {
        self.drive(|| Script::Finish(Finish::new()), |left| matches!(left, Script::Finish(_)))
    }

    /// The pages to write, by number.
    pub(super) fn dirty_pages(&self) -> Vec<(PageNo, FrameId)> {
        let mut pages: Vec<_> = self
            .cache
            .dirty
            .iter()
            .filter_map(|&id| {
                let frame = self.cache.frame(id);
                let page = frame.page_no?;
                (frame.flags & DIRTY != 0 && page.get() <= self.page_count).then_some((page, id))
            })
            .collect();
        pages.sort_unstable_by_key(|&(page, _)| page);
        pages
    }

    /// Counts the change in the file header, once in a transaction, and writes down how many pages there are.
    /// In WAL mode only where page 1 is written anyway, the number of pages changed, or nothing else is left to carry the commit mark.
    fn stamp_header(&mut self) -> Step<()> {
        let wal = self.files.as_ref().is_some_and(|files| files.log.is_wal());
        let page_one_changed = self.cache.table.lookup(PageNo::ONE).is_some_and(|id| self.is_dirty(id));
        let resized = self.page_count != self.transaction.page_count;
        if wal && !resized && !page_one_changed && !self.dirty_pages().is_empty() {
            return Ok(Some(()));
        }
        let frame = ready!(self.get(PageNo::ONE));
        let page_count = self.transaction.image.map_or(self.page_count, |image| image.pages);
        let counts =
            self.files.is_some() && !self.transaction.counted && !kernite_io::planted!(ChangeCounterKept);
        let (bytes, _) = self.write_in_place(frame)?;
        header::stamp(bytes, page_count, counts);
        self.transaction.counted |= counts;
        self.transaction.header = Some(FileHeader::parse(self.page(frame))?);
        Ok(Some(()))
    }

    /// Where a torn write may damage the pages beside the one that is written, they are journalled as well.
    fn journal_neighbours(&mut self, next: &mut u32) -> Step<()> {
        let Some(files) = &self.files else { return Ok(Some(())) };
        let per_sector = files.sector_bytes / self.page_size() as u32;
        if per_sector <= 1 || !self.settings.journal_has_file() {
            return Ok(Some(()));
        }
        let dirty = self.dirty_pages();
        for &(page, _) in &dirty {
            let first = (page.get() - 1) / per_sector * per_sector + 1;
            for number in first.max(*next)..first + per_sector {
                if let Some(neighbour) = PageNo::new(number)
                    && number <= self.transaction.page_count
                    && neighbour != self.lock_byte_page()
                {
                    let id = ready!(self.get_any(neighbour));
                    self.give_journal_image(id);
                }
                *next = number + 1;
            }
        }
        Ok(Some(()))
    }

    /// The file is another database's image: it is read afresh.
    fn become_image(&mut self, image: super::vacuum_copy::Image, header: Option<FileHeader>) {
        self.cache.clear();
        self.forget_reads();
        self.set_page_size_of_file(image.page_bytes);
        self.set_page_count_raw(image.pages);
        self.highest_page = image.pages;
        if let Some(header) = header {
            self.reserved = header.reserved;
        }
        let exclusive = self.settings.exclusive;
        let Some(files) = &mut self.files else { return };
        files.header = header;
        match &mut files.log {
            Log::Wal(wal) => wal.end_write(),
            Log::Rollback(journal) => {
                journal.reset(&mut self.cache);
                if !exclusive {
                    files.unlock(LockLevel::Shared);
                }
            }
        }
        self.apply_cache_size();
    }

    /// The transaction is over: everything changed is what the file or log has.
    pub(super) fn finish_transaction(&mut self) {
        self.close_levels();
        self.freed.clear();
        self.state = State::Read;
        self.cache.end_stamps();
        let prepared = std::mem::take(&mut self.transaction.prepared);
        if self.files.is_none() {
            self.drop_frames_past(self.page_count);
            return;
        }
        for id in self.cache.take_dirty() {
            let frame = self.cache.frame(id);
            let past = frame.page_no.is_none_or(|page| page.get() > self.page_count);
            if past || frame.flags & FORGOTTEN != 0 {
                self.cache.detach(id);
            } else {
                self.cache.mark_clean(id);
            }
        }
        self.drop_frames_past(self.page_count);
        let exclusive = self.settings.exclusive;
        let header = self.transaction.header.take();
        if let Some(image) = self.transaction.image.take() {
            self.become_image(image, header);
            return;
        }
        let Some(files) = &mut self.files else { return };
        if prepared && header.is_some() {
            // Into WAL mode: the next transaction looks at the file afresh.
            let opens_wal = header.is_some_and(|header| header.wants_wal) && !files.log.is_wal();
            files.header = if opens_wal { None } else { header };
        }
        match &mut files.log {
            Log::Wal(wal) => wal.end_write(),
            Log::Rollback(journal) => {
                journal.reset(&mut self.cache);
                if !exclusive {
                    files.unlock(LockLevel::Shared);
                }
            }
        }
        self.apply_cache_size();
    }
}
