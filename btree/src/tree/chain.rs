//! Overflow chains: writing them before their cell exists, freeing them after it is gone.
//!
//! A chain is built from its first page on; until a cell points to it, nothing does. A short one is written in the
//! change that places its cell. A long one is written before, some pages a change, by [`ChainBuilder`]; and a long one that lost its
//! cell is freed afterwards, some pages a change. So no change has more than a few dozen pages, however large the value.
//!
//! Between the changes of a long chain its pages are in no tree and not free either: an operation that ends there with an
//! error counts on the statement being rolled back, as in SQLite.
//! Spec: Database File Format, "Cell Payload Overflow Pages".

use kernite_io::ready;

use crate::Step;
use crate::btree::CursorId;
use crate::error::Error;
use crate::page_no::PageNo;
use crate::pager::FrameId;
use crate::tree::cell::CellInfo;
use crate::tree::change::Change;
use crate::tree::freelist::Want;
use crate::tree::page::{put_u32, u32_at};
use crate::tree::payload::broken_chain;
use crate::tree::pointer_map::Owner;

/// Most overflow pages that one change writes or frees.
pub(crate) const CHAIN_PAGES_PER_CHANGE: u32 = 64;

/// A payload as it is given: bytes, and zeros after them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Payload<'a> {
    pub bytes: &'a [u8],
    pub zero_tail: u64,
}

impl Payload<'_> {
    /// Bytes and zeros.
    pub fn len(&self) -> u64 {
        self.bytes.len() as u64 + self.zero_tail
    }

    /// Copies the payload from `at` on to `out`.
    #[inline]
    pub fn copy_to(&self, at: u64, out: &mut [u8]) {
        let bytes = self.bytes.get(at as usize..).unwrap_or_default();
        match bytes.get(..out.len()) {
            Some(bytes) => out.copy_from_slice(bytes),
            None => {
                let (start, rest) = out.split_at_mut(bytes.len());
                start.copy_from_slice(bytes);
                rest.fill(0);
            }
        }
    }
}

/// A chain as far as it is written.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ChainBuilder {
    pub first: Option<PageNo>,
    last: Option<PageNo>,
    /// Payload bytes before this one are in the cell or on the chain's pages.
    at: u64,
}

impl ChainBuilder {
    /// A chain for the payload bytes from `local` on.
    pub fn new(local: usize) -> ChainBuilder {
        ChainBuilder { first: None, last: None, at: local as u64 }
    }

    /// Whether all of the payload is written.
    pub fn is_done(&self, payload: Payload<'_>) -> bool {
        self.at >= payload.len()
    }
}

impl Change<'_> {
    /// Writes up to `limit` more pages of a chain and gives the chain as it is then.
    pub fn extend_chain(
        &mut self,
        mut chain: ChainBuilder,
        payload: Payload<'_>,
        limit: u32,
    ) -> Step<ChainBuilder> {
        let capacity = self.geometry.overflow_capacity();
        for _ in 0..limit {
            if chain.is_done(payload) {
                break;
            }
            let (page, frame) = ready!(self.allocate(Want::Near(self.after(chain.last))));
            match chain.last {
                Some(last) => {
                    let last_frame = ready!(self.pager.get(last));
                    put_u32(self.pager.write(last_frame)?, 0, page.get());
                    ready!(self.set_owner(page, Owner::Chain(last)));
                }
                None => chain.first = Some(page),
            }
            let len = (payload.len() - chain.at).min(capacity as u64) as usize;
            let bytes = self.pager.write(frame)?;
            payload.copy_to(chain.at, &mut bytes[4..4 + len]);
            chain.at += len as u64;
            chain.last = Some(page);
        }
        Ok(Some(chain))
    }

    /// The page on which a chain would best go on after `last`: the next one that may hold content.
    fn after(&self, last: Option<PageNo>) -> Option<PageNo> {
        let mut number = last?.get().checked_add(1)?;
        if self.auto_vacuum && self.geometry.is_pointer_map(PageNo::new(number)?) {
            number = number.checked_add(1)?;
        }
        if number == self.geometry.lock_byte_page() {
            number = number.checked_add(1)?;
        }
        PageNo::new(number)
    }

    /// Frees up to `limit` pages of a chain of `left` pages that starts at `first`: what is left of it then.
    pub fn free_chain(&mut self, first: PageNo, left: u32, limit: u32) -> Step<Option<(PageNo, u32)>> {
        let (mut page, mut left) = (first, left);
        for _ in 0..limit {
            if page.get() < 2 || page.get() > self.pager.page_count() {
                return Err(broken_chain(page));
            }
            let frame = ready!(self.pager.get(page));
            let next = PageNo::new(u32_at(self.pager.page(frame), 0));
            ready!(self.free_page(page));
            left = left.saturating_sub(1);
            if left == u32::from(kernite_io::planted!(OverflowTailLeaked)) {
                return Ok(Some(None));
            }
            page = next.ok_or_else(|| broken_chain(page))?;
        }
        Ok(Some(Some((page, left))))
    }

    /// Frees the overflow pages of a cell on the page in `frame`, at once where they are few. Else the chain that has to be freed after this
    /// change.
    pub fn free_overflow(&mut self, frame: FrameId, cell: &CellInfo) -> Step<Option<(PageNo, u32)>> {
        if !cell.overflows() || kernite_io::planted!(OverflowChainLeaked) {
            return Ok(Some(None));
        }
        let first =
            cell.first_overflow(self.pager.page(frame)).map_err(|damage| self.damaged(frame, damage))?;
        let pages = cell.overflow_pages(self.geometry);
        if pages > CHAIN_PAGES_PER_CHANGE {
            return Ok(Some(Some((first, pages))));
        }
        self.free_chain(first, pages, pages)
    }
}

/// The operation that works on a long chain. When it has to wait it is called again, and is known by this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ChainTask {
    pub cursor: CursorId,
    /// Rowid and length of the row that an insert brings; `None` of a delete.
    pub row: Option<(i64, u64)>,
}

/// Work on a long chain that an operation still has to do, or has done so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum LongChain {
    #[default]
    None,
    /// An insert writes the chain of its row before it places the cell.
    Building { task: ChainTask, chain: ChainBuilder },
    /// The cell is gone from the tree, and all else is done; what is left of its chain.
    Freeing { task: ChainTask, first: PageNo, left: u32 },
}

/// Damage where a chain has fewer pages than its payload needs.
pub(crate) fn too_short(first: Option<PageNo>) -> Error {
    broken_chain(first.unwrap_or(PageNo::ONE))
}
