//! Incremental blobs: parts of a value read and written in place.
//!
//! A handle is a statement that has begun its transaction and stands at its row: so it counts among the statements under way, keeps
//! the transaction open, and commits when it ends, as any other. The value is found once for a row; its bytes are then read and written
//! through the statement's cursor.
//!
//! Always true: a handle whose row was changed by somebody else, or that failed to move to a row, is over and gives `SQLITE_ABORT`.
//!
//! Spec: C/C++ Interface, "Open A BLOB For Incremental I/O".

use std::cell::RefCell;
use std::ops::Range;

use kernite_btree::record::{serial, varint};
use kernite_btree::{CursorId, CursorPosition, Damage, Error as StorageError, PageNo, SeekOutcome};
use kernite_vdbe::op::{ConstId, Cursor, Db, HaltCode, OnConflict, Op, Reg, TransactionMode};
use kernite_vdbe::program::{Builder, Program};
use kernite_vdbe::{Error, Step};

use super::host::HostState;
use super::prepare::{Prepared, load_schemas};
use super::raw::{Connection, Statement};
use super::schema::btree;
use super::state::State;
use super::wait::block_on;
use crate::catalog::{IndexColumn, Table, TableKind};
use crate::compile::lossy;

/// `SQLITE_ABORT`, `SQLITE_READONLY`, `SQLITE_SCHEMA`
const ABORT: i32 = 4;
const READONLY: i32 = 8;
const SCHEMA: i32 = 17;
/// Most times that the schema is read again because it has changed.
const RETRIES_MAX: u32 = 50;
/// The cursor of the statement.
const CURSOR: Cursor = Cursor(0);
/// The first serial type of text and blobs.
const SERIAL_BYTES: u64 = 12;

/// A value that is read and written in place.
pub struct Blob {
    connection: Connection,
    /// Stands at its row; gone when the handle is over.
    statement: Option<Statement>,
    cursor: CursorId,
    target: Target,
    /// Where the value is in the row's record.
    range: Range<u64>,
}

/// The column that a handle is about.
#[derive(Clone, Copy)]
struct Target {
    db: Db,
    root: PageNo,
    /// Position in the record.
    column: usize,
    write: bool,
}

impl Blob {
    /// Opens a value of a row: text or a blob.
    ///
    /// # Errors
    /// `no such table: x`, `no such column: "x"`, `no such rowid: 1`, `cannot open …`; those of beginning a transaction.
    pub fn open(
        connection: &Connection,
        database: Option<&[u8]>,
        table: &[u8],
        column: &[u8],
        rowid: i64,
        write: bool,
    ) -> Result<Blob, Error> {
        let mut retries = 0;
        let (statement, target) = loop {
            let (prepared, target) = connection.with(|state| {
                load_schemas(state)?;
                let state = state.borrow();
                let target = Target::find(&state.host, database, table, column, write)?;
                Ok::<_, Error>((Prepared::of_program(target.program(&state.host)?, &state.host), target))
            })?;
            let mut statement = connection.statement(prepared);
            match statement.step() {
                Ok(_) => break (statement, target),
                Err(error) if error.code() == SCHEMA && retries < RETRIES_MAX => retries += 1,
                Err(error) => return Err(error),
            }
        };
        let cursor = statement.execution().machine.tree_cursor(CURSOR).ok_or_else(aborted)?;
        let mut blob =
            Blob { connection: connection.clone(), statement: Some(statement), cursor, target, range: 0..0 };
        blob.seek(rowid)?;
        Ok(blob)
    }

    /// Moves to another row of the same table.
    ///
    /// # Errors
    /// `no such rowid: 1` and the like, after which the handle is over; `SQLITE_ABORT` for one that is.
    pub fn reopen(&mut self, rowid: i64) -> Result<(), Error> {
        if !self.is_open() {
            return Err(aborted());
        }
        let moved = self.seek(rowid);
        if moved.is_err() {
            self.statement = None;
        }
        moved
    }

    /// Ends it. Outside a transaction what was written is committed.
    ///
    /// # Errors
    /// Those of the commit.
    pub fn close(mut self) -> Result<(), Error> {
        self.statement.take().map_or(Ok(()), |mut statement| statement.reset())
    }

    /// Bytes of the value that it was last moved to.
    pub fn len(&self) -> u64 {
        self.range.end - self.range.start
    }

    /// Whether the value has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the handle is not over.
    pub fn is_open(&self) -> bool {
        self.statement.is_some()
    }

    /// Reads a part, which has to be inside the value.
    ///
    /// # Errors
    /// `SQLITE_ABORT` when the row has changed; those of reading.
    pub fn read(&mut self, offset: u64, len: usize) -> Result<Vec<u8>, Error> {
        let (db, cursor, at) = (self.target.db, self.cursor, self.range.start + offset);
        let outcome = self.on_row(|state| {
            let mut bytes = Vec::new();
            block_on(state, || {
                bytes.clear();
                let mut state = state.borrow_mut();
                Ok(btree(&mut state.storage, db)?.read_payload(cursor, at..at + len as u64, &mut bytes)?)
            })?;
            Ok(bytes)
        });
        self.note(outcome)
    }

    /// Writes a part, which has to be inside the value.
    ///
    /// # Errors
    /// `SQLITE_READONLY` if it was not opened to write; `SQLITE_ABORT` when the row has changed; those of writing.
    pub fn write(&mut self, offset: u64, bytes: &[u8]) -> Result<(), Error> {
        let (db, cursor, at) = (self.target.db, self.cursor, self.range.start + offset);
        let can_write = self.target.write;
        let outcome = self.on_row(|state| {
            if !can_write {
                return Err(Error::with_code(READONLY, "attempt to write a readonly database"));
            }
            block_on(state, || {
                let mut state = state.borrow_mut();
                Ok(btree(&mut state.storage, db)?.write_payload(cursor, at, bytes)?)
            })
        });
        self.note(outcome)
    }

    /// A handle whose row is gone is over.
    fn note<T>(&mut self, outcome: Result<T, Error>) -> Result<T, Error> {
        if outcome.as_ref().is_err_and(|error| error.code() == ABORT) {
            self.statement = None;
        }
        outcome
    }

    /// Runs `body` with the cursor on its row, to which it is brought back if the table was written through another one.
    fn on_row<T>(&self, body: impl FnOnce(&RefCell<State>) -> Result<T, Error>) -> Result<T, Error> {
        if !self.is_open() {
            return Err(aborted());
        }
        let (db, cursor) = (self.target.db, self.cursor);
        self.connection.with(|state| {
            block_on(state, || -> Step<()> {
                let mut state = state.borrow_mut();
                let btree = btree(&mut state.storage, db)?;
                if btree.is_on_entry(cursor) {
                    return Ok(Some(()));
                }
                match btree.restore(cursor)? {
                    None => Ok(None),
                    Some(CursorPosition::Same) => Ok(Some(())),
                    Some(_) => Err(aborted()),
                }
            })?;
            body(state)
        })
    }

    /// Moves the cursor to a row and finds the value in it.
    fn seek(&mut self, rowid: i64) -> Result<(), Error> {
        let (db, cursor, column) = (self.target.db, self.cursor, self.target.column);
        let value = self.connection.with(|state| {
            let found = block_on(state, || {
                let mut state = state.borrow_mut();
                Ok(btree(&mut state.storage, db)?.seek_rowid(cursor, rowid)?)
            })?;
            if !matches!(found, SeekOutcome::At(std::cmp::Ordering::Equal)) {
                return Err(Error::message(format!("no such rowid: {rowid}")));
            }
            let len = btree(&mut state.borrow_mut().storage, db)?.entry(cursor)?.len;
            let read = |range: Range<u64>| {
                let mut bytes = Vec::new();
                block_on(state, || {
                    bytes.clear();
                    let mut state = state.borrow_mut();
                    Ok(btree(&mut state.storage, db)?.read_payload(cursor, range.clone(), &mut bytes)?)
                })?;
                Ok::<_, Error>(bytes)
            };
            let start = read(0..len.min(varint::LEN_MAX as u64))?;
            let (header_len, _) =
                varint::decode(&start).filter(|&(header_len, _)| header_len <= len).ok_or_else(corrupt)?;
            let value = find_value(&read(0..header_len)?, column)?;
            if value.end > len {
                return Err(corrupt());
            }
            btree(&mut state.borrow_mut().storage, db)?.set_incremental_blob(cursor, true);
            Ok(value)
        })?;
        self.range = value;
        Ok(())
    }
}

/// Where the value of a column is in a record, by the record's header.
fn find_value(header: &[u8], column: usize) -> Result<Range<u64>, Error> {
    let mut at = 0;
    let mut offset = varint::decode_at(header, &mut at).ok_or_else(corrupt)?;
    let mut kind = 0;
    for index in 0..=column {
        if at >= header.len() {
            // The column was added after the row was written.
            kind = 0;
            break;
        }
        kind = varint::decode_at(header, &mut at).ok_or_else(corrupt)?;
        if index < column {
            offset = offset.checked_add(serial::content_len(kind)).ok_or_else(corrupt)?;
        }
    }
    if kind < SERIAL_BYTES {
        let what = match kind {
            0 => "null",
            7 => "real",
            _ => "integer",
        };
        return Err(Error::message(format!("cannot open value of type {what}")));
    }
    let end = offset.checked_add(serial::content_len(kind)).ok_or_else(corrupt)?;
    Ok(offset..end)
}

impl Target {
    fn find(
        host: &HostState,
        database: Option<&[u8]>,
        name: &[u8],
        column: &[u8],
        write: bool,
    ) -> Result<Target, Error> {
        let Some(table) = host.catalog.find_table(name, database) else {
            return Err(Error::message(match database {
                Some(database) => format!("no such table: {}.{}", lossy(database), lossy(name)),
                None => format!("no such table: {}", lossy(name)),
            }));
        };
        let what = match table.kind {
            TableKind::Virtual { .. } => Some("virtual table"),
            _ if table.without_rowid => Some("table without rowid"),
            _ if table.has_generated => Some("table with generated columns"),
            TableKind::View { .. } => Some("view"),
            TableKind::Ordinary => None,
        };
        if let Some(what) = what {
            return Err(Error::message(format!("cannot open {what}: {}", lossy(name))));
        }
        let Some(number) = table.find_column(column) else {
            return Err(Error::message(format!("no such column: \"{}\"", lossy(column))));
        };
        if write && let Some(why) = why_not_writable(host, table, number) {
            return Err(Error::message(format!("cannot open {why} column for writing")));
        }
        let root = table.root.ok_or_else(corrupt)?;
        Ok(Target { db: table.db, root, column: table.storage_index(number), write })
    }

    /// Begins the transaction, opens the cursor, and stands there.
    fn program(&self, host: &HostState) -> Result<Program, Error> {
        let cookie = host.catalog.database(self.db).map_or(0, |schema| schema.cookie);
        let mut builder = Builder::new(host.options.encoding);
        let cursor = builder.alloc_cursor();
        let row = builder.alloc_reg();
        let tree = builder.tree(self.db, self.root.get(), None);
        let mode = if self.write { TransactionMode::Write } else { TransactionMode::Read };
        builder.emit(Op::Transaction { db: self.db, mode, cookie, check: true });
        builder.emit(match self.write {
            true => Op::OpenWrite { cursor, tree, columns: 0, for_delete: false },
            false => Op::OpenRead { cursor, tree, columns: 0, seek_equal: false },
        });
        builder.emit(Op::ResultRow { first: Reg(row.0), count: 1 });
        builder.emit(Op::Halt { code: HaltCode::Ok, on_conflict: OnConflict::Abort, message: ConstId(0) });
        builder.set_result_columns(1);
        builder.flags().read_only = !self.write;
        builder.finish()
    }
}

/// Why a column cannot be written in place: something else is made of its values.
fn why_not_writable(host: &HostState, table: &Table, column: usize) -> Option<&'static str> {
    let is_child = |key: &crate::catalog::ForeignKey| key.columns.iter().any(|&(child, _)| child == column);
    if host.options.foreign_keys && table.foreign_keys.iter().any(is_child) {
        return Some("foreign key");
    }
    // An index on an expression may be on one of this column.
    let is_made_of = |part: &IndexColumn| match part {
        IndexColumn::Column(number) => *number == column,
        IndexColumn::Expr(_) => true,
        IndexColumn::Rowid => false,
    };
    table.indexes.iter().any(|index| index.columns.iter().any(is_made_of)).then_some("indexed")
}

fn aborted() -> Error {
    Error::with_code(ABORT, "query aborted")
}

fn corrupt() -> Error {
    StorageError::Corrupt { page: None, damage: Damage::PayloadTooLong }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_behind_those_before_it() {
        // Header of five bytes: NULL, a one-byte integer, text of two bytes, a blob of three.
        let header = [5, 0, 1, 17, 18];
        assert_eq!(find_value(&header, 2).unwrap(), 6..8);
        assert_eq!(find_value(&header, 3).unwrap(), 8..11);
        assert_eq!(find_value(&header, 0).unwrap_err().to_string(), "cannot open value of type null");
        assert_eq!(find_value(&header, 1).unwrap_err().to_string(), "cannot open value of type integer");
        assert_eq!(find_value(&header, 9).unwrap_err().to_string(), "cannot open value of type null");
    }

    fn open(connection: &Connection, rowid: i64, write: bool) -> Result<Blob, Error> {
        Blob::open(connection, None, b"t", b"b", rowid, write)
    }

    fn connection() -> Connection {
        let io: kernite_io::SharedIo = std::sync::Arc::new(kernite_io::MemoryIo::new());
        let process = std::sync::Arc::new(kernite_io::Process::new(io));
        let connection = Connection::open(&process, b"/a.db", super::super::OpenFlags::default()).unwrap();
        connection
            .execute_batch(b"CREATE TABLE t(a, b); INSERT INTO t VALUES(1, zeroblob(5000)), (2, 'text')")
            .unwrap();
        connection
    }

    #[test]
    fn what_is_written_in_place_is_there_after_the_handle_is_closed() {
        let connection = connection();
        let mut blob = open(&connection, 1, true).unwrap();
        assert_eq!(blob.len(), 5000);
        blob.write(4990, b"0123456789").unwrap();
        assert_eq!(blob.read(4988, 4).unwrap(), b"\0\x0001");
        blob.reopen(2).unwrap();
        assert_eq!(blob.read(0, 4).unwrap(), b"text");
        blob.close().unwrap();
        assert!(connection.is_autocommit() && connection.transaction_state(0) == 0);
        let mut blob = open(&connection, 1, false).unwrap();
        assert_eq!(blob.read(4990, 10).unwrap(), b"0123456789");
        assert_eq!(blob.write(0, b"x").unwrap_err().code(), READONLY);
    }

    #[test]
    fn a_change_of_the_row_ends_the_handle_and_a_change_of_another_does_not() {
        let connection = connection();
        let mut blob = open(&connection, 2, true).unwrap();
        connection.execute_batch(b"UPDATE t SET a = 3 WHERE rowid = 1").unwrap();
        assert_eq!(blob.read(0, 4).unwrap(), b"text");
        connection.execute_batch(b"UPDATE t SET a = 3 WHERE rowid = 2").unwrap();
        assert_eq!(blob.read(0, 4).unwrap_err().code(), ABORT);
        assert!(!blob.is_open());
    }

    #[test]
    fn a_row_that_is_not_there_is_told() {
        let connection = connection();
        assert_eq!(open(&connection, 7, true).err().unwrap().to_string(), "no such rowid: 7");
        assert_eq!(connection.transaction_state(0), 0);
    }
}
