//! The planner, as statements that change rows use it; and conditions made by the engine itself.

use std::rc::Rc;
use std::sync::Arc;

use kernite_vdbe::op::Cursor;

use crate::bound::{BinaryOp, ExprId, ExprKind, SelectId};
use crate::catalog::Table;
use crate::compile::{CompileResult, Compiler};
use crate::plan::{self, Request, Source, WhereLoop};

/// Begins the loop over the rows of a core that satisfy a condition. `index_cursors`: the first of the cursors that the caller has reserved
/// for the table's indexes.
pub fn begin(
    c: &mut Compiler<'_>,
    core: SelectId,
    filter: Option<ExprId>,
    control: u32,
    index_cursors: Option<Cursor>,
) -> CompileResult<WhereLoop> {
    let sources: Rc<[Source]> = c.bound[core].from.iter().map(|item| Source::new(c, item)).collect();
    plan::where_begin(c, Request { control, index_cursors, ..Request::new(sources, filter) })
}

/// A column of a core's only table; `None`: the rowid.
pub fn column(c: &mut Compiler<'_>, core: SelectId, table: &Arc<Table>, column: Option<usize>) -> ExprId {
    let column = column.filter(|&column| table.rowid_alias != Some(column));
    let mut cursor = Cursor(0);
    if let Some(item) = c.bound[core].from.first_mut() {
        cursor = item.cursor;
        match column {
            Some(column) => item.columns_used |= 1 << column.min(63),
            None => item.rowid_used = true,
        }
    }
    let column = column.map_or(-1, |column| column as i16);
    c.bound.expr(ExprKind::Column { cursor, column, table: Some(Arc::clone(table)) })
}

/// `left op right`.
pub fn binary(c: &mut Compiler<'_>, op: BinaryOp, left: ExprId, right: ExprId) -> ExprId {
    c.bound.expr(ExprKind::Binary { op, left, right })
}

/// Both conditions.
pub fn and(c: &mut Compiler<'_>, left: Option<ExprId>, right: ExprId) -> ExprId {
    match left {
        Some(left) => binary(c, BinaryOp::And, left, right),
        None => right,
    }
}
