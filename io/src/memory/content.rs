//! The bytes of a file in memory: chunks of one size, absent where nothing was written.
//!
//! Chunks rather than one run of bytes: a file that grows never copies what it has, and a hole costs nothing.
//!
//! Always true: bytes behind the length are zero, so growing shows zeros.
//! Never: locking; the file's owner does that.

use crate::error::IoError;

/// Bytes of a chunk: half a wal-index region, several pages of the usual sizes.
const CHUNK_SIZE: usize = 16 * 1024;

type Chunk = Box<[u8; CHUNK_SIZE]>;

/// The content of one file.
#[derive(Clone, Default)]
pub(super) struct Content {
    len: u64,
    chunks: Vec<Option<Chunk>>,
}

impl Content {
    /// Length in bytes.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Copies what lies at `at` into `out` and zeroes the rest of it. The number of bytes copied.
    pub(super) fn read(&self, at: u64, out: &mut [u8]) -> usize {
        let available = usize::try_from(self.len.saturating_sub(at)).unwrap_or(usize::MAX).min(out.len());
        let (out, rest) = out.split_at_mut(available);
        rest.fill(0);
        let mut done = 0;
        while done < out.len() {
            let (index, within) = place(at + done as u64);
            let count = (CHUNK_SIZE - within).min(out.len() - done);
            let target = &mut out[done..done + count];
            match self.chunks.get(index).and_then(Option::as_ref) {
                Some(chunk) => target.copy_from_slice(&chunk[within..within + count]),
                None => target.fill(0),
            }
            done += count;
        }
        available
    }

    /// Writes `bytes` at `at`, growing the file where they end behind it. [`IoError::Full`] where memory cannot be had or the end
    /// would pass what can be addressed.
    pub(super) fn write(&mut self, at: u64, bytes: &[u8]) -> Result<(), IoError> {
        let end = at.checked_add(bytes.len() as u64).ok_or(IoError::Full)?;
        self.make_room(end)?;
        let mut done = 0;
        while done < bytes.len() {
            let (index, within) = place(at + done as u64);
            let count = (CHUNK_SIZE - within).min(bytes.len() - done);
            let chunk = self.chunks[index].get_or_insert_with(|| Box::new([0; CHUNK_SIZE]));
            chunk[within..within + count].copy_from_slice(&bytes[done..done + count]);
            done += count;
        }
        if !bytes.is_empty() {
            self.len = self.len.max(end);
        }
        Ok(())
    }

    /// Cuts or extends to `len` bytes.
    pub(super) fn set_len(&mut self, len: u64) -> Result<(), IoError> {
        if len >= self.len {
            self.make_room(len)?;
        } else {
            let (index, within) = place(len);
            self.chunks.truncate(index + usize::from(within > 0));
            if within > 0
                && let Some(Some(chunk)) = self.chunks.get_mut(index)
            {
                chunk[within..].fill(0);
            }
        }
        self.len = len;
        Ok(())
    }

    fn make_room(&mut self, end: u64) -> Result<(), IoError> {
        let count = usize::try_from(end.div_ceil(CHUNK_SIZE as u64)).map_err(|_| IoError::Full)?;
        if count > self.chunks.len() {
            self.chunks.try_reserve(count - self.chunks.len()).map_err(|_| IoError::Full)?;
            self.chunks.resize_with(count, || None);
        }
        Ok(())
    }
}

/// Chunk and place in it. Offsets below the length of a file that has chunks fit a `usize`.
fn place(at: u64) -> (usize, usize) {
    let size = CHUNK_SIZE as u64;
    (usize::try_from(at / size).unwrap_or(usize::MAX), (at % size) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seeded::SeededRandom;

    #[test]
    fn random_changes_leave_what_a_plain_vector_would_hold() {
        let mut random = SeededRandom::new(11);
        let (mut content, mut model) = (Content::default(), Vec::<u8>::new());
        for _ in 0..2_000 {
            let at = random.below(5 * CHUNK_SIZE);
            let len = random.below(2 * CHUNK_SIZE);
            match random.below(4) {
                0 => {
                    content.set_len(at as u64).unwrap();
                    model.resize(at, 0);
                }
                1 => {
                    let mut out = vec![0xaa; len];
                    let got = content.read(at as u64, &mut out);
                    let expected = model.get(at..).unwrap_or_default();
                    assert_eq!(got, expected.len().min(len));
                    assert_eq!(out[..got], expected[..got]);
                    assert!(out[got..].iter().all(|&byte| byte == 0));
                }
                _ => {
                    let bytes = vec![random.next_u64() as u8; len];
                    content.write(at as u64, &bytes).unwrap();
                    if len > 0 {
                        model.resize(model.len().max(at + len), 0);
                        model[at..at + len].copy_from_slice(&bytes);
                    }
                }
            }
            assert_eq!(content.len(), model.len() as u64);
        }
    }

    #[test]
    fn a_write_behind_the_last_address_is_refused() {
        let mut content = Content::default();
        assert!(matches!(content.write(u64::MAX, b"x"), Err(IoError::Full)));
        assert!(content.set_len(u64::MAX).is_err());
        assert_eq!(content.len(), 0);
    }
}
