//! Constraints of columns and tables.

use super::{Grammar, Rule};
use crate::ast::{
    Check, ColumnConstraint, ColumnConstraintKind, Conflict, DefaultForm, Expr, ForeignKey, ForeignKeyAction,
    List, Name, NameId, Span, TableConstraint, TableConstraintKind, UnaryOp,
};
use crate::lexer::TokenKind;

/// The name that `CONSTRAINT name` has set for the constraints behind it.
pub(super) type NameInForce = Option<NameId>;

impl Grammar<'_> {
    /// `ccons`; `None` where none begins.
    pub(super) fn column_constraint(&mut self, name: &mut NameInForce) -> Rule<Option<ColumnConstraint>> {
        use ColumnConstraintKind as Kind;
        let start = self.tok.start;
        let kind = match self.tok.kind {
            TokenKind::Constraint => {
                self.shift()?;
                let new = self.name()?;
                *name = Some(new);
                Kind::Name(new)
            }
            TokenKind::Default => {
                self.shift()?;
                self.default_value()?
            }
            TokenKind::Null => {
                self.shift()?;
                Kind::Null(self.on_conflict()?)
            }
            TokenKind::Not => {
                self.shift()?;
                if self.take(TokenKind::Null)? {
                    Kind::NotNull(self.on_conflict()?)
                } else {
                    Kind::Deferrable(self.deferrable(true)?)
                }
            }
            TokenKind::Primary => {
                self.shift()?;
                self.expect(TokenKind::Key)?;
                let order = self.sort_order()?;
                let conflict = self.on_conflict()?;
                Kind::PrimaryKey { order, conflict, autoincrement: self.take(TokenKind::Autoincrement)? }
            }
            TokenKind::Unique => {
                self.shift()?;
                Kind::Unique(self.on_conflict()?)
            }
            TokenKind::Check => Kind::Check(self.check()?),
            TokenKind::References => Kind::References(self.references(List::default())?),
            TokenKind::Deferrable => Kind::Deferrable(self.deferrable(false)?),
            TokenKind::Collate => {
                self.shift()?;
                Kind::Collate(self.id_or_string()?)
            }
            TokenKind::Generated => {
                self.shift()?;
                self.expect(TokenKind::Always)?;
                self.depth += 2;
                let generated = self.generated()?;
                self.depth -= 2;
                generated
            }
            TokenKind::As => self.generated()?,
            _ => return Ok(None),
        };
        Ok(Some(ColumnConstraint { kind, name: *name, span: Span::new(start, self.last_end) }))
    }

    /// `AS (expr) [kind]`
    fn generated(&mut self) -> Rule<ColumnConstraintKind> {
        self.expect_all(&[TokenKind::As, TokenKind::LeftParen])?;
        self.depth += 2;
        let expr = self.expr()?;
        self.depth -= 2;
        self.expect(TokenKind::RightParen)?;
        let kind = if self.tok.kind.is_id() { Some(self.name()?) } else { None };
        Ok(ColumnConstraintKind::Generated { expr, kind })
    }

    /// What stands behind DEFAULT. The text that SQLite keeps of a literal is its token, of `(expr)` what stands between the
    /// parentheses.
    fn default_value(&mut self) -> Rule<ColumnConstraintKind> {
        let start = self.tok.start;
        let sign = self.tok.kind;
        let (value, form, text) = match sign {
            TokenKind::LeftParen => {
                self.shift()?;
                self.depth += 2;
                let value = self.expr()?;
                self.depth -= 2;
                let close = self.expect(TokenKind::RightParen)?;
                (value, DefaultForm::Parentheses, self.trimmed(start + 1, close.start))
            }
            TokenKind::Plus | TokenKind::Minus => {
                self.shift()?;
                let value = self.term()?;
                let text = Span::new(start, self.last_end);
                if sign == TokenKind::Plus {
                    (value, DefaultForm::Plus, text)
                } else {
                    let kind = Expr::Unary { op: UnaryOp::Minus, operand: value };
                    (self.node(kind, text, &[value], 0), DefaultForm::Minus, text)
                }
            }
            kind if kind.is_id() && kind != TokenKind::CurrentWord || kind == TokenKind::Indexed => {
                let name = self.name()?;
                let span = Span::new(start, self.last_end);
                (self.add_expr(Expr::Id(name), span, 1, 0), DefaultForm::Identifier, span)
            }
            _ => (self.term()?, DefaultForm::Literal, Span::new(start, self.last_end)),
        };
        Ok(ColumnConstraintKind::Default { value, form, text })
    }

    /// `CHECK (expr)`
    pub(super) fn check(&mut self) -> Rule<Check> {
        self.expect(TokenKind::Check)?;
        let open = self.expect(TokenKind::LeftParen)?;
        self.depth += 2;
        let expr = self.expr()?;
        self.depth -= 2;
        let close = self.expect(TokenKind::RightParen)?;
        Ok(Check { expr, text: self.trimmed(open.end, close.start) })
    }

    /// A range without the space at its ends.
    fn trimmed(&self, start: u32, end: u32) -> Span {
        let space = |b: &&u8| crate::lexer::is_space(**b);
        let bytes = self.bytes(Span::new(start, end));
        let before = bytes.iter().take_while(space).count() as u32;
        let behind = bytes.iter().rev().take_while(space).count() as u32;
        Span::new(start + before, end.saturating_sub(behind).max(start + before))
    }

    /// `onconf`
    pub(super) fn on_conflict(&mut self) -> Rule<Option<Conflict>> {
        if !self.take(TokenKind::On)? {
            return Ok(None);
        }
        self.expect(TokenKind::Conflict)?;
        self.conflict().map(Some)
    }

    /// `resolvetype`
    pub(super) fn conflict(&mut self) -> Rule<Conflict> {
        let conflict = match self.tok.kind {
            TokenKind::Rollback => Conflict::Rollback,
            TokenKind::Abort => Conflict::Abort,
            TokenKind::Fail => Conflict::Fail,
            TokenKind::Ignore => Conflict::Ignore,
            TokenKind::Replace => Conflict::Replace,
            _ => return Err(self.syntax_error()),
        };
        self.shift()?;
        Ok(conflict)
    }

    /// `defer_subclause`, at DEFERRABLE: whether the key is checked late.
    fn deferrable(&mut self, not: bool) -> Rule<bool> {
        self.expect(TokenKind::Deferrable)?;
        if !self.take(TokenKind::Initially)? {
            return Ok(false);
        }
        let deferred = match self.tok.kind {
            TokenKind::Deferred => true,
            TokenKind::Immediate => false,
            _ => return Err(self.syntax_error()),
        };
        self.shift()?;
        Ok(deferred && !not)
    }

    /// `REFERENCES nm eidlist_opt refargs`
    fn references(&mut self, columns: List<Name>) -> Rule<ForeignKey> {
        self.expect(TokenKind::References)?;
        let table = self.name()?;
        let parent_columns = self.column_names()?;
        let (mut on_delete, mut on_update) = (ForeignKeyAction::NoAction, ForeignKeyAction::NoAction);
        loop {
            if self.take(TokenKind::Match)? {
                self.name_token()?;
            } else if self.take(TokenKind::On)? {
                let event = self.tok.kind;
                if !matches!(event, TokenKind::Insert | TokenKind::Delete | TokenKind::Update) {
                    return Err(self.syntax_error());
                }
                self.shift()?;
                let action = self.foreign_key_action()?;
                match event {
                    TokenKind::Delete => on_delete = action,
                    TokenKind::Update => on_update = action,
                    _ => {}
                }
            } else {
                return Ok(ForeignKey { columns, table, parent_columns, on_delete, on_update });
            }
        }
    }

    /// `refact`
    fn foreign_key_action(&mut self) -> Rule<ForeignKeyAction> {
        let action = match self.tok.kind {
            TokenKind::Cascade => ForeignKeyAction::Cascade,
            TokenKind::Restrict => ForeignKeyAction::Restrict,
            TokenKind::No => {
                self.shift()?;
                self.expect(TokenKind::Action)?;
                return Ok(ForeignKeyAction::NoAction);
            }
            TokenKind::Set => {
                self.shift()?;
                match self.tok.kind {
                    TokenKind::Null => ForeignKeyAction::SetNull,
                    TokenKind::Default => ForeignKeyAction::SetDefault,
                    _ => return Err(self.syntax_error()),
                }
            }
            _ => return Err(self.syntax_error()),
        };
        self.shift()?;
        Ok(action)
    }

    /// Whether a table constraint begins here.
    pub(super) fn at_table_constraint(&self) -> bool {
        matches!(
            self.tok.kind,
            TokenKind::Constraint
                | TokenKind::Primary
                | TokenKind::Unique
                | TokenKind::Check
                | TokenKind::Foreign
        )
    }

    /// `conslist`, up to the closing parenthesis. Nothing has to stand between two constraints; a comma ends the force of
    /// a name.
    pub(super) fn table_constraints(&mut self, mut name: NameInForce) -> Rule<()> {
        let depth = self.depth;
        let mut comma = true;
        while self.at_table_constraint() {
            let constraint = self.table_constraint(&mut name, comma)?;
            self.push(constraint);
            self.note_constraint();
            self.depth = depth + 2;
            comma = self.take(TokenKind::Comma)?;
            if comma {
                name = None;
                if !self.at_table_constraint() {
                    return Err(self.syntax_error());
                }
            }
        }
        Ok(())
    }

    /// `tcons`
    fn table_constraint(&mut self, name: &mut NameInForce, comma: bool) -> Rule<TableConstraint> {
        use TableConstraintKind as Kind;
        let start = self.tok.start;
        let kind = match self.tok.kind {
            TokenKind::Constraint => {
                self.shift()?;
                let new = self.name()?;
                *name = Some(new);
                Kind::Name(new)
            }
            TokenKind::Primary => {
                self.shift()?;
                self.expect_all(&[TokenKind::Key, TokenKind::LeftParen])?;
                self.depth += 3;
                let columns = self.sort_list()?;
                self.depth -= 3;
                let autoincrement = self.take(TokenKind::Autoincrement)?;
                self.expect(TokenKind::RightParen)?;
                Kind::PrimaryKey { columns, autoincrement, conflict: self.on_conflict()? }
            }
            TokenKind::Unique => {
                self.shift()?;
                self.expect(TokenKind::LeftParen)?;
                self.depth += 2;
                let columns = self.sort_list()?;
                self.depth -= 2;
                self.expect(TokenKind::RightParen)?;
                Kind::Unique { columns, conflict: self.on_conflict()? }
            }
            TokenKind::Check => {
                let check = self.check()?;
                Kind::Check { check, conflict: self.on_conflict()? }
            }
            _ => {
                self.shift()?;
                self.expect_all(&[TokenKind::Key, TokenKind::LeftParen])?;
                let columns = self.column_names_until_paren()?;
                let key = self.references(columns)?;
                let deferrable = match self.tok.kind {
                    TokenKind::Not => {
                        self.shift()?;
                        Some(self.deferrable(true)?)
                    }
                    TokenKind::Deferrable => Some(self.deferrable(false)?),
                    _ => None,
                };
                Kind::ForeignKey { key, deferrable }
            }
        };
        Ok(TableConstraint { kind, name: *name, comma, span: Span::new(start, self.last_end) })
    }
}
