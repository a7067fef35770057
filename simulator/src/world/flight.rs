//! Operations in flight: queued by one process, landing at some moment between submission and completion.
//!
//! Always true: an operation lands once. A write that was lent a buffer is checked for a changed byte when it completes, and two
//! changes of one range are never in flight together.
//! Never: an order. Who wants one waits for the completion.

use std::hash::Hasher;
use std::ops::Range;
use std::sync::Arc;

use kernite_io::hash::FixedHasher;
use kernite_io::{Completion, IoError, IoSlice, Pending};

use crate::decide::{Kind, WORLD};
use crate::trace::Call;

use super::disk::FileNo;
use super::state::{State, World};

/// How an operation lands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Landing {
    Whole,
    /// Its process died: some of it may be there.
    Part,
    Not,
}

/// A range of a file that an operation in flight changes.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    pub file: FileNo,
    pub range: Range<u64>,
}

type Finish = Box<dyn FnOnce(&mut State, Landing) + Send>;

/// An operation in flight.
pub(crate) struct Flight {
    pub process: usize,
    pub call: Call,
    pub claim: Option<Claim>,
    /// The number of the change that it made, where it landed at its submission.
    pub change: Option<u64>,
    finish: Finish,
}

/// A timer of a process.
pub(crate) struct Timer {
    pub at_ns: u64,
    pub process: usize,
    pub completion: Arc<Completion<()>>,
}

/// What a call is about, for the trace.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct About {
    pub file: FileNo,
    pub place: u64,
    pub len: u64,
}

/// What an operation gave, and the change that it made.
pub(crate) struct Landed<T> {
    pub value: T,
    pub change: Option<u64>,
}

impl<T> From<T> for Landed<T> {
    fn from(value: T) -> Landed<T> {
        Landed { value, change: None }
    }
}

/// A hash of the bytes that a write was lent.
pub(crate) fn hash_of(slices: &[IoSlice]) -> u64 {
    let mut hasher = FixedHasher::default();
    slices.iter().for_each(|slice| hasher.write(slice.bytes()));
    hasher.finish()
}

impl World {
    /// A decision point, and then the operation: at once, or queued.
    pub(crate) fn submit<T: Send + 'static>(
        &self,
        process: usize,
        call: Call,
        about: About,
        claim: Option<Claim>,
        text: impl FnOnce() -> String,
        run: impl FnOnce(&mut State, Landing) -> Result<Landed<T>, IoError> + Send + 'static,
    ) -> Pending<T> {
        let mut guard = match self.point(process, call, about, text) {
            Ok(guard) => guard,
            Err(error) => return Pending::err(error),
        };
        let state = &mut *guard;
        let (actor, rates) = (state.actor(process), state.options.rates);
        if let Some(claim) = &claim {
            state.assert_free(process, call, claim);
        }
        if !state.decisions.chance(actor, Kind::Late, rates.late) {
            return Pending::Done(run(state, Landing::Whole).map(|landed| landed.value));
        }
        let completion = Arc::new(Completion::new());
        let finished = Arc::clone(&completion);
        let (finish, change): (Finish, _) = if state.decisions.chance(actor, Kind::Effect, 500_000) {
            let landed = run(state, Landing::Whole);
            let change = landed.as_ref().ok().and_then(|landed| landed.change);
            let finish = move |state: &mut State, _| {
                finished.complete(landed.map(|landed| landed.value));
                state.dropped.push(Box::new(finished));
            };
            (Box::new(finish), change)
        } else {
            let finish = move |state: &mut State, landing| {
                let landed = run(state, landing);
                finished.complete(landed.map(|landed| landed.value));
                state.dropped.push(Box::new(finished));
            };
            (Box::new(finish), None)
        };
        state.flights.push(Flight { process, call, claim, change, finish });
        Pending::Queued(completion)
    }
}

impl State {
    fn assert_free(&mut self, process: usize, call: Call, claim: &Claim) {
        let overlaps = |other: &Claim| {
            other.file == claim.file
                && other.range.start < claim.range.end
                && claim.range.start < other.range.end
        };
        let other = self
            .flights
            .iter()
            .find(|flight| flight.process == process && flight.claim.as_ref().is_some_and(overlaps));
        if let Some(other) = other {
            let text = format!(
                "p{process}: {} of {:?} overlaps a {} in flight of {:?}",
                call.name(),
                claim.range,
                other.call.name(),
                other.claim.as_ref().map(|claim| claim.range.clone())
            );
            self.violations.push(text);
        }
    }

    /// The changes of `process` that landed but were not told to have completed.
    pub(crate) fn changes_in_flight(&self) -> Vec<u64> {
        self.flights.iter().filter_map(|flight| flight.change).collect()
    }

    /// Completes one of the operations in flight. Whether there was any.
    pub(crate) fn land_one(&mut self) -> bool {
        let count = self.flights.len() as u64;
        if count == 0 {
            return false;
        }
        let at = self.decisions.below(WORLD, Kind::Complete, count) as usize;
        let flight = self.flights.remove(at);
        let about = flight.claim.map_or((0, 0, 0), |claim| {
            (claim.file, claim.range.start, claim.range.end.wrapping_sub(claim.range.start))
        });
        let call = flight.call;
        self.trace.note(self.clock_ns, flight.process, Call::Complete, about, || call.name().into());
        (flight.finish)(self, Landing::Whole);
        true
    }

    /// The process, or with `None` every process, is gone: what it had in flight lands whole, in part or not.
    pub(crate) fn drop_flights(&mut self, process: Option<usize>) {
        let (gone, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut self.flights)
            .into_iter()
            .partition(|flight| process.is_none_or(|process| flight.process == process));
        self.flights = kept;
        for flight in gone {
            let actor = self.actor(flight.process);
            let landing =
                self.decisions.pick(actor, Kind::Partial, &[Landing::Not, Landing::Part, Landing::Whole]);
            (flight.finish)(self, landing);
        }
        self.timers.retain(|timer| process.is_some_and(|process| timer.process != process));
    }

    /// Completes the timers that are due.
    pub(crate) fn fire_timers(&mut self) {
        let now = self.clock_ns;
        if self.timers.iter().any(|timer| timer.at_ns <= now) {
            let (due, kept) =
                std::mem::take(&mut self.timers).into_iter().partition(|timer| timer.at_ns <= now);
            self.timers = kept;
            let due: Vec<Timer> = due;
            due.iter().for_each(|timer| timer.completion.complete(Ok(())));
        }
    }
}
