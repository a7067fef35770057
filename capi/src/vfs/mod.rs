//! Operating system layers: the list that applications look at, and ours in it.
//!
//! Through our own layer the engine reaches the operating system by itself. A connection that is opened with an application's lives in
//! a world made of that (`foreign`). What is registered is found again, in the order that the interface promises.
//!
//! Spec: C/C++ Interface, "Virtual File System Objects".

pub(crate) mod file;
pub(crate) mod foreign;
mod served;
mod unix;

use std::ffi::{CStr, c_char, c_int};
use std::ptr;
use std::sync::{Mutex, PoisonError};

use kernite::engine::vdbe::Error;

use crate::abi::vfs::sqlite3_vfs;
use crate::boundary::{code, guard, text};
use crate::constant::SQLITE_OK;
use crate::library;

/// The name of our layer.
pub(crate) const NAME: &CStr = c"unix";
/// Other names that our layer answers to, with other ways of locking.
const OTHER_NAMES: [&[u8]; 4] = [b"unix-none", b"unix-dotfile", b"unix-excl", MEMDB];
/// Databases in memory.
pub(crate) const MEMDB: &[u8] = b"memdb";

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

    /// The element with a name; NULL if there is none.
    fn named(&self, name: &[u8]) -> *mut sqlite3_vfs {
        // SAFETY: registered layers have names.
        let found = self.iter().find(|&vfs| unsafe { text((*vfs).zName) } == Some(name));
        found.unwrap_or(ptr::null_mut())
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
        for name in [c"unix-none", c"unix-dotfile", c"unix-excl", c"memdb", NAME] {
            let vfs = Box::into_raw(Box::new(unix::layer(name)));
            list.insert(vfs, true);
        }
    }
    body(&mut list)
}

/// The layer that a connection is opened with: one by name, or the default one.
///
/// # Errors
/// `no such vfs: x`
pub(crate) fn choose(name: Option<&[u8]>) -> Result<Chosen, Error> {
    let found = with_list(|list| match name {
        None => list.first,
        Some(name) => list.named(name),
    });
    // SAFETY: registered layers are there.
    let Some(vfs) = (unsafe { found.as_ref() }) else {
        let name = String::from_utf8_lossy(name.unwrap_or_default()).into_owned();
        return Err(Error::message(format!("no such vfs: {name}")));
    };
    // SAFETY: registered layers have names.
    let known = unsafe { text(vfs.zName) }.unwrap_or_default();
    let is_ours = vfs.pAppData == OUR_MARK.as_ptr().cast_mut().cast()
        && (known == NAME.to_bytes() || OTHER_NAMES.contains(&known));
    Ok(if is_ours { Chosen::Ours } else { Chosen::Foreign(found) })
}

/// A layer for a connection.
pub(crate) enum Chosen {
    /// The engine's own way to the operating system.
    Ours,
    Foreign(*mut sqlite3_vfs),
}

/// What the application data of our layers points to, so that they are known from copies under their names.
pub(crate) static OUR_MARK: [u8; 1] = [0];

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
            Some(name) => with_list(|list| list.named(name)),
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
