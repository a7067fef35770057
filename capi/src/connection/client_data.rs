//! Data that an application hangs on a connection, by name.
//!
//! Spec: C/C++ Interface, "Database Connection Client Data".

use std::ffi::{c_char, c_int, c_void};
use std::ptr;

use super::{ask, sqlite3, with};
use crate::boundary::{Destructor, UserData, text};
use crate::constant::SQLITE_OK;

/// One name with its data.
pub(crate) struct Entry {
    name: Box<[u8]>,
    data: UserData,
    destructor: Destructor,
}

impl Drop for Entry {
    fn drop(&mut self) {
        if let Some(destructor) = self.destructor {
            // SAFETY: the application's function with the data that it gave for it.
            unsafe { destructor(self.data.0) };
        }
    }
}

/// The data with a name; NULL if there is none.
///
/// # Safety
/// `db` is NULL or a connection; `name` is a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_get_clientdata(db: *mut sqlite3, name: *const c_char) -> *mut c_void {
    // SAFETY: the caller's contract.
    unsafe {
        let Some(name) = text(name) else { return ptr::null_mut() };
        ask(db, ptr::null_mut(), |db| {
            let entries = db.client_data.borrow();
            entries.iter().find(|entry| *entry.name == *name).map_or(ptr::null_mut(), |entry| entry.data.0)
        })
    }
}

/// Sets the data with a name; NULL removes it. What was there before is ended.
///
/// # Safety
/// `db` is NULL or a connection; `name` is a C string; `destructor` takes `data`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_set_clientdata(
    db: *mut sqlite3,
    name: *const c_char,
    data: *mut c_void,
    destructor: Destructor,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe {
        with(db, |db| {
            let Some(name) = text(name) else { return crate::library::misuse(line!()) };
            let old = {
                let mut entries = db.client_data.borrow_mut();
                let at = entries.iter().position(|entry| *entry.name == *name);
                let old = at.map(|at| entries.swap_remove(at));
                if !data.is_null() {
                    entries.push(Entry { name: name.into(), data: UserData(data), destructor });
                }
                old
            };
            // The destructor may use the connection: nothing is borrowed.
            drop(old);
            SQLITE_OK
        })
    }
}
