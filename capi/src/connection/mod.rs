//! Connections: the handle `sqlite3`.
//!
//! ```text
//! sqlite3 ── raw ──> the engine's connection (none if it could not be opened)
//!         ── error: code and message of the last call that failed
//!         ── statements: a list of all that are not finalised, newest first
//!         ── callbacks: what the application registered
//! ```
//!
//! Every call takes the connection's lock ([`Entered`]), which is recursive. The application's callbacks run with the lock held and
//! nothing borrowed, and may call back.
//!
//! A handle that was closed by `sqlite3_close_v2` lives on as long as it has statements, backups or blobs.
//!
//! Rooms: `open`, `error`, `setting` (limits, switches, busy handling, counters), `hook`, `trace`, `authorizer`, `database` (one
//! attached database), `filename`, `run` (exec, get_table), `client_data`, `extension`, `status`.
//!
//! Spec: C/C++ Interface, "Database Connection Handle".

pub mod authorizer;
pub mod client_data;
pub mod database;
pub mod error;
pub mod extension;
pub mod filename;
pub mod hook;
pub mod open;
pub mod run;
pub mod setting;
pub mod status;
pub mod trace;

use std::cell::{Cell, OnceCell, RefCell, UnsafeCell};
use std::ffi::c_int;
use std::ops::Deref;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use kernite::connection::raw;

use crate::abi::vfs::sqlite3_file;
use crate::constant::*;
use crate::library::log;
use crate::mutex::{self, sqlite3_mutex};
use crate::statement::sqlite3_stmt;
use crate::vfs::foreign::ForeignIo;

pub(crate) use error::ErrorState;

/// Where a handle stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Phase {
    Open,
    /// It could not be opened: only its error can be asked for.
    Sick,
    /// Closed, but in use.
    Zombie,
    Closed,
}

/// A connection.
pub struct sqlite3 {
    phase: AtomicU8,
    raw: UnsafeCell<Option<raw::Connection>>,
    interrupt: Option<raw::InterruptHandle>,
    /// The lock as a mutex; none where the application asked for no mutexes.
    mutex: Option<Box<sqlite3_mutex>>,
    /// A mutex of the application's own kind, entered beside the lock. NULL where it set none.
    outer: *mut sqlite3_mutex,
    pub(crate) error: ErrorState,
    pub(crate) statements: Cell<*mut sqlite3_stmt>,
    /// Backups and blobs that keep the handle in use.
    pub(crate) users: Cell<u32>,
    /// Backups of its databases that are under way.
    pub(crate) backups: Cell<u32>,
    /// The application's layer that it lives in, if it was opened with one.
    pub(crate) world: OnceCell<Option<Arc<ForeignIo>>>,
    /// The file that stands for those of the engine, for who asks. Applications put methods of their own in front of its methods.
    pub(crate) file: UnsafeCell<sqlite3_file>,
    pub(crate) callbacks: hook::Callbacks,
    pub(crate) trace: trace::Trace,
    pub(crate) settings: setting::Settings,
    pub(crate) client_data: RefCell<Vec<client_data::Entry>>,
    pub(crate) names: filename::Names,
    pub(crate) tables: crate::module::Tables,
}

/// A connection with its lock held.
pub(crate) struct Entered<'a> {
    db: &'a sqlite3,
    lock: raw::Lock<'a>,
}

impl Entered<'_> {
    /// The lock that is held.
    #[inline]
    pub(crate) fn lock(&self) -> &raw::Lock<'_> {
        &self.lock
    }
}

impl Deref for Entered<'_> {
    type Target = sqlite3;

    fn deref(&self) -> &sqlite3 {
        self.db
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        if !self.db.outer.is_null() {
            // SAFETY: `enter` entered it.
            unsafe { mutex::sqlite3_mutex_leave(self.db.outer) };
        }
    }
}

impl sqlite3 {
    /// A handle around an open connection, or around none.
    pub(crate) fn new(raw: Option<raw::Connection>, with_mutex: bool) -> Box<sqlite3> {
        let custom = with_mutex.then(mutex::methods).flatten();
        let outer = match custom.and_then(|methods| methods.xMutexAlloc) {
            // SAFETY: the application's function; it takes any kind.
            Some(alloc) => unsafe { alloc(SQLITE_MUTEX_RECURSIVE) },
            None => ptr::null_mut(),
        };
        let has_own = raw.is_some() && with_mutex && outer.is_null();
        let phase = if raw.is_some() { Phase::Open } else { Phase::Sick };
        let mut db = Box::new(sqlite3 {
            phase: AtomicU8::new(phase as u8),
            interrupt: raw.as_ref().map(raw::Connection::interrupt_handle),
            raw: UnsafeCell::new(raw),
            mutex: None,
            outer,
            error: ErrorState::default(),
            statements: Cell::new(ptr::null_mut()),
            users: Cell::new(0),
            backups: Cell::new(0),
            world: OnceCell::new(),
            file: UnsafeCell::new(crate::vfs::file::engine_file()),
            callbacks: hook::Callbacks::default(),
            trace: trace::Trace::default(),
            settings: setting::Settings::default(),
            client_data: RefCell::default(),
            names: filename::Names::default(),
            tables: crate::module::Tables::default(),
        });
        if has_own {
            let address: *const sqlite3 = &raw const *db;
            db.mutex = Some(sqlite3_mutex::of_connection(address));
        }
        db
    }

    fn phase(&self) -> u8 {
        self.phase.load(Ordering::Acquire)
    }

    pub(crate) fn set_phase(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Release);
    }

    /// Takes the engine's connection out of a handle that nobody uses any more.
    ///
    /// # Safety
    /// Nobody does.
    pub(crate) unsafe fn close_raw(&self) -> Option<raw::Connection> {
        // SAFETY: by the caller.
        unsafe { (*self.raw.get()).take() }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.phase() == Phase::Open as u8
    }

    pub(crate) fn is_zombie(&self) -> bool {
        self.phase() == Phase::Zombie as u8
    }

    /// Whether the engine's connection is there. While it is closed, destructors of the application may still name the handle.
    fn has_raw(&self) -> bool {
        // SAFETY: as for `raw`.
        unsafe { &*self.raw.get() }.is_some()
    }

    /// The engine's connection. Only a handle that is not open has none, and no call gets that far with one.
    #[inline]
    pub(crate) fn raw(&self) -> &raw::Connection {
        // SAFETY: it is taken out once, by `close_raw`, when nobody uses the handle any more.
        match unsafe { &*self.raw.get() } {
            Some(raw) => raw,
            None => unreachable!("a handle that could not be opened was used"),
        }
    }

    /// As C knows it.
    pub(crate) fn as_ptr(&self) -> *mut sqlite3 {
        ptr::from_ref(self).cast_mut()
    }

    /// The mutex for `sqlite3_db_mutex`.
    pub(crate) fn mutex(&self) -> *mut sqlite3_mutex {
        match &self.mutex {
            Some(mutex) => ptr::from_ref(&**mutex).cast_mut(),
            None => self.outer,
        }
    }

    /// Takes the lock.
    #[inline]
    pub(crate) fn enter(&self) -> Entered<'_> {
        if !self.outer.is_null() {
            // SAFETY: it lives as long as the handle.
            unsafe { mutex::sqlite3_mutex_enter(self.outer) };
        }
        Entered { db: self, lock: self.raw().lock() }
    }

    /// Whether statements, backups or blobs keep it in use.
    pub(crate) fn is_used(&self) -> bool {
        !self.statements.get().is_null() || self.users.get() > 0
    }

    /// Asks the running statements to stop. From any thread, without the lock.
    pub(crate) fn interrupt(&self) {
        if let Some(interrupt) = &self.interrupt {
            interrupt.interrupt();
        }
    }
}

impl Drop for sqlite3 {
    fn drop(&mut self) {
        if !self.outer.is_null() {
            // SAFETY: nobody uses the handle any more.
            unsafe { mutex::sqlite3_mutex_free(self.outer) };
        }
    }
}

/// The open connection behind a pointer. Anything else is told to the log.
///
/// # Safety
/// `db` is NULL or a handle whose memory is still there.
#[inline]
pub(crate) unsafe fn handle<'a>(db: *mut sqlite3) -> Option<&'a sqlite3> {
    // SAFETY: by the caller.
    match unsafe { db.as_ref() } {
        Some(db) if db.phase() == Phase::Open as u8 && db.has_raw() => Some(db),
        other => {
            complain(other.is_none());
            None
        }
    }
}

/// As [`handle`], and takes its lock.
///
/// # Safety
/// As for [`handle`].
#[inline]
pub(crate) unsafe fn enter<'a>(db: *mut sqlite3) -> Option<Entered<'a>> {
    // SAFETY: by the caller.
    unsafe { handle(db) }.map(sqlite3::enter)
}

/// The handle behind a pointer, which may be one that could not be opened.
///
/// # Safety
/// As for [`handle`].
pub(crate) unsafe fn handle_or_sick<'a>(db: *mut sqlite3) -> Option<&'a sqlite3> {
    // SAFETY: by the caller.
    match unsafe { db.as_ref() } {
        Some(db) if db.phase() == Phase::Open as u8 || db.phase() == Phase::Sick as u8 => Some(db),
        other => {
            complain(other.is_none());
            None
        }
    }
}

#[cold]
fn complain(is_null: bool) {
    let kind = if is_null { "NULL" } else { "invalid" };
    log::write(SQLITE_MISUSE, format!("API call with {kind} database connection pointer").as_bytes());
}

/// Runs `body` with the connection's lock held; `SQLITE_MISUSE` where there is none.
///
/// # Safety
/// As for [`handle`].
#[inline]
pub(crate) unsafe fn with(db: *mut sqlite3, body: impl FnOnce(&Entered<'_>) -> c_int) -> c_int {
    crate::boundary::code(|| {
        // SAFETY: by the caller.
        match unsafe { enter(db) } {
            Some(db) => body(&db),
            None => crate::library::misuse(line!()),
        }
    })
}

/// Runs `body` with the connection's lock held, and gives what it gives; `nothing` where there is no connection.
///
/// # Safety
/// As for [`handle`].
#[inline]
pub(crate) unsafe fn ask<T: Copy>(db: *mut sqlite3, nothing: T, body: impl FnOnce(&Entered<'_>) -> T) -> T {
    crate::boundary::guard(nothing, || {
        // SAFETY: by the caller.
        match unsafe { enter(db) } {
            Some(db) => body(&db),
            None => nothing,
        }
    })
}

/// The mutex of a connection: who holds it has the connection for itself.
///
/// # Safety
/// `db` is NULL or a connection.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_db_mutex(db: *mut sqlite3) -> *mut sqlite3_mutex {
    // SAFETY: the caller's contract.
    unsafe { handle(db) }.map_or(ptr::null_mut(), sqlite3::mutex)
}
