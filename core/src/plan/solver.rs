//! The path solver: in which order the sources are read, each by which candidate.
//!
//! One round per source: every path kept is continued by every candidate that may follow; of the paths over the same set of sources the
//! cheapest stays (per state of the order), and of all of them the N best. N is 1, 5, 12 or 18, as in SQLite, and so are the rules for ties:
//! without statistics they decide.

use super::log_est::{self, LogEst};
use super::optimizations;
use super::order::satisfies;
use super::where_loop::{Candidate, Distinct, Mask, WhereLoop, control, flag};
use crate::compile::{CompileResult, Compiler};

use kernite_vdbe::Error;

/// A path under construction.
#[derive(Clone, Debug, Default)]
struct Path {
    /// Sources read.
    mask: Mask,
    /// Loops walked backwards.
    reverse: Mask,
    rows: LogEst,
    /// Cost with and without sorting.
    cost: LogEst,
    unsorted: LogEst,
    /// Leading ORDER BY terms satisfied, -1 = undecided.
    ordered: i8,
    /// Candidates, outermost first.
    steps: Vec<usize>,
}

/// Chooses the plan. `rows` is the estimate of all rows found by a first round without ORDER BY, plus 1; 0 in that first round.
pub fn solve(c: &mut Compiler<'_>, w: &mut WhereLoop, rows: LogEst) -> CompileResult<()> {
    let count = w.levels_wanted();
    let choices = match count {
        0 | 1 => 1,
        2 => 5,
        _ => choices_max(c, w),
    };
    let order = if rows == 0 { None } else { w.order_by.clone() };
    let terms = order.as_ref().map_or(0, |order| order.len());
    let mut sort_costs: Vec<LogEst> = vec![0; terms];
    let start = Path {
        // The loops around run this one as often; beyond 28 times that makes no difference.
        rows: c.codegen.query_loop.min(48),
        ordered: match (terms, count) {
            (0, _) => 0,
            (_, 0) => terms as i8,
            _ => -1,
        },
        ..Path::default()
    };
    let mut from = vec![start];
    for round in 0..count {
        let is_last = round + 1 == count;
        let mut to: Vec<Path> = Vec::new();
        let mut worst = Worst::default();
        for path in &from {
            for number in 0..w.candidates.len() {
                let candidate = &w.candidates[number];
                if candidate.prereq & !path.mask != 0
                    || candidate.self_mask & path.mask != 0
                    // Two rounds or fewer do not pay for an index of their own.
                    || (candidate.has(flag::AUTO_INDEX) && path.rows < 3)
                {
                    continue;
                }
                let mut unsorted = candidate.run + path.rows;
                if candidate.setup != 0 {
                    unsorted = log_est::add(candidate.setup, unsorted);
                }
                unsorted = log_est::add(unsorted, path.unsorted);
                let out = path.rows + candidate.out;
                let mask = path.mask | candidate.self_mask;
                let (mut ordered, mut reverse) = (path.ordered, path.reverse);
                if ordered < 0
                    && let Some(order) = &order
                {
                    let found = satisfies(c, w, order, true, &path.steps, number, w.control)?;
                    ordered = found.terms;
                    reverse = found.reverse;
                }
                let mut cost = unsorted;
                if ordered >= 0 && (ordered as usize) < terms {
                    let place = ordered as usize;
                    if sort_costs[place] == 0 {
                        sort_costs[place] = sorting_cost(c, w, rows, terms, place);
                    }
                    // Three more: a path without sorting wins a near tie.
                    cost = log_est::add(unsorted, sort_costs[place]) + 3;
                } else {
                    unsorted -= 2;
                }
                let rival = to.iter().position(|known| {
                    known.mask == mask && ((known.ordered < 0) == (ordered < 0) || is_last)
                });
                let place = match rival {
                    Some(place) => {
                        if !is_better(w, &to[place], cost, out, unsorted, number, round) {
                            continue;
                        }
                        place
                    }
                    None if to.len() < choices => {
                        to.push(Path::default());
                        to.len() - 1
                    }
                    None if cost > worst.cost || (cost == worst.cost && unsorted >= worst.unsorted) => {
                        continue;
                    }
                    None => worst.place,
                };
                let mut steps = path.steps.clone();
                steps.push(number);
                to[place] = Path { mask, reverse, rows: out, cost, unsorted, ordered, steps };
                if to.len() >= choices {
                    worst = Worst::of(&to);
                }
            }
        }
        from = to;
    }
    let Some(best) = from.into_iter().next() else {
        return Err(Error::message("no query solution"));
    };
    accept(c, w, best, rows)
}

/// The most expensive path kept.
#[derive(Default)]
struct Worst {
    place: usize,
    cost: LogEst,
    unsorted: LogEst,
}

impl Worst {
    fn of(paths: &[Path]) -> Worst {
        // The first path's rows stand for its unsorted cost: a quirk of SQLite that decides ties.
        let mut worst = Worst { place: 0, cost: paths[0].cost, unsorted: paths[0].rows };
        for (place, path) in paths.iter().enumerate().skip(1) {
            if path.cost > worst.cost || (path.cost == worst.cost && path.unsorted > worst.unsorted) {
                worst = Worst { place, cost: path.cost, unsorted: path.unsorted };
            }
        }
        worst
    }
}

/// Whether a path over the same sources is better than the one kept.
fn is_better(
    w: &WhereLoop,
    known: &Path,
    cost: LogEst,
    rows: LogEst,
    unsorted: LogEst,
    number: usize,
    round: usize,
) -> bool {
    match (known.cost.cmp(&cost), known.rows.cmp(&rows), known.unsorted.cmp(&unsorted)) {
        (std::cmp::Ordering::Less, _, _) => false,
        (std::cmp::Ordering::Greater, _, _) => true,
        (_, std::cmp::Ordering::Less, _) => false,
        (_, std::cmp::Ordering::Greater, _) => true,
        (_, _, std::cmp::Ordering::Less) => false,
        (_, _, std::cmp::Ordering::Greater) => true,
        _ => has_smaller_index(&w.candidates[number], &w.candidates[known.steps[round]]),
    }
}

fn has_smaller_index(new: &Candidate, known: &Candidate) -> bool {
    match (&new.index, &known.index) {
        (Some(new_index), Some(known_index)) if new.has(flag::INDEXED) && known.has(flag::INDEXED) => {
            new_index.row_size_estimate < known_index.row_size_estimate
        }
        _ => false,
    }
}

/// The cost of sorting `rows` rows of which `sorted` of `terms` terms come in order.
fn sorting_cost(c: &Compiler<'_>, w: &WhereLoop, mut rows: LogEst, terms: usize, sorted: usize) -> LogEst {
    let columns = w.select.map_or(0, |select| c.bound[select].columns.len());
    let mut cost = rows + log_est::from_integer((columns as u64 + 59) / 30);
    if sorted > 0 {
        cost += log_est::from_integer(((terms - sorted) * 100 / terms) as u64) - 66;
    }
    if w.wants(control::USE_LIMIT) {
        cost += 10;
        if sorted != 0 {
            cost += 6;
        }
        rows = rows.min(w.limit);
    } else if w.wants(control::WANT_DISTINCT) && rows > 10 {
        rows -= 10;
    }
    cost + log_est::logarithm(rows)
}

/// How many paths are kept for a join of three sources or more. A star query (a fact table and several dimension tables that depend on it)
/// keeps more, and its dimensions' scans are made dearer, so that the fact table is not read last.
fn choices_max(c: &Compiler<'_>, w: &mut WhereLoop) -> usize {
    let count = w.levels_wanted();
    if count >= 4 && !w.star_done && c.optimizes(optimizations::STAR_QUERY) {
        w.star_done = true;
        let is_barrier = |w: &WhereLoop, at: usize| w.sources[at].join.outer || w.sources[at].join.cross;
        let mut start = 0;
        let mut self_joins: Mask = 0;
        for fact in 0..count {
            let bit: Mask = 1 << fact;
            if is_barrier(w, fact) {
                if fact + 3 > count {
                    break;
                }
                while start < w.candidates.len() && w.candidates[start].source <= fact {
                    start += 1;
                }
            }
            let (mut dependents, mut seen): (usize, Mask) = (0, 0);
            for candidate in &w.candidates[start..] {
                if is_barrier(w, candidate.source) {
                    break;
                }
                if candidate.prereq & bit != 0
                    && candidate.self_mask & seen == 0
                    && candidate.self_mask & self_joins == 0
                {
                    if same_table(w, candidate.source, fact) {
                        self_joins |= bit;
                    } else {
                        dependents += 1;
                        seen |= candidate.self_mask;
                    }
                }
            }
            if dependents <= 2 {
                continue;
            }
            w.star_used = true;
            let mut dearest = LogEst::MIN;
            for candidate in &w.candidates[start..] {
                if candidate.source > fact {
                    break;
                }
                if candidate.source == fact {
                    dearest = dearest.max(candidate.run);
                }
            }
            dearest = dearest.saturating_add(1);
            for candidate in &mut w.candidates[start..] {
                if candidate.self_mask & seen != 0 && candidate.terms.is_empty() {
                    candidate.run = candidate.run.max(dearest);
                }
            }
        }
    }
    if w.star_used { 18 } else { 12 }
}

fn same_table(w: &WhereLoop, one: usize, other: usize) -> bool {
    match (w.sources[one].table(), w.sources[other].table()) {
        (Some(one), Some(other)) => std::sync::Arc::ptr_eq(one, other),
        _ => false,
    }
}

/// Takes the best path as the plan.
fn accept(c: &mut Compiler<'_>, w: &mut WhereLoop, best: Path, rows: LogEst) -> CompileResult<()> {
    for (at, &number) in best.steps.iter().enumerate() {
        w.levels[at].candidate = number;
        w.levels[at].source = w.candidates[number].source;
        w.levels[at].table_cursor = w.sources[w.candidates[number].source].cursor;
    }
    let split = best.steps.split_last();
    if w.wants(control::WANT_DISTINCT)
        && !w.wants(control::DISTINCT_BY)
        && w.distinct == Distinct::Unknown
        && rows != 0
        && let Some((&last, before)) = split
        && let Some(result) = w.result_set.clone()
    {
        let order = as_order(&result);
        let found = satisfies(c, w, &order, false, before, last, control::DISTINCT_BY)?;
        if found.terms as usize == order.len() {
            w.distinct = Distinct::Ordered;
        }
    }
    w.ordered_inner_loop = false;
    if let Some(order) = w.order_by.clone() {
        if w.wants(control::DISTINCT_BY) {
            w.order_satisfied = best.ordered.max(0) as usize;
            if best.ordered as usize == order.len() {
                w.distinct = Distinct::Ordered;
            }
        } else {
            w.order_satisfied = best.ordered.max(0) as usize;
            w.reverse = best.reverse;
            if best.ordered <= 0 {
                if let Some((&last, before)) = split {
                    let innermost = &w.candidates[last];
                    if !innermost.has(flag::ONE_ROW) && !innermost.has(flag::ROWID | flag::COLUMN_IN) {
                        let found = satisfies(c, w, &order, true, before, last, control::ORDER_BY_LIMIT)?;
                        if found.terms as usize == order.len() {
                            w.ordered_inner_loop = true;
                            w.reverse = found.reverse;
                        }
                    }
                }
            } else if split.is_some()
                && w.order_satisfied == 1
                && w.wants(control::ORDER_BY_MIN | control::ORDER_BY_MAX)
            {
                w.ordered_inner_loop = true;
            }
        }
        if w.wants(control::SORT_BY_GROUP)
            && w.order_satisfied == order.len()
            && let Some((&last, before)) = split
        {
            let found = satisfies(c, w, &order, true, before, last, 0)?;
            if found.terms as usize == order.len() {
                w.sorted = true;
                w.reverse = found.reverse;
            }
        }
    }
    w.rows_out = best.rows;
    Ok(())
}

/// Expressions as an ascending order.
pub fn as_order(exprs: &[crate::bound::ExprId]) -> std::rc::Rc<[crate::bound::OrderTerm]> {
    exprs
        .iter()
        .map(|&expr| crate::bound::OrderTerm { expr, descending: false, nulls: None, result_column: 0 })
        .collect()
}
