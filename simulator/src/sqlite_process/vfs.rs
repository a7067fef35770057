//! SQLite's view of the simulated world: names, opening, time, randomness.
//!
//! What the unix VFS does beside the calls is done here too, since it is part of the protocol: a new journal's directory entry is
//! synced with the journal's first sync, and a file without bytes does not count as there.
//!
//! Always true: the VFS outlives every connection that was opened on it (the owner drops them in that order).
//! Spec: "The SQLite OS Interface or VFS".

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kernite_io::{AccessMode, FileKind, IoError, IoOp, OpenFlags, Outstanding};
use libsqlite3_sys as ffi;

use super::files;
use crate::trace::Call;
use crate::world::World;
use crate::world::state::State;

/// Who calls: kept behind `pAppData`.
pub(super) struct Caller {
    pub world: Arc<World>,
    pub process: usize,
}

impl Caller {
    /// A decision point, then `run`.
    pub(super) fn call<T>(
        &self,
        call: Call,
        about: (u64, u64, u64),
        text: impl FnOnce() -> String,
        run: impl FnOnce(&mut State, usize) -> Result<T, IoError>,
    ) -> Result<T, IoError> {
        let mut state = self.world.call_point(self.process, call, about, text)?;
        run(&mut state, self.process)
    }
}

/// A registered VFS.
pub struct Vfs {
    vfs: Box<ffi::sqlite3_vfs>,
    name: CString,
    _caller: Box<Caller>,
}

// SAFETY: the pointers inside lead to boxes that it owns; the caller behind them is `Sync`.
unsafe impl Send for Vfs {}

impl Vfs {
    /// Registers a VFS for a process of `world`.
    pub fn register(world: &Arc<World>, process: usize) -> Vfs {
        // Names must differ in the operating system's process; they are seen nowhere else.
        static MADE: AtomicU64 = AtomicU64::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let name = CString::new(format!("simulated-{number}")).unwrap_or_default();
        let caller = Box::new(Caller { world: Arc::clone(world), process });
        let app_data: *const Caller = &*caller;
        let vfs = Box::new(ffi::sqlite3_vfs {
            iVersion: 2,
            szOsFile: files::SIZE_BYTES,
            mxPathname: 512,
            pNext: ptr::null_mut(),
            zName: name.as_ptr(),
            pAppData: app_data as *mut c_void,
            xOpen: Some(open),
            xDelete: Some(delete),
            xAccess: Some(access),
            xFullPathname: Some(full_pathname),
            xDlOpen: None,
            xDlError: None,
            xDlSym: None,
            xDlClose: None,
            xRandomness: Some(randomness),
            xSleep: Some(sleep),
            xCurrentTime: Some(current_time),
            xGetLastError: Some(last_error),
            xCurrentTimeInt64: Some(current_time_ms),
            xSetSystemCall: None,
            xGetSystemCall: None,
            xNextSystemCall: None,
        });
        let vfs = Vfs { vfs, name, _caller: caller };
        // SAFETY: the structure stays where it is until it is unregistered.
        unsafe { ffi::sqlite3_vfs_register((&*vfs.vfs as *const ffi::sqlite3_vfs).cast_mut(), 0) };
        vfs
    }

    /// The name to open connections with.
    pub(super) fn name(&self) -> &CStr {
        &self.name
    }
}

impl Drop for Vfs {
    fn drop(&mut self) {
        // SAFETY: registered by `register`; its connections are closed.
        unsafe { ffi::sqlite3_vfs_unregister(&mut *self.vfs) };
    }
}

/// # Safety
/// `vfs` is one of ours, registered.
unsafe fn caller<'a>(vfs: *mut ffi::sqlite3_vfs) -> &'a Caller {
    // SAFETY: `register` stored a pointer to a box that lives as long as the VFS.
    unsafe { &*(*vfs).pAppData.cast::<Caller>() }
}

/// # Safety
/// `text` is NUL-terminated.
unsafe fn bytes<'a>(text: *const c_char) -> &'a [u8] {
    // SAFETY: by the caller's word.
    unsafe { CStr::from_ptr(text) }.to_bytes()
}

fn shown(path: &[u8]) -> String {
    String::from_utf8_lossy(path).into_owned()
}

/// SQLite's code for an error of the world.
pub(super) fn code_of(error: &IoError) -> c_int {
    match error {
        IoError::Busy => ffi::SQLITE_BUSY,
        IoError::Full => ffi::SQLITE_FULL,
        IoError::NoMemory => ffi::SQLITE_IOERR_NOMEM,
        IoError::CannotOpen { .. } => ffi::SQLITE_CANTOPEN,
        IoError::Failed { op, .. } => match op {
            IoOp::Read => ffi::SQLITE_IOERR_READ,
            IoOp::Write => ffi::SQLITE_IOERR_WRITE,
            IoOp::Sync => ffi::SQLITE_IOERR_FSYNC,
            IoOp::SyncDir => ffi::SQLITE_IOERR_DIR_FSYNC,
            IoOp::Truncate => ffi::SQLITE_IOERR_TRUNCATE,
            IoOp::Length | IoOp::Stat => ffi::SQLITE_IOERR_FSTAT,
            IoOp::Remove => ffi::SQLITE_IOERR_DELETE,
            IoOp::Lock => ffi::SQLITE_IOERR_LOCK,
            IoOp::Unlock => ffi::SQLITE_IOERR_UNLOCK,
            IoOp::CheckReservedLock => ffi::SQLITE_IOERR_CHECKRESERVEDLOCK,
            IoOp::ShmLock => ffi::SQLITE_IOERR_SHMLOCK,
            IoOp::ShmMap | IoOp::ShmOpen | IoOp::ShmSize => ffi::SQLITE_IOERR_SHMMAP,
            _ => ffi::SQLITE_IOERR,
        },
        _ => ffi::SQLITE_IOERR,
    }
}

fn kind_of(flags: c_int) -> FileKind {
    match flags & 0x000f_ff00 {
        ffi::SQLITE_OPEN_MAIN_DB => FileKind::MainDb,
        ffi::SQLITE_OPEN_MAIN_JOURNAL => FileKind::MainJournal,
        ffi::SQLITE_OPEN_WAL => FileKind::Wal,
        ffi::SQLITE_OPEN_SUPER_JOURNAL => FileKind::SuperJournal,
        ffi::SQLITE_OPEN_TEMP_DB => FileKind::TempDb,
        ffi::SQLITE_OPEN_TEMP_JOURNAL => FileKind::TempJournal,
        _ => FileKind::Transient,
    }
}

unsafe extern "C" fn open(
    vfs: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    // SAFETY: SQLite gives room of `szOsFile` bytes and a NUL-terminated name or none.
    let (caller, path) =
        unsafe { (caller(vfs), (!name.is_null()).then(|| bytes(name.cast::<c_char>()).to_vec())) };
    // SAFETY: as above: without methods the file counts as not open.
    unsafe { (*file).pMethods = ptr::null() };
    let is = |flag: c_int| flags & flag != 0;
    let access = if is(ffi::SQLITE_OPEN_READWRITE) { AccessMode::ReadWrite } else { AccessMode::ReadOnly };
    let mut wanted = OpenFlags::new(kind_of(flags), access);
    wanted.create = is(ffi::SQLITE_OPEN_CREATE);
    wanted.exclusive = is(ffi::SQLITE_OPEN_EXCLUSIVE);
    wanted.delete_on_close = is(ffi::SQLITE_OPEN_DELETEONCLOSE) || path.is_none();
    let text = path.as_deref().map_or("a temporary file".into(), shown);
    let opened = caller.call(
        Call::Open,
        (0, 0, 0),
        || text,
        |state, process| {
            let (handle, _) = state.open(process, path.as_deref(), &wanted)?;
            Ok((handle, state.handle(handle, IoOp::Open)?.file))
        },
    );
    match opened {
        Ok((handle, number)) => {
            let has_new_name = wanted.create
                && matches!(wanted.kind, FileKind::MainJournal | FileKind::Wal | FileKind::SuperJournal);
            let sync_directory_of = path.filter(|_| has_new_name);
            // SAFETY: the room was given for this; `caller` outlives the file.
            unsafe { files::init(file, caller, handle, number, sync_directory_of) };
            if !out_flags.is_null() {
                // SAFETY: valid for writing where it is given.
                unsafe { *out_flags = flags };
            }
            ffi::SQLITE_OK
        }
        Err(IoError::NoMemory) => ffi::SQLITE_NOMEM,
        Err(_) => ffi::SQLITE_CANTOPEN,
    }
}

unsafe extern "C" fn delete(vfs: *mut ffi::sqlite3_vfs, name: *const c_char, sync_dir: c_int) -> c_int {
    // SAFETY: SQLite gives a NUL-terminated name.
    let (caller, path) = unsafe { (caller(vfs), bytes(name)) };
    let removed = caller.call(
        Call::Remove,
        (0, 0, 0),
        || shown(path),
        |state, process| state.remove(process, path, sync_dir & 1 != 0),
    );
    match removed {
        Ok(true) => ffi::SQLITE_OK,
        Ok(false) => ffi::SQLITE_IOERR_DELETE_NOENT,
        Err(error) => code_of(&error),
    }
}

unsafe extern "C" fn access(
    vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: SQLite gives a NUL-terminated name.
    let (caller, path) = unsafe { (caller(vfs), bytes(name)) };
    let found =
        caller.call(Call::Stat, (0, 0, 0), || shown(path), |state, process| state.stat(process, path));
    match found {
        Ok(found) => {
            let exists = found.is_some_and(|stat| flags != ffi::SQLITE_ACCESS_EXISTS || stat.len_bytes > 0);
            // SAFETY: valid for writing.
            unsafe { *out = c_int::from(exists) };
            ffi::SQLITE_OK
        }
        Err(_) => ffi::SQLITE_IOERR_ACCESS,
    }
}

unsafe extern "C" fn full_pathname(
    _vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    room: c_int,
    out: *mut c_char,
) -> c_int {
    // SAFETY: SQLite gives a NUL-terminated name.
    let path = unsafe { bytes(name) };
    if path.len() + 1 > room as usize {
        return ffi::SQLITE_CANTOPEN;
    }
    // SAFETY: `out` has `room` bytes, and the NUL is copied with the name.
    unsafe { ptr::copy_nonoverlapping(name, out, path.len() + 1) };
    ffi::SQLITE_OK
}

unsafe extern "C" fn randomness(vfs: *mut ffi::sqlite3_vfs, count: c_int, out: *mut c_char) -> c_int {
    // SAFETY: one of ours.
    let caller = unsafe { caller(vfs) };
    for at in 0..count {
        // SAFETY: `out` has `count` bytes.
        unsafe { *out.offset(at as isize) = (caller.process as i32 * 31 + at) as c_char };
    }
    count
}

unsafe extern "C" fn sleep(vfs: *mut ffi::sqlite3_vfs, microseconds: c_int) -> c_int {
    // SAFETY: one of ours.
    let caller = unsafe { caller(vfs) };
    let until = caller.world.clock_ns() + microseconds.max(0) as u64 * 1_000;
    let _ = caller.world.wait(caller.process, &Outstanding::new(), Some(until), Call::Sleep);
    microseconds
}

/// Milliseconds from the Julian epoch to the start of the simulated clock, 2024-01-01T00:00:00Z.
const EPOCH_MS: i64 = 210_866_760_000_000 + 1_704_067_200_000;

unsafe extern "C" fn current_time_ms(vfs: *mut ffi::sqlite3_vfs, out: *mut ffi::sqlite3_int64) -> c_int {
    // SAFETY: one of ours, and `out` is valid for writing.
    unsafe { *out = EPOCH_MS + (caller(vfs).world.clock_ns() / 1_000_000) as i64 };
    ffi::SQLITE_OK
}

unsafe extern "C" fn current_time(vfs: *mut ffi::sqlite3_vfs, out: *mut f64) -> c_int {
    let mut ms = 0;
    // SAFETY: as for the integer clock.
    unsafe {
        current_time_ms(vfs, &mut ms);
        *out = ms as f64 / 86_400_000.0;
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn last_error(_vfs: *mut ffi::sqlite3_vfs, _room: c_int, _out: *mut c_char) -> c_int {
    0
}
