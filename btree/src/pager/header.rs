//! The file header: the first 100 bytes of page 1.
//!
//! ```text
//!  0 "SQLite format 3\0"   16 page size (1 = 65536)   18 write version   19 read version   20 reserved bytes
//! 21 64, 32, 32: payload fractions   24 change counter   28 page count   32 first freelist trunk   36 freelist pages
//! 40 schema cookie   44 schema format   48 default cache size   52 largest root page   56 text encoding
//! 60 user version   64 incremental vacuum   68 application id   72 zeros   92 version-valid-for   96 SQLite version
//! ```
//!
//! Always true: the pager owns change counter, page count, version-valid-for and SQLite version, and stamps them when it
//! commits; all other fields belong to the layers above.
//!
//! Spec: Database File Format, "The Database Header".

use super::{PageHeader, PageKind, Pager};
use crate::page_no::PageNo;
use crate::{AutoVacuum, Error};

/// The first 16 bytes of every database.
pub(super) const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// Length of the file header.
pub(super) const HEADER_BYTES: usize = 100;
/// A B-tree page without cells: kind, no freeblock, no cells, content area, no fragments.
const EMPTY_LEAF_BYTES: usize = 8;
/// Less usable bytes than this cannot hold four cells.
const USABLE_BYTES_MIN: u32 = 480;

/// Written into each database by whoever changed it last: the version of SQLite whose format this is.
const SQLITE_VERSION: u32 = 3_054_001;

/// What the pager needs of a file header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileHeader {
    pub(super) page_bytes: u32,
    pub(super) reserved: u8,
    /// Written by a format that we do not know: reading is allowed, writing not.
    pub(super) read_only: bool,
    /// The database is in WAL mode.
    pub(super) wants_wal: bool,
    /// Pages, where the header can be believed: written by one who knew the field.
    pub(super) page_count: Option<u32>,
    /// Bytes 24 to 40, which change with every transaction.
    pub(super) version: [u8; 16],
}

fn number(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(|b| b.first_chunk()).map_or(0, |raw| u32::from_be_bytes(*raw))
}

impl FileHeader {
    /// Reads the header from the start of page 1. [`Error::NotADatabase`] where the bytes are none that SQLite would take.
    pub(super) fn parse(bytes: &[u8]) -> Result<FileHeader, Error> {
        if bytes.len() < HEADER_BYTES
            || &bytes[..16] != MAGIC
            || bytes[21..24] != [64, 32, 32]
            || bytes[19] > 2
        {
            return Err(Error::NotADatabase);
        }
        let page_bytes = u32::from(bytes[16]) << 8 | u32::from(bytes[17]) << 16;
        let usable = page_bytes.saturating_sub(u32::from(bytes[20]));
        if !(512..=65536).contains(&page_bytes) || !page_bytes.is_power_of_two() || usable < USABLE_BYTES_MIN
        {
            return Err(Error::NotADatabase);
        }
        let count = number(bytes, 28);
        let valid = count > 0 && bytes[24..28] == bytes[92..96];
        let mut version = [0; 16];
        version.copy_from_slice(&bytes[24..40]);
        Ok(FileHeader {
            page_bytes,
            reserved: bytes[20],
            read_only: bytes[18] > 2,
            wants_wal: bytes[19] == 2,
            page_count: valid.then_some(count),
            version,
        })
    }
}

/// Writes the number of pages; with `count_change` counts the change, too.
pub(super) fn stamp(bytes: &mut [u8], page_count: u32, count_change: bool) {
    if count_change {
        let counter = number(bytes, 24).wrapping_add(1).to_be_bytes();
        bytes[24..28].copy_from_slice(&counter);
        bytes[92..96].copy_from_slice(&counter);
        bytes[96..100].copy_from_slice(&SQLITE_VERSION.to_be_bytes());
    }
    bytes[28..32].copy_from_slice(&page_count.to_be_bytes());
}

impl Pager {
    /// Makes page 1 of an empty database: the file header and the root of an empty schema table.
    pub(super) fn format_first_page(&mut self) -> Result<(), Error> {
        debug_assert_eq!(self.page_count, 0);
        let (auto_vacuum, wal) = (self.new_auto_vacuum, self.new_file_wal && self.files.is_some());
        let (page_size, usable, reserved) = (self.page_size(), self.usable_size(), self.reserved);
        self.begin_change();
        let Some(frame) = self.get_fresh(PageNo::ONE)? else { return Ok(()) };
        let (bytes, header) = self.write_with_header(frame)?;
        bytes[..16].copy_from_slice(MAGIC);
        // 65536 does not fit in 16 bits and is spelled 1, which is its high half.
        bytes[16] = (page_size >> 8) as u8;
        bytes[17] = (page_size >> 16) as u8;
        bytes[18] = 1 + u8::from(wal);
        bytes[19] = 1 + u8::from(wal);
        bytes[20] = reserved;
        bytes[21..24].copy_from_slice(&[64, 32, 32]);
        bytes[28..32].copy_from_slice(&1u32.to_be_bytes());
        bytes[52..56].copy_from_slice(&u32::from(auto_vacuum != AutoVacuum::None).to_be_bytes());
        bytes[64..68].copy_from_slice(&u32::from(auto_vacuum == AutoVacuum::Incremental).to_be_bytes());
        // The content area starts at the end of the usable bytes; 65536 is spelled 0.
        bytes[HEADER_BYTES] = 0x0d;
        bytes[HEADER_BYTES + 5..HEADER_BYTES + 7].copy_from_slice(&(usable as u16).to_be_bytes());
        *header = PageHeader {
            kind: PageKind::TableLeaf,
            start: HEADER_BYTES as u16,
            cells_at: (HEADER_BYTES + EMPTY_LEAF_BYTES) as u16,
            cell_count: 0,
            free_bytes: (usable - HEADER_BYTES - EMPTY_LEAF_BYTES) as u32,
        };
        self.commit_change();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Pager;

    fn fresh() -> Vec<u8> {
        let mut pager = Pager::memory(1024, 0, AutoVacuum::None).unwrap();
        let frame = pager.get(PageNo::ONE).unwrap().unwrap();
        pager.page(frame).to_vec()
    }

    #[test]
    fn a_fresh_header_is_accepted_and_says_what_was_asked() {
        let header = FileHeader::parse(&fresh()).unwrap();
        assert_eq!((header.page_bytes, header.reserved, header.wants_wal), (1024, 0, false));
        assert_eq!(header.page_count, Some(1));
    }

    #[test]
    fn each_field_that_must_be_right_is_checked() {
        for (at, value) in
            [(0, b'x'), (15, 1), (16, 3), (16, 1), (19, 3), (20, 255), (21, 65), (22, 31), (23, 0)]
        {
            let mut bytes = fresh();
            bytes[16..18].copy_from_slice(&[2, 0]); // 512: leaves 257 usable with 255 reserved
            FileHeader::parse(&bytes).unwrap();
            bytes[at] = value;
            assert!(matches!(FileHeader::parse(&bytes), Err(Error::NotADatabase)), "byte {at} = {value}");
        }
        let mut bytes = fresh();
        bytes[18] = 3;
        assert!(FileHeader::parse(&bytes).unwrap().read_only);
    }

    #[test]
    fn a_page_count_is_believed_only_where_its_writer_knew_of_it() {
        let mut bytes = fresh();
        stamp(&mut bytes, 7, true);
        assert_eq!(FileHeader::parse(&bytes).unwrap().page_count, Some(7));
        bytes[27] ^= 1; // an old version counted a change and left the rest
        assert_eq!(FileHeader::parse(&bytes).unwrap().page_count, None);
    }
}
