//! `WHERE EXISTS (SELECT … FROM one table WHERE …)` is a join with that table that stops at the first match.

use kernite_io::HashMap;
use kernite_vdbe::op::Cursor;

use super::columns::recompute_columns_used;
use crate::bound::{ExprFlags, ExprId, ExprKind, FromSource, SelectId};
use crate::compile::Compiler;
use crate::plan::where_loop::SOURCES_MAX;

/// Turns the EXISTS terms of a SELECT's WHERE clause into joins.
pub fn exists_to_join(c: &mut Compiler<'_>, select: SelectId) {
    if let Some(filter) = c.bound[select].filter {
        convert(c, select, filter);
    }
}

fn convert(c: &mut Compiler<'_>, select: SelectId, expr: ExprId) {
    let core = &c.bound[select];
    if c.bound[expr].flags.any(ExprFlags::OUTER_ON | ExprFlags::INNER_ON)
        || core.from.is_empty()
        || core.from.len() >= SOURCES_MAX
        || core.offset.is_some()
    {
        return;
    }
    if let Some((left, right)) = c.bound.and_operands(expr) {
        convert(c, select, left);
        convert(c, select, right);
        return;
    }
    let ExprKind::Exists(inner) = c.bound[expr].kind else { return };
    let sub = &c.bound[inner];
    let [item] = &sub.from[..] else { return };
    if sub.flags.aggregate
        || sub.limit.is_some()
        || sub.prior.is_some()
        || !matches!(item.source, FromSource::Table(_) | FromSource::TableFunction { .. })
    {
        return;
    }
    let mut cursors = HashMap::default();
    renumber(c, inner, None, &mut cursors);
    c.bound[expr].kind = ExprKind::Integer(1);
    c.bound[expr].flags = ExprFlags::default();
    let item = c.bound[inner].from.remove(0);
    c.codegen.from_exists.push(item.cursor);
    let filter = c.bound[inner].filter.take();
    c.bound[select].from.push(item);
    if let Some(filter) = filter {
        let before = c.bound[select].filter;
        let all = match before {
            Some(before) => c.bound.binary(crate::bound::BinaryOp::And, before, filter),
            None => filter,
        };
        c.bound[select].filter = Some(all);
    }
    let last = c.bound[select].from.len() - 1;
    recompute_columns_used(c, select, last);
}

/// Gives the FROM items of a SELECT (but for item `except`) and of everything inside new cursors.
pub fn renumber(
    c: &mut Compiler<'_>,
    select: SelectId,
    except: Option<usize>,
    cursors: &mut HashMap<Cursor, Cursor>,
) {
    renumber_items(c, select, except, cursors);
    renumber_exprs(c, select, cursors);
}

fn renumber_items(
    c: &mut Compiler<'_>,
    select: SelectId,
    except: Option<usize>,
    cursors: &mut HashMap<Cursor, Cursor>,
) {
    for at in 0..c.bound[select].from.len() {
        if Some(at) == except {
            continue;
        }
        let item = &c.bound[select].from[at];
        let old = item.cursor;
        let shared = matches!(item.source, FromSource::Recursive) && cursors.contains_key(&old);
        if !shared {
            let new = c.cursor();
            cursors.insert(old, new);
            let columns = c.bound.columns_of(old).to_vec();
            if !columns.is_empty() {
                c.bound.set_columns(new, columns);
            }
        }
        if let Some(&new) = cursors.get(&old) {
            c.bound[select].from[at].cursor = new;
        }
        if let FromSource::Subquery { select, .. } = c.bound[select].from[at].source {
            let cores: Vec<SelectId> = c.bound.cores(select).collect();
            for core in cores {
                renumber_items(c, core, None, cursors);
            }
        }
    }
}

fn renumber_exprs(c: &mut Compiler<'_>, select: SelectId, cursors: &HashMap<Cursor, Cursor>) {
    #[derive(Default)]
    struct All(Vec<ExprId>);
    impl crate::bound::Visitor for All {
        fn expr(&mut self, _bound: &crate::bound::Bound, expr: ExprId) -> bool {
            self.0.push(expr);
            true
        }
    }
    let mut all = All::default();
    c.bound.walk_select(select, &mut all);
    for expr in all.0 {
        let node = &mut c.bound[expr];
        if let ExprKind::Column { cursor, .. } | ExprKind::IfNullRow { cursor, .. } = &mut node.kind
            && let Some(&new) = cursors.get(cursor)
        {
            *cursor = new;
        }
        if node.flags.any(ExprFlags::OUTER_ON | ExprFlags::INNER_ON)
            && let Some(cursor) = node.join_cursor
            && let Some(&new) = cursors.get(&cursor)
        {
            node.join_cursor = Some(new);
        }
    }
}
