//! Connections and statements without types: what the typed Rust API and the C API stand on.
//!
//! Both are handles: a [`Statement`] is `'static` and keeps its connection alive. Every call takes the connection's lock, which is recursive:
//! a callback may use the connection that calls it.
//!
//! Calls come in pairs: `poll_…` returns `Ok(None)` where it has to wait, the other waits.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kernite_btree::{Encoding, ValueRef};
use kernite_io::Process;
use kernite_vdbe::{Error, Register, Step, vtab};
use parking_lot::ReentrantMutex;

use super::busy::BusyHandler;
use super::hooks::Hooks;
use super::open::{self, OpenFlags};
use super::prepare::Preparing;
use super::state::State;
use super::statement::Execution;
use super::wait::{block_on, wait_for};
use crate::compile::{Authorizer, ColumnInfo};

/// What a connection's handles share.
struct Shared {
    state: ReentrantMutex<RefCell<State>>,
    interrupt: Arc<AtomicBool>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        // Nobody else has a handle: what is open is rolled back, and nobody is left to tell of an error.
        let state = self.state.get_mut();
        let _ = close(state);
    }
}

fn close(state: &RefCell<State>) -> Result<(), Error> {
    let mut at = 0;
    let mut outcome = Ok(());
    while at < state.borrow().storage.databases.len() {
        let closed = block_on(state, || {
            let mut state = state.borrow_mut();
            match state.storage.databases.get_mut(at) {
                Some(Some(btree)) => Ok(btree.close()?),
                _ => Ok(Some(())),
            }
        });
        outcome = outcome.and(closed);
        at += 1;
    }
    outcome
}

/// A connection.
#[derive(Clone)]
pub struct Connection {
    shared: Arc<Shared>,
}

/// Interrupts a connection from any thread.
#[derive(Clone)]
pub struct InterruptHandle {
    interrupt: Arc<AtomicBool>,
}

impl InterruptHandle {
    /// Makes the statements that run end with `SQLITE_INTERRUPT`.
    pub fn interrupt(&self) {
        self.interrupt.store(true, Ordering::Relaxed);
    }
}

impl Connection {
    /// Opens a database. The file is read when the first statement needs it.
    ///
    /// # Errors
    /// `SQLITE_CANTOPEN` and what is wrong with a URI.
    pub fn open(process: &Arc<Process>, name: &[u8], flags: OpenFlags) -> Result<Connection, Error> {
        let options = open::options(process.io(), name, flags)?;
        let state = State::new(Arc::clone(process), options);
        let interrupt = Arc::clone(&state.host.vm.interrupt);
        #[allow(clippy::arc_with_non_send_sync)]
        let shared = Arc::new(Shared { state: ReentrantMutex::new(RefCell::new(state)), interrupt });
        let connection = Connection { shared };
        connection.with(|state| {
            block_on(state, || {
                let mut state = state.borrow_mut();
                let State { storage, host, .. } = &mut *state;
                host.open_database(storage, kernite_vdbe::Db(0))
            })
        })?;
        Ok(connection)
    }

    fn with<T>(&self, f: impl FnOnce(&RefCell<State>) -> T) -> T {
        f(&self.shared.state.lock())
    }

    /// Prepares the first statement of `sql`. Gives it (`None` for an empty text) and where the next one begins.
    ///
    /// # Errors
    /// Syntax errors, missing tables and so on.
    pub fn prepare(&self, sql: &[u8]) -> Result<(Option<Statement>, usize), Error> {
        let mut preparing = Preparing::default();
        let (prepared, end) = self.with(|state| {
            loop {
                if let Some(done) = preparing.poll(state, sql)? {
                    return Ok::<_, Error>(done);
                }
                wait_for(state, &preparing.busy)?;
            }
        })?;
        let statement = prepared.map(|prepared| {
            self.with(|state| state.borrow_mut().statements += 1);
            Statement { execution: Execution::new(prepared), connection: self.clone() }
        });
        Ok((statement, end))
    }

    /// Runs all statements of a text and throws their rows away.
    ///
    /// # Errors
    /// That of the first statement that fails; those before it have run.
    pub fn execute_batch(&self, sql: &[u8]) -> Result<(), Error> {
        let mut rest = sql;
        while !rest.is_empty() {
            let (statement, end) = self.prepare(rest)?;
            if let Some(mut statement) = statement {
                while statement.step()? {}
            }
            rest = rest.get(end..).unwrap_or_default();
        }
        Ok(())
    }

    #[doc(hidden)]
    pub fn probe_options(
        &self,
        fk: Option<bool>,
        rec: Option<bool>,
        count: Option<bool>,
        defer: Option<bool>,
    ) {
        self.with(|state| {
            state.borrow_mut().host.set_options(|o| {
                if let Some(v) = fk {
                    o.foreign_keys = v
                }
                if let Some(v) = rec {
                    o.recursive_triggers = v
                }
                if let Some(v) = count {
                    o.count_changes = v
                }
                if let Some(v) = defer {
                    o.defer_foreign_keys = v
                }
            })
        });
        if let Some(v) = defer {
            self.with(|state| state.borrow_mut().host.vm.defer_foreign_keys = v)
        }
    }

    /// A handle to interrupt it from another thread.
    pub fn interrupt_handle(&self) -> InterruptHandle {
        InterruptHandle { interrupt: Arc::clone(&self.shared.interrupt) }
    }

    /// Rows changed by the last INSERT, UPDATE or DELETE.
    pub fn changes(&self) -> i64 {
        self.with(|state| state.borrow().host.vm.changes)
    }

    /// Rows changed since the connection was opened.
    pub fn total_changes(&self) -> i64 {
        self.with(|state| state.borrow().host.vm.total_changes)
    }

    /// The rowid that the last INSERT made.
    pub fn last_insert_rowid(&self) -> i64 {
        self.with(|state| state.borrow().host.vm.last_insert_rowid)
    }

    /// Sets what `last_insert_rowid` gives.
    pub fn set_last_insert_rowid(&self, rowid: i64) {
        self.with(|state| state.borrow_mut().host.vm.last_insert_rowid = rowid);
    }

    /// Whether no explicit transaction is open.
    pub fn is_autocommit(&self) -> bool {
        self.with(|state| state.borrow().host.vm.autocommit)
    }

    /// How the connection waits for locks.
    pub fn set_busy_handler(&self, handler: BusyHandler) {
        self.with(|state| {
            state.borrow_mut().host.busy = handler;
        });
    }

    /// The authorizer, asked when statements are compiled. Statements compiled before are compiled again.
    pub fn set_authorizer(&self, authorizer: Option<Box<dyn Authorizer>>) {
        self.with(|state| {
            let mut state = state.borrow_mut();
            state.authorizer = authorizer;
            state.cache.clear();
            state.host.expired += 1;
        });
    }

    /// Sets hooks.
    pub fn set_hooks(&self, change: impl FnOnce(&mut Hooks)) {
        self.with(|state| {
            let mut state = state.borrow_mut();
            let State { hooks, host, .. } = &mut *state;
            change(hooks);
            host.vm.hooks.update = hooks.update.is_some();
            host.vm.hooks.commit = hooks.commit.is_some();
        });
    }

    /// How many instructions run between two calls of the progress handler; 0 = it is not called.
    pub fn set_progress_interval(&self, instructions: u32) {
        self.with(|state| state.borrow_mut().host.vm.progress_interval = instructions);
    }

    /// Sets a limit by SQLite's number and gives its old value; a negative one only asks.
    pub fn limit(&self, number: usize, value: i32) -> i32 {
        self.with(|state| {
            let mut state = state.borrow_mut();
            let Some(&old) = state.host.options.limits.get(number) else { return -1 };
            if value >= 0 {
                let max = crate::compile::LIMIT_DEFAULTS[number];
                state.host.set_options(|options| options.limits[number] = value.min(max));
            }
            old
        })
    }

    /// Registers a function.
    pub fn register_function(&self, function: kernite_vdbe::function::FunctionDef) {
        self.with(|state| {
            let mut state = state.borrow_mut();
            Arc::make_mut(&mut state.host.functions).register(function);
        });
    }

    /// The database's text encoding, as far as it is known.
    pub fn encoding(&self) -> Encoding {
        self.with(|state| state.borrow().host.options.encoding)
    }

    /// Code, message and offset of the last error.
    pub fn last_error(&self) -> Option<(i32, String, Option<u32>)> {
        self.with(|state| {
            let state = state.borrow();
            state.error.as_ref().map(|error| (error.code, error.message.clone(), error.offset))
        })
    }
}

/// A prepared statement.
pub struct Statement {
    execution: Execution,
    connection: Connection,
}

/// The connection as a virtual table sees it. No virtual table that needs it is built.
struct NoSql;

impl vtab::Sql for NoSql {
    fn prepare(&mut self, _sql: &str) -> Step<u32> {
        Err(Error::message("SQL from a virtual table is not supported yet"))
    }
    fn bind(&mut self, _statement: u32, _number: u32, _value: ValueRef<'_>) -> Result<(), Error> {
        Err(Error::message("SQL from a virtual table is not supported yet"))
    }
    fn step(&mut self, _statement: u32) -> Step<bool> {
        Err(Error::message("SQL from a virtual table is not supported yet"))
    }
    fn column(&self, _statement: u32, _column: u16) -> &Register {
        const NULL: &Register = &Register::null();
        NULL
    }
    fn reset(&mut self, _statement: u32) -> Step<()> {
        Ok(Some(()))
    }
    fn finish(&mut self, _statement: u32) {}
    fn encoding(&self) -> Encoding {
        Encoding::Utf8
    }
    fn last_insert_rowid(&self) -> i64 {
        0
    }
    fn set_last_insert_rowid(&mut self, _rowid: i64) {}
}

impl Statement {
    /// The next row; `None`: it has to wait.
    ///
    /// # Errors
    /// Whatever ends the run. The next call starts again.
    pub fn poll_step(&mut self) -> Step<bool> {
        let Statement { execution, connection } = self;
        connection.with(|state| execution.step(state, &mut NoSql))
    }

    /// The next row; `false` at the end, after which the next call starts again.
    ///
    /// # Errors
    /// Whatever ends the run.
    pub fn step(&mut self) -> Result<bool, Error> {
        let Statement { execution, connection } = self;
        connection.with(|state| {
            loop {
                if let Some(done) = execution.step(state, &mut NoSql)? {
                    return Ok(done);
                }
                wait_for(state, execution.busy_wait())?;
            }
        })
    }

    /// Goes back to the start, ending a run. Bindings stay.
    ///
    /// # Errors
    /// Those of ending the run.
    pub fn reset(&mut self) -> Result<(), Error> {
        let Statement { execution, connection } = self;
        connection.with(|state| {
            loop {
                if execution.reset(state)?.is_some() {
                    return Ok(());
                }
                wait_for(state, execution.busy_wait())?;
            }
        })
    }

    /// Its connection.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Its text.
    pub fn sql(&self) -> &[u8] {
        &self.execution.prepared.sql
    }

    /// How many columns its rows have.
    pub fn column_count(&self) -> usize {
        self.execution.prepared.columns.len()
    }

    /// What is known of its columns.
    pub fn columns(&self) -> &Arc<[ColumnInfo]> {
        &self.execution.prepared.columns
    }

    /// The values of the row at hand; empty when there is none.
    pub fn row(&self) -> &[Register] {
        self.execution.row()
    }

    /// Whether it changes no database.
    pub fn is_read_only(&self) -> bool {
        self.execution.prepared.program.flags.read_only
    }

    /// Whether a run is under way.
    pub fn is_busy(&self) -> bool {
        self.execution.machine.is_running()
    }

    /// How many parameters it has: the largest number used.
    pub fn parameter_count(&self) -> u32 {
        self.execution.prepared.parameter_count
    }

    /// The name of a parameter, with its first character.
    pub fn parameter_name(&self, number: u32) -> Option<&[u8]> {
        let parameters = &self.execution.prepared.parameters;
        parameters.iter().find(|(known, _)| *known == number).map(|(_, name)| &**name)
    }

    /// The number of a parameter by its name.
    pub fn parameter_number(&self, name: &[u8]) -> Option<u32> {
        let parameters = &self.execution.prepared.parameters;
        parameters.iter().find(|(_, known)| **known == *name).map(|(number, _)| *number)
    }

    /// Binds parameter `number` (from 1). Text is UTF-8.
    ///
    /// # Errors
    /// `SQLITE_RANGE` if there is no such parameter, `SQLITE_MISUSE` while a run is under way.
    pub fn bind(&mut self, number: u32, value: ValueRef<'_>) -> Result<(), Error> {
        const RANGE: i32 = 25;
        const MISUSE: i32 = 21;
        if self.execution.machine.is_running() {
            return Err(Error::with_code(MISUSE, "bad parameter or other API misuse"));
        }
        if number == 0 || number > self.parameter_count() {
            return Err(Error::with_code(RANGE, "column index out of range"));
        }
        let encoding = self.execution.prepared.program.encoding;
        let Some(register) = self.execution.machine.parameter_mut(number) else {
            // A parameter that the program does not look at.
            return Ok(());
        };
        match value {
            ValueRef::Text(text) if encoding != Encoding::Utf8 => {
                let mut converted = Vec::new();
                kernite_btree::encoding::convert(text, Encoding::Utf8, encoding, &mut converted);
                register.set_text(&converted);
            }
            value => register.set(value),
        }
        Ok(())
    }

    /// Sets all parameters to NULL.
    pub fn clear_bindings(&mut self) {
        self.execution.machine.clear_parameters();
    }
}

impl Drop for Statement {
    fn drop(&mut self) {
        // An error of ending the run was told by the step that caused it, or is of no interest to who threw the statement away.
        let _ = self.reset();
        self.connection.with(|state| {
            let mut state = state.borrow_mut();
            state.statements = state.statements.saturating_sub(1);
        });
    }
}
