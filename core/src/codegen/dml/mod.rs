//! Statements that change rows: INSERT, UPDATE, DELETE, and what they set off.
//!
//! ```text
//! insert ─┐            ┌─ constraint ── unique ─┐
//! update ─┼── target ──┤                        ├── complete (records and index entries are written)
//! delete ─┘            └─ trigger, foreign_key ─┘
//! ```
//!
//! Programs are SQLite's: the same checks in the same order, because which of two violated constraints is reported, and what a trigger
//! sees half-way, is visible.
//!
//! Rooms: `target` (the table that is changed, and whether it may be), `row` (how a row lies in registers), `source` (where the rows of an
//! INSERT come from), `transfer` (whole tables copied), `index_key` (keys of index entries), `remove` (one row is deleted), `trigger` and
//! `program` (which triggers fire; their programs), `foreign_key` and `foreign_key_action`, `upsert`, `returning`, `autoincrement`.
//!
//! A row in registers is always: rowid, then the columns in storage order, virtual columns behind the stored ones.
//!
//! Never: name resolution; the choice of a plan.

pub mod autoincrement;
mod change;
mod complete;
mod constraint;
mod delete;
mod foreign_key;
mod foreign_key_action;
mod index_key;
mod insert;
mod names;
mod program;
mod query;
mod remove;
pub mod returning;
mod row;
mod scan;
mod source;
pub(crate) mod target;
mod transfer;
mod trigger;
mod unique;
mod update;
mod update_from;
mod update_rows;
mod update_virtual;
mod upsert;

use kernite_parser::ast::Conflict;
use kernite_vdbe::op::{Db, HaltCode, OnConflict, Op};

use crate::compile::{CompileResult, Compiler};

pub use complete::halt_unique;
pub use delete::{delete, delete_all_rows};
pub use foreign_key::{ParentKey, drop_table as check_drop_table, locate_parent_key, references};
pub use index_key::{Key, bind_skip, index_key, index_key_reusing};
pub use insert::insert;
pub use row::{
    Opening, TableCursors, check_expr, default_expr, indexes, open_index, open_table_and_indexes, with_cursor,
};
pub use update::update;

/// What the statements of one compilation share, those of the triggers that they fire included.
#[derive(Default)]
pub struct State {
    /// AUTOINCREMENT tables that are inserted into.
    autoincrement: Vec<autoincrement::Counter>,
    /// Programs under construction that wait for the one being built, outermost first.
    outer: Vec<program::Outer>,
    /// Trigger programs, by number.
    programs: Vec<program::Compiled>,
    /// The RETURNING clause.
    returning: Option<returning::Returning>,
    /// Only foreign keys are looked after: a table is being dropped.
    pub triggers_disabled: bool,
}

/// The conflict clause of a statement.
pub fn on_conflict(conflict: Option<Conflict>) -> Option<OnConflict> {
    conflict.map(|conflict| match conflict {
        Conflict::Rollback => OnConflict::Rollback,
        Conflict::Abort => OnConflict::Abort,
        Conflict::Fail => OnConflict::Fail,
        Conflict::Ignore => OnConflict::Ignore,
        Conflict::Replace => OnConflict::Replace,
    })
}

/// Hands the trigger programs to the finished statement. To be called once, before the program is finished.
pub fn finish(c: &mut Compiler<'_>) -> CompileResult<()> {
    program::link_all(c)
}

/// Notes about the statement as a whole.
impl Compiler<'_> {
    /// A database is going to be written. `multi`: more than one row may change, or a trigger runs.
    pub fn begin_write(&mut self, multi: bool, db: Db) {
        self.verify_schema(db);
        self.notes.write_databases |= 1u32.checked_shl(u32::from(db.0)).unwrap_or(0);
        if multi {
            self.multi_write();
        }
    }

    /// More than one row or entry may be changed before an error is met.
    pub fn multi_write(&mut self) {
        self.outermost_builder().flags().multi_write = true;
    }

    /// The program may end by ABORT.
    pub fn may_abort(&mut self) {
        self.outermost_builder().flags().may_abort = true;
    }

    /// Whether more than one row may change, as far as is known now.
    pub fn is_multi_write(&mut self) -> bool {
        self.outermost_builder().flags().multi_write
    }

    /// Whether the statement itself is compiled, not the program of a trigger.
    pub fn is_top_level(&self) -> bool {
        self.dml.outer.is_empty()
    }

    /// Whether rows changed are counted and hooks called: not for what the engine does for itself.
    fn counts_changes(&self) -> bool {
        self.nested == 0
    }

    /// Ends the statement with a violated constraint. `message` is what stands behind the colon.
    pub fn halt_constraint(&mut self, code: HaltCode, on_conflict: OnConflict, message: Option<&[u8]>) {
        if on_conflict == OnConflict::Abort {
            self.may_abort();
        }
        let message = message.map_or(kernite_vdbe::op::ConstId(0), |text| self.builder.name(text));
        self.emit(Op::Halt { code, on_conflict, message });
    }
}
