//! A history against the model: SQLite in memory, one connection, no faults.
//!
//! ```text
//! ledger of the recovered database:  t3  t1  t4        every statement of t3, then of t1, then of t4 runs on the model;
//! readers:                         ^0      ^2    ^3     readers that saw n tickets run behind the n-th
//! ```
//!
//! What the model gives must be what the clients saw, and what it holds in the end what the recovered database holds. So this one
//! oracle says that transactions are atomic, durable, isolated and right.
//!
//! Never: the order in which transactions were acknowledged; the ledger has the order in which they happened.

use std::collections::{BTreeMap, BTreeSet};

use super::Oracles;
use super::recovery::{Recovered, dump};
use crate::engine::{Engine, Rows, SqlError, SqliteEngine};
use crate::history::{Ending, LEDGER, Ran, Transaction};

/// Which acknowledged transactions may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Survival {
    /// None.
    All,
    /// The latest one.
    AllButOne,
    /// Any number of the latest ones.
    Prefix,
}

fn differs(ran: &Ran, model: &Result<Rows, SqlError>) -> Option<String> {
    let first = ran.sql.split_whitespace().next().unwrap_or_default();
    let changes_rows = matches!(first, "INSERT" | "UPDATE" | "DELETE" | "REPLACE" | "WITH");
    let what = match (&ran.outcome, model) {
        (Ok(seen), Ok(expected)) => {
            if seen.names != expected.names {
                format!("columns {:?} and not {:?}", seen.names, expected.names)
            } else if seen.rows != expected.rows {
                format!("rows {:?} and not {:?}", seen.rows, expected.rows)
            } else if changes_rows && seen.changes != expected.changes {
                format!("{} changes and not {}", seen.changes, expected.changes)
            } else {
                return None;
            }
        }
        (Err(seen), Err(expected)) if seen == expected => return None,
        (seen, expected) => {
            let told = |outcome: &Result<Rows, SqlError>| match outcome {
                Ok(rows) => format!("{} rows", rows.rows.len()),
                Err(error) => error.to_string(),
            };
            format!("{} and not {}", told(seen), told(expected))
        }
    };
    Some(format!("{}: {what}", ran.sql))
}

struct Model {
    engine: SqliteEngine,
    found: Vec<String>,
}

impl Model {
    fn new(schema: &[String]) -> Result<Model, SqlError> {
        let mut engine = SqliteEngine::in_memory()?;
        for sql in schema {
            engine.must(sql)?;
        }
        Ok(Model { engine, found: Vec::new() })
    }

    fn follow(&mut self, transaction: &Transaction) {
        for ran in &transaction.statements {
            let expected = self.engine.run(&ran.sql);
            if let Some(text) = differs(ran, &expected) {
                let kind = if transaction.ticket == 0 { "a reader" } else { "a transaction" };
                let Transaction { client, ticket, snapshot, .. } = transaction;
                self.found.push(format!(
                    "client {client}, {kind} (ticket {ticket}, snapshot {snapshot:?}): {text}"
                ));
            }
        }
    }

    fn write(&mut self, transaction: &Transaction) -> Result<(), SqlError> {
        self.engine.must("BEGIN")?;
        self.follow(transaction);
        self.engine.must(&format!("INSERT INTO {LEDGER}(ticket) VALUES({})", transaction.ticket))?;
        self.engine.must("COMMIT").map(drop)
    }

    fn read(&mut self, transaction: &Transaction) -> Result<(), SqlError> {
        self.engine.must("BEGIN")?;
        self.follow(transaction);
        self.engine.must("ROLLBACK").map(drop)
    }
}

/// Which acknowledged transactions are missing that must not be, and which are there that must not be.
fn check_survival(
    recovered: &Recovered,
    history: &[Transaction],
    survival: Survival,
    found: &mut Vec<String>,
) {
    let known: BTreeMap<i64, &Transaction> =
        history.iter().filter(|one| one.ticket != 0).map(|one| (one.ticket, one)).collect();
    let mut there = BTreeSet::new();
    for (at, (place, ticket)) in recovered.ledger.iter().enumerate() {
        if *place != at as i64 + 1 {
            found.push(format!("the ledger has a gap: place {place} follows {at} others"));
        }
        if !there.insert(*ticket) {
            found.push(format!("ticket {ticket} is in the ledger twice"));
        }
        match known.get(ticket) {
            None => found.push(format!("ticket {ticket} is in the ledger and nobody put it there")),
            Some(one) if one.ending == Ending::Undone => {
                found.push(format!("ticket {ticket} of client {} was undone and is there", one.client));
            }
            Some(_) => {}
        }
    }
    let last_place = recovered.ledger.len() as i64;
    let missing: Vec<&&Transaction> = known
        .values()
        .filter(|one| one.ending == Ending::Committed && !there.contains(&one.ticket))
        .collect();
    let allowed = match survival {
        Survival::All => 0,
        Survival::AllButOne => 1,
        Survival::Prefix => usize::MAX,
    };
    if missing.len() > allowed {
        let tickets: Vec<i64> = missing.iter().map(|one| one.ticket).collect();
        found.push(format!(
            "acknowledged transactions are missing ({survival:?} may be kept): tickets {tickets:?}"
        ));
    }
    for one in missing {
        if one.place.is_some_and(|place| place <= last_place) && survival != Survival::All {
            found.push(format!("ticket {} is missing although a later one is there", one.ticket));
        }
    }
}

/// Holds `recovered` against `history`. What does not fit, as texts.
pub fn check_history(
    recovered: &Recovered,
    history: &[Transaction],
    schema: &[String],
    survival: Survival,
    oracles: Oracles,
) -> Vec<String> {
    let mut found = Vec::new();
    if oracles.durability {
        check_survival(recovered, history, survival, &mut found);
    }
    if !oracles.model {
        return found;
    }
    match replay(recovered, history, schema) {
        Ok(differences) => found.extend(differences),
        Err(error) => found.push(format!("the model: {error}")),
    }
    found
}

fn replay(
    recovered: &Recovered,
    history: &[Transaction],
    schema: &[String],
) -> Result<Vec<String>, SqlError> {
    let mut model = Model::new(schema)?;
    let mut readers: BTreeMap<i64, Vec<&Transaction>> = BTreeMap::new();
    for one in history.iter().filter(|one| one.ticket == 0) {
        if let Some(snapshot) = one.snapshot {
            readers.entry(snapshot).or_default().push(one);
        }
    }
    for at in 0..=recovered.ledger.len() {
        if let Some((_, ticket)) = at.checked_sub(1).and_then(|at| recovered.ledger.get(at))
            && let Some(one) = history.iter().find(|one| one.ticket == *ticket)
        {
            model.write(one)?;
        }
        for reader in readers.get(&(at as i64)).into_iter().flatten() {
            model.read(reader)?;
        }
    }
    let expected = dump(&mut model.engine)?;
    if expected != recovered.dump {
        let here: BTreeSet<&String> = recovered.dump.iter().collect();
        let there: BTreeSet<&String> = expected.iter().collect();
        let some = |set: Vec<&&String>| set.into_iter().take(3).map(ToString::to_string).collect::<Vec<_>>();
        let (extra, lost) =
            (some(here.difference(&there).collect()), some(there.difference(&here).collect()));
        model
            .found
            .push(format!("the content is not that of its transactions: extra {extra:?}, missing {lost:?}"));
    }
    Ok(model.found)
}
