//! How a table's row lies in registers and how its cursors are numbered.
//!
//! A row is `rowid, column, column, …` in storage order. The data cursor is that of the table, or of the primary-key index of a WITHOUT
//! ROWID table; the cursors of indexes follow each other in SQLite's order.
//!
//! Never: conditions on rows; those are `constraint` and `unique`.

use std::sync::Arc;

use kernite_btree::{KeyColumn, KeyInfo};
use kernite_vdbe::op::{AffinityId, Cursor, KeyInfoId, Op, TableId};
use kernite_vdbe::program::{ColumnType, TableColumn, TableLink};
use kernite_vdbe::{Error, Reg};

use super::super::column;
use super::super::state::{Kept, SelfRow};
use crate::bound::{AFFINITY_BLOB, ExprId, ExprKind, SelfContext};
use crate::catalog::{Index, Table, TableKind};
use crate::compile::{CompileResult, Compiler};

/// The affinity letter that changes nothing: of stored generated columns that are not computed yet.
const AFFINITY_UNTOUCHED: u8 = b'@';

/// Places of schema expressions that belong to a table, behind its columns.
const PLACE_DEFAULT: usize = 1 << 20;
const PLACE_CHECK: usize = 1 << 21;

/// Cursors of a table that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableCursors {
    /// Where whole rows are.
    pub data: Cursor,
    pub first_index: Cursor,
}

impl TableCursors {
    /// The cursor of index `at`, in the order of [`indexes`].
    pub fn index(self, at: usize) -> Cursor {
        Cursor(self.first_index.0 + at as u16)
    }
}

/// The indexes of a table in SQLite's order: newest first, those that REPLACE on conflict last.
pub fn indexes(table: &Table) -> impl DoubleEndedIterator<Item = &Arc<Index>> {
    table.indexes.iter().rev()
}

/// The index that is the tree of a WITHOUT ROWID table.
pub fn primary_key(table: &Table) -> Option<&Arc<Index>> {
    table.primary_key_index().filter(|_| table.without_rowid)
}

/// Whether an index is the tree of its table.
pub fn is_primary_key(table: &Table, index: &Arc<Index>) -> bool {
    primary_key(table).is_some_and(|key| Arc::ptr_eq(key, index))
}

/// Whether the table is a view.
pub fn is_view(table: &Table) -> bool {
    matches!(table.kind, TableKind::View { .. })
}

/// Whether it is a virtual table.
pub fn is_virtual(table: &Table) -> bool {
    matches!(table.kind, TableKind::Virtual { .. })
}

/// Whether the table has rowids (views have: their rows are kept in an ephemeral table).
pub fn has_rowid(table: &Table) -> bool {
    !table.without_rowid
}

/// How many columns the record of a row has.
pub fn stored_count(table: &Table) -> u32 {
    (0..table.columns.len()).filter(|&at| !column::is_virtual(table, at)).count() as u32
}

/// Register of a column of a row that begins at `row`.
pub fn column_reg(table: &Table, row: Reg, at: usize) -> Reg {
    row.plus(1 + column::storage_place(table, at) as u32)
}

/// Register of the value that column `at` has: for the rowid's alias that of the rowid.
pub fn value_reg(table: &Table, row: Reg, at: usize) -> Reg {
    if table.rowid_alias == Some(at) { row } else { column_reg(table, row, at) }
}

/// Affinity letters of the stored columns, without those at the end that change nothing.
fn stored_affinities(table: &Table) -> Vec<u8> {
    let stored = (0..table.columns.len()).filter(|&at| !column::is_virtual(table, at));
    let mut letters: Vec<u8> = stored.map(|at| table.columns[at].affinity).collect();
    while letters.last().is_some_and(|&letter| letter <= AFFINITY_BLOB) {
        letters.pop();
    }
    letters
}

/// Applies the columns' affinities to the row whose first column is in `first`; in a STRICT table, checks the types.
pub fn apply_affinity(c: &mut Compiler<'_>, table: &Arc<Table>, first: Reg) {
    affinity(c, table, first, false);
}

fn affinity(c: &mut Compiler<'_>, table: &Arc<Table>, first: Reg, generated_pending: bool) {
    if table.strict {
        let count = stored_count(table);
        let link = strict_link(c, table);
        let has_stored = table.columns.iter().any(|column| column.generated.is_some_and(|it| it.stored));
        let check_generated = !(generated_pending && has_stored);
        c.emit(Op::TypeCheck { first, count, table: link, check_generated, only: 0 });
        return;
    }
    let mut letters = stored_affinities(table);
    if letters.is_empty() {
        return;
    }
    if generated_pending {
        for (at, column) in table.columns.iter().enumerate() {
            if column.generated.is_some_and(|generated| generated.stored)
                && let Some(letter) = letters.get_mut(column::storage_place(table, at))
            {
                *letter = AFFINITY_UNTOUCHED;
            }
        }
    }
    let affinities = c.builder.affinity(&letters);
    c.emit(Op::Affinity { first, count: letters.len() as u32, affinities });
}

/// Makes the table's record of the row. `affinity_done`: the columns have their affinities already.
pub fn make_record(c: &mut Compiler<'_>, table: &Arc<Table>, row: Reg, out: Reg, affinity_done: bool) {
    let first = row.plus(1);
    let count = stored_count(table);
    let mut affinities = AffinityId(0);
    if !affinity_done {
        if table.strict {
            apply_affinity(c, table, first);
        } else {
            let letters = stored_affinities(table);
            if !letters.is_empty() {
                affinities = c.builder.affinity(&letters);
            }
        }
    }
    c.emit(Op::MakeRecord { first, count, out, affinities });
}

/// Names a table in the program.
pub fn table_link(c: &mut Compiler<'_>, table: &Table) -> TableId {
    let name = String::from_utf8_lossy(&table.name).into_owned();
    c.builder.table(table.db, &name)
}

/// Names a STRICT table with the types of its columns.
fn strict_link(c: &mut Compiler<'_>, table: &Table) -> TableId {
    let text = |bytes: &[u8]| -> Box<str> { String::from_utf8_lossy(bytes).into() };
    let columns = table.columns.iter().map(|column| {
        let name = column.declared_type.as_deref().unwrap_or_default();
        let is = |word: &str| name.eq_ignore_ascii_case(word.as_bytes());
        let column_type = if is("INT") || is("INTEGER") {
            ColumnType::Integer
        } else if is("REAL") {
            ColumnType::Real
        } else if is("TEXT") {
            ColumnType::Text
        } else if is("BLOB") {
            ColumnType::Blob
        } else {
            ColumnType::Any
        };
        TableColumn {
            name: text(&column.name),
            column_type,
            type_name: text(&name.to_ascii_uppercase()),
            virtual_generated: column.generated.is_some_and(|generated| !generated.stored),
            stored_generated: column.generated.is_some_and(|generated| generated.stored),
        }
    });
    let link = TableLink { db: table.db, name: text(&table.name), columns: columns.collect() };
    c.builder.table_with_columns(link)
}

/// Codes `f` while the columns of the table's own expressions are read from the row in registers.
pub fn with_row<T>(
    c: &mut Compiler<'_>,
    table: &Arc<Table>,
    row: Reg,
    f: impl FnOnce(&mut Compiler<'_>) -> CompileResult<T>,
) -> CompileResult<T> {
    let identity = Arc::as_ptr(table) as usize;
    let generated = (0..table.columns.len()).filter(|&at| table.columns[at].generated.is_some());
    let computed = generated.map(|at| (identity, at)).collect();
    let saved_row = std::mem::replace(&mut c.codegen.self_row, SelfRow::Registers(row));
    let saved_columns = std::mem::replace(&mut c.codegen.computed_columns, computed);
    let coded = f(c);
    c.codegen.self_row = saved_row;
    c.codegen.computed_columns = saved_columns;
    coded
}

/// Codes `f` while the columns of the table's own expressions are read from a cursor.
pub fn with_cursor<T>(
    c: &mut Compiler<'_>,
    cursor: Cursor,
    f: impl FnOnce(&mut Compiler<'_>) -> CompileResult<T>,
) -> CompileResult<T> {
    let saved = std::mem::replace(&mut c.codegen.self_row, SelfRow::Cursor(cursor));
    let coded = f(c);
    c.codegen.self_row = saved;
    coded
}

/// Computes the generated columns of a row whose other columns are there. A column is computed after those that it depends on.
pub fn compute_generated(c: &mut Compiler<'_>, table: &Arc<Table>, row: Reg) -> CompileResult<()> {
    affinity(c, table, row.plus(1), true);
    let identity = Arc::as_ptr(table) as usize;
    let mut pending: Vec<usize> =
        (0..table.columns.len()).filter(|&at| table.columns[at].generated.is_some()).collect();
    let saved_row = std::mem::replace(&mut c.codegen.self_row, SelfRow::Registers(row));
    let saved_columns = std::mem::take(&mut c.codegen.computed_columns);
    let mut outcome = Ok(());
    while !pending.is_empty() && outcome.is_ok() {
        let before = pending.len();
        let mut left = Vec::new();
        for (place, &at) in pending.iter().enumerate() {
            let step = column::generated_expr(c, table, at).and_then(|expr| {
                let waits = |at: usize| left.contains(&at) || pending[place..].contains(&at);
                if mentions_column(c, expr, waits) {
                    return Ok(false);
                }
                column::compute_generated(c, table, at, column_reg(table, row, at)).map(|()| true)
            });
            match step {
                Ok(true) => c.codegen.computed_columns.push((identity, at)),
                Ok(false) => left.push(at),
                Err(error) => {
                    outcome = Err(error);
                    break;
                }
            }
        }
        if outcome.is_ok() && left.len() == before {
            let last = left.last().map_or(&b""[..], |&at| &table.columns[at].name);
            let name = String::from_utf8_lossy(last);
            outcome = Err(Error::message(format!("generated column loop on \"{name}\"")));
        }
        pending = left;
    }
    c.codegen.self_row = saved_row;
    c.codegen.computed_columns = saved_columns;
    outcome
}

/// Whether a schema expression of a table mentions a column for which `test` holds.
fn mentions_column(c: &Compiler<'_>, expr: ExprId, test: impl Fn(usize) -> bool) -> bool {
    c.bound.any_below(expr, &mut |bound, expr| match &bound[expr].kind {
        ExprKind::SelfColumn { column, .. } => usize::try_from(*column).is_ok_and(&test),
        _ => false,
    })
}

/// The bound expression of CHECK constraint `at`.
pub fn check_expr(c: &mut Compiler<'_>, table: &Arc<Table>, at: usize) -> CompileResult<ExprId> {
    let expr = table.checks[at].expr;
    schema_expr(c, table, PLACE_CHECK + at, expr, SelfContext::Check)
}

/// The bound DEFAULT of a column; NULL where it has none.
pub fn default_expr(c: &mut Compiler<'_>, table: &Arc<Table>, at: usize) -> CompileResult<ExprId> {
    match table.columns[at].default {
        Some(default) => schema_expr(c, table, PLACE_DEFAULT + at, default.expr, SelfContext::Default),
        None => Ok(c.bound.expr(ExprKind::Null)),
    }
}

fn schema_expr(
    c: &mut Compiler<'_>,
    table: &Arc<Table>,
    place: usize,
    expr: kernite_parser::ast::ExprId,
    kind: SelfContext,
) -> CompileResult<ExprId> {
    let key = (Arc::as_ptr(table) as usize, place);
    if let Some(&known) = c.codegen.schema_exprs.get(&key) {
        return Ok(known);
    }
    let ast = Arc::clone(&table.ast);
    let bound = crate::resolve::expr_for_table(c, &ast, expr, table, kind)?;
    c.codegen.schema_exprs.insert(key, bound);
    c.codegen.kept.push(Kept::Table(Arc::clone(table)));
    Ok(bound)
}

/// How a table and its indexes are opened.
#[derive(Clone, Copy, Debug, Default)]
pub struct Opening<'a> {
    /// For reading only.
    pub read: bool,
    /// The rows are going to be deleted.
    pub for_delete: bool,
    /// Number of the table's cursor, the indexes' behind it; new numbers where it is `None`.
    pub first: Option<Cursor>,
    /// Which to open, the table first; all where it is `None`.
    pub wanted: Option<&'a [bool]>,
}

/// Opens a table and its indexes.
pub fn open_table_and_indexes(
    c: &mut Compiler<'_>,
    table: &Arc<Table>,
    opening: Opening<'_>,
) -> CompileResult<TableCursors> {
    let count = table.indexes.len();
    let base = match opening.first {
        Some(first) => first,
        None => c.builder.alloc_cursors(u16::try_from(count + 1).unwrap_or(u16::MAX)),
    };
    let wanted = |at: usize| opening.wanted.is_none_or(|wanted| wanted.get(at).copied().unwrap_or(false));
    let mut cursors = TableCursors { data: base, first_index: Cursor(base.0 + 1) };
    let mut for_delete = opening.for_delete;
    if has_rowid(table) && wanted(0) {
        if opening.read {
            column::open_read(c, base, table, None)?;
        } else {
            column::open_write(c, base, table, for_delete)?;
        }
    }
    for (at, index) in indexes(table).enumerate() {
        let cursor = cursors.index(at);
        if is_primary_key(table, index) {
            cursors.data = cursor;
            for_delete = false;
        }
        if wanted(at + 1) {
            open_index(c, index, cursor, opening.read, for_delete)?;
        }
    }
    Ok(cursors)
}

/// Opens one index.
pub fn open_index(
    c: &mut Compiler<'_>,
    index: &Arc<Index>,
    cursor: Cursor,
    read: bool,
    for_delete: bool,
) -> CompileResult<()> {
    let key = c.index_key(index)?;
    let columns = u16::try_from(index.columns.len()).unwrap_or(u16::MAX);
    let tree = c.builder.tree(index.db, index.root.get(), Some(key));
    if read {
        c.emit(Op::OpenRead { cursor, tree, columns, seek_equal: false });
    } else {
        c.emit(Op::OpenWrite { cursor, tree, columns, for_delete });
    }
    Ok(())
}

/// Keys of ephemeral tables.
impl Compiler<'_> {
    /// Links the key of an ephemeral index that holds primary keys, with `extra` columns behind that do not count.
    pub fn primary_key_info(&mut self, primary: &Arc<Index>, extra: usize) -> CompileResult<KeyInfoId> {
        let whole = self.index_key(primary)?;
        let count = primary.key_columns;
        let mut columns = whole.columns.clone();
        columns.resize_with(count + extra, KeyColumn::default);
        Ok(self.link_key(KeyInfo { encoding: whole.encoding, columns, key_column_count: count }))
    }
}
