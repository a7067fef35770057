//! Which sources an expression needs.

use super::where_loop::{Mask, WhereLoop};
use crate::bound::{Bound, ExprId, ExprKind, Visitor};
use crate::compile::Compiler;

/// Collects the bits of the columns that it is shown.
struct Usage<'w, 'c> {
    w: &'w WhereLoop,
    c: &'w Compiler<'c>,
    mask: Mask,
    saw_correlated: bool,
}

impl Visitor for Usage<'_, '_> {
    fn expr(&mut self, bound: &Bound, expr: ExprId) -> bool {
        match &bound[expr].kind {
            ExprKind::Column { cursor, .. } => {
                if !self.c.codegen.fixed_columns.contains_key(&expr) {
                    self.mask |= self.w.mask_of(*cursor);
                }
            }
            ExprKind::IfNullRow { cursor, .. } => self.mask |= self.w.mask_of(*cursor),
            _ => {}
        }
        self.saw_correlated |= bound.subquery_of(expr).is_some() && bound.is_correlated(expr);
        true
    }
}

impl WhereLoop {
    /// The sources that an expression needs, its subqueries included. Notes correlated subqueries.
    pub fn usage(&mut self, c: &Compiler<'_>, expr: ExprId) -> Mask {
        let (mask, saw_correlated) = self.usage_of(c, |usage| c.bound.walk(expr, usage));
        self.saw_correlated |= saw_correlated;
        mask
    }

    /// The sources that the SELECT inside of an expression needs.
    pub fn select_usage(&mut self, c: &Compiler<'_>, expr: ExprId) -> Mask {
        let Some(select) = c.bound.subquery_of(expr) else { return 0 };
        let (mask, saw_correlated) = self.usage_of(c, |usage| c.bound.walk_select(select, usage));
        self.saw_correlated |= saw_correlated;
        mask
    }

    /// The sources that expressions need.
    pub fn list_usage(&self, c: &Compiler<'_>, list: impl IntoIterator<Item = ExprId>) -> Mask {
        list.into_iter().fold(0, |mask, expr| mask | self.usage_of(c, |usage| c.bound.walk(expr, usage)).0)
    }

    fn usage_of(&self, c: &Compiler<'_>, walk: impl FnOnce(&mut dyn Visitor)) -> (Mask, bool) {
        let mut usage = Usage { w: self, c, mask: 0, saw_correlated: false };
        walk(&mut usage);
        (usage.mask, usage.saw_correlated)
    }
}
