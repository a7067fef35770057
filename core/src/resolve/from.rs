//! Items of a FROM clause: tables, views, subqueries, parenthesised joins, table-valued functions.

use std::sync::Arc;

use kernite_parser::ast::{self, JoinType, SourceKind};
use kernite_vdbe::Error;
use kernite_vdbe::op::{Cursor, Db};
use kernite_vdbe::vtab::Risk;

use super::cte::{Recursion, is_reference};
use super::expand::{Clauses, CursorTree};
use super::number::Numbered;
use super::{Env, Resolver};
use crate::bound::{FromItem, FromSource, IndexHint, JoinFlags, Select, SelectId};
use crate::catalog::{Table, TableKind};
use crate::compile::{CompileResult, deep, lossy};

impl FromItem {
    /// An item that reads nothing yet.
    pub fn new(name: Box<[u8]>, cursor: Cursor) -> FromItem {
        FromItem {
            source: FromSource::Recursive,
            name,
            alias: None,
            cursor,
            join: JoinFlags::default(),
            columns_used: 0,
            hint: IndexHint::Any,
            using: Vec::new(),
            has_on: false,
            rowid_used: false,
            from_schema: false,
            correlated: false,
        }
    }

    /// The table that it reads; `None` for a subquery or view.
    pub fn table(&self) -> Option<&Arc<Table>> {
        match &self.source {
            FromSource::Table(table) | FromSource::TableFunction { table, .. } => Some(table),
            FromSource::Subquery { .. } | FromSource::Recursive => None,
        }
    }

    /// The table or view whose name it has.
    pub fn schema_object(&self) -> Option<&Arc<Table>> {
        match &self.source {
            FromSource::Subquery { view, .. } => view.as_ref(),
            _ => self.table(),
        }
    }

    /// The name by which columns are qualified: the alias, else the name of the table.
    pub fn visible_name(&self) -> &[u8] {
        match (&self.alias, self.table()) {
            (Some(alias), _) => alias,
            (None, Some(table)) => &table.name,
            (None, None) => &self.name,
        }
    }
}

impl Resolver<'_, '_> {
    /// Looks up every item of a FROM clause, left to right.
    pub(super) fn expand_from(
        &mut self,
        env: &Env,
        id: SelectId,
        sources: &[ast::Source],
        cursors: Vec<CursorTree>,
        recursion: Option<&Recursion<'_>>,
    ) -> CompileResult<()> {
        let mut items = Vec::with_capacity(sources.len());
        for (source, tree) in sources.iter().zip(cursors) {
            items.push(self.expand_item(env, source, tree, recursion)?);
        }
        if let Some(right) = items.iter().rposition(|item: &FromItem| item.join.right) {
            items[..right].iter_mut().for_each(|item| item.join.left_of_right_join = true);
        }
        self.compiler.bound[id].from = items;
        Ok(())
    }

    fn expand_item(
        &mut self,
        env: &Env,
        source: &ast::Source,
        tree: CursorTree,
        recursion: Option<&Recursion<'_>>,
    ) -> CompileResult<FromItem> {
        let mut item = FromItem::new(Box::default(), tree.cursor);
        item.alias = source.alias.map(|alias| env.ast.name(alias).into());
        item.join = join_flags(source.join);
        item.from_schema = env.fixed_database.is_some();
        match source.kind {
            SourceKind::Select(select) => {
                let nested = Some(tree.nested).filter(|nested| !nested.is_empty());
                let select =
                    deep(|| self.expand_select(&env.bare_in(self.compiler.names.with), select, nested))?;
                self.describe_subquery(&mut item, select)?;
                item.source = FromSource::Subquery { select, cte: None, view: None };
            }
            SourceKind::Join(list) => self.expand_join_item(env, source, list, tree.nested, &mut item)?,
            SourceKind::Table { schema, name, .. } | SourceKind::Function { schema, name, .. } => {
                item.name = env.ast.name(name).into();
                let is_recursive =
                    recursion.is_some_and(|recursion| is_reference(&env.ast, source, recursion.name));
                if !is_recursive && !self.expand_cte(env, source, &mut item)? {
                    self.expand_table(env, source, schema, name, &mut item)?;
                }
            }
        }
        Ok(item)
    }

    fn describe_subquery(&mut self, item: &mut FromItem, select: SelectId) -> CompileResult<()> {
        item.name = self.subquery_name(select).into_bytes().into();
        let first = self.compiler.bound.leftmost(select);
        let columns = self.columns_of_core(first)?;
        self.compiler.bound.set_columns(item.cursor, columns);
        Ok(())
    }

    /// A parenthesised join is a subquery `SELECT *` whose tables can be named from outside.
    fn expand_join_item(
        &mut self,
        env: &Env,
        source: &ast::Source,
        list: ast::List<ast::Source>,
        cursors: Vec<CursorTree>,
        item: &mut FromItem,
    ) -> CompileResult<()> {
        let index = env.ast.all::<ast::Source>().iter().position(|known| known == source).unwrap_or(0);
        let id = match self.parsed_id(env, Numbered::Join(index)) {
            0 => self.compiler.next_select_id(),
            id => id,
        };
        let mut core = Select { id, ..Select::default() };
        core.flags.nested_from = true;
        let select = self.compiler.bound.add_select(core);
        let inner_env = env.bare_in(self.compiler.names.with);
        deep(|| {
            self.expand_clauses(&inner_env, select, list, Clauses::star(source.span), Some(cursors), None)
        })?;
        self.expand_expressions(select)?;
        item.name = format!("(join-{id})").into_bytes().into();
        let columns = self.columns_of_core(select)?;
        self.compiler.bound.set_columns(item.cursor, columns);
        item.source = FromSource::Subquery { select, cte: None, view: None };
        Ok(())
    }

    fn expand_table(
        &mut self,
        env: &Env,
        source: &ast::Source,
        schema: Option<ast::NameId>,
        name: ast::NameId,
        item: &mut FromItem,
    ) -> CompileResult<()> {
        let schema = schema.map(|schema| env.ast.name(schema));
        let database = schema.or(env.fixed_database.as_deref());
        let table = self.compiler.locate_table(env.ast.name(name), database, false)?;
        self.record_table(env, name, &table);
        self.count_reference(&table)?;
        let is_function = matches!(source.kind, SourceKind::Function { .. });
        if is_function && !matches!(table.kind, TableKind::Virtual { .. }) {
            return Err(not_a_function(env.ast.name(name)));
        }
        if item.from_schema
            && let Some(instance) = table.instance()
        {
            let is_safe = match instance.risk {
                Risk::Innocuous => true,
                Risk::Normal => self.compiler.options.trusted_schema,
                Risk::DirectOnly => false,
            };
            if !is_safe {
                let name = lossy(&table.name);
                return Err(Error::message(format!("unsafe use of virtual table \"{name}\"")));
            }
        }
        if let TableKind::View { .. } = table.kind {
            self.expand_view_item(&table, item)?;
        } else if is_function {
            item.source = FromSource::TableFunction { table: Arc::clone(&table), arguments: Vec::new() };
        } else {
            item.source = FromSource::Table(Arc::clone(&table));
        }
        if let SourceKind::Table { indexed, .. } = source.kind {
            item.hint = self.index_hint(env, indexed, &table)?;
        }
        Ok(())
    }

    /// Resolves INDEXED BY.
    ///
    /// # Errors
    /// `no such index: x`, also for an index of another table.
    pub(super) fn index_hint(
        &mut self,
        env: &Env,
        indexed: ast::Indexed,
        table: &Table,
    ) -> CompileResult<IndexHint> {
        Ok(match indexed {
            ast::Indexed::Any => IndexHint::Any,
            ast::Indexed::Not => IndexHint::NotIndexed,
            ast::Indexed::By(name) => {
                let name = env.ast.name(name);
                match table.indexes.iter().find(|index| index.name.eq_ignore_ascii_case(name)) {
                    Some(index) => IndexHint::By(Arc::clone(index)),
                    None => {
                        self.compiler.notes.check_schema = true;
                        return Err(Error::message(format!("no such index: {}", lossy(name))));
                    }
                }
            }
        })
    }

    /// Counts a use of a table inside a view. Outside of views the length of the text bounds them.
    fn count_reference(&mut self, table: &Arc<Table>) -> CompileResult<()> {
        const REFERENCES_MAX: u32 = 0xffff;
        if self.compiler.names.views.is_empty() {
            return Ok(());
        }
        let count = self.compiler.names.references.entry(Arc::as_ptr(table) as usize).or_insert(1);
        if *count >= REFERENCES_MAX {
            return Err(Error::message(format!(
                "too many references to \"{}\": max {REFERENCES_MAX}",
                lossy(&table.name)
            )));
        }
        *count += 1;
        Ok(())
    }

    pub(super) fn expand_view_item(&mut self, view: &Arc<Table>, item: &mut FromItem) -> CompileResult<()> {
        let TableKind::View { select, ref column_names } = view.kind else { return Ok(()) };
        if self.compiler.names.views.iter().any(|open| Arc::ptr_eq(open, view)) {
            return Err(Error::message(format!("view {} is circularly defined", lossy(&view.name))));
        }
        if !self.compiler.options.enable_views && view.db != Db(1) {
            return Err(Error::message(format!("access to view \"{}\" prohibited", lossy(&view.name))));
        }
        self.deeper(false)?;
        let env = self.schema_env(&view.ast, view.db);
        self.compiler.names.views.push(Arc::clone(view));
        let select = deep(|| self.expand_body_of(&env, select, None, true))?;
        self.compiler.names.views.pop();
        self.compiler.names.depth -= 1;
        let columns = if column_names.is_empty() {
            let first = self.compiler.bound.leftmost(select);
            self.columns_of_view(first)?
        } else {
            self.unique_columns(column_names.iter().map(|name| Some(name.clone())).collect(), &[])
        };
        self.compiler.bound.set_columns(item.cursor, columns);
        item.source = FromSource::Subquery { select, cte: None, view: Some(Arc::clone(view)) };
        Ok(())
    }

    /// Adds items to a core that has some, with `filter` and the join terms as its conditions, and resolves the subqueries among them.
    pub(super) fn add_sources(
        &mut self,
        env: &Env,
        into: SelectId,
        from: ast::List<ast::Source>,
        filter: Option<ast::ExprId>,
    ) -> CompileResult<()> {
        let sources = env.ast.list(from);
        let cursors = self.assign_cursors(&env.ast, sources, None);
        let mut first = std::mem::take(&mut self.compiler.bound[into].from);
        self.expand_from(env, into, sources, cursors, None)?;
        let mut pending = super::Pending::empty(env.clone());
        pending.filter.extend(filter.map(super::Condition::Where));
        self.process_joins(env, into, sources, &mut pending)?;
        let added = std::mem::take(&mut self.compiler.bound[into].from);
        first.extend(added);
        self.compiler.bound[into].from = first;
        self.compiler.names.pending.insert(into, pending);
        self.expand_expressions(into)?;
        self.resolve_conditions_of(into)
    }

    /// The surroundings of a text from the schema of `db`. Its names mean objects of that database, but in temp they mean any.
    pub(super) fn schema_env(&self, ast: &Arc<ast::Ast>, db: Db) -> Env {
        Env {
            ast: Arc::clone(ast),
            with: None,
            from_schema: true,
            fixed_database: (db != Db(1)).then(|| self.compiler.database_name(db).into()),
            nested: Default::default(),
        }
    }
}

impl Env {
    /// The surroundings of a subquery in FROM, inside the WITH clauses now in force.
    fn bare_in(&self, with: Option<super::WithId>) -> Env {
        Env { with, ..self.bare() }
    }
}

/// The error for arguments behind something that is no table-valued function.
pub(super) fn not_a_function(name: &[u8]) -> Error {
    Error::message(format!("'{}' is not a function", lossy(name)))
}

fn join_flags(join: JoinType) -> JoinFlags {
    JoinFlags {
        inner: join.has(JoinType::INNER),
        cross: join.has(JoinType::CROSS),
        natural: join.has(JoinType::NATURAL),
        left: join.has(JoinType::LEFT),
        right: join.has(JoinType::RIGHT),
        outer: join.has(JoinType::OUTER),
        left_of_right_join: false,
    }
}
