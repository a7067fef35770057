//! The two engines behind one small trait: SQL in, rows or an error out.
//!
//! Never: knowing which of them is right.

use std::fmt;

use crate::process::Life;

mod kernite_engine;
mod sqlite_engine;

pub use kernite_engine::KerniteEngine;
pub use sqlite_engine::SqliteEngine;

/// A value as SQL gives it.
#[derive(Clone, PartialEq)]
pub enum Value {
    Null,
    Integer(i64),
    Real(f64),
    Text(Vec<u8>),
    Blob(Vec<u8>),
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 24;
        match self {
            Value::Null => write!(f, "NULL"),
            Value::Integer(value) => write!(f, "{value}"),
            Value::Real(value) => write!(f, "{value:?}"),
            Value::Text(text) if text.len() > SHOWN => {
                write!(f, "{:?}... ({} bytes)", String::from_utf8_lossy(&text[..SHOWN]), text.len())
            }
            Value::Text(text) => write!(f, "{:?}", String::from_utf8_lossy(text)),
            Value::Blob(blob) => {
                write!(f, "x'")?;
                blob.iter().take(SHOWN).try_for_each(|byte| write!(f, "{byte:02x}"))?;
                write!(f, "' ({} bytes)", blob.len())
            }
        }
    }
}

/// What a statement gave.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows {
    pub names: Vec<String>,
    pub rows: Vec<Vec<Value>>,
    /// `changes()` behind a statement that writes.
    pub changes: i64,
    pub last_rowid: i64,
}

impl Rows {
    /// The first column of the first row as an integer.
    pub fn integer(&self) -> Option<i64> {
        match self.rows.first()?.first()? {
            Value::Integer(value) => Some(*value),
            _ => None,
        }
    }
}

/// A result code and its message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqlError {
    /// The extended code.
    pub code: i32,
    pub message: String,
}

impl fmt::Display for SqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (code {})", self.message, self.code)
    }
}

/// Primary result codes that workloads ask for.
pub mod code {
    pub const BUSY: i32 = 5;
    pub const LOCKED: i32 = 6;
    pub const NOMEM: i32 = 7;
    pub const INTERRUPT: i32 = 9;
    pub const IOERR: i32 = 10;
    pub const CORRUPT: i32 = 11;
    pub const FULL: i32 = 13;
    pub const CANTOPEN: i32 = 14;
    pub const PROTOCOL: i32 = 15;
    pub const SCHEMA: i32 = 17;
    pub const NOTADB: i32 = 26;
}

impl SqlError {
    /// The primary code.
    pub fn primary(&self) -> i32 {
        self.code & 0xff
    }

    /// The statement was thrown away before its end.
    pub fn given_up() -> SqlError {
        SqlError { code: code::INTERRUPT, message: "given up".into() }
    }

    /// Whether the statement did not come to its end because its client did not want it to.
    pub fn is_given_up(&self) -> bool {
        self.primary() == code::INTERRUPT
    }

    /// Whether another connection was in the way.
    pub fn is_busy(&self) -> bool {
        matches!(self.primary(), code::BUSY | code::LOCKED | code::PROTOCOL)
    }

    /// Whether the world was the cause, and not the statement.
    pub fn is_environment(&self) -> bool {
        self.is_busy()
            || matches!(
                self.primary(),
                code::NOMEM | code::INTERRUPT | code::IOERR | code::FULL | code::CANTOPEN | code::SCHEMA
            )
    }
}

/// How a statement is run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Manner {
    /// To its end.
    #[default]
    Whole,
    /// It is thrown away after so many rows.
    Rows(u32),
    /// It is thrown away when it has to wait for the n-th time. An engine that never waits runs it to its end.
    Waits(u32),
    /// The connection is interrupted at the n-th row or wait, and the statement goes on.
    Interrupt(u32),
}

/// One connection.
pub trait Engine {
    /// Runs one statement, in some manner. One that was thrown away gives [`SqlError::is_given_up`].
    fn run_in(&mut self, sql: &str, manner: Manner) -> Result<Rows, SqlError>;

    /// Runs one statement to its end.
    fn run(&mut self, sql: &str) -> Result<Rows, SqlError> {
        self.run_in(sql, Manner::Whole)
    }

    /// Whether no transaction is open.
    fn is_autocommit(&self) -> bool;

    /// Runs a script that cannot fail in a healthy world.
    fn must(&mut self, sql: &str) -> Result<Rows, SqlError> {
        self.run(sql).map_err(|error| SqlError { message: format!("{sql}: {}", error.message), ..error })
    }
}

/// What a connection does when a lock is in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// Waits so many milliseconds; 0 not at all.
    Timeout(u32),
    /// Asks chance each time.
    Fickle,
}

impl Patience {
    /// No waiting.
    pub const NONE: Patience = Patience::Timeout(0);
}

/// Which engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    Kernite,
    Sqlite,
}

impl Which {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Which::Kernite => "kernite",
            Which::Sqlite => "sqlite",
        }
    }

    /// A connection to the file at `path` for `life`.
    pub fn connect(self, life: &Life, path: &str, patience: Patience) -> Result<Box<dyn Engine>, SqlError> {
        Ok(match self {
            Which::Kernite => Box::new(KerniteEngine::open(life, path, patience)?),
            Which::Sqlite => Box::new(SqliteEngine::open(life, path, patience)?),
        })
    }
}
