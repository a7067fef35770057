//! Running statements: step, reset, finalize.
//!
//! Spec: C/C++ Interface, "Evaluate An SQL Statement", "Reset A Prepared Statement Object", "Destroy A Prepared Statement Object".

use std::ffi::c_int;

use kernite::engine::vdbe::Error;

use super::{Failure, handle, sqlite3_stmt, with};
use crate::boundary::code;
use crate::connection::error::message_of;
use crate::connection::open::free_if_unused;
use crate::connection::{Entered, trace};
use crate::constant::*;
use crate::library;

impl sqlite3_stmt {
    /// A run begins: whoever traces is told.
    #[cold]
    fn tell_start(&self, db: &Entered<'_>) {
        self.started_ns.set(trace::clock_ns(db));
        if db.trace.wants(SQLITE_TRACE_STMT) {
            db.trace_start(self, self.text_with_nul());
        }
    }

    /// A run has ended.
    #[inline]
    fn end_run(&self, db: &Entered<'_>) {
        self.forget_row();
        if self.is_running.replace(false) && db.trace.wants(SQLITE_TRACE_PROFILE) {
            let elapsed = trace::clock_ns(db).saturating_sub(self.started_ns.get());
            db.trace_end(self, self.text_with_nul(), elapsed);
        }
    }

    /// Notes what a run failed with, and gives the code that a step shows.
    #[cold]
    fn note_failure(&self, db: &Entered<'_>, error: &Error) -> c_int {
        let code = error.code();
        *self.failure.borrow_mut() =
            Some(Failure { code, message: message_of(error).map(String::into_bytes) });
        if self.is_old {
            // The old functions tell the code when the statement is reset.
            return match code & 0xff {
                SQLITE_BUSY | SQLITE_MISUSE => db.error.fail(error),
                _ => db.error.set(SQLITE_ERROR),
            };
        }
        if code & 0xff != SQLITE_BUSY {
            let message = [
                format!("statement aborts: [{}] ", String::from_utf8_lossy(self.sql())).as_bytes(),
                &crate::connection::error::shown_message(error)[..],
            ]
            .concat();
            library::log::write(code, &message);
        }
        db.error.fail(error)
    }

    fn step(&self, db: &Entered<'_>) -> c_int {
        self.forget_row();
        self.was_stepped.set(true);
        if !self.is_running.replace(true) && (db.trace.wants(SQLITE_TRACE_STMT | SQLITE_TRACE_PROFILE)) {
            self.tell_start(db);
        }
        // SAFETY: the lock is held; callbacks that step this very statement are told below that it is busy.
        match unsafe { self.engine() }.step_locked(db.lock()) {
            Ok(true) => {
                self.take_row();
                if db.trace.wants(SQLITE_TRACE_ROW) {
                    db.trace_row(self);
                }
                db.error.note_code(SQLITE_ROW);
                SQLITE_ROW
            }
            Ok(false) => {
                self.end_run(db);
                db.error.note_code(SQLITE_DONE);
                SQLITE_DONE
            }
            Err(error) => {
                self.end_run(db);
                self.note_failure(db, &error)
            }
        }
    }

    /// Ends a run and tells what the last one failed with.
    fn reset(&self, db: &Entered<'_>) -> c_int {
        self.end_run(db);
        // SAFETY: as in `step`.
        let ended = unsafe { self.engine() }.reset_locked(db.lock());
        let failure = self.failure.borrow_mut().take();
        let was_stepped = self.was_stepped.take();
        match (failure, ended) {
            (Some(Failure { code, message: Some(message) }), _) => db.error.set_message(code, &message),
            (Some(Failure { code, message: None }), _) => db.error.set(code),
            (None, Err(error)) => db.error.fail(&error),
            // What was not stepped has nothing to tell: the connection keeps the error that it has.
            (None, Ok(())) if !was_stepped => SQLITE_OK,
            (None, Ok(())) => {
                db.error.clear();
                SQLITE_OK
            }
        }
    }
}

/// Runs to the next row (`SQLITE_ROW`) or to the end (`SQLITE_DONE`).
///
/// # Safety
/// `statement` is NULL or a statement that was not finalised. So for all functions here.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_step(statement: *mut sqlite3_stmt) -> c_int {
    // SAFETY: the caller's contract.
    unsafe {
        with(statement, |statement, db| {
            if statement.failure.borrow().is_some() {
                // A statement that failed starts again.
                statement.failure.borrow_mut().take();
            }
            statement.step(db)
        })
    }
}

/// Goes back to the start; bindings stay. Tells what the last run failed with.
///
/// # Safety
/// As for `sqlite3_step`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_reset(statement: *mut sqlite3_stmt) -> c_int {
    if statement.is_null() {
        return SQLITE_OK;
    }
    // SAFETY: the caller's contract.
    unsafe { with(statement, |statement, db| statement.reset(db)) }
}

/// Ends a statement. Tells what its last run failed with. NULL is nothing.
///
/// # Safety
/// `statement` is NULL or a statement, which is not used any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_finalize(statement: *mut sqlite3_stmt) -> c_int {
    if statement.is_null() {
        return SQLITE_OK;
    }
    code(|| {
        // SAFETY: the caller's contract.
        unsafe {
            let Some(known) = handle(statement) else { return library::misuse(line!()) };
            let db = known.db_ptr();
            let rc = {
                let entered = (*db).enter();
                let rc = known.reset(&entered);
                known.unlink(&entered);
                drop(Box::from_raw(statement));
                rc
            };
            free_if_unused(db);
            rc
        }
    })
}
