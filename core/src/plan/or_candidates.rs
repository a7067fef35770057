//! Candidates that answer an OR branch by branch, each by its own index.

use super::candidates::{Collector, OrCosts};
use super::clause::{TermId, operator};
use super::log_est;
use super::scan::View;
use super::where_loop::{Candidate, Mask, WhereLoop, flag};
use crate::bound::BinaryOp;
use crate::compile::{CompileResult, Compiler};

/// Adds a candidate for every OR of the clause whose branches all have an index.
pub fn add(
    c: &mut Compiler<'_>,
    w: &mut WhereLoop,
    collector: &mut Collector,
    prereq: Mask,
    unusable: Mask,
) -> CompileResult<()> {
    let at = collector.new.source;
    let source = w.sources[at].clone();
    if source.join.right {
        return Ok(());
    }
    let self_mask = collector.new.self_mask;
    let view = collector.view;
    for at in view.terms(w) {
        let id = TermId { clause: view.clause, at };
        let term = w.term(id);
        if !term.op(operator::OR) || term.indexable & self_mask == 0 {
            continue;
        }
        let Some(inner) = term.inner else { continue };
        let mut sum: Option<OrCosts> = None;
        for branch in 0..w.clauses[inner.0].terms.len() {
            let term = &w.clauses[inner.0].terms[branch];
            let branch_view = if term.op(operator::AND) {
                match term.inner {
                    Some(and) => View::of(w, and),
                    None => continue,
                }
            } else if term.left_cursor == Some(source.cursor) {
                View { clause: inner, only: Some(branch), outer: Some(view.clause) }
            } else {
                continue;
            };
            let costs = branch_costs(c, w, collector, branch_view, prereq, unusable)?;
            if costs.0.is_empty() {
                sum = None;
                break;
            }
            sum = Some(match sum {
                None => costs,
                Some(before) => {
                    let mut both = OrCosts::default();
                    for one in &before.0 {
                        for other in &costs.0 {
                            both.insert(
                                one.prereq | other.prereq,
                                log_est::add(one.run, other.run),
                                log_est::add(one.out, other.out),
                            );
                        }
                    }
                    both
                }
            });
        }
        collector.new = Candidate {
            source: collector.new.source,
            self_mask,
            terms: vec![Some(id)],
            flags: flag::MULTI_OR,
            ..Candidate::default()
        };
        for cost in sum.unwrap_or_default().0 {
            collector.new.run = cost.run + 1;
            collector.new.out = cost.out;
            collector.new.prereq = cost.prereq;
            if !collector.insert(w) {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// The costs of one branch.
fn branch_costs(
    c: &mut Compiler<'_>,
    w: &mut WhereLoop,
    collector: &mut Collector,
    view: View,
    prereq: Mask,
    unusable: Mask,
) -> CompileResult<OrCosts> {
    debug_assert!(w.clauses[view.clause.0].op == BinaryOp::And || view.only.is_some());
    let (outer_view, outer_limit) = (collector.view, collector.limit());
    let outer_costs = collector.or_costs.replace(OrCosts::default());
    collector.view = view;
    if w.sources[collector.new.source].is_virtual() {
        super::virtual_table::add(c, w, collector, prereq, unusable)?;
    } else {
        super::btree_candidates::add(c, w, collector, prereq)?;
    }
    if !collector.exhausted {
        add(c, w, collector, prereq, unusable)?;
    }
    let costs = std::mem::replace(&mut collector.or_costs, outer_costs).unwrap_or_default();
    collector.view = outer_view;
    collector.set_limit(outer_limit);
    Ok(costs)
}
