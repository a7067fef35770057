//! The public Rust API: blocking, named as `rusqlite` names things, so that moving over is mostly a rename.
//!
//! ```
//! use kernite::{Connection, params};
//!
//! # fn main() -> kernite::Result<()> {
//! let db = Connection::open_in_memory()?;
//! db.execute_batch("CREATE TABLE fruit(id INTEGER PRIMARY KEY, name TEXT, price REAL)")?;
//! db.execute("INSERT INTO fruit(name, price) VALUES (?1, ?2)", params!["pear", 1.5])?;
//! let price: f64 = db.query_row("SELECT price FROM fruit WHERE name = ?1", ["pear"], |row| row.get(0))?;
//! assert_eq!(price, 1.5);
//! # Ok(())
//! # }
//! ```
//!
//! Everything here is thin over [`crate::connection`]: no work of its own, only types.

mod connection;
mod error;
mod functions;
mod params;
mod process;
mod row;
mod statement;
pub mod text;
mod transaction;
pub mod types;

pub use connection::{Connection, DatabaseName, InterruptHandle, OpenFlags};
pub use error::{Error, ErrorCode, Result, SqliteFailure};
pub use functions::{Context, FunctionFlags};
pub use params::{Params, ParamsFromIter, params_from_iter};
pub use process::default_process;
pub use row::{MappedRows, Row, RowIndex, Rows};
pub use statement::Statement;
pub use transaction::{DropBehavior, Savepoint, Transaction, TransactionBehavior};
pub use types::{FromSql, ToSql};
