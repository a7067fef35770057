//! The syntax tree: one statement, its text, and every node in flat arenas.
//!
//! An `Ast` owns everything it mentions: it is `Send`, has no lifetimes and can be kept with a schema object.
//! Nodes refer to each other by 4-byte ids, and lists are ranges of an arena, so that a statement is a handful
//! of vectors instead of a heap of boxes, and `Parser::recycle` can use their memory again.
//!
//! ```text
//! pool    | text of the statement as typed            | values that differ from what was typed |
//!           ^ Span (source) and Text may point here     ^ only Text points here (doubled quotes undone)
//! exprs   | ExprNode ExprNode …      children before parents
//! names   | Name Name …              every identifier that names something, in the order it was reduced
//! ```
//!
//! Always true of a tree that the parser returned:
//! - every id and list points into the arenas of its own `Ast`, and a child was stored before its parent;
//! - `Span`s are byte offsets into the text given to `Parser::parse`, `Text`s into the pool that starts with it;
//! - text is bytes: literals and quoted names may hold anything but NUL, valid UTF-8 or not.
//!
//! Never: knowledge of schemas. What depends on a schema is left to `core`, and where SQLite's grammar already
//! simplifies (`x IN ()`, `x IS NULL`), the node says what was written and its documentation what SQLite makes of it.

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

/// A range of bytes in the pool of an `Ast`: read it with `Ast::text`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Text {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl From<Span> for Text {
    /// What was typed is its own value: the pool begins with the statement's text.
    fn from(span: Span) -> Text {
        Text { start: span.start, end: span.end }
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
            /// The text that was parsed, then the values that differ from what was typed.
            pool: Vec<u8>,
            /// Length of the text at the head of `pool`.
            source_len: usize,
            $($field: Vec<$node>,)*
        }

        impl Ast {
            /// Forgets the statement, keeps the memory.
            pub(crate) fn clear(&mut self) {
                self.pool.clear();
                self.source_len = 0;
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
        &self.pool[text.start as usize..text.end as usize]
    }

    /// The bytes as typed.
    pub fn source(&self, span: Span) -> &[u8] {
        &self.pool[span.range()]
    }

    /// The whole text that spans are offsets into.
    pub fn sql(&self) -> &[u8] {
        &self.pool[..self.source_len]
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
