//! Which operations fail, and what a faulty world remembers.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::{IoError, IoOp};
use crate::file::FileKind;

/// A set of operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpSet(u32);

const OP_COUNT: usize = IoOp::Wait as usize + 1;
const _: () = assert!(OP_COUNT < 32);

impl OpSet {
    /// Every operation.
    pub const ALL: OpSet = OpSet(u32::MAX);

    /// The operations named.
    pub const fn of(ops: &[IoOp]) -> OpSet {
        let mut bits = 0;
        let mut at = 0;
        while at < ops.len() {
            bits |= 1 << ops[at] as u32;
            at += 1;
        }
        OpSet(bits)
    }

    /// Whether `op` is in it.
    pub const fn contains(self, op: IoOp) -> bool {
        self.0 & (1 << op as u32) != 0
    }
}

/// A set of kinds of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KindSet(u32);

impl KindSet {
    /// The kinds named.
    pub const fn of(kinds: &[FileKind]) -> KindSet {
        let mut bits = 0;
        let mut at = 0;
        while at < kinds.len() {
            bits |= 1 << kinds[at] as u32;
            at += 1;
        }
        KindSet(bits)
    }

    /// Whether `kind` is in it.
    pub const fn contains(self, kind: FileKind) -> bool {
        self.0 & (1 << kind as u32) != 0
    }
}

/// How an operation fails.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Nothing happens, and it fails.
    Fail(IoError),
    /// It happens, and fails all the same.
    FailAfter(IoError),
    /// The first bytes of a write arrive. Any other operation fails as by `Fail`.
    ShortWrite { keep_bytes: usize, error: IoError },
    /// The world dies before it happens.
    Die,
    /// The world dies after it happened.
    DieAfter,
}

/// Operations that shall fail.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Which operations.
    pub ops: OpSet,
    /// On which files; `None`: on all, and on paths (`Stat`, `Remove`, `SyncDir`, `Canonical`), which have no kind.
    pub kinds: Option<KindSet>,
    /// So many of them pass first.
    pub skip: u64,
    /// So many fail then; `u64::MAX`: from there on all.
    pub times: u64,
    /// How.
    pub outcome: Outcome,
}

impl Fault {
    /// One of `ops` fails with `error`: the one that `skip` others precede.
    pub fn nth(ops: OpSet, skip: u64, error: IoError) -> Fault {
        Fault { ops, kinds: None, skip, times: 1, outcome: Outcome::Fail(error) }
    }
}

#[derive(Default)]
struct State {
    faults: Vec<Fault>,
    counts: [u64; OP_COUNT],
    struck: u64,
    /// Bytes by which files may still grow.
    room: Option<u64>,
}

/// What the handles of a faulty world share.
#[derive(Default)]
pub(super) struct Ledger {
    state: Mutex<State>,
    dead: AtomicBool,
}

impl Ledger {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn inject(&self, fault: Fault) {
        self.state().faults.push(fault);
    }

    pub(super) fn heal(&self) {
        let mut state = self.state();
        state.faults.clear();
        state.room = None;
    }

    pub(super) fn die(&self) {
        self.dead.store(true, Ordering::Release);
    }

    pub(super) fn is_dead(&self) -> bool {
        self.dead.load(Ordering::Acquire)
    }

    pub(super) fn count(&self, ops: OpSet) -> u64 {
        let state = self.state();
        state.counts.iter().enumerate().filter(|(op, _)| ops.0 & (1 << op) != 0).map(|(_, count)| count).sum()
    }

    pub(super) fn struck(&self) -> u64 {
        self.state().struck
    }

    /// Counts an operation and tells how it fails, if it does.
    pub(super) fn decide(&self, op: IoOp, kind: Option<FileKind>) -> Option<Outcome> {
        if self.is_dead() {
            return Some(Outcome::Fail(IoError::Dead));
        }
        let mut state = self.state();
        state.counts[op as usize] += 1;
        let mut decided = None;
        for fault in &mut state.faults {
            let of_kind = fault.kinds.is_none_or(|kinds| kind.is_some_and(|kind| kinds.contains(kind)));
            if !fault.ops.contains(op) || !of_kind {
                continue;
            }
            if fault.skip > 0 {
                fault.skip -= 1;
            } else if fault.times > 0 && decided.is_none() {
                fault.times -= u64::from(fault.times != u64::MAX);
                decided = Some(fault.outcome.clone());
            }
        }
        state.struck += u64::from(decided.is_some());
        decided
    }

    pub(super) fn set_room(&self, bytes: Option<u64>) {
        self.state().room = bytes;
    }

    pub(super) fn has_limit(&self) -> bool {
        self.state().room.is_some()
    }

    /// Takes up to `bytes` of what is left. How much that was.
    pub(super) fn take_room(&self, bytes: u64) -> u64 {
        let mut state = self.state();
        let Some(room) = &mut state.room else { return bytes };
        let taken = bytes.min(*room);
        *room -= taken;
        taken
    }

    pub(super) fn give_room(&self, bytes: u64) {
        if let Some(room) = &mut self.state().room {
            *room = room.saturating_add(bytes);
        }
    }
}
