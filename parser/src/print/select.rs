//! SELECT and what it is made of.

use super::{Printer, STACK};
use crate::ast::{
    CompoundOp, CoreBody, Distinct, Indexed, JoinConstraint, JoinType, Limit, List, Materialized,
    QualifiedName, ResultColumn, ResultColumnKind, SelectCore, SelectId, Source, SourceKind, With,
};

impl Printer<'_> {
    pub(super) fn parenthesised_select(&mut self, select: SelectId) {
        self.open();
        self.select(select);
        self.close();
    }

    pub(super) fn select(&mut self, select: SelectId) {
        stacker::maybe_grow(STACK.0, STACK.1, || {
            let ast = self.ast;
            let select = &ast[select];
            self.with(select.with);
            for core in ast.list(select.cores) {
                match core.operator {
                    None => {}
                    Some(CompoundOp::Union) => self.word("UNION"),
                    Some(CompoundOp::UnionAll) => self.word("UNION ALL"),
                    Some(CompoundOp::Except) => self.word("EXCEPT"),
                    Some(CompoundOp::Intersect) => self.word("INTERSECT"),
                }
                match &core.body {
                    CoreBody::Select(core) => self.core(core),
                    CoreBody::Values(rows) => {
                        self.word("VALUES");
                        self.nodes(*rows, |p, row| {
                            p.open();
                            p.nodes(row.terms, |p, &expr| p.expr(expr));
                            p.close();
                        });
                    }
                }
            }
            self.order_by(select.order_by);
            self.limit(select.limit);
        });
    }

    pub(super) fn with(&mut self, with: Option<With>) {
        let Some(with) = with else { return };
        self.word("WITH");
        self.flag(with.recursive, "RECURSIVE");
        self.nodes(with.ctes, |p, cte| {
            p.name(cte.name);
            p.optional_names(cte.columns);
            p.word(match cte.materialized {
                Materialized::Any => "AS",
                Materialized::Yes => "AS MATERIALIZED",
                Materialized::No => "AS NOT MATERIALIZED",
            });
            p.parenthesised_select(cte.select);
        });
    }

    pub(super) fn limit(&mut self, limit: Option<Limit>) {
        let Some(limit) = limit else { return };
        self.word("LIMIT");
        self.expr(limit.count);
        if let Some(offset) = limit.offset {
            self.word("OFFSET");
            self.expr(offset);
        }
    }

    fn core(&mut self, core: &SelectCore) {
        self.word("SELECT");
        match core.distinct {
            Distinct::None => {}
            Distinct::All => self.word("ALL"),
            Distinct::Distinct => self.word("DISTINCT"),
        }
        self.result_columns(core.columns);
        self.from(core.from);
        self.filter(core.filter);
        if !core.group_by.is_empty() {
            self.word("GROUP BY");
            self.nodes(core.group_by, |p, &expr| p.expr(expr));
        }
        if let Some(having) = core.having {
            self.word("HAVING");
            self.expr(having);
        }
        if !core.windows.is_empty() {
            self.word("WINDOW");
            self.nodes(core.windows, |p, window| {
                p.optional_name("", window.name);
                p.word("AS");
                p.window(window);
            });
        }
    }

    /// `WHERE …`, or nothing.
    pub(super) fn filter(&mut self, filter: Option<crate::ast::ExprId>) {
        if let Some(filter) = filter {
            self.word("WHERE");
            self.expr(filter);
        }
    }

    pub(super) fn result_columns(&mut self, columns: List<ResultColumn>) {
        self.nodes(columns, |p, column| match column.kind {
            ResultColumnKind::Star => p.word("*"),
            ResultColumnKind::TableStar(table) => {
                p.name(table);
                p.raw(".*");
            }
            ResultColumnKind::Expr { expr, alias } => {
                p.expr(expr);
                p.optional_name("AS", alias);
            }
        });
    }

    /// `FROM …`, or nothing.
    pub(super) fn from(&mut self, sources: List<Source>) {
        if !sources.is_empty() {
            self.word("FROM");
            self.sources(sources);
        }
    }

    fn sources(&mut self, sources: List<Source>) {
        let ast = self.ast;
        for (i, source) in ast.list(sources).iter().enumerate() {
            if i > 0 {
                self.join(source.join);
            }
            self.source(source);
        }
    }

    fn join(&mut self, join: JoinType) {
        self.flag(join.has(JoinType::NATURAL), "NATURAL");
        match (join.has(JoinType::LEFT), join.has(JoinType::RIGHT)) {
            (true, true) => self.word("FULL"),
            (true, false) => self.word("LEFT"),
            (false, true) => self.word("RIGHT"),
            (false, false) => self.flag(join.has(JoinType::CROSS), "CROSS"),
        }
        self.word("JOIN");
    }

    fn source(&mut self, source: &Source) {
        let mut index = Indexed::Any;
        match source.kind {
            SourceKind::Table { schema, name, indexed } => {
                self.qualified(QualifiedName { schema, name });
                index = indexed;
            }
            SourceKind::Function { schema, name, arguments } => {
                self.qualified(QualifiedName { schema, name });
                self.open();
                self.nodes(arguments, |p, &expr| p.expr(expr));
                self.close();
            }
            SourceKind::Select(select) => self.parenthesised_select(select),
            SourceKind::Join(sources) => {
                self.open();
                stacker::maybe_grow(STACK.0, STACK.1, || self.sources(sources));
                self.close();
            }
        }
        self.optional_name("AS", source.alias);
        self.indexed(index);
        match source.constraint {
            JoinConstraint::None => {}
            JoinConstraint::On(expr) => {
                self.word("ON");
                self.expr(expr);
            }
            JoinConstraint::Using(columns) => {
                self.word("USING");
                self.optional_names(columns);
            }
        }
    }

    pub(super) fn indexed(&mut self, indexed: Indexed) {
        match indexed {
            Indexed::Any => {}
            Indexed::By(name) => self.optional_name("INDEXED BY", Some(name)),
            Indexed::Not => self.word("NOT INDEXED"),
        }
    }
}
