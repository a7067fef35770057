//! Cells: how one row or one key lies inside a B-tree page.
//!
//! ```text
//! table leaf      payload_len:varint rowid:varint local payload [first overflow page:4]
//! table interior  left_child:4 rowid:varint
//! index leaf      payload_len:varint local payload [first overflow page:4]
//! index interior  left_child:4 payload_len:varint local payload [first overflow page:4]
//! ```
//!
//! Cells are decoded where they lie: a scan that copied its cells would copy the whole table. A cell takes 4 bytes at least,
//! so that the space of a deleted one can hold a freeblock.
//!
//! Always true of a parsed cell: all its bytes lie below the reserved bytes. Nothing else is: cells of a damaged page may
//! overlap each other or the header.
//! Never: I/O, column types.
//! Spec: Database File Format, "B-tree Pages", "Cell Payload Overflow Pages".

use crate::error::Damage;
use crate::page_no::PageNo;
use crate::pager::{PageHeader, PageKind};
use crate::record::varint;
use crate::tree::geometry::Geometry;
use crate::tree::page::{cell_offset, u32_at};

/// One cell, decoded. Offsets count from the start of the page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CellInfo {
    /// The rowid; 0 in index trees.
    pub rowid: i64,
    /// Bytes of the whole payload; 0 in interior cells of tables.
    pub payload_len: u32,
    /// Where the local part of the payload starts.
    pub payload_at: u16,
    /// Bytes of payload on this page.
    pub local: u16,
    /// Bytes that the cell takes on this page, its overflow page number included.
    pub size: u16,
}

impl CellInfo {
    /// Whether part of the payload lies on overflow pages.
    #[inline]
    pub fn overflows(&self) -> bool {
        u32::from(self.local) < self.payload_len
    }

    /// The local payload. `page` is the page that the cell was parsed from.
    #[inline]
    pub fn local_payload<'p>(&self, page: &'p [u8]) -> &'p [u8] {
        let at = usize::from(self.payload_at);
        page.get(at..at + usize::from(self.local)).unwrap_or_default()
    }

    /// First overflow page of a cell that overflows.
    pub fn first_overflow(&self, page: &[u8]) -> Result<PageNo, Damage> {
        debug_assert!(self.overflows());
        let at = usize::from(self.payload_at) + usize::from(self.local);
        PageNo::new(u32_at(page, at)).ok_or(Damage::OverflowChain)
    }

    /// Number of overflow pages that the payload needs.
    pub fn overflow_pages(&self, geometry: &Geometry) -> u32 {
        let rest = (self.payload_len - u32::from(self.local)) as usize;
        rest.div_ceil(geometry.overflow_capacity()) as u32
    }
}

/// Decodes the table leaf cell at `at`.
#[inline]
pub(crate) fn table_leaf(page: &[u8], at: usize, geometry: &Geometry) -> Result<CellInfo, Damage> {
    let bytes = page.get(at..).ok_or(Damage::BadCellPointer)?;
    let (payload, payload_size) = varint::decode(bytes).ok_or(Damage::CellOutsidePage)?;
    let (rowid, rowid_size) = varint::decode(&bytes[payload_size..]).ok_or(Damage::CellOutsidePage)?;
    let mut cell = with_payload(at, payload_size + rowid_size, payload, geometry.max_leaf, geometry)?;
    cell.rowid = rowid as i64;
    Ok(cell)
}

/// Decodes the table interior cell at `at`.
#[inline]
pub(crate) fn table_interior(page: &[u8], at: usize, geometry: &Geometry) -> Result<CellInfo, Damage> {
    let bytes = page.get(at + 4..).ok_or(Damage::BadCellPointer)?;
    let (rowid, size) = varint::decode(bytes).ok_or(Damage::CellOutsidePage)?;
    let end = at + 4 + size;
    if end > geometry.usable {
        return Err(Damage::CellOutsidePage);
    }
    Ok(CellInfo {
        rowid: rowid as i64,
        payload_len: 0,
        payload_at: end as u16,
        local: 0,
        size: (4 + size) as u16,
    })
}

/// Decodes the index cell at `at`, whose payload length stands `skip` bytes in: 0 on leaves, 4 in interior cells.
#[inline]
pub(crate) fn index(page: &[u8], at: usize, skip: usize, geometry: &Geometry) -> Result<CellInfo, Damage> {
    let bytes = page.get(at + skip..).ok_or(Damage::BadCellPointer)?;
    let (payload, payload_size) = varint::decode(bytes).ok_or(Damage::CellOutsidePage)?;
    with_payload(at, skip + payload_size, payload, geometry.max_local, geometry)
}

/// The part common to all cells with payload: `head` bytes of the cell precede the payload.
#[inline]
fn with_payload(
    at: usize,
    head: usize,
    payload: u64,
    max: usize,
    geometry: &Geometry,
) -> Result<CellInfo, Damage> {
    let payload_at = at + head;
    // No payload has 2^32 bytes or more. Of a damaged length the low half is taken, as SQLite does: readers check a payload against
    // the size of the database anyway.
    let payload = payload as u32;
    let (local, size) = if payload as usize <= max {
        // A cell shorter than a freeblock is padded.
        (payload as usize, (head + payload as usize).max(4))
    } else {
        let local = geometry.local(u64::from(payload), max);
        (local, head + local + 4)
    };
    if at + size > geometry.usable {
        return Err(Damage::CellOutsidePage);
    }
    Ok(CellInfo {
        rowid: 0,
        payload_len: payload,
        payload_at: payload_at as u16,
        local: local as u16,
        size: size as u16,
    })
}

/// Decodes the cell at offset `at` of a page of this kind.
#[inline]
pub(crate) fn parse(kind: PageKind, page: &[u8], at: usize, geometry: &Geometry) -> Result<CellInfo, Damage> {
    match kind {
        PageKind::TableLeaf => table_leaf(page, at, geometry),
        PageKind::TableInterior => table_interior(page, at, geometry),
        PageKind::IndexLeaf => index(page, at, 0, geometry),
        PageKind::IndexInterior => index(page, at, 4, geometry),
        PageKind::Unknown => Err(Damage::BadPageKind),
    }
}

/// Decodes cell `index` of a page.
#[inline]
pub(crate) fn parse_at(
    page: &[u8],
    header: &PageHeader,
    index: usize,
    geometry: &Geometry,
) -> Result<CellInfo, Damage> {
    parse(header.kind, page, cell_offset(page, header, index), geometry)
}

/// The rowid of the table cell at `at`, alone: what a binary search needs. `leaf` cells have their payload length before it, interior
/// cells their child.
#[inline]
pub(crate) fn rowid_only(page: &[u8], at: usize, leaf: bool) -> Result<i64, Damage> {
    let mut bytes = page.get(at..).ok_or(Damage::BadCellPointer)?;
    let skip = if !leaf {
        4
    } else {
        // Most rows are shorter than 16 KiB: their length takes one or two bytes.
        match bytes {
            [0..0x80, ..] => 1,
            [_, 0..0x80, ..] => 2,
            _ => varint::decode(bytes).ok_or(Damage::CellOutsidePage)?.1,
        }
    };
    bytes = bytes.get(skip..).ok_or(Damage::CellOutsidePage)?;
    let (rowid, _) = varint::decode(bytes).ok_or(Damage::CellOutsidePage)?;
    Ok(rowid as i64)
}

/// The bytes before the payload of a cell that is about to be written, and how its payload is divided.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CellHead {
    bytes: [u8; 22],
    len: u8,
    /// Payload bytes that stay on the page.
    pub local: usize,
    /// Bytes that the cell takes on the page.
    pub size: usize,
    /// Whether the rest goes to overflow pages.
    pub overflows: bool,
}

impl CellHead {
    /// The head of a leaf cell: with a rowid for tables, without for indexes.
    pub fn leaf(rowid: Option<i64>, payload: u64, geometry: &Geometry) -> CellHead {
        let mut bytes = [0; 22];
        let mut len = varint::encode(payload, &mut bytes);
        let max = match rowid {
            Some(rowid) => {
                len += varint::encode(rowid as u64, &mut bytes[len..]);
                geometry.max_leaf
            }
            None => geometry.max_local,
        };
        let local = geometry.local(payload, max);
        let overflows = (local as u64) < payload;
        let size = if overflows { len + local + 4 } else { (len + local).max(4) };
        CellHead { bytes, len: len as u8, local, size, overflows }
    }

    /// The bytes before the payload.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn geometry() -> Geometry {
        Geometry::new(512, 512)
    }

    #[test]
    fn a_leaf_cell_reads_back_as_written() {
        let geometry = geometry();
        for payload in [0u64, 1, 2, 100, 127, 128, 476, 477, 478, 1000, 5000, 100_000] {
            for rowid in [Some(0i64), Some(1), Some(-1), Some(i64::MAX), Some(i64::MIN), Some(300), None] {
                let head = CellHead::leaf(rowid, payload, &geometry);
                let mut page = vec![0; 512];
                let at = 512 - head.size;
                page[at..at + head.bytes().len()].copy_from_slice(head.bytes());
                let kind = if rowid.is_some() { PageKind::TableLeaf } else { PageKind::IndexLeaf };
                let cell = parse(kind, &page, at, &geometry).expect("well formed");
                assert_eq!(cell.rowid, rowid.unwrap_or(0));
                assert_eq!(u64::from(cell.payload_len), payload);
                assert_eq!(usize::from(cell.local), head.local);
                assert_eq!(usize::from(cell.size), head.size);
                assert_eq!(usize::from(cell.payload_at), at + head.bytes().len());
                assert_eq!(cell.overflows(), head.overflows);
                if rowid.is_some() {
                    assert_eq!(rowid_only(&page, at, true), Ok(cell.rowid));
                }
            }
        }
    }

    #[test]
    fn a_cell_that_leaves_the_page_is_damage() {
        let geometry = geometry();
        let mut page = vec![0; 512];
        page[509] = 2;
        assert_eq!(index(&page, 509, 0, &geometry), Err(Damage::CellOutsidePage), "padded to 4 bytes");
        page[508] = 3;
        assert!(index(&page, 508, 0, &geometry).is_ok());
        page[508] = 4;
        assert_eq!(index(&page, 508, 0, &geometry), Err(Damage::CellOutsidePage));
        assert_eq!(table_interior(&page, 510, &geometry), Err(Damage::BadCellPointer));
        assert_eq!(index(&page, 65535, 4, &geometry), Err(Damage::BadCellPointer));
        page[500..510].fill(0xff);
        assert!(table_leaf(&page, 500, &geometry).is_err());
    }
}
