//! Columns by name.
//!
//! A name is looked for from the innermost query outward: among the columns of its FROM items, then NEW, OLD and `excluded`, then as a
//! rowid, then among the aliases of its result columns. Two matches are ambiguous, unless USING merged them. What is found nowhere is a
//! string if it was double-quoted, TRUE or FALSE if it is spelled so, else an error.

use std::sync::Arc;

use kernite_parser::ast::{self, TriggerEvent};
use kernite_vdbe::Error;

use super::join::column_mask;
use super::recording::Tokens;
use super::star::has_visible_rowid;
use super::{Env, NestedName, Resolver};
use crate::bound::{Expr, ExprFlags, ExprId, ExprKind, FromItem, SelectId, SelfContext};
use crate::catalog::{Table, TableKind, is_rowid_name};
use crate::compile::{CompileResult, lossy};

/// A name as typed, or as a star made it.
#[derive(Clone, Copy)]
pub(super) struct Name<'n> {
    pub(super) database: Option<&'n [u8]>,
    pub(super) table: Option<&'n [u8]>,
    pub(super) column: &'n [u8],
    pub(super) double_quoted: bool,
    /// Not quoted at all, so that it may be TRUE or FALSE.
    pub(super) unquoted: bool,
    pub(super) span: Option<ast::Span>,
    /// Its tokens, where it was typed.
    pub(super) tokens: Option<Tokens>,
}

/// The matches in the FROM items of one query.
#[derive(Default)]
struct Matches {
    /// How many columns match.
    count: usize,
    /// How many items could have it as their rowid.
    rowids: usize,
    /// The item and column of the last match.
    item: Option<usize>,
    column: i16,
    /// Earlier matches that a FULL JOIN merges with the last.
    merged: Vec<(usize, i16)>,
}

impl Resolver<'_, '_> {
    /// What a name means, seen from context `start`.
    pub(super) fn lookup(&mut self, env: &Env, start: usize, name: Name<'_>) -> CompileResult<ExprId> {
        let mut name = name;
        let schema_expr = self.contexts[start].schema_expr;
        if matches!(schema_expr, Some(SelfContext::Check | SelfContext::PartialIndex)) {
            // A wrong database there was never an error.
            name.database = None;
        }
        let mut matches = Matches::default();
        let mut depth = 0;
        let mut next = Some(start);
        while let Some(at) = next {
            let found = self.lookup_at(start, at, depth, name, &mut matches)?;
            if found.is_some() || matches.count > 0 {
                return self.finish_lookup(env, start, at, name, matches, found);
            }
            depth += 1;
            next = self.contexts[at].parent;
        }
        if name.table.is_none() {
            if name.double_quoted && self.double_quoted_strings(start) {
                let expr = self.add(ExprKind::Text(name.column.into()), name.span);
                self.compiler.bound[expr].flags.set(ExprFlags::QUOTED_STRING);
                self.record_string(env, name.tokens.map(|tokens| tokens.column));
                return Ok(expr);
            }
            if name.unquoted
                && let Some(value) = super::expr::truth_word(name.column)
            {
                return Ok(self.truth(value, name.span));
            }
        }
        Err(self.not_one(env, name, 0))
    }

    /// Looks at one level. Gives the expression where it is not a column of a FROM item.
    fn lookup_at(
        &mut self,
        start: usize,
        at: usize,
        depth: u32,
        name: Name<'_>,
        matches: &mut Matches,
    ) -> CompileResult<Option<ExprId>> {
        if let Some(select) = self.contexts[at].sources {
            self.match_items(select, name, matches);
        }
        let context = &self.contexts[at];
        if let Some(table) = &context.self_table
            && name.table.is_none_or(|qualifier| is_table_name(qualifier, table, name.database))
        {
            let table = Arc::clone(table);
            if let Some(column) = column_of(&table, name.column) {
                matches.count += 1;
                return Ok(Some(self.add(ExprKind::SelfColumn { column, table }, name.span)));
            }
            let with_rowid =
                !matches!(context.schema_expr, Some(SelfContext::IndexExpr | SelfContext::Generated));
            if with_rowid && is_rowid_name(name.column) && has_rowid(&table) {
                matches.count += 1;
                return Ok(Some(self.add(ExprKind::SelfColumn { column: -1, table }, name.span)));
            }
        }
        if matches.count == 0
            && name.database.is_none()
            && let Some(expr) = self.match_row(at, name)
        {
            matches.count = 1;
            return Ok(Some(expr));
        }
        if matches.count == 0 && matches.rowids > 0 && matches.item.is_some() && is_rowid_name(name.column) {
            matches.count = matches.rowids;
            if let (Some(item), Some(select)) = (matches.item, self.contexts[at].sources)
                && self.nested_names(&self.compiler.bound[select].from[item]).is_none()
            {
                matches.column = -1;
            }
        }
        if matches.count == 0
            && name.table.is_none()
            && let Some(core) = self.contexts[at].aliases
            && let Some(expr) = self.match_alias(start, at, depth, core, name)?
        {
            matches.count = 1;
            return Ok(Some(expr));
        }
        Ok(None)
    }

    /// Looks at the FROM items of a core.
    fn match_items(&mut self, select: SelectId, name: Name<'_>, matches: &mut Matches) {
        let schema = name.database.and_then(|database| self.compiler.catalog.find_qualifier(database));
        let mut used = Vec::new();
        let bound = &self.compiler.bound;
        for (i, item) in bound[select].from.iter().enumerate() {
            let nested = self.nested_names(item);
            if let Some(nested) = nested {
                let hit = match_nested(item, i, nested, name, matches, &mut used);
                if hit || name.table.is_none() {
                    continue;
                }
            }
            if let Some(table) = name.table {
                if let Some(database) = name.database {
                    let item_schema = item.schema_object().map(|table| table.db);
                    if item_schema != schema || (schema.is_none() && database != b"*") {
                        continue;
                    }
                }
                let fits = match (&item.alias, item.table()) {
                    (Some(alias), _) => alias.eq_ignore_ascii_case(table),
                    (None, Some(known)) => is_table_name(table, known, name.database),
                    (None, None) => item.name.eq_ignore_ascii_case(table),
                };
                if !fits {
                    continue;
                }
            }
            if let Some(column) = bound.find_column(item, name.column) {
                if matches.count > 0 && !matches.admit(i, item, name.column, false) {
                    continue;
                }
                matches.count += 1;
                matches.item = Some(i);
                let rowid_alias = item.table().and_then(|table| table.rowid_alias);
                matches.column = if rowid_alias == Some(column) { -1 } else { column as i16 };
                used.push((i, column));
            }
            if matches.count == 0 && has_visible_rowid(item) {
                matches.rowids += 1;
                matches.item = Some(i);
            }
        }
        for (item, column) in used {
            self.note_nested_use(select, item, column);
        }
    }

    /// NEW and OLD of a trigger, the row of RETURNING, `excluded` of an UPSERT.
    fn match_row(&mut self, at: usize, name: Name<'_>) -> Option<ExprId> {
        let context = &self.contexts[at];
        if let Some(scope) = &self.compiler.trigger {
            let is = |word: &[u8]| name.table.is_some_and(|table| table.eq_ignore_ascii_case(word));
            let new = if scope.returning {
                let fits = name.table.is_none_or(|table| is_table_name(table, &scope.table, None));
                (context.allowed.returning && fits).then_some(scope.event != TriggerEvent::Delete)
            } else if scope.event != TriggerEvent::Delete && is(b"new") {
                Some(true)
            } else if scope.event != TriggerEvent::Insert && is(b"old") {
                Some(false)
            } else {
                None
            };
            if let Some(new) = new {
                let table = Arc::clone(&scope.table);
                let returning = scope.returning;
                let column = column_or_rowid(&table, name.column)?;
                self.note_trigger_column(new, column);
                let kind = ExprKind::TriggerColumn { new, column, table, returning };
                return Some(self.add(kind, name.span));
            }
        }
        let (table, first) = self.contexts[at].excluded.as_ref()?;
        if !name.table.is_some_and(|table| table.eq_ignore_ascii_case(b"excluded")) {
            return None;
        }
        let column = column_or_rowid(table, name.column)?;
        // The rowid lies in front of the columns.
        let offset = u32::try_from(column + 1).unwrap_or(0);
        let offset = if offset == 0 { 0 } else { 1 + table.storage_index(column as usize) as u32 };
        let reg = first.plus(offset);
        Some(self.add(ExprKind::Register { reg, of: None }, name.span))
    }

    fn note_trigger_column(&mut self, new: bool, column: i16) {
        if let Some(scope) = &mut self.compiler.trigger
            && let Ok(column) = u32::try_from(column)
        {
            let bits = if column >= 32 { u32::MAX } else { 1 << column };
            *(if new { &mut scope.new_mask } else { &mut scope.old_mask }) |= bits;
        }
    }

    /// The alias of a result column: a copy of what it stands for.
    fn match_alias(
        &mut self,
        start: usize,
        at: usize,
        depth: u32,
        core: SelectId,
        name: Name<'_>,
    ) -> CompileResult<Option<ExprId>> {
        let columns = &self.compiler.bound[core].columns;
        let is_alias = |alias: &[u8]| alias.eq_ignore_ascii_case(name.column);
        let Some(column) = columns.iter().find(|column| column.alias.as_deref().is_some_and(is_alias)) else {
            return Ok(None);
        };
        let original = column.expr;
        let alias = || lossy(column.alias.as_deref().unwrap_or_default()).into_owned();
        let flags = self.compiler.bound[original].flags;
        let allowed = self.contexts[at].allowed;
        if !allowed.aggregates && flags.has(ExprFlags::HAS_AGGREGATE) {
            return Err(Error::message(format!("misuse of aliased aggregate {}", alias())));
        }
        if flags.has(ExprFlags::HAS_WINDOW) && (!allowed.windows || at != start) {
            return Err(Error::message(format!("misuse of aliased window function {}", alias())));
        }
        if self.compiler.bound.vector_size(original) != 1 {
            return Err(Error::message("row value misused"));
        }
        Ok(Some(self.copy_for_alias(original, depth)))
    }

    /// A copy of a result column, `depth` subqueries further in.
    pub(super) fn copy_for_alias(&mut self, original: ExprId, depth: u32) -> ExprId {
        let bound = &mut self.compiler.bound;
        let copy = bound.copy(original);
        bound[copy].flags.set(ExprFlags::FROM_ALIAS);
        if depth > 0 {
            bound.deepen_aggregates(copy, depth);
        }
        copy
    }

    fn finish_lookup(
        &mut self,
        env: &Env,
        start: usize,
        at: usize,
        name: Name<'_>,
        matches: Matches,
        found: Option<ExprId>,
    ) -> CompileResult<ExprId> {
        let Matches { count, item, column, mut merged, .. } = matches;
        let (Some(item), Some(select), None) = (item, self.contexts[at].sources, found) else {
            let Some(expr) = found else { return Err(self.not_one(env, name, count)) };
            self.count_references(start, at);
            self.record_found(env, at, name, expr);
            if matches!(self.compiler.bound[expr].kind, ExprKind::TriggerColumn { .. }) {
                self.authorize_column(expr, None)?;
            }
            return Ok(expr);
        };
        if count != 1 && (merged.is_empty() || merged.len() != count - 1) {
            return Err(self.not_one(env, name, count));
        }
        let is_merged = count != 1;
        merged.push((item, column));
        let mut columns = Vec::with_capacity(merged.len());
        for (item, column) in merged {
            let expr = self.item_column(select, item, column, name.span);
            let from = &self.compiler.bound[select].from[item];
            if let Some(table) = from.table().cloned() {
                let by_table_name = from.alias.is_none();
                self.record_column(env, name.tokens, &table, column, by_table_name);
            }
            if is_merged {
                self.compiler.bound[expr].flags.set(ExprFlags::CAN_BE_NULL);
            }
            columns.push(expr);
        }
        self.count_references(start, at);
        for &column in &columns {
            self.authorize_column(column, Some((select, item)))?;
        }
        if is_merged {
            return self.coalesce(columns);
        }
        Ok(columns[0])
    }

    /// Notes what a name means that is no column of a FROM item.
    fn record_found(&mut self, env: &Env, at: usize, name: Name<'_>, expr: ExprId) {
        if self.compiler.names.recording.is_none() {
            return;
        }
        let (table, column, by_table_name) = match &self.compiler.bound[expr].kind {
            ExprKind::SelfColumn { table, column } => (Arc::clone(table), *column, true),
            ExprKind::TriggerColumn { table, column, .. } => (Arc::clone(table), *column, false),
            ExprKind::Register { .. } => match &self.contexts[at].excluded {
                Some((table, _)) => {
                    (Arc::clone(table), column_or_rowid(table, name.column).unwrap_or(-1), false)
                }
                None => return,
            },
            _ => return,
        };
        self.record_column(env, name.tokens, &table, column, by_table_name);
    }

    /// A reference to a column of a FROM item, noted as used.
    fn item_column(&mut self, select: SelectId, item: usize, column: i16, span: Option<ast::Span>) -> ExprId {
        let from = &mut self.compiler.bound[select].from[item];
        match usize::try_from(column) {
            Ok(column) => from.columns_used |= column_mask(from, column),
            Err(_) => from.rowid_used = true,
        }
        let can_be_null = from.join.left || from.join.left_of_right_join;
        let (cursor, table) = (from.cursor, from.table().cloned());
        let expr = self.add(ExprKind::Column { cursor, column, table }, span);
        if can_be_null {
            self.compiler.bound[expr].flags.set(ExprFlags::CAN_BE_NULL);
        }
        expr
    }

    /// Asks the authorizer about a column; a column it ignores reads as NULL.
    fn authorize_column(&mut self, expr: ExprId, place: Option<(SelectId, usize)>) -> CompileResult<()> {
        if self.compiler.authorizer.is_none() {
            return Ok(());
        }
        let (table, column) = match (&self.compiler.bound[expr].kind, place) {
            (ExprKind::TriggerColumn { returning: true, .. }, _) => return Ok(()),
            (ExprKind::TriggerColumn { table, column, .. }, _) => (Arc::clone(table), *column),
            (ExprKind::Column { column, cursor, .. }, Some((select, _))) => {
                let from = &self.compiler.bound[select].from;
                let item = from.iter().find(|item| item.cursor == *cursor);
                match item.and_then(FromItem::schema_object) {
                    Some(table) => (Arc::clone(table), *column),
                    None => return Ok(()),
                }
            }
            _ => return Ok(()),
        };
        let name: Box<[u8]> = match usize::try_from(column).ok().or(table.rowid_alias) {
            Some(column) if matches!(table.kind, TableKind::View { .. }) => {
                match self.compiler.bound[expr].kind {
                    ExprKind::Column { cursor, .. } => {
                        let columns = self.compiler.bound.columns_of(cursor);
                        columns.get(column).map_or(Box::default(), |column| column.name.clone())
                    }
                    _ => table.columns.get(column).map_or(Box::default(), |column| column.name.clone()),
                }
            }
            Some(column) => table.columns.get(column).map_or(Box::default(), |column| column.name.clone()),
            None => b"ROWID".as_slice().into(),
        };
        match self.compiler.authorize_read(&table.name, &name, table.db) {
            Ok(true) => {}
            Ok(false) => self.compiler.bound[expr].kind = ExprKind::Null,
            Err(error) => self.soften(error),
        }
        Ok(())
    }

    fn count_references(&mut self, start: usize, at: usize) {
        let mut next = Some(start);
        while let Some(level) = next {
            self.contexts[level].references += 1;
            if level == at {
                break;
            }
            next = self.contexts[level].parent;
        }
    }

    /// Whether a double-quoted name that is no column may be a string.
    fn double_quoted_strings(&self, start: usize) -> bool {
        let options = self.compiler.options;
        if options.loading_schema {
            return true;
        }
        if self.contexts[start].allowed.is_ddl {
            return (options.can_write_schema() && options.double_quoted_dml) || options.double_quoted_ddl;
        }
        options.double_quoted_dml
    }

    /// The error of a name that means nothing, or too much.
    fn not_one(&mut self, env: &Env, name: Name<'_>, count: usize) -> Error {
        if let Some(span) = name.span {
            self.note_offset(env, span);
        }
        self.compiler.notes.check_schema = true;
        let what = if count == 0 { "no such column" } else { "ambiguous column name" };
        let column = lossy(name.column);
        Error::message(match (name.database, name.table) {
            (Some(database), Some(table)) => format!("{what}: {}.{}.{column}", lossy(database), lossy(table)),
            (_, Some(table)) => format!("{what}: {}.{column}", lossy(table)),
            (_, None) if count == 0 && name.double_quoted => {
                format!("{what}: \"{column}\" - should this be a string literal in single-quotes?")
            }
            (_, None) => format!("{what}: {column}"),
        })
    }
}

impl Matches {
    /// A further match: whether it counts. Columns merged by USING count once (the left one, or the right one for RIGHT JOIN), or make a
    /// coalesce() for FULL JOIN.
    fn admit(&mut self, i: usize, item: &FromItem, column: &[u8], same_item_is_ambiguous: bool) -> bool {
        let merged = item.using.iter().any(|known| known.eq_ignore_ascii_case(column));
        if !merged || (same_item_is_ambiguous && self.item == Some(i)) {
            self.merged.clear();
        } else if !item.join.right {
            return false;
        } else if !item.join.left {
            self.count = 0;
            self.merged.clear();
        } else if let Some(item) = self.item {
            self.merged.push((item, self.column));
        }
        true
    }
}

/// Looks at the columns of a parenthesised join, whose tables can be named.
fn match_nested(
    item: &FromItem,
    i: usize,
    nested: &[NestedName],
    name: Name<'_>,
    matches: &mut Matches,
    used: &mut Vec<(usize, usize)>,
) -> bool {
    let mut hit = false;
    for (column, inner) in nested.iter().enumerate() {
        let fits = name.database.is_none_or(|database| inner.database.eq_ignore_ascii_case(database))
            && name.table.is_none_or(|table| inner.table.eq_ignore_ascii_case(table))
            && if inner.rowid {
                is_rowid_name(name.column)
            } else {
                inner.column.eq_ignore_ascii_case(name.column)
            };
        if !fits {
            continue;
        }
        if !inner.rowid {
            if matches.count > 0 && !matches.admit(i, item, name.column, true) {
                continue;
            }
            matches.count += 1;
            hit = true;
        } else if matches.count > 0 {
            continue;
        }
        matches.rowids += 1;
        matches.item = Some(i);
        matches.column = column as i16;
        used.push((i, column));
        if inner.using_term {
            break;
        }
    }
    hit
}

/// Whether `name` is the table's name, or another spelling of a schema table's.
fn is_table_name(name: &[u8], table: &Table, database: Option<&[u8]>) -> bool {
    use crate::catalog::{SCHEMA_TABLE, SCHEMA_TABLE_ALIAS, TEMP_SCHEMA_TABLE, TEMP_SCHEMA_TABLE_ALIAS};
    let is = |known: &[u8]| name.eq_ignore_ascii_case(known);
    if is(&table.name) {
        return true;
    }
    if table.root != Some(kernite_btree::PageNo::ONE) {
        return false;
    }
    if *table.name == *TEMP_SCHEMA_TABLE {
        return is(TEMP_SCHEMA_TABLE_ALIAS)
            || (database.is_some() && (is(SCHEMA_TABLE) || is(SCHEMA_TABLE_ALIAS)));
    }
    is(SCHEMA_TABLE_ALIAS)
}

/// A column by name; -1 for the one that is the rowid.
fn column_of(table: &Table, name: &[u8]) -> Option<i16> {
    let column = table.find_column(name)?;
    if table.rowid_alias == Some(column) { Some(-1) } else { i16::try_from(column).ok() }
}

fn column_or_rowid(table: &Table, name: &[u8]) -> Option<i16> {
    column_of(table, name).or_else(|| (is_rowid_name(name) && has_rowid(table)).then_some(-1))
}

fn has_rowid(table: &Table) -> bool {
    !table.without_rowid && !matches!(table.kind, TableKind::View { .. })
}

impl Resolver<'_, '_> {
    /// Adds an expression with what it inherits from its operands.
    pub(super) fn add(&mut self, kind: ExprKind, span: Option<ast::Span>) -> ExprId {
        let bound = &mut self.compiler.bound;
        let expr = bound.add(Expr { kind, flags: ExprFlags::default(), join_cursor: None, span });
        let mut inherited = 0;
        bound.for_each_operand(expr, |operand| {
            let flags = bound[operand].flags;
            if !flags.has(ExprFlags::FROM_ALIAS) {
                inherited |= flags.0 & ExprFlags::PROPAGATED;
            }
        });
        bound[expr].flags.set(inherited);
        expr
    }

    /// TRUE or FALSE.
    pub(super) fn truth(&mut self, value: bool, span: Option<ast::Span>) -> ExprId {
        let expr = self.add(ExprKind::Integer(i64::from(value)), span);
        self.compiler.bound[expr].flags.set(ExprFlags::BOOLEAN_LITERAL);
        expr
    }
}
