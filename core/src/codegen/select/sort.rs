//! ORDER BY by sorting: rows go into a sorter (or, under LIMIT, into an ephemeral index that keeps the best), then come out in order.
//!
//! The record of a row in there: the ORDER BY terms that rows do not come ordered by, a sequence number (index only, it makes keys unique and the
//! sort stable), the result columns that are no ORDER BY terms.

use std::rc::Rc;

use kernite_vdbe::op::{ConstId, Cursor, KeyInfoId, Op, WriteFlags};
use kernite_vdbe::{Addr, Reg};

use super::{Destination, DestinationKind, inner_loop};
use crate::bound::{OrderTerm, SelectId};
use crate::codegen::column;
use crate::codegen::expr::{ListFlags, ListItem, References, code_items};
use crate::compile::{CompileResult, Compiler};

/// A sort under construction.
#[derive(Clone, Debug, Default)]
pub struct Sort {
    /// The terms; `None` once nothing is to be sorted.
    pub order: Option<Rc<[OrderTerm]>>,
    pub cursor: Cursor,
    /// The instruction that opens it.
    pub open: Option<Addr>,
    /// Terms by which rows come ordered already.
    pub satisfied: usize,
    /// A sorter, not an index.
    pub is_sorter: bool,
    /// Where the sorting of a block of rows with equal leading terms is done, and its return register.
    pub block_label: Option<Addr>,
    pub return_reg: Reg,
    pub done_label: Option<Addr>,
    /// Where a row that comes too late for LIMIT leads.
    pub limit_label: Option<Addr>,
    /// The result columns are computed only when the row is known to be wanted: into these registers.
    pub deferred: Option<(Reg, bool)>,
    /// For each result column its place (from 1) among the sorted terms, 0 = none.
    pub references: Vec<u16>,
}

impl Sort {
    /// A sort by these terms.
    pub fn new(order: Option<&[OrderTerm]>) -> Sort {
        Sort { order: order.map(Into::into), ..Sort::default() }
    }

    /// Uses a sorter: there is no LIMIT.
    pub fn use_sorter(&mut self, c: &mut Compiler<'_>, open: Addr) -> CompileResult<()> {
        let order = self.order.clone().unwrap_or_default();
        let key = c.order_key(&order, 0)?;
        let key = c.link_key(key);
        if let Op::OpenEphemeral { cursor, columns, .. } = *c.builder.op(open) {
            *c.builder.op_mut(open) = Op::SorterOpen { cursor, columns, key, limit: Reg(0) };
        }
        self.is_sorter = true;
        Ok(())
    }

    /// How many terms are sorted by.
    fn key_terms(&self) -> usize {
        self.order.as_ref().map_or(0, |order| order.len() - self.satisfied)
    }
}

/// Where the values of a row to be sorted lie.
#[derive(Clone, Copy, Debug)]
pub struct RowData {
    pub first: Reg,
    pub count: u32,
    /// Result columns that ORDER BY terms may be copied from; 0 = none.
    pub original: Reg,
    /// Registers just before `first` that were set aside for the terms.
    pub prefix: u32,
}

/// Puts a row into the sort.
pub fn push(c: &mut Compiler<'_>, select: SelectId, sort: &mut Sort, row: RowData) -> CompileResult<()> {
    let Some(order) = sort.order.clone() else { return Ok(()) };
    let terms = order.len() as u32;
    let sequence = u32::from(!sort.is_sorter);
    let width = terms + sequence + row.count;
    let satisfied = sort.satisfied as u32;
    let base = if row.prefix > 0 { Reg(row.first.0 - row.prefix) } else { c.builder.alloc_regs(width) };
    let state = c.codegen.select(select);
    let limit = if state.offset.is_some() { state.offset.plus(1) } else { state.limit };
    let done = c.label();
    sort.done_label = Some(done);
    let items: Vec<ListItem> = order.iter().map(ListItem::from).collect();
    let references = match row.original.is_some() {
        true => References::CopyFrom(row.original),
        false => References::Ignore,
    };
    code_items(c, &items, base, references, ListFlags { duplicate: true, hoist: false })?;
    if sequence > 0 {
        c.emit(Op::Sequence { cursor: sort.cursor, out: base.plus(terms) });
    }
    if row.prefix == 0 && row.count > 0 {
        c.emit(Op::Move { from: row.first, to: base.plus(terms + sequence), count: row.count });
    }
    let mut record = Reg(0);
    if satisfied > 0 {
        record = make_record(c, select, sort, base, width)?;
        start_block(c, sort, &order, base, row.count, limit, done)?;
    }
    let mut skip = None;
    if limit.is_some() {
        // The index holds as many rows as are wanted: a row that is not better than its last is dropped, else that one goes.
        let room = c.label();
        c.emit(Op::IfNotZero { counter: limit, to: room });
        c.emit(Op::Last { cursor: sort.cursor, empty: Addr(0) });
        let key = base.plus(satisfied);
        let count = (terms - satisfied) as u16;
        skip = Some(c.emit(Op::IdxLE { cursor: sort.cursor, key, count, to: Addr(0) }));
        c.emit(Op::Delete { cursor: sort.cursor, table: Default::default(), flags: WriteFlags::default() });
        c.bind(room);
    }
    if !record.is_some() {
        record = make_record(c, select, sort, base, width)?;
    }
    let (first, count) = (base.plus(satisfied), (width - satisfied) as u16);
    let cursor = sort.cursor;
    match sort.is_sorter {
        true => c.emit(Op::SorterInsert { cursor, record, first, count }),
        false => c.emit(Op::IdxInsert { cursor, record, first, count, flags: WriteFlags::default() }),
    };
    if let Some(skip) = skip {
        match sort.limit_label {
            Some(label) => c.builder.set_jump(skip, label),
            None => c.jump_here(skip),
        }
    }
    Ok(())
}

/// Makes the record, after the result columns were computed if that was put off.
fn make_record(
    c: &mut Compiler<'_>,
    select: SelectId,
    sort: &Sort,
    base: Reg,
    width: u32,
) -> CompileResult<Reg> {
    let out = c.reg();
    if let Some((first, duplicate)) = sort.deferred {
        inner_loop::load_row(c, select, sort, first, duplicate)?;
    }
    let satisfied = sort.satisfied as u32;
    c.emit(Op::MakeRecord {
        first: base.plus(satisfied),
        count: width - satisfied,
        out,
        affinities: Default::default(),
    });
    Ok(out)
}

/// Rows come ordered by the leading terms: when those change, the rows collected so far are sorted and delivered.
fn start_block(
    c: &mut Compiler<'_>,
    sort: &mut Sort,
    order: &[OrderTerm],
    base: Reg,
    data: u32,
    limit: Reg,
    done: Addr,
) -> CompileResult<()> {
    let satisfied = sort.satisfied as u32;
    let terms = order.len() as u32;
    let sequence = u32::from(!sort.is_sorter);
    let previous = c.builder.alloc_regs(satisfied);
    let keys = terms - satisfied + sequence;
    let first_row = match sort.is_sorter {
        true => c.emit(Op::SequenceTest { cursor: sort.cursor, to: Addr(0) }),
        false => c.emit(Op::IfNot { value: base.plus(terms), to: Addr(0), jump_if_null: false }),
    };
    // The comparison only asks whether the leading terms are equal: directions do not matter.
    let mut leading = c.order_key(&order[..sort.satisfied], 0)?;
    for column in &mut leading.columns {
        column.descending = false;
        column.big_null = false;
    }
    let leading = c.link_key(leading);
    c.emit(Op::Compare {
        left: previous,
        right: base,
        count: satisfied,
        key: leading,
        permutation: Default::default(),
    });
    let width = keys + data;
    // A sorter is stable; an index tells equal keys apart by the sequence number behind them.
    let trailing = c.order_key(&order[sort.satisfied..], usize::from(!sort.is_sorter))?;
    let trailing = c.link_key(trailing);
    reopen(c, sort, width as u16, trailing);
    let changed = Addr(c.here().0 + 1);
    let jump = c.emit(Op::Jump { less: changed, equal: Addr(0), greater: changed });
    let block = c.label();
    sort.block_label = Some(block);
    sort.return_reg = c.reg();
    c.emit(Op::Gosub { ret: sort.return_reg, to: block });
    c.emit(Op::ResetSorter { cursor: sort.cursor });
    if limit.is_some() {
        c.emit(Op::IfNot { value: limit, to: done, jump_if_null: false });
    }
    c.jump_here(first_row);
    c.emit(Op::Move { from: base, to: previous, count: satisfied });
    let here = c.here();
    c.codegen.copy_barrier = Some(here);
    if let Op::Jump { equal, .. } = c.builder.op_mut(jump) {
        *equal = here;
    }
    Ok(())
}

/// Gives the sorter or index the key of the terms that are really sorted by.
fn reopen(c: &mut Compiler<'_>, sort: &Sort, width: u16, trailing: KeyInfoId) {
    let Some(open) = sort.open else { return };
    match c.builder.op_mut(open) {
        Op::OpenEphemeral { columns, key, .. } | Op::SorterOpen { columns, key, .. } => {
            *columns = width;
            *key = trailing;
        }
        _ => {}
    }
}

/// Delivers the rows in order.
pub fn code_sorted_rows(
    c: &mut Compiler<'_>,
    select: SelectId,
    sort: &mut Sort,
    destination: &mut Destination,
) -> CompileResult<()> {
    let Some(done) = sort.done_label else { return Ok(()) };
    let keys = sort.key_terms();
    c.explain(|_| match (sort.satisfied, keys) {
        (0, _) => "USE TEMP B-TREE FOR ORDER BY".into(),
        (_, 1) => "USE TEMP B-TREE FOR LAST TERM OF ORDER BY".into(),
        _ => format!("USE TEMP B-TREE FOR LAST {keys} TERMS OF ORDER BY"),
    });
    if let Some(block) = sort.block_label {
        c.emit(Op::Gosub { ret: sort.return_reg, to: block });
        c.goto(done);
        c.bind(block);
    }
    let mut columns = c.bound[select].columns.len() as u32;
    let offset = c.codegen.select(select).offset;
    let in_place = matches!(
        destination.kind,
        DestinationKind::Output | DestinationKind::Coroutine { .. } | DestinationKind::Memory(_)
    );
    let is_table = matches!(destination.kind, DestinationKind::Table(_) | DestinationKind::EphemeralTable(_));
    let (row, rowid);
    if in_place {
        if matches!(destination.kind, DestinationKind::Memory(_)) && offset.is_some() {
            c.nulls(destination.first, 1);
        }
        row = destination.first;
        rowid = Reg(0);
    } else {
        rowid = c.builder.temp_reg();
        if is_table {
            row = c.builder.temp_reg();
            columns = 0;
        } else {
            row = c.builder.temp_range(columns);
        }
    }
    let next = c.label();
    let (cursor, read, sequence, top);
    if sort.is_sorter {
        let record = c.reg();
        read = c.cursor();
        let once = sort.block_label.map(|_| {
            let past = c.label();
            c.emit(Op::Once { to: past });
            past
        });
        let width = (keys as u32 + 1 + columns) as u16;
        c.emit(Op::OpenPseudo { cursor: read, content: record, columns: width });
        if let Some(past) = once {
            c.bind(past);
        }
        cursor = sort.cursor;
        c.emit(Op::SorterSort { cursor, empty: done });
        top = c.here();
        c.emit(Op::SorterData { cursor, out: record, pseudo: read });
        sequence = 0;
    } else {
        cursor = sort.cursor;
        c.emit(Op::Sort { cursor, empty: done });
        top = c.here();
        super::skip_offset(c, select, next);
        if offset.is_some() {
            let limit = c.codegen.select(select).limit;
            c.emit(Op::AddImm { value: limit, amount: -1 });
        }
        read = cursor;
        sequence = 1;
    }
    load_sorted(c, sort, read, row, columns, keys as u32 + sequence);
    deliver(c, destination, read, row, rowid, columns, keys as u32 + sequence);
    if rowid.is_some() {
        match is_table {
            true => c.builder.release_temp(row),
            false => c.builder.release_temp_range(row, columns),
        }
        c.builder.release_temp(rowid);
    }
    c.bind(next);
    match sort.is_sorter {
        true => c.emit(Op::SorterNext { cursor, to: top }),
        false => c.emit(Op::Next { cursor, to: top, counter: 0 }),
    };
    if sort.return_reg.is_some() {
        c.emit(Op::Return { ret: sort.return_reg, or_fall_through: false });
    }
    c.bind(done);
    Ok(())
}

/// Loads the result columns: ORDER BY terms from the key, the others from behind it.
fn load_sorted(c: &mut Compiler<'_>, sort: &Sort, cursor: Cursor, row: Reg, columns: u32, behind: u32) {
    let reference = |at: u32| sort.references.get(at as usize).copied().unwrap_or(0);
    let mut place = behind + (0..columns).filter(|&at| reference(at) == 0).count() as u32;
    for at in (0..columns).rev() {
        let column = match reference(at) {
            0 => {
                place -= 1;
                place as u16
            }
            term => term - 1,
        };
        let out = row.plus(at);
        c.emit(Op::Column { cursor, column, out, default: ConstId(0), hint: column::HINT_NONE });
    }
}

fn deliver(
    c: &mut Compiler<'_>,
    destination: &Destination,
    read: Cursor,
    row: Reg,
    rowid: Reg,
    columns: u32,
    behind: u32,
) {
    match &destination.kind {
        DestinationKind::Table(cursor) | DestinationKind::EphemeralTable(cursor) => {
            let cursor = *cursor;
            c.emit(Op::Column {
                cursor: read,
                column: behind as u16,
                out: row,
                default: ConstId(0),
                hint: column::HINT_NONE,
            });
            c.emit(Op::NewRowid { cursor, out: rowid, previous: Reg(0) });
            let flags = WriteFlags { append: true, ..WriteFlags::default() };
            c.emit(Op::Insert { cursor, record: row, rowid, table: Default::default(), flags });
        }
        DestinationKind::Set { cursor, affinities, .. } => {
            let cursor = *cursor;
            let affinities = c.builder.affinity(affinities);
            c.emit(Op::MakeRecord { first: row, count: columns, out: rowid, affinities });
            c.emit(Op::IdxInsert {
                cursor,
                record: rowid,
                first: row,
                count: columns as u16,
                flags: WriteFlags::default(),
            });
        }
        DestinationKind::UpdateFrom { cursor, key_columns } => {
            inner_loop::store_for_update(c, *cursor, *key_columns, row, columns);
        }
        DestinationKind::Output => {
            c.emit(Op::ResultRow { first: destination.first, count: columns });
        }
        DestinationKind::Coroutine { co } => {
            c.emit(Op::Yield { co: *co, done: Addr(0) });
        }
        // One row is in its registers already: LIMIT 1 ends the loop. Other destinations are not sorted for.
        _ => {}
    }
}
