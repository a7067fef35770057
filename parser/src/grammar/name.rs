//! Names and string literals: tokens to values.
//!
//! A value is a range of the text where quotes only need to be cut off. Only a doubled quote makes a copy.

use super::{Grammar, Rule};
use crate::Features;
use crate::ast::{Name, NameId, QualifiedName, Quote, Span, Stored, Text};
use crate::lexer::{Token, TokenKind};

impl Grammar<'_> {
    /// The value of a quoted token: without its quotes, doubled ones undone.
    pub(super) fn unquote(&mut self, token: Token) -> Text {
        let inner = Span::new(token.start + 1, token.end.saturating_sub(1).max(token.start + 1));
        let bytes = self.bytes(inner);
        let quote = self.sql.get(token.start as usize).copied().unwrap_or(0);
        if !bytes.contains(&quote) || quote == b'[' {
            return inner.into();
        }
        self.ast.add_value(undouble(bytes, quote))
    }

    /// Stores the name that a token spells.
    pub(super) fn add_name(&mut self, token: Token) -> NameId {
        let quote = match self.sql.get(token.start as usize) {
            Some(b'"') => {
                self.features.set(Features::DOUBLE_QUOTED);
                Quote::Double
            }
            Some(b'\'') => Quote::Single,
            Some(b'`') => Quote::Backtick,
            Some(b'[') => Quote::Bracket,
            _ => Quote::None,
        };
        let value = if quote == Quote::None { token.span().into() } else { self.unquote(token) };
        let names = Name::arena_mut(&mut self.ast);
        let id = NameId::next(names.len());
        names.push(Name { source: token.span(), value, quote });
        id
    }

    /// The value of a name of this statement.
    pub(super) fn name_value(&self, name: NameId) -> &[u8] {
        self.ast.text_in(self.ast[name].value, self.sql)
    }

    /// `nm`
    pub(super) fn name_token(&mut self) -> Rule<Token> {
        if self.tok.kind.is_name() { self.shift() } else { Err(self.syntax_error()) }
    }

    /// `nm`
    pub(super) fn name(&mut self) -> Rule<NameId> {
        let token = self.name_token()?;
        Ok(self.add_name(token))
    }

    /// `ID|STRING`
    pub(super) fn id_or_string(&mut self) -> Rule<NameId> {
        if self.tok.kind.is_id_or_string() { self.name() } else { Err(self.syntax_error()) }
    }

    /// `nm dbnm`, also `fullname`
    pub(super) fn qualified_name(&mut self) -> Rule<QualifiedName> {
        let name = self.name()?;
        if self.take(TokenKind::Dot)? {
            return Ok(QualifiedName { schema: Some(name), name: self.name()? });
        }
        Ok(QualifiedName { schema: None, name })
    }

    /// `as`: an alias, with or without AS.
    pub(super) fn alias(&mut self) -> Rule<Option<NameId>> {
        if self.tok.kind.is_id_or_string() {
            return self.name().map(Some);
        }
        if self.take(TokenKind::As)? { self.name().map(Some) } else { Ok(None) }
    }
}

/// Each pair of quotes as one.
fn undouble(bytes: &[u8], quote: u8) -> impl Iterator<Item = u8> {
    let mut skip = false;
    bytes.iter().copied().filter(move |&b| {
        skip = b == quote && !skip;
        !skip || b != quote
    })
}

/// SQLite's way with a type name, which need not be one token: the first quoted thing without its quotes.
pub(super) fn unquote_prefix(bytes: &[u8]) -> Vec<u8> {
    let Some((&first, rest)) = bytes.split_first() else { return Vec::new() };
    let quote = if first == b'[' { b']' } else { first };
    let mut out = Vec::with_capacity(rest.len());
    let mut i = 0;
    while let Some(&b) = rest.get(i) {
        if b == quote {
            if rest.get(i + 1) != Some(&quote) {
                break;
            }
            i += 1;
        }
        out.push(b);
        i += 1;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubled_quotes_become_one() {
        let one = |s: &[u8]| undouble(s, b'\'').collect::<Vec<u8>>();
        assert_eq!(one(b"it''s"), b"it's");
        assert_eq!(one(b"''''"), b"''");
        assert_eq!(one(b"a''''b''"), b"a''b'");
    }

    #[test]
    fn type_names_lose_only_their_first_quotes() {
        assert_eq!(unquote_prefix(b"\"a\" \"b\""), b"a");
        assert_eq!(unquote_prefix(b"'a''b'"), b"a'b");
        assert_eq!(unquote_prefix(b"[x]"), b"x");
    }
}
