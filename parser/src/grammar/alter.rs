//! ALTER TABLE.

use super::{Grammar, Rule};
use crate::ast::{AlterAction, AlterTable, NameId, QualifiedName, Span, Statement};
use crate::lexer::TokenKind;

impl Grammar<'_> {
    /// `ALTER TABLE …`
    pub(super) fn alter(&mut self) -> Rule<Statement> {
        self.shift()?;
        self.expect(TokenKind::Table)?;
        let table = self.qualified_name()?;
        let action = match self.tok.kind {
            TokenKind::Rename => {
                self.shift()?;
                self.rename()?
            }
            TokenKind::Add => {
                self.shift()?;
                match self.tok.kind {
                    TokenKind::Constraint | TokenKind::Check => self.add_check()?,
                    _ => self.add_column(table)?,
                }
            }
            TokenKind::Drop => {
                self.shift()?;
                if self.take(TokenKind::Constraint)? {
                    AlterAction::DropConstraint(self.name()?)
                } else {
                    AlterAction::DropColumn(self.column_name()?)
                }
            }
            TokenKind::Alter => {
                self.shift()?;
                self.alter_column()?
            }
            _ => return Err(self.syntax_error()),
        };
        Ok(Statement::AlterTable(AlterTable { table, action }))
    }

    /// `kwcolumn_opt nm`
    fn column_name(&mut self) -> Rule<NameId> {
        self.take(TokenKind::Column)?;
        self.name()
    }

    /// `RENAME TO nm` or `RENAME [COLUMN] nm TO nm`, behind RENAME
    fn rename(&mut self) -> Rule<AlterAction> {
        if self.take(TokenKind::To)? {
            return Ok(AlterAction::RenameTable(self.name()?));
        }
        let from = self.column_name()?;
        self.expect(TokenKind::To)?;
        Ok(AlterAction::RenameColumn { from, to: self.name()? })
    }

    /// `ADD [COLUMN] …`, behind ADD
    fn add_column(&mut self, table: QualifiedName) -> Rule<AlterAction> {
        self.take(TokenKind::Column)?;
        let mut column = self.column_head()?;
        let action = AlterAction::AddColumn(column);
        self.begin_progress(Statement::AlterTable(AlterTable { table, action }));
        self.note_column(Some(column));
        // alter_add carglist
        self.depth += 2;
        self.column_constraints(&mut None)?;
        self.at_end_of_statement()?;
        column.constraints = self.close(0);
        // SQLite copies all up to the semicolon but the space before it.
        column.span = self.span_to_token(column.span.start);
        Ok(AlterAction::AddColumn(column))
    }

    /// `ADD [CONSTRAINT nm] CHECK (expr) onconf`, behind ADD
    fn add_check(&mut self) -> Rule<AlterAction> {
        let start = self.tok.start;
        let name = if self.take(TokenKind::Constraint)? { Some(self.name()?) } else { None };
        // ALTER TABLE fullname ADD [CONSTRAINT nm]
        self.depth += if name.is_some() { 6 } else { 4 };
        let check = self.check()?;
        let conflict = self.on_conflict()?;
        Ok(AlterAction::AddCheck { name, check, conflict, text: Span::new(start, self.last_end) })
    }

    /// `ALTER [COLUMN] nm …`, behind the second ALTER
    fn alter_column(&mut self) -> Rule<AlterAction> {
        let column = self.column_name()?;
        if self.take(TokenKind::Drop)? {
            self.expect_all(&[TokenKind::Not, TokenKind::Null])?;
            return Ok(AlterAction::DropNotNull(column));
        }
        self.expect(TokenKind::Set)?;
        let start = self.tok.start;
        self.expect_all(&[TokenKind::Not, TokenKind::Null])?;
        let conflict = self.on_conflict()?;
        Ok(AlterAction::SetNotNull { column, conflict, text: Span::new(start, self.last_end) })
    }
}
