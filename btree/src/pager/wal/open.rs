//! Opening the WAL and its index.
//!
//! ```text
//! Lock -> File -> Index
//! ```
//!
//! In exclusive locking mode the EXCLUSIVE lock on the database comes first and the index is on the heap, so that no shared memory is needed at
//! all: possible only if the mode was set before the first access, since others could be using the shared memory otherwise.
//!
//! Spec: "Write-Ahead Logging", "Use of WAL Without Shared-Memory".

use kernite_io::{AccessMode, FileKind, IoError, OpenFlags, ready};

use super::Wal;
use super::index::Index;
use crate::pager::{Pager, files};
use crate::{Error, Step};

/// The script.
pub(in crate::pager) struct Open {
    locked: bool,
}

impl Open {
    pub(in crate::pager) fn new() -> Open {
        Open { locked: false }
    }

    pub(in crate::pager) fn step(&mut self, pager: &mut Pager) -> Step<Wal> {
        let exclusive = pager.settings.exclusive;
        let (files, wait) = files(&mut pager.files, &mut pager.wait)?;
        if exclusive && !self.locked {
            files.lock_exclusive()?;
            self.locked = true;
        }
        let flags =
            OpenFlags { create: true, ..OpenFlags::new(FileKind::Wal, AccessMode::ReadWriteOrReadOnly) };
        let opened = ready!(wait.opened(|| files.io.open(Some(&files.wal_path), flags)));
        let index = if exclusive {
            Index::heap()
        } else {
            match files.main.shm(pager.read_only_shm) {
                Ok(memory) => Index::shared(memory),
                Err(IoError::NoSharedMemory) => return Err(Error::CannotOpen),
                Err(error) => return Err(error.into()),
            }
        };
        Ok(Some(Wal::new(opened.file, index, opened.read_only)))
    }
}
