//! Code generation: bound tree to instructions.
//!
//! `expr` codes expressions and jumps on them, `select` SELECTs, `where_loop` the loops that the planner chose, `column` the reading of
//! columns, `dml` statements that change rows, `key_info` how keys compare, `explain` the lines of EXPLAIN QUERY PLAN. `state` is what they share.
//!
//! Never: name resolution; storage.

pub mod column;
pub mod dml;
pub mod explain;
pub mod expr;
pub mod key_info;
pub mod select;
pub mod state;
pub mod statement;
pub mod where_loop;

pub use state::State;
