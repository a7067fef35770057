//! The sorter's instructions.
//!
//! Never: how sorting is done ([`crate::sorter`]).

use crate::op::{Cursor, KeyInfoId, Reg};
use crate::sorter::Sorter;
use crate::{Error, Step};

use super::slot::{Slot, SorterCursor, wrong_kind};
use super::{Context, Counter, at};

/// Opens a sorter. `limit` (0 = none) is a register with the number of rows that are wanted; not positive: all.
pub(super) fn open(cx: &mut Context<'_>, cursor: Cursor, key: KeyInfoId, limit: Reg) -> Result<(), Error> {
    let key = cx.program.links.key_info(key).ok_or_else(wrong_kind)?;
    let limit =
        if limit.is_some() { usize::try_from(cx.registers[at(limit)].number).unwrap_or(0) } else { 0 };
    let slot = &mut cx.cursors[usize::from(cursor.0)];
    if let Slot::Sorter(open) = slot
        && open.sorter.is_by(key)
    {
        open.sorter.clear();
        open.sorter.set_limit(limit);
        open.sequence = 0;
        return Ok(());
    }
    slot.close(cx.storage);
    let sorter = Sorter::new(key.clone(), limit, cx.host.sort_memory_bytes());
    *slot = Slot::Sorter(Box::new(SorterCursor { sorter, sequence: 0 }));
    Ok(())
}

fn sorter(cursors: &mut [Slot], cursor: Cursor) -> Result<&mut Sorter, Error> {
    match &mut cursors[usize::from(cursor.0)] {
        Slot::Sorter(open) => Ok(&mut open.sorter),
        _ => Err(wrong_kind()),
    }
}

/// Adds a record. Its leading values are in registers from `first` on where `count` is not 0.
pub(super) fn insert(cx: &mut Context<'_>, cursor: Cursor, record: Reg, first: Reg, count: u16) -> Step<()> {
    cx.registers[at(record)].expand_zeros();
    let sorter = sorter(cx.cursors, cursor)?;
    if sorter.is_full() && sorter.spill(&**cx.host.io(), &mut cx.storage.outstanding)?.is_none() {
        return Ok(None);
    }
    let record = cx.registers[at(record)].bytes();
    let values = &cx.registers[at(first)..at(first) + usize::from(count)];
    sorter.insert(record, values)?;
    Ok(Some(()))
}

/// Sorts and goes to the first row; whether there is one.
pub(super) fn sort(cx: &mut Context<'_>, cursor: Cursor) -> Step<bool> {
    let sorter = sorter(cx.cursors, cursor)?;
    sorter.sort(&**cx.host.io(), &mut cx.storage.outstanding)
}

/// As [`sort`], counting it.
pub(super) fn counted_sort(cx: &mut Context<'_>, cursor: Cursor) -> Step<bool> {
    let outcome = sort(cx, cursor)?;
    if outcome.is_some() {
        cx.run.counters.add(Counter::Sort, 1);
    }
    Ok(outcome)
}

/// Next row in order; whether there is one.
#[inline]
pub(super) fn next(cx: &mut Context<'_>, cursor: Cursor) -> Step<bool> {
    let sorter = sorter(cx.cursors, cursor)?;
    sorter.next(&mut cx.storage.outstanding)
}

/// `out` = the record; the pseudo cursor on it has another row.
#[inline]
pub(super) fn data(cx: &mut Context<'_>, cursor: Cursor, out: Reg, pseudo: Cursor) -> Result<(), Error> {
    let sorter = sorter(cx.cursors, cursor)?;
    cx.registers[at(out)].set_blob(sorter.record()?);
    if let Slot::Pseudo(pseudo) = &mut cx.cursors[usize::from(pseudo.0)] {
        pseudo.row.forget();
        pseudo.null_row = false;
    }
    Ok(())
}

/// Whether the first `count` columns of the row equal those of `record`. A NULL among them is equal to nothing.
pub(super) fn same_key(cx: &mut Context<'_>, cursor: Cursor, record: Reg, count: u16) -> Result<bool, Error> {
    let sorter = sorter(cx.cursors, cursor)?;
    sorter.row_equals(cx.registers[at(record)].bytes(), usize::from(count))
}
