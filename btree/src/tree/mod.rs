//! B-trees over pages: cells, cursors, balance, freelist, pointer map.
//!
//! ```text
//! face ── Btree's methods for trees and cursors
//!   trees ── cursors and buffers of one database; what an operation keeps when it has to wait
//!     cursor, moves, seek, payload, save ── where a cursor is, and how it gets elsewhere
//!     insert, beside, delete, roots ── changes of one entry, of whole trees
//!       balance, siblings, distribute ── keeping pages full enough
//!       change ── pages that are written together or not at all
//!         chain, freelist, pointer_map, auto_vacuum ── pages that are not B-tree pages
//!   geometry, page, cell, space ── bytes of one page, no I/O
//!   integrity, meta
//! ```
//!
//! Functions on bytes return [`crate::Damage`]; those that know the page make an [`crate::Error`] of it.

mod auto_vacuum;
mod balance;
#[cfg(test)]
mod bed;
mod beside;
pub(crate) mod cell;
mod chain;
pub(crate) mod change;
pub(crate) mod cursor;
#[cfg(test)]
mod damage;
mod delete;
mod distribute;
mod face;
mod freelist;
pub(crate) mod geometry;
mod insert;
mod integrity;
mod leaf_walk;
pub(crate) mod meta;
#[cfg(test)]
mod model;
mod moves;
pub(crate) mod page;
mod payload;
mod pointer_map;
mod roots;
mod save;
mod seek;
mod siblings;
pub(crate) mod space;
pub(crate) mod trees;

pub use leaf_walk::LeafWalk;
