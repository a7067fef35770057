//! The FROM clause.

use super::{Grammar, Rule};
use crate::Features;
use crate::ast::{Indexed, JoinConstraint, JoinType, List, Source, SourceKind, Span};
use crate::lexer::{Token, TokenKind};

/// Items of one FROM clause (`SQLITE_MAX_SRCLIST`).
const SOURCES_MAX: usize = 200;

impl Grammar<'_> {
    /// `seltablist`, behind FROM. The depth is that of FROM itself.
    pub(super) fn read_from(&mut self) -> Rule<List<Source>> {
        let depth = self.depth;
        let from = self.open::<Source>();
        self.sources(from)?;
        self.depth = depth;
        Ok(self.close(from))
    }

    /// Reads items into the list begun at `from`.
    fn sources(&mut self, from: usize) -> Rule<()> {
        let depth = self.depth + 1;
        let mut join = JoinType::NONE;
        loop {
            self.depth = depth;
            self.source(from, join)?;
            if self.items::<Source>(from).len() > SOURCES_MAX {
                self.fail(format!("too many FROM clause terms, max: {SOURCES_MAX}"), None);
            }
            match self.join_operator()? {
                Some(next) => join = next,
                None => return Ok(()),
            }
        }
    }

    /// One item, put on the list begun at `from`.
    fn source(&mut self, from: usize, join: JoinType) -> Rule<()> {
        let start = self.tok.start;
        let depth = self.depth;
        if self.tok.kind == TokenKind::LeftParen {
            self.check_depth()?;
            self.shift()?;
            self.depth += 1;
            if !self.at_select() {
                return self.deeper(|g| g.nested_sources(from, join, start));
            }
            let select = self.select()?;
            self.expect(TokenKind::RightParen)?;
            self.features.set(Features::FROM_SUBQUERY);
            self.depth = depth + 4;
            let source = self.source_after(SourceKind::Select(select), join, start)?;
            return self.add_source(from, source);
        }
        // nm dbnm as on_using
        self.check_room(4)?;
        let name = self.qualified_name()?;
        if self.take(TokenKind::LeftParen)? {
            self.features.set(Features::TABLE_FUNCTION);
            self.depth = depth + 3;
            let arguments = self.expr_list_until_paren()?;
            self.expect(TokenKind::RightParen)?;
            self.depth = depth + 6;
            let kind = SourceKind::Function { schema: name.schema, name: name.name, arguments };
            let source = self.source_after(kind, join, start)?;
            return self.add_source(from, source);
        }
        self.depth = depth + 3;
        let alias = self.alias()?;
        let indexed = self.indexed()?;
        if indexed != Indexed::Any {
            self.depth += 1;
        }
        let kind = SourceKind::Table { schema: name.schema, name: name.name, indexed };
        let span = Span::new(start, self.last_end);
        let constraint = self.join_constraint()?;
        self.add_source(from, Source { kind, alias, join, constraint, span })
    }

    /// What follows an item that can have no INDEXED BY: its alias and its constraint.
    fn source_after(&mut self, kind: SourceKind, join: JoinType, start: u32) -> Rule<Source> {
        let alias = self.alias()?;
        let span = Span::new(start, self.last_end);
        let constraint = self.join_constraint()?;
        Ok(Source { kind, alias, join, constraint, span })
    }

    fn add_source(&mut self, from: usize, source: Source) -> Rule<()> {
        let clause = match source.constraint {
            JoinConstraint::On(_) => "ON",
            JoinConstraint::Using(_) => "USING",
            JoinConstraint::None => "",
        };
        if !clause.is_empty() && self.items::<Source>(from).is_empty() {
            self.fail(format!("a JOIN clause is required before {clause}"), None);
        }
        self.push(source);
        Ok(())
    }

    /// `(a JOIN b …)` behind its parenthesis. Items that are no longer nested once it is clear what follows go to the list
    /// around them.
    fn nested_sources(&mut self, from: usize, join: JoinType, start: u32) -> Rule<()> {
        let depth = self.depth;
        let inner = self.open::<Source>();
        self.sources(inner)?;
        self.expect(TokenKind::RightParen)?;
        self.depth = depth + 3;
        let alias = self.alias()?;
        let span = Span::new(start, self.last_end);
        let constraint = self.join_constraint()?;
        if inner == from && alias.is_none() && constraint == JoinConstraint::None {
            return Ok(());
        }
        let kind = match *self.items::<Source>(inner) {
            [only] => {
                self.truncate_sources(inner);
                only.kind
            }
            _ => {
                self.features.set(Features::FROM_SUBQUERY);
                SourceKind::Join(self.close(inner))
            }
        };
        self.add_source(from, Source { kind, alias, join, constraint, span })
    }

    fn truncate_sources(&mut self, len: usize) {
        use crate::ast::Stored;
        Source::arena_mut(&mut self.m.lists).truncate(len);
    }

    /// `indexed_opt`
    pub(super) fn indexed(&mut self) -> Rule<Indexed> {
        match self.tok.kind {
            TokenKind::Indexed => {
                self.shift()?;
                self.expect(TokenKind::By)?;
                Ok(Indexed::By(self.name()?))
            }
            TokenKind::Not => {
                self.shift()?;
                self.expect(TokenKind::Indexed)?;
                Ok(Indexed::Not)
            }
            _ => Ok(Indexed::Any),
        }
    }

    /// `on_using`; the depth is that of what stands before it.
    fn join_constraint(&mut self) -> Rule<JoinConstraint> {
        match self.tok.kind {
            TokenKind::On => {
                self.shift()?;
                self.depth += 1;
                Ok(JoinConstraint::On(self.expr()?))
            }
            TokenKind::Using => {
                self.shift()?;
                self.features.set(Features::NATURAL_OR_USING);
                Ok(JoinConstraint::Using(self.names_in_parens()?))
            }
            _ => Ok(JoinConstraint::None),
        }
    }

    /// `joinop`
    fn join_operator(&mut self) -> Rule<Option<JoinType>> {
        match self.tok.kind {
            TokenKind::Comma | TokenKind::Join => {
                self.shift()?;
                Ok(Some(JoinType::INNER))
            }
            TokenKind::JoinWord => self.join_words().map(Some),
            _ => Ok(None),
        }
    }

    /// `JOIN_KW [nm [nm]] JOIN`
    fn join_words(&mut self) -> Rule<JoinType> {
        let mut words = [self.shift()?; 3];
        let mut count = 1;
        for word in &mut words[1..] {
            if self.tok.kind.is_name() {
                *word = self.shift()?;
                count += 1;
            }
        }
        self.expect(TokenKind::Join)?;
        let words = words.get(..count).unwrap_or_default();
        let join = self.join_type(words);
        if join.has(JoinType::OUTER) {
            self.features.set(Features::OUTER_JOIN);
        }
        if join.has(JoinType::RIGHT) {
            self.features.set(Features::RIGHT_JOIN);
        }
        if join.has(JoinType::NATURAL) {
            self.features.set(Features::NATURAL_OR_USING);
        }
        Ok(join)
    }

    fn join_type(&mut self, words: &[Token]) -> JoinType {
        const LEFT: JoinType = JoinType::LEFT.with(JoinType::OUTER);
        const RIGHT: JoinType = JoinType::RIGHT.with(JoinType::OUTER);
        let mut join = JoinType::NONE;
        let mut known = true;
        for word in words {
            let bits = match self.bytes(word.span()).to_ascii_lowercase().as_slice() {
                b"natural" => JoinType::NATURAL,
                b"left" => LEFT,
                b"outer" => JoinType::OUTER,
                b"right" => RIGHT,
                b"full" => LEFT.with(RIGHT),
                b"inner" => JoinType::INNER,
                b"cross" => JoinType::INNER.with(JoinType::CROSS),
                _ => {
                    known = false;
                    break;
                }
            };
            join = join.with(bits);
        }
        let sided = join.has(JoinType::LEFT) || join.has(JoinType::RIGHT);
        let outer = join.has(JoinType::OUTER);
        if known && !(outer && (join.has(JoinType::INNER) || !sided)) {
            return join;
        }
        let typed: Vec<&[u8]> = words.iter().map(|word| self.bytes(word.span())).collect();
        let message = [b"unknown join type: ", typed.join(&b' ').as_slice()].concat();
        self.fail(message, words.first().map(|word| word.start));
        JoinType::INNER
    }
}
