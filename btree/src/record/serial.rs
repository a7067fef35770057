//! Serial types: how one value is stored, and in how many bytes.
//!
//! ```text
//! 0        NULL                     8, 9     the integers 0 and 1, no bytes
//! 1…6      integer of 1,2,3,4,6,8   10, 11   reserved; read as NULL
//! 7        IEEE double              12+2n    blob of n bytes     13+2n  text of n bytes
//! ```
//!
//! Integers are big-endian two's complement, in the narrowest width that holds them.
//!
//! Never: affinity. That a REAL column stores 3.0 as the integer 3 is decided before a value gets here.
//! Spec: Database File Format, "Record Format".

use super::value::ValueRef;

/// The serial type of NULL.
pub const NULL: u64 = 0;
/// The serial type of a double.
pub const REAL: u64 = 7;
/// The first serial type of a blob; text begins one above.
pub const BLOB_MIN: u64 = 12;

/// Bytes of content for the serial types below [`BLOB_MIN`].
const FIXED_LEN: [u8; 12] = [0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0];

/// Bytes of content for the serial types that take one byte in a header: all but texts and blobs of more than 57 bytes.
pub(super) const SHORT_LEN: [u8; 128] = {
    let mut table = [0; 128];
    let mut serial = 0;
    while serial < table.len() {
        table[serial] = if serial < 12 { FIXED_LEN[serial] } else { (serial as u8 - 12) / 2 };
        serial += 1;
    }
    table
};

/// How far eight loaded bytes are shifted right to leave an integer of serial type 1 to 6.
const INTEGER_SHIFT: [u8; 8] = [0, 56, 48, 40, 32, 16, 0, 0];

/// Serial type of an integer by the number of significant bits of its magnitude.
const INTEGER_BY_BITS: [u8; 65] = {
    let mut table = [6u8; 65];
    let mut bits = 0;
    while bits < 48 {
        table[bits] = match bits {
            0..=7 => 1,
            8..=15 => 2,
            16..=23 => 3,
            24..=31 => 4,
            _ => 5,
        };
        bits += 1;
    }
    table
};

/// Bytes of content of a value of type `serial`.
#[inline(always)]
pub fn content_len(serial: u64) -> u64 {
    match FIXED_LEN.get(serial as usize) {
        Some(&len) if serial < BLOB_MIN => u64::from(len),
        _ => (serial - BLOB_MIN) / 2,
    }
}

/// [`content_len`] of a type that takes one byte in a header; of any other byte, that of its low seven bits.
#[inline(always)]
pub(crate) fn short_len(serial: u8) -> usize {
    usize::from(SHORT_LEN[usize::from(serial & 0x7f)])
}

/// Whether `serial` is an integer.
#[inline(always)]
pub const fn is_integer(serial: u64) -> bool {
    matches!(serial, 1..=6 | 8 | 9)
}

/// Whether `serial` reads as NULL. (So does a [`REAL`] whose bits are a NaN.)
#[inline(always)]
pub const fn is_null(serial: u64) -> bool {
    matches!(serial, 0 | 10 | 11)
}

/// Whether `serial` is text.
#[inline(always)]
pub const fn is_text(serial: u64) -> bool {
    serial > BLOB_MIN && serial & 1 == 1
}

/// The integer of type `serial` (1 to 6, 8, 9) whose content starts at `content`, which may go on beyond it. `None` when
/// `content` is too short or `serial` no integer.
#[inline(always)]
pub fn integer(serial: u64, content: &[u8]) -> Option<i64> {
    match (serial, content.first_chunk::<8>()) {
        (1..=6, Some(eight)) => Some(i64::from_be_bytes(*eight) >> INTEGER_SHIFT[serial as usize]),
        (8, _) => Some(0),
        (9, _) => Some(1),
        _ => integer_at_end(serial, content),
    }
}

/// As [`integer`] where fewer than eight bytes follow: the end of a page or record, which is where short keys are.
#[inline]
fn integer_at_end(serial: u64, content: &[u8]) -> Option<i64> {
    Some(match serial {
        1 => i64::from(*content.first()? as i8),
        2 => i64::from(i16::from_be_bytes(*content.first_chunk()?)),
        3 => {
            let &[a, b, c] = content.first_chunk()?;
            i64::from(i32::from_be_bytes([a, b, c, 0]) >> 8)
        }
        4 => i64::from(i32::from_be_bytes(*content.first_chunk()?)),
        5 => {
            let &[a, b, c, d, e, f] = content.first_chunk()?;
            i64::from_be_bytes([a, b, c, d, e, f, 0, 0]) >> 16
        }
        _ => return None,
    })
}

/// The double whose content starts at `content`. A NaN is returned as such; it counts as NULL.
#[inline(always)]
pub fn real(content: &[u8]) -> Option<f64> {
    content.first_chunk::<8>().map(|eight| f64::from_be_bytes(*eight))
}

/// The value of type `serial` whose content starts at `content`, which may go on beyond it. `None` when `content` is too
/// short.
#[inline]
pub fn decode(serial: u64, content: &[u8]) -> Option<ValueRef<'_>> {
    match serial {
        1..=6 | 8 | 9 => integer(serial, content).map(ValueRef::Integer),
        NULL | 10 | 11 => Some(ValueRef::Null),
        REAL => {
            let number = real(content)?;
            Some(if number.is_nan() { ValueRef::Null } else { ValueRef::Real(number) })
        }
        _ => {
            let bytes = content.get(..usize::try_from(content_len(serial)).ok()?)?;
            Some(if serial & 1 == 1 { ValueRef::Text(bytes) } else { ValueRef::Blob(bytes) })
        }
    }
}

/// The serial type of `number`. Without `constants` (schema formats 1 to 3) 0 and 1 take a byte like other integers.
#[inline(always)]
pub fn of_integer(number: i64, constants: bool) -> u64 {
    if constants && number as u64 <= 1 {
        return 8 + number as u64;
    }
    let magnitude = number ^ (number >> 63);
    u64::from(INTEGER_BY_BITS[(64 - magnitude.leading_zeros()) as usize])
}

/// The serial type of `value` followed by `zero_tail` zero bytes (blobs only). A NaN is NULL.
#[inline(always)]
pub fn of_value(value: ValueRef<'_>, zero_tail: u64, constants: bool) -> u64 {
    match value {
        ValueRef::Integer(number) => of_integer(number, constants),
        ValueRef::Null => NULL,
        ValueRef::Real(number) if number.is_nan() => NULL,
        ValueRef::Real(_) => REAL,
        ValueRef::Text(bytes) => bytes.len() as u64 * 2 + BLOB_MIN + 1,
        ValueRef::Blob(bytes) => (bytes.len() as u64 + zero_tail) * 2 + BLOB_MIN,
    }
}

/// Appends the content of an integer to `out`; its serial type.
#[inline(always)]
pub fn push_integer(number: i64, constants: bool, out: &mut Vec<u8>) -> u64 {
    if constants && number as u64 <= 1 {
        return 8 + number as u64;
    }
    let serial = of_integer(number, false) as usize;
    let end = out.len() + usize::from(SHORT_LEN[serial & 7]);
    // Eight bytes, whose length is known to the compiler; then those that count.
    out.extend_from_slice(&(number << INTEGER_SHIFT[serial & 7]).to_be_bytes());
    out.truncate(end);
    serial as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_take_the_narrowest_type() {
        // Boundaries from the file format's table: 1, 2, 3, 4, 6, 8 bytes of two's complement.
        for (number, serial) in [
            (2, 1),
            (-1, 1),
            (127, 1),
            (-128, 1),
            (128, 2),
            (-129, 2),
            (32767, 2),
            (32768, 3),
            (-8388608, 3),
            (8388608, 4),
            (i64::from(i32::MIN), 4),
            (i64::from(i32::MAX) + 1, 5),
            ((1 << 47) - 1, 5),
            (-(1 << 47), 5),
            (1 << 47, 6),
            (i64::MIN, 6),
            (i64::MAX, 6),
        ] {
            assert_eq!(of_integer(number, true), serial, "{number}");
            let mut out = Vec::new();
            push_integer(number, true, &mut out);
            assert_eq!(out.len() as u64, content_len(serial));
            assert_eq!(integer(serial, &out), Some(number), "at the end");
            assert_eq!(integer(serial, &out[..out.len() - 1]), None, "cut off");
            out.extend_from_slice(&[0xee; 8]);
            assert_eq!(integer(serial, &out), Some(number), "with bytes beyond it");
        }
    }

    #[test]
    fn zero_and_one_take_no_bytes_from_schema_format_4_on() {
        assert_eq!((of_integer(0, true), of_integer(1, true)), (8, 9));
        assert_eq!((of_integer(0, false), of_integer(1, false)), (1, 1));
        assert_eq!(
            (decode(8, &[]), decode(9, &[])),
            (Some(ValueRef::Integer(0)), Some(ValueRef::Integer(1)))
        );
    }

    #[test]
    fn a_stored_nan_reads_as_null() {
        assert_eq!(decode(REAL, &f64::NAN.to_be_bytes()), Some(ValueRef::Null));
        assert_eq!(of_value(ValueRef::Real(f64::NAN), 0, true), NULL);
    }

    #[test]
    fn text_and_blob_types_tell_their_length() {
        assert_eq!(decode(17, b"abc"), Some(ValueRef::Text(b"ab")));
        assert_eq!(decode(16, b"abc"), Some(ValueRef::Blob(b"ab")));
        assert_eq!(decode(19, b"ab"), None);
        assert_eq!(of_value(ValueRef::Blob(b"ab"), 3, true), 22);
        assert_eq!(content_len(u64::MAX), (u64::MAX - 12) / 2);
    }
}
