//! The start of one loop: the cursor is placed, and the terms that can be tested are tested.

use std::sync::Arc;

use kernite_vdbe::op::{CollationId, CompareFlags, ConstId, Cursor, IntsId, Op, WriteFlags};
use kernite_vdbe::vtab::ConstraintOp;
use kernite_vdbe::{Addr, Reg};

use super::search::{apply_affinities, code_all_equalities, code_bound, code_equality, reduce_affinities};
use super::{column, disable_term, is_ready};
use crate::bound::{AFFINITY_NUMERIC, BinaryOp, ExprFlags, ExprId, ExprKind, Similarity};
use crate::catalog::{Index, Table};
use crate::codegen::expr::{code_in_list, code_temp, emit_compare, jump_if_false};
use crate::compile::{CompileResult, Compiler};
use crate::plan::btree_candidates::is_covered;
use crate::plan::candidates::in_outer_join;
use crate::plan::clause::{ClauseId, TermId, operator, term_flag};
use crate::plan::where_loop::{Candidate, Mask, OnePass, Source, SourceKind, Step, WhereLoop, control, flag};

/// Codes the start of a level; the sources not ready inside of it.
pub fn start(c: &mut Compiler<'_>, w: &mut WhereLoop, at: usize, not_ready: Mask) -> CompileResult<Mask> {
    let candidate = w.chosen(at).clone();
    let source = w.sources[w.levels[at].source].clone();
    let reverse = w.reverse >> at & 1 != 0;
    let own = w.mask_of(source.cursor);
    let label = c.label();
    let level = &mut w.levels[at];
    level.not_ready = not_ready & !own;
    level.next_label = level.break_label;
    level.continue_label = label;
    if level.source > 0 && source.join.left {
        let flag = c.reg();
        w.levels[at].left_join = flag;
        c.integer(0, flag);
        if source.via_coroutine(c) {
            c.emit(Op::NullRow { cursor: source.cursor });
        }
    }
    let mut index_read = None;
    if source.via_coroutine(c) {
        start_coroutine(c, w, at, &source);
    } else if candidate.has(flag::VIRTUAL_TABLE) {
        start_virtual(c, w, at, &candidate, reverse)?;
    } else if candidate.has(flag::ROWID) && candidate.any(flag::COLUMN_IN | flag::COLUMN_EQ) {
        start_rowid_lookup(c, w, at, &candidate, reverse, not_ready)?;
    } else if candidate.has(flag::ROWID) && candidate.has(flag::COLUMN_RANGE) {
        start_rowid_range(c, w, at, &candidate, reverse)?;
    } else if candidate.has(flag::INDEXED) {
        if let Some(index) = candidate.index.clone() {
            let omits_table = start_index(c, w, at, &source, &index, reverse, not_ready)?;
            index_read = (!omits_table).then_some(index);
        }
    } else if candidate.has(flag::MULTI_OR) {
        super::or_loop::start(c, w, at, &source)?;
    } else if !matches!(source.kind, SourceKind::Recursive) {
        let (cursor, empty) = (source.cursor, w.levels[at].halt_label);
        match reverse {
            true => c.emit(Op::Last { cursor, empty }),
            false => c.emit(Op::Rewind { cursor, empty }),
        };
        let to = c.here();
        w.levels[at].step = step(reverse, cursor, to, true);
    }
    test_terms(c, w, at, &source, index_read.as_ref())?;
    test_transitive(c, w, at, &source, not_ready)?;
    if w.levels[at].right_join.is_some() {
        note_match(c, w, at, &source)?;
    }
    if w.levels[at].left_join.is_some() {
        w.levels[at].first = c.here();
        c.integer(1, w.levels[at].left_join);
    }
    if let Some(mut right_join) = w.levels[at].right_join {
        c.nulls(right_join.return_reg, 1);
        right_join.start = c.here();
        w.levels[at].right_join = Some(right_join);
        c.codegen.right_join_depth += 1;
    }
    if w.levels[at].left_join.is_some() || w.levels[at].right_join.is_some() {
        test_outer_terms(c, w, at, &source)?;
    }
    Ok(w.levels[at].not_ready)
}

fn start_coroutine(c: &mut Compiler<'_>, w: &mut WhereLoop, at: usize, source: &Source) {
    let Some(state) = source.subquery().and_then(|select| c.codegen.subqueries.get(&select)).copied() else {
        return;
    };
    let start = state.fill.unwrap_or(Addr(0));
    c.emit(Op::InitCoroutine { co: state.return_reg, after: Addr(0), start });
    let to = c.emit(Op::Yield { co: state.return_reg, done: w.levels[at].break_label });
    w.levels[at].step = Step::Goto { to };
}

/// A virtual table: its arguments, then its first row.
fn start_virtual(
    c: &mut Compiler<'_>,
    w: &mut WhereLoop,
    at: usize,
    candidate: &Candidate,
    reverse: bool,
) -> CompileResult<()> {
    let Some(plan) = candidate.virtual_plan.clone() else { return Ok(()) };
    let cursor = w.levels[at].table_cursor;
    let count = candidate.terms.len();
    let first = c.builder.alloc_regs(count as u32 + 2);
    let argument = |place: usize| first.plus(place as u32 + 2);
    let at_once = |place: usize| place < 32 && plan.handle_in >> place & 1 != 0;
    let mut empty = w.levels[at].break_label;
    for (place, id) in candidate.terms.iter().enumerate() {
        let Some(id) = *id else { continue };
        let (target, expr) = (argument(place), w.term(id).expr);
        if w.term(id).op(operator::IN) {
            if at_once(place) {
                let list = c.cursor();
                let cache = c.reg();
                code_in_list(c, expr, list, false)?;
                c.emit(Op::VInitIn { cursor: list, key: cache, out: target });
            } else {
                code_equality(c, w, at, id, place, reverse, target)?;
                empty = w.levels[at].next_label;
            }
            continue;
        }
        let right = w.term(id).auxiliary.or_else(|| c.bound.operands(expr).map(|(_, right)| right));
        match right {
            Some(right) => {
                code_bound(c, right, target, 1)?;
                if plan.omit_offset && w.term(id).match_op == ConstraintOp::OFFSET.0 {
                    // The table leaves these rows out.
                    let offset = w.select.map_or(Reg(0), |select| c.codegen.select(select).offset);
                    if offset.is_some() {
                        c.integer(0, offset);
                    }
                }
            }
            // IS NULL
            None => {
                c.nulls(target, 1);
            }
        }
    }
    c.integer(plan.number, first);
    c.integer(count as i32, first.plus(1));
    let idx_str = match &plan.text {
        Some(text) => c.builder.name(text),
        None => ConstId(0),
    };
    c.emit(Op::VFilter { cursor, empty, first, idx_str });
    let to = c.here();
    w.levels[at].step = match w.one_pass {
        OnePass::Off => Step::VirtualNext { cursor, to },
        _ => Step::None,
    };
    for (place, id) in candidate.terms.iter().enumerate() {
        let Some(id) = *id else { continue };
        if place < 16 && plan.omit >> place & 1 != 0 {
            disable_term(c, w, at, id);
        } else if w.term(id).op(operator::IN) && !at_once(place) {
            test_in_value(c, w, at, id, argument(place))?;
        }
    }
    Ok(())
}

/// Tests a row of a virtual table against the value of an IN that is its turn. The table may have changed the register: it is loaded again.
fn test_in_value(c: &mut Compiler<'_>, w: &WhereLoop, at: usize, id: TermId, reg: Reg) -> CompileResult<()> {
    let loads =
        w.levels[at].in_loops.iter().find_map(|in_loop| match c.builder.ops().get(in_loop.top.0 as usize) {
            Some(op @ Op::Column { out, .. }) | Some(op @ Op::Rowid { out, .. }) if *out == reg => {
                Some(op.clone())
            }
            _ => None,
        });
    if let Some(load) = loads {
        c.emit(load);
    }
    let (expr, field) = (w.term(id).expr, w.term(id).field);
    let ExprKind::In { operand, .. } = c.bound[expr].kind else { return Ok(()) };
    let left = match field {
        0 => operand,
        field => c.bound.vector_field(operand, field - 1),
    };
    let right = c.bound.make(ExprKind::Register { reg, of: None });
    let test = c.bound.binary(BinaryOp::Eq, left, right);
    jump_if_false(c, test, w.levels[at].continue_label, true)
}

/// `rowid = x`, `rowid IN (…)`
fn start_rowid_lookup(
    c: &mut Compiler<'_>,
    w: &mut WhereLoop,
    at: usize,
    candidate: &Candidate,
    reverse: bool,
    not_ready: Mask,
) -> CompileResult<()> {
    let Some(id) = candidate.terms.first().copied().flatten() else { return Ok(()) };
    let own = c.reg();
    let key = code_equality(c, w, at, id, 0, reverse, own)?;
    if key != own {
        c.builder.release_temp(own);
    }
    let miss = w.levels[at].next_label;
    if w.levels[at].bloom.is_some() {
        c.emit(Op::MustBeInt { value: key, to: miss });
        c.emit(Op::Filter { filter: w.levels[at].bloom, first: key, count: 1, to: miss });
        pull_filters_down(c, w, at, miss, not_ready)?;
    }
    c.emit(Op::SeekRowid { cursor: w.levels[at].table_cursor, key, miss });
    w.levels[at].step = Step::None;
    Ok(())
}

/// The comparison operator of a range term and its bound.
fn range_of(c: &Compiler<'_>, w: &WhereLoop, id: TermId) -> (BinaryOp, ExprId) {
    let expr = w.term(id).expr;
    match c.bound[expr].kind {
        ExprKind::Binary { op, right, .. } => (op, right),
        _ => (BinaryOp::Ge, expr),
    }
}

/// `rowid > x AND rowid < y`
fn start_rowid_range(
    c: &mut Compiler<'_>,
    w: &mut WhereLoop,
    at: usize,
    candidate: &Candidate,
    reverse: bool,
) -> CompileResult<()> {
    let cursor = w.levels[at].table_cursor;
    let mut terms = candidate.terms.iter().copied().flatten();
    let bottom = candidate.has(flag::BOTTOM_LIMIT).then(|| terms.next()).flatten();
    let top = candidate.has(flag::TOP_LIMIT).then(|| terms.next()).flatten();
    let (begin, end) = if reverse { (top, bottom) } else { (bottom, top) };
    match begin {
        Some(id) => {
            let (wanted, right) = range_of(c, w, id);
            let miss = w.levels[at].break_label;
            let (key, free, op);
            if c.bound.is_vector(right) {
                free = c.builder.temp_reg();
                key = free;
                code_bound(c, right, key, 1)?;
                // Only the first field is compared here: equality has to stay in.
                op = match wanted {
                    BinaryOp::Gt | BinaryOp::Ge => BinaryOp::Ge,
                    _ => BinaryOp::Le,
                };
            } else {
                let temp = code_temp(c, right)?;
                (key, free) = (temp.reg, temp.free);
                op = wanted;
                disable_term(c, w, at, id);
            }
            let count = 1;
            c.emit(match op {
                BinaryOp::Gt => Op::SeekGT { cursor, key, count, miss },
                BinaryOp::Ge => Op::SeekGE { cursor, key, count, miss, equal_only: false },
                BinaryOp::Lt => Op::SeekLT { cursor, key, count, miss },
                _ => Op::SeekLE { cursor, key, count, miss, equal_only: false },
            });
            c.builder.release_temp(free);
        }
        None => {
            let empty = w.levels[at].halt_label;
            match reverse {
                true => c.emit(Op::Last { cursor, empty }),
                false => c.emit(Op::Rewind { cursor, empty }),
            };
        }
    }
    let mut stop = None;
    if let Some(id) = end {
        let (op, right) = range_of(c, w, id);
        let bound = c.reg();
        code_bound(c, right, bound, 1)?;
        let is_vector = c.bound.is_vector(right);
        let strict = !is_vector && matches!(op, BinaryOp::Lt | BinaryOp::Gt);
        let test = match (reverse, strict) {
            (false, true) => BinaryOp::Ge,
            (false, false) => BinaryOp::Gt,
            (true, true) => BinaryOp::Le,
            (true, false) => BinaryOp::Lt,
        };
        stop = Some((test, bound));
        if !is_vector {
            disable_term(c, w, at, id);
        }
    }
    let to = c.here();
    w.levels[at].step = step(reverse, cursor, to, false);
    if let Some((test, bound)) = stop {
        let rowid = c.reg();
        c.emit(Op::Rowid { cursor, out: rowid });
        let flags = CompareFlags { affinity: AFFINITY_NUMERIC, jump_if_null: true, null_eq: false };
        emit_compare(c, test, rowid, bound, w.levels[at].break_label, flags, CollationId(0));
    }
    Ok(())
}

/// One end of a range on an index.
#[derive(Clone, Copy)]
struct Bound {
    term: Option<TermId>,
    /// Columns of the row value that bounds.
    width: usize,
}

/// A search or scan of an index. Returns whether the table is not read at all.
#[allow(clippy::too_many_lines)]
fn start_index(
    c: &mut Compiler<'_>,
    w: &mut WhereLoop,
    at: usize,
    source: &Source,
    index: &Arc<Index>,
    reverse: bool,
    not_ready: Mask,
) -> CompileResult<bool> {
    let candidate = w.chosen(at).clone();
    let Some(cursor) = w.levels[at].index_cursor else { return Ok(false) };
    let equal = candidate.equal;
    let mut terms = candidate.terms.iter().copied().skip(equal);
    let mut extra = 0;
    let mut begin = Bound { term: None, width: candidate.bottom };
    let mut end = Bound { term: None, width: candidate.top };
    let (mut seek_past_null, mut stop_at_null) = (false, false);
    if candidate.has(flag::BOTTOM_LIMIT) {
        begin.term = terms.next().flatten();
        extra = extra.max(candidate.bottom);
    }
    if candidate.has(flag::TOP_LIMIT) {
        end.term = terms.next().flatten();
        extra = extra.max(candidate.top);
        if let Some(id) = end.term
            && w.term(id).is(term_flag::LIKE_BOUND)
        {
            start_like(c, w, at, index, equal, reverse);
        }
        if begin.term.is_none() {
            seek_past_null = is_nullable(source.table(), index, equal);
        }
    }
    let mut big_null = Reg(0);
    if !candidate.any(flag::TOP_LIMIT | flag::BOTTOM_LIMIT) && candidate.has(flag::BIG_NULL_SORT) {
        extra = 1;
        seek_past_null = true;
        big_null = c.reg();
        w.levels[at].big_null = big_null;
        if w.levels[at].left_join.is_some() {
            c.integer(0, big_null);
        }
        w.levels[at].big_null_label = c.label();
    }
    let descending = index.descending.get(equal).copied().unwrap_or(false);
    if equal < index.columns.len() && reverse != descending {
        std::mem::swap(&mut begin, &mut end);
        std::mem::swap(&mut seek_past_null, &mut stop_at_null);
    }
    if at > 0 && candidate.has(flag::IN_SEEK_SCAN) {
        // The first SeekScan of each round must not take the position of the last one for its own.
        c.emit(Op::NullRow { cursor });
    }
    let (base, mut affinities) = code_all_equalities(c, w, at, reverse, extra)?;
    let mut end_affinities = affinities[equal..].to_vec();
    let next = if big_null.is_some() { w.levels[at].big_null_label } else { w.levels[at].next_label };
    let mut begin_equal = begin.term.is_none_or(|id| w.term(id).op(operator::LE | operator::GE));
    let mut end_equal = end.term.is_none_or(|id| w.term(id).op(operator::LE | operator::GE));
    let mut constrained = begin.term.is_some() || equal > 0;
    let mut count = equal;
    let bound_reg = base.plus(equal as u32);
    if let Some(id) = begin.term {
        let right = code_range_bound(c, w, at, id, bound_reg, begin.width, next)?;
        reduce_affinities(c, right, &mut affinities[equal..equal + begin.width]);
        count += begin.width;
        if c.bound.is_vector(right) {
            begin_equal = true;
        } else {
            disable_term(c, w, at, id);
        }
        seek_past_null = false;
    } else if seek_past_null || big_null.is_some() {
        begin_equal = begin_equal && !seek_past_null;
        c.nulls(bound_reg, 1);
        constrained = true;
        count += 1;
    }
    apply_affinities(c, base, &affinities[..count - usize::from(seek_past_null)]);
    let mut seek_scan = None;
    if !(candidate.skip > 0 && count == candidate.skip) {
        if big_null.is_some() {
            c.integer(1, big_null);
        }
        if w.levels[at].bloom.is_some() {
            let filter = w.levels[at].bloom;
            c.emit(Op::Filter { filter, first: base, count: equal as u32, to: next });
            pull_filters_down(c, w, at, next, not_ready)?;
        }
        let seeks_ge = constrained && begin_equal && !reverse;
        if candidate.has(flag::IN_SEEK_SCAN) && seeks_ge {
            let steps = (i32::from(index.row_estimates.first().copied().unwrap_or(0)) + 9) / 10;
            let range = begin.term.is_some() || end.term.is_some();
            let scan = c.emit(Op::SeekScan { cursor, steps: steps.max(0) as u32, to: Addr(0), range });
            if range {
                // With a range behind it, the scan cannot skip the test of the range's end.
                let past = Addr(c.here().0 + 1);
                c.builder.set_jump(scan, past);
            } else {
                seek_scan = Some(scan);
            }
        }
        emit_start(c, cursor, base, count, next, constrained, begin_equal, reverse);
        if big_null.is_some() {
            let past = c.label();
            c.goto(past);
            let fewer = count - usize::from(begin_equal);
            emit_start(c, cursor, base, fewer, next, count > 1, true, reverse);
            c.bind(past);
        }
    }
    count = equal;
    if let Some(id) = end.term {
        let right = code_range_bound(c, w, at, id, bound_reg, end.width, next)?;
        reduce_affinities(c, right, &mut end_affinities[..end.width]);
        apply_affinities(c, bound_reg, &end_affinities[..end.width]);
        count += end.width;
        if c.bound.is_vector(right) {
            end_equal = true;
        } else {
            disable_term(c, w, at, id);
        }
    } else if stop_at_null {
        if big_null.is_none() {
            c.nulls(bound_reg, 1);
            end_equal = false;
        }
        count += 1;
    }
    let top = c.here();
    if count > 0 {
        let past = c.label();
        if big_null.is_some() {
            c.emit(Op::IfNot { value: big_null, to: past, jump_if_null: false });
        }
        emit_end(c, cursor, base, count, next, reverse, end_equal);
        if let Some(scan) = seek_scan {
            c.jump_here(scan);
        }
        c.bind(past);
    }
    if big_null.is_some() {
        let past = c.label();
        c.emit(Op::If { value: big_null, to: past, jump_if_null: false });
        let more = count + usize::from(seek_past_null);
        emit_end(c, cursor, base, more, next, reverse, seek_past_null);
        c.bind(past);
    }
    if w.chosen(at).has(flag::IN_EARLY_OUT) {
        c.emit(Op::SeekHit { cursor, low: equal as u16, high: equal as u16 });
    }
    let omits_table =
        candidate.has(flag::INDEX_ONLY) && !w.wants(control::OR_SUBCLAUSE | control::RIGHT_JOIN);
    if !omits_table {
        seek_table(c, w, at, source, index, cursor)?;
    }
    if w.levels[at].left_join.is_none()
        && w.levels[at].right_join.is_none()
        && let Some(table) = source.table()
        && !candidate.has(flag::AUTO_INDEX)
        && let Some(filter) = column::index_filter(c, table, index)?
    {
        mark_implied(c, w, source, filter);
    }
    let one_row = candidate.has(flag::ONE_ROW)
        || (!w.levels[at].in_loops.is_empty() && big_null.is_none() && finds_one_row(w, &candidate, index));
    let full_scan = !candidate.has(flag::CONSTRAINT);
    w.levels[at].step = if one_row { Step::None } else { step(reverse, cursor, top, full_scan) };
    Ok(omits_table)
}

/// From one row to the next.
fn step(reverse: bool, cursor: Cursor, to: Addr, full_scan: bool) -> Step {
    match reverse {
        true => Step::Prev { cursor, to, full_scan },
        false => Step::Next { cursor, to, full_scan },
    }
}

/// LIKE is tried twice where blobs may match too: once among text and once among blobs.
fn start_like(
    c: &mut Compiler<'_>,
    w: &mut WhereLoop,
    at: usize,
    index: &Index,
    equal: usize,
    reverse: bool,
) {
    let counter = c.reg();
    c.integer(1, counter);
    let descending = index.descending.get(equal).copied().unwrap_or(false);
    let level = &mut w.levels[at];
    level.like_counter = counter;
    level.like_top = Some(c.here());
    level.like_flag = reverse != descending;
}

fn is_nullable(table: Option<&Arc<Table>>, index: &Index, at: usize) -> bool {
    match column::index_column(index, at) {
        column::EXPR => true,
        number => match (usize::try_from(number), table) {
            (Ok(number), Some(table)) => {
                table.columns.get(number).is_some_and(|column| column.not_null.is_none())
            }
            (Ok(_), None) => true,
            (Err(_), _) => false,
        },
    }
}

/// Codes the bound of a range. NULL there means no row.
fn code_range_bound(
    c: &mut Compiler<'_>,
    w: &mut WhereLoop,
    at: usize,
    id: TermId,
    target: Reg,
    width: usize,
    if_null: Addr,
) -> CompileResult<ExprId> {
    let (_, right) = range_of(c, w, id);
    code_bound(c, right, target, width)?;
    if w.term(id).is(term_flag::LIKE_BOUND) {
        let level = &w.levels[at];
        let (counter, flag) = (level.like_counter, level.like_flag);
        like_bound(c, target, counter, flag);
    }
    if !w.term(id).is(term_flag::NOT_NULL) && c.bound.can_be_null(right) {
        c.emit(Op::IsNull { value: target, to: if_null });
    }
    Ok(right)
}

/// In the pass over blobs the bound of a LIKE is a blob.
fn like_bound(c: &mut Compiler<'_>, target: Reg, counter: Reg, flag: bool) {
    let past = c.label();
    match flag {
        true => c.emit(Op::IfNot { value: counter, to: past, jump_if_null: false }),
        false => c.emit(Op::If { value: counter, to: past, jump_if_null: false }),
    };
    c.emit(Op::Cast { value: target, affinity: crate::bound::AFFINITY_BLOB });
    c.bind(past);
}

#[allow(clippy::too_many_arguments)]
fn emit_start(
    c: &mut Compiler<'_>,
    cursor: Cursor,
    key: Reg,
    count: usize,
    miss: Addr,
    constrained: bool,
    equal: bool,
    reverse: bool,
) {
    let count = count as u16;
    c.emit(match (constrained, equal, reverse) {
        (false, _, false) => Op::Rewind { cursor, empty: miss },
        (false, _, true) => Op::Last { cursor, empty: miss },
        (true, false, false) => Op::SeekGT { cursor, key, count, miss },
        (true, false, true) => Op::SeekLT { cursor, key, count, miss },
        (true, true, false) => Op::SeekGE { cursor, key, count, miss, equal_only: false },
        (true, true, true) => Op::SeekLE { cursor, key, count, miss, equal_only: false },
    });
}

fn emit_end(
    c: &mut Compiler<'_>,
    cursor: Cursor,
    key: Reg,
    count: usize,
    to: Addr,
    reverse: bool,
    equal: bool,
) {
    let count = count as u16;
    c.emit(match (reverse, equal) {
        (false, false) => Op::IdxGE { cursor, key, count, to },
        (false, true) => Op::IdxGT { cursor, key, count, to },
        (true, false) => Op::IdxLE { cursor, key, count, to },
        (true, true) => Op::IdxLT { cursor, key, count, to },
    });
}

/// Goes from the index to the row of the table.
fn seek_table(
    c: &mut Compiler<'_>,
    w: &mut WhereLoop,
    at: usize,
    source: &Source,
    index: &Arc<Index>,
    cursor: Cursor,
) -> CompileResult<()> {
    let Some(table) = source.table() else { return Ok(()) };
    let table_cursor = w.levels[at].table_cursor;
    if !table.without_rowid {
        deferred_seek(c, w, table, index, table_cursor, cursor);
    } else if table_cursor != cursor
        && let Some(key) = table.primary_key_index()
    {
        let count = key.key_columns;
        let first = c.builder.temp_range(count as u32);
        for place in 0..count {
            let from = column::place_in_index(index, column::index_column(key, place)).unwrap_or(0) as u16;
            let out = first.plus(place as u32);
            c.emit(Op::Column { cursor, column: from, out, default: ConstId(0), hint: column::HINT_NONE });
        }
        let to = w.levels[at].continue_label;
        c.emit(Op::NotFound { cursor: table_cursor, key: first, count: count as u16, to });
    }
    Ok(())
}

/// Puts off the seek in the table until a column that the index lacks is read.
fn deferred_seek(
    c: &mut Compiler<'_>,
    w: &mut WhereLoop,
    table: &Arc<Table>,
    index: &Arc<Index>,
    table_cursor: Cursor,
    cursor: Cursor,
) {
    w.deferred_seek = true;
    let mut columns = IntsId(0);
    if w.wants(control::OR_SUBCLAUSE | control::RIGHT_JOIN) && c.notes.write_databases == 0 {
        // The body reads the table's cursor: where the index has the column, the machine reads it from there.
        let mut places = vec![0u32; table.columns.len()];
        for place in 0..index.columns.len().saturating_sub(1) {
            if let Ok(number) = usize::try_from(column::index_column(index, place))
                && let Some(slot) = places.get_mut(column::storage_place(table, number))
            {
                *slot = place as u32 + 1;
            }
        }
        columns = c.builder.ints(&places);
    }
    c.emit(Op::DeferredSeek { index: cursor, table: table_cursor, columns });
}

/// Terms that the WHERE of the partial index says already.
fn mark_implied(c: &Compiler<'_>, w: &mut WhereLoop, source: &Source, filter: ExprId) {
    let mut filter = filter;
    while let Some((left, right)) = c.bound.and_operands(filter) {
        mark_implied(c, w, source, left);
        filter = right;
    }
    for term in &mut w.clauses[ClauseId::MAIN.0].terms {
        if !term.is(term_flag::CODED)
            && c.bound.compare(term.expr, filter, Some(source.cursor)) == Similarity::Same
        {
            term.flags |= term_flag::CODED;
        }
    }
}

/// Whether each round of the IN loops finds at most one row.
fn finds_one_row(w: &WhereLoop, candidate: &Candidate, index: &Index) -> bool {
    index.unique
        && candidate.skip == 0
        && candidate.equal == index.key_columns
        && candidate.terms[..candidate.equal]
            .iter()
            .flatten()
            .all(|&id| !w.term(id).op(operator::IS | operator::IS_NULL))
}

/// Bloom filters of inner levels whose keys are known already here spare those levels' outer work.
fn pull_filters_down(
    c: &mut Compiler<'_>,
    w: &mut WhereLoop,
    at: usize,
    to: Addr,
    not_ready: Mask,
) -> CompileResult<()> {
    for inner in at + 1..w.levels.len() {
        let candidate = w.chosen(inner).clone();
        let filter = w.levels[inner].bloom;
        if !filter.is_some() || candidate.skip > 0 || candidate.prereq & not_ready != 0 {
            continue;
        }
        let saved = std::mem::replace(&mut w.levels[inner].break_label, to);
        if candidate.has(flag::ROWID) {
            let Some(id) = candidate.terms.first().copied().flatten() else { continue };
            let own = c.builder.temp_reg();
            let key = code_equality(c, w, inner, id, 0, false, own)?;
            c.emit(Op::MustBeInt { value: key, to });
            c.emit(Op::Filter { filter, first: key, count: 1, to });
        } else {
            let (first, affinities) = code_all_equalities(c, w, inner, false, 0)?;
            apply_affinities(c, first, &affinities[..candidate.equal]);
            c.emit(Op::Filter { filter, first, count: candidate.equal as u32, to });
        }
        w.levels[inner].bloom = Reg(0);
        w.levels[inner].break_label = saved;
    }
    Ok(())
}

/// Tests the terms that can be tested here: first those that the index alone answers, then the others, correlated subqueries last.
fn test_terms(
    c: &mut Compiler<'_>,
    w: &mut WhereLoop,
    at: usize,
    source: &Source,
    index: Option<&Arc<Index>>,
) -> CompileResult<()> {
    let mut round = if index.is_some() { 1 } else { 2 };
    while round > 0 {
        let mut next = 0;
        for place in 0..w.main().terms.len() {
            let term = &w.main().terms[place];
            if term.is(term_flag::VIRTUAL | term_flag::CODED) {
                continue;
            }
            let expr = term.expr;
            if term.prereq_all & w.levels[at].not_ready != 0 {
                w.untested_terms = true;
                continue;
            }
            if !is_ready(&c.bound, w, at, source, expr) {
                continue;
            }
            if round == 1
                && let Some(index) = index
                && !is_covered(c, expr, source, index)
            {
                next = 2;
                continue;
            }
            let term = &w.main().terms[place];
            if round < 3 && term.is(term_flag::CORRELATED) {
                if next == 0 {
                    next = 3;
                }
                continue;
            }
            let skip = term.is(term_flag::LIKE_CONDITIONAL).then(|| skip_like(c, w, at)).flatten();
            jump_if_false(c, expr, w.levels[at].continue_label, true)?;
            if let Some(skip) = skip {
                c.bind(skip);
            }
            w.clauses[0].terms[place].flags |= term_flag::CODED;
        }
        round = next;
    }
    Ok(())
}

/// In the pass over text the range says all that LIKE does.
fn skip_like(c: &mut Compiler<'_>, w: &WhereLoop, at: usize) -> Option<Addr> {
    let level = &w.levels[at];
    if !level.like_counter.is_some() {
        return None;
    }
    let to = c.label();
    let value = level.like_counter;
    match level.like_flag {
        true => c.emit(Op::IfNot { value, to, jump_if_null: false }),
        false => c.emit(Op::If { value, to, jump_if_null: false }),
    };
    Some(to)
}

/// `a = b AND b = 1`: before `b` is known, `a = 1` is tested.
fn test_transitive(
    c: &mut Compiler<'_>,
    w: &mut WhereLoop,
    at: usize,
    source: &Source,
    not_ready: Mask,
) -> CompileResult<()> {
    if in_outer_join(source.join) {
        return Ok(());
    }
    for place in 0..w.main().base {
        let term = &w.main().terms[place];
        if term.is(term_flag::VIRTUAL | term_flag::CODED)
            || !term.op(operator::EQ | operator::IS)
            || !term.op(operator::EQUIVALENCE)
            || term.left_cursor != Some(source.cursor)
        {
            continue;
        }
        let (expr, column) = (term.expr, term.left_column);
        let operators = operator::EQ | operator::IN | operator::IS;
        let Some(other) = w.find_term(c, source.cursor, column, not_ready, operators) else { continue };
        let other_expr = w.term(other).expr;
        if w.term(other).is(term_flag::CODED) || c.bound[other_expr].flags.has(ExprFlags::COLLATED) {
            continue;
        }
        if w.term(other).op(operator::IN)
            && c.bound.in_select(other_expr).is_some_and(|select| c.bound[select].columns.len() > 1)
        {
            continue;
        }
        let Some((left, _)) = c.bound.operands(expr) else { continue };
        let test = c.copy_expr(other_expr);
        match &mut c.bound[test].kind {
            ExprKind::Binary { left: old, .. } => *old = left,
            ExprKind::In { operand: old, .. } => *old = left,
            _ => continue,
        }
        jump_if_false(c, test, w.levels[at].continue_label, true)?;
        w.term_mut(other).flags |= term_flag::CODED;
    }
    Ok(())
}

/// Remembers that the right table's row found a partner.
fn note_match(c: &mut Compiler<'_>, w: &mut WhereLoop, at: usize, source: &Source) -> CompileResult<()> {
    let Some(right_join) = w.levels[at].right_join else { return Ok(()) };
    let cursor = w.levels[at].table_cursor;
    let width = super::right_join::key_width(source);
    let record = c.builder.temp_range(width as u32 + 1);
    let key = record.plus(1);
    super::right_join::load_key(c, source, cursor, key)?;
    let count = width as u16;
    let known = c.emit(Op::Found { cursor: right_join.matched, key, count, to: Addr(0) });
    c.emit(Op::MakeRecord { first: key, count: width as u32, out: record, affinities: Default::default() });
    c.emit(Op::IdxInsert {
        cursor: right_join.matched,
        record,
        first: key,
        count,
        flags: WriteFlags { use_seek_result: true, ..WriteFlags::default() },
    });
    if right_join.bloom.is_some() {
        c.emit(Op::FilterAdd { filter: right_join.bloom, first: key, count: width as u32 });
    }
    c.jump_here(known);
    c.builder.release_temp_range(record, width as u32 + 1);
    Ok(())
}

/// Terms of the WHERE clause are tested after a LEFT JOIN's match was noted: a null row passes them too.
fn test_outer_terms(
    c: &mut Compiler<'_>,
    w: &mut WhereLoop,
    at: usize,
    source: &Source,
) -> CompileResult<()> {
    for place in 0..w.main().base {
        let term = &w.main().terms[place];
        if term.is(term_flag::VIRTUAL | term_flag::CODED)
            || term.prereq_all & w.levels[at].not_ready != 0
            || source.join.left_of_right_join
        {
            continue;
        }
        let expr = term.expr;
        jump_if_false(c, expr, w.levels[at].continue_label, true)?;
        w.clauses[0].terms[place].flags |= term_flag::CODED;
    }
    Ok(())
}
