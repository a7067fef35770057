//! Reading the row under a cursor: columns, rowids, whole records.
//!
//! A column is decoded straight from the page into its register. The header of the record is walked no further than needed, and
//! remembered until the cursor moves.
//!
//! Never: moving a cursor, but for a seek that was put off until a column is really read.

use kernite_btree::record::{Column, RecordHeader, serial};
use kernite_btree::{Btree, Damage, Entry, Error as StorageError, ValueRef};
use kernite_io::ready;

use crate::op::{ConstId, Cursor, Reg};
use crate::program::Program;
use crate::register::{Register, Tag};
use crate::{Error, Step};

use super::slot::{RowCache, Slot, TreeCursor, btree, corrupt, damaged, wrong_kind};
use super::{Context, at};

/// What the program wants to know of a column.
pub(super) mod hint {
    /// Only its length (a blob need not be loaded).
    pub(in crate::machine) const LENGTH: u8 = 1;
    /// Only its type.
    pub(in crate::machine) const TYPE: u8 = 2;
    /// Only its length in bytes.
    pub(in crate::machine) const BYTE_LENGTH: u8 = 3;
}

/// `out` = column `column` of the row.
#[inline(always)]
pub(super) fn column(
    cx: &mut Context<'_>,
    cursor: Cursor,
    column: u16,
    out: Reg,
    default: ConstId,
    hint: u8,
) -> Step<()> {
    if let Slot::Tree(tree) = &mut cx.cursors[usize::from(cursor.0)]
        && !tree.null_row
        && !tree.deferred
    {
        let wanted = Wanted { column: usize::from(column), hint, program: cx.program, default };
        let out = &mut cx.registers[at(out)];
        if let Some((entry, row)) = tree.walked_entry(cx.run.epoch) {
            if fast_column(row, entry, &wanted, out)? {
                return Ok(Some(()));
            }
        } else {
            let btree = btree(cx.storage, tree.db)?;
            tree.check_walk(btree, cx.run.epoch);
            let TreeCursor { walk, id, row, .. } = tree;
            // A cursor that is not on its entry is brought back below.
            if let Some(entry) = TreeCursor::entry_at_hand(walk, *id, btree)
                && fast_column(row, entry, &wanted, out)?
            {
                return Ok(Some(()));
            }
        }
    }
    any_column(cx, cursor, column, out, default, hint)
}

/// What of a row is to be read.
struct Wanted<'a> {
    column: usize,
    hint: u8,
    program: &'a Program,
    /// For a record that is too short.
    default: ConstId,
}

/// The column of an entry that lies on its page; `false` where that is not so.
#[inline(always)]
fn fast_column(
    row: &mut RowCache,
    entry: Entry<'_>,
    wanted: &Wanted<'_>,
    out: &mut Register,
) -> Result<bool, Error> {
    if !row.known {
        start(row, entry.local, entry.len)?;
        if row.header.header_len() > entry.local.len() {
            // What was read of the last row's header is not this one's.
            row.spilled.clear();
        }
    }
    let header = &mut row.header;
    if header.header_len() > entry.local.len() {
        return Ok(false);
    }
    let Some(found) = header.column(entry.local, wanted.column).map_err(damaged)? else {
        out.set(wanted.program.constant(wanted.default));
        return Ok(true);
    };
    if wanted.hint != 0
        && u64::from(found.serial) >= serial::BLOB_MIN
        && without_content(found, out, wanted.hint)
    {
        return Ok(true);
    }
    Ok(load(found, entry.local, out))
}

#[inline(always)]
fn start(row: &mut RowCache, local: &[u8], len: u64) -> Result<(), Error> {
    row.header.start(local, len).map_err(damaged)?;
    row.known = true;
    Ok(())
}

/// Loads a column from the payload's bytes; `false` where they do not reach so far.
#[inline(always)]
fn load(column: Column, payload: &[u8], out: &mut Register) -> bool {
    let kind = u64::from(column.serial);
    if serial::is_integer(kind)
        && let Some(number) =
            payload.get(column.offset as usize..).and_then(|content| serial::integer(kind, content))
    {
        out.set_integer(number);
        return true;
    }
    match column.decode(payload) {
        Some(value) => {
            out.set(value);
            true
        }
        None => false,
    }
}

/// The general case: any kind of cursor, overflow pages, short records, hints.
#[inline(never)]
pub(super) fn any_column(
    cx: &mut Context<'_>,
    cursor: Cursor,
    column: u16,
    out: Reg,
    default: ConstId,
    hint: u8,
) -> Step<()> {
    let (cursor, column) = substituted(cx, cursor, column);
    let index = usize::from(column);
    let found = match &mut cx.cursors[usize::from(cursor.0)] {
        Slot::Tree(tree) => {
            let btree = btree(cx.storage, tree.db)?;
            ready!(tree.settle_to_read(btree));
            if tree.null_row {
                cx.registers[at(out)].set_null();
                return Ok(Some(()));
            }
            let wanted = Wanted { column: index, hint, program: cx.program, default };
            let out = &mut cx.registers[at(out)];
            let TreeCursor { walk, id, row, .. } = tree;
            if let Some(entry) = TreeCursor::entry_at_hand(walk, *id, btree)
                && fast_column(row, entry, &wanted, out)?
            {
                return Ok(Some(()));
            }
            ready!(tree_column(tree, btree, index, out, hint))
        }
        Slot::Ephemeral(cursor) => {
            let store = cx.stores.get(cursor.store).ok_or_else(wrong_kind)?;
            let Some(record) = cursor.record(store)? else {
                cx.registers[at(out)].set_null();
                return Ok(Some(()));
            };
            memory_column(&mut cursor.row, record, index, &mut cx.registers[at(out)])?
        }
        Slot::Pseudo(pseudo) => {
            if pseudo.content.is_none() {
                cx.registers[at(out)].set_null();
                return Ok(Some(()));
            }
            match super::value::pair(cx.registers, pseudo.content, out) {
                Some((content, out)) => memory_column(&mut pseudo.row, content.bytes(), index, out)?,
                // The column takes the place of the record.
                None => {
                    let content = std::mem::take(&mut cx.registers[at(out)]);
                    memory_column(&mut pseudo.row, content.bytes(), index, &mut cx.registers[at(out)])?
                }
            }
        }
        Slot::Sorter(sorter) => {
            let mut row = RowCache::default();
            memory_column(&mut row, sorter.sorter.record()?, index, &mut cx.registers[at(out)])?
        }
        Slot::Virtual(_) => return super::virtual_table::column(cx, cursor, column, out, false),
        Slot::Closed | Slot::Groups(_) => return Err(wrong_kind()),
    };
    if !found {
        cx.registers[at(out)].set(cx.program.constant(default));
    }
    Ok(Some(()))
}

/// While a seek is put off, an index may answer for the table.
fn substituted(cx: &Context<'_>, cursor: Cursor, column: u16) -> (Cursor, u16) {
    if let Some(Slot::Tree(tree)) = cx.cursors.get(usize::from(cursor.0))
        && tree.deferred
        && !tree.null_row
        && let Some((index, columns)) = tree.substitute
        && let Some(&place) = cx.program.ints(columns).get(usize::from(column))
        && let Some(place) = place.checked_sub(1)
    {
        return (index, place as u16);
    }
    (cursor, column)
}

/// A column of a record that is wholly in memory; `false`: the record is too short.
fn memory_column(
    row: &mut RowCache,
    record: &[u8],
    column: usize,
    out: &mut Register,
) -> Result<bool, Error> {
    if !row.known {
        start(row, record, record.len() as u64)?;
    }
    match row.header.column(record, column).map_err(damaged)? {
        None => Ok(false),
        Some(found) if load(found, record, out) => Ok(true),
        Some(_) => Err(damaged(Damage::Record)),
    }
}

/// A column of a b-tree's entry; `false`: the record is too short.
fn tree_column(
    tree: &mut TreeCursor,
    btree: &mut Btree,
    column: usize,
    out: &mut Register,
    hint: u8,
) -> Step<bool> {
    let Some(found) = ready!(locate(tree, btree, column)) else { return Ok(Some(false)) };
    let kind = u64::from(found.serial);
    if hint != 0 && kind >= serial::BLOB_MIN && without_content(found, out, hint) {
        return Ok(Some(true));
    }
    let entry = TreeCursor::entry_at_hand(&tree.walk, tree.id, btree).ok_or_else(wrong_kind)?;
    if load(found, entry.local, out) {
        return Ok(Some(true));
    }
    // Only what lies on overflow pages is left, where no walk goes.
    let range = u64::from(found.offset)..found.end() as u64;
    if kind >= serial::BLOB_MIN {
        let tag = if serial::is_text(kind) { Tag::Text } else { Tag::Blob };
        ready!(btree.read_payload(tree.id, range, out.buffer(tag)));
        return Ok(Some(true));
    }
    let bytes = out.buffer(Tag::Blob);
    ready!(btree.read_payload(tree.id, range, bytes));
    match serial::decode(kind, bytes) {
        Some(ValueRef::Integer(number)) => out.set_integer(number),
        Some(ValueRef::Real(number)) => out.set_real(number),
        // A NULL whose place, of no bytes, is on an overflow page.
        Some(ValueRef::Null) => out.set_null(),
        _ => return Err(damaged(Damage::Record)),
    }
    Ok(Some(true))
}

/// A stand-in for text or a blob of which only type or length matters; `false` where the content is needed after all.
fn without_content(column: Column, out: &mut Register, hint: u8) -> bool {
    let is_text = serial::is_text(u64::from(column.serial)) || column.serial == 13;
    match hint {
        hint::TYPE => {
            out.buffer(if is_text { Tag::Text } else { Tag::Blob });
            true
        }
        hint::LENGTH | hint::BYTE_LENGTH if !is_text => {
            out.set_zeros(column.len() as u64);
            true
        }
        // Only the number of bytes is looked at.
        hint::BYTE_LENGTH => {
            out.buffer(Tag::Text).resize(column.len(), 0);
            true
        }
        _ => false,
    }
}

/// Finds a column in the header, reading the header's overflow pages if it has any.
fn locate(tree: &mut TreeCursor, btree: &mut Btree, column: usize) -> Step<Option<Column>> {
    let entry = TreeCursor::entry_at_hand(&tree.walk, tree.id, btree).ok_or_else(wrong_kind)?;
    if !tree.row.known {
        start(&mut tree.row, entry.local, entry.len)?;
        tree.row.spilled.clear();
    }
    let header_len = tree.row.header.header_len();
    if header_len <= entry.local.len() {
        return Ok(Some(tree.row.header.column(entry.local, column).map_err(damaged)?));
    }
    if tree.row.spilled.len() != header_len {
        tree.row.spilled.clear();
        let mut spilled = std::mem::take(&mut tree.row.spilled);
        ready!(btree.read_payload(tree.id, 0..header_len as u64, &mut spilled));
        tree.row.spilled = spilled;
    }
    let RowCache { header, spilled, .. } = &mut tree.row;
    Ok(Some(header.column(spilled, column).map_err(damaged)?))
}

/// `out` = the whole record of the row.
pub(super) fn row_data(cx: &mut Context<'_>, cursor: Cursor, out: Reg) -> Step<()> {
    let register = &mut cx.registers[at(out)];
    match &mut cx.cursors[usize::from(cursor.0)] {
        Slot::Tree(tree) => {
            let btree = btree(cx.storage, tree.db)?;
            ready!(tree.settle(btree));
            if tree.null_row {
                return Err(wrong_kind());
            }
            let entry = btree.entry(tree.id)?;
            if entry.len > cx.run.length_max {
                return Err(Error::Storage(StorageError::TooBig));
            }
            if entry.local.len() as u64 == entry.len {
                register.set_blob(entry.local);
            } else {
                let len = entry.len;
                ready!(btree.read_payload(tree.id, 0..len, register.buffer(Tag::Blob)));
            }
        }
        Slot::Ephemeral(cursor) => {
            let store = cx.stores.get(cursor.store).ok_or_else(wrong_kind)?;
            register.set_blob(cursor.record(store)?.unwrap_or(&[]));
        }
        Slot::Sorter(sorter) => register.set_blob(sorter.sorter.record()?),
        _ => return Err(wrong_kind()),
    }
    Ok(Some(()))
}

/// Whether the cursor is one of a b-tree that stands on a row.
#[inline(always)]
pub(super) fn is_plain_row(cx: &Context<'_>, cursor: Cursor) -> bool {
    matches!(&cx.cursors[usize::from(cursor.0)], Slot::Tree(tree) if !tree.null_row && !tree.deferred)
}

/// The rowid of the row, where a walk has it at hand.
#[inline(always)]
pub(super) fn walked_rowid(cx: &Context<'_>, cursor: Cursor) -> Option<i64> {
    match &cx.cursors[usize::from(cursor.0)] {
        Slot::Tree(tree) => tree.walked_rowid(cx.run.epoch),
        _ => None,
    }
}

/// `out` = rowid of the row.
#[inline(never)]
pub(super) fn rowid(cx: &mut Context<'_>, cursor: Cursor, out: Reg) -> Step<()> {
    let number = match &mut cx.cursors[usize::from(cursor.0)] {
        Slot::Tree(tree) => {
            if tree.deferred && !tree.null_row {
                Some(tree.target)
            } else if let Some(walk) = &tree.walk
                && walk.version() == btree(cx.storage, tree.db)?.write_count()
            {
                Some(walk.rowid())
            } else {
                let btree = btree(cx.storage, tree.db)?;
                ready!(tree.settle(btree));
                if tree.null_row { None } else { Some(btree.rowid(tree.id)?) }
            }
        }
        Slot::Ephemeral(cursor) => cursor.rowid(),
        Slot::Virtual(_) => return super::virtual_table::rowid(cx, cursor, out),
        Slot::Pseudo(pseudo) if pseudo.null_row => None,
        _ => return Err(wrong_kind()),
    };
    match number {
        Some(number) => cx.registers[at(out)].set_integer(number),
        None => cx.registers[at(out)].set_null(),
    }
    Ok(Some(()))
}

/// The rowid at the end of an index entry; `None` on the null row.
pub(super) fn index_rowid(tree: &mut TreeCursor, btree: &mut Btree) -> Step<Option<i64>> {
    ready!(tree.settle_to_read(btree));
    if tree.null_row {
        return Ok(Some(None));
    }
    let entry = TreeCursor::entry_at_hand(&tree.walk, tree.id, btree).ok_or_else(wrong_kind)?;
    if entry.local.len() as u64 == entry.len
        && let Some(rowid) = last_integer(entry.local)
    {
        return Ok(Some(Some(rowid)));
    }
    index_rowid_by_columns(tree, btree)
}

/// The integer at the end of a record that is wholly at hand, found without a look at the columns before it: its serial type is the
/// header's last byte. `None` where the record is of another form.
#[inline]
fn last_integer(record: &[u8]) -> Option<i64> {
    let &[header_len @ 3..0x80, ..] = record else { return None };
    let kind = u64::from(*record.get(usize::from(header_len) - 1)?);
    // A byte with its top bit set goes on: then the one behind it is no type of its own.
    if !serial::is_integer(kind) || *record.get(usize::from(header_len) - 2)? >= 0x80 {
        return None;
    }
    let at = record.len().checked_sub(serial::content_len(kind) as usize)?;
    if at < usize::from(header_len) {
        return None;
    }
    serial::integer(kind, record.get(at..)?)
}

#[cold]
fn index_rowid_by_columns(tree: &mut TreeCursor, btree: &mut Btree) -> Step<Option<i64>> {
    // No record has so many columns: the walk ends behind the last one.
    ready!(locate(tree, btree, usize::MAX));
    let last = tree.row.header.found().last().copied().ok_or_else(corrupt)?;
    let kind = u64::from(last.serial);
    let entry = TreeCursor::entry_at_hand(&tree.walk, tree.id, btree).ok_or_else(wrong_kind)?;
    if !serial::is_integer(kind) {
        return Err(corrupt());
    }
    if let Some(number) =
        entry.local.get(last.offset as usize..).and_then(|content| serial::integer(kind, content))
    {
        return Ok(Some(Some(number)));
    }
    let mut bytes = Vec::new();
    ready!(btree.read_payload(tree.id, u64::from(last.offset)..last.end() as u64, &mut bytes));
    Ok(Some(Some(serial::integer(kind, &bytes).ok_or_else(corrupt)?)))
}

/// The rowid at the end of a record in memory.
pub(super) fn record_rowid(record: &[u8]) -> Result<i64, Error> {
    let mut header = RecordHeader::new();
    header.start(record, record.len() as u64).map_err(damaged)?;
    header.column(record, usize::MAX).map_err(damaged)?;
    match header.found().last().and_then(|column| column.decode(record)) {
        Some(ValueRef::Integer(rowid)) => Ok(rowid),
        _ => Err(corrupt()),
    }
}

/// `out` = rowid of the index entry.
pub(super) fn idx_rowid(cx: &mut Context<'_>, cursor: Cursor, out: Reg) -> Step<()> {
    let number = match &mut cx.cursors[usize::from(cursor.0)] {
        Slot::Tree(tree) => ready!(index_rowid(tree, btree(cx.storage, tree.db)?)),
        Slot::Ephemeral(cursor) => {
            let store = cx.stores.get(cursor.store).ok_or_else(wrong_kind)?;
            cursor.record(store)?.map(record_rowid).transpose()?
        }
        _ => return Err(wrong_kind()),
    };
    match number {
        Some(number) => cx.registers[at(out)].set_integer(number),
        None => cx.registers[at(out)].set_null(),
    }
    Ok(Some(()))
}

/// `sqlite_offset()`: where the row's payload lies in the file; NULL where it lies in none.
pub(super) fn offset(cx: &mut Context<'_>, cursor: Cursor, out: Reg) -> Step<()> {
    let mut offset = None;
    if let Slot::Tree(tree) = &mut cx.cursors[usize::from(cursor.0)] {
        let btree = btree(cx.storage, tree.db)?;
        ready!(tree.settle(btree));
        if !tree.null_row {
            offset = btree.entry_offset(tree.id);
        }
    }
    match offset {
        Some(offset) => cx.registers[at(out)].set_integer(offset as i64),
        None => cx.registers[at(out)].set_null(),
    }
    Ok(Some(()))
}

/// Whether the type of a column is among `mask`: 1 integer, 2 real, 4 text, 8 blob, 16 NULL.
pub(super) fn is_type(cx: &mut Context<'_>, cursor: Cursor, column: u16, mask: u8) -> Step<bool> {
    // Register 0 is nobody's; read as TYPE no content is loaded.
    ready!(self::column(cx, cursor, column, Reg(0), ConstId(0), hint::TYPE));
    let found = type_bit(cx.registers[0].tag());
    cx.registers[0].set_null();
    Ok(Some(found & mask != 0))
}

/// The bit of a type in masks of [`crate::op::Op::IsType`].
pub(super) fn type_bit(tag: Tag) -> u8 {
    match tag {
        Tag::Integer => 1,
        Tag::Real => 2,
        Tag::Text => 4,
        Tag::Blob => 8,
        Tag::Null | Tag::Internal => 16,
    }
}
