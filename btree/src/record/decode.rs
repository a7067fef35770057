//! Reading records: columns are found one after the other, when asked for, and remembered.
//!
//! ```text
//! | header length | type 0 | type 1 | … | content 0 | content 1 | … |
//! '------------- header_len -----------'                             '- payload_len
//! ```
//!
//! A scan asks for few columns of many rows, mostly near the front; [`RecordHeader`] walks the header no further than asked and
//! keeps its memory from row to row. It works on the part of a payload that lies on the page: a column is located by the header
//! alone, its content may be elsewhere.
//!
//! Always true of a column that was located: its content ends inside the payload.
//!
//! Never: reading pages, defaults for the columns that a short record lacks.
//! Spec: Database File Format, "Record Format".

use super::serial;
use super::value::ValueRef;
use super::varint;
use crate::error::Damage;

/// The longest header that a valid record can have: 32767 columns of a three-byte serial type and the length itself.
pub const HEADER_LEN_MAX: u64 = 3 * 32767 + 3;

/// Where a column lies in its record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Column {
    /// Serial type.
    pub serial: u32,
    /// First byte of the content, from the start of the payload.
    pub offset: u32,
}

impl Column {
    /// Bytes of content.
    #[inline]
    pub fn len(&self) -> usize {
        serial::content_len(u64::from(self.serial)) as usize
    }

    /// Whether the value takes no bytes (NULL, 0, 1, empty text or blob).
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The byte after the content, from the start of the payload.
    #[inline]
    pub fn end(&self) -> usize {
        self.offset as usize + self.len()
    }

    /// The value, where `payload` (the start of it that is at hand) reaches that far; `None` where it lies on overflow pages.
    #[inline]
    pub fn decode<'a>(&self, payload: &'a [u8]) -> Option<ValueRef<'a>> {
        serial::decode(u64::from(self.serial), payload.get(self.offset as usize..)?)
    }
}

/// How many header bytes are remembered to be recognised in the next record.
const REMEMBERED: usize = 8;

/// The columns of one record found so far. Reused from row to row: rows of a table often begin with the same serial types, and
/// what was found by those holds for the next row too.
#[derive(Clone, Debug, Default)]
pub struct RecordHeader {
    columns: Vec<Column>,
    /// Bytes of the header, its length field included.
    header_len: u32,
    /// The next serial type to be read.
    header_at: u32,
    /// Where the content of the next column starts.
    content_at: u32,
    payload_len: u32,
    /// The record's first bytes, if its header is short; else 0, which no header starts with that has columns.
    start: u64,
}

impl RecordHeader {
    /// A header without a record: every column is missing.
    pub const fn new() -> RecordHeader {
        RecordHeader {
            columns: Vec::new(),
            header_len: 0,
            header_at: 0,
            content_at: 0,
            payload_len: 0,
            start: 0,
        }
    }

    /// Begins a record of `payload_len` bytes that starts with `local`.
    #[inline(always)]
    pub fn start(&mut self, local: &[u8], payload_len: u64) -> Result<(), Damage> {
        match local.first_chunk::<REMEMBERED>() {
            Some(first)
                if first[0] < 0x80
                    && u64::from(first[0]) <= payload_len
                    && payload_len <= u64::from(u32::MAX) =>
            {
                self.start_short(u64::from_le_bytes(*first), payload_len as u32);
                Ok(())
            }
            _ => self.start_any(local, payload_len),
        }
    }

    /// Begins a record whose header length takes one byte, `first` being its first eight bytes.
    #[inline(always)]
    fn start_short(&mut self, first: u64, payload_len: u32) {
        // How many bytes are as they were in the record before, the header length among them.
        let same = ((first ^ self.start).trailing_zeros() / 8) as usize;
        self.start = first;
        self.payload_len = payload_len;
        let found = self.columns.len();
        // Only if all serial types found were of one byte does column i belong to byte 1 + i.
        if same > found && self.header_at as usize == 1 + found && self.fits() {
            return;
        }
        self.start_short_anew(first, same);
    }

    /// As [`start_short`](Self::start_short) where not all that was found holds.
    #[inline(never)]
    fn start_short_anew(&mut self, first: u64, same: usize) {
        let header_len = (first & 0x7f) as u32;
        let kept = match same {
            1.. if self.header_at as usize == 1 + self.columns.len() => (same - 1).min(self.columns.len()),
            _ => 0,
        };
        self.columns.truncate(kept);
        self.header_len = header_len;
        self.header_at = 1 + kept as u32;
        self.content_at = self.columns.last().map_or(header_len, |last| last.end() as u32);
        if !self.fits() {
            // Damaged, which a walk from the beginning will tell.
            self.columns.clear();
            self.header_at = 1;
            self.content_at = header_len;
        }
    }

    /// Whether the content of the columns found lies in the payload, and fills it if they are all.
    #[inline]
    fn fits(&self) -> bool {
        self.content_at == self.payload_len
            || self.content_at < self.payload_len && self.header_at < self.header_len
    }

    /// Begins any record.
    #[inline(never)]
    fn start_any(&mut self, local: &[u8], payload_len: u64) -> Result<(), Damage> {
        self.clear();
        let (header_len, at) = varint::decode(local).ok_or(Damage::Record)?;
        if header_len > payload_len || header_len > HEADER_LEN_MAX || payload_len > u64::from(u32::MAX) {
            return Err(Damage::Record);
        }
        self.header_len = header_len as u32;
        self.header_at = at as u32;
        self.content_at = header_len as u32;
        self.payload_len = payload_len as u32;
        Ok(())
    }

    /// Forgets the record: every column is missing until the next [`start`](Self::start).
    #[inline]
    pub fn clear(&mut self) {
        self.columns.clear();
        self.header_len = 0;
        self.header_at = 0;
        self.start = 0;
    }

    /// How many payload bytes [`column`](Self::column) has to be given.
    #[inline]
    pub fn header_len(&self) -> usize {
        self.header_len as usize
    }

    /// Finds column `index` (from 0). `payload` is the start of the payload and has at least [`header_len`](Self::header_len)
    /// bytes: where a header goes on on an overflow page, the caller reads that many bytes first. `None`: the record is shorter,
    /// the column has its default.
    #[inline(always)]
    pub fn column(&mut self, payload: &[u8], index: usize) -> Result<Option<Column>, Damage> {
        match self.columns.get(index) {
            Some(column) => Ok(Some(*column)),
            None => self.scan(payload, index),
        }
    }

    /// The columns found so far.
    #[inline]
    pub fn found(&self) -> &[Column] {
        &self.columns
    }

    /// Walks the header up to column `index`.
    #[inline]
    fn scan(&mut self, payload: &[u8], index: usize) -> Result<Option<Column>, Damage> {
        let header = payload.get(..self.header_len as usize).ok_or(Damage::Record)?;
        let mut at = self.header_at as usize;
        let mut content_at = self.content_at;
        let mut found = None;
        while let Some(&byte) = header.get(at) {
            let (serial, len) = if byte < 0x80 {
                at += 1;
                (u32::from(byte), u32::from(serial::SHORT_LEN[usize::from(byte)]))
            } else {
                long_type(header, &mut at)?
            };
            if len > self.payload_len - content_at {
                return Err(Damage::Record);
            }
            let column = Column { serial, offset: content_at };
            content_at += len;
            self.columns.push(column);
            if self.columns.len() > index {
                found = Some(column);
                break;
            }
        }
        self.header_at = at as u32;
        self.content_at = content_at;
        if at >= header.len() && content_at != self.payload_len && self.header_len != 0 {
            self.clear();
            return Err(Damage::Record);
        }
        Ok(found)
    }
}

/// Reads a serial type of more than one byte, and the length of its content.
fn long_type(header: &[u8], at: &mut usize) -> Result<(u32, u32), Damage> {
    let serial = varint::decode_at(header, at).ok_or(Damage::Record)?;
    match (u32::try_from(serial), u32::try_from(serial::content_len(serial))) {
        (Ok(serial), Ok(len)) => Ok((serial, len)),
        _ => Err(Damage::Record),
    }
}

/// The values of a record that is wholly in memory, first to last.
#[derive(Clone, Debug)]
pub struct Values<'a> {
    record: &'a [u8],
    header_len: usize,
    header_at: usize,
    content_at: usize,
}

impl<'a> Values<'a> {
    /// Begins with the first value of `record`.
    #[inline]
    pub fn new(record: &'a [u8]) -> Result<Values<'a>, Damage> {
        let (header_len, header_at) = varint::decode(record).ok_or(Damage::Record)?;
        if header_len > record.len() as u64 {
            return Err(Damage::Record);
        }
        let header_len = header_len as usize;
        Ok(Values { record, header_len, header_at, content_at: header_len })
    }

    /// The next value; `None` at the end of the record.
    #[inline]
    pub fn next_value(&mut self) -> Result<Option<ValueRef<'a>>, Damage> {
        if self.header_at >= self.header_len {
            return Ok(None);
        }
        let header = self.record.get(self.header_at..self.header_len).ok_or(Damage::Record)?;
        let (serial, len) = varint::decode(header).ok_or(Damage::Record)?;
        let content = self.record.get(self.content_at..).ok_or(Damage::Record)?;
        let value = serial::decode(serial, content).ok_or(Damage::Record)?;
        self.header_at += len;
        // Cannot overflow: the value was found inside the slice.
        self.content_at += serial::content_len(serial) as usize;
        Ok(Some(value))
    }
}

impl<'a> Iterator for Values<'a> {
    type Item = Result<ValueRef<'a>, Damage>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        match self.next_value() {
            Ok(value) => value.map(Ok),
            Err(damage) => {
                self.header_at = self.header_len;
                Some(Err(damage))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// NULL, 5, 'ab', x'00ff', 1, 2.0
    const RECORD: &[u8] = &[
        7, 0, 1, 17, 16, 9, 7, //
        5, b'a', b'b', 0x00, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0,
    ];

    #[test]
    fn columns_are_found_in_any_order() {
        let mut header = RecordHeader::new();
        header.start(RECORD, RECORD.len() as u64).unwrap();
        let column = header.column(RECORD, 3).unwrap().unwrap();
        assert_eq!(column.decode(RECORD), Some(ValueRef::Blob(&[0x00, 0xff])));
        assert_eq!(header.found().len(), 4);
        let column = header.column(RECORD, 1).unwrap().unwrap();
        assert_eq!(column.decode(RECORD), Some(ValueRef::Integer(5)));
        let column = header.column(RECORD, 5).unwrap().unwrap();
        assert_eq!(column.decode(RECORD), Some(ValueRef::Real(2.0)));
        assert_eq!(header.column(RECORD, 6), Ok(None));
    }

    #[test]
    fn content_beyond_the_local_part_is_located_but_not_decoded() {
        let local = &RECORD[..9];
        let mut header = RecordHeader::new();
        header.start(local, RECORD.len() as u64).unwrap();
        let column = header.column(local, 2).unwrap().unwrap();
        assert_eq!((column.offset, column.len(), column.decode(local)), (8, 2, None));
    }

    #[test]
    fn what_was_found_in_one_record_is_not_believed_of_another() {
        use super::super::encode::encode;
        let texts = [b"".as_slice(), b"a", b"abc", &[b'x'; 57], &[b'y'; 58], &[b'z'; 200]];
        let mut random = 7u32;
        let mut next = |below: usize| {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (random >> 16) as usize % below
        };
        let mut header = RecordHeader::new();
        let mut record = Vec::new();
        for _ in 0..20_000 {
            // Few kinds, so that records begin alike.
            let fields: Vec<ValueRef<'_>> = (0..next(9))
                .map(|_| match next(6) {
                    0 => ValueRef::Null,
                    1 => ValueRef::Integer(1),
                    2 => ValueRef::Integer(300),
                    3 | 4 => ValueRef::Integer(next(3) as i64 * 100),
                    _ => ValueRef::Text(texts[next(texts.len())]),
                })
                .collect();
            encode(&fields, true, &mut record);
            if next(10) == 0 {
                // A byte too many: whoever walks the whole header notices.
                record.push(0);
                header.start(&record, record.len() as u64).unwrap();
                assert_eq!(header.column(&record, 20), Err(Damage::Record), "{fields:?}");
                continue;
            }
            header.start(&record, record.len() as u64).unwrap();
            for _ in 0..next(4) {
                let index = next(10);
                let found =
                    header.column(&record, index).unwrap().map(|column| column.decode(&record).unwrap());
                assert_eq!(found, fields.get(index).copied(), "column {index} of {fields:?}");
            }
        }
    }

    #[test]
    fn damage_is_reported_and_never_read_past() {
        let mut header = RecordHeader::new();
        for damaged in [
            &[][..],                // no header length
            &[0x80],                // cut off
            &[9, 1, 1],             // header longer than the record
            &[2, 6, 0, 0],          // content longer than the record
            &[2, 1, 0, 0],          // bytes left over
            &[2, 0x81],             // serial type runs out of the header
            &[3, 0xff, 0xff, 0xff], // and again
        ] {
            let started = header.start(damaged, damaged.len() as u64);
            let result = started.and_then(|()| header.column(damaged, 0));
            assert_eq!(result, Err(Damage::Record), "{damaged:?}");
        }
    }

    #[test]
    fn a_record_with_an_empty_header_lacks_all_columns() {
        let mut header = RecordHeader::new();
        header.start(&[0], 1).unwrap();
        assert_eq!(header.column(&[0], 0), Ok(None));
        header.start(&[1], 1).unwrap();
        assert_eq!(header.column(&[1], 0), Ok(None));
    }

    #[test]
    fn values_walk_the_whole_record() {
        let values: Vec<_> = Values::new(RECORD).unwrap().map(Result::unwrap).collect();
        assert_eq!(
            values,
            [
                ValueRef::Null,
                ValueRef::Integer(5),
                ValueRef::Text(b"ab"),
                ValueRef::Blob(&[0, 0xff]),
                ValueRef::Integer(1),
                ValueRef::Real(2.0)
            ]
        );
    }
}
