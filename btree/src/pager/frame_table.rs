//! The page table: which frame holds page N.
//!
//! Two levels, filled lazily: a directory of 64-entry chunks. A lookup is two dependent loads and no hashing (0.8 ns
//! against 1 to 2 ns hashed), and a database of which few pages are resident has few chunks. Pages above a million go through
//! a hash of chunks, so that one page at the end of a huge file does not cost a directory of its own length.
//!
//! ```text
//! page number = chunk number * 64 + entry
//! low:  [chunk 0] [none] [chunk 2] ...      chunk numbers below LOW_CHUNKS
//! high: { chunk number -> chunk }           all others
//! ```
//!
//! Always true: `used` of a chunk is the number of its entries that are not `EMPTY`; a chunk with none does not exist.
//! Never: page bytes, eviction policy.

use kernite_io::HashMap;

use super::FrameId;
use crate::page_no::PageNo;

/// No frame. Frame indexes never get there: that many frames would be terabytes of pages.
const EMPTY: u32 = u32::MAX;
const CHUNK_ENTRIES: usize = 64;
/// Chunks reached through the flat directory: pages below 1 048 576.
const LOW_CHUNKS: usize = 16_384;

struct Chunk {
    entries: [u32; CHUNK_ENTRIES],
    used: u32,
}

/// Page number to frame index.
#[derive(Default)]
pub(super) struct PageTable {
    low: Vec<Option<Box<Chunk>>>,
    high: HashMap<usize, Box<Chunk>>,
}

#[inline]
fn split(page: PageNo) -> (usize, usize) {
    let number = page.get() as usize;
    (number / CHUNK_ENTRIES, number % CHUNK_ENTRIES)
}

impl PageTable {
    /// The frame that holds `page`.
    #[inline]
    pub(super) fn lookup(&self, page: PageNo) -> Option<FrameId> {
        let (chunk, entry) = split(page);
        let found = match self.low.get(chunk) {
            Some(Some(chunk)) => chunk.entries[entry],
            Some(None) => return None,
            None => self.lookup_high(chunk, entry),
        };
        if found == EMPTY { None } else { Some(FrameId(found)) }
    }

    #[cold]
    fn lookup_high(&self, chunk: usize, entry: usize) -> u32 {
        self.high.get(&chunk).map_or(EMPTY, |chunk| chunk.entries[entry])
    }

    /// Enters `page`; it must not be there yet.
    pub(super) fn insert(&mut self, page: PageNo, frame: FrameId) {
        debug_assert!(frame.0 != EMPTY && self.lookup(page).is_none());
        let (at, entry) = split(page);
        let fresh = || Box::new(Chunk { entries: [EMPTY; CHUNK_ENTRIES], used: 0 });
        let chunk = if at < LOW_CHUNKS {
            if self.low.len() <= at {
                self.low.resize_with(at + 1, || None);
            }
            self.low[at].get_or_insert_with(fresh)
        } else {
            self.high.entry(at).or_insert_with(fresh)
        };
        chunk.entries[entry] = frame.0;
        chunk.used += 1;
    }

    /// Takes `page` out; the frame that held it.
    pub(super) fn remove(&mut self, page: PageNo) -> Option<FrameId> {
        let (at, entry) = split(page);
        let chunk = if at < LOW_CHUNKS { self.low.get_mut(at)?.as_mut()? } else { self.high.get_mut(&at)? };
        let found = std::mem::replace(&mut chunk.entries[entry], EMPTY);
        if found == EMPTY {
            return None;
        }
        chunk.used -= 1;
        if chunk.used == 0 {
            if at < LOW_CHUNKS {
                self.low[at] = None;
            } else {
                self.high.remove(&at);
            }
        }
        Some(FrameId(found))
    }

    /// Forgets everything and gives its memory back.
    pub(super) fn clear(&mut self) {
        *self = PageTable::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(number: u32) -> PageNo {
        PageNo::new(number).unwrap()
    }

    #[test]
    fn low_and_high_pages_are_found_until_removed() {
        let mut table = PageTable::default();
        let numbers = [1, 63, 64, 65, 1_048_575, 1_048_576, 3_000_000_000, u32::MAX];
        for (index, &number) in numbers.iter().enumerate() {
            table.insert(page(number), FrameId(index as u32));
        }
        for (index, &number) in numbers.iter().enumerate() {
            assert_eq!(table.lookup(page(number)), Some(FrameId(index as u32)));
        }
        assert_eq!(table.lookup(page(2)), None);
        assert_eq!(table.lookup(page(2_000_000)), None);
        for (index, &number) in numbers.iter().enumerate() {
            assert_eq!(table.remove(page(number)), Some(FrameId(index as u32)));
            assert_eq!(table.lookup(page(number)), None);
            assert_eq!(table.remove(page(number)), None);
        }
    }

    #[test]
    fn an_emptied_chunk_is_given_back() {
        let mut table = PageTable::default();
        table.insert(page(7), FrameId(0));
        table.insert(page(2_000_000), FrameId(1));
        table.remove(page(7));
        table.remove(page(2_000_000));
        assert!(table.low.iter().all(Option::is_none) && table.high.is_empty());
    }
}
