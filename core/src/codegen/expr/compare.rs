//! Comparisons: of two registers with a jump, of row values into a register.

use kernite_vdbe::op::{CollationId, CompareFlags, Op};
use kernite_vdbe::{Addr, Error, Reg};

use super::{Temp, code_subselect, code_temp, release};
use crate::bound::{BinaryOp, ExprFlags, ExprId, ExprKind};
use crate::compile::{CompileResult, Compiler};

/// What a comparison does with NULL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OnNull {
    /// Jump when an operand is NULL.
    pub jump: bool,
    /// NULL equals NULL (IS, IS NOT).
    pub equal: bool,
}

/// Emits `if left op right jump`. IS and IS NOT are Eq and Ne with `null_eq` set.
pub fn emit_compare(
    c: &mut Compiler<'_>,
    op: BinaryOp,
    left: Reg,
    right: Reg,
    to: Addr,
    flags: CompareFlags,
    collation: CollationId,
) -> Addr {
    let op = match op {
        BinaryOp::Eq | BinaryOp::Is => Op::Eq { left, right, to, flags, collation },
        BinaryOp::Ne | BinaryOp::IsNot => Op::Ne { left, right, to, flags, collation },
        BinaryOp::Lt => Op::Lt { left, right, to, flags, collation },
        BinaryOp::Le => Op::Le { left, right, to, flags, collation },
        BinaryOp::Gt => Op::Gt { left, right, to, flags, collation },
        _ => Op::Ge { left, right, to, flags, collation },
    };
    c.emit(op)
}

/// Emits the comparison of two expressions whose values are in registers, with the affinity and collation that they call for.
#[allow(clippy::too_many_arguments)]
pub fn code_compare(
    c: &mut Compiler<'_>,
    op: BinaryOp,
    left: (ExprId, Reg),
    right: (ExprId, Reg),
    to: Addr,
    on_null: OnNull,
    commuted: bool,
) -> CompileResult<Addr> {
    let collation = match commuted {
        true => c.link_binary_collation(right.0, left.0)?,
        false => c.link_binary_collation(left.0, right.0)?,
    };
    let affinity = c.bound.compare_affinity(left.0, c.bound.affinity(right.0));
    let flags = CompareFlags { affinity, jump_if_null: on_null.jump, null_eq: on_null.equal };
    Ok(emit_compare(c, op, left.1, right.1, to, flags, collation))
}

/// The fields of one side of a row-value comparison.
struct Side {
    expr: ExprId,
    /// First register, where the whole row value is in registers.
    base: Option<Reg>,
}

impl Side {
    fn start(c: &mut Compiler<'_>, expr: ExprId) -> CompileResult<Side> {
        let base = match c.bound[expr].kind {
            ExprKind::Register { reg, .. } => Some(reg),
            ExprKind::Subquery(_) => Some(code_subselect(c, expr)?),
            _ => None,
        };
        Ok(Side { expr, base })
    }

    /// Field `at`: the expression that gives its affinity and collation, and its value.
    fn field(&self, c: &mut Compiler<'_>, at: usize) -> CompileResult<(ExprId, Temp)> {
        let field = match c.bound.is_subquery(self.expr) {
            // A subquery hides the collation of its columns.
            true => c.bound.make(ExprKind::SubqueryColumn { subquery: self.expr, column: at as u16 }),
            false => c.bound.vector_field(self.expr, at),
        };
        match self.base {
            Some(base) => Ok((field, Temp { reg: base.plus(at as u32), free: Reg(0) })),
            None => Ok((field, code_temp(c, field)?)),
        }
    }
}

/// Compares two row values into `target`: 1, 0 or NULL. `op` is the operator; IS and IS NOT compare NULLs as equal.
pub fn code_vector_compare(
    c: &mut Compiler<'_>,
    expr: ExprId,
    op: BinaryOp,
    target: Reg,
) -> CompileResult<()> {
    let Some((left, right)) = c.bound.operands(expr) else { return Ok(()) };
    let size = c.bound.vector_size(left);
    if size != c.bound.vector_size(right) {
        return Err(Error::message("row value misused"));
    }
    let null_eq = matches!(op, BinaryOp::Is | BinaryOp::IsNot);
    let negated = matches!(op, BinaryOp::Ne | BinaryOp::IsNot);
    let commuted = c.bound[expr].flags.has(ExprFlags::COMMUTED);
    // Fields before the last are compared strictly: only equality there lets the next field decide.
    let mut field_op = match op {
        BinaryOp::Le => BinaryOp::Lt,
        BinaryOp::Ge => BinaryOp::Gt,
        BinaryOp::Ne | BinaryOp::Is | BinaryOp::IsNot => BinaryOp::Eq,
        other => other,
    };
    let done = c.label();
    let left = Side::start(c, left)?;
    let right = Side::start(c, right)?;
    c.integer(1, target);
    let on_null = OnNull { jump: false, equal: null_eq };
    let mut undecided: Option<Addr> = None;
    for at in 0..size {
        if let Some(jump) = undecided.take() {
            c.jump_here(jump);
        }
        let (left_expr, left_value) = left.field(c, at)?;
        let (right_expr, right_value) = right.field(c, at)?;
        let (l, r) = ((left_expr, left_value.reg), (right_expr, right_value.reg));
        undecided = Some(code_compare(c, field_op, l, r, done, on_null, commuted)?);
        release(c, left_value);
        release(c, right_value);
        let is_last = at + 1 == size;
        if matches!(field_op, BinaryOp::Lt | BinaryOp::Gt) && !is_last {
            undecided = Some(c.emit(Op::ElseEq { to: Addr(0) }));
        }
        if null_eq {
            c.integer(0, target);
        } else {
            c.emit(Op::ZeroOrNull { left: left_value.reg, right: right_value.reg, out: target });
        }
        if is_last {
            break;
        }
        if field_op == BinaryOp::Eq {
            c.emit(Op::NotNull { value: target, to: done });
        } else {
            c.goto(done);
            if at + 2 == size {
                field_op = op;
            }
        }
    }
    if let Some(jump) = undecided {
        c.jump_here(jump);
    }
    c.bind(done);
    if negated {
        c.emit(Op::Not { value: target, out: target });
    }
    Ok(())
}
