//! Names of objects in statements that change the schema.

use kernite_parser::ast::{NameId, QualifiedName};
use kernite_vdbe::Error;
use kernite_vdbe::op::{Db, Op};

use crate::catalog::{SCHEMA_TABLE, TEMP_SCHEMA_TABLE, Table, TableKind};
use crate::compile::{CompileResult, Compiler, lossy};

/// The database in which a new object is made: the one named, else main; temp for TEMP.
///
/// # Errors
/// `unknown database x`, `temporary table name must be unqualified`.
pub(super) fn database(c: &Compiler<'_>, name: QualifiedName, temporary: bool) -> CompileResult<Db> {
    let Some(schema) = name.schema else { return Ok(if temporary { Db(1) } else { c.current_database() }) };
    let Some(db) = c.catalog.find_database(c.ast.name(schema)) else {
        let typed = lossy(c.ast.source(c.ast[schema].source));
        return Err(Error::message(format!("unknown database {typed}")));
    };
    if temporary && db != Db(1) {
        return Err(Error::message("temporary table name must be unqualified"));
    }
    Ok(db)
}

/// # Errors
/// `object name reserved for internal use: sqlite_x`
pub(super) fn check(c: &Compiler<'_>, name: &[u8]) -> CompileResult<()> {
    if c.options.can_write_schema() || c.nested > 0 {
        return Ok(());
    }
    let is_reserved = name.get(..7).is_some_and(|head| head.eq_ignore_ascii_case(b"sqlite_"));
    if is_reserved {
        return Err(Error::message(format!("object name reserved for internal use: {}", lossy(name))));
    }
    Ok(())
}

/// Checks that no table, view or index has the name. `false`: one has, and IF NOT EXISTS was said.
///
/// # Errors
/// `table x already exists`, `there is already an index named x`.
pub(super) fn is_free(
    c: &mut Compiler<'_>,
    db: Db,
    name: NameId,
    if_not_exists: bool,
) -> CompileResult<bool> {
    let text = c.ast.name(name);
    if let Some(known) = known_table(c, db, text) {
        if if_not_exists {
            do_nothing(c, db);
            return Ok(false);
        }
        let what = if matches!(known.kind, TableKind::View { .. }) { "view" } else { "table" };
        let typed = lossy(c.ast.source(c.ast[name].source));
        // Another connection may have dropped it.
        c.notes.check_schema = true;
        return Err(Error::message(format!("{what} {typed} already exists")));
    }
    if c.catalog.database(db).is_some_and(|schema| schema.index(text).is_some()) {
        c.notes.check_schema = true;
        return Err(Error::message(format!("there is already an index named {}", lossy(text))));
    }
    Ok(true)
}

/// A table or view of one database, the schema table's other names included.
pub(super) fn known_table(c: &Compiler<'_>, db: Db, name: &[u8]) -> Option<std::sync::Arc<Table>> {
    let database = c.database_name(db).to_vec();
    c.find_table(name, Some(&database))
}

/// The program of a statement that has nothing to do. It counts as writing, as it would have done.
pub(super) fn do_nothing(c: &mut Compiler<'_>, db: Db) {
    c.notes.read_databases |= 1 << db.0;
    let out = c.builder.alloc_reg();
    c.builder.emit(Op::JournalMode { db: Db(0), mode: u8::MAX, out });
}

/// The name of a database's schema table.
pub(super) fn schema_table(db: Db) -> &'static [u8] {
    if db == Db(1) { TEMP_SCHEMA_TABLE } else { SCHEMA_TABLE }
}

impl Compiler<'_> {
    /// The database of unqualified new objects: main.
    fn current_database(&self) -> Db {
        Db(0)
    }
}
