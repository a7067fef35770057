//! The progress handler: `.progress`, and on a terminal a line that says that long work goes on.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use kernite::Connection;

/// What `.progress` asked for.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    /// Instructions between two calls.
    pub interval: u32,
    /// Calls after which a statement is interrupted; 0: never.
    pub limit: u64,
    /// Time after which it is interrupted.
    pub timeout: Option<Duration>,
    /// Nothing is shown.
    pub quiet: bool,
    /// Only the first interrupt counts.
    pub once: bool,
    /// The count starts anew with each statement.
    pub reset: bool,
    count: Arc<AtomicU64>,
}

impl Progress {
    /// Makes a connection call it.
    pub fn install(&self, db: &Connection) {
        let progress = self.clone();
        let started = Instant::now();
        let mut done = false;
        db.raw().set_progress_interval(self.interval);
        db.raw().set_hooks(|hooks| {
            hooks.progress = (progress.interval > 0).then(|| {
                Box::new(move || {
                    let count = progress.count.fetch_add(1, Ordering::Relaxed) + 1;
                    if progress.timeout.is_some_and(|timeout| started.elapsed() >= timeout) {
                        return true;
                    }
                    if progress.limit > 0 && count >= progress.limit && !done {
                        println!("Progress limit reached ({count})");
                        done = progress.once;
                        if progress.reset {
                            progress.count.store(0, Ordering::Relaxed);
                        }
                        return true;
                    }
                    if !progress.quiet {
                        println!("Progress {count}");
                    }
                    false
                }) as _
            });
        });
    }

    /// A new command begins.
    pub fn command_begins(&self) {
        if self.reset {
            self.count.store(0, Ordering::Relaxed);
        }
    }
}

/// How long a statement runs before the terminal says so.
const SILENCE: Duration = Duration::from_secs(2);
/// Instructions between two looks at the clock.
const CLOCK_INTERVAL: u32 = 1_000_000;

/// A line on the terminal that says how long the statement at hand has been running, from the third second on.
#[derive(Default)]
pub struct Line {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// When the statement began; `None` between statements.
    started: Mutex<Option<Instant>>,
    shown: AtomicBool,
}

impl Line {
    /// Makes a connection drive it.
    pub fn install(&self, db: &Connection) {
        let shared = Arc::clone(&self.shared);
        db.raw().set_progress_interval(CLOCK_INTERVAL);
        db.raw().set_hooks(|hooks| {
            hooks.progress = Some(Box::new(move || {
                let started = *shared.started.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(elapsed) = started.map(|started| started.elapsed()).filter(|time| *time > SILENCE)
                {
                    eprint!("\r\x1b[2m… {} s, Ctrl-C stops\x1b[0m\x1b[K", elapsed.as_secs());
                    shared.shown.store(true, Ordering::Relaxed);
                }
                false
            }));
        });
    }

    /// A statement begins.
    pub fn begin(&self) {
        *self.shared.started.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// It has ended: the line goes away.
    pub fn end(&self) {
        *self.shared.started.lock().unwrap_or_else(PoisonError::into_inner) = None;
        if self.shared.shown.swap(false, Ordering::Relaxed) {
            eprint!("\r\x1b[K");
        }
    }
}
