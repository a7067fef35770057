//! Programs on b-trees: rows, indexes, transactions, savepoints, hooks.

use std::sync::Arc;

use kernite_btree::{Btree, OpenOptions};
use kernite_io::{Io as _, MemoryIo, SharedIo};

use super::*;
use crate::machine::{Change, ChangeKind};
use crate::op::{AffinityId, CollationId, ConstId, Cursor, IntsId, TableId, TransactionMode, WriteFlags};
use crate::program::ProgramFlags;

/// A connection to one database.
pub(super) struct World {
    pub(super) storage: Storage,
    pub(super) host: TestHost,
}

/// A program that writes and may be undone.
pub(super) const WRITER: ProgramFlags = ProgramFlags {
    read_only: false,
    multi_write: true,
    may_abort: true,
    counts_changes: true,
    no_transaction: false,
    run_only_once: false,
};
/// A program that reads.
pub(super) const READER: ProgramFlags =
    ProgramFlags { read_only: true, multi_write: false, may_abort: false, counts_changes: false, ..WRITER };

impl World {
    /// A private database.
    pub(super) fn memory() -> World {
        World::open(
            Arc::new(MemoryIo::new()),
            OpenOptions { memory: true, create: true, ..OpenOptions::default() },
        )
    }

    pub(super) fn open(io: SharedIo, options: OpenOptions) -> World {
        let mut btree = Btree::new(Arc::clone(&io), options);
        while btree.open().unwrap().is_none() {
            io.flush();
            io.wait(btree.outstanding(), None).unwrap();
        }
        let mut world = World { storage: Storage::default(), host: TestHost::on(io) };
        world.storage.databases.push(Some(btree));
        world
    }

    /// A machine before its first step.
    pub(super) fn prepare(&self, flags: ProgramFlags, body: impl FnOnce(&mut Builder)) -> Machine {
        let mut builder = build(body);
        *builder.flags() = flags;
        Machine::new(Arc::new(builder.finish().unwrap()))
    }

    pub(super) fn try_run(
        &mut self,
        flags: ProgramFlags,
        body: impl FnOnce(&mut Builder),
    ) -> Result<Vec<String>, Error> {
        let mut machine = self.prepare(flags, body);
        let outcome = drive(&mut machine, &mut self.storage, &mut self.host);
        let ended = reset(&mut machine, &mut self.storage, &mut self.host);
        let rows = outcome?;
        ended.map(|()| rows)
    }

    pub(super) fn run(&mut self, flags: ProgramFlags, body: impl FnOnce(&mut Builder)) -> Vec<String> {
        self.try_run(flags, body).unwrap()
    }

    /// BEGIN, COMMIT, ROLLBACK.
    pub(super) fn auto_commit(&mut self, on: bool, rollback: bool) -> Result<Vec<String>, Error> {
        self.try_run(READER, |b| {
            b.emit(Op::AutoCommit { on, rollback });
        })
    }

    pub(super) fn savepoint(&mut self, action: SavepointAction, name: &str) -> Result<Vec<String>, Error> {
        self.try_run(READER, |b| {
            let name = b.name(name.as_bytes());
            b.emit(Op::Savepoint { action, name });
        })
    }

    /// Makes a table or an index (of two columns); its root.
    pub(super) fn create(&mut self, table: bool) -> u32 {
        let found = self.run(WRITER, |b| {
            begin(b, TransactionMode::Write);
            let out = b.alloc_reg();
            b.emit(Op::CreateBtree { db: Db(0), out, table });
            b.emit(Op::ResultRow { first: out, count: 1 });
        });
        found[0].parse().unwrap()
    }

    /// Inserts rows of two integers under rowids from `first` on, by one statement that ends with `then`.
    pub(super) fn insert(
        &mut self,
        root: u32,
        first: i32,
        count: i32,
        then: impl FnOnce(&mut Builder),
    ) -> Result<Vec<String>, Error> {
        self.try_run(WRITER, |b| {
            begin(b, TransactionMode::Write);
            let cursor = open(b, root, None, true);
            for rowid in first..first + count {
                let values = integers(b, &[rowid, rowid * 10, -rowid]);
                put(b, cursor, values, 2);
            }
            then(b);
        })
    }

    /// All rows of a table: rowid and two columns.
    pub(super) fn scan(&mut self, root: u32) -> Vec<String> {
        self.run(READER, |b| {
            begin(b, TransactionMode::Read);
            let cursor = open(b, root, None, false);
            let (end, out) = (b.label(), b.alloc_regs(3));
            b.emit(Op::Rewind { cursor, empty: end });
            let top = b.emit(Op::Rowid { cursor, out });
            columns(b, cursor, out.plus(1), 2);
            b.emit(Op::ResultRow { first: out, count: 3 });
            b.emit(Op::Next { cursor, to: top, counter: 1 });
            b.bind(end);
        })
    }

    pub(super) fn rowids(&mut self, root: u32) -> String {
        let rows = self.scan(root);
        let rowids: Vec<&str> = rows.iter().filter_map(|row| row.split('|').next()).collect();
        rowids.join(" ")
    }
}

pub(super) fn begin(b: &mut Builder, mode: TransactionMode) {
    b.emit(Op::Transaction { db: Db(0), mode, cookie: 0, check: false });
}

/// Opens a cursor on a table, or on an index with a key.
pub(super) fn open(b: &mut Builder, root: u32, key: Option<Arc<KeyInfo>>, write: bool) -> Cursor {
    let cursor = b.alloc_cursor();
    let tree = b.tree(Db(0), root, key);
    b.emit(match write {
        true => Op::OpenWrite { cursor, tree, columns: 2, for_delete: false },
        false => Op::OpenRead { cursor, tree, columns: 2, seek_equal: false },
    });
    cursor
}

/// Loads columns 0… into registers.
pub(super) fn columns(b: &mut Builder, cursor: Cursor, out: Reg, count: u16) {
    for column in 0..count {
        let out = out.plus(u32::from(column));
        b.emit(Op::Column { cursor, column, out, default: ConstId(0), hint: 0 });
    }
}

/// Inserts the `count` registers after `values` under the rowid in `values`.
pub(super) fn put(b: &mut Builder, cursor: Cursor, values: Reg, count: u32) {
    let record = b.temp_reg();
    b.emit(Op::MakeRecord { first: values.plus(1), count, out: record, affinities: AffinityId(0) });
    let flags = WriteFlags { count_change: true, last_rowid: true, ..WriteFlags::default() };
    let table = b.table(Db(0), "t");
    b.emit(Op::Insert { cursor, record, rowid: values, table, flags });
    b.release_temp(record);
}

fn fail(b: &mut Builder, on_conflict: OnConflict) {
    let message = b.name(b"t.a");
    b.emit(Op::Halt { code: HaltCode::Unique, on_conflict, message });
}

#[test]
fn rows_are_stored_and_scanned_in_order() {
    let mut world = World::memory();
    let root = world.create(true);
    assert_eq!(world.scan(root), [""; 0]);
    world.insert(root, 5, 2, |_| {}).unwrap();
    world.insert(root, -1, 1, |_| {}).unwrap();
    assert_eq!(world.scan(root), ["-1|-10|1", "5|50|-5", "6|60|-6"]);
    assert_eq!((world.host.state.changes, world.host.state.total_changes), (1, 3));
    assert_eq!(world.host.state.last_insert_rowid, -1);
    assert_eq!((world.host.state.active, world.host.state.readers, world.host.state.writers), (0, 0, 0));
}

#[test]
fn a_thousand_rows_split_pages_and_are_found_again() {
    let mut world = World::memory();
    let root = world.create(true);
    for first in (0..3000).step_by(500) {
        world.insert(root, first, 500, |_| {}).unwrap();
    }
    let found = world.run(READER, |b| {
        begin(b, TransactionMode::Read);
        let cursor = open(b, root, None, false);
        let (out, miss, there) = (b.alloc_regs(2), b.label(), b.label());
        let key = integers(b, &[1234, 3000]);
        b.emit(Op::SeekRowid { cursor, key, miss });
        columns(b, cursor, out, 2);
        b.emit(Op::ResultRow { first: out, count: 2 });
        b.emit(Op::NotExists { cursor, key: key.plus(1), miss: there });
        b.bind(miss);
        b.emit(HALT);
        b.bind(there);
        b.emit(Op::Count { cursor, out, estimate: false });
        b.emit(Op::Last { cursor, empty: miss });
        b.emit(Op::Rowid { cursor, out: out.plus(1) });
        b.emit(Op::ResultRow { first: out, count: 2 });
    });
    assert_eq!(found, ["12340|-1234", "3000|2999"]);
}

#[test]
fn new_rowids_follow_the_largest_and_are_random_behind_the_last() {
    let mut world = World::memory();
    let root = world.create(true);
    world.insert(root, 41, 1, |_| {}).unwrap();
    let new = |world: &mut World| {
        world.run(WRITER, |b| {
            begin(b, TransactionMode::Write);
            let cursor = open(b, root, None, true);
            let values = integers(b, &[0, 1, 2]);
            b.emit(Op::NewRowid { cursor, out: values, previous: Reg(0) });
            put(b, cursor, values, 2);
            b.emit(Op::ResultRow { first: values, count: 1 });
        })
    };
    assert_eq!(new(&mut world), ["42"]);
    world.run(WRITER, |b| {
        begin(b, TransactionMode::Write);
        let cursor = open(b, root, None, true);
        let values = integers(b, &[0, 1, 2]);
        let largest = b.constant(ValueRef::Integer(i64::MAX));
        b.emit(Op::Const { value: largest, out: values });
        put(b, cursor, values, 2);
    });
    let random: i64 = new(&mut world)[0].parse().unwrap();
    assert!(random > 42 && random < i64::MAX);
}

#[test]
fn autoincrement_never_goes_back() {
    let mut world = World::memory();
    let root = world.create(true);
    let found = world.run(WRITER, |b| {
        begin(b, TransactionMode::Write);
        let cursor = open(b, root, None, true);
        let previous = integers(b, &[100]);
        let values = integers(b, &[0, 1, 2]);
        b.emit(Op::NewRowid { cursor, out: values, previous });
        put(b, cursor, values, 2);
        b.emit(Op::NewRowid { cursor, out: values, previous });
        b.emit(Op::ResultRow { first: values, count: 1 });
        b.emit(Op::ResultRow { first: previous, count: 1 });
    });
    assert_eq!(found, ["102", "102"]);
}

/// A table and an index on its first column, of 20 rows in which the column repeats.
fn indexed(world: &mut World) -> (u32, u32) {
    let (table, index) = (world.create(true), world.create(false));
    world.run(WRITER, |b| {
        begin(b, TransactionMode::Write);
        let rows = open(b, table, None, true);
        let entries = open(b, index, Some(key(2)), true);
        for rowid in 1..=20 {
            let values = integers(b, &[rowid, rowid % 5, rowid * 100]);
            put(b, rows, values, 2);
            let entry = b.alloc_regs(2);
            b.emit(Op::SCopy { from: values.plus(1), to: entry });
            b.emit(Op::SCopy { from: values, to: entry.plus(1) });
            let record = b.alloc_reg();
            b.emit(Op::MakeRecord { first: entry, count: 2, out: record, affinities: AffinityId(0) });
            let flags = WriteFlags::default();
            b.emit(Op::IdxInsert { cursor: entries, record, first: entry, count: 2, flags });
        }
    });
    (table, index)
}

#[test]
fn an_index_finds_the_rows_of_a_range() {
    let mut world = World::memory();
    let (table, index) = indexed(&mut world);
    let found = world.run(READER, |b| {
        begin(b, TransactionMode::Read);
        let rows = open(b, table, None, false);
        let entries = open(b, index, Some(key(2)), false);
        let (end, wanted, out) = (b.label(), integers(b, &[3]), b.alloc_regs(3));
        b.emit(Op::SeekGE { cursor: entries, key: wanted, count: 1, miss: end, equal_only: true });
        let top = b.emit(Op::IdxGT { cursor: entries, key: wanted, count: 1, to: end });
        // Column 0 of the table is column 0 of the index: no seek for it.
        let columns = b.ints(&[1, 0]);
        b.emit(Op::DeferredSeek { index: entries, table: rows, columns });
        b.emit(Op::Column { cursor: rows, column: 0, out, default: ConstId(0), hint: 0 });
        b.emit(Op::IdxRowid { cursor: entries, out: out.plus(1) });
        b.emit(Op::Column { cursor: rows, column: 1, out: out.plus(2), default: ConstId(0), hint: 0 });
        b.emit(Op::ResultRow { first: out, count: 3 });
        b.emit(Op::Next { cursor: entries, to: top, counter: 0 });
        b.bind(end);
    });
    assert_eq!(found, ["3|3|300", "3|8|800", "3|13|1300", "3|18|1800"]);
}

#[test]
fn seek_scan_walks_a_few_steps_before_it_seeks() {
    let mut world = World::memory();
    let (_, index) = indexed(&mut world);
    // Rowids of the entries (1, 11), (1, 16), (4, 4), (4, 99): near, near, far, absent.
    let found = world.run(READER, |b| {
        begin(b, TransactionMode::Read);
        let cursor = open(b, index, Some(key(2)), false);
        for wanted in [[1, 11], [1, 16], [4, 4], [4, 99]] {
            let (miss, there, out) = (b.label(), b.label(), b.alloc_reg());
            let wanted = integers(b, &wanted);
            b.emit(Op::SeekScan { cursor, steps: 2, to: there, range: false });
            b.emit(Op::SeekGE { cursor, key: wanted, count: 2, miss, equal_only: false });
            b.bind(there);
            b.emit(Op::IdxGT { cursor, key: wanted, count: 2, to: miss });
            b.emit(Op::IdxRowid { cursor, out });
            b.emit(Op::ResultRow { first: out, count: 1 });
            b.bind(miss);
        }
    });
    assert_eq!(found, ["11", "16", "4"]);
}

#[test]
fn an_index_entry_without_its_row_is_damage() {
    let mut world = World::memory();
    let (table, index) = indexed(&mut world);
    world.run(WRITER, |b| {
        begin(b, TransactionMode::Write);
        let rows = open(b, table, None, true);
        let (miss, wanted) = (b.label(), integers(b, &[7]));
        b.emit(Op::NotExists { cursor: rows, key: wanted, miss });
        b.emit(Op::Delete { cursor: rows, table: TableId(0), flags: WriteFlags::default() });
        b.bind(miss);
    });
    let error = world.try_run(READER, |b| {
        begin(b, TransactionMode::Read);
        let rows = open(b, table, None, false);
        let entries = open(b, index, Some(key(2)), false);
        let (end, wanted, out) = (b.label(), integers(b, &[2, 7]), b.alloc_reg());
        b.emit(Op::SeekGE { cursor: entries, key: wanted, count: 2, miss: end, equal_only: true });
        b.emit(Op::DeferredSeek { index: entries, table: rows, columns: IntsId(0) });
        b.emit(Op::Column { cursor: rows, column: 1, out, default: ConstId(0), hint: 0 });
        b.emit(Op::ResultRow { first: out, count: 1 });
        b.bind(end);
    });
    assert_eq!(error.unwrap_err().code(), 11);
}

#[test]
fn rows_may_be_deleted_while_they_are_scanned() {
    let mut world = World::memory();
    let root = world.create(true);
    world.insert(root, 1, 400, |_| {}).unwrap();
    world.run(WRITER, |b| {
        begin(b, TransactionMode::Write);
        let cursor = open(b, root, None, true);
        let (end, next, rowid, two) = (b.label(), b.label(), b.alloc_reg(), integers(b, &[2]));
        b.emit(Op::Rewind { cursor, empty: end });
        let top = b.emit(Op::Rowid { cursor, out: rowid });
        b.emit(Op::Remainder { left: rowid, right: two, out: rowid });
        b.emit(Op::IfNot { value: rowid, to: next, jump_if_null: false });
        let flags = WriteFlags { count_change: true, save_position: true, ..WriteFlags::default() };
        b.emit(Op::Delete { cursor, table: TableId(0), flags });
        b.bind(next);
        b.emit(Op::Next { cursor, to: top, counter: 0 });
        b.bind(end);
    });
    assert_eq!(world.host.state.changes, 200);
    let evens: Vec<String> = (1..=200).map(|half| (half * 2).to_string()).collect();
    assert_eq!(world.rowids(root), evens.join(" "));
}

#[test]
fn a_cursor_finds_its_row_again_after_another_one_wrote() {
    let mut world = World::memory();
    let root = world.create(true);
    world.insert(root, 1, 300, |_| {}).unwrap();
    let found = world.run(WRITER, |b| {
        begin(b, TransactionMode::Write);
        let (reader, writer) = (open(b, root, None, true), open(b, root, None, true));
        let (miss, wanted, out) = (b.label(), integers(b, &[150, 151]), b.alloc_regs(2));
        b.emit(Op::NotExists { cursor: reader, key: wanted, miss });
        columns(b, reader, out, 1);
        b.emit(Op::ResultRow { first: out, count: 1 });
        for rowid in 1000..1100 {
            let values = integers(b, &[rowid, 1, 2]);
            put(b, writer, values, 2);
        }
        columns(b, reader, out, 2);
        b.emit(Op::ResultRow { first: out, count: 2 });
        // The row goes away under the first cursor: NULLs, and Next goes on behind it.
        b.emit(Op::NotExists { cursor: writer, key: wanted, miss });
        b.emit(Op::Delete { cursor: writer, table: TableId(0), flags: WriteFlags::default() });
        columns(b, reader, out, 1);
        b.emit(Op::ResultRow { first: out, count: 1 });
        b.emit(Op::Next { cursor: reader, to: crate::Addr(0), counter: 0 });
        b.bind(miss);
    });
    assert_eq!(found[..3], ["1500", "1500|-150", "NULL"]);
}

#[test]
fn large_values_lie_on_overflow_pages() {
    let mut world = World::memory();
    let root = world.create(true);
    let text = "0123456789".repeat(3000);
    world.run(WRITER, |b| {
        begin(b, TransactionMode::Write);
        let cursor = open(b, root, None, true);
        let values = integers(b, &[1, 7, 0, 0, 9]);
        let long = b.text(&text);
        b.emit(Op::Const { value: long, out: values.plus(2) });
        let zeros = b.constant(ValueRef::Blob(&[0; 5000]));
        b.emit(Op::Const { value: zeros, out: values.plus(3) });
        put(b, cursor, values, 4);
    });
    let found = world.run(READER, |b| {
        begin(b, TransactionMode::Read);
        let cursor = open(b, root, None, false);
        let (end, out, length) = (b.label(), b.alloc_regs(5), b.alloc_regs(2));
        b.emit(Op::Rewind { cursor, empty: end });
        columns(b, cursor, out, 5);
        b.emit(Op::ResultRow { first: out, count: 5 });
        // Only the blob's length and the text's type are looked at.
        b.emit(Op::Column { cursor, column: 2, out: length, default: ConstId(0), hint: 1 });
        let function = function(b, "length", 1);
        b.emit(Op::Function { function, first: length, count: 1, out: length, constant_mask: 0 });
        b.emit(Op::Column { cursor, column: 1, out: length.plus(1), default: ConstId(0), hint: 2 });
        b.emit(Op::ResultRow { first: length, count: 2 });
        b.emit(Op::RowData { cursor, out: length });
        b.emit(Op::Function { function, first: length, count: 1, out: length, constant_mask: 0 });
        b.emit(Op::ResultRow { first: length, count: 1 });
        b.bind(end);
    });
    assert_eq!(found[0], format!("7|'{text}'|x'{}'|9|NULL", "00".repeat(5000)));
    assert_eq!(found[1], "5000|''");
    // Header: 1 + 1 + 3 + 2 + 1; content: 1 + 30000 + 5000 + 1.
    assert_eq!(found[2], "35010");
}

#[test]
fn a_failed_statement_is_undone_alone_inside_a_transaction() {
    let mut world = World::memory();
    let root = world.create(true);
    world.auto_commit(false, false).unwrap();
    world.insert(root, 1, 2, |_| {}).unwrap();
    let error = world.insert(root, 10, 3, |b| fail(b, OnConflict::Abort)).unwrap_err();
    assert_eq!(error.to_string(), "UNIQUE constraint failed: t.a");
    assert_eq!(world.rowids(root), "1 2");
    assert_eq!(world.host.state.changes, 0);
    world.insert(root, 20, 2, |b| fail(b, OnConflict::Fail)).unwrap_err();
    assert_eq!(world.rowids(root), "1 2 20 21");
    assert_eq!(world.host.state.changes, 2);
    world.auto_commit(true, false).unwrap();
    assert_eq!(world.rowids(root), "1 2 20 21");
}

#[test]
fn a_conflict_clause_may_roll_back_the_transaction() {
    let mut world = World::memory();
    let root = world.create(true);
    world.auto_commit(false, false).unwrap();
    world.insert(root, 1, 2, |_| {}).unwrap();
    world.insert(root, 10, 3, |b| fail(b, OnConflict::Rollback)).unwrap_err();
    assert!(world.host.state.autocommit);
    assert_eq!(world.rowids(root), "");
    let error = world.auto_commit(true, false).unwrap_err();
    assert_eq!(error.to_string(), "cannot commit - no transaction is active");
}

#[test]
fn in_autocommit_mode_each_statement_is_a_transaction() {
    let mut world = World::memory();
    let root = world.create(true);
    world.insert(root, 1, 2, |b| fail(b, OnConflict::Abort)).unwrap_err();
    assert_eq!(world.rowids(root), "");
    world.insert(root, 1, 2, |b| fail(b, OnConflict::Fail)).unwrap_err();
    assert_eq!(world.rowids(root), "1 2");
    assert!(world.storage.databases[0].as_ref().unwrap().transaction().is_none());
}

#[test]
fn begin_commit_and_rollback_keep_sqlites_rules() {
    let mut world = World::memory();
    let root = world.create(true);
    world.auto_commit(false, false).unwrap();
    let error = world.auto_commit(false, false).unwrap_err();
    assert_eq!(error.to_string(), "cannot start a transaction within a transaction");
    world.insert(root, 1, 1, |_| {}).unwrap();
    world.auto_commit(true, true).unwrap();
    assert_eq!(world.rowids(root), "");
    let error = world.auto_commit(true, true).unwrap_err();
    assert_eq!(error.to_string(), "cannot rollback - no transaction is active");
}

#[test]
fn savepoints_nest() {
    use SavepointAction::{Begin, Release, Rollback};
    let mut world = World::memory();
    let root = world.create(true);
    world.savepoint(Begin, "one").unwrap();
    assert!(!world.host.state.autocommit && world.host.state.transaction_is_savepoint);
    world.insert(root, 1, 1, |_| {}).unwrap();
    world.savepoint(Begin, "two").unwrap();
    world.insert(root, 2, 1, |_| {}).unwrap();
    world.savepoint(Begin, "three").unwrap();
    world.insert(root, 3, 1, |_| {}).unwrap();
    world.savepoint(Rollback, "TWO").unwrap();
    assert_eq!(world.rowids(root), "1");
    world.insert(root, 4, 1, |_| {}).unwrap();
    world.savepoint(Release, "two").unwrap();
    let error = world.savepoint(Release, "three").unwrap_err();
    assert_eq!(error.to_string(), "no such savepoint: three");
    world.savepoint(Begin, "two").unwrap();
    world.insert(root, 5, 1, |_| {}).unwrap();
    world.savepoint(Rollback, "two").unwrap();
    world.savepoint(Release, "one").unwrap();
    assert!(world.host.state.autocommit && world.host.state.savepoints.is_empty());
    assert_eq!(world.rowids(root), "1 4");
    world.savepoint(Begin, "all").unwrap();
    world.insert(root, 6, 1, |_| {}).unwrap();
    world.savepoint(Rollback, "all").unwrap();
    assert_eq!(world.rowids(root), "1 4");
    world.insert(root, 7, 1, |_| {}).unwrap();
    world.auto_commit(true, false).unwrap();
    assert_eq!(world.rowids(root), "1 4 7");
    assert!(world.host.state.savepoints.is_empty());
}

#[test]
fn a_savepoint_and_a_commit_wait_for_writers_under_way() {
    let mut world = World::memory();
    let root = world.create(true);
    world.auto_commit(false, false).unwrap();
    let mut writer = world.prepare(WRITER, |b| {
        begin(b, TransactionMode::Write);
        let cursor = open(b, root, None, true);
        let values = integers(b, &[1, 2, 3]);
        put(b, cursor, values, 2);
        b.emit(Op::ResultRow { first: values, count: 1 });
    });
    assert!(matches!(writer.step(&mut world.storage, &mut world.host), Ok(Some(Event::Row))));
    let error = world.auto_commit(true, false).unwrap_err();
    assert_eq!(error.to_string(), "cannot commit transaction - SQL statements in progress");
    assert_eq!(error.code(), 5);
    let error = world.savepoint(SavepointAction::Begin, "s").unwrap_err();
    assert_eq!(error.to_string(), "cannot open savepoint - SQL statements in progress");
    reset(&mut writer, &mut world.storage, &mut world.host).unwrap();
    world.auto_commit(true, false).unwrap();
    assert_eq!(world.rowids(root), "1");
}

#[test]
fn a_reset_statement_keeps_what_it_wrote() {
    let mut world = World::memory();
    let root = world.create(true);
    let mut writer = world.prepare(WRITER, |b| {
        begin(b, TransactionMode::Write);
        let cursor = open(b, root, None, true);
        for rowid in 1..=2 {
            let values = integers(b, &[rowid, 2, 3]);
            put(b, cursor, values, 2);
            b.emit(Op::ResultRow { first: values, count: 1 });
        }
    });
    assert!(matches!(writer.step(&mut world.storage, &mut world.host), Ok(Some(Event::Row))));
    reset(&mut writer, &mut world.storage, &mut world.host).unwrap();
    assert_eq!(world.rowids(root), "1");
}

#[test]
fn immediate_foreign_keys_are_looked_at_when_the_statement_ends() {
    let mut world = World::memory();
    let root = world.create(true);
    let violate = |deferred| {
        move |b: &mut Builder| {
            b.emit(Op::FkCounter { deferred, amount: 1 });
        }
    };
    let error = world.insert(root, 1, 1, violate(false)).unwrap_err();
    assert_eq!((error.code(), error.to_string()), (787, "FOREIGN KEY constraint failed".to_owned()));
    assert_eq!(world.rowids(root), "");
    world.auto_commit(false, false).unwrap();
    world.insert(root, 1, 1, violate(true)).unwrap();
    let error = world.auto_commit(true, false).unwrap_err();
    assert_eq!(error.code(), 787);
    assert!(!world.host.state.autocommit, "the transaction is still there");
    world
        .insert(root, 2, 1, |b| {
            b.emit(Op::FkCounter { deferred: true, amount: -1 });
        })
        .unwrap();
    world.auto_commit(true, false).unwrap();
    assert_eq!(world.rowids(root), "1 2");
}

#[test]
fn hooks_hear_of_every_change() {
    let mut world = World::memory();
    let root = world.create(true);
    world.host.state.hooks = crate::host::Hooks { update: true, preupdate: true, commit: true };
    world.insert(root, 5, 1, |_| {}).unwrap();
    let seen = std::mem::take(&mut world.host.hooks_seen);
    let change = |kind, old, new| Change { kind, table: TableId(1), old_rowid: 5, new_rowid: 5, old, new };
    // 50 and -5, as a record of two columns.
    let record = Some(vec![3, 1, 1, 50, 251]);
    let insert = ChangeKind::Insert;
    assert_eq!(
        seen,
        [
            Hook::Preupdate(change(insert, None, record.clone())),
            Hook::Update(change(insert, None, None)),
            Hook::Commit
        ]
    );
    world.run(WRITER, |b| {
        begin(b, TransactionMode::Write);
        let cursor = open(b, root, None, true);
        let (miss, wanted) = (b.label(), integers(b, &[5]));
        b.emit(Op::NotExists { cursor, key: wanted, miss });
        let table = b.table(Db(0), "t");
        b.emit(Op::Delete {
            cursor,
            table,
            flags: WriteFlags { count_change: true, ..WriteFlags::default() },
        });
        b.bind(miss);
    });
    let delete = ChangeKind::Delete;
    assert_eq!(
        world.host.hooks_seen,
        [
            Hook::Preupdate(change(delete, record, None)),
            Hook::Update(change(delete, None, None)),
            Hook::Commit
        ]
    );
}

#[test]
fn a_commit_hook_may_say_no() {
    let mut world = World::memory();
    let root = world.create(true);
    world.host.state.hooks.commit = true;
    let mut writer = world.prepare(WRITER, |b| {
        begin(b, TransactionMode::Write);
        let cursor = open(b, root, None, true);
        let values = integers(b, &[1, 2, 3]);
        put(b, cursor, values, 2);
    });
    assert!(matches!(writer.step(&mut world.storage, &mut world.host), Ok(Some(Event::Hook(Hook::Commit)))));
    writer.fail(Error::with_code(531, "constraint failed"));
    assert_eq!(writer.step(&mut world.storage, &mut world.host).unwrap_err().code(), 531);
    reset(&mut writer, &mut world.storage, &mut world.host).unwrap();
    assert_eq!(world.rowids(root), "");
}

#[test]
fn a_table_is_cleared_and_dropped() {
    let mut world = World::memory();
    let (table, other) = (world.create(true), world.create(true));
    world.insert(table, 1, 500, |_| {}).unwrap();
    world.insert(other, 1, 1, |_| {}).unwrap();
    let found = world.run(WRITER, |b| {
        begin(b, TransactionMode::Write);
        let tree = b.tree(Db(0), table, None);
        let out = integers(b, &[0, 0]);
        b.emit(Op::Clear { tree, count: out, count_change: true });
        b.emit(Op::Destroy { db: Db(0), tree, moved: out.plus(1) });
        b.emit(Op::ResultRow { first: out, count: 2 });
    });
    assert_eq!(found, ["500|0"]);
    assert_eq!(world.host.state.changes, 500);
    assert_eq!(world.rowids(other), "1");
}

#[test]
fn header_fields_are_read_and_set() {
    let mut world = World::memory();
    world.create(true);
    let found = world.run(WRITER, |b| {
        begin(b, TransactionMode::Write);
        let out = b.alloc_regs(2);
        b.emit(Op::SetCookie { db: Db(0), field: 6, value: (-7i32) as u32 });
        b.emit(Op::ReadCookie { db: Db(0), out, field: 6 });
        b.emit(Op::ReadCookie { db: Db(0), out: out.plus(1), field: 8 });
        b.emit(Op::ResultRow { first: out, count: 2 });
    });
    assert_eq!(found, ["-7|0"]);
}

#[test]
fn a_key_with_a_null_is_in_no_conflict() {
    let mut world = World::memory();
    let index = world.create(false);
    let found = world.run(WRITER, |b| {
        begin(b, TransactionMode::Write);
        let cursor = open(b, index, Some(key(2)), true);
        let entry = b.alloc_regs(2);
        let put = |b: &mut Builder| {
            let record = b.temp_reg();
            b.emit(Op::MakeRecord { first: entry, count: 2, out: record, affinities: AffinityId(0) });
            let flags = WriteFlags { use_seek_result: true, ..WriteFlags::default() };
            b.emit(Op::IdxInsert { cursor, record, first: entry, count: 2, flags });
            b.release_temp(record);
        };
        let try_put = |b: &mut Builder, rowid: i32| {
            let (free, done) = (b.label(), b.label());
            b.emit(Op::Integer { value: rowid, out: entry.plus(1) });
            b.emit(Op::NoConflict { cursor, key: entry, count: 1, to: free });
            b.emit(Op::ResultRow { first: entry, count: 2 });
            b.emit(Op::Goto { to: done });
            b.bind(free);
            put(b);
            b.bind(done);
        };
        b.emit(Op::Integer { value: 5, out: entry });
        try_put(b, 1);
        try_put(b, 2);
        b.emit(Op::Null { first: entry, last: Reg(0), cleared: false });
        try_put(b, 3);
        try_put(b, 4);
        b.emit(Op::Count { cursor, out: entry, estimate: false });
        b.emit(Op::ResultRow { first: entry, count: 1 });
    });
    assert_eq!(found, ["5|2", "3"]);
}

#[test]
fn comparisons_work_on_collations_of_columns() {
    let found = rows(|b| {
        let (left, right) = (text(b, "ABC"), text(b, "abc"));
        let out = integers(b, &[1]);
        let collation = b.collation("NOCASE", Collation::NoCase);
        let there = b.label();
        b.emit(Op::Eq { left, right, to: there, flags: PLAIN, collation });
        b.emit(Op::Integer { value: 0, out });
        b.bind(there);
        b.emit(Op::ResultRow { first: out, count: 1 });
        let differs = b.label();
        b.emit(Op::Ne { left, right, to: differs, flags: PLAIN, collation: CollationId(0) });
        b.emit(HALT);
        b.bind(differs);
        b.emit(Op::ResultRow { first: out, count: 1 });
    });
    assert_eq!(found, ["1", "1"]);
}
