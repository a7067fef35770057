//! `*` written out, and the names that the columns of a subquery have.
//!
//! A star becomes names, not columns: they are looked up like names that were typed, which is how a column merged by a FULL JOIN becomes a
//! coalesce(). Columns merged by USING appear once, hidden columns not at all.
//!
//! A parenthesised join lists all columns of all its tables and remembers where each comes from, because names outside may be
//! qualified by its tables.

use kernite_io::HashMap;
use kernite_parser::ast;
use kernite_vdbe::Error;

use super::expand::Columns;
use super::join::is_hidden;
use super::{Env, NestedName, Pending, PendingColumn, PendingColumnKind, Resolver};
use crate::bound::{AFFINITY_NONE, FromItem, FromSource, SelectId, SubqueryColumn};
use crate::catalog::{ROWID_NAMES, TableKind, is_rowid_name};
use crate::compile::{CompileResult, LimitKind, lossy};

/// Whether the rowid of an item can be named.
pub(super) fn has_visible_rowid(item: &FromItem) -> bool {
    item.table().is_some_and(|table| !table.without_rowid && !matches!(table.kind, TableKind::View { .. }))
}

/// What a star expands to, as it grows.
struct Expansion {
    columns: Vec<PendingColumn>,
    nested: Vec<NestedName>,
}

impl Resolver<'_, '_> {
    /// Lists the result columns of a core.
    pub(super) fn expand_columns(
        &mut self,
        env: &Env,
        id: SelectId,
        columns: &Columns,
        pending: &mut Pending,
    ) -> CompileResult<()> {
        let mut out = Expansion { columns: Vec::new(), nested: Vec::new() };
        match columns {
            Columns::Star(span) => self.expand_star(id, None, *span, &mut out)?,
            Columns::List(list) => {
                for column in env.ast.list(*list) {
                    match column.kind {
                        ast::ResultColumnKind::Expr { expr, alias } => out.columns.push(PendingColumn {
                            kind: PendingColumnKind::Expr(expr),
                            alias: alias.map(|alias| env.ast.name(alias).into()),
                            span: Some(column.span),
                            from_star: false,
                        }),
                        ast::ResultColumnKind::Star => self.expand_star(id, None, column.span, &mut out)?,
                        ast::ResultColumnKind::TableStar(table) => {
                            self.expand_star(id, Some(env.ast.name(table)), column.span, &mut out)?;
                        }
                    }
                }
            }
        }
        if out.columns.len() > self.compiler.limit(LimitKind::Column) {
            return Err(Error::message("too many columns in result set"));
        }
        if self.compiler.bound[id].flags.nested_from {
            self.compiler.names.nested_from.insert(id, out.nested);
        }
        pending.columns = out.columns;
        Ok(())
    }

    fn expand_star(
        &mut self,
        id: SelectId,
        table: Option<&[u8]>,
        span: ast::Span,
        out: &mut Expansion,
    ) -> CompileResult<()> {
        let core = &self.compiler.bound[id];
        let is_nested = core.flags.nested_from;
        let mut seen = false;
        for (i, item) in core.from.iter().enumerate() {
            let inner = self.nested_names(item);
            if inner.is_none() && table.is_some_and(|table| !item.visible_name().eq_ignore_ascii_case(table))
            {
                continue;
            }
            let next_using = core.from.get(i + 1).map_or(&[][..], |next| &next.using);
            if is_nested {
                for name in next_using {
                    out.columns.push(merged_column(name, span));
                    out.nested.push(NestedName {
                        database: Box::default(),
                        table: Box::default(),
                        column: name.clone(),
                        rowid: false,
                        using_term: true,
                        no_expand: false,
                        used: false,
                    });
                }
            }
            seen |= self.expand_star_item(id, i, inner, table, span, out);
        }
        match table {
            _ if seen => Ok(()),
            Some(table) => Err(Error::message(format!("no such table: {}", lossy(table)))),
            None => Err(Error::message("no tables specified")),
        }
    }

    /// Adds the columns of one item; whether it had any that count.
    fn expand_star_item(
        &self,
        id: SelectId,
        i: usize,
        inner: Option<&[NestedName]>,
        table: Option<&[u8]>,
        span: ast::Span,
        out: &mut Expansion,
    ) -> bool {
        let bound = &self.compiler.bound;
        let core = &bound[id];
        let item = &core.from[i];
        let is_nested = core.flags.nested_from;
        let in_list = |list: &[Box<[u8]>], name: &[u8]| list.iter().any(|x| x.eq_ignore_ascii_case(name));
        let next_using = core.from.get(i + 1).map_or(&[][..], |next| &next.using);
        let options = self.compiler.options;
        let long_names = options.full_column_names && !options.short_column_names && !core.flags.from_view;
        let item_name = item.visible_name();
        let database: Option<Box<[u8]>> = inner.is_none().then(|| self.item_database(item));
        let mut seen = false;
        let count = bound.column_count(item);
        let with_rowid = is_nested && has_visible_rowid(item);
        for column in 0..count + usize::from(with_rowid) {
            let is_rowid_column = column == count;
            let inner_name = inner.and_then(|inner| inner.get(column));
            let flags = bound.columns_of(item.cursor).get(column);
            let name: Box<[u8]> = if is_rowid_column {
                let unused = |name: &&&[u8]| bound.find_column(item, name).is_none();
                match ROWID_NAMES.iter().find(unused) {
                    Some(&name) => name.into(),
                    None => continue,
                }
            } else {
                if inner_name.is_some_and(|inner| {
                    inner.rowid || table.is_some_and(|table| !inner.table.eq_ignore_ascii_case(table))
                }) || is_hidden(item, column)
                    || (flags.is_some_and(|column| column.no_expand) && table.is_none() && !is_nested)
                {
                    continue;
                }
                bound.column_name(item, column).into()
            };
            seen = true;
            if i > 0 && table.is_none() && !is_nested && in_list(&item.using, &name) {
                continue;
            }
            let right_using = || core.from[i + 1..].iter().any(|right| in_list(&right.using, &name));
            let qualified = core.from.len() > 1
                && (!item.join.left_of_right_join || table.is_some() || is_nested || !right_using());
            let alias = if is_nested {
                out.nested.push(match inner_name {
                    Some(inner) => NestedName { using_term: false, ..inner.clone() },
                    None => NestedName {
                        database: database.clone().unwrap_or_default(),
                        table: item_name.into(),
                        column: name.clone(),
                        rowid: is_rowid_column,
                        using_term: false,
                        no_expand: false,
                        used: false,
                    },
                });
                if let Some(last) = out.nested.last_mut() {
                    last.no_expand = in_list(&item.using, &name)
                        || in_list(next_using, &name)
                        || flags.is_some_and(|column| column.no_expand);
                }
                None
            } else if long_names {
                Some([item_name, b".", &name].concat().into())
            } else {
                Some(name.clone())
            };
            out.columns.push(PendingColumn {
                kind: PendingColumnKind::Name {
                    database: database.clone().filter(|_| qualified),
                    table: qualified.then(|| item_name.into()),
                    column: name,
                },
                alias,
                span: Some(span),
                from_star: true,
            });
        }
        seen
    }

    /// The database of an item's table or view; `*` for a subquery.
    fn item_database(&self, item: &FromItem) -> Box<[u8]> {
        match item.schema_object() {
            Some(table) => self.compiler.database_name(table.db).into(),
            None => b"*".as_slice().into(),
        }
    }

    /// The columns of a parenthesised join with their tables; `None` for any other item.
    pub(super) fn nested_names(&self, item: &FromItem) -> Option<&[NestedName]> {
        let FromSource::Subquery { select, .. } = item.source else { return None };
        self.compiler.names.nested_from.get(&select).map(Vec::as_slice)
    }

    /// The columns that the query around a core sees.
    pub(super) fn columns_of_core(&self, core: SelectId) -> CompileResult<Vec<SubqueryColumn>> {
        let Some(pending) = self.compiler.names.pending.get(&core) else { return Ok(Vec::new()) };
        let nested = self.compiler.names.nested_from.get(&core).map_or(&[][..], Vec::as_slice);
        let names = pending.columns.iter().map(|column| column_name(&pending.env.ast, column)).collect();
        Ok(self.unique_columns(names, nested))
    }

    /// The columns of a view whose text names none: what is the column of a table is called as the table calls it.
    pub(super) fn columns_of_view(&self, core: SelectId) -> CompileResult<Vec<SubqueryColumn>> {
        let Some(pending) = self.compiler.names.pending.get(&core) else { return Ok(Vec::new()) };
        let ast = &pending.env.ast;
        let name = |column: &PendingColumn| {
            let written = column_name(ast, column);
            let (PendingColumnKind::Expr(expr), None) = (&column.kind, &column.alias) else { return written };
            let table = match *ast.expr(skip_collate(ast, *expr)) {
                ast::Expr::Id(_) => None,
                ast::Expr::Column { table, .. } => Some(ast.name(table)),
                _ => return written,
            };
            written.map(|name| self.canonical_name(core, table, &name).unwrap_or(name))
        };
        let names = pending.columns.iter().map(name).collect();
        Ok(self.unique_columns(names, &[]))
    }

    /// How the FROM item that has a column spells its name; `rowid` for the rowid.
    fn canonical_name(&self, core: SelectId, table: Option<&[u8]>, name: &[u8]) -> Option<Box<[u8]>> {
        let bound = &self.compiler.bound;
        let is_meant = |item: &&FromItem| {
            table.is_none_or(|table| item.alias.as_deref().unwrap_or(&item.name).eq_ignore_ascii_case(table))
        };
        let items = || bound[core].from.iter().filter(is_meant);
        let columns = |item: &FromItem| -> Vec<Box<[u8]>> {
            match item.table() {
                Some(table) => table.columns.iter().map(|column| column.name.clone()).collect(),
                None => bound.columns_of(item.cursor).iter().map(|column| column.name.clone()).collect(),
            }
        };
        let known = items().flat_map(columns).find(|known| known.eq_ignore_ascii_case(name));
        known.or_else(|| {
            let item = items().find(|item| has_visible_rowid(item)).filter(|_| is_rowid_name(name))?;
            let table = item.table()?;
            let alias = table.rowid_alias.and_then(|alias| table.columns.get(alias));
            Some(alias.map_or_else(|| b"rowid".as_slice().into(), |column| column.name.clone()))
        })
    }

    /// The columns that a query around a resolved SELECT would see, without their types.
    pub(super) fn columns_of_resolved(&self, select: SelectId) -> Vec<SubqueryColumn> {
        let bound = &self.compiler.bound;
        let first = bound.leftmost(select);
        let name = |column: &crate::bound::ResultColumn| -> Option<Box<[u8]>> {
            if let Some(alias) = &column.alias {
                return Some(alias.clone());
            }
            let expr = bound.skip_collate_and_likely(column.expr);
            match &bound[expr].kind {
                crate::bound::ExprKind::Column { .. } => super::result::column_name(self.compiler, expr),
                _ => column.span.map(|span| self.compiler.ast.source(span).into()),
            }
        };
        let names = bound[first].columns.iter().map(name).collect();
        self.unique_columns(names, &[])
    }

    /// Columns with these names, made unique: the second `a` is `a:1`. A column without a name, or called TRUE or FALSE, is `column3`.
    pub(super) fn unique_columns(
        &self,
        names: Vec<Option<Box<[u8]>>>,
        nested: &[NestedName],
    ) -> Vec<SubqueryColumn> {
        let mut known: HashMap<Box<[u8]>, bool> = HashMap::default();
        let mut columns = Vec::with_capacity(names.len());
        for (i, name) in names.into_iter().enumerate() {
            let name = name.filter(|name| super::expr::truth_word(name).is_none());
            let mut name = name.unwrap_or_else(|| format!("column{}", i + 1).into_bytes().into());
            let nested = nested.get(i);
            let mut no_expand = nested.is_some_and(|nested| nested.no_expand);
            let mut count: u32 = 0;
            while let Some(&is_using_term) = known.get(name.to_ascii_lowercase().as_slice()) {
                no_expand |= is_using_term;
                count += 1;
                name = [without_number(&name), format!(":{count}").as_bytes()].concat().into();
                if count > 3 {
                    // Many equal names: jump about instead of counting up to the first free number.
                    count = count.wrapping_mul(0x9e37_79b1).wrapping_add(i as u32);
                }
            }
            let is_using_term = nested.is_some_and(|nested| nested.using_term);
            known.insert(name.to_ascii_lowercase().into(), is_using_term);
            columns.push(SubqueryColumn {
                name,
                affinity: AFFINITY_NONE,
                collation: None,
                declared_type: None,
                no_expand,
            });
        }
        columns
    }
}

fn merged_column(name: &[u8], span: ast::Span) -> PendingColumn {
    PendingColumn {
        kind: PendingColumnKind::Name { database: None, table: None, column: name.into() },
        alias: None,
        span: Some(span),
        from_star: true,
    }
}

/// What a column is called before its expression is resolved: its alias, the last part of a name, else its text.
fn column_name(ast: &ast::Ast, column: &PendingColumn) -> Option<Box<[u8]>> {
    if let Some(alias) = &column.alias {
        return Some(alias.clone());
    }
    let expr = match &column.kind {
        PendingColumnKind::Name { column, .. } => return Some(column.clone()),
        &PendingColumnKind::Expr(expr) => skip_collate(ast, expr),
    };
    match *ast.expr(expr) {
        ast::Expr::Id(name) | ast::Expr::Column { column: name, .. } => Some(ast.name(name).into()),
        _ => column.span.map(|span| ast.source(span).into()),
    }
}

/// An expression without COLLATE operators around it.
pub(super) fn skip_collate(ast: &ast::Ast, mut expr: ast::ExprId) -> ast::ExprId {
    while let ast::Expr::Collate { operand, .. } = *ast.expr(expr) {
        expr = operand;
    }
    expr
}

/// `a:12` without `:12`.
fn without_number(name: &[u8]) -> &[u8] {
    let digits = name.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    match name.len().checked_sub(digits + 1) {
        Some(colon) if name[colon] == b':' => &name[..colon],
        _ => name,
    }
}
