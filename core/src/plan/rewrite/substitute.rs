//! References to columns of a subquery become the expressions of those columns.

use kernite_vdbe::op::Cursor;

use crate::bound::{ExprFlags, ExprId, ExprKind, FromSource, InSource, SelectId};
use crate::codegen::expr::vector_error;
use crate::compile::{CompileResult, Compiler};
use crate::plan::analyze::set_join;

/// What is put in the place of what.
pub struct Substitution {
    /// Cursor of the subquery.
    pub cursor: Cursor,
    /// Cursor that takes its place in joins.
    pub new_cursor: Cursor,
    /// The subquery is the right side of an outer join: its columns are NULL on a null row.
    pub outer_join: bool,
    /// Result columns of the core.
    pub columns: Vec<ExprId>,
    /// Those of the compound's first core, whose collations count.
    pub collations: Vec<ExprId>,
}

impl Substitution {
    /// The result columns of a core.
    pub fn columns_of(c: &Compiler<'_>, core: SelectId) -> Vec<ExprId> {
        c.bound[core].columns.iter().map(|column| column.expr).collect()
    }

    /// Substitutes in one expression. `depth` is the number of SELECTs entered.
    pub fn expr(&self, c: &mut Compiler<'_>, expr: ExprId, depth: u32) -> CompileResult<()> {
        crate::compile::deep(|| self.expr_here(c, expr, depth))
    }

    fn expr_here(&self, c: &mut Compiler<'_>, expr: ExprId, depth: u32) -> CompileResult<()> {
        let joined = c.bound[expr].flags.any(ExprFlags::OUTER_ON | ExprFlags::INNER_ON);
        if joined && c.bound[expr].join_cursor == Some(self.cursor) {
            c.bound[expr].join_cursor = Some(self.new_cursor);
        }
        match &mut c.bound[expr].kind {
            ExprKind::Column { cursor, column, .. }
                if *cursor == self.cursor && !c.codegen.fixed_columns.contains_key(&expr) =>
            {
                let column = *column;
                return self.column(c, expr, column);
            }
            ExprKind::IfNullRow { cursor, .. } if *cursor == self.cursor => *cursor = self.new_cursor,
            ExprKind::Function(call)
                if call.is_aggregate && depth > 0 && u32::from(call.aggregate_depth) >= depth =>
            {
                call.aggregate_depth -= 1;
            }
            _ => {}
        }
        let mut operands = Vec::new();
        c.bound.for_each_operand(expr, |operand| operands.push(operand));
        for operand in operands {
            self.expr(c, operand, depth)?;
        }
        if let Some(&value) = c.codegen.fixed_columns.get(&expr) {
            self.expr(c, value, depth)?;
        }
        match c.bound.subquery_of(expr) {
            Some(select) => self.select(c, select, depth + 1, true),
            None => Ok(()),
        }
    }

    /// Substitutes in a SELECT; with `prior` in the cores before it too.
    pub fn select(
        &self,
        c: &mut Compiler<'_>,
        select: SelectId,
        depth: u32,
        prior: bool,
    ) -> CompileResult<()> {
        let mut core = Some(select);
        while let Some(id) = core {
            let roots = {
                let node = &c.bound[id];
                let mut roots: Vec<ExprId> = node.columns.iter().map(|column| column.expr).collect();
                roots.extend(&node.group_by);
                roots.extend(node.order_by.iter().map(|term| term.expr));
                roots.extend(node.having);
                roots.extend(node.filter);
                roots
            };
            for root in roots {
                self.expr(c, root, depth)?;
            }
            for at in 0..c.bound[id].from.len() {
                match &c.bound[id].from[at].source {
                    FromSource::Subquery { select, .. } => {
                        let select = *select;
                        self.select(c, select, depth + 1, true)?;
                    }
                    FromSource::TableFunction { arguments, .. } => {
                        for argument in arguments.clone() {
                            self.expr(c, argument, depth)?;
                        }
                    }
                    FromSource::Table(_) | FromSource::Recursive => {}
                }
            }
            core = c.bound[id].prior.filter(|_| prior);
        }
        Ok(())
    }

    /// One reference.
    fn column(&self, c: &mut Compiler<'_>, expr: ExprId, column: i16) -> CompileResult<()> {
        let Some(&original) = usize::try_from(column).ok().and_then(|at| self.columns.get(at)) else {
            c.bound[expr].kind = ExprKind::Null;
            return Ok(());
        };
        if c.bound.is_vector(original) {
            return Err(vector_error(c, original));
        }
        let (flags, join_cursor) = (c.bound[expr].flags, c.bound[expr].join_cursor);
        let mut new = c.copy_expr(original);
        let own_column = c.bound.column(original).is_some_and(|(cursor, _)| cursor == self.new_cursor);
        if self.outer_join && !own_column {
            new = c.bound.make(ExprKind::IfNullRow { cursor: self.new_cursor, operand: new });
        }
        if self.outer_join {
            c.bound[new].flags.set(ExprFlags::CAN_BE_NULL);
        }
        // TRUE and FALSE are numbers where they come out of a subquery.
        c.bound[new].flags.clear(ExprFlags::BOOLEAN_LITERAL);
        let natural = c.bound.collation(new).map(<[u8]>::to_vec);
        let wanted = self.collations.get(column as usize).and_then(|&first| c.bound.collation(first));
        let wanted = wanted.map(<[u8]>::to_vec);
        let same = match (&natural, &wanted) {
            (Some(one), Some(other)) => one.eq_ignore_ascii_case(other),
            (None, None) => true,
            _ => false,
        };
        let keeps_own = matches!(c.bound[new].kind, ExprKind::Column { .. } | ExprKind::Collate { .. });
        if !same || !keeps_own {
            let name = wanted.unwrap_or_else(|| b"BINARY".to_vec());
            new = c.bound.collate(new, &name);
        }
        // The collation is an implicit one, as that of a column.
        c.bound[new].flags.clear(ExprFlags::COLLATED);
        let node = c.bound[new].clone();
        let fixed = c.codegen.fixed_columns.get(&new).copied();
        c.bound[expr].kind = node.kind;
        c.bound[expr].flags = node.flags;
        c.bound[expr].join_cursor = node.join_cursor;
        c.move_notes(new, expr);
        if let Some(value) = fixed {
            c.codegen.fixed_columns.insert(expr, value);
        }
        let joined = flags.0 & (ExprFlags::OUTER_ON | ExprFlags::INNER_ON);
        if joined != 0
            && let Some(cursor) = join_cursor
        {
            let flag =
                if joined & ExprFlags::OUTER_ON != 0 { ExprFlags::OUTER_ON } else { ExprFlags::INNER_ON };
            set_join(c, expr, cursor, flag);
        }
        Ok(())
    }
}

/// Whether an IN was copied into a subquery: both copies are searched, so that a Bloom filter pays.
pub fn note_cloned_in(c: &mut Compiler<'_>, original: ExprId, copy: ExprId) {
    let select_of = |c: &Compiler<'_>, expr: ExprId| match c.bound[expr].kind {
        ExprKind::In { source: InSource::Select(select), .. } => Some(select),
        _ => None,
    };
    if let (Some(one), Some(other)) = (select_of(c, original), select_of(c, copy)) {
        c.codegen.select_mut(one).cloned_in = true;
        c.codegen.select_mut(other).cloned_in = true;
    }
}
