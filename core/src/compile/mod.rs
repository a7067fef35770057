//! What one compilation carries through its passes.
//!
//! A compilation is a pure function of text, catalogue snapshot, registries and settings; it never yields and touches no storage. User
//! code that takes part in it (authorizer, collation-needed, xBestIndex) runs here, with the connection's state released.

use std::sync::Arc;

use kernite_btree::Encoding;
use kernite_io::HashMap;
use kernite_parser::ast::Ast;
use kernite_vdbe::Error;
use kernite_vdbe::program::Builder;

use crate::bound::Bound;
use crate::catalog::Catalog;

/// Switches of a connection that change what is compiled.
#[derive(Clone, Debug)]
pub struct CompileOptions {
    pub encoding: Encoding,
    pub foreign_keys: bool,
    pub recursive_triggers: bool,
    pub reverse_unordered_selects: bool,
    pub short_column_names: bool,
    pub full_column_names: bool,
    pub automatic_index: bool,
    pub ignore_check_constraints: bool,
    pub writable_schema: bool,
    pub legacy_alter_table: bool,
    pub count_changes: bool,
    pub trusted_schema: bool,
    pub case_sensitive_like: bool,
    /// Double-quoted strings allowed in DML and DDL (`SQLITE_DBCONFIG_DQS_*`).
    pub double_quoted_dml: bool,
    pub double_quoted_ddl: bool,
    /// `SQLITE_LIMIT_*` by number.
    pub limits: [i32; 13],
    /// Bits of `SQLITE_TESTCTRL_OPTIMIZATIONS`: a set bit switches that optimisation off.
    pub disabled_optimizations: u32,
}

/// What an access that the authorizer is asked about is.
pub struct AuthRequest<'a> {
    /// `SQLITE_READ` and so on.
    pub action: i32,
    pub first: Option<&'a [u8]>,
    pub second: Option<&'a [u8]>,
    pub database: Option<&'a [u8]>,
    /// Innermost trigger or view.
    pub inside: Option<&'a [u8]>,
}

/// The authorizer's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthAnswer {
    Allow,
    Deny,
    /// Reads give NULL, other actions do nothing.
    Ignore,
}

/// The authorizer callback.
pub trait Authorizer: Send {
    /// Decides on one access.
    fn authorize(&mut self, request: &AuthRequest<'_>) -> AuthAnswer;
}

/// One compilation. SQLite calls it `Parse`.
pub struct Compiler<'a> {
    pub catalog: &'a Catalog,
    pub functions: &'a kernite_vdbe::function::registry::FunctionRegistry,
    pub collations: &'a kernite_vdbe::function::registry::CollationRegistry,
    pub options: &'a CompileOptions,
    pub authorizer: Option<&'a mut dyn Authorizer>,
    /// The statement being compiled (nested schema texts bring their own).
    pub ast: Arc<Ast>,
    pub bound: Bound,
    pub builder: Builder,
    /// Next cursor number.
    pub next_cursor: u16,
    /// Next SELECT number for EXPLAIN QUERY PLAN.
    pub next_select_id: u32,
    /// What was noted for the finished statement: parameters whose values the planner looked at, tables used, and so on.
    pub notes: Notes,
    /// What code generation and planning carry along.
    pub codegen: crate::codegen::State,
}

/// By-products of a compilation.
#[derive(Default)]
pub struct Notes {
    /// Databases read or written: bit per database.
    pub read_databases: u32,
    pub write_databases: u32,
    /// May write more than one row or abort in the middle: needs a statement savepoint.
    pub is_multi_write: bool,
    pub may_abort: bool,
    /// Virtual tables by name, for later locking.
    pub virtual_tables: HashMap<Box<[u8]>, u32>,
}

/// Result of a pass that may fail.
pub type CompileResult<T> = Result<T, Error>;
