//! PRAGMA.
//!
//! A pragma compiles to a program like any statement. Settings are changed when it runs, not when it is compiled; listings of the
//! schema are rows of constants, made when it is compiled.
//!
//! Rooms: `table` (names and columns), `value` (what values mean), `setting` (what the connection does while the program runs), `stored`
//! (what is kept in the file), `listing` (schema, functions…), `integrity`, `foreign_key_check`, `optimize`, `module` (pragmas as table-valued functions).
//!
//! Never: errors for names that are unknown; they do nothing.
//! Spec: "PRAGMA Statements".

mod foreign_key_check;
mod integrity;
mod listing;
mod module;
mod optimize;
mod setting;
mod stored;
mod table;
mod value;

use std::sync::Arc;

use kernite_parser::ast::{self, Ast};
use kernite_vdbe::Error;
use kernite_vdbe::op::{Db, Op, Reg};

use crate::compile::{ColumnInfo, CompileResult, Compiler, action, lossy};
use setting::FLAG;
use table::{Call, Kind, Rows};

pub(crate) use integrity::strict_type;
pub(crate) use module::module;
pub(crate) use setting::{Settings, journal_mode, run};

/// A pragma being compiled.
struct Request<'p> {
    /// The database named, else main.
    db: Db,
    /// A database was named.
    qualified: bool,
    /// The value, its sign included.
    value: Option<&'p [u8]>,
}

/// Whether the schemas have to be read before a pragma is compiled.
pub(crate) fn needs_schema(ast: &Ast, pragma: &ast::Pragma) -> bool {
    table::find(ast.name(pragma.name.name)).is_some_and(|known| {
        known.has(table::NEEDS_SCHEMA) || known.kind == Kind::Encoding && pragma.value.is_none()
    })
}

/// Codes a PRAGMA.
///
/// # Errors
/// `unknown database x`; whatever the pragma has to say.
pub fn code(c: &mut Compiler<'_>, pragma: &ast::Pragma) -> CompileResult<()> {
    let ast = Arc::clone(&c.ast);
    let db = match pragma.name.schema {
        None => Db(0),
        Some(schema) => c.catalog.find_database(ast.name(schema)).ok_or_else(|| {
            Error::message(format!("unknown database {}", lossy(ast.source(ast[schema].source))))
        })?,
    };
    let value: Option<Vec<u8>> = pragma.value.map(|value| {
        let sign: &[u8] = if value.negative { b"-" } else { b"" };
        [sign, ast.text(value.value)].concat()
    });
    let name = ast.name(pragma.name.name);
    let database = pragma.name.schema.map(|_| c.database_name(db).to_vec());
    if !c.authorize(action::PRAGMA, Some(name), value.as_deref(), database.as_deref())? {
        return Ok(());
    }
    let Some(known) = table::find(name) else { return Ok(()) };
    let has_columns =
        !known.has(table::NO_COLUMNS) && (value.is_none() || !known.has(table::NO_COLUMNS_WITH_VALUE));
    if has_columns {
        set_columns(c, known.columns());
    }
    let request = Request { db, qualified: pragma.name.schema.is_some(), value: value.as_deref() };
    code_kind(c, known.kind, &request)
}

fn code_kind(c: &mut Compiler<'_>, kind: Kind, request: &Request<'_>) -> CompileResult<()> {
    match kind {
        Kind::HeaderValue(field) => stored::header_value(c, field, request),
        Kind::Flag(flag) => {
            code_setting(c, FLAG | flag as u16, Rows::Query, request);
            if request.value.is_some() {
                c.emit(Op::Expire { others_only: false });
            }
        }
        Kind::Setting(call, rows) => code_setting(c, call as u16, rows, request),
        Kind::Encoding => code_setting(c, Call::Encoding as u16, Rows::Query, request),
        Kind::PageCount(call) => {
            c.verify_schema(request.db);
            code_setting(c, call as u16, Rows::Always, request);
        }
        Kind::AutoVacuum => stored::auto_vacuum(c, request),
        Kind::DefaultCacheSize => stored::default_cache_size(c, request),
        Kind::IncrementalVacuum => stored::incremental_vacuum(c, request),
        Kind::JournalMode => stored::journal_mode(c, request),
        Kind::WalCheckpoint => stored::wal_checkpoint(c, request)?,
        Kind::CollationList => listing::collations(c),
        Kind::CompileOptions => listing::compile_options(c),
        Kind::DatabaseList => listing::databases(c),
        Kind::ForeignKeyCheck => foreign_key_check::code(c, request)?,
        Kind::ForeignKeyList => listing::foreign_keys(c, request),
        Kind::FunctionList => listing::functions(c),
        Kind::IndexInfo { extended } => listing::index_columns(c, request, extended),
        Kind::IndexList => listing::indexes(c, request),
        Kind::IntegrityCheck { quick } => integrity::code(c, request, quick)?,
        Kind::ModuleList => listing::modules(c),
        Kind::Optimize => optimize::code(c, request)?,
        Kind::PragmaList => listing::pragmas(c),
        Kind::TableInfo { extended } => listing::table_columns(c, request, extended)?,
        Kind::TableList => listing::tables(c, request)?,
    }
    Ok(())
}

fn set_columns(c: &mut Compiler<'_>, names: &[&str]) {
    let column = |name: &&str| ColumnInfo { name: name.as_bytes().into(), ..ColumnInfo::default() };
    c.notes.columns = names.iter().map(column).collect();
    c.builder.set_result_columns(names.len() as u16);
}

/// Codes a call of the connection, and the row that it gives.
fn code_setting(c: &mut Compiler<'_>, call: u16, rows: Rows, request: &Request<'_>) {
    let out = code_call(c, call, request);
    let wants_row = match rows {
        Rows::Never => false,
        Rows::Always => true,
        Rows::Query | Rows::QueryNotNull => request.value.is_none(),
    };
    if !wants_row {
        return;
    }
    let end = c.label();
    if rows == Rows::QueryNotNull {
        c.emit(Op::IsNull { value: out, to: end });
    }
    c.emit(Op::ResultRow { first: out, count: 1 });
    c.bind(end);
}

/// Codes a call of the connection; the register of its result.
fn code_call(c: &mut Compiler<'_>, call: u16, request: &Request<'_>) -> Reg {
    let first = c.builder.alloc_regs(3);
    let out = first.plus(2);
    load_text(c, request.value, first);
    c.integer(i32::from(request.qualified), first.plus(1));
    c.emit(Op::HostCall { call, db: request.db, first, count: 2, out });
    out
}

/// A text, or NULL, into a register.
fn load_text(c: &mut Compiler<'_>, text: Option<&[u8]>, out: Reg) {
    match text {
        Some(text) => {
            let value = crate::ddl::text(c, text);
            c.emit(Op::Const { value, out });
        }
        None => {
            c.nulls(out, 1);
        }
    }
}
