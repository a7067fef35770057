//! Rewrites of a SELECT before it is planned.
//!
//! `joins` turns outer joins into simpler ones, `flatten` merges FROM subqueries into the outer query, `substitute` puts a subquery's expressions
//! in the place of references to its columns, `push_down` moves WHERE terms into subqueries, `columns` blanks columns that nobody reads,
//! `constants` replaces columns by the constants that they equal, `exists` turns EXISTS into a join, `count` adds up the counts of a UNION ALL.
//!
//! The conditions are SQLite's: a rewrite shows in EXPLAIN QUERY PLAN and in the order of rows.

mod columns;
mod constants;
mod count;
mod exists;
mod flatten;
mod joins;
mod push_down;
mod substitute;

pub use columns::{null_unused_columns, recompute_columns_used};
pub use constants::propagate_constants;
pub use count::count_of_view;
pub use exists::exists_to_join;
pub use push_down::{having_to_where, push_down};

use crate::bound::{FromSource, SelectId};
use crate::compile::{CompileResult, Compiler};
use crate::plan::optimizations;

/// Simplifies joins, drops ORDER BYs that do not count, and merges the subqueries that can be.
pub fn simplify_from(c: &mut Compiler<'_>, select: SelectId, is_aggregate: bool) -> CompileResult<()> {
    let mut at = 0;
    while c.bound[select].prior.is_none() && at < c.bound[select].from.len() {
        if c.optimizes(optimizations::SIMPLIFY_JOIN) {
            joins::simplify(c, select, at);
        }
        if flatten_item(c, select, at, is_aggregate)? {
            at = 0;
        } else {
            at += 1;
        }
    }
    Ok(())
}

/// Whether item `at` was a subquery that could be merged.
fn flatten_item(
    c: &mut Compiler<'_>,
    select: SelectId,
    at: usize,
    is_aggregate: bool,
) -> CompileResult<bool> {
    let FromSource::Subquery { select: inner, cte, .. } = c.bound[select].from[at].source else {
        return Ok(false);
    };
    let hint = cte.and_then(|cte| c.bound.ctes.get(cte as usize)).map(|cte| cte.materialized);
    if hint == Some(kernite_parser::ast::Materialized::Yes) || c.bound[inner].flags.aggregate {
        return Ok(false);
    }
    let (outer, sub) = (&c.bound[select], &c.bound[inner]);
    let single = outer.from.len() == 1;
    if !sub.order_by.is_empty()
        && (!outer.order_by.is_empty() || !single)
        && sub.limit.is_none()
        && !sub.flags.order_by_required
        && !sub.flags.recursive
        && !outer.flags.order_by_required
        && c.optimizes(optimizations::OMIT_ORDER_BY)
    {
        c.bound[inner].order_by.clear();
    }
    let (outer, sub) = (&c.bound[select], &c.bound[inner]);
    if !sub.order_by.is_empty()
        && at == 0
        && outer.flags.complex_result
        && (single || outer.from[1].join.outer || outer.from[1].join.cross)
    {
        // The subquery may be a co-routine: its rows come sorted, and expensive result columns are computed only for those that are asked for.
        return Ok(false);
    }
    flatten::flatten(c, select, at, is_aggregate)
}
