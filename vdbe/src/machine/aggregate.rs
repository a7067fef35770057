//! Aggregates whose state is in a register.
//!
//! Never: groups (`groups`), what an aggregate computes ([`crate::function::Accumulator`]).

use crate::function::{
    Accumulator, AggregateCall, AggregateContext, FunctionBody, FunctionDef, FunctionFlags,
};
use crate::op::{FunctionId, Op, Reg};
use crate::program::Program;
use crate::register::{Payload, Register, Tag};
use crate::{Error, Step};

use super::call::{Where, user_error};
use super::slot::wrong_kind;
use super::{Context, at};

/// The accumulator of a register, made where there is none.
#[inline]
fn accumulator<'a>(register: &'a mut Register, def: &FunctionDef) -> Result<&'a mut Accumulator, Error> {
    if !matches!(register.payload, Payload::Accumulator(_)) {
        begin(register, def)?;
    }
    match &mut register.payload {
        Payload::Accumulator(accumulator) => Ok(accumulator),
        _ => Err(wrong_kind()),
    }
}

#[cold]
fn begin(register: &mut Register, def: &FunctionDef) -> Result<(), Error> {
    register.set_null();
    register.payload = Payload::Accumulator(Box::new(start(def)?));
    register.tag = Tag::Internal;
    Ok(())
}

/// A fresh state of an aggregate.
pub(super) fn start(def: &FunctionDef) -> Result<Accumulator, Error> {
    match &def.body {
        FunctionBody::Aggregate(make) => Ok(make()),
        FunctionBody::UserAggregate(user) => Ok(Accumulator::User(user.start())),
        _ => Err(wrong_kind()),
    }
}

/// Where an aggregate has to run.
fn place(def: &FunctionDef) -> Where {
    match &def.body {
        FunctionBody::UserAggregate(_) => Where::Outside,
        _ => Where::Here,
    }
}

/// What an aggregate sees of the machine.
pub(super) fn context<'a>(cx: &Context<'a>) -> Result<AggregateContext<'a>, Error> {
    let program: &'a Program = cx.program;
    Ok(AggregateContext {
        encoding: program.encoding,
        collation: &program.links.collation(cx.run.collation).ok_or_else(wrong_kind)?.collation,
        length_max: cx.run.length_max as usize,
    })
}

/// The register of an aggregate and those of its arguments, which lie apart.
#[inline(always)]
fn lend(
    registers: &mut [Register],
    acc: Reg,
    first: Reg,
    count: u16,
) -> Result<(&mut Register, &[Register]), Error> {
    let (acc, first, count) = (at(acc), at(first), usize::from(count));
    if acc < first {
        let (low, high) = registers.split_at_mut(first);
        return Ok((&mut low[acc], &high[..count]));
    }
    if acc < first + count {
        return Err(Error::Program { at: 0, what: "aggregate among its arguments" });
    }
    let (low, high) = registers.split_at_mut(acc);
    Ok((&mut high[0], &low[first..first + count]))
}

/// Adds a row, or takes one away.
#[inline(always)]
pub(super) fn step(
    cx: &mut Context<'_>,
    function: FunctionId,
    first: Reg,
    count: u16,
    acc: Reg,
    inverse: bool,
) -> Step<Where> {
    if !inverse && step_common(cx, first, count, acc) {
        return Ok(Some(Where::Here));
    }
    any_step(cx, function, first, count, acc, inverse)
}

/// The aggregates that most queries have, on the values that they mostly see; `false` where it is another case.
#[inline(always)]
fn step_common(cx: &mut Context<'_>, first: Reg, count: u16, acc: Reg) -> bool {
    if count > 1 {
        return false;
    }
    if count == 0 {
        if let Payload::Accumulator(state) = &mut cx.registers[at(acc)].payload
            && let Accumulator::Count(rows) = &mut **state
        {
            *rows += 1;
            return true;
        }
        return false;
    }
    let Some((value, register)) = super::value::pair(cx.registers, first, acc) else { return false };
    let Payload::Accumulator(state) = &mut register.payload else { return false };
    step_in_place(state, std::slice::from_ref(value))
}

/// Steps an accumulator where nothing but its argument matters; `false` where it is another case.
#[inline(always)]
pub(super) fn step_in_place(state: &mut Accumulator, arguments: &[Register]) -> bool {
    match (state, arguments) {
        (Accumulator::Count(rows), []) => *rows += 1,
        (Accumulator::Count(rows), [value]) => *rows += i64::from(!value.is_null()),
        (Accumulator::Sum(sum), [value]) if value.tag == Tag::Integer => sum.add_integer(value.number),
        (Accumulator::Sum(sum), [value]) if value.tag == Tag::Real => {
            sum.add_real(f64::from_bits(value.number as u64));
        }
        _ => return false,
    }
    true
}

#[inline(never)]
fn any_step(
    cx: &mut Context<'_>,
    function: FunctionId,
    first: Reg,
    count: u16,
    acc: Reg,
    inverse: bool,
) -> Step<Where> {
    let program = cx.program;
    let def = program.links.function(function).ok_or_else(wrong_kind)?;
    if place(def) == Where::Outside {
        return Ok(Some(Where::Outside));
    }
    let context = context(cx)?;
    let (register, arguments) = lend(cx.registers, acc, first, count)?;
    let mut call = AggregateCall { arguments, context, new_extreme: false };
    let state = accumulator(register, def)?;
    if inverse {
        state.inverse(&mut call)?;
    } else {
        state.step(&mut call)?;
    }
    let new_extreme = call.new_extreme;
    report_extreme(cx, def, new_extreme);
    Ok(Some(Where::Here))
}

/// Tells the program whether bare columns are to be taken from this row: the register of the CollSeq before gets 1 where they are not.
pub(super) fn report_extreme(cx: &mut Context<'_>, def: &FunctionDef, new_extreme: bool) {
    let flag = std::mem::take(&mut cx.run.extreme_flag);
    if flag.is_some() && def.flags.has(FunctionFlags::MIN_MAX) && !new_extreme {
        cx.registers[at(flag)].set_integer(1);
    }
}

/// Puts the result in place of the state.
pub(super) fn finish(cx: &mut Context<'_>, function: FunctionId, acc: Reg) -> Step<Where> {
    let program = cx.program;
    let def = program.links.function(function).ok_or_else(wrong_kind)?;
    if place(def) == Where::Outside {
        return Ok(Some(Where::Outside));
    }
    let context = context(cx)?;
    let register = &mut cx.registers[at(acc)];
    accumulator(register, def)?;
    let Payload::Accumulator(mut state) = std::mem::take(&mut register.payload) else {
        return Err(wrong_kind());
    };
    register.set_null();
    state.finish(register, &context)?;
    Ok(Some(Where::Here))
}

/// The result so far.
pub(super) fn value(cx: &mut Context<'_>, function: FunctionId, acc: Reg, out: Reg) -> Step<Where> {
    let program = cx.program;
    let def = program.links.function(function).ok_or_else(wrong_kind)?;
    if place(def) == Where::Outside {
        return Ok(Some(Where::Outside));
    }
    let context = context(cx)?;
    let mut register = std::mem::take(&mut cx.registers[at(acc)]);
    let outcome = accumulator(&mut register, def).and_then(|state| {
        let out = &mut cx.registers[at(out)];
        out.set_null();
        state.value(out, &context)
    });
    cx.registers[at(acc)] = register;
    outcome?;
    Ok(Some(Where::Here))
}

/// Runs an instruction on a user's aggregate.
pub(super) fn run_outside(program: &Program, registers: &mut [Register], op: &Op) -> Result<(), Error> {
    let encoding = program.encoding;
    let (Op::AggStep { function, acc, .. }
    | Op::AggFinal { function, acc, .. }
    | Op::AggValue { function, acc, .. }) = *op
    else {
        return Err(wrong_kind());
    };
    let def = program.links.function(function).ok_or_else(wrong_kind)?;
    let mut register = std::mem::take(&mut registers[at(acc)]);
    let Accumulator::User(state) = accumulator(&mut register, def)? else { return Err(wrong_kind()) };
    let mut keep = true;
    let outcome = match *op {
        Op::AggStep { first, count, inverse, .. } => {
            let arguments = &mut registers[at(first)..at(first) + usize::from(count)];
            if inverse { state.inverse(encoding, arguments) } else { state.step(encoding, arguments) }
        }
        Op::AggValue { out, .. } => {
            let out = &mut registers[at(out)];
            out.set_null();
            state.value(encoding, out)
        }
        _ => {
            keep = false;
            let out = &mut registers[at(acc)];
            out.set_null();
            state.finish(encoding, out)
        }
    };
    if keep {
        registers[at(acc)] = register;
    }
    outcome.map_err(user_error)
}
