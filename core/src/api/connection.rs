//! Connections.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use kernite_io::Process;

use super::process::default_process;
use super::types::{FromSql, ToSql};
use super::{Error, Params, Result, Row, Savepoint, Statement, Transaction, TransactionBehavior};
use crate::connection::BusyHandler;
use crate::connection::{OpenFlags as EngineFlags, raw};

/// How a connection is opened; combine with `|`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenFlags(u32);

impl OpenFlags {
    /// Only read.
    pub const SQLITE_OPEN_READ_ONLY: OpenFlags = OpenFlags(1);
    /// Read and write.
    pub const SQLITE_OPEN_READ_WRITE: OpenFlags = OpenFlags(2);
    /// Make the file where there is none.
    pub const SQLITE_OPEN_CREATE: OpenFlags = OpenFlags(4);
    /// Names that begin with `file:` are URIs.
    pub const SQLITE_OPEN_URI: OpenFlags = OpenFlags(0x40);
    /// The database is in memory, whatever the name.
    pub const SQLITE_OPEN_MEMORY: OpenFlags = OpenFlags(0x80);
    /// A database in memory that a URI names is shared by the connections of the process that name it.
    pub const SQLITE_OPEN_SHARED_CACHE: OpenFlags = OpenFlags(0x20000);

    /// Whether all of `other` is in here.
    pub const fn contains(self, other: OpenFlags) -> bool {
        self.0 & other.0 == other.0
    }
}

impl Default for OpenFlags {
    /// Read, write, create; URIs understood.
    fn default() -> OpenFlags {
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_URI
    }
}

impl std::ops::BitOr for OpenFlags {
    type Output = OpenFlags;

    fn bitor(self, other: OpenFlags) -> OpenFlags {
        OpenFlags(self.0 | other.0)
    }
}

/// A database of a connection by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatabaseName<'a> {
    Main,
    Temp,
    Attached(&'a str),
}

/// Interrupts a connection from any thread.
pub struct InterruptHandle(raw::InterruptHandle);

impl InterruptHandle {
    /// Makes the statements that run end with `SQLITE_INTERRUPT`.
    pub fn interrupt(&self) {
        self.0.interrupt();
    }
}

/// A connection to a database.
///
/// A file that this API makes is in WAL mode; one that SQLite made stays in the mode that it has.
pub struct Connection {
    raw: raw::Connection,
    path: Option<String>,
}

fn path_bytes(path: &Path) -> Vec<u8> {
    path.as_os_str().as_encoded_bytes().to_vec()
}

impl Connection {
    /// Opens a database file, making it where there is none.
    ///
    /// # Errors
    /// `SQLITE_CANTOPEN`.
    pub fn open<P: AsRef<Path>>(path: P) -> Result<Connection> {
        Connection::open_with_flags(path, OpenFlags::default())
    }

    /// A fresh database in memory.
    ///
    /// # Errors
    /// `SQLITE_NOMEM`.
    pub fn open_in_memory() -> Result<Connection> {
        Connection::open(":memory:")
    }

    /// Opens a database.
    ///
    /// # Errors
    /// `SQLITE_CANTOPEN`, and what is wrong with a URI.
    pub fn open_with_flags<P: AsRef<Path>>(path: P, flags: OpenFlags) -> Result<Connection> {
        Connection::open_in(&default_process(), path, flags)
    }

    /// Opens a database of a process of one's own: another world of files, or one with budgets of its own.
    ///
    /// # Errors
    /// As [`Connection::open_with_flags`].
    pub fn open_in<P: AsRef<Path>>(process: &Arc<Process>, path: P, flags: OpenFlags) -> Result<Connection> {
        let path = path.as_ref();
        let flags = EngineFlags {
            read_only: flags.contains(OpenFlags::SQLITE_OPEN_READ_ONLY),
            create: flags.contains(OpenFlags::SQLITE_OPEN_CREATE),
            any_vfs: false,
            uri: flags.contains(OpenFlags::SQLITE_OPEN_URI),
            memory: flags.contains(OpenFlags::SQLITE_OPEN_MEMORY),
            shared_cache: flags.contains(OpenFlags::SQLITE_OPEN_SHARED_CACHE),
            memdb: false,
            new_file_wal: true,
        };
        let raw = raw::Connection::open(process, &path_bytes(path), flags)?;
        let path = (path != Path::new(":memory:")).then(|| path.to_string_lossy().into_owned());
        Ok(Connection { raw, path })
    }

    /// The untyped connection below.
    pub fn raw(&self) -> &raw::Connection {
        &self.raw
    }

    /// The path that it was opened with; `None` in memory.
    pub fn path(&self) -> Option<&str> {
        self.path.as_deref()
    }

    /// Prepares one statement.
    ///
    /// # Errors
    /// Syntax errors, missing tables and so on; [`Error::MultipleStatement`] where more than one is given.
    pub fn prepare(&self, sql: &str) -> Result<Statement<'_>> {
        self.check_length(sql)?;
        let (statement, end) = self.raw.prepare(sql.as_bytes())?;
        let rest = sql.as_bytes().get(end..).unwrap_or_default();
        if !rest.iter().all(u8::is_ascii_whitespace) && self.raw.prepare(rest)?.0.is_some() {
            return Err(Error::MultipleStatement);
        }
        match statement {
            Some(statement) => Ok(Statement::new(statement)),
            // A text without a statement is one that does nothing.
            None => {
                Ok(Statement::new(self.raw.prepare(b"SELECT 0 WHERE 0")?.0.ok_or(Error::MultipleStatement)?))
            }
        }
    }

    /// A text whose length the caller gives counts whole against SQLITE_LIMIT_SQL_LENGTH.
    fn check_length(&self, sql: &str) -> Result<()> {
        const SQL_LENGTH: usize = 1;
        const TOOBIG: i32 = 18;
        let length_max = usize::try_from(self.raw.limit(SQL_LENGTH, -1)).unwrap_or(0);
        if sql.len() > length_max {
            return Err(kernite_vdbe::Error::with_code(TOOBIG, "statement too long").into());
        }
        Ok(())
    }

    /// Prepares the first statement of a text of any bytes. Gives it (`None` where there is nothing but white space and comments) and
    /// where the text behind it begins.
    ///
    /// # Errors
    /// Syntax errors, missing tables and so on; [`Connection::error_offset`] tells where.
    pub fn prepare_first(&self, sql: &[u8]) -> Result<(Option<Statement<'_>>, usize)> {
        let (statement, end) = self.raw.prepare(sql)?;
        Ok((statement.map(Statement::new), end))
    }

    /// Offset in bytes of what the last error is about in the text that was prepared, where it is about a place.
    pub fn error_offset(&self) -> Option<usize> {
        self.raw.last_error().and_then(|(_, _, offset)| offset).map(|offset| offset as usize)
    }

    /// Runs one statement that returns no rows; how many rows it changed.
    ///
    /// # Errors
    /// As [`Connection::prepare`] and [`Statement::execute`].
    pub fn execute<P: Params>(&self, sql: &str, params: P) -> Result<usize> {
        self.prepare(sql)?.execute(params)
    }

    /// Runs all statements of a text and throws their rows away.
    ///
    /// # Errors
    /// That of the first statement that fails; those before it have run.
    pub fn execute_batch(&self, sql: &str) -> Result<()> {
        self.check_length(sql)?;
        Ok(self.raw.execute_batch(sql.as_bytes())?)
    }

    /// The first row of a query through a function.
    ///
    /// # Errors
    /// [`Error::QueryReturnedNoRows`]; what ends the run.
    pub fn query_row<T, P, F>(&self, sql: &str, params: P, map: F) -> Result<T>
    where
        P: Params,
        F: FnOnce(&Row<'_>) -> Result<T>,
    {
        self.prepare(sql)?.query_row(params, map)
    }

    /// The first column of a pragma's first row.
    ///
    /// # Errors
    /// [`Error::QueryReturnedNoRows`] where the pragma gives nothing.
    pub fn pragma_query_value<T, F>(
        &self,
        schema: Option<DatabaseName<'_>>,
        pragma: &str,
        map: F,
    ) -> Result<T>
    where
        F: FnOnce(&Row<'_>) -> Result<T>,
    {
        self.query_row(&format!("PRAGMA {}", qualified(schema, pragma)), [], map)
    }

    /// Sets a pragma.
    ///
    /// # Errors
    /// What the pragma refuses.
    pub fn pragma_update<V: ToSql>(
        &self,
        schema: Option<DatabaseName<'_>>,
        pragma: &str,
        value: V,
    ) -> Result<()> {
        use super::types::ValueRef;
        let value = match value.to_sql()?.as_ref() {
            ValueRef::Integer(number) => number.to_string(),
            ValueRef::Real(number) => number.to_string(),
            ValueRef::Text(text) => format!("'{}'", String::from_utf8_lossy(text).replace('\'', "''")),
            ValueRef::Null | ValueRef::Blob(_) => {
                return Err(Error::ToSqlConversionFailure("a pragma takes a number or a text".to_owned()));
            }
        };
        self.execute_batch(&format!("PRAGMA {}={value}", qualified(schema, pragma)))
    }

    /// Starts a transaction, which rolls back when it goes out of scope.
    ///
    /// # Errors
    /// What stops BEGIN.
    pub fn transaction(&mut self) -> Result<Transaction<'_>> {
        Transaction::begin(self, TransactionBehavior::Deferred)
    }

    /// Starts a transaction of a kind.
    ///
    /// # Errors
    /// `SQLITE_BUSY` where the lock is held.
    pub fn transaction_with_behavior(&mut self, behavior: TransactionBehavior) -> Result<Transaction<'_>> {
        Transaction::begin(self, behavior)
    }

    /// Starts a transaction on a shared connection. That there is none yet is for the caller to know.
    ///
    /// # Errors
    /// What stops BEGIN.
    pub fn unchecked_transaction(&self) -> Result<Transaction<'_>> {
        Transaction::begin(self, TransactionBehavior::Deferred)
    }

    /// Opens a savepoint, which rolls back when it goes out of scope.
    ///
    /// # Errors
    /// What stops a savepoint.
    pub fn savepoint(&mut self) -> Result<Savepoint<'_>> {
        Savepoint::open(self, 1)
    }

    /// Rowid of the last row inserted by this connection.
    pub fn last_insert_rowid(&self) -> i64 {
        self.raw.last_insert_rowid()
    }

    /// Rows changed by the last statement that changed any.
    pub fn changes(&self) -> u64 {
        self.raw.changes() as u64
    }

    /// Rows changed since the connection was opened.
    pub fn total_changes(&self) -> u64 {
        self.raw.total_changes() as u64
    }

    /// Whether no transaction is open.
    pub fn is_autocommit(&self) -> bool {
        self.raw.is_autocommit()
    }

    /// How long a statement waits for another connection's lock before it gives `SQLITE_BUSY`.
    ///
    /// # Errors
    /// None; the result is as `rusqlite` has it.
    pub fn busy_timeout(&self, timeout: Duration) -> Result<()> {
        let timeout_ms = u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX);
        self.raw.set_busy_handler(BusyHandler::Timeout(timeout_ms));
        Ok(())
    }

    /// A handle to interrupt it from another thread.
    pub fn get_interrupt_handle(&self) -> InterruptHandle {
        InterruptHandle(self.raw.interrupt_handle())
    }

    /// Closes the connection. Dropping it does the same.
    ///
    /// # Errors
    /// None: what fails while closing is of no consequence to the data.
    pub fn close(self) -> Result<(), (Connection, Error)> {
        Ok(())
    }

    /// One value of a query that gives one, for tests and short programs.
    ///
    /// # Errors
    /// As [`Connection::query_row`].
    pub fn query_value<T: FromSql>(&self, sql: &str) -> Result<T> {
        self.query_row(sql, [], |row| row.get(0))
    }
}

fn qualified(schema: Option<DatabaseName<'_>>, pragma: &str) -> String {
    let quoted = |name: &str| format!("\"{}\".{pragma}", name.replace('"', "\"\""));
    match schema {
        None => pragma.to_owned(),
        Some(DatabaseName::Main) => quoted("main"),
        Some(DatabaseName::Temp) => quoted("temp"),
        Some(DatabaseName::Attached(name)) => quoted(name),
    }
}
