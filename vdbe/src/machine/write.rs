//! Writing rows and index entries, and choosing new rowids.
//!
//! A write is done when the b-tree says so; only then is it counted and told to the update hook, so that a restart counts nothing twice.
//! The preupdate hook runs before, in a part of the instruction of its own.
//!
//! Never: constraints. The program has checked them.

use std::cmp::Ordering;

use kernite_btree::{Error as StorageError, InsertFlags, RowPayload, SeekOutcome};
use kernite_io::ready;

use crate::op::{Cursor, Reg, TableId, WriteFlags};
use crate::register::Tag;
use crate::{Error, Step};

use super::ephemeral::Store;
use super::hook::{Change, ChangeKind, Hook};
use super::slot::{Slot, btree, wrong_kind};
use super::{Context, at};

/// What a write comes back with.
#[derive(Debug)]
pub(super) enum Written {
    Done,
    /// It is done; then call this hook.
    DoneThen(Hook),
    /// Call this hook, then run the instruction again.
    First(Hook),
}

/// The preupdate hook of this instruction has run.
const PREUPDATE_DONE: u8 = 1;

/// Writes a row under the rowid in `rowid`.
pub(super) fn insert(
    cx: &mut Context<'_>,
    cursor: Cursor,
    record: Reg,
    rowid: Reg,
    table: TableId,
    flags: WriteFlags,
) -> Step<Written> {
    let key = &cx.registers[at(rowid)];
    if key.tag != Tag::Integer {
        return Err(Error::Program { at: 0, what: "a rowid that is no integer" });
    }
    let key = key.number;
    let tree = match &mut cx.cursors[usize::from(cursor.0)] {
        Slot::Tree(tree) => tree,
        Slot::Ephemeral(cursor) => {
            let register = &mut cx.registers[at(record)];
            register.expand_zeros();
            let Some(Store::Table(table)) = cx.stores.get_mut(cursor.store) else { return Err(wrong_kind()) };
            cursor.insert_row(table, key, bytes_of(register))?;
            return Ok(Some(Written::Done));
        }
        _ => return Err(wrong_kind()),
    };
    if cx.run.hooks.preupdate && table.0 != 0 && !flags.is_update && cx.run.part != PREUPDATE_DONE {
        cx.run.part = PREUPDATE_DONE;
        let mut new = bytes_of(&cx.registers[at(record)]).to_vec();
        new.resize(new.len() + cx.registers[at(record)].zero_tail() as usize, 0);
        let change = change(ChangeKind::Insert, table, key, None, Some(new));
        return Ok(Some(Written::First(Hook::Preupdate(change))));
    }
    if !flags.no_op {
        let btree = btree(cx.storage, tree.db)?;
        cx.run.changes += i64::from(flags.count_change && kernite_io::planted!(RetryCountsTwice));
        let register = &cx.registers[at(record)];
        let payload =
            RowPayload::Table { rowid: key, record: bytes_of(register), zero_tail: register.zero_tail() };
        ready!(btree.insert(tree.id, payload, insert_flags(flags, tree.seek_result)));
        tree.written();
    }
    cx.run.part = 0;
    if flags.count_change && !kernite_io::planted!(RetryCountsTwice) {
        cx.run.changes += 1;
    }
    if flags.last_rowid {
        cx.host.state_mut().last_insert_rowid = key;
    }
    if cx.run.hooks.update && table.0 != 0 && !flags.no_op {
        let kind = if flags.is_update { ChangeKind::Update } else { ChangeKind::Insert };
        return Ok(Some(Written::DoneThen(Hook::Update(change(kind, table, key, None, None)))));
    }
    Ok(Some(Written::Done))
}

fn change(
    kind: ChangeKind,
    table: TableId,
    rowid: i64,
    old: Option<Vec<u8>>,
    new: Option<Vec<u8>>,
) -> Change {
    Change { kind, table, old_rowid: rowid, new_rowid: rowid, old, new }
}

/// The bytes of a record register; a NULL stands for an empty record.
#[inline]
fn bytes_of(register: &crate::register::Register) -> &[u8] {
    if matches!(register.tag, Tag::Blob | Tag::Text) { register.bytes() } else { &[] }
}

fn insert_flags(flags: WriteFlags, seek_result: Option<SeekOutcome>) -> InsertFlags {
    InsertFlags {
        append: flags.append,
        seek_result: if flags.use_seek_result { seek_result } else { None },
        save_position: flags.save_position,
    }
}

/// Copies the row under `from` to `cursor`, under the rowid in `rowid` (0: an index entry).
pub(super) fn row_cell(cx: &mut Context<'_>, cursor: Cursor, from: Cursor, rowid: Reg) -> Step<()> {
    let (source_db, source) = match &mut cx.cursors[usize::from(from.0)] {
        Slot::Tree(tree) => {
            ready!(tree.settle(btree(cx.storage, tree.db)?));
            (tree.db, tree.id)
        }
        _ => return Err(wrong_kind()),
    };
    let len = btree(cx.storage, source_db)?.entry(source)?.len;
    cx.run.scratch.clear();
    ready!(btree(cx.storage, source_db)?.read_payload(source, 0..len, &mut cx.run.scratch));
    let Slot::Tree(tree) = &mut cx.cursors[usize::from(cursor.0)] else { return Err(wrong_kind()) };
    let record = &cx.run.scratch;
    let payload = if rowid.is_some() {
        RowPayload::Table { rowid: cx.registers[at(rowid)].number, record, zero_tail: 0 }
    } else {
        RowPayload::Index { record }
    };
    let flags = InsertFlags { append: true, seek_result: None, save_position: false };
    ready!(btree(cx.storage, tree.db)?.insert(tree.id, payload, flags));
    tree.written();
    Ok(Some(()))
}

/// Deletes the row under the cursor.
pub(super) fn delete(
    cx: &mut Context<'_>,
    cursor: Cursor,
    table: TableId,
    flags: WriteFlags,
) -> Step<Written> {
    let tree = match &mut cx.cursors[usize::from(cursor.0)] {
        Slot::Tree(tree) => tree,
        Slot::Ephemeral(cursor) => {
            let store = cx.stores.get_mut(cursor.store).ok_or_else(wrong_kind)?;
            cursor.delete(store)?;
            return Ok(Some(Written::Done));
        }
        _ => return Err(wrong_kind()),
    };
    let btree = btree(cx.storage, tree.db)?;
    // Run again while a long chain is being freed, the cursor stands on no row any more.
    let is_deleting = btree.is_deleting(tree.id);
    if !is_deleting {
        ready!(tree.settle(btree));
    }
    if tree.null_row {
        return Err(Error::Program { at: 0, what: "delete without a row" });
    }
    let hooks = cx.run.hooks;
    let rowid = match table.0 != 0 && tree.is_table && (hooks.update || hooks.preupdate) {
        true => btree.rowid(tree.id)?,
        false => 0,
    };
    if table.0 != 0 && hooks.preupdate && cx.run.part != PREUPDATE_DONE {
        let len = btree.entry(tree.id)?.len;
        let mut old = Vec::new();
        ready!(btree.read_payload(tree.id, 0..len, &mut old));
        cx.run.part = PREUPDATE_DONE;
        let kind = if flags.is_update { ChangeKind::Update } else { ChangeKind::Delete };
        return Ok(Some(Written::First(Hook::Preupdate(change(kind, table, rowid, Some(old), None)))));
    }
    if !flags.no_op {
        ready!(btree.delete(tree.id, flags.save_position || flags.auxiliary));
        tree.written();
    }
    cx.run.part = 0;
    if flags.count_change && !flags.no_op {
        cx.run.changes += 1;
        if table.0 != 0 && hooks.update && tree.is_table {
            let change = change(ChangeKind::Delete, table, rowid, None, None);
            return Ok(Some(Written::DoneThen(Hook::Update(change))));
        }
    }
    Ok(Some(Written::Done))
}

/// Inserts an index entry.
pub(super) fn idx_insert(
    cx: &mut Context<'_>,
    cursor: Cursor,
    record: Reg,
    first: Reg,
    count: u16,
    flags: WriteFlags,
) -> Step<()> {
    cx.registers[at(record)].expand_zeros();
    match &mut cx.cursors[usize::from(cursor.0)] {
        Slot::Tree(tree) => {
            let btree = btree(cx.storage, tree.db)?;
            if flags.append && flags.use_seek_result {
                let found = ready!(btree.last(tree.id));
                tree.seek_result =
                    Some(if found { SeekOutcome::At(Ordering::Less) } else { SeekOutcome::Empty });
            }
            let payload = RowPayload::Index { record: bytes_of(&cx.registers[at(record)]) };
            ready!(btree.insert(tree.id, payload, insert_flags(flags, tree.seek_result)));
            tree.written();
        }
        Slot::Ephemeral(cursor) => {
            let Some(Store::Index(index)) = cx.stores.get_mut(cursor.store) else { return Err(wrong_kind()) };
            let values = (usize::from(count) >= index.encoder().column_count()).then(|| {
                let first = at(first);
                cx.registers[first..first + usize::from(count)].iter().map(super::value::stored_value)
            });
            index.insert(bytes_of(&cx.registers[at(record)]), values)?;
        }
        _ => return Err(wrong_kind()),
    }
    if flags.count_change {
        cx.run.changes += 1;
    }
    Ok(Some(()))
}

/// Deletes the entry whose leading columns equal the key.
pub(super) fn idx_delete(
    cx: &mut Context<'_>,
    cursor: Cursor,
    key: Reg,
    count: u16,
    raise: bool,
) -> Step<()> {
    let is_deleting = match &cx.cursors[usize::from(cursor.0)] {
        Slot::Tree(tree) => btree(cx.storage, tree.db)?.is_deleting(tree.id),
        _ => false,
    };
    if !is_deleting && !ready!(super::seek::found(cx, cursor, key, count)) {
        if raise {
            return Err(Error::with_code(
                crate::op::HaltCode::CorruptIndex.result_code(),
                "database disk image is malformed",
            ));
        }
        return Ok(Some(()));
    }
    match &mut cx.cursors[usize::from(cursor.0)] {
        Slot::Tree(_) if kernite_io::planted!(IndexEntryKept) => {}
        Slot::Tree(tree) => {
            ready!(btree(cx.storage, tree.db)?.delete(tree.id, true));
            tree.written();
        }
        Slot::Ephemeral(cursor) => {
            let store = cx.stores.get_mut(cursor.store).ok_or_else(wrong_kind)?;
            cursor.delete(store)?;
        }
        _ => return Err(wrong_kind()),
    }
    Ok(Some(()))
}

/// How many random rowids are tried before the table counts as full.
const RANDOM_TRIES: u32 = 100;

/// A rowid that no row has: one more than the largest, or a random one where that is taken. `previous`: the largest ever (AUTOINCREMENT).
pub(super) fn new_rowid(cx: &mut Context<'_>, cursor: Cursor, out: Reg, previous: Reg) -> Step<()> {
    let largest = match &mut cx.cursors[usize::from(cursor.0)] {
        Slot::Ephemeral(cursor) => {
            let Some(Store::Table(table)) = cx.stores.get(cursor.store) else { return Err(wrong_kind()) };
            table.last().and_then(|last| table.rowid(last))
        }
        Slot::Tree(tree) if cx.run.candidate.is_none() => {
            let btree = btree(cx.storage, tree.db)?;
            let found = ready!(btree.last(tree.id));
            tree.moved(found);
            if found { Some(btree.rowid(tree.id)?) } else { None }
        }
        Slot::Tree(_) => Some(i64::MAX),
        _ => return Err(wrong_kind()),
    };
    let mut rowid = largest.map_or(Some(1), |largest| largest.checked_add(1));
    if previous.is_some() {
        rowid = Some(next_autoincrement(cx, previous, rowid)?);
    }
    let rowid = match rowid {
        Some(rowid) => rowid,
        None => ready!(random_rowid(cx, cursor)),
    };
    cx.registers[at(out)].set_integer(rowid);
    Ok(Some(()))
}

/// AUTOINCREMENT never uses a rowid again; its register lies in the outermost frame.
fn next_autoincrement(cx: &mut Context<'_>, previous: Reg, rowid: Option<i64>) -> Result<i64, Error> {
    let encoding = cx.program.encoding;
    let register = match cx.callers.first_mut() {
        Some(outermost) => outermost.frame.registers.get_mut(at(previous)),
        None => cx.registers.get_mut(at(previous)),
    };
    let Some(register) = register else { return Err(Error::Program { at: 0, what: "register" }) };
    let largest = crate::value::number::to_integer(register.value(), encoding);
    let (Some(rowid), true) = (rowid, largest < i64::MAX) else {
        return Err(Error::Storage(StorageError::Full));
    };
    let rowid = rowid.max(largest.saturating_add(1));
    register.set_integer(rowid);
    Ok(rowid)
}

fn random_rowid(cx: &mut Context<'_>, cursor: Cursor) -> Step<i64> {
    loop {
        let (candidate, tries) = match cx.run.candidate {
            Some(candidate) => candidate,
            None => (random_positive(cx), 0),
        };
        // Kept over a restart: another one would only probe another cold page.
        cx.run.candidate = Some((candidate, tries));
        let Slot::Tree(tree) = &mut cx.cursors[usize::from(cursor.0)] else { return Err(wrong_kind()) };
        let outcome = ready!(btree(cx.storage, tree.db)?.seek_rowid(tree.id, candidate));
        tree.moved(true);
        if outcome != SeekOutcome::At(Ordering::Equal) {
            cx.run.candidate = None;
            return Ok(Some(candidate));
        }
        if tries >= RANDOM_TRIES {
            cx.run.candidate = None;
            return Err(Error::Storage(StorageError::Full));
        }
        cx.run.candidate = Some((random_positive(cx), tries + 1));
    }
}

/// A random rowid from 1 up to half of the range, so that there is room above it.
fn random_positive(cx: &mut Context<'_>) -> i64 {
    let mut bytes = [0u8; 8];
    cx.host.fill_random(&mut bytes);
    (i64::from_le_bytes(bytes) & (i64::MAX >> 1)) + 1
}
