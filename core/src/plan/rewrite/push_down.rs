//! Terms of a WHERE clause that only concern a subquery are tested inside of it too; HAVING terms on keys are tested before grouping.

use super::joins::unset_join;
use super::substitute::{Substitution, note_cloned_in};
use crate::bound::{CompoundOp, ExprId, ExprKind, SelectId};
use crate::codegen::expr::affinity::is_binary;
use crate::compile::Compiler;
use crate::plan::constant::{is_constant_or_group_by, is_single_table_constraint};

/// Copies terms of `filter` into the subquery `inner`, which is item `at` of `outer`. Whether any was.
pub fn push_down(c: &mut Compiler<'_>, inner: SelectId, filter: ExprId, outer: SelectId, at: usize) -> bool {
    if !accepts_terms(c, inner, outer, at) {
        return false;
    }
    let mut pushed = false;
    let mut filter = filter;
    while let Some((left, right)) = c.bound.and_operands(filter) {
        pushed |= push_down(c, inner, right, outer, at);
        filter = left;
    }
    if !is_single_table_constraint(c, filter, &c.bound[outer].from, at, true) {
        return pushed;
    }
    let cursor = c.bound[outer].from[at].cursor;
    let collations = Substitution::columns_of(c, c.bound.leftmost(inner));
    c.codegen.select_mut(inner).pushed_down = true;
    let cores: Vec<SelectId> = c.bound.cores(inner).collect();
    for core in cores {
        let new = c.copy_expr(filter);
        unset_join(c, new, None, true);
        let substitution = Substitution {
            cursor,
            new_cursor: cursor,
            outer_join: false,
            columns: Substitution::columns_of(c, core),
            collations: collations.clone(),
        };
        if substitution.expr(c, new, 0).is_err() {
            // A row value in a scalar's place: the error is the outer query's to report.
            return pushed;
        }
        if c.bound[core].flags.has_window {
            // Only whole partitions may be left out.
            let partition = partition_of(c, core).unwrap_or_default();
            if !is_constant_or_group_by(c, new, &partition) {
                return pushed;
            }
        }
        note_cloned_in(c, filter, new);
        let before = if c.bound[core].flags.aggregate { c.bound[core].having } else { c.bound[core].filter };
        let all = c.bound.and(before, new);
        match c.bound[core].flags.aggregate {
            true => c.bound[core].having = Some(all),
            false => c.bound[core].filter = Some(all),
        }
    }
    true
}

/// Whether the subquery may take terms at all.
fn accepts_terms(c: &Compiler<'_>, inner: SelectId, outer: SelectId, at: usize) -> bool {
    let join = c.bound[outer].from[at].join;
    let sub = &c.bound[inner];
    if sub.flags.recursive
        || sub.flags.multi_partition
        || join.left_of_right_join
        || join.right
        || sub.limit.is_some()
        || !windows_allow(c, inner)
    {
        return false;
    }
    let only_union_all = c
        .bound
        .cores(inner)
        .all(|core| c.bound[core].prior.is_none() || c.bound[core].operator == Some(CompoundOp::UnionAll));
    // Rows that are equal for the compound might differ for the term.
    only_union_all
        || c.bound
            .cores(inner)
            .all(|core| c.bound[core].columns.iter().all(|column| is_binary(c.bound.collation(column.expr))))
}

/// The keys that the window functions of a query partition by; all of them by the same, if terms may be pushed down at all.
fn partition_of(c: &Compiler<'_>, core: SelectId) -> Option<Vec<ExprId>> {
    let mut found = None;
    for column in &c.bound[core].columns {
        c.bound.any_below(column.expr, &mut |bound, expr| {
            if let ExprKind::Function(call) = &bound[expr].kind
                && let Some(window) = &call.window
            {
                found.get_or_insert_with(|| window.partition_by.clone());
            }
            false
        });
    }
    found
}

/// Whether window functions are no hindrance: there are none, or the subquery is a single core whose windows are partitioned.
fn windows_allow(c: &Compiler<'_>, inner: SelectId) -> bool {
    if !c.bound.cores(inner).any(|core| c.bound[core].flags.has_window) {
        return true;
    }
    c.bound[inner].prior.is_none() && partition_of(c, inner).is_some_and(|partition| !partition.is_empty())
}

/// Moves terms of HAVING that only look at BINARY keys to the WHERE clause.
pub fn having_to_where(c: &mut Compiler<'_>, select: SelectId) {
    if let Some(having) = c.bound[select].having {
        move_terms(c, select, having);
    }
}

fn move_terms(c: &mut Compiler<'_>, select: SelectId, expr: ExprId) {
    if let Some((left, right)) = c.bound.and_operands(expr) {
        move_terms(c, select, left);
        move_terms(c, select, right);
        return;
    }
    let movable = !c.bound[expr].is_always_false()
        && !matches!(c.bound[expr].kind, ExprKind::AggregateSlot { .. })
        && is_constant_or_group_by(c, expr, &c.bound[select].group_by);
    if !movable {
        return;
    }
    let flags = c.bound[expr].flags;
    let mut moved = expr;
    c.bound.replace(expr, |old| {
        moved = old;
        ExprKind::Integer(1)
    });
    c.bound[moved].flags = flags;
    c.bound[expr].flags = Default::default();
    c.move_notes(expr, moved);
    let before = c.bound[select].filter;
    c.bound[select].filter = Some(c.bound.and(before, moved));
}
