//! Reading columns: from a cursor, from an index, from registers; generated columns computed on the way.
//!
//! A table column's number is not its place in the record: virtual generated columns are not stored, and a WITHOUT ROWID table keeps its
//! columns in the order of its primary-key index.

use std::sync::Arc;

use kernite_vdbe::op::{Cursor, Op};
use kernite_vdbe::{Error, Reg};

use super::expr;
use super::state::{Kept, SelfRow};
use crate::bound::{AFFINITY_REAL, AFFINITY_TEXT, ExprId, SelfContext};
use crate::catalog::{Index, IndexColumn, Table, TableKind};
use crate::compile::{CompileResult, Compiler};

/// What a column read is needed for: the machine then may leave the value on its pages.
pub const HINT_NONE: u8 = 0;
/// Only its length.
pub const HINT_LENGTH: u8 = 1;
/// Only its type.
pub const HINT_TYPE: u8 = 2;

/// Number of an index column: a table column, the rowid or an expression.
pub const ROWID: i16 = -1;
pub const EXPR: i16 = -2;

/// Whether a column is computed whenever it is read.
pub fn is_virtual(table: &Table, column: usize) -> bool {
    table
        .columns
        .get(column)
        .is_some_and(|column| column.generated.is_some_and(|generated| !generated.stored))
}

/// Place of a column in the record of a rowid table. Virtual columns, which have none, are numbered behind the stored ones.
pub fn storage_place(table: &Table, column: usize) -> usize {
    if !table.has_generated {
        return column;
    }
    let stored_before = (0..column).filter(|&at| !is_virtual(table, at)).count();
    if is_virtual(table, column) {
        let stored = (0..table.columns.len()).filter(|&at| !is_virtual(table, at)).count();
        stored + column - stored_before
    } else {
        stored_before
    }
}

/// The column at a place of the record: the inverse of [`storage_place`].
pub fn column_at_place(table: &Table, place: usize) -> usize {
    if !table.has_generated {
        return place;
    }
    (0..table.columns.len()).find(|&column| storage_place(table, column) == place).unwrap_or(place)
}

/// The number of index column `at`; see [`ROWID`] and [`EXPR`].
pub fn index_column(index: &Index, at: usize) -> i16 {
    match index.columns.get(at) {
        Some(IndexColumn::Column(column)) => i16::try_from(*column).unwrap_or(i16::MAX),
        Some(IndexColumn::Rowid) => ROWID,
        Some(IndexColumn::Expr(_)) | None => EXPR,
    }
}

/// Where an index keeps a table column (or the rowid).
pub fn place_in_index(index: &Index, column: i16) -> Option<usize> {
    (0..index.columns.len()).find(|&at| index_column(index, at) == column)
}

/// Whether an index is the tree of a WITHOUT ROWID table itself.
pub fn is_primary_key(index: &Index) -> bool {
    index.origin == crate::catalog::IndexOrigin::PrimaryKey
}

/// Whether an index column holds an expression.
pub fn has_expr(index: &Index) -> bool {
    index.columns.iter().any(|column| matches!(column, IndexColumn::Expr(_)))
}

/// The affinity of an index column, as it is stored.
pub fn index_affinity(
    c: &mut Compiler<'_>,
    table: &Arc<Table>,
    index: &Arc<Index>,
    at: usize,
) -> CompileResult<u8> {
    let affinity = match index_column(index, at) {
        ROWID => crate::bound::AFFINITY_INTEGER,
        EXPR => {
            let expr = index_expr(c, table, index, at)?;
            c.bound.affinity(expr)
        }
        column => table.column_affinity(column),
    };
    Ok(affinity.clamp(crate::bound::AFFINITY_BLOB, crate::bound::AFFINITY_NUMERIC))
}

/// Affinity letters of the whole record of an index.
pub fn index_affinities(
    c: &mut Compiler<'_>,
    table: &Arc<Table>,
    index: &Arc<Index>,
) -> CompileResult<Vec<u8>> {
    (0..index.columns.len()).map(|at| index_affinity(c, table, index, at)).collect()
}

/// Opens a table for reading. `columns` is how many it has, or how many are looked at.
pub fn open_read(
    c: &mut Compiler<'_>,
    cursor: Cursor,
    table: &Arc<Table>,
    columns: Option<u16>,
) -> CompileResult<()> {
    let (tree, count) = table_tree(c, table)?;
    let columns = columns.unwrap_or(count);
    c.emit(Op::OpenRead { cursor, tree, columns, seek_equal: false });
    Ok(())
}

/// Opens a table for writing.
pub fn open_write(
    c: &mut Compiler<'_>,
    cursor: Cursor,
    table: &Arc<Table>,
    for_delete: bool,
) -> CompileResult<()> {
    let (tree, columns) = table_tree(c, table)?;
    c.emit(Op::OpenWrite { cursor, tree, columns, for_delete });
    Ok(())
}

fn table_tree(c: &mut Compiler<'_>, table: &Arc<Table>) -> CompileResult<(kernite_vdbe::op::TreeId, u16)> {
    let Some(root) = table.root else {
        return Err(Error::message("a table without a root page was opened"));
    };
    let (key, columns) = match table.primary_key_index().filter(|_| table.without_rowid) {
        Some(index) => {
            let index = Arc::clone(index);
            (Some(c.index_key(&index)?), index.columns.len())
        }
        None => {
            let stored = (0..table.columns.len()).filter(|&at| !is_virtual(table, at)).count();
            (None, stored)
        }
    };
    let tree = c.builder.tree(table.db, root.get(), key);
    Ok((tree, u16::try_from(columns).unwrap_or(u16::MAX)))
}

/// Reads a column of the cursor's row into `out`.
pub fn read(
    c: &mut Compiler<'_>,
    table: &Arc<Table>,
    cursor: Cursor,
    column: i16,
    out: Reg,
    hint: u8,
) -> CompileResult<()> {
    let Some(at) = usize::try_from(column).ok().filter(|&at| table.rowid_alias != Some(at)) else {
        c.emit(Op::Rowid { cursor, out });
        return Ok(());
    };
    if matches!(table.kind, TableKind::Virtual { .. }) {
        c.emit(Op::VColumn { cursor, column: column as u16, out, no_change: false });
        return Ok(());
    }
    if is_virtual(table, at) {
        let saved = std::mem::replace(&mut c.codegen.self_row, SelfRow::Cursor(cursor));
        let done = compute_generated(c, table, at, out);
        c.codegen.self_row = saved;
        return done;
    }
    let place = match table.primary_key_index().filter(|_| table.without_rowid) {
        Some(key) => place_in_index(key, column).unwrap_or(at),
        None => storage_place(table, at),
    };
    let default = super::expr::default_constant(c, table, at)?;
    let place = u16::try_from(place).unwrap_or(u16::MAX);
    c.emit(Op::Column { cursor, column: place, out, default, hint });
    if table.columns[at].affinity == AFFINITY_REAL {
        c.emit(Op::RealAffinity { value: out });
    }
    Ok(())
}

/// Computes a generated column of the present self row into `out`.
pub fn compute_generated(c: &mut Compiler<'_>, table: &Arc<Table>, at: usize, out: Reg) -> CompileResult<()> {
    let under_way = (Arc::as_ptr(table) as usize, at);
    let column = &table.columns[at];
    if c.codegen.columns_under_way.contains(&under_way) {
        let name = String::from_utf8_lossy(&column.name);
        return Err(Error::message(format!("generated column loop on \"{name}\"")));
    }
    c.codegen.columns_under_way.push(under_way);
    let null_row = match c.codegen.self_row {
        SelfRow::Cursor(cursor) => {
            let done = c.label();
            c.emit(Op::IfNullRow { cursor, to: done, out });
            Some(done)
        }
        _ => None,
    };
    let value = generated_expr(c, table, at)?;
    expr::code_copy(c, value, out)?;
    if is_virtual(table, at) && table.strict {
        expr::type_check(c, table, at, out);
    } else if column.affinity >= AFFINITY_TEXT {
        let affinities = c.builder.affinity(&[column.affinity]);
        c.emit(Op::Affinity { first: out, count: 1, affinities });
    }
    if let Some(done) = null_row {
        c.bind(done);
    }
    c.codegen.columns_under_way.pop();
    Ok(())
}

/// The bound expression of a generated column, in terms of the self row.
pub fn generated_expr(c: &mut Compiler<'_>, table: &Arc<Table>, at: usize) -> CompileResult<ExprId> {
    let key = (Arc::as_ptr(table) as usize, at);
    if let Some(&known) = c.codegen.schema_exprs.get(&key) {
        return Ok(known);
    }
    let Some(generated) = table.columns.get(at).and_then(|column| column.generated) else {
        return Err(Error::message("a column that is not generated was computed"));
    };
    let ast = Arc::clone(&table.ast);
    let expr = crate::resolve::expr_for_table(c, &ast, generated.expr, table, SelfContext::Generated)?;
    c.codegen.schema_exprs.insert(key, expr);
    c.codegen.kept.push(Kept::Table(Arc::clone(table)));
    Ok(expr)
}

/// The bound expression of index column `at`, in terms of the self row.
pub fn index_expr(
    c: &mut Compiler<'_>,
    table: &Arc<Table>,
    index: &Arc<Index>,
    at: usize,
) -> CompileResult<ExprId> {
    let key = (Arc::as_ptr(index) as usize, at);
    if let Some(&known) = c.codegen.schema_exprs.get(&key) {
        return Ok(known);
    }
    let Some(IndexColumn::Expr(expr)) = index.columns.get(at) else {
        return Err(Error::message("an index column that is no expression was computed"));
    };
    let ast = Arc::clone(&index.ast);
    let expr = crate::resolve::expr_for_table(c, &ast, *expr, table, SelfContext::IndexExpr)?;
    c.codegen.schema_exprs.insert(key, expr);
    c.codegen.kept.push(Kept::Index(Arc::clone(index)));
    Ok(expr)
}

/// The bound WHERE of a partial index, in terms of the self row.
pub fn index_filter(
    c: &mut Compiler<'_>,
    table: &Arc<Table>,
    index: &Arc<Index>,
) -> CompileResult<Option<ExprId>> {
    let Some(filter) = index.filter else { return Ok(None) };
    let key = (Arc::as_ptr(index) as usize, usize::MAX);
    if let Some(&known) = c.codegen.schema_exprs.get(&key) {
        return Ok(Some(known));
    }
    let ast = Arc::clone(&index.ast);
    let expr = crate::resolve::expr_for_table(c, &ast, filter, table, SelfContext::PartialIndex)?;
    c.codegen.schema_exprs.insert(key, expr);
    c.codegen.kept.push(Kept::Index(Arc::clone(index)));
    Ok(Some(expr))
}

/// Computes column `at` of an index from the table's row under `cursor`.
pub fn load_index_column(
    c: &mut Compiler<'_>,
    table: &Arc<Table>,
    index: &Arc<Index>,
    cursor: Cursor,
    at: usize,
    out: Reg,
) -> CompileResult<()> {
    match index_column(index, at) {
        EXPR => {
            let value = index_expr(c, table, index, at)?;
            let saved = std::mem::replace(&mut c.codegen.self_row, SelfRow::Cursor(cursor));
            let done = expr::code_copy(c, value, out);
            c.codegen.self_row = saved;
            done
        }
        column => read(c, table, cursor, column, out, HINT_NONE),
    }
}
