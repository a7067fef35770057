//! Inserting beside the entry on which the cursor stands: what most inserts are, done without a search and without a change.
//!
//! ```text
//! … a  b  d  e …      the cursor stands on b or d, and c goes between them
//! ```
//!
//! The place is known where a seek for the key has just come to rest there, or where the cursor is on the last row of its tree and the new
//! rowid is larger. If the leaf then has room in its gap and may be written as it is, the cell is written at once.
//!
//! Always true: where it says no, nothing has changed, and the general way (`insert.rs`) is taken.
//! Never: replacing, overflow pages, images, balance.

use std::cmp::Ordering;

use crate::btree::{CursorId, InsertFlags, RowPayload, SeekOutcome};
use crate::pager::{FREE_UNKNOWN, Pager};
use crate::tree::cell::{CellHead, CellInfo};
use crate::tree::chain::LongChain;
use crate::tree::cursor::{Cursor, State};
use crate::tree::space;
use crate::tree::trees::Trees;

impl Trees {
    /// Inserts beside the cursor's entry if that is simple; whether it was.
    #[inline]
    pub(super) fn insert_beside(
        &mut self,
        pager: &mut Pager,
        id: CursorId,
        payload: RowPayload<'_>,
        flags: InsertFlags,
    ) -> bool {
        let geometry = &self.geometry;
        let (rowid, record, most) = match payload {
            RowPayload::Table { rowid, record, zero_tail: 0 } => (Some(rowid), record, geometry.max_leaf),
            RowPayload::Index { record } => (None, record, geometry.max_local),
            RowPayload::Table { .. } => return false,
        };
        let Ok(cursor) = self.cursors.get_mut(id) else { return false };
        let is_simple = cursor.state == State::OnEntry
            && cursor.leaf
            && !cursor.shared
            && record.len() <= most
            && self.blob_handles == 0
            && matches!(self.long_chain, LongChain::None);
        if !is_simple {
            return false;
        }
        let Some(ordering) = order_of_entry(cursor, rowid, flags.seek_result) else { return false };
        let Some((page, header)) = pager.writable(cursor.frame) else { return false };
        if header.free_bytes == FREE_UNKNOWN || cursor.count != header.count() {
            return false;
        }
        let index = cursor.index + u32::from(ordering == Ordering::Less);
        let head = CellHead::leaf(rowid, record.len() as u64, geometry);
        let Some(at) = space::insert_in_gap(page, header, index as usize, head.size, geometry) else {
            return false;
        };
        let cell = &mut page[at..at + head.size];
        let skip = head.write(cell);
        cell[skip..skip + record.len()].copy_from_slice(record);
        cursor.cell = CellInfo {
            rowid: rowid.unwrap_or_default(),
            payload_len: record.len() as u32,
            payload_at: (at + skip) as u32,
            local: record.len() as u32,
            size: head.size as u32,
        };
        cursor.index = index;
        cursor.count += 1;
        cursor.at_last &= ordering == Ordering::Less;
        true
    }
}

/// How the cursor's entry compares to the new one, if that is known and the new one's place is beside it.
#[inline(always)]
fn order_of_entry(cursor: &Cursor, rowid: Option<i64>, sought: Option<SeekOutcome>) -> Option<Ordering> {
    if rowid.is_some() != cursor.is_table() {
        return None;
    }
    let sought = match sought {
        Some(SeekOutcome::At(ordering)) => Some(ordering),
        _ => None,
    };
    let ordering = match rowid {
        Some(rowid) => {
            let ordering = cursor.cell.rowid.cmp(&rowid);
            let is_known = sought == Some(ordering) || cursor.at_last && ordering == Ordering::Less;
            is_known.then_some(ordering)?
        }
        None => sought?,
    };
    (ordering != Ordering::Equal).then_some(ordering)
}
