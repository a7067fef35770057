//! The resolver, as statements that change rows use it.

use std::sync::Arc;

use kernite_parser::ast::{self, List};
use kernite_vdbe::op::Cursor;
use kernite_vdbe::{Error, Reg};

use crate::bound::{ExprId, OrderTerm, SelectId};
use crate::catalog::Table;
use crate::compile::{CompileResult, Compiler};
use crate::resolve::{self, Excluded, Scope, WithId};

/// Opens the statement's WITH clause. Returns what was in force, for [`pop_with`].
pub fn push_with(c: &mut Compiler<'_>, with: Option<ast::With>) -> CompileResult<Option<WithId>> {
    let saved = c.names.with_in_force();
    if with.is_some() {
        let ast = Arc::clone(&c.ast);
        resolve::push_with(c, &ast, with);
    }
    Ok(saved)
}

/// Closes the statement's WITH clause.
pub fn pop_with(c: &mut Compiler<'_>, saved: Option<WithId>) {
    c.names.set_with_in_force(saved);
}

/// The values of one row: no table is in scope, NEW and OLD are.
pub fn row_values(c: &mut Compiler<'_>, terms: List<ast::ExprId>) -> CompileResult<Vec<ExprId>> {
    let ast = Arc::clone(&c.ast);
    let scope = Scope::default();
    ast.list(terms).iter().map(|&term| resolve::expr(c, &ast, &scope, term)).collect()
}

/// An expression in which only NEW and OLD can be named.
pub fn trigger_expr(c: &mut Compiler<'_>, expr: ast::ExprId) -> CompileResult<ExprId> {
    let ast = Arc::clone(&c.ast);
    resolve::expr(c, &ast, &Scope::default(), expr)
}

/// A SELECT of the statement.
pub fn select(c: &mut Compiler<'_>, select: ast::SelectId) -> CompileResult<SelectId> {
    let ast = Arc::clone(&c.ast);
    resolve::select(c, &ast, select)
}

/// The rows of a table that UPDATE or DELETE looks at: a core whose only FROM item is the table.
pub fn scan(
    c: &mut Compiler<'_>,
    table: &Arc<Table>,
    target: &ast::Target,
    indexed: ast::Indexed,
) -> CompileResult<SelectId> {
    let ast = Arc::clone(&c.ast);
    resolve::target(c, &ast, table, target.alias, indexed)
}

/// The cursor of a scan's table.
pub fn cursor_of(c: &Compiler<'_>, scan: SelectId) -> Cursor {
    c.bound[scan].from.first().map_or(Cursor(0), |item| item.cursor)
}

/// An expression about the rows of a scan.
pub fn scoped(c: &mut Compiler<'_>, scan: SelectId, expr: ast::ExprId) -> CompileResult<ExprId> {
    let ast = Arc::clone(&c.ast);
    let scope = Scope { sources: Some(scan), ..Scope::default() };
    resolve::expr(c, &ast, &scope, expr)
}

/// An expression of DO UPDATE: about the row that is in the way, and `excluded`, whose rowid is in register `first`.
pub fn upserted(
    c: &mut Compiler<'_>,
    scan: SelectId,
    table: &Arc<Table>,
    first: Reg,
    expr: ast::ExprId,
) -> CompileResult<ExprId> {
    let ast = Arc::clone(&c.ast);
    let excluded = Some(Excluded { table: Arc::clone(table), first });
    let scope = Scope { sources: Some(scan), excluded, ..Scope::default() };
    resolve::expr(c, &ast, &scope, expr)
}

/// ORDER BY terms about the rows of a scan.
pub fn order_terms(
    c: &mut Compiler<'_>,
    scan: SelectId,
    terms: List<ast::OrderTerm>,
) -> CompileResult<Vec<OrderTerm>> {
    let ast = Arc::clone(&c.ast);
    let bind = |c: &mut Compiler<'_>, term: &ast::OrderTerm| {
        Ok(OrderTerm {
            expr: scoped(c, scan, term.expr)?,
            descending: term.order == Some(ast::SortOrder::Desc),
            nulls: term.nulls,
            result_column: 0,
        })
    };
    ast.list(terms).iter().map(|term| bind(c, term)).collect()
}

/// Compiles `f` on a statement that the engine writes itself, in the present program.
///
/// # Errors
/// The text has a fault, which is ours.
pub fn with_text<T>(
    c: &mut Compiler<'_>,
    sql: &[u8],
    f: impl FnOnce(&mut Compiler<'_>, &ast::Statement) -> CompileResult<T>,
) -> CompileResult<T> {
    let parsed = parse(sql)?;
    let saved = std::mem::replace(&mut c.ast, Arc::from(parsed.ast));
    let done = f(c, &parsed.statement);
    c.ast = saved;
    done
}

/// Parses a statement that the engine writes itself.
pub fn parse(sql: &[u8]) -> CompileResult<kernite_parser::Parsed> {
    let mut parser = kernite_parser::Parser::default();
    match parser.parse(sql) {
        Ok(Some(parsed)) => Ok(parsed),
        Ok(None) | Err(_) => Err(Error::message("a statement made by the engine is not SQL")),
    }
}

/// Puts a name into SQL text.
pub fn push_quoted(sql: &mut Vec<u8>, name: &[u8]) {
    sql.push(b'"');
    for &byte in name {
        if byte == b'"' {
            sql.push(b'"');
        }
        sql.push(byte);
    }
    sql.push(b'"');
}
