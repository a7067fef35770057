//! What the machine asks of the connection.

use std::sync::Arc;

use kernite_io::{Instant, SharedIo, WallTime, ready};
use kernite_vdbe::function::registry::{CollationRegistry, FunctionRegistry};
use kernite_vdbe::host::{ConnectionState, Host, HostCall, SchemaOp, Storage};
use kernite_vdbe::op::{Db, SavepointAction};
use kernite_vdbe::{Error, Register, Step, vtab};

use super::attach::{Attaching, Detaching};
use super::busy::BusyHandler;
use super::commit::{Commit, Rollback};
use super::schema::SchemaReader;
use super::shared_memory::SharedMemory;
use super::state::DatabaseState;
use super::vacuum::Vacuum;
use super::virtual_table::Outside;
use crate::catalog::Catalog;
use crate::compile::CompileOptions;
use crate::pragma::Settings;

/// The part of a connection's state that serves the machine.
pub(crate) struct HostState {
    pub(crate) io: SharedIo,
    pub(crate) shared_memory: Arc<SharedMemory>,
    /// Counters that statements share.
    pub(crate) vm: ConnectionState,
    /// All schemas, as new statements see them.
    pub(crate) catalog: Catalog,
    /// Beside `Storage::databases`.
    pub(crate) databases: Vec<DatabaseState>,
    pub(crate) functions: Arc<FunctionRegistry>,
    pub(crate) collations: Arc<CollationRegistry>,
    pub(crate) options: Arc<CompileOptions>,
    /// Changes with every change of `options`.
    pub(crate) options_version: u64,
    /// The newest generation of any schema.
    pub(crate) generation: u64,
    /// The time that the running step sees; fixed when it first asks.
    pub(crate) statement_time: Option<WallTime>,
    /// Statements compiled before this was last raised are compiled again.
    pub(crate) expired: u64,
    /// A schema being read.
    pub(crate) reader: Option<SchemaReader>,
    pub(crate) commit: Commit,
    pub(crate) rollback: Rollback,
    /// A transaction was rolled back since the driver last looked: the rollback hook is due.
    pub(crate) rolled_back: bool,
    pub(crate) attaching: Option<Attaching>,
    pub(crate) detaching: Option<Detaching>,
    pub(crate) vacuum: Option<Box<Vacuum>>,
    /// Work that the driver is asked to do with the state released, and how it went.
    pub(crate) outside: Option<Outside>,
    pub(crate) outside_done: Option<Result<(), Error>>,
    /// Virtual tables that take part in the transaction.
    pub(crate) vtabs: Vec<Arc<dyn vtab::Table>>,
    /// Virtual tables being connected.
    pub(crate) connecting: Vec<(Db, Box<[u8]>)>,
    /// Schemas that were replaced. The last reference to a virtual table is dropped with the state released.
    pub(crate) retired: Vec<Box<dyn std::any::Any + Send>>,
    /// Frames in a WAL at which a checkpoint is tried after a commit; 0 = never.
    pub(crate) wal_autocheckpoint: u32,
    /// What happens when a lock is in the way.
    pub(crate) busy: BusyHandler,
    /// A schema has a row: the encoding cannot be chosen any more.
    pub(crate) encoding_fixed: bool,
    /// Settings of pragmas that nothing else keeps.
    pub(crate) settings: Settings,
}

/// Bytes that one sorter may hold.
const SORT_MEMORY_BYTES: usize = 64 << 20;

impl Host for HostState {
    fn now(&mut self) -> WallTime {
        self.time()
    }

    fn monotonic(&self) -> Instant {
        self.io.monotonic()
    }

    fn fill_random(&mut self, out: &mut [u8]) {
        self.io.fill_random(out);
    }

    fn local_offset(&self, at: WallTime) -> Option<i64> {
        self.io.local_offset(at)
    }

    fn io(&self) -> &SharedIo {
        &self.io
    }

    fn sort_memory_bytes(&self) -> usize {
        SORT_MEMORY_BYTES
    }

    fn limit(&self, limit: u8) -> i32 {
        self.options.limits.get(usize::from(limit)).copied().unwrap_or(0)
    }

    fn state(&self) -> &ConnectionState {
        &self.vm
    }

    fn state_mut(&mut self) -> &mut ConnectionState {
        &mut self.vm
    }

    fn commit(&mut self, storage: &mut Storage) -> Step<()> {
        self.commit_all(storage)
    }

    fn rollback(&mut self, storage: &mut Storage) -> Step<()> {
        self.rollback_all(storage)
    }

    fn vtab_savepoint(&mut self, action: SavepointAction, index: usize) -> Result<(), Error> {
        self.vtabs.iter().try_for_each(|table| table.savepoint(action, index))
    }

    fn rolled_back_to_savepoint(&mut self, _storage: &mut Storage) -> Step<()> {
        self.drop_changed_schemas();
        Ok(Some(()))
    }

    fn schema_is_current(&self, db: Db, cookie: u32) -> bool {
        self.catalog.database(db).is_some_and(|schema| schema.loaded && schema.cookie == cookie)
    }

    fn schema_is_stale(&mut self, db: Db) {
        self.unload_schema(db);
    }

    fn schema_changed(&mut self, db: Db, cookie: u32) {
        if let Some(database) = self.databases.get_mut(usize::from(db.0)) {
            database.schema_changed = true;
        }
        if let Some(schema) = self.schema_mut(db) {
            schema.cookie = cookie;
        }
    }

    fn schema_op(&mut self, storage: &mut Storage, op: SchemaOp<'_>) -> Step<()> {
        let dropped = match op {
            SchemaOp::Parse { db, filter } => {
                ready!(self.parse_schema(storage, db, filter));
                db
            }
            SchemaOp::LoadAnalysis { db } => {
                ready!(self.load_statistics(storage, db));
                db
            }
            SchemaOp::DropTable { db, name } => {
                let dropped = self.schema_mut(db).and_then(|schema| schema.remove_table(name));
                if let Some(table) = dropped.filter(|table| table.instance().is_some()) {
                    self.retired.push(Box::new(table));
                }
                db
            }
            SchemaOp::DropIndex { db, name } => {
                if let Some(schema) = self.schema_mut(db) {
                    schema.remove_index(name);
                }
                db
            }
            SchemaOp::DropTrigger { db, name } => {
                self.drop_trigger(db, name);
                db
            }
            SchemaOp::RootMoved { db, from, to } => {
                let pages = (kernite_btree::PageNo::new(from), kernite_btree::PageNo::new(to));
                if let ((Some(from), Some(to)), Some(schema)) = (pages, self.schema_mut(db)) {
                    schema.move_root(from, to);
                }
                db
            }
        };
        if let Some(database) = self.databases.get_mut(usize::from(dropped.0)) {
            database.schema_changed = true;
        }
        Ok(Some(()))
    }

    fn expire_statements(&mut self, _others_only: bool) {
        // A running statement looks at this only when it starts.
        self.expired += 1;
    }

    fn call(
        &mut self,
        storage: &mut Storage,
        call: HostCall<'_>,
        db: Db,
        arguments: &[Register],
        out: &mut Register,
    ) -> Step<()> {
        match call {
            HostCall::Pragma(number) => crate::pragma::run(self, storage, number, db, arguments, out),
            HostCall::JournalMode(mode) => crate::pragma::journal_mode(self, storage, mode, db, out),
            HostCall::Attach => self.attach(storage, arguments),
            HostCall::Detach => self.detach(storage, arguments),
            HostCall::Vacuum => self.vacuum(storage, db, arguments),
            HostCall::Sql(text) => self.outside(|| Outside::Sql(text.into())),
            HostCall::VtabCreate => {
                let name = self.argument(arguments.first());
                self.outside(|| Outside::Create { db, name: name.into() })
            }
            HostCall::VtabDestroy(name) => self.outside(|| Outside::Destroy { db, name: name.into() }),
        }
    }

    fn vtab(&mut self, db: Db, name: &str) -> Result<Arc<dyn vtab::Table>, Error> {
        let instance = self.virtual_table(db, name.as_bytes()).and_then(|table| table.instance());
        let instance = instance.map(|instance| Arc::clone(&instance.table));
        // A schema that was read again since: the statement is compiled anew, which connects the table.
        instance.ok_or_else(|| Error::with_code(17, "database schema has changed"))
    }

    fn vtab_joins(&mut self, table: &Arc<dyn vtab::Table>) -> bool {
        let joins = !self.vtabs.iter().any(|known| Arc::ptr_eq(known, table));
        if joins {
            self.vtabs.push(Arc::clone(table));
        }
        joins
    }
}

impl HostState {
    /// Forgets a trigger; one of temp may hang off a table of another database.
    fn drop_trigger(&mut self, db: Db, name: &[u8]) {
        if let Some(schema) = self.schema_mut(db) {
            schema.remove_trigger(name);
        }
    }

    /// Forgets the schemas that the transaction changed: its changes were undone.
    pub(crate) fn drop_changed_schemas(&mut self) {
        let changed: Vec<usize> =
            (0..self.databases.len()).filter(|&db| self.databases[db].schema_changed).collect();
        for db in changed {
            if let Ok(db) = u8::try_from(db) {
                self.unload_schema(Db(db));
            }
            self.expired += 1;
        }
    }
}
