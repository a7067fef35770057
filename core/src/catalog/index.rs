//! Indexes as the catalogue keeps them.

use std::sync::Arc;

use kernite_btree::PageNo;
use kernite_parser::ast::{Ast, ExprId};
use kernite_vdbe::Db;
use kernite_vdbe::op::OnConflict;

/// Why an index exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexOrigin {
    /// CREATE INDEX (`c`).
    Created,
    /// UNIQUE constraint (`u`).
    Unique,
    /// PRIMARY KEY (`pk`).
    PrimaryKey,
}

/// What one index column holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IndexColumn {
    /// A table column by position.
    Column(usize),
    /// The rowid (last column of an index on a rowid table).
    Rowid,
    /// An expression of the index's own syntax tree.
    Expr(ExprId),
}

/// An index.
#[derive(Clone, Debug)]
pub struct Index {
    pub name: Box<[u8]>,
    pub table: Box<[u8]>,
    pub db: Db,
    pub root: PageNo,
    pub origin: IndexOrigin,
    pub unique: bool,
    pub on_conflict: OnConflict,
    /// The same where an ON CONFLICT clause was written.
    pub declared_conflict: Option<OnConflict>,
    /// Key columns first, then the rowid or the primary-key columns that are not among them; for the primary key of a WITHOUT ROWID
    /// table all other columns follow.
    pub columns: Vec<IndexColumn>,
    pub descending: Vec<bool>,
    /// Collation names; `None` = BINARY.
    pub collations: Vec<Option<Box<[u8]>>>,
    /// How many leading columns are the key as declared.
    pub key_columns: usize,
    /// All key columns are NOT NULL.
    pub unique_not_null: bool,
    /// WHERE of a partial index.
    pub filter: Option<ExprId>,
    /// LogEst row counts as SQLite's `aiRowLogEst`: rows in the index, then per key prefix.
    pub row_estimates: Vec<i16>,
    pub has_statistics: bool,
    /// `unordered` and `noskipscan` of `sqlite_stat1`; size per row as LogEst.
    pub unordered: bool,
    pub no_skip_scan: bool,
    pub row_size_estimate: i16,
    pub sql: Option<Arc<[u8]>>,
    /// Syntax tree that `Expr` columns and `filter` point into (the table's for constraints).
    pub ast: Arc<Ast>,
}
