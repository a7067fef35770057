//! What is called process-wide: tables that all connections of a process share, hung off one value instead of statics.
//!
//! A simulator runs several processes in one address space, and a test several worlds; a static would leak from one into the other.
//! Upper crates hang their tables here, by type, so that this crate need not know them.
//!
//! After `fork` the child holds none of its parent's POSIX locks, and its parent's descriptors are shared with the parent, so
//! it must not use the parent's value: [`Process::is_current`] tells.
//!
//! Always true: one table per type and process. Tables are never replaced, and live as long as the `Process`.
//! Never: a static of its own. The default `Process` belongs to the crate `kernite`.

use std::any::{Any, TypeId};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::hash::HashMap;
use crate::world::SharedIo;

/// One process, on one world.
pub struct Process {
    io: SharedIo,
    id: u32,
    tables: Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
}

impl Process {
    /// The process that lives in `io`.
    pub fn new(io: SharedIo) -> Process {
        let id = io.process_id();
        Process { io, id, tables: Mutex::default() }
    }

    /// The world it lives in.
    pub fn io(&self) -> &SharedIo {
        &self.io
    }

    /// Whether the caller runs in the process that made this value, and not in a child forked from it. A system call: ask when a
    /// database is opened, not when a row is read.
    pub fn is_current(&self) -> bool {
        self.io.process_id() == self.id
    }

    /// The process's table of type `T`, made empty at the first call.
    pub fn shared<T: Any + Send + Sync + Default>(&self) -> Arc<T> {
        self.shared_with(|_| T::default())
    }

    /// The process's table of type `T`, made by `make` at the first call. `make` must not ask this `Process` for tables: they are
    /// locked.
    pub fn shared_with<T: Any + Send + Sync>(&self, make: impl FnOnce(&SharedIo) -> T) -> Arc<T> {
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(table) = tables.get(&TypeId::of::<T>())
            && let Ok(table) = Arc::clone(table).downcast::<T>()
        {
            return table;
        }
        let table = Arc::new(make(&self.io));
        tables.insert(TypeId::of::<T>(), Arc::clone(&table) as Arc<dyn Any + Send + Sync>);
        table
    }
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Process({} on {})", self.id, self.io.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryIo;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[derive(Default)]
    struct Opened(AtomicU32);
    #[derive(Default)]
    struct Closed(AtomicU32);

    #[test]
    fn a_table_belongs_to_its_type_and_its_process() {
        let process = |seed| Process::new(Arc::new(MemoryIo::deterministic(seed)));
        let (a, b) = (process(1), process(2));
        a.shared::<Opened>().0.store(3, Ordering::Relaxed);
        assert_eq!(a.shared::<Opened>().0.load(Ordering::Relaxed), 3);
        assert_eq!(a.shared::<Closed>().0.load(Ordering::Relaxed), 0);
        assert_eq!(b.shared::<Opened>().0.load(Ordering::Relaxed), 0);
        assert!(Arc::ptr_eq(&a.shared_with(|_| Opened::default()), &a.shared::<Opened>()));
        assert!(a.is_current());
    }
}
