//! Keys of index entries, made from the row under a cursor.
//!
//! Used to delete an entry, to build an index and to check one. The registers of one index's key are used again for the next one where the
//! two share a column at the same place.

use std::sync::Arc;

use kernite_vdbe::op::{AffinityId, Cursor, Op};
use kernite_vdbe::{Addr, Reg};

use super::super::{column, expr};
use super::row::with_cursor;
use crate::catalog::{Index, IndexColumn, Table};
use crate::compile::{CompileResult, Compiler};

/// A key in registers. The registers are released already: whatever is coded next may overwrite them.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    pub first: Reg,
    pub count: u32,
    /// Where rows go that a partial index leaves out; to be bound behind what is done with the key.
    pub skip: Option<Addr>,
}

/// Codes the key of the row under `data`. `record`: where its record goes, "none" if it is not wanted. `prefix`: only what makes the
/// entry unique. `partial`: rows that a partial index leaves out jump to `skip`.
pub fn index_key(
    c: &mut Compiler<'_>,
    table: &Arc<Table>,
    index: &Arc<Index>,
    data: Cursor,
    record: Reg,
    prefix: bool,
    partial: bool,
) -> CompileResult<Key> {
    index_key_reusing(c, table, index, data, record, prefix, partial, None)
}

/// Like [`index_key`]; `prior` is the key that was coded just before, and its index.
#[allow(clippy::too_many_arguments)]
pub fn index_key_reusing(
    c: &mut Compiler<'_>,
    table: &Arc<Table>,
    index: &Arc<Index>,
    data: Cursor,
    record: Reg,
    prefix: bool,
    partial: bool,
    prior: Option<(&Arc<Index>, Key)>,
) -> CompileResult<Key> {
    let mut prior = prior;
    let mut skip = None;
    if partial && let Some(filter) = column::index_filter(c, table, index)? {
        let label = c.label();
        with_cursor(c, data, |c| expr::jump_if_false_copy(c, filter, label, true))?;
        skip = Some(label);
        // The condition may have used the registers of the prior key.
        prior = None;
    }
    let count = entry_size(index, prefix);
    let first = c.builder.temp_range(count);
    let prior = prior.filter(|(index, key)| key.first == first && index.filter.is_none());
    for at in 0..count as usize {
        let known = prior.is_some_and(|(prior, key)| {
            at < key.count as usize
                && prior.columns[at] == index.columns[at]
                && !matches!(index.columns[at], IndexColumn::Expr(_))
        });
        if known {
            continue;
        }
        column::load_index_column(c, table, index, data, at, first.plus(at as u32))?;
        if !matches!(index.columns[at], IndexColumn::Expr(_)) {
            drop_real_affinity(c);
        }
    }
    if record.is_some() {
        c.emit(Op::MakeRecord { first, count, out: record, affinities: AffinityId(0) });
    }
    c.builder.release_temp_range(first, count);
    Ok(Key { first, count, skip })
}

/// Puts the label here to which rows go that a partial index leaves out.
pub fn bind_skip(c: &mut Compiler<'_>, key: Key) {
    if let Some(skip) = key.skip {
        c.bind(skip);
    }
}

/// How many columns of an entry there are, or make it unique.
pub fn entry_size(index: &Index, prefix: bool) -> u32 {
    let size = if prefix && index.unique_not_null { index.key_columns } else { index.columns.len() };
    size as u32
}

/// An entry holds integers where the table's REAL column does: the conversion that reading the column ended with is taken back.
fn drop_real_affinity(c: &mut Compiler<'_>) {
    let last = c.here().0.checked_sub(1).map(Addr);
    if let Some(last) = last.filter(|&last| matches!(c.builder.op(last), Op::RealAffinity { .. })) {
        c.builder.change_to_noop(last);
    }
}
