//! SELECT, VALUES, compounds, WITH.

use super::{Grammar, Rule};
use crate::Features;
use crate::ast::{
    CompoundOp, Core, CoreBody, Cte, Distinct, Expr, ExprId, Limit, List, Materialized, Name, OrderTerm,
    ResultColumn, ResultColumnKind, Row, Select, SelectCore, SelectId, Span, Stored, With,
};
use crate::lexer::{Token, TokenKind, is_space};

/// One term of a compound, with what only its last may have.
struct Term {
    body: CoreBody,
    order_by: List<OrderTerm>,
    limit: Option<Limit>,
    height: u16,
}

/// The clause that stands too early in a compound, and the operator behind it.
#[derive(Clone, Copy)]
struct Misplaced {
    clause: &'static str,
    before: CompoundOp,
}

impl Grammar<'_> {
    /// Whether a SELECT statement begins here.
    pub(super) fn at_select(&self) -> bool {
        matches!(self.tok.kind, TokenKind::Select | TokenKind::Values | TokenKind::With)
    }

    pub(super) fn select_height(&self, select: SelectId) -> u16 {
        self.m.select_heights[select.index()]
    }

    /// `select`
    pub(super) fn select(&mut self) -> Rule<SelectId> {
        self.deeper(|g| {
            let start = g.tok.start;
            let depth = g.depth;
            let with = if g.tok.kind == TokenKind::With { Some(g.with_clause()?) } else { None };
            let select = g.select_after_with(with, start);
            g.depth = depth;
            select
        })
    }

    /// `selectnowith`, for a statement that began at `start`.
    pub(super) fn select_after_with(&mut self, with: Option<With>, start: u32) -> Rule<SelectId> {
        let depth = self.depth;
        let from = self.open::<Core>();
        let mut operator = None;
        let mut misplaced = None;
        let mut height = 0;
        let (order_by, limit) = loop {
            let term = self.select_term()?;
            height = height.max(term.height);
            self.push(Core { operator, body: term.body });
            operator = self.compound_op()?;
            let Some(before) = operator else { break (term.order_by, term.limit) };
            // SQLite looks from the last term back, so the last one that is wrong is reported.
            if !term.order_by.is_empty() {
                misplaced = Some(Misplaced { clause: "ORDER BY", before });
            } else if term.limit.is_some() {
                misplaced = Some(Misplaced { clause: "LIMIT", before });
            }
            self.depth = depth + 2;
        };
        self.depth = depth;
        self.check_compound(from, misplaced);
        let cores = self.close(from);
        let selects = Select::arena_mut(&mut self.ast);
        let id = SelectId::next(selects.len());
        selects.push(Select { with, cores, order_by, limit, span: Span::new(start, self.last_end) });
        self.m.select_heights.push(height);
        Ok(id)
    }

    fn check_compound(&mut self, from: usize, misplaced: Option<Misplaced>) {
        let cores = self.items::<Core>(from);
        let count = cores.len();
        let values = matches!(cores.last(), Some(Core { body: CoreBody::Values(_), .. }));
        if let Some(Misplaced { clause, before }) = misplaced {
            let operator = match before {
                CompoundOp::Union => "UNION",
                CompoundOp::UnionAll => "UNION ALL",
                CompoundOp::Except => "EXCEPT",
                CompoundOp::Intersect => "INTERSECT",
            };
            return self.fail(format!("{clause} clause should come after {operator} not before"), None);
        }
        let limit = self.limits.compound_select as usize;
        if count > 1 && !values && limit > 0 && count > limit {
            self.fail("too many terms in compound SELECT", None);
        }
    }

    fn compound_op(&mut self) -> Rule<Option<CompoundOp>> {
        let op = match self.tok.kind {
            TokenKind::Union => CompoundOp::Union,
            TokenKind::Except => CompoundOp::Except,
            TokenKind::Intersect => CompoundOp::Intersect,
            _ => return Ok(None),
        };
        self.shift()?;
        if op == CompoundOp::Union && self.take(TokenKind::All)? {
            self.features.set(Features::UNION_ALL);
            return Ok(Some(CompoundOp::UnionAll));
        }
        self.features.set(Features::COMPOUND);
        Ok(Some(op))
    }

    /// `oneselect`
    fn select_term(&mut self) -> Rule<Term> {
        match self.tok.kind {
            TokenKind::Select => self.select_core(),
            TokenKind::Values => self.values(),
            _ => Err(self.syntax_error()),
        }
    }

    /// `VALUES (…), (…)`
    fn values(&mut self) -> Rule<Term> {
        self.check_depth()?;
        self.shift()?;
        let depth = self.depth;
        let from = self.open::<Row>();
        let mut height = 0;
        self.depth += 2;
        loop {
            self.expect(TokenKind::LeftParen)?;
            let terms = self.expr_list()?;
            self.expect(TokenKind::RightParen)?;
            height = height.max(self.list_meta(terms).height);
            self.push(Row { terms });
            self.check_row(from, terms);
            if self.tok.kind != TokenKind::Comma {
                break;
            }
            self.features.set(Features::MULTI_VALUES);
            self.shift()?;
            self.depth = depth + 3;
        }
        self.depth = depth;
        let body = CoreBody::Values(self.close(from));
        Ok(Term { body, order_by: List::default(), limit: None, height })
    }

    /// All rows have as many terms as the first. SQLite says so at once only of constant rows, which it codes while it
    /// parses; of others when the statement has been read.
    fn check_row(&mut self, from: usize, terms: List<ExprId>) {
        let first = match self.items::<Row>(from).first() {
            Some(row) if row.terms.len() != terms.len() => row.terms,
            _ => return,
        };
        let special = self.limits.reading_schema || self.limits.renaming || self.features.any(Features::WITH);
        let constant = |row: List<ExprId>| self.ast.list(row).iter().all(|&term| self.is_literal(term));
        let at_once = !special && constant(first) && constant(terms);
        self.fail("all VALUES must have the same number of terms", None);
        if !at_once {
            self.pending = false;
            self.late = self.m.failure.take();
        }
    }

    /// `SELECT …` up to its LIMIT
    fn select_core(&mut self) -> Rule<Term> {
        self.check_depth()?;
        self.shift()?;
        let depth = self.depth;
        let distinct = self.distinct()?;
        if distinct == Distinct::Distinct {
            self.features.set(Features::DISTINCT);
        }
        self.depth = depth + 4;
        let columns = self.result_columns()?;
        let mut height = self.columns_height(columns);
        let mut core = SelectCore {
            distinct,
            columns,
            from: List::default(),
            filter: None,
            group_by: List::default(),
            having: None,
            windows: List::default(),
        };
        if self.take(TokenKind::From)? {
            core.from = self.read_from()?;
        }
        if self.take(TokenKind::Where)? {
            self.depth = depth + 5;
            core.filter = Some(self.expr()?);
        }
        if self.take(TokenKind::Group)? {
            self.expect(TokenKind::By)?;
            self.features.set(Features::GROUP_BY);
            self.depth = depth + 7;
            core.group_by = self.expr_list()?;
            height = height.max(self.list_meta(core.group_by).height);
        }
        if self.take(TokenKind::Having)? {
            self.features.set(Features::GROUP_BY);
            self.depth = depth + 7;
            core.having = Some(self.expr()?);
        }
        let mut symbols = 8;
        if self.take(TokenKind::Window)? {
            self.depth = depth + 8;
            core.windows = self.window_clause()?;
            symbols = 9;
        }
        self.depth = depth + symbols - 1;
        let order_by = self.order_by()?;
        self.depth = depth + symbols;
        let limit = self.limit()?;
        self.depth = depth;
        for expr in core.filter.into_iter().chain(core.having) {
            height = height.max(self.meta(expr).height);
        }
        height = height.max(self.order_height(order_by)).max(self.limit_height(limit));
        Ok(Term { body: CoreBody::Select(core), order_by, limit, height })
    }

    fn columns_height(&self, columns: List<ResultColumn>) -> u16 {
        let height = |column: &ResultColumn| match column.kind {
            ResultColumnKind::Expr { expr, .. } => self.meta(expr).height,
            ResultColumnKind::Star => 1,
            ResultColumnKind::TableStar(_) => 2,
        };
        self.ast.list(columns).iter().map(height).max().unwrap_or(0)
    }

    fn order_height(&self, terms: List<OrderTerm>) -> u16 {
        self.ast.list(terms).iter().map(|term| self.meta(term.expr).height).max().unwrap_or(0)
    }

    fn limit_height(&self, limit: Option<Limit>) -> u16 {
        let Some(limit) = limit else { return 0 };
        let offset = limit.offset.map_or(0, |offset| self.meta(offset).height);
        self.meta(limit.count).height.max(offset).saturating_add(1)
    }

    /// `orderby_opt`; the depth is that of what stands before it.
    pub(super) fn order_by(&mut self) -> Rule<List<OrderTerm>> {
        if !self.take(TokenKind::Order)? {
            return Ok(List::default());
        }
        self.expect(TokenKind::By)?;
        self.depth += 2;
        self.sort_list()
    }

    /// `limit_opt`; the depth is that of what stands before it.
    pub(super) fn limit(&mut self) -> Rule<Option<Limit>> {
        if !self.take(TokenKind::Limit)? {
            return Ok(None);
        }
        self.depth += 1;
        let first = self.expr()?;
        let second = self.tok.kind;
        let limit = match second {
            TokenKind::Offset | TokenKind::Comma => {
                self.shift()?;
                self.depth += 2;
                let second_expr = self.expr()?;
                match second {
                    TokenKind::Offset => Limit { count: first, offset: Some(second_expr) },
                    _ => Limit { count: second_expr, offset: Some(first) },
                }
            }
            _ => Limit { count: first, offset: None },
        };
        let height = self.limit_height(Some(limit));
        self.check_height(height);
        Ok(Some(limit))
    }

    /// `selcollist`
    pub(super) fn result_columns(&mut self) -> Rule<List<ResultColumn>> {
        let from = self.open::<ResultColumn>();
        loop {
            let column = self.result_column()?;
            self.push(column);
            if !self.take(TokenKind::Comma)? {
                return Ok(self.close(from));
            }
        }
    }

    fn result_column(&mut self) -> Rule<ResultColumn> {
        let start = self.tok.start;
        let expr = if self.tok.kind == TokenKind::Star {
            self.check_depth()?;
            let span = self.shift()?.span();
            return Ok(ResultColumn { kind: ResultColumnKind::Star, span });
        } else if self.at_operand_name() {
            self.check_depth()?;
            let name = self.shift()?;
            match self.dotted_operand(name)? {
                Some(expr) => self.expr_after(expr, start)?,
                None => {
                    let kind = ResultColumnKind::TableStar(self.add_name(name));
                    return Ok(ResultColumn { kind, span: Span::new(start, self.last_end) });
                }
            }
        } else {
            self.expr()?
        };
        // SQLite takes the text up to the next token, comments included, and cuts off the space at its end.
        let text = self.bytes(Span::new(start, self.tok.start));
        let trailing = text.iter().rev().take_while(|&&b| is_space(b)).count();
        let span = Span::new(start, start + (text.len() - trailing) as u32);
        let alias = self.alias()?;
        Ok(ResultColumn { kind: ResultColumnKind::Expr { expr, alias }, span })
    }

    /// The operand that begins with `name`; `None` for `name.*`.
    fn dotted_operand(&mut self, name: Token) -> Rule<Option<ExprId>> {
        if self.tok.kind != TokenKind::Dot {
            return self.name_or_call(name).map(Some);
        }
        self.shift()?;
        if self.take(TokenKind::Star)? { Ok(None) } else { self.column(name).map(Some) }
    }

    /// `WITH …`. The caller puts the depth back.
    pub(super) fn with_clause(&mut self) -> Rule<With> {
        self.features.set(Features::WITH);
        self.expect(TokenKind::With)?;
        let recursive = self.take(TokenKind::Recursive)?;
        let depth = self.depth + 1 + u32::from(recursive);
        self.depth = depth;
        let from = self.open::<Cte>();
        loop {
            let cte = self.common_table_expression()?;
            let name = self.name_value(cte.name);
            if self
                .items::<Cte>(from)
                .iter()
                .any(|other| self.name_value(other.name).eq_ignore_ascii_case(name))
            {
                let message = [b"duplicate WITH table name: ", name].concat();
                self.fail(message, None);
            }
            self.push(cte);
            if !self.take(TokenKind::Comma)? {
                break;
            }
            self.depth = depth + 2;
        }
        self.depth = depth + 1;
        Ok(With { recursive, ctes: self.close(from) })
    }

    /// `wqitem`
    fn common_table_expression(&mut self) -> Rule<Cte> {
        let name = self.name()?;
        let columns = self.column_names()?;
        self.expect(TokenKind::As)?;
        let materialized = if self.take(TokenKind::Materialized)? {
            Materialized::Yes
        } else if self.take(TokenKind::Not)? {
            self.expect(TokenKind::Materialized)?;
            Materialized::No
        } else {
            Materialized::Any
        };
        self.expect(TokenKind::LeftParen)?;
        if !self.at_select() {
            return Err(self.syntax_error());
        }
        let depth = self.depth;
        self.depth += 4;
        let select = self.select()?;
        self.depth = depth;
        self.expect(TokenKind::RightParen)?;
        Ok(Cte { name, columns, materialized, select })
    }

    /// `eidlist_opt`
    pub(super) fn column_names(&mut self) -> Rule<List<Name>> {
        if self.take(TokenKind::LeftParen)? { self.column_names_until_paren() } else { Ok(List::default()) }
    }

    /// `eidlist RP`: names, behind which old schemas may have COLLATE, ASC or DESC.
    pub(super) fn column_names_until_paren(&mut self) -> Rule<List<Name>> {
        let start = Name::arena(&self.ast).len();
        loop {
            let token = self.name_token()?;
            self.add_name(token);
            let collated = self.take(TokenKind::Collate)?;
            if collated {
                if !self.tok.kind.is_id_or_string() {
                    return Err(self.syntax_error());
                }
                self.shift()?;
            }
            if (self.sort_order()?.is_some() || collated) && !self.limits.reading_schema {
                let message =
                    [b"syntax error after column name \"", self.bytes(token.span()), b"\""].concat();
                self.fail(message, None);
            }
            if !self.take(TokenKind::Comma)? {
                break;
            }
        }
        self.expect(TokenKind::RightParen)?;
        Ok(self.names_since(start))
    }

    /// `idlist`
    pub(super) fn names(&mut self) -> Rule<List<Name>> {
        let start = Name::arena(&self.ast).len();
        loop {
            self.name()?;
            if !self.take(TokenKind::Comma)? {
                return Ok(self.names_since(start));
            }
        }
    }

    /// `LP idlist RP`, at its parenthesis
    pub(super) fn names_in_parens(&mut self) -> Rule<List<Name>> {
        self.expect(TokenKind::LeftParen)?;
        let names = self.names()?;
        self.expect(TokenKind::RightParen)?;
        Ok(names)
    }

    fn names_since(&self, start: usize) -> List<Name> {
        let end = Name::arena(&self.ast).len();
        List::from_parts(start as u32, (end - start) as u32)
    }

    /// The number of values of an expression, as far as the grammar can tell: `None` for a SELECT.
    pub(super) fn vector_size(&self, expr: ExprId) -> Option<usize> {
        match self.ast.expr(expr) {
            Expr::Vector(terms) => Some(terms.len()),
            Expr::Subquery(_) => None,
            _ => Some(1),
        }
    }
}
