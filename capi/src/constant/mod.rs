//! SQLite's constants, by their C names. `sqlite3.h` gets them from here.
//!
//! `result` (result codes), `file` (files and VFSes), `setting` (settings, limits, mutexes, test switches), `statement` (statements,
//! values, functions, authorizer), `counter` (status counters), `module` (virtual tables, sessions, full text).
//!
//! Never: code.

mod counter;
mod file;
mod module;
mod result;
mod setting;
mod statement;

pub use counter::*;
pub use file::*;
pub use module::*;
pub use result::*;
pub use setting::*;
pub use statement::*;
