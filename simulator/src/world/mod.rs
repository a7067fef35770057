//! The world: one simulated disk, one clock and the processes that live with them, all of it decided by a list of decisions.
//!
//! One process runs at a time. Every call that it makes of its world is a *decision point*: there the world may hand the baton to
//! another process, let a queued operation land, fail the call, kill the process or cut the power. Nothing else happens anywhere, so
//! a run is its decisions and nothing but them.
//!
//! ```text
//! process thread --call--> point: [dead?] [clock, trace] [power cut] [kill] [something lands] [switch] --> the call's effect
//! ```
//!
//! Rooms: `disk` (bytes, names, what is durable), `loss` (power loss), `locks`, `state` (all that a world is made of, and what the
//! calls do), `fault` (which calls fail), `schedule` (points, the baton, waiting, death), `flight` (queued operations), `io` and
//! `file` (the world as an `Io`).
//!
//! Never: SQL.

pub mod disk;
mod fault;
mod file;
mod flight;
mod io;
pub mod locks;
pub mod loss;
pub mod schedule;
mod shm;
pub mod state;

pub use fault::Rates;
pub use io::SimIo;
pub use schedule::Strategy;
pub use state::{Aim, CrashPoint, Lie, Mishap, Options, Outcome, Tally, World};
