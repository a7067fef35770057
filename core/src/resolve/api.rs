//! What the other rooms call: a SELECT, an expression of an INSERT, UPDATE or DELETE, an expression of a schema.

use std::sync::Arc;

use kernite_parser::ast::{self, Ast};
use kernite_vdbe::op::{Db, Reg};

use super::context::{Allowed, Context};
use super::{Env, Names, Resolver, WithId};
use crate::bound::{ExprId, FromItem, FromSource, IndexHint, Select, SelectId, SelfContext};
use crate::catalog::{Column, Table, TableKind};
use crate::compile::{CompileResult, Compiler};

/// What an expression of an INSERT, UPDATE or DELETE may name.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// The core whose FROM items are in scope: see [`target`].
    pub sources: Option<SelectId>,
    /// `excluded` of an UPSERT.
    pub excluded: Option<Excluded>,
    /// A RETURNING clause: columns of the row written, without NEW or OLD before them.
    pub returning: bool,
}

/// The row that an UPSERT could not insert.
#[derive(Clone, Debug)]
pub struct Excluded {
    pub table: Arc<Table>,
    /// Register of its rowid; the columns follow in storage order.
    pub first: Reg,
}

/// Resolves a SELECT of `ast` and everything in it.
///
/// # Errors
/// SQLite's, for tables and columns that are not there and so on.
pub fn select(compiler: &mut Compiler<'_>, ast: &Arc<Ast>, select: ast::SelectId) -> CompileResult<SelectId> {
    let mut resolver = Resolver::new(compiler);
    let env = resolver.statement_env(ast);
    let id = resolver.expand_select(&env, select, None)?;
    resolver.resolve_select(id, None)?;
    Ok(id)
}

/// Resolves an expression of an INSERT, UPDATE or DELETE.
///
/// # Errors
/// As [`select`].
pub fn expr(
    compiler: &mut Compiler<'_>,
    ast: &Arc<Ast>,
    scope: &Scope,
    expr: ast::ExprId,
) -> CompileResult<ExprId> {
    let mut resolver = Resolver::new(compiler);
    let env = resolver.statement_env(ast);
    let allowed = Allowed {
        returning: scope.returning,
        from_schema: env.fixed_database.is_some(),
        ..Allowed::default()
    };
    let context = Context {
        sources: scope.sources,
        excluded: scope.excluded.as_ref().map(|excluded| (Arc::clone(&excluded.table), excluded.first)),
        allowed,
        ..Context::default()
    };
    let at = resolver.push_context(context);
    resolver.resolve_root(&env, at, expr)
}

/// Resolves an expression about one row of `table`: CHECK, generated column, key or WHERE of an index, DEFAULT. Columns become
/// `SelfColumn`.
///
/// # Errors
/// As [`select`], and for what may not stand there.
pub fn expr_for_table(
    compiler: &mut Compiler<'_>,
    ast: &Arc<Ast>,
    expr: ast::ExprId,
    table: &Arc<Table>,
    kind: SelfContext,
) -> CompileResult<ExprId> {
    let mut resolver = Resolver::new(compiler);
    let env = Env {
        ast: Arc::clone(ast),
        with: None,
        from_schema: !Arc::ptr_eq(ast, &resolver.compiler.ast),
        fixed_database: None,
        nested: Default::default(),
    };
    let allowed = Allowed { is_ddl: true, from_schema: table.db != Db(1), ..Allowed::default() };
    let context = Context {
        self_table: (kind != SelfContext::Default).then(|| Arc::clone(table)),
        schema_expr: Some(kind),
        allowed,
        ..Context::default()
    };
    let at = resolver.push_context(context);
    resolver.resolve_root(&env, at, expr)
}

/// Opens the WITH clause of an INSERT, UPDATE or DELETE. What is resolved next sees it.
pub fn push_with(compiler: &mut Compiler<'_>, ast: &Arc<Ast>, with: Option<ast::With>) -> Option<WithId> {
    let mut resolver = Resolver::new(compiler);
    let env = resolver.statement_env(ast);
    resolver.push_with(&env, with, false)
}

/// A core whose only FROM item is the table that an UPDATE or DELETE changes, with a cursor of its own. A view is there with its columns.
///
/// # Errors
/// `no such index: x`; what is wrong with a view.
pub fn target(
    compiler: &mut Compiler<'_>,
    ast: &Arc<Ast>,
    table: &Arc<Table>,
    alias: Option<ast::NameId>,
    indexed: ast::Indexed,
) -> CompileResult<SelectId> {
    let cursor = compiler.builder.alloc_cursor();
    let mut resolver = Resolver::new(compiler);
    let env = resolver.statement_env(ast);
    let mut item = FromItem::new(table.name.clone(), cursor);
    item.alias = alias.map(|alias| ast.name(alias).into());
    item.hint = match indexed {
        ast::Indexed::Any => IndexHint::Any,
        _ => resolver.index_hint(&env, indexed, table)?,
    };
    let table = match table.kind {
        TableKind::View { .. } => resolver.view_with_columns(table)?,
        _ => Arc::clone(table),
    };
    item.source = FromSource::Table(table);
    Ok(compiler.bound.add_select(Select { from: vec![item], ..Select::default() }))
}

/// Adds the items of UPDATE … FROM to a core that [`target`] made. Its ON clauses become the core's filter once `expr` is resolved.
///
/// # Errors
/// As [`select`].
pub fn from_clause(
    compiler: &mut Compiler<'_>,
    ast: &Arc<Ast>,
    into: SelectId,
    sources: ast::List<ast::Source>,
    filter: Option<ast::ExprId>,
) -> CompileResult<()> {
    let mut resolver = Resolver::new(compiler);
    let env = resolver.statement_env(ast);
    resolver.add_sources(&env, into, sources, filter)
}

/// Resolves the columns of a RETURNING clause about `table`; names and expressions. `compiler.trigger` has to say so.
///
/// # Errors
/// As [`select`].
pub fn returning_columns(
    compiler: &mut Compiler<'_>,
    ast: &Arc<Ast>,
    table: &Arc<Table>,
    columns: ast::List<ast::ResultColumn>,
) -> CompileResult<Vec<(Box<[u8]>, ExprId)>> {
    let mut resolver = Resolver::new(compiler);
    let env = resolver.statement_env(ast);
    let allowed = Allowed { returning: true, ..Allowed::default() };
    let at = resolver.push_context(Context { allowed, ..Context::default() });
    let mut out = Vec::new();
    for column in ast.list(columns) {
        match column.kind {
            ast::ResultColumnKind::Expr { expr, alias } => {
                let name = match (alias, ast.expr(expr)) {
                    (Some(alias), _) => ast.name(alias).into(),
                    (None, ast::Expr::Id(name)) => ast.name(*name).into(),
                    (None, ast::Expr::Column { column, .. }) => ast.name(*column).into(),
                    (None, _) => ast.source(column.span).into(),
                };
                out.push((name, resolver.resolve_root(&env, at, expr)?));
            }
            ast::ResultColumnKind::Star => {
                for column in table.columns.iter().filter(|column| !column.flags.hidden) {
                    let name = super::lookup::Name {
                        database: None,
                        table: None,
                        column: &column.name,
                        double_quoted: false,
                        unquoted: false,
                        span: None,
                        tokens: None,
                    };
                    out.push((column.name.clone(), resolver.lookup(&env, at, name)?));
                }
            }
            ast::ResultColumnKind::TableStar(_) => {
                return Err(kernite_vdbe::Error::message("RETURNING may not use \"TABLE.*\" wildcards"));
            }
        }
    }
    Ok(out)
}

impl Resolver<'_, '_> {
    /// The surroundings of the statement, or trigger program, that is compiled.
    fn statement_env(&self, ast: &Arc<Ast>) -> Env {
        match self.compiler.stored_in {
            Some(db) => Env { with: self.compiler.names.with, ..self.schema_env(ast, db) },
            None => Env {
                ast: Arc::clone(ast),
                with: self.compiler.names.with,
                from_schema: !Arc::ptr_eq(ast, &self.compiler.ast),
                fixed_database: None,
                nested: Default::default(),
            },
        }
    }

    /// A view as a table with columns: their names and types come from its SELECT, which is compiled on the side.
    pub(super) fn view_with_columns(&mut self, view: &Arc<Table>) -> CompileResult<Arc<Table>> {
        let mut item = FromItem::new(view.name.clone(), kernite_vdbe::op::Cursor(0));
        let compiler = &mut *self.compiler;
        let mut side = Compiler::new(
            compiler.catalog,
            compiler.functions,
            compiler.collations,
            compiler.options,
            None,
            Arc::clone(&view.ast),
        );
        side.names = Names { views: compiler.names.views.clone(), ..Names::default() };
        item.cursor = side.builder.alloc_cursor();
        let core = side.bound.add_select(Select::default());
        let cursor = item.cursor;
        let mut resolver = Resolver::new(&mut side);
        let outcome = resolver.expand_view_item(view, &mut item).and_then(|()| {
            resolver.compiler.bound[core].from.push(item);
            resolver.resolve_from_of(core)
        });
        compiler.notes.connect = side.notes.connect.take();
        outcome?;
        let mut table = Table::clone(view);
        table.columns = side.bound.columns_of(cursor).iter().map(Column::of_view).collect();
        Ok(Arc::new(table))
    }
}

/// The columns of a view, for `table_info` and for triggers on it.
///
/// # Errors
/// What is wrong with its SELECT.
pub fn view_table(compiler: &mut Compiler<'_>, view: &Arc<Table>) -> CompileResult<Arc<Table>> {
    Resolver::new(compiler).view_with_columns(view)
}

/// The columns of a resolved SELECT as a table made of it would have them, without their types.
pub fn subquery_columns(compiler: &mut Compiler<'_>, select: SelectId) -> Vec<crate::bound::SubqueryColumn> {
    Resolver::new(compiler).columns_of_resolved(select)
}
