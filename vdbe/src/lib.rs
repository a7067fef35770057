//! The machine that runs programs: opcodes, registers, functions, sorter, hash tables.
//!
//! Rooms: `op` (instructions), `program` (immutable programs, their pools and links, and the builder), `register` (values at run
//! time), `value` (what values mean: affinity, arithmetic, comparison), `function` (traits, registry entries, built-in functions), `machine` (the loop and the opcode families), `sorter`,
//! `hash_table`, `host` (what the machine asks of the layer above), `vtab` (the virtual-table trait).
//!
//! A [`Machine`](machine::Machine) owns its registers and frames and borrows the connection's [`Storage`](host::Storage) only while a step is under way.
//! User code (functions, hooks, C virtual tables) never runs inside: the machine returns an event, the driver makes the call
//! with the connection's state released and hands the result back.
//!
//! Never: the parser, the schema catalogue.
#![forbid(unsafe_code)]

mod ephemeral;
pub mod error;
pub mod function;
mod hash_table;
pub mod host;
pub mod machine;
pub mod op;
pub mod program;
pub mod register;
mod sorter;
pub mod value;
pub mod vtab;

pub use error::Error;
pub use op::{Addr, Cursor, Db, Op, Reg};
pub use register::Register;

/// What a function of this crate that may touch storage returns; see [`kernite_io::Step`].
pub type Step<T> = Result<Option<T>, Error>;
