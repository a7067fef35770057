//! Subqueries in FROM that could not be merged into the outer query: run as a co-routine, or materialised into an ephemeral table.

use kernite_parser::ast::Materialized;
use kernite_vdbe::op::{Cursor, Op};
use kernite_vdbe::{Addr, Reg};

use super::{Destination, DestinationKind, code};
use crate::bound::{FromItem, FromSource, SelectId};
use crate::codegen::expr::{ListFlags, code_exprs};
use crate::codegen::state::CteState;
use crate::compile::{CompileResult, Compiler};
use crate::plan::where_loop::Source;
use crate::plan::{optimizations, rewrite};

/// Codes the subqueries of a FROM clause.
pub fn code_all(c: &mut Compiler<'_>, select: SelectId) -> CompileResult<()> {
    for at in 0..c.bound[select].from.len() {
        if let FromSource::Subquery { select: inner, .. } = c.bound[select].from[at].source {
            code_one(c, select, at, inner)?;
        }
    }
    Ok(())
}

/// Hint and number of uses of the common table expression that an item is.
fn cte_use(c: &Compiler<'_>, item: &FromItem) -> Option<(Materialized, u32)> {
    let FromSource::Subquery { cte: Some(cte), .. } = item.source else { return None };
    c.bound.ctes.get(cte as usize).map(|cte| (cte.materialized, cte.uses))
}

fn code_one(c: &mut Compiler<'_>, outer: SelectId, at: usize, inner: SelectId) -> CompileResult<()> {
    if c.codegen.subqueries.get(&inner).is_some_and(|state| state.fill.is_some()) {
        return Ok(());
    }
    if !c.bound[inner].rows.is_empty() {
        return code_values(c, inner);
    }
    let used = cte_use(c, &c.bound[outer].from[at]);
    let may_push = used.is_none_or(|(hint, uses)| hint != Materialized::Yes && uses < 2);
    if may_push
        && c.optimizes(optimizations::PUSH_DOWN)
        && let Some(filter) = c.bound[outer].filter
    {
        rewrite::push_down(c, inner, filter, outer, at);
    }
    if c.optimizes(optimizations::NULL_UNUSED_COLUMNS) {
        rewrite::null_unused_columns(c, outer, at);
    }
    let item = &c.bound[outer].from[at];
    let (cursor, correlated) = (item.cursor, item.correlated);
    let cte = match item.source {
        FromSource::Subquery { cte, .. } => cte,
        _ => None,
    };
    if can_be_coroutine(c, outer, at) {
        return code_coroutine(c, outer, at, inner);
    }
    if let Some(known) = cte.and_then(|cte| c.codegen.ctes.get(&cte)).copied()
        && let Some(fill) = known.fill
    {
        c.emit(Op::Gosub { ret: known.return_reg, to: fill });
        if cursor != known.cursor {
            c.emit(Op::OpenDup { cursor, original: known.cursor });
        }
        note_rows(c, inner, known.row_estimate);
        return Ok(());
    }
    if let Some((prior_cursor, prior_select)) = same_view_before(c, outer, at, 0, at) {
        if let Some(state) = c.codegen.subqueries.get(&prior_select).copied()
            && let Some(fill) = state.fill
        {
            c.emit(Op::Gosub { ret: state.return_reg, to: fill });
        }
        c.emit(Op::OpenDup { cursor, original: prior_cursor });
        let rows = c.codegen.select(prior_select).row_estimate;
        note_rows(c, inner, rows);
        return Ok(());
    }
    code_materialized(c, outer, at, inner, cursor, correlated, cte)
}

fn note_rows(c: &mut Compiler<'_>, inner: SelectId, rows: i16) {
    c.codegen.select_mut(inner).row_estimate = rows;
    c.codegen.subqueries.entry(inner).or_default().row_estimate = Some(rows);
}

fn label(c: &Compiler<'_>, outer: SelectId, at: usize) -> String {
    Source::new(c, &c.bound[outer].from[at]).own_label().to_owned()
}

fn code_coroutine(c: &mut Compiler<'_>, outer: SelectId, at: usize, inner: SelectId) -> CompileResult<()> {
    let co = c.reg();
    let start = Addr(c.here().0 + 1);
    let after = c.label();
    c.emit(Op::InitCoroutine { co, after, start });
    let state = c.codegen.subqueries.entry(inner).or_default();
    state.return_reg = co;
    state.fill = Some(start);
    let mut destination = Destination::new(DestinationKind::Coroutine { co });
    let name = label(c, outer, at);
    c.explain_push(|_| format!("CO-ROUTINE {name}"));
    code(c, inner, &mut destination)?;
    let rows = c.codegen.select(inner).row_estimate;
    let state = c.codegen.subqueries.entry(inner).or_default();
    state.row_estimate = Some(rows);
    state.via_coroutine = true;
    state.result = destination.first;
    c.emit(Op::EndCoroutine { co });
    c.builder.clear_temps();
    c.bind(after);
    c.builder.clear_temps();
    Ok(())
}

/// Rows of a VALUES clause, yielded one by one.
fn code_values(c: &mut Compiler<'_>, inner: SelectId) -> CompileResult<()> {
    let after = c.label();
    let co = c.reg();
    let first = super::result_exprs(c, inner);
    let rows = std::mem::take(&mut c.bound[inner].rows);
    // Two registers in front are for INSERT, which uses such rows where they are.
    let result = c.builder.alloc_regs(first.len() as u32 + 2).plus(2);
    let start = Addr(c.here().0 + 1);
    c.emit(Op::InitCoroutine { co, after, start });
    for row in std::iter::once(&first).chain(&rows) {
        code_exprs(c, row, result, ListFlags::default())?;
        c.emit(Op::Yield { co, done: Addr(0) });
    }
    c.emit(Op::EndCoroutine { co });
    c.bind(after);
    c.builder.clear_temps();
    c.bound[inner].rows = rows;
    let state = c.codegen.subqueries.entry(inner).or_default();
    state.return_reg = co;
    state.fill = Some(start);
    state.via_coroutine = true;
    state.result = result;
    Ok(())
}

fn code_materialized(
    c: &mut Compiler<'_>,
    outer: SelectId,
    at: usize,
    inner: SelectId,
    cursor: Cursor,
    correlated: bool,
    cte: Option<u32>,
) -> CompileResult<()> {
    let return_reg: Reg = c.reg();
    let after = c.label();
    c.goto(after);
    let fill = c.here();
    let state = c.codegen.subqueries.entry(inner).or_default();
    state.return_reg = return_reg;
    state.fill = Some(fill);
    state.materialized = true;
    let once = c.label();
    if !correlated {
        c.emit(Op::Once { to: once });
    }
    let name = label(c, outer, at);
    c.explain_push(|_| format!("MATERIALIZE {name}"));
    code(c, inner, &mut Destination::new(DestinationKind::EphemeralTable(cursor)))?;
    let rows = c.codegen.select(inner).row_estimate;
    c.codegen.subqueries.entry(inner).or_default().row_estimate = Some(rows);
    c.bind(once);
    c.emit(Op::Return { ret: return_reg, or_fall_through: false });
    c.bind(after);
    c.builder.clear_temps();
    if let Some(cte) = cte.filter(|_| !correlated) {
        c.codegen.ctes.insert(cte, CteState { fill: Some(fill), return_reg, cursor, row_estimate: rows });
    }
    Ok(())
}

/// Whether a subquery can yield its rows one by one: it is read once, by the outermost loop.
fn can_be_coroutine(c: &Compiler<'_>, outer: SelectId, at: usize) -> bool {
    let from = &c.bound[outer].from;
    if let Some((hint, uses)) = cte_use(c, &from[at])
        && (hint == Materialized::Yes || (uses >= 2 && hint != Materialized::No))
    {
        return false;
    }
    if from[0].join.left_of_right_join
        || !c.optimizes(optimizations::COROUTINES)
        || same_view_before(c, outer, at, at + 1, from.len()).is_some()
    {
        return false;
    }
    let for_update = c.codegen.select(outer).update_from;
    if at == 0 {
        return from.len() == 1 || from[1].join.cross || !for_update;
    }
    if for_update {
        return false;
    }
    for place in (0..=at).rev() {
        if from[place].join.outer || from[place].join.cross {
            return false;
        }
        if place < at && matches!(from[place].source, FromSource::Subquery { .. }) {
            return false;
        }
    }
    true
}

/// Another use of the same view (or common table expression), unchanged by push-down, among some items of the clause.
fn same_view_before(
    c: &Compiler<'_>,
    outer: SelectId,
    at: usize,
    first: usize,
    end: usize,
) -> Option<(Cursor, SelectId)> {
    let from = &c.bound[outer].from;
    let this = &from[at];
    let FromSource::Subquery { select: own, cte: own_cte, ref view } = this.source else { return None };
    if c.codegen.select(own).pushed_down || (view.is_none() && own_cte.is_none()) {
        return None;
    }
    from[first..end].iter().find_map(|item| {
        let FromSource::Subquery { select, cte, view: ref other } = item.source else { return None };
        let state = c.codegen.subqueries.get(&select).copied().unwrap_or_default();
        let same = match (view, other) {
            (Some(one), Some(other)) => one.db == other.db && one.name.eq_ignore_ascii_case(&other.name),
            (None, None) => cte == own_cte && cte.is_some() && c.bound[select].id == c.bound[own].id,
            _ => false,
        };
        (same && !state.via_coroutine && !c.codegen.select(select).pushed_down)
            .then_some((item.cursor, select))
    })
}
