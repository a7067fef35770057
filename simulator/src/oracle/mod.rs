//! Oracles: what must hold of a history and of every disk that it may leave behind.
//!
//! | oracle | what it says |
//! |---|---|
//! | `model` | every statement of every surviving transaction, run again in ledger order on SQLite in memory, gives what the client saw; a reading transaction saw one state |
//! | `order` | transactions that do not overlap in time are in the ledger in the order in which they happened, and readers see those before them |
//! | `durability` | acknowledged transactions are there, undone ones are not, one in flight is there whole or not at all |
//! | `dual` | Kernite and SQLite recover the same disk to the same content, and accept the next transaction |
//! | `integrity` | `integrity_check` of both, and the workload's invariants |
//! | `quiescence` | nobody left a file open, a lock held, a temporary file behind |
//! | `independence` | the same statements leave the same file, however calls were queued and whatever the cache held |
//!
//! Rooms: `recovery` (opening a disk with either engine), `model` (running a history again), `independence`.
//! Never: knowing which faults there were, but for whether power was lost: that decides what may be missing.

mod independence;
mod model;
mod recovery;

pub use independence::check_independence;
pub use model::{Replayed, Survival, check_history};
pub use recovery::{Recovered, recover};

/// Which oracles speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Oracles {
    pub model: bool,
    pub order: bool,
    pub durability: bool,
    pub dual: bool,
    pub integrity: bool,
    pub quiescence: bool,
    pub independence: bool,
}

impl Oracles {
    /// All of them.
    pub const ALL: Oracles = Oracles {
        model: true,
        order: true,
        durability: true,
        dual: true,
        integrity: true,
        quiescence: true,
        independence: true,
    };

    /// Switches one off by its name; `false` where there is none of it.
    pub fn switch_off(&mut self, name: &str) -> bool {
        let which = match name {
            "model" => &mut self.model,
            "order" => &mut self.order,
            "durability" => &mut self.durability,
            "dual" => &mut self.dual,
            "integrity" => &mut self.integrity,
            "quiescence" => &mut self.quiescence,
            "independence" => &mut self.independence,
            _ => return false,
        };
        *which = false;
        true
    }
}
