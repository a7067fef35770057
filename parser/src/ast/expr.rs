//! Expressions.
//!
//! Parentheses leave no node: `(x)` is `x`. A node's span runs from its first byte to its last, inner parentheses
//! included, its own outer ones not. SQLite's error offset of a node is the start of its leftmost leaf.

use super::{CallId, ExprId, List, NameId, OrderTerm, SelectId, SourceId, Span, Text, WindowId};

/// An expression and its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExprNode {
    /// What it is.
    pub kind: Expr,
    /// Where it stands.
    pub span: Span,
}

/// An expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expr {
    /// `NULL`
    Null,
    /// What `x IN ()` and `x NOT IN ()` are: FALSE and TRUE. The words TRUE and FALSE are an `Id`.
    Bool(bool),
    /// An integer literal: decimal digits or `0x…`, digit separators taken out. The value may exceed 64 bits: then
    /// decimal is a real, and hexadecimal an error of the code generator.
    Integer(Text),
    /// A literal with a fraction or an exponent, digit separators taken out.
    Float(Text),
    /// `'…'`, quotes undone.
    String(Text),
    /// `x'…'`: the hexadecimal digits, an even number of them.
    Blob(Text),
    /// `?`, `?NNN`, `:a`, `@a` or `$a`: its number, from 1. The spelling is the node's span.
    Parameter(u32),
    /// A name alone: a column, `rowid`, TRUE or FALSE, or (double-quoted) perhaps a string.
    Id(NameId),
    /// `table.column` or `schema.table.column`.
    Column {
        /// The part before the first of two dots.
        schema: Option<NameId>,
        /// The part before the last dot.
        table: NameId,
        /// The part behind the last dot.
        column: NameId,
    },
    /// `op operand`
    Unary {
        /// The operator.
        op: UnaryOp,
        /// What it applies to.
        operand: ExprId,
    },
    /// `left op right`
    Binary {
        /// The operator. `0 AND x` and `x AND 0` are the `Integer` 0, unless a function call stands in either (or an ALTER
        /// TABLE RENAME is looking for names).
        op: BinaryOp,
        /// Left operand.
        left: ExprId,
        /// Right operand.
        right: ExprId,
    },
    /// `operand ISNULL` or `IS NULL`; with `negated`, `NOTNULL`, `NOT NULL` or `IS NOT NULL`. Of a literal, under any
    /// unary plus or minus, it is the `Integer` 0 or 1 instead.
    IsNull {
        /// What is tested.
        operand: ExprId,
        /// Whether the answer is reversed.
        negated: bool,
    },
    /// `left [NOT] LIKE right [ESCAPE escape]`: a call of the function `like(right, left[, escape])`.
    Like {
        /// Which function.
        op: LikeOp,
        /// Whether NOT was there.
        negated: bool,
        /// The text looked at.
        left: ExprId,
        /// The pattern.
        right: ExprId,
        /// The escape character.
        escape: Option<ExprId>,
    },
    /// `operand [NOT] BETWEEN low AND high`
    Between {
        /// What is compared.
        operand: ExprId,
        /// Lower bound.
        low: ExprId,
        /// Upper bound.
        high: ExprId,
        /// Whether NOT was there.
        negated: bool,
    },
    /// `operand [NOT] IN (a, b)`: one term or more. Of `x IN ()` only FALSE is left, or `FALSE AND x` if `x` holds a
    /// function call (for NOT IN: TRUE, or `TRUE OR x`). SQLite takes a single constant, unless `operand` is a row value,
    /// as `operand = +constant`: what is constant depends on the functions known, so that is left to `core`.
    InList {
        /// What is looked for.
        operand: ExprId,
        /// Where.
        list: List<ExprId>,
        /// Whether NOT was there.
        negated: bool,
    },
    /// `operand [NOT] IN (SELECT …)`
    InSelect {
        /// What is looked for.
        operand: ExprId,
        /// Where.
        select: SelectId,
        /// Whether NOT was there.
        negated: bool,
    },
    /// `operand [NOT] IN [schema.]table[(arguments)]`
    InTable {
        /// What is looked for.
        operand: ExprId,
        /// Where: a table or a table-valued function, without alias and join.
        source: SourceId,
        /// Whether NOT was there.
        negated: bool,
    },
    /// `operand COLLATE collation`
    Collate {
        /// What is collated.
        operand: ExprId,
        /// By what.
        collation: NameId,
    },
    /// `CAST(operand AS type)`
    Cast {
        /// What is converted.
        operand: ExprId,
        /// The words of the type as typed; empty where none stands.
        type_name: Text,
    },
    /// `CASE [operand] WHEN … THEN … [ELSE …] END`
    Case {
        /// What is compared with each WHEN.
        operand: Option<ExprId>,
        /// WHEN, THEN, WHEN, THEN, …
        arms: List<ExprId>,
        /// The ELSE.
        otherwise: Option<ExprId>,
    },
    /// `(a, b, …)`: a row value of two terms or more.
    Vector(List<ExprId>),
    /// `(SELECT …)`
    Subquery(SelectId),
    /// `EXISTS (SELECT …)`
    Exists(SelectId),
    /// `name(…)`
    Call(CallId),
    /// `CURRENT_TIME` and its like, written without parentheses: a call of the function of that name.
    Current(CurrentKind),
    /// `RAISE(IGNORE)` or `RAISE(kind, message)`
    Raise {
        /// What is to happen.
        kind: RaiseKind,
        /// The message; none with IGNORE only.
        message: Option<ExprId>,
    },
}

// Each arena of expressions is walked by several passes: two nodes to a cache line.
const _: () = assert!(size_of::<ExprNode>() <= 32);

/// Operators in front of their operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOp {
    /// `NOT`
    Not,
    /// `~`
    BitNot,
    /// `+`: changes no value, but takes affinity and index use from a column.
    Plus,
    /// `-`
    Minus,
}

/// Operators between two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryOp {
    /// `OR`
    Or,
    /// `AND`
    And,
    /// `=` or `==`
    Eq,
    /// `<>` or `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// `IS`, also `IS NOT DISTINCT FROM`
    Is,
    /// `IS NOT`, also `IS DISTINCT FROM`
    IsNot,
    /// `&`
    BitAnd,
    /// `|`
    BitOr,
    /// `<<`
    ShiftLeft,
    /// `>>`
    ShiftRight,
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Remainder,
    /// `||`
    Concat,
    /// `->`: a call of the function of that name.
    Arrow,
    /// `->>`: a call of the function of that name.
    ArrowText,
}

/// The operators that call a function of two or three arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LikeOp {
    /// `LIKE`
    Like,
    /// `GLOB`
    Glob,
    /// `REGEXP`
    Regexp,
    /// `MATCH`
    Match,
}

/// The three words for the time of the statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CurrentKind {
    /// `CURRENT_DATE`
    Date,
    /// `CURRENT_TIME`
    Time,
    /// `CURRENT_TIMESTAMP`
    Timestamp,
}

/// What RAISE does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RaiseKind {
    /// `IGNORE`
    Ignore,
    /// `ROLLBACK`
    Rollback,
    /// `ABORT`
    Abort,
    /// `FAIL`
    Fail,
}

/// A function call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// The function's name.
    pub name: NameId,
    /// Whether DISTINCT stood before the arguments. (ALL may stand there too and means nothing.)
    pub distinct: bool,
    /// The arguments.
    pub arguments: CallArguments,
    /// `agg(x ORDER BY …)`. SQLite ignores it when there are no arguments.
    pub order_by: List<OrderTerm>,
    /// `FILTER (WHERE …)`
    pub filter: Option<ExprId>,
    /// `OVER …`
    pub over: Option<Over>,
}

/// What stands between the parentheses of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallArguments {
    /// `*`: the function is called without arguments.
    Star,
    /// Expressions, perhaps none.
    List(List<ExprId>),
}

/// What follows OVER.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// `OVER name`: that window of the WINDOW clause, as it is.
    Name(NameId),
    /// `OVER (…)`
    Window(WindowId),
}
