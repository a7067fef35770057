//! Conditions: jumps taken when an expression is true or false.
//!
//! `jump_if_null` decides what NULL does. Operators that have a jump of their own (comparisons, IS NULL, IN, BETWEEN, AND, OR, NOT) never
//! put their truth into a register.

use kernite_vdbe::op::Op;
use kernite_vdbe::{Addr, Reg};

use super::compare::{OnNull, code_compare};
use super::in_operator::code_in;
use super::{
    Temp, code_operands, code_target, code_temp, code_vector, column, release, right_first, to_register,
};
use crate::bound::{BinaryOp, ExprFlags, ExprId, ExprKind, UnaryOp};
use crate::compile::{CompileResult, Compiler};

/// Jumps when the expression is true.
pub fn jump_if_true(c: &mut Compiler<'_>, expr: ExprId, to: Addr, jump_if_null: bool) -> CompileResult<()> {
    crate::compile::deep(|| jump(c, expr, to, jump_if_null, true))
}

/// Jumps when the expression is false.
pub fn jump_if_false(c: &mut Compiler<'_>, expr: ExprId, to: Addr, jump_if_null: bool) -> CompileResult<()> {
    crate::compile::deep(|| jump(c, expr, to, jump_if_null, false))
}

/// Like [`jump_if_false`], on a copy, so that marks set on the nodes are gone afterwards.
pub fn jump_if_false_copy(
    c: &mut Compiler<'_>,
    expr: ExprId,
    to: Addr,
    jump_if_null: bool,
) -> CompileResult<()> {
    let expr = c.copy_expr(expr);
    jump_if_false(c, expr, to, jump_if_null)
}

fn jump(c: &mut Compiler<'_>, expr: ExprId, to: Addr, jump_if_null: bool, when: bool) -> CompileResult<()> {
    match c.bound[expr].kind {
        ExprKind::Binary { op: op @ (BinaryOp::And | BinaryOp::Or), left, right } => {
            let simpler = c.bound.simplified_and_or(expr);
            if simpler != expr {
                return jump(c, simpler, to, jump_if_null, when);
            }
            let (first, second) = if right_first(c, left, right) { (right, left) } else { (left, right) };
            // For OR a true operand decides, for AND a false one.
            let decides = op == BinaryOp::Or;
            if decides == when {
                jump_operand(c, first, to, jump_if_null, when)?;
                return jump_operand(c, second, to, jump_if_null, when);
            }
            let past = c.label();
            jump_operand(c, first, past, !jump_if_null, !when)?;
            jump_operand(c, second, to, jump_if_null, when)?;
            c.bind(past);
            Ok(())
        }
        ExprKind::Unary { op: UnaryOp::Not, operand } => jump_operand(c, operand, to, jump_if_null, !when),
        ExprKind::Unary { op: UnaryOp::Truth { is, value }, operand } => {
            // NULL is neither: `x IS TRUE` is false for it, `x IS NOT TRUE` true.
            let (direction, null_jumps) = (value == is, is != when);
            jump_operand(c, operand, to, null_jumps, direction == when)
        }
        ExprKind::Unary { op: op @ (UnaryOp::IsNull | UnaryOp::NotNull), operand } => {
            let temp = code_temp(c, operand)?;
            if temp.free.is_some() {
                only_type_matters(c, temp.reg);
            }
            let value = temp.reg;
            match (op == UnaryOp::IsNull) == when {
                true => c.emit(Op::IsNull { value, to }),
                false => c.emit(Op::NotNull { value, to }),
            };
            release(c, temp);
            Ok(())
        }
        ExprKind::Binary { op, left, right } if is_comparison(op) && !c.bound.is_vector(left) => {
            jump_comparison(c, expr, op, left, right, to, jump_if_null, when)
        }
        ExprKind::Between { negated, .. } => {
            let (and, operand) = expand_between(c, expr)?;
            jump_operand(c, and, to, jump_if_null, when != negated)?;
            release(c, operand);
            Ok(())
        }
        ExprKind::In { negated, .. } => {
            if when == negated {
                // Jump when it is not in the list.
                if jump_if_null {
                    return code_in(c, expr, to, to);
                }
                let null = c.label();
                code_in(c, expr, to, null)?;
                c.bind(null);
                return Ok(());
            }
            let if_false = c.label();
            code_in(c, expr, if_false, if jump_if_null { to } else { if_false })?;
            c.goto(to);
            c.bind(if_false);
            Ok(())
        }
        _ => {
            let node = &c.bound[expr];
            let known = if node.is_always_true() {
                Some(true)
            } else if node.is_always_false() {
                Some(false)
            } else {
                None
            };
            match known {
                Some(truth) if truth == when => {
                    c.goto(to);
                }
                Some(_) => {}
                None => {
                    let temp = code_temp(c, expr)?;
                    let value = temp.reg;
                    match when {
                        true => c.emit(Op::If { value, to, jump_if_null }),
                        false => c.emit(Op::IfNot { value, to, jump_if_null }),
                    };
                    release(c, temp);
                }
            }
            Ok(())
        }
    }
}

fn jump_operand(c: &mut Compiler<'_>, expr: ExprId, to: Addr, null: bool, when: bool) -> CompileResult<()> {
    crate::compile::deep(|| jump(c, expr, to, null, when))
}

/// Whether an operator compares.
pub fn is_comparison(op: BinaryOp) -> bool {
    matches!(
        op,
        BinaryOp::Eq
            | BinaryOp::Ne
            | BinaryOp::Lt
            | BinaryOp::Le
            | BinaryOp::Gt
            | BinaryOp::Ge
            | BinaryOp::Is
            | BinaryOp::IsNot
    )
}

fn negated(op: BinaryOp) -> BinaryOp {
    match op {
        BinaryOp::Eq => BinaryOp::Ne,
        BinaryOp::Ne => BinaryOp::Eq,
        BinaryOp::Lt => BinaryOp::Ge,
        BinaryOp::Le => BinaryOp::Gt,
        BinaryOp::Gt => BinaryOp::Le,
        BinaryOp::Ge => BinaryOp::Lt,
        BinaryOp::Is => BinaryOp::IsNot,
        BinaryOp::IsNot => BinaryOp::Is,
        other => other,
    }
}

#[allow(clippy::too_many_arguments)]
fn jump_comparison(
    c: &mut Compiler<'_>,
    expr: ExprId,
    op: BinaryOp,
    left: ExprId,
    right: ExprId,
    to: Addr,
    jump_if_null: bool,
    when: bool,
) -> CompileResult<()> {
    let op = if when { op } else { negated(op) };
    let equal = matches!(op, BinaryOp::Is | BinaryOp::IsNot);
    let flags = c.bound[expr].flags;
    let (left_value, right_value, is_null) = if flags.has(ExprFlags::HAS_SUBQUERY) && !equal {
        let operands = code_operands(c, left, right)?;
        (operands.left, operands.right, operands.is_null)
    } else {
        (code_temp(c, left)?, code_temp(c, right)?, None)
    };
    let on_null = OnNull { jump: jump_if_null && !equal, equal };
    let commuted = flags.has(ExprFlags::COMMUTED);
    code_compare(c, op, (left, left_value.reg), (right, right_value.reg), to, on_null, commuted)?;
    if let Some(at) = is_null {
        match jump_if_null {
            true => c.builder.set_jump(at, to),
            false => c.jump_here(at),
        }
    }
    release(c, left_value);
    release(c, right_value);
    Ok(())
}

/// Says of a column just read that only its type is looked at.
fn only_type_matters(c: &mut Compiler<'_>, reg: Reg) {
    let last = Addr(c.here().0.saturating_sub(1));
    if let Op::Column { out, hint, .. } = c.builder.op_mut(last)
        && *out == reg
    {
        *hint = column::HINT_TYPE;
    }
}

/// `x >= low AND x <= high`, with `x` in a register. Give the register back after use.
fn expand_between(c: &mut Compiler<'_>, expr: ExprId) -> CompileResult<(ExprId, Temp)> {
    let ExprKind::Between { operand, low, high, .. } = c.bound[expr].kind else {
        return Ok((expr, Temp { reg: Reg(0), free: Reg(0) }));
    };
    let operand = c.copy_expr(operand);
    let temp = code_vector(c, operand)?;
    to_register(c, operand, temp.reg);
    let above = c.bound.binary(BinaryOp::Ge, operand, low);
    let below = c.bound.binary(BinaryOp::Le, operand, high);
    let and = c.bound.binary(BinaryOp::And, above, below);
    Ok((and, temp))
}

/// The value of `x BETWEEN low AND high`.
pub fn code_between_value(
    c: &mut Compiler<'_>,
    expr: ExprId,
    negated: bool,
    target: Reg,
) -> CompileResult<Reg> {
    let (and, operand) = expand_between(c, expr)?;
    let reg = code_target(c, and, target)?;
    release(c, operand);
    if negated {
        c.emit(Op::Not { value: reg, out: target });
        return Ok(target);
    }
    Ok(reg)
}
