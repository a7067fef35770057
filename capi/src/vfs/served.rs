//! The engine's files as an application sees them: what `xOpen` of our layer gives.
//!
//! ```text
//! application's layer ── xOpen, xRead… ──> sqlite3_file ── open ──> Arc<dyn File> of the process
//! ```
//!
//! Layers of applications mostly stand on ours: they look into what passes through.
//!
//! Spec: C/C++ Interface, "OS Interface File Virtual Methods Object".

use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::{Arc, Mutex, PoisonError};

use kernite::engine::io::{
    AccessMode, Buffer, File, FileKind, IoError, IoOp, IoSlice, LockLevel, OpenFlags, Pending, SharedMemory,
    ShmLockMode, ShmRegion, ShmSlots,
};

use crate::abi::vfs::{sqlite3_file, sqlite3_filename, sqlite3_io_methods, sqlite3_vfs};
use crate::boundary::{code, store, text};
use crate::constant::*;
use crate::sqlite3_int64;
use crate::{library, memory};

/// The object behind `sqlite3_file`, of `szOsFile` bytes.
#[repr(C)]
pub(super) struct ServedFile {
    base: sqlite3_file,
    open: *mut Open,
}

struct Open {
    file: Arc<dyn File>,
    shm: Mutex<Shm>,
}

#[derive(Default)]
struct Shm {
    memory: Option<Arc<dyn SharedMemory>>,
    /// Regions that were handed out stay until they are unmapped.
    regions: Vec<Arc<dyn ShmRegion>>,
}

/// Bits of `xOpen`'s flags that say what a file is for.
const KINDS: c_int = 0x8_7f00;

struct Methods(sqlite3_io_methods);
// SAFETY: nothing in it is ever written.
unsafe impl Sync for Methods {}

static METHODS: Methods = Methods(sqlite3_io_methods {
    iVersion: 3,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(is_reserved),
    xFileControl: Some(control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: Some(fetch),
    xUnfetch: Some(unfetch),
});

/// The code of an error.
fn code_of(error: &IoError) -> c_int {
    match error {
        IoError::Busy => SQLITE_BUSY,
        IoError::Full => SQLITE_FULL,
        IoError::CannotOpen { .. } => SQLITE_CANTOPEN,
        IoError::Permission => SQLITE_PERM,
        IoError::NoMemory => SQLITE_NOMEM,
        IoError::NoSharedMemory => SQLITE_IOERR_SHMOPEN,
        IoError::ShmNotInitialised => SQLITE_READONLY_CANTINIT,
        IoError::Failed { op, .. } => match op {
            IoOp::Read => SQLITE_IOERR_READ,
            IoOp::ShortRead => SQLITE_IOERR_SHORT_READ,
            IoOp::Write => SQLITE_IOERR_WRITE,
            IoOp::Sync => SQLITE_IOERR_FSYNC,
            IoOp::Truncate => SQLITE_IOERR_TRUNCATE,
            IoOp::Length | IoOp::Stat => SQLITE_IOERR_FSTAT,
            IoOp::Lock => SQLITE_IOERR_LOCK,
            IoOp::Unlock => SQLITE_IOERR_UNLOCK,
            _ => SQLITE_IOERR,
        },
        _ => SQLITE_IOERR,
    }
}

fn outcome(result: Result<(), IoError>) -> c_int {
    result.map_or_else(|error| code_of(&error), |()| SQLITE_OK)
}

fn settle<T>(pending: Pending<T>) -> Result<T, IoError> {
    pending.settle(&**library::process().io())
}

/// Opens a file of the process (`xOpen` of our layer).
pub(super) unsafe extern "C" fn open(
    _: *mut sqlite3_vfs,
    name: sqlite3_filename,
    file: *mut sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    code(|| {
        // SAFETY: the interface demands a file with `szOsFile` bytes, and a name that is NULL or a C string.
        let path = unsafe {
            (*file).pMethods = ptr::null();
            text(name)
        };
        let has = |flag| flags & flag != 0;
        let kind = match flags & KINDS {
            SQLITE_OPEN_MAIN_DB => FileKind::MainDb,
            SQLITE_OPEN_MAIN_JOURNAL => FileKind::MainJournal,
            SQLITE_OPEN_WAL => FileKind::Wal,
            SQLITE_OPEN_SUPER_JOURNAL => FileKind::SuperJournal,
            SQLITE_OPEN_TEMP_DB => FileKind::TempDb,
            SQLITE_OPEN_TEMP_JOURNAL => FileKind::TempJournal,
            _ => FileKind::Transient,
        };
        let access =
            if has(SQLITE_OPEN_READWRITE) { AccessMode::ReadWriteOrReadOnly } else { AccessMode::ReadOnly };
        let asked = OpenFlags {
            create: has(SQLITE_OPEN_CREATE),
            exclusive: has(SQLITE_OPEN_EXCLUSIVE),
            delete_on_close: has(SQLITE_OPEN_DELETEONCLOSE),
            no_follow: has(SQLITE_OPEN_NOFOLLOW),
            ..OpenFlags::new(kind, access)
        };
        let opened = match settle(library::process().io().open(path, asked)) {
            Ok(opened) => opened,
            Err(error) => return code_of(&error),
        };
        let open = Box::new(Open { file: opened.file, shm: Mutex::default() });
        // SAFETY: as above; the file has room for this object.
        unsafe {
            file.cast::<ServedFile>().write(ServedFile {
                base: sqlite3_file { pMethods: &raw const METHODS.0 },
                open: Box::into_raw(open),
            });
            let access = if opened.read_only { SQLITE_OPEN_READONLY } else { SQLITE_OPEN_READWRITE };
            store(out_flags, flags & !(SQLITE_OPEN_READONLY | SQLITE_OPEN_READWRITE) | access);
        }
        SQLITE_OK
    })
}

/// # Safety
/// `file` was opened by [`open`] and not closed.
unsafe fn open_file<'a>(file: *mut sqlite3_file) -> &'a Open {
    // SAFETY: by the caller.
    unsafe { &*(*file.cast::<ServedFile>()).open }
}

// SAFETY, for all methods below: the interface demands a file that `open` opened and that is not closed, and pointers to as many bytes as
// it says.

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    code(|| {
        // SAFETY: as above; the file is not used any more.
        unsafe {
            (*file).pMethods = ptr::null();
            drop(Box::from_raw((*file.cast::<ServedFile>()).open));
        }
        SQLITE_OK
    })
}

unsafe extern "C" fn read(file: *mut sqlite3_file, out: *mut c_void, len: c_int, at: sqlite3_int64) -> c_int {
    code(|| {
        let len = len.max(0) as usize;
        // SAFETY: as above.
        let result = settle(unsafe { open_file(file) }.file.read(at as u64, Buffer::zeroed(len)));
        match result {
            Ok((buffer, count)) => {
                // SAFETY: as above.
                unsafe { ptr::copy_nonoverlapping(buffer.as_ptr(), out.cast(), len) };
                if count < len { SQLITE_IOERR_SHORT_READ } else { SQLITE_OK }
            }
            Err(error) => code_of(&error),
        }
    })
}

unsafe extern "C" fn write(
    file: *mut sqlite3_file,
    bytes: *const c_void,
    len: c_int,
    at: sqlite3_int64,
) -> c_int {
    code(|| {
        // SAFETY: as above.
        let (open, bytes) =
            unsafe { (open_file(file), std::slice::from_raw_parts(bytes.cast::<u8>(), len.max(0) as usize)) };
        outcome(settle(open.file.write(at as u64, vec![IoSlice::whole(Buffer::copy_of(bytes))])))
    })
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, len: sqlite3_int64) -> c_int {
    // SAFETY: as above.
    code(|| outcome(settle(unsafe { open_file(file) }.file.truncate(len.max(0) as u64))))
}

unsafe extern "C" fn sync(file: *mut sqlite3_file, flags: c_int) -> c_int {
    // SAFETY: as above.
    code(|| outcome(settle(unsafe { open_file(file) }.file.sync(flags & SQLITE_SYNC_DATAONLY != 0))))
}

unsafe extern "C" fn size(file: *mut sqlite3_file, out: *mut sqlite3_int64) -> c_int {
    code(|| {
        // SAFETY: as above.
        match settle(unsafe { open_file(file) }.file.len()) {
            Ok(len) => {
                // SAFETY: as above.
                unsafe { store(out, len as sqlite3_int64) };
                SQLITE_OK
            }
            Err(error) => code_of(&error),
        }
    })
}

fn level(number: c_int) -> LockLevel {
    match number {
        i32::MIN..=0 => LockLevel::None,
        1 => LockLevel::Shared,
        2 => LockLevel::Reserved,
        3 => LockLevel::Pending,
        _ => LockLevel::Exclusive,
    }
}

unsafe extern "C" fn lock(file: *mut sqlite3_file, number: c_int) -> c_int {
    code(|| {
        // SAFETY: as above.
        let open = unsafe { open_file(file) };
        let want = level(number);
        if open.file.lock_level() >= want { SQLITE_OK } else { outcome(open.file.lock(want)) }
    })
}

unsafe extern "C" fn unlock(file: *mut sqlite3_file, number: c_int) -> c_int {
    code(|| {
        // SAFETY: as above.
        let open = unsafe { open_file(file) };
        let want = level(number);
        if open.file.lock_level() <= want { SQLITE_OK } else { outcome(open.file.lock(want)) }
    })
}

unsafe extern "C" fn is_reserved(file: *mut sqlite3_file, out: *mut c_int) -> c_int {
    code(|| {
        // SAFETY: as above.
        match unsafe { open_file(file) }.file.reserved() {
            Ok(found) => {
                // SAFETY: as above.
                unsafe { store(out, c_int::from(found)) };
                SQLITE_OK
            }
            Err(error) => code_of(&error),
        }
    })
}

unsafe extern "C" fn control(file: *mut sqlite3_file, operation: c_int, argument: *mut c_void) -> c_int {
    code(|| {
        // SAFETY: as above; the argument is what the operation says.
        unsafe {
            let open = open_file(file);
            match operation {
                SQLITE_FCNTL_LOCKSTATE => store(argument.cast(), open.file.lock_level() as c_int),
                SQLITE_FCNTL_VFSNAME => match memory::c_string(super::NAME.to_bytes()) {
                    Ok(copy) => store(argument.cast(), copy),
                    Err(rc) => return rc,
                },
                SQLITE_FCNTL_HAS_MOVED => {
                    let linked = open.file.still_linked().unwrap_or(true);
                    store(argument.cast(), c_int::from(!linked));
                }
                SQLITE_FCNTL_LAST_ERRNO => {
                    store(argument.cast(), std::io::Error::last_os_error().raw_os_error().unwrap_or(0));
                }
                // Hints about how files grow: taken, without effect.
                SQLITE_FCNTL_SIZE_HINT | SQLITE_FCNTL_CHUNK_SIZE => {}
                _ => return SQLITE_NOTFOUND,
            }
        }
        SQLITE_OK
    })
}

unsafe extern "C" fn sector_size(file: *mut sqlite3_file) -> c_int {
    // SAFETY: as above.
    unsafe { open_file(file) }.file.device().sector_size_bytes as c_int
}

unsafe extern "C" fn device(file: *mut sqlite3_file) -> c_int {
    // SAFETY: as above.
    let traits = unsafe { open_file(file) }.file.device();
    if traits.powersafe_overwrite {
        SQLITE_IOCAP_POWERSAFE_OVERWRITE | SQLITE_IOCAP_SUBPAGE_READ
    } else {
        SQLITE_IOCAP_SUBPAGE_READ
    }
}

impl Open {
    fn shm(&self) -> std::sync::MutexGuard<'_, Shm> {
        self.shm.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

unsafe extern "C" fn shm_map(
    file: *mut sqlite3_file,
    region: c_int,
    _bytes: c_int,
    extend: c_int,
    out: *mut *mut c_void,
) -> c_int {
    code(|| {
        // SAFETY: as above.
        unsafe { store(out, ptr::null_mut()) };
        // SAFETY: as above.
        let open = unsafe { open_file(file) };
        let mut shm = open.shm();
        let memory = match &shm.memory {
            Some(memory) => Arc::clone(memory),
            None => match open.file.shm(false) {
                Ok(memory) => Arc::clone(shm.memory.insert(memory)),
                Err(error) => return code_of(&error),
            },
        };
        match memory.region(region.max(0) as usize, extend != 0) {
            Ok(None) => SQLITE_OK,
            Ok(Some(found)) => {
                // SAFETY: as above.
                unsafe { store(out, found.words().as_ptr().cast_mut().cast()) };
                shm.regions.push(found);
                if memory.read_only() { SQLITE_READONLY } else { SQLITE_OK }
            }
            Err(error) => code_of(&error),
        }
    })
}

unsafe extern "C" fn shm_lock(file: *mut sqlite3_file, first: c_int, count: c_int, flags: c_int) -> c_int {
    code(|| {
        // SAFETY: as above.
        let Some(memory) = unsafe { open_file(file) }.shm().memory.clone() else {
            return SQLITE_IOERR_SHMLOCK;
        };
        let slots = ShmSlots { first: first as u8, count: count as u8 };
        let mode = if flags & SQLITE_SHM_SHARED != 0 { ShmLockMode::Shared } else { ShmLockMode::Exclusive };
        outcome(if flags & SQLITE_SHM_LOCK != 0 {
            memory.lock(slots, mode)
        } else {
            memory.unlock(slots, mode)
        })
    })
}

unsafe extern "C" fn shm_barrier(file: *mut sqlite3_file) {
    crate::boundary::guard((), || {
        // SAFETY: as above.
        if let Some(memory) = &unsafe { open_file(file) }.shm().memory {
            memory.barrier();
        }
    });
}

unsafe extern "C" fn shm_unmap(file: *mut sqlite3_file, delete: c_int) -> c_int {
    code(|| {
        // SAFETY: as above.
        let Shm { memory, regions } = std::mem::take(&mut *unsafe { open_file(file) }.shm());
        drop(regions);
        memory.map_or(SQLITE_OK, |memory| outcome(memory.close(delete != 0)))
    })
}

/// Files are read, not mapped: NULL makes the caller read.
unsafe extern "C" fn fetch(_: *mut sqlite3_file, _: sqlite3_int64, _: c_int, out: *mut *mut c_void) -> c_int {
    // SAFETY: as above.
    unsafe { store(out, ptr::null_mut()) };
    SQLITE_OK
}

unsafe extern "C" fn unfetch(_: *mut sqlite3_file, _: sqlite3_int64, _: *mut c_void) -> c_int {
    SQLITE_OK
}
