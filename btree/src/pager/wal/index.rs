//! The wal-index: which frame has which page, and who reads up to where. Shared by all processes that have the database open.
//!
//! ```text
//! region 0   header copy 0 [12 words] | header copy 1 [12] | backfilled | marks[5] | lock bytes | attempted | unused
//!            page numbers of frames 1..=4062                      | hash slots[8192], 16 bits each
//! region n   page numbers of 4096 frames                          | hash slots[8192]
//! ```
//!
//! The header is valid if both copies are equal and the checksum is right; a writer writes copy 1, then copy 0. A frame past `max_frame`
//! is not there, so entries are appended before the header is published. Hash slots hold the place of an entry in its region, from 1; 0 is free;
//! collisions go to the next slot.
//!
//! Always true: words are in native byte order (all who map it run on one machine), salts as they are in the WAL.
//! Never: trust. What is found is bounded by the region before it is used: any process may have written here.
//! Spec: "WAL-mode File Format", "The WAL-Index File Format".

use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicU16, AtomicU32, fence};

use kernite_io::region::HeapRegion;
use kernite_io::{SharedMemory, ShmLockMode, ShmRegion, ShmSlots};

use super::checksum::{Order, checksum};
use crate::page_no::PageNo;
use crate::{Damage, Error};

const HEADER_WORDS: usize = 12;
const SUMMED_WORDS: usize = 10;
const BACKFILLED_AT: usize = 24;
const MARKS_AT: usize = 25;
const ATTEMPTED_AT: usize = 32;
/// Words of region 0 before its page numbers.
const FIRST_ENTRY_AT: usize = 34;
/// Page numbers in a region, and in region 0.
const ENTRIES: u32 = 4096;
const ENTRIES_FIRST: u32 = ENTRIES - FIRST_ENTRY_AT as u32;
const SLOTS: usize = 8192;
/// Where the hash slots begin, in half words.
const SLOTS_AT: usize = ENTRIES as usize * 2;
/// More frames than this no file system holds.
const FRAME_MAX: u32 = 1 << 30;
/// The only version there is.
const VERSION: u32 = 3_007_000;

/// Read marks.
pub(in crate::pager) const MARKS: usize = 5;
/// A mark that no reader uses.
pub(in crate::pager) const MARK_UNUSED: u32 = u32::MAX;

/// The lock slots.
pub(in crate::pager) const WRITE: ShmSlots = ShmSlots { first: 0, count: 1 };
pub(in crate::pager) const CHECKPOINT: ShmSlots = ShmSlots { first: 1, count: 1 };
pub(in crate::pager) const RECOVER: ShmSlots = ShmSlots { first: 2, count: 1 };
/// All readers of the WAL, that is all marks but the first.
pub(in crate::pager) const WAL_READERS: ShmSlots = ShmSlots { first: 4, count: MARKS as u8 - 1 };

/// The lock slot of read mark `mark`.
pub(in crate::pager) fn reader(mark: usize) -> ShmSlots {
    ShmSlots { first: 3 + mark as u8, count: 1 }
}

/// The header, as one connection has read or is about to write it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::pager) struct IndexHeader {
    words: [u32; HEADER_WORDS],
}

impl IndexHeader {
    pub(in crate::pager) fn is_known_version(&self) -> bool {
        self.words[0] == VERSION
    }

    /// Whether the numbers are such that can be counted with: the sum only tells that a writer meant them.
    pub(in crate::pager) fn is_sane(&self) -> bool {
        let size = self.page_bytes();
        let fits = size.is_power_of_two() && (512..=65536).contains(&size);
        self.max_frame() <= FRAME_MAX && (fits || self.max_frame() == 0 && self.page_count() == 0)
    }

    pub(in crate::pager) fn count_change(&mut self) {
        self.words[2] = self.words[2].wrapping_add(1);
    }

    fn shape(&self) -> [u8; 4] {
        self.words[3].to_ne_bytes()
    }

    pub(in crate::pager) fn order(&self) -> Order {
        if self.shape()[1] != 0 { Order::Big } else { Order::Little }
    }

    /// Page size in bytes, 0 where it is not known. 65536 is spelled 1.
    pub(in crate::pager) fn page_bytes(&self) -> u32 {
        let raw = u32::from(u16::from_ne_bytes([self.shape()[2], self.shape()[3]]));
        (raw & 0xfe00) | (raw & 1) << 16
    }

    pub(in crate::pager) fn set_shape(&mut self, order: Order, page_bytes: u32) {
        let size = ((page_bytes & 0xff00) | page_bytes >> 16) as u16;
        let [low, high] = size.to_ne_bytes();
        self.words[3] = u32::from_ne_bytes([self.shape()[0], u8::from(order == Order::Big), low, high]);
    }

    pub(in crate::pager) fn max_frame(&self) -> u32 {
        self.words[4]
    }

    pub(in crate::pager) fn set_max_frame(&mut self, frame: u32) {
        self.words[4] = frame;
    }

    /// Pages of the database after the last transaction in the WAL.
    pub(in crate::pager) fn page_count(&self) -> u32 {
        self.words[5]
    }

    pub(in crate::pager) fn set_page_count(&mut self, pages: u32) {
        self.words[5] = pages;
    }

    /// The running checksum after `max_frame`.
    pub(in crate::pager) fn frame_checksum(&self) -> [u32; 2] {
        [self.words[6], self.words[7]]
    }

    pub(in crate::pager) fn set_frame_checksum(&mut self, sum: [u32; 2]) {
        self.words[6..8].copy_from_slice(&sum);
    }

    pub(in crate::pager) fn salt(&self) -> [u8; 8] {
        let ([a, b, c, d], [e, f, g, h]) = (self.words[8].to_ne_bytes(), self.words[9].to_ne_bytes());
        [a, b, c, d, e, f, g, h]
    }

    pub(in crate::pager) fn set_salt(&mut self, salt: [u8; 8]) {
        let [a, b, c, d, e, f, g, h] = salt;
        self.words[8] = u32::from_ne_bytes([a, b, c, d]);
        self.words[9] = u32::from_ne_bytes([e, f, g, h]);
    }

    fn checksum(&self) -> [u32; 2] {
        let mut bytes = [0; SUMMED_WORDS * 4];
        for (out, word) in bytes.chunks_exact_mut(4).zip(self.words) {
            out.copy_from_slice(&word.to_ne_bytes());
        }
        checksum(Order::NATIVE, &bytes, [0, 0])
    }

    /// Initialised, and summed right.
    fn is_valid(&self) -> bool {
        self.shape()[0] != 0 && self.checksum() == [self.words[10], self.words[11]]
    }
}

/// Where the memory is and whether locks are taken.
enum Memory {
    Shared(Arc<dyn SharedMemory>),
    /// Of this connection alone, which holds the EXCLUSIVE lock on the database.
    Heap,
}

/// The wal-index.
pub(in crate::pager) struct Index {
    memory: Memory,
    regions: Vec<Arc<dyn ShmRegion>>,
    /// Nobody else can be there: the EXCLUSIVE lock on the database is held, and slots are not locked.
    pub(in crate::pager) exclusive: bool,
}

/// A region and which frames its entries are of.
struct Entries<'a> {
    pages: &'a [AtomicU32],
    slots: &'a [AtomicU16],
    /// The frame before the region's first.
    before: u32,
}

/// The region in which a frame's entry is.
fn region_of(frame: u32) -> usize {
    (u64::from(frame) + u64::from(ENTRIES - ENTRIES_FIRST) - 1) as usize / ENTRIES as usize
}

fn frames_before(region: usize) -> u32 {
    if region == 0 { 0 } else { ENTRIES_FIRST.saturating_add((region as u32 - 1).saturating_mul(ENTRIES)) }
}

fn first_slot(page: PageNo) -> usize {
    (page.get().wrapping_mul(383) as usize) & (SLOTS - 1)
}

fn entries_of(region: &dyn ShmRegion, index: usize) -> Result<Entries<'_>, Error> {
    let start = if index == 0 { FIRST_ENTRY_AT } else { 0 };
    let pages = region.words().get(start..ENTRIES as usize);
    let slots = region.half_words().get(SLOTS_AT..SLOTS_AT + SLOTS);
    match (pages, slots) {
        (Some(pages), Some(slots)) => Ok(Entries { pages, slots, before: frames_before(index) }),
        _ => Err(damaged()),
    }
}

#[cold]
fn damaged() -> Error {
    Error::Corrupt { page: None, damage: Damage::Wal }
}

impl Entries<'_> {
    fn clear(&self) {
        self.pages.iter().for_each(|page| page.store(0, Relaxed));
        self.slots.iter().for_each(|slot| slot.store(0, Relaxed));
    }

    /// Forgets the entries after `keep`, counted within the region.
    fn clear_after(&self, keep: u32) {
        for slot in self.slots {
            if u32::from(slot.load(Relaxed)) > keep {
                slot.store(0, Relaxed);
            }
        }
        for page in self.pages.get(keep as usize..).unwrap_or_default() {
            page.store(0, Relaxed);
        }
    }

    fn insert(&self, place: u32, page: PageNo) -> Result<(), Error> {
        let mut slot = first_slot(page);
        for _ in 0..=place {
            if self.slots[slot].load(Relaxed) == 0 {
                self.pages.get(place as usize - 1).ok_or_else(damaged)?.store(page.get(), Relaxed);
                self.slots[slot].store(place as u16, Relaxed);
                return Ok(());
            }
            slot = (slot + 1) & (SLOTS - 1);
        }
        Err(damaged()) // more collisions than entries
    }

    /// The newest frame of `page` within `first..=last`.
    #[inline]
    fn find(&self, page: PageNo, first: u32, last: u32) -> Result<Option<u32>, Error> {
        let mut slot = first_slot(page);
        let mut found = None;
        for _ in 0..=SLOTS {
            let place = u32::from(self.slots[slot].load(Relaxed));
            if place == 0 {
                return Ok(found);
            }
            let frame = self.before + place;
            let same =
                self.pages.get(place as usize - 1).is_some_and(|known| known.load(Relaxed) == page.get());
            if same && (first..=last).contains(&frame) && found.is_none_or(|found| found < frame) {
                found = Some(frame);
            }
            slot = (slot + 1) & (SLOTS - 1);
        }
        Err(damaged()) // no free slot: a full table has half of them
    }
}

impl Index {
    pub(in crate::pager) fn shared(memory: Arc<dyn SharedMemory>) -> Index {
        Index { memory: Memory::Shared(memory), regions: Vec::new(), exclusive: false }
    }

    pub(in crate::pager) fn heap() -> Index {
        Index { memory: Memory::Heap, regions: Vec::new(), exclusive: true }
    }

    pub(in crate::pager) fn is_heap(&self) -> bool {
        matches!(self.memory, Memory::Heap)
    }

    /// Whether the memory can only be read.
    pub(in crate::pager) fn read_only(&self) -> bool {
        match &self.memory {
            Memory::Shared(memory) => memory.read_only(),
            Memory::Heap => false,
        }
    }

    /// Maps regions up to the one wanted. With `extend` the memory grows; without, `false` where it is not there.
    pub(in crate::pager) fn map(&mut self, region: usize, extend: bool) -> Result<bool, Error> {
        while self.regions.len() <= region {
            let next = match &self.memory {
                Memory::Shared(memory) => memory.region(self.regions.len(), extend)?,
                Memory::Heap => Some(Arc::new(HeapRegion::default()) as Arc<dyn ShmRegion>),
            };
            match next {
                Some(next) => self.regions.push(next),
                None => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Unmaps; with `delete` the memory goes.
    pub(in crate::pager) fn close(&mut self, delete: bool) -> Result<(), Error> {
        self.regions.clear();
        match &self.memory {
            Memory::Shared(memory) => Ok(memory.close(delete)?),
            Memory::Heap => Ok(()),
        }
    }

    pub(in crate::pager) fn lock(&self, slots: ShmSlots, mode: ShmLockMode) -> Result<(), Error> {
        match &self.memory {
            Memory::Shared(memory) if !self.exclusive => Ok(memory.lock(slots, mode)?),
            _ => Ok(()),
        }
    }

    /// Gives slots back. A failure leaves them locked; there is nothing that its caller could do about it.
    pub(in crate::pager) fn unlock(&self, slots: ShmSlots, mode: ShmLockMode) {
        if let Memory::Shared(memory) = &self.memory
            && !self.exclusive
        {
            let _ = memory.unlock(slots, mode);
        }
    }

    pub(in crate::pager) fn barrier(&self) {
        match &self.memory {
            Memory::Shared(memory) => memory.barrier(),
            Memory::Heap => fence(SeqCst),
        }
    }

    /// A word of region 0, which is mapped whenever a header was read.
    fn word(&self, at: usize) -> Option<&AtomicU32> {
        self.regions.first().and_then(|region| region.words().get(at))
    }

    fn load(&self, at: usize) -> u32 {
        self.word(at).map_or(0, |word| word.load(Acquire))
    }

    fn store(&self, at: usize, value: u32) {
        if let Some(word) = self.word(at) {
            word.store(value, Release);
        }
    }

    fn copy(&self, which: usize) -> IndexHeader {
        let mut header = IndexHeader::default();
        if let Some(region) = self.regions.first() {
            let words = region.words().iter().skip(which * HEADER_WORDS);
            for (out, word) in header.words.iter_mut().zip(words) {
                *out = word.load(Relaxed);
            }
        }
        header
    }

    /// The header as it is now, not checked: for a comparison with one that was.
    pub(in crate::pager) fn live(&self) -> IndexHeader {
        self.copy(0)
    }

    /// The header, where it is valid now. `known` is one that was found valid before: it is not summed again.
    pub(in crate::pager) fn read_header(&self, known: &IndexHeader) -> Option<IndexHeader> {
        let first = self.copy(0);
        self.barrier();
        let second = self.copy(1);
        let same_as_known = first == *known && known.is_known_version();
        (first == second && (same_as_known || first.is_valid())).then_some(first)
    }

    /// Publishes a header.
    pub(in crate::pager) fn write_header(&self, header: &mut IndexHeader) {
        header.words[0] = VERSION;
        let shape = header.shape();
        header.words[3] = u32::from_ne_bytes([1, shape[1], shape[2], shape[3]]);
        let sum = header.checksum();
        header.words[10..12].copy_from_slice(&sum);
        self.put(1, header);
        self.barrier();
        self.put(0, header);
    }

    fn put(&self, which: usize, header: &IndexHeader) {
        if let Some(region) = self.regions.first() {
            for (word, value) in region.words().iter().skip(which * HEADER_WORDS).zip(header.words) {
                word.store(value, Relaxed);
            }
        }
    }

    /// Frames that are in the database file.
    pub(in crate::pager) fn backfilled(&self) -> u32 {
        self.load(BACKFILLED_AT)
    }

    pub(in crate::pager) fn set_backfilled(&self, frame: u32) {
        self.store(BACKFILLED_AT, frame);
    }

    /// Frames that a checkpoint has begun to copy.
    pub(in crate::pager) fn set_attempted(&self, frame: u32) {
        self.store(ATTEMPTED_AT, frame);
    }

    /// Up to where readers with this mark read.
    pub(in crate::pager) fn mark(&self, mark: usize) -> u32 {
        self.load(MARKS_AT + mark)
    }

    pub(in crate::pager) fn set_mark(&self, mark: usize, frame: u32) {
        self.store(MARKS_AT + mark, frame);
    }

    /// Appends the entry of `frame`; entries up to `max_frame` are valid. Needs the write lock.
    pub(in crate::pager) fn append(&mut self, frame: u32, page: PageNo, max_frame: u32) -> Result<(), Error> {
        let region = region_of(frame);
        if !self.map(region, true)? {
            return Err(Error::NoMemory);
        }
        let place = frame - frames_before(region);
        let entries = entries_of(&*self.regions[region], region)?;
        if place == 1 {
            entries.clear();
        } else if entries.pages.get(place as usize - 1).is_some_and(|page| page.load(Relaxed) != 0) {
            // Left by a transaction that never committed.
            self.forget_after(max_frame)?;
        }
        entries_of(&*self.regions[region], region)?.insert(place, page)
    }

    /// Forgets the entries after `frame` in its region, left by a transaction that was undone.
    pub(in crate::pager) fn forget_after(&self, frame: u32) -> Result<(), Error> {
        let index = region_of(frame);
        match self.regions.get(index) {
            Some(region) if frame > 0 => {
                entries_of(&**region, index)?.clear_after(frame - frames_before(index));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The newest frame of `page` within `first..=last`.
    pub(in crate::pager) fn find(
        &mut self,
        page: PageNo,
        first: u32,
        last: u32,
    ) -> Result<Option<u32>, Error> {
        if last == 0 || first > last {
            return Ok(None);
        }
        let newest = region_of(last);
        if self.regions.len() <= newest && !self.map(newest, false)? {
            return Err(damaged());
        }
        for region in (region_of(first)..=newest).rev() {
            if let Some(frame) = entries_of(&*self.regions[region], region)?.find(page, first, last)? {
                return Ok(Some(frame));
            }
        }
        Ok(None)
    }

    /// The pages of frames `first..=last`, in the order of the frames.
    pub(in crate::pager) fn pages(&mut self, first: u32, last: u32) -> Result<Vec<u32>, Error> {
        if first > last {
            return Ok(Vec::new());
        }
        if !self.map(region_of(last), false)? {
            return Err(damaged());
        }
        let mut pages = Vec::with_capacity((last - first + 1) as usize);
        for frame in first..=last {
            let region = region_of(frame);
            let entries = entries_of(&*self.regions[region], region)?;
            let entry = entries.pages.get((frame - entries.before) as usize - 1).ok_or_else(damaged)?;
            pages.push(entry.load(Relaxed));
        }
        Ok(pages)
    }

    /// Takes over the entries that a recovery gathered in an index of its own. Words are stored only where they differ: a reader may be
    /// using entries that stay the same.
    pub(in crate::pager) fn adopt(&mut self, gathered: &Index) -> Result<(), Error> {
        for (index, source) in gathered.regions.iter().enumerate() {
            if !self.map(index, true)? {
                return Err(Error::NoMemory);
            }
            let start = if index == 0 { FIRST_ENTRY_AT } else { 0 };
            let words = self.regions[index].words().iter().zip(source.words()).skip(start);
            for (to, from) in words {
                let value = from.load(Relaxed);
                if to.load(Relaxed) != value {
                    to.store(value, Relaxed);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(number: u32) -> PageNo {
        PageNo::new(number).unwrap()
    }

    #[test]
    fn a_header_is_valid_only_as_it_was_published() {
        let mut index = Index::heap();
        index.map(0, true).unwrap();
        assert_eq!(index.read_header(&IndexHeader::default()), None);
        let mut header = IndexHeader::default();
        header.set_shape(Order::NATIVE, 65536);
        header.set_max_frame(7);
        header.set_salt(*b"12345678");
        index.write_header(&mut header);
        let read = index.read_header(&IndexHeader::default()).unwrap();
        assert_eq!((read.page_bytes(), read.max_frame(), read.salt()), (65536, 7, *b"12345678"));
        index.word(4).unwrap().store(8, Relaxed); // copy 0 only
        assert_eq!(index.read_header(&IndexHeader::default()), None);
        index.word(HEADER_WORDS + 4).unwrap().store(8, Relaxed); // both, but not the checksum
        assert_eq!(index.read_header(&IndexHeader::default()), None);
    }

    #[test]
    fn numbers_that_cannot_be_are_told_from_those_that_can() {
        let mut header = IndexHeader::default();
        assert!(header.is_sane(), "an empty WAL has no page size");
        header.set_max_frame(1);
        assert!(!header.is_sane());
        header.set_shape(Order::NATIVE, 512);
        assert!(header.is_sane());
        header.set_max_frame(u32::MAX);
        assert!(!header.is_sane());
    }

    #[test]
    fn the_newest_frame_within_the_snapshot_is_found_across_regions() {
        let mut index = Index::heap();
        let frames = 10_000;
        for frame in 1..=frames {
            index.append(frame, page(frame % 97 + 1), frame - 1).unwrap();
        }
        for last in [1, 50, 4062, 4063, 8158, 8159, 10_000] {
            for number in 1..=97 {
                let expected = (1..=last).rev().find(|frame| frame % 97 + 1 == number);
                assert_eq!(
                    index.find(page(number), 1, last).unwrap(),
                    expected,
                    "page {number} up to {last}"
                );
            }
        }
        assert_eq!(index.find(page(1), 9_992, 10_000).unwrap(), None);
        assert_eq!(index.pages(4060, 4065).unwrap(), (4060..=4065).map(|f| f % 97 + 1).collect::<Vec<_>>());
    }

    #[test]
    fn entries_of_an_undone_transaction_are_overwritten() {
        let mut index = Index::heap();
        for frame in 1..=20 {
            index.append(frame, page(frame), frame - 1).unwrap();
        }
        for frame in 11..=15 {
            index.append(frame, page(100 + frame), 10).unwrap();
        }
        assert_eq!(index.find(page(12), 1, 15).unwrap(), None);
        assert_eq!(index.find(page(112), 1, 15).unwrap(), Some(12));
        assert_eq!(index.find(page(10), 1, 15).unwrap(), Some(10));
    }

    #[test]
    fn frames_fall_into_the_regions_that_the_format_gives() {
        assert_eq!((region_of(1), region_of(4062), region_of(4063)), (0, 0, 1));
        assert_eq!((region_of(8158), region_of(8159)), (1, 2));
        assert_eq!((frames_before(1), frames_before(2)), (4062, 8158));
    }
}
