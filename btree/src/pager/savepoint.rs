//! Savepoints: which images of pages are kept, for whom, and how they are put back.
//!
//! Levels nest: in a private database the transaction itself, then savepoints, then statement savepoints. Levels have numbers that only ever
//! grow. Each frame's stamp is the number of the newest level for which no image of it is owed any more: because it was
//! given, or because the page did not exist (or had no content) when the level was opened. So before a page changes, one comparison
//! tells whether an image is owed, and one image serves all levels that lack one, since the page has not changed between them.
//!
//! ```text
//! levels   [7, from 0]            [9, from 2]         numbers grow, each remembers where its images begin
//! images   (page 3) (page 8)  |   (page 3) (page 5)   each with the stamp that its frame had before
//! ```
//!
//! Rolling back to a level puts the images from its beginning to the end back, newest first, so that the oldest image of a
//! page wins. Releasing a level leaves its images to the one around it, except those that the outer level
//! does not need because it has an older one: otherwise a transaction of many statements would keep an image of
//! each page for each statement.
//!
//! The rollback journal is not a level here, but it takes part in the numbering: `journal` in [`Savepoints`].
//!
//! Never: reading or writing files.
//! Spec: "SAVEPOINT" in the SQL reference; SQLite's file format says nothing of savepoints, they live in memory.

use kernite_io::{Buffer, ready};

use super::cache::DIRTY;
use super::images::{Content, Image, Images};
use super::journal::JournalImage;
use super::log::Log;
use super::script::Script;
use super::{FrameId, PageHeader, Pager};
use crate::Step;
use crate::page_no::PageNo;

/// A point to which changes can be undone.
#[derive(Clone, Copy, Debug)]
struct Level {
    number: u64,
    /// Pages that the database had when the level was opened.
    page_count: u32,
    first_image: usize,
}

/// The open levels and their images.
#[derive(Default)]
pub(super) struct Savepoints {
    /// Number of the newest level or journal, 0 when there is none: what `Frame::stamp` is compared with.
    newest: u64,
    last_number: u64,
    levels: Vec<Level>,
    pub(super) images: Images,
    /// How many of `levels` belong to the transaction and not to savepoints: 1 for a private database, else 0.
    base: usize,
    /// The rollback journal as a level: older than all others.
    journal: Option<Level>,
}

impl Savepoints {
    /// A frame with a stamp below this owes an image.
    #[inline]
    pub(super) fn newest(&self) -> u64 {
        self.newest
    }

    /// Whether any savepoint is open, the transaction's own level not counted.
    pub(super) fn any(&self) -> bool {
        self.levels.len() > self.base
    }

    fn open(&mut self, page_count: u32) {
        self.last_number += 1;
        self.newest = self.last_number;
        self.levels.push(Level { number: self.newest, page_count, first_image: self.images.len() });
    }

    /// Whether a level needs the image of `page`, whose frame has this stamp.
    pub(super) fn wants(&self, page: PageNo, stamp: u64) -> bool {
        self.levels.iter().rev().take_while(|level| level.number > stamp).any(|l| page.get() <= l.page_count)
    }

    pub(super) fn keep(&mut self, page: PageNo, buffer: Buffer, header: PageHeader, stamp: u64) {
        self.images.push(Image { page, content: Content::Memory(buffer), header, stamp });
    }

    /// Whether the rollback journal needs the image of `page`, whose frame has this stamp.
    fn wants_for_journal(&self, page: PageNo, stamp: u64) -> bool {
        self.journal.is_some_and(|journal| stamp < journal.number && page.get() <= journal.page_count)
    }

    fn close_to(&mut self, count: usize) {
        self.levels.truncate(count);
        self.newest = self.levels.last().or(self.journal.as_ref()).map_or(0, |level| level.number);
    }

    /// The most pages that the database had when any of the first `count` levels was opened.
    fn most_pages(&self, count: usize) -> u32 {
        self.levels.iter().take(count).map(|level| level.page_count).max().unwrap_or_default()
    }

    /// The number that the next level will have: frames with a smaller stamp owe everything.
    pub(super) fn next_number(&self) -> u64 {
        self.last_number + 1
    }
}

impl Pager {
    /// Starts the transaction's own level, of a private database.
    pub(super) fn open_base_level(&mut self) {
        debug_assert!(self.savepoints.levels.is_empty());
        self.savepoints.open(self.page_count);
        self.savepoints.base = 1;
    }

    /// Starts taking images for the rollback journal.
    pub(super) fn open_journal_level(&mut self) {
        debug_assert!(self.savepoints.levels.is_empty());
        self.savepoints.last_number += 1;
        let number = self.savepoints.last_number;
        self.savepoints.journal = Some(Level { number, page_count: self.page_count, first_image: 0 });
        self.savepoints.newest = number;
    }

    /// Makes sure that `count` savepoints are open. Needs a write transaction.
    pub fn savepoint_open(&mut self, count: usize) -> Step<()> {
        debug_assert!(!self.change.is_open());
        while self.savepoints.levels.len() < self.savepoints.base + count {
            self.savepoints.open(self.page_count);
        }
        Ok(Some(()))
    }

    /// Forgets savepoint `index` and newer ones, keeping their changes.
    pub fn savepoint_release(&mut self, index: usize) -> Step<()> {
        self.release_levels(self.savepoints.base + index);
        Ok(Some(()))
    }

    /// Undoes everything since savepoint `index` was opened. It stays open; newer ones are gone.
    pub fn savepoint_rollback(&mut self, index: usize) -> Step<()> {
        let at = self.savepoints.base + index;
        self.drive(|| Script::Restore(at), |left| matches!(left, Script::Restore(left) if *left == at))
    }

    /// Closes the levels from `at` on. What the level around them does not need is dropped.
    fn release_levels(&mut self, at: usize) {
        let Some(&first) = self.savepoints.levels.get(at) else { return };
        let released = self.savepoints.images.split_off(first.first_image);
        for image in released {
            let wanted = self.savepoints.wants_below(at, image.page, image.stamp);
            if wanted && !kernite_io::planted!(SavepointReleaseDropsImages) {
                self.savepoints.images.push(image);
            } else {
                Images::recycle(image, &mut self.cache);
            }
        }
        self.savepoints.close_to(at);
    }

    /// Puts back every page as it was when level `at` was opened, and closes the levels above it. Goes on where it stopped.
    pub(super) fn restore_level(&mut self, at: usize) -> Step<()> {
        debug_assert!(!self.change.is_open());
        let Some(&level) = self.savepoints.levels.get(at) else { return Ok(Some(())) };
        if !kernite_io::planted!(SavepointKeepsPageCount) {
            self.set_page_count_raw(level.page_count);
        }
        // An outer level may have had more pages (the database was cut since): theirs come back too.
        let end = self.savepoints.most_pages(at + 1);
        loop {
            let images = &mut self.savepoints.images;
            let Some(image) = ready!(images.pop(level.first_image, &mut self.cache, &mut self.wait)) else {
                break;
            };
            // A page that did not exist at this level was wanted by a newer one that is gone with it.
            let existed = image.page.get() <= end;
            match image.buffer {
                Some(buffer) if existed => self.put_back(image.page, buffer, image.header, image.stamp),
                Some(buffer) => self.cache.recycle(buffer),
                None => self.put_nothing_back(image.page, image.stamp),
            }
        }
        self.drop_frames_past(end);
        self.savepoints.close_to(at + 1);
        Ok(Some(()))
    }

    /// Makes a page what its image says.
    fn put_back(&mut self, page: PageNo, buffer: Buffer, header: PageHeader, stamp: u64) {
        let stamp = if kernite_io::planted!(ImageStampTooNew) { self.savepoints.newest } else { stamp };
        self.cache.generation += 1;
        let id = match self.cache.table.lookup(page) {
            Some(id) => {
                let old = std::mem::replace(&mut self.cache.frame_mut(id).buffer, buffer);
                self.cache.recycle(old);
                id
            }
            None => {
                self.cache.take_stamp(page);
                self.forget_read(page);
                self.cache.install(page, buffer, stamp)
            }
        };
        let frame = self.cache.frame_mut(id);
        frame.header = header;
        frame.stamp = stamp;
        self.cache.mark_dirty(id);
    }

    /// A page is a freelist leaf again: what was made of it goes.
    fn put_nothing_back(&mut self, page: PageNo, stamp: u64) {
        self.forget_read(page);
        self.cache.take_stamp(page);
        if let Some(id) = self.cache.table.lookup(page) {
            self.cache.frame_mut(id).stamp = stamp;
            self.cache.detach(id);
            self.cache.prune_dirty();
        }
    }

    /// Drops pages past the `end`-th, which no open level had.
    pub(super) fn drop_frames_past(&mut self, end: u32) {
        let mut dropped = false;
        for number in end.saturating_add(1)..=self.highest_page {
            if let Some(id) = PageNo::new(number).and_then(|page| self.cache.table.lookup(page)) {
                self.cache.detach(id);
                dropped = true;
            }
        }
        self.highest_page = end.max(self.page_count);
        if dropped {
            self.cache.prune_dirty();
        }
    }

    /// Closes all levels, keeping the changes.
    pub(super) fn close_levels(&mut self) {
        self.savepoints.images.clear(&mut self.cache);
        self.savepoints.base = 0;
        self.savepoints.journal = None;
        self.savepoints.close_to(0);
    }

    /// Gives an owed image of a page away: its bytes before the change that is being made.
    pub(super) fn give_image(&mut self, page: PageNo, buffer: Buffer, header: PageHeader, stamp: u64) {
        let kept = self.savepoints.wants(page, stamp);
        let journal = match self.files.as_mut().map(|files| &mut files.log) {
            Some(Log::Rollback(journal)) if self.savepoints.wants_for_journal(page, stamp) => journal,
            _ if kept && kernite_io::planted!(SavepointImageMissed) && page.get() % 4 == 2 => {
                return self.cache.recycle(buffer);
            }
            _ if kept => return self.savepoints.keep(page, buffer, header, stamp),
            _ => return self.cache.recycle(buffer),
        };
        if kept {
            let shared = self.cache.share(&buffer);
            self.savepoints.keep(page, shared, header, stamp);
        }
        if !(kernite_io::planted!(JournalPageSkipped) && page.get() % 5 == 3) {
            journal.images.push(JournalImage { page, buffer });
        }
    }

    /// A page without content that matters was made into something: a rollback makes it nothing again.
    pub(super) fn note_no_content(&mut self, page: PageNo, stamp: u64) {
        if self.savepoints.wants(page, stamp) {
            let header = PageHeader::default();
            self.savepoints.images.push(Image { page, content: Content::Nothing, header, stamp });
        }
    }

    /// Journals a page that is not going to change (see `commit`, "Neighbours").
    pub(super) fn give_journal_image(&mut self, id: FrameId) {
        let frame = self.cache.frame(id);
        let (Some(page), Some(level)) = (frame.page_no, self.savepoints.journal) else { return };
        if !self.savepoints.wants_for_journal(page, frame.stamp) {
            return;
        }
        let buffer = frame.buffer.clone();
        let buffer = self.cache.share(&buffer);
        self.cache.frame_mut(id).stamp = level.number;
        if let Some(Log::Rollback(journal)) = self.files.as_mut().map(|files| &mut files.log) {
            journal.images.push(JournalImage { page, buffer });
        }
    }

    /// Whether an image of `page`, which is past the end since the database was cut, may be owed to anyone.
    pub(super) fn existed_at_some_level(&self, page: PageNo) -> bool {
        let levels = self.savepoints.most_pages(usize::MAX);
        let journal = self.savepoints.journal.map_or(0, |level| level.page_count);
        page.get() <= levels.max(journal)
    }

    /// Whether the frame's page was changed in this transaction.
    pub fn is_dirty(&self, frame: FrameId) -> bool {
        self.cache.frame(frame).flags & DIRTY != 0
    }
}

impl Savepoints {
    /// [`Savepoints::wants`], asked of the levels below `at` only.
    fn wants_below(&self, at: usize, page: PageNo, stamp: u64) -> bool {
        self.levels[..at]
            .iter()
            .rev()
            .take_while(|level| level.number > stamp)
            .any(|level| page.get() <= level.page_count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AutoVacuum;

    /// What the database should hold: one byte per page stands for its whole content.
    type Model = Vec<u8>;

    fn check(pager: &mut Pager, model: &Model) {
        assert_eq!(pager.page_count() as usize, model.len());
        for (index, &byte) in model.iter().enumerate() {
            let frame = pager.get(PageNo::new(index as u32 + 1).unwrap()).unwrap().unwrap();
            assert!(pager.page(frame)[200..].iter().all(|&b| b == byte), "page {}", index + 1);
            assert_eq!(pager.header(frame).cell_count, u16::from(byte), "header of page {}", index + 1);
        }
        pager.cache.assert_valid();
    }

    fn set(pager: &mut Pager, page: u32, byte: u8, in_place: bool) {
        let frame = pager.get(PageNo::new(page).unwrap()).unwrap().unwrap();
        let (bytes, header) =
            if in_place { pager.write_in_place(frame) } else { pager.write_with_header(frame) }.unwrap();
        bytes[200..].fill(byte);
        header.cell_count = u16::from(byte);
    }

    /// A random change of up to four pages, of which some are aborted.
    fn change(pager: &mut Pager, model: &mut Model, random: &mut impl FnMut(u32) -> u32) {
        let before = model.clone();
        pager.begin_change();
        for _ in 0..=random(4) {
            let page = random(model.len() as u32) + 1;
            let byte = random(250) as u8;
            match random(8) {
                0 => {
                    let page = PageNo::new(model.len() as u32 + 1).unwrap();
                    let frame = pager.get_fresh(page).unwrap().unwrap();
                    assert!(pager.page(frame).iter().all(|&b| b == 0));
                    model.push(byte);
                    set(pager, page.get(), byte, false);
                }
                1 if model.len() > 2 => {
                    let cut = model.len() - 1;
                    pager.set_page_count(cut as u32).unwrap();
                    model.truncate(cut);
                }
                _ => {
                    set(pager, page.min(model.len() as u32), byte, false);
                    let at = page.min(model.len() as u32) as usize - 1;
                    model[at] = byte;
                }
            }
        }
        if random(3) == 0 {
            pager.abort_change();
            *model = before;
        } else {
            pager.commit_change();
        }
    }

    #[test]
    fn any_sequence_of_changes_and_savepoints_equals_the_model() {
        for seed in 1..60u64 {
            let mut state = seed;
            let mut random = |below: u32| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                ((state >> 33) % u64::from(below)) as u32
            };
            let mut pager = Pager::memory(512, 0, AutoVacuum::None).unwrap();
            set(&mut pager, 1, 0, true);
            let mut model: Model = vec![0];
            let mut saved: Vec<Model> = Vec::new();
            for _ in 0..300 {
                match random(12) {
                    0 => {
                        saved.push(model.clone());
                        pager.savepoint_open(saved.len()).unwrap();
                    }
                    1 if !saved.is_empty() => {
                        let at = random(saved.len() as u32) as usize;
                        pager.savepoint_release(at).unwrap();
                        saved.truncate(at);
                    }
                    2 if !saved.is_empty() => {
                        let at = random(saved.len() as u32) as usize;
                        pager.savepoint_rollback(at).unwrap();
                        saved.truncate(at + 1);
                        model = saved[at].clone();
                    }
                    3..=7 => {
                        let (page, byte) = (random(model.len() as u32) + 1, random(250) as u8);
                        set(&mut pager, page, byte, true);
                        model[page as usize - 1] = byte;
                    }
                    _ => change(&mut pager, &mut model, &mut random),
                }
                check(&mut pager, &model);
            }
        }
    }

    #[test]
    fn many_statements_in_one_savepoint_keep_one_image_per_page() {
        let mut pager = Pager::memory(512, 0, AutoVacuum::None).unwrap();
        pager.savepoint_open(1).unwrap();
        for byte in 0..100 {
            pager.savepoint_open(2).unwrap();
            set(&mut pager, 1, byte, true);
            pager.savepoint_release(1).unwrap();
        }
        assert_eq!(pager.savepoints.images.len(), 1);
    }

    #[test]
    fn a_page_written_twice_since_a_savepoint_gives_one_image() {
        let mut pager = Pager::memory(512, 0, AutoVacuum::None).unwrap();
        pager.savepoint_open(1).unwrap();
        set(&mut pager, 1, 1, true);
        let held = pager.cache.held();
        set(&mut pager, 1, 2, true);
        pager.begin_change();
        set(&mut pager, 1, 3, false);
        pager.commit_change();
        assert_eq!(pager.cache.held(), held);
    }
}
