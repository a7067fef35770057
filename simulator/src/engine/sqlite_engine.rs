//! SQLite as an engine of the simulator: in the world, or in memory as the model that histories are checked against.

use super::{Engine, Manner, Patience, Rows, SqlError};
use crate::process::Life;
use crate::sqlite_process::{Connection, Vfs};

/// One connection of SQLite.
pub struct SqliteEngine {
    // Dropped before the file system that it stands on.
    connection: Connection,
    _vfs: Option<Vfs>,
}

impl SqliteEngine {
    /// A connection of `life` to the file at `path`.
    pub fn open(life: &Life, path: &str, patience: Patience) -> Result<SqliteEngine, SqlError> {
        let vfs = Vfs::register(&life.world, life.number);
        let connection = Connection::open(path, Some(&vfs))?;
        connection.busy_timeout(match patience {
            Patience::Timeout(busy_ms) => busy_ms,
            Patience::Fickle => 3,
        });
        Ok(SqliteEngine { connection, _vfs: Some(vfs) })
    }

    /// A database in memory.
    pub fn in_memory() -> Result<SqliteEngine, SqlError> {
        Ok(SqliteEngine { connection: Connection::open(":memory:", None)?, _vfs: None })
    }
}

impl Engine for SqliteEngine {
    fn run_in(&mut self, sql: &str, manner: Manner) -> Result<Rows, SqlError> {
        self.connection.run(sql, manner)
    }

    fn is_autocommit(&self) -> bool {
        self.connection.is_autocommit()
    }
}
