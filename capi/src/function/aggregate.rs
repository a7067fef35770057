//! Aggregate and window functions of the application.
//!
//! Each group has memory of its own, which the application asks for in its first step. `xFinal` runs once for every group that was begun, also when
//! its statement is thrown away: it is what frees what a group holds.

use std::sync::Arc;

use kernite::engine::btree::Encoding;
use kernite::engine::vdbe::Register;
use kernite::engine::vdbe::function::{UserAggregate, UserAggregateState, UserError};

use super::{Registered, RowFunction, ValueFunction, call_with};
use crate::connection::hook::Back;
use crate::constant::SQLITE_ERROR;
use crate::value::context::{GroupMemory, sqlite3_context};

/// The functions that make an aggregate.
#[derive(Clone)]
pub(super) struct Aggregate {
    pub(super) back: Back,
    pub(super) step: RowFunction,
    pub(super) finish: ValueFunction,
    pub(super) value: Option<ValueFunction>,
    pub(super) inverse: Option<RowFunction>,
    pub(super) registered: Arc<Registered>,
}

impl UserAggregate for Aggregate {
    fn start(&self) -> Box<dyn UserAggregateState> {
        Box::new(Group {
            aggregate: self.clone(),
            memory: GroupMemory::new(),
            steps: 0,
            is_begun: false,
            is_over: false,
        })
    }

    fn is_window(&self) -> bool {
        self.value.is_some() && self.inverse.is_some()
    }
}

/// One group under way.
struct Group {
    aggregate: Aggregate,
    memory: GroupMemory,
    steps: i32,
    /// A row was added: the application may have something to free.
    is_begun: bool,
    is_over: bool,
}

impl std::fmt::Debug for Group {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "group of {} rows", self.steps)
    }
}

impl Group {
    /// Makes a context and lets `run` use it.
    fn with_context(
        &mut self,
        encoding: Encoding,
        result: &mut Register,
        run: impl FnOnce(&Aggregate, &mut sqlite3_context),
    ) -> Result<(), UserError> {
        let Group { aggregate, memory, steps, .. } = self;
        let db = aggregate.back.db();
        let mut context = sqlite3_context::new(db.as_ptr(), aggregate.registered.data.0, result, encoding);
        context.group = memory;
        context.steps = *steps;
        run(aggregate, &mut context);
        context.outcome()
    }
}

fn misplaced() -> UserError {
    UserError { code: SQLITE_ERROR, message: "an aggregate was used as a window function".into() }
}

impl UserAggregateState for Group {
    fn step(&mut self, encoding: Encoding, arguments: &mut [Register]) -> Result<(), UserError> {
        self.steps += 1;
        self.is_begun = true;
        self.with_context(encoding, &mut Register::null(), |aggregate, context| {
            // SAFETY: the application's function, registered for so many arguments.
            unsafe { call_with(aggregate.step, context, encoding, arguments) };
        })
    }

    fn inverse(&mut self, encoding: Encoding, arguments: &mut [Register]) -> Result<(), UserError> {
        let Some(inverse) = self.aggregate.inverse else { return Err(misplaced()) };
        self.with_context(encoding, &mut Register::null(), |_, context| {
            // SAFETY: as in `step`.
            unsafe { call_with(inverse, context, encoding, arguments) };
        })
    }

    fn value(&mut self, encoding: Encoding, result: &mut Register) -> Result<(), UserError> {
        let Some(value) = self.aggregate.value else { return Err(misplaced()) };
        // SAFETY: the application's function.
        self.with_context(encoding, result, |_, context| unsafe { value(context) })
    }

    fn finish(&mut self, encoding: Encoding, result: &mut Register) -> Result<(), UserError> {
        self.is_over = true;
        // SAFETY: the application's function.
        self.with_context(encoding, result, |aggregate, context| unsafe { (aggregate.finish)(context) })
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if self.is_begun && !self.is_over {
            // The statement was thrown away: nobody wants the value, and nobody hears of an error.
            let _ = self.finish(Encoding::Utf8, &mut Register::null());
        }
    }
}
