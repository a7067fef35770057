//! One entry per file that this process has open as a database, found by (device, inode).
//!
//! POSIX locks belong to the process and the file, not to the descriptor: a second descriptor of the same file sees the
//! process's locks as its own, and closing *any* descriptor of the file drops them all. So all handles of a file share an
//! entry, which counts their locks and keeps descriptors that were closed too early until the last lock is gone.
//!
//! Always true: while a handle is open its entry is in the table, under the identity that `fstat` gave; descriptors are
//! deferred only while a lock is held.
//! Never: a static. The table hangs off the `SyscallIo`; two of them in one process must not open the same file.
//! Spec: "File Locking And Concurrency In SQLite Version 3", "Locking" (the notes on POSIX locks).

use std::hash::BuildHasher;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::file::FileId;
use crate::hash::HashMap;
use crate::levels::LevelTable;

use super::shm::ShmNode;

/// Shards keep connections that open and close at the same time apart.
const SHARDS: usize = 16;

/// What the handles of one file share.
pub(super) struct Inode {
    id: FileId,
    /// References to the entry, changed under the mutex of its shard only.
    references: AtomicUsize,
    locks: Mutex<InodeLocks>,
    pub(super) shm: Mutex<InodeShm>,
}

/// The locks of this process on one file.
#[derive(Default)]
pub(super) struct InodeLocks {
    pub(super) table: LevelTable,
    deferred: Vec<DeferredFd>,
}

/// The wal-index of one file, while any handle has it open.
#[derive(Default)]
pub(super) struct InodeShm {
    pub(super) node: Option<Arc<ShmNode>>,
    pub(super) holders: usize,
}

/// A descriptor that could not be closed yet.
struct DeferredFd {
    fd: OwnedFd,
    writable: bool,
}

/// All entries of a world.
#[derive(Default)]
pub(super) struct InodeTable {
    shards: [Mutex<HashMap<FileId, Arc<Inode>>>; SHARDS],
    /// Deferred descriptors in all entries, so that opening a file looks for one only where there is any.
    deferred: AtomicUsize,
}

impl InodeTable {
    fn shard(&self, id: FileId) -> MutexGuard<'_, HashMap<FileId, Arc<Inode>>> {
        let shard = crate::hash::HashMap::<FileId, ()>::default().hasher().hash_one(id) as usize % SHARDS;
        self.shards[shard].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether any descriptor waits to be closed or used again.
    pub(super) fn has_deferred(&self) -> bool {
        self.deferred.load(Ordering::Relaxed) > 0
    }

    /// The entry of `id`, made where it is absent.
    pub(super) fn enter(self: &Arc<Self>, id: FileId) -> InodeRef {
        let mut shard = self.shard(id);
        let entry = shard.entry(id).or_insert_with(|| {
            Arc::new(Inode {
                id,
                references: AtomicUsize::new(0),
                locks: Mutex::default(),
                shm: Mutex::default(),
            })
        });
        entry.references.fetch_add(1, Ordering::Relaxed);
        InodeRef { table: Arc::clone(self), inode: Arc::clone(entry) }
    }

    /// The entry of `id`, where there is one.
    fn find(self: &Arc<Self>, id: FileId) -> Option<InodeRef> {
        let shard = self.shard(id);
        let entry = shard.get(&id)?;
        entry.references.fetch_add(1, Ordering::Relaxed);
        Some(InodeRef { table: Arc::clone(self), inode: Arc::clone(entry) })
    }

    /// A descriptor of `id` that waits to be closed and can be used again, with its entry.
    pub(super) fn reuse(self: &Arc<Self>, id: FileId, writable: bool) -> Option<(InodeRef, OwnedFd)> {
        let inode = self.find(id)?;
        let mut locks = inode.lock();
        let at = locks.deferred.iter().position(|deferred| deferred.writable == writable)?;
        let fd = locks.deferred.swap_remove(at).fd;
        self.deferred.fetch_sub(1, Ordering::Relaxed);
        drop(locks);
        Some((inode, fd))
    }
}

/// A handle's hold on its entry. The last to go takes the entry out of the table.
pub(super) struct InodeRef {
    table: Arc<InodeTable>,
    inode: Arc<Inode>,
}

impl InodeRef {
    pub(super) fn id(&self) -> FileId {
        self.inode.id
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, InodeLocks> {
        self.inode.locks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn shm(&self) -> MutexGuard<'_, InodeShm> {
        self.inode.shm.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes deferred descriptors where no lock is left that closing would drop. To be called after a lock went.
    #[inline]
    pub(super) fn close_deferred(&self, locks: &mut InodeLocks) {
        if !locks.deferred.is_empty() && !locks.table.is_held() {
            self.table.deferred.fetch_sub(locks.deferred.len(), Ordering::Relaxed);
            locks.deferred.clear();
        }
    }

    /// Closes `fd`, or keeps it until the locks that closing would drop are gone.
    pub(super) fn close(&self, fd: OwnedFd, writable: bool) {
        let mut locks = self.lock();
        if locks.table.is_held() {
            locks.deferred.push(DeferredFd { fd, writable });
            self.table.deferred.fetch_add(1, Ordering::Relaxed);
        } else {
            // Under the mutex, so that no other handle takes a lock between the look and the close.
            drop(fd);
        }
    }
}

impl Clone for InodeRef {
    fn clone(&self) -> InodeRef {
        let _shard = self.table.shard(self.inode.id);
        self.inode.references.fetch_add(1, Ordering::Relaxed);
        InodeRef { table: Arc::clone(&self.table), inode: Arc::clone(&self.inode) }
    }
}

impl Drop for InodeRef {
    fn drop(&mut self) {
        let mut shard = self.table.shard(self.inode.id);
        if self.inode.references.fetch_sub(1, Ordering::Relaxed) == 1 {
            shard.remove(&self.inode.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_lives_as_long_as_a_handle_holds_it() {
        let table = Arc::new(InodeTable::default());
        let id = FileId { device: 1, inode: 2 };
        let first = table.enter(id);
        let second = table.enter(id);
        assert!(Arc::ptr_eq(&first.inode, &second.inode));
        drop(first);
        assert!(table.shard(id).contains_key(&id));
        drop(second.clone());
        assert!(table.shard(id).contains_key(&id));
        drop(second);
        assert!(!table.shard(id).contains_key(&id));
    }
}
