//! Payloads that go on on overflow pages: reading ranges of them, and overwriting bytes in place.
//!
//! ```text
//! cell: … local payload | first overflow page        overflow page: next page (0 = last):4 | usable - 4 bytes of payload
//! ```
//!
//! A cursor remembers the pages of the chain that it read last, so that reading a large value piece by piece walks the
//! chain once. Chains mostly lie on consecutive pages: the walk asks for the following ones ahead.
//!
//! A read that has to wait keeps what it copied so far aside and gives the caller's vector back as it was; run again with the
//! same arguments it goes on there.
//!
//! Never: building or freeing chains.
//! Spec: Database File Format, "Cell Payload Overflow Pages".

use std::ops::Range;

use kernite_io::ready;

use crate::Step;
use crate::error::{Damage, Error};
use crate::page_no::PageNo;
use crate::pager::{FrameId, Pager};
use crate::tree::cell::CellInfo;
use crate::tree::cursor::{Cursor, State, damaged};
use crate::tree::geometry::Geometry;
use crate::tree::page::u32_at;

/// Pages after an overflow page that are hinted.
const READ_AHEAD: u32 = 8;

/// What a cursor remembers of the overflow chain that it read last.
#[derive(Default)]
pub(crate) struct OverflowMemo {
    /// The pages of the chain as far as it was walked; the first one identifies it.
    pages: Vec<PageNo>,
    /// The read that had to wait, and the bytes that it has.
    waiting: Option<Read>,
    partial: Vec<u8>,
}

/// A read of a range of a chain's payload.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Read {
    chain: PageNo,
    start: u64,
    end: u64,
}

impl OverflowMemo {
    /// Forgets everything: the chain may be another one now.
    #[inline]
    pub fn clear(&mut self) {
        self.pages.clear();
        self.waiting = None;
    }

    /// Makes sure that the memo is of the chain that starts at `first`.
    fn start(&mut self, first: PageNo) {
        if self.pages.first() != Some(&first) {
            self.clear();
            self.pages.push(first);
        }
    }

    /// Page `index` of the chain, walking it as far as needed.
    fn page(&mut self, index: usize, pager: &mut Pager) -> Step<PageNo> {
        loop {
            if let Some(&page) = self.pages.get(index) {
                return Ok(Some(page));
            }
            let Some(&last) = self.pages.last() else { return Err(broken_chain(PageNo::ONE)) };
            let next = ready!(next_page(last, pager));
            self.pages.push(next.ok_or_else(|| broken_chain(last))?);
        }
    }
}

/// Reads which page follows an overflow page.
fn next_page(page: PageNo, pager: &mut Pager) -> Step<Option<PageNo>> {
    let frame = ready!(pager.get(page));
    let next = PageNo::new(u32_at(pager.page(frame), 0));
    if let Some(next) = next
        && next.get().checked_sub(1) == Some(page.get())
        && next.get() % READ_AHEAD == 0
    {
        hint_run(next, pager);
    }
    Ok(Some(next))
}

/// Chains are mostly consecutive.
fn hint_run(from: PageNo, pager: &mut Pager) {
    let mut pages = [PageNo::ONE; READ_AHEAD as usize];
    let mut len = 0;
    for number in from.get()..from.get().saturating_add(READ_AHEAD) {
        if number > pager.page_count() {
            break;
        }
        if let Some(page) = PageNo::new(number) {
            pages[len] = page;
            len += 1;
        }
    }
    pager.read_ahead(&pages[..len]);
}

#[cold]
pub(crate) fn broken_chain(page: PageNo) -> Error {
    Error::corrupt(page, Damage::OverflowChain)
}

/// Appends bytes `range` of the payload of `cell`, which lies on the page in `frame`, to `out`. Unless it is done, `out` is as it was.
pub(crate) fn append(
    pager: &mut Pager,
    frame: FrameId,
    cell: &CellInfo,
    range: Range<u64>,
    out: &mut Vec<u8>,
    geometry: &Geometry,
) -> Step<()> {
    let before = out.len();
    let mut memo = OverflowMemo::default();
    let result = append_with(pager, frame, cell, range, out, &mut memo, geometry);
    if result.is_err() {
        out.truncate(before);
    }
    result
}

/// As [`append`], with a memo of the chain that lasts; goes on where a call with the same arguments had to wait.
fn append_with(
    pager: &mut Pager,
    frame: FrameId,
    cell: &CellInfo,
    range: Range<u64>,
    out: &mut Vec<u8>,
    memo: &mut OverflowMemo,
    geometry: &Geometry,
) -> Step<()> {
    if range.start > range.end || range.end > u64::from(cell.payload_len) {
        return Err(damaged(pager, frame, Damage::PayloadTooLong));
    }
    let local_len = u64::from(cell.local);
    if range.end <= local_len {
        let local = cell.local_payload(pager.page(frame));
        out.extend_from_slice(local.get(range.start as usize..range.end as usize).unwrap_or_default());
        return Ok(Some(()));
    }
    let first = cell.first_overflow(pager.page(frame)).map_err(|damage| damaged(pager, frame, damage))?;
    if cell.overflow_pages(geometry) >= pager.page_count() {
        return Err(damaged(pager, frame, Damage::PayloadTooLong));
    }
    memo.start(first);
    let read = Read { chain: first, start: range.start, end: range.end };
    let before = out.len();
    if memo.waiting.take() == Some(read) {
        if before == 0 {
            std::mem::swap(out, &mut memo.partial);
        } else {
            out.append(&mut memo.partial);
        }
    }
    let mut at = range.start + (out.len() - before) as u64;
    if at < local_len {
        let local = cell.local_payload(pager.page(frame));
        out.extend_from_slice(local.get(at as usize..).unwrap_or_default());
        at = local_len;
    }
    let capacity = geometry.overflow_capacity() as u64;
    while at < range.end {
        let (index, from) = (((at - local_len) / capacity) as usize, ((at - local_len) % capacity) as usize);
        let found = match memo.page(index, pager)? {
            Some(page) => pager.get(page)?,
            None => None,
        };
        let Some(overflow) = found else {
            memo.waiting = Some(read);
            memo.partial.clear();
            if before == 0 {
                std::mem::swap(out, &mut memo.partial);
            } else {
                memo.partial.extend(out.drain(before..));
            }
            return Ok(None);
        };
        let len = (capacity - from as u64).min(range.end - at);
        let bytes = pager.page(overflow).get(4 + from..4 + from + len as usize);
        out.extend_from_slice(bytes.ok_or_else(|| damaged(pager, overflow, Damage::OverflowChain))?);
        at += len;
    }
    Ok(Some(()))
}

impl Cursor {
    /// Appends payload bytes `range` to `out`.
    #[inline]
    pub fn read_payload(
        &mut self,
        range: Range<u64>,
        out: &mut Vec<u8>,
        pager: &mut Pager,
        geometry: &Geometry,
    ) -> Step<()> {
        if self.state != State::OnEntry {
            return Err(self.not_on_entry());
        }
        append_with(pager, self.frame, &self.cell, range, out, &mut self.overflow, geometry)
    }

    /// Overwrites payload bytes from `at` on. Each page is written in place as soon as it is there: run again after a wait, it writes
    /// the same bytes to the same places.
    pub fn write_payload(
        &mut self,
        at: u64,
        bytes: &[u8],
        pager: &mut Pager,
        geometry: &Geometry,
    ) -> Step<()> {
        if self.state != State::OnEntry {
            return Err(self.not_on_entry());
        }
        let end = at.checked_add(bytes.len() as u64).filter(|&end| end <= u64::from(self.cell.payload_len));
        let Some(end) = end else {
            return Err(damaged(pager, self.frame, Damage::PayloadTooLong));
        };
        let local_len = u64::from(self.cell.local);
        let mut rest = bytes;
        if at < local_len {
            let (now, later) = rest.split_at(rest.len().min((local_len - at) as usize));
            let from = self.cell.payload_at as usize + at as usize;
            let (page, _) = pager.write_in_place(self.frame)?;
            page[from..from + now.len()].copy_from_slice(now);
            rest = later;
        }
        if rest.is_empty() {
            return Ok(Some(()));
        }
        let first = self
            .cell
            .first_overflow(pager.page(self.frame))
            .map_err(|damage| damaged(pager, self.frame, damage))?;
        self.overflow.start(first);
        let capacity = geometry.overflow_capacity() as u64;
        while !rest.is_empty() {
            let from = end - rest.len() as u64 - local_len;
            let page = ready!(self.overflow.page((from / capacity) as usize, pager));
            let frame = ready!(pager.get(page));
            let (now, later) = rest.split_at(rest.len().min((capacity - from % capacity) as usize));
            let from = 4 + (from % capacity) as usize;
            let (page, _) = pager.write_in_place(frame)?;
            page[from..from + now.len()].copy_from_slice(now);
            rest = later;
        }
        Ok(Some(()))
    }
}
