//! Candidates: how they are collected, and when one makes another superfluous.
//!
//! Per source a handful of candidates is kept: one displaces another if it needs no more sources and costs no more in every respect.

use std::sync::Arc;

use super::clause::{TermId, operator, term_flag};
use super::log_est::LogEst;
use super::scan::View;
use super::where_loop::{Candidate, Mask, SOURCES_MAX, WhereLoop, control, flag};
use crate::bound::{Bound, ExprFlags, ExprId, ExprKind, JoinFlags};
use crate::codegen::expr::{is_like_operator, like_uses_percent};
use crate::compile::{CompileResult, Compiler};
use crate::plan::where_loop::Source;

/// How many candidates are looked at, and how many more per source.
const LIMIT: u32 = 20_000;
const LIMIT_PER_SOURCE: u32 = 1_000;

/// How many sums of costs an OR keeps.
const OR_COSTS_MAX: usize = 3;

/// What one way to run an OR's branches costs.
#[derive(Clone, Copy, Debug)]
pub struct OrCost {
    pub prereq: Mask,
    pub run: LogEst,
    pub out: LogEst,
}

/// The best ways to run the branches of an OR seen so far.
#[derive(Clone, Debug, Default)]
pub struct OrCosts(pub Vec<OrCost>);

impl OrCosts {
    /// Adds a way, unless a better one is there.
    pub fn insert(&mut self, prereq: Mask, run: LogEst, out: LogEst) {
        let mut place = None;
        for (at, known) in self.0.iter().enumerate() {
            if run <= known.run && prereq & known.prereq == prereq {
                place = Some(at);
                break;
            }
            if known.run <= run && known.prereq & prereq == known.prereq {
                return;
            }
        }
        if place.is_none() {
            if self.0.len() < OR_COSTS_MAX {
                self.0.push(OrCost { prereq, run, out });
                return;
            }
            let mut cheapest = 0;
            for at in 1..self.0.len() {
                if self.0[cheapest].run > self.0[at].run {
                    cheapest = at;
                }
            }
            if self.0[cheapest].run <= run {
                return;
            }
            place = Some(cheapest);
        }
        if let Some(known) = place.and_then(|at| self.0.get_mut(at)) {
            known.prereq = prereq;
            known.run = run;
            known.out = known.out.min(out);
        }
    }
}

/// Collects candidates.
pub struct Collector {
    pub view: View,
    /// The candidate being built up.
    pub new: Candidate,
    /// Inside of an OR: only costs are collected.
    pub or_costs: Option<OrCosts>,
    limit: u32,
    /// The limit was hit.
    pub exhausted: bool,
}

impl Collector {
    /// A collector for a clause.
    pub fn new(view: View) -> Collector {
        Collector { view, new: Candidate::default(), or_costs: None, limit: LIMIT, exhausted: false }
    }

    /// The limit that is left.
    pub fn limit(&self) -> u32 {
        self.limit
    }

    /// Sets the limit.
    pub fn set_limit(&mut self, limit: u32) {
        self.limit = limit;
    }

    /// Adds the candidate built up, if no better one is there. False when the search has gone on too long.
    pub fn insert(&mut self, w: &mut WhereLoop) -> bool {
        if self.limit == 0 {
            if let Some(costs) = &mut self.or_costs {
                costs.0.clear();
            }
            self.exhausted = true;
            return false;
        }
        self.limit -= 1;
        adjust_cost(&w.candidates, &mut self.new);
        if let Some(costs) = &mut self.or_costs {
            if !self.new.terms.is_empty() {
                costs.insert(self.new.prereq, self.new.run, self.new.out);
            }
            return true;
        }
        let Some(place) = find_lesser(&w.candidates, 0, &self.new) else { return true };
        if place == w.candidates.len() {
            w.candidates.push(self.new.clone());
            return true;
        }
        // Those further on that the new one makes superfluous too go away.
        let mut from = place + 1;
        while let Some(next) = find_lesser(&w.candidates, from, &self.new) {
            if next >= w.candidates.len() {
                break;
            }
            w.candidates.remove(next);
            from = next;
        }
        w.candidates[place] = self.new.clone();
        true
    }
}

/// Whether `x` uses a proper subset of the terms of `y` and is cheaper: then one of the two estimates is wrong.
fn is_cheaper_subset(x: &Candidate, y: &Candidate) -> bool {
    if x.run > y.run && x.out > y.out {
        return false;
    }
    let same_index = match (&x.index, &y.index) {
        (Some(x), Some(y)) => Arc::ptr_eq(x, y),
        (None, None) => true,
        _ => false,
    };
    if x.equal < y.equal && same_index && x.skip == 0 && y.skip == 0 {
        return true;
    }
    let used = |candidate: &Candidate| candidate.terms.len() - candidate.skip.min(candidate.terms.len());
    if used(x) >= used(y) || y.skip > x.skip {
        return false;
    }
    let subset = x.terms.iter().flatten().all(|term| y.terms.contains(&Some(*term)));
    subset && !(x.has(flag::INDEX_ONLY) && !y.has(flag::INDEX_ONLY))
}

/// Makes costs consistent: more terms never cost more than fewer.
fn adjust_cost(known: &[Candidate], new: &mut Candidate) {
    if !new.has(flag::INDEXED) {
        return;
    }
    for known in known {
        if known.source != new.source || !known.has(flag::INDEXED) {
            continue;
        }
        if is_cheaper_subset(known, new) {
            new.run = new.run.min(known.run);
            new.out = new.out.min(known.out - 1);
        } else if is_cheaper_subset(new, known) {
            new.run = new.run.max(known.run);
            new.out = new.out.max(known.out + 1);
        }
    }
}

/// The first candidate from `from` on that the new one displaces; the list's length if there is none; `None` if one that is there already is
/// better than the new one.
fn find_lesser(known: &[Candidate], from: usize, new: &Candidate) -> Option<usize> {
    for (at, known) in known.iter().enumerate().skip(from) {
        if known.source != new.source || known.sort_index != new.sort_index {
            continue;
        }
        if known.has(flag::AUTO_INDEX)
            && new.skip == 0
            && new.has(flag::INDEXED)
            && new.has(flag::COLUMN_EQ)
            && known.prereq & new.prereq == new.prereq
        {
            return Some(at);
        }
        if known.prereq & new.prereq == known.prereq
            && known.setup <= new.setup
            && known.run <= new.run
            && known.out <= new.out
        {
            return None;
        }
        if known.prereq & new.prereq == new.prereq && known.run >= new.run && known.out >= new.out {
            return Some(at);
        }
    }
    Some(known.len())
}

/// Lowers the estimate of a candidate's rows by the terms that it does not use but that its rows are tested by.
pub fn adjust_output(c: &Compiler<'_>, w: &mut WhereLoop, view: View, new: &mut Candidate, rows: LogEst) {
    if w.sources.len() <= 1 && w.order_by.is_none() {
        return;
    }
    let not_allowed = !(new.prereq | new.self_mask);
    let mut reduce: LogEst = 0;
    for at in view.base_terms(w) {
        let id = TermId { clause: view.clause, at };
        let term = w.term(id);
        if term.prereq_all & not_allowed != 0
            || term.prereq_all & new.self_mask == 0
            || term.is(term_flag::VIRTUAL)
            || new
                .terms
                .iter()
                .flatten()
                .any(|&used| used == id || w.term(used).parent == Some(at) && used.clause == id.clause)
        {
            continue;
        }
        let join = w.sources[new.source].join;
        if new.self_mask == term.prereq_all
            && (term.op(operator::IN | operator::EQ | operator::RANGE)
                || !(join.left || join.left_of_right_join))
        {
            new.flags |= flag::SELF_CULL;
        }
        if term.truth <= 0 {
            new.out += term.truth;
            continue;
        }
        new.out -= 1;
        if term.op(operator::EQ | operator::IS) && !term.is(term_flag::HIGH_TRUTH) {
            let right = c.bound.operands(term.expr).map(|(_, right)| right);
            let tiny = right
                .and_then(|right| c.bound.small_integer(right))
                .is_some_and(|value| (-1..=1).contains(&value));
            let by = if tiny { 10 } else { 20 };
            if reduce < by {
                w.term_mut(id).flags |= term_flag::GUESSED;
                reduce = by;
            }
        } else if let Some(pattern) = is_like_operator(c, term.expr) {
            let length = pattern_length(&c.bound, pattern, like_uses_percent(c, term.expr));
            new.out -= (length * 2).min(i16::MAX as usize) as LogEst;
        }
    }
    if new.out > rows - reduce {
        new.out = rows - reduce;
    }
}

/// Letters of the longest literal in a pattern that are no wildcards.
fn pattern_length(bound: &Bound, pattern: ExprId, percent: bool) -> usize {
    let mut longest = 0;
    bound.visit(pattern, &mut |id| {
        if let ExprKind::Text(text) = &bound[id].kind {
            longest = longest.max(letters(text, percent));
        }
        match bound.subquery_of(id) {
            Some(_) => super::shape::Visit::Abort,
            None => super::shape::Visit::Continue,
        }
    });
    longest
}

fn letters(text: &[u8], percent: bool) -> usize {
    let (all, one, set) = if percent { (b'%', b'_', 0) } else { (b'*', b'?', b'[') };
    let mut count = 0;
    let mut at = 0;
    while let Some(&letter) = text.get(at).filter(|&&letter| letter != 0) {
        at += 1;
        if set != 0 && letter == set {
            if at < text.len() {
                at += 1;
            }
            while at < text.len() && text[at] != b']' {
                at += 1;
            }
        } else if letter != all && letter != one {
            count += 1;
        }
    }
    count
}

/// Whether a term may drive the reading of an outer join's table: it has to stand in that join's ON.
pub fn fits_outer_join(c: &Compiler<'_>, w: &WhereLoop, term: TermId, source: &Source) -> bool {
    let expr = w.term(term).expr;
    c.bound[expr].flags.any(ExprFlags::OUTER_ON | ExprFlags::INNER_ON)
        && c.bound[expr].join_cursor == Some(source.cursor)
}

/// Whether a source takes part in an outer join, on either side.
pub fn in_outer_join(join: JoinFlags) -> bool {
    join.left || join.left_of_right_join || join.right
}

/// Collects candidates for all sources.
pub fn collect_all(c: &mut Compiler<'_>, w: &mut WhereLoop) -> CompileResult<()> {
    let mut collector = Collector::new(View::of(w, super::clause::ClauseId::MAIN));
    let (mut prereq, mut prior): (Mask, Mask) = (0, 0);
    let (mut first_past_right_join, mut has_cross) = (false, false);
    let count = w.levels_wanted();
    for at in 0..count {
        let source = w.sources[at].clone();
        let join = source.join;
        collector.new = Candidate { source: at, ..Candidate::default() };
        collector.set_limit(collector.limit() + LIMIT_PER_SOURCE);
        collector.new.self_mask = w.mask_of(source.cursor);
        let mut unusable = 0;
        if first_past_right_join || join.outer || join.cross || join.left_of_right_join {
            // Sources around an outer or cross join keep their order.
            has_cross |= join.left_of_right_join || join.cross;
            prereq |= prior;
            first_past_right_join = join.right;
        } else if source.from_exists {
            let own = collector.new.self_mask;
            for term in &w.main().terms[..w.main().base] {
                if term.prereq_all & own != 0 {
                    prereq |= term.prereq_all & (own - 1);
                }
            }
        } else if !has_cross {
            prereq = 0;
        }
        if source.is_virtual() {
            for later in &w.sources[at + 1..count] {
                if later.join.outer || later.join.cross {
                    unusable |= w.mask_of(later.cursor);
                }
            }
            super::virtual_table::add(c, w, &mut collector, prereq, unusable)?;
        } else {
            super::btree_candidates::add(c, w, &mut collector, prereq)?;
        }
        if !collector.exhausted && w.clauses[collector.view.clause.0].has_or {
            super::or_candidates::add(c, w, &mut collector, prereq, unusable)?;
        }
        prior |= w.mask_of(source.cursor);
        collector.exhausted = false;
    }
    Ok(())
}

impl WhereLoop {
    /// How many sources become levels: in a branch of an OR only the first.
    pub fn levels_wanted(&self) -> usize {
        if self.wants(control::OR_SUBCLAUSE) { 1 } else { self.sources.len() }
    }
}

const _: () = assert!(SOURCES_MAX == Mask::BITS as usize);
