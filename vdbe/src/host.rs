//! What the machine asks of the layer above, and the storage that it works on.
//!
//! `core`'s connection state implements [`Host`]. All methods that may touch storage are steps and obey the restart rule.
//!
//! Never: user code; that runs through [`crate::machine::Event`].

use kernite_btree::Btree;
use kernite_io::{Instant, WallTime};

use crate::Step;
use crate::op::{Db, OnConflict};
use crate::register::Register;

/// The databases of a connection, by number: 0 main, 1 temp, 2… attached. A closed slot is `None`.
#[derive(Default)]
pub struct Storage {
    pub databases: Vec<Option<Btree>>,
}

/// Services of the connection.
pub trait Host {
    // ---- the world
    /// Wall-clock time, the same for the whole statement.
    fn now(&mut self) -> WallTime;
    /// Monotonic time.
    fn monotonic(&self) -> Instant;
    /// Fills with random bytes (`random()`, `randomblob()`, new rowids).
    fn fill_random(&mut self, out: &mut [u8]);
    /// Seconds to add to UTC for local time.
    fn local_offset(&self, at: WallTime) -> Option<i64>;
    /// Hands a message to the application's error log (`sqlite3_config(SQLITE_CONFIG_LOG)`); without one it goes nowhere.
    fn log(&mut self, _code: i32, _message: &[u8]) {}

    // ---- accounting
    fn changes(&self) -> i64;
    fn total_changes(&self) -> i64;
    fn last_insert_rowid(&self) -> i64;
    fn set_last_insert_rowid(&mut self, rowid: i64);
    /// Adds to `changes()` and `total_changes()` at the end of a statement.
    fn add_changes(&mut self, changes: i64);

    // ---- transactions
    /// Whether the connection is in autocommit mode.
    fn autocommit(&self) -> bool;
    /// COMMIT, ROLLBACK and BEGIN (`OP_AutoCommit`): checks for running statements, deferred foreign keys, commit hook; runs the commit script over all databases.
    fn set_autocommit(&mut self, storage: &mut Storage, on: bool, rollback: bool) -> Step<()>;
    /// SAVEPOINT name, RELEASE name, ROLLBACK TO name.
    fn savepoint(
        &mut self,
        storage: &mut Storage,
        action: crate::op::SavepointAction,
        name: &[u8],
    ) -> Step<()>;
    /// The number of savepoints open at connection level, so that a statement savepoint gets the next index.
    fn savepoint_count(&self) -> usize;
    /// Called when a statement ends that ran in autocommit mode, or when it fails: commits, rolls back the statement or the transaction as `outcome` says.
    fn end_statement(&mut self, storage: &mut Storage, outcome: StatementOutcome) -> Step<()>;
    /// Deferred foreign-key violations outstanding in the transaction.
    fn deferred_constraints(&mut self) -> &mut i64;

    // ---- schema
    /// Whether the catalogue of `db` is loaded and has this cookie; else the statement is prepared again.
    fn schema_is_current(&self, db: Db, cookie: u32) -> bool;
    /// The schema cookie was changed by this statement.
    fn schema_changed(&mut self, db: Db, cookie: u32);
    /// Runs a schema operation (`OP_ParseSchema`, `OP_DropTable`…).
    fn schema_op(&mut self, storage: &mut Storage, op: SchemaOp<'_>) -> Step<()>;
    /// Runs a host call (`OP_HostCall`, `OP_JournalMode`, `OP_Vacuum`, `OP_Attach`…).
    fn call(
        &mut self,
        storage: &mut Storage,
        call: u16,
        db: Db,
        arguments: &[Register],
        out: &mut Register,
    ) -> Step<()>;
    /// Expires prepared statements.
    fn expire_statements(&mut self, others_only: bool);
    /// Limits (`SQLITE_LIMIT_*`) by number.
    fn limit(&self, limit: u8) -> i32;
}

/// How a statement ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatementOutcome {
    /// It ran to its end or was reset without error.
    Success,
    /// It failed; what is undone depends on the conflict clause.
    Failed(OnConflict),
}

/// A change of the catalogue.
#[derive(Clone, Copy, Debug)]
pub enum SchemaOp<'a> {
    /// Re-read schema rows that satisfy the SQL condition (`None`: all).
    Parse {
        db: Db,
        filter: Option<&'a [u8]>,
    },
    LoadAnalysis {
        db: Db,
    },
    DropTable {
        db: Db,
        name: &'a [u8],
    },
    DropIndex {
        db: Db,
        name: &'a [u8],
    },
    DropTrigger {
        db: Db,
        name: &'a [u8],
    },
    /// A root page moved (auto_vacuum).
    RootMoved {
        db: Db,
        from: u32,
        to: u32,
    },
}
