//! Sorters, ephemeral tables and indexes, groups, rowid sets.

use super::*;
use crate::function::{FunctionBody, FunctionDef, FunctionFlags, UserCall, UserError, UserScalar};
use crate::op::{AffinityId, CollationId, ConstId, Cursor, KeyInfoId, TableId, WriteFlags};
use crate::vtab::ValueList;

/// Emits a loop over `rows` rows of which `make` sets the registers, and `each` what is done with one.
fn for_each(b: &mut Builder, rows: &[&[i32]], each: impl Fn(&mut Builder, Reg)) {
    for row in rows {
        let values = integers(b, row);
        each(b, values);
    }
}

fn record(b: &mut Builder, first: Reg, count: u32) -> Reg {
    let out = b.temp_reg();
    b.emit(Op::MakeRecord { first, count, out, affinities: AffinityId(0) });
    out
}

#[test]
fn a_sorter_puts_rows_in_order() {
    for memory in [1 << 20, 40] {
        let mut builder = build(|b| {
            let (sorter, pseudo) = (b.alloc_cursor(), b.alloc_cursor());
            let key = b.key_info(key(1));
            b.emit(Op::SorterOpen { cursor: sorter, columns: 2, key, limit: Reg(0) });
            for_each(b, &[&[3, 30], &[1, 10], &[2, 20], &[1, 11]], |b, values| {
                let record = record(b, values, 2);
                b.emit(Op::SorterInsert { cursor: sorter, record, first: values, count: 2 });
                b.release_temp(record);
            });
            let content = b.alloc_reg();
            b.emit(Op::OpenPseudo { cursor: pseudo, content, columns: 2 });
            let end = b.label();
            b.emit(Op::SorterSort { cursor: sorter, empty: end });
            let top = b.emit(Op::SorterData { cursor: sorter, out: content, pseudo });
            let out = b.alloc_regs(2);
            for column in 0..2u16 {
                let out = out.plus(u32::from(column));
                b.emit(Op::Column { cursor: pseudo, column, out, default: ConstId(0), hint: 0 });
            }
            b.emit(Op::ResultRow { first: out, count: 2 });
            b.emit(Op::SorterNext { cursor: sorter, to: top });
            b.bind(end);
        });
        builder.flags().read_only = true;
        let mut machine = Machine::new(Arc::new(builder.finish().unwrap()));
        let mut host = TestHost::new();
        host.sort_memory_bytes = memory;
        for _ in 0..2 {
            let found = drive(&mut machine, &mut Storage::default(), &mut host).unwrap();
            assert_eq!(found, ["1|10", "1|11", "2|20", "3|30"]);
            machine.reset(&mut Storage::default(), &mut host).unwrap();
        }
    }
}

/// Emits a scan of `cursor` that gives column 0 and 1.
fn scan(b: &mut Builder, cursor: Cursor) {
    let (end, out) = (b.label(), b.alloc_regs(2));
    b.emit(Op::Rewind { cursor, empty: end });
    let top = b.here();
    for column in 0..2u16 {
        b.emit(Op::Column { cursor, column, out: out.plus(u32::from(column)), default: ConstId(0), hint: 0 });
    }
    b.emit(Op::ResultRow { first: out, count: 2 });
    b.emit(Op::Next { cursor, to: top, counter: 0 });
    b.bind(end);
}

#[test]
fn an_ephemeral_index_keeps_one_of_each_in_order() {
    let found = rows(|b| {
        let cursor = b.alloc_cursor();
        let key = b.key_info(key(2));
        b.emit(Op::OpenEphemeral { cursor, columns: 2, key, unordered: false });
        for_each(b, &[&[2, 1], &[1, 5], &[2, 1], &[1, 4], &[-3, 0]], |b, values| {
            let past = b.label();
            b.emit(Op::Found { cursor, key: values, count: 2, to: past });
            let record = record(b, values, 2);
            let flags = WriteFlags::default();
            b.emit(Op::IdxInsert { cursor, record, first: values, count: 2, flags });
            b.bind(past);
        });
        scan(b, cursor);
        let deleted = integers(b, &[1, 4]);
        b.emit(Op::IdxDelete { cursor, key: deleted, count: 2, raise: true });
        scan(b, cursor);
    });
    assert_eq!(found, ["-3|0", "1|4", "1|5", "2|1", "-3|0", "1|5", "2|1"]);
}

#[test]
fn seeks_land_on_the_side_that_is_asked_for() {
    let seek = |make: fn(Cursor, Reg, crate::Addr) -> Op, wanted: i32| {
        rows(|b| {
            let cursor = b.alloc_cursor();
            let key = b.key_info(key(2));
            b.emit(Op::OpenEphemeral { cursor, columns: 2, key, unordered: false });
            for_each(b, &[&[10, 1], &[10, 2], &[20, 1], &[20, 2], &[30, 1]], |b, values| {
                let record = record(b, values, 2);
                let flags = WriteFlags::default();
                b.emit(Op::IdxInsert { cursor, record, first: values, count: 2, flags });
            });
            let (miss, wanted) = (b.label(), integers(b, &[wanted]));
            b.emit(make(cursor, wanted, miss));
            let out = b.alloc_regs(2);
            for column in 0..2u16 {
                let out = out.plus(u32::from(column));
                b.emit(Op::Column { cursor, column, out, default: ConstId(0), hint: 0 });
            }
            b.emit(Op::ResultRow { first: out, count: 2 });
            b.bind(miss);
        })
    };
    let ge = |cursor, key, miss| Op::SeekGE { cursor, key, count: 1, miss, equal_only: false };
    let gt = |cursor, key, miss| Op::SeekGT { cursor, key, count: 1, miss };
    let le = |cursor, key, miss| Op::SeekLE { cursor, key, count: 1, miss, equal_only: false };
    let lt = |cursor, key, miss| Op::SeekLT { cursor, key, count: 1, miss };
    assert_eq!(seek(ge, 20), ["20|1"]);
    assert_eq!(seek(ge, 21), ["30|1"]);
    assert_eq!(seek(gt, 20), ["30|1"]);
    assert_eq!(seek(gt, 30), [""; 0]);
    assert_eq!(seek(le, 20), ["20|2"]);
    assert_eq!(seek(le, 9), [""; 0]);
    assert_eq!(seek(lt, 20), ["10|2"]);
    assert_eq!(seek(lt, 99), ["30|1"]);
    let equal = |cursor, key, miss| Op::SeekGE { cursor, key, count: 1, miss, equal_only: true };
    assert_eq!(seek(equal, 10), ["10|1"]);
    assert_eq!(seek(equal, 11), [""; 0]);
}

#[test]
fn an_ephemeral_table_serves_as_a_queue() {
    // Counts to five: takes a row, gives it out, puts its successor in.
    let found = rows(|b| {
        let queue = b.alloc_cursor();
        b.emit(Op::OpenEphemeral { cursor: queue, columns: 2, key: KeyInfoId(0), unordered: false });
        let put = |b: &mut Builder, values: Reg| {
            let (rowid, record) = (b.temp_reg(), record(b, values, 2));
            b.emit(Op::NewRowid { cursor: queue, out: rowid, previous: Reg(0) });
            let (table, flags) = (TableId(0), WriteFlags::default());
            b.emit(Op::Insert { cursor: queue, record, rowid, table, flags });
            b.release_temp(rowid);
            b.release_temp(record);
        };
        let values = integers(b, &[1, 100]);
        put(b, values);
        let (end, top) = (b.label(), b.here());
        b.emit(Op::Rewind { cursor: queue, empty: end });
        for column in 0..2u16 {
            let out = values.plus(u32::from(column));
            b.emit(Op::Column { cursor: queue, column, out, default: ConstId(0), hint: 0 });
        }
        b.emit(Op::Delete { cursor: queue, table: TableId(0), flags: WriteFlags::default() });
        b.emit(Op::ResultRow { first: values, count: 2 });
        b.emit(Op::AddImm { value: values, amount: 1 });
        let five = integers(b, &[5]);
        b.emit(Op::Gt { left: values, right: five, to: top, flags: PLAIN, collation: CollationId(0) });
        put(b, values);
        b.emit(Op::Goto { to: top });
        b.bind(end);
    });
    assert_eq!(found, ["1|100", "2|100", "3|100", "4|100", "5|100"]);
}

#[test]
fn two_cursors_stand_on_one_ephemeral_table() {
    let found = rows(|b| {
        let (one, two) = (b.alloc_cursor(), b.alloc_cursor());
        b.emit(Op::OpenEphemeral { cursor: one, columns: 2, key: KeyInfoId(0), unordered: false });
        b.emit(Op::OpenDup { cursor: two, original: one });
        for_each(b, &[&[1, 10], &[2, 20], &[3, 30]], |b, values| {
            let record = record(b, values, 2);
            let (table, flags) = (TableId(0), WriteFlags::default());
            b.emit(Op::Insert { cursor: one, record, rowid: values, table, flags });
        });
        let (miss, wanted) = (b.label(), integers(b, &[2]));
        b.emit(Op::SeekRowid { cursor: two, key: wanted, miss });
        let out = b.alloc_regs(2);
        b.emit(Op::Rewind { cursor: one, empty: miss });
        b.emit(Op::Rowid { cursor: one, out });
        b.emit(Op::Rowid { cursor: two, out: out.plus(1) });
        b.emit(Op::ResultRow { first: out, count: 2 });
        b.emit(Op::Count { cursor: two, out, estimate: false });
        b.emit(Op::ResultRow { first: out, count: 1 });
        b.bind(miss);
    });
    assert_eq!(found, ["1|2", "3"]);
}

#[test]
fn hash_aggregation_gives_groups_in_key_order_with_a_bare_column() {
    let found = rows(|b| {
        let cursor = b.alloc_cursor();
        let key = b.key_info(key(1));
        let (count, sum) = (function(b, "count", 0), function(b, "sum", 1));
        b.emit(Op::HashAggOpen { cursor, key, accs: 2, saved: 1 });
        for_each(b, &[&[7, 1], &[3, 2], &[7, 3], &[5, 4], &[3, 5], &[7, 6]], |b, values| {
            let known = b.label();
            b.emit(Op::HashAggFind { cursor, keys: values, existing: known });
            b.emit(Op::HashAggSave { cursor, first: values.plus(1) });
            b.bind(known);
            b.emit(Op::HashAggStep { cursor, acc: 0, function: count, first: Reg(1), count: 0 });
            b.emit(Op::HashAggStep { cursor, acc: 1, function: sum, first: values.plus(1), count: 1 });
        });
        let (end, out) = (b.label(), b.alloc_regs(4));
        b.emit(Op::HashAggSort { cursor, empty: end });
        let top = b.emit(Op::HashAggRow { cursor, keys: out, saved: out.plus(1) });
        b.emit(Op::HashAggFinal { cursor, acc: 0, function: count, out: out.plus(2) });
        b.emit(Op::HashAggFinal { cursor, acc: 1, function: sum, out: out.plus(3) });
        b.emit(Op::ResultRow { first: out, count: 4 });
        b.emit(Op::HashAggNext { cursor, to: top });
        b.bind(end);
    });
    // Key, the first row's column, count, sum.
    assert_eq!(found, ["3|2|2|7", "5|4|1|4", "7|1|3|10"]);
}

#[test]
fn aggregates_in_registers_start_afresh_from_null() {
    let found = rows(|b| {
        let (max, count) = (function(b, "max", 1), function(b, "count", 0));
        let acc = b.alloc_regs(2);
        let flag = b.alloc_reg();
        for group in [&[4, 9, 2][..], &[]] {
            b.emit(Op::Null { first: acc, last: acc.plus(1), cleared: false });
            for &value in group {
                let value = integers(b, &[value]);
                b.emit(Op::CollSeq { collation: CollationId(0), flag });
                b.emit(Op::AggStep { function: max, first: value, count: 1, acc, inverse: false });
                b.emit(Op::AggStep {
                    function: count,
                    first: Reg(1),
                    count: 0,
                    acc: acc.plus(1),
                    inverse: false,
                });
                b.emit(Op::ResultRow { first: flag, count: 1 });
            }
            b.emit(Op::AggFinal { function: max, acc, count: 1 });
            b.emit(Op::AggFinal { function: count, acc: acc.plus(1), count: 0 });
            b.emit(Op::ResultRow { first: acc, count: 2 });
        }
    });
    // The flag says whether bare columns keep their values.
    assert_eq!(found, ["0", "0", "1", "9|3", "NULL|0"]);
}

#[test]
fn a_rowid_set_gives_each_rowid_once_in_order() {
    let found = rows(|b| {
        let (set, seen) = (b.alloc_reg(), b.alloc_reg());
        b.emit(Op::Null { first: set, last: seen, cleared: false });
        for_each(b, &[&[5], &[1], &[5], &[3]], |b, value| {
            let known = b.label();
            b.emit(Op::RowSetTest { set: seen, found: known, value, batch: 0 });
            b.emit(Op::RowSetAdd { set, value });
            b.bind(known);
        });
        let (empty, out) = (b.label(), b.alloc_reg());
        let top = b.emit(Op::RowSetRead { set, empty, out });
        b.emit(Op::ResultRow { first: out, count: 1 });
        b.emit(Op::Goto { to: top });
        b.bind(empty);
    });
    assert_eq!(found, ["1", "3", "5"]);
}

#[test]
fn a_bloom_filter_lets_what_was_added_pass() {
    let found = rows(|b| {
        let filter = b.alloc_reg();
        b.emit(Op::Blob0 { size: 1000, out: filter });
        let value = integers(b, &[7]);
        b.emit(Op::FilterAdd { filter, first: value, count: 1 });
        let (there, absent) = (b.label(), b.label());
        b.emit(Op::Filter { filter, first: value, count: 1, to: there });
        b.emit(Op::ResultRow { first: value, count: 1 });
        b.bind(there);
        let other = integers(b, &[8]);
        b.emit(Op::Filter { filter, first: other, count: 1, to: absent });
        b.emit(Op::ResultRow { first: other, count: 1 });
        b.bind(absent);
    });
    assert_eq!(found, ["7"]);
}

#[test]
fn an_in_list_is_handed_over_as_one_value() {
    struct Sum;
    impl UserScalar for Sum {
        fn call(
            &self,
            _: &mut UserCall<'_>,
            arguments: &mut [Register],
            result: &mut Register,
        ) -> Result<(), UserError> {
            let list = ValueList::of(&arguments[0]).expect("a list");
            let texts: Vec<String> = list.values.iter().map(show).collect();
            result.set_text(texts.join("+").as_bytes());
            Ok(())
        }
    }
    for count in [0, 3] {
        let found = rows(|b| {
            let sum = b.function(Arc::new(FunctionDef {
                name: "sum_list".into(),
                arguments: 1,
                encoding: Encoding::Utf8,
                flags: FunctionFlags::default(),
                body: FunctionBody::UserScalar(Arc::new(Sum)),
            }));
            let cursor = b.alloc_cursor();
            let key = b.key_info(key(1));
            b.emit(Op::OpenEphemeral { cursor, columns: 1, key, unordered: false });
            let keys: [&[i32]; 3] = [&[30], &[10], &[20]];
            for_each(b, &keys[..count], |b, values| {
                let record = record(b, values, 1);
                let flags = WriteFlags::default();
                b.emit(Op::IdxInsert { cursor, record, first: values, count: 1, flags });
            });
            let out = b.alloc_regs(2);
            b.emit(Op::VInitIn { cursor, key: Reg(0), out });
            b.emit(Op::Function { function: sum, first: out, count: 1, out: out.plus(1), constant_mask: 0 });
            b.emit(Op::ResultRow { first: out.plus(1), count: 1 });
        });
        assert_eq!(found, [if count == 0 { "''" } else { "'10+20+30'" }]);
    }
}
