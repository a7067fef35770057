//! Planning: which tables are read in which order, by which index, and how a query is rewritten before that.
//!
//! ```text
//! rewrites    rewrite: flattening, push-down, constants, simpler joins, …                 SELECT -> SELECT
//! terms       clause, analyze, or_terms, like, usage, scan                                  WHERE -> terms
//! candidates  candidates, btree_candidates, or_candidates, virtual_table                    terms -> candidates per source
//! choice      shortcut, solver, order, heuristics                                           candidates -> plan
//! ```
//!
//! `log_est` has the estimates, `shape`, `constant` and `implication` look at expressions, `where_loop` holds the state of one WHERE.
//!
//! The logic is SQLite's, down to costs and ties, because row order and EXPLAIN QUERY PLAN show it.
//!
//! Never: instructions; those of the loops are `codegen::where_loop`'s.

pub mod analyze;
pub mod btree_candidates;
pub mod candidates;
pub mod clause;
pub mod constant;
pub mod heuristics;
pub mod implication;
pub mod like;
pub mod log_est;
pub mod optimizations;
pub mod or_candidates;
pub mod or_terms;
pub mod order;
pub mod rewrite;
pub mod scan;
pub mod shape;
pub mod shortcut;
pub mod solver;
pub mod usage;
pub mod virtual_table;
pub mod where_loop;

pub use crate::codegen::where_loop::{Request, where_begin};
pub use where_loop::{Distinct, OnePass, Source, WhereLoop, control};
