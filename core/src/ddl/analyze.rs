//! ANALYZE.

use kernite_parser::ast;

use crate::compile::{CompileResult, Compiler};

/// Codes ANALYZE.
pub fn analyze(c: &mut Compiler<'_>, _name: Option<ast::QualifiedName>) -> CompileResult<()> {
    Err(c.unsupported("ANALYZE"))
}
