//! INSERT and REPLACE.
//!
//! ```text
//!     rows come from        VALUES of one row: straight through
//!                           SELECT or more rows: a co-routine, or an ephemeral table where the target is read or has triggers
//! top: next row
//!     columns in registers  given ones, defaults
//!     BEFORE triggers       on a copy: the rowid is not known yet (-1)
//!     rowid                 given or new
//!     constraint checks, foreign keys
//!     entries and row written
//!     AFTER triggers
//!     go to top
//! ```
//!
//! Spec: INSERT; UPSERT; RETURNING; Generated Columns.

use std::sync::Arc;

use kernite_parser::ast::{self, InsertSource, TriggerEvent};
use kernite_vdbe::op::{ConstId, Cursor, OnConflict, Op};
use kernite_vdbe::{Addr, Error, Reg};

use super::super::{column, expr};
use super::complete::{Completion, Target, complete};
use super::constraint::{self, NewRow};
use super::row::{self, Opening};
use super::source::{self, Rows};
use super::trigger::{self, Site, Triggers};
use super::upsert::Upsert;
use super::{autoincrement, foreign_key, names, on_conflict, returning, target, transfer};
use crate::bound::{ExprFlags, ExprKind};
use crate::catalog::Table;
use crate::compile::{CompileResult, Compiler, action};

/// Codes an INSERT.
pub fn insert(c: &mut Compiler<'_>, statement: &ast::Insert) -> CompileResult<()> {
    returning::begin(c, statement.returning, TriggerEvent::Insert)?;
    insert_with(c, statement, on_conflict(statement.conflict))
}

/// Codes an INSERT with a conflict clause that may be another one than its own.
pub fn insert_with(
    c: &mut Compiler<'_>,
    statement: &ast::Insert,
    conflict: Option<OnConflict>,
) -> CompileResult<()> {
    let with = names::push_with(c, statement.with)?;
    let coded = code(c, statement, conflict);
    names::pop_with(c, with);
    coded
}

/// One INSERT under way.
struct Insertion<'a> {
    statement: &'a ast::Insert,
    table: Arc<Table>,
    triggers: Triggers,
    conflict: Option<OnConflict>,
    rows: Rows,
    /// By column of the table: which given value it gets.
    given: Vec<Option<usize>>,
    /// Which given value is the rowid.
    rowid_value: Option<usize>,
    /// Rowid, then the columns.
    new: Reg,
    /// Largest rowid of an AUTOINCREMENT table.
    counter: Reg,
    /// Where a row goes that is not to be inserted.
    end_of_row: Addr,
    /// Row counter of `PRAGMA count_changes`.
    row_count: Reg,
}

fn code(c: &mut Compiler<'_>, statement: &ast::Insert, conflict: Option<OnConflict>) -> CompileResult<()> {
    let table = target::locate(c, &statement.target)?;
    let database = c.database_name(table.db).to_vec();
    if !c.authorize(action::INSERT, Some(&table.name), None, Some(&database))? {
        return Ok(());
    }
    let triggers = trigger::exist(c, &table, TriggerEvent::Insert, None)?;
    let table = target::with_columns(c, table)?;
    target::check_writable(c, &table, &triggers)?;
    let select = source::select_of(c, statement);
    if c.nested == 0 {
        c.builder.flags().counts_changes = true;
    }
    c.begin_write(select.is_some() || !triggers.is_empty(), table.db);
    if statement.columns.is_empty()
        && triggers.is_empty()
        && statement.with.is_none()
        && let Some(select) = select
        && transfer::try_transfer(c, &table, select, conflict)?
    {
        return end(c, Reg(0));
    }
    let counter = autoincrement::begin(c, &table)?;
    trigger::reserve_rows(c, &triggers, &table);
    let (given, in_order, rowid_value) = match_columns(c, statement, &table)?;
    let coroutine = source::code_values(c, statement, select)?;
    let width = table.columns.len() as u32 + 1;
    let block = if row::is_virtual(&table) {
        c.builder.alloc_regs(width + 1).plus(1)
    } else {
        c.builder.alloc_regs(width)
    };
    let mut insertion = Insertion {
        statement,
        triggers,
        conflict,
        rows: Rows::Defaults,
        given,
        rowid_value,
        new: block,
        counter,
        end_of_row: Addr(0),
        row_count: Reg(0),
        table,
    };
    insertion.choose_source(c, select, coroutine, in_order)?;
    insertion.check_count(c)?;
    insertion.run(c)?;
    end(c, insertion.row_count)
}

/// What comes behind the last row.
fn end(c: &mut Compiler<'_>, row_count: Reg) -> CompileResult<()> {
    if c.nested == 0 && c.is_top_level() {
        autoincrement::store(c)?;
    }
    if row_count.is_some() {
        returning::code_change_count(c, row_count, "rows inserted");
    }
    Ok(())
}

/// Which value of a row is which column, whether the values stand in table order, and which one is the rowid.
type Matched = (Vec<Option<usize>>, bool, Option<usize>);

fn match_columns(
    c: &mut Compiler<'_>,
    statement: &ast::Insert,
    table: &Arc<Table>,
) -> CompileResult<Matched> {
    let hidden_in_front = {
        let first_hidden = table.columns.iter().position(|column| column.flags.hidden);
        let last_shown = table.columns.iter().rposition(|column| !column.flags.hidden);
        matches!((first_hidden, last_shown), (Some(hidden), Some(shown)) if hidden < shown)
    };
    let has_stored = table.columns.iter().any(|column| column.generated.is_some_and(|it| it.stored));
    let mut in_order = !hidden_in_front && !has_stored;
    let mut given = vec![None; table.columns.len()];
    let mut rowid_value = None;
    let ast = Arc::clone(&c.ast);
    for (at, name) in ast.list(statement.columns).iter().enumerate() {
        let name = ast.text(name.value);
        match table.find_column(name) {
            Some(column) => {
                given[column].get_or_insert(at);
                in_order &= at == column;
                if table.rowid_alias == Some(column) {
                    rowid_value = Some(at);
                }
                if table.columns[column].generated.is_some() {
                    let name = String::from_utf8_lossy(&table.columns[column].name);
                    return Err(Error::message(format!("cannot INSERT into generated column \"{name}\"")));
                }
            }
            None if crate::catalog::is_rowid_name(name) && row::has_rowid(table) => {
                rowid_value = Some(at);
                in_order = false;
            }
            None => {
                c.notes.check_schema = true;
                let table = target::display_name(c, &statement.target);
                let name = String::from_utf8_lossy(name);
                return Err(Error::message(format!("table {table} has no column named {name}")));
            }
        }
    }
    Ok((given, in_order, rowid_value))
}

impl Insertion<'_> {
    /// Codes the co-routine of the rows, and the copy into an ephemeral table where one is needed.
    fn choose_source(
        &mut self,
        c: &mut Compiler<'_>,
        select: Option<ast::SelectId>,
        coroutine: Option<source::Coroutine>,
        in_order: bool,
    ) -> CompileResult<()> {
        let width = self.table.columns.len();
        let coroutine = match (coroutine, select) {
            (Some(values), _) => {
                if in_order && values.count == width {
                    self.new = Reg(values.first.0 - 1);
                }
                values
            }
            (None, Some(select)) => {
                let first = if in_order { Some(self.new.plus(1)) } else { None };
                source::code_select(c, select, first, width)?
            }
            (None, None) => {
                self.rows = match self.statement.source {
                    InsertSource::DefaultValues => Rows::Defaults,
                    InsertSource::Select(id) => Rows::Values(source::bind_row(c, id)?),
                };
                return Ok(());
            }
        };
        let buffered = !self.triggers.is_empty() || source::reads_table(c, &self.table);
        self.rows = if buffered {
            Rows::Buffered { cursor: source::buffer(c, coroutine), count: coroutine.count }
        } else {
            Rows::Coroutine(coroutine)
        };
        Ok(())
    }

    /// As many values as columns.
    fn check_count(&mut self, c: &Compiler<'_>) -> CompileResult<()> {
        let supplied = self.rows.count();
        let named = self.statement.columns.len();
        if named > 0 {
            if supplied != named {
                return Err(Error::message(format!("{supplied} values for {named} columns")));
            }
            return Ok(());
        }
        if supplied == 0 {
            return Ok(());
        }
        let table = &self.table;
        let is_left_out = |at: usize| table.columns[at].generated.is_some() || table.columns[at].flags.hidden;
        self.rowid_value = table
            .rowid_alias
            .map(|alias| alias - (0..alias).filter(|&at| table.columns[at].generated.is_some()).count());
        let wanted = (0..table.columns.len()).filter(|&at| !is_left_out(at)).count();
        if supplied != wanted {
            let name = target::display_name(c, &self.statement.target);
            return Err(Error::message(format!(
                "table {name} has {wanted} columns but {supplied} values were supplied"
            )));
        }
        Ok(())
    }

    /// The loop over the rows.
    fn run(&mut self, c: &mut Compiler<'_>) -> CompileResult<()> {
        let table = Arc::clone(&self.table);
        self.row_count = returning::begin_change_count(c);
        let is_view = row::is_view(&table);
        let write = if is_view || row::is_virtual(&table) { None } else { Some(self.open(c)?) };
        let upsert = Upsert::bind(c, self.statement, &table, write.as_ref(), self.new)?;
        let (top, exit) = self.begin_loop(c);
        self.load_columns(c)?;
        self.end_of_row = c.label();
        if self.triggers.has_before() {
            self.fire_before(c)?;
        }
        if row::is_virtual(&table) {
            self.update_virtual(c)?;
        } else if let Some(write) = &write {
            let append = self.load_rowid(c, write.cursors.data)?;
            autoincrement::step(c, self.counter, self.new);
            if table.has_generated {
                row::compute_generated(c, &table, self.new)?;
            }
            self.write(c, write, upsert.as_ref(), append)?;
        } else if returning::is_active(c) {
            c.integer(-1, self.new);
        }
        if self.row_count.is_some() {
            c.emit(Op::AddImm { value: self.row_count, amount: 1 });
        }
        let rows = trigger::rows_before(&table, self.new);
        let site = Site { table: &table, rows, conflict: self.conflict, ignore: self.end_of_row };
        trigger::fire(c, &self.triggers, false, site)?;
        c.bind(self.end_of_row);
        match self.rows {
            Rows::Buffered { cursor, .. } => {
                c.emit(Op::Next { cursor, to: top, counter: 0 });
                c.jump_here(exit);
                c.emit(Op::Close { cursor });
            }
            Rows::Coroutine(_) => {
                c.goto(top);
                c.jump_here(exit);
            }
            Rows::Values(_) | Rows::Defaults => {}
        }
        Ok(())
    }

    /// Opens the table and its indexes, and reserves the registers of their records.
    fn open(&mut self, c: &mut Compiler<'_>) -> CompileResult<Target> {
        let table = Arc::clone(&self.table);
        let cursors = row::open_table_and_indexes(c, &table, Opening::default())?;
        let mut index_regs = Vec::with_capacity(table.indexes.len());
        for index in row::indexes(&table) {
            index_regs.push(c.builder.alloc_regs(1 + index.columns.len() as u32));
        }
        let record = c.reg();
        Ok(Target { table, cursors, index_regs, record })
    }

    /// The loop's head: its address, and the instruction that leaves the loop.
    fn begin_loop(&mut self, c: &mut Compiler<'_>) -> (Addr, Addr) {
        match &self.rows {
            Rows::Buffered { cursor, .. } => {
                let exit = c.emit(Op::Rewind { cursor: *cursor, empty: Addr(0) });
                (c.here(), exit)
            }
            Rows::Coroutine(rows) => {
                let top = c.emit(Op::Yield { co: rows.yield_reg, done: Addr(0) });
                if let Some(at) = self.rowid_value {
                    // Taken now: the place of the rowid's alias among the columns is about to become NULL.
                    c.emit(Op::Copy { from: rows.first.plus(at as u32), to: self.new, count: 1 });
                }
                (top, top)
            }
            Rows::Values(_) | Rows::Defaults => (Addr(0), Addr(0)),
        }
    }

    /// The ordinary columns. The rowid comes later, and behind it the generated columns.
    fn load_columns(&mut self, c: &mut Compiler<'_>) -> CompileResult<()> {
        let table = Arc::clone(&self.table);
        let named = !self.statement.columns.is_empty();
        let mut left_out = 0;
        let mut out = self.new.plus(1);
        for (at, column) in table.columns.iter().enumerate() {
            let place = out;
            out = out.plus(1);
            if table.rowid_alias == Some(at) {
                // Stored as NULL: the value is the rowid.
                c.emit(Op::SoftNull { out: place });
                continue;
            }
            if column.generated.is_some() || column.flags.hidden {
                left_out += 1;
                if column::is_virtual(&table, at) {
                    out = place;
                    continue;
                }
                if column.generated.is_some() {
                    if self.triggers.has_before() {
                        // The row is copied for the triggers before this column is computed.
                        c.emit(Op::SoftNull { out: place });
                    }
                    continue;
                }
                if !named {
                    self.load_default(c, at, place)?;
                    continue;
                }
            }
            let value = if named { self.given[at] } else { at.checked_sub(left_out) };
            match value.filter(|_| !matches!(self.rows, Rows::Defaults)) {
                Some(value) => self.load_value(c, value, place)?,
                None => self.load_default(c, at, place)?,
            }
        }
        Ok(())
    }

    fn load_default(&mut self, c: &mut Compiler<'_>, at: usize, out: Reg) -> CompileResult<()> {
        let table = Arc::clone(&self.table);
        let default = row::default_expr(c, &table, at)?;
        expr::code_factorable(c, default, out)
    }

    /// Given value `at` into `out`.
    fn load_value(&mut self, c: &mut Compiler<'_>, at: usize, out: Reg) -> CompileResult<()> {
        match &self.rows {
            Rows::Buffered { cursor, .. } => {
                read_buffered(c, *cursor, at, out);
            }
            Rows::Coroutine(rows) => {
                if rows.first != self.new.plus(1) {
                    c.emit(Op::SCopy { from: rows.first.plus(at as u32), to: out });
                }
            }
            Rows::Values(values) => {
                let value = values[at];
                let reg = expr::code_target(c, value, out)?;
                if reg != out {
                    if c.bound[value].flags.has(ExprFlags::HAS_SUBQUERY) {
                        c.emit(Op::Copy { from: reg, to: out, count: 1 });
                    } else {
                        c.emit(Op::SCopy { from: reg, to: out });
                    }
                }
            }
            Rows::Defaults => {}
        }
        Ok(())
    }

    /// BEFORE and INSTEAD OF triggers, on a copy of the row.
    fn fire_before(&mut self, c: &mut Compiler<'_>) -> CompileResult<()> {
        let table = Arc::clone(&self.table);
        let width = table.columns.len() as u32 + 1;
        let copy = c.builder.temp_range(width);
        match self.rowid_value {
            None => {
                c.integer(-1, copy);
            }
            Some(at) => {
                match &self.rows {
                    Rows::Buffered { cursor, .. } => read_buffered(c, *cursor, at, copy),
                    Rows::Values(values) => {
                        let value = values[at];
                        expr::code_copy(c, value, copy)?;
                    }
                    Rows::Coroutine(_) | Rows::Defaults => {}
                }
                let known = c.emit(Op::NotNull { value: copy, to: Addr(0) });
                c.integer(-1, copy);
                c.jump_here(known);
                c.emit(Op::MustBeInt { value: copy, to: Addr(0) });
                c.may_abort();
            }
        }
        c.emit(Op::Copy { from: self.new.plus(1), to: copy.plus(1), count: row::stored_count(&table) });
        if table.has_generated {
            row::compute_generated(c, &table, copy)?;
        }
        if !row::is_view(&table) {
            row::apply_affinity(c, &table, copy.plus(1));
        }
        let rows = trigger::rows_before(&table, copy);
        let site = Site { table: &table, rows, conflict: self.conflict, ignore: self.end_of_row };
        trigger::fire(c, &self.triggers, true, site)?;
        c.builder.release_temp_range(copy, width);
        Ok(())
    }

    /// The rowid. Returns whether it is a new one, which goes to the table's end.
    fn load_rowid(&mut self, c: &mut Compiler<'_>, data: Cursor) -> CompileResult<bool> {
        let new_rowid = Op::NewRowid { cursor: data, out: self.new, previous: self.counter };
        let Some(at) = self.rowid_value else {
            if !row::has_rowid(&self.table) {
                c.nulls(self.new, 1);
                return Ok(false);
            }
            c.emit(new_rowid);
            return Ok(true);
        };
        match &self.rows {
            Rows::Buffered { cursor, .. } => read_buffered(c, *cursor, at, self.new),
            Rows::Values(values) => {
                let value = values[at];
                if matches!(c.bound[value].kind, ExprKind::Null) {
                    c.emit(new_rowid);
                    return Ok(true);
                }
                expr::code(c, value, self.new)?;
            }
            // Loaded at the loop's head.
            Rows::Coroutine(_) | Rows::Defaults => {}
        }
        let given = c.emit(Op::NotNull { value: self.new, to: Addr(0) });
        c.emit(new_rowid);
        c.jump_here(given);
        c.emit(Op::MustBeInt { value: self.new, to: Addr(0) });
        c.may_abort();
        Ok(false)
    }

    /// Checks and writes the row.
    fn write(
        &mut self,
        c: &mut Compiler<'_>,
        write: &Target,
        upsert: Option<&Upsert>,
        append: bool,
    ) -> CompileResult<()> {
        let new = NewRow {
            target: write,
            new: self.new,
            old: Reg(0),
            key_changes: self.rowid_value.is_some(),
            conflict: self.conflict,
            ignore: self.end_of_row,
            changes: None,
            upsert,
        };
        let may_replace = constraint::check(c, &new)?;
        foreign_key::check(c, &self.table, Reg(0), self.new, None)?;
        // A trigger program may have moved the cursors; a replaced row alone makes the machine forget where they were.
        let use_seek = !may_replace || !calls_program(c);
        complete(c, write, self.new, Completion { append, use_seek, ..Completion::default() });
        Ok(())
    }

    /// INSERT into a virtual table.
    fn update_virtual(&mut self, c: &mut Compiler<'_>) -> CompileResult<()> {
        let old = Reg(self.new.0 - 1);
        c.nulls(old, 1);
        match self.rowid_value {
            None => {
                c.nulls(self.new, 1);
            }
            Some(at) => {
                match &self.rows {
                    Rows::Buffered { cursor, .. } => read_buffered(c, *cursor, at, self.new),
                    Rows::Values(values) => {
                        let value = values[at];
                        expr::code(c, value, self.new)?;
                    }
                    Rows::Coroutine(_) | Rows::Defaults => {}
                }
                let behind = Addr(c.here().0 + 2);
                c.emit(Op::IsNull { value: self.new, to: behind });
                c.emit(Op::MustBeInt { value: self.new, to: Addr(0) });
                c.may_abort();
            }
        }
        target::update_virtual(c, &self.table, old, self.table.columns.len() as u32 + 2, self.conflict, true);
        Ok(())
    }
}

fn read_buffered(c: &mut Compiler<'_>, cursor: Cursor, at: usize, out: Reg) {
    let column = u16::try_from(at).unwrap_or(u16::MAX);
    c.emit(Op::Column { cursor, column, out, default: ConstId(0), hint: column::HINT_NONE });
}

/// Whether the program calls another one.
fn calls_program(c: &Compiler<'_>) -> bool {
    c.builder.ops().iter().any(|op| matches!(op, Op::Program { .. }))
}
