//! Scalar subqueries, row-value subqueries and EXISTS.
//!
//! Each is coded once, as a subroutine that the first use falls into and later ones call. A subquery that depends on no outer row runs
//! once in a statement: it stands behind a Once.

use kernite_vdbe::op::{Cursor, Op};
use kernite_vdbe::{Error, Reg};

use super::function::can_return_subtype;
use crate::bound::{AFFINITY_NUMERIC, BinaryOp, ExprId, ExprKind, SelectId};
use crate::codegen::select::{self, Destination, DestinationKind};
use crate::codegen::state::Subroutine;
use crate::compile::{CompileResult, Compiler};

/// Codes a subquery or EXISTS; the first register of its result.
pub fn code_subselect(c: &mut Compiler<'_>, expr: ExprId) -> CompileResult<Reg> {
    let (select, is_exists) = match c.bound[expr].kind {
        ExprKind::Subquery(select) => (select, false),
        ExprKind::Exists(select) => (select, true),
        _ => return Err(Error::message("row value misused")),
    };
    let number = c.bound[select].id;
    if let Some(&known) = c.codegen.subroutines.get(&expr) {
        c.explain(|_| format!("REUSE SUBQUERY {number}"));
        c.emit(Op::Gosub { ret: known.return_reg, to: known.entry });
        return Ok(known.result);
    }
    let return_reg = c.reg();
    c.nulls(return_reg, 1);
    let entry = c.here();
    let correlated = c.bound.is_correlated(expr);
    let once = c.label();
    if !correlated {
        c.emit(Op::Once { to: once });
    }
    c.explain_push(|_| format!("{}SCALAR SUBQUERY {number}", if correlated { "CORRELATED " } else { "" }));
    let columns = if is_exists { 1 } else { c.bound[select].columns.len() as u32 };
    let result = c.builder.alloc_regs(columns);
    let mut destination = if is_exists {
        c.integer(0, result);
        Destination::new(DestinationKind::Exists(result))
    } else {
        let core = &c.bound[select];
        let mut destination = Destination::new(DestinationKind::Memory(result));
        // DISTINCT with OFFSET computes rows that are not the result: they need registers of their own.
        let apart = core.flags.distinct && core.limit.is_some() && core.offset.is_some();
        destination.first = if apart { c.builder.alloc_regs(columns) } else { result };
        destination.count = columns;
        let total = c.builder.register_count() - result.0 + 1;
        c.nulls(result, total);
        destination
    };
    limit_to_one(c, select);
    c.codegen.select_mut(select).limit = Reg(0);
    let subroutine = Subroutine { entry, return_reg, result, cursor: Cursor(0), bloom: Reg(0) };
    c.codegen.subroutines.insert(expr, subroutine);
    select::code(c, select, &mut destination)?;
    let result = match destination.kind {
        DestinationKind::Memory(reg) => reg,
        _ => result,
    };
    c.codegen.subroutines.insert(expr, Subroutine { result, ..subroutine });
    c.bind(once);
    if !is_exists && can_return_subtype(c, c.bound[select].columns[0].expr) {
        c.emit(Op::ClrSubtype { value: result });
    }
    c.emit(Op::Return { ret: return_reg, or_fall_through: true });
    c.builder.clear_temps();
    Ok(result)
}

/// One row is enough: LIMIT becomes 1, or, where there is one that is not known, whether it is not 0.
fn limit_to_one(c: &mut Compiler<'_>, select: SelectId) {
    let Some(limit) = c.bound[select].limit else {
        let one = c.bound.expr(ExprKind::Integer(1));
        c.bound[select].limit = Some(one);
        return;
    };
    if matches!(c.bound[limit].kind, ExprKind::Integer(0 | 1)) {
        return;
    }
    let zero = c.bound.expr(ExprKind::Integer(0));
    let zero = c.bound.make(ExprKind::Cast { operand: zero, affinity: AFFINITY_NUMERIC });
    let limit = c.copy_expr(limit);
    let not_zero = c.bound.binary(BinaryOp::Ne, limit, zero);
    c.bound[select].limit = Some(not_zero);
}

/// One column of a row-value subquery. The subquery runs for the first column that is asked for.
pub fn code_column(c: &mut Compiler<'_>, subquery: ExprId, column: u16) -> CompileResult<Reg> {
    if let ExprKind::Register { reg, .. } = c.bound[subquery].kind {
        return Ok(reg.plus(u32::from(column)));
    }
    let depth = c.codegen.right_join_depth;
    let fresh = c.codegen.row_subqueries.get(&subquery).is_some_and(|&at| depth <= at);
    let result = match c.codegen.subroutines.get(&subquery) {
        Some(known) if fresh => known.result,
        _ => {
            let result = code_subselect(c, subquery)?;
            c.codegen.row_subqueries.insert(subquery, depth);
            result
        }
    };
    Ok(result.plus(u32::from(column)))
}
