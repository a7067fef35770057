//! The loops of a WHERE: opened in the planned order, coded level by level, closed again.
//!
//! ```text
//! where_begin   open cursors; per level: start of the loop, tests of the terms that can be tested there
//!     (the caller codes what is done for each row; `continue_label`, `break_label`)
//! WhereLoop::end  per level, innermost first: step, tails of IN loops and outer joins; columns rewritten to read from covering indexes
//! ```
//!
//! `level` starts a loop and tests its terms, `search` codes keys and ranges, `or_loop` multi-index ORs, `right_join` the rows of a right table
//! that found no partner, `auto_index` automatic indexes and Bloom filters, `explain` the lines of EXPLAIN QUERY PLAN.

mod auto_index;
mod end;
mod explain;
mod level;
mod or_loop;
mod right_join;
mod search;

use std::rc::Rc;
use std::sync::Arc;

use kernite_vdbe::op::{Cursor, Op};
use kernite_vdbe::{Addr, Error, Reg};

use super::column;
use super::expr::jump_if_false;
use super::state::{IndexedExpr, PartialIndexColumn};
use crate::bound::{BinaryOp, Bound, ExprFlags, ExprId, OrderTerm, SelectId};
use crate::catalog::{Index, Table};
use crate::compile::{CompileResult, Compiler};
use crate::plan::clause::{Clause, ClauseId, term_flag};
use crate::plan::constant::is_deterministic;
use crate::plan::heuristics;
use crate::plan::log_est::LogEst;
use crate::plan::where_loop::{
    Distinct, Level, Mask, OnePass, RightJoin, SOURCES_MAX, Source, Step, WhereLoop, control, flag,
};
use crate::plan::{analyze, btree_candidates, candidates, optimizations, shortcut, solver, virtual_table};

/// What `where_begin` is asked for.
pub struct Request<'r> {
    pub sources: Rc<[Source]>,
    pub filter: Option<ExprId>,
    /// The order wished, if one is.
    pub order_by: Option<&'r [OrderTerm]>,
    /// The result columns, for DISTINCT and for the joins that can be left out.
    pub result: Option<&'r [ExprId]>,
    pub select: Option<SelectId>,
    pub control: u32,
    /// Estimate of the rows wanted, with [`control::USE_LIMIT`].
    pub limit: LogEst,
    /// First cursor of the caller's indexes (one pass), or the cursor that branches of an OR share.
    pub index_cursors: Option<Cursor>,
}

impl<'r> Request<'r> {
    /// A request for all rows of `sources` that satisfy `filter`.
    pub fn new(sources: Rc<[Source]>, filter: Option<ExprId>) -> Request<'r> {
        Request {
            sources,
            filter,
            order_by: None,
            result: None,
            select: None,
            control: 0,
            limit: 0,
            index_cursors: None,
        }
    }
}

/// Plans a WHERE and codes the beginning of its loops.
pub fn where_begin(c: &mut Compiler<'_>, mut request: Request<'_>) -> CompileResult<WhereLoop> {
    if request.order_by.is_some_and(|order| order.len() >= SOURCES_MAX) {
        request.order_by = None;
        request.control &= !control::WANT_DISTINCT;
        request.control |= control::KEEP_ALL_JOINS;
    }
    if request.sources.len() > SOURCES_MAX {
        return Err(Error::message(format!("at most {SOURCES_MAX} tables in a join")));
    }
    let mut w = start(c, &request);
    if let Some(filter) = request.filter {
        w.split(c, ClauseId::MAIN, filter);
    }
    if w.sources.is_empty() {
        plan_nothing(c, &mut w);
    } else {
        for at in 0..w.sources.len() {
            w.cursors.push(w.sources[at].cursor);
        }
        for at in 0..w.sources.len() {
            analyze::add_function_arguments(c, &mut w, at)?;
        }
    }
    analyze::analyze_clause(c, &mut w, ClauseId::MAIN)?;
    if let Some(select) = request.select {
        virtual_table::add_limit(c, &mut w, select);
    }
    code_constant_terms(c, &mut w)?;
    plan_distinct(c, &mut w)?;
    if w.sources.is_empty() {
        c.codegen.query_loop += w.rows_out;
        w.where_end = c.here();
        return Ok(w);
    }
    plan(c, &mut w)?;
    let mut not_ready = !reduce(c, &mut w, request.result.is_some());
    c.codegen.query_loop = c.codegen.query_loop.saturating_add(w.rows_out);
    choose_one_pass(c, &mut w);
    for at in 0..w.levels.len() {
        open_level(c, &mut w, at)?;
    }
    for at in 0..w.levels.len() {
        not_ready = code_level(c, &mut w, at, not_ready)?;
    }
    w.where_end = c.here();
    Ok(w)
}

fn start(c: &mut Compiler<'_>, request: &Request<'_>) -> WhereLoop {
    let label = c.label();
    let mut w = WhereLoop {
        sources: Rc::clone(&request.sources),
        cursors: Vec::with_capacity(request.sources.len()),
        order_by: request.order_by.map(Into::into),
        result_set: request.result.map(Into::into),
        select: request.select,
        control: request.control,
        limit: request.limit,
        index_cursors: request.index_cursors,
        clauses: vec![Clause::new(BinaryOp::And)],
        candidates: Vec::new(),
        levels: Vec::new(),
        reverse: 0,
        continue_label: label,
        break_label: label,
        saved_query_loop: c.codegen.query_loop,
        order_satisfied: 0,
        one_pass: OnePass::Off,
        one_pass_cursors: [None, None],
        distinct: Distinct::Unknown,
        deferred_seek: false,
        untested_terms: false,
        ordered_inner_loop: false,
        sorted: false,
        star_done: false,
        star_used: false,
        rows_out: 0,
        where_end: Addr(0),
        saw_correlated: false,
    };
    for at in 0..w.levels_wanted() {
        w.levels.push(Level {
            candidate: 0,
            source: at,
            table_cursor: w.sources[at].cursor,
            index_cursor: None,
            left_join: Reg(0),
            break_label: label,
            halt_label: label,
            next_label: label,
            continue_label: label,
            skip: None,
            first: Addr(0),
            body: Addr(0),
            big_null: Reg(0),
            big_null_label: label,
            like_counter: Reg(0),
            like_flag: false,
            like_top: None,
            bloom: Reg(0),
            right_join: None,
            step: Step::None,
            in_loops: Vec::new(),
            covering: None,
            not_ready: Mask::MAX,
        });
    }
    w
}

/// A SELECT without FROM.
fn plan_nothing(c: &mut Compiler<'_>, w: &mut WhereLoop) {
    w.order_satisfied = w.order_by.as_ref().map_or(0, |order| order.len());
    if w.wants(control::WANT_DISTINCT) && c.optimizes(optimizations::DISTINCT) {
        w.distinct = Distinct::Unique;
    }
    if w.select.is_some() {
        c.explain(|_| "SCAN CONSTANT ROW".into());
    }
}

/// Terms that need no source are tested before all loops.
fn code_constant_terms(c: &mut Compiler<'_>, w: &mut WhereLoop) -> CompileResult<()> {
    for at in 0..w.main().base {
        let term = &w.main().terms[at];
        let expr = term.expr;
        let inner_of_right_join = c.bound[expr].flags.has(ExprFlags::INNER_ON)
            && w.sources.first().is_some_and(|source| source.join.left_of_right_join);
        if term.is(term_flag::VIRTUAL)
            || term.prereq_all != 0
            || !(w.sources.is_empty() || is_deterministic(c, expr))
            || inner_of_right_join
        {
            continue;
        }
        jump_if_false(c, expr, w.break_label, true)?;
        w.clauses[0].terms[at].flags |= term_flag::CODED;
    }
    Ok(())
}

fn plan_distinct(c: &mut Compiler<'_>, w: &mut WhereLoop) -> CompileResult<()> {
    if !w.wants(control::WANT_DISTINCT) {
        return Ok(());
    }
    let Some(result) = w.result_set.clone() else { return Ok(()) };
    if !c.optimizes(optimizations::DISTINCT) {
        w.control &= !control::WANT_DISTINCT;
    } else if heuristics::is_distinct_redundant(c, w, &result)? {
        w.distinct = Distinct::Unique;
    } else if w.order_by.is_none() {
        w.control |= control::DISTINCT_BY;
        w.order_by = Some(solver::as_order(&result));
    }
    Ok(())
}

/// Finds the plan.
fn plan(c: &mut Compiler<'_>, w: &mut WhereLoop) -> CompileResult<()> {
    if w.levels.len() != 1 || !shortcut::plan_lookup(c, w)? {
        candidates::collect_all(c, w)?;
        solver::solve(c, w, 0)?;
        if w.order_by.is_some() {
            heuristics::forbid_scans(w);
            let rows = if w.rows_out < 0 { 1 } else { w.rows_out + 1 };
            solver::solve(c, w, rows)?;
        }
        if w.wants(control::WANT_DISTINCT) {
            // An estimate: DISTINCT keeps an eighth.
            w.rows_out -= 30;
        }
    }
    if w.order_by.is_none() && c.options.reverse_unordered_selects {
        for (at, source) in w.sources.iter().enumerate() {
            let ordered_cte = source.cte.is_some_and(|cte| {
                let materialized = c.bound.ctes.get(cte as usize).map(|cte| cte.materialized);
                materialized == Some(kernite_parser::ast::Materialized::Yes)
                    && source.subquery().is_some_and(|select| !c.bound[select].order_by.is_empty())
            });
            if !ordered_cte {
                w.reverse |= 1 << at;
            }
        }
    }
    Ok(())
}

/// What the plan makes superfluous. Returns the sources left out.
fn reduce(c: &Compiler<'_>, w: &mut WhereLoop, has_result: bool) -> Mask {
    let mut omitted = 0;
    if w.levels.len() >= 2
        && has_result
        && !w.wants(control::AGGREGATE_DISTINCT | control::KEEP_ALL_JOINS)
        && c.optimizes(optimizations::OMIT_NOOP_JOIN)
    {
        omitted = heuristics::omit_unused_joins(c, w);
    }
    if w.levels.len() >= 2 && c.optimizes(optimizations::BLOOM_FILTER) {
        heuristics::choose_bloom_filters(c, w);
    }
    omitted
}

/// Decides whether UPDATE or DELETE may change rows inside of the loop.
fn choose_one_pass(c: &Compiler<'_>, w: &mut WhereLoop) {
    if !w.wants(control::ONE_PASS_DESIRED) {
        return;
    }
    let is_virtual = w.sources[0].is_virtual();
    let has_rowid = w.sources[0].has_rowid();
    let several_ok = w.wants(control::ONE_PASS_MULTI_ROW)
        && !is_virtual
        && (!w.chosen(0).has(flag::MULTI_OR) || w.wants(control::DUPLICATES_OK))
        && c.optimizes(optimizations::ONE_PASS);
    let number = w.levels[0].candidate;
    let one_row = w.candidates[number].has(flag::ONE_ROW);
    if one_row || several_ok {
        w.one_pass = if one_row { OnePass::Single } else { OnePass::Multi };
        if has_rowid {
            w.candidates[number].flags &= !flag::INDEX_ONLY;
        }
    }
}

/// Opens the cursors of a level.
fn open_level(c: &mut Compiler<'_>, w: &mut WhereLoop, at: usize) -> CompileResult<()> {
    let source = w.sources[w.levels[at].source].clone();
    let candidate = w.chosen(at).clone();
    w.levels[at].break_label = c.label();
    w.levels[at].halt_label = if at == 0 || source.join.left {
        w.levels[at].break_label
    } else if w.levels[at - 1].right_join.is_some() {
        w.levels[at - 1].break_label
    } else {
        w.levels[at - 1].halt_label
    };
    if let Some(table) = source.table() {
        let outer = source.join.left_of_right_join || source.join.right;
        if candidate.has(flag::VIRTUAL_TABLE) {
            let name = String::from_utf8_lossy(&table.name).into_owned();
            let vtab = c.builder.vtab(table.db, &name);
            c.emit(Op::VOpen { cursor: source.cursor, vtab });
        } else if source.is_virtual() || source.is_view() {
            // Opened by the outer loop of an OR, or by the statement that changes the view.
        } else if (!candidate.has(flag::INDEX_ONLY) && !w.wants(control::OR_SUBCLAUSE)) || outer {
            open_table(c, w, at, &source, table, &candidate)?;
        }
        c.verify_schema(table.db);
        if candidate.has(flag::INDEXED)
            && let Some(index) = &candidate.index
        {
            open_index(c, w, at, &source, table, index, &candidate)?;
        }
    }
    if source.join.right {
        open_right_join(c, w, at, &source)?;
    }
    Ok(())
}

fn open_table(
    c: &mut Compiler<'_>,
    w: &mut WhereLoop,
    at: usize,
    source: &Source,
    table: &Arc<Table>,
    candidate: &crate::plan::where_loop::Candidate,
) -> CompileResult<()> {
    if w.one_pass != OnePass::Off {
        w.one_pass_cursors[0] = Some(source.cursor);
        let for_delete = w.wants(control::ONE_PASS_MULTI_ROW) && candidate.has(flag::INDEXED);
        column::open_write(c, source.cursor, table, for_delete)?;
    } else {
        let simple = table.columns.len() < 64
            && !table.has_generated
            && !table.without_rowid
            && !candidate.any(flag::AUTO_INDEX | flag::BLOOM_FILTER);
        // Only the columns up to the last one used are looked at.
        let wanted = simple.then(|| (u64::BITS - source.columns_used.leading_zeros()) as u16);
        column::open_read(c, source.cursor, table, wanted)?;
    }
    if at >= 2
        && !(source.join.left_of_right_join || source.join.left)
        && w.levels[at].halt_label == w.levels[0].halt_label
    {
        c.emit(Op::IfEmpty { cursor: source.cursor, to: w.break_label });
    }
    Ok(())
}

fn open_index(
    c: &mut Compiler<'_>,
    w: &mut WhereLoop,
    at: usize,
    source: &Source,
    table: &Arc<Table>,
    index: &Arc<Index>,
    candidate: &crate::plan::where_loop::Candidate,
) -> CompileResult<()> {
    let is_table = table.without_rowid && column::is_primary_key(index);
    let (mut writes, mut reopens) = (false, false);
    let cursor;
    if is_table && w.wants(control::OR_SUBCLAUSE) {
        w.levels[at].index_cursor = Some(w.levels[at].table_cursor);
        return Ok(());
    } else if w.one_pass != OnePass::Off {
        let first = w.index_cursors.unwrap_or(Cursor(0));
        let place = source.indexes().position(|known| Arc::ptr_eq(known, index)).unwrap_or(0);
        cursor = Cursor(first.0 + place as u16);
        writes = true;
        w.one_pass_cursors[1] = Some(cursor);
    } else if let (Some(shared), true) = (w.index_cursors, w.wants(control::OR_SUBCLAUSE)) {
        cursor = shared;
        reopens = true;
    } else {
        cursor = c.cursor();
        if (column::has_expr(index) || has_virtual(table, index)) && c.optimizes(optimizations::INDEXED_EXPR)
        {
            note_indexed_exprs(c, source, table, index, cursor)?;
        }
        if !source.join.right {
            note_partial_columns(c, source, table, index, cursor)?;
        }
    }
    w.levels[at].index_cursor = Some(cursor);
    let key = c.index_key(index)?;
    let tree = c.builder.tree(index.db, index.root.get(), Some(key));
    let columns = index.columns.len() as u16;
    let seek_equal = candidate.any(flag::CONSTRAINT)
        && !candidate.any(flag::COLUMN_RANGE | flag::SKIP_SCAN | flag::BIG_NULL_SORT | flag::IN_SEEK_SCAN)
        && !w.wants(control::ORDER_BY_MIN)
        && w.distinct != Distinct::Ordered;
    c.emit(match (writes, reopens) {
        (true, _) => Op::OpenWrite { cursor, tree, columns, for_delete: false },
        (_, true) => Op::ReopenIdx { cursor, tree, columns, seek_equal },
        _ => Op::OpenRead { cursor, tree, columns, seek_equal },
    });
    Ok(())
}

fn has_virtual(table: &Table, index: &Index) -> bool {
    (0..index.columns.len()).any(|at| {
        usize::try_from(column::index_column(index, at)).is_ok_and(|column| column::is_virtual(table, column))
    })
}

/// Notes the expressions that an index holds, so that they are read from it.
fn note_indexed_exprs(
    c: &mut Compiler<'_>,
    source: &Source,
    table: &Arc<Table>,
    index: &Arc<Index>,
    cursor: Cursor,
) -> CompileResult<()> {
    for at in 0..index.columns.len() {
        let expr = match column::index_column(index, at) {
            column::EXPR => column::index_expr(c, table, index, at)?,
            number => match usize::try_from(number) {
                Ok(number) if column::is_virtual(table, number) => column::generated_expr(c, table, number)?,
                _ => continue,
            },
        };
        if crate::plan::constant::is_constant(c, expr) {
            continue;
        }
        let affinity = column::index_affinity(c, table, index, at)?;
        c.codegen.indexed_exprs.insert(
            0,
            IndexedExpr {
                expr,
                data: Some(source.cursor),
                index: cursor,
                column: at as u16,
                maybe_null_row: candidates::in_outer_join(source.join),
                affinity,
            },
        );
    }
    Ok(())
}

/// Notes the columns that the WHERE of a partial index fixes.
fn note_partial_columns(
    c: &mut Compiler<'_>,
    source: &Source,
    table: &Arc<Table>,
    index: &Arc<Index>,
    cursor: Cursor,
) -> CompileResult<()> {
    let Some(filter) = column::index_filter(c, table, index)? else { return Ok(()) };
    for (column, value, affinity) in btree_candidates::fixed_columns(c, table, filter) {
        let value = c.copy_expr(value);
        c.codegen.partial_index_columns.push(PartialIndexColumn {
            value,
            data: source.cursor,
            column: column as i16,
            index: cursor,
            maybe_null_row: source.join.left || source.join.left_of_right_join,
            affinity,
        });
    }
    Ok(())
}

/// Prepares to remember the rows of a right table that found a partner.
fn open_right_join(c: &mut Compiler<'_>, w: &mut WhereLoop, at: usize, source: &Source) -> CompileResult<()> {
    let matched = c.cursor();
    let return_reg = c.reg();
    c.nulls(return_reg, 1);
    let bloomable = match source.table().filter(|table| table.without_rowid) {
        None => {
            let key = c.binary_key(1);
            let key = c.link_key(key);
            c.emit(Op::OpenEphemeral { cursor: matched, columns: 1, key, unordered: false });
            true
        }
        Some(table) => {
            let Some(index) = table.primary_key_index().cloned() else { return Ok(()) };
            let key = c.index_key(&index)?;
            let key = c.builder.key_info(key);
            let columns = index.key_columns as u16;
            c.emit(Op::OpenEphemeral { cursor: matched, columns, key, unordered: false });
            heuristics::key_is_bloomable(&index, index.key_columns)
        }
    };
    let mut bloom = Reg(0);
    if bloomable {
        bloom = c.reg();
        c.emit(Op::Blob0 { size: 65_536, out: bloom });
    }
    w.levels[at].right_join = Some(RightJoin { matched, bloom, return_reg, start: Addr(0), end: Addr(0) });
    let number = w.levels[at].candidate;
    w.candidates[number].flags &= !flag::INDEX_ONLY;
    w.order_satisfied = 0;
    w.distinct = Distinct::Unordered;
    Ok(())
}

/// Codes one level: what has to be made before, the start of the loop, the tests of its terms.
fn code_level(c: &mut Compiler<'_>, w: &mut WhereLoop, at: usize, not_ready: Mask) -> CompileResult<Mask> {
    let source = w.sources[w.levels[at].source].clone();
    if let Some(select) = source.subquery()
        && let Some(state) = c.codegen.subqueries.get(&select).copied()
        && state.materialized
        && let Some(fill) = state.fill
    {
        let once = c.label();
        if !source.correlated {
            c.emit(Op::Once { to: once });
        }
        c.emit(Op::Gosub { ret: state.return_reg, to: fill });
        c.bind(once);
    }
    if w.chosen(at).has(flag::AUTO_INDEX) {
        auto_index::build(c, w, at, not_ready)?;
    } else if w.chosen(at).has(flag::BLOOM_FILTER) {
        auto_index::build_bloom_filters(c, w, at, not_ready)?;
    }
    if !w.chosen(at).has(flag::MULTI_OR) && !w.wants(control::OR_SUBCLAUSE) {
        explain::explain_scan(c, w, at, w.control);
    }
    w.levels[at].body = c.here();
    let not_ready = level::start(c, w, at, not_ready)?;
    w.continue_label = w.levels[at].continue_label;
    Ok(not_ready)
}

/// Whether a term of an outer join's ON clause may be tested at a level.
fn is_ready(bound: &Bound, w: &WhereLoop, at: usize, source: &Source, expr: ExprId) -> bool {
    if !candidates::in_outer_join(source.join) {
        return true;
    }
    let flags = bound[expr].flags;
    if !flags.any(ExprFlags::OUTER_ON | ExprFlags::INNER_ON)
        || (source.join.left && !flags.has(ExprFlags::OUTER_ON))
    {
        return false;
    }
    let join = bound[expr].join_cursor.map_or(0, |cursor| w.mask_of(cursor));
    join & w.levels[at].not_ready == 0
}

/// Marks a term as done, and its parents as far as all of their children are.
fn disable_term(c: &Compiler<'_>, w: &mut WhereLoop, at: usize, mut id: crate::plan::clause::TermId) {
    let mut round = 0;
    loop {
        let level = &w.levels[at];
        let (left_join, not_ready) = (level.left_join.is_some(), level.not_ready);
        let outer = c.bound[w.term(id).expr].flags.has(ExprFlags::OUTER_ON);
        let term = w.term_mut(id);
        if term.is(term_flag::CODED) || (left_join && !outer) || not_ready & term.prereq_all != 0 {
            return;
        }
        term.flags |= match round > 0 && term.is(term_flag::LIKE) {
            true => term_flag::LIKE_CONDITIONAL,
            false => term_flag::CODED,
        };
        let Some(parent) = term.parent else { return };
        id.at = parent;
        let parent = w.term_mut(id);
        parent.children = parent.children.saturating_sub(1);
        if parent.children != 0 {
            return;
        }
        round += 1;
    }
}
