//! Kernite's tests across crates: the SQL corpus and its runner, differential tests against SQLite, golden files, process and
//! kill tests, damaged files, failing disks, benchmarks.
//!
//! The tests themselves are in `tests/`, one file a subject; this library has what several of them need.
//! How large the long ones are is a matter of environment variables: `README.md` beside lists them.
//!
//! Never: engine code. Nothing depends on this crate.

pub mod backend;
pub mod content;
pub mod damaged;
pub mod differential;
pub mod engine;
pub mod fuzz;
pub mod golden;
pub mod mutate;
pub mod peer;
pub mod random;
pub mod sample;
pub mod slt;
pub mod watchdog;
pub mod workload;
