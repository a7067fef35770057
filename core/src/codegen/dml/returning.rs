//! RETURNING, and the row count of `PRAGMA count_changes`.
//!
//! The rows are kept in an ephemeral table while the statement changes rows, and returned when all changes are made.
//!
//! Spec: RETURNING.

use std::sync::Arc;

use kernite_parser::ast::{List, ResultColumn, TriggerEvent};
use kernite_vdbe::op::{AffinityId, ConstId, Cursor, KeyInfoId, Op, TableId, WriteFlags};
use kernite_vdbe::{Addr, Error, Reg};

use super::super::{column, expr};
use super::row;
use crate::bound::{AFFINITY_REAL, Bound, ExprFlags, ExprId, FromItem, FromSource, SelectId, Visitor};
use crate::catalog::Table;
use crate::compile::{ColumnInfo, CompileResult, Compiler, TriggerScope};

/// The RETURNING clause of the statement.
#[derive(Clone, Debug)]
pub struct Returning {
    columns: List<ResultColumn>,
    event: TriggerEvent,
    /// Set when the first place is coded where a row is taken.
    rows: Option<Kept>,
}

/// The ephemeral table of the rows.
#[derive(Clone, Copy, Debug)]
struct Kept {
    cursor: Cursor,
    count: u32,
    /// Registers of a row, where it is put together and later returned.
    first: Reg,
}

/// Notes the RETURNING clause of the statement, if it has one.
pub fn begin(c: &mut Compiler<'_>, columns: List<ResultColumn>, event: TriggerEvent) -> CompileResult<()> {
    if !columns.is_empty() && c.is_top_level() && c.nested == 0 {
        c.dml.returning = Some(Returning { columns, event, rows: None });
    }
    Ok(())
}

/// Whether the statement has a RETURNING clause.
pub fn is_active(c: &Compiler<'_>) -> bool {
    c.dml.returning.is_some()
}

/// Whether it is the RETURNING of an INSERT.
pub fn is_insert(c: &Compiler<'_>) -> bool {
    c.dml.returning.as_ref().is_some_and(|returning| returning.event == TriggerEvent::Insert)
}

/// Whether rows of such a change are taken: those of the statement itself, and those that an upsert updates.
pub fn applies(c: &Compiler<'_>, event: TriggerEvent) -> bool {
    c.is_top_level()
        && c.nested == 0
        && c.dml.returning.as_ref().is_some_and(|returning| {
            returning.event == event
                || (returning.event == TriggerEvent::Insert && event == TriggerEvent::Update)
        })
}

/// Virtual tables return rows of INSERT only.
pub fn check_table(table: &Table, event: TriggerEvent) -> CompileResult<()> {
    let what = match event {
        TriggerEvent::Delete => "DELETE",
        TriggerEvent::Update => "UPDATE",
        TriggerEvent::Insert => return Ok(()),
    };
    if row::is_virtual(table) {
        return Err(Error::message(format!("{what} RETURNING is not available on virtual tables")));
    }
    Ok(())
}

/// Keeps the row. `rows`: first register of OLD, with NEW behind it.
pub fn take_row(c: &mut Compiler<'_>, table: &Arc<Table>, rows: Reg) -> CompileResult<()> {
    let Some(returning) = c.dml.returning.clone() else { return Ok(()) };
    let scope = TriggerScope {
        table: Arc::clone(table),
        event: returning.event,
        returning: true,
        old_mask: 0,
        new_mask: 0,
    };
    let saved_trigger = c.trigger.replace(scope);
    let saved_row = c.codegen.trigger_row.replace(rows);
    let coded = code_row(c, table, &returning);
    c.trigger = saved_trigger;
    c.codegen.trigger_row = saved_row;
    coded
}

fn code_row(c: &mut Compiler<'_>, table: &Arc<Table>, returning: &Returning) -> CompileResult<()> {
    let ast = Arc::clone(&c.ast);
    let columns = crate::resolve::returning_columns(c, &ast, table, returning.columns)?;
    let count = columns.len() as u32;
    let cursor = match returning.rows {
        Some(known) => known.cursor,
        None => {
            let named = columns.iter().map(|(name, expr)| ColumnInfo {
                name: name.clone(),
                origin: None,
                declared_type: c.bound.declared_type(*expr),
            });
            c.notes.columns = named.collect();
            c.builder.set_result_columns(u16::try_from(count).unwrap_or(u16::MAX));
            c.cursor()
        }
    };
    let first = c.builder.alloc_regs(count + 2);
    if let Some(returning) = &mut c.dml.returning {
        returning.rows = Some(Kept { cursor, count, first });
    }
    mark_subqueries(c, table, &columns);
    for (at, (_, value)) in columns.into_iter().enumerate() {
        let out = first.plus(at as u32);
        expr::code_factorable(c, value, out)?;
        if c.bound.affinity(value) == AFFINITY_REAL {
            c.emit(Op::RealAffinity { value: out });
        }
    }
    let (record, rowid) = (first.plus(count), first.plus(count + 1));
    c.emit(Op::MakeRecord { first, count, out: record, affinities: AffinityId(0) });
    c.emit(Op::NewRowid { cursor, out: rowid, previous: Reg(0) });
    c.emit(Op::Insert { cursor, record, rowid, table: TableId(0), flags: WriteFlags::default() });
    Ok(())
}

/// Subqueries that read the table being changed give another value for each row.
fn mark_subqueries(c: &mut Compiler<'_>, table: &Arc<Table>, columns: &[(Box<[u8]>, ExprId)]) {
    struct Readers<'t> {
        table: &'t Arc<Table>,
        subqueries: Vec<(ExprId, SelectId)>,
        found: Vec<SelectId>,
    }
    impl Visitor for Readers<'_> {
        fn expr(&mut self, bound: &Bound, expr: ExprId) -> bool {
            self.subqueries.extend(bound.subquery_of(expr).map(|select| (expr, select)));
            true
        }
        fn enter(&mut self, bound: &Bound, core: SelectId) {
            let is_table = |read: &Arc<Table>| Arc::ptr_eq(read, self.table);
            let reads = |item: &FromItem| matches!(&item.source, FromSource::Table(read) if is_table(read));
            if bound[core].from.iter().any(reads) {
                self.found.push(core);
            }
        }
    }
    let mut readers = Readers { table, subqueries: Vec::new(), found: Vec::new() };
    for (_, value) in columns {
        c.bound.walk(*value, &mut readers);
    }
    for &core in &readers.found {
        c.bound[core].flags.correlated = true;
    }
    for (expr, select) in readers.subqueries {
        if c.bound[select].flags.correlated {
            c.bound[expr].flags.set(ExprFlags::CORRELATED);
        }
    }
}

/// At the program's head: opens the table of the rows.
pub fn open(c: &mut Compiler<'_>) {
    if let Some(Kept { cursor, count, .. }) = c.dml.returning.as_ref().and_then(|returning| returning.rows) {
        let columns = u16::try_from(count).unwrap_or(u16::MAX);
        c.emit(Op::OpenEphemeral { cursor, columns, key: KeyInfoId(0), unordered: false });
    }
}

/// At the statement's end: returns the rows.
pub fn emit_rows(c: &mut Compiler<'_>) {
    let Some(rows) = c.dml.returning.as_ref().and_then(|returning| returning.rows) else { return };
    let Kept { cursor, count, first } = rows;
    c.emit(Op::FkCheck);
    let rewind = c.emit(Op::Rewind { cursor, empty: Addr(0) });
    let top = c.here();
    for at in 0..count {
        let column = u16::try_from(at).unwrap_or(u16::MAX);
        let out = first.plus(at);
        c.emit(Op::Column { cursor, column, out, default: ConstId(0), hint: column::HINT_NONE });
    }
    c.emit(Op::ResultRow { first, count });
    c.emit(Op::Next { cursor, to: top, counter: 0 });
    c.jump_here(rewind);
}

/// `PRAGMA count_changes`: the register that rows are counted in; "none" if they are not.
pub fn begin_change_count(c: &mut Compiler<'_>) -> Reg {
    if !c.options.count_changes || c.nested > 0 || !c.is_top_level() || is_active(c) {
        return Reg(0);
    }
    let count = c.reg();
    c.integer(0, count);
    count
}

/// Returns the count.
pub fn code_change_count(c: &mut Compiler<'_>, count: Reg, name: &str) {
    c.emit(Op::FkCheck);
    c.emit(Op::ResultRow { first: count, count: 1 });
    c.builder.set_result_columns(1);
    c.notes.columns = vec![ColumnInfo { name: name.as_bytes().into(), ..ColumnInfo::default() }];
}
