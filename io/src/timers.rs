//! Timers: completions that are over when a clock reaches their time.
//!
//! A backend whose operations complete inside the call queues nothing else, so waiting there is sleeping until the
//! earliest timer. Any number of threads may wait at once: each fires whatever is due, for all.
//!
//! Always true: a timer fires once, never before its time; wakers run with no lock held.
//! Never: reading a clock by itself. The backend brings its own: a real one sleeps, a simulated one jumps.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::completion::{Completion, Outstanding, Pending};
use crate::error::{IoError, IoOp};
use crate::world::Instant;

/// How time passes in a backend.
pub(crate) trait Clock {
    /// The time.
    fn now(&self) -> Instant;

    /// For clocks that only move when told to: makes it `at` and returns true. Real clocks return false and pass by themselves.
    fn jump(&self, at: Instant) -> bool;
}

struct Timer {
    at: Instant,
    /// Timers of one moment fire in the order in which they were made.
    number: u64,
    completion: Arc<Completion<()>>,
}

impl Timer {
    fn key(&self) -> (Instant, u64) {
        (self.at, self.number)
    }
}

impl PartialEq for Timer {
    fn eq(&self, other: &Timer) -> bool {
        self.key() == other.key()
    }
}
impl Eq for Timer {}
impl PartialOrd for Timer {
    fn partial_cmp(&self, other: &Timer) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Timer {
    fn cmp(&self, other: &Timer) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

#[derive(Default)]
struct State {
    heap: BinaryHeap<Reverse<Timer>>,
    made: u64,
    /// Threads that took timers out of the heap and have not completed them yet.
    firing: usize,
}

/// The timers of one backend.
#[derive(Default)]
pub(crate) struct Timers {
    state: Mutex<State>,
    changed: Condvar,
}

impl Timers {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A timer that completes at `at`; at once where that has passed.
    pub(crate) fn add(&self, at: Instant, clock: &impl Clock) -> Pending<()> {
        if at <= clock.now() {
            return Pending::ok(());
        }
        let completion = Arc::new(Completion::new());
        let mut state = self.state();
        let number = state.made;
        state.made += 1;
        let is_earliest = state.heap.peek().is_none_or(|Reverse(first)| at < first.at);
        state.heap.push(Reverse(Timer { at, number, completion: Arc::clone(&completion) }));
        drop(state);
        if is_earliest {
            // Whoever sleeps until a later timer has to wake for this one.
            self.changed.notify_all();
        }
        Pending::Queued(completion)
    }

    /// Completes what is due at `now`. Whether there was any.
    fn fire(&self, now: Instant) -> bool {
        let mut due = Vec::new();
        {
            let mut state = self.state();
            while state.heap.peek().is_some_and(|Reverse(first)| first.at <= now) {
                due.extend(state.heap.pop().map(|Reverse(timer)| timer.completion));
            }
            if due.is_empty() {
                return false;
            }
            state.firing += 1;
        }
        due.iter().for_each(|completion| completion.complete(Ok(())));
        self.state().firing -= 1;
        self.changed.notify_all();
        true
    }

    /// Returns when one of `outstanding` is over, `until` has come, or any timer fired. An error where none of that can ever
    /// happen: nothing is queued here, so the caller waits for something that nobody does.
    pub(crate) fn wait(
        &self,
        outstanding: &Outstanding,
        until: Option<Instant>,
        clock: &impl Clock,
    ) -> Result<(), IoError> {
        loop {
            let now = clock.now();
            if self.fire(now) || outstanding.any_done() || until.is_some_and(|until| until <= now) {
                return Ok(());
            }
            let state = self.state();
            let next = state.heap.peek().map(|Reverse(first)| first.at);
            let next = [next, until].into_iter().flatten().min();
            let Some(next) = next else {
                if outstanding.any_done() {
                    return Ok(());
                }
                if state.firing == 0 {
                    return Err(IoError::os(IoOp::Wait, 0, 0, 0));
                }
                drop(self.changed.wait(state).unwrap_or_else(PoisonError::into_inner));
                continue;
            };
            if clock.jump(next) {
                continue;
            }
            let pause = Duration::from_nanos(next.0.saturating_sub(now.0));
            drop(self.changed.wait_timeout(state, pause).unwrap_or_else(PoisonError::into_inner));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    /// A clock that stands still until it is told to jump.
    #[derive(Default)]
    struct Still(AtomicU64);

    impl Clock for Still {
        fn now(&self) -> Instant {
            Instant(self.0.load(Ordering::Relaxed))
        }
        fn jump(&self, at: Instant) -> bool {
            self.0.store(at.0, Ordering::Relaxed);
            true
        }
    }

    fn queued(pending: Pending<()>) -> Arc<Completion<()>> {
        match pending {
            Pending::Queued(completion) => completion,
            Pending::Done(_) => panic!("the timer is in the future"),
        }
    }

    #[test]
    fn timers_fire_in_order_of_time_and_the_clock_jumps_no_further_than_the_next() {
        let (timers, clock) = (Timers::default(), Still::default());
        let late = queued(timers.add(Instant(200), &clock));
        let early = queued(timers.add(Instant(100), &clock));
        let mut outstanding = Outstanding::new();
        outstanding.track(&late);
        timers.wait(&outstanding, None, &clock).unwrap();
        assert_eq!((early.is_done(), late.is_done(), clock.now()), (true, false, Instant(100)));
        timers.wait(&outstanding, Some(Instant(150)), &clock).unwrap();
        assert_eq!((late.is_done(), clock.now()), (false, Instant(150)));
        timers.wait(&outstanding, None, &clock).unwrap();
        assert_eq!((late.is_done(), clock.now()), (true, Instant(200)));
    }

    #[test]
    fn waiting_for_nothing_is_an_error_and_not_a_hang() {
        let (timers, clock) = (Timers::default(), Still::default());
        assert!(timers.wait(&Outstanding::new(), None, &clock).is_err());
        assert!(matches!(timers.add(Instant(0), &clock), Pending::Done(Ok(()))));
    }
}
