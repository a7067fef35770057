//! The authorizer: who may do what, asked while statements are compiled.
//!
//! Spec: C/C++ Interface, "Compile-Time Authorization Callbacks".

use std::ffi::{CString, c_char, c_int, c_void};
use std::ptr;

use kernite::compile::{AuthAnswer, AuthRequest, Authorizer};

use super::{sqlite3, with};
use crate::boundary::UserData;
use crate::constant::*;

type Callback = unsafe extern "C" fn(
    *mut c_void,
    c_int,
    *const c_char,
    *const c_char,
    *const c_char,
    *const c_char,
) -> c_int;

/// A C authorizer.
struct FromC {
    callback: Callback,
    data: UserData,
}

impl Authorizer for FromC {
    fn authorize(&mut self, request: &AuthRequest<'_>) -> AuthAnswer {
        let c_text = |text: Option<&[u8]>| text.map(|text| CString::new(text).unwrap_or_default());
        let texts = [request.first, request.second, request.database, request.inside].map(c_text);
        let [first, second, database, inside] =
            texts.each_ref().map(|text| text.as_ref().map_or(ptr::null(), |text| text.as_ptr()));
        // SAFETY: the application's function with its own argument; the texts live for the call.
        match unsafe { (self.callback)(self.data.0, request.action, first, second, database, inside) } {
            SQLITE_OK => AuthAnswer::Allow,
            SQLITE_DENY => AuthAnswer::Deny,
            SQLITE_IGNORE => AuthAnswer::Ignore,
            _ => AuthAnswer::Invalid,
        }
    }
}

/// Registers who is asked; NULL removes it. Statements compiled before are compiled again.
///
/// # Safety
/// `db` is NULL or a connection; `callback` may be called with `data` as long as it is registered.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_set_authorizer(
    db: *mut sqlite3,
    callback: Option<
        unsafe extern "C" fn(
            *mut c_void,
            c_int,
            *const c_char,
            *const c_char,
            *const c_char,
            *const c_char,
        ) -> c_int,
    >,
    data: *mut c_void,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe {
        with(db, |db| {
            let authorizer = callback.map(|callback| -> Box<dyn Authorizer> {
                Box::new(FromC { callback, data: UserData(data) })
            });
            db.raw().set_authorizer(authorizer);
            SQLITE_OK
        })
    }
}
