//! Counted byte buffers that can be lent to the kernel.
//!
//! A page's bytes live in one `Buffer`. Reading is a plain slice access; writing needs the only handle
//! ([`Buffer::get_mut`]), so bytes that were lent to a write in flight, kept as an undo image or handed out as a blob
//! never change under their holder: who wants to write then clones first ([`Buffer::make_mut`]).
//!
//! Why not `Arc<[u8]>`: `Arc::get_mut` has to lock the weak count with a compare-and-swap, about 6 ns on every write to
//! a page, against one load here; and page memory wants an alignment of its own (direct I/O, vector loads).
//!
//! Always true: `len` bytes behind `data` were allocated with `layout(len)` and are initialised; `count` handles exist.
//! Never: growing. A buffer has its length for life.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::fmt;
use std::ops::{Deref, Range};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering, fence};

/// Header before the bytes, padded so that the bytes start at [`ALIGN`].
#[repr(C, align(64))]
struct Header {
    count: AtomicUsize,
}

/// Alignment of the first byte: a cache line.
pub const ALIGN: usize = 64;
const _: () = assert!(size_of::<Header>() == ALIGN);

/// A counted, immutable-while-shared run of bytes.
pub struct Buffer {
    header: NonNull<Header>,
    len: usize,
}

// SAFETY: the bytes are only written through `&mut Buffer` while `count` is 1; the count itself is atomic.
unsafe impl Send for Buffer {}
// SAFETY: `&Buffer` gives shared reads only.
unsafe impl Sync for Buffer {}

fn layout(len: usize) -> Option<Layout> {
    Layout::from_size_align(len.checked_add(size_of::<Header>())?, ALIGN).ok()
}

impl Buffer {
    /// A buffer of `len` zero bytes, or `None` where memory cannot be had.
    pub fn try_zeroed(len: usize) -> Option<Buffer> {
        let layout = layout(len)?;
        // SAFETY: the layout's size is at least the header's, so it is not zero.
        let raw = unsafe { alloc_zeroed(layout) };
        let header = NonNull::new(raw.cast::<Header>())?;
        // SAFETY: freshly allocated, aligned and large enough for a header.
        unsafe { header.as_ptr().write(Header { count: AtomicUsize::new(1) }) };
        Some(Buffer { header, len })
    }

    /// A buffer of `len` zero bytes. Aborts like any allocation where memory cannot be had.
    pub fn zeroed(len: usize) -> Buffer {
        match Buffer::try_zeroed(len) {
            Some(buffer) => buffer,
            None => std::alloc::handle_alloc_error(layout(len).unwrap_or(Layout::new::<Header>())),
        }
    }

    /// A buffer that holds a copy of `bytes`.
    pub fn copy_of(bytes: &[u8]) -> Buffer {
        let mut buffer = Buffer::zeroed(bytes.len());
        buffer.make_mut().copy_from_slice(bytes);
        buffer
    }

    #[inline]
    fn data(&self) -> *mut u8 {
        // SAFETY: the allocation holds a header and then `len` bytes, so one past the header is in bounds.
        unsafe { self.header.as_ptr().add(1).cast::<u8>() }
    }

    /// Whether this is the only handle.
    #[inline]
    pub fn is_unique(&self) -> bool {
        // SAFETY: the header lives as long as any handle.
        let count = unsafe { self.header.as_ref() }.count.load(Ordering::Acquire);
        count == 1
    }

    /// The bytes for writing, or `None` while another handle exists.
    #[inline]
    pub fn get_mut(&mut self) -> Option<&mut [u8]> {
        if !self.is_unique() {
            return None;
        }
        // SAFETY: this is the only handle and it is borrowed mutably, so nobody else can reach the bytes; the acquire
        // load above orders the last drop of any other handle before our writes.
        Some(unsafe { std::slice::from_raw_parts_mut(self.data(), self.len) })
    }

    /// The bytes for writing; clones them first where another handle exists.
    #[inline]
    pub fn make_mut(&mut self) -> &mut [u8] {
        if !self.is_unique() {
            *self = Buffer::copy_of(self);
        }
        // SAFETY: as in `get_mut`: the only handle, mutably borrowed.
        unsafe { std::slice::from_raw_parts_mut(self.data(), self.len) }
    }
}

impl Deref for Buffer {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        // SAFETY: `len` initialised bytes lie behind `data`, and nobody writes while a shared borrow exists.
        unsafe { std::slice::from_raw_parts(self.data(), self.len) }
    }
}

impl Clone for Buffer {
    /// Another handle on the same bytes.
    #[inline]
    fn clone(&self) -> Buffer {
        // SAFETY: the header lives as long as any handle. Relaxed: a new handle is made from an existing one.
        let before = unsafe { self.header.as_ref() }.count.fetch_add(1, Ordering::Relaxed);
        assert!(before < usize::MAX / 2, "buffer handles leak");
        Buffer { header: self.header, len: self.len }
    }
}

impl Drop for Buffer {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the header lives until the last handle is dropped, which is decided here.
        if unsafe { self.header.as_ref() }.count.fetch_sub(1, Ordering::Release) != 1 {
            return;
        }
        fence(Ordering::Acquire);
        if let Some(layout) = layout(self.len) {
            // SAFETY: allocated by `try_zeroed` with this very layout, and no handle is left.
            unsafe { dealloc(self.header.as_ptr().cast::<u8>(), layout) };
        }
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffer({} bytes)", self.len)
    }
}

/// A counted buffer and the range of it that a write takes.
#[derive(Clone, Debug)]
pub struct IoSlice {
    pub buffer: Buffer,
    pub range: Range<usize>,
}

impl IoSlice {
    /// The whole of `buffer`.
    pub fn whole(buffer: Buffer) -> IoSlice {
        let range = 0..buffer.len();
        IoSlice { buffer, range }
    }

    /// The bytes to write. An out-of-range slice is empty.
    pub fn bytes(&self) -> &[u8] {
        self.buffer.get(self.range.clone()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_buffer_is_cloned_before_it_is_written() {
        let mut a = Buffer::copy_of(b"before");
        let b = a.clone();
        assert!(a.get_mut().is_none());
        a.make_mut().copy_from_slice(b"after!");
        assert_eq!((&a[..], &b[..]), (&b"after!"[..], &b"before"[..]));
        assert!(b.is_unique() && a.is_unique());
    }

    #[test]
    fn the_last_handle_frees_even_an_empty_buffer() {
        let empty = Buffer::zeroed(0);
        let other = empty.clone();
        drop(empty);
        assert!(other.is_empty() && other.is_unique());
    }

    #[test]
    fn handles_move_between_threads() {
        let buffer = Buffer::copy_of(&[7; 4096]);
        let other = buffer.clone();
        #[allow(clippy::disallowed_methods)]
        let sum =
            std::thread::spawn(move || other.iter().map(|&b| u64::from(b)).sum::<u64>()).join().unwrap_or(0);
        assert_eq!(sum, 7 * 4096);
        assert!(buffer.is_unique());
    }
}
