//! The table that a statement changes: found by its name, and whether it may be changed.

use std::sync::Arc;

use kernite_parser::ast;
use kernite_vdbe::op::{OnConflict, Op, VtabId};
use kernite_vdbe::vtab::Risk;
use kernite_vdbe::{Error, Reg};

use super::trigger::Triggers;
use super::{program, row};
use crate::catalog::Table;
use crate::compile::{CompileResult, Compiler};

/// The table named in the statement. In a trigger it is looked for in the trigger's own database.
///
/// # Errors
/// `no such table: x`.
pub fn locate(c: &mut Compiler<'_>, target: &ast::Target) -> CompileResult<Arc<Table>> {
    let ast = Arc::clone(&c.ast);
    let name = ast.name(target.name.name);
    let database = match (target.name.schema, program::fixed_database(c)) {
        (Some(schema), _) => Some(ast.name(schema).to_vec()),
        (None, Some(db)) => Some(c.database_name(db).to_vec()),
        (None, None) => None,
    };
    c.locate_table(name, database.as_deref(), false)
}

/// The table as the messages call it: by its alias, else as it was written.
pub fn display_name(c: &Compiler<'_>, target: &ast::Target) -> String {
    let name = |id| String::from_utf8_lossy(c.ast.name(id)).into_owned();
    match (target.alias, target.name.schema) {
        (Some(alias), _) => name(alias),
        (None, Some(schema)) => format!("{}.{}", name(schema), name(target.name.name)),
        (None, None) => name(target.name.name),
    }
}

/// The table with its columns: those of a view have to be found out.
pub fn with_columns(c: &mut Compiler<'_>, table: Arc<Table>) -> CompileResult<Arc<Table>> {
    if row::is_view(&table) { crate::resolve::view_table(c, &table) } else { Ok(table) }
}

/// Whether the table may be changed.
///
/// # Errors
/// `table x may not be modified`, `cannot modify x because it is a view`.
pub fn check_writable(c: &Compiler<'_>, table: &Table, triggers: &Triggers) -> CompileResult<()> {
    let name = || String::from_utf8_lossy(&table.name);
    let is_schema_table = table.root.is_some_and(|root| root.get() == 1);
    if let Some(instance) = table.instance() {
        if !instance.table.is_writable() {
            return Err(Error::message(format!("table {} may not be modified", name())));
        }
        let is_safe = match instance.risk {
            Risk::Innocuous => true,
            Risk::Normal => c.options.trusted_schema,
            Risk::DirectOnly => false,
        };
        if c.stored_in.is_some() && !is_safe {
            return Err(Error::message(format!("unsafe use of virtual table \"{}\"", name())));
        }
    }
    if is_schema_table && c.nested == 0 && !c.options.can_write_schema() {
        return Err(Error::message(format!("table {} may not be modified", name())));
    }
    if row::is_view(table) && !triggers.has_real() {
        return Err(Error::message(format!("cannot modify {} because it is a view", name())));
    }
    Ok(())
}

/// Notes that a virtual table is written, and links it.
pub fn write_virtual(c: &mut Compiler<'_>, table: &Table) -> VtabId {
    let known = (table.db, table.name.clone());
    if !c.notes.virtual_tables.contains(&known) {
        c.notes.virtual_tables.push(known);
    }
    c.builder.vtab(table.db, &String::from_utf8_lossy(&table.name))
}

/// Calls a virtual table's update method with `count` arguments.
pub fn update_virtual(
    c: &mut Compiler<'_>,
    table: &Table,
    first: Reg,
    count: u32,
    conflict: Option<OnConflict>,
    set_last_rowid: bool,
) {
    let vtab = write_virtual(c, table);
    let on_conflict = conflict.unwrap_or(OnConflict::Abort);
    c.emit(Op::VUpdate { vtab, first, count, on_conflict, set_last_rowid });
    c.may_abort();
}
