//! Expressions: from syntax tree to bound tree.
//!
//! Two things are simplified: `x IN (constant)` is `x = +constant`, and `x IS NULL` is known where x cannot be NULL. (The parser has
//! simplified what needs no names.)
//!
//! Errors end the walk, but for wrong functions and refused columns: those are noted, the walk goes on, and the last error counts.

use kernite_parser::ast::{self, Ast, BinaryOp, LikeOp};
use kernite_vdbe::Error;
use kernite_vdbe::op::OnConflict;

use super::context::Context;
use super::lookup::Name;
use super::recording::Tokens;
use super::{Env, NestedKey, Resolver};
use crate::bound::{ExprFlags, ExprId, ExprKind, InSource, SelectId, SelfContext, UnaryOp};
use crate::compile::{CompileResult, deep};

impl Resolver<'_, '_> {
    /// Resolves a whole expression in a context and notes on it whether it holds an aggregate or a window function.
    pub(super) fn resolve_root(&mut self, env: &Env, at: usize, expr: ast::ExprId) -> CompileResult<ExprId> {
        let saved = std::mem::take(&mut self.contexts[at].found);
        let expr = self.lower(env, at, expr)?;
        let found = self.contexts[at].found;
        let flags = &mut self.compiler.bound[expr].flags;
        if found.aggregate {
            flags.set(ExprFlags::HAS_AGGREGATE);
        }
        if found.window {
            flags.set(ExprFlags::HAS_WINDOW);
        }
        self.contexts[at].found = found.with(saved);
        self.check()?;
        Ok(expr)
    }

    /// Resolves an expression that is no root.
    pub(super) fn lower(&mut self, env: &Env, at: usize, expr: ast::ExprId) -> CompileResult<ExprId> {
        deep(|| self.lower_node(env, at, expr))
    }

    fn lower_list(
        &mut self,
        env: &Env,
        at: usize,
        list: ast::List<ast::ExprId>,
    ) -> CompileResult<Vec<ExprId>> {
        env.ast.list(list).iter().map(|&expr| self.lower(env, at, expr)).collect()
    }

    fn lower_node(&mut self, env: &Env, at: usize, expr: ast::ExprId) -> CompileResult<ExprId> {
        use ast::Expr as E;
        let ast = &*env.ast;
        let span = Some(ast[expr].span);
        let node = *ast.expr(expr);
        match node {
            E::Id(name) => return self.lower_id(env, at, name, span),
            E::Column { schema, table, column } => {
                self.refuse_in(
                    env,
                    at,
                    "the \".\" operator",
                    &[SelfContext::IndexExpr, SelfContext::Generated],
                    expr,
                );
                let name = Name {
                    database: schema.map(|schema| ast.name(schema)),
                    table: Some(ast.name(table)),
                    column: ast.name(column),
                    double_quoted: false,
                    unquoted: false,
                    span,
                    tokens: Some(Tokens { table: Some(ast[table].source), column: ast[column].source }),
                };
                return self.lookup(env, at, name);
            }
            E::Call(call) => return self.lower_call(env, at, expr, call),
            E::Like { op, negated, left, right, escape } => {
                return self.lower_like(env, at, expr, (op, negated), [left, right], escape);
            }
            E::Binary { op: op @ (BinaryOp::Arrow | BinaryOp::ArrowText), left, right } => {
                let name: &[u8] = if op == BinaryOp::Arrow { b"->" } else { b"->>" };
                return self.lower_named_call(env, at, expr, name, &[left, right]);
            }
            E::Current(kind) => {
                let name: &[u8] = match kind {
                    ast::CurrentKind::Date => b"current_date",
                    ast::CurrentKind::Time => b"current_time",
                    ast::CurrentKind::Timestamp => b"current_timestamp",
                };
                return self.lower_named_call(env, at, expr, name, &[]);
            }
            E::Subquery(_) | E::Exists(_) | E::InSelect { .. } | E::InTable { .. } | E::InList { .. } => {
                return self.lower_subquery_or_in(env, at, expr);
            }
            E::IsNull { operand, negated } => return self.lower_is_null(env, at, operand, negated, span),
            E::Binary { op: op @ (BinaryOp::Is | BinaryOp::IsNot), left, right } => {
                return self.lower_is(env, at, expr, op == BinaryOp::IsNot, left, right);
            }
            _ => {}
        }
        self.check()?;
        let kind = match node {
            E::Null => ExprKind::Null,
            E::Bool(value) => ExprKind::Integer(i64::from(value)),
            E::Integer(text) => self.integer(ast.text(text), false)?,
            E::Float(text) => ExprKind::Real(real(ast.text(text))),
            E::String(text) => ExprKind::Text(ast.text(text).into()),
            E::Blob(text) => ExprKind::Blob(hex_bytes(ast.text(text))),
            E::Parameter(number) => {
                use SelfContext::{Check, Generated, IndexExpr, PartialIndex};
                self.refuse_in(env, at, "parameters", &[Check, PartialIndex, IndexExpr, Generated], expr);
                self.compiler.builder.note_parameter(number);
                ExprKind::Parameter(number)
            }
            E::Unary { op, operand } => self.lower_unary(env, at, op, operand)?,
            E::Binary { op, left, right } => return self.lower_binary(env, at, expr, op, left, right),
            E::Between { operand, low, high, negated } => {
                self.check_vectors(env, expr, operand, &[low, high])?;
                let operand = self.lower(env, at, operand)?;
                let low = self.lower(env, at, low)?;
                let high = self.lower(env, at, high)?;
                ExprKind::Between { operand, low, high, negated }
            }
            E::Collate { operand, collation } => {
                let operand = self.lower(env, at, operand)?;
                ExprKind::Collate { operand, collation: ast.name(collation).into() }
            }
            E::Cast { operand, type_name } => {
                let operand = self.lower(env, at, operand)?;
                ExprKind::Cast { operand, affinity: crate::catalog::type_affinity(ast.text(type_name)) }
            }
            E::Case { operand, arms, otherwise } => {
                let operand = operand.map(|operand| self.lower(env, at, operand)).transpose()?;
                let arms = self.lower_list(env, at, arms)?;
                let otherwise = otherwise.map(|expr| self.lower(env, at, expr)).transpose()?;
                let arms = arms.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
                ExprKind::Case { operand, arms, otherwise }
            }
            E::Vector(terms) => ExprKind::Vector(self.lower_list(env, at, terms)?),
            E::Raise { kind, message } => {
                if self.compiler.trigger.as_ref().is_none_or(|scope| scope.returning)
                    && self.compiler.nested == 0
                {
                    return Err(Error::message("RAISE() may only be used within a trigger-program"));
                }
                let message = message.map(|message| self.lower(env, at, message)).transpose()?;
                let action = match kind {
                    ast::RaiseKind::Ignore => None,
                    ast::RaiseKind::Rollback => Some(OnConflict::Rollback),
                    ast::RaiseKind::Abort => Some(OnConflict::Abort),
                    ast::RaiseKind::Fail => Some(OnConflict::Fail),
                };
                ExprKind::Raise { action, message }
            }
            E::Id(_)
            | E::Column { .. }
            | E::Call(_)
            | E::Like { .. }
            | E::Current(_)
            | E::Subquery(_)
            | E::Exists(_)
            | E::InSelect { .. }
            | E::InTable { .. }
            | E::InList { .. }
            | E::IsNull { .. } => unreachable!("handled above"),
        };
        let id = self.add(kind, span);
        match node {
            E::Collate { .. } => self.compiler.bound[id].flags.set(ExprFlags::COLLATED),
            E::Bool(_) => self.compiler.bound[id].flags.set(ExprFlags::BOOLEAN_LITERAL),
            _ => {}
        }
        Ok(id)
    }

    fn lower_id(
        &mut self,
        env: &Env,
        at: usize,
        name: ast::NameId,
        span: Option<ast::Span>,
    ) -> CompileResult<ExprId> {
        let quote = env.ast[name].quote;
        if self.contexts[at].schema_expr == Some(SelfContext::Default) {
            // `DEFAULT word`: the string of the word, but for the two that are numbers.
            let word = env.ast.name(name);
            let kind = match quote {
                ast::Quote::None if word.eq_ignore_ascii_case(b"true") => ExprKind::Integer(1),
                ast::Quote::None if word.eq_ignore_ascii_case(b"false") => ExprKind::Integer(0),
                _ => ExprKind::Text(word.into()),
            };
            if quote == ast::Quote::Double {
                self.record_string(env, Some(env.ast[name].source));
            }
            return Ok(self.add(kind, span));
        }
        let tokens = Some(Tokens { table: None, column: env.ast[name].source });
        let name = Name {
            database: None,
            table: None,
            column: env.ast.name(name),
            double_quoted: quote == ast::Quote::Double,
            unquoted: quote == ast::Quote::None,
            span,
            tokens,
        };
        self.lookup(env, at, name)
    }

    fn lower_unary(
        &mut self,
        env: &Env,
        at: usize,
        op: ast::UnaryOp,
        operand: ast::ExprId,
    ) -> CompileResult<ExprKind> {
        let op = match op {
            ast::UnaryOp::Not => UnaryOp::Not,
            ast::UnaryOp::BitNot => UnaryOp::BitNot,
            ast::UnaryOp::Plus => UnaryOp::Plus,
            ast::UnaryOp::Minus => UnaryOp::Minus,
        };
        if let (UnaryOp::Minus, ast::Expr::Integer(text)) = (op, *env.ast.expr(operand)) {
            let kind = self.integer(env.ast.text(text), true)?;
            if matches!(kind, ExprKind::Integer(i64::MIN)) {
                return Ok(kind);
            }
            let operand = self.add(kind, Some(env.ast[operand].span));
            return Ok(ExprKind::Unary { op, operand });
        }
        Ok(ExprKind::Unary { op, operand: self.lower(env, at, operand)? })
    }

    fn lower_binary(
        &mut self,
        env: &Env,
        at: usize,
        expr: ast::ExprId,
        op: BinaryOp,
        left: ast::ExprId,
        right: ast::ExprId,
    ) -> CompileResult<ExprId> {
        use BinaryOp::{Eq, Ge, Gt, Le, Lt, Ne};
        let span = Some(env.ast[expr].span);
        if matches!(op, Eq | Ne | Lt | Le | Gt | Ge) {
            self.check_vectors(env, expr, left, &[right])?;
        }
        let left = self.lower(env, at, left)?;
        let right = self.lower(env, at, right)?;
        Ok(self.add(ExprKind::Binary { op, left, right }, span))
    }

    /// `x IS y`, where y may be TRUE or FALSE.
    fn lower_is(
        &mut self,
        env: &Env,
        at: usize,
        expr: ast::ExprId,
        negated: bool,
        left: ast::ExprId,
        right: ast::ExprId,
    ) -> CompileResult<ExprId> {
        let span = Some(env.ast[expr].span);
        let word = super::star::skip_collate(&env.ast, right);
        let literal = match *env.ast.expr(word) {
            ast::Expr::Id(name) => Some(self.lower_id(env, at, name, span)?),
            // `x IN ()` is FALSE already to the parser.
            ast::Expr::InList { list, .. } if list.is_empty() => Some(self.lower(env, at, word)?),
            _ => None,
        };
        if let Some(id) = literal {
            let node = &self.compiler.bound[id];
            if node.flags.has(ExprFlags::BOOLEAN_LITERAL)
                && let ExprKind::Integer(value) = node.kind
            {
                let operand = self.lower(env, at, left)?;
                let op = UnaryOp::Truth { is: !negated, value: value != 0 };
                return Ok(self.add(ExprKind::Unary { op, operand }, span));
            }
        }
        self.check()?;
        self.check_vectors(env, expr, left, &[right])?;
        let left = self.lower(env, at, left)?;
        let right = self.lower(env, at, right)?;
        let op = if negated { BinaryOp::IsNot } else { BinaryOp::Is };
        Ok(self.add(ExprKind::Binary { op, left, right }, span))
    }

    /// `x IS NULL`. Known in a WHERE clause for a column that is NOT NULL.
    fn lower_is_null(
        &mut self,
        env: &Env,
        at: usize,
        operand: ast::ExprId,
        not: bool,
        span: Option<ast::Span>,
    ) -> CompileResult<ExprId> {
        let levels: Vec<usize> = self.levels(at).collect();
        let references: Vec<u32> = levels.iter().map(|&level| self.contexts[level].references).collect();
        let operand = self.lower(env, at, operand)?;
        if !self.compiler.bound.can_be_null(operand)
            && levels.iter().all(|&level| self.contexts[level].allowed.in_where)
        {
            // The column is not really used; a subquery that only asks this is not correlated.
            for (&level, references) in levels.iter().zip(references) {
                self.contexts[level].references = references;
            }
            return Ok(self.add(ExprKind::Integer(i64::from(not)), span));
        }
        let op = if not { UnaryOp::NotNull } else { UnaryOp::IsNull };
        Ok(self.add(ExprKind::Unary { op, operand }, span))
    }

    /// The levels from `at` outward.
    fn levels(&self, at: usize) -> impl Iterator<Item = usize> + '_ {
        std::iter::successors(Some(at), |&level| self.contexts[level].parent)
    }

    fn lower_subquery_or_in(&mut self, env: &Env, at: usize, expr: ast::ExprId) -> CompileResult<ExprId> {
        use ast::Expr as E;
        let span = Some(env.ast[expr].span);
        let (operand, key, negated) = match *env.ast.expr(expr) {
            E::Subquery(select) => {
                let select = self.lower_select(env, at, expr, NestedKey::Select(select.index()))?;
                return Ok(self.add_subquery(ExprKind::Subquery(select), select, span));
            }
            E::Exists(select) => {
                let select = self.lower_select(env, at, expr, NestedKey::Select(select.index()))?;
                return Ok(self.add_subquery(ExprKind::Exists(select), select, span));
            }
            E::InSelect { operand, select, negated } => (operand, NestedKey::Select(select.index()), negated),
            E::InTable { operand, source, negated } => (operand, NestedKey::Table(source.index()), negated),
            E::InList { operand, list, negated } => match in_list_as_select(&env.ast, expr) {
                Some(key) => (operand, key, negated),
                None => return self.lower_in_list(env, at, expr, operand, list, negated),
            },
            _ => unreachable!("only called for these"),
        };
        // The subquery's names come before those of the left operand.
        let select = self.lower_select(env, at, expr, key)?;
        self.check()?;
        let operand = self.lower(env, at, operand)?;
        let kind = ExprKind::In { operand, source: InSource::Select(select), negated };
        Ok(self.add_subquery(kind, select, span))
    }

    fn add_subquery(&mut self, kind: ExprKind, select: SelectId, span: Option<ast::Span>) -> ExprId {
        let correlated = self.compiler.bound[select].flags.correlated;
        let id = self.add(kind, span);
        let flags = &mut self.compiler.bound[id].flags;
        flags.set(ExprFlags::HAS_SUBQUERY);
        if correlated {
            flags.set(ExprFlags::CORRELATED);
        }
        id
    }

    /// A SELECT inside an expression, resolved inside `at`.
    fn lower_select(
        &mut self,
        env: &Env,
        at: usize,
        expr: ast::ExprId,
        key: NestedKey,
    ) -> CompileResult<SelectId> {
        use SelfContext::{Check, Generated, IndexExpr, PartialIndex};
        if self.refuse_in(env, at, "subqueries", &[Check, PartialIndex, IndexExpr, Generated], expr) {
            return Err(self.soft_error.take().unwrap_or_else(|| Error::message("subqueries prohibited")));
        }
        if self.contexts[at].allowed.no_subqueries {
            return Err(Error::message("a subquery matches no result column"));
        }
        let select = match env.nested.get(&key) {
            Some(&select) if self.compiler.names.pending.contains_key(&select) => select,
            _ => self.expand_nested(env, key)?,
        };
        let references = self.contexts[at].references;
        self.resolve_select(select, Some(at))?;
        if self.contexts[at].references != references {
            self.compiler.bound[select].flags.correlated = true;
        }
        Ok(select)
    }

    fn lower_in_list(
        &mut self,
        env: &Env,
        at: usize,
        expr: ast::ExprId,
        operand: ast::ExprId,
        list: ast::List<ast::ExprId>,
        negated: bool,
    ) -> CompileResult<ExprId> {
        let span = Some(env.ast[expr].span);
        let elements = env.ast.list(list);
        match elements {
            &[only]
                if super::values::is_constant(&env.ast, Some(self.compiler.functions), only)
                    && !matches!(env.ast.expr(only), ast::Expr::Collate { .. })
                    && !matches!(env.ast.expr(operand), ast::Expr::Vector(_)) =>
            {
                self.check()?;
                self.check_vectors(env, expr, operand, &[only])?;
                let left = self.lower(env, at, operand)?;
                let value = self.lower(env, at, only)?;
                let right = self.add(ExprKind::Unary { op: UnaryOp::Plus, operand: value }, span);
                let equal = self.add(ExprKind::Binary { op: BinaryOp::Eq, left, right }, span);
                if !negated {
                    return Ok(equal);
                }
                Ok(self.add(ExprKind::Unary { op: UnaryOp::Not, operand: equal }, span))
            }
            _ => {
                self.check()?;
                let operand = self.lower(env, at, operand)?;
                let list = self.lower_list(env, at, list)?;
                Ok(self.add(ExprKind::In { operand, source: InSource::List(list), negated }, span))
            }
        }
    }

    fn lower_like(
        &mut self,
        env: &Env,
        at: usize,
        expr: ast::ExprId,
        (op, negated): (LikeOp, bool),
        [left, right]: [ast::ExprId; 2],
        escape: Option<ast::ExprId>,
    ) -> CompileResult<ExprId> {
        let word = like_function(op);
        let between = ast::Span::new(env.ast[left].span.end, env.ast[right].span.start);
        let typed = find_word(env.ast.source(between), word).unwrap_or(word).to_vec();
        let arguments: Vec<ast::ExprId> = [right, left].into_iter().chain(escape).collect();
        let call = self.lower_named_call(env, at, expr, &typed, &arguments)?;
        self.compiler.bound[call].flags.set(ExprFlags::INFIX_FUNCTION);
        if !negated {
            return Ok(call);
        }
        let not = ExprKind::Unary { op: UnaryOp::Not, operand: call };
        Ok(self.add(not, Some(env.ast[expr].span)))
    }

    /// Checks that both sides of a comparison have as many columns.
    fn check_vectors(
        &mut self,
        env: &Env,
        expr: ast::ExprId,
        left: ast::ExprId,
        others: &[ast::ExprId],
    ) -> CompileResult<()> {
        let size = self.ast_vector_size(env, left);
        if others.iter().all(|&other| self.ast_vector_size(env, other) == size) {
            return Ok(());
        }
        self.note_offset(env, env.ast[expr].span);
        Err(Error::message("row value misused"))
    }

    fn ast_vector_size(&self, env: &Env, expr: ast::ExprId) -> usize {
        match *env.ast.expr(expr) {
            ast::Expr::Vector(terms) => terms.len(),
            ast::Expr::Subquery(select) => {
                let known = env.nested.get(&NestedKey::Select(select.index()));
                let pending = known.and_then(|select| self.compiler.names.pending.get(select));
                pending.map_or(1, |pending| pending.columns.len())
            }
            _ => 1,
        }
    }

    /// Notes an error if `at` is one of these kinds of schema expression.
    pub(super) fn refuse_in(
        &mut self,
        env: &Env,
        at: usize,
        what: &str,
        kinds: &[SelfContext],
        expr: ast::ExprId,
    ) -> bool {
        let Some(kind) = self.contexts[at].schema_expr.filter(|kind| kinds.contains(kind)) else {
            return false;
        };
        let place = match kind {
            SelfContext::IndexExpr => "index expressions",
            SelfContext::Check => "CHECK constraints",
            SelfContext::Generated => "generated columns",
            SelfContext::PartialIndex | SelfContext::Default => "partial index WHERE clauses",
        };
        self.note_offset(env, env.ast[expr].span);
        self.soften(Error::message(format!("{what} prohibited in {place}")));
        true
    }

    /// The value of an integer literal, under a minus or not.
    ///
    /// # Errors
    /// `hex literal too big: 0x…`.
    fn integer(&self, text: &[u8], negative: bool) -> CompileResult<ExprKind> {
        let shown = String::from_utf8_lossy(text);
        if let Some(digits) = shown.strip_prefix("0x").or_else(|| shown.strip_prefix("0X")) {
            let value = if digits.trim_start_matches('0').len() > 16 {
                None
            } else {
                u64::from_str_radix(digits, 16).ok().map(|bits| bits as i64)
            };
            return match value {
                Some(value) if !(negative && value == i64::MIN) => Ok(ExprKind::Integer(value)),
                _ => {
                    let sign = if negative { "-" } else { "" };
                    Err(Error::message(format!("hex literal too big: {sign}{shown}")))
                }
            };
        }
        Ok(match shown.parse::<u64>() {
            Ok(value) if i64::try_from(value).is_ok() => ExprKind::Integer(value as i64),
            Ok(value) if negative && value == i64::MIN.unsigned_abs() => ExprKind::Integer(i64::MIN),
            _ => ExprKind::Real(real(text)),
        })
    }

    /// A new level of names.
    pub(super) fn push_context(&mut self, context: Context) -> usize {
        self.contexts.push(context);
        self.contexts.len() - 1
    }
}

/// The value of a literal with a fraction, an exponent or too many digits: what CAST makes of the same text, which is not always the nearest.
fn real(text: &[u8]) -> f64 {
    kernite_vdbe::value::parse::real(text).value
}

fn hex_bytes(digits: &[u8]) -> Box<[u8]> {
    let digit = |byte: u8| (byte as char).to_digit(16).unwrap_or(0) as u8;
    digits.chunks_exact(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

/// TRUE or FALSE, whatever the case of its letters.
pub(super) fn truth_word(name: &[u8]) -> Option<bool> {
    if name.eq_ignore_ascii_case(b"true") {
        Some(true)
    } else if name.eq_ignore_ascii_case(b"false") {
        Some(false)
    } else {
        None
    }
}

/// The function that an operator calls.
pub(super) fn like_function(op: LikeOp) -> &'static [u8] {
    match op {
        LikeOp::Like => b"LIKE",
        LikeOp::Glob => b"GLOB",
        LikeOp::Regexp => b"REGEXP",
        LikeOp::Match => b"MATCH",
    }
}

/// TRUE or FALSE, not quoted.
pub(super) fn truth_literal(ast: &Ast, name: ast::NameId) -> Option<bool> {
    truth_word(ast.name(name)).filter(|_| ast[name].quote == ast::Quote::None)
}

/// The rows that an IN with a list is, where a row value stands left of it.
pub(super) fn in_list_as_select(ast: &Ast, expr: ast::ExprId) -> Option<NestedKey> {
    let ast::Expr::InList { operand, .. } = *ast.expr(expr) else { return None };
    matches!(ast.expr(operand), ast::Expr::Vector(_)).then_some(NestedKey::Rows(expr.index()))
}

/// `word` as it was typed in `text`.
fn find_word<'t>(text: &'t [u8], word: &[u8]) -> Option<&'t [u8]> {
    text.windows(word.len()).find(|window| window.eq_ignore_ascii_case(word))
}
