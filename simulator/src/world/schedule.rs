//! The baton: who runs, where that may change, how a process waits and how it dies.
//!
//! Each process has a thread of its own, and all but one of them sleep. At a decision point the one that runs may wake another and go
//! to sleep itself; a thread switch is paid only then.
//!
//! A killed process is not stopped, since nothing can stop a thread: from the killing call on every call of it returns
//! [`IoError::Dead`], nobody else runs until it has come to its end, and what it did to shared memory meanwhile is undone. So nothing
//! that it does after its death is ever seen.
//!
//! Always true: `running` is the only process that makes calls, the dead one's futile ones included.

use std::sync::{Arc, Condvar, MutexGuard, PoisonError};

use kernite_io::{IoError, IoOp, Outstanding};

use crate::decide::{Kind, WORLD};
use crate::trace::Call;
use crate::watchdog;

use super::flight::About;
use super::state::{CrashPoint, Mishap, State, World};

/// Who runs next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// Anyone, at any point, as often as the rates say.
    Random,
    /// The one with the highest priority, which the running one loses `changes_per_million` times in a million points: few switches, at
    /// points that plain chance would not hit together (probabilistic concurrency testing).
    Priorities { changes_per_million: u32 },
}

/// What a process waits for.
struct Waiting {
    outstanding: Outstanding,
    until_ns: Option<u64>,
}

/// A process of the world.
pub(crate) struct Process {
    /// Which client it serves. A client whose process died gets a new one.
    pub client: u8,
    pub dead: bool,
    pub finished: bool,
    waiting: Option<Waiting>,
    priority: u64,
    dead_calls: u32,
    wake: Arc<Condvar>,
}

/// Calls that a dead process may make before it counts as one that does not notice.
const DEAD_CALLS_MAX: u32 = 100_000;

/// What a call costs on the simulated clock.
const CALL_NS: u64 = 1_000;

impl World {
    /// A new process of `client`, which runs when the baton comes to it.
    pub(crate) fn add_process(&self, client: u8) -> usize {
        let mut state = self.lock();
        let priority = 1 + state.decisions.below(client, Kind::Priority, 1_000);
        state.processes.push(Process {
            client,
            dead: false,
            finished: false,
            waiting: None,
            priority,
            dead_calls: 0,
            wake: Arc::new(Condvar::new()),
        });
        state.processes.len() - 1
    }

    /// Gives the baton to a process of a world that has only one at a time; the caller's thread runs it.
    pub(crate) fn run_alone(&self, process: usize) {
        self.lock().running = Some(process);
    }

    /// Starts the processes that were added.
    pub(crate) fn start(&self) {
        let mut state = self.lock();
        if let Some(first) = state.next_alive(usize::MAX) {
            state.hand_to(first);
        }
    }

    /// Sleeps until it is this process's turn for the first time.
    pub(crate) fn wait_for_turn(&self, me: usize) {
        drop(self.sleep(self.lock(), me));
    }

    /// Sleeps until all processes have come to their end.
    pub(crate) fn wait_for_end(&self) {
        let mut state = self.lock();
        while state.processes.iter().any(|process| !process.finished) {
            state = self.all_done.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn sleep<'a>(&'a self, mut state: MutexGuard<'a, State>, me: usize) -> MutexGuard<'a, State> {
        let wake = Arc::clone(&state.processes[me].wake);
        while state.running != Some(me) {
            state = wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state
    }

    fn switch<'a>(&'a self, mut state: MutexGuard<'a, State>, me: usize, to: usize) -> MutexGuard<'a, State> {
        if me == to {
            return state;
        }
        state.tally.switches += 1;
        state.hand_to(to);
        self.sleep(state, me)
    }

    /// A decision point before a call. [`IoError::Dead`] where the process does not live to make it.
    pub(crate) fn point(
        &self,
        me: usize,
        call: Call,
        about: About,
        text: impl FnOnce() -> String,
    ) -> Result<MutexGuard<'_, State>, IoError> {
        watchdog::tick();
        let mut state = self.lock();
        if !state.dropped.is_empty() {
            let dropped = std::mem::take(&mut state.dropped);
            drop(state);
            drop(dropped);
            state = self.lock();
        }
        state.check_alive(me)?;
        debug_assert_eq!(state.running, Some(me), "a process without the baton makes a call");
        state.clock_ns += CALL_NS;
        state.tally.points += 1;
        let now = state.clock_ns;
        state.trace.note(now, me, call, (about.file, about.place, about.len), text);
        state.fire_timers();
        state.watch();
        if state.tally.points > state.options.points_max {
            let points = state.options.points_max;
            state
                .violations
                .push(format!("the run has not ended after {points} calls; p{me} is at {}", call.name()));
            state.cut_power();
        }
        if state.armed {
            let rates = state.options.rates;
            let actor = state.actor(me);
            state.take_aim(me);
            if state.decisions.chance(WORLD, Kind::PowerCut, rates.power_cut) {
                state.cut_power();
            } else if state.decisions.chance(actor, Kind::Kill, rates.kill) {
                state.kill(me);
            } else if state.decisions.chance(WORLD, Kind::Clock, rates.clock_jump) {
                state.clock_ns += 1_000_000_000;
                // Who waits for a moment that was jumped over has waited long enough.
                state.fire_timers();
            }
            if !state.flights.is_empty() && state.decisions.chance(WORLD, Kind::Complete, rates.land) {
                state.land_one();
            }
        }
        state.check_alive(me)?;
        if let Some(to) = state.next_to_run(me) {
            state = self.switch(state, me, to);
            state.check_alive(me)?;
        }
        Ok(state)
    }

    /// [`World::point`] for callers that know their call by three numbers.
    pub(crate) fn call_point(
        &self,
        me: usize,
        call: Call,
        (file, place, len): (u64, u64, u64),
        text: impl FnOnce() -> String,
    ) -> Result<MutexGuard<'_, State>, IoError> {
        self.point(me, call, About { file, place, len }, text)
    }

    /// The simulated time.
    pub(crate) fn clock_ns(&self) -> u64 {
        self.lock().clock_ns
    }

    /// Returns when one of `outstanding` is over or the clock has come to `until_ns`.
    pub(crate) fn wait(
        &self,
        me: usize,
        outstanding: &Outstanding,
        until_ns: Option<u64>,
        call: Call,
    ) -> Result<(), IoError> {
        let text = || {
            let signals = outstanding.signals();
            let done = signals.iter().filter(|signal| signal.is_set()).count();
            format!("for {} operations, {done} of them over", signals.len())
        };
        let mut state = self.point(me, call, About::default(), text)?;
        loop {
            let is_over = outstanding.any_done() || until_ns.is_some_and(|until| until <= state.clock_ns);
            if is_over {
                state.processes[me].waiting = None;
                return Ok(());
            }
            state.processes[me].waiting = Some(Waiting { outstanding: outstanding.clone(), until_ns });
            let others = state.others_ready(me);
            let actor = state.actor(me);
            let rate = state.options.rates.switch;
            if !state.flights.is_empty()
                && (others.is_empty() || !state.decisions.chance(actor, Kind::Switch, rate.saturating_mul(4)))
            {
                state.land_one();
            } else if !others.is_empty() {
                let to = others[state.decisions.below(actor, Kind::Switch, others.len() as u64) as usize];
                state = self.switch(state, me, to);
            } else if !state.pass_time() {
                let text = format!("p{me} waits for something that nobody does");
                state.violations.push(text);
                return Err(IoError::os(IoOp::Wait, 0, 0, 0));
            }
            if let Err(error) = state.check_alive(me) {
                state.processes[me].waiting = None;
                return Err(error);
            }
        }
    }

    /// The process has come to its end. Whether it was killed while the world goes on.
    pub(crate) fn finish(&self, me: usize) -> bool {
        let mut state = self.lock();
        if let Some(saved) = state.saved_regions.take() {
            state.restore_regions(&saved);
        }
        state.processes[me].finished = true;
        state.processes[me].waiting = None;
        state.processes[me].dead && !state.power_cut
    }

    /// Hands the baton on after `finish`; for a client that goes on, after its next process was added.
    pub(crate) fn pass_on(&self, me: usize) {
        let mut state = self.lock();
        match state.next_alive(me) {
            Some(next) => state.hand_to(next),
            None => {
                state.running = None;
                self.all_done.notify_all();
            }
        }
    }

    /// Whether the process is dead.
    pub(crate) fn is_dead(&self, me: usize) -> bool {
        self.lock().processes[me].dead
    }
}

impl State {
    fn hand_to(&mut self, to: usize) {
        self.running = Some(to);
        self.processes[to].wake.notify_all();
    }

    fn check_alive(&mut self, me: usize) -> Result<(), IoError> {
        let process = &mut self.processes[me];
        if process.finished {
            return Err(IoError::Dead);
        }
        if !process.dead {
            return Ok(());
        }
        process.dead_calls += 1;
        if process.dead_calls == DEAD_CALLS_MAX {
            self.violations.push(format!("p{me} is dead and does not notice"));
        }
        // The thread has to come to an end somehow; unwinding is all that is left.
        assert!(process_may_go_on(self.processes[me].dead_calls), "a dead process goes on for ever");
        Err(IoError::Dead)
    }

    fn is_ready(&self, at: usize) -> bool {
        let process = &self.processes[at];
        let is_awake = process.waiting.as_ref().is_none_or(|waiting| {
            waiting.outstanding.any_done() || waiting.until_ns.is_some_and(|until| until <= self.clock_ns)
        });
        !process.finished && (process.dead || is_awake)
    }

    /// The others that could run, beginning behind `me`.
    fn others_ready(&self, me: usize) -> Vec<usize> {
        let count = self.processes.len();
        (1..count).map(|step| (me + step) % count).filter(|&at| self.is_ready(at)).collect()
    }

    /// Does what was aimed at this point, as far as it is not the call's own matter.
    fn take_aim(&mut self, me: usize) {
        self.armed_points += 1;
        self.aimed = self.options.aim.filter(|aim| aim.at == self.armed_points).map(|aim| aim.what);
        if self.aimed == Some(Mishap::Kill) {
            self.kill(me);
        }
    }

    fn next_to_run(&mut self, me: usize) -> Option<usize> {
        if self.processes.len() < 2 {
            return None;
        }
        if self.aimed.take_if(|aimed| *aimed == Mishap::Switch).is_some() {
            return self.others_ready(me).first().copied();
        }
        match self.options.strategy {
            Strategy::Random => {
                let rate = self.options.rates.switch;
                if rate == 0 {
                    return None;
                }
                let others = self.others_ready(me);
                let actor = self.actor(me);
                let chosen = self.decisions.rarely(actor, Kind::Switch, rate, others.len() as u64);
                others.get(usize::try_from(chosen).ok()?.checked_sub(1)?).copied()
            }
            Strategy::Priorities { changes_per_million } => {
                if self.decisions.chance(WORLD, Kind::Priority, changes_per_million) {
                    let lowest = self.processes.iter().map(|process| process.priority).min().unwrap_or(1);
                    self.processes[me].priority = lowest.saturating_sub(1);
                }
                let others = self.others_ready(me);
                let best =
                    others.into_iter().max_by_key(|&at| (self.processes[at].priority, usize::MAX - at))?;
                (self.processes[best].priority > self.processes[me].priority).then_some(best)
            }
        }
    }

    /// Lets the clock go on to the next moment that somebody waits for. `false` where nobody does.
    fn pass_time(&mut self) -> bool {
        let waits = self.processes.iter().filter(|process| !process.finished);
        let untils = waits.filter_map(|process| process.waiting.as_ref()?.until_ns);
        let next =
            self.timers.iter().map(|timer| timer.at_ns).chain(untils).filter(|&at| at > self.clock_ns).min();
        let Some(next) = next else { return false };
        self.clock_ns = next;
        self.fire_timers();
        true
    }

    /// The process to go on with when the present one has ended: time passes and operations land until one can.
    fn next_alive(&mut self, me: usize) -> Option<usize> {
        let start = if me == usize::MAX { 0 } else { me };
        loop {
            if self.processes.iter().all(|process| process.finished) {
                return None;
            }
            let count = self.processes.len();
            if let Some(at) = (0..count).map(|step| (start + step) % count).find(|&at| self.is_ready(at)) {
                return Some(at);
            }
            if !self.land_one() && !self.pass_time() {
                self.violations.push("all processes wait for something that nobody does".into());
                self.cut_power();
            }
        }
    }

    fn watch(&mut self) {
        if self.options.watch && self.armed && self.disk.version() != self.watched_version {
            self.watched_version = self.disk.version();
            self.crash_points.push(CrashPoint { disk: self.disk.clone(), notes: self.notes });
        }
    }

    fn kill(&mut self, me: usize) {
        self.trace.note(self.clock_ns, me, Call::Kill, (0, 0, 0), || "killed".into());
        self.tally.faults += 1;
        *self.tally.by_fault.entry("kill").or_default() += 1;
        self.saved_regions = Some(self.copy_regions());
        self.processes[me].dead = true;
        self.drop_flights(Some(me));
        let open: Vec<u64> = self
            .handles
            .iter()
            .filter(|(_, handle)| handle.process == me)
            .map(|(&number, _)| number)
            .collect();
        open.into_iter().for_each(|number| self.close(number));
    }

    /// The power goes: the disk stays as it is now, and every process is dead.
    pub(crate) fn cut_power(&mut self) {
        if self.power_cut {
            return;
        }
        let now = self.clock_ns;
        self.trace.note(now, self.running.unwrap_or(0), Call::PowerCut, (0, 0, 0), || "power cut".into());
        self.tally.faults += 1;
        *self.tally.by_fault.entry("power cut").or_default() += 1;
        self.drop_flights(None);
        self.power_cut = true;
        self.handles.clear();
        self.shared.clear();
        self.processes.iter_mut().filter(|process| !process.finished).for_each(|process| process.dead = true);
    }
}

fn process_may_go_on(dead_calls: u32) -> bool {
    // While a panic unwinds, destructors make a few calls more, and must be let.
    dead_calls < DEAD_CALLS_MAX || std::thread::panicking()
}
