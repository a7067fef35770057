//! Looking at the shape of expressions: what stands below COLLATE, columns, vectors, literals; and making new ones.
//!
//! Never: schema, registers.

use kernite_vdbe::op::Cursor;

use crate::bound::{
    BinaryOp, Bound, CompoundOp, Expr, ExprFlags, ExprId, ExprKind, InSource, SelectId, UnaryOp,
};

/// The column number of a rowid.
pub const ROWID: i16 = -1;

/// What a walk's callback wants next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visit {
    /// Go on with the operands.
    Continue,
    /// Leave the operands out.
    Prune,
    /// End the whole walk.
    Abort,
}

impl Bound {
    /// Walks an expression in pre-order without entering subqueries. False when the callback ended the walk.
    pub fn visit(&self, id: ExprId, visit: &mut dyn FnMut(ExprId) -> Visit) -> bool {
        match visit(id) {
            Visit::Continue => {}
            Visit::Prune => return true,
            Visit::Abort => return false,
        }
        let mut going = true;
        self.for_each_operand(id, |operand| going = going && self.visit(operand, visit));
        going
    }

    /// Adds an expression made by a pass; what its operands contain is noted on it.
    pub fn make(&mut self, kind: ExprKind) -> ExprId {
        let id = self.expr(kind);
        let mut inherited = 0;
        self.for_each_operand(id, |operand| inherited |= self[operand].flags.0 & ExprFlags::PROPAGATED);
        if self.subquery_of(id).is_some() {
            inherited |= ExprFlags::HAS_SUBQUERY;
        }
        self[id].flags.set(inherited);
        id
    }

    /// A binary operator over two expressions.
    pub fn binary(&mut self, op: BinaryOp, left: ExprId, right: ExprId) -> ExprId {
        self.make(ExprKind::Binary { op, left, right })
    }

    /// `operand COLLATE name`, an explicit one.
    pub fn collate(&mut self, operand: ExprId, name: &[u8]) -> ExprId {
        let id = self.make(ExprKind::Collate { operand, collation: name.into() });
        self[id].flags.set(ExprFlags::COLLATED);
        id
    }

    /// `left AND right`, where `left` may be missing. A literal false on either side is the whole, unless a join's ON or a function call
    /// would be lost.
    pub fn and(&mut self, left: Option<ExprId>, right: ExprId) -> ExprId {
        let Some(left) = left else { return right };
        const KEEP: u32 = ExprFlags::OUTER_ON | ExprFlags::INNER_ON | ExprFlags::HAS_FUNCTION;
        let is_false = |id: ExprId| matches!(self[id].kind, ExprKind::Integer(0));
        let keep = (self[left].flags.0 | self[right].flags.0) & KEEP != 0;
        if (is_false(left) || is_false(right)) && !keep {
            return self.expr(ExprKind::Integer(0));
        }
        self.binary(BinaryOp::And, left, right)
    }

    /// The two operands of an AND.
    pub fn and_operands(&self, id: ExprId) -> Option<(ExprId, ExprId)> {
        match self[id].kind {
            ExprKind::Binary { op: BinaryOp::And, left, right } => Some((left, right)),
            _ => None,
        }
    }

    /// Below COLLATE operators.
    pub fn skip_collate(&self, mut id: ExprId) -> ExprId {
        while let ExprKind::Collate { operand, .. } = self[id].kind {
            id = operand;
        }
        id
    }

    /// Below a register or an aggregate's slot: the expression whose value it holds.
    pub fn behind(&self, mut id: ExprId) -> ExprId {
        while let ExprKind::Register { of: Some(of), .. } | ExprKind::AggregateSlot { of, .. } = self[id].kind
        {
            id = of;
        }
        id
    }

    /// The cursor and column of a column reference.
    pub fn column(&self, id: ExprId) -> Option<(Cursor, i16)> {
        match self[id].kind {
            ExprKind::Column { cursor, column, .. } => Some((cursor, column)),
            _ => None,
        }
    }

    /// The same, also where the column has become a slot of an aggregate query.
    pub fn column_or_slot(&self, id: ExprId) -> Option<(Cursor, i16)> {
        match self[id].kind {
            ExprKind::AggregateSlot { of, .. } => self.column(of),
            _ => self.column(id),
        }
    }

    /// Whether it is a row value of two columns or more.
    pub fn is_vector(&self, id: ExprId) -> bool {
        self.vector_size(id) > 1
    }

    /// The expression of field `at` of a row value; a scalar is its own field. Of a subquery it is a result column, good for affinity and
    /// collation only.
    pub fn vector_field(&self, id: ExprId, at: usize) -> ExprId {
        if !self.is_vector(id) {
            return id;
        }
        match &self[self.behind(id)].kind {
            ExprKind::Vector(list) => list.get(at).copied().unwrap_or(id),
            ExprKind::Subquery(select) => self[*select].columns.get(at).map_or(id, |column| column.expr),
            _ => id,
        }
    }

    /// Whether the expression itself is a SELECT in parentheses.
    pub fn is_subquery(&self, id: ExprId) -> bool {
        matches!(self[id].kind, ExprKind::Subquery(_))
    }

    /// The value of an integer literal that fits 32 bits, under any unary plus and minus.
    pub fn small_integer(&self, mut id: ExprId) -> Option<i32> {
        let mut negative = false;
        loop {
            match self[id].kind {
                ExprKind::Integer(_) if self[id].flags.has(ExprFlags::BOOLEAN_LITERAL) => return None,
                ExprKind::Integer(value) => {
                    let value = i32::try_from(value).ok()?;
                    return Some(if negative { value.wrapping_neg() } else { value });
                }
                ExprKind::Unary { op: UnaryOp::Plus, operand } => id = operand,
                ExprKind::Unary { op: UnaryOp::Minus, operand } => {
                    negative = !negative;
                    id = operand;
                }
                _ => return None,
            }
        }
    }

    /// An AND or OR without the operands that decide or change nothing.
    pub fn simplified_and_or(&self, id: ExprId) -> ExprId {
        let ExprKind::Binary { op: op @ (BinaryOp::And | BinaryOp::Or), left, right } = self[id].kind else {
            return id;
        };
        let (new_right, new_left) = (self.simplified_and_or(right), self.simplified_and_or(left));
        let is_and = op == BinaryOp::And;
        if self[new_left].is_always_true() || self[new_right].is_always_false() {
            if is_and { new_right } else { new_left }
        } else if self[new_right].is_always_true() || self[new_left].is_always_false() {
            if is_and { new_left } else { new_right }
        } else {
            id
        }
    }

    /// The cores of a compound, last first.
    pub fn cores(&self, id: SelectId) -> impl Iterator<Item = SelectId> + '_ {
        std::iter::successors(Some(id), |&core| self[core].prior)
    }

    /// Whether a core stands behind another one in a compound and every operator from it down is UNION ALL.
    pub fn is_union_all(&self, id: SelectId) -> bool {
        self.cores(id)
            .all(|core| self[core].prior.is_none() || self[core].operator == Some(CompoundOp::UnionAll))
    }

    /// The SELECT that an IN looks into.
    pub fn in_select(&self, id: ExprId) -> Option<SelectId> {
        match self[id].kind {
            ExprKind::In { source: InSource::Select(select), .. } => Some(select),
            _ => None,
        }
    }

    /// The operands of a binary operator.
    pub fn operands(&self, id: ExprId) -> Option<(ExprId, ExprId)> {
        match self[id].kind {
            ExprKind::Binary { left, right, .. } => Some((left, right)),
            _ => None,
        }
    }

    /// Whether a SELECT inside `id` depends on an outer query.
    pub fn is_correlated(&self, id: ExprId) -> bool {
        self[id].flags.has(ExprFlags::CORRELATED)
    }

    /// A node to be put in the place of another, with a place of its own for what stood there.
    pub fn replace(&mut self, id: ExprId, kind: impl FnOnce(ExprId) -> ExprKind) {
        let Expr { flags, join_cursor, span, .. } = self[id];
        let old = std::mem::replace(&mut self[id].kind, ExprKind::Null);
        let moved = self.add(Expr { kind: old, flags, join_cursor, span });
        self[id].kind = kind(moved);
    }
}
