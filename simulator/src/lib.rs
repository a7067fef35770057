//! Worlds from a seed: generated SQL, and what it runs in.
//!
//! Whatever this crate decides follows from a seed, so that a failing run is replayed by its number alone.
//!
//! Never: clocks, files, threads, randomness of its own.

#![forbid(unsafe_code)]

pub mod generate;
