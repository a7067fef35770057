//! ORDER BY and GROUP BY: numbers, aliases, expressions.
//!
//! A term that is the number or alias of a result column, or equal to one, becomes a copy of it and remembers which. ORDER BY of a compound may
//! only be such a term; it is looked for in the first core, then in the next ones.
//!
//! Spec: SELECT, "The ORDER BY clause".

use kernite_parser::ast::{self, Ast, List};
use kernite_vdbe::Error;

use super::context::{Allowed, Context};
use super::star::skip_collate;
use super::{Env, Resolver};
use crate::bound::{ExprFlags, ExprId, ExprKind, OrderTerm, SelectId, Similarity};
use crate::compile::{CompileResult, LimitKind};

/// A term with its order.
pub(super) fn term(term: &ast::OrderTerm, expr: ExprId, result_column: u16) -> OrderTerm {
    OrderTerm { expr, descending: term.order == Some(ast::SortOrder::Desc), nulls: term.nulls, result_column }
}

impl Resolver<'_, '_> {
    /// ORDER BY of a core that is no compound.
    pub(super) fn resolve_order_by(
        &mut self,
        env: &Env,
        at: usize,
        core: SelectId,
        terms: &[ast::OrderTerm],
    ) -> CompileResult<()> {
        let mut resolved = Vec::with_capacity(terms.len());
        for (i, written) in terms.iter().enumerate() {
            let bare = skip_collate(&env.ast, written.expr);
            let column = match self.alias_number(&env.ast, core, bare) {
                Some(column) => Some(column),
                None => self.number(env, core, bare, i, "ORDER")?,
            };
            resolved.push(match column {
                Some(column) => self.placeholder(env, written, column),
                None => {
                    let expr = self.resolve_root(env, at, written.expr)?;
                    term(written, expr, self.equal_column(core, expr))
                }
            });
        }
        self.check_count(terms.len(), "ORDER")?;
        self.check_numbers(core, &resolved, "ORDER")?;
        self.substitute_aliases(core, &mut resolved);
        self.compiler.bound[core].order_by = resolved;
        Ok(())
    }

    /// GROUP BY. Aliases are found only where no column has that name.
    pub(super) fn resolve_group_by(
        &mut self,
        env: &Env,
        at: usize,
        core: SelectId,
        terms: &[ast::ExprId],
    ) -> CompileResult<()> {
        let mut resolved = Vec::with_capacity(terms.len());
        for (i, &written) in terms.iter().enumerate() {
            let as_term = ast::OrderTerm { expr: written, order: None, nulls: None };
            let bare = skip_collate(&env.ast, written);
            resolved.push(match self.number(env, core, bare, i, "GROUP")? {
                Some(column) => self.placeholder(env, &as_term, column),
                None => {
                    let expr = self.resolve_root(env, at, written)?;
                    term(&as_term, expr, self.equal_column(core, expr))
                }
            });
        }
        self.check_count(terms.len(), "GROUP")?;
        self.check_numbers(core, &resolved, "GROUP")?;
        self.substitute_aliases(core, &mut resolved);
        let group_by: Vec<ExprId> = resolved.iter().map(|term| term.expr).collect();
        if group_by.iter().any(|&expr| self.compiler.bound[expr].flags.has(ExprFlags::HAS_AGGREGATE)) {
            return Err(Error::message("aggregate functions are not allowed in the GROUP BY clause"));
        }
        self.compiler.bound[core].group_by = group_by;
        Ok(())
    }

    /// ORDER BY of a compound: every term becomes the number of a column, under its COLLATE.
    pub(super) fn resolve_compound_order_by(
        &mut self,
        env: &Env,
        select: SelectId,
        terms: List<ast::OrderTerm>,
    ) -> CompileResult<()> {
        let terms = env.ast.list(terms);
        self.check_count(terms.len(), "ORDER")?;
        let mut cores = vec![select];
        while let Some(prior) = self.compiler.bound[cores[cores.len() - 1]].prior {
            cores.push(prior);
        }
        let mut found: Vec<Option<u16>> = vec![None; terms.len()];
        for &core in cores.iter().rev() {
            for (i, written) in terms.iter().enumerate() {
                if found[i].is_some() {
                    continue;
                }
                let bare = skip_collate(&env.ast, written.expr);
                if let Some(number) = self.number_in_range(env, core, bare, i)? {
                    found[i] = Some(number);
                    continue;
                }
                found[i] =
                    self.alias_number(&env.ast, core, bare).or_else(|| self.try_match(env, core, bare));
            }
        }
        let mut resolved = Vec::with_capacity(terms.len());
        for (i, (written, found)) in terms.iter().zip(found).enumerate() {
            let Some(column) = found else {
                return Err(Error::message(format!(
                    "{} ORDER BY term does not match any column in the result set",
                    ordinal(i + 1)
                )));
            };
            let term = self.placeholder(env, written, column);
            resolved.push(term);
        }
        self.compiler.bound[select].order_by = resolved;
        Ok(())
    }

    /// Puts a copy of the result column in place of each term that names one.
    pub(super) fn substitute_aliases(&mut self, core: SelectId, terms: &mut [OrderTerm]) {
        for term in terms {
            let Some(index) = usize::from(term.result_column).checked_sub(1) else { continue };
            let Some(original) = self.compiler.bound[core].columns.get(index).map(|column| column.expr)
            else {
                continue;
            };
            let copy = self.copy_for_alias(original, 0);
            term.expr = match &self.compiler.bound[term.expr].kind {
                ExprKind::Collate { collation, .. } => {
                    let collation = collation.clone();
                    let flags = self.compiler.bound[copy].flags;
                    let expr = self.add(ExprKind::Collate { operand: copy, collation }, None);
                    let node = &mut self.compiler.bound[expr].flags;
                    node.set(ExprFlags::COLLATED);
                    node.set(flags.0 & (ExprFlags::HAS_AGGREGATE | ExprFlags::HAS_WINDOW));
                    expr
                }
                _ => copy,
            };
        }
    }

    /// A term that stands for a result column: its number, under its COLLATE.
    fn placeholder(&mut self, env: &Env, written: &ast::OrderTerm, column: u16) -> OrderTerm {
        let mut collations = Vec::new();
        let mut expr = written.expr;
        while let ast::Expr::Collate { operand, collation } = *env.ast.expr(expr) {
            collations.push(collation);
            expr = operand;
        }
        let mut expr = self.add(ExprKind::Integer(i64::from(column)), Some(env.ast[expr].span));
        for collation in collations.into_iter().rev() {
            let collation = env.ast.name(collation).into();
            expr = self.add(ExprKind::Collate { operand: expr, collation }, None);
            self.compiler.bound[expr].flags.set(ExprFlags::COLLATED);
        }
        term(written, expr, column)
    }

    /// The number of the result column whose alias a term is.
    fn alias_number(&self, ast: &Ast, core: SelectId, expr: ast::ExprId) -> Option<u16> {
        let ast::Expr::Id(name) = *ast.expr(expr) else { return None };
        let name = ast.name(name);
        let is_alias = |alias: &[u8]| alias.eq_ignore_ascii_case(name);
        let columns = &self.compiler.bound[core].columns;
        let index = columns.iter().position(|column| column.alias.as_deref().is_some_and(is_alias))?;
        u16::try_from(index + 1).ok()
    }

    /// The number that a term is.
    ///
    /// # Errors
    /// Numbers that no result column can have.
    fn number(
        &mut self,
        env: &Env,
        core: SelectId,
        expr: ast::ExprId,
        i: usize,
        clause: &str,
    ) -> CompileResult<Option<u16>> {
        let Some(number) = integer(&env.ast, expr) else { return Ok(None) };
        match u16::try_from(number) {
            Ok(number) if number > 0 => Ok(Some(number)),
            _ => {
                self.note_offset(env, env.ast[expr].span);
                Err(self.out_of_range(core, i, clause))
            }
        }
    }

    fn number_in_range(
        &mut self,
        env: &Env,
        core: SelectId,
        expr: ast::ExprId,
        i: usize,
    ) -> CompileResult<Option<u16>> {
        let Some(number) = integer(&env.ast, expr) else { return Ok(None) };
        match u16::try_from(number) {
            Ok(number) if (1..=self.compiler.bound[core].columns.len()).contains(&usize::from(number)) => {
                Ok(Some(number))
            }
            _ => {
                self.note_offset(env, env.ast[expr].span);
                Err(self.out_of_range(core, i, "ORDER"))
            }
        }
    }

    fn check_numbers(&self, core: SelectId, terms: &[OrderTerm], clause: &str) -> CompileResult<()> {
        let count = self.compiler.bound[core].columns.len();
        match terms.iter().position(|term| usize::from(term.result_column) > count) {
            Some(i) => Err(self.out_of_range(core, i, clause)),
            None => Ok(()),
        }
    }

    fn out_of_range(&self, core: SelectId, i: usize, clause: &str) -> Error {
        Error::message(format!(
            "{} {clause} BY term out of range - should be between 1 and {}",
            ordinal(i + 1),
            self.compiler.bound[core].columns.len()
        ))
    }

    fn check_count(&self, count: usize, clause: &str) -> CompileResult<()> {
        if count > self.compiler.limit(LimitKind::Column) {
            return Err(Error::message(format!("too many terms in {clause} BY clause")));
        }
        Ok(())
    }

    /// The last result column that equals a resolved term; 0 for none.
    fn equal_column(&self, core: SelectId, expr: ExprId) -> u16 {
        let bound = &self.compiler.bound;
        let equal =
            |column: &crate::bound::ResultColumn| bound.compare(expr, column.expr, None) == Similarity::Same;
        let index = bound[core].columns.iter().rposition(equal);
        index.and_then(|index| u16::try_from(index + 1).ok()).unwrap_or(0)
    }

    /// Resolves a term of a compound's ORDER BY among the names of one core. What cannot be resolved matches nothing.
    fn try_match(&mut self, env: &Env, core: SelectId, expr: ast::ExprId) -> Option<u16> {
        let offset = self.compiler.error_offset;
        let check_schema = self.compiler.notes.check_schema;
        let at = self.push_context(Context {
            sources: Some(core),
            aliases: Some(core),
            allowed: Allowed { aggregates: true, no_subqueries: true, ..Allowed::default() },
            ..Context::default()
        });
        let expr = self.resolve_root(env, at, expr);
        self.contexts.truncate(at);
        self.soft_error = None;
        self.compiler.error_offset = offset;
        self.compiler.notes.check_schema = check_schema;
        let expr = expr.ok()?;
        let bound = &self.compiler.bound;
        let index = bound[core]
            .columns
            .iter()
            .position(|column| bound.compare(column.expr, expr, None) < Similarity::Different)?;
        u16::try_from(index + 1).ok()
    }
}

/// The value of an expression that is an integer literal, perhaps under signs, and fits 32 bits.
fn integer(ast: &Ast, expr: ast::ExprId) -> Option<i64> {
    match *ast.expr(expr) {
        ast::Expr::Integer(text) => {
            let text = std::str::from_utf8(ast.text(text)).ok()?;
            let value = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
                Some(digits) => i64::from_str_radix(digits, 16).ok()?,
                None => text.parse().ok()?,
            };
            i32::try_from(value).ok().map(i64::from)
        }
        ast::Expr::Unary { op: ast::UnaryOp::Plus, operand } => integer(ast, operand),
        ast::Expr::Unary { op: ast::UnaryOp::Minus, operand } => integer(ast, operand).map(|value| -value),
        _ => None,
    }
}

/// 1st, 2nd, 3rd, 4th, 11th…
pub(crate) fn ordinal(number: usize) -> String {
    let suffix = match (number % 10, number / 10 % 10) {
        (_, 1) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{suffix}")
}
