//! INSERT, UPDATE, DELETE. In triggers they lack a few clauses.

use super::{Grammar, Rule};
use crate::Features;
use crate::ast::{
    Assignment, Conflict, Delete, ExprId, Insert, InsertSource, List, Name, NameId, OrderTerm, QualifiedName,
    ResultColumn, Target, Update, Upsert, UpsertAction, With,
};
use crate::lexer::TokenKind;

impl Grammar<'_> {
    /// `xfullname`
    fn target(&mut self) -> Rule<Target> {
        let name: QualifiedName = self.qualified_name()?;
        let alias: Option<NameId> = if self.take(TokenKind::As)? { Some(self.name()?) } else { None };
        Ok(Target { name, alias })
    }

    /// `where_opt`; the depth is that of what stands before it.
    pub(super) fn where_clause(&mut self) -> Rule<Option<ExprId>> {
        if !self.take(TokenKind::Where)? {
            return Ok(None);
        }
        self.depth += 1;
        let filter = self.expr()?;
        self.depth -= 1;
        Ok(Some(filter))
    }

    /// `returning`; the depth is that of what stands before it.
    fn returning(&mut self) -> Rule<List<ResultColumn>> {
        if !self.take(TokenKind::Returning)? {
            return Ok(List::default());
        }
        self.features.set(Features::RETURNING);
        self.depth += 3;
        let columns = self.result_columns()?;
        self.depth -= 3;
        if self.in_trigger {
            self.fail("cannot use RETURNING in a trigger", None);
        }
        Ok(columns)
    }

    /// `orconf`
    fn or_conflict(&mut self) -> Rule<Option<Conflict>> {
        if self.take(TokenKind::Or)? { self.conflict().map(Some) } else { Ok(None) }
    }

    /// `insert_cmd …`, at INSERT or REPLACE
    pub(super) fn insert(&mut self, with: Option<With>) -> Rule<Insert> {
        let depth = self.depth;
        let replace = self.shift()?.kind == TokenKind::Replace;
        let conflict = if replace { Some(Conflict::Replace) } else { self.or_conflict()? };
        self.expect(TokenKind::Into)?;
        let target = self.target()?;
        let columns: List<Name> =
            if self.tok.kind == TokenKind::LeftParen { self.names_in_parens()? } else { List::default() };
        let mut insert = Insert {
            with,
            conflict,
            target,
            columns,
            source: InsertSource::DefaultValues,
            upserts: List::default(),
            returning: List::default(),
        };
        // with insert_cmd INTO xfullname idlist_opt
        self.depth = depth + 5;
        if self.tok.kind == TokenKind::Default && !self.in_trigger {
            self.shift()?;
            self.expect(TokenKind::Values)?;
            self.depth += 2;
            insert.returning = self.returning()?;
        } else if self.at_select() {
            insert.source = InsertSource::Select(self.select()?);
            self.depth += 1;
            let from = self.open::<Upsert>();
            insert.returning = self.upserts()?;
            insert.upserts = self.close(from);
        } else {
            return Err(self.syntax_error());
        }
        self.depth = depth;
        Ok(insert)
    }

    /// `upsert`: ON CONFLICT clauses, of which only the last may lack a target, and RETURNING
    fn upserts(&mut self) -> Rule<List<ResultColumn>> {
        let depth = self.depth;
        let mut more = true;
        while more && self.take(TokenKind::On)? {
            self.expect(TokenKind::Conflict)?;
            let mut target: List<OrderTerm> = List::default();
            let mut target_filter = None;
            let mut symbols = 2;
            more = self.take(TokenKind::LeftParen)?;
            if more {
                self.depth += 3;
                target = self.sort_list()?;
                self.expect(TokenKind::RightParen)?;
                self.depth += 2;
                target_filter = self.where_clause()?;
                symbols = 6;
            }
            self.expect(TokenKind::Do)?;
            self.depth = depth + symbols + 3;
            let action = self.upsert_action()?;
            self.push(Upsert { target, target_filter, action });
            // DO UPDATE SET setlist where_opt, before what is nested behind it
            self.depth = depth;
        }
        let returning = self.returning();
        self.depth = depth;
        returning
    }

    /// Behind DO.
    fn upsert_action(&mut self) -> Rule<UpsertAction> {
        if self.take(TokenKind::Nothing)? {
            return Ok(UpsertAction::Nothing);
        }
        self.expect_all(&[TokenKind::Update, TokenKind::Set])?;
        let set = self.assignments()?;
        self.depth += 1;
        Ok(UpsertAction::Update { set, filter: self.where_clause()? })
    }

    /// `setlist`
    fn assignments(&mut self) -> Rule<List<Assignment>> {
        let depth = self.depth;
        let from = self.open::<Assignment>();
        loop {
            let assignment = self.assignment()?;
            self.push(assignment);
            if !self.take(TokenKind::Comma)? {
                break;
            }
            self.depth = depth + 2;
        }
        self.depth = depth;
        Ok(self.close(from))
    }

    fn assignment(&mut self) -> Rule<Assignment> {
        let depth = self.depth;
        let vector = self.tok.kind == TokenKind::LeftParen;
        let columns = if vector {
            self.names_in_parens()?
        } else {
            let name = self.name()?;
            List::from_parts(name.index() as u32, 1)
        };
        self.expect(TokenKind::Eq)?;
        self.depth += if vector { 4 } else { 2 };
        let value = self.expr()?;
        self.depth = depth;
        if vector
            && let Some(values) = self.vector_size(value)
            && values != columns.len()
        {
            self.fail(format!("{} columns assigned {values} values", columns.len()), None);
        }
        Ok(Assignment { columns, vector, value })
    }

    /// `UPDATE …`
    pub(super) fn update(&mut self, with: Option<With>) -> Rule<Update> {
        let depth = self.depth;
        self.shift()?;
        let conflict = self.or_conflict()?;
        let target = self.target()?;
        let indexed = self.indexed()?;
        if self.in_trigger {
            self.no_index_in_trigger(indexed);
        }
        self.expect(TokenKind::Set)?;
        // with UPDATE orconf xfullname indexed_opt SET; a trigger's has no `with`
        let before = depth + if self.in_trigger { 5 } else { 6 };
        self.depth = before;
        let set = self.assignments()?;
        let assigned: usize = self.ast.list(set).iter().map(|assignment| assignment.columns.len()).sum();
        self.depth = before + 2;
        let from = if self.take(TokenKind::From)? { self.read_from()? } else { List::default() };
        self.depth = before + 2;
        let filter = self.where_clause()?;
        let mut update = Update {
            with,
            conflict,
            target,
            indexed,
            set,
            from,
            filter,
            returning: List::default(),
            order_by: List::default(),
            limit: None,
        };
        if !self.in_trigger {
            self.depth = before + 2 + if filter.is_some() { 2 } else { 0 };
            update.returning = self.returning()?;
            self.depth = before + 3;
            update.order_by = self.order_by()?;
            self.depth = before + 4;
            update.limit = self.limit()?;
            if assigned > self.limits.column as usize {
                self.fail("too many columns in set list", None);
            }
        }
        self.depth = depth;
        Ok(update)
    }

    /// `DELETE FROM …`
    pub(super) fn delete(&mut self, with: Option<With>) -> Rule<Delete> {
        let depth = self.depth;
        self.shift()?;
        self.expect(TokenKind::From)?;
        let target = self.target()?;
        let indexed = self.indexed()?;
        if self.in_trigger {
            self.no_index_in_trigger(indexed);
        }
        // with DELETE FROM xfullname indexed_opt; a trigger's has no `with`
        let before = depth + if self.in_trigger { 4 } else { 5 };
        self.depth = before;
        let filter = self.where_clause()?;
        let mut delete = Delete {
            with,
            target,
            indexed,
            filter,
            returning: List::default(),
            order_by: List::default(),
            limit: None,
        };
        if !self.in_trigger {
            self.depth = before + if filter.is_some() { 2 } else { 0 };
            delete.returning = self.returning()?;
            self.depth = before + 1;
            delete.order_by = self.order_by()?;
            self.depth = before + 2;
            delete.limit = self.limit()?;
        }
        self.depth = depth;
        Ok(delete)
    }
}
