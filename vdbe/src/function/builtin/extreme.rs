//! The aggregates `min` and `max`.
//!
//! They also tell the program whether a row is the new extreme, because columns that stand beside them outside any aggregate take
//! their values from that row.
//!
//! Spec: SELECT, "Bare columns in an aggregate query".

use std::cmp::Ordering;

use crate::function::accumulator::AggregateCall;
use crate::function::call::compare;
use crate::register::Register;

/// The smallest or largest value so far.
#[derive(Debug)]
pub struct Extreme {
    /// NULL while there is none.
    best: Register,
    /// A value replaces `best` where `best` compares to it like this.
    replace: Ordering,
}

impl Extreme {
    /// `min` of no rows.
    pub fn min() -> Extreme {
        Extreme { best: Register::null(), replace: Ordering::Greater }
    }

    /// `max` of no rows.
    pub fn max() -> Extreme {
        Extreme { best: Register::null(), replace: Ordering::Less }
    }

    /// Adds a row; NULLs do not count.
    #[inline]
    pub fn step(&mut self, call: &mut AggregateCall<'_>) {
        let Some(argument) = call.arguments.first() else { return };
        if argument.is_null() {
            call.new_extreme = self.best.is_null();
            return;
        }
        let better = self.best.is_null()
            || compare(&self.best, argument, call.context.collation, call.context.encoding) == self.replace;
        if better {
            self.best.copy_from(argument);
        }
        call.new_extreme = better;
    }

    /// The extreme so far, NULL of no rows.
    pub fn value(&self, out: &mut Register) {
        out.copy_from(&self.best);
    }
}
