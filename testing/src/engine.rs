//! One face for both engines, so that a script runs on either.

use std::ffi::CStr;

use libsqlite3_sys as ffi;

/// A value as a result row has it.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Integer(i64),
    Real(f64),
    Text(Vec<u8>),
    Blob(Vec<u8>),
}

/// How a statement failed: SQLite's extended result code and message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub code: i32,
    pub message: String,
}

/// What a statement gave: its rows, and the error that ended them, if one did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    pub columns: Vec<String>,
    pub rows: Vec<Vec<Value>>,
    pub failure: Option<Failure>,
}

/// An open database.
pub trait Engine {
    /// Runs one statement to its end. A failure to prepare has no columns.
    fn run(&mut self, sql: &str) -> Outcome;

    /// Runs all statements of a text; the first failure.
    fn run_all(&mut self, sql: &str) -> Option<Failure>;

    /// Runs all statements of a text, none of which may fail. The panic names the statement.
    fn must(&mut self, sql: &str) {
        if let Some(failure) = self.run_all(sql) {
            panic!("error {}: {}\n  {sql}", failure.code, failure.message);
        }
    }

    /// The rows of a query that may not fail.
    fn rows(&mut self, sql: &str) -> Vec<Vec<Value>> {
        let outcome = self.run(sql);
        if let Some(failure) = outcome.failure {
            panic!("error {}: {}\n  {sql}", failure.code, failure.message);
        }
        outcome.rows
    }

    /// The integer that a query gives which may not fail.
    fn number(&mut self, sql: &str) -> i64 {
        match self.rows(sql).first().and_then(|row| row.first()) {
            Some(Value::Integer(number)) => *number,
            other => panic!("{other:?} instead of an integer\n  {sql}"),
        }
    }

    /// The text that a query gives which may not fail.
    fn text(&mut self, sql: &str) -> String {
        match self.rows(sql).first().and_then(|row| row.first()) {
            Some(Value::Text(text)) => String::from_utf8_lossy(text).into_owned(),
            other => panic!("{other:?} instead of a text\n  {sql}"),
        }
    }
}

/// SQLite, bundled.
pub struct Sqlite(pub rusqlite::Connection);

impl Sqlite {
    /// A fresh database in memory.
    pub fn memory() -> Sqlite {
        Sqlite(rusqlite::Connection::open_in_memory().expect("SQLite opens a database in memory"))
    }

    /// A database file.
    pub fn open(path: &std::path::Path) -> Sqlite {
        Sqlite(rusqlite::Connection::open(path).expect("SQLite opens the file"))
    }

    /// How preparing the first statement fails. SQL goes in as bytes, which `rusqlite` does not allow.
    pub fn prepares(&self, sql: &[u8]) -> Option<Failure> {
        // SAFETY: the handle is open as long as `self` lives; the statement is finalized before anything else uses it; the message is
        // copied before the next call on the handle.
        unsafe {
            let handle = self.0.handle();
            let mut statement = std::ptr::null_mut();
            let len = i32::try_from(sql.len()).expect("no gigabytes");
            let tail = std::ptr::null_mut();
            let code = ffi::sqlite3_prepare_v2(handle, sql.as_ptr().cast(), len, &raw mut statement, tail);
            ffi::sqlite3_finalize(statement);
            let message = || CStr::from_ptr(ffi::sqlite3_errmsg(handle)).to_string_lossy().into_owned();
            (code != ffi::SQLITE_OK).then(|| Failure { code, message: message() })
        }
    }

    /// Keeps values, and the work of a pattern, small.
    pub fn bound(&self) {
        for (limit, value) in BOUNDS {
            // SAFETY: the handle is open as long as `self` lives.
            unsafe { ffi::sqlite3_limit(self.0.handle(), limit as i32, value) };
        }
    }
}

/// `SQLITE_LIMIT_LENGTH`, `_LIKE_PATTERN_LENGTH`, `_VARIABLE_NUMBER`.
const BOUNDS: [(usize, i32); 3] = [(0, 200_000), (8, 30), (9, 32_766)];

fn failure(error: &rusqlite::Error) -> Failure {
    match error {
        rusqlite::Error::SqliteFailure(code, message) => {
            Failure { code: code.extended_code, message: message.clone().unwrap_or_default() }
        }
        rusqlite::Error::SqlInputError { error, msg, .. } => {
            Failure { code: error.extended_code, message: msg.clone() }
        }
        other => Failure { code: -1, message: other.to_string() },
    }
}

impl Engine for Sqlite {
    fn run_all(&mut self, sql: &str) -> Option<Failure> {
        self.0.execute_batch(sql).err().map(|error| failure(&error))
    }

    fn run(&mut self, sql: &str) -> Outcome {
        let mut outcome = Outcome::default();
        let mut statement = match self.0.prepare(sql) {
            Ok(statement) => statement,
            Err(error) => {
                outcome.failure = Some(failure(&error));
                return outcome;
            }
        };
        outcome.columns = statement.column_names().map(str::to_string).collect();
        let width = outcome.columns.len();
        let mut rows = match statement.query([]) {
            Ok(rows) => rows,
            Err(error) => {
                outcome.failure = Some(failure(&error));
                return outcome;
            }
        };
        loop {
            match rows.next() {
                Ok(Some(row)) => outcome.rows.push((0..width).map(|column| value(row, column)).collect()),
                Ok(None) => return outcome,
                Err(error) => {
                    outcome.failure = Some(failure(&error));
                    return outcome;
                }
            }
        }
    }
}

fn value(row: &rusqlite::Row<'_>, column: usize) -> Value {
    use rusqlite::types::ValueRef;
    match row.get_ref(column).expect("the column exists") {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Real(number) => Value::Real(number),
        ValueRef::Text(text) => Value::Text(text.to_vec()),
        ValueRef::Blob(blob) => Value::Blob(blob.to_vec()),
    }
}

/// Kernite.
pub struct Kernite(pub kernite::Connection);

impl Kernite {
    /// A fresh database in memory.
    pub fn memory() -> Kernite {
        Kernite(kernite::Connection::open_in_memory().expect("Kernite opens a database in memory"))
    }

    /// A database file.
    pub fn open(path: &std::path::Path) -> Kernite {
        Kernite(kernite::Connection::open(path).expect("Kernite opens the file"))
    }

    /// How preparing the first statement fails.
    pub fn prepares(&self, sql: &[u8]) -> Option<Failure> {
        let prepared = self.0.raw().prepare(sql);
        prepared.err().map(|error| kernite_failure(&kernite::Error::from(error)))
    }

    /// Keeps values, and the work of a pattern, small.
    pub fn bound(&self) {
        for (limit, value) in BOUNDS {
            self.0.raw().limit(limit, value);
        }
    }

    /// A database file of a world, opened by a process of its own.
    ///
    /// # Errors
    /// What opening it gives.
    pub fn in_world(io: kernite_io::SharedIo, path: &str) -> Result<Kernite, Failure> {
        Kernite::in_process(&crate::backend::process_on(io), path)
    }

    /// A database file of a process.
    ///
    /// # Errors
    /// What opening it gives.
    pub fn in_process(process: &std::sync::Arc<kernite_io::Process>, path: &str) -> Result<Kernite, Failure> {
        let flags = kernite::OpenFlags::default();
        kernite::Connection::open_in(process, path, flags)
            .map(Kernite)
            .map_err(|error| kernite_failure(&error))
    }
}

/// Which engine opens a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Kernite,
    Sqlite,
}

impl Kind {
    /// Opens a database file, making it where there is none.
    pub fn open(self, path: &std::path::Path) -> Box<dyn Engine> {
        match self {
            Kind::Kernite => Box::new(Kernite::open(path)),
            Kind::Sqlite => Box::new(Sqlite::open(path)),
        }
    }

    /// The other one.
    pub fn other(self) -> Kind {
        match self {
            Kind::Kernite => Kind::Sqlite,
            Kind::Sqlite => Kind::Kernite,
        }
    }

    /// Its name, as [`Kind::named`] takes it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Kernite => "kernite",
            Kind::Sqlite => "sqlite",
        }
    }

    /// The engine of a name.
    pub fn named(name: &str) -> Option<Kind> {
        [Kind::Kernite, Kind::Sqlite].into_iter().find(|kind| kind.name() == name)
    }
}

/// An error of Kernite as both engines show theirs.
pub fn kernite_failure(error: &kernite::Error) -> Failure {
    Failure { code: error.extended_code().unwrap_or(-1), message: error.to_string() }
}

impl Engine for Kernite {
    fn run_all(&mut self, sql: &str) -> Option<Failure> {
        self.0.execute_batch(sql).err().map(|error| kernite_failure(&error))
    }

    fn run(&mut self, sql: &str) -> Outcome {
        use kernite::types::ValueRef;
        let mut outcome = Outcome::default();
        let mut statement = match self.0.prepare(sql) {
            Ok(statement) => statement,
            Err(error) => {
                outcome.failure = Some(kernite_failure(&error));
                return outcome;
            }
        };
        outcome.columns = statement.column_names();
        let width = outcome.columns.len();
        let mut rows = match statement.query([]) {
            Ok(rows) => rows,
            Err(error) => {
                outcome.failure = Some(kernite_failure(&error));
                return outcome;
            }
        };
        loop {
            match rows.next() {
                Ok(Some(row)) => outcome.rows.push(
                    (0..width)
                        .map(|column| match row.get_ref(column).expect("the column exists") {
                            ValueRef::Null => Value::Null,
                            ValueRef::Integer(number) => Value::Integer(number),
                            ValueRef::Real(number) => Value::Real(number),
                            ValueRef::Text(text) => Value::Text(text.to_vec()),
                            ValueRef::Blob(blob) => Value::Blob(blob.to_vec()),
                        })
                        .collect(),
                ),
                Ok(None) => return outcome,
                Err(error) => {
                    outcome.failure = Some(kernite_failure(&error));
                    return outcome;
                }
            }
        }
    }
}
