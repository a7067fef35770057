//! File names with what belongs to them: `sqlite3_filename`.
//!
//! ```text
//! 0 0 0 0  database 0  key 0 value 0 …  0  journal 0  wal 0  0 0
//!          ^ sqlite3_filename            ^ a key that is empty ends the list
//! ```
//!
//! Whoever is given one of the three names finds the others: the four zeros mark where the block begins.
//!
//! Spec: C/C++ Interface, "Obtain Values For URI Parameters", "Translate filenames", "Create and Destroy VFS Filenames".

use std::cell::RefCell;
use std::ffi::{CStr, c_char, c_int};
use std::ptr;

use crate::abi::vfs::{sqlite3_file, sqlite3_filename};
use crate::boundary::{guard, text};
use crate::memory;
use crate::sqlite3_int64;

/// Names that were handed out; they stay until the connection is closed.
#[derive(Default)]
pub(crate) struct Names {
    blocks: RefCell<Vec<Block>>,
    /// Names of databases, each with a NUL.
    schemas: RefCell<Vec<Box<[u8]>>>,
    /// URI parameters of the main database.
    pub(crate) main_parameters: RefCell<Vec<(Vec<u8>, Vec<u8>)>>,
}

struct Block {
    path: Vec<u8>,
    bytes: Box<[u8]>,
}

/// How many zeros a block begins with.
pub(crate) const ZEROS: usize = 4;

pub(crate) fn block(path: &[u8], journal: &[u8], wal: &[u8], parameters: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = vec![0; ZEROS];
    let mut push = |text: &[u8]| {
        bytes.extend_from_slice(text);
        bytes.push(0);
    };
    push(path);
    for (key, value) in parameters {
        push(key);
        push(value);
    }
    push(b"");
    push(journal);
    push(wal);
    bytes.extend_from_slice(&[0, 0]);
    bytes
}

impl Names {
    /// The name of a database file.
    pub(crate) fn file(&self, path: &[u8], is_main: bool) -> sqlite3_filename {
        let mut blocks = self.blocks.borrow_mut();
        let at = blocks.iter().position(|block| block.path == path);
        let at = at.unwrap_or_else(|| {
            let parameters = self.main_parameters.borrow();
            let parameters = if is_main { parameters.as_slice() } else { &[] };
            let (journal, wal) = if path.is_empty() {
                (Vec::new(), Vec::new())
            } else {
                ([path, b"-journal"].concat(), [path, b"-wal"].concat())
            };
            let bytes = block(path, &journal, &wal, parameters).into_boxed_slice();
            blocks.push(Block { path: path.to_vec(), bytes });
            blocks.len() - 1
        });
        blocks[at].bytes[ZEROS..].as_ptr().cast()
    }

    /// The name of a database.
    pub(crate) fn schema(&self, name: &[u8]) -> *const c_char {
        let mut schemas = self.schemas.borrow_mut();
        let known = schemas.iter().position(|known| known[..known.len() - 1] == *name);
        let at = known.unwrap_or_else(|| {
            schemas.push([name, b"\0"].concat().into_boxed_slice());
            schemas.len() - 1
        });
        schemas[at].as_ptr().cast()
    }
}

/// The C string behind `name`, and where it ends.
///
/// # Safety
/// `name` is a C string.
unsafe fn after(name: *const c_char) -> *const c_char {
    // SAFETY: by the caller.
    unsafe { name.add(CStr::from_ptr(name).to_bytes().len() + 1) }
}

/// The database's name, from any of the three.
///
/// # Safety
/// `name` lies in a block.
unsafe fn database_name(name: *const c_char) -> *const c_char {
    let mut name = name;
    // SAFETY: the block begins with zeros, by the caller.
    unsafe {
        while (1..=ZEROS).any(|back| *name.sub(back) != 0) {
            name = name.sub(1);
        }
    }
    name
}

/// The parameters of a name.
///
/// # Safety
/// `name` is that of a database, in a block that stays for `'a`.
unsafe fn parameters<'a>(name: *const c_char) -> impl Iterator<Item = (*const c_char, *const c_char)> + 'a {
    // SAFETY: by the caller: an empty key ends the list.
    let mut at = unsafe { after(name) };
    std::iter::from_fn(move || unsafe {
        if *at == 0 {
            return None;
        }
        let key = at;
        let value = after(key);
        at = after(value);
        Some((key, value))
    })
}

/// The value of a URI parameter; NULL where there is none.
///
/// # Safety
/// `name` is NULL or a `sqlite3_filename`; `key` is a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_uri_parameter(name: sqlite3_filename, key: *const c_char) -> *const c_char {
    guard(ptr::null(), || {
        // SAFETY: the caller's contract.
        unsafe {
            let Some(key) = text(key) else { return ptr::null() };
            if name.is_null() {
                return ptr::null();
            }
            let name = database_name(name);
            let found = parameters(name).find(|&(known, _)| CStr::from_ptr(known).to_bytes() == key);
            found.map_or(ptr::null(), |(_, value)| value)
        }
    })
}

/// Name `number` of the URI parameters, from 0; NULL beyond the last.
///
/// # Safety
/// `name` is NULL or a `sqlite3_filename`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_uri_key(name: sqlite3_filename, number: c_int) -> *const c_char {
    guard(ptr::null(), || {
        let Ok(number) = usize::try_from(number) else { return ptr::null() };
        if name.is_null() {
            return ptr::null();
        }
        // SAFETY: the caller's contract.
        unsafe { parameters(database_name(name)).nth(number).map_or(ptr::null(), |(key, _)| key) }
    })
}

/// Whether a text means yes; `otherwise` where it means nothing.
fn truth(text: &[u8], otherwise: bool) -> bool {
    let is = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word.as_bytes()));
    if text.first().is_some_and(u8::is_ascii_digit) {
        return text.iter().take_while(|byte| byte.is_ascii_digit()).any(|&byte| byte != b'0');
    }
    if is(&["on", "yes", "true"]) {
        true
    } else if is(&["off", "no", "false"]) {
        false
    } else {
        otherwise
    }
}

/// A URI parameter as yes or no.
///
/// # Safety
/// As for `sqlite3_uri_parameter`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_uri_boolean(
    name: sqlite3_filename,
    key: *const c_char,
    default: c_int,
) -> c_int {
    // SAFETY: the caller's contract.
    let value = unsafe { text(sqlite3_uri_parameter(name, key)) };
    c_int::from(value.map_or(default != 0, |value| truth(value, default != 0)))
}

/// A URI parameter as an integer.
///
/// # Safety
/// As for `sqlite3_uri_parameter`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_uri_int64(
    name: sqlite3_filename,
    key: *const c_char,
    default: sqlite3_int64,
) -> sqlite3_int64 {
    // SAFETY: the caller's contract.
    let value = unsafe { text(sqlite3_uri_parameter(name, key)) };
    value.and_then(kernite::engine::vdbe::value::parse::literal).unwrap_or(default)
}

/// The database's name, from its journal's or WAL's.
///
/// # Safety
/// `name` is NULL or a name from a block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_filename_database(name: sqlite3_filename) -> *const c_char {
    // SAFETY: the caller's contract.
    guard(ptr::null(), || if name.is_null() { ptr::null() } else { unsafe { database_name(name) } })
}

/// The journal's name, from the database's or the WAL's.
///
/// # Safety
/// As for `sqlite3_filename_database`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_filename_journal(name: sqlite3_filename) -> *const c_char {
    guard(ptr::null(), || {
        if name.is_null() {
            return ptr::null();
        }
        // SAFETY: the caller's contract; the empty key that ends the list is one byte before the journal's name.
        unsafe {
            let mut at = after(database_name(name));
            while *at != 0 {
                at = after(after(at));
            }
            at.add(1)
        }
    })
}

/// The WAL's name, from the database's or the journal's.
///
/// # Safety
/// As for `sqlite3_filename_database`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_filename_wal(name: sqlite3_filename) -> *const c_char {
    // SAFETY: the caller's contract.
    unsafe {
        let journal = sqlite3_filename_journal(name);
        if journal.is_null() { ptr::null() } else { after(journal) }
    }
}

/// The file of a database, from its journal's or WAL's name. Files are not handed out: NULL.
///
/// # Safety
/// None: the argument is not used.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_database_file_object(_name: *const c_char) -> *mut sqlite3_file {
    ptr::null_mut()
}

/// A block of names, for a VFS that opens others' files.
///
/// # Safety
/// The names are C strings; `parameters` has `count` pairs of them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_create_filename(
    database: *const c_char,
    journal: *const c_char,
    wal: *const c_char,
    count: c_int,
    parameters: *mut *const c_char,
) -> sqlite3_filename {
    guard(ptr::null(), || {
        let count = usize::try_from(count).unwrap_or(0);
        // SAFETY: the caller's contract.
        unsafe {
            let pair = |at: usize| {
                let text = |at: usize| text(*parameters.add(at)).unwrap_or_default().to_vec();
                (text(2 * at), text(2 * at + 1))
            };
            let pairs: Vec<_> = (0..count).map(pair).collect();
            let name = |name| text(name).unwrap_or_default();
            let bytes = block(name(database), name(journal), name(wal), &pairs);
            let memory: *mut c_char = memory::copy_of(&bytes, 0).cast();
            if memory.is_null() { ptr::null() } else { memory.add(ZEROS) }
        }
    })
}

/// Gives a block of `sqlite3_create_filename` back. NULL is nothing.
///
/// # Safety
/// `name` is NULL or came from `sqlite3_create_filename`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_free_filename(name: sqlite3_filename) {
    guard((), || {
        if !name.is_null() {
            // SAFETY: the caller's contract.
            unsafe { memory::release(database_name(name).sub(ZEROS).cast_mut().cast()) };
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_leads_to_the_others() {
        let mut parameters = [c"mode".as_ptr(), c"rw".as_ptr(), c"n".as_ptr(), c"0x10".as_ptr()];
        // SAFETY: C strings, and names of the block.
        unsafe {
            let name = sqlite3_create_filename(
                c"/a.db".as_ptr(),
                c"/a.db-journal".as_ptr(),
                c"/a.db-wal".as_ptr(),
                2,
                parameters.as_mut_ptr(),
            );
            assert_eq!(CStr::from_ptr(name), c"/a.db");
            let (journal, wal) = (sqlite3_filename_journal(name), sqlite3_filename_wal(name));
            assert_eq!(CStr::from_ptr(journal), c"/a.db-journal");
            assert_eq!(CStr::from_ptr(wal), c"/a.db-wal");
            assert_eq!(sqlite3_filename_database(wal), name);
            assert_eq!(sqlite3_filename_wal(journal), wal);
            assert_eq!(CStr::from_ptr(sqlite3_uri_parameter(name, c"mode".as_ptr())), c"rw");
            assert_eq!(CStr::from_ptr(sqlite3_uri_key(name, 1)), c"n");
            assert!(sqlite3_uri_key(name, 2).is_null());
            assert_eq!(sqlite3_uri_int64(name, c"n".as_ptr(), 7), 16);
            assert_eq!(sqlite3_uri_int64(name, c"mode".as_ptr(), 7), 7);
            assert_eq!(sqlite3_uri_boolean(name, c"none".as_ptr(), 1), 1);
            sqlite3_free_filename(name);
        }
    }
}
