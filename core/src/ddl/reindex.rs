//! REINDEX: indexes are built anew, because a collation has changed.

use std::sync::Arc;

use kernite_parser::ast;
use kernite_vdbe::Error;

use super::fill::refill;
use crate::catalog::{Index, Table};
use crate::compile::{CompileResult, Compiler};

/// Codes REINDEX: all indexes, those that use a collation, those of a table, or one.
///
/// # Errors
/// `unable to identify the object to be reindexed`
pub fn reindex(c: &mut Compiler<'_>, name: Option<ast::QualifiedName>) -> CompileResult<()> {
    let ast = Arc::clone(&c.ast);
    let Some(name) = name else { return reindex_where(c, |_| true) };
    let object = ast.name(name.name);
    if name.schema.is_none() && c.collations.find(object).is_some() {
        let uses = |index: &Index| {
            index
                .collations
                .iter()
                .take(index.key_columns)
                .any(|collation| collation.as_deref().unwrap_or(b"BINARY").eq_ignore_ascii_case(object))
        };
        return reindex_where(c, uses);
    }
    let database = match name.schema {
        Some(schema) => {
            let text = ast.name(schema);
            if c.catalog.find_database(text).is_none() {
                let typed = crate::compile::lossy(ast.source(ast[schema].source)).into_owned();
                return Err(Error::message(format!("unknown database {typed}")));
            }
            Some(text)
        }
        None => None,
    };
    if let Some(table) = c.find_table(object, database) {
        for index in table.indexes.iter().rev() {
            reindex_one(c, &table, index)?;
        }
        return Ok(());
    }
    if let Some(index) = c.find_index(object, database) {
        let schema = c.catalog.database(index.db).cloned();
        if let Some(table) = schema.as_ref().and_then(|schema| schema.table(&index.table)) {
            return reindex_one(c, table, &index);
        }
    }
    Err(Error::message("unable to identify the object to be reindexed"))
}

fn reindex_where(c: &mut Compiler<'_>, wanted: impl Fn(&Index) -> bool) -> CompileResult<()> {
    let databases: Vec<_> = c.catalog.databases.iter().flatten().cloned().collect();
    for schema in databases {
        for table in schema.listed() {
            for index in table.indexes.iter().rev().filter(|index| wanted(index)) {
                reindex_one(c, table, index)?;
            }
        }
    }
    Ok(())
}

/// The primary key of a WITHOUT ROWID table is the table: it cannot be built from anything else.
fn reindex_one(c: &mut Compiler<'_>, table: &Arc<Table>, index: &Arc<Index>) -> CompileResult<()> {
    let is_table = table.without_rowid && index.origin == crate::catalog::IndexOrigin::PrimaryKey;
    if is_table {
        return Ok(());
    }
    refill(c, table, index)
}
