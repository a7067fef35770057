//! Real SQLite as a process of the simulated world.
//!
//! The C library runs on the process's thread over a VFS whose every method is a decision point of the world, so that all
//! interleavings of the two engines on one file can happen. It is as deterministic as the rest: its random numbers come from the
//! seed (they are global to the operating system's process, so a job runs one world at a time), its clock is the world's.
//!
//! A killed SQLite hears an I/O error from every call, comes to its end, and nothing that it did meanwhile is seen.
//!
//! Rooms: `vfs` (names, opening, time), `files` (open files, locks, shared memory), `connection` (SQL).
//! Never: unsafe code outside this folder.
#![allow(unsafe_code)]

mod connection;
mod files;
mod vfs;

pub use connection::Connection;
pub use vfs::Vfs;

use libsqlite3_sys as ffi;

/// Seeds SQLite's random numbers.
pub fn seed_random(seed: u64) {
    let seed = (seed as u32 ^ (seed >> 32) as u32 | 1) as std::ffi::c_int;
    let no_connection: *mut ffi::sqlite3 = std::ptr::null_mut();
    // SAFETY: this control takes an int and a connection, which may be null.
    unsafe { ffi::sqlite3_test_control(ffi::SQLITE_TESTCTRL_PRNG_SEED, seed, no_connection) };
}

/// The version of the library.
pub fn version() -> String {
    // SAFETY: a constant, NUL-terminated text.
    unsafe { std::ffi::CStr::from_ptr(ffi::sqlite3_libversion()) }.to_string_lossy().into_owned()
}
