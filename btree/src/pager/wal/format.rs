//! The bytes of a WAL file.
//!
//! ```text
//! file   := header[32] frame*
//! header := magic | version | page size | checkpoint sequence | salt[8] | checksum[8]         (numbers: 4 bytes, big endian)
//! frame  := page number | database size at a commit, else 0 | salt[8] | checksum[8] | page
//! ```
//!
//! A frame counts if its salt is the header's and its checksum, which runs through the header and all frames before it, is right. A transaction
//! counts up to the last such frame with a commit mark. The low bit of the magic tells the byte order of the summed words.
//!
//! Never: I/O; trust in what was read.
//! Spec: "WAL-mode File Format", "WAL File".

use super::checksum::{Order, checksum};
use crate::page_no::PageNo;

pub(in crate::pager) const HEADER_BYTES: usize = 32;
pub(in crate::pager) const FRAME_HEADER_BYTES: usize = 24;
const MAGIC: u32 = 0x377f_0682;
const VERSION: u32 = 3_007_000;

/// The header of a WAL file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::pager) struct WalHeader {
    pub(in crate::pager) order: Order,
    pub(in crate::pager) page_bytes: u32,
    pub(in crate::pager) checkpoint_sequence: u32,
    pub(in crate::pager) salt: [u8; 8],
    pub(in crate::pager) checksum: [u32; 2],
}

/// What a header that was read turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::pager) enum DecodedHeader {
    Valid(WalHeader),
    /// Never finished, or damaged: the file holds nothing.
    Void,
    /// Of a later version.
    Unknown,
}

fn number(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(|b| b.first_chunk()).map_or(0, |raw| u32::from_be_bytes(*raw))
}

fn put(bytes: &mut [u8], at: usize, value: u32) {
    bytes[at..at + 4].copy_from_slice(&value.to_be_bytes());
}

/// Where frame `frame`, counted from 1, begins.
pub(in crate::pager) fn frame_at(frame: u32, page_bytes: u32) -> u64 {
    HEADER_BYTES as u64
        + u64::from(frame.saturating_sub(1)) * (u64::from(page_bytes) + FRAME_HEADER_BYTES as u64)
}

impl WalHeader {
    /// Makes the header's bytes and sets its checksum.
    pub(in crate::pager) fn encode(&mut self) -> [u8; HEADER_BYTES] {
        let mut out = [0; HEADER_BYTES];
        put(&mut out, 0, MAGIC | u32::from(self.order == Order::Big));
        put(&mut out, 4, VERSION);
        put(&mut out, 8, self.page_bytes);
        put(&mut out, 12, self.checkpoint_sequence);
        out[16..24].copy_from_slice(&self.salt);
        self.checksum = checksum(self.order, &out[..24], [0, 0]);
        put(&mut out, 24, self.checksum[0]);
        put(&mut out, 28, self.checksum[1]);
        out
    }

    pub(in crate::pager) fn decode(bytes: &[u8]) -> DecodedHeader {
        let magic = number(bytes, 0);
        let page_bytes = number(bytes, 8);
        if bytes.len() < HEADER_BYTES
            || magic & !1 != MAGIC
            || !page_bytes.is_power_of_two()
            || !(512..=65536).contains(&page_bytes)
        {
            return DecodedHeader::Void;
        }
        let order = if magic & 1 == 1 { Order::Big } else { Order::Little };
        let sum = checksum(order, &bytes[..24], [0, 0]);
        if sum != [number(bytes, 24), number(bytes, 28)] {
            return DecodedHeader::Void;
        }
        if number(bytes, 4) != VERSION {
            return DecodedHeader::Unknown;
        }
        let mut salt = [0; 8];
        salt.copy_from_slice(&bytes[16..24]);
        DecodedHeader::Valid(WalHeader {
            order,
            page_bytes,
            checkpoint_sequence: number(bytes, 12),
            salt,
            checksum: sum,
        })
    }
}

/// Fills a frame header and returns the running checksum after the frame.
pub(in crate::pager) fn encode_frame(
    out: &mut [u8],
    page: PageNo,
    commit_pages: u32,
    salt: &[u8; 8],
    order: Order,
    before: [u32; 2],
    data: &[u8],
) -> [u32; 2] {
    put(out, 0, page.get());
    put(out, 4, commit_pages);
    out[8..16].copy_from_slice(salt);
    let sum = checksum(order, data, checksum(order, &out[..8], before));
    put(out, 16, sum[0]);
    put(out, 20, sum[1]);
    sum
}

/// Fills the header of a frame whose checksum comes later: until then it does not count.
pub(in crate::pager) fn encode_void_frame(out: &mut [u8], page: PageNo, commit_pages: u32) {
    put(out, 0, page.get());
    put(out, 4, commit_pages);
    out[8..FRAME_HEADER_BYTES].fill(0);
}

/// A frame that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::pager) struct DecodedFrame {
    pub(in crate::pager) page: PageNo,
    /// Pages of the database after the transaction that ends here; 0 where none does.
    pub(in crate::pager) commit_pages: u32,
    pub(in crate::pager) checksum: [u32; 2],
}

/// Reads a frame that follows one with the running checksum `before`; `None` where it does not count.
pub(in crate::pager) fn decode_frame(
    header: &WalHeader,
    before: [u32; 2],
    frame: &[u8],
) -> Option<DecodedFrame> {
    let (head, data) = frame.split_at_checked(FRAME_HEADER_BYTES)?;
    if head[8..16] != header.salt {
        return None;
    }
    let page = PageNo::new(number(head, 0))?;
    let sum = checksum(header.order, data, checksum(header.order, &head[..8], before));
    (sum == [number(head, 16), number(head, 20)]).then_some(DecodedFrame {
        page,
        commit_pages: number(head, 4),
        checksum: sum,
    })
}

/// The page number and commit mark of a frame header that is our own.
pub(in crate::pager) fn frame_numbers(head: &[u8]) -> (u32, u32) {
    (number(head, 0), number(head, 4))
}

/// The checksum at byte `at` of what was read.
pub(in crate::pager) fn checksum_in(bytes: &[u8], at: usize) -> [u32; 2] {
    [number(bytes, at), number(bytes, at + 4)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> WalHeader {
        WalHeader {
            order: Order::NATIVE,
            page_bytes: 512,
            checkpoint_sequence: 3,
            salt: *b"saltSALT",
            checksum: [0, 0],
        }
    }

    #[test]
    fn a_header_reads_back_and_one_wrong_bit_voids_it() {
        let mut header = header();
        let bytes = header.encode();
        assert_eq!(WalHeader::decode(&bytes), DecodedHeader::Valid(header));
        for bit in 0..HEADER_BYTES * 8 {
            let mut damaged = bytes;
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(WalHeader::decode(&damaged), DecodedHeader::Valid(header), "bit {bit}");
        }
    }

    #[test]
    fn a_frame_counts_only_behind_its_predecessor() {
        let mut header = header();
        header.encode();
        let mut frame = vec![7u8; FRAME_HEADER_BYTES + 512];
        let (head, data) = frame.split_at_mut(FRAME_HEADER_BYTES);
        let page = PageNo::new(5).unwrap();
        let sum = encode_frame(head, page, 9, &header.salt, header.order, header.checksum, data);
        let decoded = DecodedFrame { page, commit_pages: 9, checksum: sum };
        assert_eq!(decode_frame(&header, header.checksum, &frame), Some(decoded));
        assert_eq!(decode_frame(&header, [1, 1], &frame), None);
        frame[100] ^= 1;
        assert_eq!(decode_frame(&header, header.checksum, &frame), None);
    }

    #[test]
    fn frames_lie_one_after_the_other() {
        assert_eq!(frame_at(1, 4096), 32);
        assert_eq!(frame_at(3, 4096), 32 + 2 * 4120);
    }
}
