//! Prepared statements: the handle `sqlite3_stmt`.
//!
//! ```text
//! sqlite3_stmt ── engine: the engine's statement
//!              ── row: the registers of the row at hand, read without the lock
//!              ── values: one sqlite3_value a column, made when first asked for
//!              ── outcome of the last run, for sqlite3_reset and sqlite3_finalize
//! ```
//!
//! The row's registers do not move until the statement is stepped, reset or finalised, and nobody else may do that while its columns are
//! read: that is the interface's own rule, which is why columns need no lock.
//!
//! Rooms: `prepare`, `step` (step, reset, finalize), `bind`, `column`, `about` (text, kind, counters), `expand`.
//!
//! Spec: C/C++ Interface, "Prepared Statement Object".

pub mod about;
pub mod bind;
pub mod column;
mod expand;
mod names;
pub mod prepare;
pub mod step;

use std::cell::{Cell, RefCell, UnsafeCell};
use std::ffi::c_int;
use std::ptr;

use kernite::connection::raw;
use kernite::engine::btree::Encoding;
use kernite::engine::vdbe::Register;

use crate::connection::{Entered, sqlite3};
use crate::constant::*;
use crate::library::log;
use crate::value::sqlite3_value;

/// A prepared statement.
pub struct sqlite3_stmt {
    db: *mut sqlite3,
    engine: UnsafeCell<raw::Statement>,
    /// The statement's text, with a NUL.
    text: Box<[u8]>,
    /// Prepared by one of the old functions: a step tells only `SQLITE_ERROR`, and is not compiled again.
    is_old: bool,
    row: Cell<*mut Register>,
    row_len: Cell<usize>,
    /// Whether the row's registers are the statement's own, so that text can be ended in place.
    row_is_own: Cell<bool>,
    encoding: Cell<Encoding>,
    /// A run is under way: the next step does not begin one.
    is_running: Cell<bool>,
    /// It was stepped since it was last reset.
    was_stepped: Cell<bool>,
    started_ns: Cell<u64>,
    values: UnsafeCell<Vec<sqlite3_value>>,
    names: names::ColumnNames,
    /// What the last run failed with, until the statement is reset.
    failure: RefCell<Option<Failure>>,
    /// Text of parameters' names that was handed out, with NULs.
    parameter_names: RefCell<Vec<Option<Box<[u8]>>>>,
    next: Cell<*mut sqlite3_stmt>,
    previous: Cell<*mut sqlite3_stmt>,
}

/// What a run failed with.
#[derive(Clone)]
struct Failure {
    code: c_int,
    message: Option<Vec<u8>>,
}

impl sqlite3_stmt {
    /// A handle for an engine's statement, first in its connection's list.
    pub(crate) fn new(db: &Entered<'_>, engine: raw::Statement, is_old: bool) -> *mut sqlite3_stmt {
        let text = [engine.sql(), b"\0"].concat().into_boxed_slice();
        let encoding = engine.encoding();
        let statement = Box::into_raw(Box::new(sqlite3_stmt {
            db: db.as_ptr(),
            engine: UnsafeCell::new(engine),
            text,
            is_old,
            row: Cell::new(ptr::null_mut()),
            row_len: Cell::new(0),
            row_is_own: Cell::new(false),
            encoding: Cell::new(encoding),
            is_running: Cell::new(false),
            was_stepped: Cell::new(false),
            started_ns: Cell::new(0),
            values: UnsafeCell::default(),
            names: names::ColumnNames::default(),
            failure: RefCell::default(),
            parameter_names: RefCell::default(),
            next: Cell::new(db.statements.get()),
            previous: Cell::new(ptr::null_mut()),
        }));
        let second = db.statements.replace(statement);
        // SAFETY: handles in the list are there until they are finalised, which takes them out.
        if let Some(second) = unsafe { second.as_ref() } {
            second.previous.set(statement);
        }
        statement
    }

    /// Takes it out of its connection's list.
    fn unlink(&self, db: &Entered<'_>) {
        let (next, previous) = (self.next.get(), self.previous.get());
        // SAFETY: as in `new`.
        unsafe {
            match previous.as_ref() {
                Some(previous) => previous.next.set(next),
                None => db.statements.set(next),
            }
            if let Some(next) = next.as_ref() {
                next.previous.set(previous);
            }
        }
    }

    /// As C knows it.
    pub(crate) fn as_ptr(&self) -> *mut sqlite3_stmt {
        ptr::from_ref(self).cast_mut()
    }

    /// Its connection.
    pub(crate) fn db(&self) -> &sqlite3 {
        // SAFETY: a handle with statements is not freed.
        unsafe { &*self.db }
    }

    pub(crate) fn db_ptr(&self) -> *mut sqlite3 {
        self.db
    }

    /// The engine's statement.
    ///
    /// # Safety
    /// The lock is held, and nothing else that this gave is in use: no callback of the application runs meanwhile.
    #[allow(clippy::mut_from_ref)]
    pub(crate) unsafe fn engine(&self) -> &mut raw::Statement {
        // SAFETY: by the caller.
        unsafe { &mut *self.engine.get() }
    }

    /// The statement's text, with a NUL.
    pub(crate) fn text_with_nul(&self) -> &[u8] {
        &self.text
    }

    /// There is no row any more.
    #[inline]
    fn forget_row(&self) {
        self.row.set(ptr::null_mut());
        self.row_len.set(0);
    }

    /// Takes the engine's row as the one at hand.
    #[inline]
    fn take_row(&self) {
        // SAFETY: the lock is held by `step`, which calls this between two uses of the engine's statement.
        let engine = unsafe { self.engine() };
        self.encoding.set(engine.encoding());
        if let Some(row) = engine.row_mut() {
            self.row_is_own.set(true);
            self.row_len.set(row.len());
            self.row.set(row.as_mut_ptr());
        } else {
            let row = engine.row();
            self.row_is_own.set(false);
            self.row_len.set(row.len());
            self.row.set(row.as_ptr().cast_mut());
        }
        // Text that was made of the last row is good no more.
        // SAFETY: nobody may look at columns while the statement is stepped.
        unsafe {
            (*self.values.get())
                .iter_mut()
                .for_each(|value| value.show(ptr::null_mut(), false, Encoding::Utf8))
        };
    }

    /// A column of the row at hand.
    #[inline]
    fn register(&self, column: c_int) -> Option<&Register> {
        let column = usize::try_from(column).ok().filter(|&column| column < self.row_len.get())?;
        // SAFETY: the row has that many registers, which stay as long as it is at hand.
        Some(unsafe { &*self.row.get().add(column) })
    }

    /// The value object of a column of the row at hand.
    ///
    /// # Safety
    /// Nobody else reads columns of this statement at the same time.
    #[inline]
    unsafe fn value(&self, column: c_int) -> Option<&mut sqlite3_value> {
        let at = usize::try_from(column).ok().filter(|&column| column < self.row_len.get())?;
        // SAFETY: by the caller.
        let values = unsafe { &mut *self.values.get() };
        if values.len() < self.row_len.get() {
            // Objects that were handed out stay where they are: the list is made once, before the first is.
            let mut all = Vec::with_capacity(self.row_len.get());
            all.resize_with(self.row_len.get(), sqlite3_value::new);
            *values = all;
        }
        let value = &mut values[at];
        // SAFETY: as in `register`.
        let register = unsafe { self.row.get().add(at) };
        if !value.shows(register) {
            value.show(register, self.row_is_own.get(), self.encoding.get());
        }
        Some(value)
    }
}

/// The statement behind a pointer; none is told to the log.
///
/// # Safety
/// `statement` is NULL or a statement that was not finalised.
#[inline]
pub(crate) unsafe fn handle<'a>(statement: *mut sqlite3_stmt) -> Option<&'a sqlite3_stmt> {
    // SAFETY: by the caller.
    let handle = unsafe { statement.as_ref() };
    if handle.is_none() {
        log::write(SQLITE_MISUSE, b"API called with NULL prepared statement");
    }
    handle
}

/// Runs `body` on a statement with its connection's lock held; `SQLITE_MISUSE` where there is none.
///
/// # Safety
/// As for [`handle`].
#[inline]
pub(crate) unsafe fn with(
    statement: *mut sqlite3_stmt,
    body: impl FnOnce(&sqlite3_stmt, &Entered<'_>) -> c_int,
) -> c_int {
    crate::boundary::code(|| {
        // SAFETY: by the caller.
        match unsafe { handle(statement) } {
            Some(statement) => body(statement, &statement.db().enter()),
            None => crate::library::misuse(line!()),
        }
    })
}
