//! Shared mappings of the `-shm` file.
//!
//! Safe Rust has no shared memory between processes. What is behind the pointers is only ever seen as atomics, so that other
//! processes may write at any moment; and a mapping is unmapped when the last region that lies in it is dropped.
//!
//! Always true: a region lies wholly in its mapping.
//! Never: growing the file. Touching a page behind its end would kill the process (SIGBUS): who maps has to make room first.
//! Stores to a mapping made for reading only would too; the wal-index does not make them.

use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicU32};

use crate::file::ShmRegion;
use crate::region::{REGION_SIZE_BYTES, REGION_WORDS, as_half_words};

use super::raw::Errno;

/// A run of mapped bytes.
struct Mapping {
    base: NonNull<u8>,
    len: usize,
}

// SAFETY: the mapping belongs to the process, not to a thread; its bytes are only seen as atomics.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: `map` made it with this length, and no region borrows from it any more.
        unsafe { libc::munmap(self.base.as_ptr().cast(), self.len) };
    }
}

/// One region of a mapping.
pub(super) struct MappedRegion {
    mapping: Arc<Mapping>,
    /// Byte offset in the mapping, a multiple of the region size.
    at: usize,
}

/// Maps `count` regions from the `first`-th on. The place of the first must be a multiple of the page size.
pub(super) fn map(
    fd: BorrowedFd<'_>,
    first: usize,
    count: usize,
    writable: bool,
) -> Result<Vec<Arc<MappedRegion>>, Errno> {
    let len = count.checked_mul(REGION_SIZE_BYTES).ok_or(libc::ENOMEM)?;
    let at = first.checked_mul(REGION_SIZE_BYTES).ok_or(libc::ENOMEM)?;
    let at = libc::off_t::try_from(at).map_err(|_| libc::ENOMEM)?;
    let protection = if writable { libc::PROT_READ | libc::PROT_WRITE } else { libc::PROT_READ };
    // SAFETY: a new mapping at an address of the kernel's choice touches no memory of ours.
    let base =
        unsafe { libc::mmap(std::ptr::null_mut(), len, protection, libc::MAP_SHARED, fd.as_raw_fd(), at) };
    if base == libc::MAP_FAILED {
        return Err(std::io::Error::last_os_error().raw_os_error().unwrap_or(libc::ENOMEM));
    }
    let base = NonNull::new(base.cast::<u8>()).ok_or(libc::ENOMEM)?;
    let mapping = Arc::new(Mapping { base, len });
    let region = |index| MappedRegion { mapping: Arc::clone(&mapping), at: index * REGION_SIZE_BYTES };
    Ok((0..count).map(|index| Arc::new(region(index))).collect())
}

impl ShmRegion for MappedRegion {
    #[inline]
    fn words(&self) -> &[AtomicU32] {
        debug_assert!(self.at + REGION_SIZE_BYTES <= self.mapping.len);
        // SAFETY: the region lies in the mapping, which lives as long as `self`; pages are aligned to more than a word and
        // regions to their size; any bits are a valid AtomicU32.
        unsafe {
            std::slice::from_raw_parts(
                self.mapping.base.as_ptr().add(self.at).cast::<AtomicU32>(),
                REGION_WORDS,
            )
        }
    }

    #[inline]
    fn half_words(&self) -> &[AtomicU16] {
        as_half_words(self.words())
    }
}
