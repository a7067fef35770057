//! `integrity_check` and `quick_check`.
//!
//! ```text
//! per database: IntegrityCk (pages and trees) -> entries of indexes counted -> per table: every row
//! per row: types and NOT NULL -> CHECK -> (not quick) its entry in every index, UNIQUE
//! ```
//!
//! Each message is a row; after so many the program ends. No message: `ok`.
//! Spec: "PRAGMA integrity_check", "PRAGMA quick_check".

use std::sync::Arc;

use kernite_btree::PageNo;
use kernite_vdbe::op::{Addr, CollationId, CompareFlags, ConstId, Cursor, Db, HaltCode, OnConflict, Op, Reg};

use super::{Request, load_text, value};
use crate::bound::{AFFINITY_BLOB, AFFINITY_NUMERIC, AFFINITY_TEXT};
use crate::catalog::{Column, DatabaseSchema, Index, IndexColumn, Table, TableKind};
use crate::codegen::{column, dml, expr};
use crate::compile::{CompileResult, Compiler, lossy};

/// Messages until it is enough.
const MESSAGES_MAX: i32 = 100;

/// Bits of types, as `OP_IsType` has them.
const INTEGER: u8 = 1;
const REAL: u8 = 2;
const TEXT: u8 = 4;
const BLOB: u8 = 8;
const NULL: u8 = 16;

const PLAIN: CompareFlags = CompareFlags { affinity: 0, jump_if_null: false, null_eq: false };

/// The registers of the check.
#[derive(Clone, Copy)]
struct Registers {
    /// Messages left.
    left: Reg,
    /// A text that stays.
    prefix: Reg,
    /// The message.
    message: Reg,
    /// A part of it.
    part: Reg,
    /// Rows of the table so far.
    row: Reg,
    /// Entries per tree.
    counts: Reg,
}

/// Codes the check of one table, of one database or of all.
///
/// # Errors
/// `no such table: x`
pub(super) fn code(c: &mut Compiler<'_>, request: &Request<'_>, quick: bool) -> CompileResult<()> {
    let mut left = MESSAGES_MAX;
    let mut only = None;
    if let Some(value) = request.value {
        match value::int32(value) {
            Some(count) if count > 0 => left = count,
            Some(_) => {}
            None => {
                let database = request.qualified.then(|| c.database_name(request.db).to_vec());
                only = Some(c.locate_table(value, database.as_deref(), false)?);
            }
        }
    }
    let first = c.builder.alloc_regs(7);
    let registers = Registers {
        left: first,
        prefix: first.plus(1),
        message: first.plus(2),
        part: first.plus(3),
        row: first.plus(6),
        counts: Reg(0),
    };
    c.integer(left - 1, registers.left);
    for number in 0..c.catalog.databases.len() {
        let Ok(db) = u8::try_from(number).map(Db) else { continue };
        let Some(schema) = c.catalog.database(db).cloned() else { continue };
        if request.qualified && db != request.db || db == Db(1) && !c.options.temp_open {
            continue;
        }
        check_database(c, db, &schema, only.as_ref(), quick, registers)?;
    }
    c.emit(Op::AddImm { value: registers.left, amount: 1 - left });
    let end = c.label();
    c.emit(Op::IfNotZero { counter: registers.left, to: end });
    load_text(c, Some(b"ok"), registers.message);
    c.emit(Op::ResultRow { first: registers.message, count: 1 });
    c.bind(end);
    Ok(())
}

fn check_database(
    c: &mut Compiler<'_>,
    db: Db,
    schema: &Arc<DatabaseSchema>,
    only: Option<&Arc<Table>>,
    quick: bool,
    registers: Registers,
) -> CompileResult<()> {
    c.verify_schema(db);
    c.codegen.hoisting_off = true;
    let is_wanted = |table: &&Arc<Table>| only.is_none_or(|only| Arc::ptr_eq(only, table));
    let tables: Vec<Arc<Table>> = schema.listed().into_iter().filter(is_wanted).cloned().collect();
    let mut roots: Vec<u32> = Vec::new();
    for table in &tables {
        if table.has_rowid() {
            roots.push(table.root.map_or(0, PageNo::get));
        }
        roots.extend(dml::indexes(table).map(|index| index.root.get()));
    }
    if roots.is_empty() {
        return Ok(());
    }
    if only.is_some() {
        roots.insert(0, 0);
    }
    let counts = c.builder.alloc_regs(roots.len() as u32 + 1);
    let registers = Registers { counts, ..registers };
    c.nulls(counts, roots.len() as u32 + 1);
    c.builder.clear_temps();
    let roots = c.builder.ints(&roots);
    let (out, errors_left) = (registers.prefix, registers.left);
    c.emit(Op::IntegrityCk { db, roots, errors_left, out, counts });
    let fine = c.emit(Op::IsNull { value: out, to: Addr(0) });
    let head = format!("*** in database {} ***\n", lossy(&schema.name));
    load_text(c, Some(head.as_bytes()), registers.message);
    c.emit(Op::Concat { left: registers.message, right: out, out: registers.message });
    report(c, registers);
    c.jump_here(fine);
    check_counts(c, &tables, only.is_some(), registers);
    for table in tables.iter().filter(|table| matches!(table.kind, TableKind::Ordinary)) {
        check_table(c, table, quick, registers)?;
    }
    Ok(())
}

/// Returns the message as a row, and ends the program when it was the last one allowed. Gives the address of the jump over that end.
fn report(c: &mut Compiler<'_>, registers: Registers) -> Addr {
    c.emit(Op::ResultRow { first: registers.message, count: 1 });
    let over = c.label();
    let jump = c.emit(Op::IfPos { counter: registers.left, to: over, decrement: 1 });
    c.emit(Op::Halt { code: HaltCode::Ok, on_conflict: OnConflict::Abort, message: ConstId(0) });
    c.bind(over);
    jump
}

fn report_text(c: &mut Compiler<'_>, registers: Registers, message: &[u8]) {
    load_text(c, Some(message), registers.message);
    report(c, registers);
}

/// Indexes must have as many entries as their tables have rows.
fn check_counts(c: &mut Compiler<'_>, tables: &[Arc<Table>], partial: bool, registers: Registers) {
    load_text(c, Some(b"wrong # of entries in index "), registers.prefix);
    let mut at = u32::from(partial);
    for table in tables {
        let own = if table.has_rowid() {
            at += 1;
            at - 1
        } else {
            let place = dml::indexes(table).position(|index| column::is_primary_key(index));
            at + place.unwrap_or(0) as u32
        };
        for index in dml::indexes(table) {
            if index.filter.is_none() {
                let same = c.label();
                let (left, right) = (registers.counts.plus(own), registers.counts.plus(at));
                c.emit(Op::Eq { left, right, to: same, flags: PLAIN, collation: CollationId(0) });
                load_text(c, Some(&index.name), registers.part);
                let (left, right, out) = (registers.prefix, registers.part, registers.message);
                c.emit(Op::Concat { left, right, out });
                report(c, registers);
                c.bind(same);
            }
            at += 1;
        }
    }
}

/// Checks every row of a table.
fn check_table(
    c: &mut Compiler<'_>,
    table: &Arc<Table>,
    quick: bool,
    registers: Registers,
) -> CompileResult<()> {
    let primary = table.primary_key_index().filter(|_| table.without_rowid && !quick).cloned();
    let previous = primary.as_ref().map(|primary| {
        let count = primary.key_columns as u32;
        let first = c.builder.temp_range(count);
        c.emit(Op::Null { first, last: first.plus(count - 1), cleared: true });
        first
    });
    let opening = dml::Opening { read: true, ..dml::Opening::default() };
    let cursors = dml::open_table_and_indexes(c, table, opening)?;
    let data = cursors.data;
    c.integer(0, registers.row);
    let end = c.label();
    c.emit(Op::Rewind { cursor: data, empty: end });
    let top = c.emit(Op::AddImm { value: registers.row, amount: 1 });
    touch_last_column(c, table, data, registers);
    if let (Some(primary), Some(previous)) = (&primary, previous) {
        check_order(c, table, primary, data, previous, registers)?;
    }
    for at in 0..table.columns.len() {
        if table.rowid_alias != Some(at) {
            check_column(c, table, data, at, registers)?;
        }
    }
    check_constraints(c, table, data, registers)?;
    if !quick {
        let mut prior: Option<(Arc<Index>, dml::Key)> = None;
        for (at, index) in dml::indexes(table).enumerate() {
            if primary.as_ref().is_some_and(|primary| Arc::ptr_eq(primary, index)) {
                continue;
            }
            let known = prior.as_ref().map(|(index, key)| (index, *key));
            let key = dml::index_key_reusing(c, table, index, data, Reg(0), false, true, known)?;
            check_entry(c, table, index, cursors.index(at), key, registers)?;
            prior = Some((Arc::clone(index), key));
        }
    }
    c.emit(Op::Next { cursor: data, to: top, counter: 0 });
    c.bind(end);
    if let (Some(primary), Some(previous)) = (&primary, previous) {
        c.builder.release_temp_range(previous, primary.key_columns as u32);
    }
    Ok(())
}

/// Reads the last stored column, so that a malformed record is an error now.
fn touch_last_column(c: &mut Compiler<'_>, table: &Arc<Table>, data: Cursor, registers: Registers) {
    let last = match table.primary_key_index().filter(|_| table.without_rowid) {
        Some(primary) => primary.columns.len().checked_sub(1),
        None => {
            let last = table.stored_column_count().checked_sub(1);
            if last == table.rowid_alias { last.and_then(|last| last.checked_sub(1)) } else { last }
        }
    };
    if let Some(last) = last {
        let column = u16::try_from(last).unwrap_or(u16::MAX);
        let (out, hint) = (registers.message, column::HINT_TYPE);
        c.emit(Op::Column { cursor: data, column, out, default: ConstId(0), hint });
    }
}

/// Rows of a WITHOUT ROWID table stand in the order of their keys.
fn check_order(
    c: &mut Compiler<'_>,
    table: &Arc<Table>,
    primary: &Arc<Index>,
    data: Cursor,
    previous: Reg,
    registers: Registers,
) -> CompileResult<()> {
    let fine = c.label();
    let count = primary.key_columns as u16;
    c.emit(Op::IdxGT { cursor: data, key: previous, count, to: fine });
    // The first row has none before it.
    c.emit(Op::IsNull { value: previous, to: fine });
    let message = format!("row not in PRIMARY KEY order for {}", lossy(&table.name));
    report_text(c, registers, message.as_bytes());
    c.bind(fine);
    for at in 0..primary.key_columns {
        column::load_index_column(c, table, primary, data, at, previous.plus(at as u32))?;
    }
    Ok(())
}

/// What a column may hold.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TypeRule {
    Any,
    /// STRICT: these types, and the name of the type.
    Exact(u8, &'static str),
    /// No numbers in a column with text affinity.
    Text,
    /// No text that looks like a number in a column with numeric affinity.
    Numeric,
}

fn type_rule(table: &Table, at: usize) -> TypeRule {
    let column = &table.columns[at];
    if table.strict {
        return strict_type(column).map_or(TypeRule::Any, |(mask, name)| TypeRule::Exact(mask, name));
    }
    match column.affinity {
        affinity if affinity <= AFFINITY_BLOB => TypeRule::Any,
        AFFINITY_TEXT => TypeRule::Text,
        affinity if affinity >= AFFINITY_NUMERIC => TypeRule::Numeric,
        _ => TypeRule::Any,
    }
}

/// The types that a column of a STRICT table may hold, and their name; `None` for ANY.
pub(crate) fn strict_type(column: &Column) -> Option<(u8, &'static str)> {
    let declared = column.declared_type.as_deref().unwrap_or_default().to_ascii_uppercase();
    match &declared[..] {
        b"INT" => Some((NULL | INTEGER, "INT")),
        b"INTEGER" => Some((NULL | INTEGER, "INTEGER")),
        b"REAL" => Some((NULL | REAL | INTEGER, "REAL")),
        b"TEXT" => Some((NULL | TEXT, "TEXT")),
        b"BLOB" => Some((NULL | BLOB, "BLOB")),
        _ => None,
    }
}

/// Where the column being checked is read.
#[derive(Clone, Copy)]
enum Place {
    Column(Cursor, u16),
    /// A virtual column, computed.
    Register(Reg),
}

/// Jumps where the value has a type of the mask.
fn jump_if_type(c: &mut Compiler<'_>, place: Place, mask: u8, to: Addr) -> Addr {
    c.emit(match place {
        Place::Column(cursor, column) => Op::IsType { cursor, column, mask, to },
        Place::Register(value) => Op::IsTypeReg { value, mask, to },
    })
}

/// NOT NULL, and the types that the column's declaration allows.
fn check_column(
    c: &mut Compiler<'_>,
    table: &Arc<Table>,
    data: Cursor,
    at: usize,
    registers: Registers,
) -> CompileResult<()> {
    let known = &table.columns[at];
    let rule = type_rule(table, at);
    if known.not_null.is_none() && rule == TypeRule::Any {
        return Ok(());
    }
    let number = i16::try_from(at).unwrap_or(i16::MAX);
    let place = if column::is_virtual(table, at) {
        column::read(c, table, data, number, registers.message, column::HINT_NONE)?;
        Place::Register(registers.message)
    } else {
        let place = match table.primary_key_index().filter(|_| table.without_rowid) {
            Some(primary) => column::place_in_index(primary, number).unwrap_or(at),
            None => column::storage_place(table, at),
        };
        Place::Column(data, u16::try_from(place).unwrap_or(u16::MAX))
    };
    let name = format!("{}.{}", lossy(&table.name), lossy(&known.name));
    let (error, fine) = (c.label(), c.label());
    if known.not_null.is_some() {
        let present = c.label();
        match place {
            Place::Register(_) => {
                jump_if_type(c, place, INTEGER | REAL | TEXT | BLOB, present);
            }
            Place::Column(..) => {
                // A real may be a NaN, which reads as NULL.
                jump_if_type(c, place, INTEGER | TEXT | BLOB, present);
                column::read(c, table, data, number, registers.message, column::HINT_NONE)?;
                c.emit(Op::NotNull { value: registers.message, to: present });
            }
        }
        load_text(c, Some(format!("NULL value in {name}").as_bytes()), registers.message);
        if rule == TypeRule::Any {
            report(c, registers);
            c.bind(present);
            return Ok(());
        }
        c.goto(error);
        c.bind(present);
    }
    match rule {
        TypeRule::Any => {}
        TypeRule::Exact(mask, type_name) => {
            jump_if_type(c, place, mask, fine);
            load_text(c, Some(format!("non-{type_name} value in {name}").as_bytes()), registers.message);
        }
        TypeRule::Text => {
            jump_if_type(c, place, NULL | TEXT | BLOB, fine);
            load_text(c, Some(format!("NUMERIC value in {name}").as_bytes()), registers.message);
        }
        TypeRule::Numeric => {
            jump_if_type(c, place, NULL | INTEGER | REAL | BLOB, fine);
            if matches!(place, Place::Column(..)) {
                column::read(c, table, data, number, registers.message, column::HINT_NONE)?;
            }
            let affinities = c.builder.affinity(&[AFFINITY_NUMERIC]);
            c.emit(Op::Affinity { first: registers.message, count: 1, affinities });
            jump_if_type(c, Place::Register(registers.message), NULL | TEXT | BLOB, fine);
            load_text(c, Some(format!("TEXT value in {name}").as_bytes()), registers.message);
        }
    }
    c.bind(error);
    report(c, registers);
    c.bind(fine);
    Ok(())
}

/// CHECK constraints: one message a row.
fn check_constraints(
    c: &mut Compiler<'_>,
    table: &Arc<Table>,
    data: Cursor,
    registers: Registers,
) -> CompileResult<()> {
    if table.checks.is_empty() || c.options.ignore_check_constraints {
        return Ok(());
    }
    let (fault, fine) = (c.label(), c.label());
    for at in (0..table.checks.len()).rev() {
        let condition = dml::check_expr(c, table, at)?;
        let condition = c.copy_expr(condition);
        dml::with_cursor(c, data, |c| {
            if at > 0 {
                expr::jump_if_false(c, condition, fault, false)
            } else {
                expr::jump_if_true(c, condition, fine, true)
            }
        })?;
    }
    c.bind(fault);
    report_text(c, registers, format!("CHECK constraint failed in {}", lossy(&table.name)).as_bytes());
    c.bind(fine);
    Ok(())
}

/// The row has its entry in an index, with its rowid and the same values, and a UNIQUE index has no other with the same key.
fn check_entry(
    c: &mut Compiler<'_>,
    table: &Arc<Table>,
    index: &Arc<Index>,
    cursor: Cursor,
    key: dml::Key,
    registers: Registers,
) -> CompileResult<()> {
    let (found, done) = (c.label(), c.label());
    let (append_index, append_part) = (c.label(), c.label());
    c.emit(Op::Found { cursor, key: key.first, count: key.count as u16, to: found });
    start_message(c, registers, "row ");
    load_text(c, Some(b" missing from index "), registers.part);
    c.bind(append_part);
    append(c, registers);
    c.bind(append_index);
    load_text(c, Some(&index.name), registers.part);
    append(c, registers);
    c.emit(Op::ResultRow { first: registers.message, count: 1 });
    c.emit(Op::IfPos { counter: registers.left, to: done, decrement: 1 });
    c.emit(Op::Halt { code: HaltCode::Ok, on_conflict: OnConflict::Abort, message: ConstId(0) });
    c.bind(found);
    if table.has_rowid() {
        let same = c.label();
        c.emit(Op::IdxRowid { cursor, out: registers.message });
        let right = key.first.plus(key.count - 1);
        let (left, flags) = (registers.message, PLAIN);
        c.emit(Op::Eq { left, right, to: same, flags, collation: CollationId(0) });
        start_message(c, registers, "rowid not at end-of-record for row ");
        load_text(c, Some(b" of index "), registers.part);
        c.goto(append_part);
        c.bind(same);
    }
    check_stored_values(c, index, cursor, key, append_part, registers);
    if index.unique {
        check_unique(c, table, index, cursor, key, append_index, registers);
    }
    c.bind(done);
    dml::bind_skip(c, key);
    Ok(())
}

/// Under a collation other values may be equal to the key: they must be the very values of the row.
fn check_stored_values(
    c: &mut Compiler<'_>,
    index: &Arc<Index>,
    cursor: Cursor,
    key: dml::Key,
    append_part: Addr,
    registers: Registers,
) {
    let differs = c.label();
    let mut any = false;
    for at in 0..index.key_columns {
        if index.collations[at].as_deref().is_none_or(|name| name.eq_ignore_ascii_case(b"BINARY")) {
            continue;
        }
        any = true;
        let (left, column) = (registers.message, at as u16);
        c.emit(Op::Column { cursor, column, out: left, default: ConstId(0), hint: column::HINT_NONE });
        let (right, flags) = (key.first.plus(at as u32), PLAIN);
        c.emit(Op::Ne { left, right, to: differs, flags, collation: CollationId(0) });
    }
    if !any {
        return;
    }
    let same = c.label();
    c.goto(same);
    c.bind(differs);
    start_message(c, registers, "row ");
    load_text(c, Some(b" values differ from index "), registers.part);
    c.goto(append_part);
    c.bind(same);
}

fn check_unique(
    c: &mut Compiler<'_>,
    table: &Arc<Table>,
    index: &Arc<Index>,
    cursor: Cursor,
    key: dml::Key,
    append_index: Addr,
    registers: Registers,
) {
    let fine = c.label();
    for at in 0..index.key_columns {
        let is_not_null = matches!(index.columns[at], IndexColumn::Column(column) if table.columns[column].not_null.is_some());
        if !is_not_null {
            c.emit(Op::IsNull { value: key.first.plus(at as u32), to: fine });
        }
    }
    let next = c.label();
    c.emit(Op::Next { cursor, to: next, counter: 0 });
    c.goto(fine);
    c.bind(next);
    c.emit(Op::IdxGT { cursor, key: key.first, count: index.key_columns as u16, to: fine });
    load_text(c, Some(b"non-unique entry in index "), registers.message);
    c.goto(append_index);
    c.bind(fine);
}

/// A message that begins with a text and the number of the row.
fn start_message(c: &mut Compiler<'_>, registers: Registers, text: &str) {
    load_text(c, Some(text.as_bytes()), registers.message);
    c.emit(Op::Concat { left: registers.message, right: registers.row, out: registers.message });
}

fn append(c: &mut Compiler<'_>, registers: Registers) {
    c.emit(Op::Concat { left: registers.message, right: registers.part, out: registers.message });
}
