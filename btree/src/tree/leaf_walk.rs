//! A walk over the entries of one leaf, apart from the cursor that stands on it.
//!
//! A scan reads a leaf from its first cell to its last. The walk holds a handle on the page's bytes and does that without asking the
//! cursor slab and the pager for every row. The cursor stays where the walk began; whoever uses the cursor again first brings it
//! to the walk's entry ([`Btree::stand_on`]).
//!
//! Always true: the bytes are those of the page as it was when the walk began. They are the page as long as
//! [`Btree::write_count`] has not changed since ([`LeafWalk::version`]); a writer changes a copy meanwhile.
//!
//! Never: payloads that overflow, damaged cells, other pages. There the walk stops, and the cursor goes on.

use kernite_io::Buffer;

use crate::btree::{Btree, CursorId, Entry};
use crate::error::Error;
use crate::record::varint;
use crate::tree::cursor::State;

/// A walk; see the module's text.
pub struct LeafWalk {
    buffer: Buffer,
    version: u64,
    cells_at: usize,
    index: u32,
    count: u32,
    is_table: bool,
    local_max: u64,
    usable: usize,
    /// Where the rowid stands, decoded when it is asked for.
    rowid_at: usize,
    payload_at: usize,
    payload_end: usize,
}

impl LeafWalk {
    /// The write count under which the walk shows what is stored.
    #[inline(always)]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The number of the entry on its page.
    #[inline]
    pub fn index(&self) -> u32 {
        self.index
    }

    /// Rowid of the entry; 0 in an index.
    #[inline(always)]
    pub fn rowid(&self) -> i64 {
        if !self.is_table {
            return 0;
        }
        let rowid = self.buffer.get(self.rowid_at..).and_then(varint::decode);
        rowid.map_or(0, |(rowid, _)| rowid as i64)
    }

    /// The entry. All of its payload lies on the page.
    #[inline(always)]
    pub fn entry(&self) -> Entry<'_> {
        let local = self.buffer.get(self.payload_at..self.payload_end).unwrap_or(&[]);
        Entry { local, len: local.len() as u64 }
    }

    /// Goes to the next entry of the leaf. `false`: it is the last one, or the next one is not wholly on the page; nothing has changed.
    #[inline(always)]
    pub fn advance(&mut self) -> bool {
        let next = self.index + 1;
        next < self.count && self.load(next).is_some()
    }

    #[inline(always)]
    fn load(&mut self, index: u32) -> Option<()> {
        let page: &[u8] = &self.buffer;
        let pointer = page.get(self.cells_at + 2 * index as usize..)?.first_chunk::<2>()?;
        let at = usize::from(u16::from_be_bytes(*pointer));
        let (payload, len) = varint::decode(page.get(at..)?)?;
        let rowid_at = at + len;
        let mut payload_at = rowid_at;
        if self.is_table {
            payload_at += varint_len(page.get(rowid_at..)?.first_chunk::<8>()?)?;
        }
        let end = payload_at + payload.min(self.local_max) as usize;
        if payload > self.local_max || end > self.usable {
            return None;
        }
        self.index = index;
        self.rowid_at = rowid_at;
        self.payload_at = payload_at;
        self.payload_end = end;
        Some(())
    }
}

/// The length of the varint at the start of `bytes`; `None` where it is a long one. Its last byte is the first below 0x80.
#[inline(always)]
fn varint_len(bytes: &[u8; 8]) -> Option<usize> {
    let last = !u64::from_le_bytes(*bytes) & 0x8080_8080_8080_8080;
    (last != 0).then(|| last.trailing_zeros() as usize / 8 + 1)
}

impl Btree {
    /// Changes with every write to this database through this connection, done or tried, and with every rollback.
    #[inline(always)]
    pub fn write_count(&self) -> u64 {
        self.writes
    }

    /// Begins a walk at the entry on which a cursor stands; `None` where it is on none, not on a leaf, or on one that overflows.
    pub fn walk_leaf(&self, cursor: CursorId) -> Option<LeafWalk> {
        let cursor = self.trees.cursors.get(cursor).ok()?;
        if cursor.state != State::OnEntry || !cursor.leaf {
            return None;
        }
        let header = self.pager.header(cursor.frame);
        let geometry = &self.trees.geometry;
        let is_table = cursor.is_table();
        let mut walk = LeafWalk {
            buffer: self.pager.share(cursor.frame),
            version: self.writes,
            cells_at: usize::from(header.cells_at),
            index: 0,
            count: u32::from(header.cell_count),
            is_table,
            local_max: if is_table { geometry.max_leaf } else { geometry.max_local } as u64,
            usable: geometry.usable,
            rowid_at: 0,
            payload_at: 0,
            payload_end: 0,
        };
        walk.load(cursor.index)?;
        Some(walk)
    }

    /// Brings a cursor to the entry that a walk from it has reached. Only while nothing was written since the walk began, and the
    /// cursor was not used.
    pub fn stand_on(&mut self, cursor: CursorId, walk: &LeafWalk) -> Result<(), Error> {
        debug_assert_eq!(walk.version, self.writes, "the page is another one");
        let cursor = self.trees.cursors.get_mut(cursor)?;
        if cursor.state != State::OnEntry || !cursor.leaf || walk.index >= cursor.count {
            return Err(cursor.not_on_entry());
        }
        cursor.land(walk.index, &self.pager, &self.trees.geometry)
    }
}
