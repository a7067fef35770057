//! Extensions: entry points that every new connection calls, and shared libraries that are loaded.
//!
//! An extension is a C function that registers functions, collations, modules with a connection. It finds the library's functions in
//! a table ([`crate::extension_table`]).
//!
//! Spec: Run-Time Loadable Extensions; C/C++ Interface, "Automatically Load Statically Linked Extensions", "Load An Extension".

use std::ffi::{CString, c_char, c_int, c_void};
use std::ptr;
use std::sync::{Mutex, PoisonError};

use super::{Entered, sqlite3, with};
use crate::boundary::{code, guard, store, text};
use crate::constant::*;
use crate::extension_table::{self, sqlite3_api_routines};
use crate::{library, memory};

/// An entry point, as `sqlite3_auto_extension` takes it.
type Bare = unsafe extern "C" fn();
/// An entry point, as it is called.
type Entry = unsafe extern "C" fn(*mut sqlite3, *mut *mut c_char, *const sqlite3_api_routines) -> c_int;

static AUTOMATIC: Mutex<Vec<Bare>> = Mutex::new(Vec::new());

/// Calls an entry point. Gives its code and message.
///
/// # Safety
/// It is one.
unsafe fn call(db: &sqlite3, entry: Bare) -> (c_int, Option<Vec<u8>>) {
    // SAFETY: by the caller.
    unsafe {
        let entry: Entry = std::mem::transmute(entry);
        let mut message = ptr::null_mut();
        let rc = entry(db.as_ptr(), &raw mut message, extension_table::address());
        let told = text(message).map(<[u8]>::to_vec);
        memory::release(message.cast());
        (rc, told)
    }
}

/// Runs the automatic extensions on a new connection. The first that fails leaves its error there.
pub(crate) fn run_automatic(db: &sqlite3) {
    let mut at = 0;
    loop {
        // An extension may register others.
        let entry = AUTOMATIC.lock().unwrap_or_else(PoisonError::into_inner).get(at).copied();
        let Some(entry) = entry else { return };
        // SAFETY: the application's function.
        let (rc, message) = unsafe { call(db, entry) };
        if rc != SQLITE_OK {
            let message = String::from_utf8_lossy(&message.unwrap_or_default()).into_owned();
            db.error.set_message(rc, format!("automatic extension loading failed: {message}").as_bytes());
            return;
        }
        at += 1;
    }
}

/// Forgets the automatic extensions.
pub(crate) fn forget_automatic() {
    AUTOMATIC.lock().unwrap_or_else(PoisonError::into_inner).clear();
}

/// Has every new connection call an entry point.
///
/// # Safety
/// `entry` is one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_auto_extension(entry: Option<unsafe extern "C" fn()>) -> c_int {
    code(|| {
        let rc = library::initialize();
        if rc != SQLITE_OK {
            return rc;
        }
        let Some(entry) = entry else { return library::misuse(line!()) };
        let mut all = AUTOMATIC.lock().unwrap_or_else(PoisonError::into_inner);
        if !all.iter().any(|&known| known as usize == entry as usize) {
            all.push(entry);
        }
        SQLITE_OK
    })
}

/// Takes an entry point out again. 1 if it was there.
///
/// # Safety
/// None: it is not called.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_cancel_auto_extension(entry: Option<unsafe extern "C" fn()>) -> c_int {
    guard(0, || {
        let Some(entry) = entry else { return 0 };
        let mut all = AUTOMATIC.lock().unwrap_or_else(PoisonError::into_inner);
        let before = all.len();
        all.retain(|&known| known as usize != entry as usize);
        c_int::from(all.len() < before)
    })
}

/// Takes all entry points out.
#[unsafe(no_mangle)]
pub extern "C" fn sqlite3_reset_auto_extension() {
    guard((), || {
        if library::initialize() == SQLITE_OK {
            forget_automatic();
        }
    });
}

/// Loads an extension from a shared library and calls its entry point: `entry`, or a name made from the file's.
///
/// # Safety
/// `db` is NULL or a connection; `file` is a C string, `entry` NULL or one; `message` is NULL or writable. The file is an extension.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_load_extension(
    db: *mut sqlite3,
    file: *const c_char,
    entry: *const c_char,
    message: *mut *mut c_char,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe {
        store(message, ptr::null_mut());
        with(db, |db| {
            let outcome = match text(file) {
                Some(file) => load(db, file, text(entry)),
                None => return library::misuse(line!()),
            };
            match outcome {
                Ok(rc) => {
                    db.error.clear();
                    rc
                }
                Err(told) => {
                    if !message.is_null() {
                        message.write(memory::c_string(&told).unwrap_or(ptr::null_mut()));
                    }
                    db.error.set(SQLITE_ERROR)
                }
            }
        })
    }
}

/// What the system says went wrong with a shared library.
fn system_message() -> Vec<u8> {
    // SAFETY: it gives NULL or a C string that is good until the next call.
    unsafe { text(libc::dlerror()) }.unwrap_or_default().to_vec()
}

/// The suffix of shared libraries.
const SUFFIX: &str = if cfg!(target_os = "macos") { "dylib" } else { "so" };

/// # Safety
/// The file is an extension, or none at all.
unsafe fn load(db: &Entered<'_>, file: &[u8], entry: Option<&[u8]>) -> Result<c_int, Vec<u8>> {
    if !db.settings.is_on(SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION) {
        return Err(b"not authorized".to_vec());
    }
    let name = |bytes: &[u8]| CString::new(bytes).unwrap_or_default();
    // SAFETY: C strings; an extension's initialisers may run.
    let mut library = unsafe { libc::dlopen(name(file).as_ptr(), libc::RTLD_NOW | libc::RTLD_GLOBAL) };
    let mut told = Vec::new();
    if library.is_null() {
        told = system_message();
        let with_suffix = [file, b".", SUFFIX.as_bytes()].concat();
        // SAFETY: as above.
        library = unsafe { libc::dlopen(name(&with_suffix).as_ptr(), libc::RTLD_NOW | libc::RTLD_GLOBAL) };
    }
    if library.is_null() {
        if told.is_empty() {
            told = [b"unable to open shared library [", file, b"]"].concat();
        }
        return Err(told);
    }
    let first = entry.unwrap_or(b"sqlite3_extension_init").to_vec();
    // SAFETY: the library is open, the name a C string.
    let mut symbol = unsafe { libc::dlsym(library, name(&first).as_ptr()) };
    let mut tried = first;
    if symbol.is_null() && entry.is_none() {
        tried = entry_name(file);
        // SAFETY: as above.
        symbol = unsafe { libc::dlsym(library, name(&tried).as_ptr()) };
    }
    if symbol.is_null() {
        let told = [b"no entry point [", &tried[..], b"] in shared library [", file, b"]"].concat();
        // SAFETY: nothing of it is used.
        unsafe { libc::dlclose(library) };
        return Err(told);
    }
    // SAFETY: by the caller it is an entry point.
    let (rc, message) = unsafe { call(db, std::mem::transmute::<*mut c_void, Bare>(symbol)) };
    match rc {
        SQLITE_OK | SQLITE_OK_LOAD_PERMANENTLY => Ok(SQLITE_OK),
        _ => Err([b"error during initialization: ", &message.unwrap_or_default()[..]].concat()),
    }
}

/// The entry point's name by the file's: `libfoo_2.so` gives `sqlite3_foo_init`.
fn entry_name(file: &[u8]) -> Vec<u8> {
    let start = file.iter().rposition(|&byte| byte == b'/').map_or(0, |at| at + 1);
    let base = &file[start..];
    let base = match base.get(..3) {
        Some(prefix) if prefix.eq_ignore_ascii_case(b"lib") => &base[3..],
        _ => base,
    };
    let letters = base.iter().take_while(|&&byte| byte != b'.').filter(|byte| byte.is_ascii_alphabetic());
    let letters: Vec<u8> = letters.map(u8::to_ascii_lowercase).collect();
    [b"sqlite3_", &letters[..], b"_init"].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_point_is_named_after_its_file() {
        for (file, expected) in [
            ("/usr/lib/libFoo_2.so", "sqlite3_foo_init"),
            ("csv", "sqlite3_csv_init"),
            ("./lib/json1.so.0", "sqlite3_json_init"),
        ] {
            assert_eq!(String::from_utf8(entry_name(file.as_bytes())).unwrap(), expected);
        }
    }
}
