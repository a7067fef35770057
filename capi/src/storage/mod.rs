//! Databases and blobs as bytes: online backup, incremental blobs, databases in memory.
//!
//! Never: pages; the engine copies.

pub mod backup;
pub mod blob;
pub mod serialize;
