//! Scripts: sequences of durable effects, owned by the pager until they are over.
//!
//! A script that has to wait is kept in the pager's slot and goes on at the next call. Whoever calls next drives it, whether or not it
//! is what the caller came for: dropping a future never drops a script half-way. What it promised to undo on failure it undoes
//! there as well, since nobody may be left who asks for its result.
//!
//! Always true: at most one script is under way per pager.
//! Never: effects of its own.

use super::Pager;
use super::begin::Begin;
use super::close::Close;
use super::commit::{Finish, Prepare};
use super::journal::mode::SetMode;
use super::rollback::Rollback;
use super::spill::Spill;
use super::wal::checkpoint::Checkpoint;
use crate::{Error, Step};

/// A script under way.
pub(super) enum Script {
    Begin(Begin),
    Prepare(Prepare),
    Finish(Finish),
    Rollback(Rollback),
    Spill(Spill),
    /// Rolls back to this level.
    Restore(usize),
    Checkpoint(Checkpoint),
    SetMode(SetMode),
    Close(Close),
}

impl Script {
    fn step(&mut self, pager: &mut Pager) -> Step<()> {
        match self {
            Script::Begin(script) => script.step(pager),
            Script::Prepare(script) => script.step(pager),
            Script::Finish(script) => script.step(pager),
            Script::Rollback(script) => script.step(pager),
            Script::Spill(script) => script.step(pager),
            Script::Restore(at) => pager.restore_level(*at),
            Script::Checkpoint(script) => script.step(pager),
            Script::SetMode(script) => script.step(pager),
            Script::Close(script) => script.step(pager),
        }
    }

    fn failed(&mut self, pager: &mut Pager, error: &Error) {
        match self {
            Script::Begin(script) => script.failed(pager),
            Script::Spill(_) | Script::Restore(_) | Script::Finish(_) => pager.enter_error_state(error),
            Script::Rollback(_) => pager.give_up_transaction(),
            Script::Prepare(_) | Script::Checkpoint(_) | Script::SetMode(_) | Script::Close(_) => {}
        }
    }
}

impl Pager {
    /// Runs the script that `start` makes. One that was left behind by an earlier call is driven to its end first, and its error is nobody's:
    /// what it means for the transaction is in the pager's state.
    pub(super) fn drive(
        &mut self,
        start: impl FnOnce() -> Script,
        is_same: impl Fn(&Script) -> bool,
    ) -> Step<()> {
        if let Some(left) = self.script.take() {
            let same = is_same(&left);
            match self.run(left) {
                Ok(None) => return Ok(None),
                result if same => return result,
                Ok(Some(())) | Err(_) => {}
            }
        }
        self.run(start())
    }

    fn run(&mut self, mut script: Script) -> Step<()> {
        let result = script.step(self);
        debug_assert!(matches!(result, Ok(None)) || self.wait.is_idle());
        match result {
            Ok(None) => {
                self.script = Some(script);
                Ok(None)
            }
            Err(error) => {
                script.failed(self, &error);
                Err(error)
            }
            Ok(Some(())) => Ok(Some(())),
        }
    }
}
