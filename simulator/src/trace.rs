//! The trace: what happened, as a rolling hash, and as a list where someone wants to look.
//!
//! Two runs with equal hashes made the same calls in the same order with the same results. Only what is the same on every machine goes
//! in: no address, no clock but the simulated one.
//!
//! Never: the cost of a list when nobody asked for it.

use std::fmt;

/// A call that a process made of its world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Call {
    Open,
    Close,
    Stat,
    Remove,
    SyncDir,
    Read,
    Write,
    Sync,
    Truncate,
    Length,
    Lock,
    Reserved,
    ShmMap,
    ShmLock,
    ShmUnlock,
    ShmBarrier,
    ShmClose,
    Wait,
    Sleep,
    /// A queued operation came to its end.
    Complete,
    /// Not a call: an operation failed on purpose.
    Fault,
    /// Not a call: the process was killed.
    Kill,
    /// Not a call: the power went.
    PowerCut,
    /// Not a call: a note of a client.
    Note,
}

impl Call {
    /// The number of kinds.
    pub const COUNT: usize = Call::Note as usize + 1;

    /// A short name.
    pub fn name(self) -> &'static str {
        match self {
            Call::Open => "open",
            Call::Close => "close",
            Call::Stat => "stat",
            Call::Remove => "remove",
            Call::SyncDir => "sync-dir",
            Call::Read => "read",
            Call::Write => "write",
            Call::Sync => "sync",
            Call::Truncate => "truncate",
            Call::Length => "length",
            Call::Lock => "lock",
            Call::Reserved => "reserved",
            Call::ShmMap => "shm-map",
            Call::ShmLock => "shm-lock",
            Call::ShmUnlock => "shm-unlock",
            Call::ShmBarrier => "shm-barrier",
            Call::ShmClose => "shm-close",
            Call::Wait => "wait",
            Call::Sleep => "sleep",
            Call::Complete => "complete",
            Call::Fault => "fault",
            Call::Kill => "kill",
            Call::PowerCut => "power-cut",
            Call::Note => "note",
        }
    }
}

/// One thing that happened.
#[derive(Clone, Debug)]
pub struct Event {
    /// The simulated time in nanoseconds.
    pub at_ns: u64,
    /// The process.
    pub process: usize,
    pub call: Call,
    /// The file by its number, 0 where there is none.
    pub file: u64,
    /// Offset, lock level or slot.
    pub place: u64,
    /// Length or mode.
    pub len: u64,
    /// What a person reads: a path, a fault, a statement.
    pub text: String,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Event { at_ns, process, call, file, place, len, text } = self;
        write!(f, "{:>9}us p{process} {:<11}", at_ns / 1000, call.name())?;
        if *file != 0 {
            write!(f, " file {file} at {place} len {len}")?;
        }
        if !text.is_empty() {
            write!(f, " {text}")?;
        }
        Ok(())
    }
}

/// The trace of one world.
#[derive(Default)]
pub struct Trace {
    hash: u64,
    counts: [u64; Call::COUNT],
    events: Option<Vec<Event>>,
}

/// Events kept at most: a run that goes on for ever shall not take all memory.
const EVENTS_MAX: usize = 2_000_000;

impl Trace {
    /// A trace that keeps its events if `record`.
    pub fn new(record: bool) -> Trace {
        Trace { hash: 0, counts: [0; Call::COUNT], events: record.then(Vec::new) }
    }

    /// The hash of everything so far.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// How often each call was made, by `Call as usize`.
    pub fn counts(&self) -> &[u64; Call::COUNT] {
        &self.counts
    }

    /// The events, where they are kept.
    pub fn events(&self) -> &[Event] {
        self.events.as_deref().unwrap_or_default()
    }

    /// Mixes a word into the hash.
    #[inline]
    pub fn mix(&mut self, word: u64) {
        // Multiply and rotate: not to withstand an enemy, only to differ where runs differ.
        self.hash = (self.hash.rotate_left(7) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    /// Writes an event down. `text` is only made where events are kept.
    #[inline]
    pub fn note(
        &mut self,
        at_ns: u64,
        process: usize,
        call: Call,
        (file, place, len): (u64, u64, u64),
        text: impl FnOnce() -> String,
    ) {
        self.counts[call as usize] += 1;
        self.mix(at_ns ^ ((process as u64) << 56) ^ ((call as u64) << 48));
        self.mix(file.rotate_left(40) ^ place ^ len.rotate_left(20));
        if let Some(events) = &mut self.events
            && events.len() < EVENTS_MAX
        {
            events.push(Event { at_ns, process, call, file, place, len, text: text() });
        }
    }
}
