//! Automatic indexes and Bloom filters: made once, when the loop is first entered.

use std::sync::Arc;

use kernite_vdbe::op::{Op, WriteFlags};
use kernite_vdbe::{Addr, Reg};

use super::column;
use super::explain;
use crate::bound::JoinFlags;
use crate::catalog::{Index, IndexColumn, IndexOrigin};
use crate::codegen::expr::affinity::is_binary;
use crate::codegen::expr::{jump_if_false, read_column};
use crate::compile::{CompileResult, Compiler};
use crate::plan::btree_candidates::can_drive_index;
use crate::plan::clause::{ClauseId, TermId, term_flag};
use crate::plan::constant::is_single_table_constraint;
use crate::plan::log_est;
use crate::plan::optimizations;
use crate::plan::where_loop::{Mask, Source, WhereLoop, flag};

/// Bit of columns beyond the 63rd.
const TOP_BIT: u64 = 1 << 63;

fn column_bit(at: usize) -> u64 {
    1 << at.min(63)
}

/// The key terms of an automatic index: one per column.
fn key_terms(c: &Compiler<'_>, w: &WhereLoop, source: &Source, not_ready: Mask) -> Vec<(TermId, usize)> {
    let mut seen = 0;
    let mut keys = Vec::new();
    for at in 0..w.main().terms.len() {
        let id = TermId { clause: ClauseId::MAIN, at };
        if !can_drive_index(c, w, id, source, not_ready) {
            continue;
        }
        let column = w.term(id).left_column as usize;
        if seen & column_bit(column) == 0 {
            seen |= column_bit(column);
            keys.push((id, column));
        }
    }
    keys
}

/// Builds an automatic index for a level.
pub fn build(c: &mut Compiler<'_>, w: &mut WhereLoop, at: usize, not_ready: Mask) -> CompileResult<()> {
    let once = c.label();
    c.emit(Op::Once { to: once });
    let source = w.sources[w.levels[at].source].clone();
    let keys = key_terms(c, w, &source, not_ready);
    let mut partial = None;
    for place in 0..w.main().terms.len() {
        let term = &w.main().terms[place];
        if !term.is(term_flag::VIRTUAL)
            && is_single_table_constraint(c, term.expr, &w.sources, w.levels[at].source, false)
        {
            let expr = term.expr;
            let copy = c.copy_expr(expr);
            partial = Some(c.bound.and(partial, copy));
        }
    }
    let (index, binary) = describe(c, w, &source, &keys);
    let index = Arc::new(index);
    let number = w.levels[at].candidate;
    let candidate = &mut w.candidates[number];
    candidate.terms = keys.iter().map(|&(id, _)| Some(id)).collect();
    candidate.equal = keys.len();
    candidate.index = Some(Arc::clone(&index));
    candidate.flags = flag::COLUMN_EQ | flag::INDEX_ONLY | flag::INDEXED | flag::AUTO_INDEX;
    let cursor = c.cursor();
    w.levels[at].index_cursor = Some(cursor);
    let key = c.index_key(&index)?;
    let key = c.builder.key_info(key);
    let columns = index.columns.len() as u16;
    c.emit(Op::OpenAutoindex { cursor, columns, key });
    if c.optimizes(optimizations::BLOOM_FILTER) && binary {
        explain::explain_bloom(c, w, at);
        let bloom = c.reg();
        w.levels[at].bloom = bloom;
        c.emit(Op::Blob0 { size: 10_000, out: bloom });
    }
    let coroutine = source
        .subquery()
        .filter(|_| source.via_coroutine(c))
        .and_then(|select| c.codegen.subqueries.get(&select).copied().map(|state| (select, state)));
    let table_cursor = w.levels[at].table_cursor;
    let mut counter = None;
    let top;
    let end = c.label();
    match coroutine {
        Some((_, state)) => {
            counter = Some(c.integer(0, Reg(1)));
            c.emit(Op::InitCoroutine {
                co: state.return_reg,
                after: Addr(0),
                start: state.fill.unwrap_or(Addr(0)),
            });
            top = c.emit(Op::Yield { co: state.return_reg, done: end });
        }
        None => {
            let empty = if source.join.left { end } else { w.levels[at].halt_label };
            c.emit(Op::Rewind { cursor: table_cursor, empty });
            top = c.here();
        }
    }
    let next = c.label();
    if let Some(partial) = partial {
        jump_if_false(c, partial, next, true)?;
        w.candidates[number].flags |= flag::PARTIAL_INDEX;
    }
    let record = c.builder.temp_reg();
    let first = load_columns(c, &source, &index, record)?;
    if w.levels[at].bloom.is_some() {
        let filter = w.levels[at].bloom;
        c.emit(Op::FilterAdd { filter, first, count: keys.len() as u32 });
    }
    let flags = WriteFlags { use_seek_result: true, ..WriteFlags::default() };
    c.emit(Op::IdxInsert { cursor, record, first: Reg(0), count: 0, flags });
    c.bind(next);
    match coroutine {
        Some((select, state)) => {
            let rowid = first.plus(index.columns.len() as u32 - 1);
            if let Some(counter) = counter
                && let Op::Integer { out, .. } = c.builder.op_mut(counter)
            {
                *out = rowid;
            }
            super::end::columns_to_copies(c, top, table_cursor, state.result, Some(cursor));
            c.goto(top);
            if let Some(state) = c.codegen.subqueries.get_mut(&select) {
                state.via_coroutine = false;
            }
        }
        None => {
            c.emit(Op::Next { cursor: table_cursor, to: top, counter: 3 });
        }
    }
    c.bind(end);
    c.builder.release_temp(record);
    c.bind(once);
    Ok(())
}

/// Describes the index: the key columns, then the others that are used, then the rowid. Also whether the keys compare by BINARY.
fn describe(c: &Compiler<'_>, w: &WhereLoop, source: &Source, keys: &[(TermId, usize)]) -> (Index, bool) {
    let mut columns = Vec::new();
    let mut collations = Vec::new();
    let mut binary = true;
    let mut in_key = 0;
    for &(id, column) in keys {
        in_key |= column_bit(column);
        let name = c.bound.comparison_collation(w.term(id).expr);
        binary &= is_binary(name);
        columns.push(IndexColumn::Column(column));
        collations.push(name.map(Into::into));
    }
    let count = source.column_count;
    let mut extra = match source.subquery() {
        Some(_) => !in_key,
        None => source.columns_used & (!in_key | TOP_BIT),
    };
    if let Some(table) = source.table().filter(|table| table.without_rowid) {
        for (at, column) in table.columns.iter().enumerate() {
            if column.flags.primary_key && in_key & column_bit(at) == 0 {
                extra |= column_bit(at);
            }
        }
    }
    for at in 0..count.min(63) {
        if extra & column_bit(at) != 0 {
            columns.push(IndexColumn::Column(at));
        }
    }
    if source.columns_used & TOP_BIT != 0 {
        columns.extend((63..count).map(IndexColumn::Column));
    }
    if source.has_rowid() {
        columns.push(IndexColumn::Rowid);
    }
    collations.resize(columns.len(), None);
    let (table_name, db, ast) = match source.table() {
        Some(table) => (table.name.clone(), table.db, Arc::clone(&table.ast)),
        None => (source.name.as_bytes().into(), kernite_vdbe::Db(0), Arc::clone(&c.ast)),
    };
    let index = Index {
        name: b"auto-index"[..].into(),
        table: table_name,
        db,
        root: kernite_btree::PageNo::ONE,
        origin: IndexOrigin::Created,
        unique: false,
        on_conflict: kernite_vdbe::op::OnConflict::Abort,
        declared_conflict: None,
        descending: vec![false; columns.len()],
        key_columns: columns.len() - usize::from(source.has_rowid()),
        columns,
        collations,
        unique_not_null: false,
        filter: None,
        row_estimates: Vec::new(),
        has_statistics: false,
        unordered: false,
        no_skip_scan: false,
        row_size_estimate: 0,
        sql: None,
        ast,
    };
    (index, binary)
}

/// Loads the columns of an automatic index's entry and makes its record; the first register.
fn load_columns(c: &mut Compiler<'_>, source: &Source, index: &Index, record: Reg) -> CompileResult<Reg> {
    let count = index.columns.len() as u32;
    let first = c.builder.temp_range(count);
    for at in 0..index.columns.len() {
        let number = column::index_column(index, at);
        read_column(c, source.table(), source.cursor, number, first.plus(at as u32), column::HINT_NONE)?;
        // The index keeps integers of REAL columns as they are stored.
        let last = Addr(c.here().0 - 1);
        if matches!(c.builder.op(last), Op::RealAffinity { .. }) {
            c.builder.remove_last(last);
        }
    }
    c.emit(Op::MakeRecord { first, count, out: record, affinities: Default::default() });
    c.builder.release_temp_range(first, count);
    Ok(first)
}

/// Fills the Bloom filters of this level and of inner ones that can be filled by now.
pub fn build_bloom_filters(
    c: &mut Compiler<'_>,
    w: &mut WhereLoop,
    at: usize,
    not_ready: Mask,
) -> CompileResult<()> {
    let saved_exprs = std::mem::take(&mut c.codegen.indexed_exprs);
    let saved_columns = std::mem::take(&mut c.codegen.partial_index_columns);
    let once = c.label();
    c.emit(Op::Once { to: once });
    let mut at = at;
    loop {
        build_bloom_filter(c, w, at)?;
        let number = w.levels[at].candidate;
        w.candidates[number].flags &= !flag::BLOOM_FILTER;
        let next = (at + 1..w.levels.len()).find(|&inner| {
            let join: JoinFlags = w.sources[w.levels[inner].source].join;
            let candidate = w.chosen(inner);
            !(join.left || join.left_of_right_join)
                && candidate.prereq & not_ready == 0
                && candidate.has(flag::BLOOM_FILTER)
                && !candidate.has(flag::COLUMN_IN)
        });
        match next {
            Some(inner) => at = inner,
            None => break,
        }
    }
    c.bind(once);
    c.codegen.indexed_exprs = saved_exprs;
    c.codegen.partial_index_columns = saved_columns;
    Ok(())
}

fn build_bloom_filter(c: &mut Compiler<'_>, w: &mut WhereLoop, at: usize) -> CompileResult<()> {
    explain::explain_bloom(c, w, at);
    let source = w.sources[w.levels[at].source].clone();
    let cursor = w.levels[at].table_cursor;
    let filter = c.reg();
    w.levels[at].bloom = filter;
    let size = log_est::to_integer(source.row_estimate(c)).clamp(10_000, 10_000_000) as u32;
    c.emit(Op::Blob0 { size, out: filter });
    let (end, next) = (c.label(), c.label());
    c.emit(Op::Rewind { cursor, empty: end });
    let top = c.here();
    for place in 0..w.main().terms.len() {
        let term = &w.main().terms[place];
        if !term.is(term_flag::VIRTUAL)
            && is_single_table_constraint(c, term.expr, &w.sources, w.levels[at].source, false)
        {
            let expr = term.expr;
            jump_if_false(c, expr, next, true)?;
        }
    }
    let candidate = w.chosen(at).clone();
    if candidate.has(flag::ROWID) {
        let rowid = c.builder.temp_reg();
        c.emit(Op::Rowid { cursor, out: rowid });
        c.emit(Op::FilterAdd { filter, first: rowid, count: 1 });
        c.builder.release_temp(rowid);
    } else if let (Some(index), Some(table)) = (&candidate.index, source.table()) {
        let count = candidate.equal as u32;
        let first = c.builder.temp_range(count);
        for place in 0..candidate.equal {
            column::load_index_column(c, table, index, cursor, place, first.plus(place as u32))?;
        }
        c.emit(Op::FilterAdd { filter, first, count });
        c.builder.release_temp_range(first, count);
    }
    c.bind(next);
    c.emit(Op::Next { cursor, to: top, counter: 0 });
    c.bind(end);
    Ok(())
}
