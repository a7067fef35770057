//! The bound tree: a statement whose names have become ids. Every pass after `resolve` works on it and only on it.
//!
//! Arenas with `u32` ids, owned by one compilation and changed in place: the planner rewrites it (constants propagated, subqueries
//! flattened, terms pushed down) by replacing nodes or adding copies. A SELECT is one [`Select`] per core; a compound is a chain through
//! `prior`, with ORDER BY and LIMIT on the last core, which is the one that stands for the whole.
//!
//! Cursor numbers are given out by the resolver, one per FROM item, and are unique in the statement.
//!
//! Always true: ids point into the arenas of their own tree; a column reference names a cursor of a FROM item that is in scope,
//! or of the row being changed (NEW, OLD, the row of a CHECK).
//!
//! Rooms: `expr` and `select` (the nodes), `walk` (visiting them), `copy` (deep copies), `compare` (are two expressions the same),
//! `types` (affinity, collation, constness: what is known of an expression without running it).

mod compare;
mod copy;
mod expr;
mod select;
mod types;
mod walk;

use kernite_vdbe::op::Cursor;

pub use compare::Similarity;
pub use expr::{
    BinaryOp, Expr, ExprFlags, ExprId, ExprKind, FrameEdge, FunctionCall, InSource, SelfContext, UnaryOp,
    WindowSpec,
};
pub use select::{
    CompoundOp, CteUse, FromItem, FromSource, IndexHint, JoinFlags, OrderTerm, ResultColumn, Select,
    SelectFlags, SelectId, SubqueryColumn,
};
pub use types::{
    AFFINITY_BLOB, AFFINITY_FLEXIBLE, AFFINITY_INTEGER, AFFINITY_NONE, AFFINITY_NUMERIC, AFFINITY_REAL,
    AFFINITY_TEXT, DataTypes,
};
pub use walk::Visitor;

/// The arenas of one statement.
#[derive(Debug, Default)]
pub struct Bound {
    pub exprs: Vec<Expr>,
    pub selects: Vec<Select>,
    /// Columns of the subqueries, views, common table expressions and recursive tables in FROM, by cursor number.
    subquery_columns: Vec<Vec<SubqueryColumn>>,
    /// One entry per common table expression that is used, named by [`FromSource::Subquery`].
    pub ctes: Vec<CteUse>,
}

impl Bound {
    /// Adds an expression.
    pub fn add(&mut self, expr: Expr) -> ExprId {
        self.exprs.push(expr);
        ExprId((self.exprs.len() - 1) as u32)
    }

    /// Adds an expression of a kind, with no flags and no place in the text.
    pub fn expr(&mut self, kind: ExprKind) -> ExprId {
        self.add(Expr { kind, flags: ExprFlags::default(), join_cursor: None, span: None })
    }

    /// Adds a SELECT core.
    pub fn add_select(&mut self, select: Select) -> SelectId {
        self.selects.push(select);
        SelectId((self.selects.len() - 1) as u32)
    }

    /// The columns of the subquery that `cursor` reads; empty when it reads a table.
    pub fn columns_of(&self, cursor: Cursor) -> &[SubqueryColumn] {
        self.subquery_columns.get(usize::from(cursor.0)).map_or(&[], Vec::as_slice)
    }

    /// Says what columns the subquery that `cursor` reads has.
    pub fn set_columns(&mut self, cursor: Cursor, columns: Vec<SubqueryColumn>) {
        let index = usize::from(cursor.0);
        if self.subquery_columns.len() <= index {
            self.subquery_columns.resize_with(index + 1, Vec::new);
        }
        self.subquery_columns[index] = columns;
    }

    /// The first core of the compound that `select` stands for: the one whose column names count.
    pub fn leftmost(&self, mut select: SelectId) -> SelectId {
        while let Some(prior) = self[select].prior {
            select = prior;
        }
        select
    }
}

impl std::ops::Index<ExprId> for Bound {
    type Output = Expr;
    fn index(&self, id: ExprId) -> &Expr {
        &self.exprs[id.0 as usize]
    }
}

impl std::ops::IndexMut<ExprId> for Bound {
    fn index_mut(&mut self, id: ExprId) -> &mut Expr {
        &mut self.exprs[id.0 as usize]
    }
}

impl std::ops::Index<SelectId> for Bound {
    type Output = Select;
    fn index(&self, id: SelectId) -> &Select {
        &self.selects[id.0 as usize]
    }
}

impl std::ops::IndexMut<SelectId> for Bound {
    fn index_mut(&mut self, id: SelectId) -> &mut Select {
        &mut self.selects[id.0 as usize]
    }
}
