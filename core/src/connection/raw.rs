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
use parking_lot::{ReentrantMutex, ReentrantMutexGuard};

use super::busy::BusyHandler;
use super::hooks::Hooks;
use super::open::{self, OpenFlags};
use super::prepare::{Prepared, Preparing};
use super::state::State;
use super::statement::Execution;
use super::wait::{block_on, wait_for};
use crate::catalog::{Modules, SchemaName};
use crate::compile::{Authorizer, ColumnInfo};

pub use super::backup::Backup;
pub use super::blob::Blob;
pub use super::inspect::{CheckpointMode, Checkpointed};
pub use kernite_parser::Explain;

/// `SQLITE_MISUSE`
const MISUSE: i32 = 21;

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

/// The connection's lock, held until this is dropped. Who has it can spare a call from taking it again.
pub struct Lock<'a> {
    guard: ReentrantMutexGuard<'a, RefCell<State>>,
}

impl Lock<'_> {
    /// A limit by SQLite's number; -1 if there is no such limit.
    pub fn limit(&self, number: usize) -> i32 {
        self.guard.borrow().host.options.limits.get(number).copied().unwrap_or(-1)
    }
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
        let target = open::target(process.io(), name, flags)?;
        let state = State::new(process, target);
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

    pub(super) fn with<T>(&self, f: impl FnOnce(&RefCell<State>) -> T) -> T {
        f(&self.shared.state.lock())
    }

    /// Takes the connection's lock and keeps it: several calls are one to other threads. The lock is recursive.
    #[inline]
    pub fn lock(&self) -> Lock<'_> {
        Lock { guard: self.shared.state.lock() }
    }

    /// What a lock of this connection guards.
    #[inline]
    fn state_of<'l>(&self, lock: &'l Lock<'_>) -> &'l RefCell<State> {
        assert!(std::ptr::eq(&*lock.guard, self.shared.state.data_ptr()), "the lock of another connection");
        &lock.guard
    }

    /// As `lock`, unless another thread has it.
    pub fn try_lock(&self) -> Option<Lock<'_>> {
        self.shared.state.try_lock().map(|guard| Lock { guard })
    }

    /// Whether an interrupt is in force.
    pub fn is_interrupted(&self) -> bool {
        self.shared.interrupt.load(Ordering::Relaxed)
    }

    /// Prepares the first statement of `sql`. Gives it (`None` for an empty text) and where the next one begins.
    ///
    /// # Errors
    /// Syntax errors, missing tables and so on.
    pub fn prepare(&self, sql: &[u8]) -> Result<(Option<Statement>, usize), Error> {
        let mut preparing = Preparing::default();
        let (prepared, end) = self.with(|state| {
            if state.try_borrow_mut().is_err() {
                return Err(Error::with_code(MISUSE, "the connection is in use"));
            }
            loop {
                if let Some(done) = preparing.poll(state, sql)? {
                    return Ok::<_, Error>(done);
                }
                wait_for(state, &preparing.busy)?;
            }
        })?;
        Ok((prepared.map(|prepared| self.statement(prepared)), end))
    }

    /// Whether this is asked by a method of the application's that runs while the state is borrowed: `xSavepoint` and its like, collations.
    /// They can run no statement on the connection that calls them.
    pub fn is_in_use(&self) -> bool {
        self.with(|state| state.try_borrow_mut().is_err())
    }

    /// A handle for a compiled statement.
    pub(super) fn statement(&self, prepared: Arc<Prepared>) -> Statement {
        self.with(|state| state.borrow_mut().statements += 1);
        Statement { execution: Execution::new(prepared), connection: self.clone() }
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
                let (least, most) = crate::compile::limit_bounds(number);
                state.host.set_options(|options| options.limits[number] = value.clamp(least, most));
            }
            old
        })
    }

    /// Registers a function.
    pub fn register_function(&self, function: kernite_vdbe::function::FunctionDef) {
        self.with(|state| {
            let mut state = state.borrow_mut();
            // Cached statements would keep a function that is replaced.
            state.cache.clear();
            Arc::make_mut(&mut state.host.functions).register(function);
        });
    }

    /// Registers a kind of virtual table, in place of one of the same name.
    pub fn register_module(&self, name: &str, module: Arc<dyn vtab::Module>) {
        self.change_modules(name, |modules| modules.register(name, module));
    }

    /// Takes a kind of virtual table out.
    pub fn remove_module(&self, name: &str) {
        self.change_modules(name, |modules| {
            modules.remove(name);
        });
    }

    /// The kinds of virtual tables that were registered.
    pub fn module_names(&self) -> Vec<String> {
        self.with(|state| {
            let state = state.borrow();
            state.host.catalog.modules.names().into_iter().map(str::to_owned).collect()
        })
    }

    fn change_modules(&self, name: &str, change: impl FnOnce(&mut Modules)) {
        let old = self.with(|state| {
            let mut state = state.borrow_mut();
            let catalog = &mut state.host.catalog;
            let old = (Arc::clone(&catalog.modules), Arc::clone(&catalog.eponymous));
            change(Arc::make_mut(&mut catalog.modules));
            Arc::make_mut(&mut catalog.eponymous).remove(&SchemaName::new(name.as_bytes()));
            state.host.expired += 1;
            old
        });
        // The application's code may run when the last reference goes.
        drop(old);
    }

    /// The database's text encoding, as far as it is known.
    pub fn encoding(&self) -> Encoding {
        self.with(|state| state.borrow().host.options.encoding)
    }

    /// Where the statement begins that comes after the one that could not be compiled, if that was the last error.
    pub fn failed_end(&self) -> Option<usize> {
        self.with(|state| state.borrow().error.as_ref().and_then(|error| error.end))
    }

    /// Code, message and offset of the last error.
    pub fn last_error(&self) -> Option<(i32, String, Option<u32>)> {
        self.with(|state| {
            let state = state.borrow();
            state.error.as_ref().map(|error| (error.code, error.message.clone(), error.offset))
        })
    }
}

/// Checks the CREATE TABLE statement by which a module declares the columns of a virtual table.
///
/// # Errors
/// What is wrong with it.
pub fn check_declaration(declaration: &[u8]) -> Result<(), Error> {
    crate::catalog::build::declared(declaration, kernite_vdbe::Db(0)).map(|_| ())
}

/// A prepared statement.
pub struct Statement {
    execution: Execution,
    connection: Connection,
}

/// Steps, waiting where that is needed.
fn step_waiting(execution: &mut Execution, state: &RefCell<State>) -> Result<bool, Error> {
    loop {
        if let Some(done) = execution.step(state)? {
            return Ok(done);
        }
        wait_for(state, execution.busy_wait())?;
    }
}

/// Resets, waiting where that is needed.
fn reset_waiting(execution: &mut Execution, state: &RefCell<State>) -> Result<(), Error> {
    loop {
        if execution.reset(state)?.is_some() {
            return Ok(());
        }
        wait_for(state, execution.busy_wait())?;
    }
}

impl Statement {
    /// The next row; `None`: it has to wait.
    ///
    /// # Errors
    /// Whatever ends the run. The next call starts again.
    pub fn poll_step(&mut self) -> Step<bool> {
        let Statement { execution, connection } = self;
        connection.with(|state| execution.step(state))
    }

    /// The next row; `false` at the end, after which the next call starts again.
    ///
    /// # Errors
    /// Whatever ends the run.
    pub fn step(&mut self) -> Result<bool, Error> {
        let Statement { execution, connection } = self;
        connection.with(|state| step_waiting(execution, state))
    }

    /// As `step`, for who has the connection's lock.
    ///
    /// # Errors
    /// Whatever ends the run.
    pub fn step_locked(&mut self, lock: &Lock<'_>) -> Result<bool, Error> {
        step_waiting(&mut self.execution, self.connection.state_of(lock))
    }

    /// Runs to the first row or the end and goes back to the start. How many rows it changed; `None`: there was a row.
    ///
    /// # Errors
    /// Whatever ends the run.
    pub fn execute(&mut self) -> Result<Option<i64>, Error> {
        let Statement { execution, connection } = self;
        connection.with(|state| {
            let before = state.borrow().host.vm.total_changes;
            let found = step_waiting(execution, state);
            let reset = reset_waiting(execution, state);
            if found? {
                return Ok(None);
            }
            reset?;
            let vm = &state.borrow().host.vm;
            Ok(Some(if vm.total_changes == before { 0 } else { vm.changes }))
        })
    }

    /// Goes back to the start, ending a run. Bindings stay.
    ///
    /// # Errors
    /// Those of ending the run.
    pub fn reset(&mut self) -> Result<(), Error> {
        let Statement { execution, connection } = self;
        connection.with(|state| reset_waiting(execution, state))
    }

    /// As `reset`, for who has the connection's lock.
    ///
    /// # Errors
    /// Those of ending the run.
    pub fn reset_locked(&mut self, lock: &Lock<'_>) -> Result<(), Error> {
        reset_waiting(&mut self.execution, self.connection.state_of(lock))
    }

    pub(super) fn execution(&self) -> &Execution {
        &self.execution
    }

    pub(super) fn execution_mut(&mut self) -> &mut Execution {
        &mut self.execution
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

    /// The encoding of text in its rows.
    pub fn row_encoding(&self) -> Encoding {
        self.execution.prepared.program.encoding
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
