//! Which columns an UPDATE changes.

use kernite_vdbe::op::OnConflict;

use super::super::column;
use crate::bound::{ExprId, ExprKind};
use crate::catalog::{ForeignKey, Table};
use crate::compile::Compiler;

/// The columns that an UPDATE changes.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// By column: number of the assignment. A generated column that depends on a changed one has a number that names none.
    pub assigned: Vec<Option<usize>>,
    /// The rowid.
    pub rowid: bool,
    /// The primary key: rowid, or columns of a WITHOUT ROWID table's key.
    pub key: bool,
    /// Names of all columns assigned to, as typed, for UPDATE OF triggers.
    pub names: Vec<Box<[u8]>>,
}

/// The number that stands for a generated column's assignment.
pub const GENERATED: usize = usize::MAX;

impl Changes {
    /// Whether a column may get another value.
    pub fn has(&self, column: usize) -> bool {
        self.assigned.get(column).is_some_and(Option::is_some)
    }

    /// Whether the value of a schema expression of the table may change.
    pub fn touch(&self, c: &Compiler<'_>, expr: ExprId) -> bool {
        c.bound.any_below(expr, &mut |bound, expr| match &bound[expr].kind {
            ExprKind::SelfColumn { column, .. } => match usize::try_from(*column) {
                Ok(column) => self.has(column),
                Err(_) => self.rowid,
            },
            _ => false,
        })
    }

    /// Whether columns of a foreign key change in its child table.
    pub fn touch_child(&self, table: &Table, key: &ForeignKey) -> bool {
        key.columns
            .iter()
            .any(|&(child, _)| self.has(child) || (table.rowid_alias == Some(child) && self.key))
    }

    /// Whether columns that a foreign key refers to change in its parent table.
    pub fn touch_parent(&self, table: &Table, key: &ForeignKey) -> bool {
        key.columns.iter().any(|(_, name)| {
            table.columns.iter().enumerate().any(|(at, column)| {
                let changes = self.has(at) || (table.rowid_alias == Some(at) && self.key);
                changes
                    && match name {
                        Some(name) => column.name.eq_ignore_ascii_case(name),
                        None => column.flags.primary_key,
                    }
            })
        })
    }

    /// Marks the generated columns that depend on changed ones.
    pub fn add_generated(
        &mut self,
        c: &mut Compiler<'_>,
        table: &std::sync::Arc<Table>,
    ) -> crate::compile::CompileResult<()> {
        loop {
            let mut progress = false;
            for at in 0..table.columns.len() {
                if self.has(at) || table.columns[at].generated.is_none() {
                    continue;
                }
                let expr = column::generated_expr(c, table, at)?;
                if self.touch(c, expr) {
                    self.assigned[at] = Some(GENERATED);
                    progress = true;
                }
            }
            if !progress {
                return Ok(());
            }
        }
    }
}

/// What becomes of a row that violates a constraint: the statement's clause, else the constraint's own.
pub fn resolution(statement: Option<OnConflict>, constraint: OnConflict) -> OnConflict {
    statement.unwrap_or(constraint)
}
