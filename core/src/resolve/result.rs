//! Names and origins of the columns that a statement returns.
//!
//! A column is called by its alias; else, if it shows a table column, by that column's name (`full_column_names`: with its table); else by the
//! text of its expression.

use kernite_vdbe::op::Cursor;

use crate::bound::{Bound, ExprId, ExprKind, FromSource, SelectId};
use crate::compile::{ColumnInfo, ColumnOrigin, Compiler};

/// The result columns of a SELECT of the statement's own text.
pub fn result_columns(compiler: &Compiler<'_>, select: SelectId) -> Vec<ColumnInfo> {
    let bound = &compiler.bound;
    let first = bound.leftmost(select);
    let columns = bound[first].columns.iter().enumerate();
    columns
        .map(|(i, column)| {
            let name = match &column.alias {
                Some(alias) => alias.clone(),
                None => source_name(compiler, column.expr).unwrap_or_else(|| match column.span {
                    Some(span) => compiler.ast.source(span).into(),
                    None => format!("column{}", i + 1).into_bytes().into(),
                }),
            };
            let (origin, declared_type) = match origin(compiler, column.expr) {
                Some((origin, declared_type)) => (Some(origin), declared_type),
                None => (None, bound.declared_type(column.expr)),
            };
            ColumnInfo { name, origin, declared_type }
        })
        .collect()
}

/// The name of the column that an expression is, as the pragmas about column names want it.
fn source_name(compiler: &Compiler<'_>, expr: ExprId) -> Option<Box<[u8]>> {
    let options = compiler.options;
    if !options.short_column_names && !options.full_column_names {
        return None;
    }
    let (item, name) = names_of(compiler, expr)?;
    Some(if options.full_column_names { [item, b".", name].concat().into() } else { name.into() })
}

/// The name of the column that an expression is.
pub(super) fn column_name(compiler: &Compiler<'_>, expr: ExprId) -> Option<Box<[u8]>> {
    names_of(compiler, expr).map(|(_, name)| name.into())
}

/// The names of the table and of the column that an expression is.
fn names_of<'c>(compiler: &'c Compiler<'_>, expr: ExprId) -> Option<(&'c [u8], &'c [u8])> {
    let ExprKind::Column { cursor, column, table } = &compiler.bound[expr].kind else { return None };
    Some(match table {
        Some(table) => {
            let column = usize::try_from(*column).ok().or(table.rowid_alias);
            (&table.name, column.and_then(|column| table.columns.get(column)).map_or(b"rowid", |c| &c.name))
        }
        None => {
            let column = usize::try_from(*column).ok();
            let columns = compiler.bound.columns_of(*cursor);
            let item = compiler.bound.item_of(*cursor);
            (
                item.map_or(&[][..], |item| item.visible_name()),
                column.and_then(|column| columns.get(column)).map_or(b"rowid", |c| &c.name),
            )
        }
    })
}

/// The table column that an expression shows, through subqueries and views, and its declared type.
fn origin(compiler: &Compiler<'_>, expr: ExprId) -> Option<(ColumnOrigin, Option<Box<[u8]>>)> {
    let bound = &compiler.bound;
    match &bound[expr].kind {
        ExprKind::Column { column, table: Some(table), .. } => {
            let index = usize::try_from(*column).ok().or(table.rowid_alias);
            let known = index.and_then(|index| table.columns.get(index));
            let origin = ColumnOrigin {
                database: compiler.database_name(table.db).into(),
                table: table.name.clone(),
                column: known.map_or(b"rowid".as_slice().into(), |column| column.name.clone()),
            };
            Some((origin, bound.declared_type(expr)))
        }
        ExprKind::Column { cursor, column, table: None } => {
            let FromSource::Subquery { select, .. } = bound.item_of(*cursor)?.source else { return None };
            let column = bound[select].columns.get(usize::try_from(*column).ok()?)?;
            origin(compiler, column.expr)
        }
        ExprKind::Subquery(select) => origin(compiler, bound[*select].columns.first()?.expr),
        _ => None,
    }
}

impl Bound {
    /// The FROM item that a cursor reads.
    pub fn item_of(&self, cursor: Cursor) -> Option<&crate::bound::FromItem> {
        self.selects.iter().flat_map(|select| &select.from).find(|item| item.cursor == cursor)
    }
}
