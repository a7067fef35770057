//! A database's schema, and the set of all attached ones.

use std::sync::Arc;

use kernite_btree::Encoding;
use kernite_io::HashMap;
use kernite_vdbe::Db;

use super::{Index, Table, Trigger};

/// A name lower-cased for look-up (ASCII only, as SQLite).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SchemaName(Box<[u8]>);

impl SchemaName {
    /// The key of `name`.
    pub fn new(name: &[u8]) -> SchemaName {
        SchemaName(name.to_ascii_lowercase().into())
    }

    /// The lower-cased bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// One attached database's schema.
#[derive(Clone, Debug, Default)]
pub struct DatabaseSchema {
    /// `main`, `temp`, or the name given by ATTACH, as typed.
    pub name: Box<[u8]>,
    /// Whether `sqlite_schema` has been read. An unloaded schema has no tables.
    pub loaded: bool,
    pub cookie: u32,
    /// Changes whenever this value is replaced; statements compare it before they look at the cookie.
    pub generation: u64,
    pub encoding: Encoding,
    /// Schema format number of the header, 1 to 4.
    pub file_format: u32,
    pub tables: HashMap<SchemaName, Arc<Table>>,
    /// Every index also hangs off its table.
    pub indexes: HashMap<SchemaName, Arc<Index>>,
    /// By name. A temp trigger may sit on a table of another database.
    pub triggers: HashMap<SchemaName, Arc<Trigger>>,
}

/// Everything that one compilation sees.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    /// 0 main, 1 temp, 2… attached. A detached slot is `None`.
    pub databases: Vec<Option<Arc<DatabaseSchema>>>,
}

impl Catalog {
    /// A database by number.
    pub fn database(&self, db: Db) -> Option<&Arc<DatabaseSchema>> {
        self.databases.get(usize::from(db.0))?.as_ref()
    }

    /// A database by name, as typed. `main` always finds database 0.
    pub fn find_database(&self, name: &[u8]) -> Option<Db> {
        let found = self.databases.iter().rposition(|database| {
            database.as_ref().is_some_and(|database| database.name.eq_ignore_ascii_case(name))
        });
        match found {
            Some(index) => u8::try_from(index).ok().map(Db),
            None if name.eq_ignore_ascii_case(b"main") => Some(Db(0)),
            None => None,
        }
    }

    /// The order in which an unqualified name is looked for: temp, main, then attached ones.
    pub fn search_order(&self) -> impl Iterator<Item = (Db, &Arc<DatabaseSchema>)> {
        let attached = 2..self.databases.len();
        [1usize, 0].into_iter().chain(attached).filter_map(|index| {
            let database = self.databases.get(index)?.as_ref()?;
            Some((Db(u8::try_from(index).ok()?), database))
        })
    }
}
