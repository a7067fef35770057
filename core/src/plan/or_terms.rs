//! OR terms: whether indexes can answer all branches, and whether it is an IN in disguise.

use super::analyze::{analyze_clause, analyze_term, transfer_join};
use super::clause::{ClauseId, operator, term_flag};
use super::where_loop::{Mask, WhereLoop};
use crate::bound::{AFFINITY_NONE, BinaryOp, ExprFlags, ExprId, ExprKind, InSource, Similarity};
use crate::codegen::column;
use crate::compile::{CompileResult, Compiler};

/// Analyses the OR that is term `at`.
pub fn analyze_or(c: &mut Compiler<'_>, w: &mut WhereLoop, clause: ClauseId, at: usize) -> CompileResult<()> {
    let expr = w.clauses[clause.0].terms[at].expr;
    let inner = w.add_clause(BinaryOp::Or);
    w.split(c, inner, expr);
    analyze_clause(c, w, inner)?;
    let (indexable, mut to_in) = scan_branches(c, w, clause, inner)?;
    let term = &mut w.clauses[clause.0].terms[at];
    term.flags |= term_flag::OR_INFO;
    term.inner = Some(inner);
    term.indexable = indexable;
    term.operator = operator::OR;
    term.left_cursor = None;
    if indexable != 0 {
        w.clauses[clause.0].has_or = true;
        if w.clauses[inner.0].terms.len() == 2 {
            combine_pairs(c, w, clause, inner)?;
        }
    }
    if to_in != 0 {
        convert_to_in(c, w, clause, at, inner, &mut to_in)?;
    }
    Ok(())
}

/// Sources for which every branch could use an index, and those for which every branch is `column = value`.
fn scan_branches(
    c: &mut Compiler<'_>,
    w: &mut WhereLoop,
    clause: ClauseId,
    inner: ClauseId,
) -> CompileResult<(Mask, Mask)> {
    let (mut indexable, mut to_in) = (Mask::MAX, Mask::MAX);
    for at in 0..w.clauses[inner.0].terms.len() {
        if indexable == 0 {
            break;
        }
        let term = &w.clauses[inner.0].terms[at];
        if !term.op(operator::SINGLE) {
            to_in = 0;
            indexable &= analyze_and(c, w, clause, inner, at)?;
        } else if !term.is(term_flag::COPIED) {
            // A copied term has its commuted twin further on.
            let mut mask = term.left_cursor.map_or(0, |cursor| w.mask_of(cursor));
            if term.is(term_flag::VIRTUAL)
                && let Some(parent) = term.parent
            {
                mask |= w.clauses[inner.0].terms[parent].left_cursor.map_or(0, |cursor| w.mask_of(cursor));
            }
            indexable &= mask;
            to_in = if term.op(operator::EQ) { to_in & mask } else { 0 };
        }
    }
    Ok((indexable, to_in))
}

/// A branch that is an AND (or no operator at all): sources for which one of its terms could use an index.
fn analyze_and(
    c: &mut Compiler<'_>,
    w: &mut WhereLoop,
    clause: ClauseId,
    inner: ClauseId,
    at: usize,
) -> CompileResult<Mask> {
    let expr = w.clauses[inner.0].terms[at].expr;
    let and = w.add_clause(BinaryOp::And);
    let term = &mut w.clauses[inner.0].terms[at];
    term.flags |= term_flag::AND_INFO;
    term.inner = Some(and);
    term.operator = operator::AND;
    term.left_cursor = None;
    w.split(c, and, expr);
    analyze_clause(c, w, and)?;
    w.clauses[and.0].outer = Some(clause);
    let mut mask = 0;
    for term in &w.clauses[and.0].terms {
        if term.operator == operator::AUX || super::analyze::operator_mask(c, term.expr) != 0 {
            mask |= term.left_cursor.map_or(0, |cursor| w.mask_of(cursor));
        }
    }
    Ok(mask)
}

/// Expressions and operators of the subterms of a branch.
fn subterms(w: &WhereLoop, inner: ClauseId, at: usize) -> Vec<(ExprId, u16, u16)> {
    let term = &w.clauses[inner.0].terms[at];
    match term.inner {
        Some(and) if term.operator == operator::AND => {
            w.clauses[and.0].terms.iter().map(|term| (term.expr, term.operator, term.flags)).collect()
        }
        _ => vec![(term.expr, term.operator, term.flags)],
    }
}

/// `x < 5 OR x = 5` is `x <= 5`, also where the two stand in different branches among other terms.
fn combine_pairs(
    c: &mut Compiler<'_>,
    w: &mut WhereLoop,
    clause: ClauseId,
    inner: ClauseId,
) -> CompileResult<()> {
    for one in subterms(w, inner, 0) {
        for two in subterms(w, inner, 1) {
            combine(c, w, clause, one, two)?;
        }
    }
    Ok(())
}

fn combine(
    c: &mut Compiler<'_>,
    w: &mut WhereLoop,
    clause: ClauseId,
    one: (ExprId, u16, u16),
    two: (ExprId, u16, u16),
) -> CompileResult<()> {
    const COMPARED: u16 = operator::EQ | operator::RANGE;
    let mut bits = one.1 | two.1;
    let fits = |allowed: u16| bits & allowed == bits;
    if (one.2 | two.2) & term_flag::NOT_NULL != 0
        || one.1 & COMPARED == 0
        || two.1 & COMPARED == 0
        || !(fits(operator::EQ | operator::LT | operator::LE)
            || fits(operator::EQ | operator::GT | operator::GE))
    {
        return Ok(());
    }
    let (Some(a), Some(b)) = (c.bound.operands(one.0), c.bound.operands(two.0)) else { return Ok(()) };
    if c.bound.compare(a.0, b.0, None) != Similarity::Same
        || c.bound.compare(a.1, b.1, None) != Similarity::Same
        || c.bound[one.0].flags.has(ExprFlags::COMMUTED) != c.bound[two.0].flags.has(ExprFlags::COMMUTED)
    {
        return Ok(());
    }
    if !bits.is_power_of_two() {
        bits = if bits & (operator::LT | operator::LE) != 0 { operator::LE } else { operator::GE };
    }
    let op = match bits {
        operator::EQ => BinaryOp::Eq,
        operator::GT => BinaryOp::Gt,
        operator::LE => BinaryOp::Le,
        operator::LT => BinaryOp::Lt,
        _ => BinaryOp::Ge,
    };
    let derived = c.copy_expr(one.0);
    if let ExprKind::Binary { op: old, .. } = &mut c.bound[derived].kind {
        *old = op;
    }
    let new = w.add_term(c, clause, derived, term_flag::VIRTUAL);
    analyze_term(c, w, clause, new)
}

/// `x = 1 OR x = 2` is `x IN (1, 2)`.
fn convert_to_in(
    c: &mut Compiler<'_>,
    w: &mut WhereLoop,
    clause: ClauseId,
    at: usize,
    inner: ClauseId,
    candidates: &mut Mask,
) -> CompileResult<()> {
    let mut target: Option<(kernite_vdbe::op::Cursor, i16)> = None;
    let mut ok = false;
    // The second round is for `a = b` of two columns, where the first found the wrong one.
    for _round in 0..2 {
        if ok {
            break;
        }
        let count = w.clauses[inner.0].terms.len();
        let mut first = None;
        for place in 0..count {
            let term = &mut w.clauses[inner.0].terms[place];
            term.flags &= !term_flag::MARKED;
            let Some(cursor) = term.left_cursor else { continue };
            let column = term.left_column;
            if target.is_some_and(|(known, _)| known == cursor) {
                continue;
            }
            if *candidates & w.mask_of(cursor) == 0 {
                continue;
            }
            target = Some((cursor, column));
            first = Some(place);
            break;
        }
        let Some(first) = first else { break };
        ok = mark_equalities(c, w, inner, first, target);
    }
    if !ok {
        return Ok(());
    }
    let expr = w.clauses[clause.0].terms[at].expr;
    let mut list = Vec::new();
    let mut left: Option<(ExprId, Option<Vec<u8>>)> = None;
    for place in 0..w.clauses[inner.0].terms.len() {
        let term = &w.clauses[inner.0].terms[place];
        if !term.is(term_flag::MARKED) {
            continue;
        }
        let this = term.expr;
        let Some((this_left, this_right)) = c.bound.operands(this) else { continue };
        list.push(c.copy_expr(this_right));
        let collation = c.bound.comparison_collation(this).map(<[u8]>::to_vec);
        match &left {
            None => left = Some((this_left, collation)),
            Some((_, known)) if same_name(known, &collation) => {}
            Some(_) => return Ok(()),
        }
    }
    let Some((left, collation)) = left else { return Ok(()) };
    let mut operand = c.copy_expr(left);
    if let Some(name) = &collation
        && !c.bound.collation(operand).is_some_and(|own| own.eq_ignore_ascii_case(name))
    {
        operand = c.bound.collate(operand, name);
    }
    let derived = c.bound.make(ExprKind::In { operand, source: InSource::List(list), negated: false });
    transfer_join(c, derived, expr);
    let new = w.add_term(c, clause, derived, term_flag::VIRTUAL);
    analyze_term(c, w, clause, new)?;
    w.mark_child(clause, new, at);
    Ok(())
}

fn same_name(left: &Option<Vec<u8>>, right: &Option<Vec<u8>>) -> bool {
    match (left, right) {
        (Some(left), Some(right)) => left.eq_ignore_ascii_case(right),
        (None, None) => true,
        _ => false,
    }
}

/// Marks the branches that are equalities of the target column. False when one is of another column, or compares otherwise.
fn mark_equalities(
    c: &Compiler<'_>,
    w: &mut WhereLoop,
    inner: ClauseId,
    first: usize,
    target: Option<(kernite_vdbe::op::Cursor, i16)>,
) -> bool {
    let Some((cursor, column)) = target else { return false };
    let Some((first_left, _)) = c.bound.operands(w.clauses[inner.0].terms[first].expr) else { return false };
    for place in first..w.clauses[inner.0].terms.len() {
        let term = &mut w.clauses[inner.0].terms[place];
        let Some((left, right)) = c.bound.operands(term.expr) else { return false };
        if term.left_cursor != Some(cursor) {
            term.flags &= !term_flag::MARKED;
            continue;
        }
        if term.left_column != column
            || (column == column::EXPR && c.bound.compare(left, first_left, None) != Similarity::Same)
        {
            return false;
        }
        let right = c.bound.affinity(right);
        if right != AFFINITY_NONE && right != c.bound.affinity(left) {
            return false;
        }
        term.flags |= term_flag::MARKED;
    }
    true
}
