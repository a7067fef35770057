//! GROUP BY and aggregate queries.
//!
//! ```text
//!   loops ──> sorter ──> rows in order of the groups        (or the loops give that order)
//!     for each row:  new group?  deliver the old one, reset the functions
//!                    feed the functions
//!   deliver the last group
//! ```
//! Without GROUP BY there is one group, whatever the rows; `count(*)` of a table and min() or max() of an indexed column have short cuts.

use std::sync::Arc;

use kernite_vdbe::function::FunctionFlags;
use kernite_vdbe::op::{ConstId, IntsId, KeyInfoId, Op};
use kernite_vdbe::{Addr, Reg};

use super::aggregate::{Aggregates, call_of};
use super::distinct::{DistinctState, fix_opening};
use super::sort::Sort;
use super::{Destination, code_row, sources};
use crate::bound::{ExprId, ExprKind, FromSource, IndexHint, OrderTerm, SelectId, Similarity};
use crate::catalog::{Table, TableKind};
use crate::codegen::column;
use crate::codegen::expr::{ListFlags, code, code_exprs, hoist_nulls, jump_if_false, to_register};
use crate::codegen::where_loop::{Request, where_begin};
use crate::compile::{CompileResult, Compiler};
use crate::plan::where_loop::{Distinct, WhereLoop, control};
use crate::plan::{optimizations, rewrite, solver};

/// Estimate of the groups of a GROUP BY: at most 100.
const GROUPS_ESTIMATE: i16 = 66;

/// Codes an aggregate query. `by_result`: SELECT DISTINCT turned into grouping.
pub fn code_aggregate(
    c: &mut Compiler<'_>,
    select: SelectId,
    destination: &mut Destination,
    sort: &mut Sort,
    distinct: &mut DistinctState,
    by_result: bool,
    wants_distinct: bool,
) -> CompileResult<()> {
    let grouping = c.bound[select].group_by.clone();
    let result_columns = grouping
        .iter()
        .enumerate()
        .map(|(at, &term)| column_of_term(c, select, term, at, by_result))
        .collect();
    let mut group_terms: Vec<OrderTerm> = solver::as_order(&grouping).to_vec();
    let mut order_is_grouping = false;
    if grouping.is_empty() {
        c.codegen.select_mut(select).row_estimate = 0;
    } else {
        let state = c.codegen.select_mut(select);
        state.row_estimate = state.row_estimate.min(GROUPS_ESTIMATE);
        order_is_grouping = copy_directions(c, &mut group_terms, sort);
    }
    let end = c.label();
    let aggregates = Aggregates::new(c, grouping.len());
    for expr in super::result_exprs(c, select) {
        aggregates.analyze(c, select, expr, false)?;
    }
    if let Some(order) = sort.order.clone() {
        for term in order.iter() {
            aggregates.analyze(c, select, term.expr, false)?;
        }
    }
    if c.bound[select].having.is_some() && !grouping.is_empty() {
        rewrite::having_to_where(c, select);
    }
    if let Some(having) = c.bound[select].having {
        aggregates.analyze(c, select, having, false)?;
    }
    aggregates.note_accumulators(c);
    let min_max = match grouping.is_empty() && c.bound[select].having.is_none() {
        true => min_max_order(c, &aggregates),
        false => None,
    };
    aggregates.analyze_arguments(c, select)?;
    if grouping.is_empty() {
        code_single_group(c, select, destination, &aggregates, min_max, end)?;
        // One row needs no sorting.
        sort.order = None;
    } else {
        let grouped = Grouped {
            select,
            aggregates,
            order_is_grouping,
            by_result,
            wants_distinct,
            end,
            terms: group_terms,
            result_columns,
        };
        grouped.code(c, grouping, destination, sort, distinct)?;
    }
    c.bind(end);
    Ok(())
}

/// The result column that a GROUP BY term is.
fn column_of_term(
    c: &Compiler<'_>,
    select: SelectId,
    term: ExprId,
    at: usize,
    by_result: bool,
) -> Option<usize> {
    if by_result {
        return Some(at);
    }
    c.bound[select]
        .columns
        .iter()
        .rposition(|column| c.bound.compare(term, column.expr, None) == Similarity::Same)
}

/// Takes over the directions of ORDER BY if it has as many terms. Whether it is the same list.
fn copy_directions(c: &Compiler<'_>, terms: &mut [OrderTerm], sort: &Sort) -> bool {
    let Some(order) = &sort.order else { return false };
    if order.len() != terms.len() {
        return false;
    }
    for (term, ordered) in terms.iter_mut().zip(order.iter()) {
        term.descending = ordered.descending;
    }
    terms.iter().zip(order.iter()).all(|(term, ordered)| {
        !crate::codegen::key_info::big_null(ordered)
            && c.bound.compare(term.expr, ordered.expr, None) == Similarity::Same
    })
}

/// The order in which the first row answers a lone min() or max().
fn min_max_order(c: &mut Compiler<'_>, aggregates: &Aggregates) -> Option<(OrderTerm, u32)> {
    let [function] = &aggregates.info(c).functions[..] else { return None };
    let call = call_of(c, function.expr);
    let [argument] = call.arguments[..] else { return None };
    if call.filter.is_some() || !c.optimizes(optimizations::MIN_MAX) {
        return None;
    }
    let can_be_null = c.bound.can_be_null(argument);
    let mut term = OrderTerm { expr: argument, descending: false, nulls: None, result_column: 0 };
    let wanted = match &*call.function.name {
        "min" => {
            if can_be_null {
                term.nulls = Some(kernite_parser::ast::NullsOrder::Last);
            }
            control::ORDER_BY_MIN
        }
        "max" => {
            term.descending = true;
            control::ORDER_BY_MAX
        }
        _ => return None,
    };
    term.expr = c.copy_expr(argument);
    Some((term, wanted))
}

/// The table whose rows `SELECT count(*) FROM table` counts.
fn simple_count(c: &Compiler<'_>, select: SelectId, aggregates: &Aggregates) -> Option<Arc<Table>> {
    let core = &c.bound[select];
    let ([item], [column], [function]) =
        (&core.from[..], &core.columns[..], &aggregates.info(c).functions[..])
    else {
        return None;
    };
    if core.filter.is_some() || core.having.is_some() {
        return None;
    }
    let FromSource::Table(table) = &item.source else { return None };
    let is_slot = matches!(c.bound[column.expr].kind, ExprKind::AggregateSlot { .. });
    let call = call_of(c, function.expr);
    let counts = call.function.flags.has(FunctionFlags::COUNT)
        && call.arguments.is_empty()
        && !call.distinct
        && call.filter.is_none();
    (matches!(table.kind, TableKind::Ordinary) && is_slot && counts).then(|| Arc::clone(table))
}

/// An aggregate query without GROUP BY.
fn code_single_group(
    c: &mut Compiler<'_>,
    select: SelectId,
    destination: &mut Destination,
    aggregates: &Aggregates,
    min_max: Option<(OrderTerm, u32)>,
    end: Addr,
) -> CompileResult<()> {
    if let Some(table) = simple_count(c, select, aggregates) {
        code_count(c, select, aggregates, &table)?;
    } else {
        code_accumulation(c, select, aggregates, min_max)?;
    }
    if let Some(having) = c.bound[select].having {
        jump_if_false(c, having, end, true)?;
    }
    code_row(c, select, None, None, None, destination, end, end)
}

/// `count(*)` from the number of entries of the smallest index.
fn code_count(
    c: &mut Compiler<'_>,
    select: SelectId,
    aggregates: &Aggregates,
    table: &Arc<Table>,
) -> CompileResult<()> {
    c.verify_schema(table.db);
    let cursor = c.cursor();
    let mut best = table.primary_key_index().filter(|_| table.without_rowid).cloned();
    if !matches!(c.bound[select].from[0].hint, IndexHint::NotIndexed) {
        for index in table.indexes.iter().rev() {
            let smaller = best.as_ref().is_none_or(|best| index.row_size_estimate < best.row_size_estimate);
            if !index.unordered
                && index.row_size_estimate < table.row_size_estimate
                && index.filter.is_none()
                && smaller
            {
                best = Some(Arc::clone(index));
            }
        }
    }
    let (root, key) = match &best {
        Some(index) => (index.root.get(), Some(c.index_key(index)?)),
        None => (table.root.map_or(0, kernite_btree::PageNo::get), None),
    };
    let tree = c.builder.tree(table.db, root, key);
    c.emit(Op::OpenRead { cursor, tree, columns: 1, seek_equal: false });
    aggregates.assign_registers(c);
    let out = aggregates.info(c).function_reg(0);
    c.emit(Op::Count { cursor, out, estimate: false });
    c.emit(Op::Close { cursor });
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let covering = best.filter(|index| table.has_rowid() || !column::is_primary_key(index));
    c.explain(|_| match covering {
        Some(index) => format!("SCAN {} USING COVERING INDEX {}", text(&table.name), text(&index.name)),
        None => format!("SCAN {}", text(&table.name)),
    });
    Ok(())
}

fn code_accumulation(
    c: &mut Compiler<'_>,
    select: SelectId,
    aggregates: &Aggregates,
    min_max: Option<(OrderTerm, u32)>,
) -> CompileResult<()> {
    let info = aggregates.info(c).clone();
    let mut seen = Reg(0);
    let mut distinct_of = None;
    if info.accumulators > 0 {
        // min() and max() decide themselves from which row the bare columns come; otherwise it is the first one.
        let decides = info.functions.iter().any(|function| {
            let call = call_of(c, function.expr);
            call.filter.is_none() && call.function.flags.has(FunctionFlags::NEEDS_COLLATION)
        });
        if !decides {
            seen = c.reg();
            c.integer(0, seen);
        }
    } else if let [function] = &info.functions[..]
        && function.distinct.is_some()
    {
        distinct_of = Some(call_of(c, function.expr).arguments).filter(|arguments| !arguments.is_empty());
    }
    aggregates.assign_registers(c);
    aggregates.reset(c)?;
    let order = min_max.map(|(term, _)| [term]);
    let mut request = Request::new(sources(c, select), c.bound[select].filter);
    request.order_by = order.as_ref().map(|order| &order[..]);
    request.result = distinct_of.as_deref();
    request.select = Some(select);
    request.control = min_max.map_or(0, |(_, wanted)| wanted);
    if distinct_of.is_some() {
        request.control |= control::WANT_DISTINCT | control::AGGREGATE_DISTINCT;
    }
    let w = where_begin(c, request)?;
    let kind = w.distinct;
    aggregates.update(c, seen, kind)?;
    if kind != Distinct::Unknown
        && let Some((kept, open)) = aggregates.distinct_opening(c)
    {
        fix_opening(c, kind, kept, open);
    }
    if seen.is_some() {
        c.integer(1, seen);
    }
    if min_max.is_some() {
        leave_after_first(c, &w);
    }
    w.end(c)?;
    aggregates.finish(c)
}

/// The first row has the answer of min() or max(), if rows come in its order.
fn leave_after_first(c: &mut Compiler<'_>, w: &WhereLoop) {
    if !w.ordered_inner_loop || w.order_satisfied == 0 {
        return;
    }
    for at in (0..w.levels.len()).rev() {
        if w.chosen(at).any(crate::plan::where_loop::flag::COLUMN_IN) {
            c.goto(w.levels[at].next_label);
            return;
        }
    }
    c.goto(w.break_label);
}

/// A query with GROUP BY.
struct Grouped {
    select: SelectId,
    aggregates: Aggregates,
    order_is_grouping: bool,
    by_result: bool,
    wants_distinct: bool,
    end: Addr,
    /// The GROUP BY terms with their directions.
    terms: Vec<OrderTerm>,
    /// For each of them the result column that is the same expression.
    result_columns: Vec<Option<usize>>,
}

/// Registers and labels of a grouping.
struct Places {
    /// True once the group has a row.
    in_use: Reg,
    /// Set when no more rows are wanted.
    abort: Reg,
    output_return: Reg,
    output: Addr,
    reset_return: Reg,
    reset: Addr,
    /// Keys of the present group and of the row looked at.
    old_keys: Reg,
    new_keys: Reg,
}

impl Grouped {
    #[allow(clippy::too_many_lines)]
    fn code(
        self,
        c: &mut Compiler<'_>,
        group_by: Vec<ExprId>,
        destination: &mut Destination,
        sort: &mut Sort,
        distinct: &mut DistinctState,
    ) -> CompileResult<()> {
        let select = self.select;
        let aggregates = self.aggregates;
        let count = group_by.len() as u32;
        let distinct_of = self.distinct_argument(c, &group_by);
        let sorter = c.cursor();
        let key = c.order_key(&self.terms, 0)?;
        let key = c.link_key(key);
        let width = aggregates.info(c).sorter_columns as u16;
        let open = c.emit(Op::SorterOpen { cursor: sorter, columns: width, key, limit: Reg(0) });
        let in_use = c.reg();
        let abort = c.reg();
        let output_return = c.reg();
        let output = c.label();
        let reset_return = c.reg();
        let reset = c.label();
        let old_keys = c.builder.alloc_regs(count);
        let new_keys = c.builder.alloc_regs(count);
        let p = Places { in_use, abort, output_return, output, reset_return, reset, old_keys, new_keys };
        c.integer(0, abort);
        c.nulls(old_keys, count);
        hoist_nulls(c, old_keys, count);
        c.emit(Op::Gosub { ret: reset_return, to: reset });
        let mut request = Request::new(sources(c, select), c.bound[select].filter);
        request.order_by = Some(&self.terms);
        request.result = distinct_of.as_deref();
        request.select = Some(select);
        request.control = if self.by_result { control::DISTINCT_BY } else { control::GROUP_BY };
        if self.order_is_grouping {
            request.control |= control::SORT_BY_GROUP;
        }
        if distinct_of.is_some() {
            request.control |= control::WANT_DISTINCT | control::AGGREGATE_DISTINCT;
        }
        let w = where_begin(c, request)?;
        aggregates.assign_registers(c);
        let kind = w.distinct;
        let ordered = w.satisfied_order_terms() == group_by.len();
        let sorted_too = w.sorted;
        let mut loops = Some(w);
        let mut row = None;
        if !ordered {
            let is_distinct = self.wants_distinct && !c.bound[select].flags.distinct;
            let usage = if is_distinct { "DISTINCT" } else { "GROUP BY" };
            c.explain(|_| format!("USE TEMP B-TREE FOR {usage}"));
            row = Some(self.code_sorting(c, &group_by, sorter, loops.take())?);
        }
        if self.order_is_grouping && c.optimizes(optimizations::GROUP_BY_ORDER) && (!ordered || sorted_too) {
            sort.order = None;
            if let Some(open) = sort.open {
                c.builder.change_to_noop(open);
            }
        }
        let top = c.here();
        if let Some((content, cursor)) = row {
            c.emit(Op::SorterData { cursor: sorter, out: content, pseudo: cursor });
        }
        self.load_keys(c, &group_by, &p, row.map(|(_, cursor)| cursor))?;
        self.start_new_group(c, &p, count, key);
        aggregates.update(c, in_use, kind)?;
        c.integer(1, in_use);
        match loops {
            None => {
                c.emit(Op::SorterNext { cursor: sorter, to: top });
            }
            Some(w) => {
                w.end(c)?;
                c.builder.change_to_noop(open);
            }
        }
        c.emit(Op::Gosub { ret: output_return, to: output });
        c.goto(self.end);
        self.code_output(c, &p, destination, sort, distinct)?;
        c.bind(reset);
        aggregates.reset(c)?;
        c.integer(0, in_use);
        c.emit(Op::Return { ret: reset_return, or_fall_through: false });
        if distinct_of.is_some()
            && kind != Distinct::Unknown
            && let Some((kept, open)) = aggregates.distinct_opening(c)
        {
            fix_opening(c, kind, kept, open);
        }
        Ok(())
    }

    /// The groups' keys and the argument of a lone `agg(DISTINCT x)`: an index on them makes the search for duplicates superfluous.
    fn distinct_argument(&self, c: &mut Compiler<'_>, group_by: &[ExprId]) -> Option<Vec<ExprId>> {
        let [function] = &self.aggregates.info(c).functions[..] else { return None };
        function.distinct?;
        let argument = *call_of(c, function.expr).arguments.first()?;
        let mut list: Vec<ExprId> = Vec::with_capacity(group_by.len() + 1);
        for &term in group_by {
            list.push(c.copy_expr(term));
        }
        list.push(c.copy_expr(argument));
        Some(list)
    }

    /// Puts all rows into the sorter and starts reading them back. Returns the register of a row's record and the cursor on it.
    fn code_sorting(
        &self,
        c: &mut Compiler<'_>,
        group_by: &[ExprId],
        sorter: kernite_vdbe::op::Cursor,
        loops: Option<WhereLoop>,
    ) -> CompileResult<(Reg, kernite_vdbe::op::Cursor)> {
        let info = self.aggregates.info(c).clone();
        let keys = group_by.len();
        let mut place = keys;
        let behind: Vec<ExprId> = info
            .columns
            .iter()
            .filter(|column| {
                let kept = column.in_sorter >= place;
                place += usize::from(kept);
                kept
            })
            .map(|column| column.expr)
            .collect();
        let width = (keys + behind.len()) as u32;
        let first = c.builder.temp_range(width);
        code_exprs(c, group_by, first, ListFlags::default())?;
        self.aggregates.set_direct(c, true);
        for (at, &expr) in behind.iter().enumerate() {
            code(c, expr, first.plus((keys + at) as u32))?;
        }
        self.aggregates.set_direct(c, false);
        let record = c.builder.temp_reg();
        c.emit(Op::MakeRecord { first, count: width, out: record, affinities: Default::default() });
        c.emit(Op::SorterInsert { cursor: sorter, record, first: Reg(0), count: 0 });
        c.builder.release_temp(record);
        c.builder.release_temp_range(first, width);
        if let Some(w) = loops {
            w.end(c)?;
        }
        let cursor = c.cursor();
        let content = c.builder.temp_reg();
        c.emit(Op::OpenPseudo { cursor, content, columns: width as u16 });
        c.emit(Op::SorterSort { cursor: sorter, empty: self.end });
        self.aggregates.read_from_sorter(c, cursor);
        Ok((content, cursor))
    }

    /// Loads the keys of the row looked at. Result columns that are keys are taken from there from now on.
    fn load_keys(
        &self,
        c: &mut Compiler<'_>,
        group_by: &[ExprId],
        p: &Places,
        row: Option<kernite_vdbe::op::Cursor>,
    ) -> CompileResult<()> {
        for (at, &term) in group_by.iter().enumerate() {
            let out = p.new_keys.plus(at as u32);
            match row {
                Some(cursor) => {
                    let (column, default) = (at as u16, ConstId(0));
                    c.emit(Op::Column { cursor, column, out, default, hint: column::HINT_NONE });
                }
                None => {
                    self.aggregates.set_direct(c, true);
                    code(c, term, out)?;
                }
            }
            let column = self.result_columns[at].and_then(|column| c.bound[self.select].columns.get(column));
            if let Some(mut expr) = column.map(|column| column.expr) {
                let mut base = c.bound.skip_collate_and_likely(expr);
                while let ExprKind::IfNullRow { operand, .. } = c.bound[base].kind {
                    expr = operand;
                    base = c.bound.skip_collate_and_likely(expr);
                }
                if !matches!(c.bound[base].kind, ExprKind::AggregateSlot { .. } | ExprKind::Register { .. }) {
                    to_register(c, expr, p.old_keys.plus(at as u32));
                }
            }
        }
        Ok(())
    }

    /// Where the keys differ from the group's: delivers that, and starts anew.
    fn start_new_group(&self, c: &mut Compiler<'_>, p: &Places, count: u32, key: KeyInfoId) {
        c.emit(Op::Compare { left: p.old_keys, right: p.new_keys, count, key, permutation: IntsId(0) });
        let differs = Addr(c.here().0 + 1);
        let same = c.label();
        c.emit(Op::Jump { less: differs, equal: same, greater: differs });
        c.emit(Op::Gosub { ret: p.output_return, to: p.output });
        c.emit(Op::Move { from: p.new_keys, to: p.old_keys, count });
        c.emit(Op::IfPos { counter: p.abort, to: self.end, decrement: 0 });
        c.emit(Op::Gosub { ret: p.reset_return, to: p.reset });
        c.bind(same);
    }

    /// The subroutine that delivers a group.
    fn code_output(
        &self,
        c: &mut Compiler<'_>,
        p: &Places,
        destination: &mut Destination,
        sort: &mut Sort,
        distinct: &mut DistinctState,
    ) -> CompileResult<()> {
        let abort = c.here();
        c.integer(1, p.abort);
        c.emit(Op::Return { ret: p.output_return, or_fall_through: false });
        c.bind(p.output);
        let entry = c.here();
        let (go_on, leave) = (Addr(entry.0 + 2), Addr(entry.0 + 1));
        c.emit(Op::IfPos { counter: p.in_use, to: go_on, decrement: 0 });
        c.emit(Op::Return { ret: p.output_return, or_fall_through: false });
        self.aggregates.finish(c)?;
        if let Some(having) = c.bound[self.select].having {
            jump_if_false(c, having, leave, true)?;
        }
        code_row(c, self.select, None, Some(sort), Some(distinct), destination, leave, abort)?;
        c.emit(Op::Return { ret: p.output_return, or_fall_through: false });
        Ok(())
    }
}
