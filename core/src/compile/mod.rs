//! What one compilation carries through its passes.
//!
//! A compilation is a pure function of text, catalogue snapshot, registries and settings; it never yields and touches no storage. User
//! code that takes part in it (authorizer, collation-needed, xBestIndex) runs here, with the connection's state released.
//!
//! Rooms: `authorize` (questions to the authorizer), `locate` (tables and indexes by name), `options` (the connection's switches).

mod authorize;
mod locate;
mod options;

use std::sync::Arc;

use kernite_parser::ast::{Ast, TriggerEvent};
use kernite_vdbe::program::Builder;
use kernite_vdbe::{Db, Error};

use crate::bound::Bound;
use crate::catalog::{Catalog, Table};
use crate::resolve::Names;

pub use authorize::{AuthAnswer, AuthRequest, Authorizer, action};
pub(crate) use options::limit_bounds;
pub use options::{CompileOptions, LIMIT_DEFAULTS, LimitKind};

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
    /// Instructions, pools, and the numbers of registers and cursors.
    pub builder: Builder,
    /// How many SELECTs have a number (EXPLAIN QUERY PLAN shows it).
    pub select_count: u32,
    /// What the resolver keeps from call to call: WITH clauses in force, SELECTs expanded but not resolved.
    pub names: Names,
    /// The trigger, or RETURNING clause, that is being compiled.
    pub trigger: Option<TriggerScope>,
    /// The database in whose schema the text stands (trigger programs): its names mean objects of that database, and positions in it
    /// mean nothing to the user.
    pub stored_in: Option<Db>,
    /// How deep in SQL text that the engine wrote itself; internal functions may be called there and nothing is authorized.
    pub nested: u32,
    /// Whether the statement is to be explained instead of run.
    pub explain: kernite_parser::Explain,
    /// The innermost view or trigger, for the authorizer.
    pub auth_context: Option<Arc<[u8]>>,
    /// Byte of the statement's text that the error is about.
    pub error_offset: Option<u32>,
    /// What was noted for the finished statement: parameters whose values the planner looked at, tables used, and so on.
    pub notes: Notes,
    /// What code generation and planning carry along.
    pub codegen: crate::codegen::State,
    /// What statements that change rows, and the triggers they fire, share.
    pub dml: crate::codegen::dml::State,
}

/// What NEW and OLD mean.
#[derive(Clone, Debug)]
pub struct TriggerScope {
    pub table: Arc<Table>,
    pub event: TriggerEvent,
    /// A RETURNING clause: its columns are NEW (OLD for DELETE) without saying so.
    pub returning: bool,
    /// Columns of OLD and NEW that are used: bit n for column n, all bits for columns from 32 on.
    pub old_mask: u32,
    pub new_mask: u32,
}

/// By-products of a compilation.
#[derive(Default)]
pub struct Notes {
    /// Databases read or written: bit per database.
    pub read_databases: u32,
    pub write_databases: u32,
    /// Databases whose storage is used without looking at the schema.
    pub open_databases: u32,
    /// Virtual tables that are written: each begins a transaction at the program's head.
    pub virtual_tables: Vec<(Db, Box<[u8]>)>,
    /// A virtual table that has to be connected before the statement can be compiled; the compilation fails until then.
    pub connect: Option<Unconnected>,
    /// The statement can do without it.
    pub connect_optional: bool,
    /// Virtual tables that could not be connected, where it can.
    pub missing: Vec<Unconnected>,
    /// An error may be due to an old schema: the caller looks at the schema cookies before it reports it.
    pub check_schema: bool,
    /// Names of the result columns and where they come from.
    pub columns: Vec<ColumnInfo>,
}

/// A virtual table to be connected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unconnected {
    /// One of a schema.
    Table { db: Db, name: Box<[u8]> },
    /// One named after its module.
    Eponymous { module: Box<[u8]> },
}

/// What is known of a result column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ColumnInfo {
    /// Its name.
    pub name: Box<[u8]>,
    /// The table column that it shows, where it is one.
    pub origin: Option<ColumnOrigin>,
    /// Declared type of that column, or of the column of a subquery that it is.
    pub declared_type: Option<Box<[u8]>>,
}

/// A table column that a result column shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnOrigin {
    pub database: Box<[u8]>,
    pub table: Box<[u8]>,
    pub column: Box<[u8]>,
}

/// Result of a pass that may fail.
pub type CompileResult<T> = Result<T, Error>;

/// Runs `f` with enough stack left for one more level of a recursive pass.
pub fn deep<T>(f: impl FnOnce() -> T) -> T {
    // Red zone: the largest frame of a pass in a debug build, several times over.
    stacker::maybe_grow(128 << 10, 1 << 20, f)
}

impl<'a> Compiler<'a> {
    /// A compilation of one statement.
    pub fn new(
        catalog: &'a Catalog,
        functions: &'a kernite_vdbe::function::registry::FunctionRegistry,
        collations: &'a kernite_vdbe::function::registry::CollationRegistry,
        options: &'a CompileOptions,
        authorizer: Option<&'a mut dyn Authorizer>,
        ast: Arc<Ast>,
    ) -> Compiler<'a> {
        let select_count = crate::resolve::count_selects(&ast, functions);
        Compiler {
            catalog,
            functions,
            collations,
            options,
            authorizer,
            ast,
            bound: Bound::default(),
            builder: Builder::new(options.encoding),
            select_count,
            names: Names::default(),
            trigger: None,
            stored_in: None,
            nested: 0,
            explain: kernite_parser::Explain::No,
            auth_context: None,
            error_offset: None,
            notes: Notes::default(),
            codegen: Default::default(),
            dml: Default::default(),
        }
    }

    /// The number of the next SELECT that a pass makes.
    pub fn next_select_id(&mut self) -> u32 {
        self.select_count += 1;
        self.select_count
    }

    /// The name of a database as the user knows it.
    pub fn database_name(&self, db: Db) -> &[u8] {
        self.catalog.database(db).map_or(b"main", |database| &database.name)
    }

    /// The error for what is not built.
    pub fn unsupported(&self, feature: &str) -> Error {
        Error::message(format!("{feature} is not supported yet"))
    }

    /// A limit of the connection (`sqlite3_limit`).
    pub fn limit(&self, kind: LimitKind) -> usize {
        self.options.limit(kind)
    }
}

/// Text for a message: what is not UTF-8 is replaced.
pub(crate) fn lossy(text: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(text)
}
