//! The machine: one loop that runs a program's instructions.
//!
//! ```text
//! Ready ──step──> Running ──Row, Call, Busy, Progress, Hook──> Running ──> Ending ──Done or error──> Over ──reset──> Ready
//! ```
//!
//! `run` is the loop with the instructions that are hot, `rest` has the others; the families stand in files of their own: `flow`, `value`, `compare`, `column`,
//! `cursor`, `seek`, `write`, `set` (rowid sets, Bloom filters), `call` (functions), `aggregate`, `sorting`, `groups`, `schema`,
//! `transaction`, `virtual_table`. `slot` has the kinds of cursors, `frame` subprograms, `end` what happens when a statement ends.
//!
//! Always true: the program counter stays on an instruction that yielded, and that instruction has then changed nothing that running it
//! again would spoil. No user code runs inside [`Machine::step`]; it runs in [`Machine::call`], with the connection released.
//!
//! Never: SQL text, names of things; what is in a page.

mod aggregate;
mod call;
mod column;
mod compare;
mod counters;
mod cursor;
mod end;
mod ephemeral;
mod flow;
mod frame;
mod groups;
mod hook;
mod rest;
mod run;
mod schema;
mod seek;
mod set;
mod slot;
mod sorting;
mod transaction;
mod value;
mod virtual_table;
mod write;

pub use counters::{Counter, Counters};
pub use hook::{Change, ChangeKind, Hook};

use std::cmp::Ordering;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use kernite_btree::{CursorId, Error as StorageError};

use crate::host::{Hooks, Host, Storage};
use crate::op::{CollationId, Cursor, OnConflict, Reg};
use crate::program::Program;
use crate::register::Register;
use crate::vtab::Sql;
use crate::{Error, Step};

use end::Ending;
use frame::{Caller, Frame};
use run::Exit;
use slot::Slot;

/// What a step comes back with.
#[derive(Debug)]
pub enum Event {
    /// A row is ready: [`Machine::row`].
    Row,
    /// The statement ended. [`Machine::reset`] before the next step.
    Done,
    /// The instruction at hand runs user code: release the connection, [`Machine::call`] until it is done, step again.
    Call,
    /// Another connection's lock is in the way; nothing has happened. Ask the busy handler, then step again, after
    /// [`Machine::give_up`] if it did not want to wait.
    Busy,
    /// Time to call the progress handler; then step again, after [`Machine::fail`] if it said stop.
    Progress,
    /// Call a hook; then step again.
    Hook(Hook),
}

/// Where a machine stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Ready,
    Running,
    Ending,
    Over,
}

/// One statement's execution: program counter, registers, cursors.
pub struct Machine {
    program: Arc<Program>,
    phase: Phase,
    frame: Frame,
    callers: Vec<Caller>,
    run: Run,
    interrupt: Arc<AtomicBool>,
    ending: Ending,
}

/// A statement savepoint that this run opened.
#[derive(Clone, Copy, Debug)]
struct StatementSavepoint {
    /// Its index among the savepoints of the databases, from 0.
    index: usize,
    deferred: i64,
    deferred_immediate: i64,
}

/// What all frames of a run share.
struct Run {
    parameters: Vec<Register>,
    /// Registers of the row at hand: first and count.
    row: (Reg, u32),
    /// How the last comparison (`Compare`, `Lt`, `Eq`…) came out.
    compared: Ordering,
    /// Set by CollSeq for the call that follows, with the register that a min() or max() reports to.
    collation: CollationId,
    extreme_flag: Reg,
    /// Rows changed so far, for `changes()`.
    changes: i64,
    /// Which hooks there are. The application may set others between two steps only.
    hooks: Hooks,
    /// Violations of immediate foreign keys.
    foreign_key_violations: i64,
    counters: Counters,
    /// Changes whenever something may have been written: with each step, and with each instruction that is not known to write nothing.
    epoch: u64,
    /// Instructions run so far, and at how many the progress handler is due.
    steps: u64,
    progress_at: u64,
    /// The longest string or blob.
    length_max: u64,
    savepoint: Option<StatementSavepoint>,
    /// Whether 0 and 1 may be stored without content: all databases written have schema format 4.
    compact_constants: bool,
    /// A rowid being tried by NewRowid, and how many were tried before.
    candidate: Option<(i64, u32)>,
    /// What of a many-part instruction is done: hooks that ran before a write.
    part: u8,
    /// The values of an IN list read so far.
    list: Option<Vec<Register>>,
    /// Scratch for keys.
    scratch: Vec<u8>,
    /// Result of a function under way.
    result: Register,
    /// The driver does not want to wait for a lock any more.
    gave_up: bool,
    /// An error of the driver (interrupt, progress handler), to be raised at the next instruction.
    failure: Option<(Error, OnConflict)>,
    /// The virtual table that the instruction at hand works on.
    table: Option<Arc<dyn crate::vtab::Table>>,
    /// This statement was counted among the running ones.
    is_counted: bool,
}

impl Run {
    fn new(parameter_count: u32) -> Run {
        Run {
            parameters: nulls(parameter_count as usize),
            row: (Reg(0), 0),
            compared: Ordering::Equal,
            collation: CollationId(0),
            extreme_flag: Reg(0),
            changes: 0,
            hooks: Hooks::default(),
            foreign_key_violations: 0,
            counters: Counters::default(),
            epoch: 0,
            steps: 0,
            progress_at: u64::MAX,
            length_max: u64::MAX,
            savepoint: None,
            compact_constants: true,
            candidate: None,
            part: 0,
            list: None,
            scratch: Vec::new(),
            result: Register::null(),
            gave_up: false,
            failure: None,
            table: None,
            is_counted: false,
        }
    }
}

/// What an instruction of a family file works on.
struct Context<'a> {
    program: &'a Program,
    registers: &'a mut [Register],
    cursors: &'a mut [Slot],
    stores: &'a mut ephemeral::Stores,
    auxdata: &'a mut frame::AuxDataTable,
    once: &'a mut Vec<bool>,
    callers: &'a mut [Caller],
    run: &'a mut Run,
    storage: &'a mut Storage,
    host: &'a mut dyn Host,
}

impl Machine {
    /// A machine before its first step. All parameters are NULL.
    pub fn new(program: Arc<Program>) -> Machine {
        Machine {
            phase: Phase::Ready,
            frame: Frame::new(Arc::clone(&program)),
            callers: Vec::new(),
            run: Run::new(program.parameter_count),
            interrupt: Arc::default(),
            ending: Ending::default(),
            program,
        }
    }

    /// The program.
    pub fn program(&self) -> &Arc<Program> {
        &self.program
    }

    /// Puts another program in place of the old one (the schema changed); bound values stay. Only between runs.
    ///
    /// # Errors
    /// [`Error::Program`] while the statement runs.
    pub fn set_program(&mut self, program: Arc<Program>) -> Result<(), Error> {
        if self.phase != Phase::Ready {
            return Err(Error::Program { at: self.frame.pc as u32, what: "replaced while it runs" });
        }
        let count = self.run.parameters.len().max(program.parameter_count as usize);
        self.run.parameters.resize_with(count, Register::null);
        self.frame = Frame::new(Arc::clone(&program));
        self.program = program;
        Ok(())
    }

    /// Parameter `number` (from 1), to be bound. `None`: there is no such parameter.
    pub fn parameter_mut(&mut self, number: u32) -> Option<&mut Register> {
        self.run.parameters.get_mut((number as usize).checked_sub(1)?)
    }

    /// All parameters, the first at index 0.
    pub fn parameters(&self) -> &[Register] {
        &self.run.parameters
    }

    /// Sets all parameters to NULL.
    pub fn clear_parameters(&mut self) {
        self.run.parameters.iter_mut().for_each(Register::set_null);
    }

    /// The row that [`Event::Row`] announced; empty at any other time.
    pub fn row(&self) -> &[Register] {
        let (first, count) = self.run.row;
        let first = first.0 as usize;
        self.frame.registers.get(first..first + count as usize).unwrap_or(&[])
    }

    /// As [`Machine::row`], to end text in place ([`Register::end_with_nul`]); values stay as they are.
    pub fn row_mut(&mut self) -> &mut [Register] {
        let (first, count) = self.run.row;
        let first = first.0 as usize;
        self.frame.registers.get_mut(first..first + count as usize).unwrap_or_default()
    }

    /// Whether a run is under way: begun and not ended.
    pub fn is_running(&self) -> bool {
        matches!(self.phase, Phase::Running | Phase::Ending)
    }

    /// Whether the run has ended and the machine waits for [`Machine::reset`].
    pub fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }

    /// The b-tree's cursor behind one of the program's, while that is open: for who reads and writes values in place.
    pub fn tree_cursor(&self, cursor: Cursor) -> Option<CursorId> {
        match self.frame.cursors.get(usize::from(cursor.0)) {
            Some(Slot::Tree(open)) => Some(open.id),
            _ => None,
        }
    }

    /// What the statement has counted since it was made (or since a counter was cleared).
    pub fn counters(&mut self) -> &mut Counters {
        &mut self.run.counters
    }

    /// The table that a hook is about.
    pub fn hook_table(&self, change: &Change) -> Option<&crate::program::TableLink> {
        self.frame.program.links.table(change.table)
    }

    /// Violations of immediate foreign keys in this run so far.
    pub fn foreign_key_violations(&self) -> i64 {
        self.run.foreign_key_violations
    }

    /// After [`Event::Busy`]: the next step fails with `SQLITE_BUSY` instead of trying again. A statement that has not begun its
    /// transaction stays where it is and may be stepped again later.
    pub fn give_up(&mut self) {
        self.run.gave_up = true;
    }

    /// The next step fails with `error` (a progress handler said stop, a hook vetoed).
    pub fn fail(&mut self, error: Error) {
        self.run.failure = Some((error, OnConflict::Abort));
    }

    /// Runs until there is something to tell. After an error the statement has ended, but for `SQLITE_BUSY` at its beginning.
    ///
    /// # Errors
    /// Whatever ends the statement; what it changed has been undone as its conflict clause says.
    pub fn step(&mut self, storage: &mut Storage, host: &mut dyn Host) -> Step<Event> {
        loop {
            match self.phase {
                Phase::Ready => self.begin(host)?,
                Phase::Running => {
                    if let Some(event) = kernite_io::ready!(self.run_on(storage, host)) {
                        return Ok(Some(event));
                    }
                }
                Phase::Ending => return self.end(storage, host),
                Phase::Over => return Err(Error::with_code(21, "bad parameter or other API misuse")),
            }
        }
    }

    /// Ends the run, if one is under way, and goes back to the start. Parameters stay.
    ///
    /// # Errors
    /// Those of ending a run; the machine is at its start all the same.
    pub fn reset(&mut self, storage: &mut Storage, host: &mut dyn Host) -> Step<()> {
        let mut outcome = Ok(());
        if self.is_running() {
            if self.phase == Phase::Running {
                self.start_ending(None, OnConflict::Abort);
            }
            loop {
                match self.end(storage, host) {
                    Ok(None) => return Ok(None),
                    Ok(Some(Event::Done)) => break,
                    // Nobody waits for a statement that is thrown away.
                    Ok(Some(Event::Busy)) => self.give_up(),
                    Ok(Some(_)) => {}
                    Err(error) => {
                        outcome = Err(error);
                        if self.phase == Phase::Over {
                            break;
                        }
                    }
                }
            }
        }
        self.frame.clear();
        self.run.row = (Reg(0), 0);
        self.run.failure = None;
        self.run.gave_up = false;
        self.phase = Phase::Ready;
        outcome.map(Some)
    }

    /// Runs the user code that [`Event::Call`] announced, with the connection released. `sql` serves virtual tables.
    ///
    /// # Errors
    /// Never the called code's own: that ends the statement at the next step. Only what a virtual table's storage reports as such.
    pub fn call(&mut self, sql: &mut dyn Sql) -> Step<()> {
        match call::run_outside(self, sql) {
            Ok(done) => Ok(done),
            Err(error) => {
                self.run.failure = Some((error, OnConflict::Abort));
                Ok(Some(()))
            }
        }
    }

    fn begin(&mut self, host: &mut dyn Host) -> Result<(), Error> {
        self.run.length_max = host.limit(value::LIMIT_LENGTH).max(0) as u64;
        let state = host.state_mut();
        if state.active == 0 {
            state.interrupt.store(false, std::sync::atomic::Ordering::Relaxed);
        }
        if !Arc::ptr_eq(&self.interrupt, &state.interrupt) {
            self.interrupt = Arc::clone(&state.interrupt);
        }
        self.run.begin(state);
        state.active += 1;
        state.readers += u32::from(self.program.flags.reads());
        state.writers += u32::from(!self.program.flags.read_only);
        self.run.is_counted = true;
        self.phase = Phase::Running;
        Ok(())
    }

    /// Runs instructions until something has to be told (`Some`), or the run has come to its end (`None`).
    fn run_on(&mut self, storage: &mut Storage, host: &mut dyn Host) -> Step<Option<Event>> {
        self.run.row = (Reg(0), 0);
        self.run.epoch += 1;
        self.run.hooks = host.state().hooks;
        let exit = match self.run.failure.take() {
            Some((error, on_conflict)) => Ok(Some(Exit::End { error: Some(error), on_conflict })),
            None => {
                let Machine { frame, callers, run, interrupt, .. } = self;
                run::run(frame, callers, run, interrupt, storage, host)
            }
        };
        let event = match exit {
            Ok(None) => return Ok(None),
            Ok(Some(Exit::Row)) => Event::Row,
            Ok(Some(Exit::Call)) => Event::Call,
            Ok(Some(Exit::Progress)) => Event::Progress,
            Ok(Some(Exit::Hook(hook))) => Event::Hook(hook),
            Ok(Some(Exit::Busy)) => {
                if std::mem::take(&mut self.run.gave_up) {
                    return Err(Error::Storage(StorageError::Busy));
                }
                Event::Busy
            }
            Ok(Some(Exit::Enter { sub, ignore, args, recursive_ok })) => {
                match self.enter(sub, ignore, args, recursive_ok, host) {
                    Ok(()) => {}
                    Err(error) => self.start_ending(Some(error), OnConflict::Abort),
                }
                return Ok(Some(None));
            }
            Ok(Some(Exit::Leave { ignore })) => {
                self.leave(ignore, storage, host);
                return Ok(Some(None));
            }
            Ok(Some(Exit::End { error, on_conflict })) => {
                self.start_ending(error, on_conflict);
                return Ok(Some(None));
            }
            Ok(Some(Exit::EndTransaction(kind))) => {
                self.start_ending_transaction(kind);
                return Ok(Some(None));
            }
            Err(error) => {
                self.start_ending(Some(error), OnConflict::Abort);
                return Ok(Some(None));
            }
        };
        Ok(Some(Some(event)))
    }
}

impl Run {
    fn begin(&mut self, state: &crate::host::ConnectionState) {
        self.progress_at = match state.progress_interval {
            0 => u64::MAX,
            interval => self.steps + u64::from(interval),
        };
        self.changes = 0;
        self.foreign_key_violations = 0;
        self.savepoint = None;
        self.compact_constants = true;
        self.candidate = None;
        self.part = 0;
        self.list = None;
        self.collation = CollationId(0);
        self.extreme_flag = Reg(0);
        self.counters.add(Counter::Run, 1);
    }
}

/// `count` NULL registers.
fn nulls(count: usize) -> Vec<Register> {
    let mut registers = Vec::new();
    registers.resize_with(count, Register::null);
    registers
}

/// The index of a register.
#[inline(always)]
const fn at(reg: Reg) -> usize {
    reg.0 as usize
}

#[cfg(test)]
mod tests;
