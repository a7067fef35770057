//! The allocator of the engine: the system's, counted.
//!
//! It is an allocator of its own because only an allocator sees what is allocated. Counting costs one atomic addition each way.

use std::alloc::{GlobalAlloc, Layout, System};

use super::TALLY;

struct Counted;

#[global_allocator]
static ALLOCATOR: Counted = Counted;

// SAFETY: everything is done by the system's allocator; counting touches none of it.
unsafe impl GlobalAlloc for Counted {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        TALLY.engine_made(layout.size());
        // SAFETY: by the caller.
        unsafe { System.alloc(layout) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        TALLY.engine_made(layout.size());
        // SAFETY: by the caller.
        unsafe { System.alloc_zeroed(layout) }
    }

    #[inline]
    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        TALLY.engine_gone(layout.size());
        // SAFETY: by the caller.
        unsafe { System.dealloc(memory, layout) }
    }

    #[inline]
    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        TALLY.engine_gone(layout.size());
        TALLY.engine_made(size);
        // SAFETY: by the caller.
        unsafe { System.realloc(memory, layout, size) }
    }
}
