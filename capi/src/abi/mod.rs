//! Structures that C programs see into: their layout is part of the interface.
//!
//! `vfs` (operating system layers), `method` (allocators, mutexes, page caches that an application can put in place of ours), `module`
//! (virtual tables), `extension` (R-Tree callbacks, full-text tokenizers), `snapshot`.
//!
//! Never: code.

pub mod extension;
pub mod method;
pub mod module;
pub mod vfs;

/// A state of a WAL database that can be opened again. Its bytes mean something to the library alone.
#[repr(C)]
pub struct sqlite3_snapshot {
    pub hidden: [std::ffi::c_uchar; 48],
}
