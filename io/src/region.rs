//! Regions of shared memory as atomic words, on the heap or on memory that someone mapped.
//!
//! The wal-index is 32-bit words with 16-bit hash slots at the end of each region, so the same bytes are seen at both
//! widths. Which bytes are used at which width is the wal-index's layout, the same for all who map it; no byte is
//! accessed at both widths at one time.
//!
//! Always true: a region has [`REGION_SIZE_BYTES`] bytes, aligned to 4.
//! Never: mapping (that is the backend's), or the layout of a wal-index.
//! Spec: "WAL-mode File Format", "The WAL-Index File Format".

use std::sync::atomic::{AtomicU16, AtomicU32};

use crate::file::ShmRegion;

/// Bytes of one region.
pub const REGION_SIZE_BYTES: usize = 32 * 1024;

/// 32-bit words of one region.
pub(crate) const REGION_WORDS: usize = REGION_SIZE_BYTES / 4;

/// The same bytes as 16-bit words.
pub(crate) fn as_half_words(words: &[AtomicU32]) -> &[AtomicU16] {
    // SAFETY: an AtomicU32 has the size and at least the alignment of two AtomicU16, any bit pattern is valid for both,
    // and both are interior-mutable, so shared references of either kind may coexist.
    unsafe { std::slice::from_raw_parts(words.as_ptr().cast::<AtomicU16>(), words.len() * 2) }
}

/// A region that lives on the heap, zeroed at birth.
pub struct HeapRegion {
    words: Box<[AtomicU32]>,
}

impl Default for HeapRegion {
    fn default() -> HeapRegion {
        HeapRegion { words: (0..REGION_WORDS).map(|_| AtomicU32::new(0)).collect() }
    }
}

impl ShmRegion for HeapRegion {
    fn words(&self) -> &[AtomicU32] {
        &self.words
    }

    fn half_words(&self) -> &[AtomicU16] {
        as_half_words(&self.words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::Ordering::Relaxed;

    #[test]
    fn both_widths_see_the_same_bytes() {
        let region = HeapRegion::default();
        assert_eq!((region.words().len(), region.half_words().len()), (8192, 16384));
        region.words()[8191].store(u32::from_ne_bytes([1, 2, 3, 4]), Relaxed);
        assert_eq!(region.half_words()[16382].load(Relaxed), u16::from_ne_bytes([1, 2]));
        assert_eq!(region.half_words()[16383].load(Relaxed), u16::from_ne_bytes([3, 4]));
    }
}
