//! UPDATE … FROM: the rows and their new values come from a SELECT over the table and the statement's FROM clause.
//!
//! ```text
//! SELECT key, value, … FROM table, …  WHERE …     into an ephemeral table by key: of several rows for one key the last one counts
//! ```

use std::sync::Arc;

use kernite_parser::ast::{self, List};
use kernite_vdbe::Error;

use super::super::column;
use super::delete::{Limits, materialize_view};
use super::update::Updating;
use super::{names, query, row, scan};
use crate::bound::{ExprId, FromSource, ResultColumn, SelectId};
use crate::catalog::Table;
use crate::compile::{CompileResult, Compiler};

/// # Errors
/// `target object/alias may not appear in FROM clause: x`.
pub fn check_sources(c: &Compiler<'_>, core: SelectId) -> CompileResult<()> {
    let items = &c.bound[core].from;
    let same_table = |a: &FromSource, b: &FromSource| match (a, b) {
        (FromSource::Table(a), FromSource::Table(b)) => Arc::ptr_eq(a, b),
        _ => false,
    };
    if let [target, others @ ..] = &items[..]
        && others.iter().any(|item| same_table(&item.source, &target.source) && item.alias == target.alias)
    {
        let name = String::from_utf8_lossy(target.alias.as_deref().unwrap_or(&target.name));
        return Err(Error::message(format!("target object/alias may not appear in FROM clause: {name}")));
    }
    Ok(())
}

/// Runs the SELECT and keeps its rows.
pub fn collect(
    c: &mut Compiler<'_>,
    updating: &Updating,
    what: &ast::Target,
    limits: Limits,
) -> CompileResult<()> {
    let table = Arc::clone(&updating.table);
    let core = updating.core;
    let is_view = row::is_view(&table);
    if is_view {
        let cursor = names::cursor_of(c, core);
        let unlimited = Limits { order_by: List::default(), limit: None };
        materialize_view(c, &table, what, None, unlimited, cursor)?;
    }
    let keys = key_columns(&table);
    // The key counts for nothing when it is asked whether an index covers what is used.
    let used = c.bound[core].from.first().map(|item| (item.columns_used, item.rowid_used));
    let mut columns: Vec<ExprId> = keys.iter().map(|&key| scan::column(c, core, &table, key)).collect();
    if let (Some((columns_used, rowid_used)), Some(item)) = (used, c.bound[core].from.first_mut()) {
        (item.columns_used, item.rowid_used) = (columns_used, rowid_used);
    }
    if limits.limit.is_some() && !is_view {
        let grouped = keys.iter().map(|&key| scan::column(c, core, &table, key)).collect();
        c.bound[core].group_by = grouped;
        c.bound[core].flags.aggregate = true;
    }
    for &value in &updating.values {
        columns.push(c.copy_expr(value));
    }
    bind_limits(c, core, limits)?;
    let id = c.next_select_id();
    let select = &mut c.bound[core];
    select.id = id;
    select.columns = columns
        .into_iter()
        .map(|expr| ResultColumn { expr, alias: None, span: None, from_star: false, unused: false })
        .collect();
    if is_view {
        return query::table(c, core, updating.keys);
    }
    let key_columns = row::primary_key(&table).map(|_| updating.primary_count());
    query::update_from(c, core, updating.keys, key_columns)
}

/// The columns that tell rows of a table apart (`None`: the rowid); of a view all.
fn key_columns(table: &Table) -> Vec<Option<usize>> {
    if row::is_view(table) {
        return (0..table.columns.len()).map(Some).collect();
    }
    match row::primary_key(table) {
        None => vec![None],
        Some(key) => {
            (0..key.key_columns).map(|at| usize::try_from(column::index_column(key, at)).ok()).collect()
        }
    }
}

fn bind_limits(c: &mut Compiler<'_>, core: SelectId, limits: Limits) -> CompileResult<()> {
    let order_by = names::order_terms(c, core, limits.order_by)?;
    c.bound[core].order_by = order_by;
    c.bound[core].flags.order_by_required = true;
    if let Some(limit) = limits.limit {
        let count = names::trigger_expr(c, limit.count)?;
        let offset = limit.offset.map(|offset| names::trigger_expr(c, offset)).transpose()?;
        c.bound[core].limit = Some(count);
        c.bound[core].offset = offset;
    }
    Ok(())
}
