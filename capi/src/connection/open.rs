//! Opening and closing.
//!
//! A handle that could not be opened is handed out all the same: its error tells why. `sqlite3_close` refuses while statements or backups
//! are there; `sqlite3_close_v2` leaves the handle to the last of them.
//!
//! Spec: C/C++ Interface, "Opening A New Database Connection", "Closing A Database Connection".

use std::ffi::{c_char, c_int, c_void};
use std::ptr;
use std::sync::Arc;

use kernite::connection::{OpenFlags, raw};
use kernite::engine::io::{Io, Process};
use kernite::engine::vdbe::Error;

use super::error::narrowed;
use super::{Phase, handle_or_sick, sqlite3};
use crate::boundary::{code, store, text, wide};
use crate::constant::*;
use crate::library::{self, config};
use crate::vfs::{self, foreign::ForeignIo};

/// The process that a connection with this layer lives in.
fn process_with(
    vfs_name: Option<&[u8]>,
    parameters: &[(Vec<u8>, Vec<u8>)],
) -> Result<(Arc<Process>, Option<Arc<ForeignIo>>), Error> {
    let process = library::process();
    match vfs::choose(vfs_name)? {
        vfs::Chosen::Ours => Ok((process, None)),
        vfs::Chosen::Foreign(layer) => {
            // SAFETY: the interface demands that a layer stays as long as connections use it.
            let io = unsafe { ForeignIo::new(layer, Arc::clone(process.io()), parameters.to_vec()) };
            let io = Arc::new(io);
            Ok((Arc::new(Process::new(Arc::clone(&io) as Arc<dyn Io>)), Some(io)))
        }
    }
}

/// Opens `name` with `flags`.
fn open(name: &[u8], flags: c_int, vfs_name: Option<&[u8]>) -> Result<Box<sqlite3>, c_int> {
    // Read only; read and write; read, write and create: nothing else.
    if !matches!(flags & 7, SQLITE_OPEN_READONLY | SQLITE_OPEN_READWRITE | 6) {
        return Err(library::misuse(line!()));
    }
    let with_mutex = match config::threading() {
        config::Threading::Single => false,
        _ if flags & SQLITE_OPEN_NOMUTEX != 0 => false,
        _ if flags & SQLITE_OPEN_FULLMUTEX != 0 => true,
        threading => threading == config::Threading::Serialized,
    };
    let uri = flags & SQLITE_OPEN_URI != 0 || config::uris();
    let parameters = if uri { kernite::connection::uri_parameters(name) } else { Vec::new() };
    let by_uri = parameters.iter().rev().find(|(key, _)| key == b"vfs").map(|(_, value)| &value[..]);
    let is_memdb = by_uri.or(vfs_name) == Some(vfs::MEMDB);
    let mut world = None;
    let opened = process_with(by_uri.or(vfs_name), &parameters).and_then(|(process, foreign)| {
        world = foreign;
        raw::Connection::open(
            &process,
            name,
            OpenFlags {
                read_only: flags & SQLITE_OPEN_READONLY != 0,
                create: flags & SQLITE_OPEN_CREATE != 0,
                uri,
                any_vfs: true,
                memory: flags & SQLITE_OPEN_MEMORY != 0,
                shared_cache: flags & SQLITE_OPEN_SHAREDCACHE != 0,
                memdb: is_memdb,
                new_file_wal: false,
            },
        )
    });
    let db = match opened {
        Ok(raw) => sqlite3::new(Some(raw), with_mutex),
        Err(error) => {
            let db = sqlite3::new(None, with_mutex);
            db.error.fail(&error);
            db
        }
    };
    db.error.show_extended(flags & SQLITE_OPEN_EXRESCODE != 0);
    let _ = db.world.set(world);
    *db.names.main_parameters.borrow_mut() = parameters;
    Ok(db)
}

/// Opens and hands the handle out, then runs the automatic extensions.
///
/// # Safety
/// `out` is NULL or writable.
unsafe fn open_into(out: *mut *mut sqlite3, name: &[u8], flags: c_int, vfs_name: Option<&[u8]>) -> c_int {
    code(|| {
        if out.is_null() {
            return library::misuse(line!());
        }
        // SAFETY: by the caller.
        unsafe { store(out, ptr::null_mut()) };
        let rc = library::initialize();
        if rc != SQLITE_OK {
            return rc;
        }
        let db = match open(name, flags, vfs_name) {
            Ok(db) => Box::into_raw(db),
            Err(rc) => return rc,
        };
        // SAFETY: it was just boxed.
        let handle = unsafe { &*db };
        if handle.error.code() == SQLITE_OK {
            super::extension::run_automatic(handle);
        }
        // SAFETY: by the caller.
        unsafe { store(out, db) };
        handle.error.shown(handle.error.code())
    })
}

/// Opens a database for reading and writing; makes it if it is not there.
///
/// # Safety
/// `name` is NULL or a C string; `out` is writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_open(name: *const c_char, out: *mut *mut sqlite3) -> c_int {
    // SAFETY: the caller's contract.
    unsafe {
        let name = text(name).unwrap_or_default();
        open_into(out, name, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, None)
    }
}

/// Opens a database.
///
/// # Safety
/// `name` and `vfs_name` are NULL or C strings; `out` is writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_open_v2(
    name: *const c_char,
    out: *mut *mut sqlite3,
    flags: c_int,
    vfs_name: *const c_char,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { open_into(out, text(name).unwrap_or_default(), flags, text(vfs_name)) }
}

/// As `sqlite3_open`, with a name in UTF-16. A database that is made stores its text in UTF-16.
///
/// # Safety
/// `name` is NULL or UTF-16 text with a NUL; `out` is writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_open16(name: *const c_void, out: *mut *mut sqlite3) -> c_int {
    // SAFETY: the caller's contract.
    unsafe {
        let name = narrowed(wide(name, -1).unwrap_or_default());
        let rc = open_into(out, &name, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, None);
        if rc == SQLITE_OK
            && let Some(db) = super::enter(*out)
        {
            db.raw().prefer_utf16();
        }
        rc
    }
}

/// # Safety
/// As for `sqlite3_close`.
unsafe fn close(db: *mut sqlite3, leave_to_users: bool) -> c_int {
    code(|| {
        if db.is_null() {
            return SQLITE_OK;
        }
        // SAFETY: by the caller.
        let Some(handle) = (unsafe { handle_or_sick(db) }) else { return library::misuse(line!()) };
        if handle.is_zombie() {
            return library::misuse(line!());
        }
        if handle.is_open() {
            let entered = handle.enter();
            if entered.trace.wants(SQLITE_TRACE_CLOSE) {
                entered.trace_close();
            }
            if entered.is_used() {
                if !leave_to_users {
                    let message = "unable to close due to unfinalized statements or unfinished backups";
                    return entered.fail(SQLITE_BUSY, message);
                }
                entered.set_phase(Phase::Zombie);
                return SQLITE_OK;
            }
        }
        // SAFETY: nobody uses it any more.
        unsafe { free(db) };
        SQLITE_OK
    })
}

/// Frees a handle that nobody uses.
///
/// # Safety
/// `db` came from [`open`], has no users, and its lock is not held.
unsafe fn free(db: *mut sqlite3) {
    // SAFETY: by the caller.
    let handle = unsafe { &*db };
    // The engine's connection goes first, while its callbacks still find the handle.
    // SAFETY: by the caller.
    drop(unsafe { handle.close_raw() });
    let client_data = handle.client_data.take();
    drop(client_data);
    handle.set_phase(Phase::Closed);
    // SAFETY: by the caller.
    drop(unsafe { Box::from_raw(db) });
}

/// Frees a closed handle if nobody uses it any more.
///
/// # Safety
/// `db` is a handle whose lock is not held by this thread.
pub(crate) unsafe fn free_if_unused(db: *mut sqlite3) {
    // SAFETY: by the caller.
    unsafe {
        if (*db).is_zombie() && !(*db).is_used() {
            free(db);
        }
    }
}

/// Closes a connection, unless statements or backups are there.
///
/// # Safety
/// `db` is NULL or a connection, which is not used any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_close(db: *mut sqlite3) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { close(db, false) }
}

/// Closes a connection as soon as its last statement, backup and blob is gone.
///
/// # Safety
/// As for `sqlite3_close`; statements may still be used.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_close_v2(db: *mut sqlite3) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { close(db, true) }
}
