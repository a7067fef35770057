//! SELECT: rewrites, FROM subqueries, loops, grouping, sorting, and the delivery of rows to a destination.
//!
//! ```text
//! code ─ rewrites of plan ─ compound? ─> compound, recursive
//!      └ from_subquery (co-routines, materialisation)
//!      └ no grouping: where_begin ─ inner_loop ─ end ─ sort
//!      └ grouping:    group_by / aggregate
//! ```
//!
//! `inner_loop` delivers one row, `sort` the sorted rows, `limit` counts, `aggregate` collects and runs aggregate functions.

mod aggregate;
mod compound;
mod distinct;
mod from_subquery;
mod group_by;
mod inner_loop;
mod limit;
mod recursive;
mod sort;
mod window;

use std::rc::Rc;

use kernite_vdbe::op::{Cursor, Op};
use kernite_vdbe::{Addr, Reg};

pub use distinct::Kept;
pub use inner_loop::code_row;
pub use limit::compute_limits;
pub use window::Windowed;

use self::distinct::DistinctState;
use self::sort::Sort;
use super::where_loop::{Request, where_begin};
use crate::bound::{ExprId, ExprKind, SelectId, Similarity};
use crate::compile::{AuthAnswer, CompileResult, Compiler};
use crate::plan::log_est::LogEst;
use crate::plan::where_loop::{Distinct, Source, control};
use crate::plan::{optimizations, rewrite};

/// Estimate of rows where nothing is known.
pub const ROWS_UNKNOWN: LogEst = 320;

/// Where rows go.
#[derive(Clone, Debug)]
pub enum DestinationKind {
    /// To the caller of the statement.
    Output,
    /// The first row into these registers.
    Memory(Reg),
    /// Into an ephemeral index, under affinities; a Bloom filter of them too (0 = none).
    Set {
        cursor: Cursor,
        affinities: Box<[u8]>,
        bloom: Reg,
    },
    /// 1 into the register if there is a row.
    Exists(Reg),
    /// To the other side of a co-routine.
    Coroutine {
        co: Reg,
    },
    /// Into an ephemeral table that is opened here.
    EphemeralTable(Cursor),
    /// Into an ephemeral table that is open.
    Table(Cursor),
    /// Into a queue of a recursive query, in order of arrival.
    Fifo(Cursor),
    /// The same, if it was not in there before.
    DistinctFifo {
        queue: Cursor,
        seen: Cursor,
    },
    /// Into a queue in the order of these result columns (from 1).
    Queue {
        queue: Cursor,
        order: Rc<[u16]>,
    },
    DistinctQueue {
        queue: Cursor,
        seen: Cursor,
        order: Rc<[u16]>,
    },
    /// For UPDATE … FROM: into an ephemeral table by the rowid in the first register (`key_columns` `None`), or into an index by so many.
    UpdateFrom {
        cursor: Cursor,
        key_columns: Option<u16>,
    },
    /// Nowhere.
    Discard,
}

/// Where rows go, and the registers that they pass through.
#[derive(Clone, Debug)]
pub struct Destination {
    pub kind: DestinationKind,
    /// First register of a row; 0 = to be chosen.
    pub first: Reg,
    pub count: u32,
}

impl Destination {
    /// A destination whose registers are chosen when the SELECT is coded.
    pub fn new(kind: DestinationKind) -> Destination {
        Destination { kind, first: Reg(0), count: 0 }
    }

    /// Whether duplicates do not matter there.
    fn ignores_duplicates(&self) -> bool {
        matches!(
            self.kind,
            DestinationKind::Exists(_)
                | DestinationKind::Discard
                | DestinationKind::DistinctFifo { .. }
                | DestinationKind::DistinctQueue { .. }
        )
    }

    /// Whether the order of rows does not matter there.
    fn ignores_order(&self) -> bool {
        self.ignores_duplicates()
            || matches!(self.kind, DestinationKind::Queue { .. } | DestinationKind::Fifo(_))
    }

    /// Whether it is a queue of a recursive query.
    fn is_queue(&self) -> bool {
        matches!(
            self.kind,
            DestinationKind::Fifo(_)
                | DestinationKind::DistinctFifo { .. }
                | DestinationKind::Queue { .. }
                | DestinationKind::DistinctQueue { .. }
        )
    }
}

/// `SQLITE_SELECT` of the authorizer.
const AUTH_SELECT: i32 = 21;

/// Codes a SELECT with all of its cores. Ends the line of EXPLAIN QUERY PLAN that its caller pushed.
pub fn code(c: &mut Compiler<'_>, select: SelectId, destination: &mut Destination) -> CompileResult<()> {
    crate::compile::deep(|| code_select(c, select, destination))
}

fn code_select(c: &mut Compiler<'_>, select: SelectId, destination: &mut Destination) -> CompileResult<()> {
    let _ = (AUTH_SELECT, AuthAnswer::Allow);
    if destination.ignores_duplicates() {
        c.bound[select].order_by.clear();
        c.bound[select].flags.distinct = false;
    }
    if c.bound[select].flags.has_window && c.bound[select].prior.is_none() {
        window::prepare(c, select)?;
    }
    let is_aggregate = c.bound[select].flags.aggregate;
    if c.bound[select].prior.is_none() {
        rewrite::simplify_from(c, select, is_aggregate)?;
    }
    if c.bound[select].prior.is_some() {
        note_chain(c, select);
        compound::code_compound(c, select, destination)?;
        if c.codegen.select(select).next.is_none() {
            c.explain_pop();
        }
        return Ok(());
    }
    if c.optimizes(optimizations::EXISTS_TO_JOIN) {
        rewrite::exists_to_join(c, select);
    }
    if c.optimizes(optimizations::PROPAGATE_CONSTANTS) {
        rewrite::propagate_constants(c, select);
    }
    if c.optimizes(optimizations::QUERY_FLATTENER) && c.optimizes(optimizations::COUNT_OF_VIEW) {
        rewrite::count_of_view(c, select);
    }
    from_subquery::code_all(c, select)?;
    code_core(c, select, destination)?;
    c.explain_pop();
    Ok(())
}

/// Notes for each core of a compound which one stands behind it.
fn note_chain(c: &mut Compiler<'_>, select: SelectId) {
    let mut core = select;
    c.codegen.select_mut(core).compound = true;
    while let Some(prior) = c.bound[core].prior {
        let state = c.codegen.select_mut(prior);
        state.compound = true;
        state.next = Some(core);
        core = prior;
    }
}

/// A core whose FROM subqueries are coded.
fn code_core(c: &mut Compiler<'_>, select: SelectId, destination: &mut Destination) -> CompileResult<()> {
    let is_aggregate = c.bound[select].flags.aggregate;
    let mut sort = Sort::new(match destination.ignores_order() {
        true => None,
        false => Some(&c.bound[select].order_by[..]).filter(|order| !order.is_empty()),
    });
    let wants_distinct = c.bound[select].flags.distinct;
    let mut by_grouping = false;
    let windowed = c.codegen.windowed.contains_key(&select);
    if wants_distinct && !is_aggregate && !windowed && distinct_is_order(c, select, &sort) {
        // SELECT DISTINCT … ORDER BY the same: grouping does both at once.
        group_by_result(c, select);
        by_grouping = true;
    }
    if let Some(order) = &sort.order {
        let columns = c.bound[select].columns.len();
        let key = c.order_key(order, 1)?;
        let key = c.link_key(key);
        sort.cursor = c.cursor();
        let width = (order.len() + 1 + columns) as u16;
        sort.open =
            Some(c.emit(Op::OpenEphemeral { cursor: sort.cursor, columns: width, key, unordered: false }));
    }
    if let DestinationKind::EphemeralTable(cursor) = destination.kind {
        let columns = open_ephemeral_columns(c, select);
        c.emit(Op::OpenEphemeral { cursor, columns, key: Default::default(), unordered: false });
    }
    let end = c.label();
    if !c.codegen.select(select).fixed_limit {
        c.codegen.select_mut(select).row_estimate = ROWS_UNKNOWN;
    }
    compute_limits(c, select, end)?;
    if !c.codegen.select(select).limit.is_some()
        && let Some(open) = sort.open
    {
        sort.use_sorter(c, open)?;
    }
    let mut distinct = DistinctState::default();
    if c.bound[select].flags.distinct {
        distinct.open(c, select)?;
    }
    let grouped = !c.bound[select].group_by.is_empty();
    if !is_aggregate && !grouped {
        code_plain(c, select, destination, &mut sort, &mut distinct, wants_distinct)?;
    } else {
        group_by::code_aggregate(
            c,
            select,
            destination,
            &mut sort,
            &mut distinct,
            by_grouping,
            wants_distinct,
        )?;
    }
    if distinct.kind == Distinct::Unordered {
        c.explain(|_| "USE TEMP B-TREE FOR DISTINCT".into());
    }
    if sort.order.is_some() {
        sort::code_sorted_rows(c, select, &mut sort, destination)?;
    }
    c.bind(end);
    Ok(())
}

/// Whether DISTINCT and ORDER BY name the same expressions in the same order.
fn distinct_is_order(c: &Compiler<'_>, select: SelectId, sort: &Sort) -> bool {
    let Some(order) = &sort.order else { return false };
    let columns = &c.bound[select].columns;
    // The direction is taken over; NULLs at the unusual end are not.
    order.len() == columns.len()
        && c.optimizes(optimizations::GROUP_BY_ORDER)
        && order.iter().zip(columns).all(|(term, column)| {
            !crate::codegen::key_info::big_null(term)
                && c.bound.compare(column.expr, term.expr, None) == Similarity::Same
        })
}

/// Turns SELECT DISTINCT into a GROUP BY over the result columns.
fn group_by_result(c: &mut Compiler<'_>, select: SelectId) {
    let columns: Vec<ExprId> = c.bound[select].columns.iter().map(|column| column.expr).collect();
    let copies: Vec<ExprId> = columns.into_iter().map(|column| c.copy_expr(column)).collect();
    let core = &mut c.bound[select];
    core.flags.distinct = false;
    core.flags.aggregate = true;
    core.group_by = copies;
    c.codegen.select_mut(select).grouped_by_result = true;
}

/// Columns of an ephemeral table: those of a parenthesised join that nobody uses become NULL, and are left out at the end.
fn open_ephemeral_columns(c: &mut Compiler<'_>, select: SelectId) -> u16 {
    let columns = c.bound[select].columns.len() as u16;
    if c.bound[select].flags.nested_from {
        while c.bound[select].columns.len() > 1
            && c.bound[select].columns.last().is_some_and(|column| column.unused)
        {
            c.bound[select].columns.pop();
        }
        let unused: Vec<ExprId> =
            c.bound[select].columns.iter().filter(|column| column.unused).map(|column| column.expr).collect();
        for expr in unused {
            c.bound[expr].kind = ExprKind::Null;
        }
    }
    columns
}

/// The FROM items of a SELECT as the planner sees them.
pub(super) fn sources(c: &Compiler<'_>, select: SelectId) -> Rc<[Source]> {
    c.bound[select].from.iter().map(|item| Source::new(c, item)).collect()
}

/// Expressions of the result columns.
pub(super) fn result_exprs(c: &Compiler<'_>, select: SelectId) -> Vec<ExprId> {
    c.bound[select].columns.iter().map(|column| column.expr).collect()
}

/// A SELECT without grouping: loops, and a row for each round.
fn code_plain(
    c: &mut Compiler<'_>,
    select: SelectId,
    destination: &mut Destination,
    sort: &mut Sort,
    distinct: &mut DistinctState,
    wants_distinct: bool,
) -> CompileResult<()> {
    let result = result_exprs(c, select);
    let state = c.codegen.select(select);
    let mut request = Request::new(sources(c, select), c.bound[select].filter);
    request.order_by = sort.order.as_deref();
    request.result = Some(&result);
    request.select = Some(select);
    request.limit = state.row_estimate;
    if wants_distinct {
        request.control |= control::WANT_DISTINCT;
    }
    if state.fixed_limit {
        request.control |= control::USE_LIMIT;
    }
    let windowed = c.codegen.windowed.contains_key(&select);
    if windowed {
        window::open(c, select)?;
    }
    let w = where_begin(c, request)?;
    let state = c.codegen.select_mut(select);
    if w.rows_out < state.row_estimate {
        state.row_estimate = w.rows_out;
        if destination.is_queue() {
            // A recursive step is thought to yield an eighth of what it looks at.
            state.row_estimate -= 30;
        }
    }
    if wants_distinct && w.distinct != Distinct::Unknown && c.bound[select].flags.distinct {
        distinct.kind = w.distinct;
    }
    if let Some(order) = &sort.order {
        sort.satisfied = w.satisfied_order_terms();
        sort.limit_label = Some(w.order_limit_label());
        if sort.satisfied == order.len() {
            sort.order = None;
            if let Some(open) = sort.open {
                c.builder.change_to_noop(open);
            }
        }
    }
    if windowed {
        let (ret, deliver, next, done) = (c.reg(), c.label(), c.label(), c.label());
        window::code_rows(c, select, w, ret, deliver)?;
        c.goto(done);
        c.bind(deliver);
        sort.limit_label = None;
        code_row(c, select, None, Some(sort), Some(distinct), destination, next, done)?;
        c.bind(next);
        c.emit(Op::Return { ret, or_fall_through: false });
        c.bind(done);
        return Ok(());
    }
    let (next, done) = (w.continue_label, w.break_label);
    code_row(c, select, None, Some(sort), Some(distinct), destination, next, done)?;
    w.end(c)
}

/// `continue_label` and the like of callers that have no loop: a jump there leaves the row out.
pub(super) fn skip_offset(c: &mut Compiler<'_>, select: SelectId, to: Addr) {
    let offset = c.codegen.select(select).offset;
    if offset.is_some() {
        c.emit(Op::IfPos { counter: offset, to, decrement: 1 });
    }
}
