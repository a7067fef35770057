//! Online backup: copying one database over another.
//!
//! A source that is being written or a target that is in use makes a step fail with `SQLITE_BUSY`, and it may be tried again.
//!
//! Spec: C/C++ Interface, "Online Backup API".

use std::cell::{Cell, RefCell};
use std::ffi::{c_char, c_int};
use std::ptr;

use kernite::connection::raw::Backup;

use crate::boundary::{code, guard};
use crate::connection::database::number;
use crate::connection::open::free_if_unused;
use crate::connection::{Entered, enter, sqlite3};
use crate::constant::*;
use crate::library::misuse;

/// A backup under way.
pub struct sqlite3_backup {
    target: *mut sqlite3,
    source: *mut sqlite3,
    engine: RefCell<Backup>,
    pages: Cell<c_int>,
    left: Cell<c_int>,
    rc: Cell<c_int>,
}

/// # Safety
/// `name` is NULL or a C string.
unsafe fn find(errors: &Entered<'_>, db: &Entered<'_>, name: *const c_char) -> Option<usize> {
    // SAFETY: by the caller.
    let found = unsafe { number(db, name) };
    if found.is_none() {
        // SAFETY: by the caller.
        let name = unsafe { crate::boundary::text(name) }.unwrap_or_default();
        errors.fail(SQLITE_ERROR, &format!("unknown database {}", String::from_utf8_lossy(name)));
    }
    found
}

/// Begins a backup of one database over another, of another connection. NULL if that cannot be; the target's error says why.
///
/// # Safety
/// Both are NULL or connections; names are NULL or C strings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_backup_init(
    target: *mut sqlite3,
    target_name: *const c_char,
    source: *mut sqlite3,
    source_name: *const c_char,
) -> *mut sqlite3_backup {
    guard(ptr::null_mut(), || {
        // SAFETY: the caller's contract.
        unsafe {
            let (Some(from), Some(to)) = (enter(source), enter(target)) else {
                misuse(line!());
                return ptr::null_mut();
            };
            if ptr::eq(source, target) {
                to.fail(SQLITE_ERROR, "source and destination must be distinct");
                return ptr::null_mut();
            }
            let Some(source_number) = find(&to, &from, source_name) else { return ptr::null_mut() };
            let Some(target_number) = find(&to, &to, target_name) else { return ptr::null_mut() };
            let engine = match Backup::new(to.raw(), target_number, from.raw(), source_number) {
                Ok(engine) => engine,
                Err(error) => {
                    to.error.fail(&error);
                    return ptr::null_mut();
                }
            };
            from.users.set(from.users.get() + 1);
            from.backups.set(from.backups.get() + 1);
            to.users.set(to.users.get() + 1);
            to.error.clear();
            Box::into_raw(Box::new(sqlite3_backup {
                target,
                source,
                engine: RefCell::new(engine),
                pages: Cell::new(0),
                left: Cell::new(0),
                rc: Cell::new(SQLITE_OK),
            }))
        }
    })
}

/// Whether a backup that failed so may be tried again.
fn may_retry(rc: c_int) -> bool {
    matches!(rc, SQLITE_OK | SQLITE_BUSY | SQLITE_LOCKED)
}

/// Copies; `SQLITE_DONE` when all is copied. With 0 pages it only looks.
///
/// # Safety
/// `backup` is NULL or a backup that was not finished. So for all functions here.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_backup_step(backup: *mut sqlite3_backup, pages: c_int) -> c_int {
    code(|| {
        // SAFETY: the caller's contract; connections with backups are not freed.
        unsafe {
            let Some(backup) = backup.as_ref() else { return misuse(line!()) };
            let _entered = ((*backup.source).enter(), (*backup.target).enter());
            if !may_retry(backup.rc.get() & 0xff) {
                return backup.rc.get();
            }
            let Ok(mut engine) = backup.engine.try_borrow_mut() else { return misuse(line!()) };
            // A negative number means all pages.
            let outcome = engine.step(u32::try_from(pages).unwrap_or(u32::MAX));
            let shown = |pages| c_int::try_from(pages).unwrap_or(c_int::MAX);
            let rc = match outcome {
                Ok(done) => {
                    backup.pages.set(shown(engine.page_count()));
                    backup.left.set(shown(engine.remaining()));
                    if done { SQLITE_DONE } else { SQLITE_OK }
                }
                Err(error) => error.code(),
            };
            backup.rc.set(rc);
            rc
        }
    })
}

/// Ends a backup, complete or not. Tells what went wrong, if anything did that could not be tried again.
///
/// # Safety
/// As for `sqlite3_backup_step`; it is not used any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_backup_finish(backup: *mut sqlite3_backup) -> c_int {
    if backup.is_null() {
        return SQLITE_OK;
    }
    code(|| {
        // SAFETY: the caller's contract.
        unsafe {
            let backup = *Box::from_raw(backup);
            let mut rc = match backup.rc.get() {
                SQLITE_DONE => SQLITE_OK,
                rc => rc,
            };
            {
                let (from, to) = ((*backup.source).enter(), (*backup.target).enter());
                if let Err(error) = backup.engine.into_inner().finish()
                    && rc == SQLITE_OK
                {
                    rc = error.code();
                }
                from.users.set(from.users.get() - 1);
                from.backups.set(from.backups.get() - 1);
                to.users.set(to.users.get() - 1);
                to.error.set(rc);
            }
            free_if_unused(backup.source);
            free_if_unused(backup.target);
            rc
        }
    })
}

/// Pages that were left after the last step.
///
/// # Safety
/// As for `sqlite3_backup_step`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_backup_remaining(backup: *mut sqlite3_backup) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { backup.as_ref() }.map_or(0, |backup| backup.left.get())
}

/// Pages of the source at the last step.
///
/// # Safety
/// As for `sqlite3_backup_step`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_backup_pagecount(backup: *mut sqlite3_backup) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { backup.as_ref() }.map_or(0, |backup| backup.pages.get())
}
