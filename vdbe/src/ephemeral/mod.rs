//! Private tables and indexes of one statement: what SQLite keeps in ephemeral b-trees.
//!
//! They live in memory, are seen by nobody else, are never rolled back and never damaged, so they need no pages: `table` has rows by
//! rowid, `index` keys in order. Several cursors may stand on one of them ([`Stores`] owns it); a cursor finds its place again
//! after a change made through another one.
//!
//! Never: files. What is kept here counts against memory.

mod index;
mod table;

pub(crate) use index::{KeyIndex, Place, Probe};
pub(crate) use table::RowTable;

use std::sync::Arc;

use kernite_btree::KeyInfo;

/// A table or an index.
pub(crate) enum Store {
    Table(RowTable),
    Index(Box<KeyIndex>),
}

impl Store {
    pub(crate) fn new(key: Option<&Arc<KeyInfo>>) -> Store {
        match key {
            None => Store::Table(RowTable::default()),
            Some(key) => Store::Index(Box::new(KeyIndex::new(Arc::clone(key)))),
        }
    }

    /// Number of rows or keys.
    pub(crate) fn len(&self) -> usize {
        match self {
            Store::Table(table) => table.len(),
            Store::Index(index) => index.len(),
        }
    }

    /// Forgets all rows.
    pub(crate) fn clear(&mut self) {
        match self {
            Store::Table(table) => table.clear(),
            Store::Index(index) => index.clear(),
        }
    }
}

/// The ephemeral tables and indexes of a frame, by number.
#[derive(Default)]
pub(crate) struct Stores {
    stores: Vec<Store>,
}

impl Stores {
    /// Adds a store; its number.
    pub(crate) fn add(&mut self, store: Store) -> usize {
        self.stores.push(store);
        self.stores.len() - 1
    }

    pub(crate) fn get(&self, at: usize) -> Option<&Store> {
        self.stores.get(at)
    }

    pub(crate) fn get_mut(&mut self, at: usize) -> Option<&mut Store> {
        self.stores.get_mut(at)
    }

    /// Forgets all of them.
    pub(crate) fn clear(&mut self) {
        self.stores.clear();
    }
}
