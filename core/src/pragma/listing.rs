//! Listings: of tables, columns, indexes, foreign keys, databases, functions, collations, options and pragmas.
//!
//! The rows are constants of the program. A change of the schema has the statement compiled again.

use std::sync::Arc;

use kernite_parser::ast::ForeignKeyAction;
use kernite_vdbe::function::builtin::connection::COMPILE_OPTIONS;
use kernite_vdbe::function::{FunctionBody, FunctionDef, FunctionFlags};
use kernite_vdbe::op::{Db, Op, Reg};

use super::table::{Call, PRAGMAS};
use super::{Request, code_call, load_text};
use crate::catalog::{
    Index, IndexColumn, IndexOrigin, SCHEMA_TABLE, SCHEMA_TABLE_ALIAS, TEMP_SCHEMA_TABLE,
    TEMP_SCHEMA_TABLE_ALIAS, Table, TableKind,
};
use crate::codegen::dml;
use crate::compile::{CompileResult, Compiler};
use crate::resolve;

/// A value of a row.
#[derive(Clone, Copy)]
pub(super) enum Cell<'c> {
    Null,
    Integer(i32),
    Text(&'c [u8]),
}

impl<'c> Cell<'c> {
    fn flag(value: bool) -> Cell<'c> {
        Cell::Integer(i32::from(value))
    }

    fn maybe(text: Option<&'c [u8]>) -> Cell<'c> {
        text.map_or(Cell::Null, Cell::Text)
    }
}

/// Loads values into registers.
pub(super) fn load(c: &mut Compiler<'_>, first: Reg, cells: &[Cell<'_>]) {
    for (at, cell) in cells.iter().enumerate() {
        let out = first.plus(at as u32);
        match cell {
            Cell::Null => load_text(c, None, out),
            Cell::Text(text) => load_text(c, Some(text), out),
            Cell::Integer(value) => {
                c.integer(*value, out);
            }
        }
    }
}

/// The rows of a listing, all in the same registers.
struct Output {
    first: Reg,
    count: u32,
}

impl Output {
    fn new(c: &mut Compiler<'_>, count: u32) -> Output {
        Output { first: c.builder.alloc_regs(count), count }
    }

    fn row(&self, c: &mut Compiler<'_>, cells: &[Cell<'_>]) {
        load(c, self.first, cells);
        c.emit(Op::ResultRow { first: self.first, count: self.count });
    }
}

fn find(c: &Compiler<'_>, request: &Request<'_>) -> Option<Arc<Table>> {
    let database = request.qualified.then(|| c.database_name(request.db));
    let database = database.map(<[u8]>::to_vec);
    c.find_table(request.value?, database.as_deref())
}

/// `table_info` and `table_xinfo`: the latter shows hidden and generated columns too.
pub(super) fn table_columns(
    c: &mut Compiler<'_>,
    request: &Request<'_>,
    extended: bool,
) -> CompileResult<()> {
    let Some(name) = request.value else { return Ok(()) };
    let table = match find(c, request) {
        Some(table) => c.connected(table)?,
        // A module's own table can be asked for too.
        None => match c.locate_table(name, None, false) {
            Ok(table) if !request.qualified => table,
            Err(error) if c.notes.connect.is_some() && !request.qualified => return Err(error),
            _ => {
                (c.notes.check_schema, c.notes.connect) = (false, None);
                verify_named(c, request);
                return Ok(());
            }
        },
    };
    verify_named(c, request);
    let table = match table.kind {
        TableKind::View { .. } => resolve::view_table(c, &table)?,
        _ => table,
    };
    let output = Output::new(c, if extended { 7 } else { 6 });
    let mut shown = 0;
    for (at, column) in table.columns.iter().enumerate() {
        let hidden = match column.generated {
            Some(generated) if generated.stored => 3,
            Some(_) => 2,
            None => i32::from(column.flags.hidden),
        };
        if hidden != 0 && !extended {
            continue;
        }
        let default = column.default.filter(|_| hidden < 2);
        let default =
            default.and_then(|default| table.sql.get(default.text.0 as usize..default.text.1 as usize));
        let cells = [
            Cell::Integer(shown),
            Cell::Text(&column.name),
            Cell::Text(column.declared_type.as_deref().unwrap_or_default()),
            Cell::flag(column.not_null.is_some()),
            Cell::maybe(default),
            Cell::Integer(place_in_key(&table, at)),
            Cell::Integer(hidden),
        ];
        output.row(c, &cells[..output.count as usize]);
        shown += 1;
    }
    Ok(())
}

/// The answer depends on the schema of the database named, or of any.
fn verify_named(c: &mut Compiler<'_>, request: &Request<'_>) {
    for number in 0..c.catalog.databases.len() {
        let Ok(db) = u8::try_from(number).map(Db) else { continue };
        let is_meant = if request.qualified { db == request.db } else { db != Db(1) || c.options.temp_open };
        if is_meant && c.catalog.database(db).is_some() {
            c.verify_schema(db);
        }
    }
}

/// The place of a column in the primary key, from 1; 0 where it is not in it.
fn place_in_key(table: &Table, column: usize) -> i32 {
    if !table.columns[column].flags.primary_key {
        return 0;
    }
    let Some(key) = table.primary_key_index() else { return 1 };
    let place = key.columns.iter().position(|known| *known == IndexColumn::Column(column));
    place.map_or(0, |place| place as i32 + 1)
}

/// `table_list`: the newest table first.
pub(super) fn tables(c: &mut Compiler<'_>, request: &Request<'_>) -> CompileResult<()> {
    let output = Output::new(c, 6);
    for number in 0..c.catalog.databases.len() {
        let Ok(db) = u8::try_from(number).map(Db) else { continue };
        let Some(schema) = c.catalog.database(db).cloned() else { continue };
        if request.qualified && db != request.db {
            continue;
        }
        c.verify_schema(db);
        for table in schema.listed() {
            if request.value.is_some_and(|name| !name.eq_ignore_ascii_case(&table.name)) {
                continue;
            }
            let (kind, columns): (&[u8], _) = match table.kind {
                // A view that is broken has no columns.
                TableKind::View { .. } => {
                    (b"view", resolve::view_table(c, table).map_or(0, |view| view.columns.len()))
                }
                TableKind::Virtual { .. } => {
                    let kind: &[u8] = if is_shadow(c, &schema, &table.name) { b"shadow" } else { b"virtual" };
                    (kind, table.columns.len())
                }
                TableKind::Ordinary if is_shadow(c, &schema, &table.name) => (b"shadow", table.columns.len()),
                TableKind::Ordinary => (b"table", table.columns.len()),
            };
            let cells = [
                Cell::Text(&schema.name),
                Cell::Text(preferred_name(&table.name)),
                Cell::Text(kind),
                Cell::Integer(columns as i32),
                Cell::flag(table.without_rowid),
                Cell::flag(table.strict),
            ];
            output.row(c, &cells);
        }
    }
    Ok(())
}

/// Whether a name is that of a virtual table, `_`, and something that its module says it stores there.
fn is_shadow(c: &Compiler<'_>, schema: &crate::catalog::DatabaseSchema, name: &[u8]) -> bool {
    let Some(at) = name.iter().rposition(|&byte| byte == b'_') else { return false };
    let Some(owner) = schema.table(&name[..at]) else { return false };
    let TableKind::Virtual { module, .. } = &owner.kind else { return false };
    let suffix = String::from_utf8_lossy(&name[at + 1..]);
    c.catalog.modules.find(module).is_some_and(|(_, module)| module.is_shadow(&suffix))
}

/// All modules that were registered.
pub(super) fn modules(c: &mut Compiler<'_>) {
    let output = Output::new(c, 1);
    let modules = Arc::clone(&c.catalog.modules);
    for name in modules.names() {
        output.row(c, &[Cell::Text(name.as_bytes())]);
    }
}

/// The schema tables go by their new names.
fn preferred_name(name: &[u8]) -> &[u8] {
    match name {
        SCHEMA_TABLE => SCHEMA_TABLE_ALIAS,
        TEMP_SCHEMA_TABLE => TEMP_SCHEMA_TABLE_ALIAS,
        other => other,
    }
}

/// `index_list`: the newest index first.
pub(super) fn indexes(c: &mut Compiler<'_>, request: &Request<'_>) {
    let Some(table) = find(c, request) else { return };
    c.verify_schema(table.db);
    let output = Output::new(c, 5);
    for (at, index) in dml::indexes(&table).enumerate() {
        let origin: &[u8] = match index.origin {
            IndexOrigin::Created => b"c",
            IndexOrigin::Unique => b"u",
            IndexOrigin::PrimaryKey => b"pk",
        };
        let cells = [
            Cell::Integer(at as i32),
            Cell::Text(&index.name),
            Cell::flag(index.unique),
            Cell::Text(origin),
            Cell::flag(index.filter.is_some()),
        ];
        output.row(c, &cells);
    }
}

/// `index_info` and `index_xinfo`: of an index, or of the primary key of a WITHOUT ROWID table.
pub(super) fn index_columns(c: &mut Compiler<'_>, request: &Request<'_>, extended: bool) {
    let Some(name) = request.value else { return };
    let database = request.qualified.then(|| c.database_name(request.db).to_vec());
    let (index, table) = match c.catalog.find_index(name, database.as_deref()).cloned() {
        Some(index) => {
            let schema = c.catalog.database(index.db);
            let Some(table) = schema.and_then(|schema| schema.table(&index.table)).cloned() else { return };
            (index, table)
        }
        None => {
            let Some(table) = find(c, request).filter(|table| table.without_rowid) else { return };
            let Some(index) = table.primary_key_index().cloned() else { return };
            (index, table)
        }
    };
    c.verify_schema(index.db);
    let output = Output::new(c, if extended { 6 } else { 3 });
    let count = if extended { index.columns.len() } else { index.key_columns };
    for at in 0..count {
        let (number, name) = describe(&table, &index, at);
        let collation = index.collations.get(at).and_then(Option::as_deref).unwrap_or(b"BINARY");
        let cells = [
            Cell::Integer(at as i32),
            Cell::Integer(number),
            Cell::maybe(name),
            Cell::flag(index.descending.get(at).copied().unwrap_or(false)),
            Cell::Text(collation),
            Cell::flag(at < index.key_columns),
        ];
        output.row(c, &cells[..output.count as usize]);
    }
}

/// Number and name of an index column: -1 for the rowid, -2 for an expression.
fn describe<'t>(table: &'t Table, index: &Index, at: usize) -> (i32, Option<&'t [u8]>) {
    match index.columns.get(at) {
        Some(&IndexColumn::Column(column)) => {
            (column as i32, table.columns.get(column).map(|column| &*column.name))
        }
        Some(IndexColumn::Expr(_)) => (-2, None),
        Some(IndexColumn::Rowid) | None => (-1, None),
    }
}

/// `foreign_key_list`: the last key first.
pub(super) fn foreign_keys(c: &mut Compiler<'_>, request: &Request<'_>) {
    let Some(table) = find(c, request).filter(|table| !table.foreign_keys.is_empty()) else { return };
    c.verify_schema(table.db);
    let output = Output::new(c, 8);
    for (at, key) in table.foreign_keys.iter().rev().enumerate() {
        for (place, (column, parent_column)) in key.columns.iter().enumerate() {
            let cells = [
                Cell::Integer(at as i32),
                Cell::Integer(place as i32),
                Cell::Text(&key.parent),
                Cell::maybe(table.columns.get(*column).map(|column| &*column.name)),
                Cell::maybe(parent_column.as_deref()),
                Cell::Text(action_name(key.on_update)),
                Cell::Text(action_name(key.on_delete)),
                Cell::Text(b"NONE"),
            ];
            output.row(c, &cells);
        }
    }
}

fn action_name(action: ForeignKeyAction) -> &'static [u8] {
    match action {
        ForeignKeyAction::NoAction => b"NO ACTION",
        ForeignKeyAction::Restrict => b"RESTRICT",
        ForeignKeyAction::SetNull => b"SET NULL",
        ForeignKeyAction::SetDefault => b"SET DEFAULT",
        ForeignKeyAction::Cascade => b"CASCADE",
    }
}

/// `database_list`: temp only where something was put into it.
pub(super) fn databases(c: &mut Compiler<'_>) {
    let first = c.builder.alloc_regs(3);
    for number in 0..c.catalog.databases.len() {
        let Ok(db) = u8::try_from(number).map(Db) else { continue };
        let Some(schema) = c.catalog.database(db).cloned() else { continue };
        if db == Db(1) && !c.options.temp_open {
            continue;
        }
        let request = Request { db, qualified: true, value: None };
        let file = code_call(c, Call::DatabaseFile as u16, &request);
        load(c, first, &[Cell::Integer(i32::from(db.0)), Cell::Text(&schema.name)]);
        c.emit(Op::SCopy { from: file, to: first.plus(2) });
        c.emit(Op::ResultRow { first, count: 3 });
    }
}

/// `collation_list`
pub(super) fn collations(c: &mut Compiler<'_>) {
    let output = Output::new(c, 2);
    let collations = c.collations;
    for (at, name) in collations.names().enumerate() {
        output.row(c, &[Cell::Integer(at as i32), Cell::Text(name)]);
    }
}

/// `function_list`
pub(super) fn functions(c: &mut Compiler<'_>) {
    let output = Output::new(c, 6);
    let functions = c.functions;
    for function in functions.iter() {
        let encoding: &[u8] = match function.encoding {
            kernite_btree::Encoding::Utf8 => b"utf8",
            kernite_btree::Encoding::Utf16Le => b"utf16le",
            kernite_btree::Encoding::Utf16Be => b"utf16be",
        };
        let (is_builtin, kind) = kind_of(function);
        let cells = [
            Cell::Text(function.name.as_bytes()),
            Cell::flag(is_builtin),
            Cell::Text(kind),
            Cell::Text(encoding),
            Cell::Integer(i32::from(function.arguments)),
            Cell::Integer(function_flags(function, is_builtin)),
        ];
        output.row(c, &cells);
    }
}

/// Whether it is built in; `s`calar, `a`ggregate or `w`indow function.
fn kind_of(function: &FunctionDef) -> (bool, &'static [u8]) {
    match &function.body {
        FunctionBody::Scalar(_) => (true, b"s"),
        FunctionBody::Aggregate(_) => (true, b"w"),
        FunctionBody::UserScalar(_) => (false, b"s"),
        FunctionBody::UserAggregate(function) if function.is_window() => (false, b"w"),
        FunctionBody::UserAggregate(_) => (false, b"a"),
    }
}

/// The bits that `sqlite3_create_function` takes.
fn function_flags(function: &FunctionDef, is_builtin: bool) -> i32 {
    const PUBLIC: [(u32, i32); 4] = [
        (FunctionFlags::CONSTANT, 0x800),
        (FunctionFlags::DIRECT_ONLY, 0x8_0000),
        (FunctionFlags::SUBTYPE, 0x10_0000),
        (FunctionFlags::INNOCUOUS, 0x20_0000),
    ];
    let flags = function.flags.0;
    let set = PUBLIC.iter().filter(|(bit, _)| flags & bit != 0).fold(0, |set, (_, public)| set | public);
    let is_harmless = is_builtin && flags & FunctionFlags::DIRECT_ONLY == 0;
    if is_harmless { set | 0x20_0000 } else { set }
}

/// `pragma_list`
pub(super) fn pragmas(c: &mut Compiler<'_>) {
    let output = Output::new(c, 1);
    for pragma in PRAGMAS {
        output.row(c, &[Cell::Text(pragma.name.as_bytes())]);
    }
}

/// `compile_options`
pub(super) fn compile_options(c: &mut Compiler<'_>) {
    let output = Output::new(c, 1);
    for option in COMPILE_OPTIONS {
        output.row(c, &[Cell::Text(option.as_bytes())]);
    }
}
