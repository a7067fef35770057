//! ALTER TABLE.

use kernite_parser::ast;

use crate::compile::{CompileResult, Compiler};

/// Codes ALTER TABLE.
pub fn alter_table(c: &mut Compiler<'_>, _alter: &ast::AlterTable) -> CompileResult<()> {
    Err(c.unsupported("ALTER TABLE"))
}
