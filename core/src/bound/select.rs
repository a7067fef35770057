//! Bound SELECTs.

use std::sync::Arc;

use kernite_parser::ast::{Materialized, NullsOrder, Span};
use kernite_vdbe::op::Cursor;

use super::ExprId;
use crate::catalog::{Index, Table};

/// A SELECT core of a [`super::Bound`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SelectId(pub u32);

/// Compound operators.
pub use kernite_parser::ast::CompoundOp;

/// How a core joins its prior, and what is known of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SelectFlags {
    pub distinct: bool,
    /// Has aggregates or GROUP BY.
    pub aggregate: bool,
    pub has_window: bool,
    /// Refers to an outer query.
    pub correlated: bool,
    /// A VALUES clause with several rows.
    pub values: bool,
    /// The recursive part of a CTE refers to itself.
    pub recursive: bool,
    /// Comes from a view.
    pub from_view: bool,
    /// A multi-part FROM was parenthesised (SF_NestedFrom).
    pub nested_from: bool,
    /// Single min()/max() hint was taken.
    pub min_max: bool,
}

/// One core.
#[derive(Clone, Debug, Default)]
pub struct Select {
    pub columns: Vec<ResultColumn>,
    pub from: Vec<FromItem>,
    pub filter: Option<ExprId>,
    pub group_by: Vec<ExprId>,
    pub having: Option<ExprId>,
    /// Of the whole compound; on its last core only.
    pub order_by: Vec<OrderTerm>,
    pub limit: Option<ExprId>,
    pub offset: Option<ExprId>,
    /// The core before this one in a compound.
    pub prior: Option<SelectId>,
    /// The operator between `prior` and this core.
    pub operator: Option<CompoundOp>,
    pub flags: SelectFlags,
    /// Number in EXPLAIN QUERY PLAN and names of co-routines, from 1.
    pub id: u32,
}

/// A result column.
#[derive(Clone, Debug)]
pub struct ResultColumn {
    pub expr: ExprId,
    /// AS name, or the name that a star expansion gave.
    pub alias: Option<Box<[u8]>>,
    /// Text of the expression, for a column without alias.
    pub span: Option<Span>,
    /// Came from `*` (names follow other rules), with the table's name for `full_column_names`.
    pub from_star: bool,
}

/// One term of ORDER BY (or of an aggregate's or window's).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderTerm {
    pub expr: ExprId,
    pub descending: bool,
    pub nulls: Option<NullsOrder>,
    /// Refers to result column `n` (from 1), by number or alias; 0 = none.
    pub result_column: u16,
}

/// How a FROM item joins what stands before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JoinFlags {
    pub inner: bool,
    pub cross: bool,
    pub natural: bool,
    pub left: bool,
    pub right: bool,
    pub outer: bool,
    /// This item is to the left of some RIGHT JOIN (JT_LTORJ).
    pub left_of_right_join: bool,
}

/// INDEXED BY / NOT INDEXED.
#[derive(Clone, Debug, Default)]
pub enum IndexHint {
    #[default]
    Any,
    By(Arc<Index>),
    NotIndexed,
}

/// What a FROM item reads.
#[derive(Clone, Debug)]
pub enum FromSource {
    Table(Arc<Table>),
    /// A subquery, view or CTE body. `name` for EXPLAIN QUERY PLAN.
    Subquery {
        select: SelectId,
        materialized: Materialized,
        /// Same number for all uses of one CTE, so that it is materialised once.
        cte: Option<u32>,
        /// Column names, affinities ('A'..'E') and collations as the outer query sees them.
        columns: Vec<SubqueryColumn>,
        from_view: bool,
    },
    /// The recursive table of a CTE, inside its own body.
    Recursive {
        columns: Vec<SubqueryColumn>,
    },
    /// A table-valued function with its arguments.
    TableFunction {
        table: Arc<Table>,
        arguments: Vec<ExprId>,
    },
}

/// A column of a subquery in FROM.
#[derive(Clone, Debug)]
pub struct SubqueryColumn {
    pub name: Box<[u8]>,
    pub affinity: u8,
    pub collation: Option<Box<[u8]>>,
    pub not_null: bool,
    pub hidden: bool,
}

/// One item of FROM.
#[derive(Clone, Debug)]
pub struct FromItem {
    pub source: FromSource,
    /// As typed.
    pub name: Box<[u8]>,
    pub alias: Option<Box<[u8]>>,
    pub cursor: Cursor,
    pub join: JoinFlags,
    /// Bit n: column n is used (bit 63: column 63 or any later one), as SQLite's `colUsed`.
    pub columns_used: u64,
    pub hint: IndexHint,
    /// Columns merged by USING or NATURAL.
    pub using: Vec<Box<[u8]>>,
    /// The subquery refers to FROM items to its left or outside (must be re-run per outer row).
    pub correlated: bool,
}
