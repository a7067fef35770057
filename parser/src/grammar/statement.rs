//! Statements: which one it is, and the small ones.

use super::{Grammar, Rule};
use crate::Explain;
use crate::ast::{
    Attach, ExprId, NameId, Pragma, PragmaValue, QualifiedName, Statement, Text, TransactionMode, Vacuum,
    With,
};
use crate::lexer::TokenKind;

impl Grammar<'_> {
    /// One statement with its semicolon; `None` if there is none left.
    pub(crate) fn statement(&mut self) -> Rule<Option<Statement>> {
        // What stands before the text is not a semicolon, so that an empty text ends in one, as in SQLite.
        self.lex(0, TokenKind::Comma)?;
        let mut skipped = false;
        while self.tok.kind == TokenKind::Semicolon {
            skipped = true;
            self.shift()?;
        }
        if self.tok.kind == TokenKind::EndOfInput {
            return Ok(None);
        }
        self.depth = u32::from(skipped);
        if self.take(TokenKind::Explain)? {
            self.explain = Explain::Program;
            self.depth += 1;
            if self.take(TokenKind::Query)? {
                self.expect(TokenKind::Plan)?;
                self.explain = Explain::QueryPlan;
            }
        }
        let statement = self.command()?;
        self.at_end_of_statement()?;
        if let Some(failure) = self.late.take() {
            self.m.failure = Some(failure);
            return Err(super::Failed);
        }
        Ok(Some(statement))
    }

    /// `cmd`
    fn command(&mut self) -> Rule<Statement> {
        let start = self.tok.start;
        match self.tok.kind {
            TokenKind::Select | TokenKind::Values => self.select().map(Statement::Select),
            TokenKind::With => {
                let depth = self.depth;
                let with = self.with_clause()?;
                match self.tok.kind {
                    TokenKind::Select | TokenKind::Values => {
                        self.select_after_with(Some(with), start).map(Statement::Select)
                    }
                    _ => {
                        // WITH and its list become the symbol that these statements begin with anyway.
                        self.depth = depth;
                        self.change(Some(with))
                    }
                }
            }
            TokenKind::Create => self.create(),
            TokenKind::Drop => self.drop_statement(),
            TokenKind::Alter => self.alter(),
            TokenKind::Pragma => self.pragma(),
            TokenKind::Begin => self.begin(),
            TokenKind::Commit | TokenKind::End => {
                self.shift()?;
                self.transaction_name()?;
                Ok(Statement::Commit)
            }
            TokenKind::Rollback => self.rollback(),
            TokenKind::Savepoint => {
                self.shift()?;
                self.name().map(Statement::Savepoint)
            }
            TokenKind::Release => {
                self.shift()?;
                self.take(TokenKind::Savepoint)?;
                self.name().map(Statement::Release)
            }
            TokenKind::Attach => self.attach(),
            TokenKind::Detach => {
                self.shift()?;
                self.take(TokenKind::Database)?;
                self.depth += 2;
                self.expr().map(Statement::Detach)
            }
            TokenKind::Analyze => {
                self.shift()?;
                self.optional_name().map(Statement::Analyze)
            }
            TokenKind::Reindex => {
                self.shift()?;
                self.optional_name().map(Statement::Reindex)
            }
            TokenKind::Vacuum => self.vacuum(),
            _ => self.change(None),
        }
    }

    /// INSERT, UPDATE, DELETE
    fn change(&mut self, with: Option<With>) -> Rule<Statement> {
        match self.tok.kind {
            TokenKind::Insert | TokenKind::Replace => self.insert(with).map(Statement::Insert),
            TokenKind::Update => self.update(with).map(Statement::Update),
            TokenKind::Delete => self.delete(with).map(Statement::Delete),
            _ => Err(self.syntax_error()),
        }
    }

    fn optional_name(&mut self) -> Rule<Option<QualifiedName>> {
        if self.tok.kind.is_name() { self.qualified_name().map(Some) } else { Ok(None) }
    }

    /// `BEGIN transtype trans_opt`
    fn begin(&mut self) -> Rule<Statement> {
        self.shift()?;
        let mode = match self.tok.kind {
            TokenKind::Deferred => Some(TransactionMode::Deferred),
            TokenKind::Immediate => Some(TransactionMode::Immediate),
            TokenKind::Exclusive => Some(TransactionMode::Exclusive),
            _ => None,
        };
        if mode.is_some() {
            self.shift()?;
        }
        self.transaction_name()?;
        Ok(Statement::Begin(mode.unwrap_or(TransactionMode::Deferred)))
    }

    /// `trans_opt`: a word and a name that mean nothing
    fn transaction_name(&mut self) -> Rule<()> {
        if self.take(TokenKind::Transaction)? && self.tok.kind.is_name() {
            self.shift()?;
        }
        Ok(())
    }

    /// `ROLLBACK trans_opt [TO savepoint_opt nm]`
    fn rollback(&mut self) -> Rule<Statement> {
        self.shift()?;
        self.transaction_name()?;
        if !self.take(TokenKind::To)? {
            return Ok(Statement::Rollback);
        }
        self.take(TokenKind::Savepoint)?;
        self.name().map(Statement::RollbackTo)
    }

    /// `PRAGMA nm dbnm [EQ value | LP value RP]`
    fn pragma(&mut self) -> Rule<Statement> {
        self.shift()?;
        let name = self.qualified_name()?;
        let mut value = None;
        if self.take(TokenKind::Eq)? {
            value = Some(self.pragma_value(false)?);
        } else if self.take(TokenKind::LeftParen)? {
            value = Some(self.pragma_value(true)?);
            self.expect(TokenKind::RightParen)?;
        }
        Ok(Statement::Pragma(Pragma { name, value }))
    }

    /// `nmnum` or `minus_num`
    fn pragma_value(&mut self, parentheses: bool) -> Rule<PragmaValue> {
        let negative = self.tok.kind == TokenKind::Minus;
        let signed = negative || self.tok.kind == TokenKind::Plus;
        if signed {
            self.shift()?;
        }
        let token = self.tok;
        let value: Text = match token.kind {
            TokenKind::Integer | TokenKind::Float => token.span().into(),
            TokenKind::On | TokenKind::Delete | TokenKind::Default if !signed => token.span().into(),
            kind if kind.is_name() && !signed => {
                let quoted = matches!(self.bytes(token.span()).first(), Some(b'"' | b'\'' | b'`' | b'['));
                if quoted { self.unquote(token) } else { token.span().into() }
            }
            _ => return Err(self.syntax_error()),
        };
        self.shift()?;
        Ok(PragmaValue { value, negative, parentheses, source: token.span() })
    }

    /// `ATTACH database_kw_opt expr AS expr key_opt`
    fn attach(&mut self) -> Rule<Statement> {
        self.shift()?;
        self.take(TokenKind::Database)?;
        self.depth += 2;
        let file: ExprId = self.expr()?;
        self.expect(TokenKind::As)?;
        self.depth += 2;
        let schema = self.expr()?;
        let mut key = None;
        if self.take(TokenKind::Key)? {
            self.depth += 2;
            key = Some(self.expr()?);
        }
        Ok(Statement::Attach(Attach { file, schema, key }))
    }

    /// `VACUUM [nm] [INTO expr]`
    fn vacuum(&mut self) -> Rule<Statement> {
        self.shift()?;
        let schema: Option<NameId> = if self.tok.kind.is_name() { Some(self.name()?) } else { None };
        let mut into = None;
        if self.take(TokenKind::Into)? {
            self.depth += if schema.is_some() { 3 } else { 2 };
            into = Some(self.expr()?);
        }
        Ok(Statement::Vacuum(Vacuum { schema, into }))
    }
}
