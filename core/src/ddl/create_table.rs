//! CREATE TABLE, also AS SELECT.
//!
//! The row of the table gets its rowid first, so that those of its indexes come behind it, and its text last, when it is known what the
//! SELECT yields.

use std::sync::Arc;

use kernite_parser::ast::{self, TableBody};
use kernite_vdbe::Error;
use kernite_vdbe::op::{Addr, Db, Op, Reg, TableId, WriteFlags};

use super::name::{self, schema_table};
use super::schema_table::{self as rows, Row};
use crate::bound::{
    AFFINITY_BLOB, AFFINITY_INTEGER, AFFINITY_NONE, AFFINITY_REAL, AFFINITY_TEXT, SelfContext,
};
use crate::bound::{SelectId, SubqueryColumn};
use crate::catalog::build::{self, Source};
use crate::catalog::{Index, IndexColumn, IndexOrigin, Table};
use crate::codegen::select::{self, Destination, DestinationKind};
use crate::compile::{CompileResult, Compiler, action};
use crate::resolve;

/// Schema format of new files.
const FILE_FORMAT: u32 = 4;

/// Codes CREATE TABLE.
///
/// # Errors
/// A name that is taken, reserved or in an unknown database; whatever is wrong with the columns and constraints.
pub fn create_table(c: &mut Compiler<'_>, create: &ast::CreateTable) -> CompileResult<()> {
    let Some((db, table_name)) = new_table(c, create)? else { return Ok(()) };
    let sql = [b"CREATE TABLE ", c.ast.source(create.definition)].concat();
    match create.body {
        TableBody::Columns { .. } => create_with_columns(c, db, create, &table_name, sql),
        TableBody::Select(select) => create_as_select(c, db, &table_name, select),
    }
}

/// Makes the checks of a CREATE TABLE as far as it was read, before what is wrong behind that.
///
/// # Errors
/// Those of [`create_table`] about the name, and about the columns and constraints that are there.
pub fn check_partial_table(c: &mut Compiler<'_>, create: &ast::CreateTable) -> CompileResult<()> {
    let Some((db, _)) = new_table(c, create)? else { return Ok(()) };
    let ast = Arc::clone(&c.ast);
    build::table(source(c, &ast, &Arc::from([]), db), create, true).map(|_| ())
}

/// The database and name of a new table; `None` where nothing is to be done.
fn new_table(c: &mut Compiler<'_>, create: &ast::CreateTable) -> CompileResult<Option<(Db, Box<[u8]>)>> {
    let db = name::database(c, create.name, create.temporary)?;
    let table_name: Box<[u8]> = c.ast.name(create.name.name).into();
    name::check(c, &table_name)?;
    let action = if db == Db(1) { action::CREATE_TEMP_TABLE } else { action::CREATE_TABLE };
    let is_wanted = authorize_new(c, db, action, &table_name, None)?
        && name::is_free(c, db, create.name.name, create.if_not_exists)?;
    Ok(is_wanted.then_some((db, table_name)))
}

/// Asks about a new object, as SQLite does: about the row in the schema table, then about the object. `false`: nothing is to be done.
pub(super) fn authorize_new(
    c: &mut Compiler<'_>,
    db: Db,
    action: i32,
    name: &[u8],
    table: Option<&[u8]>,
) -> CompileResult<bool> {
    let database = c.database_name(db).to_vec();
    Ok(c.authorize(action::INSERT, Some(schema_table(db)), None, Some(&database))?
        && c.authorize(action, Some(name), table, Some(&database))?)
}

/// Where the definition of a new object comes from.
pub(super) fn source<'s>(
    c: &'s Compiler<'_>,
    ast: &'s Arc<ast::Ast>,
    sql: &'s Arc<[u8]>,
    db: Db,
) -> Source<'s> {
    Source {
        ast,
        sql,
        db,
        column_max: c.limit(crate::compile::LimitKind::Column),
        file_format: FILE_FORMAT,
        loading: false,
        collations: Some(c.collations),
    }
}

fn create_with_columns(
    c: &mut Compiler<'_>,
    db: Db,
    create: &ast::CreateTable,
    table_name: &[u8],
    sql: Vec<u8>,
) -> CompileResult<()> {
    let ast = Arc::clone(&c.ast);
    let sql: Arc<[u8]> = sql.into();
    let table = Arc::new(build::table(source(c, &ast, &sql, db), create, false)?);
    authorize_automatic_indexes(c, &table)?;
    check_expressions(c, &table)?;
    begin(c, db);
    let root = c.builder.alloc_reg();
    c.builder.emit(Op::CreateBtree { db, out: root, table: !table.without_rowid });
    let rowid = rows::reserve(c, db);
    // In the order of their constraints, which is not that of the list where one of them says REPLACE.
    let mut indexes: Vec<_> = table.indexes.iter().collect();
    indexes.sort_by_key(|index| automatic_number(index));
    for index in indexes {
        if table.without_rowid && index.origin == IndexOrigin::PrimaryKey {
            continue;
        }
        let out = c.builder.alloc_reg();
        c.builder.emit(Op::CreateBtree { db, out, table: false });
        let row = Row { kind: "index", name: &index.name, table: table_name, root: out, sql: None };
        rows::write_row(c, db, &row, None);
    }
    let row = Row { kind: "table", name: table_name, table: table_name, root, sql: Some(&sql) };
    finish(c, db, &row, rowid, table.autoincrement)?;
    Ok(())
}

/// The number at the end of an automatic index's name.
fn automatic_number(index: &Index) -> u32 {
    let digits = index.name.rsplit(|byte| *byte == b'_').next().unwrap_or_default();
    std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

/// Writes the table's row, changes the cookie, makes `sqlite_sequence` if the table is the first to need it.
fn finish(c: &mut Compiler<'_>, db: Db, row: &Row<'_>, rowid: Reg, autoincrement: bool) -> CompileResult<()> {
    rows::authorize_row_update(c, db)?;
    rows::write_row(c, db, row, Some(rowid));
    rows::change_cookie(c, db);
    let has_sequence =
        c.catalog.database(db).is_some_and(|schema| schema.table(b"sqlite_sequence").is_some());
    if autoincrement && !has_sequence {
        create_system_table(c, db, b"sqlite_sequence", b"CREATE TABLE sqlite_sequence(name,seq)")?;
    }
    rows::parse_table(c, db, row.name);
    Ok(())
}

/// Makes a table of the engine's own: `sqlite_sequence`, `sqlite_stat1`. Gives the register of its root page.
pub(super) fn create_system_table(
    c: &mut Compiler<'_>,
    db: Db,
    name: &[u8],
    sql: &[u8],
) -> CompileResult<Reg> {
    authorize_new(c, db, action::CREATE_TABLE, name, None)?;
    let root = c.builder.alloc_reg();
    c.builder.emit(Op::CreateBtree { db, out: root, table: true });
    rows::authorize_row_update(c, db)?;
    rows::write_row(c, db, &Row { kind: "table", name, table: name, root, sql: Some(sql) }, None);
    rows::parse_table(c, db, name);
    Ok(root)
}

/// What SQLite asks for each index of a constraint.
fn authorize_automatic_indexes(c: &mut Compiler<'_>, table: &Table) -> CompileResult<()> {
    let action = if table.db == Db(1) { action::CREATE_TEMP_INDEX } else { action::CREATE_INDEX };
    let database = c.database_name(table.db).to_vec();
    for index in &table.indexes {
        authorize_new(c, table.db, action, &index.name, Some(&table.name))?;
        for column in index.columns.iter().take(index.key_columns) {
            if let IndexColumn::Column(column) = column
                && let Some(column) = table.columns.get(*column)
            {
                c.authorize_read(&table.name, &column.name, table.db)?;
            }
        }
        if !table.without_rowid {
            c.authorize(action::INSERT, Some(schema_table(table.db)), None, Some(&database))?;
        }
    }
    Ok(())
}

/// Resolves CHECK constraints and generated columns, to find what is wrong with them.
pub(super) fn check_expressions(c: &mut Compiler<'_>, table: &Arc<Table>) -> CompileResult<()> {
    let ast = Arc::clone(&table.ast);
    for check in &table.checks {
        resolve::expr_for_table(c, &ast, check.expr, table, SelfContext::Check)?;
    }
    for column in &table.columns {
        if let Some(generated) = column.generated {
            resolve::expr_for_table(c, &ast, generated.expr, table, SelfContext::Generated)?;
        }
    }
    check_generated_loop(c, table)
}

/// # Errors
/// `generated column loop on "a"`
fn check_generated_loop(c: &mut Compiler<'_>, table: &Arc<Table>) -> CompileResult<()> {
    let ast = Arc::clone(&table.ast);
    let mut uses: Vec<Vec<usize>> = Vec::with_capacity(table.columns.len());
    for column in &table.columns {
        let mut used = Vec::new();
        if let Some(generated) = column.generated {
            let expr = resolve::expr_for_table(c, &ast, generated.expr, table, SelfContext::Generated)?;
            c.bound.any_below(expr, &mut |bound, expr| {
                if let crate::bound::ExprKind::SelfColumn { column, .. } = bound[expr].kind {
                    used.extend(usize::try_from(column));
                }
                false
            });
        }
        uses.push(used);
    }
    for start in 0..uses.len() {
        let mut seen = vec![false; uses.len()];
        let mut open = uses[start].clone();
        while let Some(next) = open.pop() {
            if next == start {
                let name = crate::compile::lossy(&table.columns[start].name);
                return Err(Error::message(format!("generated column loop on \"{name}\"")));
            }
            if !std::mem::replace(&mut seen[next], true) {
                open.extend(&uses[next]);
            }
        }
    }
    Ok(())
}

/// The head of every CREATE: a file without format and encoding gets them.
pub(super) fn begin(c: &mut Compiler<'_>, db: Db) {
    rows::begin_write(c, db);
    let format = c.builder.temp_reg();
    c.builder.emit(Op::ReadCookie { db, out: format, field: 2 });
    let known = c.builder.label();
    c.builder.emit(Op::If { value: format, to: known, jump_if_null: false });
    let value = if c.options.legacy_file_format { 1 } else { FILE_FORMAT };
    c.builder.emit(Op::SetCookie { db, field: 2, value });
    c.builder.emit(Op::SetCookie { db, field: 5, value: c.options.encoding.to_header() });
    c.builder.bind(known);
    c.builder.release_temp(format);
}

fn create_as_select(
    c: &mut Compiler<'_>,
    db: Db,
    table_name: &[u8],
    body: ast::SelectId,
) -> CompileResult<()> {
    begin(c, db);
    let root = c.builder.alloc_reg();
    c.builder.emit(Op::CreateBtree { db, out: root, table: true });
    let rowid = rows::reserve(c, db);
    let cursor = c.builder.alloc_cursor();
    let (co, record, new_rowid) = (c.builder.alloc_reg(), c.builder.alloc_reg(), c.builder.alloc_reg());
    let ast = Arc::clone(&c.ast);
    c.authorize_select()?;
    let id = resolve::select(c, &ast, body)?;
    let columns = columns_of(c, id);
    c.builder.emit(Op::OpenWriteReg {
        cursor,
        db,
        root,
        key: kernite_vdbe::op::KeyInfoId(0),
        columns: columns.len() as u16,
    });
    let after = c.builder.label();
    let start = Addr(c.builder.here().0 + 1);
    let head = c.builder.emit(Op::InitCoroutine { co, after, start });
    debug_assert_eq!(head.0 + 1, start.0);
    let mut destination = Destination::new(DestinationKind::Coroutine { co });
    select::code(c, id, &mut destination)?;
    let Destination { first, count, .. } = destination;
    c.builder.emit(Op::EndCoroutine { co });
    c.builder.bind(after);
    let (top, done) = (c.builder.here(), c.builder.label());
    c.builder.emit(Op::Yield { co, done });
    let affinities: Vec<u8> = columns.iter().map(|column| stored_affinity(column.affinity)).collect();
    let has_affinity = affinities.iter().any(|&affinity| affinity != AFFINITY_BLOB);
    let affinities =
        if has_affinity { c.builder.affinity(&affinities) } else { kernite_vdbe::op::AffinityId(0) };
    c.builder.emit(Op::MakeRecord { first, count, out: record, affinities });
    c.builder.emit(Op::NewRowid { cursor, out: new_rowid, previous: Reg(0) });
    let flags = WriteFlags { append: true, ..WriteFlags::default() };
    c.builder.emit(Op::Insert { cursor, record, rowid: new_rowid, table: TableId(0), flags });
    c.builder.emit(Op::Goto { to: top });
    c.builder.bind(done);
    c.builder.emit(Op::Close { cursor });
    let sql = create_text(table_name, &columns);
    let row = Row { kind: "table", name: table_name, table: table_name, root, sql: Some(&sql) };
    finish(c, db, &row, rowid, false)?;
    Ok(())
}

/// The columns of the new table: names made unique, affinities of the SELECT's columns.
fn columns_of(c: &mut Compiler<'_>, select: SelectId) -> Vec<SubqueryColumn> {
    let mut columns = resolve::subquery_columns(c, select);
    c.bound.add_column_types(select, &mut columns);
    for column in &mut columns {
        if column.affinity == AFFINITY_NONE {
            column.affinity = AFFINITY_BLOB;
        }
    }
    columns
}

fn stored_affinity(affinity: u8) -> u8 {
    match affinity {
        AFFINITY_TEXT | AFFINITY_INTEGER | AFFINITY_REAL | AFFINITY_BLOB => affinity,
        AFFINITY_NONE => AFFINITY_BLOB,
        _ => crate::bound::AFFINITY_NUMERIC,
    }
}

/// The CREATE TABLE statement of a table made by a SELECT. Short ones stand on one line.
fn create_text(name: &[u8], columns: &[SubqueryColumn]) -> Vec<u8> {
    let quoted_len = |name: &[u8]| name.len() + name.iter().filter(|&&byte| byte == b'"').count() + 2;
    let len: usize =
        columns.iter().map(|column| quoted_len(&column.name) + 5).sum::<usize>() + quoted_len(name);
    let (first, between, end): (&[u8], &[u8], &[u8]) =
        if len < 50 { (b"", b",", b")") } else { (b"\n  ", b",\n  ", b"\n)") };
    let mut out = b"CREATE TABLE ".to_vec();
    put_identifier(&mut out, name);
    out.push(b'(');
    for (i, column) in columns.iter().enumerate() {
        out.extend_from_slice(if i == 0 { first } else { between });
        put_identifier(&mut out, &column.name);
        out.extend_from_slice(match column.affinity {
            AFFINITY_TEXT => b" TEXT".as_slice(),
            AFFINITY_INTEGER => b" INT",
            AFFINITY_REAL => b" REAL",
            AFFINITY_BLOB | AFFINITY_NONE => b"",
            _ => b" NUM",
        });
    }
    out.extend_from_slice(end);
    out
}

/// Appends a name, quoted if it is not a plain word.
pub(super) fn put_identifier(out: &mut Vec<u8>, name: &[u8]) {
    let is_plain = !name.is_empty()
        && !name[0].is_ascii_digit()
        && name.iter().all(|&byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !kernite_parser::keyword_check(name);
    if is_plain {
        out.extend_from_slice(name);
        return;
    }
    put_quoted(out, name);
}

/// Appends a name in double quotes.
pub(super) fn put_quoted(out: &mut Vec<u8>, name: &[u8]) {
    out.push(b'"');
    for &byte in name {
        out.push(byte);
        if byte == b'"' {
            out.push(byte);
        }
    }
    out.push(b'"');
}
