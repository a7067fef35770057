//! Which expressions are constant, and in what sense.
//!
//! A constant needs no row: literals, parameters, NEW and OLD, and deterministic functions of those. A table constant needs the rows
//! of one table only.

use kernite_vdbe::op::Cursor;

use super::shape::Visit;
use crate::bound::{BinaryOp, ExprFlags, ExprId, ExprKind, JoinFlags, SelectId, Similarity};
use crate::codegen::expr::affinity::is_binary;
use crate::compile::Compiler;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sense {
    /// Any constant.
    Plain,
    /// Not from the ON of an outer join.
    NotJoin,
    /// Columns of one table are allowed.
    Table(Cursor),
    /// IS and IS NOT are not allowed.
    NoIs,
}

fn visit(c: &Compiler<'_>, id: ExprId, sense: Sense) -> Visit {
    let node = &c.bound[id];
    if sense == Sense::NotJoin && node.flags.has(ExprFlags::OUTER_ON) {
        return Visit::Abort;
    }
    match &node.kind {
        ExprKind::Function(call) => {
            let constant =
                node.flags.has(ExprFlags::CONSTANT_FUNCTION) && !call.is_aggregate && call.window.is_none();
            if constant { Visit::Continue } else { Visit::Abort }
        }
        ExprKind::Column { cursor, .. } => {
            let fixed = sense != Sense::NotJoin && c.codegen.fixed_columns.contains_key(&id);
            if fixed || sense == Sense::Table(*cursor) { Visit::Continue } else { Visit::Abort }
        }
        ExprKind::SelfColumn { .. }
        | ExprKind::AggregateSlot { .. }
        | ExprKind::IfNullRow { .. }
        | ExprKind::Register { .. }
        | ExprKind::Raise { .. }
        | ExprKind::TriggerColumn { returning: true, .. } => Visit::Abort,
        ExprKind::Binary { op: BinaryOp::Is | BinaryOp::IsNot, .. } if sense == Sense::NoIs => Visit::Abort,
        _ => Visit::Continue,
    }
}

fn holds(c: &Compiler<'_>, id: ExprId, sense: Sense, select_ok: &dyn Fn(SelectId) -> bool) -> bool {
    c.bound.visit(id, &mut |id| match visit(c, id, sense) {
        Visit::Continue if c.bound.subquery_of(id).is_some_and(|select| !select_ok(select)) => Visit::Abort,
        next => next,
    })
}

/// Whether an expression needs no row at all. Subqueries are never constant.
pub fn is_constant(c: &Compiler<'_>, id: ExprId) -> bool {
    holds(c, id, Sense::Plain, &|_| false)
}

/// Whether it is constant and no part of an outer join's ON, so that it may be computed before the loops.
pub fn is_constant_not_join(c: &Compiler<'_>, id: ExprId) -> bool {
    holds(c, id, Sense::NotJoin, &|_| false)
}

/// Whether all are constant; with `no_is`, none of them uses IS.
pub fn all_constant(c: &Compiler<'_>, ids: &[ExprId], no_is: bool) -> bool {
    let sense = if no_is { Sense::NoIs } else { Sense::Plain };
    ids.iter().all(|&id| holds(c, id, sense, &|_| false))
}

/// Whether it needs rows of one table only. With `subqueries`, uncorrelated subqueries are allowed.
pub fn is_table_constant(c: &Compiler<'_>, id: ExprId, cursor: Cursor, subqueries: bool) -> bool {
    holds(c, id, Sense::Table(cursor), &|select| subqueries && !c.bound[select].flags.correlated)
}

/// Whether a WHERE or ON term constrains rows of FROM item `at` alone and may be tested on them before the join.
pub fn is_single_table_constraint(
    c: &Compiler<'_>,
    id: ExprId,
    from: &[impl Joined],
    at: usize,
    subqueries: bool,
) -> bool {
    let source = &from[at];
    let flags = c.bound[id].flags;
    if source.join().left_of_right_join {
        return false;
    }
    if source.join().left {
        if !flags.has(ExprFlags::OUTER_ON) || c.bound[id].join_cursor != Some(source.cursor()) {
            return false;
        }
    } else if flags.has(ExprFlags::OUTER_ON) {
        return false;
    }
    if flags.any(ExprFlags::OUTER_ON | ExprFlags::INNER_ON)
        && from[0].join().left_of_right_join
        && from[..at]
            .iter()
            .find(|earlier| c.bound[id].join_cursor == Some(earlier.cursor()))
            .is_some_and(|earlier| earlier.join().left_of_right_join)
    {
        return false;
    }
    is_table_constant(c, id, source.cursor(), subqueries)
}

/// What `is_single_table_constraint` looks at of a FROM item.
pub trait Joined {
    fn cursor(&self) -> Cursor;
    fn join(&self) -> JoinFlags;
}

impl Joined for crate::bound::FromItem {
    fn cursor(&self) -> Cursor {
        self.cursor
    }

    fn join(&self) -> JoinFlags {
        self.join
    }
}

/// Whether every part is constant or equal to a GROUP BY term compared by BINARY.
pub fn is_constant_or_group_by(c: &Compiler<'_>, id: ExprId, group_by: &[ExprId]) -> bool {
    c.bound.visit(id, &mut |id| {
        let grouped = group_by.iter().any(|&term| {
            c.bound.compare(id, term, None) != Similarity::Different && is_binary(c.bound.collation(term))
        });
        if grouped {
            return Visit::Prune;
        }
        if c.bound.subquery_of(id).is_some() {
            return Visit::Abort;
        }
        visit(c, id, Sense::Plain)
    })
}

/// Whether only deterministic functions are called; subqueries are not looked into and are not allowed.
pub fn is_deterministic(c: &Compiler<'_>, id: ExprId) -> bool {
    c.bound.visit(id, &mut |id| match &c.bound[id].kind {
        ExprKind::Function(_) if !c.bound[id].flags.has(ExprFlags::CONSTANT_FUNCTION) => Visit::Abort,
        _ if c.bound.subquery_of(id).is_some() => Visit::Abort,
        _ => Visit::Continue,
    })
}
