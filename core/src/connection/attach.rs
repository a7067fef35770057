//! ATTACH and DETACH.
//!
//! The new database is opened and its schema read before it has a number that others see; if either fails nothing is attached.

use std::sync::Arc;

use kernite_btree::{Encoding, TransactionKind, ValueRef};
use kernite_vdbe::host::Storage;
use kernite_vdbe::op::Db;
use kernite_vdbe::{Error, Register, Step};

use super::host::HostState;
use super::open::{self, OpenFlags};
use super::state::DatabaseState;
use crate::catalog::DatabaseSchema;
use crate::compile::{LimitKind, lossy};

/// An ATTACH under way: the number of the database.
pub(crate) struct Attaching {
    db: Db,
    file: Vec<u8>,
}

/// A DETACH under way.
pub(crate) struct Detaching {
    db: Db,
}

impl HostState {
    /// Runs ATTACH: file name, database name, key.
    pub(crate) fn attach(&mut self, storage: &mut Storage, arguments: &[Register]) -> Step<()> {
        let (db, file) = match &self.attaching {
            Some(attaching) => (attaching.db, attaching.file.clone()),
            None => {
                let argument = |at: usize| self.argument(arguments.get(at));
                let (file, name) = (argument(0), argument(1));
                let db = self.begin_attach(storage, &file, &name)?;
                self.attaching = Some(Attaching { db, file: file.clone() });
                (db, file)
            }
        };
        match self.load_schema(storage, db) {
            Ok(None) => Ok(None),
            Ok(Some(())) => {
                self.attaching = None;
                Ok(Some(()))
            }
            Err(error) => {
                self.attaching = None;
                self.remove(storage, db);
                Err(match error.code() & 0xff {
                    14 => {
                        Error::with_code(error.code(), format!("unable to open database: {}", lossy(&file)))
                    }
                    _ => error,
                })
            }
        }
    }

    /// The text of an argument, in UTF-8.
    pub(super) fn argument(&self, register: Option<&Register>) -> Vec<u8> {
        let encoding = self.options.encoding;
        match register.map(Register::value) {
            Some(ValueRef::Text(text)) if encoding != Encoding::Utf8 => {
                let mut out = Vec::new();
                kernite_btree::encoding::convert(text, encoding, Encoding::Utf8, &mut out);
                out
            }
            Some(ValueRef::Text(text) | ValueRef::Blob(text)) => text.to_vec(),
            Some(ValueRef::Integer(number)) => number.to_string().into_bytes(),
            _ => Vec::new(),
        }
    }

    fn begin_attach(&mut self, storage: &mut Storage, file: &[u8], name: &[u8]) -> Result<Db, Error> {
        let attached = self.catalog.databases.iter().skip(2).flatten().count();
        let max = self.options.limit(LimitKind::Attached);
        if attached >= max {
            return Err(Error::message(format!("too many attached databases - max {max}")));
        }
        if self.catalog.find_qualifier(name).is_some() {
            return Err(Error::message(format!("database {} is already in use", lossy(name))));
        }
        let target = open::target(&self.io, file, OpenFlags::default())?;
        let free = (2..self.catalog.databases.len()).find(|&at| self.catalog.databases[at].is_none());
        let at = free.unwrap_or(self.catalog.databases.len());
        let db = u8::try_from(at).map(Db).map_err(|_| Error::message("too many attached databases"))?;
        self.generation += 1;
        let schema = DatabaseSchema {
            name: name.into(),
            generation: self.generation,
            file_format: 1,
            ..DatabaseSchema::default()
        };
        if at == self.catalog.databases.len() {
            self.catalog.databases.push(None);
            self.databases.push(DatabaseState::default());
            storage.databases.push(None);
        }
        self.catalog.databases[at] = Some(Arc::new(schema));
        let (btree, seat) = target.btree(&self.io, &self.shared_memory);
        self.databases[at] = DatabaseState { seat, ..DatabaseState::default() };
        storage.databases[at] = Some(btree);
        Ok(db)
    }

    fn remove(&mut self, storage: &mut Storage, db: Db) {
        let at = usize::from(db.0);
        if let Some(old) = self.catalog.databases.get_mut(at).and_then(Option::take) {
            self.retire(old);
        }
        if let Some(slot) = storage.databases.get_mut(at) {
            *slot = None;
        }
        if let Some(state) = self.databases.get_mut(at) {
            state.seat = None;
        }
        self.generation += 1;
        self.expired += 1;
    }

    /// Runs DETACH.
    pub(crate) fn detach(&mut self, storage: &mut Storage, arguments: &[Register]) -> Step<()> {
        let db = match &self.detaching {
            Some(detaching) => detaching.db,
            None => {
                let name = self.argument(arguments.first());
                let db = self.begin_detach(storage, &name)?;
                self.detaching = Some(Detaching { db });
                db
            }
        };
        if let Some(Some(btree)) = storage.databases.get_mut(usize::from(db.0)) {
            // A database that cannot be closed in good order is gone all the same.
            if let Ok(None) = btree.close() {
                return Ok(None);
            }
        }
        self.detaching = None;
        self.remove(storage, db);
        Ok(Some(()))
    }

    fn begin_detach(&mut self, storage: &Storage, name: &[u8]) -> Result<Db, Error> {
        let opened = |db: &Db| self.databases.get(usize::from(db.0)).is_some_and(|database| database.opened);
        // There is no temp before it is used.
        let exists = |db: &Db| (db.0 != 0 || !name.is_empty()) && (db.0 != 1 || opened(db));
        let known = self.catalog.find_database(name).filter(exists);
        let Some(db) = known else {
            return Err(Error::message(format!("no such database: {}", lossy(name))));
        };
        if db.0 < 2 {
            return Err(Error::message(format!("cannot detach database {}", lossy(name))));
        }
        let busy = storage
            .databases
            .get(usize::from(db.0))
            .and_then(Option::as_ref)
            .is_some_and(|btree| btree.transaction().is_some_and(|kind| kind >= TransactionKind::Read));
        if busy {
            return Err(Error::message(format!("database {} is locked", lossy(name))));
        }
        Ok(db)
    }
}
