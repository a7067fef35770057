//! Kernite as an engine of the simulator.

use std::sync::Arc;

use kernite::connection::raw::Connection;
use kernite::connection::{BusyHandler, OpenFlags};
use kernite_btree::ValueRef;
use kernite_io::Process;

use super::{Engine, Rows, SqlError, Value};

/// One connection of Kernite.
pub struct KerniteEngine {
    connection: Connection,
}

fn value_of(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(value) => Value::Integer(value),
        ValueRef::Real(value) => Value::Real(value),
        ValueRef::Text(text) => Value::Text(text.to_vec()),
        ValueRef::Blob(blob) => Value::Blob(blob.to_vec()),
    }
}

impl KerniteEngine {
    /// A connection of `process` to the file at `path`.
    pub fn open(process: &Arc<Process>, path: &str, busy_ms: u32) -> Result<KerniteEngine, SqlError> {
        let opened = Connection::open(process, path.as_bytes(), OpenFlags::default());
        let connection =
            opened.map_err(|error| SqlError { code: error.code(), message: error.to_string() })?;
        connection.set_busy_handler(match busy_ms {
            0 => BusyHandler::None,
            busy_ms => BusyHandler::Timeout(busy_ms),
        });
        Ok(KerniteEngine { connection })
    }

    fn collect(&mut self, sql: &str) -> Result<Rows, Option<(i32, String)>> {
        let told = |error: &dyn std::fmt::Display, code: i32| Some((code, error.to_string()));
        let (statement, _) =
            self.connection.prepare(sql.as_bytes()).map_err(|error| told(&error, error.code()))?;
        let Some(mut statement) = statement else { return Ok(Rows::default()) };
        let name = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
        let names = statement.columns().iter().map(|column| name(&column.name)).collect();
        let mut rows = Vec::new();
        while statement.step().map_err(|error| told(&error, error.code()))? {
            rows.push(statement.row().iter().map(|register| value_of(register.value())).collect());
        }
        let changes = if statement.is_read_only() { 0 } else { self.connection.changes() };
        Ok(Rows { names, rows, changes, last_rowid: self.connection.last_insert_rowid() })
    }
}

impl Engine for KerniteEngine {
    fn run(&mut self, sql: &str) -> Result<Rows, SqlError> {
        self.collect(sql).map_err(|told| {
            let known = self.connection.last_error().map(|(code, message, _)| (code, message));
            let (code, message) = known.or(told).unwrap_or((1, "an error without a message".into()));
            SqlError { code, message }
        })
    }

    fn is_autocommit(&self) -> bool {
        self.connection.is_autocommit()
    }
}
