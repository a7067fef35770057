//! Uniqueness of a new row: of its rowid, and of its entry in each index; the records of indexes and table are made here.
//!
//! ```text
//! rowid           (last, if it replaces while other constraints do not)
//! each index      key, record, NoConflict ── conflict: halt, ignore, replace, or the UPDATE of an upsert
//! checked again   where triggers ran because rows were replaced
//! record of the table
//! ```
//!
//! Replacing a row may fire triggers that insert what was just checked to be absent; so all checks are made again afterwards, with ABORT.

use std::sync::Arc;

use kernite_parser::ast::TriggerEvent;
use kernite_vdbe::op::{CollationId, CompareFlags, Cursor, OnConflict, Op, WriteFlags};
use kernite_vdbe::{Addr, Reg};

use super::super::{column, expr};
use super::change::resolution;
use super::complete::{halt_rowid, halt_unique};
use super::constraint::NewRow;
use super::foreign_key;
use super::remove::{self, Pass, Removal};
use super::row;
use super::trigger::{self, Triggers};
use super::upsert::{self, Upsert};
use crate::catalog::Index;
use crate::compile::{CompileResult, Compiler};

/// What is done about a conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Halt(OnConflict),
    Ignore,
    Replace,
    /// DO UPDATE of an upsert.
    Update,
}

impl Action {
    fn of(on_conflict: OnConflict) -> Action {
        match on_conflict {
            OnConflict::Ignore => Action::Ignore,
            OnConflict::Replace => Action::Replace,
            other => Action::Halt(other),
        }
    }
}

/// State of one run of checks.
struct Checks<'a> {
    new: &'a NewRow<'a>,
    /// The clauses that still count, and what all constraints do because of the statement.
    upsert: Option<&'a Upsert>,
    forced: Option<Action>,
    /// Triggers that a replaced row fires; how many programs ran; where the next second check begins, and where the first does.
    delete_triggers: Triggers,
    trigger_count: Reg,
    recheck_ok: Addr,
    recheck: Addr,
    replacing_triggers: usize,
    seen_replace: bool,
    affinity_done: bool,
    /// The rowid check that waits for the first clause's index: the jump around it, and the jump at its end.
    rowid_delay: Option<Addr>,
    rowid_return: Option<Addr>,
}

/// Checks uniqueness and makes the records. Returns whether other rows may be replaced.
pub fn check(c: &mut Compiler<'_>, new: &NewRow<'_>, affinity_done: bool) -> CompileResult<bool> {
    let mut checks = Checks {
        new,
        upsert: new.upsert,
        forced: new.conflict.map(Action::of),
        delete_triggers: Triggers::default(),
        trigger_count: Reg(0),
        recheck_ok: Addr(0),
        recheck: Addr(0),
        replacing_triggers: 0,
        seen_replace: false,
        affinity_done,
        rowid_delay: None,
        rowid_return: None,
    };
    let mut order: Vec<usize> = (0..new.table().indexes.len()).collect();
    if let Some(upsert) = new.upsert {
        if upsert.has_no_target() {
            // One clause for every constraint.
            if upsert.clause(0).is_update() {
                checks.forced = Some(Action::Update);
            } else {
                checks.forced = Some(Action::Ignore);
                checks.upsert = None;
            }
        } else {
            order = upsert.index_order(new.table());
        }
    }
    checks.prepare_recheck(c)?;
    let late_rowid = if new.key_changes && row::has_rowid(new.table()) { checks.rowid(c)? } else { None };
    for at in order {
        checks.index(c, at)?;
    }
    checks.finish(c, late_rowid)?;
    let table = Arc::clone(new.table());
    if row::has_rowid(&table) {
        row::make_record(c, &table, new.new, new.target.record, checks.affinity_done);
    }
    Ok(checks.seen_replace)
}

/// A rowid check that replaces rows and therefore runs behind all others: its address, and the jump at its end.
type LateRowid = Option<(Addr, Addr)>;

impl Checks<'_> {
    /// Finds out whether replaced rows set off anything.
    fn prepare_recheck(&mut self, c: &mut Compiler<'_>) -> CompileResult<()> {
        let table = Arc::clone(self.new.table());
        if !c.options.recursive_triggers && !c.options.foreign_keys {
            return Ok(());
        }
        if c.options.recursive_triggers {
            self.delete_triggers = trigger::exist(c, &table, TriggerEvent::Delete, None)?;
        }
        if self.delete_triggers.is_empty() && !foreign_key::required_for_delete(c, &table) {
            return Ok(());
        }
        let may_replace = match self.forced {
            Some(action) => action == Action::Replace,
            None => {
                let rowid_replaces = self.new.key_changes
                    && row::has_rowid(&table)
                    && table.rowid_conflict == OnConflict::Replace;
                rowid_replaces
                    || table
                        .indexes
                        .iter()
                        .any(|index| index.unique && index.on_conflict == OnConflict::Replace)
            }
        };
        if may_replace {
            self.trigger_count = c.reg();
            c.integer(0, self.trigger_count);
            self.recheck_ok = c.label();
            self.recheck = self.recheck_ok;
        }
        Ok(())
    }

    /// The rowid.
    fn rowid(&mut self, c: &mut Compiler<'_>) -> CompileResult<LateRowid> {
        let new = self.new;
        let table = Arc::clone(new.table());
        let fine = c.label();
        let mut action = self.forced.unwrap_or(Action::of(table.rowid_conflict));
        let mut delayed = false;
        if let Some(upsert) = self.upsert {
            let clause = upsert.clause_for(None);
            if let Some(clause) = clause {
                action = if upsert.clause(clause).is_update() { Action::Update } else { Action::Ignore };
            }
            if clause != Some(0) {
                // The first clause is about another constraint, which therefore comes first.
                self.rowid_delay = Some(c.goto(Addr(0)));
                delayed = true;
            }
        }
        let mut top = None;
        if action == Action::Replace && self.forced != Some(action) && !table.indexes.is_empty() {
            top = Some(match self.rowid_delay.take() {
                Some(jump) => jump,
                None => c.goto(Addr(0)),
            });
        }
        let top = top.map(|jump| (jump, c.here()));
        if new.is_update() {
            compare(c, new.new, new.old, fine);
        }
        let data = new.target.cursors.data;
        c.emit(Op::NotExists { cursor: data, key: new.new, miss: fine });
        match action {
            Action::Halt(on_conflict) => halt_rowid(c, &table, on_conflict),
            Action::Replace => self.replace_by_rowid(c)?,
            Action::Update => {
                if let Some(upsert) = self.upsert {
                    upsert::update(c, upsert, new.target, None, data)?;
                }
                c.goto(new.ignore);
            }
            Action::Ignore => {
                c.goto(new.ignore);
            }
        }
        c.bind(fine);
        if let Some((jump, address)) = top {
            let bottom = c.goto(Addr(0));
            c.jump_here(jump);
            return Ok(Some((address, bottom)));
        }
        if delayed {
            self.rowid_return = Some(c.goto(Addr(0)));
        }
        Ok(None)
    }

    /// The row with the new rowid goes away. Without triggers only its entries: the insert replaces the row itself.
    fn replace_by_rowid(&mut self, c: &mut Compiler<'_>) -> CompileResult<()> {
        let new = self.new;
        let table = Arc::clone(new.table());
        let cursors = new.target.cursors;
        if self.trigger_count.is_some() {
            c.multi_write();
            let removal = Removal {
                table: &table,
                triggers: &self.delete_triggers,
                cursors,
                key: new.new,
                key_count: 1,
                count_change: false,
                conflict: Some(OnConflict::Replace),
                pass: Pass::Single,
                sought_index: None,
            };
            remove::row(c, &removal)?;
            c.emit(Op::AddImm { value: self.trigger_count, amount: 1 });
            self.replacing_triggers += 1;
        } else {
            let link = row::table_link(c, &table);
            let flags = WriteFlags { no_op: true, ..WriteFlags::default() };
            c.emit(Op::Delete { cursor: cursors.data, table: link, flags });
            if !table.indexes.is_empty() && !kernite_io::planted!(ReplaceLeavesEntries) {
                c.multi_write();
                remove::entries(c, &table, cursors, None, None)?;
            }
        }
        self.seen_replace = true;
        Ok(())
    }

    /// One index: its record, and whether its key is unique.
    fn index(&mut self, c: &mut Compiler<'_>, at: usize) -> CompileResult<()> {
        let new = self.new;
        let table = Arc::clone(new.table());
        let record = new.target.index_regs[at];
        if !record.is_some() {
            return Ok(());
        }
        let Some(index) = row::indexes(&table).nth(at).cloned() else { return Ok(()) };
        let clause = self.upsert.and_then(|upsert| upsert.clause_for(Some(&index)));
        if clause == Some(0)
            && let Some(jump) = self.rowid_delay
        {
            c.jump_here(jump);
        }
        let fine = c.label();
        if !self.affinity_done {
            row::apply_affinity(c, &table, new.new.plus(1));
            self.affinity_done = true;
        }
        let key = record.plus(1);
        self.make_entry(c, &index, record, fine)?;
        if !self.must_check(&index) {
            c.bind(fine);
            return Ok(());
        }
        let action = self.action(&index, clause);
        let cursor = new.target.cursors.index(at);
        let is_key = row::is_primary_key(&table, &index);
        let check_from = c.here();
        c.emit(Op::NoConflict { cursor, key, count: index.key_columns as u16, to: fine });
        let key_size = row::primary_key(&table).map_or(1, |key| key.key_columns as u32);
        let conflicting = if is_key { key } else { c.builder.temp_range(key_size) };
        if new.is_update() || action == Action::Replace {
            self.identify(c, &index, cursor, key, conflicting, fine)?;
        }
        let check_to = c.here();
        match action {
            Action::Halt(on_conflict) => halt_unique(c, &table, &index, on_conflict),
            Action::Update => {
                if let Some(upsert) = self.upsert {
                    upsert::update(c, upsert, new.target, Some(&index), cursor)?;
                }
                c.goto(new.ignore);
            }
            Action::Ignore => {
                c.goto(new.ignore);
            }
            Action::Replace => {
                if self.trigger_count.is_some() {
                    c.multi_write();
                    self.replacing_triggers += 1;
                }
                let removal = Removal {
                    table: &table,
                    triggers: &self.delete_triggers,
                    cursors: new.target.cursors,
                    key: conflicting,
                    key_count: key_size as u16,
                    count_change: false,
                    conflict: Some(OnConflict::Replace),
                    pass: if is_key { Pass::Single } else { Pass::Two },
                    sought_index: Some(cursor),
                };
                if !kernite_io::planted!(ReplaceLeavesRow) {
                    remove::row(c, &removal)?;
                }
                self.seen_replace = true;
            }
        }
        if self.trigger_count.is_some() {
            self.check_again(c, &index, record, (check_from, check_to));
        }
        c.bind(fine);
        if !is_key {
            c.builder.release_temp_range(conflicting, key_size);
        }
        if let (Some(upsert), Some(clause), Some(back)) = (self.upsert, clause, self.rowid_return)
            && upsert.next_is_rowid(clause)
            && let Some(delay) = self.rowid_delay
        {
            c.goto(Addr(delay.0 + 1));
            c.jump_here(back);
            self.rowid_return = None;
        }
        Ok(())
    }

    /// The entry of the new row. NULL, and straight on, where a partial index leaves it out.
    fn make_entry(
        &mut self,
        c: &mut Compiler<'_>,
        index: &Arc<Index>,
        record: Reg,
        left_out: Addr,
    ) -> CompileResult<()> {
        let new = self.new;
        let table = Arc::clone(new.table());
        if let Some(filter) = column::index_filter(c, &table, index)? {
            c.nulls(record, 1);
            row::with_row(c, &table, new.new, |c| expr::jump_if_false_copy(c, filter, left_out, true))?;
        }
        let key = record.plus(1);
        for at in 0..index.columns.len() {
            let out = key.plus(at as u32);
            match column::index_column(index, at) {
                column::EXPR => {
                    let value = column::index_expr(c, &table, index, at)?;
                    row::with_row(c, &table, new.new, |c| expr::code_copy(c, value, out))?;
                }
                number => match usize::try_from(number).ok().filter(|&at| table.rowid_alias != Some(at)) {
                    Some(at) => {
                        c.emit(Op::SCopy { from: row::column_reg(&table, new.new, at), to: out });
                    }
                    None => {
                        c.emit(Op::IntCopy { from: new.new, to: out });
                    }
                },
            }
        }
        let count = index.columns.len() as u32;
        c.emit(Op::MakeRecord {
            first: key,
            count,
            out: record,
            affinities: kernite_vdbe::op::AffinityId(0),
        });
        Ok(())
    }

    /// Whether another row could have the same key at all. A row of a WITHOUT ROWID table that is replaced could be left to the insert,
    /// but the pre-update hook has to be told of it.
    fn must_check(&self, index: &Arc<Index>) -> bool {
        let unchanged =
            self.new.is_update() && !self.new.key_changes && row::is_primary_key(self.new.table(), index);
        index.unique && !unchanged
    }

    fn action(&self, index: &Index, clause: Option<usize>) -> Action {
        match (self.upsert, clause) {
            (Some(upsert), Some(clause)) => {
                if upsert.clause(clause).is_update() {
                    Action::Update
                } else {
                    Action::Ignore
                }
            }
            _ => self.forced.unwrap_or(Action::of(resolution(None, index.on_conflict))),
        }
    }

    /// The key of the row in the way into `conflicting`. In an UPDATE: jumps to `fine` if it is the row itself.
    fn identify(
        &self,
        c: &mut Compiler<'_>,
        index: &Arc<Index>,
        cursor: Cursor,
        key: Reg,
        conflicting: Reg,
        fine: Addr,
    ) -> CompileResult<()> {
        let new = self.new;
        let table = Arc::clone(new.table());
        let Some(primary) = row::primary_key(&table) else {
            c.emit(Op::IdxRowid { cursor, out: conflicting });
            if new.is_update() {
                compare(c, conflicting, new.old, fine);
            }
            return Ok(());
        };
        let is_key = Arc::ptr_eq(primary, index);
        if !is_key {
            read_primary_key(c, primary, index, cursor, conflicting);
        }
        if !new.is_update() {
            return Ok(());
        }
        let compared = if is_key { key } else { conflicting };
        let last = primary.key_columns.saturating_sub(1);
        let behind = Addr(c.here().0 + primary.key_columns as u32);
        for at in 0..primary.key_columns {
            let Ok(column) = usize::try_from(column::index_column(primary, at)) else { continue };
            let left = compared.plus(at as u32);
            let right = row::column_reg(&table, new.old, column);
            let collation = c.collation_id(primary.collations.get(at).and_then(|name| name.as_deref()))?;
            let flags = CompareFlags { affinity: 0, jump_if_null: false, null_eq: false };
            if at == last {
                c.emit(Op::Eq { left, right, to: fine, flags, collation });
            } else {
                c.emit(Op::Ne { left, right, to: behind, flags, collation });
            }
        }
        Ok(())
    }

    /// Codes the same check a second time, out of line, with ABORT: it runs when triggers did.
    fn check_again(&mut self, c: &mut Compiler<'_>, index: &Arc<Index>, record: Reg, ops: (Addr, Addr)) {
        c.emit(Op::AddImm { value: self.trigger_count, amount: 1 });
        let bypass = c.goto(Addr(0));
        c.bind(self.recheck_ok);
        self.recheck_ok = c.label();
        if index.filter.is_some() {
            c.emit(Op::IsNull { value: record, to: self.recheck_ok });
        }
        for at in ops.0.0..ops.1.0 {
            let op = *c.builder.op(Addr(at));
            if matches!(op, Op::IdxRowid { .. }) && !self.new.is_update() {
                continue;
            }
            let copy = c.emit(op);
            if matches!(op, Op::NoConflict { .. } | Op::Eq { .. } | Op::Ne { .. }) {
                c.builder.set_jump(copy, self.recheck_ok);
            }
        }
        let table = Arc::clone(self.new.table());
        halt_unique(c, &table, index, OnConflict::Abort);
        c.jump_here(bypass);
    }

    /// What comes behind all checks: the rowid that waited, and the second round.
    fn finish(&mut self, c: &mut Compiler<'_>, late_rowid: LateRowid) -> CompileResult<()> {
        let new = self.new;
        let table = Arc::clone(new.table());
        if let Some((address, bottom)) = late_rowid {
            c.goto(address);
            c.jump_here(bottom);
        }
        if self.replacing_triggers > 0 {
            c.emit(Op::IfNot { value: self.trigger_count, to: self.recheck_ok, jump_if_null: false });
            if row::has_rowid(&table) {
                if new.is_update() {
                    compare(c, new.new, new.old, self.recheck);
                }
                let cursor = new.target.cursors.data;
                c.emit(Op::NotExists { cursor, key: new.new, miss: self.recheck });
                halt_rowid(c, &table, OnConflict::Abort);
            } else {
                c.goto(self.recheck);
            }
        }
        if self.trigger_count.is_some() {
            c.bind(self.recheck_ok);
        }
        Ok(())
    }
}

/// Jumps when two rowids are the same.
fn compare(c: &mut Compiler<'_>, left: Reg, right: Reg, to: Addr) {
    let flags = CompareFlags { affinity: 0, jump_if_null: false, null_eq: false };
    c.emit(Op::Eq { left, right, to, flags, collation: CollationId(0) });
}

/// Reads the primary key of a WITHOUT ROWID table from an entry of one of its other indexes.
pub fn read_primary_key(c: &mut Compiler<'_>, primary: &Index, index: &Index, cursor: Cursor, first: Reg) {
    for at in 0..primary.key_columns {
        let number = column::index_column(primary, at);
        let place = column::place_in_index(index, number).unwrap_or(0);
        c.emit(Op::Column {
            cursor,
            column: place as u16,
            out: first.plus(at as u32),
            default: kernite_vdbe::op::ConstId(0),
            hint: column::HINT_NONE,
        });
    }
}

/// Collations by name.
impl Compiler<'_> {
    /// Links the collation of this name (`None`: BINARY).
    pub fn collation_id(&mut self, name: Option<&[u8]>) -> CompileResult<CollationId> {
        let collation = self.find_collation(name)?;
        let name = String::from_utf8_lossy(name.unwrap_or(b"BINARY")).into_owned();
        Ok(self.builder.collation(&name, collation))
    }
}
