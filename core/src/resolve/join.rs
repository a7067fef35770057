//! ON, USING and NATURAL become terms of the WHERE clause.
//!
//! A term remembers that it came from a join (`OUTER_ON`, `INNER_ON` and the cursor of the right-hand item): in an outer join it decides
//! which rows have a partner, not which rows there are.
//!
//! A column merged by USING is that of the leftmost table; right of a RIGHT or FULL JOIN it is the coalesce() of all of them.

use kernite_parser::ast::{self, BinaryOp, JoinConstraint};
use kernite_vdbe::Error;
use kernite_vdbe::function::registry::FunctionLookup;

use super::{Condition, Env, Pending, Resolver};
use crate::bound::{
    Bound, ExprFlags, ExprId, ExprKind, FromItem, FromSource, FunctionCall, SelectId, Visitor,
};
use crate::compile::{CompileResult, lossy};

impl Bound {
    /// How many columns a FROM item has.
    pub fn column_count(&self, item: &FromItem) -> usize {
        match item.table() {
            Some(table) => table.columns.len(),
            None => self.columns_of(item.cursor).len(),
        }
    }

    /// The name of a column of a FROM item.
    pub fn column_name<'b>(&'b self, item: &'b FromItem, column: usize) -> &'b [u8] {
        match item.table() {
            Some(table) => table.columns.get(column).map_or(&[], |column| &column.name),
            None => self.columns_of(item.cursor).get(column).map_or(&[], |column| &column.name),
        }
    }

    /// A column of a FROM item by name.
    pub fn find_column(&self, item: &FromItem, name: &[u8]) -> Option<usize> {
        match item.table() {
            Some(table) => table.find_column(name),
            None => {
                self.columns_of(item.cursor).iter().position(|column| column.name.eq_ignore_ascii_case(name))
            }
        }
    }

    /// A reference to a column of a FROM item, which is noted as used.
    pub fn column_expr(&mut self, select: SelectId, item: usize, column: usize) -> ExprId {
        let from = &mut self[select].from[item];
        let table = from.table().cloned();
        let is_rowid = table.as_ref().is_some_and(|table| table.rowid_alias == Some(column));
        let cursor = from.cursor;
        if !is_rowid {
            from.columns_used |= column_mask(from, column);
        }
        let column = if is_rowid { -1 } else { column as i16 };
        self.expr(ExprKind::Column { cursor, column, table })
    }

    /// Marks a whole expression as part of the ON clause of the join whose right-hand item is `cursor`. What an alias stands for is
    /// not part of it.
    pub fn set_join(&mut self, expr: ExprId, cursor: kernite_vdbe::op::Cursor, flag: u32) {
        if self[expr].flags.has(ExprFlags::FROM_ALIAS) {
            return;
        }
        self[expr].flags.set(flag);
        self[expr].join_cursor = Some(cursor);
        let mut operands = Vec::new();
        self.for_each_operand(expr, |operand| operands.push(operand));
        for operand in operands {
            crate::compile::deep(|| self.set_join(operand, cursor, flag));
        }
    }
}

/// The bit of a column in `columns_used`. A generated column needs all others.
pub(super) fn column_mask(item: &FromItem, column: usize) -> u64 {
    if let Some(table) = item.table()
        && table.has_generated
        && table.columns.get(column).is_some_and(|column| column.generated.is_some())
    {
        let count = table.columns.len();
        return if count >= 64 { u64::MAX } else { (1 << count) - 1 };
    }
    1 << column.min(63)
}

impl Resolver<'_, '_> {
    /// Turns the join constraints of a core into conditions, and NATURAL into USING.
    pub(super) fn process_joins(
        &mut self,
        env: &Env,
        id: SelectId,
        sources: &[ast::Source],
        pending: &mut Pending,
    ) -> CompileResult<()> {
        let mut seen_function = false;
        for (right, source) in sources.iter().enumerate().skip(1) {
            let item = &self.compiler.bound[id].from[right];
            let outer = item.join.outer;
            let natural = item.join.natural;
            let cursor = item.cursor;
            if natural && source.constraint != JoinConstraint::None {
                return Err(Error::message("a NATURAL join may not have an ON or USING clause"));
            }
            let using: Vec<Box<[u8]>> = match source.constraint {
                JoinConstraint::Using(names) => {
                    env.ast.list(names).iter().map(|name| env.ast.text(name.value).into()).collect()
                }
                _ if natural => self.common_columns(id, right),
                _ => Vec::new(),
            };
            if !using.is_empty() {
                self.compiler.bound[id].from[right].using.clone_from(&using);
                for name in &using {
                    let equality = self.using_term(id, right, name, natural, outer)?;
                    pending.filter.push(Condition::Using(equality));
                }
            } else if let JoinConstraint::On(expr) = source.constraint {
                self.compiler.bound[id].from[right].has_on = true;
                pending.filter.push(Condition::On { expr, cursor, outer });
                pending.on_to_where = true;
            }
            let has_arguments = |source: &ast::Source| matches!(source.kind, ast::SourceKind::Function { arguments, .. } if !arguments.is_empty());
            seen_function |= has_arguments(&sources[right - 1]);
            if outer && (seen_function || has_arguments(source)) {
                pending.on_to_where = true;
            }
        }
        Ok(())
    }

    /// Columns of item `right` that an item to its left has too.
    fn common_columns(&self, id: SelectId, right: usize) -> Vec<Box<[u8]>> {
        let bound = &self.compiler.bound;
        let from = &bound[id].from;
        let item = &from[right];
        (0..bound.column_count(item))
            .filter(|&column| !is_hidden(item, column))
            .map(|column| bound.column_name(item, column))
            .filter(|name| find_in(bound, from, 0..right, name, true).is_some())
            .map(Into::into)
            .collect()
    }

    /// `left.name = right.name`
    fn using_term(
        &mut self,
        id: SelectId,
        right: usize,
        name: &[u8],
        natural: bool,
        outer: bool,
    ) -> CompileResult<ExprId> {
        let bound = &self.compiler.bound;
        let from = &bound[id].from;
        let right_column = bound.find_column(&from[right], name);
        let left = find_in(bound, from, 0..right, name, natural);
        let (Some(right_column), Some((mut left, mut left_column))) = (right_column, left) else {
            return Err(Error::message(format!(
                "cannot join using column {} - column not present in both tables",
                lossy(name)
            )));
        };
        let has_right_join = from[0].join.left_of_right_join;
        let is_left_join = from[right].join.left;
        let mut left_expr = self.use_column(id, left, left_column);
        if has_right_join {
            self.compiler.bound[left_expr].flags.set(ExprFlags::CAN_BE_NULL);
            let mut arguments = Vec::new();
            loop {
                let bound = &self.compiler.bound;
                let from = &bound[id].from;
                let Some(next) = find_in(bound, from, left + 1..right, name, natural) else { break };
                (left, left_column) = next;
                if !from[left].using.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                    return Err(Error::message(format!("ambiguous reference to {} in USING()", lossy(name))));
                }
                arguments.push(left_expr);
                left_expr = self.use_column(id, left, left_column);
            }
            if !arguments.is_empty() {
                arguments.push(left_expr);
                left_expr = self.coalesce(arguments)?;
            }
        } else if is_left_join {
            self.compiler.bound[left_expr].flags.set(ExprFlags::CAN_BE_NULL);
        }
        let right_expr = self.use_column(id, right, right_column);
        let cursor = self.compiler.bound[id].from[right].cursor;
        let equality =
            self.add(ExprKind::Binary { op: BinaryOp::Eq, left: left_expr, right: right_expr }, None);
        let node = &mut self.compiler.bound[equality];
        node.flags.set(if outer { ExprFlags::OUTER_ON } else { ExprFlags::INNER_ON });
        node.join_cursor = Some(cursor);
        Ok(equality)
    }

    /// A column of a FROM item; a parenthesised join is told that its column is used.
    fn use_column(&mut self, id: SelectId, item: usize, column: usize) -> ExprId {
        self.note_nested_use(id, item, column);
        self.compiler.bound.column_expr(id, item, column)
    }

    /// Tells a parenthesised join that one of its columns is used.
    pub(super) fn note_nested_use(&mut self, id: SelectId, item: usize, column: usize) {
        let bound = &mut self.compiler.bound;
        if let FromSource::Subquery { select, .. } = bound[id].from[item].source
            && let Some(nested) = self.compiler.names.nested_from.get_mut(&select)
        {
            if let Some(nested) = nested.get_mut(column) {
                nested.used = true;
            }
            if let Some(column) = bound[select].columns.get_mut(column) {
                column.unused = false;
            }
        }
    }

    /// `coalesce(…)` with the affinity of its first argument.
    pub(super) fn coalesce(&mut self, arguments: Vec<ExprId>) -> CompileResult<ExprId> {
        let FunctionLookup::Found(function) = self.compiler.functions.find(b"coalesce", arguments.len())
        else {
            return Err(Error::message("no such function: coalesce"));
        };
        let call = FunctionCall { arguments, ..FunctionCall::new(function) };
        let expr = self.add(ExprKind::Function(Box::new(call)), None);
        let flags = ExprFlags::DEFER_AFFINITY | ExprFlags::HAS_FUNCTION | ExprFlags::CONSTANT_FUNCTION;
        self.compiler.bound[expr].flags.set(flags);
        Ok(expr)
    }

    /// Checks that no ON clause, and no argument of a table-valued function beside an outer join, looks to its right.
    ///
    /// # Errors
    /// `ON clause references tables to its right`.
    pub(super) fn check_on_clauses(&self, id: SelectId) -> CompileResult<()> {
        let bound = &self.compiler.bound;
        let core = &bound[id];
        let mut check = OnCheck { froms: vec![id], join: vec![None], what: "ON clause", failed: false };
        if let Some(filter) = core.filter {
            check.look(bound, filter);
        }
        check.verdict()?;
        check.what = "table-function argument";
        for (i, item) in core.from.iter().enumerate() {
            let FromSource::TableFunction { arguments, .. } = &item.source else { continue };
            let join = if item.join.left_of_right_join || item.join.right {
                Some(item.cursor)
            } else {
                let outer = core.from.iter().skip(i + 1).position(|right| right.join.outer);
                outer.map(|offset| core.from[i + offset].cursor)
            };
            if join.is_some() {
                check.join = vec![join];
                arguments.iter().for_each(|&argument| check.look(bound, argument));
            }
        }
        check.verdict()
    }
}

/// The walk of [`Resolver::check_on_clauses`].
struct OnCheck {
    /// The core that is checked, then the subqueries that are open.
    froms: Vec<SelectId>,
    /// For each of them the right-hand cursor of the join whose ON clause is being looked through.
    join: Vec<Option<kernite_vdbe::op::Cursor>>,
    what: &'static str,
    failed: bool,
}

impl OnCheck {
    fn verdict(&self) -> CompileResult<()> {
        if self.failed {
            return Err(Error::message(format!("{} references tables to its right", self.what)));
        }
        Ok(())
    }

    fn look(&mut self, bound: &Bound, expr: ExprId) {
        if self.failed {
            return;
        }
        let node = &bound[expr];
        let core = self.froms[self.froms.len() - 1];
        let has_right_join = bound[core].from.first().is_some_and(|item| item.join.left_of_right_join);
        let in_on =
            node.flags.has(ExprFlags::OUTER_ON) || (node.flags.has(ExprFlags::INNER_ON) && has_right_join);
        let level = self.join.len() - 1;
        if in_on && self.join[level].is_none() {
            self.join[level] = node.join_cursor;
            bound.walk(expr, self);
            self.join[level] = None;
        } else {
            bound.walk(expr, self);
        }
    }

    fn check_column(&mut self, bound: &Bound, cursor: kernite_vdbe::op::Cursor) {
        for (&core, &join) in self.froms.iter().zip(&self.join).rev() {
            let from = &bound[core].from;
            let Some(position) = from.iter().position(|item| item.cursor == cursor) else { continue };
            if let Some(join) = join {
                self.failed |= from[..position].iter().any(|item| item.cursor == join);
            }
            return;
        }
    }
}

impl Visitor for OnCheck {
    fn expr(&mut self, bound: &Bound, expr: ExprId) -> bool {
        if let ExprKind::Column { cursor, .. } = bound[expr].kind {
            self.check_column(bound, cursor);
        }
        let level = self.join.len() - 1;
        if self.join[level].is_none() && bound[expr].flags.any(ExprFlags::OUTER_ON | ExprFlags::INNER_ON) {
            // An ON term below the top of the WHERE clause: enter it as one.
            let mut operands = Vec::new();
            let node = &bound[expr];
            let core = self.froms[level];
            let has_right_join = bound[core].from.first().is_some_and(|item| item.join.left_of_right_join);
            if node.flags.has(ExprFlags::OUTER_ON) || has_right_join {
                self.join[level] = node.join_cursor;
                bound.for_each_operand(expr, |operand| operands.push(operand));
                operands.into_iter().for_each(|operand| bound.walk(operand, self));
                if let Some(select) = bound.subquery_of(expr) {
                    bound.walk_select(select, self);
                }
                self.join[level] = None;
                return false;
            }
        }
        !self.failed
    }

    fn enter(&mut self, _bound: &Bound, core: SelectId) {
        self.froms.push(core);
        self.join.push(None);
    }

    fn leave(&mut self, _bound: &Bound, _core: SelectId) {
        self.froms.pop();
        self.join.pop();
    }
}

/// Whether a column of a virtual table is hidden.
pub(super) fn is_hidden(item: &FromItem, column: usize) -> bool {
    item.table().is_some_and(|table| table.columns.get(column).is_some_and(|column| column.flags.hidden))
}

/// The first of some items that has a column of this name.
fn find_in(
    bound: &Bound,
    from: &[FromItem],
    range: std::ops::Range<usize>,
    name: &[u8],
    ignore_hidden: bool,
) -> Option<(usize, usize)> {
    range.into_iter().find_map(|i| {
        let item = from.get(i)?;
        let column = bound.find_column(item, name)?;
        (!ignore_hidden || !is_hidden(item, column)).then_some((i, column))
    })
}
