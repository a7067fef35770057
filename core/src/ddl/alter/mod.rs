//! ALTER TABLE.
//!
//! ```text
//! look at the table ─> edit the stored texts ─> read the schema that they would make, and resolve what is in it ─> program
//! ```
//!
//! The new texts are made when the statement is compiled, from the catalogue, and the schema that they make is tried before
//! anything is written. The program writes them, changes rows where it must, and has the schema read again.
//!
//! Rooms: `text` (edits of a text), `references` (names in a text), `trial` (a schema with edited texts), `rename`, `column` (ADD and DROP),
//! `constraint`.
//!
//! Never: SQL text that is run; the conditions are few and written out.
//! Spec: ALTER TABLE.

mod column;
mod constraint;
mod references;
mod rename;
mod text;
mod trial;

use std::sync::Arc;

use kernite_parser::ast::{self, AlterAction};
use kernite_vdbe::Error;
use kernite_vdbe::op::{Db, Op};

use super::schema_table as rows;
use crate::catalog::{Table, TableKind};
use crate::compile::{CompileResult, Compiler, Unconnected, action, lossy};
use trial::Change;

/// Codes ALTER TABLE.
///
/// # Errors
/// A table that is not there or may not be altered; a change that would leave something in the schema without meaning.
pub fn alter_table(c: &mut Compiler<'_>, alter: &ast::AlterTable) -> CompileResult<()> {
    let ast = Arc::clone(&c.ast);
    let database = alter.table.schema.map(|schema| ast.name(schema));
    let table = c.locate_table(ast.name(alter.table.name), database, false)?;
    connect_tables(c, table.db)?;
    match alter.action {
        AlterAction::RenameTable(name) => rename::table(c, &table, name),
        AlterAction::RenameColumn { from, to } => rename::column(c, &table, from, to),
        AlterAction::AddColumn(definition) => column::add(c, &table, &definition),
        AlterAction::DropColumn(name) => column::drop(c, &table, name),
        AlterAction::DropConstraint(name) => constraint::drop_named(c, &table, name),
        AlterAction::DropNotNull(name) => constraint::drop_not_null(c, &table, name),
        AlterAction::SetNotNull { column, text, .. } => constraint::set_not_null(c, &table, column, text),
        AlterAction::AddCheck { name, check, text, .. } => {
            constraint::add_check(c, &table, name, &check, text)
        }
    }
}

/// Views and triggers are looked at, and the virtual tables that they name with them: those of the schema and of temp are connected.
fn connect_tables(c: &mut Compiler<'_>, db: Db) -> CompileResult<()> {
    for db in [db, Db(1)] {
        let Some(schema) = c.catalog.database(db).cloned() else { continue };
        for table in schema.tables.values().filter(|table| table.is_unconnected()) {
            let TableKind::Virtual { module, .. } = &table.kind else { continue };
            let target = Unconnected::Table { db, name: table.name.clone() };
            if c.catalog.modules.find(module).is_some() && !c.notes.missing.contains(&target) {
                c.notes.connect_optional = true;
                c.connected(Arc::clone(table))?;
            }
        }
    }
    Ok(())
}

/// # Errors
/// `table x may not be altered`
fn check_alterable(table: &Table) -> CompileResult<()> {
    let is_eponymous = table.instance().is_some_and(|instance| instance.eponymous);
    if is_eponymous || table.name.get(..7).is_some_and(|head| head.eq_ignore_ascii_case(b"sqlite_")) {
        return Err(Error::message(format!("table {} may not be altered", lossy(&table.name))));
    }
    Ok(())
}

/// # Errors
/// `cannot … view "x"`
fn check_ordinary(table: &Table, what: &str) -> CompileResult<()> {
    let kind = match table.kind {
        TableKind::Ordinary => return Ok(()),
        TableKind::View { .. } => "view",
        TableKind::Virtual { .. } => "virtual table",
    };
    Err(Error::message(format!("cannot {what} {kind} \"{}\"", lossy(&table.name))))
}

/// # Errors
/// `cannot … rowid alias: x`
fn check_not_rowid(table: &Table, column: &[u8], what: &str) -> CompileResult<()> {
    if crate::catalog::is_rowid_name(column) && table.has_rowid() {
        return Err(Error::message(format!("cannot {what} rowid alias: {}", lossy(column))));
    }
    Ok(())
}

/// Asks about an ALTER TABLE.
fn authorize(c: &mut Compiler<'_>, table: &Table, column: Option<&[u8]>) -> CompileResult<bool> {
    let database = c.database_name(table.db).to_vec();
    // The names come in the places of other actions' arguments, and no database.
    c.authorize(action::ALTER_TABLE, Some(&database), Some(&table.name), column)
}

/// Finds a column by the name typed.
///
/// # Errors
/// `no such column: "x"`
fn find_column(c: &Compiler<'_>, table: &Table, name: ast::NameId) -> CompileResult<usize> {
    let found = table.find_column(c.ast.name(name));
    found.ok_or_else(|| {
        let typed = lossy(c.ast.source(c.ast[name].source)).into_owned();
        Error::message(format!("no such column: \"{typed}\""))
    })
}

/// Codes the writing of changed rows, and the schema being read again. `after` is for messages about what does not fit any more.
fn code_changes(c: &mut Compiler<'_>, db: Db, changes: &[Change], after: &str) -> CompileResult<()> {
    rows::begin_write(c, db);
    for change in changes {
        if change.db != db {
            rows::begin_write(c, change.db);
        }
        rows::rewrite(c, change.db, change.kind.as_bytes(), &change.name, &change.columns())?;
    }
    reload(c, db, after);
    Ok(())
}

/// Codes the reading of a schema that has changed, and of temp, which may have triggers and views on it.
fn reload(c: &mut Compiler<'_>, db: Db, after: &str) {
    rows::change_cookie(c, db);
    rows::parse_all(c, db, after);
    if db != Db(1) && c.options.temp_open {
        rows::parse_all(c, Db(1), after);
    }
    c.emit(Op::Expire { others_only: true });
}
