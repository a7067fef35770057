//! Operating system layers: the list that applications look at, and ours in it.
//!
//! The engine reaches the operating system by itself, not through this list: a connection can be opened with our layer's names only. What
//! is registered is found again, in the order that the interface promises.
//!
//! Spec: C/C++ Interface, "Virtual File System Objects".

pub(crate) mod file;
mod unix;

use std::ffi::{CStr, c_char, c_int};
use std::ptr;
use std::sync::{Mutex, PoisonError};

use crate::abi::vfs::sqlite3_vfs;
use crate::boundary::{code, guard, text};
use crate::constant::SQLITE_OK;
use crate::library;

/// The name of our layer.
pub(crate) const NAME: &CStr = c"unix";
/// Other names that our layer answers to, with other ways of locking.
const OTHER_NAMES: [&[u8]; 3] = [b"unix-none", b"unix-dotfile", b"unix-excl"];

/// The list, by its first element; NULL until it is first looked at.
struct List {
    first: *mut sqlite3_vfs,
    is_made: bool,
}

// SAFETY: the elements are touched with the list's mutex held only, as far as we are concerned.
unsafe impl Send for List {}

static LIST: Mutex<List> = Mutex::new(List { first: ptr::null_mut(), is_made: false });

impl List {
    /// The elements, from the first.
    fn iter(&self) -> impl Iterator<Item = *mut sqlite3_vfs> {
        let mut at = self.first;
        std::iter::from_fn(move || {
            let current = at;
            // SAFETY: elements stay as long as they are registered, by the contract of `sqlite3_vfs_register`.
            at = unsafe { current.as_ref() }?.pNext;
            Some(current)
        })
    }

    fn remove(&mut self, vfs: *mut sqlite3_vfs) {
        // SAFETY: as in `iter`; `vfs` is an element or about to be one.
        unsafe {
            if ptr::eq(self.first, vfs) {
                self.first = (*vfs).pNext;
            } else if let Some(before) = self.iter().find(|&before| ptr::eq((*before).pNext, vfs)) {
                (*before).pNext = (*vfs).pNext;
            }
        }
    }

    /// Puts an element first, or second where it is not to be the default.
    fn insert(&mut self, vfs: *mut sqlite3_vfs, is_default: bool) {
        // SAFETY: as in `remove`.
        unsafe {
            if is_default || self.first.is_null() {
                (*vfs).pNext = self.first;
                self.first = vfs;
            } else {
                (*vfs).pNext = (*self.first).pNext;
                (*self.first).pNext = vfs;
            }
        }
    }
}

/// Runs `body` on the list, which has our layers in it.
fn with_list<T>(body: impl FnOnce(&mut List) -> T) -> T {
    let mut list = LIST.lock().unwrap_or_else(PoisonError::into_inner);
    if !list.is_made {
        list.is_made = true;
        for name in [c"unix-excl", c"unix-dotfile", c"unix-none", NAME] {
            let vfs = Box::into_raw(Box::new(unix::layer(name)));
            list.insert(vfs, true);
        }
    }
    body(&mut list)
}

/// Whether a name is one of our layer's.
pub(crate) fn is_ours(name: &[u8]) -> bool {
    name == NAME.to_bytes() || OTHER_NAMES.contains(&name)
}

/// The default layer.
pub(crate) fn default() -> *mut sqlite3_vfs {
    with_list(|list| list.first)
}

/// The layer with a name; the default one for NULL. NULL if there is none.
///
/// # Safety
/// `name` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_vfs_find(name: *const c_char) -> *mut sqlite3_vfs {
    guard(ptr::null_mut(), || {
        if library::initialize() != SQLITE_OK {
            return ptr::null_mut();
        }
        // SAFETY: the caller's contract.
        match unsafe { text(name) } {
            None => default(),
            Some(name) => with_list(|list| {
                // SAFETY: registered layers have names.
                let found = list.iter().find(|&vfs| unsafe { text((*vfs).zName) } == Some(name));
                found.unwrap_or(ptr::null_mut())
            }),
        }
    })
}

/// Puts a layer in the list, or moves it, as the default if wanted.
///
/// # Safety
/// `vfs` is a layer that stays until it is unregistered.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_vfs_register(vfs: *mut sqlite3_vfs, is_default: c_int) -> c_int {
    code(|| {
        let rc = library::initialize();
        if rc != SQLITE_OK {
            return rc;
        }
        if vfs.is_null() {
            return library::misuse(line!());
        }
        with_list(|list| {
            list.remove(vfs);
            list.insert(vfs, is_default != 0);
        });
        SQLITE_OK
    })
}

/// Takes a layer out of the list.
///
/// # Safety
/// `vfs` is NULL or a layer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_vfs_unregister(vfs: *mut sqlite3_vfs) -> c_int {
    code(|| {
        let rc = library::initialize();
        if rc != SQLITE_OK {
            return rc;
        }
        with_list(|list| {
            if !vfs.is_null() {
                list.remove(vfs);
            }
        });
        SQLITE_OK
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_is_found_by_name_and_as_the_default() {
        let mut mine = unix::layer(c"mine");
        // SAFETY: the layer is unregistered before it goes away.
        unsafe {
            let first = sqlite3_vfs_find(ptr::null());
            assert_eq!(CStr::from_ptr((*first).zName), NAME);
            assert_eq!(sqlite3_vfs_find(c"unix".as_ptr()), first);
            assert_eq!(sqlite3_vfs_register(&raw mut mine, 0), SQLITE_OK);
            assert_eq!(sqlite3_vfs_find(ptr::null()), first);
            assert_eq!(sqlite3_vfs_find(c"mine".as_ptr()), &raw mut mine);
            assert_eq!(sqlite3_vfs_register(&raw mut mine, 1), SQLITE_OK);
            assert_eq!(sqlite3_vfs_find(ptr::null()), &raw mut mine);
            assert_eq!(sqlite3_vfs_unregister(&raw mut mine), SQLITE_OK);
            assert_eq!(sqlite3_vfs_find(ptr::null()), first);
            assert!(sqlite3_vfs_find(c"mine".as_ptr()).is_null());
        }
    }
}
