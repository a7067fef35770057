//! Pending operations: how a queued read, write, sync or timer is polled, and how it wakes those who wait for it.
//!
//! ```text
//! backend: submit --------> complete(value) --> wakes every registered waker, sets `done`
//! engine:  Pending::Queued(c) -> Outstanding::track(c) -> yield ... c.take() -> value
//! ```
//!
//! Always true: a completion is completed at most once and its value taken at most once; dropping either side cancels
//! nothing. A waker registered after completion is woken at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;

use crate::error::IoError;
use crate::world::Io;

/// The result of an operation that may touch the disk.
pub enum Pending<T> {
    /// It completed inside the call.
    Done(Result<T, IoError>),
    /// It is under way.
    Queued(Arc<Completion<T>>),
}

impl<T> Pending<T> {
    /// A value that was there at once.
    #[inline]
    pub fn ok(value: T) -> Pending<T> {
        Pending::Done(Ok(value))
    }

    /// A failure that was known at once.
    #[inline]
    pub fn err(error: IoError) -> Pending<T> {
        Pending::Done(Err(error))
    }

    /// The value, waiting for it where it is under way: for callers that may block, such as tests and tools.
    pub fn settle(self, io: &dyn Io) -> Result<T, IoError> {
        let completion = match self {
            Pending::Done(value) => return value,
            Pending::Queued(completion) => completion,
        };
        let mut outstanding = Outstanding::new();
        outstanding.track(&completion);
        io.flush();
        loop {
            if let Some(value) = completion.take() {
                return value;
            }
            io.wait(&outstanding, None)?;
        }
    }
}

/// One operation under way. Made by a backend, polled by the engine.
pub struct Completion<T> {
    signal: Arc<Signal>,
    value: Mutex<Option<Result<T, IoError>>>,
}

impl<T> Default for Completion<T> {
    fn default() -> Self {
        Completion::new()
    }
}

impl<T> Completion<T> {
    /// An operation that has not completed.
    pub fn new() -> Completion<T> {
        Completion { signal: Arc::new(Signal::default()), value: Mutex::new(None) }
    }

    /// Called by the backend, once, when the operation is over.
    pub fn complete(&self, value: Result<T, IoError>) {
        *self.value.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
        self.signal.set();
    }

    /// Whether the operation is over.
    pub fn is_done(&self) -> bool {
        self.signal.is_set()
    }

    /// The value, once; `None` while the operation is under way or after the value was taken.
    pub fn take(&self) -> Option<Result<T, IoError>> {
        self.value.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The part that can be waited for without knowing `T`.
    pub fn signal(&self) -> Arc<Signal> {
        Arc::clone(&self.signal)
    }
}

/// The "it is over" of a completion, without its value.
#[derive(Default)]
pub struct Signal {
    done: AtomicBool,
    wakers: Mutex<Vec<Waker>>,
}

impl Signal {
    /// Whether the operation is over.
    #[inline]
    pub fn is_set(&self) -> bool {
        self.done.load(Ordering::Acquire)
    }

    /// Wakes `waker` when the operation is over; at once if it is.
    pub fn on_done(&self, waker: &Waker) {
        {
            let mut wakers = self.wakers.lock().unwrap_or_else(PoisonError::into_inner);
            if !self.is_set() {
                if !wakers.iter().any(|known| known.will_wake(waker)) {
                    wakers.push(waker.clone());
                }
                return;
            }
        }
        waker.wake_by_ref();
    }

    fn set(&self) {
        let woken = {
            let mut wakers = self.wakers.lock().unwrap_or_else(PoisonError::into_inner);
            self.done.store(true, Ordering::Release);
            std::mem::take(&mut *wakers)
        };
        woken.into_iter().for_each(Waker::wake);
    }
}

/// What one connection waits for: the signals of its queued operations.
///
/// A step that returns `Ok(None)` leaves at least one signal here that is not yet set (asserted at the gate). Cloned out
/// of a connection it can be waited for without holding the connection.
#[derive(Clone, Default)]
pub struct Outstanding {
    signals: Vec<Arc<Signal>>,
}

impl Outstanding {
    /// Nothing outstanding.
    pub fn new() -> Outstanding {
        Outstanding::default()
    }

    /// Adds a queued operation.
    pub fn track<T>(&mut self, completion: &Completion<T>) {
        self.signals.push(completion.signal());
    }

    /// Adds everything that `other` waits for.
    pub fn extend(&mut self, other: &Outstanding) {
        self.signals.extend(other.signals.iter().cloned());
    }

    /// Forgets what is over.
    pub fn prune(&mut self) {
        self.signals.retain(|signal| !signal.is_set());
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.signals.clear();
    }

    /// Whether any of it is over.
    pub fn any_done(&self) -> bool {
        self.signals.iter().any(|signal| signal.is_set())
    }

    /// Whether nothing is waited for.
    pub fn is_empty(&self) -> bool {
        self.signals.is_empty()
    }

    /// The signals, for a backend's `wait`.
    pub fn signals(&self) -> &[Arc<Signal>] {
        &self.signals
    }
}
