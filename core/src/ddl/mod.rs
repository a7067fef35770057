//! Statements that change the schema.
//!
//! A DDL program writes the new state of the file (trees, rows of `sqlite_schema`, the schema cookie), then tells the connection which
//! rows to read again: the catalogue changes only by reading what was stored. What is checked when the statement is compiled stays true until
//! it runs, because the program checks the cookie first.
//!
//! The text that is stored is what the user typed, from the object's name on, behind `CREATE TABLE ` or its like.
//!
//! Rooms: `schema_table` (rows of `sqlite_schema`), `name` (names of new objects), `fix` (what a stored text may refer to), one file a
//! statement, `fill` (building an index).
//!
//! Never: the schema in memory; storage.

mod alter;
mod analyze;
mod create_index;
mod create_object;
mod create_table;
mod drop;
mod fill;
mod fix;
mod name;
mod reindex;
mod schema_table;

pub use alter::alter_table;
pub use analyze::analyze;
pub use create_index::create_index;
pub use create_object::{create_trigger, create_view, create_virtual_table};
pub use create_table::{check_partial_table, create_table};
pub use drop::drop;
pub use reindex::reindex;
pub(crate) use schema_table::text;
