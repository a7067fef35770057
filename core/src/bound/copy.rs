//! Deep copies.
//!
//! An alias in ORDER BY stands for a copy of the result column; flattening and push-down put copies of a subquery's expressions
//! into the outer query. A copy keeps cursor numbers: it means the same rows.
//!
//! Always true: no node is shared between the copy and the original, so that a pass may rewrite one of them.

use super::{Bound, ExprId, ExprKind, FromSource, InSource, OrderTerm, SelectId};

impl Bound {
    /// A copy of `expr` and everything below it, subqueries included.
    pub fn copy(&mut self, expr: ExprId) -> ExprId {
        let mut node = self[expr].clone();
        match &mut node.kind {
            ExprKind::Null
            | ExprKind::Integer(_)
            | ExprKind::Real(_)
            | ExprKind::Text(_)
            | ExprKind::Blob(_)
            | ExprKind::Parameter(_)
            | ExprKind::Column { .. }
            | ExprKind::TriggerColumn { .. }
            | ExprKind::SelfColumn { .. }
            | ExprKind::Register { .. }
            | ExprKind::AggregateSlot { .. } => {}
            ExprKind::Unary { operand, .. }
            | ExprKind::Collate { operand, .. }
            | ExprKind::Cast { operand, .. }
            | ExprKind::IfNullRow { operand, .. } => self.recopy(operand),
            ExprKind::SubqueryColumn { subquery, .. } => self.recopy(subquery),
            ExprKind::Binary { left, right, .. } => {
                self.recopy(left);
                self.recopy(right);
            }
            ExprKind::Between { operand, low, high, .. } => {
                [operand, low, high].into_iter().for_each(|e| self.recopy(e))
            }
            ExprKind::In { operand, source, .. } => {
                self.recopy(operand);
                match source {
                    InSource::List(list) => list.iter_mut().for_each(|e| self.recopy(e)),
                    InSource::Select(select) => *select = self.copy_select(*select),
                }
            }
            ExprKind::Case { operand, arms, otherwise } => {
                operand.iter_mut().for_each(|e| self.recopy(e));
                for (when, then) in arms {
                    self.recopy(when);
                    self.recopy(then);
                }
                otherwise.iter_mut().for_each(|e| self.recopy(e));
            }
            ExprKind::Vector(terms) => terms.iter_mut().for_each(|e| self.recopy(e)),
            ExprKind::Subquery(select) | ExprKind::Exists(select) => *select = self.copy_select(*select),
            ExprKind::Function(call) => {
                self.recopy_terms(&mut call.order_by);
                call.arguments.iter_mut().for_each(|e| self.recopy(e));
                if let Some(window) = &mut call.window {
                    window.partition_by.iter_mut().for_each(|e| self.recopy(e));
                    self.recopy_terms(&mut window.order_by);
                    window.start_expr.iter_mut().for_each(|e| self.recopy(e));
                    window.end_expr.iter_mut().for_each(|e| self.recopy(e));
                }
                call.filter.iter_mut().for_each(|e| self.recopy(e));
            }
            ExprKind::Raise { message, .. } => message.iter_mut().for_each(|e| self.recopy(e)),
        }
        self.add(node)
    }

    /// A copy of a whole SELECT, all cores of its compound included. Returns the last core.
    pub fn copy_select(&mut self, select: SelectId) -> SelectId {
        let mut first = None;
        let mut above: Option<SelectId> = None;
        let mut next = Some(select);
        while let Some(core) = next {
            next = self[core].prior;
            let copy = self.copy_core(core);
            match above {
                Some(above) => self[above].prior = Some(copy),
                None => first = Some(copy),
            }
            above = Some(copy);
        }
        first.unwrap_or(select)
    }

    fn copy_core(&mut self, core: SelectId) -> SelectId {
        let mut copy = self[core].clone();
        copy.prior = None;
        copy.columns.iter_mut().for_each(|column| self.recopy(&mut column.expr));
        copy.rows.iter_mut().flatten().for_each(|e| self.recopy(e));
        copy.filter.iter_mut().for_each(|e| self.recopy(e));
        copy.group_by.iter_mut().for_each(|e| self.recopy(e));
        copy.having.iter_mut().for_each(|e| self.recopy(e));
        self.recopy_terms(&mut copy.order_by);
        copy.limit.iter_mut().for_each(|e| self.recopy(e));
        copy.offset.iter_mut().for_each(|e| self.recopy(e));
        for item in &mut copy.from {
            match &mut item.source {
                FromSource::Subquery { select, cte, .. } => {
                    *select = crate::compile::deep(|| self.copy_select(*select));
                    if let Some(used) = cte.and_then(|cte| self.ctes.get_mut(cte as usize)) {
                        used.uses += 1;
                    }
                }
                FromSource::TableFunction { arguments, .. } => {
                    arguments.iter_mut().for_each(|e| self.recopy(e));
                }
                FromSource::Table(_) | FromSource::Recursive => {}
            }
        }
        self.add_select(copy)
    }

    /// Says that `expr` was moved `levels` subqueries further in: aggregates in it belong to a query that much further out.
    pub fn deepen_aggregates(&mut self, expr: ExprId, levels: u32) {
        if let ExprKind::Function(call) = &mut self[expr].kind
            && call.is_aggregate
        {
            call.aggregate_depth = call.aggregate_depth.saturating_add(levels as u8);
        }
        let mut below = Vec::new();
        self.for_each_operand(expr, |operand| below.push(operand));
        let mut next = self.subquery_of(expr);
        while let Some(core) = next {
            self.for_each_root(core, |root| below.push(root));
            next = self[core].prior;
        }
        for expr in below {
            crate::compile::deep(|| self.deepen_aggregates(expr, levels));
        }
    }

    fn recopy(&mut self, expr: &mut ExprId) {
        *expr = crate::compile::deep(|| self.copy(*expr));
    }

    fn recopy_terms(&mut self, terms: &mut [OrderTerm]) {
        terms.iter_mut().for_each(|term| self.recopy(&mut term.expr));
    }
}
