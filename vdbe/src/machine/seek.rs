//! Seeks: by rowid, by key, membership, and comparing the key under a cursor.
//!
//! ```text
//!              entry equal to the key counts as     then
//! SeekGE       larger  -> lands on the first equal   -
//! SeekGT       smaller -> lands after the last equal -
//! SeekLE       smaller -> lands after the last equal one step back
//! SeekLT       larger  -> lands on the first equal   one step back
//! ```
//!
//! Never: writing.

use std::cmp::Ordering;

use kernite_btree::record::{Values, compare_integer_real, compare_record};
use kernite_btree::{Btree, SeekOutcome, ValueRef};
use kernite_io::ready;

use crate::ephemeral::{KeyIndex, Probe};
use crate::op::{Cursor, IntsId, Op, Reg};
use crate::register::{Register, Tag};
use crate::value::{Affinity, affinity};
use crate::{Error, Step};

use super::ephemeral::{EphemeralCursor, Store, Stores, index_of, table_of};
use super::slot::{Slot, TreeCursor, btree, corrupt, damaged, wrong_kind};
use super::{Context, at};

/// Which side of the key is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    GreaterEqual,
    Greater,
    LessEqual,
    Less,
}

impl Side {
    fn upwards(self) -> bool {
        matches!(self, Side::GreaterEqual | Side::Greater)
    }

    /// How an entry that equals the key has to compare.
    fn when_equal(self) -> Ordering {
        match self {
            Side::GreaterEqual | Side::Less => Ordering::Greater,
            Side::Greater | Side::LessEqual => Ordering::Less,
        }
    }
}

/// Keys of up to this many columns are put together on the stack.
const STACK_KEY_MAX: usize = 6;

/// Runs `body` with the values of `count` registers from `first` on.
#[inline(always)]
pub(super) fn with_values<R>(
    registers: &mut [Register],
    first: Reg,
    count: usize,
    body: impl FnOnce(&[ValueRef<'_>]) -> R,
) -> R {
    let registers = &mut registers[at(first)..at(first) + count];
    for register in registers.iter_mut() {
        register.expand_zeros();
    }
    if let [register] = registers {
        return body(&[register.value()]);
    }
    if count <= STACK_KEY_MAX {
        let mut values = [ValueRef::Null; STACK_KEY_MAX];
        for (value, register) in values.iter_mut().zip(registers.iter()) {
            *value = register.value();
        }
        return body(&values[..count]);
    }
    let values: Vec<ValueRef<'_>> = registers.iter().map(Register::value).collect();
    body(&values)
}

/// Encodes a key for an ephemeral index and runs `body` with it.
fn with_probe<R>(
    registers: &mut [Register],
    scratch: &mut Vec<u8>,
    index: &KeyIndex,
    first: Reg,
    count: usize,
    body: impl FnOnce(&Probe<'_>) -> R,
) -> R {
    with_values(registers, first, count, |values| {
        encode_probe(index, values, scratch);
        body(&Probe { bytes: scratch, values })
    })
}

fn encode_probe(index: &KeyIndex, values: &[ValueRef<'_>], out: &mut Vec<u8>) {
    out.clear();
    if index.encoder().by_bytes() {
        values.iter().enumerate().for_each(|(at, value)| index.encoder().push(at, *value, out));
    }
}

/// Goes to the nearest row on `side` of the key. `Some(false)`: there is none, jump.
pub(super) fn seek(cx: &mut Context<'_>, cursor: Cursor, key: Reg, count: u16, side: Side) -> Step<bool> {
    let count = usize::from(count);
    match &mut cx.cursors[usize::from(cursor.0)] {
        Slot::Tree(tree) => {
            let btree = btree(cx.storage, tree.db)?;
            tree.moved(false);
            tree.seek_result = None;
            if tree.is_table {
                return match rowid_target(&cx.registers[at(key)], side, cx.program.encoding) {
                    Target::Rowid(rowid, side) => seek_tree_rowid(tree, btree, rowid, side),
                    Target::None => Ok(Some(false)),
                    Target::Last => {
                        let found = ready!(btree.last(tree.id));
                        tree.moved(found);
                        Ok(Some(found))
                    }
                };
            }
            let id = tree.id;
            let outcome = ready!(with_values(cx.registers, key, count, |values| {
                btree.seek_key(id, values, side.when_equal())
            }));
            land(tree, btree, outcome, side)
        }
        Slot::Ephemeral(cursor) => {
            let store = cx.stores.get(cursor.store);
            if cursor.is_table {
                let table = table_of(store)?;
                let found = match rowid_target(&cx.registers[at(key)], side, cx.program.encoding) {
                    Target::Rowid(rowid, side) => {
                        let rowid = match side {
                            Side::Greater => rowid.checked_add(1),
                            Side::Less => rowid.checked_sub(1),
                            _ => Some(rowid),
                        };
                        rowid.is_some_and(|rowid| cursor.seek_near_rowid(table, rowid, side.upwards()))
                    }
                    Target::None => false,
                    Target::Last => cursor.seek_near_rowid(table, i64::MAX, false),
                };
                return Ok(Some(found));
            }
            let index = index_of(store)?;
            let found = with_probe(cx.registers, &mut cx.run.scratch, index, key, count, |probe| {
                cursor.seek_key(index, probe, side.when_equal(), side.upwards())
            })?;
            Ok(Some(found))
        }
        _ => Err(wrong_kind()),
    }
}

/// From where a seek came to rest to the side that is wanted.
fn land(tree: &mut TreeCursor, btree: &mut Btree, outcome: SeekOutcome, side: Side) -> Step<bool> {
    let found = match outcome {
        SeekOutcome::Empty => false,
        SeekOutcome::At(Ordering::Less) if side.upwards() => ready!(btree.next(tree.id)),
        SeekOutcome::At(Ordering::Greater) if !side.upwards() => ready!(btree.previous(tree.id)),
        SeekOutcome::At(_) => true,
    };
    tree.moved(found);
    Ok(Some(found))
}

fn seek_tree_rowid(tree: &mut TreeCursor, btree: &mut Btree, rowid: i64, side: Side) -> Step<bool> {
    let outcome = match ready!(btree.seek_rowid(tree.id, rowid)) {
        SeekOutcome::At(Ordering::Equal) if side == Side::Greater => SeekOutcome::At(Ordering::Less),
        SeekOutcome::At(Ordering::Equal) if side == Side::Less => SeekOutcome::At(Ordering::Greater),
        outcome => outcome,
    };
    land(tree, btree, outcome, side)
}

/// What a key register means for a seek by rowid.
enum Target {
    Rowid(i64, Side),
    /// No rowid satisfies it.
    None,
    /// All rowids satisfy it.
    Last,
}

/// Rowids are integers; other keys are rounded to the side that is wanted.
fn rowid_target(key: &Register, side: Side, encoding: kernite_btree::Encoding) -> Target {
    let mut converted;
    let mut key = key;
    if key.tag == Tag::Text {
        converted = Register::null();
        converted.copy_from(key);
        affinity::apply(&mut converted, Affinity::Numeric, encoding);
        key = &converted;
    }
    match key.value() {
        ValueRef::Integer(rowid) => Target::Rowid(rowid, side),
        ValueRef::Real(real) => {
            let rowid = real as i64;
            let side = match (compare_integer_real(rowid, real), side) {
                // The integer is larger than the key, so it is itself above it, and not below it.
                (Ordering::Greater, Side::Greater) => Side::GreaterEqual,
                (Ordering::Greater, Side::LessEqual) => Side::Less,
                (Ordering::Less, Side::GreaterEqual) => Side::Greater,
                (Ordering::Less, Side::Less) => Side::LessEqual,
                (_, side) => side,
            };
            Target::Rowid(rowid, side)
        }
        ValueRef::Null => Target::None,
        // Text and blobs are larger than all numbers.
        _ if side.upwards() => Target::None,
        _ => Target::Last,
    }
}

/// SeekGE or SeekLE where only an equal entry will do. The instruction after it, which would find out whether it is equal, may then be
/// passed over: the second part of the result says so.
pub(super) fn seek_equal(
    cx: &mut Context<'_>,
    cursor: Cursor,
    key: Reg,
    count: u16,
    side: Side,
    next: Option<&Op>,
) -> Step<(bool, bool)> {
    if !ready!(seek(cx, cursor, key, count, side)) {
        return Ok(Some((false, false)));
    }
    let is_equal = match &cx.cursors[usize::from(cursor.0)] {
        Slot::Tree(tree) if !tree.is_table => btree(cx.storage, tree.db)?.equal_seen(tree.id),
        _ => ready!(compare_entry(cx, cursor, key, count, Ordering::Equal)) == Ordering::Equal,
    };
    let follows = match next {
        Some(
            Op::IdxGT { cursor: c, key: k, count: n, .. } | Op::IdxLT { cursor: c, key: k, count: n, .. },
        ) => (*c, *k, *n) == (cursor, key, count),
        _ => false,
    };
    Ok(Some((is_equal, follows)))
}

/// Whether all seeks of this cursor are for equality.
#[inline]
pub(super) fn is_seek_equal(cx: &Context<'_>, cursor: Cursor) -> bool {
    matches!(&cx.cursors[usize::from(cursor.0)], Slot::Tree(tree) if tree.seek_equal && !tree.is_table)
}

/// Compares the entry under an index cursor with a key; `when_equal` where all its columns are equal.
pub(super) fn compare_entry(
    cx: &mut Context<'_>,
    cursor: Cursor,
    key: Reg,
    count: u16,
    when_equal: Ordering,
) -> Step<Ordering> {
    let count = usize::from(count);
    match &mut cx.cursors[usize::from(cursor.0)] {
        Slot::Tree(tree) => {
            let btree = btree(cx.storage, tree.db)?;
            if let (Some(walk), Some(info)) = (&tree.walk, &tree.key)
                && walk.version() == btree.write_count()
            {
                let record = walk.entry().local;
                let order = with_values(cx.registers, key, count, |values| {
                    compare_record(record, values, info, when_equal)
                });
                return Ok(Some(order.map_err(damaged)?));
            }
            ready!(tree.settle(btree));
            let id = tree.id;
            with_values(cx.registers, key, count, |values| btree.compare_key(id, values, when_equal))
                .map_err(Error::from)
        }
        Slot::Ephemeral(cursor) => {
            let index = index_of(cx.stores.get(cursor.store))?;
            with_probe(cx.registers, &mut cx.run.scratch, index, key, count, |probe| {
                cursor.compare(index, probe, when_equal)
            })
            .map(Some)
        }
        _ => Err(wrong_kind()),
    }
}

/// Goes to the row with the rowid in `key`; whether there is one.
#[inline]
pub(super) fn seek_rowid(cx: &mut Context<'_>, cursor: Cursor, rowid: i64) -> Step<bool> {
    match &mut cx.cursors[usize::from(cursor.0)] {
        Slot::Tree(tree) => {
            let btree = btree(cx.storage, tree.db)?;
            let outcome = ready!(btree.seek_rowid(tree.id, rowid));
            tree.seek_result = Some(outcome);
            // On a miss the cursor stands beside the place; a column read there is a mistake of the program.
            tree.moved(true);
            tree.target = rowid;
            Ok(Some(outcome == SeekOutcome::At(Ordering::Equal)))
        }
        Slot::Ephemeral(cursor) => {
            let table = table_of(cx.stores.get(cursor.store))?;
            Ok(Some(cursor.seek_rowid(table, rowid)))
        }
        _ => Err(wrong_kind()),
    }
}

/// SeekRowid: converts the key first. `false`: jump.
#[inline(always)]
pub(super) fn seek_converted(cx: &mut Context<'_>, cursor: Cursor, key: Reg) -> Step<bool> {
    let register = &cx.registers[at(key)];
    let rowid = match register.tag {
        Tag::Integer => register.number,
        _ => match converted_rowid(register, cx.program.encoding) {
            Some(rowid) => rowid,
            None => return Ok(Some(false)),
        },
    };
    seek_rowid(cx, cursor, rowid)
}

#[cold]
fn converted_rowid(register: &Register, encoding: kernite_btree::Encoding) -> Option<i64> {
    let mut copy = Register::null();
    copy.copy_from(register);
    affinity::apply(&mut copy, Affinity::Numeric, encoding);
    (copy.tag == Tag::Integer).then_some(copy.number)
}

/// NotExists: the key is an integer.
#[inline(always)]
pub(super) fn exists(cx: &mut Context<'_>, cursor: Cursor, key: Reg) -> Step<bool> {
    let register = &cx.registers[at(key)];
    if register.tag != Tag::Integer {
        return Err(Error::Program { at: 0, what: "a rowid that is no integer" });
    }
    let rowid = register.number;
    seek_rowid(cx, cursor, rowid)
}

/// The error of a NotExists without a place to go: an index names a row that is not there.
#[cold]
pub(super) fn missing_row() -> Error {
    corrupt()
}

/// Whether an index has an entry whose leading columns equal the key; `count` 0: the key is a record.
pub(super) fn found(cx: &mut Context<'_>, cursor: Cursor, key: Reg, count: u16) -> Step<bool> {
    let Context { cursors, registers, stores, storage, run, .. } = cx;
    match &mut cursors[usize::from(cursor.0)] {
        Slot::Tree(tree) => {
            let btree = btree(storage, tree.db)?;
            tree.moved(false);
            let id = tree.id;
            let outcome = if count > 0 {
                ready!(with_values(registers, key, usize::from(count), |values| {
                    btree.seek_key(id, values, Ordering::Equal)
                }))
            } else {
                let record = registers[at(key)].bytes();
                let values: Result<Vec<ValueRef<'_>>, _> = Values::new(record).map_err(damaged)?.collect();
                let values = values.map_err(damaged)?;
                ready!(btree.seek_key(id, &values, Ordering::Equal))
            };
            let found = outcome == SeekOutcome::At(Ordering::Equal);
            // Equal in these columns is not equal in all: an insert has to find its own place.
            tree.seek_result = (!found).then_some(outcome);
            tree.null_row = !found;
            Ok(Some(found))
        }
        Slot::Ephemeral(cursor) => {
            found_ephemeral(cursor, stores, registers, &mut run.scratch, key, count).map(Some)
        }
        _ => Err(wrong_kind()),
    }
}

fn found_ephemeral(
    cursor: &mut EphemeralCursor,
    stores: &mut Stores,
    registers: &mut [Register],
    scratch: &mut Vec<u8>,
    key: Reg,
    count: u16,
) -> Result<bool, Error> {
    let Some(Store::Index(index)) = stores.get_mut(cursor.store) else { return Err(wrong_kind()) };
    let count = usize::from(count);
    if count > 0 {
        let whole = count >= index.encoder().column_count();
        return with_values(registers, key, count, |values| {
            encode_probe(index, values, scratch);
            cursor.find(index, &Probe { bytes: scratch, values }, whole)
        });
    }
    let record = registers[at(key)].bytes();
    scratch.clear();
    if index.encoder().by_bytes() {
        index.encoder().push_record(record, scratch)?;
        return cursor.find(index, &Probe { bytes: scratch, values: &[] }, true);
    }
    let values: Result<Vec<ValueRef<'_>>, _> = Values::new(record).map_err(damaged)?.collect();
    let values = values.map_err(damaged)?;
    cursor.find(index, &Probe { bytes: &[], values: &values }, true)
}

/// Whether a column of the key is NULL: then no entry is in conflict with it.
pub(super) fn has_null(cx: &Context<'_>, key: Reg, count: u16) -> bool {
    cx.registers[at(key)..at(key) + usize::from(count)].iter().any(Register::is_null)
}

/// Puts off the seek of `table` to the rowid of `index`'s entry.
pub(super) fn deferred_seek(cx: &mut Context<'_>, index: Cursor, table: Cursor, columns: IntsId) -> Step<()> {
    let rowid = match &mut cx.cursors[usize::from(index.0)] {
        Slot::Tree(tree) => ready!(super::column::index_rowid(tree, btree(cx.storage, tree.db)?)),
        Slot::Ephemeral(cursor) => {
            let store = cx.stores.get(cursor.store).ok_or_else(wrong_kind)?;
            cursor.record(store)?.map(super::column::record_rowid).transpose()?
        }
        _ => return Err(wrong_kind()),
    };
    let Slot::Tree(tree) = &mut cx.cursors[usize::from(table.0)] else { return Err(wrong_kind()) };
    match rowid {
        Some(rowid) => {
            tree.moved(true);
            tree.target = rowid;
            tree.deferred = true;
            tree.substitute = (columns.0 != 0).then_some((index, columns));
        }
        None => tree.moved(false),
    }
    Ok(Some(()))
}

/// Does a seek that was put off.
pub(super) fn finish_seek(cx: &mut Context<'_>, cursor: Cursor) -> Step<()> {
    match &mut cx.cursors[usize::from(cursor.0)] {
        Slot::Tree(tree) if tree.deferred => tree.settle(btree(cx.storage, tree.db)?),
        _ => Ok(Some(())),
    }
}

/// How SeekScan came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scan {
    /// The cursor stands on the key: go past the seek.
    There,
    /// The next key is larger: no such entry.
    Beyond,
    /// There is no further entry.
    End,
    /// Not found in so many steps: seek.
    GiveUp,
}

/// Looks for the key of the SeekGE that follows in the next few entries.
pub(super) fn seek_scan(
    cx: &mut Context<'_>,
    cursor: Cursor,
    key: Reg,
    count: u16,
    steps: u32,
) -> Step<Scan> {
    {
        let Slot::Tree(tree) = &mut cx.cursors[usize::from(cursor.0)] else { return Err(wrong_kind()) };
        let btree = btree(cx.storage, tree.db)?;
        if tree.walk.is_some() {
            ready!(tree.settle(btree));
        }
        if tree.null_row || !btree.is_on_entry(tree.id) {
            return Ok(Some(Scan::GiveUp));
        }
    }
    // Each entry passed is behind the key for good, so that a restart goes on from where the cursor is.
    for _ in 0..=steps {
        match ready!(compare_entry(cx, cursor, key, count, Ordering::Equal)) {
            Ordering::Equal => return Ok(Some(Scan::There)),
            Ordering::Greater => return Ok(Some(Scan::Beyond)),
            Ordering::Less => {}
        }
        let Slot::Tree(tree) = &mut cx.cursors[usize::from(cursor.0)] else { return Err(wrong_kind()) };
        let btree = btree(cx.storage, tree.db)?;
        if !ready!(tree.next(btree, cx.run.epoch)) {
            return Ok(Some(Scan::End));
        }
    }
    Ok(Some(Scan::GiveUp))
}

/// Raises how many leading columns have been found to be there, or sets it to `high`.
pub(super) fn seek_hit(cx: &mut Context<'_>, cursor: Cursor, low: u16, high: u16) {
    if let Slot::Tree(tree) = &mut cx.cursors[usize::from(cursor.0)] {
        tree.seek_hit = tree.seek_hit.clamp(low, high.max(low));
    }
}

/// IfNoHope: whether nothing can be found: as many columns as asked for were not found before, and the first ones are not there.
pub(super) fn no_hope(cx: &mut Context<'_>, cursor: Cursor, key: Reg, count: u16) -> Step<bool> {
    if let Slot::Tree(tree) = &cx.cursors[usize::from(cursor.0)]
        && tree.seek_hit >= count
    {
        return Ok(Some(false));
    }
    let found = ready!(found(cx, cursor, key, count));
    Ok(Some(!found))
}
