//! CREATE INDEX, VIEW and VIRTUAL TABLE, and DROP.

use super::{Grammar, Rule};
use crate::ast::{
    CreateIndex, CreateView, CreateVirtualTable, Drop, DropKind, List, NameId, QualifiedName, Span, Statement,
};
use crate::lexer::{TokenKind, is_space};

impl Grammar<'_> {
    /// `CREATE …`
    pub(super) fn create(&mut self) -> Rule<Statement> {
        self.shift()?;
        match self.tok.kind {
            TokenKind::Unique => {
                self.shift()?;
                self.expect(TokenKind::Index)?;
                return self.create_index(true);
            }
            TokenKind::Index => {
                self.shift()?;
                return self.create_index(false);
            }
            TokenKind::Virtual => {
                self.shift()?;
                self.expect(TokenKind::Table)?;
                return self.create_virtual_table();
            }
            _ => {}
        }
        // In a schema that is read back, SQLite does not heed the word: the object is where its text was.
        let temporary = self.take(TokenKind::Temp)? && !self.limits.reading_schema;
        match self.tok.kind {
            TokenKind::Table => {
                self.shift()?;
                self.create_table(temporary)
            }
            TokenKind::View => {
                self.shift()?;
                self.create_view(temporary)
            }
            TokenKind::Trigger => {
                self.shift()?;
                self.create_trigger(temporary)
            }
            _ => Err(self.syntax_error()),
        }
    }

    /// `CREATE [UNIQUE] INDEX`, behind INDEX
    fn create_index(&mut self, unique: bool) -> Rule<Statement> {
        let if_not_exists = self.if_not_exists()?;
        let name = self.qualified_name()?;
        let start = self.definition_start(name);
        self.expect(TokenKind::On)?;
        let table: NameId = self.name()?;
        self.expect(TokenKind::LeftParen)?;
        self.depth += 9;
        let columns = self.sort_list()?;
        self.expect(TokenKind::RightParen)?;
        self.depth += 2;
        let filter = self.where_clause()?;
        // SQLite stores all up to the semicolon, space and comments before it included.
        let definition = Span::new(start, self.tok.start);
        let index = CreateIndex { unique, if_not_exists, name, table, columns, filter, definition };
        Ok(Statement::CreateIndex(index))
    }

    /// `CREATE [TEMP] VIEW`, behind VIEW
    fn create_view(&mut self, temporary: bool) -> Rule<Statement> {
        let if_not_exists = self.if_not_exists()?;
        let name = self.qualified_name()?;
        let start = self.definition_start(name);
        let columns = self.column_names()?;
        self.expect(TokenKind::As)?;
        if !self.at_select() {
            return Err(self.syntax_error());
        }
        self.depth += 8;
        let select = self.select()?;
        let definition = self.span_to_token(start);
        let view = CreateView { temporary, if_not_exists, name, columns, select, definition };
        Ok(Statement::CreateView(view))
    }

    /// From `start` to the current token, without the space before that.
    pub(super) fn span_to_token(&self, start: u32) -> Span {
        let text = self.bytes(Span::new(start, self.tok.start));
        let len = text.iter().rposition(|&b| !is_space(b)).map_or(0, |last| last + 1);
        Span::new(start, start + len as u32)
    }

    /// `CREATE VIRTUAL TABLE`, behind TABLE
    fn create_virtual_table(&mut self) -> Rule<Statement> {
        let if_not_exists = self.if_not_exists()?;
        let name: QualifiedName = self.qualified_name()?;
        let start = self.definition_start(name);
        self.expect(TokenKind::Using)?;
        let module = self.name()?;
        let mut table = CreateVirtualTable {
            if_not_exists,
            name,
            module,
            arguments: List::default(),
            definition: Span::new(start, self.last_end),
        };
        self.begin_progress(Statement::CreateVirtualTable(table));
        if self.take(TokenKind::LeftParen)? {
            let from = self.open::<Span>();
            self.module_arguments()?;
            table.arguments = self.close(from);
            table.definition.end = self.last_end;
        }
        self.at_end_of_statement()?;
        Ok(Statement::CreateVirtualTable(table))
    }

    /// `vtabarglist RP`: any tokens with balanced parentheses, even a semicolon.
    fn module_arguments(&mut self) -> Rule<()> {
        let mut open = 0u32;
        let mut argument: Option<Span> = None;
        // Each open parenthesis is two symbols on SQLite's stack; below them are three, and two more behind a comma.
        let base = self.depth + 3;
        let mut depth = base;
        loop {
            let token = self.tok;
            match token.kind {
                TokenKind::EndOfInput => return Err(self.syntax_error()),
                TokenKind::LeftParen => open += 1,
                TokenKind::RightParen if open == 0 => break,
                TokenKind::RightParen => open -= 1,
                _ => {}
            }
            self.depth = depth.saturating_add(open.saturating_mul(2));
            self.check_depth()?;
            self.shift()?;
            if token.kind == TokenKind::Comma && open == 0 {
                if let Some(span) = argument.take() {
                    self.push(span);
                }
                depth = base + 2;
            } else {
                argument = Some(argument.map_or(token.span(), |span| span.to(token.span())));
            }
        }
        self.depth = depth;
        if let Some(span) = argument {
            self.push(span);
        }
        self.shift().map(drop)
    }

    /// `DROP …`
    pub(super) fn drop_statement(&mut self) -> Rule<Statement> {
        self.shift()?;
        let kind = match self.tok.kind {
            TokenKind::Table => DropKind::Table,
            TokenKind::Index => DropKind::Index,
            TokenKind::View => DropKind::View,
            TokenKind::Trigger => DropKind::Trigger,
            _ => return Err(self.syntax_error()),
        };
        self.shift()?;
        let if_exists = self.take(TokenKind::If)?;
        if if_exists {
            self.expect(TokenKind::Exists)?;
        }
        Ok(Statement::Drop(Drop { kind, if_exists, name: self.qualified_name()? }))
    }
}
