//! Calling functions: built-in ones at once, the user's with the connection released.
//!
//! ```text
//! in step()   built in: runs here                user's: Exit::Call, the counter stays
//! in call()                                      runs the instruction at the counter, goes past it
//! ```
//!
//! Never: storage, in the second half.

use kernite_io::ready;

use crate::function::{AuxData, Call, FunctionBody, Purity, UserCall, UserError};
use crate::op::{FunctionId, Op, Reg};
use crate::register::{Register, Tag};
use crate::vtab::Sql;
use crate::{Error, Step};

use super::slot::wrong_kind;
use super::{Context, Machine, aggregate, at, virtual_table};

/// Whether an instruction is done here, or has to be run outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Where {
    Here,
    Outside,
}

/// Where a call stands.
pub(super) fn purity(place: u8) -> Purity {
    match place {
        1 => Purity::CheckConstraint,
        2 => Purity::GeneratedColumn,
        3 => Purity::Index,
        _ => Purity::Any,
    }
}

/// Calls a scalar function.
#[allow(clippy::too_many_arguments)]
pub(super) fn function(
    cx: &mut Context<'_>,
    function: FunctionId,
    first: Reg,
    count: u16,
    out: Reg,
    constant_mask: u32,
    pc: usize,
    purity: Purity,
) -> Step<Where> {
    if constant_mask & 1 != 0
        && let Some(matched) = matches_kept(cx, first, count, pc)
    {
        cx.registers[at(out)].set_integer(i64::from(matched));
        return Ok(Some(Where::Here));
    }
    let program = cx.program;
    let def = program.links.function(function).ok_or_else(wrong_kind)?;
    let FunctionBody::Scalar(body) = &def.body else {
        return match &def.body {
            FunctionBody::UserScalar(_) => Ok(Some(Where::Outside)),
            _ => Err(Error::Program { at: pc as u32, what: "aggregate called as a scalar function" }),
        };
    };
    let collation = &program.links.collation(cx.run.collation).ok_or_else(wrong_kind)?.collation;
    let mut none;
    let auxdata = if constant_mask == 0 {
        none = AuxData::default();
        &mut none
    } else {
        cx.auxdata.at(pc as u32)
    };
    // The result goes right to its register, or by way of another one where that is among the arguments.
    let (out, first, count) = (at(out), at(first), usize::from(count));
    let mut aside = None;
    let (result, arguments) = if out < first {
        let (low, high) = cx.registers.split_at_mut(first);
        (&mut low[out], &high[..count])
    } else if out >= first + count {
        let (low, high) = cx.registers.split_at_mut(out);
        (&mut high[0], &low[first..first + count])
    } else {
        (aside.insert(Register::null()), &cx.registers[first..first + count])
    };
    result.set_null();
    let mut call = Call {
        function: def,
        arguments,
        result,
        encoding: program.encoding,
        collation,
        auxdata,
        constant_mask,
        host: &mut *cx.host,
        length_max: cx.run.length_max as usize,
        purity,
    };
    ready!(body(&mut call));
    if let Some(aside) = aside {
        cx.registers[out] = aside;
    }
    Ok(Some(Where::Here))
}

/// LIKE and GLOB from the second row on: the pattern is constant, and compiled.
#[inline(always)]
fn matches_kept(cx: &Context<'_>, first: Reg, count: u16, pc: usize) -> Option<bool> {
    let [_, text, ..] = cx.registers.get(at(first)..at(first) + usize::from(count))? else { return None };
    if text.tag != Tag::Text || cx.program.encoding.is_utf16() {
        return None;
    }
    Some(cx.auxdata.pattern(pc as u32)?.matches(text.bytes()))
}

/// A user's error as ours.
pub(super) fn user_error(error: UserError) -> Error {
    Error::with_code(error.code, error.message)
}

/// Runs the instruction at the counter, which asked to be run with the connection released.
pub(super) fn run_outside(machine: &mut Machine, sql: &mut dyn Sql) -> Step<()> {
    let frame = &mut machine.frame;
    let program = std::sync::Arc::clone(&frame.program);
    let Some(op) = program.ops.get(frame.pc) else { return Err(wrong_kind()) };
    match *op {
        Op::Function { function, first, count, out, constant_mask }
        | Op::PureFunc { function, first, count, out, constant_mask, .. } => {
            let def = program.links.function(function).ok_or_else(wrong_kind)?;
            let FunctionBody::UserScalar(user) = &def.body else { return Err(wrong_kind()) };
            let mut result = std::mem::take(&mut machine.run.result);
            result.set_null();
            let mut call = UserCall {
                encoding: program.encoding,
                auxdata: frame.auxdata.at(frame.pc as u32),
                constant_mask,
            };
            let arguments = &mut frame.registers[at(first)..at(first) + usize::from(count)];
            let outcome = user.call(&mut call, arguments, &mut result);
            std::mem::swap(&mut frame.registers[at(out)], &mut result);
            machine.run.result = result;
            outcome.map_err(user_error)?;
            frame.pc += 1;
        }
        Op::AggStep { .. } | Op::AggFinal { .. } | Op::AggValue { .. } => {
            aggregate::run_outside(&program, &mut frame.registers, op)?;
            frame.pc += 1;
        }
        _ => {
            let mut vx = virtual_table::Outside {
                program: &program,
                registers: &mut frame.registers,
                cursors: &mut frame.cursors,
                table: machine.run.table.clone(),
                sql: Some(sql),
            };
            let next = ready!(virtual_table::run(&mut vx, op, frame.pc));
            if let Some((error, on_conflict)) = next.failure {
                machine.run.failure = Some((error, on_conflict));
                return Ok(Some(()));
            }
            machine.run.changes += i64::from(next.changed);
            frame.pc = next.pc;
        }
    }
    Ok(Some(()))
}
