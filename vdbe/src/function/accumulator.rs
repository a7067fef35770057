//! Aggregates under way.
//!
//! The machine keeps one [`Accumulator`] per aggregate and group, and calls `step` per row, `inverse` where a window's frame leaves a
//! row behind, `value` for a result so far, and `finish` once at the end. The common ones lie in the enum itself, so that a table of many
//! groups needs no allocation for each; the rest are behind a trait.
//!
//! Never: DISTINCT, FILTER, ORDER BY inside an aggregate (the program does these).

use kernite_btree::{Collation, Encoding};

use super::UserAggregateState;
use super::builtin::extreme::Extreme;
use super::builtin::sum::Sum;
use crate::error::Error;
use crate::register::Register;

/// One aggregation under way.
#[derive(Debug)]
pub enum Accumulator {
    /// Rows counted: `count(*)` and `count(x)`.
    Count(i64),
    /// `sum`, `total`, `avg`.
    Sum(Sum),
    /// `min`, `max`.
    Extreme(Box<Extreme>),
    /// Any other built-in aggregate.
    State(Box<dyn AggregateState>),
    /// A user's aggregate. The driver calls it, with the connection released.
    User(Box<dyn UserAggregateState>),
}

/// A built-in aggregate's state. The machine calls `step` per row, `value` or `finish` at the end, `inverse` for moving window frames.
pub trait AggregateState: Send + std::fmt::Debug {
    /// Adds a row.
    fn step(&mut self, call: &mut AggregateCall<'_>) -> Result<(), Error>;
    /// Takes a row away that was added before.
    fn inverse(&mut self, call: &mut AggregateCall<'_>) -> Result<(), Error>;
    /// The result so far into `out`.
    fn value(&mut self, out: &mut Register, context: &AggregateContext<'_>) -> Result<(), Error>;
    /// The result at the end. By default the same as `value`.
    fn finish(&mut self, out: &mut Register, context: &AggregateContext<'_>) -> Result<(), Error> {
        self.value(out, context)
    }
}

/// What an aggregate sees beside its state.
#[derive(Clone, Copy)]
pub struct AggregateContext<'a> {
    pub encoding: Encoding,
    pub collation: &'a Collation,
    pub length_max: usize,
}

/// One row handed to an aggregate.
pub struct AggregateCall<'a> {
    pub arguments: &'a [Register],
    pub context: AggregateContext<'a>,
    /// Set by min and max: whether bare columns are to be taken from this row. Nobody else touches it.
    pub new_extreme: bool,
}

impl Accumulator {
    /// Adds a row.
    #[inline]
    pub fn step(&mut self, call: &mut AggregateCall<'_>) -> Result<(), Error> {
        match self {
            Accumulator::Count(count) => *count += i64::from(counts(call.arguments)),
            Accumulator::Sum(sum) => sum.step(call),
            Accumulator::Extreme(extreme) => extreme.step(call),
            Accumulator::State(state) => return state.step(call),
            Accumulator::User(_) => return Err(misplaced()),
        }
        Ok(())
    }

    /// Takes a row away.
    #[inline]
    pub fn inverse(&mut self, call: &mut AggregateCall<'_>) -> Result<(), Error> {
        match self {
            Accumulator::Count(count) => *count -= i64::from(counts(call.arguments)),
            Accumulator::Sum(sum) => sum.inverse(call),
            Accumulator::State(state) => return state.inverse(call),
            Accumulator::Extreme(_) | Accumulator::User(_) => return Err(misplaced()),
        }
        Ok(())
    }

    /// The result so far.
    pub fn value(&mut self, out: &mut Register, context: &AggregateContext<'_>) -> Result<(), Error> {
        match self {
            Accumulator::Count(count) => out.set_integer(*count),
            Accumulator::Sum(sum) => return sum.value(out),
            Accumulator::Extreme(extreme) => extreme.value(out),
            Accumulator::State(state) => return state.value(out, context),
            Accumulator::User(_) => return Err(misplaced()),
        }
        Ok(())
    }

    /// The result at the end.
    pub fn finish(&mut self, out: &mut Register, context: &AggregateContext<'_>) -> Result<(), Error> {
        match self {
            Accumulator::State(state) => state.finish(out, context),
            other => other.value(out, context),
        }
    }
}

/// Whether a row counts: always for `count(*)`, else if its argument is not NULL.
#[inline]
fn counts(arguments: &[Register]) -> bool {
    arguments.first().is_none_or(|argument| !argument.is_null())
}

/// The program called an aggregate in a way that it does not have: min and max have no inverse (frames that move are planned
/// without it), user code does not run inline.
#[cold]
fn misplaced() -> Error {
    Error::Program { at: 0, what: "an aggregate was called in a way that it does not have" }
}
