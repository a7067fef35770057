//! Statements that change the schema.

use kernite_parser::ast;

use crate::compile::{CompileResult, Compiler};

/// CREATE TABLE
pub fn create_table(c: &mut Compiler<'_>, _create: &ast::CreateTable) -> CompileResult<()> {
    Err(c.unsupported("CREATE TABLE"))
}
/// CREATE INDEX
pub fn create_index(c: &mut Compiler<'_>, _create: &ast::CreateIndex) -> CompileResult<()> {
    Err(c.unsupported("CREATE INDEX"))
}
/// CREATE VIEW
pub fn create_view(c: &mut Compiler<'_>, _create: &ast::CreateView) -> CompileResult<()> {
    Err(c.unsupported("CREATE VIEW"))
}
/// CREATE TRIGGER
pub fn create_trigger(c: &mut Compiler<'_>, _create: &ast::CreateTrigger) -> CompileResult<()> {
    Err(c.unsupported("CREATE TRIGGER"))
}
/// CREATE VIRTUAL TABLE
pub fn create_virtual_table(c: &mut Compiler<'_>, _create: &ast::CreateVirtualTable) -> CompileResult<()> {
    Err(c.unsupported("CREATE VIRTUAL TABLE"))
}
/// DROP
pub fn drop(c: &mut Compiler<'_>, _drop: &ast::Drop) -> CompileResult<()> {
    Err(c.unsupported("DROP"))
}
/// ALTER TABLE
pub fn alter_table(c: &mut Compiler<'_>, _alter: &ast::AlterTable) -> CompileResult<()> {
    Err(c.unsupported("ALTER TABLE"))
}
/// ANALYZE
pub fn analyze(c: &mut Compiler<'_>, _name: Option<ast::QualifiedName>) -> CompileResult<()> {
    Err(c.unsupported("ANALYZE"))
}
/// REINDEX
pub fn reindex(c: &mut Compiler<'_>, _name: Option<ast::QualifiedName>) -> CompileResult<()> {
    Err(c.unsupported("REINDEX"))
}
