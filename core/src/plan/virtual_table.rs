//! Candidates for virtual tables: what `best_index` says about sets of constraints.
//!
//! The table is asked first with everything usable. If its plan needs other sources, or loops over the values of an IN, it is asked again: without
//! INs, for each set of sources that some constraint needs, and with no other source at all, so that every join order finds a plan.
//!
//! Spec: The Virtual Table Mechanism Of SQLite, "The xBestIndex Method".

use std::rc::Rc;
use std::sync::Arc;

use kernite_vdbe::op::Cursor;
use kernite_vdbe::value::affinity::Affinity;
use kernite_vdbe::vtab::{Constraint, ConstraintOp, IndexInfo, Plan, Usage};
use kernite_vdbe::{Error, Reg};

use super::candidates::{Collector, fits_outer_join, in_outer_join};
use super::clause::{ClauseId, TermId, operator, term_flag};
use super::constant::is_constant;
use super::log_est;
use super::where_loop::{Mask, Source, WhereLoop, control, flag};
use crate::bound::{ExprId, ExprKind, OrderTerm, SelectId};
use crate::catalog::Table;
use crate::codegen::expr::literal;
use crate::codegen::key_info::big_null;
use crate::compile::{CompileResult, Compiler, lossy};

/// Half of SQLite's largest number: the cost where a table says nothing.
const COST_UNKNOWN: f64 = 1e99 / 2.0;
/// Rows where a table says nothing.
const ROWS_UNKNOWN: i64 = 25;
/// Constraints that can be left to the table.
const OMITTED_MAX: usize = 16;

/// What a virtual table's `best_index` chose.
#[derive(Clone, Debug, Default)]
pub struct VirtualPlan {
    pub number: i32,
    pub text: Option<Box<[u8]>>,
    /// Rows come in the order asked for.
    pub is_ordered: bool,
    /// Bit n: the table tests argument n itself.
    pub omit: u16,
    /// The table skips OFFSET rows itself.
    pub omit_offset: bool,
    /// Bit n: argument n is handed over as a whole list.
    pub handle_in: u32,
    /// EXPLAIN QUERY PLAN shows the number in hexadecimal.
    pub hexadecimal: bool,
}

/// The question to a table.
struct Question {
    table: Arc<Table>,
    info: IndexInfo,
    /// The term of each constraint.
    terms: Vec<TermId>,
    /// Bit n: constraint n is tested in any case.
    no_omit: u16,
    prereq: Mask,
}

/// An answer, as far as it concerns further questions.
#[derive(Clone, Copy)]
struct Answer {
    /// Sources needed beside those that come first in any case.
    needs: Mask,
    /// It loops over the values of an IN.
    uses_in: bool,
    /// It used LIMIT where it must not; the question is asked again without.
    without_limit: bool,
}

/// Adds the candidates of a virtual table.
pub fn add(
    c: &mut Compiler<'_>,
    w: &mut WhereLoop,
    collector: &mut Collector,
    prereq: Mask,
    unusable: Mask,
) -> CompileResult<()> {
    let source = w.sources[collector.new.source].clone();
    let Some(table) = source.table().cloned() else { return Ok(()) };
    collector.new.setup = 0;
    collector.new.flags = flag::VIRTUAL_TABLE;
    collector.new.terms.clear();
    collector.new.index = None;
    let mut question = Question::new(c, w, collector, &source, table, unusable, prereq);
    let Some(mut first) = question.ask(w, collector, Mask::MAX, 0, true)? else { return Ok(()) };
    if first.without_limit {
        let Some(again) = question.ask(w, collector, Mask::MAX, 0, false)? else { return Ok(()) };
        first = again;
    }
    if first.needs == 0 && !first.uses_in {
        return Ok(());
    }
    let (mut seen_none, mut seen_none_without_in) = (false, false);
    let mut needs_without_in = 0;
    if first.uses_in {
        let Some(answer) = question.ask(w, collector, Mask::MAX, operator::IN, false)? else { return Ok(()) };
        needs_without_in = answer.needs;
        (seen_none, seen_none_without_in) = (answer.needs == 0, answer.needs == 0);
    }
    let mut last = 0;
    loop {
        let needed = question.terms.iter().map(|&id| w.term(id).prereq_right & !prereq);
        let Some(next) = needed.filter(|&needs| needs > last).min() else { break };
        last = next;
        if next == first.needs || next == needs_without_in {
            continue;
        }
        let Some(answer) = question.ask(w, collector, next | prereq, 0, false)? else { return Ok(()) };
        if answer.needs == 0 {
            seen_none = true;
            seen_none_without_in |= !answer.uses_in;
        }
    }
    if !seen_none {
        let Some(answer) = question.ask(w, collector, prereq, 0, false)? else { return Ok(()) };
        seen_none_without_in |= !answer.uses_in;
    }
    if !seen_none_without_in {
        question.ask(w, collector, prereq, operator::IN, false)?;
    }
    Ok(())
}

impl Question {
    fn new(
        c: &Compiler<'_>,
        w: &WhereLoop,
        collector: &Collector,
        source: &Source,
        table: Arc<Table>,
        unusable: Mask,
        prereq: Mask,
    ) -> Question {
        let mut question = Question {
            table,
            info: IndexInfo { columns_used: source.columns_used, ..IndexInfo::default() },
            terms: Vec::new(),
            no_omit: 0,
            prereq,
        };
        let view = collector.view;
        let mut places: Vec<TermId> = view.terms(w).map(|at| TermId { clause: view.clause, at }).collect();
        let mut outer: Option<ClauseId> = view.outer;
        while let Some(clause) = outer {
            places.extend((0..w.clauses[clause.0].terms.len()).map(|at| TermId { clause, at }));
            outer = w.clauses[clause.0].outer;
        }
        for id in places {
            question.offer(c, w, source, id, unusable);
        }
        question.offer_order(c, w, source);
        question
    }

    /// Offers a term as a constraint, if it is one on this table.
    fn offer(&mut self, c: &Compiler<'_>, w: &WhereLoop, source: &Source, id: TermId, unusable: Mask) {
        let term = w.term(id);
        if term.left_cursor != Some(source.cursor)
            || term.prereq_right & unusable != 0
            || term.operator & !operator::EQUIVALENCE == 0
            || term.is(term_flag::NOT_NULL)
            || in_outer_join(source.join) && !fits_outer_join(c, w, id, source)
        {
            return;
        }
        let right = self.right_of(c, w, id);
        let at = self.terms.len();
        let mut op = term.operator & operator::ALL & !operator::EQUIVALENCE;
        let is_in = op == operator::IN;
        if is_in {
            op = operator::EQ;
        }
        let op = match op {
            operator::AUX => term.match_op,
            operator::IS_NULL => ConstraintOp::IS_NULL.0,
            operator::IS => ConstraintOp::IS.0,
            _ => {
                let is_row = right.is_some_and(|right| c.bound.is_vector(right));
                if is_row && op & operator::RANGE != 0 {
                    // Of a row value the table sees the first field only: equality has to stay in.
                    self.no_omit |= 1u16.checked_shl(at as u32).unwrap_or(0);
                }
                match op {
                    operator::LT if is_row => ConstraintOp::LE.0,
                    operator::GT if is_row => ConstraintOp::GE.0,
                    // The numbers are the same.
                    op => op as u8,
                }
            }
        };
        let collation = match c.bound.operands(term.expr) {
            Some((left, right)) => c.bound.binary_collation(left, Some(right)),
            None => None,
        };
        self.info.constraints.push(Constraint {
            column: i32::from(term.left_column),
            op: ConstraintOp(op),
            usable: false,
            collation: lossy(collation.unwrap_or(b"BINARY")).into_owned(),
            value: right.and_then(|right| literal(c, right, Affinity::Blob)).map(Arc::new),
            is_in: is_in && !term.is(term_flag::SLICE),
        });
        self.terms.push(id);
    }

    /// The right side of a term.
    fn right_of(&self, c: &Compiler<'_>, w: &WhereLoop, id: TermId) -> Option<ExprId> {
        let term = w.term(id);
        term.auxiliary.or_else(|| c.bound.operands(term.expr).map(|(_, right)| right))
    }

    /// Offers the order wished, if it is one of this table's columns alone.
    fn offer_order(&mut self, c: &Compiler<'_>, w: &WhereLoop, source: &Source) {
        let Some(order) = w.order_by.clone() else { return };
        let mut columns = Vec::new();
        for term in order.iter() {
            if is_constant(c, term.expr) {
                continue;
            }
            let inner = c.bound.skip_collate(term.expr);
            let column = c.bound.column(inner).filter(|(cursor, _)| *cursor == source.cursor);
            let Some((_, column)) = column.filter(|_| !big_null(term)) else { return };
            if inner != term.expr && column >= 0 {
                let own = source.table().and_then(|table| table.columns.get(column as usize));
                let own = own.and_then(|column| column.collation.as_deref()).unwrap_or(b"BINARY");
                let wanted = c.bound.collation(term.expr).unwrap_or(b"BINARY");
                if !wanted.eq_ignore_ascii_case(own) {
                    return;
                }
            }
            columns.push((i32::from(column), term.descending));
        }
        self.info.order_by = columns;
        let ordered = w.wants(control::SORT_BY_GROUP);
        self.info.distinct = if w.wants(control::DISTINCT_BY) && !source.rowid_used {
            2 + u8::from(ordered)
        } else if w.wants(control::WANT_DISTINCT) && !source.rowid_used {
            3
        } else {
            u8::from(w.wants(control::GROUP_BY) && !ordered)
        };
    }

    /// Asks with the constraints whose right sides need only `usable` sources, those with `excluded` operators left out. `None`: enough was
    /// asked.
    fn ask(
        &mut self,
        w: &mut WhereLoop,
        collector: &mut Collector,
        usable: Mask,
        excluded: u16,
        limits: bool,
    ) -> CompileResult<Option<Answer>> {
        let mut answer = Answer { needs: 0, uses_in: false, without_limit: false };
        let new = &mut collector.new;
        new.prereq = self.prereq;
        for (constraint, &id) in self.info.constraints.iter_mut().zip(&self.terms) {
            let term = w.term(id);
            constraint.usable = term.prereq_right & usable == term.prereq_right
                && !term.op(excluded)
                && (limits || !is_limit(constraint.op));
        }
        let info = &mut self.info;
        info.usage = vec![Usage::default(); info.constraints.len()];
        (info.index_number, info.index_text, info.order_by_consumed) = (0, None, false);
        (info.estimated_cost, info.estimated_rows) = (COST_UNKNOWN, ROWS_UNKNOWN);
        (info.unique, info.hexadecimal) = (false, false);
        let Some(instance) = self.table.instance() else {
            return Err(Error::message(format!("no such table: {}", lossy(&self.table.name))));
        };
        match instance.table.best_index(info) {
            Ok(Plan::Usable) => {}
            Ok(Plan::Unusable) => return Ok(Some(answer)),
            Err(error) => return Err(error),
        }
        let mut terms: Vec<Option<TermId>> = Vec::new();
        let mut plan = VirtualPlan { number: info.index_number, ..VirtualPlan::default() };
        for (at, usage) in info.usage.iter().enumerate() {
            let Some(place) = (usage.argument as usize).checked_sub(1) else { continue };
            let id = self.terms.get(at).filter(|_| place < self.terms.len());
            let (Some(&id), true) = (id, info.constraints[at].usable) else {
                return Err(malfunction(&self.table));
            };
            if terms.len() <= place {
                terms.resize(place + 1, None);
            }
            if terms[place].replace(id).is_some() {
                return Err(malfunction(&self.table));
            }
            let term = w.term(id);
            new.prereq |= term.prereq_right;
            if usage.omit && at < OMITTED_MAX && self.no_omit >> at & 1 == 0 {
                plan.omit |= 1u16.checked_shl(place as u32).unwrap_or(0);
            }
            plan.omit_offset |= usage.omit && info.constraints[at].op == ConstraintOp::OFFSET;
            if usage.all_at_once && info.constraints[at].is_in && place < 32 {
                plan.handle_in |= 1 << place;
            } else if term.op(operator::IN) {
                // Rows of one value may come in order, rows of several do not.
                info.order_by_consumed = false;
                info.unique = false;
                answer.uses_in = true;
            }
            // LIMIT counts the rows of one scan that satisfies everything.
            let all_used = info.usage[..at].iter().all(|usage| usage.argument > 0);
            if is_limit(info.constraints[at].op) && (answer.uses_in || !all_used) {
                answer.without_limit = true;
                return Ok(Some(answer));
            }
        }
        if terms.iter().any(Option::is_none) {
            return Err(malfunction(&self.table));
        }
        plan.hexadecimal = info.hexadecimal;
        plan.text = info.index_text.take().map(Into::into);
        plan.is_ordered = info.order_by_consumed && !info.order_by.is_empty();
        new.terms = terms;
        new.virtual_plan = Some(Rc::new(plan));
        new.setup = 0;
        new.run = log_est::from_real(info.estimated_cost);
        new.out = log_est::from_integer(info.estimated_rows.max(0) as u64);
        new.flags &= !flag::ONE_ROW;
        if info.unique {
            new.flags |= flag::ONE_ROW;
        }
        answer.needs = new.prereq & !self.prereq;
        Ok(collector.insert(w).then_some(answer))
    }
}

fn is_limit(op: ConstraintOp) -> bool {
    op == ConstraintOp::LIMIT || op == ConstraintOp::OFFSET
}

/// Offers LIMIT and OFFSET of a SELECT as terms, where its rows are those of one virtual table, all of its conditions are offered to that table,
/// and so is its order.
pub fn add_limit(c: &mut Compiler<'_>, w: &mut WhereLoop, select: SelectId) {
    let core = &c.bound[select];
    let (Some(limit), [source]) = (core.limit, &w.sources[..]) else { return };
    let (offset, cursor) = (core.offset, source.cursor);
    let plain = core.group_by.is_empty() && !core.flags.distinct && !core.flags.aggregate;
    if !plain || !source.is_virtual() {
        return;
    }
    let terms = &w.main().terms;
    let is_offered = |term: &super::clause::Term| term.left_cursor == Some(cursor) && term.prereq_right == 0;
    for term in terms {
        let parent = term.parent.and_then(|parent| terms.get(parent));
        if !term.is(term_flag::CODED)
            && term.children == 0
            && !is_offered(term)
            && !parent.is_some_and(|parent| is_offered(parent) && parent.children == 1)
        {
            return;
        }
    }
    let is_own = |term: &OrderTerm| {
        matches!(&c.bound[term.expr].kind, ExprKind::Column { cursor: known, .. } if *known == cursor)
            && !big_null(term)
    };
    if !core.order_by.iter().all(is_own) {
        return;
    }
    let state = c.codegen.select(select);
    let (limit_reg, offset_reg) = (state.limit, state.offset);
    let is_compound = core.prior.is_some();
    if let Some(offset) = offset.filter(|_| !is_compound) {
        add_limit_term(c, w, cursor, offset, offset_reg, ConstraintOp::OFFSET);
    }
    if offset.is_none() || !is_compound {
        add_limit_term(c, w, cursor, limit, limit_reg, ConstraintOp::LIMIT);
    }
}

fn add_limit_term(
    c: &mut Compiler<'_>,
    w: &mut WhereLoop,
    cursor: Cursor,
    value: ExprId,
    reg: Reg,
    op: ConstraintOp,
) {
    let value = match c.bound.small_integer(value) {
        Some(0..) => c.copy_expr(value),
        _ => c.bound.make(ExprKind::Register { reg, of: None }),
    };
    let at = w.add_term(c, ClauseId::MAIN, value, term_flag::VIRTUAL);
    let term = w.term_mut(TermId { clause: ClauseId::MAIN, at });
    term.auxiliary = Some(value);
    term.left_cursor = Some(cursor);
    term.operator = operator::AUX;
    term.match_op = op.0;
}

#[cold]
fn malfunction(table: &Table) -> Error {
    Error::message(format!("{}.xBestIndex malfunction", lossy(&table.name)))
}
