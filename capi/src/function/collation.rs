//! Collations of the application.
//!
//! A collation gets text in the encoding that it was registered for; the engine converts.
//!
//! Spec: C/C++ Interface, "Define New Collating Sequences".

use std::cmp::Ordering;
use std::ffi::{c_char, c_int, c_void};
use std::sync::Arc;

use kernite::engine::btree::{Collate, Encoding};

use super::Registered;
use crate::boundary::{Destructor, text, wide};
use crate::connection::error::narrowed;
use crate::connection::{Entered, sqlite3, with};
use crate::constant::*;
use crate::library::misuse;
use crate::value::NATIVE_UTF16;

type Compare = unsafe extern "C" fn(*mut c_void, c_int, *const c_void, c_int, *const c_void) -> c_int;

/// A C collation.
struct FromC {
    compare: Compare,
    registered: Registered,
}

impl Collate for FromC {
    fn compare(&self, _: Encoding, left: &[u8], right: &[u8]) -> Ordering {
        let data = self.registered.data.0;
        // SAFETY: the application's function with its own argument; text with its length.
        let difference = unsafe {
            (self.compare)(
                data,
                left.len() as c_int,
                left.as_ptr().cast(),
                right.len() as c_int,
                right.as_ptr().cast(),
            )
        };
        difference.cmp(&0)
    }
}

/// An encoding of a collation; `None` for what is none.
fn encoding_of(representation: c_int) -> Option<Encoding> {
    match representation {
        SQLITE_UTF8 => Some(Encoding::Utf8),
        SQLITE_UTF16LE => Some(Encoding::Utf16Le),
        SQLITE_UTF16BE => Some(Encoding::Utf16Be),
        SQLITE_UTF16 | SQLITE_UTF16_ALIGNED => Some(NATIVE_UTF16),
        _ => None,
    }
}

fn register(
    db: &Entered<'_>,
    name: &[u8],
    representation: c_int,
    compare: Option<Compare>,
    registered: Registered,
) -> c_int {
    let Some(encoding) = encoding_of(representation) else {
        // A collation's destructor is not told of failures.
        registered.forget();
        return misuse(line!());
    };
    if db.raw().has_collation(name, encoding) && db.raw().active_statements() > 0 {
        registered.forget();
        return db.fail(SQLITE_BUSY, "unable to delete/modify collation sequence due to active statements");
    }
    let collation = compare.map(|compare| -> Arc<dyn Collate> { Arc::new(FromC { compare, registered }) });
    db.raw().register_collation(name, encoding, collation);
    db.exit(Ok(()))
}

/// Registers a collation for text in an encoding; NULL removes it.
///
/// # Safety
/// `db` is NULL or a connection; `name` is a C string; `compare` may be called with `data`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_create_collation(
    db: *mut sqlite3,
    name: *const c_char,
    representation: c_int,
    data: *mut c_void,
    compare: Option<unsafe extern "C" fn(*mut c_void, c_int, *const c_void, c_int, *const c_void) -> c_int>,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { sqlite3_create_collation_v2(db, name, representation, data, compare, None) }
}

/// As `sqlite3_create_collation`; `destructor` is told when `data` is not needed any more.
///
/// # Safety
/// As for `sqlite3_create_collation`; `destructor` takes `data`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_create_collation_v2(
    db: *mut sqlite3,
    name: *const c_char,
    representation: c_int,
    data: *mut c_void,
    compare: Option<unsafe extern "C" fn(*mut c_void, c_int, *const c_void, c_int, *const c_void) -> c_int>,
    destructor: Destructor,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe {
        with(db, |db| match text(name) {
            Some(name) => {
                let destructor = destructor.filter(|_| compare.is_some());
                register(db, name, representation, compare, Registered::new(data, destructor))
            }
            None => misuse(line!()),
        })
    }
}

/// As `sqlite3_create_collation`, with a name in UTF-16.
///
/// # Safety
/// As for `sqlite3_create_collation`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_create_collation16(
    db: *mut sqlite3,
    name: *const c_void,
    representation: c_int,
    data: *mut c_void,
    compare: Option<unsafe extern "C" fn(*mut c_void, c_int, *const c_void, c_int, *const c_void) -> c_int>,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe {
        with(db, |db| match wide(name, -1) {
            Some(name) => register(db, &narrowed(name), representation, compare, Registered::new(data, None)),
            None => misuse(line!()),
        })
    }
}
