//! What code generation carries from one call to the next: constants to be hoisted, subroutines coded, sources and their places.
//!
//! SQLite keeps these marks on the nodes of its tree. Ours stand beside the tree, keyed by node, SELECT or cursor, so that a copied
//! node starts without them.

use std::sync::Arc;

use kernite_btree::KeyInfo;
use kernite_io::HashMap;
use kernite_vdbe::op::{ConstId, Cursor, Db, Op};
use kernite_vdbe::{Addr, Reg};

use crate::bound::{ExprId, FromSource, SelectId};
use crate::catalog::Table;
use crate::compile::Compiler;
use crate::plan::log_est::LogEst;

/// Where the row lies that `SelfColumn`s read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SelfRow {
    /// Nowhere: no table's own expression is being coded.
    #[default]
    None,
    /// On a cursor.
    Cursor(Cursor),
    /// In registers: rowid in this one, stored columns behind it in storage order.
    Registers(Reg),
}

/// An expression whose value was moved to the program's head.
#[derive(Clone, Copy, Debug)]
pub struct Hoisted {
    pub expr: ExprId,
    pub reg: Reg,
    /// For NULL: how many registers.
    pub count: u32,
    /// Whether other uses of an equal expression may share the register.
    pub reusable: bool,
}

/// An expression that an index (being scanned) holds as a column.
#[derive(Clone, Copy, Debug)]
pub struct IndexedExpr {
    /// In terms of `SelfColumn`s.
    pub expr: ExprId,
    /// Table cursor; `None` once the scan is over.
    pub data: Option<Cursor>,
    pub index: Cursor,
    pub column: u16,
    /// The cursor may be on a null row (outer join).
    pub maybe_null_row: bool,
    pub affinity: u8,
}

/// A column whose value the WHERE of a partial index (being scanned) fixes.
#[derive(Clone, Copy, Debug)]
pub struct PartialIndexColumn {
    pub value: ExprId,
    pub data: Cursor,
    pub column: i16,
    pub index: Cursor,
    pub maybe_null_row: bool,
    pub affinity: u8,
}

/// A subquery coded as a subroutine.
#[derive(Clone, Copy, Debug)]
pub struct Subroutine {
    pub entry: Addr,
    pub return_reg: Reg,
    /// Result register of a scalar subquery.
    pub result: Reg,
    /// Ephemeral index of an IN list.
    pub cursor: Cursor,
    /// Bloom filter over the list; register 0 = none.
    pub bloom: Reg,
}

/// An IN subquery that was coded and may be shared: same SELECT number, same affinities.
#[derive(Clone, Debug)]
pub struct InSignature {
    pub select_number: u32,
    pub affinities: Box<[u8]>,
    pub subroutine: Subroutine,
}

/// How a FROM subquery was coded.
#[derive(Clone, Copy, Debug, Default)]
pub struct SubqueryState {
    /// Entry of the code that fills or yields it; `None` = not coded.
    pub fill: Option<Addr>,
    pub return_reg: Reg,
    /// First output register of a co-routine.
    pub result: Reg,
    pub via_coroutine: bool,
    pub materialized: bool,
    /// Rows expected; `None` = SQLite's default for an ephemeral table.
    pub row_estimate: Option<LogEst>,
}

/// What is noted about a SELECT core while it is coded.
#[derive(Clone, Copy, Debug, Default)]
pub struct SelectState {
    /// Counters of LIMIT and OFFSET; 0 = none. LIMIT+OFFSET stands behind the OFFSET counter.
    pub limit: Reg,
    pub offset: Reg,
    pub row_estimate: LogEst,
    /// LIMIT is a constant that bounds `row_estimate`.
    pub fixed_limit: bool,
    /// WHERE terms were pushed into it, or columns of it blanked: it is not the view it was.
    pub pushed_down: bool,
    /// An IN whose right side was copied: both copies want a Bloom filter.
    pub cloned_in: bool,
    /// Part of a compound.
    pub compound: bool,
    /// SELECT DISTINCT turned into a GROUP BY over the result columns.
    pub grouped_by_result: bool,
    /// The SELECT that finds the rows of UPDATE … FROM.
    pub update_from: bool,
    /// The core behind this one in a compound.
    pub next: Option<SelectId>,
}

/// A common table expression.
#[derive(Clone, Copy, Debug, Default)]
pub struct CteState {
    /// Where it was materialised first.
    pub fill: Option<Addr>,
    pub return_reg: Reg,
    pub cursor: Cursor,
    pub row_estimate: LogEst,
}

/// What code generation carries along in a [`Compiler`].
#[derive(Debug, Default)]
pub struct State {
    /// Lines of EXPLAIN QUERY PLAN are wanted.
    pub explain_plan: bool,
    /// Id of the line that new lines hang under.
    pub explain_parent: i32,
    /// Constants may not be moved to the program's head: what is coded may be skipped or is coded elsewhere.
    pub hoisting_off: bool,
    pub hoisted: Vec<Hoisted>,
    pub self_row: SelfRow,
    /// Virtual columns being computed, to find loops.
    pub columns_under_way: Vec<(usize, usize)>,
    /// Generated columns of the row in registers that are computed already.
    pub computed_columns: Vec<(usize, usize)>,
    /// Where NEW and OLD lie when they are registers of this program (RETURNING) and not a trigger's parameters.
    pub trigger_row: Option<Reg>,
    /// A jump leads to the instruction after the last Copy: it must not grow.
    pub copy_barrier: Option<Addr>,
    pub indexed_exprs: Vec<IndexedExpr>,
    pub partial_index_columns: Vec<PartialIndexColumn>,
    pub subroutines: HashMap<ExprId, Subroutine>,
    /// Row-value subqueries whose columns were read: depth of right-join subroutines at which they were run last.
    pub row_subqueries: HashMap<ExprId, u32>,
    pub in_signatures: Vec<InSignature>,
    pub subqueries: HashMap<SelectId, SubqueryState>,
    /// Queries with window functions, from when they are split until their rows are coded.
    pub windowed: HashMap<SelectId, crate::codegen::select::Windowed>,
    pub ctes: HashMap<u32, CteState>,
    /// Columns whose value the WHERE clause fixes, and the constant that they read as.
    pub fixed_columns: HashMap<ExprId, ExprId>,
    /// Cursors of tables that came from an EXISTS.
    pub from_exists: Vec<Cursor>,
    pub aggregates: Vec<crate::codegen::expr::AggregateInfo>,
    /// Depth of right-join subroutines being coded.
    pub right_join_depth: u32,
    /// Logarithm of how often the loops around run the present code.
    pub query_loop: LogEst,
    /// The program is a trigger's.
    pub in_trigger: bool,
    /// RAISE is allowed outside of triggers too: SQL text of our own is being compiled.
    pub raise_allowed: bool,
    /// Depth of nested `select::code` calls.
    pub select_depth: u32,
    selects: Vec<SelectState>,
    /// Key descriptions by index identity.
    pub(crate) index_keys: HashMap<usize, Arc<KeyInfo>>,
    /// Bound expressions of indexes and generated columns, by (identity, place).
    pub(crate) schema_exprs: HashMap<(usize, usize), ExprId>,
    /// Defaults of columns, by (table, column).
    pub(crate) defaults: HashMap<(usize, usize), ConstId>,
    /// What `schema_exprs` and `index_keys` are keyed by stays alive as long as they do.
    pub(crate) kept: Vec<Kept>,
    /// Databases already checked by a Transaction instruction.
    pub verified: u64,
}

/// A schema object kept alive.
#[derive(Clone, Debug)]
pub enum Kept {
    Table(Arc<Table>),
    Index(Arc<crate::catalog::Index>),
}

impl State {
    /// Notes about a SELECT.
    pub fn select(&self, id: SelectId) -> SelectState {
        self.selects.get(id.0 as usize).copied().unwrap_or_default()
    }

    /// The same, to be changed.
    pub fn select_mut(&mut self, id: SelectId) -> &mut SelectState {
        let at = id.0 as usize;
        if at >= self.selects.len() {
            self.selects.resize(at + 1, SelectState::default());
        }
        &mut self.selects[at]
    }
}

/// Short forms of what every generator does.
impl Compiler<'_> {
    /// Appends an instruction.
    pub fn emit(&mut self, op: Op) -> Addr {
        self.builder.emit(op)
    }

    /// An unconditional jump.
    pub fn goto(&mut self, to: Addr) -> Addr {
        self.builder.emit(Op::Goto { to })
    }

    /// A new label.
    pub fn label(&mut self) -> Addr {
        self.builder.label()
    }

    /// Puts a label here.
    pub fn bind(&mut self, label: Addr) {
        self.codegen.copy_barrier = Some(self.builder.here());
        self.builder.bind(label);
    }

    /// The next instruction's address.
    pub fn here(&self) -> Addr {
        self.builder.here()
    }

    /// Makes the jump at `at` lead here.
    pub fn jump_here(&mut self, at: Addr) {
        self.codegen.copy_barrier = Some(self.builder.here());
        self.builder.jump_here(at);
    }

    /// A permanent register.
    pub fn reg(&mut self) -> Reg {
        self.builder.alloc_reg()
    }

    /// A new cursor.
    pub fn cursor(&mut self) -> Cursor {
        self.builder.alloc_cursor()
    }

    /// A 32-bit integer into a register.
    pub fn integer(&mut self, value: i32, out: Reg) -> Addr {
        self.builder.emit(Op::Integer { value, out })
    }

    /// NULL into `count` registers.
    pub fn nulls(&mut self, first: Reg, count: u32) -> Addr {
        self.builder.emit(Op::Null { first, last: first.plus(count.max(1) - 1), cleared: false })
    }

    /// Notes that a database is read, so that its transaction and schema check stand at the program's head.
    pub fn verify_schema(&mut self, db: Db) {
        self.notes.read_databases |= 1u32.checked_shl(u32::from(db.0)).unwrap_or(0);
    }

    /// Whether an optimisation (a bit of `SQLITE_TESTCTRL_OPTIMIZATIONS`) is on.
    pub fn optimizes(&self, bit: u32) -> bool {
        self.options.disabled_optimizations & bit == 0
    }

    /// Copies an expression with the notes about its nodes: subroutines coded for its subqueries go on serving the copy.
    pub fn copy_expr(&mut self, expr: ExprId) -> ExprId {
        let copy = self.bound.copy(expr);
        self.copy_notes(expr, copy);
        copy
    }

    /// Copies a SELECT that is to be coded apart from its original.
    pub fn copy_select(&mut self, select: SelectId) -> SelectId {
        let copy = self.bound.copy_select(select);
        if !self.codegen.fixed_columns.is_empty() {
            self.copy_select_notes(select, copy, false);
        }
        copy
    }

    /// Gives a node the notes of another one whose place it takes.
    pub fn move_notes(&mut self, from: ExprId, to: ExprId) {
        if let Some(subroutine) = self.codegen.subroutines.remove(&from) {
            self.codegen.subroutines.insert(to, subroutine);
        }
        if let Some(value) = self.codegen.fixed_columns.remove(&from) {
            self.codegen.fixed_columns.insert(to, value);
        }
    }

    fn copy_notes(&mut self, from: ExprId, to: ExprId) {
        if !self.codegen.subroutines.is_empty() || !self.codegen.fixed_columns.is_empty() {
            self.copy_notes_below(from, to, true);
        }
    }

    /// Walks an expression and its copy side by side.
    fn copy_notes_below(&mut self, from: ExprId, to: ExprId, subroutines: bool) {
        if subroutines && let Some(&subroutine) = self.codegen.subroutines.get(&from) {
            self.codegen.subroutines.insert(to, subroutine);
        }
        if let Some(&value) = self.codegen.fixed_columns.get(&from) {
            self.codegen.fixed_columns.insert(to, value);
        }
        let (mut old, mut new) = (Vec::new(), Vec::new());
        self.bound.for_each_operand(from, |operand| old.push(operand));
        self.bound.for_each_operand(to, |operand| new.push(operand));
        for (old, new) in old.into_iter().zip(new) {
            self.copy_notes_below(old, new, subroutines);
        }
        if let (Some(old), Some(new)) = (self.bound.subquery_of(from), self.bound.subquery_of(to)) {
            self.copy_select_notes(old, new, subroutines);
        }
    }

    fn copy_select_notes(&mut self, from: SelectId, to: SelectId, subroutines: bool) {
        let pairs: Vec<_> = self.bound.cores(from).zip(self.bound.cores(to)).collect();
        for (from, to) in pairs {
            let (mut old, mut new) = (Vec::new(), Vec::new());
            self.bound.for_each_root(from, |root| old.push(root));
            self.bound.for_each_root(to, |root| new.push(root));
            for (old, new) in old.into_iter().zip(new) {
                self.copy_notes_below(old, new, subroutines);
            }
            for at in 0..self.bound[from].from.len().min(self.bound[to].from.len()) {
                let inner = |select: SelectId| match self.bound[select].from[at].source {
                    FromSource::Subquery { select, .. } => Some(select),
                    _ => None,
                };
                if let (Some(old), Some(new)) = (inner(from), inner(to)) {
                    self.copy_select_notes(old, new, subroutines);
                }
            }
        }
    }
}
