//! Settings of the library: `sqlite3_config`.
//!
//! Only before the library is started, but for the log and for questions. What is a hint about memory that the engine does not manage that
//! way (page memory, lookaside, sorter sizes) is taken and has no effect.
//!
//! Spec: C/C++ Interface, "Configuration Options".

use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicPtr, AtomicU8, Ordering};

use super::log::{self, LogFunction};
use super::{is_initialized, misuse};
use crate::abi::method::{sqlite3_mem_methods, sqlite3_mutex_methods, sqlite3_pcache_methods2};
use crate::boundary::code;
use crate::constant::*;
use crate::memory::{self, TALLY};
use crate::mutex;
use crate::variadic::{Arguments, Taker};

/// Who may use the library and a connection at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Threading {
    Single,
    /// Several threads, but not on one connection.
    Multi,
    Serialized,
}

static THREADING: AtomicU8 = AtomicU8::new(2);
/// Whether names that begin with `file:` are URIs even without `SQLITE_OPEN_URI`. The target is built so.
static URIS: AtomicBool = AtomicBool::new(true);
/// Most bytes that a deserialised database grows to.
static MEMORY_DATABASE_MAX: AtomicI64 = AtomicI64::new(1 << 30);
static PAGE_CACHE: AtomicPtr<sqlite3_pcache_methods2> = AtomicPtr::new(ptr::null_mut());
static PAGE_CACHE_READY: AtomicBool = AtomicBool::new(false);

/// Who may use what at the same time.
pub(crate) fn threading() -> Threading {
    match THREADING.load(Ordering::Relaxed) {
        0 => Threading::Single,
        1 => Threading::Multi,
        _ => Threading::Serialized,
    }
}

/// Whether names that begin with `file:` are URIs without being asked for.
pub(crate) fn uris() -> bool {
    URIS.load(Ordering::Relaxed)
}

/// Most bytes that a deserialised database grows to, unless it is told otherwise.
pub(crate) fn memory_database_max() -> i64 {
    MEMORY_DATABASE_MAX.load(Ordering::Relaxed)
}

fn page_cache() -> Option<&'static sqlite3_pcache_methods2> {
    // SAFETY: what is stored there is leaked and never changed.
    unsafe { PAGE_CACHE.load(Ordering::Acquire).as_ref() }
}

/// Starts the application's page cache, which the engine then never asks for pages: its cache is part of the pager.
pub(crate) fn initialize_page_cache() -> c_int {
    match page_cache() {
        Some(methods) if !PAGE_CACHE_READY.swap(true, Ordering::AcqRel) => match methods.xInit {
            // SAFETY: the application's function with its own argument.
            Some(init) => unsafe { init(methods.pArg) },
            None => SQLITE_OK,
        },
        _ => SQLITE_OK,
    }
}

/// Ends the application's page cache.
pub(crate) fn shutdown_page_cache() {
    if let Some(methods) = page_cache()
        && PAGE_CACHE_READY.swap(false, Ordering::AcqRel)
        && let Some(shutdown) = methods.xShutdown
    {
        // SAFETY: the application's function with its own argument.
        unsafe { shutdown(methods.pArg) };
    }
}

unsafe extern "C" fn no_cache_init(_: *mut c_void) -> c_int {
    SQLITE_OK
}

unsafe extern "C" fn no_cache_shutdown(_: *mut c_void) {}

/// What `SQLITE_CONFIG_GETPCACHE2` shows of a cache that cannot be taken apart: only how it starts and ends.
const OWN_PAGE_CACHE: sqlite3_pcache_methods2 = sqlite3_pcache_methods2 {
    iVersion: 1,
    pArg: ptr::null_mut(),
    xInit: Some(no_cache_init),
    xShutdown: Some(no_cache_shutdown),
    xCreate: None,
    xCachesize: None,
    xPagecount: None,
    xFetch: None,
    xUnpin: None,
    xRekey: None,
    xTruncate: None,
    xDestroy: None,
    xShrink: None,
};

/// The Rust half of `sqlite3_config`.
///
/// # Safety
/// `arguments` come from C and fit the option.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kernite_config(option: c_int, arguments: *mut Arguments) -> c_int {
    code(|| {
        if is_initialized() && !matches!(option, SQLITE_CONFIG_LOG | SQLITE_CONFIG_PCACHE_HDRSZ) {
            return misuse(line!());
        }
        // SAFETY: the caller's contract.
        unsafe { set(option, Taker::new(arguments)) }
    })
}

/// # Safety
/// The arguments fit the option: pointers are to what the option names.
unsafe fn set(option: c_int, mut arguments: Taker) -> c_int {
    match option {
        SQLITE_CONFIG_SINGLETHREAD => THREADING.store(0, Ordering::Relaxed),
        SQLITE_CONFIG_MULTITHREAD => THREADING.store(1, Ordering::Relaxed),
        SQLITE_CONFIG_SERIALIZED => THREADING.store(2, Ordering::Relaxed),
        SQLITE_CONFIG_MALLOC | SQLITE_CONFIG_GETMALLOC => {
            let methods: *mut sqlite3_mem_methods = arguments.pointer().cast();
            if methods.is_null() {
                return misuse(line!());
            }
            // SAFETY: by the caller.
            unsafe {
                match option {
                    SQLITE_CONFIG_MALLOC => memory::set_methods(*methods),
                    _ => methods.write(memory::current_methods()),
                }
            }
        }
        SQLITE_CONFIG_MUTEX | SQLITE_CONFIG_GETMUTEX => {
            let methods: *mut sqlite3_mutex_methods = arguments.pointer().cast();
            if methods.is_null() {
                return misuse(line!());
            }
            // SAFETY: by the caller.
            unsafe {
                match option {
                    SQLITE_CONFIG_MUTEX => mutex::set_methods(*methods),
                    _ => methods.write(mutex::current_methods()),
                }
            }
        }
        SQLITE_CONFIG_PCACHE2 | SQLITE_CONFIG_GETPCACHE2 => {
            let methods: *mut sqlite3_pcache_methods2 = arguments.pointer().cast();
            if methods.is_null() {
                return misuse(line!());
            }
            // SAFETY: by the caller.
            unsafe {
                match option {
                    SQLITE_CONFIG_PCACHE2 => {
                        PAGE_CACHE.store(Box::into_raw(Box::new(*methods)), Ordering::Release);
                    }
                    _ => methods.write(page_cache().copied().unwrap_or(OWN_PAGE_CACHE)),
                }
            }
        }
        SQLITE_CONFIG_PCACHE_HDRSZ => {
            // Bytes of bookkeeping beside a page of fixed page memory: there is no such memory.
            let out: *mut c_int = arguments.pointer().cast();
            // SAFETY: by the caller.
            unsafe { crate::boundary::store(out, 0) };
        }
        SQLITE_CONFIG_MEMSTATUS => TALLY.set_on(arguments.int() != 0),
        SQLITE_CONFIG_LOG => {
            let listener = arguments.pointer();
            // SAFETY: by the caller this is a function of that type, or NULL.
            let listener: Option<LogFunction> = unsafe { std::mem::transmute(listener) };
            log::set_listener(listener, arguments.pointer());
        }
        SQLITE_CONFIG_URI => URIS.store(arguments.int() != 0, Ordering::Relaxed),
        SQLITE_CONFIG_MEMDB_MAXSIZE => MEMORY_DATABASE_MAX.store(arguments.int64(), Ordering::Relaxed),
        SQLITE_CONFIG_ROWID_IN_VIEW => {
            let out: *mut c_int = arguments.pointer().cast();
            // Views have no rowid in the target build, whatever is asked for.
            // SAFETY: by the caller.
            unsafe { crate::boundary::store(out, 0) };
        }
        SQLITE_CONFIG_PCACHE
        | SQLITE_CONFIG_PAGECACHE
        | SQLITE_CONFIG_LOOKASIDE
        | SQLITE_CONFIG_SMALL_MALLOC
        | SQLITE_CONFIG_COVERING_INDEX_SCAN
        | SQLITE_CONFIG_MMAP_SIZE
        | SQLITE_CONFIG_PMASZ
        | SQLITE_CONFIG_STMTJRNL_SPILL => {}
        _ => return SQLITE_ERROR,
    }
    SQLITE_OK
}
