//! Multi-index OR: one search per branch, each calling the loop's body as a subroutine; rows seen before are skipped.
//!
//! ```text
//!     Null rowset                          (unless duplicates are fine)
//!     Integer body-end -> return           so that the Return below ends the level when all branches are done
//!   branch i:  WHERE branch
//!                 RowSetTest rowset, skip
//!                 Gosub return, body
//!               skip:
//!     Goto break
//!   body:  …
//!     Return return
//! ```

use std::rc::Rc;
use std::sync::Arc;

use kernite_vdbe::op::{Cursor, Op, WriteFlags};
use kernite_vdbe::{Addr, Reg};

use super::{Request, column, explain, is_ready, where_begin};
use crate::bound::{ExprFlags, ExprId};
use crate::catalog::{Index, Table};
use crate::compile::{CompileResult, Compiler};
use crate::plan::clause::{TermId, operator, term_flag};
use crate::plan::where_loop::{Source, Step, WhereLoop, control, flag};

/// Where the rows seen are remembered.
enum Seen {
    /// Duplicates do not matter.
    Nowhere,
    Rowids(Reg),
    /// Primary keys of a WITHOUT ROWID table.
    Keys(Cursor),
}

/// Starts the level.
pub fn start(c: &mut Compiler<'_>, w: &mut WhereLoop, at: usize, source: &Source) -> CompileResult<()> {
    let Some(id) = w.chosen(at).terms.first().copied().flatten() else { return Ok(()) };
    let Some(inner) = w.term(id).inner else { return Ok(()) };
    let covering_cursor = c.cursor();
    let return_reg = c.reg();
    let body = c.label();
    let sources = branch_sources(w, at, source);
    let (seen, scratch) = remember(c, w, source)?;
    let init = c.integer(0, return_reg);
    let others = other_terms(c, w, at, source, id);
    c.explain_push(|_| "MULTI-INDEX OR".into());
    let count = w.clauses[inner.0].terms.len();
    let mut covering: Option<Arc<Index>> = None;
    let mut untested = false;
    for branch in 0..count {
        let term = &w.clauses[inner.0].terms[branch];
        if term.left_cursor != Some(source.cursor) && !term.op(operator::AND) {
            continue;
        }
        let expr = term.expr;
        let copy = c.copy_expr(expr);
        let filter = match others {
            Some(others) => {
                let others = c.copy_expr(others);
                // The branch and what stands beside the OR.
                c.bound.binary(crate::bound::BinaryOp::And, copy, others)
            }
            None => copy,
        };
        c.explain_push(|_| format!("INDEX {}", branch + 1));
        let mut request = Request::new(Rc::clone(&sources), Some(filter));
        request.control = control::OR_SUBCLAUSE;
        request.index_cursors = Some(covering_cursor);
        let sub = where_begin(c, request)?;
        explain::explain_scan(c, &sub, 0, 0);
        let skip = skip_seen(c, source, &seen, scratch, branch, branch + 1 == count)?;
        c.emit(Op::Gosub { ret: return_reg, to: body });
        if let Some(skip) = skip {
            c.jump_here(skip);
        }
        untested |= sub.untested_terms;
        covering = shared_index(&sub, source, covering, branch == 0);
        w.deferred_seek |= sub.deferred_seek;
        sub.end(c)?;
        c.explain_pop();
    }
    c.explain_pop();
    if covering.is_some() {
        w.levels[at].index_cursor = Some(covering_cursor);
    }
    w.levels[at].covering = covering;
    let here = c.here();
    if let Op::Integer { value, .. } = c.builder.op_mut(init) {
        *value = here.0 as i32;
    }
    c.goto(w.levels[at].break_label);
    c.bind(body);
    w.levels[at].step = Step::Return { ret: return_reg, to: c.here() };
    if !untested {
        super::disable_term(c, w, at, id);
    }
    Ok(())
}

/// The sources of a branch: this one, and the inner ones, so that terms about them are known to be not ready.
fn branch_sources(w: &WhereLoop, at: usize, source: &Source) -> Rc<[Source]> {
    if w.levels.len() <= 1 && !source.from_exists {
        return Rc::clone(&w.sources);
    }
    let mut own = source.clone();
    own.from_exists = false;
    let inner = w.levels[at + 1..].iter().map(|level| w.sources[level.source].clone());
    std::iter::once(own).chain(inner).collect()
}

fn remember(c: &mut Compiler<'_>, w: &WhereLoop, source: &Source) -> CompileResult<(Seen, Reg)> {
    if w.wants(control::DUPLICATES_OK) {
        return Ok((Seen::Nowhere, Reg(0)));
    }
    let seen = match source.table().filter(|table| table.without_rowid) {
        None => {
            let set = c.reg();
            c.nulls(set, 1);
            Seen::Rowids(set)
        }
        Some(table) => {
            let cursor = c.cursor();
            if let Some(index) = table.primary_key_index().cloned() {
                let key = c.index_key(&index)?;
                let key = c.builder.key_info(key);
                let columns = index.key_columns as u16;
                c.emit(Op::OpenEphemeral { cursor, columns, key, unordered: false });
            }
            Seen::Keys(cursor)
        }
    };
    Ok((seen, c.reg()))
}

/// The terms beside the OR that each branch should test as early as possible.
fn other_terms(
    c: &mut Compiler<'_>,
    w: &WhereLoop,
    at: usize,
    source: &Source,
    or_term: TermId,
) -> Option<ExprId> {
    let mut all = None;
    for (place, term) in w.main().terms.iter().enumerate() {
        let is_or = or_term.clause.0 == 0 && place == or_term.at;
        if is_or
            || term.is(term_flag::VIRTUAL | term_flag::CODED | term_flag::SLICE)
            || !term.op(operator::ALL)
            || c.bound[term.expr].flags.has(ExprFlags::HAS_SUBQUERY)
            || !is_ready(&c.bound, w, at, source, term.expr)
        {
            continue;
        }
        let copy = c.copy_expr(term.expr);
        all = Some(c.bound.and(all, copy));
    }
    all
}

/// Jumps over the body if the row was seen; the address of the jump.
fn skip_seen(
    c: &mut Compiler<'_>,
    source: &Source,
    seen: &Seen,
    scratch: Reg,
    branch: usize,
    is_last: bool,
) -> CompileResult<Option<Addr>> {
    match *seen {
        Seen::Nowhere => Ok(None),
        Seen::Rowids(set) => {
            read_rowid(c, source, scratch)?;
            let batch = if is_last { -1 } else { branch as i32 };
            Ok(Some(c.emit(Op::RowSetTest { set, found: Addr(0), value: scratch, batch })))
        }
        Seen::Keys(cursor) => {
            let width = super::right_join::key_width(source);
            let first = c.builder.temp_range(width as u32);
            super::right_join::load_key(c, source, source.cursor, first)?;
            let count = width as u16;
            let skip =
                (branch > 0 || is_last).then(|| c.emit(Op::Found { cursor, key: first, count, to: Addr(0) }));
            if !is_last {
                c.emit(Op::MakeRecord {
                    first,
                    count: width as u32,
                    out: scratch,
                    affinities: Default::default(),
                });
                let flags = WriteFlags { use_seek_result: branch > 0, ..WriteFlags::default() };
                c.emit(Op::IdxInsert { cursor, record: scratch, first, count, flags });
            }
            c.builder.release_temp_range(first, width as u32);
            Ok(skip)
        }
    }
}

fn read_rowid(c: &mut Compiler<'_>, source: &Source, out: Reg) -> CompileResult<()> {
    let table: Option<&Arc<Table>> = source.table();
    crate::codegen::expr::read_column(c, table, source.cursor, column::ROWID, out, column::HINT_NONE)
}

/// The index that all branches so far use.
fn shared_index(
    sub: &WhereLoop,
    source: &Source,
    before: Option<Arc<Index>>,
    is_first: bool,
) -> Option<Arc<Index>> {
    let chosen = sub.chosen(0);
    let index = chosen.index.as_ref().filter(|_| chosen.has(flag::INDEXED))?;
    let same = is_first || before.is_some_and(|before| Arc::ptr_eq(&before, index));
    let readable = source.has_rowid() || !column::is_primary_key(index);
    (same && readable).then(|| Arc::clone(index))
}
