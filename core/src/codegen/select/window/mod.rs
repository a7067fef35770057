//! Window functions: a query that has them becomes a query over a co-routine.
//!
//! ```text
//! SELECT a, sum(b) OVER (PARTITION BY c ORDER BY d) FROM t WHERE …
//!
//!   co-routine   SELECT a, c, d, b FROM t WHERE … ORDER BY c, d
//!                       └ what the outer query shows, partition, order, arguments and filters of the functions
//!   buffer       the rows of a partition, in an ephemeral table with four cursors
//!   outer query  SELECT buffer.a, register FROM buffer
//! ```
//!
//! One scan serves all functions over equal windows. A function over another window goes to the co-routine, which thereby has window
//! functions itself and is treated likewise.
//!
//! Always true after [`prepare`]: the outer query has no FROM item but the co-routine, and names nothing but the buffer and registers.
//!
//! `frame` codes the scan. Spec: Window Functions.

mod frame;
mod step;

use std::sync::Arc;

use kernite_vdbe::Reg;
use kernite_vdbe::function::{FunctionDef, FunctionFlags};
use kernite_vdbe::op::{CollationId, Cursor};

pub use frame::{code_rows, open};

use crate::bound::Similarity;
use crate::bound::{
    AFFINITY_NONE, Bound, ExprId, ExprKind, FromItem, FromSource, FunctionCall, OrderTerm, ResultColumn,
    Select, SelectId, SubqueryColumn, Visitor, WindowSpec,
};
use crate::codegen::expr::first_collation;
use crate::compile::{CompileResult, Compiler};

/// What kind of treatment a function gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Treatment {
    /// Steps, and steps back.
    Aggregate,
    /// min() or max() over a frame whose start moves: the values are kept sorted.
    Extreme,
    /// `first_value` and `nth_value`: the first and last row of the frame are counted, the row is looked up.
    Lookup { nth: bool },
    /// `lead` and `lag`: another row of the buffer, whatever the frame.
    Neighbour { lead: bool },
}

/// A function over the window.
#[derive(Clone, Debug)]
struct Call {
    function: Arc<FunctionDef>,
    treatment: Treatment,
    /// Its first argument's column in the buffer; the others and the filter follow.
    column: u16,
    count: u16,
    /// The arguments are computed from the buffer, as a subtype would not survive in it.
    arguments: Option<Vec<ExprId>>,
    filter: bool,
    collation: CollationId,
    /// Key of the sorted values of an [`Treatment::Extreme`].
    first_argument: Option<ExprId>,
    accumulator: Reg,
    result: Reg,
    /// Cursor and registers of its treatment.
    cursor: Cursor,
    own: Reg,
}

/// The windowed part of a query.
#[derive(Clone, Debug)]
pub struct Windowed {
    spec: WindowSpec,
    calls: Vec<Call>,
    /// First of the four cursors of the buffer.
    buffer: Cursor,
    /// Cursor of the co-routine.
    input: Cursor,
    /// Columns of the buffer: all, and those that come before the partition's.
    width: u16,
    shown: u16,
    /// EXCLUDE: cursor of the scan, and registers of the first and last rowid of the frame.
    excluding: Option<(Cursor, Reg, Reg)>,
    partition: Reg,
    one: Reg,
}

impl Windowed {
    fn cursor(&self, offset: u16) -> Cursor {
        Cursor(self.buffer.0 + offset)
    }

    fn partition_column(&self) -> u16 {
        self.shown
    }

    fn order_column(&self) -> u16 {
        self.shown + self.spec.partition_by.len() as u16
    }

    /// The most arguments that are read from the buffer for one function.
    fn arguments_max(&self) -> u32 {
        self.calls.iter().map(|call| u32::from(call.count)).max().unwrap_or(0)
    }
}

/// Finds window functions of one query, in the order in which they were resolved.
struct Calls(Vec<ExprId>);

impl Visitor for Calls {
    fn expr(&mut self, bound: &Bound, expr: ExprId) -> bool {
        if matches!(&bound[expr].kind, ExprKind::Function(call) if call.window.is_some()) {
            self.0.push(expr);
        }
        bound.subquery_of(expr).is_none()
    }
}

/// Finds what has to come from the co-routine.
struct Inputs<'w> {
    chain: &'w [ExprId],
    sources: &'w [Cursor],
    depth: usize,
    found: Vec<ExprId>,
}

impl Visitor for Inputs<'_> {
    fn expr(&mut self, bound: &Bound, expr: ExprId) -> bool {
        let wanted = match &bound[expr].kind {
            ExprKind::Column { cursor, .. } | ExprKind::IfNullRow { cursor, .. } => {
                self.depth == 0 || self.sources.contains(cursor)
            }
            ExprKind::Function(call) if self.depth == 0 => match &call.window {
                Some(_) if self.chain.contains(&expr) => return false,
                Some(_) => true,
                None => call.is_aggregate,
            },
            _ => false,
        };
        if wanted {
            self.found.push(expr);
        }
        !wanted
    }

    fn enter(&mut self, _bound: &Bound, _core: SelectId) {
        self.depth += 1;
    }

    fn leave(&mut self, _bound: &Bound, _core: SelectId) {
        self.depth -= 1;
    }
}

fn call_of(bound: &Bound, expr: ExprId) -> Option<&FunctionCall> {
    match &bound[expr].kind {
        ExprKind::Function(call) => Some(call),
        _ => None,
    }
}

/// The functions over one window: all that are like the first.
fn chain_of(c: &Compiler<'_>, select: SelectId) -> Vec<ExprId> {
    let mut calls = Calls(Vec::new());
    let core = &c.bound[select];
    for column in &core.columns {
        c.bound.walk(column.expr, &mut calls);
    }
    // A term that repeats a result column is a copy, with windows that nobody links.
    for term in core.order_by.iter().filter(|term| term.result_column == 0) {
        c.bound.walk(term.expr, &mut calls);
    }
    let window = |expr: ExprId| call_of(&c.bound, expr).and_then(|call| call.window.as_deref());
    let Some(&head) = calls.0.first() else { return Vec::new() };
    let Some(first) = window(head) else { return Vec::new() };
    let mut chain = calls.0.to_vec();
    // A window with a subquery is like no other, itself included.
    chain.retain(|&expr| {
        expr == head || window(expr).is_some_and(|spec| c.bound.windows_match(first, spec, None))
    });
    // The one that was resolved last is the first in SQLite's list.
    chain.reverse();
    chain
}

/// The columns of the co-routine under construction.
struct Columns {
    exprs: Vec<ExprId>,
    buffer: Cursor,
}

impl Columns {
    /// Moves what `roots` need of the rows into the co-routine, and lets the roots read the buffer.
    fn take(&mut self, c: &mut Compiler<'_>, roots: &[ExprId], chain: &[ExprId], sources: &[Cursor]) {
        let mut inputs = Inputs { chain, sources, depth: 0, found: Vec::new() };
        for &root in roots {
            c.bound.walk(root, &mut inputs);
        }
        for expr in inputs.found {
            let known =
                self.exprs.iter().position(|&known| c.bound.compare(known, expr, None) == Similarity::Same);
            let at = known.unwrap_or(self.exprs.len());
            let cursor = self.buffer;
            let mut moved = expr;
            c.bound.replace(expr, |of| {
                moved = of;
                ExprKind::Column { cursor, column: at as i16, table: None }
            });
            c.move_notes(expr, moved);
            if known.is_none() {
                self.exprs.push(moved);
            }
        }
    }
}

/// Splits a query with window functions into a co-routine and the query over its rows.
pub fn prepare(c: &mut Compiler<'_>, select: SelectId) -> CompileResult<()> {
    let chain = chain_of(c, select);
    let Some(&main) = chain.first() else { return Ok(()) };
    let Some(spec) = call_of(&c.bound, main).and_then(|call| call.window.clone()) else { return Ok(()) };
    let sources: Vec<Cursor> = c.bound[select].from.iter().map(|item| item.cursor).collect();
    let order = sort_terms(c, &spec);
    drop_order_by(c, select, &order);
    let buffer = c.cursor();
    for _ in 1..4 {
        c.cursor();
    }
    let mut columns = Columns { exprs: Vec::new(), buffer };
    let roots: Vec<ExprId> = c.bound[select].columns.iter().map(|column| column.expr).collect();
    columns.take(c, &roots, &chain, &sources);
    let roots: Vec<ExprId> = c.bound[select].order_by.iter().map(|term| term.expr).collect();
    columns.take(c, &roots, &chain, &sources);
    let shown = columns.exprs.len() as u16;
    for &expr in spec.partition_by.iter().chain(spec.order_by.iter().map(|term| &term.expr)) {
        let copy = c.copy_expr(expr);
        columns.exprs.push(copy);
    }
    let mut calls = Vec::with_capacity(chain.len());
    for &expr in &chain {
        let call = describe(c, expr, &spec, &mut columns, &sources)?;
        calls.push(call);
    }
    if columns.exprs.is_empty() {
        let zero = c.bound.expr(ExprKind::Integer(0));
        columns.exprs.push(zero);
    }
    for (&expr, call) in chain.iter().zip(&calls) {
        let reg = call.result;
        c.bound.replace(expr, |of| ExprKind::Register { reg, of: Some(of) });
    }
    let width = columns.exprs.len() as u16;
    let input = attach(c, select, columns, order);
    let windowed = Windowed {
        spec: *spec,
        calls,
        buffer,
        input,
        width,
        shown,
        excluding: None,
        partition: Reg(0),
        one: Reg(0),
    };
    c.codegen.windowed.insert(select, windowed);
    Ok(())
}

/// PARTITION BY and ORDER BY of the window as one list. A plain number there is no column's number: it becomes NULL.
fn sort_terms(c: &mut Compiler<'_>, spec: &WindowSpec) -> Vec<OrderTerm> {
    let partition = spec.partition_by.iter().map(|&expr| OrderTerm {
        expr,
        descending: false,
        nulls: None,
        result_column: 0,
    });
    let mut terms: Vec<OrderTerm> = partition.chain(spec.order_by.iter().copied()).collect();
    for term in &mut terms {
        term.expr = c.copy_expr(term.expr);
        term.result_column = 0;
        let mut inner = term.expr;
        while let ExprKind::Collate { operand, .. } = c.bound[inner].kind {
            inner = operand;
        }
        if matches!(c.bound[inner].kind, ExprKind::Integer(_)) {
            c.bound[inner].kind = ExprKind::Null;
        }
    }
    terms
}

/// Drops the query's ORDER BY where the rows come in that order anyway.
fn drop_order_by(c: &mut Compiler<'_>, select: SelectId, order: &[OrderTerm]) {
    let wanted = &c.bound[select].order_by;
    let same = wanted.len() <= order.len()
        && wanted.iter().zip(order).all(|(a, b)| {
            a.descending == b.descending
                && a.nulls == b.nulls
                && c.bound.compare(a.expr, b.expr, None) == Similarity::Same
        });
    if same {
        c.bound[select].order_by.clear();
    }
}

/// Gives a function its columns and registers.
fn describe(
    c: &mut Compiler<'_>,
    expr: ExprId,
    spec: &WindowSpec,
    columns: &mut Columns,
    sources: &[Cursor],
) -> CompileResult<Call> {
    let Some(call) = call_of(&c.bound, expr).cloned() else {
        return Err(kernite_vdbe::Error::message("a window function that is no call"));
    };
    let moving = spec.start != crate::bound::FrameEdge::UnboundedPreceding;
    let excluding = spec.exclude != kernite_parser::ast::FrameExclude::None;
    let flags = call.function.flags;
    let name: &str = &call.function.name;
    let treatment = match name {
        "lead" | "lag" if flags.has(FunctionFlags::WINDOW_ONLY) => {
            Treatment::Neighbour { lead: name == "lead" }
        }
        "first_value" | "nth_value" if flags.has(FunctionFlags::WINDOW_ONLY) && !excluding => {
            Treatment::Lookup { nth: name == "nth_value" }
        }
        _ if flags.has(FunctionFlags::MIN_MAX) && moving && !excluding => Treatment::Extreme,
        _ => Treatment::Aggregate,
    };
    let collation = match flags.has(FunctionFlags::NEEDS_COLLATION) {
        true => {
            let name = first_collation(c, &call.arguments);
            c.link_collation(name)?
        }
        false => CollationId(0),
    };
    // What decides the order of an extreme's values, kept apart from the arguments that are moved.
    let first_argument = match (treatment, call.arguments.first()) {
        (Treatment::Extreme, Some(&argument)) => Some(c.copy_expr(argument)),
        _ => None,
    };
    let by_value = flags.has(FunctionFlags::SUBTYPE);
    if by_value {
        columns.take(c, &call.arguments, &[], sources);
    }
    let column = columns.exprs.len() as u16;
    if !by_value {
        for &argument in &call.arguments {
            let copy = c.copy_expr(argument);
            columns.exprs.push(copy);
        }
    }
    if let Some(filter) = call.filter {
        let copy = c.copy_expr(filter);
        columns.exprs.push(copy);
    }
    let (accumulator, result) = (c.reg(), c.reg());
    c.nulls(accumulator, 1);
    Ok(Call {
        function: Arc::clone(&call.function),
        treatment,
        column,
        count: if by_value { 0 } else { call.arguments.len() as u16 },
        arguments: by_value.then(|| call.arguments.clone()),
        filter: call.filter.is_some(),
        collation,
        first_argument,
        accumulator,
        result,
        cursor: Cursor(0),
        own: Reg(0),
    })
}

/// Makes the co-routine's SELECT out of what the query was; the cursor of its rows.
fn attach(c: &mut Compiler<'_>, select: SelectId, columns: Columns, order: Vec<OrderTerm>) -> Cursor {
    let has_window = columns.exprs.iter().any(|&expr| {
        let mut calls = Calls(Vec::new());
        c.bound.walk(expr, &mut calls);
        !calls.0.is_empty()
    });
    let id = c.next_select_id();
    let outer = &mut c.bound[select];
    let mut sub = Select {
        columns: columns
            .exprs
            .into_iter()
            .map(|expr| ResultColumn { expr, alias: None, span: None, from_star: false, unused: false })
            .collect(),
        from: std::mem::take(&mut outer.from),
        filter: outer.filter.take(),
        group_by: std::mem::take(&mut outer.group_by),
        having: outer.having.take(),
        order_by: order,
        id,
        ..Select::default()
    };
    sub.flags.aggregate = std::mem::take(&mut outer.flags.aggregate);
    sub.flags.min_max = std::mem::take(&mut outer.flags.min_max);
    sub.flags.correlated = outer.flags.correlated;
    sub.flags.order_by_required = true;
    sub.flags.has_window = has_window;
    let count = sub.columns.len();
    let sub = c.bound.add_select(sub);
    let input = c.cursor();
    let mut types: Vec<SubqueryColumn> = (0..count)
        .map(|at| SubqueryColumn {
            name: format!("column{}", at + 1).into_bytes().into(),
            affinity: AFFINITY_NONE,
            collation: None,
            declared_type: None,
            no_expand: false,
        })
        .collect();
    c.bound.add_column_types(sub, &mut types);
    c.bound.set_columns(input, types.clone());
    c.bound.set_columns(columns.buffer, types);
    let mut item = FromItem::new(format!("(subquery-{id})").into_bytes().into(), input);
    item.source = FromSource::Subquery { select: sub, cte: None, view: None };
    // No part of it may be left out: the buffer has all columns.
    item.correlated = true;
    c.bound[select].from.push(item);
    input
}
