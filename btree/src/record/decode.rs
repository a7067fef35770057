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

/// The columns of one record found so far. Reused from row to row.
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
    /// The header's bytes where they are at most eight, and which of the eight they are; `mask` 0: not known.
    word: u64,
    mask: u64,
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
            word: 0,
            mask: 0,
        }
    }

    /// Begins a record of `payload_len` bytes that starts with `local`.
    ///
    /// Rows of a table often have the same header, byte by byte. Then the columns found in the row before are where they were.
    #[inline(always)]
    pub fn start(&mut self, local: &[u8], payload_len: u64) -> Result<(), Damage> {
        if let Some(eight) = local.first_chunk::<8>()
            && u64::from_le_bytes(*eight) & self.mask == self.word
            && self.mask != 0
            && payload_len == u64::from(self.payload_len)
        {
            return Ok(());
        }
        self.start_other(local, payload_len)
    }

    #[inline(never)]
    fn start_other(&mut self, local: &[u8], payload_len: u64) -> Result<(), Damage> {
        self.columns.clear();
        self.mask = 0;
        let (header_len, at) = varint::decode(local).ok_or(Damage::Record)?;
        if header_len > payload_len || header_len > HEADER_LEN_MAX || payload_len > u64::from(u32::MAX) {
            self.header_len = 0;
            self.header_at = 0;
            return Err(Damage::Record);
        }
        self.header_len = header_len as u32;
        self.header_at = at as u32;
        self.content_at = header_len as u32;
        self.payload_len = payload_len as u32;
        if let (1..=8, Some(eight)) = (header_len, local.first_chunk::<8>()) {
            self.mask = u64::MAX >> (64 - 8 * header_len);
            self.word = u64::from_le_bytes(*eight) & self.mask;
        }
        Ok(())
    }

    /// Forgets the record: every column is missing until the next [`start`](Self::start).
    #[inline]
    pub fn clear(&mut self) {
        self.columns.clear();
        self.header_len = 0;
        self.header_at = 0;
        self.mask = 0;
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
        let mut content_at = u64::from(self.content_at);
        let mut found = None;
        while at < header.len() {
            let (serial, len) = varint::decode(&header[at..]).ok_or(Damage::Record)?;
            at += len;
            let column = Column { serial: serial as u32, offset: content_at as u32 };
            content_at = content_at.saturating_add(serial::content_len(serial));
            if content_at > u64::from(self.payload_len) {
                return Err(Damage::Record);
            }
            self.columns.push(column);
            if self.columns.len() > index {
                found = Some(column);
                break;
            }
        }
        if at >= header.len() && content_at != u64::from(self.payload_len) && self.header_len != 0 {
            self.clear();
            return Err(Damage::Record);
        }
        self.header_at = at as u32;
        self.content_at = content_at as u32;
        Ok(found)
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
    fn a_record_with_the_same_header_keeps_the_columns_found() {
        let first = [3, 1, 15, 7, b'x', 0, 0, 0];
        let mut header = RecordHeader::new();
        header.start(&first, 5).unwrap();
        assert!(header.column(&first, 1).unwrap().is_some());
        let second = [3, 1, 15, 9, b'y', 9, 9, 9];
        header.start(&second, 5).unwrap();
        assert_eq!(header.found().len(), 2);
        let column = header.column(&second, 1).unwrap().unwrap();
        assert_eq!(column.decode(&second), Some(ValueRef::Text(b"y")));
        // The same bytes in a longer record, and another type: nothing is known.
        header.start(&second, 6).unwrap();
        assert!(header.found().is_empty());
        assert_eq!(header.column(&second, 2), Err(Damage::Record));
        let third = [3, 2, 15, 9, 9, b'z', 0, 0];
        header.start(&third, 6).unwrap();
        let column = header.column(&third, 1).unwrap().unwrap();
        assert_eq!(column.decode(&third), Some(ValueRef::Text(b"z")));
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
