//! Outer joins whose null rows the WHERE clause rejects are inner joins.

use kernite_vdbe::op::Cursor;

use crate::bound::{ExprFlags, ExprId, ExprKind, SelectId};
use crate::compile::Compiler;
use crate::plan::implication::implies_row;

/// Simplifies the joins that item `at` takes part in.
pub fn simplify(c: &mut Compiler<'_>, select: SelectId, at: usize) {
    let item = &c.bound[select].from[at];
    let (join, cursor) = (item.join, item.cursor);
    let Some(filter) = c.bound[select].filter else { return };
    if !(join.left || join.left_of_right_join) || !implies_row(c, filter, cursor, join.left_of_right_join) {
        return;
    }
    if join.left {
        let join = &mut c.bound[select].from[at].join;
        join.left = false;
        if !join.right {
            join.outer = false;
            unset_join(c, filter, Some(cursor), false);
        }
    }
    if join.left_of_right_join {
        for later in at + 1..c.bound[select].from.len() {
            let item = &mut c.bound[select].from[later];
            if !item.join.right {
                continue;
            }
            item.join.right = false;
            if !item.join.left {
                item.join.outer = false;
                let cursor = item.cursor;
                unset_join(c, filter, Some(cursor), true);
            }
        }
        for item in c.bound[select].from.iter_mut().rev() {
            item.join.left_of_right_join = false;
            if item.join.right {
                break;
            }
        }
    }
}

/// Terms of the outer join of `cursor` become those of an inner one; without a cursor, terms of any join become plain ones. Unless `nullable`, its
/// columns cannot be NULL for the join's sake any more.
pub fn unset_join(c: &mut Compiler<'_>, expr: ExprId, cursor: Option<Cursor>, nullable: bool) {
    let node = &mut c.bound[expr];
    let of_join = node.flags.has(ExprFlags::OUTER_ON) && node.join_cursor == cursor;
    if cursor.is_none() || of_join {
        node.flags.clear(ExprFlags::OUTER_ON | ExprFlags::INNER_ON);
        if cursor.is_some() {
            node.flags.set(ExprFlags::INNER_ON);
        }
    }
    if let ExprKind::Column { cursor: own, .. } = node.kind
        && Some(own) == cursor
        && !nullable
    {
        node.flags.clear(ExprFlags::CAN_BE_NULL);
    }
    // Lists of CASE, IN and BETWEEN are left alone, as SQLite leaves them.
    let inner: Vec<ExprId> = match &node.kind {
        ExprKind::Case { operand, .. } => operand.iter().copied().collect(),
        ExprKind::In { operand, .. } | ExprKind::Between { operand, .. } => vec![*operand],
        ExprKind::Vector(_) => Vec::new(),
        _ => {
            let mut inner = Vec::new();
            c.bound.for_each_operand(expr, |operand| inner.push(operand));
            inner
        }
    };
    for operand in inner {
        unset_join(c, operand, cursor, nullable);
    }
}
