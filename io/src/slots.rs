//! The eight lock slots of a wal-index for the handles of one process, as a table without any system call.
//!
//! Each handle is one holder; two handles of one process conflict as two processes do. POSIX locks belong to the
//! process, so a lock of the process is taken for the first holder of a slot and given back with the last, through
//! [`SlotBytes`].
//!
//! Always true: a slot has an exclusive holder, or any number of shared ones; a handle holds a slot in one mode at most.
//!
//! Never: waiting, or knowledge of what the slots mean.
//! Spec: "WAL-mode File Format", "WAL Locks".

use crate::error::{IoError, IoOp};
use crate::file::{ShmLockMode, ShmSlots};

/// How many slots a wal-index has.
pub(crate) const SLOT_COUNT: usize = 8;

/// The part of a slot's lock that other processes see.
pub(crate) trait SlotBytes {
    /// Fails with `Busy` where another process holds one of the slots in a conflicting mode.
    fn take(&self, slots: ShmSlots, mode: ShmLockMode) -> Result<(), IoError>;
    /// Gives back what this process holds.
    fn give_back(&self, slots: ShmSlots) -> Result<(), IoError>;
}

/// For memory that only this process can see.
pub(crate) struct NoSlotBytes;

impl SlotBytes for NoSlotBytes {
    fn take(&self, _: ShmSlots, _: ShmLockMode) -> Result<(), IoError> {
        Ok(())
    }
    fn give_back(&self, _: ShmSlots) -> Result<(), IoError> {
        Ok(())
    }
}

/// What one handle holds, a bit per slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct HeldSlots {
    shared: u8,
    exclusive: u8,
}

impl HeldSlots {
    /// As one word, to be kept in an atomic that only changes under the table's mutex.
    pub(crate) fn to_bits(self) -> u16 {
        u16::from_le_bytes([self.shared, self.exclusive])
    }

    /// The inverse of [`HeldSlots::to_bits`].
    pub(crate) fn from_bits(bits: u16) -> HeldSlots {
        let [shared, exclusive] = bits.to_le_bytes();
        HeldSlots { shared, exclusive }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Slot {
    #[default]
    Free,
    /// Number of shared holders, never 0.
    Shared(u32),
    Exclusive,
}

/// What the handles of this process hold.
#[derive(Debug, Default)]
pub(crate) struct SlotTable {
    slots: [Slot; SLOT_COUNT],
}

impl SlotTable {
    /// Takes `slots` for the handle that holds `mine`. Shared locks are taken one slot at a time.
    pub(crate) fn take(
        &mut self,
        mine: &mut HeldSlots,
        slots: ShmSlots,
        mode: ShmLockMode,
        bytes: &impl SlotBytes,
    ) -> Result<(), IoError> {
        let mask = mask_of(slots, mode)?;
        let range = usize::from(slots.first)..usize::from(slots.first + slots.count);
        if (mine.shared | mine.exclusive) & mask != 0 {
            return Err(not_a_lock());
        }
        match mode {
            ShmLockMode::Shared => {
                for slot in &mut self.slots[range] {
                    *slot = match *slot {
                        Slot::Exclusive => return Err(IoError::Busy),
                        Slot::Shared(count) => Slot::Shared(count + 1),
                        Slot::Free => {
                            bytes.take(slots, mode)?;
                            Slot::Shared(1)
                        }
                    };
                }
                mine.shared |= mask;
            }
            ShmLockMode::Exclusive => {
                if self.slots[range.clone()].iter().any(|&slot| slot != Slot::Free) {
                    return Err(IoError::Busy);
                }
                bytes.take(slots, mode)?;
                self.slots[range].fill(Slot::Exclusive);
                mine.exclusive |= mask;
            }
        }
        Ok(())
    }

    /// Gives `slots` back. Where the system refuses, they stay held.
    pub(crate) fn give_back(
        &mut self,
        mine: &mut HeldSlots,
        slots: ShmSlots,
        mode: ShmLockMode,
        bytes: &impl SlotBytes,
    ) -> Result<(), IoError> {
        let mask = mask_of(slots, mode)?;
        let range = usize::from(slots.first)..usize::from(slots.first + slots.count);
        let held = if mode == ShmLockMode::Shared { &mut mine.shared } else { &mut mine.exclusive };
        if *held & mask != mask {
            return Err(not_a_lock());
        }
        if mode == ShmLockMode::Shared
            && let Slot::Shared(count @ 2..) = self.slots[range.start]
        {
            self.slots[range.start] = Slot::Shared(count - 1);
        } else {
            bytes.give_back(slots)?;
            self.slots[range].fill(Slot::Free);
        }
        *held &= !mask;
        Ok(())
    }

    /// Gives back whatever a handle still holds: it was closed or dropped.
    pub(crate) fn give_back_all(
        &mut self,
        mine: &mut HeldSlots,
        bytes: &impl SlotBytes,
    ) -> Result<(), IoError> {
        for first in 0..SLOT_COUNT as u8 {
            let slot = ShmSlots { first, count: 1 };
            if mine.shared & (1 << first) != 0 {
                self.give_back(mine, slot, ShmLockMode::Shared, bytes)?;
            }
            if mine.exclusive & (1 << first) != 0 {
                self.give_back(mine, slot, ShmLockMode::Exclusive, bytes)?;
            }
        }
        Ok(())
    }
}

/// The bits of `slots`, or `EINVAL` where there are no such slots.
fn mask_of(slots: ShmSlots, mode: ShmLockMode) -> Result<u8, IoError> {
    let (first, count) = (u32::from(slots.first), u32::from(slots.count));
    let one_at_a_time = mode == ShmLockMode::Exclusive || count == 1;
    if count == 0 || first + count > SLOT_COUNT as u32 || !one_at_a_time {
        return Err(not_a_lock());
    }
    Ok((((1u16 << count) - 1) << first) as u8)
}

/// A caller took what it holds, gave back what it does not hold, or named slots that are not there. `EINVAL`.
fn not_a_lock() -> IoError {
    IoError::os(IoOp::ShmLock, 0, 0, libc::EINVAL)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ShmLockMode::{Exclusive, Shared};

    const fn slot(first: u8, count: u8) -> ShmSlots {
        ShmSlots { first, count }
    }

    #[test]
    fn readers_share_a_slot_and_keep_a_writer_of_it_out() {
        let mut table = SlotTable::default();
        let (mut a, mut b, mut c) = Default::default();
        table.take(&mut a, slot(3, 1), Shared, &NoSlotBytes).unwrap();
        table.take(&mut b, slot(3, 1), Shared, &NoSlotBytes).unwrap();
        assert!(matches!(table.take(&mut c, slot(2, 3), Exclusive, &NoSlotBytes), Err(IoError::Busy)));
        table.give_back(&mut a, slot(3, 1), Shared, &NoSlotBytes).unwrap();
        assert!(matches!(table.take(&mut c, slot(3, 1), Exclusive, &NoSlotBytes), Err(IoError::Busy)));
        table.give_back(&mut b, slot(3, 1), Shared, &NoSlotBytes).unwrap();
        table.take(&mut c, slot(2, 3), Exclusive, &NoSlotBytes).unwrap();
        assert!(matches!(table.take(&mut a, slot(4, 1), Shared, &NoSlotBytes), Err(IoError::Busy)));
        table.give_back_all(&mut c, &NoSlotBytes).unwrap();
        assert_eq!(c, HeldSlots::default());
        table.take(&mut a, slot(4, 1), Shared, &NoSlotBytes).unwrap();
    }

    #[test]
    fn slots_outside_the_eight_and_slots_not_held_are_refused() {
        let mut table = SlotTable::default();
        let mut a = HeldSlots::default();
        for slots in [slot(8, 1), slot(7, 2), slot(0, 0), slot(255, 255)] {
            assert!(table.take(&mut a, slots, Exclusive, &NoSlotBytes).is_err());
        }
        assert!(table.give_back(&mut a, slot(0, 1), Exclusive, &NoSlotBytes).is_err());
        table.take(&mut a, slot(0, 8), Exclusive, &NoSlotBytes).unwrap();
        assert!(table.take(&mut a, slot(0, 1), Shared, &NoSlotBytes).is_err());
        assert_eq!(HeldSlots::from_bits(a.to_bits()), a);
    }
}
