//! Starting the WAL over, from its first frame.
//!
//! Possible when everything in it is in the database file and no reader looks into it any more, that is when all of them hold mark 0. New salts
//! make every old frame void.
//!
//! Always true after it: `max_frame` is 0, so the next commit writes a file header first and syncs it.
//! Spec: "WAL-mode File Format", "WAL Reset".

use kernite_io::{ShmLockMode, ready};

use super::Wal;
use super::index::{self, MARK_UNUSED, MARKS};
use super::read::{LoadedHeader, Patience, wal};
use crate::pager::{Pager, files};
use crate::{Error, Step};

impl Wal {
    /// Makes the index say that the WAL is empty. The caller holds the write lock and all marks but 0.
    pub(super) fn reset_index(&mut self, salt: [u8; 4]) {
        self.checkpoint_sequence = self.checkpoint_sequence.wrapping_add(1);
        let [a, b, c, d, ..] = self.header.salt();
        let [a, b, c, d] = u32::from_be_bytes([a, b, c, d]).wrapping_add(1).to_be_bytes();
        let [e, f, g, h] = salt;
        if !kernite_io::planted!(WalSaltReused) {
            self.header.set_salt([a, b, c, d, e, f, g, h]);
        }
        self.header.set_max_frame(0);
        self.index.write_header(&mut self.header);
        self.index.set_backfilled(0);
        self.index.set_attempted(0);
        self.index.set_mark(1, 0);
        for mark in 2..MARKS {
            self.index.set_mark(mark, MARK_UNUSED);
        }
    }

    /// Starts over where nobody looks into the WAL. A salt is drawn only where it is needed.
    fn try_restart(&mut self, draw_salt: impl FnOnce(&mut [u8])) -> Result<(), Error> {
        if self.index.backfilled() == 0 {
            return Ok(());
        }
        match self.index.lock(index::WAL_READERS, ShmLockMode::Exclusive) {
            Ok(()) => {
                let mut salt = [0; 4];
                draw_salt(&mut salt);
                self.reset_index(salt);
                self.index.unlock(index::WAL_READERS, ShmLockMode::Exclusive);
                Ok(())
            }
            Err(Error::Busy) if kernite_io::planted!(WalRestartUnderReader) => {
                self.reset_index([0; 4]);
                Ok(())
            }
            Err(Error::Busy) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// A writer that holds mark 0 needs another mark before it appends, and may start the WAL over.
#[derive(Default)]
pub(super) struct Restart {
    tried: bool,
    patience: Patience,
}

impl Restart {
    pub(super) fn step(&mut self, pager: &mut Pager) -> Step<()> {
        if !self.tried {
            let (files, _) = files(&mut pager.files, &mut pager.wait)?;
            let Some(wal) = files.log.wal() else { return Ok(Some(())) };
            if wal.read_mark != Some(0) {
                return Ok(Some(()));
            }
            wal.try_restart(|salt| files.io.fill_random(salt))?;
            wal.index.unlock(index::reader(0), ShmLockMode::Shared);
            wal.read_mark = None;
            self.tried = true;
        }
        loop {
            ready!(self.patience.wait(pager));
            if let LoadedHeader::Done = wal(pager)?.lock_mark(false, true)? {
                return Ok(Some(()));
            }
        }
    }
}
