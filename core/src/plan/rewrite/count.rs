//! `SELECT count(*) FROM (a UNION ALL b)` is `(SELECT count(*) FROM a) + (SELECT count(*) FROM b)`.

use crate::bound::{BinaryOp, CompoundOp, ExprId, ExprKind, FromSource, SelectId};
use crate::compile::Compiler;

/// Rewrites such a SELECT.
pub fn count_of_view(c: &mut Compiler<'_>, select: SelectId) {
    let Some((inner, count)) = matches_pattern(c, select) else { return };
    let cores: Vec<SelectId> = c.bound.cores(inner).collect();
    let mut sum: Option<ExprId> = None;
    for core in cores {
        let is_first = c.bound[core].prior.is_none();
        let term = if is_first { count } else { c.copy_expr(count) };
        let mut column = c.bound[select].columns[0].clone();
        column.expr = term;
        let node = &mut c.bound[core];
        node.prior = None;
        node.operator = None;
        node.flags.aggregate = true;
        node.columns = vec![column];
        node.order_by.clear();
        let state = c.codegen.select_mut(core);
        state.compound = false;
        state.next = None;
        let subquery = c.bound.make(ExprKind::Subquery(core));
        sum = Some(match sum {
            None => subquery,
            Some(sum) => c.bound.binary(BinaryOp::Add, subquery, sum),
        });
    }
    let Some(sum) = sum else { return };
    let core = &mut c.bound[select];
    core.from.clear();
    core.columns[0].expr = sum;
    core.flags.aggregate = false;
}

fn matches_pattern(c: &Compiler<'_>, select: SelectId) -> Option<(SelectId, ExprId)> {
    let core = &c.bound[select];
    let ([column], [item]) = (&core.columns[..], &core.from[..]) else { return None };
    if !core.flags.aggregate
        || core.filter.is_some()
        || core.having.is_some()
        || !core.group_by.is_empty()
        || !core.order_by.is_empty()
        || core.flags.correlated
    {
        return None;
    }
    let ExprKind::Function(call) = &c.bound[column.expr].kind else { return None };
    if !call.is_aggregate
        || &*call.function.name != "count"
        || !call.arguments.is_empty()
        || call.filter.is_some()
    {
        return None;
    }
    let FromSource::Subquery { select: inner, .. } = item.source else { return None };
    if c.bound[inner].prior.is_none() || c.bound[inner].flags.copy_of_cte {
        return None;
    }
    let fits = c.bound.cores(inner).all(|core| {
        let node = &c.bound[core];
        (node.prior.is_none() || node.operator == Some(CompoundOp::UnionAll))
            && node.filter.is_none()
            && node.limit.is_none()
            && !node.flags.aggregate
            && !node.flags.distinct
    });
    fits.then_some((inner, column.expr))
}
