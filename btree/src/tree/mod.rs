//! B-trees over pages: cells, cursors, balance, freelist, pointer map.

mod auto_vacuum;
mod balance;
#[cfg(test)]
mod bed;
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
