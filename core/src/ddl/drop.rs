//! DROP TABLE, VIEW, INDEX, TRIGGER.
//!
//! Trees are freed from the last root page to the first. Under auto_vacuum freeing one may move the last tree of the file into the gap; going
//! downward, that is never one that is still to be freed, and its row gets its new number.

use std::sync::Arc;

use kernite_parser::ast::{self, DropKind};
use kernite_vdbe::Error;
use kernite_vdbe::op::{Addr, CollationId, CompareFlags, ConstId, Cursor, Db, Op};

use super::name::schema_table;
use super::schema_table::{self as rows, Column};
use crate::catalog::{Index, IndexOrigin, Table, TableKind, Trigger};
use crate::codegen::dml;
use crate::compile::{CompileResult, Compiler, action, lossy};

/// Codes DROP.
///
/// # Errors
/// An object that is not there, is of another kind, or may not be dropped.
pub fn drop(c: &mut Compiler<'_>, drop: &ast::Drop) -> CompileResult<()> {
    match drop.kind {
        DropKind::Table => drop_table(c, drop, false),
        DropKind::View => drop_table(c, drop, true),
        DropKind::Index => drop_index(c, drop),
        DropKind::Trigger => drop_trigger(c, drop),
    }
}

/// The names of an object that is dropped.
fn names(c: &Compiler<'_>, drop: &ast::Drop) -> (Box<[u8]>, Option<Box<[u8]>>) {
    let database = drop.name.schema.map(|schema| c.ast.name(schema).into());
    (c.ast.name(drop.name.name).into(), database)
}

/// The program of DROP … IF EXISTS where nothing is.
fn nothing_there(c: &mut Compiler<'_>, database: Option<&[u8]>) {
    match database.and_then(|database| c.catalog.find_qualifier(database)) {
        Some(db) => super::name::do_nothing(c, db),
        None => {
            super::name::do_nothing(c, Db(0));
            for number in 0..c.catalog.databases.len() {
                let db = Db(number as u8);
                if c.catalog.database(db).is_some() && db != Db(1) {
                    c.notes.read_databases |= 1 << db.0;
                }
            }
        }
    }
}

fn drop_table(c: &mut Compiler<'_>, drop: &ast::Drop, is_view: bool) -> CompileResult<()> {
    let (name, database) = names(c, drop);
    let table = match c.find_table(&name, database.as_deref()) {
        Some(table) => c.connected(table)?,
        None if drop.if_exists => {
            nothing_there(c, database.as_deref());
            return Ok(());
        }
        // What is named after its module is found, but cannot be dropped.
        None => c.locate_table(&name, database.as_deref(), is_view)?,
    };
    let db = table.db;
    if !authorize_drop_table(c, &table)? {
        return Ok(());
    }
    if may_not_be_dropped(&table) {
        return Err(Error::message(format!("table {} may not be dropped", lossy(&table.name))));
    }
    match (is_view, &table.kind) {
        (true, TableKind::Ordinary | TableKind::Virtual { .. }) => {
            let name = lossy(&table.name);
            return Err(Error::message(format!("use DROP TABLE to delete table {name}")));
        }
        (false, TableKind::View { .. }) => {
            return Err(Error::message(format!("use DROP VIEW to delete view {}", lossy(&table.name))));
        }
        _ => {}
    }
    rows::begin_write(c, db);
    if !is_view {
        clear_statistics(c, db, b"tbl", &table.name)?;
        let first = c.cursor();
        dml::check_drop_table(c, &table)?;
        let last = c.cursor();
        for number in first.0 + 1..last.0 {
            // A tree is not freed while a cursor is open on it.
            c.emit(Op::Close { cursor: Cursor(number) });
        }
    }
    code_drop_table(c, &table)
}

fn may_not_be_dropped(table: &Table) -> bool {
    let head = table.name.get(..7).is_some_and(|head| head.eq_ignore_ascii_case(b"sqlite_"));
    if !head {
        return table.instance().is_some_and(|instance| instance.eponymous);
    }
    let rest = &table.name[7..];
    let starts = |word: &[u8]| rest.get(..word.len()).is_some_and(|part| part.eq_ignore_ascii_case(word));
    !starts(b"stat") && !starts(b"parameters")
}

fn authorize_drop_table(c: &mut Compiler<'_>, table: &Table) -> CompileResult<bool> {
    let database = c.database_name(table.db).to_vec();
    let is_temp = table.db == Db(1);
    let (action, module) = match &table.kind {
        TableKind::View { .. } if is_temp => (action::DROP_TEMP_VIEW, None),
        TableKind::View { .. } => (action::DROP_VIEW, None),
        TableKind::Virtual { module, .. } => (action::DROP_VTABLE, Some(module.clone())),
        TableKind::Ordinary if is_temp => (action::DROP_TEMP_TABLE, None),
        TableKind::Ordinary => (action::DROP_TABLE, None),
    };
    Ok(c.authorize(action::DELETE, Some(schema_table(table.db)), None, Some(&database))?
        && c.authorize(action, Some(&table.name), module.as_deref(), Some(&database))?
        && c.authorize(action::DELETE, Some(&table.name), None, Some(&database))?)
}

fn code_drop_table(c: &mut Compiler<'_>, table: &Arc<Table>) -> CompileResult<()> {
    let db = table.db;
    let is_virtual = matches!(table.kind, TableKind::Virtual { .. });
    for trigger in triggers_of(c, table) {
        code_drop_trigger(c, &trigger, table)?;
    }
    if table.autoincrement {
        code_drop_sequence(c, table)?;
    }
    authorize_schema_delete(c, db, b"tbl_name")?;
    let name = table.name.clone();
    rows::scan(c, db, |c, cursor, next| {
        rows::require(c, cursor, Column::Table, true, &name, next);
        rows::require(c, cursor, Column::Type, false, b"trigger", next);
        rows::delete(c, cursor);
        Ok(())
    })?;
    if matches!(table.kind, TableKind::Ordinary) {
        destroy_trees(c, table)?;
    }
    let constant = c.builder.name(&table.name);
    if is_virtual {
        c.builder.emit(Op::VDestroy { db, name: constant });
    }
    c.builder.emit(Op::DropTable { db, name: constant });
    rows::change_cookie(c, db);
    Ok(())
}

/// Triggers on a table: its own, and those of temp.
fn triggers_of(c: &Compiler<'_>, table: &Table) -> Vec<Arc<Trigger>> {
    let mut triggers = table.triggers.clone();
    if table.db != Db(1)
        && let Some(temp) = c.catalog.database(Db(1))
    {
        let mut found: Vec<_> = temp
            .triggers
            .values()
            .filter(|trigger| trigger.table_db == table.db && trigger.table.eq_ignore_ascii_case(&table.name))
            .cloned()
            .collect();
        found.sort_by(|a, b| a.name.cmp(&b.name));
        triggers.extend(found);
    }
    triggers
}

/// Takes a dropped table out of `sqlite_sequence`.
fn code_drop_sequence(c: &mut Compiler<'_>, table: &Table) -> CompileResult<()> {
    let Some(sequence) =
        c.catalog.database(table.db).and_then(|schema| schema.table(b"sqlite_sequence")).cloned()
    else {
        return Ok(());
    };
    let database = c.database_name(table.db).to_vec();
    c.authorize(action::DELETE, Some(b"sqlite_sequence"), None, Some(&database))?;
    c.authorize_read(b"sqlite_sequence", b"name", table.db)?;
    delete_where(c, &sequence, 0, &table.name);
    Ok(())
}

/// Deletes the rows of a rowid table whose column is this text.
fn delete_where(c: &mut Compiler<'_>, table: &Table, column: u16, value: &[u8]) {
    let Some(root) = table.root else { return };
    let cursor = c.builder.alloc_cursor();
    let tree = c.builder.tree(table.db, root.get(), None);
    let columns = table.columns.len() as u16;
    c.builder.emit(Op::OpenWrite { cursor, tree, columns, for_delete: true });
    let (end, next) = (c.builder.label(), c.builder.label());
    c.builder.emit(Op::Rewind { cursor, empty: end });
    let top = c.builder.here();
    let (left, right) = (c.builder.temp_reg(), c.builder.temp_reg());
    c.builder.emit(Op::Column { cursor, column, out: left, default: ConstId(0), hint: 0 });
    let value = rows::text(c, value);
    c.builder.emit(Op::Const { value, out: right });
    let flags = CompareFlags { affinity: 0, jump_if_null: true, null_eq: false };
    c.builder.emit(Op::Ne { left, right, to: next, flags, collation: CollationId(0) });
    rows::delete(c, cursor);
    c.builder.bind(next);
    c.builder.emit(Op::Next { cursor, to: top, counter: 0 });
    c.builder.bind(end);
    c.builder.release_temp(right);
    c.builder.release_temp(left);
    c.builder.emit(Op::Close { cursor });
}

/// Forgets what ANALYZE found out about an object.
pub(super) fn clear_statistics(
    c: &mut Compiler<'_>,
    db: Db,
    column: &[u8],
    name: &[u8],
) -> CompileResult<()> {
    let Some(schema) = c.catalog.database(db).cloned() else { return Ok(()) };
    for number in 1..=4 {
        if let Some(table) = schema.table(format!("sqlite_stat{number}").as_bytes()).cloned() {
            clear_statistics_in(c, &table, column, name)?;
        }
    }
    Ok(())
}

/// The same in one of the tables of statistics.
pub(super) fn clear_statistics_in(
    c: &mut Compiler<'_>,
    table: &Table,
    column: &[u8],
    name: &[u8],
) -> CompileResult<()> {
    let Some(at) = table.find_column(column).filter(|_| table.has_rowid()) else { return Ok(()) };
    let database = c.database_name(table.db).to_vec();
    c.authorize(action::DELETE, Some(&table.name), None, Some(&database))?;
    c.authorize_read(&table.name, column, table.db)?;
    delete_where(c, table, at as u16, name);
    Ok(())
}

/// What SQLite's own DELETE of schema rows asks the authorizer.
fn authorize_schema_delete(c: &mut Compiler<'_>, db: Db, column: &[u8]) -> CompileResult<()> {
    let database = c.database_name(db).to_vec();
    let table = schema_table(db);
    c.authorize(action::DELETE, Some(table), None, Some(&database))?;
    c.authorize_read(table, column, db)?;
    c.authorize_read(table, b"type", db)?;
    Ok(())
}

fn destroy_trees(c: &mut Compiler<'_>, table: &Table) -> CompileResult<()> {
    let mut roots: Vec<u32> = table.root.iter().map(|root| root.get()).collect();
    let is_table = |index: &&Arc<Index>| table.without_rowid && index.origin == IndexOrigin::PrimaryKey;
    roots.extend(table.indexes.iter().filter(|index| !is_table(index)).map(|index| index.root.get()));
    roots.sort_unstable();
    roots.dedup();
    for root in roots.into_iter().rev() {
        destroy(c, table.db, root)?;
    }
    Ok(())
}

/// Frees a tree. If another one was moved into its place, that one's row is told.
fn destroy(c: &mut Compiler<'_>, db: Db, root: u32) -> CompileResult<()> {
    if root < 2 {
        return Err(Error::with_code(11, "corrupt schema"));
    }
    let moved = c.builder.alloc_reg();
    let tree = c.builder.tree(db, root, None);
    c.builder.emit(Op::Destroy { db, tree, moved });
    let database = c.database_name(db).to_vec();
    c.authorize(action::UPDATE, Some(schema_table(db)), Some(b"rootpage"), Some(&database))?;
    c.authorize_read(schema_table(db), b"rootpage", db)?;
    let skip = c.builder.label();
    c.builder.emit(Op::IfNot { value: moved, to: skip, jump_if_null: true });
    let (here, found) = (c.builder.alloc_reg(), c.builder.alloc_reg());
    c.builder.emit(Op::Integer { value: root as i32, out: here });
    rows::scan(c, db, |c, cursor, next: Addr| {
        let column = Column::Root as u16;
        c.builder.emit(Op::Column { cursor, column, out: found, default: ConstId(0), hint: 0 });
        let flags = CompareFlags { affinity: b'D', jump_if_null: true, null_eq: false };
        c.builder.emit(Op::Ne { left: found, right: moved, to: next, flags, collation: CollationId(0) });
        rows::update(c, cursor, &[(Column::Root, here)]);
        Ok(())
    })?;
    c.builder.bind(skip);
    Ok(())
}

fn drop_index(c: &mut Compiler<'_>, drop: &ast::Drop) -> CompileResult<()> {
    let (name, database) = names(c, drop);
    let Some(index) = c.find_index(&name, database.as_deref()) else {
        if drop.if_exists {
            nothing_there(c, database.as_deref());
            return Ok(());
        }
        c.notes.check_schema = true;
        return Err(Error::message(match &database {
            Some(database) => format!("no such index: {}.{}", lossy(database), lossy(&name)),
            None => format!("no such index: {}", lossy(&name)),
        }));
    };
    if index.origin != IndexOrigin::Created {
        return Err(Error::message(
            "index associated with UNIQUE or PRIMARY KEY constraint cannot be dropped",
        ));
    }
    let db = index.db;
    let schema = c.database_name(db).to_vec();
    let action = if db == Db(1) { action::DROP_TEMP_INDEX } else { action::DROP_INDEX };
    if !c.authorize(action::DELETE, Some(schema_table(db)), None, Some(&schema))?
        || !c.authorize(action, Some(&index.name), Some(&index.table), Some(&schema))?
    {
        return Ok(());
    }
    rows::begin_write(c, db);
    authorize_schema_delete(c, db, b"name")?;
    rows::scan(c, db, |c, cursor, next| {
        rows::require(c, cursor, Column::Name, true, &index.name, next);
        rows::require(c, cursor, Column::Type, true, b"index", next);
        rows::delete(c, cursor);
        Ok(())
    })?;
    clear_statistics(c, db, b"idx", &index.name)?;
    rows::change_cookie(c, db);
    destroy(c, db, index.root.get())?;
    let constant = c.builder.name(&index.name);
    c.builder.emit(Op::DropIndex { db, name: constant });
    Ok(())
}

fn drop_trigger(c: &mut Compiler<'_>, drop: &ast::Drop) -> CompileResult<()> {
    let (name, database) = names(c, drop);
    let found = c.catalog.search_order().find_map(|(db, schema)| {
        let fits = match database.as_deref() {
            Some(wanted) => {
                schema.name.eq_ignore_ascii_case(wanted)
                    || (db == Db(0) && wanted.eq_ignore_ascii_case(b"main"))
            }
            None => true,
        };
        schema.trigger(&name).filter(|_| fits).cloned()
    });
    let Some(trigger) = found else {
        if drop.if_exists {
            nothing_there(c, database.as_deref());
            return Ok(());
        }
        c.notes.check_schema = true;
        return Err(Error::message(match &database {
            Some(database) => format!("no such trigger: {}.{}", lossy(database), lossy(&name)),
            None => format!("no such trigger: {}", lossy(&name)),
        }));
    };
    let table = c.catalog.database(trigger.table_db).and_then(|schema| schema.table(&trigger.table)).cloned();
    match table {
        Some(table) => code_drop_trigger(c, &trigger, &table),
        None => code_drop_trigger_rows(c, &trigger),
    }
}

fn code_drop_trigger(c: &mut Compiler<'_>, trigger: &Trigger, table: &Table) -> CompileResult<()> {
    let db = trigger.db;
    let database = c.database_name(db).to_vec();
    let action = if db == Db(1) { action::DROP_TEMP_TRIGGER } else { action::DROP_TRIGGER };
    if !c.authorize(action, Some(&trigger.name), Some(&table.name), Some(&database))?
        || !c.authorize(action::DELETE, Some(schema_table(db)), None, Some(&database))?
    {
        return Ok(());
    }
    code_drop_trigger_rows(c, trigger)
}

fn code_drop_trigger_rows(c: &mut Compiler<'_>, trigger: &Trigger) -> CompileResult<()> {
    let db = trigger.db;
    rows::begin_write(c, db);
    authorize_schema_delete(c, db, b"name")?;
    rows::scan(c, db, |c, cursor, next| {
        rows::require(c, cursor, Column::Name, true, &trigger.name, next);
        rows::require(c, cursor, Column::Type, true, b"trigger", next);
        rows::delete(c, cursor);
        Ok(())
    })?;
    rows::change_cookie(c, db);
    let constant = c.builder.name(&trigger.name);
    c.builder.emit(Op::DropTrigger { db, name: constant });
    Ok(())
}
