//! Mutexes: `sqlite3_mutex`.
//!
//! ```text
//! sqlite3_mutex_alloc ──> the application's implementation, if it set one, else ours: a POSIX mutex
//! sqlite3_db_mutex ─────> the connection's own lock, in the same clothes
//! ```
//!
//! Always true: a connection's mutex is its lock. Whoever holds it keeps other threads out of the connection.
//!
//! Spec: C/C++ Interface, "Mutexes", "Mutex Types".

use std::cell::UnsafeCell;
use std::ffi::c_int;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use kernite::connection::raw;

use crate::abi::method::sqlite3_mutex_methods;
use crate::boundary::{code, guard};
use crate::connection::sqlite3;
use crate::constant::*;
use crate::library;

/// A mutex.
pub struct sqlite3_mutex {
    kind: Kind,
}

enum Kind {
    Posix(UnsafeCell<libc::pthread_mutex_t>),
    Connection(Box<Connected>),
}

/// A connection's lock as a mutex.
struct Connected {
    /// The handle, which owns this mutex.
    db: *const sqlite3,
    /// One lock for each time it was entered. Only who holds the lock looks here.
    locks: UnsafeCell<Vec<raw::Lock<'static>>>,
}

// SAFETY: a mutex is there to be used by several threads: POSIX mutexes are made for it, and guards are touched under the lock only.
unsafe impl Sync for sqlite3_mutex {}
// SAFETY: as above; a guard is dropped by the thread that made it, as the interface demands.
unsafe impl Send for sqlite3_mutex {}

const fn fast() -> sqlite3_mutex {
    sqlite3_mutex { kind: Kind::Posix(UnsafeCell::new(libc::PTHREAD_MUTEX_INITIALIZER)) }
}

/// The mutexes that are always there, by number from `SQLITE_MUTEX_STATIC_MAIN` on.
static STATIC: [sqlite3_mutex; 12] = [const { fast() }; 12];

impl sqlite3_mutex {
    /// The lock of a connection.
    pub(crate) fn of_connection(db: *const sqlite3) -> Box<sqlite3_mutex> {
        let connected = Connected { db, locks: UnsafeCell::new(Vec::new()) };
        Box::new(sqlite3_mutex { kind: Kind::Connection(Box::new(connected)) })
    }

    fn enter(&self) {
        match &self.kind {
            // SAFETY: the mutex is initialised and does not move.
            Kind::Posix(mutex) => unsafe {
                libc::pthread_mutex_lock(mutex.get());
            },
            Kind::Connection(connected) => {
                // SAFETY: the handle lives as long as its mutex, and the lock is held when the list is touched.
                unsafe {
                    let lock = (*connected.db).raw().lock();
                    (*connected.locks.get()).push(lock);
                }
            }
        }
    }

    fn try_enter(&self) -> bool {
        match &self.kind {
            // SAFETY: as in `enter`.
            Kind::Posix(mutex) => unsafe { libc::pthread_mutex_trylock(mutex.get()) == 0 },
            // SAFETY: as in `enter`.
            Kind::Connection(connected) => match unsafe { (*connected.db).raw().try_lock() } {
                Some(lock) => {
                    // SAFETY: the lock is held.
                    unsafe { (*connected.locks.get()).push(lock) };
                    true
                }
                None => false,
            },
        }
    }

    /// # Safety
    /// This thread entered it.
    unsafe fn leave(&self) {
        match &self.kind {
            // SAFETY: by the caller.
            Kind::Posix(mutex) => unsafe {
                libc::pthread_mutex_unlock(mutex.get());
            },
            Kind::Connection(connected) => {
                // SAFETY: the lock is held, by the caller.
                let lock = unsafe { (*connected.locks.get()).pop() };
                drop(lock);
            }
        }
    }
}

unsafe extern "C" fn system_init() -> c_int {
    SQLITE_OK
}

unsafe extern "C" fn system_alloc(kind: c_int) -> *mut sqlite3_mutex {
    match kind {
        SQLITE_MUTEX_FAST => Box::into_raw(Box::new(fast())),
        SQLITE_MUTEX_RECURSIVE => {
            let mutex = Box::new(fast());
            if let Kind::Posix(raw) = &mutex.kind {
                // SAFETY: the attributes are initialised before they are used, and the mutex was not used yet.
                unsafe {
                    let mut attributes = std::mem::MaybeUninit::<libc::pthread_mutexattr_t>::uninit();
                    libc::pthread_mutexattr_init(attributes.as_mut_ptr());
                    libc::pthread_mutexattr_settype(attributes.as_mut_ptr(), libc::PTHREAD_MUTEX_RECURSIVE);
                    libc::pthread_mutex_init(raw.get(), attributes.as_ptr());
                    libc::pthread_mutexattr_destroy(attributes.as_mut_ptr());
                }
            }
            Box::into_raw(mutex)
        }
        number => {
            match STATIC.get(usize::try_from(number - SQLITE_MUTEX_STATIC_MAIN).unwrap_or(usize::MAX)) {
                Some(mutex) => ptr::from_ref(mutex).cast_mut(),
                None => {
                    library::misuse(line!());
                    ptr::null_mut()
                }
            }
        }
    }
}

unsafe extern "C" fn system_free(mutex: *mut sqlite3_mutex) {
    if STATIC.as_ptr_range().contains(&mutex.cast_const()) {
        library::misuse(line!());
        return;
    }
    // SAFETY: by the caller it is one of `system_alloc`, which boxed it.
    let mutex = unsafe { Box::from_raw(mutex) };
    if let Kind::Posix(raw) = &mutex.kind {
        // SAFETY: nobody holds it any more.
        unsafe { libc::pthread_mutex_destroy(raw.get()) };
    }
}

unsafe extern "C" fn system_enter(mutex: *mut sqlite3_mutex) {
    // SAFETY: the caller's contract.
    unsafe { (*mutex).enter() }
}

unsafe extern "C" fn system_try(mutex: *mut sqlite3_mutex) -> c_int {
    // SAFETY: the caller's contract.
    if unsafe { (*mutex).try_enter() } { SQLITE_OK } else { SQLITE_BUSY }
}

unsafe extern "C" fn system_leave(mutex: *mut sqlite3_mutex) {
    // SAFETY: the caller's contract.
    unsafe { (*mutex).leave() }
}

/// Our mutexes, as `SQLITE_CONFIG_GETMUTEX` shows them.
pub(crate) const SYSTEM: sqlite3_mutex_methods = sqlite3_mutex_methods {
    xMutexInit: Some(system_init),
    xMutexEnd: Some(system_init),
    xMutexAlloc: Some(system_alloc),
    xMutexFree: Some(system_free),
    xMutexEnter: Some(system_enter),
    xMutexTry: Some(system_try),
    xMutexLeave: Some(system_leave),
    xMutexHeld: None,
    xMutexNotheld: None,
};

/// The application's mutexes; NULL while they are ours.
static METHODS: AtomicPtr<sqlite3_mutex_methods> = AtomicPtr::new(ptr::null_mut());

/// The application's mutexes, if it set some.
pub(crate) fn methods() -> Option<&'static sqlite3_mutex_methods> {
    // SAFETY: what is stored there is leaked and never changed.
    unsafe { METHODS.load(Ordering::Acquire).as_ref() }
}

/// Puts the application's mutexes in place.
pub(crate) fn set_methods(new: sqlite3_mutex_methods) {
    let is_ours =
        new.xMutexAlloc.map(|function| function as usize) == Some(system_alloc as *const () as usize);
    let new =
        if is_ours || new.xMutexAlloc.is_none() { ptr::null_mut() } else { Box::into_raw(Box::new(new)) };
    METHODS.store(new, Ordering::Release);
}

/// The mutexes in force.
pub(crate) fn current_methods() -> sqlite3_mutex_methods {
    methods().copied().unwrap_or(SYSTEM)
}

/// A mutex of a kind (`SQLITE_MUTEX_…`); the static ones are always the same.
#[unsafe(no_mangle)]
pub extern "C" fn sqlite3_mutex_alloc(kind: c_int) -> *mut sqlite3_mutex {
    guard(ptr::null_mut(), || {
        if kind > SQLITE_MUTEX_RECURSIVE && library::initialize_mutexes() != SQLITE_OK {
            return ptr::null_mut();
        }
        if kind <= SQLITE_MUTEX_RECURSIVE && library::initialize() != SQLITE_OK {
            return ptr::null_mut();
        }
        if !library::has_mutexes() {
            return ptr::null_mut();
        }
        match current_methods().xMutexAlloc {
            // SAFETY: it takes any number.
            Some(alloc) => unsafe { alloc(kind) },
            None => ptr::null_mut(),
        }
    })
}

/// Gives a mutex back. NULL is nothing.
///
/// # Safety
/// `mutex` is NULL or came from `sqlite3_mutex_alloc`, and nobody holds it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_mutex_free(mutex: *mut sqlite3_mutex) {
    guard((), || {
        if let (false, Some(free)) = (mutex.is_null(), current_methods().xMutexFree) {
            // SAFETY: the caller's contract.
            unsafe { free(mutex) };
        }
    });
}

/// Waits until the mutex is this thread's. NULL is nothing.
///
/// # Safety
/// `mutex` is NULL or came from `sqlite3_mutex_alloc` or `sqlite3_db_mutex`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_mutex_enter(mutex: *mut sqlite3_mutex) {
    guard((), || {
        if let (false, Some(enter)) = (mutex.is_null(), current_methods().xMutexEnter) {
            // SAFETY: the caller's contract.
            unsafe { enter(mutex) };
        }
    });
}

/// Takes the mutex if nobody has it, else gives `SQLITE_BUSY`.
///
/// # Safety
/// As for `sqlite3_mutex_enter`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_mutex_try(mutex: *mut sqlite3_mutex) -> c_int {
    code(|| match (mutex.is_null(), current_methods().xMutexTry) {
        // SAFETY: the caller's contract.
        (false, Some(try_enter)) => unsafe { try_enter(mutex) },
        _ => SQLITE_OK,
    })
}

/// Lets the mutex go. NULL is nothing.
///
/// # Safety
/// This thread entered it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_mutex_leave(mutex: *mut sqlite3_mutex) {
    guard((), || {
        if let (false, Some(leave)) = (mutex.is_null(), current_methods().xMutexLeave) {
            // SAFETY: the caller's contract.
            unsafe { leave(mutex) };
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recursive_mutex_may_be_entered_twice_and_a_fast_one_not() {
        // SAFETY: each mutex is left as often as it was entered, and freed once.
        unsafe {
            let recursive = sqlite3_mutex_alloc(SQLITE_MUTEX_RECURSIVE);
            sqlite3_mutex_enter(recursive);
            assert_eq!(sqlite3_mutex_try(recursive), SQLITE_OK);
            sqlite3_mutex_leave(recursive);
            sqlite3_mutex_leave(recursive);
            sqlite3_mutex_free(recursive);
            let fast = sqlite3_mutex_alloc(SQLITE_MUTEX_FAST);
            sqlite3_mutex_enter(fast);
            assert_eq!(sqlite3_mutex_try(fast), SQLITE_BUSY);
            sqlite3_mutex_leave(fast);
            sqlite3_mutex_free(fast);
        }
    }

    #[test]
    fn static_mutexes_are_always_the_same() {
        let one = sqlite3_mutex_alloc(SQLITE_MUTEX_STATIC_APP1);
        assert!(!one.is_null());
        assert_eq!(one, sqlite3_mutex_alloc(SQLITE_MUTEX_STATIC_APP1));
        assert_ne!(one, sqlite3_mutex_alloc(SQLITE_MUTEX_STATIC_APP2));
        assert!(sqlite3_mutex_alloc(SQLITE_MUTEX_STATIC_VFS3 + 1).is_null());
    }
}
