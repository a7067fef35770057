//! Hash tables: groups of an aggregation, Bloom filters.
//!
//! `groups` keeps accumulators by key, `bloom` the filter of a join, `hash` the function that both use.
//!
//! Never: opcodes.

mod bloom;
mod groups;
mod hash;

pub(crate) use bloom::Bloom;
pub(crate) use groups::Groups;
