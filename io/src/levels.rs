//! SQLite's five lock levels for the handles of one process on one file, as a table without any system call.
//!
//! ```text
//! None --shared--> Shared --reserved--> Reserved --pending--> Pending --exclusive--> Exclusive
//!                     '------------------exclusive (rollback of a hot journal)----------^
//! ```
//!
//! POSIX locks belong to the process, so the handles of one process have to be kept apart here; what other processes
//! may see goes through [`LevelBytes`]. A backend without other processes passes [`NoBytes`].
//!
//! Always true (`assert_valid`): `holders` handles are at Shared or above; `highest` is the highest of their levels; at most
//! one handle is above Shared; at Exclusive there is exactly one holder.
//!
//! Never: waiting, retrying, deciding who is right: a conflict is [`IoError::Busy`].
//! Spec: "File Locking And Concurrency In SQLite Version 3", "Locking".

use std::sync::atomic::{AtomicU8, Ordering};

use crate::error::{IoError, IoOp};
use crate::file::LockLevel;

/// The part of a level change that other processes see: locks on ranges of bytes of the file.
pub(crate) trait LevelBytes {
    /// Fails with `Busy` where another process holds Pending or Exclusive.
    fn take_shared(&self) -> Result<(), IoError>;
    /// Fails with `Busy` where another process holds Reserved.
    fn take_reserved(&self) -> Result<(), IoError>;
    /// Keeps new readers of other processes out.
    fn take_pending(&self) -> Result<(), IoError>;
    /// Fails with `Busy` while another process holds Shared.
    fn take_exclusive(&self) -> Result<(), IoError>;
    /// Turns the exclusive lock on the shared range back into a shared one.
    fn exclusive_to_shared(&self) -> Result<(), IoError>;
    /// Gives Reserved and Pending back, where they are held.
    fn drop_writer(&self) -> Result<(), IoError>;
    /// Gives everything back that this process holds on the file.
    fn drop_all(&self) -> Result<(), IoError>;
}

/// For files that only this process can see.
pub(crate) struct NoBytes;

impl LevelBytes for NoBytes {
    fn take_shared(&self) -> Result<(), IoError> {
        Ok(())
    }
    fn take_reserved(&self) -> Result<(), IoError> {
        Ok(())
    }
    fn take_pending(&self) -> Result<(), IoError> {
        Ok(())
    }
    fn take_exclusive(&self) -> Result<(), IoError> {
        Ok(())
    }
    fn exclusive_to_shared(&self) -> Result<(), IoError> {
        Ok(())
    }
    fn drop_writer(&self) -> Result<(), IoError> {
        Ok(())
    }
    fn drop_all(&self) -> Result<(), IoError> {
        Ok(())
    }
}

/// The level of one handle: read from anywhere, changed only under the mutex of the file's [`LevelTable`].
#[derive(Debug, Default)]
pub(crate) struct HandleLevel(AtomicU8);

impl HandleLevel {
    /// The level.
    #[inline]
    pub(crate) fn get(&self) -> LockLevel {
        match self.0.load(Ordering::Acquire) {
            0 => LockLevel::None,
            1 => LockLevel::Shared,
            2 => LockLevel::Reserved,
            3 => LockLevel::Pending,
            _ => LockLevel::Exclusive,
        }
    }

    /// Writes it down.
    #[inline]
    pub(crate) fn set(&self, level: LockLevel) {
        self.0.store(level as u8, Ordering::Release);
    }
}

/// What the handles of this process hold on one file.
#[derive(Debug)]
pub(crate) struct LevelTable {
    highest: LockLevel,
    holders: u32,
}

impl Default for LevelTable {
    fn default() -> LevelTable {
        LevelTable { highest: LockLevel::None, holders: 0 }
    }
}

/// A caller asked for a change that SQLite's protocol does not have. `EINVAL`.
fn not_a_change(op: IoOp) -> IoError {
    IoError::os(op, 0, 0, libc::EINVAL)
}

impl LevelTable {
    /// Whether any handle of this process is at Shared or above.
    pub(crate) fn is_held(&self) -> bool {
        self.holders > 0
    }

    /// Whether a handle of this process is at Reserved or above.
    pub(crate) fn has_writer(&self) -> bool {
        self.highest > LockLevel::Shared
    }

    /// Moves a handle from `mine` to `want`, up or down, and writes down what it then holds, also where it failed.
    pub(crate) fn change(
        &mut self,
        mine: &mut LockLevel,
        want: LockLevel,
        bytes: &impl LevelBytes,
    ) -> Result<(), IoError> {
        let result = match want.cmp(mine) {
            std::cmp::Ordering::Equal => return Ok(()),
            std::cmp::Ordering::Greater => self.raise(mine, want, bytes),
            std::cmp::Ordering::Less => self.lower(mine, want, bytes),
        };
        self.assert_valid(*mine);
        result
    }

    fn raise(
        &mut self,
        mine: &mut LockLevel,
        want: LockLevel,
        bytes: &impl LevelBytes,
    ) -> Result<(), IoError> {
        use LockLevel::{Exclusive, None, Pending, Reserved, Shared};
        // Only a handle at the highest level of this process may go beyond Shared, and nobody joins a waiting writer.
        if *mine != self.highest && (self.highest >= Pending || want > Shared) {
            return Err(IoError::Busy);
        }
        match (*mine, want) {
            (None, Shared) => {
                // The process already holds its shared lock: counting suffices.
                if self.holders == 0 {
                    bytes.take_shared()?;
                    self.highest = Shared;
                }
                self.holders += 1;
            }
            (Shared, Reserved) => {
                bytes.take_reserved()?;
                self.highest = Reserved;
            }
            (Shared | Reserved | Pending, Exclusive) => {
                // From Shared, a hot journal is rolled back: two who try this must not both end at Pending.
                if *mine == Reserved {
                    bytes.take_pending()?;
                    (*mine, self.highest) = (Pending, Pending);
                }
                if self.holders > 1 {
                    return Err(IoError::Busy);
                }
                bytes.take_exclusive()?;
                self.highest = Exclusive;
            }
            _ => return Err(not_a_change(IoOp::Lock)),
        }
        *mine = want;
        Ok(())
    }

    fn lower(
        &mut self,
        mine: &mut LockLevel,
        want: LockLevel,
        bytes: &impl LevelBytes,
    ) -> Result<(), IoError> {
        if want > LockLevel::Shared {
            return Err(not_a_change(IoOp::Unlock));
        }
        let was_writer = *mine > LockLevel::Shared;
        if want == LockLevel::Shared {
            // Only a writer gets here. The read lock is taken before the writer's bytes go: no moment without a lock.
            if *mine == LockLevel::Exclusive {
                bytes.exclusive_to_shared()?;
            }
            bytes.drop_writer()?;
            self.highest = LockLevel::Shared;
            *mine = LockLevel::Shared;
            return Ok(());
        }
        // The handle counts as unlocked even where the system refuses: nothing better is known, and nobody would try again.
        self.holders -= 1;
        *mine = LockLevel::None;
        if self.holders == 0 {
            self.highest = LockLevel::None;
            bytes.drop_all()
        } else if was_writer {
            self.highest = LockLevel::Shared;
            bytes.drop_writer()
        } else {
            Ok(())
        }
    }

    fn assert_valid(&self, mine: LockLevel) {
        debug_assert!(mine <= self.highest);
        debug_assert_eq!(self.holders == 0, self.highest == LockLevel::None);
        debug_assert!(self.highest != LockLevel::Exclusive || self.holders == 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use LockLevel::{Exclusive, None, Pending, Reserved, Shared};

    #[test]
    fn a_writer_that_meets_readers_waits_at_pending_and_keeps_new_ones_out() {
        let mut table = LevelTable::default();
        let (mut a, mut b, mut c) = (None, None, None);
        table.change(&mut a, Shared, &NoBytes).unwrap();
        table.change(&mut b, Shared, &NoBytes).unwrap();
        table.change(&mut a, Reserved, &NoBytes).unwrap();
        assert!(matches!(table.change(&mut a, Exclusive, &NoBytes), Err(IoError::Busy)));
        assert_eq!(a, Pending);
        assert!(matches!(table.change(&mut c, Shared, &NoBytes), Err(IoError::Busy)));
        table.change(&mut b, None, &NoBytes).unwrap();
        table.change(&mut a, Exclusive, &NoBytes).unwrap();
        table.change(&mut a, None, &NoBytes).unwrap();
        table.change(&mut c, Shared, &NoBytes).unwrap();
    }

    #[test]
    fn rolling_back_a_hot_journal_goes_from_shared_to_exclusive_without_pending() {
        let mut table = LevelTable::default();
        let (mut a, mut b) = (None, None);
        table.change(&mut a, Shared, &NoBytes).unwrap();
        table.change(&mut b, Shared, &NoBytes).unwrap();
        assert!(matches!(table.change(&mut a, Exclusive, &NoBytes), Err(IoError::Busy)));
        assert_eq!(a, Shared);
        table.change(&mut b, None, &NoBytes).unwrap();
        table.change(&mut a, Exclusive, &NoBytes).unwrap();
    }

    #[test]
    fn changes_outside_the_protocol_are_refused() {
        let mut table = LevelTable::default();
        let mut a = None;
        assert!(table.change(&mut a, Reserved, &NoBytes).is_err());
        table.change(&mut a, Shared, &NoBytes).unwrap();
        assert!(table.change(&mut a, Pending, &NoBytes).is_err());
        table.change(&mut a, Exclusive, &NoBytes).unwrap();
        assert!(table.change(&mut a, Reserved, &NoBytes).is_err());
        assert_eq!(a, Exclusive);
    }

    #[test]
    fn only_the_first_reader_and_the_last_make_system_calls() {
        use std::cell::RefCell;
        #[derive(Default)]
        struct Log(RefCell<Vec<&'static str>>);
        impl Log {
            fn note(&self, what: &'static str) -> Result<(), IoError> {
                self.0.borrow_mut().push(what);
                Ok(())
            }
        }
        impl LevelBytes for Log {
            fn take_shared(&self) -> Result<(), IoError> {
                self.note("shared")
            }
            fn take_reserved(&self) -> Result<(), IoError> {
                self.note("reserved")
            }
            fn take_pending(&self) -> Result<(), IoError> {
                self.note("pending")
            }
            fn take_exclusive(&self) -> Result<(), IoError> {
                self.note("exclusive")
            }
            fn exclusive_to_shared(&self) -> Result<(), IoError> {
                self.note("to shared")
            }
            fn drop_writer(&self) -> Result<(), IoError> {
                self.note("drop writer")
            }
            fn drop_all(&self) -> Result<(), IoError> {
                self.note("drop all")
            }
        }
        let (mut table, log) = (LevelTable::default(), Log::default());
        let (mut a, mut b) = (None, None);
        for (handle, want) in
            [(0, Shared), (1, Shared), (1, None), (0, Reserved), (0, Exclusive), (0, Shared)]
        {
            table.change(if handle == 0 { &mut a } else { &mut b }, want, &log).unwrap();
        }
        table.change(&mut a, None, &log).unwrap();
        let expected = ["shared", "reserved", "pending", "exclusive", "to shared", "drop writer", "drop all"];
        assert_eq!(*log.0.borrow(), expected);
    }
}
