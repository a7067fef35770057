//! What an application can put in place of ours: allocator, mutexes, page cache.
//!
//! Spec: C/C++ Interface, "Memory Allocation Routines", "Mutex Methods Object", "Application Defined Page Cache".

use std::ffi::{c_int, c_uint, c_void};

use crate::mutex::sqlite3_mutex;

/// An allocator.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sqlite3_mem_methods {
    pub xMalloc: Option<unsafe extern "C" fn(c_int) -> *mut c_void>,
    pub xFree: Option<unsafe extern "C" fn(*mut c_void)>,
    pub xRealloc: Option<unsafe extern "C" fn(*mut c_void, c_int) -> *mut c_void>,
    pub xSize: Option<unsafe extern "C" fn(*mut c_void) -> c_int>,
    pub xRoundup: Option<unsafe extern "C" fn(c_int) -> c_int>,
    pub xInit: Option<unsafe extern "C" fn(*mut c_void) -> c_int>,
    pub xShutdown: Option<unsafe extern "C" fn(*mut c_void)>,
    pub pAppData: *mut c_void,
}

/// An implementation of mutexes.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sqlite3_mutex_methods {
    pub xMutexInit: Option<unsafe extern "C" fn() -> c_int>,
    pub xMutexEnd: Option<unsafe extern "C" fn() -> c_int>,
    pub xMutexAlloc: Option<unsafe extern "C" fn(c_int) -> *mut sqlite3_mutex>,
    pub xMutexFree: Option<unsafe extern "C" fn(*mut sqlite3_mutex)>,
    pub xMutexEnter: Option<unsafe extern "C" fn(*mut sqlite3_mutex)>,
    pub xMutexTry: Option<unsafe extern "C" fn(*mut sqlite3_mutex) -> c_int>,
    pub xMutexLeave: Option<unsafe extern "C" fn(*mut sqlite3_mutex)>,
    pub xMutexHeld: Option<unsafe extern "C" fn(*mut sqlite3_mutex) -> c_int>,
    pub xMutexNotheld: Option<unsafe extern "C" fn(*mut sqlite3_mutex) -> c_int>,
}

/// A page cache of the application.
pub struct sqlite3_pcache {
    _private: [u8; 0],
}

/// A page in a page cache of the application.
#[repr(C)]
pub struct sqlite3_pcache_page {
    pub pBuf: *mut c_void,
    pub pExtra: *mut c_void,
}

/// An implementation of page caches.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sqlite3_pcache_methods2 {
    pub iVersion: c_int,
    pub pArg: *mut c_void,
    pub xInit: Option<unsafe extern "C" fn(*mut c_void) -> c_int>,
    pub xShutdown: Option<unsafe extern "C" fn(*mut c_void)>,
    pub xCreate:
        Option<unsafe extern "C" fn(szPage: c_int, szExtra: c_int, bPurgeable: c_int) -> *mut sqlite3_pcache>,
    pub xCachesize: Option<unsafe extern "C" fn(*mut sqlite3_pcache, nCachesize: c_int)>,
    pub xPagecount: Option<unsafe extern "C" fn(*mut sqlite3_pcache) -> c_int>,
    pub xFetch: Option<
        unsafe extern "C" fn(*mut sqlite3_pcache, key: c_uint, createFlag: c_int) -> *mut sqlite3_pcache_page,
    >,
    pub xUnpin: Option<unsafe extern "C" fn(*mut sqlite3_pcache, *mut sqlite3_pcache_page, discard: c_int)>,
    pub xRekey: Option<
        unsafe extern "C" fn(*mut sqlite3_pcache, *mut sqlite3_pcache_page, oldKey: c_uint, newKey: c_uint),
    >,
    pub xTruncate: Option<unsafe extern "C" fn(*mut sqlite3_pcache, iLimit: c_uint)>,
    pub xDestroy: Option<unsafe extern "C" fn(*mut sqlite3_pcache)>,
    pub xShrink: Option<unsafe extern "C" fn(*mut sqlite3_pcache)>,
}

/// The older form of [`sqlite3_pcache_methods2`].
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sqlite3_pcache_methods {
    pub pArg: *mut c_void,
    pub xInit: Option<unsafe extern "C" fn(*mut c_void) -> c_int>,
    pub xShutdown: Option<unsafe extern "C" fn(*mut c_void)>,
    pub xCreate: Option<unsafe extern "C" fn(szPage: c_int, bPurgeable: c_int) -> *mut sqlite3_pcache>,
    pub xCachesize: Option<unsafe extern "C" fn(*mut sqlite3_pcache, nCachesize: c_int)>,
    pub xPagecount: Option<unsafe extern "C" fn(*mut sqlite3_pcache) -> c_int>,
    pub xFetch:
        Option<unsafe extern "C" fn(*mut sqlite3_pcache, key: c_uint, createFlag: c_int) -> *mut c_void>,
    pub xUnpin: Option<unsafe extern "C" fn(*mut sqlite3_pcache, *mut c_void, discard: c_int)>,
    pub xRekey:
        Option<unsafe extern "C" fn(*mut sqlite3_pcache, *mut c_void, oldKey: c_uint, newKey: c_uint)>,
    pub xTruncate: Option<unsafe extern "C" fn(*mut sqlite3_pcache, iLimit: c_uint)>,
    pub xDestroy: Option<unsafe extern "C" fn(*mut sqlite3_pcache)>,
}
