//! Kernite: an SQL database engine that reads and writes SQLite's files.
//!
//! Rooms, in the order in which a statement passes them: `catalog` (schemas in memory), `resolve` (names to ids; syntax tree to
//! bound tree), `bound` (the bound tree), `plan` (join order, index choice, rewrites), `codegen` (bound tree to program), `compile`
//! (what one compilation carries through these passes), `connection` (state of a connection, statements, transactions), `pragma`.
//!
//! Never: the C API.
#![forbid(unsafe_code)]

mod api;
pub mod bound;
pub mod catalog;
pub mod codegen;
pub mod compile;
pub mod connection;
pub mod ddl;
pub mod plan;
pub mod pragma;
pub mod resolve;
pub mod result_code;

pub use api::*;

/// The crates below, for layers that need their types: the C API.
pub mod engine {
    pub use kernite_btree as btree;
    pub use kernite_io as io;
    pub use kernite_parser as parser;
    pub use kernite_vdbe as vdbe;
}
