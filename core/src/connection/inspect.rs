//! What the C API asks of a connection and a statement beside running SQL: names and files of databases, transactions, checkpoints,
//! switches, registered functions and collations, metadata of columns, counters.
//!
//! Databases are named by number: 0 main, 1 temp, 2… attached.
//!
//! Never: SQL; anything that a pragma does better.

use std::sync::Arc;

use kernite_btree::{Btree, Collate, Encoding, TransactionKind};
use kernite_io::{FileControl, ready};
use kernite_parser::Explain;
use kernite_vdbe::function::registry::FunctionLookup;
use kernite_vdbe::machine::Counter;
use kernite_vdbe::op::Db;
use kernite_vdbe::{Error, Register};

use super::busy::BusyWait;
use super::prepare::{ask_busy, load_schemas};
use super::raw::{Connection, Statement};
use super::schema::btree;
use super::state::State;
use super::wait::{block_on, wait_for};
use crate::catalog::{Table, TableKind};
use crate::compile::{CompileOptions, lossy};

pub use kernite_btree::CheckpointMode;

/// `SQLITE_LOCKED`, `SQLITE_BUSY`
const LOCKED: i32 = 6;
const BUSY: i32 = 5;

/// What a checkpoint did. Frames are -1 where the database is not in WAL mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpointed {
    pub log_frames: i32,
    pub checkpointed: i32,
    /// A lock was in the way, and the busy handler did not want to wait.
    pub is_busy: bool,
}

/// What `sqlite3_table_column_metadata` tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnMetadata {
    pub declared_type: Option<Box<[u8]>>,
    pub collation: Box<[u8]>,
    pub not_null: bool,
    pub primary_key: bool,
    pub autoincrement: bool,
}

fn number(db: usize) -> Db {
    Db(u8::try_from(db).unwrap_or(u8::MAX))
}

impl Connection {
    /// How many numbers databases have; some may be free.
    pub fn database_count(&self) -> usize {
        self.with(|state| state.borrow().storage.databases.len())
    }

    /// The name of a database.
    pub fn database_name(&self, db: usize) -> Option<Box<[u8]>> {
        self.with(|state| state.borrow().host.catalog.database(number(db)).map(|schema| schema.name.clone()))
    }

    /// The number of a database by name; `main` always is main.
    pub fn find_database(&self, name: &[u8]) -> Option<usize> {
        self.with(|state| {
            let state = state.borrow();
            let found = state.host.catalog.find_database(name).map(|db| usize::from(db.0));
            found.or_else(|| name.eq_ignore_ascii_case(b"main").then_some(0))
        })
    }

    /// Looks at a database's storage.
    fn with_btree<T>(&self, db: usize, nothing: T, look: impl FnOnce(&mut Btree) -> T) -> T {
        self.with(|state| {
            let mut state = state.borrow_mut();
            match state.storage.databases.get_mut(db) {
                Some(Some(btree)) => look(btree),
                _ => nothing,
            }
        })
    }

    /// The path of a database's file; empty for none.
    pub fn path(&self, db: usize) -> Vec<u8> {
        let is_bytes =
            |state: &State| state.host.databases.get(db).is_some_and(|database| database.is_in_memory());
        if self.with(|state| is_bytes(&state.borrow())) {
            return Vec::new();
        }
        self.with_btree(db, Vec::new(), |btree| btree.path().to_vec())
    }

    /// Whether a database can only be read.
    pub fn is_read_only(&self, db: usize) -> bool {
        self.with_btree(db, false, |btree| btree.is_read_only())
    }

    /// Passes a hint to a database's file; `false` where there is none.
    pub fn control_file(&self, db: usize, op: FileControl) -> bool {
        self.with_btree(db, false, |btree| btree.control(op))
    }

    /// Whether WAL and index of a database stay when the last connection closes.
    pub fn keeps_wal(&self, db: usize) -> bool {
        self.with_btree(db, false, |btree| btree.keeps_wal())
    }

    /// Whether overwriting a part of a database's file damages nothing outside it.
    pub fn is_powersafe(&self, db: usize) -> bool {
        self.with_btree(db, true, |btree| btree.is_powersafe())
    }

    /// Does not checkpoint when the last connection to a database closes.
    pub fn set_no_checkpoint_on_close(&self, on: bool) {
        self.with(|state| {
            let mut state = state.borrow_mut();
            let databases = state.storage.databases.iter_mut().flatten();
            databases.for_each(|btree| btree.set_no_checkpoint_on_close(on));
        });
    }

    /// 0: no transaction, 1: it reads, 2: it writes.
    pub fn transaction_state(&self, db: usize) -> i32 {
        self.with_btree(db, 0, |btree| match btree.transaction() {
            None => 0,
            Some(TransactionKind::Read) => 1,
            Some(_) => 2,
        })
    }

    /// Text of a database that is yet to be made will be UTF-16, in the machine's byte order.
    pub fn prefer_utf16(&self) {
        let native = if cfg!(target_endian = "big") { Encoding::Utf16Be } else { Encoding::Utf16Le };
        self.with(|state| {
            let mut state = state.borrow_mut();
            if !state.host.encoding_fixed {
                state.host.set_encoding(native);
            }
        });
    }

    /// Switches optimisations off: bits of `SQLITE_TESTCTRL_OPTIMIZATIONS`.
    pub fn set_disabled_optimizations(&self, bits: u32) {
        self.with(|state| {
            state.borrow_mut().host.set_options(|options| options.disabled_optimizations = bits)
        });
    }

    /// The optimisations that are off.
    pub fn disabled_optimizations(&self) -> u32 {
        self.with(|state| state.borrow().host.options.disabled_optimizations)
    }

    /// Gives back the memory of pages that are not in use.
    pub fn release_memory(&self) {
        self.with(|state| {
            let mut state = state.borrow_mut();
            state.storage.databases.iter_mut().flatten().for_each(Btree::shrink);
        });
    }

    /// Whether foreign keys are violated that have to hold at the commit.
    pub fn has_deferred_violations(&self) -> bool {
        self.with(|state| {
            let state = state.borrow();
            state.host.vm.deferred > 0 || state.host.vm.deferred_immediate > 0
        })
    }

    /// Statements that run.
    pub fn active_statements(&self) -> u32 {
        self.with(|state| state.borrow().host.vm.active)
    }

    /// A number that changes when another connection changes the database.
    ///
    /// # Errors
    /// Those of reading the file.
    pub fn data_version(&self, db: usize) -> Result<u32, Error> {
        self.with(|state| {
            block_on(state, || {
                let mut state = state.borrow_mut();
                Ok(Some(ready!(btree(&mut state.storage, number(db))?.data_version())))
            })
        })
    }

    /// Copies frames of a WAL back to its database. Where a mode has to wait for a lock, the busy handler is asked.
    ///
    /// # Errors
    /// `SQLITE_LOCKED` inside a transaction that writes; those of I/O.
    pub fn checkpoint(&self, db: usize, mode: CheckpointMode) -> Result<Checkpointed, Error> {
        self.with(|state| {
            if self.transaction_state(db) == 2 {
                return Err(Error::with_code(LOCKED, "database table is locked"));
            }
            block_on(state, || {
                let mut state = state.borrow_mut();
                let State { storage, host, .. } = &mut *state;
                host.open_database(storage, number(db))
            })?;
            let mut wait = BusyWait::default();
            loop {
                let outcome = block_on(state, || {
                    let mut state = state.borrow_mut();
                    Ok(Some(ready!(btree(&mut state.storage, number(db))?.checkpoint(mode))))
                });
                let done = match outcome {
                    Ok(done) => Checkpointed {
                        log_frames: i32::try_from(done.log_frames).unwrap_or(i32::MAX),
                        checkpointed: i32::try_from(done.checkpointed_frames).unwrap_or(i32::MAX),
                        is_busy: done.busy,
                    },
                    Err(error) if error.code() == BUSY => {
                        Checkpointed { log_frames: -1, checkpointed: -1, is_busy: true }
                    }
                    Err(error) => return Err(error),
                };
                if !done.is_busy || mode == CheckpointMode::Passive {
                    return Ok(done);
                }
                loop {
                    match ask_busy(state, &mut wait)? {
                        Some(true) => break,
                        Some(false) => return Ok(done),
                        None => wait_for(state, &wait)?,
                    }
                }
            }
        })
    }

    /// Frames in a WAL at which a checkpoint is tried after a commit; 0: never.
    pub fn set_wal_autocheckpoint(&self, frames: u32) {
        self.with(|state| state.borrow_mut().host.wal_autocheckpoint = frames);
    }

    /// The switches that compilations look at.
    pub fn options(&self) -> CompileOptions {
        self.with(|state| (*state.borrow().host.options).clone())
    }

    /// Changes them. Statements are compiled again before they run next.
    pub fn change_options(&self, change: impl FnOnce(&mut CompileOptions)) {
        self.with(|state| state.borrow_mut().host.set_options(change));
    }

    /// Gives main another name.
    pub fn rename_main(&self, name: &[u8]) {
        self.with(|state| {
            if let Some(schema) = state.borrow_mut().host.schema_mut(Db(0)) {
                schema.name = name.into();
            }
        });
    }

    /// What a look-up of a function finds.
    pub fn find_function(&self, name: &[u8], arguments: usize) -> FunctionLookup {
        self.with(|state| state.borrow().host.functions.find(name, arguments))
    }

    /// Whether the application registered a function for exactly this number of arguments and encoding.
    pub fn has_function(&self, name: &str, arguments: i8, encoding: Encoding) -> bool {
        self.with(|state| state.borrow().host.functions.registered(name, arguments, encoding).is_some())
    }

    /// Removes a function of the application. `false` if there is none.
    pub fn remove_function(&self, name: &str, arguments: i8, encoding: Encoding) -> bool {
        self.with(|state| {
            let mut state = state.borrow_mut();
            state.cache.clear();
            Arc::make_mut(&mut state.host.functions).remove(name, arguments, encoding)
        })
    }

    /// Registers a collation for text in `encoding`; `None` removes it.
    pub fn register_collation(&self, name: &[u8], encoding: Encoding, collation: Option<Arc<dyn Collate>>) {
        self.with(|state| {
            let mut state = state.borrow_mut();
            state.cache.clear();
            Arc::make_mut(&mut state.host.collations).register(name, encoding, collation);
        });
    }

    /// Whether a collation is registered by the application for text in `encoding`.
    pub fn has_collation(&self, name: &[u8], encoding: Encoding) -> bool {
        self.with(|state| state.borrow().host.collations.registered(name, encoding).is_some())
    }

    /// What is known of a column. Without a column: that there is such a table.
    ///
    /// # Errors
    /// `no such table column: x.y`; those of reading the schema.
    pub fn column_metadata(
        &self,
        database: Option<&[u8]>,
        table: &[u8],
        column: Option<&[u8]>,
    ) -> Result<ColumnMetadata, Error> {
        self.with(|state| {
            load_schemas(state)?;
            let state = state.borrow();
            let found = state.host.catalog.find_table(table, database);
            let found = found.filter(|table| !matches!(table.kind, TableKind::View { .. }));
            found.and_then(|table| metadata(table, column)).ok_or_else(|| {
                Error::message(format!(
                    "no such table column: {}.{}",
                    lossy(table),
                    lossy(column.unwrap_or_default())
                ))
            })
        })
    }
}

fn metadata(table: &Table, column: Option<&[u8]>) -> Option<ColumnMetadata> {
    const BINARY: &[u8] = b"BINARY";
    let index = match column {
        None => None,
        Some(name) => match table.find_column(name) {
            Some(index) => Some(index),
            None if !table.without_rowid && crate::catalog::is_rowid_name(name) => {
                let Some(index) = table.rowid_alias else {
                    return Some(ColumnMetadata {
                        declared_type: Some(b"INTEGER".as_slice().into()),
                        collation: BINARY.into(),
                        not_null: false,
                        primary_key: true,
                        autoincrement: false,
                    });
                };
                Some(index)
            }
            None => return None,
        },
    };
    let Some(column) = index.and_then(|index| table.columns.get(index)) else {
        return Some(ColumnMetadata {
            declared_type: None,
            collation: BINARY.into(),
            not_null: false,
            primary_key: false,
            autoincrement: false,
        });
    };
    Some(ColumnMetadata {
        declared_type: column.declared_type.clone(),
        collation: column.collation.clone().unwrap_or_else(|| BINARY.into()),
        not_null: column.not_null.is_some(),
        primary_key: column.flags.primary_key,
        autoincrement: table.rowid_alias == index && table.autoincrement,
    })
}

impl Statement {
    /// As [`Statement::row`], to end text in place; values stay as they are. `None` where rows are shared (EXPLAIN).
    pub fn row_mut(&mut self) -> Option<&mut [Register]> {
        let execution = self.execution_mut();
        match (&execution.prepared.explained, execution.has_row) {
            (Some(_), _) => None,
            (None, true) => Some(execution.machine.row_mut()),
            (None, false) => Some(&mut []),
        }
    }

    /// The encoding of text in its rows and parameters.
    pub fn encoding(&self) -> Encoding {
        self.execution().prepared.program.encoding
    }

    /// The register of a parameter (from 1), to be bound while no run is under way.
    pub fn parameter_mut(&mut self, number: u32) -> Option<&mut Register> {
        if number == 0 || number > self.parameter_count() {
            return None;
        }
        self.execution_mut().machine.parameter_mut(number)
    }

    /// Whether it is EXPLAIN, and of which kind.
    pub fn explained(&self) -> Explain {
        self.execution().prepared.explain
    }

    /// From here on it fails with `SQLITE_SCHEMA` where the schema has changed, instead of being compiled again.
    pub fn keep_schema(&mut self) {
        self.execution_mut().keeps_schema = true;
    }

    /// Makes it EXPLAIN of a kind, or a statement that runs, whatever its text says.
    ///
    /// # Errors
    /// Those of compiling it again.
    pub fn set_explained(&mut self, explain: Explain) -> Result<(), Error> {
        let connection = self.connection().clone();
        let execution = self.execution_mut();
        connection.with(|state| {
            loop {
                if execution.set_explained(state, explain)?.is_some() {
                    return Ok(());
                }
                wait_for(state, execution.busy_wait())?;
            }
        })
    }

    /// Whether something that it was compiled with has changed.
    pub fn is_expired(&self) -> bool {
        self.connection().with(|state| !self.execution().prepared.is_current(&state.borrow().host))
    }

    /// The value of a counter by SQLite's number; unknown ones are 0.
    pub fn counter(&mut self, number: i32, reset: bool) -> u64 {
        let counter = match number {
            1 => Counter::FullScanStep,
            2 => Counter::Sort,
            3 => Counter::AutoIndex,
            4 => Counter::VmStep,
            5 => Counter::Reprepare,
            6 => Counter::Run,
            7 => Counter::FilterMiss,
            8 => Counter::FilterHit,
            _ => return 0,
        };
        let counters = self.execution_mut().machine.counters();
        let value = counters.get(counter);
        if reset {
            counters.clear(counter);
        }
        value
    }
}
