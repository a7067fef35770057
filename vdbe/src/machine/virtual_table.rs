//! Virtual tables: the instructions that call their methods.
//!
//! Most tables need the connection, or are the application's code, and run outside ([`Exit::Call`]); a table that says that it
//! needs neither runs here. Either way the same function, [`run`], does the work.
//!
//! Never: planning (`best_index` has been asked long before), commit and rollback (the host's).

use std::sync::Arc;

use kernite_btree::ValueRef;
use kernite_io::ready;

use crate::op::{ConstId, Cursor, OnConflict, Op, Reg, VtabId};
use crate::program::Program;
use crate::register::{Payload, Register, Tag};
use crate::vtab::{Sql, Table, Update};
use crate::{Error, Step, vtab};

use super::rest::After;
use super::run::Exit;
use super::slot::{Slot, VirtualCursor, wrong_kind};
use super::{Context, at};

/// `SQLITE_CONSTRAINT`, the primary code.
const CONSTRAINT: i32 = 19;

/// What an instruction on a virtual table works on, wherever it runs.
pub(super) struct Outside<'a> {
    pub(super) program: &'a Program,
    pub(super) registers: &'a mut [Register],
    pub(super) cursors: &'a mut [Slot],
    /// The table of an instruction that names one.
    pub(super) table: Option<Arc<dyn Table>>,
    pub(super) sql: Option<&'a mut dyn Sql>,
}

/// Where the program goes on.
#[derive(Debug, Default)]
pub(super) struct Next {
    pub(super) pc: usize,
    /// A row was changed.
    pub(super) changed: bool,
    pub(super) inserted: Option<i64>,
    pub(super) failure: Option<(Error, OnConflict)>,
}

/// Runs an instruction on a virtual table if that can be done here.
pub(super) fn run_here(cx: &mut Context<'_>, op: &Op, pc: usize) -> Step<After> {
    let table = match *op {
        Op::VOpen { vtab, .. }
        | Op::VBegin { vtab }
        | Op::VRename { vtab, .. }
        | Op::VUpdate { vtab, .. } => Some(instance(cx, vtab)?),
        Op::VFilter { cursor, .. }
        | Op::VNext { cursor, .. }
        | Op::VColumn { cursor, .. }
        | Op::Column { cursor, .. }
        | Op::Rowid { cursor, .. } => Some(Arc::clone(&open_cursor(cx.cursors, cursor)?.table)),
        Op::VCheck { table, .. } => {
            let link = cx.program.links.table(table).ok_or_else(wrong_kind)?;
            Some(cx.host.vtab(link.db, &link.name)?)
        }
        _ => None,
    };
    if let Op::VNext { cursor, .. } = *op
        && let Slot::Virtual(open) = &cx.cursors[usize::from(cursor.0)]
        && open.null_row
    {
        // The row of NULLs of an outer join comes after the last one.
        return Ok(Some(After::Next));
    }
    if let (Op::VBegin { .. }, Some(table)) = (op, &table)
        && !cx.host.vtab_joins(table)
    {
        return Ok(Some(After::Next));
    }
    if !table.as_ref().is_some_and(|table| table.runs_inline()) {
        cx.run.table = table;
        return Ok(Some(After::Leave(Exit::Call)));
    }
    let mut outside =
        Outside { program: cx.program, registers: cx.registers, cursors: cx.cursors, table, sql: None };
    let next = ready!(run(&mut outside, op, pc));
    if let Some((error, on_conflict)) = next.failure {
        return Ok(Some(After::Leave(Exit::End { error: Some(error), on_conflict })));
    }
    if let Some(rowid) = next.inserted {
        cx.host.state_mut().last_insert_rowid = rowid;
    }
    cx.run.changes += i64::from(next.changed);
    Ok(Some(After::At(next.pc)))
}

fn instance(cx: &mut Context<'_>, vtab: VtabId) -> Result<Arc<dyn Table>, Error> {
    let link = cx.program.links.vtab(vtab).ok_or_else(wrong_kind)?;
    cx.host.vtab(link.db, &link.name)
}

fn open_cursor(cursors: &[Slot], cursor: Cursor) -> Result<&VirtualCursor, Error> {
    match &cursors[usize::from(cursor.0)] {
        Slot::Virtual(open) => Ok(open),
        _ => Err(wrong_kind()),
    }
}

/// `out` = column of a virtual table's row, where that can be had here; the loop has to leave for the rest.
pub(super) fn column(
    cx: &mut Context<'_>,
    cursor: Cursor,
    column: u16,
    out: Reg,
    no_change: bool,
) -> Step<()> {
    let encoding = cx.program.encoding;
    let Slot::Virtual(open) = &mut cx.cursors[usize::from(cursor.0)] else { return Err(wrong_kind()) };
    if open.null_row {
        cx.registers[at(out)].set_null();
        return Ok(Some(()));
    }
    if !open.table.runs_inline() {
        return Err(Error::Program { at: 0, what: "column of a virtual table without VColumn" });
    }
    let out = &mut cx.registers[at(out)];
    out.set_null();
    let cursor = open.cursor.as_mut().ok_or_else(wrong_kind)?;
    ready!(cursor.column(column, no_change, out, &mut vtab::Context { sql: None, encoding }));
    Ok(Some(()))
}

/// `out` = rowid of a virtual table's row, where that can be had here.
pub(super) fn rowid(cx: &mut Context<'_>, cursor: Cursor, out: Reg) -> Step<()> {
    let encoding = cx.program.encoding;
    let Slot::Virtual(open) = &mut cx.cursors[usize::from(cursor.0)] else { return Err(wrong_kind()) };
    if open.null_row {
        cx.registers[at(out)].set_null();
        return Ok(Some(()));
    }
    if !open.table.runs_inline() {
        return Err(Error::Program { at: 0, what: "rowid of a virtual table" });
    }
    let cursor = open.cursor.as_mut().ok_or_else(wrong_kind)?;
    let rowid = ready!(cursor.rowid(&mut vtab::Context { sql: None, encoding }));
    cx.registers[at(out)].set_integer(rowid);
    Ok(Some(()))
}

/// The column of the next value has been read; the cursor has to go on.
const VALUE_READ: u8 = 1;

/// `out` = the list of the first columns of all rows of `cursor`, for a constraint that takes them all at once.
pub(super) fn value_list(cx: &mut Context<'_>, cursor: Cursor, out: Reg) -> Step<()> {
    if cx.run.list.is_none() {
        let found = ready!(super::cursor::rewind(cx, cursor));
        cx.run.list = Some(Vec::new());
        cx.run.part = if found { 0 } else { LIST_DONE };
    }
    while cx.run.part != LIST_DONE {
        if cx.run.part != VALUE_READ {
            ready!(super::column::any_column(cx, cursor, 0, Reg(0), ConstId(0), 0));
            let value = std::mem::take(&mut cx.registers[0]);
            if let Some(list) = &mut cx.run.list {
                list.push(value);
            }
            cx.run.part = VALUE_READ;
        }
        let more = ready!(super::cursor::next(cx, cursor));
        cx.run.part = if more { 0 } else { LIST_DONE };
    }
    cx.run.part = 0;
    let values = cx.run.list.take().unwrap_or_default();
    let register = &mut cx.registers[at(out)];
    register.set_null();
    register.tag = Tag::Internal;
    register.payload = Payload::Object(Box::new(vtab::ValueList { values }));
    Ok(Some(()))
}

/// All values have been read.
const LIST_DONE: u8 = 2;

/// Whether the cursor's table has to be called with the connection released.
#[inline]
pub(super) fn is_outside(cx: &Context<'_>, cursor: Cursor) -> bool {
    matches!(&cx.cursors[usize::from(cursor.0)], Slot::Virtual(open) if !open.null_row && !open.table.runs_inline())
}

/// Does the instruction `op` at `pc`.
pub(super) fn run(vx: &mut Outside<'_>, op: &Op, pc: usize) -> Step<Next> {
    let mut next = Next { pc: pc + 1, ..Next::default() };
    match *op {
        Op::VOpen { cursor, .. } => {
            let table = vx.table.take().ok_or_else(wrong_kind)?;
            let opened = Some(table.open()?);
            let slot = VirtualCursor { table, cursor: opened, null_row: false };
            vx.cursors[usize::from(cursor.0)] = Slot::Virtual(Box::new(slot));
        }
        Op::VFilter { cursor, empty, first, idx_str } => {
            if ready!(filter(vx, cursor, first, idx_str)) {
                next.pc = empty.0 as usize;
            }
        }
        Op::VNext { cursor, to } => {
            let at_end = ready!(with_cursor(vx, cursor, |cursor, _, context| {
                match cursor.next(context)? {
                    Some(()) => Ok(Some(cursor.is_at_end())),
                    None => Ok(None),
                }
            }));
            if !at_end {
                next.pc = to.0 as usize;
            }
        }
        Op::VColumn { cursor, column, out, no_change } => {
            ready!(load_column(vx, cursor, column, out, no_change));
        }
        Op::Column { cursor, column, out, .. } => ready!(load_column(vx, cursor, column, out, false)),
        Op::Rowid { cursor, out } => {
            let rowid = ready!(with_cursor(vx, cursor, |cursor, _, context| cursor.rowid(context)));
            vx.registers[at(out)].set_integer(rowid);
        }
        Op::VBegin { .. } => ready!(with_table(vx, |table, _, context| table.begin(context))),
        Op::VRename { name, .. } => {
            ready!(with_table(vx, |table, registers, context| {
                table.rename(registers[at(name)].bytes(), context)
            }));
        }
        Op::VUpdate { first, count, on_conflict, set_last_rowid, .. } => {
            return update(vx, first, count, on_conflict, set_last_rowid, next);
        }
        Op::VCheck { out, quick, .. } => {
            let message = ready!(with_table(vx, |table, _, context| table.integrity(quick, context)));
            match message {
                Some(message) => crate::function::call::set_text(
                    &mut vx.registers[at(out)],
                    message.as_bytes(),
                    vx.program.encoding,
                ),
                None => vx.registers[at(out)].set_null(),
            }
        }
        _ => return Err(Error::Program { at: pc as u32, what: "no virtual-table instruction" }),
    }
    Ok(Some(next))
}

/// Starts a scan; whether it is at its end at once.
fn filter(vx: &mut Outside<'_>, cursor: Cursor, first: Reg, idx_str: ConstId) -> Step<bool> {
    let program = vx.program;
    let number = vx.registers[at(first)].number as i32;
    let count = vx.registers[at(first) + 1].number.max(0) as usize;
    let first = at(first) + 2;
    if vx.registers.len() < first + count {
        return Err(Error::Program { at: 0, what: "register" });
    }
    with_cursor(vx, cursor, |cursor, registers, context| {
        let arguments = &registers[first..first + count];
        match cursor.filter(number, program.text(idx_str), arguments, context)? {
            Some(()) => Ok(Some(cursor.is_at_end())),
            None => Ok(None),
        }
    })
}

fn load_column(vx: &mut Outside<'_>, cursor: Cursor, column: u16, out: Reg, no_change: bool) -> Step<()> {
    with_cursor(vx, cursor, |cursor, registers, context| {
        let out = &mut registers[at(out)];
        out.set_null();
        Ok(cursor.column(column, no_change, out, context)?.map(|_| ()))
    })
}

/// Lends the cursor, the registers and the context to `body`.
fn with_cursor<T>(
    vx: &mut Outside<'_>,
    cursor: Cursor,
    body: impl FnOnce(&mut dyn vtab::TableCursor, &mut [Register], &mut vtab::Context<'_>) -> Step<T>,
) -> Step<T> {
    let Slot::Virtual(open) = &mut vx.cursors[usize::from(cursor.0)] else { return Err(wrong_kind()) };
    open.null_row = false;
    let cursor = open.cursor.as_mut().ok_or_else(wrong_kind)?;
    let mut context = vtab::Context { sql: lend(&mut vx.sql), encoding: vx.program.encoding };
    body(cursor.as_mut(), vx.registers, &mut context)
}

fn with_table<T>(
    vx: &mut Outside<'_>,
    body: impl FnOnce(&dyn Table, &mut [Register], &mut vtab::Context<'_>) -> Step<T>,
) -> Step<T> {
    let table = vx.table.clone().ok_or_else(wrong_kind)?;
    let mut context = vtab::Context { sql: lend(&mut vx.sql), encoding: vx.program.encoding };
    body(table.as_ref(), vx.registers, &mut context)
}

fn lend<'a>(sql: &'a mut Option<&mut dyn Sql>) -> Option<&'a mut dyn Sql> {
    match sql {
        Some(sql) => Some(&mut **sql),
        None => None,
    }
}

/// Inserts, deletes or changes a row. One argument: delete; a NULL as the first: insert.
fn update(
    vx: &mut Outside<'_>,
    first: Reg,
    count: u32,
    on_conflict: OnConflict,
    set_last_rowid: bool,
    mut next: Next,
) -> Step<Next> {
    let outcome = with_table(vx, |table, registers, context| {
        let arguments = &registers[at(first)..at(first) + count as usize];
        let change = match arguments {
            [rowid] => Update::Delete { rowid },
            [old, rowid, columns @ ..] if old.value() == ValueRef::Null => Update::Insert { rowid, columns },
            [old, new, columns @ ..] => Update::Update { old, new, columns },
            [] => return Err(wrong_kind()),
        };
        table.update(change, on_conflict, context)
    });
    match outcome {
        Ok(None) => return Ok(None),
        Ok(Some(inserted)) => {
            next.changed = true;
            if set_last_rowid && let Some(rowid) = inserted {
                next.inserted = Some(rowid);
                if let Some(sql) = lend(&mut vx.sql) {
                    sql.set_last_insert_rowid(rowid);
                }
            }
        }
        Err(error) if error.code() & 0xff == CONSTRAINT => match on_conflict {
            OnConflict::Ignore => {}
            OnConflict::Replace => next.failure = Some((error, OnConflict::Abort)),
            action => next.failure = Some((error, action)),
        },
        Err(error) => next.failure = Some((error, OnConflict::Abort)),
    }
    Ok(Some(next))
}
