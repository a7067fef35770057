//! Writing records.
//!
//! Most records are made in one pass that fills in the header while it appends the content, after a look at the lengths of texts and blobs
//! has told how long the header will be. The buffer is kept from row to row and grows at most once. Long headers, long texts and zero
//! tails take a pass for the sizes and one for each part.
//!
//! A blob may end in zeros that are not in memory (`zeroblob(1000000)`). As long as no content follows them they stay out of the
//! record, which is said to have a zero tail; else they are written.
//!
//! Never: affinity, length limits (the caller knows them).
//! Spec: Database File Format, "Record Format".

use super::serial;
use super::value::ValueRef;
use super::varint;

/// What a record can be made of.
pub trait Field {
    /// The value.
    fn value(&self) -> ValueRef<'_>;

    /// Zero bytes that follow the bytes of a blob.
    #[inline(always)]
    fn zero_tail(&self) -> u64 {
        0
    }
}

impl Field for ValueRef<'_> {
    #[inline(always)]
    fn value(&self) -> ValueRef<'_> {
        *self
    }
}

impl<F: Field> Field for &F {
    #[inline(always)]
    fn value(&self) -> ValueRef<'_> {
        (**self).value()
    }

    #[inline(always)]
    fn zero_tail(&self) -> u64 {
        (**self).zero_tail()
    }
}

/// A record that was made, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// The whole payload, the zero tail included.
    pub len: u64,
    /// Zeros at the end of the content that were not written.
    pub zero_tail: u64,
}

/// Most fields of a record that is made in one pass.
const FIELDS: usize = 31;

/// Room for the header of such a record: no serial type takes more than two bytes.
const HEAD: usize = 64;

/// Texts and blobs of so many bytes and more have serial types of two bytes, and of three.
const TWO_BYTES: usize = 58;
const THREE_BYTES: usize = 8186;

/// Integers are written eight bytes wide and then cut.
const SLACK: usize = 8;

/// What the first pass finds out.
#[derive(Clone, Copy, Default)]
struct Sizes {
    content: u64,
    zero_tail: u64,
}

impl Sizes {
    /// Counts a field; its serial type.
    #[inline(always)]
    fn add(&mut self, field: &impl Field, constants: bool) -> u64 {
        match field.value() {
            ValueRef::Integer(number) => {
                let serial = serial::of_integer(number, constants);
                self.end_tail(u64::from(serial::SHORT_LEN[serial as usize & 0x7f]));
                serial
            }
            ValueRef::Text(text) => {
                self.end_tail(text.len() as u64);
                serial::of_value(ValueRef::Text(text), 0, constants)
            }
            ValueRef::Null => serial::NULL,
            ValueRef::Real(number) if number.is_nan() => serial::NULL,
            ValueRef::Real(_) => {
                self.end_tail(8);
                serial::REAL
            }
            ValueRef::Blob(blob) => {
                let zeros = field.zero_tail();
                self.end_tail(blob.len() as u64);
                self.content += zeros;
                self.zero_tail += zeros;
                serial::of_value(ValueRef::Blob(blob), zeros, constants)
            }
        }
    }

    /// Content that is written: the zeros before it have to be, too.
    #[inline(always)]
    fn end_tail(&mut self, len: u64) {
        self.content += len;
        if len != 0 {
            self.zero_tail = 0;
        }
    }
}

/// Makes the record of `fields` in `out`, whose old content is lost, without its zero tail. Without `constants` (schema formats 1 to 3)
/// 0 and 1 take a byte of content. `None`: it is longer than `limit`, and `out` is as it was.
#[inline]
pub fn encode_within<F: Field>(
    fields: &[F],
    constants: bool,
    limit: u64,
    out: &mut Vec<u8>,
) -> Option<Encoded> {
    let mut header = 1 + fields.len();
    let mut bytes = 0;
    let mut is_plain = fields.len() <= FIELDS;
    for field in fields {
        match field.value() {
            ValueRef::Text(text) => {
                header += usize::from(text.len() >= TWO_BYTES);
                is_plain &= text.len() < THREE_BYTES;
                bytes += text.len();
            }
            ValueRef::Blob(blob) => {
                header += usize::from(blob.len() >= TWO_BYTES);
                is_plain &= blob.len() < THREE_BYTES && field.zero_tail() == 0;
                bytes += blob.len();
            }
            _ => {}
        }
    }
    let most = HEAD + bytes + 8 * fields.len();
    if !is_plain || most as u64 > limit {
        return encode_long(fields, constants, limit, out);
    }
    out.clear();
    out.reserve(most + SLACK);
    // The header is filled in while the content is appended. All of it, whose length is known to the compiler; then the part that counts.
    out.extend_from_slice(&[0; HEAD]);
    out.truncate(header);
    out[0] = header as u8;
    let mut at = 1;
    for field in fields {
        let serial = match field.value() {
            ValueRef::Integer(number) => serial::push_integer(number, constants, out),
            ValueRef::Null => serial::NULL,
            ValueRef::Real(number) if number.is_nan() => serial::NULL,
            ValueRef::Real(number) => {
                out.extend_from_slice(&number.to_be_bytes());
                serial::REAL
            }
            value @ (ValueRef::Text(bytes) | ValueRef::Blob(bytes)) => {
                out.extend_from_slice(bytes);
                serial::of_value(value, 0, constants)
            }
        };
        if serial < 0x80 {
            out[at] = serial as u8;
            at += 1;
        } else {
            let two = &mut out[at..at + 2];
            (two[0], two[1]) = (0x80 | (serial >> 7) as u8, serial as u8 & 0x7f);
            at += 2;
        }
    }
    debug_assert_eq!(at, header);
    Some(Encoded { len: out.len() as u64, zero_tail: 0 })
}

/// As [`encode_within`], for records of any kind.
#[inline(never)]
fn encode_long<F: Field>(fields: &[F], constants: bool, limit: u64, out: &mut Vec<u8>) -> Option<Encoded> {
    let mut sizes = Sizes::default();
    let types = fields.iter().map(|field| varint::len(sizes.add(field, constants)) as u64).sum();
    let header = header_len(types);
    let len = header + sizes.content;
    if len > limit {
        return None;
    }
    out.clear();
    out.reserve((len - sizes.zero_tail) as usize + SLACK);
    varint::push(header, out);
    for field in fields {
        varint::push(Sizes::default().add(field, constants), out);
    }
    push_content(fields, constants, len - sizes.zero_tail, out);
    Some(Encoded { len, zero_tail: sizes.zero_tail })
}

/// Appends the content of `fields`, up to a record of `end` bytes.
fn push_content<F: Field>(fields: &[F], constants: bool, end: u64, out: &mut Vec<u8>) {
    for field in fields {
        match field.value() {
            ValueRef::Integer(number) => {
                serial::push_integer(number, constants, out);
            }
            ValueRef::Null => {}
            ValueRef::Real(number) if number.is_nan() => {}
            ValueRef::Real(number) => out.extend_from_slice(&number.to_be_bytes()),
            ValueRef::Text(bytes) => out.extend_from_slice(bytes),
            ValueRef::Blob(bytes) => {
                out.extend_from_slice(bytes);
                let zeros = field.zero_tail();
                if zeros != 0 {
                    // The tail's are not written.
                    out.resize((out.len() as u64 + zeros).min(end) as usize, 0);
                }
            }
        }
    }
    debug_assert_eq!(out.len() as u64, end);
}

/// The header's length for `types` bytes of serial types: it counts its own length field.
#[inline]
fn header_len(types: u64) -> u64 {
    if types < 0x7f {
        return types + 1;
    }
    let guess = types + varint::len(types) as u64;
    guess + u64::from(varint::len(guess) > varint::len(types))
}

/// Makes the record of `fields` in `out`, whose old content is lost. Returns the zero tail: how many zero bytes follow.
#[inline]
pub fn encode<F: Field>(fields: &[F], constants: bool, out: &mut Vec<u8>) -> u64 {
    encode_within(fields, constants, u64::MAX, out).map_or(0, |encoded| encoded.zero_tail)
}

#[cfg(test)]
mod tests {
    use super::super::decode::Values;
    use super::*;

    fn round_trip(fields: &[ValueRef<'_>]) -> Vec<u8> {
        let mut out = vec![0xee; 3];
        assert_eq!(encode(fields, true, &mut out), 0);
        let back: Vec<_> = Values::new(&out).unwrap().map(Result::unwrap).collect();
        assert_eq!(back, fields);
        out
    }

    #[test]
    fn a_record_comes_back_as_it_went_in() {
        let record = round_trip(&[
            ValueRef::Null,
            ValueRef::Integer(5),
            ValueRef::Text(b"ab"),
            ValueRef::Blob(&[0, 0xff]),
            ValueRef::Integer(1),
            ValueRef::Real(2.0),
        ]);
        assert_eq!(record, [7, 0, 1, 17, 16, 9, 7, 5, b'a', b'b', 0, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0]);
        round_trip(&[]);
        round_trip(&[ValueRef::Integer(i64::MIN), ValueRef::Integer(-2), ValueRef::Integer(1 << 40)]);
    }

    #[test]
    fn the_header_length_counts_its_own_bytes() {
        for columns in [125usize, 126, 127, 128, 129, 16380, 16381, 16382, 16383, 16384] {
            let fields = vec![ValueRef::Null; columns];
            let record = round_trip(&fields);
            let (header_len, _) = varint::decode(&record).unwrap();
            assert_eq!(header_len, record.len() as u64);
        }
    }

    #[test]
    fn both_ways_make_the_same_record() {
        let long = vec![b'x'; THREE_BYTES + 1];
        for len in [0, TWO_BYTES - 1, TWO_BYTES, TWO_BYTES + 1, THREE_BYTES - 1, THREE_BYTES] {
            for kind in [ValueRef::Text, ValueRef::Blob] {
                for (fields, constants) in [(1, true), (FIELDS, true), (FIELDS, false), (FIELDS + 1, true)] {
                    let mut values = vec![kind(&long[..len]); fields];
                    values.extend([-300, 0, 1, i64::MAX].map(ValueRef::Integer));
                    let mut quick = Vec::new();
                    let mut slow = Vec::new();
                    let encoded = encode_within(&values, constants, u64::MAX, &mut quick);
                    assert_eq!(encoded, encode_long(&values, constants, u64::MAX, &mut slow));
                    assert_eq!(quick, slow, "{fields} fields of {len} bytes");
                    let back: Vec<_> = Values::new(&quick).unwrap().map(Result::unwrap).collect();
                    assert_eq!(back, values);
                }
            }
        }
    }

    #[test]
    fn a_record_beyond_the_limit_is_not_made() {
        let fields = [ValueRef::Text(b"abc"), ValueRef::Integer(300)];
        let mut out = vec![7];
        assert_eq!(encode_within(&fields, true, 7, &mut out), None);
        assert_eq!(out, [7]);
        assert_eq!(encode_within(&fields, true, 8, &mut out), Some(Encoded { len: 8, zero_tail: 0 }));
        assert_eq!(out.len(), 8);
    }

    struct Zeros(&'static [u8], u64);

    impl Field for Zeros {
        fn value(&self) -> ValueRef<'_> {
            ValueRef::Blob(self.0)
        }
        fn zero_tail(&self) -> u64 {
            self.1
        }
    }

    #[test]
    fn zeros_stay_out_of_the_record_until_content_follows() {
        for (fields, tail) in [
            (&[Zeros(b"", 100)][..], 100),
            (&[Zeros(b"ab", 3)], 3),
            (&[Zeros(b"", 4), Zeros(b"", 3)], 7),
            (&[Zeros(b"", 4), Zeros(b"", 0), Zeros(b"", 3)], 7),
            (&[Zeros(b"", 4), Zeros(b"x", 3)], 3),
            (&[Zeros(b"", 4), Zeros(b"x", 0)], 0),
        ] {
            let mut record = Vec::new();
            assert_eq!(encode(fields, true, &mut record), tail);
            record.resize(record.len() + tail as usize, 0);
            for (value, field) in Values::new(&record).unwrap().zip(fields) {
                let mut expected = field.0.to_vec();
                expected.resize(expected.len() + field.1 as usize, 0);
                assert_eq!(value.unwrap(), ValueRef::Blob(&expected));
            }
        }
    }
}
