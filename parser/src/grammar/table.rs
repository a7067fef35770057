//! CREATE TABLE: its head, its columns, its options.

use super::constraint::NameInForce;
use super::{Grammar, Rule};
use crate::ast::{
    ColumnDef, CreateTable, List, Name, NameId, QualifiedName, Span, Statement, TableBody, TableConstraint,
    TableOptions, Text, TypeName,
};
use crate::lexer::{TokenKind, is_space};

impl Grammar<'_> {
    /// `ifnotexists`
    pub(super) fn if_not_exists(&mut self) -> Rule<bool> {
        let found = self.take(TokenKind::If)?;
        if found {
            self.expect_all(&[TokenKind::Not, TokenKind::Exists])?;
        }
        Ok(found)
    }

    /// Where the text that is stored for an object begins: at its name, without schema.
    pub(super) fn definition_start(&self, name: QualifiedName) -> u32 {
        let name: &Name = &self.ast[name.name];
        name.source.start
    }

    /// `CREATE [TEMP] TABLE`, behind TABLE
    pub(super) fn create_table(&mut self, temporary: bool) -> Rule<Statement> {
        let if_not_exists = self.if_not_exists()?;
        let name = self.qualified_name()?;
        let start = self.definition_start(name);
        let mut table = CreateTable {
            temporary,
            if_not_exists,
            name,
            body: TableBody::Columns {
                columns: List::default(),
                constraints: List::default(),
                options: TableOptions::default(),
                columns_end: self.last_end,
            },
            definition: Span::new(start, self.last_end),
        };
        self.begin_progress(Statement::CreateTable(table));
        if self.take(TokenKind::As)? {
            if !self.at_select() {
                return Err(self.syntax_error());
            }
            self.depth += 2;
            table.body = TableBody::Select(self.select()?);
            table.definition.end = self.last_end;
            self.at_end_of_statement()?;
            return Ok(Statement::CreateTable(table));
        }
        self.expect(TokenKind::LeftParen)?;
        let mut name_in_force = None;
        // create_table LP columnlist COMMA, with the name and the constraints of a column behind it
        let depth = self.depth;
        self.depth += 4;
        let columns_end = self.column_defs(&mut name_in_force)?;
        self.depth = depth + 4;
        self.table_constraints(name_in_force)?;
        let close = self.expect(TokenKind::RightParen)?;
        let options = self.table_options()?;
        self.at_end_of_statement()?;
        // With options SQLite stores what stands between them and the semicolon too.
        let plain = options == TableOptions::default();
        table.definition.end = if plain { close.end } else { self.tok.start };
        let columns = self.close::<ColumnDef>(0);
        let constraints = self.close::<TableConstraint>(0);
        table.body = TableBody::Columns { columns, constraints, options, columns_end };
        Ok(Statement::CreateTable(table))
    }

    /// Fails unless the statement ends here and is right. While that is not known, it has to stay in progress.
    pub(super) fn at_end_of_statement(&mut self) -> Rule<()> {
        if self.tok.kind != TokenKind::Semicolon {
            return Err(self.syntax_error());
        }
        if self.pending {
            self.failed_at = self.tok.start;
            return Err(super::Failed);
        }
        Ok(())
    }

    /// `columnlist`, with the comma before table constraints. Returns the offset of that comma, or of the closing parenthesis.
    fn column_defs(&mut self, name_in_force: &mut NameInForce) -> Rule<u32> {
        let depth = self.depth;
        loop {
            let mut column = self.column_head()?;
            *name_in_force = None;
            self.column_constraints(name_in_force)?;
            if !matches!(self.tok.kind, TokenKind::Comma | TokenKind::RightParen) {
                return Err(self.syntax_error());
            }
            column.constraints = self.close(0);
            column.span.end = self.last_end;
            self.note_column(None);
            self.push(column);
            let end = self.tok.start;
            self.depth = depth + 2;
            if !self.take(TokenKind::Comma)? || self.at_table_constraint() {
                return Ok(end);
            }
        }
    }

    /// `columnname`: noted as progress.
    pub(super) fn column_head(&mut self) -> Rule<ColumnDef> {
        let start = self.tok.start;
        let name: NameId = self.name()?;
        let type_name = self.type_tokens()?.map(|source| TypeName { source, value: self.type_value(source) });
        let constraints = List::default();
        let column = ColumnDef { name, type_name, constraints, span: Span::new(start, self.last_end) };
        self.note_column(Some(column));
        Ok(column)
    }

    /// `carglist`: read, but left where a partial statement finds it.
    pub(super) fn column_constraints(&mut self, name_in_force: &mut NameInForce) -> Rule<()> {
        while let Some(constraint) = self.column_constraint(name_in_force)? {
            self.push(constraint);
            self.note_constraint();
        }
        Ok(())
    }

    /// `typetoken`: from the first word of a type to its last, or to its closing parenthesis.
    pub(super) fn type_tokens(&mut self) -> Rule<Option<Span>> {
        if !self.tok.kind.is_id_or_string() {
            return Ok(None);
        }
        let start = self.tok.start;
        while self.tok.kind.is_id_or_string() {
            self.shift()?;
        }
        if self.take(TokenKind::LeftParen)? {
            self.signed_number()?;
            if self.take(TokenKind::Comma)? {
                self.signed_number()?;
            }
            self.expect(TokenKind::RightParen)?;
        }
        Ok(Some(Span::new(start, self.last_end)))
    }

    /// `signed`
    fn signed_number(&mut self) -> Rule<()> {
        if matches!(self.tok.kind, TokenKind::Plus | TokenKind::Minus) {
            self.shift()?;
        }
        match self.tok.kind {
            TokenKind::Integer | TokenKind::Float => self.shift().map(drop),
            _ => Err(self.syntax_error()),
        }
    }

    /// What SQLite keeps of a type: see `TypeName::value`.
    fn type_value(&mut self, source: Span) -> Text {
        let typed = self.bytes(source);
        let kept = without_generated_always(typed);
        let quoted = matches!(kept.first(), Some(b'"' | b'\'' | b'`' | b'['));
        if !quoted {
            return Span::new(source.start, source.start + kept.len() as u32).into();
        }
        let inner = kept.get(1..kept.len() - 1).unwrap_or_default();
        // SQLite cuts off the first and the last byte if no opening quote is between them, whatever the last one is.
        if kept.len() >= 3 && !inner.iter().any(|b| matches!(b, b'"' | b'\'' | b'`' | b'[')) {
            return Span::new(source.start + 1, source.start + kept.len() as u32 - 1).into();
        }
        let value = super::name::unquote_prefix(kept);
        self.ast.add_value(value.into_iter())
    }

    /// `table_option_set`
    fn table_options(&mut self) -> Rule<TableOptions> {
        let mut options = TableOptions::default();
        if self.tok.kind.is_name() {
            self.table_option(&mut options)?;
        }
        while self.take(TokenKind::Comma)? {
            self.table_option(&mut options)?;
        }
        Ok(options)
    }

    fn table_option(&mut self, options: &mut TableOptions) -> Rule<()> {
        let without = self.take(TokenKind::Without)?;
        let word = self.name_token()?;
        let typed = self.bytes(word.span());
        if without && typed.eq_ignore_ascii_case(b"rowid") {
            options.without_rowid = true;
        } else if !without && typed.eq_ignore_ascii_case(b"strict") {
            options.strict = true;
        } else {
            let message = [b"unknown table option: ", typed].concat();
            self.fail(message, None);
        }
        Ok(())
    }
}

/// GENERATED ALWAYS is read as part of the type, because both words may be names; SQLite takes them off afterwards. ALWAYS alone
/// goes too, if the type is long enough for both.
fn without_generated_always(typed: &[u8]) -> &[u8] {
    let trim = |bytes: &[u8]| bytes.iter().rposition(|&b| !is_space(b)).map_or(0, |last| last + 1);
    let strip = |bytes: &'_ [u8], word: &[u8]| -> Option<usize> {
        let at = bytes.len().checked_sub(word.len())?;
        let found = bytes.get(at..)?.eq_ignore_ascii_case(word);
        found.then(|| trim(bytes.get(..at).unwrap_or_default()))
    };
    if typed.len() < 16 {
        return typed;
    }
    let Some(len) = strip(typed, b"always") else { return typed };
    let shorter = typed.get(..len).unwrap_or_default();
    let len = strip(shorter, b"generated").unwrap_or(len);
    typed.get(..len).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::without_generated_always;

    #[test]
    fn generated_always_is_no_type() {
        assert_eq!(without_generated_always(b"generated always"), b"");
        assert_eq!(without_generated_always(b"INT  Generated\n\tALWAYS"), b"INT");
        assert_eq!(without_generated_always(b"a rather long always"), b"a rather long");
        assert_eq!(without_generated_always(b"int always"), b"int always");
    }
}
