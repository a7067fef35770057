//! Visiting the nodes of a bound tree.
//!
//! `for_each_operand` is the one place that knows which operands a node has and in what order SQLite looks at them: left, right,
//! list (arguments, ORDER BY of the call, window, filter). Subqueries are not operands; who wants to enter them asks `subquery_of`.
//!
//! Never: changes.

use super::{Bound, ExprId, ExprKind, FromSource, InSource, SelectId};

impl Bound {
    /// Calls `visit` for each direct operand of `expr`, left to right. Does not enter subqueries.
    pub fn for_each_operand(&self, expr: ExprId, mut visit: impl FnMut(ExprId)) {
        match &self[expr].kind {
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
            | ExprKind::AggregateSlot { .. }
            | ExprKind::Subquery(_)
            | ExprKind::Exists(_) => {}
            ExprKind::Unary { operand, .. }
            | ExprKind::Collate { operand, .. }
            | ExprKind::Cast { operand, .. }
            | ExprKind::IfNullRow { operand, .. } => visit(*operand),
            ExprKind::SubqueryColumn { subquery, .. } => visit(*subquery),
            ExprKind::Binary { left, right, .. } => {
                visit(*left);
                visit(*right);
            }
            ExprKind::Between { operand, low, high, .. } => {
                [operand, low, high].into_iter().for_each(|&e| visit(e))
            }
            ExprKind::In { operand, source, .. } => {
                visit(*operand);
                if let InSource::List(list) = source {
                    list.iter().for_each(|&e| visit(e));
                }
            }
            ExprKind::Case { operand, arms, otherwise } => {
                operand.iter().for_each(|&e| visit(e));
                for &(when, then) in arms {
                    visit(when);
                    visit(then);
                }
                otherwise.iter().for_each(|&e| visit(e));
            }
            ExprKind::Vector(terms) => terms.iter().for_each(|&e| visit(e)),
            ExprKind::Function(call) => {
                call.order_by.iter().for_each(|term| visit(term.expr));
                call.arguments.iter().for_each(|&e| visit(e));
                if let Some(window) = &call.window {
                    window.partition_by.iter().for_each(|&e| visit(e));
                    window.order_by.iter().for_each(|term| visit(term.expr));
                }
                call.filter.iter().for_each(|&e| visit(e));
            }
            ExprKind::Raise { message, .. } => message.iter().for_each(|&e| visit(e)),
        }
    }

    /// The subquery directly inside `expr`.
    pub fn subquery_of(&self, expr: ExprId) -> Option<SelectId> {
        match &self[expr].kind {
            ExprKind::Subquery(select) | ExprKind::Exists(select) => Some(*select),
            ExprKind::In { source: InSource::Select(select), .. } => Some(*select),
            _ => None,
        }
    }

    /// Whether `test` holds for `expr` or an expression below it, subqueries left out.
    pub fn any_below(&self, expr: ExprId, test: &mut dyn FnMut(&Bound, ExprId) -> bool) -> bool {
        if test(self, expr) {
            return true;
        }
        let mut found = false;
        self.for_each_operand(expr, |operand| {
            if !found {
                found = crate::compile::deep(|| self.any_below(operand, test));
            }
        });
        found
    }

    /// Calls `visit` for the expressions of one core, in the order of SQLite's walker: result columns, WHERE, GROUP BY, HAVING,
    /// ORDER BY, LIMIT, arguments of table-valued functions.
    pub fn for_each_root(&self, select: SelectId, mut visit: impl FnMut(ExprId)) {
        let core = &self[select];
        core.columns.iter().for_each(|column| visit(column.expr));
        core.rows.iter().flatten().for_each(|&e| visit(e));
        core.filter.iter().for_each(|&e| visit(e));
        core.group_by.iter().for_each(|&e| visit(e));
        core.having.iter().for_each(|&e| visit(e));
        core.order_by.iter().for_each(|term| visit(term.expr));
        core.limit.iter().for_each(|&e| visit(e));
        core.offset.iter().for_each(|&e| visit(e));
        for item in &core.from {
            if let FromSource::TableFunction { arguments, .. } = &item.source {
                arguments.iter().for_each(|&e| visit(e));
            }
        }
    }

    /// Visits every expression below `expr`, `expr` first, and the cores of its subqueries. `enter` is called before a core's
    /// expressions, `leave` after them and after its FROM subqueries.
    pub fn walk(&self, expr: ExprId, visitor: &mut dyn Visitor) {
        if !visitor.expr(self, expr) {
            return;
        }
        self.for_each_operand(expr, |operand| crate::compile::deep(|| self.walk(operand, visitor)));
        if let Some(select) = self.subquery_of(expr) {
            crate::compile::deep(|| self.walk_select(select, visitor));
        }
    }

    /// Visits all cores of a compound, the last one first, as SQLite does.
    pub fn walk_select(&self, select: SelectId, visitor: &mut dyn Visitor) {
        let mut next = Some(select);
        while let Some(core) = next {
            visitor.enter(self, core);
            self.for_each_root(core, |root| self.walk(root, visitor));
            for item in &self[core].from {
                if let FromSource::Subquery { select, .. } = item.source {
                    crate::compile::deep(|| self.walk_select(select, visitor));
                }
            }
            visitor.leave(self, core);
            next = self[core].prior;
        }
    }
}

/// What is told of each node on a walk.
pub trait Visitor {
    /// An expression; `false` leaves out what is below it.
    fn expr(&mut self, bound: &Bound, expr: ExprId) -> bool;
    /// A core is entered.
    fn enter(&mut self, _bound: &Bound, _core: SelectId) {}
    /// A core is left.
    fn leave(&mut self, _bound: &Bound, _core: SelectId) {}
}
