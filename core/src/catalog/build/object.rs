//! CREATE VIEW, CREATE TRIGGER, CREATE VIRTUAL TABLE.

use std::sync::Arc;

use kernite_parser::ast;
use kernite_vdbe::Db;

use super::{Source, table};
use crate::catalog::{Table, TableKind, Trigger};

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
    made.kind = TableKind::Virtual { module: ast.name(create.module).into(), arguments };
    made
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
