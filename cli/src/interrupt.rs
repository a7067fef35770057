//! Ctrl-C while a statement runs: it ends with `interrupted`. A second one, when the first had nothing to end, ends the program.
//!
//! While a line is typed the editor sees Ctrl-C itself.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use kernite::{Connection, InterruptHandle};

/// The handler runs in a thread of its own and outlives every connection: what it shares with the shell has to be static.
static HANDLE: Mutex<Option<Arc<InterruptHandle>>> = Mutex::new(None);
static ASKED: AtomicBool = AtomicBool::new(false);

/// Installs the handler.
pub fn install() {
    // Without it Ctrl-C ends the program, as it does anywhere.
    let _ = ctrlc::set_handler(|| {
        if ASKED.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
        if let Some(handle) = &*HANDLE.lock().unwrap_or_else(PoisonError::into_inner) {
            handle.interrupt();
        }
    });
}

/// From here on this connection is interrupted.
pub fn watch(db: &Connection) {
    *HANDLE.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(db.get_interrupt_handle()));
}

/// Whether Ctrl-C was typed since [`clear`].
pub fn was_asked() -> bool {
    ASKED.load(Ordering::Relaxed)
}

/// Forgets an earlier Ctrl-C.
pub fn clear() {
    ASKED.store(false, Ordering::Relaxed);
}
