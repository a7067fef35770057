//! The plan of the commonest statement: one table, all columns of a unique key given. No search is needed.

use std::sync::Arc;

use super::btree_candidates::columns_not_indexed;
use super::clause::{ClauseId, TermId, operator};
use super::scan::{Scan, View};
use super::where_loop::{Candidate, Distinct, WhereLoop, control, flag};
use crate::bound::IndexHint;
use crate::codegen::column;
use crate::compile::{CompileResult, Compiler};

/// Plans a lookup by rowid or unique key. False if the WHERE clause is none.
pub fn plan_lookup(c: &mut Compiler<'_>, w: &mut WhereLoop) -> CompileResult<bool> {
    let source = w.sources[0].clone();
    if w.wants(control::OR_SUBCLAUSE) || source.is_virtual() || !matches!(source.hint, IndexHint::Any) {
        return Ok(false);
    }
    let view = View::of(w, ClauseId::MAIN);
    let mut new = Candidate { self_mask: 1, out: 1, ..Candidate::default() };
    let scan = Scan::column(view, source.cursor, column::ROWID, operator::EQ | operator::IS);
    let mut transitive = false;
    if let Some((id, followed)) = ready_term(c, w, scan) {
        new.flags = flag::COLUMN_EQ | flag::ROWID | flag::ONE_ROW;
        new.terms.push(Some(id));
        new.equal = 1;
        // Cost of one lookup by rowid.
        new.run = 33;
        transitive = followed;
    } else if let Some(table) = source.table() {
        for index in source.indexes() {
            /// Longer keys are left to the general search.
            const KEY_COLUMNS_MAX: usize = 3;
            if !index.unique || index.filter.is_some() || index.key_columns > KEY_COLUMNS_MAX {
                continue;
            }
            let operators = if index.unique_not_null { operator::EQ | operator::IS } else { operator::EQ };
            new.terms.clear();
            for at in 0..index.key_columns {
                let scan = Scan::index(c, view, source.cursor, Some(table), Some(index), at, operators)?;
                let Some((id, followed)) = ready_term(c, w, scan) else { break };
                new.terms.push(Some(id));
                transitive = followed;
            }
            if new.terms.len() != index.key_columns {
                continue;
            }
            new.flags = flag::COLUMN_EQ | flag::ONE_ROW | flag::INDEXED;
            let covering = (column::is_primary_key(index) && table.without_rowid)
                || source.columns_used & columns_not_indexed(index) == 0;
            if covering {
                new.flags |= flag::INDEX_ONLY;
            }
            new.equal = index.key_columns;
            new.index = Some(Arc::clone(index));
            // Cost of one lookup by index.
            new.run = 39;
            break;
        }
    }
    if new.flags == 0 {
        return Ok(false);
    }
    if transitive {
        new.flags |= flag::TRANSITIVE;
    }
    w.candidates.push(new);
    w.levels[0].candidate = w.candidates.len() - 1;
    w.levels[0].table_cursor = source.cursor;
    w.rows_out = 1;
    w.order_satisfied = w.order_by.as_ref().map_or(0, |order| order.len());
    if w.wants(control::WANT_DISTINCT) {
        w.distinct = Distinct::Unique;
    }
    Ok(true)
}

/// The first term whose right side needs no source, and whether it was reached through an equal column.
fn ready_term(c: &Compiler<'_>, w: &WhereLoop, mut scan: Scan) -> Option<(TermId, bool)> {
    while let Some(id) = scan.next(c, w) {
        if w.term(id).prereq_right == 0 {
            return Some((id, scan.equivalent > 1));
        }
    }
    None
}
