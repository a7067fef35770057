//! The semantics of values: numbers and text, affinities, arithmetic, comparison.
//!
//! `decimal` (doubles and digits), `parse` (text to numbers), `render` (numbers to text), `number` (values as numbers),
//! `affinity` (affinities and CAST), `arith` (operators), `compare` (comparison under an affinity).
//!
//! Everything here is a function of values and the database's encoding.
//!
//! Never: registers' buffers beyond conversion in place, opcodes, collation names.

pub mod affinity;
pub mod arith;
pub mod compare;
pub mod decimal;
pub mod number;
pub mod parse;
pub mod render;

pub use affinity::Affinity;
pub use arith::{Arithmetic, Bitwise};
pub use compare::compare_with_affinity;
pub use number::Number;
