//! Bound expressions.

use std::sync::Arc;

use kernite_parser::ast::{FrameExclude, FrameUnit, Span};
use kernite_vdbe::Reg;
use kernite_vdbe::function::FunctionDef;
use kernite_vdbe::op::{Cursor, OnConflict};

use super::{OrderTerm, SelectId};
use crate::catalog::Table;

/// An expression of a [`super::Bound`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExprId(pub u32);

/// An expression with what the passes note about it.
#[derive(Clone, Debug)]
pub struct Expr {
    pub kind: ExprKind,
    pub flags: ExprFlags,
    /// For terms of an ON clause: cursor of the right table of that join (SQLite's `w.iJoin`).
    pub join_cursor: Option<Cursor>,
    /// Where it stands in the statement's text; `None` for what a pass made or what comes from a stored schema text.
    pub span: Option<Span>,
}

/// What the passes note about an expression.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExprFlags(pub u32);

impl ExprFlags {
    /// From the ON or USING clause of an outer join: `join_cursor` says whose.
    pub const OUTER_ON: u32 = 1 << 0;
    /// From the ON or USING clause of an inner join.
    pub const INNER_ON: u32 = 1 << 1;
    /// Contains an aggregate call.
    pub const HAS_AGGREGATE: u32 = 1 << 2;
    /// Contains a window function.
    pub const HAS_WINDOW: u32 = 1 << 3;
    /// Contains a subquery.
    pub const HAS_SUBQUERY: u32 = 1 << 4;
    /// Has an explicit COLLATE somewhere that decides its collation.
    pub const COLLATED: u32 = 1 << 5;
    /// Operands were swapped to put the column left (collation of the right side wins ties).
    pub const COMMUTED: u32 = 1 << 6;
    /// A subquery that depends on an outer one.
    pub const CORRELATED: u32 = 1 << 7;
    /// The value may be NULL although its column says NOT NULL: right side of an outer join.
    pub const CAN_BE_NULL: u32 = 1 << 8;
    /// From a double-quoted name that is no column.
    pub const QUOTED_STRING: u32 = 1 << 9;
    /// Must not be factored out as constant, was `likely()`-wrapped, etc. are side tables of the planner.
    pub const UNLIKELY: u32 = 1 << 10;
    /// Result alias was substituted here (ORDER BY/GROUP BY/WHERE by alias).
    pub const FROM_ALIAS: u32 = 1 << 11;
    /// From a schema text (view, trigger, CHECK, index), for `trusted_schema`.
    pub const FROM_SCHEMA: u32 = 1 << 12;
    /// Contains a function call as written (SQLite's `EP_HasFunc`).
    pub const HAS_FUNCTION: u32 = 1 << 13;
    /// A function whose value depends on nothing but its arguments while one statement runs (`EP_ConstFunc`).
    pub const CONSTANT_FUNCTION: u32 = 1 << 14;
    /// Argument of a function that looks at subtypes (`EP_SubtArg`): must not be replaced by an index column.
    pub const SUBTYPE_ARGUMENT: u32 = 1 << 15;
    /// The word TRUE or FALSE.
    pub const BOOLEAN_LITERAL: u32 = 1 << 16;
    /// A call whose affinity and collation are those of its first argument (`SQLITE_AFF_DEFER`): the coalesce() that stands for
    /// a column merged by a FULL JOIN … USING.
    pub const DEFER_AFFINITY: u32 = 1 << 17;
    /// A LIKE-family operator rather than a call by name (`EP_InfixFunc`).
    pub const INFIX_FUNCTION: u32 = 1 << 18;

    /// What a parent inherits from its operands.
    pub(crate) const PROPAGATED: u32 =
        ExprFlags::COLLATED | ExprFlags::HAS_SUBQUERY | ExprFlags::HAS_FUNCTION;

    /// Whether all bits of `bits` are set.
    pub const fn has(self, bits: u32) -> bool {
        self.0 & bits == bits
    }

    /// Whether any bit of `bits` is set.
    pub const fn any(self, bits: u32) -> bool {
        self.0 & bits != 0
    }

    /// Sets `bits`.
    pub fn set(&mut self, bits: u32) {
        self.0 |= bits;
    }

    /// Clears `bits`.
    pub fn clear(&mut self, bits: u32) {
        self.0 &= !bits;
    }
}

/// Operators with one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    Not,
    BitNot,
    Plus,
    Minus,
    IsNull,
    NotNull,
    /// `IS TRUE`, `IS FALSE`, `IS NOT TRUE`, `IS NOT FALSE`.
    Truth {
        is: bool,
        value: bool,
    },
}

/// Operators with two operands.
pub use kernite_parser::ast::BinaryOp;

/// Where IN looks.
#[derive(Clone, Debug)]
pub enum InSource {
    List(Vec<ExprId>),
    Select(SelectId),
}

/// A call of a scalar, aggregate or window function.
#[derive(Clone, Debug)]
pub struct FunctionCall {
    pub function: Arc<FunctionDef>,
    pub arguments: Vec<ExprId>,
    pub distinct: bool,
    pub order_by: Vec<OrderTerm>,
    pub filter: Option<ExprId>,
    /// OVER.
    pub window: Option<Box<WindowSpec>>,
    /// For aggregates: how many SELECTs outward the aggregate belongs (0 = the innermost).
    pub aggregate_depth: u8,
    /// Whether it is an aggregate here (min/max with one argument are; with more they are scalar).
    pub is_aggregate: bool,
    /// likely(), unlikely() and likelihood(): how probable the first argument is, times 2^27.
    pub probability: Option<u32>,
    /// The kind of schema expression that this call stands in, for functions that must be deterministic there.
    pub inside: Option<SelfContext>,
}

impl FunctionCall {
    /// A plain call without arguments.
    pub fn new(function: Arc<FunctionDef>) -> FunctionCall {
        FunctionCall {
            function,
            arguments: Vec::new(),
            distinct: false,
            order_by: Vec::new(),
            filter: None,
            window: None,
            aggregate_depth: 0,
            is_aggregate: false,
            probability: None,
            inside: None,
        }
    }
}

/// A schema expression about the row of one table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SelfContext {
    /// CHECK.
    Check,
    /// GENERATED ALWAYS AS.
    Generated,
    /// A key of an index.
    IndexExpr,
    /// The WHERE clause of an index.
    PartialIndex,
    /// DEFAULT: mentions no column.
    Default,
}

/// One end of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FrameEdge {
    UnboundedPreceding,
    Preceding,
    CurrentRow,
    Following,
    UnboundedFollowing,
}

/// A resolved window.
#[derive(Clone, Debug)]
pub struct WindowSpec {
    pub partition_by: Vec<ExprId>,
    pub order_by: Vec<OrderTerm>,
    pub unit: FrameUnit,
    pub start: FrameEdge,
    pub end: FrameEdge,
    /// How far `Preceding` or `Following` is.
    pub start_expr: Option<ExprId>,
    pub end_expr: Option<ExprId>,
    pub exclude: FrameExclude,
    pub explicit_frame: bool,
    pub name: Option<Box<[u8]>>,
}

/// What an expression is.
#[derive(Clone, Debug)]
pub enum ExprKind {
    Null,
    Integer(i64),
    Real(f64),
    /// UTF-8 (or whatever bytes were typed); converted to the database's encoding by the code generator.
    Text(Box<[u8]>),
    Blob(Box<[u8]>),
    Parameter(u32),
    /// Column of a FROM item; `column` -1 is the rowid. `table` is `None` for a subquery's column: see [`super::Bound::columns_of`].
    Column {
        cursor: Cursor,
        column: i16,
        table: Option<Arc<Table>>,
    },
    /// Column of the row that a trigger or a RETURNING clause sees: NEW or OLD; -1 is the rowid.
    TriggerColumn {
        new: bool,
        column: i16,
        table: Arc<Table>,
        /// In RETURNING: has the affinity of its column, which it has not in a trigger.
        returning: bool,
    },
    /// Column of the row being checked, generated or indexed: read from registers laid out by the caller (CHECK, generated columns, partial index WHERE).
    SelfColumn {
        column: i16,
        table: Arc<Table>,
    },
    /// A value that already is in a register (made by code generation). `affinity` and collation come from `of`.
    Register {
        reg: Reg,
        of: Option<ExprId>,
    },
    /// Slot of an aggregate query: column or finished aggregate (made by code generation).
    AggregateSlot {
        slot: u32,
        of: ExprId,
    },
    Unary {
        op: UnaryOp,
        operand: ExprId,
    },
    Binary {
        op: BinaryOp,
        left: ExprId,
        right: ExprId,
    },
    Between {
        operand: ExprId,
        low: ExprId,
        high: ExprId,
        negated: bool,
    },
    In {
        operand: ExprId,
        source: InSource,
        negated: bool,
    },
    /// The collation by name (`BINARY` too).
    Collate {
        operand: ExprId,
        collation: Box<[u8]>,
    },
    /// Affinity letter of the type, and whether a type stood there at all.
    Cast {
        operand: ExprId,
        affinity: u8,
    },
    Case {
        operand: Option<ExprId>,
        arms: Vec<(ExprId, ExprId)>,
        otherwise: Option<ExprId>,
    },
    Vector(Vec<ExprId>),
    /// A scalar or row-value subquery.
    Subquery(SelectId),
    /// One column of a row-value subquery (`(a, b) = (SELECT …)`, UPDATE SET (a, b) = …).
    SubqueryColumn {
        subquery: ExprId,
        column: u16,
    },
    Exists(SelectId),
    /// LIKE, GLOB, REGEXP, MATCH, ->, CURRENT_TIME and all named functions.
    Function(Box<FunctionCall>),
    /// NULL when the FROM item's cursor is on a null row, else the operand (made by flattening).
    IfNullRow {
        cursor: Cursor,
        operand: ExprId,
    },
    /// RAISE; `None` action = IGNORE.
    Raise {
        action: Option<OnConflict>,
        message: Option<ExprId>,
    },
}
