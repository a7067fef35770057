//! What a name can mean at some place: the FROM items, the NEW and OLD rows, the aliases of the result columns, and what is allowed.
//!
//! Contexts form a chain from the innermost query outward; a subquery that finds a name further out is correlated, which the reference
//! counts tell.

use std::sync::Arc;

use kernite_parser::ast;
use kernite_vdbe::op::Reg;

use crate::bound::{SelectId, SelfContext};
use crate::catalog::Table;

/// One level of names.
#[derive(Clone, Debug, Default)]
pub(super) struct Context {
    /// The level around it.
    pub(super) parent: Option<usize>,
    /// The core whose FROM items can be named.
    pub(super) sources: Option<SelectId>,
    /// The table whose row a CHECK, index or generated column is about.
    pub(super) self_table: Option<Arc<Table>>,
    /// The core whose WINDOW clause and window functions these are.
    pub(super) window_core: Option<SelectId>,
    /// That WINDOW clause.
    pub(super) windows: ast::List<ast::Window>,
    /// The core whose result aliases can be named.
    pub(super) aliases: Option<SelectId>,
    /// `excluded` of an UPSERT: its table, and the register of its first column.
    pub(super) excluded: Option<(Arc<Table>, Reg)>,
    pub(super) allowed: Allowed,
    pub(super) found: Found,
    /// How many names this level or one further out resolved.
    pub(super) references: u32,
    /// How many FROM subqueries deep the resolver is below this level; counts for the owner of an aggregate.
    pub(super) nested_selects: u32,
    /// The kind of schema expression.
    pub(super) schema_expr: Option<SelfContext>,
}

/// What may stand here.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Allowed {
    pub(super) aggregates: bool,
    pub(super) windows: bool,
    /// Subqueries are left alone: matching ORDER BY of a compound.
    pub(super) no_subqueries: bool,
    /// The WHERE clause, where `x IS NULL` of a NOT NULL column is known.
    pub(super) in_where: bool,
    /// Part of a CREATE statement: other rules for double-quoted strings.
    pub(super) is_ddl: bool,
    /// The NEW or OLD row of RETURNING.
    pub(super) returning: bool,
    /// A text from a schema other than temp: unsafe functions may not be called.
    pub(super) from_schema: bool,
}

/// What was found here.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Found {
    pub(super) aggregate: bool,
    pub(super) window: bool,
    /// min() or max().
    pub(super) min_max: bool,
    /// An aggregate whose result depends on the order of rows.
    pub(super) order_dependent: bool,
}

impl Found {
    /// Either's.
    pub(super) fn with(self, other: Found) -> Found {
        Found {
            aggregate: self.aggregate | other.aggregate,
            window: self.window | other.window,
            min_max: self.min_max | other.min_max,
            order_dependent: self.order_dependent | other.order_dependent,
        }
    }
}
