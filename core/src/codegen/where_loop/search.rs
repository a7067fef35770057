//! Keys of searches: equality values, loops over IN values, skip-scans, affinities.

use std::sync::Arc;

use kernite_vdbe::op::{ConstId, Op};
use kernite_vdbe::{Addr, Reg};

use super::column;
use super::disable_term;
use crate::bound::{AFFINITY_BLOB, ExprId, ExprKind, InSource, OrderTerm, UnaryOp};
use crate::codegen::expr::{InIndex, InUse, code, code_subselect, code_target, find_in_index};
use crate::compile::{CompileResult, Compiler};
use crate::plan::clause::{TermId, operator, term_flag};
use crate::plan::where_loop::{InLoop, WhereLoop, flag};

/// Leaves the value of an equality or IN term in a register, best in `target`; that register.
pub fn code_equality(
    c: &mut Compiler<'_>,
    w: &mut WhereLoop,
    level: usize,
    id: TermId,
    place: usize,
    reverse: bool,
    target: Reg,
) -> CompileResult<Reg> {
    let expr = w.term(id).expr;
    let reg = match c.bound[expr].kind {
        ExprKind::Binary { right, .. } => code_target(c, right, target)?,
        ExprKind::Unary { op: UnaryOp::IsNull, .. } => {
            c.nulls(target, 1);
            target
        }
        _ => {
            code_in_loop(c, w, level, id, place, reverse, target)?;
            target
        }
    };
    if !w.chosen(level).has(flag::TRANSITIVE) || !w.term(id).op(operator::EQUIVALENCE) {
        disable_term(c, w, level, id);
    }
    Ok(reg)
}

/// Starts a loop over the values of an IN.
fn code_in_loop(
    c: &mut Compiler<'_>,
    w: &mut WhereLoop,
    level: usize,
    id: TermId,
    place: usize,
    mut reverse: bool,
    target: Reg,
) -> CompileResult<()> {
    let expr = w.term(id).expr;
    let candidate = w.chosen(level).clone();
    if let Some(index) = candidate.index.as_ref().filter(|_| !candidate.has(flag::VIRTUAL_TABLE))
        && index.descending.get(place).copied().unwrap_or(false)
    {
        reverse = !reverse;
    }
    let uses = |at: &Option<TermId>| at.is_some_and(|at| w.term(at).expr == expr);
    if candidate.terms[..place.min(candidate.terms.len())].iter().any(uses) {
        // A further field of a row value whose loop runs already.
        disable_term(c, w, level, id);
        return Ok(());
    }
    let places: Vec<usize> =
        (place..candidate.terms.len()).filter(|&at| uses(&candidate.terms[at])).collect();
    let number = w.levels[level].candidate;
    let mut map = Vec::new();
    let is_row = c.bound.in_select(expr).is_some_and(|select| c.bound[select].columns.len() > 1);
    let found = if is_row {
        let fields: Vec<usize> = places
            .iter()
            .filter_map(|&at| candidate.terms[at].map(|at| w.term(at).field.saturating_sub(1)))
            .collect();
        let narrowed = keep_fields(c, expr, &fields);
        if places.len() > 1 {
            w.candidates[number].flags &= !flag::IN_SEEK_SCAN;
        }
        map = vec![0; fields.len()];
        find_in_index(c, narrowed, InUse::Loop, false, false, Some(&mut map))?
    } else {
        find_in_index(c, expr, InUse::Loop, false, false, None)?
    };
    if found.kind == InIndex::Descending {
        reverse = !reverse;
    }
    let cursor = found.cursor;
    let rewind = match reverse {
        true => c.emit(Op::Last { cursor, empty: Addr(0) }),
        false => c.emit(Op::Rewind { cursor, empty: Addr(0) }),
    };
    w.candidates[number].flags |= flag::IN_ABLE;
    if w.levels[level].in_loops.is_empty() {
        w.levels[level].next_label = c.label();
    }
    let seek_scan = w.candidates[number].has(flag::IN_SEEK_SCAN);
    if place > 0 && !seek_scan {
        w.candidates[number].flags |= flag::IN_EARLY_OUT;
    }
    debug_assert_eq!(rewind.0 + 1, c.here().0);
    for (nth, &at) in places.iter().enumerate() {
        let out = target.plus((at - place) as u32);
        let top = if found.kind == InIndex::Rowid {
            c.emit(Op::Rowid { cursor, out })
        } else {
            let column = map.get(nth).copied().unwrap_or(0) as u16;
            c.emit(Op::Column { cursor, column, out, default: ConstId(0), hint: column::HINT_NONE })
        };
        c.emit(Op::IsNull { value: out, to: Addr(0) });
        let is_first = nth == 0;
        w.levels[level].in_loops.push(InLoop {
            cursor,
            top,
            base: if is_first && place > 0 { Reg(target.0 - place as u32) } else { Reg(0) },
            prefix: if is_first { place } else { 0 },
            backwards: is_first.then_some(reverse),
        });
    }
    if place > 0
        && !w.candidates[number].any(flag::IN_SEEK_SCAN | flag::VIRTUAL_TABLE)
        && let Some(cursor) = w.levels[level].index_cursor
    {
        c.emit(Op::SeekHit { cursor, low: 0, high: place as u16 });
    }
    Ok(())
}

/// A copy of a row-value IN with these fields only, in this order.
fn keep_fields(c: &mut Compiler<'_>, expr: ExprId, fields: &[usize]) -> ExprId {
    let copy = c.copy_expr(expr);
    let ExprKind::In { operand, source: InSource::Select(select), .. } = c.bound[copy].kind else {
        return copy;
    };
    let in_place = fields.iter().enumerate().all(|(at, &field)| at == field);
    if !in_place {
        c.codegen.subroutines.remove(&copy);
    }
    let cores: Vec<_> = c.bound.cores(select).collect();
    for core in cores {
        let number = c.next_select_id();
        let columns = &c.bound[core].columns;
        let kept: Vec<_> = fields.iter().filter_map(|&field| columns.get(field).cloned()).collect();
        let core = &mut c.bound[core];
        core.columns = kept;
        core.id = number;
        renumber_order(&mut core.order_by, fields);
    }
    let kept: Vec<ExprId> = fields.iter().map(|&field| c.bound.vector_field(operand, field)).collect();
    let operand = match kept[..] {
        [only] => only,
        _ => c.bound.make(ExprKind::Vector(kept)),
    };
    if let ExprKind::In { operand: old, .. } = &mut c.bound[copy].kind {
        *old = operand;
    }
    copy
}

fn renumber_order(order: &mut [OrderTerm], fields: &[usize]) {
    for term in order {
        let Some(old) = usize::from(term.result_column).checked_sub(1) else { continue };
        term.result_column = fields.iter().position(|&field| field == old).map_or(0, |at| at as u16 + 1);
    }
}

/// Codes all equality values of a search into consecutive registers, with `extra` more behind. Returns the first one and the affinities that
/// are still to be applied.
pub fn code_all_equalities(
    c: &mut Compiler<'_>,
    w: &mut WhereLoop,
    level: usize,
    reverse: bool,
    extra: usize,
) -> CompileResult<(Reg, Vec<u8>)> {
    let candidate = w.chosen(level).clone();
    let source = w.sources[candidate.source].clone();
    let (equal, skip) = (candidate.equal, candidate.skip);
    let base = c.builder.alloc_regs((equal + extra) as u32);
    let mut affinities = match (&candidate.index, source.table()) {
        (Some(index), Some(table)) if !candidate.has(flag::AUTO_INDEX) => {
            let (index, table) = (Arc::clone(index), Arc::clone(table));
            column::index_affinities(c, &table, &index)?
        }
        (Some(index), _) => auto_affinities(c, &source, index),
        _ => Vec::new(),
    };
    affinities.resize(affinities.len().max(equal + extra), AFFINITY_BLOB);
    if skip > 0
        && let Some(cursor) = w.levels[level].index_cursor
    {
        c.nulls(base, skip as u32);
        // Both jumps lead past the loop over the prefixes; `end` sets them, and finds the first one two before the second.
        match reverse {
            true => c.emit(Op::Last { cursor, empty: Addr(0) }),
            false => c.emit(Op::Rewind { cursor, empty: Addr(0) }),
        };
        let first = c.goto(Addr(0));
        let count = skip as u16;
        let seek = match reverse {
            true => c.emit(Op::SeekLT { cursor, key: base, count, miss: Addr(0) }),
            false => c.emit(Op::SeekGT { cursor, key: base, count, miss: Addr(0) }),
        };
        w.levels[level].skip = Some(seek);
        c.jump_here(first);
        for at in 0..skip {
            let out = base.plus(at as u32);
            c.emit(Op::Column {
                cursor,
                column: at as u16,
                out,
                default: ConstId(0),
                hint: column::HINT_NONE,
            });
        }
    }
    for at in skip..equal {
        let Some(id) = candidate.terms.get(at).copied().flatten() else { continue };
        let target = base.plus(at as u32);
        let reg = code_equality(c, w, level, id, at, reverse, target)?;
        if reg != target {
            c.emit(Op::Copy { from: reg, to: target, count: 1 });
        }
        let term = w.term(id);
        let (is_in, is_null, is_is) =
            (term.op(operator::IN), term.op(operator::IS_NULL), term.is(term_flag::IS));
        let expr = term.expr;
        if is_in {
            if c.bound.in_select(expr).is_some() {
                // Values of a subquery got their affinity when they were collected.
                affinities[at] = AFFINITY_BLOB;
            }
        } else if !is_null && let Some((_, right)) = c.bound.operands(expr) {
            if !is_is && c.bound.can_be_null(right) {
                c.emit(Op::IsNull { value: target, to: w.levels[level].break_label });
            }
            if c.bound.compare_affinity(right, affinities[at]) == AFFINITY_BLOB
                || c.bound.needs_no_change(right, affinities[at])
            {
                affinities[at] = AFFINITY_BLOB;
            }
        }
    }
    Ok((base, affinities))
}

/// Affinities of an automatic index over a subquery or table.
fn auto_affinities(
    c: &Compiler<'_>,
    source: &crate::plan::where_loop::Source,
    index: &crate::catalog::Index,
) -> Vec<u8> {
    (0..index.columns.len())
        .map(|at| {
            let number = column::index_column(index, at);
            let affinity = match (source.table(), usize::try_from(number)) {
                (_, Err(_)) => crate::bound::AFFINITY_INTEGER,
                (Some(table), _) => table.column_affinity(number),
                (None, Ok(number)) => c
                    .bound
                    .columns_of(source.cursor)
                    .get(number)
                    .map_or(AFFINITY_BLOB, |column| column.affinity),
            };
            affinity.clamp(AFFINITY_BLOB, crate::bound::AFFINITY_NUMERIC)
        })
        .collect()
}

/// Applies affinities to registers; leading and trailing ones that change nothing are left out.
pub fn apply_affinities(c: &mut Compiler<'_>, first: Reg, letters: &[u8]) {
    let changes = |letter: &u8| *letter > AFFINITY_BLOB;
    let Some(begin) = letters.iter().position(changes) else { return };
    let end = letters.iter().rposition(changes).unwrap_or(begin) + 1;
    let affinities = c.builder.affinity(&letters[begin..end]);
    let first = first.plus(begin as u32);
    c.emit(Op::Affinity { first, count: (end - begin) as u32, affinities });
}

/// Leaves out affinities that change nothing about a range's bound.
pub fn reduce_affinities(c: &Compiler<'_>, right: ExprId, letters: &mut [u8]) {
    for (at, letter) in letters.iter_mut().enumerate() {
        let field = c.bound.vector_field(right, at);
        if c.bound.compare_affinity(field, *letter) == AFFINITY_BLOB
            || c.bound.needs_no_change(field, *letter)
        {
            *letter = AFFINITY_BLOB;
        }
    }
}

/// Leaves a bound, which may be a row value, in `count` registers.
pub fn code_bound(c: &mut Compiler<'_>, expr: ExprId, target: Reg, count: usize) -> CompileResult<()> {
    if !c.bound.is_vector(expr) {
        return code(c, expr, target);
    }
    if c.bound.is_subquery(expr) {
        let from = code_subselect(c, expr)?;
        c.emit(Op::Copy { from, to: target, count: count as u32 });
        return Ok(());
    }
    for at in 0..count {
        let field = c.bound.vector_field(expr, at);
        code(c, field, target.plus(at as u32))?;
    }
    Ok(())
}
