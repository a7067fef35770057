//! Collations and the shape of an index key.
//!
//! The three built-in collations are compared inline; a user's goes through [`Collate`]. Text arrives in the database's
//! encoding; NOCASE and RTRIM work on UTF-8, so UTF-16 text is converted for them, as in SQLite.
//!
//! Never: names (the registry above resolves them).

use std::cmp::Ordering;
use std::sync::Arc;

use crate::encoding::Encoding;

/// A user's collating function.
pub trait Collate: Send + Sync {
    /// Compares two texts in `encoding`. Has to be a total order; an inconsistent one gives wrong query results but never
    /// damages memory.
    fn compare(&self, encoding: Encoding, left: &[u8], right: &[u8]) -> Ordering;
}

/// How two texts compare.
#[derive(Clone, Default)]
pub enum Collation {
    /// `memcmp`, then length.
    #[default]
    Binary,
    /// ASCII letters fold to lower case.
    NoCase,
    /// Trailing spaces do not count.
    Rtrim,
    /// Registered by the application.
    User(Arc<dyn Collate>),
}

impl std::fmt::Debug for Collation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Collation::Binary => "BINARY",
            Collation::NoCase => "NOCASE",
            Collation::Rtrim => "RTRIM",
            Collation::User(_) => "user collation",
        })
    }
}

/// One column of a key.
#[derive(Clone, Debug, Default)]
pub struct KeyColumn {
    pub collation: Collation,
    pub descending: bool,
    /// NULLs sort as the largest value instead of the smallest (`NULLS LAST` on ASC, `NULLS FIRST` on DESC).
    pub big_null: bool,
}

/// What an index or a sorter compares.
#[derive(Clone, Debug, Default)]
pub struct KeyInfo {
    pub encoding: Encoding,
    /// All columns of the record that take part in the b-tree order, in record order.
    pub columns: Vec<KeyColumn>,
    /// How many leading columns make the key proper (uniqueness, grouping); the rest only break ties.
    pub key_column_count: usize,
}
