//! The library as a whole: starting and ending it, its settings, its log, what it is.
//!
//! ```text
//! first call that needs it ──> initialize: application's allocator, mutexes, page cache ──> PROCESS (made by the first open)
//! sqlite3_config: only before that, or after sqlite3_shutdown
//! ```
//!
//! `config` has the settings, `log` the error log, `about` version and options, `test_control` switches for tests, `error_text` the
//! texts of result codes.
//!
//! What is process-wide here is what C callers set process-wide; the engine's own process-wide tables hang off one
//! [`Process`], which is made anew in a child after fork.
//!
//! Spec: C/C++ Interface, "Initialize The SQLite Library".

pub mod about;
pub mod config;
pub mod error_text;
pub mod log;
pub mod test_control;

use std::ffi::{c_char, c_int, c_void};
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use kernite::engine::io::{Instant, Process, SyscallIo};

use crate::boundary::{code, guard};
use crate::constant::SQLITE_OK;
use crate::{memory, mutex};

pub(crate) use log::misuse;

static IS_INITIALIZED: AtomicBool = AtomicBool::new(false);
static ARE_MUTEXES_READY: AtomicBool = AtomicBool::new(false);
/// Held while the library starts or ends.
static STARTING: Mutex<()> = Mutex::new(());
/// The thread that starts it.
static STARTER: Mutex<Option<std::thread::ThreadId>> = Mutex::new(None);
/// The process that connections live in.
static PROCESS: Mutex<Option<Arc<Process>>> = Mutex::new(None);

/// Where temporary files go, if the application set it. `sqlite3_malloc`ed text.
#[unsafe(no_mangle)]
pub static sqlite3_temp_directory: AtomicPtr<c_char> = AtomicPtr::new(std::ptr::null_mut());
/// Where database files with relative names are looked for on Windows; unused elsewhere.
#[unsafe(no_mangle)]
pub static sqlite3_data_directory: AtomicPtr<c_char> = AtomicPtr::new(std::ptr::null_mut());

/// Whether the library was started.
pub(crate) fn is_initialized() -> bool {
    IS_INITIALIZED.load(Ordering::Acquire)
}

/// Whether mutexes are used at all.
pub(crate) fn has_mutexes() -> bool {
    config::threading() != config::Threading::Single
}

/// Makes the application's mutexes ready.
pub(crate) fn initialize_mutexes() -> c_int {
    if ARE_MUTEXES_READY.load(Ordering::Acquire) || !has_mutexes() {
        return SQLITE_OK;
    }
    let rc = match mutex::current_methods().xMutexInit {
        // SAFETY: the application's function.
        Some(init) => unsafe { init() },
        None => SQLITE_OK,
    };
    if rc == SQLITE_OK {
        ARE_MUTEXES_READY.store(true, Ordering::Release);
    }
    rc
}

/// Starts the library, unless it was started.
pub(crate) fn initialize() -> c_int {
    if is_initialized() {
        return SQLITE_OK;
    }
    let this_thread = Some(std::thread::current().id());
    if *STARTER.lock().unwrap_or_else(PoisonError::into_inner) == this_thread {
        // An allocator that is being started asks for memory, or the like.
        return SQLITE_OK;
    }
    let _starting = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    if is_initialized() {
        return SQLITE_OK;
    }
    *STARTER.lock().unwrap_or_else(PoisonError::into_inner) = this_thread;
    let rc = start();
    *STARTER.lock().unwrap_or_else(PoisonError::into_inner) = None;
    rc
}

fn start() -> c_int {
    for start in [initialize_mutexes, memory::initialize, config::initialize_page_cache] {
        let rc = start();
        if rc != SQLITE_OK {
            return rc;
        }
    }
    IS_INITIALIZED.store(true, Ordering::Release);
    SQLITE_OK
}

/// The process that connections live in. After fork the child gets one of its own.
pub(crate) fn process() -> Arc<Process> {
    let mut process = PROCESS.lock().unwrap_or_else(PoisonError::into_inner);
    match &*process {
        Some(process) if process.is_current() => Arc::clone(process),
        _ => {
            let fresh = Arc::new(Process::new(Arc::new(SyscallIo::new())));
            *process = Some(Arc::clone(&fresh));
            fresh
        }
    }
}

/// Starts the library. Calls that need it do so themselves.
#[unsafe(no_mangle)]
pub extern "C" fn sqlite3_initialize() -> c_int {
    code(initialize)
}

/// Ends the library: settings may be changed until it is started again. All connections are closed by then.
#[unsafe(no_mangle)]
pub extern "C" fn sqlite3_shutdown() -> c_int {
    code(|| {
        if IS_INITIALIZED.swap(false, Ordering::AcqRel) {
            sqlite3_os_end();
            crate::connection::extension::forget_automatic();
            config::shutdown_page_cache();
            memory::shutdown();
            sqlite3_data_directory.store(std::ptr::null_mut(), Ordering::Release);
            sqlite3_temp_directory.store(std::ptr::null_mut(), Ordering::Release);
        }
        if ARE_MUTEXES_READY.swap(false, Ordering::AcqRel)
            && let Some(end) = mutex::current_methods().xMutexEnd
        {
            // SAFETY: the application's function.
            unsafe { end() };
        }
        SQLITE_OK
    })
}

/// Starts the operating system layer. There is nothing to start.
#[unsafe(no_mangle)]
pub extern "C" fn sqlite3_os_init() -> c_int {
    SQLITE_OK
}

/// Ends the operating system layer. There is nothing to end.
#[unsafe(no_mangle)]
pub extern "C" fn sqlite3_os_end() -> c_int {
    SQLITE_OK
}

/// Fills memory with random bytes. Nothing for a size of 0 or less, or for NULL.
///
/// # Safety
/// `out` is NULL or has room for `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_randomness(size: c_int, out: *mut c_void) {
    guard((), || {
        let Ok(size @ 1..) = usize::try_from(size) else { return };
        if out.is_null() || initialize() != SQLITE_OK {
            return;
        }
        // SAFETY: the caller's contract. The bytes are initialised before they are lent.
        let out = unsafe {
            std::ptr::write_bytes(out.cast::<u8>(), 0, size);
            std::slice::from_raw_parts_mut(out.cast::<u8>(), size)
        };
        process().io().fill_random(out);
    });
}

/// Waits so many milliseconds, and gives how many they were.
#[unsafe(no_mangle)]
pub extern "C" fn sqlite3_sleep(ms: c_int) -> c_int {
    guard(0, || {
        let ms = ms.max(0);
        sleep_ns(u64::from(ms.unsigned_abs()) * 1_000_000);
        ms
    })
}

/// Waits so many nanoseconds.
pub(crate) fn sleep_ns(ns: u64) {
    let process = process();
    let io = process.io();
    let until = Instant(io.monotonic().0.saturating_add(ns));
    // A timer that cannot be had is no reason to fail: who sleeps may wake early.
    let _ = io.timer(until).settle(&**io);
}

/// Of old: there is nothing to recover.
#[unsafe(no_mangle)]
pub extern "C" fn sqlite3_global_recover() -> c_int {
    SQLITE_OK
}

/// Of old: threads leave nothing behind.
#[unsafe(no_mangle)]
pub extern "C" fn sqlite3_thread_cleanup() {}

/// Whether connections share one page cache per file. They never do: each keeps its own.
#[unsafe(no_mangle)]
pub extern "C" fn sqlite3_enable_shared_cache(_on: c_int) -> c_int {
    SQLITE_OK
}
