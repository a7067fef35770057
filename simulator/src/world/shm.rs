//! The wal-index of a file in the simulated world.
//!
//! Always true: while no handle has it open its regions are gone, as the first opener of a `-shm` truncates it.
//! Never: bytes of its own: regions are plain heap memory, and a killed process's last words in them are undone by `schedule`.

use std::sync::Arc;

use kernite_io::region::HeapRegion;
use kernite_io::{IoError, IoOp, ShmLockMode, ShmSlots};

use crate::trace::Call;

use super::state::State;

impl State {
    /// Opens the wal-index for a handle.
    pub(crate) fn shm_attach(&mut self, number: u64) -> Result<(), IoError> {
        let process = self.handle(number, IoOp::ShmOpen)?.process;
        if let Some(error) = self.fault(process, Call::ShmMap, 0, 0) {
            return Err(error);
        }
        let Some(handle) = self.handles.get_mut(&number).filter(|handle| !handle.attached) else {
            return Ok(());
        };
        handle.attached = true;
        let shared = self.shared.entry(handle.file).or_default();
        if shared.attached == 0 {
            shared.regions.clear();
            self.tally.marks.insert("wal-index made");
        }
        shared.attached += 1;
        Ok(())
    }

    /// A region, made where `extend` says so.
    pub(crate) fn shm_region(
        &mut self,
        number: u64,
        index: usize,
        extend: bool,
    ) -> Result<Option<Arc<HeapRegion>>, IoError> {
        let handle = self.handle(number, IoOp::ShmMap)?;
        let (process, file) = (handle.process, handle.file);
        if let Some(error) = self.fault(process, Call::ShmMap, index as u64, 0) {
            return Err(error);
        }
        let shared = self.shared.entry(file).or_default();
        if extend && shared.regions.len() <= index {
            shared.regions.resize_with(index + 1, Arc::default);
        }
        Ok(shared.regions.get(index).cloned())
    }

    /// Takes slots.
    pub(crate) fn shm_lock(
        &mut self,
        number: u64,
        slots: ShmSlots,
        mode: ShmLockMode,
    ) -> Result<(), IoError> {
        let process = self.handle(number, IoOp::ShmLock)?.process;
        if let Some(error) =
            self.fault(process, Call::ShmLock, u64::from(slots.first), usize::from(slots.count))
        {
            return Err(error);
        }
        let (locks, holder) = self.locks(number, IoOp::ShmLock)?;
        let taken = locks.take_slots(holder, slots, mode);
        let mark = match (slots.first, mode, taken.is_ok()) {
            (_, _, false) => "wal slot refused",
            (0, ShmLockMode::Exclusive, _) => "wal write lock",
            (1, ShmLockMode::Exclusive, _) => "wal checkpoint lock",
            (2, ShmLockMode::Exclusive, _) => "wal recovery lock",
            (_, ShmLockMode::Exclusive, _) => "wal reader slot exclusive",
            (3, ShmLockMode::Shared, _) => "wal read of the file",
            (_, ShmLockMode::Shared, _) => "wal read of the log",
        };
        self.tally.marks.insert(mark);
        taken
    }

    /// Gives slots back.
    pub(crate) fn shm_unlock(&mut self, number: u64, slots: ShmSlots) -> Result<(), IoError> {
        let (locks, holder) = self.locks(number, IoOp::ShmLock)?;
        locks.give_slots_back(holder, slots)
    }

    /// Closes the wal-index of a handle.
    pub(crate) fn shm_close(&mut self, number: u64) {
        let Ok((locks, holder)) = self.locks(number, IoOp::ShmLock) else { return };
        locks.give_all_slots_back(holder);
        if let Some(handle) = self.handles.get_mut(&number).filter(|handle| handle.attached) {
            handle.attached = false;
            if let Some(shared) = self.shared.get_mut(&handle.file) {
                shared.attached -= 1;
            }
        }
    }

    /// All regions' words, as they are.
    pub(super) fn copy_regions(&self) -> std::collections::BTreeMap<u64, Vec<Vec<u32>>> {
        use kernite_io::ShmRegion;
        use std::sync::atomic::Ordering::Relaxed;
        let words = |region: &Arc<HeapRegion>| region.words().iter().map(|word| word.load(Relaxed)).collect();
        let regions = |shared: &super::state::Shared| shared.regions.iter().map(words).collect();
        self.shared.iter().map(|(&file, shared)| (file, regions(shared))).collect()
    }

    /// Puts back what `copy_regions` gave.
    pub(super) fn restore_regions(&mut self, saved: &std::collections::BTreeMap<u64, Vec<Vec<u32>>>) {
        use kernite_io::ShmRegion;
        use std::sync::atomic::Ordering::Relaxed;
        for (file, regions) in saved {
            let Some(shared) = self.shared.get(file) else { continue };
            for (region, words) in shared.regions.iter().zip(regions) {
                region.words().iter().zip(words).for_each(|(to, &word)| to.store(word, Relaxed));
            }
        }
    }
}
