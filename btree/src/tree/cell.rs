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
    // These are 32 bits wide though 16 would do: narrow fields side by side are stored one by one and loaded together,
    // which stalls the processor in every step of a scan.
    /// Where the local part of the payload starts.
    pub payload_at: u32,
    /// Bytes of payload on this page.
    pub local: u32,
    /// Bytes that the cell takes on this page, its overflow page number included.
    pub size: u32,
}

impl CellInfo {
    /// Whether part of the payload lies on overflow pages.
    #[inline]
    pub fn overflows(&self) -> bool {
        self.local < self.payload_len
    }

    /// The local payload. `page` is the page that the cell was parsed from.
    #[inline]
    pub fn local_payload<'p>(&self, page: &'p [u8]) -> &'p [u8] {
        let at = self.payload_at as usize;
        page.get(at..at + self.local as usize).unwrap_or_default()
    }

    /// First overflow page of a cell that overflows.
    pub fn first_overflow(&self, page: &[u8]) -> Result<PageNo, Damage> {
        debug_assert!(self.overflows());
        let at = self.payload_at as usize + self.local as usize;
        PageNo::new(u32_at(page, at)).ok_or(Damage::OverflowChain)
    }

    /// Number of overflow pages that the payload needs.
    pub fn overflow_pages(&self, geometry: &Geometry) -> u32 {
        let rest = (self.payload_len - self.local) as usize;
        rest.div_ceil(geometry.overflow_capacity()) as u32
    }
}

/// Bytes from a cell's start that the quick decoders look at.
const QUICK: usize = 12;

/// Decodes the table leaf cell at `at` if it is an ordinary one: shorter than 16 KiB, no overflow, not among the last bytes of the page. `None`
/// says nothing; ask [`table_leaf`] then.
#[inline(always)]
pub(crate) fn table_leaf_quick(page: &[u8], at: usize, geometry: &Geometry) -> Option<CellInfo> {
    let bytes = page.get(at..)?.first_chunk::<QUICK>()?;
    let (payload, payload_size) = short_varint(bytes[0], bytes[1])?;
    let rowid_bytes =
        if payload_size == 1 { bytes.first_chunk::<9>()? } else { bytes[1..].first_chunk::<9>()? };
    let (rowid, rowid_size) = match *rowid_bytes {
        [_, a @ 0..0x80, ..] => (u64::from(a), 1),
        [_, a, b @ 0..0x80, ..] => (u64::from(a & 0x7f) << 7 | u64::from(b), 2),
        [_, a, b, c @ 0..0x80, ..] => {
            (u64::from(a & 0x7f) << 14 | u64::from(b & 0x7f) << 7 | u64::from(c), 3)
        }
        _ => varint::decode(&rowid_bytes[1..])?,
    };
    let head = payload_size + rowid_size as u32;
    let size = (head + payload).max(4);
    if payload as usize > geometry.max_leaf || at + size as usize > geometry.usable {
        return None;
    }
    Some(CellInfo {
        rowid: rowid as i64,
        payload_len: payload,
        payload_at: at as u32 + head,
        local: payload,
        size,
    })
}

/// As [`table_leaf_quick`], for an index leaf.
#[inline(always)]
pub(crate) fn index_leaf_quick(page: &[u8], at: usize, geometry: &Geometry) -> Option<CellInfo> {
    let bytes = page.get(at..)?.first_chunk::<2>()?;
    let (payload, head) = short_varint(bytes[0], bytes[1])?;
    let size = (head + payload).max(4);
    if payload as usize > geometry.max_local || at + size as usize > geometry.usable {
        return None;
    }
    Some(CellInfo { rowid: 0, payload_len: payload, payload_at: at as u32 + head, local: payload, size })
}

/// A varint of one or two bytes, and its length.
#[inline(always)]
fn short_varint(a: u8, b: u8) -> Option<(u32, u32)> {
    if a < 0x80 {
        Some((u32::from(a), 1))
    } else if b < 0x80 {
        Some((u32::from(a & 0x7f) << 7 | u32::from(b), 2))
    } else {
        None
    }
}

/// Decodes the table leaf cell at `at`.
#[inline(always)]
pub(crate) fn table_leaf(page: &[u8], at: usize, geometry: &Geometry) -> Result<CellInfo, Damage> {
    let bytes = page.get(at..).ok_or(Damage::BadCellPointer)?;
    let (payload, payload_size) = varint::decode(bytes).ok_or(Damage::CellOutsidePage)?;
    let (rowid, rowid_size) = varint::decode(&bytes[payload_size..]).ok_or(Damage::CellOutsidePage)?;
    let mut cell = with_payload(at, payload_size + rowid_size, payload, geometry.max_leaf, geometry)?;
    cell.rowid = rowid as i64;
    Ok(cell)
}

/// Decodes the table interior cell at `at`.
#[inline(always)]
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
        payload_at: end as u32,
        local: 0,
        size: (4 + size) as u32,
    })
}

/// Decodes the index cell at `at`, whose payload length stands `skip` bytes in: 0 on leaves, 4 in interior cells.
#[inline(always)]
pub(crate) fn index(page: &[u8], at: usize, skip: usize, geometry: &Geometry) -> Result<CellInfo, Damage> {
    let bytes = page.get(at + skip..).ok_or(Damage::BadCellPointer)?;
    let (payload, payload_size) = varint::decode(bytes).ok_or(Damage::CellOutsidePage)?;
    with_payload(at, skip + payload_size, payload, geometry.max_local, geometry)
}

/// The part common to all cells with payload: `head` bytes of the cell precede the payload.
#[inline(always)]
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
        payload_at: payload_at as u32,
        local: local as u32,
        size: size as u32,
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

/// The size of the cell at offset `at` of a page of this kind, alone.
#[inline]
pub(crate) fn size(kind: PageKind, page: &[u8], at: usize, geometry: &Geometry) -> Result<usize, Damage> {
    if kind == PageKind::TableLeaf
        && let Some(bytes) = page.get(at..).and_then(|rest| rest.first_chunk::<QUICK>())
        && let Some((payload, payload_size)) = short_varint(bytes[0], bytes[1])
        && payload as usize <= geometry.max_leaf
    {
        // The rowid's length is found without decoding it.
        let rowid_size =
            bytes[payload_size as usize..].iter().take(8).take_while(|&&byte| byte >= 0x80).count() + 1;
        let size = (payload_size as usize + rowid_size + payload as usize).max(4);
        return if at + size > geometry.usable { Err(Damage::CellOutsidePage) } else { Ok(size) };
    }
    if kind == PageKind::IndexLeaf
        && let Some(cell) = index_leaf_quick(page, at, geometry)
    {
        return Ok(cell.size as usize);
    }
    Ok(parse(kind, page, at, geometry)?.size as usize)
}

/// The rowid of the table cell at `at`, alone: what a binary search needs. `leaf` cells have their payload length before it, interior
/// cells their child.
#[inline(always)]
pub(crate) fn rowid_only(page: &[u8], at: usize, leaf: bool) -> Result<i64, Damage> {
    let bytes = page.get(at..).ok_or(Damage::BadCellPointer)?;
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
    let bytes = bytes.get(skip..).ok_or(Damage::CellOutsidePage)?;
    let (rowid, _) = varint::decode(bytes).ok_or(Damage::CellOutsidePage)?;
    Ok(rowid as i64)
}

/// The bytes before the payload of a cell that is about to be written, and how its payload is divided.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CellHead {
    bytes: [u8; CellHead::WIDTH],
    len: u8,
    /// Payload bytes that stay on the page.
    pub local: usize,
    /// Bytes that the cell takes on the page.
    pub size: usize,
    /// Whether the rest goes to overflow pages.
    pub overflows: bool,
}

impl CellHead {
    /// Bytes that a head takes at most: two varints.
    const WIDTH: usize = 2 * varint::LEN_MAX;

    /// The head of a leaf cell: with a rowid for tables, without for indexes.
    #[inline]
    pub fn leaf(rowid: Option<i64>, payload: u64, geometry: &Geometry) -> CellHead {
        let mut bytes = [0; Self::WIDTH];
        let mut len = 0;
        if let Some(first) = bytes.first_chunk_mut() {
            len = varint::encode_wide(payload, first);
        }
        let max = match rowid {
            Some(rowid) => {
                if let Some(second) = bytes[len..].first_chunk_mut() {
                    len += varint::encode_wide(rowid as u64, second);
                }
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

    /// Writes the head to the start of a cell that has its full size; what it says of the payload is to be overwritten by it. Gives the
    /// offset of the payload in the cell.
    #[inline]
    pub fn write(&self, cell: &mut [u8]) -> usize {
        match cell.first_chunk_mut::<{ Self::WIDTH }>() {
            Some(start) => *start = self.bytes,
            None => cell[..usize::from(self.len)].copy_from_slice(self.bytes()),
        }
        usize::from(self.len)
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
                assert_eq!(cell.local as usize, head.local);
                assert_eq!(cell.size as usize, head.size);
                assert_eq!(cell.payload_at as usize, at + head.bytes().len());
                assert_eq!(cell.overflows(), head.overflows);
                assert_eq!(size(kind, &page, at, &geometry), Ok(head.size));
                let quick = match kind {
                    PageKind::TableLeaf => table_leaf_quick(&page, at, &geometry),
                    _ => index_leaf_quick(&page, at, &geometry),
                };
                assert!(quick.is_none_or(|quick| quick == cell));
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
