//! Records: whatever bytes they are read from, all ways of reading agree; and what was read can be written and read again.
//!
//! Never: a tree.

use std::cmp::Ordering;

use kernite_btree::record::{RecordHeader, Values, compare_record, compare_records, encode};
use kernite_btree::{Collation, Encoding, KeyColumn, KeyInfo, ValueRef};

fn info(columns: usize, flags: u8) -> KeyInfo {
    let column = |at: usize| KeyColumn {
        collation: if flags >> (at % 4) & 1 == 1 { Collation::NoCase } else { Collation::Binary },
        descending: flags >> 4 >> (at % 3) & 1 == 1,
        big_null: flags & 0x80 != 0,
    };
    KeyInfo {
        encoding: Encoding::Utf8,
        columns: (0..columns).map(column).collect(),
        key_column_count: columns,
    }
}

fn is_same(left: &ValueRef<'_>, right: &ValueRef<'_>) -> bool {
    match (left, right) {
        // A NaN is read as NULL, and so is never here; 0.0 and -0.0 are two.
        (ValueRef::Real(left), ValueRef::Real(right)) => left.to_bits() == right.to_bits(),
        _ => left == right,
    }
}

/// The first byte says how to compare; behind it a length, a record of that length, and another one.
pub(super) fn check(bytes: &[u8]) -> Result<(), String> {
    let [flags, split, records @ ..] = bytes else { return Ok(()) };
    let (left, right) = records.split_at(usize::from(*split).min(records.len()));
    let values =
        |record| -> Option<Vec<ValueRef<'_>>> { Values::new(record).ok()?.collect::<Result<_, _>>().ok() };
    for record in [left, right] {
        let mut header = RecordHeader::default();
        let started = header.start(record, record.len() as u64).is_ok();
        let Some(values) = values(record) else { continue };
        for (at, value) in values.iter().enumerate().filter(|_| started) {
            // It is stricter: a record whose content does not end with its last column is damaged.
            let Ok(Some(found)) = header.column(record, at) else { break };
            let found = found.decode(record);
            if !found.is_some_and(|found| is_same(&found, value)) {
                return Err(format!("column {at} is {found:?} and {value:?}"));
            }
        }
        let mut written = Vec::new();
        encode(&values, true, &mut written);
        let again: Option<Vec<ValueRef<'_>>> =
            self::Values::new(&written).ok().and_then(|read| read.collect::<Result<_, _>>().ok());
        let whole = again.is_some_and(|again| {
            again.len() == values.len() && again.iter().zip(&values).all(|(a, b)| is_same(a, b))
        });
        if !whole {
            return Err(format!("{values:?} is not read back from {written:02x?}"));
        }
    }
    compare(*flags, left, right, values(left).zip(values(right)))
}

type Read<'a> = Option<(Vec<ValueRef<'a>>, Vec<ValueRef<'a>>)>;

fn compare(flags: u8, left: &[u8], right: &[u8], read: Read<'_>) -> Result<(), String> {
    let Some((mine, theirs)) = read else {
        // Damage: any answer will do, but there has to be one.
        let _ = compare_records(left, right, &info(3, flags), 3);
        return Ok(());
    };
    let columns = mine.len().min(theirs.len());
    let info = info(columns.max(1), flags);
    let (ahead, back) =
        (compare_records(left, right, &info, columns), compare_records(right, left, &info, columns));
    if ahead.as_ref().ok() != back.map(Ordering::reverse).as_ref().ok() {
        return Err(format!(
            "{mine:?} and {theirs:?} compare as {ahead:?} one way, differently the other way"
        ));
    }
    let (Ok(ahead), true) = (ahead, columns > 0) else { return Ok(()) };
    let by_values = compare_record(left, &theirs[..columns], &info, Ordering::Equal);
    match by_values {
        Ok(order) if order == ahead => Ok(()),
        other => Err(format!("{mine:?} and {theirs:?} compare as {ahead:?}, and as {other:?} by values")),
    }
}
