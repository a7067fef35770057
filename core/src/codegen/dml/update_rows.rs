//! The rows of an UPDATE: finding them, and changing one.

use std::sync::Arc;

use kernite_parser::ast;
use kernite_vdbe::op::{ConstId, Cursor, KeyInfoId, Op, TableId, WriteFlags};
use kernite_vdbe::{Addr, Reg};

use super::super::{column, expr};
use super::complete::{Completion, complete};
use super::constraint::{self, NewRow};
use super::delete::{Limits, pass_of, read_key, store_key};
use super::foreign_key::Required;
use super::remove::{self, Pass};
use super::row::{self, Opening};
use super::trigger::{self, Site};
use super::update::Updating;
use super::{foreign_key, foreign_key_action, returning, scan, update_from};
use crate::bound::{ExprFlags, ExprId};
use crate::compile::{CompileResult, Compiler};
use crate::plan::{WhereLoop, control};

/// The instruction that opens the table of collected keys: of no use in one pass.
type KeyTable = Option<Addr>;

impl Updating {
    /// Finds the rows and changes them.
    pub(super) fn run(
        &mut self,
        c: &mut Compiler<'_>,
        what: &ast::Target,
        limits: Limits,
        filter: Option<ExprId>,
    ) -> CompileResult<()> {
        self.exit = c.label();
        self.next = self.exit;
        if !self.is_upsert {
            self.row_count = returning::begin_change_count(c);
        }
        let key_table = self.prepare_keys(c)?;
        let mut found = None;
        if self.has_from {
            update_from::collect(c, self, what, limits)?;
            c.multi_write();
            self.key_count = self.primary_count();
            self.key = self.primary;
        } else {
            found = self.find_rows(c, filter, key_table)?;
        }
        if !self.is_upsert {
            self.begin_loop(c, &mut found)?;
        }
        self.change_row(c)?;
        match self.pass {
            Pass::Single => {}
            Pass::Multi => {
                c.bind(self.next);
                if let Some(found) = found {
                    found.end(c)?;
                }
            }
            Pass::Two => {
                c.bind(self.next);
                c.emit(Op::Next { cursor: self.keys, to: self.top, counter: 0 });
            }
        }
        c.bind(self.exit);
        Ok(())
    }

    /// How many columns the primary key of a WITHOUT ROWID table has; 0 for others.
    pub(super) fn primary_count(&self) -> u16 {
        row::primary_key(&self.table).map_or(0, |key| key.key_columns as u16)
    }

    /// Opens the table where keys are collected.
    fn prepare_keys(&mut self, c: &mut Compiler<'_>) -> CompileResult<KeyTable> {
        let primary = row::primary_key(&self.table).cloned();
        if !self.has_from && primary.is_none() {
            c.emit(Op::Null { first: self.row_set, last: self.old_rowid, cleared: false });
            self.keys = c.cursor();
            let open =
                Op::OpenEphemeral { cursor: self.keys, columns: 0, key: KeyInfoId(0), unordered: false };
            // Rows of the table have a rowid and nothing else: NULL is the record of no columns.
            return Ok(Some(c.emit(open)));
        }
        let count = u32::from(self.primary_count());
        let values = if self.has_from { self.values.len() as u32 } else { 0 };
        self.primary = Reg(c.builder.register_count() + 1);
        c.builder.alloc_regs(count + values);
        self.key = c.reg();
        if self.is_upsert {
            return Ok(None);
        }
        let view_columns = if row::is_view(&self.table) { self.table.columns.len() as u32 } else { 0 };
        self.keys = c.cursor();
        let columns = u16::try_from(count + values + view_columns).unwrap_or(u16::MAX);
        let mut key = KeyInfoId(0);
        if let Some(primary) = &primary {
            c.nulls(self.primary, count);
            key = c.primary_key_info(primary)?;
        }
        let open = c.emit(Op::OpenEphemeral { cursor: self.keys, columns, key, unordered: false });
        Ok(Some(open))
    }

    /// Codes the search for the rows, and keeps their keys where they are changed later.
    fn find_rows(
        &mut self,
        c: &mut Compiler<'_>,
        filter: Option<ExprId>,
        key_table: KeyTable,
    ) -> CompileResult<Option<WhereLoop>> {
        let table = Arc::clone(&self.table);
        let data = self.write.cursors.data;
        let mut found = None;
        if self.is_upsert {
            self.pass = Pass::Single;
            self.finish_seek = false;
            if let Some(filter) = filter {
                expr::jump_if_false(c, filter, self.exit, true)?;
            }
        } else {
            found = Some(self.begin_scan(c, filter)?);
        }
        let drop_key_table = |c: &mut Compiler<'_>| {
            if let Some(open) = key_table {
                c.builder.change_to_noop(open);
            }
        };
        let Some(primary) = row::primary_key(&table).cloned() else {
            c.emit(Op::Rowid { cursor: data, out: self.old_rowid });
            if self.pass == Pass::Two {
                self.write.record = c.reg();
                let flags = WriteFlags::default();
                let (record, rowid) = (self.row_set, self.old_rowid);
                c.emit(Op::Insert { cursor: self.keys, record, rowid, table: TableId(0), flags });
            } else {
                drop_key_table(c);
            }
            return Ok(found);
        };
        read_key(c, &table, &primary, data, self.primary)?;
        if self.pass == Pass::Two {
            store_key(c, &table, &primary, self.primary, self.key, self.keys)?;
        } else {
            drop_key_table(c);
            self.key_count = self.primary_count();
            self.key = self.primary;
        }
        Ok(found)
    }

    /// Begins the scan and decides in how many passes the rows are changed.
    fn begin_scan(&mut self, c: &mut Compiler<'_>, filter: Option<ExprId>) -> CompileResult<WhereLoop> {
        let has_subquery = filter.is_some_and(|filter| c.bound[filter].flags.has(ExprFlags::HAS_SUBQUERY));
        let mut wanted = control::ONE_PASS_DESIRED;
        let disturbed = c.nested > 0
            || !self.triggers.is_empty()
            || self.foreign_keys > Required::No
            || self.changes.key
            || self.may_replace
            || has_subquery;
        if !disturbed {
            wanted |= control::ONE_PASS_MULTI_ROW;
        }
        let index_cursors = Some(Cursor(self.base.0 + 1));
        let found = scan::begin(c, self.core, filter, wanted, index_cursors)?;
        self.pass = pass_of(&found);
        self.finish_seek = found.deferred_seek;
        self.scan_cursors = found.one_pass_cursors;
        if self.pass != Pass::Single {
            c.multi_write();
        }
        if self.pass == Pass::Multi
            && let Some(cursor) = found.one_pass_cursors[1]
            && cursor != self.write.cursors.data
            && self.wanted[usize::from(cursor.0 - self.base.0)]
        {
            // The scan would meet the rows that it has changed again.
            self.pass = Pass::Two;
        }
        Ok(found)
    }

    /// Opens what has to be written and codes the head of the loop over the rows.
    fn begin_loop(&mut self, c: &mut Compiler<'_>, found: &mut Option<WhereLoop>) -> CompileResult<()> {
        let is_view = row::is_view(&self.table);
        if self.pass != Pass::Multi
            && let Some(found) = found.take()
        {
            found.end(c)?;
        }
        if !is_view {
            self.open(c)?;
        }
        let data = self.write.cursors.data;
        let is_keyed = !row::has_rowid(&self.table);
        if self.pass != Pass::Two {
            if !self.scan_cursors.contains(&Some(data)) && !is_view {
                remove::seek(c, &self.table, data, self.key, self.key_count, self.exit);
            }
            if self.pass == Pass::Multi {
                self.next = c.label();
            }
            let value = if is_keyed { self.key } else { self.old_rowid };
            c.emit(Op::IsNull { value, to: self.exit });
            return Ok(());
        }
        self.next = c.label();
        c.emit(Op::Rewind { cursor: self.keys, empty: self.exit });
        self.top = c.here();
        if is_keyed {
            if self.has_from {
                for at in 0..self.primary_count() {
                    let out = self.primary.plus(u32::from(at));
                    read_key_column(c, self.keys, at, out);
                }
            } else {
                c.emit(Op::RowData { cursor: self.keys, out: self.key });
            }
            remove::seek(c, &self.table, data, self.key, self.key_count, self.next);
        } else if !(self.has_from && is_view) {
            c.emit(Op::Rowid { cursor: self.keys, out: self.old_rowid });
            c.emit(Op::NotExists { cursor: data, key: self.old_rowid, miss: self.next });
        }
        Ok(())
    }

    fn open(&mut self, c: &mut Compiler<'_>) -> CompileResult<()> {
        let mut once = None;
        if self.pass != Pass::Two {
            for cursor in self.scan_cursors.into_iter().flatten() {
                self.wanted[usize::from(cursor.0 - self.base.0)] = false;
            }
            let others = self.table.indexes.len() > usize::from(self.scan_cursors[1].is_some());
            once = (self.pass == Pass::Multi && others).then(|| c.emit(Op::Once { to: Addr(0) }));
        }
        let opening = Opening { first: Some(self.base), wanted: Some(&self.wanted), ..Opening::default() };
        row::open_table_and_indexes(c, &self.table, opening)?;
        if let Some(once) = once
            && !c.builder.remove_last(once)
        {
            c.jump_here(once);
        }
        Ok(())
    }

    /// Changes the row on which the data cursor stands.
    fn change_row(&mut self, c: &mut Compiler<'_>) -> CompileResult<()> {
        let table = Arc::clone(&self.table);
        let is_view = row::is_view(&table);
        if let Some(at) = self.rowid_value {
            if self.has_from {
                read_key_column(c, self.keys, at as u16, self.new_rowid);
            } else {
                expr::code(c, self.values[at], self.new_rowid)?;
            }
            c.emit(Op::MustBeInt { value: self.new_rowid, to: Addr(0) });
            c.may_abort();
        }
        if self.needs_old() {
            self.load_old(c)?;
        }
        self.load_new(c)?;
        if self.triggers.has_before() {
            row::apply_affinity(c, &table, self.new_rowid.plus(1));
            trigger::fire(c, &self.triggers, true, self.site())?;
            if !is_view {
                self.reload(c)?;
            }
        }
        if !is_view {
            self.write_row(c)?;
        }
        if self.row_count.is_some() {
            c.emit(Op::AddImm { value: self.row_count, amount: 1 });
        }
        trigger::fire(c, &self.triggers, false, self.site())
    }

    fn site(&self) -> Site<'_> {
        Site { table: &self.table, rows: self.old_rowid, conflict: self.conflict, ignore: self.next }
    }

    /// OLD, as far as somebody looks at it.
    fn load_old(&mut self, c: &mut Compiler<'_>) -> CompileResult<()> {
        let table = Arc::clone(&self.table);
        let data = self.data();
        let mut mask = if self.foreign_keys > Required::No { foreign_key::old_mask(c, &table)? } else { 0 };
        mask |= trigger::column_mask(c, &self.triggers, &table, false, false, self.conflict)?;
        for (at, column) in table.columns.iter().enumerate() {
            let out = row::column_reg(&table, self.old_rowid, at);
            if trigger::is_in_mask(mask, at) || column.flags.primary_key {
                remove::read_column(c, &table, data, at, out)?;
            } else {
                c.nulls(out, 1);
            }
        }
        if !self.changes.rowid && row::has_rowid(&table) {
            c.emit(Op::Copy { from: self.old_rowid, to: self.new_rowid, count: 1 });
        }
        Ok(())
    }

    /// The cursor with the row as it was. The rows of a view with FROM come with the new values.
    fn data(&self) -> Cursor {
        if self.has_from && row::is_view(&self.table) { self.keys } else { self.write.cursors.data }
    }

    /// NEW. Columns that do not change are left out where BEFORE triggers do not look at them: they are read afterwards.
    fn load_new(&mut self, c: &mut Compiler<'_>) -> CompileResult<()> {
        let table = Arc::clone(&self.table);
        let data = self.data();
        let has_before = self.triggers.has_before();
        let mask = trigger::column_mask(c, &self.triggers, &table, true, true, self.conflict)?;
        for at in 0..table.columns.len() {
            let out = row::column_reg(&table, self.new_rowid, at);
            if table.rowid_alias == Some(at) {
                c.nulls(out, 1);
                continue;
            }
            if table.columns[at].generated.is_some() {
                continue;
            }
            match self.changes.assigned[at] {
                Some(value) if self.has_from => {
                    let front = if row::is_view(&table) {
                        table.columns.len()
                    } else {
                        usize::from(self.primary_count())
                    };
                    read_key_column(c, self.keys, (front + value) as u16, out);
                }
                Some(value) => expr::code(c, self.values[value], out)?,
                None if !has_before || at > 31 || trigger::is_in_mask(mask, at) => {
                    remove::read_column(c, &table, data, at, out)?;
                    self.finish_seek = false;
                }
                None => {
                    c.nulls(out, 1);
                }
            }
        }
        if table.has_generated {
            row::compute_generated(c, &table, self.new_rowid)?;
        }
        Ok(())
    }

    /// After BEFORE triggers: the row may be gone, or changed.
    fn reload(&mut self, c: &mut Compiler<'_>) -> CompileResult<()> {
        let table = Arc::clone(&self.table);
        let data = self.write.cursors.data;
        self.seek_again(c);
        for at in 0..table.columns.len() {
            let is_rowid = table.rowid_alias == Some(at);
            if !is_rowid && table.columns[at].generated.is_none() && !self.changes.has(at) {
                let out = row::column_reg(&table, self.new_rowid, at);
                remove::read_column(c, &table, data, at, out)?;
            }
        }
        if table.has_generated {
            row::compute_generated(c, &table, self.new_rowid)?;
        }
        Ok(())
    }

    fn seek_again(&self, c: &mut Compiler<'_>) {
        let data = self.write.cursors.data;
        if row::has_rowid(&self.table) {
            c.emit(Op::NotExists { cursor: data, key: self.old_rowid, miss: self.next });
        } else {
            remove::seek(c, &self.table, data, self.key, self.key_count, self.next);
        }
    }

    /// Checks, and writes the row in its new form.
    fn write_row(&mut self, c: &mut Compiler<'_>) -> CompileResult<()> {
        let table = Arc::clone(&self.table);
        let data = self.write.cursors.data;
        let key_changes = self.changes.key;
        let new = NewRow {
            target: &self.write,
            new: self.new_rowid,
            old: self.old_rowid,
            key_changes,
            conflict: self.conflict,
            ignore: self.next,
            changes: Some(&self.changes),
            upsert: None,
        };
        let may_replace = constraint::check(c, &new)?;
        if may_replace || key_changes {
            // The checks have moved the cursor.
            self.seek_again(c);
        }
        if self.foreign_keys > Required::No {
            foreign_key::check(c, &table, self.old_rowid, Reg(0), Some(&self.changes))?;
        }
        remove::entries(c, &table, self.write.cursors, Some(&self.write.index_regs), None)?;
        if self.finish_seek {
            c.emit(Op::FinishSeek { cursor: data });
        }
        // Without need to take the row away, the pre-update hook alone is told.
        let rewrite = self.foreign_keys == Required::Rewrite || key_changes;
        let flags = WriteFlags {
            is_update: true,
            no_op: !rewrite,
            save_position: self.pass == Pass::Multi,
            ..WriteFlags::default()
        };
        let link = if c.nested == 0 { row::table_link(c, &table) } else { TableId(0) };
        c.emit(Op::Delete { cursor: data, table: link, flags });
        if self.foreign_keys > Required::No {
            foreign_key::check(c, &table, Reg(0), self.new_rowid, Some(&self.changes))?;
        }
        let how =
            Completion { is_update: true, save_position: self.pass == Pass::Multi, ..Completion::default() };
        complete(c, &self.write, self.new_rowid, how);
        if self.foreign_keys > Required::No {
            foreign_key_action::run(c, &table, self.old_rowid, Some(&self.changes))?;
        }
        Ok(())
    }
}

/// A column of the table of collected keys.
fn read_key_column(c: &mut Compiler<'_>, cursor: Cursor, column: u16, out: Reg) {
    c.emit(Op::Column { cursor, column, out, default: ConstId(0), hint: column::HINT_NONE });
}
