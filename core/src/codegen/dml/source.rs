//! Where the rows of an INSERT come from.
//!
//! One row of values is coded in place. More rows, and SELECTs, are a co-routine that leaves each row in registers; where rows must not be
//! inserted while the SELECT still runs, they are buffered in an ephemeral table first.

use std::sync::Arc;

use kernite_parser::ast::{self, CoreBody, InsertSource, List};
use kernite_vdbe::op::{AffinityId, Cursor, KeyInfoId, Op, TableId, WriteFlags};
use kernite_vdbe::{Addr, Reg};

use super::super::expr;
use super::{names, query, row};
use crate::bound::ExprId;
use crate::catalog::Table;
use crate::compile::{CompileResult, Compiler};

/// A co-routine that yields rows.
#[derive(Clone, Copy, Debug)]
pub struct Coroutine {
    pub yield_reg: Reg,
    /// First register of a row, and how many there are.
    pub first: Reg,
    pub count: usize,
}

/// Where rows come from.
#[derive(Debug)]
pub enum Rows {
    /// One row of expressions.
    Values(Vec<ExprId>),
    /// DEFAULT VALUES.
    Defaults,
    Coroutine(Coroutine),
    /// Rows in an ephemeral table.
    Buffered {
        cursor: Cursor,
        count: usize,
    },
}

impl Rows {
    /// How many values a row has.
    pub fn count(&self) -> usize {
        match self {
            Rows::Values(values) => values.len(),
            Rows::Defaults => 0,
            Rows::Coroutine(rows) => rows.count,
            Rows::Buffered { count, .. } => *count,
        }
    }
}

/// The rows of a statement whose source is VALUES and nothing else.
fn value_rows(ast: &ast::Ast, id: ast::SelectId) -> Option<List<ast::Row>> {
    let select = &ast[id];
    let plain = select.with.is_none() && select.order_by.is_empty() && select.limit.is_none();
    match ast.list(select.cores) {
        [ast::Core { body: CoreBody::Values(rows), .. }] if plain => Some(*rows),
        _ => None,
    }
}

/// The SELECT that rows come from; `None` for one row of values, and for DEFAULT VALUES.
pub fn select_of(c: &Compiler<'_>, statement: &ast::Insert) -> Option<ast::SelectId> {
    match statement.source {
        InsertSource::DefaultValues => None,
        InsertSource::Select(id) => match value_rows(&c.ast, id) {
            Some(rows) if rows.len() == 1 => None,
            _ => Some(id),
        },
    }
}

/// The bound expressions of a single row of values.
pub fn bind_row(c: &mut Compiler<'_>, id: ast::SelectId) -> CompileResult<Vec<ExprId>> {
    let ast = Arc::clone(&c.ast);
    let Some(rows) = value_rows(&ast, id) else { return Ok(Vec::new()) };
    match ast.list(rows) {
        [row] => names::row_values(c, row.terms),
        _ => Ok(Vec::new()),
    }
}

/// Codes several rows of constants as a co-routine. `None`: the source is something else.
pub fn code_values(
    c: &mut Compiler<'_>,
    statement: &ast::Insert,
    select: Option<ast::SelectId>,
) -> CompileResult<Option<Coroutine>> {
    let ast = Arc::clone(&c.ast);
    let Some(rows) = select.and_then(|id| value_rows(&ast, id)) else { return Ok(None) };
    let rows = ast.list(rows);
    let Some(first_row) = rows.first() else { return Ok(None) };
    if statement.with.is_some() || !c.is_top_level() || !crate::resolve::is_one_group(&ast, c.functions, rows)
    {
        return Ok(None);
    }
    let yield_reg = c.reg();
    let count = first_row.terms.len();
    // Two registers in front: rowid, and what a virtual table wants before it, so that the row can be used where it is.
    let first = c.builder.alloc_regs(count as u32 + 2).plus(2);
    // As many again are never used: so it is in SQLite's program, whose register numbers show.
    c.builder.alloc_regs(count as u32);
    let begin = begin_coroutine(c, yield_reg);
    for row in rows {
        for (at, value) in names::row_values(c, row.terms)?.into_iter().enumerate() {
            expr::code(c, value, first.plus(at as u32))?;
        }
        c.emit(Op::Yield { co: yield_reg, done: Addr(0) });
    }
    end_coroutine(c, yield_reg, begin);
    c.explain(|_| format!("SCAN {}-ROW VALUES CLAUSE", rows.len()));
    Ok(Some(Coroutine { yield_reg, first, count }))
}

/// Codes a SELECT as a co-routine. `first`: where its rows should be left, with room for `width` columns.
pub fn code_select(
    c: &mut Compiler<'_>,
    id: ast::SelectId,
    first: Option<Reg>,
    width: usize,
) -> CompileResult<Coroutine> {
    let bound = names::select(c, id)?;
    let yield_reg = c.reg();
    let begin = begin_coroutine(c, yield_reg);
    let (first, count) = query::coroutine(c, bound, yield_reg, first, width)?;
    end_coroutine(c, yield_reg, begin);
    Ok(Coroutine { yield_reg, first, count })
}

fn begin_coroutine(c: &mut Compiler<'_>, co: Reg) -> Addr {
    let start = Addr(c.here().0 + 1);
    c.emit(Op::InitCoroutine { co, after: Addr(0), start })
}

fn end_coroutine(c: &mut Compiler<'_>, co: Reg, begin: Addr) {
    c.emit(Op::EndCoroutine { co });
    c.builder.clear_temps();
    c.jump_here(begin);
}

/// Runs the co-routine to its end and keeps its rows in an ephemeral table.
pub fn buffer(c: &mut Compiler<'_>, rows: Coroutine) -> Cursor {
    let cursor = c.cursor();
    let record = c.builder.temp_reg();
    let rowid = c.builder.temp_reg();
    let columns = u16::try_from(rows.count).unwrap_or(u16::MAX);
    c.emit(Op::OpenEphemeral { cursor, columns, key: KeyInfoId(0), unordered: false });
    let top = c.emit(Op::Yield { co: rows.yield_reg, done: Addr(0) });
    let count = rows.count as u32;
    c.emit(Op::MakeRecord { first: rows.first, count, out: record, affinities: AffinityId(0) });
    c.emit(Op::NewRowid { cursor, out: rowid, previous: Reg(0) });
    c.emit(Op::Insert { cursor, record, rowid, table: TableId(0), flags: WriteFlags::default() });
    c.goto(top);
    c.jump_here(top);
    c.builder.release_temp(record);
    c.builder.release_temp(rowid);
    cursor
}

/// Whether the program so far reads the table or one of its indexes.
pub fn reads_table(c: &Compiler<'_>, table: &Table) -> bool {
    let roots = |root: u32| {
        table.root.is_some_and(|own| own.get() == root)
            || row::indexes(table).any(|index| index.root.get() == root)
    };
    let name = |at| c.builder.vtab_at(at).is_some_and(|link| link.name.as_bytes() == &*table.name);
    c.builder.ops().iter().any(|op| match op {
        Op::OpenRead { tree, .. } => {
            c.builder.tree_at(*tree).is_some_and(|tree| tree.db == table.db && roots(tree.root))
        }
        Op::VOpen { vtab, .. } => row::is_virtual(table) && name(*vtab),
        _ => false,
    })
}
