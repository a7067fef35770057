//! Tables, views and virtual tables as the catalogue keeps them.

use std::sync::Arc;

use kernite_btree::PageNo;
use kernite_parser::ast::{Ast, ExprId, ForeignKeyAction, SelectId};
use kernite_vdbe::Db;

use super::{Index, Trigger};

/// The three names of the rowid.
pub const ROWID_NAMES: [&[u8]; 3] = [b"_ROWID_", b"ROWID", b"OID"];

/// Whether a name means the rowid where no column has that name.
pub fn is_rowid_name(name: &[u8]) -> bool {
    ROWID_NAMES.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// Properties of a column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ColumnFlags {
    pub primary_key: bool,
    pub unique: bool,
    /// A hidden column of a virtual table.
    pub hidden: bool,
    /// A declared type stands in the text.
    pub has_type: bool,
}

/// `GENERATED ALWAYS AS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Generated {
    pub expr: ExprId,
    pub stored: bool,
}

/// `DEFAULT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DefaultValue {
    pub expr: ExprId,
    /// Where it stands in the text of `Table::ast`, for `table_info`.
    pub text: (u32, u32),
    /// How it was written: a bare identifier is the string of its name.
    pub form: kernite_parser::ast::DefaultForm,
}

/// One column. Expressions live in the table's own syntax tree.
#[derive(Clone, Debug)]
pub struct Column {
    /// As typed, without quotes.
    pub name: Box<[u8]>,
    /// The declared type's words as typed, `None` without one.
    pub declared_type: Option<Box<[u8]>>,
    /// SQLite's affinity letter: `A` blob, `B` text, `C` numeric, `D` integer, `E` real.
    pub affinity: u8,
    /// Estimated width, as SQLite's `szEst` (1 = an integer).
    pub size_estimate: u8,
    /// Name of the collation; `None` = BINARY.
    pub collation: Option<Box<[u8]>>,
    pub not_null: Option<kernite_vdbe::op::OnConflict>,
    pub default: Option<DefaultValue>,
    pub generated: Option<Generated>,
    pub flags: ColumnFlags,
}

/// A CHECK constraint.
#[derive(Clone, Debug)]
pub struct Check {
    pub name: Option<Box<[u8]>>,
    pub expr: ExprId,
    /// The expression's text, for the message.
    pub text: Box<[u8]>,
}

/// A foreign key of a child table.
#[derive(Clone, Debug)]
pub struct ForeignKey {
    pub parent: Box<[u8]>,
    /// Child column index and parent column name (`None`: the parent's primary key).
    pub columns: Vec<(usize, Option<Box<[u8]>>)>,
    pub deferred: bool,
    pub on_delete: ForeignKeyAction,
    pub on_update: ForeignKeyAction,
}

/// What stands behind the name.
#[derive(Clone, Debug)]
pub enum TableKind {
    /// Rows in a B-tree.
    Ordinary,
    /// A view: its SELECT in the table's syntax tree. Columns are known only after `resolve` has looked at it.
    View { select: SelectId, column_names: Vec<Box<[u8]>> },
    /// A virtual table: module name and arguments as typed. Its columns are known once it is connected.
    Virtual { module: Box<[u8]>, arguments: Vec<Box<[u8]>>, instance: Option<Instance> },
}

/// A connected virtual table.
#[derive(Clone)]
pub struct Instance {
    pub table: Arc<dyn kernite_vdbe::vtab::Table>,
    pub risk: kernite_vdbe::vtab::Risk,
    pub constraint_support: bool,
    /// Named after its module instead of made by CREATE.
    pub eponymous: bool,
}

impl std::fmt::Debug for Instance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Instance").field("eponymous", &self.eponymous).finish_non_exhaustive()
    }
}

/// A table, view or virtual table.
#[derive(Clone, Debug)]
pub struct Table {
    /// As typed, without quotes.
    pub name: Box<[u8]>,
    pub db: Db,
    pub kind: TableKind,
    /// Root of the table's tree (of its primary-key tree for WITHOUT ROWID); `None` for views and virtual tables.
    pub root: Option<PageNo>,
    pub columns: Vec<Column>,
    /// Column that is the rowid (INTEGER PRIMARY KEY).
    pub rowid_alias: Option<usize>,
    /// Conflict clause of the INTEGER PRIMARY KEY.
    pub rowid_conflict: kernite_vdbe::op::OnConflict,
    pub without_rowid: bool,
    pub autoincrement: bool,
    pub strict: bool,
    /// `sqlite_schema`, `sqlite_sequence`, `sqlite_stat1`: not writable by users.
    pub system: bool,
    pub has_generated: bool,
    /// In SQLite's order (newest first in its list; here oldest first: iterate reversed where SQLite's order shows).
    pub indexes: Vec<Arc<Index>>,
    pub triggers: Vec<Arc<Trigger>>,
    pub checks: Vec<Check>,
    pub foreign_keys: Vec<ForeignKey>,
    /// Estimates from `sqlite_stat1`, or SQLite's defaults: rows as LogEst, and whether statistics exist.
    pub row_estimate: i16,
    pub row_size_estimate: i16,
    pub has_statistics: bool,
    /// Larger for newer tables of the same database.
    pub order: u32,
    /// The CREATE statement's text and syntax tree.
    pub sql: Arc<[u8]>,
    pub ast: Arc<Ast>,
}

impl Table {
    /// The primary-key index of a WITHOUT ROWID table.
    pub fn primary_key_index(&self) -> Option<&Arc<Index>> {
        self.indexes.iter().find(|index| index.origin == super::IndexOrigin::PrimaryKey)
    }

    /// A column by name, ASCII case ignored.
    pub fn find_column(&self, name: &[u8]) -> Option<usize> {
        self.columns.iter().position(|column| column.name.eq_ignore_ascii_case(name))
    }

    /// Where a column stands in the record: virtual generated columns are not stored, and come behind all others.
    pub fn storage_index(&self, column: usize) -> usize {
        let is_virtual = |column: &Column| column.generated.is_some_and(|generated| !generated.stored);
        if !self.has_generated {
            return column;
        }
        let before = self.columns.iter().take(column).filter(|c| is_virtual(c)).count();
        match self.columns.get(column) {
            Some(known) if is_virtual(known) => {
                self.columns.iter().filter(|c| !is_virtual(c)).count() + before
            }
            _ => column - before,
        }
    }

    /// How many columns are stored.
    pub fn stored_column_count(&self) -> usize {
        let is_virtual = |column: &&Column| column.generated.is_some_and(|generated| !generated.stored);
        self.columns.len() - self.columns.iter().filter(is_virtual).count()
    }

    /// The instance of a virtual table that is connected.
    pub fn instance(&self) -> Option<&Instance> {
        match &self.kind {
            TableKind::Virtual { instance, .. } => instance.as_ref(),
            _ => None,
        }
    }

    /// Whether it is a virtual table that has to be connected before its columns are known.
    pub fn is_unconnected(&self) -> bool {
        matches!(self.kind, TableKind::Virtual { instance: None, .. })
    }

    /// Whether it has rows with rowids.
    pub fn has_rowid(&self) -> bool {
        !self.without_rowid && !matches!(self.kind, TableKind::View { .. })
    }
}

impl Column {
    /// A column of a view, as its SELECT makes it.
    pub fn of_view(column: &crate::bound::SubqueryColumn) -> Column {
        Column {
            name: column.name.clone(),
            declared_type: column.type_name(),
            affinity: column.affinity,
            size_estimate: 1,
            collation: column.collation.clone(),
            not_null: None,
            default: None,
            generated: None,
            flags: ColumnFlags::default(),
        }
    }
}
