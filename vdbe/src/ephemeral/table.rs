//! Rows by rowid, in memory: materialised subqueries, queues of recursive queries, window partitions.
//!
//! Nearly all are filled with growing rowids and read from the front. So the rows are one sorted vector over an arena; appending
//! is a push, finding a rowid is first a guess (rowids without gaps are an array), then a binary search. A deleted row keeps its place,
//! marked, until the table is compacted.
//!
//! Always true: rowids ascend; `live` counts the rows that are not marked; rows before `first_live` are all marked.
//!
//! Never: compaction while a scan is under way other than at its start.

use kernite_btree::Error as StorageError;

use crate::Error;

/// A record length that marks a deleted row.
const DELETED: u32 = u32::MAX;

#[derive(Clone, Copy, Debug)]
struct Row {
    rowid: i64,
    at: usize,
    len: u32,
}

/// The table. Rows are named by their index, which stays valid until `version` changes.
#[derive(Debug, Default)]
pub(crate) struct RowTable {
    rows: Vec<Row>,
    bytes: Vec<u8>,
    live: usize,
    first_live: usize,
    /// Counts the changes that moved rows to other indexes.
    version: u32,
}

impl RowTable {
    /// Number of rows.
    pub(crate) fn len(&self) -> usize {
        self.live
    }

    /// Changes whenever indexes handed out before may name other rows.
    #[inline]
    pub(crate) fn version(&self) -> u32 {
        self.version
    }

    /// Forgets all rows.
    pub(crate) fn clear(&mut self) {
        self.rows.clear();
        self.bytes.clear();
        self.live = 0;
        self.first_live = 0;
        self.version = self.version.wrapping_add(1);
    }

    /// Inserts a row, or replaces the one with this rowid; its index.
    pub(crate) fn insert(&mut self, rowid: i64, record: &[u8]) -> Result<usize, Error> {
        let len = match u32::try_from(record.len()) {
            Ok(len) if len != DELETED => len,
            _ => return Err(Error::Storage(StorageError::TooBig)),
        };
        let no_memory = |_| Error::Storage(StorageError::NoMemory);
        self.bytes.try_reserve(record.len()).map_err(no_memory)?;
        let row = Row { rowid, at: self.bytes.len(), len };
        self.bytes.extend_from_slice(record);
        if self.rows.last().is_none_or(|last| last.rowid < rowid) {
            self.rows.try_reserve(1).map_err(no_memory)?;
            self.rows.push(row);
            self.live += 1;
            return Ok(self.rows.len() - 1);
        }
        let index = self.search(rowid);
        match self.rows.get_mut(index) {
            Some(old) if old.rowid == rowid => {
                self.live += usize::from(old.len == DELETED);
                *old = row;
            }
            _ => {
                self.rows.insert(index, row);
                self.live += 1;
                self.version = self.version.wrapping_add(1);
            }
        }
        self.first_live = self.first_live.min(index);
        Ok(index)
    }

    /// Deletes the row at `index`.
    pub(crate) fn delete(&mut self, index: usize) {
        if let Some(row) = self.rows.get_mut(index)
            && row.len != DELETED
        {
            row.len = DELETED;
            self.live -= 1;
            if index == self.first_live {
                self.first_live += 1;
            }
        }
    }

    /// The first index with a rowid not less than `rowid`, marked rows included.
    fn search(&self, rowid: i64) -> usize {
        // Rowids mostly count up without gaps.
        if let Some(first) = self.rows.first()
            && let Ok(guess) = usize::try_from(rowid.wrapping_sub(first.rowid))
            && self.rows.get(guess).is_some_and(|row| row.rowid == rowid)
        {
            return guess;
        }
        self.rows.partition_point(|row| row.rowid < rowid)
    }

    /// The row with this rowid.
    pub(crate) fn find(&self, rowid: i64) -> Option<usize> {
        let index = self.search(rowid);
        self.rows.get(index).filter(|row| row.rowid == rowid && row.len != DELETED).map(|_| index)
    }

    /// The first row with a rowid not less than `rowid`.
    pub(crate) fn at_least(&self, rowid: i64) -> Option<usize> {
        self.live_from(self.search(rowid))
    }

    /// The last row with a rowid not greater than `rowid`.
    pub(crate) fn at_most(&self, rowid: i64) -> Option<usize> {
        let index = self.search(rowid);
        match self.rows.get(index) {
            Some(row) if row.rowid == rowid => self.live_down_from(index),
            _ => self.live_down_from(index.checked_sub(1)?),
        }
    }

    /// The first row. Drops rows that were deleted, where they are many.
    pub(crate) fn first(&mut self) -> Option<usize> {
        const DEAD_MIN: usize = 1024;
        if self.live == 0 {
            self.clear();
            return None;
        }
        let dead = self.rows.len() - self.live;
        if dead > DEAD_MIN && dead > self.live {
            self.compact();
        }
        let first = self.live_from(self.first_live);
        self.first_live = first.unwrap_or(0);
        first
    }

    /// The last row.
    pub(crate) fn last(&self) -> Option<usize> {
        self.live_down_from(self.rows.len().checked_sub(1)?)
    }

    /// The row after `index`.
    #[inline]
    pub(crate) fn next(&self, index: usize) -> Option<usize> {
        self.live_from(index + 1)
    }

    /// The row before `index`.
    pub(crate) fn previous(&self, index: usize) -> Option<usize> {
        self.live_down_from(index.checked_sub(1)?)
    }

    #[inline]
    fn live_from(&self, mut index: usize) -> Option<usize> {
        while self.rows.get(index)?.len == DELETED {
            index += 1;
        }
        Some(index)
    }

    fn live_down_from(&self, mut index: usize) -> Option<usize> {
        while self.rows.get(index)?.len == DELETED {
            index = index.checked_sub(1)?;
        }
        Some(index)
    }

    /// The rowid at `index`, also of a row deleted meanwhile.
    #[inline]
    pub(crate) fn rowid(&self, index: usize) -> Option<i64> {
        self.rows.get(index).map(|row| row.rowid)
    }

    /// The record at `index`; `None` where it was deleted.
    #[inline]
    pub(crate) fn record(&self, index: usize) -> Option<&[u8]> {
        let row = self.rows.get(index).filter(|row| row.len != DELETED)?;
        self.bytes.get(row.at..row.at + row.len as usize)
    }

    fn compact(&mut self) {
        let old = std::mem::take(&mut self.bytes);
        self.rows.retain(|row| row.len != DELETED);
        for row in &mut self.rows {
            let record = old.get(row.at..row.at + row.len as usize).unwrap_or(&[]);
            row.at = self.bytes.len();
            self.bytes.extend_from_slice(record);
        }
        self.first_live = 0;
        self.version = self.version.wrapping_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// Random operations against a map, with a fixed sequence of pseudo-random numbers.
    #[test]
    fn behaves_as_an_ordered_map() {
        let mut table = RowTable::default();
        let mut model: BTreeMap<i64, Vec<u8>> = BTreeMap::new();
        let mut seed = 1u64;
        let mut random = |below: u64| {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (seed >> 33) % below
        };
        for step in 0..20_000 {
            match random(10) {
                0..=3 => {
                    let next = model.keys().next_back().map_or(1, |last| last + 1);
                    table.insert(next, &next.to_le_bytes()).unwrap();
                    model.insert(next, next.to_le_bytes().to_vec());
                }
                4 => {
                    let rowid = random(1000) as i64 - 500;
                    table.insert(rowid, b"replaced").unwrap();
                    model.insert(rowid, b"replaced".to_vec());
                }
                5..=7 => {
                    if let Some(first) = table.first() {
                        assert_eq!(table.rowid(first), model.keys().next().copied());
                        table.delete(first);
                        model.pop_first();
                    }
                }
                _ => {
                    let rowid = random(2000) as i64 - 500;
                    let found = table.find(rowid).and_then(|at| table.record(at));
                    assert_eq!(found, model.get(&rowid).map(Vec::as_slice));
                    let up = table.at_least(rowid).and_then(|at| table.rowid(at));
                    assert_eq!(up, model.range(rowid..).next().map(|(key, _)| *key));
                    let down = table.at_most(rowid).and_then(|at| table.rowid(at));
                    assert_eq!(down, model.range(..=rowid).next_back().map(|(key, _)| *key));
                }
            }
            assert_eq!(table.len(), model.len(), "step {step}");
        }
        let mut at = table.first();
        for (rowid, record) in &model {
            let index = at.unwrap();
            assert_eq!((table.rowid(index), table.record(index)), (Some(*rowid), Some(record.as_slice())));
            at = table.next(index);
        }
        assert_eq!(at, None);
    }
}
