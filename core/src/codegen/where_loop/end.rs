//! The end of the loops: steps, tails of IN loops, skip-scans, LIKE passes and outer joins; then columns are rewritten to be read from
//! where they are: a covering index, or the registers of a co-routine.

use std::sync::Arc;

use kernite_vdbe::op::{ConstId, Op};
use kernite_vdbe::{Addr, Error, Reg};

use super::{column, explain, right_join};
use crate::catalog::Index;
use crate::compile::{CompileResult, Compiler};
use crate::plan::where_loop::{Distinct, InLoop, OnePass, Step, WhereLoop, flag};

impl WhereLoop {
    /// Codes the end of the loops.
    pub fn end(mut self, c: &mut Compiler<'_>) -> CompileResult<()> {
        let end = c.here();
        let mut right_joins = 0;
        for at in (0..self.levels.len()).rev() {
            right_joins += u32::from(self.levels[at].right_join.is_some());
            end_level(c, &mut self, at)?;
        }
        for at in 0..self.levels.len() {
            redirect_columns(c, &mut self, at, end)?;
        }
        c.bind(self.break_label);
        c.codegen.query_loop = self.saved_query_loop;
        c.codegen.right_join_depth -= right_joins;
        Ok(())
    }
}

fn end_level(c: &mut Compiler<'_>, w: &mut WhereLoop, at: usize) -> CompileResult<()> {
    if let Some(mut right_join) = w.levels[at].right_join {
        c.bind(w.levels[at].continue_label);
        w.levels[at].continue_label = c.label();
        right_join.end = c.here();
        c.emit(Op::Return { ret: right_join.return_reg, or_fall_through: true });
        w.levels[at].right_join = Some(right_join);
    }
    let candidate = w.chosen(at).clone();
    let skip_ahead = match w.levels[at].step {
        Step::None => None,
        _ => skip_duplicates(c, w, at),
    };
    if w.sources[w.levels[at].source].from_exists {
        c.goto(w.levels[at].break_label);
    }
    c.bind(w.levels[at].continue_label);
    let level = w.levels[at].clone();
    match level.step {
        Step::None => {}
        Step::Next { cursor, to, full_scan } => {
            c.emit(Op::Next { cursor, to, counter: u8::from(full_scan) });
        }
        Step::Prev { cursor, to, full_scan } => {
            c.emit(Op::Prev { cursor, to, counter: u8::from(full_scan) });
        }
        Step::VirtualNext { cursor, to } => {
            c.emit(Op::VNext { cursor, to });
        }
        Step::Goto { to } => {
            c.goto(to);
        }
        Step::Return { ret, .. } => {
            c.emit(Op::Return { ret, or_fall_through: false });
        }
    }
    if level.step != Step::None {
        if let Some(seek) = skip_ahead {
            c.jump_here(seek);
        }
        if level.big_null.is_some() {
            c.bind(level.big_null_label);
            // The second pass begins at the seek just before the loop's top.
            let to = Addr(level.step.to().0.saturating_sub(1));
            c.emit(Op::DecrJumpZero { counter: level.big_null, to });
        }
    }
    if !level.in_loops.is_empty() {
        c.bind(level.next_label);
        for in_loop in level.in_loops.iter().rev() {
            end_in_loop(c, w, at, in_loop, candidate.flags);
        }
    }
    c.bind(level.break_label);
    if let Some(right_join) = level.right_join {
        c.emit(Op::Return { ret: right_join.return_reg, or_fall_through: true });
    }
    if let Some(skip) = level.skip {
        c.goto(skip);
        c.jump_here(skip);
        c.jump_here(Addr(skip.0 - 2));
    }
    if let Some(top) = level.like_top {
        c.emit(Op::DecrJumpZero { counter: level.like_counter, to: top });
    }
    if level.left_join.is_some() {
        end_left_join(c, w, at)?;
    }
    Ok(())
}

/// With an ordered DISTINCT over an index with many equal keys, the next key is sought instead of stepped to.
fn skip_duplicates(c: &mut Compiler<'_>, w: &WhereLoop, at: usize) -> Option<Addr> {
    /// Estimate of 12 rows per key.
    const ROWS_MIN: i16 = 36;
    let candidate = w.chosen(at);
    let index = candidate.index.as_ref().filter(|_| candidate.has(flag::INDEXED))?;
    let count = candidate.distinct_columns;
    if w.distinct != Distinct::Ordered
        || at + 1 != w.levels.len()
        || !index.has_statistics
        || count == 0
        || index.row_estimates.get(count).is_none_or(|&rows| rows < ROWS_MIN)
    {
        return None;
    }
    let level = &w.levels[at];
    let cursor = level.index_cursor?;
    let (key, to) = (c.builder.alloc_regs(count as u32 + 1), level.step.to());
    let past = c.label();
    if level.left_join.is_some() {
        c.emit(Op::IfNullRow { cursor, to: past, out: key });
    }
    for place in 0..count {
        let out = key.plus(place as u32);
        c.emit(Op::Column {
            cursor,
            column: place as u16,
            out,
            default: ConstId(0),
            hint: column::HINT_NONE,
        });
    }
    let (count, miss) = (count as u16, Addr(0));
    let seek = match level.step {
        Step::Prev { .. } => c.emit(Op::SeekLT { cursor, key, count, miss }),
        _ => c.emit(Op::SeekGT { cursor, key, count, miss }),
    };
    c.goto(to);
    c.bind(past);
    Some(seek)
}

fn end_in_loop(c: &mut Compiler<'_>, w: &WhereLoop, at: usize, in_loop: &InLoop, flags: u32) {
    let is_null = Addr(in_loop.top.0 + 1);
    c.jump_here(is_null);
    if let Some(backwards) = in_loop.backwards {
        let out = c.label();
        if in_loop.prefix > 0 {
            if w.levels[at].left_join.is_some() {
                c.emit(Op::IfNullRow { cursor: in_loop.cursor, to: out, out: in_loop.base });
            }
            let early_out = flags & flag::VIRTUAL_TABLE == 0 && flags & flag::IN_EARLY_OUT != 0;
            if early_out && let Some(cursor) = w.levels[at].index_cursor {
                // No entry with this prefix: further values need not be tried.
                c.emit(Op::IfNoHope { cursor, to: out, key: in_loop.base, count: in_loop.prefix as u16 });
                c.jump_here(is_null);
            }
        }
        let (cursor, to) = (in_loop.cursor, in_loop.top);
        match backwards {
            true => c.emit(Op::Prev { cursor, to, counter: 0 }),
            false => c.emit(Op::Next { cursor, to, counter: 0 }),
        };
        c.bind(out);
    }
    c.jump_here(Addr(in_loop.top.0 - 1));
}

/// No row matched: once more with a null row.
fn end_left_join(c: &mut Compiler<'_>, w: &mut WhereLoop, at: usize) -> CompileResult<()> {
    let level = w.levels[at].clone();
    let candidate = w.chosen(at).clone();
    let source = w.sources[level.source].clone();
    let matched = c.label();
    c.emit(Op::IfPos { counter: level.left_join, to: matched, decrement: 0 });
    if !candidate.has(flag::INDEX_ONLY) {
        if source.via_coroutine(c)
            && let Some(state) = source.subquery().and_then(|select| c.codegen.subqueries.get(&select))
        {
            let result = state.result;
            c.nulls(result, source.column_count as u32);
        }
        c.emit(Op::NullRow { cursor: level.table_cursor });
    }
    let covering = level.covering.clone().filter(|_| candidate.has(flag::MULTI_OR));
    if candidate.has(flag::INDEXED) || covering.is_some() {
        if let (Some(index), Some(cursor)) = (&covering, level.index_cursor) {
            let key = c.index_key(index)?;
            let tree = c.builder.tree(index.db, index.root.get(), Some(key));
            let columns = index.columns.len() as u16;
            c.emit(Op::ReopenIdx { cursor, tree, columns, seek_equal: false });
        }
        if let Some(cursor) = level.index_cursor {
            c.emit(Op::NullRow { cursor });
        }
    }
    for in_loop in level.in_loops.iter().filter(|in_loop| in_loop.backwards.is_some()) {
        c.emit(Op::NullRow { cursor: in_loop.cursor });
    }
    match level.step {
        Step::Return { ret, .. } => c.emit(Op::Gosub { ret, to: level.first }),
        _ => c.goto(level.first),
    };
    c.bind(matched);
    Ok(())
}

/// Makes the instructions of a level read from where the columns are.
fn redirect_columns(c: &mut Compiler<'_>, w: &mut WhereLoop, at: usize, end: Addr) -> CompileResult<()> {
    let level = w.levels[at].clone();
    let source = w.sources[level.source].clone();
    let candidate = w.chosen(at).clone();
    if level.right_join.is_some() {
        return right_join::code_unmatched(c, w, at);
    }
    if source.via_coroutine(c)
        && let Some(state) = source.subquery().and_then(|select| c.codegen.subqueries.get(&select))
    {
        let result = state.result;
        columns_to_copies(c, level.body, level.table_cursor, result, None);
        return Ok(());
    }
    let index = if candidate.any(flag::INDEXED | flag::INDEX_ONLY) {
        candidate.index.clone()
    } else if candidate.has(flag::MULTI_OR) {
        level.covering.clone()
    } else {
        None
    };
    let (Some(index), Some(cursor)) = (index, level.index_cursor) else { return Ok(()) };
    for indexed in &mut c.codegen.indexed_exprs {
        if indexed.index == cursor {
            indexed.data = None;
        }
    }
    c.codegen.indexed_exprs.retain(|indexed| indexed.data.is_some());
    c.codegen.partial_index_columns.retain(|fixed| fixed.index != cursor);
    let last = if w.one_pass == OnePass::Off || !source.has_rowid() { end } else { w.where_end };
    for place in level.body.0 + 1..last.0 {
        redirect(c, w, at, &index, Addr(place))?;
    }
    Ok(())
}

fn redirect(
    c: &mut Compiler<'_>,
    w: &mut WhereLoop,
    at: usize,
    index: &Arc<Index>,
    place: Addr,
) -> CompileResult<()> {
    let level = &w.levels[at];
    let (table_cursor, Some(index_cursor)) = (level.table_cursor, level.index_cursor) else { return Ok(()) };
    let source = &w.sources[level.source];
    match *c.builder.op(place) {
        Op::Column { cursor, column: number, .. } if cursor == table_cursor => {
            let number = table_column(source, usize::from(number));
            match column::place_in_index(index, number as i16) {
                Some(found) => {
                    // The default stays: the tree of a WITHOUT ROWID table has short records too.
                    if let Op::Column { cursor, column, .. } = c.builder.op_mut(place) {
                        *cursor = index_cursor;
                        *column = found as u16;
                    }
                }
                None => return not_covered(c, w, at),
            }
        }
        Op::Rowid { cursor, out } if cursor == table_cursor => {
            *c.builder.op_mut(place) = Op::IdxRowid { cursor: index_cursor, out };
        }
        Op::IfNullRow { cursor, to, out } if cursor == table_cursor => {
            *c.builder.op_mut(place) = Op::IfNullRow { cursor: index_cursor, to, out };
        }
        _ => {}
    }
    Ok(())
}

/// The table column that stands at a place of the table's record.
fn table_column(source: &crate::plan::where_loop::Source, place: usize) -> usize {
    match source.table() {
        Some(table) => match table.primary_key_index().filter(|_| table.without_rowid) {
            Some(key) => usize::try_from(column::index_column(key, place)).unwrap_or(place),
            None => column::column_at_place(table, place),
        },
        None => place,
    }
}

/// A column turned out not to be in the index that was thought to cover everything.
fn not_covered(c: &mut Compiler<'_>, w: &mut WhereLoop, at: usize) -> CompileResult<()> {
    let number = w.levels[at].candidate;
    let candidate = &mut w.candidates[number];
    if candidate.has(flag::INDEX_ONLY) {
        return Err(Error::with_code(2, "internal query planner error"));
    }
    if candidate.has(flag::EXPR_INDEX) {
        candidate.flags &= !flag::EXPR_INDEX;
        let line = Addr(w.levels[at].body.0.saturating_sub(1));
        explain::explain_again(c, w, at, line);
    }
    Ok(())
}

/// Makes column reads from `from` on into copies of a co-routine's registers. Rowids are numbered by a sequence of `sequence`, if given.
pub fn columns_to_copies(
    c: &mut Compiler<'_>,
    from: Addr,
    cursor: kernite_vdbe::op::Cursor,
    first: Reg,
    sequence: Option<kernite_vdbe::op::Cursor>,
) {
    for place in from.0..c.here().0 {
        let op = c.builder.op_mut(Addr(place));
        match *op {
            Op::Column { cursor: own, column, out, .. } if own == cursor => {
                *op = Op::Copy { from: first.plus(u32::from(column)), to: out, count: 1 };
            }
            Op::Rowid { cursor: own, out } if own == cursor => {
                *op = match sequence {
                    Some(cursor) => Op::Sequence { cursor, out },
                    None => Op::Null { first: out, last: out, cleared: false },
                };
            }
            _ => {}
        }
    }
}
