//! Functions about the connection and about the library itself.
//!
//! Kernite answers for the version of SQLite that it is compatible with, since programs ask in order to know what they may use.

use crate::Step;
use crate::error::Error;
use crate::function::call::Call;

/// What `sqlite_version()` and `sqlite3_libversion()` say.
pub const VERSION: &str = "3.54.1";

/// What `sqlite_source_id()` says: the source that this version of SQLite was made from.
pub const SOURCE_ID: &str =
    "2026-10-16 14:45:20 555e07ef33f69a0957d24d8e555b702464a131d6f1607f4c3c1e4551e8e6ca76";

/// What the options of a build are, as `PRAGMA compile_options` lists them.
pub const COMPILE_OPTIONS: &[&str] = &[
    "ATOMIC_INTRINSICS=1",
    "COMPILER=rustc",
    "DEFAULT_AUTOVACUUM",
    "DEFAULT_CACHE_SIZE=-2000",
    "DEFAULT_FILE_FORMAT=4",
    "DEFAULT_JOURNAL_SIZE_LIMIT=-1",
    "DEFAULT_MMAP_SIZE=0",
    "DEFAULT_PAGE_SIZE=4096",
    "DEFAULT_PCACHE_INITSZ=20",
    "DEFAULT_RECURSIVE_TRIGGERS",
    "DEFAULT_SECTOR_SIZE=4096",
    "DEFAULT_SYNCHRONOUS=2",
    "DEFAULT_WAL_AUTOCHECKPOINT=1000",
    "DEFAULT_WAL_SYNCHRONOUS=2",
    "DEFAULT_WORKER_THREADS=0",
    "DIRECT_OVERFLOW_READ",
    "ENABLE_BYTECODE_VTAB",
    "ENABLE_COLUMN_METADATA",
    "ENABLE_DBSTAT_VTAB",
    "ENABLE_FTS3",
    "ENABLE_FTS3_PARENTHESIS",
    "ENABLE_FTS3_TOKENIZER",
    "ENABLE_FTS4",
    "ENABLE_FTS5",
    "ENABLE_GEOPOLY",
    "ENABLE_LOAD_EXTENSION",
    "ENABLE_MATH_FUNCTIONS",
    "ENABLE_OFFSET_SQL_FUNC",
    "ENABLE_PREUPDATE_HOOK",
    "ENABLE_RTREE",
    "ENABLE_SESSION",
    "ENABLE_STAT4",
    "ENABLE_STMTVTAB",
    "ENABLE_UNLOCK_NOTIFY",
    "ENABLE_UPDATE_DELETE_LIMIT",
    "MALLOC_SOFT_LIMIT=1024",
    "MAX_ATTACHED=10",
    "MAX_COLUMN=2000",
    "MAX_COMPOUND_SELECT=500",
    "MAX_DEFAULT_PAGE_SIZE=8192",
    "MAX_EXPR_DEPTH=1000",
    "MAX_FUNCTION_ARG=1000",
    "MAX_LENGTH=1000000000",
    "MAX_LIKE_PATTERN_LENGTH=50000",
    "MAX_MMAP_SIZE=0x7fff0000",
    "MAX_PAGE_COUNT=0xfffffffe",
    "MAX_PAGE_SIZE=65536",
    "MAX_SCHEMA=10000000",
    "MAX_SQL_LENGTH=1000000000",
    "MAX_TRIGGER_DEPTH=1000",
    "MAX_VARIABLE_NUMBER=250000",
    "MAX_VDBE_OP=250000000",
    "MAX_WORKER_THREADS=8",
    "MUTEX_PTHREADS",
    "SECURE_DELETE",
    "SOUNDEX",
    "SYSTEM_MALLOC",
    "TEMP_STORE=1",
    "THREADSAFE=1",
    "USE_URI",
];

/// `changes()`.
pub fn changes(call: &mut Call<'_>) -> Step<()> {
    let changes = call.host.changes();
    call.result.set_integer(changes);
    Ok(Some(()))
}

/// `total_changes()`.
pub fn total_changes(call: &mut Call<'_>) -> Step<()> {
    let changes = call.host.total_changes();
    call.result.set_integer(changes);
    Ok(Some(()))
}

/// `last_insert_rowid()`.
pub fn last_insert_rowid(call: &mut Call<'_>) -> Step<()> {
    let rowid = call.host.last_insert_rowid();
    call.result.set_integer(rowid);
    Ok(Some(()))
}

/// `sqlite_version()`.
pub fn version(call: &mut Call<'_>) -> Step<()> {
    call.set_text(VERSION.as_bytes())?;
    Ok(Some(()))
}

/// `sqlite_source_id()`.
pub fn source_id(call: &mut Call<'_>) -> Step<()> {
    call.set_text(SOURCE_ID.as_bytes())?;
    Ok(Some(()))
}

/// `sqlite_compileoption_get(n)`: NULL beyond the last.
pub fn compile_option_get(call: &mut Call<'_>) -> Step<()> {
    let option = usize::try_from(call.integer(0) as i32).ok().and_then(|at| COMPILE_OPTIONS.get(at));
    if let Some(option) = option {
        call.set_text(option.as_bytes())?;
    }
    Ok(Some(()))
}

/// `sqlite_compileoption_used(name)`: with or without `SQLITE_` in front, and with or without its value.
pub fn compile_option_used(call: &mut Call<'_>) -> Step<()> {
    if let Some(name) = call.text(0) {
        call.result.set_integer(i64::from(has_compile_option(&name)));
    }
    Ok(Some(()))
}

/// Whether the build has an option.
pub fn has_compile_option(name: &[u8]) -> bool {
    let prefix = b"SQLITE_";
    let name = match name.split_at_checked(prefix.len()) {
        Some((start, rest)) if start.eq_ignore_ascii_case(prefix) => rest,
        _ => name,
    };
    COMPILE_OPTIONS.iter().map(|option| option.as_bytes()).any(|option| {
        let (start, rest) = option.split_at(option.len().min(name.len()));
        let ends = rest.first().is_none_or(|&byte| !(byte.is_ascii_alphanumeric() || byte == b'_'));
        start.eq_ignore_ascii_case(name) && ends
    })
}

/// `sqlite_log(code, message)`: NULL.
pub fn log(call: &mut Call<'_>) -> Step<()> {
    let message = call.text(1).unwrap_or_default();
    let code = call.integer(0) as i32;
    call.host.log(code, &message);
    Ok(Some(()))
}

/// `load_extension(file [, entry])`: off unless an application with C extensions turns it on, and then it puts its own in this place.
pub fn load_extension(_: &mut Call<'_>) -> Step<()> {
    Err(Error::message("not authorized"))
}

/// `sqlite_offset(column)`, which is compiled to an instruction that knows the cursor.
pub fn offset(_: &mut Call<'_>) -> Step<()> {
    Err(Error::Program { at: 0, what: "sqlite_offset() was not compiled to an instruction" })
}

/// `match(pattern, column)`, until a virtual table overloads it.
pub fn match_without_table(_: &mut Call<'_>) -> Step<()> {
    Err(Error::message("unable to use function MATCH in the requested context"))
}
