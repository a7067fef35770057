//! Waiting for other connections' locks.
//!
//! Locks never wait. When one is in the way, the busy handler decides: none gives up, a timeout waits on timers of growing length, a
//! callback does as it likes.

use std::sync::Arc;

use kernite_io::{Completion, Instant, Outstanding, Pending, SharedIo};
use kernite_vdbe::{Error, Step};

/// What happens when a lock is in the way.
#[derive(Default)]
pub enum BusyHandler {
    /// `SQLITE_BUSY` at once.
    #[default]
    None,
    /// Tries again until this many milliseconds have passed.
    Timeout(u32),
    /// Asked with the number of earlier calls for this lock; `false` gives up. Runs with the connection released.
    Callback(Box<dyn FnMut(u32) -> bool + Send>),
}

impl BusyHandler {
    /// The handler of `sqlite3_busy_timeout`: none for 0.
    pub(crate) fn of_timeout(milliseconds: u32) -> BusyHandler {
        if milliseconds == 0 { BusyHandler::None } else { BusyHandler::Timeout(milliseconds) }
    }
}

/// Milliseconds of each wait, and how many were waited before it.
const DELAYS: [(u32, u32); 12] = [
    (1, 0),
    (2, 1),
    (5, 3),
    (10, 8),
    (15, 18),
    (20, 33),
    (25, 53),
    (25, 78),
    (25, 103),
    (50, 128),
    (50, 178),
    (100, 228),
];

/// One wait for one lock.
#[derive(Default)]
pub(crate) struct BusyWait {
    count: u32,
    timer: Option<Arc<Completion<()>>>,
}

impl BusyWait {
    /// The lock was taken, or the wait given up.
    pub(crate) fn clear(&mut self) {
        *self = BusyWait::default();
    }

    /// How often the handler was asked.
    pub(crate) fn next_count(&mut self) -> u32 {
        self.count += 1;
        self.count - 1
    }

    /// Waits for the next timer of a timeout; `false` when the time is over.
    pub(crate) fn wait(&mut self, io: &SharedIo, timeout_ms: u32) -> Step<bool> {
        if let Some(timer) = &self.timer {
            if !timer.is_done() {
                return Ok(None);
            }
            self.timer = None;
            return Ok(Some(true));
        }
        let last = DELAYS.len() - 1;
        let at = self.next_count() as usize;
        let (delay, waited) = match DELAYS.get(at) {
            Some(&known) => known,
            None => {
                let (delay, waited) = DELAYS[last];
                (delay, waited.saturating_add(delay.saturating_mul((at - last) as u32)))
            }
        };
        let delay = delay.min(timeout_ms.saturating_sub(waited));
        if delay == 0 {
            return Ok(Some(false));
        }
        let until = Instant(io.monotonic().0.saturating_add(u64::from(delay) * 1_000_000));
        match io.timer(until) {
            Pending::Done(result) => {
                result.map_err(|error| Error::Storage(error.into()))?;
                Ok(Some(true))
            }
            Pending::Queued(timer) => {
                self.timer = Some(timer);
                Ok(None)
            }
        }
    }

    /// Adds what is waited for. Not a timer that is over: the lock was tried again since, and what is waited for then is something else,
    /// which a timer that is over would turn into spinning.
    pub(crate) fn track(&self, outstanding: &mut Outstanding) {
        if let Some(timer) = self.timer.as_ref().filter(|timer| !timer.is_done()) {
            outstanding.track(timer);
        }
    }
}
