//! Triggers as the catalogue keeps them.

use std::sync::Arc;

use kernite_parser::ast::{Ast, CreateTrigger};
use kernite_vdbe::Db;

/// A trigger. Its body is compiled into the statements that fire it.
#[derive(Clone, Debug)]
pub struct Trigger {
    pub name: Box<[u8]>,
    /// The database whose schema holds the trigger.
    pub db: Db,
    /// The table it sits on, and that table's database (differs for temp triggers).
    pub table: Box<[u8]>,
    pub table_db: Db,
    pub definition: CreateTrigger,
    pub sql: Arc<[u8]>,
    pub ast: Arc<Ast>,
}
