//! Frames: the pages of one connection that are in memory, and the buffers that hold their bytes.
//!
//! A frame is a slot in a flat vector; its index is its [`FrameId`]. A frame that is taken out of the page table while
//! a cursor still pins it becomes an orphan: its bytes stay until the last pin goes, and no lookup finds it any more.
//! Buffers that are given up go through a small free list, since most operations need one and give one back.
//!
//! Always true:
//! - a frame with `page_no` set and not an orphan is in the table under that number, and no other is;
//! - `dirty` lists each frame that is DIRTY or FORGOTTEN exactly once;
//! - `held` counts the page buffers owned by frames, images and unwritten journal records.
//!
//! Never: I/O, savepoints, what a page means.

use kernite_io::{Buffer, HashMap};

use super::frame_table::PageTable;
use super::{FrameId, PageHeader};
use crate::Error;
use crate::page_no::PageNo;

/// The frame's bytes differ from what the log or file has, and have to be written.
pub(super) const DIRTY: u8 = 1;
/// The page became a freelist leaf: its bytes do not matter and must not be taken for those in the file.
pub(super) const FORGOTTEN: u8 = 2;
/// Out of the page table, kept alive by its pins only.
const ORPHAN: u8 = 4;
/// Used since the eviction hand last passed.
const RECENT: u8 = 8;

/// Bytes kept in the free list for reuse.
const FREE_BYTES_MAX: usize = 256 * 1024;

/// One page in memory.
pub(super) struct Frame {
    pub(super) buffer: Buffer,
    pub(super) header: PageHeader,
    /// `None` where the slot is vacant.
    pub(super) page_no: Option<PageNo>,
    /// The newest level whose image this page has given, or for which none is owed (see `savepoint`).
    pub(super) stamp: u64,
    /// The last change that wrote this frame (see `change`).
    pub(super) change: u64,
    pub(super) pins: u32,
    pub(super) flags: u8,
}

const _: () = assert!(size_of::<Frame>() <= 64);

/// The frames of one database of one connection.
pub(super) struct Cache {
    pub(super) frames: Vec<Frame>,
    pub(super) table: PageTable,
    /// Frames that are DIRTY or FORGOTTEN, in no order.
    pub(super) dirty: Vec<FrameId>,
    vacant: Vec<FrameId>,
    free: Vec<Buffer>,
    /// Stands in vacant slots.
    nothing: Buffer,
    page_size: usize,
    /// Page buffers in use.
    held: usize,
    /// Page buffers that the cache may hold.
    pub(super) budget: usize,
    /// Page buffers above which the pager trims: the budget, or more where a trim could not get there.
    pub(super) trigger: usize,
    /// Stamps from here on are remembered when a page is dropped.
    pub(super) keep_stamps_from: u64,
    /// Stamps of pages that were dropped in this transaction.
    dropped_stamps: HashMap<PageNo, u64>,
    hand: usize,
    /// Changes whenever a page left its frame, or bytes in a frame were put back.
    pub(super) generation: u64,
}

impl Cache {
    pub(super) fn new(page_size: usize) -> Cache {
        Cache {
            frames: Vec::new(),
            table: PageTable::default(),
            dirty: Vec::new(),
            vacant: Vec::new(),
            free: Vec::new(),
            nothing: Buffer::zeroed(0),
            page_size,
            held: 0,
            budget: usize::MAX,
            trigger: usize::MAX,
            keep_stamps_from: u64::MAX,
            dropped_stamps: HashMap::default(),
            hand: 0,
            generation: 0,
        }
    }

    #[inline]
    pub(super) fn page_size(&self) -> usize {
        self.page_size
    }

    #[inline]
    pub(super) fn frame(&self, id: FrameId) -> &Frame {
        &self.frames[id.0 as usize]
    }

    #[inline]
    pub(super) fn frame_mut(&mut self, id: FrameId) -> &mut Frame {
        &mut self.frames[id.0 as usize]
    }

    /// The resident frame of `page`, marked as used.
    #[inline]
    pub(super) fn find(&mut self, page: PageNo) -> Option<FrameId> {
        let id = self.table.lookup(page)?;
        self.frames[id.0 as usize].flags |= RECENT;
        Some(id)
    }

    #[inline]
    pub(super) fn is_over_budget(&self) -> bool {
        self.held > self.trigger
    }

    pub(super) fn held(&self) -> usize {
        self.held
    }

    /// A page buffer with unspecified bytes, and no other handle on it.
    pub(super) fn take_buffer(&mut self) -> Result<Buffer, Error> {
        let buffer = match self.free.pop() {
            Some(buffer) => buffer,
            None => Buffer::try_zeroed(self.page_size).ok_or(Error::NoMemory)?,
        };
        self.held += 1;
        Ok(buffer)
    }

    /// A page buffer of zeros.
    pub(super) fn take_zeroed(&mut self) -> Result<Buffer, Error> {
        let reused = !self.free.is_empty();
        let mut buffer = self.take_buffer()?;
        if reused {
            buffer.make_mut().fill(0);
        }
        Ok(buffer)
    }

    /// Gives a buffer up. Its bytes live on where another handle exists.
    pub(super) fn recycle(&mut self, mut buffer: Buffer) {
        self.held = self.held.saturating_sub(1);
        let room = FREE_BYTES_MAX / self.page_size.max(1);
        if buffer.len() == self.page_size && self.free.len() < room && buffer.get_mut().is_some() {
            self.free.push(buffer);
        }
    }

    /// Enters a page that was not resident.
    pub(super) fn install(&mut self, page: PageNo, buffer: Buffer, stamp: u64) -> FrameId {
        debug_assert_eq!(buffer.len(), self.page_size);
        let frame = Frame {
            buffer,
            header: PageHeader::default(),
            page_no: Some(page),
            stamp,
            change: 0,
            pins: 0,
            flags: RECENT,
        };
        let id = match self.vacant.pop() {
            Some(id) => {
                self.frames[id.0 as usize] = frame;
                id
            }
            None => {
                let id = FrameId(self.frames.len() as u32);
                self.frames.push(frame);
                id
            }
        };
        self.table.insert(page, id);
        id
    }

    /// Makes a page not resident. The caller keeps `dirty` true (see [`Cache::take_dirty`]).
    pub(super) fn detach(&mut self, id: FrameId) {
        self.generation += 1;
        let frame = &mut self.frames[id.0 as usize];
        let Some(page) = frame.page_no else { return };
        if frame.flags & ORPHAN == 0 {
            self.table.remove(page);
            if frame.stamp >= self.keep_stamps_from {
                self.dropped_stamps.insert(page, frame.stamp);
            }
        }
        frame.flags = ORPHAN;
        if frame.pins == 0 {
            self.vacate(id);
        }
    }

    fn vacate(&mut self, id: FrameId) {
        let nothing = self.nothing.clone();
        let frame = &mut self.frames[id.0 as usize];
        frame.page_no = None;
        frame.flags = 0;
        frame.header = PageHeader::default();
        let buffer = std::mem::replace(&mut frame.buffer, nothing);
        self.vacant.push(id);
        self.recycle(buffer);
    }

    #[inline]
    pub(super) fn pin(&mut self, id: FrameId) {
        self.frames[id.0 as usize].pins += 1;
    }

    #[inline]
    pub(super) fn unpin(&mut self, id: FrameId) {
        let frame = &mut self.frames[id.0 as usize];
        debug_assert!(frame.pins > 0, "unpin without pin");
        frame.pins -= 1;
        if frame.pins == 0 && frame.flags & ORPHAN != 0 {
            self.vacate(id);
        }
    }

    /// The frame has to be written.
    #[inline]
    pub(super) fn mark_dirty(&mut self, id: FrameId) {
        let frame = &mut self.frames[id.0 as usize];
        if frame.flags & (DIRTY | FORGOTTEN) == 0 {
            self.dirty.push(id);
        }
        frame.flags = (frame.flags & !FORGOTTEN) | DIRTY;
    }

    /// The frame's bytes do not matter any more.
    pub(super) fn mark_forgotten(&mut self, id: FrameId) {
        let frame = &mut self.frames[id.0 as usize];
        if frame.flags & (DIRTY | FORGOTTEN) == 0 {
            self.dirty.push(id);
        }
        frame.flags = (frame.flags & !DIRTY) | FORGOTTEN;
    }

    /// Takes the list of DIRTY and FORGOTTEN frames, whose flags are cleared by [`Cache::mark_clean`] or [`Cache::detach`].
    pub(super) fn take_dirty(&mut self) -> Vec<FrameId> {
        std::mem::take(&mut self.dirty)
    }

    pub(super) fn mark_clean(&mut self, id: FrameId) {
        self.frames[id.0 as usize].flags &= !(DIRTY | FORGOTTEN);
    }

    /// The stamp of a page that becomes resident again.
    pub(super) fn take_stamp(&mut self, page: PageNo) -> u64 {
        if self.dropped_stamps.is_empty() { 0 } else { self.dropped_stamps.remove(&page).unwrap_or(0) }
    }

    /// The transaction is over: no stamp matters any more.
    pub(super) fn end_stamps(&mut self) {
        self.keep_stamps_from = u64::MAX;
        self.dropped_stamps.clear();
    }

    /// A buffer that came from elsewhere is counted from here on.
    pub(super) fn adopt_buffer(&mut self) {
        self.held += 1;
    }

    /// A buffer that was taken does not come back.
    pub(super) fn lose_buffer(&mut self) {
        self.held = self.held.saturating_sub(1);
    }

    /// Another handle on a buffer, counted like a buffer.
    pub(super) fn share(&mut self, buffer: &Buffer) -> Buffer {
        self.held += 1;
        buffer.clone()
    }

    /// Takes frames off the dirty list that are clean or gone.
    pub(super) fn prune_dirty(&mut self) {
        let frames = &self.frames;
        self.dirty.retain(|id| frames[id.0 as usize].flags & (DIRTY | FORGOTTEN) != 0);
    }

    /// Makes every page not resident and gives the memory back.
    pub(super) fn clear(&mut self) {
        self.generation += 1;
        self.dirty.clear();
        for index in 0..self.frames.len() {
            self.detach(FrameId(index as u32));
        }
        self.table.clear();
        if self.vacant.len() == self.frames.len() {
            self.frames = Vec::new();
            self.vacant = Vec::new();
        }
        self.hand = 0;
    }

    /// Evicts all clean, unpinned frames.
    pub(super) fn evict_all_clean(&mut self) {
        for index in 0..self.frames.len() {
            let frame = &self.frames[index];
            if frame.page_no.is_some() && frame.pins == 0 && frame.flags & (DIRTY | FORGOTTEN) == 0 {
                self.detach(FrameId(index as u32));
            }
        }
    }

    /// Gives the free list's memory back.
    pub(super) fn drop_free(&mut self) {
        self.free = Vec::new();
    }

    /// Another page size. Nothing may be resident.
    pub(super) fn set_page_size(&mut self, page_size: usize) {
        if page_size != self.page_size {
            self.clear();
            self.drop_free();
            self.page_size = page_size;
        }
    }

    /// Evicts clean, unpinned frames until the cache is within its budget, by second chance. Whether it now is.
    pub(super) fn evict(&mut self, target: usize) -> bool {
        let mut steps = self.frames.len() * 2;
        while self.held > target && steps > 0 {
            steps -= 1;
            self.hand = if self.hand + 1 >= self.frames.len() { 0 } else { self.hand + 1 };
            let frame = &mut self.frames[self.hand];
            let pinned =
                frame.pins > 0 && (frame.flags & ORPHAN != 0 || !kernite_io::planted!(PinnedPageEvicted));
            let changed = frame.flags & (DIRTY | FORGOTTEN) != 0 && !kernite_io::planted!(DirtyPageEvicted);
            if frame.page_no.is_none() || pinned || changed {
                continue;
            }
            if frame.flags & RECENT != 0 {
                frame.flags &= !RECENT;
                continue;
            }
            self.detach(FrameId(self.hand as u32));
        }
        self.held <= target
    }

    /// The header list of this module as code.
    #[cfg(test)]
    pub(super) fn assert_valid(&self) {
        let mut dirty = 0;
        for (index, frame) in self.frames.iter().enumerate() {
            let Some(page) = frame.page_no else {
                assert!(frame.buffer.is_empty());
                continue;
            };
            assert_eq!(frame.buffer.len(), self.page_size);
            if frame.flags & ORPHAN == 0 {
                assert_eq!(self.table.lookup(page), Some(FrameId(index as u32)));
            } else {
                assert!(frame.pins > 0);
            }
            if frame.flags & (DIRTY | FORGOTTEN) != 0 {
                dirty += 1;
                assert_eq!(self.dirty.iter().filter(|id| id.0 as usize == index).count(), 1);
            }
        }
        assert_eq!(dirty, self.dirty.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(pages: u32) -> Cache {
        let mut cache = Cache::new(512);
        for number in 1..=pages {
            let buffer = cache.take_zeroed().unwrap();
            cache.install(PageNo::new(number).unwrap(), buffer, 0);
        }
        cache
    }

    #[test]
    fn eviction_spares_pinned_and_dirty_frames() {
        let mut cache = filled(20);
        cache.pin(FrameId(3));
        cache.mark_dirty(FrameId(5));
        assert!(!cache.evict(1));
        assert_eq!(cache.held(), 2);
        assert_eq!(cache.table.lookup(PageNo::new(4).unwrap()), Some(FrameId(3)));
        assert_eq!(cache.table.lookup(PageNo::new(6).unwrap()), Some(FrameId(5)));
        cache.assert_valid();
    }

    #[test]
    fn a_page_used_again_outlives_one_that_was_not() {
        let mut cache = filled(4);
        assert!(cache.evict(3)); // clears every mark of recency, then takes one
        for number in 1..=4 {
            if number != 3 {
                cache.find(PageNo::new(number).unwrap());
            }
        }
        cache.evict(2);
        assert_eq!(cache.table.lookup(PageNo::new(3).unwrap()), None);
        cache.assert_valid();
    }

    #[test]
    fn a_pinned_frame_keeps_its_bytes_after_the_cache_was_cleared() {
        let mut cache = filled(3);
        cache.frame_mut(FrameId(1)).buffer.make_mut()[0] = 9;
        cache.pin(FrameId(1));
        cache.clear();
        assert_eq!(cache.table.lookup(PageNo::new(2).unwrap()), None);
        assert_eq!(cache.frame(FrameId(1)).buffer[0], 9);
        assert_eq!(cache.held(), 1);
        cache.unpin(FrameId(1));
        assert_eq!(cache.held(), 0);
        cache.assert_valid();
    }

    #[test]
    fn a_recycled_buffer_that_is_still_shared_is_not_reused() {
        let mut cache = Cache::new(512);
        let buffer = cache.take_buffer().unwrap();
        let lent = buffer.clone();
        cache.recycle(buffer);
        let mut other = cache.take_buffer().unwrap();
        other.make_mut().fill(1);
        assert!(lent.iter().all(|&byte| byte == 0));
    }
}
