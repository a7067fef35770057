//! What the library is: version, options, thread safety.
//!
//! Version and source are those of the SQLite that the interface is compatible with: programs compare them with what they need.
//!
//! Spec: C/C++ Interface, "Run-Time Library Version Numbers", "Run-Time Library Compilation Options Diagnostics".

use std::ffi::{CStr, c_char, c_int};
use std::sync::atomic::{AtomicPtr, Ordering};

use kernite::engine::vdbe::function::builtin::connection::{
    COMPILE_OPTIONS, SOURCE_ID, VERSION, has_compile_option,
};

use crate::boundary::{guard, text};

/// `VERSION` with a NUL.
const VERSION_TEXT: &CStr = c"3.54.1";
const VERSION_NUMBER: c_int = 3_054_001;

const _: () = {
    let (known, shown) = (VERSION.as_bytes(), VERSION_TEXT.to_bytes());
    assert!(known.len() == shown.len());
    let mut at = 0;
    while at < known.len() {
        assert!(known[at] == shown[at]);
        at += 1;
    }
};

/// The version as text.
#[unsafe(no_mangle)]
pub static sqlite3_version: [u8; 7] = *b"3.54.1\0";

/// The version as text.
#[unsafe(no_mangle)]
pub extern "C" fn sqlite3_libversion() -> *const c_char {
    VERSION_TEXT.as_ptr()
}

/// The version as a number: 1,000,000 times the first part, 1,000 times the second, and the third.
#[unsafe(no_mangle)]
pub extern "C" fn sqlite3_libversion_number() -> c_int {
    VERSION_NUMBER
}

/// `SOURCE_ID` with a NUL.
static SOURCE_TEXT: [u8; SOURCE_ID.len() + 1] = with_nul(SOURCE_ID);

const fn with_nul<const N: usize>(text: &str) -> [u8; N] {
    let mut out = [0; N];
    let mut at = 0;
    while at < text.len() {
        out[at] = text.as_bytes()[at];
        at += 1;
    }
    out
}

/// The check-in of SQLite that the interface is that of.
#[unsafe(no_mangle)]
pub extern "C" fn sqlite3_sourceid() -> *const c_char {
    SOURCE_TEXT.as_ptr().cast()
}

/// 1: connections may be shared by threads, unless the application asked for less.
#[unsafe(no_mangle)]
pub extern "C" fn sqlite3_threadsafe() -> c_int {
    1
}

/// Whether the library has an option, named with or without `SQLITE_`.
///
/// # Safety
/// `name` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_compileoption_used(name: *const c_char) -> c_int {
    // SAFETY: the caller's contract.
    guard(0, || c_int::from(unsafe { text(name) }.is_some_and(has_compile_option)))
}

/// The options with a NUL behind each, made when they are first asked for.
static OPTIONS: AtomicPtr<Vec<Vec<u8>>> = AtomicPtr::new(std::ptr::null_mut());

/// Option number `index`, from 0; NULL beyond the last.
#[unsafe(no_mangle)]
pub extern "C" fn sqlite3_compileoption_get(index: c_int) -> *const c_char {
    guard(std::ptr::null(), || {
        let mut options = OPTIONS.load(Ordering::Acquire);
        if options.is_null() {
            let list = COMPILE_OPTIONS.iter().map(|option| [option.as_bytes(), b"\0"].concat()).collect();
            let fresh = Box::into_raw(Box::new(list));
            match OPTIONS.compare_exchange(options, fresh, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => options = fresh,
                Err(others) => {
                    // SAFETY: it was just boxed, and nobody else has seen it.
                    drop(unsafe { Box::from_raw(fresh) });
                    options = others;
                }
            }
        }
        // SAFETY: what is stored there is never freed or changed.
        let options = unsafe { &*options };
        let option = usize::try_from(index).ok().and_then(|index| options.get(index));
        option.map_or(std::ptr::null(), |option| option.as_ptr().cast())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_source_is_that_of_the_version() {
        // SAFETY: it ends with a NUL.
        let source = unsafe { CStr::from_ptr(sqlite3_sourceid()) };
        assert_eq!(source.to_str(), Ok(SOURCE_ID));
        assert_eq!(&sqlite3_version, VERSION_TEXT.to_bytes_with_nul());
    }

    #[test]
    fn options_are_listed_and_found() {
        // SAFETY: C strings.
        unsafe {
            assert_eq!(CStr::from_ptr(sqlite3_compileoption_get(0)), c"ATOMIC_INTRINSICS=1");
            assert_eq!(sqlite3_compileoption_used(c"SQLITE_THREADSAFE".as_ptr()), 1);
            assert_eq!(sqlite3_compileoption_used(c"threadsafe=1".as_ptr()), 1);
            assert_eq!(sqlite3_compileoption_used(c"THREADSAF".as_ptr()), 0);
        }
        assert!(sqlite3_compileoption_get(-1).is_null() && sqlite3_compileoption_get(9999).is_null());
    }
}
