//! The state of one WHERE: its sources, its terms, the candidates for each source, the plan chosen, and the loops being coded.
//!
//! ```text
//! where_begin: terms (clause, analyze) -> candidates (candidates_*) -> path (solver) -> levels -> code (codegen::where_loop)
//! WhereLoop::end: the loops' tails
//! ```
//!
//! Sources have bits: bit n stands for source n of the list, and a `Mask` for a set of sources.
//!
//! Never: instructions; those are `codegen::where_loop`'s.

use std::rc::Rc;
use std::sync::Arc;

use kernite_vdbe::op::Cursor;
use kernite_vdbe::{Addr, Reg};

use super::clause::{Clause, ClauseId, Term, TermId};
use super::constant::Joined;
use super::log_est::LogEst;
use super::virtual_table::VirtualPlan;
use crate::bound::{ExprId, FromItem, FromSource, IndexHint, JoinFlags, OrderTerm, SelectId};
use crate::catalog::{Index, Table, TableKind};
use crate::compile::Compiler;

/// A set of sources.
pub type Mask = u64;

/// How many sources a join may have.
pub const SOURCES_MAX: usize = 64;

/// What the caller of `where_begin` wants. Bits may be combined.
pub mod control {
    pub const ORDER_BY_MIN: u32 = 0x0001;
    pub const ORDER_BY_MAX: u32 = 0x0002;
    /// UPDATE or DELETE would like to change rows as they are found.
    pub const ONE_PASS_DESIRED: u32 = 0x0004;
    /// … also when there are several.
    pub const ONE_PASS_MULTI_ROW: u32 = 0x0008;
    /// A row may come twice.
    pub const DUPLICATES_OK: u32 = 0x0010;
    /// Inside of an OR that several indexes answer.
    pub const OR_SUBCLAUSE: u32 = 0x0020;
    /// The order is that of GROUP BY.
    pub const GROUP_BY: u32 = 0x0040;
    /// The order is that of DISTINCT.
    pub const DISTINCT_BY: u32 = 0x0080;
    pub const WANT_DISTINCT: u32 = 0x0100;
    /// GROUP BY wants to know whether ORDER BY comes with it.
    pub const SORT_BY_GROUP: u32 = 0x0200;
    pub const AGGREGATE_DISTINCT: u32 = 0x0400;
    /// Only the innermost loop's order matters.
    pub const ORDER_BY_LIMIT: u32 = 0x0800;
    pub const RIGHT_JOIN: u32 = 0x1000;
    pub const KEEP_ALL_JOINS: u32 = 0x2000;
    /// The estimate of LIMIT bounds the cost of sorting.
    pub const USE_LIMIT: u32 = 0x4000;
}

/// Properties of a candidate. SQLite's `WHERE_*` for one loop.
pub mod flag {
    pub const COLUMN_EQ: u32 = 0x0000_0001;
    pub const COLUMN_RANGE: u32 = 0x0000_0002;
    pub const COLUMN_IN: u32 = 0x0000_0004;
    pub const COLUMN_NULL: u32 = 0x0000_0008;
    pub const CONSTRAINT: u32 = 0x0000_000f;
    pub const TOP_LIMIT: u32 = 0x0000_0010;
    pub const BOTTOM_LIMIT: u32 = 0x0000_0020;
    pub const BOTH_LIMITS: u32 = 0x0000_0030;
    /// The index alone answers.
    pub const INDEX_ONLY: u32 = 0x0000_0040;
    /// By rowid, or a scan of the table.
    pub const ROWID: u32 = 0x0000_0100;
    pub const INDEXED: u32 = 0x0000_0200;
    pub const VIRTUAL_TABLE: u32 = 0x0000_0400;
    /// Has loops over IN values.
    pub const IN_ABLE: u32 = 0x0000_0800;
    /// At most one row.
    pub const ONE_ROW: u32 = 0x0000_1000;
    pub const MULTI_OR: u32 = 0x0000_2000;
    pub const AUTO_INDEX: u32 = 0x0000_4000;
    pub const SKIP_SCAN: u32 = 0x0000_8000;
    pub const UNIQUE_WANTED: u32 = 0x0001_0000;
    pub const PARTIAL_INDEX: u32 = 0x0002_0000;
    pub const IN_EARLY_OUT: u32 = 0x0004_0000;
    pub const BIG_NULL_SORT: u32 = 0x0008_0000;
    pub const IN_SEEK_SCAN: u32 = 0x0010_0000;
    /// Uses a transitive constraint.
    pub const TRANSITIVE: u32 = 0x0020_0000;
    pub const BLOOM_FILTER: u32 = 0x0040_0000;
    /// Terms reduce this table's rows by themselves.
    pub const SELF_CULL: u32 = 0x0080_0000;
    pub const COROUTINE: u32 = 0x0200_0000;
    /// Might be covering, thanks to expressions that the index holds.
    pub const EXPR_INDEX: u32 = 0x0400_0000;
}

/// What a source reads.
#[derive(Clone, Debug)]
pub enum SourceKind {
    Table(Arc<Table>),
    Subquery(SelectId),
    Recursive,
}

/// One FROM item as the planner sees it.
#[derive(Clone, Debug)]
pub struct Source {
    pub kind: SourceKind,
    pub cursor: Cursor,
    pub join: JoinFlags,
    pub columns_used: u64,
    pub hint: IndexHint,
    pub correlated: bool,
    pub rowid_used: bool,
    /// Came from an EXISTS: one match is enough.
    pub from_exists: bool,
    pub cte: Option<u32>,
    /// How many columns it has.
    pub column_count: usize,
    /// The table's, view's or subquery's name, as EXPLAIN QUERY PLAN shows it.
    pub name: Box<str>,
    pub alias: Option<Box<str>>,
    /// Column names of a subquery.
    pub column_names: Rc<[Box<str>]>,
    /// Arguments of a table-valued function.
    pub arguments: Vec<ExprId>,
}

impl Source {
    /// The planner's view of a FROM item.
    pub fn new(c: &Compiler<'_>, item: &FromItem) -> Source {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned().into_boxed_str();
        let (kind, column_count) = match &item.source {
            FromSource::Table(table) | FromSource::TableFunction { table, .. } => {
                (SourceKind::Table(Arc::clone(table)), table.columns.len())
            }
            FromSource::Subquery { select, .. } => {
                (SourceKind::Subquery(*select), c.bound[*select].columns.len())
            }
            FromSource::Recursive => (SourceKind::Recursive, c.bound.columns_of(item.cursor).len()),
        };
        Source {
            kind,
            cursor: item.cursor,
            join: item.join,
            columns_used: item.columns_used,
            hint: item.hint.clone(),
            correlated: item.correlated,
            rowid_used: item.rowid_used,
            from_exists: c.codegen.from_exists.contains(&item.cursor),
            cte: match item.source {
                FromSource::Subquery { cte, .. } => cte,
                _ => None,
            },
            column_count,
            name: text(&item.name),
            alias: item.alias.as_deref().map(text),
            column_names: match item.source {
                FromSource::Table(_) | FromSource::TableFunction { .. } => Rc::from([]),
                _ if !c.codegen.explain_plan => Rc::from([]),
                _ => c.bound.columns_of(item.cursor).iter().map(|column| text(&column.name)).collect(),
            },
            arguments: match &item.source {
                FromSource::TableFunction { arguments, .. } => arguments.clone(),
                _ => Vec::new(),
            },
        }
    }

    /// The table, if it is one.
    pub fn table(&self) -> Option<&Arc<Table>> {
        match &self.kind {
            SourceKind::Table(table) => Some(table),
            _ => None,
        }
    }

    /// The subquery, if it is one.
    pub fn subquery(&self) -> Option<SelectId> {
        match self.kind {
            SourceKind::Subquery(select) => Some(select),
            _ => None,
        }
    }

    /// Whether it is a virtual table.
    pub fn is_virtual(&self) -> bool {
        self.table().is_some_and(|table| matches!(table.kind, TableKind::Virtual { .. }))
    }

    /// Whether it is a view whose rows an UPDATE or DELETE has put into an ephemeral table.
    pub fn is_view(&self) -> bool {
        self.table().is_some_and(|table| matches!(table.kind, TableKind::View { .. }))
    }

    /// Whether its rows have rowids. Subqueries' rows have, and those of a view that is changed.
    pub fn has_rowid(&self) -> bool {
        self.table().is_none_or(|table| !table.without_rowid)
    }

    /// Rows expected.
    pub fn row_estimate(&self, c: &Compiler<'_>) -> LogEst {
        /// What SQLite expects of a table that it knows nothing about, and of a subquery.
        const UNKNOWN: LogEst = 200;
        match self.kind {
            SourceKind::Table(ref table) => table.row_estimate,
            SourceKind::Subquery(select) => {
                let known = c.codegen.subqueries.get(&select).and_then(|state| state.row_estimate);
                known.unwrap_or(UNKNOWN)
            }
            SourceKind::Recursive => UNKNOWN,
        }
    }

    /// Width of a row; 1 where it does not matter.
    pub fn row_size(&self) -> LogEst {
        self.table().map_or(1, |table| table.row_size_estimate.max(1))
    }

    /// Whether the subquery's rows come from a co-routine.
    pub fn via_coroutine(&self, c: &Compiler<'_>) -> bool {
        self.subquery()
            .and_then(|select| c.codegen.subqueries.get(&select))
            .is_some_and(|state| state.via_coroutine)
    }

    /// Indexes in the order in which SQLite looks at them.
    pub fn indexes(&self) -> impl Iterator<Item = &Arc<Index>> {
        self.table().into_iter().flat_map(|table| table.indexes.iter().rev())
    }

    /// Its name in EXPLAIN QUERY PLAN: the alias if it has one.
    pub fn label(&self) -> &str {
        self.alias.as_deref().unwrap_or(&self.name)
    }

    /// The same, but a table's or view's own name wins.
    pub fn own_label(&self) -> &str {
        if self.name.starts_with('(') { self.label() } else { &self.name }
    }
}

impl Joined for Source {
    fn cursor(&self) -> Cursor {
        self.cursor
    }

    fn join(&self) -> JoinFlags {
        self.join
    }
}

/// One way to read one source. SQLite's `WhereLoop`.
#[derive(Clone, Debug, Default)]
pub struct Candidate {
    /// Sources that have to be read before.
    pub prereq: Mask,
    pub self_mask: Mask,
    /// Place of the source in the list.
    pub source: usize,
    /// Number of the index if its order may help; candidates with different ones do not displace each other.
    pub sort_index: u8,
    /// Cost of preparing (an automatic index), of one run, and rows that one run yields.
    pub setup: LogEst,
    pub run: LogEst,
    pub out: LogEst,
    pub flags: u32,
    /// Terms used, one per index column; `None` for columns skipped by a skip-scan.
    pub terms: Vec<Option<TermId>>,
    /// Leading columns of a skip-scan.
    pub skip: usize,
    /// Columns bound by equality; columns of the row values that bound the range below and above.
    pub equal: usize,
    pub bottom: usize,
    pub top: usize,
    /// Leading index columns that DISTINCT needs.
    pub distinct_columns: usize,
    pub index: Option<Arc<Index>>,
    /// The subquery whose ORDER BY its rows come in.
    pub ordered_by: Option<SelectId>,
    pub virtual_plan: Option<Rc<VirtualPlan>>,
}

impl Candidate {
    /// Whether all of `flags` are set.
    pub fn has(&self, flags: u32) -> bool {
        self.flags & flags == flags
    }

    /// Whether any of `flags` is set.
    pub fn any(&self, flags: u32) -> bool {
        self.flags & flags != 0
    }
}

/// What happens at the end of a level's loop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Step {
    #[default]
    None,
    Next {
        cursor: Cursor,
        to: Addr,
        /// Counts as a step of a full scan.
        full_scan: bool,
    },
    Prev {
        cursor: Cursor,
        to: Addr,
        full_scan: bool,
    },
    VirtualNext {
        cursor: Cursor,
        to: Addr,
    },
    /// To the next row of a co-routine.
    Goto {
        to: Addr,
    },
    /// The body of a multi-index OR is a subroutine.
    Return {
        ret: Reg,
        to: Addr,
    },
}

impl Step {
    /// The address that the step leads to.
    pub fn to(self) -> Addr {
        match self {
            Step::None => Addr(0),
            Step::Next { to, .. }
            | Step::Prev { to, .. }
            | Step::VirtualNext { to, .. }
            | Step::Goto { to }
            | Step::Return { to, .. } => to,
        }
    }
}

/// A loop over the values of an IN inside of a level.
#[derive(Clone, Copy, Debug)]
pub struct InLoop {
    pub cursor: Cursor,
    /// The instruction that loads the value.
    pub top: Addr,
    /// First register and number of the equality values before this one.
    pub base: Reg,
    pub prefix: usize,
    /// Walks backwards; `None`: no loop of its own (a further column of a row value).
    pub backwards: Option<bool>,
}

/// A RIGHT or FULL JOIN's bookkeeping.
#[derive(Clone, Copy, Debug)]
pub struct RightJoin {
    /// Rows of the right table that found a partner.
    pub matched: Cursor,
    /// Bloom filter over them; 0 = none.
    pub bloom: Reg,
    pub return_reg: Reg,
    /// Where the loops inside begin and end as a subroutine.
    pub start: Addr,
    pub end: Addr,
}

/// One nested loop of the plan chosen. SQLite's `WhereLevel`.
#[derive(Clone, Debug)]
pub struct Level {
    /// Candidate chosen.
    pub candidate: usize,
    /// Place of the source in the list.
    pub source: usize,
    pub table_cursor: Cursor,
    pub index_cursor: Option<Cursor>,
    /// LEFT JOIN's match flag; 0 = none.
    pub left_join: Reg,
    pub break_label: Addr,
    /// Where an empty table leads: out of all inner joins.
    pub halt_label: Addr,
    /// Where the next IN value is taken.
    pub next_label: Addr,
    pub continue_label: Addr,
    /// Skip-scan: the instruction that seeks the next prefix.
    pub skip: Option<Addr>,
    /// First instruction after a LEFT JOIN's match was noted.
    pub first: Addr,
    pub body: Addr,
    /// NULLs come last though the index has them first: counter of the two passes.
    pub big_null: Reg,
    pub big_null_label: Addr,
    /// LIKE is tried with two bounds: counter, whether the first pass is the one of blobs, and the top of the loop.
    pub like_counter: Reg,
    pub like_flag: bool,
    pub like_top: Option<Addr>,
    pub bloom: Reg,
    pub right_join: Option<RightJoin>,
    pub step: Step,
    pub in_loops: Vec<InLoop>,
    /// The index by which all branches of a multi-index OR can read all columns.
    pub covering: Option<Arc<Index>>,
    /// Sources not read yet inside of this loop.
    pub not_ready: Mask,
}

/// Whether UPDATE or DELETE may change rows inside of the loop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnePass {
    #[default]
    Off,
    /// There is at most one row.
    Single,
    Multi,
}

/// What is known of duplicates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Distinct {
    #[default]
    Unknown,
    /// There are none.
    Unique,
    /// They are neighbours.
    Ordered,
    /// They have to be searched for.
    Unordered,
}

/// A WHERE being planned and coded. SQLite's `WhereInfo`.
pub struct WhereLoop {
    pub sources: Rc<[Source]>,
    /// Cursors in the order of their bits.
    pub cursors: Vec<Cursor>,
    pub order_by: Option<Rc<[OrderTerm]>>,
    pub result_set: Option<Rc<[ExprId]>>,
    pub select: Option<SelectId>,
    pub control: u32,
    /// Rows wanted (LIMIT).
    pub limit: LogEst,
    /// Cursors that the caller keeps for indexes: first one of one-pass, the covering one of OR branches.
    pub index_cursors: Option<Cursor>,
    /// Main clause first; the ones inside of OR and AND terms behind it.
    pub clauses: Vec<Clause>,
    pub candidates: Vec<Candidate>,
    pub levels: Vec<Level>,
    /// Levels to be walked backwards.
    pub reverse: Mask,
    pub continue_label: Addr,
    pub break_label: Addr,
    pub saved_query_loop: LogEst,
    /// ORDER BY terms that the order of rows satisfies.
    pub order_satisfied: usize,
    pub one_pass: OnePass,
    /// Table and index cursor of a one-pass.
    pub one_pass_cursors: [Option<Cursor>; 2],
    pub distinct: Distinct,
    pub deferred_seek: bool,
    /// Some terms could not be tested inside.
    pub untested_terms: bool,
    /// The innermost loop yields rows in order, within one round of the outer ones.
    pub ordered_inner_loop: bool,
    /// GROUP BY's order is ORDER BY's too.
    pub sorted: bool,
    pub star_done: bool,
    pub star_used: bool,
    pub rows_out: LogEst,
    pub where_end: Addr,
    /// A correlated subquery was met while masks were computed.
    pub saw_correlated: bool,
}

impl WhereLoop {
    /// The bit of a cursor; 0 if it belongs to an outer query.
    pub fn mask_of(&self, cursor: Cursor) -> Mask {
        self.cursors.iter().position(|&known| known == cursor).map_or(0, |at| 1 << at)
    }

    /// A term.
    pub fn term(&self, id: TermId) -> &Term {
        &self.clauses[id.clause.0].terms[id.at]
    }

    /// A term, to be changed.
    pub fn term_mut(&mut self, id: TermId) -> &mut Term {
        &mut self.clauses[id.clause.0].terms[id.at]
    }

    /// The WHERE clause itself.
    pub fn main(&self) -> &Clause {
        &self.clauses[ClauseId::MAIN.0]
    }

    /// The candidate chosen for a level.
    pub fn chosen(&self, level: usize) -> &Candidate {
        &self.candidates[self.levels[level].candidate]
    }

    /// Whether the caller asked for any of `bits`.
    pub fn wants(&self, bits: u32) -> bool {
        self.control & bits != 0
    }

    /// How many leading ORDER BY terms need no sorting.
    pub fn satisfied_order_terms(&self) -> usize {
        self.order_satisfied
    }

    /// Where a row that is not wanted any more by an ORDER BY with LIMIT leads.
    pub fn order_limit_label(&self) -> Addr {
        match self.levels.last() {
            Some(inner) if self.ordered_inner_loop && inner.right_join.is_none() => inner.next_label,
            _ => self.continue_label,
        }
    }
}
