//! Code generation: bound tree to instructions.
//!
//! Never: name resolution; storage.

pub mod statement;
