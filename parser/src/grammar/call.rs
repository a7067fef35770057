//! Function calls, with FILTER and OVER.

use super::{Grammar, HAS_CALL, Rule};
use crate::Features;
use crate::ast::{Call, CallArguments, CallId, Distinct, Expr, ExprId, List, OrderTerm, Over, Span, Stored};
use crate::lexer::{Token, TokenKind};

impl Grammar<'_> {
    /// `name (…) [FILTER …] [OVER …]`, at its opening parenthesis.
    pub(super) fn call(&mut self, name: Token) -> Rule<ExprId> {
        self.shift()?;
        let function = self.add_name(name);
        let depth = self.depth;
        let mut order_by = List::default();
        let mut distinct = Distinct::None;
        let arguments = if self.take(TokenKind::Star)? {
            CallArguments::Star
        } else {
            distinct = self.distinct()?;
            self.depth += 3;
            let arguments = match self.tok.kind {
                TokenKind::RightParen | TokenKind::Order => List::default(),
                _ => self.deeper(Self::expr_list)?,
            };
            if self.take(TokenKind::Order)? {
                self.expect(TokenKind::By)?;
                self.depth += 3;
                order_by = self.deeper(Self::sort_list)?;
            }
            CallArguments::List(arguments)
        };
        self.depth = depth;
        self.expect(TokenKind::RightParen)?;
        let (filter, over) = match self.tok.kind {
            TokenKind::Filter | TokenKind::Over => {
                // name LP [distinct] arguments RP
                self.depth += if arguments == CallArguments::Star { 4 } else { 5 };
                self.filter_over()?
            }
            _ => (None, None),
        };
        self.depth = depth;
        self.features.set(Features::CALL);
        let distinct = distinct == Distinct::Distinct;
        let call = Call { name: function, distinct, arguments, order_by, filter, over };
        self.check_call(name, &call);
        let all = match arguments {
            CallArguments::List(list) => self.list_meta(list),
            CallArguments::Star => Default::default(),
        };
        let height = self.check_height(all.height.saturating_add(1));
        let calls = Call::arena_mut(&mut self.ast);
        let id = CallId::next(calls.len());
        calls.push(call);
        Ok(self.add_expr(Expr::Call(id), Span::new(name.start, self.last_end), height, HAS_CALL))
    }

    /// What SQLite's grammar itself checks, in its order.
    fn check_call(&mut self, name: Token, call: &Call) {
        let arguments = match call.arguments {
            CallArguments::List(list) => list.len(),
            CallArguments::Star => 0,
        };
        if arguments > self.limits.function_arg as usize {
            let message = [b"too many arguments on function ", self.bytes(name.span())].concat();
            self.fail(message, Some(name.start));
        }
        if call.over.is_some() && call.distinct {
            self.fail("DISTINCT is not supported for window functions", None);
        }
        if call.order_by.is_empty() || arguments == 0 {
            return;
        }
        if call.over.is_some() {
            let function = self.name_value(call.name);
            let message = [b"ORDER BY may not be used with non-aggregate ", function, b"()"].concat();
            self.fail(message, (name.start > 0).then_some(name.start));
        } else if call.order_by.len() > self.limits.column as usize {
            self.fail("too many terms in ORDER BY clause", None);
        }
    }

    /// `DISTINCT`, `ALL` or nothing
    pub(super) fn distinct(&mut self) -> Rule<Distinct> {
        let distinct = match self.tok.kind {
            TokenKind::Distinct => Distinct::Distinct,
            TokenKind::All => Distinct::All,
            _ => return Ok(Distinct::None),
        };
        self.shift()?;
        Ok(distinct)
    }

    /// `sortlist`
    pub(super) fn sort_list(&mut self) -> Rule<List<OrderTerm>> {
        let depth = self.depth;
        let from = self.open::<OrderTerm>();
        loop {
            let expr = self.expr()?;
            let order = self.sort_order()?;
            let nulls = self.nulls()?;
            self.push(OrderTerm { expr, order, nulls });
            if !self.take(TokenKind::Comma)? {
                break;
            }
            self.depth = depth + 2;
        }
        self.depth = depth;
        Ok(self.close(from))
    }

    /// `FILTER (WHERE expr)` and `OVER …`, one of them or both in this order
    fn filter_over(&mut self) -> Rule<(Option<ExprId>, Option<Over>)> {
        let depth = self.depth;
        let mut filter = None;
        if self.take(TokenKind::Filter)? {
            self.expect_all(&[TokenKind::LeftParen, TokenKind::Where])?;
            self.depth += 3;
            filter = Some(self.deeper(Self::expr)?);
            self.depth = depth;
            self.expect(TokenKind::RightParen)?;
        }
        if !self.take(TokenKind::Over)? {
            return Ok((filter, None));
        }
        self.features.set(Features::WINDOW);
        if !self.take(TokenKind::LeftParen)? {
            return Ok((filter, Some(Over::Name(self.name()?))));
        }
        self.depth += 2 + u32::from(filter.is_some());
        let window = self.deeper(Self::window_until_paren)?;
        self.depth = depth;
        let id = self.add_window(window);
        Ok((filter, Some(Over::Window(id))))
    }
}
