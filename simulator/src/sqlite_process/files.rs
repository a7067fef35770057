//! SQLite's open files in the simulated world: bytes, locks, shared memory.
//!
//! ```text
//! sqlite3_file (given by SQLite, szOsFile bytes) = { pMethods, &Caller, Box<Rest> }
//! ```
//!
//! Always true: `rest` is a box from `init` to `close`; regions handed out are kept alive by it until the wal-index is unmapped.
//! Spec: "OS Interface File Virtual Methods Object".

use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::Arc;

use kernite_io::region::HeapRegion;
use kernite_io::{IoError, LockLevel, ShmLockMode, ShmRegion, ShmSlots};
use libsqlite3_sys as ffi;

use super::vfs::{Caller, code_of};
use crate::trace::Call;
use crate::world::state::State;

#[repr(C)]
struct OpenFile {
    base: ffi::sqlite3_file,
    rest: *mut Rest,
}

/// What SQLite does not see of an open file.
struct Rest {
    caller: *const Caller,
    handle: u64,
    number: u64,
    /// The path whose directory is synced with the first sync of this file.
    sync_directory_of: Option<Vec<u8>>,
    regions: Vec<Arc<HeapRegion>>,
}

/// Room that SQLite has to give for an open file.
pub(super) const SIZE_BYTES: c_int = size_of::<OpenFile>() as c_int;

const LEVELS: [LockLevel; 5] =
    [LockLevel::None, LockLevel::Shared, LockLevel::Reserved, LockLevel::Pending, LockLevel::Exclusive];

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(lock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

/// Makes `file` an open one.
///
/// # Safety
/// `file` has room for [`SIZE_BYTES`]; `caller` outlives it.
pub(super) unsafe fn init(
    file: *mut ffi::sqlite3_file,
    caller: &Caller,
    handle: u64,
    number: u64,
    sync_directory_of: Option<Vec<u8>>,
) {
    let rest = Box::new(Rest { caller, handle, number, sync_directory_of, regions: Vec::new() });
    // SAFETY: by the caller's word.
    unsafe {
        file.cast::<OpenFile>()
            .write(OpenFile { base: ffi::sqlite3_file { pMethods: &METHODS }, rest: Box::into_raw(rest) });
    }
}

impl Rest {
    /// # Safety
    /// `file` was made by `init` and is not closed, and no other reference to its rest exists.
    unsafe fn of<'a>(file: *mut ffi::sqlite3_file) -> &'a mut Rest {
        // SAFETY: by the caller's word; SQLite uses a file from one thread at a time.
        unsafe { &mut *(*file.cast::<OpenFile>()).rest }
    }

    fn call<T>(
        &self,
        call: Call,
        (place, len): (u64, u64),
        run: impl FnOnce(&mut State, usize) -> Result<T, IoError>,
    ) -> Result<T, IoError> {
        // SAFETY: the caller lives as long as its VFS, which outlives its files.
        let caller = unsafe { &*self.caller };
        caller.call(call, (self.number, place, len), String::new, run)
    }
}

fn code(result: Result<(), IoError>) -> c_int {
    result.map_or_else(|error| code_of(&error), |()| ffi::SQLITE_OK)
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: made by `init`; SQLite does not use it after this.
    let rest = unsafe { Box::from_raw((*file.cast::<OpenFile>()).rest) };
    let _ = rest.call(Call::Close, (0, 0), |state, _| {
        state.close(rest.handle);
        Ok(())
    });
    ffi::SQLITE_OK
}

unsafe extern "C" fn read(file: *mut ffi::sqlite3_file, out: *mut c_void, len: c_int, at: i64) -> c_int {
    // SAFETY: `out` has `len` bytes.
    let (rest, out) =
        unsafe { (Rest::of(file), std::slice::from_raw_parts_mut(out.cast::<u8>(), len as usize)) };
    let (at, len) = (at as u64, len as u64);
    match rest.call(Call::Read, (at, len), |state, _| state.read(rest.handle, at, out)) {
        Ok(count) if count as u64 == len => ffi::SQLITE_OK,
        Ok(_) => ffi::SQLITE_IOERR_SHORT_READ,
        Err(error) => code_of(&error),
    }
}

unsafe extern "C" fn write(file: *mut ffi::sqlite3_file, bytes: *const c_void, len: c_int, at: i64) -> c_int {
    // SAFETY: `bytes` has `len` bytes.
    let (rest, bytes) =
        unsafe { (Rest::of(file), std::slice::from_raw_parts(bytes.cast::<u8>(), len as usize)) };
    let (at, len) = (at as u64, len as u64);
    code(rest.call(Call::Write, (at, len), |state, _| state.write(rest.handle, at, bytes).map(drop)))
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, len: i64) -> c_int {
    // SAFETY: an open file of ours.
    let rest = unsafe { Rest::of(file) };
    code(
        rest.call(Call::Truncate, (len as u64, 0), |state, _| {
            state.truncate(rest.handle, len as u64).map(drop)
        }),
    )
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, _flags: c_int) -> c_int {
    // SAFETY: an open file of ours.
    let rest = unsafe { Rest::of(file) };
    let synced = rest.call(Call::Sync, (0, 0), |state, _| {
        let (horizon, excluded) = (state.disk.changes(), state.changes_in_flight());
        state.sync(rest.handle, horizon, &excluded)
    });
    if synced.is_ok()
        && let Some(path) = rest.sync_directory_of.take()
    {
        // The unix VFS does not ask whether the directory could be synced. So that always succeeds here: what SQLite cannot see it
        // cannot be blamed for.
        let _ = rest.call(Call::SyncDir, (0, 0), |state, _| {
            state.disk.sync_directory(&path);
            Ok(())
        });
    }
    code(synced)
}

unsafe extern "C" fn file_size(file: *mut ffi::sqlite3_file, out: *mut i64) -> c_int {
    // SAFETY: an open file of ours; `out` is valid for writing.
    let rest = unsafe { Rest::of(file) };
    let len = rest.call(Call::Length, (0, 0), |state, _| state.len(rest.handle));
    code(len.map(|len| unsafe { *out = len as i64 }))
}

unsafe extern "C" fn lock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    // SAFETY: an open file of ours.
    let rest = unsafe { Rest::of(file) };
    let want = LEVELS[(level.max(0) as usize).min(4)];
    code(rest.call(Call::Lock, (want as u64, 0), |state, process| state.lock(process, rest.handle, want)))
}

unsafe extern "C" fn check_reserved_lock(file: *mut ffi::sqlite3_file, out: *mut c_int) -> c_int {
    // SAFETY: an open file of ours; `out` is valid for writing.
    let rest = unsafe { Rest::of(file) };
    let reserved = rest.call(Call::Reserved, (0, 0), |state, process| state.reserved(process, rest.handle));
    code(reserved.map(|reserved| unsafe { *out = c_int::from(reserved) }))
}

unsafe extern "C" fn file_control(_: *mut ffi::sqlite3_file, _op: c_int, _arg: *mut c_void) -> c_int {
    ffi::SQLITE_NOTFOUND
}

unsafe extern "C" fn sector_size(_: *mut ffi::sqlite3_file) -> c_int {
    4096
}

unsafe extern "C" fn device_characteristics(_: *mut ffi::sqlite3_file) -> c_int {
    ffi::SQLITE_IOCAP_POWERSAFE_OVERWRITE
}

unsafe extern "C" fn shm_map(
    file: *mut ffi::sqlite3_file,
    index: c_int,
    _size: c_int,
    extend: c_int,
    out: *mut *mut c_void,
) -> c_int {
    // SAFETY: an open file of ours.
    let rest = unsafe { Rest::of(file) };
    let region = rest.call(Call::ShmMap, (index as u64, 0), |state, _| {
        state.shm_attach(rest.handle)?;
        state.shm_region(rest.handle, index as usize, extend != 0)
    });
    let pointer = match &region {
        Ok(Some(region)) => region.words().as_ptr().cast_mut().cast::<c_void>(),
        _ => ptr::null_mut(),
    };
    // SAFETY: valid for writing. The memory behind the pointer is made of atomics, and kept by `regions`.
    unsafe { *out = pointer };
    match region {
        Ok(region) => {
            rest.regions.extend(region);
            ffi::SQLITE_OK
        }
        Err(error) => code_of(&error),
    }
}

unsafe extern "C" fn shm_lock(
    file: *mut ffi::sqlite3_file,
    first: c_int,
    count: c_int,
    flags: c_int,
) -> c_int {
    // SAFETY: an open file of ours.
    let rest = unsafe { Rest::of(file) };
    let slots = ShmSlots { first: first as u8, count: count as u8 };
    let about = (first as u64, count as u64);
    if flags & ffi::SQLITE_SHM_UNLOCK != 0 {
        return code(rest.call(Call::ShmUnlock, about, |state, _| state.shm_unlock(rest.handle, slots)));
    }
    let is_shared = flags & ffi::SQLITE_SHM_SHARED != 0;
    let mode = if is_shared { ShmLockMode::Shared } else { ShmLockMode::Exclusive };
    code(rest.call(Call::ShmLock, about, |state, _| state.shm_lock(rest.handle, slots, mode)))
}

unsafe extern "C" fn shm_barrier(file: *mut ffi::sqlite3_file) {
    // SAFETY: an open file of ours.
    let rest = unsafe { Rest::of(file) };
    let _ = rest.call(Call::ShmBarrier, (0, 0), |_, _| Ok(()));
}

unsafe extern "C" fn shm_unmap(file: *mut ffi::sqlite3_file, _delete: c_int) -> c_int {
    // SAFETY: an open file of ours.
    let rest = unsafe { Rest::of(file) };
    let _ = rest.call(Call::ShmClose, (0, 0), |state, _| {
        state.shm_close(rest.handle);
        Ok(())
    });
    rest.regions.clear();
    ffi::SQLITE_OK
}
