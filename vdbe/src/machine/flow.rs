//! Flow beyond plain jumps: Once, parameters of subprograms, foreign-key counters, registers of the outermost frame.
//!
//! Never: the loop (`run`), frames (`frame`).

use crate::op::Reg;
use crate::{Error, value};

use super::{Context, at};

/// Whether the Once at `pc` is reached for the first time in this run of the frame.
pub(super) fn once(seen: &mut Vec<bool>, pc: usize, op_count: usize) -> bool {
    if seen.is_empty() {
        seen.resize(op_count, false);
    }
    match seen.get_mut(pc) {
        Some(seen) => !std::mem::replace(seen, true),
        None => true,
    }
}

/// `out` = argument `offset` of the subprogram.
pub(super) fn param(cx: &mut Context<'_>, offset: u32, out: Reg) -> Result<(), Error> {
    let argument = cx
        .callers
        .last()
        .and_then(|caller| caller.frame.registers.get(at(caller.args) + offset as usize))
        .ok_or(Error::Program { at: 0, what: "parameter outside a subprogram" })?;
    cx.registers[at(out)].copy_from(argument);
    Ok(())
}

/// `reg = max(reg, value)` in the outermost frame.
pub(super) fn mem_max(cx: &mut Context<'_>, reg: Reg, value: Reg) -> Result<(), Error> {
    let encoding = cx.program.encoding;
    let value = value::number::to_integer(cx.registers[at(value)].value(), encoding);
    let register = match cx.callers.first_mut() {
        Some(outermost) => outermost.frame.registers.get_mut(at(reg)),
        None => cx.registers.get_mut(at(reg)),
    };
    let register = register.ok_or(Error::Program { at: 0, what: "register" })?;
    let largest = value::number::to_integer(register.value(), encoding);
    register.set_integer(largest.max(value));
    Ok(())
}

/// Counts a foreign-key violation, or takes one back.
pub(super) fn fk_counter(cx: &mut Context<'_>, deferred: bool, amount: i32) {
    let amount = i64::from(amount);
    let state = cx.host.state_mut();
    if state.defer_foreign_keys {
        state.deferred_immediate += amount;
    } else if deferred {
        state.deferred += amount;
    } else {
        cx.run.foreign_key_violations += amount;
    }
}

/// Whether no violation is counted.
pub(super) fn fk_is_zero(cx: &Context<'_>, deferred: bool) -> bool {
    let state = cx.host.state();
    let counted = if deferred { state.deferred } else { cx.run.foreign_key_violations };
    counted == 0 && state.deferred_immediate == 0
}
