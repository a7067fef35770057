//! Files: how they are opened, locked, synced, controlled; what devices promise.
//!
//! Never: code.
//! Spec: C/C++ Interface, "Constants".

use std::ffi::c_int;

// Flags of `sqlite3_open_v2` and of `xOpen`.
pub const SQLITE_OPEN_READONLY: c_int = 1;
pub const SQLITE_OPEN_READWRITE: c_int = 2;
pub const SQLITE_OPEN_CREATE: c_int = 4;
pub const SQLITE_OPEN_DELETEONCLOSE: c_int = 8;
pub const SQLITE_OPEN_EXCLUSIVE: c_int = 0x10;
pub const SQLITE_OPEN_AUTOPROXY: c_int = 0x20;
pub const SQLITE_OPEN_URI: c_int = 0x40;
pub const SQLITE_OPEN_MEMORY: c_int = 0x80;
pub const SQLITE_OPEN_MAIN_DB: c_int = 0x100;
pub const SQLITE_OPEN_TEMP_DB: c_int = 0x200;
pub const SQLITE_OPEN_TRANSIENT_DB: c_int = 0x400;
pub const SQLITE_OPEN_MAIN_JOURNAL: c_int = 0x800;
pub const SQLITE_OPEN_TEMP_JOURNAL: c_int = 0x1000;
pub const SQLITE_OPEN_SUBJOURNAL: c_int = 0x2000;
pub const SQLITE_OPEN_SUPER_JOURNAL: c_int = 0x4000;
pub const SQLITE_OPEN_NOMUTEX: c_int = 0x8000;
pub const SQLITE_OPEN_FULLMUTEX: c_int = 0x10000;
pub const SQLITE_OPEN_SHAREDCACHE: c_int = 0x20000;
pub const SQLITE_OPEN_PRIVATECACHE: c_int = 0x40000;
pub const SQLITE_OPEN_WAL: c_int = 0x80000;
pub const SQLITE_OPEN_NOFOLLOW: c_int = 0x1000000;
pub const SQLITE_OPEN_EXRESCODE: c_int = 0x2000000;
pub const SQLITE_OPEN_MASTER_JOURNAL: c_int = 0x4000;

// What a device promises (`xDeviceCharacteristics`).
pub const SQLITE_IOCAP_ATOMIC: c_int = 1;
pub const SQLITE_IOCAP_ATOMIC512: c_int = 2;
pub const SQLITE_IOCAP_ATOMIC1K: c_int = 4;
pub const SQLITE_IOCAP_ATOMIC2K: c_int = 8;
pub const SQLITE_IOCAP_ATOMIC4K: c_int = 0x10;
pub const SQLITE_IOCAP_ATOMIC8K: c_int = 0x20;
pub const SQLITE_IOCAP_ATOMIC16K: c_int = 0x40;
pub const SQLITE_IOCAP_ATOMIC32K: c_int = 0x80;
pub const SQLITE_IOCAP_ATOMIC64K: c_int = 0x100;
pub const SQLITE_IOCAP_SAFE_APPEND: c_int = 0x200;
pub const SQLITE_IOCAP_SEQUENTIAL: c_int = 0x400;
pub const SQLITE_IOCAP_UNDELETABLE_WHEN_OPEN: c_int = 0x800;
pub const SQLITE_IOCAP_POWERSAFE_OVERWRITE: c_int = 0x1000;
pub const SQLITE_IOCAP_IMMUTABLE: c_int = 0x2000;
pub const SQLITE_IOCAP_BATCH_ATOMIC: c_int = 0x4000;
pub const SQLITE_IOCAP_SUBPAGE_READ: c_int = 0x8000;

// Lock levels of a file.
pub const SQLITE_LOCK_NONE: c_int = 0;
pub const SQLITE_LOCK_SHARED: c_int = 1;
pub const SQLITE_LOCK_RESERVED: c_int = 2;
pub const SQLITE_LOCK_PENDING: c_int = 3;
pub const SQLITE_LOCK_EXCLUSIVE: c_int = 4;

// Kinds of sync.
pub const SQLITE_SYNC_NORMAL: c_int = 2;
pub const SQLITE_SYNC_FULL: c_int = 3;
pub const SQLITE_SYNC_DATAONLY: c_int = 0x10;

// Operations of `sqlite3_file_control`.
pub const SQLITE_FCNTL_LOCKSTATE: c_int = 1;
pub const SQLITE_FCNTL_GET_LOCKPROXYFILE: c_int = 2;
pub const SQLITE_FCNTL_SET_LOCKPROXYFILE: c_int = 3;
pub const SQLITE_FCNTL_LAST_ERRNO: c_int = 4;
pub const SQLITE_FCNTL_SIZE_HINT: c_int = 5;
pub const SQLITE_FCNTL_CHUNK_SIZE: c_int = 6;
pub const SQLITE_FCNTL_FILE_POINTER: c_int = 7;
pub const SQLITE_FCNTL_SYNC_OMITTED: c_int = 8;
pub const SQLITE_FCNTL_WIN32_AV_RETRY: c_int = 9;
pub const SQLITE_FCNTL_PERSIST_WAL: c_int = 10;
pub const SQLITE_FCNTL_OVERWRITE: c_int = 11;
pub const SQLITE_FCNTL_VFSNAME: c_int = 12;
pub const SQLITE_FCNTL_POWERSAFE_OVERWRITE: c_int = 13;
pub const SQLITE_FCNTL_PRAGMA: c_int = 14;
pub const SQLITE_FCNTL_BUSYHANDLER: c_int = 15;
pub const SQLITE_FCNTL_TEMPFILENAME: c_int = 16;
pub const SQLITE_FCNTL_MMAP_SIZE: c_int = 18;
pub const SQLITE_FCNTL_TRACE: c_int = 19;
pub const SQLITE_FCNTL_HAS_MOVED: c_int = 20;
pub const SQLITE_FCNTL_SYNC: c_int = 21;
pub const SQLITE_FCNTL_COMMIT_PHASETWO: c_int = 22;
pub const SQLITE_FCNTL_WIN32_SET_HANDLE: c_int = 23;
pub const SQLITE_FCNTL_WAL_BLOCK: c_int = 24;
pub const SQLITE_FCNTL_ZIPVFS: c_int = 25;
pub const SQLITE_FCNTL_RBU: c_int = 26;
pub const SQLITE_FCNTL_VFS_POINTER: c_int = 27;
pub const SQLITE_FCNTL_JOURNAL_POINTER: c_int = 28;
pub const SQLITE_FCNTL_WIN32_GET_HANDLE: c_int = 29;
pub const SQLITE_FCNTL_PDB: c_int = 30;
pub const SQLITE_FCNTL_BEGIN_ATOMIC_WRITE: c_int = 31;
pub const SQLITE_FCNTL_COMMIT_ATOMIC_WRITE: c_int = 32;
pub const SQLITE_FCNTL_ROLLBACK_ATOMIC_WRITE: c_int = 33;
pub const SQLITE_FCNTL_LOCK_TIMEOUT: c_int = 34;
pub const SQLITE_FCNTL_DATA_VERSION: c_int = 35;
pub const SQLITE_FCNTL_SIZE_LIMIT: c_int = 36;
pub const SQLITE_FCNTL_CKPT_DONE: c_int = 37;
pub const SQLITE_FCNTL_RESERVE_BYTES: c_int = 38;
pub const SQLITE_FCNTL_CKPT_START: c_int = 39;
pub const SQLITE_FCNTL_EXTERNAL_READER: c_int = 40;
pub const SQLITE_FCNTL_CKSM_FILE: c_int = 41;
pub const SQLITE_FCNTL_RESET_CACHE: c_int = 42;
pub const SQLITE_FCNTL_NULL_IO: c_int = 43;
pub const SQLITE_FCNTL_BLOCK_ON_CONNECT: c_int = 44;
pub const SQLITE_FCNTL_FILESTAT: c_int = 45;
pub const SQLITE_GET_LOCKPROXYFILE: c_int = SQLITE_FCNTL_GET_LOCKPROXYFILE;
pub const SQLITE_SET_LOCKPROXYFILE: c_int = SQLITE_FCNTL_SET_LOCKPROXYFILE;
pub const SQLITE_LAST_ERRNO: c_int = SQLITE_FCNTL_LAST_ERRNO;

// Questions of `xAccess`.
pub const SQLITE_ACCESS_EXISTS: c_int = 0;
pub const SQLITE_ACCESS_READWRITE: c_int = 1;
pub const SQLITE_ACCESS_READ: c_int = 2;

// Flags of `xShmLock`, and how many locks there are.
pub const SQLITE_SHM_UNLOCK: c_int = 1;
pub const SQLITE_SHM_LOCK: c_int = 2;
pub const SQLITE_SHM_SHARED: c_int = 4;
pub const SQLITE_SHM_EXCLUSIVE: c_int = 8;
pub const SQLITE_SHM_NLOCK: c_int = 8;
