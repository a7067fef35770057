//! An application's operating system layer as the engine's world.
//!
//! ```text
//! engine ── Io, File, SharedMemory ──> ForeignIo, ForeignFile, ForeignShm ── sqlite3_vfs, sqlite3_io_methods ──> the application
//! ```
//!
//! A connection that is opened with such a layer lives in a world of its own: the layer has its files, paths and time; timers and waiting
//! are the system's. Calls complete inside the call.
//!
//! Always true: `xOpen` gets a name that leads to its journal's, its WAL's and the URI's parameters; a file is closed once, when nobody
//! holds it.
//!
//! Spec: C/C++ Interface, "OS Interface Object", "OS Interface File Virtual Methods Object".

use std::ffi::{CString, c_char, c_int, c_void};
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU16, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::{ptr, slice};

use kernite::engine::io::{
    AccessMode, Buffer, DeviceTraits, File, FileControl, FileId, FileKind, FileStat, HashMap, Instant, Io,
    IoError, IoOp, IoSlice, LockLevel, OpenFlags, OpenOutcome, Outstanding, Pending, SharedIo, SharedMemory,
    ShmLockMode, ShmRegion, ShmSlots, WallTime,
};

use super::unix::EPOCH_MS;
use crate::abi::vfs::{sqlite3_file, sqlite3_io_methods, sqlite3_vfs};
use crate::connection::filename::{ZEROS, block};
use crate::constant::*;

/// Bytes of a region of the wal-index.
const REGION_BYTES: usize = 32768;

/// A layer of the application.
struct Layer(*mut sqlite3_vfs);

// SAFETY: the interface demands layers whose methods may be called from any thread.
unsafe impl Send for Layer {}
// SAFETY: as above.
unsafe impl Sync for Layer {}

/// A world whose files are a layer's.
pub(crate) struct ForeignIo {
    layer: Layer,
    /// For what a layer has not.
    system: SharedIo,
    /// Parameters of the URI that the database was opened with.
    parameters: Vec<(Vec<u8>, Vec<u8>)>,
    /// Databases that are open.
    databases: Mutex<Vec<Weak<Opened>>>,
}

impl ForeignIo {
    /// # Safety
    /// `vfs` is a layer that stays as long as this.
    pub(crate) unsafe fn new(
        vfs: *mut sqlite3_vfs,
        system: SharedIo,
        parameters: Vec<(Vec<u8>, Vec<u8>)>,
    ) -> ForeignIo {
        ForeignIo { layer: Layer(vfs), system, parameters, databases: Mutex::default() }
    }

    /// The layer.
    pub(crate) fn layer(&self) -> *mut sqlite3_vfs {
        self.layer.0
    }

    /// The file of the database at `path`; NULL if it is not open.
    pub(crate) fn database_file(&self, path: &[u8]) -> *mut sqlite3_file {
        let databases = self.databases.lock().unwrap_or_else(PoisonError::into_inner);
        let found = databases.iter().filter_map(Weak::upgrade).find(|opened| opened.path == path);
        found.map_or(ptr::null_mut(), |opened| opened.file())
    }

    fn vfs(&self) -> &sqlite3_vfs {
        // SAFETY: by `new`.
        unsafe { &*self.layer.0 }
    }
}

/// The error of a code that a method of the layer gave.
fn error(rc: c_int, op: IoOp, offset: u64, len: usize) -> IoError {
    match rc & 0xff {
        SQLITE_BUSY | SQLITE_LOCKED => IoError::Busy,
        SQLITE_FULL => IoError::Full,
        SQLITE_NOMEM => IoError::NoMemory,
        SQLITE_CANTOPEN => IoError::CannotOpen { errno: 0, is_directory: false },
        SQLITE_PERM | SQLITE_READONLY => IoError::Permission,
        _ => IoError::Failed { op, offset, len, errno: 0 },
    }
}

fn check(rc: c_int, op: IoOp, offset: u64, len: usize) -> Result<(), IoError> {
    if rc == SQLITE_OK { Ok(()) } else { Err(error(rc, op, offset, len)) }
}

fn c_path(path: &[u8]) -> CString {
    let end = path.iter().position(|&byte| byte == 0).unwrap_or(path.len());
    CString::new(&path[..end]).unwrap_or_default()
}

/// The same number for the same path.
fn path_number(path: &[u8]) -> u64 {
    let map: HashMap<(), ()> = HashMap::default();
    let mut hasher = map.hasher().build_hasher();
    hasher.write(path);
    hasher.finish()
}

/// How `xOpen` is asked.
fn open_flags(flags: &OpenFlags) -> c_int {
    let kind = match flags.kind {
        FileKind::MainDb => SQLITE_OPEN_MAIN_DB,
        FileKind::MainJournal => SQLITE_OPEN_MAIN_JOURNAL,
        FileKind::Wal => SQLITE_OPEN_WAL,
        FileKind::SuperJournal => SQLITE_OPEN_SUPER_JOURNAL,
        FileKind::TempDb => SQLITE_OPEN_TEMP_DB,
        FileKind::TempJournal => SQLITE_OPEN_TEMP_JOURNAL,
        FileKind::Transient => SQLITE_OPEN_TRANSIENT_DB,
    };
    let access = match flags.access {
        AccessMode::ReadOnly => SQLITE_OPEN_READONLY,
        AccessMode::ReadWrite | AccessMode::ReadWriteOrReadOnly => SQLITE_OPEN_READWRITE,
    };
    let mut all = kind | access;
    for (is_set, flag) in [
        (flags.create, SQLITE_OPEN_CREATE),
        (flags.exclusive, SQLITE_OPEN_EXCLUSIVE),
        (flags.delete_on_close, SQLITE_OPEN_DELETEONCLOSE),
        (flags.no_follow, SQLITE_OPEN_NOFOLLOW),
    ] {
        if is_set {
            all |= flag;
        }
    }
    all
}

/// A file's name with all that a layer may look for behind it. Journals are found behind their database's name.
struct Name {
    _block: Vec<u8>,
    at: *const c_char,
}

impl Name {
    fn new(path: Option<&[u8]>, kind: FileKind, parameters: &[(Vec<u8>, Vec<u8>)]) -> Name {
        let Some(path) = path else { return Name { _block: Vec::new(), at: ptr::null() } };
        let suffix: &[u8] = match kind {
            FileKind::MainJournal => b"-journal",
            FileKind::Wal => b"-wal",
            _ => b"",
        };
        let main = path.strip_suffix(suffix).unwrap_or(path);
        let (journal, wal) = ([main, b"-journal"].concat(), [main, b"-wal"].concat());
        let block = block(main, &journal, &wal, parameters);
        // SAFETY: the name begins behind the zeros of the block, and leads to the others.
        let at = unsafe {
            let name: *const c_char = block.as_ptr().add(ZEROS).cast();
            match kind {
                FileKind::MainJournal => crate::connection::filename::sqlite3_filename_journal(name),
                FileKind::Wal => crate::connection::filename::sqlite3_filename_wal(name),
                _ => name,
            }
        };
        Name { _block: block, at }
    }
}

impl Io for ForeignIo {
    fn open(&self, path: Option<&[u8]>, flags: OpenFlags) -> Pending<OpenOutcome> {
        let name = Name::new(path, flags.kind, &self.parameters);
        let words = (self.vfs().szOsFile.max(0) as usize).div_ceil(size_of::<u64>()).max(1);
        let memory = vec![0u64; words].into_boxed_slice();
        let opened = Opened {
            file: Box::into_raw(memory),
            name,
            layer: Layer(self.layer.0),
            path: path.unwrap_or_default().to_vec(),
        };
        let file = opened.file();
        let Some(open) = self.vfs().xOpen else {
            return Pending::err(IoError::CannotOpen { errno: 0, is_directory: false });
        };
        let (asked, mut got) = (open_flags(&flags), 0);
        // SAFETY: the file has as much room as the layer wants, and the name stays as long as the file.
        let mut rc = unsafe { open(self.layer.0, opened.name.at, file, asked, &raw mut got) };
        if rc != SQLITE_OK && flags.access == AccessMode::ReadWriteOrReadOnly {
            opened.close();
            let asked = asked & !(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) | SQLITE_OPEN_READONLY;
            // SAFETY: as above.
            rc = unsafe { open(self.layer.0, opened.name.at, file, asked, &raw mut got) };
        }
        if rc != SQLITE_OK {
            return Pending::err(match error(rc, IoOp::Open, 0, 0) {
                IoError::Failed { .. } => IoError::CannotOpen { errno: 0, is_directory: false },
                known => known,
            });
        }
        let read_only = got & SQLITE_OPEN_READONLY != 0 || flags.access == AccessMode::ReadOnly;
        let opened = Arc::new(opened);
        if flags.kind == FileKind::MainDb {
            let mut databases = self.databases.lock().unwrap_or_else(PoisonError::into_inner);
            databases.retain(|known| known.strong_count() > 0);
            databases.push(Arc::downgrade(&opened));
        }
        let file = ForeignFile {
            opened,
            locking: !(flags.no_lock || flags.immutable),
            immutable: flags.immutable,
            level: AtomicU8::new(0),
            shm: Mutex::default(),
        };
        Pending::ok(OpenOutcome { file: Arc::new(file), read_only })
    }

    fn stat(&self, path: &[u8]) -> Pending<Option<FileStat>> {
        let (mut found, name) = (0, c_path(path));
        let Some(access) = self.vfs().xAccess else { return Pending::ok(None) };
        // SAFETY: a layer, a C string, and a place for the answer.
        let rc = unsafe { access(self.layer.0, name.as_ptr(), SQLITE_ACCESS_EXISTS, &raw mut found) };
        // Layers tell that there is a file, not how long it is; one without content counts as none.
        Pending::Done(check(rc, IoOp::Stat, 0, 0).map(|()| {
            (found != 0).then(|| FileStat { id: self.id(path), len_bytes: 1, is_directory: false, mode: 0 })
        }))
    }

    fn canonical(&self, path: &[u8]) -> Result<Vec<u8>, IoError> {
        let Some(full) = self.vfs().xFullPathname else { return Ok(path.to_vec()) };
        let (name, room) = (c_path(path), self.vfs().mxPathname.max(0) + 1);
        let mut out = vec![0u8; room as usize];
        // SAFETY: a layer, a C string, and as much room as is told.
        let rc = unsafe { full(self.layer.0, name.as_ptr(), room, out.as_mut_ptr().cast()) };
        // A link that was followed is no error.
        if rc & 0xff != SQLITE_OK {
            return Err(error(rc, IoOp::Canonical, 0, 0));
        }
        let end = out.iter().position(|&byte| byte == 0).unwrap_or(out.len());
        out.truncate(end);
        Ok(out)
    }

    fn remove(&self, path: &[u8], sync_dir: bool) -> Pending<bool> {
        let (name, Some(delete)) = (c_path(path), self.vfs().xDelete) else { return Pending::ok(false) };
        // SAFETY: a layer and a C string.
        let rc = unsafe { delete(self.layer.0, name.as_ptr(), c_int::from(sync_dir)) };
        Pending::Done(match rc {
            SQLITE_IOERR_DELETE_NOENT => Ok(false),
            rc => check(rc, IoOp::Remove, 0, 0).map(|()| true),
        })
    }

    fn sync_dir(&self, _path: &[u8]) -> Pending<()> {
        // Layers do it by themselves, with the first sync of a journal and with xDelete.
        Pending::ok(())
    }

    fn timer(&self, at: Instant) -> Pending<()> {
        self.system.timer(at)
    }

    fn now(&self) -> WallTime {
        let vfs = self.vfs();
        let mut now = 0;
        match vfs.xCurrentTimeInt64.filter(|_| vfs.iVersion >= 2) {
            // SAFETY: a layer and a place for the answer.
            Some(time) if unsafe { time(self.layer.0, &raw mut now) } == SQLITE_OK => {
                WallTime(now - EPOCH_MS)
            }
            _ => self.system.now(),
        }
    }

    fn monotonic(&self) -> Instant {
        self.system.monotonic()
    }

    fn fill_random(&self, out: &mut [u8]) {
        self.system.fill_random(out);
    }

    fn env(&self, name: &str) -> Option<Vec<u8>> {
        self.system.env(name)
    }

    fn local_offset(&self, at: WallTime) -> Option<i64> {
        self.system.local_offset(at)
    }

    fn process_id(&self) -> u32 {
        self.system.process_id()
    }

    fn flush(&self) {
        self.system.flush();
    }

    fn wait(&self, outstanding: &Outstanding, until: Option<Instant>) -> Result<(), IoError> {
        self.system.wait(outstanding, until)
    }

    fn name(&self) -> &'static str {
        "application"
    }
}

impl ForeignIo {
    fn id(&self, path: &[u8]) -> FileId {
        FileId { device: self.layer.0.addr() as u64, inode: path_number(path) }
    }
}

/// An open file of a layer, closed when dropped.
struct Opened {
    file: *mut [u64],
    name: Name,
    layer: Layer,
    path: Vec<u8>,
}

// SAFETY: the interface demands files that may be used from any thread, one at a time; the engine does so.
unsafe impl Send for Opened {}
// SAFETY: as above.
unsafe impl Sync for Opened {}

impl Opened {
    fn file(&self) -> *mut sqlite3_file {
        self.file.cast()
    }

    /// The methods of a file that is open.
    fn methods(&self) -> Option<&sqlite3_io_methods> {
        // SAFETY: the layer's own, which stay.
        unsafe { (*self.file()).pMethods.as_ref() }
    }

    fn close(&self) {
        if let Some(close) = self.methods().and_then(|methods| methods.xClose) {
            // SAFETY: it is open, and is not used afterwards.
            unsafe {
                close(self.file());
                (*self.file()).pMethods = ptr::null();
            }
        }
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.close();
        // SAFETY: it was boxed by `open`.
        drop(unsafe { Box::from_raw(self.file) });
    }
}

/// Calls a method that every file has.
macro_rules! call {
    ($opened:expr, $method:ident $(, $argument:expr)*) => {
        match $opened.methods().and_then(|methods| methods.$method) {
            // SAFETY: the file is open; the arguments are as the interface has them.
            Some(method) => unsafe { method($opened.file() $(, $argument)*) },
            None => SQLITE_IOERR,
        }
    };
}

/// A file of a layer.
struct ForeignFile {
    opened: Arc<Opened>,
    locking: bool,
    immutable: bool,
    level: AtomicU8,
    shm: Mutex<Option<Arc<ForeignShm>>>,
}

const LEVELS: [LockLevel; 5] =
    [LockLevel::None, LockLevel::Shared, LockLevel::Reserved, LockLevel::Pending, LockLevel::Exclusive];

impl ForeignFile {
    fn control(&self, operation: c_int, argument: *mut c_void) -> c_int {
        call!(self.opened, xFileControl, operation, argument)
    }
}

impl File for ForeignFile {
    fn read(&self, at: u64, mut buffer: Buffer) -> Pending<(Buffer, usize)> {
        let len = buffer.len();
        let out = buffer.make_mut().as_mut_ptr();
        let rc = call!(self.opened, xRead, out.cast(), len as c_int, at as i64);
        match rc {
            SQLITE_OK => Pending::ok((buffer, len)),
            SQLITE_IOERR_SHORT_READ => match self.len() {
                Pending::Done(Ok(size)) => {
                    let count = usize::try_from(size.saturating_sub(at)).unwrap_or(len).min(len);
                    buffer.make_mut()[count..].fill(0);
                    Pending::ok((buffer, count))
                }
                Pending::Done(Err(error)) => Pending::err(error),
                Pending::Queued(_) => Pending::err(error(rc, IoOp::ShortRead, at, len)),
            },
            rc => Pending::err(error(rc, IoOp::Read, at, len)),
        }
    }

    fn write(&self, at: u64, slices: Vec<IoSlice>) -> Pending<()> {
        let mut at = at;
        for slice in &slices {
            let bytes = slice.bytes();
            let rc = call!(self.opened, xWrite, bytes.as_ptr().cast(), bytes.len() as c_int, at as i64);
            if rc != SQLITE_OK {
                return Pending::err(error(rc, IoOp::Write, at, bytes.len()));
            }
            at += bytes.len() as u64;
        }
        Pending::ok(())
    }

    fn write_then_sync(&self, at: u64, slices: Vec<IoSlice>) -> Pending<()> {
        match self.write(at, slices) {
            Pending::Done(Ok(())) => self.sync(false),
            failed => failed,
        }
    }

    fn sync(&self, data_only: bool) -> Pending<()> {
        let flags = SQLITE_SYNC_NORMAL | if data_only { SQLITE_SYNC_DATAONLY } else { 0 };
        Pending::Done(check(call!(self.opened, xSync, flags), IoOp::Sync, 0, 0))
    }

    fn truncate(&self, len_bytes: u64) -> Pending<()> {
        let rc = call!(self.opened, xTruncate, len_bytes as i64);
        Pending::Done(check(rc, IoOp::Truncate, len_bytes, 0))
    }

    fn len(&self) -> Pending<u64> {
        let mut size = 0;
        let rc = call!(self.opened, xFileSize, &raw mut size);
        Pending::Done(check(rc, IoOp::Length, 0, 0).map(|()| u64::try_from(size).unwrap_or(0)))
    }

    fn id(&self) -> FileId {
        FileId { device: self.opened.layer.0.addr() as u64, inode: path_number(&self.opened.path) }
    }

    fn lock(&self, want: LockLevel) -> Result<(), IoError> {
        let have = self.lock_level();
        if self.locking && want != have {
            let (rc, op) = if want > have {
                (call!(self.opened, xLock, want as c_int), IoOp::Lock)
            } else {
                (call!(self.opened, xUnlock, want as c_int), IoOp::Unlock)
            };
            check(rc, op, 0, 0)?;
        }
        self.level.store(want as u8, Ordering::Relaxed);
        Ok(())
    }

    fn lock_level(&self) -> LockLevel {
        LEVELS.get(usize::from(self.level.load(Ordering::Relaxed))).copied().unwrap_or(LockLevel::None)
    }

    fn reserved(&self) -> Result<bool, IoError> {
        if !self.locking {
            return Ok(false);
        }
        let mut found = 0;
        let rc = call!(self.opened, xCheckReservedLock, &raw mut found);
        check(rc, IoOp::CheckReservedLock, 0, 0).map(|()| found != 0)
    }

    fn device(&self) -> DeviceTraits {
        let methods = self.opened.methods();
        // SAFETY: the file is open.
        let known = unsafe {
            let traits = methods.and_then(|methods| methods.xDeviceCharacteristics);
            traits.map_or(0, |traits| traits(self.opened.file()))
        };
        // SAFETY: as above.
        let sector = unsafe {
            let size = methods.and_then(|methods| methods.xSectorSize);
            size.map_or(0, |size| size(self.opened.file()))
        };
        let has = |flag| known & flag != 0;
        DeviceTraits {
            // Sizes outside these bounds are taken for nonsense, as SQLite does.
            sector_size_bytes: if sector < 32 { 512 } else { (sector as u32).min(65536) },
            powersafe_overwrite: has(SQLITE_IOCAP_POWERSAFE_OVERWRITE),
            safe_append: has(SQLITE_IOCAP_SAFE_APPEND),
            atomic: has(SQLITE_IOCAP_ATOMIC),
            immutable: self.immutable || has(SQLITE_IOCAP_IMMUTABLE),
        }
    }

    fn prefetch(&self, _at: u64, _len: usize) {}

    fn control(&self, op: FileControl) {
        let (operation, mut number) = match op {
            FileControl::SizeHint(bytes) => (SQLITE_FCNTL_SIZE_HINT, bytes as i64),
            FileControl::ChunkSize(bytes) => (SQLITE_FCNTL_CHUNK_SIZE, bytes as i64),
            FileControl::PersistWal(on) => (SQLITE_FCNTL_PERSIST_WAL, i64::from(on)),
            FileControl::PowersafeOverwrite(on) => (SQLITE_FCNTL_POWERSAFE_OVERWRITE, i64::from(on)),
        };
        // A hint that the layer does not know is passed over. All of them look at four or eight bytes.
        ForeignFile::control(self, operation, (&raw mut number).cast());
    }

    fn shm(&self, read_only: bool) -> Result<Arc<dyn SharedMemory>, IoError> {
        let has =
            self.opened.methods().is_some_and(|methods| methods.iVersion >= 2 && methods.xShmMap.is_some());
        if !has || !self.locking {
            return Err(IoError::NoSharedMemory);
        }
        let mut shm = self.shm.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = shm.as_ref().filter(|open| open.is_open.load(Ordering::Acquire)) {
            return Ok(Arc::clone(open) as Arc<dyn SharedMemory>);
        }
        let fresh = Arc::new(ForeignShm {
            opened: Arc::clone(&self.opened),
            read_only: AtomicBool::new(read_only),
            is_open: AtomicBool::new(true),
        });
        *shm = Some(Arc::clone(&fresh));
        Ok(fresh)
    }

    fn still_linked(&self) -> Result<bool, IoError> {
        let mut moved: c_int = 0;
        let rc = ForeignFile::control(self, SQLITE_FCNTL_HAS_MOVED, (&raw mut moved).cast());
        Ok(rc != SQLITE_OK || moved == 0)
    }
}

/// The wal-index that a layer keeps.
struct ForeignShm {
    opened: Arc<Opened>,
    read_only: AtomicBool,
    is_open: AtomicBool,
}

/// A region that a layer has mapped.
struct ForeignRegion {
    start: *const c_void,
    _opened: Arc<Opened>,
}

// SAFETY: it is read and written through atomics only.
unsafe impl Send for ForeignRegion {}
// SAFETY: as above.
unsafe impl Sync for ForeignRegion {}

impl ShmRegion for ForeignRegion {
    fn words(&self) -> &[AtomicU32] {
        // SAFETY: the layer keeps that many bytes mapped, aligned to pages, until they are unmapped.
        unsafe { slice::from_raw_parts(self.start.cast(), REGION_BYTES / 4) }
    }

    fn half_words(&self) -> &[AtomicU16] {
        // SAFETY: as above.
        unsafe { slice::from_raw_parts(self.start.cast(), REGION_BYTES / 2) }
    }
}

impl SharedMemory for ForeignShm {
    fn region(&self, index: usize, extend: bool) -> Result<Option<Arc<dyn ShmRegion>>, IoError> {
        let mut start: *mut c_void = ptr::null_mut();
        let index = c_int::try_from(index).map_err(|_| IoError::NoMemory)?;
        let extend = c_int::from(extend && !self.read_only());
        let rc = call!(self.opened, xShmMap, index, REGION_BYTES as c_int, extend, &raw mut start);
        match rc {
            SQLITE_OK => {}
            SQLITE_READONLY => self.read_only.store(true, Ordering::Relaxed),
            SQLITE_READONLY_CANTINIT => return Err(IoError::ShmNotInitialised),
            rc => return Err(error(rc, IoOp::ShmMap, 0, REGION_BYTES)),
        }
        Ok((!start.is_null()).then(|| {
            Arc::new(ForeignRegion { start, _opened: Arc::clone(&self.opened) }) as Arc<dyn ShmRegion>
        }))
    }

    fn lock(&self, slots: ShmSlots, mode: ShmLockMode) -> Result<(), IoError> {
        self.change(slots, mode, SQLITE_SHM_LOCK)
    }

    fn unlock(&self, slots: ShmSlots, mode: ShmLockMode) -> Result<(), IoError> {
        self.change(slots, mode, SQLITE_SHM_UNLOCK)
    }

    fn barrier(&self) {
        if let Some(barrier) = self.opened.methods().and_then(|methods| methods.xShmBarrier) {
            // SAFETY: the file is open.
            unsafe { barrier(self.opened.file()) };
        }
    }

    fn read_only(&self) -> bool {
        self.read_only.load(Ordering::Relaxed)
    }

    fn close(&self, delete: bool) -> Result<(), IoError> {
        if !self.is_open.swap(false, Ordering::AcqRel) {
            return Ok(());
        }
        check(call!(self.opened, xShmUnmap, c_int::from(delete)), IoOp::ShmMap, 0, 0)
    }
}

impl ForeignShm {
    fn change(&self, slots: ShmSlots, mode: ShmLockMode, what: c_int) -> Result<(), IoError> {
        let mode = match mode {
            ShmLockMode::Shared => SQLITE_SHM_SHARED,
            ShmLockMode::Exclusive => SQLITE_SHM_EXCLUSIVE,
        };
        let (first, count) = (c_int::from(slots.first), c_int::from(slots.count));
        check(call!(self.opened, xShmLock, first, count, what | mode), IoOp::ShmLock, 0, 0)
    }
}

impl Drop for ForeignShm {
    fn drop(&mut self) {
        // The file is about to be closed: nobody is left to tell.
        let _ = self.close(false);
    }
}
