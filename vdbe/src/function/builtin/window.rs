//! The functions that only make sense over a window.
//!
//! The window code generator gives each a frame of its own choosing, so that all of them are plain aggregates:
//!
//! ```text
//! row_number               ROWS    BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
//! rank, dense_rank         RANGE   BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
//! percent_rank             GROUPS  BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING
//! cume_dist                GROUPS  BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
//! ntile                    ROWS    BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING
//! last_value               as written
//! ```
//!
//! `first_value` and `nth_value` are computed here only where a frame excludes rows, `lag` and `lead` never: the program reads the
//! row itself.
//!
//! Spec: Window Functions, "Built-in Window Functions".

use crate::error::Error;
use crate::function::accumulator::{AggregateCall, AggregateContext, AggregateState};
use crate::function::call::{Numeric, numeric_of};
use crate::register::Register;
use crate::value::{Number, number};

/// A ranking function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RankKind {
    RowNumber,
    Rank,
    DenseRank,
    PercentRank,
    CumeDist,
}

/// Rows and groups counted by a ranking function.
#[derive(Debug)]
pub struct Rank {
    kind: RankKind,
    /// The rank that the next `value` shows.
    rank: i64,
    /// Rows that came, or, of the two that look ahead, rows that left.
    steps: i64,
    /// Rows of the partition (the two that look ahead).
    total: i64,
}

impl Rank {
    /// Before the first row of a partition.
    pub const fn new(kind: RankKind) -> Rank {
        Rank { kind, rank: 0, steps: 0, total: 0 }
    }
}

impl AggregateState for Rank {
    fn step(&mut self, _: &mut AggregateCall<'_>) -> Result<(), Error> {
        match self.kind {
            RankKind::RowNumber => self.rank += 1,
            RankKind::Rank => {
                self.steps += 1;
                if self.rank == 0 {
                    self.rank = self.steps;
                }
            }
            RankKind::DenseRank => self.steps = 1,
            RankKind::PercentRank | RankKind::CumeDist => self.total += 1,
        }
        Ok(())
    }

    fn inverse(&mut self, _: &mut AggregateCall<'_>) -> Result<(), Error> {
        self.steps += 1;
        Ok(())
    }

    fn value(&mut self, out: &mut Register, _: &AggregateContext<'_>) -> Result<(), Error> {
        match self.kind {
            RankKind::RowNumber => out.set_integer(self.rank),
            RankKind::Rank => {
                out.set_integer(self.rank);
                // The next group of peers takes its rank from the rows counted by then.
                self.rank = 0;
            }
            RankKind::DenseRank => {
                self.rank += std::mem::take(&mut self.steps);
                out.set_integer(self.rank);
            }
            RankKind::PercentRank if self.total > 1 => {
                out.set_real(self.steps as f64 / (self.total - 1) as f64)
            }
            RankKind::PercentRank => out.set_real(0.0),
            RankKind::CumeDist => out.set_real(self.steps as f64 / self.total as f64),
        }
        Ok(())
    }
}

/// `ntile(n)`.
#[derive(Debug, Default)]
pub struct Ntile {
    total: i64,
    tiles: i64,
    row: i64,
}

impl AggregateState for Ntile {
    fn step(&mut self, call: &mut AggregateCall<'_>) -> Result<(), Error> {
        if self.total == 0 {
            let tiles = call
                .arguments
                .first()
                .map(|argument| number::to_integer(argument.value(), call.context.encoding));
            self.tiles = tiles.unwrap_or(0);
            if self.tiles <= 0 {
                return Err(Error::message("argument of ntile must be a positive integer"));
            }
        }
        self.total += 1;
        Ok(())
    }

    fn inverse(&mut self, _: &mut AggregateCall<'_>) -> Result<(), Error> {
        self.row += 1;
        Ok(())
    }

    fn value(&mut self, out: &mut Register, _: &AggregateContext<'_>) -> Result<(), Error> {
        if self.tiles <= 0 {
            out.set_null();
            return Ok(());
        }
        let size = self.total / self.tiles;
        // The first `large` tiles have one row more than the rest.
        let large = self.total - self.tiles * size;
        let in_large = large * (size + 1);
        let tile = match size {
            0 => self.row,
            _ if self.row < in_large => self.row / (size + 1),
            _ => large + (self.row - in_large) / size,
        };
        out.set_integer(tile + 1);
        Ok(())
    }
}

/// `first_value(x)` and `nth_value(x, n)` over frames that exclude rows.
#[derive(Debug, Default)]
pub struct NthValue {
    first: bool,
    steps: i64,
    found: Option<Register>,
}

impl NthValue {
    /// `first_value`.
    pub const fn first() -> NthValue {
        NthValue { first: true, steps: 0, found: None }
    }
}

impl AggregateState for NthValue {
    fn step(&mut self, call: &mut AggregateCall<'_>) -> Result<(), Error> {
        let wanted = if self.first { 1 } else { position(call)? };
        self.steps += 1;
        if self.steps == wanted {
            let mut found = Register::null();
            if let Some(value) = call.arguments.first() {
                found.copy_from(value);
            }
            self.found = Some(found);
        }
        Ok(())
    }

    fn inverse(&mut self, _: &mut AggregateCall<'_>) -> Result<(), Error> {
        Ok(())
    }

    fn value(&mut self, out: &mut Register, _: &AggregateContext<'_>) -> Result<(), Error> {
        match &self.found {
            Some(found) => out.copy_from(found),
            None => out.set_null(),
        }
        Ok(())
    }
}

/// The second argument of nth_value.
fn position(call: &AggregateCall<'_>) -> Result<i64, Error> {
    let numeric =
        call.arguments.get(1).map_or(Numeric::Null, |argument| numeric_of(argument, call.context.encoding));
    let position = match numeric {
        Numeric::Number(Number::Integer(position)) => position,
        Numeric::Number(Number::Real(real)) if number::truncate(real) as f64 == real => {
            number::truncate(real)
        }
        _ => 0,
    };
    if position <= 0 {
        return Err(Error::message("second argument to nth_value must be a positive integer"));
    }
    Ok(position)
}

/// `last_value(x)`.
#[derive(Debug, Default)]
pub struct LastValue {
    last: Register,
    /// Rows in the frame.
    count: i64,
}

impl AggregateState for LastValue {
    fn step(&mut self, call: &mut AggregateCall<'_>) -> Result<(), Error> {
        if let Some(value) = call.arguments.first() {
            self.last.copy_from(value);
            self.count += 1;
        }
        Ok(())
    }

    fn inverse(&mut self, _: &mut AggregateCall<'_>) -> Result<(), Error> {
        self.count -= 1;
        if self.count == 0 {
            self.last.set_null();
        }
        Ok(())
    }

    fn value(&mut self, out: &mut Register, _: &AggregateContext<'_>) -> Result<(), Error> {
        out.copy_from(&self.last);
        Ok(())
    }
}

/// `lag` and `lead`, which the program computes itself.
#[derive(Debug)]
pub struct ByProgram;

impl AggregateState for ByProgram {
    fn step(&mut self, _: &mut AggregateCall<'_>) -> Result<(), Error> {
        Ok(())
    }

    fn inverse(&mut self, _: &mut AggregateCall<'_>) -> Result<(), Error> {
        Ok(())
    }

    fn value(&mut self, out: &mut Register, _: &AggregateContext<'_>) -> Result<(), Error> {
        out.set_null();
        Ok(())
    }
}
