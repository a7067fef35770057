//! The bytes of a rollback journal.
//!
//! ```text
//! segment := header, padded to a sector | record*
//! header  := magic[8] | record count | nonce | original page count | sector size | page size      (numbers: 4 bytes, big endian)
//! record  := page number[4] | page | checksum[4]
//! file    := segment+ | super record?
//! super   := lock-byte page number[4] | name | length of name[4] | sum of name[4] | magic[8]
//! ```
//!
//! A record count of 0xffffffff stands for "as many as the file has". The checksum of a record is the nonce plus every 200th byte of
//! the page, counted from its end: enough to tell a record that was never written from one that was.
//!
//! Never: I/O; trust in any number that was read.
//! Spec: Database File Format, "The Rollback Journal"; "Atomic Commit In SQLite", "Multi-file Commit".

/// The first eight bytes of every header.
pub(in crate::pager) const MAGIC: [u8; 8] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];
/// Bytes of a header that mean something; the rest of the sector is zero.
pub(in crate::pager) const HEADER_BYTES: usize = 28;
/// Bytes of the magic and the record count, which make a header one.
pub(in crate::pager) const SEAL_BYTES: usize = 12;
/// Bytes of a record beside the page.
pub(in crate::pager) const RECORD_EXTRA: usize = 8;
/// Record count of a journal that is never synced.
pub(in crate::pager) const COUNT_FROM_LENGTH: u32 = u32::MAX;
/// Bytes after the name in a super record.
pub(in crate::pager) const SUPER_TAIL: usize = 16;

/// What a segment's header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::pager) struct Header {
    pub(in crate::pager) count: u32,
    pub(in crate::pager) nonce: u32,
    /// Pages of the database before the transaction.
    pub(in crate::pager) page_count: u32,
    pub(in crate::pager) sector_bytes: u32,
    pub(in crate::pager) page_bytes: u32,
}

fn number(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(|b| b.first_chunk()).map_or(0, |raw| u32::from_be_bytes(*raw))
}

impl Header {
    /// Writes the header to the start of `out`, which has at least [`HEADER_BYTES`].
    pub(in crate::pager) fn encode(&self, out: &mut [u8]) {
        out[..8].copy_from_slice(&MAGIC);
        let numbers = [self.count, self.nonce, self.page_count, self.sector_bytes, self.page_bytes];
        for (slot, value) in out[8..HEADER_BYTES].chunks_exact_mut(4).zip(numbers) {
            slot.copy_from_slice(&value.to_be_bytes());
        }
    }

    /// Reads a header, or `None` where there is none: that is how a journal ends. Sizes are checked; a page size of 0, which old
    /// versions wrote, becomes `page_bytes`.
    pub(in crate::pager) fn decode(bytes: &[u8], page_bytes: u32) -> Option<Header> {
        if bytes.len() < HEADER_BYTES || bytes[..8] != MAGIC {
            return None;
        }
        let mut header = Header {
            count: number(bytes, 8),
            nonce: number(bytes, 12),
            page_count: number(bytes, 16),
            sector_bytes: number(bytes, 20),
            page_bytes: number(bytes, 24),
        };
        if header.page_bytes == 0 {
            header.page_bytes = page_bytes;
        }
        let sane = (512..=65536).contains(&header.page_bytes)
            && (32..=65536).contains(&header.sector_bytes)
            && header.page_bytes.is_power_of_two()
            && header.sector_bytes.is_power_of_two();
        sane.then_some(header)
    }
}

/// The checksum of a page in a record.
pub(in crate::pager) fn checksum(nonce: u32, page: &[u8]) -> u32 {
    let mut sum = nonce;
    let mut at = page.len().saturating_sub(200);
    while at > 0 {
        sum = sum.wrapping_add(u32::from(page[at]));
        at = at.saturating_sub(200);
    }
    sum
}

/// Sum of a super-journal's name. Bytes count as signed, as where `char` is signed.
fn name_sum(name: &[u8]) -> u32 {
    name.iter().fold(0u32, |sum, &byte| sum.wrapping_add(byte as i8 as u32))
}

/// The super record.
pub(in crate::pager) fn encode_super(lock_byte_page: u32, name: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(name.len() + SUPER_TAIL + 4);
    out.extend_from_slice(&lock_byte_page.to_be_bytes());
    out.extend_from_slice(name);
    out.extend_from_slice(&(name.len() as u32).to_be_bytes());
    out.extend_from_slice(&name_sum(name).to_be_bytes());
    out.extend_from_slice(&MAGIC);
    out
}

/// The length of the name that a super record's last 16 bytes promise, in a journal of `journal_bytes`; `None` where it has no super record.
pub(in crate::pager) fn super_name_bytes(tail: &[u8], journal_bytes: u64) -> Option<usize> {
    if tail.len() != SUPER_TAIL || tail[8..] != MAGIC {
        return None;
    }
    let len = number(tail, 0);
    // A path is never that long; and the name has to lie in the file.
    let fits = len > 0 && len <= 4096 && u64::from(len) <= journal_bytes.saturating_sub(SUPER_TAIL as u64);
    fits.then_some(len as usize)
}

/// Whether `name` is what the super record's last 16 bytes were made from.
pub(in crate::pager) fn is_super_name(name: &[u8], tail: &[u8]) -> bool {
    !name.contains(&0) && number(tail, 4) == name_sum(name)
}

/// `at` moved up to the next multiple of `sector_bytes`.
pub(in crate::pager) fn align(at: u64, sector_bytes: u32) -> u64 {
    at.next_multiple_of(u64::from(sector_bytes.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_reads_back_as_written() {
        let header =
            Header { count: 3, nonce: 0xdead_beef, page_count: 9, sector_bytes: 512, page_bytes: 4096 };
        let mut bytes = [0; 512];
        header.encode(&mut bytes);
        assert_eq!(Header::decode(&bytes, 1024), Some(header));
        assert_eq!(bytes[..12], [0xd9, 0xd5, 5, 0xf9, 0x20, 0xa1, 0x63, 0xd7, 0, 0, 0, 3]);
    }

    #[test]
    fn sizes_that_no_writer_makes_end_the_journal() {
        for (sector_bytes, page_bytes) in [(0, 4096), (31, 4096), (513, 4096), (512, 256), (512, 131_072)] {
            let header = Header { count: 1, nonce: 1, page_count: 1, sector_bytes, page_bytes };
            let mut bytes = [0; HEADER_BYTES];
            header.encode(&mut bytes);
            assert_eq!(Header::decode(&bytes, 4096), None, "{sector_bytes} {page_bytes}");
        }
    }

    #[test]
    fn the_checksum_takes_every_200th_byte_from_the_end_but_not_the_first() {
        let mut page = [0u8; 1000];
        for at in [800, 600, 400, 200] {
            page[at] = 1;
        }
        page[0] = 100; // 1000 - 5 * 200: the loop ends before it
        page[999] = 100;
        assert_eq!(checksum(7, &page), 7 + 4);
    }

    #[test]
    fn a_super_record_names_its_journal() {
        let record = encode_super(0x4000_0001, b"/tmp/x-mj0123");
        let tail = &record[record.len() - SUPER_TAIL..];
        let len = super_name_bytes(tail, record.len() as u64).unwrap();
        let name = &record[4..4 + len];
        assert_eq!(name, b"/tmp/x-mj0123");
        assert!(is_super_name(name, tail));
        assert!(!is_super_name(b"/tmp/x-mj0124", tail));
        assert_eq!(super_name_bytes(tail, 20), None);
    }
}
