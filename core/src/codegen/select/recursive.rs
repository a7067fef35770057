//! Recursive common table expressions: a queue of rows; each row taken out is delivered and handed to the recursive cores, whose rows join the
//! queue.

use std::rc::Rc;
use std::sync::Arc;

use kernite_vdbe::op::{ConstId, Cursor, Op, WriteFlags};
use kernite_vdbe::{Error, Reg};

use super::compound::{column_collation, merge_key};
use super::{Destination, DestinationKind, ROWS_UNKNOWN, code, code_row, compute_limits};
use crate::bound::{CompoundOp, FromSource, SelectId};
use crate::codegen::column;
use crate::compile::{CompileResult, Compiler};

/// Codes a compound whose last cores are recursive.
pub fn code_recursive(
    c: &mut Compiler<'_>,
    select: SelectId,
    destination: &mut Destination,
) -> CompileResult<()> {
    let end = c.label();
    c.codegen.select_mut(select).row_estimate = ROWS_UNKNOWN;
    compute_limits(c, select, end)?;
    let state = c.codegen.select(select);
    let (limit, offset) = (c.bound[select].limit.take(), c.bound[select].offset.take());
    let own = c.codegen.select_mut(select);
    own.limit = Reg(0);
    own.offset = Reg(0);
    if c.bound[select].flags.has_window {
        return Err(Error::message("cannot use window functions in recursive queries"));
    }
    let current = recursive_cursor(c, select)?;
    let queue = c.cursor();
    let is_union = c.bound[select].operator == Some(CompoundOp::Union);
    let seen = is_union.then(|| c.cursor());
    let row = c.reg();
    let columns = c.bound[select].columns.len();
    c.emit(Op::OpenPseudo { cursor: current, content: row, columns: columns as u16 });
    let order = c.bound[select].order_by.clone();
    if order.is_empty() {
        c.emit(Op::OpenEphemeral {
            cursor: queue,
            columns: columns as u16,
            key: Default::default(),
            unordered: false,
        });
    } else {
        let key = merge_key(c, select, 1)?;
        let key = c.link_key(key);
        c.emit(Op::OpenEphemeral { cursor: queue, columns: order.len() as u16 + 2, key, unordered: false });
    }
    if let Some(seen) = seen {
        let mut key = c.binary_key(columns);
        for at in 0..columns {
            let name = column_collation(c, select, at);
            key.columns[at].collation = c.find_collation(name.as_deref())?;
        }
        let key = c.builder.key_info(Arc::new(key));
        c.emit(Op::OpenEphemeral { cursor: seen, columns: columns as u16, key, unordered: false });
    }
    let places: Rc<[u16]> = order.iter().map(|term| term.result_column).collect();
    let kind = match (order.is_empty(), seen) {
        (true, None) => DestinationKind::Fifo(queue),
        (true, Some(seen)) => DestinationKind::DistinctFifo { queue, seen },
        (false, None) => DestinationKind::Queue { queue, order: places },
        (false, Some(seen)) => DestinationKind::DistinctQueue { queue, seen, order: places },
    };
    c.bound[select].order_by.clear();
    let (first_recursive, setup) = find_setup(c, select)?;

    c.codegen.select_mut(setup).next = None;
    c.explain_push(|_| "SETUP".into());
    code(c, setup, &mut Destination::new(kind.clone()))?;
    c.codegen.select_mut(setup).next = Some(first_recursive);

    let top = c.emit(Op::Rewind { cursor: queue, empty: end });
    c.emit(Op::NullRow { cursor: current });
    if order.is_empty() {
        c.emit(Op::RowData { cursor: queue, out: row });
    } else {
        let column = order.len() as u16 + 1;
        c.emit(Op::Column { cursor: queue, column, out: row, default: ConstId(0), hint: column::HINT_NONE });
    }
    c.emit(Op::Delete { cursor: queue, table: Default::default(), flags: WriteFlags::default() });
    let next = c.label();
    if state.offset.is_some() {
        c.emit(Op::IfPos { counter: state.offset, to: next, decrement: 1 });
    }
    code_row(c, select, Some(current), None, None, destination, next, end)?;
    if state.limit.is_some() {
        c.emit(Op::DecrJumpZero { counter: state.limit, to: end });
    }
    c.bind(next);

    c.bound[first_recursive].prior = None;
    c.explain_push(|_| "RECURSIVE STEP".into());
    let coded = code(c, select, &mut Destination::new(kind));
    c.bound[first_recursive].prior = Some(setup);
    coded?;
    c.goto(top);
    c.bind(end);
    let core = &mut c.bound[select];
    core.order_by = order;
    core.limit = limit;
    core.offset = offset;
    Ok(())
}

/// The cursor of the recursive table.
fn recursive_cursor(c: &Compiler<'_>, select: SelectId) -> CompileResult<Cursor> {
    let found = c.bound[select].from.iter().find(|item| matches!(item.source, FromSource::Recursive));
    found.map(|item| item.cursor).ok_or_else(|| Error::message("a recursive query without a recursive table"))
}

/// The first recursive core and the compound before it. All recursive cores are joined by UNION ALL from here on: the queue sorts out
/// duplicates.
fn find_setup(c: &mut Compiler<'_>, select: SelectId) -> CompileResult<(SelectId, SelectId)> {
    let mut core = select;
    loop {
        if c.bound[core].flags.aggregate {
            return Err(Error::message("recursive aggregate queries not supported"));
        }
        c.bound[core].operator = Some(CompoundOp::UnionAll);
        let Some(prior) = c.bound[core].prior else {
            return Err(Error::message("a recursive query without an initial SELECT"));
        };
        if !c.bound[prior].flags.recursive {
            return Ok((core, prior));
        }
        core = prior;
    }
}
