//! Hooks and handlers of a connection: commit, rollback, update, WAL, progress, busy, collation needed.
//!
//! The engine keeps one closure for each, which looks up what is registered here at the moment of the call. So a callback may remove or
//! replace itself.
//!
//! Spec: C/C++ Interface, "Commit And Rollback Notification Callbacks", "Data Change Notification Callbacks", "Write-Ahead Log Commit
//! Hook", "Query Progress Callbacks", "Register A Callback To Handle SQLITE_BUSY Errors", "Collation Needed Callbacks".

use std::cell::Cell;
use std::ffi::{CString, c_char, c_int, c_uint, c_void};
use std::ptr;

use kernite::connection::{BusyHandler, UpdateEvent};
use kernite::engine::vdbe::machine::ChangeKind;

use super::{ask, sqlite3, with};
use crate::boundary::{Destructor, UserData};
use crate::constant::*;
use crate::sqlite3_int64;

type BusyCallback = unsafe extern "C" fn(*mut c_void, c_int) -> c_int;
type CommitCallback = unsafe extern "C" fn(*mut c_void) -> c_int;
type RollbackCallback = unsafe extern "C" fn(*mut c_void);
type UpdateCallback = unsafe extern "C" fn(*mut c_void, c_int, *const c_char, *const c_char, sqlite3_int64);
type WalCallback = unsafe extern "C" fn(*mut c_void, *mut sqlite3, *const c_char, c_int) -> c_int;
type ProgressCallback = unsafe extern "C" fn(*mut c_void) -> c_int;
pub(crate) type CollationCallback = unsafe extern "C" fn(*mut c_void, *mut sqlite3, c_int, *const c_char);
pub(crate) type CollationCallback16 = unsafe extern "C" fn(*mut c_void, *mut sqlite3, c_int, *const c_void);

/// Who is asked for a collation that is not registered.
#[derive(Clone, Copy)]
pub(crate) enum CollationNeeded {
    Narrow(CollationCallback, UserData),
    Wide(CollationCallback16, UserData),
}

/// One callback with its argument.
type Slot<F> = Cell<Option<(F, UserData)>>;

/// What the application registered.
#[derive(Default)]
pub(crate) struct Callbacks {
    busy: Slot<BusyCallback>,
    commit: Slot<CommitCallback>,
    rollback: Slot<RollbackCallback>,
    update: Slot<UpdateCallback>,
    wal: Slot<WalCallback>,
    progress: Slot<ProgressCallback>,
    pub(crate) collation_needed: Cell<Option<CollationNeeded>>,
}

/// The handle, for a closure that the engine keeps. The engine's connection is dropped before the handle is.
#[derive(Clone, Copy)]
pub(crate) struct Back(*const sqlite3);

// SAFETY: the closures run while the connection's lock is held, on the thread that holds it.
unsafe impl Send for Back {}
// SAFETY: as above.
unsafe impl Sync for Back {}

impl Back {
    pub(crate) fn new(db: &sqlite3) -> Back {
        Back(db)
    }

    pub(crate) fn db(&self) -> &sqlite3 {
        // SAFETY: see the type.
        unsafe { &*self.0 }
    }
}

/// Puts a callback in its slot and gives the argument of the old one.
fn replace<F: Copy>(slot: &Slot<F>, callback: Option<F>, data: *mut c_void) -> *mut c_void {
    let old = slot.replace(callback.map(|callback| (callback, UserData(data))));
    old.map_or(ptr::null_mut(), |(_, data)| data.0)
}

/// Registers who is asked when a lock is in the way; NULL removes it.
///
/// # Safety
/// `db` is NULL or a connection; `callback` may be called with `data` as long as it is registered. So for all callbacks here.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_busy_handler(
    db: *mut sqlite3,
    callback: Option<unsafe extern "C" fn(*mut c_void, c_int) -> c_int>,
    data: *mut c_void,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe {
        with(db, |db| {
            replace(&db.callbacks.busy, callback, data);
            db.raw().set_busy_handler(match callback {
                None => BusyHandler::None,
                Some(_) => {
                    let back = Back::new(db);
                    BusyHandler::Callback(Box::new(move |count| match back.db().callbacks.busy.get() {
                        // SAFETY: the application's function with its own argument.
                        Some((callback, data)) => callback(data.0, count as c_int) != 0,
                        None => false,
                    }))
                }
            });
            SQLITE_OK
        })
    }
}

/// Waits up to so many milliseconds when a lock is in the way; 0 or less: not at all.
///
/// # Safety
/// `db` is NULL or a connection.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_busy_timeout(db: *mut sqlite3, ms: c_int) -> c_int {
    // SAFETY: the caller's contract.
    unsafe {
        with(db, |db| {
            db.callbacks.busy.set(None);
            db.raw().set_busy_handler(match u32::try_from(ms) {
                Ok(ms @ 1..) => BusyHandler::Timeout(ms),
                _ => BusyHandler::None,
            });
            SQLITE_OK
        })
    }
}

/// Registers who is called before a commit; not 0 turns it into a rollback. Gives the argument of the old callback.
///
/// # Safety
/// As for `sqlite3_busy_handler`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_commit_hook(
    db: *mut sqlite3,
    callback: Option<unsafe extern "C" fn(*mut c_void) -> c_int>,
    data: *mut c_void,
) -> *mut c_void {
    // SAFETY: the caller's contract.
    unsafe {
        ask(db, ptr::null_mut(), |db| {
            let back = Back::new(db);
            db.raw().set_hooks(|hooks| {
                hooks.commit = callback.map(|_| -> Box<dyn FnMut() -> bool + Send> {
                    Box::new(move || match back.db().callbacks.commit.get() {
                        // SAFETY: the application's function with its own argument.
                        Some((callback, data)) => callback(data.0) != 0,
                        None => false,
                    })
                });
            });
            replace(&db.callbacks.commit, callback, data)
        })
    }
}

/// Registers who is called after a rollback. Gives the argument of the old callback.
///
/// # Safety
/// As for `sqlite3_busy_handler`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_rollback_hook(
    db: *mut sqlite3,
    callback: Option<unsafe extern "C" fn(*mut c_void)>,
    data: *mut c_void,
) -> *mut c_void {
    // SAFETY: the caller's contract.
    unsafe {
        ask(db, ptr::null_mut(), |db| {
            let back = Back::new(db);
            db.raw().set_hooks(|hooks| {
                hooks.rollback = callback.map(|_| -> Box<dyn FnMut() + Send> {
                    Box::new(move || {
                        if let Some((callback, data)) = back.db().callbacks.rollback.get() {
                            // SAFETY: the application's function with its own argument.
                            callback(data.0);
                        }
                    })
                });
            });
            replace(&db.callbacks.rollback, callback, data)
        })
    }
}

/// Registers who is called after a row was changed. Gives the argument of the old callback.
///
/// # Safety
/// As for `sqlite3_busy_handler`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_update_hook(
    db: *mut sqlite3,
    callback: Option<unsafe extern "C" fn(*mut c_void, c_int, *const c_char, *const c_char, sqlite3_int64)>,
    data: *mut c_void,
) -> *mut c_void {
    // SAFETY: the caller's contract.
    unsafe {
        ask(db, ptr::null_mut(), |db| {
            let back = Back::new(db);
            db.raw().set_hooks(|hooks| {
                hooks.update = callback.map(|_| -> Box<dyn FnMut(&UpdateEvent<'_>) + Send> {
                    Box::new(move |event| call_update(back.db(), event))
                });
            });
            replace(&db.callbacks.update, callback, data)
        })
    }
}

fn call_update(db: &sqlite3, event: &UpdateEvent<'_>) {
    let Some((callback, data)) = db.callbacks.update.get() else { return };
    let operation = match event.kind {
        ChangeKind::Insert => SQLITE_INSERT,
        ChangeKind::Delete => SQLITE_DELETE,
        ChangeKind::Update => SQLITE_UPDATE,
    };
    let (Ok(database), Ok(table)) = (CString::new(event.database), CString::new(event.table)) else { return };
    // SAFETY: the application's function with its own argument; the names live for the call.
    unsafe { callback(data.0, operation, database.as_ptr(), table.as_ptr(), event.rowid) };
}

/// Registers who is called after a commit in WAL mode. Gives the argument of the old callback. It takes the place of automatic
/// checkpoints.
///
/// # Safety
/// As for `sqlite3_busy_handler`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_wal_hook(
    db: *mut sqlite3,
    callback: Option<unsafe extern "C" fn(*mut c_void, *mut sqlite3, *const c_char, c_int) -> c_int>,
    data: *mut c_void,
) -> *mut c_void {
    // SAFETY: the caller's contract.
    unsafe {
        ask(db, ptr::null_mut(), |db| {
            let back = Back::new(db);
            db.raw().set_wal_autocheckpoint(0);
            db.raw().set_hooks(|hooks| {
                hooks.wal =
                    callback.map(|_| -> Box<dyn FnMut(kernite::engine::vdbe::Db, &str, u32) -> i32 + Send> {
                        Box::new(move |_, name, frames| {
                            let Some((callback, data)) = back.db().callbacks.wal.get() else {
                                return SQLITE_OK;
                            };
                            let Ok(name) = CString::new(name) else { return SQLITE_OK };
                            // SAFETY: the application's function with its own argument.
                            callback(data.0, back.db().as_ptr(), name.as_ptr(), frames as c_int)
                        })
                    });
            });
            replace(&db.callbacks.wal, callback, data)
        })
    }
}

/// Checkpoints after a commit that leaves so many frames in the WAL; 0 or less: never. It takes the place of a WAL hook.
///
/// # Safety
/// `db` is NULL or a connection.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_wal_autocheckpoint(db: *mut sqlite3, frames: c_int) -> c_int {
    // SAFETY: the caller's contract.
    unsafe {
        with(db, |db| {
            db.callbacks.wal.set(None);
            db.raw().set_hooks(|hooks| hooks.wal = None);
            db.raw().set_wal_autocheckpoint(u32::try_from(frames).unwrap_or(0));
            SQLITE_OK
        })
    }
}

/// Registers who is called every so many instructions; not 0 interrupts the statement.
///
/// # Safety
/// As for `sqlite3_busy_handler`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_progress_handler(
    db: *mut sqlite3,
    instructions: c_int,
    callback: Option<unsafe extern "C" fn(*mut c_void) -> c_int>,
    data: *mut c_void,
) {
    // SAFETY: the caller's contract.
    unsafe {
        ask(db, (), |db| {
            let callback = callback.filter(|_| instructions > 0);
            let back = Back::new(db);
            replace(&db.callbacks.progress, callback, data);
            db.raw().set_hooks(|hooks| {
                hooks.progress = callback.map(|_| -> Box<dyn FnMut() -> bool + Send> {
                    Box::new(move || match back.db().callbacks.progress.get() {
                        // SAFETY: the application's function with its own argument.
                        Some((callback, data)) => callback(data.0) != 0,
                        None => false,
                    })
                });
            });
            let interval = if callback.is_some() { instructions.unsigned_abs() } else { 0 };
            db.raw().set_progress_interval(interval);
        });
    }
}

/// Registers who is asked for a collation that is not registered.
///
/// # Safety
/// As for `sqlite3_busy_handler`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_collation_needed(
    db: *mut sqlite3,
    data: *mut c_void,
    callback: Option<unsafe extern "C" fn(*mut c_void, *mut sqlite3, c_int, *const c_char)>,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe {
        with(db, |db| {
            let needed = callback.map(|callback| CollationNeeded::Narrow(callback, UserData(data)));
            db.callbacks.collation_needed.set(needed);
            SQLITE_OK
        })
    }
}

/// As `sqlite3_collation_needed`; the name comes in UTF-16.
///
/// # Safety
/// As for `sqlite3_busy_handler`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_collation_needed16(
    db: *mut sqlite3,
    data: *mut c_void,
    callback: Option<unsafe extern "C" fn(*mut c_void, *mut sqlite3, c_int, *const c_void)>,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe {
        with(db, |db| {
            let needed = callback.map(|callback| CollationNeeded::Wide(callback, UserData(data)));
            db.callbacks.collation_needed.set(needed);
            SQLITE_OK
        })
    }
}

/// Calls back when the connection that blocks this one is done. No connection shares a cache with another, so that none ever blocks.
///
/// # Safety
/// As for `sqlite3_busy_handler`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_unlock_notify(
    db: *mut sqlite3,
    callback: Option<unsafe extern "C" fn(*mut *mut c_void, c_int)>,
    data: *mut c_void,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe {
        with(db, |db| {
            if let Some(callback) = callback {
                let mut data = data;
                callback(&raw mut data, 1);
            }
            db.error.clear();
            SQLITE_OK
        })
    }
}

/// Registers who decides how many free pages an automatic vacuum gives back. Not built.
///
/// # Safety
/// `db` is NULL or a connection; `destructor` takes `data`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_autovacuum_pages(
    db: *mut sqlite3,
    callback: Option<unsafe extern "C" fn(*mut c_void, *const c_char, c_uint, c_uint, c_uint) -> c_uint>,
    data: *mut c_void,
    destructor: Destructor,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe {
        let rc = with(db, |db| match callback {
            None => SQLITE_OK,
            Some(_) => db.missing("sqlite3_autovacuum_pages"),
        });
        if let (true, Some(destructor)) = (rc != SQLITE_OK, destructor) {
            destructor(data);
        }
        rc
    }
}

/// Registers who is called before a row is changed. Not built: the connection's error says so.
///
/// # Safety
/// As for `sqlite3_busy_handler`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_preupdate_hook(
    db: *mut sqlite3,
    callback: Option<
        unsafe extern "C" fn(
            *mut c_void,
            *mut sqlite3,
            c_int,
            *const c_char,
            *const c_char,
            sqlite3_int64,
            sqlite3_int64,
        ),
    >,
    _data: *mut c_void,
) -> *mut c_void {
    // SAFETY: the caller's contract.
    unsafe {
        ask(db, ptr::null_mut(), |db| {
            if callback.is_some() {
                db.missing("sqlite3_preupdate_hook");
            }
            ptr::null_mut()
        })
    }
}
