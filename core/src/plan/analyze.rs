//! Analysis of terms: which column each constrains, what it needs, and the terms that follow from it.
//!
//! A term `column op value` gets the column on its left side; from `a = b` of two columns a second, commuted term is derived; from BETWEEN,
//! LIKE, IS NOT NULL, OR and row values the terms that an index can use. Derived terms are VIRTUAL: they need not be tested.
//!
//! Always true afterwards: a term with an operator bit has its column in `left_cursor` and `left_column`.

use std::rc::Rc;
use std::sync::Arc;

use kernite_vdbe::Error;
use kernite_vdbe::op::Cursor;
use kernite_vdbe::vtab::ConstraintOp;

use super::clause::{ClauseId, Term, operator, term_flag};
use super::constant::is_constant;
use super::optimizations;
use super::where_loop::{Mask, WhereLoop};
use crate::bound::{BinaryOp, ExprFlags, ExprId, ExprKind, InSource, Similarity, UnaryOp};
use crate::catalog::TableKind;
use crate::codegen::column;
use crate::codegen::expr::affinity::is_numeric;
use crate::codegen::expr::check_in;
use crate::compile::{CompileResult, Compiler};

/// Analyses all terms of a clause, the last one first.
pub fn analyze_clause(c: &mut Compiler<'_>, w: &mut WhereLoop, clause: ClauseId) -> CompileResult<()> {
    for at in (0..w.clauses[clause.0].terms.len()).rev() {
        analyze_term(c, w, clause, at)?;
    }
    Ok(())
}

/// The operator bit of an operator that an index may answer; 0 for others.
pub fn operator_mask(c: &Compiler<'_>, expr: ExprId) -> u16 {
    match c.bound[expr].kind {
        ExprKind::Binary { op, .. } => binary_mask(op),
        ExprKind::In { negated: false, .. } => operator::IN,
        ExprKind::Unary { op: UnaryOp::IsNull, .. } => operator::IS_NULL,
        _ => 0,
    }
}

fn binary_mask(op: BinaryOp) -> u16 {
    match op {
        BinaryOp::Eq => operator::EQ,
        BinaryOp::Gt => operator::GT,
        BinaryOp::Le => operator::LE,
        BinaryOp::Lt => operator::LT,
        BinaryOp::Ge => operator::GE,
        BinaryOp::Is => operator::IS,
        _ => 0,
    }
}

/// Left and right side of a term as an index sees it.
fn sides(c: &Compiler<'_>, expr: ExprId) -> (Option<ExprId>, Option<ExprId>) {
    match c.bound[expr].kind {
        ExprKind::Binary { left, right, .. } => (Some(left), Some(right)),
        ExprKind::In { operand, .. }
        | ExprKind::Unary { operand, .. }
        | ExprKind::Between { operand, .. } => (Some(operand), None),
        _ => (None, None),
    }
}

/// Gives a derived term the join that its origin belongs to.
pub fn transfer_join(c: &mut Compiler<'_>, derived: ExprId, base: ExprId) {
    let flags = c.bound[base].flags.0 & (ExprFlags::OUTER_ON | ExprFlags::INNER_ON);
    if flags != 0 {
        c.bound[derived].flags.set(flags);
        c.bound[derived].join_cursor = c.bound[base].join_cursor;
    }
}

/// Analyses one term.
pub fn analyze_term(
    c: &mut Compiler<'_>,
    w: &mut WhereLoop,
    clause: ClauseId,
    at: usize,
) -> CompileResult<()> {
    // An OR with a constant side is replaced by its other side, which is analysed in its place.
    loop {
        let expr = w.clauses[clause.0].terms[at].expr;
        if let ExprKind::Binary { op: BinaryOp::Or, .. } = c.bound[expr].kind
            && !c.bound[expr].flags.has(ExprFlags::COLLATED)
        {
            let simpler = c.bound.simplified_and_or(expr);
            if simpler != expr {
                w.clauses[clause.0].terms[at].expr = c.bound.skip_collate_and_likely(simpler);
                continue;
            }
        }
        break;
    }
    let expr = w.clauses[clause.0].terms[at].expr;
    let (prereq_left, extra_right) = note_needs(c, w, clause, at, expr)?;
    let is_and = w.clauses[clause.0].op == BinaryOp::And;
    if operator_mask(c, expr) != 0 {
        analyze_operator(c, w, clause, at, expr, prereq_left, extra_right)?;
    } else {
        match c.bound[expr].kind {
            ExprKind::Between { operand, low, high, negated: false } if is_and => {
                for (op, bound) in [(BinaryOp::Ge, low), (BinaryOp::Le, high)] {
                    let (operand, bound) = (c.copy_expr(operand), c.copy_expr(bound));
                    let derived = c.bound.binary(op, operand, bound);
                    transfer_join(c, derived, expr);
                    let new = w.add_term(c, clause, derived, term_flag::VIRTUAL);
                    analyze_term(c, w, clause, new)?;
                    w.mark_child(clause, new, at);
                }
            }
            ExprKind::Binary { op: BinaryOp::Or, .. } if !c.bound[expr].flags.has(ExprFlags::COLLATED) => {
                super::or_terms::analyze_or(c, w, clause, at)?;
            }
            ExprKind::Unary { op: UnaryOp::NotNull, operand } => derive_not_null(c, w, clause, at, operand),
            ExprKind::Function(_) if is_and => super::like::derive_like(c, w, clause, at, expr)?,
            _ => {}
        }
    }
    analyze_row_value(c, w, clause, at, is_and)?;
    w.clauses[clause.0].terms[at].prereq_right |= extra_right;
    Ok(())
}

/// Notes which sources a term needs. Returns those of its left side, and those that an outer join's term must wait for besides.
fn note_needs(
    c: &mut Compiler<'_>,
    w: &mut WhereLoop,
    clause: ClauseId,
    at: usize,
    expr: ExprId,
) -> CompileResult<(Mask, Mask)> {
    w.saw_correlated = false;
    let (left, right) = sides(c, expr);
    let prereq_left = left.map_or(0, |left| w.usage(c, left));
    let is_in = matches!(c.bound[expr].kind, ExprKind::In { .. });
    let prereq_right;
    let mut prereq_all;
    if is_in {
        check_in(c, expr)?;
        prereq_right = match &c.bound[expr].kind {
            ExprKind::In { source: InSource::List(list), .. } => {
                let list = list.clone();
                list.into_iter().fold(0, |mask, item| mask | w.usage(c, item))
            }
            _ => w.select_usage(c, expr),
        };
        w.saw_correlated |= c.bound.in_select(expr).is_some() && c.bound.is_correlated(expr);
        prereq_all = prereq_left | prereq_right;
    } else {
        prereq_right = right.map_or(0, |right| w.usage(c, right));
        prereq_all = w.usage(c, expr);
    }
    let mut extra_right = 0;
    let flags = c.bound[expr].flags;
    if flags.any(ExprFlags::OUTER_ON | ExprFlags::INNER_ON) {
        let join = c.bound[expr].join_cursor.map_or(0, |cursor| w.mask_of(cursor));
        if flags.has(ExprFlags::OUTER_ON) {
            prereq_all |= join;
            extra_right = join.wrapping_sub(1);
        } else if (prereq_all >> 1) >= join {
            c.bound[expr].flags.clear(ExprFlags::INNER_ON);
        }
    }
    let correlated = w.saw_correlated;
    let term = &mut w.clauses[clause.0].terms[at];
    if correlated {
        term.flags |= term_flag::CORRELATED;
    }
    term.prereq_right = prereq_right;
    term.prereq_all = prereq_all;
    term.left_cursor = None;
    term.parent = None;
    term.operator = 0;
    Ok((prereq_left, extra_right))
}

#[allow(clippy::too_many_arguments)]
fn analyze_operator(
    c: &mut Compiler<'_>,
    w: &mut WhereLoop,
    clause: ClauseId,
    at: usize,
    expr: ExprId,
    prereq_left: Mask,
    extra_right: Mask,
) -> CompileResult<()> {
    let (Some(left), right) = sides(c, expr) else { return Ok(()) };
    let term = &w.clauses[clause.0].terms[at];
    let (prereq_right, prereq_all, field) = (term.prereq_right, term.prereq_all, term.field);
    let allowed = if prereq_right & prereq_left == 0 { operator::ALL } else { operator::EQUIVALENCE };
    let is_is = matches!(c.bound[expr].kind, ExprKind::Binary { op: BinaryOp::Is, .. });
    let mut left = c.bound.skip_collate(left);
    if field > 0 {
        left = c.bound.vector_field(left, field - 1);
    }
    let mask = operator_mask(c, expr);
    if let Some((cursor, column)) = might_be_indexed(c, w, left, mask)? {
        let term = &mut w.clauses[clause.0].terms[at];
        term.left_cursor = Some(cursor);
        term.left_column = column;
        term.operator = mask & allowed;
    }
    if is_is {
        w.clauses[clause.0].terms[at].flags |= term_flag::IS;
    }
    let right = right.map(|right| c.bound.skip_collate(right));
    if let Some(right) = right
        && let Some((cursor, column)) = might_be_indexed(c, w, right, mask)?
        && !c.codegen.fixed_columns.contains_key(&right)
    {
        let mut equivalence = 0;
        let (new, commuted) = if w.clauses[clause.0].terms[at].left_cursor.is_some() {
            let copy = c.copy_expr(expr);
            let new = w.add_term(c, clause, copy, term_flag::VIRTUAL);
            w.mark_child(clause, new, at);
            if is_is {
                w.clauses[clause.0].terms[new].flags |= term_flag::IS;
            }
            w.clauses[clause.0].terms[at].flags |= term_flag::COPIED;
            if is_equivalence(c, w, copy) {
                w.clauses[clause.0].terms[at].operator |= operator::EQUIVALENCE;
                equivalence = operator::EQUIVALENCE;
            }
            (new, copy)
        } else {
            (at, expr)
        };
        commute(c, commuted);
        let mask = operator_mask(c, commuted);
        let term = &mut w.clauses[clause.0].terms[new];
        term.left_cursor = Some(cursor);
        term.left_column = column;
        term.prereq_right = prereq_left | extra_right;
        term.prereq_all = prereq_all;
        term.operator = (mask | equivalence) & allowed;
    } else if let ExprKind::Unary { op: UnaryOp::IsNull, operand } = c.bound[expr].kind
        && !c.bound[expr].flags.has(ExprFlags::OUTER_ON)
        && !c.bound.can_be_null(c.bound.skip_collate(operand))
    {
        c.bound[expr].kind = ExprKind::Integer(0);
        c.bound[expr].flags.set(ExprFlags::BOOLEAN_LITERAL);
        let term = &mut w.clauses[clause.0].terms[at];
        term.prereq_all = 0;
        term.operator = 0;
    }
    Ok(())
}

/// Swaps the sides of a comparison.
fn commute(c: &mut Compiler<'_>, expr: ExprId) {
    let ExprKind::Binary { op, left, right } = c.bound[expr].kind else { return };
    let is_vector = |id: ExprId| matches!(c.bound[id].kind, ExprKind::Vector(_));
    let name = |left, right| c.bound.binary_collation(left, Some(right)).unwrap_or(b"BINARY");
    let differs = !name(left, right).eq_ignore_ascii_case(name(right, left));
    if is_vector(left) || is_vector(right) || differs {
        c.bound[expr].flags.0 ^= ExprFlags::COMMUTED;
    }
    let op = match op {
        BinaryOp::Lt => BinaryOp::Gt,
        BinaryOp::Le => BinaryOp::Ge,
        BinaryOp::Gt => BinaryOp::Lt,
        BinaryOp::Ge => BinaryOp::Le,
        other => other,
    };
    c.bound[expr].kind = ExprKind::Binary { op, left: right, right: left };
}

/// Whether `a = b` makes the two columns interchangeable.
fn is_equivalence(c: &Compiler<'_>, w: &WhereLoop, expr: ExprId) -> bool {
    let ExprKind::Binary { op: op @ (BinaryOp::Eq | BinaryOp::Is), left, right } = c.bound[expr].kind else {
        return false;
    };
    if !c.optimizes(optimizations::TRANSITIVE)
        || c.bound[expr].flags.any(ExprFlags::OUTER_ON | ExprFlags::COLLATED)
        || (op == BinaryOp::Is && w.sources.len() >= 2 && w.sources[0].join.left_of_right_join)
    {
        return false;
    }
    let (one, other) = (c.bound.affinity(left), c.bound.affinity(right));
    (one == other || (is_numeric(one) && is_numeric(other)))
        && c.bound.collation_name(left).eq_ignore_ascii_case(c.bound.collation_name(right))
}

/// The column that an expression is, or the table of which an index holds it ([`column::EXPR`]).
fn might_be_indexed(
    c: &mut Compiler<'_>,
    w: &WhereLoop,
    mut expr: ExprId,
    mask: u16,
) -> CompileResult<Option<(Cursor, i16)>> {
    if mask & operator::RANGE != 0
        && let ExprKind::Vector(list) = &c.bound[expr].kind
        && let Some(&first) = list.first()
    {
        expr = first;
    }
    if let Some(found) = c.bound.column(expr) {
        return Ok(Some(found));
    }
    let sources = Rc::clone(&w.sources);
    for source in sources.iter() {
        let Some(table) = source.table() else { continue };
        for index in source.indexes() {
            if !column::has_expr(index) {
                continue;
            }
            let (table, index) = (Arc::clone(table), Arc::clone(index));
            for at in 0..index.key_columns {
                if column::index_column(&index, at) != column::EXPR {
                    continue;
                }
                let indexed = column::index_expr(c, &table, &index, at)?;
                if compare_below_collate(c, expr, indexed, source.cursor) == Similarity::Same
                    && !is_constant(c, indexed)
                {
                    return Ok(Some((source.cursor, column::EXPR)));
                }
            }
        }
    }
    Ok(None)
}

/// Compares an expression with one of an index, both without COLLATE around them.
pub fn compare_below_collate(c: &Compiler<'_>, expr: ExprId, indexed: ExprId, cursor: Cursor) -> Similarity {
    c.bound.compare(c.bound.skip_collate(expr), c.bound.skip_collate(indexed), Some(cursor))
}

/// `x IS NOT NULL` is `x > NULL` for an index.
fn derive_not_null(c: &mut Compiler<'_>, w: &mut WhereLoop, clause: ClauseId, at: usize, operand: ExprId) {
    let expr = w.clauses[clause.0].terms[at].expr;
    let Some((cursor, column)) = c.bound.column(operand) else { return };
    if column < 0 || c.bound[expr].flags.has(ExprFlags::OUTER_ON) {
        return;
    }
    let left = c.copy_expr(operand);
    let null = c.bound.expr(ExprKind::Null);
    let derived = c.bound.binary(BinaryOp::Gt, left, null);
    let new = w.add_term(c, clause, derived, term_flag::VIRTUAL | term_flag::NOT_NULL);
    let prereq_all = w.clauses[clause.0].terms[at].prereq_all;
    let term = &mut w.clauses[clause.0].terms[new];
    term.left_cursor = Some(cursor);
    term.left_column = column;
    term.operator = operator::GT;
    term.prereq_all = prereq_all;
    w.mark_child(clause, new, at);
    w.clauses[clause.0].terms[at].flags |= term_flag::COPIED;
}

/// Row values: `(a, b) = (x, y)` becomes two terms, `(a, b) IN (SELECT …)` gets one derived term a field; what only a virtual table
/// understands gets a term for it.
fn analyze_row_value(
    c: &mut Compiler<'_>,
    w: &mut WhereLoop,
    clause: ClauseId,
    at: usize,
    is_and: bool,
) -> CompileResult<()> {
    let expr = w.clauses[clause.0].terms[at].expr;
    if !is_and {
        return Ok(());
    }
    match c.bound[expr].kind {
        ExprKind::Binary { op: op @ (BinaryOp::Eq | BinaryOp::Is), left, right }
            if c.bound.is_vector(left)
                && c.bound.vector_size(left) == c.bound.vector_size(right)
                && !(c.bound.is_subquery(left) && c.bound.is_subquery(right)) =>
        {
            for field in 0..c.bound.vector_size(left) {
                let left = field_expr(c, left, field);
                let right = field_expr(c, right, field);
                let derived = c.bound.binary(op, left, right);
                transfer_join(c, derived, expr);
                let new = w.add_term(c, clause, derived, term_flag::SLICE);
                analyze_term(c, w, clause, new)?;
            }
            let term = &mut w.clauses[clause.0].terms[at];
            term.flags |= term_flag::CODED | term_flag::VIRTUAL;
            term.operator = operator::ROW_VALUE;
        }
        ExprKind::In { operand, source: InSource::Select(select), negated: false }
            if w.clauses[clause.0].terms[at].field == 0
                && matches!(c.bound[operand].kind, ExprKind::Vector(_)) =>
        {
            let core = &c.bound[select];
            let simple =
                (core.prior.is_none() || core.flags.values) && !core.flags.has_window && !core.flags.min_max;
            let fields = core.columns.len();
            if simple && fields <= usize::from(u8::MAX) {
                for field in 1..=fields {
                    let new = w.add_term(c, clause, expr, term_flag::VIRTUAL | term_flag::SLICE);
                    w.clauses[clause.0].terms[new].field = field;
                    analyze_term(c, w, clause, new)?;
                    w.mark_child(clause, new, at);
                }
            }
        }
        _ => derive_auxiliary(c, w, clause, at, expr),
    }
    Ok(())
}

/// One field of a row value as an expression of its own.
fn field_expr(c: &mut Compiler<'_>, vector: ExprId, field: usize) -> ExprId {
    match &c.bound[vector].kind {
        ExprKind::Subquery(_) => {
            c.bound.make(ExprKind::SubqueryColumn { subquery: vector, column: field as u16 })
        }
        ExprKind::Vector(list) => {
            let item = list[field];
            c.copy_expr(item)
        }
        _ => c.copy_expr(vector),
    }
}

/// Constraint codes that virtual tables see for operators of their own.
mod constraint {
    pub const MATCH: u8 = 64;
    pub const LIKE: u8 = 65;
    pub const GLOB: u8 = 66;
    pub const REGEXP: u8 = 67;
    pub const NE: u8 = 68;
    pub const IS_NOT: u8 = 69;
    pub const IS_NOT_NULL: u8 = 70;
}

/// Terms that only a virtual table may make use of: MATCH, LIKE, GLOB, REGEXP, <>, IS NOT, IS NOT NULL.
fn derive_auxiliary(c: &mut Compiler<'_>, w: &mut WhereLoop, clause: ClauseId, at: usize, expr: ExprId) {
    let is_virtual = |id: ExprId| match &c.bound[id].kind {
        ExprKind::Column { table: Some(table), .. } => matches!(table.kind, TableKind::Virtual { .. }),
        _ => false,
    };
    let mut found: Vec<(ExprId, Option<ExprId>, u8)> = Vec::new();
    match &c.bound[expr].kind {
        ExprKind::Function(call) if call.arguments.len() == 2 && is_virtual(call.arguments[1]) => {
            let op = match &*call.function.name {
                "match" => constraint::MATCH,
                "glob" => constraint::GLOB,
                "like" => constraint::LIKE,
                "regexp" => constraint::REGEXP,
                _ => return,
            };
            found.push((call.arguments[1], Some(call.arguments[0]), op));
        }
        ExprKind::Function(call) if call.arguments.len() == 2 => {
            // A function that the table has itself may be a constraint of its own.
            let (column, other) = (call.arguments[0], call.arguments[1]);
            let ExprKind::Column { table: Some(table), .. } = &c.bound[column].kind else { return };
            let own =
                table.instance().and_then(|instance| instance.table.find_function(&call.function.name, 2));
            match own {
                Some((_, op)) if op.0 >= ConstraintOp::FUNCTION.0 => found.push((column, Some(other), op.0)),
                _ => return,
            }
        }
        ExprKind::Binary { op: op @ (BinaryOp::Ne | BinaryOp::IsNot), left, right } => {
            let code = if *op == BinaryOp::Ne { constraint::NE } else { constraint::IS_NOT };
            for (one, other) in [(*left, *right), (*right, *left)] {
                if is_virtual(one) {
                    found.push((one, Some(other), code));
                }
            }
        }
        ExprKind::Unary { op: UnaryOp::NotNull, operand } if is_virtual(*operand) => {
            found.push((*operand, None, constraint::IS_NOT_NULL));
        }
        _ => return,
    }
    for (left, right, code) in found {
        let needs = right.map_or(0, |right| w.usage(c, right));
        if needs & w.usage(c, left) != 0 {
            continue;
        }
        let Some((cursor, column)) = c.bound.column(left) else { continue };
        let value = match right {
            Some(right) => c.copy_expr(right),
            None => c.bound.expr(ExprKind::Null),
        };
        let new = w.add_term(c, clause, value, term_flag::VIRTUAL);
        let prereq_all = w.clauses[clause.0].terms[at].prereq_all;
        if c.bound[expr].flags.has(ExprFlags::OUTER_ON) {
            c.bound[value].flags.set(ExprFlags::OUTER_ON);
            c.bound[value].join_cursor = c.bound[expr].join_cursor;
        }
        let extra = outer_extra(c, w, expr);
        let term: &mut Term = &mut w.clauses[clause.0].terms[new];
        term.auxiliary = Some(value);
        term.prereq_right = needs | extra;
        term.left_cursor = Some(cursor);
        term.left_column = column;
        term.operator = operator::AUX;
        term.match_op = code;
        term.prereq_all = prereq_all;
        w.mark_child(clause, new, at);
        w.clauses[clause.0].terms[at].flags |= term_flag::COPIED;
    }
}

fn outer_extra(c: &Compiler<'_>, w: &WhereLoop, expr: ExprId) -> Mask {
    match c.bound[expr].join_cursor {
        Some(cursor) if c.bound[expr].flags.has(ExprFlags::OUTER_ON) => w.mask_of(cursor).wrapping_sub(1),
        _ => 0,
    }
}

/// Terms `hidden column = argument` for the arguments of a table-valued function.
pub fn add_function_arguments(c: &mut Compiler<'_>, w: &mut WhereLoop, at: usize) -> CompileResult<()> {
    let source = w.sources[at].clone();
    if source.arguments.is_empty() {
        return Ok(());
    }
    let Some(table) = source.table() else { return Ok(()) };
    if !source.is_virtual() {
        return Err(Error::message(format!("'{}' is not a function", source.name)));
    }
    let mut hidden = table.columns.iter().enumerate().filter(|(_, column)| column.flags.hidden);
    for (given, &argument) in source.arguments.iter().enumerate() {
        let Some((column, _)) = hidden.next() else {
            let name = String::from_utf8_lossy(&table.name).into_owned();
            return Err(Error::message(format!("too many arguments on {name}() - max {given}")));
        };
        let reference = c.bound.expr(ExprKind::Column {
            cursor: source.cursor,
            column: column as i16,
            table: Some(Arc::clone(table)),
        });
        let argument = c.copy_expr(argument);
        let argument = c.bound.make(ExprKind::Unary { op: UnaryOp::Plus, operand: argument });
        let term = c.bound.binary(BinaryOp::Eq, reference, argument);
        let outer = source.join.left || source.join.right;
        set_join(c, term, source.cursor, if outer { ExprFlags::OUTER_ON } else { ExprFlags::INNER_ON });
        w.add_term(c, ClauseId::MAIN, term, 0);
    }
    Ok(())
}

/// Marks an expression and everything below it as part of a join's ON clause.
pub fn set_join(c: &mut Compiler<'_>, expr: ExprId, cursor: Cursor, flag: u32) {
    c.bound[expr].flags.set(flag);
    c.bound[expr].join_cursor = Some(cursor);
    let mut operands = Vec::new();
    c.bound.for_each_operand(expr, |operand| operands.push(operand));
    for operand in operands {
        set_join(c, operand, cursor, flag);
    }
}
