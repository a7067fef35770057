//! PRAGMA.
//!
//! Only the question for the journal mode is answered so far; everything else says that it is not supported.

use kernite_btree::JournalMode;
use kernite_parser::ast;
use kernite_vdbe::host::Storage;
use kernite_vdbe::{Db, Error, Register, Step};

use crate::compile::{CompileResult, Compiler};
use crate::connection::HostState;

/// Settings of pragmas that nothing else keeps.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {}

/// PRAGMA
pub fn code(c: &mut Compiler<'_>, _pragma: &ast::Pragma) -> CompileResult<()> {
    Err(c.unsupported("PRAGMA"))
}

pub(crate) fn run(
    _host: &mut HostState,
    _storage: &mut Storage,
    _number: u16,
    _db: Db,
    _arguments: &[Register],
    _out: &mut Register,
) -> Step<()> {
    Err(Error::message("PRAGMA is not supported yet"))
}

/// `journal_mode`: only asked for so far (255), which statements do that change nothing but must count as writers.
pub(crate) fn journal_mode(
    _host: &mut HostState,
    storage: &mut Storage,
    mode: u8,
    db: Db,
    out: &mut Register,
) -> Step<()> {
    const QUERY: u8 = 255;
    let Some(Some(btree)) = storage.databases.get(usize::from(db.0)) else {
        return Err(Error::message("unknown database"));
    };
    if mode != QUERY {
        return Err(Error::message("PRAGMA is not supported yet"));
    }
    out.set_text(match btree.journal_mode() {
        JournalMode::Delete => b"delete",
        JournalMode::Persist => b"persist",
        JournalMode::Off => b"off",
        JournalMode::Truncate => b"truncate",
        JournalMode::Memory => b"memory",
        JournalMode::Wal => b"wal",
    });
    Ok(Some(()))
}
