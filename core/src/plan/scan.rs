//! Searching terms: those that constrain a column, directly or through columns that equal it.

use std::sync::Arc;

use kernite_vdbe::op::Cursor;

use super::analyze::compare_below_collate;
use super::clause::{ClauseId, TermId, operator};
use super::where_loop::{Mask, WhereLoop};
use crate::bound::{ExprFlags, ExprId, ExprKind, Similarity};
use crate::catalog::{Index, Table};
use crate::codegen::column;
use crate::codegen::expr::affinity::fits_index;
use crate::codegen::expr::index_collation;
use crate::compile::{CompileResult, Compiler};

/// How many columns that equal each other are followed.
const EQUIVALENTS_MAX: usize = 11;

/// The terms that candidates may be made of: a clause and those around it, or one term of an OR and those around it.
#[derive(Clone, Copy, Debug)]
pub struct View {
    pub clause: ClauseId,
    /// Only this term of the clause.
    pub only: Option<usize>,
    /// Where to go on behind it.
    pub outer: Option<ClauseId>,
}

impl View {
    /// A clause with what is around it.
    pub fn of(w: &WhereLoop, clause: ClauseId) -> View {
        View { clause, only: None, outer: w.clauses[clause.0].outer }
    }

    /// The terms of the clause itself.
    pub fn terms(self, w: &WhereLoop) -> std::ops::Range<usize> {
        match self.only {
            Some(at) => at..at + 1,
            None => 0..w.clauses[self.clause.0].terms.len(),
        }
    }

    /// The terms that were there from the beginning.
    pub fn base_terms(self, w: &WhereLoop) -> std::ops::Range<usize> {
        match self.only {
            Some(at) => at..at + 1,
            None => 0..w.clauses[self.clause.0].base,
        }
    }
}

/// A search under way.
pub struct Scan {
    start: View,
    /// Where it is: the first clause or an outer one, and the next term there.
    at: Option<(ClauseId, bool)>,
    next: usize,
    /// Expression of the index column searched for.
    expr: Option<ExprId>,
    /// Affinity and collation that the index column demands.
    demands: Option<(u8, Vec<u8>)>,
    operators: u16,
    columns: Vec<(Cursor, i16)>,
    /// Which of `columns` is looked for, from 1.
    pub equivalent: usize,
}

impl Scan {
    /// Searches terms on a column.
    pub fn column(view: View, cursor: Cursor, column: i16, operators: u16) -> Scan {
        Scan {
            start: view,
            at: Some((view.clause, true)),
            next: view.only.unwrap_or(0),
            expr: None,
            demands: None,
            operators,
            columns: vec![(cursor, column)],
            equivalent: 1,
        }
    }

    /// Searches terms that column `at` of an index can answer. Without an index: the rowid.
    pub fn index(
        c: &mut Compiler<'_>,
        view: View,
        cursor: Cursor,
        table: Option<&Arc<Table>>,
        index: Option<&Arc<Index>>,
        at: usize,
        operators: u16,
    ) -> CompileResult<Scan> {
        let (Some(index), Some(table)) = (index, table) else {
            return Ok(Scan::column(view, cursor, column::ROWID, operators));
        };
        let number = column::index_column(index, at);
        let alias = table.rowid_alias.is_some_and(|alias| alias as i16 == number);
        let mut scan = Scan::column(view, cursor, if alias { column::ROWID } else { number }, operators);
        if alias || number == column::ROWID {
            return Ok(scan);
        }
        let affinity = if number == column::EXPR {
            let expr = column::index_expr(c, table, index, at)?;
            scan.expr = Some(expr);
            c.bound.affinity(expr)
        } else {
            table.column_affinity(number)
        };
        scan.demands = Some((affinity, index_collation(index, at).to_vec()));
        Ok(scan)
    }

    /// The next term.
    pub fn next(&mut self, c: &Compiler<'_>, w: &WhereLoop) -> Option<TermId> {
        loop {
            while let Some((clause, is_start)) = self.at {
                let end = match self.start.only {
                    Some(only) if is_start => only + 1,
                    _ => w.clauses[clause.0].terms.len(),
                };
                while self.next < end {
                    let id = TermId { clause, at: self.next };
                    self.next += 1;
                    if self.matches(c, w, id) {
                        return Some(id);
                    }
                }
                let outer = if is_start { self.start.outer } else { w.clauses[clause.0].outer };
                self.at = outer.map(|outer| (outer, false));
                self.next = 0;
            }
            if self.equivalent >= self.columns.len() {
                return None;
            }
            self.equivalent += 1;
            self.at = Some((self.start.clause, true));
            self.next = self.start.only.unwrap_or(0);
        }
    }

    /// Whether a term is one of those searched; columns that it makes equivalent are noted on the way.
    fn matches(&mut self, c: &Compiler<'_>, w: &WhereLoop, id: TermId) -> bool {
        let term = w.term(id);
        let (cursor, column) = self.columns[self.equivalent - 1];
        if term.left_cursor != Some(cursor) || term.left_column != column {
            return false;
        }
        if column == column::EXPR {
            let left = match c.bound[term.expr].kind {
                ExprKind::Binary { left, .. } => left,
                ExprKind::In { operand, .. } | ExprKind::Unary { operand, .. } => operand,
                _ => return false,
            };
            let Some(expr) = self.expr else { return false };
            if compare_below_collate(c, left, expr, cursor) != Similarity::Same {
                return false;
            }
        }
        if self.equivalent > 1 && c.bound[term.expr].flags.has(ExprFlags::OUTER_ON) {
            return false;
        }
        let right = c.bound.operands(term.expr).map(|(_, right)| right);
        if term.op(operator::EQUIVALENCE)
            && self.columns.len() < EQUIVALENTS_MAX
            && let Some(right) = right
        {
            let right = c.bound.skip_collate_and_likely(right);
            if let Some(equal) = c.bound.column(right)
                && !c.codegen.fixed_columns.contains_key(&right)
                && !self.columns.contains(&equal)
            {
                self.columns.push(equal);
            }
        }
        if !term.op(self.operators) {
            return false;
        }
        if let Some((affinity, collation)) = &self.demands
            && !term.op(operator::IS_NULL)
            && !answers(c, w, id, *affinity, collation)
        {
            return false;
        }
        // `a = a`, reached through an equivalence, says nothing.
        let says_nothing = term.op(operator::EQ | operator::IS)
            && right.and_then(|right| c.bound.column(right)) == Some(self.columns[0]);
        !says_nothing
    }
}

/// Whether an index column of this affinity and collation gives the term's answer.
fn answers(c: &Compiler<'_>, w: &WhereLoop, id: TermId, affinity: u8, collation: &[u8]) -> bool {
    let term = w.term(id);
    let name = if term.op(operator::IN) {
        let ExprKind::In { operand, .. } = c.bound[term.expr].kind else { return false };
        match c.bound.in_select(term.expr) {
            Some(select) if c.bound.is_vector(operand) && term.field > 0 => {
                let left = c.bound.vector_field(operand, term.field - 1);
                let right = c.bound[select].columns[term.field - 1].expr;
                let compared = c.bound.compare_affinity(right, c.bound.affinity(left));
                if !fits_index(compared, affinity) {
                    return false;
                }
                c.bound.binary_collation(left, Some(right))
            }
            _ if !c.bound.index_affinity_ok(term.expr, affinity) => return false,
            _ => c.bound.comparison_collation(term.expr),
        }
    } else {
        if !c.bound.index_affinity_ok(term.expr, affinity) {
            return false;
        }
        c.bound.comparison_collation(term.expr)
    };
    name.unwrap_or(b"BINARY").eq_ignore_ascii_case(collation)
}

impl WhereLoop {
    /// A term on a column whose right side needs none of `not_ready`. One that needs no source at all is preferred.
    pub fn find_term(
        &self,
        c: &Compiler<'_>,
        cursor: Cursor,
        column: i16,
        not_ready: Mask,
        operators: u16,
    ) -> Option<TermId> {
        if column == column::EXPR {
            return None;
        }
        let scan = Scan::column(View::of(self, ClauseId::MAIN), cursor, column, operators);
        self.best_of(c, scan, not_ready, operators)
    }

    /// The same for column `at` of an index.
    #[allow(clippy::too_many_arguments)]
    pub fn find_index_term(
        &self,
        c: &mut Compiler<'_>,
        cursor: Cursor,
        table: &Arc<Table>,
        index: &Arc<Index>,
        at: usize,
        not_ready: Mask,
        operators: u16,
    ) -> CompileResult<Option<TermId>> {
        let view = View::of(self, ClauseId::MAIN);
        let scan = Scan::index(c, view, cursor, Some(table), Some(index), at, operators)?;
        Ok(self.best_of(c, scan, not_ready, operators))
    }

    fn best_of(&self, c: &Compiler<'_>, mut scan: Scan, not_ready: Mask, operators: u16) -> Option<TermId> {
        let mut found = None;
        while let Some(id) = scan.next(c, self) {
            let term = self.term(id);
            if term.prereq_right & not_ready == 0 {
                if term.prereq_right == 0 && term.op(operators & (operator::EQ | operator::IS)) {
                    return Some(id);
                }
                found = found.or(Some(id));
            }
        }
        found
    }
}
