//! The catalogue: schemas in memory, as immutable snapshots.
//!
//! A [`Catalog`] is what one compilation sees: cheap to clone, never changed in place. DDL makes a new snapshot of the database
//! it touches; statements hold only the tables that they use.
//!
//! Names are compared without ASCII case; maps are keyed by the lower-cased name.
//!
//! Never: storage; loading from `sqlite_schema` is `load`.

mod affinity;
pub mod build;
mod index;
pub mod load;
mod module;
mod schema;
pub mod statistics;
mod table;
mod trigger;

pub use affinity::{type_affinity, type_size_estimate};
pub use index::{Index, IndexColumn, IndexOrigin};
pub use module::Modules;
pub use schema::{
    Catalog, DatabaseSchema, SCHEMA_TABLE, SCHEMA_TABLE_ALIAS, SchemaName, TEMP_SCHEMA_TABLE,
    TEMP_SCHEMA_TABLE_ALIAS,
};
pub use table::{
    Check, Column, ColumnFlags, DefaultValue, ForeignKey, Generated, Instance, ROWID_NAMES, Table, TableKind,
    is_rowid_name,
};
pub use trigger::Trigger;
