//! CREATE VIEW, CREATE TRIGGER, CREATE VIRTUAL TABLE: a row in the schema table and no tree.

use std::sync::Arc;

use kernite_parser::ast::{self, TriggerStepKind, TriggerTime};
use kernite_vdbe::Error;
use kernite_vdbe::op::{Db, Op, Reg};

use super::create_table::{authorize_new, begin};
use super::fix::Fix;
use super::name::{self, schema_table};
use super::schema_table::{self as rows, Row};
use crate::catalog::{Table, TableKind};
use crate::compile::{CompileResult, Compiler, action, lossy};

/// Codes CREATE VIEW. Names in its SELECT are looked at when it is used.
///
/// # Errors
/// `parameters are not allowed in views`, a name that is taken, references to other databases.
pub fn create_view(c: &mut Compiler<'_>, create: &ast::CreateView) -> CompileResult<()> {
    let ast = Arc::clone(&c.ast);
    let has_parameter =
        ast.all::<ast::ExprNode>().iter().any(|node| matches!(node.kind, ast::Expr::Parameter(_)));
    if has_parameter {
        return Err(Error::message("parameters are not allowed in views"));
    }
    let db = name::database(c, create.name, create.temporary)?;
    let view_name: Box<[u8]> = ast.name(create.name.name).into();
    name::check(c, &view_name)?;
    let action = if db == Db(1) { action::CREATE_TEMP_VIEW } else { action::CREATE_VIEW };
    if !authorize_new(c, db, action, &view_name, None)?
        || !name::is_free(c, db, create.name.name, create.if_not_exists)?
    {
        return Ok(());
    }
    let typed = ast.source(ast[create.name.name].source);
    Fix { db, kind: "view", name: typed }.check(c, &ast)?;
    begin(c, db);
    let rowid = rows::reserve(c, db);
    rows::authorize_row_update(c, db)?;
    let sql = [b"CREATE VIEW ", ast.source(create.definition).trim_ascii_end()].concat();
    let row = Row { kind: "view", name: &view_name, table: &view_name, root: Reg(0), sql: Some(&sql) };
    rows::write_row(c, db, &row, Some(rowid));
    rows::change_cookie(c, db);
    rows::parse_table(c, db, &view_name);
    Ok(())
}

/// Codes CREATE TRIGGER. Names in its body are looked at when it fires.
///
/// # Errors
/// A table that is not there or cannot have such a trigger, a name that is taken, references to other databases.
pub fn create_trigger(c: &mut Compiler<'_>, create: &ast::CreateTrigger) -> CompileResult<()> {
    let ast = Arc::clone(&c.ast);
    let db = trigger_database(c, create)?;
    let typed = ast.source(ast[create.name.name].source);
    let fix = Fix { db, kind: "trigger", name: typed };
    let table_name = ast.name(create.table.name);
    let qualifier: Option<Box<[u8]>> = match create.table.schema {
        Some(schema) => {
            fix.check_database(c, ast.name(schema))?;
            Some(ast.name(schema).into())
        }
        None => (db != Db(1)).then(|| c.database_name(db).into()),
    };
    let table = c.locate_table(table_name, qualifier.as_deref(), false)?;
    let trigger_name: Box<[u8]> = ast.name(create.name.name).into();
    check_trigger_table(&table)?;
    name::check(c, &trigger_name)?;
    if c.catalog.database(db).is_some_and(|schema| schema.trigger(&trigger_name).is_some()) {
        if create.if_not_exists {
            c.notes.read_databases |= 1 << db.0;
            return Ok(());
        }
        c.notes.check_schema = true;
        return Err(Error::message(format!("trigger {} already exists", lossy(typed))));
    }
    if table.name.get(..7).is_some_and(|head| head.eq_ignore_ascii_case(b"sqlite_")) {
        return Err(Error::message("cannot create trigger on system table"));
    }
    check_trigger_time(c, create, &table)?;
    if !authorize_trigger(c, create, &table, &trigger_name)? {
        return Ok(());
    }
    fix.check(c, &ast)?;
    check_steps(c, &fix, create)?;
    rows::begin_write(c, db);
    let sql = [b"CREATE TRIGGER ", ast.source(create.definition)].concat();
    let database = c.database_name(db).to_vec();
    c.authorize(action::INSERT, Some(schema_table(db)), None, Some(&database))?;
    let row = Row { kind: "trigger", name: &trigger_name, table: table_name, root: Reg(0), sql: Some(&sql) };
    rows::write_row(c, db, &row, None);
    rows::change_cookie(c, db);
    rows::parse_trigger(c, db, &trigger_name);
    Ok(())
}

/// The database of a trigger: the one named, temp for TEMP and for a trigger on a table of temp, else main.
fn trigger_database(c: &Compiler<'_>, create: &ast::CreateTrigger) -> CompileResult<Db> {
    if create.temporary {
        if create.name.schema.is_some() {
            return Err(Error::message("temporary trigger may not have qualified name"));
        }
        return Ok(Db(1));
    }
    let db = name::database(c, create.name, false)?;
    if create.name.schema.is_none() {
        let qualifier = create.table.schema.map(|schema| c.ast.name(schema));
        let table = c.find_table(c.ast.name(create.table.name), qualifier);
        if table.is_some_and(|table| table.db == Db(1)) {
            return Ok(Db(1));
        }
    }
    Ok(db)
}

fn check_trigger_table(table: &Table) -> CompileResult<()> {
    match table.kind {
        TableKind::Virtual { .. } => Err(Error::message("cannot create triggers on virtual tables")),
        TableKind::Ordinary | TableKind::View { .. } => Ok(()),
    }
}

fn check_trigger_time(c: &Compiler<'_>, create: &ast::CreateTrigger, table: &Table) -> CompileResult<()> {
    let shown = match create.table.schema {
        Some(schema) => {
            format!("{}.{}", lossy(c.ast.name(schema)), lossy(c.ast.name(create.table.name)))
        }
        None => lossy(c.ast.name(create.table.name)).into_owned(),
    };
    let is_view = matches!(table.kind, TableKind::View { .. });
    match (is_view, create.time) {
        (true, TriggerTime::Before) => {
            Err(Error::message(format!("cannot create BEFORE trigger on view: {shown}")))
        }
        (true, TriggerTime::After) => {
            Err(Error::message(format!("cannot create AFTER trigger on view: {shown}")))
        }
        (false, TriggerTime::InsteadOf) => {
            Err(Error::message(format!("cannot create INSTEAD OF trigger on table: {shown}")))
        }
        _ => Ok(()),
    }
}

fn authorize_trigger(
    c: &mut Compiler<'_>,
    create: &ast::CreateTrigger,
    table: &Table,
    trigger: &[u8],
) -> CompileResult<bool> {
    let is_temp = table.db == Db(1) || create.temporary;
    let action = if is_temp { action::CREATE_TEMP_TRIGGER } else { action::CREATE_TRIGGER };
    let table_database = c.database_name(table.db).to_vec();
    let database = if create.temporary { b"temp".to_vec() } else { table_database.clone() };
    Ok(c.authorize(action, Some(trigger), Some(&table.name), Some(&database))?
        && c.authorize(action::INSERT, Some(schema_table(table.db)), None, Some(&table_database))?)
}

/// The statements of a trigger name their tables without a database, but in temp.
fn check_steps(c: &Compiler<'_>, fix: &Fix<'_>, create: &ast::CreateTrigger) -> CompileResult<()> {
    if fix.db == Db(1) {
        return Ok(());
    }
    for step in c.ast.list(create.steps) {
        let schema = match &step.kind {
            TriggerStepKind::Select(_) => None,
            TriggerStepKind::Insert(insert) => insert.target.name.schema,
            TriggerStepKind::Update(update) => update.target.name.schema,
            TriggerStepKind::Delete(delete) => delete.target.name.schema,
        };
        if schema.is_some() {
            return Err(Error::message(
                "qualified table names are not allowed on INSERT, UPDATE, and DELETE statements within triggers",
            ));
        }
    }
    Ok(())
}

/// Codes CREATE VIRTUAL TABLE. The module is asked for its table when the statement runs.
///
/// # Errors
/// A name that is taken, reserved or in an unknown database.
pub fn create_virtual_table(c: &mut Compiler<'_>, create: &ast::CreateVirtualTable) -> CompileResult<()> {
    let ast = Arc::clone(&c.ast);
    let db = name::database(c, create.name, false)?;
    let table_name: Box<[u8]> = ast.name(create.name.name).into();
    name::check(c, &table_name)?;
    let database = c.database_name(db).to_vec();
    if !c.authorize(action::INSERT, Some(schema_table(db)), None, Some(&database))?
        || !name::is_free(c, db, create.name.name, create.if_not_exists)?
    {
        return Ok(());
    }
    let module: Box<[u8]> = ast.name(create.module).into();
    if !c.authorize(action::CREATE_VTABLE, Some(&table_name), Some(&module), Some(&database))? {
        return Ok(());
    }
    begin(c, db);
    let rowid = rows::reserve(c, db);
    rows::authorize_row_update(c, db)?;
    let sql = [b"CREATE VIRTUAL TABLE ", ast.source(create.definition).trim_ascii_end()].concat();
    let row = Row { kind: "table", name: &table_name, table: &table_name, root: Reg(0), sql: Some(&sql) };
    rows::write_row(c, db, &row, Some(rowid));
    rows::change_cookie(c, db);
    c.emit(Op::Expire { others_only: false });
    rows::parse_table(c, db, &table_name);
    let name = c.reg();
    let value = rows::text(c, &table_name);
    c.emit(Op::Const { value, out: name });
    c.emit(Op::VCreate { db, name });
    Ok(())
}
