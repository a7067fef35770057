//! Building an index: every row's key through a sorter into the tree.
//!
//! Used by CREATE INDEX and REINDEX. Keys arrive sorted, so that the tree is written from left to right. Equal keys of a UNIQUE index are
//! neighbours in the sorter.

use std::sync::Arc;

use kernite_vdbe::op::{Addr, Db, OnConflict, Op, Reg, WriteFlags};

use crate::catalog::{Index, Table};
use crate::codegen::dml;
use crate::compile::{CompileResult, Compiler, action};

/// Empties an index and builds it anew: REINDEX.
///
/// # Errors
/// Not authorized.
pub(super) fn refill(c: &mut Compiler<'_>, table: &Arc<Table>, index: &Arc<Index>) -> CompileResult<()> {
    super::schema_table::begin_write(c, table.db);
    fill(c, table, index, None)
}

/// Puts the keys of all rows into an index. `root`: register with the root page of a new tree; otherwise the index's own tree is emptied
/// first.
pub(super) fn fill(
    c: &mut Compiler<'_>,
    table: &Arc<Table>,
    index: &Arc<Index>,
    root: Option<Reg>,
) -> CompileResult<()> {
    let database = c.database_name(table.db).to_vec();
    if !c.authorize(action::REINDEX, Some(&index.name), None, Some(&database))? {
        return Ok(());
    }
    let (data, tree, sorter) = (c.builder.alloc_cursor(), c.builder.alloc_cursor(), c.builder.alloc_cursor());
    let info = c.index_key(index)?;
    let key = c.builder.key_info(Arc::clone(&info));
    let columns = index.columns.len() as u16;
    c.builder.emit(Op::SorterOpen { cursor: sorter, columns, key, limit: Reg(0) });
    open_table(c, table, data)?;
    let record = c.builder.temp_reg();
    let end = c.builder.label();
    c.builder.emit(Op::Rewind { cursor: data, empty: end });
    let top = c.builder.here();
    let entry = dml::index_key(c, table, index, data, record, false, true)?;
    c.builder.emit(Op::SorterInsert {
        cursor: sorter,
        record,
        first: entry.first,
        count: entry.count as u16,
    });
    dml::bind_skip(c, entry);
    c.builder.emit(Op::Next { cursor: data, to: top, counter: 0 });
    c.builder.bind(end);
    match root {
        Some(root) => {
            c.builder.emit(Op::OpenWriteReg { cursor: tree, db: table.db, root, key, columns });
        }
        None => {
            let id = c.builder.tree(table.db, index.root.get(), Some(info));
            c.builder.emit(Op::Clear { tree: id, count: Reg(0), count_change: false });
            c.builder.emit(Op::OpenWrite { cursor: tree, tree: id, columns, for_delete: false });
        }
    }
    let done = c.builder.label();
    c.builder.emit(Op::SorterSort { cursor: sorter, empty: done });
    let top = code_unique_check(c, table, index, sorter, record);
    c.builder.emit(Op::SorterData { cursor: sorter, out: record, pseudo: tree });
    // In the order of the sorter each entry comes after the one before it.
    let flags = WriteFlags { append: true, use_seek_result: true, ..WriteFlags::default() };
    c.builder.emit(Op::IdxInsert { cursor: tree, record, first: Reg(0), count: 0, flags });
    c.builder.emit(Op::SorterNext { cursor: sorter, to: top });
    c.builder.bind(done);
    c.builder.release_temp(record);
    for cursor in [data, tree, sorter] {
        c.builder.emit(Op::Close { cursor });
    }
    Ok(())
}

/// In a UNIQUE index, compares each key with the one before it. Gives the head of the loop.
fn code_unique_check(
    c: &mut Compiler<'_>,
    table: &Arc<Table>,
    index: &Arc<Index>,
    sorter: kernite_vdbe::op::Cursor,
    record: Reg,
) -> Addr {
    if !index.unique {
        return c.builder.here();
    }
    let first = c.builder.label();
    c.builder.emit(Op::Goto { to: first });
    let top = c.builder.here();
    c.builder.emit(Op::SorterCompare { cursor: sorter, record, count: index.key_columns as u16, to: first });
    dml::halt_unique(c, table, index, OnConflict::Abort);
    c.builder.bind(first);
    top
}

/// Opens the tree of a table for reading.
fn open_table(
    c: &mut Compiler<'_>,
    table: &Arc<Table>,
    cursor: kernite_vdbe::op::Cursor,
) -> CompileResult<()> {
    let columns = table.columns.len() as u16;
    let (root, key) = match table.primary_key_index().filter(|_| table.without_rowid).cloned() {
        Some(primary) => (primary.root.get(), Some(c.index_key(&primary)?)),
        None => (table.root.map_or(0, kernite_btree::PageNo::get), None),
    };
    let db: Db = table.db;
    let tree = c.builder.tree(db, root, key);
    c.builder.emit(Op::OpenRead { cursor, tree, columns, seek_equal: false });
    Ok(())
}
