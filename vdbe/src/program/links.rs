//! Links: the trees, keys, functions, collations and tables that a program names.
//!
//! Instructions name them by a small id, so that they stay small, and so that a program holds each of them once.
//!
//! Never: cursors or other state of a run.

use std::fmt;
use std::sync::Arc;

use kernite_btree::{Collation, KeyInfo};

use crate::function::FunctionDef;
use crate::op::{CollationId, Db, FunctionId, KeyInfoId, TableId, TreeId, VtabId};

/// A table or index of a database file.
#[derive(Clone, Debug)]
pub struct Tree {
    pub db: Db,
    /// Root page number.
    pub root: u32,
    /// How keys compare; `None` for a rowid table.
    pub key: Option<Arc<KeyInfo>>,
}

/// The declared type of a STRICT table's column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ColumnType {
    /// Anything goes as it is.
    #[default]
    Any,
    Blob,
    /// INT and INTEGER.
    Integer,
    Real,
    Text,
}

/// A column of a [`TableLink`].
#[derive(Clone, Debug)]
pub struct TableColumn {
    pub name: Box<str>,
    pub column_type: ColumnType,
    /// The type as the messages spell it (`INT` and `INTEGER` differ).
    pub type_name: Box<str>,
    /// Computed when read: has no place in the record.
    pub virtual_generated: bool,
    /// Computed and stored.
    pub stored_generated: bool,
}

/// A table, for hooks, messages and [`crate::op::Op::TypeCheck`].
#[derive(Clone, Debug)]
pub struct TableLink {
    pub db: Db,
    pub name: Box<str>,
    /// Filled for tables that are type-checked; empty for all others.
    pub columns: Box<[TableColumn]>,
}

/// A collation and its name.
#[derive(Clone, Debug)]
pub struct CollationLink {
    pub name: Box<str>,
    pub collation: Collation,
}

/// A virtual table; the host has the instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VtabLink {
    pub db: Db,
    pub name: Box<str>,
}

/// Everything outside that a program names.
#[derive(Default)]
pub struct Links {
    pub trees: Box<[Tree]>,
    pub key_infos: Box<[Arc<KeyInfo>]>,
    pub functions: Box<[Arc<FunctionDef>]>,
    /// Entry 0 is BINARY.
    pub collations: Box<[CollationLink]>,
    pub tables: Box<[TableLink]>,
    pub vtabs: Box<[VtabLink]>,
}

impl Links {
    /// The tree `id`.
    pub fn tree(&self, id: TreeId) -> Option<&Tree> {
        self.trees.get(usize::from(id.0))
    }

    /// The key description `id`; `None` for a rowid table.
    pub fn key_info(&self, id: KeyInfoId) -> Option<&Arc<KeyInfo>> {
        usize::from(id.0).checked_sub(1).and_then(|at| self.key_infos.get(at))
    }

    /// The function `id`.
    #[inline]
    pub fn function(&self, id: FunctionId) -> Option<&Arc<FunctionDef>> {
        self.functions.get(usize::from(id.0))
    }

    /// The collation `id`.
    #[inline]
    pub fn collation(&self, id: CollationId) -> Option<&CollationLink> {
        self.collations.get(usize::from(id.0))
    }

    /// The table `id`; `None` for "none".
    pub fn table(&self, id: TableId) -> Option<&TableLink> {
        usize::from(id.0).checked_sub(1).and_then(|at| self.tables.get(at))
    }

    /// The virtual table `id`.
    pub fn vtab(&self, id: VtabId) -> Option<&VtabLink> {
        self.vtabs.get(usize::from(id.0))
    }

    /// The name of a collation: a built-in one's own, a user's as it was linked.
    pub fn collation_name<'a>(&'a self, collation: &Collation) -> &'a str {
        match collation {
            Collation::Binary => "BINARY",
            Collation::NoCase => "NOCASE",
            Collation::Rtrim => "RTRIM",
            Collation::User(_) => self
                .collations
                .iter()
                .find(|link| same_collation(&link.collation, collation))
                .map_or("?", |link| &link.name),
        }
    }
}

/// Whether two collations are one.
pub(super) fn same_collation(left: &Collation, right: &Collation) -> bool {
    match (left, right) {
        (Collation::Binary, Collation::Binary)
        | (Collation::NoCase, Collation::NoCase)
        | (Collation::Rtrim, Collation::Rtrim) => true,
        (Collation::User(left), Collation::User(right)) => Arc::ptr_eq(left, right),
        _ => false,
    }
}

impl fmt::Debug for Links {
    /// Functions have no `Debug`; their names tell enough.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let functions: Vec<&str> = self.functions.iter().map(|function| &*function.name).collect();
        f.debug_struct("Links")
            .field("trees", &self.trees)
            .field("key_infos", &self.key_infos)
            .field("functions", &functions)
            .field("collations", &self.collations)
            .field("tables", &self.tables)
            .field("vtabs", &self.vtabs)
            .finish()
    }
}
