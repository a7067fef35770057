//! A database's schema, and the set of all attached ones.

use std::borrow::Borrow;
use std::sync::Arc;

use kernite_btree::Encoding;
use kernite_io::HashMap;
use kernite_vdbe::Db;

use super::{Index, Modules, Table, Trigger};

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

impl Borrow<[u8]> for SchemaName {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

/// Calls `f` with `name` lower-cased. Short names, which is to say all names, need no allocation.
fn with_lowered<T>(name: &[u8], f: impl FnOnce(&[u8]) -> T) -> T {
    let mut buffer = [0u8; 64];
    match buffer.get_mut(..name.len()) {
        Some(short) => {
            short.copy_from_slice(name);
            short.make_ascii_lowercase();
            f(short)
        }
        None => f(&name.to_ascii_lowercase()),
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
    /// How many tables were ever put in: the order of the next one.
    pub table_order: u32,
    /// Every index also hangs off its table.
    pub indexes: HashMap<SchemaName, Arc<Index>>,
    /// By name. A temp trigger may sit on a table of another database.
    pub triggers: HashMap<SchemaName, Arc<Trigger>>,
}

impl DatabaseSchema {
    /// A table, view or virtual table by name.
    pub fn table(&self, name: &[u8]) -> Option<&Arc<Table>> {
        with_lowered(name, |name| self.tables.get(name))
    }

    /// The tables, the newest first; the schema table is the last.
    pub fn newest_first(&self) -> Vec<&Arc<Table>> {
        let mut tables: Vec<_> = self.tables.values().collect();
        tables.sort_unstable_by_key(|table| std::cmp::Reverse(table.order));
        tables
    }

    /// The tables in the order in which SQLite lists them, which shows: in rows of `sqlite_stat1`, `table_list`, `integrity_check`.
    pub fn listed(&self) -> Vec<&Arc<Table>> {
        let mut tables: Vec<_> = self.tables.values().collect();
        tables.sort_unstable_by_key(|table| table.order);
        let names: Vec<&[u8]> = tables.iter().map(|table| &*table.name).collect();
        hash_order(&names).into_iter().filter_map(|at| tables.get(at).copied()).collect()
    }

    /// An index by name.
    pub fn index(&self, name: &[u8]) -> Option<&Arc<Index>> {
        with_lowered(name, |name| self.indexes.get(name))
    }

    /// A trigger by name.
    pub fn trigger(&self, name: &[u8]) -> Option<&Arc<Trigger>> {
        with_lowered(name, |name| self.triggers.get(name))
    }
}

/// Fewest names for which SQLite's table of names has buckets, and most buckets.
const BUCKETED_MIN: usize = 5;
const BUCKETS_MAX: usize = 64;

/// The order in which a walk over SQLite's table of names visits names that were put in one after the other, as places in `names`.
///
/// All names are in one list. A name whose bucket is in use goes before the newest name of that bucket, any other to the front. The buckets are
/// made anew, three for each name, whenever there are more than two names for each.
fn hash_order(names: &[&[u8]]) -> Vec<usize> {
    let hashes: Vec<u32> = names.iter().map(|name| name_hash(name)).collect();
    let mut list: Vec<usize> = Vec::with_capacity(names.len());
    let mut newest: Vec<Option<usize>> = Vec::new();
    let put = |list: &mut Vec<usize>, newest: &mut [Option<usize>], name: usize| {
        let bucket = match newest.len() {
            0 => None,
            count => newest.get_mut(hashes[name] as usize % count),
        };
        let before = bucket.and_then(|bucket| bucket.replace(name));
        let at = before.and_then(|before| list.iter().position(|&known| known == before)).unwrap_or(0);
        list.insert(at, name);
    };
    for name in 0..names.len() {
        let count = name + 1;
        if count >= BUCKETED_MIN && count > 2 * newest.len() && newest.len() < BUCKETS_MAX {
            newest = vec![None; (3 * count).min(BUCKETS_MAX)];
            for known in std::mem::take(&mut list) {
                put(&mut list, &mut newest, known);
            }
        }
        put(&mut list, &mut newest, name);
    }
    list
}

/// SQLite's hash of a name, without ASCII case.
fn name_hash(name: &[u8]) -> u32 {
    /// The prime next to 2^32 by the golden ratio.
    const FACTOR: u32 = 0x9e37_79b1;
    name.iter().fold(0, |hash: u32, &byte| hash.wrapping_add(u32::from(byte & 0xdf)).wrapping_mul(FACTOR))
}

/// The name under which the schema table of a database stands in its catalogue.
pub const SCHEMA_TABLE: &[u8] = b"sqlite_master";
/// The same of the temp database.
pub const TEMP_SCHEMA_TABLE: &[u8] = b"sqlite_temp_master";

/// The newer names of the two.
pub const SCHEMA_TABLE_ALIAS: &[u8] = b"sqlite_schema";
/// The newer name of the temp database's.
pub const TEMP_SCHEMA_TABLE_ALIAS: &[u8] = b"sqlite_temp_schema";

/// Everything that one compilation sees.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    /// 0 main, 1 temp, 2… attached. A detached slot is `None`.
    pub databases: Vec<Option<Arc<DatabaseSchema>>>,
    /// Kinds of virtual tables.
    pub modules: Arc<Modules>,
    /// Virtual tables that are there without CREATE, as far as they are connected.
    pub eponymous: Arc<HashMap<SchemaName, Arc<Table>>>,
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

    /// The database that a qualified name means: the first of that name, else `main` for the first.
    pub fn find_qualifier(&self, name: &[u8]) -> Option<Db> {
        let named = |database: &Option<Arc<DatabaseSchema>>| {
            database.as_ref().is_some_and(|database| database.name.eq_ignore_ascii_case(name))
        };
        match self.databases.iter().position(named) {
            Some(index) => u8::try_from(index).ok().map(Db),
            None => name.eq_ignore_ascii_case(b"main").then_some(Db(0)),
        }
    }

    /// A table by name, in one database or in all of them.
    pub fn find_table(&self, name: &[u8], database: Option<&[u8]>) -> Option<&Arc<Table>> {
        let is = |known: &[u8]| name.eq_ignore_ascii_case(known);
        if let Some(database) = database {
            let db = self.find_qualifier(database)?;
            let schema = self.database(db)?;
            return schema.table(name).or_else(|| match db.0 {
                1 if is(TEMP_SCHEMA_TABLE_ALIAS) || is(SCHEMA_TABLE_ALIAS) || is(SCHEMA_TABLE) => {
                    schema.table(TEMP_SCHEMA_TABLE)
                }
                1 => None,
                _ if is(SCHEMA_TABLE_ALIAS) => schema.table(SCHEMA_TABLE),
                _ => None,
            });
        }
        self.search_order().find_map(|(_, schema)| schema.table(name)).or_else(|| {
            if is(SCHEMA_TABLE_ALIAS) {
                self.database(Db(0))?.table(SCHEMA_TABLE)
            } else if is(TEMP_SCHEMA_TABLE_ALIAS) {
                self.database(Db(1))?.table(TEMP_SCHEMA_TABLE)
            } else {
                None
            }
        })
    }

    /// An index by name, in one database or in all of them.
    pub fn find_index(&self, name: &[u8], database: Option<&[u8]>) -> Option<&Arc<Index>> {
        self.search_order()
            .filter(|(db, schema)| match database {
                Some(name) => {
                    schema.name.eq_ignore_ascii_case(name)
                        || (db.0 == 0 && name.eq_ignore_ascii_case(b"main"))
                }
                None => true,
            })
            .find_map(|(_, schema)| schema.index(name))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_listed_in_the_order_of_their_hashes() {
        let order = |names: &[&str]| -> Vec<String> {
            let bytes: Vec<&[u8]> = names.iter().map(|name| name.as_bytes()).collect();
            hash_order(&bytes).into_iter().map(|at| names[at].to_owned()).collect()
        };
        // As `PRAGMA table_list` of the target shows them.
        assert_eq!(order(&["sqlite_master", "a", "b"]), ["b", "a", "sqlite_master"]);
        assert_eq!(
            order(&["sqlite_master", "t", "sqlite_sequence", "u", "w"]),
            ["w", "sqlite_master", "sqlite_sequence", "t", "u"]
        );
    }
}
