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

impl Pager {
    /// Makes page 1 of an empty database: the file header and the root of an empty schema table.
    pub(super) fn format_first_page(&mut self, auto_vacuum: AutoVacuum) -> Result<(), Error> {
        debug_assert_eq!(self.page_count, 0);
        let (page_size, usable, reserved) = (self.page_size(), self.usable_size(), self.reserved);
        self.begin_change();
        let Some(frame) = self.get_fresh(PageNo::ONE)? else { return Ok(()) };
        let (bytes, header) = self.write_with_header(frame)?;
        bytes[..16].copy_from_slice(MAGIC);
        // 65536 does not fit in 16 bits and is spelled 1, which is its high half.
        bytes[16] = (page_size >> 8) as u8;
        bytes[17] = (page_size >> 16) as u8;
        bytes[18] = 1;
        bytes[19] = 1;
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
