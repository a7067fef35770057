//! The syntax tree: one statement, its text, and every node in flat arenas.
//!
//! An `Ast` owns everything it mentions: it is `Send`, has no lifetimes and can be kept with a schema object.
//! Nodes refer to each other by 4-byte ids, and lists are ranges of an arena, so that a statement is a handful
//! of vectors instead of a heap of boxes, and `Parser::recycle` can use their memory again.
//!
//! ```text
//! source  | the statement as typed                      <- Span, Text
//! values  | values that differ from what was typed      <- Text (doubled quotes undone, digit separators taken out)
//! exprs   | ExprNode ExprNode …                         children before parents
//! names   | Name Name …                                 every identifier that names something, in reading order
//! ```
//!
//! Always true of a tree that the parser returned:
//! - every id and list points into the arenas of its own `Ast`, and a child was stored before its parent;
//! - a `Span` is a range of the text given to `Parser::parse`, of which `source` keeps all up to the statement's end;
//! - text is bytes: literals and quoted names may hold anything but NUL, valid UTF-8 or not.
//!
//! The tree is what SQLite's grammar leaves behind. So the few constant expressions that SQLite folds while it parses
//! are folded here as well, because it never looks up the names in them: `x IN ()`, a literal IS NULL, and `0 AND x`.
//! `IS NULL` is `IsNull`, `+ +x` is `+x`, and `x IN ((SELECT …))` is `x IN (SELECT …)`.
//!
//! Never: knowledge of schemas. What depends on one is left to `core`.

mod expr;
mod schema;
mod select;
mod statement;

use std::marker::PhantomData;
use std::num::NonZeroU32;
use std::ops::Range;

pub use expr::{
    BinaryOp, Call, CallArguments, CurrentKind, Expr, ExprNode, LikeOp, Over, RaiseKind, UnaryOp,
};
pub use schema::{
    AlterAction, AlterTable, Check, ColumnConstraint, ColumnConstraintKind, ColumnDef, CreateIndex,
    CreateTable, CreateTrigger, CreateView, CreateVirtualTable, DefaultForm, Drop, DropKind, ForeignKey,
    ForeignKeyAction, TableBody, TableConstraint, TableConstraintKind, TableOptions, TriggerEvent,
    TriggerStep, TriggerStepKind, TriggerTime, TypeName,
};
pub use select::{
    CompoundOp, Core, CoreBody, Cte, Distinct, Frame, FrameBound, FrameExclude, FrameUnit, Indexed,
    JoinConstraint, JoinType, Limit, Materialized, NullsOrder, OrderTerm, ResultColumn, ResultColumnKind,
    Row, Select, SelectCore, SortOrder, Source, SourceKind, Window, With,
};
pub use statement::{
    Assignment, Attach, Conflict, Delete, Insert, InsertSource, Pragma, PragmaValue, Statement, Target,
    TransactionMode, Update, Upsert, UpsertAction, Vacuum,
};

/// A range of bytes in the text that was parsed: `start..end`, end not included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Offset behind the last byte.
    pub end: u32,
}

impl Span {
    /// The range `start..end`.
    pub const fn new(start: u32, end: u32) -> Span {
        Span { start, end }
    }

    /// As a range for slicing.
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// Number of bytes.
    pub fn len(self) -> usize {
        self.end.saturating_sub(self.start) as usize
    }

    /// Whether no byte is covered.
    pub fn is_empty(self) -> bool {
        self.end <= self.start
    }

    /// The smallest range that covers both.
    pub fn to(self, other: Span) -> Span {
        Span { start: self.start, end: other.end }
    }
}

/// A value: a range of the text, or of the values beside it. Read it with `Ast::text`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Text {
    /// Offset of the first byte; with `IN_VALUES` set, into the values.
    start: u32,
    len: u32,
}

/// Set in `Text::start` for a range of `Ast::values`. Texts are shorter than this.
const IN_VALUES: u32 = 1 << 31;

/// Longest text that spans and values can point into, in bytes. SQLite's own limit is less than half of it.
pub(crate) const TEXT_LEN_MAX: usize = IN_VALUES as usize - 1;

impl From<Span> for Text {
    /// What was typed is its own value.
    fn from(span: Span) -> Text {
        Text { start: span.start, len: span.end.saturating_sub(span.start) }
    }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $id:ident => $node:ty;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $id(NonZeroU32);

        impl $id {
            /// The id of the node at `index` of its arena; `None` past 2^32 - 2.
            pub fn from_index(index: usize) -> Option<$id> {
                u32::try_from(index).ok()?.checked_add(1).and_then(NonZeroU32::new).map($id)
            }

            /// The id of the next node of an arena that has `len`. Arenas have fewer nodes than the text has bytes.
            pub(crate) fn next(len: usize) -> $id {
                debug_assert!(len <= TEXT_LEN_MAX);
                $id(NonZeroU32::MIN.saturating_add(len as u32))
            }

            /// The node's place in its arena, from 0. Side tables of later passes are indexed by it.
            pub fn index(self) -> usize {
                self.0.get() as usize - 1
            }
        }

        impl std::ops::Index<$id> for Ast {
            type Output = $node;

            fn index(&self, id: $id) -> &$node {
                &<$node as Stored>::arena(self)[id.index()]
            }
        }
    )*};
}

ids! {
    /// Names an expression of an `Ast`.
    ExprId => ExprNode;
    /// Names a SELECT statement of an `Ast`.
    SelectId => Select;
    /// Names an identifier of an `Ast`.
    NameId => Name;
    /// Names an item of a FROM clause.
    SourceId => Source;
    /// Names a window definition.
    WindowId => Window;
    /// Names a function call.
    CallId => Call;
}

/// A list of `T`s: a range of their arena. Read it with `Ast::list`.
pub struct List<T> {
    start: u32,
    len: u32,
    of: PhantomData<fn() -> T>,
}

impl<T> List<T> {
    pub(crate) fn from_parts(start: u32, len: u32) -> List<T> {
        List { start, len, of: PhantomData }
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether there is no element. An optional list that was not written is empty; the grammar has none that is
    /// written and empty but for argument lists and `IN ()`.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Where the elements lie in their arena, from 0.
    pub fn range(&self) -> Range<usize> {
        self.start as usize..self.start as usize + self.len as usize
    }
}

impl<T> Clone for List<T> {
    fn clone(&self) -> List<T> {
        *self
    }
}

impl<T> Copy for List<T> {}

impl<T> Default for List<T> {
    fn default() -> List<T> {
        List::from_parts(0, 0)
    }
}

impl<T> PartialEq for List<T> {
    fn eq(&self, other: &List<T>) -> bool {
        (self.start, self.len) == (other.start, other.len)
    }
}

impl<T> Eq for List<T> {}

impl<T> std::fmt::Debug for List<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "[{}; {}]", self.start, self.len)
    }
}

/// How an identifier was written. Only `Quote::Double` may fall back to a string literal, where it names no column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Quote {
    /// `name`, or a keyword that serves as a name.
    None,
    /// `"name"`
    Double,
    /// `'name'`: SQLite takes a string where only a name can stand.
    Single,
    /// `` `name` ``
    Backtick,
    /// `[name]`
    Bracket,
}

/// An identifier: its place in the text, its value, and how it was quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name {
    /// The token as typed, quotes included.
    pub source: Span,
    /// The name meant: quotes taken off, doubled ones undone.
    pub value: Text,
    /// The quotes.
    pub quote: Quote,
}

/// `name` or `schema.name`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QualifiedName {
    /// The part before the dot.
    pub schema: Option<NameId>,
    /// The part after it.
    pub name: NameId,
}

/// A type of which an `Ast` has an arena.
pub trait Stored: Sized {
    /// The arena.
    fn arena(ast: &Ast) -> &Vec<Self>;
    #[doc(hidden)]
    fn arena_mut(ast: &mut Ast) -> &mut Vec<Self>;
}

macro_rules! arenas {
    ($($field:ident: $node:ty,)*) => {
        /// One statement's syntax tree. See the module's head for its layout.
        #[derive(Clone, Debug, Default)]
        pub struct Ast {
            /// The text from its start to the statement's end.
            source: Vec<u8>,
            /// Values that are not in the text.
            values: Vec<u8>,
            $($field: Vec<$node>,)*
        }

        impl Ast {
            /// Whether every arena is empty.
            pub(crate) fn is_empty(&self) -> bool {
                true $(&& self.$field.is_empty())*
            }

            /// Forgets the statement, keeps the memory.
            pub(crate) fn clear(&mut self) {
                self.source.clear();
                self.values.clear();
                $(self.$field.clear();)*
            }
        }

        $(impl Stored for $node {
            fn arena(ast: &Ast) -> &Vec<$node> {
                &ast.$field
            }

            fn arena_mut(ast: &mut Ast) -> &mut Vec<$node> {
                &mut ast.$field
            }
        })*
    };
}

arenas! {
    exprs: ExprNode,
    expr_lists: ExprId,
    names: Name,
    spans: Span,
    selects: Select,
    cores: Core,
    rows: Row,
    result_columns: ResultColumn,
    sources: Source,
    order_terms: OrderTerm,
    windows: Window,
    calls: Call,
    ctes: Cte,
    assignments: Assignment,
    upserts: Upsert,
    columns: ColumnDef,
    column_constraints: ColumnConstraint,
    table_constraints: TableConstraint,
    trigger_steps: TriggerStep,
}

impl Ast {
    /// The elements of a list.
    pub fn list<T: Stored>(&self, list: List<T>) -> &[T] {
        &T::arena(self)[list.range()]
    }

    /// All nodes of a type, in the order they were stored: children before parents. `names` this way are every
    /// name that the statement mentions.
    pub fn all<T: Stored>(&self) -> &[T] {
        T::arena(self)
    }

    /// The bytes of a literal's or a name's value.
    pub fn text(&self, text: Text) -> &[u8] {
        self.text_in(text, &self.source)
    }

    /// The same while the text is still with the parser.
    pub(crate) fn text_in<'a>(&'a self, text: Text, source: &'a [u8]) -> &'a [u8] {
        let start = (text.start & !IN_VALUES) as usize;
        let from = if text.start & IN_VALUES == 0 { source } else { &self.values };
        &from[start..start + text.len as usize]
    }

    /// The bytes as typed.
    pub fn source(&self, span: Span) -> &[u8] {
        &self.source[span.range()]
    }

    /// The text that spans are offsets into, from its start to the end of the statement.
    pub fn sql(&self) -> &[u8] {
        &self.source
    }

    /// Keeps the text; the parser does this when it knows where the statement ends.
    pub(crate) fn set_source(&mut self, sql: &[u8]) {
        self.source.clear();
        self.source.extend_from_slice(sql);
    }

    /// Keeps a value that is not in the text.
    pub(crate) fn add_value(&mut self, value: impl Iterator<Item = u8>) -> Text {
        let start = self.values.len();
        self.values.extend(value);
        Text { start: start as u32 | IN_VALUES, len: (self.values.len() - start) as u32 }
    }

    /// The value of a name: quotes taken off.
    pub fn name(&self, name: NameId) -> &[u8] {
        self.text(self[name].value)
    }

    /// What kind of expression this is.
    pub fn expr(&self, expr: ExprId) -> &Expr {
        &self[expr].kind
    }
}
