//! What hooks are told.
//!
//! Hooks are the application's code: the machine stops with an [`Event`](super::Event) and the driver calls them with the
//! connection released. A hook that is not set costs one test.
//!
//! Never: calling one.

use crate::op::TableId;

/// What is done to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    Insert,
    Delete,
    Update,
}

/// One change of one row of a rowid table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub kind: ChangeKind,
    /// Database and table, in the links of the program of the frame that runs ([`super::Machine::hook_table`]).
    pub table: TableId,
    /// Rowid before and after. Equal but for an UPDATE of the rowid; an INSERT has only the new one.
    pub old_rowid: i64,
    pub new_rowid: i64,
    /// The row before and after as records; filled for the preupdate hook only.
    pub old: Option<Vec<u8>>,
    pub new: Option<Vec<u8>>,
}

/// A hook that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hook {
    /// A row was changed (`sqlite3_update_hook`).
    Update(Change),
    /// A row is about to be changed (`sqlite3_preupdate_hook`).
    Preupdate(Change),
    /// The transaction is about to commit (`sqlite3_commit_hook`). To turn the commit into a rollback, [`super::Machine::fail`] with
    /// `SQLITE_CONSTRAINT_COMMITHOOK`.
    Commit,
}
