//! ANALYZE: how many rows there are, and how many share each prefix of an index's key.
//!
//! Each index is walked once. Beside every key column stands a counter of the prefixes that ended with it; a row bumps the counters from the
//! first column on that differs from the row before. The counts, the sums and the text that `sqlite_stat1` gets are plain instructions.
//!
//! With `analysis_limit` the walk stops at that many rows, but goes on behind all keys with the same first column as long as it has seen only
//! one such value.
//!
//! Never: `sqlite_stat4`.
//! Spec: "ANALYZE"; Database File Format, "The sqlite_stat1 table".

use std::sync::Arc;

use kernite_parser::ast;
use kernite_vdbe::op::{
    Addr, CollationId, CompareFlags, ConstId, Cursor, Db, KeyInfoId, Op, Reg, TableId, WriteFlags,
};

use super::create_table::create_system_table;
use super::drop::clear_statistics_in;
use super::schema_table as rows;
use crate::catalog::{Index, IndexOrigin, Table, TableKind};
use crate::codegen::column;
use crate::compile::{CompileResult, Compiler, action};

const STATISTICS: &[u8] = b"sqlite_stat1";
const STATISTICS_SQL: &[u8] = b"CREATE TABLE sqlite_stat1(tbl,idx,stat)";

/// Codes ANALYZE: everything but temp, one database, one table, or one index.
///
/// # Errors
/// `no such table: x`, `unknown database x`.
pub fn analyze(c: &mut Compiler<'_>, name: Option<ast::QualifiedName>) -> CompileResult<()> {
    let ast = Arc::clone(&c.ast);
    match name {
        None => {
            for number in 0..c.catalog.databases.len() {
                let db = u8::try_from(number).ok().map(Db).filter(|&db| db != Db(1));
                if let Some(db) = db.filter(|&db| c.catalog.database(db).is_some()) {
                    analyze_database(c, db)?;
                }
            }
        }
        Some(name) => {
            let database = match name.schema {
                None => c.catalog.find_database(ast.name(name.name)),
                Some(_) => None,
            };
            match database {
                Some(db) => analyze_database(c, db)?,
                None => analyze_object(c, name)?,
            }
        }
    }
    c.emit(Op::Expire { others_only: false });
    Ok(())
}

fn analyze_object(c: &mut Compiler<'_>, name: ast::QualifiedName) -> CompileResult<()> {
    let ast = Arc::clone(&c.ast);
    let database = name.schema.map(|schema| ast.name(schema));
    if database.is_some() {
        c.locate_database(database, Db(0))?;
    }
    let object = ast.name(name.name);
    if let Some(index) = c.find_index(object, database) {
        let table = c.catalog.database(index.db).and_then(|schema| schema.table(&index.table)).cloned();
        return match table {
            Some(table) => analyze_table(c, &table, Some(&index)),
            None => Ok(()),
        };
    }
    let table = c.locate_table(object, database, false)?;
    analyze_table(c, &table, None)
}

fn analyze_database(c: &mut Compiler<'_>, db: Db) -> CompileResult<()> {
    let Some(schema) = c.catalog.database(db).cloned() else { return Ok(()) };
    let statistics = Statistics::open(c, db, None)?;
    for table in schema.listed() {
        statistics.table(c, table, None)?;
    }
    c.emit(Op::LoadAnalysis { db });
    Ok(())
}

fn analyze_table(c: &mut Compiler<'_>, table: &Arc<Table>, only: Option<&Arc<Index>>) -> CompileResult<()> {
    let old = match only {
        Some(index) => (&b"idx"[..], &*index.name),
        None => (&b"tbl"[..], &*table.name),
    };
    let statistics = Statistics::open(c, table.db, Some(old))?;
    statistics.table(c, table, only)?;
    c.emit(Op::LoadAnalysis { db: table.db });
    Ok(())
}

/// `sqlite_stat1`, opened, and the registers of a row for it.
struct Statistics {
    db: Db,
    cursor: Cursor,
    /// Table, index, text: three registers.
    row: Reg,
    record: Reg,
    rowid: Reg,
}

impl Statistics {
    /// Opens the table, makes it if it is not there, and takes out what is about to be counted anew.
    fn open(c: &mut Compiler<'_>, db: Db, old: Option<(&[u8], &[u8])>) -> CompileResult<Statistics> {
        rows::begin_write(c, db);
        let known = c.catalog.database(db).and_then(|schema| schema.table(STATISTICS)).cloned();
        let cursor = c.cursor();
        match known {
            Some(table) => {
                match old {
                    Some((column, name)) => clear_statistics_in(c, &table, column, name)?,
                    None => {
                        let root = table.root.map_or(0, kernite_btree::PageNo::get);
                        let tree = c.builder.tree(db, root, None);
                        c.emit(Op::Clear { tree, count: Reg(0), count_change: false });
                    }
                }
                column::open_write(c, cursor, &table, false)?;
            }
            None => {
                super::create_table::begin(c, db);
                rows::change_cookie(c, db);
                let root = create_system_table(c, db, STATISTICS, STATISTICS_SQL)?;
                c.emit(Op::OpenWriteReg { cursor, db, root, key: KeyInfoId(0), columns: 3 });
            }
        }
        let row = c.builder.alloc_regs(3);
        Ok(Statistics { db, cursor, row, record: c.reg(), rowid: c.reg() })
    }

    /// Counts a table and its indexes, or one of them.
    fn table(
        &self,
        c: &mut Compiler<'_>,
        table: &Arc<Table>,
        only: Option<&Arc<Index>>,
    ) -> CompileResult<()> {
        let is_internal = table.name.get(..7).is_some_and(|head| head.eq_ignore_ascii_case(b"sqlite_"));
        if !matches!(table.kind, TableKind::Ordinary) || is_internal {
            return Ok(());
        }
        let database = c.database_name(self.db).to_vec();
        if !c.authorize(action::ANALYZE, Some(&table.name), None, Some(&database))? {
            return Ok(());
        }
        let data = c.cursor();
        column::open_read(c, data, table, None)?;
        let name = rows::text(c, &table.name);
        c.emit(Op::Const { value: name, out: self.row });
        let mut needs_count = true;
        for index in table.indexes.iter().rev() {
            if only.is_some_and(|only| only.name != index.name) {
                continue;
            }
            needs_count &= index.filter.is_some();
            self.index(c, table, index)?;
        }
        if only.is_none() && needs_count {
            c.emit(Op::Count { cursor: data, out: self.row.plus(2), estimate: false });
            let empty = c.label();
            c.emit(Op::IfNot { value: self.row.plus(2), to: empty, jump_if_null: true });
            c.nulls(self.row.plus(1), 1);
            self.insert(c);
            c.bind(empty);
        }
        c.emit(Op::Close { cursor: data });
        Ok(())
    }

    fn insert(&self, c: &mut Compiler<'_>) {
        let affinities = c.builder.affinity(b"BBB");
        c.emit(Op::MakeRecord { first: self.row, count: 3, out: self.record, affinities });
        c.emit(Op::NewRowid { cursor: self.cursor, out: self.rowid, previous: Reg(0) });
        let flags = WriteFlags { append: true, ..WriteFlags::default() };
        let (cursor, record, rowid) = (self.cursor, self.record, self.rowid);
        c.emit(Op::Insert { cursor, record, rowid, table: TableId(0), flags });
    }

    fn index(&self, c: &mut Compiler<'_>, table: &Arc<Table>, index: &Arc<Index>) -> CompileResult<()> {
        let is_table = table.without_rowid && index.origin == IndexOrigin::PrimaryKey;
        let name = rows::text(c, if is_table { &table.name } else { &index.name });
        c.emit(Op::Const { value: name, out: self.row.plus(1) });
        let cursor = c.cursor();
        let key = c.index_key(index)?;
        let tree = c.builder.tree(index.db, index.root.get(), Some(key));
        let columns = index.columns.len() as u16;
        c.emit(Op::OpenRead { cursor, tree, columns, seek_equal: false });
        let walk = Walk::new(c, index, cursor);
        let empty = c.label();
        walk.code(c, index, empty)?;
        if index.filter.is_some() {
            // A partial index without entries says so; an index of an empty table says nothing.
            c.bind(empty);
        }
        walk.code_text(c, self.row.plus(2));
        self.insert(c);
        if index.filter.is_none() {
            c.bind(empty);
        }
        c.emit(Op::Close { cursor });
        Ok(())
    }
}

/// The walk over an index.
struct Walk {
    cursor: Cursor,
    /// Columns of the key, and how many of them are compared: the last one of a unique key always differs.
    columns: u32,
    compared: u32,
    /// Rows seen; what the table is thought to have.
    row_count: Reg,
    estimate: Reg,
    /// Prefixes that ended, per column; the columns of the row before.
    ended: Reg,
    previous: Reg,
    /// Rows at which a limited walk looks up.
    limit: i32,
    next_limit: Reg,
    scratch: Reg,
}

/// NULLs are equal here.
const AS_KEYS: CompareFlags = CompareFlags { affinity: 0, jump_if_null: false, null_eq: true };

impl Walk {
    fn new(c: &mut Compiler<'_>, index: &Index, cursor: Cursor) -> Walk {
        let columns = index.key_columns.max(1) as u32;
        let compared = if index.unique_not_null { columns - 1 } else { columns };
        Walk {
            cursor,
            columns,
            compared,
            row_count: c.reg(),
            estimate: c.reg(),
            ended: c.builder.alloc_regs(columns),
            previous: c.builder.alloc_regs(columns),
            limit: c.options.analysis_limit,
            next_limit: c.reg(),
            scratch: c.builder.alloc_regs(2),
        }
    }

    fn code(&self, c: &mut Compiler<'_>, index: &Index, empty: Addr) -> CompileResult<()> {
        let cursor = self.cursor;
        c.integer(0, self.row_count);
        c.integer(0, self.estimate);
        for at in 0..self.columns {
            // The first row ends no prefix.
            c.integer(-1, self.ended.plus(at));
        }
        c.emit(Op::Rewind { cursor, empty });
        if self.limit > 0 {
            c.integer(self.limit, self.next_limit);
        }
        let changed: Vec<Addr> = (0..=self.compared).map(|_| c.label()).collect();
        c.goto(changed[0]);
        let top = c.here();
        for at in 0..self.compared {
            let collation = index.collations.get(at as usize).and_then(|name| name.as_deref());
            let collation = c.collation_id(collation)?;
            self.read(c, at, self.scratch);
            let (left, right, to) = (self.scratch, self.previous.plus(at), changed[at as usize]);
            c.emit(Op::Ne { left, right, to, flags: AS_KEYS, collation });
        }
        c.goto(changed[self.compared as usize]);
        for at in 0..self.compared {
            c.bind(changed[at as usize]);
            self.read(c, at, self.previous.plus(at));
            c.emit(Op::AddImm { value: self.ended.plus(at), amount: 1 });
        }
        c.bind(changed[self.compared as usize]);
        for at in self.compared..self.columns {
            c.emit(Op::AddImm { value: self.ended.plus(at), amount: 1 });
        }
        c.emit(Op::AddImm { value: self.row_count, amount: 1 });
        let done = c.label();
        if self.limit > 0 {
            self.code_limit(c, done);
        }
        c.emit(Op::Next { cursor, to: top, counter: 0 });
        c.bind(done);
        Ok(())
    }

    fn read(&self, c: &mut Compiler<'_>, at: u32, out: Reg) {
        let cursor = self.cursor;
        c.emit(Op::Column { cursor, column: at as u16, out, default: ConstId(0), hint: column::HINT_NONE });
    }

    /// At the limit: behind the keys with this first column, or to the end if another value of it was seen.
    fn code_limit(&self, c: &mut Compiler<'_>, done: Addr) {
        let go_on = c.label();
        let (flags, collation) =
            (CompareFlags { affinity: 0, jump_if_null: true, null_eq: false }, CollationId(0));
        c.emit(Op::Le { left: self.row_count, right: self.next_limit, to: go_on, flags, collation });
        c.integer(self.limit, self.scratch);
        let (left, right, out) = (self.next_limit, self.scratch, self.next_limit);
        c.emit(Op::Add { left, right, out });
        c.emit(Op::Count { cursor: self.cursor, out: self.estimate, estimate: true });
        if self.compared == 0 {
            c.goto(done);
        } else {
            c.emit(Op::If { value: self.ended, to: done, jump_if_null: false });
            c.emit(Op::SeekGT { cursor: self.cursor, key: self.previous, count: 1, miss: done });
        }
        c.bind(go_on);
    }

    /// `rows average average…`: the text of the row.
    fn code_text(&self, c: &mut Compiler<'_>, out: Reg) {
        let (flags, collation) =
            (CompareFlags { affinity: 0, jump_if_null: true, null_eq: false }, CollationId(0));
        let [value, prefixes, number, factor] = [c.reg(), c.reg(), c.reg(), c.reg()];
        let counted = c.label();
        let all = c.label();
        c.emit(Op::If { value: self.estimate, to: counted, jump_if_null: false });
        c.emit(Op::SCopy { from: self.row_count, to: out });
        c.goto(all);
        c.bind(counted);
        c.emit(Op::SCopy { from: self.estimate, to: out });
        c.bind(all);
        let blank = rows::text(c, b" ");
        c.emit(Op::Const { value: blank, out: self.scratch });
        for at in 0..self.columns {
            // Rows by prefixes, rounded up.
            c.integer(1, prefixes);
            let ended = self.ended.plus(at);
            c.emit(Op::Add { left: ended, right: prefixes, out: prefixes });
            c.emit(Op::Add { left: self.row_count, right: ended, out: value });
            c.emit(Op::Divide { left: value, right: prefixes, out: value });
            // Two, where it is hardly more than one, counts as one.
            let keep = c.label();
            c.integer(2, number);
            c.emit(Op::Ne { left: value, right: number, to: keep, flags, collation });
            c.integer(10, factor);
            c.emit(Op::Multiply { left: self.row_count, right: factor, out: number });
            c.integer(11, factor);
            c.emit(Op::Multiply { left: prefixes, right: factor, out: factor });
            c.emit(Op::Gt { left: number, right: factor, to: keep, flags, collation });
            c.integer(1, value);
            c.bind(keep);
            c.emit(Op::Concat { left: out, right: self.scratch, out });
            c.emit(Op::Concat { left: out, right: value, out });
        }
    }
}
