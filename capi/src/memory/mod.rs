//! Memory: `sqlite3_malloc` and its like, and what is known about all memory that the library holds.
//!
//! ```text
//! application ── sqlite3_malloc ──> the application's own allocator, if it set one, else malloc ──┐
//! engine ── Rust's allocator (`global`) ──────────────────────────────────────────────────────────┴──> TALLY
//! ```
//!
//! Memory that crosses the boundary comes from here, so that either side can free it. The engine's own memory is counted with it: that
//! is what `sqlite3_memory_used` tells.
//!
//! Spec: C/C++ Interface, "Memory Allocation Subsystem", "Memory Allocator Statistics", "Impose A Limit On Heap Size".

mod global;
pub mod status;
mod tally;

use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

use crate::abi::method::sqlite3_mem_methods;
use crate::boundary::guard;
use crate::constant::{SQLITE_NOMEM, SQLITE_OK};
use crate::library;
use crate::{sqlite3_int64, sqlite3_uint64};

pub(crate) use tally::TALLY;

/// Larger requests fail: sizes have to fit an `int` with room for headers.
const SIZE_MAX: u64 = 0x7fff_ff00;

/// The allocator that the application set; NULL while it is ours.
static METHODS: AtomicPtr<sqlite3_mem_methods> = AtomicPtr::new(ptr::null_mut());
/// Whether that allocator was initialised.
static METHODS_READY: AtomicBool = AtomicBool::new(false);

/// How many bytes lie behind a pointer of malloc.
///
/// # Safety
/// `memory` came from malloc.
unsafe fn usable_size(memory: *mut c_void) -> usize {
    #[cfg(target_os = "macos")]
    // SAFETY: by the caller.
    return unsafe { libc::malloc_size(memory) };
    #[cfg(not(target_os = "macos"))]
    // SAFETY: by the caller.
    return unsafe { libc::malloc_usable_size(memory) };
}

unsafe extern "C" fn system_malloc(size: c_int) -> *mut c_void {
    // SAFETY: malloc takes any size.
    unsafe { libc::malloc(size.max(0) as usize) }
}

unsafe extern "C" fn system_free(memory: *mut c_void) {
    // SAFETY: the caller's contract.
    unsafe { libc::free(memory) }
}

unsafe extern "C" fn system_realloc(memory: *mut c_void, size: c_int) -> *mut c_void {
    // SAFETY: the caller's contract.
    unsafe { libc::realloc(memory, size.max(0) as usize) }
}

unsafe extern "C" fn system_size(memory: *mut c_void) -> c_int {
    if memory.is_null() {
        return 0;
    }
    // SAFETY: the caller's contract.
    unsafe { usable_size(memory) as c_int }
}

unsafe extern "C" fn system_roundup(size: c_int) -> c_int {
    size.saturating_add(7) & !7
}

unsafe extern "C" fn system_init(_: *mut c_void) -> c_int {
    SQLITE_OK
}

unsafe extern "C" fn system_shutdown(_: *mut c_void) {}

/// Our allocator, as `SQLITE_CONFIG_GETMALLOC` shows it.
pub(crate) const SYSTEM: sqlite3_mem_methods = sqlite3_mem_methods {
    xMalloc: Some(system_malloc),
    xFree: Some(system_free),
    xRealloc: Some(system_realloc),
    xSize: Some(system_size),
    xRoundup: Some(system_roundup),
    xInit: Some(system_init),
    xShutdown: Some(system_shutdown),
    pAppData: ptr::null_mut(),
};

/// The application's allocator, if it set one.
fn methods() -> Option<&'static sqlite3_mem_methods> {
    let methods = METHODS.load(Ordering::Acquire);
    // SAFETY: what is stored there is leaked and never changed.
    unsafe { methods.as_ref() }
}

/// The allocator in force.
pub(crate) fn current_methods() -> sqlite3_mem_methods {
    methods().copied().unwrap_or(SYSTEM)
}

/// Puts the application's allocator in place. Ours comes back with our own functions.
pub(crate) fn set_methods(new: sqlite3_mem_methods) {
    let is_ours = new.xMalloc.map(|function| function as usize) == Some(system_malloc as *const () as usize);
    let new = if is_ours || new.xMalloc.is_none() { ptr::null_mut() } else { Box::into_raw(Box::new(new)) };
    METHODS.store(new, Ordering::Release);
    METHODS_READY.store(false, Ordering::Release);
}

/// Makes the application's allocator ready.
pub(crate) fn initialize() -> c_int {
    let Some(methods) = methods() else { return SQLITE_OK };
    if METHODS_READY.swap(true, Ordering::AcqRel) {
        return SQLITE_OK;
    }
    match methods.xInit {
        // SAFETY: the application's function with its own argument.
        Some(init) => unsafe { init(methods.pAppData) },
        None => SQLITE_OK,
    }
}

/// Tells the application's allocator that the library ends.
pub(crate) fn shutdown() {
    if let Some(methods) = methods()
        && METHODS_READY.swap(false, Ordering::AcqRel)
        && let Some(shutdown) = methods.xShutdown
    {
        // SAFETY: as in `initialize`.
        unsafe { shutdown(methods.pAppData) };
    }
}

/// Memory of `size` bytes, or NULL.
pub(crate) fn allocate(size: u64) -> *mut c_void {
    if size == 0 || size > SIZE_MAX || !TALLY.admits(size) {
        return ptr::null_mut();
    }
    let memory = match methods() {
        // SAFETY: malloc takes any size.
        None => unsafe { libc::malloc(size as usize) },
        Some(methods) => {
            let (Some(malloc), Some(roundup)) = (methods.xMalloc, methods.xRoundup) else {
                return ptr::null_mut();
            };
            // SAFETY: the application's functions, with a size that fits.
            unsafe { malloc(roundup(size as c_int)) }
        }
    };
    if !memory.is_null() {
        // SAFETY: it was just made.
        TALLY.made(size as usize, unsafe { size_of(memory) });
    }
    memory
}

/// How many bytes lie behind `memory`.
///
/// # Safety
/// It is not NULL and came from here.
unsafe fn size_of(memory: *mut c_void) -> usize {
    // SAFETY: by the caller; the allocator that made it is still in place.
    unsafe {
        match methods() {
            None => usable_size(memory),
            Some(methods) => methods.xSize.map_or(0, |size| size(memory).max(0) as usize),
        }
    }
}

/// Gives memory back. NULL is nothing.
///
/// # Safety
/// `memory` came from here and is not used any more.
pub(crate) unsafe fn release(memory: *mut c_void) {
    if memory.is_null() {
        return;
    }
    // SAFETY: by the caller.
    unsafe {
        TALLY.gone(size_of(memory));
        match methods() {
            None => libc::free(memory),
            Some(methods) => {
                if let Some(free) = methods.xFree {
                    free(memory);
                }
            }
        }
    }
}

/// A copy of `bytes` with `nul` NUL bytes behind it, or NULL.
pub(crate) fn copy_of(bytes: &[u8], nul: usize) -> *mut c_void {
    let copy: *mut u8 = allocate((bytes.len() + nul).max(1) as u64).cast();
    if !copy.is_null() {
        // SAFETY: the memory has room for both.
        unsafe {
            ptr::copy_nonoverlapping(bytes.as_ptr(), copy, bytes.len());
            ptr::write_bytes(copy.add(bytes.len()), 0, nul);
        }
    }
    copy.cast()
}

fn initialized_allocate(size: u64) -> *mut c_void {
    if library::initialize() == SQLITE_OK { allocate(size) } else { ptr::null_mut() }
}

unsafe fn resize(memory: *mut c_void, size: u64) -> *mut c_void {
    if memory.is_null() {
        return allocate(size);
    }
    if size == 0 {
        // SAFETY: the caller's contract.
        unsafe { release(memory) };
        return ptr::null_mut();
    }
    // SAFETY: the caller's contract.
    let old = unsafe { size_of(memory) };
    if size > SIZE_MAX || (size > old as u64 && !TALLY.admits(size - old as u64)) {
        return ptr::null_mut();
    }
    // SAFETY: the caller's contract.
    let moved = unsafe {
        match methods() {
            None => libc::realloc(memory, size as usize),
            Some(methods) => match (methods.xRealloc, methods.xRoundup) {
                (Some(realloc), Some(roundup)) => realloc(memory, roundup(size as c_int)),
                _ => ptr::null_mut(),
            },
        }
    };
    if !moved.is_null() {
        TALLY.gone(old);
        // SAFETY: it was just made.
        TALLY.made(size as usize, unsafe { size_of(moved) });
    }
    moved
}

/// Memory of `size` bytes; NULL for 0 or less, or when there is none.
#[unsafe(no_mangle)]
pub extern "C" fn sqlite3_malloc(size: c_int) -> *mut c_void {
    guard(ptr::null_mut(), || initialized_allocate(u64::try_from(size).unwrap_or(0)))
}

/// As `sqlite3_malloc`.
#[unsafe(no_mangle)]
pub extern "C" fn sqlite3_malloc64(size: sqlite3_uint64) -> *mut c_void {
    guard(ptr::null_mut(), || initialized_allocate(size))
}

/// Changes the size of memory, perhaps by moving it. NULL is made; size 0 or less frees.
///
/// # Safety
/// `memory` is NULL or came from `sqlite3_malloc` or its like.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_realloc(memory: *mut c_void, size: c_int) -> *mut c_void {
    // SAFETY: the caller's contract.
    unsafe { sqlite3_realloc64(memory, u64::try_from(size).unwrap_or(0)) }
}

/// As `sqlite3_realloc`.
///
/// # Safety
/// As for `sqlite3_realloc`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_realloc64(memory: *mut c_void, size: sqlite3_uint64) -> *mut c_void {
    guard(ptr::null_mut(), || {
        if library::initialize() != SQLITE_OK {
            return ptr::null_mut();
        }
        // SAFETY: the caller's contract.
        unsafe { resize(memory, size) }
    })
}

/// Gives memory back. NULL is nothing.
///
/// # Safety
/// `memory` is NULL or came from `sqlite3_malloc` or its like.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_free(memory: *mut c_void) {
    // SAFETY: the caller's contract.
    guard((), || unsafe { release(memory) });
}

/// How many bytes lie behind `memory`; 0 for NULL.
///
/// # Safety
/// `memory` is NULL or came from `sqlite3_malloc` or its like.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_msize(memory: *mut c_void) -> sqlite3_uint64 {
    // SAFETY: the caller's contract.
    if memory.is_null() { 0 } else { unsafe { size_of(memory) as sqlite3_uint64 } }
}

/// Bytes that the library holds.
#[unsafe(no_mangle)]
pub extern "C" fn sqlite3_memory_used() -> sqlite3_int64 {
    TALLY.used()
}

/// The most bytes that the library held since the mark was last reset.
#[unsafe(no_mangle)]
pub extern "C" fn sqlite3_memory_highwater(reset: c_int) -> sqlite3_int64 {
    TALLY.peak(reset != 0)
}

/// Sets how many bytes the library should try not to exceed, and gives the old limit. A negative number only asks; 0 is no limit.
#[unsafe(no_mangle)]
pub extern "C" fn sqlite3_soft_heap_limit64(limit: sqlite3_int64) -> sqlite3_int64 {
    guard(-1, || if library::initialize() == SQLITE_OK { TALLY.set_soft_limit(limit) } else { -1 })
}

/// As `sqlite3_soft_heap_limit64`, of old.
#[unsafe(no_mangle)]
pub extern "C" fn sqlite3_soft_heap_limit(limit: c_int) {
    sqlite3_soft_heap_limit64(sqlite3_int64::from(limit.max(0)));
}

/// Sets how many bytes allocations of the application may not exceed, and gives the old limit. A negative number only asks; 0 is no
/// limit.
#[unsafe(no_mangle)]
pub extern "C" fn sqlite3_hard_heap_limit64(limit: sqlite3_int64) -> sqlite3_int64 {
    guard(-1, || if library::initialize() == SQLITE_OK { TALLY.set_hard_limit(limit) } else { -1 })
}

/// Gives memory back that is not needed. Frames of idle databases are given back when they become idle, so that nothing is left to do.
#[unsafe(no_mangle)]
pub extern "C" fn sqlite3_release_memory(_bytes: c_int) -> c_int {
    0
}

/// A callback for the soft limit, of old. It is not called any more.
///
/// # Safety
/// None: the arguments are not used.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_memory_alarm(
    _callback: Option<unsafe extern "C" fn(*mut c_void, sqlite3_int64, c_int)>,
    _argument: *mut c_void,
    _threshold: sqlite3_int64,
) -> c_int {
    SQLITE_OK
}

/// Text for C: a copy with a NUL behind it; `SQLITE_NOMEM` when there is no memory.
pub(crate) fn c_string(bytes: &[u8]) -> Result<*mut std::ffi::c_char, c_int> {
    let copy = copy_of(bytes, 1);
    if copy.is_null() { Err(SQLITE_NOMEM) } else { Ok(copy.cast()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_counted_while_it_is_held() {
        let before = sqlite3_memory_used();
        let memory = sqlite3_malloc(1 << 20);
        assert!(sqlite3_memory_used() >= before + (1 << 20));
        // SAFETY: it was just made, and each pointer is used once.
        unsafe {
            assert!(sqlite3_msize(memory) >= 1 << 20);
            let memory = sqlite3_realloc(memory, 1 << 21);
            assert!(sqlite3_msize(memory) >= 1 << 21);
            assert!(sqlite3_realloc64(memory, 0).is_null());
        }
        assert!(sqlite3_memory_highwater(0) >= before + (1 << 20));
    }

    #[test]
    fn sizes_that_are_none_give_nothing() {
        assert!(sqlite3_malloc(0).is_null());
        assert!(sqlite3_malloc(-5).is_null());
        assert!(sqlite3_malloc64(SIZE_MAX + 1).is_null());
        // SAFETY: NULL is allowed.
        unsafe {
            sqlite3_free(ptr::null_mut());
            assert_eq!(sqlite3_msize(ptr::null_mut()), 0);
        }
    }
}
