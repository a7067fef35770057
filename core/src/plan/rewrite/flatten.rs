//! Flattening: a FROM subquery that only selects and joins is merged into the outer query.
//!
//! ```text
//! SELECT x+1 FROM (SELECT a+b AS x FROM t WHERE c) WHERE x > 5   ->   SELECT a+b+1 FROM t WHERE c AND a+b > 5
//! ```
//! A UNION ALL subquery makes a UNION ALL of copies of the outer query, one per core.
//!
//! Spec: The SQLite Query Optimizer Overview, "Subquery Flattening".

use kernite_io::HashMap;

use super::columns::recompute_columns_used;
use super::exists::renumber;
use super::substitute::Substitution;
use crate::bound::{BinaryOp, CompoundOp, ExprFlags, FromSource, SelectId};
use crate::compile::{CompileResult, Compiler};
use crate::plan::analyze::set_join;
use crate::plan::optimizations;

/// Merges item `at` of a SELECT into it, if that changes nothing about the result. Whether it did.
pub fn flatten(c: &mut Compiler<'_>, outer: SelectId, at: usize, is_aggregate: bool) -> CompileResult<bool> {
    if !c.optimizes(optimizations::QUERY_FLATTENER) {
        return Ok(false);
    }
    let FromSource::Subquery { select: inner, .. } = c.bound[outer].from[at].source else { return Ok(false) };
    if !can_flatten(c, outer, inner, at, is_aggregate) {
        return Ok(false);
    }
    let is_compound = c.bound[inner].prior.is_some();
    if is_compound && !can_flatten_compound(c, outer, inner, at, is_aggregate) {
        return Ok(false);
    }
    let join = c.bound[outer].from[at].join;
    let outer_join = join.outer || join.left_of_right_join;
    let parents = copy_parents(c, outer, inner, at);
    let cores: Vec<SelectId> = c.bound.cores(inner).collect();
    let collations = Substitution::columns_of(c, c.bound.leftmost(inner));
    for (parent, core) in parents.into_iter().zip(cores) {
        merge(c, parent, core, at, outer_join, &collations)?;
    }
    Ok(true)
}

/// The conditions for any subquery.
fn can_flatten(c: &Compiler<'_>, outer: SelectId, inner: SelectId, at: usize, is_aggregate: bool) -> bool {
    let (parent, sub) = (&c.bound[outer], &c.bound[inner]);
    let join = parent.from[at].join;
    let is_compound_part = c.codegen.select(outer).compound;
    if parent.flags.has_window || sub.flags.has_window {
        return false;
    }
    if sub.limit.is_some()
        && (parent.limit.is_some()
            || sub.offset.is_some()
            || is_compound_part
            || parent.from.len() > 1
            || is_aggregate
            || parent.filter.is_some()
            || parent.flags.distinct)
    {
        return false;
    }
    if sub.from.is_empty()
        || sub.flags.distinct
        || (!parent.order_by.is_empty() && !sub.order_by.is_empty())
        || (is_aggregate && !sub.order_by.is_empty())
        || sub.flags.recursive
    {
        return false;
    }
    if (join.outer || join.left_of_right_join) && (sub.from.len() > 1 || parent.flags.distinct || join.right)
    {
        return false;
    }
    !(at > 0 && sub.from[0].join.left_of_right_join)
}

/// The further conditions for a compound: UNION ALL of plain SELECTs, and an outer query that can be doubled.
fn can_flatten_compound(
    c: &Compiler<'_>,
    outer: SelectId,
    inner: SelectId,
    at: usize,
    is_aggregate: bool,
) -> bool {
    /// More SELECTs than this are not made more.
    const SELECTS_MAX: u32 = 500;
    let (parent, sub) = (&c.bound[outer], &c.bound[inner]);
    let join = parent.from[at].join;
    if !sub.order_by.is_empty()
        || is_aggregate
        || parent.flags.distinct
        || join.outer
        || join.left_of_right_join
        || parent.flags.recursive
    {
        return false;
    }
    for core in c.bound.cores(inner) {
        let node = &c.bound[core];
        if node.flags.distinct
            || node.flags.aggregate
            || node.flags.has_window
            || (node.prior.is_some() && node.operator != Some(CompoundOp::UnionAll))
            || node.from.is_empty()
            || (at > 0 && node.from[0].join.left_of_right_join)
        {
            return false;
        }
    }
    if parent.order_by.iter().any(|term| term.result_column == 0) || affinities_differ(c, inner) {
        return false;
    }
    parent.from.len() <= 1 || (c.select_count <= SELECTS_MAX && c.optimizes(optimizations::FLATTEN_UNION_ALL))
}

/// Whether a column has different affinities in different cores.
fn affinities_differ(c: &Compiler<'_>, inner: SelectId) -> bool {
    (0..c.bound[inner].columns.len()).any(|column| {
        let letter =
            |core: SelectId| c.bound[core].columns.get(column).map(|column| c.bound.affinity(column.expr));
        c.bound.cores(inner).any(|core| letter(core) != letter(inner))
    })
}

/// The outer query and a copy of it for every further core of the subquery, as a UNION ALL; last first.
fn copy_parents(c: &mut Compiler<'_>, outer: SelectId, inner: SelectId, at: usize) -> Vec<SelectId> {
    let mut parents = vec![outer];
    let cores = c.bound.cores(inner).count();
    let is_join = c.bound[outer].from.len() > 1;
    // The subquery itself is not copied along: each parent takes one of its cores.
    let item = c.bound[outer].from[at].clone();
    c.bound[outer].from[at].source = FromSource::Recursive;
    let mut cursors = HashMap::default();
    for _ in 1..cores {
        let node = &mut c.bound[outer];
        let order_by = std::mem::take(&mut node.order_by);
        let (limit, offset, prior) = (node.limit.take(), node.offset.take(), node.prior.take());
        let copy = c.copy_select(outer);
        let node = &mut c.bound[outer];
        node.order_by = order_by;
        node.limit = limit;
        node.offset = offset;
        node.operator = Some(CompoundOp::UnionAll);
        c.bound[copy].id = c.next_select_id();
        if is_join {
            renumber(c, copy, Some(at), &mut cursors);
        }
        c.bound[copy].prior = prior;
        if prior.is_some() {
            c.bound[copy].operator = Some(CompoundOp::UnionAll);
        } else {
            c.bound[copy].operator = None;
        }
        c.bound[outer].prior = Some(copy);
        // Those nearer to the outer query take later cores.
        parents.insert(1, copy);
    }
    c.bound[outer].from[at] = item.clone();
    for &parent in &parents[1..] {
        c.bound[parent].from[at] = item.clone();
    }
    parents
}

/// Merges one core of the subquery into one parent.
fn merge(
    c: &mut Compiler<'_>,
    parent: SelectId,
    core: SelectId,
    at: usize,
    outer_join: bool,
    collations: &[crate::bound::ExprId],
) -> CompileResult<()> {
    let item = c.bound[parent].from.remove(at);
    let count = c.bound[core].from.len();
    let new_cursor = c.bound[core].from[0].cursor;
    let items = std::mem::take(&mut c.bound[core].from);
    for (place, mut new) in items.into_iter().enumerate() {
        new.join.left_of_right_join |= item.join.left_of_right_join;
        if place == 0 {
            let join = item.join;
            new.join.inner |= join.inner;
            new.join.cross |= join.cross;
            new.join.natural |= join.natural;
            new.join.left |= join.left;
            new.join.right |= join.right;
            new.join.outer |= join.outer;
        }
        c.bound[parent].from.insert(at + place, new);
    }
    let order_by = std::mem::take(&mut c.bound[core].order_by);
    if !order_by.is_empty() {
        let terms = order_by.into_iter().map(|term| crate::bound::OrderTerm { result_column: 0, ..term });
        c.bound[parent].order_by = terms.collect();
    }
    if let Some(filter) = c.bound[core].filter.take() {
        if outer_join {
            set_join(c, filter, new_cursor, ExprFlags::OUTER_ON);
        }
        let all = match c.bound[parent].filter {
            Some(own) => c.bound.binary(BinaryOp::And, filter, own),
            None => filter,
        };
        c.bound[parent].filter = Some(all);
    }
    let substitution = Substitution {
        cursor: item.cursor,
        new_cursor,
        outer_join,
        columns: Substitution::columns_of(c, core),
        collations: collations.to_vec(),
    };
    substitution.select(c, parent, 0, false)?;
    if c.codegen.select(core).compound || c.bound[core].prior.is_some() {
        c.codegen.select_mut(parent).compound = true;
    }
    if let Some(limit) = c.bound[core].limit.take() {
        c.bound[parent].limit = Some(limit);
    }
    for place in at..at + count {
        recompute_columns_used(c, parent, place);
    }
    Ok(())
}
