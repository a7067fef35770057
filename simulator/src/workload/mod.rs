//! Workloads: what clients do, as plans of transactions that chance fills in.
//!
//! A plan's statements are plain SQL without parameters: a shrunk run is then a script that a person can read, and the model runs the
//! very same text. Statements must give the same on the same state: no `random()`, no clock.
//!
//! Rooms: `bank`, `queue`, `keys`, `blobs` (with an invariant each), `pair` (two attached files), `mixture` (schema changes, savepoints,
//! maintenance), `generated` (whatever the generator of SQL comes up with), `script` (a user's own SQL files).
//! Never: knowing how it went.

mod bank;
mod blobs;
mod generated;
mod keys;
mod mixture;
mod pair;
mod queue;
mod script;

pub use script::Script;

use crate::decide::Kind;
use crate::world::World;

/// Chooses values for a client.
pub struct Chooser<'a> {
    pub world: &'a World,
    pub client: u8,
}

impl Chooser<'_> {
    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.world.choose(self.client, Kind::Workload, bound)
    }

    /// One of `choices`.
    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }
}

/// How a transaction begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    Deferred,
    Immediate,
    Exclusive,
    /// It only reads.
    Read,
    /// No transaction: statements that change nothing that a query can see, such as VACUUM.
    Alone,
}

impl Begin {
    /// The statement.
    pub fn sql(self) -> &'static str {
        match self {
            Begin::Deferred | Begin::Read => "BEGIN",
            Begin::Immediate => "BEGIN IMMEDIATE",
            Begin::Exclusive => "BEGIN EXCLUSIVE",
            Begin::Alone => "",
        }
    }
}

/// One transaction to run.
#[derive(Clone, Debug)]
pub struct Plan {
    pub begin: Begin,
    pub statements: Vec<String>,
    /// Before which statement the ticket is taken.
    pub ticket_at: usize,
    pub rolls_back: bool,
}

impl Plan {
    /// A transaction that writes; chance says how it begins and, seldom, that it is rolled back.
    pub fn write(chooser: &mut Chooser<'_>, statements: Vec<String>) -> Plan {
        let begin = chooser.pick(&[Begin::Immediate, Begin::Deferred, Begin::Immediate, Begin::Exclusive]);
        let ticket_at = chooser.below(statements.len() as u64 + 1) as usize;
        Plan { begin, statements, ticket_at, rolls_back: chooser.below(10) == 9 }
    }

    /// A transaction that only reads.
    pub fn read(statements: Vec<String>) -> Plan {
        Plan { begin: Begin::Read, statements, ticket_at: usize::MAX, rolls_back: false }
    }

    /// Statements outside of transactions.
    pub fn alone(statements: Vec<String>) -> Plan {
        Plan { begin: Begin::Alone, statements, ticket_at: usize::MAX, rolls_back: false }
    }
}

/// A query and what it gives in every committed state.
pub struct Invariant {
    pub sql: &'static str,
    pub expected: i64,
}

/// A second database.
#[derive(Clone, Copy, Debug)]
pub struct Attached {
    pub name: &'static str,
    pub path: &'static str,
}

impl Attached {
    /// The statement that attaches it, or in the model's case an empty one in its place.
    pub fn sql(&self, is_model: bool) -> String {
        format!("ATTACH '{}' AS {}", if is_model { ":memory:" } else { self.path }, self.name)
    }
}

/// What clients do.
pub trait Workload: Sync {
    /// Its name.
    fn name(&self) -> &'static str;

    /// The database that every connection attaches.
    fn attached(&self) -> Option<Attached> {
        None
    }

    /// The statements that make its tables.
    fn schema(&self) -> Vec<String>;

    /// The next transaction of a client.
    fn plan(&self, chooser: &mut Chooser<'_>) -> Plan;

    /// What holds in every committed state.
    fn invariants(&self) -> Vec<Invariant> {
        Vec::new()
    }
}

/// The workloads by their names, but for the generated one.
pub const NAMES: [&str; 6] = ["bank", "keys", "queue", "blobs", "mixture", "pair"];

/// The workload that is generated.
pub const GENERATED: &str = "generated";

/// The workload called `name`; `seed` is for the one that is generated.
pub fn by_name(name: &str, seed: u64) -> Option<Box<dyn Workload>> {
    Some(match name {
        "bank" => Box::new(bank::Bank),
        "keys" => Box::new(keys::Keys),
        "queue" => Box::new(queue::Queue),
        "blobs" => Box::new(blobs::Blobs),
        "mixture" => Box::new(mixture::Mixture),
        GENERATED => Box::new(generated::Generated::new(seed)),
        "pair" => Box::new(pair::Pair),
        _ => return None,
    })
}
