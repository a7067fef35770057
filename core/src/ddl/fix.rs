//! What the text of a view or trigger may refer to: objects of its own database only, unless it stands in temp.
//!
//! Its unqualified names mean that database from then on, whatever else is attached later.

use kernite_parser::ast::{self, Ast, SourceKind};
use kernite_vdbe::Error;
use kernite_vdbe::op::Db;

use crate::compile::{CompileResult, Compiler, lossy};

/// What is checked, for messages.
pub(super) struct Fix<'f> {
    pub(super) db: Db,
    /// `view`, `trigger`, `index`.
    pub(super) kind: &'f str,
    /// The object's name as typed.
    pub(super) name: &'f [u8],
}

impl Fix<'_> {
    /// Checks all FROM clauses of a tree, whatever statement they belong to, and that no parameter stands in it.
    ///
    /// # Errors
    /// `view v cannot reference objects in database x`, `view v cannot use variables`.
    pub(super) fn check(&self, c: &Compiler<'_>, ast: &Ast) -> CompileResult<()> {
        if self.db == Db(1) {
            return Ok(());
        }
        for source in ast.all::<ast::Source>() {
            let (SourceKind::Table { schema: Some(schema), .. }
            | SourceKind::Function { schema: Some(schema), .. }) = source.kind
            else {
                continue;
            };
            self.check_database(c, ast.name(schema))?;
        }
        let has_parameter =
            ast.all::<ast::ExprNode>().iter().any(|node| matches!(node.kind, ast::Expr::Parameter(_)));
        if has_parameter {
            return Err(Error::message(format!("{} cannot use variables", self.kind)));
        }
        Ok(())
    }

    /// Checks one qualifier.
    pub(super) fn check_database(&self, c: &Compiler<'_>, database: &[u8]) -> CompileResult<()> {
        if self.db == Db(1) || c.catalog.find_database(database) == Some(self.db) {
            return Ok(());
        }
        Err(Error::message(format!(
            "{} {} cannot reference objects in database {}",
            self.kind,
            lossy(self.name),
            lossy(database)
        )))
    }
}
