//! Cursors of ephemeral tables and indexes: a place in a store, found again after the store was changed.
//!
//! Always true: a place is used only under the version of the store that it was found in; else the cursor finds its row again by
//! rowid or by key.
//!
//! Never: I/O; nothing here yields.

use std::cmp::Ordering;

use crate::Error;
use crate::ephemeral::{KeyIndex, Place, Probe, RowTable};
pub(super) use crate::ephemeral::{Store, Stores};

use super::slot::{RowCache, wrong_kind};

/// Where the cursor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spot {
    Nowhere,
    /// On a row of a table: its index.
    Row(usize),
    /// On a key of an index, and its place in the arena.
    Key(Place, u64),
    /// The key is gone; what came after it is here.
    Gap(Place),
}

/// A cursor of a store.
pub(super) struct EphemeralCursor {
    pub(super) store: usize,
    pub(super) is_table: bool,
    pub(super) null_row: bool,
    pub(super) row: RowCache,
    pub(super) sequence: i64,
    spot: Spot,
    version: u32,
    epoch: u32,
    rowid: i64,
}

impl EphemeralCursor {
    pub(super) fn new(store: usize, is_table: bool) -> EphemeralCursor {
        EphemeralCursor {
            store,
            is_table,
            null_row: true,
            row: RowCache::default(),
            sequence: 0,
            spot: Spot::Nowhere,
            version: 0,
            epoch: 0,
            rowid: 0,
        }
    }

    fn stand_on_row(&mut self, table: &RowTable, at: Option<usize>) -> bool {
        self.row.forget();
        self.version = table.version();
        self.null_row = at.is_none();
        match at {
            Some(at) => {
                self.spot = Spot::Row(at);
                self.rowid = table.rowid(at).unwrap_or(0);
            }
            None => self.spot = Spot::Nowhere,
        }
        at.is_some()
    }

    fn stand_on_key(&mut self, index: &KeyIndex, place: Option<Place>) -> bool {
        self.row.forget();
        self.version = index.version();
        self.epoch = index.epoch();
        let arena = place.and_then(|place| index.arena_place(place));
        self.spot = match (place, arena) {
            (Some(place), Some(arena)) => Spot::Key(place, arena),
            _ => Spot::Nowhere,
        };
        self.null_row = self.spot == Spot::Nowhere;
        !self.null_row
    }

    /// Goes to the null row; there is no row before or after it.
    pub(super) fn leave(&mut self) {
        self.spot = Spot::Nowhere;
        self.null_row = true;
    }

    /// First row; whether there is one.
    pub(super) fn first(&mut self, store: &mut Store) -> bool {
        match store {
            Store::Table(table) => {
                let at = table.first();
                self.stand_on_row(table, at)
            }
            Store::Index(index) => {
                let place = index.first();
                self.stand_on_key(index, place)
            }
        }
    }

    /// Last row.
    pub(super) fn last(&mut self, store: &Store) -> bool {
        match store {
            Store::Table(table) => self.stand_on_row(table, table.last()),
            Store::Index(index) => self.stand_on_key(index, index.last()),
        }
    }

    /// Next row.
    #[inline]
    pub(super) fn next(&mut self, store: &Store) -> Result<bool, Error> {
        match store {
            Store::Table(table) => {
                let at = match self.spot {
                    Spot::Row(at) if self.version == table.version() => table.next(at),
                    Spot::Row(_) => self.rowid.checked_add(1).and_then(|rowid| table.at_least(rowid)),
                    _ => None,
                };
                Ok(self.stand_on_row(table, at))
            }
            Store::Index(index) => {
                self.find_key(index)?;
                let place = match self.spot {
                    Spot::Key(place, _) => index.next(place),
                    Spot::Gap(place) => index.arena_place(place).map(|_| place),
                    _ => None,
                };
                Ok(self.stand_on_key(index, place))
            }
        }
    }

    /// Previous row.
    pub(super) fn previous(&mut self, store: &Store) -> Result<bool, Error> {
        match store {
            Store::Table(table) => {
                let at = match self.spot {
                    Spot::Row(at) if self.version == table.version() => table.previous(at),
                    Spot::Row(_) => self.rowid.checked_sub(1).and_then(|rowid| table.at_most(rowid)),
                    _ => None,
                };
                Ok(self.stand_on_row(table, at))
            }
            Store::Index(index) => {
                self.find_key(index)?;
                let place = match self.spot {
                    Spot::Key(place, _) | Spot::Gap(place) => index.previous(place),
                    _ => None,
                };
                Ok(self.stand_on_key(index, place))
            }
        }
    }

    /// The row with this rowid; whether there is one.
    pub(super) fn seek_rowid(&mut self, table: &RowTable, rowid: i64) -> bool {
        self.stand_on_row(table, table.find(rowid))
    }

    /// The nearest row from `rowid` on upwards or downwards.
    pub(super) fn seek_near_rowid(&mut self, table: &RowTable, rowid: i64, upwards: bool) -> bool {
        let at = if upwards { table.at_least(rowid) } else { table.at_most(rowid) };
        self.stand_on_row(table, at)
    }

    /// The first key not less than the probe, equal ones counting as `when_equal`; or, downwards, the last one less.
    pub(super) fn seek_key(
        &mut self,
        index: &KeyIndex,
        probe: &Probe<'_>,
        when_equal: Ordering,
        upwards: bool,
    ) -> Result<bool, Error> {
        let place = index.seek(probe, when_equal)?;
        let place = if upwards { place } else { index.previous(place.unwrap_or_else(|| index.end())) };
        Ok(self.stand_on_key(index, place))
    }

    /// Goes to a key that is equal to the probe, which is `whole` where it has all columns of the key; whether there is one.
    pub(super) fn find(
        &mut self,
        index: &mut KeyIndex,
        probe: &Probe<'_>,
        whole: bool,
    ) -> Result<bool, Error> {
        let place = index.find(probe, whole)?;
        Ok(self.stand_on_key(index, place))
    }

    /// How the key under the cursor compares with the probe.
    pub(super) fn compare(
        &mut self,
        index: &KeyIndex,
        probe: &Probe<'_>,
        when_equal: Ordering,
    ) -> Result<Ordering, Error> {
        self.find_key(index)?;
        match self.spot {
            Spot::Key(place, _) => index.compare(place, probe, when_equal),
            _ => Ok(Ordering::Greater),
        }
    }

    /// Puts a row in, or in place of the one with this rowid.
    pub(super) fn insert_row(
        &mut self,
        table: &mut RowTable,
        rowid: i64,
        record: &[u8],
    ) -> Result<(), Error> {
        let at = table.insert(rowid, record)?;
        self.stand_on_row(table, Some(at));
        Ok(())
    }

    /// Deletes the row under the cursor, which then stands before the one that followed.
    pub(super) fn delete(&mut self, store: &mut Store) -> Result<(), Error> {
        self.row.forget();
        match store {
            Store::Table(table) => {
                let at = match self.spot {
                    Spot::Row(at) if self.version == table.version() => Some(at),
                    Spot::Row(_) => table.find(self.rowid),
                    _ => None,
                };
                if let Some(at) = at {
                    table.delete(at);
                }
            }
            Store::Index(index) => {
                self.find_key(index)?;
                if let Spot::Key(place, _) = self.spot {
                    index.remove(place);
                    self.spot = Spot::Gap(settled(index, place));
                    self.version = index.version();
                }
            }
        }
        Ok(())
    }

    /// The record under the cursor; `None` where there is none any more.
    #[inline]
    pub(super) fn record<'a>(&mut self, store: &'a Store) -> Result<Option<&'a [u8]>, Error> {
        if self.null_row {
            return Ok(None);
        }
        match store {
            Store::Table(table) => {
                if self.version != table.version() {
                    let at = table.find(self.rowid);
                    self.row.forget();
                    self.version = table.version();
                    match at {
                        Some(at) => self.spot = Spot::Row(at),
                        None => return Ok(None),
                    }
                }
                match self.spot {
                    Spot::Row(at) => Ok(table.record(at)),
                    _ => Ok(None),
                }
            }
            Store::Index(index) => {
                self.find_key(index)?;
                match self.spot {
                    Spot::Key(place, _) => Ok(index.record(place)),
                    _ => Ok(None),
                }
            }
        }
    }

    /// The rowid under the cursor.
    #[inline]
    pub(super) fn rowid(&self) -> Option<i64> {
        (!self.null_row).then_some(self.rowid)
    }

    /// Finds the key again after the index was changed.
    #[inline]
    fn find_key(&mut self, index: &KeyIndex) -> Result<(), Error> {
        if self.version == index.version() && self.epoch == index.epoch() {
            return Ok(());
        }
        self.find_key_again(index)
    }

    fn find_key_again(&mut self, index: &KeyIndex) -> Result<(), Error> {
        self.row.forget();
        let (Spot::Key(..) | Spot::Gap(_)) = self.spot else {
            self.version = index.version();
            self.epoch = index.epoch();
            return Ok(());
        };
        let Spot::Key(_, arena) = self.spot else { return Err(lost()) };
        if self.epoch != index.epoch() {
            return Err(lost());
        }
        let (place, is_there) = index.find_again(arena)?;
        self.version = index.version();
        self.spot = if is_there {
            Spot::Key(place, index.arena_place(place).unwrap_or(arena))
        } else {
            Spot::Gap(settled(index, place))
        };
        Ok(())
    }
}

/// The place where the key after a gap is.
fn settled(index: &KeyIndex, place: Place) -> Place {
    index.settle(place).unwrap_or_else(|| index.end())
}

/// No program that we generate scans an ephemeral index with one cursor while another one empties it and starts over.
#[cold]
fn lost() -> Error {
    Error::Program { at: 0, what: "ephemeral cursor lost its place" }
}

/// The index of a store.
pub(super) fn index_of(store: Option<&Store>) -> Result<&KeyIndex, Error> {
    match store {
        Some(Store::Index(index)) => Ok(index),
        _ => Err(wrong_kind()),
    }
}

/// The table of a store.
pub(super) fn table_of(store: Option<&Store>) -> Result<&RowTable, Error> {
    match store {
        Some(Store::Table(table)) => Ok(table),
        _ => Err(wrong_kind()),
    }
}
