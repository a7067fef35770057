//! Frames: a program under way with its own registers and cursors, and how one calls another.
//!
//! A trigger or foreign-key action is a subprogram that runs in a frame of its own on the heap, so that recursion is bounded by a
//! limit and never by the native stack. While it runs, the frame that called it waits among the [`Caller`]s.
//!
//! Always true: the frame that runs is the machine's `frame`; `callers` is empty in the outermost program.
//!
//! Never: what happens to the statement when a frame fails (`end`).

use std::sync::Arc;

use crate::Error;
use crate::function::AuxData;
use crate::function::builtin::like::Pattern;
use crate::host::{Host, Storage};
use crate::op::{Addr, CollationId, Reg};
use crate::program::Program;
use crate::register::{Payload, Register};

use super::ephemeral::Stores;
use super::slot::Slot;
use super::{Machine, nulls};

/// SQLITE_LIMIT_TRIGGER_DEPTH.
const LIMIT_TRIGGER_DEPTH: u8 = 10;

/// One program under way.
pub(super) struct Frame {
    pub(super) program: Arc<Program>,
    pub(super) pc: usize,
    /// Register 0 is there and always NULL, so that numbers are indexes.
    pub(super) registers: Vec<Register>,
    pub(super) cursors: Vec<Slot>,
    /// Ephemeral tables and indexes, which several cursors may share.
    pub(super) stores: Stores,
    /// Which Once instructions have run; empty until the first does.
    pub(super) once: Vec<bool>,
    pub(super) auxdata: AuxDataTable,
}

impl Frame {
    pub(super) fn new(program: Arc<Program>) -> Frame {
        let mut cursors = Vec::new();
        cursors.resize_with(usize::from(program.cursor_count), Slot::default);
        Frame {
            pc: 0,
            registers: nulls(program.register_count as usize + 1),
            cursors,
            stores: Stores::default(),
            once: Vec::new(),
            auxdata: AuxDataTable::default(),
            program,
        }
    }

    /// Back to the state before the first instruction, keeping memory. The cursors are closed already.
    pub(super) fn clear(&mut self) {
        self.pc = 0;
        self.registers.iter_mut().for_each(Register::set_null);
        self.once.clear();
        self.auxdata.clear();
        self.stores.clear();
    }

    /// Lets go of the groups that got no value: an application's aggregate hears of it before the application hears of the error.
    pub(super) fn abandon_groups(&mut self) {
        let groups =
            self.registers.iter_mut().filter(|register| matches!(register.payload, Payload::Accumulator(_)));
        groups.for_each(Register::set_null);
    }

    /// Closes every cursor, the last one first: the next run opens the first one first, and finds it most easily where it was put last.
    pub(super) fn close_cursors(&mut self, storage: &mut Storage) {
        for slot in self.cursors.iter_mut().rev() {
            slot.close(storage);
        }
        self.stores.clear();
    }
}

/// Data that functions keep between calls, by the address of the call.
#[derive(Default)]
pub(super) struct AuxDataTable {
    entries: Vec<(u32, AuxData)>,
}

impl AuxDataTable {
    /// The data of the call at address `at`. There are few such calls in a program, and mostly one in a loop.
    pub(super) fn at(&mut self, at: u32) -> &mut AuxData {
        let found = self.entries.iter().position(|(known, _)| *known == at);
        let found = found.unwrap_or_else(|| {
            self.entries.push((at, AuxData::default()));
            self.entries.len() - 1
        });
        &mut self.entries[found].1
    }

    /// The pattern that an earlier call at this address has compiled.
    #[inline]
    pub(super) fn pattern(&self, at: u32) -> Option<&Pattern> {
        let (_, data) = self.entries.iter().find(|(known, _)| *known == at)?;
        data.pattern.as_deref()
    }

    fn clear(&mut self) {
        self.entries.clear();
    }
}

/// A frame that waits for the one that it called.
pub(super) struct Caller {
    pub(super) frame: Frame,
    /// First register of the arguments.
    pub(super) args: Reg,
    /// Where RAISE(IGNORE) in the called program goes.
    ignore: Addr,
    /// What a trigger must not change for the statement that fired it.
    run_changes: i64,
    changes: i64,
    last_insert_rowid: i64,
}

impl Machine {
    /// Enters a subprogram, unless it runs already and must not recurse.
    pub(super) fn enter(
        &mut self,
        sub: Arc<Program>,
        ignore: Addr,
        args: Reg,
        recursive_ok: bool,
        host: &mut dyn Host,
    ) -> Result<(), Error> {
        // The instruction is over for the caller whether the subprogram runs or not.
        self.frame.pc += 1;
        let is_same = |program: &Program| program.flags.trigger == sub.flags.trigger;
        let is_running =
            is_same(&self.frame.program) || self.callers.iter().any(|caller| is_same(&caller.frame.program));
        if !recursive_ok && is_running {
            return Ok(());
        }
        if self.callers.len() >= host.limit(LIMIT_TRIGGER_DEPTH).max(0) as usize {
            return Err(Error::message("triggers nested too deep"));
        }
        // The collation that waits for a function is a number of one program.
        self.run.collation = CollationId(0);
        let state = host.state();
        let frame = std::mem::replace(&mut self.frame, Frame::new(sub));
        self.callers.push(Caller {
            frame,
            args,
            ignore,
            run_changes: std::mem::take(&mut self.run.changes),
            changes: state.changes,
            last_insert_rowid: state.last_insert_rowid,
        });
        Ok(())
    }

    /// Goes back to the calling frame.
    pub(super) fn leave(&mut self, ignore: bool, storage: &mut Storage, host: &mut dyn Host) {
        let Some(caller) = self.callers.pop() else { return };
        let mut done = std::mem::replace(&mut self.frame, caller.frame);
        done.close_cursors(storage);
        self.run.collation = CollationId(0);
        if ignore {
            self.frame.pc = caller.ignore.0 as usize;
        }
        self.run.changes = caller.run_changes;
        let state = host.state_mut();
        state.changes = caller.changes;
        state.last_insert_rowid = caller.last_insert_rowid;
    }

    /// Drops all frames but the outermost: the statement ends.
    pub(super) fn unwind(&mut self, storage: &mut Storage, host: &mut dyn Host) {
        while !self.callers.is_empty() {
            self.leave(false, storage, host);
        }
    }
}
