//! B-trees over pages: cells, cursors, balance, freelist, pointer map.
