//! DELETE.
//!
//! ```text
//! no WHERE, nothing hangs on the rows    the trees are emptied (truncate optimisation)
//! one pass                               rows are deleted as the scan finds them
//! two passes                             keys of all rows are collected first (rowid set, ephemeral index), then the rows are deleted
//! ```
//!
//! Spec: DELETE.

use std::sync::Arc;

use kernite_parser::ast::{self, Indexed, List, TriggerEvent};
use kernite_vdbe::op::{ConstId, Cursor, Op, WriteFlags};
use kernite_vdbe::{Addr, Error, Reg};

use super::super::column;
use super::remove::{self, Pass, Removal};
use super::row::{self, Opening, TableCursors};
use super::trigger::{self, Triggers};
use super::{autoincrement, foreign_key, names, query, returning, scan, target};
use crate::bound::{ExprFlags, ExprId, ExprKind, InSource, ResultColumn, SelectId};
use crate::catalog::Table;
use crate::compile::{CompileResult, Compiler, action};
use crate::plan::{OnePass, WhereLoop, control};

/// Codes a DELETE.
pub fn delete(c: &mut Compiler<'_>, statement: &ast::Delete) -> CompileResult<()> {
    returning::begin(c, statement.returning, TriggerEvent::Delete)?;
    let with = names::push_with(c, statement.with)?;
    let table = target::locate(c, &statement.target)?;
    let coded = code(c, &table, Some(statement));
    names::pop_with(c, with);
    coded
}

/// Deletes all rows of a table, as part of another statement.
pub fn delete_all_rows(c: &mut Compiler<'_>, table: &Arc<Table>) -> CompileResult<()> {
    code(c, table, None)
}

/// One DELETE under way.
struct Deletion {
    table: Arc<Table>,
    triggers: Triggers,
    core: SelectId,
    /// First of the cursors reserved: the table's, with its indexes' behind it.
    base: Cursor,
    /// Counter of `PRAGMA count_changes`.
    row_count: Reg,
}

fn code(c: &mut Compiler<'_>, table: &Arc<Table>, statement: Option<&ast::Delete>) -> CompileResult<()> {
    let triggers = trigger::exist(c, table, TriggerEvent::Delete, None)?;
    let mut complex = !triggers.is_empty() || foreign_key::required_for_delete(c, table);
    let is_view = row::is_view(table);
    if !is_view && let Some(statement) = statement {
        check_order(statement.order_by.is_empty(), statement.limit.is_none(), "DELETE")?;
    }
    let table = &target::with_columns(c, Arc::clone(table))?;
    target::check_writable(c, table, &triggers)?;
    let database = c.database_name(table.db).to_vec();
    // Ignored: the rows are deleted one by one.
    let allowed = c.authorize(action::DELETE, Some(&table.name), None, Some(&database))?;
    let core = match statement {
        Some(statement) => names::scan(c, table, &statement.target, statement.indexed)?,
        None => {
            let ast = Arc::clone(&c.ast);
            crate::resolve::target(c, &ast, table, None, Indexed::Any)?
        }
    };
    let base = names::cursor_of(c, core);
    if !table.indexes.is_empty() {
        c.builder.alloc_cursors(u16::try_from(table.indexes.len()).unwrap_or(u16::MAX));
    }
    let context = is_view.then(|| c.auth_context.replace(Arc::from(&*table.name)));
    if c.nested == 0 {
        c.builder.flags().counts_changes = true;
    }
    c.begin_write(complex, table.db);
    let mut filter = None;
    if let Some(statement) = statement {
        if is_view {
            let limits = Limits { order_by: statement.order_by, limit: statement.limit };
            materialize_view(c, table, &statement.target, statement.filter, limits, base)?;
            filter = statement.filter.map(|filter| names::scoped(c, core, filter)).transpose()?;
        } else {
            let limits = Limits { order_by: statement.order_by, limit: statement.limit };
            let what = (&statement.target, statement.indexed);
            filter = limited_filter(c, table, core, what, statement.filter, limits)?;
        }
    }
    let row_count = returning::begin_change_count(c);
    let deletion = Deletion { table: Arc::clone(table), triggers, core, base, row_count };
    let truncate = filter.is_none() && !complex && !row::is_virtual(table) && allowed;
    if truncate {
        deletion.truncate(c)?;
    } else {
        complex |= filter.is_some_and(|filter| c.bound[filter].flags.has(ExprFlags::HAS_SUBQUERY));
        deletion.scan(c, filter, complex)?;
    }
    if c.nested == 0 && c.is_top_level() {
        autoincrement::store(c)?;
    }
    if row_count.is_some() {
        returning::code_change_count(c, row_count, "rows deleted");
    }
    if let Some(context) = context {
        c.auth_context = context;
    }
    Ok(())
}

impl Deletion {
    /// Empties the trees.
    fn truncate(&self, c: &mut Compiler<'_>) -> CompileResult<()> {
        let table = &self.table;
        if row::has_rowid(table)
            && let Some(root) = table.root
        {
            let tree = c.builder.tree(table.db, root.get(), None);
            c.emit(Op::Clear { tree, count: self.row_count, count_change: true });
        }
        for index in row::indexes(table) {
            let key = c.index_key(index)?;
            let tree = c.builder.tree(index.db, index.root.get(), Some(key));
            let is_key = row::is_primary_key(table, index);
            let count = if is_key { self.row_count } else { Reg(0) };
            c.emit(Op::Clear { tree, count, count_change: is_key });
        }
        Ok(())
    }

    /// Finds the rows and deletes them.
    fn scan(&self, c: &mut Compiler<'_>, filter: Option<ExprId>, complex: bool) -> CompileResult<()> {
        let table = &self.table;
        let mut wanted = control::ONE_PASS_DESIRED | control::DUPLICATES_OK;
        if !complex {
            wanted |= control::ONE_PASS_MULTI_ROW;
        }
        let primary = row::primary_key(table).cloned();
        let key_count = primary.as_ref().map_or(1, |key| key.key_columns as u32);
        let mut set = Reg(0);
        let mut key = Reg(0);
        let mut keys = Cursor(0);
        let mut open_keys = None;
        match &primary {
            None => {
                set = c.reg();
                c.nulls(set, 1);
            }
            Some(primary) => {
                key = c.builder.alloc_regs(key_count);
                keys = c.cursor();
                let info = c.primary_key_info(primary)?;
                let columns = key_count as u16;
                open_keys =
                    Some(c.emit(Op::OpenEphemeral { cursor: keys, columns, key: info, unordered: false }));
            }
        }
        let index_cursors = Some(Cursor(self.base.0 + 1));
        let found = scan::begin(c, self.core, filter, wanted, index_cursors)?;
        let pass = pass_of(&found);
        if pass != Pass::Single {
            c.multi_write();
        }
        if found.deferred_seek {
            c.emit(Op::FinishSeek { cursor: self.base });
        }
        if self.row_count.is_some() {
            c.emit(Op::AddImm { value: self.row_count, amount: 1 });
        }
        match &primary {
            Some(primary) => read_key(c, table, primary, self.base, key)?,
            None => {
                key = c.reg();
                column::read(c, table, self.base, column::ROWID, key, column::HINT_NONE)?;
            }
        }
        if pass != Pass::Two {
            if let Some(open) = open_keys {
                c.builder.change_to_noop(open);
            }
            return self.one_pass(c, found, pass, key, key_count as u16);
        }
        let key_count = match &primary {
            Some(primary) => {
                let record = c.reg();
                store_key(c, table, primary, key, record, keys)?;
                key = record;
                0
            }
            None => {
                c.emit(Op::RowSetAdd { set, value: key });
                1
            }
        };
        found.end(c)?;
        let cursors = self.open(c, None)?;
        let (top, exit);
        if primary.is_some() {
            exit = c.emit(Op::Rewind { cursor: keys, empty: Addr(0) });
            top = c.here();
            if row::is_virtual(table) {
                // The update method gets the key itself.
                let (default, hint) = (ConstId(0), column::HINT_NONE);
                c.emit(Op::Column { cursor: keys, column: 0, out: key, default, hint });
            } else {
                c.emit(Op::RowData { cursor: keys, out: key });
            }
        } else {
            exit = c.emit(Op::RowSetRead { set, empty: Addr(0), out: key });
            top = exit;
        }
        self.delete_row(c, cursors, Pass::Two, (key, key_count), None)?;
        if primary.is_some() {
            c.emit(Op::Next { cursor: keys, to: top, counter: 0 });
        } else {
            c.goto(top);
        }
        c.jump_here(exit);
        Ok(())
    }

    /// Deletes each row where the scan finds it.
    fn one_pass(
        &self,
        c: &mut Compiler<'_>,
        found: WhereLoop,
        pass: Pass,
        key: Reg,
        key_count: u16,
    ) -> CompileResult<()> {
        let table = &self.table;
        let base = self.base;
        let mut wanted = vec![true; table.indexes.len() + 1];
        for cursor in found.one_pass_cursors.into_iter().flatten() {
            if let Some(wanted) = wanted.get_mut(usize::from(cursor.0 - base.0)) {
                *wanted = false;
            }
        }
        let bypass = c.label();
        let once = (pass == Pass::Multi).then(|| c.emit(Op::Once { to: Addr(0) }));
        let cursors = self.open(c, Some(&wanted))?;
        if let Some(once) = once
            && !c.builder.remove_last(once)
        {
            c.jump_here(once);
        }
        let data_at = usize::from(cursors.data.0 - base.0);
        if !row::is_virtual(table) && wanted.get(data_at).copied().unwrap_or(false) {
            c.emit(Op::NotFound { cursor: cursors.data, key, count: key_count, to: bypass });
        }
        let sought = found.one_pass_cursors[1];
        self.delete_row(c, cursors, pass, (key, key_count), sought)?;
        c.bind(bypass);
        found.end(c)
    }

    /// Opens what has to be written. A view has nothing to be opened.
    fn open(&self, c: &mut Compiler<'_>, wanted: Option<&[bool]>) -> CompileResult<TableCursors> {
        if row::is_view(&self.table) || row::is_virtual(&self.table) {
            return Ok(TableCursors { data: self.base, first_index: self.base });
        }
        let opening = Opening { for_delete: true, first: Some(self.base), wanted, ..Opening::default() };
        row::open_table_and_indexes(c, &self.table, opening)
    }

    fn delete_row(
        &self,
        c: &mut Compiler<'_>,
        cursors: TableCursors,
        pass: Pass,
        (key, key_count): (Reg, u16),
        sought_index: Option<Cursor>,
    ) -> CompileResult<()> {
        if row::is_virtual(&self.table) {
            c.may_abort();
            if pass == Pass::Single {
                c.emit(Op::Close { cursor: self.base });
                if c.is_top_level() {
                    c.builder.flags().multi_write = false;
                }
            }
            target::update_virtual(c, &self.table, key, 1, None, false);
            return Ok(());
        }
        let removal = Removal {
            table: &self.table,
            triggers: &self.triggers,
            cursors,
            key,
            key_count,
            count_change: c.nested == 0,
            conflict: None,
            pass,
            sought_index,
        };
        remove::row(c, &removal)
    }
}

/// How the rows found by a scan are to be changed.
pub fn pass_of(found: &WhereLoop) -> Pass {
    match found.one_pass {
        OnePass::Off => Pass::Two,
        OnePass::Single => Pass::Single,
        OnePass::Multi => Pass::Multi,
    }
}

/// Reads the primary key of the row under the data cursor.
pub fn read_key(
    c: &mut Compiler<'_>,
    table: &Arc<Table>,
    primary: &crate::catalog::Index,
    data: Cursor,
    first: Reg,
) -> CompileResult<()> {
    for at in 0..primary.key_columns {
        let number = column::index_column(primary, at);
        column::read(c, table, data, number, first.plus(at as u32), column::HINT_NONE)?;
    }
    Ok(())
}

/// Keeps the primary key in an ephemeral index.
pub fn store_key(
    c: &mut Compiler<'_>,
    table: &Arc<Table>,
    primary: &Arc<crate::catalog::Index>,
    first: Reg,
    record: Reg,
    keys: Cursor,
) -> CompileResult<()> {
    let count = primary.key_columns;
    let mut letters = column::index_affinities(c, table, primary)?;
    letters.truncate(count);
    let affinities = c.builder.affinity(&letters);
    c.emit(Op::MakeRecord { first, count: count as u32, out: record, affinities });
    c.emit(Op::IdxInsert { cursor: keys, record, first, count: count as u16, flags: WriteFlags::default() });
    Ok(())
}

/// ORDER BY and LIMIT of an UPDATE or DELETE.
#[derive(Clone, Copy)]
pub struct Limits {
    pub order_by: List<ast::OrderTerm>,
    pub limit: Option<ast::Limit>,
}

/// ORDER BY means nothing without LIMIT.
pub fn check_order(no_order: bool, no_limit: bool, statement: &str) -> CompileResult<()> {
    if !no_order && no_limit {
        return Err(Error::message(format!("ORDER BY without LIMIT on {statement}")));
    }
    Ok(())
}

/// The condition on the rows of a scan. With LIMIT: that the row's key is among those of `SELECT key FROM table WHERE … LIMIT …`.
pub fn limited_filter(
    c: &mut Compiler<'_>,
    table: &Arc<Table>,
    core: SelectId,
    (what, indexed): (&ast::Target, Indexed),
    filter: Option<ast::ExprId>,
    limits: Limits,
) -> CompileResult<Option<ExprId>> {
    let Some(limit) = limits.limit else {
        return filter.map(|filter| names::scoped(c, core, filter)).transpose();
    };
    let inner = names::scan(c, table, what, indexed)?;
    if let Some(item) = c.bound[core].from.first_mut() {
        item.hint = crate::bound::IndexHint::Any;
    }
    let key_columns: Vec<Option<usize>> = match row::primary_key(table) {
        None => vec![None],
        Some(key) => {
            (0..key.key_columns).map(|at| usize::try_from(column::index_column(key, at)).ok()).collect()
        }
    };
    let bind = |c: &mut Compiler<'_>, expr| names::scoped(c, inner, expr);
    let offset = limit.offset.map(|offset| names::trigger_expr(c, offset)).transpose()?;
    let count = names::trigger_expr(c, limit.count)?;
    for &key in &key_columns {
        let expr = scan::column(c, inner, table, key);
        let column = ResultColumn { expr, alias: None, span: None, from_star: false, unused: false };
        c.bound[inner].columns.push(column);
    }
    let filter = filter.map(|filter| bind(c, filter)).transpose()?;
    let order_by = names::order_terms(c, inner, limits.order_by)?;
    let id = c.next_select_id();
    let select = &mut c.bound[inner];
    select.filter = filter;
    select.order_by = order_by;
    select.limit = Some(count);
    select.offset = offset;
    select.id = id;
    let mut operands: Vec<ExprId> =
        key_columns.iter().map(|&key| scan::column(c, core, table, key)).collect();
    let operand = match operands.len() {
        1 => operands.remove(0),
        _ => c.bound.expr(ExprKind::Vector(operands)),
    };
    let found = c.bound.expr(ExprKind::In { operand, source: InSource::Select(inner), negated: false });
    c.bound[found].flags.set(ExprFlags::HAS_SUBQUERY);
    Ok(Some(found))
}

/// Puts the rows of a view that satisfy a condition into the ephemeral table `cursor`.
pub fn materialize_view(
    c: &mut Compiler<'_>,
    view: &Arc<Table>,
    what: &ast::Target,
    filter: Option<ast::ExprId>,
    limits: Limits,
    cursor: Cursor,
) -> CompileResult<()> {
    let mut sql = b"SELECT * FROM ".to_vec();
    let database = c.database_name(view.db).to_vec();
    names::push_quoted(&mut sql, &database);
    sql.push(b'.');
    names::push_quoted(&mut sql, &view.name);
    if let Some(alias) = what.alias {
        sql.extend_from_slice(b" AS ");
        let alias = c.ast.name(alias).to_vec();
        names::push_quoted(&mut sql, &alias);
    }
    let select = names::with_text(c, &sql, |c, statement| match statement {
        ast::Statement::Select(id) => names::select(c, *id),
        _ => Err(Error::message("a view was not selected from")),
    })?;
    let filter = filter.map(|filter| names::scoped(c, select, filter)).transpose()?;
    let order_by = names::order_terms(c, select, limits.order_by)?;
    if let Some(limit) = limits.limit {
        let count = names::trigger_expr(c, limit.count)?;
        let offset = limit.offset.map(|offset| names::trigger_expr(c, offset)).transpose()?;
        c.bound[select].limit = Some(count);
        c.bound[select].offset = offset;
    }
    c.bound[select].filter = filter;
    c.bound[select].order_by = order_by;
    query::ephemeral(c, select, cursor)
}
