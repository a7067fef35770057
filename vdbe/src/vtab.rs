//! Virtual tables: the traits behind `CREATE VIRTUAL TABLE` and table-valued functions.
//!
//! ```text
//! Module ── create | connect ──> Table ── best_index (planner), open ──> TableCursor ── filter, next, column, rowid
//!                                  └── update, rename, transaction methods
//! ```
//!
//! Methods that may touch storage return [`Step`] and obey the restart rule: after `Ok(None)` they are called again with the same
//! arguments. They run with the connection released ([`crate::machine::Event::Call`]) and reach it through [`Sql`], unless the
//! table says that it needs no connection ([`Table::runs_inline`]): then they run inside the instruction.
//!
//! Never: where modules are registered and tables are named.

use std::any::Any;
use std::sync::Arc;

use kernite_btree::Encoding;

use crate::op::OnConflict;
use crate::register::{Payload, Register};
use crate::{Error, Step};

/// The connection as a virtual table sees it: prepare, bind, step. `core` implements it.
pub trait Sql {
    /// Compiles `sql`; the statement is named by the number until [`Sql::finish`].
    fn prepare(&mut self, sql: &str) -> Step<u32>;
    /// Binds parameter `number` (from 1).
    fn bind(&mut self, statement: u32, number: u32, value: kernite_btree::ValueRef<'_>) -> Result<(), Error>;
    /// The next row; `false` at the end.
    fn step(&mut self, statement: u32) -> Step<bool>;
    /// A column of the row at hand.
    fn column(&self, statement: u32, column: u16) -> &Register;
    /// Back to the start; bindings stay.
    fn reset(&mut self, statement: u32) -> Step<()>;
    /// Ends the statement.
    fn finish(&mut self, statement: u32);
    /// The connection's text encoding.
    fn encoding(&self) -> Encoding;
    /// The rowid that the last INSERT made.
    fn last_insert_rowid(&self) -> i64;
    /// Sets what `last_insert_rowid()` gives.
    fn set_last_insert_rowid(&mut self, rowid: i64);
}

/// What a method of a table is given: the connection, where the table asked for it.
pub struct Context<'a> {
    /// `None` for tables that run inline.
    pub sql: Option<&'a mut dyn Sql>,
    pub encoding: Encoding,
}

/// A kind of virtual table, as registered by name.
pub trait Module: Send + Sync {
    /// CREATE VIRTUAL TABLE: makes what is stored, then connects. `arguments` are module, database, table name and the arguments as typed.
    fn create(&self, arguments: &[&[u8]], context: &mut Context<'_>) -> Step<Connected>;
    /// Connects to a table made before (or an eponymous one).
    fn connect(&self, arguments: &[&[u8]], context: &mut Context<'_>) -> Step<Connected>;
    /// Whether a table named after the module is there without CREATE.
    fn is_eponymous(&self) -> bool;
    /// Whether CREATE VIRTUAL TABLE is not allowed (table-valued functions).
    fn is_eponymous_only(&self) -> bool {
        false
    }
    /// Whether `suffix` makes the name of a shadow table (`t_content`).
    fn is_shadow(&self, suffix: &str) -> bool {
        let _ = suffix;
        false
    }
}

/// A table and how SQL sees it.
pub struct Connected {
    pub table: Arc<dyn Table>,
    /// A CREATE TABLE statement that declares the columns; its name does not matter.
    pub declaration: String,
    pub risk: Risk,
    /// UPDATE and DELETE honour conflict clauses (`SQLITE_VTAB_CONSTRAINT_SUPPORT`).
    pub constraint_support: bool,
}

/// Where a table may be used (`SQLITE_VTAB_INNOCUOUS`, `SQLITE_VTAB_DIRECTONLY`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Risk {
    Innocuous,
    #[default]
    Normal,
    DirectOnly,
}

/// The comparison of a constraint offered to [`Table::best_index`]; numbers are SQLite's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConstraintOp(pub u8);

impl ConstraintOp {
    pub const EQ: ConstraintOp = ConstraintOp(2);
    pub const GT: ConstraintOp = ConstraintOp(4);
    pub const LE: ConstraintOp = ConstraintOp(8);
    pub const LT: ConstraintOp = ConstraintOp(16);
    pub const GE: ConstraintOp = ConstraintOp(32);
    pub const MATCH: ConstraintOp = ConstraintOp(64);
    pub const LIKE: ConstraintOp = ConstraintOp(65);
    pub const GLOB: ConstraintOp = ConstraintOp(66);
    pub const REGEXP: ConstraintOp = ConstraintOp(67);
    pub const NE: ConstraintOp = ConstraintOp(68);
    pub const IS_NOT: ConstraintOp = ConstraintOp(69);
    pub const IS_NOT_NULL: ConstraintOp = ConstraintOp(70);
    pub const IS_NULL: ConstraintOp = ConstraintOp(71);
    pub const IS: ConstraintOp = ConstraintOp(72);
    pub const LIMIT: ConstraintOp = ConstraintOp(73);
    pub const OFFSET: ConstraintOp = ConstraintOp(74);
    /// The first of the functions that [`Table::find_function`] overloads.
    pub const FUNCTION: ConstraintOp = ConstraintOp(150);
}

/// One WHERE term offered.
#[derive(Clone, Debug)]
pub struct Constraint {
    /// Column, -1 = rowid.
    pub column: i32,
    pub op: ConstraintOp,
    /// Whether the right side is known at this place of the join order.
    pub usable: bool,
    /// Collation of the comparison (`sqlite3_vtab_collation`).
    pub collation: String,
    /// The right side where it is a constant (`sqlite3_vtab_rhs_value`).
    pub value: Option<Arc<Register>>,
    /// The term is `column IN (…)` and can be handed over as a whole (`sqlite3_vtab_in`).
    pub is_in: bool,
}

/// What is done with a constraint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// The right side becomes argument `n - 1` of `filter`; 0: not used.
    pub argument: u32,
    /// The table promises that every row satisfies it: it is not checked again.
    pub omit: bool,
    /// All values of the IN list at once (`sqlite3_vtab_in`).
    pub all_at_once: bool,
}

/// All values of an IN list, as one argument of [`TableCursor::filter`] (`sqlite3_vtab_in_first`, `_next`).
#[derive(Debug, Default)]
pub struct ValueList {
    pub values: Vec<Register>,
}

impl ValueList {
    /// The list in an argument; `None` where it is a plain value.
    pub fn of(argument: &Register) -> Option<&ValueList> {
        match &argument.payload {
            Payload::Object(object) => object.downcast_ref(),
            _ => None,
        }
    }
}

/// The question that the planner asks and the answer.
#[derive(Clone, Debug, Default)]
pub struct IndexInfo {
    pub constraints: Vec<Constraint>,
    /// ORDER BY or GROUP BY columns and whether descending.
    pub order_by: Vec<(i32, bool)>,
    /// `sqlite3_vtab_distinct`: 0 to 3.
    pub distinct: u8,
    /// Bit i: column i is used; the top bit for all from 63 on.
    pub columns_used: u64,

    pub usage: Vec<Usage>,
    pub index_number: i32,
    pub index_text: Option<Vec<u8>>,
    pub order_by_consumed: bool,
    pub estimated_cost: f64,
    pub estimated_rows: i64,
    /// At most one row (`SQLITE_INDEX_SCAN_UNIQUE`).
    pub unique: bool,
    /// EXPLAIN QUERY PLAN shows the number in hexadecimal (`SQLITE_INDEX_SCAN_HEX`).
    pub hexadecimal: bool,
}

/// What [`Table::best_index`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    Usable,
    /// No plan with these usable constraints (`SQLITE_CONSTRAINT`).
    Unusable,
}

/// A change of one row.
pub enum Update<'a> {
    Delete {
        rowid: &'a Register,
    },
    /// `rowid` is NULL where the table chooses.
    Insert {
        rowid: &'a Register,
        columns: &'a [Register],
    },
    /// `old` may equal `new`.
    Update {
        old: &'a Register,
        new: &'a Register,
        columns: &'a [Register],
    },
}

/// One virtual table.
pub trait Table: Send + Sync {
    /// The table needs no connection and runs no user code: its methods run inside the instruction.
    fn runs_inline(&self) -> bool {
        false
    }
    /// Chooses a plan. Called by the planner, never at run time.
    fn best_index(&self, info: &mut IndexInfo) -> Result<Plan, Error>;
    /// A cursor before its first `filter`.
    fn open(&self) -> Result<Box<dyn TableCursor>, Error>;
    /// Inserts, deletes or changes a row; the rowid of an inserted row.
    fn update(
        &self,
        update: Update<'_>,
        on_conflict: OnConflict,
        context: &mut Context<'_>,
    ) -> Step<Option<i64>> {
        let _ = (update, on_conflict, context);
        Err(Error::with_code(8, "attempt to write a readonly database"))
    }
    /// Whether `update` works at all.
    fn is_writable(&self) -> bool {
        false
    }
    /// ALTER TABLE … RENAME.
    fn rename(&self, name: &[u8], context: &mut Context<'_>) -> Step<()> {
        let _ = (name, context);
        Err(Error::message("virtual tables may not be renamed"))
    }
    /// DROP TABLE: removes what is stored.
    fn destroy(&self, context: &mut Context<'_>) -> Step<()> {
        let _ = context;
        Ok(Some(()))
    }
    /// The table writes in a transaction that begins here.
    fn begin(&self, context: &mut Context<'_>) -> Step<()> {
        let _ = context;
        Ok(Some(()))
    }
    /// First half of a commit.
    fn sync(&self, context: &mut Context<'_>) -> Step<()> {
        let _ = context;
        Ok(Some(()))
    }
    /// Second half.
    fn commit(&self) {}
    /// The transaction is undone.
    fn rollback(&self) {}
    /// Savepoint `index` opens; is released; is rolled back to.
    fn savepoint(&self, action: crate::op::SavepointAction, index: usize) -> Result<(), Error> {
        let _ = (action, index);
        Ok(())
    }
    /// PRAGMA integrity_check: a message, or `None` when all is well.
    fn integrity(&self, quick: bool, context: &mut Context<'_>) -> Step<Option<String>> {
        let _ = (quick, context);
        Ok(Some(None))
    }
    /// An overloaded function whose first argument is a column of this table, and its [`ConstraintOp`] from `FUNCTION` on (0: none).
    fn find_function(
        &self,
        name: &str,
        arguments: usize,
    ) -> Option<(Arc<crate::function::FunctionDef>, ConstraintOp)> {
        let _ = (name, arguments);
        None
    }
    /// For a layer above that knows the concrete type.
    fn as_any(&self) -> &dyn Any;
}

/// A scan of a virtual table.
pub trait TableCursor: Send {
    /// Starts a scan with the plan that `best_index` chose and goes to its first row.
    fn filter(
        &mut self,
        index_number: i32,
        index_text: Option<&[u8]>,
        arguments: &[Register],
        context: &mut Context<'_>,
    ) -> Step<()>;
    /// Goes to the next row.
    fn next(&mut self, context: &mut Context<'_>) -> Step<()>;
    /// Whether there is no row.
    fn is_at_end(&self) -> bool;
    /// The value of a column. With `no_change` (UPDATE of other columns) the table may leave `out` as it is and return `false`.
    fn column(
        &mut self,
        column: u16,
        no_change: bool,
        out: &mut Register,
        context: &mut Context<'_>,
    ) -> Step<bool>;
    /// The rowid.
    fn rowid(&mut self, context: &mut Context<'_>) -> Step<i64>;
}
