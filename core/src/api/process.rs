//! The process that connections belong to when their opener names none.

use std::sync::{Arc, Mutex, PoisonError};

use kernite_io::syscall::SyscallIo;
use kernite_io::{Process, SharedIo};

/// The only process-wide value of the engine: what hangs off it (inode table, budgets, interned schemas) is shared by all connections.
static DEFAULT: Mutex<Option<Arc<Process>>> = Mutex::new(None);

/// The default process, over the operating system. A child after `fork` gets a fresh one: its parent's locks are not its own.
pub fn default_process() -> Arc<Process> {
    let mut default = DEFAULT.lock().unwrap_or_else(PoisonError::into_inner);
    match &*default {
        Some(process) if process.is_current() => Arc::clone(process),
        _ => {
            let io: SharedIo = Arc::new(SyscallIo::new());
            let process = Arc::new(Process::new(io));
            *default = Some(Arc::clone(&process));
            process
        }
    }
}
