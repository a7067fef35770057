//! What a comparison makes of the affinities and collations of its two sides.
//!
//! The affinity of one expression is [`Bound::affinity`](crate::bound::Bound::affinity), its collation
//! [`Bound::collation`](crate::bound::Bound::collation); here they are combined.
//!
//! Spec: Datatypes In SQLite, "Type Conversions Prior To Comparison", "Collating Sequences".

use kernite_btree::Collation;
use kernite_vdbe::Error;
use kernite_vdbe::op::CollationId;

use crate::bound::{
    AFFINITY_BLOB, AFFINITY_NONE, AFFINITY_NUMERIC, AFFINITY_TEXT, Bound, ExprFlags, ExprId, ExprKind,
    InSource, UnaryOp,
};
use crate::compile::{CompileResult, Compiler};

/// `SQLITE_ERROR_MISSING_COLLSEQ`.
const MISSING_COLLATION: i32 = 257;

/// Whether an affinity turns text into numbers.
pub const fn is_numeric(affinity: u8) -> bool {
    affinity >= AFFINITY_NUMERIC
}

impl Bound {
    /// The affinity that a comparison of `expr` with something of affinity `other` applies to both sides.
    pub fn compare_affinity(&self, expr: ExprId, other: u8) -> u8 {
        let own = self.affinity(expr);
        match (own > AFFINITY_NONE, other > AFFINITY_NONE) {
            (true, true) if is_numeric(own) || is_numeric(other) => AFFINITY_NUMERIC,
            (true, true) => AFFINITY_BLOB,
            (false, _) => other,
            (true, false) => own,
        }
    }

    /// The affinity that a comparison or IN applies.
    pub fn comparison_affinity(&self, expr: ExprId) -> u8 {
        let or_blob = |affinity| if affinity == AFFINITY_NONE { AFFINITY_BLOB } else { affinity };
        match &self[expr].kind {
            ExprKind::Binary { left, right, .. } => self.compare_affinity(*right, self.affinity(*left)),
            ExprKind::In { operand, source: InSource::Select(select), .. } => {
                let left = self.affinity(*operand);
                self[*select].columns.first().map_or(left, |column| self.compare_affinity(column.expr, left))
            }
            ExprKind::In { operand, .. } | ExprKind::Unary { operand, .. } => {
                or_blob(self.affinity(*operand))
            }
            _ => AFFINITY_BLOB,
        }
    }

    /// Whether an index column of this affinity can answer a comparison.
    pub fn index_affinity_ok(&self, comparison: ExprId, index_affinity: u8) -> bool {
        fits_index(self.comparison_affinity(comparison), index_affinity)
    }

    /// The collation of a comparison of two expressions: an explicit one wins, the left one before the right one.
    pub fn binary_collation(&self, left: ExprId, right: Option<ExprId>) -> Option<&[u8]> {
        let collated = |expr: ExprId| self[expr].flags.has(ExprFlags::COLLATED);
        match right {
            _ if collated(left) => self.collation(left),
            Some(right) if collated(right) => self.collation(right),
            Some(right) => self.collation(left).or_else(|| self.collation(right)),
            None => self.collation(left),
        }
    }

    /// The collation of a comparison operator.
    pub fn comparison_collation(&self, expr: ExprId) -> Option<&[u8]> {
        match self[expr].kind {
            ExprKind::Binary { left, right, .. } if self[expr].flags.has(ExprFlags::COMMUTED) => {
                self.binary_collation(right, Some(left))
            }
            ExprKind::Binary { left, right, .. } => self.binary_collation(left, Some(right)),
            ExprKind::In { operand, .. } | ExprKind::Unary { operand, .. } => {
                self.binary_collation(operand, None)
            }
            _ => None,
        }
    }

    /// The name of the collation that an expression brings, BINARY where it brings none.
    pub fn collation_name(&self, expr: ExprId) -> &[u8] {
        self.collation(expr).unwrap_or(b"BINARY")
    }

    /// Whether applying an affinity to the value is known to change nothing.
    pub fn needs_no_change(&self, mut expr: ExprId, to: u8) -> bool {
        if to == AFFINITY_BLOB {
            return true;
        }
        let mut negated = false;
        loop {
            match &self[expr].kind {
                ExprKind::Unary { op: UnaryOp::Plus, operand } => expr = *operand,
                ExprKind::Unary { op: UnaryOp::Minus, operand } => {
                    negated = true;
                    expr = *operand;
                }
                ExprKind::Register { of: Some(of), .. } => expr = *of,
                ExprKind::Integer(_) | ExprKind::Real(_) => return is_numeric(to),
                ExprKind::Text(_) => return !negated && to == AFFINITY_TEXT,
                ExprKind::Blob(_) => return !negated,
                ExprKind::Column { column, .. } => return is_numeric(to) && *column < 0,
                _ => return false,
            }
        }
    }
}

/// Whether an index column of this affinity can answer a comparison made under affinity `comparison`.
pub fn fits_index(comparison: u8, index_affinity: u8) -> bool {
    match comparison {
        ..AFFINITY_TEXT => true,
        AFFINITY_TEXT => index_affinity == AFFINITY_TEXT,
        _ => is_numeric(index_affinity),
    }
}

/// Whether a collation is BINARY (or none).
pub fn is_binary(name: Option<&[u8]>) -> bool {
    name.is_none_or(|name| name.eq_ignore_ascii_case(b"BINARY"))
}

impl Compiler<'_> {
    /// A collation by name. An unknown name is an error.
    pub fn find_collation(&self, name: Option<&[u8]>) -> CompileResult<Collation> {
        let Some(name) = name else { return Ok(Collation::Binary) };
        self.collations.find(name).ok_or_else(|| {
            let name = String::from_utf8_lossy(name);
            Error::with_code(MISSING_COLLATION, format!("no such collation sequence: {name}"))
        })
    }

    /// A collation of the program's link table, by name.
    pub fn link_collation(&mut self, name: Option<Vec<u8>>) -> CompileResult<CollationId> {
        let collation = self.find_collation(name.as_deref())?;
        let text = name.map_or_else(|| "BINARY".into(), |name| String::from_utf8_lossy(&name).into_owned());
        Ok(self.builder.collation(&text, collation))
    }

    /// The collation of a comparison of two expressions, linked.
    pub fn link_binary_collation(&mut self, left: ExprId, right: ExprId) -> CompileResult<CollationId> {
        match self.bound.binary_collation(left, Some(right)) {
            None | Some(b"BINARY") => Ok(CollationId(0)),
            Some(name) => {
                let name = name.to_vec();
                self.link_collation(Some(name))
            }
        }
    }

    /// The collation of one expression, linked.
    pub fn link_expr_collation(&mut self, expr: ExprId) -> CompileResult<CollationId> {
        match self.bound.collation(expr) {
            None | Some(b"BINARY") => Ok(CollationId(0)),
            Some(name) => {
                let name = name.to_vec();
                self.link_collation(Some(name))
            }
        }
    }
}
