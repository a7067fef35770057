//! Hash aggregation's instructions.
//!
//! Never: how groups are kept ([`crate::hash_table::Groups`]). Only built-in aggregates are grouped so; a user's run one group at a time.

use crate::Error;
use crate::function::AggregateCall;
use crate::hash_table::Groups;
use crate::op::{Cursor, FunctionId, KeyInfoId, Reg};
use crate::register::Register;

use super::slot::{Slot, wrong_kind};
use super::{Context, aggregate, at};

/// Opens an empty table of groups.
pub(super) fn open(
    cx: &mut Context<'_>,
    cursor: Cursor,
    key: KeyInfoId,
    accs: u16,
    saved: u16,
) -> Result<(), Error> {
    let key = cx.program.links.key_info(key).ok_or_else(wrong_kind)?;
    let mut seed = [0u8; 8];
    cx.host.fill_random(&mut seed);
    let slot = &mut cx.cursors[usize::from(cursor.0)];
    slot.close(cx.storage);
    let groups = Groups::new(key.clone(), usize::from(accs), usize::from(saved), u64::from_le_bytes(seed))?;
    *slot = Slot::Groups(Box::new(groups));
    Ok(())
}

fn groups(cursors: &mut [Slot], cursor: Cursor) -> Result<&mut Groups, Error> {
    match &mut cursors[usize::from(cursor.0)] {
        Slot::Groups(groups) => Ok(groups),
        _ => Err(wrong_kind()),
    }
}

/// Goes to the group of the key; whether it was there already.
#[inline]
pub(super) fn find(cx: &mut Context<'_>, cursor: Cursor, keys: Reg) -> Result<bool, Error> {
    let groups = groups(cx.cursors, cursor)?;
    let keys = keys_of(cx.registers, keys, groups.key_count())?;
    keys.iter_mut().for_each(Register::expand_zeros);
    groups.find(keys)
}

fn keys_of(registers: &mut [Register], first: Reg, count: usize) -> Result<&mut [Register], Error> {
    registers.get_mut(at(first)..at(first) + count).ok_or(Error::Program { at: 0, what: "register" })
}

/// Keeps registers with the present group.
pub(super) fn save(cx: &mut Context<'_>, cursor: Cursor, first: Reg) -> Result<(), Error> {
    let groups = groups(cx.cursors, cursor)?;
    let saved = keys_of(cx.registers, first, groups.saved_count())?;
    saved.iter_mut().for_each(Register::expand_zeros);
    groups.save(saved)
}

/// Adds a row to an aggregate of the present group.
#[inline]
pub(super) fn step(
    cx: &mut Context<'_>,
    cursor: Cursor,
    acc: u16,
    function: FunctionId,
    first: Reg,
    count: u16,
) -> Result<(), Error> {
    let arguments = &cx.registers[at(first)..at(first) + usize::from(count)];
    if let Some(state) = groups(cx.cursors, cursor)?.started(usize::from(acc))
        && aggregate::step_in_place(state, arguments)
    {
        return Ok(());
    }
    any_step(cx, cursor, acc, function, first, count)
}

#[inline(never)]
fn any_step(
    cx: &mut Context<'_>,
    cursor: Cursor,
    acc: u16,
    function: FunctionId,
    first: Reg,
    count: u16,
) -> Result<(), Error> {
    let program = cx.program;
    let def = program.links.function(function).ok_or_else(wrong_kind)?;
    let context = aggregate::context(cx)?;
    let groups = groups(cx.cursors, cursor)?;
    let arguments = &cx.registers[at(first)..at(first) + usize::from(count)];
    let mut call = AggregateCall { arguments, context, new_extreme: false };
    groups.accumulator(usize::from(acc), || aggregate::start(def))?.step(&mut call)?;
    let new_extreme = call.new_extreme;
    aggregate::report_extreme(cx, def, new_extreme);
    Ok(())
}

/// Puts the groups in the order of their keys and goes to the first; whether there is one.
pub(super) fn sort(cx: &mut Context<'_>, cursor: Cursor) -> Result<bool, Error> {
    groups(cx.cursors, cursor)?.sort()
}

/// Loads the group's key and what was saved with it.
pub(super) fn row(cx: &mut Context<'_>, cursor: Cursor, keys: Reg, saved: Reg) -> Result<(), Error> {
    let groups = groups(cx.cursors, cursor)?;
    let count = groups.key_count();
    groups.load_keys(keys_of(cx.registers, keys, count)?)?;
    let count = groups.saved_count();
    if saved.is_some() && count > 0 {
        groups.load_saved(keys_of(cx.registers, saved, count)?)?;
    }
    Ok(())
}

/// `out` = result of an aggregate of the present group.
pub(super) fn finish(
    cx: &mut Context<'_>,
    cursor: Cursor,
    acc: u16,
    function: FunctionId,
    out: Reg,
) -> Result<(), Error> {
    let program = cx.program;
    let def = program.links.function(function).ok_or_else(wrong_kind)?;
    let context = aggregate::context(cx)?;
    let groups = groups(cx.cursors, cursor)?;
    let out = &mut cx.registers[at(out)];
    out.set_null();
    groups.accumulator(usize::from(acc), || aggregate::start(def))?.finish(out, &context)
}

/// Goes to the next group; whether there is one.
pub(super) fn next(cx: &mut Context<'_>, cursor: Cursor) -> Result<bool, Error> {
    Ok(groups(cx.cursors, cursor)?.next())
}
