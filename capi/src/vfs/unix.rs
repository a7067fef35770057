//! Our layer, as an application sees it: files, paths, time, randomness, shared libraries.
//!
//! Spec: C/C++ Interface, "OS Interface Object".

use std::ffi::{CStr, c_char, c_double, c_int, c_void};
use std::ptr;

use super::served;
use crate::abi::vfs::{sqlite3_syscall_ptr, sqlite3_vfs};
use crate::boundary::{code, guard, store, text};
use crate::constant::*;
use crate::library;
use crate::sqlite3_int64;

/// Longest path, in bytes, without its NUL.
const PATH_LEN_MAX: c_int = 512;
/// Milliseconds from the beginning of Julian days to 1970.
pub(super) const EPOCH_MS: i64 = 210_866_760_000_000;
const DAY_MS: f64 = 86_400_000.0;

/// The layer under a name.
pub(super) fn layer(name: &'static CStr) -> sqlite3_vfs {
    sqlite3_vfs {
        iVersion: 3,
        szOsFile: size_of::<served::ServedFile>() as c_int,
        mxPathname: PATH_LEN_MAX,
        pNext: ptr::null_mut(),
        zName: name.as_ptr(),
        pAppData: super::OUR_MARK.as_ptr().cast_mut().cast(),
        xOpen: Some(served::open),
        xDelete: Some(delete),
        xAccess: Some(access),
        xFullPathname: Some(full_path),
        xDlOpen: Some(library_open),
        xDlError: Some(library_error),
        xDlSym: Some(library_symbol),
        xDlClose: Some(library_close),
        xRandomness: Some(randomness),
        xSleep: Some(sleep),
        xCurrentTime: Some(current_time),
        xGetLastError: Some(last_error),
        xCurrentTimeInt64: Some(current_time_ms),
        xSetSystemCall: Some(set_system_call),
        xGetSystemCall: Some(get_system_call),
        xNextSystemCall: Some(next_system_call),
    }
}

unsafe extern "C" fn delete(_: *mut sqlite3_vfs, name: *const c_char, sync_dir: c_int) -> c_int {
    code(|| {
        // SAFETY: the interface demands a C string.
        let Some(name) = (unsafe { text(name) }) else { return SQLITE_IOERR_DELETE };
        let process = library::process();
        match process.io().remove(name, sync_dir != 0).settle(&**process.io()) {
            Ok(true) => SQLITE_OK,
            Ok(false) => SQLITE_IOERR_DELETE_NOENT,
            Err(_) => SQLITE_IOERR_DELETE,
        }
    })
}

unsafe extern "C" fn access(
    _: *mut sqlite3_vfs,
    name: *const c_char,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    code(|| {
        if name.is_null() {
            return SQLITE_IOERR_ACCESS;
        }
        // SAFETY: the interface demands a C string and a place for the answer.
        unsafe {
            let is_there = match flags {
                SQLITE_ACCESS_EXISTS => {
                    let process = library::process();
                    let stat = process.io().stat(text(name).unwrap_or_default()).settle(&**process.io());
                    // An empty file counts as none: it is a journal that was cut.
                    stat.is_ok_and(|stat| stat.is_some_and(|stat| stat.is_directory || stat.len_bytes > 0))
                }
                _ => libc::access(name, libc::R_OK | libc::W_OK) == 0,
            };
            store(out, c_int::from(is_there));
        }
        SQLITE_OK
    })
}

unsafe extern "C" fn full_path(
    _: *mut sqlite3_vfs,
    name: *const c_char,
    room: c_int,
    out: *mut c_char,
) -> c_int {
    code(|| {
        // SAFETY: the interface demands a C string.
        let Some(name) = (unsafe { text(name) }) else { return SQLITE_CANTOPEN };
        let Ok(path) = library::process().io().canonical(name) else { return SQLITE_CANTOPEN };
        if usize::try_from(room).is_ok_and(|room| path.len() < room) {
            // SAFETY: there is so much room.
            unsafe {
                ptr::copy_nonoverlapping(path.as_ptr(), out.cast(), path.len());
                out.add(path.len()).write(0);
            }
            SQLITE_OK
        } else {
            SQLITE_CANTOPEN
        }
    })
}

unsafe extern "C" fn library_open(_: *mut sqlite3_vfs, name: *const c_char) -> *mut c_void {
    // SAFETY: the interface demands a C string.
    unsafe { libc::dlopen(name, libc::RTLD_NOW | libc::RTLD_GLOBAL) }
}

unsafe extern "C" fn library_error(_: *mut sqlite3_vfs, room: c_int, out: *mut c_char) {
    guard((), || {
        // SAFETY: it gives NULL or a C string; there is so much room.
        unsafe {
            let Some(message) = text(libc::dlerror()) else { return };
            let Ok(room @ 1..) = usize::try_from(room) else { return };
            let len = message.len().min(room - 1);
            ptr::copy_nonoverlapping(message.as_ptr(), out.cast(), len);
            out.add(len).write(0);
        }
    });
}

unsafe extern "C" fn library_symbol(
    _: *mut sqlite3_vfs,
    library: *mut c_void,
    name: *const c_char,
) -> Option<unsafe extern "C" fn()> {
    // SAFETY: the interface demands an open library and a C string; what is found is a function or NULL.
    unsafe { std::mem::transmute(libc::dlsym(library, name)) }
}

unsafe extern "C" fn library_close(_: *mut sqlite3_vfs, library: *mut c_void) {
    // SAFETY: the interface demands an open library.
    unsafe {
        libc::dlclose(library);
    }
}

unsafe extern "C" fn randomness(_: *mut sqlite3_vfs, len: c_int, out: *mut c_char) -> c_int {
    // SAFETY: there is so much room.
    unsafe { library::sqlite3_randomness(len, out.cast()) };
    len
}

unsafe extern "C" fn sleep(_: *mut sqlite3_vfs, microseconds: c_int) -> c_int {
    guard(0, || {
        library::sleep_ns(u64::from(microseconds.max(0).unsigned_abs()) * 1000);
        microseconds
    })
}

unsafe extern "C" fn current_time(_: *mut sqlite3_vfs, out: *mut c_double) -> c_int {
    code(|| {
        let now = library::process().io().now().0 + EPOCH_MS;
        // SAFETY: the interface demands a place for the answer.
        unsafe { store(out, now as f64 / DAY_MS) };
        SQLITE_OK
    })
}

unsafe extern "C" fn current_time_ms(_: *mut sqlite3_vfs, out: *mut sqlite3_int64) -> c_int {
    code(|| {
        // SAFETY: the interface demands a place for the answer.
        unsafe { store(out, library::process().io().now().0 + EPOCH_MS) };
        SQLITE_OK
    })
}

unsafe extern "C" fn last_error(_: *mut sqlite3_vfs, _: c_int, _: *mut c_char) -> c_int {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

/// System calls cannot be replaced: the engine makes its own.
unsafe extern "C" fn set_system_call(_: *mut sqlite3_vfs, _: *const c_char, _: sqlite3_syscall_ptr) -> c_int {
    SQLITE_NOTFOUND
}

unsafe extern "C" fn get_system_call(_: *mut sqlite3_vfs, _: *const c_char) -> sqlite3_syscall_ptr {
    None
}

unsafe extern "C" fn next_system_call(_: *mut sqlite3_vfs, _: *const c_char) -> *const c_char {
    ptr::null()
}
