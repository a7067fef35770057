//! Keeping the cache within its budget: eviction, and where that is not enough, spilling.
//!
//! Runs between operations only, so a frame that an operation got stays. A clean frame that nobody pins can go at any time; a changed one has to be
//! written first: into the database file once the journal is flushed, into the WAL as a frame without a commit mark, or, for a private
//! database, into a temporary file that nobody else sees.
//!
//! ```text
//! Lock -> Flush -> Pages -> evict          rollback modes (Busy: do without, the cache grows)
//! Frames -> evict                          WAL
//! Temp -> TempPages -> evict               private
//! ```
//!
//! After a run that could not free enough the trigger moves up, so that not every operation tries in vain.
//!
//! Spec: `PRAGMA cache_size`, `PRAGMA cache_spill`.

use std::sync::Arc;

use kernite_io::{AccessMode, FileKind, IoSlice, OpenFlags, ready};

use super::journal::write::Flush;
use super::script::Script;
use super::wal;
use super::{FrameId, Pager, State};
use crate::page_no::PageNo;
use crate::{Error, Step};

enum At {
    Start,
    Flush(Flush),
    Pages(super::commit::WritePages),
    Frames(wal::write::WriteFrames),
    Temp,
    TempPages(Vec<(PageNo, FrameId)>, usize),
    Images,
    Evict,
}

/// The script.
pub(super) struct Spill {
    at: At,
}

impl Spill {
    pub(super) fn step(&mut self, pager: &mut Pager) -> Step<()> {
        loop {
            self.at = match &mut self.at {
                At::Start => Self::start(pager)?,
                At::Flush(flush) => {
                    ready!(flush.step(pager));
                    At::Pages(super::commit::WritePages::new(pager))
                }
                At::Pages(pages) => {
                    ready!(pages.step(pager));
                    At::Evict
                }
                At::Frames(frames) => {
                    ready!(frames.step(pager));
                    At::Evict
                }
                At::Temp => {
                    if pager.temp.is_none() {
                        let Some(io) = &pager.temp_io else { return Ok(Some(())) };
                        let flags = OpenFlags {
                            create: true,
                            delete_on_close: true,
                            ..OpenFlags::new(FileKind::TempDb, AccessMode::ReadWrite)
                        };
                        pager.temp = Some(ready!(pager.wait.opened(|| io.open(None, flags))).file);
                    }
                    At::TempPages(pager.dirty_pages(), 0)
                }
                At::TempPages(pages, next) => {
                    let page_bytes = pager.page_size() as u64;
                    while let Some(&(page, id)) = pages.get(*next) {
                        let Some(file) = pager.temp.as_ref().map(Arc::clone) else { break };
                        let at = u64::from(page.get() - 1) * page_bytes;
                        let buffer = &pager.cache.frame(id).buffer;
                        let slices = || vec![IoSlice::whole(buffer.clone())];
                        ready!(pager.wait.unit(|| file.write(at, slices())));
                        pager.cache.mark_clean(id);
                        *next += 1;
                    }
                    pager.cache.prune_dirty();
                    At::Evict
                }
                At::Images => {
                    ready!(pager.spill_images());
                    At::Evict
                }
                At::Evict => {
                    // Images count as well. They go only where they are a good part of what is held.
                    let within = pager.cache.evict(pager.allowance());
                    if !within && pager.savepoints.images.in_memory() > pager.cache.budget / 4 {
                        self.at = At::Images;
                        continue;
                    }
                    pager.evict();
                    return Ok(Some(()));
                }
            };
        }
    }

    fn start(pager: &mut Pager) -> Result<At, Error> {
        let Some(files) = &mut pager.files else { return Ok(At::Temp) };
        if files.log.is_wal() {
            return Ok(At::Frames(wal::write::WriteFrames::spill(pager)));
        }
        match files.lock_exclusive() {
            Ok(()) if kernite_io::planted!(SpillBeforeJournal) => {
                Ok(At::Pages(super::commit::WritePages::new(pager)))
            }
            Ok(()) => Ok(At::Flush(Flush::new(None))),
            Err(Error::Busy) if kernite_io::planted!(SpillWithoutExclusive) => {
                Ok(At::Flush(Flush::new(None)))
            }
            Err(Error::Busy) => Ok(At::Evict),
            Err(error) => Err(error),
        }
    }
}

impl Pager {
    /// Evicts clean unpinned frames, and spills dirty ones where that is not enough. Called at the start of an operation when
    /// [`Pager::over_budget`]; a re-run of an operation that waited for a page evicts nothing, so that each re-run gets further.
    pub fn trim(&mut self) -> Step<()> {
        if self.script.is_none() {
            if self.trims_to_skip > 0 {
                self.trims_to_skip -= 1;
                return Ok(Some(()));
            }
            if self.cache.evict(self.allowance()) {
                return Ok(Some(()));
            }
            if !self.may_spill() {
                self.evict();
                return Ok(Some(()));
            }
        }
        self.drive(|| Script::Spill(Spill { at: At::Start }), |left| matches!(left, Script::Spill(_)))
    }

    fn may_spill(&self) -> bool {
        let files_allow = self.files.is_some() || self.temp_io.is_some();
        let threshold = self.settings.spill as usize;
        self.state == State::Write
            && files_allow
            && (!self.cache.dirty.is_empty() || self.savepoints.images.in_memory() > 0)
            && threshold > 0
            && self.cache.held() > threshold
            && self.error.is_none()
    }

    /// Frames that the cache may hold.
    fn allowance(&self) -> usize {
        self.cache.budget.saturating_add(self.thrash.slack)
    }

    /// Evicts down to what is allowed, and where that fails lets the cache grow by an eighth before it is tried again.
    fn evict(&mut self) {
        let within = self.cache.evict(self.allowance());
        let held = self.cache.held();
        self.cache.trigger = if within { self.allowance() } else { held + held / 8 + 1 };
    }

    /// Takes over `cache_size`.
    pub(super) fn apply_cache_size(&mut self) {
        let unlimited = self.files.is_none() && self.temp_io.is_none();
        let budget = if unlimited { usize::MAX } else { self.settings.cache_pages(self.page_size()) };
        self.cache.budget = budget;
        self.cache.trigger = budget;
    }

    /// Gives cached clean pages back.
    pub fn shrink(&mut self) {
        self.cache.evict_all_clean();
        self.cache.drop_free();
    }
}
