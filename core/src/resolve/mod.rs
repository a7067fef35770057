//! Names to ids: the syntax tree becomes the bound tree.
//!
//! ```text
//! SELECT ──expand──> cores with FROM items, cursors, `*` written out   (every table of the statement is looked up first)
//!        ──resolve─> expressions with columns and functions             (then every name)
//! ```
//!
//! Two passes over the whole statement and not one, because errors have an order: a missing table anywhere in the statement is
//! reported before a missing column. The order of everything else (last core of a compound first, LIMIT before FROM subqueries before
//! result columns before WHERE…) is SQLite's too: error texts, authorizer calls and the numbers of cursors depend on it.
//!
//! What an expanded core waits for stands in [`Names`] until it is resolved: its syntax tree, WITH clauses in force, and the expanded
//! subqueries of its expressions.
//!
//! Rooms: `number` (numbers of SELECTs), `expand` (SELECT to cores), `from` (FROM items), `cte` (WITH), `join` (ON, USING, NATURAL),
//! `star` (`*`, names of a subquery's columns), `context` (what names can mean where), `lookup` (columns), `expr` (expressions),
//! `function` and `window` (calls), `select` (names in a SELECT), `order_by`, `result` (names and types of the result), `recording` (what names meant), `api` (what the
//! other rooms call).
//!
//! Never: storage, plans, instructions.

mod api;
mod context;
mod cte;
mod expand;
mod expr;
mod from;
mod function;
mod join;
mod lookup;
mod number;
mod order_by;
mod recording;
mod result;
mod select;
mod star;
#[cfg(test)]
mod tests;
mod values;
mod window;

use std::sync::Arc;

use kernite_io::HashMap;
use kernite_parser::ast::{self, Ast, List};
use kernite_vdbe::op::Cursor;

use crate::bound::{ExprId, SelectId};
use crate::compile::Compiler;

pub use api::{
    Excluded, Scope, expr, expr_for_table, from_clause, push_with, returning_columns, select,
    subquery_columns, target, view_table,
};
pub use cte::WithId;
pub(crate) use number::count_selects;
pub use result::result_columns;
pub(crate) use values::is_one_group;

use cte::With;
pub(crate) use recording::Recording;

/// What the resolver keeps between its passes and calls.
#[derive(Default)]
pub struct Names {
    /// WITH clauses seen; each knows the one around it.
    withs: Vec<With>,
    /// The innermost WITH clause in force.
    with: Option<WithId>,
    /// Cores that are expanded but not resolved.
    pending: HashMap<SelectId, Pending>,
    /// Result columns of parenthesised joins, whose tables can be named from outside.
    nested_from: HashMap<SelectId, Vec<NestedName>>,
    /// Recursive tables and the FROM items outside that own their columns.
    recursive: Vec<(Cursor, Cursor)>,
    /// Views whose bodies are being expanded, outermost first.
    views: Vec<Arc<crate::catalog::Table>>,
    /// How often tables are used inside views, by address: views of views double with every level.
    references: HashMap<usize, u32>,
    /// The first window function of each core that has one.
    first_windows: Vec<(SelectId, ExprId)>,
    /// How deep in subqueries, views and common table expressions.
    depth: usize,
    /// Numbers of SELECTs by core index, for each syntax tree that is numbered.
    numbers: number::Numbers,
    /// What names mean is written down.
    pub(crate) recording: Option<Recording>,
}

impl Names {
    /// The innermost WITH clause in force.
    pub fn with_in_force(&self) -> Option<WithId> {
        self.with
    }

    /// Goes back to a WITH clause that was in force before.
    pub fn set_with_in_force(&mut self, with: Option<WithId>) {
        self.with = with;
    }
}

/// A core that is expanded: its FROM items and columns are known, its expressions wait.
struct Pending {
    env: Env,
    columns: Vec<PendingColumn>,
    /// WHERE, then what joins add, in order.
    filter: Vec<Condition>,
    group_by: List<ast::ExprId>,
    having: Option<ast::ExprId>,
    windows: List<ast::Window>,
    order_by: List<ast::OrderTerm>,
    limit: Option<ast::Limit>,
    /// Arguments of table-valued functions, by FROM item.
    function_arguments: Vec<(usize, List<ast::ExprId>)>,
    /// More rows of a VALUES clause than `columns` holds.
    rows: Vec<List<ast::ExprId>>,
    /// An ON clause was moved into the WHERE clause: it must not look to its right.
    on_to_where: bool,
}

/// Where expressions come from: their tree and what is in force around them.
#[derive(Clone)]
struct Env {
    ast: Arc<Ast>,
    with: Option<WithId>,
    /// From a stored schema text: positions mean nothing to the user, and some functions are not trusted.
    from_schema: bool,
    /// The database that unqualified names of a stored text are looked for in: that of the view or trigger (`fixedSchema`).
    fixed_database: Option<Arc<[u8]>>,
    /// Subqueries in expressions, expanded with the core, by index of the `Select` or `Source` node.
    nested: HashMap<NestedKey, SelectId>,
}

/// A SELECT inside an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum NestedKey {
    /// Node of `Ast`'s selects.
    Select(usize),
    /// `IN table`: node of `Ast`'s sources.
    Table(usize),
    /// `IN ((1, 2), (3, 4))`: node of the IN expression.
    Rows(usize),
}

/// A term of a WHERE clause before its names are resolved.
enum Condition {
    /// WHERE itself.
    Where(ast::ExprId),
    /// ON, with the cursor of the item right of it.
    On { expr: ast::ExprId, cursor: Cursor, outer: bool },
    /// An equality made for USING.
    Using(ExprId),
}

/// A result column before its names are resolved.
struct PendingColumn {
    kind: PendingColumnKind,
    alias: Option<Box<[u8]>>,
    span: Option<ast::Span>,
    from_star: bool,
}

enum PendingColumnKind {
    /// As written.
    Expr(ast::ExprId),
    /// From a star: `[[database.]table.]column`, looked up as if it had been written.
    Name { database: Option<Box<[u8]>>, table: Option<Box<[u8]>>, column: Box<[u8]> },
}

/// What a result column of a parenthesised join is called from outside.
#[derive(Clone, Debug)]
struct NestedName {
    /// `*` for a subquery; empty for a merged column, which has no table.
    database: Box<[u8]>,
    table: Box<[u8]>,
    column: Box<[u8]>,
    /// The rowid of its table: any of its three names matches.
    rowid: bool,
    /// Stands for all columns merged by USING.
    using_term: bool,
    /// Left out of `*` outside: a second copy of a merged column.
    no_expand: bool,
    /// Somebody outside uses it.
    used: bool,
}

/// One run of the resolver: the compilation, the contexts that are open, and an error that was met but does not end the walk yet.
struct Resolver<'c, 'a> {
    compiler: &'c mut Compiler<'a>,
    contexts: Vec<context::Context>,
    /// SQLite goes on after some errors and reports the last one.
    soft_error: Option<kernite_vdbe::Error>,
}

impl<'c, 'a> Resolver<'c, 'a> {
    fn new(compiler: &'c mut Compiler<'a>) -> Resolver<'c, 'a> {
        Resolver { compiler, contexts: Vec::new(), soft_error: None }
    }

    /// Notes an error that does not end the walk.
    fn soften(&mut self, error: kernite_vdbe::Error) {
        self.soft_error = Some(error);
    }

    /// Ends the walk if an error was noted.
    fn check(&mut self) -> crate::compile::CompileResult<()> {
        match self.soft_error.take() {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// Notes where in the user's text an error is.
    fn note_offset(&mut self, env: &Env, span: ast::Span) {
        if !env.from_schema {
            self.compiler.error_offset = Some(span.start);
        }
    }
}
