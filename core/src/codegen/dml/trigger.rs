//! Which triggers a statement fires, and the calls of their programs.
//!
//! Temp triggers fire first, then RETURNING takes its row, then the table's own triggers, the newest first.
//!
//! Spec: CREATE TRIGGER; RETURNING.

use std::sync::Arc;

use kernite_parser::ast::{TriggerEvent, TriggerTime};
use kernite_vdbe::op::{Db, OnConflict, Op, SubprogramId};
use kernite_vdbe::{Addr, Reg};

use super::change::Changes;
use super::{program, returning, row};
use crate::catalog::{Table, Trigger};
use crate::compile::{CompileResult, Compiler};

/// The database of temporary tables and triggers.
const TEMP: Db = Db(1);

/// What is to be done at a row.
#[derive(Clone, Debug)]
pub enum Firing {
    /// A trigger's program is called.
    Trigger(Arc<Trigger>),
    /// The RETURNING clause takes the row.
    Returning,
}

/// All that a statement sets off at each row.
#[derive(Clone, Debug, Default)]
pub struct Triggers {
    list: Vec<Firing>,
    /// The statement has a RETURNING, and the table triggers of whatever event: what SQLite takes for a writable view.
    returning_and_others: bool,
}

impl Triggers {
    /// Whether nothing is set off.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether something happens before (or instead of) the change.
    pub fn has_before(&self) -> bool {
        self.list.iter().any(|firing| firing.is_before())
    }

    /// Whether there are triggers other than RETURNING.
    pub fn has_real(&self) -> bool {
        self.returning_and_others || self.list.iter().any(|firing| matches!(firing, Firing::Trigger(_)))
    }
}

impl Firing {
    fn is_before(&self) -> bool {
        match self {
            Firing::Trigger(trigger) => trigger.definition.time != TriggerTime::After,
            Firing::Returning => false,
        }
    }
}

/// The triggers that `event` on the table fires. `changes`: the columns that an UPDATE assigns to.
pub fn exist(
    c: &mut Compiler<'_>,
    table: &Arc<Table>,
    event: TriggerEvent,
    changes: Option<&Changes>,
) -> CompileResult<Triggers> {
    let mut list = Vec::new();
    if c.dml.triggers_disabled {
        return Ok(Triggers::default());
    }
    let mut returning_and_others = false;
    let fires = |trigger: &Trigger| trigger.definition.event == event && overlaps(trigger, changes);
    if table.db != TEMP
        && let Some(temp) = c.catalog.database(TEMP)
        && !temp.triggers.is_empty()
    {
        let on_table = |trigger: &&Arc<Trigger>| {
            trigger.table_db == table.db && trigger.table.eq_ignore_ascii_case(&table.name) && fires(trigger)
        };
        let mut found: Vec<_> = temp.triggers.values().filter(on_table).cloned().collect();
        found.sort_by(|a, b| a.name.cmp(&b.name));
        list.extend(found.into_iter().map(Firing::Trigger));
    }
    if returning::applies(c, event) {
        returning::check_table(table, event)?;
        list.push(Firing::Returning);
        returning_and_others = !table.triggers.is_empty();
    }
    if c.options.enable_triggers || table.db == TEMP {
        let own = table.triggers.iter().rev().filter(|trigger| trigger.db == table.db && fires(trigger));
        list.extend(own.cloned().map(Firing::Trigger));
    }
    Ok(Triggers { list, returning_and_others })
}

/// Whether a trigger is one of UPDATE OF the changed columns, or not choosy.
fn overlaps(trigger: &Trigger, changes: Option<&Changes>) -> bool {
    let Some(changes) = changes else { return true };
    let columns = trigger.ast.list(trigger.definition.columns);
    columns.is_empty()
        || columns.iter().any(|name| {
            let name = trigger.ast.text(name.value);
            changes.names.iter().any(|changed| changed.eq_ignore_ascii_case(name))
        })
}

/// A row at which triggers fire.
#[derive(Clone, Copy)]
pub struct Site<'a> {
    pub table: &'a Arc<Table>,
    /// First register of OLD; NEW follows it. In an INSERT only NEW is there, in a DELETE only OLD.
    pub rows: Reg,
    /// The statement's conflict clause, which its triggers inherit.
    pub conflict: Option<OnConflict>,
    /// Where RAISE(IGNORE) goes.
    pub ignore: Addr,
}

/// Fires the triggers of one time.
pub fn fire(c: &mut Compiler<'_>, triggers: &Triggers, before: bool, site: Site<'_>) -> CompileResult<()> {
    for firing in &triggers.list {
        match firing {
            _ if firing.is_before() != before => {}
            Firing::Trigger(trigger) => call(c, trigger, site)?,
            Firing::Returning => returning::take_row(c, site.table, site.rows)?,
        }
    }
    Ok(())
}

/// Calls the program of one trigger.
pub fn call(c: &mut Compiler<'_>, trigger: &Arc<Trigger>, site: Site<'_>) -> CompileResult<()> {
    let at = program::of(c, trigger, site.table, site.conflict)?;
    // Foreign-key actions, which have no name, may always run inside themselves.
    let recursive_ok = trigger.name.is_empty() || c.options.recursive_triggers;
    c.reg();
    c.emit(Op::Program { args: site.rows, ignore: site.ignore, sub: SubprogramId(at), recursive_ok });
    Ok(())
}

/// The columns of OLD (or NEW) that are used: bit n for column n, all bits when in doubt.
pub fn column_mask(
    c: &mut Compiler<'_>,
    triggers: &Triggers,
    table: &Arc<Table>,
    new: bool,
    before_only: bool,
    conflict: Option<OnConflict>,
) -> CompileResult<u32> {
    if row::is_view(table) {
        return Ok(u32::MAX);
    }
    let mut mask = 0;
    for firing in &triggers.list {
        if before_only && !firing.is_before() {
            continue;
        }
        mask |= match firing {
            // The rows that an upsert updates are returned as new ones.
            Firing::Returning if returning::is_insert(c) => 0,
            Firing::Returning => u32::MAX,
            Firing::Trigger(trigger) => {
                let at = program::of(c, trigger, table, conflict)?;
                program::mask(c, at, new)
            }
        };
    }
    Ok(mask)
}

/// Whether column `at` is in a mask.
pub fn is_in_mask(mask: u32, at: usize) -> bool {
    mask == u32::MAX || (at < 32 && mask & (1 << at) != 0)
}

/// Registers in front of the first row of `table` that a trigger could see: a row of INSERT begins where OLD would end, and the number of
/// OLD's first register must not be below 1.
pub fn reserve_rows(c: &mut Compiler<'_>, triggers: &Triggers, table: &Table) {
    let wanted = table.columns.len() as u32 + 1;
    let there = c.builder.register_count();
    if !triggers.is_empty() && there < wanted {
        c.builder.alloc_regs(wanted - there);
    }
}

/// First register of OLD for a row of INSERT: as if OLD stood in front of it.
pub fn rows_before(table: &Table, new: Reg) -> Reg {
    Reg(new.0.saturating_sub(table.columns.len() as u32 + 1))
}
