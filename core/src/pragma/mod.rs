//! PRAGMA.

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

pub(crate) fn journal_mode(
    _host: &mut HostState,
    _storage: &mut Storage,
    _mode: u8,
    _db: Db,
    _out: &mut Register,
) -> Step<()> {
    Err(Error::message("PRAGMA is not supported yet"))
}
