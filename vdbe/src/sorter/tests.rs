//! The sorter against a stable sort of the same rows.

use super::*;
use kernite_btree::record::encode;
use kernite_btree::{Collate, Collation, Encoding, KeyColumn};
use kernite_io::MemoryIo;

struct Backwards;
impl Collate for Backwards {
    fn compare(&self, _: Encoding, left: &[u8], right: &[u8]) -> Ordering {
        right.cmp(left)
    }
}

fn info(columns: &[(Collation, bool)]) -> Arc<KeyInfo> {
    let columns: Vec<KeyColumn> = columns
        .iter()
        .map(|(collation, descending)| KeyColumn {
            collation: collation.clone(),
            descending: *descending,
            big_null: false,
        })
        .collect();
    Arc::new(KeyInfo { encoding: Encoding::Utf8, key_column_count: columns.len(), columns })
}

fn record(values: &[ValueRef<'_>]) -> Vec<u8> {
    let mut record = Vec::new();
    encode(values, true, &mut record);
    record
}

struct Random(u64);
impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) % limit
    }
}

/// Rows whose last column is their number.
fn rows(count: i64, keys: usize, kinds: u64) -> Vec<Vec<u8>> {
    let mut random = Random(42);
    (0..count)
        .map(|number| {
            let texts: Vec<String> = (0..keys).map(|_| format!("key {}", random.below(50))).collect();
            let mut values: Vec<ValueRef<'_>> = texts
                .iter()
                .map(|text| match random.below(kinds) {
                    0 => ValueRef::Integer(random.below(1000) as i64 - 500),
                    1 => ValueRef::Text(text.as_bytes()),
                    2 => ValueRef::Real(random.below(100) as f64 / 4.0),
                    _ => ValueRef::Null,
                })
                .collect();
            values.push(ValueRef::Integer(number));
            record(&values)
        })
        .collect()
}

/// Sorts with `memory` bytes and compares with a stable sort.
fn check(rows: &[Vec<u8>], info: Arc<KeyInfo>, limit: usize, memory: usize) {
    let io = MemoryIo::new();
    let mut outstanding = Outstanding::new();
    let mut sorter = Sorter::new(Arc::clone(&info), limit, memory);
    for row in rows {
        while sorter.is_full() {
            while sorter.spill(&io, &mut outstanding).unwrap().is_none() {}
        }
        sorter.insert(row, &[]).unwrap();
    }
    let mut expected: Vec<&Vec<u8>> = rows.iter().collect();
    expected.sort_by(|left, right| compare_records(left, right, &info, info.columns.len()).unwrap());
    if limit > 0 {
        expected.truncate(limit);
    }
    let mut found = Vec::new();
    let mut more = sorter.sort(&io, &mut outstanding).unwrap().unwrap();
    while more {
        found.push(sorter.record().unwrap().to_vec());
        more = sorter.next(&mut outstanding).unwrap().unwrap();
    }
    assert_eq!(found.len(), expected.len());
    assert!(found.iter().eq(expected), "order differs, limit {limit}, memory {memory}");
}

const PLENTY: usize = 1 << 30;

#[test]
fn integers_come_out_in_order_and_ties_in_order_of_arrival() {
    for count in [0, 1, 100, 5000] {
        for descending in [false, true] {
            check(&rows(count, 1, 1), info(&[(Collation::Binary, descending)]), 0, PLENTY);
        }
    }
}

#[test]
fn mixed_types_and_several_columns_come_out_in_order() {
    for columns in 1..=3 {
        let key: Vec<_> = (0..columns).map(|at| (Collation::NoCase, at % 2 == 1)).collect();
        check(&rows(3000, columns, 4), info(&key), 0, PLENTY);
    }
}

#[test]
fn a_users_collation_is_asked() {
    check(
        &rows(2000, 2, 2),
        info(&[(Collation::User(Arc::new(Backwards)), false), (Collation::Binary, true)]),
        0,
        PLENTY,
    );
}

#[test]
fn a_limit_keeps_the_first_rows() {
    for limit in [1, 2, 10, 100, 4999, 10_000] {
        check(&rows(5000, 1, 1), info(&[(Collation::Binary, true)]), limit, PLENTY);
        check(
            &rows(5000, 2, 4),
            info(&[(Collation::Binary, true), (Collation::Binary, false)]),
            limit,
            PLENTY,
        );
        check(&rows(1000, 1, 2), info(&[(Collation::User(Arc::new(Backwards)), false)]), limit, PLENTY);
    }
}

#[test]
fn runs_on_disk_are_merged_stably() {
    for memory in [2_000, 20_000, 100_000] {
        check(&rows(8000, 1, 1), info(&[(Collation::Binary, false)]), 0, memory);
        check(&rows(8000, 2, 4), info(&[(Collation::Binary, true), (Collation::NoCase, false)]), 0, memory);
        check(&rows(3000, 1, 2), info(&[(Collation::User(Arc::new(Backwards)), false)]), 0, memory);
        check(&rows(8000, 2, 4), info(&[(Collation::Binary, true), (Collation::NoCase, false)]), 700, memory);
    }
}

#[test]
fn a_null_equals_no_other_row() {
    let io = MemoryIo::new();
    let mut outstanding = Outstanding::new();
    let mut sorter = Sorter::new(info(&[(Collation::Binary, false), (Collation::Binary, false)]), 0, PLENTY);
    sorter.insert(&record(&[ValueRef::Null, ValueRef::Integer(1)]), &[]).unwrap();
    sorter.insert(&record(&[ValueRef::Integer(1), ValueRef::Integer(2)]), &[]).unwrap();
    assert!(sorter.sort(&io, &mut outstanding).unwrap().unwrap());
    assert!(!sorter.row_equals(&record(&[ValueRef::Null]), 1).unwrap());
    assert!(sorter.next(&mut outstanding).unwrap().unwrap());
    assert!(sorter.row_equals(&record(&[ValueRef::Real(1.0)]), 1).unwrap());
    assert!(!sorter.row_equals(&record(&[ValueRef::Integer(2)]), 1).unwrap());
}

#[test]
fn reals_alone_and_reals_among_other_values_come_out_in_order() {
    let mut random = Random(7);
    for (kinds, descending) in [(1, false), (1, true), (2, false), (3, true), (4, false)] {
        let rows: Vec<Vec<u8>> = (0..3000)
            .map(|number| {
                let key = match random.below(kinds) {
                    0 => ValueRef::Real((random.below(2001) as f64 - 1000.0) * 1.37e-3),
                    1 => ValueRef::Integer(random.below(5) as i64 - 2),
                    2 => ValueRef::Integer(i64::MAX - random.below(3) as i64),
                    _ => ValueRef::Null,
                };
                record(&[key, ValueRef::Integer(number)])
            })
            .collect();
        for memory in [PLENTY, 20_000] {
            check(&rows, info(&[(Collation::Binary, descending)]), 0, memory);
        }
    }
}
