//! The header of a B-tree page, the cell pointer array and child pointers: where things are in a page.
//!
//! ```text
//! 0        start      start+8|12     cells_at+2n        top                      usable    page_size
//! ├ file hdr ┼ page header ┼ cell pointers ┼ gap ┼ cells, freeblocks, fragments ┼ reserved ┤
//!   page 1 only
//! page header: flags:1 first_freeblock:2 cell_count:2 top:2 (0 = 65536) fragments:1 right_child:4 (interior)
//! ```
//!
//! The decoded form is [`PageHeader`], kept by the pager beside the bytes. Functions here take bytes and header and
//! return [`Damage`]; who knows the page number turns it into an error.
//!
//! Always true of a header that [`decode`] gave: its kind is one of the four, and the cell pointer array lies in the page.
//! Never: I/O, payloads.
//! Spec: Database File Format, "B-tree Pages".

use crate::error::Damage;
use crate::page_no::PageNo;
use crate::pager::{FREE_UNKNOWN, PageHeader, PageKind};
use crate::tree::geometry::Geometry;

/// Bytes of the file header before the B-tree header of page 1.
pub(crate) const FILE_HEADER_SIZE: usize = 100;

const FLAG_TABLE_LEAF: u8 = 0x0d;
const FLAG_TABLE_INTERIOR: u8 = 0x05;
const FLAG_INDEX_LEAF: u8 = 0x0a;
const FLAG_INDEX_INTERIOR: u8 = 0x02;

impl PageKind {
    /// Whether cells have no child pointer.
    #[inline]
    pub(crate) fn is_leaf(self) -> bool {
        matches!(self, PageKind::TableLeaf | PageKind::IndexLeaf)
    }

    /// Whether keys are rowids.
    #[inline]
    pub(crate) fn is_table(self) -> bool {
        matches!(self, PageKind::TableLeaf | PageKind::TableInterior)
    }

    /// The kind of a page of the same tree on level "leaf" or above.
    pub(crate) fn with_leaf(self, leaf: bool) -> PageKind {
        match (self.is_table(), leaf) {
            (true, true) => PageKind::TableLeaf,
            (true, false) => PageKind::TableInterior,
            (false, true) => PageKind::IndexLeaf,
            (false, false) => PageKind::IndexInterior,
        }
    }

    /// Bytes of the page header.
    #[inline]
    pub(crate) fn header_size(self) -> usize {
        if self.is_leaf() { 8 } else { 12 }
    }

    /// The flag byte on disk.
    fn flag(self) -> u8 {
        match self {
            PageKind::TableLeaf => FLAG_TABLE_LEAF,
            PageKind::TableInterior => FLAG_TABLE_INTERIOR,
            PageKind::IndexLeaf => FLAG_INDEX_LEAF,
            PageKind::IndexInterior => FLAG_INDEX_INTERIOR,
            PageKind::Unknown => 0,
        }
    }
}

impl PageHeader {
    /// Offset of the first byte after the cell pointer array.
    #[inline]
    pub(crate) fn cells_end(&self) -> usize {
        usize::from(self.cells_at) + 2 * usize::from(self.cell_count)
    }

    /// Number of cells, as wide as cursors count.
    #[inline]
    pub(crate) fn count(&self) -> u32 {
        u32::from(self.cell_count)
    }

    /// Offset of the B-tree header.
    #[inline]
    pub(crate) fn at(&self) -> usize {
        usize::from(self.start)
    }
}

/// Where the B-tree header of page `no` starts.
#[inline]
pub(crate) fn header_start(no: PageNo) -> usize {
    if no == PageNo::ONE { FILE_HEADER_SIZE } else { 0 }
}

/// Offsets in a page are less than this: 16 bits, and some bytes behind them.
const OFFSET_LIMIT: usize = 1 << 17;

/// Reads 2 bytes at `at`; 0 where they lie outside. Searches are made of this: the mask tells the compiler that `at + 1` does not overflow,
/// and one comparison does.
#[inline(always)]
pub(crate) fn u16_at(page: &[u8], at: usize) -> usize {
    debug_assert!(at < OFFSET_LIMIT);
    let at = at & (OFFSET_LIMIT - 1);
    if at + 1 < page.len() { usize::from(u16::from_be_bytes([page[at], page[at + 1]])) } else { 0 }
}

/// Reads 4 bytes at `at`; 0 where they lie outside.
#[inline]
pub(crate) fn u32_at(page: &[u8], at: usize) -> u32 {
    match page.get(at..).and_then(|rest| rest.first_chunk::<4>()) {
        Some(bytes) => u32::from_be_bytes(*bytes),
        None => 0,
    }
}

/// Writes 2 bytes at `at`, which lies inside. 65536 is written as 0, as the format has it.
#[inline(always)]
pub(crate) fn put_u16(page: &mut [u8], at: usize, value: usize) {
    debug_assert!(value <= 0x1_0000);
    let two = &mut page[at..at + 2];
    [two[0], two[1]] = (value as u16).to_be_bytes();
}

/// Writes 4 bytes at `at`, which lies inside.
#[inline(always)]
pub(crate) fn put_u32(page: &mut [u8], at: usize, value: u32) {
    let four = &mut page[at..at + 4];
    [four[0], four[1], four[2], four[3]] = value.to_be_bytes();
}

/// Decodes the header of page `no`. Free bytes stay uncounted: readers do not need them.
pub(crate) fn decode(page: &[u8], no: PageNo, geometry: &Geometry) -> Result<PageHeader, Damage> {
    let start = header_start(no);
    let kind = match page.get(start) {
        Some(&FLAG_TABLE_LEAF) => PageKind::TableLeaf,
        Some(&FLAG_TABLE_INTERIOR) => PageKind::TableInterior,
        Some(&FLAG_INDEX_LEAF) => PageKind::IndexLeaf,
        Some(&FLAG_INDEX_INTERIOR) => PageKind::IndexInterior,
        _ => return Err(Damage::BadPageKind),
    };
    let cell_count = u16_at(page, start + 3);
    let cells_at = start + kind.header_size();
    // A cell takes at least 4 bytes and its pointer 2.
    if cell_count > (geometry.usable - 8) / 6 || cells_at + 2 * cell_count > geometry.usable {
        return Err(Damage::BadHeader);
    }
    Ok(PageHeader {
        kind,
        start: start as u16,
        cells_at: cells_at as u16,
        cell_count: cell_count as u16,
        free_bytes: FREE_UNKNOWN,
    })
}

/// Offset of the first byte of the cell content area.
#[inline]
pub(crate) fn content_top(page: &[u8], header: &PageHeader) -> usize {
    match u16_at(page, header.at() + 5) {
        0 => 0x1_0000,
        top => top,
    }
}

/// Offset of cell `index`, which may lie anywhere: the cell parser checks it.
#[inline]
pub(crate) fn cell_offset(page: &[u8], header: &PageHeader, index: usize) -> usize {
    debug_assert!(index < usize::from(header.cell_count));
    u16_at(page, usize::from(header.cells_at) + 2 * index)
}

/// The cell pointers, for those who look at many: where each cell is ([`cell_offset`]) as the page has it.
#[inline(always)]
pub(crate) fn cell_pointers<'p>(page: &'p [u8], header: &PageHeader) -> &'p [[u8; 2]] {
    page.get(usize::from(header.cells_at)..header.cells_end()).unwrap_or_default().as_chunks().0
}

/// The child to the right of all cells of an interior page.
#[inline]
pub(crate) fn right_child(page: &[u8], header: &PageHeader) -> Option<PageNo> {
    PageNo::new(u32_at(page, header.at() + 8))
}

/// The child at `index`: left of cell `index`, or the right child where `index` is the cell count.
#[inline]
pub(crate) fn child_at(page: &[u8], header: &PageHeader, index: usize) -> Result<PageNo, Damage> {
    let child = if index < usize::from(header.cell_count) {
        PageNo::new(u32_at(page, cell_offset(page, header, index)))
    } else {
        right_child(page, header)
    };
    child.ok_or(Damage::BadPageNumber)
}

/// Points the child at `index` to `child`. The cell has been parsed before, so its first bytes lie in the page.
pub(crate) fn set_child_at(
    page: &mut [u8],
    header: &PageHeader,
    index: usize,
    child: PageNo,
) -> Result<(), Damage> {
    let at = if index < usize::from(header.cell_count) {
        cell_offset(page, header, index)
    } else {
        header.at() + 8
    };
    let bytes = page.get_mut(at..at + 4).ok_or(Damage::BadCellPointer)?;
    bytes.copy_from_slice(&child.get().to_be_bytes());
    Ok(())
}

/// Makes `page` an empty B-tree page of this kind and gives its header. On page 1 the file header stays.
pub(crate) fn format_empty(page: &mut [u8], no: PageNo, kind: PageKind, geometry: &Geometry) -> PageHeader {
    let start = header_start(no);
    let cells_at = start + kind.header_size();
    page[start..cells_at].fill(0);
    page[start] = kind.flag();
    put_u16(page, start + 5, geometry.usable);
    PageHeader {
        kind,
        start: start as u16,
        cells_at: cells_at as u16,
        cell_count: 0,
        free_bytes: (geometry.usable - cells_at) as u32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_page_decodes_to_the_header_it_was_made_with() {
        for (page_size, reserved) in [(512, 0), (512, 32), (4096, 0), (65536, 0), (65536, 7)] {
            let geometry = Geometry::new(page_size, page_size - reserved);
            for no in [PageNo::ONE, PageNo::new(7).expect("not zero")] {
                let mut page = vec![0xa5; page_size];
                for kind in [
                    PageKind::TableLeaf,
                    PageKind::TableInterior,
                    PageKind::IndexLeaf,
                    PageKind::IndexInterior,
                ] {
                    let header = format_empty(&mut page, no, kind, &geometry);
                    let decoded = decode(&page, no, &geometry).expect("well formed");
                    assert_eq!(PageHeader { free_bytes: header.free_bytes, ..decoded }, header);
                    assert_eq!(content_top(&page, &header), geometry.usable);
                }
            }
        }
    }

    #[test]
    fn a_count_that_does_not_fit_the_page_is_damage() {
        let geometry = Geometry::new(512, 512);
        let no = PageNo::new(2).expect("not zero");
        let mut page = vec![0; 512];
        format_empty(&mut page, no, PageKind::TableLeaf, &geometry);
        put_u16(&mut page, 3, 84);
        assert!(decode(&page, no, &geometry).is_ok());
        put_u16(&mut page, 3, 85);
        assert_eq!(decode(&page, no, &geometry), Err(Damage::BadHeader));
        page[0] = 3;
        assert_eq!(decode(&page, no, &geometry), Err(Damage::BadPageKind));
    }
}
