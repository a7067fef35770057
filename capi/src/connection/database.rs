//! One attached database of a connection: its name, file, transaction, checkpoints.
//!
//! Spec: C/C++ Interface, "Return The Schema Name For A Database Connection", "Return The Filename For A Database Connection",
//! "Determine the transaction state of a database", "Checkpoint a database", "Extract Metadata About A Column Of A Table".

use std::ffi::{c_char, c_int, c_void};
use std::ptr;

use kernite::connection::raw::CheckpointMode;

use super::{Entered, ask, sqlite3, with};
use crate::abi::vfs::sqlite3_filename;
use crate::boundary::{store, text};
use crate::constant::*;
use crate::sqlite3_int64;

/// The number of a database by name; NULL is main.
///
/// # Safety
/// `name` is NULL or a C string.
pub(crate) unsafe fn number(db: &Entered<'_>, name: *const c_char) -> Option<usize> {
    // SAFETY: by the caller.
    match unsafe { text(name) } {
        None => Some(0),
        Some(name) => db.raw().find_database(name),
    }
}

/// The name of database `number`, from 0; NULL beyond the last.
///
/// # Safety
/// `db` is NULL or a connection.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_db_name(db: *mut sqlite3, number: c_int) -> *const c_char {
    // SAFETY: the caller's contract.
    unsafe {
        ask(db, ptr::null(), |db| {
            let name = usize::try_from(number).ok().and_then(|number| db.raw().database_name(number));
            name.map_or(ptr::null(), |name| db.names.schema(&name))
        })
    }
}

/// The file of a database: an absolute path, or empty text for one without a file. NULL if there is no such database.
///
/// # Safety
/// `db` is NULL or a connection; `name` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_db_filename(db: *mut sqlite3, name: *const c_char) -> sqlite3_filename {
    // SAFETY: the caller's contract.
    unsafe {
        ask(db, ptr::null(), |db| match number(db, name) {
            Some(number) => db.names.file(&db.raw().path(number), number == 0),
            None => ptr::null(),
        })
    }
}

/// 1 if a database can only be read, 0 if it can be written, -1 if there is none.
///
/// # Safety
/// As for `sqlite3_db_filename`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_db_readonly(db: *mut sqlite3, name: *const c_char) -> c_int {
    // SAFETY: the caller's contract.
    unsafe {
        ask(db, -1, |db| match number(db, name) {
            Some(number) => c_int::from(db.raw().is_read_only(number)),
            None => -1,
        })
    }
}

/// Whether a database (NULL: any) has a transaction: `SQLITE_TXN_NONE`, `…_READ`, `…_WRITE`; -1 if there is none of that name.
///
/// # Safety
/// As for `sqlite3_db_filename`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_txn_state(db: *mut sqlite3, name: *const c_char) -> c_int {
    // SAFETY: the caller's contract.
    unsafe {
        ask(db, -1, |db| {
            let state = |number| db.raw().transaction_state(number);
            match name.is_null() {
                true => (0..db.raw().database_count()).map(state).max().unwrap_or(SQLITE_TXN_NONE),
                false => number(db, name).map_or(-1, state),
            }
        })
    }
}

/// Copies frames of the WAL back to the database. Tells how many frames there are, and how many were copied; -1 without WAL.
///
/// # Safety
/// As for `sqlite3_db_filename`; the result pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_wal_checkpoint_v2(
    db: *mut sqlite3,
    name: *const c_char,
    mode: c_int,
    log_frames: *mut c_int,
    checkpointed: *mut c_int,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe {
        with(db, |db| {
            store(log_frames, -1);
            store(checkpointed, -1);
            let mode = match mode {
                SQLITE_CHECKPOINT_NOOP => {
                    return db.fail(SQLITE_ERROR, "SQLITE_CHECKPOINT_NOOP is not supported yet");
                }
                SQLITE_CHECKPOINT_PASSIVE => CheckpointMode::Passive,
                SQLITE_CHECKPOINT_FULL => CheckpointMode::Full,
                SQLITE_CHECKPOINT_RESTART => CheckpointMode::Restart,
                SQLITE_CHECKPOINT_TRUNCATE => CheckpointMode::Truncate,
                _ => return SQLITE_MISUSE,
            };
            let name = text(name).filter(|name| !name.is_empty());
            let numbers = match name {
                None => 0..db.raw().database_count(),
                Some(name) => match db.raw().find_database(name) {
                    Some(number) => number..number + 1,
                    None => {
                        let name = String::from_utf8_lossy(name);
                        return db.fail(SQLITE_ERROR, &format!("unknown database: {name}"));
                    }
                },
            };
            let mut busy = false;
            for number in numbers.clone() {
                match db.raw().checkpoint(number, mode) {
                    Ok(done) => {
                        // What is reported is main's, or that of the one asked for.
                        if number == numbers.start {
                            store(log_frames, done.log_frames);
                            store(checkpointed, done.checkpointed);
                        }
                        busy |= done.is_busy;
                    }
                    Err(error) => return db.error.fail(&error),
                }
            }
            if busy { db.error.set(SQLITE_BUSY) } else { db.exit(Ok(())) }
        })
    }
}

/// A passive checkpoint.
///
/// # Safety
/// As for `sqlite3_db_filename`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_wal_checkpoint(db: *mut sqlite3, name: *const c_char) -> c_int {
    // SAFETY: the caller's contract.
    unsafe {
        sqlite3_wal_checkpoint_v2(db, name, SQLITE_CHECKPOINT_PASSIVE, ptr::null_mut(), ptr::null_mut())
    }
}

/// Writes dirty pages to where they can be read again, before the transaction ends. The cache spills by itself when it has to, so
/// that there is nothing to do here but for who holds the write lock elsewhere.
///
/// # Safety
/// `db` is NULL or a connection.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_db_cacheflush(db: *mut sqlite3) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { with(db, |_| SQLITE_OK) }
}

/// Gives back the memory of pages that are not needed at the moment.
///
/// # Safety
/// `db` is NULL or a connection.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_db_release_memory(db: *mut sqlite3) -> c_int {
    // SAFETY: the caller's contract.
    unsafe {
        with(db, |db| {
            db.raw().release_memory();
            SQLITE_OK
        })
    }
}

/// What is known of a column: declared type, collation, NOT NULL, primary key, AUTOINCREMENT. With a NULL column: whether the table is
/// there.
///
/// # Safety
/// `db` is NULL or a connection; names are NULL or C strings; result pointers are NULL or writable. What is handed out stays until the
/// connection is closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_table_column_metadata(
    db: *mut sqlite3,
    database: *const c_char,
    table: *const c_char,
    column: *const c_char,
    data_type: *mut *const c_char,
    collation: *mut *const c_char,
    not_null: *mut c_int,
    primary_key: *mut c_int,
    autoincrement: *mut c_int,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe {
        with(db, |db| {
            let Some(table) = text(table) else { return crate::library::misuse(line!()) };
            let found = db.raw().column_metadata(text(database), table, text(column));
            let known = match found {
                Ok(known) => known,
                Err(error) => {
                    store(data_type, ptr::null());
                    store(collation, ptr::null());
                    store(not_null, 0);
                    store(primary_key, 0);
                    store(autoincrement, 0);
                    return db.error.fail(&error);
                }
            };
            let kept = |text: Option<&[u8]>| text.map_or(ptr::null(), |text| db.names.schema(text));
            store(data_type, kept(known.declared_type.as_deref()));
            store(collation, kept(Some(&known.collation)));
            store(not_null, c_int::from(known.not_null));
            store(primary_key, c_int::from(known.primary_key));
            store(autoincrement, c_int::from(known.autoincrement));
            db.exit(Ok(()))
        })
    }
}

/// Asks or tells the file of a database something (`SQLITE_FCNTL_…`).
///
/// # Safety
/// As for `sqlite3_db_filename`; `argument` is what the operation says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_file_control(
    db: *mut sqlite3,
    name: *const c_char,
    operation: c_int,
    argument: *mut c_void,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe {
        with(db, |db| {
            let Some(number) = number(db, name) else { return SQLITE_ERROR };
            let world = db.world.get().and_then(Option::as_ref);
            let foreign = world.map_or(ptr::null_mut(), |world| world.database_file(&db.raw().path(number)));
            match operation {
                SQLITE_FCNTL_VFS_POINTER if let Some(world) = world => {
                    store(argument.cast(), world.layer());
                    SQLITE_OK
                }
                SQLITE_FCNTL_FILE_POINTER if !foreign.is_null() => {
                    store(argument.cast(), foreign);
                    SQLITE_OK
                }
                SQLITE_FCNTL_FILE_POINTER
                | SQLITE_FCNTL_JOURNAL_POINTER
                | SQLITE_FCNTL_DATA_VERSION
                | SQLITE_FCNTL_RESET_CACHE => own_control(db, number, operation, argument),
                _ if !foreign.is_null() => {
                    match (*foreign).pMethods.as_ref().and_then(|methods| methods.xFileControl) {
                        Some(control) => control(foreign, operation, argument),
                        None => SQLITE_NOTFOUND,
                    }
                }
                _ => own_control(db, number, operation, argument),
            }
        })
    }
}

/// What the engine itself answers.
///
/// # Safety
/// `argument` is what the operation says.
unsafe fn own_control(db: &Entered<'_>, number: usize, operation: c_int, argument: *mut c_void) -> c_int {
    // SAFETY: by the caller.
    unsafe {
        match operation {
            SQLITE_FCNTL_VFSNAME => {
                let copy = crate::memory::c_string(crate::vfs::NAME.to_bytes());
                match copy {
                    Ok(copy) => store(argument.cast::<*mut c_char>(), copy),
                    Err(rc) => return rc,
                }
                SQLITE_OK
            }
            SQLITE_FCNTL_VFS_POINTER => {
                store(argument.cast(), crate::vfs::default());
                SQLITE_OK
            }
            SQLITE_FCNTL_FILE_POINTER | SQLITE_FCNTL_JOURNAL_POINTER => {
                store(argument.cast(), db.file.get());
                SQLITE_OK
            }
            SQLITE_FCNTL_DATA_VERSION => match db.raw().data_version(number) {
                Ok(version) => {
                    store(argument.cast::<u32>(), version);
                    SQLITE_OK
                }
                Err(error) => error.code(),
            },
            SQLITE_FCNTL_SIZE_LIMIT => {
                let limit = argument.cast::<sqlite3_int64>();
                match db.raw().set_bytes_max(number, limit.as_ref().copied().unwrap_or(-1)) {
                    Some(now) => {
                        store(limit, now);
                        SQLITE_OK
                    }
                    None => SQLITE_NOTFOUND,
                }
            }
            SQLITE_FCNTL_HAS_MOVED => {
                store(argument.cast::<c_int>(), 0);
                SQLITE_OK
            }
            SQLITE_FCNTL_LAST_ERRNO => {
                store(argument.cast::<c_int>(), super::error::sqlite3_system_errno(db.as_ptr()));
                SQLITE_OK
            }
            // Hints about how files grow: taken, without effect.
            SQLITE_FCNTL_CHUNK_SIZE | SQLITE_FCNTL_SIZE_HINT => SQLITE_OK,
            SQLITE_FCNTL_RESET_CACHE => {
                db.raw().release_memory();
                SQLITE_OK
            }
            _ => SQLITE_NOTFOUND,
        }
    }
}
