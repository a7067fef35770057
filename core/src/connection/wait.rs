//! Waiting for I/O: how a blocking call gets a step done.

use std::cell::RefCell;

use kernite_io::Outstanding;
use kernite_vdbe::{Error, Step};

use super::busy::BusyWait;
use super::prepare::ask_busy;
use super::state::State;

impl State {
    /// What the connection waits for after `Ok(None)`.
    pub(crate) fn outstanding(&self) -> Outstanding {
        let mut all = Outstanding::new();
        for btree in self.storage.databases.iter().flatten() {
            all.extend(btree.outstanding());
        }
        all.extend(&self.storage.outstanding);
        self.host.commit.outstanding().for_each(|outstanding| all.extend(outstanding));
        if let Some(vacuum) = &self.host.vacuum {
            all.extend(vacuum.target.outstanding());
        }
        all
    }
}

impl State {
    /// Forgets what is over: whoever waited for it asks the operation itself. A signal kept longer would end every later wait at once, and a
    /// wait for a lock would spin instead of sleeping.
    fn forget_done(&mut self) {
        self.storage.databases.iter_mut().flatten().for_each(|btree| btree.forget_done());
        self.storage.outstanding.prune();
        self.host.commit.forget_done();
    }
}

/// Calls `step` until it is done, waiting in between. The state must not be borrowed.
pub(crate) fn block_on<T>(state: &RefCell<State>, mut step: impl FnMut() -> Step<T>) -> Result<T, Error> {
    loop {
        if let Some(done) = step()? {
            return Ok(done);
        }
        wait_for(state, &BusyWait::default())?;
    }
}

/// Waits until something that the connection, or a wait for a lock, waits for is done.
pub(crate) fn wait_for(state: &RefCell<State>, busy: &BusyWait) -> Result<(), Error> {
    let (io, mut outstanding) = {
        let state = state.borrow();
        (state.host.io.clone(), state.outstanding())
    };
    busy.track(&mut outstanding);
    io.flush();
    io.wait(&outstanding, None).map_err(|error| Error::Storage(error.into()))?;
    state.borrow_mut().forget_done();
    Ok(())
}

/// As [`block_on`]; where a lock is in the way the busy handler is asked.
pub(crate) fn block_on_lock<T>(
    state: &RefCell<State>,
    mut step: impl FnMut() -> Step<T>,
) -> Result<T, Error> {
    const BUSY: i32 = 5;
    let mut wait = BusyWait::default();
    loop {
        let error = match block_on(state, &mut step) {
            Err(error) if error.code() == BUSY => error,
            done => return done,
        };
        loop {
            match ask_busy(state, &mut wait)? {
                Some(true) => break,
                Some(false) => return Err(error),
                None => wait_for(state, &wait)?,
            }
        }
    }
}
