//! Normalised keys: values as bytes whose `memcmp` order is SQL's order.
//!
//! ```text
//! NULL    01                           (F1 where NULLs are the largest)
//! number  11  8 bytes: the double, sign-folded  [2 bytes: what the double lacks, for numbers of 2^53 and beyond]
//! text    21  bytes, 00 as 00 FF       00 00    (NOCASE: folded, RTRIM: trimmed)
//! blob    31  bytes, 00 as 00 FF       00 00
//! ```
//!
//! A descending column has all its bytes inverted. Every column tells its own end, so the key of some leading columns is a prefix of
//! the key of more, and two keys are equal exactly where SQL says that the values are: 1 and 1.0 have the same bytes.
//!
//! A user's collation has no such bytes; [`KeyEncoder::by_bytes`] says so, and records are compared instead.
//!
//! Never: a way back. Values come from the record kept beside the key.

use std::cmp::Ordering;
use std::sync::Arc;

use kernite_btree::encoding::utf16_to_utf8;
use kernite_btree::record::Values;
use kernite_btree::{Collation, Damage, Error as StorageError, KeyInfo, ValueRef};

use crate::Error;

const NULL: u8 = 0x01;
const BIG_NULL: u8 = 0xf1;
const NUMBER: u8 = 0x11;
const TEXT: u8 = 0x21;
const BLOB: u8 = 0x31;

/// From here on not every integer is a double.
const EXACT_MAX: u64 = 1 << 53;

/// How the text of a column becomes bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TextCode {
    Raw,
    Fold,
    Trim,
}

#[derive(Clone, Copy, Debug)]
struct ColumnCode {
    text: TextCode,
    /// Text has to be converted to UTF-8 first.
    from_utf16: bool,
    /// 0xff for a descending column.
    invert: u8,
    null: u8,
}

/// Encodes the columns of one key.
#[derive(Clone, Debug)]
pub(crate) struct KeyEncoder {
    info: Arc<KeyInfo>,
    columns: Box<[ColumnCode]>,
    by_bytes: bool,
}

impl KeyEncoder {
    pub(crate) fn new(info: Arc<KeyInfo>) -> KeyEncoder {
        let mut by_bytes = true;
        let columns = info.columns.iter().map(|column| {
            let text = match column.collation {
                Collation::Binary => TextCode::Raw,
                Collation::NoCase => TextCode::Fold,
                Collation::Rtrim => TextCode::Trim,
                Collation::User(_) => {
                    by_bytes = false;
                    TextCode::Raw
                }
            };
            ColumnCode {
                text,
                from_utf16: text != TextCode::Raw && info.encoding.is_utf16(),
                invert: if column.descending { 0xff } else { 0 },
                null: if column.big_null { BIG_NULL } else { NULL },
            }
        });
        let columns = columns.collect();
        KeyEncoder { info, columns, by_bytes }
    }

    /// Whether keys compare as bytes; else records have to be compared by [`KeyEncoder::info`].
    #[inline]
    pub(crate) fn by_bytes(&self) -> bool {
        self.by_bytes
    }

    /// What is encoded.
    pub(crate) fn info(&self) -> &Arc<KeyInfo> {
        &self.info
    }

    /// How many columns make the order.
    #[inline]
    pub(crate) fn column_count(&self) -> usize {
        self.columns.len()
    }

    /// The order of a lone column, where it is ascending without further ado: what integer keys need to be radix-sorted.
    /// `Some(descending)` for a key of one column.
    pub(crate) fn single_column(&self) -> Option<bool> {
        match &*self.columns {
            [column] => Some(column.invert != 0),
            _ => None,
        }
    }

    /// Appends the code of `value` as column `at`.
    #[inline]
    pub(crate) fn push(&self, at: usize, value: ValueRef<'_>, out: &mut Vec<u8>) {
        const PLAIN: ColumnCode =
            ColumnCode { text: TextCode::Raw, from_utf16: false, invert: 0, null: NULL };
        let column = self.columns.get(at).unwrap_or(&PLAIN);
        let start = out.len();
        match value {
            ValueRef::Integer(number) => push_integer(number, out),
            ValueRef::Real(number) => push_real(number, out),
            ValueRef::Null => out.push(column.null),
            ValueRef::Text(text) => self.push_text(column, text, out),
            ValueRef::Blob(blob) => {
                out.push(BLOB);
                push_escaped(blob, out);
            }
        }
        if column.invert != 0 {
            out[start..].iter_mut().for_each(|byte| *byte = !*byte);
        }
    }

    /// Appends the code of the leading columns of a record.
    pub(crate) fn push_record(&self, record: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        let mut values = Values::new(record).map_err(damaged)?;
        for at in 0..self.columns.len() {
            let Some(value) = values.next_value().map_err(damaged)? else { break };
            self.push(at, value, out);
        }
        Ok(())
    }

    fn push_text(&self, column: &ColumnCode, text: &[u8], out: &mut Vec<u8>) {
        out.push(TEXT);
        if !column.from_utf16 {
            return push_collated(column.text, text, out);
        }
        let mut narrow = Vec::with_capacity(text.len());
        utf16_to_utf8(text, self.info.encoding, &mut narrow);
        push_collated(column.text, &narrow, out);
    }
}

/// A record that we made ourselves does not read back.
pub(crate) fn damaged(damage: Damage) -> Error {
    Error::Storage(StorageError::Corrupt { page: None, damage })
}

fn push_collated(code: TextCode, text: &[u8], out: &mut Vec<u8>) {
    match code {
        TextCode::Raw => push_escaped(text, out),
        TextCode::Trim => {
            let len = text.iter().rposition(|&byte| byte != b' ').map_or(0, |at| at + 1);
            push_escaped(&text[..len], out);
        }
        TextCode::Fold => {
            // Beyond a NUL only the lengths count, and a text without NUL is the shorter one.
            let end = text.iter().position(|&byte| byte == 0);
            out.extend(text[..end.unwrap_or(text.len())].iter().map(u8::to_ascii_lowercase));
            match end {
                None => out.extend_from_slice(&[0, 0]),
                Some(_) => {
                    out.extend_from_slice(&[0, 1]);
                    out.extend_from_slice(&(text.len() as u64).to_be_bytes());
                }
            }
        }
    }
}

/// Appends bytes so that they tell their end.
#[inline]
fn push_escaped(bytes: &[u8], out: &mut Vec<u8>) {
    if bytes.contains(&0) {
        for &byte in bytes {
            out.push(byte);
            if byte == 0 {
                out.push(0xff);
            }
        }
    } else {
        out.extend_from_slice(bytes);
    }
    out.extend_from_slice(&[0, 0]);
}

/// The bits of a double in an order that compares as unsigned.
#[inline(always)]
fn fold_sign(number: f64) -> u64 {
    let bits = number.to_bits();
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

/// A real as a number that compares as unsigned: -0.0 and 0.0 are the same.
#[inline(always)]
pub(super) fn real_order(number: f64) -> u64 {
    fold_sign(number + 0.0)
}

/// An integer as the real that is the same number, where every integer about it has one of its own.
#[inline(always)]
pub(super) fn exact_real(number: i64) -> Option<f64> {
    (number.unsigned_abs() < EXACT_MAX).then_some(number as f64)
}

#[inline]
fn push_integer(number: i64, out: &mut Vec<u8>) {
    let double = number as f64;
    if number.unsigned_abs() < EXACT_MAX {
        return push_exact(double, out);
    }
    // The double is within 512 of the number. 2^63 itself does not fit an integer, hence the wider type.
    let lacking = (i128::from(number) - double as i128) as i16;
    push_wide(double, lacking, out);
}

#[inline]
fn push_real(number: f64, out: &mut Vec<u8>) {
    if number.abs() < EXACT_MAX as f64 {
        // Adding zero turns -0.0 into 0.0.
        push_exact(number + 0.0, out);
    } else {
        push_wide(number, 0, out);
    }
}

#[inline(always)]
fn push_exact(double: f64, out: &mut Vec<u8>) {
    let mut code = [NUMBER; 9];
    code[1..].copy_from_slice(&fold_sign(double).to_be_bytes());
    out.extend_from_slice(&code);
}

fn push_wide(double: f64, lacking: i16, out: &mut Vec<u8>) {
    push_exact(double, out);
    out.extend_from_slice(&(lacking as u16 ^ 0x8000).to_be_bytes());
}

/// The first eight bytes of a key, zeros after its end: as a number it compares as the key does, but for ties.
#[inline]
pub(crate) fn prefix(key: &[u8]) -> u64 {
    if let Some(eight) = key.first_chunk::<8>() {
        return u64::from_be_bytes(*eight);
    }
    let mut eight = [0u8; 8];
    eight[..key.len()].copy_from_slice(key);
    u64::from_be_bytes(eight)
}

/// Compares a whole key with one of perhaps fewer columns: the columns beyond do not count.
#[inline]
pub(crate) fn compare_leading(key: &[u8], leading: &[u8]) -> Ordering {
    key[..key.len().min(leading.len())].cmp(leading)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernite_btree::record::compare_values;
    use kernite_btree::{Encoding, KeyColumn};

    fn encoder(collation: Collation, descending: bool, big_null: bool) -> KeyEncoder {
        let column = KeyColumn { collation, descending, big_null };
        KeyEncoder::new(Arc::new(KeyInfo {
            encoding: Encoding::Utf8,
            columns: vec![column.clone(), column],
            key_column_count: 2,
        }))
    }

    const VALUES: &[ValueRef<'static>] = &[
        ValueRef::Null,
        ValueRef::Integer(i64::MIN),
        ValueRef::Integer(i64::MIN + 1),
        ValueRef::Real(-9223372036854775808.0),
        ValueRef::Real(-1e300),
        ValueRef::Integer(-(1 << 53) - 1),
        ValueRef::Integer(-1),
        ValueRef::Real(-0.5),
        ValueRef::Real(-0.0),
        ValueRef::Integer(0),
        ValueRef::Real(1.0),
        ValueRef::Integer(1),
        ValueRef::Integer(1 << 53),
        ValueRef::Integer((1 << 53) + 1),
        ValueRef::Real(9007199254740992.0),
        ValueRef::Integer(i64::MAX),
        ValueRef::Integer(i64::MAX - 511),
        ValueRef::Integer(i64::MAX - 512),
        ValueRef::Real(9223372036854775807.0),
        ValueRef::Real(f64::INFINITY),
        ValueRef::Text(b""),
        ValueRef::Text(b"\0"),
        ValueRef::Text(b"\0\0"),
        ValueRef::Text(b"\0\x01"),
        ValueRef::Text(b"a"),
        ValueRef::Text(b"A"),
        ValueRef::Text(b"a "),
        ValueRef::Text(b"a  "),
        ValueRef::Text(b"a\0"),
        ValueRef::Text(b"A\0z"),
        ValueRef::Text(b"a\0bc"),
        ValueRef::Text(b"a\xff"),
        ValueRef::Text(b"ab"),
        ValueRef::Blob(b""),
        ValueRef::Blob(b"\0"),
        ValueRef::Blob(b"a"),
    ];

    #[test]
    fn keys_compare_as_their_values_do() {
        for collation in [Collation::Binary, Collation::NoCase, Collation::Rtrim] {
            for (descending, big_null) in [(false, false), (true, false), (false, true), (true, true)] {
                let encoder = encoder(collation.clone(), descending, big_null);
                for &left in VALUES {
                    for &right in VALUES {
                        let (mut left_key, mut right_key) = (Vec::new(), Vec::new());
                        encoder.push(0, left, &mut left_key);
                        encoder.push(0, right, &mut right_key);
                        let ascending = compare_values(left, right, &collation, Encoding::Utf8);
                        let with_null = left == ValueRef::Null || right == ValueRef::Null;
                        let expected = encoder.info.columns[0].direct(ascending, with_null);
                        assert_eq!(left_key.cmp(&right_key), expected, "{left:?} {right:?} {collation:?}");
                        let by_prefix = prefix(&left_key).cmp(&prefix(&right_key));
                        assert!(by_prefix == expected || by_prefix == Ordering::Equal);
                    }
                }
            }
        }
    }

    #[test]
    fn the_first_column_decides_before_the_second() {
        let encoder = encoder(Collation::Binary, false, false);
        let key = |first: ValueRef<'_>, second: ValueRef<'_>| {
            let mut key = Vec::new();
            encoder.push(0, first, &mut key);
            encoder.push(1, second, &mut key);
            key
        };
        for &left in VALUES {
            for &right in VALUES {
                let first = compare_values(left, right, &Collation::Binary, Encoding::Utf8);
                let found = key(left, ValueRef::Integer(2)).cmp(&key(right, ValueRef::Integer(1)));
                assert_eq!(found, first.then(Ordering::Greater), "{left:?} {right:?}");
                let mut leading = Vec::new();
                encoder.push(0, right, &mut leading);
                assert_eq!(compare_leading(&key(left, ValueRef::Null), &leading), first);
            }
        }
    }

    #[test]
    fn utf16_text_folds_as_its_characters() {
        let column = KeyColumn { collation: Collation::NoCase, descending: false, big_null: false };
        let info = KeyInfo { encoding: Encoding::Utf16Le, columns: vec![column], key_column_count: 1 };
        let encoder = KeyEncoder::new(Arc::new(info));
        let (mut left, mut right) = (Vec::new(), Vec::new());
        encoder.push(0, ValueRef::Text(b"A\0b\0"), &mut left);
        encoder.push(0, ValueRef::Text(b"a\0B\0"), &mut right);
        assert_eq!(left, right);
    }
}
