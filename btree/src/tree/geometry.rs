//! Sizes that follow from the page size: how much of a page is usable, how much of a payload stays in its cell.
//!
//! Computed once per transaction's page size and passed along by reference; every formula of the file format that
//! mentions the usable size stands here and nowhere else.
//!
//! Always true: `480 <= usable <= page_size <= 65536`, so every offset in a page fits 16 bits but the end of a 65536-byte page.
//! Spec: Database File Format, "Cell Payload Overflow Pages", "B-tree Pages".

use crate::page_no::PageNo;

/// The byte at 1 GiB, where the lock bytes lie. The page that holds it is never used.
const PENDING_BYTE: u64 = 0x4000_0000;

/// Sizes in bytes that follow from page size and reserved bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Geometry {
    /// Bytes in a page.
    pub page_size: usize,
    /// Page size less the reserved bytes at the end.
    pub usable: usize,
    /// Most payload bytes that an index cell keeps on its page.
    pub max_local: usize,
    /// Least payload bytes kept on the page by a cell that overflows.
    pub min_local: usize,
    /// Most payload bytes that a table leaf cell keeps on its page.
    pub max_leaf: usize,
}

impl Geometry {
    /// The sizes for `page_size` and `usable`, which the pager has checked against the format's bounds.
    pub fn new(page_size: usize, usable: usize) -> Geometry {
        debug_assert!((480..=65536).contains(&usable) && usable <= page_size);
        let share = |parts: usize| (usable.saturating_sub(12) * parts / 255).saturating_sub(23);
        Geometry {
            page_size,
            usable,
            max_local: share(64),
            min_local: share(32),
            max_leaf: usable.saturating_sub(35),
        }
    }

    /// Payload bytes that stay in a cell whose kind keeps at most `max` of them: all, or what leaves the last overflow
    /// page as full as possible.
    #[inline]
    pub fn local(&self, payload: u64, max: usize) -> usize {
        if payload <= max as u64 {
            return payload as usize;
        }
        let tail = payload.saturating_sub(self.min_local as u64) % self.overflow_capacity() as u64;
        let local = self.min_local + tail as usize;
        if local <= max { local } else { self.min_local }
    }

    /// Payload bytes on one overflow page.
    #[inline]
    pub fn overflow_capacity(&self) -> usize {
        self.usable - 4
    }

    /// Most leaf numbers that a freelist trunk page may hold by the format.
    pub fn trunk_capacity(&self) -> usize {
        self.usable / 4 - 2
    }

    /// Leaf numbers that a trunk page is filled to: six fewer than it may hold, because SQLite before 3.6.0 refused fuller ones.
    pub fn trunk_fill(&self) -> usize {
        self.usable / 4 - 8
    }

    /// The page that holds the lock bytes.
    pub fn lock_byte_page(&self) -> u32 {
        (PENDING_BYTE / self.page_size as u64) as u32 + 1
    }

    /// Pages that one pointer-map page describes, itself not counted.
    fn pointer_map_span(&self) -> u32 {
        (self.usable / 5) as u32
    }

    /// The pointer-map page that describes `page`; of a pointer-map page, itself. Page 1 has none.
    pub fn pointer_map_page(&self, page: PageNo) -> Option<PageNo> {
        let number = page.get();
        if number < 2 {
            return None;
        }
        let stride = self.pointer_map_span() + 1;
        let mut map = (number - 2) / stride * stride + 2;
        if map == self.lock_byte_page() {
            map += 1;
        }
        PageNo::new(map)
    }

    /// Where in pointer-map page `map` the entry of `page` starts.
    pub fn pointer_map_offset(&self, map: PageNo, page: PageNo) -> Option<usize> {
        let index = page.get().checked_sub(map.get())?.checked_sub(1)?;
        (index < self.pointer_map_span()).then_some(index as usize * 5)
    }

    /// Whether `page` is a pointer-map page (in a database that has them).
    pub fn is_pointer_map(&self, page: PageNo) -> bool {
        self.pointer_map_page(page) == Some(page)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_sizes_follow_the_format() {
        // Database File Format: U = 4096, X = 4061 for table leaves, 1002 for index pages, M = 489.
        let geometry = Geometry::new(4096, 4096);
        assert_eq!((geometry.max_leaf, geometry.max_local, geometry.min_local), (4061, 1002, 489));
        assert_eq!(geometry.local(4061, geometry.max_leaf), 4061);
        // P = 4062: K = 489 + (4062 - 489) % 4092 = 4062 > X, so M stays.
        assert_eq!(geometry.local(4062, geometry.max_leaf), 489);
        // P = 5000: K = 489 + 4511 % 4092 = 908.
        assert_eq!(geometry.local(5000, geometry.max_leaf), 908);
    }

    #[test]
    fn pointer_map_pages_come_every_usable_fifth() {
        let geometry = Geometry::new(512, 512);
        let page = |number| PageNo::new(number).expect("not zero");
        assert!(geometry.is_pointer_map(page(2)) && geometry.is_pointer_map(page(105)));
        assert!(!geometry.is_pointer_map(page(3)) && !geometry.is_pointer_map(page(104)));
        assert_eq!(geometry.pointer_map_page(page(104)), Some(page(2)));
        assert_eq!(geometry.pointer_map_offset(page(2), page(3)), Some(0));
        assert_eq!(geometry.pointer_map_offset(page(2), page(104)), Some(505));
    }

    #[test]
    fn the_pointer_map_page_never_is_the_lock_byte_page() {
        let geometry = Geometry::new(1024, 1024);
        let lock = geometry.lock_byte_page();
        assert_eq!(lock, 1_048_577);
        for number in lock - 300..lock + 300 {
            let map = geometry.pointer_map_page(PageNo::new(number).expect("not zero"));
            assert_ne!(map.map(PageNo::get), Some(lock));
        }
    }
}
