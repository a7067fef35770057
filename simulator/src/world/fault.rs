//! Which calls fail, and how.
//!
//! Never: a fault that the system could not show: closing and giving locks back do not fail, and a process that died hears nothing.

use kernite_io::{IoError, IoOp};

use crate::decide::Kind;
use crate::trace::Call;

use super::state::{Mishap, State};

/// How often things happen, in a million decision points (`switch`, `kill`, `power_cut`, `land`) or calls (the others).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    pub switch: u32,
    pub kill: u32,
    pub power_cut: u32,
    /// A queued operation lands while its process does something else.
    pub land: u32,
    /// An operation is queued rather than done at once.
    pub late: u32,
    pub read_error: u32,
    pub write_error: u32,
    pub full: u32,
    pub sync_error: u32,
    /// Of opening, removing, measuring, cutting files.
    pub name_error: u32,
    pub lock_error: u32,
    pub no_memory: u32,
    pub clock_jump: u32,
}

const EIO: i32 = 5;

impl State {
    /// Whether this call of `process` fails, and with what. Written down where it does.
    pub(super) fn fault(&mut self, process: usize, call: Call, place: u64, len: usize) -> Option<IoError> {
        if !self.armed || self.faults_left == 0 {
            return None;
        }
        let rates = self.options.rates;
        let (rate, op) = match call {
            Call::Read => (rates.read_error, IoOp::Read),
            Call::Write => (rates.write_error, IoOp::Write),
            Call::Sync => (rates.sync_error, IoOp::Sync),
            Call::SyncDir => (rates.sync_error, IoOp::SyncDir),
            Call::Truncate => (rates.name_error, IoOp::Truncate),
            Call::Length => (rates.name_error, IoOp::Length),
            Call::Stat => (rates.name_error, IoOp::Stat),
            Call::Open => (rates.name_error, IoOp::Open),
            Call::Remove => (rates.name_error, IoOp::Remove),
            Call::Lock => (rates.lock_error, IoOp::Lock),
            Call::Reserved => (rates.lock_error, IoOp::CheckReservedLock),
            Call::ShmMap => (rates.lock_error, IoOp::ShmMap),
            Call::ShmLock => (rates.lock_error, IoOp::ShmLock),
            _ => return None,
        };
        let actor = self.processes[process].client;
        let grows = matches!(call, Call::Write | Call::Truncate);
        let aimed = self.aimed.take_if(|aimed| *aimed == Mishap::Fail || *aimed == Mishap::Full && grows);
        let error = if aimed == Some(Mishap::Full) {
            IoError::Full
        } else if aimed.is_some() || self.decisions.chance(actor, Kind::Fault, rate) {
            if call == Call::Open {
                IoError::CannotOpen { errno: EIO, is_directory: false }
            } else {
                IoError::os(op, place, len, EIO)
            }
        } else if grows && self.decisions.chance(actor, Kind::Fault, rates.full) {
            IoError::Full
        } else if matches!(call, Call::Read | Call::Open | Call::ShmMap)
            && self.decisions.chance(actor, Kind::Fault, rates.no_memory)
        {
            IoError::NoMemory
        } else {
            return None;
        };
        self.faults_left -= 1;
        self.tally.faults += 1;
        *self.tally.by_fault.entry(fault_name(call, &error)).or_default() += 1;
        let text = error.to_string();
        self.trace.note(self.clock_ns, process, Call::Fault, (0, place, len as u64), || text);
        Some(error)
    }
}

fn fault_name(call: Call, error: &IoError) -> &'static str {
    match (call, error) {
        (_, IoError::Full) => "no space",
        (_, IoError::NoMemory) => "no memory",
        (Call::Sync | Call::SyncDir, _) => "failed sync",
        (Call::Read, _) => "failed read",
        (Call::Write, _) => "failed write",
        (Call::Lock | Call::Reserved | Call::ShmMap | Call::ShmLock, _) => "failed lock",
        _ => "failed name",
    }
}
