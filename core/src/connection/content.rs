//! The content of databases as bytes: pages copied from one to another, databases from and to memory, parts of values in place.
//!
//! Never: SQL.

use kernite_io::ready;
use kernite_vdbe::Error;
use kernite_vdbe::op::Db;

use super::raw::Connection;
use super::schema::btree;
use super::wait::block_on;

fn unsupported(what: &str) -> Error {
    Error::message(format!("{what} is not supported yet"))
}

impl Connection {
    /// How many pages a database has.
    ///
    /// # Errors
    /// Those of reading the file.
    pub fn page_count(&self, db: usize) -> Result<u32, Error> {
        let db = Db(u8::try_from(db).unwrap_or(u8::MAX));
        self.with(|state| {
            block_on(state, || {
                let mut state = state.borrow_mut();
                Ok(Some(ready!(btree(&mut state.storage, db)?.page_count())))
            })
        })
    }

    /// Overwrites a database with one of another connection.
    ///
    /// # Errors
    /// It is not built.
    pub fn copy_database(&self, _db: usize, _source: &Connection, _source_db: usize) -> Result<(), Error> {
        Err(unsupported("sqlite3_backup_step"))
    }

    /// The bytes of a database's file.
    ///
    /// # Errors
    /// It is not built.
    pub fn serialize(&self, _db: usize) -> Result<Vec<u8>, Error> {
        Err(unsupported("sqlite3_serialize"))
    }

    /// Puts bytes in place of a database.
    ///
    /// # Errors
    /// It is not built.
    pub fn deserialize(&self, _db: usize, _bytes: &[u8], _read_only: bool) -> Result<(), Error> {
        Err(unsupported("sqlite3_deserialize"))
    }
}

/// A value that is read and written in place.
pub struct Blob {
    len: u64,
}

impl Blob {
    /// Opens a value of a row.
    ///
    /// # Errors
    /// It is not built.
    pub fn open(
        _connection: &Connection,
        _database: Option<&[u8]>,
        _table: &[u8],
        _column: &[u8],
        _rowid: i64,
        _write: bool,
    ) -> Result<Blob, Error> {
        Err(unsupported("sqlite3_blob_open"))
    }

    /// Moves to another row.
    ///
    /// # Errors
    /// It is not built.
    pub fn reopen(&mut self, _rowid: i64) -> Result<(), Error> {
        Err(unsupported("sqlite3_blob_reopen"))
    }

    /// Ends it.
    ///
    /// # Errors
    /// It is not built.
    pub fn close(self) -> Result<(), Error> {
        Err(unsupported("sqlite3_blob_close"))
    }

    /// Bytes of the value.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether its row is as it was.
    pub fn is_open(&self) -> bool {
        false
    }

    /// Reads a part.
    ///
    /// # Errors
    /// It is not built.
    pub fn read(&mut self, _offset: u64, _len: usize) -> Result<Vec<u8>, Error> {
        Err(unsupported("sqlite3_blob_read"))
    }

    /// Writes a part.
    ///
    /// # Errors
    /// It is not built.
    pub fn write(&mut self, _offset: u64, _bytes: &[u8]) -> Result<(), Error> {
        Err(unsupported("sqlite3_blob_write"))
    }
}
