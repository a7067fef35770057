//! Operating system layers: `sqlite3_vfs`, `sqlite3_file`, `sqlite3_io_methods`.
//!
//! Spec: C/C++ Interface, "OS Interface Object", "OS Interface File Virtual Methods Object".

use std::ffi::{c_char, c_double, c_int, c_void};

use crate::sqlite3_int64;

/// A file name as `xOpen` gets it: database, journal and WAL names and URI parameters stand around it in memory.
pub type sqlite3_filename = *const c_char;
/// A system call that a VFS lets be replaced.
pub type sqlite3_syscall_ptr = Option<unsafe extern "C" fn()>;

/// An open file: a VFS puts its own data behind this.
#[repr(C)]
pub struct sqlite3_file {
    pub pMethods: *const sqlite3_io_methods,
}

/// The methods of an open file.
#[repr(C)]
pub struct sqlite3_io_methods {
    pub iVersion: c_int,
    pub xClose: Option<unsafe extern "C" fn(*mut sqlite3_file) -> c_int>,
    pub xRead: Option<
        unsafe extern "C" fn(*mut sqlite3_file, *mut c_void, iAmt: c_int, iOfst: sqlite3_int64) -> c_int,
    >,
    pub xWrite: Option<
        unsafe extern "C" fn(*mut sqlite3_file, *const c_void, iAmt: c_int, iOfst: sqlite3_int64) -> c_int,
    >,
    pub xTruncate: Option<unsafe extern "C" fn(*mut sqlite3_file, size: sqlite3_int64) -> c_int>,
    pub xSync: Option<unsafe extern "C" fn(*mut sqlite3_file, flags: c_int) -> c_int>,
    pub xFileSize: Option<unsafe extern "C" fn(*mut sqlite3_file, pSize: *mut sqlite3_int64) -> c_int>,
    pub xLock: Option<unsafe extern "C" fn(*mut sqlite3_file, c_int) -> c_int>,
    pub xUnlock: Option<unsafe extern "C" fn(*mut sqlite3_file, c_int) -> c_int>,
    pub xCheckReservedLock: Option<unsafe extern "C" fn(*mut sqlite3_file, pResOut: *mut c_int) -> c_int>,
    pub xFileControl: Option<unsafe extern "C" fn(*mut sqlite3_file, op: c_int, pArg: *mut c_void) -> c_int>,
    pub xSectorSize: Option<unsafe extern "C" fn(*mut sqlite3_file) -> c_int>,
    pub xDeviceCharacteristics: Option<unsafe extern "C" fn(*mut sqlite3_file) -> c_int>,
    pub xShmMap: Option<
        unsafe extern "C" fn(*mut sqlite3_file, iPg: c_int, pgsz: c_int, c_int, *mut *mut c_void) -> c_int,
    >,
    pub xShmLock:
        Option<unsafe extern "C" fn(*mut sqlite3_file, offset: c_int, n: c_int, flags: c_int) -> c_int>,
    pub xShmBarrier: Option<unsafe extern "C" fn(*mut sqlite3_file)>,
    pub xShmUnmap: Option<unsafe extern "C" fn(*mut sqlite3_file, deleteFlag: c_int) -> c_int>,
    pub xFetch: Option<
        unsafe extern "C" fn(
            *mut sqlite3_file,
            iOfst: sqlite3_int64,
            iAmt: c_int,
            pp: *mut *mut c_void,
        ) -> c_int,
    >,
    pub xUnfetch:
        Option<unsafe extern "C" fn(*mut sqlite3_file, iOfst: sqlite3_int64, p: *mut c_void) -> c_int>,
}

/// An operating system layer.
#[repr(C)]
pub struct sqlite3_vfs {
    pub iVersion: c_int,
    pub szOsFile: c_int,
    pub mxPathname: c_int,
    pub pNext: *mut sqlite3_vfs,
    pub zName: *const c_char,
    pub pAppData: *mut c_void,
    pub xOpen: Option<
        unsafe extern "C" fn(
            *mut sqlite3_vfs,
            zName: sqlite3_filename,
            *mut sqlite3_file,
            flags: c_int,
            pOutFlags: *mut c_int,
        ) -> c_int,
    >,
    pub xDelete:
        Option<unsafe extern "C" fn(*mut sqlite3_vfs, zName: *const c_char, syncDir: c_int) -> c_int>,
    pub xAccess: Option<
        unsafe extern "C" fn(
            *mut sqlite3_vfs,
            zName: *const c_char,
            flags: c_int,
            pResOut: *mut c_int,
        ) -> c_int,
    >,
    pub xFullPathname: Option<
        unsafe extern "C" fn(*mut sqlite3_vfs, zName: *const c_char, nOut: c_int, zOut: *mut c_char) -> c_int,
    >,
    pub xDlOpen: Option<unsafe extern "C" fn(*mut sqlite3_vfs, zFilename: *const c_char) -> *mut c_void>,
    pub xDlError: Option<unsafe extern "C" fn(*mut sqlite3_vfs, nByte: c_int, zErrMsg: *mut c_char)>,
    pub xDlSym: Option<
        unsafe extern "C" fn(
            *mut sqlite3_vfs,
            *mut c_void,
            zSymbol: *const c_char,
        ) -> Option<unsafe extern "C" fn()>,
    >,
    pub xDlClose: Option<unsafe extern "C" fn(*mut sqlite3_vfs, *mut c_void)>,
    pub xRandomness: Option<unsafe extern "C" fn(*mut sqlite3_vfs, nByte: c_int, zOut: *mut c_char) -> c_int>,
    pub xSleep: Option<unsafe extern "C" fn(*mut sqlite3_vfs, microseconds: c_int) -> c_int>,
    pub xCurrentTime: Option<unsafe extern "C" fn(*mut sqlite3_vfs, *mut c_double) -> c_int>,
    pub xGetLastError: Option<unsafe extern "C" fn(*mut sqlite3_vfs, c_int, *mut c_char) -> c_int>,
    pub xCurrentTimeInt64: Option<unsafe extern "C" fn(*mut sqlite3_vfs, *mut sqlite3_int64) -> c_int>,
    pub xSetSystemCall:
        Option<unsafe extern "C" fn(*mut sqlite3_vfs, zName: *const c_char, sqlite3_syscall_ptr) -> c_int>,
    pub xGetSystemCall:
        Option<unsafe extern "C" fn(*mut sqlite3_vfs, zName: *const c_char) -> sqlite3_syscall_ptr>,
    pub xNextSystemCall:
        Option<unsafe extern "C" fn(*mut sqlite3_vfs, zName: *const c_char) -> *const c_char>,
}
