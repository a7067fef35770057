//! One face for both engines, so that a script runs on either.

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
}

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
}

fn kernite_failure(error: &kernite::Error) -> Failure {
    Failure { code: error.extended_code().unwrap_or(-1), message: error.to_string() }
}

impl Engine for Kernite {
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
