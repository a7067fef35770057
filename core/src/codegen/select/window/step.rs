//! The functions of a window: starting them, adding and taking away a row, reading their values.
//!
//! Most are aggregates that can also step back. `min()` and `max()` cannot: where the start of the frame moves, their values lie in an
//! ephemeral index, whose last entry is the answer. `first_value` and `nth_value` count rows, `lead` and `lag` do not look at the frame.

use kernite_vdbe::function::FunctionFlags;
use kernite_vdbe::op::{
    AffinityId, CollationId, CompareFlags, ConstId, Cursor, HaltCode, OnConflict, Op, WriteFlags,
};
use kernite_vdbe::{Addr, Reg};

use super::{Call, Treatment, Windowed};
use crate::codegen::column;
use crate::codegen::expr::{ListFlags, code_exprs};
use crate::compile::{CompileResult, Compiler};

/// What a number given for a frame, or for `nth_value`, has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// A non-negative integer: ROWS and GROUPS.
    Count { end: bool },
    /// A non-negative number: RANGE.
    Distance { end: bool },
    /// A positive integer.
    Nth,
}

pub(super) fn plain() -> CompareFlags {
    CompareFlags { affinity: 0, jump_if_null: false, null_eq: false }
}

fn read(c: &mut Compiler<'_>, cursor: Cursor, column: u16, out: Reg) {
    c.emit(Op::Column { cursor, column, out, default: ConstId(0), hint: column::HINT_NONE });
}

/// Checks a number in `value`; what does not fit ends the statement.
pub(super) fn check(c: &mut Compiler<'_>, value: Reg, wanted: Wanted) {
    let zero = c.builder.temp_reg();
    c.integer(0, zero);
    let numeric = CompareFlags { affinity: b'C', jump_if_null: false, null_eq: false };
    let (bad, good) = (c.label(), c.label());
    if let Wanted::Distance { .. } = wanted {
        // All texts and blobs are at least the empty text.
        let empty = c.builder.temp_reg();
        let text = c.builder.text("");
        c.emit(Op::Const { value: text, out: empty });
        let flags = CompareFlags { jump_if_null: true, ..numeric };
        c.emit(Op::Ge { left: value, right: empty, to: bad, flags, collation: CollationId(0) });
        c.builder.release_temp(empty);
    } else {
        c.emit(Op::MustBeInt { value, to: bad });
    }
    let collation = CollationId(0);
    match wanted {
        Wanted::Nth => c.emit(Op::Gt { left: value, right: zero, to: good, flags: numeric, collation }),
        _ => c.emit(Op::Ge { left: value, right: zero, to: good, flags: numeric, collation }),
    };
    c.bind(bad);
    let text = match wanted {
        Wanted::Count { end: false } => "frame starting offset must be a non-negative integer",
        Wanted::Count { end: true } => "frame ending offset must be a non-negative integer",
        Wanted::Distance { end: false } => "frame starting offset must be a non-negative number",
        Wanted::Distance { end: true } => "frame ending offset must be a non-negative number",
        Wanted::Nth => "second argument to nth_value must be a positive integer",
    };
    c.halt_constraint(HaltCode::Error, OnConflict::Abort, Some(text.as_bytes()));
    c.bind(good);
    c.builder.release_temp(zero);
}

impl Windowed {
    /// Starts all functions at the first row of a partition; where arguments are read to.
    pub(super) fn start(&self, c: &mut Compiler<'_>) -> Reg {
        for call in &self.calls {
            c.nulls(call.accumulator, 1);
            match call.treatment {
                Treatment::Lookup { .. } => {
                    c.integer(0, call.own);
                    c.integer(0, call.own.plus(1));
                }
                Treatment::Extreme => {
                    c.emit(Op::ResetSorter { cursor: call.cursor });
                    c.integer(0, call.own.plus(1));
                }
                Treatment::Aggregate | Treatment::Neighbour { .. } => {}
            }
        }
        match self.arguments_max() {
            0 => Reg(0),
            count => c.builder.alloc_regs(count),
        }
    }

    /// Adds the row under `cursor` to all functions, or takes it away.
    pub(super) fn step(
        &self,
        c: &mut Compiler<'_>,
        cursor: Cursor,
        inverse: bool,
        arguments: Reg,
    ) -> CompileResult<()> {
        for call in &self.calls {
            for at in 0..call.count {
                // Which row is wanted is said by the present row, not by that of the frame.
                let by_present = at == 1 && call.treatment == Treatment::Lookup { nth: true };
                let from = if by_present { self.buffer } else { cursor };
                read(c, from, call.column + at, arguments.plus(u32::from(at)));
            }
            let skip = c.label();
            if call.filter {
                let filter = c.builder.temp_reg();
                read(c, cursor, call.column + call.count, filter);
                c.emit(Op::IfNot { value: filter, to: skip, jump_if_null: true });
                c.builder.release_temp(filter);
            }
            match call.treatment {
                Treatment::Extreme => step_extreme(c, call, inverse, arguments),
                Treatment::Lookup { .. } => {
                    c.emit(Op::AddImm { value: call.own.plus(u32::from(!inverse)), amount: 1 });
                }
                Treatment::Neighbour { .. } => {}
                Treatment::Aggregate => self.step_aggregate(c, call, cursor, inverse, arguments)?,
            }
            c.bind(skip);
        }
        Ok(())
    }

    fn step_aggregate(
        &self,
        c: &mut Compiler<'_>,
        call: &Call,
        cursor: Cursor,
        inverse: bool,
        arguments: Reg,
    ) -> CompileResult<()> {
        let (mut first, mut count) = (arguments, call.count);
        if let Some(exprs) = &call.arguments {
            count = exprs.len() as u16;
            first = c.builder.temp_range(u32::from(count));
            let begin = c.here();
            code_exprs(c, exprs, first, ListFlags::default())?;
            for at in begin.0..c.here().0 {
                if let Op::Column { cursor: of, .. } = c.builder.op_mut(Addr(at))
                    && *of == self.buffer
                {
                    *of = cursor;
                }
            }
        }
        if call.function.flags.has(FunctionFlags::NEEDS_COLLATION) {
            c.emit(Op::CollSeq { collation: call.collation, flag: Reg(0) });
        }
        let function = c.builder.function(std::sync::Arc::clone(&call.function));
        c.emit(Op::AggStep { function, first, count, acc: call.accumulator, inverse });
        if call.arguments.is_some() {
            c.builder.release_temp_range(first, u32::from(count));
        }
        Ok(())
    }

    /// Brings the functions' values into their registers. `done`: the accumulators are not needed any more.
    pub(super) fn values(&self, c: &mut Compiler<'_>, done: bool) {
        for call in &self.calls {
            match call.treatment {
                Treatment::Extreme => {
                    c.nulls(call.result, 1);
                    let empty = c.label();
                    c.emit(Op::Last { cursor: call.cursor, empty });
                    read(c, call.cursor, 0, call.result);
                    c.bind(empty);
                }
                Treatment::Lookup { .. } => {}
                Treatment::Aggregate | Treatment::Neighbour { .. } => {
                    let function = c.builder.function(std::sync::Arc::clone(&call.function));
                    let count = call.arguments.as_ref().map_or(call.count, |list| list.len() as u16);
                    let (acc, out) = (call.accumulator, call.result);
                    if done {
                        c.emit(Op::AggFinal { function, acc, count });
                        c.emit(Op::Copy { from: acc, to: out, count: 1 });
                        c.nulls(acc, 1);
                    } else {
                        c.emit(Op::AggValue { function, acc, out, count });
                    }
                }
            }
        }
    }

    /// Looks up the values that are other rows'.
    pub(super) fn look_up(&self, c: &mut Compiler<'_>) {
        for call in &self.calls {
            match call.treatment {
                Treatment::Lookup { nth } => self.nth(c, call, nth),
                Treatment::Neighbour { lead } => self.neighbour(c, call, lead),
                Treatment::Aggregate | Treatment::Extreme => {}
            }
        }
    }

    /// The row of the frame by number. The two registers have the rows that left the frame and those that came into it.
    fn nth(&self, c: &mut Compiler<'_>, call: &Call, nth: bool) {
        let missing = c.label();
        let number = c.builder.temp_reg();
        c.nulls(call.result, 1);
        if nth {
            read(c, self.buffer, call.column + 1, number);
            check(c, number, Wanted::Nth);
        } else {
            c.integer(1, number);
        }
        c.emit(Op::Add { left: number, right: call.own, out: number });
        let (right, flags) = (call.own.plus(1), plain());
        c.emit(Op::Gt { left: number, right, to: missing, flags, collation: CollationId(0) });
        c.emit(Op::SeekRowid { cursor: call.cursor, key: number, miss: missing });
        read(c, call.cursor, call.column, call.result);
        c.bind(missing);
        c.builder.release_temp(number);
    }

    fn neighbour(&self, c: &mut Compiler<'_>, call: &Call, lead: bool) {
        let missing = c.label();
        let rowid = c.builder.temp_reg();
        if call.count < 3 {
            c.nulls(call.result, 1);
        } else {
            read(c, self.buffer, call.column + 2, call.result);
        }
        c.emit(Op::Rowid { cursor: self.buffer, out: rowid });
        if call.count < 2 {
            c.emit(Op::AddImm { value: rowid, amount: if lead { 1 } else { -1 } });
        } else {
            let distance = c.builder.temp_reg();
            read(c, self.buffer, call.column + 1, distance);
            match lead {
                true => c.emit(Op::Add { left: rowid, right: distance, out: rowid }),
                false => c.emit(Op::Subtract { left: rowid, right: distance, out: rowid }),
            };
            c.builder.release_temp(distance);
        }
        c.emit(Op::SeekRowid { cursor: call.cursor, key: rowid, miss: missing });
        read(c, call.cursor, call.column, call.result);
        c.bind(missing);
        c.builder.release_temp(rowid);
    }
}

/// The values lie sorted, each with a number that makes it unique.
fn step_extreme(c: &mut Compiler<'_>, call: &Call, inverse: bool, value: Reg) {
    let null = c.label();
    c.emit(Op::IsNull { value, to: null });
    if inverse {
        let gone = c.label();
        c.emit(Op::SeekGE { cursor: call.cursor, key: value, count: 1, miss: gone, equal_only: false });
        c.emit(Op::Delete { cursor: call.cursor, table: Default::default(), flags: WriteFlags::default() });
        c.bind(gone);
    } else {
        let (first, record) = (call.own, call.own.plus(2));
        c.emit(Op::AddImm { value: first.plus(1), amount: 1 });
        c.emit(Op::SCopy { from: value, to: first });
        c.emit(Op::MakeRecord { first, count: 2, out: record, affinities: AffinityId(0) });
        let flags = WriteFlags::default();
        c.emit(Op::IdxInsert { cursor: call.cursor, record, first: Reg(0), count: 0, flags });
    }
    c.bind(null);
}
