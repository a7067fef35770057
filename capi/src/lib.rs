//! SQLite's C API over Kernite: `libsqlite3.so` and `libsqlite3.a`.
//!
//! ```text
//! C program ──> sqlite3_… (here) ──> kernite::connection::raw ──> engine
//!                  │
//!                  ├─ boundary: panics stop, C strings        ├─ connection: sqlite3       ├─ library: the whole
//!                  ├─ variadic: functions with …              ├─ statement: sqlite3_stmt   ├─ memory, mutex, vfs
//!                  ├─ constant, abi: what headers show        ├─ value: sqlite3_value      ├─ text: printf, strings
//!                  └─ extension_table: for extensions         ├─ function: callbacks       └─ storage, module, session
//! ```
//!
//! Every exported function has its C name, and the signature that C programs compile against; `include/sqlite3.h` is written from
//! these declarations.
//!
//! Always true: a panic does not leave a function (`boundary`); what is not built fails with an error that names the function.
//!
//! Unsafe, because C hands over pointers. The contract of each function is SQLite's documentation of it; comments at `unsafe`
//! blocks call it the caller's contract.
//!
//! Never: pages, SQL's meaning.

// The names are C's.
#![allow(non_camel_case_types, non_snake_case, non_upper_case_globals)]
// Functions have as many arguments as C gives them.
#![allow(clippy::too_many_arguments, clippy::type_complexity)]

pub mod abi;
mod boundary;
pub mod connection;
pub mod constant;
mod extension_table;
pub mod function;
pub mod library;
pub mod memory;
pub mod module;
pub mod mutex;
pub mod session;
pub mod statement;
pub mod storage;
pub mod text;
pub mod value;
pub mod variadic;
pub mod vfs;

/// A 64-bit integer of the interface.
pub type sqlite3_int64 = std::ffi::c_longlong;
/// An unsigned 64-bit integer of the interface.
pub type sqlite3_uint64 = std::ffi::c_ulonglong;
