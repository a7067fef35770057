//! Waiting: operations that a script submitted, and how it finds their results when it is run again.
//!
//! A script has one operation under way at a time. At the call that submits it the result is there at once, or its completion is
//! kept here; at the next call of the same state the completion is asked again and nothing is submitted twice.
//!
//! ```text
//! wait.unit(|| file.sync(true))   1st call: submits, Ok(None)     2nd: Ok(None) or Ok(Some(()))
//! ```
//!
//! Always true: after `Ok(None)` the signal of what is waited for is in `outstanding`.
//! Never: knowing what the operation is for. A script's state says that.

use std::sync::Arc;

use kernite_io::{Buffer, Completion, FileStat, OpenOutcome, Outstanding, Pending};

use crate::Step;

type Slot<T> = Option<Arc<Completion<T>>>;

/// The operation that the script under way waits for, by the kind of its result.
#[derive(Default)]
pub(super) struct Waiter {
    pub(super) outstanding: Outstanding,
    unit: Slot<()>,
    bytes: Slot<(Buffer, usize)>,
    opened: Slot<OpenOutcome>,
    stat: Slot<Option<FileStat>>,
    length: Slot<u64>,
    removed: Slot<bool>,
}

fn poll<T>(
    slot: &mut Slot<T>,
    outstanding: &mut Outstanding,
    submit: impl FnOnce() -> Pending<T>,
) -> Step<T> {
    let completion = match slot.take() {
        Some(completion) => completion,
        None => match submit() {
            Pending::Done(result) => return Ok(Some(result?)),
            Pending::Queued(completion) => completion,
        },
    };
    if let Some(result) = completion.take() {
        return Ok(Some(result?));
    }
    outstanding.prune();
    outstanding.track(&completion);
    *slot = Some(completion);
    Ok(None)
}

impl Waiter {
    /// Whether nothing is waited for: so it is when a script is over. A result that nobody came for would be taken for that of the next operation.
    pub(super) fn is_idle(&self) -> bool {
        self.unit.is_none()
            && self.bytes.is_none()
            && self.opened.is_none()
            && self.stat.is_none()
            && self.length.is_none()
            && self.removed.is_none()
    }

    /// A write, sync, truncation or timer.
    pub(super) fn unit(&mut self, submit: impl FnOnce() -> Pending<()>) -> Step<()> {
        let done = poll(&mut self.unit, &mut self.outstanding, submit);
        if kernite_io::planted!(WriteNotAwaited) && matches!(done, Ok(None)) {
            self.unit = None;
            return Ok(Some(()));
        }
        done
    }

    /// A read.
    pub(super) fn bytes(
        &mut self,
        submit: impl FnOnce() -> Pending<(Buffer, usize)>,
    ) -> Step<(Buffer, usize)> {
        poll(&mut self.bytes, &mut self.outstanding, submit)
    }

    /// An open.
    pub(super) fn opened(&mut self, submit: impl FnOnce() -> Pending<OpenOutcome>) -> Step<OpenOutcome> {
        poll(&mut self.opened, &mut self.outstanding, submit)
    }

    /// A question about a path.
    pub(super) fn stat(
        &mut self,
        submit: impl FnOnce() -> Pending<Option<FileStat>>,
    ) -> Step<Option<FileStat>> {
        poll(&mut self.stat, &mut self.outstanding, submit)
    }

    /// A file's length.
    pub(super) fn length(&mut self, submit: impl FnOnce() -> Pending<u64>) -> Step<u64> {
        poll(&mut self.length, &mut self.outstanding, submit)
    }

    /// A removal.
    pub(super) fn removed(&mut self, submit: impl FnOnce() -> Pending<bool>) -> Step<bool> {
        poll(&mut self.removed, &mut self.outstanding, submit)
    }
}
