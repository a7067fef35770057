//! One row is deleted, with all that hangs on it: triggers, foreign keys, entries of indexes.

use std::sync::Arc;

use kernite_vdbe::op::{Cursor, OnConflict, Op, TableId, WriteFlags};
use kernite_vdbe::{Addr, Reg};

use super::super::column;
use super::index_key::{Key, bind_skip, entry_size, index_key_reusing};
use super::row::{self, TableCursors};
use super::trigger::{self, Site, Triggers};
use super::{foreign_key, foreign_key_action};
use crate::catalog::Table;
use crate::compile::{CompileResult, Compiler};

/// How the rows to be changed are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// All are found first: the cursor has to be sought for each.
    Two,
    /// The cursor stands on the only row.
    Single,
    /// The cursor stands on the row, and the scan goes on from there.
    Multi,
}

/// A row to be deleted.
#[derive(Clone, Copy)]
pub struct Removal<'a> {
    pub table: &'a Arc<Table>,
    pub triggers: &'a Triggers,
    pub cursors: TableCursors,
    /// Rowid, or first column of the primary key; with `key_count` 0 the record of the primary key.
    pub key: Reg,
    pub key_count: u16,
    /// The row counts in `changes()`.
    pub count_change: bool,
    /// Conflict clause for the triggers.
    pub conflict: Option<OnConflict>,
    pub pass: Pass,
    /// The cursor of an index that stands on the row's entry already.
    pub sought_index: Option<Cursor>,
}

/// Deletes a row. A row that is gone already is left alone.
pub fn row(c: &mut Compiler<'_>, removal: &Removal<'_>) -> CompileResult<()> {
    let table = removal.table;
    let data = removal.cursors.data;
    let end = c.label();
    let mut sought_index = removal.sought_index;
    let mut old = Reg(0);
    if removal.pass == Pass::Two {
        seek(c, table, data, removal.key, removal.key_count, end);
    }
    if !removal.triggers.is_empty() || foreign_key::required_for_delete(c, table) {
        let mut mask = trigger::column_mask(c, removal.triggers, table, false, false, removal.conflict)?;
        mask |= foreign_key::old_mask(c, table)?;
        old = c.builder.alloc_regs(1 + table.columns.len() as u32);
        c.emit(Op::Copy { from: removal.key, to: old, count: 1 });
        for at in 0..table.columns.len() {
            if trigger::is_in_mask(mask, at) {
                read_column(c, table, data, at, row::column_reg(table, old, at))?;
            }
        }
        let before = c.here();
        let site = Site { table, rows: old, conflict: removal.conflict, ignore: end };
        trigger::fire(c, removal.triggers, true, site)?;
        if before != c.here() {
            // A trigger may have moved the cursors, or deleted the row.
            seek(c, table, data, removal.key, removal.key_count, end);
            sought_index = None;
        }
        foreign_key::check(c, table, old, Reg(0), None)?;
    }
    if !row::is_view(table) {
        entries(c, table, removal.cursors, None, sought_index)?;
        delete(c, removal, sought_index);
    }
    foreign_key_action::run(c, table, old, None)?;
    let site = Site { table, rows: old, conflict: removal.conflict, ignore: end };
    trigger::fire(c, removal.triggers, false, site)?;
    c.bind(end);
    Ok(())
}

/// The instructions that delete the row itself, and the entry that the scan's index stands on.
fn delete(c: &mut Compiler<'_>, removal: &Removal<'_>, sought_index: Option<Cursor>) {
    let table = removal.table;
    let data = removal.cursors.data;
    let scan_index = sought_index.filter(|&cursor| cursor != data);
    let named = c.counts_changes() || table.name.eq_ignore_ascii_case(b"sqlite_stat1");
    let link = if named { row::table_link(c, table) } else { TableId(0) };
    let save_position = removal.pass == Pass::Multi;
    let mut flags = WriteFlags { count_change: removal.count_change, ..WriteFlags::default() };
    if scan_index.is_some() {
        flags.auxiliary = removal.pass != Pass::Two;
    } else {
        flags.save_position = save_position;
    }
    c.emit(Op::Delete { cursor: data, table: link, flags });
    if let Some(cursor) = scan_index {
        let flags = WriteFlags { save_position, ..WriteFlags::default() };
        c.emit(Op::Delete { cursor, table: TableId(0), flags });
    }
}

/// Goes to the row, or to `miss`.
pub fn seek(c: &mut Compiler<'_>, table: &Table, data: Cursor, key: Reg, count: u16, miss: Addr) {
    if row::has_rowid(table) {
        c.emit(Op::NotExists { cursor: data, key, miss });
    } else {
        c.emit(Op::NotFound { cursor: data, key, count, to: miss });
    }
}

/// A column of the row under the data cursor. The rows of a view lie in an ephemeral table.
pub fn read_column(
    c: &mut Compiler<'_>,
    table: &Arc<Table>,
    data: Cursor,
    at: usize,
    out: Reg,
) -> CompileResult<()> {
    let number = i16::try_from(at).unwrap_or(i16::MAX);
    super::super::expr::read_column(c, Some(table), data, number, out, column::HINT_NONE)
}

/// Deletes the entries of the row under the data cursor. `wanted`: only of indexes with a register; `except`: not of this one.
pub fn entries(
    c: &mut Compiler<'_>,
    table: &Arc<Table>,
    cursors: TableCursors,
    wanted: Option<&[Reg]>,
    except: Option<Cursor>,
) -> CompileResult<()> {
    let indexes: Vec<_> = row::indexes(table).cloned().collect();
    let mut prior: Option<(usize, Key)> = None;
    for (at, index) in indexes.iter().enumerate() {
        let cursor = cursors.index(at);
        let is_wanted = wanted.is_none_or(|wanted| wanted[at].is_some());
        if !is_wanted || row::is_primary_key(table, index) || except == Some(cursor) {
            continue;
        }
        let known = prior.map(|(at, key)| (&indexes[at], key));
        let key = index_key_reusing(c, table, index, cursors.data, Reg(0), true, true, known)?;
        let count = entry_size(index, true) as u16;
        c.emit(Op::IdxDelete { cursor, key: key.first, count, raise: true });
        bind_skip(c, key);
        prior = Some((at, key));
    }
    Ok(())
}
