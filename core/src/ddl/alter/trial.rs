//! Schemas with edited texts, made to find out whether they would do.
//!
//! Always true: nothing here touches the connection's catalogue or the file.

use std::sync::Arc;

use kernite_parser::ast::{Ast, Statement};
use kernite_vdbe::Error;
use kernite_vdbe::op::Db;

use super::references::{self, Bodies, Object};
use crate::catalog::load::{self, LoadOptions, SchemaRow};
use crate::catalog::{Catalog, DatabaseSchema, Table, TableKind};
use crate::compile::{CompileOptions, CompileResult, Compiler, lossy};
use crate::ddl::schema_table::Column;

/// A row of a schema that gets other values.
pub(super) struct Change {
    pub(super) db: Db,
    pub(super) kind: String,
    pub(super) name: Box<[u8]>,
    pub(super) new_name: Option<Vec<u8>>,
    pub(super) new_table: Option<Vec<u8>>,
    pub(super) sql: Option<Vec<u8>>,
}

impl Change {
    /// A change of the text of a row.
    pub(super) fn of_text(db: Db, kind: &str, name: &[u8], sql: Vec<u8>) -> Change {
        Change {
            db,
            kind: kind.to_owned(),
            name: name.into(),
            new_name: None,
            new_table: None,
            sql: Some(sql),
        }
    }

    /// The columns that change.
    pub(super) fn columns(&self) -> Vec<(Column, &[u8])> {
        let all =
            [(Column::Name, &self.new_name), (Column::Table, &self.new_table), (Column::Sql, &self.sql)];
        all.into_iter().filter_map(|(column, value)| Some((column, value.as_deref()?))).collect()
    }

    fn apply(&self, row: &mut SchemaRow) {
        if let Some(name) = &self.new_name {
            row.name = Some(name.as_slice().into());
        }
        if let Some(table) = &self.new_table {
            row.table = Some(table.as_slice().into());
        }
        if let Some(sql) = &self.sql {
            row.sql = Some(Arc::from(sql.as_slice()));
        }
    }
}

/// A schema, and temp, read from their rows with some of them changed.
pub(super) struct Trial {
    catalog: Catalog,
    pub(super) db: Db,
    /// The rows of the schema, then those of temp.
    pub(super) rows: Vec<(Db, SchemaRow)>,
}

/// Takes the connected virtual tables of a schema over into one that was read anew. One that was renamed is known by its arguments.
fn connect_tables(loaded: &mut DatabaseSchema, known: &DatabaseSchema) {
    let kind = |table: &Table| match &table.kind {
        TableKind::Virtual { module, arguments, .. } => Some((module.clone(), arguments.clone())),
        _ => None,
    };
    for table in loaded.tables.values_mut().filter(|table| table.is_unconnected()) {
        let same = known.table(&table.name).or_else(|| {
            let is_it = |other: &&Arc<Table>| kind(other) == kind(table);
            known.tables.values().find(is_it)
        });
        let Some(same) = same.filter(|same| same.instance().is_some()) else { continue };
        let connected = Table { name: table.name.clone(), order: table.order, ..Table::clone(same) };
        *table = Arc::new(connected);
    }
}

impl Trial {
    /// Reads the rows. `after` says what was done to them, for messages.
    ///
    /// # Errors
    /// `error in table x after …: …`
    pub(super) fn new(
        c: &Compiler<'_>,
        db: Db,
        changes: &[Change],
        after: Option<&str>,
    ) -> CompileResult<Trial> {
        let mut trial = Trial { catalog: c.catalog.clone(), db, rows: Vec::new() };
        let temp = (db != Db(1)).then_some(Db(1));
        for number in std::iter::once(db).chain(temp) {
            let Some(schema) = c.catalog.database(number) else { continue };
            let mut rows = schema.rows();
            for change in changes.iter().filter(|change| change.db == number) {
                let is_it = |row: &&mut SchemaRow| {
                    row.kind.as_deref() == Some(change.kind.as_bytes())
                        && row.name.as_deref() == Some(&change.name)
                };
                if let Some(row) = rows.iter_mut().find(is_it) {
                    change.apply(row);
                }
            }
            let base = DatabaseSchema {
                name: schema.name.clone(),
                cookie: schema.cookie,
                encoding: schema.encoding,
                file_format: schema.file_format,
                ..DatabaseSchema::default()
            };
            let writable_schema = c.options.writable_schema;
            let options =
                LoadOptions { page_count: 0, writable_schema, after, tolerant: false, renaming: true };
            let mut loaded = load::load(base, number, &trial.catalog, &rows, options)?;
            connect_tables(&mut loaded, schema);
            if let Some(slot) = trial.catalog.databases.get_mut(usize::from(number.0)) {
                *slot = Some(Arc::new(loaded));
            }
            trial.rows.extend(rows.into_iter().map(|row| (number, row)));
        }
        Ok(trial)
    }

    /// The catalogue.
    pub(super) fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// Compiles something on the side, in this schema.
    pub(super) fn with<T>(
        &self,
        c: &Compiler<'_>,
        ast: &Arc<Ast>,
        options: &CompileOptions,
        f: impl FnOnce(&mut Compiler<'_>) -> CompileResult<T>,
    ) -> CompileResult<T> {
        let mut side =
            Compiler::new(&self.catalog, c.functions, c.collations, options, None, Arc::clone(ast));
        f(&mut side)
    }

    /// The objects that have a text: views and triggers of temp, everything of the schema itself.
    pub(super) fn objects(&self) -> impl Iterator<Item = Object<'_>> {
        self.rows.iter().filter_map(|(db, row)| {
            let (kind, name) = (row.kind.as_deref()?, row.name.as_deref()?);
            let is_concerned = *db == self.db || kind == b"view" || kind == b"trigger";
            let is_own = name.get(..7).is_some_and(|head| head.eq_ignore_ascii_case(b"sqlite_"));
            if !is_concerned || is_own {
                return None;
            }
            Some(Object { db: *db, kind: std::str::from_utf8(kind).ok()?, name, sql: row.sql.as_ref()? })
        })
    }

    /// Resolves what is in the schema. `strings`: double-quoted names may be strings.
    ///
    /// # Errors
    /// `error in view x after …: no such column: y`
    pub(super) fn check(&self, c: &Compiler<'_>, after: &str, strings: bool) -> CompileResult<()> {
        if c.options.legacy_alter_table || c.options.writable_schema {
            return Ok(());
        }
        let mut options = c.options.clone();
        if !strings {
            (options.double_quoted_dml, options.double_quoted_ddl) = (false, false);
        }
        for object in self.objects().filter(|object| !object.is_virtual()) {
            references::find(c, self, &object, &options, Bodies::Resolved)
                .map_err(|error| object.error(after, &error))?;
        }
        Ok(())
    }
}

impl Object<'_> {
    fn is_virtual(&self) -> bool {
        self.sql.get(..14).is_some_and(|head| head.eq_ignore_ascii_case(b"create virtual"))
    }

    /// The error of an object that does not fit any more.
    pub(super) fn error(&self, after: &str, error: &Error) -> Error {
        let space = if after.is_empty() { "" } else { " " };
        Error::message(format!("error in {} {}{space}{after}: {error}", self.kind, lossy(self.name)))
    }

    /// The statement of the object's text.
    ///
    /// # Errors
    /// A syntax error.
    pub(super) fn parse(&self) -> CompileResult<(Statement, Arc<Ast>)> {
        match load::parser(true).parse(self.sql) {
            Ok(Some(parsed)) => Ok((parsed.statement, Arc::from(parsed.ast))),
            Ok(None) => Err(Error::message("incomplete input")),
            Err(error) => Err(Error::message(error.to_string())),
        }
    }
}
