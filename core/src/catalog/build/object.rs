//! CREATE VIEW, CREATE TRIGGER, CREATE VIRTUAL TABLE.

use std::sync::Arc;

use kernite_parser::ast;
use kernite_vdbe::{Db, Error};

use super::{Source, table};
use crate::catalog::{Column, Instance, Table, TableKind, Trigger};
use crate::compile::CompileResult;

/// Makes a view. Its columns are known when it is used.
pub fn view(source: Source<'_>, create: &ast::CreateView) -> Table {
    let ast = source.ast;
    let column_names = ast.list(create.columns).iter().map(|name| ast.text(name.value).into()).collect();
    let mut view = table::empty(&source, ast.name(create.name.name));
    view.kind = TableKind::View { select: create.select, column_names };
    view
}

/// Makes a virtual table. Its columns are known when its module has been asked.
pub fn virtual_table(source: Source<'_>, create: &ast::CreateVirtualTable) -> Table {
    let ast = source.ast;
    let arguments = ast.list(create.arguments).iter().map(|&span| ast.source(span).into()).collect();
    let mut made = table::empty(&source, ast.name(create.name.name));
    made.kind = TableKind::Virtual { module: ast.name(create.module).into(), arguments, instance: None };
    made
}

/// Gives a virtual table the columns that its module declares (`declaration` is a CREATE TABLE statement) and its instance.
///
/// # Errors
/// What is wrong with the declaration.
pub fn connect(virtual_table: &Table, declaration: &[u8], made: Instance) -> CompileResult<Table> {
    let declared = declared(declaration, virtual_table.db)?;
    let mut table = virtual_table.clone();
    if let TableKind::Virtual { instance, .. } = &mut table.kind {
        *instance = Some(made);
    }
    table.columns = declared.columns;
    for column in &mut table.columns {
        column.default = None;
        take_hidden(column);
    }
    table.without_rowid = declared.without_rowid;
    table.indexes = if declared.without_rowid { declared.indexes } else { Vec::new() };
    Ok(table)
}

/// The table that a module declares.
///
/// # Errors
/// As [`connect`].
pub fn declared(declaration: &[u8], db: Db) -> CompileResult<Table> {
    let sql: Arc<[u8]> = declaration.into();
    let parsed = crate::catalog::load::parser(false).parse(&sql);
    let parsed = parsed.map_err(|error| Error::message(error.to_string()))?;
    let Some(kernite_parser::Parsed { statement: ast::Statement::CreateTable(create), ast, .. }) = parsed
    else {
        return Err(Error::message("syntax error"));
    };
    let ast: Arc<ast::Ast> = Arc::from(ast);
    let source = Source {
        ast: &ast,
        sql: &sql,
        db,
        column_max: usize::MAX,
        file_format: 4,
        loading: true,
        collations: None,
    };
    table::table(source, &create, false)
}

/// The word `hidden` in the type of a column is no part of it.
fn take_hidden(column: &mut Column) {
    const WORD: &[u8] = b"hidden";
    let Some(declared) = &column.declared_type else { return };
    let is_edge = |at: Option<usize>| at.is_none_or(|at| declared.get(at).is_none_or(|&byte| byte == b' '));
    let found = (0..declared.len().saturating_sub(WORD.len() - 1)).find(|&at| {
        declared[at..at + WORD.len()].eq_ignore_ascii_case(WORD)
            && is_edge(at.checked_sub(1))
            && is_edge(Some(at + WORD.len()))
    });
    let Some(at) = found else { return };
    let (mut before, mut after) = (&declared[..at], &declared[at + WORD.len()..]);
    match after {
        [b' ', rest @ ..] => after = rest,
        _ => before = before.strip_suffix(b" ").unwrap_or(before),
    }
    let rest = [before, after].concat();
    column.flags.hidden = true;
    column.declared_type = (!rest.is_empty()).then(|| rest.into());
}

/// Makes a trigger on a table of `table_db`.
pub fn trigger(source: Source<'_>, create: &ast::CreateTrigger, table_db: Db) -> Trigger {
    let ast = source.ast;
    Trigger {
        name: ast.name(create.name.name).into(),
        db: source.db,
        table: ast.name(create.table.name).into(),
        table_db,
        definition: *create,
        sql: Arc::clone(source.sql),
        ast: Arc::clone(ast),
    }
}
