//! `kernite-sim`: a world from a seed.
//!
//! A disk that loses what was not synced, processes that die anywhere, calls that fail, a clock that jumps, and two engines, Kernite
//! and real SQLite, on one file in it. One list of decisions decides all of it, and one number makes the list, so that whatever goes
//! wrong goes wrong again.
//!
//! Rooms, from the ground up: `decide` (decisions), `trace` (what happened), `world` (disk, locks, schedule), `process` (threads that
//! take turns), `sqlite_process` (real SQLite in the world), `engine` (both behind one trait), `generate` (SQL), `workload` (what clients
//! do), `client` (how they do it), `history` (what they saw), `oracle` (what must hold), `profile` (what kinds of runs there are), `run`
//! (a seed from beginning to end), `exhaust` (two transactions, everything that can go wrong), `watchdog`, `shrink`, `script` (a run as a file), `report` (text and HTML for people), `mutants` (the engine with bugs on purpose).

#![deny(unsafe_code)]

pub mod client;
pub mod decide;
pub mod engine;
pub mod exhaust;
pub mod generate;
pub mod history;
#[cfg(feature = "planted")]
pub mod mutants;
pub mod oracle;
pub mod process;
pub mod profile;
pub mod report;
pub mod run;
pub mod script;
pub mod shrink;
pub mod sqlite_process;
pub mod trace;
pub mod watchdog;
pub mod workload;
pub mod world;
