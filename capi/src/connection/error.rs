//! The last error of a connection: code, message, offset.
//!
//! Every call that can fail leaves its outcome here, as SQLite does: a code, a message where the engine has one (else the code's own
//! text), and where in the SQL text the error is. `sqlite3_step` leaves `SQLITE_ROW` and `SQLITE_DONE`.
//!
//! Spec: C/C++ Interface, "Error Codes And Messages".

use std::cell::{Cell, RefCell};
use std::ffi::{c_char, c_int, c_void};

use kernite::engine::btree::Encoding;
use kernite::engine::btree::encoding::utf8_to_utf16;
use kernite::engine::vdbe::Error;

use super::{Entered, enter, handle_or_sick, sqlite3};
use crate::boundary::{code, guard, text};
use crate::constant::*;
use crate::library;
use crate::library::error_text::error_text;
use crate::value::NATIVE_UTF16;

/// The last error.
pub(crate) struct ErrorState {
    code: Cell<c_int>,
    /// Which bits of a code are shown: all, or those of primary codes.
    mask: Cell<c_int>,
    has_message: Cell<bool>,
    /// With a NUL.
    message: RefCell<Vec<u8>>,
    wide: RefCell<Vec<u8>>,
    offset: Cell<c_int>,
    system_error: Cell<c_int>,
}

impl Default for ErrorState {
    fn default() -> ErrorState {
        ErrorState {
            code: Cell::new(SQLITE_OK),
            mask: Cell::new(0xff),
            has_message: Cell::new(false),
            message: RefCell::default(),
            wide: RefCell::default(),
            offset: Cell::new(-1),
            system_error: Cell::new(0),
        }
    }
}

/// The message of an error, where it has one beside the text of its code.
pub(crate) fn message_of(error: &Error) -> Option<String> {
    match error {
        Error::Message { message, .. } => Some(message.clone()),
        _ => None,
    }
}

impl ErrorState {
    /// Shows extended codes, or only primary ones.
    pub(crate) fn show_extended(&self, on: bool) {
        self.mask.set(if on { -1 } else { 0xff });
    }

    /// A code as this connection shows it.
    #[inline]
    pub(crate) fn shown(&self, code: c_int) -> c_int {
        code & self.mask.get()
    }

    /// Notes a code without touching the message (`sqlite3_step`).
    #[inline]
    pub(crate) fn note_code(&self, code: c_int) {
        self.code.set(code);
    }

    /// Nothing went wrong.
    #[inline]
    pub(crate) fn clear(&self) {
        self.code.set(SQLITE_OK);
        self.has_message.set(false);
        self.offset.set(-1);
    }

    /// Sets a code with its own text, and gives the code as it is shown.
    pub(crate) fn set(&self, code: c_int) -> c_int {
        self.code.set(code);
        self.has_message.set(false);
        self.offset.set(-1);
        self.note_system_error(code);
        self.shown(code)
    }

    /// Sets a code with a message, and gives the code as it is shown.
    pub(crate) fn set_message(&self, code: c_int, message: &[u8]) -> c_int {
        let end = message.iter().position(|&byte| byte == 0).unwrap_or(message.len());
        if let Ok(mut kept) = self.message.try_borrow_mut() {
            kept.clear();
            kept.extend_from_slice(&message[..end]);
            kept.push(0);
        }
        self.code.set(code);
        self.has_message.set(true);
        self.offset.set(-1);
        self.note_system_error(code);
        self.shown(code)
    }

    /// Sets an error of the engine.
    pub(crate) fn fail(&self, error: &Error) -> c_int {
        match error {
            Error::Message { code, message } => self.set_message(*code, message.as_bytes()),
            other => self.set(other.code()),
        }
    }

    /// Sets where in the text the error is.
    pub(crate) fn set_offset(&self, offset: Option<u32>) {
        self.offset.set(offset.and_then(|offset| c_int::try_from(offset).ok()).unwrap_or(-1));
    }

    /// The code, with its extension.
    pub(crate) fn code(&self) -> c_int {
        self.code.get()
    }

    /// Remembers what the system said, after an error of the system's.
    fn note_system_error(&self, code: c_int) {
        if matches!(code & 0xff, SQLITE_CANTOPEN | SQLITE_IOERR) {
            self.system_error.set(std::io::Error::last_os_error().raw_os_error().unwrap_or(0));
        }
    }

    /// The message as a C string; it stays until the next error.
    pub(crate) fn message(&self) -> *const c_char {
        if self.code.get() != SQLITE_OK && self.has_message.get() {
            self.message.borrow().as_ptr().cast()
        } else {
            error_text(self.code.get()).as_ptr()
        }
    }

    /// The message without its NUL.
    pub(crate) fn message_bytes(&self) -> Vec<u8> {
        // SAFETY: it is a C string, and nothing changes it meanwhile.
        unsafe { text(self.message()) }.unwrap_or_default().to_vec()
    }
}

impl Entered<'_> {
    /// Notes the outcome of a call and gives its code.
    pub(crate) fn exit(&self, outcome: Result<(), Error>) -> c_int {
        match outcome {
            Ok(()) => {
                self.error.clear();
                SQLITE_OK
            }
            Err(error) => self.error.fail(&error),
        }
    }

    /// Fails with a message.
    pub(crate) fn fail(&self, code: c_int, message: &str) -> c_int {
        self.error.set_message(code, message.as_bytes())
    }

    /// Fails because a function is not built; the message names it.
    pub(crate) fn missing(&self, function: &str) -> c_int {
        self.fail(SQLITE_ERROR, &format!("{function} is not supported yet"))
    }
}

/// The code of the last call, as the connection shows codes.
///
/// # Safety
/// `db` is NULL or a handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_errcode(db: *mut sqlite3) -> c_int {
    if db.is_null() {
        return SQLITE_NOMEM;
    }
    // SAFETY: the caller's contract.
    match unsafe { handle_or_sick(db) } {
        Some(db) => db.error.shown(db.error.code()),
        None => library::misuse(line!()),
    }
}

/// The code of the last call, extended.
///
/// # Safety
/// `db` is NULL or a handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_extended_errcode(db: *mut sqlite3) -> c_int {
    if db.is_null() {
        return SQLITE_NOMEM;
    }
    // SAFETY: the caller's contract.
    match unsafe { handle_or_sick(db) } {
        Some(db) => db.error.code(),
        None => library::misuse(line!()),
    }
}

/// The message of the last call, until the next one.
///
/// # Safety
/// `db` is NULL or a handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_errmsg(db: *mut sqlite3) -> *const c_char {
    guard(error_text(SQLITE_INTERNAL).as_ptr(), || {
        if db.is_null() {
            return error_text(SQLITE_NOMEM).as_ptr();
        }
        // SAFETY: the caller's contract.
        match unsafe { handle_or_sick(db) } {
            Some(db) => db.error.message(),
            None => error_text(library::misuse(line!())).as_ptr(),
        }
    })
}

/// As `sqlite3_errmsg`, in UTF-16.
///
/// # Safety
/// `db` is NULL or a handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_errmsg16(db: *mut sqlite3) -> *const c_void {
    /// `out of memory` and `bad parameter or other API misuse`, made when needed, never freed: there is no handle to keep them.
    fn leaked(code: c_int) -> *const c_void {
        let mut wide = Vec::new();
        utf8_to_utf16(error_text(code).to_bytes_with_nul(), NATIVE_UTF16, &mut wide);
        Box::leak(wide.into_boxed_slice()).as_ptr().cast()
    }
    guard(std::ptr::null(), || {
        if db.is_null() {
            return leaked(SQLITE_NOMEM);
        }
        // SAFETY: the caller's contract.
        let Some(db) = (unsafe { handle_or_sick(db) }) else { return leaked(library::misuse(line!())) };
        let narrow = db.error.message_bytes();
        let mut wide = db.error.wide.borrow_mut();
        wide.clear();
        utf8_to_utf16(&narrow, NATIVE_UTF16, &mut wide);
        wide.extend_from_slice(&[0, 0]);
        wide.as_ptr().cast()
    })
}

/// Where in the SQL text the last error is, in bytes; -1 where that is not known.
///
/// # Safety
/// `db` is NULL or a handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_error_offset(db: *mut sqlite3) -> c_int {
    // SAFETY: the caller's contract.
    match unsafe { handle_or_sick(db) } {
        Some(db) if db.error.code() != SQLITE_OK => db.error.offset.get(),
        _ => -1,
    }
}

/// Sets code and message as if a call had failed so.
///
/// # Safety
/// `db` is NULL or a handle; `message` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_set_errmsg(
    db: *mut sqlite3,
    errcode: c_int,
    message: *const c_char,
) -> c_int {
    code(|| {
        // SAFETY: the caller's contract.
        let (Some(db), message) = (unsafe { (enter(db), text(message)) }) else {
            return library::misuse(line!());
        };
        match message {
            Some(message) => db.error.set_message(errcode, message),
            None => db.error.set(errcode),
        };
        SQLITE_OK
    })
}

/// Whether codes of this connection are shown extended.
///
/// # Safety
/// `db` is NULL or a connection.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_extended_result_codes(db: *mut sqlite3, on: c_int) -> c_int {
    // SAFETY: the caller's contract.
    unsafe {
        super::with(db, |db| {
            db.error.show_extended(on != 0);
            SQLITE_OK
        })
    }
}

/// What the operating system said at the last error of its own.
///
/// # Safety
/// `db` is NULL or a handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sqlite3_system_errno(db: *mut sqlite3) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { db.as_ref() }.map_or(0, |db| db.error.system_error.get())
}

/// The message of an error in UTF-8, as it would be shown.
pub(crate) fn shown_message(error: &Error) -> Vec<u8> {
    match message_of(error) {
        Some(message) => message.into_bytes(),
        None => error_text(error.code()).to_bytes().to_vec(),
    }
}

/// Text in UTF-16 of this machine from UTF-8, with a NUL.
pub(crate) fn widened(narrow: &[u8]) -> Vec<u8> {
    let mut wide = Vec::new();
    utf8_to_utf16(narrow, NATIVE_UTF16, &mut wide);
    wide.extend_from_slice(&[0, 0]);
    wide
}

/// UTF-8 from UTF-16 of this machine.
pub(crate) fn narrowed(wide: &[u8]) -> Vec<u8> {
    let mut narrow = Vec::new();
    kernite::engine::btree::encoding::convert(wide, NATIVE_UTF16, Encoding::Utf8, &mut narrow);
    narrow
}
