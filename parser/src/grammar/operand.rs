//! Operands: what stands between operators.

use super::{Grammar, HAS_CALL, IS_FALSE, Rule};
use crate::Features;
use crate::ast::{CurrentKind, Expr, ExprId, List, RaiseKind, Span};
use crate::lexer::{Token, TokenKind};
use crate::parsed::Parameter;

impl Grammar<'_> {
    /// One operand, without operators before or behind it.
    pub(super) fn operand(&mut self) -> Rule<ExprId> {
        self.check_depth()?;
        match self.tok.kind {
            TokenKind::Cast => self.deeper(Self::cast),
            TokenKind::Raise => self.deeper(Self::raise),
            TokenKind::Case => self.deeper(Self::case),
            TokenKind::Exists => self.exists(),
            TokenKind::Parameter => {
                let token = self.shift()?;
                Ok(self.parameter(token))
            }
            kind if kind.is_name() && kind != TokenKind::CurrentWord => {
                let token = self.shift()?;
                if self.tok.kind == TokenKind::Dot {
                    self.shift()?;
                    return self.column(token);
                }
                self.name_or_call(token)
            }
            _ => self.term(),
        }
    }

    /// Whether an operand that begins here begins with a name, so that `name.*` is possible too.
    pub(super) fn at_operand_name(&self) -> bool {
        let kind = self.tok.kind;
        kind.is_name() && !matches!(kind, TokenKind::Cast | TokenKind::Raise | TokenKind::CurrentWord)
    }

    /// `term`: a literal, or one of the three words for the time.
    pub(super) fn term(&mut self) -> Rule<ExprId> {
        let token = self.tok;
        match token.kind {
            TokenKind::Null
            | TokenKind::Integer
            | TokenKind::Float
            | TokenKind::String
            | TokenKind::Blob
            | TokenKind::SeparatedNumber
            | TokenKind::CurrentWord => self.shift()?,
            _ => return Err(self.syntax_error()),
        };
        let span = token.span();
        let mut flags = 0;
        let kind = match token.kind {
            TokenKind::Null => Expr::Null,
            TokenKind::Integer => {
                if is_zero(self.bytes(span)) {
                    flags = IS_FALSE;
                }
                Expr::Integer(span.into())
            }
            TokenKind::Float => Expr::Float(span.into()),
            TokenKind::String => Expr::String(self.unquote(token)),
            TokenKind::Blob => Expr::Blob(Span::new(span.start + 2, span.end - 1).into()),
            TokenKind::SeparatedNumber => self.separated_number(token),
            _ => {
                flags = HAS_CALL;
                Expr::Current(current_kind(self.bytes(span)))
            }
        };
        Ok(self.add_expr(kind, span, 1, flags))
    }

    /// A number with `_` between its digits. Each must stand between two digits; SQLite's message shows the number as far
    /// as it has already moved the digits together.
    fn separated_number(&mut self, token: Token) -> Expr {
        let typed = self.bytes(token.span());
        let hex = matches!(typed, [b'0', b'x' | b'X', ..]);
        let is_digit = |at: Option<usize>| {
            let byte = at.and_then(|at| typed.get(at)).copied().unwrap_or(0);
            if hex { byte.is_ascii_hexdigit() } else { byte.is_ascii_digit() }
        };
        let mut moved = typed.to_vec();
        let mut len = 0;
        for (i, &byte) in typed.iter().enumerate() {
            if byte != b'_' {
                moved[len] = byte;
                len += 1;
            } else if !is_digit(i.checked_sub(1)) || !is_digit(Some(i + 1)) {
                let message = [b"unrecognized token: \"", moved.as_slice(), b"\""].concat();
                self.fail(message, None);
            }
        }
        let float = !hex && typed.iter().any(|b| matches!(b, b'.' | b'e' | b'E'));
        let text = self.ast.add_value(moved.into_iter().take(len));
        if float { Expr::Float(text) } else { Expr::Integer(text) }
    }

    /// A name that no dot follows: a string, a call, or an identifier.
    pub(super) fn name_or_call(&mut self, token: Token) -> Rule<ExprId> {
        if token.kind == TokenKind::String {
            let text = self.unquote(token);
            return Ok(self.add_expr(Expr::String(text), token.span(), 1, 0));
        }
        if self.tok.kind == TokenKind::LeftParen {
            return self.call(token);
        }
        let name = self.add_name(token);
        Ok(self.add_expr(Expr::Id(name), token.span(), 1, 0))
    }

    /// `first.column` or `first.table.column`, behind the first dot.
    pub(super) fn column(&mut self, first: Token) -> Rule<ExprId> {
        let first_name = self.add_name(first);
        let second = self.name()?;
        let (schema, table, column, height) = if self.take(TokenKind::Dot)? {
            (Some(first_name), second, self.name()?, 3)
        } else {
            (None, first_name, second, 2)
        };
        let height = self.check_height(height);
        Ok(self.add_expr(
            Expr::Column { schema, table, column },
            Span::new(first.start, self.last_end),
            height,
            0,
        ))
    }

    /// A parameter, numbered as SQLite does: `?` is one more than the largest number so far, and so is a name that is new.
    fn parameter(&mut self, token: Token) -> ExprId {
        let typed = self.bytes(token.span());
        if let [b'#', b'0'..=b'9', ..] = typed {
            // A register, which only SQLite's own statements can name.
            let failure = super::near(typed, token.start);
            self.fail(failure.message, failure.offset);
        }
        let limit = self.limits.variable_number;
        let known = |g: &Self| g.parameters.named.iter().find(|p| g.text_of(p) == typed).map(|p| p.number);
        let number = match typed {
            [b'?'] => self.parameters.count.saturating_add(1),
            [b'?', digits @ ..] => {
                let number =
                    std::str::from_utf8(digits).ok().and_then(|d| d.parse::<u32>().ok()).unwrap_or(0);
                if number < 1 || number > limit {
                    self.fail(format!("variable number must be between ?1 and ?{limit}"), offset_of(token));
                    return self.add_expr(Expr::Parameter(0), token.span(), 1, 0);
                }
                let named = number <= self.parameters.count
                    && self.parameters.named.iter().any(|p| p.number == number);
                if !named {
                    self.name_parameter(number, token);
                }
                number
            }
            _ => known(self).unwrap_or_else(|| {
                let number = self.parameters.count.saturating_add(1);
                self.name_parameter(number, token);
                number
            }),
        };
        self.parameters.count = self.parameters.count.max(number);
        if number > limit {
            self.fail("too many SQL variables", offset_of(token));
        }
        self.add_expr(Expr::Parameter(number), token.span(), 1, 0)
    }

    fn text_of(&self, parameter: &Parameter) -> &[u8] {
        self.bytes(parameter.span)
    }

    fn name_parameter(&mut self, number: u32, token: Token) {
        self.parameters.named.push(Parameter { number, span: token.span() });
    }

    /// `(SELECT …)` behind its opening parenthesis, which is at `start`.
    pub(super) fn subquery(&mut self, start: u32) -> Rule<ExprId> {
        self.depth += 1;
        let select = self.select()?;
        self.depth -= 1;
        self.expect(TokenKind::RightParen)?;
        self.features.set(Features::SUBQUERY);
        let height = self.check_height(self.select_height(select).saturating_add(1));
        Ok(self.add_expr(Expr::Subquery(select), Span::new(start, self.last_end), height, 0))
    }

    /// `EXISTS (SELECT …)`
    fn exists(&mut self) -> Rule<ExprId> {
        let start = self.shift()?.start;
        self.expect(TokenKind::LeftParen)?;
        if !self.at_select() {
            return Err(self.syntax_error());
        }
        self.depth += 2;
        let select = self.select()?;
        self.depth -= 2;
        self.expect(TokenKind::RightParen)?;
        self.features.set(Features::SUBQUERY);
        let height = self.check_height(self.select_height(select).saturating_add(1));
        Ok(self.add_expr(Expr::Exists(select), Span::new(start, self.last_end), height, 0))
    }

    /// `CAST (expr AS type)`
    fn cast(&mut self) -> Rule<ExprId> {
        let start = self.shift()?.start;
        self.expect(TokenKind::LeftParen)?;
        let depth = self.depth;
        self.depth += 2;
        let operand = self.expr()?;
        self.depth = depth;
        self.expect(TokenKind::As)?;
        let type_name = self.type_tokens()?.unwrap_or_default();
        self.expect(TokenKind::RightParen)?;
        // SQLite does not check the height here, so a chain of CASTs is limited by the parser's stack only.
        let meta = self.meta(operand);
        let kind = Expr::Cast { operand, type_name: type_name.into() };
        let span = Span::new(start, self.last_end);
        Ok(self.add_expr(kind, span, meta.height.saturating_add(1), meta.flags & HAS_CALL))
    }

    /// `RAISE (…)`
    fn raise(&mut self) -> Rule<ExprId> {
        let start = self.shift()?.start;
        self.expect(TokenKind::LeftParen)?;
        let kind = match self.tok.kind {
            TokenKind::Ignore => RaiseKind::Ignore,
            TokenKind::Rollback => RaiseKind::Rollback,
            TokenKind::Abort => RaiseKind::Abort,
            TokenKind::Fail => RaiseKind::Fail,
            _ => return Err(self.syntax_error()),
        };
        self.shift()?;
        let mut message = None;
        if kind != RaiseKind::Ignore {
            self.expect(TokenKind::Comma)?;
            let depth = self.depth;
            self.depth += 4;
            message = Some(self.expr()?);
            self.depth = depth;
        }
        self.expect(TokenKind::RightParen)?;
        self.features.set(Features::RAISE);
        let span = Span::new(start, self.last_end);
        Ok(self.node(Expr::Raise { kind, message }, span, message.as_slice(), 0))
    }

    /// `CASE … END`
    fn case(&mut self) -> Rule<ExprId> {
        let start = self.shift()?.start;
        let depth = self.depth;
        self.depth += 1;
        let operand = if self.tok.kind == TokenKind::When { None } else { Some(self.expr()?) };
        let from = self.open::<ExprId>();
        self.depth = depth + 3;
        if self.tok.kind != TokenKind::When {
            return Err(self.syntax_error());
        }
        while self.take(TokenKind::When)? {
            let when = self.expr()?;
            self.push(when);
            self.expect(TokenKind::Then)?;
            self.depth += 2;
            let then = self.expr()?;
            self.push(then);
            self.depth = depth + 4;
        }
        let otherwise = if self.take(TokenKind::Else)? { Some(self.expr()?) } else { None };
        self.depth = depth;
        self.expect(TokenKind::End)?;
        let arms: List<ExprId> = self.close(from);
        let mut all = self.list_meta(arms);
        for part in operand.into_iter().chain(otherwise) {
            let meta = self.meta(part);
            all.height = all.height.max(meta.height);
            all.flags |= meta.flags & HAS_CALL;
        }
        let height = self.check_height(all.height.saturating_add(1));
        let kind = Expr::Case { operand, arms, otherwise };
        Ok(self.add_expr(kind, Span::new(start, self.last_end), height, all.flags))
    }
}

/// Which of the three words a token is.
fn current_kind(word: &[u8]) -> CurrentKind {
    if word.eq_ignore_ascii_case(b"CURRENT_DATE") {
        CurrentKind::Date
    } else if word.eq_ignore_ascii_case(b"CURRENT_TIME") {
        CurrentKind::Time
    } else {
        CurrentKind::Timestamp
    }
}

/// SQLite records no offset for the very first byte.
fn offset_of(token: Token) -> Option<u32> {
    (token.start > 0).then_some(token.start)
}

/// Whether an integer literal is zero.
fn is_zero(digits: &[u8]) -> bool {
    let digits = match digits {
        [b'0', b'x' | b'X', rest @ ..] => rest,
        _ => digits,
    };
    digits.iter().all(|&b| b == b'0')
}
