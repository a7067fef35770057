//! SQLite's functions, by family.
//!
//! `table` lists them all; the look-up is a binary search in it. `text`, `quote`, `search`, `like`, `printf`, `numeric`, `logic`,
//! `connection`, `datetime` and `json` have the scalar ones, `sum`, `extreme`, `group_concat` and `window` the aggregates.

pub mod connection;
pub mod datetime;
pub mod extreme;
pub mod group_concat;
pub mod json;
pub mod like;
pub mod logic;
pub mod numeric;
pub mod printf;
pub mod quote;
pub mod search;
pub mod sum;
pub mod table;
pub mod text;
pub mod window;
