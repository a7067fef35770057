//! Columns of FROM items: which are used, and what becomes of a subquery's columns that are not.

use crate::bound::{Bound, CompoundOp, ExprFlags, ExprId, ExprKind, FromSource, SelectId, Visitor};
use crate::compile::Compiler;
use kernite_vdbe::op::Cursor;

/// Collects the columns of one cursor.
struct Used {
    cursor: Cursor,
    bits: u64,
}

impl Visitor for Used {
    fn expr(&mut self, bound: &Bound, expr: ExprId) -> bool {
        if let ExprKind::Column { cursor, column, table } = &bound[expr].kind
            && *cursor == self.cursor
            && *column >= 0
        {
            self.bits |= match table {
                // A generated column may need any other.
                Some(table) if table.has_generated && is_generated(table, *column) => u64::MAX,
                _ => 1 << (*column).min(63),
            };
        }
        true
    }
}

fn is_generated(table: &crate::catalog::Table, column: i16) -> bool {
    table.columns.get(column as usize).is_some_and(|column| column.generated.is_some())
}

/// Looks anew which columns of item `at` a SELECT uses.
pub fn recompute_columns_used(c: &mut Compiler<'_>, select: SelectId, at: usize) {
    let mut used = Used { cursor: c.bound[select].from[at].cursor, bits: 0 };
    c.bound.walk_select(select, &mut used);
    c.bound[select].from[at].columns_used = used.bits;
}

/// Columns of the subquery that is item `at` that the outer query does not use become NULL, so that they need not be computed.
pub fn null_unused_columns(c: &mut Compiler<'_>, outer: SelectId, at: usize) {
    let item = &c.bound[outer].from[at];
    let FromSource::Subquery { select, cte, .. } = item.source else { return };
    if item.correlated || cte.is_some() {
        return;
    }
    let mut used = item.columns_used;
    let cores: Vec<SelectId> = c.bound.cores(select).collect();
    for &core in &cores {
        let node = &c.bound[core];
        let joined_otherwise = node.prior.is_some() && node.operator != Some(CompoundOp::UnionAll);
        if node.flags.distinct || node.flags.aggregate || node.flags.has_window || joined_otherwise {
            return;
        }
    }
    for term in &c.bound[select].order_by {
        if let Some(column) = term.result_column.checked_sub(1) {
            used |= 1 << column.min(63);
        }
    }
    for column in 0..c.bound[select].columns.len() {
        if used & 1 << column.min(63) != 0 {
            continue;
        }
        for &core in &cores {
            let Some(expr) = c.bound[core].columns.get(column).map(|column| column.expr) else { continue };
            if matches!(c.bound[expr].kind, ExprKind::Null) {
                continue;
            }
            let node = &mut c.bound[expr];
            node.kind = ExprKind::Null;
            node.flags.clear(ExprFlags::COLLATED | ExprFlags::HAS_SUBQUERY | ExprFlags::HAS_FUNCTION);
            c.codegen.select_mut(core).pushed_down = true;
        }
    }
}
