//! Ends what hangs, and says what it was.
//!
//! A test of damaged files cannot wait for ever, and a hang must not look like a slow machine. Each worker announces what it does; what
//! takes longer than the patience is first interrupted, which a statement in a loop of its own obeys, and when that does not help, the
//! whole test process ends with the name of the case.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

struct Case {
    name: String,
    since: Instant,
    interrupt: Option<kernite::InterruptHandle>,
    interrupted: bool,
}

/// Watches one worker.
pub struct Watchdog {
    case: Arc<Mutex<Option<Case>>>,
}

fn locked(case: &Mutex<Option<Case>>) -> MutexGuard<'_, Option<Case>> {
    case.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Watchdog {
    /// Interrupts a case after `patience`, and ends the process after thrice that.
    pub fn new(patience: Duration) -> Watchdog {
        let case: Arc<Mutex<Option<Case>>> = Arc::default();
        let weak = Arc::downgrade(&case);
        std::thread::spawn(move || {
            while let Some(case) = weak.upgrade() {
                if let Some(case) = &mut *locked(&case) {
                    let took = case.since.elapsed();
                    if took > patience * 3 {
                        eprintln!("{} hangs: {took:?} so far", case.name);
                        std::process::abort();
                    }
                    if took > patience && !case.interrupted {
                        case.interrupted = true;
                        if let Some(handle) = &case.interrupt {
                            handle.interrupt();
                        }
                    }
                }
                drop(case);
                std::thread::sleep(Duration::from_millis(200));
            }
        });
        Watchdog { case }
    }

    /// A case begins.
    pub fn begin(&self, name: String) {
        let case = Case { name, since: Instant::now(), interrupt: None, interrupted: false };
        *locked(&self.case) = Some(case);
    }

    /// How to interrupt the case, once that is known.
    pub fn interrupt_with(&self, handle: kernite::InterruptHandle) {
        if let Some(case) = &mut *locked(&self.case) {
            case.interrupt = Some(handle);
        }
    }

    /// The case is over. Whether it had to be interrupted.
    pub fn end(&self) -> bool {
        locked(&self.case).take().is_some_and(|case| case.interrupted)
    }
}
