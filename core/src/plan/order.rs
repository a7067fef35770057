//! Whether the rows of a path come in a wished order: ORDER BY, GROUP BY or DISTINCT.

use std::sync::Arc;

use super::analyze::compare_below_collate;
use super::clause::operator;
use super::constant::is_constant;
use super::optimizations;
use super::where_loop::{Candidate, Mask, WhereLoop, control, flag};
use crate::bound::{AFFINITY_NONE, OrderTerm, SelectId, Similarity};
use crate::codegen::column;
use crate::codegen::expr::index_collation;
use crate::codegen::key_info::big_null;
use crate::compile::{CompileResult, Compiler};

/// What is found out of a path and an order.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ordered {
    /// Leading terms that are satisfied; -1: none is known to be, but loops to come may still give all.
    pub terms: i8,
    /// Loops to be walked backwards for that.
    pub reverse: Mask,
}

/// Terms whose order is given already, as bits.
struct Satisfied {
    bits: u64,
    all: u64,
}

impl Satisfied {
    fn has(&self, at: usize) -> bool {
        self.bits & (1 << at) != 0
    }

    fn add(&mut self, at: usize) {
        self.bits |= 1 << at;
    }

    fn complete(&self) -> bool {
        self.bits >= self.all
    }
}

/// Looks how much of `order` the rows of `path`, with `last` as the innermost loop, satisfy. `path` are candidates by number, outermost first.
/// Side effects on candidates: DISTINCT notes how many index columns it needs; an order with NULLs at the unusual end notes a scan in two
/// passes.
pub fn satisfies(
    c: &mut Compiler<'_>,
    w: &mut WhereLoop,
    order: &[OrderTerm],
    is_own_order: bool,
    path: &[usize],
    last: usize,
    wanted: u32,
) -> CompileResult<Ordered> {
    let mut reverse: Mask = 0;
    if !path.is_empty() && !c.optimizes(optimizations::ORDER_BY_INDEX_JOIN) {
        return Ok(Ordered::default());
    }
    if order.len() > 63 {
        return Ok(Ordered::default());
    }
    let mut satisfied = Satisfied { bits: 0, all: (1u64 << order.len()) - 1 };
    let mut ready: Mask = 0;
    let mut distinct_sources: Mask = 0;
    let mut is_distinct = true;
    let mut fixing = operator::EQ | operator::IS | operator::IS_NULL;
    if wanted & (control::ORDER_BY_LIMIT | control::ORDER_BY_MAX | control::ORDER_BY_MIN) != 0 {
        fixing |= operator::IN;
    }
    let mut previous: Option<usize> = None;
    for (at, &number) in path.iter().chain([&last]).enumerate() {
        if !is_distinct || satisfied.complete() {
            break;
        }
        if let Some(previous) = previous {
            ready |= w.candidates[previous].self_mask;
        }
        previous = Some(number);
        if at < path.len() && wanted & control::ORDER_BY_LIMIT != 0 {
            continue;
        }
        if w.candidates[number].has(flag::VIRTUAL_TABLE) {
            let ordered = w.candidates[number].virtual_plan.as_ref().is_some_and(|plan| plan.is_ordered);
            if ordered && is_own_order {
                satisfied.bits = satisfied.all;
            } else {
                is_distinct = false;
            }
            break;
        }
        fixed_terms(c, w, order, number, ready, fixing, &mut satisfied);
        if !w.candidates[number].has(flag::ONE_ROW) {
            match loop_order(c, w, order, number, at, wanted, fixing, &mut satisfied, &mut reverse)? {
                Some(distinct) => is_distinct = distinct,
                None => return Ok(Ordered { terms: 0, reverse }),
            }
        }
        if is_distinct {
            distinct_sources |= w.candidates[number].self_mask;
            for (place, term) in order.iter().enumerate() {
                if satisfied.has(place) {
                    continue;
                }
                let needs = w.list_usage(c, [term.expr]);
                if needs == 0 && !is_constant(c, term.expr) {
                    continue;
                }
                if needs & !distinct_sources == 0 {
                    satisfied.add(place);
                }
            }
        }
    }
    if satisfied.bits == satisfied.all {
        return Ok(Ordered { terms: order.len() as i8, reverse });
    }
    if !is_distinct {
        for place in (1..order.len()).rev() {
            let leading = (1u64 << place) - 1;
            if satisfied.bits & leading == leading {
                return Ok(Ordered { terms: place as i8, reverse });
            }
        }
        return Ok(Ordered { terms: 0, reverse });
    }
    Ok(Ordered { terms: -1, reverse })
}

/// Terms on columns that an equality fixes.
fn fixed_terms(
    c: &Compiler<'_>,
    w: &WhereLoop,
    order: &[OrderTerm],
    number: usize,
    ready: Mask,
    fixing: u16,
    satisfied: &mut Satisfied,
) {
    let candidate = &w.candidates[number];
    let cursor = w.sources[candidate.source].cursor;
    for (place, term) in order.iter().enumerate() {
        if satisfied.has(place) {
            continue;
        }
        let inner = c.bound.skip_collate_and_likely(term.expr);
        let Some((own, column)) = c.bound.column_or_slot(inner) else { continue };
        if own != cursor {
            continue;
        }
        let Some(id) = w.find_term(c, cursor, column, !ready, fixing) else { continue };
        let found = w.term(id);
        if found.operator == operator::IN && !candidate.terms.contains(&Some(id)) {
            continue;
        }
        if found.op(operator::EQ | operator::IS) && column >= 0 {
            let Some((left, right)) = c.bound.operands(found.expr) else { continue };
            let name = c.bound.collation_name(term.expr);
            let fits = c
                .bound
                .comparison_collation(found.expr)
                .is_some_and(|other| other.eq_ignore_ascii_case(name));
            let affinity = c.bound.affinity(right);
            if !fits || (affinity != AFFINITY_NONE && affinity != c.bound.affinity(left)) {
                continue;
            }
        }
        satisfied.add(place);
    }
}

/// The order that one loop gives. `None`: nothing can be said of this path. Otherwise whether the loop's rows are distinct in the order seen.
#[allow(clippy::too_many_arguments)]
fn loop_order(
    c: &mut Compiler<'_>,
    w: &mut WhereLoop,
    order: &[OrderTerm],
    number: usize,
    at: usize,
    wanted: u32,
    fixing: u16,
    satisfied: &mut Satisfied,
    reverse: &mut Mask,
) -> CompileResult<Option<bool>> {
    let candidate = w.candidates[number].clone();
    let source = w.sources[candidate.source].clone();
    let cursor = source.cursor;
    let (index, key_columns, columns, mut is_distinct);
    if candidate.has(flag::ROWID) {
        if let Some(select) = candidate.ordered_by
            && c.optimizes(optimizations::ORDER_BY_SUBQUERY)
            && subquery_order(c, &candidate, select, order, at, cursor, wanted, satisfied, reverse)
        {
            return Ok(Some(false));
        }
        index = None;
        key_columns = 0;
        columns = 1;
        is_distinct = true;
    } else {
        match &candidate.index {
            Some(found) if !found.unordered => {
                key_columns = found.key_columns;
                columns = found.columns.len();
                is_distinct = found.unique && !candidate.has(flag::SKIP_SCAN);
                index = Some(Arc::clone(found));
            }
            _ => return Ok(None),
        }
    }
    let (mut backwards, mut direction_known, mut rowid_seen) = (false, false, false);
    for place in 0..columns {
        let mut once = true;
        if place < candidate.equal && place >= candidate.skip {
            let Some(id) = candidate.terms.get(place).copied().flatten() else { continue };
            let term = w.term(id);
            if term.op(fixing) {
                if term.op(operator::IS_NULL | operator::IS) {
                    is_distinct = false;
                }
                continue;
            }
            if term.op(operator::IN) {
                let expr = term.expr;
                let again = candidate.terms[place + 1..candidate.equal.max(place + 1)]
                    .iter()
                    .flatten()
                    .any(|&later| w.term(later).expr == expr);
                once = !again;
            }
        }
        let (mut number_of, descending) = match &index {
            Some(index) => {
                (column::index_column(index, place), index.descending.get(place).copied().unwrap_or(false))
            }
            None => (column::ROWID, false),
        };
        if let Some(table) = source.table()
            && table.rowid_alias.is_some_and(|alias| alias as i16 == number_of)
        {
            number_of = column::ROWID;
        }
        if is_distinct {
            let nullable = usize::try_from(number_of).is_ok_and(|at| {
                source
                    .table()
                    .and_then(|table| table.columns.get(at))
                    .is_none_or(|column| column.not_null.is_none())
            });
            if (nullable && place >= candidate.equal) || number_of == column::EXPR {
                is_distinct = false;
            }
        }
        let mut matched = None;
        for (term_at, term) in order.iter().enumerate() {
            if !once {
                break;
            }
            if satisfied.has(term_at) {
                continue;
            }
            if wanted & (control::GROUP_BY | control::DISTINCT_BY) == 0 {
                once = false;
            }
            if matches_column(c, &source, index.as_ref(), place, number_of, term)? {
                if wanted & control::DISTINCT_BY != 0 {
                    w.candidates[number].distinct_columns = place + 1;
                }
                matched = Some(term_at);
                break;
            }
        }
        if let Some(term_at) = matched
            && wanted & control::GROUP_BY == 0
        {
            let term = &order[term_at];
            if direction_known {
                if backwards != (descending != term.descending) {
                    matched = None;
                }
            } else {
                backwards = descending != term.descending;
                if backwards {
                    *reverse |= 1 << at;
                }
                direction_known = true;
            }
        }
        if let Some(term_at) = matched
            && big_null(&order[term_at])
        {
            if place == candidate.equal {
                w.candidates[number].flags |= flag::BIG_NULL_SORT;
            } else {
                matched = None;
            }
        }
        match matched {
            Some(term_at) => {
                rowid_seen |= number_of == column::ROWID;
                satisfied.add(term_at);
            }
            None => {
                if place == 0 || place < key_columns {
                    is_distinct = false;
                }
                break;
            }
        }
    }
    Ok(Some(is_distinct || rowid_seen))
}

/// Whether an ORDER BY term is an index column, in its collation.
fn matches_column(
    c: &mut Compiler<'_>,
    source: &super::where_loop::Source,
    index: Option<&Arc<crate::catalog::Index>>,
    place: usize,
    number: i16,
    term: &OrderTerm,
) -> CompileResult<bool> {
    let expr = c.bound.skip_collate_and_likely(term.expr);
    if number == column::EXPR {
        let (Some(index), Some(table)) = (index, source.table()) else { return Ok(false) };
        let indexed = column::index_expr(c, table, index, place)?;
        if compare_below_collate(c, expr, indexed, source.cursor) != Similarity::Same {
            return Ok(false);
        }
    } else if c.bound.column_or_slot(expr) != Some((source.cursor, number)) {
        return Ok(false);
    }
    Ok(match index {
        Some(index) if number != column::ROWID => {
            c.bound.collation_name(term.expr).eq_ignore_ascii_case(index_collation(index, place))
        }
        _ => true,
    })
}

/// A subquery's rows come in the order of its own ORDER BY.
#[allow(clippy::too_many_arguments)]
fn subquery_order(
    c: &Compiler<'_>,
    candidate: &Candidate,
    select: SelectId,
    order: &[OrderTerm],
    at: usize,
    cursor: kernite_vdbe::op::Cursor,
    wanted: u32,
    satisfied: &mut Satisfied,
    reverse: &mut Mask,
) -> bool {
    let mut place = (0..order.len()).find(|&place| !satisfied.has(place)).unwrap_or(order.len());
    let mut backwards = false;
    let mut matched = 0;
    for (inner_at, inner) in c.bound[select].order_by.iter().enumerate() {
        let Some(term) = order.get(place) else { break };
        if inner.result_column == 0
            || c.bound.column_or_slot(term.expr) != Some((cursor, inner.result_column as i16 - 1))
        {
            break;
        }
        if wanted & control::GROUP_BY == 0 {
            if big_null(inner) != big_null(term) {
                break;
            }
            if inner_at > 0 {
                if (backwards != inner.descending) != term.descending {
                    break;
                }
            } else {
                backwards = inner.descending != term.descending;
                if backwards {
                    if candidate.has(flag::COROUTINE) {
                        break;
                    }
                    *reverse |= 1 << at;
                }
            }
        }
        satisfied.add(place);
        place += 1;
        matched += 1;
    }
    matched > 0
}
