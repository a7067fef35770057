//! The file of a database, as an application can ask for it (`SQLITE_FCNTL_FILE_POINTER`).
//!
//! Files are the engine's. What is handed out answers questions about the device, and refuses to read and write: a second descriptor of
//! the file would take its locks away when it is closed.
//!
//! Spec: C/C++ Interface, "OS Interface File Virtual Methods Object".

use std::ffi::{c_int, c_void};

use crate::abi::vfs::{sqlite3_file, sqlite3_io_methods};
use crate::boundary::store;
use crate::constant::*;
use crate::sqlite3_int64;

/// What the interface says of sectors of an unknown device.
const SECTOR_SIZE: c_int = 4096;

struct Methods(sqlite3_io_methods);
// SAFETY: nothing in it is ever written.
unsafe impl Sync for Methods {}

static METHODS: Methods = Methods(sqlite3_io_methods {
    iVersion: 1,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(size),
    xLock: Some(lock),
    xUnlock: Some(lock),
    xCheckReservedLock: Some(is_reserved),
    xFileControl: Some(control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device),
    xShmMap: None,
    xShmLock: None,
    xShmBarrier: None,
    xShmUnmap: None,
    xFetch: None,
    xUnfetch: None,
});

/// A file that stands for any of the engine's.
pub(crate) fn engine_file() -> sqlite3_file {
    sqlite3_file { pMethods: &raw const METHODS.0 }
}

unsafe extern "C" fn close(_: *mut sqlite3_file) -> c_int {
    SQLITE_OK
}

unsafe extern "C" fn read(_: *mut sqlite3_file, _: *mut c_void, _: c_int, _: sqlite3_int64) -> c_int {
    SQLITE_IOERR_READ
}

unsafe extern "C" fn write(_: *mut sqlite3_file, _: *const c_void, _: c_int, _: sqlite3_int64) -> c_int {
    SQLITE_IOERR_WRITE
}

unsafe extern "C" fn truncate(_: *mut sqlite3_file, _: sqlite3_int64) -> c_int {
    SQLITE_IOERR_TRUNCATE
}

unsafe extern "C" fn sync(_: *mut sqlite3_file, _: c_int) -> c_int {
    SQLITE_IOERR_FSYNC
}

unsafe extern "C" fn size(_: *mut sqlite3_file, _: *mut sqlite3_int64) -> c_int {
    SQLITE_IOERR_FSTAT
}

unsafe extern "C" fn lock(_: *mut sqlite3_file, _: c_int) -> c_int {
    SQLITE_IOERR_LOCK
}

unsafe extern "C" fn is_reserved(_: *mut sqlite3_file, out: *mut c_int) -> c_int {
    // SAFETY: the interface demands a writable result.
    unsafe { store(out, 0) };
    SQLITE_IOERR_CHECKRESERVEDLOCK
}

unsafe extern "C" fn control(_: *mut sqlite3_file, _: c_int, _: *mut c_void) -> c_int {
    SQLITE_NOTFOUND
}

unsafe extern "C" fn sector_size(_: *mut sqlite3_file) -> c_int {
    SECTOR_SIZE
}

unsafe extern "C" fn device(_: *mut sqlite3_file) -> c_int {
    SQLITE_IOCAP_POWERSAFE_OVERWRITE | SQLITE_IOCAP_SUBPAGE_READ
}
