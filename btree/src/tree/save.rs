//! Saving a cursor's position while its tree changes, and finding it again.
//!
//! Before a tree is written through one cursor, the others on it remember the key of their entry and give up their path. The
//! next use seeks the key. When its entry is gone meanwhile, the cursor stands on a neighbour, and the next step in that
//! neighbour's direction stays there.
//!
//! Never: writing pages.

use std::cmp::Ordering;

use kernite_io::ready;

use crate::btree::{CursorPosition, SeekOutcome};
use crate::pager::Pager;
use crate::tree::cursor::{Cursor, CursorSlab, State};
use crate::tree::geometry::Geometry;
use crate::{PageNo, Step};

/// Remembers the key of the entry under the cursor. Does nothing for a cursor that is on none.
pub(crate) fn save(cursor: &mut Cursor, pager: &mut Pager, geometry: &Geometry) -> Step<()> {
    if !matches!(cursor.state, State::OnEntry | State::Neighbour) {
        // A chain that it remembers may be about to change all the same.
        cursor.overflow.clear();
        return Ok(Some(()));
    }
    let state = cursor.state;
    if state == State::Neighbour {
        // It was not looked at yet, and reading needs a cursor on an entry.
        cursor.land(cursor.index, pager, geometry)?;
    }
    if cursor.is_table() {
        cursor.saved_rowid = cursor.cell.rowid;
    } else {
        let mut key = std::mem::take(&mut cursor.saved_key);
        key.clear();
        let len = u64::from(cursor.cell.payload_len);
        let read = cursor.read_payload(0..len, &mut key, pager, geometry);
        cursor.saved_key = key;
        cursor.state = state;
        ready!(read);
    }
    if state == State::OnEntry {
        cursor.skip = 0;
    }
    cursor.state = State::Saved;
    cursor.at_last = false;
    cursor.overflow.clear();
    Ok(Some(()))
}

/// Saves all cursors on the tree at `root` (on all trees where `None`) but the one with index `except`. Whether there was any other.
pub(crate) fn save_others(
    cursors: &mut CursorSlab,
    root: Option<PageNo>,
    except: Option<u32>,
    pager: &mut Pager,
    geometry: &Geometry,
) -> Step<bool> {
    let mut any = false;
    for (index, cursor) in cursors.iter_mut() {
        if Some(index) != except && root.is_none_or(|root| root == cursor.root) {
            any = true;
            ready!(save(cursor, pager, geometry));
        }
    }
    Ok(Some(any))
}

/// Seeks the saved key of a cursor, where it has one.
pub(crate) fn restore(cursor: &mut Cursor, pager: &mut Pager, geometry: &Geometry) -> Step<CursorPosition> {
    match cursor.state {
        State::Saved => {}
        State::OnEntry => return Ok(Some(CursorPosition::Same)),
        State::Neighbour => return Ok(Some(CursorPosition::Moved)),
        State::Nowhere => return Ok(Some(CursorPosition::Nowhere)),
        State::Fault => return Err(cursor.not_on_entry()),
    }
    let outcome = if cursor.is_table() {
        cursor.seek_rowid(cursor.saved_rowid, pager, geometry)
    } else {
        let key = std::mem::take(&mut cursor.saved_key);
        let outcome = cursor.seek_record(&key, pager, geometry);
        cursor.saved_key = key;
        outcome
    };
    let outcome = match outcome {
        Ok(Some(outcome)) => outcome,
        Ok(None) => {
            cursor.state = State::Saved;
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    match outcome {
        SeekOutcome::Empty => return Ok(Some(CursorPosition::Nowhere)),
        SeekOutcome::At(Ordering::Less) => cursor.skip = -1,
        SeekOutcome::At(Ordering::Greater) => {
            cursor.skip = i8::from(!kernite_io::planted!(CursorRestoredPast));
        }
        // The saved entry may itself have been the neighbour of one that is gone: `skip` stays.
        SeekOutcome::At(Ordering::Equal) => {}
    }
    if cursor.skip == 0 {
        return Ok(Some(CursorPosition::Same));
    }
    cursor.state = State::Neighbour;
    Ok(Some(CursorPosition::Moved))
}
