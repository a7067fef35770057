//! The world outside Kernite: files, locks, shared memory, clock, randomness and sleeping, behind one small trait.
//!
//! Everything that the engine cannot decide by itself reaches it through [`Io`]. A backend is a value, never a global: a
//! simulator makes worlds by the thousand in one process, and two of them must not leak into each other.
//!
//! What may touch the disk returns [`Pending`]: done at once, or queued with a [`Completion`] that is polled and that
//! wakes its waiters. Engine code above is written in steps ([`Step`]): `Ok(None)` means that the connection waits for a
//! queued operation or a timer, and that the same call has to be made again once it progressed.
//!
//! Buffers are owned and lent: a [`Buffer`] handed to a backend belongs to it until the completion arrives, whoever has
//! gone away meanwhile. Locks never wait; waiting is a timer.
//!
//! Rooms: `buffer` (counted page buffers), `completion` (pending operations and waking), `file` (the `File` and
//! `SharedMemory` traits), `world` (the `Io` trait), `hash` (deterministic hash maps), `process` (what a process shares), `error`;
//! the worlds `memory` and `syscall`, and over any of them `late` (answers late and out of order) and `fault` (fails on
//! demand). What worlds have in common: `levels` and `slots` (lock tables without system calls), `region`, `timers`, `path`,
//! `host` (the machine's clock and randomness), `seeded`. `planted` (bugs on purpose, in test builds). `conformance` holds every world to the same claims.
//!
//! Never: pages, SQL, retries of policy (a busy handler is above), process-wide mutable state.

pub mod buffer;
pub mod completion;
pub mod error;
pub mod fault;
pub mod file;
pub mod hash;
pub mod late;
pub mod memory;
pub mod planted;
pub mod process;
pub mod region;
pub mod seeded;
pub mod world;

#[cfg(test)]
mod conformance;

#[cfg(unix)]
pub mod syscall;

#[cfg(unix)]
mod host;
mod levels;
mod path;
mod slots;
mod timers;

pub use buffer::{Buffer, IoSlice};
pub use completion::{Completion, Outstanding, Pending, Signal};
pub use error::{IoError, IoOp};
pub use fault::FaultIo;
pub use file::{
    AccessMode, DeviceTraits, File, FileControl, FileId, FileKind, LockLevel, OpenFlags, OpenOutcome,
    SharedMemory, ShmLockMode, ShmRegion, ShmSlots,
};
pub use hash::{HashMap, HashSet};
pub use late::{LateIo, LateOptions};
pub use memory::MemoryIo;
pub use process::Process;
#[cfg(unix)]
pub use syscall::SyscallIo;
pub use world::{FileStat, Instant, Io, SharedIo, WallTime};

/// What a function that may touch storage returns.
///
/// `Ok(Some(v))`: done. `Ok(None)`: this connection waits for I/O or a timer; let it progress, then call again with the
/// same arguments. "No row" or "not found" is a value of `T`, never `Ok(None)`.
pub type Step<T, E = IoError> = Result<Option<T>, E>;

/// Unwraps a [`Step`], or returns from the calling step: with `Ok(None)` where it has to wait, with the error where it
/// failed (converted by `From`).
#[macro_export]
macro_rules! ready {
    ($step:expr) => {
        match $step? {
            Some(value) => value,
            None => return Ok(None),
        }
    };
}
