//! What clients did and saw: every transaction with its statements, their outcomes and how it ended.
//!
//! Each transaction that writes puts a *ticket* into the table [`LEDGER`]. The table's rowids have no gaps and follow the commits, so
//! whatever database is found later says by itself which transactions it holds and in which order they happened.
//!
//! Never: judging. That is `oracle`.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::engine::{Rows, SqlError};

/// The table of tickets.
pub const LEDGER: &str = "sim_ledger";

/// A statement and what it gave.
#[derive(Clone, Debug)]
pub struct Ran {
    pub sql: String,
    pub outcome: Result<Rows, SqlError>,
}

/// How a transaction ended, as far as its client knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The commit was acknowledged.
    Committed,
    /// It never came to a commit, or was rolled back.
    Undone,
    /// The commit failed, or the client died in it.
    Unknown,
}

/// One transaction.
#[derive(Clone, Debug)]
pub struct Transaction {
    pub client: u8,
    /// What it put into the ledger; 0 for one that only reads.
    pub ticket: i64,
    /// Its place in the ledger, as its INSERT said.
    pub place: Option<i64>,
    /// The ledger's length that a reading transaction saw first.
    pub snapshot: Option<i64>,
    pub statements: Vec<Ran>,
    pub ending: Ending,
    /// How many notes there were when it began; 0 where that was in an earlier life of the disk.
    pub began_at: usize,
    /// The number of the client's note that acknowledged it.
    pub acknowledged_at: usize,
}

/// All transactions of a run, in the order in which they ended.
#[derive(Default)]
pub struct History {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    tickets: i64,
    statements: u64,
    transactions: Vec<Transaction>,
}

impl History {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A ticket that nobody had.
    pub fn ticket(&self) -> i64 {
        let mut inner = self.inner();
        inner.tickets += 1;
        inner.tickets
    }

    /// Adds a transaction that ended.
    pub fn add(&self, transaction: Transaction) {
        let mut inner = self.inner();
        inner.statements += transaction.statements.len() as u64;
        inner.transactions.push(transaction);
    }

    /// Statements run so far.
    pub fn statements(&self) -> u64 {
        self.inner().statements
    }

    /// All transactions so far.
    pub fn transactions(&self) -> Vec<Transaction> {
        self.inner().transactions.clone()
    }

    /// What is there now has been recovered from a disk: it is committed, whatever its client knew.
    pub fn settle(&self) {
        for one in &mut self.inner().transactions {
            one.ending = Ending::Committed;
            (one.began_at, one.acknowledged_at) = (0, 0);
        }
    }

    /// Forgets all but what `kept` says: the database went on from a state that does not hold the others.
    pub fn retain(&self, kept: impl Fn(&Transaction) -> bool) {
        self.inner().transactions.retain(kept);
    }
}
