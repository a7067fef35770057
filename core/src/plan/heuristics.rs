//! What is done around the solver: redundant DISTINCT, scans that a search makes pointless, outer joins that change nothing, Bloom filters.

use std::sync::Arc;

use super::clause::{operator, term_flag};
use super::log_est::LogEst;
use super::where_loop::{Mask, WhereLoop, control, flag};
use crate::bound::{ExprFlags, ExprId};
use crate::catalog::Index;
use crate::codegen::column;
use crate::codegen::expr::index_collation;
use crate::compile::{CompileResult, Compiler};

/// Whether DISTINCT removes nothing: the rowid or all columns of a unique NOT NULL key are in the result or fixed.
pub fn is_distinct_redundant(c: &mut Compiler<'_>, w: &WhereLoop, result: &[ExprId]) -> CompileResult<bool> {
    let [source] = &w.sources[..] else { return Ok(false) };
    let source = source.clone();
    for &expr in result {
        let inner = c.bound.skip_collate_and_likely(expr);
        if let Some((cursor, column)) = c.bound.column_or_slot(inner)
            && cursor == source.cursor
            && column < 0
        {
            return Ok(true);
        }
    }
    let Some(table) = source.table() else { return Ok(false) };
    for index in source.indexes() {
        if !index.unique || index.filter.is_some() {
            continue;
        }
        let mut covered = true;
        for at in 0..index.key_columns {
            let fixed = w.find_index_term(c, source.cursor, table, index, at, Mask::MAX, operator::EQ)?;
            if fixed.is_none() && !(in_result(c, &source, index, at, result) && is_not_null(table, index, at))
            {
                covered = false;
                break;
            }
        }
        if covered {
            return Ok(true);
        }
    }
    Ok(false)
}

fn in_result(
    c: &Compiler<'_>,
    source: &super::where_loop::Source,
    index: &Index,
    at: usize,
    result: &[ExprId],
) -> bool {
    let wanted = (source.cursor, column::index_column(index, at));
    result.iter().any(|&expr| {
        c.bound.column_or_slot(c.bound.skip_collate_and_likely(expr)) == Some(wanted)
            && c.bound.collation_name(expr).eq_ignore_ascii_case(index_collation(index, at))
    })
}

fn is_not_null(table: &crate::catalog::Table, index: &Index, at: usize) -> bool {
    match usize::try_from(column::index_column(index, at)) {
        Ok(column) => table.columns.get(column).is_some_and(|column| column.not_null.is_some()),
        Err(_) => column::index_column(index, at) == column::ROWID,
    }
}

/// Between the two rounds of the solver: a source that the first round searches by equality is not scanned in the second for the sake of an
/// order.
pub fn forbid_scans(w: &mut WhereLoop) {
    for level in 0..w.levels.len() {
        let chosen = w.chosen(level);
        if chosen.has(flag::VIRTUAL_TABLE)
            || !chosen.any(flag::COLUMN_EQ | flag::COLUMN_NULL | flag::COLUMN_IN)
        {
            break;
        }
        let source = chosen.source;
        for candidate in &mut w.candidates {
            if candidate.source == source && !candidate.any(flag::CONSTRAINT | flag::AUTO_INDEX) {
                candidate.prereq = Mask::MAX;
            }
        }
    }
}

/// Leaves out LEFT JOINs whose table nothing else looks at and that add no rows. Returns the sources left out.
pub fn omit_unused_joins(c: &Compiler<'_>, w: &mut WhereLoop) -> Mask {
    let mut omitted = 0;
    let Some(result) = w.result_set.clone() else { return omitted };
    let mut used = w.list_usage(c, result.iter().copied());
    if let Some(order) = &w.order_by {
        used |= w.list_usage(c, order.iter().map(|term| term.expr));
    }
    for at in (1..w.levels.len()).rev() {
        let candidate = w.chosen(at).clone();
        let join = w.sources[candidate.source].join;
        let cursor = w.sources[candidate.source].cursor;
        let own = candidate.self_mask;
        if !join.left
            || join.right
            || (!w.wants(control::WANT_DISTINCT) && !candidate.has(flag::ONE_ROW))
            || used & own != 0
        {
            continue;
        }
        let needed = w.main().terms.iter().any(|term| {
            let node = &c.bound[term.expr];
            term.prereq_all & own != 0
                && !(node.flags.has(ExprFlags::OUTER_ON) && node.join_cursor == Some(cursor))
        });
        if needed {
            continue;
        }
        let below = (1 << at) - 1;
        w.reverse = (below & w.reverse) | ((w.reverse >> 1) & !below);
        for term in &mut w.clauses[0].terms {
            if term.prereq_all & own != 0 {
                term.flags |= term_flag::CODED;
                term.prereq_all = 0;
            }
        }
        omitted |= own;
        w.levels.remove(at);
    }
    omitted
}

/// Chooses the searches that a Bloom filter shall spare: many searches in a table with few rows that satisfy its own terms.
pub fn choose_bloom_filters(c: &Compiler<'_>, w: &mut WhereLoop) {
    let mut searches: LogEst = 0;
    for level in 0..w.levels.len() {
        let number = w.levels[level].candidate;
        let source = &w.sources[w.candidates[number].source];
        let Some(table) = source.table() else { break };
        if !table.has_statistics {
            break;
        }
        let rows = source.row_estimate(c);
        let candidate = &mut w.candidates[number];
        if level >= 1
            && candidate.has(flag::SELF_CULL | flag::COLUMN_EQ)
            && is_bloomable(candidate)
            && searches > rows
        {
            candidate.flags |= flag::BLOOM_FILTER;
            candidate.flags &= !flag::INDEX_ONLY;
        }
        searches = searches.saturating_add(candidate.out);
    }
}

/// Whether the keys of a search are hashed as they compare.
pub fn is_bloomable(candidate: &super::where_loop::Candidate) -> bool {
    match &candidate.index {
        _ if candidate.has(flag::ROWID) => true,
        Some(index) => key_is_bloomable(index, candidate.equal),
        None => false,
    }
}

/// Whether the first columns of an index compare by BINARY.
pub fn key_is_bloomable(index: &Arc<Index>, columns: usize) -> bool {
    (0..columns).all(|at| index_collation(index, at).eq_ignore_ascii_case(b"BINARY"))
}
