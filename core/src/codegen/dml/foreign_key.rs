//! Foreign keys: counters of violations.
//!
//! A child row without parent counts one. Writing a child row looks for its parent, writing a parent row for its children; at the end of the
//! statement (deferred: of the transaction) the counter has to be back at zero. Actions on children are `foreign_key_action`'s.
//!
//! Spec: SQLite Foreign Key Support.

use std::sync::Arc;

use kernite_parser::ast::{ForeignKeyAction, Indexed};
use kernite_vdbe::op::{CollationId, CompareFlags, Cursor, HaltCode, OnConflict, Op};
use kernite_vdbe::{Addr, Error, Reg};

use super::super::column;
use super::change::Changes;
use super::{foreign_key_action, program, row, scan};
use crate::bound::{BinaryOp, ExprId, ExprKind, SelectId, UnaryOp};
use crate::catalog::{ForeignKey, Index, Table, TableKind};
use crate::compile::{CompileResult, Compiler};

/// A foreign key of a child table: the table, and which of its keys.
#[derive(Clone, Debug)]
pub struct Reference {
    pub child: Arc<Table>,
    pub at: usize,
}

impl Reference {
    /// The key.
    pub fn key(&self) -> &ForeignKey {
        &self.child.foreign_keys[self.at]
    }
}

/// What a foreign key refers to.
#[derive(Clone, Debug)]
pub struct ParentKey {
    /// The unique index; `None`: the rowid.
    pub index: Option<Arc<Index>>,
    /// The child's columns, in the order of the index.
    pub child_columns: Vec<usize>,
}

impl ParentKey {
    /// The parent's column at a place of the key; `None`: the rowid.
    pub fn column(&self, table: &Table, at: usize) -> Option<usize> {
        let index = self.index.as_ref()?;
        let column = usize::try_from(column::index_column(index, at)).ok()?;
        (table.rowid_alias != Some(column)).then_some(column)
    }
}

fn applies(c: &Compiler<'_>, table: &Table) -> bool {
    c.options.foreign_keys && matches!(table.kind, TableKind::Ordinary)
}

/// The foreign keys that refer to a table, those of the newest table first.
pub fn references(c: &Compiler<'_>, table: &Table) -> Vec<Reference> {
    let Some(schema) = c.catalog.database(table.db) else { return Vec::new() };
    let refers = |key: &ForeignKey| key.parent.eq_ignore_ascii_case(&table.name);
    let mut children: Vec<&Arc<Table>> =
        schema.tables.values().filter(|child| child.foreign_keys.iter().any(refers)).collect();
    // Roots are given out in the order of creation.
    children.sort_by_key(|child| std::cmp::Reverse(child.root.map(kernite_btree::PageNo::get)));
    let mut found = Vec::new();
    for child in children {
        let keys = child.foreign_keys.iter().enumerate().rev().filter(|(_, key)| refers(key));
        found.extend(keys.map(|(at, _)| Reference { child: Arc::clone(child), at }));
    }
    found
}

/// Finds the columns that a foreign key refers to. `Ok(None)`: there is no such key, and nobody needs to know.
///
/// # Errors
/// `foreign key mismatch - "child" referencing "parent"`.
pub fn locate_parent_key(
    c: &Compiler<'_>,
    parent: &Arc<Table>,
    child: &Table,
    key: &ForeignKey,
) -> CompileResult<Option<ParentKey>> {
    if let [(child_column, name)] = &key.columns[..]
        && let Some(alias) = parent.rowid_alias
        && name.as_ref().is_none_or(|name| parent.columns[alias].name.eq_ignore_ascii_case(name))
    {
        return Ok(Some(ParentKey { index: None, child_columns: vec![*child_column] }));
    }
    for index in row::indexes(parent) {
        if index.unique
            && index.filter.is_none()
            && index.key_columns == key.columns.len()
            && let Some(child_columns) = match_index(parent, index, key)
        {
            return Ok(Some(ParentKey { index: Some(Arc::clone(index)), child_columns }));
        }
    }
    if c.dml.triggers_disabled {
        return Ok(None);
    }
    let name = |name: &[u8]| String::from_utf8_lossy(name).replace('"', "\"\"");
    let (child, parent) = (name(&child.name), name(&key.parent));
    Err(Error::message(format!("foreign key mismatch - \"{child}\" referencing \"{parent}\"")))
}

/// The child's columns in the order of a unique index, if the key refers to exactly its columns.
fn match_index(parent: &Table, index: &Index, key: &ForeignKey) -> Option<Vec<usize>> {
    if key.columns.iter().any(|(_, name)| name.is_none()) {
        let is_primary = index.origin == crate::catalog::IndexOrigin::PrimaryKey;
        return is_primary.then(|| key.columns.iter().map(|&(child, _)| child).collect());
    }
    let mut child_columns = Vec::with_capacity(key.columns.len());
    for at in 0..index.key_columns {
        let column = parent.columns.get(usize::try_from(column::index_column(index, at)).ok()?)?;
        let of_column = column.collation.as_deref().unwrap_or(b"BINARY");
        let of_index = index.collations.get(at).and_then(|name| name.as_deref()).unwrap_or(b"BINARY");
        if !of_column.eq_ignore_ascii_case(of_index) {
            return None;
        }
        let names = |name: &Option<Box<[u8]>>| {
            name.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(&column.name))
        };
        let (child, _) = key.columns.iter().find(|(_, name)| names(name))?;
        child_columns.push(*child);
    }
    Some(child_columns)
}

/// Whether deleting a row of the table (or replacing one) concerns a foreign key.
pub fn required_for_delete(c: &Compiler<'_>, table: &Table) -> bool {
    applies(c, table) && (!table.foreign_keys.is_empty() || !references(c, table).is_empty())
}

/// How much an UPDATE concerns foreign keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Required {
    No,
    Yes,
    /// The row has to be taken away and put in again: the key refers to its own table, or there is an action on the children.
    Rewrite,
}

/// How much the UPDATE concerns foreign keys.
pub fn required_for_update(c: &Compiler<'_>, table: &Table, changes: &Changes) -> Required {
    if !applies(c, table) {
        return Required::No;
    }
    let mut required = Required::No;
    let mut own = false;
    for key in &table.foreign_keys {
        if changes.touch_child(table, key) {
            own |= key.parent.eq_ignore_ascii_case(&table.name);
            required = Required::Yes;
        }
    }
    for reference in references(c, table) {
        if changes.touch_parent(table, reference.key()) {
            if reference.key().on_update != ForeignKeyAction::NoAction {
                return Required::Rewrite;
            }
            required = Required::Yes;
        }
    }
    if required == Required::Yes && own { Required::Rewrite } else { required }
}

/// Columns of the old row that foreign keys look at: bit n for column n, all bits for columns from 32 on.
pub fn old_mask(c: &mut Compiler<'_>, table: &Arc<Table>) -> CompileResult<u32> {
    let bit = |column: usize| if column > 31 { u32::MAX } else { 1 << column };
    let mut mask = 0;
    if !applies(c, table) {
        return Ok(mask);
    }
    for key in &table.foreign_keys {
        mask |= key.columns.iter().fold(0, |mask, &(column, _)| mask | bit(column));
    }
    for reference in references(c, table) {
        let found = locate_parent_key(c, table, &reference.child, reference.key())?;
        if let Some(index) = found.and_then(|found| found.index) {
            for at in 0..index.key_columns {
                mask |= usize::try_from(column::index_column(&index, at)).map_or(0, bit);
            }
        }
    }
    Ok(mask)
}

/// Counts what a row that is taken away (`old`) or put in (`new`) means for foreign keys. Exactly one of the two is there; an UPDATE asks twice.
pub fn check(
    c: &mut Compiler<'_>,
    table: &Arc<Table>,
    old: Reg,
    new: Reg,
    changes: Option<&Changes>,
) -> CompileResult<()> {
    if !applies(c, table) {
        return Ok(());
    }
    for key in table.foreign_keys.iter().rev() {
        if !check_child(c, table, key, old, new, changes)? {
            return Ok(());
        }
    }
    for reference in references(c, table) {
        let key = reference.key();
        if changes.is_some_and(|changes| !changes.touch_parent(table, key)) {
            continue;
        }
        if !counts(c, key) {
            // One row alone cannot violate, or mend, an immediate key that refers to it.
            continue;
        }
        let Some(parent_key) = locate_parent_key(c, table, &reference.child, key)? else { continue };
        let core = scan_of(c, &reference.child)?;
        if new.is_some() {
            scan_children(c, table, &reference, &parent_key, core, new, -1)?;
        }
        if old.is_some() {
            let action = if changes.is_some() { key.on_update } else { key.on_delete };
            scan_children(c, table, &reference, &parent_key, core, old, 1)?;
            // Actions that take the children along mend what was counted.
            if !key.deferred && !matches!(action, ForeignKeyAction::Cascade | ForeignKeyAction::SetNull) {
                c.may_abort();
            }
        }
    }
    Ok(())
}

/// Whether violations are counted, not reported at once: so it is unless the statement changes just one row.
fn counts(c: &mut Compiler<'_>, key: &ForeignKey) -> bool {
    key.deferred || c.options.defer_foreign_keys || !c.is_top_level() || c.is_multi_write()
}

/// The key of the table itself, as a child. `Ok(false)`: leave the other keys alone too.
fn check_child(
    c: &mut Compiler<'_>,
    table: &Arc<Table>,
    key: &ForeignKey,
    old: Reg,
    new: Reg,
    changes: Option<&Changes>,
) -> CompileResult<bool> {
    let own = table.name.eq_ignore_ascii_case(&key.parent);
    if changes.is_some_and(|changes| !own && !changes.touch_child(table, key)) {
        return Ok(true);
    }
    let dropping = c.dml.triggers_disabled;
    let database = c.database_name(table.db).to_vec();
    let parent = if dropping {
        c.find_table(&key.parent, Some(&database))
    } else {
        Some(c.locate_table(&key.parent, Some(&database), false)?)
    };
    let Some(parent) = parent else {
        // The table is being dropped, and its parent is gone: as if that were empty.
        let behind = Addr(c.here().0 + key.columns.len() as u32 + 1);
        for &(column, _) in &key.columns {
            c.emit(Op::IsNull { value: row::column_reg(table, old, column), to: behind });
        }
        c.emit(Op::FkCounter { deferred: key.deferred, amount: -1 });
        return Ok(true);
    };
    let Some(parent_key) = locate_parent_key(c, &parent, table, key)? else { return Ok(true) };
    let mut ignored = false;
    for at in 0..key.columns.len() {
        let column = parent_key.column(&parent, at).or(parent.rowid_alias);
        if let Some(column) = column.and_then(|column| parent.columns.get(column)) {
            ignored = !c.authorize_read(&parent.name, &column.name, table.db)?;
        }
    }
    let lookup = Lookup { table, key, parent: &parent, parent_key: &parent_key, cursor: c.cursor(), ignored };
    if old.is_some() {
        lookup.code(c, old, -1)?;
    }
    if new.is_some() && !is_set_null_action(c, &parent, table, key) {
        lookup.code(c, new, 1)?;
    }
    Ok(true)
}

/// Whether the program being compiled is this very key's SET NULL: then all its columns are NULL.
fn is_set_null_action(c: &Compiler<'_>, parent: &Arc<Table>, child: &Table, key: &ForeignKey) -> bool {
    program::latest(c).is_some_and(|trigger| {
        trigger.name.is_empty() && foreign_key_action::is_set_null(c, trigger, parent, child, key)
    })
}

/// A search for the parent of a child row.
struct Lookup<'a> {
    table: &'a Arc<Table>,
    key: &'a ForeignKey,
    parent: &'a Arc<Table>,
    parent_key: &'a ParentKey,
    cursor: Cursor,
    /// The authorizer hides the parent's key: as if it were NULL.
    ignored: bool,
}

impl Lookup<'_> {
    /// Register of the child's column at a place of the key.
    fn child_reg(&self, row: Reg, at: usize) -> Reg {
        row::value_reg(self.table, row, self.parent_key.child_columns[at])
    }

    /// Adds `amount` to the counter if the row has no parent.
    fn code(&self, c: &mut Compiler<'_>, row: Reg, amount: i32) -> CompileResult<()> {
        let fine = c.label();
        if amount < 0 {
            c.emit(Op::FkIfZero { deferred: self.key.deferred, to: fine });
        }
        for at in 0..self.key.columns.len() {
            c.emit(Op::IsNull { value: self.child_reg(row, at), to: fine });
        }
        if !self.ignored {
            match &self.parent_key.index {
                None => self.seek_rowid(c, row, amount, fine)?,
                Some(index) => self.seek_index(c, index, row, amount, fine)?,
            }
        }
        if counts(c, self.key) {
            if amount > 0 && !self.key.deferred {
                c.may_abort();
            }
            c.emit(Op::FkCounter { deferred: self.key.deferred, amount });
        } else {
            c.halt_constraint(HaltCode::ForeignKey, OnConflict::Abort, None);
        }
        c.bind(fine);
        c.emit(Op::Close { cursor: self.cursor });
        Ok(())
    }

    /// Whether a new row may be its own parent.
    fn may_be_own_parent(&self, amount: i32) -> bool {
        amount > 0 && Arc::ptr_eq(self.table, self.parent)
    }

    fn seek_rowid(&self, c: &mut Compiler<'_>, row: Reg, amount: i32, fine: Addr) -> CompileResult<()> {
        let cursor = self.cursor;
        let rowid = c.builder.temp_reg();
        let missing = c.label();
        // A copy: the column keeps the type that it has.
        c.emit(Op::SCopy { from: self.child_reg(row, 0), to: rowid });
        c.emit(Op::MustBeInt { value: rowid, to: missing });
        if self.may_be_own_parent(amount) {
            let flags = CompareFlags { affinity: 0, jump_if_null: false, null_eq: false };
            c.emit(Op::Eq { left: rowid, right: row, to: fine, flags, collation: CollationId(0) });
        }
        column::open_read(c, cursor, self.parent, None)?;
        c.emit(Op::NotExists { cursor, key: rowid, miss: missing });
        c.goto(fine);
        c.bind(missing);
        c.builder.release_temp(rowid);
        Ok(())
    }

    fn seek_index(
        &self,
        c: &mut Compiler<'_>,
        index: &Arc<Index>,
        row: Reg,
        amount: i32,
        fine: Addr,
    ) -> CompileResult<()> {
        let cursor = self.cursor;
        let count = self.key.columns.len() as u32;
        let first = c.builder.temp_range(count);
        row::open_index(c, index, cursor, true, false)?;
        for at in 0..count {
            c.emit(Op::Copy { from: self.child_reg(row, at as usize), to: first.plus(at), count: 1 });
        }
        if self.may_be_own_parent(amount) {
            let differs = c.label();
            for at in 0..count as usize {
                let parent = match self.parent_key.column(self.parent, at) {
                    Some(column) => row::column_reg(self.parent, row, column),
                    None => row,
                };
                let left = parent;
                let right = self.child_reg(row, at);
                let flags = CompareFlags { affinity: 0, jump_if_null: true, null_eq: false };
                c.emit(Op::Ne { left, right, to: differs, flags, collation: CollationId(0) });
            }
            c.goto(fine);
            c.bind(differs);
        }
        let mut letters = column::index_affinities(c, self.parent, index)?;
        letters.truncate(count as usize);
        let affinities = c.builder.affinity(&letters);
        c.emit(Op::Affinity { first, count, affinities });
        c.emit(Op::Found { cursor, key: first, count: count as u16, to: fine });
        c.builder.release_temp_range(first, count);
        Ok(())
    }
}

/// A core that scans a table.
fn scan_of(c: &mut Compiler<'_>, table: &Arc<Table>) -> CompileResult<SelectId> {
    let ast = Arc::clone(&c.ast);
    crate::resolve::target(c, &ast, table, None, Indexed::Any)
}

/// Adds `amount` to the counter for each child of the parent row in registers.
fn scan_children(
    c: &mut Compiler<'_>,
    parent: &Arc<Table>,
    reference: &Reference,
    parent_key: &ParentKey,
    core: SelectId,
    row: Reg,
    amount: i32,
) -> CompileResult<()> {
    let child = &reference.child;
    let deferred = reference.key().deferred;
    let skip = (amount < 0).then(|| c.emit(Op::FkIfZero { deferred, to: Addr(0) }));
    let mut filter = None;
    for at in 0..reference.key().columns.len() {
        let left = parent_value(c, parent, row, parent_key.column(parent, at));
        let right = scan::column(c, core, child, Some(parent_key.child_columns[at]));
        let equal = scan::binary(c, BinaryOp::Eq, left, right);
        filter = Some(scan::and(c, filter, equal));
    }
    if Arc::ptr_eq(parent, child) && amount > 0 {
        // The row itself does not count.
        let other = other_row(c, parent, parent_key, core, row);
        filter = Some(scan::and(c, filter, other));
    }
    let found = scan::begin(c, core, filter, 0, None)?;
    c.emit(Op::FkCounter { deferred, amount });
    found.end(c)?;
    if let Some(skip) = skip {
        c.jump_here(skip);
    }
    Ok(())
}

/// A value of the parent row, with the column's affinity and collation.
fn parent_value(c: &mut Compiler<'_>, parent: &Arc<Table>, row: Reg, column: Option<usize>) -> ExprId {
    let number = column.map_or(column::ROWID, |column| column as i16);
    let of = c.bound.expr(ExprKind::SelfColumn { column: number, table: Arc::clone(parent) });
    let reg = column.map_or(row, |column| row::column_reg(parent, row, column));
    c.bound.expr(ExprKind::Register { reg, of: Some(of) })
}

/// The condition that a child row is not the parent row.
fn other_row(
    c: &mut Compiler<'_>,
    parent: &Arc<Table>,
    parent_key: &ParentKey,
    core: SelectId,
    row: Reg,
) -> ExprId {
    let index = match &parent_key.index {
        Some(index) if !row::has_rowid(parent) => Arc::clone(index),
        _ => {
            let left = parent_value(c, parent, row, None);
            let right = scan::column(c, core, parent, None);
            return scan::binary(c, BinaryOp::Ne, left, right);
        }
    };
    let mut all = None;
    for at in 0..index.key_columns {
        let column = usize::try_from(column::index_column(&index, at)).ok();
        let left = parent_value(c, parent, row, column);
        let right = scan::column(c, core, parent, column);
        let same = scan::binary(c, BinaryOp::Is, left, right);
        all = Some(scan::and(c, all, same));
    }
    let operand = all.unwrap_or_else(|| c.bound.expr(ExprKind::Null));
    c.bound.expr(ExprKind::Unary { op: UnaryOp::Not, operand })
}

/// Codes what has to happen to foreign keys before a table is dropped: its rows are deleted, and what that violates is reported.
pub fn drop_table(c: &mut Compiler<'_>, table: &Arc<Table>) -> CompileResult<()> {
    if !applies(c, table) {
        return Ok(());
    }
    let mut skip = None;
    if references(c, table).is_empty() {
        if !c.options.defer_foreign_keys && !table.foreign_keys.iter().any(|key| key.deferred) {
            return Ok(());
        }
        let label = c.label();
        c.emit(Op::FkIfZero { deferred: true, to: label });
        skip = Some(label);
    }
    let saved = std::mem::replace(&mut c.dml.triggers_disabled, true);
    let deleted = super::delete::delete_all_rows(c, table);
    c.dml.triggers_disabled = saved;
    deleted?;
    if !c.options.defer_foreign_keys {
        let behind = Addr(c.here().0 + 2);
        c.emit(Op::FkIfZero { deferred: false, to: behind });
        c.halt_constraint(HaltCode::ForeignKey, OnConflict::Abort, None);
    }
    if let Some(skip) = skip {
        c.bind(skip);
    }
    Ok(())
}
