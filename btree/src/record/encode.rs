//! Writing records.
//!
//! Two passes over the values: sizes first, so that header and content are written in place into a buffer that is kept from
//! row to row and grows at most once.
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

/// Sizes of a record, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordSize {
    /// The header, its length field included.
    pub header: u64,
    /// All content, the zero tail included.
    pub content: u64,
    /// Zeros at the end of the content that are not written.
    pub zero_tail: u64,
    /// The serial types of the first fields, as far as they take one byte; [`UNKNOWN`] where they do not.
    kinds: [u8; KINDS],
}

/// How many serial types are kept from measuring to writing.
const KINDS: usize = 16;
/// Stands for a serial type that takes more than one byte.
const UNKNOWN: u8 = 0xff;

impl RecordSize {
    /// Measures the record of `fields`. Without `constants` (schema formats 1 to 3) 0 and 1 take a byte of content.
    #[inline]
    pub fn of<F: Field>(fields: &[F], constants: bool) -> RecordSize {
        let (mut types, mut content, mut zero_tail) = (0u64, 0u64, 0u64);
        let mut kinds = [UNKNOWN; KINDS];
        for (at, field) in fields.iter().enumerate() {
            let zeros = field.zero_tail();
            let serial = serial::of_value(field.value(), zeros, constants);
            let len = if serial < 0x80 {
                if let Some(kind) = kinds.get_mut(at) {
                    *kind = serial as u8;
                }
                types += 1;
                u64::from(serial::SHORT_LEN[serial as usize])
            } else {
                types += varint::len(serial) as u64;
                serial::content_len(serial)
            };
            content += len;
            if zeros != 0 {
                // Bytes of this blob itself end the tail of the fields before it.
                zero_tail = if len == zeros { zero_tail + zeros } else { zeros };
            } else if len != 0 {
                zero_tail = 0;
            }
        }
        RecordSize { header: header_len(types), content, zero_tail, kinds }
    }

    /// The whole payload.
    #[inline]
    pub fn total(&self) -> u64 {
        self.header + self.content
    }
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

/// Makes the record of `fields` in `out`, whose old content is lost, without the zero tail that `size` (from
/// [`RecordSize::of`] with the same arguments) tells of.
#[inline]
pub fn encode_sized<F: Field>(fields: &[F], constants: bool, size: &RecordSize, out: &mut Vec<u8>) {
    let written = (size.total() - size.zero_tail) as usize;
    if out.len() < written {
        out.resize(written, 0);
    } else {
        out.truncate(written);
    }
    let Some((mut header, mut content)) = out.split_at_mut_checked(size.header as usize) else { return };
    let at = varint::encode(size.header, header);
    header = &mut header[at..];
    for (at, field) in fields.iter().enumerate() {
        let (value, zeros) = (field.value(), field.zero_tail());
        let serial = match (size.kinds.get(at), std::mem::take(&mut header)) {
            (Some(&kind @ ..0x80), [first, rest @ ..]) => {
                *first = kind;
                header = rest;
                u64::from(kind)
            }
            (_, rest) => {
                let serial = serial::of_value(value, zeros, constants);
                let len = varint::encode(serial, rest);
                header = &mut rest[len..];
                serial
            }
        };
        content = match serial::write(value, serial, content) {
            Some(rest) => rest,
            None => {
                debug_assert!(false, "the size was measured with other fields");
                return;
            }
        };
        if zeros != 0 {
            let here = content.len().min(zeros as usize);
            let (zeroed, rest) = content.split_at_mut(here);
            zeroed.fill(0);
            content = rest;
        }
    }
    debug_assert!(header.is_empty() && content.is_empty());
}

/// Makes the record of `fields` in `out`, whose old content is lost. Returns the zero tail: how many zero bytes follow.
#[inline]
pub fn encode<F: Field>(fields: &[F], constants: bool, out: &mut Vec<u8>) -> u64 {
    let size = RecordSize::of(fields, constants);
    encode_sized(fields, constants, &size, out);
    size.zero_tail
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
