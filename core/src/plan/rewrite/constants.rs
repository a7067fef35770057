//! Constant propagation: after `WHERE a = 5`, other uses of `a` in the WHERE clause are 5.
//!
//! The use stays a column in the tree and is noted as fixed: it keeps the column's affinity, reads as the constant, and needs no row.

use kernite_vdbe::op::Cursor;

use crate::bound::{
    AFFINITY_BLOB, AFFINITY_NONE, AFFINITY_TEXT, BinaryOp, Bound, ExprFlags, ExprId, ExprKind, SelectId,
    Visitor,
};
use crate::codegen::expr::affinity::is_binary;
use crate::codegen::expr::can_return_subtype;
use crate::compile::Compiler;
use crate::plan::constant::is_constant;

/// A column that equals a constant.
struct Fixed {
    /// The reference in that very equality.
    at: ExprId,
    column: (Cursor, i16),
    value: ExprId,
    has_affinity: bool,
}

/// Collects all expressions of a WHERE clause in order.
#[derive(Default)]
struct All(Vec<ExprId>);

impl Visitor for All {
    fn expr(&mut self, _bound: &Bound, expr: ExprId) -> bool {
        self.0.push(expr);
        true
    }
}

/// Propagates the constants of a SELECT's WHERE clause.
pub fn propagate_constants(c: &mut Compiler<'_>, select: SelectId) {
    let Some(filter) = c.bound[select].filter else { return };
    if c.bound.and_operands(filter).is_none() {
        return;
    }
    let right_join = c.bound[select].from.first().is_some_and(|item| item.join.left_of_right_join);
    let excluded = match right_join {
        true => ExprFlags::INNER_ON | ExprFlags::OUTER_ON,
        false => ExprFlags::OUTER_ON,
    };
    loop {
        let mut fixed = Vec::new();
        find(c, filter, excluded, &mut fixed);
        if fixed.is_empty() || !rewrite(c, filter, excluded, &fixed) {
            return;
        }
    }
}

/// Finds the terms `column = constant`, the last first.
fn find(c: &Compiler<'_>, expr: ExprId, excluded: u32, fixed: &mut Vec<Fixed>) {
    if c.bound[expr].flags.any(excluded) {
        return;
    }
    match c.bound[expr].kind {
        ExprKind::Binary { op: BinaryOp::And, left, right } => {
            find(c, right, excluded, fixed);
            find(c, left, excluded, fixed);
        }
        ExprKind::Binary { op: BinaryOp::Eq, left, right } => {
            if is_column(c, right) && is_constant(c, left) {
                insert(c, right, left, expr, fixed);
            }
            if is_column(c, left) && is_constant(c, right) {
                insert(c, left, right, expr, fixed);
            }
        }
        _ => {}
    }
}

fn is_column(c: &Compiler<'_>, expr: ExprId) -> bool {
    matches!(c.bound[expr].kind, ExprKind::Column { .. })
}

fn insert(c: &Compiler<'_>, column: ExprId, value: ExprId, equality: ExprId, fixed: &mut Vec<Fixed>) {
    let Some(name) = c.bound.column(column) else { return };
    if c.codegen.fixed_columns.contains_key(&column)
        || c.bound.affinity(value) != AFFINITY_NONE
        || !is_binary(c.bound.comparison_collation(equality))
        || can_return_subtype(c, value)
        || fixed.iter().any(|known| known.column == name)
    {
        return;
    }
    let has_affinity = c.bound.affinity(column) > AFFINITY_BLOB;
    fixed.push(Fixed { at: column, column: name, value, has_affinity });
}

/// Replaces the other uses. Whether there were any.
fn rewrite(c: &mut Compiler<'_>, filter: ExprId, excluded: u32, fixed: &[Fixed]) -> bool {
    let some_without = fixed.iter().any(|fixed| !fixed.has_affinity);
    let mut all = All::default();
    c.bound.walk(filter, &mut all);
    let mut changed = false;
    for expr in all.0 {
        if some_without
            && let ExprKind::Binary { op, left, right } = c.bound[expr].kind
            && matches!(
                op,
                BinaryOp::Eq | BinaryOp::Gt | BinaryOp::Le | BinaryOp::Lt | BinaryOp::Ge | BinaryOp::Is
            )
        {
            // A column without affinity equals the constant by value only: it can stand for it where only the value is compared.
            changed |= fix(c, left, excluded, fixed, false);
            if c.bound.affinity(left) != AFFINITY_TEXT {
                changed |= fix(c, right, excluded, fixed, false);
            }
        }
        changed |= fix(c, expr, excluded, fixed, some_without);
    }
    changed
}

/// Fixes one reference.
fn fix(c: &mut Compiler<'_>, expr: ExprId, excluded: u32, fixed: &[Fixed], with_affinity: bool) -> bool {
    let Some(name) = c.bound.column(expr) else { return false };
    if c.codegen.fixed_columns.contains_key(&expr) || c.bound[expr].flags.any(excluded) {
        return false;
    }
    let Some(found) = fixed.iter().find(|fixed| fixed.at != expr && fixed.column == name) else {
        return false;
    };
    if with_affinity && !found.has_affinity {
        return false;
    }
    let value = c.copy_expr(found.value);
    c.codegen.fixed_columns.insert(expr, value);
    true
}
