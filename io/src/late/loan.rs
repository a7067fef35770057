//! Buffers lent to an operation in flight, remembered by a hash of their bytes.
//!
//! [`crate::Buffer`] refuses to be written while it is shared, so a changed byte means a hole in that rule (or unsafe code); a kernel
//! that reads the buffer later would have written something that nobody meant.
//!
//! Never: a copy of the bytes. Tests lend gigabytes.

use std::hash::Hasher;

use crate::buffer::IoSlice;
use crate::error::IoOp;
use crate::hash::FixedHasher;

/// What was lent, as it was then.
pub(super) struct Loan {
    kind: IoOp,
    at: u64,
    slices: Vec<IoSlice>,
    hash: u64,
}

fn hash_of<'a>(runs: impl Iterator<Item = &'a [u8]>) -> u64 {
    let mut hasher = FixedHasher::default();
    runs.for_each(|bytes| hasher.write(bytes));
    hasher.finish()
}

impl Loan {
    /// Lends `slices` to a `kind` at `at`.
    pub(super) fn new(kind: IoOp, at: u64, slices: &[IoSlice]) -> Loan {
        let hash = hash_of(slices.iter().map(IoSlice::bytes));
        Loan { kind, at, slices: slices.to_vec(), hash }
    }

    /// Panics where a byte changed since.
    pub(super) fn assert_unchanged(&self) {
        let hash = hash_of(self.slices.iter().map(IoSlice::bytes));
        assert_eq!(hash, self.hash, "a buffer lent to a {:?} at {} changed in flight", self.kind, self.at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Buffer;

    fn loan(bytes: &[u8]) -> Loan {
        Loan::new(IoOp::Write, 4096, &[IoSlice::whole(Buffer::copy_of(bytes))])
    }

    #[test]
    fn an_unchanged_loan_comes_back() {
        loan(b"page").assert_unchanged();
    }

    #[test]
    #[should_panic(expected = "a buffer lent to a Write at 4096 changed in flight")]
    fn a_changed_loan_is_found() {
        // `Buffer` lets nobody change shared bytes, so the other bytes are put in its place.
        let mut lent = loan(b"page");
        lent.slices = loan(b"pagE").slices;
        lent.assert_unchanged();
    }
}
