//! What a connection has.

use std::sync::Arc;

use kernite_btree::{Btree, OpenOptions};
use kernite_io::{Process, WallTime};
use kernite_parser::Parser;
use kernite_vdbe::function::registry::{CollationRegistry, FunctionRegistry};
use kernite_vdbe::host::{ConnectionState, Storage};
use kernite_vdbe::{Db, Error};

use super::busy::BusyHandler;
use super::hooks::Hooks;
use super::host::HostState;
use super::nested::Nested;
use super::open::Target;
use super::prepare::Cache;
use super::shared_memory::{Seat, SharedMemory};
use crate::catalog::{Catalog, DatabaseSchema};
use crate::compile::{Authorizer, CompileOptions};

/// Everything behind a connection's lock.
pub(crate) struct State {
    pub(crate) storage: Storage,
    pub(crate) host: HostState,
    pub(crate) parser: Parser,
    pub(crate) cache: Cache,
    pub(crate) hooks: Hooks,
    pub(crate) authorizer: Option<Box<dyn Authorizer>>,
    /// Statements of virtual tables.
    pub(crate) nested: Nested,
    /// Statements that are not finalised.
    pub(crate) statements: u32,
    /// The last error, for `errmsg` and its like.
    pub(crate) error: Option<LastError>,
}

/// What `sqlite3_errcode`, `sqlite3_errmsg` and `sqlite3_error_offset` tell.
#[derive(Clone, Debug)]
pub(crate) struct LastError {
    pub(crate) code: i32,
    pub(crate) message: String,
    pub(crate) offset: Option<u32>,
    /// Where the statement after the one that could not be compiled begins.
    pub(crate) end: Option<usize>,
}

/// What is kept about an attached database beside its storage and schema.
pub(crate) struct DatabaseState {
    /// Whether its storage was opened. Temp is opened when it is first used.
    pub(crate) opened: bool,
    /// Its schema was changed by the transaction under way: a rollback drops it.
    pub(crate) schema_changed: bool,
    /// `cache_size` as set or read from the file; 0 until then.
    pub(crate) cache_size: i32,
    /// `synchronous`, as its pragma has it.
    pub(crate) synchronous: u8,
    /// Pages that the cache has at least before it spills; 0 where `cache_spill` did not say.
    pub(crate) spill_pages: u32,
    /// Frames in its WAL after the last commit, for the hook.
    pub(crate) committed_frames: u32,
    /// Transactions that this connection has committed.
    pub(crate) commits: u64,
    /// It was made of bytes, and has no file that anybody else could open.
    pub(crate) is_bytes: bool,
    /// Its place, where it is in memory and shared by name.
    pub(crate) seat: Option<Seat>,
}

impl DatabaseState {
    /// Whether its bytes are in memory, though the storage engine has a path for them.
    pub(crate) fn is_in_memory(&self) -> bool {
        self.is_bytes || self.seat.is_some()
    }
}

impl Default for DatabaseState {
    fn default() -> DatabaseState {
        DatabaseState {
            opened: false,
            schema_changed: false,
            cache_size: 0,
            synchronous: 2,
            spill_pages: 0,
            committed_frames: 0,
            commits: 0,
            is_bytes: false,
            seat: None,
        }
    }
}

/// `cache_size` of a new connection: two megabytes, in KiB.
pub(crate) const DEFAULT_CACHE_SIZE: i32 = -2000;

impl State {
    /// A connection with its main database, which is not open yet.
    pub(crate) fn new(process: &Process, main: Target) -> State {
        let io = Arc::clone(process.io());
        let shared_memory = SharedMemory::of(process);
        let (main, seat) = main.btree(&io, &shared_memory);
        let temp = OpenOptions { create: true, ..OpenOptions::default() };
        let storage = Storage {
            databases: vec![Some(main), Some(Btree::new(Arc::clone(&io), temp))],
            ..Storage::default()
        };
        let schema = |name: &[u8], generation| {
            Some(Arc::new(DatabaseSchema {
                name: name.into(),
                generation,
                file_format: 1,
                ..DatabaseSchema::default()
            }))
        };
        let host = HostState {
            io,
            shared_memory,
            vm: ConnectionState::default(),
            catalog: Catalog {
                databases: vec![schema(b"main", 1), schema(b"temp", 2)],
                ..Catalog::default()
            },
            databases: vec![DatabaseState { seat, ..DatabaseState::default() }, DatabaseState::default()],
            functions: Arc::new(FunctionRegistry::default()),
            collations: Arc::new(CollationRegistry::default()),
            options: Arc::new(CompileOptions::default()),
            options_version: 0,
            generation: 2,
            statement_time: None,
            expired: 0,
            reader: None,
            commit: Default::default(),
            rollback: Default::default(),
            rolled_back: false,
            attaching: None,
            detaching: None,
            vacuum: None,
            outside: None,
            outside_done: None,
            vtabs: Vec::new(),
            connecting: Vec::new(),
            retired: Vec::new(),
            wal_autocheckpoint: 1000,
            busy: BusyHandler::default(),
            encoding_fixed: false,
            settings: Default::default(),
        };
        State {
            storage,
            host,
            parser: Parser::default(),
            cache: Cache::default(),
            hooks: Hooks::default(),
            authorizer: None,
            nested: Nested::default(),
            statements: 0,
            error: None,
        }
    }

    /// Whether a step left something to be done with the state released: a hook to be called, something of the application's to be dropped.
    pub(crate) fn has_left_overs(&self) -> bool {
        self.host.rolled_back || !self.storage.closed.is_empty() || !self.host.retired.is_empty()
    }

    /// Notes an error for `errmsg`.
    pub(crate) fn note_error(&mut self, error: &Error, offset: Option<u32>, end: Option<usize>) {
        self.error = Some(LastError { code: error.code(), message: error.to_string(), offset, end });
    }
}

impl HostState {
    /// A schema of which a new version is being made.
    pub(crate) fn schema_mut(&mut self, db: Db) -> Option<&mut DatabaseSchema> {
        self.generation += 1;
        let generation = self.generation;
        let schema = self.catalog.databases.get_mut(usize::from(db.0))?.as_mut()?;
        let schema = Arc::make_mut(schema);
        schema.generation = generation;
        Some(schema)
    }

    /// Forgets what was read of a schema; it is read again when it is next needed.
    pub(crate) fn unload_schema(&mut self, db: Db) {
        self.generation += 1;
        let generation = self.generation;
        if let Some(Some(schema)) = self.catalog.databases.get_mut(usize::from(db.0)) {
            let empty = Arc::new(DatabaseSchema {
                name: schema.name.clone(),
                generation,
                file_format: 1,
                encoding: schema.encoding,
                ..DatabaseSchema::default()
            });
            let old = std::mem::replace(schema, empty);
            self.retire(old);
        }
    }

    /// Keeps a replaced schema until the state is released, if dropping it may drop virtual tables.
    pub(crate) fn retire(&mut self, schema: Arc<DatabaseSchema>) {
        if schema.tables.values().any(|table| table.instance().is_some()) {
            self.retired.push(Box::new(schema));
        }
    }

    /// Changes the switches that compilations look at.
    pub(crate) fn set_options(&mut self, change: impl FnOnce(&mut CompileOptions)) {
        change(Arc::make_mut(&mut self.options));
        self.options_version += 1;
    }

    /// The end of a transaction ends `defer_foreign_keys`: what is compiled from now on knows.
    pub(crate) fn follow_deferral(&mut self) {
        if self.options.defer_foreign_keys && !self.vm.defer_foreign_keys {
            self.set_options(|options| options.defer_foreign_keys = false);
        }
    }

    /// The time of the running step.
    pub(crate) fn time(&mut self) -> WallTime {
        *self.statement_time.get_or_insert_with(|| self.io.now())
    }
}
