//! A connection: its state, its statements, its transactions.
//!
//! ```text
//! raw::Connection ──┐                         ┌── storage: one Btree per attached database
//! raw::Statement ───┼── Shared: lock ── State ┼── host: catalogue, registries, settings, counters; serves the machine
//! raw::Statement ───┘                         └── hooks, authorizer, busy handler, statement cache
//! ```
//!
//! One recursive lock is around one state. **The application's code never runs while the state is borrowed**: hooks, the authorizer
//! and user functions are taken out or called with the borrow released, and may prepare and step other statements of the connection.
//!
//! A statement is compiled in two phases. First the schemas that are not loaded are read, which may wait for I/O; then the text is compiled
//! against a snapshot of the catalogue, which never waits.
//!
//! Rooms: `state` (what a connection has), `open` (file names, URIs, flags), `shared_memory` (databases in memory with a name), `schema` (reading schemas), `prepare` and `statement` (the life
//! of a statement), `host` (what the machine asks for), `commit` (the commit script over all databases), `attach`, `vacuum`, `busy` (waiting for
//! locks), `wait` (waiting for I/O), `hooks`, `explain`, `virtual_table`, `nested` (statements of virtual tables), `raw` (the face of all
//! this), `inspect`, `blob`, `backup` and `content` (its parts that only the C API needs).
//!
//! Never: SQL's meaning; pages.

mod attach;
mod backup;
mod blob;
mod busy;
mod commit;
mod content;
mod explain;
mod hooks;
mod host;
mod inspect;
mod nested;
mod open;
mod prepare;
pub mod raw;
mod schema;
mod shared_memory;
mod state;
mod statement;
#[cfg(test)]
mod tests;
mod vacuum;
mod virtual_table;
mod wait;

pub use busy::BusyHandler;
pub use hooks::{Hooks, TraceEvent, UpdateEvent};
pub(crate) use host::HostState;
pub use inspect::{CheckpointMode, Checkpointed, ColumnMetadata};
pub use open::{OpenFlags, uri_parameters};
pub(crate) use schema::btree;
pub(crate) use state::DEFAULT_CACHE_SIZE;
