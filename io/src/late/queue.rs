//! The operations under way in a late world.
//!
//! Always true: an operation runs once; operations run, and wake their waiters, with no lock held, so that a waker may submit more.
//! Never: knowing what an operation does.

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::completion::{Completion, Pending};
use crate::error::{IoError, IoOp};
use crate::file::FileId;
use crate::seeded::SeededRandom;

use super::{Effect, LateOptions};

/// A range of a file that an operation in flight changes.
#[derive(Clone, Debug)]
pub(super) struct Claim {
    pub(super) file: FileId,
    pub(super) range: Range<u64>,
}

struct Op {
    kind: IoOp,
    claim: Option<Claim>,
    flushed: bool,
    complete: Box<dyn FnOnce() + Send>,
}

struct State {
    ops: Vec<Op>,
    random: SeededRandom,
    completed: u64,
}

/// The queue of one late world.
pub(super) struct Queue {
    options: LateOptions,
    state: Mutex<State>,
}

impl Queue {
    pub(super) fn new(seed: u64, options: LateOptions) -> Queue {
        let state = State { ops: Vec::new(), random: SeededRandom::new(seed), completed: 0 };
        Queue { options, state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn len(&self) -> usize {
        self.state().ops.len()
    }

    pub(super) fn completed(&self) -> u64 {
        self.state().completed
    }

    /// Queues an operation that changes nothing in a file. `run` does it.
    pub(super) fn submit<T: Send + 'static>(
        &self,
        kind: IoOp,
        run: impl FnOnce() -> Result<T, IoError> + Send + 'static,
    ) -> Pending<T> {
        self.submit_checked(kind, None, run, |_| {})
    }

    /// Queues an operation that changes `claim`. `check` sees the result when it completes, wherever the effect was.
    pub(super) fn submit_checked<T: Send + 'static>(
        &self,
        kind: IoOp,
        claim: Option<Claim>,
        run: impl FnOnce() -> Result<T, IoError> + Send + 'static,
        check: impl FnOnce(&Result<T, IoError>) + Send + 'static,
    ) -> Pending<T> {
        let completion = Arc::new(Completion::new());
        let at_once = match self.options.effect {
            Effect::AtSubmit => true,
            Effect::AtCompletion => false,
            Effect::Mixed => self.state().random.below(2) == 0,
        };
        if let Some(claim) = &claim {
            self.assert_free(kind, claim);
        }
        let finished = Arc::clone(&completion);
        let complete: Box<dyn FnOnce() + Send> = if at_once {
            let value = run();
            Box::new(move || {
                check(&value);
                finished.complete(value);
            })
        } else {
            Box::new(move || {
                let value = run();
                check(&value);
                finished.complete(value);
            })
        };
        self.state().ops.push(Op { kind, claim, flushed: false, complete });
        Pending::Queued(completion)
    }

    fn assert_free(&self, kind: IoOp, claim: &Claim) {
        let state = self.state();
        let held = state.ops.iter().find_map(|op| {
            let other = op.claim.as_ref()?;
            let overlaps = other.file == claim.file
                && other.range.start < claim.range.end
                && claim.range.start < other.range.end;
            overlaps.then(|| (op.kind, other.clone()))
        });
        drop(state);
        // Asserted without the lock: unwinding drops handles, which may want it.
        let told = held.map(|(kind, other)| format!("a {kind:?} in flight of {:?}", other.range));
        assert_eq!(told, None, "{kind:?} of {:?} overlaps what is under way", claim.range);
    }

    /// What was submitted so far may complete.
    pub(super) fn flush(&self) {
        self.state().ops.iter_mut().for_each(|op| op.flushed = true);
    }

    /// Completes a few operations. Whether there was any.
    pub(super) fn progress(&self) -> bool {
        let mut state = self.state();
        let count = 1 + state.random.below(self.options.burst_max.max(1));
        let mut chosen = Vec::with_capacity(count);
        for _ in 0..count {
            let strict = self.options.strict_flush;
            let ready: Vec<usize> =
                (0..state.ops.len()).filter(|&at| state.ops[at].flushed || !strict).collect();
            if ready.is_empty() {
                break;
            }
            let at = ready[state.random.below(ready.len())];
            chosen.push(state.ops.swap_remove(at));
        }
        let progressed = !chosen.is_empty();
        let forgotten = state.ops.first().map(|op| op.kind).filter(|_| !progressed);
        state.completed += chosen.len() as u64;
        drop(state);
        assert_eq!(forgotten, None, "waiting for what was never flushed");
        chosen.into_iter().for_each(|op| (op.complete)());
        progressed
    }
}
