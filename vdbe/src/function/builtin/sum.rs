//! `sum`, `total` and `avg`.
//!
//! Integers add exactly until one addition overflows or a real arrives; from then on the sum is a real with a running error term
//! (Kahan-Babuška-Neumaier), so that the order of magnitude of the rows does not matter much. Rows add in the order in which they
//! come; the batch loops use the same steps, since another order gives other digits.
//!
//! `sum` of integers alone that overflowed is an error; with a real among them it is not.

use crate::error::Error;
use crate::function::accumulator::AggregateCall;
use crate::function::call::{Numeric, numeric_of};
use crate::register::Register;
use crate::value::{Number, number};

/// Integers of this magnitude or more are added to the real sum in two parts, each of which is a double exactly.
const SPLIT_MIN: u64 = 1 << 52;
/// The low part of a split integer is its remainder by this.
const SPLIT: i64 = 1 << 14;

/// Which of the three it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SumKind {
    /// NULL of no rows; integer if all rows are.
    Sum,
    /// 0.0 of no rows; always real.
    Total,
    /// NULL of no rows; always real.
    Average,
}

/// A sum under way.
#[derive(Clone, Debug)]
pub struct Sum {
    real: f64,
    /// What `real` lacks for having been rounded.
    error: f64,
    integer: i64,
    count: i64,
    /// The sum is in `real` and `error`, not in `integer`.
    approximate: bool,
    /// Integers overflowed, and no real has come since.
    overflow: bool,
    kind: SumKind,
}

impl Sum {
    /// A sum of no rows.
    pub const fn new(kind: SumKind) -> Sum {
        Sum { real: 0.0, error: 0.0, integer: 0, count: 0, approximate: false, overflow: false, kind }
    }

    /// Adds a row.
    #[inline]
    pub fn step(&mut self, call: &AggregateCall<'_>) {
        let Some(argument) = call.arguments.first() else { return };
        match numeric_of(argument, call.context.encoding) {
            Numeric::Null => {}
            Numeric::Number(Number::Integer(integer)) => self.add_integer(integer),
            Numeric::Number(Number::Real(real)) => self.add_real(real),
            Numeric::Other => self.add_real(number::to_real(argument.value(), call.context.encoding)),
        }
    }

    /// Adds an integer.
    #[inline]
    pub fn add_integer(&mut self, integer: i64) {
        self.count += 1;
        if self.approximate {
            return self.compensate_integer(integer);
        }
        match self.integer.checked_add(integer) {
            Some(sum) => self.integer = sum,
            None => {
                self.overflow = true;
                self.approximate();
                self.compensate_integer(integer);
            }
        }
    }

    /// Adds a real.
    #[inline]
    pub fn add_real(&mut self, real: f64) {
        self.count += 1;
        if self.approximate {
            self.overflow = false;
        } else {
            self.approximate();
        }
        self.compensate(real);
    }

    /// Takes a row away.
    pub fn inverse(&mut self, call: &AggregateCall<'_>) {
        let Some(argument) = call.arguments.first() else { return };
        let numeric = numeric_of(argument, call.context.encoding);
        if numeric == Numeric::Null {
            return;
        }
        self.count -= 1;
        if !self.approximate {
            match self.integer.checked_sub(number::to_integer(argument.value(), call.context.encoding)) {
                Some(sum) => return self.integer = sum,
                None => {
                    self.overflow = true;
                    self.approximate();
                }
            }
        }
        match numeric {
            // The negative of the smallest integer is no integer.
            Numeric::Number(Number::Integer(i64::MIN)) => {
                self.compensate_integer(i64::MAX);
                self.compensate_integer(1);
            }
            Numeric::Number(Number::Integer(integer)) => self.compensate_integer(-integer),
            _ => self.compensate(-number::to_real(argument.value(), call.context.encoding)),
        }
    }

    /// The result so far.
    pub fn value(&self, out: &mut Register) -> Result<(), Error> {
        match self.kind {
            SumKind::Total => out.set_real(self.total()),
            _ if self.count <= 0 => out.set_null(),
            SumKind::Average => out.set_real(self.total() / self.count as f64),
            SumKind::Sum if self.overflow => return Err(Error::message("integer overflow")),
            SumKind::Sum if self.approximate => out.set_real(self.total()),
            SumKind::Sum => out.set_integer(self.integer),
        }
        Ok(())
    }

    fn total(&self) -> f64 {
        if !self.approximate {
            self.integer as f64
        } else if self.error.is_finite() {
            self.real + self.error
        } else {
            self.real
        }
    }

    /// Goes over from integer to real.
    #[cold]
    fn approximate(&mut self) {
        let (large, small) = split(self.integer);
        (self.real, self.error) = (large, small);
        self.approximate = true;
    }

    #[inline]
    fn compensate(&mut self, real: f64) {
        let sum = self.real + real;
        self.error +=
            if self.real.abs() > real.abs() { (self.real - sum) + real } else { (real - sum) + self.real };
        self.real = sum;
    }

    #[inline]
    fn compensate_integer(&mut self, integer: i64) {
        let (large, small) = split(integer);
        self.compensate(large);
        if integer.unsigned_abs() >= SPLIT_MIN {
            self.compensate(small);
        }
    }
}

/// An integer as two doubles that make it exactly.
#[inline]
fn split(integer: i64) -> (f64, f64) {
    if integer.unsigned_abs() < SPLIT_MIN {
        return (integer as f64, 0.0);
    }
    let small = integer % SPLIT;
    ((integer - small) as f64, small as f64)
}

#[cfg(test)]
mod tests {
    use kernite_btree::ValueRef;

    use super::*;

    fn sum(kind: SumKind, add: impl Fn(&mut Sum)) -> Result<ValueRef<'static>, String> {
        let mut sum = Sum::new(kind);
        add(&mut sum);
        let mut out = Register::null();
        sum.value(&mut out).map_err(|error| error.to_string())?;
        Ok(match out.value() {
            ValueRef::Integer(integer) => ValueRef::Integer(integer),
            ValueRef::Real(real) => ValueRef::Real(real),
            _ => ValueRef::Null,
        })
    }

    #[test]
    fn no_rows_are_null_or_zero() {
        assert_eq!(sum(SumKind::Sum, |_| ()), Ok(ValueRef::Null));
        assert_eq!(sum(SumKind::Average, |_| ()), Ok(ValueRef::Null));
        assert_eq!(sum(SumKind::Total, |_| ()), Ok(ValueRef::Real(0.0)));
    }

    #[test]
    fn integers_that_overflow_are_an_error_unless_a_real_follows() {
        let overflow = |sum: &mut Sum| {
            sum.add_integer(i64::MAX);
            sum.add_integer(1);
        };
        assert_eq!(sum(SumKind::Sum, overflow), Err("integer overflow".into()));
        assert_eq!(sum(SumKind::Total, overflow), Ok(ValueRef::Real(9223372036854775808.0)));
        let rescued = |sum: &mut Sum| {
            overflow(sum);
            sum.add_real(0.0);
        };
        assert_eq!(sum(SumKind::Sum, rescued), Ok(ValueRef::Real(9223372036854775808.0)));
    }

    #[test]
    fn small_terms_survive_large_ones() {
        let terms = |sum: &mut Sum| {
            for term in [1e100, 1.0, -1e100, 1.0] {
                sum.add_real(term);
            }
        };
        assert_eq!(sum(SumKind::Sum, terms), Ok(ValueRef::Real(2.0)));
    }
}
