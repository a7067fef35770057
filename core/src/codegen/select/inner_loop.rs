//! One row: its columns are computed, DISTINCT and OFFSET are applied, and it goes to the sort or to its destination.

use kernite_vdbe::op::{ConstId, Cursor, Op, WriteFlags};
use kernite_vdbe::{Addr, Reg};

use super::distinct::{DistinctState, code_distinct, fix_opening};
use super::sort::{RowData, Sort, push};
use super::{Destination, DestinationKind, skip_offset};
use crate::bound::SelectId;
use crate::codegen::column;
use crate::codegen::expr::{ListFlags, ListItem, References, code_items};
use crate::compile::{CompileResult, Compiler};
use crate::plan::where_loop::Distinct;

/// Computes the result columns that are no sorted terms into registers.
pub fn load_row(
    c: &mut Compiler<'_>,
    select: SelectId,
    sort: &Sort,
    first: Reg,
    duplicate: bool,
) -> CompileResult<()> {
    let items: Vec<ListItem> = c.bound[select]
        .columns
        .iter()
        .enumerate()
        .map(|(at, column)| ListItem {
            expr: column.expr,
            reference: sort.references.get(at).copied().unwrap_or(0),
        })
        .collect();
    code_items(c, &items, first, References::Omit, ListFlags { duplicate, hoist: false })?;
    Ok(())
}

/// Codes one row. `from`: it is read from this cursor instead of computed. `next` is where the next row comes from, `done` is where to go when no
/// more are wanted.
#[allow(clippy::too_many_arguments)]
pub fn code_row(
    c: &mut Compiler<'_>,
    select: SelectId,
    from: Option<Cursor>,
    sort: Option<&mut Sort>,
    distinct: Option<&mut DistinctState>,
    destination: &mut Destination,
    next: Addr,
    done: Addr,
) -> CompileResult<()> {
    let mut unsorted = Sort::default();
    let sort = sort.unwrap_or(&mut unsorted);
    let sorts = sort.order.is_some();
    let is_distinct = distinct.as_ref().is_some_and(|distinct| distinct.kind != Distinct::Unknown);
    if !sorts && !is_distinct {
        skip_offset(c, select, next);
    }
    let mut count = c.bound[select].columns.len() as u32;
    let mut prefix = 0;
    if !destination.first.is_some() {
        if sorts {
            prefix = sort.order.as_ref().map_or(0, |order| order.len() as u32) + u32::from(!sort.is_sorter);
            c.builder.alloc_regs(prefix);
        }
        destination.first = c.builder.alloc_regs(count);
    } else if destination.first.0 + count > c.builder.register_count() {
        c.builder.alloc_regs(count);
    }
    destination.count = count;
    let first = destination.first;
    let mut original = first;
    if let Some(cursor) = from {
        for at in 0..count {
            let out = first.plus(at);
            c.emit(Op::Column {
                cursor,
                column: at as u16,
                out,
                default: ConstId(0),
                hint: column::HINT_NONE,
            });
        }
    } else if !matches!(destination.kind, DestinationKind::Exists(_)) {
        let duplicate = matches!(
            destination.kind,
            DestinationKind::Memory(_) | DestinationKind::Output | DestinationKind::Coroutine { .. }
        );
        let is_table =
            matches!(destination.kind, DestinationKind::EphemeralTable(_) | DestinationKind::Table(_));
        sort.references.clear();
        if sorts && !is_distinct && !is_table {
            note_references(c, select, sort);
            let shared = sort.references.iter().filter(|&&term| term > 0).count() as u32;
            if shared > 0 {
                count -= shared;
                original = Reg(0);
            }
        }
        let can_defer = sorts && !is_distinct && !is_table && prefix > 0;
        if can_defer && c.codegen.select(select).limit.is_some() {
            sort.deferred = Some((first, duplicate));
            original = Reg(0);
        } else {
            load_row(c, select, sort, first, duplicate)?;
        }
    }
    if let Some(distinct) = distinct.filter(|_| is_distinct) {
        let exprs = super::result_exprs(c, select);
        let kept = code_distinct(c, distinct.kind, distinct.cursor, next, &exprs, first)?;
        fix_opening(c, distinct.kind, kept, distinct.opened);
        if !sorts {
            skip_offset(c, select, next);
        }
    }
    deliver(c, select, sort, destination, RowData { first, count, original, prefix }, done)?;
    let limit = c.codegen.select(select).limit;
    if !sorts && limit.is_some() {
        c.emit(Op::DecrJumpZero { counter: limit, to: done });
    }
    Ok(())
}

/// Notes which result columns are sorted terms, so that they are kept once.
fn note_references(c: &Compiler<'_>, select: SelectId, sort: &mut Sort) {
    let Some(order) = &sort.order else { return };
    sort.references = vec![0; c.bound[select].columns.len()];
    for (at, term) in order.iter().enumerate().skip(sort.satisfied) {
        if let Some(column) = usize::from(term.result_column).checked_sub(1)
            && let Some(reference) = sort.references.get_mut(column)
        {
            *reference = (at + 1 - sort.satisfied) as u16;
        }
    }
}

#[allow(clippy::too_many_lines)]
fn deliver(
    c: &mut Compiler<'_>,
    select: SelectId,
    sort: &mut Sort,
    destination: &mut Destination,
    row: RowData,
    done: Addr,
) -> CompileResult<()> {
    let RowData { first, count, original, prefix } = row;
    let sorts = sort.order.is_some();
    match &mut destination.kind {
        DestinationKind::Table(cursor)
        | DestinationKind::EphemeralTable(cursor)
        | DestinationKind::Fifo(cursor)
        | DestinationKind::DistinctFifo { queue: cursor, .. } => {
            let cursor = *cursor;
            let scratch = c.builder.temp_range(prefix + 1);
            let record = scratch.plus(prefix);
            c.emit(Op::MakeRecord { first, count, out: record, affinities: Default::default() });
            let known = c.label();
            if let DestinationKind::DistinctFifo { seen, .. } = destination.kind {
                c.emit(Op::Found { cursor: seen, key: scratch, count: 0, to: known });
                let flags = WriteFlags::default();
                c.emit(Op::IdxInsert { cursor: seen, record: scratch, first, count: count as u16, flags });
            }
            if sorts {
                push(c, select, sort, RowData { first: record, count: 1, original, prefix })?;
            } else {
                append(c, cursor, scratch);
            }
            c.bind(known);
            c.builder.release_temp_range(scratch, prefix + 1);
        }
        DestinationKind::UpdateFrom { cursor, key_columns } => {
            if sorts {
                return push(c, select, sort, row);
            }
            let (cursor, key_columns) = (*cursor, *key_columns);
            c.emit(Op::IsNull { value: first, to: done });
            store_for_update(c, cursor, key_columns, first, count);
        }
        DestinationKind::Set { bloom, .. } if sorts => {
            *bloom = Reg(0);
            return push(c, select, sort, row);
        }
        DestinationKind::Set { cursor, affinities, bloom } => {
            let (cursor, bloom) = (*cursor, *bloom);
            let affinities = c.builder.affinity(affinities);
            let record = c.builder.temp_reg();
            c.emit(Op::MakeRecord { first, count, out: record, affinities });
            let flags = WriteFlags::default();
            c.emit(Op::IdxInsert { cursor, record, first, count: count as u16, flags });
            if bloom.is_some() {
                c.emit(Op::FilterAdd { filter: bloom, first, count });
                c.explain(|_| "CREATE BLOOM FILTER".into());
            }
            c.builder.release_temp(record);
        }
        DestinationKind::Exists(reg) => {
            let reg = *reg;
            c.integer(1, reg);
        }
        DestinationKind::Memory(reg) if sorts => {
            *reg = first;
            return push(c, select, sort, row);
        }
        DestinationKind::Memory(reg) => {
            if *reg != first {
                let to = *reg;
                c.emit(Op::Copy { from: first, to, count });
            }
        }
        DestinationKind::Coroutine { .. } | DestinationKind::Output if sorts => {
            return push(c, select, sort, row);
        }
        DestinationKind::Coroutine { co } => {
            let co = *co;
            c.emit(Op::Yield { co, done: Addr(0) });
        }
        DestinationKind::Output => {
            c.emit(Op::ResultRow { first, count });
        }
        DestinationKind::Queue { queue, order } => {
            let (queue, order) = (*queue, order.clone());
            enqueue(c, queue, None, &order, first, count, true);
        }
        DestinationKind::DistinctQueue { queue, seen, order } => {
            let (queue, seen, order) = (*queue, *seen, order.clone());
            enqueue(c, queue, Some(seen), &order, first, count, true);
        }
        DestinationKind::Discard => {}
    }
    Ok(())
}

/// Appends a record to an ephemeral table.
pub fn append(c: &mut Compiler<'_>, cursor: Cursor, record: Reg) {
    let rowid = c.builder.temp_reg();
    c.emit(Op::NewRowid { cursor, out: rowid, previous: Reg(0) });
    let flags = WriteFlags { append: true, ..WriteFlags::default() };
    c.emit(Op::Insert { cursor, record, rowid, table: Default::default(), flags });
    c.builder.release_temp(rowid);
}

/// Keeps a row of UPDATE … FROM.
pub fn store_for_update(
    c: &mut Compiler<'_>,
    cursor: Cursor,
    key_columns: Option<u16>,
    first: Reg,
    count: u32,
) {
    let record = c.builder.temp_reg();
    match key_columns {
        None => {
            let (values, count) = (first.plus(1), count - 1);
            c.emit(Op::MakeRecord { first: values, count, out: record, affinities: Default::default() });
            let flags = WriteFlags::default();
            c.emit(Op::Insert { cursor, record, rowid: first, table: Default::default(), flags });
        }
        Some(keys) => {
            c.emit(Op::MakeRecord { first, count, out: record, affinities: Default::default() });
            c.emit(Op::IdxInsert { cursor, record, first, count: keys, flags: WriteFlags::default() });
        }
    }
    c.builder.release_temp(record);
}

/// Puts a row into the ordered queue of a recursive query: the ORDER BY values, a sequence number, the row's record. With `seen`, only rows that
/// were not there before; `test` looks whether that is so.
pub fn enqueue(
    c: &mut Compiler<'_>,
    queue: Cursor,
    seen: Option<Cursor>,
    order: &[u16],
    first: Reg,
    count: u32,
    test: bool,
) {
    let keys = order.len() as u32;
    let entry = c.builder.temp_reg();
    let key = c.builder.temp_range(keys + 2);
    let record = key.plus(keys + 1);
    let known = c.label();
    if let Some(cursor) = seen.filter(|_| test) {
        c.emit(Op::Found { cursor, key: first, count: count as u16, to: known });
    }
    c.emit(Op::MakeRecord { first, count, out: record, affinities: Default::default() });
    if let Some(cursor) = seen {
        let flags = WriteFlags { use_seek_result: test, ..WriteFlags::default() };
        c.emit(Op::IdxInsert { cursor, record, first: Reg(0), count: 0, flags });
    }
    for (at, &column) in order.iter().enumerate() {
        c.emit(Op::SCopy { from: first.plus(u32::from(column.max(1)) - 1), to: key.plus(at as u32) });
    }
    c.emit(Op::Sequence { cursor: queue, out: key.plus(keys) });
    c.emit(Op::MakeRecord { first: key, count: keys + 2, out: entry, affinities: Default::default() });
    let flags = WriteFlags::default();
    c.emit(Op::IdxInsert { cursor: queue, record: entry, first: key, count: (keys + 2) as u16, flags });
    c.bind(known);
    c.builder.release_temp(entry);
    c.builder.release_temp_range(key, keys + 2);
}
