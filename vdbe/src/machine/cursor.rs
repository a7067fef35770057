//! Opening, closing and moving cursors.
//!
//! Never: seeks (`seek`), the content of rows (`column`).

use std::sync::Arc;

use kernite_btree::{KeyInfo, Meta, PageNo};
use kernite_io::ready;

use crate::ephemeral::Store;
use crate::op::{Cursor, Db, KeyInfoId, Reg, TreeId};
use crate::{Error, Step};

use super::ephemeral::EphemeralCursor;
use super::slot::{PseudoCursor, RowCache, Slot, TreeCursor, btree, corrupt, wrong_kind};
use super::{Context, at};

/// Schema formats below this store 0 and 1 with content.
const COMPACT_CONSTANTS_FORMAT: u32 = 4;

/// Opens a cursor on a tree of the links.
pub(super) fn open(
    cx: &mut Context<'_>,
    cursor: Cursor,
    tree: TreeId,
    write: bool,
    seek_equal: bool,
) -> Step<()> {
    let link = cx.program.links.tree(tree).ok_or_else(wrong_kind)?;
    open_root(cx, cursor, link.db, link.root, link.key.as_ref(), write, seek_equal)
}

/// Opens a cursor on a tree whose root page is in a register.
pub(super) fn open_register(
    cx: &mut Context<'_>,
    cursor: Cursor,
    db: Db,
    root: Reg,
    key: KeyInfoId,
) -> Step<()> {
    let root = cx.registers[at(root)].number;
    let root = u32::try_from(root).map_err(|_| corrupt())?;
    let key = cx.program.links.key_info(key);
    open_root(cx, cursor, db, root, key, true, false)
}

fn open_root(
    cx: &mut Context<'_>,
    cursor: Cursor,
    db: Db,
    root: u32,
    key: Option<&Arc<KeyInfo>>,
    write: bool,
    seek_equal: bool,
) -> Step<()> {
    let slot = &mut cx.cursors[usize::from(cursor.0)];
    slot.close(cx.storage);
    let btree = btree(cx.storage, db.0)?;
    if write && ready!(btree.meta(Meta::FileFormat)) < COMPACT_CONSTANTS_FORMAT {
        cx.run.compact_constants = false;
    }
    let page = PageNo::new(root).ok_or_else(corrupt)?;
    let id = btree.open_cursor(page, key, write)?;
    if let Slot::Tree(tree) = slot
        && (tree.db, tree.root) == (db.0, root)
        && tree.key.as_ref().map(Arc::as_ptr) == key.map(Arc::as_ptr)
    {
        tree.reopen(id, seek_equal);
    } else {
        *slot = Slot::Tree(TreeCursor::new(id, db.0, root, key.cloned(), seek_equal));
    }
    Ok(Some(()))
}

/// Opens a cursor unless it is open on that tree already.
pub(super) fn reopen(cx: &mut Context<'_>, cursor: Cursor, tree: TreeId, seek_equal: bool) -> Step<()> {
    let link = cx.program.links.tree(tree).ok_or_else(wrong_kind)?;
    if let Slot::Tree(open) = &mut cx.cursors[usize::from(cursor.0)]
        && open.is_open
        && open.root == link.root
        && open.db == link.db.0
    {
        open.moved(false);
        open.seek_equal = seek_equal;
        return Ok(Some(()));
    }
    self::open(cx, cursor, tree, false, seek_equal)
}

/// Opens an ephemeral table or index, or empties the one that is open.
pub(super) fn open_ephemeral(cx: &mut Context<'_>, cursor: Cursor, key: KeyInfoId) {
    let slot = &mut cx.cursors[usize::from(cursor.0)];
    let key = cx.program.links.key_info(key);
    if let Slot::Ephemeral(open) = slot
        && open.is_table == key.is_none()
        && let Some(store) = cx.stores.get_mut(open.store)
    {
        store.clear();
        *open = EphemeralCursor::new(open.store, open.is_table);
        return;
    }
    slot.close(cx.storage);
    let store = cx.stores.add(Store::new(key));
    *slot = Slot::Ephemeral(EphemeralCursor::new(store, key.is_none()));
}

/// A second cursor on the same ephemeral table.
pub(super) fn open_dup(cx: &mut Context<'_>, cursor: Cursor, original: Cursor) -> Result<(), Error> {
    let Slot::Ephemeral(open) = &cx.cursors[usize::from(original.0)] else { return Err(wrong_kind()) };
    let copy = EphemeralCursor::new(open.store, open.is_table);
    let slot = &mut cx.cursors[usize::from(cursor.0)];
    slot.close(cx.storage);
    *slot = Slot::Ephemeral(copy);
    Ok(())
}

/// A cursor whose one row is the record in a register.
pub(super) fn open_pseudo(cx: &mut Context<'_>, cursor: Cursor, content: Reg) {
    let slot = &mut cx.cursors[usize::from(cursor.0)];
    slot.close(cx.storage);
    *slot = Slot::Pseudo(PseudoCursor { content, null_row: false, row: RowCache::default() });
}

/// Closes a cursor.
pub(super) fn close(cx: &mut Context<'_>, cursor: Cursor) {
    cx.cursors[usize::from(cursor.0)].close(cx.storage);
}

/// Puts the cursor on the row whose columns are all NULL. A cursor that is not open becomes one that has no other row.
pub(super) fn null_row(cx: &mut Context<'_>, cursor: Cursor) {
    match &mut cx.cursors[usize::from(cursor.0)] {
        Slot::Tree(tree) if tree.is_open => {
            tree.moved(false);
            // A step from there leads nowhere: a LEFT JOIN's row of NULLs is its last.
            if let Ok(btree) = btree(cx.storage, tree.db) {
                btree.reset_cursor(tree.id);
            }
        }
        Slot::Ephemeral(cursor) => cursor.leave(),
        // Where a register holds its row, it goes on to that: the register has been filled anew.
        Slot::Pseudo(pseudo) => {
            pseudo.row.forget();
            pseudo.null_row = true;
        }
        Slot::Virtual(open) => open.null_row = true,
        slot => {
            *slot = Slot::Pseudo(PseudoCursor { content: Reg(0), null_row: true, row: RowCache::default() });
        }
    }
}

/// Whether the cursor stands on the null row.
pub(super) fn is_null_row(cx: &Context<'_>, cursor: Cursor) -> bool {
    match &cx.cursors[usize::from(cursor.0)] {
        Slot::Tree(tree) => tree.null_row,
        Slot::Ephemeral(cursor) => cursor.null_row,
        Slot::Pseudo(pseudo) => pseudo.null_row,
        Slot::Virtual(open) => open.null_row,
        _ => false,
    }
}

/// Whether the cursor is not open, or stands on the null row.
pub(super) fn is_not_open(cx: &Context<'_>, cursor: Cursor) -> bool {
    match &cx.cursors[usize::from(cursor.0)] {
        Slot::Closed => true,
        Slot::Tree(tree) if !tree.is_open => true,
        _ => is_null_row(cx, cursor),
    }
}

/// First row; whether there is one.
#[inline]
pub(super) fn rewind(cx: &mut Context<'_>, cursor: Cursor) -> Step<bool> {
    match &mut cx.cursors[usize::from(cursor.0)] {
        Slot::Tree(tree) => {
            let found = ready!(btree(cx.storage, tree.db)?.first(tree.id));
            tree.moved(found);
            Ok(Some(found))
        }
        Slot::Ephemeral(cursor) => {
            let store = cx.stores.get_mut(cursor.store).ok_or_else(wrong_kind)?;
            Ok(Some(cursor.first(store)))
        }
        Slot::Sorter(_) => super::sorting::sort(cx, cursor),
        Slot::Groups(_) => Ok(Some(super::groups::sort(cx, cursor)?)),
        _ => Err(wrong_kind()),
    }
}

/// Last row; whether there is one.
pub(super) fn last(cx: &mut Context<'_>, cursor: Cursor) -> Step<bool> {
    match &mut cx.cursors[usize::from(cursor.0)] {
        Slot::Tree(tree) => {
            let found = ready!(btree(cx.storage, tree.db)?.last(tree.id));
            tree.moved(found);
            Ok(Some(found))
        }
        Slot::Ephemeral(cursor) => {
            let store = cx.stores.get(cursor.store).ok_or_else(wrong_kind)?;
            Ok(Some(cursor.last(store)))
        }
        _ => Err(wrong_kind()),
    }
}

/// Next row; whether there is one.
#[inline(always)]
pub(super) fn next(cx: &mut Context<'_>, cursor: Cursor) -> Step<bool> {
    if let Slot::Tree(tree) = &mut cx.cursors[usize::from(cursor.0)] {
        if tree.next_by_walk(cx.run.epoch) {
            return Ok(Some(true));
        }
        return tree.next(btree(cx.storage, tree.db)?, cx.run.epoch);
    }
    other_next(cx, cursor)
}

#[inline(never)]
fn other_next(cx: &mut Context<'_>, cursor: Cursor) -> Step<bool> {
    match &mut cx.cursors[usize::from(cursor.0)] {
        Slot::Ephemeral(cursor) => {
            let store = cx.stores.get(cursor.store).ok_or_else(wrong_kind)?;
            cursor.next(store).map(Some)
        }
        Slot::Sorter(_) => super::sorting::next(cx, cursor),
        _ => Err(wrong_kind()),
    }
}

/// Previous row; whether there is one.
pub(super) fn previous(cx: &mut Context<'_>, cursor: Cursor) -> Step<bool> {
    match &mut cx.cursors[usize::from(cursor.0)] {
        Slot::Tree(tree) => {
            let btree = btree(cx.storage, tree.db)?;
            if tree.walk.is_some() {
                ready!(tree.settle(btree));
            }
            let found = ready!(btree.previous(tree.id));
            tree.moved(found);
            Ok(Some(found))
        }
        Slot::Ephemeral(cursor) => {
            let store = cx.stores.get(cursor.store).ok_or_else(wrong_kind)?;
            cursor.previous(store).map(Some)
        }
        _ => Err(wrong_kind()),
    }
}

/// Whether there is no row at all. Moves the cursor to the first one.
pub(super) fn is_empty(cx: &mut Context<'_>, cursor: Cursor) -> Step<bool> {
    let found = ready!(rewind(cx, cursor));
    Ok(Some(!found))
}

/// Number of rows.
pub(super) fn count(cx: &mut Context<'_>, cursor: Cursor, out: Reg, estimate: bool) -> Step<()> {
    let count = match &mut cx.cursors[usize::from(cursor.0)] {
        Slot::Tree(tree) => {
            let btree = btree(cx.storage, tree.db)?;
            tree.moved(false);
            if estimate {
                ready!(btree.row_count_estimate(tree.id))
            } else {
                ready!(btree.count(tree.id)) as i64
            }
        }
        Slot::Ephemeral(cursor) => cx.stores.get(cursor.store).ok_or_else(wrong_kind)?.len() as i64,
        _ => return Err(wrong_kind()),
    };
    cx.registers[at(out)].set_integer(count);
    Ok(Some(()))
}

/// Whether the estimated number of rows lies in a range of logarithmic estimates.
pub(super) fn size_is_between(cx: &mut Context<'_>, cursor: Cursor, low: i16, high: i16) -> Step<bool> {
    if !ready!(rewind(cx, cursor)) {
        // An empty table is smaller than any estimate.
        return Ok(Some(low <= -1 && high >= -1));
    }
    let size = match &mut cx.cursors[usize::from(cursor.0)] {
        Slot::Tree(tree) => {
            let estimate = ready!(btree(cx.storage, tree.db)?.row_count_estimate(tree.id));
            log_estimate(estimate.max(0) as u64)
        }
        _ => return Err(wrong_kind()),
    };
    Ok(Some(low <= size && size <= high))
}

/// Ten times the binary logarithm, as SQLite's planner counts: 1 is 0, 2 is 10, 10 is 33.
fn log_estimate(number: u64) -> i16 {
    const BELOW_8: [i16; 8] = [0, 0, 10, 16, 20, 23, 26, 28];
    const FRACTION: [i16; 8] = [0, 2, 3, 5, 6, 7, 8, 9];
    if let Some(&estimate) = BELOW_8.get(number as usize) {
        return estimate;
    }
    let shift = 60 - number.leading_zeros() as i16;
    FRACTION[(number >> shift) as usize & 7] + shift * 10 + 30
}

/// Next value of the cursor's sequence.
pub(super) fn sequence(cx: &mut Context<'_>, cursor: Cursor) -> Result<i64, Error> {
    let sequence = match &mut cx.cursors[usize::from(cursor.0)] {
        Slot::Tree(tree) => &mut tree.sequence,
        Slot::Ephemeral(cursor) => &mut cursor.sequence,
        Slot::Sorter(sorter) => &mut sorter.sequence,
        _ => return Err(wrong_kind()),
    };
    let value = *sequence;
    *sequence += 1;
    Ok(value)
}

/// Forgets all rows of an ephemeral table or a sorter.
pub(super) fn clear(cx: &mut Context<'_>, cursor: Cursor) -> Result<(), Error> {
    match &mut cx.cursors[usize::from(cursor.0)] {
        Slot::Ephemeral(cursor) => {
            cx.stores.get_mut(cursor.store).ok_or_else(wrong_kind)?.clear();
            // Its sequence goes on: only the first row of all has number 0.
            let sequence = cursor.sequence;
            *cursor = EphemeralCursor::new(cursor.store, cursor.is_table);
            cursor.sequence = sequence;
        }
        Slot::Sorter(sorter) => sorter.sorter.clear(),
        _ => return Err(wrong_kind()),
    }
    Ok(())
}
