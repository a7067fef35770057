//! Tables and indexes by name.
//!
//! An unqualified name is looked for in temp, main, then the attached databases. `sqlite_schema` and its three other spellings
//! find the schema table, which the catalogue keeps under its old name.

use std::sync::Arc;

use kernite_vdbe::{Db, Error};

use super::{CompileResult, Compiler, Unconnected, lossy};
use crate::catalog::{Index, SchemaName, Table, TableKind};

impl Compiler<'_> {
    /// The table of this name, or `None`.
    pub fn find_table(&self, name: &[u8], database: Option<&[u8]>) -> Option<Arc<Table>> {
        self.catalog.find_table(name, database).cloned()
    }

    /// The table of this name.
    ///
    /// # Errors
    /// `no such table: x`, or `no such view: x` when a view was asked for.
    pub fn locate_table(
        &mut self,
        name: &[u8],
        database: Option<&[u8]>,
        view: bool,
    ) -> CompileResult<Arc<Table>> {
        if let Some(table) = self.find_table(name, database) {
            return self.connected(table);
        }
        if let Some(table) = self.find_eponymous(name)? {
            return Ok(table);
        }
        self.notes.check_schema = true;
        let what = if view { "no such view" } else { "no such table" };
        Err(Error::message(match database {
            Some(database) => format!("{what}: {}.{}", lossy(database), lossy(name)),
            None => format!("{what}: {}", lossy(name)),
        }))
    }

    /// A virtual table with its columns.
    ///
    /// # Errors
    /// It is not connected: the statement is compiled again when it is.
    pub fn connected(&mut self, table: Arc<Table>) -> CompileResult<Arc<Table>> {
        if let TableKind::Virtual { module, instance: None, .. } = &table.kind {
            if self.catalog.modules.find(module).is_none() {
                return Err(Error::message(format!("no such module: {}", lossy(module))));
            }
            self.notes.connect = Some(Unconnected::Table { db: table.db, name: table.name.clone() });
            return Err(Error::message(format!("virtual table {} is not connected", lossy(&table.name))));
        }
        Ok(table)
    }

    /// A virtual table that is named after its module.
    fn find_eponymous(&mut self, name: &[u8]) -> CompileResult<Option<Arc<Table>>> {
        if self.options.loading_schema {
            return Ok(None);
        }
        if let Some(table) = self.catalog.eponymous.get(&SchemaName::new(name)) {
            return Ok(Some(Arc::clone(table)));
        }
        match self.catalog.modules.find(name) {
            Some((_, module)) if module.is_eponymous() => {
                self.notes.connect = Some(Unconnected::Eponymous { module: name.into() });
                Err(Error::message(format!("virtual table {} is not connected", lossy(name))))
            }
            _ => Ok(None),
        }
    }

    /// The index of this name, or `None`.
    pub fn find_index(&self, name: &[u8], database: Option<&[u8]>) -> Option<Arc<Index>> {
        self.catalog.find_index(name, database).cloned()
    }

    /// The database that a qualified name means; without a name the one given.
    ///
    /// # Errors
    /// `unknown database x`.
    pub fn locate_database(&self, database: Option<&[u8]>, otherwise: Db) -> CompileResult<Db> {
        match database {
            None => Ok(otherwise),
            Some(name) => self
                .catalog
                .find_database(name)
                .ok_or_else(|| Error::message(format!("unknown database {}", lossy(name)))),
        }
    }
}
