//! Expanding: a SELECT of the syntax tree becomes cores of the bound tree with FROM items, cursors and a list of result columns.
//!
//! Cores are expanded last first. For each: cursors for its FROM items, then the items one by one (a subquery, view or common table
//! expression is expanded where it stands), joins, stars, and at last the subqueries in its expressions.
//!
//! Three rewrites are made here because they change what names mean or how EXPLAIN QUERY PLAN reads:
//! - several constant rows of a VALUES clause, one behind the other, are `SELECT * FROM (rows)`;
//! - VALUES clauses that are not all constant are a chain of UNION ALL;
//! - a compound with UNION, EXCEPT or INTERSECT whose ORDER BY has a COLLATE is `SELECT * FROM (compound) ORDER BY …`, because
//!   sorting by another collation than that of the comparison needs a sort of its own.
//!
//! Never: names of columns.

use kernite_parser::ast::{self, Ast, CompoundOp, CoreBody, Distinct, Expr, List};
use kernite_vdbe::op::Cursor;

use super::cte::Recursion;
use super::number::Numbered;
use super::values;
use super::{Env, NestedKey, Pending, PendingColumn, PendingColumnKind, Resolver};
use crate::bound::{FromItem, FromSource, Select, SelectId};
use crate::compile::{CompileResult, deep};

/// Cursor of a FROM item, and those of the FROM clause of the subquery that it is.
pub(super) struct CursorTree {
    pub(super) cursor: Cursor,
    pub(super) nested: Vec<CursorTree>,
}

/// A compound whose cores have ids.
pub(super) struct Compound {
    pub(super) env: Env,
    /// First core first.
    pub(super) cores: Vec<SelectId>,
    parts: Vec<Part>,
    select: ast::SelectId,
    /// Cursors of the last core's FROM items, where the query around gave them out.
    cursors: std::cell::Cell<Option<Vec<CursorTree>>>,
}

impl Compound {
    /// The core that stands for the whole.
    pub(super) fn select(&self) -> SelectId {
        self.cores[self.cores.len() - 1]
    }
}

/// What a core is made of.
#[derive(Clone, Copy)]
enum Part {
    Select(ast::SelectCore),
    Row(List<ast::ExprId>),
    /// Several constant rows: the clause, and the first and the end of them.
    Rows(List<ast::Row>, usize, usize),
    /// A VALUES clause that is a chain, behind a compound operator: `SELECT * FROM (rows)`. The number is that of the core.
    Nested(List<ast::Row>, usize),
}

/// The clauses of a core that are not its FROM clause.
pub(super) struct Clauses {
    pub(super) columns: Columns,
    pub(super) filter: Option<ast::ExprId>,
    pub(super) group_by: List<ast::ExprId>,
    pub(super) having: Option<ast::ExprId>,
    pub(super) windows: List<ast::Window>,
}

/// The result columns of a core.
pub(super) enum Columns {
    List(List<ast::ResultColumn>),
    Star(ast::Span),
}

impl Clauses {
    /// `SELECT *`
    pub(super) fn star(span: ast::Span) -> Clauses {
        Clauses {
            columns: Columns::Star(span),
            filter: None,
            group_by: List::default(),
            having: None,
            windows: List::default(),
        }
    }
}

impl Resolver<'_, '_> {
    /// Expands a SELECT and everything in it. `cursors` are those of its FROM clause, where the query around gave them out.
    pub(super) fn expand_select(
        &mut self,
        env: &Env,
        select: ast::SelectId,
        cursors: Option<Vec<CursorTree>>,
    ) -> CompileResult<SelectId> {
        self.expand_body_of(env, select, cursors, false)
    }

    /// The same; the body of a view does not see the WITH clauses outside.
    pub(super) fn expand_body_of(
        &mut self,
        env: &Env,
        select: ast::SelectId,
        cursors: Option<Vec<CursorTree>>,
        is_view: bool,
    ) -> CompileResult<SelectId> {
        let saved = self.compiler.names.with;
        let id = if self.is_converted(&env.ast, select) {
            self.expand_converted(env, select, cursors, is_view)?
        } else {
            let compound = self.begin(env, select, cursors, is_view)?;
            for core in (0..compound.cores.len()).rev() {
                deep(|| self.expand_core(&compound, core, None))?;
            }
            compound.select()
        };
        self.compiler.names.with = saved;
        Ok(id)
    }

    /// Gives ids to the cores of a compound and opens its WITH clause; the caller closes it.
    pub(super) fn begin_compound(
        &mut self,
        env: &Env,
        select: ast::SelectId,
        cursors: Vec<CursorTree>,
    ) -> CompileResult<Compound> {
        let cursors = (!cursors.is_empty()).then_some(cursors);
        self.begin(env, select, cursors, false)
    }

    fn begin(
        &mut self,
        env: &Env,
        select: ast::SelectId,
        cursors: Option<Vec<CursorTree>>,
        is_view: bool,
    ) -> CompileResult<Compound> {
        let mut env = env.clone();
        let node = env.ast[select];
        env.with = self.push_with(&env, node.with, is_view);
        let (mut cores, mut parts) = (Vec::new(), Vec::new());
        let mut add = |this: &mut Self, part: Part, operator, id: u32, values: bool| {
            let mut core = Select { operator, id, prior: cores.last().copied(), ..Select::default() };
            core.flags.values = values;
            core.flags.value_rows = matches!(part, Part::Row(_) | Part::Rows(..));
            core.flags.from_view = is_view;
            if let Part::Select(select) = part {
                core.flags.distinct = select.distinct == Distinct::Distinct;
            }
            cores.push(this.compiler.bound.add_select(core));
            parts.push(part);
        };
        for (i, core) in env.ast.list(node.cores).iter().enumerate() {
            let index = node.cores.range().start + i;
            match core.body {
                CoreBody::Select(body) => {
                    let id = self.parsed_id(&env, Numbered::Core(index));
                    add(self, Part::Select(body), core.operator, id, false);
                }
                CoreBody::Values(rows) => {
                    let groups = self.groups(&env, rows);
                    if core.operator.is_some() && groups.len() > 1 {
                        let id = self.parsed_id(&env, Numbered::Core(index));
                        add(self, Part::Nested(rows, index), core.operator, id, false);
                        continue;
                    }
                    // Beside other operands the rows are operands like any.
                    let alone = env.ast.list(node.cores).len() == 1 && groups.len() == rows.len();
                    for (part, operator, id) in self.row_parts(&env, index, rows, &groups) {
                        add(self, part, core.operator.or(operator), id, alone);
                    }
                }
            }
        }
        Ok(Compound { env, cores, parts, select, cursors: std::cell::Cell::new(cursors) })
    }

    /// The rows of a VALUES clause in groups.
    fn groups(&self, env: &Env, rows: List<ast::Row>) -> Vec<std::ops::Range<usize>> {
        values::groups(&env.ast, self.compiler.functions, env.ast.list(rows), env.from_schema)
    }

    /// The cores that a VALUES clause is, with the operators between them and their numbers.
    fn row_parts(
        &mut self,
        env: &Env,
        core: usize,
        rows: List<ast::Row>,
        groups: &[std::ops::Range<usize>],
    ) -> Vec<(Part, Option<CompoundOp>, u32)> {
        let part = |group: &std::ops::Range<usize>| {
            let operator = (group.start > 0).then_some(CompoundOp::UnionAll);
            let (part, what) = if group.len() > 1 {
                (Part::Rows(rows, group.start, group.end), Numbered::Rows(core, group.start))
            } else {
                (Part::Row(env.ast.list(rows)[group.start].terms), Numbered::Row(core, group.start))
            };
            (part, operator, self.parsed_id(env, what))
        };
        groups.iter().map(part).collect()
    }

    /// The number that the parser gave to a SELECT, where it counts: copies of stored texts get new ones.
    pub(super) fn parsed_id(&mut self, env: &Env, what: Numbered) -> u32 {
        if env.from_schema {
            return 0;
        }
        let functions = self.compiler.functions;
        self.compiler.names.numbers.get(&env.ast, functions, what)
    }

    /// Expands one core of a compound.
    pub(super) fn expand_core(
        &mut self,
        compound: &Compound,
        core: usize,
        recursion: Option<&Recursion<'_>>,
    ) -> CompileResult<()> {
        let id = compound.cores[core];
        let env = &compound.env;
        if env.from_schema {
            self.compiler.bound[id].id = self.compiler.next_select_id();
        }
        let is_last = core + 1 == compound.cores.len();
        let node = env.ast[compound.select];
        let cursors = if is_last { compound.cursors.take() } else { None };
        match compound.parts[core] {
            Part::Select(body) => {
                let clauses = Clauses {
                    columns: Columns::List(body.columns),
                    filter: body.filter,
                    group_by: body.group_by,
                    having: body.having,
                    windows: body.windows,
                };
                self.expand_clauses(env, id, body.from, clauses, cursors, recursion)?;
            }
            Part::Row(terms) => self.expand_row(env, id, terms),
            Part::Rows(rows, first, end) => {
                self.expand_rows(env, id, &env.ast.list(rows)[first..end], cursors)?;
            }
            Part::Nested(rows, index) => self.expand_nested_rows(env, id, (rows, index), cursors)?,
        }
        if is_last && let Some(pending) = self.compiler.names.pending.get_mut(&id) {
            pending.order_by = node.order_by;
            pending.limit = node.limit;
        }
        self.expand_expressions(id)
    }

    /// Expands FROM and the result columns of one core; its expressions are still to be looked through.
    pub(super) fn expand_clauses(
        &mut self,
        env: &Env,
        id: SelectId,
        from: List<ast::Source>,
        clauses: Clauses,
        cursors: Option<Vec<CursorTree>>,
        recursion: Option<&Recursion<'_>>,
    ) -> CompileResult<()> {
        let sources = env.ast.list(from);
        let cursors = match cursors {
            Some(cursors) => cursors,
            None => self.assign_cursors(&env.ast, sources, recursion),
        };
        self.expand_from(env, id, sources, cursors, recursion)?;
        let mut pending = Pending {
            env: env.clone(),
            columns: Vec::new(),
            filter: clauses.filter.map(super::Condition::Where).into_iter().collect(),
            group_by: clauses.group_by,
            having: clauses.having,
            windows: clauses.windows,
            order_by: List::default(),
            limit: None,
            function_arguments: function_arguments(sources),
            rows: Vec::new(),
            on_to_where: false,
        };
        self.process_joins(env, id, sources, &mut pending)?;
        self.expand_columns(env, id, &clauses.columns, &mut pending)?;
        super::window::check_definitions(&env.ast, clauses.windows)?;
        self.compiler.names.pending.insert(id, pending);
        Ok(())
    }

    fn expand_row(&mut self, env: &Env, id: SelectId, terms: List<ast::ExprId>) {
        let column = |&expr: &ast::ExprId| PendingColumn {
            kind: PendingColumnKind::Expr(expr),
            alias: None,
            span: None,
            from_star: false,
        };
        let columns = env.ast.list(terms).iter().map(column).collect();
        let pending = Pending { columns, ..Pending::empty(env.clone()) };
        self.compiler.names.pending.insert(id, pending);
    }

    /// `SELECT * FROM (rows)`: the core inside has the first row as its columns and keeps the others beside it.
    fn expand_rows(
        &mut self,
        env: &Env,
        id: SelectId,
        rows: &[ast::Row],
        cursors: Option<Vec<CursorTree>>,
    ) -> CompileResult<()> {
        let inner_id = self.compiler.bound[id].id.saturating_sub(1);
        let mut inner = Select { id: inner_id, ..Select::default() };
        inner.flags.values = true;
        let inner = self.compiler.bound.add_select(inner);
        self.expand_row(env, inner, rows[0].terms);
        if let Some(pending) = self.compiler.names.pending.get_mut(&inner) {
            pending.rows = rows[1..].iter().map(|row| row.terms).collect();
        }
        let name = format!("{}-ROW VALUES CLAUSE", rows.len());
        self.select_all_of(env, id, (inner, inner), &name, cursors)
    }

    /// Makes the core `id` `SELECT * FROM` a VALUES clause, which is a compound that ends with the core `last`.
    fn select_all_of(
        &mut self,
        env: &Env,
        id: SelectId,
        (first, last): (SelectId, SelectId),
        name: &str,
        cursors: Option<Vec<CursorTree>>,
    ) -> CompileResult<()> {
        let cursor = match cursors.and_then(|cursors| cursors.into_iter().next()) {
            Some(tree) => tree.cursor,
            None => self.compiler.builder.alloc_cursor(),
        };
        let mut item = FromItem::new(name.as_bytes().into(), cursor);
        item.source = FromSource::Subquery { select: last, cte: None, view: None };
        let columns = self.columns_of_core(first)?;
        self.compiler.bound.set_columns(cursor, columns);
        self.compiler.bound[id].from.push(item);
        let mut pending = Pending::empty(env.clone());
        self.expand_columns(env, id, &Columns::Star(ast::Span::default()), &mut pending)?;
        self.compiler.names.pending.insert(id, pending);
        Ok(())
    }

    /// `SELECT * FROM (rows)`, where the rows are a compound. `core` is the index of the VALUES clause.
    fn expand_nested_rows(
        &mut self,
        env: &Env,
        id: SelectId,
        (rows, core): (List<ast::Row>, usize),
        cursors: Option<Vec<CursorTree>>,
    ) -> CompileResult<()> {
        let groups = self.groups(env, rows);
        let alone = groups.len() == rows.len();
        let mut cores: Vec<SelectId> = Vec::new();
        for (part, operator, number) in self.row_parts(env, core, rows, &groups) {
            let number = if env.from_schema { self.compiler.next_select_id() } else { number };
            let mut core = Select { operator, id: number, prior: cores.last().copied(), ..Select::default() };
            core.flags.values = alone;
            let core = self.compiler.bound.add_select(core);
            match part {
                Part::Row(terms) => self.expand_row(env, core, terms),
                Part::Rows(rows, first, end) => {
                    self.expand_rows(env, core, &env.ast.list(rows)[first..end], None)?;
                }
                Part::Select(_) | Part::Nested(..) => {}
            }
            cores.push(core);
        }
        let (Some(&head), Some(&last)) = (cores.first(), cores.last()) else { return Ok(()) };
        for &core in &cores {
            self.expand_expressions(core)?;
        }
        let name = self.subquery_name(last);
        self.select_all_of(env, id, (head, last), &name, cursors)
    }

    /// What EXPLAIN QUERY PLAN calls a subquery.
    pub(super) fn subquery_name(&self, select: SelectId) -> String {
        let core = &self.compiler.bound[select];
        if core.flags.values && core.prior.is_some() {
            return "0-ROW VALUES CLAUSE".into();
        }
        format!("(subquery-{})", core.id)
    }

    /// The outer query of a compound whose ORDER BY has a COLLATE. ORDER BY and LIMIT are those of the outer query.
    fn expand_converted(
        &mut self,
        env: &Env,
        select: ast::SelectId,
        cursors: Option<Vec<CursorTree>>,
        is_view: bool,
    ) -> CompileResult<SelectId> {
        let tree = cursors.and_then(|cursors| cursors.into_iter().next());
        let tree = tree.unwrap_or_else(|| self.assign_converted(&env.ast, select));
        let outer = self.compiler.bound.add_select(Select::default());
        if env.from_schema {
            self.compiler.bound[outer].id = self.compiler.next_select_id();
        }
        let compound = self.begin(env, select, Some(tree.nested), is_view)?;
        for core in (0..compound.cores.len()).rev() {
            deep(|| self.expand_core(&compound, core, None))?;
        }
        let inner = compound.select();
        let id = self.compiler.bound[inner].id;
        let core = &mut self.compiler.bound[outer];
        core.flags.converted = true;
        core.flags.from_view = is_view;
        if core.id == 0 {
            core.id = id;
        }
        let mut item = FromItem::new(format!("(subquery-{id})").into_bytes().into(), tree.cursor);
        item.source = FromSource::Subquery { select: inner, cte: None, view: None };
        let columns = self.columns_of_core(compound.cores[0])?;
        self.compiler.bound.set_columns(tree.cursor, columns);
        self.compiler.bound[outer].from.push(item);
        let mut pending = Pending::empty(compound.env.clone());
        // LIMIT goes with the outer query. ORDER BY stays with the compound until its names are resolved.
        // GROUP BY, HAVING and DISTINCT of the last core go with the outer query too, as they do in SQLite.
        if let Some(inner) = self.compiler.names.pending.get_mut(&inner) {
            pending.limit = inner.limit.take();
        }
        if let Some(inner) = self.compiler.names.pending.get_mut(&inner).filter(|_| !is_view) {
            pending.group_by = std::mem::take(&mut inner.group_by);
            pending.having = inner.having.take();
        }
        self.compiler.bound[outer].flags.distinct = self.compiler.bound[inner].flags.distinct;
        self.expand_columns(env, outer, &Columns::Star(ast::Span::default()), &mut pending)?;
        self.compiler.names.pending.insert(outer, pending);
        self.expand_expressions(outer)?;
        Ok(outer)
    }

    /// Gives cursors to a FROM clause and, item by item, to the FROM clauses of its subqueries.
    pub(super) fn assign_cursors(
        &mut self,
        ast: &Ast,
        sources: &[ast::Source],
        recursion: Option<&Recursion<'_>>,
    ) -> Vec<CursorTree> {
        let mut trees = Vec::with_capacity(sources.len());
        for source in sources {
            if let Some(recursion) = recursion
                && super::cte::is_reference(ast, source, recursion.name)
            {
                trees.push(CursorTree { cursor: recursion.cursor, nested: Vec::new() });
                continue;
            }
            let cursor = self.compiler.builder.alloc_cursor();
            let nested = match source.kind {
                ast::SourceKind::Select(select) => deep(|| self.assign_select(ast, select)),
                ast::SourceKind::Join(list) => deep(|| self.assign_cursors(ast, ast.list(list), None)),
                ast::SourceKind::Table { .. } | ast::SourceKind::Function { .. } => Vec::new(),
            };
            trees.push(CursorTree { cursor, nested });
        }
        trees
    }

    fn assign_select(&mut self, ast: &Ast, select: ast::SelectId) -> Vec<CursorTree> {
        if self.is_converted(ast, select) {
            return vec![self.assign_converted(ast, select)];
        }
        self.assign_last_core(ast, select)
    }

    /// Whether ORDER BY of a compound has to be done by a query around it. SQLite looks for such compounds in the statement itself,
    /// not in views and triggers.
    fn is_converted(&self, ast: &Ast, select: ast::SelectId) -> bool {
        let node = &ast[select];
        let compares =
            |core: &ast::Core| core.operator.is_some_and(|operator| operator != CompoundOp::UnionAll);
        !node.order_by.is_empty()
            && std::ptr::eq(ast, &*self.compiler.ast)
            && ast.list(node.cores).iter().any(compares)
            && ast.list(node.order_by).iter().any(|term| has_collate(ast, term.expr))
    }

    fn assign_converted(&mut self, ast: &Ast, select: ast::SelectId) -> CursorTree {
        let cursor = self.compiler.builder.alloc_cursor();
        CursorTree { cursor, nested: self.assign_last_core(ast, select) }
    }

    fn assign_last_core(&mut self, ast: &Ast, select: ast::SelectId) -> Vec<CursorTree> {
        match ast.list(ast[select].cores).last().map(|core| core.body) {
            Some(CoreBody::Select(core)) => self.assign_cursors(ast, ast.list(core.from), None),
            _ => Vec::new(),
        }
    }

    /// Expands the subqueries in the expressions of a core.
    pub(super) fn expand_expressions(&mut self, id: SelectId) -> CompileResult<()> {
        let Some(pending) = self.compiler.names.pending.get(&id) else { return Ok(()) };
        let ast = std::sync::Arc::clone(&pending.env.ast);
        if !has_nested_select(&ast) {
            return Ok(());
        }
        let mut roots = Vec::new();
        for column in &pending.columns {
            if let PendingColumnKind::Expr(expr) = column.kind {
                roots.push(expr);
            }
        }
        for condition in &pending.filter {
            match *condition {
                super::Condition::Where(expr) | super::Condition::On { expr, .. } => roots.push(expr),
                super::Condition::Using(_) => {}
            }
        }
        roots.extend(ast.list(pending.group_by));
        roots.extend(pending.having);
        roots.extend(ast.list(pending.order_by).iter().map(|term| term.expr));
        if let Some(limit) = pending.limit {
            roots.push(limit.count);
            roots.extend(limit.offset);
        }
        for window in ast.list(pending.windows) {
            roots.extend(ast.list(window.order_by).iter().map(|term| term.expr));
            roots.extend(ast.list(window.partition_by));
        }
        for (_, arguments) in &pending.function_arguments {
            roots.extend(ast.list(*arguments));
        }
        for rows in &pending.rows {
            roots.extend(ast.list(*rows));
        }
        let env = pending.env.clone();
        let mut nested = Vec::new();
        for root in roots {
            self.expand_in_expr(&env, root, &mut nested)?;
        }
        if let Some(pending) = self.compiler.names.pending.get_mut(&id) {
            pending.env.nested.extend(nested);
        }
        Ok(())
    }

    fn expand_in_expr(
        &mut self,
        env: &Env,
        expr: ast::ExprId,
        nested: &mut Vec<(NestedKey, SelectId)>,
    ) -> CompileResult<()> {
        let mut operands = Vec::new();
        let key = collect_operands(&env.ast, expr, &mut operands);
        for operand in operands {
            deep(|| self.expand_in_expr(env, operand, nested))?;
        }
        if let Some(key) = key {
            let select = self.expand_nested(env, key)?;
            nested.push((key, select));
        }
        Ok(())
    }

    /// Expands a SELECT that stands in an expression.
    pub(super) fn expand_nested(&mut self, env: &Env, key: NestedKey) -> CompileResult<SelectId> {
        let saved = std::mem::replace(&mut self.compiler.names.with, env.with);
        let env = env.bare();
        let select = match key {
            NestedKey::Select(index) => match ast::SelectId::from_index(index) {
                Some(select) => deep(|| self.expand_select(&env, select, None))?,
                None => return Err(kernite_vdbe::Error::message("too many SELECTs")),
            },
            NestedKey::Table(index) => self.expand_in_table(&env, index)?,
            NestedKey::Rows(index) => self.expand_in_rows(&env, index)?,
        };
        self.compiler.names.with = saved;
        Ok(select)
    }

    /// `SELECT * FROM table`, for `x IN table`.
    fn expand_in_table(&mut self, env: &Env, index: usize) -> CompileResult<SelectId> {
        let id = self.parsed_id(env, Numbered::Table(index));
        let id = if id == 0 { self.compiler.next_select_id() } else { id };
        let select = self.compiler.bound.add_select(Select { id, ..Select::default() });
        let sources = &env.ast.all::<ast::Source>()[index..=index];
        let cursors = self.assign_cursors(&env.ast, sources, None);
        self.expand_from(env, select, sources, cursors, None)?;
        let mut pending = Pending::empty(env.clone());
        pending.function_arguments = function_arguments(sources);
        self.expand_columns(env, select, &Columns::Star(sources[0].span), &mut pending)?;
        self.compiler.names.pending.insert(select, pending);
        Ok(select)
    }

    /// A chain of UNION ALL for `x IN ((1, 2), (3, 4))`, whose rows have been counted.
    fn expand_in_rows(&mut self, env: &Env, index: usize) -> CompileResult<SelectId> {
        let first = self.parsed_id(env, Numbered::InRows(index));
        let Expr::InList { list, .. } = env.ast.all::<ast::ExprNode>()[index].kind else {
            return Err(kernite_vdbe::Error::message("IN without a list"));
        };
        let mut prior = None;
        for (i, &row) in env.ast.list(list).iter().enumerate() {
            let id = if first == 0 { self.compiler.next_select_id() } else { first + i as u32 };
            let operator = prior.map(|_| CompoundOp::UnionAll);
            let mut core = Select { id, prior, operator, ..Select::default() };
            core.flags.values = true;
            let core = self.compiler.bound.add_select(core);
            if let Expr::Vector(terms) = *env.ast.expr(row) {
                self.expand_row(env, core, terms);
                self.expand_expressions(core)?;
            }
            prior = Some(core);
        }
        prior.ok_or_else(|| kernite_vdbe::Error::message("IN without rows"))
    }
}

impl Pending {
    /// A core without clauses.
    pub(super) fn empty(env: Env) -> Pending {
        Pending {
            env,
            columns: Vec::new(),
            filter: Vec::new(),
            group_by: List::default(),
            having: None,
            windows: List::default(),
            order_by: List::default(),
            limit: None,
            function_arguments: Vec::new(),
            rows: Vec::new(),
            on_to_where: false,
        }
    }
}

impl Env {
    /// The same surroundings for a subquery, which brings its own nested ones.
    pub(super) fn bare(&self) -> Env {
        Env {
            ast: std::sync::Arc::clone(&self.ast),
            with: self.with,
            from_schema: self.from_schema,
            fixed_database: self.fixed_database.clone(),
            nested: Default::default(),
        }
    }
}

fn function_arguments(sources: &[ast::Source]) -> Vec<(usize, List<ast::ExprId>)> {
    let arguments = |(i, source): (usize, &ast::Source)| match source.kind {
        ast::SourceKind::Function { arguments, .. } => Some((i, arguments)),
        _ => None,
    };
    sources.iter().enumerate().filter_map(arguments).collect()
}

/// Whether a tree has a SELECT that may stand in an expression.
fn has_nested_select(ast: &Ast) -> bool {
    ast.all::<ast::Select>().len() > 1
        || ast.all::<ast::ExprNode>().iter().any(|node| {
            matches!(
                node.kind,
                Expr::Subquery(_)
                    | Expr::Exists(_)
                    | Expr::InSelect { .. }
                    | Expr::InTable { .. }
                    | Expr::InList { .. }
            )
        })
}

/// Whether a COLLATE stands in an expression, subqueries left out.
fn has_collate(ast: &Ast, expr: ast::ExprId) -> bool {
    if matches!(ast.expr(expr), Expr::Collate { .. }) {
        return true;
    }
    let mut operands = Vec::new();
    collect_operands(ast, expr, &mut operands);
    operands.into_iter().any(|operand| deep(|| has_collate(ast, operand)))
}

/// Appends the operands of an expression; gives the SELECT that stands in it.
pub(super) fn collect_operands(
    ast: &Ast,
    expr: ast::ExprId,
    out: &mut Vec<ast::ExprId>,
) -> Option<NestedKey> {
    match *ast.expr(expr) {
        Expr::Null
        | Expr::Bool(_)
        | Expr::Integer(_)
        | Expr::Float(_)
        | Expr::String(_)
        | Expr::Blob(_)
        | Expr::Parameter(_)
        | Expr::Id(_)
        | Expr::Column { .. }
        | Expr::Current(_) => None,
        Expr::Unary { operand, .. }
        | Expr::IsNull { operand, .. }
        | Expr::Collate { operand, .. }
        | Expr::Cast { operand, .. } => {
            out.push(operand);
            None
        }
        Expr::Binary { left, right, .. } => {
            out.extend([left, right]);
            None
        }
        Expr::Like { left, right, escape, .. } => {
            out.extend([right, left]);
            out.extend(escape);
            None
        }
        Expr::Between { operand, low, high, .. } => {
            out.extend([operand, low, high]);
            None
        }
        Expr::InList { operand, list, .. } => {
            out.push(operand);
            if let Some(key) = super::expr::in_list_as_select(ast, expr) {
                return Some(key);
            }
            out.extend(ast.list(list));
            None
        }
        Expr::InSelect { operand, select, .. } => {
            out.push(operand);
            Some(NestedKey::Select(select.index()))
        }
        Expr::InTable { operand, source, .. } => {
            out.push(operand);
            Some(NestedKey::Table(source.index()))
        }
        Expr::Case { operand, arms, otherwise } => {
            out.extend(operand);
            out.extend(ast.list(arms));
            out.extend(otherwise);
            None
        }
        Expr::Vector(terms) => {
            out.extend(ast.list(terms));
            None
        }
        Expr::Subquery(select) | Expr::Exists(select) => Some(NestedKey::Select(select.index())),
        Expr::Call(call) => {
            let call = &ast[call];
            out.extend(ast.list(call.order_by).iter().map(|term| term.expr));
            if let ast::CallArguments::List(arguments) = call.arguments {
                out.extend(ast.list(arguments));
            }
            out.extend(call.filter);
            if let Some(ast::Over::Window(window)) = call.over {
                let window = &ast[window];
                out.extend(ast.list(window.partition_by));
                out.extend(ast.list(window.order_by).iter().map(|term| term.expr));
            }
            None
        }
        Expr::Raise { message, .. } => {
            out.extend(message);
            None
        }
    }
}
