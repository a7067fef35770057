//! Checks of a new row: NOT NULL and CHECK here, uniqueness in `unique`; the records to be written are made on the way.
//!
//! Order, which decides what a row with several faults reports: NOT NULL by column, CHECK as declared, rowid, indexes; those that replace
//! other rows last.
//!
//! Spec: CREATE TABLE, "SQL Data Constraints"; The ON CONFLICT Clause.

use std::sync::Arc;

use kernite_vdbe::op::{HaltCode, OnConflict, Op};
use kernite_vdbe::{Addr, Reg};

use super::super::expr;
use super::change::{Changes, resolution};
use super::complete::Target;
use super::upsert::Upsert;
use super::{row, unique};
use crate::catalog::Table;
use crate::compile::{CompileResult, Compiler};

/// A row to be checked before it is written.
#[derive(Clone, Copy)]
pub struct NewRow<'a> {
    pub target: &'a Target,
    /// First register of the row: the rowid.
    pub new: Reg,
    /// First register of the row before an UPDATE; "none" in an INSERT.
    pub old: Reg,
    /// INSERT: the rowid was given. UPDATE: the primary key may change.
    pub key_changes: bool,
    /// The statement's conflict clause.
    pub conflict: Option<OnConflict>,
    /// Where a row goes that is to be ignored.
    pub ignore: Addr,
    /// UPDATE: the columns that change.
    pub changes: Option<&'a Changes>,
    /// ON CONFLICT clauses.
    pub upsert: Option<&'a Upsert>,
}

impl NewRow<'_> {
    /// Whether it is a row's new form and not a new row.
    pub fn is_update(&self) -> bool {
        self.old.is_some()
    }

    /// The table.
    pub fn table(&self) -> &Arc<Table> {
        &self.target.table
    }
}

/// Checks a row. Returns whether other rows may be replaced.
pub fn check(c: &mut Compiler<'_>, new: &NewRow<'_>) -> CompileResult<bool> {
    not_null(c, new)?;
    let affinity_done = checks(c, new)?;
    unique::check(c, new, affinity_done)
}

/// NOT NULL: first the ordinary columns, then, where REPLACE put in defaults or there are generated columns, those again that had to wait.
fn not_null(c: &mut Compiler<'_>, new: &NewRow<'_>) -> CompileResult<()> {
    let table = Arc::clone(new.table());
    let mut replaced = 0;
    let mut generated = 0;
    for second_pass in [false, true] {
        for (at, column) in table.columns.iter().enumerate() {
            let Some(constraint) = column.not_null else { continue };
            if table.rowid_alias == Some(at) {
                continue;
            }
            let is_generated = column.generated.is_some();
            if is_generated && !second_pass {
                generated += 1;
                continue;
            }
            if !is_generated && new.changes.is_some_and(|changes| !changes.has(at)) {
                continue;
            }
            let mut action = resolution(new.conflict, constraint);
            if action == OnConflict::Replace {
                if second_pass || column.default.is_none() || kernite_io::planted!(NotNullBeforeDefault) {
                    action = OnConflict::Abort;
                }
            } else if second_pass && !is_generated {
                continue;
            }
            let value = row::column_reg(&table, new.new, at);
            match action {
                OnConflict::Replace => {
                    replaced += 1;
                    let jump = c.emit(Op::NotNull { value, to: Addr(0) });
                    let default = row::default_expr(c, &table, at)?;
                    expr::code_copy(c, default, value)?;
                    c.jump_here(jump);
                }
                OnConflict::Ignore => {
                    c.emit(Op::IsNull { value, to: new.ignore });
                }
                OnConflict::Abort | OnConflict::Rollback | OnConflict::Fail => {
                    if action == OnConflict::Abort {
                        c.may_abort();
                    }
                    let message = [&table.name, &b"."[..], &column.name].concat();
                    let message = c.builder.name(&message);
                    c.emit(Op::HaltIfNull { value, code: HaltCode::NotNull, on_conflict: action, message });
                }
            }
        }
        if generated == 0 && replaced == 0 {
            return Ok(());
        }
        if !second_pass && replaced > 0 && table.has_generated {
            row::compute_generated(c, &table, new.new)?;
        }
    }
    Ok(())
}

/// CHECK. Returns whether the row got its affinities.
fn checks(c: &mut Compiler<'_>, new: &NewRow<'_>) -> CompileResult<bool> {
    let table = Arc::clone(new.table());
    if table.checks.is_empty() || c.options.ignore_check_constraints {
        return Ok(false);
    }
    let mut affinity_done = false;
    for (at, check) in table.checks.iter().enumerate() {
        let condition = row::check_expr(c, &table, at)?;
        if let Some(changes) = new.changes
            && (!changes.touch(c, condition) || kernite_io::planted!(CheckSkipped))
        {
            continue;
        }
        if !affinity_done {
            row::apply_affinity(c, &table, new.new.plus(1));
            affinity_done = true;
        }
        let holds = c.label();
        row::with_row(c, &table, new.new, |c| {
            let condition = c.copy_expr(condition);
            expr::jump_if_true(c, condition, holds, true)
        })?;
        match resolution(new.conflict, OnConflict::Abort) {
            OnConflict::Ignore => {
                c.goto(new.ignore);
            }
            action => {
                // A row cannot be replaced to satisfy a condition.
                let action = if action == OnConflict::Replace { OnConflict::Abort } else { action };
                let message = check.name.as_deref().unwrap_or(&check.text);
                c.halt_constraint(HaltCode::Check, action, Some(message));
            }
        }
        c.bind(holds);
    }
    Ok(affinity_done)
}
