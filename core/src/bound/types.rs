//! What is known of an expression without running it: affinity, collation, possible types, whether it can be NULL.
//!
//! One rule for each, used by the resolver (columns of subqueries), the planner and the code generator.
//!
//! Spec: Datatypes In SQLite, "Determination Of Column Affinity", "Affinity Of Expressions", "Collating Sequences".

use super::{Bound, Expr, ExprFlags, ExprId, ExprKind, SelectId, UnaryOp};
use crate::catalog::Table;

/// No affinity at all.
pub const AFFINITY_NONE: u8 = 0;
/// BLOB affinity: like none, but that of a column.
pub const AFFINITY_BLOB: u8 = b'A';
/// TEXT affinity.
pub const AFFINITY_TEXT: u8 = b'B';
/// NUMERIC affinity. Everything from here on is numeric.
pub const AFFINITY_NUMERIC: u8 = b'C';
/// INTEGER affinity.
pub const AFFINITY_INTEGER: u8 = b'D';
/// REAL affinity.
pub const AFFINITY_REAL: u8 = b'E';
/// NUMERIC for comparisons, but leaves text as it is: a subquery's column that is a CAST in one core only.
pub const AFFINITY_FLEXIBLE: u8 = b'F';

/// The types that a value may have, as bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DataTypes(pub u8);

impl DataTypes {
    /// Integer or real.
    pub const NUMERIC: u8 = 1;
    /// Text.
    pub const TEXT: u8 = 2;
    /// Blob.
    pub const BLOB: u8 = 4;
}

impl Table {
    /// Affinity of a column; the rowid (-1) is an integer.
    pub fn column_affinity(&self, column: i16) -> u8 {
        usize::try_from(column)
            .ok()
            .and_then(|column| self.columns.get(column))
            .map_or(AFFINITY_INTEGER, |column| column.affinity)
    }
}

impl Bound {
    /// The affinity that an expression gives a comparison; [`AFFINITY_NONE`] for most.
    pub fn affinity(&self, expr: ExprId) -> u8 {
        match &self[expr].kind {
            ExprKind::Column { cursor, column, table } => match table {
                Some(table) => table.column_affinity(*column),
                None => usize::try_from(*column)
                    .ok()
                    .and_then(|column| self.columns_of(*cursor).get(column))
                    .map_or(AFFINITY_INTEGER, |column| column.affinity),
            },
            ExprKind::SelfColumn { column, table } => table.column_affinity(*column),
            ExprKind::TriggerColumn { column, table, returning, .. } if *returning || *column < 0 => {
                table.column_affinity(*column)
            }
            ExprKind::Subquery(select) => self.column_affinity(*select, 0),
            ExprKind::SubqueryColumn { subquery, column } => match self.subquery_of(*subquery) {
                Some(select) => self.column_affinity(select, usize::from(*column)),
                None => AFFINITY_NONE,
            },
            ExprKind::Cast { affinity, .. } => *affinity,
            ExprKind::Vector(terms) => terms.first().map_or(AFFINITY_NONE, |&term| self.affinity(term)),
            ExprKind::Function(call) if self[expr].flags.has(ExprFlags::DEFER_AFFINITY) => {
                call.arguments.first().map_or(AFFINITY_NONE, |&argument| self.affinity(argument))
            }
            ExprKind::Collate { operand, .. } | ExprKind::IfNullRow { operand, .. } => {
                self.affinity(*operand)
            }
            ExprKind::Register { of: Some(of), .. } | ExprKind::AggregateSlot { of, .. } => {
                self.affinity(*of)
            }
            _ => AFFINITY_NONE,
        }
    }

    fn column_affinity(&self, select: SelectId, column: usize) -> u8 {
        self[select].columns.get(column).map_or(AFFINITY_NONE, |column| self.affinity(column.expr))
    }

    /// The name of an expression's collation: of a COLLATE operator, else of a column; `None` where neither decides.
    /// Of two operands that both have a COLLATE the left one counts.
    pub fn collation(&self, expr: ExprId) -> Option<&[u8]> {
        let mut expr = expr;
        loop {
            match &self[expr].kind {
                ExprKind::Column { cursor, column, table } => {
                    let column = usize::try_from(*column).ok()?;
                    let collation = match table {
                        Some(table) => table.columns.get(column)?.collation.as_deref(),
                        None => self.columns_of(*cursor).get(column)?.collation.as_deref(),
                    };
                    return Some(collation.unwrap_or(b"BINARY"));
                }
                ExprKind::SelfColumn { column, table } | ExprKind::TriggerColumn { column, table, .. } => {
                    let column = table.columns.get(usize::try_from(*column).ok()?)?;
                    return Some(column.collation.as_deref().unwrap_or(b"BINARY"));
                }
                ExprKind::Register { of, .. } => expr = (*of)?,
                ExprKind::AggregateSlot { of, .. } => match &self[*of].kind {
                    ExprKind::Column { .. } => expr = *of,
                    _ => return None,
                },
                ExprKind::Cast { operand, .. } | ExprKind::Unary { op: UnaryOp::Plus, operand } => {
                    expr = *operand
                }
                ExprKind::Vector(terms) => expr = *terms.first()?,
                ExprKind::Function(call) if self[expr].flags.has(ExprFlags::DEFER_AFFINITY) => {
                    expr = *call.arguments.first()?;
                }
                ExprKind::Collate { collation, .. } => return Some(collation),
                _ if self[expr].flags.has(ExprFlags::COLLATED) => {
                    let mut collated = None;
                    self.for_each_operand(expr, |operand| {
                        if collated.is_none() && self[operand].flags.has(ExprFlags::COLLATED) {
                            collated = Some(operand);
                        }
                    });
                    expr = collated?;
                }
                _ => return None,
            }
        }
    }

    /// The types that the value may have; none when it is always NULL.
    pub fn data_types(&self, expr: ExprId) -> DataTypes {
        let mut expr = expr;
        loop {
            return DataTypes(match &self[expr].kind {
                ExprKind::Collate { operand, .. }
                | ExprKind::IfNullRow { operand, .. }
                | ExprKind::Unary { op: UnaryOp::Plus, operand } => {
                    expr = *operand;
                    continue;
                }
                ExprKind::Null => 0,
                ExprKind::Text(_) => DataTypes::TEXT,
                ExprKind::Blob(_) => DataTypes::BLOB,
                ExprKind::Binary { op: super::BinaryOp::Concat, .. } => DataTypes::TEXT | DataTypes::BLOB,
                ExprKind::Parameter(_) | ExprKind::Function(_) => 7,
                ExprKind::AggregateSlot { of, .. } if matches!(self[*of].kind, ExprKind::Function(_)) => 7,
                ExprKind::Column { .. }
                | ExprKind::SelfColumn { .. }
                | ExprKind::AggregateSlot { .. }
                | ExprKind::Subquery(_)
                | ExprKind::SubqueryColumn { .. }
                | ExprKind::Cast { .. }
                | ExprKind::Vector(_) => match self.affinity(expr) {
                    AFFINITY_NUMERIC.. => DataTypes::NUMERIC | DataTypes::BLOB,
                    AFFINITY_TEXT => DataTypes::TEXT | DataTypes::BLOB,
                    _ => 7,
                },
                ExprKind::Case { arms, otherwise, .. } => arms
                    .iter()
                    .map(|&(_, then)| then)
                    .chain(*otherwise)
                    .fold(0, |types, arm| types | self.data_types(arm).0),
                _ => DataTypes::NUMERIC,
            });
        }
    }

    /// Whether an expression may be NULL. `true` when in doubt.
    pub fn can_be_null(&self, expr: ExprId) -> bool {
        let mut expr = expr;
        while let ExprKind::Unary { op: UnaryOp::Plus | UnaryOp::Minus, operand } = self[expr].kind {
            expr = operand;
        }
        match &self[expr].kind {
            ExprKind::Integer(_) | ExprKind::Real(_) | ExprKind::Text(_) | ExprKind::Blob(_) => {
                self[expr].flags.has(ExprFlags::BOOLEAN_LITERAL)
            }
            ExprKind::Column { column, table: Some(table), .. } | ExprKind::SelfColumn { column, table } => {
                self[expr].flags.has(ExprFlags::CAN_BE_NULL)
                    || usize::try_from(*column).is_ok_and(|column| {
                        table.columns.get(column).is_none_or(|column| column.not_null.is_none())
                    })
            }
            _ => true,
        }
    }

    /// `expr` without COLLATE operators and likely()-like calls around it.
    pub fn skip_collate_and_likely(&self, expr: ExprId) -> ExprId {
        let mut expr = expr;
        loop {
            match &self[expr].kind {
                ExprKind::Collate { operand, .. } => expr = *operand,
                ExprKind::Function(call) if call.probability.is_some() => match call.arguments.first() {
                    Some(&argument) => expr = argument,
                    None => return expr,
                },
                _ => return expr,
            }
        }
    }

    /// How many columns a row value has; 1 for a scalar.
    pub fn vector_size(&self, expr: ExprId) -> usize {
        match &self[expr].kind {
            ExprKind::Vector(terms) => terms.len(),
            ExprKind::Subquery(select) => self[*select].columns.len(),
            ExprKind::Register { of: Some(of), .. } => self.vector_size(*of),
            _ => 1,
        }
    }
}

impl Expr {
    /// Whether it is a constant that is false wherever it stands in a WHERE clause: 0 or FALSE, not from an outer join's ON.
    pub fn is_always_false(&self) -> bool {
        matches!(self.kind, ExprKind::Integer(0)) && !self.flags.has(ExprFlags::OUTER_ON)
    }

    /// Whether it is a constant that is true: TRUE or a small integer but 0, not from an outer join's ON.
    pub fn is_always_true(&self) -> bool {
        matches!(self.kind, ExprKind::Integer(value) if value != 0 && i32::try_from(value).is_ok())
            && !self.flags.has(ExprFlags::OUTER_ON)
    }
}
