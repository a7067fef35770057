//! Clauses and terms: a WHERE clause taken apart at its ANDs (or an OR term at its ORs).

use kernite_vdbe::op::Cursor;

use super::log_est::{self, LogEst};
use super::where_loop::{Mask, WhereLoop};
use crate::bound::{BinaryOp, ExprId, ExprKind};
use crate::compile::Compiler;

/// A clause of a [`WhereLoop`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClauseId(pub usize);

impl ClauseId {
    /// The WHERE clause itself.
    pub const MAIN: ClauseId = ClauseId(0);
}

/// A term of a [`WhereLoop`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TermId {
    pub clause: ClauseId,
    pub at: usize,
}

/// Operators of terms, as bits. The values are SQLite's, which virtual tables see.
pub mod operator {
    pub const IN: u16 = 0x0001;
    pub const EQ: u16 = 0x0002;
    pub const GT: u16 = 0x0004;
    pub const LE: u16 = 0x0008;
    pub const LT: u16 = 0x0010;
    pub const GE: u16 = 0x0020;
    /// Only a virtual table understands it.
    pub const AUX: u16 = 0x0040;
    pub const IS: u16 = 0x0080;
    pub const IS_NULL: u16 = 0x0100;
    pub const OR: u16 = 0x0200;
    pub const AND: u16 = 0x0400;
    /// `a = b` of two columns: what holds for one holds for the other.
    pub const EQUIVALENCE: u16 = 0x0800;
    /// A row value taken apart into its fields.
    pub const ROW_VALUE: u16 = 0x2000;
    pub const ALL: u16 = 0x3fff;
    pub const SINGLE: u16 = 0x01ff;
    pub const RANGE: u16 = GT | LE | LT | GE;
}

/// Properties of terms, as bits.
pub mod term_flag {
    /// Derived from another term: need not be tested.
    pub const VIRTUAL: u16 = 0x0002;
    /// Tested already.
    pub const CODED: u16 = 0x0004;
    /// Has a copy that stands for it.
    pub const COPIED: u16 = 0x0008;
    /// Has an OR's terms.
    pub const OR_INFO: u16 = 0x0010;
    pub const AND_INFO: u16 = 0x0020;
    /// Scratch bit.
    pub const MARKED: u16 = 0x0040;
    /// `x > NULL`, made of `x IS NOT NULL`.
    pub const NOT_NULL: u16 = 0x0080;
    /// Bound of a LIKE.
    pub const LIKE_BOUND: u16 = 0x0100;
    /// Tested only in the pass that sees blobs.
    pub const LIKE_CONDITIONAL: u16 = 0x0200;
    /// The LIKE itself.
    pub const LIKE: u16 = 0x0400;
    pub const IS: u16 = 0x0800;
    /// Contains a correlated subquery.
    pub const CORRELATED: u16 = 0x1000;
    /// Its selectivity was guessed.
    pub const GUESSED: u16 = 0x2000;
    /// Statistics say that it rejects little.
    pub const HIGH_TRUTH: u16 = 0x4000;
    /// One field of a row value.
    pub const SLICE: u16 = 0x8000;
}

/// One term.
#[derive(Clone, Debug)]
pub struct Term {
    pub expr: ExprId,
    /// Value of an `AUX` term.
    pub auxiliary: Option<ExprId>,
    /// Logarithm of how often it is true, if <= 0; else unknown.
    pub truth: LogEst,
    pub flags: u16,
    pub operator: u16,
    /// Derived terms that have to be coded before this one needs no test.
    pub children: u8,
    /// Constraint code of an `AUX` term.
    pub match_op: u8,
    pub parent: Option<usize>,
    /// The column on the left, if it could be indexed.
    pub left_cursor: Option<Cursor>,
    pub left_column: i16,
    /// Of a row-value IN: which field, from 1.
    pub field: usize,
    /// The clause inside of an OR or AND term, and sources for which all of an OR's branches are indexable.
    pub inner: Option<ClauseId>,
    pub indexable: Mask,
    /// Sources that the right side needs, and the whole term.
    pub prereq_right: Mask,
    pub prereq_all: Mask,
}

impl Term {
    /// Whether any of `flags` is set.
    pub fn is(&self, flags: u16) -> bool {
        self.flags & flags != 0
    }

    /// Whether the operator is one of `operators`.
    pub fn op(&self, operators: u16) -> bool {
        self.operator & operators != 0
    }
}

/// A clause.
#[derive(Clone, Debug)]
pub struct Clause {
    /// And or Or.
    pub op: BinaryOp,
    /// The clause that this one's rows satisfy too.
    pub outer: Option<ClauseId>,
    pub terms: Vec<Term>,
    /// Terms that were there from the beginning; derived ones follow.
    pub base: usize,
    /// Has an OR that indexes could answer.
    pub has_or: bool,
}

impl Clause {
    /// An empty clause.
    pub fn new(op: BinaryOp) -> Clause {
        Clause { op, outer: None, terms: Vec::new(), base: 0, has_or: false }
    }
}

impl WhereLoop {
    /// Adds an empty clause.
    pub fn add_clause(&mut self, op: BinaryOp) -> ClauseId {
        self.clauses.push(Clause::new(op));
        ClauseId(self.clauses.len() - 1)
    }

    /// Adds a term; its place.
    pub fn add_term(&mut self, c: &Compiler<'_>, clause: ClauseId, expr: ExprId, flags: u16) -> usize {
        let truth = match &c.bound[expr].kind {
            ExprKind::Function(call) => match call.probability {
                // Probabilities are parts of 2^27, whose estimate is 270.
                Some(parts) => log_est::from_integer(u64::from(parts)) - 270,
                None => 1,
            },
            _ => 1,
        };
        let clause = &mut self.clauses[clause.0];
        clause.terms.push(Term {
            expr: c.bound.skip_collate_and_likely(expr),
            auxiliary: None,
            truth,
            flags,
            operator: 0,
            children: 0,
            match_op: 0,
            parent: None,
            left_cursor: None,
            left_column: 0,
            field: 0,
            inner: None,
            indexable: 0,
            prereq_right: 0,
            prereq_all: 0,
        });
        if flags & term_flag::VIRTUAL == 0 {
            clause.base = clause.terms.len();
        }
        clause.terms.len() - 1
    }

    /// Takes an expression apart at its ANDs or ORs.
    pub fn split(&mut self, c: &Compiler<'_>, clause: ClauseId, expr: ExprId) {
        let op = self.clauses[clause.0].op;
        let inner = c.bound.skip_collate_and_likely(expr);
        match c.bound[inner].kind {
            ExprKind::Binary { op: found, left, right } if found == op => {
                crate::compile::deep(|| self.split(c, clause, left));
                crate::compile::deep(|| self.split(c, clause, right));
            }
            _ => {
                self.add_term(c, clause, expr, 0);
            }
        }
    }

    /// Makes a term a child of the one that it was derived from.
    pub fn mark_child(&mut self, clause: ClauseId, child: usize, parent: usize) {
        let terms = &mut self.clauses[clause.0].terms;
        let truth = terms[parent].truth;
        terms[child].parent = Some(parent);
        terms[child].truth = truth;
        terms[parent].children = terms[parent].children.saturating_add(1);
    }
}
