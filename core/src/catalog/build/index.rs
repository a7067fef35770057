//! Indexes: of constraints and of CREATE INDEX.
//!
//! A constraint that repeats another one (same columns, same collations) makes no second index. Behind the key columns stands what makes
//! entries unique: the rowid, or the primary-key columns that are not there yet.

use std::sync::Arc;

use kernite_btree::PageNo;
use kernite_parser::ast::{self, Expr};
use kernite_vdbe::Error;
use kernite_vdbe::op::OnConflict;

use super::table::key_name;
use super::{Source, on_conflict};
use crate::catalog::{Index, IndexColumn, IndexOrigin, Table};
use crate::compile::{CompileResult, lossy};
use crate::plan::log_est;

/// A column of a PRIMARY KEY or UNIQUE constraint.
#[derive(Clone, Debug)]
pub(super) struct KeyTerm {
    pub(super) column: usize,
    pub(super) collation: Option<Box<[u8]>>,
    pub(super) descending: bool,
}

/// A PRIMARY KEY or UNIQUE constraint.
pub(super) struct Key<'k> {
    pub(super) terms: &'k [KeyTerm],
    pub(super) origin: IndexOrigin,
    pub(super) conflict: Option<ast::Conflict>,
}

/// A term of a PRIMARY KEY or UNIQUE constraint of a table.
///
/// # Errors
/// `no such column: x`; expressions.
pub(super) fn key_term(source: &Source<'_>, table: &Table, term: &ast::OrderTerm) -> CompileResult<KeyTerm> {
    let ast = source.ast;
    let (expr, collation) = strip_collate(ast, term.expr);
    let prohibited = || Error::message("expressions prohibited in PRIMARY KEY and UNIQUE constraints");
    let Some((name, quote)) = key_name(ast, expr) else { return Err(prohibited()) };
    let Some(column) = table.find_column(name) else {
        return Err(match quote {
            // A double-quoted name that is no column is a string, and that is an expression.
            ast::Quote::Double => prohibited(),
            _ => Error::message(format!("no such column: {}", lossy(name))),
        });
    };
    if let Some(collation) = &collation {
        source.check_collation(collation)?;
    }
    let descending = term.order == Some(ast::SortOrder::Desc);
    Ok(KeyTerm { column, collation, descending })
}

/// An expression without the COLLATE around it, and the outermost collation.
fn strip_collate(ast: &ast::Ast, expr: ast::ExprId) -> (ast::ExprId, Option<Box<[u8]>>) {
    let mut outer = None;
    let mut expr = expr;
    while let Expr::Collate { operand, collation } = *ast.expr(expr) {
        outer.get_or_insert_with(|| ast.name(collation).into());
        expr = operand;
    }
    (expr, outer)
}

/// Adds the index of a constraint, unless there is one for an equal constraint.
///
/// # Errors
/// `conflicting ON CONFLICT clauses specified`
pub(super) fn add_automatic(source: &Source<'_>, table: &mut Table, key: &Key<'_>) -> CompileResult<()> {
    let number = table.indexes.len() + 1;
    let name = [b"sqlite_autoindex_", &*table.name, format!("_{number}").as_bytes()].concat();
    let mut index = blank(source, table, name.into());
    index.origin = key.origin;
    index.unique = true;
    index.on_conflict = on_conflict(key.conflict);
    index.declared_conflict = key.conflict.map(|conflict| on_conflict(Some(conflict)));
    for term in key.terms {
        let collation = term.collation.clone().or_else(|| table.columns[term.column].collation.clone());
        index.columns.push(IndexColumn::Column(term.column));
        index.collations.push(collation);
        index.descending.push(term.descending && source.file_format >= 4);
    }
    index.key_columns = key.terms.len();
    index.unique_not_null = key.terms.iter().all(|term| is_not_null(table, term.column));
    finish_columns(table, &mut index);
    default_estimates(table, &mut index);
    if let Some(known) = table.indexes.iter_mut().find(|known| same_key(known, &index)) {
        let known = Arc::make_mut(known);
        match (known.declared_conflict, index.declared_conflict) {
            (Some(a), Some(b)) if a != b => {
                return Err(Error::message("conflicting ON CONFLICT clauses specified"));
            }
            (None, Some(conflict)) => {
                known.declared_conflict = Some(conflict);
                known.on_conflict = conflict;
            }
            _ => {}
        }
        if key.origin == IndexOrigin::PrimaryKey {
            known.origin = key.origin;
        }
        order_replaces(table);
        return Ok(());
    }
    add_index(table, Arc::new(index));
    Ok(())
}

/// Adds an index to its table. Those that REPLACE come last in SQLite's order, which is the reverse of ours.
pub fn add_index(table: &mut Table, index: Arc<Index>) {
    table.indexes.push(index);
    order_replaces(table);
}

fn order_replaces(table: &mut Table) {
    table.indexes.sort_by_key(|index| !(index.unique && index.on_conflict == OnConflict::Replace));
}

/// Makes an index of a CREATE INDEX. Names in its expressions are not looked at, but for those of plain columns.
///
/// # Errors
/// `no such column: x`, `no such collation sequence: x`.
pub fn create_index(source: Source<'_>, table: &Table, create: &ast::CreateIndex) -> CompileResult<Index> {
    let ast = source.ast;
    let terms = ast.list(create.columns);
    let mut index = blank(&source, table, ast.name(create.name.name).into());
    index.unique = create.unique;
    index.unique_not_null = create.unique;
    index.filter = create.filter;
    index.sql = Some(Arc::clone(source.sql));
    if terms.len() > source.column_max {
        return Err(Error::message("too many columns in index"));
    }
    for term in terms {
        let (expr, collation) = strip_collate(ast, term.expr);
        let column = key_name(ast, expr).and_then(|(name, quote)| {
            let column = table.find_column(name);
            (column.is_some() || quote != ast::Quote::Double).then_some((column, name))
        });
        let column = match column {
            Some((Some(column), _)) => {
                index.unique_not_null &= is_not_null(table, column);
                IndexColumn::Column(column)
            }
            Some((None, name)) if !source.loading => {
                return Err(Error::message(format!("no such column: {}", lossy(name))));
            }
            _ => {
                index.unique_not_null = false;
                IndexColumn::Expr(expr)
            }
        };
        if let Some(collation) = &collation {
            source.check_collation(collation)?;
        }
        index.collations.push(match column {
            IndexColumn::Column(column) => collation.or_else(|| table.columns[column].collation.clone()),
            _ => collation,
        });
        index.columns.push(column);
        let descending = term.order == Some(ast::SortOrder::Desc);
        index.descending.push(descending && source.file_format >= 4);
    }
    index.key_columns = terms.len();
    finish_columns(table, &mut index);
    default_estimates(table, &mut index);
    let sizes: Vec<u8> = table.columns.iter().map(|column| column.size_estimate).collect();
    estimate_width(&mut index, &sizes);
    Ok(index)
}

fn blank(source: &Source<'_>, table: &Table, name: Box<[u8]>) -> Index {
    Index {
        name,
        table: table.name.clone(),
        db: source.db,
        root: PageNo::ONE,
        origin: IndexOrigin::Created,
        unique: false,
        on_conflict: OnConflict::Abort,
        declared_conflict: None,
        columns: Vec::new(),
        descending: Vec::new(),
        collations: Vec::new(),
        key_columns: 0,
        unique_not_null: false,
        filter: None,
        row_estimates: Vec::new(),
        has_statistics: false,
        unordered: false,
        no_skip_scan: false,
        row_size_estimate: 0,
        sql: None,
        ast: Arc::clone(source.ast),
    }
}

/// Whether a column cannot be NULL: declared so, or the rowid.
fn is_not_null(table: &Table, column: usize) -> bool {
    table.rowid_alias == Some(column) || table.columns[column].not_null.is_some()
}

/// The key became NOT NULL after its index was made (`UNIQUE NOT NULL`).
pub(super) fn note_not_null(index: &mut Index, column: usize) {
    if index.columns.first() == Some(&IndexColumn::Column(column)) {
        index.unique_not_null = true;
    }
}

/// The column got its collation after its index was made (`UNIQUE COLLATE x`).
pub(super) fn note_collation(index: &mut Index, column: usize, collation: &[u8]) {
    if index.columns.first() == Some(&IndexColumn::Column(column)) && index.key_columns == 1 {
        index.collations[0] = Some(collation.into());
    }
}

fn same_key(a: &Index, b: &Index) -> bool {
    a.key_columns == b.key_columns
        && (0..a.key_columns).all(|i| a.columns[i] == b.columns[i] && same_collation(a, i, b, i))
}

fn same_collation(a: &Index, i: usize, b: &Index, j: usize) -> bool {
    let name = |index: &Index, at: usize| -> Box<[u8]> {
        match index.collations.get(at) {
            Some(Some(name)) => name.to_ascii_uppercase().into(),
            _ => b"BINARY".as_slice().into(),
        }
    };
    name(a, i) == name(b, j)
}

/// Appends what makes entries unique.
fn finish_columns(table: &Table, index: &mut Index) {
    let Some(primary) = table.primary_key_index().filter(|_| table.without_rowid).cloned() else {
        index.columns.push(IndexColumn::Rowid);
        index.collations.push(None);
        index.descending.push(false);
        return;
    };
    append_primary_key(index, &primary, true);
}

/// Appends the primary-key columns that are not among the key columns with the same collation.
fn append_primary_key(index: &mut Index, primary: &Index, keep_order: bool) {
    for i in 0..primary.key_columns {
        let is_there = (0..index.key_columns)
            .any(|j| index.columns[j] == primary.columns[i] && same_collation(index, j, primary, i));
        if !is_there {
            index.columns.push(primary.columns[i].clone());
            index.collations.push(primary.collations[i].clone());
            index.descending.push(keep_order && primary.descending[i]);
        }
    }
}

/// Makes the primary key hold the whole row: WITHOUT ROWID.
pub(super) fn cluster(table: &mut Table) {
    let Some(at) = table.indexes.iter().position(|index| index.origin == IndexOrigin::PrimaryKey) else {
        return;
    };
    let mut primary = Index::clone(&table.indexes[at]);
    drop_repeated(&mut primary);
    primary.unique_not_null = true;
    for (i, index) in table.indexes.iter_mut().enumerate() {
        if i == at {
            continue;
        }
        let index = Arc::make_mut(index);
        index.columns.truncate(index.key_columns);
        index.collations.truncate(index.key_columns);
        index.descending.truncate(index.key_columns);
        append_primary_key(index, &primary, false);
    }
    for (i, column) in table.columns.iter().enumerate() {
        let is_virtual = column.generated.is_some_and(|generated| !generated.stored);
        if !is_virtual && !primary.columns.contains(&IndexColumn::Column(i)) {
            primary.columns.push(IndexColumn::Column(i));
            primary.collations.push(column.collation.clone());
            primary.descending.push(false);
        }
    }
    table.indexes[at] = Arc::new(primary);
}

/// Takes repeated columns out of a primary key, and the rowid behind it.
fn drop_repeated(primary: &mut Index) {
    let (mut columns, mut collations, mut descending) = (Vec::new(), Vec::new(), Vec::new());
    for i in 0..primary.key_columns {
        let known = (0..i)
            .any(|j| primary.columns[j] == primary.columns[i] && same_collation(primary, j, primary, i));
        if !known {
            columns.push(primary.columns[i].clone());
            collations.push(primary.collations[i].clone());
            descending.push(primary.descending[i]);
        }
    }
    primary.key_columns = columns.len();
    (primary.columns, primary.collations, primary.descending) = (columns, collations, descending);
}

/// The row estimates of an index without statistics: ten rows for each value of the first column, nine of the first two, …
pub(crate) fn default_estimates(table: &Table, index: &mut Index) {
    const BY_PREFIX: [i16; 5] = [33, 32, 30, 28, 26];
    let mut rows = table.row_estimate.max(99);
    if index.filter.is_some() {
        rows -= 10;
    }
    let mut estimates = Vec::with_capacity(index.key_columns + 1);
    estimates.push(rows);
    for i in 0..index.key_columns {
        estimates.push(BY_PREFIX.get(i).copied().unwrap_or(23));
    }
    if index.unique
        && let Some(last) = estimates.last_mut()
    {
        *last = 0;
    }
    index.row_estimates = estimates;
}

/// The width of an index entry, from those of its columns.
pub(super) fn estimate_width(index: &mut Index, sizes: &[u8]) {
    let width = |column: &IndexColumn| match column {
        IndexColumn::Column(column) => sizes.get(*column).map_or(1, |&size| u64::from(size)),
        IndexColumn::Rowid | IndexColumn::Expr(_) => 1,
    };
    index.row_size_estimate = log_est::from_integer(index.columns.iter().map(width).sum::<u64>() * 4);
}
