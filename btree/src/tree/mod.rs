//! B-trees over pages: cells, cursors, balance, freelist, pointer map.

pub(crate) mod cell;
pub(crate) mod geometry;
pub(crate) mod page;
pub(crate) mod space;
