//! Locks as the operating system would keep them, for all processes of a world: the bytes behind SQLite's five levels, and the eight
//! slots of a wal-index.
//!
//! Every handle is a holder by itself. A real process holds POSIX locks as a whole and keeps its handles apart by a table of its own;
//! what its handles see of each other is the same, but for `reserved`, which asks the table inside a process and the byte outside.
//!
//! Always true: a byte or slot has one exclusive holder, or any number of shared ones. Nothing waits.
//! Spec: "File Locking And Concurrency In SQLite Version 3"; "WAL-mode File Format", "WAL Locks".

use std::collections::BTreeMap;

use kernite_io::{IoError, IoOp, LockLevel, ShmLockMode, ShmSlots};

/// A handle that may hold locks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Holder {
    pub process: usize,
    pub handle: u64,
}

/// One lockable byte.
#[derive(Clone, Debug, Default)]
struct Byte {
    exclusive: Option<Holder>,
    shared: Vec<Holder>,
}

impl Byte {
    fn take_exclusive(&mut self, holder: Holder) -> Result<(), IoError> {
        let free = self.exclusive.is_none_or(|other| other == holder);
        if !free || self.shared.iter().any(|&other| other != holder) {
            return Err(IoError::Busy);
        }
        self.shared.clear();
        self.exclusive = Some(holder);
        Ok(())
    }

    fn take_shared(&mut self, holder: Holder) -> Result<(), IoError> {
        if self.exclusive.is_some_and(|other| other != holder) {
            return Err(IoError::Busy);
        }
        self.exclusive = None;
        if !self.shared.contains(&holder) {
            self.shared.push(holder);
        }
        Ok(())
    }

    fn give_back(&mut self, holder: Holder) {
        if self.exclusive == Some(holder) {
            self.exclusive = None;
        }
        self.shared.retain(|&other| other != holder);
    }

    fn is_free(&self) -> bool {
        self.exclusive.is_none() && self.shared.is_empty()
    }
}

/// The locks on one database file.
#[derive(Clone, Debug, Default)]
pub struct Locks {
    pending: Byte,
    reserved: Byte,
    shared: Byte,
    levels: BTreeMap<Holder, LockLevel>,
    slots: [Byte; 8],
}

/// A change that SQLite's protocol does not have. `EINVAL`.
fn not_a_change(op: IoOp) -> IoError {
    IoError::os(op, 0, 0, 22)
}

impl Locks {
    /// The level that `holder` has.
    pub fn level(&self, holder: Holder) -> LockLevel {
        self.levels.get(&holder).copied().unwrap_or(LockLevel::None)
    }

    /// Moves `holder` to `want`, as `File::lock` says.
    pub fn change(&mut self, holder: Holder, want: LockLevel) -> Result<(), IoError> {
        use LockLevel::{Exclusive, None, Pending, Reserved, Shared};
        match (self.level(holder), want) {
            (mine, want) if mine == want => return Ok(()),
            (None, Shared) => {
                // A passing look at the pending byte: no new reader while a writer waits.
                if self.pending.exclusive.is_some_and(|other| other != holder) {
                    return Err(IoError::Busy);
                }
                self.shared.take_shared(holder)?;
            }
            (Shared, Reserved) => self.reserved.take_exclusive(holder)?,
            (mine @ (Shared | Reserved | Pending), Exclusive) => {
                if mine == Reserved {
                    self.pending.take_exclusive(holder)?;
                    self.levels.insert(holder, Pending);
                }
                self.shared.take_exclusive(holder)?;
            }
            (_, Shared) => {
                self.shared.take_shared(holder)?;
                self.reserved.give_back(holder);
                self.pending.give_back(holder);
            }
            (_, None) => {
                for byte in [&mut self.shared, &mut self.reserved, &mut self.pending] {
                    byte.give_back(holder);
                }
                self.levels.remove(&holder);
                return Ok(());
            }
            _ => return Err(not_a_change(IoOp::Lock)),
        }
        self.levels.insert(holder, want);
        Ok(())
    }

    /// Gives `holder` the level that it wants, whatever others hold: for worlds that lie.
    pub fn grant(&mut self, holder: Holder, want: LockLevel) -> Result<(), IoError> {
        match want {
            LockLevel::None => self.levels.remove(&holder),
            want => self.levels.insert(holder, want),
        };
        Ok(())
    }

    /// Whether anyone holds the reserved byte, or is a writer in the process of `holder`.
    pub fn is_reserved(&self, holder: Holder) -> bool {
        self.reserved.exclusive.is_some()
            || self
                .levels
                .iter()
                .any(|(other, &level)| other.process == holder.process && level > LockLevel::Shared)
    }

    /// Takes slots of the wal-index.
    pub fn take_slots(&mut self, holder: Holder, slots: ShmSlots, mode: ShmLockMode) -> Result<(), IoError> {
        let range = range_of(slots)?;
        match mode {
            ShmLockMode::Shared => {
                let [slot] = &mut self.slots[range] else { return Err(not_a_change(IoOp::ShmLock)) };
                if slot.exclusive.is_some() {
                    return Err(IoError::Busy);
                }
                slot.take_shared(holder)
            }
            ShmLockMode::Exclusive => {
                let all = &mut self.slots[range];
                if all.iter().any(|slot| !slot.is_free()) {
                    return Err(IoError::Busy);
                }
                all.iter_mut().try_for_each(|slot| slot.take_exclusive(holder))
            }
        }
    }

    /// Gives slots back; an error where `holder` does not hold them.
    pub fn give_slots_back(&mut self, holder: Holder, slots: ShmSlots) -> Result<(), IoError> {
        for slot in &mut self.slots[range_of(slots)?] {
            slot.give_back(holder);
        }
        Ok(())
    }

    /// Gives back the slots of `holder`, which has closed its wal-index.
    pub fn give_all_slots_back(&mut self, holder: Holder) {
        self.slots.iter_mut().for_each(|slot| slot.give_back(holder));
    }

    /// Gives back everything that the handles chosen by `gone` hold.
    pub fn release(&mut self, gone: impl Fn(&Holder) -> bool) {
        let bytes = [&mut self.pending, &mut self.reserved, &mut self.shared].into_iter();
        for byte in bytes.chain(&mut self.slots) {
            byte.exclusive = byte.exclusive.filter(|holder| !gone(holder));
            byte.shared.retain(|holder| !gone(holder));
        }
        self.levels.retain(|holder, _| !gone(holder));
    }

    /// Whether nobody holds anything.
    pub fn is_free(&self) -> bool {
        [&self.pending, &self.reserved, &self.shared].into_iter().chain(&self.slots).all(Byte::is_free)
    }
}

fn range_of(slots: ShmSlots) -> Result<std::ops::Range<usize>, IoError> {
    let (first, count) = (usize::from(slots.first), usize::from(slots.count));
    if count == 0 || first + count > 8 {
        return Err(not_a_change(IoOp::ShmLock));
    }
    Ok(first..first + count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use LockLevel::{Exclusive, None, Pending, Reserved, Shared};

    const A: Holder = Holder { process: 0, handle: 1 };
    const B: Holder = Holder { process: 1, handle: 2 };
    const C: Holder = Holder { process: 1, handle: 3 };

    #[test]
    fn a_writer_waits_at_pending_for_readers_and_keeps_new_ones_out() {
        let mut locks = Locks::default();
        for (holder, want) in [(A, Shared), (B, Shared), (A, Reserved)] {
            locks.change(holder, want).unwrap();
        }
        assert!(matches!(locks.change(B, Reserved), Err(IoError::Busy)));
        assert!(matches!(locks.change(A, Exclusive), Err(IoError::Busy)));
        assert_eq!(locks.level(A), Pending);
        assert!(matches!(locks.change(C, Shared), Err(IoError::Busy)));
        locks.change(B, None).unwrap();
        locks.change(A, Exclusive).unwrap();
        locks.change(A, Shared).unwrap();
        locks.change(C, Shared).unwrap();
    }

    #[test]
    fn a_hot_journal_is_rolled_back_from_shared_without_the_reserved_byte() {
        let mut locks = Locks::default();
        locks.change(A, Shared).unwrap();
        locks.change(A, Exclusive).unwrap();
        assert!(locks.is_reserved(A) && !locks.is_reserved(B));
        assert!(locks.change(B, Shared).is_err());
    }

    #[test]
    fn what_a_dead_process_held_is_free() {
        let mut locks = Locks::default();
        locks.change(B, Shared).unwrap();
        locks.change(B, Reserved).unwrap();
        locks.take_slots(C, ShmSlots { first: 0, count: 2 }, ShmLockMode::Exclusive).unwrap();
        assert!(locks.take_slots(A, ShmSlots { first: 1, count: 1 }, ShmLockMode::Shared).is_err());
        locks.release(|holder| holder.process == 1);
        assert!(locks.is_free() && locks.level(B) == None);
    }
}
