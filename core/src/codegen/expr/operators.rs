//! Operators other than jumps: arithmetic, logic, CASE, RAISE.

use kernite_btree::ValueRef;
use kernite_vdbe::op::{ConstId, HaltCode, OnConflict, Op};
use kernite_vdbe::{Addr, Error, Reg};

use super::compare::{OnNull, code_compare, code_vector_compare};
use super::condition::is_comparison;
use super::{
    code, code_integer, code_operands, code_target, code_temp, code_vector, jump_if_false, release,
    right_first, to_register,
};
use crate::bound::{BinaryOp, ExprFlags, ExprId, ExprKind, UnaryOp};
use crate::compile::{CompileResult, Compiler};

/// A unary operator's value.
pub fn code_unary(
    c: &mut Compiler<'_>,
    _expr: ExprId,
    op: UnaryOp,
    operand: ExprId,
    target: Reg,
) -> CompileResult<Reg> {
    match op {
        UnaryOp::Plus => return code_target(c, operand, target),
        UnaryOp::Minus => code_minus(c, operand, target)?,
        UnaryOp::Not | UnaryOp::BitNot | UnaryOp::Truth { .. } => {
            let temp = code_temp(c, operand)?;
            let value = temp.reg;
            c.emit(match op {
                UnaryOp::Not => Op::Not { value, out: target },
                UnaryOp::BitNot => Op::BitNot { value, out: target },
                UnaryOp::Truth { is, value: truth } => {
                    Op::IsTrue { value, out: target, null_gives: !truth, negate: truth != is }
                }
                _ => Op::Noop,
            });
            release(c, temp);
        }
        UnaryOp::IsNull | UnaryOp::NotNull => {
            c.integer(1, target);
            let temp = code_temp(c, operand)?;
            let (value, done) = (temp.reg, c.label());
            match op {
                UnaryOp::IsNull => c.emit(Op::IsNull { value, to: done }),
                _ => c.emit(Op::NotNull { value, to: done }),
            };
            c.integer(0, target);
            c.bind(done);
            release(c, temp);
        }
    }
    Ok(target)
}

fn code_minus(c: &mut Compiler<'_>, operand: ExprId, target: Reg) -> CompileResult<()> {
    match c.bound[operand].kind {
        ExprKind::Integer(value) if !c.bound[operand].flags.has(ExprFlags::BOOLEAN_LITERAL) => {
            match value.checked_neg() {
                Some(value) => code_integer(c, value, target),
                None => {
                    let value = c.builder.constant(ValueRef::Real(-(value as f64)));
                    c.emit(Op::Const { value, out: target });
                }
            }
        }
        ExprKind::Real(value) => {
            let value = c.builder.constant(ValueRef::Real(-value));
            c.emit(Op::Const { value, out: target });
        }
        _ => {
            let zero = c.bound.expr(ExprKind::Integer(0));
            let left = code_temp(c, zero)?;
            let right = code_temp(c, operand)?;
            c.emit(Op::Subtract { left: left.reg, right: right.reg, out: target });
            release(c, left);
            release(c, right);
        }
    }
    Ok(())
}

/// A binary operator's value.
pub fn code_binary(
    c: &mut Compiler<'_>,
    expr: ExprId,
    op: BinaryOp,
    left: ExprId,
    right: ExprId,
    target: Reg,
) -> CompileResult<Reg> {
    match op {
        BinaryOp::And | BinaryOp::Or => return code_and_or(c, expr, op, left, right, target),
        _ if is_comparison(op) => {
            if c.bound.is_vector(left) {
                code_vector_compare(c, expr, op, target)?;
            } else {
                code_comparison(c, expr, op, left, right, target)?;
            }
        }
        _ => code_arithmetic(c, expr, op, left, right, target)?,
    }
    Ok(target)
}

fn code_comparison(
    c: &mut Compiler<'_>,
    expr: ExprId,
    op: BinaryOp,
    left: ExprId,
    right: ExprId,
    target: Reg,
) -> CompileResult<()> {
    let flags = c.bound[expr].flags;
    let equal = matches!(op, BinaryOp::Is | BinaryOp::IsNot);
    let (left_value, right_value, is_null) = if flags.has(ExprFlags::HAS_SUBQUERY) && !equal {
        let operands = code_operands(c, left, right)?;
        (operands.left, operands.right, operands.is_null)
    } else {
        (code_temp(c, left)?, code_temp(c, right)?, None)
    };
    c.integer(1, target);
    let past = c.label();
    let on_null = OnNull { jump: false, equal };
    let commuted = flags.has(ExprFlags::COMMUTED);
    code_compare(c, op, (left, left_value.reg), (right, right_value.reg), past, on_null, commuted)?;
    if equal {
        c.integer(0, target);
    } else {
        c.emit(Op::ZeroOrNull { left: left_value.reg, right: right_value.reg, out: target });
    }
    c.bind(past);
    null_when(c, is_null, target);
    release(c, left_value);
    release(c, right_value);
    Ok(())
}

/// The end of an operator with a jump for NULL: past it lies the value, at it NULL.
fn null_when(c: &mut Compiler<'_>, is_null: Option<Addr>, target: Reg) {
    if let Some(at) = is_null {
        let done = c.label();
        c.goto(done);
        c.jump_here(at);
        c.nulls(target, 1);
        c.bind(done);
    }
}

fn code_arithmetic(
    c: &mut Compiler<'_>,
    expr: ExprId,
    op: BinaryOp,
    left: ExprId,
    right: ExprId,
    out: Reg,
) -> CompileResult<()> {
    let (left_value, right_value, is_null) = if c.bound[expr].flags.has(ExprFlags::HAS_SUBQUERY) {
        let operands = code_operands(c, left, right)?;
        (operands.left, operands.right, operands.is_null)
    } else {
        (code_temp(c, left)?, code_temp(c, right)?, None)
    };
    let (left, right) = (left_value.reg, right_value.reg);
    c.emit(match op {
        BinaryOp::Add => Op::Add { left, right, out },
        BinaryOp::Subtract => Op::Subtract { left, right, out },
        BinaryOp::Multiply => Op::Multiply { left, right, out },
        BinaryOp::Divide => Op::Divide { left, right, out },
        BinaryOp::Remainder => Op::Remainder { left, right, out },
        BinaryOp::BitAnd => Op::BitAnd { left, right, out },
        BinaryOp::BitOr => Op::BitOr { left, right, out },
        BinaryOp::ShiftLeft => Op::ShiftLeft { left, right, out },
        BinaryOp::ShiftRight => Op::ShiftRight { left, right, out },
        BinaryOp::Concat => Op::Concat { left, right, out },
        _ => return Err(Error::message("an operator that calls a function was not resolved to the call")),
    });
    null_when(c, is_null, out);
    release(c, left_value);
    release(c, right_value);
    Ok(())
}

fn code_and_or(
    c: &mut Compiler<'_>,
    expr: ExprId,
    op: BinaryOp,
    left: ExprId,
    right: ExprId,
    target: Reg,
) -> CompileResult<Reg> {
    let is_and = op == BinaryOp::And;
    let simpler = c.bound.simplified_and_or(expr);
    if simpler != expr {
        let value = code_target(c, simpler, target)?;
        c.emit(Op::And { left: value, right: value, out: target });
        return Ok(target);
    }
    let skip = |c: &mut Compiler<'_>, value: Reg| match is_and {
        true => c.emit(Op::IfNot { value, to: Addr(0), jump_if_null: false }),
        false => c.emit(Op::If { value, to: Addr(0), jump_if_null: false }),
    };
    let (left_reg, right_reg, temp, decided);
    if right_first(c, left, right) {
        right_reg = code_target(c, right, target)?;
        decided = Some((skip(c, right_reg), right_reg));
        temp = code_temp(c, left)?;
        left_reg = temp.reg;
    } else {
        left_reg = code_target(c, left, target)?;
        let has_subquery = c.bound[right].flags.has(ExprFlags::HAS_SUBQUERY);
        decided = has_subquery.then(|| (skip(c, left_reg), left_reg));
        temp = code_temp(c, right)?;
        right_reg = temp.reg;
    }
    match is_and {
        true => c.emit(Op::And { left: left_reg, right: right_reg, out: target }),
        false => c.emit(Op::Or { left: left_reg, right: right_reg, out: target }),
    };
    if let Some((at, value)) = decided {
        let done = c.label();
        c.goto(done);
        c.jump_here(at);
        c.emit(Op::Or { left: value, right: value, out: target });
        c.bind(done);
    }
    release(c, temp);
    Ok(target)
}

/// CASE into `target`.
pub fn code_case(c: &mut Compiler<'_>, expr: ExprId, target: Reg) -> CompileResult<()> {
    let ExprKind::Case { operand, ref arms, otherwise } = c.bound[expr].kind else { return Ok(()) };
    let arms = arms.clone();
    code_arms(c, operand, &arms, otherwise, target)
}

/// The arms of a CASE, or of iif().
pub fn code_arms(
    c: &mut Compiler<'_>,
    operand: Option<ExprId>,
    arms: &[(ExprId, ExprId)],
    otherwise: Option<ExprId>,
    target: Reg,
) -> CompileResult<()> {
    let end = c.label();
    let operand = match operand {
        Some(operand) => {
            let copy = c.copy_expr(operand);
            // The register is kept: arms may use temporary registers of their own.
            let temp = code_vector(c, copy)?;
            to_register(c, copy, temp.reg);
            Some(copy)
        }
        None => None,
    };
    for &(when, then) in arms {
        let next = c.label();
        let test = match operand {
            Some(operand) => c.bound.binary(BinaryOp::Eq, operand, when),
            None => when,
        };
        jump_if_false(c, test, next, true)?;
        code(c, then, target)?;
        c.goto(end);
        c.bind(next);
    }
    match otherwise {
        Some(otherwise) => code(c, otherwise, target)?,
        None => {
            c.nulls(target, 1);
        }
    }
    c.bind(end);
    Ok(())
}

/// RAISE(…).
pub fn code_raise(
    c: &mut Compiler<'_>,
    action: Option<OnConflict>,
    message: Option<ExprId>,
    target: Reg,
) -> CompileResult<Reg> {
    if !c.codegen.in_trigger && !c.codegen.raise_allowed {
        return Err(Error::message("RAISE() may only be used within a trigger-program"));
    }
    if action == Some(OnConflict::Abort) {
        c.may_abort();
    }
    match (action, message) {
        (Some(on_conflict), Some(message)) => {
            let temp = code_temp(c, message)?;
            let code = if c.codegen.in_trigger { HaltCode::Trigger } else { HaltCode::Error };
            c.emit(Op::HaltWithRegister { code, on_conflict, message: temp.reg });
            release(c, temp);
        }
        _ => {
            c.emit(Op::Halt { code: HaltCode::Ok, on_conflict: OnConflict::Ignore, message: ConstId(0) });
        }
    }
    Ok(target)
}
