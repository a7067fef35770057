//! Names in a SELECT.
//!
//! For each core, last one first: LIMIT (which may name nothing), subqueries in FROM, result columns, HAVING, WHERE with the join terms,
//! arguments of table-valued functions, ORDER BY, GROUP BY. ORDER BY of a compound comes when all its cores are done.

use kernite_parser::ast::CompoundOp;
use kernite_vdbe::Error;

use super::context::{Allowed, Context};
use super::{Condition, Env, Pending, PendingColumn, PendingColumnKind, Resolver};
use crate::bound::{
    AFFINITY_BLOB, AFFINITY_FLEXIBLE, AFFINITY_NONE, AFFINITY_NUMERIC, AFFINITY_TEXT, BinaryOp, Bound,
    DataTypes, ExprFlags, ExprId, ExprKind, FromSource, ResultColumn, SelectId,
};
use crate::catalog::TableKind;
use crate::compile::{CompileResult, deep, lossy};

/// A core that is expanded but not resolved cannot be missing: the expander made one for each.
fn lost() -> Error {
    Error::message("a SELECT was resolved before it was expanded")
}

impl Resolver<'_, '_> {
    /// Resolves all cores of a compound. `outer` is the level of names around it.
    pub(super) fn resolve_select(&mut self, select: SelectId, outer: Option<usize>) -> CompileResult<()> {
        if !self.compiler.names.pending.contains_key(&select) {
            return Ok(());
        }
        let is_compound = self.compiler.bound[select].prior.is_some();
        let last_order_by = is_compound.then(|| self.compiler.names.pending[&select].order_by);
        let last_env = self.compiler.names.pending[&select].env.clone();
        let mut right: Option<SelectId> = None;
        let mut next = Some(select);
        while let Some(core) = next {
            let pending = self.compiler.names.pending.remove(&core).ok_or_else(lost)?;
            deep(|| self.resolve_core(core, pending, outer, is_compound && core == select))?;
            if let Some(right) = right {
                self.check_term_count(core, right)?;
            }
            right = Some(core);
            next = self.compiler.bound[core].prior;
        }
        if let Some(terms) = last_order_by {
            self.resolve_compound_order_by(&last_env, select, terms)?;
        }
        Ok(())
    }

    fn resolve_core(
        &mut self,
        core: SelectId,
        pending: Pending,
        outer: Option<usize>,
        defer_order_by: bool,
    ) -> CompileResult<()> {
        let base = self.contexts.len();
        let env = pending.env.clone();
        if let Some(limit) = pending.limit {
            let context = Context { window_core: Some(core), ..Context::default() };
            let at = self.push_context(context);
            self.compiler.bound[core].limit = Some(self.resolve_root(&env, at, limit.count)?);
            if let Some(offset) = limit.offset {
                self.compiler.bound[core].offset = Some(self.resolve_root(&env, at, offset)?);
            }
            self.contexts.truncate(base);
        }
        self.resolve_from_subqueries(core, outer)?;
        let allowed = Allowed { aggregates: true, windows: true, ..self.inherited_allowed(&env) };
        let at = self.push_context(Context {
            parent: outer,
            sources: Some(core),
            window_core: Some(core),
            windows: pending.windows,
            allowed,
            ..Context::default()
        });
        self.resolve_columns(&env, at, core, &pending)?;
        self.contexts[at].allowed.windows = false;
        let found = self.contexts[at].found;
        let is_aggregate = found.aggregate || !pending.group_by.is_empty();
        let flags = &mut self.compiler.bound[core].flags;
        flags.has_window = found.window;
        if is_aggregate {
            flags.aggregate = true;
            flags.min_max = found.min_max;
            flags.order_by_required = found.order_dependent;
        } else {
            self.contexts[at].allowed.aggregates = false;
        }
        self.contexts[at].aliases = Some(core);
        if let Some(having) = pending.having {
            if !is_aggregate {
                return Err(Error::message("HAVING clause on a non-aggregate query"));
            }
            self.compiler.bound[core].having = Some(self.resolve_root(&env, at, having)?);
        }
        self.contexts[at].allowed.in_where = true;
        self.resolve_filter(&env, at, core, &pending)?;
        self.contexts[at].allowed.in_where = false;
        self.resolve_function_arguments(&env, at, core, &pending)?;
        self.contexts[at].allowed.aggregates = true;
        self.contexts[at].allowed.windows = true;
        if self.compiler.bound[core].flags.converted {
            self.adopt_order_by(core)?;
        } else if !defer_order_by && !pending.order_by.is_empty() {
            let terms = env.ast.list(pending.order_by);
            self.resolve_order_by(&env, at, core, terms)?;
        }
        self.contexts[at].allowed.windows = false;
        if !pending.group_by.is_empty() {
            self.resolve_group_by(&env, at, core, env.ast.list(pending.group_by))?;
        }
        let found = self.contexts[at].found;
        self.compiler.bound[core].flags.has_window |= found.window;
        if pending.on_to_where {
            self.check_on_clauses(core)?;
        }
        self.contexts.truncate(base);
        Ok(())
    }

    /// Resolves the FROM subqueries and conditions of a core that has no result columns (UPDATE … FROM).
    pub(super) fn resolve_conditions_of(&mut self, core: SelectId) -> CompileResult<()> {
        let pending = self.compiler.names.pending.remove(&core).ok_or_else(lost)?;
        let env = pending.env.clone();
        self.resolve_from_subqueries(core, None)?;
        let mut allowed = self.inherited_allowed(&env);
        allowed.in_where = true;
        let at = self.push_context(Context { sources: Some(core), allowed, ..Context::default() });
        self.resolve_filter(&env, at, core, &pending)?;
        self.resolve_function_arguments(&env, at, core, &pending)?;
        if pending.on_to_where {
            self.check_on_clauses(core)?;
        }
        self.contexts.truncate(at);
        Ok(())
    }

    /// Resolves the FROM subqueries of a core that is nothing else.
    pub(super) fn resolve_from_of(&mut self, core: SelectId) -> CompileResult<()> {
        self.resolve_from_subqueries(core, None)
    }

    fn inherited_allowed(&self, env: &Env) -> Allowed {
        Allowed { from_schema: env.fixed_database.is_some(), ..Allowed::default() }
    }

    fn resolve_from_subqueries(&mut self, core: SelectId, outer: Option<usize>) -> CompileResult<()> {
        if let Some(outer) = outer {
            self.contexts[outer].nested_selects += 1;
        }
        for i in 0..self.compiler.bound[core].from.len() {
            let item = &self.compiler.bound[core].from[i];
            let FromSource::Subquery { select, cte, ref view } = item.source else { continue };
            let cursor = item.cursor;
            let context = (view.is_some() || cte.is_some()).then(|| item.name.clone());
            let view = view.clone();
            let references = outer.map(|outer| self.contexts[outer].references);
            let saved = self.compiler.auth_context.clone();
            if let Some(context) = context {
                self.compiler.auth_context = Some(context.into());
            }
            deep(|| self.resolve_select(select, outer))?;
            self.compiler.auth_context = saved;
            if let (Some(outer), Some(references)) = (outer, references) {
                self.compiler.bound[core].from[i].correlated = self.contexts[outer].references > references;
            }
            if let Some(view) = view {
                let count = self.compiler.bound[select].columns.len();
                let expected = self.compiler.bound.columns_of(cursor).len();
                if let TableKind::View { .. } = view.kind
                    && expected != count
                {
                    let name = lossy(&view.name);
                    return Err(Error::message(format!(
                        "expected {expected} columns for '{name}' but got {count}"
                    )));
                }
            }
            self.add_types(cursor, select);
        }
        if let Some(outer) = outer {
            self.contexts[outer].nested_selects -= 1;
        }
        Ok(())
    }

    fn add_types(&mut self, cursor: kernite_vdbe::op::Cursor, select: SelectId) {
        let mut columns = self.compiler.bound.columns_of(cursor).to_vec();
        self.compiler.bound.add_column_types(select, &mut columns);
        let recursive = self.compiler.names.recursive.iter().find(|(_, owner)| *owner == cursor);
        if let Some(&(recursive, _)) = recursive {
            self.compiler.bound.set_columns(recursive, columns.clone());
        }
        self.compiler.bound.set_columns(cursor, columns);
    }

    fn resolve_columns(
        &mut self,
        env: &Env,
        at: usize,
        core: SelectId,
        pending: &Pending,
    ) -> CompileResult<()> {
        let mut columns = Vec::with_capacity(pending.columns.len());
        let mut complex = false;
        for (i, column) in pending.columns.iter().enumerate() {
            let expr = self.resolve_column(env, at, column)?;
            complex |= self.compiler.bound[expr].flags.any(ExprFlags::HAS_FUNCTION | ExprFlags::HAS_SUBQUERY);
            let nested = self.compiler.names.nested_from.get(&core).and_then(|nested| nested.get(i));
            columns.push(ResultColumn {
                expr,
                alias: column.alias.clone(),
                span: column.span,
                from_star: column.from_star,
                unused: nested.is_some_and(|nested| !nested.used),
            });
        }
        let mut rows = Vec::with_capacity(pending.rows.len());
        for row in &pending.rows {
            let row: CompileResult<Vec<ExprId>> =
                env.ast.list(*row).iter().map(|&expr| self.resolve_root(env, at, expr)).collect();
            rows.push(row?);
        }
        let select = &mut self.compiler.bound[core];
        select.columns = columns;
        select.rows = rows;
        select.flags.complex_result = complex;
        Ok(())
    }

    fn resolve_column(&mut self, env: &Env, at: usize, column: &PendingColumn) -> CompileResult<ExprId> {
        match &column.kind {
            PendingColumnKind::Expr(expr) => self.resolve_root(env, at, *expr),
            PendingColumnKind::Name { database, table, column: name } => {
                let name = super::lookup::Name {
                    database: database.as_deref(),
                    table: table.as_deref(),
                    column: name,
                    double_quoted: false,
                    unquoted: false,
                    span: column.span,
                    tokens: None,
                };
                let expr = self.lookup(env, at, name)?;
                self.check()?;
                Ok(expr)
            }
        }
    }

    fn resolve_filter(
        &mut self,
        env: &Env,
        at: usize,
        core: SelectId,
        pending: &Pending,
    ) -> CompileResult<()> {
        let mut filter: Option<ExprId> = None;
        for condition in &pending.filter {
            let term = match *condition {
                Condition::Where(expr) => self.resolve_root(env, at, expr)?,
                Condition::On { expr, cursor, outer } => {
                    let term = self.resolve_root(env, at, expr)?;
                    let flag = if outer { ExprFlags::OUTER_ON } else { ExprFlags::INNER_ON };
                    self.compiler.bound.set_join(term, cursor, flag);
                    term
                }
                Condition::Using(term) => term,
            };
            filter = Some(match filter {
                None => term,
                Some(left) => self.add(ExprKind::Binary { op: BinaryOp::And, left, right: term }, None),
            });
        }
        self.compiler.bound[core].filter = filter;
        Ok(())
    }

    fn resolve_function_arguments(
        &mut self,
        env: &Env,
        at: usize,
        core: SelectId,
        pending: &Pending,
    ) -> CompileResult<()> {
        for &(item, list) in &pending.function_arguments {
            let mut resolved = Vec::with_capacity(list.len());
            for &expr in env.ast.list(list) {
                resolved.push(self.resolve_root(env, at, expr)?);
            }
            if let Some(item) = self.compiler.bound[core].from.get_mut(item)
                && let FromSource::TableFunction { arguments, .. } = &mut item.source
            {
                *arguments = resolved;
            }
        }
        Ok(())
    }

    /// The outer query of a compound takes over its ORDER BY, whose terms have become column numbers.
    fn adopt_order_by(&mut self, core: SelectId) -> CompileResult<()> {
        let bound = &mut self.compiler.bound;
        let Some(FromSource::Subquery { select: inner, .. }) = bound[core].from.first().map(|i| &i.source)
        else {
            return Ok(());
        };
        let inner = *inner;
        let mut terms = std::mem::take(&mut bound[inner].order_by);
        self.substitute_aliases(core, &mut terms);
        self.compiler.bound[core].order_by = terms;
        Ok(())
    }

    /// # Errors
    /// `SELECTs to the left and right of UNION do not have the same number of result columns`.
    fn check_term_count(&self, left: SelectId, right: SelectId) -> CompileResult<()> {
        let bound = &self.compiler.bound;
        if bound[left].columns.len() == bound[right].columns.len() {
            return Ok(());
        }
        Err(wrong_term_count(bound, right))
    }
}

/// The error for cores of a compound with different numbers of columns.
fn wrong_term_count(bound: &Bound, right: SelectId) -> Error {
    if bound[right].flags.values || bound[right].flags.value_rows {
        return Error::message("all VALUES must have the same number of terms");
    }
    let operator = match bound[right].operator {
        Some(CompoundOp::UnionAll) => "UNION ALL",
        Some(CompoundOp::Intersect) => "INTERSECT",
        Some(CompoundOp::Except) => "EXCEPT",
        Some(CompoundOp::Union) | None => "UNION",
    };
    Error::message(format!(
        "SELECTs to the left and right of {operator} do not have the same number of result columns"
    ))
}

impl Bound {
    /// Affinities, collations and declared types of the columns of a SELECT, as the query around it sees them. In a compound the first
    /// core that has an affinity decides, unless values of other cores do not fit it.
    pub fn add_column_types(&self, select: SelectId, columns: &mut [crate::bound::SubqueryColumn]) {
        let mut cores = vec![select];
        while let Some(prior) = self[cores[cores.len() - 1]].prior {
            cores.push(prior);
        }
        cores.reverse();
        let column_of = |core: usize, i: usize| self[cores[core]].columns.get(i).map(|column| column.expr);
        for (i, column) in columns.iter_mut().enumerate() {
            let Some(first) = column_of(0, i) else { continue };
            let mut at = 0;
            let mut types = 0;
            let mut affinity = self.affinity(first);
            while affinity == AFFINITY_NONE && at + 1 < cores.len() {
                types |= column_of(at, i).map_or(0, |expr| self.data_types(expr).0);
                at += 1;
                affinity = column_of(at, i).map_or(AFFINITY_NONE, |expr| self.affinity(expr));
            }
            if affinity >= AFFINITY_TEXT && cores.len() > 1 {
                for core in at + 1..cores.len() {
                    types |= column_of(core, i).map_or(0, |expr| self.data_types(expr).0);
                }
                if (affinity == AFFINITY_TEXT && types & DataTypes::NUMERIC != 0)
                    || (affinity >= AFFINITY_NUMERIC && types & DataTypes::TEXT != 0)
                {
                    affinity = AFFINITY_BLOB;
                }
                if affinity >= AFFINITY_NUMERIC && matches!(self[first].kind, ExprKind::Cast { .. }) {
                    affinity = AFFINITY_FLEXIBLE;
                }
            }
            column.affinity = affinity;
            column.collation = self.collation(first).map(Into::into);
            column.declared_type = self.declared_type(first);
        }
    }

    /// The declared type of the table column that an expression shows.
    pub fn declared_type(&self, expr: ExprId) -> Option<Box<[u8]>> {
        match &self[expr].kind {
            ExprKind::Column { column, table: Some(table), .. } => match usize::try_from(*column) {
                Ok(column) => table.columns.get(column)?.declared_type.clone(),
                Err(_) => match table.rowid_alias {
                    Some(column) => table.columns.get(column)?.declared_type.clone(),
                    None => Some(b"INTEGER".as_slice().into()),
                },
            },
            ExprKind::Column { cursor, column, table: None } => {
                let column = usize::try_from(*column).ok()?;
                self.columns_of(*cursor).get(column)?.declared_type.clone()
            }
            ExprKind::Subquery(select) => self.declared_type(self[*select].columns.first()?.expr),
            _ => None,
        }
    }
}
