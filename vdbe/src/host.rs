//! What the machine asks of the layer above, and the storage that it works on.
//!
//! ```text
//! driver (core) ── step(storage, host) ──> Machine ──> Storage: the databases' trees
//!                                             └──────> Host: ConnectionState, commit and rollback, catalogue, limits
//! ```
//!
//! `core`'s connection implements [`Host`]. All its methods that may touch storage are steps and obey the restart rule. What a
//! statement counts (changes, savepoints, running statements, foreign keys) is plain data in [`ConnectionState`], so that the rules
//! about it stand in one place: `machine/{transaction,halt}.rs`.
//!
//! Never: user code; that runs through [`crate::machine::Event`].

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use kernite_btree::Btree;
use kernite_io::{Instant, Outstanding, SharedIo, WallTime};

use crate::function::AuxData;
use crate::op::Db;
use crate::register::Register;
use crate::vtab;
use crate::{Error, Step};

/// The databases of a connection, by number: 0 main, 1 temp, 2… attached. A closed slot is `None`.
#[derive(Default)]
pub struct Storage {
    pub databases: Vec<Option<Btree>>,
    /// What the machine itself waits for after `Ok(None)`: sorter runs. What a database waits for, its [`Btree`] tells.
    pub outstanding: Outstanding,
    /// Cursors of virtual tables that were closed. Dropping one may run the application's code: the driver does it with the connection
    /// released.
    pub closed: Vec<Box<dyn std::any::Any + Send>>,
}

/// A savepoint that SQL opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Savepoint {
    pub name: Box<[u8]>,
    /// Foreign-key violations outstanding when it was opened.
    pub deferred: i64,
    pub deferred_immediate: i64,
}

/// Which hooks the application has set. Without one the machine does not stop for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hooks {
    pub update: bool,
    pub preupdate: bool,
    pub commit: bool,
}

/// What a connection's statements share and count.
#[derive(Clone, Debug)]
pub struct ConnectionState {
    /// No explicit transaction is open.
    pub autocommit: bool,
    /// Savepoints by age, the newest last.
    pub savepoints: Vec<Savepoint>,
    /// The transaction was begun by SAVEPOINT; releasing the outermost commits.
    pub transaction_is_savepoint: bool,
    /// Statement savepoints open, above those of SQL.
    pub statement_savepoints: usize,
    /// Statements under way; those that read; those that write.
    pub active: u32,
    pub readers: u32,
    pub writers: u32,
    /// Virtual tables being destroyed: their statements may drop tables while the one that drops them reads.
    pub destroying: u32,
    /// `changes()`, `total_changes()`, `last_insert_rowid()`.
    pub changes: i64,
    pub total_changes: i64,
    pub last_insert_rowid: i64,
    /// Deferred foreign-key violations outstanding: of deferred constraints, and of immediate ones under `defer_foreign_keys`.
    pub deferred: i64,
    pub deferred_immediate: i64,
    /// `PRAGMA defer_foreign_keys`; ends with the transaction.
    pub defer_foreign_keys: bool,
    /// `PRAGMA query_only`.
    pub query_only: bool,
    pub recursive_triggers: bool,
    pub hooks: Hooks,
    /// Instructions between two calls of the progress handler; 0 = none set.
    pub progress_interval: u32,
    /// Set by `interrupt()` from any thread; cleared by the driver when no statement runs.
    pub interrupt: Arc<AtomicBool>,
}

impl Default for ConnectionState {
    fn default() -> ConnectionState {
        ConnectionState {
            autocommit: true,
            savepoints: Vec::new(),
            transaction_is_savepoint: false,
            statement_savepoints: 0,
            active: 0,
            readers: 0,
            writers: 0,
            destroying: 0,
            changes: 0,
            total_changes: 0,
            last_insert_rowid: 0,
            deferred: 0,
            deferred_immediate: 0,
            defer_foreign_keys: false,
            query_only: false,
            recursive_triggers: false,
            hooks: Hooks::default(),
            progress_interval: 0,
            interrupt: Arc::default(),
        }
    }
}

impl ConnectionState {
    /// Sets `changes()` and adds to `total_changes()`: the end of an INSERT, UPDATE or DELETE.
    pub fn set_changes(&mut self, changes: i64) {
        self.changes = changes;
        self.total_changes = self.total_changes.wrapping_add(changes);
    }

    /// Forgets all savepoints: the transaction is over.
    pub fn close_savepoints(&mut self) {
        self.savepoints.clear();
        self.transaction_is_savepoint = false;
        self.statement_savepoints = 0;
    }

    /// The transaction is over: no foreign-key violation is outstanding.
    pub fn clear_deferred(&mut self) {
        self.deferred = 0;
        self.deferred_immediate = 0;
        self.defer_foreign_keys = false;
    }
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
    /// A place where built-in functions keep what they may find again in another call, of any statement: parsed JSON. It belongs to the
    /// connection and can be emptied at any time. Without one nothing is kept.
    fn function_cache(&mut self) -> Option<&mut AuxData> {
        None
    }
    /// The world, for the temporary files of sorters.
    fn io(&self) -> &SharedIo;
    /// Bytes that one sorter may hold in memory before it writes runs to a temporary file.
    fn sort_memory_bytes(&self) -> usize;
    /// Limits (`SQLITE_LIMIT_*`) by number.
    fn limit(&self, limit: u8) -> i32;

    // ---- accounting
    /// The connection's counters.
    fn state(&self) -> &ConnectionState;
    /// The same, to be changed.
    fn state_mut(&mut self) -> &mut ConnectionState;
    /// `changes()`.
    fn changes(&self) -> i64 {
        self.state().changes
    }
    /// `total_changes()`.
    fn total_changes(&self) -> i64 {
        self.state().total_changes
    }
    /// `last_insert_rowid()`.
    fn last_insert_rowid(&self) -> i64 {
        self.state().last_insert_rowid
    }

    // ---- transactions
    /// Commits all databases with a write transaction, with a super-journal where several need one (virtual tables first), and
    /// ends their read transactions unless [`ConnectionState::readers`] says that others still read. The commit hook has run.
    /// [`kernite_btree::Error::Busy`]: a lock is in the way, nothing was committed.
    fn commit(&mut self, storage: &mut Storage) -> Step<()>;
    /// Rolls back all databases, virtual tables and the catalogue to their state before the transaction. Other statements' cursors
    /// survive or fail with [`kernite_btree::Error::AbortRollback`] as SQLite has it. The driver calls the rollback hook afterwards.
    fn rollback(&mut self, storage: &mut Storage) -> Step<()>;
    /// Statement savepoint `index` (from 0) of virtual tables: opened, released or rolled back.
    fn vtab_savepoint(&mut self, action: crate::op::SavepointAction, index: usize) -> Result<(), Error>;
    /// ROLLBACK TO undid schema changes or not: `schema_changed` tells whether this connection changed the schema in this transaction;
    /// then the catalogue is dropped and other statements expire.
    fn rolled_back_to_savepoint(&mut self, storage: &mut Storage) -> Step<()>;

    // ---- schema
    /// Whether the loaded catalogue of `db` is the one with this cookie. The machine has compared the file's cookie already.
    fn schema_is_current(&self, db: Db, cookie: u32) -> bool;
    /// The file's cookie is not the catalogue's: the catalogue of `db` is loaded again before the next prepare.
    fn schema_is_stale(&mut self, db: Db);
    /// The schema cookie was changed by this statement.
    fn schema_changed(&mut self, db: Db, cookie: u32);
    /// Runs a schema operation (`OP_ParseSchema`, `OP_DropTable`…).
    fn schema_op(&mut self, storage: &mut Storage, op: SchemaOp<'_>) -> Step<()>;
    /// Expires prepared statements: all but the running one with `others_only`.
    fn expire_statements(&mut self, others_only: bool);

    // ---- work done above
    /// Runs a call.
    fn call(
        &mut self,
        storage: &mut Storage,
        call: HostCall<'_>,
        db: Db,
        arguments: &[Register],
        out: &mut Register,
    ) -> Step<()>;
    /// The instance of a virtual table.
    fn vtab(&mut self, db: Db, name: &str) -> Result<Arc<dyn vtab::Table>, Error>;
    /// A virtual table is written: it takes part in the transaction. `false`: it does already.
    fn vtab_joins(&mut self, _table: &Arc<dyn vtab::Table>) -> bool {
        true
    }
}

/// Work that an instruction hands to the layer above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostCall<'a> {
    /// `OP_HostCall` with this number of the host's table.
    Pragma(u16),
    /// `OP_JournalMode`: sets the mode with this number (255: asks); `out` gets the name of the mode in force.
    JournalMode(u8),
    /// `OP_Vacuum`; the argument is the file name of VACUUM INTO, if any.
    Vacuum,
    /// ATTACH: file name, database name, key.
    Attach,
    /// DETACH: database name.
    Detach,
    /// Runs SQL text on this connection.
    Sql(&'a [u8]),
    /// CREATE VIRTUAL TABLE ran; the argument is the table's name: calls the module's create.
    VtabCreate,
    /// DROP TABLE of a virtual table with this name.
    VtabDestroy(&'a [u8]),
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
