//! ADD COLUMN and DROP COLUMN.

use std::sync::Arc;

use kernite_parser::ast::{self, Ast, ColumnConstraintKind, ColumnDef, List, NameId, Statement, TableBody};
use kernite_vdbe::Error;
use kernite_vdbe::op::{Addr, AffinityId, Cursor, HaltCode, OnConflict, Op, Reg, WriteFlags};
use kernite_vdbe::value::affinity::Affinity;

use super::references::Object;
use super::rename::{fix_quotes, merge};
use super::trial::{Change, Trial};
use super::{authorize, check_alterable, check_not_rowid, check_ordinary, code_changes, find_column, text};
use crate::bound::ExprKind;
use crate::catalog::build;
use crate::catalog::{Table, TableKind};
use crate::codegen::{column, dml, expr};
use crate::compile::{CompileResult, Compiler, LimitKind, lossy};

/// Schema format that knows columns added with a default.
const FORMAT_WITH_DEFAULTS: i32 = 3;

/// The definitions in a stored CREATE TABLE.
pub(super) struct Definitions {
    pub(super) ast: Arc<Ast>,
    pub(super) columns: List<ColumnDef>,
    pub(super) constraints: List<ast::TableConstraint>,
    /// Offset of the comma before the first constraint of the table, or of the closing parenthesis.
    pub(super) columns_end: usize,
}

/// Reads the definitions of a table.
///
/// # Errors
/// The stored text is none.
pub(super) fn definitions(table: &Table) -> CompileResult<Definitions> {
    let object = Object { db: table.db, kind: "table", name: &table.name, sql: &table.sql };
    let (statement, ast) = object.parse()?;
    if let Statement::CreateTable(create) = statement
        && let TableBody::Columns { columns, constraints, columns_end, .. } = create.body
    {
        return Ok(Definitions { ast, columns, constraints, columns_end: columns_end as usize });
    }
    Err(Error::with_code(CORRUPT, "database disk image is malformed"))
}

const CORRUPT: i32 = 11;

/// The table that a text makes.
///
/// # Errors
/// Whatever is wrong with it.
pub(super) fn build_from(
    c: &Compiler<'_>,
    table: &Table,
    sql: Vec<u8>,
    is_partial: bool,
) -> CompileResult<Arc<Table>> {
    let sql: Arc<[u8]> = sql.into();
    let object = Object { db: table.db, kind: "table", name: &table.name, sql: &sql };
    let (statement, ast) = object.parse()?;
    let Statement::CreateTable(create) = statement else {
        return Err(Error::with_code(CORRUPT, "database disk image is malformed"));
    };
    let source = build::Source {
        ast: &ast,
        sql: &sql,
        db: table.db,
        column_max: c.limit(LimitKind::Column),
        file_format: 4,
        loading: false,
        collations: Some(c.collations),
    };
    let mut built = build::table(source, &create, is_partial)?;
    built.root = table.root;
    for (index, known) in built.indexes.iter_mut().zip(&table.indexes) {
        Arc::make_mut(index).root = known.root;
    }
    Ok(Arc::new(built))
}

/// Codes `ADD COLUMN definition`.
///
/// # Errors
/// `Cannot add a column to a view`, `duplicate column name: x`, `Cannot add a PRIMARY KEY column`…
pub(super) fn add(c: &mut Compiler<'_>, table: &Arc<Table>, definition: &ColumnDef) -> CompileResult<()> {
    match table.kind {
        TableKind::Virtual { .. } => return Err(Error::message("virtual tables may not be altered")),
        TableKind::View { .. } => return Err(Error::message("Cannot add a column to a view")),
        TableKind::Ordinary => check_alterable(table)?,
    }
    let ast = Arc::clone(&c.ast);
    let name = ast.name(definition.name);
    if table.find_column(name).is_some() {
        return Err(Error::message(format!("duplicate column name: {}", lossy(name))));
    }
    if !authorize(c, table, None)? {
        return Ok(());
    }
    let has = |test: fn(&ColumnConstraintKind) -> bool| {
        ast.list(definition.constraints).iter().any(|constraint| test(&constraint.kind))
    };
    if has(|kind| matches!(kind, ColumnConstraintKind::PrimaryKey { .. })) {
        return Err(Error::message("Cannot add a PRIMARY KEY column"));
    }
    if has(|kind| matches!(kind, ColumnConstraintKind::Unique(_))) {
        return Err(Error::message("Cannot add a UNIQUE column"));
    }
    check_not_rowid(table, name, "add")?;
    let known = definitions(table)?;
    let addition = [b", ", ast.source(definition.span)].concat();
    let sql = text::insert(&table.sql, known.columns_end, &addition);
    build_from(c, table, sql.clone(), true)?;
    let new = check_new(c, table, &sql)?;
    let at = new.columns.len().saturating_sub(1);
    let changes = [Change::of_text(table.db, "table", &table.name, sql)];
    Trial::new(c, table.db, &changes, Some("add column"))?;
    super::rows::begin_write(c, table.db);
    let refuse = refusals(c, &new, at)?;
    for message in refuse {
        halt_if_not_empty(c, table, message)?;
    }
    let db = table.db;
    let format = c.reg();
    code_changes_with(c, &changes, |c| {
        // A file that knows DESC indexes keeps its format.
        c.emit(Op::ReadCookie { db, out: format, field: 2 });
        c.emit(Op::AddImm { value: format, amount: 1 - FORMAT_WITH_DEFAULTS });
        let known = c.emit(Op::IfPos { counter: format, to: Addr(0), decrement: 0 });
        c.emit(Op::SetCookie { db, field: 2, value: FORMAT_WITH_DEFAULTS as u32 });
        c.jump_here(known);
    })?;
    check_rows(c, &new, at)
}

/// The table with its new column, checked as a whole.
///
/// # Errors
/// `error in table x after add column: …`
fn check_new(c: &mut Compiler<'_>, table: &Table, sql: &[u8]) -> CompileResult<Arc<Table>> {
    let built = build_from(c, table, sql.to_vec(), false);
    let checked = built.and_then(|new| {
        super::super::create_table::check_expressions(c, &new)?;
        Ok(new)
    });
    checked.map_err(|error| {
        // The text that it is about is not the one that was given.
        c.error_offset = None;
        let sql: Arc<[u8]> = sql.into();
        Object { db: table.db, kind: "table", name: &table.name, sql: &sql }.error("after add column", &error)
    })
}

fn code_changes_with(
    c: &mut Compiler<'_>,
    changes: &[Change],
    between: impl FnOnce(&mut Compiler<'_>),
) -> CompileResult<()> {
    let [change, ..] = changes else { return Ok(()) };
    super::rows::rewrite(c, change.db, change.kind.as_bytes(), &change.name, &change.columns())?;
    between(c);
    super::reload(c, change.db, "add column");
    Ok(())
}

/// Why the column cannot be added to a table that has rows.
fn refusals(c: &mut Compiler<'_>, new: &Arc<Table>, at: usize) -> CompileResult<Vec<&'static str>> {
    let Some(column) = new.columns.get(at) else { return Ok(Vec::new()) };
    if let Some(generated) = column.generated {
        return Ok(if generated.stored { vec!["cannot add a STORED column"] } else { Vec::new() });
    }
    let mut reasons = Vec::new();
    let mut default = None;
    if column.default.is_some() {
        let value = dml::default_expr(c, new, at)?;
        default = (!matches!(c.bound[value].kind, ExprKind::Null)).then_some(value);
    }
    let is_child =
        new.foreign_keys.iter().any(|key| matches!(&key.columns[..], [(child, _)] if *child == at));
    if c.options.foreign_keys && is_child && default.is_some() {
        reasons.push("Cannot add a REFERENCES column with non-NULL default value");
    }
    if column.not_null.is_some() && default.is_none() {
        reasons.push("Cannot add a NOT NULL column with default value NULL");
    }
    if let Some(value) = default
        && expr::literal(c, value, Affinity::Blob).is_none()
    {
        reasons.push("Cannot add a column with non-constant default");
    }
    Ok(reasons)
}

/// Fails where the table has a row.
fn halt_if_not_empty(c: &mut Compiler<'_>, table: &Arc<Table>, message: &str) -> CompileResult<()> {
    let cursor = c.cursor();
    column::open_read(c, cursor, table, None)?;
    let empty = c.label();
    c.emit(Op::Rewind { cursor, empty });
    halt(c, message);
    c.bind(empty);
    c.emit(Op::Close { cursor });
    Ok(())
}

fn halt(c: &mut Compiler<'_>, message: &str) {
    let message = c.builder.name(message.as_bytes());
    c.emit(Op::Halt { code: HaltCode::Error, on_conflict: OnConflict::Abort, message });
}

/// Checks the rows that are there against the table with its new column.
fn check_rows(c: &mut Compiler<'_>, new: &Arc<Table>, at: usize) -> CompileResult<()> {
    let Some(column) = new.columns.get(at) else { return Ok(()) };
    let checks_null = column.not_null.is_some() && column.generated.is_some();
    let adds_check = new.checks.iter().any(|check| check_is_of(new, check, at));
    if !checks_null && !adds_check && !new.strict {
        return Ok(());
    }
    let cursor = c.cursor();
    column::open_read(c, cursor, new, None)?;
    let end = c.label();
    c.emit(Op::Rewind { cursor, empty: end });
    let top = c.here();
    let value = c.reg();
    let number = i16::try_from(at).unwrap_or(i16::MAX);
    if checks_null || new.strict {
        column::read(c, new, cursor, number, value, column::HINT_NONE)?;
    }
    if checks_null {
        let fine = c.emit(Op::NotNull { value, to: Addr(0) });
        halt(c, "NOT NULL constraint failed");
        c.jump_here(fine);
    }
    if new.strict
        && let Some((mask, _)) = crate::pragma::strict_type(column)
    {
        let fine = c.emit(Op::IsTypeReg { value, mask, to: Addr(0) });
        halt(c, "type mismatch on DEFAULT");
        c.jump_here(fine);
    }
    for place in 0..new.checks.len() {
        let condition = dml::check_expr(c, new, place)?;
        let condition = c.copy_expr(condition);
        let fine = c.label();
        dml::with_cursor(c, cursor, |c| expr::jump_if_true(c, condition, fine, true))?;
        halt(c, "CHECK constraint failed");
        c.bind(fine);
    }
    c.emit(Op::Next { cursor, to: top, counter: 0 });
    c.bind(end);
    Ok(())
}

/// Whether a CHECK stands in the definition of the last column.
fn check_is_of(table: &Table, check: &crate::catalog::Check, at: usize) -> bool {
    let Ok(known) = definitions(table) else { return true };
    let Some(definition) = known.ast.list(known.columns).get(at) else { return true };
    known.ast.list(definition.constraints).iter().any(|constraint| match constraint.kind {
        ColumnConstraintKind::Check(of_column) => known.ast.source(of_column.text) == &*check.text,
        _ => false,
    })
}

/// Codes `DROP COLUMN name`.
///
/// # Errors
/// `no such column: "x"`, `cannot drop PRIMARY KEY column: "x"`, `cannot drop column "x": no other columns exist`; what would be
/// wrong with a view, trigger, index or constraint without it.
pub(super) fn drop(c: &mut Compiler<'_>, table: &Arc<Table>, name: NameId) -> CompileResult<()> {
    check_alterable(table)?;
    check_ordinary(table, "drop column from")?;
    let at = find_column(c, table, name)?;
    let ast = Arc::clone(&c.ast);
    let name = ast.name(name);
    check_not_rowid(table, name, "drop")?;
    let flags = table.columns[at].flags;
    if flags.primary_key || flags.unique {
        let what = if flags.primary_key { "PRIMARY KEY" } else { "UNIQUE" };
        return Err(Error::message(format!("cannot drop {what} column: \"{}\"", lossy(name))));
    }
    if table.columns.len() <= 1 {
        let name = lossy(name);
        return Err(Error::message(format!("cannot drop column \"{name}\": no other columns exist")));
    }
    if !authorize(c, table, Some(name))? {
        return Ok(());
    }
    let fixed = fix_quotes(c, table.db)?;
    let is_own =
        |change: &&Change| change.db == table.db && change.kind == "table" && change.name == table.name;
    let own = fixed.iter().find(is_own).and_then(|change| change.sql.clone());
    let mut before = Table::clone(table);
    if let Some(sql) = own {
        before.sql = sql.into();
    }
    let sql = without_column(&before, at)?;
    let changes = merge(fixed, vec![Change::of_text(table.db, "table", &table.name, sql)]);
    Trial::new(c, table.db, &changes, Some("drop column"))?.check(c, "after drop column", false)?;
    code_changes(c, table.db, &changes, "drop column")?;
    if !column::is_virtual(table, at) {
        rewrite_rows(c, table, at)?;
    }
    Ok(())
}

/// The text of a table without a column.
fn without_column(table: &Table, at: usize) -> CompileResult<Vec<u8>> {
    let known = definitions(table)?;
    let columns = known.ast.list(known.columns);
    let broken = || Error::with_code(CORRUPT, "database disk image is malformed");
    let column = columns.get(at).ok_or_else(broken)?;
    let range = match columns.get(at + 1) {
        Some(next) => column.span.range().start..next.span.range().start,
        None => {
            let previous = at.checked_sub(1).and_then(|at| columns.get(at)).ok_or_else(broken)?;
            text::skip_spaces(&table.sql, previous.span.range().end)..known.columns_end
        }
    };
    Ok(text::cut(&table.sql, range))
}

/// Writes every row without a column.
fn rewrite_rows(c: &mut Compiler<'_>, table: &Arc<Table>, dropped: usize) -> CompileResult<()> {
    let cursor = c.cursor();
    column::open_write(c, cursor, table, false)?;
    let end = c.label();
    c.emit(Op::Rewind { cursor, empty: end });
    let top = c.here();
    let record = c.reg();
    if table.without_rowid {
        rewrite_key_row(c, table, dropped, cursor, record)?;
    } else {
        rewrite_rowid_row(c, table, dropped, cursor, record)?;
    }
    c.emit(Op::Next { cursor, to: top, counter: 0 });
    c.bind(end);
    Ok(())
}

/// The loop goes on from the row that was written.
fn keep_position() -> WriteFlags {
    WriteFlags { save_position: true, ..WriteFlags::default() }
}

fn rewrite_rowid_row(
    c: &mut Compiler<'_>,
    table: &Arc<Table>,
    dropped: usize,
    cursor: Cursor,
    record: Reg,
) -> CompileResult<()> {
    let rowid = c.builder.alloc_regs(table.columns.len() as u32 + 1);
    c.emit(Op::Rowid { cursor, out: rowid });
    let first = rowid.plus(1);
    let mut count = 0;
    for at in (0..table.columns.len()).filter(|&at| at != dropped && !column::is_virtual(table, at)) {
        let out = first.plus(count);
        if table.rowid_alias == Some(at) {
            c.nulls(out, 1);
        } else {
            read_stored(c, table, at, cursor, out)?;
        }
        count += 1;
    }
    if count == 0 {
        c.nulls(first, 1);
        count = 1;
    }
    c.emit(Op::MakeRecord { first, count, out: record, affinities: AffinityId(0) });
    c.emit(Op::Insert { cursor, record, rowid, table: kernite_vdbe::op::TableId(0), flags: keep_position() });
    Ok(())
}

fn rewrite_key_row(
    c: &mut Compiler<'_>,
    table: &Arc<Table>,
    dropped: usize,
    cursor: Cursor,
    record: Reg,
) -> CompileResult<()> {
    let Some(primary) = table.primary_key_index().cloned() else { return Ok(()) };
    let first = c.builder.alloc_regs(primary.columns.len() as u32);
    let place = |at: usize| column::place_in_index(&primary, i16::try_from(at).unwrap_or(i16::MAX));
    let gap = place(dropped).unwrap_or(primary.columns.len());
    let mut count = 0;
    for at in (0..table.columns.len()).filter(|&at| at != dropped) {
        let Some(place) = place(at) else { continue };
        let out = first.plus(place as u32 - u32::from(place > gap));
        read_stored(c, table, at, cursor, out)?;
        count += 1;
    }
    c.emit(Op::MakeRecord { first, count, out: record, affinities: AffinityId(0) });
    let keys = primary.key_columns as u16;
    c.emit(Op::IdxInsert { cursor, record, first, count: keys, flags: keep_position() });
    Ok(())
}

/// Reads a column as it is stored: integers of REAL columns stay integers.
fn read_stored(
    c: &mut Compiler<'_>,
    table: &Arc<Table>,
    at: usize,
    cursor: Cursor,
    out: Reg,
) -> CompileResult<()> {
    column::read(c, table, cursor, i16::try_from(at).unwrap_or(i16::MAX), out, column::HINT_NONE)?;
    let last = c.here().0.checked_sub(1).map(Addr);
    if let Some(last) = last.filter(|&last| matches!(c.builder.op(last), Op::RealAffinity { .. })) {
        c.builder.change_to_noop(last);
    }
    Ok(())
}
