//! What had been read of a statement when an error was found.
//!
//! SQLite checks a new table while it reads: the name when it has seen the token after it, each column when it has
//! seen the token after its type, and so on. The error of such a check comes before any error further on in the text, but
//! gives way to a syntax error at the very token that completed the part. So a partial statement holds the parts
//! that were complete before the token that failed.

use super::{Grammar, Memory};
use crate::ast::{
    AlterAction, ColumnConstraint, ColumnDef, CreateTable, Statement, Stored, TableBody, TableConstraint,
    TableOptions,
};

/// The statement so far. Columns and constraints wait in `Memory::lists`.
pub(super) struct Progress {
    /// The head of the statement; its lists are still empty.
    head: Statement,
    /// Start of the token that completed the head.
    head_at: u32,
    /// The column whose constraints are being read, and the token that completed its name and type.
    column: Option<(ColumnDef, u32)>,
    /// Start of the token that completed the last constraint.
    constraint_at: u32,
}

impl Grammar<'_> {
    /// The head of a statement is complete.
    pub(super) fn begin_progress(&mut self, head: Statement) {
        let head_at = self.tok.start;
        self.m.progress = Some(Progress { head, head_at, column: None, constraint_at: u32::MAX });
    }

    /// The name and type of a column are complete, or all of it is.
    pub(super) fn note_column(&mut self, column: Option<ColumnDef>) {
        let at = self.tok.start;
        if let Some(progress) = &mut self.m.progress {
            progress.column = column.map(|column| (column, at));
        }
    }

    /// A constraint is complete.
    pub(super) fn note_constraint(&mut self) {
        let at = self.tok.start;
        if let Some(progress) = &mut self.m.progress {
            progress.constraint_at = at;
        }
    }

    /// What was complete when the parser failed.
    pub(crate) fn partial(&mut self) -> Option<Statement> {
        let progress = self.m.progress.take()?;
        if progress.head_at == self.failed_at {
            return None;
        }
        if progress.constraint_at == self.failed_at {
            drop_last(self.m);
        }
        let column = progress.column.filter(|&(_, at)| at != self.failed_at).map(|(column, _)| column);
        let column =
            column.map(|column| ColumnDef { constraints: self.close::<ColumnConstraint>(0), ..column });
        Some(match progress.head {
            Statement::CreateTable(table) => {
                if let Some(column) = column {
                    self.push(column);
                }
                Statement::CreateTable(CreateTable { body: self.partial_body(), ..table })
            }
            Statement::AlterTable(alter) => {
                let action = column.map_or(alter.action, AlterAction::AddColumn);
                Statement::AlterTable(crate::ast::AlterTable { action, ..alter })
            }
            other => other,
        })
    }

    fn partial_body(&mut self) -> TableBody {
        TableBody::Columns {
            columns: self.close::<ColumnDef>(0),
            constraints: self.close::<TableConstraint>(0),
            options: TableOptions::default(),
            columns_end: self.last_end,
        }
    }
}

/// Takes off the constraint that was read last: a table's if there is one, as those come behind all columns.
fn drop_last(memory: &mut Memory) {
    if TableConstraint::arena_mut(&mut memory.lists).pop().is_none() {
        ColumnConstraint::arena_mut(&mut memory.lists).pop();
    }
}
