//! Rows of `sqlite_schema`: inserting, changing, deleting them; the schema cookie.
//!
//! The instructions are written out here instead of compiling SQL text: the conditions are few and always the same.

use kernite_btree::{Encoding, ValueRef};
use kernite_vdbe::op::{Addr, CollationId, CompareFlags, ConstId, Cursor, Db, Op, Reg, TableId, WriteFlags};

use super::name::schema_table;
use crate::compile::{CompileResult, Compiler, action};

/// Number of columns of the schema table.
const COLUMNS: u16 = 5;
/// Their affinities: text, text, text, integer, text.
const AFFINITIES: &[u8] = b"BBBDB";

/// The columns, by place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Type = 0,
    Name = 1,
    Table = 2,
    Root = 3,
    Sql = 4,
}

/// A row to insert.
pub(super) struct Row<'r> {
    pub(super) kind: &'r str,
    pub(super) name: &'r [u8],
    pub(super) table: &'r [u8],
    /// Register with the root page; "none": 0.
    pub(super) root: Reg,
    /// `None`: NULL (the index of a constraint).
    pub(super) sql: Option<&'r [u8]>,
}

/// A text constant in the database's encoding, from UTF-8 bytes that need not be valid.
pub(crate) fn text(c: &mut Compiler<'_>, text: &[u8]) -> ConstId {
    if c.options.encoding == Encoding::Utf8 {
        return c.builder.constant(ValueRef::Text(text));
    }
    let mut converted = Vec::new();
    kernite_btree::encoding::convert(text, Encoding::Utf8, c.options.encoding, &mut converted);
    c.builder.constant(ValueRef::Text(&converted))
}

/// Says that the schema of a database is written. Several rows may change, so that an error undoes the statement.
pub(super) fn begin_write(c: &mut Compiler<'_>, db: Db) {
    c.notes.read_databases |= 1 << db.0;
    c.notes.write_databases |= 1 << db.0;
    let flags = c.builder.flags();
    flags.multi_write = true;
    flags.may_abort = true;
}

/// Opens a cursor for writing on the schema table.
pub(super) fn open(c: &mut Compiler<'_>, db: Db) -> Cursor {
    let cursor = c.builder.alloc_cursor();
    let tree = c.builder.tree(db, 1, None);
    c.builder.emit(Op::OpenWrite { cursor, tree, columns: COLUMNS, for_delete: false });
    cursor
}

/// Takes a rowid in the schema table for a row that will be written later; something stands there meanwhile.
pub(super) fn reserve(c: &mut Compiler<'_>, db: Db) -> Reg {
    let rowid = c.builder.alloc_reg();
    let cursor = open(c, db);
    c.builder.emit(Op::NewRowid { cursor, out: rowid, previous: Reg(0) });
    let first = c.builder.temp_range(u32::from(COLUMNS));
    let record = c.builder.temp_reg();
    c.builder.emit(Op::Null { first, last: first.plus(4), cleared: false });
    make_record(c, first, record);
    insert(c, cursor, record, rowid);
    c.builder.release_temp(record);
    c.builder.release_temp_range(first, u32::from(COLUMNS));
    c.builder.emit(Op::Close { cursor });
    rowid
}

/// Writes a row, under a rowid reserved for it or under a new one.
pub(super) fn write_row(c: &mut Compiler<'_>, db: Db, row: &Row<'_>, rowid: Option<Reg>) {
    let cursor = open(c, db);
    let at = rowid.unwrap_or_else(|| {
        let out = c.builder.alloc_reg();
        c.builder.emit(Op::NewRowid { cursor, out, previous: Reg(0) });
        out
    });
    let first = c.builder.temp_range(u32::from(COLUMNS));
    let record = c.builder.temp_reg();
    for (place, value) in [(0, row.kind.as_bytes()), (1, row.name), (2, row.table)] {
        let value = text(c, value);
        c.builder.emit(Op::Const { value, out: first.plus(place) });
    }
    let root = first.plus(Column::Root as u32);
    if row.root.is_some() {
        c.builder.emit(Op::SCopy { from: row.root, to: root });
    } else {
        c.builder.emit(Op::Integer { value: 0, out: root });
    }
    let sql = first.plus(Column::Sql as u32);
    match row.sql {
        Some(bytes) => {
            let value = text(c, bytes);
            c.builder.emit(Op::Const { value, out: sql });
        }
        None => {
            c.builder.emit(Op::Null { first: sql, last: sql, cleared: false });
        }
    }
    make_record(c, first, record);
    insert(c, cursor, record, at);
    c.builder.release_temp(record);
    c.builder.release_temp_range(first, u32::from(COLUMNS));
    c.builder.emit(Op::Close { cursor });
}

fn make_record(c: &mut Compiler<'_>, first: Reg, out: Reg) {
    let affinities = c.builder.affinity(AFFINITIES);
    c.builder.emit(Op::MakeRecord { first, count: u32::from(COLUMNS), out, affinities });
}

fn insert(c: &mut Compiler<'_>, cursor: Cursor, record: Reg, rowid: Reg) {
    let flags = WriteFlags { append: true, ..WriteFlags::default() };
    c.builder.emit(Op::Insert { cursor, record, rowid, table: TableId(0), flags });
}

/// Walks over the schema table. `body` is coded once; it jumps to the label it is given for rows that it leaves alone.
pub(super) fn scan(
    c: &mut Compiler<'_>,
    db: Db,
    body: impl FnOnce(&mut Compiler<'_>, Cursor, Addr) -> CompileResult<()>,
) -> CompileResult<()> {
    let cursor = open(c, db);
    let (end, next) = (c.builder.label(), c.builder.label());
    c.builder.emit(Op::Rewind { cursor, empty: end });
    let top = c.builder.here();
    body(c, cursor, next)?;
    c.builder.bind(next);
    c.builder.emit(Op::Next { cursor, to: top, counter: 0 });
    c.builder.bind(end);
    c.builder.emit(Op::Close { cursor });
    Ok(())
}

/// Goes on with rows whose column is (or, with `equal` false, is not) this text; others jump to `to`.
pub(super) fn require(
    c: &mut Compiler<'_>,
    cursor: Cursor,
    column: Column,
    equal: bool,
    value: &[u8],
    to: Addr,
) {
    let (left, right) = (c.builder.temp_reg(), c.builder.temp_reg());
    c.builder.emit(Op::Column { cursor, column: column as u16, out: left, default: ConstId(0), hint: 0 });
    let value = text(c, value);
    c.builder.emit(Op::Const { value, out: right });
    let flags = CompareFlags { affinity: 0, jump_if_null: true, null_eq: false };
    let collation = CollationId(0);
    c.builder.emit(if equal {
        Op::Ne { left, right, to, flags, collation }
    } else {
        Op::Eq { left, right, to, flags, collation }
    });
    c.builder.release_temp(right);
    c.builder.release_temp(left);
}

/// Deletes the row under a cursor of [`scan`].
pub(super) fn delete(c: &mut Compiler<'_>, cursor: Cursor) {
    let flags = WriteFlags { save_position: true, ..WriteFlags::default() };
    c.builder.emit(Op::Delete { cursor, table: TableId(0), flags });
}

/// Replaces columns of the row under a cursor of [`scan`]; a register each.
pub(super) fn update(c: &mut Compiler<'_>, cursor: Cursor, changes: &[(Column, Reg)]) {
    let (rowid, record) = (c.builder.temp_reg(), c.builder.temp_reg());
    let first = c.builder.temp_range(u32::from(COLUMNS));
    c.builder.emit(Op::Rowid { cursor, out: rowid });
    for place in 0..COLUMNS {
        let out = first.plus(u32::from(place));
        match changes.iter().find(|(column, _)| *column as u16 == place) {
            Some(&(_, from)) => {
                c.builder.emit(Op::SCopy { from, to: out });
            }
            None => {
                c.builder.emit(Op::Column { cursor, column: place, out, default: ConstId(0), hint: 0 });
            }
        }
    }
    make_record(c, first, record);
    let flags = WriteFlags { save_position: true, ..WriteFlags::default() };
    c.builder.emit(Op::Insert { cursor, record, rowid, table: TableId(0), flags });
    c.builder.release_temp_range(first, u32::from(COLUMNS));
    c.builder.release_temp(record);
    c.builder.release_temp(rowid);
}

/// Gives columns of the row of an object other values.
pub(super) fn rewrite(
    c: &mut Compiler<'_>,
    db: Db,
    kind: &[u8],
    name: &[u8],
    values: &[(Column, &[u8])],
) -> CompileResult<()> {
    let first = c.builder.alloc_regs(values.len() as u32);
    let mut changes = Vec::with_capacity(values.len());
    for (at, (column, value)) in values.iter().enumerate() {
        let (value, out) = (text(c, value), first.plus(at as u32));
        c.builder.emit(Op::Const { value, out });
        changes.push((*column, out));
    }
    scan(c, db, |c, cursor, next| {
        require(c, cursor, Column::Name, true, name, next);
        require(c, cursor, Column::Type, true, kind, next);
        update(c, cursor, &changes);
        Ok(())
    })
}

/// Changes the schema cookie: every connection reads the schema again.
pub(super) fn change_cookie(c: &mut Compiler<'_>, db: Db) {
    let cookie = c.catalog.database(db).map_or(0, |schema| schema.cookie);
    c.builder.emit(Op::SetCookie { db, field: 1, value: cookie.wrapping_add(1) });
}

/// Reads the rows of a table again, with its indexes.
pub(super) fn parse_table(c: &mut Compiler<'_>, db: Db, table: &[u8]) {
    let condition = [b"tbl_name='", &*escaped(table), b"' AND type!='trigger'"].concat();
    parse(c, db, &condition);
}

/// Reads the row of an index again.
pub(super) fn parse_index(c: &mut Compiler<'_>, db: Db, index: &[u8]) {
    parse(c, db, &[b"name='", &*escaped(index), b"' AND type='index'"].concat());
}

/// Reads the row of a trigger again.
pub(super) fn parse_trigger(c: &mut Compiler<'_>, db: Db, trigger: &[u8]) {
    parse(c, db, &[b"type='trigger' AND name='", &*escaped(trigger), b"'"].concat());
}

/// Reads everything again. `after` says what was done, for messages about rows that do not fit any more.
pub(super) fn parse_all(c: &mut Compiler<'_>, db: Db, after: &str) {
    parse(c, db, format!("1 /* {after} */").as_bytes());
}

fn parse(c: &mut Compiler<'_>, db: Db, condition: &[u8]) {
    let filter = c.builder.name(condition);
    c.builder.emit(Op::ParseSchema { db, filter });
}

fn escaped(name: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(name.len());
    for &byte in name {
        out.push(byte);
        if byte == b'\'' {
            out.push(byte);
        }
    }
    out
}

/// What SQLite's own UPDATE of a schema row asks the authorizer.
pub(super) fn authorize_row_update(c: &mut Compiler<'_>, db: Db) -> CompileResult<()> {
    let database = c.database_name(db).to_vec();
    let table = schema_table(db);
    for column in [&b"type"[..], b"name", b"tbl_name", b"rootpage", b"sql"] {
        c.authorize(action::UPDATE, Some(table), Some(column), Some(&database))?;
    }
    c.authorize_read(table, b"ROWID", db)?;
    Ok(())
}
