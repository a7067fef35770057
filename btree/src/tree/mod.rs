//! B-trees over pages: cells, cursors, balance, freelist, pointer map.

pub(crate) mod cell;
pub(crate) mod cursor;
pub(crate) mod geometry;
mod moves;
pub(crate) mod page;
mod payload;
mod save;
mod seek;
pub(crate) mod space;
