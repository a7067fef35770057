//! The last step of INSERT and UPDATE: the records are written.
//!
//! The registers with the records were filled by the constraint checks.

use std::sync::Arc;

use kernite_vdbe::op::{Cursor, HaltCode, OnConflict, Op, TableId, WriteFlags};
use kernite_vdbe::{Addr, Reg};

use super::super::column;
use super::index_key::entry_size;
use super::row::{self, TableCursors};
use crate::catalog::{Index, IndexColumn, IndexOrigin, Table};
use crate::compile::Compiler;

/// A table that rows are written to: its cursors, and the registers of its records.
#[derive(Clone, Debug)]
pub struct Target {
    pub table: Arc<Table>,
    pub cursors: TableCursors,
    /// By index: where its record goes, its columns behind it. "None": the index does not change.
    pub index_regs: Vec<Reg>,
    /// Record of the table.
    pub record: Reg,
}

/// How the records are written.
#[derive(Clone, Copy, Debug, Default)]
pub struct Completion {
    /// The second half of an UPDATE.
    pub is_update: bool,
    /// The cursors have to keep their places: a scan goes on with them.
    pub save_position: bool,
    /// The row probably goes to the end of the table.
    pub append: bool,
    /// The constraint checks left the cursors where the entries go.
    pub use_seek: bool,
}

/// Writes the entries and the row whose first register is `new`.
pub fn complete(c: &mut Compiler<'_>, target: &Target, new: Reg, how: Completion) {
    let table = &target.table;
    for (at, index) in row::indexes(table).enumerate() {
        let record = target.index_regs[at];
        if !record.is_some() {
            continue;
        }
        if index.filter.is_some() || (how.is_update && is_computed(table, index)) {
            // NULL stands for "no entry".
            let behind = Addr(c.here().0 + 2);
            c.emit(Op::IsNull { value: record, to: behind });
        }
        let cursor = target.cursors.index(at);
        let mut flags = WriteFlags { use_seek_result: how.use_seek, ..WriteFlags::default() };
        if row::is_primary_key(table, index) {
            flags.count_change = true;
            flags.save_position = how.save_position;
            if !how.is_update {
                tell_preupdate(c, table, cursor, record);
            }
        }
        let count = entry_size(index, true) as u16;
        c.emit(Op::IdxInsert { cursor, record, first: record.plus(1), count, flags });
    }
    if !row::has_rowid(table) {
        return;
    }
    let counts = c.counts_changes();
    let flags = WriteFlags {
        count_change: counts,
        last_rowid: counts && !how.is_update,
        is_update: counts && how.is_update,
        append: how.append,
        use_seek_result: how.use_seek,
        save_position: counts && how.save_position,
        ..WriteFlags::default()
    };
    let link = if counts { row::table_link(c, table) } else { TableId(0) };
    c.emit(Op::Insert { cursor: target.cursors.data, record: target.record, rowid: new, table: link, flags });
}

/// Whether an entry holds what is computed from the row and not stored in it.
fn is_computed(table: &Table, index: &Index) -> bool {
    let is_virtual = |column: &IndexColumn| match column {
        IndexColumn::Column(at) => column::is_virtual(table, *at),
        IndexColumn::Expr(_) => true,
        IndexColumn::Rowid => false,
    };
    index.columns.iter().take(index.key_columns).any(is_virtual)
}

/// An insert that writes nothing and only tells the pre-update hook of a row of a WITHOUT ROWID table.
pub fn tell_preupdate(c: &mut Compiler<'_>, table: &Table, cursor: Cursor, record: Reg) {
    let rowid = c.builder.temp_reg();
    c.integer(0, rowid);
    let link = row::table_link(c, table);
    let flags = WriteFlags { no_op: true, ..WriteFlags::default() };
    c.emit(Op::Insert { cursor, record, rowid, table: link, flags });
    c.builder.release_temp(rowid);
}

/// Ends the statement: an entry of a unique index is there already.
pub fn halt_unique(c: &mut Compiler<'_>, table: &Table, index: &Index, on_conflict: OnConflict) {
    let mut message = Vec::new();
    if column::has_expr(index) {
        message.extend_from_slice(b"index '");
        message.extend_from_slice(&index.name);
        message.push(b'\'');
    } else {
        for at in 0..index.key_columns {
            if at > 0 {
                message.extend_from_slice(b", ");
            }
            let name = usize::try_from(column::index_column(index, at))
                .ok()
                .and_then(|column| table.columns.get(column))
                .map_or(&b"rowid"[..], |column| &column.name);
            message.extend_from_slice(&table.name);
            message.push(b'.');
            message.extend_from_slice(name);
        }
    }
    let code = match index.origin {
        IndexOrigin::PrimaryKey => HaltCode::PrimaryKey,
        _ => HaltCode::Unique,
    };
    c.halt_constraint(code, on_conflict, Some(&message));
}

/// Ends the statement: a row with this rowid is there already.
pub fn halt_rowid(c: &mut Compiler<'_>, table: &Table, on_conflict: OnConflict) {
    let (name, code) = match table.rowid_alias {
        Some(alias) => (&*table.columns[alias].name, HaltCode::PrimaryKey),
        None => (&b"rowid"[..], HaltCode::RowId),
    };
    let message = [&table.name, &b"."[..], name].concat();
    c.halt_constraint(code, on_conflict, Some(&message));
}
