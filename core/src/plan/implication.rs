//! What follows from a condition being true: another condition, or that a source's row is not one of NULLs.

use kernite_vdbe::op::Cursor;

use crate::bound::{BinaryOp, ExprFlags, ExprId, ExprKind, InSource, Similarity, UnaryOp};
use crate::catalog::TableKind;
use crate::compile::Compiler;

/// Whether `other` is true wherever `expr` is. Columns of the self row in `other` are those of `cursor` in `expr`.
pub fn implies(c: &Compiler<'_>, expr: ExprId, other: ExprId, cursor: Option<Cursor>) -> bool {
    if c.bound.compare(expr, other, cursor) == Similarity::Same {
        return true;
    }
    match c.bound[other].kind {
        ExprKind::Binary { op: BinaryOp::Or, left, right }
            if implies(c, expr, left, cursor) || implies(c, expr, right, cursor) =>
        {
            return true;
        }
        ExprKind::Unary { op: UnaryOp::NotNull, operand }
            if implies_not_null(c, expr, operand, cursor, false) =>
        {
            return true;
        }
        _ => {}
    }
    condition_of_if(c, expr).is_some_and(|condition| implies(c, condition, other, cursor))
}

/// Whether `operand` is not NULL where `expr` is true (or, with `seen_not`, where it is not NULL).
fn implies_not_null(
    c: &Compiler<'_>,
    expr: ExprId,
    operand: ExprId,
    cursor: Option<Cursor>,
    seen_not: bool,
) -> bool {
    if c.bound.compare(expr, operand, cursor) == Similarity::Same {
        return !matches!(c.bound[operand].kind, ExprKind::Null);
    }
    let follow = |inner: ExprId, seen_not: bool| implies_not_null(c, inner, operand, cursor, seen_not);
    match &c.bound[expr].kind {
        ExprKind::In { operand: left, source, negated } => {
            let seen_not = seen_not || *negated;
            !(seen_not && matches!(source, InSource::Select(_))) && follow(*left, true)
        }
        ExprKind::Between { operand: middle, low, high, negated } => {
            !(seen_not || *negated) && (follow(*low, true) || follow(*high, true) || follow(*middle, true))
        }
        ExprKind::Binary { op, left, right } => match op {
            BinaryOp::Eq
            | BinaryOp::Ne
            | BinaryOp::Lt
            | BinaryOp::Le
            | BinaryOp::Gt
            | BinaryOp::Ge
            | BinaryOp::Add
            | BinaryOp::Subtract
            | BinaryOp::BitOr
            | BinaryOp::ShiftLeft
            | BinaryOp::ShiftRight
            | BinaryOp::Concat => follow(*right, true) || follow(*left, true),
            BinaryOp::Multiply | BinaryOp::Remainder | BinaryOp::BitAnd | BinaryOp::Divide => {
                follow(*right, seen_not) || follow(*left, seen_not)
            }
            _ => false,
        },
        ExprKind::Collate { operand: inner, .. }
        | ExprKind::Unary { op: UnaryOp::Plus | UnaryOp::Minus, operand: inner } => follow(*inner, seen_not),
        ExprKind::Unary { op: UnaryOp::Truth { is, .. }, operand: inner } => {
            !seen_not && *is && follow(*inner, true)
        }
        ExprKind::Unary { op: UnaryOp::BitNot | UnaryOp::Not, operand: inner } => follow(*inner, true),
        _ => false,
    }
}

/// The condition of `CASE WHEN condition THEN x END` or iif(): where the whole is true, the condition is.
fn condition_of_if(c: &Compiler<'_>, expr: ExprId) -> Option<ExprId> {
    let not_true = |id: ExprId| match c.bound[id].kind {
        ExprKind::Null | ExprKind::Integer(0) => true,
        _ => c.bound.small_integer(id) == Some(0),
    };
    match &c.bound[expr].kind {
        ExprKind::Case { operand: None, arms, otherwise } => {
            let [(when, _)] = arms[..] else { return None };
            otherwise.is_none_or(not_true).then_some(when)
        }
        ExprKind::Function(call) if matches!(&*call.function.name, "iif" | "if") => {
            match call.arguments[..] {
                [when, _] => Some(when),
                [when, _, otherwise] if not_true(otherwise) => Some(when),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Whether a condition is never true on a null row of `cursor`. `right_join`: terms of inner joins' ON do not count, because rows that
/// do not satisfy them come back.
pub fn implies_row(c: &Compiler<'_>, expr: ExprId, cursor: Cursor, right_join: bool) -> bool {
    let mut expr = c.bound.skip_collate_and_likely(expr);
    if let ExprKind::Unary { op: UnaryOp::NotNull, operand } = c.bound[expr].kind {
        expr = operand;
    } else {
        while let Some((left, right)) = c.bound.and_operands(expr) {
            if implies_row(c, left, cursor, right_join) {
                return true;
            }
            expr = right;
        }
    }
    needs_row(c, expr, cursor, right_join)
}

fn needs_row(c: &Compiler<'_>, expr: ExprId, cursor: Cursor, right_join: bool) -> bool {
    let node = &c.bound[expr];
    if node.flags.has(ExprFlags::OUTER_ON) || (right_join && node.flags.has(ExprFlags::INNER_ON)) {
        return false;
    }
    let needs = |expr: ExprId| needs_row(c, expr, cursor, right_join);
    let is_virtual = |expr: ExprId| {
        matches!(&c.bound[expr].kind, ExprKind::Column { table: Some(table), .. }
            if matches!(table.kind, TableKind::Virtual { .. }))
    };
    match &node.kind {
        ExprKind::Column { cursor: own, .. } => *own == cursor,
        ExprKind::Unary { op: UnaryOp::IsNull | UnaryOp::NotNull | UnaryOp::Truth { .. }, .. }
        | ExprKind::Vector(_)
        | ExprKind::Function(_)
        | ExprKind::Case { .. } => false,
        ExprKind::Binary { op, left, right } => match op {
            BinaryOp::Is | BinaryOp::IsNot => false,
            BinaryOp::And | BinaryOp::Or => needs(*left) && needs(*right),
            BinaryOp::Eq | BinaryOp::Ne | BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge
                if is_virtual(*left) || is_virtual(*right) =>
            {
                false
            }
            _ => needs(*left) || needs(*right),
        },
        ExprKind::In { operand, source: InSource::List(_), .. } => needs(*operand),
        ExprKind::In { .. } => false,
        ExprKind::Between { operand, low, high, .. } => needs(*operand) || (needs(*low) && needs(*high)),
        ExprKind::Unary { operand, .. }
        | ExprKind::Collate { operand, .. }
        | ExprKind::Cast { operand, .. } => needs(*operand),
        _ => false,
    }
}
