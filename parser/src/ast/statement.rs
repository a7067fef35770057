//! Statements, and those that change rows.

use super::{
    AlterTable, CreateIndex, CreateTable, CreateTrigger, CreateView, CreateVirtualTable, Drop, ExprId,
    Indexed, Limit, List, Name, NameId, OrderTerm, QualifiedName, ResultColumn, SelectId, Source, Span, Text,
    With,
};

/// One statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statement {
    /// SELECT or VALUES
    Select(SelectId),
    /// INSERT or REPLACE
    Insert(Insert),
    /// UPDATE
    Update(Update),
    /// DELETE
    Delete(Delete),
    /// CREATE TABLE
    CreateTable(CreateTable),
    /// CREATE INDEX
    CreateIndex(CreateIndex),
    /// CREATE VIEW
    CreateView(CreateView),
    /// CREATE TRIGGER
    CreateTrigger(CreateTrigger),
    /// CREATE VIRTUAL TABLE
    CreateVirtualTable(CreateVirtualTable),
    /// DROP TABLE, INDEX, VIEW or TRIGGER
    Drop(Drop),
    /// ALTER TABLE
    AlterTable(AlterTable),
    /// PRAGMA
    Pragma(Pragma),
    /// ATTACH
    Attach(Attach),
    /// `DETACH [DATABASE] expr`
    Detach(ExprId),
    /// `ANALYZE [name]`: a schema, a table or an index.
    Analyze(Option<QualifiedName>),
    /// `REINDEX [name]`: a collation, a table or an index.
    Reindex(Option<QualifiedName>),
    /// VACUUM
    Vacuum(Vacuum),
    /// `BEGIN [mode] [TRANSACTION [name]]`
    Begin(TransactionMode),
    /// `COMMIT` or `END`
    Commit,
    /// `ROLLBACK`
    Rollback,
    /// `SAVEPOINT name`
    Savepoint(NameId),
    /// `RELEASE name`
    Release(NameId),
    /// `ROLLBACK TO name`
    RollbackTo(NameId),
}

/// How a transaction begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransactionMode {
    /// `BEGIN` or `BEGIN DEFERRED`
    Deferred,
    /// `BEGIN IMMEDIATE`
    Immediate,
    /// `BEGIN EXCLUSIVE`
    Exclusive,
}

/// What to do when a constraint fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conflict {
    /// `ROLLBACK`
    Rollback,
    /// `ABORT`
    Abort,
    /// `FAIL`
    Fail,
    /// `IGNORE`
    Ignore,
    /// `REPLACE`
    Replace,
}

/// The table that INSERT, UPDATE or DELETE changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its name.
    pub name: QualifiedName,
    /// Its other name.
    pub alias: Option<NameId>,
}

/// INSERT, or REPLACE, which is INSERT OR REPLACE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Insert {
    /// The WITH clause before INSERT. (One before SELECT belongs to the select.)
    pub with: Option<With>,
    /// OR …
    pub conflict: Option<Conflict>,
    /// Into what.
    pub target: Target,
    /// The columns given; empty where none were named.
    pub columns: List<Name>,
    /// The rows.
    pub source: InsertSource,
    /// ON CONFLICT clauses, in the order written; only the last may lack a target.
    pub upserts: List<Upsert>,
    /// RETURNING.
    pub returning: List<ResultColumn>,
}

/// Where the rows of an INSERT come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InsertSource {
    /// SELECT or VALUES
    Select(SelectId),
    /// `DEFAULT VALUES`
    DefaultValues,
}

/// `ON CONFLICT [(target) [WHERE …]] DO …`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upsert {
    /// The columns of the unique index that it is about; empty: any.
    pub target: List<OrderTerm>,
    /// The WHERE of a partial index.
    pub target_filter: Option<ExprId>,
    /// What to do.
    pub action: UpsertAction,
}

/// What an ON CONFLICT clause does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpsertAction {
    /// `NOTHING`
    Nothing,
    /// `UPDATE SET … [WHERE …]`
    Update {
        /// The assignments.
        set: List<Assignment>,
        /// The WHERE clause.
        filter: Option<ExprId>,
    },
}

/// `column = value` or `(column, …) = value`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The columns.
    pub columns: List<Name>,
    /// Whether they stood in parentheses: then the value is a row of as many terms (checked here unless it is a SELECT).
    pub vector: bool,
    /// The value.
    pub value: ExprId,
}

/// UPDATE
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Update {
    /// The WITH clause.
    pub with: Option<With>,
    /// OR …
    pub conflict: Option<Conflict>,
    /// What is changed.
    pub target: Target,
    /// INDEXED BY.
    pub indexed: Indexed,
    /// The assignments.
    pub set: List<Assignment>,
    /// The FROM clause.
    pub from: List<Source>,
    /// The WHERE clause.
    pub filter: Option<ExprId>,
    /// RETURNING.
    pub returning: List<ResultColumn>,
    /// ORDER BY.
    pub order_by: List<OrderTerm>,
    /// LIMIT.
    pub limit: Option<Limit>,
}

/// DELETE
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delete {
    /// The WITH clause.
    pub with: Option<With>,
    /// What is changed.
    pub target: Target,
    /// INDEXED BY.
    pub indexed: Indexed,
    /// The WHERE clause.
    pub filter: Option<ExprId>,
    /// RETURNING.
    pub returning: List<ResultColumn>,
    /// ORDER BY.
    pub order_by: List<OrderTerm>,
    /// LIMIT.
    pub limit: Option<Limit>,
}

/// `PRAGMA [schema.]name [= value | (value)]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pragma {
    /// Its name.
    pub name: QualifiedName,
    /// Its value.
    pub value: Option<PragmaValue>,
}

/// The value of a pragma: a name, a keyword, a string or a number, always handled as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PragmaValue {
    /// The value without its sign, quotes undone.
    pub value: Text,
    /// Whether a minus stood before it.
    pub negative: bool,
    /// Whether it stood in parentheses.
    pub parentheses: bool,
    /// The token as typed, without the sign.
    pub source: Span,
}

/// `ATTACH [DATABASE] file AS schema [KEY key]`. A bare name among the three is a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attach {
    /// The file.
    pub file: ExprId,
    /// The name under which it is known.
    pub schema: ExprId,
    /// The key, which SQLite evaluates and ignores.
    pub key: Option<ExprId>,
}

/// `VACUUM [schema] [INTO file]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vacuum {
    /// Which database.
    pub schema: Option<NameId>,
    /// Where to.
    pub into: Option<ExprId>,
}
