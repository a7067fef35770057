//! Statements that change the schema.
//!
//! A `definition` is the text that SQLite stores behind the words `CREATE TABLE` (and so on) that it writes itself:
//! from the object's own name, without schema, to the last byte of the statement, the semicolon not included.

use super::{
    Conflict, Delete, ExprId, Insert, List, Name, NameId, OrderTerm, QualifiedName, SelectId, SortOrder,
    Span, Text, Update,
};

/// CREATE TABLE
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CreateTable {
    /// TEMP or TEMPORARY.
    pub temporary: bool,
    /// IF NOT EXISTS.
    pub if_not_exists: bool,
    /// Its name.
    pub name: QualifiedName,
    /// Its columns. In a partial statement (`ParseError::partial`), what had been read.
    pub body: TableBody,
    /// The text that is stored.
    pub definition: Span,
}

/// What a table is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableBody {
    /// `(columns, constraints) options`
    Columns {
        /// At least one, unless the statement is partial.
        columns: List<ColumnDef>,
        /// The table's constraints.
        constraints: List<TableConstraint>,
        /// What follows the closing parenthesis.
        options: TableOptions,
        /// Where ALTER TABLE ADD COLUMN puts the next column: offset of the comma before the first table constraint, or
        /// of the closing parenthesis.
        columns_end: u32,
    },
    /// `AS SELECT …`
    Select(SelectId),
}

/// WITHOUT ROWID, STRICT
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TableOptions {
    /// `WITHOUT ROWID`
    pub without_rowid: bool,
    /// `STRICT`
    pub strict: bool,
}

/// A column of CREATE TABLE or ALTER TABLE ADD COLUMN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ColumnDef {
    /// Its name.
    pub name: NameId,
    /// Its declared type; `None` where none was written.
    pub type_name: Option<TypeName>,
    /// Its constraints, in the order written.
    pub constraints: List<ColumnConstraint>,
    /// From its name to the last byte of its last constraint.
    pub span: Span,
}

/// The declared type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypeName {
    /// Where it stands, from the first word to the last or to the closing parenthesis.
    pub source: Span,
    /// The type as SQLite keeps it: as typed, spaces and comments included; quotes taken off if it begins with one; the
    /// words GENERATED ALWAYS, which the grammar reads as part of it, taken off.
    pub value: Text,
}

/// A constraint of a column, or what is written like one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ColumnConstraint {
    /// What it is.
    pub kind: ColumnConstraintKind,
    /// The name in force: that of the last `CONSTRAINT name` of this column, even if other constraints stand between.
    pub name: Option<NameId>,
    /// From its first byte to its last, `CONSTRAINT name` not included.
    pub span: Span,
}

/// Constraints of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnConstraintKind {
    /// `CONSTRAINT name`: sets the name in force. Nothing has to follow.
    Name(NameId),
    /// `NULL [ON CONFLICT …]`: nothing.
    Null(Option<Conflict>),
    /// `NOT NULL [ON CONFLICT …]`
    NotNull(Option<Conflict>),
    /// `PRIMARY KEY [ASC|DESC] [ON CONFLICT …] [AUTOINCREMENT]`
    PrimaryKey {
        /// ASC or DESC.
        order: Option<SortOrder>,
        /// ON CONFLICT.
        conflict: Option<Conflict>,
        /// AUTOINCREMENT.
        autoincrement: bool,
    },
    /// `UNIQUE [ON CONFLICT …]`
    Unique(Option<Conflict>),
    /// `CHECK (…)`
    Check(Check),
    /// `DEFAULT …`
    Default {
        /// The value. An identifier is the string of its name, or TRUE or FALSE.
        value: ExprId,
        /// How it was written.
        form: DefaultForm,
        /// The text that is stored: without parentheses, with the sign.
        text: Span,
    },
    /// `REFERENCES table …`: `columns` of it is empty, and the deferral is a constraint of its own.
    References(ForeignKey),
    /// `[NOT] DEFERRABLE [INITIALLY …]`: whether the last foreign key is checked at COMMIT only.
    Deferrable(bool),
    /// `COLLATE name`
    Collate(NameId),
    /// `[GENERATED ALWAYS] AS (expr) [kind]`
    Generated {
        /// The value.
        expr: ExprId,
        /// The word behind it: VIRTUAL or STORED, or anything, which is an error of `core`.
        kind: Option<NameId>,
    },
}

/// `CHECK (expr)`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Check {
    /// The condition.
    pub expr: ExprId,
    /// What stands between the parentheses: the name in the error message where there is no other.
    pub text: Span,
}

/// How a default value was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefaultForm {
    /// A literal, or CURRENT_TIME and its like.
    Literal,
    /// A literal with a plus, which leaves no node.
    Plus,
    /// A literal with a minus: the value is a `UnaryOp::Minus`.
    Minus,
    /// An expression in parentheses.
    Parentheses,
    /// A name: an `Expr::Id`.
    Identifier,
}

/// `REFERENCES table [(columns)] [ON DELETE …] [ON UPDATE …] …`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForeignKey {
    /// The columns that refer; empty in a column's constraint, where it is that column.
    pub columns: List<Name>,
    /// The table referred to.
    pub table: NameId,
    /// Its columns; empty: its primary key.
    pub parent_columns: List<Name>,
    /// ON DELETE.
    pub on_delete: ForeignKeyAction,
    /// ON UPDATE.
    pub on_update: ForeignKeyAction,
}

/// What happens to the child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForeignKeyAction {
    /// `NO ACTION`, or nothing written.
    NoAction,
    /// `RESTRICT`
    Restrict,
    /// `SET NULL`
    SetNull,
    /// `SET DEFAULT`
    SetDefault,
    /// `CASCADE`
    Cascade,
}

/// A constraint of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableConstraint {
    /// What it is.
    pub kind: TableConstraintKind,
    /// The name in force: that of the last `CONSTRAINT name` since the last comma. The comma before the first table
    /// constraint does not count: that one inherits the name in force of the last column.
    pub name: Option<NameId>,
    /// Whether a comma stands before it; SQLite does not ask for one.
    pub comma: bool,
    /// From its first byte to its last, `CONSTRAINT name` not included.
    pub span: Span,
}

/// Constraints of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableConstraintKind {
    /// `CONSTRAINT name`: sets the name in force. Nothing has to follow.
    Name(NameId),
    /// `PRIMARY KEY (columns [AUTOINCREMENT]) [ON CONFLICT …]`
    PrimaryKey {
        /// The columns.
        columns: List<OrderTerm>,
        /// AUTOINCREMENT.
        autoincrement: bool,
        /// ON CONFLICT.
        conflict: Option<Conflict>,
    },
    /// `UNIQUE (columns) [ON CONFLICT …]`
    Unique {
        /// The columns.
        columns: List<OrderTerm>,
        /// ON CONFLICT.
        conflict: Option<Conflict>,
    },
    /// `CHECK (…) [ON CONFLICT …]`
    Check {
        /// The condition.
        check: Check,
        /// ON CONFLICT, which means nothing here.
        conflict: Option<Conflict>,
    },
    /// `FOREIGN KEY (columns) REFERENCES …`
    ForeignKey {
        /// The key.
        key: ForeignKey,
        /// `[NOT] DEFERRABLE …`, where written: whether it is checked at COMMIT only.
        deferrable: Option<bool>,
    },
}

/// CREATE INDEX
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CreateIndex {
    /// UNIQUE.
    pub unique: bool,
    /// IF NOT EXISTS.
    pub if_not_exists: bool,
    /// Its name.
    pub name: QualifiedName,
    /// The table, in the same schema.
    pub table: NameId,
    /// The keys: columns or expressions, with COLLATE as an expression.
    pub columns: List<OrderTerm>,
    /// The WHERE clause of a partial index.
    pub filter: Option<ExprId>,
    /// The text that is stored.
    pub definition: Span,
}

/// CREATE VIEW
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CreateView {
    /// TEMP or TEMPORARY.
    pub temporary: bool,
    /// IF NOT EXISTS.
    pub if_not_exists: bool,
    /// Its name.
    pub name: QualifiedName,
    /// The names of its columns; empty where none were given.
    pub columns: List<Name>,
    /// What it shows.
    pub select: SelectId,
    /// The text that is stored.
    pub definition: Span,
}

/// CREATE TRIGGER
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CreateTrigger {
    /// TEMP or TEMPORARY.
    pub temporary: bool,
    /// IF NOT EXISTS.
    pub if_not_exists: bool,
    /// Its name.
    pub name: QualifiedName,
    /// When it fires.
    pub time: TriggerTime,
    /// What fires it.
    pub event: TriggerEvent,
    /// The columns of UPDATE OF; empty otherwise.
    pub columns: List<Name>,
    /// The table or view.
    pub table: QualifiedName,
    /// The WHEN clause.
    pub condition: Option<ExprId>,
    /// What it does: at least one step, unless the statement is partial.
    pub steps: List<TriggerStep>,
    /// The text that is stored.
    pub definition: Span,
}

/// When a trigger fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TriggerTime {
    /// `BEFORE`, or nothing written.
    Before,
    /// `AFTER`
    After,
    /// `INSTEAD OF`
    InsteadOf,
}

/// What fires a trigger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TriggerEvent {
    /// `DELETE`
    Delete,
    /// `INSERT`
    Insert,
    /// `UPDATE` or `UPDATE OF columns`
    Update,
}

/// One statement of a trigger's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TriggerStep {
    /// What it does.
    pub kind: TriggerStepKind,
    /// Its text, without the semicolon.
    pub span: Span,
}

/// The statements that a trigger can have. They return nothing. A schema name of their table is an error of `core`, unless
/// the trigger is temporary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TriggerStepKind {
    /// SELECT
    Select(SelectId),
    /// INSERT or REPLACE
    Insert(Insert),
    /// UPDATE
    Update(Update),
    /// DELETE
    Delete(Delete),
}

/// `CREATE VIRTUAL TABLE name USING module(arguments)`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CreateVirtualTable {
    /// IF NOT EXISTS.
    pub if_not_exists: bool,
    /// Its name.
    pub name: QualifiedName,
    /// The module.
    pub module: NameId,
    /// The arguments as typed, from their first token to their last; empty ones left out.
    pub arguments: List<Span>,
    /// The text that is stored.
    pub definition: Span,
}

/// `DROP … [IF EXISTS] name`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drop {
    /// What is dropped.
    pub kind: DropKind,
    /// IF EXISTS.
    pub if_exists: bool,
    /// Its name.
    pub name: QualifiedName,
}

/// What DROP drops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropKind {
    /// A table.
    Table,
    /// An index.
    Index,
    /// A view.
    View,
    /// A trigger.
    Trigger,
}

/// `ALTER TABLE table …`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlterTable {
    /// The table.
    pub table: QualifiedName,
    /// What is done to it.
    pub action: AlterAction,
}

/// What ALTER TABLE does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlterAction {
    /// `RENAME TO name`
    RenameTable(NameId),
    /// `RENAME [COLUMN] from TO to`
    RenameColumn {
        /// The column.
        from: NameId,
        /// Its new name.
        to: NameId,
    },
    /// `ADD [COLUMN] …`: its span is the text that is put into the stored statement.
    AddColumn(ColumnDef),
    /// `DROP [COLUMN] name`
    DropColumn(NameId),
    /// `DROP CONSTRAINT name`
    DropConstraint(NameId),
    /// `ALTER [COLUMN] name DROP NOT NULL`
    DropNotNull(NameId),
    /// `ALTER [COLUMN] name SET NOT NULL [ON CONFLICT …]`
    SetNotNull {
        /// The column.
        column: NameId,
        /// ON CONFLICT.
        conflict: Option<Conflict>,
        /// The text that is put into the stored statement: from NOT to the last byte.
        text: Span,
    },
    /// `ADD [CONSTRAINT name] CHECK (…) [ON CONFLICT …]`
    AddCheck {
        /// Its name.
        name: Option<NameId>,
        /// The condition.
        check: Check,
        /// ON CONFLICT, which means nothing here.
        conflict: Option<Conflict>,
        /// The text that is put into the stored statement: from CONSTRAINT or CHECK to the last byte.
        text: Span,
    },
}
