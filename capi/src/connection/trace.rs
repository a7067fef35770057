//! Tracing: what the application is told about statements that run.
//!
//! ```text
//! step of a statement at its start ──> STMT     row ──> ROW     end of a run ──> PROFILE     close ──> CLOSE
//! ```
//!
//! Spec: C/C++ Interface, "SQL Trace Hook", "Tracing And Profiling Functions".

use std::cell::Cell;
use std::ffi::{c_char, c_int, c_uint, c_void};
use std::ptr;

use super::{Entered, ask, sqlite3, with};
use crate::boundary::UserData;
use crate::constant::*;
use crate::library;
use crate::sqlite3_uint64;
use crate::statement::sqlite3_stmt;

type TraceV2 = unsafe extern "C" fn(c_uint, *mut c_void, *mut c_void, *mut c_void) -> c_int;
type TraceV1 = unsafe extern "C" fn(*mut c_void, *const c_char);
type Profile = unsafe extern "C" fn(*mut c_void, *const c_char, sqlite3_uint64);

/// Who is told what.
#[derive(Default)]
pub(crate) struct Trace {
    /// `SQLITE_TRACE_…` bits that somebody wants.
    mask: Cell<c_uint>,
    listener: Cell<Option<(TraceV2, UserData)>>,
    old_listener: Cell<Option<(TraceV1, UserData)>>,
    old_profile: Cell<Option<(Profile, UserData)>>,
}

impl Trace {
    /// Whether somebody wants to be told.
    #[inline]
    pub(crate) fn wants(&self, event: c_int) -> bool {
        self.mask.get() & event as c_uint != 0
    }
}

impl sqlite3 {
    fn tell(&self, event: c_int, subject: *mut c_void, detail: *mut c_void) {
        if let Some((listener, data)) = self.trace.listener.get()
            && self.trace.wants(event)
        {
            // SAFETY: the application's function with its own argument.
            unsafe { listener(event as c_uint, data.0, subject, detail) };
        }
    }

    /// A run begins. `text` ends with a NUL.
    pub(crate) fn trace_start(&self, statement: &sqlite3_stmt, text: &[u8]) {
        if let Some((listener, data)) = self.trace.old_listener.get() {
            let mut expanded = statement.expanded();
            expanded.push(0);
            // SAFETY: the application's function with its own argument.
            unsafe { listener(data.0, expanded.as_ptr().cast()) };
        } else {
            self.tell(SQLITE_TRACE_STMT, statement.as_ptr().cast(), text.as_ptr().cast_mut().cast());
        }
    }

    /// A row is handed out.
    pub(crate) fn trace_row(&self, statement: &sqlite3_stmt) {
        self.tell(SQLITE_TRACE_ROW, statement.as_ptr().cast(), ptr::null_mut());
    }

    /// A run has ended after so many nanoseconds. `text` ends with a NUL.
    pub(crate) fn trace_end(&self, statement: &sqlite3_stmt, text: &[u8], ns: u64) {
        if let Some((profile, data)) = self.trace.old_profile.get() {
            // SAFETY: the application's function with its own argument.
            unsafe { profile(data.0, text.as_ptr().cast(), ns) };
        }
        let mut ns = ns as i64;
        self.tell(SQLITE_TRACE_PROFILE, statement.as_ptr().cast(), (&raw mut ns).cast());
    }

    /// The connection closes.
    pub(crate) fn trace_close(&self) {
        self.tell(SQLITE_TRACE_CLOSE, self.as_ptr().cast(), ptr::null_mut());
    }
}

/// Registers who is told, and of what (`SQLITE_TRACE_…`). NULL or 0 removes it.
///
/// # Safety
/// `db` is NULL or a connection; `callback` may be called with `data` as long as it is registered.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_trace_v2(
    db: *mut sqlite3,
    mask: c_uint,
    callback: Option<unsafe extern "C" fn(c_uint, *mut c_void, *mut c_void, *mut c_void) -> c_int>,
    data: *mut c_void,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe {
        with(db, |db| {
            let callback = callback.filter(|_| mask != 0);
            let mask = if callback.is_some() { mask } else { 0 };
            db.trace.old_listener.set(None);
            db.trace.listener.set(callback.map(|callback| (callback, UserData(data))));
            let profile =
                if db.trace.old_profile.get().is_some() { SQLITE_TRACE_PROFILE as c_uint } else { 0 };
            db.trace.mask.set(mask | profile);
            SQLITE_OK
        })
    }
}

/// Registers who is told the text of statements that run, of old. Gives the argument of the old callback.
///
/// # Safety
/// As for `sqlite3_trace_v2`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_trace(
    db: *mut sqlite3,
    callback: Option<unsafe extern "C" fn(*mut c_void, *const c_char)>,
    data: *mut c_void,
) -> *mut c_void {
    // SAFETY: the caller's contract.
    unsafe {
        ask(db, ptr::null_mut(), |db| {
            let old = db.trace.old_listener.replace(callback.map(|callback| (callback, UserData(data))));
            let newer = db.trace.listener.take();
            let profile = db.trace.mask.get() & SQLITE_TRACE_PROFILE as c_uint;
            let statement = if callback.is_some() { SQLITE_TRACE_STMT as c_uint } else { 0 };
            db.trace.mask.set(profile | statement);
            old.map(|(_, data)| data).or(newer.map(|(_, data)| data)).map_or(ptr::null_mut(), |data| data.0)
        })
    }
}

/// Registers who is told how long statements took, of old. Gives the argument of the old callback.
///
/// # Safety
/// As for `sqlite3_trace_v2`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_profile(
    db: *mut sqlite3,
    callback: Option<unsafe extern "C" fn(*mut c_void, *const c_char, sqlite3_uint64)>,
    data: *mut c_void,
) -> *mut c_void {
    // SAFETY: the caller's contract.
    unsafe {
        ask(db, ptr::null_mut(), |db| {
            let old = db.trace.old_profile.replace(callback.map(|callback| (callback, UserData(data))));
            let bit = SQLITE_TRACE_PROFILE as c_uint;
            let mask = db.trace.mask.get();
            db.trace.mask.set(if callback.is_some() { mask | bit } else { mask & !bit });
            old.map_or(ptr::null_mut(), |(_, data)| data.0)
        })
    }
}

/// Nanoseconds of the monotonic clock.
pub(crate) fn clock_ns(_: &Entered<'_>) -> u64 {
    library::process().io().monotonic().0
}
