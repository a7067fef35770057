//! The order of values, of records against keys, and of records.
//!
//! NULL < numbers < text < blobs. Integers and reals compare by their exact mathematical value, text by its collation, blobs by
//! their bytes. A key column may be descending, or count NULL as its largest value.
//!
//! Searching an index does this a few times a level, so a record is compared where it lies: no value is built for a column that
//! its serial type or its bytes decide. Where a record goes on on overflow pages, [`compare_prefix`] tells how many bytes it needs to
//! go on; it keeps no state and is called again with more of the record.
//!
//! Errors are [`Damage`] alone, without the page, so that results stay in registers; the caller knows the page.
//!
//! Spec: Datatypes In SQLite, "Comparison Expressions" and "Sort Order".

use std::cmp::Ordering;

use super::decode::Values;
use super::value::ValueRef;
use super::{serial, varint};
use crate::collation::{Collation, KeyColumn, KeyInfo};
use crate::encoding::Encoding;
use crate::error::Damage;

/// 2^63 as a double: the first value above all 64-bit integers.
const TWO_POW_63: f64 = 9_223_372_036_854_775_808.0;

/// Compares an integer and a real by their exact values; a NaN, which is NULL, is less than every integer.
#[inline]
pub fn compare_integer_real(integer: i64, real: f64) -> Ordering {
    if real.is_nan() || real < -TWO_POW_63 {
        return Ordering::Greater;
    }
    if real >= TWO_POW_63 {
        return Ordering::Less;
    }
    // In range, so that the cast truncates toward zero. Where the whole parts agree, either `real` has a fraction, and then
    // `integer` is below 2^53 and converts exactly, or it has none, and then both are the same number.
    let whole = real as i64;
    integer.cmp(&whole).then_with(|| compare_reals(integer as f64, real))
}

/// Compares two reals. Neither is a NaN: those are NULL.
#[inline]
pub fn compare_reals(left: f64, right: f64) -> Ordering {
    match left.partial_cmp(&right) {
        Some(ordering) => ordering,
        None => right.is_nan().cmp(&left.is_nan()),
    }
}

/// Rank of a value's class in the sort order.
#[inline]
fn class(value: &ValueRef<'_>) -> u8 {
    match value {
        ValueRef::Null => 0,
        ValueRef::Integer(_) | ValueRef::Real(_) => 1,
        ValueRef::Text(_) => 2,
        ValueRef::Blob(_) => 3,
    }
}

/// Compares two values. NULL equals NULL and is less than everything else.
#[inline]
pub fn compare_values(
    left: ValueRef<'_>,
    right: ValueRef<'_>,
    collation: &Collation,
    encoding: Encoding,
) -> Ordering {
    match (left, right) {
        (ValueRef::Integer(left), ValueRef::Integer(right)) => left.cmp(&right),
        (ValueRef::Text(left), ValueRef::Text(right)) => collation.compare(encoding, left, right),
        (ValueRef::Real(left), ValueRef::Real(right)) => compare_reals(left, right),
        (ValueRef::Integer(left), ValueRef::Real(right)) => compare_integer_real(left, right),
        (ValueRef::Real(left), ValueRef::Integer(right)) => compare_integer_real(right, left).reverse(),
        (ValueRef::Blob(left), ValueRef::Blob(right)) => left.cmp(right),
        _ => class(&left).cmp(&class(&right)),
    }
}

impl KeyColumn {
    /// Applies the column's direction to `ordering`, the ascending order of two values, one of which is NULL if `with_null`.
    #[inline]
    pub fn direct(&self, ordering: Ordering, with_null: bool) -> Ordering {
        if self.descending != (self.big_null && with_null) { ordering.reverse() } else { ordering }
    }
}

/// What [`compare_prefix`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compared {
    /// How the record compares to the key.
    Decided(Ordering),
    /// Not decided by the bytes at hand: call again with at least this many bytes of the record.
    NeedMore(usize),
}

/// A column that is not described compares like this.
static PLAIN: KeyColumn = KeyColumn { collation: Collation::Binary, descending: false, big_null: false };

/// Compares a record (left) with a key of leading columns (right). A record that equals the key in all of its columns, or ends
/// before the key does, compares as `when_equal`.
#[inline]
pub fn compare_record(
    record: &[u8],
    key: &[ValueRef<'_>],
    info: &KeyInfo,
    when_equal: Ordering,
) -> Result<Ordering, Damage> {
    match compare_prefix(record, record.len() as u64, key, info, when_equal)? {
        Compared::Decided(ordering) => Ok(ordering),
        Compared::NeedMore(_) => Err(Damage::Record),
    }
}

/// As [`compare_record`] for a record of `record_len` bytes of which only the first, `bytes`, are at hand. (Bytes beyond the record
/// do no harm.)
#[inline]
pub fn compare_prefix(
    bytes: &[u8],
    record_len: u64,
    key: &[ValueRef<'_>],
    info: &KeyInfo,
    when_equal: Ordering,
) -> Result<Compared, Damage> {
    // Most searches are decided by a first column that is an integer or a short text under BINARY, in a record with a short header.
    if let (&[header_len @ ..0x80, serial @ ..0x80, ..], [value, ..], [column, ..]) =
        (bytes, key, &info.columns[..])
        && let Some(content) = bytes.get(usize::from(header_len)..)
        && header_len > 1
        && let Some(ordering) = first_column(
            u64::from(serial),
            content,
            value,
            column,
            record_len.saturating_sub(u64::from(header_len)),
        )
    {
        return match ordering {
            Ordering::Equal if key.len() == 1 => Ok(Compared::Decided(when_equal)),
            Ordering::Equal => compare_rest(bytes, record_len, key, info, when_equal),
            _ if column.descending => Ok(Compared::Decided(ordering.reverse())),
            _ => Ok(Compared::Decided(ordering)),
        };
    }
    let (header_len, header_at) = varint::decode(bytes).ok_or(Damage::Record)?;
    let start = Start { column: 0, header_len, header_at, content_at: header_len };
    compare_columns(bytes, record_len, start, key, info, when_equal)
}

/// [`compare_prefix`] where the first columns are known to be equal, and the first two bytes of the record, header length and first serial
/// type, to be all of these.
#[inline]
pub(crate) fn compare_rest(
    bytes: &[u8],
    record_len: u64,
    key: &[ValueRef<'_>],
    info: &KeyInfo,
    when_equal: Ordering,
) -> Result<Compared, Damage> {
    let &[header_len @ ..0x80, serial @ ..0x80, ..] = bytes else { return Err(Damage::Record) };
    let header_len = u64::from(header_len);
    let content_at = header_len + serial::content_len(u64::from(serial));
    let start = Start { column: 1, header_len, header_at: 2, content_at };
    compare_columns(bytes, record_len, start, key, info, when_equal)
}

/// The order of the first column where both sides are integers, or both are text under BINARY that is at hand.
#[inline(always)]
fn first_column(
    serial: u64,
    content: &[u8],
    value: &ValueRef<'_>,
    column: &KeyColumn,
    content_len: u64,
) -> Option<Ordering> {
    if serial::content_len(serial) > content_len {
        return None;
    }
    match *value {
        ValueRef::Integer(number) => Some(serial::integer(serial, content)?.cmp(&number)),
        ValueRef::Text(text) if serial::is_text(serial) && column.collation.is_binary() => {
            Some(content.get(..serial::content_len(serial) as usize)?.cmp(text))
        }
        _ => None,
    }
}

/// Where a comparison begins: the columns before are equal.
#[derive(Clone, Copy)]
struct Start {
    column: usize,
    header_len: u64,
    header_at: usize,
    content_at: u64,
}

/// [`compare_prefix`] in full, column by column.
fn compare_columns(
    bytes: &[u8],
    record_len: u64,
    start: Start,
    key: &[ValueRef<'_>],
    info: &KeyInfo,
    when_equal: Ordering,
) -> Result<Compared, Damage> {
    let Start { column, header_len, mut header_at, mut content_at } = start;
    if header_len > record_len {
        return Err(Damage::Record);
    }
    let Some(header) = bytes.get(..header_len as usize) else {
        return Ok(Compared::NeedMore(header_len as usize));
    };
    let mut columns = info.columns.get(column..).unwrap_or_default().iter();
    for &value in key.get(column..).unwrap_or_default() {
        if header_at >= header.len() {
            break;
        }
        let (serial, len) = varint::decode(&header[header_at..]).ok_or(Damage::Record)?;
        header_at += len;
        let end = content_at.saturating_add(serial::content_len(serial));
        if end > record_len {
            return Err(Damage::Record);
        }
        let content = bytes.get(content_at as usize..).unwrap_or_default();
        let column = columns.next().unwrap_or(&PLAIN);
        let (ordering, with_null) = match compare_column(serial, content, value, column, info.encoding) {
            Some(decided) => decided,
            None => return Ok(Compared::NeedMore(end as usize)),
        };
        if ordering != Ordering::Equal {
            return Ok(Compared::Decided(column.direct(ordering, with_null)));
        }
        content_at = end;
    }
    Ok(Compared::Decided(when_equal))
}

/// Compares one stored column with a value, ascending, and whether either is NULL. `None`: `content`, which may go on beyond the
/// column or stop inside it, does not decide.
#[inline]
fn compare_column(
    serial: u64,
    content: &[u8],
    value: ValueRef<'_>,
    column: &KeyColumn,
    encoding: Encoding,
) -> Option<(Ordering, bool)> {
    match value {
        ValueRef::Integer(number) => {
            if serial::is_integer(serial) {
                Some((serial::integer(serial, content)?.cmp(&number), false))
            } else if serial == serial::REAL {
                let stored = serial::real(content)?;
                Some((compare_integer_real(number, stored).reverse(), stored.is_nan()))
            } else if serial::is_null(serial) {
                Some((Ordering::Less, true))
            } else {
                Some((Ordering::Greater, false))
            }
        }
        ValueRef::Text(text) => {
            if serial::is_text(serial) {
                compare_bytes(serial, content, text, column, encoding).map(|ordering| (ordering, false))
            } else if serial < serial::BLOB_MIN {
                Some((Ordering::Less, stored_null(serial, content)?))
            } else {
                Some((Ordering::Greater, false))
            }
        }
        ValueRef::Blob(blob) => {
            if serial >= serial::BLOB_MIN && !serial::is_text(serial) {
                compare_bytes(serial, content, blob, &PLAIN, encoding).map(|ordering| (ordering, false))
            } else {
                Some((Ordering::Less, stored_null(serial, content)?))
            }
        }
        ValueRef::Null => {
            let both = stored_null(serial, content)?;
            Some((if both { Ordering::Equal } else { Ordering::Greater }, true))
        }
        ValueRef::Real(number) => {
            if serial == serial::REAL {
                let stored = serial::real(content)?;
                Some((compare_reals(stored, number), stored.is_nan()))
            } else if serial::is_integer(serial) {
                Some((compare_integer_real(serial::integer(serial, content)?, number), false))
            } else if serial::is_null(serial) {
                Some((Ordering::Less, true))
            } else {
                Some((Ordering::Greater, false))
            }
        }
    }
}

/// Whether the stored column is NULL; `None` when that is not known yet.
#[inline]
fn stored_null(serial: u64, content: &[u8]) -> Option<bool> {
    if serial == serial::REAL { Some(serial::real(content)?.is_nan()) } else { Some(serial::is_null(serial)) }
}

/// Compares stored text or blob with `bytes`. Where the column is cut off, byte order may decide all the same.
#[inline]
fn compare_bytes(
    serial: u64,
    content: &[u8],
    bytes: &[u8],
    column: &KeyColumn,
    encoding: Encoding,
) -> Option<Ordering> {
    let len = serial::content_len(serial) as usize;
    match (content.get(..len), &column.collation) {
        (Some(stored), Collation::Binary) => Some(stored.cmp(bytes)),
        (Some(stored), collation) => Some(collation.compare(encoding, stored, bytes)),
        (None, Collation::Binary) => {
            let common = content.len().min(bytes.len());
            match content[..common].cmp(&bytes[..common]) {
                Ordering::Equal if bytes.len() <= common => Some(Ordering::Greater),
                Ordering::Equal => None,
                decided => Some(decided),
            }
        }
        (None, _) => None,
    }
}

/// Compares two records by their first `column_count` columns. A record that ends first compares as equal from there on.
#[inline]
pub fn compare_records(
    left: &[u8],
    right: &[u8],
    info: &KeyInfo,
    column_count: usize,
) -> Result<Ordering, Damage> {
    let (mut left, mut right) = (Values::new(left)?, Values::new(right)?);
    for at in 0..column_count {
        let (Some(left), Some(right)) = (left.next_value()?, right.next_value()?) else { break };
        let column = info.columns.get(at).unwrap_or(&PLAIN);
        let ordering = compare_values(left, right, &column.collation, info.encoding);
        if ordering != Ordering::Equal {
            let with_null = matches!(left, ValueRef::Null) || matches!(right, ValueRef::Null);
            return Ok(column.direct(ordering, with_null));
        }
    }
    Ok(Ordering::Equal)
}

#[cfg(test)]
mod tests {
    use super::super::encode::encode;
    use super::*;

    /// Values in ascending order, no two equal. 2^53+1 lies between two doubles.
    const ASCENDING: &[ValueRef<'static>] = &[
        ValueRef::Null,
        ValueRef::Real(f64::NEG_INFINITY),
        ValueRef::Real(-9.3e18),
        ValueRef::Integer(i64::MIN),
        ValueRef::Integer(-9_007_199_254_740_993),
        ValueRef::Real(-9_007_199_254_740_992.0),
        ValueRef::Real(-1.5),
        ValueRef::Integer(-1),
        ValueRef::Integer(0),
        ValueRef::Real(0.5),
        ValueRef::Integer(1),
        ValueRef::Integer(300),
        ValueRef::Integer(9_007_199_254_740_991),
        ValueRef::Real(9_007_199_254_740_992.0),
        ValueRef::Integer(9_007_199_254_740_993),
        ValueRef::Integer(i64::MAX),
        ValueRef::Real(9_223_372_036_854_775_808.0),
        ValueRef::Real(f64::INFINITY),
        ValueRef::Text(b""),
        ValueRef::Text(b"a"),
        ValueRef::Text(b"a\0"),
        ValueRef::Text(b"ab"),
        ValueRef::Text(b"b"),
        ValueRef::Blob(b""),
        ValueRef::Blob(b"a"),
        ValueRef::Blob(b"aa"),
    ];

    fn info(columns: &[(bool, bool)]) -> KeyInfo {
        KeyInfo {
            encoding: Encoding::Utf8,
            columns: columns
                .iter()
                .map(|&(descending, big_null)| KeyColumn {
                    collation: Collation::Binary,
                    descending,
                    big_null,
                })
                .collect(),
            key_column_count: columns.len(),
        }
    }

    fn record(values: &[ValueRef<'_>]) -> Vec<u8> {
        let mut out = Vec::new();
        encode(values, true, &mut out);
        out
    }

    #[test]
    fn stored_values_keys_and_plain_values_have_one_order() {
        let ascending = info(&[(false, false)]);
        let descending = info(&[(true, false)]);
        for (i, &left) in ASCENDING.iter().enumerate() {
            for (j, &right) in ASCENDING.iter().enumerate() {
                let expected = i.cmp(&j);
                let stored = record(&[left]);
                assert_eq!(compare_values(left, right, &Collation::Binary, Encoding::Utf8), expected);
                assert_eq!(compare_record(&stored, &[right], &ascending, Ordering::Equal), Ok(expected));
                assert_eq!(
                    compare_record(&stored, &[right], &descending, Ordering::Equal),
                    Ok(expected.reverse())
                );
                let other = record(&[right]);
                assert_eq!(compare_records(&stored, &other, &ascending, 1), Ok(expected));
                assert_eq!(compare_records(&stored, &other, &descending, 1), Ok(expected.reverse()));
            }
        }
    }

    #[test]
    fn big_null_puts_nulls_last_ascending_and_first_descending() {
        let one = ValueRef::Integer(1);
        for (descending, null_to_one) in [(false, Ordering::Greater), (true, Ordering::Less)] {
            let info = info(&[(descending, true)]);
            let number = if descending { Ordering::Greater } else { Ordering::Less };
            assert_eq!(
                compare_record(&record(&[ValueRef::Null]), &[one], &info, Ordering::Equal),
                Ok(null_to_one)
            );
            assert_eq!(
                compare_record(&record(&[one]), &[ValueRef::Null], &info, Ordering::Equal),
                Ok(null_to_one.reverse())
            );
            let zero = record(&[ValueRef::Integer(0)]);
            assert_eq!(compare_record(&zero, &[one], &info, Ordering::Equal), Ok(number));
        }
    }

    #[test]
    fn later_columns_decide_when_the_first_are_equal() {
        let info = info(&[(false, false), (true, false)]);
        let stored = record(&[ValueRef::Text(b"k"), ValueRef::Integer(5), ValueRef::Integer(9)]);
        let compare = |key: &[ValueRef<'_>]| compare_record(&stored, key, &info, Ordering::Less);
        assert_eq!(compare(&[ValueRef::Text(b"k"), ValueRef::Integer(4)]), Ok(Ordering::Less));
        assert_eq!(compare(&[ValueRef::Text(b"k"), ValueRef::Integer(6)]), Ok(Ordering::Greater));
        assert_eq!(compare(&[ValueRef::Text(b"k"), ValueRef::Integer(5)]), Ok(Ordering::Less), "when_equal");
        assert_eq!(compare(&[ValueRef::Text(b"k")]), Ok(Ordering::Less), "when_equal");
        assert_eq!(compare(&[ValueRef::Text(b"j")]), Ok(Ordering::Greater));
    }

    #[test]
    fn a_record_cut_off_asks_for_what_it_needs_and_then_decides_the_same() {
        let info = info(&[(false, false), (false, false)]);
        let long = [b'x'; 300];
        let mut other = long;
        other[250] = b'y';
        let stored = record(&[ValueRef::Text(&long), ValueRef::Integer(77)]);
        for key in [
            vec![ValueRef::Text(&long), ValueRef::Integer(76)],
            vec![ValueRef::Text(&long), ValueRef::Integer(78)],
            vec![ValueRef::Text(&other)],
            vec![ValueRef::Text(&long[..20])],
            vec![ValueRef::Text(b"a")],
            vec![ValueRef::Blob(b"a")],
        ] {
            let whole = compare_record(&stored, &key, &info, Ordering::Equal).unwrap();
            for at_hand in 1..stored.len() {
                match compare_prefix(&stored[..at_hand], stored.len() as u64, &key, &info, Ordering::Equal)
                    .unwrap()
                {
                    Compared::Decided(ordering) => assert_eq!(ordering, whole),
                    Compared::NeedMore(needed) => assert!(needed > at_hand && needed <= stored.len()),
                }
            }
        }
        let near = [ValueRef::Text(b"a".as_slice())];
        let decided = compare_prefix(&stored[..10], stored.len() as u64, &near, &info, Ordering::Equal);
        assert_eq!(decided, Ok(Compared::Decided(Ordering::Greater)), "ten bytes are enough");
    }

    #[test]
    fn damaged_records_are_reported() {
        let info = info(&[(false, false)]);
        for damaged in [&[][..], &[9, 1], &[2, 6, 0], &[2, 0x81], &[3, 0xff, 0xff]] {
            for key in [ValueRef::Integer(1), ValueRef::Text(b"a"), ValueRef::Null] {
                assert_eq!(compare_record(damaged, &[key], &info, Ordering::Equal), Err(Damage::Record));
            }
        }
    }
}
