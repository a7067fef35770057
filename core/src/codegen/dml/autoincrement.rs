//! AUTOINCREMENT: the largest rowid ever, from and to `sqlite_sequence`.
//!
//! A table that is inserted into has four registers of the outermost program: its name, the largest rowid, the rowid of its row in
//! `sqlite_sequence`, and the largest rowid at the beginning. They are loaded at the program's head and stored back at its end.
//!
//! Spec: SQLite Autoincrement.

use std::sync::Arc;

use kernite_vdbe::op::{AffinityId, CollationId, CompareFlags, ConstId, Cursor, Op, TableId, WriteFlags};
use kernite_vdbe::{Addr, Error, Reg};

use super::super::column;
use crate::catalog::{Table, TableKind};
use crate::compile::{CompileResult, Compiler};

/// `SQLITE_CORRUPT_SEQUENCE`.
const CORRUPT_SEQUENCE: i32 = 11 | 2 << 8;

/// The counter of one table.
#[derive(Clone, Debug)]
pub struct Counter {
    table: Arc<Table>,
    sequence: Arc<Table>,
    /// The largest rowid; the name stands before it.
    reg: Reg,
}

/// The register with the table's largest rowid; "none" if it has no AUTOINCREMENT.
///
/// # Errors
/// `sqlite_sequence` is missing or is not what it has to be.
pub fn begin(c: &mut Compiler<'_>, table: &Arc<Table>) -> CompileResult<Reg> {
    if !table.autoincrement {
        return Ok(Reg(0));
    }
    let known =
        c.dml.autoincrement.iter().find(|known| Arc::ptr_eq(&known.table, table)).map(|known| known.reg);
    let reg = match known {
        Some(reg) => reg,
        None => add(c, table)?,
    };
    // A trigger's program names the register too, which therefore has to be one of its own numbers.
    let there = c.builder.register_count();
    if there < reg.0 {
        c.builder.alloc_regs(reg.0 - there);
    }
    Ok(reg)
}

/// Reserves the registers of a table.
fn add(c: &mut Compiler<'_>, table: &Arc<Table>) -> CompileResult<Reg> {
    let schema = c.catalog.database(table.db);
    let sequence = schema.and_then(|schema| schema.table(b"sqlite_sequence"));
    let sequence = sequence.filter(|found| {
        !found.without_rowid && matches!(found.kind, TableKind::Ordinary) && found.columns.len() == 2
    });
    let Some(sequence) = sequence.cloned() else {
        return Err(Error::with_code(CORRUPT_SEQUENCE, "database disk image is malformed"));
    };
    let reg = c.outermost_builder().alloc_regs(4).plus(1);
    // The newest counter is served first.
    c.dml.autoincrement.insert(0, Counter { table: Arc::clone(table), sequence, reg });
    Ok(reg)
}

/// Notes a rowid that is used.
pub fn step(c: &mut Compiler<'_>, counter: Reg, rowid: Reg) {
    if counter.is_some() {
        c.emit(Op::MemMax { reg: counter, value: rowid });
    }
}

/// At the program's head: reads the counters.
pub fn load(c: &mut Compiler<'_>) -> CompileResult<()> {
    let counters = c.dml.autoincrement.clone();
    if !counters.is_empty() && c.builder.cursor_count() == 0 {
        c.builder.alloc_cursor();
    }
    for Counter { table, sequence, reg } in counters {
        let cursor = Cursor(0);
        let name = Reg(reg.0 - 1);
        column::open_read(c, cursor, &sequence, None)?;
        let text = c.builder.text(&String::from_utf8_lossy(&table.name));
        c.emit(Op::Const { value: text, out: name });
        c.emit(Op::Null { first: reg, last: reg.plus(2), cleared: false });
        let (next, found, none, done) = (c.label(), c.label(), c.label(), c.label());
        c.emit(Op::Rewind { cursor, empty: none });
        let top = c.here();
        read_column(c, cursor, 0, reg);
        let flags = CompareFlags { affinity: 0, jump_if_null: true, null_eq: false };
        c.emit(Op::Ne { left: reg, right: name, to: next, flags, collation: CollationId(0) });
        c.bind(found);
        c.emit(Op::Rowid { cursor, out: reg.plus(1) });
        read_column(c, cursor, 1, reg);
        c.emit(Op::AddImm { value: reg, amount: 0 });
        c.emit(Op::Copy { from: reg, to: reg.plus(2), count: 1 });
        c.goto(done);
        c.bind(next);
        c.emit(Op::Next { cursor, to: top, counter: 0 });
        c.bind(none);
        c.integer(0, reg);
        c.bind(done);
        c.emit(Op::Close { cursor });
    }
    Ok(())
}

/// At the statement's end: stores the counters that grew.
pub fn store(c: &mut Compiler<'_>) -> CompileResult<()> {
    if kernite_io::planted!(SequenceNotKept) {
        return Ok(());
    }
    for Counter { sequence, reg, .. } in c.dml.autoincrement.clone() {
        let cursor = Cursor(0);
        let record = c.builder.temp_reg();
        let (done, known) = (c.label(), c.label());
        let flags = CompareFlags { affinity: 0, jump_if_null: false, null_eq: false };
        c.emit(Op::Le { left: reg, right: reg.plus(2), to: done, flags, collation: CollationId(0) });
        column::open_write(c, cursor, &sequence, false)?;
        c.emit(Op::NotNull { value: reg.plus(1), to: known });
        c.emit(Op::NewRowid { cursor, out: reg.plus(1), previous: Reg(0) });
        c.bind(known);
        let first = Reg(reg.0 - 1);
        c.emit(Op::MakeRecord { first, count: 2, out: record, affinities: AffinityId(0) });
        let flags = WriteFlags { append: true, ..WriteFlags::default() };
        c.emit(Op::Insert { cursor, record, rowid: reg.plus(1), table: TableId(0), flags });
        c.emit(Op::Close { cursor });
        c.bind(done);
        c.builder.release_temp(record);
    }
    Ok(())
}

fn read_column(c: &mut Compiler<'_>, cursor: Cursor, at: u16, out: Reg) -> Addr {
    c.emit(Op::Column { cursor, column: at, out, default: ConstId(0), hint: column::HINT_NONE })
}
