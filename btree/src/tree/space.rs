//! Space inside one page: taking it for a cell, giving it back, closing its holes.
//!
//! Free bytes are the gap between the cell pointers and the content area, freeblocks (4 bytes or more, chained in
//! ascending order) and fragments (up to 3 bytes each, 60 in all, only counted).
//!
//! Every function checks what it reads before it changes anything: after an error the page is as it was. That lets an insert
//! run in place on a page that nobody has copied.
//!
//! Always true of a page whose free bytes are counted ([`count_free`]): freeblocks ascend, keep 4 bytes apart, lie in the content area,
//! and `free_bytes` is the sum.
//! Never: I/O, overflow pages, the order of keys.
//! Spec: Database File Format, "B-tree Pages" (freeblocks, fragmented free bytes).

use crate::error::Damage;
use crate::pager::{FREE_UNKNOWN, PageHeader};
use crate::tree::cell;
use crate::tree::geometry::Geometry;
use crate::tree::page::{cell_offset, content_top, put_u16, u16_at};

/// Most fragmented bytes that a page may have.
const FRAGMENTS_MAX: usize = 60;

/// Counts the free bytes of a page and checks its freeblock chain.
pub(crate) fn count_free(page: &[u8], header: &PageHeader, geometry: &Geometry) -> Result<u32, Damage> {
    let top = content_top(page, header);
    let first_cell = header.cells_end();
    if top > geometry.usable {
        return Err(Damage::BadHeader);
    }
    let mut free = usize::from(page[header.at() + 7]) + top;
    let mut at = u16_at(page, header.at() + 1);
    let mut lowest = top;
    while at != 0 {
        if at < lowest || at > geometry.usable - 4 {
            return Err(Damage::FreeblockOutOfOrder);
        }
        let size = u16_at(page, at + 2);
        free += size;
        // Neighbours closer than 4 bytes would have been merged, the bytes between them counted as free.
        lowest = at + size + 4;
        if size < 4 || at + size > geometry.usable {
            return Err(Damage::FreeblockOutOfOrder);
        }
        at = u16_at(page, at);
    }
    if free > geometry.usable || free < first_cell {
        return Err(Damage::FragmentCount);
    }
    Ok((free - first_cell) as u32)
}

/// Makes sure that `header.free_bytes` is counted.
#[inline]
pub(crate) fn ensure_counted(
    page: &[u8],
    header: &mut PageHeader,
    geometry: &Geometry,
) -> Result<usize, Damage> {
    if header.free_bytes == FREE_UNKNOWN {
        header.free_bytes = count_free(page, header, geometry)?;
    }
    Ok(header.free_bytes as usize)
}

/// Makes room for a cell of `size` bytes as number `index` and gives its offset; the caller writes the cell there at once. The page has
/// to have `size + 2` free bytes, counted. `spare` is reused when holes have to be closed.
#[inline]
pub(crate) fn insert_cell(
    page: &mut [u8],
    header: &mut PageHeader,
    index: usize,
    size: usize,
    geometry: &Geometry,
    spare: &mut Vec<u8>,
) -> Result<usize, Damage> {
    debug_assert!(header.free_bytes != FREE_UNKNOWN && header.free_bytes as usize >= size + 2);
    debug_assert!(size >= 4 && index <= usize::from(header.cell_count));
    if let Some(at) = insert_in_gap(page, header, index, size, geometry) {
        return Ok(at);
    }
    let at = allocate(page, header, size, geometry, spare)?;
    let slot = usize::from(header.cells_at) + 2 * index;
    let end = header.cells_end();
    if slot < end {
        page.copy_within(slot..end, slot + 2);
    }
    put_u16(page, slot, at);
    header.cell_count += 1;
    put_u16(page, header.at() + 3, usize::from(header.cell_count));
    header.free_bytes -= (size + 2) as u32;
    Ok(at)
}

/// As [`insert_cell`] for the usual case: there are no freeblocks, and the gap has room. `None`: it is not so, and nothing has changed.
#[inline(always)]
pub(crate) fn insert_in_gap(
    page: &mut [u8],
    header: &mut PageHeader,
    index: usize,
    size: usize,
    geometry: &Geometry,
) -> Option<usize> {
    let fields = page.get_mut(header.at()..)?.first_chunk_mut::<8>()?;
    let [_, block_high, block_low, _, _, top_high, top_low, _] = *fields;
    let top = usize::from(u16::from_be_bytes([top_high, top_low]));
    let end = header.cells_end();
    if block_high | block_low != 0 || end + 2 + size > top || top > geometry.usable {
        return None;
    }
    let at = top - size;
    let count = header.cell_count + 1;
    [fields[3], fields[4]] = count.to_be_bytes();
    [fields[5], fields[6]] = (at as u16).to_be_bytes();
    let slot = usize::from(header.cells_at) + 2 * index;
    if slot < end {
        page.copy_within(slot..end, slot + 2);
    }
    put_u16(page, slot, at);
    header.cell_count = count;
    header.free_bytes -= (size + 2) as u32;
    Some(at)
}

/// Finds `size` bytes outside the cell pointer array, which is about to grow by one.
#[inline]
fn allocate(
    page: &mut [u8],
    header: &PageHeader,
    size: usize,
    geometry: &Geometry,
    spare: &mut Vec<u8>,
) -> Result<usize, Damage> {
    let gap_end = header.cells_end() + 2;
    let mut top = content_top(page, header);
    if top < header.cells_end() || top > geometry.usable {
        return Err(Damage::BadHeader);
    }
    if u16_at(page, header.at() + 1) != 0
        && gap_end <= top
        && let Some(at) = allocate_from_freeblocks(page, header, size, geometry)?
    {
        return Ok(at);
    }
    if gap_end + size > top {
        top = match close_holes(page, header, size + 2, geometry)? {
            Some(top) => top,
            None => defragment(page, header, geometry, spare)?,
        };
        if gap_end + size > top {
            return Err(Damage::FragmentCount);
        }
    }
    top -= size;
    put_u16(page, header.at() + 5, top);
    Ok(top)
}

/// Takes `size` bytes from the first freeblock that has them.
fn allocate_from_freeblocks(
    page: &mut [u8],
    header: &PageHeader,
    size: usize,
    geometry: &Geometry,
) -> Result<Option<usize>, Damage> {
    let start = header.at();
    let mut link = start + 1;
    let mut at = u16_at(page, link);
    while at != 0 {
        let (next, block) = freeblock(page, at)?;
        if block >= size {
            if at + block > geometry.usable {
                return Err(Damage::FreeblockOutOfOrder);
            }
            let rest = block - size;
            if rest >= 4 {
                put_u16(page, at + 2, rest);
            } else {
                let fragments = usize::from(page[start + 7]) + rest;
                if fragments > FRAGMENTS_MAX {
                    return Ok(None);
                }
                put_u16(page, link, next);
                page[start + 7] = fragments as u8;
            }
            return Ok(Some(at + rest));
        }
        if next != 0 && next <= at {
            return Err(Damage::FreeblockOutOfOrder);
        }
        link = at;
        at = next;
    }
    Ok(None)
}

/// The freeblock at `at`: the offset of the next one, and its size.
#[inline(always)]
fn freeblock(page: &[u8], at: usize) -> Result<(usize, usize), Damage> {
    let word = page.get(at..).and_then(|rest| rest.first_chunk::<4>()).ok_or(Damage::FreeblockOutOfOrder)?;
    let [a, b, c, d] = *word;
    Ok((usize::from(u16::from_be_bytes([a, b])), usize::from(u16::from_be_bytes([c, d]))))
}

/// Most freeblocks that [`close_holes`] closes: with more, a pass over all cells is as cheap.
const HOLES: usize = 8;

/// Moves the content below each freeblock up into it, which leaves the cells' order as it is and needs no look at them; the new top.
/// `None`: there are too many freeblocks, or so many fragments that the gap would not have `wanted` bytes.
fn close_holes(
    page: &mut [u8],
    header: &PageHeader,
    wanted: usize,
    geometry: &Geometry,
) -> Result<Option<usize>, Damage> {
    let start = header.at();
    if (header.free_bytes as usize) < wanted + usize::from(page[start + 7]) {
        return Ok(None);
    }
    let top = content_top(page, header);
    // Freeblocks and what the cells below them move by, the last one first.
    let mut holes = [(0, 0); HOLES];
    let mut count = 0;
    let mut lowest = top;
    let mut at = u16_at(page, start + 1);
    while at != 0 {
        let (next, size) = freeblock(page, at)?;
        if at < lowest || at + size > geometry.usable || size < 4 {
            return Err(Damage::FreeblockOutOfOrder);
        }
        let Some(hole) = holes.get_mut(count) else { return Ok(None) };
        *hole = (at, size);
        count += 1;
        lowest = at + size;
        at = next;
    }
    let holes = &mut holes[..count];
    let mut shift = 0;
    for place in (0..count).rev() {
        let (at, size) = holes[place];
        shift += size;
        holes[place].1 = shift;
        let from = if place == 0 { top } else { holes[place - 1].0 + holes[place - 1].1 };
        page.copy_within(from..at, from + shift);
    }
    let pointers = &mut page[usize::from(header.cells_at)..header.cells_end()];
    for pointer in pointers.chunks_exact_mut(2) {
        let cell = usize::from(u16::from_be_bytes([pointer[0], pointer[1]]));
        if let Some(&(_, shift)) = holes.iter().find(|&&(at, _)| cell < at) {
            [pointer[0], pointer[1]] = ((cell + shift) as u16).to_be_bytes();
        }
    }
    let top = top + shift;
    put_u16(page, start + 1, 0);
    put_u16(page, start + 5, top);
    page[header.cells_end()..top].fill(0);
    Ok(Some(top))
}

/// Moves all cells to the end of the page, so that all free bytes are in the gap, and gives the new top. The gap is filled with zeros: what
/// was deleted shall not live on in a copy.
fn defragment(
    page: &mut [u8],
    header: &PageHeader,
    geometry: &Geometry,
    spare: &mut Vec<u8>,
) -> Result<usize, Damage> {
    let lowest = header.cells_end();
    let content_from = content_top(page, header).min(geometry.usable);
    spare.clear();
    spare.extend_from_slice(page);
    let mut top = geometry.usable;
    for index in 0..usize::from(header.cell_count) {
        let at = cell_offset(page, header, index);
        let size = cell::size(header.kind, page, at, geometry)?;
        if at < content_from || lowest + size > top {
            return Err(Damage::BadCellPointer);
        }
        top -= size;
        spare[top..top + size].copy_from_slice(&page[at..at + size]);
        put_u16(spare, usize::from(header.cells_at) + 2 * index, top);
    }
    if header.free_bytes as usize != top - lowest {
        return Err(Damage::FragmentCount);
    }
    page[usize::from(header.cells_at)..lowest].copy_from_slice(&spare[usize::from(header.cells_at)..lowest]);
    page[top..geometry.usable].copy_from_slice(&spare[top..geometry.usable]);
    put_u16(page, header.at() + 1, 0);
    put_u16(page, header.at() + 5, top);
    page[header.at() + 7] = 0;
    page[lowest..top].fill(0);
    Ok(top)
}

/// Removes cell `index`, which takes `size` bytes. The free bytes have to be counted.
pub(crate) fn remove_cell(
    page: &mut [u8],
    header: &mut PageHeader,
    index: usize,
    size: usize,
    geometry: &Geometry,
    wipe: bool,
) -> Result<(), Damage> {
    debug_assert!(header.free_bytes != FREE_UNKNOWN && index < usize::from(header.cell_count));
    let at = cell_offset(page, header, index);
    release(page, header, at, size, geometry, wipe)?;
    header.cell_count -= 1;
    if header.cell_count == 0 {
        // The last cell is gone: all of the page is gap, whatever the chain looked like.
        let start = header.at();
        page[start + 1..start + 5].fill(0);
        page[start + 7] = 0;
        put_u16(page, start + 5, geometry.usable);
        header.free_bytes = (geometry.usable - usize::from(header.cells_at)) as u32;
        return Ok(());
    }
    let slot = usize::from(header.cells_at) + 2 * index;
    // `cell_count` is already one less, so the array's old end is 2 bytes further.
    page.copy_within(slot + 2..header.cells_end() + 2, slot);
    put_u16(page, header.at() + 3, usize::from(header.cell_count));
    header.free_bytes += (size + 2 + usize::from(kernite_io::planted!(FreeBytesWrong))) as u32;
    Ok(())
}

/// Gives `size` bytes at `at` back, merged with the freeblocks and fragments beside them.
fn release(
    page: &mut [u8],
    header: &PageHeader,
    at: usize,
    size: usize,
    geometry: &Geometry,
    wipe: bool,
) -> Result<(), Damage> {
    let start = header.at();
    let top = content_top(page, header);
    let end = at + size;
    if at < top || at < header.cells_end() || end > geometry.usable || size < 4 {
        return Err(Damage::BadCellPointer);
    }
    // The freeblocks before and after: `link` is where the number of the one after stands.
    let mut link = start + 1;
    let mut after = u16_at(page, link);
    if after != 0 && after < top {
        return Err(Damage::FreeblockOutOfOrder);
    }
    while after != 0 && after < at {
        let next = u16_at(page, after);
        if next <= after && next != 0 {
            return Err(Damage::FreeblockOutOfOrder);
        }
        link = after;
        after = next;
    }
    let mut fragments = usize::from(page[start + 7]);
    let (mut block_at, mut block_end, mut next) = (at, end, after);
    if after != 0 {
        if after + 4 > geometry.usable || after < end {
            return Err(Damage::FreeblockOutOfOrder);
        }
        if end + 3 >= after {
            fragments = fragments.checked_sub(after - end).ok_or(Damage::FragmentCount)?;
            block_end = after + u16_at(page, after + 2);
            if block_end > geometry.usable {
                return Err(Damage::FreeblockOutOfOrder);
            }
            next = u16_at(page, after);
        }
    }
    let mut link_to = link;
    if link > start + 1 {
        let before_end = link + u16_at(page, link + 2);
        if before_end > at {
            return Err(Damage::FreeblockOutOfOrder);
        }
        if before_end + 3 >= at {
            fragments = fragments.checked_sub(at - before_end).ok_or(Damage::FragmentCount)?;
            block_at = link;
            link_to = 0;
        }
    }
    if wipe {
        page[at..end].fill(0);
    }
    page[start + 7] = fragments as u8;
    if block_at == top {
        // At the content area's start: the block joins the gap. It is the first of the chain.
        put_u16(page, start + 1, next);
        put_u16(page, start + 5, block_end);
        return Ok(());
    }
    if link_to != 0 {
        put_u16(page, link_to, block_at);
    }
    put_u16(page, block_at, next);
    put_u16(page, block_at + 2, block_end - block_at);
    Ok(())
}

/// Checks that cells, freeblocks and fragments tile the content area and that the header tells the truth. Of pages that we
/// changed; the integrity check has its own way, which reports instead.
#[cfg(test)]
pub(crate) fn assert_valid(page: &[u8], header: &PageHeader, geometry: &Geometry) {
    let top = content_top(page, header);
    assert!(top >= header.cells_end() && top <= geometry.usable, "top {top} with {header:?}");
    if header.free_bytes != FREE_UNKNOWN {
        assert_eq!(count_free(page, header, geometry), Ok(header.free_bytes), "free bytes of {header:?}");
    }
    let mut pieces: Vec<(usize, usize)> = Vec::new();
    for index in 0..usize::from(header.cell_count) {
        let at = cell_offset(page, header, index);
        let cell = cell::parse(header.kind, page, at, geometry).expect("a cell that we wrote parses");
        pieces.push((at, at + cell.size as usize));
    }
    let mut at = u16_at(page, header.at() + 1);
    while at != 0 {
        pieces.push((at, at + u16_at(page, at + 2)));
        at = u16_at(page, at);
    }
    pieces.sort_unstable();
    let mut end = top;
    let mut fragments = 0;
    for (from, to) in pieces {
        assert!(from >= end, "bytes {from}..{to} are in use twice ({header:?})");
        fragments += from - end;
        end = to;
    }
    fragments += geometry.usable - end;
    assert_eq!(usize::from(page[header.at() + 7]), fragments, "fragments of {header:?}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page_no::PageNo;
    use crate::pager::PageKind;
    use crate::tree::cell::CellHead;
    use crate::tree::page::format_empty;
    use proptest::prelude::*;

    struct Leaf {
        page: Vec<u8>,
        header: PageHeader,
        geometry: Geometry,
        spare: Vec<u8>,
    }

    impl Leaf {
        fn new(page_size: usize, no: u32) -> Leaf {
            let geometry = Geometry::new(page_size, page_size);
            let mut page = vec![0xee; page_size];
            let no = PageNo::new(no).expect("not zero");
            let header = format_empty(&mut page, no, PageKind::TableLeaf, &geometry);
            Leaf { page, header, geometry, spare: Vec::new() }
        }

        /// Inserts a row whose payload is `len` times its rowid's low byte; `false` where it does not fit.
        fn insert(&mut self, index: usize, rowid: i64, len: usize) -> bool {
            let head = CellHead::leaf(Some(rowid), len as u64, &self.geometry);
            if head.overflows || head.size + 2 > self.header.free_bytes as usize {
                return false;
            }
            let at = insert_cell(
                &mut self.page,
                &mut self.header,
                index,
                head.size,
                &self.geometry,
                &mut self.spare,
            )
            .expect("room was counted");
            let body = at + head.bytes().len();
            self.page[at..body].copy_from_slice(head.bytes());
            self.page[body..body + len].fill(rowid as u8);
            true
        }

        fn remove(&mut self, index: usize) {
            let size =
                cell::parse_at(&self.page, &self.header, index, &self.geometry).expect("valid").size as usize;
            remove_cell(&mut self.page, &mut self.header, index, size, &self.geometry, false).expect("valid");
        }

        fn rows(&self) -> Vec<(i64, Vec<u8>)> {
            (0..usize::from(self.header.cell_count))
                .map(|index| {
                    let cell =
                        cell::parse_at(&self.page, &self.header, index, &self.geometry).expect("valid");
                    (cell.rowid, cell.local_payload(&self.page).to_vec())
                })
                .collect()
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn a_page_behaves_like_a_list_of_cells(
            page_size in prop_oneof![Just(512usize), Just(1024), Just(65536)],
            no in 1u32..3,
            steps in prop::collection::vec((any::<bool>(), any::<u16>(), 0usize..120), 1..300),
        ) {
            let mut leaf = Leaf::new(page_size, no);
            let mut model: Vec<(i64, Vec<u8>)> = Vec::new();
            for (step, (insert, place, len)) in steps.into_iter().enumerate() {
                if insert || model.is_empty() {
                    let index = usize::from(place) % (model.len() + 1);
                    let rowid = step as i64 * 7919;
                    if leaf.insert(index, rowid, len) {
                        model.insert(index, (rowid, vec![rowid as u8; len]));
                    }
                } else {
                    let index = usize::from(place) % model.len();
                    leaf.remove(index);
                    model.remove(index);
                }
                assert_valid(&leaf.page, &leaf.header, &leaf.geometry);
            }
            prop_assert_eq!(leaf.rows(), model);
        }

        #[test]
        fn a_damaged_page_gives_errors_and_never_panics(
            flips in prop::collection::vec((0usize..512, any::<u8>()), 1..12),
            steps in prop::collection::vec((any::<bool>(), any::<u16>(), 0usize..60), 1..60),
        ) {
            let mut leaf = Leaf::new(512, 2);
            for rowid in 0..12 {
                leaf.insert(rowid as usize, rowid, 20);
            }
            leaf.remove(3);
            leaf.remove(6);
            for (at, value) in flips {
                leaf.page[at] = value;
            }
            let no = PageNo::new(2).expect("not zero");
            let Ok(header) = crate::tree::page::decode(&leaf.page, no, &leaf.geometry) else { return Ok(()) };
            leaf.header = header;
            let mut counted = leaf.header;
            if ensure_counted(&leaf.page, &mut counted, &leaf.geometry).is_err() {
                return Ok(());
            }
            leaf.header = counted;
            for (insert, place, len) in steps {
                let count = usize::from(leaf.header.cell_count);
                let before = leaf.page.clone();
                let result = if insert || count == 0 {
                    let size = len.max(4);
                    if size + 2 > leaf.header.free_bytes as usize {
                        continue;
                    }
                    insert_cell(&mut leaf.page, &mut leaf.header, usize::from(place) % (count + 1), size, &leaf.geometry, &mut leaf.spare).map(drop)
                } else {
                    let index = usize::from(place) % count;
                    cell::parse_at(&leaf.page, &leaf.header, index, &leaf.geometry).and_then(|cell| {
                        remove_cell(&mut leaf.page, &mut leaf.header, index, cell.size as usize, &leaf.geometry, true)
                    })
                };
                if result.is_err() {
                    prop_assert_eq!(&before, &leaf.page, "a failed change leaves the page alone");
                }
            }
        }
    }

    #[test]
    fn neighbours_merge_and_the_first_block_joins_the_gap() {
        let mut leaf = Leaf::new(512, 2);
        for rowid in 0..6 {
            assert!(leaf.insert(rowid as usize, rowid, 10));
        }
        // Cells lie from the end: 0 is the last. Cells 1 and 3, then 2 between them: one freeblock of three cells.
        leaf.remove(3);
        leaf.remove(1);
        leaf.remove(1);
        let first = u16_at(&leaf.page, 1);
        assert_eq!(u16_at(&leaf.page, first + 2), 36);
        assert_eq!(u16_at(&leaf.page, first), 0);
        // The cells nearest the gap: everything but cell 0 becomes gap.
        leaf.remove(2);
        leaf.remove(1);
        assert_eq!(u16_at(&leaf.page, 1), 0);
        assert_eq!(content_top(&leaf.page, &leaf.header), 500);
    }
}
