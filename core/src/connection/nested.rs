//! The connection as virtual tables see it: statements prepared and stepped while another one runs.
//!
//! Their executions are kept in the connection's state, named by number; while one is used it is held outside, because user code runs only with
//! the state released.
//!
//! Always true: the state is not borrowed between two calls.

use std::cell::RefCell;

use kernite_btree::{Encoding, ValueRef};
use kernite_io::ready;
use kernite_vdbe::{Error, Register, Step, vtab};

use super::prepare::Preparing;
use super::state::State;
use super::statement::Execution;

/// The statements of virtual tables.
#[derive(Default)]
pub(crate) struct Nested {
    statements: Vec<Option<Execution>>,
    /// One that is being prepared.
    preparing: Option<Preparing>,
}

/// A face of the connection, for one call of a virtual table's method.
pub(crate) struct ConnectionSql<'s> {
    state: &'s RefCell<State>,
    /// Statements in use by this call.
    held: Vec<(u32, Execution)>,
}

impl ConnectionSql<'_> {
    pub(crate) fn new(state: &RefCell<State>) -> ConnectionSql<'_> {
        ConnectionSql { state, held: Vec::new() }
    }

    fn hold(&mut self, statement: u32) -> Result<&mut Execution, Error> {
        let at = match self.held.iter().position(|(known, _)| *known == statement) {
            Some(at) => at,
            None => {
                let mut state = self.state.borrow_mut();
                let slot = state.nested.statements.get_mut(statement as usize);
                let execution = slot.and_then(Option::take).ok_or_else(no_statement)?;
                self.held.push((statement, execution));
                self.held.len() - 1
            }
        };
        self.held.get_mut(at).map(|(_, execution)| execution).ok_or_else(no_statement)
    }
}

#[cold]
fn no_statement() -> Error {
    Error::with_code(21, "bad parameter or other API misuse")
}

impl Drop for ConnectionSql<'_> {
    fn drop(&mut self) {
        let mut state = self.state.borrow_mut();
        for (statement, execution) in self.held.drain(..) {
            if let Some(slot) = state.nested.statements.get_mut(statement as usize) {
                *slot = Some(execution);
            }
        }
    }
}

impl vtab::Sql for ConnectionSql<'_> {
    fn prepare(&mut self, sql: &str) -> Step<u32> {
        let mut preparing = self.state.borrow_mut().nested.preparing.take().unwrap_or_default();
        let outcome = preparing.poll(self.state, sql.as_bytes());
        let mut state = self.state.borrow_mut();
        if matches!(outcome, Ok(None)) {
            state.nested.preparing = Some(preparing);
            return Ok(None);
        }
        let (prepared, _) = ready!(outcome);
        let prepared = prepared.ok_or_else(|| Error::message("no statement"))?;
        let statements = &mut state.nested.statements;
        let held = |at: usize| self.held.iter().any(|(known, _)| *known as usize == at);
        let free = (0..statements.len()).find(|&at| statements[at].is_none() && !held(at));
        let at = free.unwrap_or_else(|| {
            statements.push(None);
            statements.len() - 1
        });
        statements[at] = Some(Execution::new(prepared));
        Ok(Some(at as u32))
    }

    fn bind(&mut self, statement: u32, number: u32, value: ValueRef<'_>) -> Result<(), Error> {
        let execution = self.hold(statement)?;
        if let Some(register) = execution.machine.parameter_mut(number) {
            register.set(value);
        }
        Ok(())
    }

    fn step(&mut self, statement: u32) -> Step<bool> {
        let state = self.state;
        self.hold(statement)?.step(state)
    }

    fn column(&self, statement: u32, column: u16) -> &Register {
        const NULL: &Register = &Register::null();
        let held = self.held.iter().find(|(known, _)| *known == statement);
        held.and_then(|(_, execution)| execution.row().get(usize::from(column))).unwrap_or(NULL)
    }

    fn reset(&mut self, statement: u32) -> Step<()> {
        let state = self.state;
        self.hold(statement)?.reset(state)
    }

    fn finish(&mut self, statement: u32) {
        let state = self.state;
        let Ok(execution) = self.hold(statement) else { return };
        // An error of ending the run was told by the step that caused it.
        let _ = super::wait::block_on(state, || execution.reset(state));
        self.held.retain(|(known, _)| *known != statement);
    }

    fn encoding(&self) -> Encoding {
        self.state.borrow().host.options.encoding
    }

    fn last_insert_rowid(&self) -> i64 {
        self.state.borrow().host.vm.last_insert_rowid
    }

    fn set_last_insert_rowid(&mut self, rowid: i64) {
        self.state.borrow_mut().host.vm.last_insert_rowid = rowid;
    }
}
