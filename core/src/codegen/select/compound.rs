//! Compound SELECTs: UNION ALL one after the other; the others, and those with ORDER BY, as a merge of two sorted co-routines.
//!
//! ```text
//!   A: co-routine, left side, sorted        B: co-routine, right side, sorted
//!   out-A, out-B: subroutines that deliver a row of A or B (UNION, EXCEPT, INTERSECT: unless it equals the last one delivered)
//!   compare: A < B   deliver A, next A      (INTERSECT: only next A)
//!            A = B   UNION ALL: as A < B    UNION, EXCEPT: next A    INTERSECT: deliver A, next A
//!            A > B   UNION (ALL): deliver B, next B     EXCEPT, INTERSECT: next B
//! ```

use std::sync::Arc;

use kernite_btree::KeyInfo;
use kernite_vdbe::op::{IntsId, Op, WriteFlags};
use kernite_vdbe::{Addr, Reg};

use super::inner_loop::{append, enqueue};
use super::{Destination, DestinationKind, code, code_row, compute_limits, recursive, skip_offset};
use crate::bound::{CompoundOp, ExprFlags, ExprId, ExprKind, OrderTerm, SelectId};
use crate::codegen::key_info::big_null;
use crate::compile::{CompileResult, Compiler};
use crate::plan::{log_est, optimizations};

/// The name of a compound operator.
pub fn operator_name(op: CompoundOp) -> &'static str {
    match op {
        CompoundOp::UnionAll => "UNION ALL",
        CompoundOp::Union => "UNION",
        CompoundOp::Except => "EXCEPT",
        CompoundOp::Intersect => "INTERSECT",
    }
}

/// Codes a compound whose last core is `select`.
pub fn code_compound(
    c: &mut Compiler<'_>,
    select: SelectId,
    destination: &mut Destination,
) -> CompileResult<()> {
    let Some(prior) = c.bound[select].prior else { return Ok(()) };
    if let DestinationKind::EphemeralTable(cursor) = destination.kind {
        let columns = c.bound[select].columns.len() as u16;
        c.emit(Op::OpenEphemeral { cursor, columns, key: Default::default(), unordered: false });
        destination.kind = DestinationKind::Table(cursor);
    }
    if c.bound[select].flags.values && is_values(c, select) {
        return code_values(c, select, destination);
    }
    let op = c.bound[select].operator.unwrap_or(CompoundOp::UnionAll);
    if c.bound[select].flags.recursive && has_anchor(c, select) {
        return recursive::code_recursive(c, select, destination);
    }
    let merges = !c.bound[select].order_by.is_empty();
    if merges || (op != CompoundOp::UnionAll && !is_union_limit_one(c, select)) {
        if !merges {
            let one = c.bound.expr(ExprKind::Integer(1));
            let term = OrderTerm { expr: one, descending: false, nulls: None, result_column: 1 };
            c.bound[select].order_by = vec![term];
        }
        return code_merge(c, select, destination);
    }
    code_union_all(c, select, prior, destination)
}

/// Whether all cores are rows of VALUES, none of which is left out.
fn is_values(c: &Compiler<'_>, select: SelectId) -> bool {
    c.bound.cores(select).all(|core| {
        let core = &c.bound[core];
        core.prior.is_none() || (core.flags.values && core.operator == Some(CompoundOp::UnionAll))
    }) && c.bound.cores(select).all(|core| c.bound[core].from.is_empty() && !c.bound[core].flags.has_window)
}

/// Rows of VALUES one after the other. With LIMIT, only the first: more are never wanted where it is coded like this.
fn code_values(c: &mut Compiler<'_>, select: SelectId, destination: &mut Destination) -> CompileResult<()> {
    let mut rows: Vec<SelectId> = c.bound.cores(select).collect();
    rows.reverse();
    let all = c.bound[select].limit.is_none();
    let shown = if all { rows.len() } else { 1 };
    c.explain(|_| format!("SCAN {shown} CONSTANT ROW{}", if shown == 1 { "" } else { "S" }));
    for row in rows {
        let end = c.label();
        code_row(c, row, None, None, None, destination, end, end)?;
        c.bind(end);
        if !all {
            break;
        }
        c.codegen.select_mut(row).row_estimate = shown.min(i16::MAX as usize) as i16;
    }
    Ok(())
}

fn has_anchor(c: &Compiler<'_>, select: SelectId) -> bool {
    c.bound.cores(select).any(|core| !c.bound[core].flags.recursive)
}

/// `… UNION … LIMIT 1`: the first row found is the answer.
fn is_union_limit_one(c: &Compiler<'_>, select: SelectId) -> bool {
    let core = &c.bound[select];
    core.operator == Some(CompoundOp::Union)
        && core.offset.is_none()
        && core.limit.is_some_and(|limit| c.bound.small_integer(limit) == Some(1))
        && c.optimizes(optimizations::UNION_LIMIT)
}

fn code_union_all(
    c: &mut Compiler<'_>,
    select: SelectId,
    prior: SelectId,
    destination: &mut Destination,
) -> CompileResult<()> {
    if c.bound[prior].prior.is_none() {
        c.explain_push(|_| "COMPOUND QUERY".into());
        c.explain_push(|_| "LEFT-MOST SUBQUERY".into());
    }
    let (limit, offset) = (c.bound[select].limit, c.bound[select].offset);
    let own = c.codegen.select(select);
    let state = c.codegen.select_mut(prior);
    state.limit = own.limit;
    state.offset = own.offset;
    let copy = |c: &mut Compiler<'_>, expr: Option<ExprId>| expr.map(|expr| c.copy_expr(expr));
    c.bound[prior].limit = copy(c, limit);
    c.bound[prior].offset = copy(c, offset);
    let coded = code(c, prior, destination);
    c.bound[prior].limit = None;
    c.bound[prior].offset = None;
    coded?;
    c.bound[select].prior = None;
    let left = c.codegen.select(prior);
    let state = c.codegen.select_mut(select);
    state.limit = left.limit;
    state.offset = left.offset;
    let mut done = None;
    if left.limit.is_some() {
        done = Some(c.emit(Op::IfNot { value: left.limit, to: Addr(0), jump_if_null: false }));
        if left.offset.is_some() {
            c.emit(Op::OffsetLimit { limit: left.limit, offset: left.offset, out: left.offset.plus(1) });
        }
    }
    c.explain_push(|_| "UNION ALL".into());
    let coded = code(c, select, destination);
    c.bound[select].prior = Some(prior);
    coded?;
    let rows = log_est::add(c.codegen.select(select).row_estimate, c.codegen.select(prior).row_estimate);
    let known = limit.and_then(|limit| c.bound.small_integer(limit)).filter(|&limit| limit > 0);
    let bound = known.map_or(rows, |limit| log_est::from_integer(limit as u64));
    c.codegen.select_mut(select).row_estimate = rows.min(bound);
    if let Some(done) = done {
        c.jump_here(done);
    }
    if c.codegen.select(select).next.is_none() {
        c.explain_pop();
    }
    Ok(())
}

/// The collation of a column of a compound: that of the first core that has one.
pub fn column_collation(c: &Compiler<'_>, select: SelectId, at: usize) -> Option<Vec<u8>> {
    let cores: Vec<SelectId> = c.bound.cores(select).collect();
    cores.iter().rev().find_map(|&core| {
        let column = c.bound[core].columns.get(at)?;
        c.bound.collation(column.expr).map(<[u8]>::to_vec)
    })
}

/// The key by which the cores are sorted and merged. A term without COLLATE gets the one of its column.
pub fn merge_key(c: &mut Compiler<'_>, select: SelectId, extra: usize) -> CompileResult<KeyInfo> {
    let terms = c.bound[select].order_by.clone();
    let mut key = c.binary_key(terms.len() + extra);
    key.key_column_count = terms.len() + extra;
    for (at, term) in terms.iter().enumerate() {
        let name = if c.bound[term.expr].flags.has(ExprFlags::COLLATED) {
            c.bound.collation(term.expr).map(<[u8]>::to_vec)
        } else {
            let column = usize::from(term.result_column.max(1)) - 1;
            let name = column_collation(c, select, column).unwrap_or_else(|| b"BINARY".to_vec());
            let collated = c.bound.collate(term.expr, &name);
            c.bound[select].order_by[at].expr = collated;
            Some(name)
        };
        key.columns[at].collation = c.find_collation(name.as_deref())?;
        key.columns[at].descending = term.descending;
        key.columns[at].big_null = big_null(term);
    }
    Ok(key)
}

/// The ORDER BY of one side: its terms as expressions of that side's own columns.
fn side_order(c: &mut Compiler<'_>, core: SelectId, order: &[OrderTerm]) -> Vec<OrderTerm> {
    let mut terms = Vec::with_capacity(order.len());
    for term in order {
        let column = usize::from(term.result_column.max(1)) - 1;
        let Some(column) = c.bound[core].columns.get(column).map(|column| column.expr) else { continue };
        let mut expr = c.copy_expr(column);
        if let ExprKind::Collate { collation, .. } = &c.bound[term.expr].kind {
            let collation = collation.clone();
            expr = c.bound.collate(expr, &collation);
        }
        terms.push(OrderTerm { expr, ..*term });
    }
    terms
}

/// Registers and addresses of one side of a merge.
struct Side {
    co: Reg,
    out_return: Reg,
    destination: Destination,
}

/// Codes a compound as a merge.
#[allow(clippy::too_many_lines)]
fn code_merge(c: &mut Compiler<'_>, select: SelectId, destination: &mut Destination) -> CompileResult<()> {
    let op = c.bound[select].operator.unwrap_or(CompoundOp::UnionAll);
    let (end, compare) = (c.label(), c.label());
    let columns = c.bound[select].columns.len();
    if op != CompoundOp::UnionAll {
        // All columns take part: equal rows must be neighbours.
        for at in 1..=columns as u16 {
            if c.bound[select].order_by.iter().any(|term| term.result_column == at) {
                continue;
            }
            let expr = c.bound.expr(ExprKind::Integer(i64::from(at)));
            let term = OrderTerm { expr, descending: false, nulls: None, result_column: at };
            c.bound[select].order_by.push(term);
        }
    }
    let places: Vec<u32> =
        c.bound[select].order_by.iter().map(|term| u32::from(term.result_column.max(1)) - 1).collect();
    let in_order = places.iter().enumerate().all(|(at, &place)| at as u32 == place);
    let key = merge_key(c, select, 1)?;
    let mut previous = Reg(0);
    let mut duplicate_key = None;
    if op != CompoundOp::UnionAll {
        previous = c.builder.alloc_regs(columns as u32 + 1);
        c.integer(0, previous);
        let mut key = c.binary_key(columns);
        for at in 0..columns {
            let name = column_collation(c, select, at);
            key.columns[at].collation = c.find_collation(name.as_deref())?;
        }
        duplicate_key = Some(c.builder.key_info(Arc::new(key)));
    }
    let split = find_split(c, select, op);
    let Some(prior) = c.bound[split].prior else { return Ok(()) };
    c.bound[split].prior = None;
    c.codegen.select_mut(prior).next = None;
    let order = c.bound[select].order_by.clone();
    compute_limits(c, select, end)?;
    let state = c.codegen.select(select);
    let (mut limit_left, mut limit_right) = (Reg(0), Reg(0));
    if state.limit.is_some() && (op == CompoundOp::UnionAll || is_union_limit_one_of(c, select, op)) {
        limit_left = c.reg();
        limit_right = c.reg();
        let from = if state.offset.is_some() { state.offset.plus(1) } else { state.limit };
        c.emit(Op::Copy { from, to: limit_left, count: 1 });
        c.emit(Op::Copy { from: limit_left, to: limit_right, count: 1 });
    }
    let (limit, offset) = (c.bound[select].limit.take(), c.bound[select].offset.take());
    set_side_orders(c, prior, select, &order);
    let side = |c: &mut Compiler<'_>| c.reg();
    let (co_left, co_right) = (side(c), side(c));
    let (out_left, out_right) = (side(c), side(c));
    let coroutine = |co| Destination::new(DestinationKind::Coroutine { co });
    let mut left = Side { co: co_left, out_return: out_left, destination: coroutine(co_left) };
    let mut right = Side { co: co_right, out_return: out_right, destination: coroutine(co_right) };
    c.explain_push(|_| format!("MERGE ({})", operator_name(op)));

    let after = c.label();
    let start = Addr(c.here().0 + 1);
    c.emit(Op::InitCoroutine { co: left.co, after, start });
    c.codegen.select_mut(prior).limit = limit_left;
    c.explain_push(|_| "LEFT".into());
    code(c, prior, &mut left.destination)?;
    c.emit(Op::EndCoroutine { co: left.co });
    c.builder.clear_temps();
    c.bind(after);

    let after = c.label();
    let start = Addr(c.here().0 + 1);
    c.emit(Op::InitCoroutine { co: right.co, after, start });
    let saved = c.codegen.select(select);
    let own = c.codegen.select_mut(select);
    own.limit = limit_right;
    own.offset = Reg(0);
    c.explain_push(|_| "RIGHT".into());
    code(c, select, &mut right.destination)?;
    let own = c.codegen.select_mut(select);
    own.limit = saved.limit;
    own.offset = saved.offset;
    c.emit(Op::EndCoroutine { co: right.co });
    c.builder.clear_temps();

    let out_a = code_output(c, select, &left, destination, previous, duplicate_key, end)?;
    let both = matches!(op, CompoundOp::UnionAll | CompoundOp::Union);
    let out_b = match both {
        true => Some(code_output(c, select, &right, destination, previous, duplicate_key, end)?),
        false => None,
    };
    // A is at its end.
    let (mut a_ended, mut a_empty) = (end, end);
    if let Some(out_b) = out_b {
        a_ended = c.emit(Op::Gosub { ret: right.out_return, to: out_b });
        a_empty = c.emit(Op::Yield { co: right.co, done: end });
        c.goto(a_ended);
    }
    // B is at its end.
    let mut b_ended = a_ended;
    if op != CompoundOp::Intersect {
        b_ended = c.emit(Op::Gosub { ret: left.out_return, to: out_a });
        c.emit(Op::Yield { co: left.co, done: end });
        c.goto(b_ended);
    }
    // A < B.
    let mut less = c.emit(Op::Gosub { ret: left.out_return, to: out_a });
    c.emit(Op::Yield { co: left.co, done: a_ended });
    c.goto(compare);
    let equal = match op {
        CompoundOp::UnionAll => less,
        CompoundOp::Intersect => {
            let deliver = less;
            less = Addr(less.0 + 1);
            deliver
        }
        _ => Addr(less.0 + 1),
    };
    // A > B.
    let mut greater = c.here();
    match out_b {
        Some(out_b) => {
            c.emit(Op::Gosub { ret: right.out_return, to: out_b });
            c.emit(Op::Yield { co: right.co, done: b_ended });
            c.goto(compare);
        }
        None => greater = Addr(greater.0 + 1),
    }
    c.bind(after);
    c.emit(Op::Yield { co: left.co, done: a_empty });
    c.emit(Op::Yield { co: right.co, done: b_ended });
    c.bind(compare);
    let permutation = if in_order { IntsId(0) } else { c.builder.ints(&places) };
    let key = c.link_key(key);
    c.emit(Op::Compare {
        left: left.destination.first,
        right: right.destination.first,
        count: order.len() as u32,
        key,
        permutation,
    });
    c.emit(Op::Jump { less, equal, greater });
    c.bind(end);

    let (rows_left, rows_right) =
        (c.codegen.select(prior).row_estimate, c.codegen.select(select).row_estimate);
    c.codegen.select_mut(select).row_estimate = match op {
        CompoundOp::UnionAll | CompoundOp::Union => log_est::add(rows_left, rows_right),
        CompoundOp::Intersect => rows_left.min(rows_right),
        CompoundOp::Except => rows_right,
    };
    c.bound[split].prior = Some(prior);
    c.codegen.select_mut(prior).next = Some(split);
    c.bound[prior].order_by.clear();
    let core = &mut c.bound[select];
    core.limit = limit;
    core.offset = offset;
    core.order_by = order;
    c.explain_pop();
    Ok(())
}

fn is_union_limit_one_of(c: &Compiler<'_>, select: SelectId, op: CompoundOp) -> bool {
    op == CompoundOp::Union && is_union_limit_one(c, select)
}

/// Where a chain of equal operators is split, so that merges nest evenly.
fn find_split(c: &Compiler<'_>, select: SelectId, op: CompoundOp) -> SelectId {
    let mut count = 1;
    if matches!(op, CompoundOp::UnionAll | CompoundOp::Union) && c.optimizes(optimizations::BALANCED_MERGE) {
        for core in c.bound.cores(select) {
            if c.bound[core].prior.is_none() || c.bound[core].operator != Some(op) {
                break;
            }
            count += 1;
        }
    }
    let mut split = select;
    if count > 3 {
        for _ in (2..count).step_by(2) {
            if let Some(prior) = c.bound[split].prior {
                split = prior;
            }
        }
    }
    split
}

/// Gives both sides their ORDER BY. A side that is a compound keeps references to columns; a plain one gets expressions.
fn set_side_orders(c: &mut Compiler<'_>, left: SelectId, right: SelectId, order: &[OrderTerm]) {
    for side in [left, right] {
        let terms = match c.bound[side].prior {
            Some(_) => order.iter().map(|term| OrderTerm { expr: c.copy_expr(term.expr), ..*term }).collect(),
            None => side_order(c, side, order),
        };
        c.bound[side].order_by = terms;
    }
}

/// A subroutine that delivers a row of one side.
fn code_output(
    c: &mut Compiler<'_>,
    select: SelectId,
    side: &Side,
    destination: &mut Destination,
    previous: Reg,
    duplicate_key: Option<kernite_vdbe::op::KeyInfoId>,
    end: Addr,
) -> CompileResult<Addr> {
    let entry = c.here();
    let next = c.label();
    let (first, count) = (side.destination.first, side.destination.count);
    if let Some(key) = duplicate_key {
        let new = c.label();
        c.emit(Op::IfNot { value: previous, to: new, jump_if_null: false });
        let kept = previous.plus(1);
        c.emit(Op::Compare { left: first, right: kept, count, key, permutation: IntsId(0) });
        c.emit(Op::Jump { less: new, equal: next, greater: new });
        c.bind(new);
        c.emit(Op::Copy { from: first, to: kept, count });
        c.integer(1, previous);
    }
    skip_offset(c, select, next);
    deliver(c, destination, first, count);
    let limit = c.codegen.select(select).limit;
    if limit.is_some() {
        c.emit(Op::DecrJumpZero { counter: limit, to: end });
    }
    c.bind(next);
    c.emit(Op::Return { ret: side.out_return, or_fall_through: false });
    Ok(entry)
}

fn deliver(c: &mut Compiler<'_>, destination: &mut Destination, first: Reg, count: u32) {
    let flags = WriteFlags::default();
    match &destination.kind {
        DestinationKind::Fifo(cursor)
        | DestinationKind::Table(cursor)
        | DestinationKind::EphemeralTable(cursor)
        | DestinationKind::DistinctFifo { queue: cursor, .. } => {
            let cursor = *cursor;
            let record = c.builder.temp_reg();
            c.emit(Op::MakeRecord { first, count, out: record, affinities: Default::default() });
            if let DestinationKind::DistinctFifo { seen, .. } = destination.kind {
                c.emit(Op::IdxInsert { cursor: seen, record, first, count: count as u16, flags });
            }
            append(c, cursor, record);
            c.builder.release_temp(record);
        }
        DestinationKind::Exists(reg) => {
            let reg = *reg;
            c.integer(1, reg);
        }
        DestinationKind::Set { cursor, affinities, bloom } => {
            let (cursor, bloom) = (*cursor, *bloom);
            let affinities = c.builder.affinity(affinities);
            let record = c.builder.temp_reg();
            c.emit(Op::MakeRecord { first, count, out: record, affinities });
            c.emit(Op::IdxInsert { cursor, record, first, count: count as u16, flags });
            if bloom.is_some() {
                c.emit(Op::FilterAdd { filter: bloom, first, count });
                c.explain(|_| "CREATE BLOOM FILTER".into());
            }
            c.builder.release_temp(record);
        }
        DestinationKind::Memory(reg) => {
            let to = *reg;
            c.emit(Op::Move { from: first, to, count });
        }
        DestinationKind::Coroutine { co } => {
            let co = *co;
            if !destination.first.is_some() {
                destination.first = c.builder.temp_range(count);
                destination.count = count;
            }
            c.emit(Op::Move { from: first, to: destination.first, count });
            c.emit(Op::Yield { co, done: Addr(0) });
        }
        DestinationKind::Queue { queue, order } => {
            let (queue, order) = (*queue, order.clone());
            enqueue(c, queue, None, &order, first, count, false);
        }
        DestinationKind::DistinctQueue { queue, seen, order } => {
            let (queue, seen, order) = (*queue, *seen, order.clone());
            enqueue(c, queue, Some(seen), &order, first, count, false);
        }
        DestinationKind::UpdateFrom { .. } | DestinationKind::Discard => {}
        DestinationKind::Output => {
            c.emit(Op::ResultRow { first, count });
        }
    }
}
