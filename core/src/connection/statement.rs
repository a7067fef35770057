//! A statement's life: stepping, resetting, being compiled again.
//!
//! The machine tells the driver here what it needs: user code is called with the state released, locks are waited for, hooks are called. A
//! statement whose schema has changed is compiled again when it starts, with its bindings kept.
//!
//! Always true: the state is borrowed only while the machine steps, never while the application's code runs.

use std::cell::RefCell;
use std::sync::Arc;

use kernite_btree::CheckpointMode;
use kernite_io::ready;
use kernite_parser::Explain;
use kernite_vdbe::host::Storage;
use kernite_vdbe::machine::{Event, Hook, Machine};
use kernite_vdbe::op::Db;
use kernite_vdbe::{Error, Register, Step};

use super::busy::BusyWait;
use super::hooks::{TraceEvent, UpdateEvent};
use super::host::HostState;
use super::nested::ConnectionSql;
use super::prepare::{Prepared, Preparing, ask_busy};
use super::state::State;
use super::virtual_table::{self, Working};

/// Most times that a statement is compiled again before its error counts.
const REPREPARE_MAX: u32 = 50;
/// `SQLITE_SCHEMA`, `SQLITE_INTERRUPT`, `SQLITE_CONSTRAINT_COMMITHOOK`, `SQLITE_MISUSE`.
const SCHEMA: i32 = 17;
const INTERRUPT: i32 = 9;
const COMMIT_HOOK: i32 = 531;

/// The execution of a prepared statement.
pub(crate) struct Execution {
    pub(crate) prepared: Arc<Prepared>,
    pub(crate) machine: Machine,
    /// The next row of EXPLAIN.
    explained: usize,
    /// Rows are there to be read.
    pub(crate) has_row: bool,
    preparing: Option<Preparing>,
    busy: BusyWait,
    retries: u32,
    /// It is not compiled again for another schema, but fails (`sqlite3_prepare`).
    pub(crate) keeps_schema: bool,
    /// The run has ended; what comes after a commit is under way.
    after: Option<After>,
    /// Work for the host that has to wait.
    working: Option<Box<Working>>,
}

/// What is done after a run has ended.
#[derive(Clone, Copy)]
struct After {
    /// The next database whose WAL is looked at.
    db: usize,
}

/// What a hook or handler decided.
enum Verdict {
    GoOn,
    Fail(Error),
}

impl Execution {
    pub(crate) fn new(prepared: Arc<Prepared>) -> Execution {
        Execution {
            machine: Machine::new(Arc::clone(&prepared.program)),
            prepared,
            explained: 0,
            has_row: false,
            preparing: None,
            busy: BusyWait::default(),
            retries: 0,
            keeps_schema: false,
            after: None,
            working: None,
        }
    }

    /// What it waits for beside the connection's I/O.
    pub(crate) fn busy_wait(&self) -> &BusyWait {
        match &self.preparing {
            Some(preparing) => &preparing.busy,
            None => &self.busy,
        }
    }

    /// The row at hand.
    pub(crate) fn row(&self) -> &[Register] {
        match &self.prepared.explained {
            Some(rows) if self.has_row => rows.get(self.explained.wrapping_sub(1)).map_or(&[], Vec::as_slice),
            Some(_) => &[],
            None if self.has_row => self.machine.row(),
            None => &[],
        }
    }

    /// Goes on to the next row; `false` at the end. After an error or the end the next call starts again.
    pub(crate) fn step(&mut self, state: &RefCell<State>) -> Step<bool> {
        self.has_row = false;
        if let Some(rows) = &self.prepared.explained {
            self.has_row = self.explained < rows.len();
            self.explained = if self.has_row { self.explained + 1 } else { 0 };
            return Ok(Some(self.has_row));
        }
        match self.step_machine(state) {
            Err(error) => {
                let mut state = state.borrow_mut();
                state.note_error(&error, None, None);
                Err(error)
            }
            Ok(done) => {
                self.has_row = done == Some(true);
                Ok(done)
            }
        }
    }

    fn step_machine(&mut self, state: &RefCell<State>) -> Step<bool> {
        if self.after.is_some() {
            return self.finish_run(state);
        }
        if self.machine.is_over() {
            ready!(self.reset(state));
        }
        loop {
            if !self.machine.is_running() {
                ready!(self.refresh(state));
                start(state, &self.prepared);
            }
            if self.working.is_some() {
                ready!(self.work(state));
            }
            let (event, left) = {
                let mut state = state.borrow_mut();
                let State { storage, host, .. } = &mut *state;
                let event = self.machine.step(storage, host);
                (event, state.has_left_overs())
            };
            if left {
                call_rollback_hook(state);
                drop_released(state);
            }
            match event {
                Ok(None) if ready!(self.work(state)) => {}
                Ok(None) => return Ok(None),
                Ok(Some(Event::Row)) => {
                    self.busy.clear();
                    return Ok(Some(true));
                }
                Ok(Some(Event::Done)) => {
                    self.busy.clear();
                    self.retries = 0;
                    self.after = Some(After { db: 0 });
                    return self.finish_run(state);
                }
                Ok(Some(Event::Call)) => {
                    ready!(self.machine.call(&mut ConnectionSql::new(state)));
                }
                Ok(Some(Event::Busy)) => match ask_busy(state, &mut self.busy)? {
                    None => return Ok(None),
                    Some(true) => {}
                    Some(false) => {
                        self.busy.clear();
                        self.machine.give_up();
                    }
                },
                Ok(Some(Event::Progress)) => {
                    if call_progress(state) {
                        self.machine.fail(Error::with_code(INTERRUPT, "interrupted"));
                    }
                }
                Ok(Some(Event::Hook(hook))) => {
                    if let Verdict::Fail(error) = self.call_hook(state, hook) {
                        self.machine.fail(error);
                    }
                }
                Err(error)
                    if error.code() == SCHEMA && self.retries < REPREPARE_MAX && !self.keeps_schema =>
                {
                    self.retries += 1;
                    ready!(self.reset(state));
                    state.borrow_mut().host.expired += 1;
                }
                Err(error) => {
                    self.retries = 0;
                    return Err(error);
                }
            }
        }
    }

    /// Compiles it as EXPLAIN of a kind, or as a statement that runs.
    pub(crate) fn set_explained(&mut self, state: &RefCell<State>, explain: Explain) -> Step<()> {
        if self.preparing.is_none() {
            if self.prepared.explain == explain {
                return Ok(Some(()));
            }
            ready!(self.reset(state));
            self.preparing = Some(Preparing::again(Some(explain)));
        }
        self.compile_again(state)
    }

    /// Compiles the statement again if something that it depended on has changed.
    fn refresh(&mut self, state: &RefCell<State>) -> Step<()> {
        if self.preparing.is_none() {
            if self.prepared.is_current(&state.borrow().host) {
                return Ok(Some(()));
            }
            let prepared = &self.prepared;
            self.preparing = Some(Preparing::again(prepared.explain_forced.then_some(prepared.explain)));
        }
        self.compile_again(state)
    }

    fn compile_again(&mut self, state: &RefCell<State>) -> Step<()> {
        let Some(preparing) = &mut self.preparing else { return Ok(Some(())) };
        let text = Arc::clone(&self.prepared.sql);
        let outcome = preparing.poll(state, &text);
        if matches!(outcome, Ok(None)) {
            return Ok(None);
        }
        self.preparing = None;
        if self.keeps_schema && self.prepared.has_other_schema(&state.borrow().host) {
            return Err(Error::with_code(SCHEMA, "database schema has changed"));
        }
        let (prepared, _) = ready!(outcome);
        if let Some(prepared) = prepared {
            self.machine.set_program(Arc::clone(&prepared.program))?;
            self.prepared = prepared;
        }
        Ok(Some(()))
    }

    /// Goes back to the start.
    pub(crate) fn reset(&mut self, state: &RefCell<State>) -> Step<()> {
        self.has_row = false;
        self.explained = 0;
        self.busy.clear();
        loop {
            if self.working.is_some() {
                ready!(self.work(state));
            }
            let (outcome, left) = {
                let mut state = state.borrow_mut();
                let State { storage, host, .. } = &mut *state;
                let outcome = self.machine.reset(storage, host);
                (outcome, state.has_left_overs())
            };
            if left {
                call_rollback_hook(state);
                drop_released(state);
            }
            if !matches!(outcome, Ok(None)) || !ready!(self.work(state)) {
                return outcome;
            }
        }
    }

    /// Does what the host wants done with the state released. `false`: nothing; it waits for something else.
    fn work(&mut self, state: &RefCell<State>) -> Step<bool> {
        let mut working = self.working.take().unwrap_or_default();
        let outcome = virtual_table::work(state, &mut working);
        if matches!(outcome, Ok(None)) {
            self.working = Some(working);
        }
        outcome
    }

    /// After a commit: the WAL hook, or a checkpoint when the WAL has grown.
    fn finish_run(&mut self, state: &RefCell<State>) -> Step<bool> {
        if state.borrow().host.databases.iter().all(|database| database.committed_frames == 0) {
            self.after = None;
            return Ok(Some(false));
        }
        while let Some(After { db }) = self.after {
            let frames = {
                let mut state = state.borrow_mut();
                let State { storage, host, hooks, .. } = &mut *state;
                let Some(database) = host.databases.get_mut(db) else { break };
                let frames = database.committed_frames;
                if frames == 0 || hooks.wal.is_some() {
                    frames
                } else {
                    let limit = host.wal_autocheckpoint;
                    if limit > 0 && frames >= limit && !checkpoint(host, storage, db) {
                        return Ok(None);
                    }
                    0
                }
            };
            if let Some(database) = state.borrow_mut().host.databases.get_mut(db) {
                database.committed_frames = 0;
            }
            self.after = Some(After { db: db + 1 });
            if frames > 0 {
                call_wal_hook(state, db, frames)?;
            }
        }
        self.after = None;
        Ok(Some(false))
    }

    fn call_hook(&mut self, state: &RefCell<State>, hook: Hook) -> Verdict {
        match hook {
            Hook::Commit => {
                let Some(mut commit) = state.borrow_mut().hooks.commit.take() else { return Verdict::GoOn };
                let veto = commit();
                state.borrow_mut().hooks.commit.get_or_insert(commit);
                if veto {
                    return Verdict::Fail(Error::with_code(COMMIT_HOOK, "constraint failed"));
                }
            }
            Hook::Update(change) => {
                let Some(mut update) = state.borrow_mut().hooks.update.take() else { return Verdict::GoOn };
                if let Some(link) = self.machine.hook_table(&change) {
                    let database = {
                        let state = state.borrow();
                        let schema = state.host.catalog.database(link.db);
                        schema.map(|schema| String::from_utf8_lossy(&schema.name).into_owned())
                    };
                    update(&UpdateEvent {
                        kind: change.kind,
                        database: database.as_deref().unwrap_or(""),
                        table: &link.name,
                        rowid: change.new_rowid,
                    });
                }
                state.borrow_mut().hooks.update.get_or_insert(update);
            }
            Hook::Preupdate(_) => {}
        }
        Verdict::GoOn
    }
}

/// A run begins: the trace callback is told, and time stands still for the run.
fn start(state: &RefCell<State>, prepared: &Prepared) {
    let trace = {
        let mut state = state.borrow_mut();
        state.host.statement_time = None;
        state.hooks.trace.take()
    };
    if let Some(mut trace) = trace {
        trace(&TraceEvent::Statement(&String::from_utf8_lossy(&prepared.sql)));
        state.borrow_mut().hooks.trace.get_or_insert(trace);
    }
}

/// Drops what may run the application's code when it is dropped: cursors of virtual tables, and the tables.
fn drop_released(state: &RefCell<State>) {
    let released = {
        let mut state = state.borrow_mut();
        if state.storage.closed.is_empty() && state.host.retired.is_empty() {
            return;
        }
        (std::mem::take(&mut state.storage.closed), std::mem::take(&mut state.host.retired))
    };
    drop(released);
}

fn call_rollback_hook(state: &RefCell<State>) {
    let hook = {
        let mut state = state.borrow_mut();
        if !std::mem::take(&mut state.host.rolled_back) {
            return;
        }
        state.hooks.rollback.take()
    };
    if let Some(mut hook) = hook {
        hook();
        state.borrow_mut().hooks.rollback.get_or_insert(hook);
    }
}

/// Whether the progress handler says stop.
fn call_progress(state: &RefCell<State>) -> bool {
    let Some(mut handler) = state.borrow_mut().hooks.progress.take() else { return false };
    let stop = handler();
    state.borrow_mut().hooks.progress.get_or_insert(handler);
    stop
}

fn call_wal_hook(state: &RefCell<State>, db: usize, frames: u32) -> Result<(), Error> {
    let (hook, name) = {
        let mut state = state.borrow_mut();
        let name = state.host.catalog.databases.get(db).and_then(Option::as_ref);
        let name = name.map_or_else(String::new, |schema| String::from_utf8_lossy(&schema.name).into_owned());
        (state.hooks.wal.take(), name)
    };
    let (Some(mut hook), Ok(number)) = (hook, u8::try_from(db)) else { return Ok(()) };
    let code = hook(Db(number), &name, frames);
    state.borrow_mut().hooks.wal.get_or_insert(hook);
    if code == 0 { Ok(()) } else { Err(Error::with_code(code, "the WAL hook failed")) }
}

/// Tries a checkpoint; `false`: it waits for I/O. What stands in its way is no error: the next commit tries again.
fn checkpoint(_host: &HostState, storage: &mut Storage, db: usize) -> bool {
    match storage.databases.get_mut(db) {
        Some(Some(btree)) => !matches!(btree.checkpoint(CheckpointMode::Passive), Ok(None)),
        _ => true,
    }
}
