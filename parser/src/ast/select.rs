//! SELECT, VALUES, and what they are made of.

use super::{ExprId, List, Name, NameId, SelectId, Span};

/// A whole SELECT statement: cores joined by compound operators, with what belongs to all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Select {
    /// The WITH clause.
    pub with: Option<With>,
    /// One core or more.
    pub cores: List<Core>,
    /// ORDER BY of the whole.
    pub order_by: List<OrderTerm>,
    /// LIMIT of the whole.
    pub limit: Option<Limit>,
    /// From the first word to the last.
    pub span: Span,
}

/// `WITH [RECURSIVE] …`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct With {
    /// Whether RECURSIVE was there; SQLite does not care.
    pub recursive: bool,
    /// One common table expression or more.
    pub ctes: List<Cte>,
}

/// `name [(columns)] AS [[NOT] MATERIALIZED] (SELECT …)`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cte {
    /// Its name.
    pub name: NameId,
    /// Its column names; empty where none were given.
    pub columns: List<Name>,
    /// The hint.
    pub materialized: Materialized,
    /// The body.
    pub select: SelectId,
}

/// The hint of a common table expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Materialized {
    /// No hint.
    Any,
    /// `MATERIALIZED`
    Yes,
    /// `NOT MATERIALIZED`
    No,
}

/// One term of a compound SELECT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Core {
    /// What joins it to the terms before it; `None` for the first.
    pub operator: Option<CompoundOp>,
    /// The term.
    pub body: CoreBody,
}

/// Compound operators. All have the same precedence and group from the left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompoundOp {
    /// `UNION`
    Union,
    /// `UNION ALL`
    UnionAll,
    /// `EXCEPT`
    Except,
    /// `INTERSECT`
    Intersect,
}

/// SELECT or VALUES.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CoreBody {
    /// `SELECT …`
    Select(SelectCore),
    /// `VALUES (…), (…)`: one row or more, all of the same length.
    Values(List<Row>),
}

/// The terms of one row of VALUES.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// One term or more.
    pub terms: List<ExprId>,
}

/// `SELECT … FROM … WHERE … GROUP BY … HAVING … WINDOW …`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SelectCore {
    /// DISTINCT or ALL.
    pub distinct: Distinct,
    /// The result columns.
    pub columns: List<ResultColumn>,
    /// The FROM clause; empty where there is none.
    pub from: List<Source>,
    /// The WHERE clause.
    pub filter: Option<ExprId>,
    /// The GROUP BY terms.
    pub group_by: List<ExprId>,
    /// The HAVING clause.
    pub having: Option<ExprId>,
    /// The WINDOW clause: windows with a name.
    pub windows: List<Window>,
}

/// What stands after SELECT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distinct {
    /// Nothing.
    None,
    /// `ALL`, the same as nothing.
    All,
    /// `DISTINCT`
    Distinct,
}

/// One result column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResultColumn {
    /// What it yields.
    pub kind: ResultColumnKind,
    /// The expression as typed, without `AS name`: the name of a column that has no other.
    pub span: Span,
}

/// What a result column yields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResultColumnKind {
    /// `expr [[AS] alias]`
    Expr {
        /// The value.
        expr: ExprId,
        /// The name. Without AS it may not be a keyword, but may be a string.
        alias: Option<NameId>,
    },
    /// `*`
    Star,
    /// `table.*`
    TableStar(NameId),
}

/// One item of a FROM clause.
///
/// Parentheses that change nothing are gone: `(t)` is `t`, `(t AS a) AS b` is `t AS b`, and a list in parentheses at
/// the head of a FROM clause, with neither alias nor constraint, is the list itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// What it reads.
    pub kind: SourceKind,
    /// Its other name.
    pub alias: Option<NameId>,
    /// How it joins the items before it; `JoinType::NONE` for the first.
    pub join: JoinType,
    /// ON or USING.
    pub constraint: JoinConstraint,
    /// From its first byte to its last, join operator and constraint not included.
    pub span: Span,
}

/// What an item of a FROM clause reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceKind {
    /// `[schema.]name [INDEXED BY …]`
    Table {
        /// The part before the dot.
        schema: Option<NameId>,
        /// The table, view or common table expression.
        name: NameId,
        /// Which index to use.
        indexed: Indexed,
    },
    /// `[schema.]name(arguments)`
    Function {
        /// The part before the dot.
        schema: Option<NameId>,
        /// The table-valued function.
        name: NameId,
        /// Its arguments, perhaps none.
        arguments: List<ExprId>,
    },
    /// `(SELECT …)`
    Select(SelectId),
    /// `(a JOIN b …)`
    Join(List<Source>),
}

/// INDEXED BY.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Indexed {
    /// Nothing was said.
    Any,
    /// `INDEXED BY name`
    By(NameId),
    /// `NOT INDEXED`
    Not,
}

/// How an item of a FROM clause joins what stands before it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct JoinType(u8);

impl JoinType {
    /// The first item joins nothing.
    pub const NONE: JoinType = JoinType(0);
    /// A comma, `JOIN`, `INNER JOIN` or `CROSS JOIN`.
    pub const INNER: JoinType = JoinType(0x01);
    /// `CROSS JOIN`: keeps the order of its two sides.
    pub const CROSS: JoinType = JoinType(0x02);
    /// `NATURAL`
    pub const NATURAL: JoinType = JoinType(0x04);
    /// `LEFT` or `FULL`: rows from the left without a partner stay.
    pub const LEFT: JoinType = JoinType(0x08);
    /// `RIGHT` or `FULL`: rows from the right without a partner stay.
    pub const RIGHT: JoinType = JoinType(0x10);
    /// `OUTER` was written, or LEFT, RIGHT or FULL was.
    pub const OUTER: JoinType = JoinType(0x20);

    /// Both.
    pub const fn with(self, other: JoinType) -> JoinType {
        JoinType(self.0 | other.0)
    }

    /// Whether all of `other` is in here.
    pub const fn has(self, other: JoinType) -> bool {
        self.0 & other.0 == other.0
    }
}

impl std::fmt::Debug for JoinType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const WORDS: [(JoinType, &str); 6] = [
            (JoinType::INNER, "inner "),
            (JoinType::CROSS, "cross "),
            (JoinType::NATURAL, "natural "),
            (JoinType::LEFT, "left "),
            (JoinType::RIGHT, "right "),
            (JoinType::OUTER, "outer "),
        ];
        WORDS.iter().filter(|(bit, _)| self.has(*bit)).try_for_each(|(_, word)| f.write_str(word))
    }
}

/// What follows an item of a FROM clause. That a NATURAL join may have neither is for `core` to say: SQLite looks up the
/// tables first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinConstraint {
    /// Nothing.
    None,
    /// `ON expr`
    On(ExprId),
    /// `USING (columns)`
    Using(List<Name>),
}

/// One term of ORDER BY, or of an indexed-column list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderTerm {
    /// The key.
    pub expr: ExprId,
    /// ASC or DESC, where written.
    pub order: Option<SortOrder>,
    /// NULLS FIRST or NULLS LAST, where written. SQLite allows it in index keys only by not allowing it: "unsupported
    /// use of NULLS FIRST" and so on are errors of what consumes the term.
    pub nulls: Option<NullsOrder>,
}

/// ASC or DESC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortOrder {
    /// `ASC`
    Asc,
    /// `DESC`
    Desc,
}

/// Where NULLs go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NullsOrder {
    /// `NULLS FIRST`
    First,
    /// `NULLS LAST`
    Last,
}

/// LIMIT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// How many rows.
    pub count: ExprId,
    /// How many to skip; also the first of `LIMIT a, b`.
    pub offset: Option<ExprId>,
}

/// A window: of a WINDOW clause, or between the parentheses of OVER.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Its name in the WINDOW clause. SQLite compares the names of windows as typed, quotes included, ASCII case ignored.
    pub name: Option<NameId>,
    /// The window that it extends. In a WINDOW clause, where an earlier one has that name, it was checked that PARTITION BY,
    /// ORDER BY and frame are not given twice.
    pub base: Option<NameId>,
    /// PARTITION BY.
    pub partition_by: List<ExprId>,
    /// ORDER BY.
    pub order_by: List<OrderTerm>,
    /// The frame, where written; otherwise RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW.
    pub frame: Option<Frame>,
}

/// `ROWS BETWEEN … AND … EXCLUDE …`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// What the bounds count.
    pub unit: FrameUnit,
    /// Where it begins, never after `end` in the order in which `FrameBound` lists the kinds.
    pub start: FrameBound,
    /// Where it ends; `CurrentRow` where only the beginning was written.
    pub end: FrameBound,
    /// What is left out.
    pub exclude: FrameExclude,
}

/// What the bounds of a frame count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameUnit {
    /// `RANGE`
    Range,
    /// `ROWS`
    Rows,
    /// `GROUPS`
    Groups,
}

/// One end of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameBound {
    /// `UNBOUNDED PRECEDING`
    UnboundedPreceding,
    /// `expr PRECEDING`
    Preceding(ExprId),
    /// `CURRENT ROW`
    CurrentRow,
    /// `expr FOLLOWING`
    Following(ExprId),
    /// `UNBOUNDED FOLLOWING`
    UnboundedFollowing,
}

/// EXCLUDE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameExclude {
    /// Nothing was said.
    None,
    /// `NO OTHERS`: the same.
    NoOthers,
    /// `CURRENT ROW`
    CurrentRow,
    /// `GROUP`
    Group,
    /// `TIES`
    Ties,
}
