//! Switches for tests: `sqlite3_test_control`.
//!
//! What only makes sense inside SQLite's own code (coverage, bit vectors, fault points) does nothing and gives 0, as an unknown
//! operation does.
//!
//! Spec: C/C++ Interface, "Testing Interface".

use std::ffi::c_int;

use crate::boundary::guard;
use crate::connection::{self, sqlite3};
use crate::constant::*;
use crate::variadic::{Arguments, Taker};

/// The byte of a database file at which locks begin.
const PENDING_BYTE: c_int = 0x4000_0000;
/// Little-endian, as SQLite writes it: the order of bytes, and a digit for each of two questions.
const BYTE_ORDER: c_int = if cfg!(target_endian = "little") { 123_410 } else { 432_101 };

/// The Rust half of `sqlite3_test_control`.
///
/// # Safety
/// `arguments` come from C and fit the operation.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kernite_test_control(operation: c_int, arguments: *mut Arguments) -> c_int {
    guard(0, || {
        // SAFETY: the caller's contract.
        let mut arguments = unsafe { Taker::new(arguments) };
        match operation {
            SQLITE_TESTCTRL_PENDING_BYTE => PENDING_BYTE,
            SQLITE_TESTCTRL_ALWAYS => {
                let value = arguments.int();
                if value != 0 { value } else { 0 }
            }
            SQLITE_TESTCTRL_BYTEORDER => BYTE_ORDER,
            SQLITE_TESTCTRL_ISINIT => {
                if super::is_initialized() {
                    SQLITE_OK
                } else {
                    SQLITE_ERROR
                }
            }
            SQLITE_TESTCTRL_OPTIMIZATIONS => {
                let db: *mut sqlite3 = arguments.pointer().cast();
                let disabled = arguments.int();
                // SAFETY: the caller's contract.
                if let Some(db) = unsafe { connection::handle(db) } {
                    db.raw().set_disabled_optimizations(disabled as u32);
                }
                SQLITE_OK
            }
            SQLITE_TESTCTRL_GETOPT => {
                let db: *mut sqlite3 = arguments.pointer().cast();
                let out: *mut c_int = arguments.pointer().cast();
                // SAFETY: the caller's contract.
                unsafe {
                    if let Some(db) = connection::handle(db) {
                        crate::boundary::store(out, db.raw().disabled_optimizations() as c_int);
                    }
                }
                SQLITE_OK
            }
            _ => 0,
        }
    })
}
