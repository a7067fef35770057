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
    /// A VALUES clause with several rows (`SF_MultiValue`).
    pub values: bool,
    /// Rows of a VALUES clause, or what reads them (`SF_Values`).
    pub value_rows: bool,
    /// The recursive part of a CTE refers to itself.
    pub recursive: bool,
    /// Comes from a view.
    pub from_view: bool,
    /// A multi-part FROM was parenthesised (SF_NestedFrom).
    pub nested_from: bool,
    /// All aggregates are min() or max() (`SF_MinMaxAgg`).
    pub min_max: bool,
    /// Has an aggregate whose result depends on the order of rows, so that ORDER BY of a subquery counts (`SF_OrderByReqd`).
    pub order_by_required: bool,
    /// A result column contains a function call or a subquery (`SF_ComplexResult`).
    pub complex_result: bool,
    /// Window functions with different PARTITION BY (`SF_MultiPart`).
    pub multi_partition: bool,
    /// `SELECT * FROM (compound) ORDER BY …`, made because a COLLATE in ORDER BY differs from the compound's (`SF_Converted`).
    pub converted: bool,
    /// A copy made for one use of a common table expression.
    pub copy_of_cte: bool,
}

/// A common table expression that is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CteUse {
    /// The hint.
    pub materialized: Materialized,
    /// How many FROM items refer to it.
    pub uses: u32,
}

/// One core.
#[derive(Clone, Debug, Default)]
pub struct Select {
    pub columns: Vec<ResultColumn>,
    /// VALUES with several constant rows: the rows after the first, which is `columns`. Read by a co-routine.
    pub rows: Vec<Vec<ExprId>>,
    pub from: Vec<FromItem>,
    pub filter: Option<ExprId>,
    pub group_by: Vec<ExprId>,
    pub having: Option<ExprId>,
    /// Of the whole compound; on its last core only. There each term is the integer of its column, under its COLLATE if it has one.
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
    /// Text of the expression in its own syntax tree, for a column without alias.
    pub span: Option<Span>,
    /// Came from `*`.
    pub from_star: bool,
    /// Column of a parenthesised join that nobody outside uses.
    pub unused: bool,
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
    /// A subquery, view or CTE body. [`super::Bound::columns_of`] has its columns as the outer query sees them.
    Subquery {
        select: SelectId,
        /// Index into [`super::Bound::ctes`]; the same for all uses of one CTE, so that it is materialised once.
        cte: Option<u32>,
        /// The view whose body it is.
        view: Option<Arc<Table>>,
    },
    /// The recursive table of a CTE, inside its own body.
    Recursive,
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
    /// Affinity letter; [`super::AFFINITY_NONE`] when the expression has none.
    pub affinity: u8,
    /// `None` = BINARY by default, not by an explicit COLLATE.
    pub collation: Option<Box<[u8]>>,
    /// Declared type of the column that it comes from, or the standard name of its affinity.
    pub declared_type: Option<Box<[u8]>>,
    /// Left out of `*`: a second copy of a column merged by USING inside a parenthesised join.
    pub no_expand: bool,
}

impl SubqueryColumn {
    /// The type that the column would have in a table made of the subquery: the declared one if its affinity fits, else the standard name
    /// of the affinity.
    pub fn type_name(&self) -> Option<Box<[u8]>> {
        if let Some(declared) = &self.declared_type
            && crate::catalog::type_affinity(declared) == self.affinity
        {
            return Some(declared.clone());
        }
        let name: &[u8] = match self.affinity {
            super::AFFINITY_BLOB => b"BLOB",
            super::AFFINITY_TEXT => b"TEXT",
            super::AFFINITY_NUMERIC | super::AFFINITY_FLEXIBLE => b"NUM",
            super::AFFINITY_INTEGER => b"INT",
            super::AFFINITY_REAL => b"REAL",
            _ => return None,
        };
        Some(name.into())
    }
}

/// One item of FROM.
#[derive(Clone, Debug)]
pub struct FromItem {
    pub source: FromSource,
    /// The table's, view's or CTE's name; for a subquery what EXPLAIN QUERY PLAN calls it: `(subquery-3)`, `(join-2)`.
    pub name: Box<[u8]>,
    pub alias: Option<Box<[u8]>>,
    pub cursor: Cursor,
    pub join: JoinFlags,
    /// Bit n: column n is used (bit 63: column 63 or any later one), as SQLite's `colUsed`.
    pub columns_used: u64,
    pub hint: IndexHint,
    /// Columns merged by USING or NATURAL.
    pub using: Vec<Box<[u8]>>,
    /// Had an ON clause, which is part of the WHERE clause now.
    pub has_on: bool,
    /// The rowid is used.
    pub rowid_used: bool,
    /// From a schema text (view or trigger), for `trusted_schema`.
    pub from_schema: bool,
    /// The subquery refers to FROM items to its left or outside (must be re-run per outer row).
    pub correlated: bool,
}
