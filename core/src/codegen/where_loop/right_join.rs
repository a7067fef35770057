//! RIGHT and FULL JOIN: after the loops, the rows of the right table that found no partner, with NULLs for the tables to the left.

use std::rc::Rc;

use kernite_vdbe::op::{Cursor, Op, WriteFlags};
use kernite_vdbe::{Error, Reg};

use super::{Request, column, where_begin};
use crate::bound::{ExprFlags, ExprId, JoinFlags};
use crate::codegen::expr::read_column;
use crate::compile::{CompileResult, Compiler};
use crate::plan::clause::{operator, term_flag};
use crate::plan::where_loop::{Mask, Source, WhereLoop, control};

/// How many columns identify a row of a source.
pub fn key_width(source: &Source) -> usize {
    match source.table().filter(|table| table.without_rowid).and_then(|table| table.primary_key_index()) {
        Some(index) => index.key_columns,
        None => 1,
    }
}

/// Loads what identifies the row of a source: rowid or primary key.
pub fn load_key(c: &mut Compiler<'_>, source: &Source, cursor: Cursor, first: Reg) -> CompileResult<()> {
    let table = source.table();
    match table.filter(|table| table.without_rowid).and_then(|table| table.primary_key_index()) {
        Some(index) => {
            for at in 0..index.key_columns {
                let number = column::index_column(index, at);
                read_column(c, table, cursor, number, first.plus(at as u32), column::HINT_NONE)?;
            }
            Ok(())
        }
        None => read_column(c, table, cursor, column::ROWID, first, column::HINT_NONE),
    }
}

/// Codes the loop over the rows without partner.
pub fn code_unmatched(c: &mut Compiler<'_>, w: &mut WhereLoop, at: usize) -> CompileResult<()> {
    /// Deeper nesting is refused.
    const DEPTH_MAX: u32 = 100;
    let Some(right_join) = w.levels[at].right_join else { return Ok(()) };
    let source = w.sources[w.levels[at].source].clone();
    // A table goes by its own name here, a subquery by its alias.
    let name = match source.subquery() {
        Some(_) => source.own_label().to_owned(),
        None => table_name(&source).to_string(),
    };
    c.explain_push(|_| format!("RIGHT-JOIN {name}"));
    let mut all: Mask = 0;
    for left in 0..at {
        let left_source = w.sources[w.levels[left].source].clone();
        all |= w.chosen(left).self_mask;
        if left_source.via_coroutine(c)
            && let Some(state) = left_source.subquery().and_then(|select| c.codegen.subqueries.get(&select))
        {
            let result = state.result;
            c.nulls(result, left_source.column_count as u32);
        }
        c.emit(Op::NullRow { cursor: w.levels[left].table_cursor });
        if let Some(cursor) = w.levels[left].index_cursor {
            c.emit(Op::NullRow { cursor });
        }
    }
    let mut filter = None;
    if !source.join.left_of_right_join {
        all |= w.chosen(at).self_mask;
        filter = unmatched_filter(c, w, all);
    }
    if let Some(cursor) = w.levels[at].index_cursor {
        c.emit(Op::NullRow { cursor });
    }
    let alone = Source { join: JoinFlags::default(), ..source.clone() };
    if c.codegen.right_join_depth >= DEPTH_MAX {
        return Err(Error::message("too many RIGHT JOINs"));
    }
    c.codegen.right_join_depth += 1;
    let mut request = Request::new(Rc::from([alone]), filter);
    request.control = control::RIGHT_JOIN;
    let sub = where_begin(c, request)?;
    let width = key_width(&source);
    let key = c.builder.alloc_regs(width as u32);
    load_key(c, &source, w.levels[at].table_cursor, key)?;
    let count = width as u16;
    if right_join.bloom.is_some() {
        let maybe = c.label();
        c.emit(Op::Filter { filter: right_join.bloom, first: key, count: width as u32, to: maybe });
        c.emit(Op::Found { cursor: right_join.matched, key, count, to: sub.continue_label });
        c.bind(maybe);
    } else {
        c.emit(Op::Found { cursor: right_join.matched, key, count, to: sub.continue_label });
    }
    let record = c.builder.temp_reg();
    c.emit(Op::MakeRecord { first: key, count: width as u32, out: record, affinities: Default::default() });
    c.emit(Op::IdxInsert {
        cursor: right_join.matched,
        record,
        first: key,
        count,
        flags: WriteFlags { use_seek_result: true, ..WriteFlags::default() },
    });
    c.builder.release_temp(record);
    if right_join.bloom.is_some() {
        c.emit(Op::FilterAdd { filter: right_join.bloom, first: key, count: width as u32 });
    }
    c.emit(Op::Gosub { ret: right_join.return_reg, to: right_join.start });
    sub.end(c)?;
    c.explain_pop();
    c.codegen.right_join_depth -= 1;
    Ok(())
}

fn table_name(source: &Source) -> String {
    match source.table() {
        Some(table) => String::from_utf8_lossy(&table.name).into_owned(),
        None => source.name.to_string(),
    }
}

/// The terms of the WHERE clause (not of ON clauses) that these rows have to satisfy.
fn unmatched_filter(c: &mut Compiler<'_>, w: &WhereLoop, all: Mask) -> Option<ExprId> {
    let mut filter = None;
    for term in &w.main().terms {
        if term.is(term_flag::VIRTUAL | term_flag::SLICE) && term.operator != operator::ROW_VALUE {
            break;
        }
        if term.prereq_all & !all != 0
            || c.bound[term.expr].flags.any(ExprFlags::OUTER_ON | ExprFlags::INNER_ON)
        {
            continue;
        }
        let copy = c.copy_expr(term.expr);
        filter = Some(c.bound.and(filter, copy));
    }
    filter
}
