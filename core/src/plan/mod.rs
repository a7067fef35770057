//! Planning: which tables are read in which order, by which index, and how a query is rewritten before that.
//!
//! `log_est` (estimates), `shape` and `constant` (looking at expressions), and so on, a file per idea.
//!
//! Never: instructions, but for those of `WhereLoop`'s own begin and end in `codegen::where_loop`.

pub mod constant;
pub mod log_est;
pub mod shape;
