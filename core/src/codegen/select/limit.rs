//! LIMIT and OFFSET: counters in registers.

use kernite_vdbe::Addr;
use kernite_vdbe::op::Op;

use crate::bound::SelectId;
use crate::codegen::expr::code;
use crate::compile::{CompileResult, Compiler};
use crate::plan::log_est;

/// `SQLITE_MISMATCH`: what a LIMIT that is no integer fails with, by the machine.
const NO_JUMP: Addr = Addr(0);

/// Computes the counters of a SELECT, unless they are there. LIMIT 0 jumps to `end`.
pub fn compute_limits(c: &mut Compiler<'_>, select: SelectId, end: Addr) -> CompileResult<()> {
    let Some(limit) = c.bound[select].limit else { return Ok(()) };
    if c.codegen.select(select).limit.is_some() {
        return Ok(());
    }
    let counter = c.reg();
    c.codegen.select_mut(select).limit = counter;
    if let Some(value) = c.bound.small_integer(limit) {
        c.integer(value, counter);
        let state = c.codegen.select_mut(select);
        if value == 0 {
            c.goto(end);
        } else if value > 0 && state.row_estimate > log_est::from_integer(value as u64) {
            state.row_estimate = log_est::from_integer(value as u64);
            state.fixed_limit = true;
        }
    } else {
        code(c, limit, counter)?;
        c.emit(Op::MustBeInt { value: counter, to: NO_JUMP });
        c.may_abort();
        c.emit(Op::IfNot { value: counter, to: end, jump_if_null: false });
    }
    if let Some(offset) = c.bound[select].offset {
        let skipped = c.builder.alloc_regs(2);
        c.codegen.select_mut(select).offset = skipped;
        code(c, offset, skipped)?;
        c.emit(Op::MustBeInt { value: skipped, to: NO_JUMP });
        c.may_abort();
        c.emit(Op::OffsetLimit { limit: counter, offset: skipped, out: skipped.plus(1) });
    }
    Ok(())
}
