//! The error log: `sqlite3_log` and who listens.
//!
//! Spec: The Error And Warning Log.

use std::ffi::{c_char, c_int, c_void};
use std::sync::{Mutex, PoisonError};

use kernite::engine::vdbe::function::builtin::connection::SOURCE_ID;

use crate::boundary::{UserData, guard, text};
use crate::constant::{SQLITE_ERROR, SQLITE_MISUSE};
use crate::text::printf;
use crate::variadic::{Arguments, Taker};

/// Takes a result code and a message.
pub(crate) type LogFunction = unsafe extern "C" fn(*mut c_void, c_int, *const c_char);

static LISTENER: Mutex<Option<(LogFunction, UserData)>> = Mutex::new(None);

/// Longest message of the log, in bytes, without its NUL.
const MESSAGE_LEN_MAX: usize = 209;

/// Sets who listens.
pub(crate) fn set_listener(listener: Option<LogFunction>, data: *mut c_void) {
    *LISTENER.lock().unwrap_or_else(PoisonError::into_inner) =
        listener.map(|listener| (listener, UserData(data)));
}

/// Tells the log.
pub(crate) fn write(code: c_int, message: &[u8]) {
    let listener = *LISTENER.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((listener, data)) = listener {
        let message = &message[..message.len().min(MESSAGE_LEN_MAX)];
        let mut out = Vec::with_capacity(message.len() + 1);
        out.extend_from_slice(message);
        out.push(0);
        // SAFETY: the application's function with its own argument and text that ends with a NUL.
        unsafe { listener(data.0, code, out.as_ptr().cast()) };
    }
}

/// Tells the log that the application called us wrongly, and gives `SQLITE_MISUSE`.
#[cold]
pub(crate) fn misuse(line: u32) -> c_int {
    // The start of the check-in's hash, as SQLite's own messages have it.
    let hash = SOURCE_ID.rsplit(' ').next().unwrap_or_default();
    write(SQLITE_MISUSE, format!("misuse at line {line} of [{hash:.10}]").as_bytes());
    SQLITE_MISUSE
}

/// The Rust half of `sqlite3_log`.
///
/// # Safety
/// `format` is a C string or NULL; `arguments` come from C and fit it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kernite_log(code: c_int, format: *const c_char, arguments: *mut Arguments) {
    guard((), || {
        if LISTENER.lock().unwrap_or_else(PoisonError::into_inner).is_none() {
            return;
        }
        // SAFETY: the caller's contract.
        let (format, arguments) = unsafe { (text(format), Taker::new(arguments)) };
        let mut message = Vec::new();
        // A message that is too long for any string is not written at all.
        if printf::format(format.unwrap_or_default(), arguments, &mut message).is_ok() {
            write(code, &message);
        }
    });
}

/// Tells the log that a function is not built, and gives the code of an error.
#[cold]
pub(crate) fn missing(function: &str) -> c_int {
    write(SQLITE_ERROR, format!("{function} is not supported yet").as_bytes());
    SQLITE_ERROR
}
