//! UPDATE of a virtual table: the table's update method gets old rowid, new rowid and all columns.
//!
//! The arguments of all rows are collected before the first call, unless there is at most one row.

use std::sync::Arc;

use kernite_vdbe::op::{AffinityId, ConstId, KeyInfoId, Op, TableId, WriteFlags};
use kernite_vdbe::{Addr, Error, Reg};

use super::super::{column, expr};
use super::update::Updating;
use super::{row, scan, target};
use crate::bound::ExprId;
use crate::compile::{CompileResult, Compiler};
use crate::plan::{OnePass, control};

/// Codes the update of the rows that satisfy `filter`.
pub fn code(c: &mut Compiler<'_>, updating: &Updating, filter: Option<ExprId>) -> CompileResult<()> {
    if updating.has_from {
        return Err(c.unsupported("UPDATE FROM on virtual tables"));
    }
    let table = Arc::clone(&updating.table);
    let count = table.columns.len() as u32 + 2;
    let rows = c.cursor();
    let columns = u16::try_from(count).unwrap_or(u16::MAX);
    let open = c.emit(Op::OpenEphemeral { cursor: rows, columns, key: KeyInfoId(0), unordered: false });
    let first = c.builder.alloc_regs(count);
    let (record, rowid) = (c.reg(), c.reg());
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
    let mut exit = None;
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
        exit = Some(c.emit(Op::Rewind { cursor: rows, empty: Addr(0) }));
        for at in 0..count {
            let out = first.plus(at);
            let column = at as u16;
            c.emit(Op::Column { cursor: rows, column, out, default: ConstId(0), hint: column::HINT_NONE });
        }
    }
    target::update_virtual(c, &table, first, count, updating.conflict, false);
    if let Some(exit) = exit {
        c.emit(Op::Next { cursor: rows, to: Addr(exit.0 + 1), counter: 0 });
        c.jump_here(exit);
        c.emit(Op::Close { cursor: rows });
    }
    match found {
        Some(found) => found.end(c),
        None => Ok(()),
    }
}

/// Old and new rowid; for a WITHOUT ROWID table old and new key.
fn load_keys(
    c: &mut Compiler<'_>,
    updating: &Updating,
    cursor: kernite_vdbe::op::Cursor,
    first: Reg,
) -> CompileResult<()> {
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
    let key = row::primary_key(&updating.table);
    let column = key.and_then(|key| u16::try_from(column::index_column(key, 0)).ok());
    let Some(column) = column else {
        return Err(Error::message("a virtual table without rowid has no primary key"));
    };
    c.emit(Op::VColumn { cursor, column, out: first, no_change: false });
    c.emit(Op::SCopy { from: first.plus(2 + u32::from(column)), to: first.plus(1) });
    Ok(())
}
