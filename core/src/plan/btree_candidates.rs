//! Candidates for tables: scans, searches by rowid and index, skip-scans, automatic indexes.
//!
//! For each index the terms on its first column are tried, for each of those the ones on the second, and so on; every prefix is a
//! candidate. Costs: one unit is about one step of a cursor; a search costs the logarithm of the rows, a row of an index its size relative to the
//! table's, a row fetched from the table by rowid 16 (3 units) more.

use std::sync::Arc;

use super::candidates::{Collector, adjust_output, fits_outer_join, in_outer_join};
use super::clause::{TermId, operator, term_flag};
use super::implication;
use super::log_est::{self, LogEst};
use super::optimizations;
use super::scan::{Scan, View};
use super::where_loop::{Mask, Source, WhereLoop, control, flag};
use crate::bound::{ExprId, ExprKind, InSource, IndexHint, Similarity, Visitor};
use crate::catalog::{Index, IndexOrigin, Table};
use crate::codegen::column;
use crate::codegen::expr::{affinity, index_collation};
use crate::compile::{CompileResult, Compiler};

/// Bit of columns beyond the 63rd.
const TOP_BIT: u64 = 1 << 63;

/// What is probed: the table by its rowid, or an index.
#[derive(Clone, Debug)]
struct Probe {
    index: Option<Arc<Index>>,
    key_columns: usize,
    columns: usize,
    row_size: LogEst,
    unique: bool,
    unique_not_null: bool,
    has_statistics: bool,
    unordered: bool,
    /// Rows, then rows per value of the first column, of the first two, …
    estimates: Vec<LogEst>,
}

impl Probe {
    fn rowid(rows: LogEst) -> Probe {
        Probe {
            index: None,
            key_columns: 1,
            columns: 1,
            row_size: 3,
            unique: true,
            unique_not_null: false,
            has_statistics: false,
            unordered: false,
            estimates: vec![rows, 0],
        }
    }

    fn index(index: &Arc<Index>) -> Probe {
        Probe {
            index: Some(Arc::clone(index)),
            key_columns: index.key_columns,
            columns: index.columns.len(),
            row_size: index.row_size_estimate,
            unique: index.unique,
            unique_not_null: index.unique_not_null,
            has_statistics: index.has_statistics,
            unordered: index.unordered,
            estimates: index.row_estimates.clone(),
        }
    }

    fn estimate(&self, at: usize) -> LogEst {
        self.estimates.get(at).copied().unwrap_or(0)
    }

    /// Number of column `at`; see [`column`].
    fn column(&self, at: usize) -> i16 {
        self.index.as_ref().map_or(column::ROWID, |index| column::index_column(index, at))
    }

    /// Whether column `at` cannot be NULL.
    fn is_not_null(&self, table: Option<&Arc<Table>>, at: usize) -> bool {
        match (usize::try_from(self.column(at)), table) {
            (Ok(column), Some(table)) => {
                table.columns.get(column).is_some_and(|column| column.not_null.is_some())
            }
            _ => self.column(at) == column::ROWID,
        }
    }

    /// Whether it is the tree of a WITHOUT ROWID table.
    fn is_primary_key(&self) -> bool {
        self.index.as_ref().is_some_and(|index| column::is_primary_key(index))
    }
}

/// Adds candidates for a table or subquery.
pub fn add(
    c: &mut Compiler<'_>,
    w: &mut WhereLoop,
    collector: &mut Collector,
    prereq: Mask,
) -> CompileResult<()> {
    let source = w.sources[collector.new.source].clone();
    add_automatic(c, w, collector, &source, prereq)?;
    let rows = source.row_estimate(c);
    let mut probes = Vec::new();
    match &source.hint {
        IndexHint::By(index) => probes.push(Probe::index(index)),
        hint => {
            if source.has_rowid() {
                probes.push(Probe::rowid(rows));
            }
            if !(source.has_rowid() && matches!(hint, IndexHint::NotIndexed)) {
                probes.extend(source.indexes().map(Probe::index));
            }
        }
    }
    for (at, probe) in probes.iter().enumerate() {
        if collector.exhausted {
            break;
        }
        let number = u8::try_from(at + 1).unwrap_or(u8::MAX);
        add_probe(c, w, collector, &source, probe, prereq, number)?;
    }
    Ok(())
}

/// Adds candidates that build an index for the statement.
fn add_automatic(
    c: &mut Compiler<'_>,
    w: &mut WhereLoop,
    collector: &mut Collector,
    source: &Source,
    prereq: Mask,
) -> CompileResult<()> {
    if collector.or_costs.is_some()
        || w.wants(control::RIGHT_JOIN | control::OR_SUBCLAUSE)
        || !c.options.automatic_index
        || !matches!(source.hint, IndexHint::Any)
        || source.correlated
        || matches!(source.kind, super::where_loop::SourceKind::Recursive)
        || source.join.right
    {
        return Ok(());
    }
    let rows = source.row_estimate(c);
    let log_rows = log_est::logarithm(rows);
    let view = collector.view;
    for at in view.terms(w) {
        let id = TermId { clause: view.clause, at };
        if w.term(id).prereq_right & collector.new.self_mask != 0 || !can_drive_index(c, w, id, source, 0) {
            continue;
        }
        let prereq_right = w.term(id).prereq_right;
        let new = &mut collector.new;
        new.equal = 1;
        new.skip = 0;
        new.index = None;
        new.terms = vec![Some(id)];
        // Views and subqueries get their index cheaper: it cannot be made by hand.
        new.setup = log_rows + rows + if source.subquery().is_none() { 28 } else { -25 };
        new.setup = new.setup.max(0);
        // A guess: an automatic index finds 20 rows.
        new.out = 43;
        new.run = log_est::add(log_rows, new.out);
        new.flags = flag::AUTO_INDEX;
        new.prereq = prereq | prereq_right;
        if !collector.insert(w) {
            break;
        }
    }
    Ok(())
}

/// Whether a term can be the key of an automatic index.
pub fn can_drive_index(
    c: &Compiler<'_>,
    w: &WhereLoop,
    id: TermId,
    source: &Source,
    not_ready: Mask,
) -> bool {
    let term = w.term(id);
    if term.left_cursor != Some(source.cursor)
        || !term.op(operator::EQ | operator::IS)
        || (in_outer_join(source.join) && !fits_outer_join(c, w, id, source))
        || term.prereq_right & not_ready != 0
    {
        return false;
    }
    let Ok(at) = usize::try_from(term.left_column) else { return false };
    let of_column = match source.table() {
        Some(table) => table.column_affinity(term.left_column),
        None => c
            .bound
            .columns_of(source.cursor)
            .get(at)
            .map_or(crate::bound::AFFINITY_BLOB, |column| column.affinity),
    };
    c.bound.index_affinity_ok(term.expr, of_column) && lacks_index(source, term.left_column)
}

/// Whether no index leads with a column, or has it behind others that leave few rows.
fn lacks_index(source: &Source, wanted: i16) -> bool {
    for index in source.indexes() {
        let place = (0..index.key_columns).find(|&at| column::index_column(index, at) == wanted);
        match place {
            Some(0) => return false,
            Some(at)
                if index.has_statistics && index.row_estimates.get(at + 1).is_some_and(|&rows| rows > 20) =>
            {
                return false;
            }
            _ => {}
        }
    }
    true
}

/// Adds the candidates of one probe: its full scan, if that is worth something, and its searches.
fn add_probe(
    c: &mut Compiler<'_>,
    w: &mut WhereLoop,
    collector: &mut Collector,
    source: &Source,
    probe: &Probe,
    prereq: Mask,
    number: u8,
) -> CompileResult<()> {
    if let Some(index) = &probe.index
        && index.filter.is_some()
        && let Some(table) = source.table()
    {
        let Some(filter) = column::index_filter(c, table, index)? else { return Ok(()) };
        if !partial_index_usable(c, w, collector.view, source, filter) {
            return Ok(());
        }
    }
    let rows = probe.estimate(0);
    let helps_order = helps_order(c, w, source, probe)?;
    let new = &mut collector.new;
    new.equal = 0;
    new.bottom = 0;
    new.top = 0;
    new.distinct_columns = 0;
    new.skip = 0;
    new.terms.clear();
    new.sort_index = 0;
    new.setup = 0;
    new.prereq = prereq;
    new.out = rows;
    new.index = probe.index.clone();
    new.ordered_by = None;
    let going = match &probe.index {
        None => add_table_scan(c, w, collector, source, rows, if helps_order { number } else { 0 }),
        Some(index) => {
            let index = Arc::clone(index);
            add_index_scan(c, w, collector, source, probe, &index, helps_order, number)?
        }
    };
    if going {
        add_searches(c, w, collector, source, probe, 0)?;
    }
    Ok(())
}

fn add_table_scan(
    c: &Compiler<'_>,
    w: &mut WhereLoop,
    collector: &mut Collector,
    source: &Source,
    rows: LogEst,
    sort_index: u8,
) -> bool {
    let view = collector.view;
    let new = &mut collector.new;
    new.flags = flag::ROWID;
    new.sort_index = sort_index;
    new.run = rows + 16;
    adjust_output(c, w, view, new, rows);
    if let Some(select) = source.subquery() {
        if source.via_coroutine(c) {
            new.flags |= flag::COROUTINE;
        }
        if !c.bound[select].flags.recursive && !c.bound[select].order_by.is_empty() {
            new.ordered_by = Some(select);
        }
    } else if source.from_exists {
        new.out = 0;
    }
    let going = collector.insert(w);
    collector.new.out = rows;
    going
}

#[allow(clippy::too_many_arguments)]
fn add_index_scan(
    c: &mut Compiler<'_>,
    w: &mut WhereLoop,
    collector: &mut Collector,
    source: &Source,
    probe: &Probe,
    index: &Arc<Index>,
    helps_order: bool,
    number: u8,
) -> CompileResult<bool> {
    let Some(table) = source.table().cloned() else { return Ok(true) };
    let rows = probe.estimate(0);
    let (missing, flags) = coverage(c, w, source, &table, index)?;
    collector.new.flags = flags;
    let worth_a_scan = missing == 0
        && !index.unordered
        && index.row_size_estimate < table.row_size_estimate
        && !w.wants(control::ONE_PASS_DESIRED)
        && c.optimizes(optimizations::COVERING_INDEX_SCAN);
    if !(helps_order
        || !table.has_rowid()
        || index.filter.is_some()
        || matches!(source.hint, IndexHint::By(_))
        || worth_a_scan)
    {
        return Ok(true);
    }
    let new = &mut collector.new;
    new.sort_index = if helps_order { number } else { 0 };
    new.run = rows + 1 + relative_size(index.row_size_estimate, &table);
    if missing != 0 {
        // Each row is looked up in the table, unless a term on the index alone rejects it before.
        let mut lookups = rows + 16;
        for term in &w.main().terms {
            if !is_covered(c, term.expr, source, index) {
                break;
            }
            if term.truth <= 0 {
                lookups += term.truth;
            } else {
                lookups -= 1;
                if term.op(operator::EQ | operator::IS) {
                    lookups -= 19;
                }
            }
        }
        new.run = log_est::add(new.run, lookups);
    }
    let view = collector.view;
    adjust_output(c, w, view, new, rows);
    let mut going = true;
    if !(source.join.right && column::has_expr(index)) {
        if source.from_exists {
            new.out = 0;
        }
        going = collector.insert(w);
    }
    collector.new.out = rows;
    Ok(going)
}

/// Cost of an index row as part of that of a table row.
fn relative_size(index_row: LogEst, table: &Table) -> LogEst {
    (15 * i32::from(index_row) / i32::from(table.row_size_estimate.max(1))) as LogEst
}

/// Columns used that an index lacks, and the flags of reading it.
fn coverage(
    c: &mut Compiler<'_>,
    w: &WhereLoop,
    source: &Source,
    table: &Arc<Table>,
    index: &Arc<Index>,
) -> CompileResult<(u64, u32)> {
    if column::is_primary_key(index) && table.without_rowid {
        return Ok((0, flag::INDEX_ONLY | flag::INDEXED));
    }
    if holds_every_column(table, index) {
        return Ok((0, flag::INDEX_ONLY | flag::INDEXED));
    }
    let mut missing = source.columns_used & columns_not_indexed(index);
    if let Some(filter) = column::index_filter(c, table, index)? {
        missing &= !fixed_by_filter(c, table, filter);
    }
    let has_expr = column::has_expr(index);
    if missing == TOP_BIT || (has_expr && !has_virtual_column(table, index) && missing != 0) {
        if let Some(flags) = covers_by_looking(c, w, source, table, index)? {
            return Ok((0, flag::INDEXED | flags));
        }
    } else if missing == 0 && (table.has_rowid() || w.select.is_some()) {
        return Ok((0, flag::INDEXED | flag::INDEX_ONLY));
    }
    Ok((missing, flag::INDEXED))
}

/// Whether an index made by CREATE INDEX holds all columns of its table.
fn holds_every_column(table: &Table, index: &Index) -> bool {
    index.origin == IndexOrigin::Created
        && index.columns.len() >= table.columns.len()
        && (0..table.columns.len())
            .all(|at| table.rowid_alias == Some(at) || column::place_in_index(index, at as i16).is_some())
}

/// The columns that an index does not hold; columns beyond the 63rd are one bit that is always set. The index of a constraint
/// counts with its own columns only, although that of a WITHOUT ROWID table has those of the primary key too: so SQLite plans.
pub fn columns_not_indexed(index: &Index) -> u64 {
    let mut mask = u64::MAX;
    let count = match index.origin {
        IndexOrigin::Unique => index.key_columns,
        _ => index.columns.len(),
    };
    for at in 0..count {
        if let Ok(column) = usize::try_from(column::index_column(index, at))
            && column < 63
        {
            mask &= !(1 << column);
        }
    }
    mask
}

fn has_virtual_column(table: &Table, index: &Index) -> bool {
    (0..index.columns.len()).any(|at| {
        usize::try_from(column::index_column(index, at)).is_ok_and(|at| column::is_virtual(table, at))
    })
}

/// Columns that the WHERE of a partial index fixes: `column = constant`.
fn fixed_by_filter(c: &Compiler<'_>, table: &Table, filter: ExprId) -> u64 {
    let mut mask = 0;
    for (column, _, _) in fixed_columns(c, table, filter) {
        if column < 63 {
            mask |= 1 << column;
        }
    }
    mask
}

/// The same, with the constant and the column's affinity, last term first.
pub fn fixed_columns(c: &Compiler<'_>, table: &Table, filter: ExprId) -> Vec<(usize, ExprId, u8)> {
    let mut found = Vec::new();
    let mut rest = Some(filter);
    while let Some(expr) = rest.take() {
        let mut term = expr;
        if let Some((left, right)) = c.bound.and_operands(expr) {
            found.extend(fixed_columns(c, table, right));
            term = left;
        }
        let ExprKind::Binary { op, left, right } = c.bound[term].kind else { continue };
        if !matches!(op, crate::bound::BinaryOp::Eq | crate::bound::BinaryOp::Is) {
            continue;
        }
        let ExprKind::SelfColumn { column, .. } = c.bound[left].kind else { continue };
        let Ok(column) = usize::try_from(column) else { continue };
        let letter = table.columns.get(column).map_or(0, |column| column.affinity);
        if super::constant::is_constant(c, right)
            && affinity::is_binary(c.bound.comparison_collation(term))
            && letter >= crate::bound::AFFINITY_TEXT
        {
            found.push((column, right, letter));
        }
    }
    found
}

/// Looks through the whole SELECT for what it needs of a table.
struct Coverage<'w, 'c> {
    c: &'w Compiler<'c>,
    index: &'w Index,
    exprs: &'w [ExprId],
    source: &'w Source,
    uses_expr: bool,
    uncovered: bool,
}

impl Visitor for Coverage<'_, '_> {
    fn expr(&mut self, bound: &crate::bound::Bound, expr: ExprId) -> bool {
        if self.uncovered {
            return false;
        }
        if let Some((cursor, column)) = bound.column_or_slot(expr) {
            if cursor == self.source.cursor && column::place_in_index(self.index, column).is_none() {
                self.uncovered = true;
            }
            return true;
        }
        if let ExprKind::AggregateSlot { of, .. } = bound[expr].kind {
            // An aggregate function: its arguments are read from the row.
            bound.for_each_operand(of, |operand| bound.walk(operand, self));
            return false;
        }
        let same = |&indexed: &ExprId| {
            self.c.bound.compare(expr, indexed, Some(self.source.cursor)) == Similarity::Same
        };
        if self.exprs.iter().any(same) {
            self.uses_expr = true;
            return false;
        }
        // What an aggregate function reads hangs below the call that the slot stands for.
        if let ExprKind::AggregateSlot { of, .. } = bound[expr].kind {
            bound.for_each_operand(of, |operand| bound.walk(operand, self));
        }
        true
    }
}

/// Whether an index covers a SELECT, found by looking at every expression: for tables with many columns, and for indexes on expressions.
fn covers_by_looking(
    c: &mut Compiler<'_>,
    w: &WhereLoop,
    source: &Source,
    table: &Arc<Table>,
    index: &Arc<Index>,
) -> CompileResult<Option<u32>> {
    let Some(select) = w.select else { return Ok(None) };
    let has_expr = column::has_expr(index);
    if !has_expr && (0..index.columns.len()).all(|at| column::index_column(index, at) < 63) {
        return Ok(None);
    }
    let mut exprs = Vec::new();
    for at in 0..index.columns.len() {
        if column::index_column(index, at) == column::EXPR {
            exprs.push(column::index_expr(c, table, index, at)?);
        }
    }
    let mut look = Coverage { c, index, exprs: &exprs, source, uses_expr: false, uncovered: false };
    c.bound.walk_select(select, &mut look);
    Ok(match (look.uncovered, look.uses_expr) {
        (true, _) => None,
        (false, true) => Some(flag::EXPR_INDEX),
        (false, false) => Some(flag::INDEX_ONLY),
    })
}

/// Whether an expression needs no column of a table that an index lacks.
pub fn is_covered(c: &Compiler<'_>, expr: ExprId, source: &Source, index: &Index) -> bool {
    struct Covered<'w> {
        source: &'w Source,
        index: &'w Index,
        covered: bool,
    }
    impl Visitor for Covered<'_> {
        fn expr(&mut self, bound: &crate::bound::Bound, expr: ExprId) -> bool {
            if let ExprKind::Column { cursor, column, .. } = bound[expr].kind
                && cursor == self.source.cursor
                && column::place_in_index(self.index, column).is_none()
            {
                self.covered = false;
            }
            self.covered
        }
    }
    let mut covered = Covered { source, index, covered: true };
    c.bound.walk(expr, &mut covered);
    covered.covered
}

/// Whether the WHERE clause implies that of a partial index.
fn partial_index_usable(
    c: &Compiler<'_>,
    w: &WhereLoop,
    view: View,
    source: &Source,
    filter: ExprId,
) -> bool {
    if source.join.left_of_right_join {
        return false;
    }
    let mut filter = filter;
    while let Some((left, right)) = c.bound.and_operands(filter) {
        if !partial_index_usable(c, w, view, source, left) {
            return false;
        }
        filter = right;
    }
    view.terms(w).any(|at| {
        let term = &w.clauses[view.clause.0].terms[at];
        let node = &c.bound[term.expr];
        let outer = node.flags.has(crate::bound::ExprFlags::OUTER_ON);
        (!outer || node.join_cursor == Some(source.cursor))
            && (!source.join.outer || outer)
            && !term.is(term_flag::NOT_NULL)
            && implication::implies(c, term.expr, filter, Some(source.cursor))
            && !implication::implies(c, term.expr, filter, None)
    })
}

/// Whether the order of a probe could be of use for ORDER BY.
fn helps_order(c: &mut Compiler<'_>, w: &WhereLoop, source: &Source, probe: &Probe) -> CompileResult<bool> {
    if probe.unordered {
        return Ok(false);
    }
    let Some(order_by) = w.order_by.clone() else { return Ok(false) };
    for term in order_by.iter() {
        let expr = c.bound.skip_collate_and_likely(term.expr);
        match c.bound.column_or_slot(expr) {
            Some((cursor, column)) if cursor == source.cursor => {
                if column < 0 || (0..probe.key_columns).any(|at| probe.column(at) == column) {
                    return Ok(true);
                }
            }
            _ => {
                let (Some(index), Some(table)) = (&probe.index, source.table()) else { continue };
                for at in 0..probe.key_columns {
                    if probe.column(at) != column::EXPR {
                        continue;
                    }
                    let indexed = column::index_expr(c, table, index, at)?;
                    if super::analyze::compare_below_collate(c, expr, indexed, source.cursor)
                        == Similarity::Same
                    {
                        return Ok(true);
                    }
                }
            }
        }
    }
    Ok(false)
}

/// Adds candidates that use a term on the next column of a probe. `in_multiplier` is the estimate of rounds that IN terms and skip-scans
/// cause already.
fn add_searches(
    c: &mut Compiler<'_>,
    w: &mut WhereLoop,
    collector: &mut Collector,
    source: &Source,
    probe: &Probe,
    in_multiplier: LogEst,
) -> CompileResult<()> {
    let mut operators = if collector.new.has(flag::BOTTOM_LIMIT) {
        operator::LT | operator::LE
    } else {
        operator::EQ | operator::IN | operator::RANGE | operator::IS_NULL | operator::IS
    };
    if probe.unordered {
        operators &= !operator::RANGE;
    }
    let saved = collector.new.clone();
    collector.new.setup = 0;
    let mut scan = Scan::index(
        c,
        collector.view,
        source.cursor,
        source.table(),
        probe.index.as_ref(),
        saved.equal,
        operators,
    )?;
    while let Some(id) = scan.next(c, w) {
        if collector.exhausted {
            break;
        }
        let term = w.term(id);
        let impossible = (term.operator == operator::IS_NULL || term.is(term_flag::NOT_NULL))
            && probe.is_not_null(source.table(), saved.equal);
        let is_upper_like = term.is(term_flag::LIKE_BOUND) && term.operator == operator::LT;
        if impossible
            || is_upper_like
            || term.prereq_right & saved.self_mask != 0
            || (in_outer_join(source.join) && !fits_outer_join(c, w, id, source))
        {
            continue;
        }
        add_search(c, w, collector, source, probe, in_multiplier, &saved, id, scan.equivalent > 1)?;
    }
    let (source_at, self_mask) = (collector.new.source, collector.new.self_mask);
    collector.new = saved;
    debug_assert_eq!((collector.new.source, collector.new.self_mask), (source_at, self_mask));
    add_skip_scan(c, w, collector, source, probe, in_multiplier)
}

/// One candidate that uses a term, and those that go on from it.
#[allow(clippy::too_many_arguments)]
fn add_search(
    c: &mut Compiler<'_>,
    w: &mut WhereLoop,
    collector: &mut Collector,
    source: &Source,
    probe: &Probe,
    in_multiplier: LogEst,
    saved: &super::where_loop::Candidate,
    id: TermId,
    transitive: bool,
) -> CompileResult<()> {
    let (op, prereq_right, term_flags, truth) = {
        let term = w.term(id);
        (term.operator, term.prereq_right, term.flags, term.truth)
    };
    let rows = probe.estimate(0);
    let log_rows = log_est::logarithm(rows);
    let new = &mut collector.new;
    new.flags = saved.flags;
    new.equal = saved.equal;
    new.bottom = saved.bottom;
    new.top = saved.top;
    new.out = saved.out;
    new.terms.truncate(saved.terms.len());
    new.terms.push(Some(id));
    new.prereq = (saved.prereq | prereq_right) & !new.self_mask;
    let (mut bottom, mut top) = (None, None);
    let mut values: LogEst = 0;
    if op & operator::IN != 0 {
        match in_values(c, w, new, probe, saved.equal, id, in_multiplier, log_rows) {
            Some((estimate, seek_scan)) => {
                values = estimate;
                if seek_scan {
                    new.flags |= flag::IN_SEEK_SCAN;
                }
            }
            None => return Ok(()),
        }
        new.flags |= flag::COLUMN_IN;
    } else if op & (operator::EQ | operator::IS) != 0 {
        let column = probe.column(saved.equal);
        new.flags |= flag::COLUMN_EQ;
        if column == column::ROWID
            || (column >= 0 && in_multiplier == 0 && saved.equal + 1 == probe.key_columns)
        {
            let one_row = column == column::ROWID
                || probe.unique_not_null
                || (probe.key_columns == 1 && probe.unique && op & operator::EQ != 0);
            new.flags |= if one_row { flag::ONE_ROW } else { flag::UNIQUE_WANTED };
        }
        if transitive {
            new.flags |= flag::TRANSITIVE;
        }
    } else if op & operator::IS_NULL != 0 {
        new.flags |= flag::COLUMN_NULL;
    } else {
        let width = vector_width(c, w, source, probe, saved.equal, id);
        if op & (operator::GT | operator::GE) != 0 {
            new.flags |= flag::COLUMN_RANGE | flag::BOTTOM_LIMIT;
            new.bottom = width;
            bottom = Some(id);
            if term_flags & term_flag::LIKE_BOUND != 0 {
                // The upper bound of a LIKE is the next term.
                let upper = TermId { clause: id.clause, at: id.at + 1 };
                top = Some(upper);
                new.terms.push(Some(upper));
                new.flags |= flag::TOP_LIMIT;
                new.top = 1;
            }
        } else {
            new.flags |= flag::COLUMN_RANGE | flag::TOP_LIMIT;
            new.top = width;
            top = Some(id);
            if new.has(flag::BOTTOM_LIMIT) {
                bottom = new.terms.len().checked_sub(2).and_then(|at| new.terms[at]);
            }
        }
    }
    if new.has(flag::COLUMN_RANGE) {
        new.out = range_rows(w, new.out, bottom, top);
    } else {
        new.equal += 1;
        if truth <= 0 && probe.column(saved.equal) >= 0 {
            new.out += truth - values;
        } else {
            new.out += probe.estimate(new.equal) - probe.estimate(new.equal - 1);
            if op & operator::IS_NULL != 0 {
                // Twice as many rows as for a value: NULL is common.
                new.out += 10;
            }
        }
    }
    let per_row = match (&probe.index, source.table()) {
        (Some(_), Some(table)) => new.out + 1 + relative_size(probe.row_size, table),
        _ => new.out + 16,
    };
    new.run = log_est::add(log_rows, per_row);
    if !new.any(flag::INDEX_ONLY | flag::ROWID | flag::EXPR_INDEX) {
        new.run = log_est::add(new.run, new.out + 16);
    }
    let unadjusted = new.out;
    new.run += in_multiplier + values;
    new.out += in_multiplier + values;
    let view = collector.view;
    adjust_output(c, w, view, &mut collector.new, rows);
    if source.from_exists {
        collector.new.out = 0;
    }
    collector.insert(w);
    let new = &mut collector.new;
    new.out = if new.has(flag::COLUMN_RANGE) { saved.out } else { unadjusted };
    if !new.has(flag::TOP_LIMIT)
        && new.equal < probe.columns
        && (new.equal < probe.key_columns || !probe.is_primary_key())
        && !collector.exhausted
    {
        add_searches(c, w, collector, source, probe, in_multiplier + values)?;
    }
    collector.new.out = saved.out;
    Ok(())
}

/// How many values an IN yields, and whether walking the index is better than seeking each. `None`: the term is of no use here.
#[allow(clippy::too_many_arguments)]
fn in_values(
    c: &Compiler<'_>,
    w: &WhereLoop,
    new: &super::where_loop::Candidate,
    probe: &Probe,
    equal: usize,
    id: TermId,
    in_multiplier: LogEst,
    log_rows: LogEst,
) -> Option<(LogEst, bool)> {
    let term = w.term(id);
    let ExprKind::In { source, .. } = &c.bound[term.expr].kind else { return None };
    let mut values: LogEst = match source {
        // A subquery is thought to yield 25 values.
        InSource::Select(_) => 46,
        InSource::List(list) => log_est::from_integer(list.len() as u64),
    };
    if matches!(source, InSource::Select(_)) {
        for used in new.terms[..new.terms.len() - 1].iter().flatten() {
            let used = w.term(*used);
            if used.expr == term.expr {
                values = 0;
                if used.field == term.field {
                    return None;
                }
            }
        }
    }
    if probe.has_statistics && log_rows >= 10 {
        let margin = probe.estimate(equal) + log_est::logarithm(values) + 10 - (values + log_rows);
        if margin < 0 {
            if in_multiplier < 2 && c.optimizes(optimizations::SEEK_SCAN) {
                return Some((values, true));
            }
            return None;
        }
    }
    Some((values, false))
}

/// Rows that remain of `rows` when a range bounds them.
fn range_rows(w: &WhereLoop, rows: LogEst, bottom: Option<TermId>, top: Option<TermId>) -> LogEst {
    let adjust = |term: Option<TermId>, rows: LogEst| match term.map(|id| w.term(id)) {
        Some(term) if term.truth <= 0 => rows + term.truth,
        // A bound is thought to keep a quarter.
        Some(term) if !term.is(term_flag::NOT_NULL) => rows - 20,
        _ => rows,
    };
    let mut new = adjust(top, adjust(bottom, rows));
    let unknown = |term: Option<TermId>| term.is_some_and(|id| w.term(id).truth > 0);
    if unknown(bottom) && unknown(top) {
        new -= 20;
    }
    let rows = rows - LogEst::from(bottom.is_some()) - LogEst::from(top.is_some());
    new.max(10).min(rows)
}

/// How many fields of a row-value comparison the columns of an index can answer.
fn vector_width(
    c: &Compiler<'_>,
    w: &WhereLoop,
    source: &Source,
    probe: &Probe,
    equal: usize,
    id: TermId,
) -> usize {
    let expr = w.term(id).expr;
    let Some((left, right)) = c.bound.operands(expr) else { return 1 };
    let width = c.bound.vector_size(left).min(probe.columns - equal);
    let (Some(index), Some(table)) = (&probe.index, source.table()) else { return 1 };
    let descending = |at: usize| index.descending.get(at).copied().unwrap_or(false);
    for at in 1..width {
        let (mut one, mut other) = (c.bound.vector_field(left, at), c.bound.vector_field(right, at));
        let Some((cursor, column)) = c.bound.column(one) else { return at };
        if cursor != source.cursor
            || column != probe.column(at + equal)
            || descending(at + equal) != descending(equal)
            || c.bound.compare_affinity(other, c.bound.affinity(one)) != table.column_affinity(column)
        {
            return at;
        }
        if c.bound[expr].flags.has(crate::bound::ExprFlags::COMMUTED) {
            std::mem::swap(&mut one, &mut other);
        }
        let Some(name) = c.bound.binary_collation(one, Some(other)) else { return at };
        if !name.eq_ignore_ascii_case(index_collation(index, at + equal)) {
            return at;
        }
    }
    width.max(1)
}

/// Adds candidates that try every value of the next column: worth it where that column has few.
fn add_skip_scan(
    c: &mut Compiler<'_>,
    w: &mut WhereLoop,
    collector: &mut Collector,
    source: &Source,
    probe: &Probe,
    in_multiplier: LogEst,
) -> CompileResult<()> {
    /// Estimate of 18: so many rows per value make skipping worth it.
    const ROWS_PER_VALUE_MIN: LogEst = 42;
    let new = &mut collector.new;
    let Some(index) = &probe.index else { return Ok(()) };
    if new.equal != new.skip
        || new.equal + 1 >= probe.key_columns
        || new.equal != new.terms.len()
        || index.no_skip_scan
        || !probe.has_statistics
        || !c.optimizes(optimizations::SKIP_SCAN)
        || probe.estimate(new.equal + 1) < ROWS_PER_VALUE_MIN
        || source.from_exists
        || collector.exhausted
    {
        return Ok(());
    }
    let (equal, skip, flags, out) = (new.equal, new.skip, new.flags, new.out);
    new.equal += 1;
    new.skip += 1;
    new.terms.push(None);
    new.flags |= flag::SKIP_SCAN;
    let rounds = probe.estimate(equal) - probe.estimate(equal + 1);
    new.out -= rounds;
    // Each round costs a seek: half as much again.
    add_searches(c, w, collector, source, probe, rounds + 5 + in_multiplier)?;
    let new = &mut collector.new;
    new.out = out;
    new.equal = equal;
    new.skip = skip;
    new.flags = flags;
    new.terms.truncate(equal);
    Ok(())
}
