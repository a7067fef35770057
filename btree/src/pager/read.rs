//! Reading pages that are not resident.
//!
//! A read that the backend queues is remembered by its page; the operation that wanted it yields, is run again and finds the page resident. Reads
//! ahead of need are queued the same way and forgotten where nobody comes for them.
//!
//! Always true: no read is queued for a page that is resident; none outlives the transaction in which it was queued, since the page may have
//! another content in the next.
//! Never: bytes behind the end of the file taken for an error: they are zero, as the file may end before its last page was written.

use std::sync::Arc;

use kernite_io::{Buffer, Completion, Pending, ready};

use super::log::Located;
use super::{FrameId, Pager};
use crate::page_no::PageNo;
use crate::{Damage, Error, Step};

/// Reads ahead under way at once.
const AHEAD_MAX: usize = 64;

/// How often a re-run leaves the cache as it is until it finds the page that it waited for. Every call of a tree may trim, and an
/// instruction makes several: if only the first of them were spared, the later ones would evict what the earlier ones wait for, for ever.
const RERUN_TRIMS_MAX: u32 = 16;

/// A page that is being read.
pub(super) struct QueuedRead {
    page: PageNo,
    completion: Arc<Completion<(Buffer, usize)>>,
}

/// Pages that are missed again and again.
///
/// An operation that needs more pages at once than the cache may hold, and waits for one, would find another one gone at each of its
/// re-runs, for ever. So a page that is missed again soon gives the cache some slack, until the transaction ends.
#[derive(Default)]
pub(super) struct Thrash {
    /// Pages missed lately, 0 for none.
    lately: [u32; THRASH_PAGES],
    next: usize,
    /// Frames beyond the budget that the cache may hold.
    pub(super) slack: usize,
}

/// How many misses are remembered: few enough that a scan over a table larger than the cache is not taken for thrashing.
const THRASH_PAGES: usize = 8;
/// Frames that a repeated miss allows.
const SLACK_STEP: usize = 2;

impl Thrash {
    fn miss(&mut self, page: PageNo) {
        if self.lately.contains(&page.get()) {
            self.slack += SLACK_STEP;
        }
        self.lately[self.next] = page.get();
        self.next = (self.next + 1) % THRASH_PAGES;
    }
}

impl Pager {
    /// Makes a page resident. Resident pages never yield. [`Damage::BadPageNumber`] beyond the end of the database and for the lock-byte page.
    #[inline]
    pub fn get(&mut self, page: PageNo) -> Step<FrameId> {
        if page.get() <= self.reachable
            && let Some(id) = self.cache.find(page)
        {
            return Ok(Some(id));
        }
        self.miss(page)
    }

    #[cold]
    fn miss(&mut self, page: PageNo) -> Step<FrameId> {
        if let Some(error) = &self.error {
            return Err(error.clone());
        }
        if page.get() > self.page_count || page == self.lock_byte_page() {
            return Err(Error::corrupt(page, Damage::BadPageNumber));
        }
        if let Some(missed) = &mut self.force_miss
            && missed.insert(page)
        {
            return Ok(None);
        }
        self.get_any(page)
    }

    /// Takes the slack back: the operations that needed it are over.
    pub(super) fn end_thrash(&mut self) {
        if self.thrash.slack > 0 {
            self.thrash = Thrash::default();
            self.cache.trigger = self.cache.budget;
        }
    }

    /// Makes a page resident that may lie past the end.
    pub(super) fn get_any(&mut self, page: PageNo) -> Step<FrameId> {
        if let Some(id) = self.cache.find(page) {
            return Ok(Some(id));
        }
        let buffer = ready!(self.read_page(page));
        let stamp = self.cache.take_stamp(page);
        Ok(Some(self.cache.install(page, buffer, stamp)))
    }

    /// The page's bytes, from wherever the log has them.
    fn read_page(&mut self, page: PageNo) -> Step<Buffer> {
        let queued = self.reads.iter().position(|read| read.page == page);
        let completion = match queued {
            Some(index) => {
                let completion = Arc::clone(&self.reads[index].completion);
                if completion.is_done() {
                    self.reads.swap_remove(index);
                    return self.taken(&completion);
                }
                completion
            }
            None => match self.submit_read(page)? {
                Pending::Done(result) => {
                    return Ok(Some(result.inspect_err(|_| self.cache.lose_buffer())?.0));
                }
                Pending::Queued(completion) => {
                    self.queues = true;
                    self.thrash.miss(page);
                    self.reads.push(QueuedRead { page, completion: Arc::clone(&completion) });
                    completion
                }
            },
        };
        self.trims_to_skip = if kernite_io::planted!(TrimBeforeRerun) { 0 } else { RERUN_TRIMS_MAX };
        self.wait.outstanding.prune();
        if !kernite_io::planted!(ReadWakeUpLost) {
            self.wait.outstanding.track(&completion);
        }
        Ok(None)
    }

    fn taken(&mut self, completion: &Completion<(Buffer, usize)>) -> Step<Buffer> {
        match completion.take() {
            Some(Ok((buffer, _))) => {
                // The re-run has got to where the operation waited.
                self.trims_to_skip = 0;
                Ok(Some(buffer))
            }
            Some(Err(error)) => {
                self.cache.lose_buffer();
                Err(error.into())
            }
            None => Err(Error::Unsupported("a read whose result was taken twice")),
        }
    }

    fn submit_read(&mut self, page: PageNo) -> Result<Pending<(Buffer, usize)>, Error> {
        let offset = u64::from(page.get() - 1) * self.cache.page_size() as u64;
        let Some(files) = &mut self.files else {
            // A private page that was never written is zero; one that was spilled is in the temporary file.
            return Ok(match &self.temp {
                Some(file) => file.read(offset, self.cache.take_buffer()?),
                None => Pending::ok((self.cache.take_zeroed()?, 0)),
            });
        };
        Ok(match files.log.locate(page)? {
            Located::Database => files.main.read(offset, self.cache.take_buffer()?),
            Located::Wal(file, at) => file.read(at, self.cache.take_buffer()?),
        })
    }

    /// A page that is made or overwritten must not be filled by a read that was queued before.
    pub(super) fn forget_read(&mut self, page: PageNo) {
        if let Some(index) = self.reads.iter().position(|read| read.page == page) {
            self.reads.swap_remove(index);
            self.cache.lose_buffer();
        }
    }

    /// Hints that these pages will be wanted soon; starts reads where the backend queues them.
    pub fn read_ahead(&mut self, pages: &[PageNo]) {
        if !self.queues || self.error.is_some() {
            return;
        }
        self.harvest_reads();
        for &page in pages {
            let known = page.get() > self.page_count
                || page == self.lock_byte_page()
                || self.cache.table.lookup(page).is_some()
                || self.reads.iter().any(|read| read.page == page);
            if known || self.reads.len() >= AHEAD_MAX {
                continue;
            }
            // Optional: an error shows again when the page is really wanted.
            match self.submit_read(page) {
                Ok(Pending::Queued(completion)) => self.reads.push(QueuedRead { page, completion }),
                Ok(Pending::Done(Ok((buffer, _)))) => {
                    let stamp = self.cache.take_stamp(page);
                    self.cache.install(page, buffer, stamp);
                }
                Ok(Pending::Done(Err(_))) => self.cache.lose_buffer(),
                Err(_) => {}
            }
        }
    }

    /// Makes resident what was read ahead.
    fn harvest_reads(&mut self) {
        let mut index = 0;
        while index < self.reads.len() {
            let Some(result) = self.reads[index].completion.take() else {
                index += 1;
                continue;
            };
            let read = self.reads.swap_remove(index);
            match result {
                Ok((buffer, _)) if self.cache.table.lookup(read.page).is_none() => {
                    let stamp = self.cache.take_stamp(read.page);
                    self.cache.install(read.page, buffer, stamp);
                }
                // Not wanted any more; an error shows again when the page is.
                Ok(_) | Err(_) => self.cache.lose_buffer(),
            }
        }
    }

    /// Forgets all queued reads.
    pub(super) fn forget_reads(&mut self) {
        if kernite_io::planted!(QueuedReadKept) {
            return;
        }
        for _ in 0..self.reads.len() {
            self.cache.lose_buffer();
        }
        self.reads.clear();
    }
}
