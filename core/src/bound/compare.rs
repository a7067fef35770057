//! Whether two expressions are the same.
//!
//! Used to find an ORDER BY term among the result columns, an expression among the keys of an index, a WHERE clause that implies
//! the one of a partial index. `Different` may be said of equal expressions; `Same` is always true.

use kernite_vdbe::op::Cursor;

use super::{Bound, ExprFlags, ExprId, ExprKind, FunctionCall, InSource, OrderTerm, WindowSpec};

/// How alike two expressions are, most alike first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Similarity {
    /// They give the same value.
    Same,
    /// They differ by a COLLATE around one of them.
    CollateDiffers,
    /// Nothing is known.
    Different,
}

use Similarity::{CollateDiffers, Different, Same};

impl Bound {
    /// Compares two expressions. A column of the row being indexed or checked in `b` equals that column of `cursor` in `a`.
    pub fn compare(&self, a: ExprId, b: ExprId, cursor: Option<Cursor>) -> Similarity {
        let (left, right) = (&self[a], &self[b]);
        const DECISIVE: u32 = ExprFlags::COMMUTED | ExprFlags::BOOLEAN_LITERAL;
        let flags_agree = left.flags.0 & DECISIVE == right.flags.0 & DECISIVE;
        let same = |alike: bool| if alike && flags_agree { Same } else { Different };
        let deep = |a, b| crate::compile::deep(|| self.compare(a, b, cursor));
        let all_same = |pairs: &[(ExprId, ExprId)]| same(pairs.iter().all(|&(a, b)| deep(a, b) == Same));
        match (&left.kind, &right.kind) {
            (ExprKind::Null, ExprKind::Null) => Same,
            (ExprKind::Integer(a), ExprKind::Integer(b)) => same(a == b),
            (ExprKind::Real(a), ExprKind::Real(b)) => same(a.to_bits() == b.to_bits()),
            (ExprKind::Text(a), ExprKind::Text(b)) | (ExprKind::Blob(a), ExprKind::Blob(b)) => same(a == b),
            (ExprKind::Parameter(a), ExprKind::Parameter(b)) => same(a == b),
            (
                ExprKind::Column { cursor: a, column: i, .. },
                ExprKind::Column { cursor: b, column: j, .. },
            ) => same(a == b && i == j),
            (ExprKind::Column { cursor: a, column: i, .. }, ExprKind::SelfColumn { column: j, .. }) => {
                same(Some(*a) == cursor && i == j)
            }
            (ExprKind::AggregateSlot { of, .. }, _) if matches!(self[*of].kind, ExprKind::Column { .. }) => {
                deep(*of, b)
            }
            (ExprKind::AggregateSlot { slot: a, .. }, ExprKind::AggregateSlot { slot: b, .. }) => {
                same(a == b)
            }
            (ExprKind::SelfColumn { column: i, .. }, ExprKind::SelfColumn { column: j, .. }) => same(i == j),
            (
                ExprKind::TriggerColumn { new: a, column: i, .. },
                ExprKind::TriggerColumn { new: b, column: j, .. },
            ) => same(a == b && i == j),
            (ExprKind::Register { reg: a, .. }, ExprKind::Register { reg: b, .. }) if a == b => Same,
            (ExprKind::Register { of: Some(of), .. }, _) => deep(*of, b),
            (ExprKind::Unary { op: x, operand: a }, ExprKind::Unary { op: y, operand: b }) if x == y => {
                all_same(&[(*a, *b)])
            }
            (
                ExprKind::Binary { op: x, left: al, right: ar },
                ExprKind::Binary { op: y, left: bl, right: br },
            ) if x == y => all_same(&[(*al, *bl), (*ar, *br)]),
            (
                ExprKind::Between { operand: a, low: al, high: ah, negated: x },
                ExprKind::Between { operand: b, low: bl, high: bh, negated: y },
            ) if x == y => all_same(&[(*a, *b), (*al, *bl), (*ah, *bh)]),
            (
                ExprKind::In { operand: a, source: InSource::List(al), negated: x },
                ExprKind::In { operand: b, source: InSource::List(bl), negated: y },
            ) if x == y => {
                let alike = deep(*a, *b) == Same && self.compare_lists(al, bl, cursor);
                same(alike)
            }
            (
                ExprKind::Collate { operand: a, collation: x },
                ExprKind::Collate { operand: b, collation: y },
            ) if x.eq_ignore_ascii_case(y) => all_same(&[(*a, *b)]),
            (ExprKind::Cast { operand: a, affinity: x }, ExprKind::Cast { operand: b, affinity: y })
                if x == y =>
            {
                all_same(&[(*a, *b)])
            }
            (
                ExprKind::Case { operand: ao, arms: aa, otherwise: ae },
                ExprKind::Case { operand: bo, arms: ba, otherwise: be },
            ) => same(
                self.compare_options(*ao, *bo, cursor)
                    && self.compare_options(*ae, *be, cursor)
                    && aa.len() == ba.len()
                    && aa.iter().zip(ba).all(|(a, b)| deep(a.0, b.0) == Same && deep(a.1, b.1) == Same),
            ),
            (ExprKind::Vector(a), ExprKind::Vector(b)) => same(self.compare_lists(a, b, cursor)),
            (
                ExprKind::SubqueryColumn { subquery: a, column: i },
                ExprKind::SubqueryColumn { subquery: b, column: j },
            ) => same(a == b && i == j),
            (ExprKind::Function(a), ExprKind::Function(b)) => same(self.compare_calls(a, b, cursor)),
            (
                ExprKind::IfNullRow { cursor: x, operand: a },
                ExprKind::IfNullRow { cursor: y, operand: b },
            ) if x == y => all_same(&[(*a, *b)]),
            (ExprKind::Collate { operand, .. }, _) if deep(*operand, b) < Different => CollateDiffers,
            (_, ExprKind::Collate { operand, .. }) if deep(a, *operand) < Different => CollateDiffers,
            _ => Different,
        }
    }

    /// Compares two expressions without the COLLATE and likely() around them.
    pub fn compare_skip(&self, a: ExprId, b: ExprId, cursor: Option<Cursor>) -> Similarity {
        self.compare(self.skip_collate_and_likely(a), self.skip_collate_and_likely(b), cursor)
    }

    fn compare_lists(&self, a: &[ExprId], b: &[ExprId], cursor: Option<Cursor>) -> bool {
        a.len() == b.len() && a.iter().zip(b).all(|(&a, &b)| self.compare(a, b, cursor) == Same)
    }

    fn compare_options(&self, a: Option<ExprId>, b: Option<ExprId>, cursor: Option<Cursor>) -> bool {
        match (a, b) {
            (Some(a), Some(b)) => self.compare(a, b, cursor) == Same,
            (None, None) => true,
            _ => false,
        }
    }

    fn compare_terms(&self, a: &[OrderTerm], b: &[OrderTerm], cursor: Option<Cursor>) -> bool {
        a.len() == b.len()
            && a.iter().zip(b).all(|(a, b)| {
                a.descending == b.descending
                    && a.nulls == b.nulls
                    && self.compare(a.expr, b.expr, cursor) == Same
            })
    }

    fn compare_calls(&self, a: &FunctionCall, b: &FunctionCall, cursor: Option<Cursor>) -> bool {
        a.function.name == b.function.name
            && a.distinct == b.distinct
            && a.is_aggregate == b.is_aggregate
            && self.compare_lists(&a.arguments, &b.arguments, cursor)
            && self.compare_terms(&a.order_by, &b.order_by, cursor)
            && self.compare_options(a.filter, b.filter, cursor)
            && match (&a.window, &b.window) {
                (Some(a), Some(b)) => self.windows_match(a, b, cursor),
                (None, None) => true,
                _ => false,
            }
    }

    /// Whether two windows have the same rows in the same order and the same frame, so that one scan serves both.
    pub fn windows_match(&self, a: &WindowSpec, b: &WindowSpec, cursor: Option<Cursor>) -> bool {
        a.unit == b.unit
            && a.start == b.start
            && a.end == b.end
            && a.exclude == b.exclude
            && self.compare_options(a.start_expr, b.start_expr, cursor)
            && self.compare_options(a.end_expr, b.end_expr, cursor)
            && self.compare_lists(&a.partition_by, &b.partition_by, cursor)
            && self.compare_terms(&a.order_by, &b.order_by, cursor)
    }
}
