//! UPDATE of a virtual table: the table's update method gets old rowid, new rowid and all columns.
//!
//! The arguments of all rows are collected before the first call, unless there is at most one row.

use std::sync::Arc;

use kernite_vdbe::op::{AffinityId, ConstId, Cursor, KeyInfoId, Op, TableId, WriteFlags};
use kernite_vdbe::{Addr, Error, Reg};

use super::super::{column, expr};
use super::update::Updating;
use super::{query, row, scan, target};
use crate::bound::{ExprId, ResultColumn};
use crate::catalog::Table;
use crate::compile::{CompileResult, Compiler};
use crate::plan::{OnePass, control};

/// Codes the update of the rows that satisfy `filter`.
pub fn code(c: &mut Compiler<'_>, updating: &Updating, filter: Option<ExprId>) -> CompileResult<()> {
    let table = Arc::clone(&updating.table);
    let count = table.columns.len() as u32 + 2;
    let rows = c.cursor();
    let columns = u16::try_from(count).unwrap_or(u16::MAX);
    let open = c.emit(Op::OpenEphemeral { cursor: rows, columns, key: KeyInfoId(0), unordered: false });
    let first = c.builder.alloc_regs(count);
    let (record, rowid) = (c.reg(), c.reg());
    if updating.has_from {
        collect_joined(c, updating, rows)?;
        c.multi_write();
        update_collected(c, updating, rows, first, count);
        return Ok(());
    }
    if let Some(item) = c.bound[updating.core].from.first_mut() {
        item.columns_used = u64::MAX;
    }
    let found = scan::begin(c, updating.core, filter, control::ONE_PASS_DESIRED, None)?;
    let is_single = found.one_pass != OnePass::Off;
    let mut found = Some(found);
    let cursor = super::names::cursor_of(c, updating.core);
    for at in 0..table.columns.len() {
        let out = first.plus(2 + at as u32);
        match updating.changes.assigned[at] {
            Some(value) => expr::code(c, updating.values[value], out)?,
            None => {
                c.emit(Op::VColumn { cursor, column: at as u16, out, no_change: true });
            }
        }
    }
    load_keys(c, updating, cursor, first)?;
    if is_single {
        c.builder.change_to_noop(open);
        c.emit(Op::Close { cursor });
    } else {
        c.multi_write();
        c.emit(Op::MakeRecord { first, count, out: record, affinities: AffinityId(0) });
        c.emit(Op::NewRowid { cursor: rows, out: rowid, previous: Reg(0) });
        let flags = WriteFlags::default();
        c.emit(Op::Insert { cursor: rows, record, rowid, table: TableId(0), flags });
        if let Some(found) = found.take() {
            found.end(c)?;
        }
        update_collected(c, updating, rows, first, count);
    }
    match found {
        Some(found) => {
            target::update_virtual(c, &table, first, count, updating.conflict, false);
            found.end(c)
        }
        None => Ok(()),
    }
}

/// Calls the update method for each of the rows collected.
fn update_collected(c: &mut Compiler<'_>, updating: &Updating, rows: Cursor, first: Reg, count: u32) {
    let exit = c.emit(Op::Rewind { cursor: rows, empty: Addr(0) });
    for at in 0..count {
        let out = first.plus(at);
        let column = at as u16;
        c.emit(Op::Column { cursor: rows, column, out, default: ConstId(0), hint: column::HINT_NONE });
    }
    target::update_virtual(c, &updating.table, first, count, updating.conflict, false);
    c.emit(Op::Next { cursor: rows, to: Addr(exit.0 + 1), counter: 0 });
    c.jump_here(exit);
    c.emit(Op::Close { cursor: rows });
}

/// UPDATE … FROM: old key, new key and all columns come from a SELECT over the table and the statement's FROM clause.
fn collect_joined(c: &mut Compiler<'_>, updating: &Updating, rows: Cursor) -> CompileResult<()> {
    let (table, core) = (Arc::clone(&updating.table), updating.core);
    let value = |c: &mut Compiler<'_>, at: usize| match updating.changes.assigned[at] {
        Some(value) => c.copy_expr(updating.values[value]),
        None => scan::column(c, core, &table, Some(at)),
    };
    let key = match row::has_rowid(&table) {
        true => None,
        false => Some(key_column(&table)?),
    };
    let old = scan::column(c, core, &table, key);
    let new = match (key, updating.rowid_value) {
        (Some(key), _) => value(c, key),
        (None, Some(rowid)) => c.copy_expr(updating.values[rowid]),
        (None, None) => scan::column(c, core, &table, None),
    };
    let mut columns = vec![old, new];
    for at in 0..table.columns.len() {
        columns.push(value(c, at));
    }
    let id = c.next_select_id();
    let select = &mut c.bound[core];
    select.id = id;
    select.columns = columns
        .into_iter()
        .map(|expr| ResultColumn { expr, alias: None, span: None, from_star: false, unused: false })
        .collect();
    query::table(c, core, rows)
}

/// The column that is the key of a table without rowid.
fn key_column(table: &Table) -> CompileResult<usize> {
    let key = row::primary_key(table);
    let column = key.and_then(|key| usize::try_from(column::index_column(key, 0)).ok());
    column.ok_or_else(|| Error::message("a virtual table without rowid has no primary key"))
}

/// Old and new rowid; for a WITHOUT ROWID table old and new key.
fn load_keys(c: &mut Compiler<'_>, updating: &Updating, cursor: Cursor, first: Reg) -> CompileResult<()> {
    if row::has_rowid(&updating.table) {
        c.emit(Op::Rowid { cursor, out: first });
        match updating.rowid_value {
            Some(value) => expr::code(c, updating.values[value], first.plus(1))?,
            None => {
                c.emit(Op::Rowid { cursor, out: first.plus(1) });
            }
        }
        return Ok(());
    }
    let column = key_column(&updating.table)? as u16;
    c.emit(Op::VColumn { cursor, column, out: first, no_change: false });
    c.emit(Op::SCopy { from: first.plus(2 + u32::from(column)), to: first.plus(1) });
    Ok(())
}
