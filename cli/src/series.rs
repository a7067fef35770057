//! The table-valued function `generate_series(start, stop, step)`, which sqlite3's shell has and its library has not.
//!
//! Its numbers lie between two ends, a whole number of steps apart, and are given upwards or downwards: by the sign of the step, or as
//! ORDER BY asks. Comparisons of the column `value` draw the ends closer; the engine checks them again.
//!
//! Never: numbers beyond 64 bits; a step that would leave them ends the series.

use std::any::Any;
use std::sync::Arc;

use kernite::engine::vdbe::value::number::to_integer;
use kernite::engine::vdbe::vtab::{
    Connected, ConstraintOp, Context, IndexInfo, Module, Plan, Risk, Table, TableCursor, Usage,
};
use kernite::engine::vdbe::{Error, Register, Step};

const DECLARATION: &str = "CREATE TABLE x(value, start HIDDEN, stop HIDDEN, step HIDDEN)";
const VALUE: i32 = 0;
const START: i32 = 1;
/// The end of a series without one.
const STOP_DEFAULT: i64 = 0xffff_ffff;

/// What a plan's number says: an argument for each of start, stop, step, and of the bounds; the order.
const HAS_START: i32 = 1;
const HAS_LOWER: i32 = 8;
const HAS_UPPER: i32 = 16;
const UPWARDS: i32 = 32;
const DOWNWARDS: i32 = 64;

/// The module, and its only table.
#[derive(Clone, Copy, Debug)]
pub struct Series;

impl Module for Series {
    fn create(&self, arguments: &[&[u8]], context: &mut Context<'_>) -> Step<Connected> {
        self.connect(arguments, context)
    }

    fn connect(&self, _: &[&[u8]], _: &mut Context<'_>) -> Step<Connected> {
        Ok(Some(Connected {
            table: Arc::new(Series),
            declaration: DECLARATION.into(),
            risk: Risk::Innocuous,
            constraint_support: false,
        }))
    }

    fn is_eponymous(&self) -> bool {
        true
    }

    fn is_eponymous_only(&self) -> bool {
        true
    }
}

impl Table for Series {
    fn runs_inline(&self) -> bool {
        true
    }

    fn best_index(&self, info: &mut IndexInfo) -> Result<Plan, Error> {
        // Start, stop, step, lower bound, upper bound: the constraint that gives each.
        let mut given = [None; 5];
        let mut is_start_seen = false;
        for (at, constraint) in info.constraints.iter().enumerate() {
            let place = match (constraint.column, constraint.op) {
                (VALUE, ConstraintOp::GE | ConstraintOp::GT) => 3,
                (VALUE, ConstraintOp::LE | ConstraintOp::LT) => 4,
                (column @ START.., ConstraintOp::EQ) => (column - START) as usize,
                _ => continue,
            };
            is_start_seen |= constraint.column == START;
            if constraint.usable {
                given[place] = Some(at);
            } else if place < 3 {
                return Ok(Plan::Unusable);
            }
        }
        if !is_start_seen {
            return Err(Error::message("first argument to \"generate_series()\" missing or unusable"));
        }
        info.usage.resize(info.constraints.len(), Usage::default());
        let mut number = 0;
        let mut argument = 0;
        for (place, at) in given.into_iter().enumerate() {
            let Some(at) = at else { continue };
            argument += 1;
            number |= HAS_START << place;
            info.usage[at] = Usage { argument, omit: place < 3, all_at_once: false };
        }
        if let [(VALUE, is_descending)] = info.order_by[..] {
            number |= if is_descending { DOWNWARDS } else { UPWARDS };
            info.order_by_consumed = true;
        }
        info.index_number = number;
        // With both ends the series is cheap; without the second it is endless for all that the planner cares.
        let is_bounded = given[1].is_some();
        (info.estimated_cost, info.estimated_rows) =
            if is_bounded { (2.0, 1000) } else { (2_147_483_647.0, 2_147_483_647) };
        Ok(Plan::Usable)
    }

    fn open(&self) -> Result<Box<dyn TableCursor>, Error> {
        Ok(Box::new(Cursor::default()))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A scan.
#[derive(Debug, Default)]
struct Cursor {
    start: i64,
    stop: i64,
    step: i64,
    /// The number at hand; `None` behind the last.
    value: Option<i64>,
    /// The last number.
    last: i64,
    /// What leads from one number to the next.
    advance: i128,
}

/// The numbers of a series, from the lowest to the highest, `step` apart.
struct Span {
    low: i128,
    high: i128,
    step: i128,
}

impl Span {
    fn new(start: i64, stop: i64, step: i64) -> Span {
        let (start, stop, step) = (i128::from(start), i128::from(stop), i128::from(step));
        let length = if step > 0 { stop - start } else { start - stop };
        let end = start + length.div_euclid(step.abs()) * step;
        if step > 0 {
            Span { low: start, high: end, step }
        } else {
            Span { low: end, high: start, step: -step }
        }
    }

    /// Draws the lower end up to `bound`.
    fn raise(&mut self, bound: i128) {
        if bound > self.low {
            self.low += (bound - self.low + self.step - 1) / self.step * self.step;
        }
    }

    /// Draws the upper end down to `bound`.
    fn lower(&mut self, bound: i128) {
        if bound < self.high {
            self.high -= (self.high - bound + self.step - 1) / self.step * self.step;
        }
    }
}

/// A bound that leaves out no number which the comparison lets through; `None`: no number at all can be told from it.
fn bound(register: &Register, is_lower: bool) -> Option<i128> {
    use kernite::engine::btree::ValueRef;
    match register.value() {
        ValueRef::Integer(number) => Some(i128::from(number)),
        ValueRef::Real(number) => Some(if is_lower { number.floor() } else { number.ceil() } as i128),
        _ => None,
    }
}

impl TableCursor for Cursor {
    fn filter(
        &mut self,
        number: i32,
        _: Option<&[u8]>,
        arguments: &[Register],
        context: &mut Context<'_>,
    ) -> Step<()> {
        *self = Cursor { start: 0, stop: STOP_DEFAULT, step: 1, ..Cursor::default() };
        let is_given = |place: i32| number & (HAS_START << place) != 0;
        let mut arguments = arguments.iter();
        for (place, out) in [&mut self.start, &mut self.stop, &mut self.step].into_iter().enumerate() {
            let Some(argument) = is_given(place as i32).then(|| arguments.next()).flatten() else { continue };
            if argument.is_null() {
                return Ok(Some(()));
            }
            *out = to_integer(argument.value(), context.encoding);
        }
        if self.step == 0 {
            self.step = 1;
        }
        let mut span = Span::new(self.start, self.stop, self.step);
        for (flag, is_lower) in [(HAS_LOWER, true), (HAS_UPPER, false)] {
            let argument = (number & flag != 0).then(|| arguments.next()).flatten();
            match argument.and_then(|argument| bound(argument, is_lower)) {
                Some(bound) if is_lower => span.raise(bound),
                Some(bound) => span.lower(bound),
                None => {}
            }
        }
        if span.low > span.high {
            return Ok(Some(()));
        }
        let is_upwards = number & UPWARDS != 0 || self.step > 0 && number & DOWNWARDS == 0;
        let (first, last) = if is_upwards { (span.low, span.high) } else { (span.high, span.low) };
        self.advance = if is_upwards { span.step } else { -span.step };
        // Both lie between start and stop.
        self.value = i64::try_from(first).ok();
        self.last = i64::try_from(last).unwrap_or_default();
        Ok(Some(()))
    }

    fn next(&mut self, _: &mut Context<'_>) -> Step<()> {
        self.value = self
            .value
            .filter(|value| *value != self.last)
            .and_then(|value| i64::try_from(i128::from(value) + self.advance).ok());
        Ok(Some(()))
    }

    fn is_at_end(&self) -> bool {
        self.value.is_none()
    }

    fn column(&mut self, column: u16, _: bool, out: &mut Register, _: &mut Context<'_>) -> Step<bool> {
        out.set_integer(match column {
            0 => self.value.unwrap_or_default(),
            1 => self.start,
            2 => self.stop,
            _ => self.step,
        });
        Ok(Some(true))
    }

    fn rowid(&mut self, _: &mut Context<'_>) -> Step<i64> {
        Ok(Some(self.value.unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(sql: &str) -> Result<Vec<i64>, String> {
        let db = kernite::Connection::open_in_memory().unwrap();
        db.raw().register_module("generate_series", Arc::new(Series));
        let mut statement = db.prepare(sql).map_err(|error| error.to_string())?;
        let rows = statement.query_map([], |row| row.get(0)).map_err(|error| error.to_string())?;
        rows.collect::<kernite::Result<_>>().map_err(|error| error.to_string())
    }

    #[test]
    fn series_are_those_of_sqlites_shell() {
        // Taken from SQLite's shell 3.53.4 with library 3.54.1.
        let series = |rest: &str| rows(&format!("SELECT value FROM generate_series{rest}")).unwrap();
        assert_eq!(series("(1,5)"), [1, 2, 3, 4, 5]);
        assert_eq!(series("(10,1,-3)"), [10, 7, 4, 1]);
        assert_eq!(series("(1,10,0) LIMIT 3"), [1, 2, 3]);
        assert_eq!(series("(5,1)"), [0; 0]);
        assert_eq!(series("(1,10,-3)"), [0; 0]);
        assert_eq!(series("(NULL,3)"), [0; 0]);
        assert_eq!(series(" WHERE start=1 LIMIT 2"), [1, 2]);
        assert_eq!(series("(1,10,2) WHERE value BETWEEN 4 AND 8"), [5, 7]);
        assert_eq!(series("(1.5,3)"), [1, 2, 3]);
        assert_eq!(series("(1,5) LIMIT 2 OFFSET 1"), [2, 3]);
        assert_eq!(
            series("(9223372036854775805,9223372036854775807)"),
            [9223372036854775805, 9223372036854775806, 9223372036854775807]
        );
        assert_eq!(
            series("(-9223372036854775808,9223372036854775807,9223372036854775807)"),
            [i64::MIN, -1, 9223372036854775806]
        );
        assert_eq!(series("(1,10) WHERE value>5.5 ORDER BY value DESC LIMIT 2"), [10, 9]);
        assert_eq!(series("(10,1,-3) ORDER BY value"), [1, 4, 7, 10]);
        assert_eq!(rows("SELECT stop FROM generate_series(4294967294)").unwrap(), [4294967295; 2]);
        assert_eq!(rows("SELECT rowid FROM generate_series(10,1,-3)").unwrap(), [10, 7, 4, 1]);
    }

    #[test]
    fn a_series_without_a_start_is_refused() {
        let refused = Err("first argument to \"generate_series()\" missing or unusable".to_owned());
        assert_eq!(rows("SELECT value FROM generate_series"), refused);
        assert_eq!(rows("SELECT value FROM generate_series WHERE stop=3"), refused);
    }
}
