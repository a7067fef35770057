//! CREATE INDEX.

use std::sync::Arc;

use kernite_parser::ast;
use kernite_vdbe::Error;
use kernite_vdbe::op::{Db, Op};

use super::create_table::{authorize_new, source};
use super::name::{self, schema_table};
use super::schema_table::{self as rows, Row};
use crate::bound::SelfContext;
use crate::catalog::build;
use crate::catalog::{Index, IndexColumn, Table, TableKind};
use crate::compile::{CompileResult, Compiler, action, lossy};
use crate::resolve;

/// Codes CREATE INDEX: a tree, its row, and the entries.
///
/// # Errors
/// A table that is not there or cannot be indexed, a name that is taken, keys that cannot be.
pub fn create_index(c: &mut Compiler<'_>, create: &ast::CreateIndex) -> CompileResult<()> {
    let ast = Arc::clone(&c.ast);
    build::check_nulls(ast.list(create.columns))?;
    let (db, table) = locate(c, create)?;
    if table.name.get(..7).is_some_and(|head| head.eq_ignore_ascii_case(b"sqlite_")) {
        return Err(Error::message(format!("table {} may not be indexed", lossy(&table.name))));
    }
    match table.kind {
        TableKind::View { .. } => return Err(Error::message("views may not be indexed")),
        TableKind::Virtual { .. } => return Err(Error::message("virtual tables may not be indexed")),
        TableKind::Ordinary => {}
    }
    let index_name: Box<[u8]> = ast.name(create.name.name).into();
    name::check(c, &index_name)?;
    if name::known_table(c, db, &index_name).is_some() {
        c.notes.check_schema = true;
        return Err(Error::message(format!("there is already a table named {}", lossy(&index_name))));
    }
    if c.catalog.database(db).is_some_and(|schema| schema.index(&index_name).is_some()) {
        if create.if_not_exists {
            name::do_nothing(c, db);
            return Ok(());
        }
        c.notes.check_schema = true;
        return Err(Error::message(format!("index {} already exists", lossy(&index_name))));
    }
    let action = if db == Db(1) { action::CREATE_TEMP_INDEX } else { action::CREATE_INDEX };
    if !authorize_new(c, db, action, &index_name, Some(&table.name))? {
        return Ok(());
    }
    let unique: &[u8] = if create.unique { b" UNIQUE" } else { b"" };
    let sql: Arc<[u8]> = [b"CREATE", unique, b" INDEX ", ast.source(create.definition)].concat().into();
    if let Some(filter) = create.filter {
        resolve::expr_for_table(c, &ast, filter, &table, SelfContext::PartialIndex)?;
    }
    let mut source = source(c, &ast, &sql, db);
    source.file_format = c.catalog.database(db).map_or(4, |schema| schema.file_format);
    let index = build::create_index(source, &table, create)?;
    check_keys(c, &table, &index, create)?;
    let index = Arc::new(index);
    rows::begin_write(c, db);
    let root = c.builder.alloc_reg();
    c.builder.emit(Op::CreateBtree { db, out: root, table: false });
    let database = c.database_name(db).to_vec();
    c.authorize(action::INSERT, Some(schema_table(db)), None, Some(&database))?;
    let row = Row { kind: "index", name: &index_name, table: &table.name, root, sql: Some(&sql) };
    rows::write_row(c, db, &row, None);
    super::fill::fill(c, &table, &index, Some(root))?;
    rows::change_cookie(c, db);
    rows::parse_index(c, db, &index_name);
    c.builder.emit(Op::Expire { others_only: true });
    Ok(())
}

/// The table, and the database of the index: that of a temp table, else the one named, else main.
fn locate(c: &mut Compiler<'_>, create: &ast::CreateIndex) -> CompileResult<(Db, Arc<Table>)> {
    let mut db = name::database(c, create.name, false)?;
    let ast = Arc::clone(&c.ast);
    let table_name = ast.name(create.table);
    if create.name.schema.is_none() && c.find_table(table_name, None).is_some_and(|table| table.db == Db(1)) {
        db = Db(1);
    }
    if db == Db(1) {
        let table = c.locate_table(table_name, None, false)?;
        if table.db != db {
            return Err(Error::message(format!(
                "cannot create a TEMP index on non-TEMP table \"{}\"",
                lossy(&table.name)
            )));
        }
        return Ok((db, table));
    }
    let database = c.database_name(db).to_vec();
    Ok((db, c.locate_table(table_name, Some(&database), false)?))
}

/// Asks about the columns that are keys, and resolves the keys that are expressions.
fn check_keys(
    c: &mut Compiler<'_>,
    table: &Arc<Table>,
    index: &Index,
    create: &ast::CreateIndex,
) -> CompileResult<()> {
    let ast = Arc::clone(&c.ast);
    for (column, term) in index.columns.iter().zip(ast.list(create.columns)) {
        match column {
            IndexColumn::Column(column) => {
                if let Some(column) = table.columns.get(*column) {
                    c.authorize_read(&table.name, &column.name, table.db)?;
                }
            }
            IndexColumn::Rowid => {}
            IndexColumn::Expr(_) => {
                resolve::expr_for_table(c, &ast, term.expr, table, SelfContext::IndexExpr)?;
            }
        }
    }
    Ok(())
}
