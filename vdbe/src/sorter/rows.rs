//! Rows in an arena: records with their normalised keys, one after the other in one buffer.
//!
//! ```text
//! | key length 4 | record length 4 | key | record |
//! ```
//!
//! An [`Entry`] names a row by its offset and carries the first bytes of its key, so that sorting rarely looks at the arena.
//! Offsets grow in the order of arrival: comparing them settles ties as a stable sort would.
//!
//! Never: removing a row. Owners count what is dead and start over.

use kernite_btree::Error as StorageError;

use super::key::prefix;
use crate::Error;

const HEADER_LEN: usize = 8;

/// A row's place and the start of its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) prefix: u64,
    pub(crate) at: u64,
}

/// The arena.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    bytes: Vec<u8>,
}

impl Rows {
    /// Bytes in use.
    #[inline]
    pub(crate) fn len_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Forgets all rows and keeps the memory, unless it is large.
    pub(crate) fn clear(&mut self) {
        const KEEP_MAX_BYTES: usize = 1 << 20;
        if self.bytes.capacity() > KEEP_MAX_BYTES {
            self.bytes = Vec::new();
        }
        self.bytes.clear();
    }

    /// Appends a row.
    ///
    /// # Errors
    /// [`StorageError::NoMemory`] where memory cannot be had, [`StorageError::TooBig`] for a row of 4 GiB.
    #[inline]
    pub(crate) fn push(&mut self, key: &[u8], record: &[u8]) -> Result<Entry, Error> {
        self.push_parts(key, record, prefix(key))
    }

    /// Appends a row whose order is a number kept in the entry alone.
    #[inline]
    pub(crate) fn push_numbered(&mut self, number: u64, record: &[u8]) -> Result<Entry, Error> {
        self.push_parts(&[], record, number)
    }

    #[inline]
    fn push_parts(&mut self, key: &[u8], record: &[u8], prefix: u64) -> Result<Entry, Error> {
        let (Ok(key_len), Ok(record_len)) = (u32::try_from(key.len()), u32::try_from(record.len())) else {
            return Err(Error::Storage(StorageError::TooBig));
        };
        let needed = HEADER_LEN + key.len() + record.len();
        if self.bytes.capacity() - self.bytes.len() < needed {
            self.grow(needed)?;
        }
        let at = self.bytes.len() as u64;
        self.bytes.extend_from_slice(&key_len.to_le_bytes());
        self.bytes.extend_from_slice(&record_len.to_le_bytes());
        self.bytes.extend_from_slice(key);
        self.bytes.extend_from_slice(record);
        Ok(Entry { prefix, at })
    }

    #[cold]
    fn grow(&mut self, needed: usize) -> Result<(), Error> {
        self.bytes.try_reserve(needed.max(4096)).map_err(|_| Error::Storage(StorageError::NoMemory))
    }

    /// The lengths of key and record of the row at `at`.
    #[inline]
    fn lens(&self, at: usize) -> (usize, usize) {
        match self.bytes.get(at..).and_then(<[u8]>::first_chunk::<HEADER_LEN>) {
            Some([a, b, c, d, e, f, g, h]) => {
                (u32::from_le_bytes([*a, *b, *c, *d]) as usize, u32::from_le_bytes([*e, *f, *g, *h]) as usize)
            }
            None => (0, 0),
        }
    }

    /// The first byte of a row: looking at it fetches the row.
    #[inline]
    pub(crate) fn first_byte(&self, at: u64) -> u8 {
        self.bytes.get(at as usize).copied().unwrap_or(0)
    }

    /// The second eight bytes of a row's key, as [`prefix`] has the first.
    #[inline]
    pub(crate) fn second_prefix(&self, at: u64) -> u64 {
        self.key(at).get(8..).map_or(0, prefix)
    }

    /// The key of a row; empty where there is none.
    #[inline]
    pub(crate) fn key(&self, at: u64) -> &[u8] {
        let at = at as usize;
        let (key_len, _) = self.lens(at);
        self.bytes.get(at + HEADER_LEN..at + HEADER_LEN + key_len).unwrap_or(&[])
    }

    /// The record of a row.
    #[inline]
    pub(crate) fn record(&self, at: u64) -> &[u8] {
        let at = at as usize;
        let (key_len, record_len) = self.lens(at);
        let start = at + HEADER_LEN + key_len;
        self.bytes.get(start..start + record_len).unwrap_or(&[])
    }

    /// Bytes that the row takes.
    #[inline]
    pub(crate) fn row_len(&self, at: u64) -> usize {
        let (key_len, record_len) = self.lens(at as usize);
        HEADER_LEN + key_len + record_len
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_by_their_entries() {
        let mut rows = Rows::default();
        let first = rows.push(b"key", b"record").unwrap();
        let second = rows.push(b"", b"x").unwrap();
        assert_eq!((rows.key(first.at), rows.record(first.at)), (&b"key"[..], &b"record"[..]));
        assert_eq!((rows.key(second.at), rows.record(second.at)), (&b""[..], &b"x"[..]));
        assert!(first.at < second.at);
        assert_eq!(first.prefix, u64::from_be_bytes(*b"key\0\0\0\0\0"));
    }
}
