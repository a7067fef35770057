//! Which names of a text mean what: ALTER TABLE edits stored texts by it.
//!
//! Always true: only names of the recorded text are noted, not those of views that it reads.

use std::sync::Arc;

use kernite_parser::ast::{Ast, NameId, Span};

use super::{Env, Resolver};
use crate::catalog::Table;

/// The names of one text and what they turned out to mean.
#[derive(Debug)]
pub(crate) struct Recording {
    ast: Arc<Ast>,
    /// Names of tables, also as qualifiers of columns.
    pub(crate) tables: Vec<(Span, Arc<Table>)>,
    /// Names of columns; -1 is the rowid or its alias.
    pub(crate) columns: Vec<(Span, Arc<Table>, i16)>,
    /// Double-quoted names that were taken for strings.
    pub(crate) strings: Vec<Span>,
}

impl Recording {
    /// A recording of the names of `ast`.
    pub(crate) fn new(ast: &Arc<Ast>) -> Recording {
        Recording { ast: Arc::clone(ast), tables: Vec::new(), columns: Vec::new(), strings: Vec::new() }
    }
}

/// The tokens of a column's name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tokens {
    pub(super) table: Option<Span>,
    pub(super) column: Span,
}

impl Resolver<'_, '_> {
    fn recording(&mut self, env: &Env) -> Option<&mut Recording> {
        let recording = self.compiler.names.recording.as_mut()?;
        Arc::ptr_eq(&recording.ast, &env.ast).then_some(recording)
    }

    /// A name means a table.
    pub(super) fn record_table(&mut self, env: &Env, name: NameId, table: &Arc<Table>) {
        if let Some(recording) = self.recording(env) {
            recording.tables.push((env.ast[name].source, Arc::clone(table)));
        }
    }

    /// A name means a column. `by_table_name`: its qualifier is the name of the table and not an alias.
    pub(super) fn record_column(
        &mut self,
        env: &Env,
        tokens: Option<Tokens>,
        table: &Arc<Table>,
        column: i16,
        by_table_name: bool,
    ) {
        let (Some(recording), Some(tokens)) = (self.recording(env), tokens) else { return };
        recording.columns.push((tokens.column, Arc::clone(table), column));
        if let Some(qualifier) = tokens.table.filter(|_| by_table_name) {
            recording.tables.push((qualifier, Arc::clone(table)));
        }
    }

    /// A double-quoted name is a string.
    pub(super) fn record_string(&mut self, env: &Env, token: Option<Span>) {
        if let (Some(recording), Some(token)) = (self.recording(env), token) {
            recording.strings.push(token);
        }
    }
}
