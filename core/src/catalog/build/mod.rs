//! From the syntax tree of a CREATE statement to a table, index, view or trigger.
//!
//! The same code reads a new statement and a stored one. The difference (`Source::loading`): a stored text was checked when it was
//! stored, and schemas made by older versions have to stay readable.
//!
//! Checks are made in the order in which SQLite makes them while it parses: column by column, constraint by constraint, and at last
//! those of the table as a whole. What needs other objects of the schema (is the name free, does the table of an index exist) is checked by
//! who calls; names inside expressions are `resolve`'s.
//!
//! Spec: CREATE TABLE; CREATE INDEX; WITHOUT ROWID; STRICT Tables; Generated Columns.

mod column;
mod index;
mod object;
mod table;

use std::sync::Arc;

use kernite_parser::ast::{self, Ast};
use kernite_vdbe::Db;
use kernite_vdbe::function::registry::CollationRegistry;
use kernite_vdbe::op::OnConflict;

pub(crate) use index::default_estimates;
pub use index::{add_index, create_index};
pub use object::{connect, declared, trigger, view, virtual_table};
pub(crate) use table::DEFAULT_ROW_ESTIMATE;
pub use table::{check_nulls, table};

/// A table of some kind that has nothing but a name.
pub(crate) fn bare(
    source: Source<'_>,
    name: &[u8],
    kind: crate::catalog::TableKind,
) -> crate::catalog::Table {
    let mut made = table::empty(&source, name);
    made.kind = kind;
    made
}

/// Where a definition comes from and what it is checked against.
#[derive(Clone, Copy)]
pub struct Source<'s> {
    pub ast: &'s Arc<Ast>,
    /// The text that is stored: `CREATE TABLE …`.
    pub sql: &'s Arc<[u8]>,
    pub db: Db,
    /// Most columns that a table may have.
    pub column_max: usize,
    /// Schema format number of the file: below 4, DESC in an index means nothing.
    pub file_format: u32,
    /// The text comes from the schema table.
    pub loading: bool,
    /// Collations known; not looked at while loading.
    pub collations: Option<&'s CollationRegistry>,
}

impl Source<'_> {
    /// # Errors
    /// `no such collation sequence: x`
    fn check_collation(&self, name: &[u8]) -> crate::compile::CompileResult<()> {
        match self.collations {
            Some(collations) if !self.loading && collations.find(name).is_none() => {
                // SQLITE_ERROR_MISSING_COLLSEQ.
                const MISSING_COLLATION: i32 = 257;
                let message = format!("no such collation sequence: {}", crate::compile::lossy(name));
                Err(kernite_vdbe::Error::with_code(MISSING_COLLATION, message))
            }
            _ => Ok(()),
        }
    }
}

/// A conflict clause as the machine has it.
pub(crate) fn on_conflict(conflict: Option<ast::Conflict>) -> OnConflict {
    match conflict {
        None | Some(ast::Conflict::Abort) => OnConflict::Abort,
        Some(ast::Conflict::Rollback) => OnConflict::Rollback,
        Some(ast::Conflict::Fail) => OnConflict::Fail,
        Some(ast::Conflict::Ignore) => OnConflict::Ignore,
        Some(ast::Conflict::Replace) => OnConflict::Replace,
    }
}
