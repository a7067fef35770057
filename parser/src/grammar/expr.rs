//! Expressions: operators, by precedence.
//!
//! One loop with a stack of its own (`Memory::ops`) instead of a function per level: parentheses, prefix operators and
//! operators waiting for their right operand cost a few bytes there, so that their depth is only a number.
//!
//! ```text
//! a + b * (c OR d) < e            stack when d is read:  [a +] [b *] [(] [c OR]
//! ```
//!
//! An operator is taken off the stack, and its node made, when one that binds less tightly follows. Two entries wait
//! for a certain token and are passed by no operator: an open parenthesis, and BETWEEN without its AND.
//!
//! Precedences are those of SQLite's grammar. Surprising ones: NOT in front is below the comparisons, but can stand behind
//! any operator (`1 + NOT a = b` is `1 + (NOT (a = b))`); COLLATE is below the signs; what follows ESCAPE stops before
//! the comparisons.
//!
//! Spec: "SQL Language Expressions", "Operators, and Parse-Affecting Attributes".

use super::{Grammar, HAS_CALL, IS_FALSE, Meta, Rule};
use crate::Features;
use crate::ast::{
    BinaryOp, Expr, ExprId, ExprNode, Indexed, JoinConstraint, JoinType, LikeOp, List, SelectId, Source,
    SourceId, SourceKind, Span, Stored, UnaryOp,
};
use crate::lexer::TokenKind;

const OR: u8 = 1;
const AND: u8 = 2;
const NOT: u8 = 3;
const EQUALITY: u8 = 4;
const COMPARISON: u8 = 5;
const BITS: u8 = 7;
const SUM: u8 = 8;
const PRODUCT: u8 = 9;
const CONCAT: u8 = 10;
const COLLATE: u8 = 11;
const SIGN: u8 = 12;

/// Binds less than anything: an entry that only its own token takes off.
const WAITING: u8 = 0;

/// An operator whose right operand is being read.
#[derive(Clone, Copy)]
pub(super) struct Op {
    kind: OpKind,
    /// Where its text begins.
    start: u32,
    precedence: u8,
    /// Symbols that it and its left operand take on SQLite's stack.
    weight: u8,
}

#[derive(Clone, Copy)]
enum OpKind {
    Paren,
    /// A parenthesis behind a comma: where its list of terms begins.
    Vector {
        terms: u32,
    },
    Prefix(UnaryOp),
    Binary {
        op: BinaryOp,
        left: ExprId,
    },
    Like {
        op: LikeOp,
        negated: bool,
        left: ExprId,
    },
    LikeEscape {
        op: LikeOp,
        negated: bool,
        left: ExprId,
        right: ExprId,
    },
    BetweenLow {
        negated: bool,
        left: ExprId,
    },
    BetweenHigh {
        negated: bool,
        left: ExprId,
        low: ExprId,
    },
}

/// An operand: an expression and where its text begins, which may be a parenthesis before it.
#[derive(Clone, Copy)]
struct Operand {
    expr: ExprId,
    start: u32,
}

/// The operator that a token is between two operands, with its precedence.
fn binary_op(kind: TokenKind) -> Option<(BinaryOp, u8)> {
    Some(match kind {
        TokenKind::Or => (BinaryOp::Or, OR),
        TokenKind::Eq => (BinaryOp::Eq, EQUALITY),
        TokenKind::Ne => (BinaryOp::Ne, EQUALITY),
        TokenKind::Lt => (BinaryOp::Lt, COMPARISON),
        TokenKind::Le => (BinaryOp::Le, COMPARISON),
        TokenKind::Gt => (BinaryOp::Gt, COMPARISON),
        TokenKind::Ge => (BinaryOp::Ge, COMPARISON),
        TokenKind::BitAnd => (BinaryOp::BitAnd, BITS),
        TokenKind::BitOr => (BinaryOp::BitOr, BITS),
        TokenKind::ShiftLeft => (BinaryOp::ShiftLeft, BITS),
        TokenKind::ShiftRight => (BinaryOp::ShiftRight, BITS),
        TokenKind::Plus => (BinaryOp::Add, SUM),
        TokenKind::Minus => (BinaryOp::Subtract, SUM),
        TokenKind::Star => (BinaryOp::Multiply, PRODUCT),
        TokenKind::Slash => (BinaryOp::Divide, PRODUCT),
        TokenKind::Percent => (BinaryOp::Remainder, PRODUCT),
        TokenKind::Concat => (BinaryOp::Concat, CONCAT),
        _ => return None,
    })
}

impl Grammar<'_> {
    /// `expr`
    pub(super) fn expr(&mut self) -> Rule<ExprId> {
        let base = self.m.ops.len();
        let first = self.prefixed(base)?;
        self.operators(base, first)
    }

    /// `expr` whose first operand has been read; it begins at `start`.
    pub(super) fn expr_after(&mut self, expr: ExprId, start: u32) -> Rule<ExprId> {
        self.operators(self.m.ops.len(), Operand { expr, start })
    }

    /// Reads prefix operators and parentheses up to and with the operand behind them.
    fn prefixed(&mut self, base: usize) -> Rule<Operand> {
        loop {
            let op = match self.tok.kind {
                TokenKind::LeftParen => {
                    self.check_depth()?;
                    let start = self.shift()?.start;
                    if self.at_select() {
                        let expr = self.subquery(start)?;
                        return Ok(Operand { expr, start });
                    }
                    self.wait(OpKind::Paren, start, WAITING, 1);
                    continue;
                }
                TokenKind::Not => UnaryOp::Not,
                TokenKind::BitNot => UnaryOp::BitNot,
                TokenKind::Plus => UnaryOp::Plus,
                TokenKind::Minus => UnaryOp::Minus,
                _ => {
                    debug_assert!(self.m.ops.len() >= base);
                    let start = self.tok.start;
                    return Ok(Operand { expr: self.operand()?, start });
                }
            };
            self.check_depth()?;
            let start = self.shift()?.start;
            self.wait(OpKind::Prefix(op), start, if op == UnaryOp::Not { NOT } else { SIGN }, 1);
        }
    }

    /// Reads operators and their operands until a token that continues no expression. Entries below `base` belong to
    /// expressions around this one.
    fn operators(&mut self, base: usize, mut left: Operand) -> Rule<ExprId> {
        loop {
            let kind = self.tok.kind;
            if !kind.is_operator() && self.m.ops.len() == base {
                return Ok(left.expr);
            }
            if let Some((op, precedence)) = binary_op(kind) {
                left = self.reduce(base, precedence, left);
                self.shift()?;
                self.wait(OpKind::Binary { op, left: left.expr }, left.start, precedence, 2);
                left = self.prefixed(base)?;
                continue;
            }
            match kind {
                TokenKind::And => {
                    left = self.reduce(base, AND, left);
                    self.shift()?;
                    self.and(base, left);
                }
                TokenKind::Comma => {
                    let all = self.reduce(base, OR, left);
                    if !self.comma(base, all.expr)? {
                        return Ok(all.expr);
                    }
                }
                TokenKind::RightParen => {
                    left = self.reduce(base, OR, left);
                    if self.m.ops.len() == base {
                        return Ok(left.expr);
                    }
                    left = self.close_paren(left.expr)?;
                    continue;
                }
                TokenKind::Arrow => {
                    left = self.reduce(base, CONCAT, left);
                    let token = self.shift()?;
                    let op = if token.end - token.start == 3 { BinaryOp::ArrowText } else { BinaryOp::Arrow };
                    self.wait(OpKind::Binary { op, left: left.expr }, left.start, CONCAT, 2);
                }
                TokenKind::Collate => {
                    left = self.reduce(base, COLLATE, left);
                    left.expr = self.collate(left)?;
                    continue;
                }
                TokenKind::Escape => match self.escape(base, left)? {
                    true => {}
                    false => return self.finish(base, left),
                },
                TokenKind::Is
                | TokenKind::IsNull
                | TokenKind::NotNull
                | TokenKind::Not
                | TokenKind::LikeWord
                | TokenKind::Match
                | TokenKind::Between
                | TokenKind::In => {
                    left = self.reduce(base, EQUALITY, left);
                    if let Some(expr) = self.test(left)? {
                        left.expr = expr;
                        continue;
                    }
                }
                _ => return self.finish(base, left),
            }
            left = self.prefixed(base)?;
        }
    }

    /// The end of an expression: nothing may be left waiting for its token.
    fn finish(&mut self, base: usize, left: Operand) -> Rule<ExprId> {
        let all = self.reduce(base, OR, left);
        if self.m.ops.len() > base {
            return Err(self.syntax_error());
        }
        Ok(all.expr)
    }

    fn wait(&mut self, kind: OpKind, start: u32, precedence: u8, weight: u8) {
        self.m.ops.push(Op { kind, start, precedence, weight });
        self.depth += u32::from(weight);
    }

    /// Makes the nodes of all operators above `base` that bind at least as tightly as `precedence`.
    #[inline]
    fn reduce(&mut self, base: usize, precedence: u8, mut right: Operand) -> Operand {
        while self.m.ops.len() > base {
            match self.m.ops.last() {
                Some(&op) if op.precedence >= precedence => {
                    self.m.ops.pop();
                    self.depth -= u32::from(op.weight);
                    right = Operand { expr: self.apply(op, right.expr), start: op.start };
                }
                _ => break,
            }
        }
        right
    }

    fn apply(&mut self, op: Op, right: ExprId) -> ExprId {
        let span = Span::new(op.start, self.last_end);
        match op.kind {
            OpKind::Prefix(op) => self.unary(op, right, span),
            OpKind::Binary { op: BinaryOp::And, left } => self.and_node(left, right, span),
            OpKind::Binary { op: op @ (BinaryOp::Is | BinaryOp::IsNot), left }
                if self.ast.expr(right) == &Expr::Null =>
            {
                self.is_null(left, op == BinaryOp::IsNot, span)
            }
            OpKind::Binary { op, left } => {
                let called = matches!(op, BinaryOp::Arrow | BinaryOp::ArrowText);
                self.node(
                    Expr::Binary { op, left, right },
                    span,
                    &[left, right],
                    if called { HAS_CALL } else { 0 },
                )
            }
            OpKind::Like { op, negated, left } => self.like(
                Expr::Like { op, negated, left, right, escape: None },
                span,
                &[left, right],
                negated,
            ),
            OpKind::LikeEscape { op, negated, left, right: pattern } => {
                let kind = Expr::Like { op, negated, left, right: pattern, escape: Some(right) };
                self.like(kind, span, &[left, pattern, right], negated)
            }
            OpKind::BetweenHigh { negated, left, low } => {
                let kind = Expr::Between { operand: left, low, high: right, negated };
                let expr = self.node(kind, span, &[left, low, right], 0);
                self.negate(expr, negated)
            }
            // Entries that wait have the lowest precedence; no caller asks for that.
            OpKind::Paren | OpKind::Vector { .. } | OpKind::BetweenLow { .. } => right,
        }
    }

    /// A node above `parts`, which are all its operands.
    pub(super) fn node(&mut self, kind: Expr, span: Span, parts: &[ExprId], flags: u8) -> ExprId {
        let mut all = Meta { height: 0, flags };
        for &part in parts {
            let meta = self.meta(part);
            all.height = all.height.max(meta.height);
            all.flags |= meta.flags & HAS_CALL;
        }
        let height = self.check_height(all.height.saturating_add(1));
        self.add_expr(kind, span, height, all.flags)
    }

    /// NOT is part of some nodes here, and one more level in SQLite's tree.
    fn negate(&mut self, expr: ExprId, negated: bool) -> ExprId {
        if negated {
            let height = self.meta(expr).height.saturating_add(1);
            self.m.metas[expr.index()].height = self.check_height(height);
        }
        expr
    }

    fn like(&mut self, kind: Expr, span: Span, parts: &[ExprId], negated: bool) -> ExprId {
        let expr = self.node(kind, span, parts, HAS_CALL);
        self.negate(expr, negated)
    }

    fn unary(&mut self, op: UnaryOp, operand: ExprId, span: Span) -> ExprId {
        // A sign takes the place of a plus below it.
        if let (UnaryOp::Plus | UnaryOp::Minus, &Expr::Unary { op: UnaryOp::Plus, operand: inner }) =
            (op, self.ast.expr(operand))
        {
            let exprs = ExprNode::arena_mut(&mut self.ast);
            exprs[operand.index()] = ExprNode { kind: Expr::Unary { op, operand: inner }, span };
            return operand;
        }
        self.node(Expr::Unary { op, operand }, span, &[operand], 0)
    }

    /// `left AND right`, which is 0 where one of them is and nothing is called in either.
    fn and_node(&mut self, left: ExprId, right: ExprId, span: Span) -> ExprId {
        let flags = self.meta(left).flags | self.meta(right).flags;
        if flags & (IS_FALSE | HAS_CALL) == IS_FALSE && !self.limits.renaming {
            return self.folded(false, span);
        }
        self.node(Expr::Binary { op: BinaryOp::And, left, right }, span, &[left, right], 0)
    }

    /// The integer that a constant condition amounts to.
    fn folded(&mut self, value: bool, span: Span) -> ExprId {
        let text = self.ast.add_value(std::iter::once(b'0' + u8::from(value)));
        self.add_expr(Expr::Integer(text), span, 1, if value { 0 } else { IS_FALSE })
    }

    fn is_null(&mut self, operand: ExprId, negated: bool, span: Span) -> ExprId {
        let mut inner = operand;
        while let &Expr::Unary { op: UnaryOp::Plus | UnaryOp::Minus, operand } = self.ast.expr(inner) {
            inner = operand;
        }
        match self.ast.expr(inner) {
            Expr::Integer(_) | Expr::Float(_) | Expr::String(_) | Expr::Blob(_) => self.folded(negated, span),
            _ => self.node(Expr::IsNull { operand, negated }, span, &[operand], 0),
        }
    }

    /// Behind AND: it belongs to a BETWEEN that waits for it, or is an operator.
    fn and(&mut self, base: usize, left: Operand) {
        if self.m.ops.len() > base
            && let Some(waiting) = self.m.ops.last_mut()
            && let OpKind::BetweenLow { negated, left: operand } = waiting.kind
        {
            waiting.kind = OpKind::BetweenHigh { negated, left: operand, low: left.expr };
            waiting.precedence = EQUALITY;
            waiting.weight = 4;
            self.depth += 2;
            return;
        }
        self.wait(OpKind::Binary { op: BinaryOp::And, left: left.expr }, left.start, AND, 2);
    }

    /// At a comma: takes it if it stands between the terms of a row value.
    fn comma(&mut self, base: usize, term: ExprId) -> Rule<bool> {
        if self.m.ops.len() == base {
            return Ok(false);
        }
        let Some(&paren) = self.m.ops.last() else { return Ok(false) };
        match paren.kind {
            OpKind::Paren => {
                let terms = self.open::<ExprId>() as u32;
                if let Some(top) = self.m.ops.last_mut() {
                    *top = Op { kind: OpKind::Vector { terms }, weight: 3, ..paren };
                    self.depth += 2;
                }
            }
            OpKind::Vector { .. } => {}
            _ => return Err(self.syntax_error()),
        }
        self.push(term);
        self.shift()?;
        Ok(true)
    }

    /// At a closing parenthesis whose opening one is on the stack.
    fn close_paren(&mut self, last: ExprId) -> Rule<Operand> {
        let Some(&paren) = self.m.ops.last() else { return Err(self.syntax_error()) };
        self.check_room(2)?;
        let expr = match paren.kind {
            OpKind::Paren => {
                self.shift()?;
                last
            }
            OpKind::Vector { terms } => {
                self.push(last);
                self.shift()?;
                let list = self.close::<ExprId>(terms as usize);
                self.features.set(Features::VECTOR);
                let flags = self.list_meta(list).flags;
                self.add_expr(Expr::Vector(list), Span::new(paren.start, self.last_end), 1, flags)
            }
            _ => return Err(self.syntax_error()),
        };
        self.m.ops.pop();
        self.depth -= u32::from(paren.weight);
        Ok(Operand { expr, start: paren.start })
    }

    fn collate(&mut self, left: Operand) -> Rule<ExprId> {
        self.shift()?;
        let collation = self.id_or_string()?;
        self.features.set(Features::COLLATE);
        // SQLite does not pass the marks of what is below on.
        let height = self.check_height(self.meta(left.expr).height.saturating_add(1));
        let kind = Expr::Collate { operand: left.expr, collation };
        Ok(self.add_expr(kind, Span::new(left.start, self.last_end), height, 0))
    }

    /// At ESCAPE: takes it if a LIKE has none yet, with all that binds more tightly than LIKE.
    fn escape(&mut self, base: usize, left: Operand) -> Rule<bool> {
        let above = self.m.ops.get(base..).unwrap_or_default();
        let like = above.iter().rposition(|op| matches!(op.kind, OpKind::Like { .. }));
        let waits = |op: &Op| op.precedence == WAITING;
        let Some(at) = like.filter(|&at| !above.get(at..).unwrap_or_default().iter().any(waits)) else {
            return Ok(false);
        };
        let right = self.reduce(base + at + 1, OR, left);
        self.shift()?;
        if let Some(op) = self.m.ops.last_mut()
            && let OpKind::Like { op: which, negated, left } = op.kind
        {
            op.kind = OpKind::LikeEscape { op: which, negated, left, right: right.expr };
            op.weight = 4;
            self.depth += 2;
        }
        Ok(true)
    }

    /// At an operator that begins with a word, all of them of the precedence of `=`. Returns the node of one that ends with
    /// its word or its parenthesis; otherwise the operator waits for its right operand.
    fn test(&mut self, left: Operand) -> Rule<Option<ExprId>> {
        let negated = self.take(TokenKind::Not)?;
        let token = self.tok;
        match token.kind {
            TokenKind::Null if negated => {
                self.shift()?;
                return Ok(Some(self.is_null(left.expr, true, Span::new(left.start, self.last_end))));
            }
            TokenKind::IsNull | TokenKind::NotNull if !negated => {
                self.shift()?;
                let not = token.kind == TokenKind::NotNull;
                return Ok(Some(self.is_null(left.expr, not, Span::new(left.start, self.last_end))));
            }
            TokenKind::In => return self.membership(left, negated).map(Some),
            TokenKind::Is if !negated => self.is(left)?,
            TokenKind::LikeWord | TokenKind::Match => {
                self.shift()?;
                let op = match self.bytes(token.span()).first().map(u8::to_ascii_lowercase) {
                    Some(b'l') => LikeOp::Like,
                    Some(b'g') => LikeOp::Glob,
                    Some(b'r') => LikeOp::Regexp,
                    _ => LikeOp::Match,
                };
                self.wait(OpKind::Like { op, negated, left: left.expr }, left.start, EQUALITY, 2);
            }
            TokenKind::Between => {
                self.shift()?;
                self.wait(OpKind::BetweenLow { negated, left: left.expr }, left.start, WAITING, 2);
            }
            _ => return Err(self.syntax_error()),
        }
        Ok(None)
    }

    /// `IS`, `IS NOT`, `IS DISTINCT FROM`, `IS NOT DISTINCT FROM`
    fn is(&mut self, left: Operand) -> Rule<()> {
        self.shift()?;
        let mut op = BinaryOp::Is;
        let mut weight = 2;
        if self.take(TokenKind::Not)? {
            op = BinaryOp::IsNot;
            weight += 1;
        }
        if self.take(TokenKind::Distinct)? {
            self.expect(TokenKind::From)?;
            op = if op == BinaryOp::Is { BinaryOp::IsNot } else { BinaryOp::Is };
            weight += 2;
        }
        self.wait(OpKind::Binary { op, left: left.expr }, left.start, EQUALITY, weight);
        Ok(())
    }

    /// At IN.
    fn membership(&mut self, left: Operand, negated: bool) -> Rule<ExprId> {
        self.shift()?;
        if self.tok.kind != TokenKind::LeftParen {
            return self.in_table(left, negated);
        }
        self.shift()?;
        let depth = self.depth;
        self.depth += 3;
        let expr = if self.at_select() {
            let select = self.select()?;
            self.expect(TokenKind::RightParen)?;
            self.in_select(left, select, negated)
        } else {
            let list = self.deeper(Self::expr_list_until_paren)?;
            self.expect(TokenKind::RightParen)?;
            self.in_list(left, list, negated)
        };
        self.depth = depth;
        Ok(expr)
    }

    fn in_select(&mut self, left: Operand, select: SelectId, negated: bool) -> ExprId {
        self.features.set(Features::SUBQUERY);
        let left_meta = self.meta(left.expr);
        let height = left_meta.height.max(self.select_height(select)).saturating_add(1);
        let height = self.check_height(height);
        let span = Span::new(left.start, self.last_end);
        let kind = Expr::InSelect { operand: left.expr, select, negated };
        let expr = self.add_expr(kind, span, height, left_meta.flags & HAS_CALL);
        self.negate(expr, negated)
    }

    fn in_list(&mut self, left: Operand, list: List<ExprId>, negated: bool) -> ExprId {
        let span = Span::new(left.start, self.last_end);
        let left_meta = self.meta(left.expr);
        let terms = self.ast.list(list);
        let Some(&first) = terms.first() else {
            let constant = self.add_expr(Expr::Bool(negated), span, 1, if negated { 0 } else { IS_FALSE });
            if left_meta.flags & HAS_CALL == 0 {
                return constant;
            }
            let op = if negated { BinaryOp::Or } else { BinaryOp::And };
            return self.node(Expr::Binary { op, left: constant, right: left.expr }, span, &[left.expr], 0);
        };
        if terms.len() == 1
            && let &Expr::Subquery(select) = self.ast.expr(first)
        {
            return self.in_select(left, select, negated);
        }
        let mut all = self.list_meta(list);
        if let Expr::Vector(columns) = self.ast.expr(left.expr) {
            self.check_vector_terms(list, columns.len());
        } else if terms.len() == 1 && self.is_literal(first) {
            // `= +term` in SQLite: one level more on the right.
            all.height = all.height.saturating_add(1);
        }
        let height = self.check_height(all.height.max(left_meta.height).saturating_add(1));
        let flags = (all.flags | left_meta.flags) & HAS_CALL;
        let expr = self.add_expr(Expr::InList { operand: left.expr, list, negated }, span, height, flags);
        self.negate(expr, negated)
    }

    /// Whether an expression is a literal or a parameter, under any prefix operators.
    pub(super) fn is_literal(&self, mut expr: ExprId) -> bool {
        while let &Expr::Unary { operand, .. } = self.ast.expr(expr) {
            expr = operand;
        }
        use Expr::{Blob, Float, Integer, Null, Parameter, String};
        matches!(self.ast.expr(expr), Null | Integer(_) | Float(_) | String(_) | Blob(_) | Parameter(_))
    }

    /// Each term of `(a, b) IN (…)` must be a row value of as many columns.
    fn check_vector_terms(&mut self, list: List<ExprId>, expected: usize) {
        let size = |&term: &ExprId| match self.ast.expr(term) {
            Expr::Vector(columns) => columns.len(),
            _ => 1,
        };
        let wrong = self.ast.list(list).iter().map(size).find(|&found| found != expected);
        if let Some(found) = wrong {
            let plural = if found > 1 { "s" } else { "" };
            self.fail(format!("IN(...) element has {found} term{plural} - expected {expected}"), None);
        }
    }

    /// `IN nm dbnm paren_exprlist`
    fn in_table(&mut self, left: Operand, negated: bool) -> Rule<ExprId> {
        let start = self.tok.start;
        let name = self.qualified_name()?;
        let kind = if self.tok.kind == TokenKind::LeftParen {
            self.shift()?;
            let depth = self.depth;
            self.depth += 5;
            let arguments = self.deeper(Self::expr_list_until_paren)?;
            self.depth = depth;
            self.expect(TokenKind::RightParen)?;
            if arguments.is_empty() {
                SourceKind::Table { schema: name.schema, name: name.name, indexed: Indexed::Any }
            } else {
                SourceKind::Function { schema: name.schema, name: name.name, arguments }
            }
        } else {
            SourceKind::Table { schema: name.schema, name: name.name, indexed: Indexed::Any }
        };
        let span = Span::new(start, self.last_end);
        let sources = Source::arena_mut(&mut self.ast);
        let source = SourceId::next(sources.len());
        let (join, constraint) = (JoinType::NONE, JoinConstraint::None);
        sources.push(Source { kind, alias: None, join, constraint, span });
        self.features.set(Features::SUBQUERY);
        let kind = Expr::InTable { operand: left.expr, source, negated };
        let expr = self.node(kind, Span::new(left.start, self.last_end), &[left.expr], 0);
        Ok(self.negate(expr, negated))
    }

    /// `exprlist` before a closing parenthesis
    pub(super) fn expr_list_until_paren(&mut self) -> Rule<List<ExprId>> {
        if self.tok.kind == TokenKind::RightParen { Ok(List::default()) } else { self.expr_list() }
    }

    /// `nexprlist`
    pub(super) fn expr_list(&mut self) -> Rule<List<ExprId>> {
        let depth = self.depth;
        let from = self.open::<ExprId>();
        loop {
            let expr = self.expr()?;
            self.push(expr);
            if !self.take(TokenKind::Comma)? {
                break;
            }
            self.depth = depth + 2;
        }
        self.depth = depth;
        Ok(self.close(from))
    }
}
