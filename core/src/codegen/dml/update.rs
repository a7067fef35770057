//! UPDATE.
//!
//! ```text
//! one pass      the row is changed where the scan finds it
//! two passes    keys of all rows are collected first, then each is sought and changed
//! FROM          keys and new values of all rows are collected by a SELECT (`update_from`)
//! upsert        the cursor of the INSERT stands on the row
//! ```
//!
//! Only indexes with a changed column are touched. A row whose key changes is deleted and inserted again.
//!
//! Spec: UPDATE; UPSERT.

use std::sync::Arc;

use kernite_parser::ast::{self, Assignment, Expr, List, TriggerEvent};
use kernite_vdbe::op::{Cursor, OnConflict};
use kernite_vdbe::{Addr, Error, Reg};

use super::super::column;
use super::change::Changes;
use super::complete::Target;
use super::delete::{Limits, check_order, limited_filter, materialize_view};
use super::foreign_key::Required;
use super::remove::Pass;
use super::row::{self, TableCursors};
use super::trigger::{self, Triggers};
use super::{autoincrement, foreign_key, names, on_conflict, returning, target, update_from, update_virtual};
use crate::bound::{ExprFlags, ExprId, ExprKind, SelectId};
use crate::catalog::Table;
use crate::compile::{CompileResult, Compiler, action};

/// Codes an UPDATE.
pub fn update(c: &mut Compiler<'_>, statement: &ast::Update) -> CompileResult<()> {
    returning::begin(c, statement.returning, TriggerEvent::Update)?;
    update_with(c, statement, on_conflict(statement.conflict))
}

/// Codes an UPDATE with a conflict clause that may be another one than its own.
pub fn update_with(
    c: &mut Compiler<'_>,
    statement: &ast::Update,
    conflict: Option<OnConflict>,
) -> CompileResult<()> {
    let with = names::push_with(c, statement.with)?;
    let table = target::locate(c, &statement.target)?;
    let request = Request {
        target: &statement.target,
        indexed: statement.indexed,
        set: statement.set,
        from: statement.from,
        filter: statement.filter,
        limits: Limits { order_by: statement.order_by, limit: statement.limit },
        conflict,
        upsert: None,
    };
    let coded = code(c, table, &request);
    names::pop_with(c, with);
    coded
}

/// DO UPDATE of an upsert.
pub struct Upserted<'a> {
    pub target: ast::Target,
    pub set: List<Assignment>,
    pub filter: Option<ast::ExprId>,
    /// What the INSERT writes to: its cursors are used.
    pub write: &'a Target,
    /// Rowid of `excluded`.
    pub excluded: Reg,
}

/// Codes DO UPDATE. The data cursor stands on the row.
pub fn upserted(c: &mut Compiler<'_>, upserted: Upserted<'_>) -> CompileResult<()> {
    let request = Request {
        target: &upserted.target,
        indexed: ast::Indexed::Any,
        set: upserted.set,
        from: List::default(),
        filter: upserted.filter,
        limits: Limits { order_by: List::default(), limit: None },
        conflict: Some(OnConflict::Abort),
        upsert: Some((upserted.write.cursors, upserted.excluded)),
    };
    code(c, Arc::clone(&upserted.write.table), &request)
}

/// What is to be updated and how.
struct Request<'a> {
    target: &'a ast::Target,
    indexed: ast::Indexed,
    set: List<Assignment>,
    from: List<ast::Source>,
    filter: Option<ast::ExprId>,
    limits: Limits,
    conflict: Option<OnConflict>,
    /// An upsert: cursors of the INSERT, rowid of `excluded`.
    upsert: Option<(TableCursors, Reg)>,
}

/// One UPDATE under way.
pub(super) struct Updating {
    pub(super) table: Arc<Table>,
    pub(super) triggers: Triggers,
    /// The table as a FROM clause, with that of the statement behind it.
    pub(super) core: SelectId,
    pub(super) changes: Changes,
    /// New values, one for each assignment.
    pub(super) values: Vec<ExprId>,
    /// Which of them is the rowid.
    pub(super) rowid_value: Option<usize>,
    pub(super) conflict: Option<OnConflict>,
    pub(super) foreign_keys: Required,
    /// Other rows may be replaced.
    pub(super) may_replace: bool,
    /// Which trees have to be opened: the table, then its indexes.
    pub(super) wanted: Vec<bool>,
    pub(super) write: Target,
    /// First of the cursors reserved.
    pub(super) base: Cursor,
    pub(super) has_from: bool,
    pub(super) is_upsert: bool,
    pub(super) pass: Pass,
    /// The cursor may stand on the row in name only (deferred seek).
    pub(super) finish_seek: bool,
    /// Keys (and new values) of the rows, where they are collected.
    pub(super) keys: Cursor,
    pub(super) row_set: Reg,
    /// Rows: OLD with its rowid, NEW with its rowid. Without need of OLD the two rowids are one register.
    pub(super) old_rowid: Reg,
    pub(super) new_rowid: Reg,
    /// First column of the primary key of a WITHOUT ROWID table; what the row is sought by.
    pub(super) primary: Reg,
    pub(super) key: Reg,
    pub(super) key_count: u16,
    pub(super) row_count: Reg,
    pub(super) exit: Addr,
    pub(super) next: Addr,
    pub(super) top: Addr,
    /// The cursors with which the scan of a one-pass writes.
    pub(super) scan_cursors: [Option<Cursor>; 2],
}

fn code(c: &mut Compiler<'_>, table: Arc<Table>, request: &Request<'_>) -> CompileResult<()> {
    let changed = expand_set(c, request.set);
    let named =
        Changes { names: changed.iter().map(|(name, _)| name.clone()).collect(), ..Changes::default() };
    let triggers = trigger::exist(c, &table, TriggerEvent::Update, Some(&named))?;
    let is_view = row::is_view(&table);
    let has_from = !request.from.is_empty();
    let Limits { order_by, limit } = request.limits;
    if !is_view || has_from {
        check_order(order_by.is_empty(), limit.is_none(), "UPDATE")?;
    }
    let table = target::with_columns(c, table)?;
    target::check_writable(c, &table, &triggers)?;
    let (core, base, cursors) = reserve_cursors(c, &table, request)?;
    if has_from {
        let ast = Arc::clone(&c.ast);
        crate::resolve::from_clause(c, &ast, core, request.from, request.filter)?;
    }
    let mut updating = Updating {
        core,
        changes: Changes { assigned: vec![None; table.columns.len()], ..named },
        values: Vec::new(),
        rowid_value: None,
        conflict: request.conflict,
        foreign_keys: Required::No,
        may_replace: request.conflict == Some(OnConflict::Replace),
        wanted: vec![true; table.indexes.len() + 1],
        write: Target { table: Arc::clone(&table), cursors, index_regs: Vec::new(), record: Reg(0) },
        base,
        has_from,
        is_upsert: request.upsert.is_some(),
        pass: Pass::Two,
        finish_seek: true,
        keys: Cursor(0),
        row_set: Reg(0),
        old_rowid: Reg(0),
        new_rowid: Reg(0),
        primary: Reg(0),
        key: Reg(0),
        key_count: 0,
        row_count: Reg(0),
        exit: Addr(0),
        next: Addr(0),
        top: Addr(0),
        scan_cursors: [None; 2],
        triggers,
        table,
    };
    updating.bind_set(c, request, &changed)?;
    if has_from {
        update_from::check_sources(c, core)?;
    }
    let table = Arc::clone(&updating.table);
    if !row::is_virtual(&table)
        && !updating.has_from
        && let Some(item) = c.bound[core].from.first_mut()
    {
        // The new values are computed behind the scan, from the table itself.
        item.columns_used = 0;
    }
    updating.foreign_keys = foreign_key::required_for_update(c, &table, &updating.changes);
    updating.choose_indexes(c)?;
    if c.nested == 0 {
        c.builder.flags().counts_changes = true;
    }
    c.begin_write(!updating.triggers.is_empty() || updating.foreign_keys > Required::No, table.db);
    updating.reserve_registers(c);
    let context = is_view.then(|| c.auth_context.replace(Arc::from(&*table.name)));
    let filter = updating.bind_filter(c, request)?;
    if row::is_virtual(&table) {
        update_virtual::code(c, &updating, filter)?;
    } else {
        updating.run(c, request.target, request.limits, filter)?;
    }
    if c.nested == 0 && c.is_top_level() && !updating.is_upsert {
        autoincrement::store(c)?;
    }
    if updating.row_count.is_some() {
        returning::code_change_count(c, updating.row_count, "rows updated");
    }
    if let Some(context) = context {
        c.auth_context = context;
    }
    Ok(())
}

/// The value that a column is assigned.
#[derive(Clone, Copy)]
enum Assigned {
    Value(ast::ExprId),
    /// Column `at` of `count` of a SELECT.
    Field {
        select: ast::ExprId,
        at: usize,
        count: usize,
    },
}

/// The assignments, row values taken apart.
fn expand_set(c: &Compiler<'_>, set: List<Assignment>) -> Vec<(Box<[u8]>, Assigned)> {
    let ast = &c.ast;
    let mut expanded = Vec::with_capacity(set.len());
    for assignment in ast.list(set) {
        let columns = ast.list(assignment.columns);
        let fields = match *ast.expr(assignment.value) {
            Expr::Vector(fields) if assignment.vector => Some(ast.list(fields)),
            _ => None,
        };
        for (at, name) in columns.iter().enumerate() {
            let value = match fields.and_then(|fields| fields.get(at)) {
                Some(&field) => Assigned::Value(field),
                None if assignment.vector && matches!(ast.expr(assignment.value), Expr::Subquery(_)) => {
                    Assigned::Field { select: assignment.value, at, count: columns.len() }
                }
                None => Assigned::Value(assignment.value),
            };
            expanded.push((ast.text(name.value).into(), value));
        }
    }
    expanded
}

/// The table as a FROM clause, the first cursor reserved for it and its indexes, and the cursors that are used.
fn reserve_cursors(
    c: &mut Compiler<'_>,
    table: &Arc<Table>,
    request: &Request<'_>,
) -> CompileResult<(SelectId, Cursor, TableCursors)> {
    let core = names::scan(c, table, request.target, request.indexed)?;
    let base = names::cursor_of(c, core);
    let cursors = match request.upsert {
        Some((cursors, _)) => cursors,
        None => {
            if !table.indexes.is_empty() {
                c.builder.alloc_cursors(u16::try_from(table.indexes.len()).unwrap_or(u16::MAX));
            }
            let mut cursors = TableCursors { data: base, first_index: Cursor(base.0 + 1) };
            let key = row::indexes(table).position(|index| row::is_primary_key(table, index));
            if let Some(key) = key {
                cursors.data = cursors.index(key);
            }
            cursors
        }
    };
    // A SELECT with FROM reads the table by a cursor of its own.
    let scanned = if request.from.is_empty() { cursors.data } else { c.cursor() };
    if let Some(item) = c.bound[core].from.first_mut() {
        item.cursor = scanned;
    }
    Ok((core, base, cursors))
}

impl Updating {
    /// Binds the new values and finds out what changes.
    fn bind_set(
        &mut self,
        c: &mut Compiler<'_>,
        request: &Request<'_>,
        changed: &[(Box<[u8]>, Assigned)],
    ) -> CompileResult<()> {
        let table = Arc::clone(&self.table);
        let database = c.database_name(table.db).to_vec();
        let mut select = None;
        for (at, (name, value)) in changed.iter().enumerate() {
            let value = self.bind_value(c, request, *value, &mut select)?;
            self.values.push(value);
            let column = match table.find_column(name) {
                Some(column) => {
                    if table.rowid_alias == Some(column) {
                        self.changes.rowid = true;
                        self.rowid_value = Some(at);
                    } else if table.without_rowid && table.columns[column].flags.primary_key {
                        self.changes.key = true;
                    } else if table.columns[column].generated.is_some() {
                        let name = String::from_utf8_lossy(&table.columns[column].name);
                        return Err(Error::message(format!("cannot UPDATE generated column \"{name}\"")));
                    }
                    self.changes.assigned[column] = Some(at);
                    Some(column)
                }
                None if row::has_rowid(&table) && crate::catalog::is_rowid_name(name) => {
                    self.changes.rowid = true;
                    self.rowid_value = Some(at);
                    None
                }
                None => {
                    c.notes.check_schema = true;
                    let name = String::from_utf8_lossy(name);
                    return Err(Error::message(format!("no such column: {name}")));
                }
            };
            let shown = column.map_or(&b"ROWID"[..], |column| &table.columns[column].name);
            if !c.authorize(action::UPDATE, Some(&table.name), Some(shown), Some(&database))?
                && let Some(column) = column
            {
                self.changes.assigned[column] = None;
            }
        }
        self.changes.key |= self.changes.rowid;
        let mut changes = std::mem::take(&mut self.changes);
        let added = if table.has_generated { changes.add_generated(c, &table) } else { Ok(()) };
        self.changes = changes;
        added
    }

    fn bind_value(
        &self,
        c: &mut Compiler<'_>,
        request: &Request<'_>,
        value: Assigned,
        select: &mut Option<(ast::ExprId, ExprId)>,
    ) -> CompileResult<ExprId> {
        let bind = |c: &mut Compiler<'_>, expr| match request.upsert {
            Some((_, excluded)) => names::upserted(c, self.core, &self.table, excluded, expr),
            None => names::scoped(c, self.core, expr),
        };
        match value {
            Assigned::Value(expr) => bind(c, expr),
            Assigned::Field { select: expr, at, count } => {
                let subquery = match *select {
                    Some((known, subquery)) if known == expr => subquery,
                    _ => {
                        let subquery = bind(c, expr)?;
                        let found = c.bound.vector_size(subquery);
                        if found != count {
                            return Err(Error::message(format!("{count} columns assigned {found} values")));
                        }
                        *select = Some((expr, subquery));
                        subquery
                    }
                };
                let field = c
                    .bound
                    .expr(ExprKind::SubqueryColumn { subquery, column: u16::try_from(at).unwrap_or(0) });
                c.bound[field].flags.set(ExprFlags::HAS_SUBQUERY);
                Ok(field)
            }
        }
    }

    /// Gives a register to each index that has to be written.
    fn choose_indexes(&mut self, c: &mut Compiler<'_>) -> CompileResult<()> {
        let table = Arc::clone(&self.table);
        let rewrite = self.changes.key || self.foreign_keys == Required::Rewrite;
        for (at, index) in row::indexes(&table).enumerate() {
            let mut touched = rewrite || row::is_primary_key(&table, index);
            if !touched && let Some(filter) = column::index_filter(c, &table, index)? {
                touched = self.changes.touch(c, filter);
            }
            if !touched {
                for key in 0..index.key_columns {
                    touched = match column::index_column(index, key) {
                        column::EXPR => {
                            let expr = column::index_expr(c, &table, index, key)?;
                            self.changes.touch(c, expr)
                        }
                        number => usize::try_from(number).is_ok_and(|column| self.changes.has(column)),
                    };
                    if touched {
                        self.may_replace |= self.conflict.is_none()
                            && index.unique
                            && index.on_conflict == OnConflict::Replace;
                        break;
                    }
                }
            }
            self.wanted[at + 1] = touched;
            let columns = index.columns.len() as u32;
            self.write.index_regs.push(if touched { c.builder.alloc_regs(1 + columns) } else { Reg(0) });
        }
        if self.may_replace {
            // Any index may have to lose an entry of a row that is replaced.
            self.wanted.fill(true);
        }
        self.write.record = c.reg();
        Ok(())
    }

    fn reserve_registers(&mut self, c: &mut Compiler<'_>) {
        if row::is_virtual(&self.table) {
            return;
        }
        let columns = self.table.columns.len() as u32;
        let hooks = !self.triggers.is_empty() || self.foreign_keys > Required::No;
        let changes_primary_key = self.changes.key && !self.changes.rowid;
        self.row_set = self.write.record;
        self.old_rowid = c.reg();
        self.new_rowid = self.old_rowid;
        if changes_primary_key || hooks {
            c.builder.alloc_regs(columns);
        }
        if self.changes.key || hooks {
            self.new_rowid = c.reg();
        }
        c.builder.alloc_regs(columns);
    }

    /// Whether OLD is put into registers.
    pub(super) fn needs_old(&self) -> bool {
        (self.changes.key && !self.changes.rowid)
            || !self.triggers.is_empty()
            || self.foreign_keys > Required::No
    }

    /// The WHERE clause; of a view, the view's rows are collected here.
    fn bind_filter(&mut self, c: &mut Compiler<'_>, request: &Request<'_>) -> CompileResult<Option<ExprId>> {
        let table = Arc::clone(&self.table);
        if self.has_from {
            return Ok(c.bound[self.core].filter);
        }
        if row::is_view(&table) {
            let cursor = self.write.cursors.data;
            materialize_view(c, &table, request.target, request.filter, request.limits, cursor)?;
        } else if let Some((_, excluded)) = request.upsert {
            let bind = |filter| names::upserted(c, self.core, &table, excluded, filter);
            return request.filter.map(bind).transpose();
        } else {
            let what = (request.target, request.indexed);
            return limited_filter(c, &table, self.core, what, request.filter, request.limits);
        }
        request.filter.map(|filter| names::scoped(c, self.core, filter)).transpose()
    }
}
