//! Kernite's tests across crates: the SQL corpus and its runner, differential tests against SQLite, golden files, process and
//! kill tests, benchmarks.
//!
//! The tests themselves are in `tests/`, one file a subject; this library has what several of them need.
//!
//! Never: engine code. Nothing depends on this crate.

pub mod differential;
pub mod engine;
pub mod slt;
pub mod workload;
